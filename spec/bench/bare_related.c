/*
 * bare_related.c: the yardstick for relationships. Bare C loops send the SQL of moonrow's loading strategies. They keep
 * only the keys that a later statement needs. The result to compare is the sum of parent_id over all children.
 */
#include "bare.h"

#define PARENTS  10000
#define CHILDREN 10  /* for each parent */
#define KEYS     500 /* in one statement of selectinload */
#define PLACES   512 /* its parameters, a power of two: the last key is repeated in the rest */

#define PARENT "SELECT parent.id AS parent_id, parent.name AS parent_name FROM parent"

/* Inserts all rows. This is not measured. */
static long long fill(sqlite3 *db) {
    char name[32];
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *parent = prepare(db, "INSERT INTO parent (id, name) VALUES (?, ?)");
    sqlite3_stmt *child = prepare(db, "INSERT INTO child (parent_id, name, size) VALUES (?, ?, ?)");
    for (int i = 1; i <= PARENTS; i++) {
        sqlite3_bind_int64(parent, 1, i);
        sqlite3_bind_text(parent, 2, name, snprintf(name, sizeof name, "parent %d", i), SQLITE_STATIC);
        step(db, parent);
        for (int j = 1; j <= CHILDREN; j++) {
            sqlite3_bind_int64(child, 1, i);
            sqlite3_bind_text(child, 2, name, snprintf(name, sizeof name, "child %d", j), SQLITE_STATIC);
            sqlite3_bind_int64(child, 3, j);
            step(db, child);
        }
    }
    sqlite3_finalize(parent);
    sqlite3_finalize(child);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

static long long joined(sqlite3 *db) {
    sqlite3_stmt *stmt =
        prepare(db, "SELECT parent.id AS parent_id, parent.name AS parent_name, child_1.id AS child_1_id, "
                    "child_1.parent_id AS child_1_parent_id, child_1.name AS child_1_name, child_1.size AS "
                    "child_1_size FROM parent LEFT OUTER JOIN child AS child_1 ON parent.id = child_1.parent_id");
    long long sum = drain(db, stmt, 3);
    sqlite3_finalize(stmt);
    return sum;
}

/* Reads all parents and keeps their keys, for the strategies that send further statements. */
static void read_parents(sqlite3 *db, sqlite3_int64 *ids) {
    long long sum = 0;
    int rc, n = 0;
    sqlite3_stmt *stmt = prepare(db, PARENT);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        sum += read_row(stmt, 2);
        ids[n++] = sqlite3_column_int64(stmt, 0);
    }
    check(db, rc);
    sqlite3_finalize(stmt);
    if (!sum) fprintf(stderr, "bare: the parents are empty\n");
}

static sqlite3_stmt *prepare_selectin(sqlite3 *db) {
    static char sql[4 * PLACES];
    size_t len = (size_t)snprintf(sql, sizeof sql,
                                  "SELECT child.parent_id AS child_parent_id, child.id AS child_id, "
                                  "child.name AS child_name, child.size AS child_size FROM child WHERE "
                                  "child.parent_id IN (?");
    for (int i = 1; i < PLACES; i++) len += (size_t)snprintf(sql + len, sizeof sql - len, ", ?");
    snprintf(sql + len, sizeof sql - len, ")");
    return prepare(db, sql);
}

static long long selectin(sqlite3 *db) {
    static sqlite3_int64 ids[PARENTS];
    long long sum = 0;
    read_parents(db, ids);
    sqlite3_stmt *stmt = prepare_selectin(db);
    for (int i = 0; i < PARENTS; i += KEYS) {
        for (int k = 0; k < PLACES; k++) sqlite3_bind_int64(stmt, k + 1, ids[i + (k < KEYS ? k : KEYS - 1)]);
        sum += drain(db, stmt, 0);
    }
    sqlite3_finalize(stmt);
    return sum;
}

