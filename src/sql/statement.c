/*
 * statement.c: constructors of FROM objects and of statements.
 *
 * Invariant: the clauses of a statement (u.select and u.dml) are the same pointers as its children, with one reference
 * for both. So code that visits children need not know the clauses.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

/* ---------------------------------------------------------------- FROM objects */

mr_node *mr_sql_table(mr_env *env, const mr_table *table) {
    mr_node *node = mr_node_new(env, MR_NODE_TABLE, MR_OP_NONE, NULL, NULL, 0);
    if (node) node->u.table = table;
    return node;
}

mr_node *mr_sql_alias(mr_env *env, mr_node *of, const char *name) {
    if (of && of->kind == MR_NODE_SUBQUERY) { /* the alias of a scalar subquery is the alias of its query */
        mr_node *query = mr_node_retain(of->child[0]);
        mr_node_release(of);
        of = query;
    }
    if (of && !mr_node_is_query(of) && of->kind != MR_NODE_TABLE && of->kind != MR_NODE_CTE &&
        of->kind != MR_NODE_TYPED_TEXT && of->kind != MR_NODE_VALUES && of->kind != MR_NODE_ROWS) {
        mr_node_release(of);
        mr_fail(env, MR_ERR_ARGUMENT, "alias: only a table, a query or a CTE can have an alias");
        return NULL;
    }
    return mr_node_named(mr_node_new(env, MR_NODE_ALIAS, MR_OP_NONE, NULL, &of, 1), name ? name : "");
}

mr_node *mr_sql_join(mr_env *env, mr_op kind, mr_node *left, mr_node *right, mr_node *on) {
    mr_node *parts[3] = {left, right, on};
    return mr_node_new(env, MR_NODE_JOIN, kind, NULL, parts, 3);
}

mr_node *mr_sql_cte(mr_env *env, mr_node *query, const char *name, unsigned flags) {
    mr_node *node = mr_node_new(env, MR_NODE_CTE, MR_OP_NONE, NULL, &query, 1);
    if (node) node->flags |= (uint16_t)flags;
    return mr_node_named(node, name ? name : "");
}

mr_node *mr_sql_typed_text(mr_env *env, mr_node *text, mr_node *columns, bool ordered) {
    mr_node *parts[2] = {text, columns};
    mr_node *node = mr_node_new(env, MR_NODE_TYPED_TEXT, MR_OP_NONE, NULL, parts, 2);
    if (node && !ordered) node->flags |= MR_NODE_NAME;
    return node;
}

/* ---------------------------------------------------------------- queries */

static void select_parts(const mr_select *s, mr_node **part) {
    part[MR_SELECT_COLUMNS] = s->columns;
    part[MR_SELECT_FROM] = s->from;
    part[MR_SELECT_WHERE] = s->where;
    part[MR_SELECT_GROUP_BY] = s->group_by;
    part[MR_SELECT_HAVING] = s->having;
    part[MR_SELECT_ORDER_BY] = s->order_by;
    part[MR_SELECT_LIMIT] = s->limit;
    part[MR_SELECT_OFFSET] = s->offset;
    part[MR_SELECT_DISTINCT_ON] = s->distinct_on;
    part[MR_SELECT_CORRELATE] = s->correlate;
    part[MR_SELECT_WITH] = s->with;
}

/* Is it a text that may stand behind FOR UPDATE, or in its place? */
static bool is_lock_mode(const char *mode) {
    static const char *const modes[] = {"NOWAIT",    "SKIP LOCKED",  "SHARE", "SHARE NOWAIT", "SHARE SKIP LOCKED",
                                        "KEY SHARE", "NO KEY UPDATE"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(mode, modes[i]) == 0) return true;
    return false;
}

