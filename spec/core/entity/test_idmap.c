/*
 * test_idmap.c: the identity map: compared with a model, its use of memory, without memory, and closed.
 */
#include "entity_world.h"

#include <stdio.h>

/* A transient object with an identity, in the fixture's owner but not in its map. */
static mr_entity *make(int64_t id) {
    mr_entity *e = mr_entity_new(f.env, f.node);
    mr_value identity = mr_int_value(id);
    assert_non_null(e);
    assert_int_equal(mr_entity_set_identity(e, &identity), MR_OK);
    e->owner = mr_owner_retain(f.owner);
    return e;
}

static mr_entity *get(int64_t id) {
    mr_value identity = mr_int_value(id);
    return mr_idmap_get(f.owner->idmap, f.node, &identity);
}

static size_t count_walk(void) {
    size_t cursor = 0, n = 0;
    while (mr_idmap_next(f.owner->idmap, &cursor)) n++;
    return n;
}

/* ---------------------------------------------------------------- against a model */

enum { KEYS = 3000, ROUNDS = 60 };

static int64_t key_of(int pattern, int k) {
    static const int64_t factors[] = {1, 7, 64, 1000, INT64_C(1) << 20, -3};
    return (int64_t)k * factors[pattern] + pattern;
}

/* Keys in order, with gaps, far apart and negative are put and removed in order, backwards and at random. */
static void like_a_model(void **state) {
    (void)state;
    static mr_entity *all[KEYS];
    static bool there[KEYS];
    uint32_t seed = 5;
    for (int pattern = 0; pattern < 6; pattern++) {
        size_t count = 0;
        for (int k = 0; k < KEYS; k++) all[k] = make(key_of(pattern, k));
        memset(there, 0, sizeof there);
        for (int round = 0; round < ROUNDS; round++) {
            bool putting = round % 2 == 0;
            for (int i = 0; i < KEYS; i++) {
                int k = round % 3 == 0 ? i : round % 3 == 1 ? KEYS - 1 - i : (int)((seed >> 8) % KEYS);
                seed = seed * 1664525 + 1013904223;
                if (seed >> 30 == 0 || there[k] == putting) continue;
                if (putting) assert_int_equal(mr_idmap_put(f.owner->idmap, all[k]), MR_OK);
                else mr_idmap_remove(f.owner->idmap, all[k]);
                there[k] = putting;
                count = putting ? count + 1 : count - 1;
            }
            assert_int_equal(mr_idmap_count(f.owner->idmap), count);
            assert_int_equal(count_walk(), count);
            for (int k = 0; k < KEYS; k++) assert_ptr_equal(get(key_of(pattern, k)), there[k] ? all[k] : NULL);
        }
        for (int k = 0; k < KEYS; k++) mr_idmap_remove(f.owner->idmap, all[k]);
        assert_int_equal(count_walk(), 0);
    }
}

/* Objects of different classes may have the same key. */
static void classes_do_not_meet(void **state) {
    (void)state;
    enum { CLASSES = 20, EACH = 200 };
    static mr_entity *all[CLASSES][EACH];
    for (int c = 0; c < CLASSES; c++) {
        char name[24];
        snprintf(name, sizeof name, "Class%d", c);
        mr_mapper *m = mr_mapper_new(f.registry, name, NULL);
        mr_mapper_add_column(m, "id", fx_column(f.env, MR_TYPE_INTEGER, true));
        assert_int_equal(mr_mapper_finish(m, NULL, name, NULL, NULL, NULL), MR_OK);
        for (int k = 0; k < EACH; k++) {
            mr_value id = mr_int_value(k);
            assert_non_null(all[c][k] = mr_entity_load(f.owner, m, &id, &id, 1));
        }
    }
    for (int c = 0; c < CLASSES; c++) {
        for (int k = 0; k < EACH; k++) {
            mr_value id = mr_int_value(k);
            assert_ptr_equal(mr_idmap_get(f.owner->idmap, all[c][k]->mapper, &id), all[c][k]);
        }
    }
}

/* ---------------------------------------------------------------- memory */

/* The size of the table depends on how many objects are in it, not on how many there have been. */
static void does_not_grow_with_those_that_left(void **state) {
    (void)state;
    enum { AT_ONCE = 500, ALL = 40000 };
    static mr_entity *ring[AT_ONCE];
    size_t live = 0;
    for (int i = 0; i < ALL; i++) {
        if (i >= AT_ONCE) {
            mr_idmap_remove(f.owner->idmap, ring[i % AT_ONCE]);
            mr_entity_unpin(ring[i % AT_ONCE]);
        }
        ring[i % AT_ONCE] = mr_entity_pin(fx_load(&f, i, NULL));
        if (i % AT_ONCE) continue;
        mr_heap_trace(f.heap, 0);
        if (i == 10 * AT_ONCE) live = fa_live(&f.fa);
        else if (live > 0) assert_true(fa_live(&f.fa) <= live);
    }
    assert_int_equal(mr_idmap_count(f.owner->idmap), AT_ONCE);
}

