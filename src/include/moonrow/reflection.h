/*
 * reflection.h: what a database says of its tables, views and virtual tables, whoever has made them.
 *
 * Invariant: everything that is read lives in the caller's arena. Names and SQL are as the database has them: nothing
 * is a mapping yet, and nothing is guessed.
 */
#ifndef MOONROW_REFLECTION_H
#define MOONROW_REFLECTION_H

#include <moonrow/db.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The kinds of what a schema holds: KIND(CODE, WORD) for each. */
#define MR_OBJECT_KINDS(KIND)                                                                                          \
    KIND(TABLE, "table")                                                                                               \
    KIND(VIEW, "view")                                                                                                 \
    KIND(VIRTUAL, "virtual")   /* a virtual table: a module makes its rows */                                          \
    KIND(SHADOW, "shadow")     /* a table in which a virtual or a partitioned one keeps its rows */                    \
    KIND(INTERNAL, "internal") /* a table of the database's own, or of an extension's */                               \
    KIND(DAMAGED, "damaged")   /* a table or view whose definition the database cannot read */
#define MR_OBJECT_CODE(CODE, word) MR_OBJECT_##CODE,
typedef enum mr_object_kind { MR_OBJECT_KINDS(MR_OBJECT_CODE) MR_OBJECT__COUNT } mr_object_kind;
#undef MR_OBJECT_CODE
/* The kind's word. Static. */
const char *mr_object_kind_name(mr_object_kind kind);

/* A table or view among others. */
typedef struct mr_object {
    const char *name;
    mr_object_kind kind;
    struct mr_object *next;
} mr_object;

/* A note about something that was left out: what cannot be read is named, and the rest goes on. */
typedef struct mr_reflection_note {
    const char *text;
    struct mr_reflection_note *next;
} mr_reflection_note;

/* The objects of a schema, in the order of their making. */
typedef struct mr_schema_objects {
    mr_object *objects;
    mr_reflection_note *notes;
} mr_schema_objects;

/* How a column's numbers are counted by a sequence of its own. */
typedef struct mr_reflected_identity {
    bool always, cycle; /* always: GENERATED ALWAYS, not BY DEFAULT */
    int64_t start, increment, minvalue, maxvalue, cache;
} mr_reflected_identity;

typedef struct mr_reflected_column {
    const char *name;
    const char *type;      /* as it is declared; "" without one */
    const char *affinity;  /* "INTEGER", "TEXT", "BLOB", "REAL", "NUMERIC"; NULL: the database has real types */
    const char *deflt;     /* SQL, or NULL */
    const char *collation; /* NULL: the usual one */
    const char *generated; /* the expression, or NULL */
    bool stored, hidden;   /* of a generated column; of a virtual table: not among the columns of SELECT * */
    bool not_null;
    unsigned key;                    /* position in the primary key, from 1; 0: not in it */
    const char *not_null_conflict;   /* "REPLACE", ..., or NULL */
    const char *comment;             /* or NULL */
    const char *base_type;           /* of a domain: the type that it narrows; else NULL */
    const char **choices;            /* of an enum: its labels, NULL-terminated; else NULL */
    mr_reflected_identity *identity; /* or NULL */
    bool serial;                     /* its default is the next number of a sequence that is its own */
    struct mr_reflected_column *next;
} mr_reflected_column;

typedef enum mr_reflected_kind {
    MR_REFLECTED_PRIMARY_KEY,
    MR_REFLECTED_UNIQUE,
    MR_REFLECTED_FOREIGN_KEY,
    MR_REFLECTED_CHECK
} mr_reflected_kind;

typedef struct mr_reflected_constraint {
    mr_reflected_kind kind;
    const char *name; /* or NULL */
    unsigned ncolumns;
    const char **columns;
    bool servers_name;               /* the name is the one that the database gives where none is given */
    const char *target;              /* FOREIGN KEY: the table */
    const char *target_schema;       /* where it is another one than the own table's, or NULL */
    const char **target_columns;     /* as many as columns; NULL: the primary key of a table that is not there */
    const char *ondelete, *onupdate; /* NULL: NO ACTION */
    int8_t deferrable;               /* 1: DEFERRABLE, -1: NOT DEFERRABLE, 0: not said */
    const char *initially;           /* "DEFERRED", "IMMEDIATE", or NULL */
    const char *conflict;            /* "REPLACE", ..., or NULL */
    const char *sql;                 /* CHECK: the condition */
    struct mr_reflected_constraint *next;
} mr_reflected_constraint;

