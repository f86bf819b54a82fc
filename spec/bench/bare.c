/*
 * bare.c: the yardstick: the same SQL as moonrow sends, in a bare C loop over sqlite3.
 *
 *   bare WORKLOAD DATABASE    prints the CPU seconds of the workload alone
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 100000
#define GETS 20000
#define CHANGES 100

#define COLUMNS "item.id AS item_id, item.name AS item_name, item.kind AS item_kind, " \
                "item.price AS item_price, item.stock AS item_stock"

static void check(sqlite3 *db, int rc) {
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW) return;
    fprintf(stderr, "bare: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void run(sqlite3 *db, const char *sql) {
    check(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt;
    check(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
    return stmt;
}

/* Reads every column of the row, as a mapper must. */
static long long read_row(sqlite3_stmt *stmt, int columns) {
    long long sum = 0;
    for (int i = 0; i < columns; i++) {
        switch (sqlite3_column_type(stmt, i)) {
        case SQLITE_INTEGER:
            sum += sqlite3_column_int64(stmt, i);
            break;
        case SQLITE_FLOAT:
            sum += (long long)sqlite3_column_double(stmt, i);
            break;
        case SQLITE_TEXT:
            sum += sqlite3_column_text(stmt, i)[0] + sqlite3_column_bytes(stmt, i);
            break;
        default:
            break;
        }
    }
    return sum;
}

static long long drain(sqlite3 *db, sqlite3_stmt *stmt) {
    long long sum = 0;
    int rc, columns = sqlite3_column_count(stmt);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) sum += read_row(stmt, columns);
    check(db, rc);
    return sum;
}

static long long load(sqlite3 *db) {
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item");
    long long sum = drain(db, stmt);
    sqlite3_finalize(stmt);
    return sum;
}

static long long insert(sqlite3 *db) {
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO item (name, kind, price, stock) VALUES (?, ?, ?, ?)");
    char name[32];
    for (int i = 1; i <= ROWS; i++) {
        int len = snprintf(name, sizeof name, "item %d", i);
        sqlite3_bind_text(stmt, 1, name, len, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, "tool", 4, SQLITE_STATIC);
        sqlite3_bind_double(stmt, 3, i * 0.5);
        sqlite3_bind_int64(stmt, 4, i % 100);
        check(db, sqlite3_step(stmt));
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return sqlite3_last_insert_rowid(db);
}

static long long gets(sqlite3 *db, int in_transaction) {
    long long sum = 0;
    if (in_transaction) run(db, "BEGIN");
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item WHERE item.id = ?");
    for (int i = 1; i <= GETS; i++) {
        sqlite3_bind_int64(stmt, 1, i * 5);
        sum += drain(db, stmt);
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    if (in_transaction) run(db, "COMMIT");
    return sum;
}

static long long gets_autocommit(sqlite3 *db) {
    return gets(db, 0);
}

static long long gets_transaction(sqlite3 *db) {
    return gets(db, 1);
}

static long long change(sqlite3 *db) {
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "UPDATE item SET stock=? WHERE item.id = ?");
    for (int i = 1; i <= CHANGES; i++) {
        sqlite3_bind_int64(stmt, 1, -i);
        sqlite3_bind_int64(stmt, 2, i * 7);
        check(db, sqlite3_step(stmt));
        sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

static const struct {
    const char *name;
    long long (*fn)(sqlite3 *db);
} workloads[] = {{"load", load},
                 {"insert", insert},
                 {"get", gets_autocommit},
                 {"get-in-transaction", gets_transaction},
                 {"change", change},
                 {"change-of-1k", change}};

int main(int argc, char **argv) {
    if (argc != 3) return fprintf(stderr, "usage: bare WORKLOAD DATABASE\n"), 2;
    sqlite3 *db;
    check(NULL, sqlite3_open(argv[2], &db));
    run(db, "PRAGMA foreign_keys=ON");
    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        if (strcmp(workloads[i].name, argv[1]) != 0) continue;
        clock_t start = clock();
        long long result = workloads[i].fn(db);
        printf("%.6f %lld\n", (double)(clock() - start) / CLOCKS_PER_SEC, result);
        return sqlite3_close(db);
    }
    return fprintf(stderr, "bare: no workload %s\n", argv[1]), 2;
}
