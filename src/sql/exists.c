/*
 * exists.c: an EXISTS that is built clause by clause.
 *
 * Invariant: its FROM list has each object once. An object that the statement around it reads is left out when the SQL
 * is written (compile_select.c), so that the list may name it.
 */
#include <moonrow/sql.h>

#include "compiler.h"
#include "node.h"

static void retain_clauses(const mr_select *s) {
    mr_node *const nodes[] = {s->columns, s->from,   s->where,       s->group_by,  s->having, s->order_by,
                              s->limit,   s->offset, s->distinct_on, s->correlate, s->with};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) mr_node_retain(nodes[i]);
}

mr_node *mr_sql_exists_any(mr_env *env) {
    mr_node *one = mr_sql_raw(env, mr_type_simple(MR_TYPE_INTEGER), "1");
    mr_select s = {.columns = mr_sql_list_append(env, NULL, one)};
    return s.columns ? mr_sql_exists(env, mr_sql_select(env, &s)) : NULL;
}

/* *s: the clauses of the EXISTS, retained. false: it has none, and the error is recorded, or it is NULL. Consumes
 * exists. */
static bool begin(mr_env *env, mr_node *exists, mr_select *s) {
    const mr_node *inner = exists ? exists->child[0] : NULL;
    bool one = mr_node_is(inner, MR_NODE_SELECT) && !inner->u.select->limit && !inner->u.select->offset;
    if (one) {
        *s = *inner->u.select;
        retain_clauses(s);
    } else if (exists) {
        mr_fail(env, MR_ERR_ARGUMENT,
                "exists: a union, or a query with a limit, takes no more clauses: add them to its queries");
    }
    mr_node_release(exists);
    return one;
}

static mr_node *end(mr_env *env, const mr_select *s, bool failed) {
    mr_node *select = mr_sql_select(env, s);
    if (!failed) return mr_sql_exists(env, select);
    mr_node_release(select);
    return NULL;
}

static bool contains(const mr_node *from, const mr_node *object) {
    /* The alias of a class of several tables is in a join if all of its parts are. */
    for (; object->kind == MR_NODE_JOIN; object = object->child[0])
        if (from == object || !contains(from, object->child[1])) return from == object;
    for (; from->kind == MR_NODE_JOIN; from = from->child[0])
        if (contains(from->child[1], object)) return true;
    return mr_same_object(from, object);
}

/* Adds the FROM object (consumed) unless the list has it. */
static bool add_from(mr_env *env, mr_select *s, mr_node *from) {
    for (uint32_t i = 0; s->from && from && i < s->from->n; i++) {
        if (!contains(s->from->child[i], from)) continue;
        mr_node_release(from);
        return true;
    }
    s->from = mr_sql_list_append(env, s->from, from);
    return s->from != NULL;
}

static bool add_froms_of(mr_env *env, mr_select *s, const mr_node *x) {
    mr_vec found;
    mr_vec_init(&found, env, sizeof(mr_node *));
    bool added = mr_node_froms(env, x, &found) == MR_OK;
    for (size_t i = 0; i < found.len; i++) {
        if (added) added = add_from(env, s, mr_vec_ptr(&found, i));
        else mr_node_release(mr_vec_ptr(&found, i));
    }
    mr_vec_done(&found);
    return added;
}

mr_node *mr_sql_exists_where(mr_env *env, mr_node *exists, mr_node *criterion) {
    mr_select s;
    if (!criterion || !begin(env, exists, &s)) {
        if (!criterion) mr_node_release(exists);
        mr_node_release(criterion);
        return NULL;
    }
    bool failed = !add_froms_of(env, &s, criterion);
    s.where = mr_sql_and(env, s.where, criterion);
    return end(env, &s, failed || !s.where);
}

mr_node *mr_sql_exists_from(mr_env *env, mr_node *exists, mr_node *from) {
    mr_select s;
    if (!from || !begin(env, exists, &s)) {
        if (!from) mr_node_release(exists);
        mr_node_release(from);
        return NULL;
    }
    bool failed = !add_from(env, &s, from);
    return end(env, &s, failed);
}

mr_node *mr_sql_exists_correlate(mr_env *env, mr_node *exists, mr_node *froms, bool except) {
    mr_select s;
    if (!froms || !begin(env, exists, &s)) {
        if (!froms) mr_node_release(exists);
        mr_node_release(froms);
        return NULL;
    }
    mr_node_release(s.correlate);
    s.correlate = froms;
    s.correlate_except = except;
    return end(env, &s, false);
}