typedef struct mr_reflected_part {
    const char *column;     /* NULL: an expression */
    const char *expression; /* its SQL, or NULL */
    const char *collation;  /* NULL: the column's */
    bool descending;
} mr_reflected_part;

typedef struct mr_reflected_index {
    const char *name;
    bool unique;
    unsigned nparts;
    mr_reflected_part *parts;
    const char *where;      /* the condition of a partial index, or NULL */
    const char *definition; /* its CREATE INDEX, where that says more than is told here; else NULL */
    struct mr_reflected_index *next;
} mr_reflected_index;

typedef struct mr_reflected_trigger {
    const char *name, *sql;
    struct mr_reflected_trigger *next;
} mr_reflected_trigger;

/* A table, view or virtual table. */
typedef struct mr_reflection {
    const char *name; /* as the database spells it */
    mr_object_kind kind;
    const char *sql;          /* its definition, or NULL */
    const char *module;       /* of a virtual table */
    const char *using_module; /* the module with its arguments, as they are written */
    const char *definition;   /* of a view: the query */
    const char *comment;      /* or NULL */
    bool names_columns;       /* the view gives the columns of its query other names */
    bool without_rowid, strict, autoincrement;
    const char *rowid; /* the name under which the row's number can be read; NULL: it has none, or columns hide it */
    mr_reflected_column *columns;
    mr_reflected_constraint
        *constraints;            /* the primary key first, then UNIQUE, FOREIGN KEY and CHECK, in their order */
    mr_reflected_index *indexes; /* without those of constraints */
    mr_reflected_trigger *triggers;
    mr_reflection_note *notes;
    struct mr_reflection *next; /* of mr_conn_all_objects */
} mr_reflection;

/* How a driver answers. schema NULL: the usual one. */
typedef struct mr_reflector {
    /* *names: of the schemas, NULL-terminated. */
    mr_status (*schemas)(mr_dbc *dbc, mr_arena *arena, const char ***names);
    mr_status (*objects)(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_schema_objects *out);
    /* MR_NOTFOUND: there is nothing with that name. */
    mr_status (*object)(mr_dbc *dbc, mr_arena *arena, const char *schema, const char *name, mr_reflection *out);
    /* *list: all objects, in the order of their making. */
    mr_status (*all)(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_reflection **list);
} mr_reflector;

/* The names of the database's schemas, NULL-terminated: the usual one first. InvalidRequestError: the driver cannot
 * tell. So for the next three. */
mr_status mr_conn_schemas(mr_conn *conn, mr_arena *arena, const char ***names);
/* What the schema holds. NotFoundError: there is no such schema. */
mr_status mr_conn_objects(mr_conn *conn, mr_arena *arena, const char *schema, mr_schema_objects *out);
/* One of them. MR_NOTFOUND: there is none with that name. */
mr_status mr_conn_object(mr_conn *conn, mr_arena *arena, const char *schema, const char *name, mr_reflection *out);

/* All of them, at once: their notes are those of each; those of the schema are told by mr_conn_objects. */
mr_status mr_conn_all_objects(mr_conn *conn, mr_arena *arena, const char *schema, mr_reflection **list);

/* What the stored values of a column are like. */
typedef struct mr_sampled_column {
    const mr_type *const *candidates; /* NULL-terminated, the best first */
    uint64_t fits; /* bit i: each value can be read as candidate i (64 at most); where that is so of the first one, the
                      others may be left out */
    uint64_t counts[5];      /* how many are NULL, integers, floats, texts and blobs */
    int64_t lowest, highest; /* of the integers */
    uint32_t spelled;        /* texts of a candidate that is a moment: MR_SPELLED_ bits that all have ... */
    bool spelled_alike;      /* ... and whether all are spelled alike */
    const char *first;       /* the first text, if it is short; in the arena; or NULL */
    mr_value odd;            /* the first value that the first candidate cannot read, in the arena; or MR_UNLOADED */
} mr_sampled_column;

/* The rows that are looked at. */
typedef struct mr_sampled_table {
    const char *schema, *name; /* schema NULL: the usual one */
    const char *rowid;         /* of the two ends of the table by this name of the row's number; NULL: the first ones */
    const char *const *columns;
    uint64_t limit; /* so many rows; 0: all */
} mr_sampled_table;
/* Compares the stored values of the n columns with their candidates. */
mr_status mr_conn_sample(mr_conn *conn, mr_arena *arena, const mr_sampled_table *table, mr_sampled_column *sampled,
                         unsigned n);

#ifdef __cplusplus
}
#endif
#endif
