/* test_flush_relations.c: foreign keys, link rows and the order of rows that follow from relationships. */
#include "flush_fixture.h"

/* ---------------------------------------------------------------- a blog: Post before Category, as users
 * write it */

typedef struct blog {
    fl_world w;
    mr_mapper *category, *post, *tag;
    mr_column *category_id;
    mr_relationship *posts, *category_of, *tags, *posts_of;
} blog;

enum { WITH_POSTS = 1, WITH_CATEGORY = 2, WITH_TAGS = 4, WITH_TAGGED = 8 };

static void declare_tags(blog *b, unsigned sides) {
    fl_world *w = &b->w;
    b->tag = fl_class(w, "Tag");
    fl_column(w, b->tag, "name", MR_TYPE_TEXT);
    mr_column *columns[2];
    for (int i = 0; i < 2; i++) {
        columns[i] = mr_column_new(w->env, i ? "tag_id" : "post_id", mr_type_simple(MR_TYPE_INTEGER));
        columns[i]->primary_key = true;
        mr_column_add_foreign_key(w->env, columns[i], i ? "tag.id" : "post.id", NULL);
    }
    mr_relationship tags = fl_proto(w, "Tag"), posts = fl_proto(w, "Post");
    tags.secondary = posts.secondary = mr_table_new(w->metadata, "post_tag", NULL, columns, 2, NULL, NULL);
    if (sides & WITH_TAGGED) {
        tags.back_populates = mr_intern(w->env, "posts", 5);
        posts.back_populates = mr_intern(w->env, "tags", 4);
        b->posts_of = fl_relate(w, b->tag, "posts", posts);
    }
    if (sides & WITH_TAGS) b->tags = fl_relate(w, b->post, "tags", tags);
    fl_finish(w, b->tag, "tag");
}

static void declare_blog(blog *b, unsigned sides) {
    fl_world *w = &b->w;
    memset(b, 0, sizeof *b);
    fl_open(w);
    mr_relationship category = fl_proto(w, "Category"), posts = fl_proto(w, "Post");
    if ((sides & WITH_POSTS) && (sides & WITH_CATEGORY)) {
        category.back_populates = mr_intern(w->env, "posts", 5);
        posts.back_populates = mr_intern(w->env, "category", 8);
    }
    b->post = fl_class(w, "Post");
    fl_column(w, b->post, "name", MR_TYPE_TEXT);
    b->category_id = fl_reference(w, b->post, "category_id", "category.id");
    if (sides & WITH_CATEGORY) b->category_of = fl_relate(w, b->post, "category", category);
    if (sides & (WITH_TAGS | WITH_TAGGED)) declare_tags(b, sides);
    fl_finish(w, b->post, "post");
    b->category = fl_class(w, "Category");
    fl_column(w, b->category, "name", MR_TYPE_TEXT);
    if (sides & WITH_POSTS) b->posts = fl_relate(w, b->category, "posts", posts);
    fl_finish(w, b->category, "category");
}

static void open_blog(blog *b, unsigned sides) {
    declare_blog(b, sides);
    fl_start(&b->w, "sqlite://");
}

static mr_entity *category(blog *b, const char *name) {
    return fl_named(&b->w, b->category, name);
}
static mr_entity *post(blog *b, const char *name) {
    return fl_named(&b->w, b->post, name);
}
static mr_entity *tag(blog *b, const char *name) {
    return fl_named(&b->w, b->tag, name);
}

