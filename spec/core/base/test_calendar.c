/*
 * test_calendar.c: dates, times, datetimes and intervals: their fields, their texts, and calculating with them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include <moonrow/base.h>

/* The value is written as this text. */
static void expect_text(mr_value v, const char *expected) {
    char buf[MR_CALENDAR_SIZE];
    size_t len = mr_calendar_format(&v, ' ', false, buf);
    assert_string_equal(buf, expected);
    assert_int_equal(len, strlen(expected));
}

/* ---------------------------------------------------------------- fields */

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
}

static void test_fields_have_names(void **state) {
    (void)state;
    static const mr_kind kinds[] = {MR_DATE, MR_TIME, MR_DATETIME};
    static const char *const joined[] = {"year month day ", "hour minute second microsecond ",
                                         "year month day hour minute second microsecond "};
    for (size_t k = 0; k < 3; k++) {
        mr_civil c = {2024, 2, 29, 13, 4, 5, 6};
        char text[100] = "";
        const char *const *names = mr_civil_names(kinds[k]);
        for (unsigned i = 0; names[i]; i++) {
            strcat(strcat(text, names[i]), " ");
            *mr_civil_field(&c, kinds[k], i) += 1;
        }
        assert_string_equal(text, joined[k]);
        bool dated = kinds[k] != MR_TIME, timed = kinds[k] != MR_DATE;
        const mr_civil expected = {2024 + dated, 2 + dated, 29 + dated, 13 + timed, 4 + timed, 5 + timed, 6 + timed};
        assert_memory_equal(&c, &expected, sizeof c);
    }
}

static void test_convert(void **state) {
    (void)state;
    const mr_civil c = {2024, 2, 29, 13, 4, 5, 6};
    mr_value at, out, other;
    assert_true(mr_civil_to_value(&c, MR_DATETIME, &at));
    assert_true(mr_calendar_convert(&at, MR_DATE, &out));
    expect_text(out, "2024-02-29");
    assert_false(mr_calendar_convert(&out, MR_TIME, &other));
    assert_true(mr_calendar_convert(&out, MR_DATETIME, &other));
    expect_text(other, "2024-02-29 00:00:00");
    assert_true(mr_calendar_convert(&at, MR_TIME, &out));
    expect_text(out, "13:04:05.000006");
    assert_true(mr_calendar_convert(&out, MR_TIME, &other));
    assert_false(mr_calendar_convert(&out, MR_DATE, &other));
    assert_false(mr_calendar_convert(&out, MR_DATETIME, &other));
    const mr_value span = mr_value_of(MR_INTERVAL, 1);
    assert_false(mr_calendar_convert(&span, MR_DATE, &out));
    assert_false(mr_calendar_convert(&span, MR_INTERVAL, &out));
}

static void test_now(void **state) {
    (void)state;
    mr_civil back;
    mr_value v = mr_calendar_now();
    mr_civil_from_value(&v, &back);
    assert_true(back.year >= 2024 && back.year < 9999);
}

/* ---------------------------------------------------------------- ISO 8601 */

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
    char buf[MR_CALENDAR_SIZE];
    mr_value v = mr_value_of(MR_DATETIME, 0);
    mr_calendar_format(&v, 'T', true, buf);
    assert_string_equal(buf, "1970-01-01T00:00:00.000000");
}

static void test_parse_what_is_written(void **state) {
    (void)state;
    char buf[MR_CALENDAR_SIZE];
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
    assert_false(mr_calendar_read(MR_INTERVAL, "P1D", 3, &read)); /* intervals are not stored in this form */
    char buf[MR_CALENDAR_SIZE];
    for (int64_t micros = 1, sign = 1; micros < MR_INTERVAL_LIMIT; micros = micros * 3 + 7, sign = -sign) {
        mr_value v = mr_value_of(MR_INTERVAL, micros * sign);
        size_t len = mr_calendar_format(&v, ' ', true, buf);
        assert_int_equal(len, strlen(buf));
        assert_true(mr_calendar_parse(MR_INTERVAL, buf, len, &back));
        assert_true(back.kind == MR_INTERVAL && back.u.i == v.u.i && back.len == 0);
        assert_false(mr_calendar_parse(MR_INTERVAL, buf, len - 1, &back));
    }
}

