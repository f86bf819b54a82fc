/*
 * base.h: the foundation of all layers: the environment (allocator, log, last error), values, and containers.
 *
 * Invariants of the whole core. A comment mentions only the exceptions to them:
 *  - A function that can fail returns mr_status; on MR_FAIL the error is recorded in the environment (mr_env_error).
 *    A function that returns a pointer returns NULL on failure, with the error recorded.
 *  - A function for which no error is named can fail only when memory is missing (NoMemoryError).
 *  - A pointer argument must not be NULL, stays the caller's, and is not kept after the call.
 *  - A returned pointer is borrowed. "The caller frees it" and "one reference" say otherwise.
 *  - Text is NUL-terminated when no length is passed with it. Lengths and sizes are in bytes. Positions count from 0.
 *  - *out is written only when the function succeeds.
 *  - Nothing here calls exit, printf, or longjmp, and there is no global state.
 *  - One environment is used by one thread at a time.
 */
#ifndef MOONROW_BASE_H
#define MOONROW_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define MR_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
/* A function beside the usual way: put into its caller, it would take registers from that. */
#define MR_APART __attribute__((noinline))
#else
#define MR_PRINTF(fmt, args)
#define MR_APART
#endif

typedef struct mr_env mr_env; /* the owner of all memory, errors and settings of one host (one Lua state) */
typedef struct mr_value mr_value;

/* The result of an operation or of one step of a step machine. */
typedef enum mr_status {
    MR_OK = 0,
    MR_ROW,      /* a step produced a row */
    MR_DONE,     /* a step machine has ended */
    MR_WAIT,     /* a step machine waits for the driver (no driver does today) */
    MR_NOTFOUND, /* a lookup found nothing: not an error */
    MR_FAIL = -1 /* the error is in the environment */
} mr_status;

/* ---------------------------------------------------------------- errors */

/* The kinds of errors. A kind stands behind the more general kind that it belongs to (see mr_errkind_parent). */
typedef enum mr_errkind {
    MR_ERR_NONE = 0,
    MR_ERR_ERROR,
    MR_ERR_ARGUMENT,
    MR_ERR_INVALID_REQUEST,
    MR_ERR_NO_RESULT_FOUND,
    MR_ERR_NOT_FOUND, /* what a web layer answers with its 404 */
    MR_ERR_MULTIPLE_RESULTS_FOUND,
    MR_ERR_DETACHED_INSTANCE,
    MR_ERR_PENDING_ROLLBACK,
    MR_ERR_OBJECT_DELETED,
    MR_ERR_MAPPING,
    MR_ERR_STALE_DATA,
    MR_ERR_UNDO_CONFLICT, /* somebody has changed what a step of undo would change back */
    MR_ERR_DATABASE,
    MR_ERR_INTEGRITY,
    MR_ERR_OPERATIONAL,
    MR_ERR_UNKNOWN_OUTCOME, /* a COMMIT was sent, and the connection was lost before its answer came */
    MR_ERR_DATA,
    MR_ERR_PROGRAMMING,
    MR_ERR_NO_MEMORY,
    MR_ERR_CALLBACK, /* a callback failed; the binding keeps the callback's own error */
    MR_ERR__COUNT
} mr_errkind;

/* The kind's name as Lua shows it: "IntegrityError". Static. */
const char *mr_errkind_name(mr_errkind kind);
/* The more general kind that the kind belongs to; MR_ERR_NONE for MR_ERR_ERROR, the most general kind. */
mr_errkind mr_errkind_parent(mr_errkind kind);

/* What some databases tell of an error besides their message: its code, what it is about, and more words. Each may be
 * NULL. detail holds data of rows, so it is in no message. */
typedef struct mr_error_facts {
    const char *sqlstate, *schema, *table, *column, *constraint, *detail, *hint;
} mr_error_facts;

typedef struct mr_error {
    mr_errkind kind;
    const char *message;    /* never NULL when kind is set */
    const char *statement;  /* the SQL, or NULL */
    const mr_value *params; /* the values of the statement's parameters: nparams of them */
    size_t nparams;
    const char *orig;            /* the database's own message, or NULL */
    int orig_code;               /* the database's own code, or 0 */
    const mr_error_facts *facts; /* or NULL */
} mr_error;

/* Records an error with a message after fmt (as printf's), and returns MR_FAIL. The new error takes the place of one
 * that was recorded before. Arguments may point into that one. Without memory for the message the error is a
 * NoMemoryError. */
mr_status mr_fail(mr_env *env, mr_errkind kind, const char *fmt, ...) MR_PRINTF(3, 4);
/* The same as mr_fail, with the arguments in a va_list. */
mr_status mr_vfail(mr_env *env, mr_errkind kind, const char *fmt, va_list args);
/* Records NoMemoryError without allocating, and returns MR_FAIL. */
mr_status mr_nomem(mr_env *env);
/* Adds copies of the statement and of its nparams parameters to the recorded error. A copy for which memory is missing
 * is left out. Changes nothing when no error, or a NoMemoryError of mr_nomem, is recorded; so do the next two. */
void mr_error_add_statement(mr_env *env, const char *sql, const mr_value *params, size_t nparams);
/* Appends a space and note to the message of the recorded error. Changes nothing when memory is missing, or when a
 * callback raised the error. */
void mr_error_add_note(mr_env *env, const char *note);
/* Adds the database's own message (copied; left out without memory) and code to the recorded error. */
void mr_error_add_orig(mr_env *env, const char *orig, int code);
/* Adds a copy of the facts to the recorded error; left out without memory. */
void mr_error_add_facts(mr_env *env, const mr_error_facts *facts);
/* The recorded error, never NULL; its kind is MR_ERR_NONE when no error is recorded. Good until another error is
 * recorded or this one is cleared. */
const mr_error *mr_env_error(const mr_env *env);
/* Forgets the recorded error. */
void mr_env_clear_error(mr_env *env);
/* Takes the recorded error out of the environment, so that clean-up code may meet errors of its own. NULL when no error
 * was recorded. The caller gives it back with mr_env_restore_error or frees it with mr_error_free. */
