/*
 * test_session_transaction.c: transactions of a session: rollback, changed keys, savepoints, failed flushes, events;
 * each allocation and each driver call fails in turn.
 */
#include "session_fixture.h"

/* ---------------------------------------------------------------- transactions */

static void rolled_back(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *doomed = saved("bob"), *fresh = object("User", "eve"), *marked = saved("max");
    add(fresh);
    ok(set(u, "name", text("anna")));
    ok(mr_session_delete(session, doomed));
    flush();
    expect_int(fresh, "id", 4);
    mr_entity *pending = object("User", "pia");
    add(pending);
    ok(set(u, "email", text("a@b")));
    ok(mr_session_delete(session, marked));
    assert_true(mr_session_in_transaction(session));
    rollback();
    assert_false(mr_session_in_transaction(session));
    expect_state(fresh, MR_TRANSIENT);
    expect_state(pending, MR_TRANSIENT);
    expect_state(doomed, MR_PERSISTENT);
    expect_state(marked, MR_PERSISTENT);
    assert_int_equal(mr_session_deleted_count(session), 0);
    assert_int_equal(mr_session_dirty_count(session), 0);
    expect_nil(fresh, "id");
    assert_false(mr_attribute_is_loaded(fresh, attribute(fresh, "email")));
    expect_text(fresh, "name", "eve");
    expect_text(u, "name", "ann");
    expect_text(u, "email", NULL);
    expect_text(doomed, "name", "bob");
    mr_entity *e = fetch_by("User", 2);
    assert_ptr_equal(e, doomed);
    mr_entity_unpin(e);
    add(fresh);
    commit();
    expect_int(fresh, "id", 4);
    expect_text(fresh, "name", "eve");
}

static void changed_keys(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *v = saved("bob"), *e;
    ok(set(u, "id", mr_int_value(10)));
    flush();
    assert_ptr_equal(e = fetch_by("User", 10), u);
    mr_entity_unpin(e);
    assert_null(fetch_by("User", 1));
    rollback();
    assert_ptr_equal(e = fetch_by("User", 1), u);
    mr_entity_unpin(e);
    expect_int(u, "id", 1);
    assert_null(fetch_by("User", 10));
    ok(mr_session_delete(session, v));
    flush();
    mr_entity *again = object("User", "new");
    ok(set(again, "id", mr_int_value(2)));
    add(again);
    flush();
    assert_ptr_equal(e = fetch_by("User", 2), again);
    mr_entity_unpin(e);
    rollback();
    assert_ptr_equal(e = fetch_by("User", 2), v);
    mr_entity_unpin(e);
    expect_int(again, "id", 2); /* the program has set it: it stays */
}

static void expunged_before_a_rollback(void **state) {
    (void)state;
    users();
    mr_entity *u = object("User", "ann"), *v = object("User", "eve");
    add(u);
    add(v);
    flush();
    ok(mr_session_expunge(session, u));
    expect_state(u, MR_DETACHED);
    mr_session_expunge_all(session);
    expect_state(v, MR_DETACHED);
    rollback();
    expect_state(u, MR_TRANSIENT);
    expect_state(v, MR_TRANSIENT);
    expect_nil(u, "id");
    expect_text(v, "name", "eve");
}

static void savepoints(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *outer = object("User", "outer"), *inner = object("User", "inner"), *v = saved("bob");
    add(outer);
    ok(set(u, "name", text("one")));
    ok(mr_session_begin_nested(session));
    expect_state(outer, MR_PERSISTENT);
    assert_int_equal(mr_session_nesting(session), 2);
    uint64_t serial = mr_session_transaction_serial(session);
    add(inner);
    ok(set(u, "name", text("two")));
    ok(mr_session_delete(session, v));
    flush();
    ok(set(outer, "name", text("changed")));
    rollback();
    assert_int_equal(mr_session_nesting(session), 1);
    assert_false(mr_session_transaction_serial(session) == serial);
    expect_state(inner, MR_TRANSIENT);
    expect_nil(inner, "id");
    expect_state(v, MR_PERSISTENT);
    expect_state(outer, MR_PERSISTENT);
    expect_text(u, "name", "one");
    expect_text(outer, "name", "outer");
    ok(mr_session_begin_nested(session));
    ok(mr_session_begin_nested(session));
    add(inner);
    ok(set(u, "name", text("three")));
    commit();
    commit();
    assert_int_equal(mr_session_nesting(session), 1);
    expect_text(u, "name", "three");
    rollback();
    expect_state(inner, MR_TRANSIENT);
    expect_state(outer, MR_TRANSIENT);
    expect_text(u, "name", "ann");
    ok(mr_session_begin_nested(session));
    add(inner);
    ok(mr_session_commit_all(session));
    expect_int(inner, "id", 3);
}

