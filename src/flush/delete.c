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

static mr_status send_row(flush_batch *batch, flush_op *op) {
    mr_node **inlined;
    uint64_t *shape = mr_flush_shape(batch->flush, op->cls, &inlined);
    if (!shape || follow_key(batch->flush, op) != MR_OK) return MR_FAIL;
    if (!(op->flags & OP_SWITCHED)) {
        flush_wanted wanted = {.kind = STATEMENT_DELETE, .shape = shape, .rows = 1, .keep = true};
        if (mr_flush_is_partial(batch->flush, op, &wanted.partial) != MR_OK ||
            mr_flush_batch_set_statement(batch, op->cls, &wanted) != MR_OK || mr_flush_batch_row(batch, op) != MR_OK)
            return MR_FAIL;
    }
    op->flags |= OP_WRITTEN;
    return mr_flush_add_result(batch->flush, op);
}

mr_status mr_flush_delete_rows(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n) {
    flush_batch batch;
    if (mr_flush_batch_begin(&batch, flush, group, mr_flush_batch_count) != MR_OK) return MR_FAIL;
    mr_status status = MR_OK;
    for (size_t i = 0; i < n && status == MR_OK; i++) status = send_row(&batch, ops[i]);
    return mr_flush_batch_end(&batch, status);
}
