/*
 * schema.h: types, columns, constraints, tables and their metadata.
 *
 * Invariant: all schema objects live in the environment's arena. They grow, but are never freed before the environment
 * is, so a pointer to one is always good. A returned pointer never has to be freed.
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
typedef struct mr_store_room mr_store_room;

/* ---------------------------------------------------------------- types */

/* The column types: TYPE(CODE, RULES) for each. To add a type, add a line here, and its rules, mr_type_RULES, in a file
 * of schema/types. */
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
    TYPE(JSONB, jsonb)                                                                                                 \
    TYPE(ARRAY, array)                                                                                                 \
    TYPE(UUID, uuid)                                                                                                   \
    TYPE(ANY, any) /* a column without a type: each value keeps its storage class */

/* A code is a short name of a type: mr_type_simple(MR_TYPE_INTEGER). Code that treats types differently must ask the
 * type's rules, not compare codes. */
#define MR_TYPE_CODE(CODE, rules) MR_TYPE_##CODE,
typedef enum mr_typecode { MR_COLUMN_TYPES(MR_TYPE_CODE) MR_TYPE__COUNT } mr_typecode;
#undef MR_TYPE_CODE

typedef struct mr_type_rules mr_type_rules;

/* What the program does with the values of a type before they are sent, and after they are read. */
typedef struct mr_decorator {
    const char *name;    /* of the type, in messages */
    const mr_type *impl; /* the type that is decorated; it may have a decorator, too */
    void *ud;            /* of the binding: its functions */
    /* Replaces a plain value of the program's, NULL too, by what is sent for it. NULL: values are sent as they are. */
    mr_status (*send)(mr_env *env, const mr_type *type, mr_value *v, mr_store_room *room);
} mr_decorator;

struct mr_type {
    const mr_type_rules *rules; /* the rules of all types of this name; never NULL */
    int length;                 /* String(n): largest number of characters; 0: not given */
    int precision, scale;       /* Numeric: number of digits, in all and of the fraction; -1: not given */
    const char *const *choices; /* Enum: interned names, NULL-terminated */
    const mr_value *forms;      /* what is stored: Enum: for each choice; Boolean: for false, true. NULL: themselves */
    uint32_t form;              /* a date or time stored as text: the MR_SPELLED_ bits of what is written */
    const mr_type *item;        /* Array: the type of its items; else NULL */
    uint16_t number;            /* Array: from 1; a value tells by it what its items are. Else 0 */
    const char *named;          /* what a database with types of its own calls it ("mood", "inet"); NULL: as usual */
    bool none_as_null;          /* JSON: mr.null is NULL, not JSON's null */
    bool guessed; /* the type of a computed expression: a stored value that does not fit is passed on unchanged */
    /* NULL, or: the program has values of its own. A slot, a parameter and a row hold plain values as impl has them,
     * or, where the program's value has not been converted yet, an opaque one (mr_value_is_own). */
    const mr_decorator *decorator;
    const struct mr_variant *variants; /* the types that hold in the dialects (mr_type_in); NULL: this one, in all */
};

/* The type that holds in a dialect. It has no variants. */
typedef struct mr_variant {
    const char *dialect; /* its name; NULL: each that has none of its own */
    const mr_type *type;
    const struct mr_variant *next;
} mr_variant;

/* The group says how values of a type are compared and calculated, in the database and in memory. Numbers stand
 * together, and so do dates, times and intervals: the functions below rely on that. */
typedef enum mr_type_group {
    MR_GROUP_UNKNOWN,
    MR_GROUP_INTEGER,
    MR_GROUP_FLOAT,
    MR_GROUP_DECIMAL,
    MR_GROUP_BOOLEAN,
    MR_GROUP_STRING, /* text of any form */
    MR_GROUP_WORD,   /* text of a fixed form (Uuid), or one of a few words (Enum); compared as text */
    MR_GROUP_BYTES,
    MR_GROUP_DATE,
    MR_GROUP_TIME,
    MR_GROUP_DATETIME,
    MR_GROUP_INTERVAL,
    MR_GROUP_ANY,
    MR_GROUP_OTHER /* compared with values of the same type only */
} mr_type_group;

/* The argument that may be written in parentheses behind the type's name. */
typedef enum mr_type_argument {
    MR_ARGUMENT_NONE,
    MR_ARGUMENT_LENGTH,
    MR_ARGUMENT_CHOICES,
    MR_ARGUMENT_ITEM,  /* a type */
    MR_ARGUMENT_JSON,  /* none; options */
    MR_ARGUMENT_DIGITS /* in all, and behind the point */
} mr_type_argument;

