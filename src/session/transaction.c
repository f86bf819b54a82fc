/*
 * transaction.c: begin, savepoints, commit, rollback, and the failed flush.
 *
 * Invariant: the levels are the transaction and the savepoints within it; dead counts the innermost ones that
 * the database has rolled back already and that wait for the user's rollback. Memory follows the database:
 * the journal is undone exactly when its rows are. Where the database ends a transaction in the midst of some
 * statement, lost says so until memory can follow, at the latest when the session is next called.
 */
#include "session_state.h"

static mr_savepoint *innermost(const mr_session *s) {
    return s->savepoints.len ? mr_vec_at(&s->savepoints, s->savepoints.len - 1) : NULL;
}

bool mr_session_in_transaction(const mr_session *s) {
    return s->began || s->dead || s->lost || s->savepoints.len > 0 ||
           (s->conn && !s->reading && mr_conn_in_transaction(s->conn));
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

/* A deferred transaction takes its snapshot at its first read. Objects in memory could contradict that snapshot: so it
 * is taken now if there are any. */
static mr_status take_snapshot(mr_session *s, mr_txmode mode) {
    bool late = mode == MR_TX_DEFERRED && mr_idmap_count(s->owner->idmap) > 0;
    if (late && mr_conn_take_snapshot(s->conn) != MR_OK) return MR_FAIL;
    mr_session_settle_snapshot(s);
    return MR_OK;
}

mr_status mr_session_begin(mr_session *s, mr_txmode mode) {
    if (mr_session_allow(s, MR_ACT_BEGIN, "begin()") != MR_OK) return MR_FAIL;
    if (mr_session_in_transaction(s))
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "A transaction is already begun on this Session: end it first, or use begin_nested()");
    if (mr_blocks_begin(s) != MR_OK) return MR_FAIL;
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
    s->began = true;
    s->serial = ++s->serials;
    return MR_OK;
}

mr_status mr_session_begin_nested(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_BEGIN, "begin_nested()") != MR_OK || mr_session_flush(s) != MR_OK) return MR_FAIL;
    mr_conn *conn;
    if (mr_session_connect(s, NULL, &conn) != MR_OK) return MR_FAIL;
    /* Room first: nothing can fail once the database has the savepoint. */
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
    made->serial = ++s->serials;
    return MR_OK;
}

/* ---------------------------------------------------------------- ending */

static void end_transaction(mr_session *s) {
    mr_session_disconnect(s);
    mr_uncommitted_forget(s, NULL);
    s->began = false;
    s->serial = ++s->serials;
    mr_blocks_follow(s);
}

/* Tells what has come about: no statement belongs to what has ended. */
static mr_status fire_ended(mr_session *s, mr_session_event event) {
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDED);
    mr_status status = mr_session_fire(s, event);
    mr_session_leave(s, before);
    return status;
}

/* The changes of all levels are gone from the database: memory follows. */
static mr_status undo_transaction(mr_session *s) {
    mr_state_drop_pending(s);
    mr_state_drop_doomed(s);
    mr_uncommitted_forget(s, NULL);
    mr_status status = mr_journal_undo(s, 0);
    mr_expire_everything(s);
    s->stale = false;
    return status;
}

/* The same for the innermost savepoint: it began with a flush, so all that waits is its own. What was read
 * since may show what it had written; where it has not both written and read, memory is right but for that. */
static mr_status undo_savepoint(mr_session *s) {
    const mr_savepoint *savepoint = innermost(s);
    mr_state_drop_pending(s);
    mr_state_drop_doomed(s);
    mr_uncommitted_forget(s, savepoint);
    mr_status status = mr_journal_undo(s, savepoint->mark);
    bool read = (s->lent || s->writes != savepoint->writes) && s->owner->reads != savepoint->reads;
    /* The end of the transaction expires all that is left; what it makes transient keeps its references. */
    if (read && !s->unwinding) {
        mr_journal_keep(s, NULL);
        mr_expire_everything(s);
    } else {
        for (size_t i = 0; i < s->owner->dirty.len; i++) mr_journal_keep(s, mr_vec_ptr(&s->owner->dirty, i));
        mr_expire_dirty(s);
    }
    s->stale = false;
    return status;
}

/* Rolls the innermost level back at the database and in memory. *lost: all levels are gone, and the recorded
 * error says why (but where the transaction itself was meant). */
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
    mr_transaction_settled(s);
    mr_status status = undo_transaction(s);
    mr_env_restore_error(s->env, saved);
    return status;
}

/* What the recorded error is, later calls are told. */
static void keep_failure(mr_session *s) {
    mr_error *saved = mr_env_save_error(s->env);
    mr_free(s->env, s->failure);
    s->failure = saved ? mr_error_words(s->env, saved) : NULL;
    mr_env_restore_error(s->env, saved);
}

/* The innermost level goes, at the database and in memory, and is dead. The recorded error stays. */
static void bury_level(mr_session *s) {
    mr_error *saved = mr_env_save_error(s->env);
    bool lost = true;
    roll_back_level(s, &lost);
    mr_env_clear_error(s->env);
    s->dead = lost ? (unsigned)s->savepoints.len + 1 : 1;
    if (fire_ended(s, MR_SESSION_AFTER_ROLLBACK) != MR_OK) mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
}

void mr_transaction_fail(mr_session *s) {
    if (!s->lost) keep_failure(s); /* else the error that ended it is the one to tell */
    bury_level(s);
}

