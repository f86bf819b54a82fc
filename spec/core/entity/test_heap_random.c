/*
 * test_heap_random.c: random operations of scripts and of the library, between the steps of a trace, compared with a
 * model.
 *
 * After each step the model walks from its own roots through all references. It is a violation if an entity that can be
 * reached was freed, or if a freed entity is given out. The trace has some rules: without any one of them there must be
 * a violation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "entity_fixture.h"

enum { MAX_OBJECTS = 4000, IDS = 150, ROUNDS = 20, OPS = 500 };

typedef struct object {
    mr_entity *entity; /* NULL: it was freed */
    uint32_t slot, generation;
    bool proxy;
    unsigned pins;
    unsigned seen; /* the number of the last walk that reached it */
} object;

typedef struct world {
    fixture f;
    uint64_t seed;
    object objects[MAX_OBJECTS];
    uint32_t n;
    mr_env *own; /* the map of the model does not use the tested allocator */
    mr_map *by_entity;
    uint32_t stack[MAX_OBJECTS];
    unsigned walk;
    const char *violation;
} world;

typedef struct known {
    const mr_entity *entity;
    uint32_t object;
} known;

static uint32_t roll(world *w, uint32_t n) {
    w->seed = w->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(w->seed >> 33) % n;
}

static void violate(world *w, const char *what) {
    if (!w->violation) w->violation = what;
}

static object *object_of(world *w, const mr_entity *e) {
    const known *k = mr_map_get(w->by_entity, &e);
    return k ? &w->objects[k->object] : NULL;
}

/* ---------------------------------------------------------------- hooks */

static void answer_proxies(void *ud, uint32_t chunk, uint64_t bits[4]) {
    world *w = ud;
    for (uint32_t i = 0; i < w->n; i++) {
        const object *o = &w->objects[i];
        if (o->entity && o->proxy && o->slot / 256 == chunk) bits[o->slot % 256 / 64] |= UINT64_C(1) << o->slot % 64;
    }
}

static void note_freed(void *ud, const mr_entity *e) {
    world *w = ud;
    object *o = object_of(w, e);
    if (!o) {
        violate(w, "an unknown entity was freed");
        return;
    }
    if (o->proxy || o->pins || (e->flags & MR_ENTITY_HELD)) violate(w, "a root was freed");
    o->entity = NULL;
    mr_map_remove(w->by_entity, &e);
}

/* ---------------------------------------------------------------- the model's walk */

static void reach(world *w, const mr_entity *e, uint32_t *depth) {
    object *o = object_of(w, e);
    if (!o) {
        violate(w, "what is referred to was freed");
    } else if (o->seen != w->walk) {
        o->seen = w->walk;
        w->stack[(*depth)++] = (uint32_t)(o - w->objects);
    }
}

static void reach_array(world *w, mr_entity *const *items, uint32_t n, uint32_t *depth) {
    for (uint32_t i = 0; i < n; i++) reach(w, items[i], depth);
}

static void reach_value(world *w, const mr_value *v, uint32_t *depth) {
    if (v->kind == MR_ENTITY) reach(w, v->u.p, depth);
    if (v->kind != MR_COLLECTION) return;
    const mr_collection *c = v->u.p;
    reach_array(w, c->items, c->n, depth);
    reach_array(w, c->removed, c->nremoved, depth);
    reach_array(w, c->committed, c->ncommitted, depth);
}

static bool expired(const mr_entity *e) {
    return e->owner && e->generation != e->owner->generation && e->state == MR_PERSISTENT;
}

/* Marks everything that can be reached. Finds references to freed entities. */
static void walk(world *w) {
    uint32_t depth = 0;
    w->walk++;
    for (uint32_t i = 0; i < w->n; i++) {
        object *o = &w->objects[i];
        if (!o->entity && (o->proxy || o->pins)) violate(w, "a root was freed");
        if (o->entity && (o->proxy || o->pins || (o->entity->flags & MR_ENTITY_HELD))) reach(w, o->entity, &depth);
    }
    while (depth > 0) {
        mr_entity *e = w->objects[w->stack[--depth]].entity;
        if (expired(e)) continue;
        for (unsigned i = 0; i < e->nslots; i++) reach_value(w, &e->slots[i], &depth);
        mr_history *h = mr_entity_history(e);
        for (unsigned i = 0; h && i < h->n; i++) reach_value(w, &h->entries[i].old, &depth);
    }
}

/* ---------------------------------------------------------------- the mutator */

