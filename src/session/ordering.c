/*
 * ordering.c: ordering lists: an attribute of the items holds their position in the list.
 *
 * Invariant: when a change of a loaded list has ended, each item's attribute is its position. Only attributes that are
 * not it are set, so that a flush writes the items that have moved.
 */
#include "relationships.h"

static mr_status position_at(mr_collection *c, uint32_t place, mr_value *out) {
    const mr_relationship *rel = c->prop->relationship;
    *out = mr_int_value(rel->count_from + (int64_t)place * rel->step);
    return rel->position_fn ? rel->position_fn(c->parent->mapper->env, rel->position_ud, c->parent, rel, place, out)
                            : MR_OK;
}

static bool has_position(mr_entity *item, const mr_property *prop, const mr_value *position) {
    return mr_value_equal(item->mapper->env, mr_entity_slot(item, prop->slot), position);
}

/* Notes what the item has before it is numbered. */
static mr_status note_old(mr_vec *numbered, mr_entity *item, const mr_property *prop) {
    const mr_value *old = mr_entity_slot(item, prop->slot);
    mr_numbered *was = mr_vec_push(numbered);
    if (!was) return MR_FAIL;
    *was = (mr_numbered){item, prop, mr_null_value()};
    if (mr_kind_is_plain(old->kind)) was->old = *old;
    else if (mr_value_copy(item->mapper->env, &was->old, old) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_ordering_number(mr_collection *c, uint32_t from, mr_vec *numbered) {
    const mr_relationship *rel = c->prop->relationship;
    const mr_property *prop = rel->position_prop;
    mr_value position;
    if (!c->loaded || rel->viewonly) return MR_OK;
    /* If the item before has its number, those before it have theirs, too: other programs number from the start. */
    if (from > 0 && from <= c->n && position_at(c, from - 1, &position) != MR_OK) return MR_FAIL;
    if (from > c->n || (from > 0 && !has_position(c->items[from - 1], prop, &position))) from = 0;
    for (uint32_t i = from; i < c->n; i++) {
        if (position_at(c, i, &position) != MR_OK) return MR_FAIL;
        if (i >= c->n) break; /* the function has emptied the list */
        mr_entity *item = c->items[i];
        if (has_position(item, prop, &position)) continue;
        if (note_old(numbered, item, prop) != MR_OK) return MR_FAIL;
        if (mr_attribute_set(item, prop, &position) == MR_OK) continue;
        mr_value_clear(item->mapper->env, &((mr_numbered *)mr_vec_at(numbered, --numbered->len))->old);
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

void mr_ordering_done(mr_env *env, mr_vec *numbered) {
    for (size_t i = 0; i < numbered->len; i++) mr_value_clear(env, &((mr_numbered *)mr_vec_at(numbered, i))->old);
    mr_vec_done(numbered);
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
    mr_ordering_done(entity->mapper->env, &numbered);
    return status;
}
