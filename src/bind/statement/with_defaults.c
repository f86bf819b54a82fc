/*
 * with_defaults.c: an INSERT or UPDATE with the defaults of the columns that it does not name.
 *
 * Invariant: defaults are made when the statement runs, for each row, so a statement that runs twice makes them twice.
 * (SQLAlchemy: the same.)
 */
#include "expression/expression.h"
#include "row_default.h"
#include "schema/schema.h"
#include "value/node.h"

static mr_env *env_of(lua_State *L) { return bind_of(L)->env; }

/* Notes the column's value in the table at row, under the names of the attribute and of the column. */
static void note_value(lua_State *L, const bind_statement *s, int row, const mr_column *column, const mr_node *value) {
    const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, column) : NULL;
    if (value->kind == MR_NODE_BIND && !value->name) bind_push_value(L, &value->u.value);
    else bind_push_node(L, mr_node_retain((mr_node *)value));
    lua_pushvalue(L, -1);
    lua_setfield(L, row, column->name);
    if (prop) lua_setfield(L, row, prop->name);
    else lua_pop(L, 1);
}

/* Pushes n operands for the columns: the given values of the first `named`, then defaults. The function of a default is
 * told what the row has by then. */
static void push_operands(lua_State *L, const bind_statement *s, mr_column **columns, mr_node *const *values,
                          size_t named, size_t n, bool shown) {
    bind_check_room(L, (int)n + 8, "values");
    lua_createtable(L, 0, (int)n);
    int row = lua_gettop(L);
    for (size_t i = 0; i < n; i++) {
        if (i < named) {
            bind_push_node(L, mr_node_retain(values[i]));
        } else {
            bind_set_default_row(L, row);
            bind_push_row_default(L, s, columns[i], shown);
        }
        note_value(L, s, row, columns[i], bind_test_node(L, -1));
    }
    bind_set_default_row(L, 0);
    lua_remove(L, row);
}

/* Pushes the LIST of the UPDATE's values. */
static void push_update_values(lua_State *L, const bind_statement *s, mr_column **columns, size_t named, size_t n,
                               bool shown) {
    int top = lua_gettop(L);
    push_operands(L, s, columns, s->dml.values->child, named, n, shown);
    mr_node **nodes = bind_collect_nodes(L, top + 1, (int)n);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

/* Pushes the LIST of TUPLEs of the INSERT's rows; without values it has one row. */
static void push_insert_rows(lua_State *L, const bind_statement *s, mr_column **columns, size_t named, size_t n,
                             bool shown) {
    int top = lua_gettop(L), count = s->dml.values ? (int)s->dml.values->n : 1;
    bind_check_room(L, count + 8, "values");
    for (int i = 0; i < count; i++) {
        int at = lua_gettop(L);
        push_operands(L, s, columns, s->dml.values ? s->dml.values->child[i]->child : NULL, named, n, shown);
        mr_node **parts = bind_collect_nodes(L, at + 1, (int)n);
        bind_push_node(L, mr_sql_tuple(env_of(L), parts, n));
        lua_replace(L, at + 1);
        lua_settop(L, at + 1);
    }
    mr_node **tuples = bind_collect_nodes(L, top + 1, count);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, tuples, (size_t)count));
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

const bind_statement *bind_push_with_defaults(lua_State *L, const bind_statement *s, bool shown) {
    if (s->kind == MR_NODE_INSERT && s->dml.select && !s->bare) return bind_push_insert_select(L, s, shown);
    bind_statement *copy = bind_push_statement_copy(L, s);
    int top = lua_gettop(L);
    size_t named, n;
    if (s->kind == MR_NODE_DELETE || s->dml.select || (s->kind == MR_NODE_UPDATE && !s->dml.values)) return copy;
    mr_column **columns = bind_push_named_columns(L, s, &named);
    n = bind_add_defaulted(s, columns, named);
    if (n > named) {
        bind_push_column_list(L, columns, n);
        bind_statement_take(L, &copy->dml.columns);
        if (s->kind == MR_NODE_UPDATE) push_update_values(L, s, columns, named, n, shown);
        else push_insert_rows(L, s, columns, named, n, shown);
        bind_statement_take(L, &copy->dml.values);
    }
    lua_settop(L, top);
    return copy;
}
