/*
 * test_value.c: values (copies, order, hashes), the calendar, and names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "failing_alloc.h"

/* ---------------------------------------------------------------- values */

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
    static const mr_opaque_ops counted = {"counted", retain, release, both_positive, NULL};
    static const mr_opaque_ops plain = {"plain", NULL, NULL, NULL, NULL};
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

/* ---------------------------------------------------------------- calendar */

static void expect_text(mr_value v, const char *expected) {
    char buf[40];
    size_t len = mr_calendar_format(&v, ' ', false, buf);
    assert_string_equal(buf, expected);
    assert_int_equal(len, strlen(expected));
}

static void test_format(void **state) {
    (void)state;
    expect_text(mr_value_of(MR_DATE, 0), "1970-01-01");
    expect_text(mr_value_of(MR_DATE, -1), "1969-12-31");
    expect_text(mr_value_of(MR_DATE, 19782), "2024-02-29");
    expect_text(mr_value_of(MR_DATE, INT64_MIN), "0001-01-01");
    expect_text(mr_value_of(MR_DATE, INT64_MAX), "9999-12-31");
    expect_text(mr_value_of(MR_TIME, INT64_C(47045) * 1000000), "13:04:05");
    expect_text(mr_value_of(MR_TIME, -5), "00:00:00");
    expect_text(mr_value_of(MR_DATETIME, -1), "1969-12-31 23:59:59.999999");
    expect_text(mr_value_of(MR_DATETIME, 123), "1970-01-01 00:00:00.000123");
    expect_text(mr_value_of(MR_DATETIME, INT64_MAX), "9999-12-31 23:59:59.999999");
    expect_text(mr_value_of(MR_INTERVAL, INT64_C(90061) * 1000000), "P1DT1H1M1S");
    expect_text(mr_value_of(MR_INTERVAL, -1500000), "-PT1.5S");
    expect_text(mr_value_of(MR_INTERVAL, 0), "PT0S");
    expect_text(mr_value_of(MR_INTERVAL, 1), "PT0.000001S");
    expect_text(mr_value_of(MR_INTERVAL, INT64_C(14) * 86400 * 1000000), "P14D");
    expect_text(mr_value_of(MR_INTERVAL, INT64_MAX), "P106751991DT4H54.775807S");
    expect_text(mr_value_of(MR_INTERVAL, INT64_MIN), "-P106751991DT4H54.775808S");
    expect_text(mr_int_value(5), "");
    char buf[40];
    mr_value v = mr_value_of(MR_DATETIME, 0);
    mr_calendar_format(&v, 'T', true, buf);
    assert_string_equal(buf, "1970-01-01T00:00:00.000000");
}

static void test_parse_what_is_written(void **state) {
    (void)state;
    char buf[40];
    mr_value back;
    for (int64_t day = -719162; day <= 2932896; day += 97) {
        mr_value v = mr_value_of(MR_DATE, day);
        size_t len = mr_calendar_format(&v, ' ', false, buf);
        assert_true(mr_calendar_parse(MR_DATE, buf, len, &back));
        assert_int_equal(back.u.i, day);
        v = mr_value_of(MR_DATETIME, day * INT64_C(86400000000) + day % 1000000 + 1000000);
        len = mr_calendar_format(&v, 'T', false, buf);
        assert_true(mr_calendar_parse(MR_DATETIME, buf, len, &back));
        assert_true(back.u.i == v.u.i);
    }
}

static void expect_parse(mr_kind kind, const char *text, bool good, int64_t expected) {
    mr_value v = mr_null_value();
    assert_int_equal(mr_calendar_parse(kind, text, strlen(text), &v), good);
    assert_int_equal(v.kind, good ? kind : MR_NULL);
    if (good) assert_true(v.u.i == expected);
}

