/*
 * immediate.c: loads a relationship of each parent as a lazy load would, but at once.
 */
#include "run.h"

static mr_status next(mr_job *job) {
    if (job->next >= job->parents.len) return MR_DONE;
    mr_entity *parent = mr_vec_ptr(&job->parents, job->next++);
    const mr_plan_follow *follow = job->follow;
    if (mr_immediate_load(job->load, parent, follow->prop, follow->nopts, follow->opts) != MR_OK)
        return MR_FAIL;
    return MR_ROW;
}

static mr_status nothing(mr_job *job) {
    (void)job;
    return MR_OK;
}

const mr_strategy *mr_strategy_immediate(void) {
    static const mr_strategy strategy = {next, nothing, nothing};
    return &strategy;
}
