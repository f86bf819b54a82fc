/*
 * mapper_fixture.h: helpers for the tests of the mapper layer: an environment, a registry, and short ways to declare
 * classes.
 */
#ifndef MOONROW_SPEC_MAPPER_FIXTURE_H
#define MOONROW_SPEC_MAPPER_FIXTURE_H

#include <moonrow/mapper.h>

#include "failing_alloc.h"

static fa_state fa;
static mr_env *env;
static mr_registry *registry;

static inline int open_env(void **state) {
    (void)state;
    memset(&fa, 0, sizeof fa);
    env = fa_env_new(&fa);
    registry = mr_registry_new(env, mr_metadata_new(env));
    return registry ? 0 : -1;
}

static inline int close_env(void **state) {
    (void)state;
    mr_env_free(env);
    return fa_live(&fa) == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- declaring in few words */

/* An integer column, with a foreign key unless NULL. */
static inline mr_column *integer(const char *foreign_key) {
    mr_column *c = mr_column_new(env, NULL, mr_type_simple(MR_TYPE_INTEGER));
    if (c && foreign_key && !mr_column_add_foreign_key(env, c, foreign_key, NULL)) return NULL;
    return c;
}

/* An integer column that is a primary key. */
static inline mr_column *key(void) {
    mr_column *c = integer(NULL);
    if (c) c->primary_key = true;
    return c;
}

static inline mr_column *text(void) { return mr_column_new(env, NULL, mr_type_simple(MR_TYPE_TEXT)); }

/* Begins a class with an integer key, id. End it with table(). */
static inline mr_mapper *class(const char *name) {
    mr_mapper *m = mr_mapper_new(registry, name, NULL);
    if (m && !mr_mapper_add_column(m, "id", key())) return NULL;
    return m;
}

/* Adds an integer attribute with a foreign key to "table.column". */
static inline void refer(mr_mapper *m, const char *attribute, const char *to) {
    assert_non_null(mr_mapper_add_column(m, attribute, integer(to)));
}

/* Ends the declaration of a class. */
static inline void table(mr_mapper *m, const char *name) {
    assert_int_equal(mr_mapper_finish(m, NULL, name, NULL, NULL, NULL), MR_OK);
}

/* The options of a relationship to the class of that name. */
static inline mr_relationship options(const char *target) {
    mr_relationship r;
    mr_relationship_init(env, &r);
    r.target_name = target;
    return r;
}

/* Adds a relationship, with a backref unless NULL. */
static inline mr_relationship *relate(mr_mapper *m, const char *attribute, const char *target, const char *backref) {
    mr_relationship r = options(target);
    r.backref = backref ? mr_intern(env, backref, strlen(backref)) : NULL;
    mr_relationship *rel = mr_mapper_add_relationship(m, attribute, &r);
    assert_non_null(rel);
    return rel;
}

/* Configures the mappings; must succeed. */
static inline void configure(void) {
    if (mr_registry_configure(registry) != MR_OK) fail_msg("%s", mr_env_error(env)->message);
}

static inline void expect_error(mr_errkind kind, const char *message) {
    assert_int_equal(mr_env_error(env)->kind, kind);
    assert_string_equal(mr_env_error(env)->message, message);
}

/* Asserts that configuring fails with this message. */
static inline void expect_mistake(const char *message) {
    assert_int_equal(mr_registry_configure(registry), MR_FAIL);
    expect_error(MR_ERR_MAPPING, message);
}

static inline mr_column *column(const mr_mapper *m, const char *name) { return mr_table_column(m->table, name); }

static inline mr_node *column_node(const mr_mapper *m, const char *name) {
    return mr_sql_column(env, column(m, name), NULL, NULL);
}

/* The criterion a.x = b.y. */
static inline mr_node *equal(const mr_mapper *a, const char *x, const mr_mapper *b, const char *y) {
    return mr_sql_binary(env, MR_OP_EQ, column_node(a, x), column_node(b, y));
}

/* Asserts the two columns of a pair. */
static inline void expect_pair(const mr_column_pair *pair, const mr_mapper *a, const char *x, const mr_mapper *b,
                               const char *y) {
    assert_ptr_equal(pair->local, column(a, x));
    assert_ptr_equal(pair->remote, column(b, y));
    assert_int_equal(pair->local_slot, mr_mapper_property(a, x, true)->slot);
    assert_int_equal(pair->remote_slot, mr_mapper_property(b, y, true)->slot);
}

static inline void expect_sql(const mr_node *node, const char *sql) {
    mr_strbuf out;
    mr_strbuf_init(&out, env);
    assert_int_equal(mr_sql_string(env, mr_dialect_sqlite(), node, &out), MR_OK);
    assert_string_equal(mr_strbuf_str(&out), sql);
    mr_strbuf_done(&out);
}

static mr_mapper *post, *category;

/* Declares Post, then Category. Post.category_id refers to Category. */
static inline void blog(void) {
    post = class("Post");
    refer(post, "category_id", "category.id");
    category = class("Category");
    mr_mapper_add_column(category, "name", text());
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_env, close_env)

#endif
