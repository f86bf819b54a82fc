/*
 * capi.c: what all of the embedding API needs: protected runs, the last error, memory.
 *
 * Invariant: kind, message and the other texts of an error are read when the error arises. So a C program that asks for
 * them later causes no allocation and no failure.
 */
#include "capi.h"

#include <errno.h>
#include <string.h>

#include "state/error.h"

static const char capi_key = 0;
static const char made_key = 0;

typedef struct last_error {
    /* Anchored in the user value STRINGS, or static. */
    const char *kind, *message, *statement, *where, *traceback;
    int code;
} last_error;

/* User values of the last_error. */
enum { VALUE = 1, STRINGS, TEXT, CAPI__VALUES = 3 };

/* Pushes the userdata of the last error, and returns it; the stack must have room. Where moonrow is not open: pushes
 * nil and returns NULL. */
static last_error *push_state(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &capi_key);
    return lua_touserdata(L, -1);
}

/* What was made by a run that began before the library was open; NULL where no such run goes on. */
static capi_made *early_made(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &made_key);
    capi_made *made = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return made;
}

void bind_open_capi(lua_State *L) {
    bind_state *b = bind_of(L);
    if (!b->made) b->made = early_made(L);
    if (!push_state(L)) {
        last_error *e = lua_newuserdatauv(L, sizeof *e, CAPI__VALUES);
        *e = (last_error){0};
        lua_rawsetp(L, LUA_REGISTRYINDEX, &capi_key);
    }
    lua_pop(L, 1);
}

const char *mr_version(void) { return "moonrow " MOONROW_VERSION; }

/* ---------------------------------------------------------------- noting an error */

static const char *note_field(lua_State *L, const char *name) {
    const char *text = lua_getfield(L, 1, name) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    lua_setfield(L, 3, name); /* anchors it */
    return text;
}

static const char *note_message(lua_State *L) {
    const char *text = luaL_tolstring(L, 1, NULL);
    lua_setfield(L, 3, "message");
    return text;
}

/* 1: the error; 2: a last_error to fill; returns the table that anchors its strings. */
static int note_body(lua_State *L) {
    last_error *e = lua_touserdata(L, 2);
    lua_createtable(L, 0, 5);
    if (luaL_getmetafield(L, 1, "__errkind") == LUA_TNIL) {
        e->message = note_message(L);
        e->kind = "LuaError";
        return 1;
    }
    lua_settop(L, 3);
    e->message = note_field(L, "message");
    e->statement = note_field(L, "statement");
    e->where = note_field(L, "where");
    if (e->where && !*e->where) e->where = NULL;
    e->traceback = note_field(L, "traceback");
    if (lua_getfield(L, 1, "orig") == LUA_TTABLE && lua_getfield(L, -1, "code") == LUA_TNUMBER)
        e->code = (int)lua_tointeger(L, -1);
    lua_settop(L, 3);
    e->kind = note_field(L, "kind");
    return 1;
}

/* Notes the error on top of the stack, which is popped. */
static void note_error(lua_State *L, int rc) {
    last_error fresh = {"NoMemoryError", "not enough memory", NULL, NULL, NULL, 0};
    lua_pushcfunction(L, note_body);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, &fresh);
    /* Without memory: leaves the error, and reads nothing. Else the call leaves one value, too. */
    if (rc == LUA_ERRMEM) lua_pop(L, 2);
    else rc = lua_pcall(L, 2, 1, 0);
    if (rc != LUA_OK) {
        fresh = (last_error){"NoMemoryError", "not enough memory", NULL, NULL, NULL, 0};
        /* A debug hook of the program raised while the error was read. */
        if (rc != LUA_ERRMEM) fresh.kind = "LuaError", fresh.message = "interrupted while an error was noted";
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    last_error *e = push_state(L); /* the error, its strings, the state */
    if (e) {
        *e = fresh;
        lua_insert(L, -3); /* the state, the error, its strings */
        lua_setiuservalue(L, -3, STRINGS);
        lua_setiuservalue(L, -2, VALUE);
        lua_pop(L, 1);
    } else {
        lua_pop(L, 3);
    }
}

