/*
 * states.c: moves one object between its states: transient, pending, persistent, deleted, detached. Nothing here
 * cascades.
 *
 * Invariant: a move that fails has changed nothing. pending[e->list_index] == e for each pending object.
 */
#include "session_state.h"
#include "states.h"

#include <stdlib.h>

const char *mr_entity_words(const mr_entity *entity, mr_strbuf *buf) {
    mr_strbuf_clear(buf);
    if (mr_entity_has_identity(entity)) {
        mr_strbuf_putc(buf, '<');
        mr_entity_describe(entity, buf);
        mr_strbuf_putc(buf, '>');
    } else {
        const char *state = entity->state == MR_PENDING ? "pending" : "transient";
        mr_strbuf_printf(buf, "<%s (%s)>", entity->mapper->name, state);
    }
    return buf->oom || !buf->data ? entity->mapper->name : buf->data;
}

static mr_status refuse(const mr_entity *e, const char *before, const char *after) {
    mr_env *env = e->mapper->env;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_INVALID_REQUEST, "%s'%s'%s", before, mr_entity_words(e, &words), after);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

mr_status mr_state_check_session(mr_session *s, const mr_entity *entity) {
    const mr_session *other = mr_session_of(entity);
    if (!other || other == s) return MR_OK;
    return refuse(entity, "Object ", " is already attached to another session; expunge it there or merge it here");
}

/* ---------------------------------------------------------------- leaving an owner */

static void leave_owner(mr_entity *e) {
    mr_owner *owner = e->owner;
    if (!owner) return;
    mr_entity_touch(e); /* only the owner knows that the object has expired: its values go now */
    mr_entity_leave_dirty(e);
    mr_idmap_remove(owner->idmap, e);
    e->owner = NULL;
    mr_owner_release(owner);
}

void mr_state_leave_closed_session(mr_entity *entity) {
    if (!entity->owner || entity->owner->session) return;
    leave_owner(entity);
    if (entity->state != MR_TRANSIENT) entity->state = MR_DETACHED;
}

/* Removes the object from pending; the last one takes its place. */
static void leave_fresh(mr_session *s, mr_entity *e) {
    mr_entity *last = mr_vec_ptr(&s->pending, --s->pending.len);
    ((mr_entity **)s->pending.data)[e->list_index] = last;
    last->list_index = e->list_index;
    s->pending_unsorted = s->pending_unsorted || last != e;
    if (s->pending.len == 0) s->pending_unsorted = false;
    mr_entity_unpin(e);
}

void mr_state_clear_mark(mr_entity *entity) {
    entity->flags &= ~(uint32_t)(MR_ENTITY_TO_DELETE | MR_ENTITY_CASCADED);
    if (!(entity->flags & MR_ENTITY_MODIFIED)) mr_entity_unhold(entity);
    mr_entity_unpin(entity);
}

void mr_state_unmark_to_delete(mr_session *s, mr_entity *entity) {
    entity->flags &= ~(uint32_t)MR_ENTITY_SPARED;
    if (!(entity->flags & MR_ENTITY_TO_DELETE)) return;
    size_t i = s->to_delete.len; /* from the end: marks are mostly taken away in the reverse order */
    while (i > 0 && mr_vec_ptr(&s->to_delete, i - 1) != entity) i--;
    if (i == 0) return;
    mr_vec_remove(&s->to_delete, i - 1);
    mr_state_clear_mark(entity);
}

void mr_state_clear_spared(mr_entity *entity) { entity->flags &= ~(uint32_t)MR_ENTITY_SPARED; }

/* The object is added while others are to be deleted: until the next flush no cascade of these deletions reaches it. */
static mr_status spare_added(mr_session *s, mr_entity *entity) {
    if (entity->flags & MR_ENTITY_SPARED) return MR_OK;
    if (mr_vec_push_ptr(&s->spared, entity) != MR_OK) return MR_FAIL;
    mr_entity_pin(entity);
    mr_state_unmark_to_delete(s, entity);
    entity->flags |= MR_ENTITY_SPARED;
    return MR_OK;
}

void mr_state_clear_all_spared(mr_session *s) {
    while (s->spared.len > 0) {
        mr_entity *e = mr_vec_ptr(&s->spared, --s->spared.len);
        mr_state_clear_spared(e);
        mr_entity_unpin(e);
    }
}

void mr_state_detach(mr_session *s, mr_entity *entity) {
    if (entity->state == MR_DELETED) entity->flags |= MR_ENTITY_GONE;
    mr_state_unmark_to_delete(s, entity);
    leave_owner(entity);
    entity->state = MR_DETACHED;
}

void mr_state_make_deleted(mr_session *s, mr_entity *entity) {
    mr_state_unmark_to_delete(s, entity);
    mr_entity_touch(entity); /* a deleted object does not expire */
    mr_entity_leave_dirty(entity);
    mr_idmap_remove(s->owner->idmap, entity);
    entity->state = MR_DELETED;
}

/* The object has no row any more, so nothing of its collections is in the database: what they hold is complete. But an
 * unloaded collection that holds nothing is not known to be empty: when the object has a row again, rows may refer to
 * it. */
static void own_collections(mr_entity *e) {
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) continue;
        const mr_value *v = mr_entity_slot(e, prop->slot);
        mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
        if (!c || c->loaded) continue;
        c->loaded = c->n > 0;
        c->nremoved = 0;
        if (!c->loaded) mr_entity_forget(e, prop->slot);
    }
}

