/*
 * test_db_values.c: opening SQLite databases, and reading the values that were stored.
 */
#include <locale.h>

#include "test_db.h"

#include <sqlite3.h>

/* ---------------------------------------------------------------- opening */

static void open_fails(void **state, const char *url, mr_errkind kind, const char *words) {
    mr_env *env = ((db_fixture *)*state)->env;
    mr_engine *engine = db_engine(env, url, -1);
    mr_conn *conn = NULL;
    assert_int_equal(mr_engine_connect(engine, &conn), MR_FAIL);
    db_assert_error(env, kind, words);
    mr_engine_release(engine);
}

static void test_open_errors(void **state) {
    db_fixture *f = *state;
    FILE *file = fopen(f->file, "wb");
    fputs("This is no database, and long enough for a header. 0123456789 0123456789 0123456789 0123456789", file);
    fclose(file);
    open_fails(state, f->url, MR_ERR_DATABASE, "it holds something else");
    open_fails(state, f->url, MR_ERR_DATABASE, f->file);
    open_fails(state, "sqlite:////tmp/no such folder/x.db", MR_ERR_OPERATIONAL, "its folder does not exist");
    open_fails(state, "sqlite:////tmp", MR_ERR_OPERATIONAL, "this is a folder; name a file");
    assert_non_null(mr_env_error(f->env)->orig);
}

/* A file system without shared memory, such as SQLite's memdb, has no WAL mode. */
static void test_journal_mode_refused(void **state) {
    sqlite3_vfs *usual = sqlite3_vfs_find(NULL);
    sqlite3_vfs_register(sqlite3_vfs_find("memdb"), 1);
    open_fails(state, "sqlite:///x.db?journal_mode=wal", MR_ERR_OPERATIONAL, "journal_mode=wal is not possible here");
    sqlite3_vfs_register(usual, 1);
}

