/*
 * mapper.h: what a class means to the database: properties, slots, keys, relationships, inheritance,
 * and the tables of hooks (events).
 *
 * Mappings live in the environment's arena, as schema does. They only grow: slots are appended, slot n of
 * a base is slot n of its subclasses, and registry->version rises with each change, so that a cached plan can
 * tell that it is old.
 */
#ifndef MOONROW_MAPPER_H
#define MOONROW_MAPPER_H

#include <moonrow/db.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_registry mr_registry;
typedef struct mr_mapper mr_mapper;
typedef struct mr_property mr_property;
typedef struct mr_relationship mr_relationship;
typedef struct mr_entity mr_entity;

/* ---------------------------------------------------------------- properties */

typedef enum mr_property_kind {
    MR_PROPERTY_COLUMN = 1,
    MR_PROPERTY_RELATIONSHIP,
    MR_PROPERTY_SYNONYM,
    MR_PROPERTY_EXPRESSION /* column_property(expression): loaded, never written */
} mr_property_kind;

/* Transforms or rejects a value before it is set; a validator. *value may be replaced (bytes good until
 * the next call). */
typedef mr_status (*mr_validate_fn)(mr_env *env, void *ud, mr_entity *entity, const mr_property *prop, mr_value *value);

struct mr_property {
    const char *name; /* interned */
    mr_property_kind kind;
    uint16_t slot; /* COLUMN, RELATIONSHIP, EXPRESSION */
    bool is_primary_key;
    bool deferred;              /* not loaded with the entity */
    const char *deferred_group; /* interned, or NULL */
    bool active_history;        /* setting loads the old value first */
    mr_mapper *mapper;          /* the class that declared it */
    mr_column *column;          /* COLUMN */
    mr_node *expression;        /* EXPRESSION */
    const char *synonym_of;
    mr_relationship *relationship;
    mr_validate_fn validate;
    void *validate_ud;
    uint64_t order; /* creation counter */
};

/* ---------------------------------------------------------------- relationships */

typedef enum mr_direction { MR_ONE_TO_MANY = 1, MR_MANY_TO_ONE, MR_MANY_TO_MANY } mr_direction;

/* How a relationship is loaded: STRATEGY(CODE, ROW) for each. A new strategy is a line here and its row,
 * mr_strategy_ROW, in a file of src/load. */
#define MR_LOADER_STRATEGIES(STRATEGY)                                                                                 \
    STRATEGY(SELECT, select)                                                                                           \
    STRATEGY(JOINED, joined)                                                                                           \
    STRATEGY(SUBQUERY, subquery)                                                                                       \
    STRATEGY(SELECTIN, selectin)                                                                                       \
    STRATEGY(IMMEDIATE, immediate)                                                                                     \
    STRATEGY(RAISE, raise)                                                                                             \
    STRATEGY(RAISE_ON_SQL, raise_on_sql)                                                                               \
    STRATEGY(NOLOAD, noload)

#define MR_LAZY_CODE(CODE, row) MR_LAZY_##CODE,
typedef enum mr_lazy { MR_LOADER_STRATEGIES(MR_LAZY_CODE) MR_LAZY__COUNT } mr_lazy;
#undef MR_LAZY_CODE

enum { /* cascade bits */
       MR_CASCADE_SAVE_UPDATE = 1,
       MR_CASCADE_MERGE = 2,
       MR_CASCADE_EXPUNGE = 4,
       MR_CASCADE_DELETE = 8,
       MR_CASCADE_DELETE_ORPHAN = 16,
       MR_CASCADE_REFRESH_EXPIRE = 32
};

typedef enum mr_collection_kind { MR_COLLECTION_LIST = 0, MR_COLLECTION_SET, MR_COLLECTION_DICT } mr_collection_kind;

/* A pair of columns that the join condition makes equal; slots where they are mapped (else UINT16_MAX). */
typedef struct mr_column_pair {
    mr_column *local, *remote;
    uint16_t local_slot, remote_slot; /* in the parent and in the target */
} mr_column_pair;

