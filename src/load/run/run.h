/*
 * run.h: one execution of a plan, and the functions that make entities of its rows. Private to src/load.
 *
 * Invariant: everything that lasts from one step to the next is in these structs. The heap is blocked during each call,
 * and only then; so between calls only the entities of rows that were given out are certain to be alive: they are
 * pinned.
 */
#ifndef MOONROW_LOAD_RUN_H
#define MOONROW_LOAD_RUN_H

#include "gather.h"
#include "plan/plan.h"

typedef struct mr_run mr_run;

/* The state of a run for one entity of its plan. */
typedef struct mr_run_entity {
    mr_entity *current; /* the entity of this row; NULL: none */
    mr_entity *last;    /* the entity of the row before, and its key: rows of one parent are mostly neighbours */
    int64_t last_key;
    const mr_plan_identity *identity; /* the class of the row before, if that is told by a column */
    bool keyless;                     /* there is no entity because the row's key is NULL */
    mr_gather gather;                 /* collects the items of a joined collection */
    mr_vec parents;                   /* mr_entity *: jobs will load relationships of these; neighbours once */
} mr_run_entity;

/* One execution of a plan. */
struct mr_run {
    mr_load *load;
    mr_plan *plan;
    mr_query *query;   /* the plan was made of it; or NULL */
    mr_cursor *cursor; /* NULL: read to the end */
    mr_vec named;      /* mr_named_value: owned copies of the late values and the query's parameters */
    mr_value *values;  /* the statement's parameters, borrowed */
    mr_value *row;     /* plan->ncolumns values, decoded */
    mr_value *out;     /* plan->nitems */
    mr_run_entity *entities;
    mr_entity *fixed; /* entity 0 of every row, if the plan has no key for it */
    mr_strbuf key;
    int64_t rowcount;
    uint64_t rows; /* read so far */
    bool started;
    bool grouped; /* the objects of each entity make a group */
    bool simple;  /* the plan is simple, and its objects make no group */
};

/* The sources of the values of late parameters. */
typedef struct mr_run_source {
    mr_query *query;      /* its parents and parameters; NULL: the next fields */
    mr_entity *parent;    /* the only parent */
    bool committed;       /* use the values of its row */
    const mr_value *keys; /* the identity's values */
    const mr_vec *binds;  /* the query's parameters, in the order of its key; or NULL */
    const mr_vec *named;  /* mr_named_value: more parameters; or NULL */
    mr_entity *fixed;
} mr_run_source;

/* ---------------------------------------------------------------- run.c */

/* Starts the plan's statement. source: the values of its late parameters. *out: close it. */
mr_status mr_run_open(mr_load *load, mr_plan *plan, const mr_run_source *source, mr_run **out);
/* Runs a plan whose parameters are known; they must live until the run is closed. *out: close it when this fails, too.
 */
mr_status mr_run_open_with(mr_load *load, mr_plan *plan, const mr_value *values, mr_run **out);
/* Reads the next row. MR_ROW: run->out is filled; MR_DONE: there are no more; MR_FAIL. */
mr_status mr_run_step(mr_run *run);
/* Fills the joined collections that the rows so far have given, and adds jobs for the relationships that follow. Then
 * nothing is remembered of these rows. */
mr_status mr_run_finish_rows(mr_run *run);
void mr_run_close_cursor(mr_run *run);
void mr_run_close(mr_run *run); /* NULL passes */

/* ---------------------------------------------------------------- misfit.c */

/* Under another bad_values than "raise": has the row's JSON be read so when it is asked for. Returns whether the row
 * has values that are read then: JSON, or those of decorated types. */
bool mr_run_mark_late(mr_run *run);
/* Refuses or converts the values of the row that are marked MR_VALUE_MISFIT. */
mr_status mr_run_misfits(mr_run *run);
/* Flags the entities of a row that has such values, or ones that are read later: they are read in the same way, again
 * and later. */
void mr_run_remember_misfits(mr_run *run);

/* ---------------------------------------------------------------- row.c */

/* Makes entities of run->row, and fills run->out. */
mr_status mr_row_interpret(mr_run *run);
/* Notes that listeners of the event are to be called with the entity, when everything is loaded. */
mr_status mr_row_note_event(mr_load *load, mr_entity *entity, mr_mapper_event event);

/* ---------------------------------------------------------------- renew.c */

/* Writes the row's values over those of an entity that is of an older version of the data. */
mr_status mr_row_renew(mr_run *run, const mr_plan_entity *pe, mr_entity *entity, const mr_value *row);
/* Must an eager load ask for the relationship of the parent? Yes if it is not loaded, or is of an older version of the
 * data and not changed. A part that the load itself has filled stays: of two limits, that of the upper path holds. */
bool mr_load_must_ask(const mr_load *load, mr_entity *parent, const mr_property *prop);
/* Is the object in memory new enough, so that an eager load need not read its row? */
bool mr_load_is_up_to_date(const mr_load *load, const mr_entity *target);

/* ---------------------------------------------------------------- folded.c, spelling.c */

/* *out: does the database compare a column of the relationship by its own rules? Then the database must join the rows.
 */
mr_status mr_relationship_folds(mr_conn *conn, const mr_relationship *rel, bool *out);
/* The same for one column. *out stays true if it is true already. */
mr_status mr_column_folds(mr_conn *conn, mr_column *column, bool *out);
/* The database has a row whose key is `identity`. Is it the row that the entity's key finds? MR_OK: yes; MR_NOTFOUND:
 * no. */
mr_status mr_spelling_is_same_row(mr_load *load, const mr_entity *entity, const mr_value *identity);

#endif