mr_error *mr_env_save_error(mr_env *env);
/* Records the saved error again, in place of any other. The environment owns it from now on. NULL changes nothing. */
void mr_env_restore_error(mr_env *env, mr_error *saved);
/* Frees an error that mr_env_save_error gave. NULL is allowed. */
void mr_error_free(mr_env *env, mr_error *saved);
/* The error as one text: "IntegrityError: ..."; for an error that a callback raised itself, the message alone. The
 * caller frees it with mr_free. NULL without memory; the recorded error is left as it was. */
char *mr_error_words(mr_env *env, const mr_error *e);

/* ---------------------------------------------------------------- environment */

/* An allocator with the signature and the rules of lua_Alloc. */
typedef void *(*mr_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);
/* Receives one line of the log, or one warning. text is good only during the call. */
typedef void (*mr_log_fn)(void *ud, const char *text);

enum { MR_HUGE_PAGE = 2 << 20 };
/* The allocator of who brings none: malloc's blocks, and memory from the kernel for blocks of a megabyte and more, in
 * huge pages where it has them: those begin at a multiple of MR_HUGE_PAGE. ud is not used. */
void *mr_system_alloc(void *ud, void *ptr, size_t osize, size_t nsize);
/* Is a new block of mr_system_alloc of so many bytes filled with zeros? */
bool mr_system_zeroes(size_t size);
/* A new environment; the caller frees it with mr_env_free. alloc gets ud with each call; NULL: mr_system_alloc. NULL
 * without memory. */
mr_env *mr_env_new(mr_alloc_fn alloc, void *ud);
/* Frees all that the environment owns, the arena of schema and mappings included. Before that it runs the hooks of
 * mr_env_on_close; the hook that was registered last runs first. */
void mr_env_free(mr_env *env);
/* Has mr_env_free call fn(ud). */
mr_status mr_env_on_close(mr_env *env, void (*fn)(void *ud), void *ud);

/* A block of size bytes, aligned to 8. The size is kept in front of the block. The caller frees it with mr_free. */
void *mr_alloc(mr_env *env, size_t size);
/* The same, filled with zeros. */
void *mr_calloc(mr_env *env, size_t size);
/* Changes the size of a block of mr_alloc and may move it; ptr NULL makes a new block. On failure ptr stays good. */
void *mr_realloc(mr_env *env, void *ptr, size_t size);
/* The size that was asked for when the block of mr_alloc was made, or changed last. */
size_t mr_alloc_size(const void *ptr);
/* Frees a block of mr_alloc and its like. NULL is allowed. */
void mr_free(mr_env *env, void *ptr);
/* A NUL-terminated copy of len bytes. The caller frees it with mr_free. */
char *mr_strndup(mr_env *env, const char *s, size_t len);
/* A block without the size in front, for the many small blocks of the heap. The caller frees it with mr_raw_free. */
void *mr_raw_alloc(mr_env *env, size_t size);
/* Is a new block of mr_raw_alloc of so many bytes filled with zeros? */
bool mr_raw_zeroes(const mr_env *env, size_t size);
/* mr_raw_alloc for who can do without: NULL without memory, and no error is recorded. */
void *mr_raw_try(mr_env *env, size_t size);
/* Frees a block of mr_raw_alloc; size is the size that was asked for. */
void mr_raw_free(mr_env *env, void *ptr, size_t size);
/* Number of bytes that the environment holds from its allocator now. */
size_t mr_env_memory(const mr_env *env);

/* A number for the running process. It changes in the child of a fork, so that the child can tell that a connection was
 * opened by its parent. */
uint32_t mr_env_process(mr_env *env);

/* Fills size bytes at out with random ones of the system's. OperationalError: it gives none. */
mr_status mr_random(mr_env *env, void *out, size_t size);

/* on = true: running statements stop and fail with an OperationalError ("interrupted"). So do statements that begin
 * later, BEGIN and COMMIT too, but not ROLLBACK, until a call with on = false. May be called from a signal handler and
 * from another thread. */
void mr_env_interrupt(mr_env *env, bool on);
/* Is mr_env_interrupt(env, true) in force? */
bool mr_env_is_interrupted(const mr_env *env);
/* A second way to stop statements: asked(ud) is called now and then while a statement runs or waits for a lock. When it
 * returns true, the statement stops as if interrupted. An environment has one such function; NULL: none. */
void mr_env_set_watch(mr_env *env, bool (*asked)(void *ud), void *ud);
/* Must the running statement stop: is the environment interrupted, or did the function of mr_env_set_watch say so? */
bool mr_env_should_stop(const mr_env *env);

/* Sends the log to fn(ud, text); NULL: the log goes nowhere. */
void mr_env_set_log(mr_env *env, mr_log_fn fn, void *ud);
/* Writes one line to the log. Does nothing without a log; without memory a long line is cut. */
void mr_log(mr_env *env, const char *fmt, ...) MR_PRINTF(2, 3);
/* Sends warnings to fn(ud, text); NULL: warnings go nowhere. */
void mr_env_set_warn(mr_env *env, mr_log_fn fn, void *ud);
/* Tells the host of something that is no error but that its author should know. Memory as in mr_log. */
void mr_warn(mr_env *env, const char *fmt, ...) MR_PRINTF(2, 3);

/* A layer that keeps something per environment (the heap, the binding) has one pointer here. */
typedef enum mr_env_slot {
    MR_ENV_HEAP,
    MR_ENV_REGISTRY,
    MR_ENV_DB,
    MR_ENV_BIND,
    MR_ENV_HOOKS,
    MR_ENV_LOAD,
    MR_ENV_SCHEMA,
    MR_ENV_TYPES,
    MR_ENV_SESSION,
    MR_ENV_CRITERIA,
    MR_ENV_POSTGRESQL, /* db: the functions of libpq; NULL until they are needed */
    MR_ENV_IMMEDIATE,  /* load: the immediate loads that run one inside of the other; NULL: none */
    MR_ENV_ROW,        /* schema: the row for which a default is made (mr_default_row); NULL: none is known */
    MR_ENV__SLOTS
} mr_env_slot;
/* The layer's pointer; NULL until it is set. */
void *mr_env_get(const mr_env *env, mr_env_slot slot);
/* Sets the layer's pointer. The layer frees what it points to, in a hook of mr_env_on_close. */
void mr_env_set(mr_env *env, mr_env_slot slot, void *ptr);