/* ---------------------------------------------------------------- patterns */

/* Compares with strftime of C, which writes English names in the locale "C". */
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
        mktime(&tm); /* sets the day of the week and of the year */
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

/* ---------------------------------------------------------------- calculating */

static mr_value day_of(int year, int month, int day) {
    const mr_civil c = {.year = year, .month = month, .day = day};
    mr_value v = mr_null_value();
    assert_true(mr_civil_to_value(&c, MR_DATE, &v));
    return v;
}

static mr_value moment_of(int year, int month, int day, int hour) {
    const mr_civil c = {.year = year, .month = month, .day = day, .hour = hour};
    mr_value v = mr_null_value();
    assert_true(mr_civil_to_value(&c, MR_DATETIME, &v));
    return v;
}

static mr_value hours(int64_t n) { return mr_value_of(MR_INTERVAL, n * INT64_C(3600000000)); }

typedef mr_sum (*calculation)(const mr_value *a, const mr_value *b, mr_value *out);

/* The calculation gives a value of this text. */
static void expect_sum(calculation of, mr_value a, mr_value b, const char *text) {
    mr_value out;
    assert_int_equal(of(&a, &b, &out), MR_SUM_OK);
    expect_text(out, text);
}

/* The calculation gives no value. kind: the kind that the result would have; MR_NULL: the operands do not fit. */
static void expect_no_sum(calculation of, mr_value a, mr_value b, mr_kind kind) {
    mr_value out = mr_null_value();
    assert_int_equal(of(&a, &b, &out), kind == MR_NULL ? MR_SUM_NONE : MR_SUM_OUTSIDE);
    assert_int_equal(out.kind, kind);
}

static void test_add_and_subtract(void **state) {
    (void)state;
    mr_value leap = day_of(2024, 2, 28), noon = moment_of(2024, 2, 28, 12);
    expect_sum(mr_moment_add, leap, hours(24), "2024-02-29");
    expect_sum(mr_moment_add, hours(48), leap, "2024-03-01");
    expect_sum(mr_moment_add, noon, hours(36), "2024-03-01 00:00:00");
    expect_sum(mr_moment_subtract, noon, hours(13), "2024-02-27 23:00:00");
    expect_sum(mr_moment_add, hours(1), hours(-25), "-P1D");
    expect_sum(mr_moment_subtract, hours(1), hours(25), "-P1D");
    expect_sum(mr_moment_subtract, day_of(2024, 3, 1), leap, "P2D");
    expect_sum(mr_moment_subtract, noon, moment_of(2024, 2, 28, 13), "-PT1H");
}

/* A date moves by whole days: the interval is rounded down to days. */
static void test_dates_move_by_whole_days(void **state) {
    (void)state;
    mr_value day = day_of(1970, 1, 1);
    expect_sum(mr_moment_add, day, hours(23), "1970-01-01");
    expect_sum(mr_moment_add, day, hours(25), "1970-01-02");
    expect_sum(mr_moment_add, day, hours(-1), "1969-12-31");
    expect_sum(mr_moment_subtract, day, hours(25), "1969-12-30");
    expect_sum(mr_moment_subtract, day, hours(24), "1969-12-31");
}

