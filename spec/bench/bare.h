/*
 * bare.h: what the bare loops share: calls of sqlite3 that check for errors, functions that read rows, and a main
 * function that measures one workload.
 *
 *   PROGRAM WORKLOAD DATABASE    prints the CPU seconds of the workload alone, and its result
 *
 * The loops do what a careful C program would do. They prepare a statement once, bind it and step it. They read every
 * column of a row, as a mapper must. They keep nothing that they read, unless a later statement needs it.
 */
#ifndef MOONROW_BENCH_BARE_H
#define MOONROW_BENCH_BARE_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bare_workload {
    const char *name;
    long long (*fn)(sqlite3 *db);
    void (*prepare)(sqlite3 *db); /* runs before the measured time; may be NULL */
} bare_workload;

static inline void check(sqlite3 *db, int rc) {
    if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW) return;
    fprintf(stderr, "bare: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static inline void *check_memory(void *memory) {
    if (memory) return memory;
    fprintf(stderr, "bare: out of memory\n");
    exit(1);
}

static inline void run(sqlite3 *db, const char *sql) { check(db, sqlite3_exec(db, sql, NULL, NULL, NULL)); }

static inline sqlite3_stmt *prepare(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt;
    check(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL));
    return stmt;
}

/* Reads every column of the row. Returns the sum of its integers, floats times two, and lengths of texts. */
static inline long long read_row(sqlite3_stmt *stmt, int columns) {
    long long sum = 0;
    for (int i = 0; i < columns; i++) {
        switch (sqlite3_column_type(stmt, i)) {
        case SQLITE_INTEGER:
            sum += sqlite3_column_int64(stmt, i);
            break;
        case SQLITE_FLOAT:
            sum += (long long)(2 * sqlite3_column_double(stmt, i));
            break;
        case SQLITE_TEXT:
            sum += sqlite3_column_text(stmt, i) ? sqlite3_column_bytes(stmt, i) : 0;
            break;
        default:
            break;
        }
    }
    return sum;
}

#define ALL (-1)

/* Reads all rows. wanted: the number of a column of integers. Returns its sum; NULL counts as 0. With ALL, returns the
 * sum of read_row for all rows. */
static inline long long drain(sqlite3 *db, sqlite3_stmt *stmt, int wanted) {
    long long sum = 0, all = 0;
    int rc, columns = sqlite3_column_count(stmt);
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        all += read_row(stmt, columns);
        if (wanted != ALL) sum += sqlite3_column_int64(stmt, wanted);
    }
    check(db, rc);
    sqlite3_reset(stmt);
    return wanted == ALL ? all : sum;
}

/* Runs a statement that gives no rows. */
static inline void step(sqlite3 *db, sqlite3_stmt *stmt) {
    check(db, sqlite3_step(stmt));
    sqlite3_reset(stmt);
}

/* A checksum of all rows of a query. It shows whether two tables hold the same. */
static inline long long checksum(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = prepare(db, sql);
    int rc, columns = sqlite3_column_count(stmt);
    long long sum = 0, rows = 0;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
        rows++;
        sum += read_row(stmt, columns) * (1 + sqlite3_column_int64(stmt, 0) % 7);
    }
    check(db, rc);
    sqlite3_finalize(stmt);
    return sum * 10 + rows;
}

/* The main function of a program. The last workload of the list is all zeros. */
static inline int bare_main(int argc, char **argv, const bare_workload *w) {
    sqlite3 *db;
    if (argc != 3) return fprintf(stderr, "usage: %s WORKLOAD DATABASE\n", argv[0]), 2;
    while (w->name && strcmp(w->name, argv[1]) != 0) w++;
    if (!w->name) return fprintf(stderr, "%s: no workload %s\n", argv[0], argv[1]), 2;
    check(NULL, sqlite3_open_v2(argv[2], &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
    run(db, "PRAGMA foreign_keys=ON");
    if (w->prepare) w->prepare(db);
    clock_t start = clock();
    long long result = w->fn(db);
    printf("%.6f %lld\n", (double)(clock() - start) / CLOCKS_PER_SEC, result);
    return sqlite3_close(db);
}

#endif