static void test_parse(void **state) {
    (void)state;
    expect_parse(MR_DATE, "2024-02-29", true, 19782);
    expect_parse(MR_TIME, "13:04", true, INT64_C(47040) * 1000000);
    expect_parse(MR_TIME, "00:00:00.5", true, 500000);
    expect_parse(MR_DATETIME, "1970-01-02", true, INT64_C(86400) * 1000000);
    expect_parse(MR_DATETIME, "1970-01-01T00:00:01", true, 1000000);
    static const char *const bad_dates[] = {
        "",           "2023-02-29", "1900-02-29",  "2024-13-01",  "2024-00-01", "2024-01-00",          "2024-01-32",
        "0000-01-01", "2024-1-1",   "2024-01-01 ", " 2024-01-01", "20240101",   "2024-01-01T00:00:00", "+024-01-01"};
    for (size_t i = 0; i < sizeof bad_dates / sizeof bad_dates[0]; i++) expect_parse(MR_DATE, bad_dates[i], false, 0);
    static const char *const bad_times[] = {"",          "24:00:00",       "12:60",     "12:00:60",
                                            "12",        "12:00:",         "12:00:00.", "12:00:00.1234567",
                                            "12:00:00Z", "12:00:00+01:00", "1:00",      "12:00:00,5"};
    for (size_t i = 0; i < sizeof bad_times / sizeof bad_times[0]; i++) expect_parse(MR_TIME, bad_times[i], false, 0);
    expect_parse(MR_DATETIME, "2024-01-01T", false, 0);
    expect_parse(MR_DATETIME, "2024-01-01x00:00", false, 0);
    expect_parse(MR_DATETIME, "2024-01-01T00:00:00Z", false, 0);
    expect_parse(MR_INT, "2024-01-01", false, 0);
}

static void test_parse_intervals(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t micros;
    } good[] = {{"PT0S", 0},
                {"P0D", 0},
                {"P1DT2H3M4.5S", INT64_C(93784500000)},
                {"-PT5S", -5000000},
                {"+PT5S", 5000000},
                {"P2W", INT64_C(14) * 86400 * 1000000},
                {"P1WT1S", INT64_C(604801) * 1000000},
                {"PT90M", INT64_C(5400) * 1000000},
                {"PT0.000001S", 1},
                {"PT000036H", INT64_C(36) * 3600 * 1000000},
                {"P3659999D", INT64_C(3659999) * 86400 * 1000000}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        expect_parse(MR_INTERVAL, good[i].text, true, good[i].micros);
    static const char *const bad[] = {"",
                                      "P",
                                      "PT",
                                      "-P",
                                      "P1DT",
                                      "PT5",
                                      "5S",
                                      "P1Y",
                                      "P1M",
                                      "P1M1D",
                                      "PT1S1M",
                                      "PT1M1M",
                                      "PT1D",
                                      "P1H",
                                      "P1.5D",
                                      "PT1.5H",
                                      "PT1.S",
                                      "PT.5S",
                                      "PT1,5S",
                                      "p1d",
                                      "P-1D",
                                      "--P1D",
                                      "- P1D",
                                      " P1D",
                                      "P1D ",
                                      "P1D1W",
                                      "P1 D",
                                      "P1DT2H3M4.1234567S",
                                      "1 days",
                                      "P1DTT1S",
                                      "1970-01-02 00:00:00",
                                      "P3660000D",
                                      "PT316224000000S",
                                      "P99999999999999999999999999D",
                                      "P3659999DT24H",
                                      "P9223372036854775808D"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) expect_parse(MR_INTERVAL, bad[i], false, 0);
    mr_value read, back;
    assert_false(mr_calendar_read(MR_INTERVAL, "P1D", 3, &read)); /* no form in which intervals are stored */
    char buf[40];
    for (int64_t micros = 1, sign = 1; micros < MR_INTERVAL_LIMIT; micros = micros * 3 + 7, sign = -sign) {
        mr_value v = mr_value_of(MR_INTERVAL, micros * sign);
        size_t len = mr_calendar_format(&v, ' ', true, buf);
        assert_int_equal(len, strlen(buf));
        assert_true(mr_calendar_parse(MR_INTERVAL, buf, len, &back));
        assert_true(back.kind == MR_INTERVAL && back.u.i == v.u.i && back.len == 0);
        assert_false(mr_calendar_parse(MR_INTERVAL, buf, len - 1, &back));
    }
}

