/*
 * delete.c: deletes rows, with one batch for neighbouring rows of one class.
 *
 * Invariant: a row is found by the key that it has in the database, and by its version if it has one.
 */
#include "batch.h"
#include "rows.h"
#include "values.h"

/* The key of a row to be deleted may have changed with its parent's key, by ON UPDATE CASCADE: uses the new one. */
static mr_status follow_key(mr_flush *flush, flush_op *op) {
    for (const flush_sync *sync = op->syncs; sync; sync = sync->next)
        if (mr_flush_stage_sync(flush, op, sync) != MR_OK) return MR_FAIL;
    if (op->syncs && op->staged) op->flags |= OP_KEY_CASCADED;
    return MR_OK;
}

/* Deletes one part of the row; with the first one, which comes last, the row is gone. */
static mr_status send_row(flush_batch *batch, flush_op *op, uint16_t part) {
    mr_node **inlined;
    uint64_t *shape = mr_flush_shape(batch->flush, op->cls, &inlined);
    if (!shape || follow_key(batch->flush, op) != MR_OK) return MR_FAIL;
    if (!(op->flags & OP_SWITCHED)) {
        flush_wanted wanted = {.kind = STATEMENT_DELETE, .shape = shape, .rows = 1, .keep = true, .part = part};
        if (mr_flush_is_partial(batch->flush, op, &wanted.partial) != MR_OK ||
            mr_flush_batch_set_statement(batch, op->cls, &wanted) != MR_OK || mr_flush_batch_row(batch, op) != MR_OK)
            return MR_FAIL;
    }
    if (part > 0) return MR_OK;
    op->flags |= OP_WRITTEN;
    return mr_flush_add_result(batch->flush, op);
}

/* Sends rows from the first on, as long as each is found by its key alone. *sent: how many. */
static mr_status send_run(flush_batch *batch, flush_op *const *ops, size_t n, size_t *sent) {
    mr_flush *flush = batch->flush;
    mr_value *values;
    if (ops[0]->cls->nparts > 1) return MR_OK;
    mr_status status = mr_flush_batch_goes_on(batch, ops[0]->cls, STATEMENT_DELETE, &values);
    if (status != MR_OK) return status == MR_DONE ? MR_OK : MR_FAIL;
    for (size_t i = 0; i < n && ops[i]->cls == batch->cls && !ops[i]->syncs && !(ops[i]->flags & OP_SWITCHED); i++) {
        flush_op *op = ops[i];
        mr_flush_prefetch(ops, i, n);
        values[0] = mr_flush_plain_key(batch->st, op);
        batch->expected++;
        flush->sent = true;
        if (mr_batch_row(&batch->rows, values, op) != MR_OK) return MR_FAIL;
        op->flags |= OP_WRITTEN;
        if (mr_flush_add_result(flush, op) != MR_OK) return MR_FAIL;
        *sent = i + 1;
    }
    return MR_OK;
}

/* Deletes one part of each row that has it. */
static mr_status delete_part(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n, uint16_t part) {
    flush_batch batch;
    if (mr_flush_batch_begin(&batch, flush, group, mr_flush_batch_count) != MR_OK) return MR_FAIL;
    mr_status status = MR_OK;
    for (size_t i = 0, sent; i < n && status == MR_OK; i += sent) {
        sent = 0;
        status = send_run(&batch, ops + i, n - i, &sent);
        if (status != MR_OK || sent > 0) continue;
        if (part < ops[i]->cls->nparts) status = send_row(&batch, ops[i], part);
        sent = 1;
    }
    return mr_flush_batch_end(&batch, status);
}

mr_status mr_flush_delete_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n) {
    mr_status status = MR_OK;
    for (uint16_t part = mr_flush_most_parts(ops, n); part-- > 0 && status == MR_OK;)
        status = delete_part(flush, group, ops, n, part);
    return status;
}
