/*
 * entity_world.h: the fixture of entity_fixture.h as a global, opened and closed for each test.
 *
 * Invariant: after each test all memory has been freed.
 */
#ifndef MOONROW_SPEC_ENTITY_WORLD_H
#define MOONROW_SPEC_ENTITY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "entity_fixture.h"

static fixture f;

static inline int open_fixture(void **state) {
    (void)state;
    return fx_open(&f) ? 0 : -1;
}

static inline int close_fixture(void **state) {
    (void)state;
    return fx_close(&f) ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_fixture, close_fixture)

static inline void expect_text(const mr_value *v, const char *s) {
    assert_int_equal(v->kind, MR_TEXT);
    assert_int_equal(v->len, strlen(s));
    assert_memory_equal(v->u.s, s, v->len);
}

static inline void set_text(mr_entity *e, unsigned slot, const char *s) {
    mr_value v = fx_text(s);
    assert_int_equal(mr_entity_set(e, slot, &v), MR_OK);
}

#endif
