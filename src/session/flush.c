/*
 * flushing.c: the flush as the session sees it: hooks, what must be loaded first, running, and what follows.
 *
 * Invariant: a flush that fails before its first statement changes nothing; after it, the innermost level is
 * rolled back. Either way no object has taken on what the flush would have made of it.
 */
#include "session_state.h"

bool mr_session_is_clean(const mr_session *s) {
    return s->fresh.len == 0 && s->doomed.len == 0 && s->owner->dirty.len == 0;
}

static mr_node *expression_of(void *ud, const mr_value *value) {
    const mr_session *s = ud;
    const mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    return common && common->expression ? common->expression(common->expression_ud, value) : NULL;
}

/* ---------------------------------------------------------------- before */

/* Of an object that has expired all columns: one SELECT for whatever else is needed. */
static mr_status load_column(mr_session *s, mr_entity *entity, const mr_property *prop) {
    if (!prop->deferred && mr_entity_slot(entity, entity->mapper->pk_slots[0])->kind == MR_UNLOADED) {
        mr_status status = mr_load_refresh(&s->load, entity, NULL, 0);
        if (status != MR_OK || mr_entity_slot(entity, prop->slot)->kind != MR_UNLOADED) return status;
    }
    return mr_load_refresh(&s->load, entity, &prop, 1);
}

/* What the flush must know of an object. */
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

static mr_status meet_needs(mr_session *s, mr_flush *flush) {
    mr_entity *entity;
    const mr_property *prop;
    mr_status status;
    while ((status = mr_flush_need(flush, &entity, &prop)) == MR_ROW)
        if (load_need(s, entity, prop) == MR_FAIL) return MR_FAIL;
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* The changed objects that are not to be deleted. */
static mr_status collect_dirty(const mr_session *s, mr_vec *out) {
    const mr_vec *dirty = &s->owner->dirty;
    if (mr_vec_reserve(out, dirty->len) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < dirty->len; i++) {
        mr_entity *e = mr_vec_ptr(dirty, i);
        if (!(e->flags & MR_ENTITY_TO_DELETE) && mr_vec_push_ptr(out, e) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Leaves out objects that are both pending and to be deleted: they have no row, and get none. */
static mr_status split_lists(const mr_session *s, mr_vec *fresh, mr_vec *doomed) {
    if (mr_vec_reserve(fresh, s->fresh.len) != MR_OK || mr_vec_reserve(doomed, s->doomed.len) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < s->fresh.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->fresh, i);
        if (!(e->flags & MR_ENTITY_TO_DELETE)) mr_vec_push_ptr(fresh, e);
    }
    for (size_t i = 0; i < s->doomed.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->doomed, i);
        if (e->state != MR_PENDING) mr_vec_push_ptr(doomed, e);
    }
    return MR_OK;
}

static mr_status plan(mr_session *s, mr_flush **out) {
    mr_flush_context context = {s->env, s->owner, s, mr_session_connect, expression_of};
    mr_vec dirty, fresh, doomed;
    mr_vec_init(&dirty, s->env, sizeof(mr_entity *));
    mr_vec_init(&fresh, s->env, sizeof(mr_entity *));
    mr_vec_init(&doomed, s->env, sizeof(mr_entity *));
    mr_status status = MR_FAIL;
    if (collect_dirty(s, &dirty) != MR_OK) goto out;
    mr_state_sort_pending(s);
    for (size_t i = 0; i < s->fresh.len; i++) mr_entity_touch(mr_vec_ptr(&s->fresh, i));
    if (split_lists(s, &fresh, &doomed) != MR_OK) goto out;
    status = mr_flush_new(&context, (mr_entity *const *)fresh.data, fresh.len, (mr_entity *const *)dirty.data,
                          dirty.len, (mr_entity *const *)doomed.data, doomed.len, out);
    if (status != MR_OK) goto out;
    if (s->hooks[MR_SESSION_AFTER_FLUSH].len > 0 && mr_vec_reserve(&s->changed, dirty.len) == MR_OK)
        for (size_t i = 0; i < dirty.len; i++) mr_vec_push_ptr(&s->changed, mr_vec_ptr(&dirty, i));
    s->planning = true;
    status = meet_needs(s, *out);
    s->planning = false;
out:
    mr_vec_done(&doomed);
    mr_vec_done(&fresh);
    mr_vec_done(&dirty);
    return status;
}

/* ---------------------------------------------------------------- after */

/* What the flush has dealt with leaves the lists; what hooks have put there meanwhile stays. */
static void trim_lists(mr_session *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->fresh.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->fresh, i);
        if (e->state == MR_PENDING) {
            e->list_index = (uint32_t)kept;
            ((mr_entity **)s->fresh.data)[kept++] = e;
        } else {
            if (!(e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE))) mr_entity_unhold(e);
            mr_entity_unpin(e);
        }
    }
    s->fresh.len = kept;
    kept = 0;
    for (size_t i = 0; i < s->doomed.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->doomed, i);
        if (e->state == MR_PERSISTENT || e->state == MR_PENDING) {
            ((mr_entity **)s->doomed.data)[kept++] = e;
        } else {
            mr_entity_unhold(e);
            mr_entity_unpin(e);
        }
    }
    s->doomed.len = kept;
}