static object *adopt(world *w, mr_entity *e) {
    assert_non_null(e);
    assert_true(w->n < MAX_OBJECTS);
    object *o = &w->objects[w->n];
    *o = (object){e, e->heap_slot, mr_heap_generation(w->f.heap, e->heap_slot), false, 0, 0};
    known k = {e, w->n++};
    assert_non_null(mr_map_put(w->by_entity, &k));
    return o;
}

static void make_proxy(world *w, object *o) {
    mr_heap_mark(w->f.heap, o->entity);
    o->proxy = true;
}

/* An object that has a proxy or a pin. NULL: none was found. */
static object *pick(world *w) {
    for (int tries = 0; tries < 20 && w->n > 0; tries++) {
        object *o = &w->objects[roll(w, w->n)];
        if (o->entity && (o->proxy || o->pins)) return o;
    }
    return NULL;
}

/* An entity that can be reached from such an object. It gets no proxy: the library reads in this way. */
static mr_entity *pick_raw(world *w) {
    object *o = pick(w);
    mr_entity *at = o ? o->entity : NULL;
    for (uint32_t steps = at ? roll(w, 6) : 0; steps > 0; steps--) {
        const mr_value *v = mr_entity_slot(at, NEXT + roll(w, 3));
        mr_entity *to = v->kind == MR_ENTITY ? v->u.p : NULL;
        const mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
        if (c && c->n > 0) to = c->items[roll(w, c->n)];
        if (!to) break;
        at = to;
    }
    return at;
}

static void op_new(world *w) {
    object *o = adopt(w, mr_entity_new(w->f.env, w->f.node));
    mr_entity *parent = pick_raw(w);
    mr_value v = fx_entity(o->entity);
    if (parent && roll(w, 2)) assert_int_equal(mr_entity_set(parent, NEXT + roll(w, 2), &v), MR_OK);
    else make_proxy(w, o);
}

static void op_load(world *w) {
    mr_value id = mr_int_value(roll(w, IDS));
    mr_entity *e = mr_idmap_get(w->f.owner->idmap, w->f.node, &id);
    if (e) {
        object *o = object_of(w, e);
        if (!o) violate(w, "the identity map gave a freed entity");
        else o->proxy = true; /* the lookup has marked it for the trace */
        return;
    }
    for (uint32_t i = 0; i < w->n; i++) {
        const object *o = &w->objects[i];
        if (o->entity && o->seen == w->walk && o->entity->identity_kind == MR_IDENTITY_INT &&
            o->entity->key.i == id.u.i)
            violate(w, "the identity map has lost a living entity");
    }
    object *o = adopt(w, fx_load(&w->f, id.u.i, "loaded"));
    mr_value next = mr_value_of(MR_UNLOADED, 0);
    mr_entity *target = pick_raw(w);
    if (target) next = fx_entity(target);
    if (target && roll(w, 2)) mr_entity_put(o->entity, OTHER, &next, false);
    make_proxy(w, o);
}

static void op_drop(world *w) {
    for (int i = 0; i < 4; i++) {
        object *o = pick(w);
        if (o) o->proxy = false;
    }
}

static void op_pin(world *w) {
    mr_entity *e = pick_raw(w);
    object *o = e ? object_of(w, e) : NULL;
    if (!o) return;
    if (o->pins) {
        mr_entity_unpin(e);
        o->pins--;
    } else {
        mr_entity_pin(e);
        o->pins++;
    }
}

/* Moves a reference from one slot to another without a proxy, as backrefs do. */
static void op_move(world *w) {
    mr_entity *to = pick_raw(w), *from = pick_raw(w);
    if (!to || !from) return;
    unsigned slot = NEXT + roll(w, 2);
    mr_value null = mr_null_value(), v = *mr_entity_slot(from, slot);
    if (v.kind == MR_ENTITY && to != from) {
        mr_entity_set(to, NEXT + roll(w, 2), &v);
        if (roll(w, 2)) mr_entity_set(from, slot, &null);
        else mr_entity_forget(from, slot);
    } else if (roll(w, 3)) {
        v = fx_entity(to);
        mr_entity_set(from, slot, &v);
    } else {
        mr_entity_set(from, slot, &null);
    }
}

/* Removes the reference in the slot. Another place refers to the entity now. */
static void let_go(mr_entity *from, unsigned slot, const mr_entity *item) {
    const mr_value *v = mr_entity_slot(from, slot);
    mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    uint32_t at = c ? mr_collection_find(c, item) : UINT32_MAX;
    if (at != UINT32_MAX) mr_collection_remove_at(c, at);
    if (at != UINT32_MAX) mr_entity_accept(from);
    if (v->kind == MR_ENTITY && v->u.p == item) mr_entity_forget(from, slot);
}

