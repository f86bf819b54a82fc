/*
 * failing_alloc.h: an allocator for tests: it counts what lives, proves that each block is given
 * back with the size it was made with, and fails on demand.
 *
 *     fa_state fa = FA_INIT;
 *     mr_env *env = fa_env_new(&fa);
 *     ...
 *     mr_env_free(env);
 *     assert_int_equal(fa_live(&fa), 0);
 *
 * Every allocation failing in turn (an operation that fails at N leaves nothing behind):
 *
 *     for (size_t n = 1, done = 0; !done; n++) {
 *         fa_arm(&fa, n);                       // the nth allocation from now, and all after it
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
    size_t live;    /* bytes allocated and not given back */
    size_t blocks;  /* the same, in blocks */
    size_t calls;   /* allocations asked for so far */
    size_t fail_at; /* the call that fails, with all after it; 0 for none */
    bool once;      /* only that call fails */
} fa_state;

#define FA_INIT                                                                                                        \
    { 0, 0, 0, 0, false }

/* Sixteen bytes in front of a block, where its size is kept for the proof. */
enum { FA_HEADER = 16 };

static inline void *fa_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    fa_state *fa = ud;
    char *old = ptr ? (char *)ptr - FA_HEADER : NULL;
    size_t was = 0;
    if (old) {
        memcpy(&was, old, sizeof was);
        if (was != osize) abort(); /* a block given back with another size than it has */
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
    /* As realloc may, a shrinking block never fails: lua_Alloc's rule. */
    if (nsize > was) {
        fa->calls++;
        if (fa->fail_at && (fa->once ? fa->calls == fa->fail_at : fa->calls >= fa->fail_at)) return NULL;
    }
    char *block = malloc(nsize + FA_HEADER); /* always moves, so that stale pointers are found */
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

/* An environment on this allocator, or NULL when it is armed and fails. */
static inline mr_env *fa_env_new(fa_state *fa) { return mr_env_new(fa_alloc, fa); }

/* From now on the nth allocation fails, and all after it (1: the next one). */
static inline void fa_arm(fa_state *fa, size_t n) {
    fa->fail_at = fa->calls + n;
    fa->once = false;
}

/* Only the nth allocation from now fails. */
static inline void fa_arm_once(fa_state *fa, size_t n) {
    fa->fail_at = fa->calls + n;
    fa->once = true;
}

static inline void fa_disarm(fa_state *fa) { fa->fail_at = 0; }

/* Bytes that live now. */
static inline size_t fa_live(const fa_state *fa) { return fa->live; }

#endif
