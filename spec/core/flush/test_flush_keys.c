/*
 * test_flush_keys.c: changed keys, composite keys, and the foreign keys that refer to them.
 */
#include "flush_blog.h"

/* ---------------------------------------------------------------- changed keys */

static void open_keyed(blog *b, bool passive, const char *onupdate) {
    declare_blog(b, WITH_POSTS);
    b->posts->passive_updates = passive;
    b->category_id->foreign_keys->how.onupdate = onupdate;
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
        b.category_id->foreign_keys->how.onupdate = passive ? "CASCADE" : NULL;
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
    mr_mapper_append_column(b.category, "version", mr_column_new(b.w.env, "version", mr_type_simple(MR_TYPE_INTEGER)));
    b.category->version = mr_mapper_property(b.category, "version", false);
    fl_start(&b.w, "sqlite://");
    mr_entity *c = category(&b, "c");
    fl_flush(&b.w);
    b.w.owner->generation++; /* all objects have expired */
    fl_delete(&b.w, c);
    b.w.load = load_version;
    fl_expect(&b.w, "DELETE FROM category WHERE category.id = ? AND category.version = ? [(1, 1)]\n");
    assert_string_equal(b.w.needs, "Category.version\n");
    fl_close(&b.w);
}

/* A foreign key refers to a column that is no primary key. The object with that column has expired. */
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
    w.load = load_version; /* load_version gives 1 */
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

/* The key of an item begins with the key of its order. */
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
                          .how.onupdate = passive ? "CASCADE" : NULL};
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
    /* ON UPDATE CASCADE changes the item's key. The UPDATE of the item finds its row by the new key. */
    fl_set(&s.w, o, "number", mr_int_value(8));
    fl_set(&s.w, i, "name", fl_text("j"));
    fl_expect(&s.w, "UPDATE \"order\" SET number=? WHERE \"order\".year = ? AND \"order\".number = ? [(8, 2024, 7)]\n"
                    "UPDATE item SET name=? WHERE item.year = ? AND item.number = ? AND item.line = ? [('j', 2024, 8, "
                    "1)]\n");
    assert_int_equal(fl_int(i, "number"), 8);
    mr_value key[3] = {mr_int_value(2024), mr_int_value(8), mr_int_value(1)}, identity;
    mr_strbuf buf;
    mr_strbuf_init(&buf, s.w.env);
    assert_true(mr_identity_make(s.item, key, &buf, &identity));
    assert_ptr_equal(mr_idmap_get(s.w.owner->idmap, s.item, &identity), i);
    mr_strbuf_done(&buf);
    /* An item cannot be without an order: its key would be NULL. */
    fl_remove(&s.w, o, "items", i);
    fl_expect_error(&s.w, MR_ERR_INVALID_REQUEST,
                    "tried to blank-out primary key column 'item.year' on instance '<Item (2024, 8, 1)>'");
    mr_entity_revert(o);
    /* A new item takes the key of a deleted one: the row is updated. */
    fl_remove(&s.w, o, "items", i);
    fl_delete(&s.w, i);
    shop_item(&s, o, 1, "new");
    fl_expect(&s.w, "UPDATE item SET name=? WHERE item.year = ? AND item.number = ? AND item.line = ? "
                    "[('new', 2024, 8, 1)]\n");
    fl_close(&s.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passive_updates),
        cmocka_unit_test(test_active_updates),
        cmocka_unit_test(test_key_switch),
        cmocka_unit_test(test_version_is_needed),
        cmocka_unit_test(test_referred_column_is_needed),
        cmocka_unit_test(test_composite_keys),
    };
    return cmocka_run_group_tests_name("flush_keys", tests, NULL, NULL);
}
