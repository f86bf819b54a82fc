/*
 * sqlite_changes.c: tells a watcher of each row that statements change, by SQLite's preupdate hook.
 *
 * Invariant: the hook runs no SQL and copies nothing: the values of a row are borrowed until the watcher returns. What
 * is told is what the database has done: where a statement is undone, or a transaction ends, the watcher hears of it.
 */
#include "driver_sqlite.h"

#include <string.h>

/* A library without SQLITE_ENABLE_PREUPDATE_HOOK lacks these: then nobody hears of rows. Its header declares them only
 * where the program is compiled with that option. */
#ifndef SQLITE_ENABLE_PREUPDATE_HOOK
void *sqlite3_preupdate_hook(sqlite3 *db,
                             void (*fn)(void *ud, sqlite3 *db, int op, const char *schema, const char *table,
                                        sqlite3_int64 old_rowid, sqlite3_int64 rowid),
                             void *ud);
int sqlite3_preupdate_old(sqlite3 *db, int i, sqlite3_value **out);
int sqlite3_preupdate_new(sqlite3 *db, int i, sqlite3_value **out);
int sqlite3_preupdate_count(sqlite3 *db);
int sqlite3_preupdate_depth(sqlite3 *db);
#endif
#pragma weak sqlite3_preupdate_hook
#pragma weak sqlite3_preupdate_old
#pragma weak sqlite3_preupdate_new
#pragma weak sqlite3_preupdate_count
#pragma weak sqlite3_preupdate_depth
#pragma weak sqlite3_trace_v2

typedef struct mr_sqlite_watch {
    sqlite_dbc *dbc;
    const mr_row_watcher *watcher;
    void *record;
    bool wide;            /* texts are stored in UTF-16: they must be converted */
    mr_value *room;       /* for the values of a row, old and new */
    int nroom;            /* so many of each */
    sqlite_stmt *running; /* the statement of the connection's that runs; NULL: none, or not one of the driver's */
    bool own;             /* the rows that are told are that statement's: no other was begun within it */
} watch;

/* ---------------------------------------------------------------- values */

typedef int (*value_fn)(sqlite3 *db, int i, sqlite3_value **out);

/* Reads a value as it is stored. Text is asked for as bytes: to be given as text, SQLite would copy it. false: no
 * memory. */
static bool read_value(const watch *w, sqlite3_value *stored, mr_value *out) {
    const char *bytes;
    switch (sqlite3_value_type(stored)) {
    case SQLITE_INTEGER:
        *out = mr_int_value(sqlite3_value_int64(stored));
        return true;
    case SQLITE_FLOAT:
        *out = mr_float_value(sqlite3_value_double(stored));
        return true;
    case SQLITE_TEXT:
        bytes = w->wide ? (const char *)sqlite3_value_text(stored) : sqlite3_value_blob(stored);
        *out = mr_text_value(bytes ? bytes : "", (size_t)sqlite3_value_bytes(stored));
        return bytes || out->len == 0;
    case SQLITE_BLOB:
        bytes = sqlite3_value_blob(stored);
        *out = mr_bytes_value(MR_BLOB, bytes ? bytes : "", (size_t)sqlite3_value_bytes(stored));
        return bytes || out->len == 0;
    default:
        *out = mr_null_value();
        return true;
    }
}

/* A column without a value in the row (a VIRTUAL one) is MR_UNLOADED. number: the column that is the row's number,
 * whose value is there already; or -1. false: no memory. */
static bool read_row(const watch *w, value_fn fn, int n, int number, mr_value *out) {
    for (int i = 0; i < n; i++) {
        sqlite3_value *stored = NULL;
        if (i == number) continue;
        int rc = fn(w->dbc->db, i, &stored);
        if (rc == SQLITE_NOMEM) return false;
        if (rc != SQLITE_OK || !stored) out[i] = mr_value_of(MR_UNLOADED, 0);
        else if (!read_value(w, stored, &out[i])) return false;
    }
    return true;
}