/* ---------------------------------------------------------------- arena */

/* Memory filled with zeros that lives as long as the environment. For schema and mappings, which only grow. */
void *mr_env_arena(mr_env *env, size_t size);
/* The environment's only copy of the name (len bytes of s): equal names give equal pointers. NUL-terminated; lives as
 * long as the environment. */
const char *mr_intern(mr_env *env, const char *s, size_t len);
/* The interned text "name_number": distinguishes the second, third ... of several equal names. */
const char *mr_intern_numbered(mr_env *env, const char *name, size_t number);

/* An arena: blocks of memory that are freed together. */
typedef struct mr_arena mr_arena;
/* A new arena; the caller frees it with mr_arena_free. */
mr_arena *mr_arena_new(mr_env *env);
/* Frees the arena with all its blocks. NULL is allowed. */
void mr_arena_free(mr_arena *arena);
/* A block filled with zeros; it lives as long as the arena. */
void *mr_arena_alloc(mr_arena *arena, size_t size);
/* A NUL-terminated copy of len bytes; it lives as long as the arena. */
char *mr_arena_strndup(mr_arena *arena, const char *s, size_t len);

/* ---------------------------------------------------------------- slab */

enum { MR_SLAB_STEP = 8, MR_SLAB_LARGEST = 1024, MR_SLAB_CLASSES = MR_SLAB_LARGEST / MR_SLAB_STEP };

typedef struct mr_slab_page mr_slab_page;
typedef struct mr_slab_chunk mr_slab_chunk;

/* Memory for many small blocks that come and go: pages of blocks of one size, which cost less time and memory than an
 * allocator's. The owner of a slab embeds it. */
typedef struct mr_slab {
    mr_env *env;
    size_t largest;                      /* larger blocks do not come from a page; 0: none does */
    mr_slab_page *room[MR_SLAB_CLASSES]; /* by size: the pages that have a free block */
    mr_slab_chunk *open, *full;          /* chunks with an unused page, and without one */
    size_t nchunks;
    bool without_huge; /* the allocator was asked for a huge page, and has none */
} mr_slab;

/* largest: MR_SLAB_LARGEST or less. */
void mr_slab_init(mr_slab *slab, mr_env *env, size_t largest);
/* Gives everything back; blocks that are in no page are the caller's to free first. */
void mr_slab_done(mr_slab *slab);
/* size bytes, at a multiple of 8; NULL without memory. */
void *mr_slab_alloc(mr_slab *slab, size_t size);
/* size: what was asked for. */
void mr_slab_free(mr_slab *slab, void *block, size_t size);
/* Does a block of the size live in a page, so that mr_slab_done frees it? */
static inline bool mr_slab_holds(const mr_slab *slab, size_t size) { return size - 1 < slab->largest; }
/* The bytes that a block that lives in a page takes there. */
size_t mr_slab_size(void *block);

/* ---------------------------------------------------------------- value */

/* The kinds of values. The comment names the members of mr_value that a kind uses. */
typedef enum mr_kind {
    MR_UNLOADED = 0, /* a slot that holds nothing yet; never a parameter */
    MR_NULL,
    MR_INT,       /* i */
    MR_FLOAT,     /* d */
    MR_BOOL,      /* i: 0 or 1 */
    MR_TEXT,      /* s, len: bytes, not necessarily terminated */
    MR_BLOB,      /* s, len */
    MR_DATE,      /* i: days since 1970-01-01 */
    MR_TIME,      /* i: microseconds since midnight */
    MR_DATETIME,  /* i: microseconds since 1970-01-01 00:00:00, without a time zone */
    MR_INTERVAL,  /* i: microseconds */
    MR_DECIMAL,   /* s, len: canonical text; tag: MR_DECIMAL_ODD or 0, in a bind more */
    MR_JSON,      /* s, len: JSON text, perhaps bad: nobody has read it yet; tag: mr_json_tag */
    MR_OPAQUE,    /* p: a counted object of a higher layer (a Lua value, an expression) */
    MR_ENTITY,    /* p: mr_entity *, in slots only */
    MR_COLLECTION /* p: mr_collection *, in slots only */
} mr_kind;

/* mr_value.tag of a decimal that was read: an equality does not look for the spelling in which it is stored. */
enum { MR_DECIMAL_ODD = 0x4000 };

/* Bits of mr_value.flags. */
enum {
    MR_VALUE_OWNED = 1, /* made by mr_value_copy: mr_value_clear frees s, or releases p */
    MR_VALUE_DIRTY = 2, /* in a slot: the value was changed; the committed value is in the entity's history */
    MR_VALUE_KEPT = 4,  /* in a slot: a loaded reference; its object was made transient since */
    /* In a slot: a value that was read from a row; its object was made transient since. The value may break what its
     * column declares. */
    MR_VALUE_STORED = 16,
    MR_VALUE_SHOWN = 32, /* in a slot: the layer above keeps what it has made of it, which the program may change */
    /* The value of a named parameter, from the program: its type's functions convert it when it is sent. */
    MR_VALUE_GIVEN = 64,
    MR_VALUE_FACED = 128, /* in a slot: the program sees its face instead (mr_entity_face) */
    MR_VALUE_MISFIT = 8   /* just fetched: the stored value; the column's type cannot read it */
};

/* How a date, time, datetime or interval is stored: bits of mr_value.len. A value that was read remembers how it stood
 * in its row. 0: in the usual way of its column. Values of the same instant are equal, whatever their spelling is. */
