/*
 * batch.h: rows of equal shape in a row: one prepared statement, one record.
 */
#ifndef MOONROW_FLUSH_BATCH_H
#define MOONROW_FLUSH_BATCH_H

#include "statement.h"

typedef struct flush_batch {
    mr_flush *flush;
    flush_group *group;
    flush_class *cls;
    flush_statement *st;
    mr_cursor *cursor;
    mr_batch rows; /* through the cursor */
    mr_status (*ran)(void *batch, void *row, mr_status step);
    mr_table_facts facts;  /* of an INSERT's or UPDATE's table */
    uint64_t facts_schema; /* mr_conn_schema_seen when they were asked */
    size_t expected;       /* rows */
    int64_t matched;
    const flush_op *missing; /* the first that was not matched */
} flush_batch;

/* Connects. ran: called with the batch and the row that was sent, as it has run. */
mr_status mr_flush_batch_begin(flush_batch *batch, mr_flush *flush, flush_group *group,
                               mr_status (*ran)(void *batch, void *row, mr_status step));
/* Makes the statement the wanted one; another shape begins another batch. */
mr_status mr_flush_batch_use(flush_batch *batch, flush_class *cls, flush_wanted *wanted);
/* Sends the row, or the rows of a multi-row INSERT, whose parameters are of ops. It may run as late as the
 * batch ends. */
mr_status mr_flush_batch_send(flush_batch *batch, flush_op *const *ops, void *row);
/* An UPDATE or DELETE of one row; ran is mr_flush_batch_count, or calls it. */
mr_status mr_flush_batch_row(flush_batch *batch, flush_op *op);
/* The row (a flush_op *) should have been matched; takes what RETURNING gives. */
mr_status mr_flush_batch_count(void *batch, void *row, mr_status step);
/* Asks for the facts, and again once the connection has met another schema. */
mr_status mr_flush_batch_ask_facts(flush_batch *batch);
/* skipped.c: InvalidRequestError where the statement leaves its key to a table that makes none. */
mr_status mr_flush_check_key_is_made(const flush_batch *batch);
/* Records a StaleDataError: only `inserted` of the n rows were inserted. */
mr_status mr_flush_skipped(const flush_batch *batch, flush_op *const *ops, size_t n, int64_t inserted);
/* What waits runs now. */
mr_status mr_flush_batch_run(flush_batch *batch);
/* Ends; status is what is returned unless a row was not matched: StaleDataError. */
mr_status mr_flush_batch_end(flush_batch *batch, mr_status status);

#endif
