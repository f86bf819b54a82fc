/*
 * bare.c: the yardstick of one table: the same SQL as moonrow sends, in a bare C loop over sqlite3.
 */
#include "bare.h"

#define ROWS    100000
#define GETS    20000
#define CHANGES 100

#define COLUMNS                                                                                                        \
    "item.id AS item_id, item.name AS item_name, item.kind AS item_kind, "                                             \
    "item.price AS item_price, item.stock AS item_stock"

static long long load(sqlite3 *db) {
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item");
    long long sum = drain(db, stmt);
    sqlite3_finalize(stmt);
    return sum;
}

static long long insert_rows(sqlite3 *db, int n) {
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO item (name, kind, price, stock) VALUES (?, ?, ?, ?)");
    char name[32];
    for (int i = 1; i <= n; i++) {
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

static long long insert(sqlite3 *db) { return insert_rows(db, ROWS); }

/* Not measured: the rows that yield_per reads. */
static long long million(sqlite3 *db) { return insert_rows(db, 1000000); }

static long long gets(sqlite3 *db, int in_transaction) {
    long long sum = 0;
    if (in_transaction) run(db, "BEGIN");
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item WHERE item.id = ?");
    for (int i = 1; i <= GETS; i++) {
        sqlite3_bind_int64(stmt, 1, i * 5);
        sum += drain(db, stmt);
    }
    sqlite3_finalize(stmt);
    if (in_transaction) run(db, "COMMIT");
    return sum;
}

static long long gets_autocommit(sqlite3 *db) { return gets(db, 0); }

static long long gets_transaction(sqlite3 *db) { return gets(db, 1); }

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

int main(int argc, char **argv) {
    static const bare_workload workloads[] = {{"load", load},
                                              {"insert", insert},
                                              {"million", million},
                                              {"get", gets_autocommit},
                                              {"get-in-transaction", gets_transaction},
                                              {"change", change},
                                              {"change-of-1k", change},
                                              {NULL, NULL}};
    return bare_main(argc, argv, workloads);
}
