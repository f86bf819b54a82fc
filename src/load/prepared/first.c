/*
 * first.c: the first object whose attributes have given values, by a statement that the class keeps for these
 * attributes: neither nodes nor a key of the query are made to find it.
 *
 * Invariant: the statement is the one of the query that says the same: WHERE a = ? AND b = ? LIMIT ?.
 */
#include "cache.h"
#include "run/load_state.h"
#include "plan/planner.h"

#include <string.h>

enum { MAX_FIRSTS = 32, MAX_PARAMS = 16 };

typedef struct wanted {
    mr_mapper *mapper;
    const mr_equal *equals;
    unsigned n;
} wanted;

/* The query, with late parameters in the place of the values. */
static mr_status make_first(void *ud, mr_vec *lates, mr_query **out) {
    const wanted *w = ud;
    mr_env *env = w->mapper->env;
    mr_query_item item = {.mapper = w->mapper};
    mr_query *all = mr_query_new(env, &item, 1, false), *some = NULL;
    mr_node *where = NULL;
    for (unsigned i = 0; all && i < w->n; i++) {
        const mr_property *prop = w->equals[i].prop;
        mr_node *param = mr_late_param(env, lates, mr_column_type(env, prop->column), MR_PLAN_NONE, (uint16_t)i);
        where = mr_sql_and(env, where, mr_sql_binary(env, MR_OP_EQ, mr_property_node(prop, NULL), param));
        if (!where) break;
    }
    if (all && where) some = mr_query_where(all, where);
    mr_query_release(all);
    mr_value one = mr_int_value(1);
    *out = some ? mr_query_limit(some, mr_sql_bind(env, mr_type_simple(MR_TYPE_INTEGER), &one)) : NULL;
    mr_query_release(some);
    return *out ? MR_OK : MR_FAIL;
}

static bool is_of(const mr_prepared_first *first, const wanted *w) {
    if (first->n != w->n) return false;
    for (unsigned i = 0; i < w->n; i++)
        if (first->props[i] != w->equals[i].prop) return false;
    return true;
}

/* Puts a new one in front. */
static mr_prepared_first *add_first(mr_class_plans *plans, const wanted *w) {
    if (plans->firsts.len >= MAX_FIRSTS) {
        mr_prepared_first_done(mr_vec_at(&plans->firsts, plans->firsts.len - 1));
        plans->firsts.len--;
    }
    mr_prepared_first made = {.n = w->n, .props = mr_alloc(w->mapper->env, w->n * sizeof *made.props)};
    if (!made.props) return NULL;
    for (unsigned i = 0; i < w->n; i++) made.props[i] = w->equals[i].prop;
    if (mr_vec_insert(&plans->firsts, 0, &made) == MR_OK) return mr_vec_at(&plans->firsts, 0);
    mr_prepared_first_done(&made);
    return NULL;
}

static mr_prepared_first *find_first(mr_class_plans *plans, const wanted *w) {
    for (size_t i = 0; i < plans->firsts.len; i++) {
        mr_prepared_first *first = mr_vec_at(&plans->firsts, i);
        if (!is_of(first, w)) continue;
        if (i == 0) return first;
        mr_prepared_first moved = *first;
        memmove(mr_vec_at(&plans->firsts, 1), mr_vec_at(&plans->firsts, 0), i * sizeof moved);
        first = mr_vec_at(&plans->firsts, 0);
        *first = moved;
        return first;
    }
    return add_first(plans, w);
}

static bool is_plain(const mr_plan *plan) {
    for (size_t i = 0; i < plan->compiled->nparams; i++)
        if (plan->compiled->params[i].spelling != MR_SPELL_PLAIN) return false;
    return plan->simple;
}

mr_status mr_load_first(const mr_load_context *ctx, mr_mapper *mapper, const mr_equal *equals, unsigned n,
                        mr_entity **out) {
    mr_conn *conn;
    mr_value values[MAX_PARAMS], params[MAX_PARAMS];
    *out = NULL;
    if (n == 0 || n > MAX_PARAMS || ctx->criteria) return MR_DONE;
    mr_class_plans *plans = mr_class_plans_of(mapper);
    if (!plans || ctx->connection(ctx->ud, mapper, &conn) != MR_OK) return MR_FAIL;
    wanted w = {mapper, equals, n};
    mr_prepared_first *first = find_first(plans, &w);
    if (!first ||
        mr_prepare(ctx->env, &first->prepared, mr_engine_dialect(mr_conn_engine(conn)), make_first, &w) != MR_OK)
        return MR_FAIL;
    for (unsigned i = 0; i < n; i++) values[i] = equals[i].value;
    if (!is_plain(first->prepared.plan) || !mr_plan_params(first->prepared.plan, values, NULL, params, MAX_PARAMS))
        return MR_DONE;
    mr_plan *plan = mr_plan_retain(first->prepared.plan); /* a listener may change the mappings */
    mr_status status = mr_load_one(ctx, conn, plan, params, out);
    mr_plan_release(plan);
    return status;
}
