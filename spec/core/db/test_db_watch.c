/*
 * test_db_watch.c: recorders, the log, and hooks are told of the statements that run.
 */
#include "test_db.h"

/* ---------------------------------------------------------------- watching */

static void test_recorders(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_recorder *outer, *inner;
    assert_int_equal(mr_recorder_start(engine, &outer), MR_OK);
    mr_conn *conn = db_connect(engine);
    mr_value values[2] = {DB_TEXT("a"), mr_null_value()};
    db_run(conn, "CREATE TABLE t (x, y)");
    assert_int_equal(mr_recorder_start(engine, &inner), MR_OK);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    mr_cursor *c = db_open(conn, "INSERT INTO t VALUES (?, ?)", values, 2), *unstepped;
    assert_int_equal(mr_cursor_step(c), MR_DONE);
    mr_cursor_close(c);
    assert_int_equal(mr_conn_savepoint(conn, 1), MR_OK);
    assert_int_equal(mr_conn_rollback_to(conn, 1), MR_OK);
    unstepped = db_open(conn, "SELECT 1", NULL, 0);
    mr_cursor_close(unstepped);
    mr_recorder_stop(inner);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 1);
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    mr_recorder_stop(outer);
    db_run(conn, "DELETE FROM t");
    assert_int_equal(mr_recorder_count(inner), 1);
    assert_int_equal(mr_recorder_count(outer), 3);
    const mr_record *r = mr_recorder_at(inner, 0);
    assert_string_equal(r->statement, "INSERT INTO t VALUES (?, ?)");
    const mr_value *list = mr_vec_ptr(&r->lists, 0);
    db_assert_bytes(&list[0], MR_TEXT, "a");
    assert_int_equal(list[1].kind, MR_NULL);
    assert_true(r->duration >= 0 && r->duration < 10);
    assert_string_equal(mr_recorder_at(outer, 2)->statement, "SELECT count(*) FROM t");
    assert_null(mr_recorder_at(outer, 3));
    mr_recorder_free(outer);
    mr_recorder_free(inner);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_echo(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_engine_set_echo(engine, true);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    mr_value values[5] = {DB_TEXT("it's"), mr_null_value(), mr_float_value(0.5), mr_bool_value(true),
                          mr_value_of(MR_DATE, 0)};
    mr_cursor *c = db_open(conn, "SELECT ?, ?, ?, ?, ?", values, 5);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    mr_cursor_close(c);
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    assert_string_equal(f->log, "BEGIN IMMEDIATE\nSELECT ?, ?, ?, ?, ?\n['it''s', NULL, 0.5, true, 1970-01-01]\n"
                                "ROLLBACK\n");
    mr_conn_close(conn);
    mr_engine_release(engine);
}

typedef struct hooked {
    int connects, before, after;
    bool refuse_connect, refuse_before, refuse_after, commit_before;
    mr_env *env;
} hooked;

static mr_status hook_connect(void *ud, mr_engine *engine, mr_conn *conn) {
    hooked *h = ud;
    (void)engine;
    h->connects++;
    if (h->refuse_connect) return mr_fail(h->env, MR_ERR_CALLBACK, "no connection");
    return mr_conn_run_sql(conn, "PRAGMA cache_size = 10");
}

static mr_status hook_before(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                             size_t n) {
    hooked *h = ud;
    (void)sql;
    (void)lists;
    (void)n;
    assert_int_equal(nlists, 1);
    h->before++;
    if (h->commit_before) mr_conn_commit(conn);
    return h->refuse_before ? mr_fail(h->env, MR_ERR_CALLBACK, "not before") : MR_OK;
}

static mr_status hook_after(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                            size_t n, double seconds, double waited) {
    hooked *h = ud;
    (void)conn;
    (void)sql;
    (void)lists;
    (void)n;
    assert_int_equal(nlists, 1);
    assert_true(seconds >= 0 && waited >= 0 && waited <= seconds);
    h->after++;
    return h->refuse_after ? mr_fail(h->env, MR_ERR_CALLBACK, "not after") : MR_OK;
}

static void test_hooks(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_memory_engine(state);
    hooked h = {.env = f->env, .refuse_connect = true};
    mr_engine_hooks *hooks = mr_engine_hooks_of(engine);
    *hooks = (mr_engine_hooks){&h, hook_connect, hook_before, hook_after, NULL, NULL};
    mr_conn *conn;
    assert_int_equal(mr_engine_connect(engine, &conn), MR_FAIL);
    db_assert_error(f->env, MR_ERR_CALLBACK, "no connection");
    h.refuse_connect = false;
    conn = db_connect(engine);
    assert_int_equal(h.connects, 2);
    assert_int_equal(h.before, 0);
    db_run(conn, "SELECT 1");
    assert_int_equal(h.before, 1);
    assert_int_equal(h.after, 1);
    h.refuse_before = true;
    assert_int_equal(db_try(conn, "CREATE TABLE t (x)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_CALLBACK, "not before");
    h.refuse_before = false;
    h.refuse_after = true;
    assert_int_equal(db_try(conn, "SELECT 1"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_CALLBACK, "not after");
    h.refuse_after = false;
    h.commit_before = true;
    assert_int_equal(db_try(conn, "SELECT 1"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INVALID_REQUEST, "closed by a commit");
    mr_conn_close(conn);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_recorders),
        DB_TEST(test_echo),
        DB_TEST(test_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
