/*
 * test_base.c: the environment, its errors, and the containers. Values, calendar and names are
 * in test_value.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "failing_alloc.h"

typedef struct fixture {
    fa_state fa;
    mr_env *env;
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->env = fa_env_new(&f->fa);
    *state = f;
    return f->env ? 0 : -1;
}

static int teardown(void **state) {
    fixture *f = *state;
    fa_disarm(&f->fa);
    int wrong = mr_env_memory(f->env) != fa_live(&f->fa);
    mr_env_free(f->env);
    wrong |= fa_live(&f->fa) != 0;
    free(f);
    return wrong ? -1 : 0;
}

static mr_env *env_of(void **state) { return ((fixture *)*state)->env; }
static fa_state *fa_of(void **state) { return &((fixture *)*state)->fa; }

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
        assert_true(steps <= 2);
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

/* ---------------------------------------------------------------- vec */

static void test_vec(void **state) {
    mr_vec v;
    mr_vec_init(&v, env_of(state), sizeof(int));
    for (int i = 0; i < 100; i++) {
        int *place = mr_vec_push(&v);
        assert_int_equal(*place, 0);
        *place = i;
    }
    int extra = -1;
    assert_int_equal(mr_vec_insert(&v, 0, &extra), MR_OK);
    assert_int_equal(mr_vec_insert(&v, v.len, &extra), MR_OK);
    assert_int_equal(v.len, 102);
    assert_int_equal(*(int *)mr_vec_at(&v, 1), 0);
    mr_vec_remove(&v, 0);
    mr_vec_remove(&v, v.len - 1);
    mr_vec_remove(&v, 50);
    assert_int_equal(*(int *)mr_vec_at(&v, 50), 51);
    assert_int_equal(v.len, 99);
    assert_int_equal(mr_vec_reserve(&v, SIZE_MAX / 2), MR_FAIL);
    size_t had = v.cap;
    fa_arm(fa_of(state), 1);
    while (v.len < had) assert_non_null(mr_vec_push(&v));
    assert_null(mr_vec_push(&v));
    assert_int_equal(mr_vec_insert(&v, 0, &extra), MR_FAIL);
    assert_int_equal(v.len, had);
    mr_vec_done(&v);
    mr_vec_done(&v);
}

static void test_vec_of_pointers(void **state) {
    mr_vec v;
    mr_vec_init(&v, env_of(state), sizeof(void *));
    for (size_t i = 0; i < 20; i++) assert_int_equal(mr_vec_push_ptr(&v, &v), MR_OK);
    assert_ptr_equal(mr_vec_ptr(&v, 19), &v);
    mr_vec_done(&v);
}

/* ---------------------------------------------------------------- map */

typedef struct pair {
    uint64_t key;
    int value;
} pair;

static uint64_t pair_hash(const void *element) { return ((const pair *)element)->key; }
static uint64_t bad_hash(const void *element) { return ((const pair *)element)->key % 3; }
static bool pair_equal(const void *a, const void *b) { return ((const pair *)a)->key == ((const pair *)b)->key; }

/* Random puts and removals against a plain array. */
static void check_map(mr_env *env, mr_map_hash hash) {
    enum { KEYS = 200 };
    int model[KEYS];
    for (int i = 0; i < KEYS; i++) model[i] = -1;
    mr_map *map = mr_map_new(env, sizeof(pair), hash, pair_equal);
    uint32_t random = 12345;
    for (int step = 0; step < 5000; step++) {
        random = random * 1664525u + 1013904223u;
        pair p = {(random >> 16) % KEYS, step};
        if ((random >> 8) % 3 == 0) {
            assert_int_equal(mr_map_remove(map, &p), model[p.key] >= 0);
            model[p.key] = -1;
        } else {
            pair *stored = mr_map_put(map, &p);
            assert_int_equal(stored->value, step);
            model[p.key] = step;
        }
    }
    size_t live = 0, seen = 0, cursor = 0;
    for (int i = 0; i < KEYS; i++) {
        pair p = {(uint64_t)i, 0};
        pair *stored = mr_map_get(map, &p);
        assert_int_equal(stored != NULL, model[i] >= 0);
        if (stored) assert_int_equal(stored->value, model[i]);
        live += model[i] >= 0;
    }
    while (mr_map_next(map, &cursor)) seen++;
    assert_int_equal(mr_map_count(map), live);
    assert_int_equal(seen, live);
    mr_map_clear(map);
    cursor = 0;
    assert_null(mr_map_next(map, &cursor));
    assert_int_equal(mr_map_count(map), 0);
    mr_map_free(map);
}

