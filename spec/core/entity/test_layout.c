/*
 * test_layout.c: how an entity lies in memory: a short header, parts that share a place, and blocks too large for a
 * page.
 */
#include "entity_world.h"

static int released; /* so many origins */

static void release_origin(mr_env *env, void *origin) {
    (void)env;
    (void)origin;
    released++;
}

/* Each page of memory costs time when it is touched first, and a program may have many objects. */
static void header_is_short(void **state) {
    (void)state;
    assert_true(sizeof(mr_entity) <= 64);
    assert_int_equal(sizeof(mr_entity) % sizeof(uint64_t), 0);
}

/* The origin and the committed values share a place: neither takes the other's. */
static void origin_beside_changes(void **state) {
    (void)state;
    static uint64_t origins[2];
    released = 0;
    mr_heap_set_origin_release(f.heap, release_origin);
    mr_entity *e = fx_load(&f, 1, "old");
    assert_null(mr_entity_origin(e));
    mr_entity_set_origin(e, &origins[0]);
    assert_ptr_equal(mr_entity_origin(e), &origins[0]);
    assert_null(mr_entity_history(e));
    set_text(e, NAME, "new");
    assert_ptr_equal(mr_entity_origin(e), &origins[0]);
    expect_text(mr_entity_committed(e, NAME), "old");
    mr_entity_set_origin(e, &origins[1]);
    expect_text(mr_entity_committed(e, NAME), "old");
    mr_value more = mr_int_value(7);
    for (unsigned slot = 0; slot < NODE_SLOTS; slot++) /* the history becomes larger */
        if (slot == ID || slot == NEXT || slot == OTHER) assert_int_equal(mr_entity_set(e, slot, &more), MR_OK);
    assert_ptr_equal(mr_entity_origin(e), &origins[1]);
    mr_entity_accept(e);
    assert_null(mr_entity_history(e));
    assert_ptr_equal(mr_entity_origin(e), &origins[1]);
    set_text(e, NAME, "newer");
    mr_entity_set_origin(e, NULL);
    assert_null(mr_entity_origin(e));
    mr_entity_set_origin(e, &origins[0]);
    mr_entity_revert(e);
    expect_text(mr_entity_slot(e, NAME), "new");
    assert_ptr_equal(mr_entity_origin(e), &origins[0]);
    mr_entity_unhold(e);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 0);
    assert_int_equal(released, 1);
}

/* A change that finds no memory leaves the origin where it was. */
static void origin_without_memory(void **state) {
    (void)state;
    static uint64_t origin;
    mr_entity *e = fx_load(&f, 1, "old");
    mr_entity_set_origin(e, &origin);
    mr_value v = fx_text("a text that is longer than its room");
    for (size_t at = 1;; at++) {
        fa_arm(&f.fa, at);
        mr_status status = mr_entity_set(e, NAME, &v);
        fa_disarm(&f.fa);
        assert_ptr_equal(mr_entity_origin(e), &origin);
        if (status == MR_OK) break;
        assert_null(mr_entity_history(e));
        expect_text(mr_entity_slot(e, NAME), "old");
        mr_env_clear_error(f.env);
    }
    expect_text(mr_entity_committed(e, NAME), "old");
}

/* A key of text lies in the object's block, or in one of its own; both are found, and both are given back. */
static void keys_of_text(void **state) {
    (void)state;
    mr_strbuf buf;
    mr_value identity, back[2], key[2] = {fx_text(""), mr_int_value(1)};
    mr_strbuf_init(&buf, f.env);
    size_t before = mr_heap_bytes(f.heap);
    for (int round = 0; round < 2; round++) {
        assert_true(mr_identity_make(f.pair, key, &buf, &identity));
        mr_entity *loaded = mr_entity_load(f.owner, f.pair, &identity, key, 2);
        key[1].u.i++;
        assert_true(mr_identity_make(f.pair, key, &buf, &identity));
        mr_entity *made = mr_entity_new(f.env, f.pair);
        assert_false(mr_entity_has_identity(made));
        assert_int_equal(mr_entity_set_identity(made, &identity), MR_OK);
        assert_true(mr_entity_has_identity(made));
        mr_entity_key(made, back);
        expect_text(&back[0], round ? "a longer word" : "");
        assert_int_equal(back[1].u.i, key[1].u.i);
        mr_entity_key(loaded, back);
        expect_text(&back[0], round ? "a longer word" : "");
        assert_int_equal(back[1].u.i, key[1].u.i - 1);
        assert_int_equal(mr_idmap_rename(f.owner->idmap, loaded, &identity), MR_OK);
        assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.pair, &identity), loaded);
        mr_value none = mr_value_of(MR_UNLOADED, 0);
        assert_int_equal(mr_entity_set_identity(made, &none), MR_OK);
        assert_false(mr_entity_has_identity(made));
        key[0] = fx_text("a longer word");
    }
    mr_strbuf_done(&buf);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 0);
    assert_int_equal(mr_heap_bytes(f.heap), before);
}

/* Blocks on both sides of the largest that a page holds. */
static void blocks_of_all_sizes(void **state) {
    (void)state;
    static char text[5000];
    memset(text, 'x', sizeof text);
    size_t before = mr_heap_bytes(f.heap), bytes = 0;
    for (unsigned len = 0; len<sizeof text; len += len> 700 && len < 1000 ? 1 : 97) {
        mr_value identity = mr_int_value(len), row[2] = {identity, mr_text_value(text, len)};
        mr_entity *e = mr_entity_load(f.owner, f.node, &identity, row, 2);
        assert_non_null(e);
        assert_int_equal(mr_entity_slot(e, NAME)->len, len);
        assert_memory_equal(mr_entity_slot(e, NAME)->u.s, text, len);
        size_t now = mr_heap_bytes(f.heap) - before;
        assert_in_range(now - bytes, len, len + sizeof *e + (NODE_SLOTS + 1) * sizeof(mr_value));
        bytes = now;
        if (len % 2) mr_entity_pin(e);
    }
    mr_heap_trace(f.heap, 0);
    assert_in_range(mr_heap_bytes(f.heap) - before, 1, bytes - 1);
    size_t cursor = 0;
    for (mr_entity *e; (e = mr_idmap_next(f.owner->idmap, &cursor));) mr_entity_unpin(e);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_bytes(f.heap), before);
}

/* Objects that refer to no others need no place on the stack of a trace, however many are reached. */
static void marking_needs_little_memory(void **state) {
    (void)state;
    enum { MANY = 20000 };
    for (int i = 0; i < MANY; i++) mr_entity_pin(fx_load(&f, i, "name"));
    size_t live = fa_live(&f.fa);
    mr_heap_set_step(f.heap, 1);
    for (size_t most = live; !mr_heap_trace(f.heap, 1); most = fa_live(&f.fa)) assert_in_range(most, live, live + 4096);
    mr_heap_set_step(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), MANY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(header_is_short), TEST(origin_beside_changes), TEST(origin_without_memory),
        TEST(keys_of_text),    TEST(blocks_of_all_sizes),   TEST(marking_needs_little_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
