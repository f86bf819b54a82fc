/*
 * session.c: makes and closes sessions; their options, their phases, and their lists of objects.
 *
 * Invariant: every function that changes something calls mr_session_allow first. So code that runs inside a callback or
 * a finalizer cannot change objects that a load or a flush is working on.
 */
#include "journal.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

mr_status mr_session_new(mr_env *env, mr_engine *engine, const mr_session_options *options, mr_session **out) {
    *out = NULL;
    mr_session *s = mr_calloc(env, sizeof *s);
    if (!s) return MR_FAIL;
    s->heap = mr_heap_of(env);
    s->owner = s->heap ? mr_owner_new(env, s) : NULL;
    if (!s->owner) {
        mr_free(env, s);
        return MR_FAIL;
    }
    s->refs = 1;
    s->env = env;
    s->engine = engine ? mr_engine_retain(engine) : NULL;
    s->owner->dialect = engine ? mr_engine_dialect(engine)->name : NULL;
    s->autoflush = options ? options->autoflush : true;
    s->expire_on_commit = options ? options->expire_on_commit : true;
    s->marks.timeout = options ? options->timeout : 0;
    s->serial = s->last_serial = 1;
    s->oldest_version = s->owner->as_of;
    s->nothing_read = true;
    mr_vec_init(&s->savepoints, env, sizeof(mr_savepoint));
    mr_vec_init(&s->blocks, env, sizeof(uint64_t));
    mr_vec_init(&s->written, env, sizeof(mr_class_count));
    mr_vec_init(&s->journal, env, sizeof(mr_note));
    mr_vec_init(&s->pending, env, sizeof(mr_entity *));
    mr_vec_init(&s->to_delete, env, sizeof(mr_entity *));
    mr_vec_init(&s->spared, env, sizeof(mr_entity *));
    mr_vec_init(&s->changed, env, sizeof(mr_entity *));
    for (int i = 0; i < MR_SESSION__COUNT; i++) mr_vec_init(&s->hooks[i], env, sizeof(mr_session_hook));
    s->load.env = env;
    s->load.owner = s->owner;
    s->load.ud = s;
    s->load.connection = mr_session_connect;
    s->load.overwriting = mr_parent_notes_before_overwrite;
    s->load.outside = mr_session_reads_outside;
    s->load.enter = mr_session_begin_load;
    s->load.leave = mr_session_end_load;
    if (options) s->load.batch = options->batch;
    *out = s;
    return MR_OK;
}

void mr_session_set_criteria(mr_session *s, mr_query *criteria) {
    mr_query_retain(criteria);
    mr_query_release(s->load.criteria);
    s->load.criteria = criteria;
}

mr_query *mr_session_whole_query(const mr_session *s, mr_query *query) { return mr_load_query(&s->load, query); }

mr_session *mr_session_retain(mr_session *s) {
    if (s) s->refs++;
    return s;
}

void mr_session_release(mr_session *s) {
    if (!s || s->refs > 1) {
        if (s) s->refs--;
        return;
    }
    /* The last reference is still counted here: callbacks of the closing may retain and release the session. */
    if (mr_session_close(s) != MR_OK) mr_env_clear_error(s->env);
    if (--s->refs > 0) return;
    mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    if (common && common->last == s) common->last = NULL;
    mr_owner_close(s->owner);
    mr_owner_release(s->owner);
    for (int i = 0; i < MR_SESSION__COUNT; i++) mr_vec_done(&s->hooks[i]);
    mr_vec_done(&s->savepoints);
    mr_vec_done(&s->blocks);
    mr_vec_done(&s->written);
    mr_vec_done(&s->journal);
    mr_vec_done(&s->pending);
    mr_vec_done(&s->to_delete);
    mr_vec_done(&s->spared);
    mr_vec_done(&s->changed);
    mr_engine_release(s->engine);
    mr_query_release(s->load.criteria);
    mr_free(s->env, s);
}

/* Detaches all objects at once, by giving the session a new owner. Without memory for that, detaches them one by one.
 */
