/*
 * select.c: builds the SELECT at the end of planning.
 *
 * Invariant: result column i is primary column i, and the secondary columns follow, also if the query becomes a
 * subquery.
 */
#include "planner.h"

#include <string.h>

static void release_clauses(mr_select *s) {
    mr_node *const nodes[] = {s->columns, s->from,   s->where,       s->group_by,  s->having, s->order_by,
                              s->limit,   s->offset, s->distinct_on, s->correlate, s->with};
    for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) mr_node_release(nodes[i]);
}

static mr_status list_labelled(mr_planner *p, const mr_vec *columns, mr_node **list) {
    for (size_t i = 0; i < columns->len; i++) {
        *list = mr_sql_list_append(p->env, *list, mr_columns_labelled(p, mr_vec_at(columns, i)));
        if (!*list) return MR_FAIL;
    }
    return MR_OK;
}

/* Sets the clauses of the query, and adds the criteria of the plan to WHERE. */
static mr_status own_clauses(mr_planner *p, mr_select *s) {
    const mr_select *q = &p->q->clauses;
    mr_node *where = NULL;
    memset(s, 0, sizeof *s);
    s->distinct = q->distinct;
    s->for_update = q->for_update;
    s->for_update_mode = q->for_update_mode;
    s->limit = mr_node_retain(q->limit);
    s->offset = mr_node_retain(q->offset);
    s->correlate = mr_node_retain(q->correlate);
    s->with = mr_node_retain(q->with);
    s->correlate_except = q->correlate_except;
    if (mr_united_translate(p, mr_node_retain(q->where), &where) != MR_OK) return MR_FAIL;
    mr_node *const parts[] = {mr_node_retain(p->criteria), where, mr_node_retain(p->classes)};
    s->where = mr_sql_list(p->env, MR_OP_AND, parts, 3);
    if (!s->where && (p->criteria || q->where || p->classes)) return MR_FAIL;
    if (mr_united_translate(p, mr_node_retain(q->group_by), &s->group_by) != MR_OK ||
        mr_united_translate(p, mr_node_retain(q->having), &s->having) != MR_OK ||
        mr_united_translate(p, mr_node_retain(q->order_by), &s->order_by) != MR_OK ||
        mr_united_translate(p, mr_node_retain(q->distinct_on), &s->distinct_on) != MR_OK)
        return MR_FAIL;
    return MR_OK;
}

static mr_status append_order(mr_planner *p, mr_node **order, const mr_node *more) {
    for (uint32_t i = 0; more && i < more->n; i++) {
        *order = mr_sql_list_append(p->env, *order, mr_node_retain(more->child[i]));
        if (!*order) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status build_plain(mr_planner *p, mr_node **out) {
    mr_select s;
    mr_status status = own_clauses(p, &s);
    if (status == MR_OK) status = mr_eager_joins(p);
    if (status == MR_OK) status = list_labelled(p, &p->primary, &s.columns);
    if (status == MR_OK) status = list_labelled(p, &p->secondary, &s.columns);
    if (status == MR_OK) status = mr_froms_list(p, s.where, &s.from);
    if (status == MR_OK) status = mr_plan_check_order(p, &s);
    if (status == MR_OK) status = append_order(p, &s.order_by, p->eager_order);
    if (status != MR_OK) {
        release_clauses(&s);
        return status;
    }
    if (s.from) p->nfroms = s.from->n;
    if (mr_standing_select(p, &s, out)) {
        release_clauses(&s);
        return *out ? MR_OK : MR_FAIL;
    }
    *out = mr_sql_select(p->env, &s);
    return *out ? MR_OK : MR_FAIL;
}

static mr_status build_inner(mr_planner *p, mr_node **out) {
    mr_select s;
    mr_status status = own_clauses(p, &s);
    if (status == MR_OK) status = list_labelled(p, &p->primary, &s.columns);
    if (status == MR_OK) status = mr_froms_list(p, s.where, &s.from);
    if (status == MR_OK) status = mr_plan_check_order(p, &s);
    if (status != MR_OK) {
        release_clauses(&s);
        return status;
    }
    if (s.from) p->nfroms = s.from->n;
    s.for_update = false;
    *out = mr_sql_select(p->env, &s);
    return *out ? MR_OK : MR_FAIL;
}

static const char *outer_label(mr_planner *p, const mr_planned_column *c) {
    mr_strbuf b;
    mr_strbuf_init(&b, p->env);
    mr_strbuf_printf(&b, "%s_%s", mr_columns_from_name(p, p->wrapper), c->label);
    const char *s = mr_strbuf_str(&b), *name = s ? mr_intern(p->env, s, b.len) : NULL;
    mr_strbuf_done(&b);
    return name;
}

static mr_status list_wrapped(mr_planner *p, mr_node **list) {
    for (size_t i = 0; i < p->primary.len; i++) {
        const mr_planned_column *c = mr_vec_at(&p->primary, i);
        mr_node *column = mr_wrapped_column(p, (uint16_t)i);
        if (!p->q->core_labels) {
            const char *label = outer_label(p, c);
            if (!label) {
                mr_node_release(column);
                return MR_FAIL;
            }
            column = mr_sql_label(p->env, label, column);
        }
        *list = mr_sql_list_append(p->env, *list, column);
        if (!*list) return MR_FAIL;
    }
    return MR_OK;
}

/* Begins the outer statement, whose FROM object is the query as a subquery. */
static mr_status begin_outer(mr_planner *p, mr_node *inner) {
    p->wrapper = mr_sql_alias(p->env, inner, NULL);
    if (!p->wrapper) return MR_FAIL;
    for (size_t i = 0; i < p->explicit.len; i++) mr_node_release(mr_vec_ptr(&p->explicit, i));
    p->explicit.len = 0;
    if (mr_vec_push_ptr(&p->explicit, p->wrapper) != MR_OK) return MR_FAIL;
    mr_node_retain(p->wrapper);
    return MR_OK;
}

static mr_status build_wrapped(mr_planner *p, mr_node **out) {
    mr_select s;
    mr_node *inner = NULL;
    memset(&s, 0, sizeof s);
    s.for_update = p->q->clauses.for_update;
    s.for_update_mode = p->q->clauses.for_update_mode;
    mr_status status = build_inner(p, &inner);
    if (status == MR_OK) status = begin_outer(p, inner);
    if (status == MR_OK) status = mr_eager_joins(p);
    if (status == MR_OK) status = list_wrapped(p, &s.columns);
    if (status == MR_OK) status = list_labelled(p, &p->secondary, &s.columns);
    if (status == MR_OK) status = mr_wrapped_order(p, &s.order_by);
    if (status == MR_OK) status = append_order(p, &s.order_by, p->eager_order);
    if (status == MR_OK) {
        s.from = mr_sql_list_append(p->env, NULL, mr_node_retain(mr_vec_ptr(&p->explicit, 0)));
        if (!s.from) status = MR_FAIL;
    }
    if (status != MR_OK) {
        release_clauses(&s);
        return status;
    }
    *out = mr_sql_select(p->env, &s);
    return *out ? MR_OK : MR_FAIL;
}

mr_status mr_select_build(mr_planner *p, mr_node **out) {
    *out = NULL;
    mr_status status = p->wrap ? build_wrapped(p, out) : build_plain(p, out);
    return status == MR_OK ? mr_loader_criteria_apply(p, out) : status;
}
