/*
 * unit.h: the unit of work of one flush, for the files of this folder.
 *
 * Invariant: until mr_flush_publish nothing here changes an entity: what its row has or will have and the
 * entity does not know yet (generated keys, defaults, foreign keys of its parents) is staged in its
 * operation.
 */
#ifndef MOONROW_FLUSH_UNIT_H
#define MOONROW_FLUSH_UNIT_H

#include <moonrow/flush.h>

typedef struct flush_class flush_class;
typedef struct flush_op flush_op;
typedef struct flush_statement flush_statement;

enum { FLUSH_NO_COLUMN = UINT16_MAX };

/* ---------------------------------------------------------------- what is known of a class (class.c) */

typedef struct flush_column {
    mr_column *column;
    const mr_type *type;
    const char *what; /* "User.email", interned */
    uint16_t slot;
    bool key;     /* of the primary key */
    bool checked; /* its type limits length or choice */
} flush_column;

/* Counted: a flush that runs keeps the one it began with, also when the mappings change meanwhile. */
struct flush_class {
    uint32_t refs;
    mr_env *env;
    mr_mapper *mapper;
    uint64_t version;   /* of the registry when this was made */
    uint32_t rank;      /* of the root class's table among all: referred ones first */
    uint32_t component; /* classes of tables that refer to each other in a cycle have the same */
    bool cyclic;        /* rows have to be sorted, as the table refers to itself or is in a cycle */
    bool checks;        /* some column is checked */
    uint16_t ncolumns, nslots;
    flush_column *columns;                  /* in the table's order */
    uint16_t *column_of;                    /* by slot: index in columns, or FLUSH_NO_COLUMN */
    uint16_t *key;                          /* by position in the primary key: index in columns */
    uint16_t version_column, discriminator; /* or FLUSH_NO_COLUMN */
    uint16_t ndeps;
    mr_relationship **deps; /* those that write something */
    mr_map *statements;     /* of flush_statement * */
    mr_vec links;           /* flush_link_statement *: see links.c */
};

/* A reference to what is known of the mapper's class; made where it is missing or old. NULL: failed. */
flush_class *mr_flush_class_of(mr_mapper *mapper);
void mr_flush_class_release(flush_class *cls);

/* ---------------------------------------------------------------- operations */

typedef enum flush_op_kind { OP_INSERT = 1, OP_UPDATE, OP_DELETE } flush_op_kind;

/* flush_op.flags */
enum {
    OP_GENERATED = 1,      /* identity is an integer that the database made */
    OP_KEY_CHANGED = 2,    /* UPDATE: identity is the new one */
    OP_ROW_SWITCH = 4,     /* INSERT that is written as an UPDATE of the row of other, which is deleted */
    OP_SWITCHED = 8,       /* DELETE without a statement: the row lives on in other */
    OP_WRITTEN = 16,       /* its turn has come, and gone well */
    OP_FOLLOWS = 32,       /* its key changes by ON UPDATE CASCADE: identity is the new one */
    OP_VERSION_ASKED = 64, /* its version was not loaded, and has been asked for */
    OP_POSTED = 128,       /* an UPDATE that post_update has written to */
    OP_NOTED = 256         /* has a result */
};

/* A foreign key that follows from a relationship: target's columns become those of source, or NULL. */
typedef struct flush_sync {
    struct flush_sync *next;
    const mr_relationship *rel; /* ONE_TO_MANY of source's class; of a MANY_TO_ONE: of the operation's own */
    mr_entity *source;          /* NULL: cleared */
    bool cascaded;              /* the database changes the column by itself (ON UPDATE CASCADE) */
} flush_sync;

