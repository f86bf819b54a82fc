/*
 * parents.c: for each object, the parent that holds it through a relationship that allows only one parent, or that
 * deletes orphans.
 *
 * Invariant: an entry is a hint: it counts only as long as the parent is alive and holds the child in memory. So
 * nothing must be updated here when objects expire, are rolled back, or are freed.
 */
#include "relationships.h"
#include "session_state.h"

enum { FIRST_PRUNE = 1024 };

typedef struct parent_entry {
    uint32_t child, child_generation; /* the key, with rel */
    const mr_relationship *rel;
    uint32_t parent, parent_generation;
} parent_entry;

static uint64_t hash_entry(const void *element) {
    const parent_entry *e = element;
    uint64_t h = ((uint64_t)e->child << 32 | e->child_generation) * UINT64_C(0x9E3779B97F4A7C15);
    return (h ^ (uint64_t)(uintptr_t)e->rel) * UINT64_C(0xD6E8FEB86659FD93);
}

static bool equal_entries(const void *a, const void *b) {
    const parent_entry *x = a, *y = b;
    return x->child == y->child && x->child_generation == y->child_generation && x->rel == y->rel;
}

bool mr_parent_is_tracked(const mr_relationship *rel) {
    return rel->single_parent || (rel->cascade & MR_CASCADE_DELETE_ORPHAN);
}

static bool is_alive(mr_heap *heap, const parent_entry *e) {
    return mr_heap_get(heap, e->child, e->child_generation) && mr_heap_get(heap, e->parent, e->parent_generation);
}

/* Removes the entries of freed objects: the other entries are copied into a new map. */
static mr_status prune(mr_session_common *common) {
    mr_heap *heap = mr_heap_of(common->env);
    mr_map *kept = mr_map_new(common->env, sizeof(parent_entry), hash_entry, equal_entries);
    size_t alive = 0, cursor = 0;
    if (!heap || !kept) goto fail;
    for (const parent_entry *e; (e = mr_map_next(common->parents, &cursor));) alive += is_alive(heap, e);
    if (mr_map_reserve(kept, alive) != MR_OK) goto fail;
    cursor = 0;
    for (const parent_entry *e; (e = mr_map_next(common->parents, &cursor));)
        if (is_alive(heap, e)) mr_map_put(kept, e); /* reserved */
    mr_map_free(common->parents);
    common->parents = kept;
    size_t n = mr_map_count(kept) * 2;
    common->prune_parents_at = n > FIRST_PRUNE ? n : FIRST_PRUNE;
    return MR_OK;
fail:
    mr_map_free(kept);
    return MR_FAIL;
}

static parent_entry make_entry(const mr_heap *heap, const mr_entity *child, const mr_relationship *rel) {
    parent_entry made = {child->heap_slot, mr_heap_generation(heap, child->heap_slot), rel, 0, 0};
    return made;
}

mr_status mr_parent_note(mr_entity *child, const mr_relationship *rel, mr_entity *parent) {
    mr_env *env = child->mapper->env;
    mr_heap *heap = mr_heap_of(env);
    mr_session_common *common = mr_session_common_of(env);
    if (!heap || !common) return MR_FAIL;
    if (!common->parents) {
        common->parents = mr_map_new(env, sizeof(parent_entry), hash_entry, equal_entries);
        if (!common->parents) return MR_FAIL;
        common->prune_parents_at = FIRST_PRUNE;
    }
    if (mr_map_count(common->parents) >= common->prune_parents_at && prune(common) != MR_OK) return MR_FAIL;
    parent_entry made = make_entry(heap, child, rel);
    made.parent = parent->heap_slot;
    made.parent_generation = mr_heap_generation(heap, parent->heap_slot);
    return mr_map_put(common->parents, &made) ? MR_OK : MR_FAIL;
}

static bool holds(mr_entity *parent, const mr_relationship *rel, const mr_entity *child) {
    const mr_value *v = mr_relationship_peek(parent, rel);
    if (v->kind == MR_ENTITY) return v->u.p == child;
    return v->kind == MR_COLLECTION && mr_collection_find(v->u.p, child) != UINT32_MAX;
}

/* The parent of the entry, whether it still holds the child or not. NULL: there is none. */
static mr_entity *noted_parent(const mr_entity *child, const mr_relationship *rel) {
    mr_env *env = child->mapper->env;
    mr_heap *heap = mr_heap_of(env);
    const mr_session_common *common = mr_env_get(env, MR_ENV_SESSION);
    if (!heap || !common || !common->parents) return NULL;
    parent_entry key = make_entry(heap, child, rel);
    const parent_entry *found = mr_map_get(common->parents, &key);
    return found ? mr_heap_get(heap, found->parent, found->parent_generation) : NULL;
}

mr_entity *mr_parent_of(mr_entity *child, const mr_relationship *rel) {
    mr_entity *parent = noted_parent(child, rel);
    return parent && holds(parent, rel, child) ? parent : NULL;
}

mr_status mr_parent_load(mr_entity *child, const mr_relationship *rel, const mr_entity **out) {
    const mr_value *ignored;
    mr_entity *parent = noted_parent(child, rel);
    *out = NULL;
    if (!parent) return MR_OK;
    mr_entity_pin(child);
    mr_entity_pin(parent);
    bool gone = parent->state != MR_PERSISTENT || !mr_session_of(parent);
    mr_status status = gone ? MR_OK : mr_relationship_require(parent, rel->prop, &ignored);
    if (status == MR_OK && holds(parent, rel, child)) *out = parent;
    mr_entity_unpin(parent);
    mr_entity_unpin(child);
    return status;
}
