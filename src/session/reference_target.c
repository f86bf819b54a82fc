/*
 * reference_target.c: finds the object that a reference refers to.
 *
 * Invariant: a change of a reference loads the old target only if that target must be changed, too: because no key says
 * whether it is in memory, or because it becomes an orphan.
 */
#include "relationships.h"

mr_entity *mr_reference_target_by_key(mr_entity *entity, const mr_relationship *rel, bool *known) {
    enum { MAX_KEY = 16 };
    mr_value key[MAX_KEY], identity;
    const mr_mapper *target = rel->target;
    *known = false;
    if (!mr_session_of(entity)) return NULL; /* a detached object has no identity map */
    if (!rel->use_get || target->npk > MAX_KEY || rel->npairs != target->npk) return NULL;
    for (unsigned i = 0; i < target->npk; i++) {
        key[i] = mr_value_of(MR_UNLOADED, 0);
        for (unsigned j = 0; j < rel->npairs; j++) {
            if (rel->pairs[j].remote_slot != target->pk_slots[i] || rel->pairs[j].local_slot == UINT16_MAX) continue;
            mr_entity_touch(entity);
            key[i] = *mr_entity_committed(entity, rel->pairs[j].local_slot);
        }
        if (key[i].kind == MR_UNLOADED || key[i].kind == MR_OPAQUE) return NULL;
        if (key[i].kind == MR_NULL) {
            *known = true;
            return NULL;
        }
    }
    mr_strbuf buf;
    mr_strbuf_init(&buf, entity->mapper->env);
    mr_entity *found = NULL;
    if (mr_identity_make(target, key, &buf, &identity))
        found = mr_idmap_get(entity->owner->idmap, target->root, &identity);
    mr_strbuf_done(&buf);
    if (found && !mr_mapper_isa(found->mapper, target)) found = NULL;
    *known = found != NULL;
    return found;
}

static bool must_be_known(const mr_relationship *rel) {
    if (!rel->viewonly && (rel->cascade & MR_CASCADE_DELETE_ORPHAN)) return true; /* the old target will be deleted */
    bool loads = !mr_strategy_of(rel->lazy)->access;
    return loads && !rel->viewonly && (rel->direction != MR_MANY_TO_ONE || !rel->use_get);
}

mr_status mr_reference_target(mr_entity *entity, const mr_relationship *rel, mr_entity **out, bool *known) {
    const mr_value *v = mr_relationship_peek(entity, rel);
    *out = v->kind == MR_ENTITY ? v->u.p : NULL;
    *known = v->kind != MR_UNLOADED;
    mr_session *s = mr_session_of(entity);
    if (*known || entity->state == MR_TRANSIENT || entity->state == MR_PENDING) {
        *known = true;
        return MR_OK;
    }
    if (!s || entity->state != MR_PERSISTENT) return MR_OK;
    *out = mr_reference_target_by_key(entity, rel, known);
    if (*known) {
        mr_value value = *out ? mr_value_of(MR_ENTITY, 0) : mr_null_value();
        if (*out) value.u.p = *out;
        return mr_entity_put(entity, rel->prop->slot, &value, false);
    }
    if (!must_be_known(rel)) {
        const mr_relationship *reverse = mr_relationship_reverse(rel);
        if (reverse) *out = mr_parent_of(entity, reverse);
        return MR_OK;
    }
    mr_session_block_autoflush(s, 1);
    mr_status status = mr_relationship_require(entity, rel->prop, &v);
    mr_session_block_autoflush(s, -1);
    if (status != MR_OK) return MR_FAIL;
    *out = v->kind == MR_ENTITY ? v->u.p : NULL;
    *known = true;
    return MR_OK;
}