enum {
    MR_SPELLED_DIGITS = 15,        /* mask: number of digits of the second's fraction, plus one: 1 to 10 */
    MR_SPELLED_T = 1 << 4,         /* 'T' stands between date and time */
    MR_SPELLED_MINUTES = 1 << 5,   /* without seconds */
    MR_SPELLED_DAY = 1 << 6,       /* without a time */
    MR_SPELLED_Z = 1 << 7,         /* 'Z' stands behind it */
    MR_SPELLED_OFFSET = 1 << 8,    /* an offset from UTC stands behind it: +02:00 */
    MR_SPELLED_SPACE = 1 << 9,     /* with a space in front of the offset */
    MR_SPELLED_MIDNIGHT = 1 << 10, /* a date: as the datetime of its midnight */
    MR_SPELLED_2000 = 1 << 11,     /* a time: as a datetime of 2000-01-01 */
    MR_SPELLED_1970 = 1 << 12,     /* a time: as a datetime of 1970-01-01 */
    MR_SPELLED_MARKED = 1 << 13,   /* a criterion between two texts that can be stored: '~' stands behind the smaller */
    MR_SPELLED_REAL = 1 << 14,     /* as a float; the high 16 bits: so many floats beside the nearest one */
    MR_SPELLED_MINUTE_SHIFT = 16,  /* MR_SPELLED_OFFSET, in the bits from here: its minutes plus MR_SPELLED_NO_OFFSET */
    MR_SPELLED_NO_OFFSET = 1024
};

/* A value, sixteen bytes long. Its text is borrowed unless MR_VALUE_OWNED is set. */
struct mr_value {
    uint8_t kind;  /* mr_kind */
    uint8_t flags; /* MR_VALUE_ bits */
    uint16_t tag;  /* MR_OPAQUE: the number of its mr_opaque_ops, from mr_opaque_register */
    uint32_t len;  /* length of s; dates and times: MR_SPELLED_ bits; NULL: 1 when it replaces a misfit, else 0 */
    union {
        int64_t i;
        double d;
        const char *s;
        void *p;
    } u;
};

/* The operations of one kind of opaque values. Each may be NULL. */
typedef struct mr_opaque_ops {
    const char *name;                                         /* for debugging */
    void (*retain)(mr_env *env, void *p);                     /* counts one reference more */
    void (*release)(mr_env *env, void *p);                    /* gives one reference back */
    bool (*equal)(mr_env *env, const void *a, const void *b); /* NULL: equal only when a and b are the same pointer */
    /* For an opaque value that becomes known only when it is used: returns the real value, good as long as p, or NULL
     * with the error recorded. When resolve itself is NULL, the opaque value is the real value. */
    const mr_value *(*resolve)(mr_env *env, void *p);
    /* For a value of the program's own that becomes a plain one when it is sent to a database: converts *v in place.
     * room (an mr_store_room) keeps the bytes. */
    mr_status (*send)(mr_env *env, mr_value *v, void *room);
} mr_opaque_ops;
/* Registers a kind of opaque values. Returns its tag (at least 1), or 0 on failure. ops must outlive the environment.
 */
uint16_t mr_opaque_register(mr_env *env, const mr_opaque_ops *ops);

/* Makes a value of the kind with the member i. Like the next functions it copies no text and cannot fail. */
static inline mr_value mr_value_of(mr_kind kind, int64_t i) {
    mr_value v;
    v.kind = (uint8_t)kind;
    v.flags = 0;
    v.tag = 0;
    v.len = 0;
    v.u.i = i;
    return v;
}
static inline mr_value mr_null_value(void) { return mr_value_of(MR_NULL, 0); }
static inline mr_value mr_int_value(int64_t i) { return mr_value_of(MR_INT, i); }
static inline mr_value mr_bool_value(bool b) { return mr_value_of(MR_BOOL, b ? 1 : 0); }
static inline mr_value mr_float_value(double d) {
    mr_value v = mr_value_of(MR_FLOAT, 0);
    v.u.d = d;
    return v;
}
/* A value of MR_TEXT, MR_BLOB, MR_DECIMAL or MR_JSON that borrows len bytes of s. */
static inline mr_value mr_bytes_value(mr_kind kind, const char *s, size_t len) {
    mr_value v = mr_value_of(kind, 0);
    v.len = (uint32_t)len;
    v.u.s = s;
    return v;
}
static inline mr_value mr_text_value(const char *s, size_t len) { return mr_bytes_value(MR_TEXT, s, len); }
/* Does a value of the kind use s and len? */
static inline bool mr_kind_is_bytes(uint8_t kind) {
    return ((1u << MR_TEXT | 1u << MR_BLOB | 1u << MR_DECIMAL | 1u << MR_JSON) >> kind & 1) != 0;
}

/* Does a value of the kind own nothing and refer to nothing? */
static inline bool mr_kind_is_plain(uint8_t kind) {
    return kind >= MR_NULL && kind <= MR_INTERVAL && !mr_kind_is_bytes(kind);
}

/* Copies src into dst: text is copied, an opaque value is retained; dst gets MR_VALUE_OWNED and none of the other
 * flags. The old content of dst is overwritten, not freed. On failure dst is MR_UNLOADED. The caller clears dst. */
mr_status mr_value_copy(mr_env *env, mr_value *dst, const mr_value *src);
/* The real value of v (see mr_opaque_ops.resolve); v itself for most values. NULL on failure, with the error of the
 * resolve function. May execute statements. */
const mr_value *mr_value_resolve(mr_env *env, const mr_value *v);
/* Is it a value of the program's own, which mr_value_send converts? */
bool mr_value_is_own(const mr_env *env, const mr_value *v);
/* Converts a value of the program's own to the plain one that is sent, in place (see mr_opaque_ops.send); others are
 * left as they are. May call functions of the program. */
mr_status mr_value_send(mr_env *env, mr_value *v, void *room);
/* Frees or releases what v owns; v becomes MR_UNLOADED. */
void mr_value_clear(mr_env *env, mr_value *v);
/* Have a and b the same kind and content? An integral float equals its integer; NULL equals NULL; opaque values are
 * compared by their equal function. */
