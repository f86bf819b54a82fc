/*
 * expression.c: constructors of expressions other than operators.
 *
 * Invariant: each constructor consumes the nodes that it receives, also when it fails.
 */
#include <moonrow/sql.h>

#include "node.h"

#include <string.h>

mr_node *mr_sql_column(mr_env *env, const mr_column *column, mr_node *from, const void *annotation) {
    if (from && from->kind == MR_NODE_TABLE) { /* a plain table is not written as the column's FROM */
        mr_node_release(from);
        from = NULL;
    }
    /* The cast is safe: the column lives in the arena and is not really const. */
    const mr_type *type = column->type ? column->type : mr_column_type(env, (mr_column *)column);
    mr_node *node = mr_node_new(env, MR_NODE_COLUMN, MR_OP_NONE, type, &from, from ? 1 : 0);
    if (!node) return NULL;
    node->u.column = column;
    node->annotation = annotation;
    return node;
}

mr_node *mr_sql_column_in(mr_env *env, const mr_column *column, mr_node *from, const void *annotation, mr_node *whole) {
    if (!whole || !from || from == whole) {
        mr_node_release(whole);
        return mr_sql_column(env, column, from, annotation);
    }
    const mr_type *type = column->type ? column->type : mr_column_type(env, (mr_column *)column);
    mr_node *const parts[] = {from, whole};
    mr_node *node = mr_node_new(env, MR_NODE_COLUMN, MR_OP_NONE, type, parts, 2);
    if (!node) return NULL;
    node->n = 1;
    node->flags |= MR_NODE_PART;
    node->u.column = column;
    node->annotation = annotation;
    return node;
}

mr_node *mr_sql_named_column(mr_env *env, const mr_column *column) {
    mr_node *node = mr_sql_column(env, column, NULL, NULL);
    if (node) node->flags |= MR_NODE_NAME;
    return node;
}

mr_node *mr_sql_column_of(mr_env *env, const mr_column *column, const void *annotation, const void *reader) {
    mr_node *node = mr_sql_column(env, column, NULL, annotation);
    if (node) node->reader = reader; /* nobody else has the node yet */
    return node;
}

mr_node *mr_sql_bind(mr_env *env, const mr_type *type, const mr_value *value) {
    mr_node *node = mr_node_new(env, MR_NODE_BIND, MR_OP_NONE, type, NULL, 0);
    if (!node || mr_value_copy(env, &node->u.value, value) == MR_OK) return node;
    mr_node_release(node);
    return NULL;
}

mr_node *mr_sql_param(mr_env *env, const mr_type *type, const char *name) {
    return mr_node_named(mr_node_new(env, MR_NODE_BIND, MR_OP_NONE, type, NULL, 0), name);
}

mr_node *mr_sql_param_with_default(mr_env *env, const mr_type *type, const char *name, const mr_value *value) {
    mr_node *node = mr_node_named(mr_sql_bind(env, type, value), name);
    if (node) node->flags |= MR_NODE_DEFAULTED;
    return node;
}

mr_node *mr_sql_list_param(mr_env *env, const mr_type *type, const char *name) {
    mr_node *node = mr_sql_param(env, type, name);
    if (node) node->flags |= MR_NODE_EXPANDING;
    return node;
}

/* Fills list.spelled with all spellings of the values, in the order of the values. */
static mr_status spell_all(mr_env *env, mr_node *binds) {
    size_t n = binds->u.list.n;
    if (!mr_type_is_spelled(binds->type)) return MR_OK;
    mr_value *all = mr_alloc(env, n * MR_SPELLINGS * sizeof *all);
    if (!all) return MR_FAIL;
    binds->u.list.spelled = all;
    for (size_t i = 0; i < n; i++)
        binds->u.list.nspelled +=
            mr_type_spellings(binds->type, &binds->u.list.values[i], all + binds->u.list.nspelled);
    return MR_OK;
}

mr_node *mr_sql_binds(mr_env *env, const mr_type *type, const mr_value *values, size_t n) {
    if (n > MR_NODE_MAX_WEIGHT) {
        mr_fail(env, MR_ERR_ARGUMENT, "a list of %zu values is too long", n);
        return NULL;
    }
    mr_node *node = mr_node_new(env, MR_NODE_BINDS, MR_OP_NONE, type, NULL, 0);
    if (!node) return NULL;
    node->weight += (uint32_t)n;
    if (n == 0) return node;
    node->u.list.values = mr_alloc(env, n * sizeof *values);
    if (!node->u.list.values) goto fail;
    for (size_t i = 0; i < n; i++) {
        if (mr_value_copy(env, &node->u.list.values[i], &values[i]) != MR_OK) goto fail;
        node->u.list.n++;
    }
    node->u.list.can_be_whole = mr_list_can_be_whole(values, n);
    if (spell_all(env, node) == MR_OK) return node;
fail:
    mr_node_release(node);
    return NULL;
}

