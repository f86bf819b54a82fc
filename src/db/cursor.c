/*
 * cursor.c: executes statements.
 *
 * Invariant: a cursor has a prepared statement that no other cursor uses, until it is closed or invalidated. After a
 * failure the statement is reset, so that it holds no lock.
 */
#include "connection.h"
#include "decode.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---------------------------------------------------------------- making */

static void link_cursor(mr_conn *conn, mr_cursor *cursor) {
    cursor->next = conn->cursors;
    if (cursor->next) cursor->next->prev = cursor;
    conn->cursors = cursor;
}

/* mr_conn_shown_sql, which leaves the recorded error as it is. */
static char *shown_after_failure(mr_conn *conn, const mr_compiled *compiled) {
    mr_error *saved = mr_env_save_error(conn->env);
    char *shown = conn->setting_up ? NULL : mr_conn_shown_sql(conn, compiled->sql);
    mr_env_restore_error(conn->env, saved);
    return shown;
}

static mr_status prepare(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cached_stmt **entry) {
    if (mr_stmt_cache_take(conn, compiled, keep, entry) == MR_OK) return MR_OK;
    char *shown = shown_after_failure(conn, compiled);
    (void)mr_conn_failed(conn, shown ? shown : compiled->sql, NULL, 0);
    mr_free(conn->env, shown);
    return MR_FAIL;
}

mr_status mr_conn_cursor(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cursor **out) {
    mr_cached_stmt *entry;
    if (mr_conn_is_over(conn) && mr_conn_check_lost(conn)) return MR_FAIL;
    if (compiled->is_write && conn->read_only) {
        mr_fail(conn->env, MR_ERR_INVALID_REQUEST, "the transaction is read-only, and this statement writes: %s",
                compiled->sql);
        return MR_FAIL;
    }
    if (mr_conn_may_run(conn)) {
        mr_error_add_statement(conn->env, compiled->sql, NULL, 0);
        return MR_FAIL;
    }
    /* The statement is prepared before BEGIN, so that SQL with a mistake begins no transaction. */
    if (prepare(conn, compiled, keep, &entry) && (!mr_conn_may_retry(conn) || prepare(conn, compiled, keep, &entry)))
        return MR_FAIL;
    mr_cursor *cursor = NULL;
    if (compiled->is_write && conn->lazy && !conn->began && mr_conn_begin_write(conn)) goto fail;
    if (compiled->is_ddl) mr_conn_invalidate_cursors(conn);
    cursor = conn->spare ? conn->spare : mr_alloc(conn->env, sizeof *cursor);
    if (!cursor) goto fail;
    conn->spare = NULL;
    memset(cursor, 0, sizeof *cursor);
    cursor->env = cursor->room.env = conn->env;
    cursor->room.dialect = mr_engine_dialect(conn->engine)->name;
    cursor->conn = conn;
    cursor->entry = entry;
    cursor->stmt = entry->stmt;
    cursor->compiled = mr_compiled_retain(compiled);
    cursor->ncolumns = (unsigned)compiled->ncolumns;
    cursor->execution = ++conn->engine->executions;
    cursor->rowcount = -1;
    link_cursor(conn, cursor);
    if (mr_conn_is_marked(conn) && mr_cursor_mark(cursor) != MR_OK) {
        mr_cursor_close(cursor);
        return MR_FAIL;
    }
    *out = cursor;
    return MR_OK;
fail:
    mr_stmt_cache_give(conn, entry);
    return MR_FAIL;
}

/* Refuses the user's text when it would end the library's transaction, or would fail inside of one. */
static mr_status check_kind(mr_conn *conn, const mr_compiled *compiled) {
    if (compiled->kind == MR_TEXT_CONTROL)
        mr_fail(
            conn->env, MR_ERR_INVALID_REQUEST,
            "transactions are the library's own and take no SQL text: use begin, begin_nested, commit and rollback of "
            "the session or connection");
    else if (compiled->kind == MR_TEXT_ALONE && conn->began)
        mr_fail(
            conn->env, MR_ERR_INVALID_REQUEST,
            "this statement does not run inside a transaction: commit or roll back first, or run it on a connection "
            "of engine:connect{ isolation_level = \"AUTOCOMMIT\" }");
    else {
        conn->own_settings = conn->own_settings || (!compiled->is_ddl && !conn->setting_up); /* it is a PRAGMA */
        return MR_OK;
    }
    mr_error_add_statement(conn->env, compiled->sql, NULL, 0);
    return MR_FAIL;
}

