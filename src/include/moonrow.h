/*
 * moonrow.h: the embedding API: objects of Lua's models, read and changed from C.
 *
 *   luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
 *   lua_pop(L, 1);
 *
 * Rules that hold everywhere:
 *  - No function raises a Lua error or jumps through its caller. One that can fail returns mr_result, and
 *    mr_error_kind and the like tell of the last failure.
 *  - The lua_State may be any coroutine of the state; what runs in Lua runs on it. One thread at a time.
 *  - An mr_object, mr_db or mr_list that a function hands out through a pointer is a counted handle of
 *    yours: release it. A handle keeps its object alive. Release every handle before lua_close.
 *  - An mr_class lives as long as the Lua state and is never released.
 *  - Text that a function hands out stays good as its description says; copy what you keep.
 *  - errno is left as it was.
 *  - Out-parameters are written when the result is MR_RESULT_OK, and left alone otherwise.
 *  - Names, class names and other text are NUL-terminated UTF-8 unless a length is given. Positions count
 *    from 0.
 */
#ifndef MOONROW_H
#define MOONROW_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
/* Also in a build with -fvisibility=hidden. */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

struct lua_State;
struct mr_env;
struct mr_entity;
struct mr_mapper;

typedef struct mr_entity mr_object; /* an object of a mapped class */
typedef struct mr_mapper mr_class;  /* a mapped class */
typedef struct mr_db mr_db;         /* what stands for a session: a Database, a scoped session, a Session */
typedef struct mr_list mr_list;     /* a fixed list of objects */

typedef enum mr_result {
    MR_RESULT_OK = 0,
    MR_RESULT_NONE = 1, /* nothing there: no such row, a NULL value, no reference; not an error */
    MR_RESULT_FAIL = -1 /* ask mr_error_kind */
} mr_result;

/* Makes the module's table and leaves it on the stack; a second call in one state gives the same table. Needs Lua's
 * libraries base, coroutine, math, string and table to be open. Raises a Lua error where one of them is missing, where
 * another copy of the library is open in the state, and without memory; luaL_requiref protects from none of these, so a
 * program that must go on calls it within lua_pcall:
 *
 *   static int open_moonrow(lua_State *L) { luaL_requiref(L, "moonrow", luaopen_moonrow, 0); return 0; }
 *   ...
 *   lua_pushcfunction(L, open_moonrow);
 *   if (lua_pcall(L, 0, 0, 0) != LUA_OK) ... the message is on the stack
 */
int luaopen_moonrow(struct lua_State *L);
/* "moonrow 0.1". Static. */
const char *mr_version(void);
/* The environment of the state, or NULL where luaopen_moonrow has not run. Borrowed; for the functions
 * of <moonrow/...>, which promise no stability. */
struct mr_env *mr_state_env(struct lua_State *L);
/* on: statements that run, and those that begin (COMMIT too, but not ROLLBACK), fail with an OperationalError
 * ("interrupted"), until it is taken back (0). May be called from a signal handler and from another thread, as long as
 * the state lives; not for a database handle of the program's own. env: mr_state_env's; NULL does nothing. */
void mr_state_interrupt(struct mr_env *env, int on);
/* What sessions lose from now on, when they are collected or the state closes, is not warned of: the program has
 * failed, say, and has told its error. Does nothing where luaopen_moonrow has not run. */
void mr_state_quiet(struct lua_State *L);
/* Receives the library's log: statements of an engine with echo = true, each with its parameters in a line below it. fn
 * must not call Lua. NULL: nobody does. Until a script calls mr.set_log, which takes the log to Lua again. */
mr_result mr_state_log(struct lua_State *L, void (*fn)(void *ud, const char *text), void *ud);

/* ---------------------------------------------------------------- errors
 * Of the last function that failed on the state. Texts are borrowed, good until the next failure
 * or mr_error_clear. */

/* "IntegrityError" and the like; "LuaError" for an error that a script raised by itself; NULL: none. */
const char *mr_error_kind(struct lua_State *L);
/* Is it of the kind, or of a kind below it? ("DatabaseError" is true of an IntegrityError.) */
int mr_error_is(struct lua_State *L, const char *kind);
/* Without place and kind; NULL: no error. */
const char *mr_error_message(struct lua_State *L);
/* The SQL that failed, or NULL. */
const char *mr_error_statement(struct lua_State *L);
/* "file:line" of the Lua call, or NULL: what C has called stands in no line of Lua. */
const char *mr_error_where(struct lua_State *L);
/* The Lua stack at the error, or NULL. */
const char *mr_error_traceback(struct lua_State *L);
/* The database's own code, or 0. */
int mr_error_code(struct lua_State *L);
/* Pushes the error as Lua would see it (nil: none). The stack must have room. */
void mr_error_push(struct lua_State *L);
/* Forgets the error: from then on mr_error_kind is NULL. */
void mr_error_clear(struct lua_State *L);

