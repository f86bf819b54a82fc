/*
 * text.c: text:bindparams: values, or types, for the :name parameters of mr.text.
 *
 * Invariant: the SQL itself is never changed. A name that it does not contain raises: the value would be lost.
 */
#include <string.h>

#include "expression.h"

/* Replaces the text at index 1 by one with bind (consumed) as its parameter. */
static void set_param(lua_State *L, const char *name, mr_node *bind) {
    mr_node *text = mr_node_retain(bind_test_node(L, 1));
    bind_push_node(L, mr_sql_text_bind(bind_of(L)->env, text, name, bind));
    lua_replace(L, 1);
}

/* Sets the parameters that the table at idx names. */
static void set_params(lua_State *L, int idx) {
    mr_env *env = bind_of(L)->env;
    int key = lua_gettop(L) + 1;
    for (lua_pushnil(L); lua_next(L, idx); lua_settop(L, key)) {
        mr_value v;
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "bindparams", "values by name");
        const char *name = lua_tostring(L, -2), *what = lua_pushfstring(L, "bindparams: '%s'", name);
        const mr_node *param = bind_param_of(L, 1, name);
        const mr_type *type = param ? param->type : mr_type_simple(MR_TYPE_NULL);
        bind_read_param(L, key + 1, type, what, &v);
        if (!mr_type_is_known(type)) type = mr_type_natural((mr_kind)v.kind);
        set_param(L, name, mr_sql_bind(env, type, &v));
    }
}

/* bindparams{ name = value }, bindparams(mr.bindparam("name", type), ...) */
static int bindparams(lua_State *L) {
    const mr_node *text = bind_arg_node(L, 1, "bindparams");
    if (text->kind != MR_NODE_TEXT)
        return bind_error(L, MR_ERR_ARGUMENT, "bindparams is for mr.text: %s is another expression",
                          bind_push_what(L, text));
    int n = lua_gettop(L);
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "bindparams: expected values by name");
    luaL_checkstack(L, 8, "bindparams");
    for (int i = 2; i <= n; i++) {
        mr_node *param = bind_test_node(L, i);
        if (param && param->kind == MR_NODE_BIND && param->name) set_param(L, param->name, mr_node_retain(param));
        else if (bind_is_plain_table(L, i)) set_params(L, i);
        else return bind_type_error(L, i, "bindparams", "values by name, or mr.bindparam(name, type)");
    }
    lua_settop(L, 1);
    return 1;
}

void bind_open_text(lua_State *L) {
    static const luaL_Reg methods[] = {{"bindparams", bindparams}, {NULL, NULL}};
    bind_extend_type(L, BIND_EXPRESSION, methods, NULL);
}
