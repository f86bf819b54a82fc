/*
 * test_session.c: the states of objects in a session, get, expiry, merge and statements, without relationships.
 */
#include "session_fixture.h"

/* ---------------------------------------------------------------- states */

static void from_transient_to_detached(void **state) {
    (void)state;
    users();
    mr_entity *u = object("User", "ann");
    expect_state(u, MR_TRANSIENT);
    expect_nil(u, "email");
    add(u);
    expect_state(u, MR_PENDING);
    assert_true(mr_session_contains(session, u));
    assert_ptr_equal(mr_session_of(u), session);
    assert_int_equal(mr_session_new_count(session), 1);
    add(u);
    assert_int_equal(mr_session_new_count(session), 1);
    record();
    flush();
    expect_statements("INSERT INTO users (name, email, bio, photo) VALUES (?, ?, ?, ?)");
    expect_state(u, MR_PERSISTENT);
    expect_int(u, "id", 1);
    assert_int_equal(mr_session_new_count(session), 0);
    ok(set(u, "name", text("bob")));
    assert_int_equal(mr_session_dirty_count(session), 1);
    assert_ptr_equal(mr_session_dirty_at(session, 0), u);
    assert_true(mr_session_is_modified(session, u));
    record();
    flush();
    expect_statements("UPDATE users SET name=? WHERE users.id = ?");
    assert_false(mr_session_is_modified(session, u));
    ok(mr_session_delete(session, u));
    expect_state(u, MR_PERSISTENT);
    assert_int_equal(mr_session_deleted_count(session), 1);
    assert_int_equal(mr_session_dirty_count(session), 0);
    flush();
    expect_state(u, MR_DELETED);
    assert_false(mr_session_contains(session, u));
    fails(mr_session_add(session, u), MR_ERR_INVALID_REQUEST,
          "Instance '<User 1>' has been deleted in this transaction: roll it back, or make a new object in "
          "its place");
    commit();
    expect_state(u, MR_DETACHED);
    assert_null(mr_session_of(u));
    fails(mr_session_add(session, u), MR_ERR_INVALID_REQUEST,
          "Instance '<User 1>' has been deleted: make a new object in its place");
}

static void refused_moves(void **state) {
    (void)state;
    users();
    mr_entity *u = object("User", "ann"), *other = object("User", "eve");
    fails(mr_session_delete(session, u), MR_ERR_INVALID_REQUEST,
          "Instance '<User (transient)>' is not persisted: only what has a row can be deleted (expunge takes a "
          "pending one out)");
    fails(mr_session_expunge(session, u), MR_ERR_INVALID_REQUEST,
          "Instance <User (transient)> is not present in this Session");
    fails(mr_session_refresh(session, u, NULL, 0), MR_ERR_INVALID_REQUEST,
          "Instance '<User (transient)>' is not persistent within this Session: add and flush it first");
    add(u);
    fails(mr_session_expire(session, u, NULL, 0), MR_ERR_INVALID_REQUEST,
          "Instance '<User (pending)>' is not persistent within this Session: add and flush it first");
    commit();
    mr_session *second;
    ok(mr_session_new(env, engine, NULL, &second));
    fails(mr_session_add(second, u), MR_ERR_INVALID_REQUEST,
          "Object '<User 1>' is already attached to another session; expunge it there or merge it here");
    fails(mr_session_delete(second, u), MR_ERR_INVALID_REQUEST,
          "Object '<User 1>' is already attached to another session; expunge it there or merge it here");
    ok(set(other, "id", mr_int_value(1)));
    add(other);
    assert_int_equal(mr_session_flush(session), MR_FAIL);
    assert_false(mr_env_error(env)->kind == MR_ERR_NO_MEMORY);
    rollback();
    expect_state(other, MR_TRANSIENT);
    mr_session_release(second);
    fails(set(u, "id", text("x")), MR_ERR_ARGUMENT, "User.id: expected an integer, got string \"x\"");
    expect_int(u, "id", 1);
}