/* ---------------------------------------------------------------- classes */

/* The class of the name; NULL where there is none. Of two bases with a class of one name, the earlier
 * base's. */
const mr_class *mr_class_find(struct lua_State *L, const char *name);
/* The class that the Lua value is; NULL where it is none. */
const mr_class *mr_class_at(struct lua_State *L, int index);
/* Pushes the class. The stack must have room for 4. */
mr_result mr_class_push(struct lua_State *L, const mr_class *klass);
/* Borrowed, good for the life of the state; so are the names below. */
const char *mr_class_name(const mr_class *klass);
const char *mr_class_table(const mr_class *klass);
/* The class that it extends, or NULL. */
const mr_class *mr_class_parent(const mr_class *klass);
/* Is it the class, or one below it? */
int mr_class_is(const mr_class *klass, const mr_class *ancestor);
/* Mapped attributes, in order of declaration. Fields in memory (mr.field()) are read and written below like these, but
 * are not among them: they are not counted, and mr_class_has and its like are 0 of them. */
size_t mr_class_attribute_count(const mr_class *klass);
const char *mr_class_attribute_name(const mr_class *klass, size_t at); /* NULL: beyond the end */
/* Of an attribute by name: is there one, and what is it? 0 for an unknown name. */
int mr_class_has(const mr_class *klass, const char *attribute);
int mr_class_is_column(const mr_class *klass, const char *attribute);
int mr_class_is_relationship(const mr_class *klass, const char *attribute);
int mr_class_is_primary_key(const mr_class *klass, const char *attribute);

/* ---------------------------------------------------------------- objects */

typedef enum mr_life {
    MR_LIFE_TRANSIENT = 0, /* in no session */
    MR_LIFE_PENDING,       /* added, not written yet */
    MR_LIFE_PERSISTENT,
    MR_LIFE_DELETED, /* its row is deleted, the transaction not committed */
    MR_LIFE_DETACHED /* has a row, and no session */
} mr_life;

/* A new object, as Class{} makes it (its __init runs without arguments). *out: yours. */
mr_result mr_object_new(struct lua_State *L, const mr_class *klass, mr_object **out);
/* The object that the Lua value is; MR_RESULT_NONE where it is none. *out: yours. */
mr_result mr_object_at(struct lua_State *L, int index, mr_object **out);
/* Pushes the object. */
mr_result mr_object_push(struct lua_State *L, mr_object *object);
/* Counts one handle more. Returns object. */
mr_object *mr_object_retain(mr_object *object);
/* Gives a handle back; NULL is allowed. */
void mr_object_release(mr_object *object);
/* Its class, which may be one below the one that was asked for. */
const mr_class *mr_object_class(const mr_object *object);
/* Where it stands between the program and its row. */
mr_life mr_object_life(const mr_object *object);
/* "transient" and the like. Static. */
const char *mr_life_name(mr_life life);
/* Are there changes that were not flushed? */
int mr_object_is_modified(const mr_object *object);
/* The primary key, where it is one integer or one text; MR_RESULT_NONE where it is not, or not known
 * yet. */
mr_result mr_object_key_int(const mr_object *object, int64_t *out);
/* The text stays as it was while the object has a handle, also when its key changes. Without memory: MR_RESULT_FAIL. */
mr_result mr_object_key_text(const mr_object *object, const char **text, size_t *len);
/* Is the mapped attribute's value in memory, so that reading it needs no statement? 0 of a field in memory, which never
 * does. */
int mr_object_is_loaded(mr_object *object, const char *attribute);
/* tostring(object). *text is good until the next text of the state. */
mr_result mr_object_describe(struct lua_State *L, mr_object *object, const char **text);
/* Calls object:method(...) with the nargs values on top of the stack, which are popped; pushes nresults
 * results (LUA_MULTRET: all) when it succeeds, and nothing otherwise. */
mr_result mr_object_call(struct lua_State *L, mr_object *object, const char *method, int nargs, int nresults);

