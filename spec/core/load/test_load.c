/*
 * test_load.c: queries of entities and columns: their SQL, and their rows.
 */
#include "load_fixture.h"

/* ---------------------------------------------------------------- one class */

static void entities(void **state) {
    (void)state;
    run(query(user));
    expect_sent("SELECT " USER " FROM user");
    assert_int_equal(nrows, 3);
    expect_text(entity_at(0), "username", "admin");
    assert_int_equal(slot(entity_at(1), "email")->kind, MR_NULL);
    assert_int_equal(entity_at(2)->state, MR_PERSISTENT);
    assert_string_equal(mr_load_name(load, 0), "User");
    mr_entity *admin = mr_entity_pin(entity_at(0));
    done();
    run(limit(where(query(user), eq(col(user, "username"), str("admin"))), 1));
    expect_sent("SELECT " USER " FROM user WHERE user.username = ? LIMIT ? ('admin', 1)");
    assert_int_equal(nrows, 1);
    assert_ptr_equal(entity_at(0), admin);
    done();
    mr_entity_unpin(admin);
}

static void select_style(void **state) {
    (void)state;
    run_and_expect(core(query(user)), 3, "SELECT user.id, user.username, user.email FROM user");
    run_and_expect(core(also(query(user), post, NULL)), 12,
                   "SELECT user.id, user.username, user.email, post.id AS id_1, post.title, post.category_id "
                   "FROM user, post");
    mr_node *count = col(post, "id");
    count = mr_sql_func(env, "count", NULL, &count, 1);
    run_and_expect(
        core(also(also(also(columns(col(user, "id")), NULL, col(post, "id")), NULL, col(post, "id")), NULL, count)), 1,
        "SELECT user.id, post.id AS id_1, post.id AS id__1, count(post.id) AS count_1 FROM user, post");
}

static void aliases(void **state) {
    (void)state;
    mr_node *a = alias_of(user);
    run_and_expect(query_as(user, a), 3,
                   "SELECT user_1.id AS user_1_id, user_1.username AS user_1_username, user_1.email AS user_1_email "
                   "FROM user AS user_1");
    mr_query *q = query(user);
    mr_query_item item = {.mapper = user, .alias = mr_node_retain(a)};
    q = then(q, mr_query_with_items(q, &item, 1, true));
    run(where(q, eq(col(user, "id"), col_of(user, "id", a))));
    expect_sent("SELECT " USER ", user_1.id AS user_1_id, user_1.username AS user_1_username, "
                "user_1.email AS user_1_email FROM user, user AS user_1 WHERE user.id = user_1.id");
    assert_int_equal(nrows, 3);
    assert_ptr_equal(rows[0].u.p, rows[1].u.p);
    done();
    mr_node_release(a);
}

static void expressions(void **state) {
    (void)state;
    mr_node *id = col(post, "id"), *title = col(post, "title");
    mr_query *q = columns(col(user, "username"));
    q = also(q, NULL, mr_sql_func(env, "count", NULL, &id, 1));
    q = also(q, NULL, mr_sql_binary(env, MR_OP_ADD, col(user, "id"), num(1)));
    q = also(q, NULL, mr_sql_binary(env, MR_OP_ADD, col(user, "id"), num(2)));
    q = also(q, NULL, mr_sql_label(env, "foo", mr_sql_func(env, "count", NULL, &title, 1)));
    run(then(q, mr_query_group_by(q, col(user, "id"))));
    expect_sent("SELECT user.username AS user_username, count(post.id) AS count_1, user.id + ? AS anon_1, "
                "user.id + ? AS anon_2, count(post.title) AS foo FROM user, post GROUP BY user.id (1, 2)");
    assert_int_equal(nrows, 3);
    assert_int_equal(mr_load_width(load), 5);
    assert_string_equal(mr_load_name(load, 0), "username");
    assert_string_equal(mr_load_name(load, 4), "foo");
    assert_int_equal(rows[0].len, 5);
    assert_memory_equal(rows[0].u.s, "admin", 5);
    assert_int_equal(rows[5 + 2].u.i, 3);
    done();
    run_and_expect(also(columns(col(user, "id")), NULL, col(user, "id")), 3,
                   "SELECT user.id AS user_id, user.id AS user_id__1 FROM user");
    run_and_expect(also(query(user), NULL, col(user, "username")), 3,
                   "SELECT " USER ", user.username AS user_username__1 FROM user");
    run_and_expect(also(query(user), user, NULL), 3, "SELECT " USER " FROM user");
    run_and_expect(also(columns(num(1)), NULL, mr_sql_label(env, "y", str("x"))), 1,
                   "SELECT ? AS anon_1, ? AS y (1, 'x')");
}