/* The storage classes of a database without real column types (SQLite), as bits. */
enum {
    MR_STORED_INTEGER = 1 << 1,
    MR_STORED_FLOAT = 1 << 2,
    MR_STORED_TEXT = 1 << 3,
    MR_STORED_BLOB = 1 << 4,
    MR_STORED_NULL = 1 << 5
};
#define MR_TAKES(kind) (1u << (kind)) /* the bit of a kind in mr_type_rules.takes */

enum {
    MR_SPELLINGS = 6,     /* largest number of spellings of one value */
    MR_TYPE_NAME = 96,    /* bytes for a type's name */
    MR_READ_ROOM = 64,    /* bytes for a value that is made when it is read */
    MR_TYPE_ADVICE = 160, /* bytes for the advice that a message ends with */
};

/* Memory for the bytes of stored values: good until mr_store_done. */
struct mr_store_room {
    mr_env *env;
    mr_arena *texts;        /* made when it is needed */
    const char *dialect;    /* the name of the dialect that the values are for; NULL: SQLite's */
    bool literal;           /* they are written into the SQL */
    bool written;           /* the value goes into a column: its length is checked */
    const mr_type *type;    /* of the parameter that the next value is for */
    const char *what;       /* what a plain value is called in an error: "User.name" */
    bool mistake;           /* an error of a plain value is a line in another one, and has no place of its own */
    bool filled;            /* few is in use */
    char few[MR_READ_ROOM]; /* for the first value, which is often the only one */
};

/* The rules of one column type. A function that the type does not need is NULL. */
struct mr_type_rules {
    const char *name;  /* "Integer": the name in messages, and of mr.Integer */
    bool internal;     /* Lua has no mr.NAME */
    const char *wants; /* the words for its values in messages: "an integer" */
    const char *reads; /* the stored values that it reads, for messages ("which is no ..."); NULL: wants, no article */
    const char *sql;   /* its name in CREATE TABLE and CAST, for dialects without a word of their own; "": none */
    mr_type_group group; /* how its values are compared */
    mr_kind kind;        /* the kind of its values in memory; MR_UNLOADED: several kinds */
    bool natural;        /* a Lua value of the kind that stands beside no column has this type */
    bool late;      /* an object whose row holds a bad value raises when the attribute is read, not when it is loaded */
    bool casts;     /* SQLite makes its values by our function: its own CAST knows numbers, texts and bytes */
    bool evaluated; /* a comparison in memory gives the same result as in the database */
    mr_type_argument argument; /* the argument behind its name */
    uint16_t takes;            /* the kinds of values that it takes unchanged: MR_TAKES bits */
    uint16_t stored;           /* the storage classes that it reads unchanged: MR_STORED_ bits */
    uint8_t spellings;         /* largest number of ways in which one value may be stored; 0: only one */
    bool stores_spellings;     /* store converts a value's spellings alone; the value itself is stored as it is */

    /* Converts *v, whose kind is not in takes, to a value of the type, in place; bytes that *v owned are freed. False
     * when that is impossible. Allocates nothing. */
    bool (*coerce)(mr_env *env, const mr_type *type, mr_value *v);
    /* Converts *v from its stored form to a value of the type, in place; bytes may be made in room (MR_READ_ROOM).
     * False when that is impossible. NULL: only values of kind are read. */
    bool (*read)(const mr_type *type, mr_value *v, char *room);
    /* Does the value break the declaration's argument: its length, its choices? Then it writes the words of the message
     * between value and type ("is not a choice of") to how, which is NULL or has MR_TYPE_ADVICE bytes. */
    bool (*breaks)(const mr_type *type, const mr_value *v, char *how);
    /* Writes the end of the message that refuses the value, " (write it as ...)", to advice (MR_TYPE_ADVICE bytes). */
    void (*advise)(const mr_type *type, const mr_value *v, char *advice);
    /* Writes all spellings of a value to out (room for MR_SPELLINGS). Returns their number; 0 for a value of another
     * kind. Their bytes are borrowed from the value, or static. */
    unsigned (*spell)(const mr_type *type, const mr_value *v, mr_value *out);
    /* Of a value that lies between two that can be stored: *out is the spelling of the one before it, or behind it.
     * False: it does not. NULL: no value does, or store makes a form between those of the two. */
    bool (*limit)(const mr_type *type, const mr_value *v, bool before, mr_value *out);
    /* Write the name with its argument to buf: print as Lua writes it (size is MR_TYPE_NAME), print_sql as SQL does.
     * print NULL: the name, with a length when one is given. print_sql NULL: sql alone. */
    void (*print)(const mr_type *type, char *buf, size_t size);
    void (*print_sql)(const mr_type *type, char *buf, size_t size);

