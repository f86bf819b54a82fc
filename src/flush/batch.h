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
    size_t expected; /* rows */
    int64_t matched;
    const flush_op *missing; /* the first that was not matched */
} flush_batch;

/* Connects. */
mr_status mr_flush_batch_begin(flush_batch *batch, mr_flush *flush, flush_group *group);
/* Makes the statement the wanted one; another shape begins another batch. */
mr_status mr_flush_batch_use(flush_batch *batch, flush_class *cls, flush_wanted *wanted);
/* Binds the row (or rows, of a multi-row INSERT) and steps once: MR_ROW or MR_DONE. */
mr_status mr_flush_batch_send(flush_batch *batch, flush_op *const *ops);
/* An UPDATE or DELETE of one row. */
mr_status mr_flush_batch_row(flush_batch *batch, flush_op *op);
/* Ends; status is what is returned unless a row was not matched: StaleDataError. */
mr_status mr_flush_batch_end(flush_batch *batch, mr_status status);

#endif
