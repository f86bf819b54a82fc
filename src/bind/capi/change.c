/*
 * change.c: the embedding API's view of what has changed: live queries, the change log, undo.
 *
 * Invariant: a program's function is called in protected mode, and never after its watch was closed: what Lua calls is
 * a closure over a box, which a closed watch has emptied.
 */
#include <errno.h>
#include <string.h>

#include "capi.h"
#include "state/error.h"
#include "state/own.h"
#include "value/class.h"
#include "value/session.h"

/* Pushes the Database of the handle. */
static void push_database(lua_State *L, const mr_db *db, const char *function) {
    bind_ref_push(L, db->ref);
    bool is_one = luaL_getmetafield(L, -1, "__name") == LUA_TSTRING && strcmp(lua_tostring(L, -1), "Database") == 0;
    if (!is_one) bind_error(L, MR_ERR_ARGUMENT, "%s: the handle must be that of a Database", function);
    lua_pop(L, 1);
}

/* ---------------------------------------------------------------- live queries */

typedef struct box {
    mr_watch_fn fn; /* NULL: the watch was closed */
    void *ud;
} box;

struct mr_watch {
    mr_env *env;
    bind_ref *ref; /* a table: the box, and the watch of Lua */
    box *box;
};

/* Copies the positions of the list in the field, which count from 1. */
static const size_t *positions(lua_State *L, int diff, const char *field, size_t *n) {
    lua_getfield(L, diff, field);
    *n = (size_t)luaL_len(L, -1);
    size_t *out = lua_newuserdatauv(L, (*n + 1) * sizeof *out, 0);
    for (size_t i = 0; i < *n; i++) {
        lua_geti(L, -2, (lua_Integer)i + 1);
        out[i] = (size_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 1);
    }
    return out;
}

static const size_t (*moves(lua_State *L, int diff, size_t *n))[2] {
    lua_getfield(L, diff, "moved");
    *n = (size_t)luaL_len(L, -1);
    size_t(*out)[2] = lua_newuserdatauv(L, (*n + 1) * sizeof *out, 0);
    for (size_t i = 0; i < *n; i++) {
        lua_geti(L, -2, (lua_Integer)i + 1);
        lua_getfield(L, -1, "from");
        lua_getfield(L, -2, "to");
        out[i][0] = (size_t)lua_tointeger(L, -2) - 1;
        out[i][1] = (size_t)lua_tointeger(L, -1) - 1;
        lua_pop(L, 3);
    }
    return (const size_t(*)[2])out;
}

static void release_list(void *list) { mr_list_release(list); }

/* The function that Lua calls: (rows, diff or nil); upvalue: the box. */
static int on_rows(lua_State *L) {
    const box *b = lua_touserdata(L, lua_upvalueindex(1));
    mr_diff diff = {0};
    lua_settop(L, 2);
    if (!b->fn) return 0;
    luaL_checkstack(L, 16, "a live query");
    bool first = lua_isnil(L, 2);
    if (!first) {
        diff.inserted = positions(L, 2, "inserted", &diff.ninserted);
        diff.removed = positions(L, 2, "removed", &diff.nremoved);
        diff.updated = positions(L, 2, "updated", &diff.nupdated);
        diff.moved = moves(L, 2, &diff.nmoved);
    }
    bind_owner *owner = bind_own(L, release_list);
    owner->p = capi_to_list(L, 1, "mr_watch_eval");
    b->fn(b->ud, owner->p, first ? NULL : &diff);
    bind_own_done(owner);
    return 0;
}

typedef struct watch_args {
    const char *code;
    box box;
    mr_watch *watch;
} watch_args;

