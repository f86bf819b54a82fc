/*
 * bare_tables.c: the yardstick for a database of 400 tables: the PRAGMAs that tell of tables, columns, indexes and
 * foreign keys, each compiled anew for each table, as it must be. The result to compare is the number of columns, and
 * seven times that of foreign keys.
 */
#include "bare.h"

enum { TABLES = 400, ROWS = 10, MOST = 16 };

/* Makes the tables, and a few rows in each. This is not measured. */
static long long fill(sqlite3 *db) {
    char sql[600];
    run(db, "BEGIN IMMEDIATE");
    for (int i = 1; i <= TABLES; i++) {
        snprintf(sql, sizeof sql,
                 "CREATE TABLE t%03d (id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL, code TEXT UNIQUE, "
                 "amount NUMERIC(10, 2), at DATETIME, active BOOLEAN DEFAULT 1, note TEXT, "
                 "parent_id INTEGER REFERENCES t%03d (id), size INTEGER); "
                 "CREATE INDEX t%03d_name ON t%03d (name)",
                 i, i > 1 ? i - 1 : 1, i, i);
        run(db, sql);
        for (int k = 1; k <= ROWS; k++) {
            snprintf(sql, sizeof sql,
                     "INSERT INTO t%03d VALUES (%d, 'name %d', 'code %d', %d.25, '2024-01-0%d 10:00:00', 1, 'note', "
                     "NULL, %d)",
                     i, k, k, k, k, k % 9 + 1, k);
            run(db, sql);
        }
    }
    run(db, "COMMIT");
    return TABLES;
}

/* Asks one PRAGMA about a name, and reads its rows. Returns their number; texts, if it is not NULL, gets copies of
 * those in column 1. */
static int ask(sqlite3 *db, const char *pragma, const char *name, char *texts[MOST]) {
    char sql[200];
    int n = 0, rc;
    snprintf(sql, sizeof sql, "PRAGMA main.%s('%s')", pragma, name);
    sqlite3_stmt *stmt;
    check(db, sqlite3_prepare_v2(db, sql, -1, &stmt, NULL));
    int columns = sqlite3_column_count(stmt);
    for (; (rc = sqlite3_step(stmt)) == SQLITE_ROW; n++) {
        (void)read_row(stmt, columns);
        if (texts && n < MOST) texts[n] = check_memory(sqlite3_mprintf("%s", sqlite3_column_text(stmt, 1)));
    }
    check(db, rc);
    sqlite3_finalize(stmt);
    return n;
}

static long long automap(sqlite3 *db) {
    static char *names[TABLES];
    long long columns = 0, keys = 0;
    int tables = 0, rc;
    sqlite3_stmt *stmt = prepare(db, "SELECT name, type, sql FROM main.sqlite_schema ORDER BY rowid");
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        (void)read_row(stmt, 3);
        if (strcmp((const char *)sqlite3_column_text(stmt, 1), "table") == 0 && tables < TABLES)
            names[tables++] = check_memory(sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0)));
    }
    check(db, rc);
    sqlite3_finalize(stmt);
    (void)ask(db, "table_list", "", NULL);
    for (int i = 0; i < tables; i++) {
        char *indexes[MOST] = {NULL};
        columns += ask(db, "table_xinfo", names[i], NULL);
        int n = ask(db, "index_list", names[i], indexes);
        for (int k = 0; k < n; k++) {
            (void)ask(db, "index_xinfo", indexes[k], NULL);
            sqlite3_free(indexes[k]);
        }
        keys += ask(db, "foreign_key_list", names[i], NULL);
        sqlite3_free(names[i]);
    }
    return columns + 7 * keys;
}

int main(int argc, char **argv) {
    static const bare_workload workloads[] = {{"fill", fill, NULL}, {"automap", automap, NULL}, {NULL, NULL, NULL}};
    return bare_main(argc, argv, workloads);
}
