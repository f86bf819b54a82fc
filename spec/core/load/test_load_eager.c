/*
 * test_load_eager.c: relationships that are loaded with their parents: by joins, and by statements that follow.
 */
#include "load_fixture.h"

#define POST_1    "post_1.id AS post_1_id, post_1.title AS post_1_title, post_1.category_id AS post_1_category_id"
#define TAG       "tag.id AS tag_id, tag.name AS tag_name"
#define TAG_1     "tag_1.id AS tag_1_id, tag_1.name AS tag_1_name"
#define NODE_1    "node_1.id AS node_1_id, node_1.name AS node_1_name, node_1.parent_id AS node_1_parent_id"
#define NODE_2    "node_2.id AS node_2_id, node_2.name AS node_2_name, node_2.parent_id AS node_2_parent_id"
#define JOIN_TAGS "(post_tag AS post_tag_1 JOIN tag AS tag_1 ON tag_1.id = post_tag_1.tag_id)"

static void expect_blog(void) {
    assert_int_equal(nrows, 3);
    assert_int_equal(items(entity_at(0), "posts")->n, 2);
    assert_int_equal(items(entity_at(1), "posts")->n, 1);
    assert_int_equal(items(entity_at(2), "posts")->n, 0);
    expect_text(items(entity_at(0), "posts")->items[1], "title", "y");
}

static void expect_tags(mr_entity *p, uint32_t n) { assert_int_equal(items(p, "tags")->n, n); }

/* ---------------------------------------------------------------- joined */

static void joined(void **state) {
    (void)state;
    run(eager(query(category), MR_LAZY_JOINED, "posts"));
    expect_sent("SELECT " CATEGORY ", " POST_1
                " FROM category LEFT OUTER JOIN post AS post_1 ON category.id = post_1.category_id");
    expect_blog();
    done();
    new_owner();
    run(eager(eager(query(category), MR_LAZY_JOINED, "posts"), MR_LAZY_JOINED, "posts.tags"));
    expect_sent("SELECT " CATEGORY ", " TAG_1 ", " POST_1 " FROM category LEFT OUTER JOIN post AS post_1 "
                "ON category.id = post_1.category_id LEFT OUTER JOIN " JOIN_TAGS " ON post_1.id = post_tag_1.post_id");
    expect_blog();
    expect_tags(items(entity_at(0), "posts")->items[0], 2);
    expect_tags(items(entity_at(0), "posts")->items[1], 1);
    expect_tags(items(entity_at(1), "posts")->items[0], 0);
    done();
    new_owner();
    run(eager(eager(query(post), MR_LAZY_JOINED, "tags"), MR_LAZY_JOINED, "category"));
    expect_sent("SELECT " POST ", category_1.id AS category_1_id, category_1.name AS category_1_name, " TAG_1
                " FROM post "
                "LEFT OUTER JOIN category AS category_1 ON category_1.id = post.category_id LEFT OUTER "
                "JOIN " JOIN_TAGS " ON post.id = post_tag_1.post_id");
    assert_int_equal(nrows, 4);
    expect_tags(entity_at(0), 2);
    expect_tags(entity_at(3), 0);
    assert_ptr_equal(slot(entity_at(0), "category")->u.p, slot(entity_at(1), "category")->u.p);
    /* A reference that is NULL counts as loaded. */
    assert_int_equal(slot(entity_at(3), "category")->kind, MR_NULL);
    done();
}

/* Two joined collections give the product of their rows. Each collection still has each item once. */
static void several_joined_collections(void **state) {
    (void)state;
    run(eager(eager(eager(query(category), MR_LAZY_JOINED, "posts"), MR_LAZY_JOINED, "same_posts"), MR_LAZY_JOINED,
              "posts.tags"));
    assert_null(strchr(sent(), '\n'));
    expect_blog();
    assert_int_equal(items(entity_at(0), "same_posts")->n, 2);
    assert_int_equal(items(entity_at(1), "same_posts")->n, 1);
    assert_int_equal(items(entity_at(2), "same_posts")->n, 0);
    expect_tags(items(entity_at(0), "posts")->items[0], 2);
    expect_tags(items(entity_at(0), "posts")->items[1], 1);
    done();
    /* The rows of one parent need not be neighbours. */
    new_owner();
    mr_query *q = join(query(category), prop(category, "posts"));
    q = order(q, mr_sql_binary(env, MR_OP_MOD, col(post, "id"), num(2)));
    run(eager(eager(q, MR_LAZY_JOINED, "posts"), MR_LAZY_JOINED, "same_posts"));
    assert_int_equal(nrows, 2);
    for (size_t i = 0; i < 2; i++) {
        int64_t n = slot(entity_at(i), "id")->u.i == 1 ? 2 : 1;
        assert_int_equal(items(entity_at(i), "posts")->n, n);
        assert_int_equal(items(entity_at(i), "same_posts")->n, n);
    }
    done();
    new_owner();
    run(core(eager(query(category), MR_LAZY_JOINED, "posts")));
    expect_blog();
    done();
}