static void froms(void **state) {
    (void)state;
    run_and_expect(
        where(where(columns(col(user, "id")), eq(col(post, "id"), col(user, "id"))), eq(col(tag, "id"), num(1))), 3,
        "SELECT user.id AS user_id FROM user, post, tag WHERE post.id = user.id AND tag.id = ? (1)");
    mr_query *q = query(post);
    q = then(q, mr_query_select_from(q, mr_sql_table(env, category->table)));
    run_and_expect(q, 4, "SELECT " POST " FROM post, category");
}

/* ---------------------------------------------------------------- joins */

static void joins(void **state) {
    (void)state;
    run_and_expect(where(join(query(category), prop(category, "posts")), eq(col(post, "title"), str("x"))), 1,
                   "SELECT " CATEGORY
                   " FROM category JOIN post ON category.id = post.category_id WHERE post.title = ? ('x')");
    run_and_expect(join(query(category), prop(category, "posts")), 2,
                   "SELECT " CATEGORY " FROM category JOIN post ON category.id = post.category_id");
    run_and_expect(join(query(post), prop(post, "tags")), 2,
                   "SELECT " POST " FROM post JOIN post_tag AS post_tag_1 ON post.id = post_tag_1.post_id "
                   "JOIN tag ON tag.id = post_tag_1.tag_id");
    run_and_expect(join_kind(query(post), MR_OP_LEFT, prop(post, "tags"), NULL, NULL, NULL), 4,
                   "SELECT " POST
                   " FROM post LEFT OUTER JOIN (post_tag AS post_tag_1 JOIN tag ON tag.id = post_tag_1.tag_id) "
                   "ON post.id = post_tag_1.post_id");
    run_and_expect(
        join(join(query(category), prop(category, "posts")), prop(post, "tags")), 1,
        "SELECT " CATEGORY " FROM category JOIN post ON category.id = post.category_id "
        "JOIN post_tag AS post_tag_1 ON post.id = post_tag_1.post_id JOIN tag ON tag.id = post_tag_1.tag_id");
    run_and_expect(join_kind(query(category), MR_OP_INNER, NULL, post, NULL, NULL), 2,
                   "SELECT " CATEGORY " FROM category JOIN post ON category.id = post.category_id");
    run_and_expect(join_kind(query(post), MR_OP_INNER, NULL, category, NULL, NULL), 3,
                   "SELECT " POST " FROM post JOIN category ON category.id = post.category_id");
    run_and_expect(join_kind(also(query(user), category, NULL), MR_OP_INNER, NULL, post, NULL, NULL), 9,
                   "SELECT " USER ", " CATEGORY " FROM user, category JOIN post ON category.id = post.category_id");
    run_and_expect(join_kind(query(user), MR_OP_INNER, NULL, post, NULL, eq(col(post, "id"), col(user, "id"))), 3,
                   "SELECT " USER " FROM user JOIN post ON post.id = user.id");
    mr_query *q = columns(col(post, "title"));
    q = then(q, mr_query_select_from(q, mr_sql_table(env, category->table)));
    run_and_expect(join_kind(q, MR_OP_INNER, NULL, post, NULL, NULL), 3,
                   "SELECT post.title AS post_title FROM category JOIN post ON category.id = post.category_id");
}

