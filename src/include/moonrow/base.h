/*
 * base.h: what every layer stands on: the environment (allocator, log, last
 * error), values, and the containers.
 *
 * Conventions of the whole core:
 *  - A function that can fail returns mr_status; on MR_FAIL the error is
 *    recorded in the environment (mr_env_error). A function that returns a
 *    pointer returns NULL on failure, with the error recorded.
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
#else
#define MR_PRINTF(fmt, args)
#endif

typedef struct mr_env mr_env;
typedef struct mr_value mr_value;

/* The result of an operation or of one step of a step machine. */
typedef enum mr_status {
    MR_OK = 0,
    MR_ROW,      /* a step produced a row */
    MR_DONE,     /* a step machine has ended */
    MR_WAIT,     /* a step machine waits for the driver (no driver does today) */
    MR_NOTFOUND, /* looked up, and not there: not an error */
    MR_FAIL = -1 /* the error is in the environment */
} mr_status;

/* ---------------------------------------------------------------- errors */

/* The kinds of errors: a kind comes after the more general kind that it belongs to. */
typedef enum mr_errkind {
    MR_ERR_NONE = 0,
    MR_ERR_ERROR,
    MR_ERR_ARGUMENT,
    MR_ERR_INVALID_REQUEST,
    MR_ERR_NO_RESULT_FOUND,
    MR_ERR_MULTIPLE_RESULTS_FOUND,
    MR_ERR_DETACHED_INSTANCE,
    MR_ERR_PENDING_ROLLBACK,
    MR_ERR_OBJECT_DELETED,
    MR_ERR_MAPPING,
    MR_ERR_STALE_DATA,
    MR_ERR_DATABASE,
    MR_ERR_INTEGRITY,
    MR_ERR_OPERATIONAL,
    MR_ERR_DATA,
    MR_ERR_PROGRAMMING,
    MR_ERR_NO_MEMORY,
    MR_ERR_CALLBACK, /* a callback failed; its own error is kept by the binding */
    MR_ERR__COUNT
} mr_errkind;

/* "IntegrityError" and the like. */
const char *mr_errkind_name(mr_errkind kind);
/* The kind above, MR_ERR_NONE above MR_ERR_ERROR. */
mr_errkind mr_errkind_parent(mr_errkind kind);

typedef struct mr_error {
    mr_errkind kind;
    const char *message;   /* never NULL when kind is set */
    const char *statement; /* the SQL, or NULL */
    const mr_value *params;
    size_t nparams;
    const char *orig; /* the database's own words, or NULL */
    int orig_code;
} mr_error;

/* Records an error and returns MR_FAIL. Replaces an error recorded before. When memory
 * for the message is missing, records NoMemoryError. */
mr_status mr_fail(mr_env *env, mr_errkind kind, const char *fmt, ...) MR_PRINTF(3, 4);
mr_status mr_vfail(mr_env *env, mr_errkind kind, const char *fmt, va_list args);
/* Records NoMemoryError without allocating, and returns MR_FAIL. */
mr_status mr_nomem(mr_env *env);
/* Adds the statement and copies of its parameters to the recorded error (best effort). */
void mr_error_add_statement(mr_env *env, const char *sql, const mr_value *params, size_t nparams);
/* Adds words to the recorded error's message, unless it is a callback's own (best effort). */
void mr_error_add_note(mr_env *env, const char *note);
/* Adds the database's own words and code to the recorded error (best effort). */
void mr_error_add_orig(mr_env *env, const char *orig, int code);
/* The recorded error; kind is MR_ERR_NONE where there is none. Valid until the next error. */
const mr_error *mr_env_error(const mr_env *env);
void mr_env_clear_error(mr_env *env);
/* Takes the recorded error out of the environment (a copy the caller owns; NULL kind
 * cannot be), to be put back later or freed: for an error met during an error's clean-up. */
mr_error *mr_env_save_error(mr_env *env);
void mr_env_restore_error(mr_env *env, mr_error *saved); /* consumes saved; NULL changes nothing */
void mr_error_free(mr_env *env, mr_error *saved);
/* "IntegrityError: ..."; of a callback's own error, its text alone. The caller frees it; NULL without memory, and then
 * nothing is recorded anew. */
char *mr_error_words(mr_env *env, const mr_error *e);

/* ---------------------------------------------------------------- environment */

/* lua_Alloc's signature and rules. */
typedef void *(*mr_alloc_fn)(void *ud, void *ptr, size_t osize, size_t nsize);
typedef void (*mr_log_fn)(void *ud, const char *text);

