/*
 * job.c: the statements after a run: a queue of jobs. Each job loads one relationship of many parents by its strategy.
 *
 * Invariant: the statements of a job may add jobs to the end of the queue, so depth costs no C stack. A parent whose
 * slot is loaded takes no statement, unless the objects in its slot lack something that the query loads below, or are
 * old.
 */
#include "plan/planner.h"
#include "job.h"

#include <string.h>

/* ---------------------------------------------------------------- life */

static void free_job(mr_job *job) {
    if (!job) return;
    mr_env *env = job->load->env;
    mr_run_close(job->run);
    mr_gather_done(&job->gather);
    for (size_t i = 0; i < job->named.len; i++)
        mr_value_clear(env, &((mr_named_value *)mr_vec_at(&job->named, i))->value);
    mr_vec_done(&job->named);
    mr_vec_done(&job->parents);
    mr_vec_done(&job->pending);
    mr_keyring_done(&job->keys);
    mr_free(env, (void *)(uintptr_t)job->path.props);
    mr_query_release(job->query);
    mr_plan_release(job->plan);
    mr_free(env, job);
}

static mr_status copy_named(mr_job *job, const mr_vec *named) {
    for (size_t i = 0; i < named->len; i++) {
        const mr_named_value *from = mr_vec_at(named, i);
        mr_named_value *to = mr_vec_push(&job->named);
        if (!to) return MR_FAIL;
        to->name = from->name;
        if (mr_value_copy(job->load->env, &to->value, &from->value) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status make_path(mr_job *job) {
    unsigned n = job->entity->npath;
    if (!job->follow->prop) return MR_OK;
    const mr_property **props = mr_alloc(job->load->env, (n + (size_t)1) * sizeof(const mr_property *));
    if (!props) return MR_FAIL;
    for (unsigned i = 0; i < n; i++) props[i] = job->entity->path[i];
    props[n] = job->follow->prop;
    job->path = (mr_plan_path){props, n + 1};
    return MR_OK;
}

/* Does the job's statement load the relationship of its items, too, or lead to a job that does? */
static bool goes_on(const mr_job *job, const mr_property *prop) {
    const mr_plan_follow *follow = job->follow;
    return prop->kind == MR_PROPERTY_RELATIONSHIP &&
           mr_eager_is_due(&job->path, follow->prop->relationship->target, prop, follow->nopts, follow->opts);
}

/* Does the job lead further than to its items? */
static bool has_levels_below(const mr_job *job) {
    mr_mapper *target = job->follow->prop->relationship->target;
    for (size_t i = 0; i < target->props.len; i++)
        if (goes_on(job, mr_vec_ptr(&target->props, i))) return true;
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(target, m));)
        for (size_t i = 0; m != target && i < m->props.len; i++)
            if (goes_on(job, mr_vec_ptr(&m->props, i))) return true;
    return false;
}

/* Is something below the item not loaded, or old, that the job leads to? */
static bool lacks(const mr_job *job, mr_entity *item) {
    for (size_t i = 0; item->state == MR_PERSISTENT && i < item->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&item->mapper->props, i);
        if (goes_on(job, prop) && mr_load_must_ask(job->load, item, prop)) return true;
    }
    return false;
}

bool mr_job_leads_on(const mr_job *job, mr_entity *parent) {
    if (!job->has_levels_below) return false;
    const mr_value *v = mr_entity_slot(parent, job->follow->prop->slot);
    if (v->kind == MR_ENTITY) return lacks(job, v->u.p);
    const mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    for (uint32_t i = 0; c && i < c->n; i++)
        if (lacks(job, c->items[i])) return true;
    return false;
}

static mr_status take_parents(mr_job *job, const mr_vec *all) {
    mr_seen seen = {.env = job->load->env};
    const mr_mapper *mapper = NULL;
    bool has_it = false;
    mr_status status = MR_OK;
    for (size_t i = 0; i < all->len && status == MR_OK; i++) {
        mr_entity *parent = mr_vec_ptr(all, i);
        if (parent->mapper != mapper) {
            mapper = parent->mapper;
            has_it = !job->follow->prop || mr_mapper_isa(mapper, job->follow->prop->mapper);
        }
        if (!has_it) continue;
        if (job->follow->prop && !mr_load_must_ask(job->load, parent, job->follow->prop) &&
            !mr_job_leads_on(job, parent))
            continue;
        status = mr_seen_add(&seen, parent, NULL);
        if (status == MR_OK) status = mr_vec_push_ptr(&job->parents, parent);
        else if (status == MR_NOTFOUND) status = MR_OK;
    }
    mr_seen_done(&seen);
    return status;
}