mr_status mr_conn_prepare(mr_conn *conn, mr_compiled *compiled, mr_cursor **out) {
    if (compiled->kind > MR_TEXT_WRITES && check_kind(conn, compiled) != MR_OK) return MR_FAIL;
    return mr_conn_cursor(conn, compiled, !compiled->is_ddl, out);
}

mr_status mr_conn_execute(mr_conn *conn, mr_compiled *compiled, const mr_value *values, mr_cursor **out) {
    mr_cursor *cursor;
    if (mr_conn_prepare(conn, compiled, &cursor)) {
        if (!mr_env_error(conn->env)->statement) return MR_FAIL;
        char *shown = shown_after_failure(conn, compiled);
        /* The error also shows the parameters. */
        mr_error_add_statement(conn->env, shown ? shown : compiled->sql, values, compiled->nparams);
        mr_free(conn->env, shown);
        return MR_FAIL;
    }
    if (mr_cursor_bind(cursor, values)) {
        mr_cursor_close(cursor);
        return MR_FAIL;
    }
    *out = cursor;
    return MR_OK;
}

/* ---------------------------------------------------------------- closing */

void mr_cursor_invalidate(mr_cursor *cursor) {
    mr_conn *conn = cursor->conn;
    if (!conn) return;
    if (cursor->prev) cursor->prev->next = cursor->next;
    else conn->cursors = cursor->next;
    if (cursor->next) cursor->next->prev = cursor->prev;
    cursor->prev = cursor->next = NULL;
    mr_stmt_cache_give(conn, cursor->entry);
    cursor->conn = NULL;
    cursor->entry = NULL;
    cursor->stmt = NULL;
    cursor->values = NULL;
    /* A cursor that was read to its end stays DONE: it has lost no rows. */
    if (cursor->state != MR_CURSOR_DONE) cursor->state = MR_CURSOR_CLOSED;
}

void mr_cursor_close(mr_cursor *cursor) {
    if (!cursor) return;
    mr_conn *conn = cursor->conn;
    mr_cursor_invalidate(cursor);
    mr_compiled_release(cursor->compiled);
    mr_free(cursor->env, cursor->stored);
    mr_free(cursor->env, cursor->shown);
    mr_store_done(&cursor->room);
    if (conn && !conn->spare) conn->spare = cursor;
    else mr_free(cursor->env, cursor);
}

static mr_status was_closed(mr_cursor *cursor) {
    return mr_fail(cursor->env, MR_ERR_INVALID_REQUEST,
                   "this result was closed by a commit, rollback or close; read it "
                   "with :all() first");
}

/* ---------------------------------------------------------------- running */

/* Converts the values to the form in which their columns store them. */
static mr_status store(mr_cursor *cursor, const mr_value **values) {
    const mr_compiled *compiled = cursor->compiled;
    if (!cursor->stored) {
        cursor->stored = mr_alloc(cursor->env, compiled->nparams * sizeof *cursor->stored);
        if (!cursor->stored) return MR_FAIL;
    }
    mr_store_done(&cursor->room);
    for (size_t i = 0; i < compiled->nparams; i++) {
        mr_value *v = &cursor->stored[i];
        *v = (*values)[i];
        v->flags &= MR_VALUE_GIVEN;
        if (mr_param_store(&compiled->params[i], v, &cursor->room) != MR_OK) return MR_FAIL;
    }
    *values = cursor->stored;
    return MR_OK;
}

/* Is the value none that the database has: NaN, a moment outside of its years? */
static bool is_unstorable(const mr_value *v) {
    char text[MR_CALENDAR_SIZE];
    if (v->kind == MR_FLOAT) return v->u.d != v->u.d;
    return v->kind >= MR_DATE && v->kind <= MR_INTERVAL && mr_encode_calendar(v, text) == 0;
}

/* Adds to the recorded error, which says "parameter 27", the column that the value was for. */
static void name_column(const mr_compiled *compiled, const mr_value *values, size_t n) {
    enum { MOST = 160 };
    char note[MOST];
    size_t i = 0;
    while (i < n && !is_unstorable(&values[i])) i++;
    bool known = i < n && compiled && compiled->params && n == compiled->nparams;
    const mr_column *column = known ? compiled->params[i].into : NULL;
    if (!column || !column->table) return;
    snprintf(note, sizeof note, "(it is for %s.%s)", column->table->name, column->name);
    mr_error_add_note(column->table->metadata->env, note);
}

