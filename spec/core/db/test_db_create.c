/*
 * test_db_create.c: create_all and drop_all on SQLite.
 */
#include "test_db.h"

/* ---------------------------------------------------------------- create_all */

static mr_table *table(mr_metadata *md, const char *name, const char *target) {
    mr_env *env = md->env;
    mr_column *columns[2];
    columns[0] = mr_column_new(env, "id", mr_type_simple(MR_TYPE_INTEGER));
    columns[0]->primary_key = true;
    columns[0]->nullable = false;
    columns[1] = mr_column_new(env, "other_id", mr_type_simple(MR_TYPE_INTEGER));
    columns[1]->indexed = true;
    if (target) assert_non_null(mr_column_add_foreign_key(env, columns[1], target, NULL));
    return mr_table_new(md, name, NULL, columns, 2, NULL, NULL);
}

static void test_create_and_drop(void **state) {
    db_fixture *f = *state;
    mr_engine *engine = db_memory_engine(state);
    mr_conn *conn = db_connect(engine);
    mr_metadata *md = mr_metadata_new(f->env);
    mr_table *b = table(md, "b", "a.id");
    table(md, "a", "b.id"); /* the tables refer to each other */
    mr_recorder *recorder;
    assert_int_equal(mr_recorder_start(engine, &recorder), MR_OK);
    if (mr_create_all(conn, md, NULL, 0, true)) fail_msg("%s", mr_env_error(f->env)->message);
    mr_recorder_stop(recorder);
    assert_int_equal(mr_recorder_count(recorder), 6); /* two checks, two tables with an index each */
    assert_non_null(strstr(mr_recorder_at(recorder, 2)->statement, "CREATE TABLE"));
    assert_non_null(strstr(mr_recorder_at(recorder, 3)->statement, "CREATE INDEX"));
    mr_recorder_free(recorder);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master WHERE type = 'table'"), 2);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master WHERE type = 'index'"), 2);
    assert_int_equal(mr_create_all(conn, md, NULL, 0, true), MR_OK);
    assert_int_equal(mr_create_all(conn, md, NULL, 0, false), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "already exists");
    assert_false(mr_conn_in_transaction(conn));
    /* Tables are dropped even if their rows refer to each other. */
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    db_run(conn, "PRAGMA defer_foreign_keys=ON");
    db_run(conn, "INSERT INTO a VALUES (1, 1)");
    db_run(conn, "INSERT INTO b VALUES (1, 1)");
    assert_int_equal(mr_conn_commit(conn), MR_OK);
    if (mr_drop_all(conn, md, NULL, 0, true)) fail_msg("%s", mr_env_error(f->env)->message);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master"), 0);
    assert_int_equal(mr_drop_all(conn, md, NULL, 0, true), MR_OK);
    assert_int_equal(mr_drop_all(conn, md, NULL, 0, false), MR_FAIL);
    db_assert_error(f->env, MR_ERR_OPERATIONAL, "no such table");
    /* A part of the tables, in the caller's transaction. */
    assert_int_equal(mr_conn_begin(conn, MR_TX_DEFAULT), MR_OK);
    assert_int_equal(mr_create_all(conn, md, &b, 1, true), MR_OK);
    assert_true(mr_conn_in_transaction(conn));
    assert_int_equal(mr_drop_all(conn, md, &b, 1, true), MR_OK);
    assert_int_equal(mr_create_all(conn, md, &b, 1, true), MR_OK);
    assert_int_equal(mr_conn_rollback(conn), MR_OK);
    assert_int_equal(db_int(conn, "SELECT count(*) FROM sqlite_master"), 0);
    mr_conn_close(conn);
    mr_engine_release(engine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_create_and_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
