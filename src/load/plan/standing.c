/*
 * standing.c: a union that stands alone is written by itself, "SELECT ... UNION SELECT ... ORDER BY name", and not as a
 * subquery.
 *
 * Invariant: the columns of the result are the same, in the same order, either way. If a clause is about a row of the
 * union, a column is left out, or the order is more than columns of the union, it stays a subquery.
 */
#include "planner.h"

#include <string.h>

static const char *name_in(const mr_node *united, const mr_node *x) {
    return x->kind == MR_NODE_COLUMN && x->n > 0 && x->child[0] == united ? x->u.column->name : NULL;
}

/* Does the query give all columns of the union in their order? */
static bool gives_all(const mr_planner *p) {
    const mr_node *list = mr_query_columns(p->q->united);
    if (!list || p->secondary.len > 0 || p->primary.len != list->n) return false;
    for (uint32_t i = 0; i < list->n; i++) {
        const mr_planned_column *c = mr_vec_at(&p->primary, i);
        const char *name = name_in(p->q->united, c->node), *listed = mr_listed_name(list->child[i]);
        if (!name || !listed || strcmp(name, listed) != 0) return false;
    }
    return true;
}

static bool is_suffix(const mr_node *x) {
    return x->kind == MR_NODE_UNARY && x->op >= MR_OP_ASC && x->op <= MR_OP_NULLS_LAST;
}

static bool orders_by_names(const mr_planner *p, const mr_node *order) {
    for (uint32_t i = 0; order && i < order->n; i++) {
        const mr_node *x = order->child[i];
        while (is_suffix(x)) x = x->child[0];
        if (!name_in(p->q->united, x)) return false;
    }
    return true;
}

/* Does a bare name in the order mean one column only? If the first select reads several tables, SQLite may find the
 * name in two of them, and refuses it. */
static bool names_are_clear(const mr_node *all) {
    while (all->kind == MR_NODE_COMPOUND) all = all->child[0];
    const mr_node *from = all->kind == MR_NODE_SELECT ? all->u.select->from : NULL;
    return !from || (from->n == 1 && from->child[0]->kind != MR_NODE_JOIN);
}

/* The column's name alone, which is what may stand in the order of a compound. */
static mr_node *bare(void *ud, const mr_node *column) {
    const mr_planner *p = ud;
    return name_in(p->q->united, column) ? mr_sql_column(p->env, column->u.column, NULL, NULL) : NULL;
}

bool mr_standing_select(mr_planner *p, const mr_select *s, mr_node **out) {
    const mr_query *q = p->q;
    *out = NULL;
    if (!q->standing || q->njoins || s->where || s->group_by || s->having || s->distinct || s->distinct_on ||
        s->for_update || s->with || !s->from || s->from->n != 1 || s->from->child[0] != q->united)
        return false;
    const mr_node *all = q->united->child[0];
    if (all->kind != MR_NODE_COMPOUND || !gives_all(p) || !orders_by_names(p, s->order_by)) return false;
    if (s->order_by && !names_are_clear(all)) return false;
    mr_select clauses = {.limit = mr_node_retain(s->limit), .offset = mr_node_retain(s->offset)};
    clauses.order_by = s->order_by ? mr_node_replace(s->order_by, bare, p) : NULL;
    for (uint32_t i = 0; i < all->n; i++) mr_node_retain(all->child[i]);
    *out = mr_sql_compound(p->env, (mr_op)all->op, all->child, all->n, &clauses);
    return true;
}