mr_status mr_cursor_bind_n(mr_cursor *cursor, const mr_value *values, size_t n) {
    mr_conn *conn = cursor->conn;
    if (!conn) return was_closed(cursor);
    bool stores = cursor->compiled->stores && n == cursor->compiled->nparams && values != cursor->stored;
    if (stores && store(cursor, &values) != MR_OK) return MR_FAIL;
    cursor->state = MR_CURSOR_PREPARED;
    cursor->values = values;
    cursor->nvalues = n;
    if (mr_engine_call_fails(conn->engine) || conn->driver->bind(cursor->stmt, values, n)) {
        conn->driver->reset(cursor->stmt);
        name_column(cursor->compiled, values, n);
        return mr_conn_failed(conn, mr_cursor_sql(cursor), values, n);
    }
    cursor->state = MR_CURSOR_BOUND;
    return MR_OK;
}

mr_status mr_cursor_bind(mr_cursor *cursor, const mr_value *values) {
    return mr_cursor_bind_n(cursor, values, cursor->compiled->nparams);
}

/* Makes the first step of a watched INSERT. When it returns, the rows are in the table. */
static mr_status step_watched(mr_cursor *cursor) {
    mr_conn *conn = cursor->conn;
    int64_t id;
    conn->driver->watch_insert(conn->dbc, true, &id);
    mr_status status = cursor->left > 0 ? mr_cursor_step_limited(cursor) : conn->driver->step(cursor->stmt);
    cursor->not_inserted = !conn->driver->watch_insert(conn->dbc, false, &id);
    return status;
}

static mr_status step(mr_cursor *cursor) {
    mr_conn *conn = cursor->conn;
    if (mr_env_is_interrupted(conn->env) && mr_conn_may_run(conn) != MR_OK) return MR_FAIL;
    if (mr_engine_call_fails(conn->engine)) return MR_FAIL;
    bool watched = cursor->watched && cursor->state == MR_CURSOR_BOUND;
    if (watched) return step_watched(cursor);
    return cursor->left > 0 ? mr_cursor_step_limited(cursor) : conn->driver->step(cursor->stmt);
}

/* Called after a failed step. True: the step may be tried again, because the execution has returned no row yet. */
static bool may_repeat(mr_cursor *cursor, mr_cursor_state before) {
    mr_conn *conn = cursor->conn;
    if (before != MR_CURSOR_BOUND || !conn || mr_conn_is_over(conn) || !mr_conn_may_retry(conn)) return false;
    cursor->state = MR_CURSOR_PREPARED;
    /* The collection may have closed the cursor: then this fails and says so. */
    return mr_cursor_bind_n(cursor, cursor->values, cursor->nvalues) == MR_OK;
}

/* Handles the result of a step of the driver. */
static mr_status after_step(mr_cursor *cursor, mr_status status) {
    mr_conn *conn = cursor->conn;
    const mr_compiled *compiled = cursor->compiled;
    if (status == MR_ROW) {
        cursor->state = MR_CURSOR_ROW;
        return MR_ROW;
    }
    if (status == MR_DONE) {
        cursor->state = MR_CURSOR_DONE;
        if (compiled->is_write && !compiled->is_ddl) {
            cursor->rowcount = conn->driver->changes(conn->dbc);
            cursor->last_insert_id = conn->driver->last_insert_id(conn->dbc);
        }
        if (compiled->is_text) mr_conn_update_began(conn, false);
        return MR_DONE;
    }
    cursor->state = MR_CURSOR_FAILED;
    conn->driver->reset(cursor->stmt);
    return mr_conn_failed(conn, mr_cursor_sql(cursor), cursor->values, cursor->nvalues);
}

static mr_status advance_once(mr_cursor *cursor) { return after_step(cursor, step(cursor)); }

static mr_status advance(mr_cursor *cursor) {
    mr_cursor_state before = cursor->state;
    mr_status status = advance_once(cursor);
    return status == MR_FAIL && may_repeat(cursor, before) ? advance_once(cursor) : status;
}

