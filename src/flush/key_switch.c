/*
 * key_switch.c: a changed key of an object to which others refer by a many-to-one that has no other side:
 * those of them that the session has in memory follow. (With another side, the collection there knows them:
 * one_to_many.c.)
 */
#include "unit.h"

/* Does rel refer to a column of op's entity that an UPDATE changes? */
static bool is_switched(const flush_op *op, const mr_relationship *rel) {
    if (rel->direction != MR_MANY_TO_ONE || !rel->configured || rel->viewonly || rel->post_update ||
        rel->reverse)
        return false;
    if (!mr_mapper_isa(op->entity->mapper, rel->target)) return false;
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].remote_slot;
        if (slot != UINT16_MAX && mr_entity_is_dirty(op->entity, slot)) return true;
    }
    return false;
}

static mr_status follow(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    size_t cursor = 0;
    for (mr_entity *e; (e = mr_idmap_next(flush->ctx.owner->idmap, &cursor));) {
        if (!mr_mapper_isa(e->mapper, rel->parent) || e == op->entity) continue;
        const mr_value *v = mr_entity_slot(e, rel->prop->slot);
        if (v->kind != MR_ENTITY || v->u.p != op->entity || mr_entity_is_dirty(e, rel->prop->slot)) continue;
        flush_op *child = mr_flush_touch(flush, e);
        if (!child) return MR_FAIL;
        if (child->kind != OP_UPDATE) continue;
        if (mr_flush_add_edge(flush, op, child) != MR_OK ||
            mr_flush_add_sync(flush, child, rel, op->entity, rel->passive_updates) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

static bool has_changed_key(const flush_op *op) {
    if (op->kind != OP_UPDATE) return false;
    for (unsigned c = 0; c < op->cls->ncolumns; c++)
        if (op->cls->columns[c].key && mr_entity_is_dirty(op->entity, op->cls->columns[c].slot)) return true;
    return false;
}

mr_status mr_flush_follow_key(mr_flush *flush, flush_op *op) {
    if (!has_changed_key(op)) return MR_OK;
    const mr_vec *mappers = &op->cls->mapper->registry->mappers;
    for (size_t i = 0; i < mappers->len; i++) {
        const mr_mapper *mapper = mr_vec_ptr(mappers, i);
        for (size_t p = 0; p < mapper->props.len; p++) {
            const mr_property *prop = mr_vec_ptr(&mapper->props, p);
            if (prop->kind != MR_PROPERTY_RELATIONSHIP || prop->mapper != mapper || !prop->relationship)
                continue;
            if (is_switched(op, prop->relationship) && follow(flush, op, prop->relationship) != MR_OK)
                return MR_FAIL;
        }
    }
    return MR_OK;
}
