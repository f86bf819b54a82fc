/*
 * wrap.c: makes a query with a limit (or DISTINCT, GROUP BY) a subquery, and joins collections to that, so that the
 * limit counts parents.
 *
 * Invariant: the subquery selects all columns that the outer statement names: those of the join conditions, and the
 * expressions of the order.
 */
#include "planner.h"

/* The x in "x ASC NULLS LAST". */
static mr_node *ordered_expression(mr_node *item) {
    while (item->kind == MR_NODE_UNARY && item->op >= MR_OP_ASC && item->op <= MR_OP_NULLS_LAST) item = item->child[0];
    return item;
}

static mr_status need_order(mr_planner *p, mr_node *x, uint16_t *out) {
    const char *given = NULL;
    *out = MR_PLAN_NONE;
    if (x->kind == MR_NODE_TEXT || x->kind == MR_NODE_LITERAL_SQL) return MR_OK;
    if (x->kind == MR_NODE_LABEL) {
        given = x->name;
        for (size_t i = 0; i < p->primary.len; i++) {
            if (((mr_planned_column *)mr_vec_at(&p->primary, i))->given != given) continue;
            *out = (uint16_t)i;
            return MR_OK;
        }
        x = x->child[0];
    }
    mr_node *adapted = NULL;
    if (mr_united_translate(p, mr_node_retain(x), &adapted) != MR_OK) return MR_FAIL;
    return mr_columns_add(p, false, adapted, given, true, out);
}

mr_status mr_wrap_columns(mr_planner *p) {
    const mr_node *order = p->q->clauses.order_by;
    for (uint32_t i = 0; order && i < order->n; i++) {
        uint16_t *place = mr_vec_push(&p->order);
        uint16_t column;
        if (!place || need_order(p, ordered_expression(order->child[i]), &column) != MR_OK) return MR_FAIL;
        *place = column;
    }
    return mr_eager_columns(p);
}

mr_node *mr_wrapped_column(mr_planner *p, uint16_t column) {
    const mr_planned_column *c = mr_vec_at(&p->primary, column);
    const mr_column *stand_in = mr_stand_in_column(p->env, c->label, c->node->type);
    return stand_in ? mr_sql_column(p->env, stand_in, mr_node_retain(p->wrapper), NULL) : NULL;
}

typedef struct wrapping {
    mr_planner *p;
    bool failed;
} wrapping;

static mr_node *wrap_column(void *ud, const mr_node *node) {
    wrapping *w = ud;
    for (size_t i = 0; i < w->p->primary.len; i++) {
        const mr_node *x = ((mr_planned_column *)mr_vec_at(&w->p->primary, i))->node;
        if (x->kind != MR_NODE_COLUMN || x->u.column != node->u.column || x->n != node->n) continue;
        if (x->n > 0 && x->child[0] != node->child[0]) continue;
        mr_node *made = mr_wrapped_column(w->p, (uint16_t)i);
        if (!made) w->failed = true;
        return made;
    }
    return NULL;
}

mr_node *mr_wrapped(mr_planner *p, mr_node *node) {
    wrapping w = {p, false};
    mr_node *made = mr_node_replace(node, wrap_column, &w);
    mr_node_release(node);
    if (!w.failed) return made;
    mr_node_release(made);
    return NULL;
}

/* The same item of ORDER BY with another expression, which is consumed. */
static mr_node *reordered(mr_planner *p, const mr_node *item, mr_node *x) {
    if (item->kind != MR_NODE_UNARY || item->op < MR_OP_ASC || item->op > MR_OP_NULLS_LAST) return x;
    return mr_sql_unary(p->env, (mr_op)item->op, reordered(p, item->child[0], x));
}

mr_status mr_wrapped_order(mr_planner *p, mr_node **out) {
    const mr_node *order = p->q->clauses.order_by;
    *out = NULL;
    for (uint32_t i = 0; order && i < order->n; i++) {
        uint16_t column = *(uint16_t *)mr_vec_at(&p->order, i);
        mr_node *item = column == MR_PLAN_NONE ? mr_node_retain(order->child[i])
                                               : reordered(p, order->child[i], mr_wrapped_column(p, column));
        *out = mr_sql_list_append(p->env, *out, item);
        if (!*out) return MR_FAIL;
    }
    return MR_OK;
}
