/*
 * history.c: the committed values of changed slots, and the place that they share with the entity's origin.
 *
 * Invariant: there is an entry for exactly those slots that have the mark MR_VALUE_DIRTY and hold no collection. A
 * collection keeps its committed items itself. A history is a block of the heap's slab.
 */
#include "heap_private.h"

#include <string.h>

enum { FIRST_ENTRIES = 2 }; /* they fit into a block of the slab */

static size_t history_size(unsigned cap) { return sizeof(mr_history) + cap * sizeof(((mr_history *)NULL)->entries[0]); }

static void free_history(mr_heap *heap, mr_entity *e) {
    mr_history *h = e->rare;
    void *origin = h->origin;
    size_t size = history_size(h->cap);
    heap->bytes -= size;
    mr_slab_free(&heap->slab, h, size);
    e->rare = NULL;
    mr_entity_set_origin(e, origin);
}

void *mr_entity_origin(const mr_entity *entity) {
    const mr_history *h = mr_entity_history(entity);
    if (h) return h->origin;
    return entity->rare ? (char *)entity->rare - 1 : NULL; /* without its lowest bit */
}

void mr_entity_set_origin(mr_entity *entity, void *origin) {
    mr_history *h = mr_entity_history(entity);
    if (h) h->origin = origin;
    else entity->rare = origin ? (char *)origin + 1 : NULL;
    if (origin) entity->owns = true;
}

static int find_entry(const mr_entity *e, unsigned slot) {
    const mr_history *h = mr_entity_history(e);
    for (int i = 0; h && i < h->n; i++)
        if (h->entries[i].slot == slot) return i;
    return -1;
}

mr_value *mr_history_find(const mr_entity *e, unsigned slot) {
    int i = find_entry(e, slot);
    return i < 0 ? NULL : &mr_entity_history(e)->entries[i].old;
}

mr_status mr_history_reserve(mr_entity *e) {
    mr_history *h = mr_entity_history(e);
    if (h && h->n < h->cap) return MR_OK;
    mr_heap *heap = heap_of(e);
    unsigned was = h ? h->cap : 0;
    unsigned cap = was ? was * 2 : FIRST_ENTRIES;
    if (cap > UINT16_MAX) cap = UINT16_MAX;
    mr_history *made = mr_slab_alloc(&heap->slab, history_size(cap));
    if (!made) return MR_FAIL;
    made->n = 0;
    made->origin = mr_entity_origin(e);
    if (h) memcpy(made, h, history_size(h->n));
    made->cap = (uint16_t)cap;
    heap->bytes += history_size(cap);
    if (h) free_history(heap, e);
    e->rare = made;
    e->owns = true;
    return MR_OK;
}

void mr_history_push(mr_entity *e, unsigned slot, const mr_value *old) {
    mr_history *h = e->rare;
    h->entries[h->n].slot = (uint16_t)slot;
    h->entries[h->n].old = *old;
    h->entries[h->n].old.flags &= (uint8_t) ~(MR_VALUE_DIRTY | MR_VALUE_SHOWN);
    h->n++;
}

void mr_history_take(mr_entity *e, unsigned slot, mr_value *old) {
    int i = find_entry(e, slot);
    mr_history *h = mr_entity_history(e);
    *old = mr_value_of(MR_UNLOADED, 0);
    if (i < 0) return;
    *old = h->entries[i].old;
    h->entries[i] = h->entries[--h->n];
    if (h->n == 0) free_history(heap_of(e), e);
}

void mr_history_drop(mr_heap *heap, mr_entity *e) {
    mr_history *h = mr_entity_history(e);
    if (!h) return;
    for (unsigned i = 0; i < h->n; i++) mr_entity_clear_value(heap, &h->entries[i].old);
    free_history(heap, e);
}

const mr_value *mr_entity_committed(const mr_entity *entity, unsigned slot) {
    static const mr_value unloaded = {MR_UNLOADED, 0, 0, 0, {0}};
    const mr_value *old = mr_history_find(entity, slot);
    if (old) return old;
    const mr_value *place = mr_entity_place(entity, slot);
    return place ? place : &unloaded;
}