/* alloc may be NULL (realloc and free). NULL without memory. */
mr_env *mr_env_new(mr_alloc_fn alloc, void *ud);
/* Frees all that the environment owns, the arena of schema and mappings included. Runs the
 * hooks of mr_env_on_close first, last registered first. */
void mr_env_free(mr_env *env);
mr_status mr_env_on_close(mr_env *env, void (*fn)(void *ud), void *ud);

/* Memory with its size kept in front (8-byte aligned). NULL, with NoMemoryError recorded,
 * on failure; mr_free(NULL) is allowed. */
void *mr_alloc(mr_env *env, size_t size);
void *mr_calloc(mr_env *env, size_t size);
void *mr_realloc(mr_env *env, void *ptr, size_t size);
void mr_free(mr_env *env, void *ptr);
char *mr_strndup(mr_env *env, const char *s, size_t len);
/* Without the size in front, for the many small blocks of the heap. */
void *mr_raw_alloc(mr_env *env, size_t size);
void mr_raw_free(mr_env *env, void *ptr, size_t size);
/* Bytes that the environment has from its allocator now. */
size_t mr_env_memory(const mr_env *env);

/* The number of the process that runs: another one after a fork, in the child. */
uint32_t mr_env_process(mr_env *env);

/* Asks running statements to stop (they fail with an OperationalError, "interrupted"), and those that begin, BEGIN and
 * COMMIT too, but not ROLLBACK, until
 * it is taken back. May be called from a signal handler and from another thread. */
void mr_env_interrupt(mr_env *env, bool on);
bool mr_env_is_interrupted(const mr_env *env);
/* How else the program may ask: asked is called now and then while a statement runs or waits for a lock. If it gives
 * true, the statement stops, as if interrupted. One an environment. */
void mr_env_set_watch(mr_env *env, bool (*asked)(void *ud), void *ud);
/* Should the statement that runs stop, for one reason or the other? */
bool mr_env_should_stop(const mr_env *env);

void mr_env_set_log(mr_env *env, mr_log_fn fn, void *ud);
void mr_log(mr_env *env, const char *fmt, ...) MR_PRINTF(2, 3);
/* What a program should know of, though it is no error: goes to the host's warnings. */
void mr_env_set_warn(mr_env *env, mr_log_fn fn, void *ud);
void mr_warn(mr_env *env, const char *fmt, ...) MR_PRINTF(2, 3);

/* One pointer per layer that keeps something per environment (the heap, the binding). */
typedef enum mr_env_slot {
    MR_ENV_HEAP,
    MR_ENV_REGISTRY,
    MR_ENV_DB,
    MR_ENV_BIND,
    MR_ENV_HOOKS,
    MR_ENV_LOAD,
    MR_ENV_SCHEMA,
    MR_ENV_SESSION,
    MR_ENV__SLOTS
} mr_env_slot;
void *mr_env_get(const mr_env *env, mr_env_slot slot);
void mr_env_set(mr_env *env, mr_env_slot slot, void *ptr);

/* ---------------------------------------------------------------- arena */

/* Memory that lives as long as the environment: schema and mappings, which are only
 * appended to. Zeroed. NULL, with NoMemoryError recorded, on failure. */
void *mr_env_arena(mr_env *env, size_t size);
/* The one copy of a name in the environment: equal names are equal pointers. NUL-terminated. */
const char *mr_intern(mr_env *env, const char *s, size_t len);
/* "name_2": what the further ones of equal names are called. NULL without memory. */
const char *mr_intern_numbered(mr_env *env, const char *name, size_t number);

typedef struct mr_arena mr_arena;
mr_arena *mr_arena_new(mr_env *env);
void mr_arena_free(mr_arena *arena);
void *mr_arena_alloc(mr_arena *arena, size_t size); /* zeroed */
char *mr_arena_strndup(mr_arena *arena, const char *s, size_t len);

/* ---------------------------------------------------------------- value */

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
    MR_DATETIME,  /* i: microseconds since 1970-01-01 00:00:00, naive */
    MR_INTERVAL,  /* i: microseconds */
    MR_DECIMAL,   /* s, len: canonical text */
    MR_OPAQUE,    /* p: a counted thing of a higher layer (a Lua value, an expression) */
    MR_ENTITY,    /* p: mr_entity *, in slots only */
    MR_COLLECTION /* p: mr_collection *, in slots only */
} mr_kind;