/* ---------------------------------------------------------------- ended by the database */

/* Called within the call of a statement: memory follows the database when that call is over. The loss of a load's own
 * transaction is no loss: nothing was written in it. */
bool mr_transaction_lost(void *session) {
    mr_session *s = session;
    if (!s->conn) return false;
    if (s->reading) {
        s->reading = false;
        return false;
    }
    if (s->lost) return true;
    s->lost = s->ended_by_database = true;
    keep_failure(s);
    mr_session_common *common = mr_session_common_of(s->env);
    if (!common) return true; /* the session's next call settles it */
    s->next_lost = common->lost;
    common->lost = s;
    return true;
}

void mr_transaction_settled(mr_session *s) {
    if (!s->lost) return;
    s->lost = false;
    mr_session_common *common = mr_env_get(s->env, MR_ENV_SESSION);
    mr_session **at = common ? &common->lost : NULL;
    while (at && *at && *at != s) at = &(*at)->next_lost;
    if (at && *at) *at = s->next_lost;
    s->next_lost = NULL;
}

void mr_transaction_settle(mr_session *s) {
    if (!s->lost || s->phase != MR_PHASE_IDLE || s->brackets > 0) return;
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDING);
    bury_level(s);
    mr_session_leave(s, before);
}

static mr_session *next_to_settle(const mr_env *env) {
    const mr_session_common *common = mr_env_get(env, MR_ENV_SESSION);
    mr_session *s = common ? common->lost : NULL;
    while (s && (s->phase != MR_PHASE_IDLE || s->brackets > 0)) s = s->next_lost;
    return s;
}

bool mr_sessions_lost(const mr_env *env) { return next_to_settle(env) != NULL; }

void mr_sessions_settle(mr_env *env) {
    /* From the first again each time: a listener of after_rollback may close any of them. */
    for (mr_session *s; (s = next_to_settle(env));) mr_transaction_settle(s);
}

static mr_status rollback(mr_session *s) {
    bool was_dead = s->dead > 0, lost = false, nested = s->savepoints.len > 0;
    bool idle = !mr_session_in_transaction(s) && mr_session_is_clean(s); /* nothing to roll back */
    mr_status status = MR_OK;
    if (was_dead) s->dead--;
    else status = roll_back_level(s, &lost);
    if (nested) {
        s->savepoints.len--;
        mr_blocks_follow(s);
    } else {
        end_transaction(s);
    }
    if (nested && lost) {
        s->dead = (unsigned)s->savepoints.len + 1;
        keep_failure(s);
        return MR_FAIL;
    }
    if (s->dead == 0) {
        mr_free(s->env, s->failure);
        s->failure = NULL;
        s->ended_by_database = false;
    }
    if (was_dead || idle || status != MR_OK) return status;
    return fire_ended(s, MR_SESSION_AFTER_ROLLBACK);
}

mr_status mr_session_rollback(mr_session *s) {
    if (mr_session_allow(s, MR_ACT_ROLLBACK, "rollback()") != MR_OK) return MR_FAIL;
    uint8_t before = mr_session_enter(s, MR_PHASE_ENDING);
    mr_status status = rollback(s);
    mr_session_leave(s, before);
    return status;
}

mr_status mr_session_rollback_all(mr_session *s) {
    mr_session_retain(s);
    s->unwinding = true;
    /* A level that the database had lost is reported by the level outside, or not at all: all are to go. */
    while (s->savepoints.len > 0 && mr_session_allow(s, MR_ACT_ROLLBACK, "rollback()") == MR_OK) mr_session_rollback(s);
    s->unwinding = false;
    mr_status status = s->savepoints.len > 0 ? MR_FAIL : mr_session_rollback(s);
    mr_session_release(s);
    return status;
}

/* A flush may leave more to do: hooks add and change. */
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
    mr_blocks_follow(s);
    mr_journal_merge(s, savepoint.mark);
    return fire_ended(s, MR_SESSION_AFTER_COMMIT);
}

static mr_status commit_transaction(mr_session *s) {
    if (s->conn && mr_conn_in_transaction(s->conn) && mr_conn_commit(s->conn) != MR_OK) {
        /* A busy database leaves the transaction open, and the user tries again. */
        if (!mr_conn_in_transaction(s->conn)) mr_transaction_fail(s);
        return MR_FAIL;
    }
    if (s->conn) mr_session_note_commit(s);
    end_transaction(s);
    mr_journal_accept(s);
    mr_status status = fire_ended(s, MR_SESSION_AFTER_COMMIT);
    /* Listeners read what was committed; what they have changed is of the next transaction. */
    if (s->expire_on_commit) mr_expire_unmodified(s);
    return status;
}

static mr_status commit(mr_session *s) {
    if (mr_session_fire(s, MR_SESSION_BEFORE_COMMIT) != MR_OK || flush_all(s) != MR_OK) return MR_FAIL;
    if (s->lost) return mr_session_refuse_dead(s); /* a listener has caught the error that ended it */
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
    bool before = s->committing;
    s->committing = true; /* blocks whose savepoints go on the way are no hindrance */
    mr_status status = MR_OK;
    while (status == MR_OK && s->savepoints.len > 0) status = mr_session_commit(s);
    if (status == MR_OK) status = mr_session_commit(s);
    s->committing = before;
    mr_session_release(s);
    return status;
}
