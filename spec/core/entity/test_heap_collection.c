/*
 * test_heap_collection.c: a collection is reverted while an incremental trace runs.
 *
 * Invariant: all its items stay alive, whatever part of it the trace has seen before.
 */
#include "entity_world.h"

enum { ITEMS_OF_ONE = 9, STEP = 2, MOST_STEPS = 40 };

/* A pinned parent. Its collection is loaded and has the items 2, 3, ... */
static mr_entity *parent_of_many(mr_collection **out) {
    mr_entity *parent = mr_entity_pin(fx_load(&f, 1, NULL)), *items[ITEMS_OF_ONE];
    for (int i = 0; i < ITEMS_OF_ONE; i++) items[i] = fx_load(&f, i + 2, NULL);
    *out = mr_entity_collection(parent, f.items, true);
    assert_int_equal(mr_collection_fill(*out, items, ITEMS_OF_ONE), MR_OK);
    return parent;
}

/* Runs some small steps of a new trace. False: the trace ended before that. */
static bool trace_some(int steps) {
    mr_heap_set_step(f.heap, STEP);
    for (int i = 0; i < steps; i++)
        if (mr_heap_trace(f.heap, 1)) return false;
    return true;
}

static void finish_trace(void) {
    mr_heap_set_step(f.heap, 0);
    assert_true(mr_heap_trace(f.heap, 0));
}

static void take_away_all(mr_collection *c) {
    while (c->n > 0) assert_int_equal(mr_collection_remove_at(c, c->n - 1), MR_OK);
}

/* All items were removed: only the committed array holds them. The trace may have seen a part of that array. The revert
 * frees the array before the trace sees the rest. */
static void reverted_when_emptied(void **state) {
    (void)state;
    int reverted_while_tracing = 0;
    for (int steps = 1; steps < MOST_STEPS; steps++) {
        mr_collection *c;
        mr_entity *parent = parent_of_many(&c);
        take_away_all(c);
        if (trace_some(steps)) reverted_while_tracing++;
        mr_entity_revert(parent);
        finish_trace();
        assert_int_equal(mr_heap_count(f.heap), 1 + ITEMS_OF_ONE);
        c = mr_entity_collection(parent, f.items, true);
        assert_int_equal(c->n, ITEMS_OF_ONE);
        for (uint32_t i = 0; i < c->n; i++) assert_int_equal(mr_entity_identity(c->items[i]).u.i, i + 2);
        mr_entity_unpin(parent);
        mr_heap_trace(f.heap, 0);
        assert_int_equal(mr_heap_count(f.heap), 0);
    }
    assert_true(reverted_while_tracing > ITEMS_OF_ONE / STEP);
}

int main(void) {
    const struct CMUnitTest tests[] = {TEST(reverted_when_emptied)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
