/*
 * connection.c: opens and closes a connection, handles locks that the same program holds, and the failure of a call.
 *
 * Invariant: every open connection is in the list of its environment (mr_db_state), from its opening to its end.
 */
#include "connection.h"

#include <string.h>

/* ---------------------------------------------------------------- locks */

static mr_conn *find_blocker(mr_conn *conn) {
    if (!conn->driver->blocks) return NULL;
    for (mr_conn *other = conn->engine->state->conns; other; other = other->next) {
        if (other == conn || other->driver != conn->driver) continue;
        if (conn->driver->blocks(other->dbc, conn->dbc, conn->exclusive)) return other;
    }
    return NULL;
}

/* The driver asks whether to wait longer for a lock. It must not wait for a lock that this program holds: the program's
 * only thread is here, so nothing would release the lock. */
static bool go_on_waiting(void *ud) {
    mr_conn *conn = ud;
    conn->blocked = find_blocker(conn) != NULL;
    return !conn->blocked;
}

static void name_blocker(mr_conn *conn) {
    const mr_conn *other = find_blocker(conn);
    if (!other || mr_env_error(conn->env)->kind != MR_ERR_OPERATIONAL) return;
    const char *who = !other->owner                 ? "another connection"
                      : other->owner == conn->owner ? "another connection of the same session"
                                                    : "another session";
    int code = mr_env_error(conn->env)->orig_code;
    mr_fail(conn->env, MR_ERR_OPERATIONAL,
            "(%s) database is locked by %s of this program; commit, roll back or close "
            "it first",
            conn->driver->name, who);
    mr_error_add_orig(conn->env, "database is locked", code);
}

mr_status mr_conn_failed(mr_conn *conn, const char *sql, const mr_value *values, size_t n) {
    if (conn->blocked) name_blocker(conn);
    conn->was_blocked = conn->blocked;
    conn->blocked = false;
    if (sql) mr_error_add_statement(conn->env, sql, values, n);
    mr_conn_update_began(conn, true);
    return MR_FAIL;
}

/* A coroutine that died inside of a block holds a lock until it is collected. */
bool mr_conn_may_retry(mr_conn *conn) {
    bool blocked = conn->was_blocked;
    conn->was_blocked = false; /* a later call may fail without a lock */
    if (blocked) return mr_db_collect(conn->engine->state);
    return mr_db_make_room(conn->engine->state, conn->driver); /* opening a journal needs a free file, too */
}

/* ---------------------------------------------------------------- may a statement run? */

bool mr_conn_is_dead(const mr_conn *conn) { return conn->driver->is_dead && conn->driver->is_dead(conn->dbc); }

bool mr_conn_is_inherited(const mr_conn *conn) {
    return conn->driver->is_inherited && conn->driver->is_inherited(conn->dbc);
}

mr_status mr_conn_may_run(mr_conn *conn) {
    if (mr_conn_is_inherited(conn))
        return mr_fail(conn->env, MR_ERR_INVALID_REQUEST,
                       "this connection was opened before the process was forked, and belongs to the parent: a child "
                       "makes a new session or connection");
    if (!mr_env_is_interrupted(conn->env)) return MR_OK;
    mr_fail(conn->env, MR_ERR_OPERATIONAL, "(%s) interrupted: the program asks statements to stop", conn->driver->name);
    mr_error_add_orig(conn->env, "interrupted", 0);
    return MR_FAIL;
}

/* ---------------------------------------------------------------- opening and closing */

mr_status mr_conn_open(mr_engine *engine, mr_conn **out) {
    mr_conn *conn = mr_calloc(engine->env, sizeof *conn);
    if (!conn) return MR_FAIL;
    const mr_driver *driver = engine->driver;
    if (driver->open(engine->env, &engine->url, engine->serial, engine->native, &conn->dbc)) {
        mr_free(engine->env, conn);
        return MR_FAIL;
    }
    conn->engine = engine;
    conn->env = engine->env;
    conn->driver = driver;
    mr_stmt_cache_init(&conn->cache, engine->statement_cache);
    if (driver->set_timeout && engine->busy_timeout >= 0) driver->set_timeout(conn->dbc, engine->busy_timeout);
    if (driver->set_busy) driver->set_busy(conn->dbc, go_on_waiting, conn);
    conn->serial = ++engine->connections;
    conn->opened = mr_db_now();
    conn->next = engine->state->conns;
    if (conn->next) conn->next->prev = conn;
    engine->state->conns = conn;
    *out = conn;
    return MR_OK;
}

void mr_conn_destroy(mr_conn *conn) {
    if (conn->prev) conn->prev->next = conn->next;
    else conn->engine->state->conns = conn->next;
    if (conn->next) conn->next->prev = conn->prev;
    mr_stmt_cache_done(conn);
    for (int i = 0; i < MR_CONTROL__COUNT; i++) {
        if (conn->control[i]) conn->driver->finalize(conn->control[i]);
    }
    mr_conn_remove_functions(conn);
    mr_conn_unwatch(conn);
    conn->driver->close(conn->dbc);
    mr_conn_forget_loss(conn);
    mr_free(conn->env, conn->spare);
    mr_free(conn->env, conn);
}

