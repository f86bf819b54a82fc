/*
 * flush.c: the flush as the session sees it: it calls the listeners, loads what the flush needs, runs the flush, and
 * updates the lists of the session.
 *
 * Invariant: a flush that fails before its first statement changes nothing. If it fails later, the innermost level is
 * rolled back. In both cases no object has got values from the failed flush.
 */
#include "attributes.h"
#include "cascade.h"
#include "journal.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

bool mr_session_is_clean(const mr_session *s) {
    return s->pending.len == 0 && s->to_delete.len == 0 && s->owner->dirty.len == 0;
}

static mr_node *expression_of(void *ud, const mr_value *value) {
    const mr_session *s = ud;
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    return common && common->expression ? common->expression(common->expression_ud, value) : NULL;
}

/* ---------------------------------------------------------------- before */

/* Loads the column. If the object has expired, loads all its columns, because the flush may need others, too. */
static mr_status load_column(mr_session *s, mr_entity *entity, const mr_property *prop) {
    if (!prop->deferred && mr_entity_slot(entity, entity->mapper->pk_slots[0])->kind == MR_UNLOADED) {
        mr_status status = mr_load_refresh(&s->load, entity, NULL, 0);
        if (status != MR_OK || mr_entity_slot(entity, prop->slot)->kind != MR_UNLOADED) return status;
    }
    return mr_load_refresh(&s->load, entity, &prop, 1);
}

/* Loads an attribute that the flush must know. */
static mr_status load_need(mr_session *s, mr_entity *entity, const mr_property *prop) {
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) return mr_load_needed_relationship(&s->load, entity, prop);
    mr_status status = load_column(s, entity, prop);
    if (status != MR_NOTFOUND) return status;
    mr_strbuf words;
    mr_strbuf_init(&words, s->env);
    status =
        mr_fail(s->env, MR_ERR_OBJECT_DELETED, "Instance '%s' has been deleted, or its row is otherwise not present.",
                mr_entity_words(entity, &words));
    mr_strbuf_done(&words);
    return status;
}

static mr_status load_needs(mr_session *s, mr_flush *flush) {
    mr_entity *entity;
    const mr_property *prop;
    mr_status status;
    while ((status = mr_flush_need(flush, &entity, &prop)) == MR_ROW)
        if (load_need(s, entity, prop) == MR_FAIL) return MR_FAIL;
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* The changed objects that are not to be deleted, for session.dirty as after_flush sees it. */
static mr_status note_changed(mr_session *s) {
    const mr_vec *dirty = &s->owner->dirty;
    if (s->hooks[MR_SESSION_AFTER_FLUSH].len == 0) return MR_OK;
    if (mr_vec_reserve(&s->changed, dirty->len) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < dirty->len; i++) {
        mr_entity *e = mr_vec_ptr(dirty, i);
        if (!(e->flags & MR_ENTITY_TO_DELETE)) mr_vec_push_ptr(&s->changed, e);
    }
    return MR_OK;
}

static mr_status plan(mr_session *s, mr_flush **out) {
    mr_flush_context context = {s->env,
                                s->owner,
                                s,
                                mr_session_connect,
                                expression_of,
                                mr_entity_note_edits,
                                mr_session_settle,
                                s->engine ? mr_engine_dialect(s->engine)->name : NULL};
    const mr_vec *pending = &s->pending, *dirty = &s->owner->dirty, *doomed = &s->to_delete;
    mr_state_sort_pending(s);
    if (mr_flush_new(&context, (mr_entity *const *)pending->data, pending->len, (mr_entity *const *)dirty->data,
                     dirty->len, (mr_entity *const *)doomed->data, doomed->len, out) != MR_OK)
        return MR_FAIL;
    if (note_changed(s) != MR_OK) return MR_FAIL;
    s->flush_step = MR_FLUSH_STEP_PLANNING;
    mr_status status = load_needs(s, *out);
    s->flush_step = MR_FLUSH_STEP_NONE;
    return status;
}

/* ---------------------------------------------------------------- after */

/* Gives up what a list held of an object that leaves it. */
static void let_go(mr_entity *e) {
    if (!(e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE))) mr_entity_unhold(e);
    mr_entity_unpin(e);
}

/* Removes the objects that the flush has written from the lists. Objects that listeners have added meanwhile stay.
 * from: the objects before have been let go already. */
