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

/* The column types: TYPE(CODE, RULES) for each. A new type is a line here and its rules, mr_type_RULES, in a file of
 * schema/types. */
#define MR_COLUMN_TYPES(TYPE)                                                                                          \
    TYPE(NULL, unknown) /* values pass as they are */                                                                  \
    TYPE(INTEGER, integer)                                                                                             \
    TYPE(SMALLINTEGER, smallinteger)                                                                                   \
    TYPE(BIGINTEGER, biginteger)                                                                                       \
    TYPE(FLOAT, float)                                                                                                 \
    TYPE(NUMERIC, numeric)                                                                                             \
    TYPE(BOOLEAN, boolean)                                                                                             \
    TYPE(STRING, string)                                                                                               \
    TYPE(TEXT, text)                                                                                                   \
    TYPE(LARGEBINARY, largebinary)                                                                                     \
    TYPE(DATE, date)                                                                                                   \
    TYPE(TIME, time)                                                                                                   \
    TYPE(DATETIME, datetime)                                                                                           \
    TYPE(INTERVAL, interval)                                                                                           \
    TYPE(ENUM, enum)                                                                                                   \
    TYPE(JSON, json)                                                                                                   \
    TYPE(UUID, uuid)                                                                                                   \
    TYPE(ANY, any) /* a column without a type: each value keeps its storage class */

/* A code is a short way to name a type: mr_type_simple(MR_TYPE_INTEGER). What a type is like is asked of its rules. */
#define MR_TYPE_CODE(CODE, rules) MR_TYPE_##CODE,
typedef enum mr_typecode { MR_COLUMN_TYPES(MR_TYPE_CODE) MR_TYPE__COUNT } mr_typecode;
#undef MR_TYPE_CODE

typedef struct mr_type_rules mr_type_rules;

struct mr_type {
    const mr_type_rules *rules; /* what all types of the name have in common; never NULL */
    int length;                 /* String(n): characters; 0 where not given */
    int precision, scale;       /* Numeric; -1 where not given */
    const char *const *choices; /* Enum: interned names, NULL-terminated */
    bool guessed; /* of an expression's result: what is stored may be of another type, and is then left as it is */
};

/* What values of a type are compared and calculated as, in the database and in memory. Numbers stand together, and so
 * do dates, times and intervals: the functions below rely on that. */
typedef enum mr_type_group {
    MR_GROUP_UNKNOWN,
    MR_GROUP_INTEGER,
    MR_GROUP_FLOAT,
    MR_GROUP_DECIMAL,
    MR_GROUP_BOOLEAN,
    MR_GROUP_STRING, /* text of any form */
    MR_GROUP_WORD,   /* text of a form of its own, or one of a few words; compared as text */
    MR_GROUP_BYTES,
    MR_GROUP_DATE,
    MR_GROUP_TIME,
    MR_GROUP_DATETIME,
    MR_GROUP_INTERVAL,
    MR_GROUP_ANY,
    MR_GROUP_OTHER /* compared with values of the same type only */
} mr_type_group;

/* What may be written in parentheses behind the type's name. */
typedef enum mr_type_argument { MR_ARGUMENT_NONE, MR_ARGUMENT_LENGTH, MR_ARGUMENT_CHOICES } mr_type_argument;

/* Bits of what a database without types of its own can store. */
enum {
    MR_STORED_INTEGER = 1 << 1,
    MR_STORED_FLOAT = 1 << 2,
    MR_STORED_TEXT = 1 << 3,
    MR_STORED_BLOB = 1 << 4,
    MR_STORED_NULL = 1 << 5
};
#define MR_TAKES(kind) (1u << (kind))

enum {
    MR_SPELLINGS = 6,    /* of one value, at most */
    MR_TYPE_NAME = 64,   /* bytes for a type's name */
    MR_TYPE_ADVICE = 96, /* bytes for what a message adds */
};

/* The rules of one column type. Functions that are NULL: the type needs none. */
struct mr_type_rules {
    const char *name;          /* "Integer": in messages, and as mr.Integer */
    bool internal;             /* Lua has no mr.NAME */
    const char *wants;         /* the word for its values in messages: "integer" */
    const char *reads;         /* what it reads, for "which is no ..."; NULL: wants */
    const char *sql;           /* in CREATE TABLE and CAST, where a dialect has no name of its own; "": nothing */
    mr_type_group group;       /* what its values are compared as */
    mr_kind kind;              /* of its values in memory; MR_UNLOADED: of several kinds */
    bool natural;              /* a plain Lua value of the kind, beside no column, has this type */
    bool evaluated;            /* comparisons in memory give what the database gives */
    mr_type_argument argument; /* what may be written behind its name */
    uint16_t takes;            /* MR_TAKES of the kinds that it takes as they are */
    uint16_t stored;           /* MR_STORED_ bits: what is stored so is a value of the type as it is */
    uint8_t spellings;         /* in how many ways a value may be stored, at most; 0 where in one */

