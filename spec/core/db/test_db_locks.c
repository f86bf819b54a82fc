/*
 * test_db_locks.c: waiting for locks. A program must not wait for its own lock: that would never end.
 */
#include "test_db.h"

#include <sqlite3.h>

enum { LONG = 5000, SHORT = 150 }; /* milliseconds */

static double now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static void assert_quick(double since) { assert_true(now() - since < LONG / 2); }

static mr_conn *prepared(mr_engine *engine) {
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (x)");
    db_run(conn, "INSERT INTO t VALUES (1), (2)");
    return conn;
}

static void test_writer_of_the_same_program(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, LONG), *other_engine = db_engine(f->env, f->url, LONG);
    mr_conn *a = prepared(engine), *b = db_connect(other_engine);
    int session_a, session_b;
    double start = now();
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(mr_conn_begin(b, MR_TX_DEFAULT), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "database is locked by another connection of this program");
    assert_string_equal(mr_env_error(f->env)->statement, "BEGIN IMMEDIATE");
    assert_string_equal(mr_env_error(f->env)->orig, "database is locked");
    assert_false(mr_conn_in_transaction(b));
    mr_conn_set_owner(a, &session_a);
    mr_conn_set_owner(b, &session_b);
    mr_conn_set_lazy(b, true, NULL, NULL);
    assert_int_equal(db_int(b, "SELECT count(*) FROM t"), 2);
    assert_int_equal(db_try(b, "INSERT INTO t VALUES (3)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL,
                    "database is locked by another session of this program; commit, roll "
                    "back or close it first");
    mr_conn_set_owner(b, &session_a);
    assert_int_equal(db_try(b, "INSERT INTO t VALUES (3)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "another connection of the same session");
    assert_quick(start);
    assert_int_equal(mr_conn_commit(a), MR_OK);
    db_run(b, "INSERT INTO t VALUES (3)");
    assert_int_equal(mr_conn_commit(b), MR_OK);
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
    mr_engine_release(other_engine);
}

static void test_reader_of_the_same_program(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, LONG);
    mr_conn *a = prepared(engine), *b = db_connect(engine);
    mr_cursor *reader = db_open(a, "SELECT x FROM t", NULL, 0);
    double start = now();
    assert_int_equal(mr_cursor_step(reader), MR_ROW);
    assert_int_equal(mr_conn_begin(b, MR_TX_EXCLUSIVE), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "of this program");
    assert_int_equal(mr_conn_begin(b, MR_TX_DEFAULT), MR_OK);
    db_run(b, "INSERT INTO t VALUES (3)");
    assert_int_equal(mr_conn_commit(b), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "of this program");
    assert_true(mr_conn_in_transaction(b));
    assert_quick(start);
    mr_cursor_close(reader);
    assert_int_equal(mr_conn_commit(b), MR_OK);
    assert_int_equal(db_int(a, "SELECT count(*) FROM t"), 3);
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
}

/* Two readers want to write. SQLite refuses the second at once, because each would wait for the other. */
static void test_two_upgrades(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, LONG);
    mr_conn *a = prepared(engine), *b = db_connect(engine);
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFERRED), MR_OK);
    assert_int_equal(mr_conn_begin(b, MR_TX_DEFERRED), MR_OK);
    assert_int_equal(db_int(a, "SELECT count(*) FROM t"), 2);
    assert_int_equal(db_int(b, "SELECT count(*) FROM t"), 2);
    db_run(a, "INSERT INTO t VALUES (3)");
    assert_int_equal(db_try(b, "INSERT INTO t VALUES (4)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "database is locked by another connection of this program");
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
}

static void test_memory_database(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, "sqlite://", LONG);
    mr_conn *a = prepared(engine), *b = db_connect(engine);
    double start = now();
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(db_try(b, "DELETE FROM t"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "of this program");
    assert_quick(start);
    assert_int_equal(mr_conn_rollback(a), MR_OK);
    db_run(b, "DELETE FROM t");
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
}

static void test_another_program_is_waited_for(void **state) {
    db_fixture *f = *state;
    mr_env *other_env = mr_env_new(NULL, NULL);
    char url[160];
    snprintf(url, sizeof url, "%s?busy_timeout=%d", f->url, SHORT);
    mr_engine *engine = db_engine(f->env, url, -1), *other = db_engine(other_env, f->url, LONG);
    mr_conn *a = prepared(engine), *b = db_connect(other);
    assert_int_equal(mr_conn_begin(b, MR_TX_EXCLUSIVE), MR_OK);
    double start = now();
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFAULT), MR_FAIL);
    assert_true(now() - start >= SHORT - 1);
    assert_quick(start);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "(sqlite) database is locked");
    assert_null(strstr(mr_env_error(f->env)->message, "this program"));
    /* Connecting is possible while the database is locked. */
    mr_conn *c = db_connect(engine);
    mr_conn_close(c);
    assert_int_equal(mr_conn_rollback(b), MR_OK);
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFAULT), MR_OK);
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
    mr_engine_release(other);
    mr_env_free(other_env);
}