mr_node *mr_sql_raw(mr_env *env, const mr_type *type, const char *sql) {
    return mr_node_named(mr_node_new(env, MR_NODE_LITERAL_SQL, MR_OP_NONE, type, NULL, 0), sql);
}

mr_node *mr_sql_cast(mr_env *env, mr_node *x, const mr_type *type) {
    return mr_node_new(env, MR_NODE_CAST, MR_OP_NONE, type, &x, 1);
}

/* The type of a CASE: that of its first value with a known type (NULLs and untyped binds have none), or with a form of
 * storage, which the others get. */
static const mr_type *case_type(mr_node *const *items, size_t n) {
    const mr_type *type = NULL;
    for (size_t i = 0; i < n; i++) {
        bool value = i % 2 == 1 || (i == n - 1 && n % 2 == 1);
        if (value && items[i]) type = mr_type_beside(type, items[i]);
    }
    return type;
}

mr_node *mr_sql_case(mr_env *env, mr_node *const *pairs_and_else, size_t n) {
    if (n < 2 || n > MR_NODE_MAX_WEIGHT) {
        mr_nodes_release(pairs_and_else, n);
        mr_fail(env, MR_ERR_ARGUMENT, "case needs at least one {condition, value}");
        return NULL;
    }
    return mr_node_new(env, MR_NODE_CASE, MR_OP_NONE, case_type(pairs_and_else, n), pairs_and_else, (uint32_t)n);
}

mr_node *mr_sql_case_of(mr_env *env, mr_node *value, mr_node *const *pairs_and_else, size_t n) {
    mr_node **all = value && n <= MR_NODE_MAX_WEIGHT ? mr_alloc(env, (n + 1) * sizeof *all) : NULL;
    if (!all) {
        mr_node_release(value);
        mr_nodes_release(pairs_and_else, n);
        return NULL;
    }
    memcpy(all, pairs_and_else, n * sizeof *all);
    all[n] = value;
    mr_node *node = mr_node_new(env, MR_NODE_CASE, MR_OP_NONE, case_type(pairs_and_else, n), all, (uint32_t)n + 1);
    mr_free(env, all);
    if (node) node->flags |= MR_NODE_VALUED;
    return node;
}

mr_node *mr_sql_criterion(mr_env *env, mr_node *condition, const mr_value *made_of) {
    mr_node *node = mr_node_new(env, MR_NODE_CRITERION, MR_OP_NONE, mr_type_simple(MR_TYPE_BOOLEAN), &condition, 1);
    if (!node || mr_value_copy(env, &node->u.value, made_of) == MR_OK) return node;
    mr_node_release(node);
    return NULL;
}

mr_node *mr_sql_label(mr_env *env, const char *name, mr_node *x) {
    if (x && x->kind == MR_NODE_LABEL) { /* the new name replaces the old one */
        mr_node *inner = mr_node_retain(x->child[0]);
        mr_node_release(x);
        x = inner;
    }
    mr_node *node = mr_node_new(env, MR_NODE_LABEL, MR_OP_NONE, x ? x->type : NULL, &x, 1);
    if (node) node->annotation = x->annotation;
    return mr_node_named(node, name);
}

/* The type of a query's first column. */
static const mr_type *scalar_type(const mr_node *query) {
    while (query && query->kind == MR_NODE_COMPOUND) query = query->child[0];
    if (!mr_node_is(query, MR_NODE_SELECT)) return NULL;
    const mr_node *columns = query->u.select->columns;
    return columns && columns->n ? columns->child[0]->type : NULL;
}

mr_node *mr_sql_scalar(mr_env *env, mr_node *select) {
    if (select && select->kind == MR_NODE_SUBQUERY) return select;
    return mr_node_new(env, MR_NODE_SUBQUERY, MR_OP_NONE, scalar_type(select), &select, 1);
}

mr_node *mr_sql_exists(mr_env *env, mr_node *select) {
    if (select && select->kind == MR_NODE_SUBQUERY) {
        mr_node *inner = mr_node_retain(select->child[0]);
        mr_node_release(select);
        select = inner;
    }
    return mr_node_new(env, MR_NODE_EXISTS, MR_OP_NONE, mr_type_simple(MR_TYPE_BOOLEAN), &select, 1);
}

/* May the text be written into SQL without quotes? It must have only letters, digits, underscores and spaces. */
static bool is_words(const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ ";
    return *text && strspn(text, allowed) == strlen(text);
}

