/*
 * awaited.c: can only rows with one value of a column be in the result of a load? Then a live query waits for the
 * changes of those rows alone.
 *
 * Invariant: the answer is for the load's main statement, and it is yes only where that reads the table in one place,
 * and where the database compares the value as we do.
 */
#include "load_state.h"

typedef struct search {
    const mr_table *table;
    bool elsewhere; /* something else than columns of the table is read */
} search;

static bool visit(void *ud, const mr_node *node) {
    search *s = ud;
    switch (node->kind) {
    case MR_NODE_COLUMN:
        if (node->n > 0 || node->u.column->table != s->table) s->elsewhere = true;
        return false;
    case MR_NODE_SELECT:
    case MR_NODE_COMPOUND:
    case MR_NODE_TEXT:
    case MR_NODE_LITERAL_SQL:
        s->elsewhere = true;
        return false;
    default:
        return !s->elsewhere;
    }
}

static bool reads_only(const mr_table *table, const mr_node *node) {
    search s = {table, false};
    if (node) mr_node_walk(node, visit, &s);
    return !s.elsewhere;
}

static bool has_expressions(const mr_mapper *mapper) {
    for (size_t i = 0; i < mapper->props.len; i++)
        if (((const mr_property *)mr_vec_ptr(&mapper->props, i))->kind == MR_PROPERTY_EXPRESSION) return true;
    return false;
}

/* Is the query one of the rows of a table, with criteria and an order alone? */
static const mr_table *only_table(const mr_load *load) {
    const mr_query *q = load->main->query;
    if (!q || q->nitems != 1 || !q->items->mapper || q->items->alias || q->njoins || q->nparents) return NULL;
    const mr_mapper *mapper = q->items->mapper;
    const mr_select *c = &q->clauses;
    if (q->statement || q->united || c->from || c->group_by || c->having || c->with) return NULL;
    if (load->main->plan->nentities != 1 || mapper->nparts > 1 || has_expressions(mapper)) return NULL;
    if (load->ctx.criteria) return NULL;
    for (unsigned i = 0; i < q->noptions; i++)
        if (q->options[i].kind == MR_OPTION_CRITERIA) return NULL;
    return reads_only(mapper->table, c->where) && reads_only(mapper->table, c->order_by) ? mapper->table : NULL;
}

static const mr_value *value_of(const mr_run *run, const mr_node *bind) {
    if (!bind->name) return &bind->u.value;
    for (size_t i = 0; i < run->named.len; i++) {
        const mr_named_value *v = mr_vec_at(&run->named, i);
        if (v->name == bind->name) return &v->value;
    }
    return NULL;
}

/* Does the type store the value as it is? */
static bool is_plain(const mr_type *type, const mr_value *v) {
    const mr_type_rules *rules = type->rules;
    if (type->decorator || type->variants || type->forms || type->form || rules->spellings > 1) return false;
    if (v->kind == MR_INT) return mr_type_is_number(type) && rules->kind == MR_INT;
    return v->kind == MR_TEXT && mr_type_is_text(type) && rules->kind == MR_TEXT;
}

/* COLUMN = BIND, in either order. */
static bool is_equality(const mr_load *load, const mr_node *node, const mr_column **column, const mr_value **value) {
    if (node->kind != MR_NODE_BINARY || node->op != MR_OP_EQ) return false;
    const mr_node *a = node->child[0], *b = node->child[1];
    if (a->kind == MR_NODE_BIND) {
        a = node->child[1];
        b = node->child[0];
    }
    if (a->kind != MR_NODE_COLUMN || b->kind != MR_NODE_BIND) return false;
    *column = a->u.column;
    *value = value_of(load->main, b);
    return *value && is_plain(mr_column_type(load->env, (mr_column *)*column), *value);
}

static bool find_equality(const mr_load *load, const mr_node *node, const mr_column **column, const mr_value **value) {
    while (node && node->kind == MR_NODE_CRITERION) node = node->child[0];
    if (!node) return false;
    if (node->kind != MR_NODE_LIST || node->op != MR_OP_AND) return is_equality(load, node, column, value);
    for (uint32_t i = 0; i < node->n; i++)
        if (is_equality(load, node->child[i], column, value)) return true;
    return false;
}

mr_status mr_load_awaited(const mr_load *load, const mr_column **column, mr_value *value) {
    const mr_value *found;
    bool folds = true;
    mr_conn *conn;
    if (!only_table(load) || !find_equality(load, load->main->query->clauses.where, column, &found)) return MR_NOTFOUND;
    *value = *found;
    if (load->ctx.connection(load->ctx.ud, mr_query_lead(load->main->query), &conn) != MR_OK ||
        mr_conn_column_folds(conn, (mr_column *)*column, &folds) != MR_OK)
        return MR_FAIL;
    return folds ? MR_NOTFOUND : MR_OK;
}
