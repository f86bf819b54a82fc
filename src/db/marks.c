/*
 * marks.c: what a statement is run with besides its values: a tag, and a limit of time.
 *
 * Invariant: neither is a part of a compiled or prepared statement, so that a cache holds one for all tags and limits.
 * The comment of a tag stands before the SQL wherever that is shown: in logs, records, events and errors. Time counts
 * while the database works, and not between two rows. Without marks nothing is measured.
 */
#include "connection.h"

#include <time.h>

const mr_marks *mr_conn_use_marks(mr_conn *conn, const mr_marks *marks) {
    const mr_marks *before = conn->marks;
    conn->marks = marks;
    return before;
}

/* The seconds that a statement may run; 0: no limit. */
static double limit_of(const mr_conn *conn) {
    double own = conn->marks ? conn->marks->timeout : 0;
    double limit = own == 0 ? conn->engine->timeout : own;
    return limit > 0 ? limit : 0;
}

char *mr_conn_shown_sql(mr_conn *conn, const char *sql) {
    const mr_engine_hooks *hooks = &conn->engine->hooks;
    const char *tag = conn->marks ? conn->marks->tag : NULL;
    if (!tag && !hooks->place) return NULL;
    mr_strbuf b;
    mr_strbuf_init(&b, conn->env);
    mr_strbuf_puts(&b, "/* ");
    size_t begun = b.len;
    if (tag) mr_strbuf_puts(&b, tag);
    else hooks->place(hooks->place_ud, &b);
    bool empty = b.len == begun;
    mr_strbuf_puts(&b, " */ ");
    mr_strbuf_puts(&b, sql);
    char *made = !b.oom && !empty ? mr_strndup(conn->env, b.data, b.len) : NULL;
    mr_strbuf_done(&b);
    if (!made) mr_env_clear_error(conn->env); /* without memory the comment is missing, as in echo.c */
    return made;
}

mr_status mr_cursor_mark(mr_cursor *cursor) {
    mr_conn *conn = cursor->conn;
    if (conn->setting_up) return MR_OK;
    cursor->shown = mr_conn_shown_sql(conn, cursor->compiled->sql);
    cursor->left = limit_of(conn);
    if (cursor->left == 0 || conn->driver->limit) return MR_OK;
    return mr_fail(cursor->env, MR_ERR_INVALID_REQUEST,
                   "(%s) timeout: this driver cannot stop a statement: leave the timeout out", conn->driver->name);
}

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

mr_status mr_cursor_step_limited(mr_cursor *cursor) {
    mr_conn *conn = cursor->conn;
    double start = now();
    conn->driver->limit(conn->dbc, cursor->left);
    mr_status status = conn->driver->step(cursor->stmt);
    conn->driver->limit(conn->dbc, 0);
    double took = now() - start;
    if (took > 0) cursor->left -= took; /* the clock may be set back */
    if (cursor->left <= 0) cursor->left = 1e-9;
    return status;
}
