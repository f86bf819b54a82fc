/*
 * type.c: the types of userdata: their metatables, and how a value is tested for one.
 *
 * Invariant: an unknown name on a value of the library raises with the nearest one; it never reads nil.
 */
#include "type.h"

#include <string.h>

#include "argument.h"

/* Upvalues of the index function. */
enum { METHODS = 1, GETTERS, SHOWN, META };

/* Words that other libraries give to a session's methods. */
static const bind_cure session_cures[] = {
    {"an object is read by session:get(Class, key) or session:query(Class):filter_by{ ... }:first()",
     {"find", "find_by", "load", "first", "one", "all", NULL}},
    {"criteria are given to session:query(Class):filter( ... )", {"filter", "filter_by", "where", "select", NULL}},
    {"objects are written by session:add(object), then session:commit()", {"save", "insert", "create", "store", NULL}},
    {"an attribute that is assigned is written by session:commit(); many rows: session:query(Class):update{ ... }",
     {"update", "set", NULL}},
    {"it is session:delete(object); expunge only takes it out of the session", {"remove", "destroy", NULL}},
    {NULL, {NULL}},
};

/* Asks the type's own function for the missing member, if it has one. nothing_near: no member has a similar name. */
static bool ask_missing(lua_State *L, bool nothing_near) {
    if (lua_type(L, 2) != LUA_TSTRING && !lua_isinteger(L, 2)) return false;
    if (luaL_getmetafield(L, 1, BIND_MISSING) == LUA_TNIL) return false;
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushboolean(L, nothing_near);
    lua_call(L, 3, 1);
    if (!lua_isnil(L, -1)) return true;
    lua_settop(L, 2);
    return false;
}

static int no_member(lua_State *L) {
    if (ask_missing(L, false)) return 1;
    const char *shown = lua_tostring(L, lua_upvalueindex(SHOWN));
    if (lua_type(L, 2) != LUA_TSTRING) {
        bool iterates = lua_getfield(L, lua_upvalueindex(METHODS), "iter") != LUA_TNIL;
        return bind_error(L, MR_ERR_ARGUMENT, "%s cannot be indexed by %s%s", shown, bind_describe(L, 2),
                          iterates ? ": use :all() or :iter()" : "");
    }
    const char *name = lua_tostring(L, 2);
    const char *cure = strcmp(shown, "Session") == 0 ? bind_cure_of(session_cures, name) : NULL;
    if (!cure) cure = bind_elsewhere(shown, name);
    if (cure) return bind_error(L, MR_ERR_ARGUMENT, "%s has no method '%s': %s", shown, name, cure);
    const char *near = bind_nearest_key(L, lua_upvalueindex(METHODS), name);
    if (!near) near = bind_nearest_key(L, lua_upvalueindex(GETTERS), name);
    if (!near && ask_missing(L, true)) return 1;
    return bind_error(L, MR_ERR_ARGUMENT, "%s has no method or field '%s'%s", shown, name, bind_hint(L, near));
}

/* The program has called the metatable's __index by hand, with a value of another type. */
static int no_value(lua_State *L) {
    lua_pushfstring(L, "a value of the type %s", lua_tostring(L, lua_upvalueindex(SHOWN)));
    return bind_type_error(L, 1, lua_tostring(L, 2), lua_tostring(L, -1));
}

static int type_index(lua_State *L) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(METHODS)) != LUA_TNIL) return 1; /* first of all: each call of a method */
    lua_settop(L, 2);
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(GETTERS)) != LUA_TNIL) {
            if (!lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(META))) return no_value(L);
            lua_pop(L, 1);
            lua_pushvalue(L, 1);
            lua_call(L, 1, 1);
            return 1;
        }
        lua_settop(L, 2);
    }
    return no_member(L);
}

static int type_newindex(lua_State *L) {
    const char *shown = lua_tostring(L, lua_upvalueindex(1));
    return bind_error(L, MR_ERR_ARGUMENT, "%s cannot be changed by assignment (to %s)", shown, bind_describe(L, 2));
}

static void push_functions(lua_State *L, const luaL_Reg *functions) {
    lua_newtable(L);
    if (functions) luaL_setfuncs(L, functions, 0);
}

void bind_type(lua_State *L, const char *name, const char *shown, const luaL_Reg *methods, const luaL_Reg *getters,
               const luaL_Reg *metamethods) {
    luaL_newmetatable(L, name);
    lua_pushstring(L, shown);
    lua_setfield(L, -2, "__name");
    push_functions(L, methods);
    push_functions(L, getters);
    lua_pushstring(L, shown);
    lua_pushvalue(L, -4);
    lua_pushcclosure(L, type_index, 4);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, shown);
    lua_pushcclosure(L, type_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushfstring(L, "moonrow %s", shown); /* a string, as printers of tables index what getmetatable gives */
    lua_setfield(L, -2, "__metatable");
    if (metamethods) luaL_setfuncs(L, metamethods, 0);
    lua_pop(L, 1);
}

static void push_table(lua_State *L, const char *name, int which) {
    luaL_getmetatable(L, name);
    lua_getfield(L, -1, "__index");
    lua_getupvalue(L, -1, which);
    lua_replace(L, -3);
    lua_pop(L, 1);
}

void bind_push_methods(lua_State *L, const char *name) { push_table(L, name, METHODS); }

void bind_push_getters(lua_State *L, const char *name) { push_table(L, name, GETTERS); }

void bind_extend_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *getters) {
    luaL_getmetatable(L, name);
    lua_getfield(L, -1, "__index");
    lua_getupvalue(L, -1, METHODS);
    if (methods) luaL_setfuncs(L, methods, 0);
    lua_getupvalue(L, -2, GETTERS);
    if (getters) luaL_setfuncs(L, getters, 0);
    lua_pop(L, 4);
}

void bind_set_type(lua_State *L, const char *type) {
    if (luaL_getmetatable(L, type) != LUA_TTABLE) (void)bind_of(L);
    lua_setmetatable(L, -2);
}

void *bind_test(lua_State *L, int idx, const char *type) {
    return lua_type(L, idx) == LUA_TUSERDATA ? luaL_testudata(L, idx, type) : NULL;
}

static bool has_method(lua_State *L, const char *type, const char *name) {
    int top = lua_gettop(L);
    bool has = luaL_getmetatable(L, type) == LUA_TTABLE && lua_getfield(L, -1, "__index") == LUA_TFUNCTION &&
               lua_getupvalue(L, -1, METHODS) && lua_istable(L, -1);
    if (has) {
        lua_pushstring(L, name);
        has = lua_rawget(L, -2) != LUA_TNIL;
    }
    lua_settop(L, top);
    return has;
}

void *bind_arg(lua_State *L, int idx, const char *type, const char *function) {
    void *p = bind_test(L, idx, type);
    if (p) return p;
    idx = lua_absindex(L, idx);
    luaL_getmetatable(L, type);
    const char *shown = type;
    if (lua_istable(L, -1)) {
        lua_getfield(L, -1, "__name");
        if (lua_isstring(L, -1)) shown = lua_tostring(L, -1);
    }
    const char *article = strchr("AEIOUaeiou", shown[0]) ? "an" : "a";
    const char *wanted = lua_pushfstring(L, "%s %s", article, shown);
    if (idx == 1 && has_method(L, type, function))
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %s (methods are called with a colon: value:%s(...))",
                   function, wanted, bind_describe(L, idx), function);
    bind_type_error(L, idx, function, wanted);
    return NULL;
}
