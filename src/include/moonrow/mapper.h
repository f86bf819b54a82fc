/*
 * mapper.h: how classes are mapped to tables: properties, slots, keys, relationships, inheritance, and the hooks of
 * events.
 *
 * Invariant: mappings live in the environment's arena, like the schema, and only grow. Slots are appended, and slot n
 * of a base class is slot n of its subclasses. registry->version rises with each change, so that a cached plan can find
 * out that it is old. Returned pointers never have to be freed, except for nodes.
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

/* A validator: changes or refuses a value before it is set. *value may be replaced; its bytes are borrowed, and good
 * until the next call. how: MR_VALIDATE_ bits. The class of the entity need not be the one that the validator was given
 * to: the property may be one of a base class. */
typedef mr_status (*mr_validate_fn)(mr_env *env, void *ud, mr_entity *entity, const mr_property *prop, mr_value *value,
                                    unsigned how);
enum {
    MR_VALIDATE_REMOVED = 1, /* the value leaves a collection; it cannot be replaced */
    MR_VALIDATE_BACKREF = 2  /* the other side of the relationship was changed */
};

/* A validator that waits for the mappings to be configured: a backref may make its attribute. */
typedef struct mr_validator {
    const char *name; /* of the attribute, interned */
    mr_validate_fn fn;
    void *ud;
    struct mr_validator *next;
} mr_validator;

/* Makes the expression of an attribute that is one, when it is first needed. *out: one reference. */
typedef mr_status (*mr_express_fn)(mr_env *env, void *ud, const mr_property *prop, mr_node **out);

struct mr_property {
    const char *name; /* interned */
    mr_property_kind kind;
    uint16_t slot;      /* COLUMN, RELATIONSHIP, EXPRESSION */
    uint16_t read_slot; /* the same, or UINT16_MAX: the program does not see the slot's value as it is */
    bool is_primary_key;
    bool deferred;              /* it is not loaded with the entity */
    const char *deferred_group; /* interned, or NULL */
    bool active_history;        /* setting it loads the old value first */
    bool computed;              /* the database computes the column: it cannot be set */
    bool in_composite;          /* objects have given a composite value of it: its changes are told (MR_EDITS_SET) */
    mr_mapper *mapper;          /* the class that has declared it */
    mr_column *column;          /* COLUMN */
    mr_node *expression;        /* EXPRESSION: a LABEL with the attribute's name; NULL: not made yet */
    mr_express_fn express;      /* EXPRESSION: what makes it */
    void *express_ud;
    bool expressing;        /* it is being made */
    const char *synonym_of; /* SYNONYM: the name of an attribute of the class; interned */
    mr_relationship *relationship;
    mr_validate_fn validate;
    void *validate_ud;
    uint64_t order; /* creation counter */
};

/* ---------------------------------------------------------------- relationships */

typedef enum mr_direction { MR_ONE_TO_MANY = 1, MR_MANY_TO_ONE, MR_MANY_TO_MANY } mr_direction;

/* The ways to load a relationship: STRATEGY(CODE, ROW) for each. To add a strategy, add a line here, and its row,
 * mr_strategy_ROW, in a file of src/load. */
#define MR_LOADER_STRATEGIES(STRATEGY)                                                                                 \
    STRATEGY(SELECT, select)                                                                                           \
    STRATEGY(JOINED, joined)                                                                                           \
    STRATEGY(SUBQUERY, subquery)                                                                                       \
    STRATEGY(SELECTIN, selectin)                                                                                       \
    STRATEGY(IMMEDIATE, immediate)                                                                                     \
    STRATEGY(RAISE, raise)                                                                                             \
    STRATEGY(RAISE_ON_SQL, raise_on_sql)                                                                               \
    STRATEGY(NOLOAD, noload)                                                                                           \
    STRATEGY(BATCH, batch)                                                                                             \
    STRATEGY(DYNAMIC, dynamic)                                                                                         \
    STRATEGY(WRITE_ONLY, write_only)

