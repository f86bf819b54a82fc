/*
 * both_sides.c: changes a reference or a collection, and the other side of its relationship with it.
 *
 * Invariant: when a change has ended, both sides agree in memory; if a step fails, the steps before it are undone. An
 * unloaded collection is not loaded for the change: it notes what was appended and removed. (But a one-to-one reference
 * is loaded: the object that is replaced must be known.)
 */
#include "cascade.h"
#include "relationships.h"
#include "states.h"
#include "steps.h"

/* ---------------------------------------------------------------- collections */

/* The collection, made empty if the slot has none. For an object with a row it is then unloaded: only the changes made
 * from now on are known. */
static mr_collection *open_collection(mr_entity *entity, const mr_relationship *rel) {
    mr_collection *c = mr_step_collection(entity, rel);
    bool unsaved = entity->state == MR_TRANSIENT || entity->state == MR_PENDING;
    return c ? c : mr_entity_collection(entity, rel->prop, unsaved);
}

/* ---------------------------------------------------------------- the other side */

static mr_status note_possible_orphan(mr_both_sides *l, const mr_relationship *rel, mr_entity *item) {
    if (!(rel->cascade & MR_CASCADE_DELETE_ORPHAN) || item->state != MR_PENDING) return MR_OK;
    link_step *step = mr_vec_push(&l->possible_orphans);
    if (!step) return MR_FAIL;
    step->rel = rel;
    step->item = item;
    return MR_OK;
}

static mr_status remove_from_collection(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel,
                                        mr_entity *member) {
    mr_collection *c = mr_step_collection(entity, rel);
    if (!c && (entity->state != MR_PERSISTENT || !mr_session_of(entity))) return MR_OK;
    if (!c && !(c = open_collection(entity, rel))) return MR_FAIL;
    bool found = false;
    for (uint32_t at; (at = mr_collection_find(c, member)) != UINT32_MAX; found = true)
        if (mr_step_remove(l, c, at) != MR_OK) return MR_FAIL;
    /* An item that was only appended to an unloaded collection is simply removed. A note would tell the flush that the
     * item's row has left this parent. */
    return c->loaded || found ? MR_OK : mr_step_note_removed(l, c, member);
}

static mr_status clear_lost_reference(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    bool key_stays = rel->direction == MR_MANY_TO_ONE && reverse && reverse->passive_deletes == 2;
    return key_stays ? mr_step_show_nil(l, entity, rel) : mr_step_set_reference(l, entity, rel, NULL);
}

/* Takes member out of entity.rel. */
static mr_status remove_from_side(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *member) {
    if (note_possible_orphan(l, rel, member) != MR_OK) return MR_FAIL;
    if (mr_relationship_is_list(rel)) return remove_from_collection(l, entity, rel, member);
    const mr_value *v = mr_relationship_peek(entity, rel);
    bool unsaved = entity->state == MR_TRANSIENT || entity->state == MR_PENDING;
    if (v->kind == MR_UNLOADED && !unsaved) {
        if (!mr_entity_has_identity(member)) return MR_OK; /* member has no row, so entity's row cannot refer to it */
        bool known;
        const mr_entity *now = mr_reference_target_by_key(entity, rel, &known);
        return known && now != member ? MR_OK : clear_lost_reference(l, entity, rel);
    }
    return v->kind == MR_ENTITY && v->u.p == member ? clear_lost_reference(l, entity, rel) : MR_OK;
}

static mr_status note_parent(const mr_relationship *rel, mr_entity *parent, mr_entity *child) {
    return mr_parent_is_tracked(rel) ? mr_parent_note(child, rel, parent) : MR_OK;
}

/* Call when the collection does not hold item any more. */
static mr_status after_removal(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    if (note_possible_orphan(l, rel, item) != MR_OK) return MR_FAIL;
    return reverse ? remove_from_side(l, item, reverse, entity) : MR_OK;
}

/* Puts item, which is not in the collection, at a place; in a dict, in that of the object which has its key. */
static mr_status put_into(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at,
                          mr_entity *item) {
    uint32_t same;
    if (mr_keyed_find(entity, rel, item, &same) != MR_OK) return MR_FAIL;
    mr_collection *c = open_collection(entity, rel);
    if (!c) return MR_FAIL;
    if (same == UINT32_MAX) return mr_step_insert(l, c, at, item);
    mr_entity *old = c->items[same];
    if (mr_step_replace(l, c, same, item) != MR_OK) return MR_FAIL;
    return after_removal(l, entity, rel, old);
}