/* run: the one that the job follows; NULL: none. */
static mr_status add_job(mr_load *load, mr_run *run, const mr_plan_entity *entity, const mr_plan_follow *follow,
                         const mr_vec *parents) {
    mr_job *job = mr_calloc(load->env, sizeof *job);
    if (!job) return MR_FAIL;
    job->load = load;
    job->plan = run ? mr_plan_retain(run->plan) : NULL;
    job->entity = entity;
    job->follow = follow;
    job->query = run ? mr_query_retain(run->query) : NULL;
    job->strategy = follow->strategy;
    mr_vec_init(&job->named, load->env, sizeof(mr_named_value));
    mr_vec_init(&job->parents, load->env, sizeof(mr_entity *));
    mr_vec_init(&job->pending, load->env, sizeof(mr_entity *));
    job->first = mr_vec_ptr(parents, 0);
    job->last = mr_vec_ptr(parents, parents->len - 1);
    mr_status status = make_path(job);
    if (status == MR_OK) job->has_levels_below = follow->prop && has_levels_below(job);
    if (status == MR_OK) status = take_parents(job, parents);
    if (status == MR_OK && job->parents.len == 0) {
        free_job(job);
        return MR_OK;
    }
    if (status == MR_OK && run) status = copy_named(job, &run->named);
    if (status == MR_OK) status = mr_vec_push_ptr(&load->jobs, job);
    if (status == MR_OK) return MR_OK;
    free_job(job);
    return MR_FAIL;
}

