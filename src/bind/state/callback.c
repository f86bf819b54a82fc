/*
 * callback.c: Lua functions that the core calls, and Lua values that it keeps.
 *
 * Invariant: an error in a callback never passes through the core's frames: it is kept, and the core gets a status.
 */
#include "callback.h"

#include <string.h>

#include "error.h"

/* ---------------------------------------------------------------- callbacks */

/* Is the value Lua's message for a yield where C waits for the result? It does not say what the user did wrong. */
static bool is_yield(lua_State *L, int idx) {
    return lua_type(L, idx) == LUA_TSTRING &&
           strcmp(lua_tostring(L, idx), "attempt to yield across a C-call boundary") == 0;
}

/* Records the text of the last error that was kept. */
static int describe_body(lua_State *L) {
    const bind_state *b = lua_touserdata(L, 1);
    bind_peek_callback_error(L, b);
    if (is_yield(L, -1)) {
        mr_fail(
            b->env, MR_ERR_INVALID_REQUEST,
            "an event handler, a default, a validator, a type's conversion or an SQL function cannot yield: start a "
            "coroutine there, or note what is to be done and do it afterwards");
        return 0;
    }
    mr_fail(b->env, MR_ERR_CALLBACK, "%s", luaL_tolstring(L, -1, NULL));
    return 0;
}

/* body has no upvalues, so pushing it allocates nothing. */
mr_status bind_callback(mr_env *env, lua_CFunction body, void *data) {
    bind_state *b = mr_env_get(env, MR_ENV_BIND);
    lua_State *L = b->L;
    if (!L) return mr_fail(env, MR_ERR_INVALID_REQUEST, "a Lua function is called from outside of any Lua call");
    if (!lua_checkstack(L, 4)) return mr_nomem(env);
    int top = lua_gettop(L);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, data);
    int rc = lua_pcall(L, 1, 0, 0);
    b->L = L;
    if (rc == LUA_OK) return MR_OK;
    unsigned slot = bind_keep_callback_error(b, L);
    lua_settop(L, top);
    lua_pushcfunction(L, describe_body);
    lua_pushlightuserdata(L, b);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) mr_fail(env, MR_ERR_CALLBACK, "a Lua callback failed");
    if (mr_env_error(env)->kind == MR_ERR_CALLBACK) mr_error_add_orig(env, NULL, (int)slot);
    lua_settop(L, top);
    return MR_FAIL;
}

/* Records the callback's error with its own kind and message where it is an error object of the library; raises it
 * again otherwise. */
static int record_body(lua_State *L) {
    bind_state *b = lua_touserdata(L, 1);
    bind_push_callback_error(L, mr_env_error(b->env));
    if (lua_istable(L, -1) && lua_getmetatable(L, -1) && lua_getfield(L, -1, "__errkind") == LUA_TNUMBER &&
        lua_getfield(L, -3, "message") == LUA_TSTRING)
        mr_fail(b->env, (mr_errkind)lua_tointeger(L, -2), "%s", lua_tostring(L, -1));
    else {
        lua_settop(L, 2);
        lua_error(L);
    }
    return 0;
}

mr_status bind_callback_mistake(mr_env *env, lua_CFunction body, void *data) {
    if (bind_callback(env, body, data) == MR_OK) return MR_OK;
    if (mr_env_error(env)->kind == MR_ERR_CALLBACK) bind_callback(env, record_body, mr_env_get(env, MR_ENV_BIND));
    return MR_FAIL;
}

/* ---------------------------------------------------------------- references */

/* Arguments: the bind_ref, the value to keep. */
static int ref_body(lua_State *L) {
    bind_ref *r = lua_touserdata(L, 1);
    r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

bind_ref *bind_ref_new(lua_State *L, int idx) {
    bind_state *b = bind_of(L);
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "keeping a value");
    bind_ref *r = mr_alloc(b->env, sizeof *r);
    if (!r) bind_raise(L);
    *r = (bind_ref){1, LUA_NOREF, b};
    lua_pushcfunction(L, ref_body);
    lua_pushlightuserdata(L, r);
    lua_pushvalue(L, idx);
    int rc = lua_pcall(L, 2, 0, 0);
    if (rc == LUA_OK) return r;
    bind_ref_release(r); /* a debug hook may have raised after the value was kept */
    if (rc != LUA_ERRMEM) lua_error(L);
    mr_nomem(b->env);
    bind_raise(L);
    return NULL;
}

void bind_ref_release(bind_ref *r) {
    if (!r || --r->refs) return;
    bind_state *b = r->b;
    if (!b->closed) luaL_unref(b->main, LUA_REGISTRYINDEX, r->ref);
    mr_free(b->env, r);
}

void bind_ref_push(lua_State *L, const bind_ref *r) { lua_rawgeti(L, LUA_REGISTRYINDEX, r->ref); }

static void ref_close(void *ud) { bind_ref_release(ud); }

bind_ref *bind_ref_forever(lua_State *L, int idx) {
    bind_state *b = bind_of(L);
    bind_ref *r = bind_ref_new(L, idx);
    if (mr_env_on_close(b->env, ref_close, r) != MR_OK) {
        bind_ref_release(r);
        bind_raise(L);
    }
    return r;
}
