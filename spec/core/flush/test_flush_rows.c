/*
 * test_flush_rows.c: the order of rows in tables that refer to themselves or to each other: levels, cycles,
 * post_update, long chains.
 */
#include "flush_fixture.h"

/* ---------------------------------------------------------------- a tree */

typedef struct tree {
    fl_world w;
    mr_mapper *node;
    mr_relationship *parent, *children;
} tree;

enum { WITH_PARENT = 1, WITH_CHILDREN = 2 };

static void open_tree(tree *t, unsigned sides) {
    fl_world *w = &t->w;
    memset(t, 0, sizeof *t);
    fl_open(w);
    t->node = fl_class(w, "Node");
    mr_column *id = ((mr_property *)mr_vec_ptr(&t->node->columns, 0))->column;
    fl_column(w, t->node, "name", MR_TYPE_TEXT);
    fl_reference(w, t->node, "parent_id", "node.id")->indexed =
        true; /* without an index, SQLite reads all rows at each DELETE */
    mr_relationship parent = fl_proto(w, "Node"), children = fl_proto(w, "Node");
    mr_vec_init(&parent.remote_side, w->env, sizeof(mr_column *));
    FL_OK(w, mr_vec_push_ptr(&parent.remote_side, id));
    if (sides == (WITH_PARENT | WITH_CHILDREN)) {
        parent.back_populates = mr_intern(w->env, "children", 8);
        children.back_populates = mr_intern(w->env, "parent", 6);
    }
    if (sides & WITH_PARENT) t->parent = fl_relate(w, t->node, "parent", parent);
    else mr_vec_done(&parent.remote_side);
    if (sides & WITH_CHILDREN) t->children = fl_relate(w, t->node, "children", children);
    fl_finish(w, t->node, "node");
    fl_start(w, "sqlite://");
}

static mr_entity *node(tree *t, const char *name) { return fl_named(&t->w, t->node, name); }

static void test_unlinked_rows(void **state) {
    (void)state;
    tree t;
    open_tree(&t, WITH_PARENT | WITH_CHILDREN);
    node(&t, "c");
    node(&t, "a");
    node(&t, "b");
    fl_expect(&t.w, "INSERT INTO node (name, parent_id) VALUES (?, ?) [('c', NULL), ('a', NULL), ('b', NULL)]\n");
    fl_close(&t.w);
}

static void test_tree_by_levels(void **state) {
    (void)state;
    for (unsigned sides = WITH_PARENT; sides <= WITH_CHILDREN; sides++) {
        tree t;
        open_tree(&t, sides);
        mr_entity *leaf = node(&t, "1.1.1"), *two = node(&t, "1.2"), *one = node(&t, "1.1"), *root = node(&t, "1");
        node(&t, "other");
        mr_entity *child[] = {leaf, two, one}, *parent[] = {one, root, root};
        for (int i = 0; i < 3; i++) {
            if (sides & WITH_PARENT) fl_set(&t.w, child[i], "parent", fl_ref(parent[i]));
            if (sides & WITH_CHILDREN) fl_append(&t.w, parent[i], "children", child[i]);
        }
        fl_expect(&t.w, "INSERT INTO node (name, parent_id) VALUES (?, ?) [('1', NULL), ('other', NULL)]\n"
                        "INSERT INTO node (name, parent_id) VALUES (?, ?) [('1.2', 1), ('1.1', 1)]\n"
                        "INSERT INTO node (name, parent_id) VALUES (?, ?) [('1.1.1', 4)]\n");
        /* A new root: its row is inserted before its child refers to it. */
        mr_entity *top = node(&t, "top");
        if (sides & WITH_PARENT) fl_set(&t.w, root, "parent", fl_ref(top));
        if (sides & WITH_CHILDREN) fl_append(&t.w, top, "children", root);
        fl_expect(&t.w, "INSERT INTO node (name, parent_id) VALUES (?, ?) [('top', NULL)]\n"
                        "UPDATE node SET parent_id=? WHERE node.id = ? [(6, 1)]\n");
        /* Rows are deleted from the leaves to the root. */
        fl_delete(&t.w, root);
        fl_delete(&t.w, two);
        fl_delete(&t.w, one);
        fl_delete(&t.w, leaf);
        fl_expect(&t.w, "DELETE FROM node WHERE node.id = ? [(3), (5)]\n"
                        "DELETE FROM node WHERE node.id = ? [(4)]\n"
                        "DELETE FROM node WHERE node.id = ? [(1)]\n");
        fl_close(&t.w);
    }
}

