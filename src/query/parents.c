/*
 * parents.c: a query that gives each object in one row, although a join repeats it for each of its children: pages
 * count objects, not rows.
 *
 * Invariant: only a query of one class is changed, and only if it groups nothing itself. An order by what is joined is
 * that of the object's first row in this order.
 */
#include <moonrow/query.h>

/* May the query have several rows for one object? */
static bool may_repeat(const mr_query *q) {
    const mr_select *s = &q->clauses;
    if (q->nitems != 1 || !q->items[0].mapper || q->statement || q->united) return false;
    if (s->group_by || s->having || s->distinct || s->limit || s->offset) return false;
    if (s->from) return true;
    for (unsigned i = 0; i < q->njoins; i++) {
        const mr_property *along = q->joins[i].along;
        if (!along || along->relationship->direction != MR_MANY_TO_ONE) return true;
    }
    return false;
}

typedef struct lead {
    const mr_query_item *item;
    bool others; /* is there a column of something else? */
    bool any;    /* is there a column? */
} lead;

static bool look_at(void *ud, const mr_node *node) {
    lead *l = ud;
    if (node->kind != MR_NODE_COLUMN) return true;
    const mr_node *from = node->n > 0 ? node->child[0] : NULL;
    const mr_mapper *mapper = l->item->mapper;
    bool own = from == l->item->alias;
    if (own && !from) {
        own = false;
        for (const mr_mapper *m = mapper; m && !own; m = m->base) own = node->u.column->table == m->table;
    }
    l->any = true;
    if (!own) l->others = true;
    return true;
}

static bool is_direction(mr_op op) {
    return op == MR_OP_ASC || op == MR_OP_DESC || op == MR_OP_NULLS_FIRST || op == MR_OP_NULLS_LAST;
}

/* The item of ORDER BY for the object's first row. One reference. */
static mr_node *first_of(mr_env *env, const mr_query_item *item, mr_node *node, bool falling) {
    if (node->kind == MR_NODE_UNARY && is_direction((mr_op)node->op)) {
        mr_node *inner = first_of(env, item, node->child[0], falling || node->op == MR_OP_DESC);
        return inner ? mr_sql_unary(env, (mr_op)node->op, inner) : NULL;
    }
    lead l = {.item = item};
    mr_node_walk(node, look_at, &l);
    mr_node *expression = mr_node_retain(node);
    if (!l.any || !l.others) return expression;
    return mr_sql_func(env, falling ? "max" : "min", node->type, &expression, 1);
}

/* Replaces the query by the next one. */
static mr_status step(mr_query **q, mr_query *next) {
    mr_query_release(*q);
    *q = next;
    return next ? MR_OK : MR_FAIL;
}

static mr_status order(mr_query **q, const mr_query *given) {
    mr_node *list = given->clauses.order_by;
    if (!list) return MR_OK;
    if (step(q, mr_query_order_by(*q, NULL)) != MR_OK) return MR_FAIL;
    bool many = list->kind == MR_NODE_LIST && list->op == MR_OP_COMMA;
    for (uint32_t i = 0; i < (many ? list->n : 1); i++) {
        mr_node *item = first_of((*q)->env, &(*q)->items[0], many ? list->child[i] : list, false);
        if (!item || step(q, mr_query_order_by(*q, item)) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_query *mr_query_of_parents(mr_query *given) {
    mr_query *q = mr_query_retain(given);
    if (!may_repeat(given)) return q;
    const mr_query_item *item = &given->items[0];
    for (unsigned i = 0; i < item->mapper->npk && q; i++) {
        mr_node *key = mr_property_node(mr_mapper_at_slot(item->mapper, item->mapper->pk_slots[i]), item->alias);
        if (!key) {
            mr_query_release(q);
            return NULL;
        }
        (void)step(&q, mr_query_group_by(q, key));
    }
    if (!q || order(&q, given) == MR_OK) return q;
    mr_query_release(q);
    return NULL;
}
