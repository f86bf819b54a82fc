/*
 * test_sqlite_no_memory.c: each allocation of SQLite fails in turn while the library asks it for something.
 *
 * Invariant: the answer is right, or it is a NoMemoryError. A lack of memory never means "there is none".
 */
#include "test_db.h"

#include <sqlite3.h>

/* ---------------------------------------------------------------- an allocator that fails */

static sqlite3_mem_methods plain;
static long left = -1; /* the number of allocations that succeed; negative: all */

static bool fails(void) { return left == 0 || (left > 0 && left-- == 0); }
static void *failing_malloc(int n) { return fails() ? NULL : plain.xMalloc(n); }
static void *failing_realloc(void *p, int n) { return fails() ? NULL : plain.xRealloc(p, n); }

static void install(void) {
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &plain);
    static sqlite3_mem_methods failing;
    failing = plain;
    failing.xMalloc = failing_malloc;
    failing.xRealloc = failing_realloc;
    /* Without this, some allocations would not be counted. */
    sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
    sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
}

/* ---------------------------------------------------------------- what is asked */

typedef struct world {
    mr_conn *conn;
    mr_table *numbered, *plain, *view, *replacing, *hidden;
} world;

static mr_table *mapped(mr_metadata *md, const char *name, const char *key) {
    mr_column *column = mr_column_new(md->env, key, mr_type_simple(MR_TYPE_INTEGER));
    column->primary_key = true;
    column->nullable = false;
    return mr_table_new(md, name, NULL, &column, 1, NULL, NULL);
}

static void expect_facts(world *w, mr_table *table, mr_table_facts expected, long *failed) {
    mr_table_facts facts;
    if (mr_conn_table_facts(w->conn, table, true, &facts) != MR_OK) {
        db_assert_error(db_env(w->conn), MR_ERR_NO_MEMORY, "");
        ++*failed;
        return;
    }
    assert_int_equal(facts.numbers, expected.numbers);
    assert_int_equal(facts.replaces, expected.replaces);
    assert_int_equal(facts.is_view, expected.is_view);
}

static void ask_of_tables(world *w, long *failed) {
    expect_facts(w, w->numbered, (mr_table_facts){.numbers = true}, failed);
    expect_facts(w, w->plain, (mr_table_facts){0}, failed);
    expect_facts(w, w->view, (mr_table_facts){.is_view = true}, failed);
    expect_facts(w, w->replacing, (mr_table_facts){.numbers = true, .replaces = true}, failed);
    expect_facts(w, w->hidden, (mr_table_facts){.numbers = true}, failed);
}

static void ask_of_columns(world *w, long *failed) {
    mr_column_facts facts;
    mr_status status = mr_conn_column_facts(w->conn, w->replacing->columns[0], &facts);
    if (status == MR_FAIL) db_assert_error(db_env(w->conn), MR_ERR_NO_MEMORY, ""), ++*failed;
    else assert_true(status == MR_OK && facts.integer && facts.affinity == MR_AFFINITY_NUMBER);
}

/* SQLite allocates when these values are read: a UTF-16 text, a blob of zeros, a number as text. */
static void read_a_row(world *w, long *failed) {
    const mr_type *types[] = {mr_type_simple(MR_TYPE_STRING), mr_type_simple(MR_TYPE_LARGEBINARY),
                              mr_type_simple(MR_TYPE_STRING)};
    mr_compiled *c = db_stmt(db_env(w->conn), "SELECT a, zeroblob(100000), n FROM texts", 0);
    mr_cursor *cursor = NULL;
    mr_value row[3];
    mr_status status = mr_conn_execute(w->conn, c, NULL, &cursor);
    if (status == MR_OK) status = mr_cursor_step(cursor) == MR_ROW ? mr_cursor_fetch(cursor, types, row) : MR_FAIL;
    if (status != MR_OK) {
        db_assert_error(db_env(w->conn), MR_ERR_NO_MEMORY, "");
        ++*failed;
    } else {
        assert_true(row[0].kind == MR_TEXT && row[0].len == 6);
        assert_true(row[1].kind == MR_BLOB && row[1].len == 100000);
        for (uint32_t i = 0; i < row[1].len; i++) assert_int_equal(row[1].u.s[i], 0);
        assert_true(row[2].kind == MR_TEXT && row[2].len == 2 && memcmp(row[2].u.s, "42", 2) == 0);
    }
    mr_cursor_close(cursor);
    mr_compiled_release(c);
}

