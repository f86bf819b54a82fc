/*
 * closing.c: the library's values after their finalizers have run, and after the library has closed.
 *
 * Invariant: no function accepts such a value as one of its former type; every use of it raises, and says
 * why. */
#include <string.h>

#include "class/class.h"
#include "value/proxy.h"

static const char gone_key = 0; /* registry: the metatable of values whose finalizer has run */

static int say_gone(lua_State *L) {
    (void)bind_of(L); /* raises if the library is closed, which says more */
    return bind_error(L, MR_ERR_INVALID_REQUEST,
                      "this value is gone: its finalizer has run; keep a reference to it outside of the finalizer");
}

/* Gives the metatable on top functions that raise, whatever it has. */
static void refuse_all(lua_State *L) {
    static const char *const events[] = {
        "__index", "__newindex", "__call", "__tostring", "__len",  "__concat", "__pairs", "__close", "__add",
        "__sub",   "__mul",      "__div",  "__mod",      "__idiv", "__pow",    "__unm",   "__band",  "__bor",
        "__bxor",  "__bnot",     "__shl",  "__shr",      "__lt",   "__le",     NULL};
    for (const char *const *event = events; *event; event++) {
        lua_pushcfunction(L, say_gone);
        lua_setfield(L, -2, *event);
    }
}

int bind_finalized(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &gone_key);
    lua_setmetatable(L, 1);
    return 0;
}

/* Is the registry's entry at key and value, the two on top, a metatable of ours? */
static bool is_ours(lua_State *L) {
    if (!lua_istable(L, -1)) return false;
    if (lua_type(L, -2) == LUA_TSTRING) return strncmp(lua_tostring(L, -2), "moonrow.", 8) == 0;
    if (!lua_islightuserdata(L, -2)) return false;
    if (lua_touserdata(L, -2) == &bind_class_meta_key) return true;
    bool of_objects = lua_rawgetp(L, -1, &bind_proxy_key) == LUA_TUSERDATA;
    lua_pop(L, 1);
    return of_objects;
}

static int refuse_types(lua_State *L) {
    for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1))
        if (is_ours(L)) refuse_all(L);
    return 0;
}

void bind_close_types(lua_State *L) {
    int top = lua_gettop(L);
    lua_pushcfunction(L, refuse_types);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_settop(L, top); /* without memory the messages say less */
    /* A type is found by its name in the registry: methods that the program has kept do not find it any more. Allocates
     * nothing. */
    for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1)) {
        if (!is_ours(L) || lua_type(L, -2) != LUA_TSTRING) continue;
        lua_pushvalue(L, -2);
        lua_pushnil(L);
        lua_rawset(L, LUA_REGISTRYINDEX);
    }
}

void bind_open_closing(lua_State *L) {
    lua_newtable(L);
    refuse_all(L);
    lua_pushliteral(L, "value that is gone");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "moonrow value that is gone");
    lua_setfield(L, -2, "__metatable");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &gone_key);
}
