/*
 * attribute.c: the entry for reading and setting any attribute. Columns are handled here, relationships in
 * relationship.c.
 *
 * Invariant: a value that is given out is true: an expired or unloaded one is loaded first. If it cannot be loaded, the
 * error names the attribute and the object. A refused value changes nothing.
 */
#include "attributes.h"
#include "journal.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

#include <stdio.h>

static const mr_value null_value = {MR_NULL, 0, 0, 0, {0}};

/* Has the whole object expired? Then it has none of its columns. */
static bool has_no_columns(mr_entity *e) {
    for (size_t i = 0; i < e->mapper->columns.len; i++) {
        const mr_property *column = mr_vec_ptr(&e->mapper->columns, i);
        if (mr_entity_slot(e, column->slot)->kind != MR_UNLOADED) return false;
    }
    return true;
}

mr_status mr_attribute_detached(mr_entity *e, const mr_property *prop) {
    mr_env *env = e->mapper->env;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_DETACHED_INSTANCE,
            has_no_columns(e)
                ? "Instance %s is not bound to a Session; attribute '%s' has expired (by a commit, a rollback or "
                  "expire): merge the object into a session, read it before, or open the session with "
                  "expire_on_commit = false"
                : "Instance %s is not bound to a Session; attribute '%s' is not loaded: load it before the session "
                  "closes, or merge the object into a session",
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

/* The property that a synonym stands for; any other property is returned as it is. */
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

/* Has the whole object expired, its key included? */
static bool is_expired(mr_entity *e) { return mr_entity_slot(e, e->mapper->pk_slots[0])->kind == MR_UNLOADED; }

/* Loads a column that the class or the query has deferred, together with the other columns of its group. */
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
    const mr_property *const *all = (const mr_property *const *)props.data;
    if (status == MR_OK) status = mr_load_deferred(&s->load, e, all, (unsigned)props.len);
    mr_vec_done(&props);
    return status;
}

/* Loads the column; prop NULL: all columns that have expired. needed: not the program has asked. MR_NOTFOUND: the row
 * is gone. */
static mr_status load_columns(mr_session *s, mr_entity *e, const mr_property *prop, bool needed) {
    mr_entity_pin(e);
    mr_status status = mr_session_autoflush_now(s);
    if (status == MR_OK) {
        uint8_t before = mr_session_enter(s, MR_PHASE_LOADING);
        bool expired = is_expired(e);
        uint64_t reads = s->owner->reads;
        mr_access access = expired ? MR_ACCESS_EXPIRED : MR_ACCESS_LACKING;
        if (prop && (prop->deferred || !(expired || (e->flags & MR_ENTITY_PARTIAL)))) {
            if (expired) e->flags |= MR_ENTITY_PARTIAL; /* its other columns are still to be read */
            access = MR_ACCESS_ATTRIBUTE;
            status = load_deferred(s, e, prop);
        } else {
            status = expired ? mr_load_refresh(&s->load, e, NULL, 0) : mr_load_lacking(&s->load, e);
        }
        if (status == MR_OK && !needed) status = mr_session_note_access(s, e, prop, access, reads);
        mr_session_leave(s, before);
    }
    mr_entity_unpin(e);
    return status;
}

mr_status mr_attribute_row_is_gone(mr_session *s, mr_entity *e) {
    if (mr_journal_deleted(s, e) != MR_OK) return MR_FAIL;
    mr_state_make_deleted(s, e);
    return MR_NOTFOUND;
}

mr_status mr_attribute_load_if_expired(mr_entity *entity) {
    if (entity->state != MR_PERSISTENT || !is_expired(entity)) return MR_OK;
    mr_session *s = mr_session_of(entity);
    if (!s) return mr_attribute_detached(entity, mr_vec_ptr(&entity->mapper->columns, 0));
    mr_status status = load_columns(s, entity, NULL, true);
    return status == MR_NOTFOUND ? mr_attribute_row_is_gone(s, entity) : status;
}

mr_status mr_attribute_load_column(mr_entity *entity, const mr_property *prop, bool needed) {
    mr_session *s = mr_session_of(entity);
    if (!s) return mr_attribute_detached(entity, prop);
    mr_status status = load_columns(s, entity, prop, needed);
    return status == MR_NOTFOUND ? object_deleted(entity) : status;
}

/* The type of the column where the object's rows are; of an object in no session, that for any dialect. */
static const mr_type *type_of(mr_entity *e, const mr_property *prop) {
    const mr_type *type = mr_column_type(e->mapper->env, prop->column);
    mr_session *s = type->variants ? mr_session_of(e) : NULL;
    return s && s->engine ? mr_type_in(type, mr_engine_dialect(s->engine)->name) : type;
}