static void joined_with_limit(void **state) {
    (void)state;
    run(limit(eager(query(category), MR_LAZY_JOINED, "posts"), 2));
    expect_sent("SELECT anon_1.category_id AS anon_1_category_id, anon_1.category_name AS "
                "anon_1_category_name, " POST_1 " FROM (SELECT " CATEGORY
                " FROM category LIMIT ?) AS anon_1 LEFT OUTER JOIN post AS post_1 "
                "ON anon_1.category_id = post_1.category_id (2)");
    assert_int_equal(nrows, 2);
    assert_int_equal(items(entity_at(0), "posts")->n, 2);
    done();
    new_owner();
    mr_node *name = col(category, "name"), *lower = mr_sql_func(env, "lower", NULL, &name, 1);
    mr_query *q =
        order(eager(query(category), MR_LAZY_JOINED, "posts"), mr_sql_unary(env, MR_OP_DESC, col(category, "name")));
    run(limit(order(q, lower), 1));
    expect_sent("SELECT anon_1.category_id AS anon_1_category_id, anon_1.category_name AS anon_1_category_name, "
                "anon_1.lower_1 AS anon_1_lower_1, " POST_1 " FROM (SELECT " CATEGORY
                ", lower(category.name) AS lower_1 "
                "FROM category ORDER BY category.name DESC, lower(category.name) LIMIT ?) AS anon_1 LEFT OUTER JOIN "
                "post AS post_1 "
                "ON anon_1.category_id = post_1.category_id ORDER BY anon_1.category_name DESC, anon_1.lower_1 (1)");
    expect_text(entity_at(0), "name", "two");
    done();
    new_owner();
    q = eager(query(category), MR_LAZY_JOINED, "posts");
    run_and_expect(then(q, mr_query_distinct(q, NULL)), 3,
                   "SELECT anon_1.category_id AS anon_1_category_id, anon_1.category_name AS "
                   "anon_1_category_name, " POST_1 " FROM (SELECT DISTINCT " CATEGORY
                   " FROM category) AS anon_1 LEFT OUTER JOIN post AS post_1 "
                   "ON anon_1.category_id = post_1.category_id");
    /* A joined reference does not change the number of rows: the limit needs no subquery. */
    run_and_expect(limit(eager(query(post), MR_LAZY_JOINED, "category"), 1), 1,
                   "SELECT " POST ", category_1.id AS category_1_id, category_1.name AS category_1_name FROM post "
                   "LEFT OUTER JOIN category AS category_1 ON category_1.id = post.category_id LIMIT ? (1)");
    mr_node *a = alias_of(post);
    run_and_expect(limit(eager(query_as(post, a), MR_LAZY_JOINED, "tags"), 2), 2,
                   "SELECT anon_1.post_1_id AS anon_1_post_1_id, anon_1.post_1_title AS anon_1_post_1_title, "
                   "anon_1.post_1_category_id AS anon_1_post_1_category_id, " TAG_1 " FROM (SELECT " POST_1
                   " FROM post AS post_1 LIMIT ?) AS anon_1 LEFT OUTER JOIN " JOIN_TAGS
                   " ON anon_1.post_1_id = post_tag_1.post_id (2)");
    mr_node_release(a);
}

