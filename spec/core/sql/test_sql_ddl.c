/*
 * test_sql_ddl.c: CREATE and DROP in both dialects. SQLite also runs those of its own.
 */
#include "test_sql.h"

#include <sqlite3.h>

static void create(world *w, mr_table *t, const char *sqlite, const char *postgresql) {
    const char *wanted[2] = {sqlite, postgresql};
    for (int i = 0; i < 2; i++) {
        mr_strbuf out;
        mr_strbuf_init(&out, w->env);
        const mr_dialect *d = i ? mr_dialect_postgresql() : mr_dialect_sqlite();
        if (mr_ddl_create_table(d, t, &out) != MR_OK) fail_msg("%s", mr_env_error(w->env)->message);
        assert_string_equal(mr_strbuf_str(&out), wanted[i]);
        if (i == 0 && !t->schema) {
            sqlite3 *db;
            assert_int_equal(sqlite3_initialize(), SQLITE_OK);
            assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
            if (sqlite3_exec(db, mr_strbuf_str(&out), NULL, NULL, NULL) != SQLITE_OK)
                fail_msg("%s: %s", mr_strbuf_str(&out), sqlite3_errmsg(db));
            sqlite3_close(db);
        }
        mr_strbuf_done(&out);
    }
}

static void tables(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    create(w, w->user,
           "CREATE TABLE user ( id INTEGER NOT NULL, username VARCHAR(80) NOT NULL, email VARCHAR(120) NOT "
           "NULL, "
           "age INTEGER, active BOOLEAN, born DATETIME, score FLOAT, PRIMARY KEY (id), UNIQUE (username), "
           "UNIQUE (email) )",
           "CREATE TABLE \"user\" ( id SERIAL NOT NULL, username VARCHAR(80) NOT NULL, email VARCHAR(120) "
           "NOT NULL, "
           "age INTEGER, active BOOLEAN, born TIMESTAMP WITHOUT TIME ZONE, score FLOAT, PRIMARY KEY (id), "
           "UNIQUE (username), UNIQUE (email) )");
    mr_column *key = w_column(w, "key", MR_TYPE_BIGINTEGER, 0), *owner = mr_column_new(w->env, "owner", NULL);
    key->primary_key = true;
    key->server_default = NULL;
    mr_column_add_foreign_key(w->env, owner, "user.id", NULL)->how.ondelete = "CASCADE";
    owner->unique = true;
    mr_column *count = w_column(w, "count", MR_TYPE_INTEGER, 0), *made = w_column(w, "made", MR_TYPE_DATETIME, 0);
    count->server_default = "0";
    count->nullable = false;
    count->nullable_given = true;
    made->server_default = "datetime('now')";
    mr_column *data = w_column(w, "data", MR_TYPE_LARGEBINARY, 0), *uuid = w_column(w, "uuid", MR_TYPE_UUID, 0);
    mr_constraint fk = {.kind = MR_CONSTRAINT_FOREIGN_KEY,
                        .name = "fk_count",
                        .ncolumns = 1,
                        .column_names = (const char *[]){"count"},
                        .targets = (const char *[]){"post.id"}};
    mr_constraint check = {.kind = MR_CONSTRAINT_CHECK, .name = "ck", .sql = "count >= 0", .next = &fk};
    mr_constraint unique = {
        .kind = MR_CONSTRAINT_UNIQUE, .ncolumns = 2, .column_names = (const char *[]){"count", "made"}, .next = &check};
    mr_column *columns[] = {key, owner, count, made, data, uuid};
    mr_table *t = mr_table_new(w->md, "order", NULL, columns, 6, &unique, NULL);
    assert_non_null(t);
    create(w, t,
           "CREATE TABLE \"order\" ( \"key\" INTEGER NOT NULL, owner INTEGER, count INTEGER DEFAULT 0 NOT NULL, "
           "made DATETIME DEFAULT (datetime('now')), data BLOB, uuid CHAR(32), PRIMARY KEY (\"key\"), "
           "UNIQUE (count, made), CONSTRAINT ck CHECK (count >= 0), CONSTRAINT fk_count FOREIGN KEY(count) "
           "REFERENCES post (id), UNIQUE (owner), FOREIGN KEY(owner) REFERENCES user (id) ON DELETE CASCADE )",
           "CREATE TABLE \"order\" ( key BIGSERIAL NOT NULL, owner INTEGER, count INTEGER DEFAULT 0 NOT NULL, "
           "made TIMESTAMP WITHOUT TIME ZONE DEFAULT datetime('now'), data BYTEA, uuid UUID, PRIMARY KEY (key), "
           "UNIQUE (count, made), CONSTRAINT ck CHECK (count >= 0), CONSTRAINT fk_count FOREIGN KEY(count) "
           "REFERENCES post (id), UNIQUE (owner), FOREIGN KEY(owner) REFERENCES \"user\" (id) ON DELETE CASCADE "
           ")");
    mr_column *a = w_column(w, "a", MR_TYPE_INTEGER, 0), *b = w_column(w, "b", MR_TYPE_INTEGER, 0);
    mr_constraint primary = {
        .kind = MR_CONSTRAINT_PRIMARY_KEY, .name = "pk", .ncolumns = 2, .column_names = (const char *[]){"b", "a"}};
    mr_table *two = mr_table_new(w->md, "two", NULL, (mr_column *[]){a, b}, 2, &primary, NULL);
    create(w, two, "CREATE TABLE two ( a INTEGER NOT NULL, b INTEGER NOT NULL, CONSTRAINT pk PRIMARY KEY (b, a) )",
           "CREATE TABLE two ( a INTEGER NOT NULL, b INTEGER NOT NULL, CONSTRAINT pk PRIMARY KEY (b, a) )");
    w_close(w);
}

