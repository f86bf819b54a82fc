/*
 * transaction.c: BEGIN, COMMIT, ROLLBACK and savepoints.
 *
 * Invariant: conn->began tells whether the database has an open transaction. The database is asked after every error,
 * because some errors end the transaction and others do not. When the database has ended it, the connection is lost
 * until its user rolls back: later changes must not be committed without the earlier ones.
 */
#include "connection.h"

#include <stdio.h>
#include <string.h>

static const char *control_text(mr_conn *conn, int control) {
    if (control == MR_CONTROL_COMMIT) return "COMMIT";
    if (control == MR_CONTROL_ROLLBACK) return "ROLLBACK";
    return conn->engine->dialect->begin[control - MR_CONTROL_BEGIN];
}

static mr_status try_control(mr_conn *conn, int control) {
    const char *sql = control_text(conn, control);
    bool undoes = control == MR_CONTROL_ROLLBACK;
    if ((!undoes || mr_conn_is_inherited(conn)) && mr_conn_may_run(conn)) {
        mr_error_add_statement(conn->env, sql, NULL, 0);
        return MR_FAIL;
    }
    if (conn->engine->echo) mr_echo(conn->engine, sql, NULL, 0);
    mr_status status = MR_OK;
    if (!conn->control[control]) {
        if (mr_engine_call_fails(conn->engine)) status = MR_FAIL;
        else status = conn->driver->prepare(conn->dbc, sql, strlen(sql), &conn->control[control]);
    }
    if (status == MR_OK) {
        status = mr_engine_call_fails(conn->engine) ? MR_FAIL : conn->driver->step(conn->control[control]);
        if (status == MR_FAIL) mr_conn_failed(conn, sql, NULL, 0);
        conn->driver->reset(conn->control[control]);
    } else {
        mr_conn_failed(conn, sql, NULL, 0);
    }
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

static mr_status run_control(mr_conn *conn, int control) {
    mr_status status = try_control(conn, control);
    return status == MR_FAIL && mr_conn_may_retry(conn) ? try_control(conn, control) : status;
}

/* Keeps the words of the recorded error: later statements are refused because of it. */
static void keep_failure(mr_conn *conn) {
    mr_conn_forget_loss(conn);
    conn->failure = mr_error_words(conn->env, mr_env_error(conn->env));
}

/* Marks the transaction as lost: its changes are gone, and the connection's user must not go on as if they were there.
 */
static void mark_lost(mr_conn *conn) {
    if (conn->on_lost && !conn->on_lost(conn->on_lost_ud)) return;
    keep_failure(conn);
    conn->lost = true;
}

void mr_conn_forget_loss(mr_conn *conn) {
    conn->lost = conn->aborted = false;
    mr_free(conn->env, conn->failure);
    conn->failure = NULL;
}

mr_status mr_conn_check_lost(mr_conn *conn) {
    if (!mr_conn_is_over(conn)) return MR_OK;
    const char *cause = conn->failure ? conn->failure : "(not kept: out of memory)";
    if (conn->aborted)
        return mr_fail(conn->env, MR_ERR_PENDING_ROLLBACK,
                       "the database refuses all statements of this transaction, because one of them has failed: call "
                       "rollback() before going on. The error was: %s",
                       cause);
    return mr_fail(conn->env, MR_ERR_PENDING_ROLLBACK,
                   "the database has ended this transaction by itself, and nothing of it is stored: call rollback() "
                   "before going on. The error with which it did so was: %s",
                   cause);
}

void mr_conn_update_began(mr_conn *conn, bool failed) {
    bool open = conn->driver->in_transaction(conn->dbc);
    if (open && failed && !conn->aborted && conn->driver->is_aborted && conn->driver->is_aborted(conn->dbc)) {
        keep_failure(conn);
        conn->aborted = true;
    }
    if (open == conn->began) return;
    /* On the caller's own handle, the program may have begun a transaction itself. It is not this connection's. */
    if (open && conn->engine->native) return;
    conn->began = open;
    if (conn->record && !open && failed) conn->engine->watcher->rolled_back(conn->record, 0);
    conn->read_only = conn->read_only && open;
    conn->loading = conn->loading && open;
    if (open) return;
    mr_conn_invalidate_cursors(conn);
    if (failed) mark_lost(conn);
}

bool mr_conn_data_version(mr_conn *conn, int64_t *out) {
    if (!conn->driver->data_version) return false;
    if (conn->driver->data_version(conn->dbc, out) == MR_OK) return true;
    mr_env_clear_error(conn->env); /* no error for the caller, who goes on as if the database had no versions */
    return false;
}

void mr_conn_note_read(mr_conn *conn) {
    int64_t version = 0;
    if (!conn->on_read) return;
    bool known = mr_conn_data_version(conn, &version);
    conn->on_read(conn->on_read_ud, known, version);
}

mr_status mr_conn_begin(mr_conn *conn, mr_txmode mode) {
    if (mr_conn_check_lost(conn)) return MR_FAIL;
    if (conn->began) {
        return mr_fail(conn->env, MR_ERR_INVALID_REQUEST,
                       "a transaction has already begun on this connection; commit "
                       "it or roll it back first, or use a savepoint");
    }
    if (conn->driver->in_transaction(conn->dbc)) {
        return mr_fail(conn->env, MR_ERR_OPERATIONAL,
                       "(%s) the database handle given to the engine is inside a "
                       "transaction that was begun elsewhere; end that first",
                       conn->driver->name);
    }
    conn->exclusive = mode == MR_TX_EXCLUSIVE;
    bool observed = mr_engine_observed(conn->engine);
    double before = observed ? mr_conn_waited(conn) : 0;
    mr_status status = run_control(conn, MR_CONTROL_BEGIN + (int)mode);
    conn->begin_waited = observed ? mr_conn_waited(conn) - before : 0;
    conn->exclusive = false;
    /* A failure after the BEGIN may leave the transaction open. Then this connection must end it. */
    if (status == MR_OK) conn->began = true;
    return status;
}

mr_status mr_conn_begin_load(mr_conn *conn) {
    if (mr_conn_begin(conn, MR_TX_DEFERRED)) return MR_FAIL;
    conn->loading = true;
    return MR_OK;
}

void mr_conn_keep_load(mr_conn *conn) { conn->loading = false; }
bool mr_conn_reads_outside(const mr_conn *conn) { return !conn->began || conn->loading; }

mr_status mr_conn_take_snapshot(mr_conn *conn) {
    if (!conn->driver->take_snapshot || conn->driver->take_snapshot(conn->dbc) == MR_OK) return MR_OK;
    (void)mr_conn_failed(conn, NULL, NULL, 0);
    if (mr_conn_is_over(conn) || !mr_conn_may_retry(conn)) return MR_FAIL;
    mr_env_clear_error(conn->env);
    return conn->driver->take_snapshot(conn->dbc) == MR_OK ? MR_OK : mr_conn_failed(conn, NULL, NULL, 0);
}

void mr_conn_set_read_only(mr_conn *conn) { conn->read_only = conn->began; }

mr_status mr_conn_begin_write(mr_conn *conn) {
    if (mr_conn_begin(conn, MR_TX_DEFAULT)) return MR_FAIL;
    if (!conn->on_write_begin) return MR_OK;
    return conn->on_write_begin(conn->on_write_begin_ud) == MR_FAIL ? MR_FAIL : MR_OK;
}

static mr_status end(mr_conn *conn, mr_control control) {
    if (mr_conn_is_calling(conn))
        return mr_fail(conn->env, MR_ERR_INVALID_REQUEST,
                       "a function that a statement calls cannot end the statement's transaction: do it afterwards");
    mr_conn_invalidate_cursors(conn);
    if (control == MR_CONTROL_ROLLBACK) mr_conn_forget_loss(conn);
    else if (mr_conn_check_lost(conn)) return MR_FAIL;
    if (!conn->began) return MR_OK;
    /* After a fork, the transaction belongs to the parent process. A rollback in the child only forgets it. */
    if (control == MR_CONTROL_ROLLBACK && mr_conn_is_inherited(conn)) {
        conn->began = conn->read_only = conn->loading = false;
        return MR_OK;
    }
    const mr_row_watcher *watcher = conn->record ? conn->engine->watcher : NULL;
    if (watcher && control == MR_CONTROL_COMMIT && watcher->committing(conn->record) != MR_OK) return MR_FAIL;
    if (run_control(conn, (int)control)) {
        if (control == MR_CONTROL_ROLLBACK)
            mr_conn_forget_loss(conn); /* also after a failure: the transaction is over */
        return MR_FAIL;
    }
    conn->began = conn->read_only = conn->loading = false;
    if (watcher && control == MR_CONTROL_COMMIT) watcher->committed(conn->record);
    else if (watcher) watcher->rolled_back(conn->record, 0);
    return MR_OK;
}

/* A COMMIT that has waited for a lock is recorded as a statement is. */
static void note_waiting(mr_conn *conn, double seconds, double waited) {
    mr_engine *engine = conn->engine;
    uint64_t execution = ++engine->executions;
    mr_error *saved = mr_env_save_error(conn->env);
    if (mr_recorders_note(engine, execution, "COMMIT", NULL, 0) == MR_OK)
        mr_recorders_add_time(engine, execution, seconds, waited);
    mr_env_restore_error(conn->env, saved);
}

mr_status mr_conn_commit(mr_conn *conn) {
    conn->commit_waited = 0;
    if (!mr_engine_observed(conn->engine)) return end(conn, MR_CONTROL_COMMIT);
    double start = mr_db_now(), before = mr_conn_waited(conn);
    mr_status status = end(conn, MR_CONTROL_COMMIT);
    double waited = mr_conn_waited(conn) - before, seconds = mr_db_now() - start;
    if (waited <= 0) return status;
    if (seconds < waited) seconds = waited;
    note_waiting(conn, seconds, waited);
    conn->commit_seconds = seconds;
    if (status == MR_OK) conn->commit_waited = waited;
    return status;
}

mr_status mr_conn_tell_commit(mr_conn *conn) {
    const mr_engine_hooks *hooks = &conn->engine->hooks;
    double waited = conn->commit_waited;
    conn->commit_waited = 0;
    if (waited <= 0 || !hooks->after_execute) return MR_OK;
    const mr_value *none = NULL;
    return hooks->after_execute(hooks->ud, conn, "COMMIT", &none, 1, 0, conn->commit_seconds, waited);
}

mr_status mr_conn_rollback(mr_conn *conn) { return end(conn, MR_CONTROL_ROLLBACK); }
bool mr_conn_in_transaction(const mr_conn *conn) { return conn->began; }

/* ---------------------------------------------------------------- savepoints */

static mr_status savepoint_sql(mr_conn *conn, const char *verb, unsigned n) {
    char sql[64];
    snprintf(sql, sizeof sql, "%s mr_sp_%u", verb, n);
    return mr_conn_control_sql(conn, sql);
}

mr_status mr_conn_savepoint(mr_conn *conn, unsigned n) {
    if (mr_conn_may_run(conn) || (conn->aborted && mr_conn_check_lost(conn))) return MR_FAIL;
    if (!conn->began && (conn->lazy ? mr_conn_begin_write(conn) : mr_conn_begin(conn, MR_TX_DEFAULT))) return MR_FAIL;
    if (savepoint_sql(conn, "SAVEPOINT", n)) return MR_FAIL;
    if (conn->record) conn->engine->watcher->savepoint(conn->record, n);
    return MR_OK;
}

mr_status mr_conn_release(mr_conn *conn, unsigned n) {
    if (mr_conn_may_run(conn) || savepoint_sql(conn, "RELEASE SAVEPOINT", n)) return MR_FAIL;
    if (conn->record) conn->engine->watcher->released(conn->record, n);
    return MR_OK;
}

/* ROLLBACK TO alone would keep the savepoint open, which makes every later change slower. So it is released, too. */
mr_status mr_conn_rollback_to(mr_conn *conn, unsigned n) {
    if (savepoint_sql(conn, "ROLLBACK TO SAVEPOINT", n)) return MR_FAIL;
    if (conn->record) conn->engine->watcher->rolled_back(conn->record, n);
    if (conn->aborted) mr_conn_forget_loss(conn);
    return savepoint_sql(conn, "RELEASE SAVEPOINT", n);
}
