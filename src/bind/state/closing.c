/*
 * closing.c: values whose finalizer has run, and all values after the library has closed.
 *
 * Invariant: such a value has lost its type, so no function accepts it; every use of it raises an error that says why.
 */
#include <string.h>

#include "type.h"

static const char gone_key = 0; /* registry: the metatable of values whose finalizer has run */
static const char ours_key = 0; /* in a metatable of the library that has no name in the registry: true */

static int say_gone(lua_State *L) {
    (void)bind_of(L); /* raises where the library is closed: a better message */
    return bind_error(L, MR_ERR_INVALID_REQUEST,
                      "this value is gone: its finalizer has run; keep a reference to it outside of the finalizer");
}

/* Replaces all functions of the metatable on top by one that raises. */
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

/* With a key and a value of the registry on top: is the value a metatable of the library? */
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
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) lua_settop(L, top); /* no memory: the messages are less clear */
    /* Methods that the program has kept look for their type by its name in the registry. Removing the name makes them
     * refuse every value. This allocates nothing. */
    for (lua_pushnil(L); lua_next(L, LUA_REGISTRYINDEX); lua_pop(L, 1)) {
        if (!is_ours(L) || lua_type(L, -2) != LUA_TSTRING) continue;
        lua_pushvalue(L, -2);
        lua_pushnil(L);
        lua_rawset(L, LUA_REGISTRYINDEX);
    }
}

/* The program may call this function by hand, with any value: only the state in the registry counts. */
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
