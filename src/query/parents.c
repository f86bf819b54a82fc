/*
 * parents.c: a query that gives each object in one row, although a join repeats it for each of its children: pages
 * count objects, not rows.
 *
 * Invariant: only a query of one class is changed, and only if it groups nothing itself. An order by what is joined is
 * that of the object's first row in this order.
 */
#include <moonrow/query.h>

/* ---------------------------------------------------------------- what can have pages */

/* The relationship that contains_eager fills, if that is a list; or NULL. */
static const mr_property *filled_list(const mr_query *q, const mr_option *o) {
    const mr_mapper *mapper = o->mapper ? o->mapper : q->nitems ? q->items[0].mapper : NULL;
    const mr_property *prop = NULL;
    if (o->kind != MR_OPTION_CONTAINS_EAGER) return NULL;
    for (unsigned i = 0; i < o->nsteps; i++) {
        const mr_option_step *step = &o->steps[i];
        prop = step->prop ? step->prop : mapper ? mr_mapper_property(mapper, step->name, false) : NULL;
        if (!prop || !prop->relationship) return NULL; /* planning tells what is wrong */
        mapper = step->of_type ? step->of_type : prop->relationship->target;
    }
    return prop && prop->relationship->uselist == 1 ? prop : NULL;
}

/* A page takes some rows only: a list that is filled from these rows would lack items, and a limit of the query's own
 * would be lost. */
static mr_status check_pages(const mr_query *q) {
    if (q->clauses.limit || q->clauses.offset)
        return mr_fail(q->env, MR_ERR_ARGUMENT,
                       "paginate: the query has a limit or an offset, and a page has its own: take the first away with "
                       "limit(mr.null):offset(mr.null)");
    for (unsigned i = 0; i < q->noptions; i++) {
        const mr_property *list = filled_list(q, &q->options[i]);
        if (list)
            return mr_fail(q->env, MR_ERR_ARGUMENT,
                           "paginate: contains_eager(%s.%s) would miss items, as a page has one row for each object: "
                           "load the list with selectinload",
                           list->mapper->name, list->name);
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- objects that repeat */

/* Is it a column of the class, or of the alias that stands for the class? */
static bool is_of(const mr_node *column, const mr_mapper *mapper, const mr_node *alias) {
    if (alias || column->n > 0) return column->n > 0 && column->child[0] == alias;
    for (const mr_mapper *m = mapper; m; m = m->base)
        if (column->u.column->table == m->table) return true;
    return false;
}

typedef struct outside {
    const mr_query *q;
    bool found;
} outside;

static bool find_outside(void *ud, const mr_node *node) {
    outside *o = ud;
    if (o->found || node->kind == MR_NODE_SELECT) return false; /* a query inside has tables of its own */
    if (node->kind != MR_NODE_COLUMN) return true;
    bool known = is_of(node, o->q->items[0].mapper, o->q->items[0].alias);
    for (unsigned i = 0; i < o->q->njoins && !known; i++)
        known = is_of(node, o->q->joins[i].mapper, o->q->joins[i].target);
    o->found = !known;
    return true;
}

/* Do the criteria read a table that is neither the query's class nor joined? */
static bool reads_outside(const mr_query *q) {
    outside o = {q, false};
    if (q->clauses.where) mr_node_walk(q->clauses.where, find_outside, &o);
    return o.found;
}

/* May the query have several rows for one object? */
static bool may_repeat(const mr_query *q) {
    const mr_select *s = &q->clauses;
    if (q->nitems != 1 || !q->items[0].mapper || q->statement) return false;
    if (s->group_by || s->having || s->distinct) return false;
    if (q->united) return q->njoins > 0 || q->united->child[0]->op == MR_OP_UNION_ALL;
    if (s->from || reads_outside(q)) return true;
    for (unsigned i = 0; i < q->njoins; i++) {
        const mr_property *along = q->joins[i].along;
        if (q->joins[i].implied) continue;
        if (!along || q->joins[i].from || along->relationship->direction != MR_MANY_TO_ONE) return true;
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
    l->any = true;
    if (!is_of(node, l->item->mapper, l->item->alias)) l->others = true;
    return true;
}

static bool is_direction(mr_op op) {
    return op == MR_OP_ASC || op == MR_OP_DESC || op == MR_OP_NULLS_FIRST || op == MR_OP_NULLS_LAST;
}

/* Is it a call of an aggregate or window function? */
static bool find_over_rows(void *ud, const mr_node *node) {
    bool *found = ud;
    if (*found || node->kind == MR_NODE_SELECT) return false;
    *found = node->kind == MR_NODE_OVER || mr_node_is_aggregate(node);
    return !*found;
}

static mr_node *refuse_over_rows(mr_env *env, const mr_query_item *item) {
    const mr_mapper *mapper = item->mapper;
    mr_fail(env, MR_ERR_ARGUMENT,
            "paginate: the query is ordered by an aggregate or window function, and its joins repeat each %s, so that "
            "the page has to group the rows itself: group them in the query, group_by(%s.%s)",
            mapper->name, mapper->name, mr_mapper_at_slot(mapper, mapper->pk_slots[0])->name);
    return NULL;
}

/* The item of ORDER BY for the object's first row. nulls: NULLS_FIRST or NULLS_LAST around it, or NONE. One reference.
 */
static mr_node *first_of(mr_env *env, const mr_query_item *item, mr_node *node, bool falling, mr_op nulls) {
    if (node->kind == MR_NODE_UNARY && is_direction((mr_op)node->op)) {
        mr_op op = (mr_op)node->op;
        if (op == MR_OP_NULLS_FIRST || op == MR_OP_NULLS_LAST) nulls = op;
        mr_node *inner = first_of(env, item, node->child[0], falling || op == MR_OP_DESC, nulls);
        return inner ? mr_sql_unary(env, op, inner) : NULL;
    }
    lead l = {.item = item};
    mr_node_walk(node, look_at, &l);
    if (!l.any || !l.others) return mr_node_retain(node);
    bool over_rows = false;
    mr_node_walk(node, find_over_rows, &over_rows);
    if (over_rows) return refuse_over_rows(env, item);
    return mr_sql_first_in_order(env, node, falling, nulls);
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
        mr_node *item = first_of((*q)->env, &(*q)->items[0], many ? list->child[i] : list, false, MR_OP_NONE);
        if (!item || step(q, mr_query_order_by(*q, item)) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_query *mr_query_of_parents(mr_query *given) {
    if (check_pages(given) != MR_OK) return NULL;
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
