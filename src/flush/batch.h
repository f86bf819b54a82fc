/*
 * batch.h: neighbouring rows of the same shape, sent through one prepared statement.
 *
 * Invariant: a batch that was begun must be ended, also after a failure.
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
    mr_batch rows; /* the rows that wait for the cursor */
    mr_status (*ran)(void *batch, void *row, mr_status step);
    flush_op *const *objects; /* of INSERTs: the nobjects operations of the call, for messages */
    size_t nobjects;
    mr_table_facts facts;    /* facts about the table of an INSERT or UPDATE */
    uint64_t facts_schema;   /* mr_conn_schema_seen at the time of the facts */
    size_t expected;         /* the number of rows sent */
    int64_t matched;         /* the number of rows matched */
    const flush_op *missing; /* the first row that was not matched */
} flush_batch;

/* Begins a batch, and connects. ran: called for each row that was sent, with the batch, the row, and the result. */
mr_status mr_flush_batch_begin(flush_batch *batch, mr_flush *flush, flush_group *group,
                               mr_status (*ran)(void *batch, void *row, mr_status step));
/* Makes the statement the wanted one. For another statement, sends the waiting rows first. */
mr_status mr_flush_batch_set_statement(flush_batch *batch, flush_class *cls, flush_wanted *wanted);
/* Sends a row, or the rows of a multi-row INSERT, with the parameters of ops. The row may wait until the end of the
 * batch. */
mr_status mr_flush_batch_send(flush_batch *batch, flush_op *const *ops, void *row);
/* May rows of this class go on with the present statement, a plain one of that kind, without asking what else there is
 * to do? *values: room for its parameters. MR_DONE: no. */
mr_status mr_flush_batch_goes_on(const flush_batch *batch, const flush_class *cls, flush_statement_kind kind,
                                 mr_value **values);
/* Sends an UPDATE or DELETE of one row. The batch's ran must be mr_flush_batch_count, or call it. */
mr_status mr_flush_batch_row(flush_batch *batch, flush_op *op);
/* flush_batch.ran: counts whether the row (a flush_op *) was matched, and takes the values of RETURNING. */
mr_status mr_flush_batch_count(void *batch, void *row, mr_status step);
/* Gets the facts about the table; again when the connection has seen another schema. */
mr_status mr_flush_batch_ask_facts(flush_batch *batch);
/* skipped.c: InvalidRequestError: the statement expects a key from a table that makes none. */
mr_status mr_flush_check_key_is_made(const flush_batch *batch);
/* Records a StaleDataError: only `inserted` of the n rows were inserted. */
mr_status mr_flush_skipped(const flush_batch *batch, flush_op *const *ops, size_t n, int64_t inserted);
/* The largest number of parts of the operations' classes. */
uint16_t mr_flush_most_parts(flush_op *const *ops, size_t n);
/* Sends the waiting rows. */
mr_status mr_flush_batch_send_waiting(flush_batch *batch);
/* Ends the batch. Returns status, or MR_FAIL if a row was not matched (StaleDataError). */
mr_status mr_flush_batch_end(flush_batch *batch, mr_status status);

#endif
