/*
 * test_db_statement.c: statements on SQLite: preparing and caching them, batches, and when a cursor is closed.
 */
#include "test_db.h"

/* ---------------------------------------------------------------- statements */

static void prepare_fails(mr_conn *conn, const char *sql, mr_errkind kind, const char *words) {
    mr_compiled *c = db_stmt(db_env(conn), sql, 0);
    mr_cursor *cursor;
    assert_int_equal(mr_conn_prepare(conn, c, &cursor), MR_FAIL);
    db_assert_error(db_env(conn), kind, words);
    assert_string_equal(mr_env_error(db_env(conn))->statement, sql);
    mr_compiled_release(c);
}

static void test_bad_statements(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_conn_set_lazy(conn, true, NULL, NULL);
    prepare_fails(conn, "SELEKT 1", MR_ERR_OPERATIONAL, "(sqlite) near \"SELEKT\": syntax error");
    prepare_fails(conn, "INSERT INTO nowhere VALUES (1)", MR_ERR_OPERATIONAL, "(sqlite) no such table: nowhere");
    prepare_fails(conn, "SELECT 1; DROP TABLE x", MR_ERR_PROGRAMMING, "one at a time");
    prepare_fails(conn, " -- nothing", MR_ERR_PROGRAMMING, "empty");
    assert_false(mr_conn_in_transaction(conn));
    db_run(conn, "SELECT 1; -- a comment may follow\n ;");
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_cache_and_copies(void **state) {
    db_fixture *f = *state;
    mr_engine_options options = {.busy_timeout = -1, .statement_cache = 2};
    mr_engine *engine;
    assert_int_equal(mr_engine_new(f->env, "sqlite://", 9, &options, &engine), MR_OK);
    mr_conn *conn = db_connect(engine);
    mr_compiled *series = db_stmt(f->env, "SELECT 1 UNION ALL SELECT 2", 0);
    mr_cursor *a, *b;
    mr_value row;
    assert_int_equal(mr_conn_execute(conn, series, NULL, &a), MR_OK);
    assert_int_equal(mr_cursor_step(a), MR_ROW);
    /* Two runs of one statement do not disturb each other. */
    assert_int_equal(mr_conn_execute(conn, series, NULL, &b), MR_OK);
    assert_int_equal(mr_cursor_step(b), MR_ROW);
    assert_int_equal(mr_cursor_step(a), MR_ROW);
    assert_int_equal(mr_cursor_fetch(a, NULL, &row), MR_OK);
    assert_int_equal(row.u.i, 2);
    assert_int_equal(mr_cursor_fetch(b, NULL, &row), MR_OK);
    assert_int_equal(row.u.i, 1);
    mr_cursor_close(a);
    mr_cursor_close(b);
    /* A statement in the cache is not prepared again. */
    mr_engine_fail_at(engine, 0);
    assert_int_equal(mr_conn_run(conn, series, NULL, NULL), MR_OK);
    assert_int_equal(mr_engine_calls(engine), 4);
    /* Other statements take its place in the cache: then it is prepared again. */
    for (int i = 0; i < 5; i++) {
        char sql[20];
        snprintf(sql, sizeof sql, "SELECT %d", i);
        mr_cursor_close(db_open(conn, sql, NULL, 0));
    }
    mr_engine_fail_at(engine, 0);
    assert_int_equal(mr_conn_run(conn, series, NULL, NULL), MR_OK);
    assert_int_equal(mr_engine_calls(engine), 5);
    mr_compiled_release(series);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_batch(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, x UNIQUE)");
    mr_recorder *recorder;
    assert_int_equal(mr_recorder_start(engine, &recorder), MR_OK);
    mr_compiled *insert = db_stmt(f->env, "INSERT INTO t (x) VALUES (?)", 1);
    mr_cursor *c;
    assert_int_equal(mr_conn_prepare(conn, insert, &c), MR_OK);
    assert_int_equal(mr_cursor_step(c), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INVALID_REQUEST, "no values bound");
    mr_value values[3];
    for (int i = 0; i < 3; i++) {
        values[i] = mr_int_value(i * 10);
        assert_int_equal(mr_cursor_bind(c, &values[i]), MR_OK);
        assert_int_equal(mr_cursor_step(c), MR_DONE);
        assert_int_equal(mr_cursor_step(c), MR_DONE);
        assert_int_equal(mr_cursor_rowcount(c), 1);
        assert_int_equal(mr_cursor_last_insert_id(c), i + 1);
    }
    assert_int_equal(mr_cursor_bind(c, &values[1]), MR_OK);
    assert_int_equal(mr_cursor_step(c), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INTEGRITY, "(sqlite) UNIQUE constraint failed: t.x");
    const mr_error *e = mr_env_error(f->env);
    assert_string_equal(e->statement, "INSERT INTO t (x) VALUES (?)");
    assert_int_equal(e->nparams, 1);
    assert_int_equal(e->params[0].u.i, 10);
    assert_string_equal(e->orig, "UNIQUE constraint failed: t.x");
    assert_int_equal(mr_cursor_step(c), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INVALID_REQUEST, "ended with an error");
    mr_cursor_close(c);
    mr_recorder_stop(recorder);
    assert_int_equal(mr_recorder_count(recorder), 1);
    const mr_record *record = mr_recorder_at(recorder, 0);
    assert_int_equal(record->lists.len, 4);
    assert_int_equal(record->nparams, 1);
    assert_int_equal(((mr_value *)mr_vec_ptr(&record->lists, 2))->u.i, 20);
    mr_recorder_free(recorder);
    mr_compiled_release(insert);
    int64_t n = 0;
    mr_compiled *update = db_stmt(f->env, "UPDATE t SET x = x + 1", 0);
    assert_int_equal(mr_conn_run(conn, update, NULL, &n), MR_OK);
    assert_int_equal(n, 3);
    mr_compiled_release(update);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_text_reads_its_columns(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (a)");
    db_run(conn, "INSERT INTO t VALUES (1)");
    mr_compiled *star = db_stmt(((db_fixture *)*state)->env, "SELECT * FROM t", 0);
    mr_cursor *c;
    assert_int_equal(mr_conn_execute(conn, star, NULL, &c), MR_OK);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    assert_int_equal(mr_cursor_column_count(c), 1);
    mr_cursor_close(c);
    db_run(conn, "ALTER TABLE t ADD COLUMN b DEFAULT 'x'");
    assert_int_equal(mr_conn_execute(conn, star, NULL, &c), MR_OK);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    assert_int_equal(mr_cursor_column_count(c), 2);
    assert_string_equal(mr_cursor_column_name(c, 1), "b");
    assert_null(mr_cursor_column_name(c, 2));
    mr_value row[2];
    assert_int_equal(mr_cursor_fetch(c, NULL, row), MR_OK);
    db_assert_bytes(&row[1], MR_TEXT, "x");
    mr_cursor_close(c);
    mr_compiled_release(star);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static mr_cursor *reading(mr_conn *conn) {
    mr_cursor *c = db_open(conn, "SELECT x FROM t", NULL, 0);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    return c;
}

static void assert_closed(mr_conn *conn, mr_cursor *c) {
    mr_value row;
    assert_int_equal(mr_cursor_step(c), MR_FAIL);
    db_assert_error(db_env(conn), MR_ERR_INVALID_REQUEST, "this result was closed by a commit, rollback or close");
    assert_int_equal(mr_cursor_fetch(c, NULL, &row), MR_FAIL);
    assert_int_equal(mr_cursor_bind(c, NULL), MR_FAIL);
    mr_cursor_close(c);
}

static void test_cursors_are_closed(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine), *keep = db_connect(engine);
    db_run(conn, "CREATE TABLE t (x)");
    db_run(conn, "INSERT INTO t VALUES (1), (2)");
    mr_cursor *c = reading(conn), *done = db_open(conn, "SELECT 1 WHERE 0", NULL, 0);
    assert_int_equal(mr_cursor_step(done), MR_DONE);
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    assert_closed(conn, c);
    assert_int_equal(mr_cursor_step(done), MR_DONE);
    mr_cursor_close(done);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFERRED), MR_OK);
    c = reading(conn);
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    assert_closed(conn, c);
    /* SQLite refuses DDL while a result is open: so the result is closed. */
    c = reading(conn);
    mr_compiled *drop = db_stmt(db_env(conn), "DROP TABLE t", 0);
    drop->is_ddl = true;
    assert_int_equal(mr_conn_run(conn, drop, NULL, NULL), MR_OK);
    mr_compiled_release(drop);
    assert_closed(conn, c);
    db_run(conn, "CREATE TABLE t (x)");
    db_run(conn, "INSERT INTO t VALUES (1), (2)");
    c = reading(conn);
    mr_conn_close(conn);
    assert_closed(keep, c);
    mr_conn_close(keep);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_bad_statements),         DB_TEST(test_cache_and_copies),   DB_TEST(test_batch),
        DB_TEST(test_text_reads_its_columns), DB_TEST(test_cursors_are_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
