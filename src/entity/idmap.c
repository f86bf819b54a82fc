/*
 * idmap.c: the identity map: finds the one entity of a session by its root class and identity.
 *
 * Invariant: a hash table with linear probing, at most two thirds full, without tombstones: a removal moves the entries
 * after it back. The keys are in the entities. Beside each entity the table has its tag (a hash that also gives its
 * place), so that only entities with the right tag are looked at. Identities that are alike have the same tag.
 */
#include "heap_private.h"

#include <string.h>

struct mr_idmap {
    mr_env *env;
    mr_heap *heap;
    mr_entity **table; /* 1 << bits places; NULL: empty */
    uint32_t *tags;    /* by place, in the table's block */
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

enum { RUN_BITS = 6, SPREAD_BITS = 32 - RUN_BITS };

/* A run of 64 consecutive keys stays together, so that loading rows in key order uses the table and the entities in
 * memory order. The runs are spread by the golden ratio, so that keys with gaps do not cluster. */
static inline uint32_t tag_of(uint64_t h) {
    uint64_t run = (h >> RUN_BITS) * UINT64_C(0x9E3779B97F4A7C15) >> (64 - SPREAD_BITS);
    return (uint32_t)(run << RUN_BITS | (h & ((1 << RUN_BITS) - 1)));
}

static inline size_t home(const mr_idmap *map, uint32_t tag) {
    size_t run = tag >> RUN_BITS, offset = tag & ((1 << RUN_BITS) - 1);
    run = map->bits <= SPREAD_BITS ? run >> (SPREAD_BITS - map->bits) : run << (map->bits - SPREAD_BITS);
    return (run + offset) & (((size_t)1 << map->bits) - 1);
}

static inline uint32_t tag_int(const mr_mapper *root, int64_t i) {
    return tag_of((uint64_t)i + ((uint64_t)root->order << 40));
}

static inline uint32_t tag_identity(const mr_mapper *root, const mr_value *identity) {
    if (identity->kind == MR_INT) return tag_int(root, identity->u.i);
    return tag_int(root, (int64_t)mr_identity_hash(root, identity));
}

static bool is_identity(const mr_entity *e, const mr_mapper *root, const mr_value *identity) {
    if (e->identity.kind != identity->kind || e->mapper->root != root) return false;
    if (identity->kind == MR_INT) return e->identity.u.i == identity->u.i;
    return e->identity.len == identity->len && memcmp(e->identity.u.s, identity->u.s, identity->len) == 0;
}

/* The entity of the identity, even a white one; or NULL. *met: an entity with another identity has the same tag. */
static mr_entity *lookup(const mr_idmap *map, const mr_mapper *root, const mr_value *identity, uint32_t tag,
                         bool *met) {
    if (!map->table || identity->kind == MR_UNLOADED) return NULL;
    size_t mask = ((size_t)1 << map->bits) - 1;
    mr_entity *e;
    for (size_t i = home(map, tag); (e = map->table[i]); i = (i + 1) & mask) {
        if (map->tags[i] != tag) continue;
        if (is_identity(e, root, identity)) return e;
        *met = true;
    }
    return NULL;
}

static mr_entity *present(mr_idmap *map, mr_entity *e) {
    if (!e || heap_is_absent(map->heap, e)) return NULL;
    heap_mark_handle(map->heap, e);
    return e;
}

mr_entity *mr_idmap_get(mr_idmap *map, const mr_mapper *root, const mr_value *identity) {
    bool met;
    if (identity->kind == MR_UNLOADED) return NULL;
    return present(map, lookup(map, root, identity, tag_identity(root, identity), &met));
}

mr_entity *mr_idmap_find(mr_idmap *map, const mr_mapper *root, const mr_value *identity, bool *alike) {
    *alike = false;
    return present(map, lookup(map, root, identity, tag_identity(root, identity), alike));
}

mr_entity *mr_idmap_alike(mr_idmap *map, const mr_mapper *root, const mr_value *identity, size_t *cursor) {
    if (!map->table || identity->kind == MR_UNLOADED) return NULL;
    size_t mask = ((size_t)1 << map->bits) - 1;
    uint32_t tag = tag_identity(root, identity);
    mr_entity *e;
    for (size_t i = (home(map, tag) + *cursor) & mask; (e = map->table[i]); i = (i + 1) & mask) {
        ++*cursor;
        if (map->tags[i] != tag || e->mapper->root != root || heap_is_absent(map->heap, e)) continue;
        if (is_identity(e, root, identity) || !mr_identity_alike(root, &e->identity, identity)) continue;
        heap_mark_handle(map->heap, e);
        return e;
    }
    return NULL;
}

static void place_entity(mr_idmap *map, mr_entity *e, uint32_t tag) {
    size_t mask = ((size_t)1 << map->bits) - 1;
    size_t i = home(map, tag);
    while (map->table[i]) i = (i + 1) & mask;
    map->table[i] = e;
    map->tags[i] = tag;
}

mr_status mr_idmap_reserve(mr_idmap *map, size_t more) {
    unsigned bits = map->bits ? map->bits : FIRST_BITS;
    while (((size_t)1 << bits) / 3 * 2 < map->count + more) bits++;
    if (map->table && bits == map->bits) return MR_OK;
    if (bits > 40) return mr_nomem(map->env);
    mr_entity **table = mr_calloc(map->env, (sizeof *table + sizeof *map->tags) << bits);
    if (!table) return MR_FAIL;
    mr_entity **old = map->table;
    const uint32_t *tags = map->tags;
    size_t n = old ? (size_t)1 << map->bits : 0;
    map->table = table;
    map->tags = (uint32_t *)(void *)(table + ((size_t)1 << bits));
    map->bits = bits;
    for (size_t i = 0; i < n; i++)
        if (old[i]) place_entity(map, old[i], tags[i]);
    mr_free(map->env, old);
    return MR_OK;
}

mr_status mr_idmap_put(mr_idmap *map, mr_entity *entity) {
    const mr_mapper *root = entity->mapper->root;
    uint32_t tag = tag_identity(root, &entity->identity);
    bool met;
    mr_entity *other = lookup(map, root, &entity->identity, tag, &met);
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
    place_entity(map, entity, tag);
    map->count++;
    entity->flags |= MR_ENTITY_IN_MAP;
    return MR_OK;
}

void mr_idmap_remove(mr_idmap *map, mr_entity *entity) {
    if (!(entity->flags & MR_ENTITY_IN_MAP)) return;
    entity->flags &= ~(uint32_t)MR_ENTITY_IN_MAP;
    size_t mask = ((size_t)1 << map->bits) - 1;
    size_t hole = home(map, tag_identity(entity->mapper->root, &entity->identity));
    while (map->table[hole] != entity) hole = (hole + 1) & mask;
    for (size_t i = (hole + 1) & mask; map->table[i]; i = (i + 1) & mask) {
        /* An entry may move back to the hole, unless its home is after the hole. */
        if (((i - home(map, map->tags[i])) & mask) < ((i - hole) & mask)) continue;
        map->table[hole] = map->table[i];
        map->tags[hole] = map->tags[i];
        hole = i;
    }
    map->table[hole] = NULL;
    if (--map->count == 0 && map->bits > 10) {
        mr_free(map->env, map->table);
        map->table = NULL;
        map->tags = NULL;
        map->bits = 0;
    }
}

mr_status mr_idmap_rename(mr_idmap *map, mr_entity *entity, const mr_value *identity) {
    if (!(entity->flags & MR_ENTITY_IN_MAP)) return mr_entity_set_identity(entity, identity);
    mr_value copy;
    if (mr_value_copy(map->env, &copy, identity) != MR_OK) return MR_FAIL;
    if (mr_idmap_reserve(map, 1) != MR_OK) {
        mr_value_clear(map->env, &copy);
        return MR_FAIL;
    }
    map->count++; /* keeps the removal from freeing the table, so that nothing can fail any more */
    mr_idmap_remove(map, entity);
    mr_entity_give_identity(entity, &copy);
    place_entity(map, entity, tag_identity(entity->mapper->root, &entity->identity));
    entity->flags |= MR_ENTITY_IN_MAP;
    return MR_OK;
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