/* Bits of mr_value.flags. */
enum {
    MR_VALUE_OWNED = 1, /* made by mr_value_copy: mr_value_clear frees s, or releases p */
    MR_VALUE_DIRTY = 2, /* in a slot: the committed value is in the entity's history */
    MR_VALUE_KEPT = 4,  /* in a slot: a reference as it was loaded, of an object made transient since */
    MR_VALUE_STORED =
        16, /* in a slot: read from a row, of an object made transient since; it may break its declaration */
    MR_VALUE_MISFIT = 8 /* just fetched: what is stored, which is none of the type's values */
};

/* How the text is spelled that a date, time, datetime or interval was read from: bits of its len. 0: as the library
 * spells it itself. Two values of one instant are equal however they are spelled. */
enum {
    MR_SPELLED_DIGITS = 7,   /* of the second's fraction, plus one */
    MR_SPELLED_T = 8,        /* 'T' stands between date and time */
    MR_SPELLED_MINUTES = 16, /* without seconds */
    MR_SPELLED_DAY = 32      /* without a time */
};

/* Sixteen bytes. Text is borrowed unless MR_VALUE_OWNED says otherwise. */
struct mr_value {
    uint8_t kind; /* mr_kind */
    uint8_t flags;
    uint16_t tag; /* MR_OPAQUE: which mr_opaque_ops, an index given by mr_opaque_register */
    uint32_t len; /* of s; of dates and times how they are spelled; of NULL, 1 where it stands for a misfit */
    union {
        int64_t i;
        double d;
        const char *s;
        void *p;
    } u;
};

/* How the environment keeps opaque values; equal and encode may be NULL (identity, refused). */
typedef struct mr_opaque_ops {
    const char *name;
    void (*retain)(mr_env *env, void *p);
    void (*release)(mr_env *env, void *p);
    bool (*equal)(mr_env *env, const void *a, const void *b);
    /* Of one that stands for a value to be known only when it is used: that value, good as long as p; NULL: failed.
     * NULL: it stands for itself. */
    const mr_value *(*resolve)(mr_env *env, void *p);
} mr_opaque_ops;
/* Returns the tag (>= 1), or 0 without memory. ops must outlive the environment. */
uint16_t mr_opaque_register(mr_env *env, const mr_opaque_ops *ops);

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
static inline mr_value mr_bytes_value(mr_kind kind, const char *s, size_t len) {
    mr_value v = mr_value_of(kind, 0);
    v.len = (uint32_t)len;
    v.u.s = s;
    return v;
}
static inline mr_value mr_text_value(const char *s, size_t len) { return mr_bytes_value(MR_TEXT, s, len); }
static inline bool mr_kind_is_bytes(uint8_t kind) { return kind == MR_TEXT || kind == MR_BLOB || kind == MR_DECIMAL; }

/* Copies src into dst: bytes into memory of their own (OWNED), opaque values retained.
 * On failure dst is MR_UNLOADED. dst's old content is not cleared. */
mr_status mr_value_copy(mr_env *env, mr_value *dst, const mr_value *src);
/* v itself, or the value that it stands for now; NULL when that cannot be had. May run other statements. */
const mr_value *mr_value_resolve(mr_env *env, const mr_value *v);
/* Frees or releases what v owns; v becomes MR_UNLOADED. */
void mr_value_clear(mr_env *env, mr_value *v);
/* Equal kind and content; an integral float equals its integer; NULL equals NULL. */
bool mr_value_equal(mr_env *env, const mr_value *a, const mr_value *b);
/* A total order: NULL first, then numbers, text, blobs, dates. For sorting keys. */
int mr_value_compare(const mr_value *a, const mr_value *b);
uint64_t mr_value_hash(const mr_value *v);
uint64_t mr_hash_bytes(const void *data, size_t len);
/* "integer", "string", ...: the kind in the words of Lua, for messages. */
const char *mr_kind_name(uint8_t kind);

/* ---------------------------------------------------------------- calendar */

typedef struct mr_civil {
    int year, month, day, hour, minute, second, microsecond;
} mr_civil;
/* Proleptic Gregorian, years 1 to 9999. value's kind says which fields mean something. */
void mr_civil_from_value(const mr_value *v, mr_civil *out);
/* false where the fields make no date or time. */
bool mr_civil_to_value(const mr_civil *c, mr_kind kind, mr_value *out);
/* Writes ISO 8601: "2024-02-29", "13:04:05", "2024-02-29 13:04:05.000123" (date and time
 * apart by sep; microseconds only when always_micros or not zero). Returns the length;
 * buf has at least 40 bytes. Intervals: see mr_interval_format. */