    /* Makes *v, of a kind that is not in takes, a value of the type, in place (bytes that *v owned are freed); false
     * where it is none. Allocates nothing. */
    bool (*take)(mr_env *env, const mr_type *type, mr_value *v);
    /* Makes *v, as it is stored, a value of the type, in place; false where it is none. NULL: values of kind. */
    bool (*read)(const mr_type *type, mr_value *v);
    /* Does the value break what the declaration says in parentheses? how, where not NULL: the words between the value
     * and the type's name, as "is not a choice of" (MR_TYPE_ADVICE bytes). */
    bool (*breaks)(const mr_type *type, const mr_value *v, char *how);
    /* Writes what a refusal adds, " (write it as ...)", to advice (MR_TYPE_ADVICE bytes). */
    void (*advise)(const mr_type *type, const mr_value *v, char *advice);
    /* Writes all spellings of a value to out (room for MR_SPELLINGS); returns how many, or 0 for a value of another
     * type. Bytes are borrowed from the value, or static. */
    unsigned (*spell)(const mr_value *v, mr_value *out);
    /* The name with what is in parentheses, as Lua (MR_TYPE_NAME bytes) and SQL write it. NULL: the name alone, in Lua
     * with a length where there is one. */
    void (*print)(const mr_type *type, char *buf, size_t size);
    void (*print_sql)(const mr_type *type, char *buf, size_t size);
};

#define MR_TYPE_RULES(CODE, rules) extern const mr_type_rules mr_type_##rules;
MR_COLUMN_TYPES(MR_TYPE_RULES)
#undef MR_TYPE_RULES

static inline bool mr_type_is_known(const mr_type *type) { return type->rules->group != MR_GROUP_UNKNOWN; }
static inline bool mr_type_is_integer(const mr_type *type) { return type->rules->group == MR_GROUP_INTEGER; }
static inline bool mr_type_is_float(const mr_type *type) { return type->rules->group == MR_GROUP_FLOAT; }
static inline bool mr_type_is_decimal(const mr_type *type) { return type->rules->group == MR_GROUP_DECIMAL; }
static inline bool mr_type_is_number(const mr_type *type) {
    return type->rules->group >= MR_GROUP_INTEGER && type->rules->group <= MR_GROUP_DECIMAL;
}
static inline bool mr_type_is_boolean(const mr_type *type) { return type->rules->group == MR_GROUP_BOOLEAN; }
/* Text of any form. */
static inline bool mr_type_is_string(const mr_type *type) { return type->rules->group == MR_GROUP_STRING; }
/* Text of any form, or of the type's own. */
static inline bool mr_type_is_text(const mr_type *type) {
    return type->rules->group == MR_GROUP_STRING || type->rules->group == MR_GROUP_WORD;
}
/* A date, a time, a datetime. */
static inline bool mr_type_is_calendar(const mr_type *type) {
    return type->rules->group >= MR_GROUP_DATE && type->rules->group <= MR_GROUP_DATETIME;
}
/* The same, and intervals. */
static inline bool mr_type_is_moment(const mr_type *type) {
    return type->rules->group >= MR_GROUP_DATE && type->rules->group <= MR_GROUP_INTERVAL;
}
static inline bool mr_type_is_any(const mr_type *type) { return type->rules->group == MR_GROUP_ANY; }
static inline bool mr_type_takes(const mr_type *type, mr_kind kind) {
    return (type->rules->takes & MR_TAKES(kind)) != 0;
}

/* The type of a plain value of the kind, beside no column. Never NULL. */
const mr_type *mr_type_natural(mr_kind kind);
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
/* Is there anything that a value could break? */
bool mr_type_is_limited(const mr_type *type);

/* The type as it is known of an expression that is computed, and no column. */
const mr_type *mr_type_guessed(const mr_type *type);

/* ---- what is stored for a value (spelling.c) */

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
    void *server_default_node;  /* or an expression, which each dialect spells: an mr_node *, opaque here */
    const char *comment;
    mr_foreign_key *foreign_keys;
    uint64_t order; /* creation counter: columns sort by it */
};

static inline bool mr_column_has_server_default(const mr_column *column) {
    return column->server_default || column->server_default_node;
}
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
    const char *sql;           /* CHECK: the condition as text */
    void *condition;           /* or as an expression, which each dialect spells: an mr_node *, opaque here */
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
