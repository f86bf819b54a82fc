/*
 * test_json.c: JSON text: what is read, how it is written, what is refused, and memory that runs out, the environment's
 * and jansson's own. The test fails jansson's allocations through jansson's hooks, which the library never sets.
 */
#include "base_fixture.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

static mr_value json(const char *text) { return mr_bytes_value(MR_JSON, text, strlen(text)); }

static void rewrites(mr_env *env, const char *text, const char *wanted) {
    mr_strbuf out;
    char why[MR_JSON_WHY] = "";
    mr_strbuf_init(&out, env);
    assert_int_equal(mr_json_rewrite(env, text, strlen(text), &out, why), MR_OK);
    assert_string_equal(mr_strbuf_str(&out), wanted);
    mr_strbuf_done(&out);
}

static void refuses(mr_env *env, const char *text, size_t len, const char *word) {
    mr_json *parsed;
    char why[MR_JSON_WHY] = "";
    assert_int_equal(mr_json_parse(env, text, len, false, &parsed, why), MR_NOTFOUND);
    assert_null(parsed);
    assert_non_null(strstr(why, word));
    assert_int_equal(mr_json_parse(env, text, len, false, &parsed, NULL), MR_NOTFOUND);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NONE);
}

static void test_texts_are_written_in_one_way(void **state) {
    mr_env *env = env_of(state);
    rewrites(env, " null ", "null");
    rewrites(env, "\"x\"", "\"x\"");
    rewrites(env, "[ ]", "[]");
    rewrites(env, "{ }", "{}");
    rewrites(env, "{\"b\": [1, 1.0, -0.0, true, {\"z\": null, \"y\": []}], \"a\": {}}",
             "{\"a\":{},\"b\":[1,1.0,-0.0,true,{\"y\":[],\"z\":null}]}");
    rewrites(env, "{\"a\":1,\"a\":2}", "{\"a\":2}");
    rewrites(env, "[1e2,9223372036854775807,-9223372036854775808]", "[100.0,9223372036854775807,-9223372036854775808]");
    rewrites(env, "\"\\u00e9\\n\\u0000\\u001f\\/\\\\\\\"\"", "\"\xC3\xA9\\n\\u0000\\u001f/\\\\\\\"\"");
}

static void test_what_is_no_json_is_refused_with_its_place(void **state) {
    mr_env *env = env_of(state);
    static const char *const texts[] = {
        "",   " ",   "{",       "[1,]", "tru",           "'x'",           "{1:2}",         "[1] 2", "\"\\ud800\"",
        "01", "nan", "\"\\x\"", "{\"a", "{\"a\" \"b\"}", "[\"a\" \"b\"]", "{\"\\u12\":1}", "\"\n\""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) refuses(env, texts[i], strlen(texts[i]), "line 1");
    refuses(env, "\"\xC3\"", 3, "line 1");
    refuses(env, "[9223372036854775808]", 21, "too big integer");
    refuses(env, "[1e400]", 7, "real number overflow");
    refuses(env, "{\"\\u0000\":1}", 12, "NUL byte");
    char deep[MR_JSON_DEPTH + 1];
    memset(deep, '[', sizeof deep);
    refuses(env, deep, sizeof deep, "501 levels");
    refuses(env, deep, MR_JSON_DEPTH, "line 1"); /* it has no end */
}

static void test_brackets_in_strings_are_no_levels(void **state) {
    char text[2 * MR_JSON_DEPTH + 8], out[sizeof text];
    size_t len = 0;
    text[len++] = '"';
    for (int i = 0; i < MR_JSON_DEPTH; i++) {
        text[len++] = '[';
        text[len++] = '{';
    }
    memcpy(text + len, "\\\"[\"", 5);
    memcpy(out, text, sizeof text);
    rewrites(env_of(state), text, out);
}