size_t mr_calendar_format(const mr_value *v, char sep, bool always_micros, char *buf);
/* Parses ISO 8601 for the kind wanted (MR_DATE, MR_TIME, MR_DATETIME, MR_INTERVAL): 'T' or ' ' between
 * date and time; time and fraction optional in a datetime; "Z" and offsets are refused. */
bool mr_calendar_parse(mr_kind kind, const char *s, size_t len, mr_value *out);
/* The same for text that is stored, but not for intervals: *out keeps how it is spelled. */
bool mr_calendar_read(mr_kind kind, const char *s, size_t len, mr_value *out);
/* Writes the text as it is spelled (see MR_SPELLED_DIGITS); else without a fraction where that is zero, and with six
 * digits where not. Intervals are written as the datetime that lies so far after 1970-01-01, with six digits. Returns
 * the length; buf has at least 40 bytes. */
size_t mr_calendar_spell(const mr_value *v, char *buf);
/* The digits that the fraction needs: 0 to 6. */
unsigned mr_calendar_digits(const mr_value *v);
/* Is the value spelled in a way of its own: neither with a space and as few digits as can be, nor with three of them,
 * nor with six? Only a value that was read can be. */
bool mr_calendar_is_odd(const mr_value *v);
enum { MR_MISTAKE_SIZE = 80 };
/* What keeps the fields from being a value of the kind, in words ("February 2024 has no day 30"), into out
 * (MR_MISTAKE_SIZE bytes). False where nothing does. */
bool mr_civil_mistake(const mr_civil *c, mr_kind kind, char *out);
/* The same of a text. False where it has another form than ISO 8601, or nothing is wrong. */
bool mr_calendar_mistake(mr_kind kind, const char *s, size_t len, char *out);
/* Now in UTC, MR_DATETIME. */
mr_value mr_calendar_now(void);

/* Intervals that programs make are shorter, either way, than this many microseconds (3,660,000 days): more than the
 * calendar spans, and the sum of two does not overflow. */
#define MR_INTERVAL_LIMIT (INT64_C(3660000) * 86400 * 1000000)
/* Writes ISO 8601 without weeks: "P1DT2H3M4.5S", "-PT5S", "PT0S". Returns the length; buf has at least 40 bytes. */
size_t mr_interval_format(int64_t micros, char *buf);
/* Reads it, weeks too, with a sign in front at most, and a fraction of up to six digits of the seconds alone. Years and
 * months are refused: they have no fixed length. False where the text is something else, or beyond the limit. */
bool mr_interval_parse(const char *s, size_t len, int64_t *out);

/* ---------------------------------------------------------------- vec */

/* A growing array of elements of one size. */
typedef struct mr_vec {
    mr_env *env;
    void *data;
    size_t size; /* of an element */
    size_t len, cap;
} mr_vec;
void mr_vec_init(mr_vec *v, mr_env *env, size_t element_size);
void mr_vec_done(mr_vec *v);
/* Room for one more at the end, zeroed; NULL without memory. */
void *mr_vec_push(mr_vec *v);
mr_status mr_vec_push_ptr(mr_vec *v, void *ptr); /* for vecs of pointers */
mr_status mr_vec_reserve(mr_vec *v, size_t cap);
mr_status mr_vec_insert(mr_vec *v, size_t at, const void *element);
void mr_vec_remove(mr_vec *v, size_t at); /* keeps the order */
static inline void *mr_vec_at(const mr_vec *v, size_t i) { return (char *)v->data + i * v->size; }
static inline void *mr_vec_ptr(const mr_vec *v, size_t i) { return ((void **)v->data)[i]; }

/* ---------------------------------------------------------------- map */

/* An open-addressed hash map of elements of one size; the key is part of the element. */
typedef struct mr_map mr_map;
typedef uint64_t (*mr_map_hash)(const void *element);
typedef bool (*mr_map_equal)(const void *a, const void *b);
mr_map *mr_map_new(mr_env *env, size_t element_size, mr_map_hash hash, mr_map_equal equal);
void mr_map_free(mr_map *map);
/* The stored element equal to key (an element of which only the key part is read), or NULL. */
void *mr_map_get(const mr_map *map, const void *key);
/* Stores a copy, in place of an equal one. Returns the stored one; NULL without memory. */
void *mr_map_put(mr_map *map, const void *element);
bool mr_map_remove(mr_map *map, const void *key);
size_t mr_map_count(const mr_map *map);
/* Room for so many elements in all. What is put in the order in which a larger map of the same hash is walked needs it:
 * else all of it comes to lie together, and each search is long. */