/* A body that runs before the library is open, and may open it. */
typedef struct early {
    lua_CFunction body;
    void *args;
    capi_made *made;
} early;

static int early_body(lua_State *L) {
    const early *e = lua_touserdata(L, 1);
    lua_pushlightuserdata(L, e->made);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &made_key);
    lua_pushlightuserdata(L, e->args);
    lua_replace(L, 1);
    return e->body(L);
}

/* Puts outer (NULL: nothing) in the place of what early_body noted. Allocates nothing: the key exists. */
static void forget_early(lua_State *L, capi_made *outer) {
    if (!early_made(L)) return;
    if (outer) lua_pushlightuserdata(L, outer);
    else lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &made_key);
}

/* Calls e's body with the top nargs values. Afterwards, also after an error, e->made says what the body has made. */
static int call(lua_State *L, early *e, int nargs, int nresults) {
    bind_state *b = bind_peek(L);
    capi_made *outer = b ? b->made : early_made(L);
    lua_pushcfunction(L, b ? e->body : early_body);
    lua_pushlightuserdata(L, b ? e->args : e);
    lua_rotate(L, -(nargs + 2), 2);
    if (b) b->made = e->made;
    int rc = lua_pcall(L, nargs + 1, nresults, 0);
    if (!b) forget_early(L, outer);
    b = bind_peek(L);
    if (b) b->made = outer;
    return rc;
}

static mr_result run(lua_State *L, lua_CFunction body, void *args, int nargs, int nresults) {
    int base = lua_gettop(L) - nargs;
    if (!lua_checkstack(L, 12 + (nresults > 0 ? nresults : 0))) {
        lua_settop(L, base);
        last_error *e = lua_checkstack(L, 1) ? push_state(L) : NULL;
        if (e) *e = (last_error){"NoMemoryError", "the Lua stack has no room", NULL, NULL, NULL, 0};
        lua_settop(L, base);
        return MR_RESULT_FAIL;
    }
    capi_made made = {0};
    early e = {body, args, &made};
    int rc = call(L, &e, nargs, nresults);
    if (rc == LUA_OK) return MR_RESULT_OK;
    if (made.object_at) *made.object_at = NULL;
    if (made.list_at) *made.list_at = NULL;
    mr_object_release(made.object);
    mr_list_release(made.list);
    mr_db_release(made.db);
    note_error(L, rc);
    return MR_RESULT_FAIL;
}

mr_result capi_run(lua_State *L, lua_CFunction body, void *args, int nargs, int nresults) {
    int kept = errno;
    mr_result result = run(L, body, args, nargs, nresults);
    errno = kept;
    return result;
}

/* ---------------------------------------------------------------- handles that are NULL */

typedef struct null_args {
    const char *function;
    capi_given what;
} null_args;

static int null_body(lua_State *L) {
    const null_args *a = lua_touserdata(L, 1);
    switch (a->what) {
    case CAPI_CLASS:
        return bind_error(L, MR_ERR_ARGUMENT, "%s: the class is NULL: mr_class_find found none of the name",
                          a->function);
    case CAPI_DB:
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: the mr_db is NULL: mr_db_global or mr_db_at has failed (check "
                          "its result)",
                          a->function);
    default:
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: the %s is NULL: the call that was to give it has failed or found "
                          "none (check its result)",
                          a->function, a->what == CAPI_ITEM ? "item" : "object");
    }
}

mr_result capi_refuse_null(lua_State *L, const char *function, capi_given what, int nargs) {
    null_args args = {function, what};
    return capi_run(L, null_body, &args, nargs, 0);
}

/* ---------------------------------------------------------------- asking about it */

static const last_error no_error = {0};

/* The last error without its userdata on the stack: userdata do not move. */
static const last_error *peek(lua_State *L) {
    if (!lua_checkstack(L, 1)) return &no_error;
    const last_error *e = push_state(L);
    lua_pop(L, 1);
    return e ? e : &no_error;
}

const char *mr_error_kind(lua_State *L) { return peek(L)->kind; }