/* What is asked of the binding when mappings are configured: turns what the user wrote (a name, a class, a
 * function) into the target's mapper, and the options that name columns into lists. rel is a working copy (prop is the
 * real one), thrown away when anything is wrong; references put into it are its own. A template for a backref may have
 * a resolve too: it finds target set. Fails with any error: of the kinds NO_MEMORY and CALLBACK it ends the
 * configuration, of others it is reported as the relationship's mistake. Fills rel->target, rel->primaryjoin,
 * rel->secondaryjoin, rel->foreign_keys, rel->remote_side, rel->order_by, rel->secondary as given. */
typedef mr_status (*mr_relationship_resolve_fn)(mr_env *env, void *ud, mr_relationship *rel);

struct mr_relationship {
    mr_property *prop;
    /* as declared */
    mr_relationship_resolve_fn resolve;
    void *resolve_ud;
    const char *target_name;              /* for messages; or NULL */
    const char *backref, *back_populates; /* interned names, or NULL */
    mr_relationship
        *backref_options; /* a template for the reverse side: lazy, cascade, uselist, order_by ... or NULL */
    mr_lazy lazy;
    int8_t uselist;   /* -1: by direction */
    unsigned cascade; /* bits; default save-update, merge */
    bool cascade_given;
    bool single_parent, post_update, viewonly, innerjoin;
    bool passive_updates;   /* default true */
    int8_t passive_deletes; /* 0, 1, 2 = "all" */
    int join_depth;         /* 0: none */
    mr_collection_kind collection;
    const char *collection_key; /* DICT: the attribute */
    /* resolved when configured */
    bool configured;
    mr_mapper *parent, *target;
    mr_table *secondary;
    mr_node *primaryjoin, *secondaryjoin; /* expressions over plain columns; each held for the environment's life */
    mr_node *order_by;                    /* LIST or NULL */
    mr_vec foreign_keys, remote_side;     /* mr_column *, as given (len 0: found from foreign keys) */
    mr_direction direction;
    unsigned npairs; /* parent.local = target.remote; MANY_TO_MANY: parent.local = secondary.remote */
    mr_column_pair *pairs;
    unsigned nsecondary; /* MANY_TO_MANY: secondary.local = target.remote */
    mr_column_pair *secondary_pairs;
    mr_relationship *reverse; /* the other side, or NULL */
    bool use_get;             /* MANY_TO_ONE onto the target's whole primary key: served by the identity map */
    bool simple;              /* the join is exactly the pairs, no further criteria */
    bool apart;               /* what mr_session_spells_apart has found */
    uint64_t apart_engine;    /* in the engine of this serial number; 0: it has to ask */
    bool mixed;               /* the types of a pair differ: the database alone can tell whether values match */
};
/* Are values of the two types of different kinds? */
bool mr_types_differ(const mr_type *a, const mr_type *b);
/* A value of a column of the type own, where it is compared with one of the type other in the column's place: as the
 * column would be. Consumes and gives a node. */
mr_node *mr_value_as_column(mr_env *env, mr_node *value, const mr_type *own, const mr_type *other);

/* ---------------------------------------------------------------- hooks */

/* What is told of objects to those who listen to their classes: EVENT(CODE, NAME) for each. NAME is what Lua calls it.
 */
#define MR_MAPPER_EVENTS(EVENT)                                                                                        \
    EVENT(BEFORE_INSERT, "before_insert")                                                                              \
    EVENT(AFTER_INSERT, "after_insert")                                                                                \
    EVENT(BEFORE_UPDATE, "before_update")                                                                              \
    EVENT(AFTER_UPDATE, "after_update")                                                                                \
    EVENT(BEFORE_DELETE, "before_delete")                                                                              \
    EVENT(AFTER_DELETE, "after_delete")                                                                                \
    EVENT(LOAD, "load")                                                                                                \
    EVENT(REFRESH, "refresh")
/* The same of attributes. */
#define MR_ATTRIBUTE_EVENTS(EVENT)                                                                                     \
    EVENT(SET, "set")                                                                                                  \
    EVENT(APPEND, "append")                                                                                            \
    EVENT(REMOVE, "remove")

#define MR_EVENT_CODE(CODE, name) MR_EVENT_##CODE,
typedef enum mr_mapper_event { MR_MAPPER_EVENTS(MR_EVENT_CODE) MR_EVENT__COUNT } mr_mapper_event;
typedef enum mr_attribute_event { MR_ATTRIBUTE_EVENTS(MR_EVENT_CODE) MR_EVENT__ATTRIBUTE_COUNT } mr_attribute_event;
#undef MR_EVENT_CODE
/* The name of the event with the number; NULL where there is none. */
const char *mr_mapper_event_name(int event);
const char *mr_attribute_event_name(int event);

