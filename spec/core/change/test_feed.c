/*
 * test_feed.c: the feed of an engine: who hears of a commit, what has changed from outside, and what memory that fails
 * does.
 */
#include <moonrow/change.h>

#include "../db/test_db.h"

typedef struct heard {
    mr_feed *feed;
    int sets, rows, outside;
    bool leaves;
    uint64_t token;
} heard;

static void hear(void *ud, mr_change_set *set) {
    heard *h = ud;
    h->sets++;
    h->rows += (int)set->changes.len;
    h->outside += set->outside;
    h->token = set->token;
    if (h->leaves) mr_feed_unsubscribe(h->feed, hear, h);
}

static mr_feed *feed_of(mr_engine *engine) {
    mr_feed *feed = NULL;
    assert_int_equal(mr_feed_of(engine, &feed), MR_OK);
    return feed;
}

static void commit(mr_conn *conn, const char *sql) {
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    db_run(conn, sql);
    assert_int_equal(mr_conn_commit(conn), MR_OK);
}

static void test_subscribers(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)");
    assert_null(mr_conn_record(conn));
    mr_feed *feed = feed_of(engine), *again = feed_of(engine);
    assert_ptr_equal(feed, again);
    assert_non_null(mr_conn_record(conn));
    heard first = {feed, .leaves = true}, second = {feed, .leaves = false};
    assert_int_equal(mr_feed_subscribe(feed, hear, &first), MR_OK);
    assert_int_equal(mr_feed_subscribe(feed, hear, &second), MR_OK);
    commit(conn, "INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    commit(conn, "UPDATE t SET x = 'c' WHERE id = 2");
    assert_int_equal(first.sets, 1);
    assert_int_equal(first.rows, 2);
    assert_int_equal(second.sets, 2);
    assert_int_equal(second.token, 2);
    mr_change_set *set;
    assert_int_equal(mr_feed_since(feed, 1, &set), MR_OK);
    const mr_change *c = mr_change_at(set, 0);
    assert_int_equal(c->kind, MR_CHANGE_UPDATE);
    assert_string_equal(c->table->name, "t");
    assert_string_equal(c->table->columns[1].name, "x");
    assert_true(c->table->columns[0].key);
    assert_int_equal(c->rowid, 2);
    assert_false(mr_change_differs(c, 0));
    assert_true(mr_change_differs(c, 1));
    db_assert_bytes(&c->old_values[1], MR_TEXT, "b");
    db_assert_bytes(&c->new_values[1], MR_TEXT, "c");
    /* A set that is retained outlives the feed, and so does its table. */
    mr_change_set_retain(set);
    mr_feed_release(again);
    mr_feed_release(feed);
    assert_null(mr_conn_record(conn));
    assert_string_equal(mr_change_at(set, 0)->table->name, "t");
    mr_change_set_release(set);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

static void test_engine_ends_first(void **state) {
    mr_engine *engine = db_memory_engine(state);
    mr_feed *feed = feed_of(engine);
    mr_conn *conn = db_connect(engine);
    db_run(conn, "CREATE TABLE t (x)");
    commit(conn, "INSERT INTO t VALUES (1)");
    mr_conn_close(conn);
    mr_engine_release(engine);
    bool outside;
    assert_int_equal(mr_feed_token(feed), 1);
    assert_int_equal(mr_feed_poll(feed, &outside), MR_OK);
    assert_false(outside);
    mr_feed_release(feed);
}

static bool polled(mr_feed *feed) {
    bool outside = false;
    assert_int_equal(mr_feed_poll(feed, &outside), MR_OK);
    return outside;
}

static void outside_in(void **state, const char *mode) {
    db_fixture *f = *state;
    char url[200], pragma[100];
    snprintf(url, sizeof url, "%s?journal_mode=%s", f->url, mode);
    snprintf(pragma, sizeof pragma, "CREATE TABLE t_%s (x)", mode);
    mr_engine *engine = db_engine(f->env, url, -1), *other = db_engine(f->env, url, -1);
    mr_conn *conn = db_connect(engine), *second = db_connect(engine), *foreign = db_connect(other);
    db_run(conn, pragma);
    snprintf(pragma, sizeof pragma, "INSERT INTO t_%s VALUES (1)", mode);
    mr_feed *feed = feed_of(engine);
    heard h = {.feed = feed};
    assert_int_equal(mr_feed_subscribe(feed, hear, &h), MR_OK);
    assert_false(polled(feed));
    commit(conn, pragma);
    commit(second, pragma);
    assert_false(polled(feed));
    commit(foreign, pragma);
    assert_true(polled(feed));
    assert_false(polled(feed));
    assert_int_equal(h.outside, 1);
    /* Both have committed since the last poll, in either order. */
    commit(foreign, pragma);
    commit(conn, pragma);
    assert_int_equal(h.outside, 2);
    assert_false(polled(feed));
    commit(second, pragma);
    commit(foreign, pragma);
    commit(foreign, pragma);
    assert_true(polled(feed));
    assert_int_equal(h.outside, 3);
    assert_int_equal(h.token, 7);
    mr_feed_release(feed);
    mr_conn_close(conn);
    mr_conn_close(second);
    mr_conn_close(foreign);
    mr_engine_release(engine);
    mr_engine_release(other);
}

static void test_outside(void **state) {
    outside_in(state, "delete");
    outside_in(state, "wal");
}

/* Begins with a feed; each allocation of a transaction fails in turn. Either all is told, or nothing is committed. */
static void no_memory(void **state, bool once) {
    db_fixture *f = *state;
    bool done = false;
    for (size_t at = 1; !done; at++) {
        mr_engine *engine = db_memory_engine(state);
        mr_conn *conn = db_connect(engine);
        db_run(conn, "CREATE TABLE t (id INTEGER PRIMARY KEY, x)");
        mr_feed *feed = feed_of(engine);
        size_t before = f->fa.calls;
        if (once) fa_arm_once(&f->fa, at);
        else fa_arm(&f->fa, at);
        mr_status status = mr_conn_begin(conn, MR_TX_DEFAULT);
        if (status == MR_OK) status = db_try(conn, "INSERT INTO t VALUES (1, 'a'), (2, 'b')");
        if (status == MR_OK) status = mr_conn_savepoint(conn, 1);
        if (status == MR_OK) status = db_try(conn, "UPDATE t SET x = 'long enough not to be an integer'");
        if (status == MR_OK) status = mr_conn_rollback_to(conn, 1);
        if (status == MR_OK) status = mr_conn_commit(conn);
        fa_disarm(&f->fa);
        done = status == MR_OK && f->fa.calls - before < at;
        mr_conn_rollback(conn);
        mr_change_set *set;
        assert_int_equal(mr_feed_since(feed, 0, &set), MR_OK);
        assert_int_equal(set ? set->changes.len : 0, db_int(conn, "SELECT count(*) FROM t"));
        assert_true(status == MR_OK || !set);
        mr_env_clear_error(f->env);
        mr_feed_release(feed);
        mr_conn_close(conn);
        mr_engine_release(engine);
    }
}

static void test_no_memory(void **state) {
    no_memory(state, false);
    no_memory(state, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_subscribers),
        DB_TEST(test_engine_ends_first),
        DB_TEST(test_outside),
        DB_TEST(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
