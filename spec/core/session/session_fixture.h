/*
 * session_fixture.h: helpers for the tests of the session: an environment, a database in memory, mapped classes, and
 * short ways to do what a script would do.
 *
 * Invariant: after each test all memory has been freed.
 */
#ifndef MOONROW_SPEC_SESSION_FIXTURE_H
#define MOONROW_SPEC_SESSION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <moonrow/session.h>

#include "failing_alloc.h"

static fa_state fa;
static mr_env *env;
static mr_registry *registry;
static mr_engine *engine;
static mr_session *session;
static mr_recorder *recorder;

/* ---------------------------------------------------------------- classes */

/* An integer column, with a foreign key unless NULL. */
static inline mr_column *integer_column(const char *foreign_key) {
    mr_column *c = mr_column_new(env, NULL, mr_type_simple(MR_TYPE_INTEGER));
    if (foreign_key) mr_column_add_foreign_key(env, c, foreign_key, NULL);
    return c;
}

/* Begins a class with an integer key, id. End it with end_class(). */
static inline mr_mapper *begin_class(const char *name) {
    mr_mapper *m = mr_mapper_new(registry, name, NULL);
    mr_column *id = integer_column(NULL);
    id->primary_key = true;
    mr_mapper_add_column(m, "id", id);
    return m;
}

static inline mr_property *text_attribute(mr_mapper *m, const char *name) {
    return mr_mapper_add_column(m, name, mr_column_new(env, NULL, mr_type_simple(MR_TYPE_TEXT)));
}

/* Adds an integer attribute with a foreign key to "table.column". */
static inline void refer(mr_mapper *m, const char *name, const char *to) {
    mr_mapper_add_column(m, name, integer_column(to));
}

static inline void end_class(mr_mapper *m, const char *table) {
    if (mr_mapper_finish(m, NULL, table, NULL, NULL, NULL) != MR_OK) fail_msg("%s", mr_env_error(env)->message);
}

/* The options of a relationship, with a backref unless NULL. */
static inline mr_relationship relationship(const char *target, const char *backref) {
    mr_relationship r;
    mr_relationship_init(env, &r);
    r.target_name = target;
    r.backref = backref ? mr_intern(env, backref, strlen(backref)) : NULL;
    return r;
}

static inline void cascade(mr_relationship *r, unsigned bits) {
    r->cascade = bits;
    r->cascade_given = true;
}

enum {
    ALL =
        MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE | MR_CASCADE_EXPUNGE | MR_CASCADE_DELETE | MR_CASCADE_REFRESH_EXPIRE,
    ALL_ORPHAN = ALL | MR_CASCADE_DELETE_ORPHAN
};

static inline mr_mapper *class_named(const char *name) { return mr_registry_find(registry, name); }

/* ---------------------------------------------------------------- set up */

static inline void configure(void) {
    if (mr_registry_configure(registry) != MR_OK) fail_msg("%s", mr_env_error(env)->message);
}

static inline void create_tables(void) {
    mr_conn *conn;
    configure();
    assert_int_equal(mr_engine_connect(engine, &conn), MR_OK);
    if (mr_create_all(conn, registry->metadata, NULL, 0, true) != MR_OK) fail_msg("%s", mr_env_error(env)->message);
    mr_conn_close(conn);
}

/* A new environment with an engine for the URL and a session. */
static inline int open_url(const char *url) {
    memset(&fa, 0, sizeof fa);
    env = fa_env_new(&fa);
    registry = mr_registry_new(env, mr_metadata_new(env));
    recorder = NULL;
    return mr_engine_new(env, url, strlen(url), NULL, &engine) == MR_OK &&
                   mr_session_new(env, engine, NULL, &session) == MR_OK
               ? 0
               : -1;
}

static inline int open_all(void **state) {
    (void)state;
    return open_url("sqlite://");
}

static inline int close_all(void **state) {
    (void)state;
    fa_disarm(&fa);
    mr_recorder_free(recorder);
    mr_session_release(session);
    mr_engine_release(engine);
    mr_env_free(env);
    return fa_live(&fa) == 0 ? 0 : -1;
}

/* ---------------------------------------------------------------- doing */

static inline void ok_at(mr_status status, int line) {
    if (status == MR_FAIL)
        fail_msg("line %d: %s: %s", line, mr_errkind_name(mr_env_error(env)->kind), mr_env_error(env)->message);
}
/* Fails the test at its line unless the call returns MR_OK. */
#define ok(call) ok_at((call), __LINE__)