mr_node *mr_sql_extract(mr_env *env, const char *field, mr_node *x) {
    if (!is_words(field)) {
        mr_node_release(x);
        mr_fail(env, MR_ERR_ARGUMENT, "extract: '%s' is no field of a date", field);
        return NULL;
    }
    mr_node *node = mr_node_new(env, MR_NODE_EXTRACT, MR_OP_NONE, mr_type_simple(MR_TYPE_INTEGER), &x, 1);
    return mr_node_named(node, field);
}

mr_node *mr_sql_collate(mr_env *env, mr_node *x, const char *collation) {
    return mr_node_named(mr_node_new(env, MR_NODE_COLLATE, MR_OP_NONE, x ? x->type : NULL, &x, 1), collation);
}

/* The words of a frame, in which a distance may have a fraction. */
static bool is_frame(const char *text) {
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_ .";
    return *text && strspn(text, allowed) == strlen(text);
}

mr_node *mr_sql_over(mr_env *env, mr_node *func, mr_node *partition, mr_node *order, const char *frame) {
    mr_node *parts[3] = {func, partition, order};
    if (!func || (frame && !is_frame(frame))) {
        mr_nodes_release(parts, 3);
        if (func) mr_fail(env, MR_ERR_ARGUMENT, "over: '%s' is no window frame", frame);
        return NULL;
    }
    mr_node *node = mr_node_new_sparse(env, MR_NODE_OVER, MR_OP_NONE, func->type, parts, 3, 0, NULL);
    return frame ? mr_node_named(node, frame) : node;
}

mr_node *mr_sql_first_in_order(mr_env *env, mr_node *x, bool falling, mr_op nulls) {
    mr_node *of = mr_node_retain(x), *star = mr_sql_raw(env, NULL, "*"), *counted = mr_node_retain(x);
    mr_node *first = mr_sql_func(env, falling ? "max" : "min", x->type, &of, 1);
    if (nulls == MR_OP_NULLS_LAST) {
        mr_node_release(star);
        mr_node_release(counted);
        return first;
    }
    const mr_type *number = mr_type_simple(MR_TYPE_INTEGER);
    mr_node *rows = mr_sql_func(env, "count", number, &star, 1);
    mr_node *values = mr_sql_func(env, "count", number, &counted, 1);
    mr_node *pair[2] = {mr_sql_binary(env, MR_OP_EQ, rows, values), first};
    mr_node *node = mr_sql_case(env, pair, 2);
    if (node && nulls == MR_OP_NONE) node->op = falling ? MR_OP_DESC : MR_OP_ASC;
    return node;
}

mr_node *mr_sql_filter(mr_env *env, mr_node *aggregate, mr_node *condition) {
    mr_node *parts[2] = {aggregate, condition};
    return mr_node_new(env, MR_NODE_FILTER, MR_OP_NONE, aggregate ? aggregate->type : NULL, parts, 2);
}

/* An aggregate over an order (percentile_disc, mode) gives one of the values that it orders, unless its own type is
 * known. */
mr_node *mr_sql_within(mr_env *env, mr_node *aggregate, mr_node *order) {
    mr_node *parts[2] = {aggregate, order};
    const mr_type *type = aggregate ? aggregate->type : NULL;
    if (type && !mr_type_is_known(type) && order && order->n > 0) type = order->child[0]->type;
    return mr_node_new(env, MR_NODE_WITHIN, MR_OP_NONE, type, parts, 2);
}

mr_node *mr_sql_aggregate_order(mr_env *env, mr_node *aggregate, mr_node *order) {
    if (mr_node_is(aggregate, MR_NODE_FILTER)) {
        mr_node *call = mr_node_retain(aggregate->child[0]), *condition = mr_node_retain(aggregate->child[1]);
        mr_node_release(aggregate);
        return mr_sql_filter(env, mr_sql_aggregate_order(env, call, order), condition);
    }
    mr_node *parts[2] = {aggregate, order};
    mr_node *node = mr_node_new(env, MR_NODE_WITHIN, MR_OP_NONE, aggregate ? aggregate->type : NULL, parts, 2);
    if (node) node->flags |= MR_NODE_ENCLOSED;
    return node;
}

mr_node *mr_sql_tuple(mr_env *env, mr_node *const *items, size_t n) {
    if (n > MR_NODE_MAX_WEIGHT) {
        mr_nodes_release(items, n);
        mr_fail(env, MR_ERR_ARGUMENT, "a tuple of %zu values is too long", n);
        return NULL;
    }
    return mr_node_new(env, MR_NODE_TUPLE, MR_OP_NONE, NULL, items, (uint32_t)n);
}
