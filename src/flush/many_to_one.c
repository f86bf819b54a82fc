/*
 * many_to_one.c: the foreign key of a row is set from the object that it refers to. The columns are staged just before
 * the row is written (values.c). This file finds what must be known earlier: the order of the rows, and the keys that
 * post_update writes.
 *
 * Invariant: nothing is staged here.
 */
#include "relationships.h"
#include "rows.h"
#include "unit.h"
#include "values.h"

/* Does the relationship decide about the foreign key that the operation writes? */
static bool is_written(const flush_op *op, const mr_relationship *rel) {
    if (op->kind == OP_INSERT) return mr_flush_slot(op, rel->prop->slot)->kind == MR_ENTITY;
    return op->kind == OP_UPDATE && mr_entity_is_dirty(op->entity, rel->prop->slot);
}

typedef enum reference { REFERENCE_NONE, REFERENCE_UNKNOWN, REFERENCE_SET } reference;

/* The foreign key of the row in the database. */
static reference committed_reference(const flush_op *op, const mr_relationship *rel) {
    reference found = REFERENCE_SET;
    for (unsigned i = 0; i < rel->npairs; i++) {
        if (rel->pairs[i].local_slot == UINT16_MAX) continue;
        uint8_t kind = mr_entity_committed(op->entity, rel->pairs[i].local_slot)->kind;
        if (kind == MR_NULL) return REFERENCE_NONE;
        if (kind == MR_UNLOADED) found = REFERENCE_UNKNOWN;
    }
    return found;
}

/* Must the rows be deleted in the order of their references? Yes in one table, or in tables that form a cycle. */
static bool orders_deletes(const mr_flush *flush, const flush_op *op, const mr_relationship *rel) {
    return op->kind == OP_DELETE && op->cls->cyclic && !rel->post_update && flush->ndeletes > 1;
}

/* MR_ROW: the foreign key must be loaded first; the target need not. */
static mr_status ask_reference(mr_flush *flush, const flush_op *op, const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot == UINT16_MAX || mr_entity_committed(op->entity, slot)->kind != MR_UNLOADED) continue;
        flush->missing_of = op->entity;
        flush->missing = mr_mapper_property_of_column(op->entity->mapper, rel->pairs[i].local);
        return flush->missing ? MR_ROW : MR_OK;
    }
    return MR_OK;
}

mr_status mr_flush_ask_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    if (is_written(op, rel)) {
        const mr_value *v = mr_flush_slot(op, rel->prop->slot);
        return v->kind == MR_ENTITY && mr_flush_must_load(flush, v->u.p, rel) ? MR_ROW : MR_OK;
    }
    bool late_delete = op->kind == OP_DELETE && rel->post_update && rel->passive_deletes == 0;
    bool ordered = orders_deletes(flush, op, rel);
    if (!(late_delete || ordered) || flush->asked || mr_flush_is_loaded(op, rel)) return MR_OK;
    reference known = committed_reference(op, rel);
    if (ordered && rel->use_get) return known == REFERENCE_UNKNOWN ? ask_reference(flush, op, rel) : MR_OK;
    return known == REFERENCE_UNKNOWN || (ordered && known == REFERENCE_SET) ? MR_ROW : MR_OK;
}

/* ---------------------------------------------------------------- second pass */

/* The target, found in the identity map by the foreign key. NULL: it is not there. */
static mr_entity *target_by_key(mr_flush *flush, const flush_op *op, const mr_relationship *rel) {
    const mr_mapper *target = rel->target;
    mr_value identity, *key = mr_flush_keys(flush, target->npk);
    if (!rel->use_get || !key || rel->npairs != target->npk) return NULL;
    for (unsigned i = 0; i < rel->npairs; i++) {
        if (rel->pairs[i].local_slot == UINT16_MAX) return NULL;
        for (unsigned k = 0; k < target->npk; k++)
            if (target->pk_slots[k] == rel->pairs[i].remote_slot)
                key[k] = *mr_entity_committed(op->entity, rel->pairs[i].local_slot);
    }
    if (mr_identity_has_null(target, key) || !mr_identity_make(target, key, &flush->identity, &identity)) return NULL;
    return mr_idmap_get(flush->ctx.owner->idmap, target->root, &identity);
}

/* The object that the row refers to in the database. NULL: none, or not known. */
static mr_entity *committed_target(mr_flush *flush, const flush_op *op, const mr_relationship *rel) {
    const mr_value *v = mr_entity_committed(op->entity, rel->prop->slot);
    if (v->kind == MR_ENTITY) return v->u.p;
    if (v->kind == MR_NULL || committed_reference(op, rel) != REFERENCE_SET) return NULL;
    return target_by_key(flush, op, rel);
}

static mr_status link_delete(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    if (rel->post_update) {
        const mr_value *v = mr_entity_committed(op->entity, rel->prop->slot);
        bool refers = v->kind == MR_ENTITY || committed_reference(op, rel) == REFERENCE_SET;
        return refers && rel->passive_deletes != 2 ? mr_flush_add_post(flush, op, rel, NULL, true) : MR_OK;
    }
    if (!op->cls->cyclic) return MR_OK;
    const mr_entity *target = committed_target(flush, op, rel);
    flush_op *other = target ? mr_flush_op_of(flush, target) : NULL;
    return other && other->kind == OP_DELETE ? mr_flush_add_edge(flush, op, other) : MR_OK;
}

mr_status mr_flush_link_many_to_one(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    if (op->kind == OP_DELETE) return link_delete(flush, op, rel);
    if (!is_written(op, rel)) return MR_OK;
    const mr_value *v = mr_flush_slot(op, rel->prop->slot);
    mr_entity *target = v->kind == MR_ENTITY ? v->u.p : NULL;
    flush_op *other = target ? mr_flush_op_of(flush, target) : NULL;
    bool gone = other && other->kind == OP_DELETE;
    if (target && !gone && !mr_flush_has_row(flush, target)) {
        mr_flush_warn(flush, target, rel);
        return MR_OK;
    }
    if (gone) target = NULL;
    if (rel->post_update || (other == op && op->kind == OP_INSERT))
        return target || op->kind == OP_UPDATE ? mr_flush_add_post(flush, op, rel, target, false) : MR_OK;
    return other && !gone ? mr_flush_add_edge(flush, other, op) : MR_OK;
}
