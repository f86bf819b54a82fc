/*
 * test_slab.c: the pages that hold the entities' blocks, compared with a model that knows each block and its bytes.
 *
 * Under an address sanitizer each block comes from the allocator: then chunks are not tested.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <moonrow/base.h>
#include "failing_alloc.h"

enum { MOST = 20000, STEPS = 200000, LARGE = MR_SLAB_LARGEST * 3 };

typedef struct block {
    unsigned char *at;
    size_t size;
    unsigned char mark; /* the value of all its bytes */
} block;

typedef struct world {
    fa_state fa;
    mr_env *env;
    mr_slab slab;
    size_t before; /* bytes in use before the first block */
    uint64_t seed;
    block blocks[MOST];
    size_t n;
} world;

static uint32_t roll(world *w, uint32_t n) {
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->seed >> 33) % n;
}

static bool is_paged(const world *w) { return mr_slab_holds(&w->slab, 1); }

static world *open_world(uint64_t seed) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->seed = seed;
    w->env = fa_env_new(&w->fa);
    assert_non_null(w->env);
    w->before = fa_live(&w->fa);
    mr_slab_init(&w->slab, w->env, MR_SLAB_LARGEST);
    return w;
}

static void close_world(world *w) {
    mr_env_free(w->env);
    assert_int_equal(fa_live(&w->fa), 0);
    free(w);
}

/* ---------------------------------------------------------------- blocks */

static bool add(world *w, size_t size) {
    unsigned char *at = mr_slab_alloc(&w->slab, size);
    if (!at) return false;
    assert_int_equal((uintptr_t)at % 8, 0);
    block *b = &w->blocks[w->n++];
    *b = (block){at, size, (unsigned char)roll(w, 256)};
    memset(at, b->mark, size);
    return true;
}

static void check(const block *b) {
    for (size_t i = 0; i < b->size; i++)
        if (b->at[i] != b->mark) fail_msg("a block of %zu bytes was written over at %zu", b->size, i);
}

static void drop(world *w, size_t i) {
    block b = w->blocks[i];
    check(&b);
    w->blocks[i] = w->blocks[--w->n];
    mr_slab_free(&w->slab, b.at, b.size);
}

static int by_address(const void *a, const void *b) {
    const unsigned char *x = ((const block *)a)->at, *y = ((const block *)b)->at;
    return (x > y) - (x < y);
}

static void check_all(world *w) {
    qsort(w->blocks, w->n, sizeof *w->blocks, by_address);
    for (size_t i = 0; i < w->n; i++) {
        check(&w->blocks[i]);
        if (i > 0) assert_true(w->blocks[i - 1].at + w->blocks[i - 1].size <= w->blocks[i].at);
    }
}

/* Mostly one of a few sizes, as in a program, and sometimes any size. */
static size_t some_size(world *w) {
    static const size_t usual[] = {
        1, 16, 17, 144, 176, 177, 240, MR_SLAB_LARGEST - 1, MR_SLAB_LARGEST, MR_SLAB_LARGEST + 1};
    if (roll(w, 4) > 0) return usual[roll(w, sizeof usual / sizeof *usual)];
    return 1 + roll(w, LARGE);
}

/* ---------------------------------------------------------------- tests */

static void test_random(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        world *w = open_world(seed);
        /* The percentage of steps that add a block. It changes, so that the number of blocks rises and falls. */
        uint32_t adds = 60;
        for (size_t step = 0; step < STEPS; step++) {
            if (step % 20000 == 0) {
                adds = adds > 50 ? 35 : 65;
                check_all(w);
            }
            if (w->n < MOST && roll(w, 100) < adds) assert_true(add(w, some_size(w)));
            else if (w->n > 0) drop(w, roll(w, (uint32_t)w->n));
        }
        check_all(w);
        while (w->n > 0) drop(w, roll(w, (uint32_t)w->n));
        assert_int_equal(fa_live(&w->fa), w->before);
        mr_slab_done(&w->slab);
        close_world(w);
    }
}

