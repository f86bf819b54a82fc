/*
 * prepared.c: plans that are kept for each class: the second get, refresh or lazy load of a kind is neither planned nor
 * compiled.
 *
 * Invariant: all kept plans are of the present version of the registry.
 */
#include "cache.h"
#include "plan/planner.h"

#include <string.h>

void mr_prepared_done(mr_prepared *prepared) {
    mr_plan_release(prepared->plan);
    mr_query_release(prepared->query);
    memset(prepared, 0, sizeof *prepared);
}

void mr_prepared_first_done(mr_prepared_first *first) {
    mr_prepared_done(&first->prepared);
    if (first->props) mr_free(first->props[0]->mapper->env, (void *)(uintptr_t)first->props);
    first->props = NULL;
}

static void empty(mr_class_plans *plans) {
    mr_prepared_done(&plans->get);
    mr_prepared_done(&plans->get_partial);
    mr_prepared_done(&plans->spelling);
    for (size_t i = 0; i < plans->lazy.len; i++) mr_prepared_done(mr_vec_at(&plans->lazy, i));
    for (size_t i = 0; i < plans->columns.len; i++) {
        mr_prepared_columns *c = mr_vec_at(&plans->columns, i);
        mr_prepared_done(&c->prepared);
        mr_free(plans->mapper->env, c->slots);
    }
    for (size_t i = 0; i < plans->firsts.len; i++) mr_prepared_first_done(mr_vec_at(&plans->firsts, i));
    plans->lazy.len = plans->columns.len = plans->firsts.len = 0;
}

void mr_class_plans_free(mr_class_plans *plans) {
    empty(plans);
    mr_vec_done(&plans->lazy);
    mr_vec_done(&plans->columns);
    mr_vec_done(&plans->firsts);
    plans->mapper->query_plans = NULL;
    mr_free(plans->mapper->env, plans);
}

mr_class_plans *mr_class_plans_of(mr_mapper *mapper) {
    if ((!mapper->configured || mapper->registry->dirty) && mr_registry_configure(mapper->registry) != MR_OK)
        return NULL;
    mr_class_plans *plans = mapper->query_plans;
    if (!plans) {
        mr_loader *loader = mr_loader_of(mapper->env);
        plans = loader ? mr_calloc(mapper->env, sizeof *plans) : NULL;
        if (!plans) return NULL;
        plans->mapper = mapper;
        plans->version = mapper->registry->version;
        mr_vec_init(&plans->lazy, mapper->env, sizeof(mr_prepared));
        mr_vec_init(&plans->columns, mapper->env, sizeof(mr_prepared_columns));
        mr_vec_init(&plans->firsts, mapper->env, sizeof(mr_prepared_first));
        mr_loader_add_class(loader, plans);
        mapper->query_plans = plans;
    }
    if (plans->version != mapper->registry->version) {
        empty(plans);
        plans->version = mapper->registry->version;
    }
    return plans;
}

/* Sets the plan's late parameters: its own, then those that the query was made with. */
static mr_status add_lates(mr_plan *plan, const mr_vec *lates) {
    if (lates->len == 0) return MR_OK;
    mr_plan_late *all = mr_arena_alloc(plan->arena, (plan->nlates + lates->len) * sizeof *all);
    if (!all) return MR_FAIL;
    if (plan->nlates) memcpy(all, plan->lates, plan->nlates * sizeof *all);
    memcpy(all + plan->nlates, lates->data, lates->len * sizeof *all);
    plan->lates = all;
    plan->nlates = (uint16_t)(plan->nlates + lates->len);
    return MR_OK;
}

mr_status mr_prepare(mr_env *env, mr_prepared *prepared, const mr_dialect *dialect,
                     mr_status (*make)(void *ud, mr_vec *lates, mr_query **out), void *ud) {
    if (prepared->plan && prepared->dialect == dialect) return MR_OK;
    mr_query *query = NULL;
    mr_plan *plan = NULL;
    mr_vec lates, none;
    mr_vec_init(&lates, env, sizeof(mr_plan_late));
    /* No other query uses the plan, so it holds all constants itself. */
    mr_vec_init(&none, env, sizeof(mr_node *));
    mr_status status = make(ud, &lates, &query);
    if (status == MR_OK) status = mr_plan_make(query, NULL, dialect, &none, &plan);
    if (status == MR_OK) status = add_lates(plan, &lates);
    mr_vec_done(&lates);
    mr_vec_done(&none);
    if (status != MR_OK) {
        mr_plan_release(plan);
        mr_query_release(query);
        return MR_FAIL;
    }
    uint64_t engine = prepared->engine;
    bool folds = prepared->folds;
    mr_prepared_done(prepared);
    *prepared = (mr_prepared){plan, query, dialect, engine, folds};
    return MR_OK;
}

mr_query *mr_where_identity(mr_query *query, mr_mapper *mapper, bool partial, mr_vec *lates) {
    mr_env *env = mapper->env;
    mr_node *where = NULL;
    for (uint16_t i = 0; query && i < mapper->npk; i++) {
        const mr_property *prop = mr_mapper_at_slot(mapper, mapper->pk_slots[i]);
        mr_node *param = mr_late_param(env, lates, mr_column_type(env, prop->column), MR_PLAN_NONE, i);
        mr_op op = partial ? MR_OP_IS : MR_OP_EQ;
        where = mr_sql_and(env, where, mr_sql_binary(env, op, mr_property_node(prop, NULL), param));
        if (!where) break;
    }
    mr_query *made = query && where ? mr_query_where(query, where) : NULL;
    mr_query_release(query);
    return made;
}
