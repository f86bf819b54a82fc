/*
 * test_attribute_related.c: relationships that are read and written through the session: both sides, what is loaded and
 * what is not, rollback, one to one, many to many, long chains, merging graphs, listeners.
 */
#include "session_fixture.h"

/* ---------------------------------------------------------------- both sides */

static void both_sides_in_memory(void **state) {
    (void)state;
    blog();
    mr_entity *py = category("Python"), *a = post("a"), *b = post("b"), *c = category("C");
    record();
    ok(refer_to(a, "category", py));
    ok(append(py, "posts", b));
    assert_ptr_equal(related(b, "category"), py);
    assert_int_equal(items(py, "posts")->n, 2);
    assert_ptr_equal(items(py, "posts")->items[0], a);
    ok(refer_to(a, "category", c));
    assert_int_equal(items(py, "posts")->n, 1);
    assert_ptr_equal(items(c, "posts")->items[0], a);
    ok(append(c, "posts", b));
    assert_int_equal(items(py, "posts")->n, 0);
    assert_ptr_equal(related(b, "category"), c);
    ok(take(c, "posts", a));
    assert_null(related(a, "category"));
    ok(refer_to(b, "category", NULL));
    assert_int_equal(items(c, "posts")->n, 0);
    expect_count(0);
    fails(take(c, "posts", a), MR_ERR_ARGUMENT, "Category.posts: <Post (transient)> is not in the collection");
    fails(refer_to(a, "category", b), MR_ERR_ARGUMENT, "Post.category: expected Category, got Post");
    fails(set(a, "category", text("x")), MR_ERR_ARGUMENT, "Post.category: expected Category, got string");
    fails(append(c, "posts", c), MR_ERR_ARGUMENT, "Category.posts: expected Post, got Category");
    fails(refer_to(c, "posts", a), MR_ERR_ARGUMENT,
          "Category.posts is a collection: assign a table of Post objects, or change its items");
    fails(append(a, "category", c), MR_ERR_ARGUMENT, "Post.category is not a collection");
    assert_null(related(a, "category"));
}

static void everything_becomes_pending(void **state) {
    (void)state;
    blog();
    mr_entity *py = category("Python"), *a = post("a"), *b = post("b"), *late = post("late");
    ok(refer_to(a, "category", py));
    add(a); /* the cascade adds a's category, and the category's posts */
    expect_state(py, MR_PENDING);
    ok(append(py, "posts", b));
    expect_state(b, MR_PENDING);
    ok(refer_to(late, "category", py));
    expect_state(late, MR_PENDING);
    record();
    commit();
    expect_statements("INSERT INTO category (name) VALUES (?)\nINSERT INTO post (name, category_id) VALUES (?, ?)");
    expect_int(late, "category_id", 1);
    record();
    assert_int_equal(items(py, "posts")->n, 3);
    expect_count(2); /* one for the expired parent, one for its posts */
    record();
    assert_ptr_equal(related(a, "category"), py);
    expect_count(0);
    mr_entity *other = category("other");
    ok(append(other, "posts", a));
    expect_state(other, MR_PENDING);
    mr_session *second;
    ok(mr_session_new(env, engine, NULL, &second));
    mr_entity *foreign = category("foreign");
    ok(mr_session_add(second, foreign));
    fails(append(foreign, "posts", b), MR_ERR_INVALID_REQUEST,
          "Object '<Post 2>' is already attached to another session; expunge it there or merge it here");
    assert_int_equal(items(foreign, "posts")->n, 0);
    assert_ptr_equal(related(b, "category"), py);
    mr_session_release(second);
}

