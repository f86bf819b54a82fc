/*
 * test_flush.c: inserts, updates and deletes of one class, on SQLite, and as SQL for PostgreSQL.
 */
#include "flush_users.h"

static void test_insert(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "admin"), *b = make_user(&u, "guest");
    fl_set(&u.w, b, "email", fl_text("guest@example.com"));
    fl_expect(&u.w, "INSERT INTO user (username, email, score) VALUES (?, ?, ?) "
                    "[('admin', NULL, NULL), ('guest', 'guest@example.com', NULL)]\n");
    assert_int_equal(fl_int(a, "id"), 1);
    assert_int_equal(fl_int(b, "id"), 2);
    assert_int_equal(a->state, MR_PERSISTENT);
    assert_int_equal(fl_get(a, "email")->kind, MR_NULL);
    mr_value id = mr_int_value(2);
    assert_ptr_equal(mr_idmap_get(u.w.owner->idmap, u.user, &id), b);
    assert_int_equal(mr_flush_result_count(u.w.flush), 2);
    assert_int_equal(mr_flush_result_at(u.w.flush, 0).generated, 1);
    fl_expect(&u.w, "");
    fl_close(&u.w);
}

static void test_shapes(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b"), *c = make_user(&u, "c"), *d = make_user(&u, "d");
    fl_set(&u.w, c, "id", mr_int_value(10));
    fl_expect(&u.w,
              "INSERT INTO user (username, email, score) VALUES (?, ?, ?) [('a', NULL, NULL), ('b', NULL, NULL)]\n"
              "INSERT INTO user (id, username, email, score) VALUES (?, ?, ?, ?) [(10, 'c', NULL, NULL)]\n"
              "INSERT INTO user (username, email, score) VALUES (?, ?, ?) [('d', NULL, NULL)]\n");
    assert_int_equal(fl_int(b, "id"), 2);
    assert_int_equal(fl_int(d, "id"), 11);
    fl_set(&u.w, d, "score", mr_int_value(4));
    fl_set(&u.w, a, "score", mr_int_value(1));
    fl_set(&u.w, b, "email", fl_text("b@x"));
    fl_set(&u.w, c, "score", mr_int_value(3));
    fl_expect(&u.w, "UPDATE user SET score=? WHERE user.id = ? [(1, 1)]\n"
                    "UPDATE user SET email=? WHERE user.id = ? [('b@x', 2)]\n"
                    "UPDATE user SET score=? WHERE user.id = ? [(3, 10), (4, 11)]\n");
    fl_close(&u.w);
}

static void test_unchanged(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a");
    fl_flush(&u.w);
    fl_set(&u.w, a, "username", fl_text("a"));
    fl_expect(&u.w, "");
    fl_set(&u.w, a, "username", fl_text("b"));
    fl_set(&u.w, a, "username", fl_text("a"));
    fl_expect(&u.w, "");
    fl_set(&u.w, a, "email", fl_text("x"));
    fl_set(&u.w, a, "email", mr_null_value());
    fl_expect(&u.w, "");
    assert_int_equal(u.w.owner->dirty.len, 0);
    fl_close(&u.w);
}

static void test_update_and_delete(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b"), *c = make_user(&u, "c");
    fl_flush(&u.w);
    fl_delete(&u.w, c);
    fl_delete(&u.w, a);
    fl_set(&u.w, b, "username", fl_text("bb"));
    make_user(&u, "d");
    fl_expect(&u.w, "UPDATE user SET username=? WHERE user.id = ? [('bb', 2)]\n"
                    "INSERT INTO user (username, email, score) VALUES (?, ?, ?) [('d', NULL, NULL)]\n"
                    "DELETE FROM user WHERE user.id = ? [(1), (3)]\n");
    assert_int_equal(a->state, MR_DELETED);
    assert_false(a->flags & (MR_ENTITY_IN_MAP | MR_ENTITY_TO_DELETE));
    assert_int_equal(fl_query(&u.w, "SELECT count(*) FROM user"), 2);
    fl_close(&u.w);
}

static void test_stale(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a");
    make_user(&u, "b");
    fl_flush(&u.w);
    FL_OK(&u.w, mr_conn_run_sql(u.w.conn, "DELETE FROM user WHERE id = 1"));
    fl_set(&u.w, a, "username", fl_text("aa"));
    fl_expect_error(&u.w, MR_ERR_STALE_DATA,
                    "UPDATE statement on table 'user' expected to update 1 row(s); 0 were matched.");
    assert_true(mr_entity_is_dirty(a, fl_prop(a, "username")->slot));
    mr_entity_revert(a);
    fl_delete(&u.w, a);
    fl_expect_error(&u.w, MR_ERR_STALE_DATA,
                    "DELETE statement on table 'user' expected to delete 1 row(s); 0 were matched");
    assert_int_equal(a->state, MR_PERSISTENT);
    assert_true(a->flags & MR_ENTITY_TO_DELETE);
    fl_close(&u.w);
}

