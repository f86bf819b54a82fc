/*
 * transaction.c: begin, savepoints, commit, rollback, and the failed flush.
 *
 * Invariant: the levels are the transaction and the savepoints inside it. dead_levels counts the innermost levels that
 * the database has rolled back already, and that wait for the user's rollback. Memory follows the database: the journal
 * is undone exactly when its rows are rolled back. If the database ends a transaction during a statement, lost is true
 * until memory has followed, which happens at the next call of the session at the latest.
 */
#include "journal.h"
#include "session_state.h"
#include "states.h"

static mr_savepoint *innermost(const mr_session *s) {
    return s->savepoints.len ? mr_vec_at(&s->savepoints, s->savepoints.len - 1) : NULL;
}

bool mr_session_in_transaction(const mr_session *s) {
    return s->begun_explicitly || s->dead_levels || s->lost || s->savepoints.len > 0 ||
           (s->conn && !s->load_transaction && mr_conn_in_transaction(s->conn));
}

unsigned mr_session_nesting(const mr_session *s) {
    return mr_session_in_transaction(s) ? (unsigned)s->savepoints.len + 1 : 0;
}

uint64_t mr_session_transaction_serial(const mr_session *s) {
    const mr_savepoint *savepoint = innermost(s);
    return savepoint ? savepoint->serial : s->serial;
}

bool mr_session_has_transaction(const mr_session *s, uint64_t serial) {
    if (!mr_session_in_transaction(s)) return false;
    if (s->serial == serial) return true;
    for (size_t i = 0; i < s->savepoints.len; i++)
        if (((const mr_savepoint *)mr_vec_at(&s->savepoints, i))->serial == serial) return true;
    return false;
}

/* ---------------------------------------------------------------- beginning */

/* A deferred transaction takes its snapshot at its first read. Objects in memory could contradict that later snapshot:
 * so if there are any, the snapshot is taken now. */
static mr_status take_snapshot(mr_session *s, mr_txmode mode) {
    bool deferred = mode == MR_TX_DEFERRED || mode == MR_TX_SERIALIZABLE;
    bool late = deferred && mr_idmap_count(s->owner->idmap) > 0;
    if (late && mr_conn_take_snapshot(s->conn) != MR_OK) return MR_FAIL;
    mr_session_expire_before_snapshot(s);
    return MR_OK;
}

mr_status mr_session_begin(mr_session *s, mr_txmode mode) {
    if (mr_session_allow(s, MR_ACT_BEGIN, "begin()") != MR_OK) return MR_FAIL;
    if (mr_session_in_transaction(s))
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "A transaction is already begun on this Session: end it first, or use begin_nested()");
    if (mr_blocks_check_begin(s) != MR_OK) return MR_FAIL;
    if (mode != MR_TX_DEFAULT) {
        mr_conn *conn;
        if (mr_session_connect(s, NULL, &conn) != MR_OK || mr_conn_begin(conn, mode) != MR_OK) return MR_FAIL;
        if (take_snapshot(s, mode) != MR_OK || mr_session_fire(s, MR_SESSION_AFTER_BEGIN) != MR_OK) {
            mr_error *saved = mr_env_save_error(s->env);
            mr_session_disconnect(s);
            mr_env_restore_error(s->env, saved);
            return MR_FAIL;
        }
    }
    s->begun_explicitly = true;
    s->serial = ++s->last_serial;
    return MR_OK;
}

mr_status mr_session_begin_nested(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_BEGIN, "begin_nested()") != MR_OK || mr_session_flush(s) != MR_OK) return MR_FAIL;
    mr_conn *conn;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    /* Room is reserved first, so that nothing fails after the database has made the savepoint. */
    if (mr_vec_reserve(&s->savepoints, s->savepoints.len + 1) != MR_OK) return MR_FAIL;
    unsigned number = (unsigned)s->savepoints.len + 1;
    if (mr_conn_savepoint(conn, number) != MR_OK) return MR_FAIL;
    mr_savepoint *made = mr_vec_push(&s->savepoints);
    if (!made) return MR_FAIL;
    made->number = number;
    made->mark = s->journal.len;
    made->writes = s->writes;
    made->reads = s->owner->reads;
    made->written = s->written.len;
    made->statements = s->statements;
    made->serial = ++s->last_serial;
    return MR_OK;
}