static void expunging(void **state) {
    (void)state;
    users();
    mr_entity *pending = object("User", "ann"), *u = saved("bob");
    add(pending);
    ok(mr_session_expunge(session, pending));
    expect_state(pending, MR_TRANSIENT);
    assert_int_equal(mr_session_new_count(session), 0);
    ok(set(u, "name", text("rob")));
    ok(mr_session_expunge(session, u));
    expect_state(u, MR_DETACHED);
    assert_int_equal(mr_session_dirty_count(session), 0);
    expect_text(u, "name", "rob");
    const mr_value *v;
    fails(mr_attribute_get(u, attribute(u, "email"), &v), MR_ERR_DETACHED_INSTANCE,
          "Instance <User 1> is not bound to a Session; attribute 'email' is not loaded: load it before "
          "the session "
          "closes, or merge the object into a session");
    add(u);
    expect_state(u, MR_PERSISTENT);
    assert_int_equal(mr_session_dirty_count(session), 1);
    record();
    commit();
    expect_statements("UPDATE users SET name=? WHERE users.id = ?");
    mr_entity *loaded;
    ok(mr_session_expunge(session, u));
    loaded = fetch_by("User", 1);
    assert_ptr_not_equal(loaded, u);
    fails(mr_session_add(session, u), MR_ERR_INVALID_REQUEST,
          "Can't attach instance '<User 1>'; another instance with its key is already present in this "
          "session: merge it "
          "instead");
    mr_entity_unpin(loaded);
}

static void closing(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *pending = object("User", "eve"), *changed = saved("bob");
    expect_text(u, "name", "ann");
    ok(set(changed, "name", text("rob")));
    add(pending);
    mr_session_close(session);
    expect_state(u, MR_DETACHED);
    expect_state(pending, MR_TRANSIENT);
    expect_text(u, "name", "ann");
    ok(set(u, "name", text("anna")));
    expect_text(changed, "name", "rob");
    add(u);
    add(changed);
    expect_state(u, MR_PERSISTENT);
    assert_int_equal(mr_session_dirty_count(session), 2);
    commit();
    expect_text(u, "name", "anna");
    expect_text(changed, "name", "rob");
    mr_session_expunge_all(session);
    expect_state(u, MR_DETACHED);
}

/* ---------------------------------------------------------------- get and expiry */

static void get_by_key(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *e;
    record();
    assert_ptr_equal(e = fetch_by("User", 1), u);
    expect_statements(
        "SELECT users.id AS users_id, users.name AS users_name, users.email AS users_email FROM users WHERE "
        "users.id = ?");
    mr_entity_unpin(e);
    record();
    assert_ptr_equal(e = fetch_by("User", 1), u);
    mr_entity_unpin(e);
    mr_value key = mr_float_value(1.0);
    ok(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e));
    assert_ptr_equal(e, u);
    mr_entity_unpin(e);
    expect_count(0);
    key = text("1");
    fails(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e), MR_ERR_ARGUMENT,
          "User.id: expected an integer, got string \"1\" (math.tointeger(text) makes one of text)");
    fails(mr_session_get(session, class_named("User"), &key, 2, NULL, false, &e), MR_ERR_ARGUMENT,
          "the primary key of User has 1 column (id), but get() was given 2 values");
    record();
    key = mr_null_value();
    assert_int_equal(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e), MR_NOTFOUND);
    expect_count(0);
    key = mr_int_value(7);
    assert_int_equal(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e), MR_NOTFOUND);
    mr_entity *pending = object("User", "eve");
    ok(set(pending, "id", mr_int_value(8)));
    add(pending);
    assert_ptr_equal(e = fetch_by("User", 8), pending);
    mr_entity_unpin(e);
    mr_session_expunge_all(session);
    record();
    e = fetch_by("User", 1);
    assert_ptr_not_equal(e, u);
    expect_count(1);
    mr_entity_unpin(e);
}

static void rows_that_are_gone(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *v = saved("bob"), *e;
    elsewhere("DELETE FROM users");
    const mr_value *value;
    fails(mr_attribute_get(u, attribute(u, "name"), &value), MR_ERR_OBJECT_DELETED,
          "Instance '<User 1>' has been deleted, or its row is otherwise not present.");
    fails(mr_session_refresh(session, v, NULL, 0), MR_ERR_INVALID_REQUEST,
          "Could not refresh instance '<User 2>': its row is gone");
    mr_value key = mr_int_value(1);
    assert_int_equal(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e), MR_NOTFOUND);
    expect_state(u, MR_DELETED);
    rollback();
    expect_state(u, MR_PERSISTENT);
    assert_int_equal(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e), MR_NOTFOUND);
    commit();
    expect_state(u, MR_DETACHED);
}

