/*
 * step.c: steps of undo: the changes of transactions, and the objects whose rows they have deleted.
 *
 * Invariant: a step keeps its sets and its objects alive; an object that it keeps has no row, and is in no session.
 */
#include "replay.h"
#include "states.h"

mr_step *mr_step_new(mr_env *env) {
    mr_step *step = mr_calloc(env, sizeof *step);
    if (!step) return NULL;
    step->env = env;
    mr_vec_init(&step->sets, env, sizeof(mr_change_set *));
    mr_vec_init(&step->held, env, sizeof(mr_entity *));
    return step;
}

void mr_step_free(mr_step *step) {
    if (!step) return;
    for (size_t i = 0; i < step->sets.len; i++) mr_change_set_release(mr_vec_ptr(&step->sets, i));
    for (size_t i = 0; i < step->held.len; i++) mr_entity_unpin(mr_vec_ptr(&step->held, i));
    mr_vec_done(&step->sets);
    mr_vec_done(&step->held);
    mr_free(step->env, step);
}

mr_status mr_step_add(mr_step *step, mr_change_set *set) {
    if (set->untold) return MR_NOTFOUND;
    for (size_t i = 0; i < set->changes.len; i++) {
        const mr_change *c = mr_change_at(set, i);
        if (c->unknown || !c->table->known) return MR_NOTFOUND;
    }
    if (mr_vec_push_ptr(&step->sets, set) != MR_OK) return MR_FAIL;
    mr_change_set_retain(set);
    step->bytes += set->bytes;
    return MR_OK;
}

mr_status mr_step_join(mr_step *step, mr_step *later) {
    if (mr_vec_reserve(&step->sets, step->sets.len + later->sets.len) != MR_OK ||
        mr_vec_reserve(&step->held, step->held.len + later->held.len) != MR_OK)
        return MR_FAIL;
    for (size_t i = 0; i < later->sets.len; i++) mr_vec_push_ptr(&step->sets, mr_vec_ptr(&later->sets, i));
    for (size_t i = 0; i < later->held.len; i++) mr_vec_push_ptr(&step->held, mr_vec_ptr(&later->held, i));
    step->bytes += later->bytes;
    later->sets.len = later->held.len = 0;
    later->bytes = 0;
    return MR_OK;
}

size_t mr_step_bytes(const mr_step *step) { return step->bytes; }

void mr_step_tables(const mr_step *step, void (*fn)(void *ud, const mr_changed_table *table), void *ud) {
    const mr_changed_table *last = NULL;
    for (size_t s = 0; s < step->sets.len; s++) {
        const mr_change_set *set = mr_vec_ptr(&step->sets, s);
        for (size_t i = 0; i < set->changes.len; i++) {
            const mr_changed_table *table = mr_change_at(set, i)->table;
            if (table != last) fn(ud, table);
            last = table;
        }
    }
}

void mr_step_absent(const mr_step *step, bool undone, void (*fn)(void *ud, const mr_changed_table *table, int64_t key),
                    void *ud) {
    for (size_t s = 0; s < step->sets.len; s++) {
        const mr_change_set *set = mr_vec_ptr(&step->sets, s);
        for (size_t i = 0; i < set->changes.len; i++) {
            const mr_change *c = mr_change_at(set, i);
            const mr_value *values = undone ? c->new_values : c->old_values;
            int key = -1, keys = 0;
            for (unsigned k = 0; values && k < c->n; k++)
                if (c->table->columns[k].key) {
                    key = (int)k;
                    keys++;
                }
            if (keys == 1 && values[key].kind == MR_INT) fn(ud, c->table, values[key].u.i);
        }
    }
}

void mr_session_keep_deleted(mr_session *s, mr_step *step) { s->keeps_deleted = step; }

void mr_step_hold(mr_step *step, mr_entity *entity) {
    mr_error *saved = mr_env_save_error(step->env);
    if (mr_vec_push_ptr(&step->held, entity) == MR_OK) mr_entity_pin(entity);
    mr_env_clear_error(step->env); /* without memory, another object shows the row when it is back */
    mr_env_restore_error(step->env, saved);
}
