/*
 * test_heap.c: what keeps an entity alive, what a proxy of a freed entity gives, and when the trace runs.
 *
 * Invariant: the trace needs no memory, and no C stack for long chains.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "entity_fixture.h"

static fixture f;

/* The state of the collector of Lua, which this test plays. */
typedef struct host {
    uint32_t proxy; /* the only slot that has a proxy */
    bool ended, stopped;
    int full, freed;
} host;
static host the_host;

static void proxies(void *ud, uint32_t chunk, uint64_t bits[4]) {
    const host *h = ud;
    if (h->proxy && h->proxy / 256 == chunk) bits[h->proxy % 256 / 64] |= UINT64_C(1) << h->proxy % 64;
}

static bool cycle_ended(void *ud) {
    host *h = ud;
    bool ended = h->ended;
    h->ended = false;
    return ended;
}

static void full_collection(void *ud) { ((host *)ud)->full++; }
static bool collector_stopped(void *ud) { return ((host *)ud)->stopped; }

static void freed(void *ud, const mr_entity *e) {
    (void)e;
    ((host *)ud)->freed++;
}

static int open_fixture(void **state) {
    (void)state;
    if (!fx_open(&f)) return -1;
    memset(&the_host, 0, sizeof the_host);
    mr_heap_hooks hooks = {&the_host, proxies, cycle_ended, full_collection, collector_stopped, freed};
    mr_heap_set_hooks(f.heap, &hooks);
    return 0;
}

static int close_fixture(void **state) {
    (void)state;
    return fx_close(&f) ? 0 : -1;
}

static void link_to(mr_entity *from, unsigned slot, mr_entity *to) {
    mr_value v = fx_entity(to);
    assert_int_equal(mr_entity_put(from, slot, &v, true), MR_OK);
}

static void roots(void **state) {
    (void)state;
    mr_entity *pinned = mr_entity_pin(fx_load(&f, 1, NULL)), *held = fx_load(&f, 2, NULL);
    mr_entity *proxied = fx_load(&f, 3, NULL), *reached = fx_load(&f, 4, NULL);
    fx_load(&f, 5, "lost");
    mr_entity_hold(held);
    the_host.proxy = proxied->heap_slot;
    link_to(proxied, NEXT, reached);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 4);
    assert_int_equal(the_host.freed, 1);
    assert_int_equal(mr_idmap_count(f.owner->idmap), 4);
    mr_entity_unpin(pinned);
    mr_entity_unhold(held);
    the_host.proxy = 0;
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 0);
    assert_int_equal(mr_heap_bytes(f.heap), 0);
}

static void cycles_are_freed(void **state) {
    (void)state;
    mr_entity *a = fx_load(&f, 1, NULL), *b = fx_load(&f, 2, NULL);
    link_to(a, NEXT, b);
    assert_int_equal(mr_collection_insert(mr_entity_collection(b, f.items, true), 0, a), MR_OK);
    mr_entity_accept(b);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 0);
}

static void expired_slots_are_no_edges(void **state) {
    (void)state;
    mr_entity *a = mr_entity_pin(fx_load(&f, 1, NULL));
    link_to(a, NEXT, fx_load(&f, 2, NULL));
    f.owner->generation++;
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 1);
    assert_int_equal(mr_entity_slot(a, NEXT)->kind, MR_UNLOADED);
    mr_entity_unpin(a);
}

static void stale_proxies_get_nothing(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, NULL);
    uint32_t slot = e->heap_slot, generation = mr_heap_generation(f.heap, slot);
    assert_int_not_equal(slot, 0);
    assert_ptr_equal(mr_heap_get(f.heap, slot, generation), e);
    mr_heap_trace(f.heap, 0);
    assert_null(mr_heap_get(f.heap, slot, generation));
    mr_entity *next = fx_load(&f, 2, NULL);
    assert_int_equal(next->heap_slot, slot);
    assert_null(mr_heap_get(f.heap, slot, generation));
    assert_ptr_equal(mr_heap_get(f.heap, slot, generation + 1), next);
    assert_null(mr_heap_get(f.heap, 0, 0));
    assert_null(mr_heap_get(f.heap, 12345, 1));
}