static void joined_with_own_join(void **state) {
    (void)state;
    mr_query *q = where(join(query(post), prop(post, "tags")), eq(col(tag, "name"), str("t1")));
    run(eager(q, MR_LAZY_JOINED, "tags"));
    expect_sent("SELECT " POST ", " TAG_1 " FROM post JOIN post_tag AS post_tag_1 ON post.id = post_tag_1.post_id "
                "JOIN tag ON tag.id = post_tag_1.tag_id LEFT OUTER JOIN (post_tag AS post_tag_2 JOIN tag AS tag_1 "
                "ON tag_1.id = post_tag_2.tag_id) ON post.id = post_tag_2.post_id WHERE tag.name = ? ('t1')");
    assert_int_equal(nrows, 2);
    expect_tags(entity_at(0), 2);
    expect_tags(entity_at(1), 1);
    done();
    new_owner();
    run(option_of(join(query(category), prop(category, "posts")), MR_OPTION_CONTAINS_EAGER, MR_LAZY_SELECT, "posts",
                  NULL));
    expect_sent("SELECT " POST ", " CATEGORY " FROM category JOIN post ON category.id = post.category_id");
    assert_int_equal(nrows, 2);
    assert_int_equal(items(entity_at(0), "posts")->n, 2);
    done();
    new_owner();
    mr_node *a = alias_of(post);
    q = join_kind(query(category), MR_OP_INNER, prop(category, "posts"), NULL, mr_node_retain(a), NULL);
    q = where(q, eq(col_of(post, "title", a), str("y")));
    run(option_of(q, MR_OPTION_CONTAINS_EAGER, MR_LAZY_SELECT, "posts", a));
    expect_sent("SELECT " POST_1 ", " CATEGORY " FROM category JOIN post AS post_1 ON category.id = post_1.category_id "
                "WHERE post_1.title = ? ('y')");
    assert_int_equal(nrows, 1);
    assert_int_equal(items(entity_at(0), "posts")->n, 1);
    done();
}

static void joined_in_order(void **state) {
    (void)state;
    rel(category, "posts")->order_by = mr_sql_list_append(env, NULL, mr_sql_unary(env, MR_OP_DESC, col(post, "id")));
    registry->version++;
    run(order(eager(query(category), MR_LAZY_JOINED, "posts"), col(category, "name")));
    expect_sent("SELECT " CATEGORY ", " POST_1 " FROM category LEFT OUTER JOIN post AS post_1 "
                "ON category.id = post_1.category_id ORDER BY category.name, post_1.id DESC");
    mr_entity *c = entity_at(1);
    assert_int_equal(slot(items(c, "posts")->items[0], "id")->u.i, 2);
    done();
    new_owner();
    run_and_expect(eager(query(category), MR_LAZY_SELECTIN, "posts"), 3,
                   "SELECT " CATEGORY
                   " FROM category\nSELECT post.category_id AS post_category_id, post.id AS post_id, "
                   "post.title AS post_title FROM post WHERE post.category_id IN (?, ?, ?, ?) ORDER BY "
                   "post.id DESC (1, 2, 3, 3)");
}

static void joined_to_itself(void **state) {
    (void)state;
    run(eager(eager(query(node), MR_LAZY_JOINED, "children"), MR_LAZY_JOINED, "children.children"));
    expect_sent("SELECT " NODE ", " NODE_1 ", " NODE_2
                " FROM node LEFT OUTER JOIN node AS node_2 ON node.id = node_2.parent_id "
                "LEFT OUTER JOIN node AS node_1 ON node_2.id = node_1.parent_id");
    assert_int_equal(nrows, 4);
    assert_int_equal(items(entity_at(0), "children")->n, 2);
    assert_int_equal(items(items(entity_at(0), "children")->items[0], "children")->n, 1);
    done();
    /* A relationship to its own class is not joined by default; with join_depth it is, to that depth. */
    rel(node, "children")->lazy = MR_LAZY_JOINED;
    registry->version++;
    new_owner();
    run_and_expect(query(node), 4, "SELECT " NODE " FROM node");
    rel(node, "children")->join_depth = 3;
    registry->version++;
    new_owner();
    run(where(query(node), eq(col(node, "id"), num(1))));
    const char *statements = sent();
    assert_null(strchr(statements, '\n'));
    assert_non_null(strstr(statements, "node_3"));
    assert_null(strstr(statements, "node_4"));
    assert_int_equal(items(entity_at(0), "children")->n, 2);
    done();
}

/* ---------------------------------------------------------------- selectin */

static void selectin(void **state) {
    (void)state;
    run(eager(eager(query(category), MR_LAZY_SELECTIN, "posts"), MR_LAZY_SELECTIN, "posts.tags"));
    expect_sent("SELECT " CATEGORY " FROM category\n"
                "SELECT post.category_id AS post_category_id, post.id AS post_id, post.title AS post_title FROM post "
                "WHERE post.category_id IN (?, ?, ?, ?) (1, 2, 3, 3)\n"
                "SELECT post_1.id AS post_1_id, " TAG
                " FROM post AS post_1 JOIN post_tag AS post_tag_1 ON post_1.id = post_tag_1.post_id "
                "JOIN tag ON tag.id = post_tag_1.tag_id WHERE post_1.id IN (?, ?, ?, ?) (1, 2, 3, 3)");
    expect_blog();
    expect_tags(items(entity_at(0), "posts")->items[0], 2);
    expect_tags(items(entity_at(1), "posts")->items[0], 0);
    assert_int_equal(entered, 1);
    assert_int_equal(left, 1);
    done();
    new_owner();
    run(eager(query(post), MR_LAZY_SELECTIN, "category"));
    expect_sent("SELECT " POST " FROM post\nSELECT " CATEGORY " FROM category WHERE category.id IN (?, ?) (1, 2)");
    expect_text(slot(entity_at(2), "category")->u.p, "name", "two");
    assert_int_equal(slot(entity_at(3), "category")->kind, MR_NULL);
    done();
    new_owner();
    mr_entity *one = get(category, 1), *two = get(category, 2);
    sent();
    run_and_expect(eager(query(post), MR_LAZY_SELECTIN, "category"), 4, "SELECT " POST " FROM post");
    mr_entity_unpin(one);
    mr_entity_unpin(two);
}

