/*
 * statement.c: a query as a SELECT node, for subqueries, counts and tostring.
 *
 * Invariant: nothing is compiled, and no plan is kept.
 */
#include "planner.h"

#include <string.h>

/* lean: see mr_planner. */
static mr_status make(mr_query *query, bool plain, bool lean, mr_node **out) {
    mr_planner p;
    mr_plan plan;
    *out = NULL;
    if (query->statement) {
        *out = mr_node_retain(query->statement);
        return MR_OK;
    }
    if (mr_plan_configure(query) != MR_OK) return MR_FAIL;
    /* Planning writes into a plan; only its memory is used here. */
    memset(&plan, 0, sizeof plan);
    plan.env = query->env;
    plan.arena = mr_arena_new(query->env);
    if (!plan.arena) return MR_FAIL;
    mr_planner_init(&p, query, &plan, plain);
    p.lean = lean;
    mr_status status = mr_planner_select(&p, out);
    mr_planner_done(&p);
    mr_plan_release_criteria(&plan);
    mr_arena_free(plan.arena);
    return status;
}

mr_status mr_load_statement(mr_query *query, bool plain, mr_node **out) { return make(query, plain, false, out); }

mr_status mr_load_join(mr_query *query, mr_node **out) {
    mr_planner p;
    mr_plan plan;
    *out = NULL;
    memset(&plan, 0, sizeof plan);
    plan.env = query->env;
    mr_planner_init(&p, query, &plan, true);
    mr_status status = mr_froms_own_joins(&p);
    if (status == MR_OK) *out = mr_node_retain(mr_vec_ptr(&p.explicit, 0));
    mr_planner_done(&p);
    return status;
}

mr_status mr_load_count_statement(mr_query *query, mr_node **out) {
    mr_env *env = query->env;
    mr_node *inner = NULL;
    mr_select s;
    *out = NULL;
    if (make(query, true, true, &inner) != MR_OK) return MR_FAIL;
    memset(&s, 0, sizeof s);
    s.from = mr_sql_list_append(env, NULL, mr_sql_alias(env, inner, NULL));
    if (!s.from) return MR_FAIL;
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    mr_node *star = mr_sql_raw(env, integer, "*");
    mr_node *count = star ? mr_sql_func(env, "count", integer, &star, 1) : NULL;
    s.columns = mr_sql_list_append(env, NULL, mr_sql_label(env, "count_1", count));
    if (!s.columns) {
        mr_node_release(s.from);
        return MR_FAIL;
    }
    *out = mr_sql_select(env, &s);
    return *out ? MR_OK : MR_FAIL;
}
