/*
 * test_db.c: connections and cursors on SQLite: the statement cache, transactions, recording, create_all.
 */
#include "test_db.h"

#define TEXT(s) mr_text_value(s, sizeof s - 1)

static mr_engine *memory_engine(void **state) { return db_engine(((db_fixture *)*state)->env, "sqlite://", -1); }

static void bytes_equal(const mr_value *v, mr_kind kind, const char *text) {
    assert_int_equal(v->kind, kind);
    assert_int_equal(v->len, strlen(text));
    assert_memory_equal(v->u.s, text, v->len);
}

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
    mr_engine *engine = memory_engine(state);
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
    /* A busy statement is not disturbed by another run of it. */
    assert_int_equal(mr_conn_execute(conn, series, NULL, &b), MR_OK);
    assert_int_equal(mr_cursor_step(b), MR_ROW);
    assert_int_equal(mr_cursor_step(a), MR_ROW);
    assert_int_equal(mr_cursor_fetch(a, NULL, &row), MR_OK);
    assert_int_equal(row.u.i, 2);
    assert_int_equal(mr_cursor_fetch(b, NULL, &row), MR_OK);
    assert_int_equal(row.u.i, 1);
    mr_cursor_close(a);
    mr_cursor_close(b);
    /* Known statements are not prepared again: bind and step only. */
    mr_engine_fail_at(engine, 0);
    assert_int_equal(mr_conn_run(conn, series, NULL, NULL), MR_OK);
    assert_int_equal(mr_engine_calls(engine), 4);
    /* Others push it out; it then is prepared again. */
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
    mr_engine *engine = memory_engine(state);
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
    mr_engine *engine = memory_engine(state);
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
    bytes_equal(&row[1], MR_TEXT, "x");
    mr_cursor_close(c);
    mr_compiled_release(star);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

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
    mr_engine *engine = memory_engine(state);
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
    /* An error that ends the transaction in the database ends it here. */
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
    mr_engine *engine = memory_engine(state);
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

/* The version that reads outside of a transaction are told of changes when another connection commits, and
 * only then. */
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
    assert_int_equal(r.calls, 3); /* within the transaction nobody is told */
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    mr_conn_close(conn);
    mr_conn_close(other);
    mr_engine_release(engine);
}

static void test_savepoints(void **state) {
    mr_engine *engine = memory_engine(state);
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
    mr_engine *engine = memory_engine(state);
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
    /* DDL would be refused while a result is open. */
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

static void test_transaction_by_text(void **state) {
    mr_engine *engine = memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "BEGIN");
    assert_true(mr_conn_in_transaction(conn));
    db_run(conn, "ROLLBACK");
    assert_false(mr_conn_in_transaction(conn));
    mr_conn_close(conn);
    mr_engine_release(engine);
}

/* ---------------------------------------------------------------- watching */

static void test_recorders(void **state) {
    mr_engine *engine = memory_engine(state);
    mr_recorder *outer, *inner;
    assert_int_equal(mr_recorder_start(engine, &outer), MR_OK);
    mr_conn *conn = db_connect(engine);
    mr_value values[2] = {TEXT("a"), mr_null_value()};
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
    bytes_equal(&list[0], MR_TEXT, "a");
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
    mr_engine *engine = memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_engine_set_echo(engine, true);
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    mr_value values[5] = {TEXT("it's"), mr_null_value(), mr_float_value(0.5), mr_bool_value(true),
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
                            size_t n, double seconds) {
    hooked *h = ud;
    (void)conn;
    (void)sql;
    (void)lists;
    (void)n;
    assert_int_equal(nlists, 1);
    assert_true(seconds >= 0);
    h->after++;
    return h->refuse_after ? mr_fail(h->env, MR_ERR_CALLBACK, "not after") : MR_OK;
}

static void test_hooks(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = memory_engine(state);
    hooked h = {.env = f->env, .refuse_connect = true};
    mr_engine_hooks *hooks = mr_engine_hooks_of(engine);
    *hooks = (mr_engine_hooks){&h, hook_connect, hook_before, hook_after};
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

/* ---------------------------------------------------------------- create_all */

static mr_table *table(mr_metadata *md, const char *name, const char *target) {
    mr_env *env = md->env;
    mr_column *columns[2];
    columns[0] = mr_column_new(env, "id", mr_type_simple(MR_TYPE_INTEGER));
    columns[0]->primary_key = true;
    columns[0]->nullable = false;
    columns[1] = mr_column_new(env, "other_id", mr_type_simple(MR_TYPE_INTEGER));
    columns[1]->indexed = true;
    if (target) assert_non_null(mr_column_add_foreign_key(env, columns[1], target, NULL));
    return mr_table_new(md, name, NULL, columns, 2, NULL, NULL);
}

static void test_create_and_drop(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_metadata *md = mr_metadata_new(f->env);
    mr_table *b = table(md, "b", "a.id");
    table(md, "a", "b.id"); /* a circle */
    mr_recorder *recorder;
    assert_int_equal(mr_recorder_start(engine, &recorder), MR_OK);
    if (mr_create_all(conn, md, NULL, 0, true)) fail_msg("%s", mr_env_error(f->env)->message);
    mr_recorder_stop(recorder);
    assert_int_equal(mr_recorder_count(recorder), 6); /* two checks, two tables with an index each */
    assert_non_null(strstr(mr_recorder_at(recorder, 2)->statement, "CREATE TABLE"));
    assert_non_null(strstr(mr_recorder_at(recorder, 3)->statement, "CREATE INDEX"));
    mr_recorder_free(recorder);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master WHERE type = 'table'"), 2);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master WHERE type = 'index'"), 2);
    assert_int_equal(mr_create_all(conn, md, NULL, 0, true), MR_OK);
    assert_int_equal(mr_create_all(conn, md, NULL, 0, false), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "already exists");
    assert_false(mr_conn_in_transaction(conn));
    /* Rows that refer to each other are no obstacle. */
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    db_run(conn, "PRAGMA defer_foreign_keys=ON");
    db_run(conn, "INSERT INTO a VALUES (1, 1)");
    db_run(conn, "INSERT INTO b VALUES (1, 1)");
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    if (mr_drop_all(conn, md, NULL, 0, true)) fail_msg("%s", mr_env_error(f->env)->message);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master"), 0);
    assert_int_equal(mr_drop_all(conn, md, NULL, 0, true), MR_OK);
    assert_int_equal(mr_drop_all(conn, md, NULL, 0, false), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "no such table");
    /* Only some, inside the caller's transaction. */
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(mr_create_all(conn, md, &b, 1, true), MR_OK);
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(mr_drop_all(conn, md, &b, 1, true), MR_OK);
    assert_int_equal(mr_create_all(conn, md, &b, 1, true), MR_OK);
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master"), 0);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, db_setup, db_teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_bad_statements),
        TEST(test_cache_and_copies),
        TEST(test_batch),
        TEST(test_text_reads_its_columns),
        TEST(test_lazy_begin),
        TEST(test_reads),
        TEST(test_transactions),
        TEST(test_failed_commit_stays_open),
        TEST(test_savepoints),
        TEST(test_cursors_are_closed),
        TEST(test_transaction_by_text),
        TEST(test_recorders),
        TEST(test_echo),
        TEST(test_hooks),
        TEST(test_create_and_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
