/*
 * driver_postgresql.c: the PostgreSQL driver's table of functions, and questions about a connection.
 *
 * Invariant: a question sends nothing.
 */
#include "driver_postgresql.h"

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

static bool is_dead(mr_dbc *handle) {
    const postgresql_dbc *dbc = postgresql_dbc_of(handle);
    return dbc->pq->status(dbc->conn) != PQ_CONNECTION_OK;
}

static bool is_inherited(mr_dbc *dbc) { return mr_postgresql_is_inherited(postgresql_dbc_of(dbc)); }

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
    .is_aborted = is_aborted,
    .is_dead = is_dead,
    .is_inherited = is_inherited,
    .limit = mr_postgresql_limit,
};

const mr_driver *mr_driver_postgresql(void) { return &driver; }