static void test_delete_by_foreign_keys(void **state) {
    (void)state;
    tree t;
    open_tree(&t, WITH_PARENT);
    mr_entity *root = node(&t, "root"), *leaf = node(&t, "leaf");
    fl_set(&t.w, leaf, "parent", fl_ref(root));
    fl_flush(&t.w);
    /* The relationship is not loaded: the foreign key decides the order. */
    mr_entity_forget(leaf, fl_prop(leaf, "parent")->slot);
    fl_delete(&t.w, root);
    fl_delete(&t.w, leaf);
    fl_expect(&t.w, "DELETE FROM node WHERE node.id = ? [(2)]\nDELETE FROM node WHERE node.id = ? [(1)]\n");
    assert_string_equal(t.w.needs, "");
    fl_close(&t.w);
}

static void test_own_parent(void **state) {
    (void)state;
    tree t;
    open_tree(&t, WITH_PARENT);
    mr_entity *a = node(&t, "a");
    fl_set(&t.w, a, "parent", fl_ref(a));
    fl_expect(&t.w, "INSERT INTO node (name, parent_id) VALUES (?, ?) [('a', NULL)]\n"
                    "UPDATE node SET parent_id=? WHERE node.id = ? [(1, 1)]\n");
    assert_int_equal(fl_int(a, "parent_id"), 1);
    fl_delete(&t.w, a);
    fl_expect(&t.w, "DELETE FROM node WHERE node.id = ? [(1)]\n");
    fl_close(&t.w);
}

static void test_cycle_is_refused(void **state) {
    (void)state;
    tree t;
    open_tree(&t, WITH_PARENT);
    mr_entity *a = node(&t, "a"), *b = node(&t, "b");
    fl_set(&t.w, a, "parent", fl_ref(b));
    fl_set(&t.w, b, "parent", fl_ref(a));
    fl_expect_error(&t.w, MR_ERR_INVALID_REQUEST, "post_update = true");
    assert_string_equal(t.w.sent, "");
    fl_close(&t.w);
}

/* ---------------------------------------------------------------- a person's favorite ball */

typedef struct balls {
    fl_world w;
    mr_mapper *person, *ball;
    mr_relationship *favorite, *all;
} balls;

static void open_balls(balls *b) {
    fl_world *w = &b->w;
    fl_open(w);
    b->person = fl_class(w, "Person");
    fl_column(w, b->person, "name", MR_TYPE_TEXT);
    mr_column *favorite_id = fl_reference(w, b->person, "favorite_id", "ball.id");
    mr_relationship favorite = fl_proto(w, "Ball"), all = fl_proto(w, "Ball");
    favorite.post_update = true;
    mr_vec_init(&favorite.foreign_keys, w->env, sizeof(mr_column *));
    FL_OK(w, mr_vec_push_ptr(&favorite.foreign_keys, favorite_id));
    b->ball = fl_class(w, "Ball");
    fl_column(w, b->ball, "name", MR_TYPE_TEXT);
    mr_column *person_id = fl_reference(w, b->ball, "person_id", "person.id");
    mr_vec_init(&all.foreign_keys, w->env, sizeof(mr_column *));
    FL_OK(w, mr_vec_push_ptr(&all.foreign_keys, person_id));
    b->favorite = fl_relate(w, b->person, "favorite", favorite);
    b->all = fl_relate(w, b->person, "balls", all);
    fl_finish(w, b->person, "person");
    fl_finish(w, b->ball, "ball");
    fl_start(w, "sqlite://");
}

