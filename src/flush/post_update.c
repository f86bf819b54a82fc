/*
 * post_update.c: writes foreign keys in UPDATEs of their own: after all inserts and updates, or as NULL before all
 * deletes. So rows may refer to each other in a cycle, and a new row may refer to itself.
 *
 * Invariant: a row gets at most one UPDATE of each of the two kinds, for all its relationships together.
 */
#include "batch.h"
#include "rows.h"
#include "values.h"

#include <string.h>

/* ---------------------------------------------------------------- the columns to write */

static flush_post *post_at(const mr_flush *flush, uint32_t number) { return mr_vec_at(&flush->posts, number - 1); }

/* The number of the row's first post; 0: it has none. */
static uint32_t first_post(const flush_op *op) { return op->rare ? op->rare->posts : 0; }

/* Steps through the columns of the foreign key, without those of the primary key. false: no more. */
static bool next_column(const flush_post *post, unsigned *at, unsigned *column) {
    const mr_relationship *rel = post->sync.rel;
    const flush_class *cls = post->op->cls;
    while (*at < rel->npairs) {
        const mr_column_pair *pair = &rel->pairs[(*at)++];
        uint16_t slot = rel->direction == MR_MANY_TO_ONE ? pair->local_slot : pair->remote_slot;
        uint16_t c = slot < cls->nslots ? cls->column_of[slot] : FLUSH_NO_COLUMN;
        *column = c;
        if (c != FLUSH_NO_COLUMN && !cls->columns[c].key) return true;
    }
    return false;
}

static void mark(const flush_post *post, uint64_t *shape, bool set) {
    unsigned c;
    for (unsigned at = 0; next_column(post, &at, &c);) {
        if (set) mr_flush_set_bit(shape, c);
        else shape[c / 64] &= ~(UINT64_C(1) << (c % 64));
    }
}

/* Marks the columns that were set after the inserts: they are not set to NULL again, unless the row is deleted. */
static void mark_given(const mr_flush *flush, const flush_op *op, uint64_t *shape, bool set) {
    for (uint32_t n = first_post(op); n && op->kind != OP_DELETE; n = post_at(flush, n)->next) {
        const flush_post *post = post_at(flush, n);
        if (!post->before_delete && post->sync.source) mark(post, shape, set);
    }
}

static bool is_given(const flush_post *post, const uint64_t *shape) {
    unsigned c;
    for (unsigned at = 0; next_column(post, &at, &c);)
        if (mr_flush_has_bit(shape, c)) return true;
    return false;
}

/* Stages the foreign keys. If an old parent clears a key and a new one sets it, it is set. */
static mr_status stage_keys(mr_flush *flush, flush_op *op, bool before_delete, uint64_t *shape) {
    if (before_delete) mark_given(flush, op, shape, true);
    for (uint32_t n = first_post(op); n; n = post_at(flush, n)->next) {
        flush_post *post = post_at(flush, n);
        if (post->before_delete != before_delete || post->sent) continue;
        post->sent = before_delete && is_given(post, shape);
    }
    if (before_delete) mark_given(flush, op, shape, false);
    for (int setting = 0; setting < 2; setting++)
        for (uint32_t n = first_post(op); n; n = post_at(flush, n)->next) {
            flush_post *post = post_at(flush, n);
            bool sets = post->sync.source != NULL;
            if (post->before_delete != before_delete || post->sent || sets != (setting == 1)) continue;
            post->sent = true;
            if (mr_flush_stage_sync(flush, op, &post->sync) != MR_OK) return MR_FAIL;
            mark(post, shape, true);
        }
    return MR_OK;
}

/* Stages onupdate defaults, except for columns that the program sets in this flush. */
static mr_status stage_onupdate(mr_flush *flush, flush_op *op, uint64_t *shape) {
    const flush_class *cls = op->cls;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        const mr_default *onupdate = &cls->columns[c].column->onupdate;
        if (onupdate->kind == MR_DEFAULT_NONE || mr_flush_has_bit(shape, c)) continue;
        bool set = op->kind == OP_INSERT ? mr_flush_slot(op, cls->columns[c].slot)->kind != MR_UNLOADED
                                         : mr_entity_is_dirty(op->entity, cls->columns[c].slot);
        if (set) continue;
        if (mr_flush_stage_default(flush, op, c, onupdate) != MR_OK) return MR_FAIL;
        mr_flush_set_bit(onupdate->kind == MR_DEFAULT_SQL ? shape + mr_flush_words(cls) : shape, c);
    }
    return MR_OK;
}

