/*
 * test_env.c: the environment: its memory, log and errors, its arenas and interned names.
 */
#include "base_fixture.h"

/* ---------------------------------------------------------------- environment */

static void test_memory_is_counted(void **state) {
    mr_env *env = env_of(state);
    size_t before = mr_env_memory(env);
    void *raw = mr_raw_alloc(env, 100);
    assert_int_equal(mr_env_memory(env), before + 100);
    char *block = mr_alloc(env, 10);
    assert_true(mr_env_memory(env) >= before + 110);
    memcpy(block, "012345678", 10);
    block = mr_realloc(env, block, 1000);
    assert_string_equal(block, "012345678");
    assert_int_equal((uintptr_t)block % 8, 0);
    assert_int_equal(mr_env_memory(env), fa_live(fa_of(state)));
    char *zeroed = mr_calloc(env, 64);
    for (int i = 0; i < 64; i++) assert_int_equal(zeroed[i], 0);
    mr_free(env, zeroed);
    mr_free(env, block);
    mr_free(env, NULL);
    mr_raw_free(env, raw, 100);
    assert_int_equal(mr_env_memory(env), before);
}

static void test_sizes_at_the_edges(void **state) {
    mr_env *env = env_of(state);
    void *empty = mr_raw_alloc(env, 0);
    assert_non_null(empty);
    mr_raw_free(env, empty, 0);
    mr_raw_free(env, NULL, 5);
    void *none = mr_alloc(env, 0);
    assert_non_null(none);
    mr_free(env, none);
    assert_null(mr_alloc(env, SIZE_MAX - 3));
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    assert_null(mr_strndup(env, "", SIZE_MAX));
    assert_null(mr_env_arena(env, SIZE_MAX - 3));
}

static void test_failed_allocation(void **state) {
    mr_env *env = env_of(state);
    char *block = mr_alloc(env, 8);
    fa_arm(fa_of(state), 1);
    assert_null(mr_raw_alloc(env, 8));
    assert_null(mr_strndup(env, "abc", 3));
    mr_env_clear_error(env);
    assert_null(mr_realloc(env, block, 100));
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    assert_string_equal(mr_env_error(env)->message, "not enough memory");
    fa_disarm(fa_of(state));
    mr_free(env, block);
    fa_state other = FA_INIT;
    fa_arm(&other, 1);
    assert_null(fa_env_new(&other));
}

static char closed[8];
static void on_close(void *ud) { strcat(closed, ud); }

static void test_close_hooks_run_last_first(void **state) {
    (void)state;
    closed[0] = '\0';
    mr_env *env = mr_env_new(NULL, NULL);
    assert_int_equal(mr_env_on_close(env, on_close, "a"), MR_OK);
    assert_int_equal(mr_env_on_close(env, on_close, "b"), MR_OK);
    mr_env_free(env);
    mr_env_free(NULL);
    assert_string_equal(closed, "ba");
}

static void count_log(void *ud, const char *text) { *(size_t *)ud += strlen(text); }

static void test_log(void **state) {
    mr_env *env = env_of(state);
    size_t length = 0;
    mr_log(env, "nobody listens %d", 1);
    mr_env_set_log(env, count_log, &length);
    mr_log(env, "%s", "1234");
    assert_int_equal(length, 4);
    mr_log(env, "%2000d", 1);
    assert_int_equal(length, 2004);
    fa_arm(fa_of(state), 1);
    mr_log(env, "%2000d", 1);
    assert_int_equal(length, 2004 + 511);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NONE);
}

static void test_slots(void **state) {
    mr_env *env = env_of(state);
    assert_null(mr_env_get(env, MR_ENV_HEAP));
    mr_env_set(env, MR_ENV_HEAP, env);
    assert_ptr_equal(mr_env_get(env, MR_ENV_HEAP), env);
    assert_null(mr_env_get(env, MR_ENV_DB));
}

/* ---------------------------------------------------------------- errors */

static void test_error_kinds(void **state) {
    (void)state;
    for (int kind = MR_ERR_ERROR; kind < MR_ERR__COUNT; kind++) {
        assert_non_null(mr_errkind_name((mr_errkind)kind));
        int steps = 0;
        for (mr_errkind k = (mr_errkind)kind; k != MR_ERR_ERROR; k = mr_errkind_parent(k)) steps++;
        assert_true(steps <= 3);
    }
    assert_string_equal(mr_errkind_name(MR_ERR_INTEGRITY), "IntegrityError");
    assert_int_equal(mr_errkind_parent(MR_ERR_INTEGRITY), MR_ERR_DATABASE);
    assert_int_equal(mr_errkind_parent(MR_ERR_ERROR), MR_ERR_NONE);
}

static void test_fail(void **state) {
    mr_env *env = env_of(state);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NONE);
    assert_int_equal(mr_fail(env, MR_ERR_ARGUMENT, "User.%s: %d", "id", 7), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_ARGUMENT);
    assert_string_equal(mr_env_error(env)->message, "User.id: 7");
    mr_fail(env, MR_ERR_DATA, "behind: %s", mr_env_error(env)->message);
    assert_string_equal(mr_env_error(env)->message, "behind: User.id: 7");
    fa_arm(fa_of(state), 1);
    assert_int_equal(mr_fail(env, MR_ERR_DATA, "again: %s", mr_env_error(env)->message), MR_FAIL);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    mr_env_clear_error(env);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NONE);
}