static void beginning(void **state) {
    (void)state;
    users();
    ok(mr_session_begin(session, MR_TX_DEFAULT));
    fails(mr_session_begin(session, MR_TX_DEFAULT), MR_ERR_INVALID_REQUEST,
          "A transaction is already begun on this Session: end it first, or use begin_nested()");
    rollback();
    ok(mr_session_begin(session, MR_TX_DEFERRED));
    saved("ann");
    assert_false(mr_session_in_transaction(session));
    mr_session *unbound;
    ok(mr_session_new(env, NULL, NULL, &unbound));
    ok(mr_session_add(unbound, object("User", "eve")));
    fails(mr_session_flush(unbound), MR_ERR_INVALID_REQUEST,
          "this session is not bound to an engine: give one, mr.Session(engine) or sessionmaker{ bind = "
          "engine }");
    mr_session_release(unbound);
}

static void failed_flush(void **state) {
    (void)state;
    users();
    mr_entity *u = saved("ann"), *bad = object("User", "bad"), *good = object("User", "good");
    add(good);
    ok(set(u, "name", text("anna")));
    flush();
    elsewhere("SELECT 1");
    ok(set(bad, "id", mr_int_value(1)));
    mr_session_expunge_all(session); /* so that only the database can find the conflict */
    add(bad);
    add(good);
    assert_int_equal(mr_session_flush(session), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_INTEGRITY);
    char message[400];
    snprintf(
        message, sizeof message,
        "This Session's transaction has been rolled back due to a previous exception during flush. To "
        "begin a new "
        "transaction with this Session, first issue session:rollback(). Original exception was: IntegrityError: %s",
        mr_env_error(env)->message);
    fails(mr_session_flush(session), MR_ERR_PENDING_ROLLBACK, message);
    fails(mr_session_commit(session), MR_ERR_PENDING_ROLLBACK, message);
    fails(mr_session_add(session, u), MR_ERR_PENDING_ROLLBACK, message);
    mr_value key = mr_int_value(1);
    mr_entity *e;
    fails(mr_session_get(session, class_named("User"), &key, 1, NULL, false, &e), MR_ERR_PENDING_ROLLBACK, message);
    expect_state(bad, MR_TRANSIENT);
    rollback();
    assert_false(mr_session_in_transaction(session));
    e = fetch_by("User", 1);
    expect_text(e, "name", "ann");
    mr_entity_unpin(e);
}

static void failed_flush_in_a_savepoint(void **state) {
    (void)state;
    users();
    mr_entity *outer = object("User", "outer"), *bad = object("User", "bad");
    saved("ann");
    mr_session_expunge_all(session);
    add(outer);
    ok(mr_session_begin_nested(session));
    ok(set(bad, "id", mr_int_value(1)));
    add(bad);
    assert_int_equal(mr_session_flush(session), MR_FAIL);
    expect_state(bad, MR_TRANSIENT);
    expect_state(outer, MR_PERSISTENT);
    assert_int_equal(mr_session_nesting(session), 2);
    rollback();
    assert_int_equal(mr_session_nesting(session), 1);
    expect_text(outer, "name", "outer");
    commit();
    expect_int(outer, "id", 2);
}

static mr_status failing_hook(mr_env *e, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                              mr_entity *entity) {
    (void)event, (void)mapper, (void)conn, (void)entity;
    return *(int *)ud ? mr_fail(e, MR_ERR_CALLBACK, "no") : MR_OK;
}

static void failure_before_the_first_statement(void **state) {
    (void)state;
    users();
    int failing = 1;
    mr_entity *u = saved("ann"), *pending = object("User", "eve");
    expect_text(u, "name", "ann");
    ok(mr_mapper_listen(class_named("User"), MR_EVENT_BEFORE_INSERT, failing_hook, &failing, false));
    add(pending);
    record();
    fails(mr_session_flush(session), MR_ERR_CALLBACK, "no");
    expect_count(0);
    expect_state(pending, MR_PENDING);
    assert_false(mr_session_in_transaction(session));
    failing = 0;
    commit();
    expect_int(pending, "id", 2);
}

/* ---------------------------------------------------------------- hooks and phases */

static char seen[200];

static mr_status note_event(mr_env *e, void *ud, mr_session_event event, mr_session *s) {
    (void)ud;
    static const char *const names[] = {"before_flush",   "after_flush", "before_commit", "after_commit",
                                        "after_rollback", "after_begin", "compare"};
    size_t len = strlen(seen);
    snprintf(seen + len, sizeof seen - len, "%s ", names[event]);
    if (event == MR_SESSION_BEFORE_FLUSH || event == MR_SESSION_AFTER_FLUSH) {
        assert_int_equal(mr_session_new_count(s), 1);
        fails(mr_session_flush(s), MR_ERR_INVALID_REQUEST, "Session is already flushing");
        fails(mr_session_commit(s), MR_ERR_INVALID_REQUEST,
              "commit() is not possible while the session is flushing: do it afterwards");
        mr_session_close(s);
        mr_env_clear_error(e);
    }
    return MR_OK;
}