/* Compares with the C library, in whose locale "C" the names are English. */
static void test_strftime_is_that_of_c(void **state) {
    (void)state;
    static const char pattern[] =
        "%Y %y %C %m %d %e %H %I %M %S %p %j %U %W %w %u %a %A %b %B %h %F %T %R %D %c %x %X %r%n%t%%";
    mr_env *env = mr_env_new(NULL, NULL);
    mr_strbuf b;
    mr_strbuf_init(&b, env);
    for (int days = -40000; days < 40000; days += 7 + days % 3) {
        char expected[300];
        mr_value v = mr_value_of(MR_DATETIME, days * INT64_C(86400000000) + (days + 40000) * INT64_C(1080000));
        mr_civil c;
        mr_civil_from_value(&v, &c);
        struct tm tm = {.tm_year = c.year - 1900, .tm_mon = c.month - 1, .tm_mday = c.day, .tm_hour = 12};
        mktime(&tm); /* finds the day of the week and of the year */
        tm.tm_hour = c.hour, tm.tm_min = c.minute, tm.tm_sec = c.second;
        strftime(expected, sizeof expected, pattern, &tm);
        mr_strbuf_clear(&b);
        assert_int_equal(mr_strftime(env, &v, pattern, sizeof pattern - 1, &b), MR_OK);
        assert_string_equal(mr_strbuf_str(&b), expected);
    }
    mr_strbuf_done(&b);
    mr_env_free(env);
}

static void expect_format(mr_env *env, mr_kind kind, mr_civil c, const char *pattern, const char *expected) {
    mr_value v;
    mr_strbuf b;
    assert_true(mr_civil_to_value(&c, kind, &v));
    mr_strbuf_init(&b, env);
    assert_int_equal(mr_strftime(env, &v, pattern, strlen(pattern), &b), MR_OK);
    assert_string_equal(mr_strbuf_str(&b), expected);
    mr_strbuf_done(&b);
}

static void test_strftime_of_each_kind(void **state) {
    (void)state;
    mr_env *env = mr_env_new(NULL, NULL);
    const mr_civil first = {1, 1, 1, 0, 0, 0, 0}, last = {9999, 12, 31, 23, 59, 59, 999999};
    expect_format(env, MR_DATE, first, "%F %A %j %U %W %w %u %C", "0001-01-01 Monday 001 00 01 1 1 00");
    expect_format(env, MR_DATE, last, "%d. %B %Y, %a", "31. December 9999, Fri");
    expect_format(env, MR_DATETIME, last, "%c .%f %r", "Fri Dec 31 23:59:59 9999 .999999 11:59:59 PM");
    expect_format(env, MR_DATETIME, first, "%I %p %f", "12 AM 000000");
    expect_format(env, MR_TIME, last, "%H:%M:%S.%f %R %T %X %p%%", "23:59:59.999999 23:59 23:59:59 23:59:59 PM%");
    expect_format(env, MR_TIME, first, "", "");
    expect_format(env, MR_TIME, first, "\xc3\xa4 at %H", "\xc3\xa4 at 00");
    mr_env_free(env);
}

static void test_strftime_refuses(void **state) {
    (void)state;
    static const struct {
        mr_kind kind;
        const char *pattern, *message;
    } cases[] = {
        {MR_DATETIME, "%Y %Q", "format: unknown directive '%Q'"},
        {MR_DATETIME, "%Y %", "format: unknown directive '% '"},
        {MR_DATE, "%Q %H", "format: a date has no time of day for '%H'"},
        {MR_DATE, "%c", "format: a date has no time of day for '%c'"},
        {MR_DATE, "%f", "format: a date has no time of day for '%f'"},
        {MR_TIME, "%H on %x", "format: a time has no date for '%x'"},
        {MR_TIME, "%c", "format: a time has no date for '%c'"},
    };
    mr_env *env = mr_env_new(NULL, NULL);
    const mr_civil c = {2024, 2, 29, 1, 2, 3, 4};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mr_value v;
        mr_strbuf b;
        mr_strbuf_init(&b, env);
        assert_true(mr_civil_to_value(&c, cases[i].kind, &v));
        assert_int_equal(mr_strftime(env, &v, cases[i].pattern, strlen(cases[i].pattern), &b), MR_FAIL);
        assert_string_equal(mr_env_error(env)->message, cases[i].message);
        mr_env_clear_error(env);
        mr_strbuf_done(&b);
    }
    mr_env_free(env);
}

