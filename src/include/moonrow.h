/*
 * moonrow.h: the embedding API: C programs read and change objects of models that are declared in Lua.
 *
 *   luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
 *   lua_pop(L, 1);
 *
 * Invariants of all functions, unless their comment says otherwise:
 *  - No function raises a Lua error or jumps through its caller. A function that can fail returns mr_result; after
 *    MR_RESULT_FAIL, mr_error_kind and the functions beside it describe the failure.
 *  - The lua_State may be any coroutine of the state; Lua code runs on this coroutine. Only one thread may use the
 * state at a time.
 *  - An mr_object, mr_db or mr_list that a function writes to *out is a handle with a reference count. It is yours:
 * release it, and do so before lua_close. A handle keeps its object alive.
 *  - An mr_class lives as long as the Lua state, and is never released.
 *  - Text that a function returns is borrowed, for as long as its comment says. Copy text that you keep.
 *  - errno is not changed.
 *  - Out-parameters are written only when the result is MR_RESULT_OK.
 *  - Text is NUL-terminated UTF-8, except where a length is passed. Positions count from 0.
 *  - A handle (mr_object, mr_db, mr_list) or an mr_class that is NULL, as a call that failed or found none leaves it,
 * is a mistake that is answered: a function that takes the lua_State and returns mr_result fails with an ArgumentError,
 * which names the function; the others say what they say of nothing: 0, NULL, MR_RESULT_NONE, MR_LIFE_TRANSIENT.
 *  - Other pointers must not be NULL, unless a comment allows it.
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
typedef struct mr_db mr_db;         /* a session: a Session, or a Database or scoped session that has one */
typedef struct mr_list mr_list;     /* a fixed list of objects */

typedef enum mr_result {
    MR_RESULT_OK = 0,
    MR_RESULT_NONE = 1, /* there is nothing: no such row, a NULL value, no reference; not an error */
    MR_RESULT_FAIL = -1 /* ask mr_error_kind */
} mr_result;

/* Makes the module's table and leaves it on the stack; a second call in one state gives the same table. Needs Lua's
 * libraries base, coroutine, math, string and table to be open. Raises a Lua error when one of them is missing, when
 * another copy of the library is open in the state, and without memory. luaL_requiref does not catch these errors, so a
 * program that must go on calls it inside of lua_pcall:
 *
 *   static int open_moonrow(lua_State *L) { luaL_requiref(L, "moonrow", luaopen_moonrow, 0); return 0; }
 *   ...
 *   lua_pushcfunction(L, open_moonrow);
 *   if (lua_pcall(L, 0, 0, 0) != LUA_OK) ... the message is on the stack
 */
int luaopen_moonrow(struct lua_State *L);
#define MOONROW_VERSION "0.1" /* of these headers */

/* "moonrow 0.1", of the library. Static. */
const char *mr_version(void);
/* The environment of the state, borrowed; NULL when luaopen_moonrow has not run. For the functions of <moonrow/...>,
 * which may change in any version. */
struct mr_env *mr_state_env(struct lua_State *L);
/* on = 1: running statements stop and fail with an OperationalError ("interrupted"). So do statements that begin later,
 * COMMIT too, but not ROLLBACK, until a call with on = 0. May be called from a signal handler and from another thread,
 * as long as the state exists. Does not stop statements on a database handle that the program itself has opened. env is
 * that of mr_state_env; NULL: does nothing. */
void mr_state_interrupt(struct mr_env *env, int on);
/* From now on there are no warnings about changes that are lost when a session is collected or the state is closed, for
 * example because the program has failed and has reported its error. Does nothing when luaopen_moonrow has not run. */
void mr_state_quiet(struct lua_State *L);
/* Sends the library's log to fn(ud, text): the statements of engines with echo = true, each with its parameters in a
 * second line. text is good during the call; fn must not call Lua. NULL: the log goes nowhere. This holds until a
 * script calls mr.set_log. */
mr_result mr_state_log(struct lua_State *L, void (*fn)(void *ud, const char *text), void *ud);