void mr_conn_invalidate_cursors(mr_conn *conn) {
    while (conn->cursors) mr_cursor_invalidate(conn->cursors);
}

mr_engine *mr_conn_engine(const mr_conn *conn) { return conn->engine; }
mr_dbc *mr_conn_dbc(mr_conn *conn) { return conn->dbc; }
void mr_conn_set_owner(mr_conn *conn, const void *owner) { conn->owner = owner; }

void mr_conn_set_lazy(mr_conn *conn, bool lazy, mr_status (*on_write_begin)(void *ud), void *ud) {
    conn->lazy = lazy;
    conn->on_write_begin = on_write_begin;
    conn->on_write_begin_ud = ud;
}

void mr_conn_set_on_read(mr_conn *conn, void (*on_read)(void *ud, bool known, int64_t version), void *ud) {
    conn->on_read = on_read;
    conn->on_read_ud = ud;
}

bool mr_conn_changes_unseen(const mr_conn *conn) { return conn->driver->changes_unseen; }
uint64_t mr_conn_serial(const mr_conn *conn) { return conn->serial; }

void mr_conn_set_on_lost(mr_conn *conn, bool (*on_lost)(void *ud), void *ud) {
    conn->on_lost = on_lost;
    conn->on_lost_ud = ud;
}

/* ---------------------------------------------------------------- running SQL */

mr_status mr_conn_control_sql(mr_conn *conn, const char *sql) {
    mr_stmt *stmt = NULL;
    mr_status status = MR_FAIL;
    if (mr_conn_is_inherited(conn)) return mr_conn_may_run(conn);
    if (conn->engine->echo) mr_echo(conn->engine, sql, NULL, 0);
    if (!mr_engine_call_fails(conn->engine)) status = conn->driver->prepare(conn->dbc, sql, strlen(sql), &stmt);
    while (status == MR_OK || status == MR_ROW) {
        status = mr_engine_call_fails(conn->engine) ? MR_FAIL : conn->driver->step(stmt);
    }
    if (status == MR_FAIL) mr_conn_failed(conn, sql, NULL, 0);
    if (stmt) conn->driver->finalize(stmt);
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* Steps the cursor to its end, and closes it. */
static mr_status run_to_end(mr_cursor *cursor, int64_t *rowcount) {
    mr_status status;
    do {
        status = mr_cursor_step(cursor);
    } while (status == MR_ROW);
    if (status == MR_DONE && rowcount) *rowcount = mr_cursor_rowcount(cursor);
    mr_cursor_close(cursor);
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

mr_status mr_conn_run(mr_conn *conn, mr_compiled *compiled, const mr_value *values, int64_t *rowcount) {
    mr_cursor *cursor;
    return mr_conn_execute(conn, compiled, values, &cursor) ? MR_FAIL : run_to_end(cursor, rowcount);
}

mr_status mr_conn_query(mr_conn *conn, mr_compiled *compiled, const mr_value *values, size_t n, bool *has_row) {
    mr_cursor *cursor;
    if (mr_conn_cursor(conn, compiled, true, &cursor)) return MR_FAIL;
    mr_status status = mr_cursor_bind_n(cursor, values, n);
    if (status == MR_OK) status = mr_cursor_step(cursor);
    *has_row = status == MR_ROW;
    mr_cursor_close(cursor);
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

/* Does the SQL only read, or must it run outside of a transaction? */
static bool only_reads(const char *sql) {
    static const char *const words[] = {"select", "with",     "values", "explain", "pragma", "begin",     "commit",
                                        "end",    "rollback", "vacuum", "attach",  "detach", "savepoint", "release"};
    while (*sql == ' ' || *sql == '\n' || *sql == '\t' || *sql == '\r') sql++;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = 0;
        while (words[i][n] && (sql[n] | 0x20) == words[i][n]) n++;
        if (!words[i][n]) return true;
    }
    return false;
}

mr_status mr_conn_run_sql(mr_conn *conn, const char *sql) {
    mr_compiled *compiled = mr_compiled_from_sql(conn->env, sql, strlen(sql), !only_reads(sql));
    if (!compiled) return MR_FAIL;
    mr_cursor *cursor;
    mr_status status = mr_conn_cursor(conn, compiled, false, &cursor);
    if (status == MR_OK) {
        status = mr_cursor_bind_n(cursor, NULL, 0);
        if (status == MR_OK) status = run_to_end(cursor, NULL);
        else mr_cursor_close(cursor);
    }
    if (status == MR_OK) mr_conn_update_began(conn, false);
    mr_compiled_release(compiled);
    return status;
}
