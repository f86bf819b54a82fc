/*
 * run.c: sends the planned statements: inserts and updates in the order of the tables, then link rows, then deletes in
 * the reverse order. Tables that refer to each other are written level by level.
 *
 * Invariant: no entity changes here: after a failed statement all entities are as before.
 */
#include "rows.h"
#include "unit.h"
#include "values.h"

mr_status mr_flush_connect(mr_flush *flush, flush_group *group) {
    if (group->conn) return MR_OK;
    return flush->ctx.connection(flush->ctx.ud, group->root, &group->conn);
}

mr_status mr_flush_mark_written(mr_flush *flush, flush_op *op) {
    if (!flush->hooked || mr_flush_written(op)) return MR_OK;
    flush_rare *rare = mr_flush_rare_of(flush, op);
    mr_value *written = rare ? mr_arena_alloc(flush->arena, op->cls->ncolumns * sizeof *written) : NULL;
    if (!written) return MR_FAIL;
    rare->written = written;
    for (unsigned c = 0; c < op->cls->ncolumns; c++)
        if (mr_value_copy(flush->env, &written[c], mr_flush_slot(op, op->cls->columns[c].slot)) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

mr_status mr_flush_add_result(mr_flush *flush, flush_op *op) {
    if (mr_flush_push(&flush->results, op) != MR_OK) return MR_FAIL;
    if (flush->hooked && mr_flush_mark_written(flush, op) != MR_OK) return MR_FAIL;
    op->flags |= OP_HAS_RESULT;
    if (op->kind != OP_UPDATE || !(op->flags & OP_KEY_CHANGED)) return MR_OK;
    flush->rekeyed = true;
    flush_rare *rare = mr_flush_rare_of(flush, op);
    const mr_value identity = mr_entity_identity(op->entity);
    return rare ? mr_value_copy(flush->env, &rare->old_identity, &identity) : MR_FAIL;
}

/* ---------------------------------------------------------------- results */

size_t mr_flush_result_count(const mr_flush *flush) { return flush->results.len; }

mr_entity *mr_flush_result_entity(const mr_flush *flush, size_t i) {
    return ((const flush_op *)mr_vec_ptr(&flush->results, i))->entity;
}

/* A bit for each part of the new row's key that the program had not set when the row was written. */
static uint64_t generated_parts(const flush_op *op) {
    const flush_class *cls = op->cls;
    const mr_value *written = mr_flush_written(op);
    uint64_t generated = 0;
    if (op->flags & OP_GENERATED) return 1;
    for (unsigned i = 0; i < cls->mapper->npk && i < 64; i++) {
        unsigned c = cls->key[i];
        uint8_t set = written ? written[c].kind : mr_flush_slot(op, cls->columns[c].slot)->kind;
        if (set == MR_UNLOADED || set == MR_NULL || set == MR_OPAQUE) generated |= UINT64_C(1) << i;
    }
    return generated;
}

mr_flush_result mr_flush_result_at(const mr_flush *flush, size_t i) {
    const flush_op *op = mr_vec_ptr(&flush->results, i);
    mr_flush_prefetch(flush->results.data, i, flush->results.len);
    mr_flush_result result = {.kind = (mr_flush_kind)op->kind, .entity = op->entity};
    if (op->kind == OP_INSERT) result.generated = generated_parts(op);
    result.key_changed = op->kind == OP_UPDATE && (op->flags & OP_KEY_CHANGED);
    if (result.key_changed) result.old_identity = op->rare->old_identity;
    return result;
}

mr_status mr_flush_note_replacing(mr_flush *flush, mr_table *table, const mr_table_facts *facts) {
    if (!facts->replaces) return MR_OK;
    for (size_t i = 0; i < flush->replacing.len; i++)
        if (mr_vec_ptr(&flush->replacing, i) == table) return MR_OK;
    return mr_vec_push_ptr(&flush->replacing, table);
}

mr_table *mr_flush_replaced(const mr_flush *flush, size_t i) {
    return i < flush->replacing.len ? mr_vec_ptr(&flush->replacing, i) : NULL;
}

/* ---------------------------------------------------------------- levels */

/* Rows that are written together: a part of a list of operations. */
typedef struct flush_slice {
    flush_op *const *ops;
    size_t n;
} flush_slice;

/* The rows of the level in the list; they begin at *done. */
static flush_slice take_level(const mr_flush *flush, const mr_vec *list, size_t *done, uint32_t level) {
    size_t from = *done, to = flush->edges.len > 0 ? from : list->len; /* without edges, all are of one level */
    while (to < list->len && ((const flush_op *)mr_vec_ptr(list, to))->level == level) to++;
    *done = to;
    return (flush_slice){(flush_op *const *)list->data + from, to - from};
}

/* Listeners hear of new rows before changed rows, but the changed rows are sent first. */
static mr_status save_level(mr_flush *flush, flush_group *group, uint32_t level) {
    flush_slice updates = take_level(flush, &group->updates, &group->updated, level);
    flush_slice inserts = take_level(flush, &group->inserts, &group->inserted, level);
    if (mr_flush_fire(flush, group, inserts.ops, inserts.n, false) != MR_OK ||
        mr_flush_fire(flush, group, updates.ops, updates.n, false) != MR_OK)
        return MR_FAIL;
    if (updates.n > 0 && mr_flush_update_rows(flush, group, updates.ops, updates.n) != MR_OK) return MR_FAIL;
    if (inserts.n > 0 && mr_flush_insert_rows(flush, group, inserts.ops, inserts.n) != MR_OK) return MR_FAIL;
    if (mr_flush_fire(flush, group, inserts.ops, inserts.n, true) != MR_OK) return MR_FAIL;
    return mr_flush_fire(flush, group, updates.ops, updates.n, true);
}

static mr_status delete_level(mr_flush *flush, flush_group *group, uint32_t level) {
    flush_slice deletes = take_level(flush, &group->deletes, &group->deleted, level);
    if (deletes.n == 0) return MR_OK;
    if (mr_flush_fire(flush, group, deletes.ops, deletes.n, false) != MR_OK ||
        mr_flush_delete_rows(flush, group, deletes.ops, deletes.n) != MR_OK)
        return MR_FAIL;
    return mr_flush_fire(flush, group, deletes.ops, deletes.n, true);
}

static flush_group *group_at(const mr_flush *flush, size_t i) { return mr_vec_at(&flush->groups, i); }

static bool saves_left(const flush_group *g) { return g->updated < g->updates.len || g->inserted < g->inserts.len; }

/* The groups [lo, hi) are of one component. */
static mr_status save_component(mr_flush *flush, size_t lo, size_t hi) {
    bool left = true;
    for (uint32_t level = 0; left; level++) {
        left = false;
        for (size_t i = lo; i < hi; i++) {
            flush_group *g = group_at(flush, i);
            if (save_level(flush, g, level) != MR_OK) return MR_FAIL;
            left = left || saves_left(g);
        }
    }
    return MR_OK;
}

static mr_status delete_component(mr_flush *flush, size_t lo, size_t hi) {
    bool left = true;
    for (uint32_t level = 0; left; level++) {
        left = false;
        for (size_t i = hi; i-- > lo;) {
            flush_group *g = group_at(flush, i);
            if (delete_level(flush, g, level) != MR_OK) return MR_FAIL;
            left = left || g->deleted < g->deletes.len;
        }
    }
    return MR_OK;
}

static mr_status run_saves(mr_flush *flush) {
    for (size_t lo = 0, hi; lo < flush->groups.len; lo = hi) {
        uint32_t component = group_at(flush, lo)->cls->component;
        for (hi = lo + 1; hi < flush->groups.len && group_at(flush, hi)->cls->component == component;) hi++;
        if (save_component(flush, lo, hi) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status run_deletes(mr_flush *flush) {
    for (size_t hi = flush->groups.len, lo; hi > 0; hi = lo) {
        uint32_t component = group_at(flush, hi - 1)->cls->component;
        for (lo = hi - 1; lo > 0 && group_at(flush, lo - 1)->cls->component == component;) lo--;
        if (delete_component(flush, lo, hi) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- all */

/* Completes the plan. Needs that were not loaded are skipped. */
static mr_status finish_plan(mr_flush *flush) {
    mr_entity *entity;
    const mr_property *prop;
    mr_status status;
    do status = mr_flush_need(flush, &entity, &prop);
    while (status == MR_ROW);
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

mr_status mr_flush_run(mr_flush *flush) {
    if (finish_plan(flush) != MR_OK) return MR_FAIL;
    flush->hooked = mr_flush_has_hooks(flush);
    if (run_saves(flush) != MR_OK || mr_flush_run_posts(flush, false) != MR_OK || mr_flush_run_links(flush) != MR_OK ||
        mr_flush_run_posts(flush, true) != MR_OK || run_deletes(flush) != MR_OK)
        return MR_FAIL;
    size_t places = flush->rekeyed ? flush->results.len : flush->ninserts;
    return places > 0 ? mr_idmap_reserve(flush->ctx.owner->idmap, places) : MR_OK;
}