static void expiring(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann");
    elsewhere("UPDATE users SET email = 'a@b', bio = 'x', photo = 'y'");
    ok(set(u, "name", text("anna")));
    record();
    expect_text(u, "email", "a@b");
    expect_text(u, "name", "anna");
    expect_count(2); /* the autoflush, and one SELECT for all expired columns */
    record();
    expect_text(u, "bio", "x");
    expect_text(u, "photo", "y");
    expect_statements("SELECT users.bio AS users_bio, users.photo AS users_photo FROM users WHERE users.id = ?");
    commit();
    mr_session_set_flags(session, 0, -1);
    expect_text(u, "name", "anna");
    ok(set(u, "name", text("other")));
    const char *names[] = {"email"};
    elsewhere("UPDATE users SET email = 'c@d'");
    ok(mr_session_expire(session, u, names, 1));
    assert_false(mr_attribute_is_loaded(u, attribute(u, "email")));
    record();
    expect_text(u, "email", "c@d");
    expect_count(1);
    expect_text(u, "name", "other");
    ok(mr_session_refresh(session, u, NULL, 0));
    expect_text(u, "name", "anna");
    assert_int_equal(mr_session_dirty_count(session), 0);
    const char *unknown[] = {"emial"};
    fails(mr_session_expire(session, u, unknown, 1), MR_ERR_ARGUMENT,
          "'emial' is no mapped attribute of User (did you mean 'email'?)");
    mr_session_expire_all(session);
    record();
    expect_text(u, "email", "c@d");
    expect_text(u, "name", "anna");
    expect_count(1);
    mr_session_set_flags(session, -1, 0);
    commit();
    record();
    expect_text(u, "name", "anna");
    expect_count(0);
}

static void what_others_commit(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *v = saved("bob");
    expect_text(u, "name", "ann");
    expect_text(v, "name", "bob");
    elsewhere("UPDATE users SET name = 'zed', email = 'z'");
    ok(set(v, "email", text("v@w")));
    record();
    flush();
    expect_statements("UPDATE users SET email=? WHERE users.id = ?");
    record();
    expect_text(u, "name", "zed");
    expect_count(1);
}

/* ---------------------------------------------------------------- merge, statements */

static void merging(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *given = object("User", NULL), *merged, *fresh = object("User", "eve");
    ok(set(u, "email", text("a@b")));
    commit();
    ok(set(given, "id", mr_int_value(1)));
    ok(set(given, "name", text("anna")));
    ok(mr_session_merge(session, given, true, &merged));
    assert_ptr_equal(merged, u);
    mr_entity_unpin(merged);
    expect_state(given, MR_TRANSIENT);
    expect_text(u, "name", "anna");
    expect_text(u, "email", "a@b");
    ok(mr_session_merge(session, fresh, true, &merged));
    assert_ptr_not_equal(merged, fresh);
    expect_state(merged, MR_PENDING);
    mr_entity_unpin(merged);
    record();
    ok(mr_session_merge(session, given, true, &merged));
    mr_entity_unpin(merged);
    commit();
    mr_session *second;
    ok(mr_session_new(env, engine, NULL, &second));
    expect_text(u, "name", "anna");
    expect_text(u, "email", "a@b");
    record();
    ok(mr_session_merge(second, u, false, &merged));
    assert_ptr_not_equal(merged, u);
    assert_ptr_equal(mr_session_of(merged), second);
    expect_text(merged, "name", "anna");
    expect_count(0);
    assert_int_equal(mr_session_dirty_count(second), 0);
    mr_entity_unpin(merged);
    ok(set(u, "name", text("x")));
    mr_session_expunge_all(second);
    fails(mr_session_merge(second, u, false, &merged), MR_ERR_INVALID_REQUEST,
          "merge() of <User 1> with load = false does not support changed objects: flush its changes first");
    fails(mr_session_merge(second, given, false, &merged), MR_ERR_INVALID_REQUEST,
          "merge() of <User (transient)> with load = false does not support objects without a row: flush its "
          "changes "
          "first");
    mr_session_release(second);
}

