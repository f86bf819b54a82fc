/*
 * test_flush_relations.c: relationships decide foreign keys, link rows, and the order of statements.
 */
#include "flush_blog.h"

static void test_save_parent_and_children(void **state) {
    (void)state;
    static const unsigned sides[] = {WITH_POSTS, WITH_CATEGORY, WITH_POSTS | WITH_CATEGORY};
    for (int i = 0; i < 3; i++) {
        blog b;
        open_blog(&b, sides[i]);
        mr_entity *x = post(&b, "x"), *y = post(&b, "y"), *c = category(&b, "c"), *alone = post(&b, "alone");
        if (sides[i] & WITH_POSTS) {
            fl_append(&b.w, c, "posts", x);
            fl_append(&b.w, c, "posts", y);
        }
        if (sides[i] & WITH_CATEGORY) {
            fl_set(&b.w, x, "category", fl_ref(c));
            fl_set(&b.w, y, "category", fl_ref(c));
        }
        fl_expect(&b.w, "INSERT INTO category (name) VALUES (?) [('c')]\n"
                        "INSERT INTO post (name, category_id) VALUES (?, ?) [('x', 1), ('y', 1), ('alone', NULL)]\n");
        assert_int_equal(fl_int(x, "category_id"), 1);
        assert_int_equal(fl_get(alone, "category_id")->kind, MR_NULL);
        fl_expect(&b.w, "");
        fl_close(&b.w);
    }
}

static void test_add_and_remove_children(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_POSTS);
    mr_entity *x = post(&b, "x"), *y = post(&b, "y"), *z = post(&b, "z"), *c = category(&b, "c"),
              *d = category(&b, "d");
    fl_append(&b.w, c, "posts", x);
    fl_append(&b.w, c, "posts", y);
    fl_append(&b.w, d, "posts", z);
    fl_flush(&b.w);
    fl_remove(&b.w, c, "posts", x);
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(NULL, 1)]\n");
    assert_int_equal(fl_get(x, "category_id")->kind, MR_NULL);
    /* Moved to another parent, without a many-to-one. The flush may see either parent first. */
    fl_remove(&b.w, c, "posts", y);
    fl_append(&b.w, d, "posts", y);
    fl_remove(&b.w, d, "posts", z);
    fl_append(&b.w, c, "posts", z);
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(2, 2), (1, 3)]\n");
    /* Removed and appended again: nothing has changed. */
    fl_remove(&b.w, c, "posts", z);
    fl_append(&b.w, c, "posts", z);
    fl_expect(&b.w, "");
    fl_close(&b.w);
}

static void test_delete_parent(void **state) {
    (void)state;
    static const unsigned sides[] = {WITH_POSTS, WITH_POSTS | WITH_CATEGORY};
    for (int i = 0; i < 2; i++) {
        blog b;
        open_saved_posts(&b, sides[i]);
        fl_delete(&b.w, b.c);
        fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(NULL, 1), (NULL, 2)]\n"
                        "DELETE FROM category WHERE category.id = ? [(1)]\n");
        assert_string_equal(b.w.needs, "");
        assert_int_equal(fl_get(b.x, "category_id")->kind, MR_NULL);
        fl_close(&b.w);
    }
}

static void test_delete_unloaded_parent(void **state) {
    (void)state;
    blog b;
    open_saved_posts(&b, WITH_POSTS);
    mr_entity_forget(b.c, fl_prop(b.c, "posts")->slot);
    fl_delete(&b.w, b.c);
    to_be_loaded[0] = b.x;
    to_be_loaded[1] = b.y;
    to_be_loaded[2] = NULL;
    b.w.load = load_items;
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(NULL, 1), (NULL, 2)]\n"
                    "DELETE FROM category WHERE category.id = ? [(1)]\n");
    assert_string_equal(b.w.needs, "Category.posts\n");
    /* With passive_deletes the flush does not load the children: the database changes them. */
    b.posts->passive_deletes = 1;
    fl_append(&b.w, b.d, "posts", b.x);
    fl_flush(&b.w);
    mr_entity_forget(b.d, fl_prop(b.d, "posts")->slot);
    fl_delete(&b.w, b.d);
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "UPDATE post SET category_id = NULL"));
    fl_expect(&b.w, "DELETE FROM category WHERE category.id = ? [(2)]\n");
    assert_string_equal(b.w.needs, "");
    fl_close(&b.w);
}