static void what_loads_nothing(void **state) {
    (void)state;
    blog();
    mr_entity *one = saved_category("one", 2), *two = saved_category("two", 1), *fresh = post("fresh");
    expect_text(one, "name", "one");
    expect_text(two, "name", "two");
    mr_session_set_flags(session, 0, -1);
    record();
    ok(refer_to(fresh, "category", one));
    ok(append(one, "posts", post("more")));
    expect_count(0);
    assert_false(mr_attribute_is_loaded(one, attribute(one, "posts")));
    record();
    assert_int_equal(items(one, "posts")->n, 4); /* the rows, with the appended post */
    expect_count(1);
    mr_entity *moved = items(one, "posts")->items[0];
    assert_int_equal(items(two, "posts")->n, 1);
    record();
    ok(append(two, "posts", moved));
    assert_int_equal(items(one, "posts")->n, 3);
    assert_int_equal(items(two, "posts")->n, 2);
    assert_ptr_equal(related(moved, "category"), two);
    expect_count(0);
    record();
    commit();
    expect_statements("UPDATE post SET category_id=? WHERE post.id = ?\nINSERT INTO post (name, category_id) VALUES "
                      "(?, ?)");
    mr_entity *p = fetch_by("Post", 1);
    record();
    ok(refer_to(p, "category", NULL));
    commit();
    expect_statements("UPDATE post SET category_id=? WHERE post.id = ?");
    mr_entity_unpin(p);
}

static void a_reference_from_the_map(void **state) {
    (void)state;
    blog();
    mr_entity *one = saved_category("one", 1);
    mr_entity *p = fetch_by("Post", 1);
    expect_text(one, "name", "one");
    expect_text(p, "name", "p");
    record();
    assert_ptr_equal(related(p, "category"), one);
    expect_count(0);
    mr_session_expunge_all(session);
    const mr_value *v;
    fails(mr_attribute_get(one, attribute(one, "posts"), &v), MR_ERR_DETACHED_INSTANCE,
          "Instance <Category 1> is not bound to a Session; attribute 'posts' is not loaded: load it "
          "before the session "
          "closes, or merge the object into a session");
    mr_entity_unpin(p);
}

static void assigning_a_collection(void **state) {
    (void)state;
    blog();
    mr_entity *c = category("c"), *p[4];
    for (int i = 0; i < 4; i++) p[i] = post("p");
    mr_entity *first[] = {p[0], p[1], p[2]}, *second[] = {p[3], p[2], p[3]};
    ok(mr_attribute_set_items(c, attribute(c, "posts"), first, 3));
    add(c);
    commit();
    record();
    ok(mr_attribute_set_items(c, attribute(c, "posts"), second, 3));
    mr_collection *posts = items(c, "posts");
    assert_int_equal(posts->n, 3);
    assert_ptr_equal(posts->items[0], p[3]);
    assert_ptr_equal(posts->items[1], p[2]);
    assert_null(related(p[0], "category"));
    assert_ptr_equal(related(p[3], "category"), c);
    ok(mr_attribute_remove_at(c, attribute(c, "posts"), 0));
    assert_ptr_equal(related(p[3], "category"), c); /* it still is in the list once */
    ok(mr_attribute_remove_at(c, attribute(c, "posts"), 1));
    assert_null(related(p[3], "category"));
    ok(mr_attribute_insert(c, attribute(c, "posts"), 0, p[0]));
    assert_ptr_equal(items(c, "posts")->items[0], p[0]);
    fails(mr_attribute_insert(c, attribute(c, "posts"), 7, p[1]), MR_ERR_ARGUMENT,
          "Category.posts has 2 items: there is no place 8");
    mr_entity *wrong[] = {p[1], c};
    fails(mr_attribute_set_items(c, attribute(c, "posts"), wrong, 2), MR_ERR_ARGUMENT,
          "Category.posts: expected Post, got Category");
    assert_int_equal(items(c, "posts")->n, 2);
    rollback();
    assert_int_equal(items(c, "posts")->n, 3);
    expect_state(p[3], MR_TRANSIENT);
}

/* ---------------------------------------------------------------- rollback */

static void graph_rolled_back(void **state) {
    (void)state;
    blog();
    mr_entity *c = category("c"), *a = post("a"), *b = post("b");
    ok(append(c, "posts", a));
    add(c);
    flush();
    ok(append(c, "posts", b));
    flush();
    rollback();
    expect_state(c, MR_TRANSIENT);
    expect_state(a, MR_TRANSIENT);
    expect_nil(c, "id");
    expect_nil(a, "category_id");
    assert_int_equal(items(c, "posts")->n, 2);
    assert_ptr_equal(related(b, "category"), c);
    add(c);
    commit();
    expect_int(a, "category_id", 1);
    assert_int_equal(items(c, "posts")->n, 2);
    mr_entity *other = saved_category("other", 0);
    assert_ptr_equal(related(a, "category"), c);
    assert_int_equal(items(c, "posts")->n, 2);
    ok(mr_session_begin_nested(session));
    ok(append(other, "posts", a));
    flush();
    rollback();
    assert_ptr_equal(related(a, "category"), c);
    assert_int_equal(items(c, "posts")->n, 2);
    assert_int_equal(items(other, "posts")->n, 0);
}

