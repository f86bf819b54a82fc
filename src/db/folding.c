/*
 * folding.c: whether a column compares its values as they are in memory.
 *
 * Invariant: what the database does not tell of a text (a column of a view) counts as compared by rules of its own.
 */
#include "connection.h"

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