/* May fail; the operation then fails with the recorded error. conn is NULL for LOAD and REFRESH. */
typedef mr_status (*mr_mapper_hook_fn)(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                                       mr_entity *entity);
/* serial: rises along each list, so that who walks it finds the next one, whatever was removed meanwhile. */
typedef struct mr_mapper_hook {
    mr_mapper_hook_fn fn;
    void *ud;
    uint64_t serial;
    bool propagate;
} mr_mapper_hook;

typedef mr_status (*mr_attribute_hook_fn)(mr_env *env, void *ud, mr_attribute_event event, mr_entity *entity,
                                          const mr_property *prop, mr_value *value, const mr_value *old);
typedef struct mr_attribute_hook {
    mr_attribute_hook_fn fn;
    void *ud;
    const mr_property *prop; /* the attribute of its name is meant */
    uint64_t serial;
    bool propagate;
} mr_attribute_hook;

/* ---------------------------------------------------------------- mappers */

/* When what the database makes of a written row is read: with the row's INSERT, with its UPDATE as well, or
 * when it is asked for. */
typedef enum mr_eager_defaults { MR_EAGER_INSERT = 0, MR_EAGER_ALWAYS, MR_EAGER_NEVER } mr_eager_defaults;

struct mr_mapper {
    mr_env *env;
    mr_registry *registry;
    const char *name; /* the class's, interned */
    mr_mapper *base;  /* the class it inherits from, or NULL */
    mr_mapper *root;  /* the topmost base; itself without inheritance */
    mr_table *table;  /* single-table inheritance: the base's */
    mr_vec props;     /* mr_property *, all, inherited first */
    uint16_t nslots;
    mr_vec columns; /* mr_property *: the COLUMN ones, in slot order */
    uint16_t npk;
    uint16_t *pk_slots; /* in the primary key's order */
    bool int_key;       /* one primary key column of an integer type: the identity is an integer */
    bool keyless;       /* a row without a primary key was met, and warned of */
    uint32_t order;     /* number in the registry, in order of declaration */
    bool configured;
    /* inheritance */
    mr_property *discriminator;    /* polymorphic_on, or NULL */
    mr_value polymorphic_identity; /* MR_UNLOADED: none */
    mr_vec subclasses;             /* mr_mapper * */
    /* versioning */
    mr_property *version;
    mr_default_fn
        version_generator; /* NULL: integer counter; *out comes with the version before (MR_UNLOADED: a new row) */
    void *version_ud;
    bool version_by_hand;             /* the program or the database makes the versions: version_id_generator = false */
    mr_eager_defaults eager_defaults; /* a subclass's are its base's, unless it has its own */
    /* Must an INSERT, a DELETE of an object have changed a row? 1, or -1 where not; 0: not said, the base's, or 1. */
    int8_t confirm_inserted_rows, confirm_deleted_rows;
    mr_vec hooks[MR_EVENT__COUNT]; /* mr_mapper_hook */
    mr_vec attribute_hooks;        /* mr_attribute_hook */
    /* What the layers above know of the class; each frees its own through mr_env_on_close. */
    struct bind_class *klass;                   /* the class in Lua */
    struct mr_class_plans *query_plans;         /* load's: plans that are made once */
    struct flush_class *flush_plans;            /* flush's: the newest, one reference */
    struct mr_relationship_list *session_plans; /* session's: which relationships cascade */
};

struct mr_registry {
    mr_env *env;
    mr_metadata *metadata;
    mr_vec mappers;   /* mr_mapper *, in order of declaration */
    uint64_t version; /* rises with every declaration and configuration */
    bool dirty;       /* something waits to be configured */
    bool listened;    /* somebody has listened to an attribute */
    uint64_t hooks;   /* the last hook's serial */
    mr_status (*before_configure)(
        mr_env *env);                /* may refuse it, while something waits that it would not reach; or NULL */
    struct table_order *flush_order; /* the flush layer's; freed through mr_env_on_close */
};

