/*
 * ready.c: a query that is run often with other values for its named parameters: its plan is kept with it.
 *
 * Invariant: the plan is of the query, of the registry's present version, and of the database's dialect; else it is
 * made anew. The query does not change.
 */
#include <string.h>

#include "run/load_state.h"

struct mr_ready {
    mr_query *query;
    mr_ready *whole; /* whose parameters may be given, too; borrowed, or NULL */
    mr_plan *plan;   /* or NULL */
    const mr_dialect *dialect;
    mr_vec binds; /* mr_node *: the query's, as the plan counts them */
};

mr_ready *mr_ready_new(mr_query *query, mr_ready *whole) {
    mr_ready *r = mr_calloc(query->env, sizeof *r);
    if (!r) return NULL;
    r->query = mr_query_retain(query);
    r->whole = whole;
    mr_vec_init(&r->binds, query->env, sizeof(mr_node *));
    return r;
}

void mr_ready_free(mr_ready *r) {
    if (!r) return;
    mr_env *env = r->query->env;
    mr_plan_release(r->plan);
    mr_vec_done(&r->binds);
    mr_query_release(r->query);
    mr_free(env, r);
}

mr_query *mr_ready_query(const mr_ready *r) { return r->query; }

/* Makes sure of the plan. */
static mr_status prepare(mr_ready *r, const mr_load_context *ctx) {
    mr_conn *conn;
    if (mr_plan_configure(r->query) != MR_OK) return MR_FAIL;
    if (ctx->connection(ctx->ud, mr_query_lead(r->query), &conn) != MR_OK) return MR_FAIL;
    const mr_dialect *dialect = mr_engine_dialect(mr_conn_engine(conn));
    if (r->plan && r->dialect == dialect && r->plan->version == mr_plan_version(r->query)) return MR_OK;
    mr_plan *plan = NULL;
    mr_vec binds;
    mr_vec_init(&binds, ctx->env, sizeof(mr_node *));
    if (mr_plan_find(r->query, NULL, dialect, &binds, &plan) != MR_OK) {
        mr_vec_done(&binds);
        return MR_FAIL;
    }
    mr_plan_release(r->plan);
    mr_vec_done(&r->binds);
    r->plan = plan;
    r->binds = binds;
    r->dialect = dialect;
    return MR_OK;
}

typedef struct param_names {
    const mr_compiled *compiled;
} param_names;

static const char *next_name(void *ud, size_t i) {
    const mr_compiled *c = ((param_names *)ud)->compiled;
    for (size_t k = 0; k < c->nparams; k++) {
        const char *name = c->params[k].name;
        if (name && name[0] != ' ' && i-- == 0) return name;
    }
    return NULL;
}

static bool has_param(const mr_ready *r, const char *name) {
    const mr_compiled *c = r->plan->compiled;
    for (size_t k = 0; k < c->nparams; k++)
        if (c->params[k].name && strcmp(c->params[k].name, name) == 0) return true;
    return false;
}

/* A name that no parameter has is a mistyped one. */
static mr_status check_names(const mr_ready *r, const mr_load_context *ctx, const mr_vec *named) {
    for (size_t i = 0; i < named->len; i++) {
        const mr_named_value *n = mr_vec_at(named, i);
        if (has_param(r, n->name)) continue;
        if (r->whole && prepare(r->whole, ctx) != MR_OK) return MR_FAIL;
        if (r->whole && has_param(r->whole, n->name)) continue;
        param_names names = {r->whole ? r->whole->plan->compiled : r->plan->compiled};
        const char *near = mr_nearest(n->name, next_name, &names);
        return mr_fail(ctx->env, MR_ERR_ARGUMENT, "the compiled query has no parameter '%s'%s", n->name,
                       mr_hint(ctx->env, near));
    }
    return MR_OK;
}

mr_status mr_load_ready(const mr_load_context *ctx, mr_ready *r, const mr_vec *named, mr_load **out) {
    *out = NULL;
    mr_query *q = r->query;
    if (prepare(r, ctx) != MR_OK || check_names(r, ctx, named) != MR_OK) return MR_FAIL;
    /* Such a query may have to become another one. */
    mr_vec *binds = q->clauses.offset || ctx->criteria ? NULL : &r->binds;
    mr_run_source source = {.query = q, .binds = binds, .named = named};
    if (!binds) return mr_load_start_named(ctx, q, named, NULL, out);
    mr_plan *plan = mr_plan_retain(r->plan);
    mr_load_context own = *ctx;
    if (q->bad_values) own.bad_values = q->bad_values;
    mr_load_mark(&own, q);
    mr_heap *heap = mr_heap_of(ctx->env);
    mr_heap_block(heap);
    mr_status status = mr_load_open_reading(&own, plan, &source, q->yield_per, q->populate_existing, out);
    mr_heap_unblock(heap);
    mr_plan_release(plan);
    return status;
}

/* A load that is more than the first row of one statement. */
static bool is_plain(const mr_ready *r) {
    const mr_query *q = r->query;
    return r->plan->simple && !q->populate_existing && !q->yield_per && !q->bad_values && !q->tag && q->timeout == 0 &&
           !q->clauses.offset && q->nparents == 0 && r->plan->nlates == 0;
}

mr_status mr_ready_first(const mr_load_context *ctx, mr_ready *r, const mr_vec *named, mr_entity **out) {
    enum { ROOM = 16 };
    mr_value params[ROOM];
    mr_vec all;
    *out = NULL;
    if (prepare(r, ctx) != MR_OK || check_names(r, ctx, named) != MR_OK) return MR_FAIL;
    if (!is_plain(r) || ctx->criteria || r->plan->compiled->nparams > ROOM || r->query->nparams > 0) return MR_DONE;
    mr_plan *plan = mr_plan_retain(r->plan);
    mr_vec_init(&all, ctx->env, sizeof(mr_node *));
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < plan->nbinds && status == MR_OK; i++) {
        const mr_plan_bind *b = &plan->binds[i];
        status = mr_vec_push_ptr(&all, b->source < 0 ? b->own : mr_vec_ptr(&r->binds, (size_t)b->source));
    }
    if (status == MR_OK) status = mr_compiled_values(plan->compiled, &all, named->data, named->len, params);
    mr_conn *conn;
    if (status == MR_OK) status = ctx->connection(ctx->ud, plan->lead, &conn);
    if (status == MR_OK) status = mr_load_one(ctx, conn, plan, params, out);
    mr_vec_done(&all);
    mr_plan_release(plan);
    return status;
}
