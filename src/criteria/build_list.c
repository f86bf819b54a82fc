/*
 * build_list.c: any, all, none and count: subqueries over the rows of a list.
 *
 * Invariant: the rows are correlated with the scope around them alone; the text inside has a scope of its own.
 */
#include "build.h"

/* Joins what the criteria of the scope have named. Consumes from. */
static mr_node *with_joins(mr_builder *b, const mr_room *r, mr_node *from) {
    for (const mr_path *path = r->scope->paths; path && from; path = path->next) {
        mr_node *alias = r->aliases[path->number], *on = NULL;
        if (!alias) continue;
        mr_node *left = path->from ? r->aliases[path->from->number] : r->from;
        if (mr_along_condition(path->along, left, alias, NULL, &on) != MR_OK) {
            mr_node_release(from);
            return NULL;
        }
        from = mr_sql_join(b->env, MR_OP_LEFT, from, mr_node_retain(alias), on);
    }
    return from;
}

/* The tables of the subquery: the chain, the link of many-to-many, the rows with what their condition joins. */
static mr_node *tables(mr_builder *b, const mr_room *inner, mr_chain *c, mr_node *link) {
    mr_node *from = NULL;
    const bool chained = c->from != NULL;
    if (chained) {
        from = mr_sql_list_append(b->env, NULL, c->from);
        c->from = NULL;
        if (!from) return NULL;
    }
    if (link && !(from = mr_sql_list_append(b->env, from, mr_node_retain(link)))) return NULL;
    return mr_sql_list_append(b->env, from, with_joins(b, inner, mr_node_retain(inner->from)));
}

/* The condition of the list as SQL; *out stays NULL where it has none. */
static mr_status own_condition(mr_builder *b, mr_room *inner, const mr_term *t, bool negated, mr_node **out) {
    if (!t->n) return MR_OK;
    const mr_query *shares = b->shares;
    b->shares = NULL;
    *out = b->condition(b, inner, t->child[0], negated);
    b->shares = shares;
    return *out ? MR_OK : MR_FAIL;
}

/* Fills the SELECT's tables and its WHERE. Consumes what the chain has. */
static mr_status fill_select(mr_builder *b, mr_room *inner, const mr_term *t, bool negated, mr_chain *c, mr_select *s) {
    const mr_relationship *rel = t->prop->relationship;
    mr_node *link = NULL, *on = NULL, *own = NULL;
    if (rel->secondary) link = mr_sql_alias(b->env, mr_sql_table(b->env, rel->secondary), NULL);
    bool good = (link || !rel->secondary) && mr_build_open(b, inner) == MR_OK &&
                mr_along_condition(t->prop, c->last, inner->from, link, &on) == MR_OK &&
                own_condition(b, inner, t, negated, &own) == MR_OK;
    if (good) {
        mr_node *const parts[] = {c->where, on, own};
        s->from = tables(b, inner, c, link);
        s->where = mr_sql_list(b->env, MR_OP_AND, parts, 3);
        s->correlate = mr_along_correlated(c->outer_mapper, c->outer);
        good = s->from && s->where && s->correlate;
    } else {
        mr_build_drop(c);
        mr_node_release(on);
        mr_node_release(own);
    }
    mr_node_release(link);
    mr_build_close(b, inner);
    return good ? MR_OK : MR_FAIL;
}

/* The SELECT of item over the rows of the list that meet its condition; negated: that do not. Consumes item. */
static mr_node *select_related(mr_builder *b, mr_room *r, const mr_term *t, bool negated, mr_node *item) {
    mr_room inner = {.scope = t->scope, .from = mr_class_alias(t->prop->relationship->target, NULL), .joins = true};
    mr_select s = {.columns = mr_sql_list_append(b->env, NULL, item)};
    mr_chain c;
    const bool good = inner.from && s.columns && mr_build_chain(b, r, t->path, &c) == MR_OK &&
                      fill_select(b, &inner, t, negated, &c, &s) == MR_OK;
    mr_node_release(inner.from);
    if (good) return mr_sql_select(b->env, &s);
    mr_node_release(s.columns);
    mr_node_release(s.from);
    mr_node_release(s.where);
    mr_node_release(s.correlate);
    return NULL;
}

mr_node *mr_build_exists(mr_builder *b, mr_room *r, const mr_term *t, bool negated) {
    mr_node *one = mr_sql_raw(b->env, mr_type_simple(MR_TYPE_INTEGER), "1");
    return one ? mr_sql_exists(b->env, select_related(b, r, t, negated, one)) : NULL;
}

mr_node *mr_build_count(mr_builder *b, mr_room *r, const mr_term *t) {
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    mr_node *star = mr_sql_raw(b->env, integer, "*");
    mr_node *item = star ? mr_sql_func(b->env, "count", integer, &star, 1) : NULL;
    return item ? mr_sql_scalar(b->env, select_related(b, r, t, false, item)) : NULL;
}
