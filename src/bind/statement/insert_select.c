/*
 * insert_select.c: INSERT ... SELECT with the defaults of the columns that it does not name.
 *
 * Invariant: a default is made when the statement runs, once for all rows, and becomes a column of the SELECT.
 */
#include "row_default.h"
#include "value/node.h"

const bind_statement *bind_push_insert_select(lua_State *L, const bind_statement *s, bool shown) {
    size_t named;
    int top = lua_gettop(L);
    bind_statement *copy = bind_push_statement_copy(L, s);
    mr_column **columns = bind_push_named_columns(L, s, &named);
    size_t n = bind_add_defaulted(s, columns, named);
    if (n == named) {
        lua_settop(L, top + 1);
        return copy;
    }
    if (s->dml.select->kind == MR_NODE_TEXT)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "from_select: the defaults of %s cannot be added to a select that is given as text: name the column "
                   "and select its value, or say include_defaults = false",
                   columns[named]->name);
    int first = lua_gettop(L) + 1;
    bind_check_room(L, (int)n + 8, "from_select");
    for (size_t i = named; i < n; i++) bind_push_row_default(L, s, columns[i], shown);
    mr_node **values = lua_newuserdatauv(L, (n - named) * sizeof *values, 0); /* borrowed from the stack */
    for (size_t i = 0; i < n - named; i++) values[i] = bind_test_node(L, first + (int)i);
    bind_push_column_list(L, columns, n);
    bind_statement_take(L, &copy->dml.columns);
    bind_push_node(L, mr_sql_select_with_values(bind_of(L)->env, s->dml.select, values, n - named));
    bind_statement_take(L, &copy->dml.select);
    lua_settop(L, top + 1);
    return copy;
}