static void test_length(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    char name[82];
    memset(name, 'x', 81);
    name[81] = '\0';
    mr_entity *a = make_user(&u, name);
    fl_expect_error(&u.w, MR_ERR_DATA, "User.username");
    assert_string_equal(u.w.sent, "");
    fl_set(&u.w, a, "username", fl_text("a"));
    fl_flush(&u.w);
    fl_set(&u.w, a, "username", fl_text(name));
    fl_expect_error(&u.w, MR_ERR_DATA, "User.username");
    fl_close(&u.w);
}

static mr_status give_name(mr_env *env, void *ud, mr_value *out) {
    int *calls = ud;
    (void)env;
    static const char *const names[] = {"one", "two", "three"};
    *out = fl_text(names[(*calls)++ % 3]);
    return MR_OK;
}

static void test_defaults(void **state) {
    (void)state;
    user_world u;
    int calls = 0;
    declare_user(&u);
    u.email->deflt = (mr_default){.kind = MR_DEFAULT_FUNCTION, .fn = give_name, .ud = &calls};
    u.score->deflt = (mr_default){.kind = MR_DEFAULT_VALUE, .value = mr_int_value(7)};
    mr_column *made = fl_column(&u.w, u.user, "made", MR_TYPE_DATETIME);
    made->deflt.kind = MR_DEFAULT_NOW;
    mr_column *server = fl_column(&u.w, u.user, "server", MR_TYPE_INTEGER);
    server->server_default = "5";
    mr_column *sql = fl_column(&u.w, u.user, "sql", MR_TYPE_INTEGER);
    mr_value forty = mr_int_value(40), two = mr_int_value(2);
    const mr_type *integer = mr_type_simple(MR_TYPE_INTEGER);
    mr_node *sum =
        mr_sql_binary(u.w.env, MR_OP_ADD, mr_sql_bind(u.w.env, integer, &forty), mr_sql_bind(u.w.env, integer, &two));
    sql->deflt = (mr_default){.kind = MR_DEFAULT_SQL, .expression = sum};
    fl_finish(&u.w, u.user, "user");
    fl_start(&u.w, "sqlite://");
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b");
    fl_set(&u.w, b, "score", mr_int_value(8));
    fl_expect(&u.w,
              "INSERT INTO user (username, email, score, made, sql) VALUES (?, ?, ?, ?, (? + ?)) "
              "RETURNING id, server, sql [('a', 'one', 7, <datetime>, 40, 2), ('b', 'two', 8, <datetime>, 40, 2)]\n");
    assert_int_equal(calls, 2);
    assert_int_equal(fl_int(a, "score"), 7);
    assert_int_equal(fl_int(a, "server"), 5);
    assert_int_equal(fl_int(a, "sql"), 42);
    assert_int_equal(fl_get(a, "made")->kind, MR_DATETIME);
    assert_memory_equal(fl_get(b, "email")->u.s, "two", 3);
    assert_int_equal(fl_query(&u.w, "SELECT sql FROM user WHERE id = 2"), 42);
    assert_int_equal(fl_query(&u.w, "SELECT server FROM user WHERE id = 2"), 5);
    mr_node_release(sum);
    fl_close(&u.w);
}

static void test_onupdate(void **state) {
    (void)state;
    user_world u;
    int calls = 0;
    declare_user(&u);
    u.email->onupdate = (mr_default){.kind = MR_DEFAULT_FUNCTION, .fn = give_name, .ud = &calls};
    fl_finish(&u.w, u.user, "user");
    fl_start(&u.w, "sqlite://");
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b");
    fl_flush(&u.w);
    fl_set(&u.w, a, "score", mr_int_value(1));
    fl_set(&u.w, b, "email", fl_text("mine"));
    fl_expect(&u.w, "UPDATE user SET email=?, score=? WHERE user.id = ? [('one', 1, 1)]\n"
                    "UPDATE user SET email=? WHERE user.id = ? [('mine', 2)]\n");
    assert_memory_equal(fl_get(a, "email")->u.s, "one", 3);
    assert_int_equal(calls, 1);
    fl_close(&u.w);
}

