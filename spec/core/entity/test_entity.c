/*
 * test_entity.c: slots and their history, and expiry. Each allocation fails in turn.
 */
#include <stdio.h>
#include <time.h>

#include "entity_world.h"

/* ---------------------------------------------------------------- slots and history */

static void new_is_unloaded(void **state) {
    (void)state;
    mr_entity *e = mr_entity_new(f.env, f.node);
    assert_int_equal(e->state, MR_TRANSIENT);
    for (unsigned i = 0; i < NODE_SLOTS; i++) assert_int_equal(mr_entity_slot(e, i)->kind, MR_UNLOADED);
    set_text(e, NAME, "a");
    set_text(e, NAME, "b");
    expect_text(mr_entity_slot(e, NAME), "b");
    assert_null(mr_entity_history(e));
    assert_int_equal(f.owner->dirty.len, 0);
}

static void loaded_is_clean(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 7, "seven");
    assert_int_equal(e->state, MR_PERSISTENT);
    expect_text(mr_entity_slot(e, NAME), "seven");
    assert_int_equal(mr_entity_slot(e, ID)->u.i, 7);
    assert_true(e->slots[NAME].u.s > (char *)e &&
                e->slots[NAME].u.s < (char *)e + sizeof *e + (e->nslots + 1) * sizeof *e->slots);
    assert_false(mr_entity_is_dirty(e, NAME));
    assert_null(mr_entity_history(e));
}

static void change_keeps_the_committed_value_once(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "old");
    set_text(e, NAME, "new");
    set_text(e, NAME, "newer");
    expect_text(mr_entity_slot(e, NAME), "newer");
    expect_text(mr_entity_committed(e, NAME), "old");
    assert_true(mr_entity_is_dirty(e, NAME));
    assert_int_equal(mr_entity_history(e)->n, 1);
    assert_int_equal(f.owner->dirty.len, 1);
    assert_true(e->flags & MR_ENTITY_HELD);
    assert_true(e->flags & MR_ENTITY_MODIFIED);
}

static void equal_value_changes_nothing(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "same");
    set_text(e, NAME, "same");
    assert_int_equal(f.owner->dirty.len, 0);
    assert_null(mr_entity_history(e));
}

static void setting_back_is_clean_again(void **state) {
    (void)state;
    mr_entity *a = fx_load(&f, 1, "old"), *b = fx_load(&f, 2, "two");
    set_text(a, NAME, "new");
    set_text(b, NAME, "deux");
    mr_value id = mr_int_value(10);
    assert_int_equal(mr_entity_set(a, ID, &id), MR_OK);
    set_text(a, NAME, "old");
    assert_false(mr_entity_is_dirty(a, NAME));
    assert_true(a->flags & MR_ENTITY_MODIFIED); /* because of its id, which is still changed */
    id.u.i = 1;
    assert_int_equal(mr_entity_set(a, ID, &id), MR_OK);
    assert_false(a->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_HELD));
    assert_null(mr_entity_history(a));
    assert_int_equal(f.owner->dirty.len, 1);
    assert_ptr_equal(mr_vec_ptr(&f.owner->dirty, b->list_index), b);
}

static void accept_and_revert(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one"), *target = fx_load(&f, 2, NULL);
    mr_value v = fx_entity(target);
    set_text(e, NAME, "uno");
    assert_int_equal(mr_entity_set(e, NEXT, &v), MR_OK);
    assert_int_equal(mr_entity_committed(e, NEXT)->kind, MR_UNLOADED);
    mr_entity_revert(e);
    expect_text(mr_entity_slot(e, NAME), "one");
    assert_int_equal(mr_entity_slot(e, NEXT)->kind, MR_UNLOADED);
    assert_int_equal(f.owner->dirty.len, 0);
    set_text(e, NAME, "uno");
    mr_entity_accept(e);
    expect_text(mr_entity_committed(e, NAME), "uno");
    assert_false(mr_entity_is_dirty(e, NAME));
    assert_false(e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_HELD));
    mr_entity_revert(e);
    expect_text(mr_entity_slot(e, NAME), "uno");
}

