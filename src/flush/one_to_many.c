/*
 * one_to_many.c: sets the foreign keys of children from their parent.
 *
 * If a child has a many-to-one to its parent, and that one is loaded or changed, it sets the foreign key instead.
 * Invariant: after the first pass all children whose rows change have operations; the second pass makes none.
 */
#include "relationships.h"
#include "unit.h"
#include "values.h"

static bool is_ours(const mr_flush *flush, const mr_entity *e) {
    return e->owner == flush->ctx.owner && e->state == MR_PERSISTENT;
}

/* Does the child's own side of the relationship set the foreign key? */
static bool child_decides(const mr_relationship *rel, const flush_op *child) {
    const mr_relationship *reverse = rel->reverse;
    if (!reverse || reverse->viewonly || reverse->direction != MR_MANY_TO_ONE) return false;
    const mr_value *v = mr_flush_slot(child, reverse->prop->slot);
    if (child->kind == OP_INSERT) return v->kind == MR_ENTITY;
    return mr_entity_is_dirty(child->entity, reverse->prop->slot);
}

/* Has the program set the foreign key itself since the child was loaded? */
static bool is_moved_by_hand(const mr_relationship *rel, const flush_op *child) {
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].remote_slot != UINT16_MAX && mr_entity_is_dirty(child->entity, rel->pairs[i].remote_slot))
            return true;
    return false;
}

/* ---------------------------------------------------------------- first pass */