    /* ---- another form of storage: a set of rules of its own, chosen by the type's option `storage` (storage.c) */
    const char *storage;                  /* the word for it: "unix_ms"; NULL: these are the type's usual rules */
    const mr_type_rules *sql_as;          /* the rules whose SQL type a column of this form has; NULL: these */
    const mr_type_rules *const *storages; /* the usual rules have: the other forms, NULL-terminated; NULL: none */
    uint32_t form;                        /* a moment stored as text: the MR_SPELLED_ bits that each such type has */
    /* Chooses a form by other words than those of storages. ArgumentError: they mean nothing. */
    mr_status (*choose)(mr_env *env, const char *storage, mr_type *made);
    bool text_options; /* the options digits, separator and zone add bits to the form */
    bool unordered;    /* the stored form does not sort as the values do */
    int64_t unit;      /* a moment stored as a number: it keeps whole units of so many microseconds */
    int64_t epoch;     /* microseconds from 1970 to where it counts from */
    double per;        /* stored as a float: the microseconds of 1.0; 0: as an integer, of units */
    double zero;       /* what is added to that float: the Julian day of 1970 */
    /* Converts *v to what is stored, in place; bytes are made in *room. NULL passes by. NULL: stored as it is. */
    mr_status (*store)(const mr_type *type, mr_value *v, mr_store_room *room);
    /* Cuts off what the form cannot keep: parts of a second. NULL: it keeps all. */
    void (*cut)(const mr_type *type, mr_value *v);
    /* Brings a value that will be written to the form that it will have in its row, in place; bytes are made in *room.
     * ArgumentError: the row cannot hold it. what: "Product.price". NULL: it is so already. */
    mr_status (*fit)(mr_env *env, const mr_type *type, const char *what, mr_value *v, mr_store_room *room);
    bool fits_by_dialect; /* fit asks for room->dialect, and does nothing where that is not known */
    /* A decimal stored as a number: the SQL function that makes its text of that number, and the one that makes the
     * number of its text; each gets the digits behind the point as its second argument. NULL: it is stored as text. */
    const char *sql_read, *sql_write;
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
/* Text of any form, or of a fixed form. */
static inline bool mr_type_is_text(const mr_type *type) {
    return type->rules->group == MR_GROUP_STRING || type->rules->group == MR_GROUP_WORD;
}
/* Dates, times and datetimes. */
static inline bool mr_type_is_calendar(const mr_type *type) {
    return type->rules->group >= MR_GROUP_DATE && type->rules->group <= MR_GROUP_DATETIME;
}
/* Dates, times, datetimes and intervals. */
static inline bool mr_type_is_moment(const mr_type *type) {
    return type->rules->group >= MR_GROUP_DATE && type->rules->group <= MR_GROUP_INTERVAL;
}
/* JSON, and arrays that are stored as JSON. */
static inline bool mr_type_is_json(const mr_type *type) { return type->rules->kind == MR_JSON; }
static inline bool mr_type_is_any(const mr_type *type) { return type->rules->group == MR_GROUP_ANY; }
static inline bool mr_type_takes(const mr_type *type, mr_kind kind) {
    return (type->rules->takes & MR_TAKES(kind)) != 0;
}

/* The type of a value of the kind that stands beside no column. Never NULL. Static. */
const mr_type *mr_type_natural(mr_kind kind);
/* The shared type of a code, without an argument. Never NULL. Static. */
const mr_type *mr_type_simple(mr_typecode code);
/* A copy of *proto, its choices included, in the arena. */
const mr_type *mr_type_new(mr_env *env, const mr_type *proto);
/* The type under the name, SQL text, that a database with types of its own has for it. NULL: no memory. */
const mr_type *mr_type_named(mr_env *env, const mr_type *type, const char *name);
/* The Array whose items are of the type: the same one for the same type. NULL: no memory, or too many. */
const mr_type *mr_type_array_of(mr_env *env, const mr_type *item);
/* The type of a JSON value: the Array type that its tag names, or JSON. */
const mr_type *mr_type_of_json(mr_env *env, const mr_value *json);
/* A value of the type that borrows the JSON text. */
static inline mr_value mr_type_json_value(const mr_type *type, const char *text, size_t len) {
    mr_value v = mr_bytes_value(MR_JSON, text, len);
    v.tag = mr_json_tag(type->number, MR_JSON_BAD_RAISE);
    return v;
}
/* Reads what stands in an Array, a scalar, as a value of the type of its items, in place; its bytes stay borrowed, or
 * are in the room (MR_READ_ROOM bytes). False: it is none. */
bool mr_type_read_item(const mr_type *item, mr_value *v, char *room);
/* Checks a value for an Array, and turns it into what is stored: a boolean, a number or a text. what: its place, for
 * the message. Bytes are made in *room. */
mr_status mr_type_store_item(mr_env *env, const mr_type *item, const char *what, mr_value *v, mr_store_room *room);
/* The type as the user wrote it: "Integer", "String(80)". Writes it to buf (MR_TYPE_NAME bytes) and returns buf. */
const char *mr_type_name(const mr_type *type, char *buf);
/* The words in messages for the Lua value that the type wants: "an integer", "a string", "a date". Static. */
const char *mr_type_wants(const mr_type *type);
/* Checks a value from the program against the type and converts it in place (integral float to integer, integer to
 * float, ISO text to date). NULL and opaque values pass. ArgumentError: "User.id: expected an integer, got string "x"",
 * where what is "User.id". Allocates only for an error. */
mr_status mr_type_coerce(mr_env *env, const mr_type *type, const char *what, mr_value *value);
/* Checks at flush whether the value breaks the declaration's argument: String(n) has at most n characters, an Enum has
 * one of its choices. DataError: "User.name: ...", where what is "User.name". */
mr_status mr_type_check_length(mr_env *env, const mr_type *type, const char *what, const mr_value *value);
/* Does a value that the type reads break the declaration's argument? */
bool mr_type_is_broken(const mr_type *type, const mr_value *value);
/* Does the declaration have an argument that a value could break? */
bool mr_type_is_limited(const mr_type *type);
/* A text of fewer bytes does not break it. 0: each text must be checked, also an empty one. */
uint32_t mr_type_safe_bytes(const mr_type *type);

/* Numeric of so many digits, precision in all and scale of them behind the point; -1: not given. *out is in the arena.
 * storage: "scaled", "real", or NULL. ArgumentError: the numbers do not go together, or the storage needs others. */
mr_status mr_type_with_digits(mr_env *env, const mr_type *type, int precision, int scale, const char *storage,
                              const mr_type **out);
/* The type for a computed expression (see mr_type.guessed). A type with a scale, or with a form of storage, is returned
 * itself. Static. */
const mr_type *mr_type_guessed(const mr_type *type);

/* ---- the form of storage (storage.c) */

/* What stands in the type's options. */
typedef struct mr_storage_options {
    const char *storage;          /* NULL: not given */
    int digits;                   /* of the second's fraction; MR_DIGITS_AUTO, MR_DIGITS_UNSET */
    const char *separator, *zone; /* NULL: not given */
} mr_storage_options;
enum { MR_DIGITS_UNSET = -2, MR_DIGITS_AUTO = -1 };
/* *out: the type stored in the form that the options name, in the arena. ArgumentError: the type has no such form, or
 * the options do not go together. */
mr_status mr_type_with_storage(mr_env *env, const mr_type *type, const mr_storage_options *options,
                               const mr_type **out);
/* Can the type be stored in other forms, which an option names that is given alone? */
static inline bool mr_type_has_storages(const mr_type *type) {
    return (type->rules->storages && type->rules->argument == MR_ARGUMENT_NONE) || type->rules->choose;
}
/* Are its values the program's own until the dialect is known, whichever type holds there? */
static inline bool mr_type_is_late(const mr_type *type) { return type->variants && type->decorator; }
/* Is a value of the type converted when it is sent to the database? */
static inline bool mr_type_stores(const mr_type *type) { return type->rules->store || type->decorator; }
/* Converts a value to what is stored, in place. Bytes of the result are borrowed, or in the room. */
mr_status mr_type_store(const mr_type *type, mr_value *v, mr_store_room *room);
/* size bytes in the room. */
char *mr_store_bytes(mr_store_room *room, size_t size);
/* Frees the bytes that were made in the room. */
void mr_store_done(mr_store_room *room);
/* Do stored values sort in an order that means something: as the values, or as the choices were declared? */
bool mr_type_sorts(const mr_type *type);
/* Cuts off what the type's form of storage cannot keep of a value that will be written, in place. */
static inline void mr_type_cut(const mr_type *type, mr_value *v) {
    if (type->rules->cut) type->rules->cut(type, v);
}
/* Brings a value that will be written into a column to the form that it will have in its row: cuts it, and gives a
 * decimal the digits of its column. Bytes are made in *room. ArgumentError: the row cannot hold it. */
static inline mr_status mr_type_fit(mr_env *env, const mr_type *type, const char *what, mr_value *v,
                                    mr_store_room *room) {
    if (type->variants) return MR_OK; /* each has a form of its own */
    mr_type_cut(type, v);
    return type->rules->fit ? type->rules->fit(env, type, what, v, room) : MR_OK;
}
/* Does the database keep uuids as what they are, so that it gives each back in one spelling? dialect: its name; NULL:
 * it is not known. */
bool mr_dialect_has_uuids(const char *dialect);
/* *out: the Enum that stores for each of its choices the form (MR_INT or MR_TEXT; copied), in the arena. ArgumentError:
 * two forms are equal, or numbers and texts are mixed. */
mr_status mr_type_with_forms(mr_env *env, const mr_type *type, const mr_value *forms, const mr_type **out);
/* A type of the program's own over impl: the other members of the proto are those of the decorator. name is copied. In
 * the arena. */
const mr_type *mr_type_decorate(mr_env *env, const mr_type *impl, const mr_decorator *proto);
/* The type that has other's place in databases of the dialect (one of MR_DIALECTS' names), in the arena. Where the two
 * take other values, those of the column are the program's own until the dialect is known: late makes the type one of
 * such values (the members of a decorator without functions). ArgumentError: the type has a variant for the dialect
 * already, or other has variants itself. */
const mr_type *mr_type_with_variant(mr_env *env, const mr_type *type, const mr_type *other, const char *dialect,
                                    const mr_decorator *late);
/* The type that holds in the dialect: it checks, converts, stores and reads the values there. NULL: no dialect is
 * known; then it is the type itself, which refuses only what each of its variants refuses, and cuts nothing off. */
const mr_type *mr_type_find_variant(const mr_type *type, const char *dialect);
static inline const mr_type *mr_type_in(const mr_type *type, const char *dialect) {
    return type && type->variants && dialect ? mr_type_find_variant(type, dialect) : type;
}
/* Are values of both types stored in the same form, so that the database can compare them? */
bool mr_type_same_form(const mr_type *a, const mr_type *b);

/* ---- casts (cast.c) */

/* What a cast needs: its result's bytes may stand here. store.env must be set; mr_store_done(&store) at the end. */
typedef struct mr_cast_room {
    mr_store_room store;
    char read[MR_READ_ROOM], text[MR_READ_ROOM];
} mr_cast_room;
/* Writes the type's name with its form of storage, "DateTime unix", to buf (MR_TYPE_NAME bytes). */
void mr_type_form_name(const mr_type *type, char *buf);
/* *out: a type of that name and form; false: there is none. It has no other argument. */
bool mr_type_of_form_name(const char *name, mr_type *out);
/* Makes of what is stored (not NULL) as a value of from (NULL: by its storage class) what is stored for that value as
 * one of to, which is a String, a Boolean without words, a Uuid, Date, Time, DateTime or Interval; in place. False: it
 * is none. Allocates nothing. */
bool mr_type_cast(const mr_type *from, const mr_type *to, mr_value *v, mr_cast_room *room);

/* ---- spellings: the ways in which one value may be stored (spelling.c) */

/* Selects one of a value's spellings: the value as it is, 1 for its first spelling, 2 for its second ..., or the one
 * that sorts first or last. */
enum { MR_SPELL_PLAIN = 0, MR_SPELL_SHORTEST = 254, MR_SPELL_LONGEST = 255 };
/* The tag of the text of an Enum, made by MR_SPELL_SHORTEST and MR_SPELL_LONGEST: it is compared by its place among the
 * choices, so it must be one of them. */
enum { MR_CHOICE_PLACE = 1 };
/* Can a value of the type be stored in several ways? */
bool mr_type_is_spelled(const mr_type *type);
/* Writes the value's spellings to out (room for MR_SPELLINGS). Returns their number, at least 1. Their bytes are
 * borrowed from the value, or static. */
unsigned mr_type_spellings(const mr_type *type, const mr_value *v, mr_value *out);
/* Was the value read from a spelling that is none of these? The database does not find it by the value. */
bool mr_type_is_odd(const mr_type *type, const mr_value *v);
/* The selected spelling; the last one when the value has fewer. */
mr_value mr_type_spell(const mr_type *type, const mr_value *v, unsigned spelling);

/* ---- reading: from the stored form to a value of the type (reading.c) */

/* Converts *v from its stored form to a value of the type, in place; its bytes stay borrowed, or are in the room
 * (MR_READ_ROOM bytes), which must live as long as they are used. NULL passes. False when
 * that is impossible; *v stays as it is. */
bool mr_type_read(const mr_type *type, mr_value *v, char *room);
/* Records the DataError for a stored value that the type cannot read, and returns MR_FAIL. what names the column
 * ("User.born"), row the row ("User 5", or NULL). */
mr_status mr_type_misfit(mr_env *env, const mr_type *type, const char *what, const char *row, const mr_value *stored);

/* The same for JSON that was asked for, and cannot be read; why: the reason. */
mr_status mr_type_bad_json(mr_env *env, const mr_type *type, const char *what, const char *row, const mr_value *stored,
                           const char *why);

/* ---------------------------------------------------------------- columns */

typedef enum mr_default_kind {
    MR_DEFAULT_NONE = 0,
    MR_DEFAULT_VALUE,    /* value */
    MR_DEFAULT_FUNCTION, /* fn(env, ud, out) makes the value of each row */
    MR_DEFAULT_NOW,      /* mr.now: the current UTC time, without a callback */
    MR_DEFAULT_SQL       /* expression: an mr_node *, opaque here */
} mr_default_kind;

/* Makes the default value of one row. Its bytes are borrowed and good until the next call. On MR_FAIL the error is
 * recorded; MR_ERR_CALLBACK when the program's function raised it. */
typedef mr_status (*mr_default_fn)(mr_env *env, void *ud, mr_value *out);

/* The row for which a default's function is called, as MR_ENV_ROW while that runs. each: calls fn for each of its
 * values that is known by then, with the column. */
typedef struct mr_default_row {
    mr_status (*each)(const struct mr_default_row *row,
                      mr_status (*fn)(void *ud, const mr_column *column, const mr_value *value), void *ud);
    const void *ud;
} mr_default_row;

/* The default of a column; kind says which of the other members are used. */
typedef struct mr_default {
    mr_default_kind kind;
    mr_value value;
    mr_default_fn fn;
    void *ud;
    void *expression;
} mr_default;

/* What a foreign key says besides its columns. */
typedef struct mr_reference {
    const char *ondelete, *onupdate; /* "CASCADE", ..., or NULL */
    int8_t deferrable;               /* 1: DEFERRABLE, -1: NOT DEFERRABLE, 0: not given */
    const char *initially;           /* "DEFERRED", "IMMEDIATE", or NULL */
    bool use_alter;                  /* it is added by ALTER TABLE, behind all tables, where the database can do so */
} mr_reference;

typedef struct mr_foreign_key {
    mr_column *column;   /* the referring column */
    const char *target;  /* "category.id" as written, or NULL when given as a column */
    mr_column *referred; /* the column that it refers to; NULL until mr_foreign_key_resolve finds it */
    mr_reference how;
    const char *name;
    struct mr_constraint *constraint; /* the table's FOREIGN KEY constraint that it belongs to, or NULL */
    struct mr_foreign_key *next;      /* the next foreign key of the column */
} mr_foreign_key;

/* A column whose value the database computes: GENERATED ALWAYS AS (...). */
typedef struct mr_computed {
    const char *sql;  /* the expression as text */
    void *expression; /* or as an expression, which each dialect writes: an mr_node *, opaque here */
    int8_t persisted; /* 1: STORED, 0: VIRTUAL, -1: not given */
} mr_computed;

/* A column that the database numbers: GENERATED ... AS IDENTITY. A limit counts if its flag is set. */
typedef struct mr_identity_options {
    bool always; /* the program cannot give a value */
    bool has_start, has_increment, has_minvalue, has_maxvalue, has_cache, no_minvalue, no_maxvalue;
    int8_t cycle; /* 1: CYCLE, 0: NO CYCLE, -1: not given */
    int64_t start, increment, minvalue, maxvalue, cache;
} mr_identity_options;

struct mr_column {
    const char *name;    /* interned; the name in the database */
    const mr_type *type; /* NULL: the type of the column that the foreign key refers to (mr_column_type) */
    mr_table *table;     /* NULL until the column is in a table */
    unsigned index;      /* position in the table */
    bool primary_key;
    bool nullable; /* default: not primary_key */
    bool nullable_given;
    bool unique;
    bool indexed;
    int8_t autoincrement; /* 1: on, 0: off, -1: on for the only primary key column, an integer without foreign key */
    mr_default deflt, onupdate;
    const char *server_default;          /* SQL text ("0", "'x'", "CURRENT_TIMESTAMP"), or NULL */
    void *server_default_node;           /* or an expression, which each dialect writes: an mr_node *, opaque here */
    const mr_computed *computed;         /* or NULL */
    const mr_identity_options *identity; /* or NULL */
    struct mr_constraint *checks;        /* the CHECK constraints written with the column, linked by next */
    const char *conflict_not_null, *conflict_unique, *conflict_primary_key; /* ON CONFLICT: "REPLACE", ..., or NULL */
    const char *comment;
    const char *declared;  /* the type's SQL in an SQLite database, where it is another than the type's own; or NULL */
    const char *collation; /* in an SQLite database: "NOCASE", ..., or NULL */
    bool system;           /* each row has it, and the table's definition does not name it: rowid */
    mr_foreign_key *foreign_keys;
    uint64_t order; /* creation counter: columns sort by it */
};

/* Has the column an Identity, without being the one that numbers the table's rows (mr_table.autoincrement)? */
bool mr_column_has_own_identity(const mr_column *column);
/* Does the database make a value for the column where the INSERT names none? The column that numbers the rows is not
 * meant. */
static inline bool mr_column_has_server_default(const mr_column *column) {
    return column->server_default || column->server_default_node || column->computed ||
           (column->identity && mr_column_has_own_identity(column));
}
/* A column that is in no table yet. name (copied) may be NULL: the mapping then sets it to the attribute's name. type
 * is kept: it must live as long as the environment; NULL: see mr_column.type. */
mr_column *mr_column_new(mr_env *env, const char *name, const mr_type *type);
/* Adds a foreign key to the column. It refers to target ("table.column" or "schema.table.column", copied), or, when
 * target is NULL, to the column referred. Resolves nothing yet. */
mr_foreign_key *mr_column_add_foreign_key(mr_env *env, mr_column *column, const char *target, mr_column *referred);
/* A copy of a mixin's column: in no table, with its own foreign keys, and as if it was created now. */
mr_column *mr_column_clone(mr_env *env, const mr_column *column);
/* The column's type. Without one, the type of the column that its foreign key refers to. Never NULL, never fails:
 * MR_TYPE_NULL when the foreign key cannot be resolved. */
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
    const char **column_names; /* as written; mr_table_new finds the columns */
    const char **targets;      /* FOREIGN KEY: "table.column" for each column */
    const char *sql;           /* CHECK: the condition as text */
    void *condition;           /* or as an expression, which each dialect writes: an mr_node *, opaque here */
    mr_reference how;          /* FOREIGN KEY; UNIQUE and PRIMARY KEY: deferrable and initially */
    const char *on_conflict;   /* not FOREIGN KEY: "REPLACE", ..., or NULL */
    struct mr_constraint *next;
} mr_constraint;

