/*
 * around.c: the rows that a query of nothing but values about a class is of. Each object of the class has such a value:
 * the number of its children, whether it has any. The subquery that computes it takes the object's row from the query
 * around it.
 *
 * Invariant: a query that reads something by itself is left as it is: there, the row is of what it reads.
 */
#include "planner.h"

static mr_status begin_with(mr_planner *p, mr_mapper *mapper, mr_node *from) {
    mr_status status = from ? mr_froms_begin(p, from) : MR_FAIL;
    return status == MR_OK ? mr_plan_class_criterion(p, mapper, from) : status;
}

/* Does the SELECT read the object itself where nothing around it does? */
static bool lists(const mr_select *select, const mr_node *object) {
    for (uint32_t i = 0; select->from && i < select->from->n; i++)
        if (mr_from_contains(select->from->child[i], object)) return true;
    return false;
}

/* Has the query read what the SELECT takes from around it: the tables of a class, or an alias. */
static mr_status read_correlated(mr_planner *p, const mr_select *select) {
    const mr_node *list = select->correlate;
    mr_node *first = list && list->n > 0 && !select->correlate_except ? list->child[0] : NULL;
    mr_mapper *mapper = first ? (mr_mapper *)(uintptr_t)first->reader : NULL;
    if (!mapper || lists(select, first)) return MR_OK;
    if (first->kind == MR_NODE_ALIAS) return list->n == 1 ? begin_with(p, mapper, first) : MR_OK;
    if (first->kind != MR_NODE_TABLE || list->n != mapper->nparts) return MR_OK;
    mr_node *tables = mr_mapper_tables(mapper);
    mr_status status = begin_with(p, mapper, tables);
    mr_node_release(tables);
    return status;
}

typedef struct search {
    mr_planner *p;
    bool failed;
} search;

static bool find_select(void *ud, const mr_node *node) {
    search *s = ud;
    if (s->failed || node->kind == MR_NODE_COMPOUND) return false;
    if (node->kind != MR_NODE_SELECT) return true;
    s->failed = read_correlated(s->p, node->u.select) != MR_OK;
    return false;
}

/* *out: does the query read anything? */
static mr_status reads_anything(mr_planner *p, bool *out) {
    const mr_node *const criteria[] = {p->q->clauses.where, p->criteria};
    *out = p->q->united || p->q->statement;
    for (int i = 0; i < 2 && !*out; i++) {
        mr_node *list = NULL;
        if (mr_froms_list(p, criteria[i], &list) != MR_OK) return MR_FAIL;
        *out = list != NULL;
        mr_node_release(list);
    }
    return MR_OK;
}

mr_status mr_plan_around(mr_planner *p) {
    search s = {p, false};
    bool reads = false;
    for (unsigned i = 0; i < p->q->nitems; i++)
        if (!p->q->items[i].expression) return MR_OK;
    if (reads_anything(p, &reads) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; !reads && i < p->q->nitems; i++) mr_node_walk(p->q->items[i].expression, find_select, &s);
    return s.failed ? MR_FAIL : MR_OK;
}