mr_registry *mr_registry_new(mr_env *env, mr_metadata *metadata);
mr_mapper *mr_registry_find(const mr_registry *registry, const char *name);

/* Declaring a class: new, then its properties, then finish. Until finish the registry does not know it, and a
 * failure leaves nothing behind (but arena memory). base may be NULL. */
mr_mapper *mr_mapper_new(mr_registry *registry, const char *name, mr_mapper *base);
/* column's name is set from the attribute's where it has none. Duplicate attribute: ArgumentError. A NULL column passes
 * its failure on. */
mr_property *mr_mapper_add_column(mr_mapper *mapper, const char *attribute, mr_column *column);
mr_property *mr_mapper_add_property(mr_mapper *mapper, const char *attribute, mr_property_kind kind);
/* What a relationship is before any option is given: uselist by direction, passive_updates, the default cascade. */
void mr_relationship_init(mr_env *env, mr_relationship *proto);
/* *proto is copied; prop, parent are set. Its nodes and lists, and those of *backref_options (copied too), are taken
 * over, also on failure. On a finished class a late declaration: it is resolved by the next mr_registry_configure. */
mr_relationship *mr_mapper_add_relationship(mr_mapper *mapper, const char *attribute, const mr_relationship *proto);
/* Gives the mapper its table: an existing one (whose columns that no property names become properties under their own
 * names), or NULL to make tablename from the declared columns with constraints and indexes. Single-table
 * inheritance: table = the base's. MappingError: no primary key ("User needs a primary key: give a column primary_key =
 * true"), a class of the name exists ("a class named 'User' is declared already ..."), a table of the name exists. */
mr_status mr_mapper_finish(mr_mapper *mapper, mr_table *table, const char *tablename, const char *schema,
                           mr_constraint *constraints, mr_index *indexes);
/* Adds a column to a finished class (a late declaration), and to its table. Entities made before have fewer slots. */
mr_property *mr_mapper_append_column(mr_mapper *mapper, const char *attribute, mr_column *column);

/* By interned or plain name; NULL when absent. Follows synonyms when follow is set. */
mr_property *mr_mapper_property(const mr_mapper *mapper, const char *name, bool follow);
mr_property *mr_mapper_property_of_column(const mr_mapper *mapper, const mr_column *column);
/* The nearest attribute's name, or NULL. */
const char *mr_mapper_nearest(const mr_mapper *mapper, const char *name);
bool mr_mapper_isa(const mr_mapper *mapper, const mr_mapper *base);
/* Is the table the class's own, or one of its bases'? */
bool mr_mapper_reads(const mr_mapper *mapper, const mr_table *table);

/* Resolves relationships, backrefs, foreign keys of all classes not configured yet. All mistakes are reported
 * together in one MappingError ("2 mappings are wrong:" and a line "Class.attribute: ..." each; a sole one is that line
 * alone); nothing is half configured. Called again from within a resolve callback it does nothing. */
mr_status mr_registry_configure(mr_registry *registry);

/* The mapped attribute as an expression: COLUMN annotated with prop. from: an alias or NULL. New reference. */
mr_node *mr_property_node(const mr_property *prop, mr_node *from /* borrowed, or NULL */);

/* Hooks of a class: propagate: also of those that inherit from it, now and later. */
mr_status mr_mapper_listen(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud, bool propagate);
void mr_mapper_unlisten(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud);
mr_status mr_attribute_listen(mr_mapper *mapper, const mr_property *prop, mr_attribute_hook_fn fn, void *ud,
                              bool propagate);
void mr_attribute_unlisten(mr_mapper *mapper, mr_attribute_hook_fn fn, void *ud);
/* Runs the hooks in the order of listening. */
mr_status mr_mapper_fire(mr_mapper *mapper, mr_mapper_event event, mr_conn *conn, mr_entity *entity);
static inline bool mr_mapper_confirms_inserts(const mr_mapper *m) { return m->confirm_inserted_rows >= 0; }
static inline bool mr_mapper_confirms_deletes(const mr_mapper *m) { return m->confirm_deleted_rows >= 0; }
static inline bool mr_mapper_has_hooks(const mr_mapper *m, mr_mapper_event e) { return m->hooks[e].len > 0; }

#ifdef __cplusplus
}
#endif
#endif