/* ---------------------------------------------------------------- one to one, many to many */

static void one_to_one(void **state) {
    (void)state;
    mr_mapper *user = begin_class("User");
    text_attribute(user, "name");
    mr_relationship rel = relationship("Card", "user");
    rel.uselist = 0;
    mr_mapper_add_relationship(user, "card", &rel);
    end_class(user, "users");
    mr_mapper *card = begin_class("Card");
    text_attribute(card, "name");
    refer(card, "user_id", "users.id");
    end_class(card, "card");
    create_tables();
    mr_entity *u = object("User", "u"), *v = object("User", "v"), *c = object("Card", "c"), *d = object("Card", "d");
    ok(refer_to(u, "card", c));
    assert_ptr_equal(related(c, "user"), u);
    ok(refer_to(d, "user", v));
    assert_ptr_equal(related(v, "card"), d);
    ok(refer_to(v, "card", c));
    assert_null(related(u, "card"));
    assert_null(related(d, "user"));
    assert_ptr_equal(related(c, "user"), v);
    add(u), add(v), add(d);
    commit();
    ok(refer_to(d, "user", v)); /* v can belong to one object only: c loses it */
    assert_null(related(c, "user"));
    commit();
    expect_nil(c, "user_id");
    expect_int(d, "user_id", 2);
}

static void tags_with(unsigned cascades) {
    mr_mapper *post_ = begin_class("Post");
    text_attribute(post_, "name");
    mr_relationship rel = relationship("Tag", cascades ? NULL : "posts");
    if (cascades) cascade(&rel, cascades);
    rel.single_parent = cascades != 0;
    end_class(post_, "post");
    mr_mapper *tag = begin_class("Tag");
    text_attribute(tag, "name");
    end_class(tag, "tag");
    mr_column *columns[2];
    static const char *const names[] = {"post_id", "tag_id"}, *const targets[] = {"post.id", "tag.id"};
    for (int i = 0; i < 2; i++) {
        columns[i] = integer_column(targets[i]);
        columns[i]->name = mr_intern(env, names[i], strlen(names[i]));
        columns[i]->primary_key = true;
        columns[i]->nullable = false;
    }
    rel.secondary = mr_table_new(registry->metadata, "post_tag", NULL, columns, 2, NULL, NULL);
    mr_mapper_add_relationship(post_, "tags", &rel);
    create_tables();
}

static void many_to_many(void **state) {
    (void)state;
    tags_with(0);
    mr_entity *p = post("p"), *q = post("q"), *a = object("Tag", "a"), *b = object("Tag", "b"), *c = object("Tag", "c");
    mr_entity *ab[] = {a, b}, *bc[] = {b, c};
    ok(mr_attribute_set_items(p, attribute(p, "tags"), ab, 2));
    assert_ptr_equal(items(a, "posts")->items[0], p);
    ok(append(b, "posts", q));
    assert_ptr_equal(items(q, "tags")->items[0], b);
    ok(append(q, "tags", b)); /* a second time: still one link row */
    add(p);
    add(q);
    commit();
    mr_session_set_flags(session, 0, -1);
    assert_int_equal(items(p, "tags")->n, 2);
    assert_int_equal(items(a, "posts")->n, 1);
    record();
    ok(mr_attribute_set_items(p, attribute(p, "tags"), bc, 2));
    assert_int_equal(items(a, "posts")->n, 0);
    commit();
    expect_statements("INSERT INTO tag (name) VALUES (?)\n"
                      "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ?\n"
                      "INSERT INTO post_tag (post_id, tag_id) VALUES (?, ?)");
    assert_int_equal(mr_recorder_at(recorder, 2)->lists.len, 1);
    mr_session_set_flags(session, 1, -1);
    expect_text(p, "name", "p");
    ok(set(p, "name", text("changed")));
    record();
    commit();
    expect_count(1);
    assert_int_equal(items(c, "posts")->n, 1);
    rollback();
    p = post("r");
    ok(append(p, "tags", a));
    add(p);
    flush();
    rollback();
    expect_state(p, MR_TRANSIENT);
    add(p);
    flush();
    mr_session_cursor cursor;
    ok(mr_session_execute(session, mr_sql_text(env, "SELECT count(*) FROM post_tag", 29), NULL, 0, &cursor));
    assert_int_equal(mr_cursor_step(cursor.cursor), MR_ROW);
    mr_value v;
    ok(mr_cursor_fetch(cursor.cursor, NULL, &v));
    assert_int_equal(v.u.i, 4); /* the UPDATE has written it again */
    mr_session_cursor_close(env, &cursor);
}