static void trim_pending(mr_session *s, size_t from) {
    size_t kept = 0;
    for (size_t i = from; i < s->pending.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->pending, i);
        if (e->state == MR_PENDING) {
            e->list_index = (uint32_t)kept;
            ((mr_entity **)s->pending.data)[kept++] = e;
        } else {
            let_go(e);
        }
    }
    s->pending.len = kept;
}

static void trim_to_delete(mr_session *s, size_t from) {
    size_t kept = 0;
    for (size_t i = from; i < s->to_delete.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->to_delete, i);
        if (e->state == MR_PERSISTENT || e->state == MR_PENDING) ((mr_entity **)s->to_delete.data)[kept++] = e;
        else let_go(e);
    }
    s->to_delete.len = kept;
}

static void trim_lists(mr_session *s) {
    trim_pending(s, 0);
    trim_to_delete(s, 0);
}

/* If another connection had committed before the first write of the flush: all objects expire, except those that the
 * flush has written. */
static void expire_stale(mr_session *s, const mr_flush *flush) {
    if (!s->stale) return;
    s->stale = false;
    uint32_t before = s->owner->generation;
    mr_expire_unmodified(s);
    for (size_t i = 0; i < mr_flush_result_count(flush); i++) {
        mr_entity *e = mr_flush_result_entity(flush, i);
        if (e->owner != s->owner || e->generation != before) continue;
        e->generation = s->owner->generation;
        mr_parent_notes_save_items(e);
    }
}

/* Pending objects that were to be deleted with their parents leave the session. They never had a row. */
static void drop_doomed_pending(mr_session *s) {
    for (size_t i = s->to_delete.len; i > 0; i--) {
        mr_entity *e = mr_vec_ptr(&s->to_delete, i - 1);
        if (e->state != MR_PENDING) continue;
        mr_entity_pin(e);
        mr_state_unmark_to_delete(s, e);
        mr_state_make_transient(s, e);
        mr_entity_unpin(e);
    }
    mr_state_sort_pending(s);
}

/* In a row that the flush has updated, another program may have changed other columns: these are read again. */
static void expire_unwritten(mr_session *s, const mr_flush *flush) {
    for (size_t i = 0; s->stale && i < mr_flush_result_count(flush); i++) {
        const mr_flush_result result = mr_flush_result_at(flush, i);
        if (result.kind == MR_FLUSH_UPDATE && result.entity->owner == s->owner) mr_expire_rest(s, result.entity);
    }
}

/* May the results be published a block at a time, so that all that is done with an object is done while it is in the
 * processor's cache? They must be of one kind, in the order of the list, and no listener or savepoint may look at them
 * meanwhile. */
static bool is_done_in_blocks(const mr_session *s, const mr_flush *flush) {
    return s->savepoints.len == 0 && s->hooks[MR_SESSION_AFTER_FLUSH].len == 0 && mr_flush_is_uniform(flush);
}

static void publish_in_blocks(mr_session *s, mr_flush *flush) {
    enum { BLOCK = 256 };
    size_t n = mr_flush_result_count(flush), gone = 0;
    mr_flush_kind kind = mr_flush_result_at(flush, 0).kind;
    bool inserts = kind == MR_FLUSH_INSERT;
    const mr_vec *list = inserts ? &s->pending : &s->to_delete; /* no changed object is in either list */
    for (size_t from = 0, to; from < n; from = to) {
        to = from + BLOCK < n ? from + BLOCK : n;
        if (kind != MR_FLUSH_UPDATE)
            mr_journal_flush_some(s, flush, from, to); /* outside of savepoints no update counts */
        mr_uncommitted_note(s, flush, from, to);
        mr_flush_publish_some(flush, from, to);
        for (; gone < to && gone < list->len && mr_vec_ptr(list, gone) == mr_flush_result_entity(flush, gone); gone++)
            let_go(mr_vec_ptr(list, gone));
    }
    trim_pending(s, inserts ? gone : 0);
    trim_to_delete(s, inserts ? 0 : gone);
}