/* Has a load of the whole row left the column out, because its value cannot be read? */
static bool is_left_out(mr_entity *entity, const mr_property *prop) {
    return prop->kind == MR_PROPERTY_COLUMN && type_of(entity, prop)->rules->late && entity->state == MR_PERSISTENT &&
           mr_session_of(entity);
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
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) return mr_relationship_read(entity, prop, out);
    if (mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED) {
        mr_state state = mr_session_state_of(entity);
        if (state != MR_TRANSIENT && state != MR_PENDING && mr_attribute_load_column(entity, prop, false) != MR_OK)
            return MR_FAIL;
    }
    const mr_value *v = mr_entity_slot(entity, prop->slot);
    if (v->kind == MR_UNLOADED && is_left_out(entity, prop)) {
        if (mr_attribute_load_column(entity, prop, false) != MR_OK) return MR_FAIL;
        v = mr_entity_slot(entity, prop->slot);
    }
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
        i = SIZE_MAX; /* from the start again: a listener may have removed others; the list is short */
    }
    return MR_OK;
}

mr_status mr_attribute_coerce(const mr_mapper *mapper, const mr_property *prop, mr_value *value, mr_store_room *room) {
    mr_env *env = mapper->env;
    const mr_type *type = mr_type_in(mr_column_type(env, prop->column), room->dialect);
    bool object = value->kind == MR_ENTITY || value->kind == MR_COLLECTION;
    if (!object && mr_type_coerce(env, type, prop->name, value) == MR_OK &&
        mr_type_fit(env, type, prop->name, value, room) == MR_OK)
        return MR_OK;
    char what[160]; /* made only now, because most values are right */
    snprintf(what, sizeof what, "%s.%s", mapper->name, prop->name);
    if (!object && mr_type_coerce(env, type, what, value) == MR_OK) return mr_type_fit(env, type, what, value, room);
    if (!object) return MR_FAIL;
    return mr_fail(env, MR_ERR_ARGUMENT, "%s: expected %s, got an object", what, mr_type_wants(type));
}

bool mr_attribute_fits(const mr_property *prop, mr_value *value) {
    if (prop->kind != MR_PROPERTY_COLUMN || prop->validate || prop->computed) return false;
    const mr_type *type = prop->column->type;
    bool fitted = type && type->rules->fit && !type->rules->fits_by_dialect; /* the object has no session yet */
    if (!type || type->rules->cut || fitted || type->decorator || type->variants) return false;
    if (mr_type_takes(type, (mr_kind)value->kind)) return true;
    if (mr_type_is_json(type)) return false; /* its text is made first */
    mr_env *env = prop->mapper->env;
    const void *bytes = value->u.p;
    if (!type->rules->coerce || !type->rules->coerce(env, type, value)) return false;
    return !mr_kind_is_bytes(value->kind) || value->u.p == bytes;
}

/* The same for a value that the type does not take as it is. */
MR_APART static bool overwrite_converted(mr_entity *e, const mr_property *prop, const mr_value *value) {
    mr_value converted = *value;
    return mr_attribute_fits(prop, &converted) && mr_kind_is_plain(converted.kind) &&
           mr_type_takes(prop->column->type, (mr_kind)converted.kind) && mr_attribute_overwrite(e, prop, &converted);
}

bool mr_attribute_overwrite(mr_entity *e, const mr_property *prop, const mr_value *value) {
    if (e->mapper->attribute_hooks.len > 0 || prop->kind != MR_PROPERTY_COLUMN || prop->validate || prop->computed ||
        prop->in_composite)
        return false;
    const mr_type *type = prop->column->type;
    if (!type || type->rules->breaks || type->decorator || type->variants) return false;
    if (!mr_type_takes(type, (mr_kind)value->kind)) return overwrite_converted(e, prop, value);
    const mr_owner *owner = e->owner;
    if (owner) {
        const mr_session *s = owner->session;
        if (!s || s->block_ended || e->generation != owner->generation) return false;
    }
    return mr_entity_overwrite(e, prop->slot, value);
}

/* Puts the value of an expired key column back from the identity, without a statement: objects that refer to the key
 * must be found by the old value, and setting an equal value is no change. */
