/*
 * unique.c: result:unique(): of rows that are alike, the result gives the first one.
 *
 * Invariant: what was given is a tree of tables, with a level for each value of a row. A row is new if its last level
 * is made for it. Before the values stands the number of columns, because the form of the rows may be changed
 * meanwhile. Objects are alike if they are the same; dates, intervals and decimals if their texts are.
 */
#include "unique.h"

#include "value/proxy.h"
#include "value/row.h"

/* Stands before the text of a date or decimal, which is no text; and for nan, which is no key of a table. */
static const char by_text, nan_key;

/* Takes the key on top of the stack, and goes from the table at the index to its child, which it makes if there is
 * none. Was it made? */
static bool descend(lua_State *L, int node) {
    lua_pushvalue(L, -1);
    bool made = lua_rawget(L, node) != LUA_TTABLE;
    if (made) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, node);
    }
    lua_replace(L, node);
    lua_pop(L, 1);
    return made;
}

static void replace_by_mark(lua_State *L, const void *mark) {
    lua_pop(L, 1);
    lua_pushlightuserdata(L, (void *)(uintptr_t)mark);
}

/* Is the value on top one whose text says what it is? */
static bool is_by_text(lua_State *L) {
    if (lua_type(L, -1) != LUA_TUSERDATA || bind_test_entity(L, -1) || luaL_getmetafield(L, -1, "__eq") == LUA_TNIL)
        return false;
    lua_pop(L, 1);
    return true;
}

/* The same with a value of a row. */
static bool descend_by_value(lua_State *L, int node) {
    if (lua_isnil(L, -1)) {
        replace_by_mark(L, NULL);
    } else if (lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) != lua_tonumber(L, -1)) {
        replace_by_mark(L, &nan_key);
    } else if (is_by_text(L)) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&by_text);
        descend(L, node);
        luaL_tolstring(L, -1, NULL);
        lua_remove(L, -2);
    }
    return descend(L, node);
}

/* The same with each value of a row, or of a mapping, which has those columns that have a name. */
static bool descend_by_row(lua_State *L, int value, int names, bool mapping, int node) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, names);
    lua_pushinteger(L, n);
    bool made = descend(L, node);
    for (lua_Integer i = 1; i <= n; i++) {
        if (!mapping) bind_row_get(L, value, i);
        else if (lua_rawgeti(L, names, i) == LUA_TSTRING) lua_gettable(L, value);
        made = descend_by_value(L, node);
    }
    return made;
}

bool bind_unique_is_new(lua_State *L, bool mapping) {
    int names = lua_gettop(L), by = names - 1, node = names - 2, value = names - 3;
    luaL_checkstack(L, 8, "reading a result");
    if (!lua_isnil(L, by)) {
        lua_pushvalue(L, by);
        lua_pushvalue(L, value);
        lua_call(L, 1, 1);
        return descend_by_value(L, node);
    }
    if (!lua_isnil(L, names)) return descend_by_row(L, value, names, mapping, node);
    lua_pushboolean(L, true);
    descend(L, node);
    lua_pushvalue(L, value);
    return descend_by_value(L, node);
}
