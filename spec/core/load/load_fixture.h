/*
 * load_fixture.h: helpers for the tests of queries and loads: mapped classes, a database in memory with a few rows, and
 * short ways to build queries and to see their statements.
 *
 * Invariant: after each test nothing is pinned by a load, and all memory has been freed.
 */
#ifndef MOONROW_SPEC_LOAD_FIXTURE_H
#define MOONROW_SPEC_LOAD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <moonrow/load.h>

#include "failing_alloc.h"

static fa_state fa;
static mr_env *env;
static mr_registry *registry;
static mr_engine *engine;
static mr_conn *conn;
static mr_owner *owner;
static mr_recorder *recorder;
static mr_load_context ctx;
static mr_mapper *user, *category, *post, *tag, *node, *score;
static int entered, left;

/* The columns that a query of a class selects. */
#define USER     "user.id AS user_id, user.username AS user_username, user.email AS user_email"
#define POST     "post.id AS post_id, post.title AS post_title, post.category_id AS post_category_id"
#define CATEGORY "category.id AS category_id, category.name AS category_name"
#define NODE     "node.id AS node_id, node.name AS node_name, node.parent_id AS node_parent_id"

/* Fails the test, with the recorded error, unless ok. */
static inline void check(bool ok, const char *what) {
    if (!ok) fail_msg("%s: %s", what, mr_env_error(env)->kind ? mr_env_error(env)->message : "no error");
}
/* Fails the test unless the call returns MR_OK. */
#define OK(call) check((call) == MR_OK, #call)

/* ---------------------------------------------------------------- classes */

/* An integer column, with a foreign key unless NULL. */
static inline mr_column *integer(const char *foreign_key) {
    mr_column *c = mr_column_new(env, NULL, mr_type_simple(MR_TYPE_INTEGER));
    if (foreign_key) mr_column_add_foreign_key(env, c, foreign_key, NULL);
    return c;
}

/* Begins a class with an integer key of that name. */
static inline mr_mapper *class_with(const char *name, const char *key) {
    mr_mapper *m = mr_mapper_new(registry, name, NULL);
    mr_column *c = integer(NULL);
    c->primary_key = true;
    mr_mapper_add_column(m, key, c);
    return m;
}

static inline mr_property *text(mr_mapper *m, const char *name) {
    return mr_mapper_add_column(m, name, mr_column_new(env, NULL, mr_type_simple(MR_TYPE_TEXT)));
}

/* Ends the declaration of a class. */
static inline void finish(mr_mapper *m, const char *table) { OK(mr_mapper_finish(m, NULL, table, NULL, NULL, NULL)); }

/* Adds a relationship, with a backref unless NULL. */
static inline mr_relationship *relate(mr_mapper *m, const char *name, const char *target, const char *backref,
                                      mr_table *secondary) {
    mr_relationship r;
    mr_relationship_init(env, &r);
    r.target_name = target;
    r.backref = backref ? mr_intern(env, backref, strlen(backref)) : NULL;
    r.secondary = secondary;
    return mr_mapper_add_relationship(m, name, &r);
}

static inline mr_property *prop(const mr_mapper *m, const char *name) {
    mr_property *p = mr_mapper_property(m, name, true);
    if (!p) fail_msg("%s has no %s", m->name, name);
    return p;
}

static inline mr_relationship *rel(const mr_mapper *m, const char *name) { return prop(m, name)->relationship; }

static inline mr_table *link_table(void) {
    mr_column *columns[2] = {integer("post.id"), integer("tag.id")};
    columns[0]->name = mr_intern(env, "post_id", 7);
    columns[1]->name = mr_intern(env, "tag_id", 6);
    columns[0]->primary_key = columns[1]->primary_key = true;
    return mr_table_new(registry->metadata, "post_tag", NULL, columns, 2, NULL, NULL);
}