/* Both sides, as the session keeps them. */
static void put_into(blog *b, mr_entity *p, mr_entity *c) {
    fl_append(&b->w, c, "posts", p);
    fl_set(&b->w, p, "category", fl_ref(c));
}

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
        fl_expect(
            &b.w,
            "INSERT INTO category (name) VALUES (?) [('c')]\n"
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
    /* Moved without a many-to-one; whichever parent is met first. */
    fl_remove(&b.w, c, "posts", y);
    fl_append(&b.w, d, "posts", y);
    fl_remove(&b.w, d, "posts", z);
    fl_append(&b.w, c, "posts", z);
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(2, 2), (1, 3)]\n");
    /* Taken out and put back. */
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
        open_blog(&b, sides[i]);
        mr_entity *x = post(&b, "x"), *y = post(&b, "y"), *c = category(&b, "c");
        fl_append(&b.w, c, "posts", x);
        fl_append(&b.w, c, "posts", y);
        if (sides[i] & WITH_CATEGORY) {
            fl_set(&b.w, x, "category", fl_ref(c));
            fl_set(&b.w, y, "category", fl_ref(c));
        }
        fl_flush(&b.w);
        fl_delete(&b.w, c);
        fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(NULL, 1), (NULL, 2)]\n"
                        "DELETE FROM category WHERE category.id = ? [(1)]\n");
        assert_string_equal(b.w.needs, "");
        assert_int_equal(fl_get(x, "category_id")->kind, MR_NULL);
        fl_close(&b.w);
    }
}

static mr_entity *to_be_loaded[4];

static mr_status load_items(fl_world *w, mr_entity *entity, const mr_property *prop) {
    uint32_t n = 0;
    while (n < 4 && to_be_loaded[n]) n++;
    mr_collection *c = mr_entity_collection(entity, prop, false);
    fl_check(w, c != NULL, "collection");
    return mr_collection_fill(c, to_be_loaded, n);
}

static void test_delete_unloaded_parent(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_POSTS);
    mr_entity *x = post(&b, "x"), *c = category(&b, "c"), *d = category(&b, "d");
    fl_append(&b.w, c, "posts", x);
    fl_flush(&b.w);
    mr_entity_forget(c, fl_prop(c, "posts")->slot);
    fl_delete(&b.w, c);
    to_be_loaded[0] = x;
    to_be_loaded[1] = NULL;
    b.w.load = load_items;
    fl_expect(&b.w, "UPDATE post SET category_id=? WHERE post.id = ? [(NULL, 1)]\n"
                    "DELETE FROM category WHERE category.id = ? [(1)]\n");
    assert_string_equal(b.w.needs, "Category.posts\n");
    /* passive_deletes leaves to the database what is not loaded. */
    b.posts->passive_deletes = 1;
    fl_append(&b.w, d, "posts", x);
    fl_flush(&b.w);
    mr_entity_forget(d, fl_prop(d, "posts")->slot);
    fl_delete(&b.w, d);
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "UPDATE post SET category_id = NULL"));
    fl_expect(&b.w, "DELETE FROM category WHERE category.id = ? [(2)]\n");
    assert_string_equal(b.w.needs, "");
    fl_close(&b.w);
}

static void test_passive_deletes_all(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_POSTS);
    b.posts->passive_deletes = 2;
    mr_entity *x = post(&b, "x"), *c = category(&b, "c");
    fl_append(&b.w, c, "posts", x);
    fl_flush(&b.w);
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "UPDATE post SET category_id = NULL"));
    fl_delete(&b.w, c);
    fl_expect(&b.w, "DELETE FROM category WHERE category.id = ? [(1)]\n");
    fl_close(&b.w);
}

static void test_delete_parent_and_children(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_POSTS);
    mr_entity *x = post(&b, "x"), *y = post(&b, "y"), *c = category(&b, "c");
    fl_append(&b.w, c, "posts", x);
    fl_append(&b.w, c, "posts", y);
    fl_flush(&b.w);
    /* One child removed, then the parent deleted with the rest (17). */
    fl_remove(&b.w, c, "posts", x);
    fl_delete(&b.w, c);
    fl_delete(&b.w, y);
    fl_delete(&b.w, x);
    fl_expect(&b.w, "DELETE FROM post WHERE post.id = ? [(1), (2)]\n"
                    "DELETE FROM category WHERE category.id = ? [(1)]\n");
    fl_close(&b.w);
}