/* SQLite also parses the text behind the statement. */
static void prepare_with_a_comment(world *w, long *failed) {
    mr_compiled *c = db_stmt(db_env(w->conn), "SELECT 1; -- and no more\n ;", 0);
    mr_cursor *cursor = NULL;
    if (mr_conn_prepare(w->conn, c, &cursor) != MR_OK) {
        db_assert_error(db_env(w->conn), MR_ERR_NO_MEMORY, "");
        ++*failed;
    }
    mr_cursor_close(cursor);
    mr_compiled_release(c);
}

/* ---------------------------------------------------------------- each allocation fails in turn */

typedef void (*question)(world *w, long *failed);

static void ask_with_failures(db_fixture *f, const char *encoding, question ask) {
    char url[160];
    long seen = 0;
    mr_metadata *md = mr_metadata_new(f->env);
    world w = {.numbered = mapped(md, "numbered", "id"),
               .plain = mapped(md, "plain", "id"),
               .view = mapped(md, "seen", "id"),
               .replacing = mapped(md, "replacing", "id"),
               .hidden = mapped(md, "hidden", "rowid")};
    remove(f->file);
    snprintf(url, sizeof url, "%s", f->url);
    mr_engine *engine = db_engine(f->env, url, 0);
    w.conn = db_connect(engine);
    db_run(w.conn, encoding);
    db_run(w.conn, "CREATE TABLE numbered (id INTEGER PRIMARY KEY)");
    db_run(w.conn, "CREATE TABLE plain (id INT PRIMARY KEY)");
    db_run(w.conn, "CREATE VIEW seen AS SELECT * FROM plain");
    db_run(w.conn, "CREATE TABLE replacing (id INTEGER PRIMARY KEY, u UNIQUE ON CONFLICT REPLACE)");
    db_run(w.conn, "CREATE TABLE hidden (x)");
    db_run(w.conn, "CREATE TABLE texts (a TEXT, n INT)");
    db_run(w.conn, "INSERT INTO texts VALUES ('abcdef', '42')");
    mr_conn_close(w.conn);
    mr_engine_release(engine);
    for (long n = 0, failed = 1; failed; n++) {
        /* A new connection has not read the schema, and remembers no answer. */
        engine = db_engine(f->env, url, 0);
        w.conn = db_connect(engine);
        failed = 0;
        left = n;
        ask(&w, &failed);
        left = -1;
        seen += failed;
        ask(&w, &failed); /* a wrong answer from before must not be remembered */
        mr_conn_close(w.conn);
        mr_engine_release(engine);
        if (n > 100000) fail_msg("no end of allocations");
    }
    assert_true(seen > 0);
}

static void with_both_encodings(void **state, question ask) {
    ask_with_failures(*state, "PRAGMA encoding = 'UTF-8'", ask);
    ask_with_failures(*state, "PRAGMA encoding = 'UTF-16le'", ask);
}

static void test_facts_of_tables(void **state) { with_both_encodings(state, ask_of_tables); }
static void test_facts_of_columns(void **state) { with_both_encodings(state, ask_of_columns); }
static void test_values_of_a_row(void **state) { with_both_encodings(state, read_a_row); }
static void test_the_end_of_a_statement(void **state) { with_both_encodings(state, prepare_with_a_comment); }

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_facts_of_tables),
        DB_TEST(test_facts_of_columns),
        DB_TEST(test_values_of_a_row),
        DB_TEST(test_the_end_of_a_statement),
    };
    install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