mr_node *mr_sql_select(mr_env *env, const mr_select *clauses) {
    mr_node *parts[MR_SELECT_PARTS];
    void *extra;
    select_parts(clauses, parts);
    if (clauses->for_update_mode && !is_lock_mode(clauses->for_update_mode)) {
        mr_nodes_release(parts, MR_SELECT_PARTS);
        mr_fail(env, MR_ERR_ARGUMENT, "with_for_update: '%s' is no mode", clauses->for_update_mode);
        return NULL;
    }
    mr_node *node =
        mr_node_new_sparse(env, MR_NODE_SELECT, MR_OP_NONE, NULL, parts, MR_SELECT_PARTS, sizeof(mr_select), &extra);
    if (!node) return NULL;
    node->n = 0;
    node->u.select = extra;
    *node->u.select = *clauses;
    return node;
}

mr_node *mr_sql_compound(mr_env *env, mr_op op, mr_node *const *selects, size_t n,
                         const mr_select *order_limit_offset) {
    static const mr_select none;
    const mr_select *clauses = order_limit_offset ? order_limit_offset : &none;
    mr_node *tail[MR_SELECT_PARTS], *node = NULL, **parts = NULL;
    void *extra;
    bool complete = n > 0 && n <= MR_NODE_MAX_WEIGHT;
    select_parts(clauses, tail);
    if (!complete) mr_fail(env, MR_ERR_ARGUMENT, "a compound needs at least one query");
    for (size_t i = 0; complete && i < n; i++) complete = selects[i] != NULL;
    if (complete) parts = mr_alloc(env, (n + MR_SELECT_PARTS) * sizeof *parts);
    if (!parts) {
        mr_nodes_release(selects, n);
        mr_nodes_release(tail, MR_SELECT_PARTS);
        return NULL;
    }
    memcpy(parts, selects, n * sizeof *parts);
    memcpy(parts + n, tail, sizeof tail);
    node = mr_node_new_sparse(env, MR_NODE_COMPOUND, op, NULL, parts, (uint32_t)n + MR_SELECT_PARTS, sizeof(mr_select),
                              &extra);
    mr_free(env, parts);
    if (!node) return NULL;
    node->n = (uint32_t)n;
    node->u.select = extra;
    *node->u.select = *clauses;
    return node;
}

/* ---------------------------------------------------------------- DML */

static void dml_parts(const mr_dml *d, mr_node **part) {
    part[MR_DML_TABLE] = d->table;
    part[MR_DML_COLUMNS] = d->columns;
    part[MR_DML_VALUES] = d->values;
    part[MR_DML_SELECT] = d->select;
    part[MR_DML_WHERE] = d->where;
    part[MR_DML_RETURNING] = d->returning;
    part[MR_DML_CONFLICT_TARGET] = d->conflict_target;
    part[MR_DML_CONFLICT_INDEX_WHERE] = d->conflict_index_where;
    part[MR_DML_CONFLICT_COLUMNS] = d->conflict_columns;
    part[MR_DML_CONFLICT_VALUES] = d->conflict_values;
    part[MR_DML_CONFLICT_WHERE] = d->conflict_where;
    part[MR_DML_OTHERS] = d->others;
    part[MR_DML_WITH] = d->with;
}

/* Is there one value for each column? Also true when both are NULL. */
static bool are_paired(const mr_node *columns, const mr_node *values) {
    return columns && values ? columns->n == values->n : columns == values;
}

static mr_status check_dml(mr_env *env, mr_node_kind kind, const mr_dml *d) {
    if (!mr_node_is(d->table, MR_NODE_TABLE))
        return mr_fail(env, MR_ERR_ARGUMENT, "insert, update and delete are for tables");
    if (kind == MR_NODE_INSERT && d->values && !d->columns)
        return mr_fail(env, MR_ERR_ARGUMENT, "insert: values without columns");
    for (uint32_t i = 0; kind == MR_NODE_INSERT && d->values && i < d->values->n; i++)
        if (d->values->child[i]->kind != MR_NODE_TUPLE || d->values->child[i]->n != d->columns->n)
            return mr_fail(env, MR_ERR_ARGUMENT, "insert: row %u of the values does not fit the columns", i + 1);
    if (kind == MR_NODE_UPDATE && (!are_paired(d->columns, d->values) || !d->columns || d->columns->n == 0))
        return mr_fail(env, MR_ERR_ARGUMENT, "update: no values, or not one for each column");
    if (!are_paired(d->conflict_columns, d->conflict_values))
        return mr_fail(env, MR_ERR_ARGUMENT, "on_conflict_do_update: not one value for each column");
    return MR_OK;
}

