/*
 * test_db_url.c: database URLs: their parts, and the mistakes that are refused.
 */
#include "test_db.h"

static mr_url parsed(void **state, const char *text) {
    mr_url url;
    mr_env *env = ((db_fixture *)*state)->env;
    if (mr_url_parse(env, text, strlen(text), &url)) fail_msg("%s", mr_env_error(env)->message);
    return url;
}

static void test_sqlite_forms(void **state) {
    mr_url url = parsed(state, "sqlite://");
    assert_string_equal(url.dialect, "sqlite");
    assert_null(url.database);
    assert_null(url.host);
    assert_string_equal(parsed(state, "sqlite:///relative.db").database, "relative.db");
    assert_string_equal(parsed(state, "sqlite:////tmp/absolute.db").database, "/tmp/absolute.db");
    assert_string_equal(parsed(state, "sqlite:///:memory:").database, ":memory:");
    assert_string_equal(parsed(state, "sqlite:///C:\\data\\x.db").database, "C:\\data\\x.db");
    assert_null(parsed(state, "sqlite:///").database);
    assert_string_equal(parsed(state, "sqlite:///a%20b%3f100%.db").database, "a b?100%.db");
}

static void test_all_parts(void **state) {
    mr_url url = parsed(state, "postgresql://me%40home:p%3Ass@db.example.com:5433/shop?a=1+2&b=%26");
    assert_string_equal(url.dialect, "postgresql");
    assert_string_equal(url.username, "me@home");
    assert_string_equal(url.password, "p:ss");
    assert_string_equal(url.host, "db.example.com");
    assert_int_equal(url.port, 5433);
    assert_string_equal(url.database, "shop");
    assert_int_equal(url.nquery, 2);
    assert_string_equal(url.query_names[0], "a");
    assert_string_equal(url.query_values[0], "1 2");
    assert_string_equal(url.query_values[1], "&");
    assert_string_equal(url.text, "postgresql://me%40home:***@db.example.com:5433/shop?a=1+2&b=%26");
    url = parsed(state, "postgresql://[::1]:99/x");
    assert_string_equal(url.host, "::1");
    assert_int_equal(url.port, 99);
    assert_string_equal(parsed(state, "mock+postgresql://").dialect, "mock+postgresql");
    assert_string_equal(parsed(state, "sqlite:///C:/me@home.db").text, "sqlite:///C:/me@home.db");
}

/* The text is no URL. The message contains the words, and never a password. */
static void refused(void **state, const char *text, size_t len, const char *words) {
    mr_url url;
    mr_env *env = ((db_fixture *)*state)->env;
    assert_int_equal(mr_url_parse(env, text, len, &url), MR_FAIL);
    db_assert_error(env, MR_ERR_ARGUMENT, words);
    assert_null(strstr(mr_env_error(env)->message, "secret"));
}

/* A text, and words of the error that it gives. */
typedef struct mistake {
    const char *text, *words;
} mistake;

static void test_refused(void **state) {
    static const mistake mistakes[] = {
        {"", "understood are sqlite:// (in memory), sqlite:///relative.db"},
        {"blog.db", "\"blog.db\" is no database URL"},
        {"sqlite:blog.db", "is no database URL"},
        {"://x", "is no database URL"},
        {"my db://x", "is no database URL"},
        {"pg://u:secret@h:99999/d", "port \"99999\""},
        {"pg://u:secret@h:x/d", "port \"x\""},
        {"pg://u:sec/ret:secret@h/d?novalue", "u:***@h"},
        {"pg://u@h/d?user=a&password=secret&x", "u@h/d?user=a&password=***&x"},
        {"pg://h/d?p%61ssword=secret&x", "h/d?p%61ssword=***&x"},
        {"pg://h/d?sslpassword=&a=b&x", "h/d?sslpassword=***&a=b&x"},
        {"sqlite:///x.db?wal", "parameter \"wal\" has no value"},
        {"sqlite:///x%00y", "zero byte"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        refused(state, mistakes[i].text, strlen(mistakes[i].text), mistakes[i].words);
    refused(state, "sqlite:///a\0b", 13, "zero byte");
}

/* The URL has a mistake that only making an engine finds. */
static void engine_refused(void **state, const char *text, const char *words) {
    mr_engine *engine = NULL;
    mr_env *env = ((db_fixture *)*state)->env;
    assert_int_equal(mr_engine_new(env, text, strlen(text), NULL, &engine), MR_FAIL);
    db_assert_error(env, MR_ERR_ARGUMENT, words);
}

static void test_engine_refuses(void **state) {
    static const mistake mistakes[] = {
        {"oracle://x/y", "unknown dialect 'oracle' (known are sqlite"},
        {"sqlite://blog.db", "three slashes (sqlite:///relative.db)"},
        {"sqlite:///x.db?journal_mod=wal", "did you mean 'journal_mode'?"},
        {"sqlite:///x.db?zzzzzzzz=1", "known are journal_mode, synchronous, busy_timeout, mode, immutable, vfs"},
        {"sqlite:///x.db?journal_mode=fast", "journal_mode cannot be \"fast\"; it takes delete"},
        {"sqlite:///x.db?synchronous=maybe", "it takes off, normal, full or extra"},
        {"sqlite:///x.db?busy_timeout=1s", "busy_timeout is \"1s\""},
        {"sqlite:///x.db?busy_timeout=-1", "milliseconds"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        engine_refused(state, mistakes[i].text, mistakes[i].words);
}

/* Random bytes give a URL or an error, and nothing else. */
static void test_noise(void **state) {
    static const char alphabet[] = "sqlite:/@?&=%+[]0a";
    mr_env *env = ((db_fixture *)*state)->env;
    unsigned seed = 12345;
    for (int round = 0; round < 5000; round++) {
        char text[24];
        size_t len = (seed >> 8) % sizeof text;
        for (size_t i = 0; i < len; i++) {
            seed = seed * 1103515245u + 12345u;
            text[i] = alphabet[(seed >> 16) % (sizeof alphabet - 1)];
        }
        seed = seed * 1103515245u + 12345u;
        char prefixed[40];
        memcpy(prefixed, "sqlite://", 9);
        memcpy(prefixed + 9, text, len);
        mr_url url;
        mr_status status = mr_url_parse(env, prefixed, len + 9, &url);
        assert_true(status == MR_OK || mr_env_error(env)->kind == MR_ERR_ARGUMENT);
        status = mr_url_parse(env, text, len, &url);
        assert_true(status == MR_OK || mr_env_error(env)->kind == MR_ERR_ARGUMENT);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        DB_TEST(test_sqlite_forms),   DB_TEST(test_all_parts), DB_TEST(test_refused),
        DB_TEST(test_engine_refuses), DB_TEST(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