#define MR_LAZY_CODE(CODE, row) MR_LAZY_##CODE,
typedef enum mr_lazy { MR_LOADER_STRATEGIES(MR_LAZY_CODE) MR_LAZY__COUNT } mr_lazy;
#undef MR_LAZY_CODE

/* What a program sees in place of a collection that is never loaded for it. */
typedef enum mr_queried {
    MR_QUERIED_NOT = 0, /* it is loaded */
    MR_QUERIED_READ,    /* a query of its rows */
    MR_QUERIED_UNREAD,  /* statements that the program makes of it */
} mr_queried;

/* How lazy = "batch" loads: so many objects of a result load the attribute alone; then a statement loads it for one
 * object and those after it, at most max in all. max 0: not given, (1, 500). */
typedef struct mr_batching {
    uint16_t after, max;
} mr_batching;
enum { MR_BATCH_MAX = 500 };

enum { /* cascade bits */
       MR_CASCADE_SAVE_UPDATE = 1,
       MR_CASCADE_MERGE = 2,
       MR_CASCADE_EXPUNGE = 4,
       MR_CASCADE_DELETE = 8,
       MR_CASCADE_DELETE_ORPHAN = 16,
       MR_CASCADE_REFRESH_EXPIRE = 32
};

typedef enum mr_collection_kind { MR_COLLECTION_LIST = 0, MR_COLLECTION_SET, MR_COLLECTION_DICT } mr_collection_kind;

/* Finds in the dict holder.rel, if that is loaded, another item with the key of item, or NULL. MR_FAIL: item has no
 * key, or the function that makes keys has failed. */
typedef mr_status (*mr_same_key_fn)(mr_env *env, void *ud, mr_entity *holder, const mr_relationship *rel,
                                    mr_entity *item, mr_entity **same);

/* Gives the position of the item at the 0-based place of the ordering list holder.rel. *value: one of the type of the
 * attribute; its bytes are borrowed, and good until the next call. The list is not changed meanwhile. MR_FAIL: the
 * function that makes it has failed. */
typedef mr_status (*mr_position_fn)(mr_env *env, void *ud, mr_entity *holder, const mr_relationship *rel,
                                    uint32_t place, mr_value *value);

/* A pair of columns that the join condition makes equal. */
typedef struct mr_column_pair {
    mr_column *local, *remote;
    uint16_t local_slot, remote_slot; /* their slots in the parent and in the target; UINT16_MAX: not mapped */
} mr_column_pair;

/* Called by mr_registry_configure for a relationship whose options the user has written as names, classes or functions.
 * It fills target, primaryjoin, secondaryjoin, foreign_keys, remote_side, order_by and secondary of rel, as far as they
 * were given. rel is a working copy (its prop is the real one), which is discarded when anything is wrong; it owns the
 * references that are put into it. The template of a backref may have such a function, too; for it, target is set
 * already. An error of the kinds NO_MEMORY and CALLBACK ends the configuration; any other error is reported as a
 * mistake of the relationship. */
typedef mr_status (*mr_relationship_resolve_fn)(mr_env *env, void *ud, mr_relationship *rel);

