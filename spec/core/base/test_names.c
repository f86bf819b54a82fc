/*
 * test_names.c: the nearest of some names, the hint that a message ends with, and the names of tables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <moonrow/base.h>

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
    assert_string_equal(nearest("Email"), "email");
    assert_string_equal(nearest("userName"), "username");
    assert_string_equal(nearest("Usrename"), "username");
}

/* The names may come from a hash table: their order must not change the result. */
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

/* The case of letters is no mistake of typing, but tells between names that differ only by it. */
static void test_nearest_by_case(void **state) {
    (void)state;
    static const char *const names[] = {"Session", "session", "n", "Column", NULL};
    void *ud = (void *)(uintptr_t)names;
    assert_string_equal(mr_nearest("sesion", candidate, ud), "session");
    assert_string_equal(mr_nearest("Sesion", candidate, ud), "Session");
    assert_string_equal(mr_nearest("SESSION", candidate, ud), "Session");
    assert_string_equal(mr_nearest("colum", candidate, ud), "Column");
    assert_null(mr_nearest("on", candidate, ud));
    assert_string_equal(mr_nearest("N", candidate, ud), "n");
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
        cmocka_unit_test(test_nearest),         cmocka_unit_test(test_nearest_in_any_order),
        cmocka_unit_test(test_nearest_by_case), cmocka_unit_test(test_hint),
        cmocka_unit_test(test_snake_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