static void test_passive_deletes_all(void **state) {
    (void)state;
    blog b;
    open_saved_posts(&b, WITH_POSTS);
    b.posts->passive_deletes = 2;
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "UPDATE post SET category_id = NULL"));
    fl_delete(&b.w, b.c);
    fl_expect(&b.w, "DELETE FROM category WHERE category.id = ? [(1)]\n");
    fl_close(&b.w);
}

static void test_delete_parent_and_children(void **state) {
    (void)state;
    blog b;
    open_saved_posts(&b, WITH_POSTS);
    /* One child is removed, then the parent and all children are deleted. */
    fl_remove(&b.w, b.c, "posts", b.x);
    fl_delete(&b.w, b.c);
    fl_delete(&b.w, b.y);
    fl_delete(&b.w, b.x);
    fl_expect(&b.w, "DELETE FROM post WHERE post.id = ? [(1), (2)]\n"
                    "DELETE FROM category WHERE category.id = ? [(1)]\n");
    fl_close(&b.w);
}

static void test_moved_child_survives(void **state) {
    (void)state;
    blog b;
    open_saved_posts(&b, WITH_POSTS | WITH_CATEGORY);
    fl_remove(&b.w, b.c, "posts", b.x);
    put_into(&b, b.x, b.d);
    /* y is moved only by its foreign key. */
    fl_set(&b.w, b.y, "category_id", mr_int_value(2));
    fl_delete(&b.w, b.c);
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(2, 1), (2, 2)]\n"
                    "DELETE FROM category WHERE category.id = ? [(1)]\n");
    fl_close(&b.w);
}

static void test_many_to_one_to_nil(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_CATEGORY);
    mr_entity *x = post(&b, "x"), *c = category(&b, "c");
    fl_set(&b.w, x, "category", fl_ref(c));
    fl_flush(&b.w);
    mr_entity_forget(x, fl_prop(x, "category")->slot);
    fl_set(&b.w, x, "category", mr_null_value());
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(NULL, 1)]\n");
    assert_string_equal(b.w.needs, "");
    /* Set to the value that it has: nothing has changed. */
    fl_set(&b.w, x, "category", fl_ref(c));
    fl_flush(&b.w);
    mr_entity_forget(x, fl_prop(x, "category")->slot);
    fl_set(&b.w, x, "category", fl_ref(c));
    fl_expect(&b.w, "");
    fl_close(&b.w);
}

static void test_tables_sort_without_links(void **state) {
    (void)state;
    blog b;
    open_blog(&b, 0);
    mr_entity *x = post(&b, "x"), *c = category(&b, "c");
    fl_expect(&b.w, "INSERT INTO category (name) VALUES (?) [('c')]\n"
                    "INSERT INTO post (name, category_id) VALUES (?, ?) [('x', NULL)]\n");
    fl_delete(&b.w, c);
    fl_delete(&b.w, x);
    fl_expect(&b.w, "DELETE FROM post WHERE post.id = ? [(1)]\n"
                    "DELETE FROM category WHERE category.id = ? [(1)]\n");
    fl_close(&b.w);
}

static void test_outside_the_session(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_POSTS | WITH_CATEGORY);
    mr_entity *x = post(&b, "x"), *c = fl_new(&b.w, b.category), *d = category(&b, "d"), *y = fl_new(&b.w, b.post);
    fl_set(&b.w, x, "category", fl_ref(c));
    fl_append(&b.w, d, "posts", y);
    fl_expect(&b.w, "INSERT INTO category (name) VALUES (?) [('d')]\n"
                    "INSERT INTO post (name, category_id) VALUES (?, ?) [('x', NULL)]\n");
    assert_non_null(strstr(b.w.log, "Object of type <Category> not in session, add operation along 'Post.category' "));
    assert_non_null(strstr(b.w.log, "Object of type <Post> not in session, add operation along 'Category.posts' "));
    fl_close(&b.w);
}

static void test_version_of_parent(void **state) {
    (void)state;
    blog b;
    declare_blog(&b, WITH_POSTS);
    mr_mapper_append_column(b.category, "version", mr_column_new(b.w.env, "version", mr_type_simple(MR_TYPE_INTEGER)));
    b.category->version = mr_mapper_property(b.category, "version", false);
    fl_start(&b.w, "sqlite://");
    mr_entity *x = post(&b, "x"), *c = category(&b, "c");
    fl_flush(&b.w);
    fl_append(&b.w, c, "posts", x);
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(1, 1)]\n");
    assert_int_equal(fl_int(c, "version"), 1);
    assert_int_equal(b.w.owner->dirty.len, 0);
    fl_close(&b.w);
}