struct mr_relationship {
    mr_property *prop;
    /* as declared */
    mr_relationship_resolve_fn resolve;
    void *resolve_ud;
    const char *target_name;              /* for messages; or NULL */
    const char *backref, *back_populates; /* interned names, or NULL */
    mr_relationship
        *backref_options; /* a template for the other side (lazy, cascade, uselist, order_by ...), or NULL */
    mr_lazy lazy;
    mr_queried queried; /* of its strategy */
    mr_batching batch;  /* of the strategy "batch" */
    int8_t uselist;     /* is it a list? 1 yes, 0 no, -1 the direction decides */
    unsigned cascade;   /* MR_CASCADE_ bits; default: save-update, merge */
    bool cascade_given;
    bool single_parent, post_update, viewonly, innerjoin;
    bool passive_updates;   /* default true */
    int8_t passive_deletes; /* 0: false, 1: true, 2: "all" */
    int join_depth;         /* 0: not given */
    bool collection_given;
    mr_collection_kind collection;
    const char *collection_key; /* DICT: the attribute that is the key; NULL: same_key knows */
    mr_same_key_fn same_key;    /* DICT: or NULL */
    void *same_key_ud;
    const char *position; /* LIST: the attribute that numbers the items; or NULL */
    int64_t count_from, step;
    mr_position_fn position_fn; /* makes the positions, in place of count_from and step; or NULL */
    void *position_ud;
    /* set by mr_registry_configure */
    bool configured;
    struct plan *plan; /* while it is being configured */
    mr_mapper *parent, *target;
    mr_table *secondary;
    mr_node *primaryjoin, *secondaryjoin;        /* expressions over the tables' columns; one reference each */
    mr_node *order_by;                           /* LIST, or NULL; one reference */
    mr_vec foreign_keys, remote_side;            /* mr_column *; empty: not given, found from foreign keys */
    const mr_property *key_prop, *position_prop; /* of collection_key and position; or NULL */
    mr_direction direction;
    unsigned npairs; /* parent.local = target.remote; MANY_TO_MANY: parent.local = secondary.remote */
    mr_column_pair *pairs;
    unsigned nsecondary; /* MANY_TO_MANY: secondary.local = target.remote */
    mr_column_pair *secondary_pairs;
    mr_relationship *reverse; /* the other side, or NULL */
    bool use_get;             /* MANY_TO_ONE to the target's whole primary key: the identity map can answer */
    bool simple;              /* the join consists only of the pairs */
    bool apart;               /* the result of mr_session_spells_apart ... */
    uint64_t apart_engine;    /* ... for the engine with this serial; 0: not known yet */
    bool mixed;               /* the two types of a pair differ: only the database can tell whether values match */
};
/* The class that it leads to, also while the mappings are configured; NULL: it is not known, or something is wrong with
 * the relationship. */
mr_mapper *mr_relationship_leads_to(const mr_relationship *rel);
/* Notes what is wrong in the body of a class that is being declared: mr_mapper_finish reports it with what it finds
 * itself. The text is copied. */
void mr_mapper_mistake(mr_mapper *mapper, const char *message);
/* Is the name that of an attribute which is only missing because something is wrong with the relationship whose backref
 * makes it? Notes in the registry that it was asked for. */
bool mr_mapper_awaits(const mr_mapper *mapper, const char *name);
/* Is the collection queried, and never loaded for a program to read? Then it holds in memory only what was added and
 * removed since the last flush. */
static inline bool mr_relationship_is_queried(const mr_relationship *rel) { return rel->queried != MR_QUERIED_NOT; }
/* A value that was read from a column of the type own is compared with a column of the type other. Returns an
 * expression that the database compares as it would compare the first column itself. Consumes value; one reference. */
mr_node *mr_value_as_column(mr_env *env, mr_node *value, const mr_type *own, const mr_type *other);

/* ---------------------------------------------------------------- hooks */

/* The events of objects, for listeners to their class: EVENT(CODE, NAME) for each. NAME is its name in Lua. */
#define MR_MAPPER_EVENTS(EVENT)                                                                                        \
    EVENT(BEFORE_INSERT, "before_insert")                                                                              \
    EVENT(AFTER_INSERT, "after_insert")                                                                                \
    EVENT(BEFORE_UPDATE, "before_update")                                                                              \
    EVENT(AFTER_UPDATE, "after_update")                                                                                \
    EVENT(BEFORE_DELETE, "before_delete")                                                                              \
    EVENT(AFTER_DELETE, "after_delete")                                                                                \
    EVENT(LOAD, "load")                                                                                                \
    EVENT(REFRESH, "refresh")
/* The events of attributes. */
#define MR_ATTRIBUTE_EVENTS(EVENT)                                                                                     \
    EVENT(SET, "set")                                                                                                  \
    EVENT(APPEND, "append")                                                                                            \
    EVENT(REMOVE, "remove")