static mr_status key_from_identity(mr_entity *entity, const mr_property *prop) {
    enum { MAX_KEY = 32 };
    const mr_mapper *mapper = entity->mapper;
    mr_value key[MAX_KEY];
    if (mapper->npk > MAX_KEY || !mr_entity_has_identity(entity)) return MR_OK;
    mr_entity_key(entity, key);
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

/* A value that does not fit the type but was read from the row (bad_values = "keep") may be set again. Is value such
 * one? Then it gets the kind of the stored value. */
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

/* Loads the column if it has expired, because its row may hold such a value. */
static mr_status load_row_first(mr_entity *entity, const mr_property *prop) {
    if (entity->state != MR_PERSISTENT || mr_entity_slot(entity, prop->slot)->kind != MR_UNLOADED ||
        !mr_session_of(entity) || mr_entity_is_dirty(entity, prop->slot))
        return MR_OK;
    return mr_attribute_load_column(entity, prop, false);
}

/* Must the value be compared with the stored one before it is accepted? Yes if it breaks the column's declaration, or
 * if it is a string, which the row may hold as a blob. */
static bool is_doubtful(mr_entity *entity, const mr_property *prop, const mr_value *value) {
    const mr_type *type = type_of(entity, prop);
    bool blob = mr_type_is_any(type) || (entity->flags & MR_ENTITY_BAD_KEEP);
    return (blob && value->kind == MR_TEXT) || mr_type_is_broken(type, value);
}

/* Checks the value, and converts it to the form that the column stores. */
static mr_status check_value(mr_entity *entity, const mr_property *prop, mr_value *value, mr_store_room *room) {
    mr_env *env = entity->mapper->env;
    mr_value given = *value;
    bool fits = mr_attribute_coerce(entity->mapper, prop, value, room) == MR_OK;
    if (fits && !is_doubtful(entity, prop, value)) return MR_OK;
    bool scalar = given.kind >= MR_INT && given.kind < MR_OPAQUE;
    mr_error *refusal = fits ? NULL : mr_env_save_error(env);
    bool asked = scalar && (fits || entity->flags & MR_ENTITY_BAD_KEEP);
    bool known = asked && load_row_first(entity, prop) == MR_OK;
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

static mr_status set_fitting(mr_entity *entity, const mr_property *prop, const mr_value *given, mr_store_room *room) {
    mr_value value = *given;
    mr_env *env = entity->mapper->env;
    if (mr_blocks_allow_change(entity, prop) != MR_OK) return MR_FAIL;
    if (prop->validate && prop->validate(env, prop->validate_ud, entity, prop, &value, 0) != MR_OK) return MR_FAIL;
    if (check_value(entity, prop, &value, room) != MR_OK) return MR_FAIL;
    if (prop->active_history && entity->state == MR_PERSISTENT && mr_session_of(entity) &&
        mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED &&
        mr_attribute_load_column(entity, prop, false) != MR_OK)
        return MR_FAIL;
    if (prop->is_primary_key && entity->state == MR_PERSISTENT &&
        mr_entity_slot(entity, prop->slot)->kind == MR_UNLOADED && key_from_identity(entity, prop) != MR_OK)
        return MR_FAIL;
    if (entity->mapper->attribute_hooks.len > 0) {
        const mr_value *old = mr_entity_slot(entity, prop->slot);
        if (mr_attribute_fire(MR_EVENT_SET, entity, prop, &value, old->kind == MR_UNLOADED ? NULL : old) != MR_OK ||
            check_value(entity, prop, &value, room) != MR_OK)
            return MR_FAIL;
    }
    return mr_entity_set(entity, prop->slot, &value);
}

static mr_status set_column(mr_entity *entity, const mr_property *prop, const mr_value *given) {
    mr_store_room room;
    room.env = entity->mapper->env;
    room.texts = NULL;
    room.filled = false;
    room.dialect = NULL;
    const mr_type *type = prop->column->type;
    if (!type || type->variants || type->rules->fits_by_dialect) {
        const mr_session *s = mr_session_of(entity);
        if (s && s->engine) room.dialect = mr_engine_dialect(s->engine)->name;
    }
    mr_status status = set_fitting(entity, prop, given, &room);
    mr_store_done(&room);
    if (status == MR_OK && prop->in_composite) mr_entity_note_set(entity, prop);
    return status;
}

mr_status mr_attribute_set(mr_entity *entity, const mr_property *prop, const mr_value *value) {
    if (!(prop = resolve(entity, prop))) return MR_FAIL;
    if (prop->kind == MR_PROPERTY_EXPRESSION || prop->computed)
        return mr_fail(entity->mapper->env, MR_ERR_ARGUMENT,
                       "%s.%s is computed by the database and cannot be set: set the columns it is made of",
                       entity->mapper->name, prop->name);
    mr_heap *heap = mr_heap_of(entity->mapper->env);
    if (!heap) return MR_FAIL;
    mr_heap_block(heap);
    mr_state_leave_closed_session(entity);
    mr_status status = prop->kind == MR_PROPERTY_COLUMN ? set_column(entity, prop, value)
                                                        : mr_relationship_set_reference(entity, prop, value);
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

void mr_session_compare_mutable(mr_session *s) {
    if (mr_session_note_edits(s) != MR_OK) mr_env_clear_error(s->env);
}

bool mr_session_is_modified(mr_session *s, mr_entity *entity) {
    mr_session_compare_mutable(s);
    if (mr_entity_note_edits(entity) != MR_OK) { /* it has an edit that cannot be stored */
        mr_env_clear_error(s->env);
        return true;
    }
    mr_entity_touch(entity);
    if (entity->state != MR_PENDING && entity->state != MR_TRANSIENT) return mr_entity_is_changed(entity);
    for (unsigned slot = 0; slot < entity->mapper->nslots; slot++)
        if (slot_is_set(mr_entity_slot(entity, slot))) return true;
    return false;
}
