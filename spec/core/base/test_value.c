/*
 * test_value.c: values: their order, their hashes, their copies, and values of the program's own kinds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>

#include "failing_alloc.h"

static void test_equal_compare_and_hash_agree(void **state) {
    (void)state;
    mr_env *env = mr_env_new(NULL, NULL);
    const mr_value values[] = {
        mr_value_of(MR_UNLOADED, 0),
        mr_null_value(),
        mr_bool_value(false),
        mr_bool_value(true),
        mr_int_value(0),
        mr_int_value(1),
        mr_int_value(-1),
        mr_int_value(INT64_MAX),
        mr_int_value(INT64_MIN),
        mr_int_value((INT64_C(1) << 53) + 1),
        mr_float_value(9007199254740992.0),
        mr_float_value(0.0),
        mr_float_value(-0.0),
        mr_float_value(1.0),
        mr_float_value(0.5),
        mr_float_value(-1.5),
        mr_float_value(9223372036854775808.0),
        mr_float_value(-9223372036854775808.0),
        mr_float_value(1e300),
        mr_float_value((double)INFINITY),
        mr_float_value(-(double)INFINITY),
        mr_float_value((double)NAN),
        mr_text_value("", 0),
        mr_text_value("a", 1),
        mr_text_value("a\0b", 3),
        mr_text_value("b", 1),
        mr_bytes_value(MR_BLOB, "a", 1),
        mr_bytes_value(MR_DECIMAL, "1.10", 4),
        mr_bytes_value(MR_DECIMAL, "1.1", 3),
        mr_bytes_value(MR_DECIMAL, "-2", 2),
        mr_bytes_value(MR_DECIMAL, "-10.5", 5),
        mr_bytes_value(MR_DECIMAL, "0.05", 4),
        mr_bytes_value(MR_DECIMAL, "12", 2),
        mr_value_of(MR_DATE, 1),
        mr_value_of(MR_TIME, 1),
        mr_value_of(MR_DATETIME, 1),
        mr_value_of(MR_INTERVAL, 1),
    };
    size_t n = sizeof values / sizeof values[0];
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            int order = mr_value_compare(&values[i], &values[j]);
            int reverse = mr_value_compare(&values[j], &values[i]);
            bool equal = mr_value_equal(env, &values[i], &values[j]);
            assert_true((order < 0) == (reverse > 0));
            assert_int_equal(equal, order == 0);
            if (equal) assert_true(mr_value_hash(&values[i]) == mr_value_hash(&values[j]));
            for (size_t k = 0; k < n && order <= 0; k++)
                if (mr_value_compare(&values[j], &values[k]) <= 0)
                    assert_true(mr_value_compare(&values[i], &values[k]) <= 0);
        }
    }
    mr_env_free(env);
}

static void expect_order(mr_value a, mr_value b) { assert_true(mr_value_compare(&a, &b) < 0); }

static void test_order(void **state) {
    (void)state;
    expect_order(mr_null_value(), mr_int_value(INT64_MIN));
    expect_order(mr_int_value(1), mr_float_value(1.5));
    expect_order(mr_float_value(9007199254740992.0), mr_int_value((INT64_C(1) << 53) + 1));
    expect_order(mr_int_value(INT64_MAX), mr_float_value(9223372036854775808.0));
    expect_order(mr_float_value(-1.5), mr_int_value(-1));
    expect_order(mr_bytes_value(MR_DECIMAL, "-10.5", 5), mr_bytes_value(MR_DECIMAL, "-2", 2));
    expect_order(mr_bytes_value(MR_DECIMAL, "9.99", 4), mr_bytes_value(MR_DECIMAL, "10", 2));
    expect_order(mr_bytes_value(MR_DECIMAL, "0.05", 4), mr_bytes_value(MR_DECIMAL, "0.5", 3));
    expect_order(mr_text_value("a", 1), mr_text_value("a\0", 2));
    expect_order(mr_text_value("z", 1), mr_bytes_value(MR_BLOB, "a", 1));
}

static void test_copy(void **state) {
    (void)state;
    fa_state fa = FA_INIT;
    mr_env *env = fa_env_new(&fa);
    size_t before = fa_live(&fa);
    char bytes[] = "abc";
    mr_value copy, text = mr_text_value(bytes, 3);
    text.flags = MR_VALUE_DIRTY;
    assert_int_equal(mr_value_copy(env, &copy, &text), MR_OK);
    bytes[0] = 'x';
    assert_memory_equal(copy.u.s, "abc", 4);
    assert_int_equal(copy.flags, MR_VALUE_OWNED);
    mr_value_clear(env, &copy);
    assert_int_equal(copy.kind, MR_UNLOADED);
    mr_value_clear(env, &copy);
    mr_value_clear(env, &text);
    assert_int_equal(fa_live(&fa), before);
    text = mr_text_value(bytes, 3);
    fa_arm(&fa, 1);
    assert_int_equal(mr_value_copy(env, &copy, &text), MR_FAIL);
    assert_int_equal(copy.kind, MR_UNLOADED);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    mr_env_free(env);
    assert_int_equal(fa_live(&fa), 0);
}

static void retain(mr_env *env, void *p) {
    (void)env;
    ++*(int *)p;
}
static void release(mr_env *env, void *p) {
    (void)env;
    --*(int *)p;
}
static bool both_positive(mr_env *env, const void *a, const void *b) {
    (void)env;
    return *(const int *)a > 0 && *(const int *)b > 0;
}

static void test_opaque(void **state) {
    (void)state;
    static const mr_opaque_ops counted = {"counted", retain, release, both_positive, NULL, NULL};
    static const mr_opaque_ops plain = {"plain", NULL, NULL, NULL, NULL, NULL};
    mr_env *env = mr_env_new(NULL, NULL);
    uint16_t tag = mr_opaque_register(env, &counted);
    assert_int_equal(tag, 1);
    assert_int_equal(mr_opaque_register(env, &plain), 2);
    int a = 1, b = 1;
    mr_value x = mr_value_of(MR_OPAQUE, 0), y, copy;
    x.tag = tag;
    x.u.p = &a;
    y = x;
    y.u.p = &b;
    assert_true(mr_value_equal(env, &x, &y));
    assert_true(mr_value_hash(&x) == mr_value_hash(&y));
    mr_value_copy(env, &copy, &x);
    assert_int_equal(a, 2);
    mr_value_clear(env, &x);
    assert_int_equal(a, 2);
    mr_value_clear(env, &copy);
    assert_int_equal(a, 1);
    x = y;
    y.tag = 2;
    assert_false(mr_value_equal(env, &x, &y));
    mr_fail(env, MR_ERR_DATABASE, "failed");
    mr_error_add_statement(env, "INSERT", &x, 1);
    assert_int_equal(b, 2);
    mr_env_free(env);
    assert_int_equal(b, 1);
}

static void test_hash_bytes(void **state) {
    (void)state;
    const char text[] = "abcdefghijklmnopqrstuvwxyz";
    uint64_t seen[27];
    for (size_t len = 0; len <= 26; len++) {
        seen[len] = mr_hash_bytes(text, len);
        for (size_t i = 0; i < len; i++) assert_true(seen[i] != seen[len]);
    }
    assert_true(mr_hash_bytes("\0", 1) != mr_hash_bytes("\0\0", 2));
    assert_string_equal(mr_kind_name(MR_TEXT), "string");
    assert_string_equal(mr_kind_name(MR_NULL), "nil");
    assert_string_equal(mr_kind_name(200), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_compare_and_hash_agree),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_hash_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
