/*
 * facts.c: facts about tables and columns, from the database itself: another program may have made them.
 *
 * Invariant: without facts from the driver, tables and columns count as they are mapped. A text column about which the
 * database has no facts (a view's column) counts as one that the database compares by special rules.
 */
#include "connection.h"

/* ---------------------------------------------------------------- tables */

uint64_t mr_conn_schema_seen(const mr_conn *conn) {
    return conn->driver->schema_seen ? conn->driver->schema_seen(conn->dbc) : 0;
}

/* The question has failed. May it be asked again? Garbage of the program may have held a lock: see mr_conn_may_retry.
 */
static bool may_ask_again(mr_conn *conn, bool *asked) {
    (void)mr_conn_failed(conn, NULL, NULL, 0);
    if (*asked || conn->lost || !mr_conn_may_retry(conn)) return false;
    *asked = true;
    mr_env_clear_error(conn->env);
    return true;
}

mr_status mr_conn_table_facts(mr_conn *conn, const mr_table *table, bool with_key, mr_table_facts *out) {
    bool asked = false;
    do {
        *out = (mr_table_facts){.numbers = true};
        if (!conn->driver->table_facts) return MR_OK;
        if (!mr_engine_call_fails(conn->engine) && conn->driver->table_facts(conn->dbc, table, with_key, out) == MR_OK)
            return MR_OK;
    } while (may_ask_again(conn, &asked));
    return MR_FAIL;
}

mr_status mr_conn_reads(mr_conn *conn, const char *sql, mr_reads_fn fn, void *ud) {
    if (!conn->driver->reads) return MR_NOTFOUND;
    mr_status status = conn->driver->reads(conn->dbc, sql, fn, ud);
    return status == MR_FAIL ? mr_conn_failed(conn, NULL, NULL, 0) : status;
}

/* ---------------------------------------------------------------- columns */

mr_status mr_conn_column_facts(mr_conn *conn, const mr_column *column, mr_column_facts *out) {
    const mr_table *table = column->table;
    bool asked = false;
    mr_status status;
    do {
        *out = (mr_column_facts){.not_null = true, .binary = true};
        if (!conn->driver->column_facts) return MR_OK;
        status = conn->driver->column_facts(conn->dbc, table->schema, table->name, column->name, out);
    } while (status == MR_FAIL && may_ask_again(conn, &asked));
    return status;
}

mr_status mr_conn_column_folds(mr_conn *conn, mr_column *column, bool *out) {
    mr_column_facts facts;
    const mr_type *type = mr_column_type(conn->env, column);
    *out = false;
    if (mr_type_is_decimal(type)) return MR_OK; /* text or numbers, by the type's own rules */
    if (!mr_type_is_text(type) && !mr_type_is_number(type)) return MR_OK;
    mr_status status = mr_conn_column_facts(conn, column, &facts);
    if (status == MR_FAIL) return status;
    if (mr_type_is_text(type)) *out = status != MR_OK || !facts.binary || facts.affinity == MR_AFFINITY_NUMBER;
    if (mr_type_is_number(type)) *out = status == MR_OK && facts.affinity == MR_AFFINITY_TEXT;
    return MR_OK;
}

mr_status mr_conn_columns_apart(mr_conn *conn, const mr_column *a, const mr_column *b, bool *out) {
    mr_column_facts x, y;
    *out = true;
    mr_status status = mr_conn_column_facts(conn, a, &x);
    if (status == MR_OK) status = mr_conn_column_facts(conn, b, &y);
    if (status == MR_OK) *out = x.affinity != y.affinity || x.collation != y.collation;
    return status;
}