/* The shape of the UPDATE of which the row is; NULL: all of its values must be read. */
static const mr_sqlite_shape *shape_of(const watch *w, const mr_row_change *row, int n) {
    sqlite_stmt *s = w->own ? w->running : NULL;
    if (!s || row->caused) return NULL;
    s->told++;
    const mr_sqlite_shape *shape = s->shape;
    if (!shape || shape->n != n || row->old_rowid != row->rowid || strcmp(shape->table, row->table) != 0) return NULL;
    s->reshaped = sqlite3_stmt_status(s->stmt, SQLITE_STMTSTATUS_REPREPARE, 0) != shape->prepared_again;
    return s->reshaped ? NULL : shape;
}

/* The new values of an UPDATE whose old ones were read. What it does not set is as it was. (A row that was stored
 * before a column was added to its table tells NULL there, and may have the column's default.) */
static bool read_set(const watch *w, const mr_sqlite_shape *shape, const mr_value *old_values, mr_value *out) {
    const sqlite_bound *bound = w->running->bound;
    for (int i = 0; i < shape->n; i++) {
        sqlite3_value *stored = NULL;
        int parameter = shape->columns[i].parameter;
        if (parameter == 0 && old_values[i].kind > MR_NULL) {
            out[i] = old_values[i];
        } else if (parameter > 0 && shape->columns[i].integer && bound[parameter - 1].kind == SQLITE_BOUND_INTEGER) {
            out[i] = mr_int_value(bound[parameter - 1].integer);
        } else {
            int rc = sqlite3_preupdate_new(w->dbc->db, i, &stored);
            if (rc != SQLITE_OK || !stored || !read_value(w, stored, &out[i])) return false;
        }
    }
    return true;
}

static bool reserve(watch *w, int n) {
    if (n <= w->nroom) return true;
    mr_value *room = mr_alloc(w->dbc->env, 2 * (size_t)n * sizeof *room);
    if (!room) return false;
    mr_free(w->dbc->env, w->room);
    w->room = room;
    w->nroom = n;
    return true;
}

static bool read_values(const watch *w, mr_row_change *row, int n) {
    mr_value *old_values = w->room, *new_values = w->room + n;
    if (row->kind != MR_CHANGE_INSERT) row->old_values = old_values;
    if (row->kind != MR_CHANGE_DELETE) row->new_values = new_values;
    const mr_sqlite_shape *shape = row->kind == MR_CHANGE_UPDATE ? shape_of(w, row, n) : NULL;
    int number = shape ? shape->number : -1;
    if (number >= 0) old_values[number] = mr_int_value(row->old_rowid);
    if (row->old_values && !read_row(w, sqlite3_preupdate_old, n, number, old_values)) return false;
    if (shape) return read_set(w, shape, old_values, new_values);
    return !row->new_values || read_row(w, sqlite3_preupdate_new, n, -1, new_values);
}

/* ---------------------------------------------------------------- hooks */

static void on_row(void *ud, sqlite3 *db, int op, const char *schema, const char *table, sqlite3_int64 old_rowid,
                   sqlite3_int64 rowid) {
    watch *w = ud;
    int n = sqlite3_preupdate_count(db);
    mr_row_change row = {.kind = op == SQLITE_INSERT   ? MR_CHANGE_INSERT
                                 : op == SQLITE_UPDATE ? MR_CHANGE_UPDATE
                                                       : MR_CHANGE_DELETE,
                         .schema = schema,
                         .table = table,
                         .caused = sqlite3_preupdate_depth(db) > 0,
                         .old_rowid = old_rowid,
                         .rowid = rowid};
    if (n > 0 && reserve(w, n) && read_values(w, &row, n)) row.n = (unsigned)n;
    w->watcher->row(w->record, &row);
}