/* ---------------------------------------------------------------- many to many */

static void test_many_to_many(void **state) {
    (void)state;
    static const unsigned sides[] = {WITH_TAGS, WITH_TAGS | WITH_TAGGED};
    for (int i = 0; i < 2; i++) {
        blog b;
        open_blog(&b, sides[i]);
        bool both = (sides[i] & WITH_TAGGED) != 0;
        mr_entity *x = post(&b, "x"), *t = tag(&b, "t"), *u = tag(&b, "u"), *v = tag(&b, "v");
        fl_append(&b.w, x, "tags", t);
        fl_append(&b.w, x, "tags", u);
        fl_append(&b.w, x, "tags", t); /* a second time: still one link row */
        if (both) {
            fl_append(&b.w, t, "posts", x);
            fl_append(&b.w, u, "posts", x);
        }
        fl_expect(&b.w, "INSERT INTO tag (name) VALUES (?) [('t'), ('u'), ('v')]\n"
                        "INSERT INTO post (name, category_id) VALUES (?, ?) [('x', NULL)]\n"
                        "INSERT INTO post_tag (post_id, tag_id) VALUES (?, ?) [(1, 1), (1, 2)]\n");
        /* A change of a column does not load the collection. */
        mr_entity_forget(x, fl_prop(x, "tags")->slot);
        fl_set(&b.w, x, "name", fl_text("xx"));
        fl_expect(&b.w, "UPDATE post SET name=? WHERE post.id = ? [('xx', 1)]\n");
        assert_string_equal(b.w.needs, "");
        /* Only the difference is written. */
        to_be_loaded[0] = t;
        to_be_loaded[1] = u;
        to_be_loaded[2] = NULL;
        FL_OK(&b.w, load_items(&b.w, x, fl_prop(x, "tags")));
        fl_remove(&b.w, x, "tags", t);
        fl_append(&b.w, x, "tags", v);
        if (both) {
            fl_remove(&b.w, t, "posts", x);
            fl_append(&b.w, v, "posts", x);
        }
        fl_expect(&b.w, "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ? [(1, 1)]\n"
                        "INSERT INTO post_tag (post_id, tag_id) VALUES (?, ?) [(1, 3)]\n");
        /* Deleting one side deletes its link rows. */
        fl_delete(&b.w, x);
        fl_expect(&b.w, "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ? [(1, 2), (1, 3)]\n"
                        "DELETE FROM post WHERE post.id = ? [(1)]\n");
        fl_close(&b.w);
    }
}

static void test_many_to_many_stale(void **state) {
    (void)state;
    blog b;
    open_tagged_post(&b);
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "DELETE FROM post_tag"));
    fl_remove(&b.w, b.x, "tags", b.t);
    fl_expect_error(&b.w, MR_ERR_STALE_DATA, "DELETE statement on table 'post_tag' expected to delete 1 row(s)");
    fl_close(&b.w);
}

static void test_many_to_many_needs(void **state) {
    (void)state;
    blog b;
    open_tagged_post(&b);
    mr_entity_forget(b.x, fl_prop(b.x, "tags")->slot);
    fl_delete(&b.w, b.x);
    to_be_loaded[0] = b.t;
    to_be_loaded[1] = b.u;
    to_be_loaded[2] = NULL;
    b.w.load = load_items;
    fl_expect(&b.w, "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ? [(1, 1), (1, 2)]\n"
                    "DELETE FROM post WHERE post.id = ? [(1)]\n");
    assert_string_equal(b.w.needs, "Post.tags\n");
    fl_close(&b.w);
}

static void test_many_to_many_key(void **state) {
    (void)state;
    blog b;
    open_tagged_post(&b);
    b.tags->passive_updates = false;
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "PRAGMA foreign_keys = OFF"));
    fl_remove(&b.w, b.x, "tags", b.u);
    fl_set(&b.w, b.x, "id", mr_int_value(9));
    fl_expect(&b.w, "UPDATE post SET id=? WHERE post.id = ? [(9, 1)]\n"
                    "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ? [(1, 2)]\n"
                    "UPDATE post_tag SET post_id=?, tag_id=? WHERE post_tag.post_id = ? AND post_tag.tag_id = ? "
                    "[(9, 1, 1, 1)]\n");
    fl_close(&b.w);
}

