/*
 * test_db.h: helpers for the tests of the database layer: an environment, a database file, and short ways to run SQL.
 *
 * Invariant: after each test its files are removed, and all memory has been freed.
 */
#ifndef MOONROW_SPEC_TEST_DB_H
#define MOONROW_SPEC_TEST_DB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <moonrow/db.h>

#include "failing_alloc.h"

typedef struct db_fixture {
    fa_state fa;
    mr_env *env;
    char file[100]; /* name of a database file for this test only */
    char url[120];  /* its URL */
    char log[4000]; /* the logged texts, one a line */
} db_fixture;

static inline void db_log(void *ud, const char *text) {
    db_fixture *f = ud;
    size_t len = strlen(f->log);
    snprintf(f->log + len, sizeof f->log - len, "%s\n", text);
}

static inline int db_setup(void **state) {
    static int serial;
    struct timespec t;
    db_fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    timespec_get(&t, TIME_UTC);
    snprintf(f->file, sizeof f->file, "/tmp/moonrow-test-%lld-%ld-%d.db", (long long)t.tv_sec, t.tv_nsec, ++serial);
    snprintf(f->url, sizeof f->url, "sqlite:///%s", f->file);
    f->env = fa_env_new(&f->fa);
    if (f->env) mr_env_set_log(f->env, db_log, f);
    *state = f;
    return f->env ? 0 : -1;
}

static inline int db_teardown(void **state) {
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    db_fixture *f = *state;
    fa_disarm(&f->fa);
    mr_env_free(f->env);
    int leaked = fa_live(&f->fa) != 0;
    for (int i = 0; i < 4; i++) {
        char name[120];
        snprintf(name, sizeof name, "%s%s", f->file, suffixes[i]);
        remove(name);
    }
    free(f);
    return leaked ? -1 : 0;
}

/* An engine for the URL; must succeed. timeout: busy_timeout in milliseconds, or -1. */
static inline mr_engine *db_engine(mr_env *env, const char *url, int timeout) {
    mr_engine_options options = {.busy_timeout = timeout};
    mr_engine *engine = NULL;
    if (mr_engine_new(env, url, strlen(url), &options, &engine)) fail_msg("%s", mr_env_error(env)->message);
    return engine;
}

/* A connection; must succeed. */
static inline mr_conn *db_connect(mr_engine *engine) {
    mr_conn *conn = NULL;
    if (mr_engine_connect(engine, &conn)) fail_msg("%s", mr_env_error(mr_engine_env(engine))->message);
    return conn;
}

static inline mr_env *db_env(mr_conn *conn) { return mr_engine_env(mr_conn_engine(conn)); }

/* A statement with n parameters. It counts as writing unless it begins with SELECT. NULL: no memory. */
static inline mr_compiled *db_stmt(mr_env *env, const char *sql, size_t n) {
    mr_compiled *c = mr_compiled_from_sql(env, sql, strlen(sql), strncmp(sql, "SELECT", 6) != 0);
    if (c) c->nparams = n;
    return c;
}

/* Runs SQL that may fail. */
static inline mr_status db_try(mr_conn *conn, const char *sql) { return mr_conn_run_sql(conn, sql); }

/* Runs SQL; must succeed. */
static inline void db_run(mr_conn *conn, const char *sql) {
    if (mr_conn_run_sql(conn, sql)) fail_msg("%s: %s", sql, mr_env_error(db_env(conn))->message);
}

/* Executes SQL with n values; must succeed. Close the cursor. */
static inline mr_cursor *db_open(mr_conn *conn, const char *sql, const mr_value *values, size_t n) {
    mr_compiled *c = db_stmt(db_env(conn), sql, n);
    mr_cursor *cursor = NULL;
    mr_status status = mr_conn_execute(conn, c, values, &cursor);
    mr_compiled_release(c);
    if (status) fail_msg("%s: %s", sql, mr_env_error(db_env(conn))->message);
    return cursor;
}

/* The integer in the first column of the first row. */
static inline int64_t db_int(mr_conn *conn, const char *sql) {
    mr_cursor *cursor = db_open(conn, sql, NULL, 0);
    mr_value row[8];
    if (mr_cursor_step(cursor) != MR_ROW) fail_msg("%s: %s", sql, mr_env_error(db_env(conn))->message);
    assert_int_equal(mr_cursor_fetch(cursor, NULL, row), MR_OK);
    assert_int_equal(row[0].kind, MR_INT);
    mr_cursor_close(cursor);
    return row[0].u.i;
}

/* A text literal as a value. */
#define DB_TEXT(s) mr_text_value(s, sizeof s - 1)

/* An engine for a new database in memory. */
static inline mr_engine *db_memory_engine(void **state) {
    return db_engine(((db_fixture *)*state)->env, "sqlite://", -1);
}

/* Asserts the kind and the bytes of a value. */
static inline void db_assert_bytes(const mr_value *v, mr_kind kind, const char *text) {
    assert_int_equal(v->kind, kind);
    assert_int_equal(v->len, strlen(text));
    assert_memory_equal(v->u.s, text, v->len);
}

/* Asserts the kind of the last error, and that its message contains the words. */
static inline void db_assert_error(mr_env *env, mr_errkind kind, const char *words) {
    const mr_error *e = mr_env_error(env);
    if (e->kind != kind || !strstr(e->message, words)) {
        fail_msg("expected %s \"%s\", got %s \"%s\"", mr_errkind_name(kind), words, mr_errkind_name(e->kind),
                 e->kind ? e->message : "");
    }
}

#define DB_TEST(name) cmocka_unit_test_setup_teardown(name, db_setup, db_teardown)

#endif
