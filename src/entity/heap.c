/*
 * heap.c: the table of all entities of an environment: their slots, generations and blocks of memory.
 *
 * Invariant: entities[s]->heap_slot == s for each slot in use. The generation of a slot differs from the generations of
 * all entities that were in it before, so {slot, generation} names one entity for ever.
 */
#include "heap_private.h"

#include <string.h>

static void free_content(mr_heap *heap, mr_entity *e);
static void free_block(mr_heap *heap, mr_entity *e);

/* Frees an entity of a heap that ends with all of them: nobody asks any more who is in a map or a list. */
static void free_last(mr_heap *heap, mr_entity *e) {
    if (e->owns) free_content(heap, e);
    mr_owner_release(e->owner);
    if (e->large) free_block(heap, e);
}

static void heap_close(void *ud) {
    mr_heap *heap = ud;
    mr_env *env = heap->env;
    heap->table.phase = HEAP_IDLE;
    heap->marking = false;
    memset(&heap->hooks, 0, sizeof heap->hooks);
    for (uint32_t slot = 1; slot < heap->table.used; slot++)
        if (!mr_heap_slot_is_free(heap->table.entities[slot])) free_last(heap, heap->table.entities[slot]);
    mr_env_set(env, MR_ENV_HEAP, NULL);
    mr_map_free(heap->extras);
    mr_map_free(heap->faces);
    mr_slab_done(&heap->slab);
    mr_vec_done(&heap->gray);
    mr_vec_done(&heap->big);
    mr_free(env, heap->table.entities);
    mr_free(env, heap->table.generations);
    mr_free(env, heap);
}

mr_heap *mr_heap_of(mr_env *env) {
    mr_heap *heap = mr_env_get(env, MR_ENV_HEAP);
    if (heap) return heap;
    heap = mr_calloc(env, sizeof *heap);
    if (!heap) return NULL;
    heap->env = env;
    mr_slab_init(&heap->slab, env, MR_SLAB_LARGEST);
    heap->black = 1;
    heap->first_generation = 1;
    heap->threshold = HEAP_MIN_THRESHOLD;
    mr_vec_init(&heap->gray, env, sizeof(mr_entity *));
    mr_vec_init(&heap->big, env, sizeof(big_entry));
    heap->extras = mr_map_new(env, sizeof(entity_extra), mr_map_hash_ptr, mr_map_equal_ptr);
    heap->faces = mr_map_new(env, sizeof(entity_faces), mr_map_hash_ptr, mr_map_equal_ptr);
    /* The gray stack gets some room now, so that a trace can run without memory. */
    if (!heap->extras || !heap->faces || mr_vec_reserve(&heap->gray, 256) != MR_OK ||
        mr_env_on_close(env, heap_close, heap) != MR_OK) {
        mr_map_free(heap->extras);
        mr_map_free(heap->faces);
        mr_vec_done(&heap->gray);
        mr_free(env, heap);
        return NULL;
    }
    mr_env_set(env, MR_ENV_HEAP, heap);
    return heap;
}

void mr_heap_set_hooks(mr_heap *heap, const mr_heap_hooks *hooks) {
    if (hooks) heap->hooks = *hooks;
    else memset(&heap->hooks, 0, sizeof heap->hooks);
}

void mr_heap_set_origin_release(mr_heap *heap, void (*release)(mr_env *env, void *origin)) {
    heap->origin_release = release;
}

void mr_heap_set_swept(mr_heap *heap, void (*swept)(mr_env *env)) { heap->swept = swept; }
void mr_heap_set_stress(mr_heap *heap, bool on) { heap->stress = on; }
void mr_heap_set_step(mr_heap *heap, uint32_t entities) { heap->step = entities; }
void mr_heap_block(mr_heap *heap) { heap->blocked++; }
void mr_heap_unblock(mr_heap *heap) { heap->blocked--; }
void mr_heap_disable_rules(mr_heap *heap, unsigned rules) { heap->rules_off = rules; }
size_t mr_heap_count(const mr_heap *heap) { return heap->count; }
size_t mr_heap_bytes(const mr_heap *heap) { return heap->bytes; }

/* ---------------------------------------------------------------- slots */

mr_status mr_heap_grow(mr_heap *heap) {
    uint32_t cap = heap->cap ? heap->cap : HEAP_CHUNK / 2;
    if (cap > UINT32_MAX / 2) return mr_fail(heap->env, MR_ERR_ERROR, "too many objects");
    cap += cap < HEAP_LARGE ? cap : cap / 8; /* what is not used yet is memory, too */
    mr_entity **entities = mr_realloc(heap->env, heap->table.entities, cap * sizeof(mr_entity *));
    if (!entities) return MR_FAIL;
    heap->table.entities = entities;
    uint32_t *generations = mr_realloc(heap->env, heap->table.generations, cap * sizeof *generations);
    if (!generations) return MR_FAIL;
    heap->table.generations = generations;
    if (!heap->cap) { /* slot 0 is free for ever */
        entities[0] = (mr_entity *)(uintptr_t)1;
        generations[0] = 0;
        heap->table.used = 1;
    }
    heap->cap = cap;
    return MR_OK;
}

static void release_slot(mr_heap *heap, uint32_t slot) {
    uint32_t generation = ++heap->table.generations[slot];
    /* A slot that has used all generations is never given out again. */
    uint32_t next = generation == UINT32_MAX ? 0 : heap->free_slot;
    heap->table.entities[slot] = (mr_entity *)(((uintptr_t)next << 1) | 1);
    if (generation != UINT32_MAX) heap->free_slot = slot;
}

/* After most objects were freed: shrinks the table to the last slot in use. Slots that are made again later begin with
 * a generation that no removed slot had. */
