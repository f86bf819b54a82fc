/*
 * case.c: mr.case: CASE WHEN condition THEN value, and CASE x WHEN value THEN value.
 *
 * Invariant: CASE x WHEN finds what x = value finds: a value that the database compares otherwise (NULL, a date or
 * boolean in several spellings) is written as a condition.
 */
#include <string.h>

#include "expression.h"

static const char *const names[] = {"else_", "value", NULL};
static const char *const wanted = "{ {condition, value}, ..., else_ = value }";

/* Raises where more than one argument is given. */
static void refuse_more(lua_State *L) {
    if (lua_gettop(L) > 1)
        bind_error(L, MR_ERR_ARGUMENT, "case: expected %s alone, got the argument %s", wanted, bind_describe(L, 2));
}

static bool is_list_of_pairs(lua_State *L, int idx) {
    if (!bind_is_plain_table(L, idx)) return false;
    lua_rawgeti(L, idx, 1);
    bool found = bind_is_plain_table(L, -1);
    lua_pop(L, 1);
    return found;
}

/* case({ a = 1, b = 2 }, { value = x }): replaces the table at index 1 by the list of its pairs, in the order of the
 * keys, so that equal tables give equal SQL. */
static void own_pairs(lua_State *L) {
    int n = 0;
    lua_newtable(L);
    int list = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, 1); lua_settop(L, list + 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "case", "values by name, or a list of pairs");
        int at = n++;
        for (; at > 0; at--) { /* insertion: move the greater ones up */
            lua_rawgeti(L, list, at);
            lua_rawgeti(L, -1, 1);
            bool greater = lua_compare(L, list + 1, -1, LUA_OPLT);
            lua_pop(L, 1);
            if (!greater) break;
            lua_rawseti(L, list, at + 1);
        }
        lua_settop(L, list + 2);
        lua_createtable(L, 2, 0);
        lua_pushvalue(L, list + 1);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, list + 2);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, list, at + 1);
    }
    lua_replace(L, 1);
}

static bool has(lua_State *L, int options, const char *name) {
    bool found = bind_option(L, options, name) != LUA_TNIL;
    lua_pop(L, 1);
    return found;
}

/* Leaves two tables on the stack: at 1 the list of pairs, at 2 the options, which may be the same table. */
static void read_case(lua_State *L) {
    if (!bind_is_plain_table(L, 1)) bind_type_error(L, 1, "case", wanted);
    int n = lua_gettop(L), options = 0;
    bool second = n == 2 && bind_is_plain_table(L, 2) && lua_rawlen(L, 2) == 0;
    if (second && lua_rawlen(L, 1) == 0 && has(L, 2, "value")) {
        own_pairs(L);
    } else if (is_list_of_pairs(L, 1) || n == 1) {
        bool apart = second && !has(L, 1, "else_") && !has(L, 1, "value");
        if (!apart) refuse_more(L);
        if (!apart) lua_pushvalue(L, 1);
        bind_check_options(L, 1, "case", names);
    } else {
        n = bind_arguments(L, 1, &options);
        lua_createtable(L, n, 0);
        for (int i = 1; i <= n; i++) {
            lua_pushvalue(L, i);
            lua_rawseti(L, -2, i);
        }
        if (options) lua_pushvalue(L, options);
        else lua_newtable(L);
        lua_replace(L, 2);
        lua_replace(L, 1);
    }
    lua_settop(L, 2);
    bind_check_options(L, 2, "case", names);
}

/* Must x be compared by conditions: has the value NULL, or is x stored in several spellings? */
static bool needs_conditions(lua_State *L, const mr_node *x, int when) {
    return bind_is_null(L, when) || mr_type_is_spelled(x->type);
}

/* Replaces the value at `when`, which x is compared with, by its operand. */
static void own_when(lua_State *L, int when, const mr_node *x) {
    const char *what = bind_push_what(L, x);
    if (bind_is_null(L, when)) bind_push_node(L, mr_sql_raw(x->env, x->type, "NULL"));
    else bind_push_node(L, bind_to_operand(L, when, x->type, what));
    lua_replace(L, when);
    lua_pop(L, 1);
}

/* Replaces the operand at `when` by the condition that x is this. */
static void own_condition(lua_State *L, int when, mr_node *x) {
    mr_node *value = bind_test_node(L, when);
    bool null = value->kind == MR_NODE_LITERAL_SQL && strcmp(value->name, "NULL") == 0;
    bind_push_node(L, mr_sql_binary(x->env, null ? MR_OP_IS : MR_OP_EQ, mr_node_retain(x), mr_node_retain(value)));
    lua_replace(L, when);
}

/* case{ {condition, value}, ..., else_ = value }, case{ {a, value}, ..., value = x } */
static int f_case(lua_State *L) {
    read_case(L);
    int n = (int)lua_rawlen(L, 1), count = 0;
    bind_check_room(L, 2 * n + 10, "case");
    bool valued = bind_option(L, 2, "value") != LUA_TNIL, conditions = false;
    if (valued) bind_own_operand(L, 3, NULL, "case: value");
    mr_node *x = valued ? bind_test_node(L, 3) : NULL;
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        if (!bind_is_plain_table(L, -1) || lua_rawlen(L, -1) != 2)
            return bind_type_error(L, -1, "case", valued ? "{value, value}" : "{condition, value}");
        int pair = lua_gettop(L);
        lua_rawgeti(L, pair, 1);
        lua_rawgeti(L, pair, 2);
        if (x && needs_conditions(L, x, pair + 1)) conditions = true;
        if (x) own_when(L, pair + 1, x);
        else bind_arg_criterion(L, pair + 1, "case");
        lua_remove(L, pair);
        count += 2;
    }
    for (int i = 0; conditions && i < count; i += 2) own_condition(L, 4 + i, x);
    if (bind_option(L, 2, "else_") != LUA_TNIL) count++;
    const mr_type *own = bind_shared_type(L, 5, n, 2);
    if (!own && count % 2) own = bind_shared_type(L, 3 + count, 1, 1);
    for (int i = 0; i < n; i++) bind_shared_operand(L, 5 + 2 * i, own, "case");
    if (count % 2) bind_shared_operand(L, 3 + count, own, "case: else_");
    mr_env *env = bind_of(L)->env;
    mr_node **nodes = bind_collect_nodes(L, 4, count);
    bind_push_node(L, x && !conditions && n > 0 ? mr_sql_case_of(env, mr_node_retain(x), nodes, (size_t)count)
                                                : mr_sql_case(env, nodes, (size_t)count));
    return 1;
}

void bind_open_case(lua_State *L) {
    lua_pushcfunction(L, f_case);
    lua_setfield(L, -2, "case");
}