struct flush_op {
    mr_entity *entity; /* pinned */
    flush_class *cls;  /* borrowed from the flush */
    mr_value *staged;  /* by column, when not NULL: MR_UNLOADED not staged, or STAGED_BY_SERVER */
    mr_value *written; /* by column: copies of the slots when the row was written; NULL where no hook can
                          change them */
    flush_sync *syncs;
    flush_op *other;   /* of a row switch */
    mr_value identity; /* the new one: INSERT, and OP_KEY_CHANGED; bytes OWNED */
    mr_value version;  /* that this flush has given the row, when not MR_UNLOADED; bytes OWNED */
    uint32_t posts;    /* its first post_update + 1, or 0 */
    uint32_t level;    /* among rows that refer to each other */
    uint32_t number;   /* scratch of the level sort */
    uint8_t kind;      /* flush_op_kind */
    uint16_t flags;
};

/* In flush_op.staged. The kind: the database makes the value, the slot is unloaded afterwards. The tag: the
 * row has the value already, by ON UPDATE CASCADE. */
enum { STAGED_BY_SERVER = 255, STAGED_CASCADED = 1 };

/* A row of a secondary table. */
typedef enum flush_link_kind {
    LINK_DELETE = 0,
    LINK_UPDATE,
    LINK_INSERT,
    LINK__COUNT,
    LINK_FIND = LINK__COUNT /* kind of a statement only, not of a link: SELECT, to see whether a link's row is there */
} flush_link_kind;
typedef struct flush_link {
    const mr_relationship *rel;
    mr_entity *parent, *target; /* of rel's class, of its target */
    flush_link_kind kind;
    bool sent;
} flush_link;

/* An UPDATE of a foreign key after all saves or before all deletes (post_update). */
typedef struct flush_post {
    flush_op *op; /* the row that has the foreign key */
    flush_sync sync;
    uint32_t next; /* of the same row + 1, or 0 */
    bool before_delete;
    bool sent;
} flush_post;

/* An object outside of the session that a parent's collection holds. */
typedef struct flush_stray {
    const mr_relationship *rel;
    mr_entity *parent, *item; /* item: pinned */
} flush_stray;

typedef struct flush_row_edge {
    flush_op *before, *after;
} flush_row_edge;

/* The operations of one root class. */
typedef struct flush_group {
    mr_mapper *root;
    flush_class *cls;                  /* of one of its classes: rank and component */
    mr_conn *conn;                     /* asked for at the first statement */
    mr_vec updates, inserts, deletes;  /* flush_op *, by level, then key or order of adding */
    size_t updated, inserted, deleted; /* how many of them have been run */
} flush_group;

struct mr_flush {
    mr_flush_context ctx;
    mr_env *env;
    mr_arena *arena; /* operations, staged rows, syncs */
    mr_vec ops;      /* flush_op *, in order of discovery */
    mr_map *index;   /* entity to operation; made when relationships are met */
    mr_vec classes;  /* flush_class *, one reference each */
    size_t ndeleted; /* operations that delete */
    /* needs */
    size_t work;               /* the operation that is asked */
    unsigned dep;              /* its next relationship */
    bool asked;                /* what is missing has been asked for once */
    mr_entity *lacking;        /* what must be loaded is a column of this entity; NULL: the relationship */
    const mr_property *lacked; /* that column */
    size_t following;          /* the relationship that is asked for those that follow a key */
    size_t follow;             /* in the identity map: those before it have been asked */
    bool planned;              /* nothing is missing, everything is in order */
    /* the plan */
    mr_vec links;     /* flush_link */
    mr_map *link_set; /* those seen */
    mr_vec posts;     /* flush_post */
    mr_vec strays;    /* flush_stray */
    mr_vec found;     /* mr_entity *: scratch of one relationship */
    mr_vec edges;     /* flush_row_edge, between rows of one component */
    mr_vec groups;    /* flush_group, in order */
    /* running */
    mr_vec values; /* mr_value: the parameters of one execution */
    mr_vec keys;   /* mr_value: scratch */
    mr_vec shape;  /* uint64_t: scratch, see mr_flush_shape */
    mr_strbuf identity;
    mr_vec results;   /* mr_flush_result */
    mr_vec replacing; /* mr_table *: see mr_flush_replaced */
    bool hooked;      /* hooks run, which may change what was written already */
    bool sent;        /* a statement has been sent */
    bool published;
};

