/*
 * test_sql.h: helpers for the tests of src/sql: two tables, and short names for the functions that build nodes.
 */
#ifndef MOONROW_SPEC_TEST_SQL_H
#define MOONROW_SPEC_TEST_SQL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <moonrow/sql.h>

#include <string.h>

#include "failing_alloc.h"

typedef struct world {
    fa_state fa;
    mr_env *env;
    mr_metadata *md;
    mr_table *user, *post;
    mr_column *id, *username, *email, *age, *active, *born, *score; /* of user */
    mr_column *post_id, *user_id, *title;                           /* of post */
} world;

static inline mr_column *w_column(world *w, const char *name, mr_typecode code, int length) {
    mr_type proto = *mr_type_simple(code);
    proto.length = length;
    const mr_type *type = mr_type_new(w->env, &proto);
    return mr_column_new(w->env, name, type);
}

static inline void w_open(world *w) {
    static const fa_state fresh = FA_INIT;
    memset(w, 0, sizeof *w);
    w->fa = fresh;
    w->env = fa_env_new(&w->fa);
    w->md = mr_metadata_new(w->env);
    w->id = w_column(w, "id", MR_TYPE_INTEGER, 0);
    w->id->primary_key = true;
    w->username = w_column(w, "username", MR_TYPE_STRING, 80);
    w->username->nullable = false;
    w->username->nullable_given = true;
    w->username->unique = true;
    w->email = w_column(w, "email", MR_TYPE_STRING, 120);
    w->email->nullable = false;
    w->email->nullable_given = true;
    w->email->unique = true;
    w->age = w_column(w, "age", MR_TYPE_INTEGER, 0);
    w->active = w_column(w, "active", MR_TYPE_BOOLEAN, 0);
    w->born = w_column(w, "born", MR_TYPE_DATETIME, 0);
    w->score = w_column(w, "score", MR_TYPE_FLOAT, 0);
    mr_column *user[] = {w->id, w->username, w->email, w->age, w->active, w->born, w->score};
    w->user = mr_table_new(w->md, "user", NULL, user, 7, NULL, NULL);
    w->post_id = w_column(w, "id", MR_TYPE_INTEGER, 0);
    w->post_id->primary_key = true;
    w->user_id = w_column(w, "user_id", MR_TYPE_INTEGER, 0);
    mr_column_add_foreign_key(w->env, w->user_id, "user.id", NULL);
    w->title = w_column(w, "title", MR_TYPE_STRING, 0);
    mr_column *post[] = {w->post_id, w->user_id, w->title};
    w->post = mr_table_new(w->md, "post", NULL, post, 3, NULL, NULL);
    assert_non_null(w->post);
}

static inline void w_close(world *w) {
    mr_env_free(w->env);
    assert_int_equal(fa_live(&w->fa), 0);
}

/* ---------------------------------------------------------------- building */

static inline mr_node *col(world *w, mr_column *column) { return mr_sql_column(w->env, column, NULL, NULL); }
static inline mr_node *col_of(world *w, mr_column *column, mr_node *from) {
    return mr_sql_column(w->env, column, mr_node_retain(from), NULL);
}
static inline mr_node *num(world *w, int64_t i) {
    mr_value v = mr_int_value(i);
    return mr_sql_bind(w->env, mr_type_simple(MR_TYPE_INTEGER), &v);
}
static inline mr_node *str(world *w, const char *s) {
    mr_value v = mr_text_value(s, strlen(s));
    return mr_sql_bind(w->env, mr_type_simple(MR_TYPE_STRING), &v);
}
static inline mr_node *null(world *w) {
    mr_value v = mr_null_value();
    return mr_sql_bind(w->env, mr_type_simple(MR_TYPE_NULL), &v);
}
static inline mr_node *binary(world *w, mr_op op, mr_node *a, mr_node *b) { return mr_sql_binary(w->env, op, a, b); }
static inline mr_node *eq(world *w, mr_node *a, mr_node *b) { return binary(w, MR_OP_EQ, a, b); }
static inline mr_node *list1(world *w, mr_node *a) { return mr_sql_list(w->env, MR_OP_COMMA, &a, 1); }
static inline mr_node *list2(world *w, mr_node *a, mr_node *b) {
    mr_node *items[] = {a, b};
    return mr_sql_list(w->env, MR_OP_COMMA, items, 2);
}
static inline mr_node *logic(world *w, mr_op op, mr_node *a, mr_node *b) {
    mr_node *items[] = {a, b};
    return mr_sql_list(w->env, op, items, 2);
}
static inline mr_node *func1(world *w, const char *name, mr_node *a) { return mr_sql_func(w->env, name, NULL, &a, 1); }
static inline mr_node *table(world *w, mr_table *t) { return mr_sql_table(w->env, t); }
static inline mr_node *select_from(world *w, mr_node *columns, mr_node *from, mr_node *where) {
    mr_select s = {.columns = columns, .from = from, .where = where};
    return mr_sql_select(w->env, &s);
}

/* ---------------------------------------------------------------- asserting */

/* Asserts the SQL in both dialects; NULL: not this one. Releases the node. */
static inline void check(world *w, mr_node *node, const char *sqlite, const char *postgresql) {
    const char *wanted[2] = {sqlite, postgresql};
    const mr_dialect *dialects[2] = {mr_dialect_sqlite(), mr_dialect_postgresql()};
    if (!node) fail_msg("no node: %s", mr_env_error(w->env)->message);
    for (int i = 0; i < 2; i++) {
        if (!wanted[i]) continue;
        mr_strbuf sql;
        mr_strbuf_init(&sql, w->env);
        if (mr_sql_string(w->env, dialects[i], node, &sql) != MR_OK)
            fail_msg("%s: %s", wanted[i], mr_env_error(w->env)->message);
        assert_string_equal(mr_strbuf_str(&sql), wanted[i]);
        mr_strbuf_done(&sql);
    }
    mr_node_release(node);
}

/* Asserts the SQL for SQLite, and its parameters: "1 'x' NULL". Releases the node. */
static inline void check_params(world *w, mr_node *node, const char *sql, const char *params) {
    mr_compiled *c;
    mr_strbuf key, text;
    mr_vec binds;
    mr_strbuf_init(&key, w->env);
    mr_strbuf_init(&text, w->env);
    mr_vec_init(&binds, w->env, sizeof(mr_node *));
    if (!node) fail_msg("no node: %s", mr_env_error(w->env)->message);
    if (mr_sql_compile(w->env, mr_dialect_sqlite(), node, &c) != MR_OK)
        fail_msg("%s: %s", sql, mr_env_error(w->env)->message);
    assert_string_equal(c->sql, sql);
    assert_int_equal(mr_sql_key(node, &key, &binds), MR_OK);
    mr_value values[64];
    assert_true(c->nparams <= 64);
    assert_int_equal(mr_compiled_values(c, &binds, NULL, 0, values), MR_OK);
    for (size_t i = 0; i < c->nparams; i++) {
        if (i) mr_strbuf_putc(&text, ' ');
        if (values[i].kind == MR_INT) mr_strbuf_printf(&text, "%lld", (long long)values[i].u.i);
        else if (values[i].kind == MR_TEXT) mr_strbuf_printf(&text, "'%.*s'", (int)values[i].len, values[i].u.s);
        else mr_strbuf_puts(&text, mr_kind_name(values[i].kind));
    }
    assert_string_equal(mr_strbuf_str(&text), params);
    mr_strbuf_done(&key);
    mr_strbuf_done(&text);
    mr_vec_done(&binds);
    mr_compiled_release(c);
    mr_node_release(node);
}

#endif
