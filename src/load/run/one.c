/*
 * one.c: reads objects by a plan whose rows are one object each, without a load's lists of rows: the first row alone,
 * without a cursor, unless the statement is observed or something is in its way; or all rows.
 *
 * Invariant: whatever happens, the statement is given back, and the run closed, before the function returns.
 */
#include "load_state.h"
#include "siblings.h"

/* What reading by a simple plan needs. The plan keeps it for the next time. */
struct mr_one {
    mr_load load;
    mr_run run;
    mr_run_entity entity;
    mr_value values[]; /* the row, and what the row gives */
};

static mr_one *make(const mr_load_context *ctx, mr_plan *plan) {
    mr_one *one = mr_calloc(ctx->env, sizeof *one + (plan->ncolumns + (size_t)plan->nitems) * sizeof *one->values);
    if (!one) return NULL;
    if (mr_load_init(&one->load, ctx) != MR_OK) {
        mr_free(ctx->env, one);
        return NULL;
    }
    one->run.load = &one->load;
    one->run.plan = plan;
    one->run.row = one->values;
    one->run.out = one->values + plan->ncolumns;
    one->run.entities = &one->entity;
    one->run.simple = true; /* read_all makes the group */
    mr_strbuf_init(&one->run.key, ctx->env);
    mr_vec_init(&one->entity.parents, ctx->env, sizeof(mr_entity *));
    return one;
}

/* The plan's reader, or a new one. Its load holds nothing but the context. */
static mr_one *take(const mr_load_context *ctx, mr_plan *plan) {
    mr_one *one = plan->one;
    if (!one) return make(ctx, plan);
    plan->one = NULL; /* meanwhile the plan may be used again */
    one->load.ctx = *ctx;
    mr_owner_retain(ctx->owner);
    return one;
}

/* Ends the load. After MR_FAIL the error stays recorded. Returns the status. */
static mr_status end(mr_load *load, mr_status status) {
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(load->env) : NULL;
    if (load->main) mr_run_close(load->main);
    if (load->events.data) mr_vec_done(&load->events);
    mr_owner_release(load->ctx.owner);
    if (status == MR_FAIL) mr_env_restore_error(load->env, saved);
    return status;
}

/* Ends the reader's load, and gives the reader to the plan for the next time. Returns the status. */
static mr_status give_back(mr_one *one, mr_plan *plan, mr_status status) {
    status = end(&one->load, status);
    if (one->run.key.data) mr_strbuf_done(&one->run.key);
    one->entity.current = one->entity.last = NULL;
    one->entity.identity = NULL;
    if (!plan->one) plan->one = one;
    else mr_free(plan->env, one);
    return status;
}

/* Calls the listeners of the load. *out: e, which is pinned; NULL (and MR_DONE): the row has no object. */
static mr_status result(mr_load *load, mr_entity *e, mr_entity **out) {
    if (load->events.len > 0 && mr_load_fire_events(load) != MR_OK) {
        if (e) mr_entity_unpin(e);
        return MR_FAIL;
    }
    *out = e;
    return e ? MR_OK : MR_DONE;
}

/* Does the whole of mr_load_one with a cursor. */
static mr_status by_cursor(const mr_load_context *ctx, mr_plan *plan, const mr_value *values, mr_entity **out) {
    mr_load load;
    if (mr_load_init(&load, ctx) != MR_OK) return MR_FAIL;
    load.width = 1;
    mr_status status = mr_run_open_with(&load, plan, values, &load.main);
    if (status != MR_OK) return end(&load, MR_FAIL);
    load.outside = ctx->outside && ctx->outside(ctx->ud);
    status = mr_run_step(load.main);
    if (status != MR_ROW && status != MR_DONE) return end(&load, MR_FAIL);
    if (status == MR_DONE) return end(&load, MR_NOTFOUND);
    mr_entity *e = load.main->out->kind == MR_ENTITY ? mr_entity_pin(load.main->out->u.p) : NULL;
    mr_run_close_cursor(load.main);
    return end(&load, result(&load, e, out));
}

mr_status mr_load_one(const mr_load_context *ctx, mr_conn *conn, mr_plan *plan, const mr_value *values,
                      mr_entity **out) {
    mr_cached_stmt *held;
    *out = NULL;
    mr_one *one = take(ctx, plan);
    if (!one) return MR_FAIL;
    ctx->owner->reads++; /* also if there is no row: then that is what was read */
    one->load.outside = ctx->outside && ctx->outside(ctx->ud);
    mr_status status = mr_conn_first_row(conn, plan->compiled, values, plan->types, one->run.row, &held);
    if (status != MR_ROW) {
        status = give_back(one, plan, status);
        return status == MR_DONE ? by_cursor(ctx, plan, values, out) : status;
    }
    bool late = ctx->bad_values != MR_BAD_VALUES_RAISE && mr_run_mark_late(&one->run);
    status = mr_row_interpret(&one->run);
    if (late && status == MR_OK) mr_run_remember_misfits(&one->run);
    mr_entity *e = status == MR_OK && one->entity.current ? mr_entity_pin(one->entity.current) : NULL;
    mr_conn_end_row(conn, held);
    if (status == MR_OK) status = result(&one->load, e, out);
    return give_back(one, plan, status);
}

/* ---------------------------------------------------------------- all rows */

static mr_status read_all(mr_one *one, mr_vec *items) {
    mr_status status;
    while ((status = mr_run_step(&one->run)) == MR_ROW) /* the last step closes the cursor */
        if (one->entity.current && mr_vec_push_ptr(items, one->entity.current) != MR_OK) return MR_FAIL;
    if (status != MR_DONE) return MR_FAIL;
    bool grouped = one->load.ctx.batch.max > 0 || one->run.plan->batched;
    if (grouped && mr_siblings_add(one->load.env, items->data, items->len, one->load.ctx.asker) != MR_OK)
        return MR_FAIL;
    return one->load.events.len > 0 ? mr_load_fire_events(&one->load) : MR_OK;
}

mr_status mr_load_objects(const mr_load_context *ctx, mr_conn *conn, mr_plan *plan, const mr_value *values,
                          mr_vec *items) {
    mr_one *one = take(ctx, plan);
    if (!one) return MR_FAIL;
    one->load.outside = ctx->outside && ctx->outside(ctx->ud);
    mr_status status = mr_conn_execute(conn, plan->compiled, values, &one->run.cursor);
    if (status == MR_OK) status = read_all(one, items);
    if (status != MR_OK && one->run.cursor) {
        mr_error *saved = mr_env_save_error(ctx->env);
        mr_run_close_cursor(&one->run);
        mr_env_restore_error(ctx->env, saved);
    }
    one->run.cursor = NULL;
    return give_back(one, plan, status);
}
