/*
 * job.h: the statements that run after the rows of a run were read: each job loads one relationship of many parents, by
 * its strategy. Private to src/load.
 *
 * Invariant: a job belongs to one load. Its statements may add jobs to the end of the load's list.
 */
#ifndef MOONROW_LOAD_JOB_H
#define MOONROW_LOAD_JOB_H

#include "keyring.h"
#include "run/load_state.h"

/* One job: loads one relationship of many parents. */
struct mr_job {
    mr_load *load;
    const mr_strategy *strategy;
    mr_plan *plan; /* the plan that follow belongs to */
    const mr_plan_entity *entity;
    const mr_plan_follow *follow;
    mr_query *query;         /* of the run that the job follows; or NULL */
    mr_vec named;            /* mr_named_value: that run's parameters, copied */
    mr_vec parents;          /* mr_entity *, each once: the parents whose relationship is to be loaded */
    mr_entity *first, *last; /* of all parents, in the order of their rows */
    size_t next;             /* index of the first parent that no statement has read yet */
    int form;                /* the kind of selectin's statement; 0: not decided yet */
    bool has_levels_below;   /* it leads further than to its items */
    bool unsure;             /* the statement may leave out some parents */
    mr_run *run;
    mr_gather gather;  /* children of the statement that runs */
    mr_keyring keys;   /* parents of the statement that runs, by the keys in its rows */
    mr_vec pending;    /* mr_entity *: parents whose target the statement reads */
    mr_plan_path path; /* of the target */
};

/* ---------------------------------------------------------------- job.c */

/* Adds jobs for the relationships that follow an entity of the run. entity: its number in the plan. */
mr_status mr_jobs_add(mr_run *run, uint16_t entity);
/* Adds a job for these parents (mr_entity *) to a load without rows of its own. entity and follow are borrowed until
 * the load is closed. */
mr_status mr_jobs_add_for(mr_load *load, const mr_plan_entity *entity, const mr_plan_follow *follow,
                          const mr_vec *parents);
/* Runs the load's jobs, and the jobs that they add. MR_DONE: all have run. */
mr_status mr_jobs_advance(mr_load *load);
/* Frees the load's jobs. */
void mr_jobs_done(mr_load *load);
/* Adds the options that apply below the job's relationship to the query. Consumes and returns a query; NULL: failed. */
mr_query *mr_job_options(const mr_job *job, mr_query *q);
/* Starts q as the next statement of the job. Consumes q; NULL fails. MR_ROW: it runs. */
mr_status mr_job_start(mr_job *job, mr_query *q);
/* The target of the job's relationship as an item of a query, with the subclasses that the options name. *out: its
 * alias is a new reference. */
mr_status mr_job_target(const mr_job *job, mr_query_item *out);
/* Have all parents loaded the local columns of the relationship? */
bool mr_job_knows_locals(const mr_job *job);
/* Is the parent's slot loaded, but lacks an object in it what the query loads below, or is that old? Then the slot is
 * read again, to reach it. */
bool mr_job_leads_on(const mr_job *job, mr_entity *parent);
/* Gives the child in the row (item number `child`) to the parents whose key is in the row (the items from `key` on). */
mr_status mr_job_give_child(mr_job *job, unsigned key, unsigned child);
/* x IN (values); for keys of several columns (x = ? AND y = ?) OR ... columns, values: n for each of count keys.
 * Consumes the columns. NULL: failed. */
mr_node *mr_keys_criterion(mr_env *env, mr_node *const *columns, unsigned n, const mr_value *values, size_t count);
enum { MR_KEYS_PER_STATEMENT = 500 };

/* ---------------------------------------------------------------- selectin.c */

/* *out: the identity of the parent's many-to-one target; its bytes are borrowed from buf. key: room for its values.
 * MR_NOTFOUND: a value is NULL. */
mr_status mr_target_identity(const mr_relationship *rel, mr_entity *parent, mr_strbuf *buf, mr_value *key,
                             mr_value *out);
/* The target of the relationship as an item of a query, with these subclasses (or NULL). *out: its alias is a new
 * reference. */
mr_status mr_target_item(const mr_property *along, const mr_polymorphic *with, mr_query_item *out);
/* A query that joins parents to their targets: its items are the parent's key (unless bare), and the target, whose
 * alias is consumed. keys: npk values for each of count parents. NULL: failed. */
mr_query *mr_query_from_keys(const mr_property *along, const mr_query_item *target, const mr_value *keys, size_t count,
                             bool bare);

/* ---------------------------------------------------------------- relationship.c */

/* What is loaded with the targets of a relationship: n options that apply below it, and the subclasses that are loaded
 * with them (or NULL). */
typedef struct mr_below {
    unsigned n;
    const mr_option *opts;
    const mr_polymorphic *with;
} mr_below;
/* Loads the slot with a statement of its own, and what `below` says. */
mr_status mr_lazy_load(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, const mr_below *below);

/* Is the relationship a reference by the target's key, and the target in memory (or the key NULL)? Then loading it
 * takes no statement. */
bool mr_relationship_is_in_memory(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop);

/* ---------------------------------------------------------------- limited.c */

/* A query for the first items (job->follow->limit of them) of each parent: its items are the parent's key, and the
 * target. keys: for each of count parents, joined: its primary key; else the local columns of the relationship. NULL:
 * failed. */
mr_query *mr_limited_query(const mr_job *job, const mr_value *keys, size_t count, bool joined);

/* ---------------------------------------------------------------- batch.c */

/* Loads the relationship for the entity and those after it in its group. MR_NOTFOUND: it is to be loaded alone. */
mr_status mr_batch_relationship(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop,
                                mr_batching batch, const mr_below *below);

#endif