static void joins_of_aliases(void **state) {
    (void)state;
    mr_node *p = alias_of(post), *n = alias_of(node);
    run_and_expect(
        where(join_kind(query(category), MR_OP_INNER, prop(category, "posts"), NULL, mr_node_retain(p), NULL),
              eq(col_of(post, "title", p), str("x"))),
        1,
        "SELECT " CATEGORY " FROM category JOIN post AS post_1 ON category.id = post_1.category_id "
        "WHERE post_1.title = ? ('x')");
    run_and_expect(join_kind(query(node), MR_OP_INNER, prop(node, "children"), NULL, mr_node_retain(n), NULL), 2,
                   "SELECT " NODE " FROM node JOIN node AS node_1 ON node.id = node_1.parent_id");
    run_and_expect(join_kind(query(node), MR_OP_INNER, prop(node, "parent"), NULL, mr_node_retain(n), NULL), 3,
                   "SELECT " NODE " FROM node JOIN node AS node_1 ON node_1.id = node.parent_id");
    mr_query_join j = {.kind = MR_OP_INNER, .along = prop(node, "children"), .left_alias = mr_node_retain(n)};
    mr_query *q = query_as(node, n);
    run_and_expect(then(q, mr_query_join_on(q, &j)), 2,
                   "SELECT node_1.id AS node_1_id, node_1.name AS node_1_name, node_1.parent_id AS node_1_parent_id "
                   "FROM node AS node_1 JOIN node ON node_1.id = node.parent_id");
    mr_node_release(p);
    mr_node_release(n);
}

static void refused_joins(void **state) {
    (void)state;
    expect_failure(join_kind(query(user), MR_OP_INNER, NULL, post, NULL, NULL), MR_ERR_INVALID_REQUEST,
                   "don't know how to join to Post: say where the join begins with select_from, and give it "
                   "a condition if no "
                   "foreign key leads there");
    expect_failure(join(query(node), prop(node, "children")), MR_ERR_INVALID_REQUEST,
                   "can't join Node to itself along Node.children: give an alias of it as the target");
    mr_table *link = rel(post, "tags")->secondary;
    expect_failure(join_kind(also(query(post), tag, NULL), MR_OP_INNER, NULL, NULL, mr_sql_table(env, link), NULL),
                   MR_ERR_INVALID_REQUEST,
                   "can't determine which of the query's classes to join post_tag to: say so with select_from, or give "
                   "the "
                   "join a condition");
}

/* ---------------------------------------------------------------- with_parent, counts, text */

static void parents(void **state) {
    (void)state;
    mr_entity *c = get(category, 1), *p = get(post, 1);
    sent();
    mr_query *q = query(post);
    q = then(q, mr_query_with_parent(q, prop(category, "posts"), c, NULL));
    q = where(q, mr_sql_binary(env, MR_OP_NE, col(post, "title"), str("x")));
    run_and_expect(mr_query_retain(q), 1,
                   "SELECT " POST " FROM post WHERE ? = post.category_id AND post.title != ? (1, 'x')");
    /* The parent's key is read when the query runs: an expired parent is loaded first. */
    owner->generation++;
    run_and_expect(q, 1,
                   "SELECT " CATEGORY " FROM category WHERE category.id = ? (1)\n"
                   "SELECT " POST " FROM post WHERE ? = post.category_id AND post.title != ? (1, 'x')");
    q = query(category);
    q = then(q, mr_query_with_parent(q, NULL, p, NULL));
    run_and_expect(q, 1,
                   "SELECT " POST " FROM post WHERE post.id = ? (1)\n"
                   "SELECT " CATEGORY " FROM category WHERE category.id = ? (1)");
    q = query(tag);
    q = then(q, mr_query_with_parent(q, NULL, p, NULL));
    run_and_expect(q, 2,
                   "SELECT tag.id AS tag_id, tag.name AS tag_name FROM tag, post_tag AS post_tag_1 "
                   "WHERE ? = post_tag_1.post_id AND tag.id = post_tag_1.tag_id (1)");
    mr_node *a = alias_of(post);
    q = query_as(post, a);
    q = then(q, mr_query_with_parent(q, prop(category, "posts"), c, a));
    run_and_expect(q, 2,
                   "SELECT post_1.id AS post_1_id, post_1.title AS post_1_title, post_1.category_id AS "
                   "post_1_category_id "
                   "FROM post AS post_1 WHERE ? = post_1.category_id (1)");
    q = query(user);
    assert_null(mr_query_with_parent(q, NULL, c, NULL));
    assert_string_equal(mr_env_error(env)->message, "could not locate a relationship between User and Category");
    mr_query_release(q);
    mr_entity_unpin(c);
    mr_entity_unpin(p);
}

