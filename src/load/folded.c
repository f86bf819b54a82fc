/*
 * folded.c: relationships whose columns the database compares by rules of its own: texts without regard to case or to
 * spaces at the end, texts in columns that turn them into numbers, dates and decimals in several
 * spellings.
 *
 * Invariant: values of such columns are never matched in memory; the database joins the rows.
 */
#include "planner.h"
#include "run.h"

static bool is_text(mr_typecode code) {
    return code == MR_TYPE_STRING || code == MR_TYPE_TEXT || code == MR_TYPE_ENUM || code == MR_TYPE_UUID;
}

static bool is_number(mr_typecode code) {
    return code == MR_TYPE_INTEGER || code == MR_TYPE_SMALLINTEGER || code == MR_TYPE_BIGINTEGER ||
           code == MR_TYPE_FLOAT || code == MR_TYPE_NUMERIC;
}

static bool is_calendar(mr_typecode code) {
    return code == MR_TYPE_DATE || code == MR_TYPE_TIME || code == MR_TYPE_DATETIME || code == MR_TYPE_INTERVAL;
}

/* A column of a view, of which the database tells nothing, counts as mapped. */
mr_status mr_column_folds(mr_conn *conn, mr_column *column, bool *out) {
    mr_column_facts facts;
    if (*out || !column->table) return MR_OK;
    mr_typecode code = mr_column_type(mr_engine_env(mr_conn_engine(conn)), column)->code;
    mr_status status = mr_conn_column_facts(conn, column, &facts);
    if (status != MR_OK) return status == MR_FAIL ? status : MR_OK;
    if (is_text(code)) *out = !facts.binary || facts.affinity == MR_AFFINITY_NUMBER;
    if (is_number(code)) *out = facts.affinity == MR_AFFINITY_TEXT;
    if (is_calendar(code) || code == MR_TYPE_NUMERIC) *out = true; /* 1.50 is 1.5 */
    return MR_OK;
}

static mr_status pairs_fold(mr_conn *conn, const mr_column_pair *pairs, unsigned n, bool *out) {
    for (unsigned i = 0; i < n; i++)
        if (mr_column_folds(conn, pairs[i].local, out) != MR_OK ||
            mr_column_folds(conn, pairs[i].remote, out) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

mr_status mr_relationship_folds(mr_conn *conn, const mr_relationship *rel, bool *out) {
    *out = false;
    if (pairs_fold(conn, rel->pairs, rel->npairs, out) != MR_OK) return MR_FAIL;
    return pairs_fold(conn, rel->secondary_pairs, rel->nsecondary, out);
}