static void test_url_parameters(void **state) {
    db_fixture *f = *state;
    char url[200];
    snprintf(url, sizeof url, "%s?journal_mode=WAL&synchronous=normal&busy_timeout=1", f->url);
    mr_engine *engine = db_engine(f->env, url, -1);
    mr_conn *conn = db_connect(engine);
    assert_int_equal(db_int(conn, "SELECT synchronous FROM pragma_synchronous"), 1);
    assert_int_equal(db_int(conn, "SELECT foreign_keys FROM pragma_foreign_keys"), 1);
    assert_int_equal(db_int(conn, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_memory_databases(void **state) {
    mr_engine *a = db_memory_engine(state), *b = db_memory_engine(state);
    mr_conn *conn = db_connect(a), *second;
    db_run(conn, "CREATE TABLE t (x)");
    db_run(conn, "INSERT INTO t VALUES (7)");
    second = db_connect(a);
    assert_int_equal(db_int(second, "SELECT x FROM t"), 7);
    mr_conn_close(second);
    mr_conn_close(conn);
    mr_engine_dispose(a);
    conn = db_connect(a);
    assert_int_equal(db_int(conn, "SELECT x FROM t"), 7);
    second = db_connect(b);
    assert_int_equal(db_int(second, "SELECT count(*) FROM sqlite_master"), 0);
    mr_conn_close(second);
    mr_engine_release(b);
    mr_engine_release(a); /* the connection still holds the engine */
    assert_int_equal(db_int(conn, "SELECT x FROM t"), 7);
    mr_conn_close(conn);
}

static void test_pool_reuses(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_conn_set_lazy(conn, true, NULL, NULL);
    db_run(conn, "CREATE TABLE t (x)");
    assert_true(mr_conn_in_transaction(conn));
    mr_conn_close(conn);
    mr_conn *again = db_connect(engine);
    assert_ptr_equal(again, conn);
    assert_false(mr_conn_in_transaction(again));
    assert_int_equal(db_int(again, "SELECT count(*) FROM sqlite_master"), 0);
    mr_conn_close(again);
    mr_engine_release(engine);
}

static void test_native_handle(void **state) {
    db_fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    mr_engine_options options = {.busy_timeout = -1, .native = db};
    mr_engine *engine;
    assert_int_equal(mr_engine_new(f->env, "sqlite://", 9, &options, &engine), MR_OK);
    mr_conn *a = db_connect(engine), *b = db_connect(engine);
    db_run(a, "CREATE TABLE t (x UNIQUE)");
    assert_int_equal(mr_conn_begin(a, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(mr_conn_begin(b, MR_TX_DEFAULT), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "inside a transaction that was begun elsewhere");
    db_run(a, "INSERT INTO t VALUES (1)");
    assert_int_equal(db_try(b, "INSERT INTO t VALUES (1)"), MR_FAIL);
    db_assert_error(f->env, MR_ERR_INTEGRITY, "UNIQUE constraint failed: t.x");
    assert_int_equal(mr_env_error(f->env)->orig_code, SQLITE_CONSTRAINT_UNIQUE);
    assert_false(mr_conn_in_transaction(b));
    assert_int_equal(mr_conn_commit(a), MR_OK);
    mr_conn_close(a);
    mr_conn_close(b);
    mr_engine_release(engine);
    assert_int_equal(sqlite3_exec(db, "INSERT INTO t VALUES (2)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---------------------------------------------------------------- values */

/* Sends a value to SQLite and reads it back as the type. Its bytes live until the cursor is closed. */
static mr_cursor *echoed(mr_conn *conn, const mr_value *value, const mr_type *type, mr_value *out) {
    mr_cursor *cursor = db_open(conn, "SELECT ? AS it", value, 1);
    assert_int_equal(mr_cursor_step(cursor), MR_ROW);
    assert_int_equal(mr_cursor_column_count(cursor), 1);
    assert_string_equal(mr_cursor_column_name(cursor, 0), "it");
    if (mr_cursor_fetch(cursor, &type, out)) fail_msg("%s", mr_env_error(db_env(conn))->message);
    return cursor;
}

static void round_trip(mr_conn *conn, mr_typecode code, mr_value value) {
    mr_value out;
    mr_cursor *cursor = echoed(conn, &value, mr_type_simple(code), &out);
    assert_int_equal(out.kind, value.kind);
    assert_true(mr_value_equal(db_env(conn), &value, &out));
    mr_cursor_close(cursor);
}

static void stored_as(mr_conn *conn, mr_value value, const char *text) {
    mr_value out;
    mr_cursor *cursor = echoed(conn, &value, mr_type_simple(MR_TYPE_NULL), &out);
    db_assert_bytes(&out, MR_TEXT, text);
    mr_cursor_close(cursor);
}

static void test_round_trips(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    for (int code = 0; code < MR_TYPE__COUNT; code++) round_trip(conn, (mr_typecode)code, mr_null_value());
    round_trip(conn, MR_TYPE_INTEGER, mr_int_value(INT64_MIN));
    round_trip(conn, MR_TYPE_BIGINTEGER, mr_int_value(INT64_MAX));
    round_trip(conn, MR_TYPE_FLOAT, mr_float_value(0.1));
    round_trip(conn, MR_TYPE_BOOLEAN, mr_bool_value(true));
    round_trip(conn, MR_TYPE_BOOLEAN, mr_bool_value(false));
    round_trip(conn, MR_TYPE_STRING, DB_TEXT("h\303\251\0llo"));
    round_trip(conn, MR_TYPE_TEXT, mr_text_value(NULL, 0));
    round_trip(conn, MR_TYPE_LARGEBINARY, mr_bytes_value(MR_BLOB, "\0\1\377", 3));
    round_trip(conn, MR_TYPE_LARGEBINARY, mr_bytes_value(MR_BLOB, NULL, 0));
    round_trip(conn, MR_TYPE_NUMERIC, mr_bytes_value(MR_DECIMAL, "12345678901234567890.10", 23));
    round_trip(conn, MR_TYPE_DATE, mr_value_of(MR_DATE, -1));
    round_trip(conn, MR_TYPE_TIME, mr_value_of(MR_TIME, 86399999999));
    round_trip(conn, MR_TYPE_DATETIME, mr_value_of(MR_DATETIME, 1709211845000123));
    round_trip(conn, MR_TYPE_INTERVAL, mr_value_of(MR_INTERVAL, -90000000001));
    stored_as(conn, mr_value_of(MR_DATETIME, 1709211845000123), "2024-02-29 13:04:05.000123");
    stored_as(conn, mr_value_of(MR_DATETIME, 0), "1970-01-01 00:00:00");
    stored_as(conn, mr_value_of(MR_TIME, 0), "00:00:00");
    stored_as(conn, mr_value_of(MR_DATE, 0), "1970-01-01");
    stored_as(conn, mr_value_of(MR_TIME, 1), "00:00:00.000001");
    stored_as(conn, mr_value_of(MR_INTERVAL, 1000000), "1970-01-01 00:00:01.000000");
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_conversions(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_type money = {.rules = &mr_type_numeric, .precision = 10, .scale = 2};
    mr_value one = mr_int_value(1), half = mr_float_value(1.5), text = DB_TEXT("abc"), out;
    mr_cursor_close(echoed(conn, &one, mr_type_simple(MR_TYPE_FLOAT), &out));
    assert_int_equal(out.kind, MR_FLOAT);
    assert_true(out.u.d == 1);
    mr_value two = mr_float_value(2.0), no = DB_TEXT("f");
    mr_cursor_close(echoed(conn, &two, mr_type_simple(MR_TYPE_INTEGER), &out));
    assert_int_equal(out.kind, MR_INT);
    mr_cursor_close(echoed(conn, &no, mr_type_simple(MR_TYPE_BOOLEAN), &out));
    assert_int_equal(out.kind, MR_BOOL);
    assert_int_equal(out.u.i, 0);
    mr_cursor *c = echoed(conn, &text, mr_type_simple(MR_TYPE_ANY), &out);
    db_assert_bytes(&out, MR_TEXT, "abc");
    mr_cursor_close(c);
    c = echoed(conn, &half, &money, &out);
    db_assert_bytes(&out, MR_DECIMAL, "1.50");
    mr_cursor_close(c);
    c = echoed(conn, &one, &money, &out);
    db_assert_bytes(&out, MR_DECIMAL, "1.00");
    mr_cursor_close(c);
    mr_value tiny = mr_float_value(1e-9), zero = mr_float_value(0.0), tenth = mr_float_value(1234.1);
    c = echoed(conn, &tiny, mr_type_simple(MR_TYPE_NUMERIC), &out);
    db_assert_bytes(&out, MR_DECIMAL, "0.000000001");
    mr_cursor_close(c);
    c = echoed(conn, &zero, mr_type_simple(MR_TYPE_NUMERIC), &out);
    db_assert_bytes(&out, MR_DECIMAL, "0");
    mr_cursor_close(c);
    c = echoed(conn, &tenth, mr_type_simple(MR_TYPE_NUMERIC), &out);
    db_assert_bytes(&out, MR_DECIMAL, "1234.1");
    mr_cursor_close(c);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

/* Decimals are read and written with a point in any locale. */
static void test_conversions_under_a_locale(void **state) {
    if (!setlocale(LC_NUMERIC, "de_DE.utf8")) skip();
    test_conversions(state);
    setlocale(LC_NUMERIC, "C");
}

static void undecodable(mr_conn *conn, const char *sql, mr_typecode code, const char *words) {
    const mr_type *type = mr_type_simple(code);
    mr_value out;
    mr_cursor *c = db_open(conn, sql, NULL, 0);
    assert_int_equal(mr_cursor_step(c), MR_ROW);
    assert_int_equal(mr_cursor_fetch(c, &type, &out), MR_FAIL);
    db_assert_error(db_env(conn), MR_ERR_DATA, words);
    assert_string_equal(mr_env_error(db_env(conn))->statement, sql);
    mr_cursor_close(c);
}

static void unbindable(mr_conn *conn, mr_value value, mr_errkind kind, const char *words) {
    mr_compiled *c = db_stmt(db_env(conn), "SELECT ?", 1);
    mr_cursor *cursor = NULL;
    assert_int_equal(mr_conn_execute(conn, c, &value, &cursor), MR_FAIL);
    db_assert_error(db_env(conn), kind, words);
    mr_compiled_release(c);
}

static void test_bad_values(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    undecodable(conn, "SELECT '2024-02-30' AS born", MR_TYPE_DATE,
                "column \"born\" holds \"2024-02-30\", which is no date");
    undecodable(conn, "SELECT 1709211845 AS at", MR_TYPE_DATETIME,
                "column \"at\" holds 1709211845, which is no datetime");
    undecodable(conn, "SELECT 'noon' AS t", MR_TYPE_TIME, "which is no time");
    undecodable(conn, "SELECT x'00ff' AS t", MR_TYPE_INTERVAL, "holds x'00ff', which is no interval");
    undecodable(conn, "SELECT 'abc' AS n", MR_TYPE_INTEGER, "column \"n\" holds \"abc\", which is no integer");
    undecodable(conn, "SELECT 1.5 AS n", MR_TYPE_BIGINTEGER, "holds 1.5, which is no integer");
    undecodable(conn, "SELECT 1 AS s", MR_TYPE_STRING, "holds 1, which is no string");
    undecodable(conn, "SELECT 'abc' AS b", MR_TYPE_LARGEBINARY, "holds \"abc\", which is no blob");
    undecodable(conn, "SELECT 'abc' AS b", MR_TYPE_NUMERIC, "which is no decimal");
    unbindable(conn, mr_value_of(MR_UNLOADED, 0), MR_ERR_ARGUMENT, "parameter 1 is not loaded");
    unbindable(conn, mr_float_value(strtod("nan", NULL)), MR_ERR_DATA, "NaN");
    unbindable(conn, mr_value_of(MR_DATE, INT64_C(1) << 40), MR_ERR_DATA, "outside the years 1 to 9999");
    mr_conn_close(conn);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_open_errors),    DB_TEST(test_journal_mode_refused),
        DB_TEST(test_url_parameters), DB_TEST(test_memory_databases),
        DB_TEST(test_pool_reuses),    DB_TEST(test_native_handle),
        DB_TEST(test_round_trips),    DB_TEST(test_conversions),
        DB_TEST(test_bad_values),     DB_TEST(test_conversions_under_a_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