#define MR_EVENT_CODE(CODE, name) MR_EVENT_##CODE,
typedef enum mr_mapper_event { MR_MAPPER_EVENTS(MR_EVENT_CODE) MR_EVENT__COUNT } mr_mapper_event;
typedef enum mr_attribute_event { MR_ATTRIBUTE_EVENTS(MR_EVENT_CODE) MR_EVENT__ATTRIBUTE_COUNT } mr_attribute_event;
#undef MR_EVENT_CODE
/* The name of the event with the number; NULL when there is none. Static. */
const char *mr_mapper_event_name(int event);
const char *mr_attribute_event_name(int event);

/* A listener to a class. When it fails, the operation fails with its error. conn is NULL for LOAD and REFRESH. */
typedef mr_status (*mr_mapper_hook_fn)(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                                       mr_entity *entity);
typedef struct mr_mapper_hook {
    mr_mapper_hook_fn fn;
    void *ud;
    uint64_t serial; /* rises along each list, so that a walk finds the next hook, even if others were removed */
    bool propagate;  /* also for subclasses */
} mr_mapper_hook;

/* A listener to an attribute. *value may be replaced. When it fails, the operation fails with its error. */
typedef mr_status (*mr_attribute_hook_fn)(mr_env *env, void *ud, mr_attribute_event event, mr_entity *entity,
                                          const mr_property *prop, mr_value *value, const mr_value *old);
typedef struct mr_attribute_hook {
    mr_attribute_hook_fn fn;
    void *ud;
    const mr_property *prop; /* it listens to the attribute with this property's name */
    uint64_t serial;
    bool propagate;
} mr_attribute_hook;

/* ---------------------------------------------------------------- mappers */

/* When the values are read that the database itself has set in a written row: with the INSERT, also with each UPDATE,
 * or only when they are used. */
typedef enum mr_eager_defaults { MR_EAGER_INSERT = 0, MR_EAGER_ALWAYS, MR_EAGER_NEVER } mr_eager_defaults;

/* How a class is read by a column node: mr_node.reader. Lives as long as the environment. */
typedef struct mr_reading {
    mr_mapper *mapper;
    const struct mr_polymorphic *with; /* or NULL: its own tables */
} mr_reading;

/* The subclasses that a query of a class loads with it. Lives as long as the environment. */
typedef struct mr_polymorphic {
    mr_reading reading;
    mr_mapper *mapper;
    unsigned n;
    mr_mapper **classes; /* below mapper, in order of declaration */
    struct mr_polymorphic *next;
} mr_polymorphic;

/* Makes an expression for the class, whose table is made. *out: one reference. */
typedef mr_status (*mr_mapper_expression_fn)(mr_env *env, void *ud, mr_mapper *mapper, mr_node **out);

/* When what a subclass adds is loaded by a query of a base class: at the first access, with the query itself, or with
 * one more statement for each such class. */
typedef enum mr_polymorphic_load {
    MR_POLYMORPHIC_LATER = 0,
    MR_POLYMORPHIC_INLINE,
    MR_POLYMORPHIC_SELECTIN
} mr_polymorphic_load;

/* A table that the rows of a class are in. */
typedef struct mr_mapper_part {
    mr_table *table;
    mr_node *on;       /* how it is joined to the tables before it; NULL: it is the first. One reference */
    mr_column **keys;  /* its columns that hold the primary key, in the order of pk_slots */
    mr_mapper *mapper; /* the class that has brought it */
} mr_mapper_part;

/* A column of a further table that holds the value of an attribute. */
typedef struct mr_twin {
    mr_column *column;
    mr_property *prop;
} mr_twin;