/* ---------------------------------------------------------------- faults */

static void begin_faults(blog *b, mr_entity **old) {
    open_blog(b, WITH_POSTS | WITH_CATEGORY | WITH_TAGS);
    old[0] = category(b, "c");
    old[1] = post(b, "x");
    old[2] = tag(b, "t");
    put_into(b, old[1], old[0]);
    fl_append(&b->w, old[1], "tags", old[2]);
    fl_flush(&b->w);
    mr_flush_free(b->w.flush);
    b->w.flush = NULL;
    mr_entity *d = category(b, "d"), *y = post(b, "y"), *u = tag(b, "u");
    put_into(b, y, d);
    fl_append(&b->w, y, "tags", u);
    fl_append(&b->w, y, "tags", old[2]);
    fl_remove(&b->w, old[1], "tags", old[2]);
    fl_delete(&b->w, old[0]);
}

static void assert_untouched(blog *b, mr_entity **old) {
    assert_int_equal(b->w.fresh.len, 3);
    for (size_t i = 0; i < 3; i++) {
        const mr_entity *e = mr_vec_ptr(&b->w.fresh, i);
        assert_int_equal(e->state, MR_PENDING);
        assert_int_equal(e->pins, 1);
    }
    assert_int_equal(old[0]->state, MR_PERSISTENT);
    assert_int_equal(old[0]->pins, 1);
    assert_int_equal(old[2]->pins, 1);
    assert_int_equal(fl_int(old[1], "category_id"), 1);
    assert_true(mr_collection_changed(fl_items(&b->w, old[1], "tags")));
}

static void assert_flushed(blog *b, mr_entity **old) {
    assert_int_equal(old[0]->state, MR_DELETED);
    assert_int_equal(fl_get(old[1], "category_id")->kind, MR_NULL);
    assert_int_equal(fl_query(&b->w, "SELECT count(*) FROM post_tag WHERE post_id = 2"), 2);
    assert_int_equal(fl_query(&b->w, "SELECT count(*) FROM post_tag"), 2);
    assert_int_equal(fl_query(&b->w, "SELECT category_id FROM post WHERE name = 'y'"), 2);
    assert_int_equal(fl_query(&b->w, "SELECT count(*) FROM category"), 1);
}

static void run_faults(bool memory) {
    blog b;
    mr_entity *old[3];
    begin_faults(&b, old);
    size_t n = 0;
    for (mr_status status = MR_FAIL; status != MR_OK;) {
        FL_OK(&b.w, mr_conn_begin(b.w.conn, MR_TX_DEFAULT));
        if (memory) fa_arm(&b.w.fa, ++n);
        else mr_engine_fail_at(b.w.engine, ++n);
        status = fl_try(&b.w);
        fa_disarm(&b.w.fa);
        mr_engine_fail_at(b.w.engine, 0);
        if (status == MR_OK) {
            FL_OK(&b.w, mr_conn_commit(b.w.conn));
            continue;
        }
        assert_int_equal(mr_env_error(b.w.env)->kind, memory ? MR_ERR_NO_MEMORY : MR_ERR_OPERATIONAL);
        FL_OK(&b.w, mr_conn_rollback(b.w.conn));
        assert_untouched(&b, old);
    }
    assert_true(n > 10);
    assert_flushed(&b, old);
    fl_close(&b.w);
}

static void test_no_memory(void **state) {
    (void)state;
    run_faults(true);
}

static void test_failing_driver(void **state) {
    (void)state;
    run_faults(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save_parent_and_children),
        cmocka_unit_test(test_add_and_remove_children),
        cmocka_unit_test(test_delete_parent),
        cmocka_unit_test(test_delete_unloaded_parent),
        cmocka_unit_test(test_passive_deletes_all),
        cmocka_unit_test(test_delete_parent_and_children),
        cmocka_unit_test(test_moved_child_survives),
        cmocka_unit_test(test_many_to_one_to_nil),
        cmocka_unit_test(test_tables_sort_without_links),
        cmocka_unit_test(test_outside_the_session),
        cmocka_unit_test(test_version_of_parent),
        cmocka_unit_test(test_many_to_many),
        cmocka_unit_test(test_many_to_many_stale),
        cmocka_unit_test(test_many_to_many_needs),
        cmocka_unit_test(test_many_to_many_key),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_failing_driver),
    };
    return cmocka_run_group_tests_name("flush_relations", tests, NULL, NULL);
}