static void test_sums_stay_in_range(void **state) {
    (void)state;
    mr_value first = day_of(1, 1, 1), last = day_of(9999, 12, 31), end = moment_of(9999, 12, 31, 23);
    mr_value longest = mr_value_of(MR_INTERVAL, MR_INTERVAL_LIMIT - 1), moment = mr_value_of(MR_INTERVAL, 1);
    expect_no_sum(mr_moment_add, last, hours(24), MR_DATE);
    expect_no_sum(mr_moment_subtract, first, hours(24), MR_DATE);
    expect_no_sum(mr_moment_add, end, hours(1), MR_DATETIME);
    expect_no_sum(mr_moment_add, first, longest, MR_DATE);
    expect_no_sum(mr_moment_subtract, end, longest, MR_DATETIME);
    expect_no_sum(mr_moment_add, longest, moment, MR_INTERVAL);
    expect_no_sum(mr_moment_add, longest, longest, MR_INTERVAL);
    expect_no_sum(mr_moment_subtract, mr_value_of(MR_INTERVAL, 1 - MR_INTERVAL_LIMIT), longest, MR_INTERVAL);
    expect_sum(mr_moment_subtract, last, first, "P3652058D");
    expect_sum(mr_moment_subtract, longest, longest, "PT0S");
}

static void test_kinds_that_do_not_go_together(void **state) {
    (void)state;
    mr_value day = day_of(2024, 1, 1), at = moment_of(2024, 1, 1, 0), time = mr_value_of(MR_TIME, 5), span = hours(1);
    const mr_value pairs[][2] = {{day, day},
                                 {at, at},
                                 {day, at},
                                 {time, span},
                                 {span, time},
                                 {time, time},
                                 {day, mr_int_value(1)},
                                 {mr_int_value(1), span},
                                 {span, mr_null_value()}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        expect_no_sum(mr_moment_add, pairs[i][0], pairs[i][1], MR_NULL);
    const mr_value differences[][2] = {{day, at},
                                       {at, day},
                                       {span, day},
                                       {span, at},
                                       {time, time},
                                       {time, span},
                                       {day, mr_int_value(1)},
                                       {mr_int_value(2), mr_int_value(1)}};
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++)
        expect_no_sum(mr_moment_subtract, differences[i][0], differences[i][1], MR_NULL);
}

static void test_interval_of_microseconds(void **state) {
    (void)state;
    static const double outside[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, (double)MR_INTERVAL_LIMIT,
                                     1e300};
    mr_value v;
    assert_int_equal(mr_interval_of(1.5e6, &v), MR_SUM_OK);
    expect_text(v, "PT1.5S");
    assert_int_equal(mr_interval_of(-0.6, &v), MR_SUM_OK);
    expect_text(v, "-PT0.000001S");
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        assert_int_equal(mr_interval_of(outside[i], &v), MR_SUM_OUTSIDE);
        assert_int_equal(v.kind, MR_INTERVAL);
    }
}

static void test_parts_of_an_interval(void **state) {
    (void)state;
    static const struct {
        int64_t micros, days;
        int seconds, microseconds;
    } cases[] = {{0, 0, 0, 0},
                 {1, 0, 0, 1},
                 {-1, -1, 86399, 999999},
                 {INT64_C(86400000000), 1, 0, 0},
                 {-INT64_C(86400000000), -1, 0, 0},
                 {INT64_C(90061000007), 1, 3661, 7},
                 {-INT64_C(90061000007), -2, 82738, 999993}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mr_interval_parts parts;
        mr_interval_split(cases[i].micros, &parts);
        assert_int_equal(parts.days, cases[i].days);
        assert_int_equal(parts.seconds, cases[i].seconds);
        assert_int_equal(parts.microseconds, cases[i].microseconds);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_civil),
        cmocka_unit_test(test_fields_have_names),
        cmocka_unit_test(test_convert),
        cmocka_unit_test(test_now),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_parse_what_is_written),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_parse_intervals),
        cmocka_unit_test(test_strftime_is_that_of_c),
        cmocka_unit_test(test_strftime_of_each_kind),
        cmocka_unit_test(test_strftime_refuses),
        cmocka_unit_test(test_add_and_subtract),
        cmocka_unit_test(test_dates_move_by_whole_days),
        cmocka_unit_test(test_sums_stay_in_range),
        cmocka_unit_test(test_kinds_that_do_not_go_together),
        cmocka_unit_test(test_interval_of_microseconds),
        cmocka_unit_test(test_parts_of_an_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