static void selectin_to_depth(void **state) {
    (void)state;
    rel(node, "children")->lazy = MR_LAZY_SELECTIN;
    rel(node, "children")->join_depth = 3;
    registry->version++;
    run(where(query(node), eq(col(node, "id"), num(1))));
    const char *statements = sent();
    size_t n = 1;
    for (const char *c = statements; *c; c++) n += *c == '\n';
    assert_int_equal(n, 4);
    mr_entity *child = items(entity_at(0), "children")->items[0];
    assert_int_equal(items(items(child, "children")->items[0], "children")->n, 0);
    done();
}

static void selectin_in_chunks(void **state) {
    (void)state;
    sql("WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 1209) INSERT INTO "
        "category SELECT i, 'c' || i FROM c");
    sql("WITH RECURSIVE c(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM c WHERE i < 1209) INSERT INTO post "
        "SELECT i, 'p' || i, i FROM c");
    sent();
    run(eager(query(category), MR_LAZY_SELECTIN, "posts"));
    mr_recorder_stop(recorder);
    assert_int_equal(mr_recorder_count(recorder), 1 + 3);
    mr_recorder_free(recorder);
    OK(mr_recorder_start(engine, &recorder));
    assert_int_equal(nrows, 1203);
    for (size_t i = 3; i < nrows; i++) {
        assert_int_equal(items(entity_at(i), "posts")->n, 1);
        assert_int_equal(slot(items(entity_at(i), "posts")->items[0], "id")->u.i, slot(entity_at(i), "id")->u.i);
    }
    done();
    new_owner();
    mr_query *q = eager(query(category), MR_LAZY_SELECTIN, "posts");
    q = then(q, mr_query_yield_per(q, 100));
    OK(mr_load_start(&ctx, q, &load));
    size_t n = 0;
    while (mr_load_step(load) == MR_ROW) n += items(mr_load_row(load)->u.p, "posts")->n;
    assert_int_equal(n, 1203);
    done();
    mr_query_release(q);
    q = eager(query(category), MR_LAZY_JOINED, "posts");
    expect_failure(then(q, mr_query_yield_per(q, 100)), MR_ERR_INVALID_REQUEST,
                   "yield_per does not go with the joined collection Category.posts: its rows must be read as a whole; "
                   "use selectinload or lazyload");
}

/* ---------------------------------------------------------------- subquery, immediate */

static void subquery(void **state) {
    (void)state;
    mr_query *q = where(query(category), mr_sql_binary(env, MR_OP_GT, col(category, "id"), num(0)));
    run(eager(q, MR_LAZY_SUBQUERY, "posts"));
    expect_sent("SELECT " CATEGORY " FROM category WHERE category.id > ? (0)\n"
                "SELECT " POST
                ", anon_1.category_id AS anon_1_category_id FROM (SELECT category.id AS category_id FROM category "
                "WHERE category.id > ?) AS anon_1 JOIN post ON anon_1.category_id = post.category_id (0)");
    expect_blog();
    done();
    new_owner();
    q = order(query(category), col(category, "name"));
    run(limit(eager(q, MR_LAZY_SUBQUERY, "posts"), 2));
    expect_sent("SELECT " CATEGORY " FROM category ORDER BY category.name LIMIT ? (2)\n"
                "SELECT " POST
                ", anon_1.category_id AS anon_1_category_id FROM (SELECT category.id AS category_id FROM category "
                "ORDER BY category.name LIMIT ?) AS anon_1 JOIN post ON anon_1.category_id = post.category_id (2)");
    assert_int_equal(items(entity_at(1), "posts")->n, 2);
    done();
    new_owner();
    run(eager(query(post), MR_LAZY_SUBQUERY, "tags"));
    expect_sent("SELECT " POST " FROM post\nSELECT " TAG
                ", anon_1.post_id AS anon_1_post_id FROM (SELECT post.id AS post_id "
                "FROM post) AS anon_1 JOIN post_tag AS post_tag_1 ON anon_1.post_id = post_tag_1.post_id "
                "JOIN tag ON tag.id = post_tag_1.tag_id");
    expect_tags(entity_at(0), 2);
    done();
    new_owner();
    run(eager(query(post), MR_LAZY_SUBQUERY, "category"));
    expect_sent("SELECT " POST " FROM post\nSELECT " CATEGORY
                ", anon_1.post_category_id AS anon_1_post_category_id FROM "
                "(SELECT DISTINCT post.category_id AS post_category_id FROM post) AS anon_1 "
                "JOIN category ON category.id = anon_1.post_category_id");
    expect_text(slot(entity_at(2), "category")->u.p, "name", "two");
    assert_int_equal(slot(entity_at(3), "category")->kind, MR_NULL);
    done();
}

