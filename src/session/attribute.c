/*
 * attribute.c: the one door to attributes: what kind of property it is, and columns; relationships are in
 * related.c.
 *
 * Invariant: a value is given out only when it is true: an expired or unloaded one is loaded first, and where
 * that cannot be the error says which attribute of which object was meant. A refused value changes nothing.
 */
#include "session_state.h"

#include <stdio.h>

static const mr_value null_value = {MR_NULL, 0, 0, 0, {0}};

mr_status mr_attribute_detached(const mr_entity *e, const mr_property *prop) {
    mr_env *env = e->mapper->env;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_DETACHED_INSTANCE,
            "Instance %s is not bound to a Session; attribute '%s' was never loaded: load it before the "
            "session closes, or merge "
            "the object into a session",
            mr_entity_words(e, &words), prop->name);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

static mr_status object_deleted(mr_entity *e) {
    mr_env *env = e->mapper->env;
    e->flags |= MR_ENTITY_GONE;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_OBJECT_DELETED, "Instance '%s' has been deleted, or its row is otherwise not present.",
            mr_entity_words(e, &words));
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* A synonym's property is the one it stands for. */
static const mr_property *resolve(const mr_entity *entity, const mr_property *prop) {
    if (prop->kind == MR_PROPERTY_SYNONYM) prop = mr_mapper_property(entity->mapper, prop->name, true);
    if (prop && (prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_RELATIONSHIP ||
                 prop->kind == MR_PROPERTY_EXPRESSION))
        return prop;
    mr_fail(entity->mapper->env, MR_ERR_ARGUMENT, "%s.%s is not an attribute that the core keeps", entity->mapper->name,
            prop ? prop->name : "?");
    return NULL;
}

/* ---------------------------------------------------------------- reading columns */

/* All of it has expired, the key as well. */
static bool is_expired(mr_entity *e) { return mr_entity_slot(e, e->mapper->pk_slots[0])->kind == MR_UNLOADED; }

/* The columns that are loaded together with a deferred one: its group. */
static mr_status load_deferred(mr_session *s, mr_entity *e, const mr_property *prop) {
    mr_vec props;
    mr_vec_init(&props, s->env, sizeof(mr_property *));
    mr_status status = mr_vec_push_ptr(&props, (void *)(uintptr_t)prop);
    for (size_t i = 0; status == MR_OK && prop->deferred && prop->deferred_group && i < e->mapper->props.len; i++) {
        mr_property *other = mr_vec_ptr(&e->mapper->props, i);
        if (other == prop || other->deferred_group != prop->deferred_group || other->kind == MR_PROPERTY_RELATIONSHIP)
            continue;
        if (mr_entity_slot(e, other->slot)->kind == MR_UNLOADED) status = mr_vec_push_ptr(&props, other);
    }
    if (status == MR_OK)
        status = mr_load_refresh(&s->load, e, (const mr_property *const *)props.data, (unsigned)props.len);
    mr_vec_done(&props);
    return status;
}

/* prop NULL: all that has expired. MR_NOTFOUND: the row is gone. */
static mr_status load_columns(mr_session *s, mr_entity *e, const mr_property *prop) {
    mr_entity_pin(e);
    mr_status status = mr_session_autoflush_now(s);
    if (status == MR_OK) {
        uint8_t before = mr_session_enter(s, MR_PHASE_LOADING);
        bool expired = is_expired(e);
        if (prop && (prop->deferred || !(expired || (e->flags & MR_ENTITY_PARTIAL)))) {
            if (expired) e->flags |= MR_ENTITY_PARTIAL; /* its other columns are still to be read */
            status = load_deferred(s, e, prop);
        } else {
            status = mr_load_refresh(&s->load, e, NULL, 0);
        }
        mr_session_leave(s, before);
    }
    mr_entity_unpin(e);
    return status;
}

mr_status mr_attribute_bury(mr_session *s, mr_entity *e) {
    if (mr_journal_deleted(s, e) != MR_OK) return MR_FAIL;
    mr_state_bury(s, e);
    return MR_NOTFOUND;
}

mr_status mr_attribute_unexpire(mr_entity *entity) {
    if (entity->state != MR_PERSISTENT || !is_expired(entity)) return MR_OK;
    mr_session *s = mr_session_of(entity);
    if (!s) return mr_attribute_detached(entity, mr_vec_ptr(&entity->mapper->columns, 0));
    mr_status status = load_columns(s, entity, NULL);
    return status == MR_NOTFOUND ? mr_attribute_bury(s, entity) : status;
}

mr_status mr_attribute_load_column(mr_entity *entity, const mr_property *prop) {
    mr_session *s = mr_session_of(entity);
    if (!s) return mr_attribute_detached(entity, prop);
    mr_status status = load_columns(s, entity, prop);
    return status == MR_NOTFOUND ? object_deleted(entity) : status;
}

