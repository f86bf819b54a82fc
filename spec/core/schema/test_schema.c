/*
 * test_schema.c: the values that types take, and tables with their constraints and order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <moonrow/schema.h>

#include <math.h>
#include <string.h>

#include "failing_alloc.h"

typedef struct fixture {
    fa_state fa;
    mr_env *env;
    mr_metadata *md;
} fixture;

static void open_fixture(fixture *f) {
    static const fa_state fresh = FA_INIT;
    f->fa = fresh;
    f->env = fa_env_new(&f->fa);
    f->md = mr_metadata_new(f->env);
}

static void close_fixture(fixture *f) {
    mr_env_free(f->env);
    assert_int_equal(fa_live(&f->fa), 0);
}

static mr_value text(const char *s) { return mr_text_value(s, strlen(s)); }

static void coercion(void **state) {
    (void)state;
    fixture ff, *f = &ff;
    open_fixture(f);
    char longest[200];
    memset(longest, 'x', sizeof longest - 1);
    longest[199] = '\0';
    const struct {
        mr_typecode type;
        mr_value in;
        mr_kind kind;
        const char *message;
    } cases[] = {
        {MR_TYPE_INTEGER, mr_int_value(5), MR_INT, NULL},
        {MR_TYPE_INTEGER, mr_float_value(5.0), MR_INT, NULL},
        {MR_TYPE_INTEGER, mr_float_value(1.5), 0, "T.x: expected an integer, got "},
        {MR_TYPE_INTEGER, mr_float_value(9223372036854775808.0), 0, "T.x: expected an integer, got "},
        {MR_TYPE_INTEGER, mr_float_value(NAN), 0, "T.x: expected an integer, got NaN"},
        {MR_TYPE_INTEGER, text("x"), 0, "T.x: expected an integer, got string \"x\""},
        {MR_TYPE_INTEGER, mr_bool_value(true), 0, "T.x: expected an integer, got boolean true"},
        {MR_TYPE_FLOAT, mr_int_value(5), MR_FLOAT, NULL},
        {MR_TYPE_FLOAT, mr_float_value(NAN), 0, "T.x: expected a number, got NaN"},
        {MR_TYPE_NUMERIC, mr_int_value(5), MR_INT, NULL},
        {MR_TYPE_NUMERIC, mr_bytes_value(MR_DECIMAL, "1.50", 4), MR_DECIMAL, NULL},
        {MR_TYPE_NUMERIC, mr_float_value(1.5), 0, "T.x: expected a decimal, got "},
        {MR_TYPE_BOOLEAN, mr_bool_value(false), MR_BOOL, NULL},
        {MR_TYPE_BOOLEAN, mr_int_value(1), 0, "T.x: expected a boolean, got integer 1"},
        {MR_TYPE_STRING, text("x"), MR_TEXT, NULL},
        {MR_TYPE_STRING, mr_int_value(1), 0, "T.x: expected a string, got integer 1"},
        {MR_TYPE_LARGEBINARY, text("x"), MR_BLOB, NULL},
        {MR_TYPE_DATE, text("2024-02-29"), MR_DATE, NULL},
        {MR_TYPE_DATE, text("2023-02-29"), 0, "T.x: expected a date, got string \"2023-02-29\""},
        {MR_TYPE_DATETIME, text("2024-02-29T13:04:05"), MR_DATETIME, NULL},
        {MR_TYPE_DATETIME, mr_value_of(MR_DATE, 1), MR_DATETIME, NULL},
        {MR_TYPE_TIME, text("13:04:05"), MR_TIME, NULL},
        {MR_TYPE_TIME, mr_value_of(MR_DATE, 1), 0, "T.x: expected a time, got date 1970-01-02"},
        {MR_TYPE_UUID, text("12345678123456781234567812345678"), MR_TEXT, NULL},
        {MR_TYPE_UUID, text("12345678-1234-5678-1234-567812345678"), MR_TEXT, NULL},
        {MR_TYPE_UUID, text("1234"), 0, "T.x: expected a uuid, got string \"1234\""},
        {MR_TYPE_INTEGER, mr_null_value(), MR_NULL, NULL},
        {MR_TYPE_NULL, text("x"), MR_TEXT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mr_value v = cases[i].in;
        mr_status status = mr_type_coerce(f->env, mr_type_simple(cases[i].type), "T.x", &v);
        assert_int_equal(status, cases[i].message ? MR_FAIL : MR_OK);
        if (!cases[i].message) assert_int_equal(v.kind, cases[i].kind);
        else assert_memory_equal(mr_env_error(f->env)->message, cases[i].message, strlen(cases[i].message));
        if (cases[i].message) assert_int_equal(mr_env_error(f->env)->kind, MR_ERR_ARGUMENT);
    }
    mr_value v = text(longest);
    assert_int_equal(mr_type_coerce(f->env, mr_type_simple(MR_TYPE_INTEGER), "T.x", &v), MR_FAIL);
    assert_true(strlen(mr_env_error(f->env)->message) < 110);
    v = mr_value_of(MR_DATE, 1);
    assert_int_equal(mr_type_coerce(f->env, mr_type_simple(MR_TYPE_DATETIME), "T.x", &v), MR_OK);
    assert_int_equal(v.u.i, INT64_C(86400000000));
    close_fixture(f);
}

static void lengths_and_names(void **state) {
    (void)state;
    fixture ff, *f = &ff;
    open_fixture(f);
    char buf[64];
    const char *choices[] = {"new", "old", NULL};
    mr_type string = {.rules = &mr_type_string, .length = 3, .precision = -1, .scale = -1};
    mr_type numeric = {.rules = &mr_type_numeric, .precision = 10, .scale = 2};
    mr_type choice = {.rules = &mr_type_enum, .precision = -1, .scale = -1, .choices = choices};
    assert_string_equal(mr_type_name(&string, buf), "String(3)");
    assert_string_equal(mr_type_name(&numeric, buf), "Numeric(10, 2)");
    assert_string_equal(mr_type_name(&choice, buf), "Enum(new, old)");
    assert_string_equal(mr_type_name(mr_type_simple(MR_TYPE_INTEGER), buf), "Integer");
    mr_value v = text("\xc3\xa4\xc3\xb6\xc3\xbc");
    assert_int_equal(mr_type_check_length(f->env, &string, "T.x", &v), MR_OK);
    v = text("abcd");
    assert_int_equal(mr_type_check_length(f->env, &string, "T.x", &v), MR_FAIL);
    assert_string_equal(mr_env_error(f->env)->message, "T.x: string \"abcd\" has 4 characters, too long for String(3)");
    assert_int_equal(mr_env_error(f->env)->kind, MR_ERR_DATA);
    v = text("old");
    assert_int_equal(mr_type_check_length(f->env, &choice, "T.x", &v), MR_OK);
    v = text("odd");
    assert_int_equal(mr_type_check_length(f->env, &choice, "T.x", &v), MR_FAIL);
    assert_string_equal(mr_env_error(f->env)->message, "T.x: string \"odd\" is not a choice of Enum(new, old)");
    assert_int_equal(mr_utf8_length("a\xff\xe2\x82\xac\xe2\x82", 7), 5);
    close_fixture(f);
}

static mr_column *integer(fixture *f, const char *name, bool primary, const char *target) {
    mr_column *column = mr_column_new(f->env, name, mr_type_simple(MR_TYPE_INTEGER));
    column->primary_key = primary;
    if (target) mr_column_add_foreign_key(f->env, column, target, NULL);
    return column;
}

static mr_table *one_key(fixture *f, const char *name, const char *target) {
    mr_column *columns[] = {integer(f, "id", true, NULL), integer(f, "ref", false, target)};
    return mr_table_new(f->md, name, NULL, columns, 2, NULL, NULL);
}

static void tables(void **state) {
    (void)state;
    fixture ff, *f = &ff;
    open_fixture(f);
    mr_column *id = integer(f, "id", true, NULL), *a = integer(f, "a", false, NULL);
    mr_column *reversed[] = {a, id};
    a->indexed = true;
    mr_table *t = mr_table_new(f->md, "t", NULL, reversed, 2, NULL, NULL);
    assert_ptr_equal(t->columns[0], id); /* columns are in the order in which they were made */
    assert_ptr_equal(t->autoincrement, id);
    assert_false(id->nullable);
    assert_true(a->nullable);
    assert_int_equal(a->index, 1);
    const char *index_name;
    mr_named named = {.kind = MR_NAMED_INDEX, .table = t, .given = t->indexes->name, .index = t->indexes};
    assert_int_equal(mr_name_of(&named, &index_name), MR_OK);
    assert_string_equal(index_name, "ix_t_a");
    assert_ptr_equal(mr_metadata_table(f->md, "t"), t);
    assert_ptr_equal(mr_table_column(t, "a"), a);
    uint64_t version = f->md->version;
    for (int i = 0; i < 20; i++) {
        char name[4] = {'c', (char)('a' + i), '\0'};
        assert_int_equal(mr_table_append(t, integer(f, name, false, NULL)), MR_OK);
    }
    assert_int_equal(t->ncolumns, 22);
    assert_string_equal(t->columns[21]->name, "ct");
    assert_true(f->md->version > version);

    assert_null(one_key(f, "t", NULL));
    assert_string_equal(mr_env_error(f->env)->message, "table 't' is already defined in this metadata");
    mr_column *twice[] = {integer(f, "x", false, NULL), integer(f, "x", false, NULL)};
    assert_null(mr_table_new(f->md, "u", NULL, twice, 2, NULL, NULL));
    assert_string_equal(mr_env_error(f->env)->message, "table 'u' has two columns named 'x'");
    assert_null(twice[0]->table);
    mr_constraint unique = {.kind = MR_CONSTRAINT_UNIQUE, .ncolumns = 1, .column_names = (const char *[]){"nam"}};
    mr_column *name[] = {integer(f, "name", false, NULL)};
    assert_null(mr_table_new(f->md, "u", NULL, name, 1, &unique, NULL));
    assert_string_equal(mr_env_error(f->env)->message,
                        "table 'u': the unique constraint names no column 'nam' (did you mean 'name'?)");
    assert_null(mr_metadata_table(f->md, "u"));
    assert_int_equal(mr_table_append(t, t->columns[0]), MR_FAIL);
    mr_column *copy = mr_column_clone(f->env, id);
    assert_true(copy->primary_key && !copy->table && copy->order > id->order);
    mr_metadata_remove(f->md, t);
    assert_null(mr_metadata_table(f->md, "t"));
    close_fixture(f);
}

