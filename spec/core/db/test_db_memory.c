/*
 * test_db_memory.c: databases in memory: what connections see of each other's work, and what remains when memory runs
 * out.
 *
 * Invariant: after the same statements, a database in memory has the same rows as one in a file.
 */
#include "test_db.h"

#include <sqlite3.h>

/* ---------------------------------------------------------------- SQLite's memory, failing when told */

static sqlite3_mem_methods plain;
static long fail_in; /* the number of allocations until one fails, with all after it; 0: none fails */
static long live;

static bool fails(void) {
    if (fail_in == 0) return false;
    if (fail_in > 1) return fail_in--, false;
    return true;
}

static void *counted_malloc(int n) {
    void *p = fails() ? NULL : plain.xMalloc(n);
    if (p) live++;
    return p;
}

static void *counted_realloc(void *p, int n) { return fails() ? NULL : plain.xRealloc(p, n); }

static void counted_free(void *p) {
    if (p) live--;
    plain.xFree(p);
}

static void count_allocations(void) {
    sqlite3_mem_methods counted;
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
    counted = plain;
    counted.xMalloc = counted_malloc;
    counted.xRealloc = counted_realloc;
    counted.xFree = counted_free;
    /* Without these two, some allocations would not be counted. */
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_config(SQLITE_CONFIG_MALLOC, &counted);
}

/* ---------------------------------------------------------------- several connections */

typedef struct pair {
    mr_engine *engine;
    mr_conn *a, *b;
} pair;

static pair open_pair(db_fixture *f) {
    pair p = {.engine = db_engine(f->env, "sqlite://", 0)};
    p.a = db_connect(p.engine);
    p.b = db_connect(p.engine);
    db_run(p.a, "CREATE TABLE t (x INTEGER PRIMARY KEY, y BLOB)");
    db_run(p.a, "INSERT INTO t VALUES (1, 'a')");
    return p;
}

static void close_pair(pair *p) {
    mr_conn_close(p->a);
    mr_conn_close(p->b);
    mr_engine_release(p->engine);
}

static void test_reading_beside_a_writer(void **state) {
    db_fixture *f = *state;
    pair p = open_pair(f);
    assert_int_equal(mr_conn_begin(p.a, MR_TX_DEFAULT), MR_OK);
    db_run(p.a, "INSERT INTO t VALUES (2, 'b')");
    assert_int_equal(db_int(p.a, "SELECT count(*) FROM t"), 2);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 1);
    assert_int_equal(db_try(p.b, "INSERT INTO t VALUES (3, 'c')"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "database is locked by another connection of this program");
    assert_int_equal(mr_conn_commit(p.a), MR_OK);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 2);
    db_run(p.b, "INSERT INTO t VALUES (3, 'c')");
    assert_int_equal(db_int(p.a, "SELECT count(*) FROM t"), 3);
    close_pair(&p);
}

static void test_a_snapshot_stays(void **state) {
    db_fixture *f = *state;
    pair p = open_pair(f);
    assert_int_equal(mr_conn_begin(p.b, MR_TX_DEFERRED), MR_OK);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 1);
    db_run(p.a, "DELETE FROM t");
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 1);
    assert_int_equal(mr_conn_commit(p.b), MR_OK);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 0);
    close_pair(&p);
}

/* A new log is begun while another connection still reads the old one: its pages must stay. */
static void test_a_snapshot_outlives_checkpoints(void **state) {
    db_fixture *f = *state;
    pair p = open_pair(f);
    db_run(p.a, "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
                "SELECT i, zeroblob(3000) FROM n");
    assert_int_equal(mr_conn_begin(p.b, MR_TX_DEFERRED), MR_OK);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 900);
    for (int i = 0; i < 8; i++) db_run(p.a, "UPDATE t SET y = CAST(zeroblob(3000) || x AS BLOB)");
    db_run(p.a, "DELETE FROM t WHERE x > 1");
    db_run(p.a, "PRAGMA wal_checkpoint(PASSIVE)");
    db_run(p.a, "INSERT INTO t VALUES (5, 'new')");
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t WHERE length(y) = 3000"), 899);
    assert_int_equal(mr_conn_commit(p.b), MR_OK);
    assert_int_equal(db_int(p.b, "SELECT count(*) FROM t"), 2);
    assert_int_equal(db_int(p.a, "PRAGMA wal_checkpoint(TRUNCATE)"), 0); /* 1 would mean: blocked by a reader */
    close_pair(&p);
}

