/*
 * parent_notes.c: notes the parents of an object before the object forgets its own side of the relationship.
 *
 * Invariant: a note is a hint, as in parents.c: it counts only as long as the parent still holds the object. An
 * unloaded collection knows only the changes of its items: when the change of an item is lost, the collection forgets
 * it, too.
 */
#include "relationships.h"

/* The target of the reference, if it is in memory. */
static mr_entity *known_target(mr_entity *entity, const mr_relationship *rel) {
    const mr_value *v = mr_relationship_peek(entity, rel);
    bool known;
    if (v->kind == MR_ENTITY) return v->u.p;
    return v->kind == MR_UNLOADED ? mr_reference_target_by_key(entity, rel, &known) : NULL;
}

mr_status mr_parent_notes_save_holders(mr_entity *entity) {
    const mr_relationship_list *relations = mr_relationship_list_of(entity->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i], *reverse = mr_relationship_reverse(rel);
        if (!reverse || mr_relationship_is_list(rel)) continue;
        mr_entity *holder = known_target(entity, rel);
        if (!holder || mr_relationship_peek(holder, reverse)->kind == MR_UNLOADED) continue;
        if (mr_parent_note(entity, reverse, holder) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status note_items(mr_entity *holder, mr_vec *items) {
    const mr_relationship_list *relations = mr_relationship_list_of(holder->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i], *reverse = mr_relationship_reverse(rel);
        if (!reverse || mr_relationship_is_list(reverse)) continue;
        items->len = 0;
        if (mr_relationship_items(holder, rel, false, items) != MR_OK) return MR_FAIL;
        for (size_t j = 0; j < items->len; j++)
            if (mr_parent_note(mr_vec_ptr(items, j), rel, holder) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

void mr_parent_notes_save_items(mr_entity *holder) {
    const mr_relationship_list *relations = mr_relationship_list_of(holder->mapper);
    if (relations && relations->n == 0) return;
    mr_vec items;
    mr_vec_init(&items, holder->mapper->env, sizeof(mr_entity *));
    if (note_items(holder, &items) != MR_OK) mr_env_clear_error(holder->mapper->env); /* only hints are missing */
    mr_vec_done(&items);
}

/* ---------------------------------------------------------------- unloaded collections */

/* The holder's collection, if it is unloaded; else NULL. */
static mr_collection *half_known(mr_entity *holder, const mr_relationship *rel) {
    const mr_value *v = mr_relationship_peek(holder, rel);
    mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    return c && !c->loaded ? c : NULL;
}

static bool is_noted_removed(const mr_collection *c, const mr_entity *member) {
    for (uint32_t i = 0; i < c->nremoved; i++)
        if (c->removed[i] == member) return true;
    return false;
}

/* Removes the note about member from the unloaded collection. joined: the note says appended; else removed. */
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

mr_status mr_parent_notes_undo_change(mr_entity *entity, const mr_relationship *rel) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    const mr_value *v = mr_relationship_peek(entity, rel);
    if (!reverse || !mr_relationship_is_list(reverse) || !(v->flags & MR_VALUE_DIRTY)) return MR_OK;
    mr_vec added, removed;
    mr_vec_init(&added, entity->mapper->env, sizeof(mr_entity *));
    mr_vec_init(&removed, entity->mapper->env, sizeof(mr_entity *));
    mr_status status = mr_relationship_removed(entity, rel, &removed);
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

mr_status mr_parent_notes_undo_all_changes(mr_entity *entity) {
    const mr_relationship_list *relations = mr_relationship_list_of(entity->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++)
        if (mr_parent_notes_undo_change(entity, relations->rels[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_parent_notes_before_overwrite(void *session, mr_entity *entity) {
    (void)session;
    return mr_parent_notes_undo_all_changes(entity);
}