static void leave_owner(mr_session *s) {
    mr_owner *owner = s->owner;
    mr_error *saved = mr_env_save_error(s->env);
    mr_owner *next = mr_owner_new(s->env, s);
    mr_env_restore_error(s->env, saved);
    if (next) {
        next->as_of = owner->as_of;
        next->versioned = owner->versioned;
        next->dialect = owner->dialect;
        mr_owner_close(owner);
        mr_owner_release(owner);
        s->owner = s->load.owner = next;
        mr_session_note_all_expired(s);
        return;
    }
    if (!saved) mr_env_clear_error(s->env);
    while (owner->dirty.len > 0) mr_entity_leave_dirty(mr_vec_ptr(&owner->dirty, owner->dirty.len - 1));
    for (;;) {
        size_t cursor = 0;
        mr_entity *e = mr_idmap_next(owner->idmap, &cursor);
        if (!e) return;
        mr_state_detach(s, e);
    }
}

static void expunge_everything(mr_session *s) {
    mr_state_drop_all_pending(s);
    mr_state_unmark_all(s);
    if (mr_idmap_count(s->owner->idmap) > 0 || s->owner->refs > 1) leave_owner(s);
}

mr_status mr_session_expunge_all(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_CHANGE, "expunge_all()") != MR_OK) return MR_FAIL;
    if (s->phase != MR_PHASE_IDLE)
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "expunge_all() is not possible while the session works: do it afterwards");
    expunge_everything(s);
    return MR_OK;
}

mr_status mr_session_close(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_CLOSE, "close()") != MR_OK) return MR_FAIL;
    uint8_t before = mr_session_enter(s, MR_PHASE_CLOSING);
    mr_session_disconnect(s);
    expunge_everything(s);
    mr_uncommitted_forget(s, NULL);
    mr_journal_clear(s);
    s->savepoints.len = s->blocks.len = 0;
    s->block_ended = false;
    mr_transaction_clear_loss(s);
    s->begun_explicitly = s->stale = s->ended_by_database = false;
    s->dead_levels = 0;
    mr_free(s->env, s->failure);
    s->failure = NULL;
    s->serial = ++s->last_serial;
    mr_session_leave(s, before);
    return MR_OK;
}

/* ---------------------------------------------------------------- phases */

mr_status mr_session_refuse_dead(mr_session *s) {
    const char *how = s->ended_by_database
                          ? "The database has ended this Session's transaction by itself, with all that was done in it."
                          : "This Session's transaction has been rolled back due to a previous exception during flush.";
    return mr_fail(s->env, MR_ERR_PENDING_ROLLBACK,
                   "%s To begin a new transaction with this Session, first issue session:rollback(). Original "
                   "exception was: %s",
                   how, s->failure ? s->failure : "(not kept: out of memory)");
}

mr_status mr_session_allow(mr_session *s, mr_action action, const char *action_name) {
    enum { WORK = MR_ACT_CHANGE | MR_ACT_READ | MR_ACT_EXPIRE };
    static const struct {
        unsigned allows;
        const char *name;
    } phases[MR_PHASE__COUNT] = {
        [MR_PHASE_IDLE] = {~0u, ""},
        [MR_PHASE_LOADING] = {MR_ACT_CHANGE | MR_ACT_READ, "loading objects"},
        [MR_PHASE_FLUSHING] = {WORK, "flushing"},
        [MR_PHASE_ENDING] = {WORK | MR_ACT_FLUSH, "ending its transaction"},
        [MR_PHASE_ENDED] = {MR_ACT_CHANGE | MR_ACT_EXPIRE,
                            "ending its transaction, which the database has ended already"},
        [MR_PHASE_CLOSING] = {0, "closing"},
    };
    enum { ENDS = MR_ACT_COMMIT | MR_ACT_ROLLBACK | MR_ACT_CLOSE };
    if (action & ENDS && s->conn && mr_conn_is_calling(s->conn))
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "%s is not possible in a function that a statement of the session calls: do it afterwards",
                       action_name);
    if (s->lost) mr_transaction_follow_loss(s);
    uint8_t phase = s->phase == MR_PHASE_IDLE && s->open_loads > 0 ? MR_PHASE_LOADING : s->phase;
    if (!(phases[phase].allows & action)) {
        if (phase == MR_PHASE_FLUSHING && action == MR_ACT_FLUSH)
            return mr_fail(s->env, MR_ERR_INVALID_REQUEST, "Session is already flushing");
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST, "%s is not possible while the session is %s: do it afterwards",
                       action_name, phases[phase].name);
    }
    if ((s->dead_levels || s->lost) && !(action & (MR_ACT_ROLLBACK | MR_ACT_CLOSE))) return mr_session_refuse_dead(s);
    if (s->block_ended && s->phase == MR_PHASE_IDLE && s->ending != MR_ENDING_BY_COMMIT &&
        !(action & (MR_ACT_ROLLBACK | MR_ACT_CLOSE)))
        return mr_blocks_refuse(s, action_name);
    return MR_OK;
}

