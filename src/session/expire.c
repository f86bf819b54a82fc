/*
 * expire.c: expiring objects, so that they are read again when they are next used, and refreshing them at once.
 *
 * Invariant: expiring everything costs time for the changed objects, not for the loaded ones: the owner's generation
 * rises, and an unchanged object notices that when it is used. A change that is made after an expiry survives the load
 * that follows.
 */
#include "cascade.h"
#include "journal.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

void mr_expire_dirty(mr_session *s) {
    mr_vec *dirty = &s->owner->dirty;
    while (dirty->len > 0) mr_entity_expire(mr_vec_ptr(dirty, dirty->len - 1));
}

void mr_expire_everything(mr_session *s) {
    mr_expire_dirty(s);
    s->owner->generation++;
    mr_session_note_all_expired(s);
}

/* The objects of the list that are up to date do not expire with the others. */
static void keep_fresh(const mr_vec *list, uint32_t before, uint32_t now) {
    for (size_t i = 0; i < list->len; i++) {
        mr_entity *e = mr_vec_ptr(list, i);
        if (e->generation != before) continue;
        e->generation = now;
        mr_parent_notes_save_items(e);
    }
}

void mr_expire_unmodified(mr_session *s) {
    uint32_t before = s->owner->generation++;
    keep_fresh(&s->owner->dirty, before, s->owner->generation);
    keep_fresh(&s->to_delete, before, s->owner->generation);
    mr_session_note_all_expired(s);
}

/* Does an object of the class show values of the table? */
static bool shows_table(const mr_mapper *mapper, const mr_table *table) {
    if (mr_mapper_reads(mapper, table)) return true;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind == MR_PROPERTY_RELATIONSHIP && prop->relationship->secondary == table) return true;
    }
    return false;
}

void mr_expire_table(mr_session *s, const mr_table *table) {
    size_t cursor = 0;
    const mr_mapper *mapper = NULL;
    bool shows = false;
    mr_heap_block(s->heap);
    for (mr_entity *e; (e = mr_idmap_next(s->owner->idmap, &cursor));) {
        if (e->mapper != mapper) shows = shows_table(mapper = e->mapper, table);
        bool kept = e->state != MR_PERSISTENT || (e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE));
        if (!shows || kept || e->generation != s->owner->generation) continue;
        if (mr_expire_one(s, e) == MR_OK) continue;
        mr_env_clear_error(s->env); /* only notes about parents are lost */
        mr_entity_expire(e);
    }
    mr_heap_unblock(s->heap);
}

mr_status mr_session_after_write(mr_session *s, const mr_table *table) {
    mr_table_facts facts;
    if (!s->conn || !mr_session_has_objects(s)) return MR_OK;
    if (mr_conn_table_facts(s->conn, table, false, &facts) != MR_OK) return MR_FAIL;
    if (facts.replaces) mr_expire_table(s, table);
    return MR_OK;
}

/* ---------------------------------------------------------------- the rest of a changed object */

static bool is_kept(const mr_entity *e, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    const mr_property *version = e->mapper->version;
    switch (prop->kind) {
    case MR_PROPERTY_COLUMN:
        return prop->is_primary_key || (version && version->slot == prop->slot);
    case MR_PROPERTY_EXPRESSION:
        return false;
    case MR_PROPERTY_RELATIONSHIP:
        return rel->direction != MR_MANY_TO_ONE || mr_relationship_is_list(rel);
    default:
        return true;
    }
}

void mr_expire_rest(mr_session *s, mr_entity *entity) {
    if (mr_parent_notes_save_holders(entity) != MR_OK) mr_env_clear_error(s->env); /* only hints are lost */
    for (size_t i = 0; i < entity->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&entity->mapper->props, i);
        if (is_kept(entity, prop)) continue;
        const mr_value *v = mr_entity_slot(entity, prop->slot);
        if (v->kind == MR_UNLOADED || (v->flags & MR_VALUE_DIRTY)) continue;
        mr_entity_forget(entity, prop->slot);
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) entity->flags |= MR_ENTITY_PARTIAL;
    }
    if (!entity->mapper->version) entity->as_of = s->owner->as_of;
}