static void put_leaves_changes_unless_forced(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one");
    const char *room = e->slots[NAME].u.s;
    mr_value v = fx_text("two");
    assert_int_equal(mr_entity_put(e, NAME, &v, false), MR_OK);
    assert_ptr_equal(e->slots[NAME].u.s, room); /* the new text fits into the old one's room */
    set_text(e, NAME, "changed");
    v = fx_text("from the database");
    assert_int_equal(mr_entity_put(e, NAME, &v, false), MR_OK);
    expect_text(mr_entity_slot(e, NAME), "changed");
    assert_int_equal(mr_entity_put(e, NAME, &v, true), MR_OK);
    expect_text(mr_entity_slot(e, NAME), "from the database");
    assert_int_equal(f.owner->dirty.len, 0);
    assert_null(mr_entity_history(e));
}

static void give_takes_over(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one");
    mr_value v, text = fx_text("staged");
    assert_int_equal(mr_value_copy(f.env, &v, &text), MR_OK);
    const char *s = v.u.s;
    set_text(e, NAME, "changed");
    assert_int_equal(mr_entity_give(e, NAME, &v), MR_OK);
    assert_int_equal(v.kind, MR_UNLOADED);
    assert_ptr_equal(mr_entity_slot(e, NAME)->u.s, s);
    assert_int_equal(f.owner->dirty.len, 0);
}

static void forget_drops_the_change(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one");
    set_text(e, NAME, "uno");
    mr_entity_forget(e, NAME);
    assert_int_equal(mr_entity_slot(e, NAME)->kind, MR_UNLOADED);
    assert_int_equal(f.owner->dirty.len, 0);
}

static void expiry_by_generation(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one"), *pending = mr_entity_new(f.env, f.node);
    const char *room = e->slots[NAME].u.s;
    pending->owner = mr_owner_retain(f.owner);
    pending->generation = f.owner->generation;
    pending->state = MR_PENDING;
    set_text(pending, NAME, "kept");
    set_text(e, NAME, "uno");
    f.owner->generation++;
    assert_true(mr_entity_check_expired(e));
    assert_false(mr_entity_check_expired(e));
    assert_int_equal(mr_entity_slot(e, ID)->kind, MR_UNLOADED);
    assert_int_equal(mr_entity_slot(e, NAME)->kind, MR_UNLOADED);
    assert_int_equal(mr_entity_identity(e).u.i, 1);
    assert_int_equal(f.owner->dirty.len, 0);
    expect_text(mr_entity_slot(pending, NAME), "kept");
    /* A text that comes back after expiry goes to its old room, unless a changed value is there. */
    mr_entity *again = fx_load(&f, 2, "two");
    room = again->slots[NAME].u.s;
    mr_entity_expire(again);
    mr_value v = fx_text("2");
    assert_int_equal(mr_entity_put(again, NAME, &v, false), MR_OK);
    assert_ptr_equal(again->slots[NAME].u.s, room);
    expect_text(mr_entity_slot(again, NAME), "2");
}

static void slots_appended_later(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one"), *target = fx_load(&f, 2, NULL);
    mr_entity_pin(e);
    mr_property *late = mr_mapper_append_column(f.node, "late", fx_column(f.env, MR_TYPE_TEXT, false));
    mr_property *link = mr_mapper_add_property(f.node, "link", MR_PROPERTY_RELATIONSHIP);
    mr_property *many = mr_mapper_add_property(f.node, "many", MR_PROPERTY_RELATIONSHIP);
    assert_int_equal(late->slot, NODE_SLOTS);
    assert_int_equal(mr_entity_slot(e, late->slot)->kind, MR_UNLOADED);
    mr_value v = fx_text("text");
    assert_int_equal(mr_entity_put(e, late->slot, &v, false), MR_OK);
    expect_text(mr_entity_slot(e, late->slot), "text");
    set_text(e, late->slot, "changed");
    assert_true(mr_entity_is_dirty(e, late->slot));
    expect_text(mr_entity_committed(e, late->slot), "text");
    v = fx_entity(target);
    assert_int_equal(mr_entity_set(e, link->slot, &v), MR_OK);
    mr_collection *c = mr_entity_collection(e, many, true);
    assert_int_equal(mr_collection_insert(c, 0, target), MR_OK);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 2);
    mr_entity_revert(e);
    expect_text(mr_entity_slot(e, late->slot), "text");
    assert_int_equal(mr_entity_slot(e, link->slot)->kind, MR_UNLOADED);
    assert_int_equal(c->n, 0);
    assert_int_equal(f.owner->dirty.len, 0);
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 1);
    mr_entity_expire(e);
    assert_int_equal(mr_entity_slot(e, late->slot)->kind, MR_UNLOADED);
    mr_entity_unpin(e);
}