bool mr_value_equal(mr_env *env, const mr_value *a, const mr_value *b);
/* A total order for sorting keys: NULL first, then booleans, numbers, text, blobs, dates. Negative, 0 or positive. */
int mr_value_compare(const mr_value *a, const mr_value *b);
/* A hash of the value; equal values have equal hashes. */
uint64_t mr_value_hash(const mr_value *v);
/* A hash of len bytes. */
uint64_t mr_hash_bytes(const void *data, size_t len);
/* The kind as messages call it, in Lua's words: "integer", "string". Static. */
const char *mr_kind_name(uint8_t kind);

/* ---------------------------------------------------------------- calendar */

/* A date and time as separate fields, in the proleptic Gregorian calendar, years 1 to 9999. */
typedef struct mr_civil {
    int year, month, day, hour, minute, second, microsecond;
} mr_civil;
enum { MR_CALENDAR_SIZE = 40 }; /* room for any text of a date, time, datetime or interval, the NUL included */
/* Splits a MR_DATE, MR_TIME or MR_DATETIME into fields. Fields that its kind does not have become 0. */
void mr_civil_from_value(const mr_value *v, mr_civil *out);
/* Joins the fields into a value of the kind. False when the fields are no valid date or time. */
bool mr_civil_to_value(const mr_civil *c, mr_kind kind, mr_value *out);
/* The names of the fields that a value of the kind has, in their order, NULL at the end. */
const char *const *mr_civil_names(mr_kind kind);
/* The field with the name number i of these. */
int *mr_civil_field(mr_civil *c, mr_kind kind, unsigned i);
/* *out: the value as one of another kind: the date or the time of a datetime, the datetime at the beginning of a date.
 * False when the value has nothing of that kind. */
bool mr_calendar_convert(const mr_value *v, mr_kind kind, mr_value *out);
/* Writes a date, time or datetime as ISO 8601: "2024-02-29", "13:04:05", "2024-02-29 13:04:05.000123". sep stands
 * between date and time. Microseconds are written when they are not 0, or always_micros is true. An interval is written
 * by mr_interval_format. Returns the length; buf has MR_CALENDAR_SIZE bytes. */
size_t mr_calendar_format(const mr_value *v, char sep, bool always_micros, char *buf);
/* Reads ISO 8601 text as a value of the kind (MR_DATE, MR_TIME, MR_DATETIME, MR_INTERVAL). 'T' or ' ' stands between
 * date and time; a datetime may lack the time or the fraction. False for any other text, and for "Z" and offsets. */
bool mr_calendar_parse(mr_kind kind, const char *s, size_t len, mr_value *out);
/* The same for text from the database, but not for intervals: *out remembers the spelling (MR_SPELLED_ bits). A
 * datetime may have a zone ("Z", "+02:00", " +00:00"): *out is in UTC then. Up to nine digits may stand in the fraction
 * if those behind the sixth are 0. A date may be the datetime of its midnight, and a time one of 2000-01-01 or
 * 1970-01-01. */
bool mr_calendar_read(mr_kind kind, const char *s, size_t len, mr_value *out);
/* Writes the value in the spelling that it remembers. A value without one is written without a fraction when that is
 * zero, and with six digits otherwise. An interval is written as the datetime that lies so long after 1970-01-01, with
 * six digits. Returns the length; buf has MR_CALENDAR_SIZE bytes. */
size_t mr_calendar_spell(const mr_value *v, char *buf);
/* The number of digits that the second's fraction needs: 0 to 6. */
unsigned mr_calendar_digits(const mr_value *v);
/* Does the value remember an unusual spelling? Usual are: a space between date and time, with as few digits as
 * possible, with three, or with six. Only a value that was read from the database can have an unusual one. */
bool mr_calendar_is_odd(const mr_value *v);
enum { MR_MISTAKE_SIZE = 80 }; /* size of the texts that the next two functions write */
/* Writes to out why the fields are no value of the kind: "February 2024 has no day 30". False when they are one. */
bool mr_civil_mistake(const mr_civil *c, mr_kind kind, char *out);
/* Writes to out why a text of ISO 8601's form is no value of the kind. False when the text has another form, or is one.
 */
bool mr_calendar_mistake(mr_kind kind, const char *s, size_t len, char *out);
/* The current time in UTC, as a MR_DATETIME. */
mr_value mr_calendar_now(void);

/* The largest length of an interval, in microseconds (3,660,000 days), forwards or backwards. It is more than the years
 * of the calendar, and the sum of two such intervals does not overflow. */
#define MR_INTERVAL_LIMIT (INT64_C(3660000) * 86400 * 1000000)
/* Writes an interval of so many microseconds as ISO 8601 without weeks: "P1DT2H3M4.5S", "-PT5S", "PT0S". Returns the
 * length; buf has MR_CALENDAR_SIZE bytes. */
size_t mr_interval_format(int64_t micros, char *buf);
/* Reads such text into *out, in microseconds. Weeks are allowed; one sign may stand in front; only the seconds may have
 * a fraction, of up to six digits. Years and months are refused, because they have no fixed length. False for other
 * text, and beyond MR_INTERVAL_LIMIT. */
bool mr_interval_parse(const char *s, size_t len, int64_t *out);

/* The parts of an interval: the whole days, rounded down, and the rest, which is never negative. */
typedef struct mr_interval_parts {
    int64_t days;
    int seconds, microseconds;
} mr_interval_parts;
void mr_interval_split(int64_t micros, mr_interval_parts *out);

/* What has become of a calculation. */
typedef enum mr_sum {
    MR_SUM_OK,
    MR_SUM_NONE,   /* the operands' kinds do not go together; *out is not set */
    MR_SUM_OUTSIDE /* the result is not in the years 1 to 9999, or the interval is too long; only out->kind is set */
} mr_sum;
/* *out: the interval of so many microseconds, rounded to the nearest. MR_SUM_OK or MR_SUM_OUTSIDE. */
mr_sum mr_interval_of(double micros, mr_value *out);
/* *out: so many microseconds, so many times. MR_SUM_OUTSIDE as above. */
mr_sum mr_interval_times(int64_t micros, int64_t factor, mr_value *out);
/* *out: a + b. An interval is added to a date, a datetime or an interval, on either side. */
mr_sum mr_moment_add(const mr_value *a, const mr_value *b, mr_value *out);
/* *out: a - b: a date, datetime or interval less an interval, or the interval between two values of the same kind. */
mr_sum mr_moment_subtract(const mr_value *a, const mr_value *b, mr_value *out);