/* Puts member into entity.rel. If that is a reference that had another target, that target loses entity. back: the same
 * relationship as member sees it. */
static mr_status add_to_side(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *member,
                             const mr_relationship *back) {
    if (mr_relationship_is_list(rel)) {
        mr_collection *c = open_collection(entity, rel);
        if (!c) return MR_FAIL;
        if (mr_collection_find(c, member) == UINT32_MAX && put_into(l, entity, rel, UINT32_MAX, member) != MR_OK)
            return MR_FAIL;
        return note_parent(rel, entity, member);
    }
    mr_entity *displaced;
    bool known;
    if (mr_reference_target(entity, rel, &displaced, &known) != MR_OK) return MR_FAIL;
    if (displaced == member && known) return MR_OK;
    if (mr_step_set_reference(l, entity, rel, member) != MR_OK || note_parent(rel, entity, member) != MR_OK)
        return MR_FAIL;
    return displaced && displaced != member ? remove_from_side(l, displaced, back, entity) : MR_OK;
}

/* Call when entity.rel holds item: completes the link. inform: the other side must be changed, too. That comes first,
 * as long as the parent that held item before is noted. */
static mr_status finish_link(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item,
                             bool inform) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    if (inform && reverse && add_to_side(l, item, reverse, entity, rel) != MR_OK) return MR_FAIL;
    return note_parent(rel, entity, item);
}

/* ---------------------------------------------------------------- checks and cascades before a change */

static mr_status refuse_second_parent(const mr_relationship *rel, const mr_entity *item) {
    mr_env *env = rel->parent->env;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_INVALID_REQUEST,
            "Instance %s is already associated with an instance of %s via its %s.%s attribute, and is only "
            "allowed a single parent.",
            mr_entity_words(item, &words), rel->parent->name, rel->parent->name, rel->prop->name);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* An item that was to be deleted with its holder is not deleted when it gets another holder. If this change is undone,
 * the flush marks the item again. */
static mr_status spare_given(const mr_entity *holder, const mr_relationship *rel, mr_entity *item) {
    mr_session *s = mr_session_of(item);
    bool given = s && rel && (rel->cascade & MR_CASCADE_DELETE) && (item->flags & MR_ENTITY_CASCADED) &&
                 !(holder->flags & MR_ENTITY_TO_DELETE);
    return given ? mr_deletion_unmark_reached(s, item) : MR_OK;
}

/* The save-update cascade: adds one object to the session of the other. */
static mr_status cascade_save_update(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    if (spare_given(entity, rel, item) != MR_OK || spare_given(item, reverse, entity) != MR_OK) return MR_FAIL;
    mr_session *s = mr_session_of(entity), *other = mr_session_of(item);
    if (s && (rel->cascade & MR_CASCADE_SAVE_UPDATE) && !mr_session_contains(s, item)) {
        l->session = s;
        return mr_cascade_admit(s, item, &l->admitted);
    }
    if (!other || !reverse || !(reverse->cascade & MR_CASCADE_SAVE_UPDATE) || mr_session_contains(other, entity))
        return MR_OK;
    l->session = other;
    return mr_cascade_admit(other, entity, &l->admitted);
}

static mr_status prepare(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_state_leave_closed_session(item);
    if (rel->single_parent) {
        const mr_entity *parent;
        if (mr_parent_load(item, rel, &parent) != MR_OK) return MR_FAIL;
        if (parent && parent != entity) return refuse_second_parent(rel, item);
    }
    return cascade_save_update(l, entity, rel, item);
}

/* ---------------------------------------------------------------- one link */

mr_status mr_both_sides_set_reference(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel,
                                      mr_entity *item) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    mr_entity *old;
    bool known;
    if (mr_reference_target(entity, rel, &old, &known) != MR_OK) return MR_FAIL;
    bool is_set = mr_relationship_peek(entity, rel)->kind != MR_UNLOADED;
    if (is_set && old == item) return MR_OK;
    size_t admitted = l->admitted.len;
    if (item && prepare(l, entity, rel, item) != MR_OK) return MR_FAIL;
    /* An object that was added again after a rollback may have become the target by that. */
    if (l->admitted.len > admitted && mr_reference_target(entity, rel, &old, &known) != MR_OK) return MR_FAIL;
    if (mr_step_set_reference(l, entity, rel, item) != MR_OK) return MR_FAIL;
    if (old == item) old = NULL; /* item was the target already, but that was not known */
    if (old && note_possible_orphan(l, rel, old) != MR_OK) return MR_FAIL;
    if (old && reverse && remove_from_side(l, old, reverse, entity) != MR_OK) return MR_FAIL;
    return item ? finish_link(l, entity, rel, item, true) : MR_OK;
}