struct mr_mapper {
    mr_env *env;
    mr_registry *registry;
    const char *name;                      /* the name of the class, interned */
    mr_mapper *base;                       /* the class that it inherits from, or NULL */
    mr_mapper *root;                       /* the topmost base class; the class itself without inheritance */
    mr_table *table;                       /* with single-table inheritance, that of the base class */
    const mr_table_options *table_options; /* of the table that mr_mapper_finish makes; NULL: none */
    mr_vec props;                          /* mr_property *: all of them, inherited ones first */
    uint16_t nslots;
    mr_vec columns; /* mr_property *: those of the kind COLUMN, in the order of their slots */
    uint16_t npk;
    uint16_t *pk_slots; /* the npk slots of the primary key, in its order */
    bool keys_compared; /* the types of its foreign keys were compared with those of their keys */
    bool decorated;     /* the values of a column depend on the dialect, or on functions of the program */
    bool untyped;       /* a column has the type of its foreign key's target, which configuring finds */
    bool int_key;       /* the primary key is one integer column, so the identity is an integer */
    bool keyless;       /* a row without a primary key was found, and there was a warning */
    uint32_t order;     /* its index in the registry */
    mr_reading reading; /* itself */
    bool configured;
    /* inheritance */
    unsigned nparts;
    mr_mapper_part *parts; /* the tables that a row of the class is in, those of base classes first */
    mr_vec twins;          /* mr_twin: further columns of attributes, inherited ones included */
    /* Expressions over the class's columns, which are in its table by then; NULL: not given. */
    mr_mapper_expression_fn inherit_condition, make_polymorphic_on;
    void *inherit_ud, *polymorphic_ud;
    mr_polymorphic_load polymorphic_load; /* how a query of a base class loads what the class adds */
    bool with_polymorphic_all;            /* a query of the class loads all that its subclasses have */
    mr_property *discriminator;           /* polymorphic_on, if it is an attribute; or NULL */
    const char *polymorphic_name;         /* the attribute's name, until mr_mapper_finish finds it; or NULL; interned */
    mr_node *polymorphic_on;              /* polymorphic_on, if it is an expression; or NULL; one reference */
    mr_value polymorphic_identity;        /* MR_UNLOADED: none */
    bool polymorphic_fallback;            /* a row with an identity that no class has is an object of this class */
    mr_vec subclasses;                    /* mr_mapper * */
    mr_polymorphic *polymorphics;         /* those that programs have asked for */
    /* versioning */
    mr_property *version;
    /* Makes the next version. *out holds the version before (MR_UNLOADED: a new row). NULL: versions count 1, 2, 3 ...
     */
    mr_default_fn version_generator;
    void *version_ud;
    bool version_by_hand;             /* version_id_generator = false: the program or the database makes the versions */
    mr_eager_defaults eager_defaults; /* a subclass without its own has that of its base */
    /* Must the INSERT, or the DELETE, of an object have changed a row? 1: yes; -1: no; 0: not given (as the base class,
     * or yes). */
    int8_t confirm_inserted_rows, confirm_deleted_rows;
    /* The columns of a given table that become attributes by themselves: those named; or all but those named, where
     * excludes is true. NULL: all. */
    mr_column **mapped;
    unsigned nmapped;
    bool excludes;
    mr_validator *validators;
    mr_vec hooks[MR_EVENT__COUNT]; /* mr_mapper_hook */
    mr_vec attribute_hooks;        /* mr_attribute_hook */
    /* The data of higher layers about the class. Each layer frees its own in a hook of mr_env_on_close. */
    struct bind_class *klass;                   /* bind: the class in Lua */
    struct mr_class_plans *query_plans;         /* load: plans that are made once */
    struct flush_class *flush_plans;            /* flush: the newest plan, one reference */
    struct mr_relationship_list *session_plans; /* session: the relationships that cascade */
};

