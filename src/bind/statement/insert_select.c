/*
 * insert_select.c: what the rows of INSERT ... SELECT get from their columns' defaults.
 *
 * Invariant: a default is asked for when the statement runs, once for all rows, and becomes a column of the SELECT. It
 * never changes which rows that gives, nor sees its tables.
 */
#include <string.h>

#include "row_default.h"
#include "value/node.h"

static mr_env *env_of(lua_State *L) { return bind_of(L)->env; }

/* ---------------------------------------------------------------- the columns of the SELECT */

/* Finds what could be correlated with the tables of a SELECT that it is put into. */
static bool find_query(void *ud, const mr_node *node) {
    bool *found = ud;
    if (node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND || node->kind == MR_NODE_COLUMN) *found = true;
    return !*found;
}

/* May the values stand beside the SELECT's own columns? Rows that are compared with each other must not
 * differ by them. */
static bool takes_columns(const mr_node *query, mr_node *const *values, size_t n) {
    if (query->kind != MR_NODE_SELECT || !query->u.select->columns) return false;
    bool found = false, plain = true;
    for (size_t i = 0; i < n; i++) {
        plain = plain && values[i]->kind == MR_NODE_BIND;
        mr_node_walk(values[i], find_query, &found);
    }
    return !found && (plain || !query->u.select->distinct);
}

static bool has_label(const mr_node *list, const char *name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (list->child[i]->kind == MR_NODE_LABEL && strcmp(list->child[i]->name, name) == 0) return true;
    return false;
}

/* list and the value under a name of its own. Consumes both. */
static mr_node *append(mr_env *env, mr_node *list, mr_node *value) {
    const char *base = value->kind == MR_NODE_FUNC && value->name ? value->name : "anon", *name;
    size_t n = 0;
    do name = mr_intern_numbered(env, base, ++n);
    while (name && list && has_label(list, name));
    if (name) return mr_sql_list_append(env, list, mr_sql_label(env, name, value));
    mr_node_release(list);
    mr_node_release(value);
    return NULL;
}

static mr_node *append_all(mr_env *env, mr_node *list, mr_node *const *values, size_t n) {
    for (size_t i = 0; i < n && list; i++) list = append(env, list, mr_node_retain(values[i]));
    return list;
}

static mr_node *beside(mr_env *env, const mr_node *query, mr_node *const *values, size_t n) {
    mr_select s = *query->u.select;
    mr_node *const parts[] = {s.from,  s.where,  s.group_by,    s.having,   s.order_by,
                              s.limit, s.offset, s.distinct_on, s.correlate};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) mr_node_retain(parts[i]);
    s.columns = append_all(env, mr_node_retain(s.columns), values, n);
    if (s.columns) return mr_sql_select(env, &s);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) mr_node_release(parts[i]);
    return NULL;
}

/* SELECT *, values FROM (query) */
static mr_node *around(mr_env *env, mr_node *query, mr_node *const *values, size_t n) {
    mr_select s = {0};
    mr_node *from = mr_sql_alias(env, mr_node_retain(query), NULL);
    s.from = mr_sql_list(env, MR_OP_COMMA, &from, 1);
    mr_node *all = mr_sql_raw(env, mr_type_simple(MR_TYPE_NULL), "*");
    s.columns = append_all(env, mr_sql_list(env, MR_OP_COMMA, &all, 1), values, n);
    if (s.from && s.columns) return mr_sql_select(env, &s);
    mr_node_release(s.from);
    mr_node_release(s.columns);
    return NULL;
}

/* ---------------------------------------------------------------- the statement */

static mr_column **named_columns(lua_State *L, const bind_statement *s, size_t *n) {
    const mr_node *list = s->dml.columns;
    const mr_table *table = s->dml.table->u.table;
    *n = list ? list->n : 0;
    mr_column **columns = lua_newuserdatauv(L, (*n + table->ncolumns + (size_t)1) * sizeof *columns, 0);
    for (size_t i = 0; i < *n; i++) columns[i] = (mr_column *)list->child[i]->u.column;
    return columns;
}

const bind_statement *bind_push_selecting(lua_State *L, const bind_statement *s, bool shown) {
    size_t named;
    int top = lua_gettop(L);
    bind_statement *copy = bind_push_statement_copy(L, s);
    mr_column **columns = named_columns(L, s, &named);
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
    mr_node *select = takes_columns(s->dml.select, values, n - named)
                          ? beside(env_of(L), s->dml.select, values, n - named)
                          : around(env_of(L), s->dml.select, values, n - named);
    bind_push_node(L, select);
    bind_statement_take(L, &copy->dml.select);
    lua_settop(L, top + 1);
    return copy;
}