/* Prepares item. An object that is added again after a rollback may come back into the collection by that: it is
 * removed there, because the caller gives it a place. */
static mr_status prepare_item(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_collection *c = mr_step_collection(entity, rel);
    bool present = c && mr_collection_find(c, item) != UINT32_MAX;
    if (prepare(l, entity, rel, item) != MR_OK) return MR_FAIL;
    if (present || !(c = mr_step_collection(entity, rel))) return MR_OK;
    uint32_t at = mr_collection_find(c, item);
    return at == UINT32_MAX ? MR_OK : mr_step_remove(l, c, at);
}

mr_status mr_both_sides_insert(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at,
                               mr_entity *item) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    if (prepare_item(l, entity, rel, item) != MR_OK) return MR_FAIL;
    mr_collection *c = open_collection(entity, rel);
    if (!c) return MR_FAIL;
    bool present = mr_collection_find(c, item) != UINT32_MAX;
    if (!present && !c->loaded && reverse && !mr_relationship_is_list(reverse)) {
        bool known;
        mr_entity *parent;
        if (mr_reference_target(item, reverse, &parent, &known) != MR_OK) return MR_FAIL;
        if (known && parent == entity) return MR_OK; /* it is in the unloaded collection already */
    }
    if (present && (!c->loaded || rel->collection != MR_COLLECTION_LIST)) return MR_OK;
    if (present) {
        if (mr_step_insert(l, c, at, item) != MR_OK) return MR_FAIL;
    } else if (put_into(l, entity, rel, at, item) != MR_OK) {
        return MR_FAIL;
    }
    return finish_link(l, entity, rel, item, !present);
}

/* The collection, if it has an item at that place; else NULL, with an ArgumentError. */
static mr_collection *collection_with(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at) {
    mr_collection *c = mr_step_collection(entity, rel);
    if (c && at < c->n) return c;
    mr_fail(l->env, MR_ERR_ARGUMENT, "%s.%s has no item %lu", entity->mapper->name, rel->prop->name,
            (unsigned long)at + 1);
    return NULL;
}

mr_status mr_both_sides_remove(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at) {
    mr_collection *c = collection_with(l, entity, rel, at);
    if (!c) return MR_FAIL;
    mr_entity *item = c->items[at];
    if (mr_step_remove(l, c, at) != MR_OK) return MR_FAIL;
    return mr_collection_holds(c, item) ? MR_OK : after_removal(l, entity, rel, item);
}

mr_status mr_both_sides_take_out(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    return remove_from_collection(l, entity, rel, item) == MR_OK ? after_removal(l, entity, rel, item) : MR_FAIL;
}

mr_status mr_both_sides_replace(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, uint32_t at,
                                mr_entity *item) {
    if (prepare_item(l, entity, rel, item) != MR_OK) return MR_FAIL;
    mr_collection *c = collection_with(l, entity, rel, at);
    if (!c) return MR_FAIL;
    mr_entity *old = c->items[at];
    bool present = mr_collection_holds(c, item);
    if (present && rel->collection != MR_COLLECTION_LIST) /* sets and dicts hold an object once */
        return old == item ? MR_OK : mr_both_sides_remove(l, entity, rel, at);
    if (mr_step_replace(l, c, at, item) != MR_OK || finish_link(l, entity, rel, item, !present) != MR_OK)
        return MR_FAIL;
    return mr_collection_holds(c, old) ? MR_OK : after_removal(l, entity, rel, old);
}

/* ---------------------------------------------------------------- added again after a rollback */

/* entity.rel holds item already: changes the other side, so that item holds entity. Loads nothing, and keeps the
 * changes of the program: if item refers to another object by now, item leaves entity.rel. */
static mr_status restore_other_side(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    const mr_value *v = mr_relationship_peek(item, reverse);
    if (mr_relationship_is_list(reverse)) {
        mr_collection *c = open_collection(item, reverse);
        if (!c) return MR_FAIL;
        return mr_collection_holds(c, entity) ? MR_OK : mr_step_insert(l, c, UINT32_MAX, entity);
    }
    if (v->kind == MR_ENTITY && v->u.p == entity) return MR_OK;
    bool known = v->kind != MR_UNLOADED || item->state != MR_PERSISTENT;
    if (!known) mr_reference_target_by_key(item, reverse, &known);
    if (!known) return mr_parent_note(item, rel, entity); /* a later change of the reference finds this note */
    return v->flags & MR_VALUE_DIRTY ? remove_from_side(l, entity, rel, item)
                                     : mr_both_sides_set_reference(l, item, reverse, entity);
}

