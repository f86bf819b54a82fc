/*
 * expired_inserts.c: the column values of objects that the transaction has inserted and that have expired since. A
 * rollback makes such an object transient again, and then its row cannot give the values back.
 *
 * Invariant: only columns are saved, as the last flush has written them; they keep no object alive. An entry lives as
 * long as the journal's note of the object's INSERT.
 */
#include "journal.h"
#include "session_state.h"

typedef struct kept_entry {
    uint32_t slot, generation; /* the entity, as in mr_note */
    mr_expired_insert *kept;
} kept_entry;

static uint64_t hash_entry(const void *element) { return ((const kept_entry *)element)->slot; }

static bool equal_entries(const void *a, const void *b) {
    return ((const kept_entry *)a)->slot == ((const kept_entry *)b)->slot;
}

void mr_expired_insert_free(mr_env *env, mr_expired_insert *kept) {
    for (size_t i = 0; kept && i < kept->n; i++) mr_value_clear(env, &kept->values[i]);
    mr_free(env, kept);
}

static kept_entry *entry_of(const mr_session *s, uint32_t slot) {
    const kept_entry key = {.slot = slot};
    return s->expired_inserts ? mr_map_get(s->expired_inserts, &key) : NULL;
}

static mr_expired_insert *kept_of(const mr_session *s, const mr_entity *e) {
    const kept_entry *entry = entry_of(s, e->heap_slot);
    bool same = entry && entry->generation == mr_heap_generation(s->heap, e->heap_slot);
    return same ? entry->kept : NULL;
}

/* Saves the loaded columns of the object in kept. A value for which there is no memory stays as it was. */
static void update(mr_env *env, mr_expired_insert *kept, mr_entity *e) {
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

mr_expired_insert *mr_expired_insert_copy(const mr_session *s, mr_entity *e) {
    const mr_expired_insert *from = kept_of(s, e);
    size_t n = e->mapper->columns.len;
    mr_expired_insert *made = mr_calloc(s->env, sizeof *made + n * sizeof made->values[0]);
    if (!made) return NULL;
    made->n = n;
    for (size_t i = 0; from && i < from->n && i < n; i++) {
        mr_value copy;
        if (mr_value_copy(s->env, &copy, &from->values[i]) == MR_OK) made->values[i] = copy;
    }
    update(s->env, made, e);
    return made;
}

void mr_expired_insert_replace(mr_session *s, const mr_entity *e, mr_expired_insert *kept) {
    kept_entry *entry = entry_of(s, e->heap_slot);
    kept_entry made = {e->heap_slot, mr_heap_generation(s->heap, e->heap_slot), kept};
    if (!s->expired_inserts) s->expired_inserts = mr_map_new(s->env, sizeof(kept_entry), hash_entry, equal_entries);
    if (entry) {
        mr_expired_insert_free(s->env, entry->kept);
        *entry = made;
    } else if (!s->expired_inserts || !mr_map_put(s->expired_inserts, &made)) {
        mr_expired_insert_free(s->env, kept);
    }
}

void mr_expired_insert_add(mr_session *s, mr_entity *e) {
    mr_error *saved = mr_env_save_error(s->env);
    mr_expired_insert *kept = kept_of(s, e);
    if (kept) update(s->env, kept, e);
    else if ((kept = mr_expired_insert_copy(s, e)) != NULL) mr_expired_insert_replace(s, e, kept);
    mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
}

void mr_expired_insert_give_back(mr_session *s, mr_entity *e, uint64_t unset) {
    const mr_vec *columns = &e->mapper->columns;
    mr_expired_insert *kept = kept_of(s, e);
    for (size_t i = 0; kept && i < columns->len && i < kept->n; i++) {
        const mr_property *prop = mr_vec_ptr(columns, i);
        mr_value *v = &kept->values[i];
        if (prop->slot < 64 && (unset >> prop->slot & 1)) continue;
        if (v->kind == MR_UNLOADED || mr_entity_slot(e, prop->slot)->kind != MR_UNLOADED) continue;
        if (mr_entity_give(e, prop->slot, v) != MR_OK) mr_env_clear_error(s->env);
    }
}

void mr_expired_insert_drop(mr_session *s, uint32_t slot, uint32_t generation) {
    kept_entry *entry = entry_of(s, slot);
    if (!entry || entry->generation != generation) return;
    mr_expired_insert_free(s->env, entry->kept);
    mr_map_remove(s->expired_inserts, entry);
}

void mr_expired_insert_clear(mr_session *s) {
    size_t cursor = 0;
    for (const kept_entry *entry; s->expired_inserts && (entry = mr_map_next(s->expired_inserts, &cursor));)
        mr_expired_insert_free(s->env, entry->kept);
    mr_map_free(s->expired_inserts);
    s->expired_inserts = NULL;
}
