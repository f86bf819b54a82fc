/*
 * sqlite_statement.c: SQLite's prepared statements: prepares, binds and runs them.
 *
 * Invariant: a text is exactly one statement. Bound text and blobs are borrowed until reset, never copied.
 */
#include "driver_sqlite.h"
#include "decode.h"

#include <limits.h>
#include <string.h>

/* ---------------------------------------------------------------- preparing */

/* Only comments and semicolons may stand behind the first statement. */
static mr_status check_tail(sqlite_dbc *dbc, const char *tail, const char *end) {
    while (tail < end) {
        sqlite3_stmt *second = NULL;
        const char *next = end;
        int rc = sqlite3_prepare_v2(dbc->db, tail, (int)(end - tail), &second, &next);
        sqlite3_finalize(second);
        if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_ERROR) return mr_sqlite_fail(dbc, rc);
        if (rc != SQLITE_OK || second) {
            return mr_fail(dbc->env, MR_ERR_PROGRAMMING,
                           "(sqlite) the text has more than one statement; "
                           "execute one at a time");
        }
        if (next <= tail) break;
        tail = next;
    }
    return MR_OK;
}

mr_status mr_sqlite_prepare(mr_dbc *handle, const char *sql, size_t len, mr_stmt **out) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    if (len > INT_MAX - 1 || (len && memchr(sql, '\0', len))) {
        return mr_fail(dbc->env, MR_ERR_PROGRAMMING,
                       len > INT_MAX - 1 ? "(sqlite) the statement is too long"
                                         : "(sqlite) the statement contains a zero byte");
    }
    sqlite_stmt *stmt = mr_calloc(dbc->env, sizeof *stmt);
    if (!stmt) return MR_FAIL;
    stmt->dbc = dbc;
    const char *tail = sql;
    dbc->asked = false;
    int rc = sqlite3_prepare_v3(dbc->db, sql, (int)len, SQLITE_PREPARE_PERSISTENT, &stmt->stmt, &tail);
    mr_status status = MR_OK;
    if (rc != SQLITE_OK) {
        status = mr_sqlite_fail_in(dbc, rc, sql, len, false);
    } else if (!stmt->stmt) {
        status = mr_fail(dbc->env, MR_ERR_PROGRAMMING, "(sqlite) the statement is empty");
    } else {
        status = check_tail(dbc, tail, sql + len);
        stmt->nparams = (size_t)sqlite3_bind_parameter_count(stmt->stmt);
        if (stmt->nparams && status == MR_OK) {
            stmt->bound = mr_calloc(dbc->env, stmt->nparams * sizeof *stmt->bound);
            if (!stmt->bound) status = MR_FAIL;
        }
        stmt->moves_schema = mr_sqlite_moves_schema(sql);
    }
    if (status != MR_OK) {
        mr_sqlite_finalize((mr_stmt *)(void *)stmt);
        return MR_FAIL;
    }
    *out = (mr_stmt *)(void *)stmt;
    return MR_OK;
}

void mr_sqlite_finalize(mr_stmt *handle) {
    sqlite_stmt *stmt = sqlite_stmt_of(handle);
    mr_env *env = stmt->dbc->env;
    if (!mr_sqlite_is_inherited(stmt->dbc)) sqlite3_finalize(stmt->stmt);
    mr_free(env, stmt->numbers);
    mr_free(env, stmt->bound);
    mr_free(env, stmt->shape);
    mr_free(env, stmt);
}

/* ---------------------------------------------------------------- binding */

static mr_status bad_value(sqlite_stmt *s, int at, const mr_value *value) {
    mr_env *env = s->dbc->env;
    if (value->kind == MR_FLOAT) {
        return mr_fail(env, MR_ERR_DATA, "(sqlite) parameter %d is NaN, which SQLite cannot store", at);
    }
    if (value->kind == MR_INTERVAL) {
        char text[48];
        mr_calendar_format(value, ' ', false, text);
        return mr_fail(env, MR_ERR_DATA,
                       "(sqlite) parameter %d: the interval %s cannot be stored: the datetime that lies so far after "
                       "1970-01-01 is outside the years 1 to 9999",
                       at, text);
    }
    if (value->kind >= MR_DATE && value->kind < MR_INTERVAL) {
        return mr_fail(env, MR_ERR_DATA, "(sqlite) parameter %d: the %s is outside the years 1 to 9999", at,
                       mr_kind_name(value->kind));
    }
    return mr_fail(env, MR_ERR_ARGUMENT, "(sqlite) parameter %d is %s, which is no value for a database", at,
                   value->kind == MR_UNLOADED ? "not loaded" : mr_kind_name(value->kind));
}