static void test_error_details(void **state) {
    mr_env *env = env_of(state);
    mr_value params[2] = {mr_int_value(5), mr_text_value("abc", 3)};
    mr_error_add_statement(env, "SELECT 1", params, 2);
    mr_error_add_orig(env, "no error yet", 1);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NONE);
    mr_fail(env, MR_ERR_INTEGRITY, "taken");
    for (int twice = 0; twice < 2; twice++) {
        mr_error_add_statement(env, "INSERT", params, 2);
        mr_error_add_orig(env, "UNIQUE constraint failed", 2067);
    }
    const mr_error *error = mr_env_error(env);
    assert_string_equal(error->message, "taken");
    assert_string_equal(error->statement, "INSERT");
    assert_string_equal(error->orig, "UNIQUE constraint failed");
    assert_int_equal(error->orig_code, 2067);
    assert_int_equal(error->nparams, 2);
    assert_true(mr_value_equal(env, &error->params[1], &params[1]));
    assert_ptr_not_equal(error->params[1].u.s, params[1].u.s);
    mr_nomem(env);
    mr_error_add_statement(env, "INSERT", params, 2);
    assert_null(mr_env_error(env)->statement);
}

static void test_error_details_without_memory(void **state) {
    mr_env *env = env_of(state);
    mr_value params[2] = {mr_text_value("xyz", 3), mr_text_value("abc", 3)};
    bool complete = false;
    for (size_t n = 1; !complete; n++) {
        mr_fail(env, MR_ERR_INTEGRITY, "taken");
        fa_arm_once(fa_of(state), n);
        mr_error_add_statement(env, "INSERT", params, 2);
        mr_error_add_orig(env, "UNIQUE", 1);
        fa_disarm(fa_of(state));
        const mr_error *error = mr_env_error(env);
        assert_int_equal(error->kind, MR_ERR_INTEGRITY);
        assert_string_equal(error->message, "taken");
        complete = error->statement && error->params && error->orig;
    }
}

static void test_saved_errors(void **state) {
    mr_env *env = env_of(state);
    assert_null(mr_env_save_error(env));
    mr_fail(env, MR_ERR_DATA, "first");
    fa_arm(fa_of(state), 1);
    mr_error *saved = mr_env_save_error(env);
    fa_disarm(fa_of(state));
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NONE);
    mr_fail(env, MR_ERR_ERROR, "second");
    mr_env_restore_error(env, NULL);
    assert_string_equal(mr_env_error(env)->message, "second");
    mr_env_restore_error(env, saved);
    assert_string_equal(mr_env_error(env)->message, "first");
    mr_error_free(env, mr_env_save_error(env));
    mr_nomem(env);
    saved = mr_env_save_error(env);
    mr_nomem(env);
    mr_env_restore_error(env, saved);
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    mr_error_free(env, mr_env_save_error(env));
    mr_error_free(env, NULL);
}

/* ---------------------------------------------------------------- arena and names */

static void test_arena(void **state) {
    mr_env *env = env_of(state);
    mr_arena *arena = mr_arena_new(env);
    static const size_t sizes[] = {1, 0, 24, 300, 8, 5000, 7, 100000, 16, 900};
    for (size_t round = 0; round < 50; round++) {
        size_t size = sizes[round % (sizeof sizes / sizeof sizes[0])];
        unsigned char *block = mr_arena_alloc(arena, size);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % 8, 0);
        for (size_t i = 0; i < size; i++) assert_int_equal(block[i], 0);
        memset(block, 0xFF, size);
    }
    assert_string_equal(mr_arena_strndup(arena, "abcdef", 3), "abc");
    mr_arena_free(arena);
    mr_arena_free(NULL);
    assert_non_null(mr_env_arena(env, 10));
}

static void test_intern(void **state) {
    mr_env *env = env_of(state);
    const char *name = mr_intern(env, "username!", 8);
    assert_string_equal(name, "username");
    char copy[] = "username";
    assert_ptr_equal(mr_intern(env, copy, 8), name);
    assert_ptr_not_equal(mr_intern(env, copy, 4), name);
    assert_string_equal(mr_intern(env, NULL, 0), "");
    char text[16];
    for (int i = 0; i < 500; i++) {
        int len = snprintf(text, sizeof text, "name%d", i);
        assert_string_equal(mr_intern(env, text, (size_t)len), text);
    }
    assert_ptr_equal(mr_intern(env, "username", 8), name);
}

static void test_intern_without_memory(void **state) {
    mr_env *env = env_of(state);
    const char *name = NULL;
    for (size_t n = 1; !name; n++) {
        fa_arm(fa_of(state), n);
        name = mr_intern(env, "username", 8);
        fa_disarm(fa_of(state));
        if (!name) assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    }
    assert_ptr_equal(mr_intern(env, "username", 8), name);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        BASE_TEST(test_memory_is_counted),
        BASE_TEST(test_sizes_at_the_edges),
        BASE_TEST(test_failed_allocation),
        BASE_TEST(test_close_hooks_run_last_first),
        BASE_TEST(test_log),
        BASE_TEST(test_slots),
        BASE_TEST(test_error_kinds),
        BASE_TEST(test_fail),
        BASE_TEST(test_error_details),
        BASE_TEST(test_error_details_without_memory),
        BASE_TEST(test_saved_errors),
        BASE_TEST(test_arena),
        BASE_TEST(test_intern),
        BASE_TEST(test_intern_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