static int watch_body(lua_State *L) {
    watch_args *a = lua_touserdata(L, 1);
    mr_env *env = bind_of(L)->env;
    lua_createtable(L, 2, 0);
    int kept = lua_gettop(L);
    box *b = lua_newuserdatauv(L, sizeof *b, 0);
    *b = a->box;
    lua_rawseti(L, kept, 1);
    a->watch = mr_calloc(env, sizeof *a->watch);
    if (!a->watch) bind_raise(L);
    *a->watch = (mr_watch){env, NULL, b};
    a->watch->ref = bind_ref_new(L, kept);
    if (luaL_loadbufferx(L, a->code, strlen(a->code), "=mr_watch_eval", "t") != LUA_OK) return lua_error(L);
    lua_call(L, 0, 1);
    capi_push_method(L, "watch");
    lua_rawgeti(L, kept, 1);
    lua_pushcclosure(L, on_rows, 1);
    lua_call(L, 2, 1);
    lua_rawseti(L, kept, 2);
    return 0;
}

mr_result mr_watch_eval(lua_State *L, const char *code, mr_watch_fn fn, void *ud, mr_watch **out) {
    watch_args args = {code, {fn, ud}, NULL};
    mr_result result = capi_run(L, watch_body, &args, 0, 0);
    if (result == MR_RESULT_OK) *out = args.watch;
    else mr_watch_close(args.watch);
    return result;
}

void mr_watch_close(mr_watch *watch) {
    int kept = errno;
    if (watch) {
        if (watch->ref) {
            watch->box->fn = NULL;
            bind_ref_release(watch->ref);
        }
        mr_free(watch->env, watch);
    }
    errno = kept;
}

typedef struct change_args {
    mr_db *db;
    const char *function, *method;
    int64_t token;
    mr_told_fn told;
    mr_step_fn step;
    void *ud;
    const char *name, *merge;
    bool none;
} change_args;

static int poll_body(lua_State *L) {
    change_args *a = lua_touserdata(L, 1);
    bind_ref_push(L, a->db->ref);
    bool database = luaL_getmetafield(L, -1, "__name") == LUA_TSTRING && strcmp(lua_tostring(L, -1), "Database") == 0;
    lua_settop(L, 1);
    if (database) {
        push_database(L, a->db, a->function);
    } else {
        capi_push_session(L, a->db);
        lua_getfield(L, -1, "bind");
    }
    capi_push_method(L, "poll");
    lua_call(L, 1, 1);
    a->token = lua_tointeger(L, -1);
    return 0;
}

mr_result mr_db_poll(lua_State *L, mr_db *db, int *calls) {
    CAPI_NEEDS(L, CAPI_DB, db);
    change_args args = {.db = db, .function = __func__};
    mr_result result = capi_run(L, poll_body, &args, 0, 0);
    if (result == MR_RESULT_OK && calls) *calls = (int)args.token;
    return result;
}

/* ---------------------------------------------------------------- the change log */

static int token_body(lua_State *L) {
    change_args *a = lua_touserdata(L, 1);
    push_database(L, a->db, a->function);
    capi_push_method(L, "change_token");
    lua_call(L, 1, 1);
    a->token = lua_tointeger(L, -1);
    return 0;
}

mr_result mr_db_change_token(lua_State *L, mr_db *db, int64_t *token) {
    CAPI_NEEDS(L, CAPI_DB, db);
    change_args args = {.db = db, .function = __func__};
    mr_result result = capi_run(L, token_body, &args, 0, 0);
    if (result == MR_RESULT_OK) *token = args.token;
    return result;
}

