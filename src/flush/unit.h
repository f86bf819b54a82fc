/*
 * unit.h: the data of one flush, for the files of this folder. values.h, relationships.h and rows.h declare most of the
 * functions.
 *
 * Invariant: no entity changes before mr_flush_publish. Values of its row that an entity does not know yet (generated
 * keys, defaults, foreign keys of its parents) are staged in its operation.
 */
#ifndef MOONROW_FLUSH_UNIT_H
#define MOONROW_FLUSH_UNIT_H

#include <moonrow/flush.h>

typedef struct flush_class flush_class;
typedef struct flush_op flush_op;
typedef struct flush_statement flush_statement;

enum { FLUSH_NO_COLUMN = UINT16_MAX };

/* ---------------------------------------------------------------- a class (class.c) */

/* What the INSERT of an object does with a column that the object has no value for. */
typedef enum flush_absent {
    ABSENT_STAGED = 0, /* insert.c decides, and stages what the row gets */
    ABSENT_NULL,       /* writes NULL */
    ABSENT_NUMBERED    /* leaves the column out: the database makes the key */
} flush_absent;

typedef struct flush_column {
    mr_column *column;
    const mr_type *type;
    const char *what; /* "User.email", interned */
    uint16_t slot;
    uint16_t part;       /* the number of its table among the class's parts */
    uint16_t carried;    /* it has the value of that column, of a table before; or FLUSH_NO_COLUMN */
    bool key;            /* a part of the primary key */
    bool checked;        /* its type limits length or choice */
    uint8_t absent;      /* flush_absent */
    uint32_t safe_bytes; /* with checked: a text of fewer bytes needs no check */
} flush_column;

/* A table that rows of the class are in. */
typedef struct flush_part {
    mr_table *table;
    uint16_t from, to; /* its columns */
    uint16_t *key;     /* by position in the primary key: index in columns */
    bool key_cascades; /* the database changes its key with that of the first table (ON UPDATE CASCADE) */
} flush_part;

/* The data of a class for flushes. Counted: a running flush keeps the one that it began with, even if the mappings
 * change meanwhile. */
struct flush_class {
    uint32_t refs;
    mr_env *env;
    mr_mapper *mapper;
    uint64_t version; /* of the registry when this was made */
    uint32_t rank;    /* place of the root class's table within the component: tables that are referred to come first */
    uint32_t component; /* tables that refer to each other in a cycle have the same number */
    bool cyclic;        /* rows must be sorted, because the table refers to itself, or is in a cycle */
    bool computes;      /* the database computes some column */
    uint16_t ncolumns, nslots;
    flush_column *columns; /* in the order of the parts, and of each one's table */
    uint16_t *column_of;   /* by slot: index in columns, or FLUSH_NO_COLUMN */
    uint16_t *key;         /* by position in the primary key: index in columns */
    uint16_t nparts;
    flush_part *parts;
    uint16_t *checked, nchecked;            /* the columns that are checked */
    uint16_t *expressions, nexpressions;    /* the slots of attributes that are expressions over the row */
    bool reads_expressions;                 /* ... one of them is not deferred */
    uint16_t version_column, discriminator; /* or FLUSH_NO_COLUMN */
    bool onupdates;                         /* an UPDATE writes more than what has changed */
    uint16_t ndeps;
    mr_relationship **deps; /* the relationships that write something */
    mr_map *statements;     /* flush_statement * */
    mr_vec links;           /* flush_link_statement *: see links.c */
};

/* The data of the class, with a new reference; made if it is missing or old. NULL: failed. */
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
    OP_WRITTEN = 16,       /* its row was written */
    OP_KEY_CASCADED = 32,  /* its key changes by ON UPDATE CASCADE: identity is the new one */
    OP_VERSION_ASKED = 64, /* its version was not loaded; it was asked for once */
    OP_POSTED = 128,       /* an UPDATE whose row post_update has written */
    OP_HAS_RESULT = 256    /* it has a result */
};

/* A foreign key that a relationship sets: its columns get the values of source, or NULL. */
typedef struct flush_sync {
    struct flush_sync *next;
    const mr_relationship *rel; /* a ONE_TO_MANY of source's class, or a MANY_TO_ONE of the operation's class */
    mr_entity *source;          /* NULL: the key is cleared */
    bool cascaded;              /* the database changes the column by itself (ON UPDATE CASCADE) */
} flush_sync;

/* What few operations need: operations are kept small, because a flush walks over all of them several times. */
typedef struct flush_rare {
    flush_op *other;       /* of a row switch */
    mr_value *written;     /* by column: copies of the slots when the row was written; NULL: no listener can change
                              them */
    mr_value version;      /* the version that this flush has written; MR_UNLOADED: none; bytes OWNED */
    mr_value old_identity; /* with OP_KEY_CHANGED, once it has a result: a copy; bytes OWNED */
    uint32_t posts;        /* index of its first flush_post + 1; 0: none */
    uint32_t number;       /* scratch of the level sort */
} flush_rare;

struct flush_op {
    mr_entity *entity; /* not freed as long as the operation exists */
    flush_class *cls;  /* borrowed from the flush */
    mr_value *staged;  /* by column, or NULL; MR_UNLOADED: not staged; STAGED_BY_SERVER: see below */
    flush_sync *syncs;
    flush_rare *rare;  /* NULL: nothing of it is set; mr_flush_rare_of makes it */
    mr_value identity; /* INSERT, and OP_KEY_CHANGED: the new identity; bytes OWNED */
    uint32_t level;    /* order among rows that refer to each other */
    uint16_t flags;
    uint8_t kind; /* flush_op_kind */
};

