/*
 * holders.c: who holds an object whose own side is about to be forgotten.
 *
 * Invariant: what is noted is a hint, as all in parents.c: it counts only while the holder still holds the
 * object. A collection that is not loaded holds just what its other side's changes say: it forgets with it.
 */
#include "session_state.h"

/* What the reference refers to, without loading. */
static mr_entity *known_target(mr_entity *entity, const mr_relationship *rel) {
    const mr_value *v = mr_relation_peek(entity, rel);
    bool known;
    if (v->kind == MR_ENTITY) return v->u.p;
    return v->kind == MR_UNLOADED ? mr_reference_by_key(entity, rel, &known) : NULL;
}

mr_status mr_holders_note(mr_entity *entity) {
    const mr_relations *relations = mr_relations_of(entity->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i], *reverse = mr_relation_reverse(rel);
        if (!reverse || mr_relation_is_list(rel)) continue;
        mr_entity *holder = known_target(entity, rel);
        if (!holder || mr_relation_peek(holder, reverse)->kind == MR_UNLOADED) continue;
        if (mr_parent_note(entity, reverse, holder) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status note_items(mr_entity *holder, mr_vec *items) {
    const mr_relations *relations = mr_relations_of(holder->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i], *reverse = mr_relation_reverse(rel);
        if (!reverse || mr_relation_is_list(reverse)) continue;
        items->len = 0;
        if (mr_relation_items(holder, rel, false, items) != MR_OK) return MR_FAIL;
        for (size_t j = 0; j < items->len; j++)
            if (mr_parent_note(mr_vec_ptr(items, j), rel, holder) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

void mr_holders_note_items(mr_entity *holder) {
    mr_vec items;
    mr_vec_init(&items, holder->mapper->env, sizeof(mr_entity *));
    if (note_items(holder, &items) != MR_OK) mr_env_clear_error(holder->mapper->env); /* only hints are lost */
    mr_vec_done(&items);
}

/* ---------------------------------------------------------------- what half-known collections have noted */

/* The holder's collection, when it is not loaded. */
static mr_collection *half_known(mr_entity *holder, const mr_relationship *rel) {
    const mr_value *v = mr_relation_peek(holder, rel);
    mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    return c && !c->loaded ? c : NULL;
}

static bool is_noted_removed(const mr_collection *c, const mr_entity *member) {
    for (uint32_t i = 0; i < c->nremoved; i++)
        if (c->removed[i] == member) return true;
    return false;
}

/* joined: member was noted as appended to it; otherwise as removed. */
static mr_status take_back(mr_entity *holder, const mr_relationship *rel, mr_entity *member, bool joined) {
    mr_collection *c = half_known(holder, rel);
    if (!c) return MR_OK;
    uint32_t at = joined ? mr_collection_find(c, member) : UINT32_MAX;
    mr_status status = MR_OK;
    if (at != UINT32_MAX) status = mr_collection_remove_at(c, at);
    else if (!joined && is_noted_removed(c, member)) status = mr_collection_insert(c, UINT32_MAX, member);
    if (status == MR_OK && c->n == 0 && c->nremoved == 0) mr_entity_forget(holder, rel->prop->slot);
    return status;
}

mr_status mr_holders_take_back(mr_entity *entity, const mr_relationship *rel) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    const mr_value *v = mr_relation_peek(entity, rel);
    if (!reverse || !mr_relation_is_list(reverse) || !(v->flags & MR_VALUE_DIRTY)) return MR_OK;
    mr_vec added, removed;
    mr_vec_init(&added, entity->mapper->env, sizeof(mr_entity *));
    mr_vec_init(&removed, entity->mapper->env, sizeof(mr_entity *));
    mr_status status = mr_relation_removed(entity, rel, &removed);
    if (status == MR_OK && v->kind == MR_ENTITY) status = mr_vec_push_ptr(&added, v->u.p);
    if (status == MR_OK && v->kind == MR_COLLECTION) status = mr_collection_changes(v->u.p, &added, NULL, NULL);
    for (size_t i = 0; status == MR_OK && i < added.len; i++)
        status = take_back(mr_vec_ptr(&added, i), reverse, entity, true);
    for (size_t i = 0; status == MR_OK && i < removed.len; i++)
        status = take_back(mr_vec_ptr(&removed, i), reverse, entity, false);
    mr_vec_done(&removed);
    mr_vec_done(&added);
    return status;
}

mr_status mr_holders_take_back_all(mr_entity *entity) {
    const mr_relations *relations = mr_relations_of(entity->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++)
        if (mr_holders_take_back(entity, relations->rels[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_holders_lose(void *session, mr_entity *entity) {
    (void)session;
    return mr_holders_take_back_all(entity);
}
