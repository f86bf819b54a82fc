/*
 * lists.c: finds a query's parameters, and puts a list in place of list parameters (x:in_(mr.bindparam "ids")), before
 * the query is planned: how many values there are is part of the SQL.
 *
 * Invariant: all nodes of the query are rebuilt together, so that an alias stays one object in all clauses.
 */
#include "copy.h"

/* Calls visit for the place of each node of the query. */
static void each_node(mr_query *c, void (*visit)(void *ud, mr_node **place), void *ud) {
    mr_select *s = &c->clauses;
    mr_node **const places[] = {&s->from,   &s->where,       &s->group_by,  &s->having, &s->order_by,  &s->limit,
                                &s->offset, &s->distinct_on, &s->correlate, &s->with,   &c->statement, &c->united};
    for (unsigned i = 0; i < c->nitems; i++) visit(ud, &c->items[i].alias), visit(ud, &c->items[i].expression);
    for (unsigned i = 0; i < c->njoins; i++) {
        mr_query_join *join = &c->joins[i];
        mr_node **const of_join[] = {&join->left_alias, &join->target, &join->on, &join->from};
        for (size_t k = 0; k < sizeof of_join / sizeof *of_join; k++) visit(ud, of_join[k]);
    }
    for (unsigned i = 0; i < c->noptions; i++) visit(ud, &c->options[i].alias), visit(ud, &c->options[i].start);
    for (unsigned i = 0; i < c->nparents; i++) visit(ud, &c->parents[i].alias);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) visit(ud, places[i]);
}

typedef struct taken {
    mr_vec nodes; /* mr_node * */
    size_t at;
    bool failed;
} taken;

static void take(void *ud, mr_node **place) {
    taken *t = ud;
    if (mr_vec_push_ptr(&t->nodes, *place) != MR_OK) t->failed = true;
}

static void put(void *ud, mr_node **place) {
    taken *t = ud;
    *place = mr_vec_ptr(&t->nodes, t->at++);
}

/* All nodes of the query, as borrowed places of t->nodes, which the caller frees. */
static mr_status take_all(mr_query *c, taken *t) {
    *t = (taken){.failed = false};
    mr_vec_init(&t->nodes, c->env, sizeof(mr_node *));
    each_node(c, take, t);
    return t->failed ? MR_FAIL : MR_OK;
}

mr_query *mr_query_with_list(const mr_query *q, const mr_named_list *list, bool *found) {
    mr_query *c = mr_query_copy(q);
    *found = false;
    if (!c || mr_option_list_own(c) != MR_OK) {
        mr_query_release(c);
        return NULL;
    }
    taken t;
    mr_status status = take_all(c, &t);
    if (status == MR_OK) {
        status = mr_sql_with_list(c->env, t.nodes.data, t.nodes.len, list, found);
        each_node(c, put, &t);
    }
    mr_vec_done(&t.nodes);
    if (status == MR_OK) return c;
    mr_query_release(c);
    return NULL;
}

mr_status mr_query_find_param(const mr_query *q, const char *name, const mr_node **out) {
    taken t;
    *out = NULL;
    mr_status status = take_all((mr_query *)(uintptr_t)q, &t); /* only read */
    if (status == MR_OK) status = mr_sql_find_param(q->env, t.nodes.data, t.nodes.len, name, out);
    mr_vec_done(&t.nodes);
    return status;
}
