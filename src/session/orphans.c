/*
 * orphans.c: finds, at a flush, the objects that a delete-orphan relationship has lost.
 *
 * Invariant: the flush decides: an object that was taken from one parent and given to another in the meantime is no
 * orphan. The parent's collection is never loaded: if it is not in memory, the object's own reference decides.
 */
#include "cascade.h"
#include "relationships.h"
#include "session_state.h"

/* Only a parent in the same session counts: an object that a rollback took out of the session may still show its old
 * items. */
static bool has_parent(const mr_session *s, mr_entity *e, const mr_relationship *rel) {
    const mr_entity *parent = mr_parent_of(e, rel);
    return parent && parent->owner == s->owner && parent->state != MR_DELETED;
}

static bool can_be_orphan(const mr_session *s, const mr_entity *e) {
    bool by_name = (e->flags & MR_ENTITY_TO_DELETE) && !(e->flags & MR_ENTITY_CASCADED);
    return e->owner == s->owner && e->state == MR_PERSISTENT && !by_name;
}

static mr_status push(mr_vec *out, mr_entity *e) {
    if (mr_vec_push_ptr(out, e) != MR_OK) return MR_FAIL;
    mr_entity_pin(e);
    return MR_OK;
}

/* ---------------------------------------------------------------- from the parent's side */

static mr_status find_removed(mr_session *s, mr_entity *parent, const mr_relationship_list *relations, mr_vec *removed,
                              mr_vec *out) {
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i];
        if (!(rel->cascade & MR_CASCADE_DELETE_ORPHAN)) continue;
        removed->len = 0;
        if (mr_relationship_removed(parent, rel, removed) != MR_OK) return MR_FAIL;
        for (size_t j = 0; j < removed->len; j++) {
            mr_entity *e = mr_vec_ptr(removed, j);
            if (can_be_orphan(s, e) && !has_parent(s, e, rel) && push(out, e) != MR_OK) return MR_FAIL;
        }
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- from the child's side */

/* Does the object's row refer to a parent? Reads a foreign key that has expired. */
static mr_status had_parent(mr_session *s, mr_entity *e, const mr_relationship *rel, bool *had) {
    uint8_t old = mr_entity_committed(e, rel->prop->slot)->kind;
    *had = old == MR_ENTITY;
    if (old != MR_UNLOADED) return MR_OK;
    for (unsigned i = 0; i < rel->npairs; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        if (pair->local_slot == UINT16_MAX) continue;
        const mr_property *prop = mr_mapper_property_of_column(e->mapper, pair->local);
        if (prop && mr_entity_committed(e, pair->local_slot)->kind == MR_UNLOADED &&
            mr_load_refresh(&s->load, e, &prop, 1) == MR_FAIL)
            return MR_FAIL;
        uint8_t key = mr_entity_committed(e, pair->local_slot)->kind;
        *had = key != MR_NULL && key != MR_UNLOADED;
        if (!*had) break;
    }
    return MR_OK;
}

/* Has the program also set the foreign key to a value? Then the key and the cleared reference contradict each other,
 * and the object is not deleted. */
static bool has_new_key(mr_entity *e, const mr_relationship *rel) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot != UINT16_MAX && mr_entity_is_dirty(e, slot) && mr_entity_slot(e, slot)->kind != MR_NULL) return true;
    }
    return false;
}

static mr_status find_cleared(mr_session *s, mr_entity *e, const mr_relationship_list *relations, mr_vec *out) {
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i], *reverse = mr_relationship_reverse(rel);
        if (rel->direction != MR_MANY_TO_ONE || !reverse || !(reverse->cascade & MR_CASCADE_DELETE_ORPHAN)) continue;
        const mr_value *v = mr_relationship_peek(e, rel);
        if (v->kind != MR_NULL || !(v->flags & MR_VALUE_DIRTY) || has_new_key(e, rel)) continue;
        bool had;
        if (had_parent(s, e, rel, &had) != MR_OK) return MR_FAIL;
        if (had && !has_parent(s, e, reverse) && push(out, e) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- both */

static mr_status find_in(mr_session *s, mr_entity *e, mr_vec *removed, mr_vec *out) {
    const mr_relationship_list *relations = mr_relationship_list_of(e->mapper);
    if (!relations) return MR_FAIL;
    if ((relations->cascades & MR_CASCADE_DELETE_ORPHAN) && find_removed(s, e, relations, removed, out) != MR_OK)
        return MR_FAIL;
    if (!relations->may_be_orphan || !can_be_orphan(s, e)) return MR_OK;
    return find_cleared(s, e, relations, out);
}

mr_status mr_orphans_find(mr_session *s, mr_vec *out) {
    mr_vec changed, removed;
    mr_vec_init(&changed, s->env, sizeof(mr_entity *));
    mr_vec_init(&removed, s->env, sizeof(mr_entity *));
    const mr_vec *dirty = &s->owner->dirty;
    mr_status status = mr_vec_reserve(&changed, dirty->len); /* a copy: reading a foreign key may change the list */
    for (size_t i = 0; status == MR_OK && i < dirty->len; i++) status = push(&changed, mr_vec_ptr(dirty, i));
    for (size_t i = 0; status == MR_OK && i < changed.len; i++)
        status = find_in(s, mr_vec_ptr(&changed, i), &removed, out);
    mr_vec_done(&removed);
    mr_cascade_release(&changed);
    return status;
}
