/*
 * test_load_lazy.c: relationships that are loaded at the first access, and the options of a query for them.
 */
#include "load_fixture.h"

static void touch(mr_entity *e, const char *name) { OK(mr_load_relationship(&ctx, e, prop(e->mapper, name))); }

static void one_statement(void **state) {
    (void)state;
    mr_entity *c = get(category, 1), *p = get(post, 1), *t = get(tag, 1), *n = get(node, 1);
    sent();
    touch(c, "posts");
    expect_sent("SELECT " POST " FROM post WHERE ? = post.category_id (1)");
    assert_int_equal(items(c, "posts")->n, 2);
    assert_ptr_equal(items(c, "posts")->items[0], p);
    touch(p, "category");
    expect_sent("");
    assert_ptr_equal(slot(p, "category")->u.p, c);
    touch(p, "tags");
    expect_sent("SELECT tag.id AS tag_id, tag.name AS tag_name FROM tag, post_tag WHERE ? = post_tag.post_id AND "
                "tag.id = post_tag.tag_id (1)");
    assert_int_equal(items(p, "tags")->n, 2);
    touch(t, "posts");
    expect_sent("SELECT " POST " FROM post, post_tag WHERE ? = post_tag.tag_id AND post.id = post_tag.post_id (1)");
    touch(n, "children");
    expect_sent("SELECT " NODE " FROM node WHERE ? = node.parent_id (1)");
    assert_int_equal(items(n, "children")->n, 2);
    touch(items(n, "children")->items[0], "parent");
    touch(n, "parent");
    expect_sent("");
    assert_int_equal(slot(n, "parent")->kind, MR_NULL);
    mr_entity *held[] = {c, p, t, n};
    for (size_t i = 0; i < 4; i++) mr_entity_unpin(held[i]);
}

static void references(void **state) {
    (void)state;
    mr_entity *p = get(post, 3), *without = get(post, 4);
    sent();
    touch(p, "category");
    expect_sent("SELECT " CATEGORY " FROM category WHERE category.id = ? (2)");
    expect_text(slot(p, "category")->u.p, "name", "two");
    touch(without, "category");
    expect_sent("");
    assert_int_equal(slot(without, "category")->kind, MR_NULL);
    /* A foreign key may refer to a row that does not exist. */
    sql("PRAGMA foreign_keys = OFF");
    sql("UPDATE post SET category_id = 77 WHERE id = 4");
    sent();
    mr_entity_expire(without);
    touch(without, "category");
    expect_sent("SELECT " POST " FROM post WHERE post.id = ? (4)\nSELECT " CATEGORY
                " FROM category WHERE category.id = ? (77)");
    assert_int_equal(slot(without, "category")->kind, MR_NULL);
    mr_entity_unpin(p);
    mr_entity_unpin(without);
}

static void changes_are_merged(void **state) {
    (void)state;
    mr_entity *c = get(category, 1), *p = get(post, 3);
    mr_collection *pending = mr_entity_collection(c, prop(category, "posts"), false);
    OK(mr_collection_insert(pending, 0, p));
    touch(c, "posts");
    assert_int_equal(items(c, "posts")->n, 3);
    mr_entity_unpin(c);
    mr_entity_unpin(p);
}

static void in_order(void **state) {
    (void)state;
    rel(category, "posts")->order_by = mr_sql_list_append(env, NULL, mr_sql_unary(env, MR_OP_DESC, col(post, "title")));
    registry->version++;
    mr_entity *c = get(category, 1);
    sent();
    touch(c, "posts");
    expect_sent("SELECT " POST " FROM post WHERE ? = post.category_id ORDER BY post.title DESC (1)");
    mr_entity_unpin(c);
}

/* ---------------------------------------------------------------- options of the query that loaded the
 * parent */

static void options_go_on(void **state) {
    (void)state;
    mr_query *q = limit(eager(query(category), MR_LAZY_SELECT, "posts"), 1);
    run(eager(q, MR_LAZY_JOINED, "posts.category"));
    sent();
    mr_entity *c = mr_entity_pin(entity_at(0));
    done();
    touch(c, "posts");
    expect_sent("SELECT " POST ", category_1.id AS category_1_id, category_1.name AS category_1_name FROM post "
                "LEFT OUTER JOIN category AS category_1 ON category_1.id = post.category_id WHERE ? = "
                "post.category_id (1)");
    assert_ptr_equal(slot(items(c, "posts")->items[0], "category")->u.p, c);
    mr_entity_unpin(c);
}

static void expect_refused(mr_entity *e, const char *name, const char *message) {
    assert_int_equal(mr_load_relationship(&ctx, e, prop(e->mapper, name)), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_INVALID_REQUEST);
    assert_string_equal(mr_env_error(env)->message, message);
    mr_env_clear_error(env);
    expect_sent("");
}

static void refused_and_empty(void **state) {
    (void)state;
    run(eager(eager(query(post), MR_LAZY_RAISE, "tags"), MR_LAZY_RAISE_ON_SQL, "category"));
    mr_entity *p = mr_entity_pin(entity_at(0));
    done();
    sent();
    expect_refused(p, "tags",
                   "'Post.tags' is not loaded and may not be (lazy = \"raise\"): load it with the query, as "
                   "with selectinload");
    expect_refused(p, "category",
                   "'Post.category' is not loaded and may not be (lazy = \"raise_on_sql\"): load it with the "
                   "query, as with selectinload");
    mr_entity *c = get(category, 1);
    sent();
    touch(p, "category");
    assert_ptr_equal(slot(p, "category")->u.p, c);
    mr_entity_unpin(c);
    mr_entity_unpin(p);
    new_owner();
    run(eager(query(post), MR_LAZY_NOLOAD, "tags"));
    p = mr_entity_pin(entity_at(0));
    done();
    sent();
    touch(p, "tags");
    expect_sent("");
    assert_int_equal(items(p, "tags")->n, 0);
    mr_entity_unpin(p);
}

