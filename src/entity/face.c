/*
 * face.c: the values that the program sees in place of those in slots: of columns whose type is decorated with
 * functions of the program.
 *
 * Invariant: a face is shown as long as the slot's value is the one that it was made for: that value has the mark, and
 * no copy of it. The marked value may wait in the history, and come back.
 */
#include "heap_private.h"

#include <string.h>

static entity_faces *faces_of(const mr_entity *e) { return e->faced ? mr_map_get(heap_of(e)->faces, &e) : NULL; }

static mr_status grow(mr_entity *e, unsigned n) {
    mr_heap *heap = heap_of(e);
    entity_faces *faces = faces_of(e);
    uint32_t was = faces ? faces->n : 0;
    if (n <= was) return MR_OK;
    mr_value *values = mr_realloc(heap->env, faces ? faces->values : NULL, n * sizeof *values);
    if (!values) return MR_FAIL;
    memset(values + was, 0, (n - was) * sizeof *values);
    if (faces) {
        faces->values = values;
        faces->n = n;
    } else {
        entity_faces made = {e, n, values};
        if (!mr_map_put(heap->faces, &made)) {
            mr_free(heap->env, values);
            return MR_FAIL;
        }
        e->faced = e->owns = true;
    }
    heap->bytes += (n - was) * sizeof *values;
    return MR_OK;
}

const mr_value *mr_entity_face(const mr_entity *entity, unsigned slot) {
    const mr_value *place = entity->faced ? mr_entity_place(entity, slot) : NULL;
    if (!place || place->kind == MR_UNLOADED || !(place->flags & MR_VALUE_FACED)) return NULL;
    const entity_faces *faces = faces_of(entity);
    return faces && slot < faces->n ? &faces->values[slot] : NULL;
}

mr_status mr_entity_set_face(mr_entity *entity, unsigned slot, const mr_value *face) {
    mr_heap *heap = heap_of(entity);
    mr_value *place = mr_entity_place(entity, slot), copy;
    if (!place || place->kind == MR_UNLOADED || place->kind >= MR_OPAQUE) return MR_OK;
    if (grow(entity, slot + 1) != MR_OK || mr_value_copy(heap->env, &copy, face) != MR_OK) return MR_FAIL;
    mr_value *committed = mr_entity_history(entity) ? mr_history_find(entity, slot) : NULL;
    if (committed) committed->flags &= (uint8_t)~MR_VALUE_FACED; /* its face is gone */
    mr_value *held = &faces_of(entity)->values[slot], old = *held;
    *held = copy;
    place->flags |= MR_VALUE_FACED;
    mr_value_clear(heap->env, &old);
    return MR_OK;
}

mr_status mr_entity_settle(mr_entity *entity, unsigned slot, const mr_value *value, bool shown) {
    mr_heap *heap = heap_of(entity);
    mr_value *place = mr_entity_make_place(entity, slot), copy;
    if (!place || mr_value_copy(heap->env, &copy, value) != MR_OK) return MR_FAIL;
    mr_value face = *place;
    copy.flags |= face.flags & MR_VALUE_DIRTY;
    heap->bytes += value_bytes(&copy);
    *place = copy;
    mr_status status = shown && face.kind == MR_OPAQUE ? mr_entity_set_face(entity, slot, &face) : MR_OK;
    mr_entity_clear_value(heap, &face);
    return status;
}

void mr_faces_free(mr_heap *heap, mr_entity *e) {
    entity_faces *faces = faces_of(e);
    if (!faces) return;
    entity_faces gone = *faces;
    mr_map_remove(heap->faces, &e);
    e->faced = false;
    for (uint32_t i = 0; i < gone.n; i++) mr_value_clear(heap->env, &gone.values[i]);
    heap->bytes -= gone.n * sizeof(mr_value);
    mr_free(heap->env, gone.values);
}
