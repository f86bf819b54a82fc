/*
 * test_db_faults.c: each allocation and each driver call of a small program fails in turn.
 *
 * Invariant: nothing leaks, and the database has the whole transaction or nothing of it.
 */
#include "test_db.h"

typedef struct program {
    mr_env *env;
    mr_engine *engine;
    mr_conn *conn;
    mr_compiled *insert, *select;
    mr_recorder *recorder;
} program;

static mr_status on_begin(void *ud) {
    (void)ud;
    return MR_OK;
}

static mr_status insert_rows(program *p) {
    static const char *const texts[] = {"one", "two", "three"};
    mr_cursor *cursor;
    mr_value values[2];
    if (mr_conn_prepare(p->conn, p->insert, &cursor)) return MR_FAIL;
    mr_status status = MR_OK;
    for (int i = 0; status == MR_OK && i < 3; i++) {
        values[0] = mr_text_value(texts[i], strlen(texts[i]));
        values[1] = mr_value_of(MR_DATETIME, i);
        status = mr_cursor_bind(cursor, values);
        if (status == MR_OK) status = mr_cursor_step(cursor) == MR_DONE ? MR_OK : MR_FAIL;
    }
    mr_cursor_close(cursor);
    return status;
}

static mr_status select_rows(program *p, int64_t *n) {
    const mr_type *types[] = {mr_type_simple(MR_TYPE_STRING), mr_type_simple(MR_TYPE_DATETIME),
                              mr_type_simple(MR_TYPE_NUMERIC)};
    mr_cursor *cursor;
    mr_value row[3];
    *n = 0;
    if (mr_conn_execute(p->conn, p->select, NULL, &cursor)) return MR_FAIL;
    mr_status status;
    while ((status = mr_cursor_step(cursor)) == MR_ROW) {
        if (mr_cursor_fetch(cursor, types, row)) {
            status = MR_FAIL;
            break;
        }
        ++*n;
    }
    mr_cursor_close(cursor);
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

static mr_status open_program(program *p, const char *url) {
    if (mr_engine_new(p->env, url, strlen(url), NULL, &p->engine)) return MR_FAIL;
    p->insert = db_stmt(p->env, "INSERT INTO t (a, b) VALUES (?, ?)", 2);
    p->select = db_stmt(p->env, "SELECT a, b, 1.5 FROM t", 0);
    if (!p->insert || !p->select || mr_recorder_start(p->engine, &p->recorder)) return MR_FAIL;
    if (mr_engine_connect(p->engine, &p->conn)) return MR_FAIL;
    mr_conn_set_lazy(p->conn, true, on_begin, NULL);
    return MR_OK;
}

static void close_program(program *p) {
    mr_conn_close(p->conn);
    mr_recorder_free(p->recorder);
    mr_compiled_release(p->insert);
    mr_compiled_release(p->select);
    mr_engine_release(p->engine);
}

static mr_status work(program *p) {
    int64_t n;
    if (mr_conn_run_sql(p->conn, "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)"))
        return MR_FAIL;
    if (insert_rows(p) || mr_conn_savepoint(p->conn, 1) || insert_rows(p)) return MR_FAIL;
    if (mr_conn_rollback_to(p->conn, 1) || mr_conn_savepoint(p->conn, 1)) return MR_FAIL;
    if (mr_conn_release(p->conn, 1) || select_rows(p, &n) || mr_conn_commit(p->conn)) return MR_FAIL;
    return select_rows(p, &n);
}

static void check_allocations(bool once) {
    for (size_t n = 1;; n++) {
        fa_state fa = FA_INIT;
        program p = {.env = fa_env_new(&fa)};
        if (once) fa_arm_once(&fa, n);
        else fa_arm(&fa, n);
        size_t last = fa.calls + n;
        mr_status status = open_program(&p, "sqlite://");
        if (status == MR_OK) status = work(&p);
        if (status != MR_OK && !once) assert_int_equal(mr_env_error(p.env)->kind, MR_ERR_NO_MEMORY);
        bool reached = fa.calls >= last;
        fa_disarm(&fa);
        /* After the failure the program can go on. */
        if (p.conn && status != MR_OK) {
            int64_t rows;
            assert_int_equal(mr_conn_rollback(p.conn), MR_OK);
            assert_int_equal(work(&p), MR_OK);
            assert_int_equal(select_rows(&p, &rows), MR_OK);
            assert_int_equal(rows % 3, 0);
        }
        close_program(&p);
        mr_env_free(p.env);
        assert_int_equal(fa_live(&fa), 0);
        if (!reached) break;
    }
}

static void test_allocations(void **state) {
    (void)state;
    check_allocations(false);
    check_allocations(true);
}

static void test_driver_calls(void **state) {
    db_fixture *f = *state;
    for (uint64_t n = 1;; n++) {
        int64_t rows = 0;
        program p = {.env = f->env};
        assert_int_equal(open_program(&p, "sqlite://"), MR_OK);
        const mr_driver *driver = mr_engine_driver(p.engine);
        mr_engine_fail_at(p.engine, n);
        mr_status status = work(&p);
        bool reached = mr_engine_calls(p.engine) >= n;
        mr_engine_fail_at(p.engine, 0);
        assert_int_equal(status, reached ? MR_FAIL : MR_OK);
        assert_int_equal(mr_conn_in_transaction(p.conn), driver->in_transaction(mr_conn_dbc(p.conn)));
        if (status == MR_FAIL) {
            db_assert_error(f->env, MR_ERR_OPERATIONAL, "injected failure");
            assert_non_null(mr_env_error(f->env)->statement);
            assert_int_equal(mr_conn_rollback(p.conn), MR_OK);
            db_run(p.conn, "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)");
            assert_int_equal(select_rows(&p, &rows), MR_OK);
            assert_true(rows == 0 || rows == 3);
        }
        close_program(&p);
        if (!reached) break;
    }
}

/* If the rollback at close fails, the connection is not kept, and its transaction is lost. */
static void test_failed_rollback_at_close(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_engine(f->env, f->url, -1);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (x)");
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    db_run(conn, "INSERT INTO t VALUES (1)");
    mr_fail(f->env, MR_ERR_DATA, "the first error");
    mr_engine_fail_at(engine, 1);
    mr_conn_close(conn);
    db_assert_error(f->env, MR_ERR_DATA, "the first error");
    mr_engine_fail_at(engine, 0);
    conn = db_connect(engine);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM t"), 0);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static mr_status create_and_drop(mr_conn *conn, mr_metadata *md) {
    return mr_create_all(conn, md, NULL, 0, true) || mr_drop_all(conn, md, NULL, 0, true) ? MR_FAIL : MR_OK;
}

static void test_create_all(void **state) {
    db_fixture *f = *state;
    mr_metadata *md = mr_metadata_new(f->env);
    for (int i = 0; i < 2; i++) {
        mr_column *columns[2] = {mr_column_new(f->env, "id", mr_type_simple(MR_TYPE_INTEGER)),
                                 mr_column_new(f->env, "x", mr_type_simple(MR_TYPE_INTEGER))};
        columns[0]->primary_key = true;
        columns[1]->indexed = true;
        assert_non_null(mr_table_new(md, i ? "b" : "a", NULL, columns, 2, NULL, NULL));
    }
    mr_engine *engine = db_engine(f->env, "sqlite://", -1);
    mr_conn *conn = db_connect(engine);
    for (uint64_t n = 1, done = 0; !done; n++) {
        mr_engine_fail_at(engine, n);
        done = create_and_drop(conn, md) == MR_OK;
        mr_engine_fail_at(engine, 0);
        assert_false(mr_conn_in_transaction(conn));
        assert_true(db_int(conn, "SELECT count(*) FROM sqlite_master") % 4 == 0);
        assert_int_equal(mr_drop_all(conn, md, NULL, 0, true), MR_OK);
    }
    for (size_t n = 1, done = 0; !done; n++) {
        fa_arm(&f->fa, n);
        done = create_and_drop(conn, md) == MR_OK;
        fa_disarm(&f->fa);
        assert_false(mr_conn_in_transaction(conn));
        assert_int_equal(mr_drop_all(conn, md, NULL, 0, true), MR_OK);
    }
    mr_conn_close(conn);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_allocations),
        DB_TEST(test_driver_calls),
        DB_TEST(test_failed_rollback_at_close),
        DB_TEST(test_create_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