/* Declares all classes. */
static inline void declare(void) {
    user = class_with("User", "id");
    text(user, "username");
    text(user, "email");
    finish(user, "user");
    category = class_with("Category", "id");
    text(category, "name");
    relate(category, "same_posts", "Post", NULL, NULL)->viewonly = true;
    finish(category, "category");
    tag = class_with("Tag", "id");
    text(tag, "name");
    finish(tag, "tag");
    mr_table *link = link_table();
    post = class_with("Post", "id");
    text(post, "title");
    mr_mapper_add_column(post, "category_id", integer("category.id"));
    relate(post, "category", "Category", "posts", NULL);
    relate(post, "tags", "Tag", "posts", link);
    finish(post, "post");
    node = class_with("Node", "id");
    text(node, "name");
    mr_mapper_add_column(node, "parent_id", integer("node.id"));
    relate(node, "children", "Node", "parent", NULL);
    finish(node, "node");
    score = class_with("Score", "a");
    mr_property *second = mr_mapper_add_column(score, "b", mr_column_new(env, NULL, mr_type_simple(MR_TYPE_TEXT)));
    second->column->primary_key = true;
    mr_mapper_add_column(score, "points", integer(NULL));
    finish(score, "score");
    OK(mr_registry_configure(registry));
}

/* ---------------------------------------------------------------- the world */

/* The functions of the load's context. */
static inline mr_status give_connection(void *ud, mr_mapper *mapper, mr_conn **out) {
    (void)ud;
    (void)mapper;
    *out = conn;
    return MR_OK;
}

static inline mr_status enter(void *ud) {
    (void)ud;
    entered++;
    return MR_OK;
}

static inline void leave(void *ud) {
    (void)ud;
    left++;
}

/* Forgets all objects: the next load makes new ones. */
static inline void new_owner(void) {
    if (owner) mr_owner_release(owner);
    owner = mr_owner_new(env, &ctx);
    ctx = (mr_load_context){.env = env,
                            .owner = owner,
                            .connection = give_connection,
                            .enter = enter,
                            .leave = leave,
                            .bad_values = MR_BAD_VALUES_RAISE};
}

static inline void sql(const char *text_) { OK(mr_conn_run_sql(conn, text_)); }

/* Inserts the rows of all tests. */
static inline void fill(void) {
    sql("INSERT INTO user VALUES (1, 'admin', 'a@x'), (2, 'guest', NULL), (3, 'third', 't@x')");
    sql("INSERT INTO category VALUES (1, 'one'), (2, 'two'), (3, 'empty')");
    sql("INSERT INTO post VALUES (1, 'x', 1), (2, 'y', 1), (3, 'z', 2), (4, 'w', NULL)");
    sql("INSERT INTO tag VALUES (1, 't1'), (2, 't2')");
    sql("INSERT INTO post_tag VALUES (1, 1), (1, 2), (2, 1)");
    sql("INSERT INTO node VALUES (1, 'root', NULL), (2, 'child', 1), (3, 'grandchild', 2), (4, 'child2', 1)");
    sql("INSERT INTO score VALUES (1, 'x', 10), (1, 'y', 20), (2, 'x', 30)");
}

static inline int open_world(void **state) {
    (void)state;
    memset(&fa, 0, sizeof fa);
    entered = left = 0;
    owner = NULL;
    env = fa_env_new(&fa);
    registry = mr_registry_new(env, mr_metadata_new(env));
    declare();
    OK(mr_engine_new(env, "sqlite://", 9, NULL, &engine));
    OK(mr_engine_connect(engine, &conn));
    OK(mr_create_all(conn, registry->metadata, NULL, 0, false));
    fill();
    new_owner();
    OK(mr_recorder_start(engine, &recorder));
    return 0;
}

