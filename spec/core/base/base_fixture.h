/*
 * base_fixture.h: what the tests of the base layer share: an environment whose allocator counts, and can fail.
 *
 * Invariant: after each test all memory has been given back, and the environment has counted it correctly.
 */
#ifndef MOONROW_SPEC_BASE_FIXTURE_H
#define MOONROW_SPEC_BASE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "failing_alloc.h"

typedef struct base_fixture {
    fa_state fa;
    mr_env *env;
} base_fixture;

static inline int base_setup(void **state) {
    base_fixture *f = calloc(1, sizeof *f);
    if (!f) return -1;
    f->env = fa_env_new(&f->fa);
    *state = f;
    return f->env ? 0 : -1;
}

/* Fails the test if memory was lost, or counted wrongly. */
static inline int base_teardown(void **state) {
    base_fixture *f = *state;
    fa_disarm(&f->fa);
    int wrong = mr_env_memory(f->env) != fa_live(&f->fa);
    mr_env_free(f->env);
    wrong |= fa_live(&f->fa) != 0;
    free(f);
    return wrong ? -1 : 0;
}

/* The environment and the allocator of the test. */
static inline mr_env *env_of(void **state) { return ((base_fixture *)*state)->env; }
static inline fa_state *fa_of(void **state) { return &((base_fixture *)*state)->fa; }

#define BASE_TEST(name) cmocka_unit_test_setup_teardown(name, base_setup, base_teardown)

#endif