mr_status mr_attribute_get(mr_entity *entity, const mr_property *prop, const mr_value **out) {
    if (prop->slot < entity->nslots && prop->kind <= MR_PROPERTY_RELATIONSHIP) {
        mr_entity_touch(entity);
        const mr_value *v = &entity->slots[prop->slot];
        if (v->kind != MR_UNLOADED && v->kind != MR_COLLECTION) {
            *out = v;
            return MR_OK;
        }
    }
    if (!(prop = resolve(entity, prop))) return MR_FAIL;
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) return mr_related_get(entity, prop, out);
    if (mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED) {
        mr_state state = mr_session_state_of(entity);
        if (state != MR_TRANSIENT && state != MR_PENDING && mr_attribute_load_column(entity, prop) != MR_OK)
            return MR_FAIL;
    }
    const mr_value *v = mr_entity_slot(entity, prop->slot);
    *out = v->kind == MR_UNLOADED ? &null_value : v;
    return MR_OK;
}

bool mr_attribute_is_loaded(mr_entity *entity, const mr_property *prop) {
    if (prop->kind == MR_PROPERTY_SYNONYM) prop = mr_mapper_property(entity->mapper, prop->name, true);
    if (!prop || prop->kind == MR_PROPERTY_SYNONYM) return false;
    const mr_value *v = mr_entity_slot(entity, prop->slot);
    if (v->kind == MR_COLLECTION) return ((const mr_collection *)v->u.p)->loaded;
    return v->kind != MR_UNLOADED;
}

/* ---------------------------------------------------------------- setting */

mr_status mr_attribute_fire(mr_attribute_event event, mr_entity *entity, const mr_property *prop, mr_value *value,
                            const mr_value *old) {
    const mr_vec *hooks = &entity->mapper->attribute_hooks;
    uint64_t last = entity->mapper->registry->hooks, fired = 0;
    for (size_t i = 0; i < hooks->len; i++) {
        mr_attribute_hook hook = *(mr_attribute_hook *)mr_vec_at(hooks, i);
        if (hook.serial <= fired || hook.serial > last || hook.prop->name != prop->name) continue;
        if (hook.fn(entity->mapper->env, hook.ud, event, entity, prop, value, old) != MR_OK) return MR_FAIL;
        fired = hook.serial;
        i = SIZE_MAX; /* from the start again: hooks may have gone, and there are few */
    }
    return MR_OK;
}

mr_status mr_attribute_coerce(const mr_mapper *mapper, const mr_property *prop, mr_value *value) {
    mr_env *env = mapper->env;
    const mr_type *type = mr_column_type(env, prop->column);
    bool object = value->kind == MR_ENTITY || value->kind == MR_COLLECTION;
    if (!object && mr_type_coerce(env, type, prop->name, value) == MR_OK) return MR_OK;
    char what[160]; /* only now: most values are right */
    snprintf(what, sizeof what, "%s.%s", mapper->name, prop->name);
    if (!object) return mr_type_coerce(env, type, what, value);
    return mr_fail(env, MR_ERR_ARGUMENT, "%s: expected %s, got an object", what, mr_type_wants(type));
}

/* A primary key that has expired is known all the same: what refers to it must be found by it, and an equal
 * value is no change. */
static mr_status recall_key(mr_entity *entity, const mr_property *prop) {
    enum { MAX_KEY = 32 };
    const mr_mapper *mapper = entity->mapper;
    mr_value key[MAX_KEY];
    if (mapper->npk > MAX_KEY || entity->identity.kind == MR_UNLOADED) return MR_OK;
    mr_identity_values(mapper, &entity->identity, key);
    for (unsigned i = 0; i < mapper->npk; i++) {
        if (mapper->pk_slots[i] != prop->slot) continue;
        entity->flags |= MR_ENTITY_PARTIAL; /* its other columns are still to be read */
        return mr_entity_put(entity, prop->slot, &key[i], false);
    }
    return MR_OK;
}

static bool is_equal_scalar(mr_env *env, const mr_value *stored, const mr_value *value) {
    bool strings = (stored->kind == MR_TEXT || stored->kind == MR_BLOB) && value->kind == MR_TEXT;
    mr_value as_text = *stored;
    if (strings) as_text.kind = MR_TEXT;
    return as_text.kind == value->kind && mr_value_equal(env, &as_text, value);
}

/* A value that is none of the type's, and was read all the same (bad_values = "keep"), may be put back. */
static bool is_put_back(mr_entity *entity, const mr_property *prop, mr_value *value) {
    mr_env *env = entity->mapper->env;
    const mr_value *held[] = {mr_entity_slot(entity, prop->slot), mr_entity_committed(entity, prop->slot)};
    for (int i = 0; i < 2; i++) {
        if (held[i]->kind == MR_UNLOADED || !is_equal_scalar(env, held[i], value)) continue;
        value->kind = held[i]->kind;
        return true;
    }
    return false;
}

/* Of an object that has expired, the row is asked first: from there such a value may come. */
static mr_status read_again(mr_entity *entity, const mr_property *prop) {
    if (entity->state != MR_PERSISTENT || mr_entity_slot(entity, prop->slot)->kind != MR_UNLOADED ||
        !mr_session_of(entity) || mr_entity_is_dirty(entity, prop->slot))
        return MR_OK;
    return mr_attribute_load_column(entity, prop);
}

