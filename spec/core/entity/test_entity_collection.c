/*
 * test_entity_collection.c: collections: loaded, loaded in part, changed, merged; and finding items in large ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "entity_fixture.h"

static fixture f;
static mr_entity *parent, *a, *b, *c;

static int open_fixture(void **state) {
    (void)state;
    if (!fx_open(&f)) return -1;
    parent = fx_load(&f, 1, "parent");
    a = fx_load(&f, 2, "a");
    b = fx_load(&f, 3, "b");
    c = fx_load(&f, 4, "c");
    return 0;
}

static int close_fixture(void **state) {
    (void)state;
    return fx_close(&f) ? 0 : -1;
}

static mr_collection *filled(mr_entity *const *items, uint32_t n) {
    mr_collection *col = mr_entity_collection(parent, f.items, false);
    assert_int_equal(mr_collection_fill(col, items, n), MR_OK);
    return col;
}

static void expect_items(mr_entity *const *items, uint32_t n, mr_entity *x, mr_entity *y, mr_entity *z) {
    mr_entity *expected[3] = {x, y, z};
    uint32_t want = z ? 3 : y ? 2 : x ? 1 : 0;
    assert_int_equal(n, want);
    for (uint32_t i = 0; i < n; i++) assert_ptr_equal(items[i], expected[i]);
}

/* Asserts the numbers of added, removed and unchanged items. x: the first added one; y: the first removed one. */
static void expect_changes(mr_collection *col, size_t added, mr_entity *x, size_t removed, mr_entity *y,
                           size_t unchanged) {
    mr_vec v[3];
    for (int i = 0; i < 3; i++) mr_vec_init(&v[i], f.env, sizeof(mr_entity *));
    assert_int_equal(mr_collection_changes(col, &v[0], &v[1], &v[2]), MR_OK);
    assert_int_equal(v[0].len, added);
    assert_int_equal(v[1].len, removed);
    assert_int_equal(v[2].len, unchanged);
    if (x) assert_ptr_equal(mr_vec_ptr(&v[0], 0), x);
    if (y) assert_ptr_equal(mr_vec_ptr(&v[1], 0), y);
    for (int i = 0; i < 3; i++) mr_vec_done(&v[i]);
    assert_false((parent->flags | a->flags | b->flags | c->flags) & (MR_ENTITY_SCRATCH_A | MR_ENTITY_SCRATCH_B));
}

static void of_a_new_object(void **state) {
    (void)state;
    mr_entity *e = mr_entity_new(f.env, f.node);
    mr_collection *col = mr_entity_collection(e, f.items, true);
    assert_ptr_equal(mr_entity_collection(e, f.items, true), col);
    assert_int_equal(mr_collection_insert(col, 0, a), MR_OK);
    assert_int_equal(mr_collection_insert(col, 0, b), MR_OK);
    assert_int_equal(mr_collection_insert(col, 2, a), MR_OK); /* a is in the collection twice */
    expect_changes(col, 2, b, 0, NULL, 0);
    assert_true(mr_collection_changed(col));
    assert_int_equal(f.owner->dirty.len, 0);
    e->state = MR_PERSISTENT;
    mr_entity_accept(e);
    expect_changes(col, 0, NULL, 0, NULL, 2);
    assert_false(mr_collection_changed(col));
}

static void loaded_and_changed(void **state) {
    (void)state;
    mr_entity *rows[] = {a, b};
    mr_collection *col = filled(rows, 2);
    assert_false(mr_collection_changed(col));
    assert_int_equal(f.owner->dirty.len, 0);
    assert_int_equal(mr_collection_insert(col, 1, c), MR_OK);
    assert_int_equal(mr_collection_remove_at(col, 0), MR_OK);
    expect_items(col->items, col->n, c, b, NULL);
    expect_changes(col, 1, c, 1, a, 1);
    assert_true(mr_entity_is_dirty(parent, ITEMS));
    assert_int_equal(f.owner->dirty.len, 1);
    mr_entity_revert(parent);
    expect_items(col->items, col->n, a, b, NULL);
    assert_int_equal(f.owner->dirty.len, 0);
    assert_int_equal(mr_collection_remove_at(col, 1), MR_OK);
    mr_entity_accept(parent);
    expect_changes(col, 0, NULL, 0, NULL, 1);
    assert_false(mr_entity_is_dirty(parent, ITEMS));
}