/* The condition of a partial index, for one dialect or for all. */
typedef struct mr_index_where {
    const char *dialect; /* its name; NULL: for each that has none of its own */
    const char *sql;     /* the condition as text */
    void *condition;     /* or as an expression: an mr_node *, opaque here */
    struct mr_index_where *next;
} mr_index_where;

typedef struct mr_index {
    const char *name; /* NULL: the metadata's convention names it */
    bool unique;
    unsigned ncolumns;
    const char **column_names; /* NULL at the place of an expression */
    void **expressions;        /* mr_node *, opaque here; NULL at the place of a column, or without any */
    mr_index_where *wheres;
    mr_table *table; /* NULL until it is a table's */
    struct mr_index *next;
} mr_index;

/* ---------------------------------------------------------------- names by convention (naming.c) */

/* What a convention names: NAMED(CODE, KEY) for each. */
#define MR_NAMED_KINDS(NAMED)                                                                                          \
    NAMED(INDEX, "ix")                                                                                                 \
    NAMED(UNIQUE, "uq")                                                                                                \
    NAMED(CHECK, "ck")                                                                                                 \
    NAMED(FOREIGN_KEY, "fk")                                                                                           \
    NAMED(PRIMARY_KEY, "pk")

#define MR_NAMED_CODE(CODE, key) MR_NAMED_##CODE,
typedef enum mr_named_kind { MR_NAMED_KINDS(MR_NAMED_CODE) MR_NAMED__COUNT } mr_named_kind;
#undef MR_NAMED_CODE