/* ---------------------------------------------------------------- ending */

static void end_transaction(mr_session *s) {
    mr_session_disconnect(s);
    mr_uncommitted_forget(s, NULL);
    s->begun_explicitly = false;
    s->serial = ++s->last_serial;
    mr_blocks_update(s);
}

/* Calls the listeners after the end of a level. They cannot send statements: the level is over. */
static mr_status fire_after_end(mr_session *s, mr_session_event event) {
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDED);
    mr_status status = mr_session_fire(s, event);
    mr_session_leave(s, before);
    return status;
}

/* The database has rolled back all levels: memory follows. */
static mr_status undo_transaction(mr_session *s) {
    mr_state_drop_all_pending(s);
    mr_state_unmark_all(s);
    mr_uncommitted_forget(s, NULL);
    mr_status status = mr_journal_undo(s, 0);
    mr_expire_everything(s);
    s->stale = false;
    return status;
}

/* The same for the innermost savepoint. It began with a flush, so all unflushed changes belong to it. Objects that were
 * read since may show what it has written. If it has not both written and read, only the changed objects are wrong. */
static mr_status undo_savepoint(mr_session *s) {
    const mr_savepoint *savepoint = innermost(s);
    /* A change inside of a value, such as a JSON table, makes its object a changed one. Where it cannot be compared, it
     * may be any object. */
    mr_error *saved = mr_env_save_error(s->env);
    bool noted = mr_session_note_edits(s) == MR_OK;
    if (!noted) mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
    mr_state_drop_all_pending(s);
    mr_state_unmark_all(s);
    mr_uncommitted_forget(s, savepoint);
    mr_status status = mr_journal_undo(s, savepoint->mark);
    bool read = (s->connection_lent || s->writes != savepoint->writes) && s->owner->reads != savepoint->reads;
    /* When all levels are rolled back, the last one expires all objects; those that become transient keep references.
     */
    if ((read || !noted) && s->ending != MR_ENDING_BY_ROLLBACK) {
        mr_journal_before_expiry(s, NULL);
        mr_expire_everything(s);
    } else {
        for (size_t i = 0; i < s->owner->dirty.len; i++) mr_journal_before_expiry(s, mr_vec_ptr(&s->owner->dirty, i));
        mr_expire_dirty(s);
    }
    s->stale = false;
    return status;
}

/* Rolls the innermost level back, in the database and in memory. *lost: all levels are gone; if a savepoint was to be
 * rolled back, the recorded error says why. */
static mr_status roll_back_level(mr_session *s, bool *lost) {
    const mr_savepoint *savepoint = innermost(s);
    bool open = s->conn && mr_conn_in_transaction(s->conn);
    if (savepoint && open && mr_conn_rollback_to(s->conn, savepoint->number) == MR_OK) {
        *lost = false;
        return undo_savepoint(s);
    }
    if (savepoint && !open)
        mr_fail(s->env, MR_ERR_OPERATIONAL,
                "the database has ended the transaction by itself, with all its savepoints");
    *lost = true;
    mr_error *saved = mr_env_save_error(s->env);
    mr_session_disconnect(s); /* rolls back, whatever the state of the connection */
    mr_transaction_clear_loss(s);
    mr_status status = undo_transaction(s);
    mr_env_restore_error(s->env, saved);
    return status;
}

/* Keeps the text of the recorded error, for the errors of later calls. */
static void keep_failure(mr_session *s) {
    mr_error *saved = mr_env_save_error(s->env);
    mr_free(s->env, s->failure);
    s->failure = saved ? mr_error_words(s->env, saved) : NULL;
    mr_env_restore_error(s->env, saved);
}