struct mr_registry {
    mr_env *env;
    mr_metadata *metadata;
    mr_vec mappers;   /* mr_mapper *, in order of declaration */
    uint64_t version; /* rises with every declaration and configuration */
    bool dirty;       /* a class or relationship waits to be configured */
    bool listened;    /* an attribute has, or had, a listener */
    bool partial;     /* mistakes are looked for, while relationships have no joins because of others */
    bool awaited;     /* what was asked for is known when these are mended */
    uint64_t hooks;   /* the serial of the last hook */
    /* Runs before mr_registry_configure, and may refuse it while something is half declared; or NULL. */
    mr_status (*before_configure)(mr_env *env);
    /* Runs when the mappings have been configured. Its error is reported once: the mappings stay as they are. Or NULL.
     */
    mr_status (*after_configure)(mr_env *env);
    /* Appends "\n  Class.attribute: ..." for each mistake in what the layers above have made of attributes, and counts
     * them, when the mappings have been configured, or (partial) cannot be. Or NULL. */
    mr_status (*find_mistakes)(mr_registry *registry, mr_strbuf *out, size_t *n);
    struct table_order *flush_order; /* of the flush layer, which frees it in a hook of mr_env_on_close */
};

/* A new registry without classes. */
mr_registry *mr_registry_new(mr_env *env, mr_metadata *metadata);
/* The class with the name; NULL, which is no error, when there is none. */
mr_mapper *mr_registry_find(const mr_registry *registry, const char *name);
/* The name of the class that most resembles name (see mr_nearest), or NULL. */
const char *mr_registry_nearest(const mr_registry *registry, const char *name);

/* Begins to declare a class. base may be NULL. Properties are added next; then mr_mapper_finish adds the class to the
 * registry. A declaration that fails before that changes nothing. */
mr_mapper *mr_mapper_new(mr_registry *registry, const char *name, mr_mapper *base);
/* Adds a column as an attribute. A column without a name gets that of the attribute. column NULL: returns NULL, with
 * the error of making the column. ArgumentError: the class has an attribute of that name; also for the next function.
 */
mr_property *mr_mapper_add_column(mr_mapper *mapper, const char *attribute, mr_column *column);
/* The attribute of a base class that the column of a further table also holds. NULL: the class declares no such column.
 * column is in no table yet, and gets the attribute's name where it has none. mr_mapper_finish adds it to the table. */
mr_status mr_mapper_add_twin(mr_mapper *mapper, mr_property *prop, mr_column *column);
/* Adds another property; the caller fills its members. */
mr_property *mr_mapper_add_property(mr_mapper *mapper, const char *attribute, mr_property_kind kind);
/* Fills *proto with the defaults of all options of a relationship. */
void mr_relationship_init(mr_env *env, mr_relationship *proto);
/* Adds a relationship with the options of *proto, which is copied, as is *backref_options. Consumes their nodes and
 * lists, also on failure. When the class is finished already, the next mr_registry_configure resolves the relationship.
 */
mr_relationship *mr_mapper_add_relationship(mr_mapper *mapper, const char *attribute, const mr_relationship *proto);
/* Gives the class its table, and adds the class to the registry. table is an existing table; its columns that no
 * property names become properties under their own names. For single-table inheritance it is the base's table. With
 * table NULL, a table called tablename is made of the declared columns, constraints and indexes (NULL: none). schema
 * may be NULL. A table of its own of a class with a base is joined to the base's, by a foreign key or the
 * inherit_condition.
 * MappingError: there is no primary key, or a class or table of the name exists; or mistakes of inheritance, all in
 * one. */
mr_status mr_mapper_finish(mr_mapper *mapper, mr_table *table, const char *tablename, const char *schema,
                           mr_constraint *constraints, mr_index *indexes);
/* Adds a column to a finished class, and to its table. Entities that were made before have fewer slots. Errors as in
 * mr_mapper_add_column and mr_table_append. */
mr_property *mr_mapper_append_column(mr_mapper *mapper, const char *attribute, mr_column *column);

/* The property with the name; NULL, which is no error, when there is none. follow: for a synonym, returns the property
 * that it stands for. */