/* Something that may have a name by convention. */
typedef struct mr_named {
    mr_named_kind kind;
    const mr_table *table;
    const char *given;               /* the name that the program has given, or NULL */
    const mr_index *index;           /* INDEX; otherwise NULL */
    const mr_constraint *constraint; /* a constraint of a table, or a CHECK; otherwise NULL */
    mr_foreign_key *foreign_key;     /* of one column; otherwise NULL */
    mr_column *column; /* the column of UNIQUE, FOREIGN KEY and CHECK that were written with it, or NULL */
} mr_named;

/* Appends what a token of the program's stands for. On MR_FAIL the error is recorded. */
typedef mr_status (*mr_token_fn)(mr_env *env, void *ud, const char *token, const mr_named *named, mr_strbuf *out);

/* Patterns of names, such as "fk_%(table_name)s_%(column_0_name)s". */
typedef struct mr_naming {
    const char *patterns[MR_NAMED__COUNT]; /* NULL: no convention */
    bool (*has_token)(void *ud, const char *token);
    mr_token_fn token; /* for the tokens that has_token knows; NULL: the program has none */
    void *ud;
} mr_naming;

/* ---------------------------------------------------------------- tables */

/* What the program says of a table besides its parts. */
typedef struct mr_table_options {
    const char *comment;
    bool autoincrement; /* sqlite_autoincrement: no number is used twice */
    bool strict;        /* sqlite_strict */
    bool without_rowid; /* sqlite_with_rowid = false */
    const char
        *using_module; /* sqlite_using: it is a virtual table, of this module; or with all arguments "fts5(a, b)" */
    const char *using_options; /* what stands behind its columns there; or NULL */
    bool is_view;              /* it is a view, which is only read */
    const char *sql;           /* the view's query as text; NULL, as query: somebody else makes the view */
    void *query;               /* or as an mr_node *, opaque here */
    /* What was wrong in the words of the definition, a line "\n  ..." for each; the table is refused with them. */
    const char *mistakes;
    unsigned nmistakes;
    const char *for_class; /* the class that needs the table, and so a primary key; NULL: none */
} mr_table_options;