static void orphans_of_many_to_many(void **state) {
    (void)state;
    tags_with(ALL_ORPHAN);
    mr_entity *p = post("p"), *q = post("q"), *a = object("Tag", "a"), *b = object("Tag", "b");
    mr_entity *ab[] = {a, b};
    ok(mr_attribute_set_items(p, attribute(p, "tags"), ab, 2));
    fails(append(q, "tags", a), MR_ERR_INVALID_REQUEST,
          "Instance <Tag (transient)> is already associated with an instance of Post via its Post.tags "
          "attribute, and "
          "is only allowed a single parent.");
    add(p);
    commit();
    assert_int_equal(items(p, "tags")->n, 2);
    record();
    ok(take(p, "tags", a));
    commit();
    expect_statements("DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ?\n"
                      "DELETE FROM tag WHERE tag.id = ?");
    expect_state(a, MR_DETACHED);
    assert_int_equal(items(p, "tags")->n, 1);
    ok(take(p, "tags", b));
    ok(append(q, "tags", b)); /* it has another parent: it is no orphan */
    add(q);
    commit();
    expect_state(b, MR_PERSISTENT);
    ok(mr_session_delete(session, q));
    commit();
    expect_state(b, MR_DETACHED);
}

/* ---------------------------------------------------------------- depth */

static void nodes(unsigned cascades) {
    mr_mapper *node = begin_class("Node");
    text_attribute(node, "name");
    refer(node, "parent_id", "node.id");
    mr_relationship rel = relationship("Node", NULL);
    rel.uselist = 1;
    cascade(&rel, cascades);
    mr_mapper_add_relationship(node, "children", &rel);
    end_class(node, "node");
    create_tables();
}

static void deep_chain(void **state) {
    (void)state;
    nodes(ALL);
    enum { DEPTH = 20000 };
    mr_entity *root = object("Node", "root"), *at = root;
    for (int i = 0; i < DEPTH; i++) {
        mr_entity *child = object("Node", NULL);
        ok(append(at, "children", child));
        at = child;
    }
    add(root);
    assert_int_equal(mr_session_new_count(session), DEPTH + 1);
    expect_state(at, MR_PENDING);
    ok(mr_session_expunge(session, root));
    assert_int_equal(mr_session_new_count(session), 0);
    mr_entity *merged;
    ok(mr_session_merge(session, root, true, &merged));
    assert_int_equal(mr_session_new_count(session), DEPTH + 1);
    mr_entity_unpin(merged);
}

/* ---------------------------------------------------------------- merge */

static void merging_a_graph(void **state) {
    (void)state;
    blog();
    mr_entity *c = saved_category("c", 2);
    assert_int_equal(items(c, "posts")->n, 2);
    expect_text(items(c, "posts")->items[0], "name", "p");
    expect_text(items(c, "posts")->items[1], "name", "p");
    mr_session *second;
    ok(mr_session_new(env, engine, NULL, &second));
    mr_entity *merged;
    record();
    ok(mr_session_merge(second, c, false, &merged));
    assert_int_equal(items(merged, "posts")->n, 2);
    assert_ptr_not_equal(items(merged, "posts")->items[0], items(c, "posts")->items[0]);
    assert_ptr_equal(related(items(merged, "posts")->items[0], "category"), merged);
    expect_count(0);
    mr_entity_unpin(merged);
    mr_session_close(second);
    ok(append(c, "posts", post("new")));
    ok(set(items(c, "posts")->items[0], "name", text("changed")));
    mr_session_close(session);
    ok(mr_session_merge(second, c, true, &merged));
    mr_collection *posts = items(merged, "posts");
    assert_int_equal(posts->n, 3);
    expect_text(posts->items[0], "name", "changed");
    expect_state(posts->items[2], MR_PENDING);
    assert_ptr_equal(related(posts->items[2], "category"), merged);
    mr_entity_unpin(merged);
    mr_session_release(second);
}