/* A text that begins with "--" is a trigger's, within a statement. */
static int on_trace(unsigned event, void *ud, void *stmt, void *text) {
    watch *w = ud;
    const char *sql = text;
    (void)event;
    if (!w->running || w->running->stmt != stmt) w->own = false;
    if (sql && sql[0] == '-' && sql[1] == '-') return 0;
    w->watcher->statement(w->record);
    return 0;
}

static int on_commit(void *ud) {
    const watch *w = ud;
    w->watcher->ended(w->record, true);
    return 0;
}

static void on_rollback(void *ud) {
    const watch *w = ud;
    w->watcher->ended(w->record, false);
}

/* A shape costs as much as some tens of rows: it is for statements that run again and again. */
static bool wants_shape(const sqlite_stmt *s) {
    enum { ROWS = 8 };
    return s->told >= ROWS && !s->shapeless && (!s->shape || s->reshaped);
}

static void look_for_shape(sqlite_stmt *s) {
    mr_free(s->dbc->env, s->shape);
    s->shape = mr_sqlite_shape_of(s->dbc, s->stmt);
    s->shapeless = !s->shape;
    s->reshaped = false;
    s->told = 0;
}

int mr_sqlite_step_watched(sqlite_stmt *s) {
    watch *w = s->dbc->watch;
    if (s->begun) return sqlite3_step(s->stmt);
    if (wants_shape(s)) look_for_shape(s);
    sqlite_stmt *outer = w->running;
    w->running = s;
    w->own = true;
    int rc = sqlite3_step(s->stmt);
    if (s->dbc->watch != w) return rc;
    w->running = outer;
    w->own = false;
    return rc;
}

void mr_sqlite_statement_failed(const sqlite_dbc *dbc, sqlite3_stmt *stmt) {
    const watch *w = dbc->watch;
    /* What an ON CONFLICT FAIL has written before stays, and is counted. */
    if (w && !sqlite3_stmt_readonly(stmt) && sqlite3_changes64(dbc->db) == 0) w->watcher->failed(w->record);
}

/* ---------------------------------------------------------------- on and off */

static int take_encoding(void *ud, int n, char **values, char **names) {
    watch *w = ud;
    (void)names;
    w->wide = n > 0 && values[0] && strcmp(values[0], "UTF-8") != 0;
    return 0;
}

static void end_watch(sqlite_dbc *dbc) {
    watch *w = dbc->watch;
    if (!w) return;
    dbc->watch = NULL;
    if (!mr_sqlite_is_inherited(dbc)) {
        sqlite3_preupdate_hook(dbc->db, NULL, NULL);
        sqlite3_trace_v2(dbc->db, 0, NULL, NULL);
        sqlite3_commit_hook(dbc->db, NULL, NULL);
        sqlite3_rollback_hook(dbc->db, NULL, NULL);
    }
    mr_free(dbc->env, w->room);
    mr_free(dbc->env, w);
}

mr_status mr_sqlite_watch_rows(mr_dbc *handle, const mr_row_watcher *watcher, void *record) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    end_watch(dbc);
    if (!watcher) return MR_OK;
    if (!sqlite3_preupdate_hook || !sqlite3_trace_v2) return MR_NOTFOUND;
    watch *w = mr_calloc(dbc->env, sizeof *w);
    if (!w) return MR_FAIL;
    *w = (watch){.dbc = dbc, .watcher = watcher, .record = record};
    int rc = sqlite3_exec(dbc->db, "PRAGMA encoding", take_encoding, w, NULL);
    if (rc != SQLITE_OK) {
        mr_free(dbc->env, w);
        return mr_sqlite_fail(dbc, rc);
    }
    dbc->watch = w;
    sqlite3_preupdate_hook(dbc->db, on_row, w);
    sqlite3_trace_v2(dbc->db, SQLITE_TRACE_STMT, on_trace, w);
    sqlite3_commit_hook(dbc->db, on_commit, w);
    sqlite3_rollback_hook(dbc->db, on_rollback, w);
    return MR_OK;
}
