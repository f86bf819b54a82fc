/*
 * run.h: a load in progress: its statements, its rows, and the jobs that follow. Private to src/load.
 *
 * Everything between two steps is in these structs. Entities that are only here (not in a row that is pinned)
 * are safe as long as the heap is blocked, which it is within each call; so nothing but pinned rows is kept
 * from call to call.
 */
#ifndef MOONROW_LOAD_RUN_H
#define MOONROW_LOAD_RUN_H

#include "gather.h"
#include "keyring.h"
#include "plan.h"

typedef struct mr_run mr_run;
typedef struct mr_job mr_job;

/* What a run knows of one entity of its plan. */
typedef struct mr_run_entity {
    mr_entity *current; /* of this row; NULL: none */
    mr_entity *last;    /* of the row before, with its key: most rows of a joined parent come together */
    int64_t last_key;
    bool keyless;     /* none, though the row has it: its key is NULL */
    mr_gather gather; /* of a joined collection */
    mr_vec parents;   /* mr_entity *: whose follow-ups are to come; consecutive ones once */
} mr_run_entity;

/* One execution of a plan. */
struct mr_run {
    mr_load *load;
    mr_plan *plan;
    mr_query *query;   /* that the plan is of; or NULL */
    mr_cursor *cursor; /* NULL once read to the end */
    mr_vec named;      /* mr_named_value: owned copies of the late values and the query's parameters */
    mr_value *values;  /* the statement's parameters, borrowed */
    mr_value *row;     /* plan->ncolumns, as decoded */
    mr_value *out;     /* plan->nitems */
    mr_value *scratch; /* plan->width */
    mr_run_entity *entities;
    mr_entity *fixed; /* the entity 0 of every row, when the plan has no key for it */
    mr_strbuf key;
    int64_t rowcount;
    uint64_t rows; /* read so far */
    bool started;
};

/* Where the values of late parameters come from. */
typedef struct mr_run_source {
    mr_query *query;      /* its parents and parameters; or NULL: */
    mr_entity *parent;    /* the one parent */
    bool committed;       /* its values are those that its row has */
    const mr_value *keys; /* the identity's values */
    const mr_vec *binds;  /* the query's, in key order; or NULL */
    const mr_vec *named;  /* mr_named_value: more of them; or NULL */
    mr_entity *fixed;
} mr_run_source;

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
    bool populate;  /* what is loaded is overwritten */
    bool main_done; /* the main statement has been read to its end */
    bool entered;   /* ctx.enter was called */
    bool outside;   /* its rows are newer than what is in memory of an older version of the data */
    bool unique;
    bool keyless;       /* a row was left out because its key is NULL */
    uint32_t yield_per; /* 0: read ahead */
    size_t width;
    mr_vec rows;     /* mr_value, width for each row; entities pinned */
    size_t given;    /* rows given out */
    size_t unpinned; /* rows that are no longer pinned (yield_per) */
    mr_arena *texts; /* bytes of the rows' plain values; or NULL */
    mr_seen seen_entities;
    mr_row_set seen_rows;
    mr_seen overwritten; /* with populate: entity and property, each once */
    mr_vec jobs;         /* mr_job *, in order; */
    size_t next_job;     /* ... the one that runs or is to run */
    mr_vec events;       /* mr_load_event */
};

/* run.c */
mr_status mr_run_open(mr_load *load, mr_plan *plan, const mr_run_source *source, mr_run **out);
/* MR_ROW: run->out is filled; MR_DONE; MR_FAIL. */
mr_status mr_run_step(mr_run *run);
/* Fills what was gathered and makes jobs of what follows; nothing is remembered of the rows so far. */
mr_status mr_run_settle(mr_run *run);
void mr_run_close_cursor(mr_run *run);
void mr_run_close(mr_run *run); /* NULL passes */

/* misfit.c: what becomes of the row's values that are marked MR_VALUE_MISFIT. */
mr_status mr_run_misfits(mr_run *run);
/* The row's entities remember it: they are read again in the same way. */
void mr_run_remember_misfits(mr_run *run);

/* row.c */
/* Makes entities of run->row, and run->out of them. */
mr_status mr_row_interpret(mr_run *run);
/* The listeners of the event hear of the entity when all is loaded. */
mr_status mr_row_note_event(mr_load *load, mr_entity *entity, mr_mapper_event event);
/* Lays the entity's origin on it. */
void mr_row_set_origin(mr_entity *entity, mr_origin *origin);

/* renew.c */
/* The row's values over those of an entity of an older version of the data. */
mr_status mr_row_renew(mr_run *run, const mr_plan_entity *pe, mr_entity *entity, const mr_value *row);
/* An eager load has to ask for the relationship: it is not loaded, or of an older version of the data and
 * not changed. */
bool mr_load_lacks(const mr_load *load, mr_entity *parent, const mr_property *prop);
/* An eager load need not ask for the object, which is in memory. */
bool mr_load_knows(const mr_load *load, const mr_entity *target);