/* plan.c */
flush_op *mr_flush_op_of(mr_flush *flush, const mr_entity *entity); /* NULL: none, or no index */
/* Makes the index of operations by entity, where there is none. */
mr_status mr_flush_index(mr_flush *flush);
/* The entity's operation, made as an UPDATE where there is none. NULL: failed. */
flush_op *mr_flush_touch(mr_flush *flush, mr_entity *entity);
/* True when the entity is or will be a row that others can refer to. */
bool mr_flush_has_row(mr_flush *flush, mr_entity *entity);

/* order.c: fills groups */
mr_status mr_flush_order(mr_flush *flush);
/* update.c: whether an UPDATE would write something; where that is not known yet, or hooks may change it,
 * true. */
bool mr_flush_writes(const flush_op *op);

/* levels.c: the level of each operation, from the edges */
mr_status mr_flush_levels(mr_flush *flush);

/* ---------------------------------------------------------------- values (values.c) */

static inline const mr_value *mr_flush_slot(const flush_op *op, unsigned slot) {
    mr_entity *e = op->entity;
    return slot < e->nslots ? &e->slots[slot] : mr_entity_slot(e, slot);
}
/* The value that the row of op will have, or has, in its class's column c. */
static inline const mr_value *mr_flush_value(const flush_op *op, unsigned c) {
    if (op->staged && op->staged[c].kind != MR_UNLOADED) return &op->staged[c];
    if ((op->flags & OP_GENERATED) && op->cls->key[0] == c) return &op->identity;
    return mr_flush_slot(op, op->cls->columns[c].slot);
}
/* Stages a copy. */
mr_status mr_flush_stage(mr_flush *flush, flush_op *op, unsigned c, const mr_value *value);
mr_status mr_flush_stage_server(mr_flush *flush, flush_op *op, unsigned c);
/* What the default, which is no SQL, gives; the bytes stay good until its next call. */
mr_status mr_flush_default(mr_flush *flush, const mr_type *type, const mr_default *deflt, mr_value *out);
/* Stages what the default gives. An SQL default stages STAGED_BY_SERVER. */
mr_status mr_flush_stage_default(mr_flush *flush, flush_op *op, unsigned c, const mr_default *deflt);
/* The next version of a row that has old (MR_UNLOADED: a new row). */
mr_status mr_flush_stage_version(mr_flush *flush, flush_op *op, const mr_value *old);
/* A row has a version: InvalidRequestError where it was written as NULL. */
mr_status mr_flush_check_version(mr_flush *flush, const flush_op *op);
/* The version that the row has now. */
const mr_value *mr_flush_version(const flush_op *op);
/* The row has been written with the version that was staged: from now on it is found by that one. */
mr_status mr_flush_take_version(mr_flush *flush, flush_op *op);
/* Length and choice of the columns that will be written; only changed ones of an UPDATE. */
mr_status mr_flush_check(mr_flush *flush, const flush_op *op);
/* The values of the row's key before this flush; room for the mapper's npk. */
void mr_flush_old_key(const flush_op *op, mr_value *out);
/* Is that key NULL in part? *out stays as it is on failure. */
mr_status mr_flush_is_partial(mr_flush *flush, const flush_op *op, bool *out);
/* The value that the entity's row has in the column of a slot once this flush has come to it. */
const mr_value *mr_flush_entity_value(mr_flush *flush, mr_entity *entity, unsigned slot, mr_value *room);
/* Stages the foreign keys that follow from relationships. */
mr_status mr_flush_stage_links(mr_flush *flush, flush_op *op);
/* Sets op->identity from the row's values. IntegrityError and InvalidRequestError as the key wants. */
mr_status mr_flush_stage_identity(mr_flush *flush, flush_op *op);

/* ---------------------------------------------------------------- running */

