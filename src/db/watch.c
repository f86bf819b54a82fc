/*
 * watch.c: who hears of the rows that the statements of an engine change.
 *
 * Invariant: where an engine has a watcher, each connection that is set up has a record of it; where it has none, a
 * connection has none, and all that a transaction pays is the test of a pointer.
 */
#include "connection.h"

mr_status mr_conn_watch(mr_conn *conn) {
    const mr_row_watcher *watcher = conn->engine->watcher;
    if (!watcher || conn->record) return MR_OK;
    if (watcher->open(watcher->ud, conn, &conn->record) != MR_OK) {
        conn->record = NULL;
        return MR_FAIL;
    }
    mr_status status = MR_NOTFOUND;
    if (conn->driver->watch_rows) status = conn->driver->watch_rows(conn->dbc, watcher, conn->record);
    if (status == MR_FAIL) {
        mr_conn_unwatch(conn);
        return MR_FAIL;
    }
    conn->tells_rows = status == MR_OK;
    if (conn->tells_rows) mr_stmt_cache_forget(conn);
    return MR_OK;
}

void mr_conn_unwatch(mr_conn *conn) {
    if (!conn->record) return;
    if (conn->driver->watch_rows) (void)conn->driver->watch_rows(conn->dbc, NULL, NULL);
    conn->engine->watcher->close(conn->record);
    conn->record = NULL;
    conn->tells_rows = false;
}

static void unwatch_all(mr_engine *engine) {
    for (mr_conn *conn = engine->state->conns; conn; conn = conn->next)
        if (conn->engine == engine) mr_conn_unwatch(conn);
}

mr_status mr_engine_watch(mr_engine *engine, const mr_row_watcher *watcher) {
    const mr_row_watcher *before = engine->watcher;
    if (before) {
        unwatch_all(engine);
        engine->watcher = NULL;
        before->free(before->ud);
    }
    engine->watcher = watcher;
    for (mr_conn *conn = engine->state->conns; watcher && conn; conn = conn->next) {
        if (conn->engine != engine || mr_conn_is_inherited(conn) || mr_conn_watch(conn) == MR_OK) continue;
        unwatch_all(engine);
        engine->watcher = NULL;
        return MR_FAIL;
    }
    return MR_OK;
}

const mr_row_watcher *mr_engine_watcher(const mr_engine *engine) { return engine->watcher; }
void *mr_conn_record(const mr_conn *conn) { return conn->record; }
bool mr_conn_tells_rows(const mr_conn *conn) { return conn->tells_rows; }
void mr_conn_set_triggers(mr_conn *conn, bool on) {
    if (conn->driver->set_triggers) conn->driver->set_triggers(conn->dbc, on);
}

const void *mr_conn_owner(const mr_conn *conn) { return conn->owner; }