/* Returns SQLite's result code, or -1 when the value cannot be stored. */
static int bind_one(sqlite3_stmt *stmt, int at, const mr_value *v) {
    char text[48];
    size_t len;
    switch (v->kind) {
    case MR_NULL:
        return sqlite3_bind_null(stmt, at);
    case MR_INT:
    case MR_BOOL:
        return sqlite3_bind_int64(stmt, at, v->u.i);
    case MR_FLOAT:
        return v->u.d == v->u.d ? sqlite3_bind_double(stmt, at, v->u.d) : -1;
    case MR_TEXT:
    case MR_DECIMAL:
    case MR_JSON:
        return sqlite3_bind_text64(stmt, at, v->len ? v->u.s : "", v->len, SQLITE_STATIC, SQLITE_UTF8);
    case MR_BLOB:
        return sqlite3_bind_blob64(stmt, at, v->len ? v->u.s : "", v->len, SQLITE_STATIC);
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        len = mr_encode_calendar(v, text);
        return len ? sqlite3_bind_text(stmt, at, text, (int)len, SQLITE_TRANSIENT) : -1;
    default:
        return -1;
    }
}

/* Back to its start. Its parameters keep their values: all of them are bound again, or cleared. false: the connection
 * is another process's. */
static bool rewind_statement(sqlite_stmt *s) {
    if (mr_sqlite_is_inherited(s->dbc)) return false;
    sqlite3_reset(s->stmt);
    s->begun = false;
    return true;
}

/* An integer that is bound already stays: later versions of SQLite plan a statement anew when its LIMIT is bound. */
mr_status mr_sqlite_bind(mr_stmt *handle, const mr_value *values, size_t n) {
    sqlite_stmt *s = sqlite_stmt_of(handle);
    if (n != s->nparams) {
        return mr_fail(s->dbc->env, MR_ERR_PROGRAMMING,
                       "(sqlite) the statement has %zu parameters, but %zu values were given%s", s->nparams, n,
                       n == 0 ? ": write each as :name, and give { name = value }" : "");
    }
    if (s->begun) rewind_statement(s);
    for (size_t i = 0; i < n; i++) {
        const mr_value *v = &values[i];
        sqlite_bound *b = &s->bound[i];
        int rc;
        if (v->kind == MR_INT) {
            if (b->kind == SQLITE_BOUND_INTEGER && b->integer == v->u.i) continue;
            rc = sqlite3_bind_int64(s->stmt, (int)i + 1, v->u.i);
            b->kind = rc == SQLITE_OK ? SQLITE_BOUND_INTEGER : SQLITE_BOUND_OTHER;
            b->integer = v->u.i;
        } else {
            b->kind = mr_kind_is_bytes(v->kind) ? SQLITE_BOUND_BYTES : SQLITE_BOUND_OTHER;
            rc = bind_one(s->stmt, (int)i + 1, v);
        }
        if (rc == SQLITE_OK) continue;
        return rc < 0 ? bad_value(s, (int)i + 1, &values[i]) : mr_sqlite_fail(s->dbc, rc);
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- running */

/* A collation cannot tell SQLite that it has failed: what a statement has written since then may stand in the wrong
 * place of an index. Its transaction is rolled back, so that nobody commits that. */
static int collation_failed(sqlite_stmt *s, int rc) {
    sqlite3 *db = s->dbc->db;
    bool passed = rc == SQLITE_ROW || rc == SQLITE_DONE;
    if (!passed || sqlite3_stmt_readonly(s->stmt) || sqlite3_get_autocommit(db)) return SQLITE_ABORT;
    (void)sqlite3_reset(s->stmt);
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return SQLITE_ABORT;
}

mr_status mr_sqlite_step(mr_stmt *handle) {
    sqlite_stmt *s = sqlite_stmt_of(handle);
    s->dbc->asked = false;
    int rc = s->dbc->watch ? mr_sqlite_step_watched(s) : sqlite3_step(s->stmt);
    if (!s->begun) mr_sqlite_begun(s);
    if (s->dbc->failed) rc = collation_failed(s, rc);
    if (rc == SQLITE_ROW) return MR_ROW;
    if (rc == SQLITE_DONE) return MR_DONE;
    if (s->dbc->watch) mr_sqlite_statement_failed(s->dbc, s->stmt);
    s->dbc->seen++; /* the failure may have rolled back a change of the schema */
    const char *sql = sqlite3_sql(s->stmt);
    return mr_sqlite_fail_in(s->dbc, rc, sql, sql ? strlen(sql) : 0, true);
}

/* What a caller has lent is let go of; other values stay, to be bound over. */
void mr_sqlite_reset(mr_stmt *handle) {
    sqlite_stmt *s = sqlite_stmt_of(handle);
    if (!rewind_statement(s)) return;
    for (size_t i = 0; i < s->nparams; i++) {
        if (s->bound[i].kind != SQLITE_BOUND_BYTES) continue;
        sqlite3_bind_null(s->stmt, (int)i + 1);
        s->bound[i].kind = SQLITE_BOUND_OTHER;
    }
}

unsigned mr_sqlite_column_count(mr_stmt *handle) {
    return (unsigned)sqlite3_column_count(sqlite_stmt_of(handle)->stmt);
}

const char *mr_sqlite_column_name(mr_stmt *handle, unsigned i) {
    return sqlite3_column_name(sqlite_stmt_of(handle)->stmt, (int)i);
}
