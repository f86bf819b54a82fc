/*
 * kept.c: what the objects that a transaction has inserted had when they expired: a rollback makes them
 * transient again, and nothing else could give their values back.
 *
 * Invariant: only columns are kept, and as the last flush has written them: no object is held by this. An
 * entry lives as long as the note of the object's INSERT.
 */
#include "session_state.h"

typedef struct kept_entry {
    uint32_t slot, generation; /* the entity, as in mr_note */
    mr_kept *kept;
} kept_entry;

static uint64_t hash_entry(const void *element) { return ((const kept_entry *)element)->slot; }

static bool equal_entries(const void *a, const void *b) {
    return ((const kept_entry *)a)->slot == ((const kept_entry *)b)->slot;
}

void mr_kept_free(mr_env *env, mr_kept *kept) {
    for (size_t i = 0; kept && i < kept->n; i++) mr_value_clear(env, &kept->values[i]);
    mr_free(env, kept);
}

static kept_entry *entry_of(const mr_session *s, uint32_t slot) {
    const kept_entry key = {.slot = slot};
    return s->kept ? mr_map_get(s->kept, &key) : NULL;
}

static mr_kept *kept_of(const mr_session *s, const mr_entity *e) {
    const kept_entry *entry = entry_of(s, e->heap_slot);
    bool same = entry && entry->generation == mr_heap_generation(s->heap, e->heap_slot);
    return same ? entry->kept : NULL;
}

/* Adds what the object has to what is kept of it. A value for which there is no memory stays as it was. */
static void update(mr_env *env, mr_kept *kept, mr_entity *e) {
    const mr_vec *columns = &e->mapper->columns;
    for (size_t i = 0; i < columns->len && i < kept->n; i++) {
        const mr_property *prop = mr_vec_ptr(columns, i);
        const mr_value *v = mr_entity_committed(e, prop->slot);
        mr_value copy;
        if (v->kind == MR_UNLOADED || mr_value_copy(env, &copy, v) != MR_OK) continue;
        mr_value_clear(env, &kept->values[i]);
        kept->values[i] = copy;
    }
}

mr_kept *mr_kept_copy(const mr_session *s, mr_entity *e) {
    const mr_kept *from = kept_of(s, e);
    size_t n = e->mapper->columns.len;
    mr_kept *made = mr_calloc(s->env, sizeof *made + n * sizeof made->values[0]);
    if (!made) return NULL;
    made->n = n;
    for (size_t i = 0; from && i < from->n && i < n; i++) {
        mr_value copy;
        if (mr_value_copy(s->env, &copy, &from->values[i]) == MR_OK) made->values[i] = copy;
    }
    update(s->env, made, e);
    return made;
}

void mr_kept_restore(mr_session *s, const mr_entity *e, mr_kept *kept) {
    kept_entry *entry = entry_of(s, e->heap_slot);
    kept_entry made = {e->heap_slot, mr_heap_generation(s->heap, e->heap_slot), kept};
    if (!s->kept) s->kept = mr_map_new(s->env, sizeof(kept_entry), hash_entry, equal_entries);
    if (entry) {
        mr_kept_free(s->env, entry->kept);
        *entry = made;
    } else if (!s->kept || !mr_map_put(s->kept, &made)) {
        mr_kept_free(s->env, kept);
    }
}

void mr_kept_add(mr_session *s, mr_entity *e) {
    mr_error *saved = mr_env_save_error(s->env);
    mr_kept *kept = kept_of(s, e);
    if (kept) update(s->env, kept, e);
    else if ((kept = mr_kept_copy(s, e)) != NULL) mr_kept_restore(s, e, kept);
    mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
}

void mr_kept_give_back(mr_session *s, mr_entity *e, uint64_t unset) {
    const mr_vec *columns = &e->mapper->columns;
    mr_kept *kept = kept_of(s, e);
    for (size_t i = 0; kept && i < columns->len && i < kept->n; i++) {
        const mr_property *prop = mr_vec_ptr(columns, i);
        mr_value *v = &kept->values[i];
        if (prop->slot < 64 && (unset >> prop->slot & 1)) continue;
        if (v->kind == MR_UNLOADED || mr_entity_slot(e, prop->slot)->kind != MR_UNLOADED) continue;
        if (mr_entity_give(e, prop->slot, v) != MR_OK) mr_env_clear_error(s->env);
    }
}

void mr_kept_drop(mr_session *s, uint32_t slot, uint32_t generation) {
    kept_entry *entry = entry_of(s, slot);
    if (!entry || entry->generation != generation) return;
    mr_kept_free(s->env, entry->kept);
    mr_map_remove(s->kept, entry);
}

void mr_kept_clear(mr_session *s) {
    size_t cursor = 0;
    for (const kept_entry *entry; s->kept && (entry = mr_map_next(s->kept, &cursor));)
        mr_kept_free(s->env, entry->kept);
    mr_map_free(s->kept);
    s->kept = NULL;
}