/* Rolls the innermost level back, and marks it dead. The recorded error stays. */
static void roll_back_and_mark_dead(mr_session *s) {
    mr_error *saved = mr_env_save_error(s->env);
    bool lost = true;
    roll_back_level(s, &lost);
    mr_env_clear_error(s->env);
    s->dead_levels = lost ? (unsigned)s->savepoints.len + 1 : 1;
    if (fire_after_end(s, MR_SESSION_AFTER_ROLLBACK) != MR_OK) mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
}

void mr_transaction_flush_failed(mr_session *s) {
    if (!s->lost) keep_failure(s); /* else the error that has ended the transaction is kept already */
    roll_back_and_mark_dead(s);
}

/* ---------------------------------------------------------------- ended by the database */

/* This runs inside the call of a statement: memory follows the database after that call. Losing the transaction of a
 * load is no loss: nothing was written in it. */
bool mr_transaction_note_loss(void *session) {
    mr_session *s = session;
    if (!s->conn) return false;
    if (s->load_transaction) {
        s->load_transaction = false;
        return false;
    }
    if (s->lost) return true;
    s->lost = s->ended_by_database = true;
    keep_failure(s);
    mr_session_common *common = mr_session_common_of(s->env);
    if (!common) return true; /* memory follows at the session's next call */
    s->next_lost = common->lost;
    common->lost = s;
    return true;
}

void mr_transaction_clear_loss(mr_session *s) {
    if (!s->lost) return;
    s->lost = false;
    mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    mr_session **at = common ? &common->lost : NULL;
    while (at && *at && *at != s) at = &(*at)->next_lost;
    if (at && *at) *at = s->next_lost;
    s->next_lost = NULL;
}

void mr_transaction_follow_loss(mr_session *s) {
    if (!s->lost || s->phase != MR_PHASE_IDLE || s->open_loads > 0) return;
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDING);
    roll_back_and_mark_dead(s);
    mr_session_leave(s, before);
}

static mr_session *next_lost_session(const mr_env *env) {
    const mr_session_common *common = mr_env_get(env, MR_ENV_SESSION);
    mr_session *s = common ? common->lost : NULL;
    while (s && (s->phase != MR_PHASE_IDLE || s->open_loads > 0)) s = s->next_lost;
    return s;
}

bool mr_sessions_have_losses(const mr_env *env) { return next_lost_session(env) != NULL; }

void mr_sessions_follow_losses(mr_env *env) {
    /* Starts at the first again each time, because a listener of after_rollback may close any of them. */
    for (mr_session *s; (s = next_lost_session(env));) mr_transaction_follow_loss(s);
}

static mr_status rollback(mr_session *s) {
    bool was_dead = s->dead_levels > 0, lost = false, nested = s->savepoints.len > 0;
    bool idle = !mr_session_in_transaction(s) && mr_session_is_clean(s); /* nothing to roll back */
    mr_status status = MR_OK;
    if (was_dead) s->dead_levels--;
    else status = roll_back_level(s, &lost);
    if (nested) {
        s->savepoints.len--;
        mr_blocks_update(s);
    } else {
        end_transaction(s);
    }
    if (nested && lost) {
        s->dead_levels = (unsigned)s->savepoints.len + 1;
        keep_failure(s);
        return MR_FAIL;
    }
    if (s->dead_levels == 0) {
        mr_free(s->env, s->failure);
        s->failure = NULL;
        s->ended_by_database = false;
    }
    if (was_dead || idle || status != MR_OK) return status;
    return fire_after_end(s, MR_SESSION_AFTER_ROLLBACK);
}

mr_status mr_session_rollback(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_ROLLBACK, "rollback()") != MR_OK) return MR_FAIL;
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDING);
    mr_status status = rollback(s);
    mr_session_drop_edits(s, NULL);
    mr_session_leave(s, before);
    return status;
}

