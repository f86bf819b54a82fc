/*
 * ordering.c: ordering lists: an attribute of the items holds their position in the list.
 *
 * Invariant: when a change of a loaded list has ended, each item's attribute is its position. Only attributes that are
 * not it are set, so that a flush writes the items that have moved.
 */
#include "relationships.h"

static bool has_position(mr_entity *item, const mr_property *prop, int64_t position) {
    const mr_value *v = mr_entity_slot(item, prop->slot);
    return (v->kind == MR_INT && v->u.i == position) || (v->kind == MR_FLOAT && v->u.d == (double)position);
}

static int64_t position_at(const mr_relationship *rel, uint32_t i) { return rel->count_from + (int64_t)i * rel->step; }

mr_status mr_ordering_number(mr_collection *c, uint32_t from, mr_vec *numbered) {
    const mr_relationship *rel = c->prop->relationship;
    if (!c->loaded || rel->viewonly) return MR_OK;
    /* If the item before has its number, those before it have theirs, too: other programs number from the start. */
    if (from > c->n || (from > 0 && !has_position(c->items[from - 1], rel->position_prop, position_at(rel, from - 1))))
        from = 0;
    for (uint32_t i = from; i < c->n; i++) {
        mr_entity *item = c->items[i];
        int64_t position = position_at(rel, i);
        if (has_position(item, rel->position_prop, position)) continue;
        mr_numbered *was = mr_vec_push(numbered);
        if (!was) return MR_FAIL;
        const mr_value *old = mr_entity_slot(item, rel->position_prop->slot), value = mr_int_value(position);
        *was = (mr_numbered){item, rel->position_prop, mr_kind_is_plain(old->kind) ? *old : mr_null_value()};
        if (mr_attribute_set(item, rel->position_prop, &value) == MR_OK) continue;
        numbered->len--;
        return MR_FAIL;
    }
    return MR_OK;
}

void mr_ordering_undo(mr_vec *numbered) {
    for (size_t i = numbered->len; i-- > 0;) {
        const mr_numbered *was = mr_vec_at(numbered, i);
        if (was->old.kind == MR_UNLOADED) mr_entity_forget(was->item, was->prop->slot);
        else if (mr_entity_set(was->item, was->prop->slot, &was->old) != MR_OK) return;
    }
}

mr_status mr_ordering_require(mr_entity *holder, const mr_relationship *rel) {
    const mr_value *ignored;
    if (!rel->position_prop || rel->viewonly || holder->state != MR_PERSISTENT || !mr_session_of(holder)) return MR_OK;
    return mr_relationship_require(holder, rel->prop, &ignored);
}

mr_status mr_attribute_renumber(mr_entity *entity, const mr_property *prop) {
    const mr_value *v;
    if (!prop->relationship || !prop->relationship->position_prop) return MR_OK;
    if (mr_relationship_read(entity, prop, &v) != MR_OK) return MR_FAIL;
    if (v->kind != MR_COLLECTION) return MR_OK;
    mr_vec numbered;
    mr_vec_init(&numbered, entity->mapper->env, sizeof(mr_numbered));
    mr_status status = mr_ordering_number(v->u.p, 0, &numbered);
    if (status != MR_OK) mr_ordering_undo(&numbered);
    mr_vec_done(&numbered);
    return status;
}