static long long lazy(sqlite3 *db) {
    static sqlite3_int64 ids[PARENTS];
    long long sum = 0;
    read_parents(db, ids);
    sqlite3_stmt *stmt = prepare(db, "SELECT child.id AS child_id, child.parent_id AS child_parent_id, child.name AS "
                                     "child_name, child.size AS child_size FROM child WHERE ? = child.parent_id");
    for (int i = 0; i < PARENTS; i++) {
        sqlite3_bind_int64(stmt, 1, ids[i]);
        sum += drain(db, stmt, 1);
    }
    sqlite3_finalize(stmt);
    return sum;
}

/* Runs a statement over the keys of all parents, PLACES at a time. Returns the sum over its rows of the parent's key,
 * the first column; value: the column that the key is multiplied by, or -1. */
static long long by_keys(sqlite3 *db, const char *before, const char *after, int value) {
    static sqlite3_int64 ids[PARENTS];
    static char sql[4 * PLACES + 1024];
    long long sum = 0;
    int rc;
    read_parents(db, ids);
    size_t len = (size_t)snprintf(sql, sizeof sql, "%s", before);
    for (int i = 0; i < PLACES; i++) len += (size_t)snprintf(sql + len, sizeof sql - len, i ? ", ?" : "?");
    snprintf(sql + len, sizeof sql - len, "%s", after);
    sqlite3_stmt *stmt = prepare(db, sql);
    for (int i = 0; i < PARENTS; i += KEYS) {
        for (int k = 0; k < PLACES; k++) sqlite3_bind_int64(stmt, k + 1, ids[i + (k < KEYS ? k : KEYS - 1)]);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
            long long key = sqlite3_column_int64(stmt, 0);
            read_row(stmt, sqlite3_column_count(stmt));
            sum += value < 0 ? key : key * sqlite3_column_int64(stmt, value);
        }
        check(db, rc);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    return sum;
}

static long long limited(sqlite3 *db) {
    return by_keys(db,
                   "SELECT anon_1.parent_key, child.id, child.parent_id, child.name, child.size FROM (SELECT "
                   "child.parent_id AS parent_key, child.id AS target_key, row_number() OVER (PARTITION BY "
                   "child.parent_id ORDER BY child.id) AS place FROM child WHERE child.parent_id IN (",
                   ")) AS anon_1 JOIN child ON child.id = anon_1.target_key WHERE anon_1.place <= 3 ORDER BY "
                   "anon_1.place",
                   -1);
}

static long long count_of(sqlite3 *db) {
    long long sum = 0;
    int rc;
    sqlite3_stmt *stmt = prepare(db, "SELECT parent.id AS parent_id, parent.name AS parent_name, (SELECT count(*) FROM "
                                     "child WHERE parent.id = child.parent_id) AS anon_1 FROM parent");
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        read_row(stmt, 3);
        sum += sqlite3_column_int64(stmt, 0) * sqlite3_column_int64(stmt, 2);
    }
    check(db, rc);
    sqlite3_finalize(stmt);
    return sum;
}

static long long count(sqlite3 *db) {
    return by_keys(db,
                   "SELECT parent_1.id, count(*) FROM parent AS parent_1 JOIN child ON parent_1.id = child.parent_id "
                   "WHERE parent_1.id IN (",
                   ") GROUP BY parent_1.id", 1);
}

static long long delete_children(sqlite3 *db) {
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "DELETE FROM child WHERE child.id = ?");
    for (int i = 1; i <= PARENTS * CHILDREN; i++) {
        sqlite3_bind_int64(stmt, 1, i);
        step(db, stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

static long long sum_of_both(sqlite3 *db) {
    return checksum(db, "SELECT id, name FROM parent UNION ALL SELECT id, parent_id || name || size FROM child");
}

int main(int argc, char **argv) {
    static const bare_workload workloads[] = {{"fill", fill, NULL},         {"joined", joined, NULL},
                                              {"selectin", selectin, NULL}, {"lazy", lazy, NULL},
                                              {"limited", limited, NULL},   {"count-of", count_of, NULL},
                                              {"count", count, NULL},       {"delete-children", delete_children, NULL},
                                              {"sum", sum_of_both, NULL},   {NULL, NULL, NULL}};
    return bare_main(argc, argv, workloads);
}
