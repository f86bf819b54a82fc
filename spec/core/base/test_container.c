/*
 * test_container.c: vectors, maps, string buffers, and sorting by dependencies.
 */
#include "base_fixture.h"

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

/* Puts and removes keys at random, and compares the map with an array. */
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
        fa_arm(fa_of(state), 1); /* puts into reserved room must not allocate */
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

int main(void) {
    const struct CMUnitTest tests[] = {
        BASE_TEST(test_vec),
        BASE_TEST(test_vec_of_pointers),
        BASE_TEST(test_map),
        BASE_TEST(test_map_of_pointers),
        BASE_TEST(test_map_reserve),
        BASE_TEST(test_map_without_memory),
        BASE_TEST(test_strbuf),
        BASE_TEST(test_strbuf_without_memory),
        BASE_TEST(test_tsort),
        BASE_TEST(test_tsort_cycles),
        BASE_TEST(test_tsort_long_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