static void statements(void **state) {
    (void)state;
    users();
    add(object("User", "ann"));
    mr_session_cursor c;
    ok(mr_session_execute(session, mr_sql_text(env, "SELECT count(*) FROM users", 26), NULL, 0, &c));
    assert_int_equal(mr_cursor_step(c.cursor), MR_ROW);
    mr_value v;
    ok(mr_cursor_fetch(c.cursor, NULL, &v));
    assert_int_equal(v.u.i, 1);
    mr_session_cursor_close(env, &c);
    const char *sql = "UPDATE users SET name = :n";
    mr_named_value named = {"n", text("zed")};
    ok(mr_session_execute(session, mr_sql_text(env, sql, strlen(sql)), &named, 1, &c));
    assert_int_equal(mr_cursor_step(c.cursor), MR_DONE);
    assert_int_equal(mr_cursor_rowcount(c.cursor), 1);
    mr_session_cursor_close(env, &c);
    assert_true(mr_session_in_transaction(session));
    rollback();
    assert_int_equal(mr_session_execute(session, mr_sql_text(env, "SELEC", 5), NULL, 0, &c), MR_FAIL);
}

static void constant_time_commit(void **state) {
    (void)state;
    users();
    enum { N = 2000 };
    mr_entity *first = NULL;
    for (int i = 0; i < N; i++) {
        mr_entity *e = object("User", "x");
        if (!first) first = e;
        add(e);
    }
    commit();
    size_t calls = fa.calls;
    commit();
    assert_int_equal(fa.calls, calls);
    expect_text(first, "name", "x");
}

/* ---------------------------------------------------------------- queries */

static mr_query *all_users(void) {
    mr_query_item item = {class_named("User"), NULL, NULL, mr_intern(env, "User", 4)};
    return mr_query_new(env, &item, 1, false);
}

static size_t count_users(mr_session *s, bool autoflush) {
    mr_query *q = all_users(), *quiet = mr_query_flags(q, -1, autoflush);
    mr_load *load;
    const mr_value *rows;
    size_t n = 0;
    ok(mr_session_load(s, quiet, &load));
    ok(mr_load_all(load, &rows, &n));
    mr_load_close(load);
    mr_query_release(q);
    mr_query_release(quiet);
    return n;
}

static void queries_find_what_is_pending(void **state) {
    (void)state;
    users();
    mr_session *second;
    ok(mr_session_new(env, engine, NULL, &second));
    add(object("User", "ann"));
    assert_int_equal(count_users(session, false), 0);
    mr_session_block_autoflush(session, 1);
    assert_int_equal(count_users(session, true), 0);
    mr_session_block_autoflush(session, -1);
    assert_int_equal(count_users(session, true), 1);
    assert_int_equal(count_users(second, true), 0);
    commit();
    assert_int_equal(count_users(second, true), 1);
    assert_false(mr_session_in_transaction(second));
    mr_session_release(second);
}

static void results_across_a_commit(void **state) {
    (void)state;
    users();
    add(object("User", "ann"));
    add(object("User", "eve"));
    commit();
    mr_query *q = all_users(), *slow = mr_query_yield_per(q, 1);
    mr_load *load;
    ok(mr_session_load(session, slow, &load));
    assert_int_equal(mr_load_step(load), MR_ROW);
    commit();
    assert_int_equal(mr_load_step(load), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_INVALID_REQUEST);
    mr_load_close(load);
    mr_query_release(q);
    mr_query_release(slow);
}

static void lock_of_another_session(void **state) {
    (void)state;
    users();
    mr_session *second;
    ok(mr_session_new(env, engine, NULL, &second));
    add(object("User", "ann"));
    flush();
    mr_entity *other = object("User", "eve");
    ok(mr_session_add(second, other));
    assert_int_equal(mr_session_commit(second), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_OPERATIONAL);
    expect_state(other, MR_PENDING); /* nothing was sent: the commit can be tried again */
    commit();
    ok(mr_session_commit(second));
    expect_int(other, "id", 2);
    mr_session_release(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(from_transient_to_detached),
        TEST(refused_moves),
        TEST(expunging),
        TEST(closing),
        TEST(get_by_key),
        TEST(rows_that_are_gone),
        TEST(expiring),
        TEST(what_others_commit),
        TEST(merging),
        TEST(statements),
        TEST(constant_time_commit),
        TEST_ON_FILE(queries_find_what_is_pending),
        TEST(results_across_a_commit),
        TEST(lock_of_another_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