static void test_moved_child_survives(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_POSTS | WITH_CATEGORY);
    mr_entity *x = post(&b, "x"), *c = category(&b, "c"), *d = category(&b, "d"), *y = post(&b, "y");
    put_into(&b, x, c);
    put_into(&b, y, c);
    fl_flush(&b.w);
    fl_remove(&b.w, c, "posts", x);
    put_into(&b, x, d);
    /* y by its foreign key alone. */
    fl_set(&b.w, y, "category_id", mr_int_value(2));
    fl_delete(&b.w, c);
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
    /* Set to what it is already. */
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
    mr_entity *x = post(&b, "x"), *c = fl_new(&b.w, b.category), *d = category(&b, "d"),
              *y = fl_new(&b.w, b.post);
    fl_set(&b.w, x, "category", fl_ref(c));
    fl_append(&b.w, d, "posts", y);
    fl_expect(&b.w, "INSERT INTO category (name) VALUES (?) [('d')]\n"
                    "INSERT INTO post (name, category_id) VALUES (?, ?) [('x', NULL)]\n");
    assert_non_null(
        strstr(b.w.log, "Object of type <Category> not in session, add operation along 'Post.category' "));
    assert_non_null(
        strstr(b.w.log, "Object of type <Post> not in session, add operation along 'Category.posts' "));
    fl_close(&b.w);
}

static void test_version_of_parent(void **state) {
    (void)state;
    blog b;
    declare_blog(&b, WITH_POSTS);
    mr_mapper_append_column(b.category, "version",
                            mr_column_new(b.w.env, "version", mr_type_simple(MR_TYPE_INTEGER)));
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

/* ---------------------------------------------------------------- changed keys */

static void open_keyed(blog *b, bool passive, const char *onupdate) {
    declare_blog(b, WITH_POSTS);
    b->posts->passive_updates = passive;
    b->category_id->foreign_keys->onupdate = onupdate;
    fl_start(&b->w, "sqlite://");
}

static void test_passive_updates(void **state) {
    (void)state;
    blog b;
    open_keyed(&b, true, "CASCADE");
    mr_entity *x = post(&b, "x"), *c = category(&b, "c");
    fl_append(&b.w, c, "posts", x);
    fl_flush(&b.w);
    fl_set(&b.w, c, "id", mr_int_value(5));
    fl_expect(&b.w, "UPDATE category SET id=? WHERE category.id = ? [(5, 1)]\n");
    assert_int_equal(fl_int(x, "category_id"), 5);
    assert_int_equal(fl_query(&b.w, "SELECT category_id FROM post"), 5);
    fl_set(&b.w, c, "id", mr_int_value(6));
    fl_set(&b.w, x, "name", fl_text("xx"));
    fl_expect(&b.w, "UPDATE category SET id=? WHERE category.id = ? [(6, 5)]\n"
                    "UPDATE post SET name=? WHERE post.id = ? [('xx', 1)]\n");
    assert_int_equal(fl_int(x, "category_id"), 6);
    fl_close(&b.w);
}

static void test_active_updates(void **state) {
    (void)state;
    blog b;
    open_keyed(&b, false, NULL);
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "PRAGMA foreign_keys = OFF"));
    mr_entity *x = post(&b, "x"), *c = category(&b, "c");
    fl_append(&b.w, c, "posts", x);
    fl_flush(&b.w);
    mr_entity_forget(c, fl_prop(c, "posts")->slot);
    fl_set(&b.w, c, "id", mr_int_value(5));
    to_be_loaded[0] = x;
    to_be_loaded[1] = NULL;
    b.w.load = load_items;
    fl_expect(&b.w, "UPDATE category SET id=? WHERE category.id = ? [(5, 1)]\n"
                    "UPDATE post SET category_id=? WHERE post.id = ? [(5, 1)]\n");
    assert_string_equal(b.w.needs, "Category.posts\n");
    assert_int_equal(fl_int(x, "category_id"), 5);
    fl_close(&b.w);
}

