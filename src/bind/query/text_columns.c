/*
 * text_columns.c: text:columns: a text as a select whose columns are known.
 *
 * Invariant: columns that are given in an order are those of the text in this order, whatever it calls them; columns
 * that are given by name are found by their names.
 */
#include <string.h>

#include "query.h"
#include "value/schema.h"

/* Replaces the table { name = type, ... } at idx by columns in the order of their names, on top. Returns how many. */
static int push_named(lua_State *L, int idx) {
    int n = 0, first = lua_gettop(L) + 1;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) n++;
    bind_check_room(L, n + 8, "columns");
    for (lua_pushnil(L); lua_next(L, idx);) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "columns", "columns, or types by name");
        const char *name = bind_intern(L, -2);
        const mr_column *column = mr_stand_in_column(bind_of(L)->env, name, bind_arg_type(L, lua_gettop(L), "columns"));
        bind_push_node(L, column ? mr_sql_column(bind_of(L)->env, column, NULL, NULL) : NULL);
        int at = lua_gettop(L); /* key, type, column: the column goes among those below the key */
        lua_replace(L, at - 1);
        int place = at - 2;
        while (place > first && strcmp(bind_test_node(L, place - 1)->u.column->name, name) > 0) place--;
        lua_pushvalue(L, -1);
        lua_insert(L, place);
        lua_pop(L, 1);
    }
    return n;
}

/* text:columns(User.id, mr.column("n", mr.Integer)), text:columns{ id = mr.Integer } */
static int text_columns(lua_State *L) {
    const mr_node *text = bind_arg_node(L, 1, "columns");
    mr_env *env = text->env;
    if (text->kind != MR_NODE_TEXT)
        return bind_error(L, MR_ERR_ARGUMENT, "columns is for mr.text: %s is another expression",
                          bind_push_what(L, text));
    int options;
    int n = bind_arguments(L, 2, &options), first = 2;
    bool named = n == 0 && options;
    if (named) {
        first = lua_gettop(L) + 1;
        n = push_named(L, options);
    } else if (options) {
        return bind_error(L, MR_ERR_ARGUMENT, "columns: give columns in their order, or types by name, not both");
    }
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "columns: expected columns, or types by name");
    for (int i = 0; i < n; i++) {
        mr_node *x = bind_test_node(L, first + i);
        if (!x || x->kind != MR_NODE_COLUMN)
            return bind_type_error(L, first + i, "columns", "a column such as User.id or mr.column(\"n\", mr.Integer)");
    }
    bind_push_list(L, first, n, "columns");
    mr_node *list = bind_test_node(L, -1);
    unsigned count;
    mr_query_item *items = bind_read_items(L, first, n, "columns", &count);
    bind_retain_items(items, count);
    bind_push_query(L, mr_query_new(env, items, count, true), 0, BIND_SELECT);
    mr_node *statement = mr_sql_typed_text(env, mr_node_retain(bind_test_node(L, 1)), mr_node_retain(list), !named);
    bind_push_query(L, mr_query_from_statement(bind_test_query(L, -1), statement), 0, BIND_SELECT);
    return 1;
}

void bind_open_text_columns(lua_State *L) {
    static const luaL_Reg methods[] = {{"columns", text_columns}, {NULL, NULL}};
    bind_extend_type(L, BIND_EXPRESSION, methods, NULL);
}