/* Reserved room stays, even when all objects have left a large table. */
static void reserved_room_stays(void **state) {
    (void)state;
    enum { MANY = 2000 };
    static mr_entity *all[MANY];
    for (int i = 0; i < MANY; i++) all[i] = make(i);
    assert_int_equal(mr_idmap_reserve(f.owner->idmap, MANY), MR_OK);
    for (int i = 0; i < MANY - 1; i++) assert_int_equal(mr_idmap_put(f.owner->idmap, all[i]), MR_OK);
    for (int i = 0; i < MANY - 1; i++) mr_idmap_remove(f.owner->idmap, all[i]);
    fa_arm(&f.fa, 1);
    assert_int_equal(mr_idmap_put(f.owner->idmap, all[MANY - 1]), MR_OK);
    fa_disarm(&f.fa);
    size_t live = fa_live(&f.fa);
    mr_idmap_remove(f.owner->idmap, all[MANY - 1]); /* the room is freed with the object that it was reserved for */
    assert_true(fa_live(&f.fa) < live);
    assert_null(get(1));
    assert_int_equal(mr_idmap_put(f.owner->idmap, all[1]), MR_OK);
    assert_ptr_equal(get(1), all[1]);
}

/* A put, a search for a place, or a change of key that fails leaves everything unchanged. */
static void without_memory(void **state) {
    (void)state;
    enum { N = 100 };
    mr_entity *all[N];
    for (int i = 0; i < N; i++) all[i] = make(i);
    for (int i = 0; i < N; i++) {
        mr_value id = mr_int_value(i);
        mr_idmap_place at;
        mr_entity *found;
        fa_arm(&f.fa, 1);
        mr_status status = mr_idmap_seek(f.owner->idmap, f.node, &id, &at, &found);
        assert_int_equal(mr_idmap_put(f.owner->idmap, all[i]), status);
        fa_disarm(&f.fa);
        assert_int_equal(mr_idmap_count(f.owner->idmap), status == MR_OK ? i + 1 : i);
        if (status != MR_OK) assert_int_equal(mr_idmap_put(f.owner->idmap, all[i]), MR_OK);
        for (int k = 0; k <= i; k++) assert_ptr_equal(get(k), all[k]);
    }
    for (int i = 0; i < N; i++) {
        mr_value text = mr_bytes_value(MR_BLOB, "\5\1\0\0\0x", 6);
        for (size_t n = 1, done = 0; !done; n++) {
            fa_arm(&f.fa, n);
            done = mr_idmap_rename(f.owner->idmap, all[i], &text) == MR_OK;
            fa_disarm(&f.fa);
            if (!done) assert_ptr_equal(get(i), all[i]);
        }
        assert_null(get(i));
        assert_int_equal(mr_idmap_count(f.owner->idmap), N);
        mr_idmap_remove(f.owner->idmap, all[i]);
        assert_int_equal(mr_idmap_put(f.owner->idmap, all[i]), MR_OK);
        mr_value back = mr_int_value(i);
        assert_int_equal(mr_idmap_rename(f.owner->idmap, all[i], &back), MR_OK);
        assert_ptr_equal(get(i), all[i]);
    }
}

/* ---------------------------------------------------------------- the end */

/* When a session closes, its objects keep an owner whose map is empty. They can be freed later, or put into another
 * map, without looking into that one. */
static void closed(void **state) {
    (void)state;
    enum { N = 300 };
    mr_entity *all[N];
    for (int i = 0; i < N; i++) all[i] = mr_entity_pin(fx_load(&f, i, "text"));
    mr_value text = fx_text("changed");
    assert_int_equal(mr_entity_set(all[7], NAME, &text), MR_OK);
    assert_true(all[7]->flags & MR_ENTITY_MODIFIED);
    mr_owner *old = f.owner;
    f.owner = mr_owner_new(f.env, &f);
    mr_owner_close(old);
    assert_int_equal(mr_idmap_count(old->idmap), 0);
    assert_int_equal(old->dirty.len, 0);
    assert_false(all[7]->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_HELD));
    mr_value id = mr_int_value(3), other = mr_int_value(1003);
    assert_null(mr_idmap_get(old->idmap, f.node, &id));
    assert_int_equal(mr_idmap_rename(old->idmap, all[3], &other), MR_OK);
    assert_int_equal(mr_idmap_put(old->idmap, all[3]), MR_OK);
    assert_int_equal(mr_idmap_count(old->idmap), 0);
    mr_idmap_remove(old->idmap, all[5]);
    mr_owner_release(old); /* the objects still hold it */
    all[5]->owner = f.owner;
    mr_owner_retain(f.owner);
    assert_int_equal(mr_idmap_put(f.owner->idmap, all[5]), MR_OK);
    mr_owner_release(old);
    assert_ptr_equal(get(5), all[5]);
    for (int i = 0; i < N; i++) mr_entity_unpin(all[i]);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 0);
    assert_null(get(5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(like_a_model),        TEST(classes_do_not_meet), TEST(does_not_grow_with_those_that_left),
        TEST(reserved_room_stays), TEST(without_memory),      TEST(closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
