/*
 * collection_index.c: a map from each item of a large collection to its count and its last known position.
 *
 * Invariant: while there is an index, its counts are exact. Positions are hints: items that are inserted or removed
 * before an item move it a little. The index only saves time: without memory there is none.
 */
#include "collection_index.h"

typedef struct index_entry {
    const mr_entity *item; /* the key */
    uint32_t count;
    uint32_t hint;
} index_entry;

void mr_collection_index_drop(mr_env *env, mr_collection *c) {
    (void)env;
    mr_map_free(c->index);
    c->index = NULL;
}

void mr_collection_index_added(mr_collection *c, mr_entity *item, uint32_t at) {
    if (!c->index) return;
    index_entry *entry = mr_map_get(c->index, &item);
    if (entry) {
        entry->count++;
        entry->hint = at;
        return;
    }
    index_entry made = {item, 1, at};
    mr_env *env = c->parent->mapper->env;
    mr_error *saved = mr_env_save_error(env);
    if (!mr_map_put(c->index, &made)) {
        mr_collection_index_drop(env, c);
        mr_env_clear_error(env);
    }
    mr_env_restore_error(env, saved);
}

void mr_collection_index_removed(mr_collection *c, const mr_entity *item) {
    index_entry *entry = c->index ? mr_map_get(c->index, &item) : NULL;
    if (entry && --entry->count == 0) mr_map_remove(c->index, &item);
}

static void make_index(mr_collection *c) {
    mr_env *env = c->parent->mapper->env;
    mr_error *saved = mr_env_save_error(env);
    c->index = mr_map_new(env, sizeof(index_entry), mr_map_hash_ptr, mr_map_equal_ptr);
    mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
    for (uint32_t i = 0; c->index && i < c->n; i++) mr_collection_index_added(c, c->items[i], i);
}

static uint32_t search_from_start(const mr_collection *c, const mr_entity *item) {
    for (uint32_t i = 0; i < c->n; i++)
        if (c->items[i] == item) return i;
    return UINT32_MAX;
}

/* Searches from the start and in both directions from the hint, in turns: the item is near its last position, or near
 * the front when many were removed there. */
static uint32_t search_around(const mr_collection *c, const mr_entity *item, uint32_t hint) {
    if (hint >= c->n) hint = c->n - 1;
    for (uint32_t d = 0; d < c->n; d++) {
        if (c->items[d] == item) return d;
        if (d <= hint && c->items[hint - d] == item) return hint - d;
        if (d < c->n - hint && c->items[hint + d] == item) return hint + d;
    }
    return UINT32_MAX;
}

uint32_t mr_collection_index_find(mr_collection *c, const mr_entity *item) {
    if (!c->index) make_index(c);
    if (!c->index) return search_from_start(c, item);
    index_entry *entry = mr_map_get(c->index, &item);
    if (!entry) return UINT32_MAX;
    if (entry->count > 1) return search_from_start(c, item);
    return entry->hint = search_around(c, item, entry->hint);
}

bool mr_collection_index_holds(mr_collection *c, const mr_entity *item) {
    if (!c->index) make_index(c);
    if (!c->index) return search_from_start(c, item) != UINT32_MAX;
    return mr_map_get(c->index, &item) != NULL;
}
