/*
 * load_state.h: the state of a load in progress. Private to src/load.
 *
 * Invariant: a load reads, then runs its jobs, then gives rows out; with yield_per it does so for each batch of rows.
 */
#ifndef MOONROW_LOAD_LOAD_STATE_H
#define MOONROW_LOAD_LOAD_STATE_H

#include "run.h"

typedef enum mr_load_state { MR_LOAD_READING, MR_LOAD_FOLLOWING, MR_LOAD_GIVING, MR_LOAD_FAILED } mr_load_state;

typedef struct mr_load_event {
    mr_entity *entity;
    mr_mapper_event event;
} mr_load_event;

struct mr_load {
    mr_load_context ctx;
    mr_env *env;
    mr_heap *heap;
    mr_load_state state;
    mr_run *main;
    bool populate;     /* loaded slots are overwritten */
    bool main_done;    /* the main statement has been read to its end */
    bool entered;      /* ctx.enter was called */
    bool without_rows; /* it has no statement of its own, only jobs for objects in memory: see batch.c */
    bool outside;      /* rows may be newer than the objects in memory */
    bool unique;
    bool keyless;       /* a row was left out, because its key is NULL */
    uint32_t yield_per; /* 0: read ahead */
    size_t width;
    bool has_objects; /* rows may have entities, which are pinned */
    mr_vec rows;      /* mr_value, width for each row; their entities are pinned */
    size_t given;     /* the number of rows given out */
    size_t unpinned;  /* the number of rows whose entities are unpinned again (yield_per) */
    mr_arena *texts;  /* bytes of the rows' plain values; or NULL */
    mr_seen seen_entities;
    mr_row_set seen_rows;
    uint32_t since;      /* the version of collections when this batch of rows began: see mr_load_must_ask */
    mr_seen overwritten; /* with populate: each entity and property only once */
    mr_vec jobs;         /* mr_job *, in order */
    size_t next_job;     /* index in jobs: the one that runs, or is next */
    mr_vec events;       /* mr_load_event */
};

/* ---------------------------------------------------------------- load.c */

/* The context for reading more of an object: bad values are treated as they were in its row. */
mr_load_context mr_load_context_of(const mr_load_context *ctx, const mr_entity *entity);
/* Makes a load of the memory at load. MR_FAIL: no memory. */
mr_status mr_load_init(mr_load *load, const mr_load_context *ctx);
/* Tells listeners of the objects that were loaded. */
mr_status mr_load_fire_events(mr_load *load);
/* A load that has no rows, only jobs: mr_jobs_add_for adds them, mr_load_run_jobs runs them. *out: close it. */
mr_status mr_load_open_jobs(const mr_load_context *ctx, mr_load **out);
mr_status mr_load_run_jobs(mr_load *load);
/* Begins the snapshot for the statements of a load, if the plan is not the last of them. */
mr_status mr_load_enter(mr_load *load, const mr_plan *plan);
/* mr_load_start with values (mr_named_value; or NULL) for named parameters, before those that the query has. fixed: the
 * object that the rows of the query's first class are, however they spell its key; or NULL. */
mr_status mr_load_start_named(const mr_load_context *ctx, mr_query *query, const mr_vec *named, mr_entity *fixed,
                              mr_load **out);
/* one.c: reads the first row of a simple plan, and none after it. conn: that of ctx for the plan's class. values: the
 * statement's parameters. *out: its object, pinned. MR_NOTFOUND: there is no row. MR_DONE: the row's key is NULL,
 * another row may have one: run a query. The caller has blocked the heap. */
mr_status mr_load_one(const mr_load_context *ctx, mr_conn *conn, mr_plan *plan, const mr_value *values,
                      mr_entity **out);
/* The same of all rows: appends their objects to items (mr_entity *), in order. Nothing pins them: the caller keeps the
 * heap blocked until something refers to them. */
mr_status mr_load_objects(const mr_load_context *ctx, mr_conn *conn, mr_plan *plan, const mr_value *values,
                          mr_vec *items);
/* Starts a load of a plan without a query: for get, refresh and lazy loads. populate: overwrites loaded slots. */
mr_status mr_load_open(const mr_load_context *ctx, mr_plan *plan, const mr_run_source *source, bool populate,
                       mr_load **out);
/* The same with a yield_per. */
mr_status mr_load_open_reading(const mr_load_context *ctx, mr_plan *plan, const mr_run_source *source,
                               uint32_t yield_per, bool populate, mr_load **out);
/* mr_load_all for a load by this key. MultipleResultsFound: a part of the key is NULL, and several rows have it. */
mr_status mr_load_all_of_key(mr_load *load, const mr_mapper *mapper, const mr_value *key, const mr_value **rows,
                             size_t *n);

/* ---------------------------------------------------------------- get.c */

/* Starts a load with the prepared statement of the class. values: the key. fixed: the entity that the row is to fill,
 * even if the row spells its key differently; or NULL. */
mr_status mr_get_open(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values, bool populate,
                      mr_entity *fixed, mr_load **out);
/* A query for the key, with the loader and execution options of another query. NULL: failed. */
mr_query *mr_get_query(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values, const mr_query *options);

/* ---------------------------------------------------------------- refresh.c */

/* The next of the columns that mr_load_refresh loads of the entity without a list. *index: 0 at first. NULL: there are
 * no more. */
mr_property *mr_refresh_next_lacking(mr_entity *entity, size_t *index);

/* ---------------------------------------------------------------- as_loaded.c */

/* Do the options of the query that has loaded the entity say how its row is to be read again? columns: those for its
 * columns count, too, and not only those for its relationships. */
bool mr_as_loaded_matters(const mr_load_context *ctx, const mr_entity *entity, bool columns);
/* Starts a load that fills the entity with these options. values: its key. *out: close it. */
mr_status mr_as_loaded_open(const mr_load_context *ctx, mr_entity *entity, const mr_value *values, bool columns,
                            mr_load **out);

#endif
