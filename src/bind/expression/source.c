/*
 * source.c: columns that are no attributes: mr.column, mr.literal_column.
 *
 * Invariant: the text of literal_column is the program's own, and enters the SQL as it is written; a value never does.
 */
#include <string.h>

#include "expression.h"
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

void bind_open_source(lua_State *L) {
    static const luaL_Reg functions[] = {{"column", f_column}, {"literal_column", f_literal_column}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