struct mr_table {
    const char *name;      /* interned */
    const char *schema;    /* or NULL */
    const char *full_name; /* interned: "name", or "schema.name" */
    mr_metadata *metadata;
    unsigned ncolumns;
    mr_column **columns; /* in order of creation */
    bool key_by_mapping; /* primary is not in the table's definition: a class says it, or it is a system column */
    unsigned nprimary;
    mr_column **primary;        /* the primary key's columns, in order */
    mr_constraint *constraints; /* the table's own constraints (not those of one column), in order */
    mr_index *indexes;          /* declared indexes and those of columns with index = true, in order */
    mr_column *autoincrement;   /* the column whose values the database numbers, or NULL */
    mr_table_options options;
    void *mapped;            /* of the mapper layer */
    const char *mapped_name; /* the name of the class that maps the table, for messages; or NULL */
};

struct mr_metadata {
    mr_env *env;
    mr_vec tables;    /* mr_table *, in order of creation */
    mr_map *names;    /* of them, by what they are called: "name", or "schema.name" */
    uint64_t version; /* rises when a table is added or a column appended */
    mr_naming naming;
};

/* A new set of tables, without any. */
mr_metadata *mr_metadata_new(mr_env *env);
/* The table called "name" or "schema.name"; NULL, which is no error, when there is none. */
mr_table *mr_metadata_table(const mr_metadata *md, const char *name);
/* The table with the name in the schema (NULL: without a schema); NULL, which is no error, when there is none. */
mr_table *mr_metadata_table_in(const mr_metadata *md, const char *schema, const char *name);
/* Makes a table and adds it to the metadata. schema may be NULL. The columns are sorted by their creation order, and
 * belong to the table from now on; constraints and indexes are lists linked by next, or NULL, and are taken over, too.
 * Sets primary, autoincrement, and the indexes of columns with index = true (ix_TABLE_COLUMN). ArgumentError, with the
 * metadata as before: a table of the name exists, two columns with one name, a column without a name or of another
 * table, a constraint or an index on an unknown column. */