/* ---------------------------------------------------------------- vec */

/* A growing array of elements of one size. Adding may move the elements: pointers to them are good until then. */
typedef struct mr_vec {
    mr_env *env;
    void *data;
    size_t size;     /* bytes of one element */
    size_t len, cap; /* number of elements in use, and with room */
} mr_vec;
/* Makes an empty array. Allocates nothing. */
void mr_vec_init(mr_vec *v, mr_env *env, size_t element_size);
/* Frees the array, but not what its elements point to. It is empty then, and may be used again. */
void mr_vec_done(mr_vec *v);
/* Appends one element, filled with zeros, and returns it. */
void *mr_vec_push(mr_vec *v);
/* Appends a pointer to an array of pointers. */
mr_status mr_vec_push_ptr(mr_vec *v, void *ptr);
/* Makes room for cap elements in all, so that adding them cannot fail. */
mr_status mr_vec_reserve(mr_vec *v, size_t cap);
/* Inserts a copy of *element at a position from 0 to len. */
mr_status mr_vec_insert(mr_vec *v, size_t at, const void *element);
/* Removes the element at the position; the others keep their order. */
void mr_vec_remove(mr_vec *v, size_t at);
/* The element at a position below len. */
static inline void *mr_vec_at(const mr_vec *v, size_t i) { return (char *)v->data + i * v->size; }
/* The same of an array of pointers: the pointer itself. */
static inline void *mr_vec_ptr(const mr_vec *v, size_t i) { return ((void **)v->data)[i]; }

/* ---------------------------------------------------------------- map */

/* A hash map of elements of one size; the key is a part of the element. Putting and removing may move elements:
 * pointers to them are good until then. */
typedef struct mr_map mr_map;
/* The hash of an element's key. Equal keys have equal hashes. */
typedef uint64_t (*mr_map_hash)(const void *element);
/* Have two elements equal keys? */
typedef bool (*mr_map_equal)(const void *a, const void *b);
/* A new empty map; the caller frees it with mr_map_free. */
mr_map *mr_map_new(mr_env *env, size_t element_size, mr_map_hash hash, mr_map_equal equal);
/* Frees the map, but not what its elements point to. NULL is allowed. */
void mr_map_free(mr_map *map);
/* The stored element with the key of *key (an element of which only the key is read); NULL when there is none, which
 * is no error. */
void *mr_map_get(const mr_map *map, const void *key);
/* Stores a copy of *element, in place of an element with an equal key. Returns the stored copy. */
void *mr_map_put(mr_map *map, const void *element);
/* Removes the element with the key of *key. False when there is none. */
bool mr_map_remove(mr_map *map, const void *key);
/* The number of elements. */
size_t mr_map_count(const mr_map *map);
/* Makes room for count elements in all. Call it before elements are copied from a larger map of the same hash in the
 * order of its walk: without room, they would fill neighbouring slots, and each search would become long. */
mr_status mr_map_reserve(mr_map *map, size_t count);
/* Walks over all elements, in no order. *cursor is 0 before the first call; NULL at the end. The map must not change
 * during the walk. */
void *mr_map_next(const mr_map *map, size_t *cursor);
/* Removes all elements. */
void mr_map_clear(mr_map *map);
/* The hash and the equality of elements that begin with a pointer, which is their key. */
uint64_t mr_map_hash_ptr(const void *element);
bool mr_map_equal_ptr(const void *a, const void *b);

/* ---------------------------------------------------------------- strbuf */

/* A string that grows. When memory is missing once, oom is set and all later additions are ignored. So it is enough to
 * check oom, or the result of mr_strbuf_str, once at the end. */
typedef struct mr_strbuf {
    mr_env *env;
    char *data; /* NUL-terminated when not NULL */
    size_t len, cap;
    bool oom;
} mr_strbuf;
/* Makes an empty string. Allocates nothing. */
void mr_strbuf_init(mr_strbuf *b, mr_env *env);
/* Frees the string. It is empty then, and may be used again. */
void mr_strbuf_done(mr_strbuf *b);
/* Appends len bytes. */
void mr_strbuf_add(mr_strbuf *b, const char *s, size_t len);
/* Appends a NUL-terminated text. */
void mr_strbuf_puts(mr_strbuf *b, const char *s);
/* Appends one byte. */
void mr_strbuf_putc(mr_strbuf *b, char c);
/* Appends a text formatted as by printf. */
void mr_strbuf_printf(mr_strbuf *b, const char *fmt, ...) MR_PRINTF(2, 3);
void mr_strbuf_vprintf(mr_strbuf *b, const char *fmt, va_list args);
/* Makes the string empty; keeps its memory. */
void mr_strbuf_clear(mr_strbuf *b);
/* The text, "" when empty; good until the next change. NULL, with NoMemoryError recorded, when memory was missing. */
const char *mr_strbuf_str(mr_strbuf *b);

/* Appends the date, time or datetime formatted by a pattern of C's strftime (len bytes), in English; %f writes six
 * digits of microseconds. ArgumentError: an unknown directive, or one for a part that the value does not have. */
mr_status mr_strftime(mr_env *env, const mr_value *v, const char *pattern, size_t len, mr_strbuf *out);

/* ---------------------------------------------------------------- tsort */

/* Sorts the nodes 0 to n-1 so that each edge's node `before` comes before its node `after`. When several nodes could
 * come next, the lowest number comes first, so the result is always the same. order has room for n; *sorted receives
 * how many of them were written. MR_NOTFOUND: the edges form a cycle; the nodes that are missing in order are in a
 * cycle or come after one. Uses no recursion. */
typedef struct mr_edge {
    uint32_t before, after;
} mr_edge;
mr_status mr_tsort(mr_env *env, size_t n, const mr_edge *edges, size_t nedges, uint32_t *order, size_t *sorted);

/* ---------------------------------------------------------------- numbers */