mr_status mr_both_sides_restore(mr_both_sides *l, mr_entity *entity) {
    const mr_relationship_list *relations = mr_relationship_list_of(entity->mapper);
    mr_vec items;
    mr_vec_init(&items, l->env, sizeof(mr_entity *));
    mr_status status = relations ? MR_OK : MR_FAIL;
    for (unsigned i = 0; status == MR_OK && i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i];
        if (!mr_relationship_reverse(rel)) continue;
        items.len = 0;
        status = mr_relationship_items(entity, rel, false, &items);
        for (size_t j = 0; status == MR_OK && j < items.len; j++) {
            mr_entity *item = mr_vec_ptr(&items, j);
            if ((item->state == MR_PERSISTENT || item->state == MR_PENDING) && item->owner == entity->owner)
                status = restore_other_side(l, entity, rel, item);
        }
    }
    mr_vec_done(&items);
    return status;
}

/* ---------------------------------------------------------------- a whole collection */

/* Appends the elements of a that are not in b to out, each once. */
static mr_status difference(mr_env *env, mr_entity *const *a, uint32_t na, mr_entity *const *b, uint32_t nb,
                            mr_vec *out) {
    mr_map *seen = mr_map_new(env, sizeof(mr_entity *), mr_map_hash_ptr, mr_map_equal_ptr);
    mr_status status = seen ? MR_OK : MR_FAIL;
    for (uint32_t i = 0; status == MR_OK && i < nb; i++)
        if (!mr_map_put(seen, &b[i])) status = MR_FAIL;
    for (uint32_t i = 0; status == MR_OK && i < na; i++) {
        if (mr_map_get(seen, &a[i])) continue;
        if (!mr_map_put(seen, &a[i]) || mr_vec_push_ptr(out, a[i]) != MR_OK) status = MR_FAIL;
    }
    mr_map_free(seen);
    return status;
}

/* Makes the collection equal to items. The equal items at the beginning of both are not touched. */
static mr_status arrange(mr_both_sides *l, mr_collection *c, mr_entity *const *items, uint32_t n) {
    uint32_t same = 0;
    while (same < n && same < c->n && c->items[same] == items[same]) same++;
    while (c->n > same)
        if (mr_step_remove(l, c, c->n - 1) != MR_OK) return MR_FAIL;
    for (uint32_t i = same; i < n; i++)
        if (mr_step_insert(l, c, i, items[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_both_sides_difference(mr_collection *c, mr_entity *const *items, uint32_t n, mr_vec *added,
                                   mr_vec *removed) {
    mr_env *env = c->parent->mapper->env;
    if (difference(env, c->items, c->n, items, n, removed) != MR_OK) return MR_FAIL;
    return difference(env, items, n, c->items, c->n, added);
}

mr_status mr_both_sides_assign(mr_both_sides *l, mr_entity *entity, const mr_relationship *rel, mr_entity *const *items,
                               uint32_t n, const mr_vec *added, const mr_vec *removed) {
    mr_collection *c = mr_step_collection(entity, rel);
    if (!c) return mr_fail(l->env, MR_ERR_ERROR, "%s.%s is not loaded", entity->mapper->name, rel->prop->name);
    /* This comes before any cascade: removed items, and the old parents of new items, must not follow into a session.
     */
    if (arrange(l, c, items, n) != MR_OK) return MR_FAIL;
    mr_collection_note_assigned(c);
    for (size_t i = 0; i < removed->len; i++)
        if (after_removal(l, entity, rel, mr_vec_ptr(removed, i)) != MR_OK) return MR_FAIL;
    const mr_session *before = mr_session_of(entity);
    for (size_t i = 0; i < added->len; i++) {
        mr_entity *item = mr_vec_ptr(added, i);
        if (prepare(l, entity, rel, item) != MR_OK || finish_link(l, entity, rel, item, true) != MR_OK) return MR_FAIL;
    }
    /* If one of the items has brought the entity into its session, the items before it follow. */
    for (size_t i = 0; mr_session_of(entity) != before && i < added->len; i++)
        if (prepare(l, entity, rel, mr_vec_ptr(added, i)) != MR_OK) return MR_FAIL;
    return MR_OK;
}