mr_table *mr_table_new(mr_metadata *md, const char *name, const char *schema, mr_column **columns, unsigned ncolumns,
                       mr_constraint *constraints, mr_index *indexes);
/* The same, with options (NULL: none), which are copied. ArgumentError, which lists all mistakes: options that
 * contradict each other, or the columns. */
mr_table *mr_table_new_with(mr_metadata *md, const char *name, const char *schema, mr_column **columns,
                            unsigned ncolumns, mr_constraint *constraints, mr_index *indexes,
                            const mr_table_options *options);
/* Adds an index, or a constraint (UNIQUE, CHECK), to a table that exists; it is taken over. Errors as in mr_table_new.
 */
mr_status mr_table_add_index(mr_table *table, mr_index *index);
mr_status mr_table_add_constraint(mr_table *table, mr_constraint *constraint);
/* Appends a column to a table that exists (for single-table inheritance and late declarations). Errors as in
 * mr_table_new. */
mr_status mr_table_append(mr_table *table, mr_column *column);
/* The table's column with the name; NULL, which is no error, when there is none. */
mr_column *mr_table_column(const mr_table *table, const char *name);
/* Finds the column that the foreign key's target names, in the same metadata, and sets fk->referred. Does nothing when
 * it is set. ArgumentError: no such table or column; the message names the nearest one. */