static void test_civil(void **state) {
    (void)state;
    mr_civil c = {2024, 2, 29, 13, 4, 5, 6}, back;
    mr_value v;
    assert_true(mr_civil_to_value(&c, MR_DATETIME, &v));
    mr_civil_from_value(&v, &back);
    assert_memory_equal(&back, &c, sizeof c);
    c.day = 30;
    assert_false(mr_civil_to_value(&c, MR_DATE, &v));
    assert_true(mr_civil_to_value(&c, MR_TIME, &v));
    c.microsecond = -1;
    assert_false(mr_civil_to_value(&c, MR_TIME, &v));
    assert_false(mr_civil_to_value(&c, MR_INT, &v));
    v = mr_calendar_now();
    mr_civil_from_value(&v, &back);
    assert_true(back.year >= 2024 && back.year < 9999);
}

/* ---------------------------------------------------------------- names */

static const char *candidate(void *ud, size_t i) { return ((const char *const *)ud)[i]; }

static const char *nearest(const char *name) {
    static const char *const names[] = {"id", "username", "email", "user_id", NULL};
    return mr_nearest(name, candidate, (void *)(uintptr_t)names);
}

static void test_nearest(void **state) {
    (void)state;
    assert_string_equal(nearest("usernam"), "username");
    assert_string_equal(nearest("usrename"), "username");
    assert_string_equal(nearest("emial"), "email");
    assert_string_equal(nearest("userid"), "user_id");
    assert_string_equal(nearest("di"), "id");
    assert_null(nearest("zzzzzz"));
    assert_null(nearest(""));
    assert_null(nearest("x"));
    char longest[200];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_null(nearest(longest));
    assert_string_equal(nearest("user"), "user_id");
    assert_string_equal(nearest("emai"), "email");
    assert_null(nearest("ema"));
}

/* A set may come from a hash: the order of its names must not be seen in the message. */
static void test_nearest_in_any_order(void **state) {
    (void)state;
    static const char *const sets[][4] = {
        {"cat", "bat", "rat", NULL}, {"rat", "cat", "bat", NULL}, {"bat", "rat", "cat", NULL}};
    static const char *const long_names[][3] = {{"titles_of_all", "titles_by_year", NULL},
                                                {"titles_by_year", "titles_of_all", NULL}};
    for (size_t i = 0; i < 3; i++) assert_string_equal(mr_nearest("hat", candidate, (void *)(uintptr_t)sets[i]), "bat");
    for (size_t i = 0; i < 2; i++)
        assert_string_equal(mr_nearest("titles", candidate, (void *)(uintptr_t)long_names[i]), "titles_by_year");
}

static void test_hint(void **state) {
    (void)state;
    mr_env *env = mr_env_new(NULL, NULL);
    assert_string_equal(mr_hint(env, "name"), " (did you mean 'name'?)");
    assert_string_equal(mr_hint(env, NULL), "");
    char longest[500];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_string_equal(mr_hint(env, longest), "");
    mr_env_free(env);
}

static void test_snake_case(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"User", "user"},
        {"BlogPost", "blog_post"},
        {"HTTPServerLog", "http_server_log"},
        {"CamelCase2Thing", "camel_case2_thing"},
        {"PreABCPost", "pre_abc_post"},
        {"AstV2Node", "ast_v2_node"},
        {"user", "user"},
        {"ABC", "abc"},
        {"My_Class", "my_class"},
        {"X", "x"},
        {"", ""},
    };
    mr_env *env = mr_env_new(NULL, NULL);
    mr_strbuf b;
    mr_strbuf_init(&b, env);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mr_strbuf_clear(&b);
        mr_snake_case(&b, cases[i][0], strlen(cases[i][0]));
        assert_string_equal(mr_strbuf_str(&b), cases[i][1]);
    }
    mr_strbuf_done(&b);
    mr_env_free(env);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_compare_and_hash_agree),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_hash_bytes),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse_what_is_written),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_intervals),
        cmocka_unit_test(test_civil),
        cmocka_unit_test(test_strftime_is_that_of_c),
        cmocka_unit_test(test_strftime_of_each_kind),
        cmocka_unit_test(test_strftime_refuses),
        cmocka_unit_test(test_nearest),
        cmocka_unit_test(test_nearest_in_any_order),
        cmocka_unit_test(test_hint),
        cmocka_unit_test(test_snake_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