static inline void fails_at(mr_status status, mr_errkind kind, const char *message, int line) {
    if (status != MR_FAIL) fail_msg("line %d: did not fail", line);
    const mr_error *e = mr_env_error(env);
    if (e->kind != kind || strcmp(e->message, message) != 0)
        fail_msg("line %d: %s: %s", line, mr_errkind_name(e->kind), e->message);
}
/* Asserts that the call fails with this error. */
#define fails(call, kind, message) fails_at((call), (kind), (message), __LINE__)

static inline const mr_property *attribute(const mr_entity *e, const char *name) {
    const mr_property *prop = mr_mapper_property(e->mapper, name, true);
    if (!prop) fail_msg("no attribute %s", name);
    return prop;
}

static inline mr_value text(const char *s) { return mr_text_value(s, strlen(s)); }

static inline mr_status set(mr_entity *e, const char *name, mr_value value) {
    return mr_attribute_set(e, attribute(e, name), &value);
}

static inline mr_status refer_to(mr_entity *e, const char *name, mr_entity *other) {
    mr_value value = other ? mr_value_of(MR_ENTITY, 0) : mr_null_value();
    if (other) value.u.p = other;
    return set(e, name, value);
}

/* A new object. It is pinned until the environment is freed. */
static inline mr_entity *object(const char *class_name, const char *name) {
    mr_entity *e = mr_entity_new(env, class_named(class_name));
    assert_non_null(e);
    mr_entity_pin(e);
    if (name) ok(set(e, "name", text(name)));
    return e;
}

static inline mr_value get(mr_entity *e, const char *name) {
    const mr_value *v = NULL;
    ok(mr_attribute_get(e, attribute(e, name), &v));
    return *v;
}

static inline void expect_text_at(mr_entity *e, const char *name, const char *text_, int line) {
    mr_value v = get(e, name);
    if (!text_) {
        if (v.kind != MR_NULL) fail_msg("line %d: not nil", line);
        return;
    }
    if (v.kind != MR_TEXT || v.len != strlen(text_) || memcmp(v.u.s, text_, v.len) != 0)
        fail_msg("line %d: %s is %.*s", line, name, v.kind == MR_TEXT ? (int)v.len : 3,
                 v.kind == MR_TEXT ? v.u.s : "nil");
}
#define expect_text(e, name, s) expect_text_at((e), (name), (s), __LINE__)

static inline void expect_int_at(mr_entity *e, const char *name, int64_t i, int line) {
    mr_value v = get(e, name);
    if (v.kind != MR_INT || v.u.i != i)
        fail_msg("line %d: %s is %s", line, name, v.kind == MR_INT ? "another" : "not an integer");
}
#define expect_int(e, name, i) expect_int_at((e), (name), (i), __LINE__)
#define expect_nil(e, name)    assert_int_equal(get((e), (name)).kind, MR_NULL)

static inline mr_entity *related(mr_entity *e, const char *name) {
    mr_value v = get(e, name);
    return v.kind == MR_ENTITY ? v.u.p : NULL;
}

static inline mr_collection *items(mr_entity *e, const char *name) {
    mr_value v = get(e, name);
    assert_int_equal(v.kind, MR_COLLECTION);
    return v.u.p;
}

static inline mr_status append(mr_entity *e, const char *name, mr_entity *item) {
    return mr_attribute_insert(e, attribute(e, name), UINT32_MAX, item);
}
/* Removes the item from the list. */
static inline mr_status take(mr_entity *e, const char *name, mr_entity *item) {
    return mr_attribute_remove(e, attribute(e, name), item);
}

/* The object by its key, pinned. NULL: there is none. */
static inline mr_entity *fetch_by(const char *class_name, int64_t id) {
    mr_entity *e = NULL;
    mr_value key = mr_int_value(id);
    ok(mr_session_get(session, class_named(class_name), &key, 1, NULL, false, &e));
    return e;
}

static inline void add(mr_entity *e) { ok(mr_session_add(session, e)); }
static inline void flush(void) { ok(mr_session_flush(session)); }
static inline void commit(void) { ok(mr_session_commit(session)); }
static inline void rollback(void) { ok(mr_session_rollback(session)); }

#define expect_state(e, state) assert_int_equal(mr_session_state_of(e), (state))

/* ---------------------------------------------------------------- statements */

/* Begins to record statements. */
static inline void record(void) {
    mr_recorder_free(recorder);
    recorder = NULL;
    ok(mr_recorder_start(engine, &recorder));
}

