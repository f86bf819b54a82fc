/*
 * post_update.c: foreign keys that are written apart from their rows: after all saves, or as NULL before all
 * deletes. So rows may refer to each other in a cycle, and a new row to itself.
 */
#include "batch.h"

static mr_status send_post(flush_batch *batch, const flush_post *post) {
    mr_flush *flush = batch->flush;
    flush_op *op = post->op;
    const mr_relationship *rel = post->sync.rel;
    mr_node **inlined;
    uint64_t *shape = mr_flush_shape(flush, op->cls, &inlined);
    if (!shape || mr_flush_stage_sync(flush, op, &post->sync) != MR_OK) return MR_FAIL;
    bool own = rel->direction == MR_MANY_TO_ONE, any = false;
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = own ? rel->pairs[i].local_slot : rel->pairs[i].remote_slot;
        uint16_t c = slot < op->cls->nslots ? op->cls->column_of[slot] : FLUSH_NO_COLUMN;
        if (c == FLUSH_NO_COLUMN || op->cls->columns[c].key) continue;
        mr_flush_set_bit(shape, c);
        any = true;
    }
    if (!any) return MR_OK;
    flush_wanted wanted = {.kind = STATEMENT_POST, .shape = shape, .rows = 1, .keep = true};
    if (mr_flush_batch_use(batch, op->cls, &wanted) != MR_OK || mr_flush_batch_row(batch, op) != MR_OK)
        return MR_FAIL;
    if (op->kind != OP_UPDATE) return MR_OK;
    op->flags |= OP_POSTED;
    return op->flags & OP_NOTED ? MR_OK : mr_flush_note(flush, op, MR_FLUSH_UPDATE);
}

static mr_status run_group(mr_flush *flush, flush_group *group, bool before_delete) {
    flush_batch batch = {0};
    mr_status status = MR_OK;
    for (size_t i = 0; i < flush->posts.len && status == MR_OK; i++) {
        const flush_post *post = mr_vec_at(&flush->posts, i);
        if (post->before_delete != before_delete || post->op->cls->mapper->root != group->root) continue;
        if (post->op->kind == OP_DELETE && (post->op->flags & OP_SWITCHED)) continue;
        if (!batch.flush) status = mr_flush_batch_begin(&batch, flush, group);
        if (status == MR_OK) status = send_post(&batch, post);
    }
    return batch.flush ? mr_flush_batch_end(&batch, status) : status;
}

mr_status mr_flush_run_posts(mr_flush *flush, bool before_delete) {
    for (size_t i = 0; flush->posts.len > 0 && i < flush->groups.len; i++)
        if (run_group(flush, mr_vec_at(&flush->groups, i), before_delete) != MR_OK) return MR_FAIL;
    return MR_OK;
}
