/*
 * publish.c: makes in memory true what the flush has written.
 *
 * Invariant: nothing here fails: staged values are moved, room in entities, results and the identity map was made before.
 */
#include "unit.h"

static void give(flush_op *op, unsigned c, mr_value *value) {
    unsigned slot = op->cls->columns[c].slot;
    if (value->kind == STAGED_BY_SERVER) {
        mr_entity_forget(op->entity, slot);
        op->entity->flags |= MR_ENTITY_PARTIAL; /* all such columns are read at once */
        value->kind = MR_UNLOADED;
        return;
    }
    value->tag = 0;
    mr_entity_give(op->entity, slot, value);
}

/* What was staged; of a new row also the NULLs of columns that nobody has set. */
static void give_values(flush_op *op, bool inserted) {
    for (unsigned c = 0; c < op->cls->ncolumns; c++) {
        if (op->staged && op->staged[c].kind != MR_UNLOADED) {
            give(op, c, &op->staged[c]);
        } else if ((op->flags & OP_GENERATED) && op->cls->key[0] == c) {
            mr_value value = op->identity;
            give(op, c, &value);
        } else if (inserted && mr_flush_slot(op, op->cls->columns[c].slot)->kind == MR_UNLOADED) {
            mr_value value = mr_null_value();
            give(op, c, &value);
        }
    }
}

/* A many-to-one that was read as empty before its foreign key was known is read again. */
static void forget_guesses(flush_op *op) {
    for (unsigned i = 0; i < op->cls->ndeps; i++) {
        const mr_relationship *rel = op->cls->deps[i];
        if (rel->direction != MR_MANY_TO_ONE || mr_flush_slot(op, rel->prop->slot)->kind != MR_NULL) continue;
        for (unsigned p = 0; p < rel->npairs; p++) {
            uint16_t slot = rel->pairs[p].local_slot;
            if (slot == UINT16_MAX || mr_flush_slot(op, slot)->kind == MR_NULL) continue;
            mr_entity_forget(op->entity, rel->prop->slot);
            break;
        }
    }
}

/* Another object that has the key in the identity map has lost its row to this one. */
static void evict(mr_idmap *map, const mr_entity *entity, const mr_value *identity) {
    mr_entity *other = mr_idmap_get(map, entity->mapper->root, identity);
    if (!other || other == entity) return;
    mr_idmap_remove(map, other);
    if (other->state != MR_PERSISTENT || (other->flags & (MR_ENTITY_TO_DELETE | MR_ENTITY_MODIFIED))) return;
    mr_entity_touch(other);
    mr_owner *owner = other->owner;
    other->owner = NULL;
    other->state = MR_DETACHED;
    mr_owner_release(owner);
}

static void publish_identity(mr_flush *flush, flush_op *op) {
    mr_idmap *map = flush->ctx.owner->idmap;
    evict(map, op->entity, &op->identity);
    mr_idmap_remove(map, op->entity);
    mr_entity_give_identity(op->entity, &op->identity);
    mr_idmap_put(map, op->entity);
}

static void publish_insert(mr_flush *flush, flush_op *op) {
    mr_entity *e = op->entity;
    give_values(op, true);
    forget_guesses(op);
    if (!e->owner) e->owner = mr_owner_retain(flush->ctx.owner);
    e->generation = e->owner->generation;
    e->state = MR_PERSISTENT;
    e->flags |= MR_ENTITY_FLUSHED_NEW;
    publish_identity(flush, op);
    mr_entity_accept(e);
}

static void publish_update(mr_flush *flush, flush_op *op) {
    if (op->flags & (OP_WRITTEN | OP_FOLLOWS | OP_POSTED)) give_values(op, false);
    if (op->flags & OP_KEY_CHANGED) publish_identity(flush, op);
    mr_entity_accept(op->entity);
}

static void publish_delete(mr_flush *flush, flush_op *op) {
    mr_entity *e = op->entity;
    mr_idmap_remove(flush->ctx.owner->idmap, e);
    mr_entity_leave_dirty(e);
    e->flags &= ~(uint32_t)MR_ENTITY_TO_DELETE;
    e->state = MR_DELETED;
}

void mr_flush_publish(mr_flush *flush) {
    if (flush->published) return;
    flush->published = true;
    for (size_t i = 0; i < flush->ops.len; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        if (op->kind == OP_INSERT && (op->flags & OP_WRITTEN)) publish_insert(flush, op);
        if (op->kind == OP_UPDATE) publish_update(flush, op);
    }
    for (size_t i = 0; i < flush->ops.len; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        if (op->kind == OP_DELETE && (op->flags & OP_WRITTEN)) publish_delete(flush, op);
    }
}