/* Another connection had committed when the first write began: all but what was just written is read again.
 */
static void expire_stale(mr_session *s, const mr_flush *flush) {
    if (!s->stale) return;
    s->stale = false;
    uint32_t before = s->owner->generation;
    mr_expire_unmodified(s);
    for (size_t i = 0; i < mr_flush_result_count(flush); i++) {
        mr_entity *e = mr_flush_result_at(flush, i)->entity;
        if (e->owner != s->owner || e->generation != before) continue;
        e->generation = s->owner->generation;
        mr_holders_note_items(e);
    }
}

/* Pending objects that were to be deleted with their parents leave the session without ever having had a row. */
static void dismiss_pending(mr_session *s) {
    for (size_t i = s->doomed.len; i > 0; i--) {
        mr_entity *e = mr_vec_ptr(&s->doomed, i - 1);
        if (e->state != MR_PENDING) continue;
        mr_entity_pin(e);
        mr_state_spare(s, e);
        mr_state_make_transient(s, e);
        mr_entity_unpin(e);
    }
    mr_state_sort_pending(s);
}

/* Another program may have changed columns of a written row that this session has not changed: they are read again. */
static void expire_unwritten(mr_session *s, const mr_flush *flush) {
    for (size_t i = 0; s->stale && i < mr_flush_result_count(flush); i++) {
        const mr_flush_result *result = mr_flush_result_at(flush, i);
        if (result->kind == MR_FLUSH_UPDATE && result->entity->owner == s->owner) mr_expire_rest(s, result->entity);
    }
}

static mr_status publish(mr_session *s, mr_flush *flush) {
    if (mr_journal_flush(s, flush) != MR_OK) return MR_FAIL;
    expire_unwritten(s, flush);
    dismiss_pending(s);
    mr_state_drop_spared(s);
    mr_uncommitted_note(s, flush);
    mr_flush_publish(flush);
    expire_stale(s, flush);
    for (size_t i = 0; mr_flush_replaced(flush, i); i++) mr_expire_table(s, mr_flush_replaced(flush, i));
    mr_status status = mr_session_fire(s, MR_SESSION_AFTER_FLUSH);
    if (status == MR_OK) trim_lists(s);
    return status;
}

/* ---------------------------------------------------------------- running */

static mr_status run(mr_session *s, mr_flush *flush) {
    bool was_open = s->conn && !s->reading && mr_conn_in_transaction(s->conn);
    if (mr_flush_operations(flush) > 0) {
        mr_session_keep_reading(s);
        s->fresh_memory = false;
        s->writes++;
    }
    s->running = true;
    mr_status status = mr_flush_operations(flush) > 0 ? mr_flush_run(flush) : MR_OK;
    if (status == MR_OK) status = mr_flush_set_strays(flush);
    s->running = false;
    if (status == MR_OK) status = publish(s, flush);
    if (status == MR_OK) return MR_OK;
    if (mr_flush_sent(flush)) {
        mr_transaction_fail(s);
        return MR_FAIL;
    }
    trim_lists(s); /* of a flush without statements, after_flush may have failed */
    if (!was_open && s->conn && mr_conn_in_transaction(s->conn)) {
        mr_error *saved = mr_env_save_error(s->env);
        mr_session_disconnect(s); /* begun, and nothing in it */
        mr_env_restore_error(s->env, saved);
    }
    return MR_FAIL;
}

static mr_status flush_now(mr_session *s) {
    if (mr_session_fire(s, MR_SESSION_BEFORE_FLUSH) != MR_OK) return MR_FAIL;
    size_t before;
    mr_flush *flush = NULL;
    mr_status status = mr_doom_settle(s, &before);
    size_t settled = s->doomed.len;
    if (status == MR_OK) status = plan(s, &flush);
    if (status == MR_OK) status = run(s, flush);
    /* The orphans of a flush that was not sent are none yet: another parent may still take them. */
    if (status != MR_OK) mr_doom_take_back(s, before, settled);
    s->changed.len = 0;
    mr_flush_free(flush);
    return status;
}

mr_status mr_session_flush(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_FLUSH, "flush()") != MR_OK) return MR_FAIL;
    if (s->hooks[MR_SESSION_COMPARE].len > 0 && mr_session_fire(s, MR_SESSION_COMPARE) != MR_OK) return MR_FAIL;
    if (mr_session_is_clean(s)) return MR_OK;
    uint8_t before = mr_session_enter(s, MR_PHASE_FLUSHING);
    mr_status status = flush_now(s);
    mr_session_leave(s, before);
    return status;
}

mr_status mr_session_autoflush_now(mr_session *s) {
    bool at_rest = s->phase == MR_PHASE_IDLE || s->phase == MR_PHASE_ENDING;
    if (!at_rest || s->brackets > 0 || s->dead || !mr_session_autoflush(s)) return MR_OK;
    mr_status status = mr_session_flush(s);
    if (status == MR_FAIL && mr_env_error(s->env)->kind != MR_ERR_PENDING_ROLLBACK)
        mr_error_add_note(s->env, "(in an autoflush: what is read must see the session's changes, so these are flushed "
                                  "first; where they are not complete yet, read within session:no_autoflush(fn))");
    return status;
}
