/*
 * class_rows.c: which rows of a table that several classes share are those of the query's classes.
 *
 * Invariant: a class whose rows a query reads, be it an item, an alias of which only attributes are items, or what
 * select_from names, has its criterion once: in the ON where it is joined, else in WHERE.
 */
#include "planner.h"

/* Is the class joined by an outer join, whose ON tells the class already? In WHERE it would drop the rows without one.
 */
static bool is_joined_outer(const mr_planner *p, const mr_mapper *mapper, const mr_node *from) {
    for (unsigned i = 0; i < p->q->njoins; i++) {
        const mr_query_join *join = &p->q->joins[i];
        const mr_mapper *joined = join->mapper ? join->mapper : join->along ? join->along->relationship->target : NULL;
        bool same = join->target ? join->target == from : from->kind == MR_NODE_TABLE;
        if (join->kind == MR_OP_LEFT && joined == mapper && same) return true;
    }
    return false;
}

static bool is_same_test(const mr_node *a, const mr_node *b) {
    if (a->kind != b->kind || a->op != b->op || a->kind != MR_NODE_BINARY) return false;
    const mr_node *x = a->child[0], *y = b->child[0];
    return x->kind == MR_NODE_COLUMN && y->kind == MR_NODE_COLUMN && x->u.column == y->u.column && x->n == y->n &&
           (x->n == 0 || x->child[0] == y->child[0]);
}

/* Does the ON of an outer join that is written as a FROM object have the class's criterion for its right side? */
static bool is_in_outer_join(const mr_node *object, const mr_node *from, const mr_node *criterion) {
    for (; object->kind == MR_NODE_JOIN; object = object->child[0]) {
        const mr_node *on = object->n > 2 ? object->child[2] : NULL;
        if (is_in_outer_join(object->child[1], from, criterion)) return true;
        if (!on || object->op == MR_OP_INNER || !mr_from_same(object->child[1], from)) continue;
        bool list = on->kind == MR_NODE_LIST && on->op == MR_OP_AND;
        for (uint32_t i = 0; i < (list ? on->n : 1); i++)
            if (is_same_test(list ? on->child[i] : on, criterion)) return true;
    }
    return false;
}

static bool is_told_by_from(const mr_planner *p, const mr_node *from, const mr_node *criterion) {
    const mr_node *list = p->q->clauses.from;
    for (uint32_t i = 0; list && i < list->n; i++)
        if (is_in_outer_join(list->child[i], from, criterion)) return true;
    return false;
}

static mr_node *first_leaf(mr_node *from) {
    while (from->kind == MR_NODE_JOIN) from = from->child[0];
    return from;
}

/* Notes that the query reads the leaf's rows of the class alone. *there: it was noted before. */
static mr_status note(mr_planner *p, const mr_mapper *mapper, const mr_node *leaf, bool *there) {
    *there = false;
    for (size_t i = 0; i < p->narrowed.len && !*there; i++) {
        const mr_narrowed *n = mr_vec_at(&p->narrowed, i);
        *there = n->mapper == mapper && mr_from_same(n->leaf, leaf);
    }
    mr_narrowed *n = *there ? NULL : mr_vec_push(&p->narrowed);
    if (n) *n = (mr_narrowed){mapper, leaf};
    return n || *there ? MR_OK : MR_FAIL;
}

mr_status mr_plan_class_criterion(mr_planner *p, mr_mapper *mapper, mr_node *from) {
    mr_node *criterion = NULL;
    bool there;
    if (is_joined_outer(p, mapper, from)) return MR_OK;
    if (mr_inheritance_criterion(p->env, mapper, from, &criterion) != MR_OK) return MR_FAIL;
    if (!criterion) return MR_OK;
    mr_status status = note(p, mapper, first_leaf(from), &there);
    if (status != MR_OK || there || is_told_by_from(p, from, criterion)) {
        mr_node_release(criterion);
        return status;
    }
    if (mr_united_translate(p, criterion, &criterion) != MR_OK) return MR_FAIL;
    p->classes = mr_sql_and(p->env, p->classes, criterion);
    return p->classes ? MR_OK : MR_FAIL;
}

/* ---------------------------------------------------------------- without an item of the class */

/* Does a join of the query, whose ON tells the class, read the alias? */
static bool is_joined(const mr_planner *p, const mr_node *leaf) {
    for (unsigned i = 0; i < p->q->njoins; i++)
        if (p->q->joins[i].target && mr_from_contains(p->q->joins[i].target, leaf)) return true;
    return false;
}

mr_status mr_plan_alias_rows(mr_planner *p, mr_node *leaf) {
    /* The library's own aliases are of rows that it has chosen already. */
    bool given = leaf->kind == MR_NODE_ALIAS && (leaf->flags & MR_NODE_GIVEN);
    if (!given || !leaf->reader || is_joined(p, leaf) || mr_united_from(p, leaf) != leaf) return MR_OK;
    return mr_plan_class_criterion(p, (mr_mapper *)(uintptr_t)leaf->reader, leaf);
}

static mr_status narrow_source(mr_planner *p, mr_node *from) {
    mr_node *leaf = first_leaf(from); /* the right side of a join has its criterion in the ON */
    if (!leaf->reader || mr_united_from(p, from) != from) return MR_OK;
    return mr_plan_class_criterion(p, (mr_mapper *)(uintptr_t)leaf->reader, leaf);
}

mr_status mr_plan_source_rows(mr_planner *p) {
    const mr_node *list = p->q->sources ? p->q->clauses.from : NULL;
    for (uint32_t i = 0; list && i < list->n; i++)
        if (narrow_source(p, list->child[i]) != MR_OK) return MR_FAIL;
    for (unsigned i = 0; i < p->q->njoins; i++)
        if (p->q->joins[i].from && narrow_source(p, p->q->joins[i].from) != MR_OK) return MR_FAIL;
    return MR_OK;
}
