/*
 * bare_inherited.c: the yardstick for a hierarchy of three levels in joined tables. A bare C loop sends the same joined
 * SQL as moonrow. The result to compare is the sum of the column of the last level.
 */
#include "bare.h"

#define ROWS 100000

/* Inserts all rows. This is not measured. */
static long long fill(sqlite3 *db) {
    char name[32];
    run(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *person = prepare(db, "INSERT INTO person (id, name, kind) VALUES (?, ?, 'chief')");
    sqlite3_stmt *worker = prepare(db, "INSERT INTO worker (id, task) VALUES (?, 'digs')");
    sqlite3_stmt *chief = prepare(db, "INSERT INTO chief (id, rank) VALUES (?, ?)");
    for (int i = 1; i <= ROWS; i++) {
        sqlite3_bind_int64(person, 1, i);
        sqlite3_bind_text(person, 2, name, snprintf(name, sizeof name, "person %d", i), SQLITE_STATIC);
        step(db, person);
        sqlite3_bind_int64(worker, 1, i);
        step(db, worker);
        sqlite3_bind_int64(chief, 1, i);
        sqlite3_bind_int64(chief, 2, i % 100);
        step(db, chief);
    }
    sqlite3_finalize(person);
    sqlite3_finalize(worker);
    sqlite3_finalize(chief);
    run(db, "COMMIT");
    return sqlite3_total_changes64(db);
}

static long long hierarchy(sqlite3 *db) {
    sqlite3_stmt *stmt = prepare(
        db, "SELECT person.id AS person_id, person.name AS person_name, person.kind AS person_kind, worker.task "
            "AS worker_task, chief.rank AS chief_rank FROM person JOIN worker ON person.id = worker.id JOIN "
            "chief ON worker.id = chief.id");
    long long sum = drain(db, stmt, 4);
    sqlite3_finalize(stmt);
    return sum;
}

int main(int argc, char **argv) {
    static const bare_workload workloads[] = {{"fill", fill, NULL}, {"hierarchy", hierarchy, NULL}, {NULL, NULL, NULL}};
    return bare_main(argc, argv, workloads);
}