mr_status mr_session_expire_all(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_EXPIRE, "expire_all()") != MR_OK) return MR_FAIL;
    mr_journal_before_expiry(s, NULL);
    mr_expire_everything(s);
    mr_session_drop_edits(s, NULL);
    return MR_OK;
}

/* ---------------------------------------------------------------- one object */

static mr_status require_persistent(mr_session *s, const mr_entity *e) {
    if (e->owner == s->owner && e->state == MR_PERSISTENT) return MR_OK;
    mr_strbuf words;
    mr_strbuf_init(&words, s->env);
    mr_fail(s->env, MR_ERR_INVALID_REQUEST,
            "Instance '%s' is not persistent within this Session: add and flush it first", mr_entity_words(e, &words));
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* The attribute of that name; NULL: there is none (ArgumentError, with the nearest name). */
static mr_property *named_property(mr_entity *entity, const char *name) {
    const mr_mapper *mapper = entity->mapper;
    mr_property *prop = mr_mapper_property(mapper, name, true);
    if (prop && prop->kind != MR_PROPERTY_SYNONYM) return prop;
    mr_fail(mapper->env, MR_ERR_ARGUMENT, "'%s' is no mapped attribute of %s%s", name, mapper->name,
            mr_hint(mapper->env, mr_mapper_nearest(mapper, name)));
    return NULL;
}

/* Expires the named attributes only. All names are checked before the first attribute expires. */
static mr_status expire_names(mr_session *s, mr_entity *entity, const char *const *names, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (!named_property(entity, names[i])) return MR_FAIL;
    if (mr_parent_notes_save_holders(entity) != MR_OK) return MR_FAIL;
    mr_journal_before_expiry(s, entity);
    for (unsigned i = 0; i < n; i++) {
        const mr_property *prop = named_property(entity, names[i]);
        if (prop->kind == MR_PROPERTY_RELATIONSHIP && mr_parent_notes_undo_change(entity, prop->relationship) != MR_OK)
            return MR_FAIL;
        mr_entity_forget(entity, prop->slot);
        if (prop->kind == MR_PROPERTY_COLUMN) entity->flags |= MR_ENTITY_PARTIAL;
    }
    mr_session_drop_edits(s, entity);
    return MR_OK;
}

mr_status mr_expire_one(mr_session *s, mr_entity *entity) {
    if (mr_parent_notes_save_holders(entity) != MR_OK || mr_parent_notes_undo_all_changes(entity) != MR_OK)
        return MR_FAIL;
    mr_journal_before_expiry(s, entity);
    mr_entity_expire(entity);
    return MR_OK;
}

/* mr_cascade_passes. A pending object has no row that could be read again, and stays as it is. But if the expiry takes
 * its only parent away, it would be an orphan: then it leaves the session. */
static mr_status is_expired_with(void *ud, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    (void)ud;
    if (item->state != MR_PENDING) return MR_OK;
    if (!(rel->cascade & MR_CASCADE_DELETE_ORPHAN)) return MR_DONE;
    const mr_entity *parent = mr_parent_of(item, rel);
    return parent && parent != entity ? MR_DONE : MR_OK;
}

/* Expires the object, and all that refresh-expire reaches from it. */
static mr_status expire_graph(mr_session *s, mr_entity *entity) {
    mr_cascade w = {.cascade = MR_CASCADE_REFRESH_EXPIRE, .passes = is_expired_with};
    mr_status status = mr_cascade_begin(&w, s->env);
    if (status == MR_OK) status = mr_cascade_from(&w, entity);
    for (size_t i = 0; status == MR_OK && i < w.out.len; i++) {
        mr_entity *e = mr_vec_ptr(&w.out, i);
        if (e->owner != s->owner) continue;
        if (e->state == MR_PENDING && s->flush_step != MR_FLUSH_STEP_SENDING) mr_state_make_transient(s, e);
        if (e->state != MR_PERSISTENT) continue;
        status = mr_expire_one(s, e);
        mr_session_drop_edits(s, e);
    }
    mr_cascade_end(&w);
    return status;
}

mr_status mr_session_expire(mr_session *s, mr_entity *entity, const char *const *names, unsigned n) {
    if (mr_session_allow(s, MR_ACT_EXPIRE, "expire()") != MR_OK) return MR_FAIL;
    mr_state_leave_closed_session(entity);
    if (require_persistent(s, entity) != MR_OK) return MR_FAIL;
    mr_entity_touch(entity);
    mr_heap_block(s->heap);
    mr_status status = names ? expire_names(s, entity, names, n) : expire_graph(s, entity);
    mr_heap_unblock(s->heap);
    return status;
}

/* ---------------------------------------------------------------- refreshing */

/* Loads the named attributes: all columns in one statement, then each relationship. */
static mr_status load_names(mr_session *s, mr_entity *entity, const char *const *names, unsigned n) {
    mr_vec columns, relationships;
    mr_vec_init(&columns, s->env, sizeof(mr_property *));
    mr_vec_init(&relationships, s->env, sizeof(mr_property *));
    mr_status status = MR_OK;
    for (unsigned i = 0; status == MR_OK && i < n; i++) {
        mr_property *prop = named_property(entity, names[i]);
        status =
            prop ? mr_vec_push_ptr(prop->kind == MR_PROPERTY_RELATIONSHIP ? &relationships : &columns, prop) : MR_FAIL;
    }
    if (status == MR_OK && columns.len > 0)
        status = mr_load_refresh(&s->load, entity, (const mr_property *const *)columns.data, (unsigned)columns.len);
    const mr_value *ignored;
    for (size_t i = 0; status == MR_OK && i < relationships.len; i++) {
        const mr_property *prop = mr_vec_ptr(&relationships, i);
        if (!mr_relationship_is_queried(prop->relationship)) status = mr_relationship_require(entity, prop, &ignored);
    }
    mr_vec_done(&relationships);
    mr_vec_done(&columns);
    return status;
}

static mr_status load_again(mr_session *s, mr_entity *entity, const char *const *names, unsigned n) {
    uint8_t before = mr_session_enter(s, MR_PHASE_LOADING);
    mr_status status = MR_NOTFOUND; /* the autoflush has deleted it */
    if (entity->state == MR_PERSISTENT)
        status = names ? load_names(s, entity, names, n) : mr_load_refresh_whole(&s->load, entity);
    if (status == MR_NOTFOUND) {
        mr_strbuf words;
        mr_strbuf_init(&words, s->env);
        status = mr_fail(s->env, MR_ERR_INVALID_REQUEST, "Could not refresh instance '%s': its row is gone",
                         mr_entity_words(entity, &words));
        mr_strbuf_done(&words);
    }
    mr_session_leave(s, before);
    return status;
}

mr_status mr_session_refresh(mr_session *s, mr_entity *entity, const char *const *names, unsigned n) {
    if (mr_session_allow(s, MR_ACT_READ, "refresh()") != MR_OK) return MR_FAIL;
    mr_state_leave_closed_session(entity);
    if (require_persistent(s, entity) != MR_OK) return MR_FAIL;
    mr_entity_pin(entity);
    mr_entity_touch(entity);
    /* The object expires before the autoflush: a program that refreshes an object does not want its changes written. */
    mr_heap_block(s->heap);
    mr_status status = names ? expire_names(s, entity, names, n) : expire_graph(s, entity);
    mr_heap_unblock(s->heap);
    if (status == MR_OK) status = mr_session_autoflush_now(s);
    if (status == MR_OK) status = load_again(s, entity, names, n);
    mr_entity_unpin(entity);
    return status;
}