static void types(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_type numeric = {.rules = &mr_type_numeric, .precision = 10, .scale = 2};
    const char *choices[] = {"aa", "bbb", NULL};
    mr_type choice = {.rules = &mr_type_enum, .precision = -1, .scale = -1, .choices = choices};
    mr_column *columns[] = {mr_column_new(w->env, "a", mr_type_new(w->env, &numeric)),
                            mr_column_new(w->env, "b", mr_type_new(w->env, &choice)),
                            w_column(w, "c", MR_TYPE_TEXT, 0),
                            w_column(w, "d", MR_TYPE_DATE, 0),
                            w_column(w, "e", MR_TYPE_TIME, 0),
                            w_column(w, "f", MR_TYPE_INTERVAL, 0),
                            w_column(w, "g", MR_TYPE_JSON, 0),
                            w_column(w, "h", MR_TYPE_SMALLINTEGER, 0),
                            w_column(w, "i", MR_TYPE_STRING, 0),
                            w_column(w, "j", MR_TYPE_NUMERIC, 0)};
    create(w, mr_table_new(w->md, "Types", NULL, columns, 10, NULL, NULL),
           "CREATE TABLE \"Types\" ( a DECIMAL_TEXT(10, 2), b VARCHAR(3), c TEXT, d DATE, e TIME, f DATETIME, g "
           "TEXT, h SMALLINT, "
           "i VARCHAR, j DECIMAL_TEXT )",
           "CREATE TABLE \"Types\" ( a NUMERIC(10, 2), b VARCHAR(3), c TEXT, d DATE, e TIME WITHOUT TIME "
           "ZONE, f INTERVAL, "
           "g JSON, h SMALLINT, i VARCHAR, j NUMERIC )");
    w_close(w);
}

static void indexes_and_drops(void **state) {
    (void)state;
    world ww, *w = &ww;
    w_open(w);
    mr_column *a = w_column(w, "a", MR_TYPE_INTEGER, 0), *b = w_column(w, "order", MR_TYPE_INTEGER, 0);
    a->indexed = true;
    b->indexed = b->unique = true;
    mr_table *t = mr_table_new(w->md, "t", "s", (mr_column *[]){a, b}, 2, NULL, NULL);
    const char *wanted[] = {"CREATE INDEX s.ix_s_t_a ON t (a)", "CREATE UNIQUE INDEX s.ix_s_t_order ON t (\"order\")",
                            "CREATE INDEX ix_s_t_a ON s.t (a)", "CREATE UNIQUE INDEX ix_s_t_order ON s.t (\"order\")"};
    mr_strbuf out;
    mr_strbuf_init(&out, w->env);
    for (int i = 0; i < 4; i++) {
        mr_strbuf_clear(&out);
        assert_int_equal(mr_ddl_create_index(i < 2 ? mr_dialect_sqlite() : mr_dialect_postgresql(),
                                             i % 2 ? t->indexes->next : t->indexes, false, &out),
                         MR_OK);
        assert_string_equal(mr_strbuf_str(&out), wanted[i]);
    }
    mr_strbuf_clear(&out);
    mr_ddl_drop_table(mr_dialect_postgresql(), w->user, &out);
    assert_string_equal(mr_strbuf_str(&out), "DROP TABLE \"user\"");
    mr_strbuf_done(&out);
    create(w, t, "CREATE TABLE s.t ( a INTEGER, \"order\" INTEGER )",
           "CREATE TABLE s.t ( a INTEGER, \"order\" INTEGER )");
    w_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(types),
        cmocka_unit_test(indexes_and_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