double mr_conn_waited(const mr_conn *conn) {
    return conn->driver->waited ? (double)conn->driver->waited(conn->dbc) / 1e3 : 0;
}

double mr_db_now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Fails also when the hook has closed the connection, or ended its transaction. */
mr_status mr_cursor_notify(mr_cursor *cursor, bool after, const mr_value *const *lists, size_t n) {
    mr_conn *conn = cursor->conn;
    const mr_engine_hooks *hooks = &conn->engine->hooks;
    const char *sql = mr_cursor_sql(cursor);
    size_t width = cursor->notified ? cursor->compiled->nparams : cursor->nvalues;
    mr_status status = MR_OK;
    if (after && hooks->after_execute) {
        status = hooks->after_execute(hooks->ud, conn, sql, lists, n, width, cursor->seconds, cursor->waited);
    } else if (!after && hooks->before_execute) {
        status = hooks->before_execute(hooks->ud, conn, sql, lists, n, width);
    }
    if (status != MR_FAIL) return cursor->conn || cursor->state == MR_CURSOR_DONE ? MR_OK : was_closed(cursor);
    if (cursor->conn) {
        cursor->state = MR_CURSOR_FAILED;
        conn->driver->reset(cursor->stmt);
    }
    return MR_FAIL;
}

/* Makes the first step of an execution that is recorded, logged, or reported to hooks. */
static mr_status advance_observed(mr_cursor *cursor) {
    mr_engine *engine = cursor->conn->engine;
    const char *sql = mr_cursor_sql(cursor);
    const mr_value *values = cursor->values;
    if (!cursor->notified && mr_cursor_notify(cursor, false, &values, 1)) return MR_FAIL;
    if (engine->echo) mr_echo(engine, sql, cursor->values, cursor->nvalues);
    if (engine->recorders && mr_recorders_note(engine, cursor->execution, sql, cursor->values, cursor->nvalues))
        return MR_FAIL;
    mr_conn *conn = cursor->conn;
    double start = mr_db_now(), waited = conn->begin_waited, waited_before = mr_conn_waited(conn);
    conn->begin_waited = 0;
    mr_status status = advance(cursor);
    double seconds = mr_db_now() - start + waited;
    if (seconds < 0) seconds = 0; /* the clock may be set back */
    if (cursor->conn) waited += mr_conn_waited(conn) - waited_before;
    if (seconds < waited) seconds = waited;
    mr_recorders_add_time(engine, cursor->execution, seconds, waited);
    cursor->seconds = cursor->notified ? cursor->seconds + seconds : seconds;
    cursor->waited = cursor->notified ? cursor->waited + waited : waited;
    if (status == MR_FAIL || !cursor->conn || cursor->notified) return status;
    return mr_cursor_notify(cursor, true, &values, 1) ? MR_FAIL : status;
}

static mr_status first_step(mr_cursor *cursor) {
    mr_conn *conn = cursor->conn;
    bool observed = mr_engine_observed(conn->engine) && !conn->setting_up;
    mr_status status = observed ? advance_observed(cursor) : advance(cursor);
    if (status == MR_FAIL || !cursor->conn) return status;
    if (!cursor->compiled->ncolumns && (cursor->compiled->is_text || status == MR_ROW)) {
        cursor->ncolumns = conn->driver->column_count(cursor->stmt);
    }
    if (conn->lazy && mr_conn_reads_outside(conn) && !cursor->compiled->is_write) mr_conn_note_read(conn);
    return status;
}

mr_status mr_cursor_step(mr_cursor *cursor) {
    switch (cursor->state) {
    case MR_CURSOR_ROW: /* it has left its beginning: it never runs again */
        return advance_once(cursor);
    case MR_CURSOR_BOUND:
        return first_step(cursor);
    case MR_CURSOR_DONE:
        return MR_DONE;
    case MR_CURSOR_CLOSED:
        return was_closed(cursor);
    case MR_CURSOR_PREPARED:
        return mr_fail(cursor->env, MR_ERR_INVALID_REQUEST, "this statement has no values bound");
    case MR_CURSOR_FAILED:
        break;
    }
    return mr_fail(cursor->env, MR_ERR_INVALID_REQUEST, "this result ended with an error; run the statement again");
}