static void closed_session_holds_nothing(void **state) {
    (void)state;
    mr_entity *e = fx_load(&f, 1, "one");
    set_text(e, NAME, "uno");
    f.owner->session = NULL;
    mr_entity *d = fx_load(&f, 2, "two");
    set_text(d, NAME, "deux");
    assert_int_equal(f.owner->dirty.len, 1);
    expect_text(mr_entity_committed(d, NAME), "two");
    mr_heap_trace(f.heap, 0);
    assert_int_equal(mr_heap_count(f.heap), 0);
    assert_int_equal(f.owner->dirty.len, 0);
}

/* ---------------------------------------------------------------- without memory */

typedef mr_status (*operation)(mr_entity *e, mr_entity *other);

static mr_status op_set_text(mr_entity *e, mr_entity *other) {
    (void)other;
    mr_value v = fx_text("a text that is longer than before");
    return mr_entity_set(e, NAME, &v);
}

static mr_status op_put_text(mr_entity *e, mr_entity *other) {
    (void)other;
    mr_value v = fx_text("a text that is longer than before");
    return mr_entity_put(e, NAME, &v, true);
}

static mr_status op_set_entity(mr_entity *e, mr_entity *other) {
    mr_value v = fx_entity(other);
    return mr_entity_set(e, NEXT, &v);
}

static mr_status op_append(mr_entity *e, mr_entity *other) {
    mr_collection *c = mr_entity_collection(e, f.items, true);
    return c ? mr_collection_insert(c, c->n, other) : MR_FAIL;
}

static mr_status op_note_removed(mr_entity *e, mr_entity *other) {
    mr_collection *c = mr_entity_collection(e, f.items, false);
    return c ? mr_collection_note_removed(c, other) : MR_FAIL;
}

static mr_status op_fill(mr_entity *e, mr_entity *other) {
    mr_collection *c = mr_entity_collection(e, f.items, false);
    mr_entity *rows[2] = {e, other};
    if (!c || mr_collection_fill(c, rows, 2) != MR_OK) return MR_FAIL;
    return mr_collection_remove_at(c, 0);
}

static mr_status op_late(mr_entity *e, mr_entity *other) {
    (void)other;
    mr_value v = fx_text("late");
    return mr_entity_set(e, NODE_SLOTS, &v);
}

static void fails_cleanly(operation op) {
    mr_mapper_append_column(f.node, "late", fx_column(f.env, MR_TYPE_TEXT, false));
    int64_t id = 1;
    for (size_t n = 1, done = 0; !done; n++, id += 2) {
        assert_true(n < 30);
        f.node->nslots--; /* as if "late" was declared after the entity was made */
        mr_entity *e = fx_load(&f, id, "old"), *other = fx_load(&f, id + 1, "other");
        f.node->nslots++;
        mr_entity_pin(e);
        mr_entity_pin(other);
        fa_arm(&f.fa, n);
        mr_status status = op(e, other);
        fa_disarm(&f.fa);
        done = status == MR_OK;
        if (!done) {
            assert_int_equal(mr_env_error(f.env)->kind, MR_ERR_NO_MEMORY);
            expect_text(mr_entity_slot(e, NAME), "old");
            assert_false(mr_entity_is_dirty(e, NAME));
            assert_int_equal(mr_entity_slot(e, NEXT)->kind, MR_UNLOADED);
            assert_int_equal(op(e, other), MR_OK);
        }
        mr_entity_accept(e);
        mr_entity_unpin(e);
        mr_entity_unpin(other);
        mr_heap_trace(f.heap, 0);
        assert_int_equal(mr_heap_count(f.heap), 0);
        assert_int_equal(mr_heap_bytes(f.heap), 0);
    }
}

