/*
 * idmap.c: the identity map: finds the one entity of a session by its root class and identity.
 *
 * Invariant: a hash table with linear probing. A place has the number of an entity in the heap, and its tag (a hash
 * that also gives its home, the first place where it may be), so that only entities with the right tag are looked at. A
 * removed entity leaves the mark GONE, if the next place is in use: a search for an entity behind it goes on. Entities
 * and marks together fill at most thirteen sixteenths of the table. Identities that are alike have the same tag.
 */
#include "heap_private.h"

#include <string.h>

/* number: the entity's in the heap; or FREE; or GONE. */
typedef struct place {
    uint32_t tag, number;
} place;

enum { FREE = 0 };
static const uint32_t GONE = UINT32_MAX;

struct mr_idmap {
    mr_env *env;
    mr_heap *heap;
    place *table; /* 1 << bits places */
    unsigned bits;
    size_t count, gone;
    size_t reserved; /* so many puts are to come that must not fail: the table stays until then */
    bool closed;     /* its session has closed: it stays empty */
};

enum { FIRST_BITS = 4, KEPT_BITS = 10 };

mr_idmap *mr_idmap_new(mr_env *env) {
    mr_heap *heap = mr_heap_of(env);
    mr_idmap *map = heap ? mr_calloc(env, sizeof *map) : NULL;
    if (!map) return NULL;
    map->env = env;
    map->heap = heap;
    return map;
}

static void drop_table(mr_idmap *map) {
    mr_free(map->env, map->table);
    map->table = NULL;
    map->bits = 0;
    map->count = map->gone = 0;
}

void mr_idmap_close(mr_idmap *map) {
    drop_table(map);
    map->closed = true;
}

void mr_idmap_free(mr_idmap *map) {
    if (!map) return;
    mr_free(map->env, map->table);
    mr_free(map->env, map);
}

/* ---------------------------------------------------------------- places */

enum { RUN_BITS = 4, SPREAD_BITS = 32 - RUN_BITS };

/* A run of 16 consecutive keys stays together, so that loading rows in key order uses the table and the entities in
 * memory order. The runs are spread by the golden ratio, so that keys with gaps do not cluster. Classes are spread by
 * another number, so that runs with the same keys do not meet. */
static inline uint32_t tag_of(const mr_mapper *root, uint64_t h) {
    uint64_t spread = (h >> RUN_BITS) * UINT64_C(0x9E3779B97F4A7C15) + root->order * UINT64_C(0xD1B54A32D192ED03);
    return (uint32_t)(spread >> (64 - SPREAD_BITS) << RUN_BITS | (h & ((1 << RUN_BITS) - 1)));
}

static inline size_t home(const mr_idmap *map, uint32_t tag) {
    size_t run = tag >> RUN_BITS, offset = tag & ((1 << RUN_BITS) - 1);
    run = map->bits <= SPREAD_BITS ? run >> (SPREAD_BITS - map->bits) : run << (map->bits - SPREAD_BITS);
    return (run + offset) & (((size_t)1 << map->bits) - 1);
}

static inline uint32_t tag_identity(const mr_mapper *root, const mr_value *identity) {
    return tag_of(root, identity->kind == MR_INT ? (uint64_t)identity->u.i : mr_identity_hash(root, identity));
}

/* So many entities and marks a table may have. */
static inline size_t capacity(unsigned bits) { return ((size_t)1 << bits) / 16 * 13; }

static inline mr_entity *entity_at(const mr_idmap *map, size_t i) {
    uint32_t number = map->table[i].number;
    return number == FREE || number == GONE ? NULL : map->heap->table.entities[number];
}

static inline bool is_identity(const mr_entity *e, const mr_mapper *root, const mr_value *identity) {
    if (e->mapper->root != root) return false;
    if (identity->kind == MR_INT) return e->identity_kind == MR_IDENTITY_INT && e->key.i == identity->u.i;
    const mr_value own = mr_entity_identity(e);
    return mr_identity_same(&own, identity);
}

/* The entity of the identity, even a white one; or NULL. *where: its place, or a place for a new one. *met: an entity
 * with another identity has the same tag. The map must have a table. */
static inline mr_entity *lookup(const mr_idmap *map, const mr_mapper *root, const mr_value *identity, uint32_t tag,
                                bool *met, size_t *where) {
    size_t mask = ((size_t)1 << map->bits) - 1, i = home(map, tag), gone = SIZE_MAX;
    for (; map->table[i].number != FREE; i = (i + 1) & mask) {
        if (map->table[i].number == GONE) {
            if (gone == SIZE_MAX) gone = i;
            continue;
        }
        if (map->table[i].tag != tag) continue;
        mr_entity *e = map->heap->table.entities[map->table[i].number];
        if (is_identity(e, root, identity)) {
            *where = i;
            return e;
        }
        *met = true;
    }
    *where = gone == SIZE_MAX ? i : gone;
    return NULL;
}