static void test_key_switch(void **state) {
    (void)state;
    for (int passive = 0; passive < 2; passive++) {
        blog b;
        declare_blog(&b, WITH_CATEGORY);
        b.category_of->passive_updates = passive;
        b.category_id->foreign_keys->onupdate = passive ? "CASCADE" : NULL;
        fl_start(&b.w, "sqlite://");
        if (!passive) FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "PRAGMA foreign_keys = OFF"));
        mr_entity *x = post(&b, "x"), *c = category(&b, "c");
        fl_set(&b.w, x, "category", fl_ref(c));
        fl_flush(&b.w);
        fl_set(&b.w, c, "id", mr_int_value(5));
        fl_expect(&b.w, passive ? "UPDATE category SET id=? WHERE category.id = ? [(5, 1)]\n"
                                : "UPDATE category SET id=? WHERE category.id = ? [(5, 1)]\n"
                                  "UPDATE post SET category_id=? WHERE post.id = ? [(5, 1)]\n");
        assert_int_equal(fl_int(x, "category_id"), 5);
        assert_int_equal(fl_query(&b.w, "SELECT category_id FROM post"), 5);
        fl_close(&b.w);
    }
}

static mr_status load_version(fl_world *w, mr_entity *entity, const mr_property *prop) {
    mr_value version = mr_int_value(1);
    (void)w;
    return mr_entity_put(entity, prop->slot, &version, false);
}

static void test_version_is_needed(void **state) {
    (void)state;
    blog b;
    declare_blog(&b, 0);
    mr_mapper_append_column(b.category, "version",
                            mr_column_new(b.w.env, "version", mr_type_simple(MR_TYPE_INTEGER)));
    b.category->version = mr_mapper_property(b.category, "version", false);
    fl_start(&b.w, "sqlite://");
    mr_entity *c = category(&b, "c");
    fl_flush(&b.w);
    b.w.owner->generation++; /* all have expired */
    fl_delete(&b.w, c);
    b.w.load = load_version;
    fl_expect(&b.w, "DELETE FROM category WHERE category.id = ? AND category.version = ? [(1, 1)]\n");
    assert_string_equal(b.w.needs, "Category.version\n");
    fl_close(&b.w);
}

/* A foreign key to a column that is no key, of an object that has expired. */
static void test_referred_column_is_needed(void **state) {
    (void)state;
    fl_world w;
    fl_open(&w);
    mr_mapper *country = fl_class(&w, "Country"), *city = fl_class(&w, "City");
    mr_column *code = fl_column(&w, country, "code", MR_TYPE_INTEGER);
    code->unique = true;
    fl_relate(&w, country, "cities", fl_proto(&w, "City"));
    fl_finish(&w, country, "country");
    fl_reference(&w, city, "country_code", "country.code");
    fl_relate(&w, city, "country", fl_proto(&w, "Country"));
    fl_finish(&w, city, "city");
    fl_start(&w, "sqlite://");
    mr_entity *c = fl_add(&w, fl_new(&w, country));
    fl_set(&w, c, "code", mr_int_value(1));
    fl_flush(&w);
    w.load = load_version; /* loads 1 */
    w.owner->generation++;
    mr_entity *x = fl_add(&w, fl_new(&w, city));
    fl_set(&w, x, "country", fl_ref(c));
    fl_expect(&w, "INSERT INTO city (country_code) VALUES (?) [(1)]\n");
    assert_string_equal(w.needs, "Country.code\n");
    w.owner->generation++;
    mr_entity *y = fl_add(&w, fl_new(&w, city));
    fl_append(&w, c, "cities", y);
    fl_expect(&w, "INSERT INTO city (country_code) VALUES (?) [(1)]\n");
    assert_string_equal(w.needs, "Country.code\n");
    fl_close(&w);
}

/* ---------------------------------------------------------------- composite keys */

typedef struct shop {
    fl_world w;
    mr_mapper *order, *item;
    mr_relationship *items;
} shop;

