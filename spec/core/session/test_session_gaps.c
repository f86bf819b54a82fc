/*
 * test_session_gaps.c: what a rollback gives back to objects (values, identities), and what is known of an object that
 * has expired by itself. Each allocation fails in turn.
 */
#include "session_fixture.h"

static void words(void) {
    mr_mapper *m = mr_mapper_new(registry, "Word", NULL);
    mr_column *key = mr_column_new(env, NULL, mr_type_simple(MR_TYPE_TEXT));
    key->primary_key = true;
    mr_mapper_add_column(m, "key", key);
    text_attribute(m, "name");
    end_class(m, "word");
    create_tables();
}

/* The heap's count of bytes does not grow from round to round. */
static void identities_put_back(void **state) {
    (void)state;
    words();
    mr_heap *heap = mr_heap_of(env);
    mr_entity *word = object("Word", "w");
    ok(set(word, "key", text("a key that is owned")));
    add(word);
    commit();
    ok(set(word, "key", text("rekeyed")));
    commit(); /* now the identity has its own block */
    size_t bytes = 0;
    for (int round = 0; round < 4; round++) {
        expect_text(word, "key", "rekeyed");
        ok(set(word, "key", text("another key, longer than the one before")));
        flush();
        ok(set(word, "key", text("a third that is still longer than the second one")));
        flush();
        rollback();
        expect_text(word, "key", "rekeyed");
        commit();
        if (round == 1) bytes = mr_heap_bytes(heap);
    }
    assert_int_equal(mr_heap_bytes(heap), bytes);
    mr_entity_unpin(word);
}

/* A rollback gives the values back, also with savepoints in between. */
static void values_kept(void **state) {
    (void)state;
    words();
    mr_entity *word = object("Word", "w");
    ok(set(word, "key", text("k")));
    add(word);
    flush();
    mr_session_expire_all(session);
    ok(mr_session_begin_nested(session));
    mr_session_expire_all(session);
    mr_entity *inner = object("Word", "inner");
    ok(set(inner, "key", text("i")));
    add(inner);
    flush();
    ok(mr_session_expire(session, inner, NULL, 0));
    rollback();
    expect_state(inner, MR_TRANSIENT);
    expect_text(inner, "name", "inner");
    expect_state(word, MR_PERSISTENT);
    record();
    expect_text(word, "name", "w");
    expect_count(1);
    mr_session_expire_all(session);
    rollback();
    expect_state(word, MR_TRANSIENT);
    expect_text(word, "name", "w");
    expect_text(word, "key", "k");
    mr_entity_unpin(word);
    mr_entity_unpin(inner);
}

/* An object that has expired by itself stays in its parent's list; no statement is sent for it. */
static void expired_alone(void **state) {
    (void)state;
    blog();
    mr_entity *from = object("Category", "from"), *to = object("Category", "to"), *post = object("Post", "p");
    ok(refer_to(post, "category", from));
    add(post);
    add(to);
    commit();
    assert_int_equal(items(from, "posts")->n, 1);
    get(to, "name");
    ok(mr_session_expire(session, post, NULL, 0));
    record();
    ok(refer_to(post, "category", from)); /* it is there already: nothing moves */
    assert_int_equal(items(from, "posts")->n, 1);
    ok(refer_to(post, "category", to));
    assert_int_equal(items(from, "posts")->n, 0);
    expect_count(0);
    commit();
    assert_int_equal(items(to, "posts")->n, 1);
    mr_entity_unpin(from);
    mr_entity_unpin(to);
    mr_entity_unpin(post);
}

/* Each allocation fails in turn: nothing leaks, and the session goes on. */
static void failing_memory(void **state) {
    (void)state;
    blog();
    for (size_t n = 1;; n++) {
        mr_entity *c = object("Category", "c"), *post = object("Post", "p");
        ok(refer_to(post, "category", c));
        add(post);
        flush();
        fa_arm(&fa, n);
        mr_session_expire_all(session);
        mr_status status = mr_session_begin_nested(session);
        if (status == MR_OK) status = mr_session_expire(session, post, NULL, 0);
        if (status == MR_OK) status = set(c, "name", text("d"));
        if (status == MR_OK) status = mr_session_flush(session);
        bool failed = fa.calls >= fa.fail_at;
        fa_disarm(&fa);
        mr_env_clear_error(env);
        ok(mr_session_rollback_all(session));
        expect_state(post, MR_TRANSIENT);
        mr_session_close(session);
        mr_entity_unpin(c);
        mr_entity_unpin(post);
        if (!failed) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(identities_put_back),
        TEST(values_kept),
        TEST(expired_alone),
        TEST(failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