static void merging_a_cycle(void **state) {
    (void)state;
    mr_mapper *node = begin_class("Node");
    text_attribute(node, "name");
    refer(node, "next_id", "node.id");
    mr_column *key = mr_mapper_property(node, "id", false)->column;
    mr_relationship rel = relationship("Node", NULL);
    ok(mr_vec_push_ptr(&rel.remote_side, key));
    rel.post_update = true;
    mr_mapper_add_relationship(node, "next", &rel);
    end_class(node, "node");
    create_tables();
    mr_entity *a = object("Node", "a"), *b = object("Node", "b"), *merged;
    ok(refer_to(a, "next", b));
    ok(refer_to(b, "next", a));
    ok(mr_session_merge(session, a, true, &merged));
    assert_ptr_equal(related(related(merged, "next"), "next"), merged);
    assert_int_equal(mr_session_new_count(session), 2);
    commit();
    assert_ptr_equal(related(related(merged, "next"), "next"), merged);
    expect_text(related(merged, "next"), "name", "b");
    mr_entity_unpin(merged);
    expect_state(a, MR_TRANSIENT);
}

/* ---------------------------------------------------------------- hooks */

static mr_status validate(mr_env *e, void *ud, mr_entity *entity, const mr_property *prop, mr_value *value,
                          unsigned how) {
    (void)entity, (void)prop;
    if (how & MR_VALIDATE_REMOVED) return MR_OK;
    *(int *)ud += 1;
    if (value->kind == MR_TEXT && value->len == 3) return mr_fail(e, MR_ERR_ARGUMENT, "too short");
    if (value->kind == MR_TEXT) *value = text("replaced");
    return MR_OK;
}

static mr_status count_events(mr_env *e, void *ud, mr_attribute_event event, mr_entity *entity, const mr_property *prop,
                              mr_value *value, const mr_value *old) {
    (void)e, (void)entity, (void)prop, (void)value, (void)old;
    ((int *)ud)[event]++;
    return MR_OK;
}

static void validators_and_hooks(void **state) {
    (void)state;
    blog();
    int validated = 0, counts[3] = {0, 0, 0};
    mr_property *name = mr_mapper_property(class_named("Post"), "name", true);
    mr_property *posts = mr_mapper_property(class_named("Category"), "posts", true);
    name->validate = posts->validate = validate;
    name->validate_ud = posts->validate_ud = &validated;
    ok(mr_attribute_listen(class_named("Category"), posts, count_events, counts, false));
    mr_entity *p = post("some name"), *c = category("c");
    expect_text(p, "name", "replaced");
    fails(set(p, "name", text("bad")), MR_ERR_ARGUMENT, "too short");
    expect_text(p, "name", "replaced");
    validated = 0;
    ok(append(c, "posts", p));
    ok(take(c, "posts", p));
    ok(refer_to(p, "category", c));
    assert_int_equal(validated, 2);
    assert_int_equal(counts[MR_EVENT_APPEND], 2);
    assert_int_equal(counts[MR_EVENT_REMOVE], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(both_sides_in_memory),
        TEST(everything_becomes_pending),
        TEST(what_loads_nothing),
        TEST(a_reference_from_the_map),
        TEST(assigning_a_collection),
        TEST(graph_rolled_back),
        TEST(one_to_one),
        TEST(many_to_many),
        TEST(orphans_of_many_to_many),
        TEST(deep_chain),
        TEST(merging_a_graph),
        TEST(merging_a_cycle),
        TEST(validators_and_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
