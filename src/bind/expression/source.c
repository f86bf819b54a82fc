/*
 * source.c: columns that are no attributes, mr.column, mr.literal_column; rows that are no table's, mr.values and
 * table_valued.
 *
 * Invariant: the text of literal_column is the program's own, and enters the SQL as it is written; a value never does.
 */
#include <string.h>
#include <strings.h>

#include "expression.h"
#include "value/from.h"
#include "value/schema.h"

/* The type at idx; the unknown type where there is none. */
static const mr_type *type_at(lua_State *L, int idx, const char *function) {
    return lua_isnoneornil(L, idx) ? mr_type_simple(MR_TYPE_NULL) : bind_arg_type(L, idx, function);
}

/* column(name), column(name, type) */
static int f_column(lua_State *L) {
    mr_env *env = bind_of(L)->env;
    bind_arg_name(L, 1, "column", "a column's name");
    if (lua_gettop(L) > 2)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "column: expected a name and a type, got %d arguments (a column of a class is declared by "
                          "db.Column)",
                          lua_gettop(L));
    const mr_column *column = mr_stand_in_column(env, bind_intern(L, 1), type_at(L, 2, "column"));
    bind_push_node(L, column ? mr_sql_column(env, column, NULL, NULL) : NULL);
    return 1;
}

/* literal_column(sql), literal_column(sql, type) */
static int f_literal_column(lua_State *L) {
    const char *sql = bind_arg_name(L, 1, "literal_column", "SQL as a string");
    if (lua_gettop(L) > 2)
        return bind_error(L, MR_ERR_ARGUMENT, "literal_column: expected SQL and a type, got %d arguments",
                          lua_gettop(L));
    bind_push_node(L, mr_sql_raw(bind_of(L)->env, type_at(L, 2, "literal_column"), sql));
    return 1;
}

/* ---------------------------------------------------------------- rows of values */

static mr_node *column_arg(lua_State *L, int idx, const char *function) {
    mr_node *x = bind_test_node(L, idx);
    if (!x || x->kind != MR_NODE_COLUMN || x->n > 0 || x->u.column->table)
        bind_type_error(L, idx, function, "a column such as mr.column(\"n\", mr.Integer)");
    return x;
}

/* Both would be read by their name: the second one would give the values of the first. SQLite does not tell capital
 * letters from small ones in names. */
static void refuse_twice(lua_State *L, const mr_node *columns, const char *function) {
    for (uint32_t i = 0; i < columns->n; i++)
        for (uint32_t k = 0; k < i; k++)
            if (strcasecmp(columns->child[i]->u.column->name, columns->child[k]->u.column->name) == 0)
                bind_error(L, MR_ERR_ARGUMENT, "%s: two columns have the name '%s'", function,
                           columns->child[i]->u.column->name);
}

/* Replaces the row at idx, a list, by its values as a tuple of the columns' types. number: for the message. */
static void own_row(lua_State *L, int idx, const mr_node *columns, int number) {
    int n = (int)columns->n;
    if (!bind_is_plain_table(L, idx)) bind_type_error(L, idx, "values", "a row as a list, such as { 1, \"a\" }");
    if (lua_rawlen(L, idx) != (size_t)n)
        bind_error(L, MR_ERR_ARGUMENT, "values: row %d has %d values for %d columns (NULL is written mr.null)", number,
                   (int)lua_rawlen(L, idx), n);
    bind_check_room(L, n + 8, "values");
    int first = lua_gettop(L) + 1;
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, idx, i + 1);
        bind_own_operand(L, -1, columns->child[i]->type, columns->child[i]->u.column->name);
    }
    mr_node **parts = bind_collect_nodes(L, first, n);
    bind_push_node(L, mr_sql_tuple(bind_of(L)->env, parts, (size_t)n));
    lua_replace(L, idx);
    lua_settop(L, first - 1);
}

