/*
 * key_switch.c: when the key of an object changes, objects in memory that refer to it get the new key. This file is for
 * many-to-one relationships without a reverse side; with one, its collection knows the objects (one_to_many.c).
 *
 * Invariant: only objects of the session's identity map follow; the database changes other rows (ON UPDATE CASCADE).
 */
#include "relationships.h"
#include "unit.h"

/* Does rel refer to a column of op's entity that the UPDATE changes? */
static bool is_switched(const flush_op *op, const mr_relationship *rel) {
    if (rel->direction != MR_MANY_TO_ONE || !rel->configured || rel->viewonly || rel->post_update || rel->reverse)
        return false;
    if (!mr_mapper_isa(op->entity->mapper, rel->target)) return false;
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].remote_slot;
        if (slot != UINT16_MAX && mr_entity_is_dirty(op->entity, slot)) return true;
    }
    return false;
}

/* Does e refer to op's row by its old key? Decided by the foreign key, because the relationship is not loaded. */
static bool refers(mr_flush *flush, const mr_entity *e, const flush_op *op, const mr_relationship *rel) {
    bool same = rel->npairs > 0;
    for (unsigned i = 0; i < rel->npairs && same; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        if (pair->local_slot == UINT16_MAX || pair->remote_slot == UINT16_MAX) return false;
        const mr_value *key = mr_entity_committed(op->entity, pair->remote_slot);
        same = !mr_entity_is_dirty(e, pair->local_slot) && key->kind != MR_NULL && key->kind != MR_UNLOADED &&
               mr_value_equal(flush->env, key, mr_entity_committed(e, pair->local_slot));
    }
    return same;
}

static bool is_child(mr_flush *flush, mr_entity *e, const flush_op *op, const mr_relationship *rel) {
    if (!mr_mapper_isa(e->mapper, rel->parent) || e == op->entity) return false;
    const mr_value *v = mr_entity_slot(e, rel->prop->slot);
    if (v->kind == MR_UNLOADED) return !rel->passive_updates && refers(flush, e, op, rel);
    return v->kind == MR_ENTITY && v->u.p == op->entity && !mr_entity_is_dirty(e, rel->prop->slot);
}

static mr_status follow(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    size_t cursor = 0;
    for (mr_entity *e; (e = mr_idmap_next(flush->ctx.owner->idmap, &cursor));) {
        if (!is_child(flush, e, op, rel)) continue;
        flush_op *child = mr_flush_make_op(flush, e);
        if (!child) return MR_FAIL;
        if (child->kind != OP_UPDATE) continue;
        if (mr_flush_add_edge(flush, op, child) != MR_OK ||
            mr_flush_add_sync(flush, child, rel, op->entity, rel->passive_updates) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

/* MR_ROW: an expired object may refer to the row, and must be loaded first. Asks for each object once. */
static mr_status ask_children(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    if (rel->passive_updates) return MR_OK;
    for (mr_entity *e; (e = mr_idmap_next(flush->ctx.owner->idmap, &flush->follow));) {
        if (!mr_mapper_isa(e->mapper, rel->parent) || e == op->entity || e->state != MR_PERSISTENT) continue;
        mr_entity_touch(e);
        if (mr_entity_slot(e, rel->prop->slot)->kind != MR_UNLOADED) continue;
        for (unsigned i = 0; i < rel->npairs; i++) {
            uint16_t slot = rel->pairs[i].local_slot;
            if (slot == UINT16_MAX || mr_entity_committed(e, slot)->kind != MR_UNLOADED) continue;
            flush->missing_of = e;
            flush->missing = mr_mapper_property_of_column(e->mapper, rel->pairs[i].local);
            if (flush->missing) return MR_ROW;
        }
    }
    flush->follow = 0;
    return MR_OK;
}

static bool has_changed_key(const flush_op *op) {
    if (op->kind != OP_UPDATE) return false;
    for (unsigned i = 0; i < op->cls->mapper->npk; i++)
        if (mr_entity_is_dirty(op->entity, op->cls->columns[op->cls->key[i]].slot)) return true;
    return false;
}

typedef mr_status (*rel_fn)(mr_flush *flush, flush_op *op, const mr_relationship *rel);

static mr_status each_reference(mr_flush *flush, flush_op *op, size_t *at, rel_fn fn) {
    const mr_vec *mappers = &op->cls->mapper->registry->mappers;
    size_t number = 0;
    for (size_t i = 0; i < mappers->len; i++) {
        const mr_mapper *mapper = mr_vec_ptr(mappers, i);
        for (size_t p = 0; p < mapper->props.len; p++) {
            const mr_property *prop = mr_vec_ptr(&mapper->props, p);
            if (prop->kind != MR_PROPERTY_RELATIONSHIP || prop->mapper != mapper || !prop->relationship) continue;
            if (number++ < *at || !is_switched(op, prop->relationship)) continue;
            mr_status status = fn(flush, op, prop->relationship);
            *at = number - 1;
            if (status != MR_OK) return status;
        }
    }
    return MR_OK;
}

mr_status mr_flush_follow_key(mr_flush *flush, flush_op *op) {
    if (!has_changed_key(op)) return MR_OK;
    size_t none = 0;
    mr_status status = each_reference(flush, op, &flush->following, ask_children);
    if (status != MR_OK) return status;
    flush->following = 0;
    return each_reference(flush, op, &none, follow);
}