void mr_state_make_transient(mr_session *s, mr_entity *entity) {
    if (entity->state == MR_PENDING) {
        leave_fresh(s, entity);
        entity->state = MR_TRANSIENT;
        leave_owner(entity);
        return;
    }
    mr_state_unmark_to_delete(s, entity);
    leave_owner(entity);
    own_collections(entity);
    mr_entity_accept(entity);
    mr_value none = mr_value_of(MR_UNLOADED, 0);
    mr_entity_set_identity(entity, &none); /* there is nothing to copy: cannot fail */
    entity->state = MR_TRANSIENT;
    entity->flags &= ~(uint32_t)(MR_ENTITY_FLUSHED_NEW | MR_ENTITY_PARTIAL | MR_ENTITY_GONE);
}

/* ---------------------------------------------------------------- joining */

mr_status mr_state_make_pending(mr_session *s, mr_entity *entity) {
    if (mr_vec_push_ptr(&s->pending, entity) != MR_OK) return MR_FAIL;
    if (s->pending.len == 1) s->last_insert_order = 0;
    entity->list_index = (uint32_t)(s->pending.len - 1);
    entity->insert_order = ++s->last_insert_order;
    entity->owner = mr_owner_retain(s->owner);
    entity->generation = s->owner->generation;
    entity->state = MR_PENDING;
    mr_entity_pin(entity);
    return MR_OK;
}

static bool has_changes(mr_entity *e) {
    if (mr_entity_history(e)) return true;
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) continue;
        const mr_value *v = mr_entity_slot(e, prop->slot);
        if (v->kind == MR_COLLECTION && mr_collection_changed(v->u.p)) return true;
    }
    return false;
}

mr_status mr_state_attach(mr_session *s, mr_entity *entity) {
    mr_state_leave_closed_session(entity);
    if (entity->flags & MR_ENTITY_GONE)
        return refuse(entity, "Instance ", " has been deleted: make a new object in its place");
    bool changed = has_changes(entity);
    const mr_value identity = mr_entity_identity(entity);
    const mr_entity *other = mr_idmap_get(s->owner->idmap, entity->mapper->root, &identity);
    s->add_met_duplicate = other && other != entity;
    if (s->add_met_duplicate)
        return refuse(entity, "Can't attach instance ",
                      "; another instance with its key is already present in this session: merge it instead");
    if (mr_idmap_put(s->owner->idmap, entity) != MR_OK) return MR_FAIL;
    entity->owner = mr_owner_retain(s->owner);
    entity->generation = s->owner->generation;
    entity->as_of = MR_AS_OF_UNKNOWN;
    entity->state = MR_PERSISTENT;
    if (!changed || mr_entity_mark_modified(entity) == MR_OK) return MR_OK;
    leave_owner(entity);
    entity->state = MR_DETACHED;
    return MR_FAIL;
}

mr_status mr_state_admit(mr_session *s, mr_entity *entity) {
    mr_state_leave_closed_session(entity);
    if (mr_state_check_session(s, entity) != MR_OK) return MR_FAIL;
    switch ((mr_state)entity->state) {
    case MR_TRANSIENT:
        return mr_state_make_pending(s, entity);
    case MR_DETACHED:
        return mr_state_attach(s, entity);
    case MR_PERSISTENT:
        return s->to_delete.len > 0 ? spare_added(s, entity) : MR_OK;
    case MR_PENDING:
        return MR_OK;
    case MR_DELETED:
        break;
    }
    return refuse(entity, "Instance ",
                  " has been deleted in this transaction: roll it back, or make a new object in its place");
}

mr_status mr_state_mark_to_delete(mr_session *s, mr_entity *entity, bool cascaded) {
    if (!(entity->flags & MR_ENTITY_TO_DELETE)) {
        if (mr_vec_push_ptr(&s->to_delete, entity) != MR_OK) return MR_FAIL;
        mr_entity_pin(entity);
        entity->flags |= MR_ENTITY_TO_DELETE | MR_ENTITY_CASCADED;
    }
    if (!cascaded) entity->flags &= ~(uint32_t)MR_ENTITY_CASCADED;
    return MR_OK;
}

/* ---------------------------------------------------------------- all at once */

void mr_state_drop_all_pending(mr_session *s) {
    while (s->pending.len > 0) {
        mr_entity *e = mr_vec_ptr(&s->pending, s->pending.len - 1);
        if (e->state == MR_PENDING) {
            mr_state_make_transient(s, e);
            e->flags |= MR_ENTITY_UNDONE;
            continue;
        }
        s->pending
            .len--; /* it is persistent, but the list was not trimmed yet, because listeners of after_flush see it */
        mr_entity_unpin(e);
    }
}

void mr_state_unmark_all(mr_session *s) {
    while (s->to_delete.len > 0) mr_state_clear_mark(mr_vec_ptr(&s->to_delete, --s->to_delete.len));
    mr_state_clear_all_spared(s);
}

static int by_order(const void *a, const void *b) {
    uint32_t x = (*(mr_entity *const *)a)->insert_order, y = (*(mr_entity *const *)b)->insert_order;
    return (x > y) - (x < y);
}

void mr_state_sort_pending(mr_session *s) {
    if (!s->pending_unsorted) return;
    qsort(s->pending.data, s->pending.len, sizeof(mr_entity *), by_order);
    for (size_t i = 0; i < s->pending.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->pending, i);
        if (e->state == MR_PENDING) e->list_index = (uint32_t)i;
    }
    s->pending_unsorted = false;
}