/* values(columns, rows, { name = "v" }) */
static int f_values(lua_State *L) {
    static const char *const names[] = {"name", NULL};
    mr_env *env = bind_of(L)->env;
    if (lua_gettop(L) < 2 || lua_gettop(L) > 3 || !bind_is_plain_table(L, 1) || !bind_is_plain_table(L, 2))
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "values: expected a list of columns and a list of rows: values({ mr.column(\"n\", mr.Integer) }, "
            "{ { 1 }, { 2 } })");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3) && !bind_is_plain_table(L, 3)) return bind_type_error(L, 3, "values", "a table of options");
    int options = lua_isnil(L, 3) ? 0 : 3;
    bind_check_options(L, options, "values", names);
    const char *name = bind_option_string(L, options, "values", "name", NULL);
    int n = (int)lua_rawlen(L, 1), rows = (int)lua_rawlen(L, 2);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "values: expected at least one column");
    bind_check_room(L, n + 8, "values");
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, 1, i);
        column_arg(L, -1, "values");
    }
    bind_push_list(L, 4, n, "values");
    lua_replace(L, 4);
    lua_settop(L, 4);
    const mr_node *columns = bind_test_node(L, 4);
    refuse_twice(L, columns, "values");
    bind_check_room(L, rows + 8, "values");
    for (int i = 1; i <= rows; i++) {
        lua_rawgeti(L, 2, i);
        own_row(L, 4 + i, columns, i);
    }
    mr_node **tuples = bind_collect_nodes(L, 5, rows);
    bind_push_node(L, mr_sql_list(env, MR_OP_COMMA, tuples, (size_t)rows));
    bind_push_from(
        L, mr_sql_values(env, mr_node_retain(bind_test_node(L, 4)), mr_node_retain(bind_test_node(L, -1)), name), NULL);
    return 1;
}

/* ---------------------------------------------------------------- functions that give rows */

/* Replaces the column at idx, "name" or mr.column(name, type), by its expression. */
static void own_column(lua_State *L, int idx) {
    if (lua_type(L, idx) == LUA_TSTRING) {
        bind_arg_name(L, idx, "table_valued", "a column's name");
        const mr_column *column =
            mr_stand_in_column(bind_of(L)->env, bind_intern(L, idx), mr_type_simple(MR_TYPE_NULL));
        bind_push_node(L, column ? mr_sql_column(bind_of(L)->env, column, NULL, NULL) : NULL);
        lua_replace(L, idx);
    }
    column_arg(L, idx, "table_valued");
}

/* mr.func.json_each(x):table_valued("key", "value", { name = "j", with_ordinality = "n", derived = true }) */
static int table_valued(lua_State *L) {
    static const char *const names[] = {"name", "with_ordinality", "derived", NULL};
    mr_node *func = bind_arg_node(L, 1, "table_valued");
    int options;
    if (func->kind != MR_NODE_FUNC)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "table_valued is for the call of a function, such as mr.func.json_each(x): "
                          "%s is none",
                          bind_push_what(L, func));
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, "table_valued", names);
    const char *name = bind_option_string(L, options, "table_valued", "name", NULL);
    const char *number = bind_option_string(L, options, "table_valued", "with_ordinality", NULL);
    bool derived = bind_option_bool(L, options, "table_valued", "derived", false);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "table_valued: expected the columns that the function gives");
    lua_settop(L, n + 1);
    luaL_checkstack(L, 8, "table_valued");
    for (int i = 2; i <= n + 1; i++) own_column(L, i);
    if (number) {
        const mr_column *column =
            mr_stand_in_column(func->env, bind_intern_string(L, number), mr_type_simple(MR_TYPE_INTEGER));
        bind_push_node(L, column ? mr_sql_column(func->env, column, NULL, NULL) : NULL);
        n++;
    }
    bind_push_list(L, 2, n, "table_valued");
    refuse_twice(L, bind_test_node(L, -1), "table_valued");
    unsigned flags = (number ? MR_NODE_ORDINALITY : 0) | (derived || number ? MR_NODE_DERIVED : 0);
    bind_push_from(
        L, mr_sql_function_rows(func->env, mr_node_retain(func), mr_node_retain(bind_test_node(L, -1)), flags, name),
        NULL);
    return 1;
}

void bind_open_source(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"column", f_column}, {"literal_column", f_literal_column}, {"values", f_values}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"table_valued", table_valued}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    bind_extend_type(L, BIND_EXPRESSION, methods, NULL);
}
