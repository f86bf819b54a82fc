/*
 * collection.c: collections as a program changes them: insert, remove, replace, assign.
 *
 * Invariant: appending loads nothing. An operation that needs a position, or must know the items, loads the collection
 * first.
 */
#include "attributes.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

/* Checks what comes besides with putting item into a dict: another object that has its key loses its place. */
static mr_status check_key(mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_entity *displaced;
    if (mr_keyed_check(entity, rel, item, &displaced) != MR_OK) return MR_FAIL;
    if (!displaced) return MR_OK;
    mr_value value = mr_value_of(MR_ENTITY, 0);
    value.u.p = displaced;
    return mr_relationship_check_change(entity, rel, MR_EVENT_REMOVE, &value);
}

/* The relationship of the collection, after checking that the object may be changed. NULL: refused. */
static const mr_relationship *relationship_to_change(mr_entity *entity, const mr_property *prop) {
    mr_env *env = entity->mapper->env;
    if (prop->kind == MR_PROPERTY_SYNONYM) prop = mr_mapper_property(entity->mapper, prop->name, true);
    if (!mr_relationship_list_of(entity->mapper)) return NULL;
    if (!prop || prop->kind != MR_PROPERTY_RELATIONSHIP || !mr_relationship_is_list(prop->relationship)) {
        mr_fail(env, MR_ERR_ARGUMENT, "%s.%s is not a collection", entity->mapper->name, prop ? prop->name : "?");
        return NULL;
    }
    if (mr_blocks_allow_change(entity, prop) != MR_OK) return NULL;
    mr_state_leave_closed_session(entity);
    const mr_value *v = mr_relationship_peek(entity, prop->relationship);
    if (v->kind != MR_COLLECTION || !((const mr_collection *)v->u.p)->partial) return prop->relationship;
    mr_fail(env, MR_ERR_INVALID_REQUEST,
            "%s.%s holds a part of its objects, those within the limit of the query's option, and cannot be changed: "
            "expire it first, session:expire(object, { \"%s\" }), or change the other side",
            entity->mapper->name, prop->name, prop->name);
    return NULL;
}

static mr_collection *loaded_collection(mr_entity *entity, const mr_relationship *rel) {
    const mr_value *v;
    mr_status status = mr_relationship_is_queried(rel) ? mr_relationship_require(entity, rel->prop, &v)
                                                       : mr_relationship_read(entity, rel->prop, &v);
    if (status != MR_OK) return NULL;
    return v->kind == MR_COLLECTION ? v->u.p : NULL;
}

/* Sets and dicts hold an object once: is it there? */
static bool is_there_already(mr_entity *entity, const mr_relationship *rel, const mr_entity *item) {
    if (rel->collection == MR_COLLECTION_LIST) return false;
    const mr_value *v = mr_relationship_peek(entity, rel);
    return v->kind == MR_COLLECTION && mr_collection_holds(v->u.p, item);
}

/* UINT32_MAX: the end. */
static mr_status check_place(mr_entity *entity, const mr_relationship *rel, uint32_t at) {
    if (at == UINT32_MAX) return MR_OK;
    const mr_collection *c = loaded_collection(entity, rel);
    if (!c) return MR_FAIL;
    if (at <= c->n) return MR_OK;
    return mr_fail(entity->mapper->env, MR_ERR_ARGUMENT, "%s.%s has %lu items: there is no place %lu",
                   entity->mapper->name, rel->prop->name, (unsigned long)c->n, (unsigned long)at + 1);
}

/* A listener may have changed the list: the place is checked before and after it. */
static mr_status insert(mr_entity *entity, const mr_relationship *rel, uint32_t at, mr_entity *item) {
    if (is_there_already(entity, rel, item)) return MR_OK;
    mr_value value = mr_value_of(MR_ENTITY, 0);
    value.u.p = item;
    if (mr_relationship_check_items(entity, rel, &item, 1) != MR_OK || check_place(entity, rel, at) != MR_OK ||
        mr_relationship_check_change(entity, rel, MR_EVENT_APPEND, &value) != MR_OK ||
        check_key(entity, rel, value.u.p) != MR_OK || check_place(entity, rel, at) != MR_OK)
        return MR_FAIL;
    mr_both_sides sides;
    mr_both_sides_begin(&sides, entity->mapper->env);
    return mr_both_sides_end(&sides, mr_both_sides_insert(&sides, entity, rel, at, value.u.p));
}