/* ---------------------------------------------------------------- errors
 * These functions describe the last failure on the state. Their texts are borrowed, and good until the next failure or
 * mr_error_clear. */

/* The kind: "IntegrityError"; "LuaError" for an error that a script has raised itself. NULL: there was no failure. */
const char *mr_error_kind(struct lua_State *L);
/* Is it of the kind, or of a more special kind? An IntegrityError is also a "DatabaseError". */
int mr_error_is(struct lua_State *L, const char *kind);
/* The message, without place and kind. NULL: there was no failure. */
const char *mr_error_message(struct lua_State *L);
/* The SQL that failed, or NULL. */
const char *mr_error_statement(struct lua_State *L);
/* "file:line" of the Lua call; NULL when C has called the function. */
const char *mr_error_where(struct lua_State *L);
/* The Lua stack at the error, or NULL. */
const char *mr_error_traceback(struct lua_State *L);
/* The database's own code, or 0. */
int mr_error_code(struct lua_State *L);
/* Pushes the error as Lua code would catch it; nil when there was none. The stack must have room for 1. */
void mr_error_push(struct lua_State *L);
/* Forgets the error: from then on mr_error_kind is NULL. */
void mr_error_clear(struct lua_State *L);

/* ---------------------------------------------------------------- classes */

/* The class with the name. NULL when there is none: that counts as a failure, an ArgumentError, which mr_error_message
 * describes. When two bases have a class of that name: the class of the base that was made first. */
const mr_class *mr_class_find(struct lua_State *L, const char *name);
/* The class at the index of the stack; NULL when the value is no class. */
const mr_class *mr_class_at(struct lua_State *L, int index);
/* Pushes the class. The stack must have room for 4. */
mr_result mr_class_push(struct lua_State *L, const mr_class *klass);
/* The name of the class, and of its table. These and the names below are good as long as the state. */
const char *mr_class_name(const mr_class *klass);
const char *mr_class_table(const mr_class *klass);
/* The class that it extends, or NULL. */
const mr_class *mr_class_parent(const mr_class *klass);
/* Is klass the class ancestor, or a subclass of it? */
int mr_class_is(const mr_class *klass, const mr_class *ancestor);
/* The number of mapped attributes, and the name of one, in the order of their declaration; NULL beyond the end. Fields
 * in memory (mr.field()) can be read and written by the functions below, but they are not mapped: they are not counted,
 * and mr_class_has and the functions beside it return 0 for them. */
size_t mr_class_attribute_count(const mr_class *klass);
const char *mr_class_attribute_name(const mr_class *klass, size_t at);
/* Has the class a mapped attribute of that name, and is it of that kind? 0 for an unknown name. */
int mr_class_has(const mr_class *klass, const char *attribute);
int mr_class_is_column(const mr_class *klass, const char *attribute);
int mr_class_is_relationship(const mr_class *klass, const char *attribute);
int mr_class_is_primary_key(const mr_class *klass, const char *attribute);

/* ---------------------------------------------------------------- objects */

typedef enum mr_life {
    MR_LIFE_TRANSIENT = 0, /* in no session */
    MR_LIFE_PENDING,       /* added to a session, not written yet */
    MR_LIFE_PERSISTENT,    /* in a session, with a row */
    MR_LIFE_DELETED,       /* its row is deleted, but the transaction is not committed */
    MR_LIFE_DETACHED       /* has a row, but no session */
} mr_life;