/* What an attribute holds now. */
typedef enum mr_holds {
    MR_HOLDS_NULL = 0,
    MR_HOLDS_INT,
    MR_HOLDS_FLOAT,
    MR_HOLDS_BOOL,
    MR_HOLDS_TEXT, /* bytes too */
    MR_HOLDS_DATE,
    MR_HOLDS_TIME,
    MR_HOLDS_DATETIME,
    MR_HOLDS_OBJECT,
    MR_HOLDS_COLLECTION,
    MR_HOLDS_OTHER
} mr_holds;

/* A date and a time; those parts that a value does not have are 0. */
typedef struct mr_moment {
    int year, month, day, hour, minute, second, microsecond;
} mr_moment;

/* Reading as Lua's object.name does: loads what is not loaded, so it may run a statement. NULL:
 * MR_RESULT_NONE; but mr_object_holds gives MR_HOLDS_NULL. A value of another type, an unknown attribute:
 * ArgumentError. */
mr_result mr_object_holds(struct lua_State *L, mr_object *object, const char *attribute, mr_holds *out);
mr_result mr_object_get_int(struct lua_State *L, mr_object *object, const char *attribute, int64_t *out);
/* integers too */
mr_result mr_object_get_float(struct lua_State *L, mr_object *object, const char *attribute, double *out);
mr_result mr_object_get_bool(struct lua_State *L, mr_object *object, const char *attribute, int *out);
/* *text is NUL-terminated behind its len bytes, and good until the next text of the state. len may be
 * NULL. */
mr_result mr_object_get_text(struct lua_State *L, mr_object *object, const char *attribute, const char **text,
                             size_t *len);
mr_result mr_object_get_blob(struct lua_State *L, mr_object *object, const char *attribute, const void **data,
                             size_t *len);
/* A date, a time, or both. */
mr_result mr_object_get_moment(struct lua_State *L, mr_object *object, const char *attribute, mr_moment *out);
/* The object referred to. *out: yours. */
mr_result mr_object_get_object(struct lua_State *L, mr_object *object, const char *attribute, mr_object **out);

/* Writing as Lua's object.name = value does: checked, noted for the next flush; no statement runs. */
mr_result mr_object_set_null(struct lua_State *L, mr_object *object, const char *attribute);
mr_result mr_object_set_int(struct lua_State *L, mr_object *object, const char *attribute, int64_t value);
mr_result mr_object_set_float(struct lua_State *L, mr_object *object, const char *attribute, double value);
mr_result mr_object_set_bool(struct lua_State *L, mr_object *object, const char *attribute, int value);
mr_result mr_object_set_text(struct lua_State *L, mr_object *object, const char *attribute, const char *text);
mr_result mr_object_set_blob(struct lua_State *L, mr_object *object, const char *attribute, const void *data,
                             size_t len);
mr_result mr_object_set_date(struct lua_State *L, mr_object *object, const char *attribute, const mr_moment *value);
mr_result mr_object_set_time(struct lua_State *L, mr_object *object, const char *attribute, const mr_moment *value);
mr_result mr_object_set_datetime(struct lua_State *L, mr_object *object, const char *attribute, const mr_moment *value);
/* target may be NULL. */
mr_result mr_object_set_object(struct lua_State *L, mr_object *object, const char *attribute, mr_object *target);

/* Collections, as Lua's object.name does; loaded when they must be. A position beyond the end:
 * MR_RESULT_NONE. */
mr_result mr_object_count(struct lua_State *L, mr_object *object, const char *attribute, size_t *out);
/* yours */
mr_result mr_object_item(struct lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object **out);
/* yours */
mr_result mr_object_items(struct lua_State *L, mr_object *object, const char *attribute, mr_list **out);
/* Adding takes the item's place at its end, or at a position of 0 to the count. */
mr_result mr_object_append(struct lua_State *L, mr_object *object, const char *attribute, mr_object *item);
mr_result mr_object_insert(struct lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object *item);
mr_result mr_object_remove(struct lua_State *L, mr_object *object, const char *attribute, mr_object *item);
mr_result mr_object_clear(struct lua_State *L, mr_object *object, const char *attribute);
/* MR_RESULT_OK: it is there; MR_RESULT_NONE: it is not. */
mr_result mr_object_contains(struct lua_State *L, mr_object *object, const char *attribute, mr_object *item);

/* ---------------------------------------------------------------- sessions */

