/*
 * immediate.c: loads the relationship of each parent in the same way as a lazy load, but at once.
 *
 * Invariant: one statement for each parent; a target that is in memory, up to date and not expired takes none. What is
 * being loaded is not begun again by what it leads to: the outer load gives it its value.
 */
#include "job.h"

enum { MOST_NESTED = 1000 }; /* each takes some hundred bytes of the C stack */

/* One of the loads that run one inside of the other. */
typedef struct nested_load {
    const mr_entity *parent;
    const mr_property *prop;
    unsigned depth;
    struct nested_load *outer;
} nested_load;

/* Is the parent's relationship being loaded by an outer load? */
static bool is_running(const nested_load *loads, const mr_entity *parent, const mr_property *prop) {
    while (loads && (loads->parent != parent || loads->prop != prop)) loads = loads->outer;
    return loads != NULL;
}

static mr_status too_deep(const mr_job *job) {
    const mr_property *prop = job->follow->prop;
    return mr_fail(job->load->env, MR_ERR_INVALID_REQUEST,
                   "immediateload of %s.%s goes through more than %d objects, one behind the other: selectinload takes "
                   "any number, and one statement for all of a level",
                   prop->mapper->name, prop->name, MOST_NESTED);
}

/* The lazy load has found the target in memory. Reads its row again if the target has expired or is old, or if
 * something old is reached through it by an eager load. */
static mr_status read_again(const mr_job *job, mr_entity *target) {
    mr_query_item item;
    if (mr_job_target(job, &item) != MR_OK) return MR_FAIL;
    mr_query *options = mr_job_options(job, mr_query_new(job->load->env, &item, 1, false));
    if (!options) return MR_FAIL;
    mr_status status = mr_load_again(&job->load->ctx, target, options);
    mr_query_release(options);
    return status == MR_NOTFOUND ? MR_OK : status;
}

static bool is_expired(mr_entity *e) { return mr_entity_slot(e, e->mapper->pk_slots[0])->kind == MR_UNLOADED; }

static mr_status load_parent(mr_job *job, mr_entity *parent) {
    const mr_plan_follow *follow = job->follow;
    bool older = mr_job_leads_on(job, parent);
    /* The strategy that has added this job may have filled the slot since. */
    if (!older && !mr_load_must_ask(job->load, parent, follow->prop)) return MR_ROW;
    const mr_below below = {follow->nopts, follow->opts, follow->with};
    if (mr_lazy_load(&job->load->ctx, parent, follow->prop, &below) != MR_OK) return MR_FAIL;
    const mr_value *v = mr_entity_slot(parent, follow->prop->slot);
    if (v->kind == MR_ENTITY && (older || is_expired(v->u.p) || !mr_load_is_up_to_date(job->load, v->u.p)) &&
        read_again(job, v->u.p) != MR_OK)
        return MR_FAIL;
    return MR_ROW;
}

static mr_status next(mr_job *job) {
    if (job->next >= job->parents.len) return MR_DONE;
    mr_env *env = job->load->env;
    mr_entity *parent = mr_vec_ptr(&job->parents, job->next++);
    nested_load *outer = mr_env_get(env, MR_ENV_IMMEDIATE);
    nested_load own = {parent, job->follow->prop, outer ? outer->depth + 1 : 1, outer};
    if (is_running(outer, own.parent, own.prop)) return MR_ROW;
    if (own.depth > MOST_NESTED) return too_deep(job);
    mr_env_set(env, MR_ENV_IMMEDIATE, &own);
    mr_status status = load_parent(job, parent);
    mr_env_set(env, MR_ENV_IMMEDIATE, outer);
    return status;
}

static mr_status nothing(mr_job *job) {
    (void)job;
    return MR_OK;
}

const mr_strategy mr_strategy_immediate = {
    .word = "immediate", .option = "immediateload", .recurs = true, .next = next, .row = nothing, .end = nothing};
