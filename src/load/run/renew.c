/*
 * renew.c: updates objects in memory from rows of a newer version of the data.
 *
 * Outside of a transaction each statement may read a newer version of the data: the row is right, and the object in
 * memory may be old. Invariants: a change made by the program is never lost. No object gets an older value than it has.
 * An object counts as renewed only when all its loaded columns are.
 */
#include "prepared/cache.h"
#include "load_state.h"

static bool is_held(const mr_value *v) {
    if (v->flags & MR_VALUE_DIRTY) return true;
    return v->kind == MR_COLLECTION && mr_collection_changed(v->u.p);
}

/* The column in the slot has changed: unloads the relationships that compare it. */
static void forget_related(mr_entity *e, uint16_t slot) {
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        const mr_relationship *rel = prop->kind == MR_PROPERTY_RELATIONSHIP ? prop->relationship : NULL;
        for (unsigned p = 0; rel && p < rel->npairs; p++) {
            if (rel->pairs[p].local_slot != slot) continue;
            if (!is_held(mr_entity_slot(e, prop->slot))) mr_entity_forget(e, prop->slot);
            break;
        }
    }
}

/* Writes the new value into the slot. *changed: it differs from the old one. */
static mr_status renew_slot(mr_env *env, mr_entity *e, uint16_t slot, const mr_value *value, bool *changed) {
    const mr_value *v = mr_entity_slot(e, slot);
    if (v->flags & MR_VALUE_DIRTY) return mr_entity_put_committed(e, slot, value);
    if (v->kind == value->kind && mr_value_equal(env, v, value)) return MR_OK;
    bool moved = v->kind != MR_UNLOADED;
    if (mr_entity_put(e, slot, value, false) != MR_OK) return MR_FAIL;
    if (moved) forget_related(e, slot);
    *changed = true;
    return MR_OK;
}

static bool is_column(const mr_entity *e, uint16_t slot) {
    const mr_property *prop = mr_mapper_at_slot(e->mapper, slot);
    return prop && (prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_EXPRESSION);
}

/* Has the object loaded a column that is not in the row: a deferred one, or one of a subclass? */
static bool has_more(mr_filled f, mr_entity *e) {
    uint16_t at = 0;
    for (uint16_t slot = 0; slot < e->mapper->nslots; slot++) {
        while (at < f.n && f.slots[at].slot < slot) at++;
        if (at < f.n && f.slots[at].slot == slot) continue;
        const mr_value *v = mr_entity_slot(e, slot);
        if (v->kind == MR_UNLOADED || v->kind == MR_ENTITY || v->kind == MR_COLLECTION) continue;
        if (!(v->flags & MR_VALUE_DIRTY) && is_column(e, slot)) return true;
    }
    return false;
}

static bool is_key(const mr_mapper *mapper, uint16_t slot) {
    for (uint16_t i = 0; i < mapper->npk; i++)
        if (mapper->pk_slots[i] == slot) return true;
    return false;
}

mr_status mr_row_renew(mr_run *run, const mr_plan_entity *pe, mr_entity *e, const mr_value *row) {
    /* A changed object keeps its version, so that the flush notices that the row has changed meanwhile. */
    bool is_changed = (e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE)) != 0;
    const mr_property *version = is_changed ? e->mapper->version : NULL;
    bool changed = false;
    const mr_filled f = mr_plan_filled(pe, e->mapper);
    for (uint16_t i = 0; i < f.n; i++) {
        uint16_t slot = f.slots[i].slot;
        if ((version && version->slot == slot) || is_key(e->mapper, slot)) continue;
        if (renew_slot(run->load->env, e, slot, &row[f.slots[i].column], &changed) != MR_OK) return MR_FAIL;
    }
    if (!version && !has_more(f, e)) e->as_of = e->owner->as_of;
    return changed ? mr_row_note_event(run->load, e, MR_EVENT_REFRESH) : MR_OK;
}

/* ---------------------------------------------------------------- must an eager load ask again? */

static bool is_older(const mr_load *load, const mr_entity *e) {
    return load->outside && load->ctx.owner->versioned && e->as_of != load->ctx.owner->as_of;
}

bool mr_load_is_up_to_date(const mr_load *load, const mr_entity *target) { return !is_older(load, target); }

bool mr_load_must_ask(const mr_load *load, mr_entity *parent, const mr_property *prop) {
    const mr_value *v = mr_entity_slot(parent, prop->slot);
    const mr_relationship *rel = prop->relationship;
    if (v->kind == MR_UNLOADED) return true;
    const mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    if (c && !c->loaded) return !mr_collection_is_part_since(c, load->since);
    if (!load->outside || (v->flags & MR_VALUE_DIRTY)) return false;
    /* The reference itself is a column of the parent: only its target may be old. */
    if (rel->direction == MR_MANY_TO_ONE && rel->use_get) return v->kind == MR_ENTITY && is_older(load, v->u.p);
    return mr_entity_relation_is_older(parent, prop);
}

/* ---------------------------------------------------------------- one object, as a whole */

/* Unloads the deferred columns: a get does not read them, so they would be old after it. */
static void forget_deferred(mr_entity *e) {
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        if (!prop->deferred || prop->kind == MR_PROPERTY_RELATIONSHIP) continue;
        const mr_value *v = mr_entity_slot(e, prop->slot);
        if (v->kind != MR_UNLOADED && !(v->flags & MR_VALUE_DIRTY)) mr_entity_forget(e, prop->slot);
    }
}

mr_status mr_load_again(const mr_load_context *ctx, mr_entity *entity, mr_query *options) {
    mr_entity *found = NULL;
    const mr_value identity = mr_entity_identity(entity);
    mr_load_context any = *ctx;
    any.any_row = true;
    forget_deferred(entity);
    mr_status status = mr_load_by_identity(&any, entity->mapper, &identity, options, &found);
    mr_entity_unpin(found);
    return status;
}