static void test_another_journal_mode(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, "sqlite://?journal_mode=truncate", 0);
    mr_conn *a = db_connect(engine), *b = db_connect(engine);
    db_run(a, "CREATE TABLE t (x INTEGER PRIMARY KEY)");
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFAULT), MR_OK);
    db_run(a, "INSERT INTO t VALUES (1)");
    assert_int_equal(mr_conn_begin(b, MR_TX_DEFAULT), MR_FAIL);
    assert_int_equal(db_int(b, "SELECT count(*) FROM t"), 0);
    assert_int_equal(mr_conn_begin(b, MR_TX_DEFERRED), MR_OK);
    assert_int_equal(db_int(b, "SELECT count(*) FROM t"), 0);
    assert_int_equal(mr_conn_commit(a), MR_FAIL); /* another connection is reading */
    assert_int_equal(mr_conn_commit(b), MR_OK);
    assert_int_equal(mr_conn_commit(a), MR_OK);
    assert_int_equal(mr_conn_begin(a, MR_TX_EXCLUSIVE), MR_OK);
    mr_cursor *cursor = NULL;
    mr_compiled *c = db_stmt(f->env, "SELECT x FROM t", 0);
    if (mr_conn_execute(b, c, NULL, &cursor) == MR_OK) assert_int_equal(mr_cursor_step(cursor), MR_FAIL);
    mr_compiled_release(c);
    mr_cursor_close(cursor);
    assert_int_equal(mr_conn_rollback(a), MR_OK);
    db_run(b, "INSERT INTO t VALUES (2)");
    assert_int_equal(db_int(b, "SELECT count(*) FROM t"), 2);
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
}

static void test_engines_share_nothing(void **state) {
    db_fixture *f = *state;
    pair p = open_pair(f), q = open_pair(f);
    db_run(p.a, "DELETE FROM t");
    assert_int_equal(db_int(q.b, "SELECT count(*) FROM t"), 1);
    close_pair(&p);
    assert_int_equal(db_int(q.a, "SELECT count(*) FROM t"), 1);
    close_pair(&q);
}

static void test_files_beside_it(void **state) {
    db_fixture *f = *state;
    char sql[200];
    pair p = open_pair(f);
    snprintf(sql, sizeof sql, "VACUUM INTO '%s'", f->file);
    db_run(p.a, sql);
    snprintf(sql, sizeof sql, "ATTACH '%s' AS saved", f->file);
    db_run(p.b, sql);
    db_run(p.b, "INSERT INTO saved.t VALUES (9, 'z')");
    mr_engine *file = db_engine(f->env, f->url, 0);
    mr_conn *conn = db_connect(file);
    assert_int_equal(db_int(conn, "SELECT sum(x) FROM t"), 10);
    mr_conn_close(conn);
    mr_engine_release(file);
    close_pair(&p);
}

/* ---------------------------------------------------------------- against an ordinary database */

typedef struct dice {
    uint64_t seed;
} dice;

static unsigned roll(dice *d, unsigned n) {
    d->seed = d->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(d->seed >> 33) % n;
}

static void random_statement(dice *d, char *sql, size_t size) {
    unsigned x = roll(d, 300), n = roll(d, 20) == 0 ? roll(d, 300000) : roll(d, 3000);
    switch (roll(d, 12)) {
    case 0:
        snprintf(sql, size, "DELETE FROM t WHERE x %% %u = 0", 2 + roll(d, 6));
        break;
    case 1:
        snprintf(sql, size, "UPDATE t SET y = zeroblob(%u) WHERE x < %u", n, x);
        break;
    case 2:
        snprintf(sql, size, "SAVEPOINT s");
        break;
    case 3:
        snprintf(sql, size, "ROLLBACK TO s");
        break;
    case 4:
        snprintf(sql, size, "RELEASE s");
        break;
    case 5:
        snprintf(sql, size, "%s", roll(d, 2) ? "COMMIT" : "ROLLBACK");
        break;
    case 6:
        snprintf(sql, size, "%s", roll(d, 30) ? "BEGIN" : "VACUUM");
        break;
    case 7:
        snprintf(sql, size, "CREATE INDEX IF NOT EXISTS i%u ON t (y, x)", roll(d, 3));
        break;
    case 8:
        snprintf(sql, size, "DROP INDEX IF EXISTS i%u", roll(d, 3));
        break;
    default:
        snprintf(sql, size, "INSERT OR REPLACE INTO t VALUES (%u, CAST(printf('%%.*c', %u, 'a') || x'%02x' AS BLOB))",
                 x, n, roll(d, 256));
    }
}

