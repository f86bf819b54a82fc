/*
 * driver_sqlite.c: the SQLite driver's table of functions, and questions about a connection: versions of the data,
 * locks.
 *
 * Invariant: a question changes nothing in the database and executes none of the user's statements.
 */
#include "driver_sqlite.h"

#include <stdlib.h>
#include <string.h>

static int64_t last_insert_id(mr_dbc *dbc) { return sqlite3_last_insert_rowid(sqlite_dbc_of(dbc)->db); }

/* SQLite gives no new row this number by itself. */
static const int64_t NO_ROW = INT64_MIN;

static bool watch_insert(mr_dbc *dbc, bool before, int64_t *id) {
    sqlite3 *db = sqlite_dbc_of(dbc)->db;
    if (before) {
        *id = sqlite3_last_insert_rowid(db);
        sqlite3_set_last_insert_rowid(db, NO_ROW);
        return true;
    }
    if (sqlite3_last_insert_rowid(db) != NO_ROW) return true;
    sqlite3_set_last_insert_rowid(db, *id);
    return false;
}

static int64_t changes(mr_dbc *dbc) { return sqlite3_changes64(sqlite_dbc_of(dbc)->db); }

static bool in_transaction(mr_dbc *dbc) { return !sqlite3_get_autocommit(sqlite_dbc_of(dbc)->db); }

/* ---------------------------------------------------------------- versions and snapshots */

/* A function that is called for each database of a connection. Returns an SQLite result code. */
typedef int (*database_fn)(sqlite3 *db, const char *name, void *ud);

enum { TEMP = 1 }; /* the index of the temporary database; attached databases follow */

#if SQLITE_VERSION_NUMBER >= 3039000
static int each_attached(sqlite3 *db, database_fn fn, void *ud) {
    const char *name;
    int rc = SQLITE_OK;
    for (int i = TEMP + 1; rc == SQLITE_OK && (name = sqlite3_db_name(db, i)); i++) rc = fn(db, name, ud);
    return rc;
}
#else
typedef struct database_visit {
    sqlite3 *db;
    database_fn fn;
    void *ud;
    int rc;
} database_visit;

static int visit(void *p, int n, char **values, char **names) {
    database_visit *v = p;
    (void)n;
    (void)names;
    if (atoi(values[0]) > TEMP) v->rc = v->fn(v->db, values[1], v->ud);
    return v->rc != SQLITE_OK;
}

static int each_attached(sqlite3 *db, database_fn fn, void *ud) {
    database_visit v = {db, fn, ud, SQLITE_OK};
    int rc = sqlite3_exec(db, "PRAGMA database_list", visit, &v, NULL);
    return v.rc != SQLITE_OK ? v.rc : rc;
}
#endif

/* Each database has a version, a number that only rises. The versions of all databases are combined to one number, so
 * that each commit changes it. name: NULL for the main database, because that is faster. */
static int add_version(sqlite3 *db, const char *name, void *ud) {
    unsigned version = 0;
    uint64_t *all = ud;
    int rc = sqlite3_file_control(db, name, SQLITE_FCNTL_DATA_VERSION, &version);
    *all = *all * UINT64_C(0x9E3779B97F4A7C15) + version;
    return rc;
}

/* The file control is much faster than PRAGMA data_version. Unlike the pragma it also counts this connection's own
 * commits, so the caller asks again after these. The temporary database is left out: no other connection sees it. */
static mr_status data_version(mr_dbc *dbc, int64_t *out) {
    sqlite3 *db = sqlite_dbc_of(dbc)->db;
    uint64_t all = 0;
    int rc = add_version(db, NULL, &all);
    if (rc == SQLITE_OK) rc = each_attached(db, add_version, &all);
    if (rc != SQLITE_OK) return mr_sqlite_fail(sqlite_dbc_of(dbc), rc);
    *out = (int64_t)all;
    return MR_OK;
}

/* The pragma reads the database, and so takes its snapshot. */
static int read_database(sqlite3 *db, const char *name, void *ud) {
    (void)ud;
    char *sql = sqlite3_mprintf("PRAGMA \"%w\".data_version", name);
    if (!sql) return SQLITE_NOMEM;
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc;
}

/* The same of the main database, by a statement that the connection keeps: each commit asks while somebody listens. */
static int read_main(sqlite_dbc *dbc) {
    int rc = SQLITE_OK;
    if (!dbc->snapshot_query)
        rc = sqlite3_prepare_v3(dbc->db, "PRAGMA main.data_version", -1, SQLITE_PREPARE_PERSISTENT,
                                &dbc->snapshot_query, NULL);
    if (rc != SQLITE_OK) return rc;
    (void)sqlite3_step(dbc->snapshot_query);
    return sqlite3_reset(dbc->snapshot_query);
}

