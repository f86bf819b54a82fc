/*
 * publish.c: updates the entities in memory after the flush has written their rows.
 *
 * Invariant: nothing here fails: staged values are moved, and room in entities, results and the identity map was made
 * before.
 */
#include "unit.h"
#include "values.h"

#include <string.h>

static void give(flush_op *op, unsigned c, mr_value *value) {
    unsigned slot = op->cls->columns[c].slot;
    if (value->kind == STAGED_BY_SERVER) {
        mr_entity_forget(op->entity, slot);
        op->entity->flags |= MR_ENTITY_PARTIAL; /* all columns made by the database are read together later */
        value->kind = MR_UNLOADED;
        return;
    }
    value->tag = 0;
    mr_entity_give(op->entity, slot, value);
}

/* The values that listeners have set after the row was written: they stay changes, for the next flush. Without memory
 * they are dropped, and the object has the values of its row. */
static mr_value *take_later_changes(const flush_op *op) {
    mr_env *env = op->cls->env;
    mr_value *later = NULL, *written = mr_flush_written(op);
    for (unsigned c = 0; written && c < op->cls->ncolumns; c++) {
        const mr_value *v = mr_flush_slot(op, op->cls->columns[c].slot), *was = &written[c];
        if (mr_flush_is_twin(op->cls, c)) continue;
        if (v->kind == MR_UNLOADED || (v->kind == was->kind && mr_value_equal(env, v, was))) continue;
        if (!later) later = mr_calloc(env, op->cls->ncolumns * sizeof *later);
        if (!later || mr_value_copy(env, &later[c], v) != MR_OK) mr_env_clear_error(env);
        mr_value row = *was;
        written[c] = mr_value_of(MR_UNLOADED, 0);
        mr_entity_give(op->entity, op->cls->columns[c].slot, &row);
    }
    return later;
}

static void give_later_changes(const flush_op *op, mr_value *later) {
    mr_env *env = op->cls->env;
    for (unsigned c = 0; later && c < op->cls->ncolumns; c++) {
        if (later[c].kind == MR_UNLOADED) continue;
        if (mr_entity_set(op->entity, op->cls->columns[c].slot, &later[c]) != MR_OK) mr_env_clear_error(env);
        mr_value_clear(env, &later[c]);
    }
    mr_free(env, later);
}

/* The value of a column that the program has not set: that of the column before which it is carried from, or NULL. */
static mr_value given_or_null(const flush_op *op, unsigned c) {
    unsigned source = mr_flush_source(op->cls, c);
    mr_value value = source == c ? mr_null_value() : *mr_flush_value(op, source), copy;
    if (value.kind == MR_UNLOADED || value.kind >= MR_OPAQUE) return mr_null_value();
    if (mr_value_copy(op->cls->env, &copy, &value) == MR_OK) return copy;
    mr_env_clear_error(op->cls->env); /* without memory it is read again when it is used */
    return mr_value_of(MR_UNLOADED, 0);
}

/* Gives a new row for which nothing was staged its key, and NULLs for columns that were never set. */
static void give_unset(flush_op *op) {
    const flush_class *cls = op->cls;
    unsigned numbered = op->flags & OP_GENERATED ? cls->key[0] : FLUSH_NO_COLUMN;
    for (unsigned c = 0; c < cls->ncolumns; c++) {
        if (c != numbered && mr_flush_slot(op, cls->columns[c].slot)->kind != MR_UNLOADED) continue;
        mr_value value = c == numbered ? op->identity : given_or_null(op, c);
        mr_entity_give(op->entity, cls->columns[c].slot, &value);
    }
}

/* Moves the staged values into the slots; for a new row also NULLs for columns that were never set. */
static void give_values(flush_op *op, bool inserted) {
    if (!op->staged) {
        if (inserted) give_unset(op);
        return;
    }
    for (unsigned c = 0; c < op->cls->ncolumns; c++) {
        if (op->staged[c].kind != MR_UNLOADED) {
            give(op, c, &op->staged[c]);
        } else if ((op->flags & OP_GENERATED) && op->cls->key[0] == c) {
            mr_value value = op->identity;
            give(op, c, &value);
        } else if (inserted && mr_flush_slot(op, op->cls->columns[c].slot)->kind == MR_UNLOADED) {
            mr_value value = given_or_null(op, c);
            give(op, c, &value);
        }
    }
}

/* Unloads a many-to-one that was read as nil before its foreign key was known. */
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

