/*
 * schema.h: types, columns, constraints, tables and their metadata.
 *
 * All schema objects live in the environment's arena: they are made, appended to, and never
 * freed before the environment is. A pointer to one is therefore always good.
 */
#ifndef MOONROW_SCHEMA_H
#define MOONROW_SCHEMA_H

#include <moonrow/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_type mr_type;
typedef struct mr_column mr_column;
typedef struct mr_table mr_table;
typedef struct mr_metadata mr_metadata;

/* ---------------------------------------------------------------- types */

typedef enum mr_typecode {
    MR_TYPE_NULL = 0, /* unknown: values pass as they are */
    MR_TYPE_INTEGER,
    MR_TYPE_SMALLINTEGER,
    MR_TYPE_BIGINTEGER,
    MR_TYPE_FLOAT,
    MR_TYPE_NUMERIC,
    MR_TYPE_BOOLEAN,
    MR_TYPE_STRING,
    MR_TYPE_TEXT,
    MR_TYPE_LARGEBINARY,
    MR_TYPE_DATE,
    MR_TYPE_TIME,
    MR_TYPE_DATETIME,
    MR_TYPE_INTERVAL,
    MR_TYPE_ENUM,
    MR_TYPE_JSON,
    MR_TYPE_UUID,
    MR_TYPE_ANY, /* a column without a type: each value keeps its storage class */
    MR_TYPE__COUNT
} mr_typecode;

struct mr_type {
    mr_typecode code;
    int length;                 /* String(n): characters; 0 where not given */
    int precision, scale;       /* Numeric; -1 where not given */
    const char *const *choices; /* Enum: interned names, NULL-terminated */
    bool guessed; /* of an expression's result: what is stored may be of another type, and is then left as it is */
};

/* The shared type of a code without parameters. Never NULL. */
const mr_type *mr_type_simple(mr_typecode code);
/* A copy of *proto in the arena. */
const mr_type *mr_type_new(mr_env *env, const mr_type *proto);
/* "Integer", "String(80)": as the user wrote it. Writes into buf (at least 64 bytes). */
const char *mr_type_name(const mr_type *type, char *buf);
/* The word messages use for the Lua value that the type wants: "integer", "string", "date". */
const char *mr_type_wants(const mr_type *type);
/* Checks value against the type and normalises it in place (integral float to integer, integer
 * to float, ISO text to date ...). what is "User.id" for the message
 * "User.id: expected integer, got string "x"". NULL and opaque values pass.
 * Never allocates except for an error. */
mr_status mr_type_coerce(mr_env *env, const mr_type *type, const char *what, mr_value *value);
/* What can only be told at flush: String(n) over n characters, an Enum's choice. DataError. */
mr_status mr_type_check_length(mr_env *env, const mr_type *type, const char *what, const mr_value *value);
/* Does the value, of what the type reads, break what the declaration says: its length, its choices? */
bool mr_type_is_broken(const mr_type *type, const mr_value *value);

/* The type as it is known of an expression that is computed, and no column. */
const mr_type *mr_type_guessed(const mr_type *type);

/* ---- what is stored for a value (spelling.c) */

enum { MR_SPELLINGS = 6 }; /* at most */
/* Which of a value's spellings a parameter takes: MR_SPELL_PLAIN, 1 for the first of them, 2 ..., or a
 * limit of them. */
enum { MR_SPELL_PLAIN = 0, MR_SPELL_SHORTEST = 254, MR_SPELL_LONGEST = 255 };
/* Can values of the type be stored in several ways? */
bool mr_type_is_spelled(const mr_type *type);
/* Writes the value's spellings to out (room for MR_SPELLINGS) and returns how many: at least one. Bytes are borrowed
 * from the value, or static. */
unsigned mr_type_spellings(const mr_type *type, const mr_value *v, mr_value *out);
/* The spelling that sorts before all others of the value, or after them. */
mr_value mr_type_limit(const mr_type *type, const mr_value *v, bool longest);
/* One of the spellings; the last one where there are fewer. */
mr_value mr_type_spell(const mr_type *type, const mr_value *v, unsigned spelling);
/* True and false as text: "t", "true", "1", "f", "false", "0", "". */
bool mr_boolean_read(const char *s, size_t len, bool *out);

/* ---- what is stored, read by the type (reading.c) */

/* Turns *v, as it is stored, into a value of the type, in place; bytes stay borrowed. False where it is none: *v is
 * left as it is. NULL passes. Numbers of the type Numeric are the driver's business, which has the memory for their
 * digits. */
bool mr_type_read(const mr_type *type, mr_value *v);
/* Records the DataError for a stored value that is none of the type's: "what: the row holds ...". row names the row:
 * "User 5", or NULL. */
mr_status mr_type_misfit(mr_env *env, const mr_type *type, const char *what, const char *row, const mr_value *stored);

/* 32 hexadecimal digits, with or without hyphens in their places. */
bool mr_uuid_is_text(const char *s, size_t len);
/* Characters of UTF-8 text; an invalid byte counts as one. */
size_t mr_utf8_length(const char *s, size_t len);

/* ---------------------------------------------------------------- columns */

typedef enum mr_default_kind {
    MR_DEFAULT_NONE = 0,
    MR_DEFAULT_VALUE,    /* value */
    MR_DEFAULT_FUNCTION, /* fn(ud) gives the value */
    MR_DEFAULT_NOW,      /* mr.now: the current UTC time, without a callback */
    MR_DEFAULT_SQL       /* expression: an mr_node *, opaque here */
} mr_default_kind;

/* Gives a value for one row. The value's bytes stay good until the next call. On MR_FAIL the
 * error is recorded (MR_ERR_CALLBACK for the callback's own). */
