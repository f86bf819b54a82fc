/*
 * map.c: a hash map with open addressing and linear probing.
 *
 * Invariant: a slot is free when its hash is zero. No slot between an element's home slot and the slot where it lies is
 * free, so a search may stop at the first free slot. To keep this true, removal moves later elements back. At least a
 * quarter of the slots is free.
 */
#include <moonrow/base.h>

#include <string.h>

enum { FIRST_CAP = 8, HASH_BITS = 64 };

/* 2^64 divided by the golden ratio: multiplying by it spreads neighbouring hashes over all slots. */
#define SPREAD UINT64_C(0x9E3779B97F4A7C15)

struct mr_map {
    mr_env *env;
    uint64_t *hashes; /* cap hashes; the elements follow in the same block */
    char *elements;
    size_t size, count;
    size_t cap;     /* 0 or a power of two */
    unsigned shift; /* HASH_BITS - log2(cap): hash >> shift is the home slot */
    mr_map_hash hash;
    mr_map_equal equal;
};

mr_map *mr_map_new(mr_env *env, size_t element_size, mr_map_hash hash, mr_map_equal equal) {
    mr_map *map = mr_raw_alloc(env, sizeof *map);
    if (!map) return NULL;
    memset(map, 0, sizeof *map);
    map->env = env;
    map->size = element_size;
    map->hash = hash;
    map->equal = equal;
    return map;
}

void mr_map_free(mr_map *map) {
    if (!map) return;
    mr_free(map->env, map->hashes);
    mr_raw_free(map->env, map, sizeof *map);
}

static void *element_at(const mr_map *map, size_t i) { return map->elements + i * map->size; }

/* The hash of an element, spread over the top bits. Never zero, because zero marks a free slot. */
static uint64_t hash_of(const mr_map *map, const void *element) { return (map->hash(element) * SPREAD) | 1; }

/* The slot of key, or the free slot where the search for it ended. The map must have slots (cap > 0). */
static size_t find(const mr_map *map, const void *key, uint64_t hash) {
    size_t mask = map->cap - 1;
    size_t i = (size_t)(hash >> map->shift);
    while (map->hashes[i] != 0) {
        if (map->hashes[i] == hash && map->equal(element_at(map, i), key)) break;
        i = (i + 1) & mask;
    }
    return i;
}

void *mr_map_get(const mr_map *map, const void *key) {
    if (map->count == 0) return NULL;
    size_t i = find(map, key, hash_of(map, key));
    return map->hashes[i] ? element_at(map, i) : NULL;
}

static mr_status resize(mr_map *map, size_t cap) {
    size_t per_slot = sizeof(uint64_t) + map->size;
    if (cap > SIZE_MAX / 2 / per_slot) return mr_nomem(map->env);
    mr_map old = *map;
    uint64_t *hashes = mr_alloc(map->env, cap * per_slot);
    if (!hashes) return MR_FAIL;
    memset(hashes, 0, cap * sizeof *hashes);
    map->hashes = hashes;
    map->elements = (char *)(hashes + cap);
    map->cap = cap;
    map->shift = HASH_BITS;
    for (size_t n = cap; n > 1; n /= 2) map->shift--;
    for (size_t from = 0; from < old.cap; from++) {
        if (old.hashes[from] == 0) continue;
        size_t i = (size_t)(old.hashes[from] >> map->shift);
        while (hashes[i] != 0) i = (i + 1) & (cap - 1);
        hashes[i] = old.hashes[from];
        memcpy(element_at(map, i), element_at(&old, from), map->size);
    }
    mr_free(map->env, old.hashes);
    return MR_OK;
}

mr_status mr_map_reserve(mr_map *map, size_t count) {
    size_t cap = map->cap ? map->cap : FIRST_CAP;
    while (cap / 4 * 3 < count && cap <= SIZE_MAX / 2) cap *= 2;
    return cap > map->cap ? resize(map, cap) : MR_OK;
}

void *mr_map_put(mr_map *map, const void *element) {
    uint64_t hash = hash_of(map, element);
    size_t i = 0;
    if (map->cap > 0) {
        i = find(map, element, hash);
        if (map->hashes[i] != 0) return memmove(element_at(map, i), element, map->size);
    }
    if (map->count >= map->cap / 4 * 3) {
        if (resize(map, map->cap ? map->cap * 2 : FIRST_CAP) != MR_OK) return NULL;
        i = find(map, element, hash);
    }
    map->hashes[i] = hash;
    map->count++;
    return memcpy(element_at(map, i), element, map->size);
}

bool mr_map_remove(mr_map *map, const void *key) {
    if (map->count == 0) return false;
    size_t mask = map->cap - 1;
    size_t gap = find(map, key, hash_of(map, key));
    if (map->hashes[gap] == 0) return false;
    for (size_t i = (gap + 1) & mask; map->hashes[i] != 0; i = (i + 1) & mask) {
        size_t home = (size_t)(map->hashes[i] >> map->shift);
        /* The element may move into the gap, unless its home slot lies between the gap and its slot. */
        if (((i - home) & mask) < ((i - gap) & mask)) continue;
        map->hashes[gap] = map->hashes[i];
        memcpy(element_at(map, gap), element_at(map, i), map->size);
        gap = i;
    }
    map->hashes[gap] = 0;
    map->count--;
    return true;
}

size_t mr_map_count(const mr_map *map) { return map->count; }

void *mr_map_next(const mr_map *map, size_t *cursor) {
    while (*cursor < map->cap) {
        size_t i = (*cursor)++;
        if (map->hashes[i] != 0) return element_at(map, i);
    }
    return NULL;
}

void mr_map_clear(mr_map *map) {
    if (map->cap > 0) memset(map->hashes, 0, map->cap * sizeof *map->hashes);
    map->count = 0;
}

uint64_t mr_map_hash_ptr(const void *element) {
    void *ptr;
    memcpy(&ptr, element, sizeof ptr);
    return (uint64_t)(uintptr_t)ptr >> 3;
}

bool mr_map_equal_ptr(const void *a, const void *b) { return memcmp(a, b, sizeof(void *)) == 0; }