static mr_errkind kind_named(const char *name) {
    for (int k = MR_ERR_ERROR; k < MR_ERR__COUNT; k++)
        if (strcmp(mr_errkind_name((mr_errkind)k), name) == 0) return (mr_errkind)k;
    return MR_ERR_NONE;
}

int mr_error_is(lua_State *L, const char *kind) {
    const char *mine = peek(L)->kind;
    if (!mine) return 0;
    if (strcmp(mine, kind) == 0) return 1;
    mr_errkind wanted = kind_named(kind);
    for (mr_errkind k = kind_named(mine); k != MR_ERR_NONE; k = mr_errkind_parent(k))
        if (k == wanted) return 1;
    return 0;
}

const char *mr_error_message(lua_State *L) { return peek(L)->message; }

const char *mr_error_statement(lua_State *L) { return peek(L)->statement; }

const char *mr_error_where(lua_State *L) { return peek(L)->where; }

const char *mr_error_traceback(lua_State *L) { return peek(L)->traceback; }

int mr_error_code(lua_State *L) { return peek(L)->code; }

void mr_error_push(lua_State *L) {
    if (push_state(L)) {
        lua_getiuservalue(L, -1, VALUE);
        lua_remove(L, -2);
    }
}

void mr_error_clear(lua_State *L) {
    if (!lua_checkstack(L, 2)) return;
    last_error *e = push_state(L);
    if (e) {
        *e = no_error;
        for (int i = VALUE; i <= STRINGS; i++) {
            lua_pushnil(L);
            lua_setiuservalue(L, -2, i);
        }
    }
    lua_pop(L, 1);
}

/* ---------------------------------------------------------------- what bodies use */

const char *capi_keep_text(lua_State *L, size_t *len) {
    const char *text = lua_tolstring(L, -1, len);
    push_state(L);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, TEXT);
    lua_pop(L, 1);
    return text;
}

/* ---------------------------------------------------------------- the environment and its memory */

static bind_state *state_of(lua_State *L) { return lua_checkstack(L, 1) ? bind_peek(L) : NULL; }

mr_env *mr_state_env(lua_State *L) {
    bind_state *b = state_of(L);
    return b ? b->env : NULL;
}

void mr_state_interrupt(mr_env *env, int on) {
    if (env) mr_env_interrupt(env, on != 0);
}

void mr_state_quiet(lua_State *L) {
    bind_state *b = bind_peek(L);
    if (b) b->quiet = true;
}

typedef struct log_args {
    void (*fn)(void *ud, const char *text);
    void *ud;
} log_args;

static int log_body(lua_State *L) {
    const log_args *a = lua_touserdata(L, 1);
    mr_env_set_log(bind_of(L)->env, a->fn, a->ud);
    return 0;
}

mr_result mr_state_log(lua_State *L, void (*fn)(void *ud, const char *text), void *ud) {
    log_args args = {fn, ud};
    return capi_run(L, log_body, &args, 0, 0);
}

typedef struct trace_args {
    uint64_t budget;
    bool ended;
} trace_args;

static int trace_body(lua_State *L) {
    trace_args *a = lua_touserdata(L, 1);
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    if (!bind_in_finalizer(L)) a->ended = mr_heap_trace(b->heap, a->budget);
    BIND_LEAVE(b);
    return 0;
}

mr_result mr_memory_trace(lua_State *L, uint64_t budget_us, int *ended) {
    trace_args args = {budget_us, false};
    mr_result result = capi_run(L, trace_body, &args, 0, 0);
    if (result == MR_RESULT_OK && ended) *ended = args.ended;
    return result;
}

size_t mr_memory_objects(lua_State *L) {
    bind_state *b = state_of(L);
    return b ? mr_heap_count(b->heap) : 0;
}

size_t mr_memory_object_bytes(lua_State *L) {
    bind_state *b = state_of(L);
    return b ? mr_heap_bytes(b->heap) : 0;
}

size_t mr_memory_bytes(lua_State *L) {
    bind_state *b = state_of(L);
    return b ? mr_env_memory(b->env) : 0;
}