static inline mr_entity *present(mr_idmap *map, mr_entity *e) {
    if (!e || heap_is_absent(map->heap, e)) return NULL;
    heap_mark_handle(map->heap, e);
    return e;
}

/* The same while a trace runs. */
MR_APART static mr_entity *present_in_trace(mr_idmap *map, mr_entity *e) { return present(map, e); }

mr_entity *mr_idmap_get(mr_idmap *map, const mr_mapper *root, const mr_value *identity) {
    bool met;
    size_t where;
    if (!map->table || identity->kind == MR_UNLOADED) return NULL;
    return present(map, lookup(map, root, identity, tag_identity(root, identity), &met, &where));
}

mr_entity *mr_idmap_get_int(mr_idmap *map, const mr_mapper *root, int64_t key) {
    if (!map->table) return NULL;
    uint32_t tag = tag_of(root, (uint64_t)key), number;
    size_t mask = ((size_t)1 << map->bits) - 1;
    for (size_t i = home(map, tag); (number = map->table[i].number) != FREE; i = (i + 1) & mask) {
        if (map->table[i].tag != tag || number == GONE) continue;
        mr_entity *e = map->heap->table.entities[number];
        if (e->identity_kind == MR_IDENTITY_INT && e->key.i == key && e->mapper->root == root)
            return map->heap->table.phase == HEAP_IDLE ? e : present_in_trace(map, e);
    }
    return NULL;
}

mr_entity *mr_idmap_alike(mr_idmap *map, const mr_mapper *root, const mr_value *identity, size_t *cursor) {
    if (!map->table || identity->kind == MR_UNLOADED) return NULL;
    size_t mask = ((size_t)1 << map->bits) - 1;
    uint32_t tag = tag_identity(root, identity);
    for (size_t i = (home(map, tag) + *cursor) & mask; map->table[i].number != FREE; i = (i + 1) & mask) {
        ++*cursor;
        mr_entity *e = map->table[i].tag == tag ? entity_at(map, i) : NULL;
        if (!e || e->mapper->root != root || heap_is_absent(map->heap, e)) continue;
        const mr_value own = mr_entity_identity(e);
        if (mr_identity_same(&own, identity) || !mr_identity_alike(root, &own, identity)) continue;
        heap_mark_handle(map->heap, e);
        return e;
    }
    return NULL;
}

/* ---------------------------------------------------------------- putting */

/* Makes a new table of so many bits, without marks. */
static mr_status rebuild(mr_idmap *map, unsigned bits) {
    if (bits > sizeof(size_t) * 8 - 5) return mr_nomem(map->env);
    place *table = mr_calloc(map->env, sizeof *table << bits);
    if (!table) return MR_FAIL;
    place *old = map->table;
    size_t n = old ? (size_t)1 << map->bits : 0, mask = ((size_t)1 << bits) - 1;
    map->table = table;
    map->bits = bits;
    map->gone = 0;
    for (size_t i = 0; i < n; i++) {
        if (old[i].number == FREE || old[i].number == GONE) continue;
        size_t at = home(map, old[i].tag);
        while (table[at].number != FREE) at = (at + 1) & mask;
        table[at] = old[i];
    }
    mr_free(map->env, old);
    return MR_OK;
}

/* Makes the table larger. If many of its places are only marks, it keeps its size and the marks go. */
static mr_status make_room(mr_idmap *map, size_t more) {
    unsigned bits = map->bits ? map->bits : FIRST_BITS;
    size_t n = map->count + more;
    if (map->table && n <= capacity(bits) / 4 * 3) return rebuild(map, bits);
    while (capacity(bits) < n || (map->table && bits == map->bits)) bits++;
    return rebuild(map, bits);
}

static inline bool has_room(const mr_idmap *map, size_t more) {
    return map->table && map->count + map->gone + more <= capacity(map->bits);
}

mr_status mr_idmap_reserve(mr_idmap *map, size_t more) {
    if (!has_room(map, more) && make_room(map, more) != MR_OK) return MR_FAIL;
    map->reserved = more;
    return MR_OK;
}

static inline void put_at(mr_idmap *map, mr_entity *e, size_t at, uint32_t tag) {
    if (map->table[at].number == GONE) map->gone--;
    map->table[at] = (place){tag, e->heap_slot};
    map->count++;
    if (map->reserved > 0) map->reserved--;
    e->flags |= MR_ENTITY_IN_MAP;
}

/* Frees the place and the marks before it, if the next place is free; else the place becomes a mark. */
static void clear_place(mr_idmap *map, size_t at) {
    size_t mask = ((size_t)1 << map->bits) - 1;
    map->table[at].number = GONE;
    map->gone++;
    map->count--;
    if (map->table[(at + 1) & mask].number != FREE) return;
    for (; map->table[at].number == GONE; at = (at - 1) & mask) {
        map->table[at].number = FREE;
        map->gone--;
    }
}