typedef mr_status (*mr_default_fn)(mr_env *env, void *ud, mr_value *out);

typedef struct mr_default {
    mr_default_kind kind;
    mr_value value;
    mr_default_fn fn;
    void *ud;
    void *expression;
} mr_default;

typedef struct mr_foreign_key {
    mr_column *column;               /* the referring column */
    const char *target;              /* "category.id" as written, or NULL when given as a column */
    mr_column *referred;             /* resolved on demand by mr_foreign_key_resolve */
    const char *ondelete, *onupdate; /* "CASCADE", ..., or NULL */
    const char *name;
    struct mr_constraint *constraint; /* the table-level constraint it is a part of, or NULL */
    struct mr_foreign_key *next;      /* the column's next one */
} mr_foreign_key;

struct mr_column {
    const char *name;    /* interned; the name in the database */
    const mr_type *type; /* NULL: taken from the foreign key's column when resolved */
    mr_table *table;     /* NULL until appended */
    unsigned index;      /* position in the table */
    bool primary_key;
    bool nullable; /* default: not primary_key */
    bool nullable_given;
    bool unique;
    bool indexed;
    int8_t autoincrement; /* 1 on, 0 off, -1 auto: a sole integer primary key without foreign key */
    mr_default deflt, onupdate;
    const char *server_default; /* SQL text ("0", "'x'", "CURRENT_TIMESTAMP"), or NULL */
    const char *comment;
    mr_foreign_key *foreign_keys;
    uint64_t order; /* creation counter: columns sort by it */
};

/* A column in no table yet. name may be NULL: then set by the mapping, from the attribute. */
mr_column *mr_column_new(mr_env *env, const char *name, const mr_type *type);
/* Adds a foreign key "table.column" (or schema-qualified) to the column. */
mr_foreign_key *mr_column_add_foreign_key(mr_env *env, mr_column *column, const char *target, mr_column *referred);
/* A copy, for mixins: in no table, with its foreign keys, a new creation order. */
mr_column *mr_column_clone(mr_env *env, const mr_column *column);
/* The type, a foreign key's column's when none was given (MR_TYPE_NULL when unresolvable). */
const mr_type *mr_column_type(mr_env *env, mr_column *column);

/* ---------------------------------------------------------------- constraints */

typedef enum mr_constraint_kind {
    MR_CONSTRAINT_PRIMARY_KEY,
    MR_CONSTRAINT_UNIQUE,
    MR_CONSTRAINT_FOREIGN_KEY,
    MR_CONSTRAINT_CHECK
} mr_constraint_kind;

typedef struct mr_constraint {
    mr_constraint_kind kind;
    const char *name; /* or NULL */
    unsigned ncolumns;
    mr_column **columns;
    const char **column_names; /* as written, until the table resolves them */
    const char **targets;      /* FOREIGN KEY: "table.column" for each */
    const char *sql;           /* CHECK */
    const char *ondelete, *onupdate;
    struct mr_constraint *next;
} mr_constraint;

typedef struct mr_index {
    const char *name;
    bool unique;
    unsigned ncolumns;
    const char **column_names;
    struct mr_index *next;
} mr_index;

/* ---------------------------------------------------------------- tables */

struct mr_table {
    const char *name;   /* interned */
    const char *schema; /* or NULL */
    mr_metadata *metadata;
    unsigned ncolumns;
    mr_column **columns; /* in order */
    unsigned nprimary;
    mr_column **primary;        /* the primary key's columns, in order */
    mr_constraint *constraints; /* table-level ones, in order */
    mr_index *indexes;          /* explicit and from index = true, in order */
    mr_column *autoincrement;   /* the column the database numbers, or NULL */
    const char *comment;
    void *mapped;            /* for the mapper layer */
    const char *mapped_name; /* the class that maps it, for messages; or NULL */
};

struct mr_metadata {
    mr_env *env;
    mr_vec tables;    /* mr_table *, in order of creation */
    uint64_t version; /* rises when a table is added or a column appended */
};

/* Lives as long as the environment. */
mr_metadata *mr_metadata_new(mr_env *env);
/* The table called "name", or "schema.name"; NULL when there is none. */
mr_table *mr_metadata_table(const mr_metadata *md, const char *name);
/* The table of the name in the schema (NULL: in none); NULL when there is none. */
mr_table *mr_metadata_table_in(const mr_metadata *md, const char *schema, const char *name);
/* ArgumentError when the metadata has a table of the name already. columns are sorted by their
 * creation counter; constraints and indexes are lists linked by next, or NULL. Sets primary,
 * autoincrement, indexes from column flags (ix_TABLE_COLUMN). A duplicate or unnamed column, a constraint on
 * an unknown column: ArgumentError, and the metadata is as before. */
mr_table *mr_table_new(mr_metadata *md, const char *name, const char *schema, mr_column **columns, unsigned ncolumns,
                       mr_constraint *constraints, mr_index *indexes);
/* Appends one column to a table that exists (single-table inheritance, late declarations). */
mr_status mr_table_append(mr_table *table, mr_column *column);
mr_column *mr_table_column(const mr_table *table, const char *name);
/* The foreign key's column in the same metadata, by its written target. ArgumentError naming the
 * column, the target, and the nearest table or column. */
mr_status mr_foreign_key_resolve(mr_env *env, mr_foreign_key *fk);
/* The tables so that each comes after those its foreign keys refer to (self-references and cycles
 * are passed over; ties by name). out has room for all; *n is their count. */
mr_status mr_metadata_sorted(mr_metadata *md, mr_table **out, size_t *n);
/* Forgets a table (a class declaration that failed half way). */
void mr_metadata_remove(mr_metadata *md, const mr_table *table);

#ifdef __cplusplus
}
#endif
#endif
