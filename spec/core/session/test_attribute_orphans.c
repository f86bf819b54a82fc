/*
 * test_attribute_orphans.c: deletions and orphans along relationships. Each allocation and each driver call fails in
 * turn.
 */
#include "session_fixture.h"

/* ---------------------------------------------------------------- deletion, orphans */

static void deleting_without_cascade(void **state) {
    (void)state;
    blog();
    mr_entity *c = saved_category("c", 2);
    assert_int_equal(items(c, "posts")->n, 2);
    mr_entity *p = mr_entity_pin(items(c, "posts")->items[0]);
    record();
    ok(mr_session_delete(session, c));
    commit();
    expect_statements("UPDATE post SET category_id=? WHERE post.id = ?\nDELETE FROM category WHERE category.id = ?");
    expect_nil(p, "category_id");
    mr_entity_unpin(p);
    c = saved_category("d", 2);
    expect_text(c, "name", "d");
    record();
    ok(mr_session_delete(session, c));
    commit();
    expect_count(3);
}

static void survivors(void **state) {
    (void)state;
    blog();
    mr_entity *c = saved_category("c", 1), *d = saved_category("d", 0);
    mr_entity *p = mr_entity_pin(items(c, "posts")->items[0]);
    ok(append(d, "posts", p));
    ok(mr_session_delete(session, c));
    commit();
    expect_int(p, "category_id", 2);
    mr_entity_unpin(p);
}

static void delete_orphan(void **state) {
    (void)state;
    blog_with(ALL_ORPHAN, false);
    mr_entity *c = saved_category("c", 2), *d = saved_category("d", 0), *pending = post("pending"),
              *tossed = post("tossed");
    mr_entity *p = mr_entity_pin(items(c, "posts")->items[0]), *q = mr_entity_pin(items(c, "posts")->items[1]);
    ok(append(c, "posts", pending));
    expect_state(pending, MR_PENDING);
    ok(take(c, "posts", pending));
    expect_state(pending, MR_TRANSIENT);
    ok(append(c, "posts", tossed));
    ok(append(d, "posts", tossed)); /* moved to another parent: it is no orphan */
    expect_state(tossed, MR_PENDING);
    ok(take(c, "posts", p));
    ok(append(d, "posts", q));
    commit();
    expect_state(p, MR_DETACHED);
    expect_state(q, MR_PERSISTENT);
    expect_int(q, "category_id", 2);
    assert_int_equal(items(d, "posts")->n, 2);
    ok(take(d, "posts", q));
    ok(mr_session_delete(session, d));
    commit();
    expect_state(q, MR_DETACHED);
    expect_state(tossed, MR_DETACHED);
    mr_entity_unpin(p);
    mr_entity_unpin(q);
}

static mr_status refuse_update(mr_env *e, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                               mr_entity *entity) {
    (void)event, (void)mapper, (void)conn, (void)entity;
    return *(bool *)ud ? mr_fail(e, MR_ERR_CALLBACK, "no") : MR_OK;
}

static void orphans_of_a_flush_that_was_not_sent(void **state) {
    (void)state;
    blog_with(ALL_ORPHAN, false);
    bool refuses = true;
    mr_entity *c = saved_category("c", 1), *d = saved_category("d", 0);
    mr_entity *p = mr_entity_pin(items(c, "posts")->items[0]);
    expect_text(d, "name", "d");
    ok(mr_mapper_listen(class_named("Category"), MR_EVENT_BEFORE_UPDATE, refuse_update, &refuses, false));
    ok(set(c, "name", text("x")));
    ok(take(c, "posts", p));
    fails(mr_session_flush(session), MR_ERR_CALLBACK, "no");
    assert_int_equal(mr_session_deleted_count(session), 0);
    ok(append(d, "posts", p));
    refuses = false;
    commit();
    expect_state(p, MR_PERSISTENT);
    expect_int(p, "category_id", 2);
    mr_entity_unpin(p);
}

static void orphan_of_a_reference(void **state) {
    (void)state;
    mr_mapper *user = begin_class("User");
    text_attribute(user, "name");
    refer(user, "card_id", "card.id");
    mr_relationship rel = relationship("Card", NULL);
    cascade(&rel, ALL_ORPHAN);
    rel.single_parent = true;
    mr_mapper_add_relationship(user, "card", &rel);
    end_class(user, "users");
    mr_mapper *card = begin_class("Card");
    text_attribute(card, "name");
    rel = relationship("Stamp", NULL);
    cascade(&rel, ALL_ORPHAN);
    mr_mapper_add_relationship(card, "stamps", &rel);
    end_class(card, "card");
    mr_mapper *stamp = begin_class("Stamp");
    text_attribute(stamp, "name");
    refer(stamp, "card_id", "card.id");
    end_class(stamp, "stamp");
    create_tables();
    mr_entity *u = object("User", "ann"), *c = object("Card", "c"), *s = object("Stamp", "s");
    ok(append(c, "stamps", s));
    ok(refer_to(u, "card", c));
    mr_entity *v = object("User", "eve");
    fails(refer_to(v, "card", c), MR_ERR_INVALID_REQUEST,
          "Instance <Card (transient)> is already associated with an instance of User via its User.card "
          "attribute, and is "
          "only allowed a single parent.");
    assert_null(related(v, "card"));
    add(u);
    commit();
    ok(refer_to(u, "card", NULL));
    record();
    commit();
    expect_state(c, MR_DETACHED);
    expect_state(s, MR_DETACHED);
    expect_nil(u, "card_id");
    ok(mr_session_delete(session, u));
    commit();
}