/* Asserts the statements since record(), one a line. */
static inline void expect_statements_at(const char *wanted, int line) {
    char got[4000] = "";
    mr_recorder_stop(recorder);
    for (size_t i = 0; i < mr_recorder_count(recorder); i++) {
        size_t len = strlen(got);
        snprintf(got + len, sizeof got - len, "%s%s", i ? "\n" : "", mr_recorder_at(recorder, i)->statement);
    }
    if (strcmp(got, wanted) != 0) fail_msg("line %d: statements were\n%s\nnot\n%s", line, got, wanted);
}
#define expect_statements(wanted) expect_statements_at((wanted), __LINE__)

static inline void expect_count_at(size_t n, int line) {
    mr_recorder_stop(recorder);
    if (mr_recorder_count(recorder) == n) return;
    char got[4000] = "";
    for (size_t i = 0; i < mr_recorder_count(recorder); i++) {
        size_t len = strlen(got);
        snprintf(got + len, sizeof got - len, "\n%s", mr_recorder_at(recorder, i)->statement);
    }
    fail_msg("line %d: %zu statements, not %zu:%s", line, mr_recorder_count(recorder), n, got);
}
/* Asserts the number of statements since record(). */
#define expect_count(n) expect_count_at((n), __LINE__)

/* Runs SQL on another connection, and commits it. */
static inline void elsewhere(const char *sql) {
    mr_conn *conn;
    ok(mr_engine_connect(engine, &conn));
    ok(mr_conn_run_sql(conn, sql));
    mr_conn_close(conn);
}

/* The same with a database file for this test only, in WAL mode: readers and a writer do not wait for each other. */
static char file_name[100];

static inline int open_file(void **state) {
    (void)state;
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    snprintf(file_name, sizeof file_name, "/tmp/moonrow-session-%lld-%ld.db", (long long)t.tv_sec, t.tv_nsec);
    char url[120];
    snprintf(url, sizeof url, "sqlite:///%s", file_name);
    return open_url(url);
}

static inline int close_file(void **state) {
    int status = close_all(state);
    remove(file_name);
    return status;
}

/* ---------------------------------------------------------------- posts and their categories */

/* Declares Post.category with the backref Category.posts, and creates the tables. cascades: of the backref; 0: the
 * default. */
static inline void blog_with(unsigned cascades, bool single_parent) {
    mr_mapper *post = begin_class("Post");
    text_attribute(post, "name");
    refer(post, "category_id", "category.id");
    mr_relationship options = relationship(NULL, NULL), rel = relationship("Category", "posts");
    if (cascades) {
        cascade(&options, cascades);
        options.single_parent = single_parent;
        rel.backref_options = mr_env_arena(env, sizeof options);
        *rel.backref_options = options;
    }
    mr_mapper_add_relationship(post, "category", &rel);
    end_class(post, "post");
    mr_mapper *category = begin_class("Category");
    text_attribute(category, "name");
    end_class(category, "category");
    create_tables();
}

/* The same with the default cascades. */
static inline void blog(void) { blog_with(0, false); }

static inline mr_entity *category(const char *name) { return object("Category", name); }
static inline mr_entity *post(const char *name) { return object("Post", name); }

/* A committed category with n posts; none of them is loaded. */
static inline mr_entity *saved_category(const char *name, unsigned n) {
    mr_entity *c = category(name);
    for (unsigned i = 0; i < n; i++) ok(append(c, "posts", post("p")));
    add(c);
    commit();
    return c;
}

/* ---------------------------------------------------------------- users */

/* Declares User with two text attributes, and two that are deferred together; creates the table. */
static inline void users(void) {
    mr_mapper *user = begin_class("User");
    text_attribute(user, "name");
    text_attribute(user, "email");
    mr_property *a = text_attribute(user, "bio"), *b = text_attribute(user, "photo");
    a->deferred = b->deferred = true;
    a->deferred_group = b->deferred_group = mr_intern(env, "big", 3);
    end_class(user, "users");
    create_tables();
}

/* A committed user of that name. */
static inline mr_entity *saved(const char *name) {
    mr_entity *e = object("User", name);
    add(e);
    commit();
    return e;
}

#define TEST_ON_FILE(fn) cmocka_unit_test_setup_teardown(fn, open_file, close_file)
#define TEST(fn)         cmocka_unit_test_setup_teardown(fn, open_all, close_all)

#endif
