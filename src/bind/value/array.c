/*
 * array.c: mr.array{ ... }: a table that is an array in JSON, also where it is empty.
 *
 * Invariant: an array has this metatable, as each that is read from JSON has: an array from which all items are taken
 * away stays one. Nothing else about it differs from other tables.
 */
#include "json.h"
#include "row.h"

static const char array_key = 0; /* registry: the metatable */

void bind_mark_array(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_setmetatable(L, -2);
}

bool bind_is_array(lua_State *L, int idx) {
    if (!lua_getmetatable(L, idx)) return false;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &array_key);
    bool marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return marked || bind_is_list(L, idx);
}

/* mr.array(), mr.array{ 1, 2 } */
static int array(lua_State *L) {
    int n = lua_gettop(L);
    (void)bind_of(L); /* raises where the library has closed */
    if (n == 0) lua_newtable(L);
    else if (n > 1 || !lua_istable(L, 1))
        return bind_error(L, MR_ERR_ARGUMENT, "array: expected one table, such as mr.array{ 1, 2 }, got %s%s",
                          bind_describe(L, 1), n > 1 ? " and more" : "");
    if (lua_getmetatable(L, 1)) {
        lua_pop(L, 1);
        if (bind_is_array(L, 1)) return 1;
        return bind_error(L, MR_ERR_ARGUMENT,
                          "array: the table has a metatable, which would be lost: copy its items "
                          "into a plain table");
    }
    bind_mark_array(L);
    return 1;
}

void bind_open_array(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "array");
    lua_setfield(L, -2, "__name");
    lua_rawsetp(L, LUA_REGISTRYINDEX, &array_key);
    lua_pushcfunction(L, array);
    lua_setfield(L, -2, "array");
}
