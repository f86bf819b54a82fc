/*
 * bare.c: the yardstick for the workloads of one table. A bare C loop over sqlite3 sends the same SQL as moonrow.
 */
#define _POSIX_C_SOURCE 200809L /* strdup */
#include "bare.h"

#include <malloc.h>

#define ROWS    100000
#define IMPORTS 300000
#define GETS    20000
#define CHANGES 100
#define NAME    24 /* bytes of the longest name */

#define COLUMNS                                                                                                        \
    "item.id AS item_id, item.name AS item_name, item.kind AS item_kind, "                                             \
    "item.price AS item_price, item.stock AS item_stock"
#define ID    0
#define STOCK 4

static char (*names)[NAME]; /* names of the rows to insert; NULL: each is made when its row is inserted */

static void make_names(int n) {
    names = check_memory(malloc((size_t)(n + 1) * sizeof *names));
    for (int i = 1; i <= n; i++) snprintf(names[i], NAME, "item %d", i);
}

static void make_row_names(sqlite3 *db) {
    (void)db;
    make_names(ROWS);
}

static void make_import_names(sqlite3 *db) {
    (void)db;
    make_names(IMPORTS);
}

static long long load(sqlite3 *db) {
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item");
    long long sum = drain(db, stmt, STOCK);
    sqlite3_finalize(stmt);
    return sum;
}

static long long load_all(sqlite3 *db) {
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item");
    long long sum = drain(db, stmt, ALL);
    sqlite3_finalize(stmt);
    return sum;
}