static void foreign_keys(void **state) {
    (void)state;
    fixture ff, *f = &ff;
    open_fixture(f);
    mr_table *user = one_key(f, "user", NULL);
    mr_column *ref = mr_column_new(f->env, "ref", NULL); /* has the type of the column that it refers to */
    mr_column_add_foreign_key(f->env, ref, "user.id", NULL);
    mr_column *wrong = integer(f, "wrong", false, "users.id"), *wrong2 = integer(f, "wrong2", false, "user.idd");
    mr_column *columns[] = {ref, wrong, wrong2};
    mr_table *post = mr_table_new(f->md, "post", NULL, columns, 3, NULL, NULL);
    assert_ptr_equal(mr_column_type(f->env, ref), user->columns[0]->type);
    assert_int_equal(mr_foreign_key_resolve(f->env, ref->foreign_keys), MR_OK);
    assert_ptr_equal(ref->foreign_keys->referred, user->columns[0]);
    assert_int_equal(mr_foreign_key_resolve(f->env, wrong->foreign_keys), MR_FAIL);
    assert_string_equal(mr_env_error(f->env)->message,
                        "foreign key of post.wrong to 'users.id': there is no table 'users' (did you mean 'user'?)");
    assert_int_equal(mr_foreign_key_resolve(f->env, wrong2->foreign_keys), MR_FAIL);
    assert_string_equal(mr_env_error(f->env)->message,
                        "foreign key of post.wrong2 to 'user.idd': there is no column 'idd' (did you mean 'id'?)");
    assert_int_equal(post->nprimary, 0);
    close_fixture(f);
}