static void deleting_with_cascade(void **state) {
    (void)state;
    blog_with(ALL, false);
    mr_entity *c = saved_category("c", 3);
    mr_entity *p = mr_entity_pin(items(c, "posts")->items[0]);
    ok(mr_session_delete(session, c));
    assert_int_equal(mr_session_deleted_count(session), 4);
    record();
    flush();
    expect_statements("DELETE FROM post WHERE post.id = ?\nDELETE FROM category WHERE category.id = ?");
    expect_state(p, MR_DELETED);
    rollback();
    expect_state(p, MR_PERSISTENT);
    assert_int_equal(items(c, "posts")->n, 3);
    ok(mr_session_expunge(session, c));
    expect_state(p, MR_DETACHED);
    add(c);
    expect_state(p, MR_PERSISTENT);
    ok(mr_session_expire(session, c, NULL, 0));
    assert_false(mr_attribute_is_loaded(p, attribute(p, "name")));
    mr_entity_unpin(p);
}

/* ---------------------------------------------------------------- failing memory */

static mr_status link_and_save(mr_entity *c, mr_entity *d, mr_entity *p) {
    mr_value to_d = mr_value_of(MR_ENTITY, 0);
    to_d.u.p = d;
    if (append(c, "posts", p) != MR_OK) return MR_FAIL;
    if (mr_attribute_set(p, attribute(p, "category"), &to_d) != MR_OK) return MR_FAIL;
    mr_entity *list[] = {p};
    if (mr_attribute_set_items(c, attribute(c, "posts"), list, 1) != MR_OK) return MR_FAIL;
    if (mr_session_add(session, c) != MR_OK || mr_session_flush(session) != MR_OK) return MR_FAIL;
    if (take(c, "posts", p) != MR_OK || mr_session_delete(session, c) != MR_OK) return MR_FAIL;
    return mr_session_commit(session);
}

static bool holds(mr_entity *c, const mr_entity *p) {
    const mr_value *v = mr_entity_slot(c, attribute(c, "posts")->slot);
    return v->kind == MR_COLLECTION && mr_collection_find(v->u.p, p) != UINT32_MAX;
}

/* Rolls back, and removes the objects and all rows. */
static void start_over(mr_entity *c, mr_entity *d, mr_entity *p) {
    ok(mr_session_rollback_all(session));
    assert_int_equal(mr_session_new_count(session) + mr_session_deleted_count(session), 0);
    mr_session_expunge_all(session);
    elsewhere("DELETE FROM post");
    elsewhere("DELETE FROM category");
    mr_entity_unpin(c);
    mr_entity_unpin(d);
    mr_entity_unpin(p);
}

static void failing_links(void **state) {
    (void)state;
    blog_with(ALL_ORPHAN, false);
    for (int once = 0; once < 2; once++) {
        bool done = false;
        for (size_t n = 1; !done; n++) {
            mr_entity *c = category("c"), *d = category("d"), *p = post("p");
            if (once) fa_arm_once(&fa, n);
            else fa_arm(&fa, n);
            mr_status status = link_and_save(c, d, p);
            done = fa.calls < fa.fail_at;
            fa_disarm(&fa);
            if (status != MR_OK && mr_env_error(env)->kind != MR_ERR_NO_MEMORY)
                fail_msg("allocation %zu: %s", n, mr_env_error(env)->message);
            /* Whatever has failed, both sides agree. */
            const mr_value *v = mr_entity_slot(p, attribute(p, "category")->slot);
            const mr_entity *to = v->kind == MR_ENTITY ? v->u.p : NULL;
            if (holds(c, p) != (to == c) || holds(d, p) != (to == d)) fail_msg("allocation %zu: the sides differ", n);
            start_over(c, d, p);
        }
    }
}

static void failing_driver(void **state) {
    (void)state;
    blog_with(ALL_ORPHAN, false);
    for (uint64_t n = 1;; n++) {
        mr_entity *c = category("c"), *d = category("d"), *p = post("p");
        mr_engine_fail_at(engine, n);
        mr_status status = link_and_save(c, d, p);
        bool reached = mr_engine_calls(engine) >= n;
        mr_engine_fail_at(engine, 0);
        if (status != MR_OK && !strstr(mr_env_error(env)->message, "injected failure"))
            fail_msg("call %d: %s", (int)n, mr_env_error(env)->message);
        start_over(c, d, p);
        if (!reached) break;
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(deleting_without_cascade),
        TEST(survivors),
        TEST(delete_orphan),
        TEST(orphans_of_a_flush_that_was_not_sent),
        TEST(orphan_of_a_reference),
        TEST(deleting_with_cascade),
        TEST(failing_links),
        TEST(failing_driver),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