static bool has(lua_State *L, int change, const char *field) {
    lua_getfield(L, change, field);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

/* Fills *out of the change on top of the stack; pushes the texts and the class that it borrows. */
static void read_told(lua_State *L, mr_told *out) {
    static const char *const kinds[] = {"unknown", "insert", "update", "delete"};
    int change = lua_gettop(L);
    *out = (mr_told){.caused = has(L, change, "caused"), .outside = has(L, change, "outside")};
    lua_getfield(L, change, "token");
    out->token = lua_tointeger(L, -1);
    lua_getfield(L, change, "kind");
    for (int i = 0; i < 4; i++)
        if (strcmp(lua_tostring(L, -1), kinds[i]) == 0) out->kind = (mr_told_kind)i;
    lua_getfield(L, change, "table");
    out->table = lua_tostring(L, -1);
    lua_getfield(L, change, "class");
    if (!lua_isnil(L, -1)) out->klass = bind_class_at(L, -1)->mapper;
}

static int since_body(lua_State *L) {
    const change_args *a = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "changes_since");
    push_database(L, a->db, a->function);
    capi_push_method(L, "changes_since");
    lua_pushinteger(L, (lua_Integer)a->token);
    lua_call(L, 2, 1);
    int next = lua_gettop(L), stop = 0;
    while (!stop) {
        mr_told told;
        lua_settop(L, next);
        lua_pushvalue(L, next);
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1)) return 0;
        read_told(L, &told);
        lua_pushvalue(L, next + 1);
        stop = a->told(a->ud, L, &told);
    }
    return 0;
}

mr_result mr_db_changes_since(lua_State *L, mr_db *db, int64_t token, mr_told_fn fn, void *ud) {
    CAPI_NEEDS(L, CAPI_DB, db);
    change_args args = {.db = db, .function = __func__, .token = token, .told = fn, .ud = ud};
    return capi_run(L, since_body, &args, 0, 0);
}

/* ---------------------------------------------------------------- undo */

static int on_step(lua_State *L) {
    const change_args *a = lua_touserdata(L, lua_upvalueindex(1));
    if (a->step(a->ud, L) != MR_RESULT_OK)
        bind_error(L, MR_ERR_INVALID_REQUEST, "mr_db_undoable: the function of the step \"%s\" has failed", a->name);
    return 0;
}

static int undoable_body(lua_State *L) {
    change_args *a = lua_touserdata(L, 1);
    push_database(L, a->db, a->function);
    capi_push_session(L, a->db);
    capi_push_method(L, "begin");
    lua_pushlightuserdata(L, a);
    lua_pushcclosure(L, on_step, 1);
    lua_createtable(L, 0, 2);
    lua_pushstring(L, a->name);
    lua_setfield(L, -2, "undo");
    if (a->merge) {
        lua_pushstring(L, a->merge);
        lua_setfield(L, -2, "merge");
    }
    lua_call(L, 3, 0);
    return 0;
}

mr_result mr_db_undoable(lua_State *L, mr_db *db, const char *name, const char *merge, mr_step_fn fn, void *ud) {
    CAPI_NEEDS(L, CAPI_DB, db);
    change_args args = {.db = db, .function = __func__, .name = name, .merge = merge, .step = fn, .ud = ud};
    return capi_run(L, undoable_body, &args, 0, 0);
}

static int replay_body(lua_State *L) {
    change_args *a = lua_touserdata(L, 1);
    push_database(L, a->db, a->function);
    lua_getfield(L, -1, "history");
    capi_push_method(L, a->method);
    lua_call(L, 1, 1);
    a->none = lua_isnil(L, -1);
    size_t len;
    if (!a->none) a->name = capi_keep_text(L, &len);
    return 0;
}

static mr_result replay(lua_State *L, change_args *args, const char **name) {
    mr_result result = capi_run(L, replay_body, args, 0, 0);
    if (result == MR_RESULT_OK && args->none) return MR_RESULT_NONE;
    if (result == MR_RESULT_OK && name) *name = args->name;
    return result;
}

mr_result mr_db_undo(lua_State *L, mr_db *db, const char **name) {
    CAPI_NEEDS(L, CAPI_DB, db);
    change_args args = {.db = db, .function = __func__, .method = "undo"};
    return replay(L, &args, name);
}

mr_result mr_db_redo(lua_State *L, mr_db *db, const char **name) {
    CAPI_NEEDS(L, CAPI_DB, db);
    change_args args = {.db = db, .function = __func__, .method = "redo"};
    return replay(L, &args, name);
}