static void op_collection(world *w) {
    mr_entity *e = pick_raw(w), *from = pick_raw(w), *item = from;
    if (!e || !from) return;
    unsigned slot = NEXT + roll(w, 3);
    const mr_value *v = mr_entity_slot(from, slot);
    const mr_collection *held = v->kind == MR_COLLECTION ? v->u.p : NULL;
    if (v->kind == MR_ENTITY) item = v->u.p;
    if (held && held->n > 0) item = held->items[held->n - 1];
    if (item == e || from == e) return;
    mr_collection *c = mr_entity_collection(e, w->f.items, roll(w, 2));
    assert_non_null(c);
    mr_entity *rows[3] = {item, pick_raw(w), pick_raw(w)};
    switch (roll(w, 8)) {
    case 0:
    case 1:
    case 2:
        mr_collection_insert(c, roll(w, c->n + 1), item);
        break;
    case 3:
    case 4:
        if (c->n > 0) mr_collection_remove_at(c, roll(w, c->n));
        break;
    case 5:
        mr_collection_note_removed(c, item);
        break;
    case 6:
        if (rows[1] && rows[2]) mr_collection_fill(c, rows, 3);
        break;
    default:
        mr_collection_accept(c);
        return;
    }
    if (item != from) let_go(from, slot, item);
}

/* Adds so many items to a collection that one step of the trace cannot mark them all. */
static void op_crowd(world *w) {
    mr_entity *e = pick_raw(w);
    mr_collection *c = e && w->n + 100 < MAX_OBJECTS ? mr_entity_collection(e, w->f.items, true) : NULL;
    if (!c) return;
    for (uint32_t i = 5 + roll(w, 20); i > 0; i--)
        mr_collection_insert(c, c->n, adopt(w, mr_entity_new(w->f.env, w->f.node))->entity);
    if (roll(w, 2)) mr_entity_accept(e);
}

static mr_collection *pick_collection(world *w) {
    for (int i = 0; i < 20; i++) {
        mr_entity *e = pick_raw(w);
        const mr_value *v = e ? mr_entity_slot(e, ITEMS) : NULL;
        mr_collection *c = v && v->kind == MR_COLLECTION ? v->u.p : NULL;
        if (c && c->n > 0) return c;
    }
    return NULL;
}

static void op_take(world *w) {
    mr_collection *c = pick_collection(w);
    if (!c) return;
    mr_collection_remove_at(c, roll(w, c->n));
    if (roll(w, 3) == 0) mr_entity_revert(c->parent);
}

/* Puts an item of one collection in the place of an item of another one. */
static void op_replace(world *w) {
    mr_collection *c = pick_collection(w), *from = pick_collection(w);
    if (!c || !from || from == c || !c->loaded) return;
    mr_entity *item = from->items[from->n - 1];
    mr_collection_replace_at(c, roll(w, c->n), item);
    let_go(from->parent, ITEMS, item);
}

static void op_settle(world *w) {
    mr_entity *e = pick_raw(w);
    if (!e) return;
    switch (roll(w, 6)) {
    case 0:
    case 1:
        mr_entity_accept(e);
        break;
    case 2:
    case 3:
        mr_entity_revert(e);
        break;
    case 4:
        mr_entity_expire(e);
        break;
    default:
        if (roll(w, 8) == 0) {
            while (w->f.owner->dirty.len > 0) mr_entity_accept(mr_vec_ptr(&w->f.owner->dirty, 0));
            w->f.owner->generation++; /* as a commit does */
        }
    }
}

/* A finalizer has kept a proxy, which is used again. */
static void op_resurrect(world *w) {
    if (w->n == 0) return;
    object *o = &w->objects[roll(w, w->n)];
    mr_entity *e = mr_heap_get(w->f.heap, o->slot, o->generation);
    if (!e) return;
    if (e != o->entity) violate(w, "a stale proxy gave an entity");
    else o->proxy = true;
}

/* The script gets a proxy of an entity that the library has found by walking. */
static void op_read(world *w) {
    mr_entity *e = pick_raw(w);
    object *o = e ? object_of(w, e) : NULL;
    if (o) make_proxy(w, o);
}

static void mutate(world *w) {
    static void (*const ops[])(world *) = {
        op_new,        op_new,   op_load, op_load, op_drop, op_pin,    op_move,      op_move, op_move,    op_collection,
        op_collection, op_crowd, op_take, op_take, op_take, op_settle, op_resurrect, op_read, op_replace, op_replace};
    ops[roll(w, sizeof ops / sizeof ops[0])](w);
}

