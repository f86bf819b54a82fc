/*
 * failing_alloc.h: an allocator for tests. It counts the memory that is in use, and fails on demand.
 *
 * Invariant: a block is freed with the size that it was allocated with; otherwise the program aborts.
 *
 *     fa_state fa = FA_INIT;
 *     mr_env *env = fa_env_new(&fa);
 *     ...
 *     mr_env_free(env);
 *     assert_int_equal(fa_live(&fa), 0);
 *
 * Each allocation fails in turn, and an operation that fails leaves nothing behind:
 *
 *     for (size_t n = 1, done = 0; !done; n++) {
 *         fa_arm(&fa, n);                       // allocation number n from now, and all after it
 *         mr_status status = operation(env);
 *         fa_disarm(&fa);
 *         if (status == MR_OK) done = 1;
 *         else assert_int_equal(mr_env_error(env)->kind, MR_ERR_NO_MEMORY);
 *     }
 */
#ifndef MOONROW_SPEC_FAILING_ALLOC_H
#define MOONROW_SPEC_FAILING_ALLOC_H

#include <moonrow/base.h>

#include <stdlib.h>
#include <string.h>

typedef struct fa_state {
    size_t live;    /* bytes in use */
    size_t blocks;  /* blocks in use */
    size_t calls;   /* allocations that were asked for */
    size_t fail_at; /* the number of the call that fails, with all after it; 0: none fails */
    bool once;      /* only that call fails */
} fa_state;

#define FA_INIT                                                                                                        \
    { 0, 0, 0, 0, false }

/* The bytes in front of a block, which hold its size. */
enum { FA_HEADER = 16 };

static inline void *fa_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    fa_state *fa = ud;
    char *old = ptr ? (char *)ptr - FA_HEADER : NULL;
    size_t was = 0;
    if (old) {
        memcpy(&was, old, sizeof was);
        if (was != osize) abort(); /* freed with a wrong size */
    }
    if (nsize == 0) {
        if (old) {
            fa->live -= was;
            fa->blocks--;
            memset(old, 0xDD, was + FA_HEADER);
        }
        free(old);
        return NULL;
    }
    /* Making a block smaller never fails: lua_Alloc demands it. */
    if (nsize > was) {
        fa->calls++;
        if (fa->fail_at && (fa->once ? fa->calls == fa->fail_at : fa->calls >= fa->fail_at)) return NULL;
    }
    char *block = malloc(nsize + FA_HEADER); /* always moves the block, so that tests find pointers to its old place */
    if (!block) return NULL;
    memset(block + FA_HEADER, 0xCD, nsize);
    memcpy(block, &nsize, sizeof nsize);
    if (old) {
        memcpy(block + FA_HEADER, old + FA_HEADER, was < nsize ? was : nsize);
        free(old);
        fa->blocks--;
    }
    fa->blocks++;
    fa->live = fa->live - was + nsize;
    return block + FA_HEADER;
}

/* A new environment that uses the allocator. NULL: the allocation failed. */
static inline mr_env *fa_env_new(fa_state *fa) { return mr_env_new(fa_alloc, fa); }

/* Allocation number n from now fails, and all after it. 1: the next one. */
static inline void fa_arm(fa_state *fa, size_t n) {
    fa->fail_at = fa->calls + n;
    fa->once = false;
}

/* Only allocation number n from now fails. */
static inline void fa_arm_once(fa_state *fa, size_t n) {
    fa->fail_at = fa->calls + n;
    fa->once = true;
}

static inline void fa_disarm(fa_state *fa) { fa->fail_at = 0; }

/* The bytes in use. */
static inline size_t fa_live(const fa_state *fa) { return fa->live; }

#endif