static void without_memory(void **state) {
    (void)state;
    static const operation all[] = {op_set_text,     op_put_text, op_set_entity, op_append,
                                    op_note_removed, op_fill,     op_late};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (i > 0) { /* a new fixture for each operation */
            assert_true(fx_close(&f));
            assert_true(fx_open(&f));
        }
        fails_cleanly(all[i]);
    }
}

static void loading_without_memory(void **state) {
    (void)state;
    for (size_t n = 1, done = 0; !done; n++) {
        fa_arm(&f.fa, n);
        mr_entity *e = fx_load(&f, 5, "five");
        fa_disarm(&f.fa);
        done = e != NULL;
        assert_int_equal(mr_heap_count(f.heap), done);
        assert_int_equal(mr_idmap_count(f.owner->idmap), done);
    }
}

/* ---------------------------------------------------------------- speed: printed, not asserted */

static double ns_since(const struct timespec *begun, int n) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return ((double)(now.tv_sec - begun->tv_sec) * 1e9 + (double)(now.tv_nsec - begun->tv_nsec)) / n;
}

static void speed(void **state) {
    (void)state;
    enum { N = 100000 };
    mr_env *env = mr_env_new(NULL, NULL);
    mr_registry *registry = mr_registry_new(env, mr_metadata_new(env));
    mr_mapper *m = mr_mapper_new(registry, "Five", NULL);
    const char *const names[] = {"a", "b", "c", "d", "e"};
    for (int i = 0; i < 5; i++) mr_mapper_add_column(m, names[i], fx_column(env, MR_TYPE_INTEGER, i == 0));
    assert_int_equal(mr_mapper_finish(m, NULL, "five", NULL, NULL, NULL), MR_OK);
    mr_owner *owner = mr_owner_new(env, env);
    struct timespec begun;
    size_t before = mr_env_memory(env);
    timespec_get(&begun, TIME_UTC);
    for (int i = 0; i < N; i++) {
        mr_value values[5] = {mr_int_value(i), mr_int_value(2), mr_int_value(3), mr_int_value(4), mr_int_value(5)};
        assert_non_null(mr_entity_load(owner, m, &values[0], values, 5));
    }
    double load = ns_since(&begun, N);
    double bytes = (double)(mr_env_memory(env) - before) / N;
    timespec_get(&begun, TIME_UTC);
    size_t found = 0;
    for (int i = 0; i < N; i++) {
        mr_value id = mr_int_value((int64_t)i * 7919 % N);
        found += mr_idmap_get(owner->idmap, m, &id) != NULL;
    }
    double get = ns_since(&begun, N);
    assert_int_equal(found, N);
    mr_heap *heap = mr_heap_of(env);
    timespec_get(&begun, TIME_UTC);
    mr_heap_trace(heap, 0);
    double trace = ns_since(&begun, N);
    assert_int_equal(mr_heap_count(heap), 0);
    print_message("100k entities of five integers: load %.0f ns, idmap get %.0f ns, free by trace %.0f ns; "
                  "header %zu, block %zu, with tables %.0f bytes\n",
                  load, get, trace, sizeof(mr_entity), sizeof(mr_entity) + 5 * sizeof(mr_value), bytes);
    mr_owner_release(owner);
    mr_env_free(env);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(new_is_unloaded),
        TEST(loaded_is_clean),
        TEST(change_keeps_the_committed_value_once),
        TEST(equal_value_changes_nothing),
        TEST(setting_back_is_clean_again),
        TEST(accept_and_revert),
        TEST(put_leaves_changes_unless_forced),
        TEST(give_takes_over),
        TEST(forget_drops_the_change),
        TEST(expiry_by_generation),
        TEST(slots_appended_later),
        TEST(closed_session_holds_nothing),
        TEST(without_memory),
        TEST(loading_without_memory),
        TEST(speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