static inline int close_world(void **state) {
    (void)state;
    mr_recorder_stop(recorder);
    mr_recorder_free(recorder);
    mr_conn_close(conn);
    mr_engine_release(engine);
    mr_owner_release(owner);
    mr_env_free(env);
    return fa_live(&fa) == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- what was sent */

static inline void format_value(const mr_value *v, char *out, size_t size) {
    if (mr_kind_is_bytes(v->kind)) snprintf(out, size, "'%.*s'", (int)v->len, v->u.s);
    else if (v->kind == MR_NULL) snprintf(out, size, "NULL");
    else snprintf(out, size, "%lld", (long long)v->u.i);
}

/* The statements since the last call: "SQL (values)", one a line. The text lives until the next call. */
static inline const char *sent(void) {
    static char text_[60000];
    size_t len = 0;
    text_[0] = 0;
    mr_recorder_stop(recorder);
    for (size_t i = 0; i < mr_recorder_count(recorder); i++) {
        const mr_record *r = mr_recorder_at(recorder, i);
        len += (size_t)snprintf(text_ + len, sizeof text_ - len, "%s%s", i ? "\n" : "", r->statement);
        const mr_value *values = r->lists.len && r->nparams ? mr_vec_ptr(&r->lists, 0) : NULL;
        for (size_t k = 0; values && k < r->nparams; k++) {
            char word[200];
            format_value(&values[k], word, sizeof word);
            len += (size_t)snprintf(text_ + len, sizeof text_ - len, "%s%s%s", k ? ", " : " (", word,
                                    k + 1 == r->nparams ? ")" : "");
        }
    }
    mr_recorder_free(recorder);
    OK(mr_recorder_start(engine, &recorder));
    return text_;
}

/* Asserts the statements since the last call of sent(). */
static inline void expect_sent(const char *statements) { assert_string_equal(sent(), statements); }

/* ---------------------------------------------------------------- queries */

/* Fails the test if building the query has failed. */
static inline mr_query *keep(mr_query *q) {
    check(q != NULL, "query");
    return q;
}

/* The builders below consume their query and return a new one, so that calls can be nested. */
static inline mr_query *then(mr_query *old, mr_query *made) {
    mr_query_release(old);
    return keep(made);
}

static inline mr_query *query(mr_mapper *m) {
    mr_query_item item = {.mapper = m};
    return keep(mr_query_new(env, &item, 1, false));
}

static inline mr_query *core(mr_query *q) {
    q->core_labels = true;
    return q;
}

static inline mr_query *query_as(mr_mapper *m, mr_node *alias) {
    mr_query_item item = {.mapper = m, .alias = mr_node_retain(alias)};
    return keep(mr_query_new(env, &item, 1, false));
}

static inline mr_query *also(mr_query *q, mr_mapper *m, mr_node *expression) {
    mr_query_item item = {.mapper = m, .expression = expression};
    return then(q, mr_query_with_items(q, &item, 1, true));
}

static inline mr_query *columns(mr_node *expression) {
    mr_query_item item = {.expression = expression};
    return keep(mr_query_new(env, &item, 1, false));
}

static inline mr_node *col(const mr_mapper *m, const char *name) { return mr_property_node(prop(m, name), NULL); }
static inline mr_node *col_of(const mr_mapper *m, const char *name, mr_node *from) {
    return mr_property_node(prop(m, name), from);
}
static inline mr_node *num(int64_t i) {
    mr_value v = mr_int_value(i);
    return mr_sql_bind(env, mr_type_simple(MR_TYPE_INTEGER), &v);
}
static inline mr_node *str(const char *s) {
    mr_value v = mr_text_value(s, strlen(s));
    return mr_sql_bind(env, mr_type_simple(MR_TYPE_TEXT), &v);
}
static inline mr_node *eq(mr_node *a, mr_node *b) { return mr_sql_binary(env, MR_OP_EQ, a, b); }
static inline mr_node *alias_of(mr_mapper *m) { return mr_sql_alias(env, mr_sql_table(env, m->table), NULL); }

static inline mr_query *where(mr_query *q, mr_node *criterion) { return then(q, mr_query_where(q, criterion)); }
static inline mr_query *order(mr_query *q, mr_node *item) { return then(q, mr_query_order_by(q, item)); }
static inline mr_query *limit(mr_query *q, int64_t n) { return then(q, mr_query_limit(q, num(n))); }

static inline mr_query *join_kind(mr_query *q, mr_op kind, const mr_property *along, mr_mapper *m, mr_node *target,
                                  mr_node *on) {
    mr_query_join j = {.kind = kind, .along = along, .mapper = m, .target = target, .on = on};
    return then(q, mr_query_join_on(q, &j));
}
static inline mr_query *join(mr_query *q, const mr_property *along) {
    return join_kind(q, MR_OP_INNER, along, NULL, NULL, NULL);
}

/* Adds an option for a path such as "posts.tags". */
static inline mr_query *option_of(mr_query *q, mr_option_kind kind, mr_lazy strategy, const char *path,
                                  mr_node *alias) {
    mr_option_step steps[8];
    char words[200];
    unsigned n = 0;
    snprintf(words, sizeof words, "%s", path);
    for (char *word = strtok(words, "."); word; word = strtok(NULL, ".")) steps[n++] = (mr_option_step){.name = word};
    mr_option o = {.kind = kind, .strategy = strategy, .nsteps = n, .steps = steps, .alias = alias};
    return then(q, mr_query_option(q, &o));
}
static inline mr_query *eager(mr_query *q, mr_lazy strategy, const char *path) {
    return option_of(q, MR_OPTION_LAZY, strategy, path, NULL);
}

/* ---------------------------------------------------------------- results */

static mr_load *load;
static const mr_value *rows;
static size_t nrows;

/* Closes the load, and forgets its rows. */
static inline void done(void) {
    mr_load_close(load);
    load = NULL;
}

/* Runs the query to its end, and consumes it. The result is in rows and nrows until done(). */
static inline void run(mr_query *q) {
    OK(mr_load_start(&ctx, q, &load));
    mr_query_release(q);
    OK(mr_load_all(load, &rows, &nrows));
}

/* Runs the query, and asserts the number of its rows and its statements. */
static inline void run_and_expect(mr_query *q, size_t n, const char *statements) {
    run(q);
    expect_sent(statements);
    assert_int_equal(nrows, n);
    done();
}

/* Asserts that running the query fails with this error. */
static inline void expect_failure(mr_query *q, mr_errkind kind, const char *message) {
    mr_status status = mr_load_start(&ctx, q, &load);
    mr_query_release(q);
    if (status == MR_OK) status = mr_load_all(load, &rows, &nrows);
    done();
    assert_int_equal(status, MR_FAIL);
    assert_string_equal(mr_env_error(env)->message, message);
    assert_int_equal(mr_env_error(env)->kind, kind);
    mr_env_clear_error(env);
}

/* The entity in row i, which has one item. */
static inline mr_entity *entity_at(size_t i) {
    assert_true(i < nrows);
    assert_int_equal(rows[i].kind, MR_ENTITY);
    return rows[i].u.p;
}

static inline const mr_value *slot(mr_entity *e, const char *name) {
    return mr_entity_slot(e, prop(e->mapper, name)->slot);
}

static inline void expect_text(mr_entity *e, const char *name, const char *s) {
    const mr_value *v = slot(e, name);
    assert_int_equal(v->kind, MR_TEXT);
    assert_int_equal(v->len, strlen(s));
    assert_memory_equal(v->u.s, s, v->len);
}

/* The loaded collection of the entity. */
static inline mr_collection *items(mr_entity *e, const char *name) {
    const mr_value *v = slot(e, name);
    assert_int_equal(v->kind, MR_COLLECTION);
    assert_true(((mr_collection *)v->u.p)->loaded);
    return v->u.p;
}

/* Loads an entity by its key; it is pinned. */
static inline mr_entity *get(mr_mapper *m, int64_t key) {
    mr_value identity = mr_int_value(key);
    mr_entity *e = NULL;
    OK(mr_load_by_identity(&ctx, m, &identity, NULL, &e));
    return e;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

#endif