static void white_gives_way_while_sweeping(void **state) {
    (void)state;
    for (int i = 0; i < 300; i++) fx_load(&f, i, NULL);
    mr_value id = mr_int_value(299);
    mr_entity *old = mr_idmap_get(f.owner->idmap, f.node, &id);
    uint32_t slot = old->heap_slot, generation = mr_heap_generation(f.heap, slot);
    mr_heap_set_step(f.heap, 64);
    while (mr_heap_count(f.heap) == 300) assert_false(mr_heap_trace(f.heap, 1));
    assert_null(mr_idmap_get(f.owner->idmap, f.node, &id));
    assert_null(mr_heap_get(f.heap, slot, generation));
    mr_entity *made = mr_entity_pin(fx_load(&f, 299, "again"));
    assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.node, &id), made);
    mr_heap_set_step(f.heap, 0);
    assert_true(mr_heap_trace(f.heap, 0));
    assert_int_equal(mr_heap_count(f.heap), 1);
    assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.node, &id), made);
    mr_entity_unpin(made);
}

/* A million entities, each of which refers to the next: the trace does not use the C stack. */
static void long_chain(void **state) {
    (void)state;
    enum { N = 1000000 };
    mr_env *env = mr_env_new(NULL, NULL); /* without the counting allocator, which would be slow */
    mr_registry *registry = mr_registry_new(env, mr_metadata_new(env));
    mr_mapper *m = mr_mapper_new(registry, "Link", NULL);
    mr_mapper_add_column(m, "id", fx_column(env, MR_TYPE_INTEGER, true));
    mr_mapper_add_property(m, "next", MR_PROPERTY_RELATIONSHIP);
    assert_int_equal(mr_mapper_finish(m, NULL, "link", NULL, NULL, NULL), MR_OK);
    mr_heap *heap = mr_heap_of(env);
    mr_entity *first = mr_entity_pin(mr_entity_new(env, m)), *last = first;
    for (int i = 1; i < N; i++) {
        mr_entity *next = mr_entity_new(env, m);
        mr_value v = fx_entity(next);
        mr_entity_set(last, 1, &v);
        last = next;
    }
    mr_heap_trace(heap, 0);
    assert_int_equal(mr_heap_count(heap), N);
    mr_entity_unpin(first);
    mr_heap_trace(heap, 0);
    assert_int_equal(mr_heap_count(heap), 0);
    mr_env_free(env);
}

/* One entity refers to more entities than the gray stack has room for, while no memory can be allocated. */
static void trace_without_memory(void **state) {
    (void)state;
    enum { N = 3000 };
    mr_entity *root = mr_entity_pin(mr_entity_new(f.env, f.node));
    mr_collection *c = mr_entity_collection(root, f.items, true);
    for (uint32_t i = 0; i < N; i++) {
        mr_entity *item = mr_entity_new(f.env, f.node);
        link_to(item, NEXT, mr_entity_new(f.env, f.node));
        assert_int_equal(mr_collection_insert(c, i, item), MR_OK);
    }
    mr_entity_new(f.env, f.node);
    mr_fail(f.env, MR_ERR_ARGUMENT, "on its way to the caller");
    fa_arm(&f.fa, 1);
    mr_heap_trace(f.heap, 0);
    fa_disarm(&f.fa);
    assert_int_equal(mr_heap_count(f.heap), 1 + 2 * N);
    assert_string_equal(mr_env_error(f.env)->message, "on its way to the caller");
    mr_entity_unpin(root);
}

/* ---------------------------------------------------------------- when */