/* Makes a new object, as Class{} does (its __init runs without arguments). *out: yours. */
mr_result mr_object_new(struct lua_State *L, const mr_class *klass, mr_object **out);
/* The object at the index of the stack; MR_RESULT_NONE when the value is no object. *out: yours. */
mr_result mr_object_at(struct lua_State *L, int index, mr_object **out);
/* Pushes the object. */
mr_result mr_object_push(struct lua_State *L, mr_object *object);
/* Adds a reference to the handle. Returns object. NULL is allowed. */
mr_object *mr_object_retain(mr_object *object);
/* Gives a reference back. NULL is allowed. */
void mr_object_release(mr_object *object);
/* The class of the object, which may be a subclass of the class that was asked for. */
const mr_class *mr_object_class(const mr_object *object);
/* The state of the object in relation to a session and a row. */
mr_life mr_object_life(const mr_object *object);
/* The name of a state: "transient". Static. */
const char *mr_life_name(mr_life life);
/* Has the object changes that are not flushed yet? */
int mr_object_is_modified(const mr_object *object);
/* The primary key when it is one integer. MR_RESULT_NONE: it is something else, or not known yet. */
mr_result mr_object_key_int(const mr_object *object, int64_t *out);
/* The same when it is one text. The text is good as long as you hold the handle, also when the key changes. Without
 * memory: MR_RESULT_FAIL. */
mr_result mr_object_key_text(const mr_object *object, const char **text, size_t *len);
/* Is the value of the mapped attribute in memory, so that reading it needs no statement? 0 for a field in memory
 * (mr.field()). */
int mr_object_is_loaded(mr_object *object, const char *attribute);
/* tostring(object). *text is good until the next text that a function of the state returns. */
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
    MR_HOLDS_TEXT, /* bytes and decimals, too */
    MR_HOLDS_DATE,
    MR_HOLDS_TIME,
    MR_HOLDS_DATETIME,
    MR_HOLDS_OBJECT,
    MR_HOLDS_COLLECTION,
    MR_HOLDS_OTHER
} mr_holds;

/* A date and a time. The parts that a value does not have are 0. */
typedef struct mr_moment {
    int year, month, day, hour, minute, second, microsecond;
} mr_moment;

/* These functions read as object.name does in Lua: a value that is not loaded is loaded, which executes a statement.
 * MR_RESULT_NONE: the value is NULL (for mr_object_holds, that is MR_HOLDS_NULL). ArgumentError: the value has another
 * type, or there is no such attribute. */
mr_result mr_object_holds(struct lua_State *L, mr_object *object, const char *attribute, mr_holds *out);
mr_result mr_object_get_int(struct lua_State *L, mr_object *object, const char *attribute, int64_t *out);
/* Reads integers, too. */
mr_result mr_object_get_float(struct lua_State *L, mr_object *object, const char *attribute, double *out);
mr_result mr_object_get_bool(struct lua_State *L, mr_object *object, const char *attribute, int *out);
/* Reads decimals, too. *text has *len bytes and a NUL behind them. It is good until the next text that a function of
 * the state returns. len may be NULL. */
mr_result mr_object_get_text(struct lua_State *L, mr_object *object, const char *attribute, const char **text,
                             size_t *len);
mr_result mr_object_get_blob(struct lua_State *L, mr_object *object, const char *attribute, const void **data,
                             size_t *len);
/* A date, a time, or both. */
mr_result mr_object_get_moment(struct lua_State *L, mr_object *object, const char *attribute, mr_moment *out);
/* The object to which the attribute refers. *out: yours. */
mr_result mr_object_get_object(struct lua_State *L, mr_object *object, const char *attribute, mr_object **out);

/* These functions write as object.name = value does in Lua: the value is checked and copied, and is written to the
 * database with the next flush. ArgumentError: the value does not fit, or there is no such attribute. */
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
/* target NULL: the attribute refers to no object. */
mr_result mr_object_set_object(struct lua_State *L, mr_object *object, const char *attribute, mr_object *target);

/* These functions use a collection as Lua code does; it is loaded if needed. */

/* The number of items. */
mr_result mr_object_count(struct lua_State *L, mr_object *object, const char *attribute, size_t *out);
/* The item at the position; MR_RESULT_NONE beyond the end. *out: yours. */
mr_result mr_object_item(struct lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object **out);
/* All items, as a list that later changes do not change. *out: yours. */
mr_result mr_object_items(struct lua_State *L, mr_object *object, const char *attribute, mr_list **out);
/* Adds an item at the end, or at a position from 0 to the count; removes an item; removes all items. */
mr_result mr_object_append(struct lua_State *L, mr_object *object, const char *attribute, mr_object *item);
mr_result mr_object_insert(struct lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object *item);
mr_result mr_object_remove(struct lua_State *L, mr_object *object, const char *attribute, mr_object *item);
mr_result mr_object_clear(struct lua_State *L, mr_object *object, const char *attribute);
/* MR_RESULT_OK: the item is in the collection; MR_RESULT_NONE: it is not. */
mr_result mr_object_contains(struct lua_State *L, mr_object *object, const char *attribute, mr_object *item);