/* Writes d with so many significant digits (1 to 17), and with a decimal point in every locale. buf has size bytes, at
 * least 32. Returns the length of the text. */
size_t mr_print_float(char *buf, size_t size, int digits, double d);
/* The same with a fixed number of decimals, and without an exponent; the text is cut when buf is too small. */
size_t mr_print_fixed(char *buf, size_t size, int decimals, double d);
/* Reads a number with a decimal point, in every locale. False unless the whole text is a number. */
bool mr_parse_float(const char *text, double *out);
/* Writes the shortest digits that mr_parse_float reads back as d, with a point or an exponent: 1.0, 0.1, 1e+300. buf
 * has MR_FLOAT_SIZE bytes. Returns the length. d is finite. */
enum { MR_FLOAT_SIZE = 40 };
size_t mr_print_shortest(char *buf, double d);
/* Appends the text that mr_print_float writes. */
void mr_strbuf_put_float(mr_strbuf *b, int digits, double d);

/* a // b and a % b of two numbers (MR_INT, MR_FLOAT), rounded down as Lua does. MR_NULL: b is 0, or the result is no
 * number. */
mr_value mr_floor_div(const mr_value *a, const mr_value *b);
mr_value mr_floor_mod(const mr_value *a, const mr_value *b);

/* ---------------------------------------------------------------- decimals (decimal.c, decimal_arithmetic.c) */

/* A decimal is exact, and is its text: an optional '-', digits without zeros in front (at least one), and perhaps a
 * point with digits behind it, whose number is the scale: "-12.30" has the scale 2. There is no "-0", no exponent, no
 * NaN and no infinity. Where a decimal is an argument, an MR_INT is one, too. */

enum { MR_DECIMAL_MAX = 10000 }; /* the largest number of digits */

typedef enum mr_decimal_status {
    MR_DECIMAL_OK,
    MR_DECIMAL_NONE,   /* it is no decimal */
    MR_DECIMAL_ZERO,   /* a division by zero */
    MR_DECIMAL_LARGE,  /* it would have more digits than MR_DECIMAL_MAX */
    MR_DECIMAL_EXCESS, /* digits that are not zero would be lost */
    MR_DECIMAL_NOMEM
} mr_decimal_status;

typedef enum mr_rounding {
    MR_ROUND_HALF_EVEN,
    MR_ROUND_HALF_UP,   /* a half away from zero */
    MR_ROUND_HALF_DOWN, /* a half towards zero */
    MR_ROUND_UP,        /* away from zero */
    MR_ROUND_DOWN,      /* towards zero */
    MR_ROUND_CEILING,
    MR_ROUND_FLOOR,
    MR_ROUND__COUNT
} mr_rounding;

typedef enum mr_decimal_op {
    MR_DECIMAL_ADD,
    MR_DECIMAL_SUB,
    MR_DECIMAL_MUL,
    MR_DECIMAL_DIV,       /* 28 significant digits, the last one rounded half to even */
    MR_DECIMAL_FLOOR_DIV, /* the largest integer that is not above the quotient */
    MR_DECIMAL_MOD        /* what that leaves: it has the sign of the divisor */
} mr_decimal_op;

/* Appends to out the decimal that the text is: "+.5" gives "0.5", "1.20e2" gives "120". */
mr_decimal_status mr_decimal_parse(const char *s, size_t len, mr_strbuf *out);
/* Is the text a decimal as it stands? */
bool mr_decimal_is(const char *s, size_t len);
/* Or would it be one without a '+', and with other zeros in front ("+.5")? The functions below take such text, too. */
bool mr_decimal_is_like(const char *s, size_t len);
/* The number of digits behind the point of a decimal. */
size_t mr_decimal_scale(const char *s, size_t len);
/* The number of digits in front of the point, and none where that is a lone zero. */
size_t mr_decimal_whole_digits(const char *s, size_t len);
/* The number of digits behind the point, without the zeros at the end. v may be an MR_INT. */
size_t mr_decimal_needs(const mr_value *v);
/* Length of the decimal without the zeros at its end that stand behind the point. */
size_t mr_decimal_short(const char *s, size_t len);
/* Compares by size: 12.3 and 12.30 are equal. Both are MR_DECIMAL. */
int mr_decimal_compare(const mr_value *a, const mr_value *b);
/* Appends the decimal with exactly scale digits behind the point (-1: with those that it has). EXCESS: others than
 * zeros would be cut off. */
mr_decimal_status mr_decimal_fix(const mr_value *v, int scale, mr_strbuf *out);
/* Writes to buf (MR_DECIMAL_ROOM bytes) the decimal with the fewest digits that is read back as the same float, rounded
 * to scale digits behind the point, half to even; scale -1: not rounded. Returns the length; 0: it has none, or needs
 * more room. */
enum { MR_DECIMAL_ROOM = 64 };
size_t mr_decimal_of_float(double d, int scale, char *buf);
/* Writes to buf (MR_DECIMAL_ROOM bytes) the decimal that a text is, as for mr_decimal_parse, with scale digits behind
 * the point (-1: with its own). Returns the length; 0: it is none, has more digits, or needs more room. */
size_t mr_decimal_of_text(const char *s, size_t len, int scale, char *buf);

/* Appends a op b. */
mr_decimal_status mr_decimal_calculate(mr_decimal_op op, const mr_value *a, const mr_value *b, mr_strbuf *out);
/* Appends a to the power n. For a negative n, it is 1 divided by the positive power. */
mr_decimal_status mr_decimal_power(const mr_value *a, int64_t n, mr_strbuf *out);
/* Appends v rounded to so many digits behind the point (negative: to tens, hundreds ...); it has as many afterwards. */
mr_decimal_status mr_decimal_round(const mr_value *v, int64_t scale, mr_rounding how, mr_strbuf *out);
/* A sum that grows. */
typedef struct mr_decimal_sum mr_decimal_sum;
/* A new sum, which is 0. NULL without memory (no error is recorded). The caller frees it with mr_decimal_sum_free. */
mr_decimal_sum *mr_decimal_sum_new(mr_env *env);
/* Adds v to the sum, or takes it away. The scale is the largest one that v had. */
mr_decimal_status mr_decimal_sum_add(mr_decimal_sum *sum, const mr_value *v, bool away);
/* Appends the sum; n > 0: divided by n, which gives the average. */
mr_decimal_status mr_decimal_sum_put(const mr_decimal_sum *sum, int64_t n, mr_strbuf *out);
void mr_decimal_sum_free(mr_decimal_sum *sum);