static void test_texts_that_say_the_same(void **state) {
    mr_env *env = env_of(state);
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {{"{\"a\":1,\"b\":2}", "{ \"b\": 2, \"a\": 1 }", true},
                 {"1", "1.0", false},
                 {"0.0", "-0.0", false},
                 {"[1,2]", "[2,1]", false},
                 {"100.0", "1e2", true},
                 {"\"\\u00e9\"", "\"\xC3\xA9\"", true},
                 {"{bad", "{bad", true},
                 {"{bad", "{worse", false},
                 {"{}", "[]", false},
                 {"null", "", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mr_value a = json(cases[i].a), b = json(cases[i].b);
        assert_int_equal(mr_value_equal(env, &a, &b), cases[i].same);
        assert_int_equal(mr_value_equal(env, &b, &a), cases[i].same);
    }
    mr_value text = mr_text_value("1", 1), number = json("1");
    assert_false(mr_value_equal(env, &text, &number));
}

static void test_items_come_one_by_one(void **state) {
    mr_env *env = env_of(state);
    const char *text = "{\"b\":[10,\"x\"],\"a\":null}";
    mr_json *parsed;
    mr_json_item item;
    assert_int_equal(mr_json_parse(env, text, strlen(text), true, &parsed, NULL), MR_OK);
    assert_int_equal(mr_json_next(parsed, &item), MR_OK);
    assert_int_equal(item.event, MR_JSON_OBJECT);
    assert_int_equal(item.n, 2);
    assert_null(item.key);
    assert_int_equal(mr_json_next(parsed, &item), MR_OK);
    assert_string_equal(item.key, "a");
    assert_int_equal(item.value.kind, MR_NULL);
    assert_int_equal(mr_json_next(parsed, &item), MR_OK);
    assert_int_equal(item.event, MR_JSON_ARRAY);
    assert_string_equal(item.key, "b");
    assert_int_equal(mr_json_next(parsed, &item), MR_OK);
    assert_int_equal(item.value.u.i, 10);
    assert_int_equal(item.index, 1);
    assert_int_equal(mr_json_next(parsed, &item), MR_OK);
    assert_int_equal(item.index, 2);
    assert_int_equal(mr_json_next(parsed, &item), MR_OK);
    assert_int_equal(item.event, MR_JSON_END);
    assert_string_equal(item.key, "b");
    mr_json_free(parsed); /* before its end */
    mr_json_free(NULL);
}

static void test_floats_are_shortest(void **state) {
    (void)state;
    static const struct {
        double d;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {0.1, "0.1"},
                 {100, "100.0"},
                 {1e15, "1e+15"},
                 {5e-324, "5e-324"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0x1p-44, "5.684341886080802e-14"}};
    char text[MR_FLOAT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(mr_print_shortest(text, cases[i].d), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
    /* Beside each power of two, where the floats on its two sides stand at different distances. */
    for (int e = -1074; e <= 1023; e++) {
        double around[] = {ldexp(1, e), nextafter(ldexp(1, e), 0), nextafter(ldexp(1, e), INFINITY)}, back;
        for (size_t i = 0; i < 3; i++) {
            if (!isfinite(around[i])) continue;
            mr_print_shortest(text, around[i]);
            assert_true(mr_parse_float(text, &back));
            assert_true(back == around[i]);
        }
    }
}

static void test_utf8(void **state) {
    (void)state;
    assert_true(mr_utf8_valid("", 0));
    assert_true(mr_utf8_valid("a\0b", 3));
    assert_true(mr_utf8_valid("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", 9));
    static const char *const bad[] = {"\xC3",  "\xA9",    "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                                      "a\xFF", "\xE2\x82"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(mr_utf8_valid(bad[i], strlen(bad[i])));
}

/* ---------------------------------------------------------------- memory */

static const char LONG[] =
    "{\"list\":[1,2,3,4,5,6,7,8,9,10,\"a long string\",{\"inner\":[true,null,1.5]}],\"other\":{}}";

static void test_the_environment_runs_out_of_memory(void **state) {
    mr_env *env = env_of(state);
    fa_state *fa = fa_of(state);
    mr_strbuf out;
    size_t failed = 0;
    for (size_t n = 1, done = 0; !done; n++) {
        mr_strbuf_init(&out, env);
        fa_arm(fa, n);
        mr_status status = mr_json_rewrite(env, LONG, sizeof LONG - 1, &out, NULL);
        fa_disarm(fa);
        done = status == MR_OK;
        failed += !done;
        if (!done) assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
        mr_strbuf_done(&out);
        mr_env_clear_error(env);
    }
    assert_true(failed > 1);
}

static size_t jansson_calls, jansson_fails_at, jansson_blocks;

static void *jansson_malloc(size_t size) {
    if (++jansson_calls >= jansson_fails_at && jansson_fails_at) return NULL;
    void *p = malloc(size);
    jansson_blocks += p != NULL;
    return p;
}

static void jansson_free(void *p) {
    jansson_blocks -= p != NULL;
    free(p);
}

static void test_jansson_runs_out_of_memory(void **state) {
    mr_env *env = env_of(state);
    mr_strbuf out;
    size_t failed = 0;
    json_set_alloc_funcs(jansson_malloc, jansson_free);
    for (size_t n = 1, done = 0; !done; n++) {
        char why[MR_JSON_WHY] = "";
        mr_strbuf_init(&out, env);
        jansson_calls = 0;
        jansson_fails_at = n;
        mr_status status = mr_json_rewrite(env, LONG, sizeof LONG - 1, &out, why);
        jansson_fails_at = 0;
        done = status == MR_OK;
        failed += !done;
        if (!done) {
            assert_int_equal(status, MR_FAIL);
            assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
        }
        assert_int_equal(jansson_blocks, 0);
        mr_strbuf_done(&out);
        mr_env_clear_error(env);
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failed > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BASE_TEST(test_texts_are_written_in_one_way),
        BASE_TEST(test_what_is_no_json_is_refused_with_its_place),
        BASE_TEST(test_brackets_in_strings_are_no_levels),
        BASE_TEST(test_texts_that_say_the_same),
        BASE_TEST(test_items_come_one_by_one),
        BASE_TEST(test_floats_are_shortest),
        BASE_TEST(test_utf8),
        BASE_TEST(test_the_environment_runs_out_of_memory),
        BASE_TEST(test_jansson_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