/* A listener may have moved the item that was at `at`: its position now. UINT32_MAX: a listener has removed it. */
static uint32_t place_now(mr_collection *c, uint32_t at, const mr_entity *item) {
    return at < c->n && c->items[at] == item ? at : mr_collection_find(c, item);
}

static mr_status remove_at(mr_entity *entity, const mr_relationship *rel, uint32_t at) {
    mr_collection *c = loaded_collection(entity, rel);
    if (!c) return MR_FAIL;
    mr_both_sides sides;
    mr_both_sides_begin(&sides, entity->mapper->env);
    if (at < c->n) {
        mr_entity *item = c->items[at];
        mr_value value = mr_value_of(MR_ENTITY, 0);
        value.u.p = item;
        if (mr_relationship_check_change(entity, rel, MR_EVENT_REMOVE, &value) != MR_OK ||
            !(c = loaded_collection(entity, rel)))
            return mr_both_sides_end(&sides, MR_FAIL);
        at = place_now(c, at, item);
        if (at == UINT32_MAX) return mr_both_sides_end(&sides, MR_OK);
    }
    return mr_both_sides_end(&sides, mr_both_sides_remove(&sides, entity, rel, at));
}

static mr_status replace_at(mr_entity *entity, const mr_relationship *rel, uint32_t at, mr_entity *item) {
    mr_collection *c = loaded_collection(entity, rel);
    if (!c || mr_relationship_check_items(entity, rel, &item, 1) != MR_OK) return MR_FAIL;
    mr_value old = mr_value_of(MR_ENTITY, 0), value = old;
    value.u.p = item;
    uint32_t now = at;
    if (at < c->n) {
        mr_entity *before = old.u.p = c->items[at];
        if (before == item) return MR_OK;
        if (mr_relationship_check_change(entity, rel, MR_EVENT_REMOVE, &old) != MR_OK ||
            mr_relationship_check_change(entity, rel, MR_EVENT_APPEND, &value) != MR_OK ||
            !(c = loaded_collection(entity, rel)))
            return MR_FAIL;
        now = place_now(c, at, before);
    }
    mr_both_sides sides;
    mr_both_sides_begin(&sides, entity->mapper->env);
    mr_status status = now == UINT32_MAX ? mr_both_sides_insert(&sides, entity, rel, at < c->n ? at : c->n, value.u.p)
                                         : mr_both_sides_replace(&sides, entity, rel, now, value.u.p);
    return mr_both_sides_end(&sides, status);
}

static mr_status not_there(const mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_env *env = entity->mapper->env;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_ARGUMENT, "%s.%s: %s is not in the collection", entity->mapper->name, rel->prop->name,
            mr_entity_words(item, &words));
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* Do the item's foreign keys say that it is in no collection of the entity? false: nobody knows. */
static bool belongs_elsewhere(mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    for (unsigned i = 0; i < rel->npairs && rel->direction == MR_ONE_TO_MANY; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        if (pair->local_slot == UINT16_MAX || pair->remote_slot == UINT16_MAX) continue;
        const mr_value *mine = mr_entity_slot(entity, pair->local_slot);
        const mr_value *theirs = mr_entity_slot(item, pair->remote_slot);
        if (theirs->kind == MR_NULL) return true;
        if (mine->kind == MR_INT && theirs->kind == MR_INT && mine->u.i != theirs->u.i) return true;
    }
    return !mr_entity_has_identity(item);
}

/* Removes an item from a collection that is queried: what is not in memory is noted, and nothing is loaded. */
static mr_status remove_unseen(mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_collection *c = mr_entity_collection(entity, rel->prop, false);
    if (!c) return MR_FAIL;
    if (!mr_collection_holds(c, item)) {
        bool known = c->loaded || entity->state != MR_PERSISTENT;
        if (!known && mr_attribute_load_if_expired(item) != MR_OK) return MR_FAIL;
        if (known || belongs_elsewhere(entity, rel, item)) return not_there(entity, rel, item);
    }
    mr_value value = mr_value_of(MR_ENTITY, 0);
    value.u.p = item;
    if (mr_relationship_check_change(entity, rel, MR_EVENT_REMOVE, &value) != MR_OK) return MR_FAIL;
    mr_both_sides sides;
    mr_both_sides_begin(&sides, entity->mapper->env);
    return mr_both_sides_end(&sides, mr_both_sides_take_out(&sides, entity, rel, item));
}

