/*
 * closing.c: the library's values after their finalizers have run, and after the library has closed.
 *
 * Invariant: no function accepts such a value as one of its former type; every use of it raises, and says
 * why. */
#include <string.h>

#include "type.h"

static const char gone_key = 0; /* registry: the metatable of values whose finalizer has run */
static const char ours_key = 0; /* in a metatable of ours that has no name in the registry: true */

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
    bool ours = lua_rawgetp(L, -1, &ours_key) == LUA_TBOOLEAN;
    lua_pop(L, 1);
    return ours;
}

void bind_mark_type(lua_State *L) {
    lua_pushboolean(L, 1);
    lua_rawsetp(L, -2, &ours_key);
}

static int refuse_types(lua_State *L) {
    for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1))
        if (is_ours(L)) refuse_all(L);
    return 0;
}

static void close_types(lua_State *L) {
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

/* The state is known by its place in the registry: somebody may call this by hand, with anything. */
int bind_close_library(lua_State *L) {
    bind_state *b = bind_peek(L);
    if (!b || b != lua_touserdata(L, 1)) return 0;
    close_types(L);
    bind_state_close(b, L);
    return 0;
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