/* Inserts n rows. Their names were made before, or are made in the loop. */
static long long insert_rows(sqlite3 *db, int n) {
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO item (name, kind, price, stock) VALUES (?, ?, ?, ?)");
    char made[NAME];
    for (int i = 1; i <= n; i++) {
        if (names) sqlite3_bind_text(stmt, 1, names[i], -1, SQLITE_STATIC);
        else sqlite3_bind_text(stmt, 1, made, snprintf(made, sizeof made, "item %d", i), SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, "tool", 4, SQLITE_STATIC);
        sqlite3_bind_double(stmt, 3, i * 0.5);
        sqlite3_bind_int64(stmt, 4, i % 100);
        step(db, stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

static long long insert(sqlite3 *db) { return insert_rows(db, ROWS); }

static long long import(sqlite3 *db) { return insert_rows(db, IMPORTS); }

/* Inserts the rows that yield_per reads. This is not measured. */
static long long million(sqlite3 *db) { return insert_rows(db, 1000000); }

/* Inserts the rows of the table with a unique text. This is not measured. */
static long long fill_products(sqlite3 *db) {
    char code[NAME];
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "INSERT INTO product (code, kind, price, stock) VALUES (?, ?, ?, ?)");
    for (int i = 1; i <= ROWS; i++) {
        sqlite3_bind_text(stmt, 1, code, snprintf(code, sizeof code, "code %d", i), SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, "tool", 4, SQLITE_STATIC);
        sqlite3_bind_double(stmt, 3, i * 0.5);
        sqlite3_bind_int64(stmt, 4, i % 100);
        step(db, stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

static long long gets(sqlite3 *db, int in_transaction) {
    long long sum = 0;
    if (in_transaction) run(db, "BEGIN");
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item WHERE item.id = ?");
    for (int i = 1; i <= GETS; i++) {
        sqlite3_bind_int64(stmt, 1, i * 5);
        sum += drain(db, stmt, STOCK);
    }
    sqlite3_finalize(stmt);
    if (in_transaction) run(db, "COMMIT");
    return sum;
}

static long long gets_autocommit(sqlite3 *db) { return gets(db, 0); }

static long long gets_transaction(sqlite3 *db) { return gets(db, 1); }

static long long first(sqlite3 *db) {
    long long sum = 0;
    char code[NAME];
    sqlite3_stmt *stmt = prepare(db, "SELECT product.id AS product_id, product.code AS product_code, "
                                     "product.kind AS product_kind, product.price AS product_price, "
                                     "product.stock AS product_stock FROM product WHERE product.code = ? LIMIT ?");
    for (int i = 1; i <= GETS; i++) {
        sqlite3_bind_text(stmt, 1, code, snprintf(code, sizeof code, "code %d", i * 5), SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 2, 1);
        sum += drain(db, stmt, STOCK);
    }
    sqlite3_finalize(stmt);
    return sum;
}

static long long change(sqlite3 *db) {
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *stmt = prepare(db, "UPDATE item SET stock=? WHERE item.id = ?");
    for (int i = 1; i <= CHANGES; i++) {
        sqlite3_bind_int64(stmt, 1, -i);
        sqlite3_bind_int64(stmt, 2, i * 7);
        step(db, stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

/* Keeps all keys and values before the first UPDATE: a table must not change while a query reads it. */
static long long change_each(sqlite3 *db) {
    static sqlite3_int64 ids[ROWS], stocks[ROWS];
    int rc, n = 0;
    long long rest = 0;
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item");
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW && n < ROWS) {
        rest += read_row(stmt, 5);
        ids[n] = sqlite3_column_int64(stmt, ID);
        stocks[n++] = sqlite3_column_int64(stmt, STOCK);
    }
    check(db, rc);
    sqlite3_finalize(stmt);
    run(db, "BEGIN IMMEDIATE");
    stmt = prepare(db, "UPDATE item SET stock=? WHERE item.id = ?");
    for (int i = 0; i < n; i++) {
        sqlite3_bind_int64(stmt, 1, stocks[i] + 1);
        sqlite3_bind_int64(stmt, 2, ids[i]);
        step(db, stmt);
    }
    sqlite3_finalize(stmt);
    run(db, "COMMIT");
    return rest ? sqlite3_total_changes64(db) : 0;
}

static long long sum_of_items(sqlite3 *db) { return checksum(db, "SELECT id, name, kind, price, stock FROM item"); }

/* What a C program would keep of a row: a struct on the heap, with its own copies of the texts. */
typedef struct item {
    long long id, stock;
    double price;
    char *name, *kind;
} item;

/* Prints the bytes on the heap for each row, instead of seconds, and the number of rows. The rows are structs in a list
 * that grows. The memory of SQLite itself is not counted. */
static int print_bytes(sqlite3 *db) {
    item **items = NULL;
    int rc, n = 0, room = 0;
    sqlite3_stmt *stmt = prepare(db, "SELECT " COLUMNS " FROM item");
    drain(db, stmt, ALL);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        if (n == room) items = check_memory(realloc(items, (size_t)(room = room ? 2 * room : 16) * sizeof *items));
        item *made = items[n++] = check_memory(malloc(sizeof *made));
        made->id = sqlite3_column_int64(stmt, ID);
        made->name = check_memory(strdup((const char *)sqlite3_column_text(stmt, 1)));
        made->kind = check_memory(strdup((const char *)sqlite3_column_text(stmt, 2)));
        made->price = sqlite3_column_double(stmt, 3);
        made->stock = sqlite3_column_int64(stmt, STOCK);
    }
    check(db, rc);
    sqlite3_reset(stmt);
    printf("%.1f %d\n", (double)(mallinfo2().uordblks + mallinfo2().hblkhd - before) / n, n);
    for (int i = 0; i < n; i++) {
        free(items[i]->name);
        free(items[i]->kind);
        free(items[i]);
    }
    free(items);
    sqlite3_finalize(stmt);
    return sqlite3_close(db);
}

int main(int argc, char **argv) {
    static const bare_workload workloads[] = {{"load", load, NULL},
                                              {"load-all", load_all, NULL},
                                              {"columns", load, NULL},
                                              {"insert", insert, NULL},
                                              {"flush", insert, make_row_names},
                                              {"import", import, make_import_names},
                                              {"million", million, NULL},
                                              {"fill-products", fill_products, NULL},
                                              {"get", gets_autocommit, NULL},
                                              {"get-in-transaction", gets_transaction, NULL},
                                              {"first", first, NULL},
                                              {"change", change, NULL},
                                              {"change-of-1k", change, NULL},
                                              {"change-each", change_each, NULL},
                                              {"sum", sum_of_items, NULL},
                                              {NULL, NULL, NULL}};
    sqlite3 *db;
    if (argc == 3 && strcmp(argv[1], "bytes") == 0) {
        check(NULL, sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READONLY, NULL));
        return print_bytes(db);
    }
    return bare_main(argc, argv, workloads);
}
