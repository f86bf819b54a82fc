/*
 * hooks.c: calls the listeners of mappers (before_insert and the like) around the statements of their rows.
 *
 * Invariant: a listener sees the values that the row has or will get, though entities change only after the last
 * statement: these values are lent to the entity for the call.
 */
#include "rows.h"
#include "unit.h"
#include "values.h"

static mr_mapper_event event_of(const flush_op *op, bool after) {
    switch ((flush_op_kind)op->kind) {
    case OP_INSERT:
        return after ? MR_EVENT_AFTER_INSERT : MR_EVENT_BEFORE_INSERT;
    case OP_UPDATE:
        return after ? MR_EVENT_AFTER_UPDATE : MR_EVENT_BEFORE_UPDATE;
    case OP_DELETE:
        break;
    }
    return after ? MR_EVENT_AFTER_DELETE : MR_EVENT_BEFORE_DELETE;
}

/* ---------------------------------------------------------------- lending */

/* The entity's own value, put aside while the row's value is in its slot. */
typedef struct loan {
    unsigned column;
    mr_value own;
} loan;

static bool is_equal(const mr_flush *flush, const mr_value *a, const mr_value *b) {
    return a->kind == b->kind && mr_value_equal(flush->env, a, b);
}

/* The row's value that the entity does not know: a key, default, foreign key or version. NULL: the entity's own value
 * stays, because the program has set it. */
static const mr_value *row_value(const mr_flush *flush, const flush_op *op, unsigned c) {
    const mr_value *value = mr_flush_value(op, c), *now = mr_flush_slot(op, op->cls->columns[c].slot);
    bool plain = value->kind != MR_UNLOADED && value->kind < MR_OPAQUE;
    if (!plain || value == now || (now->flags & MR_VALUE_DIRTY)) return NULL;
    if (now->kind == MR_UNLOADED && value->kind == MR_NULL) return NULL;
    return is_equal(flush, now, value) ? NULL : value;
}

static mr_status lend(mr_flush *flush, flush_op *op, mr_vec *loans) {
    for (unsigned c = 0; c < op->cls->ncolumns; c++) {
        const mr_value *value = row_value(flush, op, c);
        unsigned slot = op->cls->columns[c].slot;
        if (!value) continue;
        mr_value copy;
        loan *made = mr_vec_push(loans);
        if (!made) return MR_FAIL;
        *made = (loan){.column = c};
        if (mr_value_copy(flush->env, &made->own, mr_flush_slot(op, slot)) != MR_OK ||
            mr_value_copy(flush->env, &copy, value) != MR_OK) {
            mr_value_clear(flush->env, &made->own);
            loans->len--;
            return MR_FAIL;
        }
        if (copy.kind != MR_JSON) copy.tag = 0;
        mr_status status = mr_entity_give(op->entity, slot, &copy);
        mr_value_clear(flush->env, &copy);
        if (status != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Puts the entity's own value back. If the listener has set the slot, that becomes a change of the old value. */
static mr_status take_back(mr_flush *flush, flush_op *op, loan *given) {
    unsigned slot = op->cls->columns[given->column].slot;
    const mr_value *now = mr_flush_slot(op, slot);
    mr_value set = mr_value_of(MR_UNLOADED, 0);
    mr_status status = MR_OK;
    if (!is_equal(flush, now, mr_flush_value(op, given->column))) status = mr_value_copy(flush->env, &set, now);
    if (given->own.kind == MR_UNLOADED) mr_entity_forget(op->entity, slot);
    else if (mr_entity_give(op->entity, slot, &given->own) != MR_OK) status = MR_FAIL;
    if (status == MR_OK && set.kind != MR_UNLOADED) status = mr_entity_set(op->entity, slot, &set);
    mr_value_clear(flush->env, &set);
    mr_value_clear(flush->env, &given->own);
    return status;
}

/* ---------------------------------------------------------------- firing */

static mr_status fire_one(mr_flush *flush, flush_group *group, flush_op *op, mr_mapper_event event) {
    mr_vec loans;
    mr_vec_init(&loans, flush->env, sizeof(loan));
    bool lends = op->kind != OP_DELETE, before = lends && !(op->flags & OP_WRITTEN);
    mr_status status = before ? mr_flush_stage_links(flush, op) : MR_OK;
    if (status == MR_OK && lends) status = lend(flush, op, &loans);
    if (status == MR_OK) status = mr_mapper_fire(op->entity->mapper, event, group->conn, op->entity);
    if (status == MR_OK && lends && flush->ctx.edits) status = flush->ctx.edits(op->entity);
    for (size_t i = 0; i < loans.len; i++)
        if (take_back(flush, op, mr_vec_at(&loans, i)) != MR_OK) status = MR_FAIL;
    mr_vec_done(&loans);
    return status;
}

static bool has_hooks(const flush_class *cls) {
    for (int event = MR_EVENT_BEFORE_INSERT; event <= MR_EVENT_AFTER_DELETE; event++)
        if (mr_mapper_has_hooks(cls->mapper, (mr_mapper_event)event)) return true;
    return false;
}

mr_status mr_flush_fire(mr_flush *flush, flush_group *group, flush_op *const *ops, size_t n, bool after) {
    if (!group->mixed && !has_hooks(group->cls)) return MR_OK;
    for (size_t i = 0; i < n; i++) {
        flush_op *op = ops[i];
        mr_mapper_event event = event_of(op, after);
        if (!mr_mapper_has_hooks(op->cls->mapper, event)) continue;
        if (mr_flush_connect(flush, group) != MR_OK || fire_one(flush, group, op, event) != MR_OK) return MR_FAIL;
        if (!after && op->kind != OP_DELETE && op->entity->mapper->decorated && flush->ctx.settle &&
            flush->ctx.settle(flush->ctx.ud, op->entity) != MR_OK)
            return MR_FAIL;
        /* A listener may have set a value that is too long. */
        if (!after && op->kind != OP_DELETE && mr_flush_check(flush, op) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

bool mr_flush_has_hooks(const mr_flush *flush) {
    for (size_t i = 0; i < flush->classes.len; i++)
        if (has_hooks(mr_vec_ptr(&flush->classes, i))) return true;
    return false;
}
