/*
 * parameter.c: named parameters (mr.bindparam), and the lists that take the place of some of them.
 *
 * Invariant: a list is checked value by value, and becomes as many parameters; it is never text.
 */
#include "expression.h"

#include <ctype.h>
#include <string.h>

#include "value/own_value.h"
#include "value/schema.h"

static bool is_name(const char *s) {
    if (!isalpha((unsigned char)*s) && *s != '_') return false;
    for (; *s; s++)
        if (!isalnum((unsigned char)*s) && *s != '_') return false;
    return true;
}

/* The default value at the top of the stack, as a parameter of the type (NULL: the value's own). */
static mr_node *with_default(lua_State *L, const char *name, const mr_type *type) {
    mr_value v;
    const char *what = lua_pushfstring(L, "bindparam: '%s'", name);
    if (type) bind_check_value(L, -2, type, what, &v);
    else if (!bind_to_value(L, -2, NULL, &v) || v.kind == MR_OPAQUE) bind_no_value(L, -2, NULL, what, "a value", true);
    mr_env *env = bind_of(L)->env;
    if (type) return mr_sql_param_with_default(env, type, name, &v);
    return bind_untyped(mr_sql_param_with_default(env, mr_type_natural((mr_kind)v.kind), name, &v));
}

/* bindparam(name), bindparam(name, type), and { type =, value =, expanding = } */
static int f_bindparam(lua_State *L) {
    static const char *const names[] = {"type", "value", "expanding", NULL};
    mr_env *env = bind_of(L)->env;
    int options;
    int n = bind_arguments(L, 1, &options);
    if (n < 1 || lua_type(L, 1) != LUA_TSTRING || !is_name(lua_tostring(L, 1)))
        return bind_type_error(L, 1, "bindparam", "a name");
    if (n > 2)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "bindparam: expected a name and a type, got %d arguments (a value for when none is given: "
                          "{ value = ... })",
                          n);
    bind_check_options(L, options, "bindparam", names);
    luaL_checkstack(L, 8, "bindparam");
    const char *name = lua_tostring(L, 1);
    const mr_type *type = n == 2 && !lua_isnil(L, 2) ? bind_arg_type(L, 2, "bindparam") : NULL;
    if (bind_option(L, options, "type") != LUA_TNIL) type = bind_arg_type(L, lua_gettop(L), "bindparam");
    bool list = bind_option_bool(L, options, "bindparam", "expanding", false);
    bool defaulted = bind_option(L, options, "value") != LUA_TNIL;
    if (list && defaulted)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "bindparam: a list (expanding) has no value of its own: give it by params{ %s = { ... } }",
                          name);
    const mr_type *known = type ? type : mr_type_simple(MR_TYPE_NULL);
    bind_push_node(L, defaulted ? with_default(L, name, type)
                      : list    ? mr_sql_list_param(env, known, name)
                                : mr_sql_param(env, known, name));
    return 1;
}

/* ---------------------------------------------------------------- values */

static bool is_json(const mr_type *type) { return type && !type->decorator && mr_type_is_json(type); }

void bind_read_param(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out) {
    bool table = lua_istable(L, idx);
    if (is_json(type) && (table || bind_is_null(L, idx))) {
        bind_check_value(L, idx, type, what, out);
        return;
    }
    bool known = table && type && mr_type_is_known(type);
    if (type && type->decorator && bind_wrap_table(L, idx, out)) return;
    if (bind_to_value(L, idx, NULL, out) && out->kind != MR_OPAQUE) return;
    bind_no_value(L, idx, known ? type : NULL, what, known ? mr_type_wants(type) : "a value", true);
}

/* ---------------------------------------------------------------- lists */

bool bind_is_list_of_values(lua_State *L, int idx) {
    if (!bind_is_plain_table(L, idx)) return false;
    lua_pushnil(L);
    if (!lua_next(L, idx < 0 ? idx - 1 : idx)) return true; /* no value at all */
    lua_pop(L, 2);
    return lua_rawlen(L, idx) > 0;
}

bool bind_takes_list(lua_State *L, int idx, const mr_node *param) {
    bool takes = param && (param->type->decorator || mr_type_is_json(param->type));
    bool whole = takes && !(param->flags & MR_NODE_EXPANDING);
    return !whole && bind_is_list_of_values(L, idx);
}

mr_value *bind_read_list(lua_State *L, int idx, const mr_type *type, const char *what, size_t *n) {
    idx = lua_absindex(L, idx);
    *n = (size_t)lua_rawlen(L, idx);
    mr_value *values = lua_newuserdatauv(L, (*n + 1) * sizeof *values, 1);
    int top = lua_gettop(L);
    lua_newtable(L); /* keeps what tables are replaced by; the list keeps its strings */
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, top, 1);
    for (size_t i = 0; i < *n; i++) {
        int kind = lua_rawgeti(L, idx, (lua_Integer)i + 1);
        if (kind == LUA_TNIL)
            bind_error(L, MR_ERR_ARGUMENT, "%s: item %d of the list is nil (write mr.null)", what, (int)i + 1);
        bind_read_param(L, -1, type, what, &values[i]);
        if (kind == LUA_TTABLE) lua_rawseti(L, top + 1, (lua_Integer)i + 1);
        else lua_pop(L, 1);
    }
    lua_settop(L, top);
    return values;
}

const mr_node *bind_param_of(lua_State *L, int node, const char *name) {
    bind_state *b = bind_of(L);
    mr_node *statement = bind_test_node(L, node);
    const mr_node *param;
    BIND_TRY(b, L, mr_sql_find_param(b->env, &statement, 1, name, &param));
    return param;
}

/* Puts the list at idx in place of the list parameters of the expression at node. False: it has none of the name. */
static bool own_list(lua_State *L, int node, const mr_node *param, const char *name, int idx) {
    mr_named_list list = {.name = name};
    const char *what = lua_pushfstring(L, "parameter '%s'", name);
    list.values = bind_read_list(L, idx, param ? param->type : NULL, what, &list.n);
    mr_node *made = mr_node_retain(bind_test_node(L, node));
    bool found = false;
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, (void)mr_sql_with_list(b->env, &made, 1, &list, &found));
    bind_push_node(L, made);
    lua_replace(L, node);
    return found;
}

void bind_own_with_lists(lua_State *L, int node, int params) {
    bool any = false;
    if (!params) return;
    for (lua_pushnil(L); !any && lua_next(L, params); lua_pop(L, 1)) any = bind_is_plain_table(L, -1);
    if (!any) return;
    lua_settop(L, node);
    for (lua_pushnil(L); lua_next(L, params); lua_settop(L, node + 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !bind_is_list_of_values(L, -1)) continue;
        const char *name = lua_tostring(L, -2);
        const mr_node *param = bind_param_of(L, node, name);
        const mr_type *type = param ? param->type : NULL;
        if (!bind_takes_list(L, -1, param) || own_list(L, node, param, name, node + 2)) continue;
        mr_value v;
        bind_read_param(L, node + 2, type, lua_pushfstring(L, "parameter '%s'", name), &v);
    }
}

void bind_open_parameter(lua_State *L) {
    lua_pushcfunction(L, f_bindparam);
    lua_setfield(L, -2, "bindparam");
}