/* An item's key begins with its order's. */
static void open_shop(shop *s, bool passive) {
    fl_world *w = &s->w;
    fl_open(w);
    s->order = mr_mapper_new(w->registry, "Order", NULL);
    fl_column(w, s->order, "year", MR_TYPE_INTEGER)->primary_key = true;
    fl_column(w, s->order, "number", MR_TYPE_INTEGER)->primary_key = true;
    fl_column(w, s->order, "name", MR_TYPE_TEXT);
    mr_relationship items = fl_proto(w, "Item");
    items.passive_updates = passive;
    s->items = fl_relate(w, s->order, "items", items);
    fl_finish(w, s->order, "order");
    s->item = mr_mapper_new(w->registry, "Item", NULL);
    fl_column(w, s->item, "year", MR_TYPE_INTEGER)->primary_key = true;
    fl_column(w, s->item, "number", MR_TYPE_INTEGER)->primary_key = true;
    fl_column(w, s->item, "line", MR_TYPE_INTEGER)->primary_key = true;
    fl_column(w, s->item, "name", MR_TYPE_TEXT);
    mr_constraint *fk = mr_env_arena(w->env, sizeof *fk);
    static const char *names[] = {"year", "number"}, *targets[] = {"order.year", "order.number"};
    *fk = (mr_constraint){.kind = MR_CONSTRAINT_FOREIGN_KEY,
                          .ncolumns = 2,
                          .column_names = names,
                          .targets = targets,
                          .onupdate = passive ? "CASCADE" : NULL};
    FL_OK(w, mr_mapper_finish(s->item, NULL, "item", NULL, fk, NULL));
    fl_start(w, "sqlite://");
}

static mr_entity *shop_item(shop *s, mr_entity *order, int line, const char *name) {
    mr_entity *i = fl_named(&s->w, s->item, name);
    fl_set(&s->w, i, "line", mr_int_value(line));
    fl_append(&s->w, order, "items", i);
    return i;
}

static mr_entity *shop_order(shop *s) {
    mr_entity *o = fl_named(&s->w, s->order, "o");
    fl_set(&s->w, o, "year", mr_int_value(2024));
    fl_set(&s->w, o, "number", mr_int_value(7));
    return o;
}

static void test_composite_keys(void **state) {
    (void)state;
    shop s;
    open_shop(&s, true);
    mr_entity *o = shop_order(&s), *i = shop_item(&s, o, 1, "i");
    fl_expect(&s.w, "INSERT INTO \"order\" (year, number, name) VALUES (?, ?, ?) [(2024, 7, 'o')]\n"
                    "INSERT INTO item (year, number, line, name) VALUES (?, ?, ?, ?) [(2024, 7, 1, 'i')]\n");
    /* The item's key follows by ON UPDATE CASCADE, and its own change finds the row under the new key. */
    fl_set(&s.w, o, "number", mr_int_value(8));
    fl_set(&s.w, i, "name", fl_text("j"));
    fl_expect(
        &s.w,
        "UPDATE \"order\" SET number=? WHERE \"order\".year = ? AND \"order\".number = ? [(8, 2024, 7)]\n"
        "UPDATE item SET name=? WHERE item.year = ? AND item.number = ? AND item.line = ? [('j', 2024, 8, "
        "1)]\n");
    assert_int_equal(fl_int(i, "number"), 8);
    mr_value key[3] = {mr_int_value(2024), mr_int_value(8), mr_int_value(1)}, identity;
    mr_strbuf buf;
    mr_strbuf_init(&buf, s.w.env);
    assert_true(mr_identity_make(s.item, key, &buf, &identity));
    assert_ptr_equal(mr_idmap_get(s.w.owner->idmap, s.item, &identity), i);
    mr_strbuf_done(&buf);
    /* An item cannot lose its order. */
    fl_remove(&s.w, o, "items", i);
    fl_expect_error(&s.w, MR_ERR_INVALID_REQUEST,
                    "tried to blank-out primary key column 'item.year' on instance '<Item (2024, 8, 1)>'");
    mr_entity_revert(o);
    /* Replaced by another one with its key: the row is switched. */
    fl_remove(&s.w, o, "items", i);
    fl_delete(&s.w, i);
    shop_item(&s, o, 1, "new");
    fl_expect(&s.w, "UPDATE item SET name=? WHERE item.year = ? AND item.number = ? AND item.line = ? "
                    "[('new', 2024, 8, 1)]\n");
    fl_close(&s.w);
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
        fl_append(&b.w, x, "tags", t); /* repeated: one row */
        if (both) {
            fl_append(&b.w, t, "posts", x);
            fl_append(&b.w, u, "posts", x);
        }
        fl_expect(&b.w, "INSERT INTO tag (name) VALUES (?) [('t'), ('u'), ('v')]\n"
                        "INSERT INTO post (name, category_id) VALUES (?, ?) [('x', NULL)]\n"
                        "INSERT INTO post_tag (post_id, tag_id) VALUES (?, ?) [(1, 1), (1, 2)]\n");
        /* A change of a column does not look at the collection (5). */
        mr_entity_forget(x, fl_prop(x, "tags")->slot);
        fl_set(&b.w, x, "name", fl_text("xx"));
        fl_expect(&b.w, "UPDATE post SET name=? WHERE post.id = ? [('xx', 1)]\n");
        assert_string_equal(b.w.needs, "");
        /* Only the difference (14). */
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
        /* Deleting one side takes the links along. */
        fl_delete(&b.w, x);
        fl_expect(&b.w,
                  "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ? [(1, 2), (1, 3)]\n"
                  "DELETE FROM post WHERE post.id = ? [(1)]\n");
        fl_close(&b.w);
    }
}