mr_status mr_jobs_add(mr_run *run, uint16_t entity) {
    const mr_plan_entity *pe = &run->plan->entities[entity];
    for (unsigned i = 0; i < pe->nfollows; i++)
        if (add_job(run->load, run, pe, &pe->follows[i], &run->entities[entity].parents) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_jobs_add_for(mr_load *load, const mr_plan_entity *entity, const mr_plan_follow *follow,
                          const mr_vec *parents) {
    return add_job(load, NULL, entity, follow, parents);
}

void mr_jobs_done(mr_load *load) {
    for (size_t i = load->next_job; i < load->jobs.len; i++) free_job(mr_vec_ptr(&load->jobs, i));
    load->jobs.len = 0;
    load->next_job = 0;
}

/* ---------------------------------------------------------------- running */

/* One step of the job. MR_ROW: it goes on; MR_DONE: it is finished. */
static mr_status step_job(mr_job *job) {
    if (!job->run) return job->strategy->next(job);
    mr_status status = mr_run_step(job->run);
    if (status == MR_ROW) return job->strategy->row(job) == MR_OK ? MR_ROW : MR_FAIL;
    if (status != MR_DONE) return status;
    /* The job's own slots first: a part that they get is not to be overwritten by what is loaded below. */
    if (job->strategy->end(job) != MR_OK || mr_run_finish_rows(job->run) != MR_OK) return MR_FAIL;
    mr_run_close(job->run);
    job->run = NULL;
    return MR_ROW;
}

mr_status mr_jobs_advance(mr_load *load) {
    while (load->next_job < load->jobs.len) {
        mr_job *job = mr_vec_ptr(&load->jobs, load->next_job);
        mr_status status = step_job(job);
        if (status == MR_ROW) continue;
        if (status != MR_DONE) return status;
        load->next_job++;
        free_job(job);
    }
    load->jobs.len = 0;
    load->next_job = 0;
    return MR_DONE;
}

/* ---------------------------------------------------------------- for the strategies */

mr_query *mr_job_options(const mr_job *job, mr_query *q) {
    if (!q) return NULL;
    /* A job of no query (lazy = "batch") gets the session's criteria here; others, in their options, too. */
    mr_query *whole = mr_load_query(&job->load->ctx, q);
    mr_query *made = whole ? mr_query_options(whole, job->follow->opts, job->follow->nopts) : NULL;
    mr_query_release(whole);
    mr_query_release(q);
    return made;
}

mr_status mr_job_start(mr_job *job, mr_query *q) {
    mr_load *load = job->load;
    mr_plan *plan = NULL;
    mr_conn *conn;
    mr_vec binds;
    if (!q) return MR_FAIL;
    mr_vec_init(&binds, load->env, sizeof(mr_node *));
    mr_status status = load->ctx.connection(load->ctx.ud, mr_query_lead(q), &conn);
    if (status == MR_OK) status = mr_plan_find(q, &job->path, mr_engine_dialect(mr_conn_engine(conn)), &binds, &plan);
    mr_run_source source = {.query = q, .binds = &binds, .named = &job->named};
    if (status == MR_OK) status = mr_load_enter(load, plan);
    if (status == MR_OK) status = mr_run_open(load, plan, &source, &job->run);
    /* Joins to the children may repeat their rows. */
    if (status == MR_OK && plan->unique) job->gather.repeats = true;
    mr_plan_release(plan);
    mr_vec_done(&binds);
    mr_query_release(q);
    return status == MR_OK ? MR_ROW : MR_FAIL;
}

mr_status mr_target_item(const mr_property *along, const mr_polymorphic *with, mr_query_item *out) {
    *out = (mr_query_item){.mapper = along->relationship->target};
    if (with && !(out->alias = mr_polymorphic_from(with, false, NULL))) return MR_FAIL;
    return MR_OK;
}

mr_status mr_job_target(const mr_job *job, mr_query_item *out) {
    return mr_target_item(job->follow->prop, job->follow->with, out);
}

bool mr_job_knows_locals(const mr_job *job) {
    const mr_relationship *rel = job->follow->prop->relationship;
    for (unsigned i = 0; i < rel->npairs; i++) {
        if (rel->pairs[i].local_slot == UINT16_MAX) return false;
        for (size_t p = 0; p < job->parents.len; p++)
            if (mr_entity_slot(mr_vec_ptr(&job->parents, p), rel->pairs[i].local_slot)->kind == MR_UNLOADED)
                return false;
    }
    return true;
}

mr_status mr_job_give_child(mr_job *job, unsigned key, unsigned child) {
    const mr_value *out = job->run->out;
    if (out[child].kind != MR_ENTITY) return MR_OK;
    for (uint32_t e = mr_keyring_find(&job->keys, &out[key]); e != MR_KEYRING_END; e = mr_keyring_next(&job->keys, e))
        if (mr_gather_child(&job->gather, mr_keyring_number(&job->keys, e), out[child].u.p) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static mr_node *one_key(mr_env *env, mr_node *const *columns, unsigned n, const mr_value *values) {
    mr_node *all = NULL;
    for (unsigned i = 0; i < n; i++) {
        mr_node *bind = mr_sql_bind(env, columns[i]->type, &values[i]);
        mr_op op = values[i].kind == MR_NULL ? MR_OP_IS : MR_OP_EQ;
        all = mr_sql_and(env, all, mr_sql_binary(env, op, mr_node_retain(columns[i]), bind));
        if (!all) return NULL;
    }
    return all;
}

mr_node *mr_keys_criterion(mr_env *env, mr_node *const *columns, unsigned n, const mr_value *values, size_t count) {
    mr_node *made = NULL;
    if (n == 1) {
        const mr_type *type = columns[0]->type;
        return mr_sql_binary(env, MR_OP_IN, columns[0], mr_sql_binds(env, type, values, count));
    }
    mr_node **keys = mr_calloc(env, (count + 1) * sizeof(mr_node *));
    bool failed = !keys;
    for (size_t i = 0; i < count && !failed; i++)
        if (!(keys[i] = one_key(env, columns, n, values + i * n))) failed = true;
    if (!failed) made = mr_sql_list(env, MR_OP_OR, keys, count);
    else if (keys)
        for (size_t i = 0; i < count; i++) mr_node_release(keys[i]);
    mr_free(env, keys);
    for (unsigned i = 0; i < n; i++) mr_node_release(columns[i]);
    return made;
}