static void removed_and_put_back(void **state) {
    (void)state;
    mr_entity *rows[] = {a, b};
    mr_collection *col = filled(rows, 2);
    uint32_t version = col->version;
    assert_int_equal(mr_collection_remove_at(col, 1), MR_OK);
    assert_int_equal(mr_collection_insert(col, 1, b), MR_OK);
    assert_int_equal(col->version, version + 2);
    assert_false(mr_collection_changed(col));
    expect_changes(col, 0, NULL, 0, NULL, 2);
    assert_int_equal(mr_collection_remove_at(col, 9), MR_FAIL);
    assert_string_equal(mr_env_error(f.env)->message, "Node.items has no item 10");
}

static void half_known_then_loaded(void **state) {
    (void)state;
    mr_collection *col = mr_entity_collection(parent, f.items, false);
    assert_int_equal(mr_collection_insert(col, 0, c), MR_OK);
    assert_int_equal(mr_collection_note_removed(col, a), MR_OK);
    assert_int_equal(mr_collection_note_removed(col, a), MR_OK);
    expect_changes(col, 1, c, 1, a, 0);
    mr_entity *rows[] = {a, b};
    assert_int_equal(mr_collection_fill(col, rows, 2), MR_OK);
    assert_true(col->loaded);
    expect_items(col->items, col->n, b, c, NULL);
    expect_changes(col, 1, c, 1, a, 1);
    assert_int_equal(f.owner->dirty.len, 1);
}

static void half_known_to_no_effect(void **state) {
    (void)state;
    mr_collection *col = mr_entity_collection(parent, f.items, false);
    assert_int_equal(mr_collection_insert(col, 0, a), MR_OK);
    assert_int_equal(mr_collection_note_removed(col, a), MR_OK); /* this takes back the append */
    assert_int_equal(col->n, 0);
    assert_int_equal(col->nremoved, 0);
    assert_int_equal(mr_collection_note_removed(col, b), MR_OK);
    assert_int_equal(mr_collection_insert(col, 0, b), MR_OK); /* this takes back the removal */
    assert_int_equal(col->nremoved, 0);
    assert_int_equal(mr_collection_insert(col, 0, a), MR_OK);
    mr_entity *rows[] = {a, b};
    assert_int_equal(mr_collection_fill(col, rows, 2), MR_OK); /* a is among the rows that are loaded, too */
    expect_items(col->items, col->n, a, b, NULL);
    assert_false(mr_collection_changed(col));
    assert_false(mr_entity_is_dirty(parent, ITEMS));
    assert_int_equal(f.owner->dirty.len, 0);
}

static void half_known_accepted_and_reverted(void **state) {
    (void)state;
    mr_collection *col = mr_entity_collection(parent, f.items, false);
    assert_int_equal(mr_collection_insert(col, 0, a), MR_OK);
    mr_entity_accept(parent); /* after a flush: the database has items that were never loaded */
    assert_int_equal(col->n, 0);
    assert_false(col->loaded);
    assert_int_equal(mr_collection_note_removed(col, b), MR_OK);
    mr_entity_revert(parent);
    assert_int_equal(col->nremoved, 0);
}

static void filled_again(void **state) {
    (void)state;
    mr_entity *rows[] = {a, b};
    mr_collection *col = filled(rows, 2);
    assert_int_equal(mr_collection_insert(col, 2, c), MR_OK);
    assert_int_equal(mr_collection_fill(col, &rows[1], 1), MR_OK);
    expect_items(col->items, col->n, b, NULL, NULL);
    assert_int_equal(f.owner->dirty.len, 0);
}

/* Finding an item in a large collection gives the same place as a linear search. */
static void large(void **state) {
    (void)state;
    enum { N = 300 };
    mr_entity *all[N];
    mr_collection *col = filled(NULL, 0);
    for (int i = 0; i < N; i++) all[i] = fx_load(&f, 100 + i, NULL);
    uint32_t seed = 5;
    for (int i = 0; i < 4000; i++) {
        seed = seed * 1664525 + 1013904223;
        mr_entity *e = all[(seed >> 10) % N];
        if (col->n < N / 2 || seed >> 31)
            assert_int_equal(mr_collection_insert(col, (seed >> 4) % (col->n + 1), e), MR_OK);
        else assert_int_equal(mr_collection_remove_at(col, (seed >> 4) % col->n), MR_OK);
        const mr_entity *wanted = all[(seed >> 20) % N];
        uint32_t at = mr_collection_find(col, wanted), first = 0;
        while (first < col->n && col->items[first] != wanted) first++;
        if (first == col->n) assert_int_equal(at, UINT32_MAX);
        else assert_ptr_equal(col->items[at], wanted);
    }
    mr_entity_accept(parent);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(of_a_new_object),
        TEST(loaded_and_changed),
        TEST(removed_and_put_back),
        TEST(half_known_then_loaded),
        TEST(half_known_to_no_effect),
        TEST(half_known_accepted_and_reverted),
        TEST(filled_again),
        TEST(large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
