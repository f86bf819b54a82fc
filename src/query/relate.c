/*
 * relate.c: relates a query to other classes: joins, with_parent, and the class whose attributes filter_by names.
 *
 * Invariant: nothing is executed, and no value of a parent is read: that is done when the query is executed.
 */
#include "copy.h"

static void drop_join(const mr_query_join *join) {
    mr_node_release(join->left_alias);
    mr_node_release(join->target);
    mr_node_release(join->on);
    mr_node_release(join->from);
}

mr_query *mr_query_join_on(const mr_query *q, const mr_query_join *join) {
    mr_query *c = mr_query_copy(q);
    mr_query_join *grown = c ? mr_query_grow(c->env, c->joins, c->njoins, sizeof *grown) : NULL;
    if (!grown) {
        drop_join(join);
        mr_query_release(c);
        return NULL;
    }
    c->joins = grown;
    c->joins[c->njoins++] = *join;
    return c;
}

mr_query *mr_query_with_criterion(const mr_query *q, mr_node *criterion) {
    mr_query *c = mr_query_copy(q);
    if (!c) {
        mr_node_release(criterion);
        return NULL;
    }
    mr_node_release(c->clauses.where);
    c->clauses.where = criterion;
    unsigned kept = 0;
    for (unsigned i = 0; i < c->njoins; i++) {
        if (c->joins[i].implied) drop_join(&c->joins[i]);
        else c->joins[kept++] = c->joins[i];
    }
    c->njoins = kept;
    return c;
}

bool mr_query_is_outer(const mr_query *q) {
    if (q->statement || q->clauses.from || q->united_outer) return true;
    for (unsigned i = 0; i < q->njoins; i++)
        if (!q->joins[i].implied && q->joins[i].kind != MR_OP_INNER &&
            (q->nitems > 1 || q->joins[i].kind != MR_OP_LEFT))
            return true;
    return false;
}

/* ---------------------------------------------------------------- the class a query is about */

typedef struct first_column {
    const mr_node *node;
} first_column;

static bool find_column(void *ud, const mr_node *node) {
    first_column *found = ud;
    if (!found->node && node->kind == MR_NODE_COLUMN && node->annotation) found->node = node;
    return !found->node && node->kind != MR_NODE_SUBQUERY && node->kind != MR_NODE_EXISTS;
}

static mr_mapper *item_mapper(const mr_query_item *item, mr_node **alias) {
    *alias = item->alias;
    if (item->mapper || !item->expression) return item->mapper;
    first_column found = {NULL};
    mr_node_walk(item->expression, find_column, &found);
    if (!found.node) return NULL;
    *alias = mr_column_object(found.node);
    const mr_node *leaf = *alias;
    while (leaf && leaf->kind == MR_NODE_JOIN) leaf = leaf->child[0];
    if (leaf && leaf->flags & MR_NODE_GIVEN && leaf->reader) return (mr_mapper *)(uintptr_t)leaf->reader;
    if (found.node->reader) return ((const mr_reading *)found.node->reader)->mapper;
    return ((const mr_property *)found.node->annotation)->mapper;
}

mr_mapper *mr_query_lead_and_alias(const mr_query *q, mr_node **alias) {
    *alias = NULL;
    return q->nitems > 0 ? item_mapper(&q->items[0], alias) : NULL;
}

mr_mapper *mr_query_lead(const mr_query *q) {
    mr_node *alias;
    return mr_query_lead_and_alias(q, &alias);
}

mr_mapper *mr_query_filter_by_target(const mr_query *q, mr_node **alias) {
    *alias = NULL;
    for (unsigned i = q->njoins; i-- > 0;) {
        const mr_query_join *join = &q->joins[i];
        mr_mapper *mapper = join->mapper;
        if (!mapper && join->along) mapper = join->along->relationship->target;
        if (!mapper || join->implied) continue;
        if (join->target && (join->target->kind == MR_NODE_ALIAS || join->target->kind == MR_NODE_JOIN))
            *alias = join->target;
        return mapper;
    }
    return q->nitems > 0 ? item_mapper(&q->items[0], alias) : NULL;
}

/* The first relationship of the parent's class to the query's class, or NULL. */
static const mr_property *relationship_to(const mr_mapper *parent, const mr_mapper *target) {
    for (size_t i = 0; target && i < parent->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&parent->props, i);
        if (prop->kind != MR_PROPERTY_RELATIONSHIP || !prop->relationship->target) continue;
        if (mr_mapper_isa(target, prop->relationship->target)) return prop;
    }
    return NULL;
}

mr_query *mr_query_with_parent(const mr_query *q, const mr_property *along, mr_entity *parent, mr_node *alias) {
    const mr_mapper *lead = mr_query_lead(q);
    if (!along) along = relationship_to(parent->mapper, lead);
    mr_query *c = NULL;
    if (!along)
        mr_fail(q->env, MR_ERR_INVALID_REQUEST, "could not locate a relationship between %s and %s",
                lead ? lead->name : "the query", parent->mapper->name);
    else c = mr_query_copy(q);
    mr_query_parent *grown = c ? mr_query_grow(c->env, c->parents, c->nparents, sizeof *grown) : NULL;
    if (!grown) {
        mr_node_release(alias);
        mr_query_release(c);
        return NULL;
    }
    c->parents = grown;
    c->parents[c->nparents++] = (mr_query_parent){along, mr_entity_pin(parent), alias, false};
    return c;
}

mr_query *mr_query_related(const mr_query *q, const mr_property *along, mr_entity *parent) {
    mr_query *c = mr_query_with_parent(q, along, parent, NULL);
    if (c) c->parents[c->nparents - 1].ordered = true; /* the copy is not returned yet, so it may be changed */
    return c;
}

mr_query *mr_query_without_parents(const mr_query *q) {
    mr_query *c = mr_query_copy(q);
    if (!c) return NULL;
    for (unsigned i = 0; i < c->nparents; i++) {
        mr_node_release(c->parents[i].alias);
        mr_entity_unpin(c->parents[i].parent);
    }
    c->nparents = 0;
    return c;
}

/* ---------------------------------------------------------------- compounds */

static void drop_clauses(mr_query *c) {
    mr_select *s = &c->clauses;
    mr_node *const nodes[] = {s->columns,  s->from,      s->where,  s->group_by,    s->having,
                              s->order_by, s->limit,     s->offset, s->distinct_on, s->correlate,
                              s->with,     c->statement, c->united};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) mr_node_release(nodes[i]);
    *s = (mr_select){0};
    c->statement = c->united = NULL;
    for (unsigned i = 0; i < c->njoins; i++) drop_join(&c->joins[i]);
    c->njoins = 0;
}

mr_query *mr_query_over(const mr_query *q, mr_node *united, bool outer) {
    mr_query *c = united ? mr_query_without_parents(q) : NULL;
    if (!c) {
        mr_node_release(united);
        return NULL;
    }
    drop_clauses(c);
    c->united = united;
    c->united_outer = outer;
    c->standing = false;
    return c;
}

mr_query *mr_query_standing(const mr_query *q, mr_node *united, bool outer) {
    mr_query *c = mr_query_over(q, united, outer);
    if (c) c->standing = true;
    return c;
}