/* Runs the statement on both databases. Both must accept it, or both refuse it. */
static void run_both(mr_conn *memory, sqlite3 *plain_db, const char *sql) {
    int rc = sqlite3_exec(plain_db, sql, NULL, NULL, NULL);
    mr_status status = db_try(memory, sql);
    if ((rc == SQLITE_OK) != (status == MR_OK)) fail_msg("%s: %d, %d", sql, rc, (int)status);
}

static int64_t plain_int(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return n;
}

static const char SUM[] =
    "SELECT count(*) + total(length(y)) * 7 + total(x * (1 + unicode(substr(hex(y), -2)))) FROM t";

static void assert_same(mr_conn *memory, sqlite3 *plain_db) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT CAST((%s) AS INTEGER)", SUM);
    assert_int_equal(db_int(memory, sql), plain_int(plain_db, sql));
    assert_int_equal(db_int(memory, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

static void test_the_same_as_an_ordinary_one(void **state) {
    db_fixture *f = *state;
    enum { ROUNDS = 6, STATEMENTS = 400 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        dice d = {round * 1000003 + 17};
        mr_engine *engine = db_engine(f->env, "sqlite://", 0);
        mr_conn *conn = db_connect(engine), *reader = db_connect(engine);
        sqlite3 *ordinary = NULL;
        assert_int_equal(sqlite3_open(":memory:", &ordinary), SQLITE_OK);
        run_both(conn, ordinary, round % 2 ? "PRAGMA cache_size = 10" : "PRAGMA cache_size = 100");
        run_both(conn, ordinary, "CREATE TABLE t (x INTEGER PRIMARY KEY, y BLOB)");
        for (unsigned i = 0; i < STATEMENTS; i++) {
            char sql[200];
            random_statement(&d, sql, sizeof sql);
            run_both(conn, ordinary, sql);
            if (i % 40 == 39) assert_same(conn, ordinary);
        }
        db_try(conn, "COMMIT");
        sqlite3_exec(ordinary, "COMMIT", NULL, NULL, NULL);
        assert_same(reader, ordinary);
        sqlite3_close(ordinary);
        mr_conn_close(reader);
        mr_conn_close(conn);
        mr_engine_release(engine);
    }
}

/* ---------------------------------------------------------------- without memory */

/* One connection writes and deletes rows, while another updates one. Returns true if nothing has failed. */
static bool work(mr_env *env) {
    mr_engine_options options = {.busy_timeout = 0};
    mr_engine *engine = NULL;
    mr_conn *a = NULL, *b = NULL;
    bool ok = mr_engine_new(env, "sqlite://", 9, &options, &engine) == MR_OK &&
              mr_engine_connect(engine, &a) == MR_OK && mr_engine_connect(engine, &b) == MR_OK;
    static const char many[] =
        "INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60) "
        "SELECT i, zeroblob(2000) FROM n";
    static const char *const statements[] = {
        "PRAGMA cache_size = 4",
        "CREATE TABLE IF NOT EXISTS t (x INTEGER PRIMARY KEY, y BLOB)",
        many,
        "DELETE FROM t WHERE x > 30",
        "VACUUM",
    };
    for (size_t i = 0; ok && i < sizeof statements / sizeof statements[0]; i++) {
        ok = db_try(a, statements[i]) == MR_OK;
        if (ok && i >= 2) ok = db_try(b, "UPDATE t SET y = x WHERE x = 7") == MR_OK;
    }
    fail_in = 0;
    if (a && b && db_try(a, "ROLLBACK") != MR_OK) mr_env_clear_error(env);
    if (ok) assert_int_equal(db_int(b, "SELECT count(*) FROM t"), 30);
    if (b) assert_int_equal(db_int(b, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
    return ok;
}

static void test_without_memory(void **state) {
    db_fixture *f = *state;
    assert_true(work(f->env)); /* SQLite keeps some memory after its first use */
    long before = live, n = 1;
    for (bool ok = false; !ok; n++) {
        fail_in = n;
        ok = work(f->env);
        assert_int_equal(live, before);
    }
    assert_true(n > 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_reading_beside_a_writer),         DB_TEST(test_a_snapshot_stays),
        DB_TEST(test_a_snapshot_outlives_checkpoints), DB_TEST(test_another_journal_mode),
        DB_TEST(test_engines_share_nothing),           DB_TEST(test_files_beside_it),
        DB_TEST(test_the_same_as_an_ordinary_one),     DB_TEST(test_without_memory),
    };
    count_allocations();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
