/*
 * idmap.c: the identity map: from root class and identity to the one entity of a session.
 *
 * Invariant: open addressing with linear probing, at most two thirds full, no tombstones: a removal moves the
 * followers of its run back. The keys are in the entities.
 */
#include "heap_private.h"

#include <string.h>

struct mr_idmap {
    mr_env *env;
    mr_heap *heap;
    mr_entity **table; /* 1 << bits places; NULL: empty */
    unsigned bits;
    size_t count;
};

enum { FIRST_BITS = 4 };

mr_idmap *mr_idmap_new(mr_env *env) {
    mr_heap *heap = mr_heap_of(env);
    mr_idmap *map = heap ? mr_calloc(env, sizeof *map) : NULL;
    if (!map) return NULL;
    map->env = env;
    map->heap = heap;
    return map;
}

void mr_idmap_free(mr_idmap *map) {
    if (!map) return;
    mr_free(map->env, map->table);
    mr_free(map->env, map);
}

/* Runs of 64 counting keys stay together, so that loading them in order walks the table and the entities in order; the
 * runs are spread by the golden ratio, so that keys with gaps do not cluster. */
static inline size_t spread(const mr_idmap *map, uint64_t h) {
    size_t run = (size_t)(((h >> 6) * UINT64_C(0x9E3779B97F4A7C15)) >> (64 - map->bits));
    return (run + (size_t)(h & 63)) & (((size_t)1 << map->bits) - 1);
}

static inline uint64_t hash_int(const mr_mapper *root, int64_t i) {
    return (uint64_t)i + ((uint64_t)root->order << 40);
}

static uint64_t hash_identity(const mr_mapper *root, const mr_value *identity) {
    if (identity->kind == MR_INT) return hash_int(root, identity->u.i);
    return mr_hash_bytes(identity->u.s, identity->len) + root->order;
}

static inline size_t home(const mr_idmap *map, const mr_entity *e) {
    return spread(map, hash_identity(e->mapper->root, &e->identity));
}

static bool is_identity(const mr_entity *e, const mr_mapper *root, const mr_value *identity) {
    if (e->identity.kind != identity->kind || e->mapper->root != root) return false;
    if (identity->kind == MR_INT) return e->identity.u.i == identity->u.i;
    return e->identity.len == identity->len && memcmp(e->identity.u.s, identity->u.s, identity->len) == 0;
}

/* The entity of the identity, white ones too, or NULL. */
static mr_entity *lookup(const mr_idmap *map, const mr_mapper *root, const mr_value *identity) {
    if (!map->table || identity->kind == MR_UNLOADED) return NULL;
    size_t mask = ((size_t)1 << map->bits) - 1;
    mr_entity *e;
    if (identity->kind == MR_INT) {
        int64_t key = identity->u.i;
        for (size_t i = spread(map, hash_int(root, key)); (e = map->table[i]); i = (i + 1) & mask)
            if (e->identity.u.i == key && e->identity.kind == MR_INT && e->mapper->root == root) return e;
        return NULL;
    }
    for (size_t i = spread(map, hash_identity(root, identity)); (e = map->table[i]); i = (i + 1) & mask)
        if (is_identity(e, root, identity)) return e;
    return NULL;
}

mr_entity *mr_idmap_get(mr_idmap *map, const mr_mapper *root, const mr_value *identity) {
    mr_entity *e = lookup(map, root, identity);
    if (!e || heap_is_absent(map->heap, e)) return NULL;
    heap_mark_handle(map->heap, e);
    return e;
}

static void place_entity(mr_idmap *map, mr_entity *e) {
    size_t mask = ((size_t)1 << map->bits) - 1;
    size_t i = home(map, e);
    while (map->table[i]) i = (i + 1) & mask;
    map->table[i] = e;
}

mr_status mr_idmap_reserve(mr_idmap *map, size_t more) {
    unsigned bits = map->bits ? map->bits : FIRST_BITS;
    while (((size_t)1 << bits) / 3 * 2 < map->count + more) bits++;
    if (map->table && bits == map->bits) return MR_OK;
    if (bits > 40) return mr_nomem(map->env);
    mr_entity **table = mr_calloc(map->env, sizeof(mr_entity *) << bits);
    if (!table) return MR_FAIL;
    mr_entity **old = map->table;
    size_t n = old ? (size_t)1 << map->bits : 0;
    map->table = table;
    map->bits = bits;
    for (size_t i = 0; i < n; i++)
        if (old[i]) place_entity(map, old[i]);
    mr_free(map->env, old);
    return MR_OK;
}

mr_status mr_idmap_put(mr_idmap *map, mr_entity *entity) {
    const mr_mapper *root = entity->mapper->root;
    mr_entity *other = lookup(map, root, &entity->identity);
    if (other == entity) return MR_OK;
    if (other && !heap_is_absent(map->heap, other)) {
        mr_strbuf text;
        mr_strbuf_init(&text, map->env);
        mr_identity_describe(entity->mapper, &entity->identity, &text);
        const char *what = mr_strbuf_str(&text);
        if (what)
            mr_fail(map->env, MR_ERR_INVALID_REQUEST,
                    "the session has another object for %s already: merge this one, or expunge that one "
                    "first",
                    what);
        mr_strbuf_done(&text);
        return MR_FAIL;
    }
    if (mr_idmap_reserve(map, 1) != MR_OK) return MR_FAIL;
    if (other) mr_idmap_remove(map, other);
    place_entity(map, entity);
    map->count++;
    entity->flags |= MR_ENTITY_IN_MAP;
    return MR_OK;
}

void mr_idmap_remove(mr_idmap *map, mr_entity *entity) {
    if (!(entity->flags & MR_ENTITY_IN_MAP)) return;
    entity->flags &= ~(uint32_t)MR_ENTITY_IN_MAP;
    size_t mask = ((size_t)1 << map->bits) - 1;
    size_t hole = home(map, entity);
    while (map->table[hole] != entity) hole = (hole + 1) & mask;
    for (size_t i = (hole + 1) & mask; map->table[i]; i = (i + 1) & mask) {
        /* One may move back to the hole unless its home lies behind the hole. */
        if (((i - home(map, map->table[i])) & mask) < ((i - hole) & mask)) continue;
        map->table[hole] = map->table[i];
        hole = i;
    }
    map->table[hole] = NULL;
    if (--map->count == 0 && map->bits > 10) {
        mr_free(map->env, map->table);
        map->table = NULL;
        map->bits = 0;
    }
}

size_t mr_idmap_count(const mr_idmap *map) { return map->count; }

mr_entity *mr_idmap_next(mr_idmap *map, size_t *cursor) {
    size_t n = map->table ? (size_t)1 << map->bits : 0;
    while (*cursor < n) {
        mr_entity *e = map->table[(*cursor)++];
        if (!e || heap_is_absent(map->heap, e)) continue;
        heap_mark_handle(map->heap, e);
        return e;
    }
    return NULL;
}
