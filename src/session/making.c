/*
 * making.c: objects while their constructors set relationships, and one that its constructor has refused, which leaves
 * all that it was linked with.
 *
 * Invariant: an object that is not whole is not flushed by itself. Abandoning it asks nobody and never fails: no
 * validator and no listener hears of it, and the error that the constructor has recorded stays.
 */
#include "relationships.h"
#include "session_state.h"
#include "states.h"

void mr_making_begin(mr_making *m, mr_entity *entity) {
    mr_session_common *common = mr_session_common_of(entity->mapper->env);
    *m = (mr_making){entity, common ? common->making : NULL};
    if (common) common->making = m;
}

void mr_making_end(const mr_making *m) {
    mr_session_common *common = mr_session_common_of(m->entity->mapper->env);
    if (common && common->making == m) common->making = m->outer;
}

bool mr_session_is_making(const mr_session *s) {
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    for (const mr_making *m = common ? common->making : NULL; m; m = m->outer)
        if (m->entity->state == MR_PENDING && mr_session_of(m->entity) == s) return true;
    return false;
}

static mr_status leave(mr_entity *e, const mr_relationship *rel) {
    const mr_value *held = mr_relationship_peek(e, rel);
    mr_both_sides sides;
    if (held->kind == MR_ENTITY) {
        mr_both_sides_begin(&sides, e->mapper->env);
        return mr_both_sides_end(&sides, mr_both_sides_set_reference(&sides, e, rel, NULL));
    }
    if (held->kind != MR_COLLECTION || ((const mr_collection *)held->u.p)->n == 0) return MR_OK;
    mr_vec added, removed;
    mr_vec_init(&added, e->mapper->env, sizeof(mr_entity *));
    mr_vec_init(&removed, e->mapper->env, sizeof(mr_entity *));
    mr_both_sides_begin(&sides, e->mapper->env);
    mr_status status = mr_both_sides_difference(held->u.p, NULL, 0, &added, &removed);
    if (status == MR_OK) status = mr_both_sides_assign(&sides, e, rel, NULL, 0, &added, &removed);
    status = mr_both_sides_end(&sides, status);
    mr_vec_done(&removed);
    mr_vec_done(&added);
    return status;
}

void mr_attribute_abandon(mr_entity *e) {
    mr_env *env = e->mapper->env;
    mr_heap *heap = mr_heap_of(env);
    mr_state state = mr_session_state_of(e);
    if (!heap || (state != MR_TRANSIENT && state != MR_PENDING)) return;
    mr_error *refusal = mr_env_save_error(env);
    mr_heap_block(heap);
    const mr_relationship_list *list = mr_relationship_list_of(e->mapper);
    for (unsigned i = 0; list && i < list->n; i++)
        if (leave(e, list->rels[i]) != MR_OK) mr_env_clear_error(env);
    mr_session *s = mr_session_of(e);
    if (s && mr_session_state_of(e) == MR_PENDING && mr_session_expunge(s, e) != MR_OK) mr_env_clear_error(env);
    mr_heap_unblock(heap);
    mr_env_restore_error(env, refusal);
}