/* What is an expression over the row may have another value now: it is read again when it is used. */
static void forget_expressions(flush_op *op) {
    const flush_class *cls = op->cls;
    for (unsigned i = 0; i < cls->nexpressions; i++) mr_entity_forget(op->entity, cls->expressions[i]);
    if (cls->reads_expressions) op->entity->flags |= MR_ENTITY_PARTIAL; /* together */
}

/* Another object in the identity map has this key: its row belongs to this entity now, so it leaves the map. */
static void remove_other(mr_idmap *map, const mr_entity *entity, const mr_value *identity) {
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

/* A new object whose identity no other has: nearly always. */
static bool publish_new_identity(const mr_flush *flush, flush_op *op) {
    mr_entity *e = op->entity, *other;
    mr_idmap_place at;
    if ((e->flags & MR_ENTITY_IN_MAP) || !flush->ctx.owner->session) return false;
    if (mr_idmap_seek(flush->ctx.owner->idmap, e->mapper->root, &op->identity, &at, &other) != MR_OK || other)
        return false;
    mr_entity_give_identity(e, &op->identity);
    mr_idmap_put_at(flush->ctx.owner->idmap, e, &at);
    return true;
}

static void publish_identity(mr_flush *flush, flush_op *op) {
    mr_idmap *map = flush->ctx.owner->idmap;
    if (publish_new_identity(flush, op)) return;
    remove_other(map, op->entity, &op->identity);
    mr_idmap_remove(map, op->entity);
    mr_entity_give_identity(op->entity, &op->identity);
    mr_idmap_put(map, op->entity);
}

static void publish_insert(mr_flush *flush, flush_op *op) {
    mr_entity *e = op->entity;
    mr_value *later = op->rare ? take_later_changes(op) : NULL;
    give_values(op, true);
    if (op->cls->nexpressions) forget_expressions(op);
    forget_guesses(op);
    if (!e->owner) e->owner = mr_owner_retain(flush->ctx.owner);
    e->generation = e->owner->generation;
    e->as_of = e->owner->as_of;
    e->state = MR_PERSISTENT;
    e->flags |= MR_ENTITY_FLUSHED_NEW;
    publish_identity(flush, op);
    mr_entity_accept(e);
    if (later) give_later_changes(op, later);
}

static void publish_update(mr_flush *flush, flush_op *op) {
    mr_value *later = op->rare ? take_later_changes(op) : NULL;
    if (op->staged && (op->flags & (OP_WRITTEN | OP_KEY_CASCADED | OP_POSTED))) give_values(op, false);
    if (op->cls->nexpressions) forget_expressions(op);
    if (op->flags & OP_KEY_CHANGED) publish_identity(flush, op);
    mr_entity_accept(op->entity);
    if (later) give_later_changes(op, later);
}

static void publish_delete(mr_flush *flush, flush_op *op) {
    mr_entity *e = op->entity;
    mr_entity_touch(e); /* a deleted object does not expire: expired values must go now */
    mr_idmap_remove(flush->ctx.owner->idmap, e);
    mr_entity_leave_dirty(e);
    e->flags &= ~(uint32_t)MR_ENTITY_TO_DELETE;
    e->state = MR_DELETED;
}

static void publish_saves(mr_flush *flush, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        if (op->kind == OP_INSERT && (op->flags & OP_WRITTEN)) publish_insert(flush, op);
        if (op->kind == OP_UPDATE) publish_update(flush, op);
    }
}

static void publish_deletes(mr_flush *flush, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        flush_op *op = mr_vec_ptr(&flush->ops, i);
        if (op->kind == OP_DELETE && (op->flags & OP_WRITTEN)) publish_delete(flush, op);
    }
}

void mr_flush_publish(mr_flush *flush) {
    if (flush->published) return;
    flush->published = true;
    publish_saves(flush, 0, flush->ops.len);
    publish_deletes(flush, flush->ninserts, flush->ninserts + flush->ndeletes);
}

bool mr_flush_is_uniform(const mr_flush *flush) {
    size_t n = flush->ops.len, most = flush->ninserts > flush->ndeletes ? flush->ninserts : flush->ndeletes;
    if (n == 0 || flush->results.len != n || flush->rekeyed || (most > 0 && most < n)) return false;
    return memcmp(flush->results.data, flush->ops.data, n * sizeof(flush_op *)) == 0;
}

void mr_flush_publish_some(mr_flush *flush, size_t from, size_t to) {
    flush->published = true;
    if (flush->ndeletes > 0) publish_deletes(flush, from, to);
    else publish_saves(flush, from, to);
}
