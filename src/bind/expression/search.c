/*
 * search.c: the methods that look into values: at (JSON), regexp_match, match.
 *
 * Invariant: a path's indexes count from 1, as Lua does; -1 is the last one.
 */
#include <string.h>

#include "expression.h"
#include "value/class.h"
#include "value/from.h"
#include "value/schema.h"

/* ---------------------------------------------------------------- JSON */

/* A key of JSON may be empty. */
static const char *arg_key(lua_State *L, int idx) {
    return lua_rawlen(L, idx) == 0 ? "" : bind_arg_name(L, idx, "at", "a key or an index");
}

/* x:at("key", 1, ...) */
static int expr_at(lua_State *L) {
    mr_node *x = bind_arg_node(L, 1, "at");
    int n = lua_gettop(L) - 1;
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "at: expected keys and indexes, as in at(\"tags\", 1)");
    luaL_checkstack(L, 8, "at");
    mr_json_step *steps = lua_newuserdatauv(L, (size_t)n * sizeof *steps, 0);
    for (int i = 0; i < n; i++) {
        lua_Integer at = lua_isinteger(L, i + 2) ? lua_tointeger(L, i + 2) : 0;
        steps[i] = (mr_json_step){NULL, at > 0 ? at - 1 : at};
        if (lua_type(L, i + 2) == LUA_TSTRING) steps[i].key = arg_key(L, i + 2);
        else if (!lua_isinteger(L, i + 2)) bind_type_error(L, i + 2, "at", "a key or an index");
        else if (at == 0) bind_error(L, MR_ERR_ARGUMENT, "at: items are counted from 1, as in Lua; -1 is the last one");
    }
    bind_push_node(L, mr_sql_json_at(x->env, mr_node_retain(x), steps, (size_t)n));
    return 1;
}

enum { AS_STRING, AS_INTEGER, AS_FLOAT, AS_BOOLEAN, AS_JSON };

static const mr_type *json_type(unsigned which) {
    switch (which) {
    case AS_STRING:
        return mr_type_simple(MR_TYPE_STRING);
    case AS_INTEGER:
        return mr_type_simple(MR_TYPE_INTEGER);
    case AS_FLOAT:
        return mr_type_simple(MR_TYPE_FLOAT);
    case AS_BOOLEAN:
        return mr_type_simple(MR_TYPE_BOOLEAN);
    default:
        return mr_type_simple(MR_TYPE_JSON);
    }
}

/* as_string, as_integer ...: flags says which. */
static int json_as(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    mr_node *x = bind_arg_node(L, 1, o->name);
    bind_refuse_more(L, 0, o->name, "");
    if (x->kind != MR_NODE_JSON_AT)
        return bind_error(L, MR_ERR_ARGUMENT, "%s is for a value in JSON, x:at(\"key\"):%s(): %s is none", o->name,
                          o->name, bind_push_what(L, x));
    bind_push_node(L, mr_sql_json_as(x->env, mr_node_retain(x), json_type(o->flags), false));
    return 1;
}

void bind_own_natural(lua_State *L, int idx, int value) {
    mr_node *x = bind_test_node(L, idx);
    mr_value v;
    if (!x || x->kind != MR_NODE_JSON_AT || mr_type_is_known(x->type) || bind_test_node(L, value)) return;
    const mr_type *type = lua_istable(L, value)               ? json_type(AS_JSON)
                          : bind_to_value(L, value, NULL, &v) ? mr_type_natural((mr_kind)v.kind)
                                                              : NULL;
    if (!type) return;
    bind_push_node(L, mr_sql_json_as(x->env, mr_node_retain(x), type, true));
    lua_replace(L, idx);
}

/* ---------------------------------------------------------------- regular expressions */

/* x:regexp_match(pattern, { flags = "i" }) */
static int expr_regexp(lua_State *L) {
    static const char *const names[] = {"flags", NULL};
    const char *function = "regexp_match";
    bind_refuse_more(L, 2, function, "");
    lua_settop(L, 3);
    mr_node *x = bind_arg_node(L, 1, function);
    if (!lua_isnil(L, 3) && !bind_is_plain_table(L, 3)) return bind_type_error(L, 3, function, "a table of options");
    int options = lua_isnil(L, 3) ? 0 : 3;
    bind_check_options(L, options, function, names);
    const char *flags = bind_option_string(L, options, function, "flags", NULL);
    mr_node *pattern = bind_to_operand(L, 2, mr_type_simple(MR_TYPE_STRING), bind_push_what(L, x));
    bind_push_node(L, mr_sql_regexp(x->env, mr_node_retain(x), pattern, flags));
    return 1;
}

/* ---------------------------------------------------------------- full text search */

/* x:match(words) */
static int expr_match(lua_State *L) {
    bind_refuse_more(L, 1, "match", "");
    lua_settop(L, 2);
    mr_node *x = bind_arg_node(L, 1, "match");
    mr_node *words = bind_to_operand(L, 2, mr_type_simple(MR_TYPE_STRING), bind_push_what(L, x));
    bind_push_node(L, mr_sql_binary(x->env, MR_OP_MATCH, mr_node_retain(x), words));
    return 1;
}

bool bind_own_searched(lua_State *L, int idx) {
    mr_env *env = bind_of(L)->env;
    const mr_mapper *mapper = bind_test_class(L, idx);
    const mr_table *table = mapper ? mapper->table : bind_test_table(L, idx);
    const bind_from *from = bind_test_from(L, idx);
    if (table) {
        bind_push_node(L, mr_sql_table(env, table));
    } else if (from && mr_from_table(from->node)) { /* an alias has a column of the table's name */
        const mr_column *whole =
            mr_stand_in_column(env, mr_from_table(from->node)->name, mr_type_simple(MR_TYPE_STRING));
        bind_push_node(L, whole ? mr_sql_column(env, whole, mr_node_retain(from->node), NULL) : NULL);
    } else {
        return false;
    }
    lua_replace(L, idx);
    return true;
}

/* mr.match(Doc, words): the whole of a table that is made for it. */
static int f_match(lua_State *L) {
    if (lua_gettop(L) != 2)
        return bind_error(L, MR_ERR_ARGUMENT, "match: expected a class, a table or a column, and what to search");
    if (!bind_test_node(L, 1) && !bind_own_searched(L, 1))
        return bind_type_error(L, 1, "match", "a class, an alias, a table or a column");
    return expr_match(L);
}

void bind_open_search(lua_State *L) {
    static const bind_operation types[] = {
        {"as_string", json_as, MR_OP_NONE, AS_STRING}, {"as_integer", json_as, MR_OP_NONE, AS_INTEGER},
        {"as_float", json_as, MR_OP_NONE, AS_FLOAT},   {"as_boolean", json_as, MR_OP_NONE, AS_BOOLEAN},
        {"as_json", json_as, MR_OP_NONE, AS_JSON},     {NULL, NULL, MR_OP_NONE, 0}};
    static const luaL_Reg methods[] = {
        {"at", expr_at}, {"regexp_match", expr_regexp}, {"match", expr_match}, {NULL, NULL}};
    bind_extend_type(L, BIND_EXPRESSION, methods, NULL);
    bind_push_methods(L, BIND_EXPRESSION);
    bind_set_operations(L, types);
    lua_pop(L, 1);
    lua_pushcfunction(L, f_match);
    lua_setfield(L, -2, "match");
}
