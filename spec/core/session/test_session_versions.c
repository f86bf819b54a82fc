/*
 * test_session_versions.c: reads outside of a transaction, with objects in memory: for a database that does not tell
 * the version of its data, and with allocations that fail.
 */
#include "session_fixture.h"

static void words(void) {
    mr_mapper *m = begin_class("Word");
    text_attribute(m, "name");
    text_attribute(m, "more");
    end_class(m, "word");
    configure();
}

static size_t run_query(const char *class_name) {
    mr_query_item item = {.mapper = class_named(class_name)};
    mr_query *q = mr_query_new(env, &item, 1, false);
    mr_load *load = NULL;
    const mr_value *rows;
    size_t n = 0;
    mr_status status = q ? mr_session_load(session, q, &load) : MR_FAIL;
    if (status == MR_OK) status = mr_load_all(load, &rows, &n);
    mr_load_close(load);
    mr_query_release(q);
    return status == MR_OK ? n : SIZE_MAX;
}

static void next_row(const char *name) {
    const char *const names[] = {"word_id", "word_name", "word_more"};
    mr_value row[] = {mr_int_value(1), text(name), text("m")};
    ok(mr_mock_rows(engine, "FROM word", names, 3, row, 1));
}

/* The rows of each query count as newer. get answers from the identity map. */
static void without_a_version(void **state) {
    (void)state;
    words();
    next_row("one");
    mr_entity *word = fetch_by("Word", 1);
    expect_text(word, "name", "one");
    next_row("two");
    assert_int_equal(run_query("Word"), 1);
    expect_text(word, "name", "two");
    record();
    assert_ptr_equal(fetch_by("Word", 1), word);
    mr_entity_unpin(word);
    expect_count(0);
    /* In a transaction, reads count as repeatable: the object keeps its values. */
    ok(mr_session_begin(session, MR_TX_IMMEDIATE));
    next_row("three");
    assert_int_equal(run_query("Word"), 1);
    expect_text(word, "name", "two");
    ok(mr_session_rollback(session));
    mr_entity_unpin(word);
}

static void other_commits(const char *sql) {
    mr_conn *conn;
    ok(mr_engine_connect(engine, &conn));
    ok(mr_conn_run_sql(conn, sql));
    mr_conn_close(conn);
}

/* If updating an object from a newer row fails in the middle, the next read completes it. No change is lost. */
static void failing_memory(void **state) {
    (void)state;
    words();
    create_tables();
    static const char long_text[] = "a text that does not fit where the one before was";
    for (uint64_t n = 1; n < 1000; n++) {
        other_commits("DELETE FROM word");
        other_commits("INSERT INTO word VALUES (1, 'a', 'b')");
        mr_entity *word = fetch_by("Word", 1);
        ok(set(word, "more", text("mine")));
        mr_session_block_autoflush(session, 1);
        other_commits(
            "UPDATE word SET name = 'a text that does not fit where the one before was', more = 'theirs, and longer'");
        fa_arm(&fa, n);
        size_t rows = run_query("Word");
        bool failed = fa.calls >= fa.fail_at;
        fa_disarm(&fa);
        mr_env_clear_error(env);
        expect_text(word, "more", "mine");
        if (rows == SIZE_MAX) assert_int_equal(run_query("Word"), 1);
        expect_text(word, "name", long_text);
        assert_true(mr_session_is_modified(session, word));
        ok(set(word, "more", text("theirs, and longer")));
        assert_false(mr_session_is_modified(session, word));
        mr_session_block_autoflush(session, -1);
        mr_session_close(session);
        mr_entity_unpin(word);
        if (!failed) return;
    }
    fail_msg("memory failed for ever");
}

static int open_mock(void **state) {
    (void)state;
    return open_url("mock+sqlite://");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_version, open_mock, close_all),
        cmocka_unit_test_setup_teardown(failing_memory, open_all, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