mr_status mr_foreign_key_resolve(mr_env *env, mr_foreign_key *fk);
/* The foreign key of the constraint's column number i that belongs to the constraint, or NULL. */
mr_foreign_key *mr_constraint_part(const mr_constraint *constraint, unsigned i);
/* Checks the patterns. ArgumentError: a token that nobody knows; the message names the nearest one. */
mr_status mr_naming_check(mr_env *env, const mr_naming *naming);
/* *name (interned): the given name, or the one by the metadata's convention; NULL: it has none. A given name that the
 * convention uses (constraint_name) is a part of the result. ArgumentError: the convention needs a given name; a
 * foreign key that it names cannot be resolved. */
mr_status mr_name_of(const mr_named *named, const char **name);
/* Writes all tables to out, each behind the tables that its foreign keys refer to; otherwise in order of their names.
 * A reference to the table itself is ignored, and so is one reference of each cycle. out has room for all tables; *n
 * receives their number. ArgumentError: a foreign key cannot be resolved. */
mr_status mr_metadata_sorted(mr_metadata *md, mr_table **out, size_t *n);
/* Removes a table from the metadata, after a class declaration that failed half way. The table itself stays in memory.
 */
void mr_metadata_remove(mr_metadata *md, mr_table *table);

#ifdef __cplusplus
}
#endif
#endif
