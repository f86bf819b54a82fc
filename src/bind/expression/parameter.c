/*
 * parameter.c: named parameters (mr.bindparam), and the lists that take the place of some of them.
 *
 * Invariant: a list is checked value by value, and becomes as many parameters; it is never text.
 */
#include "expression.h"

#include <ctype.h>
#include <string.h>

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
    if (!type) type = mr_type_natural((mr_kind)v.kind);
    return mr_sql_param_with_default(bind_of(L)->env, type, name, &v);
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

/* ---------------------------------------------------------------- lists */

bool bind_is_list_of_values(lua_State *L, int idx) {
    if (!bind_is_plain_table(L, idx)) return false;
    lua_pushnil(L);
    if (!lua_next(L, idx < 0 ? idx - 1 : idx)) return true; /* no value at all */
    lua_pop(L, 2);
    return lua_rawlen(L, idx) > 0;
}

mr_value *bind_read_list(lua_State *L, int idx, const char *what, size_t *n) {
    idx = lua_absindex(L, idx);
    *n = (size_t)lua_rawlen(L, idx);
    mr_value *values = lua_newuserdatauv(L, (*n + 1) * sizeof *values, 0);
    for (size_t i = 0; i < *n; i++) {
        if (lua_rawgeti(L, idx, (lua_Integer)i + 1) == LUA_TNIL)
            bind_error(L, MR_ERR_ARGUMENT, "%s: item %d of the list is nil (write mr.null)", what, (int)i + 1);
        if (!bind_to_value(L, -1, NULL, &values[i]) || values[i].kind == MR_OPAQUE)
            bind_no_value(L, -1, NULL, what, "a value", true);
        lua_pop(L, 1); /* the list keeps the string */
    }
    return values;
}

void bind_own_with_lists(lua_State *L, int node, int params) {
    bool any = false;
    if (!params) return;
    for (lua_pushnil(L); !any && lua_next(L, params); lua_pop(L, 1)) any = bind_is_plain_table(L, -1);
    if (!any) return;
    lua_settop(L, node);
    for (lua_pushnil(L); lua_next(L, params); lua_settop(L, node + 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !bind_is_list_of_values(L, -1)) continue;
        mr_named_list list = {.name = lua_tostring(L, -2)};
        const char *what = lua_pushfstring(L, "parameter '%s'", list.name);
        list.values = bind_read_list(L, node + 2, what, &list.n);
        mr_node *made = mr_node_retain(bind_test_node(L, node));
        bool found = false;
        bind_state *b = bind_of(L);
        BIND_CALL(b, L, (void)mr_sql_with_list(b->env, &made, 1, &list, &found));
        bind_push_node(L, made);
        lua_replace(L, node);
        /* It may be one value, of a type with functions of the program. */
        if (!found && !bind_of(L)->has_own) bind_no_value(L, node + 2, NULL, what, "a value", true);
    }
}

void bind_open_parameter(lua_State *L) {
    lua_pushcfunction(L, f_bindparam);
    lua_setfield(L, -2, "bindparam");
}
