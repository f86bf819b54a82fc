/*
 * driver_postgresql.c: the PostgreSQL driver's table of functions, and questions about a connection.
 *
 * Invariant: a question sends nothing, so that an idle connection is looked at for free; the snapshot of a transaction
 * is taken by a statement that reads nothing.
 */
#include "driver_postgresql.h"

#include <poll.h>
#include <string.h>

/* RETURNING gives the keys that the server makes. */
static int64_t last_insert_id(mr_dbc *dbc) {
    (void)dbc;
    return 0;
}

static int64_t changes(mr_dbc *dbc) { return postgresql_dbc_of(dbc)->changes; }

static int transaction_of(mr_dbc *handle) {
    const postgresql_dbc *dbc = postgresql_dbc_of(handle);
    return dbc->pq->transactionStatus(dbc->conn);
}

static bool in_transaction(mr_dbc *dbc) {
    int status = transaction_of(dbc);
    return status != PQ_TRANSACTION_IDLE && status != PQ_TRANSACTION_UNKNOWN;
}

static bool is_aborted(mr_dbc *dbc) { return transaction_of(dbc) == PQ_TRANSACTION_FAILED; }

/* A server that has ended the connection has said so, or closed the socket: what is there is read, and nothing is sent.
 * The words of a server that ends come first, and the end of the socket behind them. */
static bool is_dead(mr_dbc *handle) {
    const postgresql_dbc *dbc = postgresql_dbc_of(handle);
    struct pollfd fd = {.fd = dbc->pq->socket(dbc->conn), .events = POLLIN};
    for (int i = 0; i < 2 && fd.fd >= 0 && !mr_postgresql_is_inherited(dbc) && poll(&fd, 1, 0) > 0; i++)
        if (!dbc->pq->consumeInput(dbc->conn)) break;
    return dbc->pq->status(dbc->conn) != PQ_CONNECTION_OK;
}

/* The server has no connection left: those that the program has dropped give theirs back. libpq tells no code of an
 * error in connecting. */
static bool out_of_connections(const mr_error *e) {
    return e->orig && (strstr(e->orig, "too many clients") || strstr(e->orig, "remaining connection slots"));
}

static bool is_inherited(mr_dbc *dbc) { return mr_postgresql_is_inherited(postgresql_dbc_of(dbc)); }

/* The first statement of a transaction gives it its snapshot. */
static mr_status take_snapshot(mr_dbc *dbc) { return mr_postgresql_run(postgresql_dbc_of(dbc), "SELECT 1"); }

static const mr_driver driver = {
    .name = "postgresql",
    .dialect = mr_dialect_postgresql,
    .check = mr_postgresql_check,
    .open = mr_postgresql_open,
    .set_up = mr_postgresql_set_up,
    .close = mr_postgresql_close,
    .prepare = mr_postgresql_prepare,
    .prepare_compiled = mr_postgresql_prepare_compiled,
    .finalize = mr_postgresql_finalize,
    .bind = mr_postgresql_bind,
    .step = mr_postgresql_step,
    .reset = mr_postgresql_reset,
    .fetch = mr_postgresql_fetch,
    .column_count = mr_postgresql_column_count,
    .column_name = mr_postgresql_column_name,
    .last_insert_id = last_insert_id,
    .changes = changes,
    .in_transaction = in_transaction,
    .changes_unseen = true,
    .take_snapshot = take_snapshot,
    .is_aborted = is_aborted,
    .is_dead = is_dead,
    .is_inherited = is_inherited,
    .out_of_files = out_of_connections,
    .limit = mr_postgresql_limit,
    .reflector = &mr_postgresql_reflector,
};

const mr_driver *mr_driver_postgresql(void) { return &driver; }