static void wildcard(void **state) {
    (void)state;
    mr_option o = {.kind = MR_OPTION_WILDCARD_LAZY, .strategy = MR_LAZY_RAISE};
    mr_query *q = query(category);
    q = then(q, mr_query_option(q, &o));
    run(eager(q, MR_LAZY_SELECTIN, "posts"));
    mr_entity *c = mr_entity_pin(entity_at(0));
    done();
    sent();
    expect_refused(items(c, "posts")->items[0], "tags",
                   "'Post.tags' is not loaded and may not be (lazy = \"raise\"): load it with the query, as "
                   "with selectinload");
    mr_entity_unpin(c);
}

static void unknown_strategy(void **state) {
    (void)state;
    mr_query *q = eager(query(post), (mr_lazy)99, "tags");
    assert_int_equal(mr_load_start(&ctx, q, &load), MR_FAIL);
    assert_string_equal(mr_env_error(env)->message, "a loader option asks for strategy 99, which does not exist");
    mr_env_clear_error(env);
    mr_query_release(q);
    load = NULL;
    expect_sent("");
}

static void origins_outlive_plans(void **state) {
    (void)state;
    run(eager(query(post), MR_LAZY_RAISE, "tags"));
    mr_entity *p = mr_entity_pin(entity_at(0));
    done();
    registry->version++;
    run(eager(query(post), MR_LAZY_RAISE, "tags"));
    done();
    sent();
    expect_refused(p, "tags",
                   "'Post.tags' is not loaded and may not be (lazy = \"raise\"): load it with the query, as "
                   "with selectinload");
    mr_entity_unpin(p);
    mr_heap_trace(mr_heap_of(env), 0);
}

/* ---------------------------------------------------------------- deferred groups */

static void deferred_group(void **state) {
    (void)state;
    prop(user, "username")->deferred = prop(user, "email")->deferred = true;
    prop(user, "username")->deferred_group = prop(user, "email")->deferred_group = mr_intern(env, "g", 1);
    registry->version++;
    run(query(user));
    expect_sent("SELECT user.id AS user_id FROM user");
    mr_entity *u = mr_entity_pin(entity_at(0));
    done();
    const mr_property *one[] = {prop(user, "email")};
    OK(mr_load_refresh(&ctx, u, one, 1));
    expect_sent("SELECT user.username AS user_username, user.email AS user_email FROM user WHERE user.id = ? (1)");
    expect_text(u, "username", "admin");
    mr_entity_unpin(u);
    mr_option o = {.kind = MR_OPTION_UNDEFER_GROUP, .group = "g"};
    mr_query *q = query(user);
    run_and_expect(then(q, mr_query_option(q, &o)), 3,
                   "SELECT user.id AS user_id, user.username AS user_username, user.email AS user_email FROM user");
}

/* ---------------------------------------------------------------- classes that share a table */

static void shared_table(void **state) {
    (void)state;
    mr_mapper *animal = class_with("Animal", "id");
    mr_property *kind = text(animal, "kind");
    finish(animal, "animal");
    animal->discriminator = kind;
    OK(mr_value_copy(env, &animal->polymorphic_identity, &(mr_value){.kind = MR_TEXT, .len = 6, .u.s = "animal"}));
    mr_mapper *cat = mr_mapper_new(registry, "Cat", animal);
    cat->polymorphic_identity = mr_text_value("cat", 3);
    OK(mr_mapper_finish(cat, animal->table, NULL, NULL, NULL, NULL));
    if (animal->subclasses.len == 0) OK(mr_vec_push_ptr(&animal->subclasses, cat));
    OK(mr_registry_configure(registry));
    sql("CREATE TABLE animal (id INTEGER PRIMARY KEY, kind TEXT)");
    sql("INSERT INTO animal VALUES (1, 'animal'), (2, 'cat'), (3, 'cat')");
    sent();
    run(query(animal));
    expect_sent("SELECT animal.id AS animal_id, animal.kind AS animal_kind FROM animal");
    assert_ptr_equal(entity_at(0)->mapper, animal);
    assert_ptr_equal(entity_at(1)->mapper, cat);
    done();
    run_and_expect(query(cat), 2,
                   "SELECT animal.id AS animal_id, animal.kind AS animal_kind FROM animal WHERE animal.kind "
                   "IN (?) ('cat')");
    mr_value one = mr_int_value(1);
    mr_entity *e = NULL;
    new_owner();
    assert_int_equal(mr_load_by_identity(&ctx, cat, &one, NULL, &e), MR_NOTFOUND);
    mr_value_clear(env, &animal->polymorphic_identity);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(one_statement),         TEST(references),        TEST(changes_are_merged), TEST(in_order),
        TEST(options_go_on),         TEST(refused_and_empty), TEST(wildcard),           TEST(unknown_strategy),
        TEST(origins_outlive_plans), TEST(deferred_group),    TEST(shared_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