mr_status mr_cursor_fetch_any(mr_cursor *cursor, const mr_type *const *types, mr_value *out) {
    mr_conn *conn = cursor->conn;
    if (cursor->state != MR_CURSOR_ROW) {
        if (cursor->state == MR_CURSOR_CLOSED) return was_closed(cursor);
        return mr_fail(cursor->env, MR_ERR_INVALID_REQUEST, "this result has no current row");
    }
    if (!types) types = cursor->entry->types;
    mr_status status = MR_FAIL;
    if (!mr_engine_call_fails(conn->engine)) status = conn->driver->fetch(cursor->stmt, types, cursor->ncolumns, out);
    return status == MR_FAIL ? mr_cursor_failed(cursor) : status;
}

mr_status mr_cursor_next(mr_cursor *cursor, const mr_type *const *types, mr_value *out) {
    mr_status status;
    if (cursor->state == MR_CURSOR_ROW) {
        status = step(cursor);
        if (status != MR_ROW) return after_step(cursor, status);
    } else {
        status = mr_cursor_step(cursor);
        if (status != MR_ROW) return status;
    }
    mr_conn *conn = cursor->conn;
    if (mr_engine_call_fails(conn->engine)) return mr_cursor_failed(cursor);
    status = conn->driver->fetch(cursor->stmt, types ? types : cursor->entry->types, cursor->ncolumns, out);
    if (status == MR_FAIL) return mr_cursor_failed(cursor);
    return status == MR_OK ? MR_ROW : MR_NOTFOUND;
}

mr_status mr_cursor_failed(mr_cursor *cursor) {
    if (!cursor->conn) return MR_FAIL;
    return mr_conn_failed(cursor->conn, mr_cursor_sql(cursor), cursor->values, cursor->nvalues);
}

const mr_type *const *mr_cursor_types(const mr_cursor *cursor) { return cursor->entry ? cursor->entry->types : NULL; }

/* Records the DataError of a value that its type cannot read. A result column that is a table's column is named as it
 * is declared. */
static mr_status misfit(mr_cursor *cursor, const mr_type *const *types, const mr_value *row) {
    char what[160];
    unsigned i = 0;
    while (i < cursor->ncolumns && !(row[i].flags & MR_VALUE_MISFIT)) i++;
    const mr_column *column = i < cursor->compiled->ncolumns ? cursor->compiled->columns[i].column : NULL;
    const char *name = mr_cursor_column_name(cursor, i);
    if (column && column->table) snprintf(what, sizeof what, "%s.%s", column->table->name, column->name);
    else snprintf(what, sizeof what, "column \"%s\"", name ? name : "?");
    if (!types) types = mr_cursor_types(cursor);
    mr_type_misfit(cursor->env, types[i], what, NULL, &row[i]);
    return mr_cursor_failed(cursor);
}

mr_status mr_cursor_fetch(mr_cursor *cursor, const mr_type *const *types, mr_value *out) {
    mr_status status = mr_cursor_fetch_any(cursor, types, out);
    return status == MR_NOTFOUND ? misfit(cursor, types, out) : status;
}

/* ---------------------------------------------------------------- properties of a cursor */

unsigned mr_cursor_column_count(mr_cursor *cursor) { return cursor->ncolumns; }

const char *mr_cursor_column_name(mr_cursor *cursor, unsigned i) {
    if (i >= cursor->ncolumns) return NULL;
    if (i < cursor->compiled->ncolumns) return cursor->compiled->columns[i].name;
    return cursor->conn ? cursor->conn->driver->column_name(cursor->stmt, i) : NULL;
}

int64_t mr_cursor_rowcount(const mr_cursor *cursor) { return cursor->rowcount; }
int64_t mr_cursor_last_insert_id(const mr_cursor *cursor) { return cursor->last_insert_id; }

mr_conn *mr_cursor_conn(const mr_cursor *cursor) { return cursor->conn; }
void mr_cursor_watch_insert(mr_cursor *cursor) { cursor->watched = cursor->conn && cursor->conn->driver->watch_insert; }
bool mr_cursor_inserted(const mr_cursor *cursor) { return !cursor->not_inserted; }

bool mr_conn_is_reading(const mr_conn *conn) {
    for (const mr_cursor *c = conn->cursors; c; c = c->next)
        if (c->state == MR_CURSOR_BOUND || c->state == MR_CURSOR_ROW) return true;
    return false;
}