mr_status mr_session_rollback_all(mr_session *s) {
    mr_session_retain(s);
    uint8_t before = s->ending;
    s->ending = MR_ENDING_BY_ROLLBACK;
    /* Errors of inner levels are not reported: all levels are to be rolled back anyway. */
    while (s->savepoints.len > 0 && mr_session_allow(s, MR_ACT_ROLLBACK, "rollback()") == MR_OK) mr_session_rollback(s);
    s->ending = before;
    mr_status status = s->savepoints.len > 0 ? MR_FAIL : mr_session_rollback(s);
    mr_session_release(s);
    return status;
}

/* Flushes until nothing is left, because listeners of a flush may add and change objects. */
static mr_status flush_all(mr_session *s) {
    enum { ROUNDS = 100 };
    for (int i = 0; i < ROUNDS; i++) {
        if (mr_session_flush(s) != MR_OK) return MR_FAIL;
        if (mr_session_is_clean(s)) return MR_OK;
    }
    return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                   "over 100 flushes within one commit: an after_flush hook changes something each time");
}

static mr_status commit_savepoint(mr_session *s) {
    mr_savepoint savepoint = *innermost(s);
    if (mr_conn_release(s->conn, savepoint.number) != MR_OK) return MR_FAIL;
    s->savepoints.len--;
    mr_blocks_update(s);
    mr_journal_merge(s, savepoint.mark);
    return fire_after_end(s, MR_SESSION_AFTER_COMMIT);
}

static mr_status commit_transaction(mr_session *s) {
    if (s->conn && mr_conn_in_transaction(s->conn) && mr_conn_commit(s->conn) != MR_OK) {
        /* If the database is busy, the transaction stays open, and the program may try again. */
        if (!mr_conn_in_transaction(s->conn)) mr_transaction_flush_failed(s);
        return MR_FAIL;
    }
    if (s->conn) mr_session_note_commit(s);
    mr_status told = s->conn ? mr_conn_tell_commit(s->conn) : MR_OK; /* if it fails, all is committed, as for others */
    mr_error *saved = told == MR_FAIL ? mr_env_save_error(s->env) : NULL;
    end_transaction(s);
    mr_journal_accept(s);
    mr_status status = fire_after_end(s, MR_SESSION_AFTER_COMMIT);
    if (told == MR_FAIL) mr_env_restore_error(s->env, saved);
    /* Only now: listeners read the committed values. What they have changed belongs to the next transaction. */
    if (s->expire_on_commit) mr_expire_unmodified(s);
    return told == MR_FAIL ? told : status;
}

static mr_status commit(mr_session *s) {
    if (mr_session_fire(s, MR_SESSION_BEFORE_COMMIT) != MR_OK || flush_all(s) != MR_OK) return MR_FAIL;
    if (s->lost) return mr_session_refuse_dead(s); /* a listener has caught the error that ended the transaction */
    return s->savepoints.len > 0 ? commit_savepoint(s) : commit_transaction(s);
}

mr_status mr_session_commit(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_COMMIT, "commit()") != MR_OK) return MR_FAIL;
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDING);
    mr_status status = commit(s);
    mr_session_leave(s, before);
    return status;
}

mr_status mr_session_commit_all(mr_session *s) {
    mr_session_retain(s);
    if (mr_session_allow(s, MR_ACT_COMMIT, "commit()") != MR_OK) {
        mr_session_release(s);
        return MR_FAIL;
    }
    uint8_t before = s->ending;
    s->ending = MR_ENDING_BY_COMMIT; /* a block whose savepoint is committed on the way does not stop the commit */
    mr_status status = MR_OK;
    while (status == MR_OK && s->savepoints.len > 0) status = mr_session_commit(s);
    if (status == MR_OK) status = mr_session_commit(s);
    s->ending = before;
    mr_session_release(s);
    return status;
}