mr_status mr_map_reserve(mr_map *map, size_t count);
/* Walks in no order: *cursor starts at 0; NULL at the end. No changes while walking. */
void *mr_map_next(const mr_map *map, size_t *cursor);
void mr_map_clear(mr_map *map);
/* Ready hash and equality for elements that begin with a pointer. */
uint64_t mr_map_hash_ptr(const void *element);
bool mr_map_equal_ptr(const void *a, const void *b);

/* ---------------------------------------------------------------- strbuf */

/* A string under construction. Lack of memory is sticky: check oom (or the result of
 * mr_strbuf_str) once, at the end. */
typedef struct mr_strbuf {
    mr_env *env;
    char *data; /* NUL-terminated when not NULL */
    size_t len, cap;
    bool oom;
} mr_strbuf;
void mr_strbuf_init(mr_strbuf *b, mr_env *env);
void mr_strbuf_done(mr_strbuf *b);
void mr_strbuf_add(mr_strbuf *b, const char *s, size_t len);
void mr_strbuf_puts(mr_strbuf *b, const char *s);
void mr_strbuf_putc(mr_strbuf *b, char c);
void mr_strbuf_printf(mr_strbuf *b, const char *fmt, ...) MR_PRINTF(2, 3);
void mr_strbuf_vprintf(mr_strbuf *b, const char *fmt, va_list args);
void mr_strbuf_clear(mr_strbuf *b);
/* The text ("" when empty), or NULL with NoMemoryError recorded when memory ran out. */
const char *mr_strbuf_str(mr_strbuf *b);

/* Appends the date, time or datetime after a pattern of C's strftime, in English; %f: six digits of microseconds. An
 * unknown directive, or one for a part that the value does not have: ArgumentError. */
mr_status mr_strftime(mr_env *env, const mr_value *v, const char *pattern, size_t len, mr_strbuf *out);

/* ---------------------------------------------------------------- tsort */

/* Topological sort of nodes 0..n-1 by edges {before, after}. Among nodes that are free the
 * lowest number comes first, so the result is deterministic. order has room for n.
 * MR_OK; MR_NOTFOUND when there is a cycle (order then holds *sorted nodes, and the rest is
 * in or behind a cycle); MR_FAIL without memory. No recursion. */
typedef struct mr_edge {
    uint32_t before, after;
} mr_edge;
mr_status mr_tsort(mr_env *env, size_t n, const mr_edge *edges, size_t nedges, uint32_t *order, size_t *sorted);

/* ---------------------------------------------------------------- numbers */

/* Writes d with so many significant digits (1 to 17) and a point, whatever the locale's mark is. Returns the length of
 * what is in buf (at least 32 bytes). */
size_t mr_print_float(char *buf, size_t size, int digits, double d);
/* The same with so many decimals, without an exponent; cut where buf is too small. */
size_t mr_print_fixed(char *buf, size_t size, int decimals, double d);
/* Reads what is written with a point, whatever the locale's mark is. False unless the whole text is a number. */
bool mr_parse_float(const char *text, double *out);
/* Appends what mr_print_float writes. */
void mr_strbuf_put_float(mr_strbuf *b, int digits, double d);

/* ---------------------------------------------------------------- names */

/* Looks for the name that the user may have meant. next(ud, i) gives candidate i, or NULL at the end; candidates are
 * asked for in order, and may be asked for again from 0. Returns the candidate that is fewest slips of typing away (one
 * slip is allowed, and one more for each six letters); where there is none, a candidate that begins with name; else
 * NULL. Of equal candidates the first in alphabetical order counts. The name itself is never the answer. */
const char *mr_nearest(const char *name, const char *(*next)(void *ud, size_t i), void *ud);
/* The end of a message about an unknown name: " (did you mean 'NEAR'?)". near: what mr_nearest has found; "" where it
 * is NULL, or too long for a message. The text is the environment's, and holds until the next call. Cannot fail. */
const char *mr_hint(mr_env *env, const char *near);
/* A class's name in snake case, which is its table's name. */
void mr_snake_case(mr_strbuf *out, const char *name, size_t len);

/* Characters of UTF-8 text; an invalid byte counts as one. */
size_t mr_utf8_length(const char *s, size_t len);

#ifdef __cplusplus
}
#endif
#endif