/* Consecutive operations of a group: updates (row switches among them), inserts, deletes. */
mr_status mr_flush_insert_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n);
mr_status mr_flush_update_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n);
mr_status mr_flush_delete_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n);
/* insert.c: the expression in a slot: ArgumentError when it is none. */
mr_node *mr_flush_expression(mr_flush *flush, const flush_op *op, unsigned c, const mr_value *value);
/* Scratch for a class: an empty shape, and behind it an empty list of expressions by column. NULL: failed. */
uint64_t *mr_flush_shape(mr_flush *flush, const flush_class *cls, mr_node ***inlined);
/* hooks.c: the hooks of rows before or after their statements. */
mr_status mr_flush_fire(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n, bool after);
bool mr_flush_has_hooks(const mr_flush *flush);
/* run.c: the operation's turn has come: what a hook changes from now on is a change of its own. */
mr_status mr_flush_remember(mr_flush *flush, flush_op *op);
/* The operation has been written: its result. */
mr_status mr_flush_note(mr_flush *flush, flush_op *op, mr_flush_kind kind);
/* run.c: a row of the table was written. Notes the table if writing to it may have replaced other rows. */
mr_status mr_flush_note_replacing(mr_flush *flush, mr_table *table, const mr_table_facts *facts);
/* run.c: the group's connection, asked for once. */
mr_status mr_flush_connect(mr_flush *flush, flush_group *group);
/* Room for n parameters; they stay bound until the next execution. */
mr_value *mr_flush_values(mr_flush *flush, size_t n);
/* Scratch room for n values of a key, good until the next call. */
mr_value *mr_flush_keys(mr_flush *flush, size_t n);

/* post_update.c */
mr_status mr_flush_run_posts(mr_flush *flush, bool before_delete);
/* links.c: rows of secondary tables */
mr_status mr_flush_run_links(mr_flush *flush);
void mr_flush_link_statements_free(flush_class *cls);

/* ---------------------------------------------------------------- relationships */

/* changes.c: what one relationship adds and takes away at one operation's entity, each once; appended to the
 * vecs, each of which may be NULL. Of a new entity, all is added. */
mr_status mr_flush_changes(const flush_op *op, const mr_relationship *rel, mr_vec *added, mr_vec *removed,
                           mr_vec *unchanged);
/* All that the relationship holds or held: of an entity that is deleted. */
mr_status mr_flush_all_items(const flush_op *op, const mr_relationship *rel, mr_vec *out);
/* Is what the relationship holds known without loading? */
bool mr_flush_is_loaded(const flush_op *op, const mr_relationship *rel);
/* An UPDATE changes a column of the entity that the relationship's other side refers to. */
bool mr_flush_key_changes(const flush_op *op, const mr_relationship *rel);
/* A column of entity that rel's other side will copy is not loaded: notes it, to be asked for. */
bool mr_flush_lacks(mr_flush *flush, mr_entity *entity, const mr_relationship *rel);
/* Logs that the item is left out, as it is not in the session. */
void mr_flush_warn(mr_flush *flush, const mr_entity *item, const mr_relationship *rel);
/* The foreign keys of op follow source (NULL: none): with its row, or for post_update after it. */
mr_status mr_flush_add_sync(mr_flush *flush, flush_op *op, const mr_relationship *rel, mr_entity *source,
                            bool cascaded);
mr_status mr_flush_add_post(mr_flush *flush, flush_op *op, const mr_relationship *rel, mr_entity *source,
                            bool before_delete);
/* Of two rows of one component, before comes first; otherwise nothing. */
mr_status mr_flush_add_edge(mr_flush *flush, flush_op *before, flush_op *after);

/* key_switch.c: the objects in memory that refer to op's, whose key changes, by a many-to-one without another
 * side. */
mr_status mr_flush_follow_key(mr_flush *flush, flush_op *op);
/* First pass: MR_ROW when something must be loaded (and asked is false); what else becomes an operation. */
mr_status mr_flush_ask_one_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_ask_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_ask_many_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
/* Second pass: foreign keys, link rows, edges between rows. */
mr_status mr_flush_link_one_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_link_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel);
mr_status mr_flush_link_many_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel);
/* values.c: stages the columns of one sync. */
mr_status mr_flush_stage_sync(mr_flush *flush, flush_op *op, const flush_sync *sync);

#endif