static void test_version(void **state) {
    (void)state;
    user_world u;
    declare_user(&u);
    fl_column(&u.w, u.user, "version", MR_TYPE_INTEGER);
    u.user->version = mr_mapper_property(u.user, "version", false);
    fl_finish(&u.w, u.user, "user");
    fl_start(&u.w, "sqlite://");
    mr_entity *a = make_user(&u, "a");
    fl_expect(&u.w, "INSERT INTO user (username, email, score, version) VALUES (?, ?, ?, ?) [('a', NULL, NULL, 1)]\n");
    fl_set(&u.w, a, "score", mr_int_value(3));
    fl_expect(&u.w, "UPDATE user SET score=?, version=? WHERE user.id = ? AND user.version = ? [(3, 2, 1, 1)]\n");
    assert_int_equal(fl_int(a, "version"), 2);
    FL_OK(&u.w, mr_conn_run_sql(u.w.conn, "UPDATE user SET version = 9"));
    fl_set(&u.w, a, "score", mr_int_value(4));
    fl_expect_error(&u.w, MR_ERR_STALE_DATA, "expected to update 1 row(s); 0 were matched");
    mr_entity_revert(a);
    fl_delete(&u.w, a);
    fl_expect_error(&u.w, MR_ERR_STALE_DATA, "expected to delete 1 row(s); 0 were matched");
    assert_string_equal(u.w.sent, "DELETE FROM user WHERE user.id = ? AND user.version = ? [(1, 2)]\n");
    fl_close(&u.w);
}

static void release_nothing(mr_env *env, void *p) {
    (void)env;
    (void)p;
}

static const mr_opaque_ops opaque_ops = {"expression", release_nothing, release_nothing, NULL, NULL, NULL};

static void test_expression(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_value opaque = mr_value_of(MR_OPAQUE, 0), one = mr_int_value(1);
    opaque.tag = mr_opaque_register(u.w.env, &opaque_ops);
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b"), *c = make_user(&u, "c");
    fl_set(&u.w, a, "score", mr_int_value(5));
    fl_flush(&u.w);
    u.w.expression = mr_sql_binary(u.w.env, MR_OP_ADD, mr_sql_column(u.w.env, u.score, NULL, NULL),
                                   mr_sql_bind(u.w.env, mr_type_simple(MR_TYPE_INTEGER), &one));
    fl_set(&u.w, a, "score", opaque);
    fl_set(&u.w, b, "score", mr_int_value(1));
    fl_set(&u.w, c, "score", mr_int_value(2));
    fl_expect(&u.w, "UPDATE user SET score=(user.score + ?) WHERE user.id = ? [(1, 1)]\n"
                    "UPDATE user SET score=? WHERE user.id = ? [(1, 2), (2, 3)]\n");
    assert_int_equal(fl_get(a, "score")->kind, MR_UNLOADED);
    assert_int_equal(fl_query(&u.w, "SELECT score FROM user WHERE id = 1"), 6);
    mr_node_release(u.w.expression);
    u.w.expression = NULL;
    fl_set(&u.w, b, "score", opaque);
    fl_expect_error(&u.w, MR_ERR_ARGUMENT, "User.score");
    fl_close(&u.w);
}

static void test_key_changes(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b");
    fl_flush(&u.w);
    fl_set(&u.w, a, "id", mr_int_value(7));
    fl_expect(&u.w, "UPDATE user SET id=? WHERE user.id = ? [(7, 1)]\n");
    mr_value id = mr_int_value(7);
    assert_ptr_equal(mr_idmap_get(u.w.owner->idmap, u.user, &id), a);
    assert_true(mr_flush_result_at(u.w.flush, 0).key_changed);
    assert_int_equal(mr_flush_result_at(u.w.flush, 0).old_identity.u.i, 1);
    /* b takes the key that a had before. */
    fl_set(&u.w, b, "id", mr_int_value(1));
    fl_flush(&u.w);
    id = mr_int_value(1);
    assert_ptr_equal(mr_idmap_get(u.w.owner->idmap, u.user, &id), b);
    fl_close(&u.w);
}

static void test_row_switch(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a");
    fl_flush(&u.w);
    fl_delete(&u.w, a);
    mr_entity *b = make_user(&u, "b");
    fl_set(&u.w, b, "id", mr_int_value(1));
    fl_expect(&u.w, "UPDATE user SET username=? WHERE user.id = ? [('b', 1)]\n");
    assert_int_equal(fl_get(b, "score")->kind, MR_UNLOADED); /* not set: the row keeps its value */
    assert_int_equal(a->state, MR_DELETED);
    assert_int_equal(b->state, MR_PERSISTENT);
    mr_value id = mr_int_value(1);
    assert_ptr_equal(mr_idmap_get(u.w.owner->idmap, u.user, &id), b);
    fl_close(&u.w);
}