static void counts(void **state) {
    (void)state;
    mr_node *statement = NULL;
    mr_query *q = limit(where(query(user), eq(col(user, "id"), num(1))), 5);
    OK(mr_load_count_statement(q, &statement));
    mr_strbuf text_;
    mr_strbuf_init(&text_, env);
    OK(mr_sql_string(env, mr_dialect_sqlite(), statement, &text_));
    assert_string_equal(mr_strbuf_str(&text_), "SELECT count(*) AS count_1 FROM (SELECT " USER
                                               " FROM user WHERE user.id = ? LIMIT ?) AS anon_1");
    mr_strbuf_done(&text_);
    mr_node_release(statement);
    mr_query_release(q);
}

static void from_text(void **state) {
    (void)state;
    mr_query *q = query(user);
    const char *s = "SELECT email, id, 5 AS more FROM user WHERE id < :top ORDER BY id DESC";
    q = then(q, mr_query_from_statement(q, mr_sql_text(env, s, strlen(s))));
    mr_value top = mr_int_value(3);
    run(then(q, mr_query_param_value(q, "top", &top)));
    expect_sent("SELECT email, id, 5 AS more FROM user WHERE id < ? ORDER BY id DESC (3)");
    assert_int_equal(nrows, 2);
    assert_int_equal(slot(entity_at(0), "id")->u.i, 2);
    expect_text(entity_at(1), "email", "a@x");
    assert_int_equal(slot(entity_at(1), "username")->kind, MR_UNLOADED);
    OK(mr_load_refresh(&ctx, entity_at(1), NULL, 0));
    expect_sent("SELECT user.username AS user_username FROM user WHERE user.id = ? (1)");
    expect_text(entity_at(1), "username", "admin");
    done();
    q = query(user);
    s = "SELECT email FROM user";
    expect_failure(then(q, mr_query_from_statement(q, mr_sql_text(env, s, strlen(s)))), MR_ERR_INVALID_REQUEST,
                   "the statement gives no column 'id', which User needs as its primary key");
    q = also(query(user), post, NULL);
    s = "SELECT user.id AS user_id, post.id AS post_id, title, username FROM user, post WHERE post.id = "
        "user.id";
    run(then(q, mr_query_from_statement(q, mr_sql_text(env, s, strlen(s)))));
    assert_int_equal(nrows, 3);
    expect_text(rows[1].u.p, "title", "x");
    done();
}

static void subquery_of_a_class(void **state) {
    (void)state;
    mr_query *one = where(query(user), eq(col(user, "id"), num(1))),
             *two = where(query(user), eq(col(user, "id"), num(2)));
    mr_node *selects[2] = {NULL, NULL};
    OK(mr_load_statement(one, true, &selects[0]));
    OK(mr_load_statement(two, true, &selects[1]));
    mr_node *a = mr_sql_alias(env, mr_sql_compound(env, MR_OP_UNION, selects, 2, NULL), NULL);
    mr_query *all = query(user), *united = mr_query_over(all, mr_node_retain(a), false);
    mr_query_release(all);
    run(order(united, col(user, "username")));
    expect_sent("SELECT anon_1.user_id AS anon_1_user_id, anon_1.user_username AS anon_1_user_username, "
                "anon_1.user_email AS anon_1_user_email FROM (SELECT " USER
                " FROM user WHERE user.id = ? UNION SELECT " USER
                " FROM user WHERE user.id = ?) AS anon_1 ORDER BY anon_1.user_username (1, 2)");
    assert_int_equal(nrows, 2);
    expect_text(entity_at(1), "username", "guest");
    done();
    mr_node_release(a);
    mr_query_release(one);
    mr_query_release(two);
}

/* ---------------------------------------------------------------- rows and the identity map */