/* The Database, scoped session or Session at the index; ArgumentError where it is none. *out: yours. */
mr_result mr_db_at(struct lua_State *L, int index, mr_db **out);
/* The same for a global variable: mr_db_global(L, "db", &db). */
mr_result mr_db_global(struct lua_State *L, const char *name, mr_db **out);
/* Counts one handle more. Returns db. */
mr_db *mr_db_retain(mr_db *db);
void mr_db_release(mr_db *db); /* NULL is allowed */
/* Pushes the value that it was made from. The stack must have room. */
void mr_db_push(struct lua_State *L, mr_db *db);

/* Objects by their primary key: from memory where the session has them. *out: yours. */
mr_result mr_db_get_int(struct lua_State *L, mr_db *db, const mr_class *klass, int64_t key, mr_object **out);
mr_result mr_db_get_text(struct lua_State *L, mr_db *db, const mr_class *klass, const char *key, mr_object **out);
/* The first object whose attribute equals the value. *out: yours. */
mr_result mr_db_find_int(struct lua_State *L, mr_db *db, const mr_class *klass, const char *attribute, int64_t value,
                         mr_object **out);
mr_result mr_db_find_text(struct lua_State *L, mr_db *db, const mr_class *klass, const char *attribute,
                          const char *value, mr_object **out);
/* All objects of the class. *out: yours. */
mr_result mr_db_all(struct lua_State *L, mr_db *db, const mr_class *klass, mr_list **out);
/* Rows of the class. */
mr_result mr_db_count(struct lua_State *L, mr_db *db, const mr_class *klass, int64_t *out);

/* As the session's methods of the same names. */
mr_result mr_db_add(struct lua_State *L, mr_db *db, mr_object *object);
mr_result mr_db_delete(struct lua_State *L, mr_db *db, mr_object *object);
mr_result mr_db_expunge(struct lua_State *L, mr_db *db, mr_object *object);
mr_result mr_db_refresh(struct lua_State *L, mr_db *db, mr_object *object);
mr_result mr_db_expire(struct lua_State *L, mr_db *db, mr_object *object);
mr_result mr_db_expire_all(struct lua_State *L, mr_db *db);
mr_result mr_db_begin(struct lua_State *L, mr_db *db);
mr_result mr_db_flush(struct lua_State *L, mr_db *db);
mr_result mr_db_commit(struct lua_State *L, mr_db *db);
mr_result mr_db_rollback(struct lua_State *L, mr_db *db);
mr_result mr_db_close(struct lua_State *L, mr_db *db);
/* MR_RESULT_OK: the object is in the session; MR_RESULT_NONE: it is not. */
mr_result mr_db_contains(struct lua_State *L, mr_db *db, mr_object *object);
/* Of a Database or a scoped session: closes the session of the scope and forgets it. */
mr_result mr_db_remove(struct lua_State *L, mr_db *db);
/* Of a Database: makes the tables that are missing. */
mr_result mr_db_create_all(struct lua_State *L, mr_db *db);

/* ---------------------------------------------------------------- lists */

/* Calls the function below the nargs values on top of the stack, all of which are popped, and takes what
 * it returns as a list: a list of objects, a query (all its objects), one object, nothing. *out: yours. */
mr_result mr_list_call(struct lua_State *L, int nargs, mr_list **out);
/* The same for a piece of Lua: mr_list_eval(L, "return User.query:order_by(User.name)", &list). */
mr_result mr_list_eval(struct lua_State *L, const char *code, mr_list **out);
/* Objects in the list. */
size_t mr_list_count(const mr_list *list);
/* Borrowed from the list: retain it to keep it. NULL: beyond the end. */
mr_object *mr_list_at(const mr_list *list, size_t at);
/* Counts one handle more. Returns list. */
mr_list *mr_list_retain(mr_list *list);
void mr_list_release(mr_list *list); /* NULL is allowed */

/* ---------------------------------------------------------------- memory */

/* Runs the trace that frees objects which nothing holds, for at most about budget_us microseconds (0: to
 * its end). Needed only where Lua's collector is stopped, or where frames must not wait. *ended (may be
 * NULL): a trace has ended. */
mr_result mr_memory_trace(struct lua_State *L, uint64_t budget_us, int *ended);
/* Objects that exist. */
size_t mr_memory_objects(struct lua_State *L);
/* Bytes that the objects take. */
size_t mr_memory_object_bytes(struct lua_State *L);
/* Bytes that the library has from the state's allocator, objects, mappings and caches together; Lua's
 * own are not in it. */
size_t mr_memory_bytes(struct lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