/* Appends what the arguments of functions among the FROM objects name. */
static mr_status add_dependencies(mr_env *env, mr_vec *froms) {
    mr_status status = MR_OK;
    for (size_t i = 0; i < froms->len && status == MR_OK; i++) {
        const mr_node *from = mr_vec_ptr(froms, i);
        if (from->kind == MR_NODE_ALIAS && from->child[0]->kind == MR_NODE_ROWS)
            status = mr_node_froms(env, from->child[0]->child[0], froms);
    }
    return status;
}

/* Appends to *list those of the FROM objects that depend on others, or those that do not; *list: NULL is empty. */
static mr_status list_others(mr_env *env, const mr_dml *d, const mr_vec *froms, bool dependent, mr_node **list) {
    for (size_t i = 0; i < froms->len; i++) {
        mr_node *from = mr_vec_ptr(froms, i);
        bool own = from->kind == MR_NODE_TABLE && from->u.table == d->table->u.table;
        if (own || mr_from_depends(from) != dependent) continue;
        if (!(*list = mr_sql_list_append(env, *list, mr_node_retain(from)))) return MR_FAIL;
    }
    return MR_OK;
}

/* *out: the FROM objects, other than the statement's own table, that its criteria and values name; NULL: there are
 * none. Those that depend on others stand behind these. */
static mr_status find_using(mr_env *env, const mr_dml *d, mr_node **out) {
    mr_vec froms;
    mr_vec_init(&froms, env, sizeof(mr_node *));
    *out = NULL;
    mr_status status = d->where ? mr_node_froms(env, d->where, &froms) : MR_OK;
    for (uint32_t i = 0; status == MR_OK && d->values && i < d->values->n; i++)
        status = mr_node_froms(env, d->values->child[i], &froms);
    if (status == MR_OK) status = add_dependencies(env, &froms);
    if (status == MR_OK) status = list_others(env, d, &froms, false, out);
    if (status == MR_OK) status = list_others(env, d, &froms, true, out);
    for (size_t i = 0; i < froms.len; i++) mr_node_release(mr_vec_ptr(&froms, i));
    mr_vec_done(&froms);
    return status;
}

static mr_node *dml(mr_env *env, mr_node_kind kind, const mr_dml *given) {
    mr_node *parts[MR_DML_PARTS];
    void *extra;
    mr_dml copy = *given, *clauses = &copy;
    copy.others = NULL;
    bool failed = !given->table || check_dml(env, kind, given) != MR_OK;
    if (!failed && kind != MR_NODE_INSERT) failed = find_using(env, given, &copy.others) != MR_OK;
    dml_parts(clauses, parts);
    if (failed) {
        mr_nodes_release(parts, MR_DML_PARTS);
        return NULL;
    }
    mr_node *node = mr_node_new_sparse(env, kind, MR_OP_NONE, NULL, parts, MR_DML_PARTS, sizeof(mr_dml), &extra);
    if (!node) return NULL;
    node->n = 0;
    node->flags |= MR_NODE_WRITES;
    node->u.dml = extra;
    *node->u.dml = *clauses;
    return node;
}

mr_node *mr_sql_insert(mr_env *env, const mr_dml *clauses) { return dml(env, MR_NODE_INSERT, clauses); }

mr_node *mr_sql_update(mr_env *env, const mr_dml *clauses) { return dml(env, MR_NODE_UPDATE, clauses); }

mr_node *mr_sql_delete(mr_env *env, const mr_dml *clauses) { return dml(env, MR_NODE_DELETE, clauses); }
