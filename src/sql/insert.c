/*
 * insert.c: finds the values that an INSERT writes, and adds values to the rows of INSERT ... SELECT.
 *
 * Invariant: the added values do not change the rows that the SELECT returns, and do not refer to its tables.
 */
#include <moonrow/sql.h>

#include <string.h>

/* ---------------------------------------------------------------- the values of one row */

const mr_node *mr_sql_insert_value(const mr_dml *d, const mr_column *column) {
    for (uint32_t j = 0; d->columns && d->values && j < d->columns->n; j++) {
        const mr_node *value = d->values->child[0]->child[j];
        bool none = value->kind == MR_NODE_BIND && !value->name && value->u.value.kind == MR_NULL;
        if (d->columns->child[j]->u.column == column) return none ? NULL : value;
    }
    return NULL;
}

bool mr_sql_insert_conflicts_by_key(const mr_dml *d) {
    const mr_table *table = d->table->u.table;
    const mr_node *target = d->conflict_target;
    bool by_key = target && target->n == table->nprimary;
    for (uint32_t i = 0; by_key && i < target->n; i++)
        by_key = target->child[i]->kind == MR_NODE_COLUMN && target->child[i]->u.column->primary_key &&
                 mr_sql_insert_value(d, target->child[i]->u.column);
    return by_key;
}

/* ---------------------------------------------------------------- values added to a SELECT */

/* Finds a node that could refer to the tables of a surrounding SELECT. */
static bool find_reference(void *ud, const mr_node *node) {
    bool *found = ud;
    if (node->kind == MR_NODE_SELECT || node->kind == MR_NODE_COMPOUND || node->kind == MR_NODE_COLUMN) *found = true;
    return !*found;
}

/* May the values be columns of the SELECT itself? Not if they could refer to its tables. With DISTINCT, which compares
 * the rows, only if they are the same in each row. */
static bool accepts_columns(const mr_node *query, mr_node *const *values, size_t n) {
    if (query->kind != MR_NODE_SELECT || !query->u.select->columns) return false;
    bool found = false, constant = true;
    for (size_t i = 0; i < n; i++) {
        constant = constant && values[i]->kind == MR_NODE_BIND;
        mr_node_walk(values[i], find_reference, &found);
    }
    return !found && (constant || !query->u.select->distinct);
}

static bool has_label(const mr_node *list, const char *name) {
    for (uint32_t i = 0; i < list->n; i++)
        if (list->child[i]->kind == MR_NODE_LABEL && strcmp(list->child[i]->name, name) == 0) return true;
    return false;
}

/* Appends the value to the list, with a label that the list does not have. Consumes both. */
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

/* SELECT columns, values FROM ... */
static mr_node *select_beside(mr_env *env, const mr_node *query, mr_node *const *values, size_t n) {
    mr_select s = *query->u.select;
    mr_node *const parts[] = {s.from,  s.where,  s.group_by,    s.having,    s.order_by,
                              s.limit, s.offset, s.distinct_on, s.correlate, s.with};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) mr_node_retain(parts[i]);
    s.columns = append_all(env, mr_node_retain(s.columns), values, n);
    if (s.columns) return mr_sql_select(env, &s);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) mr_node_release(parts[i]);
    return NULL;
}

/* SELECT *, values FROM (query) */
static mr_node *select_around(mr_env *env, mr_node *query, mr_node *const *values, size_t n) {
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

mr_node *mr_sql_select_with_values(mr_env *env, mr_node *query, mr_node *const *values, size_t n) {
    return accepts_columns(query, values, n) ? select_beside(env, query, values, n)
                                             : select_around(env, query, values, n);
}
