/*
 * owner.c: the data that a session shares with its entities, and the list of its modified entities.
 *
 * Invariant: owner->dirty[e->list_index] == e for each entity with the flag MR_ENTITY_MODIFIED.
 */
#include "heap_private.h"

mr_owner *mr_owner_new(mr_env *env, void *session) {
    mr_owner *owner = mr_calloc(env, sizeof *owner);
    if (!owner) return NULL;
    owner->idmap = mr_idmap_new(env);
    if (!owner->idmap) {
        mr_free(env, owner);
        return NULL;
    }
    owner->refs = 1;
    owner->env = env;
    owner->session = session;
    owner->as_of = MR_AS_OF_FIRST;
    owner->versioned = true;
    mr_vec_init(&owner->dirty, env, sizeof(mr_entity *));
    return owner;
}

mr_owner *mr_owner_retain(mr_owner *owner) {
    if (owner) owner->refs++;
    return owner;
}

void mr_owner_release(mr_owner *owner) {
    if (!owner || --owner->refs > 0) return;
    mr_idmap_free(owner->idmap);
    mr_vec_done(&owner->dirty);
    mr_free(owner->env, owner);
}

void mr_owner_close(mr_owner *owner) {
    while (owner->dirty.len > 0) mr_entity_leave_dirty(mr_vec_ptr(&owner->dirty, owner->dirty.len - 1));
    owner->session = NULL;
    mr_idmap_close(owner->idmap);
    mr_vec_done(&owner->dirty);
}

mr_status mr_entity_mark_modified(mr_entity *entity) {
    mr_owner *owner = entity->owner;
    if ((entity->flags & MR_ENTITY_MODIFIED) || entity->state != MR_PERSISTENT || !owner || !owner->session)
        return MR_OK;
    if (mr_vec_push_ptr(&owner->dirty, entity) != MR_OK) return MR_FAIL;
    entity->list_index = (uint32_t)(owner->dirty.len - 1);
    entity->flags |= MR_ENTITY_MODIFIED;
    mr_entity_hold(entity);
    return MR_OK;
}

void mr_entity_leave_dirty(mr_entity *e) {
    if (!(e->flags & MR_ENTITY_MODIFIED)) return;
    mr_vec *dirty = &e->owner->dirty;
    mr_entity *last = mr_vec_ptr(dirty, --dirty->len);
    ((mr_entity **)dirty->data)[e->list_index] = last;
    last->list_index = e->list_index;
    e->flags &= ~(uint32_t)MR_ENTITY_MODIFIED;
    if (!(e->flags & MR_ENTITY_TO_DELETE) && e->state != MR_PENDING) mr_entity_unhold(e);
}

static bool has_dirty(const mr_value *values, uint32_t n) {
    for (uint32_t i = 0; i < n; i++)
        if (values[i].flags & MR_VALUE_DIRTY) return true;
    return false;
}

void mr_entity_leave_if_clean(mr_entity *e) {
    if (!(e->flags & MR_ENTITY_MODIFIED) || mr_entity_history(e) || has_dirty(e->slots, e->nslots)) return;
    const entity_extra *extra = mr_entity_extra(e);
    if (extra && has_dirty(extra->values, extra->n)) return;
    mr_entity_leave_dirty(e);
}

mr_state mr_entity_state(const mr_entity *entity) {
    bool in_session = entity->owner && entity->owner->session;
    if (in_session || entity->state == MR_TRANSIENT) return (mr_state)entity->state;
    return entity->state == MR_PENDING ? MR_TRANSIENT : MR_DETACHED;
}

const char *mr_state_name(mr_state state) {
    static const char *const names[] = {"transient", "pending", "persistent", "deleted", "detached"};
    return (unsigned)state < sizeof names / sizeof *names ? names[state] : "unknown";
}