static void subquery_of_parent(void **state) {
    (void)state;
    mr_entity *c = get(category, 1);
    sent();
    mr_query *q = query(post);
    q = then(q, mr_query_with_parent(q, prop(category, "posts"), c, NULL));
    run(eager(q, MR_LAZY_SUBQUERY, "tags"));
    assert_int_equal(nrows, 2);
    expect_tags(entity_at(0), 2);
    expect_tags(entity_at(1), 1);
    expect_sent("SELECT " POST " FROM post WHERE ? = post.category_id (1)\nSELECT " TAG
                ", anon_1.post_id AS anon_1_post_id FROM "
                "(SELECT post.id AS post_id FROM post WHERE ? = post.category_id) AS anon_1 "
                "JOIN post_tag AS post_tag_1 ON anon_1.post_id = post_tag_1.post_id JOIN tag ON tag.id = "
                "post_tag_1.tag_id (1)");
    done();
    mr_entity_unpin(c);
}

static void immediate(void **state) {
    (void)state;
    run(eager(query(post), MR_LAZY_IMMEDIATE, "category"));
    expect_sent("SELECT " POST " FROM post\nSELECT " CATEGORY " FROM category WHERE category.id = ? (1)\n"
                "SELECT " CATEGORY " FROM category WHERE category.id = ? (2)");
    expect_text(slot(entity_at(2), "category")->u.p, "name", "two");
    done();
}

/* ---------------------------------------------------------------- what is there stays */

static void loaded_collections_stay(void **state) {
    (void)state;
    run(eager(query(category), MR_LAZY_SELECTIN, "posts"));
    mr_entity *c = mr_entity_pin(entity_at(0));
    done();
    sent();
    sql("INSERT INTO post VALUES (9, 'late', 1)");
    run(eager(query(category), MR_LAZY_JOINED, "posts"));
    assert_int_equal(items(c, "posts")->n, 2);
    done();
    mr_query *q = eager(query(category), MR_LAZY_JOINED, "posts");
    run(then(q, mr_query_flags(q, true, -1)));
    assert_int_equal(items(c, "posts")->n, 3);
    done();
    mr_entity_unpin(c);
}

static void same_plan_other_values(void **state) {
    (void)state;
    for (int64_t i = 1; i <= 3; i++) {
        new_owner();
        run(eager(where(query(category), eq(col(category, "id"), num(i))), MR_LAZY_SUBQUERY, "posts"));
        assert_int_equal(nrows, 1);
        assert_int_equal(slot(entity_at(0), "id")->u.i, i);
        assert_int_equal(items(entity_at(0), "posts")->n, 3 - i);
        done();
    }
    /* A bind that is used twice is not the same as two binds with equal values. */
    mr_node *b = num(1);
    run(where(query(user), mr_sql_and(env, eq(col(user, "id"), mr_node_retain(b)), eq(num(1), b))));
    assert_int_equal(nrows, 1);
    done();
    run(where(query(user), mr_sql_and(env, eq(col(user, "id"), num(2)), eq(num(1), num(1)))));
    assert_int_equal(nrows, 1);
    assert_int_equal(slot(entity_at(0), "id")->u.i, 2);
    done();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(joined),
        TEST(several_joined_collections),
        TEST(joined_with_limit),
        TEST(joined_with_own_join),
        TEST(joined_in_order),
        TEST(joined_to_itself),
        TEST(selectin),
        TEST(selectin_to_depth),
        TEST(selectin_in_chunks),
        TEST(subquery),
        TEST(subquery_of_parent),
        TEST(immediate),
        TEST(loaded_collections_stay),
        TEST(same_plan_other_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