static mr_status touch_found(mr_flush *flush) {
    for (size_t i = 0; i < flush->found.len; i++) {
        mr_entity *child = mr_vec_ptr(&flush->found, i);
        if (is_ours(flush, child) && !mr_flush_make_op(flush, child)) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_ask_one_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    bool loaded = mr_flush_is_loaded(op, rel);
    flush->found.len = 0;
    if (op->kind == OP_DELETE) {
        if (rel->passive_deletes == 2) return MR_OK;
        if (!loaded && !rel->passive_deletes && !flush->asked) return MR_ROW;
        if (mr_flush_all_items(op, rel, &flush->found) != MR_OK) return MR_FAIL;
        return touch_found(flush);
    }
    bool rekeyed = mr_flush_key_changes(op, rel);
    if (rekeyed && !loaded && !rel->passive_updates && !flush->asked) return MR_ROW;
    if (mr_flush_changes(op, rel, &flush->found, &flush->found, rekeyed ? &flush->found : NULL) != MR_OK)
        return MR_FAIL;
    if (flush->found.len > 0 && op->kind == OP_UPDATE && mr_flush_must_load(flush, op->entity, rel)) return MR_ROW;
    return touch_found(flush);
}

/* ---------------------------------------------------------------- second pass */

static mr_status set_child(mr_flush *flush, flush_op *op, const mr_relationship *rel, flush_op *child, bool cascaded) {
    if (rel->post_update || (child == op && op->kind == OP_INSERT))
        return mr_flush_add_post(flush, child, rel, op->entity, false);
    if (mr_flush_add_edge(flush, op, child) != MR_OK) return MR_FAIL;
    return mr_flush_add_sync(flush, child, rel, op->entity, cascaded);
}

static mr_status clear_child(mr_flush *flush, const mr_relationship *rel, flush_op *child) {
    if (rel->post_update) return mr_flush_add_post(flush, child, rel, NULL, true);
    return mr_flush_add_sync(flush, child, rel, NULL, false);
}

static mr_status add_stray(mr_flush *flush, const flush_op *op, const mr_relationship *rel, mr_entity *item) {
    mr_flush_warn(flush, item, rel);
    if (rel->post_update || (item->owner && item->owner->session)) return MR_OK;
    flush_stray *stray = mr_vec_push(&flush->strays);
    if (!stray) return MR_FAIL;
    *stray = (flush_stray){rel, op->entity, item};
    mr_entity_pin(item);
    return MR_OK;
}

static mr_status link_added(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    for (size_t i = 0; i < flush->found.len; i++) {
        mr_entity *item = mr_vec_ptr(&flush->found, i);
        flush_op *child = mr_flush_op_of(flush, item);
        if (!child && !is_ours(flush, item) && add_stray(flush, op, rel, item) != MR_OK) return MR_FAIL;
        if (!child || child->kind == OP_DELETE || child_decides(rel, child)) continue;
        if (set_child(flush, op, rel, child, false) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status link_removed(mr_flush *flush, const mr_relationship *rel) {
    if (rel->passive_deletes == 2) return MR_OK; /* passive_deletes = "all": the database sets the keys */
    for (size_t i = 0; i < flush->found.len; i++) {
        flush_op *child = mr_flush_op_of(flush, mr_vec_ptr(&flush->found, i));
        if (!child || child->kind != OP_UPDATE || child_decides(rel, child)) continue;
        if (clear_child(flush, rel, child) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* The parent's key has changed: the children that stay get the new key. */
static mr_status link_rekeyed(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    for (size_t i = 0; i < flush->found.len; i++) {
        flush_op *child = mr_flush_op_of(flush, mr_vec_ptr(&flush->found, i));
        if (child && child->kind == OP_DELETE && rel->passive_updates) { /* the child is found by its new key */
            if (mr_flush_add_sync(flush, child, rel, op->entity, true) != MR_OK) return MR_FAIL;
            continue;
        }
        if (!child || child->kind != OP_UPDATE || child_decides(rel, child)) continue;
        if (set_child(flush, op, rel, child, rel->passive_updates) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* The parent is deleted. stored: the rows of the found children refer to the parent in the database. */
static mr_status link_deleted(mr_flush *flush, flush_op *op, const mr_relationship *rel, bool stored) {
    for (size_t i = 0; i < flush->found.len; i++) {
        flush_op *child = mr_flush_op_of(flush, mr_vec_ptr(&flush->found, i));
        if (!child) continue;
        if (child->kind == OP_DELETE) {
            if (stored && !rel->post_update && mr_flush_add_edge(flush, child, op) != MR_OK) return MR_FAIL;
            if (!rel->post_update) continue;
        } else if (child->kind != OP_UPDATE || child_decides(rel, child) || is_moved_by_hand(rel, child)) {
            continue;
        }
        if (clear_child(flush, rel, child) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_link_one_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    mr_vec *found = &flush->found;
    found->len = 0;
    if (op->kind == OP_DELETE) {
        if (rel->passive_deletes == 2) return MR_OK;
        /* An item that was appended to an unloaded list may have been in it before. */
        mr_vec *added = mr_flush_is_loaded(op, rel) ? NULL : found;
        if (mr_flush_changes(op, rel, added, found, found) != MR_OK || link_deleted(flush, op, rel, true) != MR_OK)
            return MR_FAIL;
        found->len = 0;
        if (added) return MR_OK;
        return mr_flush_changes(op, rel, found, NULL, NULL) == MR_OK ? link_deleted(flush, op, rel, false) : MR_FAIL;
    }
    if (mr_flush_changes(op, rel, NULL, found, NULL) != MR_OK || link_removed(flush, rel) != MR_OK) return MR_FAIL;
    found->len = 0;
    if (mr_flush_changes(op, rel, found, NULL, NULL) != MR_OK || link_added(flush, op, rel) != MR_OK) return MR_FAIL;
    if (!mr_flush_key_changes(op, rel)) return MR_OK;
    found->len = 0;
    if (mr_flush_changes(op, rel, NULL, NULL, found) != MR_OK) return MR_FAIL;
    return link_rekeyed(flush, op, rel);
}

/* ---------------------------------------------------------------- outside of the session */

static mr_status set_keys(mr_flush *flush, const flush_stray *stray) {
    for (unsigned i = 0; i < stray->rel->npairs; i++) {
        const mr_column_pair *pair = &stray->rel->pairs[i];
        mr_value room;
        if (pair->local_slot == UINT16_MAX || pair->remote_slot == UINT16_MAX) continue;
        const mr_value *v = mr_flush_entity_value(flush, stray->parent, pair->local_slot, &room);
        if (!v) return MR_FAIL;
        if (v->kind == MR_UNLOADED || v->kind >= MR_OPAQUE) continue;
        if (mr_entity_set(stray->item, pair->remote_slot, v) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_flush_set_strays(mr_flush *flush) {
    for (size_t i = 0; i < flush->strays.len; i++)
        if (set_keys(flush, mr_vec_at(&flush->strays, i)) != MR_OK) return MR_FAIL;
    return MR_OK;
}