void mr_heap_shrink(mr_heap *heap) {
    enum { KEEP = 4096 };
    uint32_t used = heap->table.used, cap = KEEP;
    if (heap->cap <= KEEP || heap->count > heap->cap / 4) return;
    while (used > 1 && mr_heap_slot_is_free(heap->table.entities[used - 1])) used--;
    while (cap < used) cap *= 2;
    if (cap > heap->cap / 4) return;
    for (uint32_t slot = used; slot < heap->table.used; slot++) {
        if (heap->table.generations[slot] == UINT32_MAX)
            return; /* a slot that must never be given out again cannot be removed */
        if (heap->table.generations[slot] >= heap->first_generation)
            heap->first_generation = heap->table.generations[slot] + 1;
    }
    heap->table.used = used;
    heap->free_slot = 0;
    for (uint32_t slot = used - 1; slot > 0; slot--) {
        if (!mr_heap_slot_is_free(heap->table.entities[slot]) || heap->table.generations[slot] == UINT32_MAX) continue;
        heap->table.entities[slot] = (mr_entity *)(((uintptr_t)heap->free_slot << 1) | 1);
        heap->free_slot = slot;
    }
    /* Making a block smaller may fail, too: then it keeps its size. */
    mr_error *saved = mr_env_save_error(heap->env);
    mr_entity **entities = mr_realloc(heap->env, heap->table.entities, cap * sizeof *entities);
    if (entities) heap->table.entities = entities;
    uint32_t *generations = mr_realloc(heap->env, heap->table.generations, cap * sizeof *generations);
    if (generations) heap->table.generations = generations;
    heap->cap = cap;
    mr_env_clear_error(heap->env);
    mr_env_restore_error(heap->env, saved);
}

mr_entity *mr_heap_get(mr_heap *heap, uint32_t slot, uint32_t generation) {
    if (slot == 0 || slot >= heap->table.used || heap->table.generations[slot] != generation) return NULL;
    mr_entity *e = heap->table.entities[slot];
    if (mr_heap_slot_is_free(e) || heap_is_absent(heap, e)) return NULL;
    heap_mark_handle(heap, e);
    return e;
}

uint32_t mr_heap_generation(const mr_heap *heap, uint32_t slot) {
    return slot < heap->table.used && slot ? heap->table.generations[slot] : 0;
}

void mr_heap_mark(mr_heap *heap, mr_entity *entity) { heap_mark_handle(heap, entity); }

/* ---------------------------------------------------------------- blocks */

/* A page of the slab knows how large its blocks are; a large block has its size in front of it. */
MR_APART static mr_entity *allocate_large(mr_heap *heap, size_t size) {
    size_t *block = mr_raw_alloc(heap->env, size + sizeof *block);
    if (!block) return NULL;
    *block = size + sizeof *block;
    return (mr_entity *)(void *)(block + 1);
}

mr_entity *mr_heap_allocate(mr_heap *heap, mr_mapper *mapper, size_t text) {
    size_t size = sizeof(mr_entity) + mapper->nslots * sizeof(mr_value) + text;
    bool large = !mr_slab_holds(&heap->slab, size);
    mr_entity *e = large ? allocate_large(heap, size) : mr_slab_alloc(&heap->slab, size);
    if (!e) return NULL;
    *e = (mr_entity){.mapper = mapper, .nslots = mapper->nslots, .large = large};
    return e;
}

size_t mr_heap_block_size(mr_entity *e) { return e->large ? ((size_t *)(void *)e)[-1] : mr_slab_size(e); }

static void free_block(mr_heap *heap, mr_entity *e) {
    if (e->large) mr_raw_free(heap->env, (size_t *)(void *)e - 1, mr_heap_block_size(e));
    else mr_slab_free(&heap->slab, e, mr_slab_size(e));
}

void mr_heap_discard(mr_heap *heap, mr_entity *e) {
    for (unsigned i = 0; i < e->nslots; i++) mr_entity_clear_value(heap, &e->slots[i]);
    free_block(heap, e);
}

static void free_extra(mr_heap *heap, mr_entity *e) {
    entity_extra *extra = mr_entity_extra(e);
    if (!extra) return;
    for (uint32_t i = 0; i < extra->n; i++) mr_entity_clear_value(heap, &extra->values[i]);
    heap->bytes -= extra->n * sizeof(mr_value);
    mr_free(heap->env, extra->values);
    mr_map_remove(heap->extras, &e);
    e->flags &= ~(uint32_t)MR_ENTITY_EXTRA;
}

/* What the entity owns, its block excepted. */
static void free_content(mr_heap *heap, mr_entity *e) {
    mr_history_drop(heap, e);
    if (e->flags & MR_ENTITY_EXTRA) free_extra(heap, e);
    if (e->faced) mr_faces_free(heap, e);
    for (unsigned i = 0; i < e->nslots; i++) {
        mr_value *v = &e->slots[i];
        if ((v->flags & MR_VALUE_OWNED) || v->kind == MR_COLLECTION) mr_entity_clear_value(heap, v);
    }
    mr_identity_clear(heap, e);
    void *origin = mr_entity_origin(e);
    if (origin && heap->origin_release) heap->origin_release(heap->env, origin);
}

void mr_heap_free_entity(mr_heap *heap, mr_entity *e) {
    if (heap->hooks.freed) heap->hooks.freed(heap->hooks.ud, e);
    if (e->flags & MR_ENTITY_IN_MAP) mr_idmap_remove(e->owner->idmap, e);
    if (e->flags & MR_ENTITY_MODIFIED) mr_entity_leave_dirty(e);
    if (e->owns) free_content(heap, e);
    mr_owner_release(e->owner);
    release_slot(heap, e->heap_slot);
    heap->count--;
    heap->bytes -= mr_heap_block_size(e);
    free_block(heap, e);
}
