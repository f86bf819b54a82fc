/*
 * test_identity.c: identities, and finding objects by them.
 */
#include "entity_world.h"

/* ---------------------------------------------------------------- identities */

static void describe(const mr_mapper *mapper, const mr_value *identity, const char *expected) {
    mr_strbuf out;
    mr_strbuf_init(&out, f.env);
    mr_identity_describe(mapper, identity, &out);
    assert_string_equal(mr_strbuf_str(&out), expected);
    mr_strbuf_done(&out);
}

static void integer_identity(void **state) {
    (void)state;
    mr_strbuf buf;
    mr_strbuf_init(&buf, f.env);
    mr_value key = mr_int_value(3), identity, back;
    assert_true(f.node->int_key);
    assert_true(mr_identity_make(f.node, &key, &buf, &identity));
    assert_int_equal(identity.kind, MR_INT);
    mr_identity_values(f.node, &identity, &back);
    assert_int_equal(back.u.i, 3);
    describe(f.node, &identity, "Node 3");
    key = mr_null_value();
    assert_false(mr_identity_make(f.node, &key, &buf, &identity));
    assert_int_equal(identity.kind, MR_UNLOADED);
    mr_strbuf_done(&buf);
}

static void composite_identity(void **state) {
    (void)state;
    mr_strbuf buf;
    mr_strbuf_init(&buf, f.env);
    mr_value key[2] = {fx_text("a"), mr_int_value(2)}, identity, back[2];
    assert_true(mr_identity_make(f.pair, key, &buf, &identity));
    mr_identity_values(f.pair, &identity, back);
    expect_text(&back[0], "a");
    assert_int_equal(back[1].u.i, 2);
    describe(f.pair, &identity, "Pair ('a', 2)");
    mr_entity *e = mr_entity_load(f.owner, f.pair, &identity, key, 2);
    assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.pair, &identity), e);
    key[1].u.i = 3;
    assert_true(mr_identity_make(f.pair, key, &buf, &identity));
    assert_null(mr_idmap_get(f.owner->idmap, f.pair, &identity));
    mr_idmap_remove(f.owner->idmap, e);
    assert_int_equal(mr_entity_set_identity(e, &identity), MR_OK);
    assert_int_equal(mr_idmap_put(f.owner->idmap, e), MR_OK);
    assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.pair, &identity), e);
    mr_value copy;
    key[1] = mr_null_value();
    assert_true(mr_identity_has_null(f.pair, key));
    assert_true(mr_identity_make(f.pair, key, &buf, &identity));
    assert_null(mr_idmap_get(f.owner->idmap, f.pair, &identity));
    assert_int_equal(mr_value_copy(f.env, &copy, &identity), MR_OK);
    assert_int_equal(mr_idmap_rename(f.owner->idmap, e, &copy), MR_OK);
    mr_value_clear(f.env, &copy);
    assert_true(mr_identity_make(f.pair, key, &buf, &identity));
    assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.pair, &identity), e);
    assert_int_equal(mr_idmap_count(f.owner->idmap), 1);
    mr_entity_key(e, back);
    expect_text(&back[0], "a");
    assert_int_equal(back[1].kind, MR_NULL);
    describe(f.pair, &identity, "Pair ('a', nil)");
    key[0] = mr_null_value();
    assert_false(mr_identity_make(f.pair, key, &buf, &identity));
    mr_strbuf_done(&buf);
}

static void second_of_one_identity(void **state) {
    (void)state;
    assert_non_null(fx_load(&f, 1, "a"));
    assert_null(fx_load(&f, 1, "b"));
    assert_int_equal(mr_env_error(f.env)->kind, MR_ERR_INVALID_REQUEST);
    assert_non_null(strstr(mr_env_error(f.env)->message, "Node 1"));
    assert_int_equal(mr_heap_count(f.heap), 1);
}

/* Puts, removes and looks up at random, and compares the map with an array. */
static void map_under_load(void **state) {
    (void)state;
    enum { KEYS = 700 };
    static mr_entity *there[KEYS];
    memset(there, 0, sizeof there);
    uint32_t seed = 1;
    size_t count = 0;
    for (int i = 0; i < 30000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t k = (seed >> 8) % KEYS;
        mr_value identity = mr_int_value((int64_t)k * (k % 3 ? 1 : 1 << 20) - 100);
        assert_ptr_equal(mr_idmap_get(f.owner->idmap, f.node, &identity), there[k]);
        if (!there[k]) {
            there[k] = fx_load(&f, identity.u.i, NULL);
            count++;
        } else if (seed >> 31) {
            mr_idmap_remove(f.owner->idmap, there[k]);
            there[k] = NULL;
            count--;
        }
        assert_int_equal(mr_idmap_count(f.owner->idmap), count);
    }
    size_t cursor = 0, seen = 0;
    while (mr_idmap_next(f.owner->idmap, &cursor)) seen++;
    assert_int_equal(seen, count);
}

static void reserved_puts_do_not_fail(void **state) {
    (void)state;
    mr_entity *e[50];
    for (int i = 0; i < 50; i++) {
        e[i] = mr_entity_new(f.env, f.node);
        mr_value id = mr_int_value(i);
        mr_entity_set_identity(e[i], &id);
        e[i]->owner = mr_owner_retain(f.owner);
    }
    assert_int_equal(mr_idmap_reserve(f.owner->idmap, 50), MR_OK);
    fa_arm(&f.fa, 1);
    for (int i = 0; i < 50; i++) assert_int_equal(mr_idmap_put(f.owner->idmap, e[i]), MR_OK);
    fa_disarm(&f.fa);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(integer_identity), TEST(composite_identity),        TEST(second_of_one_identity),
        TEST(map_under_load),   TEST(reserved_puts_do_not_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