static void test_map(void **state) {
    check_map(env_of(state), pair_hash);
    check_map(env_of(state), bad_hash);
    mr_map_free(NULL);
}

static void test_map_of_pointers(void **state) {
    mr_env *env = env_of(state);
    mr_map *map = mr_map_new(env, sizeof(void *), mr_map_hash_ptr, mr_map_equal_ptr);
    void *key = env, *other = map;
    assert_null(mr_map_get(map, &key));
    assert_false(mr_map_remove(map, &key));
    assert_non_null(mr_map_put(map, &key));
    assert_non_null(mr_map_get(map, &key));
    assert_null(mr_map_get(map, &other));
    mr_map_free(map);
}

static void test_map_reserve(void **state) {
    mr_env *env = env_of(state);
    for (size_t room = 0; room < 200; room += 3) {
        mr_map *map = mr_map_new(env, sizeof(pair), pair_hash, pair_equal);
        pair before = {1000, 1};
        assert_non_null(mr_map_put(map, &before));
        assert_int_equal(mr_map_reserve(map, room + 1), MR_OK);
        fa_arm(fa_of(state), 1); /* none is asked for */
        for (uint64_t key = 0; key < room; key++) {
            pair p = {key, 2};
            assert_non_null(mr_map_put(map, &p));
        }
        fa_disarm(fa_of(state));
        assert_int_equal(mr_map_count(map), room + 1);
        assert_non_null(mr_map_get(map, &before));
        mr_map_free(map);
    }
    mr_map *map = mr_map_new(env, sizeof(pair), pair_hash, pair_equal);
    assert_int_equal(mr_map_reserve(map, SIZE_MAX), MR_FAIL);
    assert_int_equal(mr_map_count(map), 0);
    mr_map_free(map);
}

static void test_map_without_memory(void **state) {
    mr_env *env = env_of(state);
    mr_map *map = mr_map_new(env, sizeof(pair), pair_hash, pair_equal);
    for (uint64_t key = 0; key < 100; key++) {
        pair p = {key, 1};
        fa_arm(fa_of(state), 1);
        if (!mr_map_put(map, &p)) {
            assert_int_equal(mr_map_count(map), key);
            pair first = {0, 2};
            if (key > 0) assert_non_null(mr_map_put(map, &first));
            fa_disarm(fa_of(state));
            assert_non_null(mr_map_put(map, &p));
        }
    }
    assert_int_equal(mr_map_count(map), 100);
    mr_map_free(map);
    fa_arm(fa_of(state), 1);
    assert_null(mr_map_new(env, sizeof(pair), pair_hash, pair_equal));
}

/* ---------------------------------------------------------------- strbuf */

static void test_strbuf(void **state) {
    mr_strbuf b;
    mr_strbuf_init(&b, env_of(state));
    assert_string_equal(mr_strbuf_str(&b), "");
    mr_strbuf_puts(&b, "SELECT ");
    mr_strbuf_putc(&b, '*');
    mr_strbuf_add(&b, " FROM userxx", 10);
    assert_string_equal(mr_strbuf_str(&b), "SELECT * FROM user");
    mr_strbuf_printf(&b, " LIMIT %d", 5);
    assert_string_equal(mr_strbuf_str(&b), "SELECT * FROM user LIMIT 5");
    mr_strbuf_clear(&b);
    for (int i = 0; i < 300; i++) mr_strbuf_printf(&b, "%0*d", i, 7);
    assert_int_equal(b.len, strlen(mr_strbuf_str(&b)));
    assert_int_equal(b.len, 1 + 299 * 300 / 2);
    mr_strbuf_done(&b);
    assert_string_equal(mr_strbuf_str(&b), "");
}