uint8_t mr_session_enter(mr_session *s, mr_phase phase) {
    uint8_t before = s->phase;
    s->phase = (uint8_t)phase;
    s->refs++;
    mr_heap_block(s->heap);
    return before;
}

void mr_session_leave(mr_session *s, uint8_t before) {
    mr_heap_unblock(s->heap);
    s->phase = before;
    mr_session_release(s);
}

/* ---------------------------------------------------------------- options and lists */

mr_env *mr_session_env(const mr_session *s) { return s->env; }
mr_engine *mr_session_engine(const mr_session *s) { return s->engine; }
mr_owner *mr_session_owner(const mr_session *s) { return s->owner; }

void mr_session_set_flags(mr_session *s, int autoflush, int expire_on_commit) {
    if (autoflush >= 0) s->autoflush = autoflush > 0;
    if (expire_on_commit >= 0) s->expire_on_commit = expire_on_commit > 0;
}

mr_status mr_session_stamp(mr_session *s, uint64_t *out) {
    if (mr_session_allow(s, MR_ACT_READ, "count()") != MR_OK || mr_session_autoflush_now(s) != MR_OK) return MR_FAIL;
    uint64_t stamp = s->writes;
    stamp = stamp * 31 + s->owner->generation;
    stamp = stamp * 31 + s->owner->as_of;
    stamp = stamp * 31 + s->statements;
    *out = stamp * 31 + s->last_serial;
    return MR_OK;
}

bool mr_session_autoflush(const mr_session *s) { return s->autoflush && s->autoflush_blocks == 0; }
bool mr_session_expire_on_commit(const mr_session *s) { return s->expire_on_commit; }
void mr_session_block_autoflush(mr_session *s, int delta) { s->autoflush_blocks += delta; }

mr_session *mr_session_of(const mr_entity *entity) { return entity->owner ? entity->owner->session : NULL; }

mr_state mr_session_state_of(const mr_entity *entity) {
    if (entity->state != MR_TRANSIENT && !mr_session_of(entity)) return MR_DETACHED;
    return (mr_state)entity->state;
}

bool mr_session_contains(const mr_session *s, const mr_entity *entity) {
    return entity->owner == s->owner && (entity->state == MR_PENDING || entity->state == MR_PERSISTENT);
}

size_t mr_session_new_count(const mr_session *s) { return s->pending.len; }

mr_entity *mr_session_new_at(const mr_session *s, size_t i) {
    /* Putting the list in order changes nothing that a caller of a const function could see. */
    mr_state_sort_pending((mr_session *)(uintptr_t)s);
    return mr_vec_ptr(&s->pending, i);
}

static const mr_vec *dirty_list(const mr_session *s) { return s->changed.len ? &s->changed : &s->owner->dirty; }

size_t mr_session_dirty_count(const mr_session *s) {
    const mr_vec *dirty = dirty_list(s);
    if (s->to_delete.len == 0) return dirty->len;
    size_t n = 0;
    for (size_t i = 0; i < dirty->len; i++)
        if (!(((mr_entity *)mr_vec_ptr(dirty, i))->flags & MR_ENTITY_TO_DELETE)) n++;
    return n;
}

mr_entity *mr_session_dirty_at(const mr_session *s, size_t i) {
    const mr_vec *dirty = dirty_list(s);
    if (s->to_delete.len == 0) return mr_vec_ptr(dirty, i);
    for (size_t at = 0;; at++) {
        mr_entity *e = mr_vec_ptr(dirty, at);
        if (!(e->flags & MR_ENTITY_TO_DELETE) && i-- == 0) return e;
    }
}

size_t mr_session_deleted_count(const mr_session *s) { return s->to_delete.len; }
mr_entity *mr_session_deleted_at(const mr_session *s, size_t i) { return mr_vec_ptr(&s->to_delete, i); }