/* Is it a value that makes a difference where the row has the same already: one that breaks the declaration, or a
 * string, which may be there as a blob? */
static bool is_doubtful(const mr_entity *entity, const mr_property *prop, const mr_value *value) {
    const mr_type *type = mr_column_type(entity->mapper->env, prop->column);
    bool blob = mr_type_is_any(type) || (entity->flags & MR_ENTITY_BAD_KEEP);
    return (blob && value->kind == MR_TEXT) || mr_type_is_broken(type, value);
}

/* Checks the value, and normalises it. */
static mr_status fit(mr_entity *entity, const mr_property *prop, mr_value *value) {
    mr_env *env = entity->mapper->env;
    mr_value given = *value;
    bool fits = mr_attribute_coerce(entity->mapper, prop, value) == MR_OK;
    if (fits && !is_doubtful(entity, prop, value)) return MR_OK;
    bool scalar = given.kind >= MR_INT && given.kind < MR_OPAQUE;
    mr_error *refusal = fits ? NULL : mr_env_save_error(env);
    bool asked = scalar && (fits || entity->flags & MR_ENTITY_BAD_KEEP);
    bool known = asked && read_again(entity, prop) == MR_OK;
    if (!known) mr_env_clear_error(env);
    if (known && is_put_back(entity, prop, &given)) {
        mr_error_free(env, refusal);
        mr_env_clear_error(env);
        *value = given;
        return MR_OK;
    }
    mr_env_restore_error(env, refusal);
    return fits ? MR_OK : MR_FAIL;
}

static mr_status set_column(mr_entity *entity, const mr_property *prop, const mr_value *given) {
    mr_value value = *given;
    mr_env *env = entity->mapper->env;
    if (mr_blocks_allow_change(entity, prop) != MR_OK) return MR_FAIL;
    if (prop->validate && prop->validate(env, prop->validate_ud, entity, prop, &value) != MR_OK) return MR_FAIL;
    if (fit(entity, prop, &value) != MR_OK) return MR_FAIL;
    if (prop->active_history && entity->state == MR_PERSISTENT && mr_session_of(entity) &&
        mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED && mr_attribute_load_column(entity, prop) != MR_OK)
        return MR_FAIL;
    if (prop->is_primary_key && entity->state == MR_PERSISTENT &&
        mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED && recall_key(entity, prop) != MR_OK)
        return MR_FAIL;
    if (entity->mapper->attribute_hooks.len > 0) {
        const mr_value *old = mr_entity_slot(entity, prop->slot);
        if (mr_attribute_fire(MR_EVENT_SET, entity, prop, &value, old->kind == MR_UNLOADED ? NULL : old) != MR_OK ||
            fit(entity, prop, &value) != MR_OK)
            return MR_FAIL;
    }
    return mr_entity_set(entity, prop->slot, &value);
}

mr_status mr_attribute_set(mr_entity *entity, const mr_property *prop, const mr_value *value) {
    if (!(prop = resolve(entity, prop))) return MR_FAIL;
    if (prop->kind == MR_PROPERTY_EXPRESSION)
        return mr_fail(entity->mapper->env, MR_ERR_ARGUMENT,
                       "%s.%s is computed by the database and cannot be set: set the columns it is made of",
                       entity->mapper->name, prop->name);
    mr_heap *heap = mr_heap_of(entity->mapper->env);
    if (!heap) return MR_FAIL;
    mr_heap_block(heap);
    mr_state_settle(entity);
    mr_status status =
        prop->kind == MR_PROPERTY_COLUMN ? set_column(entity, prop, value) : mr_related_set(entity, prop, value);
    mr_heap_unblock(heap);
    return status;
}

/* ---------------------------------------------------------------- is it modified? */

static bool slot_is_set(const mr_value *v) {
    if (v->kind == MR_COLLECTION) return ((const mr_collection *)v->u.p)->n > 0;
    return v->kind != MR_UNLOADED;
}

bool mr_entity_is_changed(const mr_entity *entity) {
    for (unsigned slot = 0; slot < entity->mapper->nslots; slot++) {
        if (mr_entity_is_dirty(entity, slot)) return true;
        const mr_value *v = mr_entity_committed(entity, slot);
        if (v->kind == MR_COLLECTION && mr_collection_changed(v->u.p)) return true;
    }
    return false;
}

void mr_session_compare(mr_session *s) {
    if (s->hooks[MR_SESSION_COMPARE].len > 0 && mr_session_fire(s, MR_SESSION_COMPARE) != MR_OK)
        mr_env_clear_error(s->env);
}

bool mr_session_is_modified(mr_session *s, mr_entity *entity) {
    mr_session_compare(s);
    mr_entity_touch(entity);
    if (entity->state != MR_PENDING && entity->state != MR_TRANSIENT) return mr_entity_is_changed(entity);
    for (unsigned slot = 0; slot < entity->mapper->nslots; slot++)
        if (slot_is_set(mr_entity_slot(entity, slot))) return true;
    return false;
}