/* ---------------------------------------------------------------- sessions */

/* The Database, scoped session or Session at the index of the stack. ArgumentError: the value is none. *out: yours. */
mr_result mr_db_at(struct lua_State *L, int index, mr_db **out);
/* The same for a global variable: mr_db_global(L, "db", &db). */
mr_result mr_db_global(struct lua_State *L, const char *name, mr_db **out);
/* Adds a reference to the handle. Returns db. NULL is allowed. */
mr_db *mr_db_retain(mr_db *db);
/* Gives a reference back. NULL is allowed. */
void mr_db_release(mr_db *db);
/* Pushes the Lua value of the handle; nil for NULL. The stack must have room for 1. */
void mr_db_push(struct lua_State *L, mr_db *db);

/* The object with the primary key; no statement is executed when the session has it in memory. MR_RESULT_NONE: there is
 * no such row. *out: yours. */
mr_result mr_db_get_int(struct lua_State *L, mr_db *db, const mr_class *klass, int64_t key, mr_object **out);
mr_result mr_db_get_text(struct lua_State *L, mr_db *db, const mr_class *klass, const char *key, mr_object **out);
/* The first object whose attribute is equal to the value; MR_RESULT_NONE when there is none. *out: yours. */
mr_result mr_db_find_int(struct lua_State *L, mr_db *db, const mr_class *klass, const char *attribute, int64_t value,
                         mr_object **out);
mr_result mr_db_find_text(struct lua_State *L, mr_db *db, const mr_class *klass, const char *attribute,
                          const char *value, mr_object **out);
/* All objects of the class. *out: yours. */
mr_result mr_db_all(struct lua_State *L, mr_db *db, const mr_class *klass, mr_list **out);
/* The number of rows of the class. */
mr_result mr_db_count(struct lua_State *L, mr_db *db, const mr_class *klass, int64_t *out);

/* These functions do the same as the session's methods with their names. */
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
/* For a Database or a scoped session: closes the session of the scope and forgets it. */
mr_result mr_db_remove(struct lua_State *L, mr_db *db);
/* For a Database: creates the tables that are missing. */
mr_result mr_db_create_all(struct lua_State *L, mr_db *db);

/* ---------------------------------------------------------------- what has changed */

/* Told of live queries: db:poll(). *calls: how many of their functions were called; may be NULL. db: a Database, or a
 * Session or scoped session, whose engine is polled. */
mr_result mr_db_poll(struct lua_State *L, mr_db *db, int *calls);

/* How a list differs from the one before; positions count from 0. The old list without those removed and moved, and
 * then with those moved and inserted put in at their new places, the lowest first, is the new list. */
typedef struct mr_diff {
    size_t ninserted, nremoved, nupdated, nmoved;
    const size_t *inserted;   /* in the new list */
    const size_t *removed;    /* in the old list */
    const size_t *updated;    /* in the new list */
    const size_t (*moved)[2]; /* from the old list, to the new one */
} mr_diff;
typedef struct mr_watch mr_watch; /* a live query */
/* Told of the rows: diff is NULL at the first call. Both are borrowed. It must not jump out (longjmp, a Lua error). */
typedef void (*mr_watch_fn)(void *ud, mr_list *rows, const mr_diff *diff);
/* A live query: code is Lua that returns a query of objects ("return Player.query:order_by(Player.score)"). fn is
 * called at once, and then within mr_db_poll whenever the rows differ. *out: yours: end it with mr_watch_close. */
mr_result mr_watch_eval(struct lua_State *L, const char *code, mr_watch_fn fn, void *ud, mr_watch **out);
/* fn is not called any more; also within fn. NULL is allowed. */
void mr_watch_close(mr_watch *watch);