static void sorted_is(fixture *f, const char *wanted) {
    mr_table *out[16];
    size_t n;
    char names[200] = "";
    assert_int_equal(mr_metadata_sorted(f->md, out, &n), MR_OK);
    for (size_t i = 0; i < n; i++) {
        strcat(names, i ? " " : "");
        strcat(names, out[i]->name);
    }
    assert_string_equal(names, wanted);
}

static void sorting(void **state) {
    (void)state;
    fixture ff, *f = &ff;
    open_fixture(f);
    one_key(f, "a", "z.id");
    one_key(f, "m", "a.id");
    one_key(f, "z", NULL);
    one_key(f, "b", "b.id"); /* refers to itself */
    sorted_is(f, "b z a m");
    one_key(f, "p", "q.id"); /* a cycle, and a table that depends on it, whose name comes first */
    one_key(f, "q", "p.id");
    one_key(f, "c", "q.id");
    sorted_is(f, "b p q c z a m");
    close_fixture(f);
}

static void failing_allocations(void **state) {
    (void)state;
    bool done = false;
    for (size_t n = 1; !done; n++) {
        fixture ff, *f = &ff;
        open_fixture(f);
        mr_column *id = integer(f, "id", true, NULL), *ref = integer(f, "ref", false, "t.id");
        id->indexed = true;
        mr_constraint fk = {.kind = MR_CONSTRAINT_FOREIGN_KEY,
                            .ncolumns = 1,
                            .column_names = (const char *[]){"ref"},
                            .targets = (const char *[]){"t.id"}};
        mr_table *out[4];
        size_t count;
        fa_arm(&f->fa, n);
        mr_table *t = mr_table_new(f->md, "t", NULL, (mr_column *[]){id, ref}, 2, &fk, NULL);
        done = t && mr_metadata_sorted(f->md, out, &count) == MR_OK;
        fa_disarm(&f->fa);
        if (!done) assert_int_equal(mr_env_error(f->env)->kind, MR_ERR_NO_MEMORY);
        if (!t) assert_null(id->table);
        assert_int_equal(f->md->tables.len, t ? 1 : 0);
        close_fixture(f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coercion),     cmocka_unit_test(lengths_and_names), cmocka_unit_test(tables),
        cmocka_unit_test(foreign_keys), cmocka_unit_test(sorting),           cmocka_unit_test(failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
