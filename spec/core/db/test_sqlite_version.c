/*
 * test_sqlite_version.c: a too old SQLite is refused with a message. The program has its own
 * sqlite3_libversion_number, which says an old version.
 */
#include "test_db.h"

#include <sqlite3.h>

static int version;

int sqlite3_libversion_number(void) { return version; }
const char *sqlite3_libversion(void) { return "3.36.0"; }

static void test_old(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = NULL;
    version = 3036000;
    assert_int_equal(mr_engine_new(f->env, "sqlite://", 9, NULL, &engine), MR_FAIL);
    assert_int_equal(mr_env_error(f->env)->kind, MR_ERR_OPERATIONAL);
    assert_non_null(
        strstr(mr_env_error(f->env)->message, "SQLite 3.37.0 or later is needed, and this program has found 3.36.0"));
}

static void test_enough(void **state) {
    db_fixture *f = *state;
    version = 3037000;
    mr_engine *engine = db_engine(f->env, "sqlite://", 0);
    mr_conn_close(db_connect(engine));
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_old),
        DB_TEST(test_enough),
    };
    return cmocka_run_group_tests_name("sqlite version", tests, NULL, NULL);
}