/* Stages the next version. A row that this flush has inserted keeps its first one. */
static mr_status stage_version(mr_flush *flush, flush_op *op, uint64_t *shape) {
    unsigned c = op->cls->version_column;
    if (c == FLUSH_NO_COLUMN) return MR_OK;
    if (op->kind != OP_DELETE && (op->flags & OP_WRITTEN) && mr_flush_version_written(flush, op) != MR_OK)
        return MR_FAIL;
    if (op->kind == OP_INSERT || op->cls->mapper->version_by_hand) return MR_OK;
    mr_flush_set_bit(shape, c);
    return mr_flush_stage_version(flush, op, mr_flush_version(op));
}

/* ---------------------------------------------------------------- sending */

static mr_status row_posted(void *batch, void *row, mr_status step) {
    if (mr_flush_batch_count(batch, row, step) != MR_OK) return MR_FAIL;
    return mr_flush_version_written(((flush_batch *)batch)->flush, row);
}

static mr_status send_row(flush_batch *batch, flush_op *op, bool before_delete) {
    mr_flush *flush = batch->flush;
    mr_node **inlined;
    bool any = false;
    uint64_t *shape = mr_flush_shape(flush, op->cls, &inlined);
    if (!shape || stage_keys(flush, op, before_delete, shape) != MR_OK) return MR_FAIL;
    for (size_t w = 0; w < mr_flush_words(op->cls); w++) any = any || shape[w];
    if (!any) return MR_OK;
    /* The version comes first: a version with its own generator has no other onupdate. */
    if (stage_version(flush, op, shape) != MR_OK || stage_onupdate(flush, op, shape) != MR_OK ||
        mr_flush_stage_computed(flush, op) != MR_OK)
        return MR_FAIL;
    uint64_t *all = shape;
    size_t words = 2 * mr_flush_words(op->cls);
    for (uint16_t part = 0; part < op->cls->nparts; part++) {
        if (op->cls->nparts > 1) {
            if (part == 0 && !(all = mr_arena_alloc(flush->arena, words * sizeof *all))) return MR_FAIL;
            memcpy(part ? shape : all, part ? all : shape, words * sizeof *all);
            if (!mr_flush_mask(op->cls, part, shape, inlined)) continue;
        }
        flush_wanted wanted = {.kind = STATEMENT_UPDATE, .shape = shape, .rows = 1, .keep = true, .part = part};
        if (mr_flush_is_partial(flush, op, &wanted.partial) != MR_OK ||
            mr_flush_batch_set_statement(batch, op->cls, &wanted) != MR_OK || mr_flush_batch_row(batch, op) != MR_OK)
            return MR_FAIL;
    }
    if (op->kind != OP_UPDATE) return MR_OK;
    op->flags |= OP_POSTED;
    return op->flags & OP_HAS_RESULT ? MR_OK : mr_flush_add_result(flush, op);
}

static mr_status run_group(mr_flush *flush, flush_group *group, bool before_delete) {
    flush_batch batch = {0};
    mr_status status = MR_OK;
    for (size_t i = 0; i < flush->posts.len && status == MR_OK; i++) {
        const flush_post *post = mr_vec_at(&flush->posts, i);
        if (post->before_delete != before_delete || post->sent || post->op->cls->mapper->root != group->root) continue;
        if (post->op->kind == OP_DELETE && (post->op->flags & OP_SWITCHED)) continue;
        if (!batch.flush) status = mr_flush_batch_begin(&batch, flush, group, row_posted);
        if (status == MR_OK) status = send_row(&batch, post->op, before_delete);
    }
    return batch.flush ? mr_flush_batch_end(&batch, status) : status;
}

mr_status mr_flush_run_posts(mr_flush *flush, bool before_delete) {
    for (size_t i = 0; flush->posts.len > 0 && i < flush->groups.len; i++)
        if (run_group(flush, mr_vec_at(&flush->groups, i), before_delete) != MR_OK) return MR_FAIL;
    return MR_OK;
}