/* In flush_op.staged. Kind STAGED_BY_SERVER: the database makes the value, and the slot is unloaded afterwards. Tag
 * STAGED_CASCADED: the row has the value already, by ON UPDATE CASCADE. */
enum { STAGED_BY_SERVER = 255, STAGED_CASCADED = 1 };

/* A row of a secondary table. */
typedef enum flush_link_kind {
    LINK_DELETE = 0,
    LINK_UPDATE,
    LINK_INSERT,
    LINK__COUNT,
    LINK_FIND = LINK__COUNT /* only the kind of a statement: a SELECT that looks for a link's row */
} flush_link_kind;
typedef struct flush_link {
    const mr_relationship *rel;
    mr_entity *parent, *target; /* parent: of rel's class; target: of its target class */
    flush_link_kind kind;
    bool sent;
} flush_link;

/* An UPDATE of a foreign key after all inserts and updates, or before all deletes (post_update). */
typedef struct flush_post {
    flush_op *op; /* the row that has the foreign key */
    flush_sync sync;
    uint32_t next; /* index of the next one of the same row + 1; 0: none */
    bool before_delete;
    bool sent;
} flush_post;

/* An object that is not in the session but in the collection of a parent. */
typedef struct flush_stray {
    const mr_relationship *rel;
    mr_entity *parent, *item; /* item: pinned */
} flush_stray;

/* The row of `before` must be written before the row of `after`. */
typedef struct flush_row_edge {
    flush_op *before, *after;
} flush_row_edge;

/* The operations of one root class. */
typedef struct flush_group {
    mr_mapper *root;
    flush_class *cls;                  /* the data of one of its classes, for rank and component */
    bool mixed;                        /* operations are of other classes, too */
    mr_conn *conn;                     /* taken at the first statement */
    mr_vec updates, inserts, deletes;  /* flush_op *, sorted by level, then by key or order of adding */
    size_t updated, inserted, deleted; /* how many of them were sent */
} flush_group;

struct mr_flush {
    mr_flush_context ctx;
    mr_env *env;
    mr_arena *arena; /* operations, staged rows, syncs */
    mr_vec ops;      /* flush_op *, in order of discovery */
    mr_vec classes;  /* flush_class *, one reference each */
    size_t ninserts; /* the first so many operations insert, and no others do */
    size_t ndeletes; /* the next so many delete, and no others do */
    bool related;    /* some class has relationships that write something */
    /* Needs: the first pass, continued at each mr_flush_need. */
    size_t work;                /* index of the operation that the pass is at */
    unsigned dep;               /* index of its next relationship */
    bool asked;                 /* its missing value was asked for once already */
    mr_entity *missing_of;      /* a column of this entity must be loaded; NULL: the relationship must be */
    const mr_property *missing; /* the column */
    size_t following;           /* key_switch.c: index of the relationship that the pass is at */
    size_t follow;              /* key_switch.c: position in the identity map */
    bool planned;               /* the plan is complete */
    /* The plan. */
    mr_vec links;     /* flush_link */
    mr_map *link_set; /* the links that were seen */
    mr_vec posts;     /* flush_post */
    mr_vec strays;    /* flush_stray */
    mr_vec found;     /* mr_entity *: scratch for one relationship */
    mr_vec edges;     /* flush_row_edge, between rows of one component */
    mr_vec groups;    /* flush_group, in order */
    /* Running. */
    mr_vec values; /* mr_value: the parameters of one execution */
    mr_vec keys;   /* mr_value: scratch */
    mr_vec shape;  /* uint64_t: scratch, see mr_flush_shape */
    mr_strbuf identity;
    mr_vec results;   /* flush_op *, in the order in which they were written */
    mr_vec replacing; /* mr_table *: see mr_flush_replaced */
    bool hooked;      /* listeners run, and may change rows that were written already */
    bool sent;        /* a statement was sent */
    bool rekeyed;     /* a result has another identity than before */
    bool owns;        /* some operation has staged values, an identity of bytes, or a flush_rare */
    bool published;
};

/* How far ahead a walk has entities fetched. */
enum { FLUSH_AHEAD = 12 };

static inline void mr_flush_prefetch(flush_op *const *ops, size_t i, size_t n) {
    if (i + FLUSH_AHEAD < n) mr_entity_prefetch(ops[i + FLUSH_AHEAD]->entity);
}

/* Appends to a vector that mostly has room. */
static inline mr_status mr_flush_push(mr_vec *v, flush_op *op) {
    if (v->len == v->cap) return mr_vec_push_ptr(v, op);
    ((flush_op **)v->data)[v->len++] = op;
    return MR_OK;
}

/* ---------------------------------------------------------------- plan.c */

/* The entity's operation, found by the entity's insert_order: its place among new objects, or of others the index in
 * ops. NULL: it has none. */
flush_op *mr_flush_op_of(mr_flush *flush, const mr_entity *entity);
/* The entity's operation; if there is none, an UPDATE is made. NULL: failed. */
flush_op *mr_flush_make_op(mr_flush *flush, mr_entity *entity);
/* What few operations need, with room made for it. NULL: no memory. */
flush_rare *mr_flush_rare_of(mr_flush *flush, flush_op *op);
/* Has the entity a row that others can refer to, now or after this flush? */
bool mr_flush_has_row(mr_flush *flush, mr_entity *entity);

/* ---------------------------------------------------------------- order.c, levels.c */

/* Sorts the operations into groups. */
mr_status mr_flush_order(mr_flush *flush);
/* Gives each operation its level, from the edges. */
mr_status mr_flush_levels(mr_flush *flush);

#endif
