/*
 * compared.c: an expression some of whose methods are the program's, such as eq and like of a hybrid with a comparator.
 *
 * Invariant: where an expression is expected, it is taken as the expression that it is; only its own methods differ.
 */
#include "expression.h"

/* compared.name: the program's method, or else what the expression has. */
static int compared_index(lua_State *L) {
    mr_node *node = bind_arg_node(L, 1, "expression");
    lua_settop(L, 2);
    if (lua_getiuservalue(L, 1, 1) == LUA_TTABLE) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, 3) != LUA_TNIL) return 1;
    }
    lua_settop(L, 2);
    bind_push_node(L, mr_node_retain(node));
    lua_pushvalue(L, 2);
    lua_gettable(L, 3);
    return 1;
}

/* core.compared(expression, methods): the expression with these methods. */
static int core_compared(lua_State *L) {
    mr_node *node = bind_arg_node(L, 1, "comparator");
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    bind_push_compared(L, node);
    return 1;
}

/* core.label_of(expression, name): the expression under the name; nothing where the value is no expression. */
static int core_label_of(lua_State *L) {
    mr_node *node = bind_test_node(L, 1);
    if (!node) return 0;
    const char *name = luaL_checkstring(L, 2);
    mr_node *inner = node->kind == MR_NODE_LABEL ? node->child[0] : node;
    bind_push_node(L, mr_sql_label(bind_of(L)->env, name, mr_node_retain(inner)));
    return 1;
}

/* core.attribute_of(expression): the name of the attribute that it is; nothing where it is none. */
static int core_attribute_of(lua_State *L) {
    const mr_node *node = bind_test_node(L, 1);
    if (node && node->kind == MR_NODE_LABEL) node = node->child[0];
    const mr_property *prop = node && node->kind == MR_NODE_COLUMN ? node->annotation : NULL;
    if (!prop) return 0;
    lua_pushstring(L, prop->name);
    return 1;
}

void bind_open_compared(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"compared", core_compared}, {"label_of", core_label_of}, {"attribute_of", core_attribute_of}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_COMPARED);
    luaL_getmetatable(L, BIND_EXPRESSION);
    int own = lua_gettop(L) - 1;
    for (lua_pushnil(L); lua_next(L, own + 1); lua_pop(L, 1)) {
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, own);
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, compared_index);
    lua_setfield(L, own, "__index");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
