/*
 * test_db_transaction.c: transactions and savepoints on SQLite, begun by hand and by a statement that writes.
 */
#include "test_db.h"

/* ---------------------------------------------------------------- transactions */

typedef struct begun {
    int calls;
    mr_status answer;
} begun;

static mr_status on_begin(void *ud) {
    begun *b = ud;
    b->calls++;
    return b->answer;
}

static void test_lazy_begin(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, -1);
    mr_conn *conn = db_connect(engine), *other = db_connect(engine);
    begun b = {0, MR_OK};
    db_run(other, "CREATE TABLE t (x)");
    db_run(other, "INSERT INTO t VALUES (1)");
    mr_conn_set_lazy(conn, true, on_begin, &b);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 1);
    assert_false(mr_conn_in_transaction(conn));
    db_run(conn, "INSERT INTO t VALUES (2)");
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(b.calls, 1);
    db_run(conn, "INSERT INTO t VALUES (3)");
    assert_int_equal(b.calls, 1);
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    assert_false(mr_conn_in_transaction(conn));
    db_run(conn, "INSERT INTO t VALUES (4)");
    assert_int_equal(b.calls, 2);
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    b.answer = MR_FAIL;
    mr_fail(f->env, MR_ERR_CALLBACK, "mine");
    assert_int_equal(db_try(conn, "INSERT INTO t VALUES (7)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_CALLBACK, "mine");
    assert_true(mr_conn_in_transaction(conn));
    mr_conn_close(conn);
    mr_conn_close(other);
    mr_engine_release(engine);
}

static void test_transactions(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (x)");
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    for (int mode = MR_TX_DEFAULT; mode <= MR_TX_EXCLUSIVE; mode++) {
        assert_int_equal(mr_conn_begin(conn, (mr_txmode)mode), MR_OK);
        assert_int_equal(mr_conn_begin(conn, (mr_txmode)mode), MR_FAIL);
        db_assert_error(f->env, MR_ERR_INVALID_REQUEST, "a transaction has already begun");
        db_run(conn, "INSERT INTO t VALUES (1)");
        assert_int_equal(mode % 2 ? mr_conn_commit(conn) : mr_conn_rollback(conn), MR_OK);
    }
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 2);
    /* If an error ends the transaction in the database, the connection knows it. */
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(db_try(conn, "INSERT OR ROLLBACK INTO t VALUES (abs(-9223372036854775807 - 1))"), MR_FAIL);
    assert_true(mr_conn_in_transaction(conn));
    db_run(conn, "CREATE UNIQUE INDEX ix ON t (x) WHERE x > 5");
    db_run(conn, "INSERT INTO t VALUES (6)");
    assert_int_equal(db_try(conn, "INSERT OR ROLLBACK INTO t VALUES (6)"), MR_FAIL);
    assert_false(mr_conn_in_transaction(conn));
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_failed_commit_stays_open(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE p (id INTEGER PRIMARY KEY)");
    db_run(conn, "CREATE TABLE c (p REFERENCES p (id) DEFERRABLE INITIALLY DEFERRED)");
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    db_run(conn, "INSERT INTO c VALUES (1)");
    assert_int_equal(mr_conn_commit(conn), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INTEGRITY, "FOREIGN KEY constraint failed");
    assert_true(mr_conn_in_transaction(conn));
    db_run(conn, "INSERT INTO p VALUES (1)");
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

typedef struct reads {
    int calls;
    bool known;
    int64_t version;
} reads;

static void on_read(void *ud, bool known, int64_t version) {
    reads *r = ud;
    r->calls++;
    r->known = known;
    r->version = version;
}

/* Reads outside of a transaction are told the version of the data. It changes only when another connection commits. */
static void test_reads(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, -1);
    mr_conn *conn = db_connect(engine), *other = db_connect(engine);
    reads r = {0};
    int64_t before, version;
    db_run(other, "CREATE TABLE t (x)");
    mr_conn_set_lazy(conn, true, NULL, NULL);
    mr_conn_set_on_read(conn, on_read, &r);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 0);
    assert_int_equal(r.calls, 1);
    assert_true(r.known);
    before = r.version;
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 0);
    assert_int_equal(r.calls, 2);
    assert_int_equal(r.version, before);
    db_run(other, "INSERT INTO t VALUES (1)");
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 1);
    assert_int_not_equal(r.version, before);
    assert_true(mr_conn_data_version(conn, &version));
    assert_int_equal(r.version, version);
    db_run(conn, "INSERT INTO t VALUES (2)");
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 2);
    assert_int_equal(r.calls, 3); /* reads in a transaction are not told */
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    mr_conn_close(conn);
    mr_conn_close(other);
    mr_engine_release(engine);
}

static void test_savepoints(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    begun b = {0, MR_OK};
    db_run(conn, "CREATE TABLE t (x)");
    mr_conn_set_lazy(conn, true, on_begin, &b);
    assert_int_equal(mr_conn_savepoint(conn, 1), MR_OK);
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(b.calls, 1);
    db_run(conn, "INSERT INTO t VALUES (1)");
    assert_int_equal(mr_conn_savepoint(conn, 2), MR_OK);
    db_run(conn, "INSERT INTO t VALUES (2)");
    assert_int_equal(mr_conn_rollback_to(conn, 2), MR_OK);
    assert_int_equal(mr_conn_release(conn, 2), MR_FAIL);
    db_assert_error(((db_fixture *)*state)->env, MR_ERR_OPERATIONAL, "no such savepoint: mr_sp_2");
    assert_int_equal(mr_conn_release(conn, 1), MR_OK);
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    assert_int_equal(db_int(conn, "SELECT sum(x) FROM t"), 1);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_transaction_by_text(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "BEGIN");
    assert_true(mr_conn_in_transaction(conn));
    db_run(conn, "ROLLBACK");
    assert_false(mr_conn_in_transaction(conn));
    mr_conn_close(conn);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_lazy_begin), DB_TEST(test_transactions), DB_TEST(test_failed_commit_stays_open),
        DB_TEST(test_reads),      DB_TEST(test_savepoints),   DB_TEST(test_transaction_by_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