/* job.c: the statements that follow, one strategy each */
struct mr_job {
    mr_load *load;
    const mr_strategy *strategy;
    mr_plan *plan; /* that follow belongs to */
    const mr_plan_entity *entity;
    const mr_plan_follow *follow;
    mr_query *query;         /* of the run that it follows, or NULL */
    mr_vec named;            /* and that run's named values, copied */
    mr_vec parents;          /* mr_entity *, each once: those that lack what is loaded */
    mr_entity *first, *last; /* of all, in the order of their rows */
    size_t next;             /* the first parent that no statement has asked for */
    int form;                /* how selectin asks; 0: not decided yet */
    bool unsure;             /* the statement may not give all parents that it should */
    mr_run *run;
    mr_gather gather;  /* of the statement that runs */
    mr_keyring keys;   /* ... its parents by what its rows bring */
    mr_vec pending;    /* mr_entity *: references whose target the statement asks for */
    mr_plan_path path; /* of the target */
};
mr_status mr_jobs_add(mr_run *run, uint16_t entity);
/* Runs the load's jobs, and those that they bring: MR_DONE. */
mr_status mr_jobs_advance(mr_load *load);
void mr_jobs_done(mr_load *load);
/* q with the options that go on below the job's relationship. Consumes and gives a query; NULL on failure. */
mr_query *mr_job_options(const mr_job *job, mr_query *q);
/* Runs q (consumed; NULL fails) as the job's next statement: MR_ROW. */
mr_status mr_job_start(mr_job *job, mr_query *q);
/* Do all parents know the values of their own columns that the relationship compares? */
bool mr_job_knows_locals(const mr_job *job);
/* The parent's slot is loaded, and what follows it is old: it is asked for again, for the way there. */
bool mr_job_leads_to_older(const mr_job *job, mr_entity *parent);
/* Gives the row's child, the item number `child`, to the parents whose key is the items from `key` on. */
mr_status mr_job_give(mr_job *job, unsigned key, unsigned child);
/* x IN (the values), or for keys of several columns (x = ? AND y = ?) OR ... columns and values: n for each
 * of count keys. Consumes the columns. */
mr_node *mr_keys_criterion(mr_env *env, mr_node *const *columns, unsigned n, const mr_value *values, size_t count);
enum { MR_KEYS_PER_STATEMENT = 500 };

/* selectin.c: the identity of the parent's many-to-one target: MR_NOTFOUND where a value is NULL. key: room
 * for its values. */
mr_status mr_target_identity(const mr_relationship *rel, mr_entity *parent, mr_strbuf *buf, mr_value *key,
                             mr_value *out);
/* folded.c: does the database compare a column of the relationship by rules of its own? Then it has to join the
 * rows. */
mr_status mr_relationship_folds(mr_conn *conn, const mr_relationship *rel, bool *out);
/* spelling.c: is the row whose key the database gives as `identity` the one that it finds by the entity's? MR_OK;
 * MR_NOTFOUND. */
mr_status mr_spelling_is_of(mr_load *load, const mr_entity *entity, const mr_value *identity);
/* folded.c: does the database compare the column's values by rules of its own? Keeps *out where it is true. */
mr_status mr_column_folds(mr_conn *conn, mr_column *column, bool *out);
/* selectin.c: the keys of parents, count of the parent's npk values each, joined to their targets: the keys (unless
 * bare), then the target. NULL on failure. */
mr_query *mr_query_through(const mr_property *along, const mr_value *keys, size_t count, bool bare);
/* relationship.c: loads the slot with a statement of its own, and what opts say below. */
mr_status mr_lazy_load(const mr_load_context *ctx, mr_entity *entity, const mr_property *prop, unsigned nopts,
                       const mr_option *opts);

/* load.c */
/* The context of what is read for an object: stored values of other types become what they became in its row. */
mr_load_context mr_load_as_read(const mr_load_context *ctx, const mr_entity *entity);
mr_status mr_load_new(const mr_load_context *ctx, mr_load **out);
/* Reads until rows can be given: MR_OK. */
mr_status mr_load_advance(mr_load *load);
/* A load of a plan without a query: get, refresh, lazy loads. */
mr_status mr_load_open(const mr_load_context *ctx, mr_plan *plan, const mr_run_source *source, bool populate,
                       mr_load **out);
/* get.c: a load of the class's prepared statement. values: the key's. fixed: the entity that is to be filled,
 * whatever the row's spelling of the key, or NULL. */
mr_status mr_get_open(const mr_load_context *ctx, mr_mapper *mapper, const mr_value *values, bool populate,
                      mr_entity *fixed, mr_load **out);
/* mr_load_all of a load by this key: MultipleResultsFound where it is NULL in part, and several rows have it. */
mr_status mr_load_whole(mr_load *load, const mr_mapper *mapper, const mr_value *key, const mr_value **rows, size_t *n);
/* Runs it to the end within one call. */
mr_status mr_load_finish(mr_load *load);

#endif