static mr_status take_snapshot(mr_dbc *given) {
    sqlite_dbc *dbc = sqlite_dbc_of(given);
    dbc->asked = false;
    int rc = read_main(dbc);
    if (rc == SQLITE_OK) rc = each_attached(dbc->db, read_database, NULL);
    return rc == SQLITE_OK ? MR_OK : mr_sqlite_fail(dbc, rc);
}

/* ---------------------------------------------------------------- locks */

static bool out_of_files(const mr_error *e) { return e->orig && mr_sqlite_out_of_files(e->orig_code); }

static void set_busy(mr_dbc *dbc, mr_busy_fn fn, void *ud) {
    sqlite_dbc_of(dbc)->busy = fn;
    sqlite_dbc_of(dbc)->busy_ud = ud;
}

static void set_timeout(mr_dbc *dbc, int milliseconds) { sqlite_dbc_of(dbc)->timeout = milliseconds; }

static int64_t waited(mr_dbc *dbc) { return sqlite_dbc_of(dbc)->waited_ever; }

static void interrupt(mr_dbc *dbc) {
    sqlite_dbc_of(dbc)->interrupted = 1;
    sqlite3_interrupt(sqlite_dbc_of(dbc)->db);
}

/* A writer prevents other connections from writing, and in some modes from reading. A reader prevents a writer from
 * committing; a connection inside of a write transaction that has to wait, waits for this. */
static bool blocks(mr_dbc *holder, mr_dbc *waiter, bool exclusive) {
    sqlite3 *a = sqlite_dbc_of(holder)->db, *b = sqlite_dbc_of(waiter)->db;
    if (a == b) return false;
    int held = sqlite3_txn_state(a, "main");
    if (held == SQLITE_TXN_NONE) return false;
    const char *file_a = sqlite3_db_filename(a, "main"), *file_b = sqlite3_db_filename(b, "main");
    if (!file_a || !file_b || !*file_a || strcmp(file_a, file_b) != 0) return false;
    return held == SQLITE_TXN_WRITE || exclusive || sqlite3_txn_state(b, "main") == SQLITE_TXN_WRITE;
}

static void set_triggers(mr_dbc *dbc, bool on) {
    sqlite3_db_config(sqlite_dbc_of(dbc)->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, on ? 1 : 0, NULL);
}

static bool is_inherited(mr_dbc *dbc) { return mr_sqlite_is_inherited(sqlite_dbc_of(dbc)); }

static const mr_driver driver = {
    .name = "sqlite",
    .dialect = mr_dialect_sqlite,
    .check = mr_sqlite_check,
    .needs_anchor = mr_sqlite_is_memory,
    .open = mr_sqlite_open,
    .set_up = mr_sqlite_set_up,
    .close = mr_sqlite_close,
    .prepare = mr_sqlite_prepare,
    .finalize = mr_sqlite_finalize,
    .bind = mr_sqlite_bind,
    .step = mr_sqlite_step,
    .reset = mr_sqlite_reset,
    .fetch = mr_sqlite_fetch,
    .column_count = mr_sqlite_column_count,
    .column_name = mr_sqlite_column_name,
    .last_insert_id = last_insert_id,
    .column_facts = mr_sqlite_column_facts,
    .changes = changes,
    .in_transaction = in_transaction,
    .is_inherited = is_inherited,
    .out_of_files = out_of_files,
    .data_version = data_version,
    .schema_seen = mr_sqlite_schema_seen,
    .table_facts = mr_sqlite_table_facts,
    .watch_insert = watch_insert,
    .take_snapshot = take_snapshot,
    .set_busy = set_busy,
    .waited = waited,
    .set_timeout = set_timeout,
    .blocks = blocks,
    .interrupt = interrupt,
    .limit = mr_sqlite_limit,
    .add_function = mr_sqlite_add_function,
    .remove_function = mr_sqlite_remove_function,
    .is_calling = mr_sqlite_is_calling,
    .load_extension = mr_sqlite_load_extension,
    .copy = mr_sqlite_copy,
    .watch_rows = mr_sqlite_watch_rows,
    .reads = mr_sqlite_reads,
    .set_triggers = set_triggers,
    .reflector = &mr_sqlite_reflector,
};

const mr_driver *mr_driver_sqlite(void) { return &driver; }
