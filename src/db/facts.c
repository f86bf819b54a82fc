/*
 * facts.c: what the database itself says of tables and columns, which another program may have made.
 *
 * Invariants: where a driver cannot tell, they are as they are mapped. A text column of which the database tells
 * nothing (that of a view) counts as one that it compares by rules of its own.
 */
#include "connection.h"

/* ---------------------------------------------------------------- tables */

uint64_t mr_conn_schema_seen(const mr_conn *conn) {
    return conn->driver->schema_seen ? conn->driver->schema_seen(conn->dbc) : 0;
}

mr_status mr_conn_table_facts(mr_conn *conn, const mr_table *table, mr_table_facts *out) {
    *out = (mr_table_facts){.numbers = true};
    if (!conn->driver->table_facts) return MR_OK;
    if (!mr_engine_call_fails(conn->engine) && conn->driver->table_facts(conn->dbc, table, out) == MR_OK) return MR_OK;
    return mr_conn_failed(conn, NULL, NULL, 0);
}

/* ---------------------------------------------------------------- columns */

mr_status mr_conn_column_facts(mr_conn *conn, const mr_column *column, mr_column_facts *out) {
    *out = (mr_column_facts){.not_null = true, .binary = true};
    if (!conn->driver->column_facts) return MR_OK;
    return conn->driver->column_facts(conn->dbc, column->table->schema, column->table->name, column->name, out);
}

static bool is_text(mr_typecode code) {
    return code == MR_TYPE_STRING || code == MR_TYPE_TEXT || code == MR_TYPE_ENUM || code == MR_TYPE_UUID;
}

static bool is_number(mr_typecode code) {
    return code == MR_TYPE_INTEGER || code == MR_TYPE_SMALLINTEGER || code == MR_TYPE_BIGINTEGER ||
           code == MR_TYPE_FLOAT || code == MR_TYPE_NUMERIC;
}

mr_status mr_conn_column_folds(mr_conn *conn, mr_column *column, bool *out) {
    mr_column_facts facts;
    mr_typecode code = mr_column_type(conn->env, column)->code;
    *out = false;
    if (!is_text(code) && !is_number(code)) return MR_OK;
    mr_status status = mr_conn_column_facts(conn, column, &facts);
    if (status == MR_FAIL) return status;
    if (is_text(code)) *out = status != MR_OK || !facts.binary || facts.affinity == MR_AFFINITY_NUMBER;
    if (is_number(code)) *out = status == MR_OK && facts.affinity == MR_AFFINITY_TEXT;
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