typedef struct interrupting {
    const mr_driver *driver;
    mr_dbc *dbc;
} interrupting;

static void stop(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc;
    (void)argv;
    interrupting *i = sqlite3_user_data(context);
    i->driver->interrupt(i->dbc);
    sqlite3_result_int(context, 1);
}

static void test_interrupt(void **state) {
    db_fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    mr_engine_options options = {.busy_timeout = -1, .native = db};
    mr_engine *engine;
    assert_int_equal(mr_engine_new(f->env, "sqlite://", 9, &options, &engine), MR_OK);
    mr_conn *conn = db_connect(engine);
    interrupting i = {mr_engine_driver(engine), mr_conn_dbc(conn)};
    sqlite3_create_function(db, "stop", 0, SQLITE_UTF8, &i, stop, NULL, NULL);
    assert_int_equal(db_try(conn, "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE stop()) "
                                  "SELECT max(x) FROM n"),
                     MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "interrupted");
    assert_int_equal(db_int(conn, "SELECT 1"), 1);
    mr_conn_close(conn);
    mr_engine_release(engine);
    sqlite3_close(db);
}

/* After mr_env_interrupt every statement fails before it runs, except ROLLBACK. */
static void test_interrupt_of_all(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, -1);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (a)");
    mr_compiled *query = db_stmt(f->env, "SELECT a FROM t", 0),
                *insert = db_stmt(f->env, "INSERT INTO t VALUES (1)", 0);
    mr_cursor *open = NULL, *none = NULL;
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(mr_conn_run(conn, insert, NULL, NULL), MR_OK);
    assert_int_equal(mr_conn_run(conn, insert, NULL, NULL), MR_OK);
    assert_int_equal(mr_conn_execute(conn, query, NULL, &open), MR_OK);
    assert_int_equal(mr_cursor_step(open), MR_ROW);
    mr_env_interrupt(f->env, true);
    assert_int_equal(mr_cursor_step(open), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "interrupted");
    assert_int_equal(mr_conn_execute(conn, query, NULL, &none), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "interrupted");
    assert_string_equal(mr_env_error(f->env)->statement, "SELECT a FROM t");
    assert_int_equal(mr_conn_run(conn, insert, NULL, NULL), MR_FAIL);
    assert_int_equal(mr_conn_savepoint(conn, 1), MR_FAIL);
    assert_int_equal(mr_conn_commit(conn), MR_FAIL);
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_FAIL);
    assert_false(mr_conn_in_transaction(conn));
    mr_env_interrupt(f->env, false);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 0);
    mr_cursor_close(open);
    mr_compiled_release(query);
    mr_compiled_release(insert);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_writer_of_the_same_program),
        DB_TEST(test_reader_of_the_same_program),
        DB_TEST(test_two_upgrades),
        DB_TEST(test_memory_database),
        DB_TEST(test_another_program_is_waited_for),
        DB_TEST(test_interrupt),
        DB_TEST(test_interrupt_of_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
