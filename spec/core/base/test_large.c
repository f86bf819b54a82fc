/*
 * test_large.c: the allocator of who brings none: blocks of every size around the borders of its pages keep their bytes
 * when they grow and shrink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <moonrow/base.h>

enum { HUGE_PAGE = 2 << 20, HALF = HUGE_PAGE / 2, SMALL_PAGE = 4096 };

static const size_t sizes[] = {1,
                               100,
                               HALF - 1,
                               HALF,
                               HALF + 1,
                               HUGE_PAGE - 1,
                               HUGE_PAGE,
                               HUGE_PAGE + 1,
                               HUGE_PAGE + SMALL_PAGE,
                               HUGE_PAGE + HALF - 1,
                               HUGE_PAGE + HALF,
                               3 * HUGE_PAGE,
                               3 * HUGE_PAGE + 17};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void fill(unsigned char *block, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; i++) block[i] = (unsigned char)((i * 31 + i / SMALL_PAGE + seed) & 255);
}

static void check(const unsigned char *block, size_t size, unsigned seed) {
    for (size_t i = 0; i < size; i++)
        if (block[i] != (unsigned char)((i * 31 + i / SMALL_PAGE + seed) & 255)) fail_msg("byte %zu is lost", i);
}

/* From each size to each other one. */
static void test_blocks_keep_their_bytes(void **state) {
    (void)state;
    for (unsigned from = 0; from < SIZES; from++)
        for (unsigned to = 0; to < SIZES; to++) {
            unsigned char *block = mr_system_alloc(NULL, NULL, 0, sizes[from]);
            assert_non_null(block);
            assert_int_equal((uintptr_t)block % 8, 0);
            fill(block, sizes[from], from);
            block = mr_system_alloc(NULL, block, sizes[from], sizes[to]);
            assert_non_null(block);
            check(block, sizes[from] < sizes[to] ? sizes[from] : sizes[to], from);
            fill(block, sizes[to], to);
            check(block, sizes[to], to);
            assert_null(mr_system_alloc(NULL, block, sizes[to], 0));
        }
}

/* What no machine has is refused, and the block that should have grown stays as it is. */
static void test_too_large(void **state) {
    (void)state;
    for (unsigned i = 0; i < SIZES; i++) {
        unsigned char *block = mr_system_alloc(NULL, NULL, 0, sizes[i]);
        assert_non_null(block);
        fill(block, sizes[i], i);
        assert_null(mr_system_alloc(NULL, block, sizes[i], SIZE_MAX / 2));
        assert_null(mr_system_alloc(NULL, block, sizes[i], SIZE_MAX - 8));
        check(block, sizes[i], i);
        mr_system_alloc(NULL, block, sizes[i], 0);
    }
    assert_null(mr_system_alloc(NULL, NULL, 0, SIZE_MAX));
    assert_null(mr_system_alloc(NULL, NULL, 0, 0));
}

/* An environment without an allocator of its own takes it. */
static void test_environment(void **state) {
    (void)state;
    mr_env *env = mr_env_new(NULL, NULL);
    assert_non_null(env);
    size_t before = mr_env_memory(env);
    unsigned char *block = NULL;
    for (size_t size = 1000; size < 10 * HUGE_PAGE; size *= 3) {
        block = mr_realloc(env, block, size);
        assert_non_null(block);
        memset(block, 7, size);
        assert_true(mr_env_memory(env) >= before + size);
    }
    mr_free(env, block);
    assert_int_equal(mr_env_memory(env), before);
    mr_env_free(env);
}

static void check_zeros(const unsigned char *block, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (block[i]) fail_msg("byte %zu is not zero", i);
}

/* Blocks that are to be filled with zeros are, whatever memory held before. */
static void test_zeros(void **state) {
    (void)state;
    mr_env *env = mr_env_new(NULL, NULL);
    for (unsigned again = 0; again < 3; again++)
        for (unsigned i = 0; i < SIZES; i++) {
            unsigned char *block = mr_calloc(env, sizes[i]), *raw = mr_raw_alloc(env, sizes[i]);
            assert_true(block && raw);
            check_zeros(block, sizes[i]);
            if (mr_raw_zeroes(env, sizes[i])) check_zeros(raw, sizes[i]);
            fill(block, sizes[i], i);
            fill(raw, sizes[i], i);
            mr_free(env, block);
            mr_raw_free(env, raw, sizes[i]);
        }
    mr_env_free(env);
}

/* An arena of some megabytes: each piece is filled with zeros, and is nobody else's. */
static void test_arena(void **state) {
    (void)state;
    enum { N = 100000 };
    mr_env *env = mr_env_new(NULL, NULL);
    unsigned char **pieces = calloc(N, sizeof *pieces);
    for (unsigned again = 0; again < 2; again++) {
        size_t before = mr_env_memory(env), all = 0;
        mr_arena *arena = mr_arena_new(env);
        for (size_t i = 0; i < N; i++, all += i % 113) {
            pieces[i] = mr_arena_alloc(arena, i % 113 + 1);
            assert_non_null(pieces[i]);
            check_zeros(pieces[i], i % 113 + 1);
            fill(pieces[i], i % 113 + 1, (unsigned)i);
        }
        for (size_t i = 0; i < N; i++) check(pieces[i], i % 113 + 1, (unsigned)i);
        assert_true(mr_env_memory(env) - before < all + all / 10 + 2 * HUGE_PAGE);
        mr_arena_free(arena);
        assert_int_equal(mr_env_memory(env), before);
    }
    free(pieces);
    mr_env_free(env);
}

/* A slab over it: no more than two huge pages and a twentieth are lost. */
static void test_slab(void **state) {
    (void)state;
    enum { N = 200000, SIZE = 120 };
    mr_env *env = mr_env_new(NULL, NULL);
    size_t before = mr_env_memory(env);
    mr_slab slab;
    mr_slab_init(&slab, env, MR_SLAB_LARGEST);
    if (mr_slab_holds(&slab, SIZE)) { /* not under an address sanitizer */
        void **blocks = calloc(N, sizeof *blocks);
        for (size_t i = 0; i < N; i++) assert_non_null(blocks[i] = mr_slab_alloc(&slab, SIZE));
        assert_true(mr_env_memory(env) - before < N * SIZE + N * SIZE / 20 + 2 * HUGE_PAGE);
        for (size_t i = 0; i < N; i++) mr_slab_free(&slab, blocks[i], SIZE);
        assert_int_equal(mr_env_memory(env), before);
        free(blocks);
    }
    mr_slab_done(&slab);
    mr_env_free(env);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_keep_their_bytes),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_zeros),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_slab),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
