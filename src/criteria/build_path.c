/*
 * build_path.c: what is read along references: joined, or by a subquery.
 *
 * Invariant: a path whose steps lead to one row at most is joined where the scope joins; any other is a chain, which a
 * subquery reads, so that no row of the scope is repeated.
 */
#include "build.h"

mr_status mr_build_open(mr_builder *b, mr_room *r) {
    r->aliases = r->scope->npaths ? mr_calloc(b->env, r->scope->npaths * sizeof(mr_node *)) : NULL;
    return r->aliases || !r->scope->npaths ? MR_OK : MR_FAIL;
}

void mr_build_close(mr_builder *b, mr_room *r) {
    for (unsigned i = 0; r->aliases && i < r->scope->npaths; i++) mr_node_release(r->aliases[i]);
    mr_free(b->env, r->aliases);
}

/* Are all steps of the path joined? Not where a step may lead to several rows: parents would be repeated. */
static bool is_joined(const mr_room *r, const mr_path *path) {
    for (; path; path = path->from)
        if (!r->joins || !mr_along_is_single(path->along->relationship)) return false;
    return true;
}

/* The join of the query along the same reference that an earlier criterion needs. */
mr_node *mr_build_shared(const mr_builder *b, const mr_path *path, const mr_node *left) {
    for (unsigned i = 0; b->shares && i < b->shares->njoins; i++) {
        const mr_query_join *join = &b->shares->joins[i];
        if (join->implied && join->along == path->along && join->left_alias == left) return join->target;
    }
    return NULL;
}

/* What the class behind the path is read from. Borrowed; NULL: failed. */
static mr_node *alias_of(mr_builder *b, mr_room *r, const mr_path *path) {
    mr_node **place = &r->aliases[path->number];
    if (*place) return *place;
    mr_node *left = path->from ? alias_of(b, r, path->from) : r->from;
    if (path->from && !left) return NULL;
    mr_node *shared = mr_build_shared(b, path, left);
    *place = shared ? mr_node_retain(shared) : mr_class_alias(path->mapper, NULL);
    return *place;
}

void mr_build_drop(mr_chain *c) {
    mr_node_release(c->from);
    mr_node_release(c->where);
}

/* Adds a step behind the chain. */
static mr_status add_step(mr_builder *b, mr_chain *c, const mr_path *path) {
    const mr_relationship *rel = path->along->relationship;
    mr_node *alias = mr_class_alias(path->mapper, NULL), *link = NULL, *on = NULL;
    if (alias && rel->secondary) link = mr_sql_alias(b->env, mr_sql_table(b->env, rel->secondary), NULL);
    mr_node *local = c->from ? c->last : c->outer;
    if (!alias || (rel->secondary && !link) || mr_along_condition(path->along, local, alias, link, &on) != MR_OK) {
        mr_node_release(alias);
        mr_node_release(link);
        return MR_FAIL;
    }
    c->last = alias;
    c->single = c->single && mr_along_is_single(rel);
    if (link)
        alias =
            mr_sql_join(b->env, MR_OP_INNER, link, alias, mr_sql_raw(b->env, mr_type_simple(MR_TYPE_BOOLEAN), "true"));
    if (!c->from) {
        c->from = alias;
        c->where = on;
        return alias ? MR_OK : MR_FAIL;
    }
    c->from = mr_sql_join(b->env, MR_OP_INNER, c->from, alias, on);
    return c->from ? MR_OK : MR_FAIL;
}

static mr_status add_steps(mr_builder *b, mr_room *r, mr_chain *c, const mr_path *path) {
    if (!path) return MR_OK;
    if (is_joined(r, path)) {
        c->outer = c->last = alias_of(b, r, path);
        c->outer_mapper = path->mapper;
        return c->outer ? MR_OK : MR_FAIL;
    }
    return add_steps(b, r, c, path->from) == MR_OK ? add_step(b, c, path) : MR_FAIL;
}

mr_status mr_build_chain(mr_builder *b, mr_room *r, const mr_path *path, mr_chain *c) {
    *c = (mr_chain){.outer = r->from, .last = r->from, .outer_mapper = r->scope->mapper, .single = true};
    if (add_steps(b, r, c, path) == MR_OK) return MR_OK;
    mr_build_drop(c);
    return MR_FAIL;
}

mr_node *mr_build_read(mr_builder *b, mr_chain *c, mr_node *x) {
    mr_select s = {0};
    const mr_value one = mr_int_value(1);
    s.columns = mr_sql_list_append(b->env, NULL, x);
    s.from = mr_sql_list_append(b->env, NULL, c->from);
    s.where = c->where;
    s.correlate = mr_along_correlated(c->outer_mapper, c->outer);
    if (!c->single) s.limit = mr_sql_bind(b->env, mr_type_simple(MR_TYPE_INTEGER), &one);
    if (s.columns && s.from && s.correlate && (c->single || s.limit))
        return mr_sql_scalar(b->env, mr_sql_select(b->env, &s));
    mr_node_release(s.columns);
    mr_node_release(s.from);
    mr_node_release(s.where);
    mr_node_release(s.correlate);
    mr_node_release(s.limit);
    return NULL;
}

/* The attribute as it is read from a FROM object of its class; NULL: the class itself. */
static mr_node *named(mr_builder *b, const mr_term *t, mr_mapper *mapper, mr_node *from) {
    if (t->kind == MR_TERM_COLUMN) return from ? mr_property_node(t->prop, from) : mr_property_node_of(t->prop, mapper);
    mr_criteria_attribute made = {0};
    mr_status status =
        b->hooks->describe ? b->hooks->describe(b->hooks->ud, mapper, from, t->name, NULL, &made) : MR_NOTFOUND;
    if (status == MR_OK && made.expression) {
        if (made.expression->kind != MR_NODE_LABEL) return made.expression;
        mr_node *inner = mr_node_retain(made.expression->child[0]);
        mr_node_release(made.expression);
        return inner;
    }
    if (status != MR_FAIL) mr_fail(b->env, MR_ERR_ARGUMENT, "%s.%s is no attribute any more", mapper->name, t->name);
    return NULL;
}

mr_node *mr_build_attribute(mr_builder *b, mr_room *r, const mr_term *t) {
    mr_chain c;
    mr_mapper *mapper = t->path ? t->path->mapper : r->scope->mapper;
    if (mr_build_chain(b, r, t->path, &c) != MR_OK) return NULL;
    mr_node *x = named(b, t, mapper, c.last);
    if (!c.from) return x;
    if (x) return mr_build_read(b, &c, x);
    mr_build_drop(&c);
    return NULL;
}

/* By the key of the reference, where that is one column, and otherwise by the row. */
mr_node *mr_build_nowhere(mr_builder *b, mr_room *r, const mr_path *path) {
    mr_chain c;
    mr_node *there = NULL;
    const bool by_key = mr_along_by_key(path->along->relationship);
    if (mr_build_chain(b, r, path->from, &c) != MR_OK) return NULL;
    mr_status status = by_key ? mr_criterion_nothing(path->along, c.last, c.from != NULL, &there)
                              : mr_criterion_related(path->along, c.last, NULL, NULL, NULL, &there);
    if (!c.from) return status != MR_OK ? NULL : by_key ? there : mr_sql_not(b->env, there);
    /* Where there is no object before it, the subquery gives NULL. */
    if (status == MR_OK) return mr_build_untrue(b, mr_build_read(b, &c, there));
    mr_build_drop(&c);
    return NULL;
}