static void test_strbuf_without_memory(void **state) {
    mr_env *env = env_of(state);
    mr_strbuf b;
    mr_strbuf_init(&b, env);
    mr_strbuf_puts(&b, "kept");
    fa_arm(fa_of(state), 1);
    mr_strbuf_printf(&b, "%1000d", 1);
    fa_disarm(fa_of(state));
    mr_env_clear_error(env);
    mr_strbuf_puts(&b, "ignored");
    assert_true(b.oom);
    assert_null(mr_strbuf_str(&b));
    assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
    mr_strbuf_clear(&b);
    mr_strbuf_puts(&b, "new");
    assert_string_equal(mr_strbuf_str(&b), "new");
    mr_strbuf_done(&b);
}

/* ---------------------------------------------------------------- tsort */

static void test_tsort(void **state) {
    mr_env *env = env_of(state);
    uint32_t order[6];
    size_t sorted;
    const mr_edge edges[] = {{5, 0}, {3, 1}, {5, 0}, {0, 1}};
    assert_int_equal(mr_tsort(env, 6, edges, 4, order, &sorted), MR_OK);
    const uint32_t expected[] = {2, 3, 4, 5, 0, 1};
    assert_memory_equal(order, expected, sizeof expected);
    assert_int_equal(mr_tsort(env, 6, NULL, 0, order, &sorted), MR_OK);
    for (uint32_t i = 0; i < 6; i++) assert_int_equal(order[i], i);
    assert_int_equal(mr_tsort(env, 0, NULL, 0, NULL, &sorted), MR_OK);
    assert_int_equal(sorted, 0);
}

static void test_tsort_cycles(void **state) {
    mr_env *env = env_of(state);
    uint32_t order[5];
    size_t sorted;
    const mr_edge edges[] = {{1, 2}, {2, 1}, {2, 3}, {4, 0}};
    assert_int_equal(mr_tsort(env, 5, edges, 4, order, &sorted), MR_NOTFOUND);
    assert_int_equal(sorted, 2);
    assert_int_equal(order[0], 4);
    assert_int_equal(order[1], 0);
    const mr_edge itself = {0, 0};
    assert_int_equal(mr_tsort(env, 1, &itself, 1, order, &sorted), MR_NOTFOUND);
    fa_arm(fa_of(state), 1);
    assert_int_equal(mr_tsort(env, 5, edges, 4, order, &sorted), MR_FAIL);
}

static void test_tsort_long_chain(void **state) {
    mr_env *env = env_of(state);
    enum { N = 100000 };
    mr_edge *edges = mr_alloc(env, N * sizeof *edges);
    uint32_t *order = mr_alloc(env, N * sizeof *order);
    size_t sorted;
    for (uint32_t i = 0; i + 1 < N; i++) edges[i] = (mr_edge){i + 1, i};
    assert_int_equal(mr_tsort(env, N, edges, N - 1, order, &sorted), MR_OK);
    for (uint32_t i = 0; i < N; i++) assert_int_equal(order[i], N - 1 - i);
    mr_free(env, edges);
    mr_free(env, order);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_memory_is_counted),
        TEST(test_sizes_at_the_edges),
        TEST(test_failed_allocation),
        TEST(test_close_hooks_run_last_first),
        TEST(test_log),
        TEST(test_slots),
        TEST(test_error_kinds),
        TEST(test_fail),
        TEST(test_error_details),
        TEST(test_error_details_without_memory),
        TEST(test_saved_errors),
        TEST(test_arena),
        TEST(test_intern),
        TEST(test_intern_without_memory),
        TEST(test_vec),
        TEST(test_vec_of_pointers),
        TEST(test_map),
        TEST(test_map_of_pointers),
        TEST(test_map_reserve),
        TEST(test_map_without_memory),
        TEST(test_strbuf),
        TEST(test_strbuf_without_memory),
        TEST(test_tsort),
        TEST(test_tsort_cycles),
        TEST(test_tsort_long_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