static void test_many_to_many_stale(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_TAGS);
    mr_entity *x = post(&b, "x"), *t = tag(&b, "t");
    fl_append(&b.w, x, "tags", t);
    fl_flush(&b.w);
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "DELETE FROM post_tag"));
    fl_remove(&b.w, x, "tags", t);
    fl_expect_error(&b.w, MR_ERR_STALE_DATA,
                    "DELETE statement on table 'post_tag' expected to delete 1 row(s)");
    fl_close(&b.w);
}

static void test_many_to_many_needs(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_TAGS);
    mr_entity *x = post(&b, "x"), *t = tag(&b, "t");
    fl_append(&b.w, x, "tags", t);
    fl_flush(&b.w);
    mr_entity_forget(x, fl_prop(x, "tags")->slot);
    fl_delete(&b.w, x);
    to_be_loaded[0] = t;
    to_be_loaded[1] = NULL;
    b.w.load = load_items;
    fl_expect(&b.w, "DELETE FROM post_tag WHERE post_tag.post_id = ? AND post_tag.tag_id = ? [(1, 1)]\n"
                    "DELETE FROM post WHERE post.id = ? [(1)]\n");
    assert_string_equal(b.w.needs, "Post.tags\n");
    fl_close(&b.w);
}

static void test_many_to_many_key(void **state) {
    (void)state;
    blog b;
    open_blog(&b, WITH_TAGS);
    b.tags->passive_updates = false;
    FL_OK(&b.w, mr_conn_run_sql(b.w.conn, "PRAGMA foreign_keys = OFF"));
    mr_entity *x = post(&b, "x"), *t = tag(&b, "t"), *u = tag(&b, "u");
    fl_append(&b.w, x, "tags", t);
    fl_append(&b.w, x, "tags", u);
    fl_flush(&b.w);
    fl_remove(&b.w, x, "tags", u);
    fl_set(&b.w, x, "id", mr_int_value(9));
    fl_expect(&b.w,
              "UPDATE post SET id=? WHERE post.id = ? [(9, 1)]\n"
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
        if (memory)
            fa_arm(&b.w.fa, ++n);
        else
            mr_engine_fail_at(b.w.engine, ++n);
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
        cmocka_unit_test(test_passive_updates),
        cmocka_unit_test(test_active_updates),
        cmocka_unit_test(test_key_switch),
        cmocka_unit_test(test_version_is_needed),
        cmocka_unit_test(test_referred_column_is_needed),
        cmocka_unit_test(test_composite_keys),
        cmocka_unit_test(test_many_to_many),
        cmocka_unit_test(test_many_to_many_stale),
        cmocka_unit_test(test_many_to_many_needs),
        cmocka_unit_test(test_many_to_many_key),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_failing_driver),
    };
    return cmocka_run_group_tests_name("flush_relations", tests, NULL, NULL);
}