/* What a commit has done to a row. */
typedef enum mr_told_kind {
    MR_TOLD_UNKNOWN = 0, /* something was changed, and what is not recorded */
    MR_TOLD_INSERT,
    MR_TOLD_UPDATE,
    MR_TOLD_DELETE
} mr_told_kind;
typedef struct mr_told {
    int64_t token;
    mr_told_kind kind;
    const mr_class *klass; /* NULL: no class has the table, or it is not known */
    const char *table;     /* borrowed during the call; NULL: not known */
    int caused;            /* by a trigger, or by the action of a foreign key */
    int outside;           /* by another program */
} mr_told;
/* The change as a table, as db:changes_since gives it (with key, old and new), is on top of the stack of L. The result
 * 0 goes on, another one ends. It is called in protected mode: functions of Lua may raise in it. */
typedef int (*mr_told_fn)(void *ud, struct lua_State *L, const mr_told *change);
/* For a Database: the token of the last commit; recording begins with the first call. */
mr_result mr_db_change_token(struct lua_State *L, mr_db *db, int64_t *token);
/* For a Database: calls fn for each row that was committed after the token, in order. */
mr_result mr_db_changes_since(struct lua_State *L, mr_db *db, int64_t token, mr_told_fn fn, void *ud);

/* What a step of undo does. Another result than MR_RESULT_OK rolls it back. */
typedef mr_result (*mr_step_fn)(void *ud, struct lua_State *L);
/* For a Database: runs fn in a transaction, which is a step of undo with the name. merge: steps that follow each other
 * with the same key are one; NULL: none. MR_RESULT_FAIL: fn has failed, or the commit. */
mr_result mr_db_undoable(struct lua_State *L, mr_db *db, const char *name, const char *merge, mr_step_fn fn, void *ud);
/* For a Database: takes the last step back, or does it once more. MR_RESULT_NONE: there is none. *name: that of the
 * step, as long as text of mr_object_get_text; may be NULL. UndoConflictError: others have changed its rows since. */
mr_result mr_db_undo(struct lua_State *L, mr_db *db, const char **name);
mr_result mr_db_redo(struct lua_State *L, mr_db *db, const char **name);

/* ---------------------------------------------------------------- lists */

/* Calls a Lua function and makes a list of its result: a list of objects, a query (all its objects), one object, or
 * nothing (nil). ArgumentError: it is something else. The nargs arguments are on top of the stack, the function is
 * below them; all of them are popped. *out: yours. */
mr_result mr_list_call(struct lua_State *L, int nargs, mr_list **out);
/* The same for Lua code: mr_list_eval(L, "return User.query:order_by(User.name)", &list). */
mr_result mr_list_eval(struct lua_State *L, const char *code, mr_list **out);
/* The number of objects in the list. */
size_t mr_list_count(const mr_list *list);
/* The object at the position, borrowed from the list: retain it to keep it. NULL beyond the end. */
mr_object *mr_list_at(const mr_list *list, size_t at);
/* Adds a reference to the handle. Returns list. NULL is allowed. */
mr_list *mr_list_retain(mr_list *list);
/* Gives a reference back. NULL is allowed. */
void mr_list_release(mr_list *list);

/* ---------------------------------------------------------------- memory */

/* Searches for objects that nothing refers to, and frees them. Stops after about budget_us microseconds (0: when the
 * search is complete); the next call continues. Needed only when Lua's collector is stopped, or when a program must not
 * be delayed by it. *ended: is a search complete? ended may be NULL. */
mr_result mr_memory_trace(struct lua_State *L, uint64_t budget_us, int *ended);
/* The number of objects that exist. */
size_t mr_memory_objects(struct lua_State *L);
/* The number of bytes that the objects need. */
size_t mr_memory_object_bytes(struct lua_State *L);
/* The number of bytes that the library holds from the state's allocator: objects, mappings and caches, but not the
 * memory of Lua itself. */
size_t mr_memory_bytes(struct lua_State *L);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