static void identity(void **state) {
    (void)state;
    run(query(user));
    mr_entity *admin = mr_entity_pin(entity_at(0));
    done();
    mr_value changed = mr_text_value("changed", 7);
    OK(mr_entity_set(admin, prop(user, "username")->slot, &changed));
    sql("UPDATE user SET email = 'new', username = 'other' WHERE id = 1");
    mr_entity_forget(admin, prop(user, "email")->slot);
    run(query(user));
    assert_ptr_equal(entity_at(0), admin);
    expect_text(admin, "username", "changed");
    expect_text(admin, "email", "new");
    done();
    mr_query *q = query(user);
    run(then(q, mr_query_flags(q, true, -1)));
    expect_text(admin, "username", "other");
    assert_false(mr_entity_is_dirty(admin, prop(user, "username")->slot));
    done();
    /* After expiry all columns are read again. */
    sql("UPDATE user SET username = 'third' WHERE id = 1");
    owner->generation++;
    run(query(user));
    expect_text(admin, "username", "third");
    done();
    mr_entity_unpin(admin);
}

static void composite_keys(void **state) {
    (void)state;
    run(query(score));
    expect_sent("SELECT score.a AS score_a, score.b AS score_b, score.points AS score_points FROM score");
    assert_int_equal(nrows, 3);
    mr_entity *second = mr_entity_pin(entity_at(1));
    done();
    run(where(query(score), eq(col(score, "points"), num(20))));
    assert_ptr_equal(entity_at(0), second);
    done();
    mr_value id = mr_entity_identity(second);
    mr_entity *e = NULL;
    sent();
    OK(mr_load_by_identity(&ctx, score, &id, NULL, &e));
    expect_sent("SELECT score.a AS score_a, score.b AS score_b, score.points AS score_points FROM score "
                "WHERE score.a = ? AND score.b = ? (1, 'y')");
    assert_ptr_equal(e, second);
    mr_entity_unpin(e);
    mr_entity_unpin(second);
}

static void outer_join_of_entities(void **state) {
    (void)state;
    mr_query *q = also(query(category), post, NULL);
    run(join_kind(q, MR_OP_LEFT, prop(category, "posts"), NULL, NULL, NULL));
    expect_sent("SELECT " CATEGORY ", " POST " FROM category LEFT OUTER JOIN post ON category.id = post.category_id");
    assert_int_equal(nrows, 4);
    assert_int_equal(rows[7].kind, MR_NULL);
    assert_int_equal(rows[6].kind, MR_ENTITY);
    done();
}

static void getting(void **state) {
    (void)state;
    mr_entity *e = get(user, 2);
    expect_sent("SELECT " USER " FROM user WHERE user.id = ? (2)");
    expect_text(e, "username", "guest");
    mr_value none = mr_int_value(99);
    mr_entity *missing = NULL;
    assert_int_equal(mr_load_by_identity(&ctx, user, &none, NULL, &missing), MR_NOTFOUND);
    assert_null(missing);
    sent();
    owner->generation++;
    mr_entity_touch(e);
    OK(mr_load_refresh(&ctx, e, NULL, 0));
    expect_sent("SELECT " USER " FROM user WHERE user.id = ? (2)");
    OK(mr_load_refresh(&ctx, e, NULL, 0));
    expect_sent("");
    mr_entity_forget(e, prop(user, "email")->slot);
    const mr_property *props[] = {prop(user, "email")};
    OK(mr_load_refresh(&ctx, e, props, 1));
    expect_sent("SELECT user.email AS user_email FROM user WHERE user.id = ? (2)");
    sql("DELETE FROM user WHERE id = 2");
    mr_entity_expire(e);
    assert_int_equal(mr_load_refresh(&ctx, e, NULL, 0), MR_NOTFOUND);
    mr_entity_unpin(e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(entities),         TEST(select_style),   TEST(aliases),
        TEST(expressions),      TEST(froms),          TEST(joins),
        TEST(joins_of_aliases), TEST(refused_joins),  TEST(parents),
        TEST(counts),           TEST(from_text),      TEST(subquery_of_a_class),
        TEST(identity),         TEST(composite_keys), TEST(outer_join_of_entities),
        TEST(getting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
