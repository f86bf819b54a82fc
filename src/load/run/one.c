/*
 * one.c: reads one object by a plan whose first row is all that is asked for. It keeps no rows, and steps the statement
 * once.
 *
 * Invariant: whatever happens, the run is closed before the function returns, so the plan can use its memory again.
 */
#include "load_state.h"

/* Ends what a load of one row has begun. The error of one that has failed stays. */
static mr_status end(mr_load *load, mr_status status) {
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(load->env) : NULL;
    mr_run_close(load->main);
    if (load->events.data) mr_vec_done(&load->events);
    mr_owner_release(load->ctx.owner);
    if (status == MR_FAIL) mr_env_restore_error(load->env, saved);
    return status;
}

mr_status mr_load_one(const mr_load_context *ctx, mr_plan *plan, const mr_value *values, mr_entity **out) {
    mr_load load;
    *out = NULL;
    if (mr_load_init(&load, ctx) != MR_OK) return MR_FAIL;
    load.width = 1;
    mr_status status = mr_run_open_with(&load, plan, values, &load.main);
    if (status != MR_OK) return end(&load, MR_FAIL);
    load.outside = ctx->outside && ctx->outside(ctx->ud);
    status = mr_run_step(load.main);
    if (status != MR_ROW && status != MR_DONE) return end(&load, MR_FAIL);
    bool found = status == MR_ROW && load.main->out->kind == MR_ENTITY;
    mr_entity *e = found ? mr_entity_pin(load.main->out->u.p) : NULL;
    mr_run_close_cursor(load.main);
    if (load.events.len > 0 && mr_load_fire_events(&load) != MR_OK) {
        if (e) mr_entity_unpin(e);
        return end(&load, MR_FAIL);
    }
    *out = e;
    return end(&load, found ? MR_OK : status == MR_ROW ? MR_DONE : MR_NOTFOUND);
}