/* mr_slab_done frees all pages at once. Larger blocks, which are in no page, are freed one by one. */
static void test_done_frees_all_pages(void **state) {
    (void)state;
    world *w = open_world(7);
    for (size_t i = 0; i < 10000; i++) add(w, some_size(w));
    for (size_t i = w->n; i-- > 0;)
        if (!mr_slab_holds(&w->slab, w->blocks[i].size)) drop(w, i);
    check_all(w);
    mr_slab_done(&w->slab);
    assert_int_equal(fa_live(&w->fa), w->before);
    w->n = 0;
    assert_true(add(w, 100)); /* the slab can be used again */
    drop(w, 0);
    mr_slab_done(&w->slab);
    close_world(w);
}

/* An empty page is used for blocks of another size. A chunk is freed with its last used page. */
static void test_pages_change_size(void **state) {
    (void)state;
    world *w = open_world(8);
    for (size_t i = 0; i < MOST; i++) assert_true(add(w, 64));
    size_t live = fa_live(&w->fa);
    /* One block in a hundred stays: so most pages stay. */
    for (size_t i = w->n; i-- > 0;)
        if (roll(w, 100) > 0) drop(w, i);
    check_all(w);
    while (w->n > 0) drop(w, w->n - 1);
    assert_int_equal(fa_live(&w->fa), w->before);
    for (size_t i = 0; i < MOST / 4; i++) assert_true(add(w, 256));
    if (is_paged(w)) assert_true(fa_live(&w->fa) <= live + live / 8);
    while (w->n > 0) drop(w, 0);
    assert_int_equal(fa_live(&w->fa), w->before);
    close_world(w);
}

/* A new block takes the place of the one that was freed last: memory does not grow. */
static void test_one_block_again_and_again(void **state) {
    (void)state;
    world *w = open_world(9);
    for (size_t i = 0; i < 5000; i++) assert_true(add(w, 200));
    size_t live = fa_live(&w->fa);
    for (size_t i = 0; i < 20000; i++) {
        drop(w, roll(w, (uint32_t)w->n));
        assert_true(add(w, 200));
    }
    assert_int_equal(fa_live(&w->fa), live);
    while (w->n > 0) drop(w, 0);
    close_world(w);
}

/* The pages waste little memory: between the blocks, in their heads, and at the ends of chunks. */
static void test_little_is_lost(void **state) {
    (void)state;
    for (size_t size = 8; size <= MR_SLAB_LARGEST; size += 8) {
        world *w = open_world(size);
        if (!is_paged(w)) {
            close_world(w);
            skip();
        }
        for (size_t i = 0; i < MOST; i++) assert_true(add(w, size));
        size_t used = fa_live(&w->fa) - w->before;
        assert_true(used < MOST * size + MOST * size / 5 + 1024 * 1024);
        if (size <= 256) assert_true(used < MOST * size + MOST * size / 12 + 1024 * 1024);
        mr_slab_done(&w->slab);
        close_world(w);
    }
}

/* If no chunk can be allocated, there is no block and nothing changes. When there is memory again, all works. */
static void test_without_memory(void **state) {
    (void)state;
    world *w = open_world(10);
    size_t failed = 0;
    for (size_t step = 0; step < STEPS / 4; step++) {
        if (w->n < MOST && roll(w, 100) < 55) {
            bool fails = roll(w, 10) == 0;
            size_t live = fa_live(&w->fa);
            if (fails) fa_arm(&w->fa, 1);
            bool made = add(w, some_size(w));
            fa_disarm(&w->fa);
            if (!made) {
                failed++;
                assert_true(fails);
                assert_int_equal(fa_live(&w->fa), live);
                assert_int_equal(mr_env_error(w->env)->kind, MR_ERR_NO_MEMORY);
            }
            mr_env_clear_error(w->env);
        } else if (w->n > 0) {
            drop(w, roll(w, (uint32_t)w->n));
        }
    }
    assert_true(failed > 10);
    check_all(w);
    while (w->n > 0) drop(w, 0);
    assert_int_equal(fa_live(&w->fa), w->before);
    close_world(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_done_frees_all_pages),
        cmocka_unit_test(test_pages_change_size),
        cmocka_unit_test(test_one_block_again_and_again),
        cmocka_unit_test(test_little_is_lost),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