/* Makes garbage of so many bytes. */
static void litter(size_t bytes) {
    static char text[10000];
    mr_value v = mr_text_value(text, sizeof text);
    size_t until = mr_heap_bytes(f.heap) + bytes;
    while (mr_heap_bytes(f.heap) < until)
        assert_int_equal(mr_entity_set(mr_entity_new(f.env, f.node), NAME, &v), MR_OK);
}

static void pulse_until_traced(void) {
    size_t n = mr_heap_count(f.heap);
    for (int i = 0; i < 1000 && mr_heap_count(f.heap) == n; i++) mr_heap_pulse(f.heap);
    for (int i = 0; i < 1000; i++) mr_heap_pulse(f.heap);
}

static void pulse_waits_for_a_cycle(void **state) {
    (void)state;
    the_host.ended = true; /* before the threshold is reached: it does not count */
    litter(1200000);
    for (int i = 0; i < 10; i++) mr_heap_pulse(f.heap);
    assert_int_equal(the_host.freed, 0);
    the_host.ended = true;
    pulse_until_traced();
    assert_int_equal(mr_heap_count(f.heap), 0);
    assert_int_equal(the_host.full, 0);
}

static void pulse_forces_a_cycle_at_twice_the_threshold(void **state) {
    (void)state;
    litter(2300000);
    mr_heap_pulse(f.heap); /* now the heap waits for the end of a collection */
    pulse_until_traced();
    assert_int_equal(the_host.full, 1);
    assert_int_equal(mr_heap_count(f.heap), 0);
}

static void threshold_follows_what_lives(void **state) {
    (void)state;
    litter(900000);
    mr_entity *kept[100];
    size_t n = 0;
    for (uint32_t slot = 1; slot < 80; slot++) kept[n++] = mr_entity_pin(mr_heap_get(f.heap, slot, 1));
    litter(500000);
    the_host.ended = false;
    mr_heap_pulse(f.heap);
    the_host.ended = true;
    pulse_until_traced();
    assert_int_equal(mr_heap_count(f.heap), n);
    litter(700000); /* less than twice the 800 kB that are in use */
    the_host.ended = true;
    for (int i = 0; i < 10; i++) mr_heap_pulse(f.heap);
    assert_true(mr_heap_count(f.heap) > n);
    while (n > 0) mr_entity_unpin(kept[--n]);
}

static void never_while_stopped_or_blocked(void **state) {
    (void)state;
    litter(3000000);
    the_host.stopped = true;
    for (int i = 0; i < 10; i++) mr_heap_pulse(f.heap);
    the_host.stopped = false;
    mr_heap_block(f.heap);
    mr_heap_set_stress(f.heap, true);
    for (int i = 0; i < 10; i++) mr_heap_pulse(f.heap);
    assert_false(mr_heap_trace(f.heap, 0));
    assert_int_equal(the_host.freed, 0);
    mr_heap_unblock(f.heap);
    mr_heap_pulse(f.heap); /* under stress a pulse traces everything */
    assert_int_equal(mr_heap_count(f.heap), 0);
}

static int origins_released;

static void release_origin(mr_env *env, void *origin) {
    (void)env;
    (void)origin;
    origins_released++;
}

static void origin_is_released(void **state) {
    (void)state;
    origins_released = 0;
    mr_heap_set_origin_release(f.heap, release_origin);
    mr_entity_set_origin(fx_load(&f, 1, NULL), &origins_released);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(origins_released, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(roots),
        TEST(cycles_are_freed),
        TEST(expired_slots_are_no_edges),
        TEST(stale_proxies_get_nothing),
        TEST(white_gives_way_while_sweeping),
        TEST(long_chain),
        TEST(trace_without_memory),
        TEST(pulse_waits_for_a_cycle),
        TEST(pulse_forces_a_cycle_at_twice_the_threshold),
        TEST(threshold_follows_what_lives),
        TEST(never_while_stopped_or_blocked),
        TEST(origin_is_released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