static void test_key_conflicts(void **state) {
    (void)state;
    user_world u;
    open_users(&u);
    mr_entity *a = make_user(&u, "a");
    fl_flush(&u.w);
    mr_entity *b = make_user(&u, "b");
    fl_set(&u.w, b, "id", mr_int_value(1));
    fl_expect_error(&u.w, MR_ERR_INTEGRITY, "UNIQUE constraint failed: user.id");
    FL_OK(&u.w, mr_conn_run_sql(u.w.conn, "DELETE FROM user"));
    fl_expect_error(&u.w, MR_ERR_INVALID_REQUEST, "conflicts with persistent instance <User 1>");
    assert_int_equal(b->state, MR_PENDING);
    assert_int_equal(a->state, MR_PERSISTENT);
    fl_close(&u.w);
}

static void test_composite_key(void **state) {
    (void)state;
    fl_world w;
    fl_open(&w);
    mr_mapper *m = mr_mapper_new(w.registry, "Entry", NULL);
    fl_column(&w, m, "lang", MR_TYPE_TEXT)->primary_key = true;
    fl_column(&w, m, "number", MR_TYPE_INTEGER)->primary_key = true;
    fl_column(&w, m, "name", MR_TYPE_TEXT);
    fl_finish(&w, m, "entry");
    fl_start(&w, "sqlite://");
    mr_entity *b = fl_named(&w, m, "b"), *a = fl_named(&w, m, "a");
    fl_set(&w, a, "lang", fl_text("de"));
    fl_set(&w, a, "number", mr_int_value(1));
    fl_set(&w, b, "lang", fl_text("en"));
    fl_expect_error(&w, MR_ERR_INVALID_REQUEST, "Entry.number: the primary key of a new Entry has no value");
    assert_string_equal(w.sent, "");
    fl_set(&w, b, "number", mr_int_value(2));
    fl_flush(&w);
    fl_set(&w, b, "name", fl_text("B"));
    fl_set(&w, a, "name", fl_text("A"));
    fl_expect(&w, "UPDATE entry SET name=? WHERE entry.lang = ? AND entry.number = ? [('A', 'de', 1), ('B', "
                  "'en', 2)]\n");
    fl_set(&w, a, "lang", fl_text("fr"));
    fl_expect(&w, "UPDATE entry SET lang=? WHERE entry.lang = ? AND entry.number = ? [('fr', 'de', 1)]\n");
    fl_delete(&w, a);
    fl_expect(&w, "DELETE FROM entry WHERE entry.lang = ? AND entry.number = ? [('fr', 1)]\n");
    fl_close(&w);
}

/* ---------------------------------------------------------------- PostgreSQL */

static void test_postgresql(void **state) {
    (void)state;
    user_world u;
    open_users_on(&u, "mock+postgresql://");
    mr_entity *a = make_user(&u, "a"), *b = make_user(&u, "b"), *c = make_user(&u, "c");
    static const char *const names[] = {"id"};
    mr_value ids[] = {mr_int_value(11), mr_int_value(12)}, thirteen = mr_int_value(13);
    fl_set(&u.w, c, "id", thirteen);
    FL_OK(&u.w, mr_mock_rows(u.w.engine, "INSERT INTO", names, 1, ids, 2));
    fl_expect(&u.w, "INSERT INTO \"user\" (username, email, score) VALUES ($1, $2, $3), ($4, $5, $6) "
                    "RETURNING \"user\".id "
                    "[('a', NULL, NULL, 'b', NULL, NULL)]\n"
                    "INSERT INTO \"user\" (id, username, email, score) VALUES ($1, $2, $3, $4) [(13, 'c', "
                    "NULL, NULL)]\n");
    assert_int_equal(fl_int(a, "id"), 11);
    assert_int_equal(fl_int(b, "id"), 12);
    fl_set(&u.w, a, "score", mr_int_value(1));
    fl_set(&u.w, b, "score", mr_int_value(2));
    fl_expect(&u.w, "UPDATE \"user\" SET score=$1 WHERE \"user\".id = $2 [(1, 11), (2, 12)]\n");
    FL_OK(&u.w, mr_mock_rows(u.w.engine, "INSERT INTO", names, 1, ids, 1));
    make_user(&u, "x");
    make_user(&u, "y");
    fl_expect_error(&u.w, MR_ERR_STALE_DATA, "expected to insert 2 row(s); 1 were inserted");
    fl_close(&u.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_insert),        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_unchanged),     cmocka_unit_test(test_update_and_delete),
        cmocka_unit_test(test_stale),         cmocka_unit_test(test_length),
        cmocka_unit_test(test_defaults),      cmocka_unit_test(test_onupdate),
        cmocka_unit_test(test_version),       cmocka_unit_test(test_expression),
        cmocka_unit_test(test_key_changes),   cmocka_unit_test(test_row_switch),
        cmocka_unit_test(test_key_conflicts), cmocka_unit_test(test_composite_key),
        cmocka_unit_test(test_postgresql),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