mr_property *mr_mapper_property(const mr_mapper *mapper, const char *name, bool follow);
/* The property of the column, also if the column is a twin; NULL, which is no error, when there is none. */
mr_property *mr_mapper_property_of_column(const mr_mapper *mapper, const mr_column *column);
/* The name of the attribute that most resembles name (see mr_nearest), or NULL. */
const char *mr_mapper_nearest(const mr_mapper *mapper, const char *name);
/* The set of these n subclasses of the class; the same for the same classes. n = 0: all of them. NULL: failed. */
const mr_polymorphic *mr_mapper_with(mr_mapper *mapper, mr_mapper *const *classes, unsigned n);
/* Does each query of the class load what the class below adds? */
bool mr_mapper_is_inline(const mr_mapper *mapper, const mr_mapper *below);
/* Is mapper the class base, or a subclass of it? */
bool mr_mapper_isa(const mr_mapper *mapper, const mr_mapper *base);
/* Is the table that of the class, or of one of its base classes? */
bool mr_mapper_reads(const mr_mapper *mapper, const mr_table *table);
/* Does the class share the table of its base class? */
static inline bool mr_mapper_is_single(const mr_mapper *m) { return m->base && m->base->table == m->table; }
/* The class whose polymorphic_on tells of which class a row is; or NULL. */
const mr_mapper *mr_mapper_polymorphic(const mr_mapper *mapper);
/* Does nothing tell that a row is of this class, where it is no base of its family? */
bool mr_mapper_lacks_identity(const mr_mapper *mapper);
/* The class after `at` in the walk through mapper and all its subclasses, a class before its own subclasses. at: NULL
 * at the start. NULL: the walk is over. */
mr_mapper *mr_mapper_next_below(mr_mapper *mapper, mr_mapper *at);

/* Resolves the relationships, backrefs and foreign keys of all classes that are not configured yet. One MappingError
 * reports all mistakes ("2 mappings are wrong:" and a line "Class.attribute: ..." for each; a single mistake is only
 * its line); then nothing is changed. A call from inside of a resolve callback does nothing. */
mr_status mr_registry_configure(mr_registry *registry);

/* The column property of the slot; NULL: the slot has none. */
const mr_property *mr_mapper_at_slot(const mr_mapper *mapper, uint16_t slot);
/* The attribute as an expression: a COLUMN with prop as its annotation. from is the alias that it is read from
 * (borrowed), or NULL. One reference. */
mr_node *mr_property_node(const mr_property *prop, mr_node *from);
/* The same for the attribute as the class has it, which may be one that its base class declares: a query for it reads
 * rows of this class alone. */
mr_node *mr_property_node_of(const mr_property *prop, const mr_mapper *mapper);

/* Gives the attribute of the class a validator, when the mappings are configured. That there is no such attribute, or
 * one that cannot be set, is a mistake of the mappings then. */
mr_status mr_mapper_add_validator(mr_mapper *mapper, const char *attribute, mr_validate_fn fn, void *ud);
/* Makes the expression of an attribute of the kind EXPRESSION, if that has not been done. ArgumentError: it is made of
 * itself. */
mr_status mr_property_express(mr_property *prop);

/* Adds a listener to a class. propagate: also to its present and future subclasses. */
mr_status mr_mapper_listen(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud, bool propagate);
/* Removes the listener with this fn and ud. */
void mr_mapper_unlisten(mr_mapper *mapper, mr_mapper_event event, mr_mapper_hook_fn fn, void *ud);
/* The same for an attribute. */
mr_status mr_attribute_listen(mr_mapper *mapper, const mr_property *prop, mr_attribute_hook_fn fn, void *ud,
                              bool propagate);
void mr_attribute_unlisten(mr_mapper *mapper, mr_attribute_hook_fn fn, void *ud);
/* Calls the listeners to the event, in the order in which they were added. Stops with MR_FAIL when one fails. */
mr_status mr_mapper_fire(mr_mapper *mapper, mr_mapper_event event, mr_conn *conn, mr_entity *entity);
static inline bool mr_mapper_confirms_inserts(const mr_mapper *m) { return m->confirm_inserted_rows >= 0; }
static inline bool mr_mapper_confirms_deletes(const mr_mapper *m) { return m->confirm_deleted_rows >= 0; }
static inline bool mr_mapper_has_hooks(const mr_mapper *m, mr_mapper_event e) { return m->hooks[e].len > 0; }

#ifdef __cplusplus
}
#endif
#endif