mr_status mr_idmap_seek(mr_idmap *map, const mr_mapper *root, const mr_value *identity, mr_idmap_place *out,
                        mr_entity **found) {
    *found = NULL;
    if (!has_room(map, 1) && make_room(map, 1) != MR_OK) return MR_FAIL;
    out->alike = false;
    out->tag = tag_identity(root, identity);
    mr_entity *e = lookup(map, root, identity, out->tag, &out->alike, &out->at);
    if (!e) return MR_OK;
    if (heap_is_absent(map->heap, e)) {
        /* A mark stays in its place, which is the result. */
        e->flags &= ~(uint32_t)MR_ENTITY_IN_MAP;
        map->table[out->at].number = GONE;
        map->gone++;
        map->count--;
        return MR_OK;
    }
    heap_mark_handle(map->heap, e);
    *found = e;
    return MR_OK;
}

void mr_idmap_put_at(mr_idmap *map, mr_entity *entity, const mr_idmap_place *at) {
    put_at(map, entity, at->at, at->tag);
}

static mr_status refuse_second(mr_idmap *map, const mr_mapper *mapper, const mr_value *identity) {
    mr_strbuf text;
    mr_strbuf_init(&text, map->env);
    mr_identity_describe(mapper, identity, &text);
    const char *what = mr_strbuf_str(&text);
    if (what)
        mr_fail(map->env, MR_ERR_INVALID_REQUEST,
                "the session has another object for %s already: merge this one, or expunge that one "
                "first",
                what);
    mr_strbuf_done(&text);
    return MR_FAIL;
}

mr_status mr_idmap_vacant(mr_idmap *map, const mr_mapper *mapper, const mr_value *identity, mr_idmap_place *out) {
    mr_entity *other;
    if (mr_idmap_seek(map, mapper->root, identity, out, &other) != MR_OK) return MR_FAIL;
    return other ? refuse_second(map, mapper, identity) : MR_OK;
}

mr_status mr_idmap_put(mr_idmap *map, mr_entity *entity) {
    mr_idmap_place at;
    mr_entity *other;
    if (map->closed) return MR_OK;
    const mr_value identity = mr_entity_identity(entity);
    if (mr_idmap_seek(map, entity->mapper->root, &identity, &at, &other) != MR_OK) return MR_FAIL;
    if (other == entity) return MR_OK;
    if (other) return refuse_second(map, entity->mapper, &identity);
    put_at(map, entity, at.at, at.tag);
    return MR_OK;
}

/* ---------------------------------------------------------------- removing */

static void take_out(mr_idmap *map, mr_entity *entity) {
    size_t mask = ((size_t)1 << map->bits) - 1;
    const mr_value identity = mr_entity_identity(entity);
    size_t at = home(map, tag_identity(entity->mapper->root, &identity));
    while (map->table[at].number != entity->heap_slot) at = (at + 1) & mask;
    entity->flags &= ~(uint32_t)MR_ENTITY_IN_MAP;
    clear_place(map, at);
}

void mr_idmap_remove(mr_idmap *map, mr_entity *entity) {
    if (!(entity->flags & MR_ENTITY_IN_MAP)) return;
    if (map->closed) {
        entity->flags &= ~(uint32_t)MR_ENTITY_IN_MAP;
        return;
    }
    take_out(map, entity);
    if (map->count > 0) return;
    if (map->bits > KEPT_BITS && map->reserved == 0) drop_table(map);
}

mr_status mr_idmap_rename(mr_idmap *map, mr_entity *entity, const mr_value *identity) {
    mr_value copy;
    if (map->closed || !(entity->flags & MR_ENTITY_IN_MAP)) return mr_entity_set_identity(entity, identity);
    if (mr_value_copy(map->env, &copy, identity) != MR_OK) return MR_FAIL;
    if (mr_idmap_reserve(map, 1) != MR_OK) {
        mr_value_clear(map->env, &copy);
        return MR_FAIL;
    }
    take_out(map, entity);
    mr_entity_give_identity(entity, &copy);
    return mr_idmap_put(map, entity); /* cannot fail: the room is reserved */
}

size_t mr_idmap_count(const mr_idmap *map) { return map->count; }

mr_entity *mr_idmap_next(mr_idmap *map, size_t *cursor) {
    size_t n = map->table ? (size_t)1 << map->bits : 0;
    while (*cursor < n) {
        mr_entity *e = entity_at(map, (*cursor)++);
        if (!e || heap_is_absent(map->heap, e)) continue;
        heap_mark_handle(map->heap, e);
        return e;
    }
    return NULL;
}
