/*
 * source.c: FROM objects besides tables and queries: LATERAL, rows of values, and the rows that a function gives.
 *
 * Invariant: each is an ALIAS, whose columns are known by name.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

mr_node *mr_sql_lateral(mr_env *env, mr_node *select, const char *name) {
    mr_node *alias = mr_sql_alias(env, select, name);
    if (alias) alias->flags |= MR_NODE_LATERAL;
    return alias;
}

static mr_node *named(mr_env *env, mr_node *of, const char *name) {
    return mr_node_named(mr_node_new(env, MR_NODE_ALIAS, MR_OP_NONE, NULL, &of, 1), name ? name : "");
}

mr_node *mr_sql_values(mr_env *env, mr_node *columns, mr_node *rows, const char *name) {
    mr_node *parts[2] = {columns, rows};
    bool fits = columns && rows && rows->n > 0;
    for (uint32_t i = 0; fits && i < rows->n; i++) fits = rows->child[i]->n == columns->n;
    if (columns && rows && !fits) {
        mr_nodes_release(parts, 2);
        mr_fail(env, MR_ERR_ARGUMENT, "values: each row needs a value for each column, and there must be a row");
        return NULL;
    }
    return named(env, mr_node_new(env, MR_NODE_VALUES, MR_OP_NONE, NULL, parts, 2), name);
}

mr_node *mr_sql_function_rows(mr_env *env, mr_node *function, mr_node *columns, unsigned flags, const char *name) {
    mr_node *parts[2] = {function, columns};
    mr_node *node = mr_node_new(env, MR_NODE_ROWS, MR_OP_NONE, NULL, parts, 2);
    if (node) node->flags |= (uint16_t)flags;
    return named(env, node, name);
}

static bool find_column(void *ud, const mr_node *node) {
    bool *found = ud;
    if (node->kind == MR_NODE_COLUMN) *found = true;
    return !*found;
}

bool mr_from_depends(const mr_node *from) {
    bool found = false;
    if (from->kind != MR_NODE_ALIAS) return false;
    if (from->flags & MR_NODE_LATERAL) return true;
    if (from->child[0]->kind == MR_NODE_ROWS) mr_node_walk(from->child[0]->child[0], find_column, &found);
    return found;
}