static void test_post_update(void **state) {
    (void)state;
    balls b;
    open_balls(&b);
    mr_entity *ball = fl_named(&b.w, b.ball, "red"), *other = fl_named(&b.w, b.ball, "blue");
    mr_entity *p = fl_named(&b.w, b.person, "p");
    fl_append(&b.w, p, "balls", ball);
    fl_append(&b.w, p, "balls", other);
    fl_set(&b.w, p, "favorite", fl_ref(ball));
    fl_expect(&b.w, "INSERT INTO person (name, favorite_id) VALUES (?, ?) [('p', NULL)]\n"
                    "INSERT INTO ball (name, person_id) VALUES (?, ?) [('red', 1), ('blue', 1)]\n"
                    "UPDATE person SET favorite_id=? WHERE person.id = ? [(1, 1)]\n");
    assert_int_equal(fl_int(p, "favorite_id"), 1);
    fl_set(&b.w, p, "favorite", fl_ref(other));
    fl_set(&b.w, p, "name", fl_text("pp"));
    fl_expect(&b.w, "UPDATE person SET name=? WHERE person.id = ? [('pp', 1)]\n"
                    "UPDATE person SET favorite_id=? WHERE person.id = ? [(2, 1)]\n");
    assert_int_equal(fl_int(p, "favorite_id"), 2);
    assert_int_equal(mr_flush_result_count(b.w.flush), 1);
    fl_delete(&b.w, p);
    fl_delete(&b.w, ball);
    fl_delete(&b.w, other);
    fl_expect(&b.w, "UPDATE person SET favorite_id=? WHERE person.id = ? [(NULL, 1)]\n"
                    "DELETE FROM ball WHERE ball.id = ? [(1), (2)]\n"
                    "DELETE FROM person WHERE person.id = ? [(1)]\n");
    fl_close(&b.w);
}

/* ---------------------------------------------------------------- long chains */

/* A long chain, in which each node is the parent of the one before: the flush does not use the C stack for it. */
static void test_long_chain(void **state) {
    (void)state;
    enum { LENGTH = 100000 };
    tree t;
    open_tree(&t, WITH_PARENT);
    mr_entity **nodes = calloc(LENGTH, sizeof *nodes);
    assert_non_null(nodes);
    for (int i = 0; i < LENGTH; i++) {
        nodes[i] = node(&t, "n");
        if (i) fl_set(&t.w, nodes[i - 1], "parent", fl_ref(nodes[i]));
    }
    FL_OK(&t.w, mr_conn_begin(t.w.conn, MR_TX_DEFAULT));
    FL_OK(&t.w, fl_try(&t.w));
    assert_int_equal(fl_int(nodes[LENGTH - 1], "id"), 1);
    assert_int_equal(fl_int(nodes[0], "id"), LENGTH);
    assert_int_equal(fl_int(nodes[0], "parent_id"), LENGTH - 1);
    for (int i = 0; i < LENGTH; i++) fl_delete(&t.w, nodes[(i * 7919LL) % LENGTH]);
    FL_OK(&t.w, fl_try(&t.w));
    FL_OK(&t.w, mr_conn_commit(t.w.conn));
    assert_int_equal(fl_query(&t.w, "SELECT count(*) FROM node"), 0);
    free(nodes);
    fl_close(&t.w);
}

static void test_no_memory(void **state) {
    (void)state;
    tree t;
    open_tree(&t, WITH_PARENT | WITH_CHILDREN);
    mr_entity *root = node(&t, "root"), *leaf = node(&t, "leaf"), *self = node(&t, "self");
    fl_set(&t.w, leaf, "parent", fl_ref(root));
    fl_append(&t.w, root, "children", leaf);
    fl_set(&t.w, self, "parent", fl_ref(self));
    size_t n = 0;
    for (mr_status status = MR_FAIL; status != MR_OK;) {
        FL_OK(&t.w, mr_conn_begin(t.w.conn, MR_TX_DEFAULT));
        fa_arm(&t.w.fa, ++n);
        status = fl_try(&t.w);
        fa_disarm(&t.w.fa);
        if (status == MR_OK) FL_OK(&t.w, mr_conn_commit(t.w.conn));
        else FL_OK(&t.w, mr_conn_rollback(t.w.conn));
        assert_int_equal(root->state, status == MR_OK ? MR_PERSISTENT : MR_PENDING);
    }
    assert_int_equal(fl_int(leaf, "parent_id"), fl_int(root, "id"));
    assert_int_equal(fl_int(self, "parent_id"), fl_int(self, "id"));
    fl_close(&t.w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unlinked_rows),
        cmocka_unit_test(test_tree_by_levels),
        cmocka_unit_test(test_delete_by_foreign_keys),
        cmocka_unit_test(test_own_parent),
        cmocka_unit_test(test_cycle_is_refused),
        cmocka_unit_test(test_post_update),
        cmocka_unit_test(test_long_chain),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests_name("flush_rows", tests, NULL, NULL);
}
