/*
 * using.c: sqlite_using, the option of a table that is a virtual one: "fts5", "fts5(title, tokenize = porter)" or
 * { "fts5", tokenize = "porter" }.
 *
 * Invariant: the same options give the same text, whatever the order in which Lua has them.
 */
#include <string.h>

#include "schema.h"

/* Pushes the smallest key of the table at idx that is greater than the string on top of the stack, or than none if that
 * is nil; false: there is none, and nothing is pushed. */
static bool push_next_name(lua_State *L, int idx) {
    int last = lua_gettop(L), best = last + 1;
    lua_pushnil(L);
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) != LUA_TSTRING || (!lua_isnil(L, last) && !lua_compare(L, last, -1, LUA_OPLT))) continue;
        if (!lua_isnil(L, best) && !lua_compare(L, -1, best, LUA_OPLT)) continue;
        lua_pushvalue(L, -1);
        lua_replace(L, best);
    }
    if (!lua_isnil(L, best)) return true;
    lua_pop(L, 1);
    return false;
}

static void add_option(lua_State *L, int idx, const char *what) {
    const char *name = lua_tostring(L, -1);
    lua_pushvalue(L, -1);
    lua_rawget(L, idx);
    if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER)
        bind_error(L, MR_ERR_ARGUMENT, "%s: the option '%s' of the module is a text or a number, not %s", what, name,
                   bind_describe(L, -1));
    luaL_gsub(L, lua_tostring(L, -1), "'", "''");
    lua_pushfstring(L, "%s = '%s'", name, lua_tostring(L, -1));
    lua_replace(L, -3);
    lua_pop(L, 1);
}

/* Pushes "content = 'post', tokenize = 'porter'", of the names among the keys of the table at idx; "" for none. */
static void push_options(lua_State *L, int idx, const char *what) {
    lua_pushliteral(L, "");
    int text = lua_gettop(L);
    lua_pushnil(L);
    while (push_next_name(L, idx)) {
        lua_remove(L, -2); /* the name before */
        lua_pushvalue(L, -1);
        add_option(L, idx, what);
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, text), lua_rawlen(L, text) ? ", " : "", lua_tostring(L, -1));
        lua_replace(L, text);
        lua_pop(L, 1);
    }
    lua_settop(L, text);
}

void bind_read_using(lua_State *L, const char *function, mr_table_options *options) {
    luaL_checkstack(L, 16, function);
    int value = lua_gettop(L);
    const char *what = lua_pushfstring(L, "%s: sqlite_using", function);
    bool is_table = bind_is_plain_table(L, value);
    if (is_table) lua_rawgeti(L, value, 1);
    else lua_pushvalue(L, value);
    const char *module = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    if (!*module || strlen(module) != lua_rawlen(L, -1))
        bind_type_error(L, -1, what, "the name of a module, \"fts5\", or { \"fts5\", tokenize = \"porter\" }");
    options->using_module = bind_intern(L, -1);
    if (is_table) {
        push_options(L, value, what);
        if (lua_rawlen(L, -1)) options->using_options = bind_intern(L, -1);
    }
    lua_settop(L, value);
}