/* ---------------------------------------------------------------- names */

/* Looks for the name that the user may have meant. next(ud, i) returns candidate i, or NULL at the end; candidates are
 * asked for in order, and may be asked for again from 0. Returns the candidate with the fewest typing mistakes between
 * the two (one mistake is allowed, and one more for each six letters). If there is none, a candidate that begins with
 * name; else NULL. Of equally good candidates, the first in alphabetical order. The name itself is never returned. */
const char *mr_nearest(const char *name, const char *(*next)(void *ud, size_t i), void *ud);
/* The end of a message about an unknown name: " (did you mean 'NEAR'?)". near is the result of mr_nearest; when it is
 * NULL, or too long for a message, the text is "". The text belongs to the environment, and is good until the next
 * call. Cannot fail. */
const char *mr_hint(mr_env *env, const char *near);
/* Appends the name of a class in snake case, which is the name of its table: "BlogPost" gives "blog_post". */
void mr_snake_case(mr_strbuf *out, const char *name, size_t len);

/* The number of characters in UTF-8 text of len bytes; an invalid byte counts as one character. */
size_t mr_utf8_length(const char *s, size_t len);
/* Is every byte of the text a part of valid UTF-8? */
bool mr_utf8_valid(const char *s, size_t len);

/* ---------------------------------------------------------------- JSON (json.c) */

/* What is done with a JSON value whose text turns out to be bad: mr_value.tag. */
typedef enum mr_json_bad { MR_JSON_BAD_RAISE = 0, MR_JSON_BAD_NULL, MR_JSON_BAD_KEEP, MR_JSON_BAD__MASK } mr_json_bad;
/* mr_value.tag of MR_JSON: what is done with a bad text, and the number of the Array type (mr_type.number), or 0. */
static inline uint16_t mr_json_tag(unsigned number, mr_json_bad bad) { return (uint16_t)(number << 2 | (unsigned)bad); }
static inline mr_json_bad mr_json_bad_of(const mr_value *v) { return (mr_json_bad)(v->tag & MR_JSON_BAD__MASK); }
static inline unsigned mr_json_number_of(const mr_value *v) { return (unsigned)v->tag >> 2; }

enum {
    MR_JSON_DEPTH = 500, /* objects and arrays nest so deeply at most, in what is read and in what is written */
    MR_JSON_WHY = 200    /* bytes for the reason why a text is refused */
};

/* A text that was read as JSON. Its items come one by one, in order. */
typedef struct mr_json mr_json;
typedef enum mr_json_event {
    MR_JSON_SCALAR, /* value: null, a boolean, an integer, a float or a text */
    MR_JSON_OBJECT, /* an object begins; n: the number of its items */
    MR_JSON_ARRAY,  /* an array begins */
    MR_JSON_END,    /* the innermost one ends; key and index are its own */
    MR_JSON_DONE    /* there are no more */
} mr_json_event;
typedef struct mr_json_item {
    mr_json_event event;
    const char *key; /* in an object, else NULL; borrowed, like the bytes of value, from the mr_json */
    size_t key_len;
    size_t index; /* in an array: from 1 */
    size_t n;
    mr_value value;
} mr_json_item;
/* Reads the text. sorted: the items of an object come in the order of their keys. *out: free it with mr_json_free.
 * MR_NOTFOUND: it is no JSON, or JSON that cannot be kept exactly (a number of more than 64 bits); why (MR_JSON_WHY
 * bytes, or NULL) says it. MR_FAIL: no memory. The memory of a text that is read is malloc's, not the environment's,
 * and is given back by mr_json_free. */
mr_status mr_json_parse(mr_env *env, const char *text, size_t len, bool sorted, mr_json **out, char *why);
void mr_json_free(mr_json *json); /* NULL passes */
/* *item: the next one. Recorded error: no memory. */
mr_status mr_json_next(mr_json *json, mr_json_item *item);
/* Appends a string, with its quotes and escapes, or a float, as JSON. The string is valid UTF-8. */
void mr_json_put_string(mr_strbuf *out, const char *s, size_t len);
void mr_json_put_float(mr_strbuf *out, double d);
/* Appends what the text says, as the library writes it: keys in order, no spaces. Results as of mr_json_parse. */
mr_status mr_json_rewrite(mr_env *env, const char *text, size_t len, mr_strbuf *out, char *why);
/* Do both texts say the same, whatever the order of their keys is? 1 and 1.0 are not the same. Texts that are no JSON
 * are the same only if their bytes are. Records no error. */
bool mr_json_same(mr_env *env, const mr_value *a, const mr_value *b);

/* ---------------------------------------------------------------- like.c */

enum {
    MR_LIKE_FOLDS = 1,      /* A and a are the same, of the letters of ASCII */
    MR_LIKE_WHOLE = 2,      /* a zero byte is a character; without it, it ends the text or the pattern, as in SQLite */
    MR_LIKE_LONGEST = 50000 /* SQLite's own LIKE takes patterns of so many bytes */
};
/* The first character of the text, as an escape character for mr_like; 0: the text is empty. */
uint32_t mr_like_character(const char *text);
/* Does the text match the pattern as SQLite's LIKE does? escape: a character, or 0. how: MR_LIKE_ bits. */
bool mr_like(const char *pattern, size_t npattern, const char *text, size_t ntext, uint32_t escape, unsigned how);
/* Does SQLite's own LIKE take the pattern as it is: without a zero byte, and no longer than it may be? */
static inline bool mr_like_is_plain(const char *pattern, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!pattern[i]) return false;
    return n <= MR_LIKE_LONGEST;
}

#ifdef __cplusplus
}
#endif
#endif