static mr_status remove_item(mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    if (mr_relationship_is_queried(rel)) return remove_unseen(entity, rel, item);
    mr_collection *c = loaded_collection(entity, rel);
    if (!c) return MR_FAIL;
    uint32_t at = mr_collection_find(c, item);
    return at != UINT32_MAX ? remove_at(entity, rel, at) : not_there(entity, rel, item);
}

/* ---------------------------------------------------------------- assigning */

/* Calls validators and listeners for an item that the collection gets, if it is not there already. They may replace it.
 */
static mr_status accept_item(mr_entity *entity, const mr_relationship *rel, mr_collection *c, mr_value *item) {
    if (mr_collection_find(c, item->u.p) != UINT32_MAX) return MR_OK;
    if (mr_relationship_check_change(entity, rel, MR_EVENT_APPEND, item) != MR_OK) return MR_FAIL;
    return mr_keyed_check(entity, rel, item->u.p, NULL); /* whoever is not among the items leaves anyway */
}

/* Calls validators and listeners for the items, and appends the items that they return to wanted. Sets and dicts hold
 * an object once. */
static mr_status accept_items(mr_entity *entity, const mr_relationship *rel, mr_collection *c, mr_entity *const *items,
                              uint32_t n, mr_vec *wanted) {
    bool once = rel->collection != MR_COLLECTION_LIST;
    mr_map *seen =
        once ? mr_map_new(entity->mapper->env, sizeof(mr_entity *), mr_map_hash_ptr, mr_map_equal_ptr) : NULL;
    mr_status status = once && !seen ? MR_FAIL : MR_OK;
    for (uint32_t i = 0; status == MR_OK && i < n; i++) {
        mr_value value = mr_value_of(MR_ENTITY, 0);
        value.u.p = items[i];
        status = accept_item(entity, rel, c, &value);
        if (status == MR_OK && seen && mr_map_get(seen, &value.u.p)) continue;
        if (status == MR_OK && seen && !mr_map_put(seen, &value.u.p)) status = MR_FAIL;
        if (status == MR_OK) status = mr_vec_push_ptr(wanted, value.u.p);
    }
    mr_map_free(seen);
    return status;
}

static mr_status assign(mr_entity *entity, const mr_relationship *rel, mr_entity *const *items, uint32_t n) {
    mr_env *env = entity->mapper->env;
    mr_collection *c = loaded_collection(entity, rel);
    if (!c || mr_relationship_check_items(entity, rel, items, n) != MR_OK) return MR_FAIL;
    mr_vec wanted, added, removed;
    mr_vec_init(&wanted, env, sizeof(mr_entity *));
    mr_vec_init(&added, env, sizeof(mr_entity *));
    mr_vec_init(&removed, env, sizeof(mr_entity *));
    mr_both_sides sides;
    mr_both_sides_begin(&sides, env);
    mr_status status = accept_items(entity, rel, c, items, n, &wanted);
    mr_entity *const *list = (mr_entity *const *)wanted.data;
    if (status == MR_OK) status = mr_both_sides_difference(c, list, (uint32_t)wanted.len, &added, &removed);
    for (size_t i = 0; status == MR_OK && i < removed.len; i++) {
        mr_value value = mr_value_of(MR_ENTITY, 0);
        value.u.p = mr_vec_ptr(&removed, i);
        status = mr_relationship_check_change(entity, rel, MR_EVENT_REMOVE, &value);
    }
    if (status == MR_OK)
        status = mr_both_sides_assign(&sides, entity, rel, list, (uint32_t)wanted.len, &added, &removed);
    status = mr_both_sides_end(&sides, status);
    mr_vec_done(&removed);
    mr_vec_done(&added);
    mr_vec_done(&wanted);
    return status;
}

/* ---------------------------------------------------------------- extending */

