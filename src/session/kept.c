/*
 * kept.c: what an inserted object had when it expired: a rollback makes it transient again, and nothing else
 * could give its values back.
 *
 * Invariant: only columns are kept, and as the last flush has written them: no object is held by this.
 */
#include "session_state.h"

/* The column's committed value, where there is one to keep. */
static const mr_value *value_to_keep(mr_entity *e, const mr_property *prop, uint64_t unset) {
    if (prop->slot < 64 && (unset >> prop->slot & 1)) return NULL;
    const mr_value *v = mr_entity_committed(e, prop->slot);
    return v->kind == MR_UNLOADED ? NULL : v;
}

static void update(mr_env *env, mr_kept *kept, mr_entity *e) {
    const mr_vec *columns = &e->mapper->columns;
    for (size_t i = 0; i < columns->len && i < kept->n; i++) {
        const mr_value *v = value_to_keep(e, mr_vec_ptr(columns, i), kept->unset);
        mr_value copy;
        if (!v || mr_value_copy(env, &copy, v) != MR_OK) continue;
        mr_value_clear(env, &kept->values[i]);
        kept->values[i] = copy;
    }
}

mr_kept *mr_kept_take(mr_env *env, mr_kept *kept, mr_entity *e, uint64_t unset) {
    mr_error *saved = mr_env_save_error(env);
    size_t n = e->mapper->columns.len;
    if (!kept && (kept = mr_calloc(env, sizeof *kept + n * sizeof kept->values[0])) != NULL) {
        kept->unset = unset;
        kept->n = n;
    }
    if (kept) update(env, kept, e);
    mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
    return kept;
}

void mr_kept_give_back(mr_kept *kept, mr_entity *e) {
    const mr_vec *columns = &e->mapper->columns;
    for (size_t i = 0; i < columns->len && i < kept->n; i++) {
        const mr_property *prop = mr_vec_ptr(columns, i);
        mr_value *v = &kept->values[i];
        if (v->kind == MR_UNLOADED || mr_entity_slot(e, prop->slot)->kind != MR_UNLOADED) continue;
        if (mr_entity_give(e, prop->slot, v) != MR_OK) mr_env_clear_error(e->mapper->env);
    }
}

void mr_kept_free(mr_env *env, mr_kept *kept) {
    for (size_t i = 0; kept && i < kept->n; i++) mr_value_clear(env, &kept->values[i]);
    mr_free(env, kept);
}
