/*
 * reference.c: stores a reference that was read from a row when the program may have changed the other side of the
 * relationship.
 *
 * Invariant: the committed value of the reference is the one of the row. If the program has given the target to another
 * object since, the reference shows NULL, and that counts as a change of this side.
 */
#include <moonrow/entity.h>

/* The other side of the relationship, if it is a reference that the library keeps equal to this side. */
static const mr_relationship *reference_back(const mr_relationship *rel) {
    const mr_relationship *back = rel ? rel->reverse : NULL;
    bool both = back && !rel->viewonly && !back->viewonly && back->direction == MR_MANY_TO_ONE;
    return both ? back : NULL;
}

bool mr_entity_has_left(const mr_entity *parent, const mr_relationship *rel, mr_entity *item) {
    if (!(item->flags & MR_ENTITY_MODIFIED)) return false;
    const mr_relationship *back = reference_back(rel);
    if (!back) return false;
    const mr_value *v = mr_entity_slot(item, back->prop->slot);
    return (v->flags & MR_VALUE_DIRTY) && (v->kind != MR_ENTITY || v->u.p != parent);
}

mr_status mr_entity_put_reference(mr_entity *entity, const mr_property *prop, mr_entity *target, bool force) {
    mr_value value = mr_reference_value(entity, target);
    bool kept = !force && (mr_entity_slot(entity, prop->slot)->flags & MR_VALUE_DIRTY);
    if (kept) return MR_OK; /* a change of the program's own */
    if (mr_entity_put(entity, prop->slot, &value, force) != MR_OK) return MR_FAIL;
    if (!target || !mr_entity_has_left(entity, prop->relationship, target)) return MR_OK;
    const mr_value none = mr_null_value();
    return mr_entity_set(entity, prop->slot, &none);
}