/* Appends the items at the end, all of them or none: all are checked before the first one comes. */
static mr_status append_items(mr_entity *entity, const mr_relationship *rel, mr_entity *const *items, uint32_t n) {
    mr_status status = mr_relationship_check_items(entity, rel, items, n);
    if (status == MR_OK && rel->collection == MR_COLLECTION_DICT) { /* what one displaces depends on those before it */
        for (uint32_t i = 0; i < n && status == MR_OK; i++) status = insert(entity, rel, UINT32_MAX, items[i]);
        return status;
    }
    if (status != MR_OK) return status;
    mr_vec wanted;
    mr_vec_init(&wanted, entity->mapper->env, sizeof(mr_entity *));
    for (uint32_t i = 0; i < n && status == MR_OK; i++) {
        mr_value value = mr_value_of(MR_ENTITY, 0);
        value.u.p = items[i];
        if (is_there_already(entity, rel, items[i])) continue;
        status = mr_relationship_check_change(entity, rel, MR_EVENT_APPEND, &value);
        if (status == MR_OK) status = mr_vec_push_ptr(&wanted, value.u.p);
    }
    if (status == MR_OK) {
        mr_both_sides sides;
        mr_both_sides_begin(&sides, entity->mapper->env);
        for (size_t i = 0; i < wanted.len && status == MR_OK; i++)
            if (!is_there_already(entity, rel, mr_vec_ptr(&wanted, i)))
                status = mr_both_sides_insert(&sides, entity, rel, UINT32_MAX, mr_vec_ptr(&wanted, i));
        status = mr_both_sides_end(&sides, status);
    }
    mr_vec_done(&wanted);
    return status;
}

/* ---------------------------------------------------------------- the public functions */

static mr_heap *block_heap(mr_entity *entity) {
    mr_heap *heap = mr_heap_of(entity->mapper->env);
    if (heap) mr_heap_block(heap);
    return heap;
}

mr_status mr_attribute_insert(mr_entity *entity, const mr_property *prop, uint32_t at, mr_entity *item) {
    mr_heap *heap = block_heap(entity);
    if (!heap) return MR_FAIL;
    const mr_relationship *rel = relationship_to_change(entity, prop);
    mr_status status = rel ? insert(entity, rel, at, item) : MR_FAIL;
    mr_heap_unblock(heap);
    return status;
}

mr_status mr_attribute_remove_at(mr_entity *entity, const mr_property *prop, uint32_t at) {
    mr_heap *heap = block_heap(entity);
    if (!heap) return MR_FAIL;
    const mr_relationship *rel = relationship_to_change(entity, prop);
    mr_status status = rel ? remove_at(entity, rel, at) : MR_FAIL;
    mr_heap_unblock(heap);
    return status;
}

mr_status mr_attribute_replace_at(mr_entity *entity, const mr_property *prop, uint32_t at, mr_entity *item) {
    mr_heap *heap = block_heap(entity);
    if (!heap) return MR_FAIL;
    const mr_relationship *rel = relationship_to_change(entity, prop);
    mr_status status = rel ? replace_at(entity, rel, at, item) : MR_FAIL;
    mr_heap_unblock(heap);
    return status;
}

mr_status mr_attribute_remove(mr_entity *entity, const mr_property *prop, mr_entity *item) {
    mr_heap *heap = block_heap(entity);
    if (!heap) return MR_FAIL;
    const mr_relationship *rel = relationship_to_change(entity, prop);
    mr_status status = rel ? remove_item(entity, rel, item) : MR_FAIL;
    mr_heap_unblock(heap);
    return status;
}

mr_status mr_attribute_set_items(mr_entity *entity, const mr_property *prop, mr_entity *const *items, uint32_t n) {
    mr_heap *heap = block_heap(entity);
    if (!heap) return MR_FAIL;
    const mr_relationship *rel = relationship_to_change(entity, prop);
    mr_status status = rel ? assign(entity, rel, items, n) : MR_FAIL;
    mr_heap_unblock(heap);
    return status;
}

mr_status mr_attribute_append_items(mr_entity *entity, const mr_property *prop, mr_entity *const *items, uint32_t n) {
    mr_heap *heap = block_heap(entity);
    if (!heap) return MR_FAIL;
    const mr_relationship *rel = relationship_to_change(entity, prop);
    mr_status status = rel ? append_items(entity, rel, items, n) : MR_FAIL;
    mr_heap_unblock(heap);
    return status;
}
