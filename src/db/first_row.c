/*
 * first_row.c: reads the first row of a statement without a cursor: what a load of one object needs.
 *
 * Invariant: it does what a cursor does for its first row, or leaves it to a cursor and has done nothing. The statement
 * is in use, and its row good, until mr_conn_end_row.
 */
#include "connection.h"

/* Gives the statement back after a failed call of the driver. MR_FAIL: the error is recorded. MR_DONE: the statement
 * may be tried again, which a cursor does. */
static mr_status failed(mr_conn *conn, mr_cached_stmt *entry, const mr_value *values) {
    conn->driver->reset(entry->stmt);
    (void)mr_conn_failed(conn, entry->compiled->sql, values, entry->compiled->nparams);
    mr_stmt_cache_give(conn, entry);
    if (mr_conn_is_over(conn) || !mr_conn_may_retry(conn)) return MR_FAIL;
    mr_env_clear_error(conn->env);
    return MR_DONE;
}

/* Takes the statement from the cache. MR_DONE: it is left to a cursor, because listeners must hear of it, its
 * parameters must be converted, or it cannot run now (then the cursor reports the error). */
static mr_status take(mr_conn *conn, mr_compiled *compiled, mr_cached_stmt **out) {
    if (mr_engine_observed(conn->engine) || mr_conn_is_marked(conn) || mr_conn_is_over(conn) || compiled->is_write ||
        compiled->is_text || compiled->stores || compiled->ncolumns == 0)
        return MR_DONE;
    if (mr_conn_may_run(conn) == MR_OK && mr_stmt_cache_take(conn, compiled, true, out) == MR_OK) return MR_OK;
    mr_env_clear_error(conn->env);
    return MR_DONE;
}

mr_status mr_conn_first_row(mr_conn *conn, mr_compiled *compiled, const mr_value *values, const mr_type *const *types,
                            mr_value *row, mr_cached_stmt **held) {
    const mr_driver *driver = conn->driver;
    mr_engine *engine = conn->engine;
    mr_cached_stmt *entry;
    if (take(conn, compiled, &entry) != MR_OK) return MR_DONE;
    engine->executions++;
    if (mr_engine_call_fails(engine) || driver->bind(entry->stmt, values, compiled->nparams) != MR_OK)
        return failed(conn, entry, values);
    mr_status status = mr_engine_call_fails(engine) ? MR_FAIL : driver->step(entry->stmt);
    if (status == MR_FAIL) return failed(conn, entry, values);
    if (conn->lazy && mr_conn_reads_outside(conn)) mr_conn_note_read(conn);
    if (status != MR_ROW) {
        mr_stmt_cache_give(conn, entry);
        return MR_NOTFOUND;
    }
    if (!types) types = entry->types;
    status =
        mr_engine_call_fails(engine) ? MR_FAIL : driver->fetch(entry->stmt, types, (unsigned)compiled->ncolumns, row);
    if (status == MR_FAIL) return failed(conn, entry, values);
    if (status != MR_OK) { /* a value of another type: only a cursor says which */
        mr_stmt_cache_give(conn, entry);
        return MR_DONE;
    }
    *held = entry;
    return MR_ROW;
}

void mr_conn_end_row(mr_conn *conn, mr_cached_stmt *held) { mr_stmt_cache_give(conn, held); }