static mr_status publish(mr_session *s, mr_flush *flush) {
    bool in_blocks = is_done_in_blocks(s, flush);
    if ((in_blocks ? mr_journal_reserve_for(s, flush) : mr_journal_flush(s, flush)) != MR_OK) return MR_FAIL;
    expire_unwritten(s, flush);
    drop_doomed_pending(s);
    mr_state_clear_all_spared(s);
    if (in_blocks) {
        publish_in_blocks(s, flush);
    } else {
        mr_uncommitted_note(s, flush, 0, mr_flush_result_count(flush));
        mr_flush_publish(flush);
    }
    expire_stale(s, flush);
    for (size_t i = 0; mr_flush_replaced(flush, i); i++) mr_expire_table(s, mr_flush_replaced(flush, i));
    mr_status status = in_blocks ? MR_OK : mr_session_fire(s, MR_SESSION_AFTER_FLUSH);
    if (status == MR_OK && !in_blocks) trim_lists(s);
    return status;
}

/* ---------------------------------------------------------------- running */

static mr_status run(mr_session *s, mr_flush *flush) {
    bool was_open = s->conn && !s->load_transaction && mr_conn_in_transaction(s->conn);
    bool writes = mr_flush_has_operations(flush);
    if (writes) {
        mr_session_adopt_load_transaction(s);
        /* Where no object is in memory, none is older than the transaction that begins now. */
        if (mr_idmap_count(s->owner->idmap) > 0) s->nothing_read = false;
        s->writes++;
    }
    s->flush_step = MR_FLUSH_STEP_SENDING;
    mr_status status = writes ? mr_flush_run(flush) : MR_OK;
    if (writes) s->nothing_read = false;
    if (status == MR_OK) status = mr_flush_set_strays(flush);
    s->flush_step = MR_FLUSH_STEP_NONE;
    if (status == MR_OK) status = publish(s, flush);
    if (status == MR_OK) return MR_OK;
    if (mr_flush_sent(flush)) {
        mr_transaction_flush_failed(s);
        return MR_FAIL;
    }
    trim_lists(s); /* a flush without statements has failed: a listener of after_flush raised an error */
    if (!was_open && s->conn && mr_conn_in_transaction(s->conn)) {
        mr_error *saved = mr_env_save_error(s->env);
        mr_session_disconnect(s); /* the flush has begun a transaction, and nothing is in it */
        mr_env_restore_error(s->env, saved);
    }
    return MR_FAIL;
}

static mr_status flush_now(mr_session *s) {
    if (mr_session_fire(s, MR_SESSION_BEFORE_FLUSH) != MR_OK) return MR_FAIL;
    if (s->hooks[MR_SESSION_BEFORE_FLUSH].len > 0 && mr_session_note_edits(s) != MR_OK) return MR_FAIL;
    size_t before;
    mr_flush *flush = NULL;
    mr_status status = mr_deletion_decide(s, &before);
    size_t settled = s->to_delete.len;
    if (status == MR_OK) status = mr_session_settle_all(s);
    if (status == MR_OK) status = plan(s, &flush);
    if (status == MR_OK) status = run(s, flush);
    /* The flush has not run: its orphans lose their marks, because another parent may still take them. */
    if (status != MR_OK) mr_deletion_unmark_range(s, before, settled);
    s->changed.len = 0;
    mr_flush_free(flush);
    return status;
}

mr_status mr_session_flush(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_FLUSH, "flush()") != MR_OK) return MR_FAIL;
    if (mr_session_note_edits_of_flush(s) != MR_OK) return MR_FAIL;
    if (mr_session_is_clean(s)) return MR_OK;
    uint8_t before = mr_session_enter(s, MR_PHASE_FLUSHING);
    mr_status status = flush_now(s);
    mr_session_leave(s, before);
    return status;
}

mr_status mr_session_autoflush_now(mr_session *s) {
    bool at_rest = s->phase == MR_PHASE_IDLE || s->phase == MR_PHASE_ENDING;
    if (!at_rest || s->open_loads > 0 || s->dead_levels || !mr_session_autoflush(s)) {
        if (at_rest) mr_session_compare_mutable(s); /* what is changed is not overwritten by what is read */
        return MR_OK;
    }
    if (mr_session_is_making(s)) return MR_OK;
    mr_status status = mr_session_flush(s);
    if (status == MR_FAIL && mr_env_error(s->env)->kind != MR_ERR_PENDING_ROLLBACK)
        mr_error_add_note(s->env, "(in an autoflush: what is read must see the session's changes, so these are flushed "
                                  "first; where they are not complete yet, read within session:no_autoflush(fn))");
    return status;
}
