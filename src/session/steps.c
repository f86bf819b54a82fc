/*
 * steps.c: the steps of which a change of both sides of a relationship consists, and how they are undone.
 *
 * Invariant: each step is noted before it is done; undoing the steps in reverse order gives both sides back as they
 * were.
 */
#include "steps.h"

#include "cascade.h"

void mr_both_sides_begin(mr_both_sides *l, mr_env *env) {
    l->env = env;
    l->session = NULL;
    mr_vec_init(&l->steps, env, sizeof(link_step));
    mr_vec_init(&l->admitted, env, sizeof(mr_entity *));
    mr_vec_init(&l->possible_orphans, env, sizeof(link_step));
    mr_vec_init(&l->numbered, env, sizeof(mr_numbered));
}

mr_collection *mr_step_collection(mr_entity *entity, const mr_relationship *rel) {
    const mr_value *v = mr_relationship_peek(entity, rel);
    return v->kind == MR_COLLECTION ? v->u.p : NULL;
}

/* ---------------------------------------------------------------- steps */

static link_step *push_step(mr_both_sides *l, step_kind kind, mr_entity *entity, const mr_relationship *rel,
                            mr_entity *item) {
    link_step *step = mr_vec_push(&l->steps);
    if (!step) return NULL;
    step->kind = (uint8_t)kind;
    step->entity = entity;
    step->rel = rel;
    step->item = item;
    step->at = 0;
    return step;
}

/* A viewonly reference is never written: setting it is no change of its object. */
static mr_status write_reference(mr_entity *entity, const mr_relationship *rel, const mr_value *value) {
    return rel->viewonly ? mr_entity_put(entity, rel->prop->slot, value, true)
                         : mr_entity_set(entity, rel->prop->slot, value);
}

mr_status mr_step_set_reference(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_value value = item ? mr_value_of(MR_ENTITY, 0) : mr_null_value();
    if (item) value.u.p = item;
    link_step *step = push_step(l, STEP_SET, entity, rel, item);
    if (!step) return MR_FAIL;
    step->old = *mr_relationship_peek(entity, rel);
    if (write_reference(entity, rel, &value) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

/* The reference shows nil, but its foreign key stays: the other side has passive_deletes = "all". */
mr_status mr_step_show_nil(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel) {
    const mr_value none = mr_null_value();
    link_step *step = push_step(l, STEP_CLEARED, entity, rel, NULL);
    if (!step) return MR_FAIL;
    step->old = *mr_relationship_peek(entity, rel);
    if (mr_entity_put(entity, rel->prop->slot, &none, true) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

mr_status mr_step_insert(mr_both_sides *l, mr_collection *c, uint32_t at, mr_entity *item) {
    link_step *step = push_step(l, STEP_INSERTED, c->parent, c->prop->relationship, item);
    if (!step) return MR_FAIL;
    uint32_t before = c->n;
    step->at = at < c->n ? at : c->n;
    if (mr_collection_insert(c, step->at, item) != MR_OK) {
        l->steps.len--;
        return MR_FAIL;
    }
    if (c->n == before) step->kind = STEP_UNNOTED;
    return MR_OK;
}

mr_status mr_step_remove(mr_both_sides *l, mr_collection *c, uint32_t at) {
    link_step *step = push_step(l, STEP_REMOVED, c->parent, c->prop->relationship, c->items[at]);
    if (!step) return MR_FAIL;
    step->at = at;
    if (mr_collection_remove_at(c, at) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

mr_status mr_step_replace(mr_both_sides *l, mr_collection *c, uint32_t at, mr_entity *item) {
    link_step *step = push_step(l, STEP_REPLACED, c->parent, c->prop->relationship, c->items[at]);
    if (!step) return MR_FAIL;
    step->at = at;
    if (mr_collection_replace_at(c, at, item) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

mr_status mr_step_note_removed(mr_both_sides *l, mr_collection *c, mr_entity *item) {
    uint32_t before = c->nremoved;
    if (!push_step(l, STEP_NOTED, c->parent, c->prop->relationship, item)) return MR_FAIL;
    if (mr_collection_note_removed(c, item) != MR_OK) {
        l->steps.len--;
        return MR_FAIL;
    }
    if (c->nremoved == before) l->steps.len--;
    return MR_OK;
}

static void undo_step(const link_step *step) {
    mr_collection *c = mr_step_collection(step->entity, step->rel);
    switch ((step_kind)step->kind) {
    case STEP_SET:
        if (step->old.kind == MR_UNLOADED) mr_entity_forget(step->entity, step->rel->prop->slot);
        else write_reference(step->entity, step->rel, &step->old);
        break;
    case STEP_CLEARED:
        if (step->old.kind == MR_ENTITY && (step->old.flags & MR_VALUE_DIRTY))
            mr_entity_set(step->entity, step->rel->prop->slot, &step->old);
        else mr_entity_put(step->entity, step->rel->prop->slot, &step->old, true);
        break;
    case STEP_INSERTED:
        if (c) mr_collection_remove_at(c, step->at);
        break;
    case STEP_REPLACED:
        if (c) mr_collection_replace_at(c, step->at, step->item);
        break;
    case STEP_REMOVED:
    case STEP_NOTED:
        if (c) mr_collection_insert(c, step->at, step->item);
        break;
    case STEP_UNNOTED:
        if (c) mr_collection_note_removed(c, step->item);
        break;
    }
}

/* Pending objects that a delete-orphan relationship has lost leave their session, unless another parent holds them. */
static mr_status expunge_orphans(mr_both_sides *l) {
    for (size_t i = 0; i < l->possible_orphans.len; i++) {
        const link_step *lost = mr_vec_at(&l->possible_orphans, i);
        mr_entity *e = lost->item;
        mr_session *s = mr_session_of(e);
        if (s && e->state == MR_PENDING && !mr_parent_of(e, lost->rel) && mr_session_expunge(s, e) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

static mr_collection *ordering_list_of(const link_step *step) {
    return step->rel->position_prop ? mr_step_collection(step->entity, step->rel) : NULL;
}

/* Gives the items of each ordering list that was changed their positions, from the first place that was changed on.
 * Steps of one list mostly come one after the other. */
static mr_status number_lists(mr_both_sides *l) {
    for (size_t i = 0; i < l->steps.len;) {
        const link_step *step = mr_vec_at(&l->steps, i);
        mr_collection *c = ordering_list_of(step);
        uint32_t from = step->at;
        for (i++; i < l->steps.len; i++) {
            const link_step *next = mr_vec_at(&l->steps, i);
            if (ordering_list_of(next) != c) break;
            if (next->at < from) from = next->at;
        }
        if (c && mr_ordering_number(c, from, &l->numbered) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_both_sides_end(mr_both_sides *l, mr_status status) {
    if (status == MR_OK) status = number_lists(l);
    if (status == MR_OK && l->possible_orphans.len > 0) status = expunge_orphans(l);
    if (status != MR_OK) {
        mr_error *saved = mr_env_save_error(l->env);
        mr_ordering_undo(&l->numbered);
        while (l->steps.len > 0) undo_step(mr_vec_at(&l->steps, --l->steps.len));
        if (l->session) mr_cascade_take_back(l->session, &l->admitted);
        mr_env_restore_error(l->env, saved);
    }
    mr_cascade_release(&l->admitted);
    mr_vec_done(&l->steps);
    mr_vec_done(&l->possible_orphans);
    mr_ordering_done(l->env, &l->numbered);
    return status;
}