/* ---------------------------------------------------------------- a round */

static uint32_t count_live(const world *w, bool only_reached) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < w->n; i++)
        if (w->objects[i].entity && (!only_reached || w->objects[i].seen == w->walk)) n++;
    return n;
}

static void full_traces(world *w) {
    bool ended = false;
    while (!ended && !w->violation) {
        ended = mr_heap_trace(w->f.heap, 1);
        walk(w);
    }
    for (int i = 0; i < 2 && !w->violation; i++) {
        mr_heap_trace(w->f.heap, 0);
        walk(w);
    }
}

static void finish_round(world *w) {
    full_traces(w);
    if (!w->violation && count_live(w, false) != count_live(w, true))
        violate(w, "what nothing refers to was not freed");
    if (w->violation) return;
    for (uint32_t i = 0; i < w->n; i++) {
        w->objects[i].proxy = false;
        for (; w->objects[i].pins; w->objects[i].pins--) mr_entity_unpin(w->objects[i].entity);
    }
    while (w->f.owner->dirty.len > 0) mr_entity_accept(mr_vec_ptr(&w->f.owner->dirty, 0));
    full_traces(w);
    if (mr_heap_count(w->f.heap) != 0) violate(w, "something was left");
}

/* Runs one random program. Returns the violation that was found; NULL: none. */
static const char *play(world *w, uint64_t seed, unsigned rules_off, bool starved) {
    memset(w, 0, sizeof *w);
    assert_true(fx_open(&w->f));
    w->seed = seed * 77777 + 1;
    w->own = mr_env_new(NULL, NULL);
    w->by_entity = mr_map_new(w->own, sizeof(known), mr_map_hash_ptr, mr_map_equal_ptr);
    mr_heap_hooks hooks = {.ud = w, .proxies = answer_proxies, .freed = note_freed};
    mr_heap_set_hooks(w->f.heap, &hooks);
    mr_heap_disable_rules(w->f.heap, rules_off);
    mr_heap_set_step(w->f.heap, 1 + roll(w, 12));
    for (int i = 0; i < 300; i++) (i % 3 ? op_load : op_new)(w);
    for (int i = 0; i < OPS && !w->violation; i++) {
        mutate(w);
        if (starved) fa_arm(&w->f.fa, 1);
        mr_heap_trace(w->f.heap, 1);
        fa_disarm(&w->f.fa);
        walk(w);
    }
    if (!w->violation) finish_round(w);
    const char *violation = w->violation;
    mr_heap_set_hooks(w->f.heap, NULL);
    mr_map_free(w->by_entity);
    mr_env_free(w->own);
    assert_true(fx_close(&w->f));
    return violation;
}

static world the_world; /* too large for the stack */

static void nothing_reachable_is_freed(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) {
        const char *violation = play(&the_world, seed, 0, false);
        if (violation) fail_msg("seed %d: %s", (int)seed, violation);
    }
}

static void nor_without_memory(void **state) {
    (void)state;
    for (uint64_t seed = 100; seed < 100 + ROUNDS / 4; seed++) {
        const char *violation = play(&the_world, seed, 0, true);
        if (violation) fail_msg("seed %d: %s", (int)seed, violation);
    }
}

/* Without the rule, at least one of the programs must have a violation. */
static void needs_rule(unsigned rule) {
    int seen = 0;
    for (uint64_t seed = 0; seed < ROUNDS; seed++) seen += play(&the_world, seed, rule, false) != NULL;
    assert_true(seen > 0);
}

static void new_entities_must_be_black(void **state) {
    (void)state;
    needs_rule(MR_RULE_NEW_BLACK);
}

static void written_targets_must_be_marked(void **state) {
    (void)state;
    needs_rule(MR_RULE_WRITE_BARRIER);
}

static void handles_must_mark(void **state) {
    (void)state;
    needs_rule(MR_RULE_HANDLE_MARK);
}

static void white_must_be_absent_while_sweeping(void **state) {
    (void)state;
    needs_rule(MR_RULE_WHITE_ABSENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_reachable_is_freed), cmocka_unit_test(nor_without_memory),
        cmocka_unit_test(new_entities_must_be_black), cmocka_unit_test(written_targets_must_be_marked),
        cmocka_unit_test(handles_must_mark),          cmocka_unit_test(white_must_be_absent_while_sweeping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
