/*
 * build.c: a criterion as an SQL expression, or as a query with its joins.
 *
 * Invariant: each expression is a constructor's, and each value a parameter; the whole is a node CRITERION, which keeps
 * the text with its values.
 */
#include "build.h"

static mr_builder builder_of(const mr_criterion *c) {
    const mr_criteria_state *s = mr_criteria_state_of(c->criteria->env);
    static const mr_criteria_hooks none = {0};
    return (mr_builder){
        .env = c->criteria->env, .criterion = c, .hooks = s ? &s->hooks : &none, .condition = mr_build_condition};
}

/* *out: the condition, with the criterion that it was made of. */
static mr_status wrap(mr_criterion *c, mr_node *made, mr_node **out) {
    const mr_criteria_state *s = mr_criteria_state_of(c->criteria->env);
    if (!made || !s) {
        mr_node_release(made);
        return MR_FAIL;
    }
    mr_value of = mr_value_of(MR_OPAQUE, 0);
    of.tag = s->tag;
    of.u.p = c;
    *out = mr_sql_criterion(made->env, made, &of);
    return *out ? MR_OK : MR_FAIL;
}

mr_status mr_criterion_node(mr_criterion *c, mr_node **out) {
    mr_builder b = builder_of(c);
    mr_room r = {.scope = c->criteria->scope, .from = c->alias};
    if (mr_build_open(&b, &r) != MR_OK) return MR_FAIL;
    mr_node *made = mr_build_condition(&b, &r, c->criteria->root, false);
    mr_build_close(&b, &r);
    return wrap(c, made, out);
}

/* The query with the joins that the room has. */
static mr_query *joined(const mr_builder *b, const mr_room *r, const mr_query *q) {
    mr_query *made = mr_query_retain((mr_query *)(uintptr_t)q);
    for (const mr_path *path = r->scope->paths; path && made; path = path->next) {
        mr_node *alias = r->aliases[path->number];
        mr_node *left = path->from ? r->aliases[path->from->number] : r->from;
        if (!alias || mr_build_shared(b, path, left)) continue;
        const mr_query_join join = {.kind = MR_OP_LEFT,
                                    .along = path->along,
                                    .left_alias = mr_node_retain(left),
                                    .mapper = path->mapper,
                                    .target = mr_node_retain(alias),
                                    .implied = true};
        mr_query *next = mr_query_join_on(made, &join);
        mr_query_release(made);
        made = next;
    }
    return made;
}

mr_status mr_criterion_where(mr_criterion *c, const mr_query *q, mr_query **out) {
    mr_builder b = builder_of(c);
    mr_room r = {.scope = c->criteria->scope, .from = c->alias, .joins = true};
    mr_query *with = NULL;
    mr_node *node = NULL;
    b.shares = q;
    *out = NULL;
    if (mr_build_open(&b, &r) != MR_OK) return MR_FAIL;
    mr_node *made = mr_build_condition(&b, &r, c->criteria->root, false);
    if (made) with = joined(&b, &r, q);
    mr_build_close(&b, &r);
    if (wrap(c, made, &node) == MR_OK && with) *out = mr_query_where(with, node);
    else if (node) mr_node_release(node);
    mr_query_release(with);
    return *out ? MR_OK : MR_FAIL;
}

static mr_node *alone(mr_node *x) {
    mr_criterion *c = mr_criterion_of(x);
    mr_node *made = NULL;
    if (!c) return mr_node_retain(x);
    return mr_criterion_node(c, &made) == MR_OK ? made : NULL;
}

mr_status mr_criteria_alone(mr_node *where, mr_node **out) {
    bool list = where->kind == MR_NODE_LIST && where->op == MR_OP_AND;
    *out = NULL;
    if (!list) *out = alone(where);
    for (uint32_t i = 0; list && i < where->n; i++) {
        *out = mr_sql_and(where->env, *out, alone(where->child[i]));
        if (!*out) break;
    }
    return *out ? MR_OK : MR_FAIL;
}