static void events(void **state) {
    (void)state;
    users();
    for (int event = 0; event < MR_SESSION__COUNT; event++)
        ok(mr_session_listen(session, (mr_session_event)event, note_event, NULL));
    seen[0] = '\0';
    saved("ann");
    assert_string_equal(seen, "before_commit before_flush after_begin after_flush after_commit ");
    seen[0] = '\0';
    add(object("User", "eve"));
    flush();
    rollback();
    assert_string_equal(seen, "before_flush after_begin after_flush after_rollback ");
    mr_session_unlisten(session, MR_SESSION_AFTER_ROLLBACK, note_event, NULL);
    seen[0] = '\0';
    rollback();
    assert_string_equal(seen, "");
}

static mr_status add_another(mr_env *e, void *ud, mr_session_event event, mr_session *s) {
    (void)e, (void)event;
    int *left = ud;
    if ((*left)-- <= 0) return MR_OK;
    return mr_session_add(s, object("User", "more"));
}

static void objects_added_while_flushing(void **state) {
    (void)state;
    users();
    int before = 1, after = 1;
    ok(mr_session_listen(session, MR_SESSION_BEFORE_FLUSH, add_another, &before));
    ok(mr_session_listen(session, MR_SESSION_AFTER_FLUSH, add_another, &after));
    add(object("User", "ann"));
    flush();
    assert_int_equal(mr_session_new_count(session), 1);
    commit();
    assert_int_equal(mr_session_new_count(session), 0);
    mr_entity *e = fetch_by("User", 3);
    assert_non_null(e);
    mr_entity_unpin(e);
}

/* ---------------------------------------------------------------- failing memory, failing driver */

static mr_status work(mr_entity **made) {
    mr_entity *e = mr_entity_new(env, class_named("User"));
    if (!e) return MR_FAIL;
    *made = mr_entity_pin(e);
    mr_value name = text("a name too long to be kept in a small place");
    if (mr_attribute_set(e, attribute(e, "name"), &name) != MR_OK || mr_session_add(session, e) != MR_OK ||
        mr_session_flush(session) != MR_OK)
        return MR_FAIL;
    name = text("another");
    if (mr_attribute_set(e, attribute(e, "name"), &name) != MR_OK || mr_session_begin_nested(session) != MR_OK)
        return MR_FAIL;
    name = text("third");
    if (mr_attribute_set(e, attribute(e, "name"), &name) != MR_OK || mr_session_flush(session) != MR_OK ||
        mr_session_rollback(session) != MR_OK || mr_session_commit(session) != MR_OK)
        return MR_FAIL;
    const mr_value *v;
    if (mr_attribute_get(e, attribute(e, "name"), &v) != MR_OK) return MR_FAIL;
    assert_int_equal(v->len, 7);
    if (mr_session_delete(session, e) != MR_OK || mr_session_commit(session) != MR_OK) return MR_FAIL;
    return MR_OK;
}

static void expect_sound(mr_entity *made) {
    ok(mr_session_rollback_all(session));
    assert_false(mr_session_in_transaction(session));
    assert_int_equal(
        mr_session_new_count(session) + mr_session_dirty_count(session) + mr_session_deleted_count(session), 0);
    if (made && mr_session_state_of(made) == MR_TRANSIENT) expect_nil(made, "id");
    if (made) mr_entity_unpin(made);
    elsewhere("DELETE FROM users");
    commit();
}

static void failing_memory(void **state) {
    (void)state;
    users();
    mr_entity *made = NULL;
    ok(work(&made));
    expect_sound(made);
    for (int once = 0; once < 2; once++) {
        bool done = false;
        for (size_t n = 1; !done; n++) {
            made = NULL;
            if (once) fa_arm_once(&fa, n);
            else fa_arm(&fa, n);
            mr_status status = work(&made);
            done = fa.calls < fa.fail_at;
            fa_disarm(&fa);
            mr_errkind kind = mr_env_error(env)->kind;
            if (status != MR_OK && kind != MR_ERR_NO_MEMORY && kind != MR_ERR_PENDING_ROLLBACK)
                fail_msg("allocation %zu: %s", n, mr_env_error(env)->message);
            expect_sound(made);
        }
    }
}

static void failing_driver(void **state) {
    (void)state;
    users();
    mr_entity *made = NULL;
    ok(work(&made));
    expect_sound(made);
    for (uint64_t n = 1;; n++) {
        made = NULL;
        mr_engine_fail_at(engine, n);
        mr_status status = work(&made);
        bool reached = mr_engine_calls(engine) >= n;
        mr_engine_fail_at(engine, 0);
        if (status != MR_OK && !strstr(mr_env_error(env)->message, "injected failure"))
            fail_msg("call %d: %s", (int)n, mr_env_error(env)->message);
        expect_sound(made);
        if (!reached) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(rolled_back),
        TEST(changed_keys),
        TEST(expunged_before_a_rollback),
        TEST(savepoints),
        TEST(beginning),
        TEST(failed_flush),
        TEST(failed_flush_in_a_savepoint),
        TEST(failure_before_the_first_statement),
        TEST(events),
        TEST(objects_added_while_flushing),
        TEST(failing_memory),
        TEST(failing_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
