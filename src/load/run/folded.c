/*
 * folded.c: finds relationships whose columns the database compares by its own rules: text without regard to case or to
 * spaces at the end, text in columns that convert it to numbers, and dates and decimals that have several spellings.
 *
 * Invariant: values of such columns are never matched in memory; the database joins the rows.
 */
#include "plan/planner.h"
#include "run.h"

/* Can equal values have several spellings, such as 1.50 and 1.5? */
static bool has_spellings(const mr_type *type) { return mr_type_is_moment(type) || mr_type_is_decimal(type); }

mr_status mr_column_folds(mr_conn *conn, mr_column *column, bool *out) {
    if (*out || !column->table) return MR_OK;
    if (!has_spellings(mr_column_type(mr_engine_env(mr_conn_engine(conn)), column)))
        return mr_conn_column_folds(conn, column, out);
    *out = true;
    return MR_OK;
}

static mr_status pairs_fold(mr_conn *conn, const mr_column_pair *pairs, unsigned n, bool *out) {
    for (unsigned i = 0; i < n; i++)
        if (mr_column_folds(conn, pairs[i].local, out) != MR_OK || mr_column_folds(conn, pairs[i].remote, out) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

mr_status mr_relationship_folds(mr_conn *conn, const mr_relationship *rel, bool *out) {
    *out = false;
    if (pairs_fold(conn, rel->pairs, rel->npairs, out) != MR_OK) return MR_FAIL;
    return pairs_fold(conn, rel->secondary_pairs, rel->nsecondary, out);
}
