/*
 * relationship_list.c: the relationships of a class, and the objects that they hold in memory.
 *
 * Invariant: nothing here loads anything.
 */
#include "relationships.h"

const mr_relationship_list *mr_relationship_list_of(mr_mapper *mapper) {
    if ((!mapper->configured || mapper->registry->dirty) && mr_registry_configure(mapper->registry) != MR_OK)
        return NULL;
    mr_relationship_list *known = mapper->session_plans;
    if (known && known->version == mapper->registry->version) return known;
    unsigned n = 0;
    for (size_t i = 0; i < mapper->props.len; i++)
        n += ((const mr_property *)mr_vec_ptr(&mapper->props, i))->kind == MR_PROPERTY_RELATIONSHIP;
    mr_relationship_list *made = known;
    if (!made || made->n != n) {
        made = mr_env_arena(mapper->env, sizeof *made);
        if (!made || (n > 0 && !(made->rels = mr_env_arena(mapper->env, n * sizeof(const void *))))) return NULL;
    }
    made->n = made->cascades = 0;
    made->may_be_orphan = false;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) continue;
        made->rels[made->n++] = prop->relationship;
        made->cascades |= prop->relationship->cascade;
        const mr_relationship *reverse = mr_relationship_reverse(prop->relationship);
        if (reverse && (reverse->cascade & MR_CASCADE_DELETE_ORPHAN)) made->may_be_orphan = true;
    }
    made->version = mapper->registry->version;
    mapper->session_plans = made;
    return made;
}

bool mr_relationship_is_list(const mr_relationship *rel) {
    return rel->uselist >= 0 ? rel->uselist > 0 : rel->direction != MR_MANY_TO_ONE;
}

const mr_relationship *mr_relationship_reverse(const mr_relationship *rel) {
    const mr_relationship *reverse = rel->reverse;
    return reverse && !rel->viewonly && !reverse->viewonly ? reverse : NULL;
}

const mr_value *mr_relationship_peek(mr_entity *entity, const mr_relationship *rel) {
    return mr_entity_slot(entity, rel->prop->slot);
}

mr_status mr_relationship_removed(mr_entity *entity, const mr_relationship *rel, mr_vec *out) {
    const mr_value *v = mr_relationship_peek(entity, rel);
    if (v->kind == MR_COLLECTION) {
        const mr_collection *c = v->u.p;
        return mr_collection_changed(c) ? mr_collection_changes(v->u.p, NULL, out, NULL) : MR_OK;
    }
    if (!(v->flags & MR_VALUE_DIRTY)) return MR_OK;
    const mr_value *old = mr_entity_committed(entity, rel->prop->slot);
    return old->kind == MR_ENTITY ? mr_vec_push_ptr(out, old->u.p) : MR_OK;
}

mr_status mr_relationship_added(mr_entity *entity, const mr_relationship *rel, mr_vec *out) {
    const mr_value *v = mr_relationship_peek(entity, rel);
    if (v->kind == MR_COLLECTION)
        return mr_collection_changed(v->u.p) ? mr_collection_changes(v->u.p, out, NULL, NULL) : MR_OK;
    bool unsaved = entity->state == MR_PENDING || entity->state == MR_TRANSIENT;
    bool added = v->kind == MR_ENTITY && (unsaved || (v->flags & MR_VALUE_DIRTY));
    return added ? mr_vec_push_ptr(out, v->u.p) : MR_OK;
}

mr_status mr_relationship_items(mr_entity *entity, const mr_relationship *rel, bool removed, mr_vec *out) {
    const mr_value *v = mr_relationship_peek(entity, rel);
    if (v->kind == MR_ENTITY) {
        if (mr_vec_push_ptr(out, v->u.p) != MR_OK) return MR_FAIL;
    } else if (v->kind == MR_COLLECTION) {
        const mr_collection *c = v->u.p;
        for (uint32_t i = 0; i < c->n; i++)
            if (mr_vec_push_ptr(out, c->items[i]) != MR_OK) return MR_FAIL;
    }
    /* An unloaded collection may note a removed object that it never held: only a loaded one is certain. */
    bool certain = v->kind != MR_COLLECTION || ((const mr_collection *)v->u.p)->loaded;
    return removed && certain ? mr_relationship_removed(entity, rel, out) : MR_OK;
}
