/*
 * test_decimal.c: decimals: each allocation fails in turn, those of the library that calculates, too; and floats, texts
 * and sums at their limits. What decimals calculate is proved by spec/value/decimal_spec.lua and by make interop.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <cmocka.h>

#include "failing_alloc.h"

/* ---------------------------------------------------------------- malloc fails */

/* libtommath allocates by malloc: it fails here when it is told to. A sanitizer has a malloc of its own. */
static size_t mallocs, fail_malloc_at;

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define FAILS 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
static bool must_fail(void) { return fail_malloc_at && ++mallocs >= fail_malloc_at; }
void *malloc(size_t size) { return must_fail() ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return must_fail() ? NULL : __libc_calloc(n, size); }
void *realloc(void *p, size_t size) { return must_fail() ? NULL : __libc_realloc(p, size); }
#else
#define FAILS 0
#endif

static mr_value decimal(const char *text) { return mr_bytes_value(MR_DECIMAL, text, strlen(text)); }

typedef mr_decimal_status (*operation)(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out);

static mr_decimal_status multiply(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    (void)env;
    return mr_decimal_calculate(MR_DECIMAL_MUL, a, b, out);
}
static mr_decimal_status divide(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    (void)env;
    return mr_decimal_calculate(MR_DECIMAL_DIV, a, b, out);
}
static mr_decimal_status modulo(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    (void)env;
    return mr_decimal_calculate(MR_DECIMAL_MOD, a, b, out);
}
static mr_decimal_status raise_inverse(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    (void)env;
    (void)b;
    return mr_decimal_power(a, -7, out);
}
static mr_decimal_status round_off(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    (void)env;
    (void)b;
    return mr_decimal_round(a, 3, MR_ROUND_HALF_UP, out);
}
static mr_decimal_status parse(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    (void)env;
    (void)b;
    return mr_decimal_parse(a->u.s, a->len, out);
}
static mr_decimal_status average(mr_env *env, const mr_value *a, const mr_value *b, mr_strbuf *out) {
    mr_decimal_sum *sum = mr_decimal_sum_new(env);
    mr_value small = mr_int_value(INT64_MAX);
    mr_decimal_status status = sum ? mr_decimal_sum_add(sum, &small, false) : MR_DECIMAL_NOMEM;
    if (status == MR_DECIMAL_OK) status = mr_decimal_sum_add(sum, a, false);
    if (status == MR_DECIMAL_OK) status = mr_decimal_sum_add(sum, b, true);
    if (status == MR_DECIMAL_OK) status = mr_decimal_sum_put(sum, 3, out);
    mr_decimal_sum_free(sum);
    return status;
}

/* Each allocation fails in turn; then the operation gives the expected text. Returns how many have failed. */
static size_t fails_in_turn(operation op, const char *expected) {
    static const char *const a = "123456789012345678901234567890123456789012345678901234567890.1234567890123456789";
    static const char *const b = "-98765432109876543210987654321.0987654321098765";
    fa_state fa = FA_INIT;
    mr_env *env = fa_env_new(&fa);
    const mr_value x = decimal(a), y = decimal(b);
    const size_t before = fa_live(&fa);
    for (size_t n = 1; n < 1000; n++) {
        mr_strbuf out;
        mr_strbuf_init(&out, env);
        if (!FAILS) fa_arm(&fa, n);
        mallocs = 0;
        fail_malloc_at = n;
        mr_decimal_status status = op(env, &x, &y, &out);
        fail_malloc_at = 0;
        fa_disarm(&fa);
        if (status == MR_DECIMAL_OK) {
            assert_string_equal(out.data, expected);
            mr_strbuf_done(&out);
            mr_env_free(env);
            return n - 1;
        }
        assert_int_equal(status, MR_DECIMAL_NOMEM);
        mr_strbuf_done(&out);
        assert_int_equal(fa_live(&fa), before);
    }
    fail();
    return 0;
}

static void test_each_allocation_fails(void **state) {
    (void)state;
    const size_t some = FAILS ? 4 : 1;
    assert_true(fails_in_turn(multiply,
                              "-121932631137021795226185032733866788594511507338216735733821673573382167357338"
                              "21551640751.03033554299055070108780678478765585") >= some);
    assert_true(fails_in_turn(divide, "-1249999988609375000142382812000") >= some);
    assert_true(fails_in_turn(modulo, "-77015817907701527777036082477.8598028765340278211") >= some);
    assert_true(fails_in_turn(round_off, "123456789012345678901234567890123456789012345678901234567890.123") >= some);
    assert_true(fails_in_turn(average, "41152263004115226300411522630000000000000000000000000000000") >= some);
    assert_true(
        fails_in_turn(parse, "123456789012345678901234567890123456789012345678901234567890.1234567890123456789") >= 1);
    assert_true(
        fails_in_turn(raise_inverse,
                      "0.0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                      "00000000000000000000000000000000000000000000000000000002287679389619897669123349159") >= some);
}

/* ---------------------------------------------------------------- floats, texts */

static void assert_float(double d, int scale, const char *expected) {
    char buf[MR_DECIMAL_ROOM];
    size_t len = mr_decimal_of_float(d, scale, buf);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(buf, expected, len);
}

static void test_floats_have_their_shortest_digits(void **state) {
    (void)state;
    assert_float(0.1, -1, "0.1");
    assert_float(12.3, -1, "12.3");
    assert_float(0.1 + 0.2, -1, "0.30000000000000004");
    assert_float(0.1 + 0.2, 2, "0.30");
    assert_float(2.675, 2, "2.68");
    assert_float(2.665, 2, "2.66");
    assert_float(-2.5, 0, "-2");
    assert_float(-0.001, 2, "0.00");
    assert_float(0, 3, "0.000");
    assert_float(1e22, -1, "10000000000000000000000");
    assert_float(1e-7, -1, "0.0000001");
    assert_float(5e-324, 2, "0.00");
    assert_float(1234567.0, 2, "1234567.00");
    assert_float(9007199254740993.0, -1, "9007199254740992");
    assert_float(1e300, -1, "");
    assert_float((double)INFINITY, 2, "");
    assert_float((double)NAN, 2, "");
}

static void assert_text(const char *text, int scale, const char *expected) {
    char buf[MR_DECIMAL_ROOM];
    size_t len = mr_decimal_of_text(text, strlen(text), scale, buf);
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(buf, expected, len);
}

static void test_texts_are_brought_to_a_scale(void **state) {
    (void)state;
    assert_text("12.3", 2, "12.30");
    assert_text("+.5", 2, "0.50");
    assert_text("12.300", 2, "12.30");
    assert_text("12.345", 2, "");
    assert_text("1.25e1", 2, "12.50");
    assert_text("1.25e-1", 3, "0.125");
    assert_text("-0", 1, "0.0");
    assert_text("007", -1, "7");
    assert_text("1e40", 0, "10000000000000000000000000000000000000000");
    assert_text("1e99", 0, "");
    assert_text("x", 0, "");
    assert_text("", 0, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_allocation_fails),
                                       cmocka_unit_test(test_floats_have_their_shortest_digits),
                                       cmocka_unit_test(test_texts_are_brought_to_a_scale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
