/*
 * entity.c: makes entities, and writes their slots.
 *
 * Invariant: bytes in a slot are either MR_VALUE_OWNED, or packed in the entity's own block. A cleared slot whose text
 * was packed remembers the room (MR_UNLOADED with tag PACKED_ROOM), so that text that is read again can be stored
 * there.
 */
#include "heap_private.h"

#include <string.h>

enum { PACKED_ROOM = 1 };

/* ---------------------------------------------------------------- making */

static char *pack(char *text, mr_value *dst, const mr_value *src) {
    *dst = mr_bytes_value((mr_kind)src->kind, text, src->len);
    dst->tag = src->tag;
    if (src->len) memcpy(text, src->u.s, src->len);
    return text + src->len;
}

mr_entity *mr_entity_new(mr_env *env, mr_mapper *mapper) { return mr_entity_new_with(env, mapper, NULL, 0); }

/* What the program has not said: the value of polymorphic_on. NULL: it has, or there is none. */
static const mr_value *own_identity(const mr_mapper *mapper, const mr_slot_value *values, unsigned n) {
    const mr_property *prop = mapper->discriminator;
    if (!prop || prop->kind != MR_PROPERTY_COLUMN || mapper->polymorphic_identity.kind == MR_UNLOADED) return NULL;
    for (unsigned i = 0; i < n; i++)
        if (values[i].slot == prop->slot) return NULL;
    return &mapper->polymorphic_identity;
}

mr_entity *mr_entity_new_with(mr_env *env, mr_mapper *mapper, const mr_slot_value *values, unsigned n) {
    mr_heap *heap = mr_heap_of(env);
    if (!heap || heap_reserve(heap) != MR_OK) return NULL;
    const mr_value *identity = mapper->discriminator ? own_identity(mapper, values, n) : NULL;
    size_t bytes = identity && mr_kind_is_bytes(identity->kind) ? identity->len : 0;
    for (unsigned i = 0; i < n; i++)
        if (mr_kind_is_bytes(values[i].value.kind)) bytes += values[i].value.len;
    mr_entity *e = mr_heap_allocate(heap, mapper, bytes);
    if (!e) return NULL;
    memset(e->slots, 0, e->nslots * sizeof *e->slots);
    char *text = (char *)&e->slots[e->nslots];
    for (unsigned i = 0; i < n; i++) {
        const mr_value *v = &values[i].value;
        mr_value *place = &e->slots[values[i].slot];
        if (mr_kind_is_bytes(v->kind)) text = pack(text, place, v);
        else *place = *v;
    }
    if (identity && mr_kind_is_bytes(identity->kind)) pack(text, &e->slots[mapper->discriminator->slot], identity);
    else if (identity) e->slots[mapper->discriminator->slot] = *identity;
    heap_adopt(heap, e);
    return e;
}

/* The values of a new entity. */
typedef struct loaded_values {
    const mr_value *row;
    const mr_slot_source *sources; /* NULL: slot i is value i */
    unsigned n;
} loaded_values;

static inline size_t text_length(const mr_value *v) { return mr_kind_is_bytes(v->kind) ? v->len : 0; }

static inline size_t packed_size(const mr_value *identity, const loaded_values *from) {
    size_t text = mr_identity_packed_size(identity);
    if (from->sources)
        for (unsigned i = 0; i < from->n; i++) text += text_length(&from->row[from->sources[i].column]);
    else
        for (unsigned i = 0; i < from->n; i++) text += text_length(&from->row[i]);
    return text;
}

/* A value that refers to something: an entity, or an opaque value. */
static mr_status fill_counted(mr_heap *heap, mr_entity *e, mr_value *slot, const mr_value *v) {
    e->owns = true;
    if (v->kind == MR_ENTITY) heap_mark_written(heap, v->u.p);
    if (v->kind != MR_OPAQUE) return MR_OK;
    return mr_value_copy(heap->env, slot, v);
}

/* Writes one value into a slot of the new block. Returns the end of the packed text. */
static inline char *fill_slot(mr_heap *heap, mr_entity *e, mr_value *slot, const mr_value *v, char *text,
                              mr_status *status) {
    *slot = *v;
    slot->flags = 0;
    if (mr_kind_is_bytes(v->kind)) {
        slot->u.s = text;
        if (v->len) memcpy(text, v->u.s, v->len);
        return text + v->len;
    }
    if (v->kind >= MR_OPAQUE && fill_counted(heap, e, slot, v) != MR_OK) *status = MR_FAIL;
    return text;
}

/* Writes the identity and the values into the new block. The other slots are MR_UNLOADED. */
static mr_status fill_block(mr_heap *heap, mr_entity *e, const mr_value *identity, const loaded_values *from) {
    char *text = mr_identity_pack(e, identity, (char *)&e->slots[e->nslots]);
    unsigned filled = from->sources ? 0 : from->n;
    if (filled < e->nslots) memset(&e->slots[filled], 0, (e->nslots - filled) * sizeof *e->slots);
    mr_status status = MR_OK;
    if (from->sources)
        for (unsigned i = 0; i < from->n; i++) {
            const mr_slot_source *source = &from->sources[i];
            if (source->slot >= e->nslots) continue;
            text = fill_slot(heap, e, &e->slots[source->slot], &from->row[source->column], text, &status);
        }
    else
        for (unsigned i = 0; i < from->n; i++) text = fill_slot(heap, e, &e->slots[i], &from->row[i], text, &status);
    return status;
}

mr_entity *mr_entity_load_at(mr_owner *owner, mr_mapper *mapper, const mr_value *identity, const mr_value *row,
                             const mr_slot_source *sources, unsigned n, const mr_idmap_place *at) {
    mr_heap *heap = mr_env_get(owner->env, MR_ENV_HEAP); /* there is one: the owner has a map */
    if (heap_reserve(heap) != MR_OK) return NULL;
    const loaded_values from = {row, sources, sources || n < mapper->nslots ? n : mapper->nslots};
    mr_entity *e = mr_heap_allocate(heap, mapper, packed_size(identity, &from));
    if (!e) return NULL;
    if (fill_block(heap, e, identity, &from) != MR_OK) {
        mr_heap_discard(heap, e);
        return NULL;
    }
    e->owner = owner;
    owner->refs++;
    e->generation = owner->generation;
    e->as_of = n > 0 ? owner->as_of : MR_AS_OF_NOTHING;
    e->state = MR_PERSISTENT;
    heap_adopt(heap, e);
    mr_idmap_put_at(owner->idmap, e, at);
    return e;
}

mr_entity *mr_entity_load(mr_owner *owner, mr_mapper *mapper, const mr_value *identity, const mr_value *values,
                          unsigned n) {
    mr_idmap_place at;
    if (mr_idmap_vacant(owner->idmap, mapper, identity, &at) != MR_OK) return NULL;
    return mr_entity_load_at(owner, mapper, identity, values, NULL, n, &at);
}

/* ---------------------------------------------------------------- places */

entity_extra *mr_entity_extra(const mr_entity *e) {
    return e->flags & MR_ENTITY_EXTRA ? mr_map_get(heap_of(e)->extras, &e) : NULL;
}

mr_value *mr_entity_place(const mr_entity *e, unsigned slot) {
    if (slot < e->nslots) return (mr_value *)&e->slots[slot];
    const entity_extra *extra = mr_entity_extra(e);
    return extra && slot - e->nslots < extra->n ? &extra->values[slot - e->nslots] : NULL;
}

static mr_status grow_extra(mr_entity *e, unsigned nslots) {
    mr_heap *heap = heap_of(e);
    entity_extra *extra = mr_entity_extra(e);
    uint32_t was = extra ? extra->n : 0, n = nslots - e->nslots;
    if (n <= was) return MR_OK;
    mr_value *values = mr_realloc(heap->env, extra ? extra->values : NULL, n * sizeof *values);
    if (!values) return MR_FAIL;
    memset(values + was, 0, (n - was) * sizeof *values);
    if (extra) {
        extra->values = values;
        extra->n = n;
    } else {
        entity_extra made = {e, n, values};
        if (!mr_map_put(heap->extras, &made)) {
            mr_free(heap->env, values);
            return MR_FAIL;
        }
        e->flags |= MR_ENTITY_EXTRA;
        e->owns = true;
    }
    heap->bytes += (n - was) * sizeof *values;
    return MR_OK;
}

mr_value *mr_entity_make_place(mr_entity *e, unsigned slot) {
    e->owns = true; /* the caller may write a value that the entity owns */
    mr_value *place = mr_entity_place(e, slot);
    if (place) return place;
    unsigned nslots = slot < e->mapper->nslots ? e->mapper->nslots : slot + 1;
    return grow_extra(e, nslots) == MR_OK ? mr_entity_place(e, slot) : NULL;
}

mr_status mr_entity_reserve(mr_entity *entity) {
    return entity->mapper->nslots > entity->nslots ? grow_extra(entity, entity->mapper->nslots) : MR_OK;
}

const mr_value *mr_entity_slot(mr_entity *entity, unsigned slot) {
    static const mr_value unloaded = {MR_UNLOADED, 0, 0, 0, {0}};
    mr_entity_touch(entity);
    const mr_value *place = mr_entity_place(entity, slot);
    return place ? place : &unloaded;
}

bool mr_entity_extra_is_dirty(const mr_entity *entity, unsigned slot) {
    const mr_value *place = mr_entity_place(entity, slot);
    return place && (place->flags & MR_VALUE_DIRTY);
}

/* ---------------------------------------------------------------- writing */

void mr_entity_clear_value(mr_heap *heap, mr_value *v) {
    if (v->kind == MR_COLLECTION) {
        mr_collection *c = v->u.p;
        *v = mr_value_of(MR_UNLOADED, 0);
        mr_collection_free(heap, c);
    } else if (mr_kind_is_bytes(v->kind) && !(v->flags & MR_VALUE_OWNED)) {
        v->kind = MR_UNLOADED;
        v->flags = 0;
        v->tag = PACKED_ROOM;
    } else {
        heap->bytes -= value_bytes(v);
        mr_value_clear(heap->env, v);
    }
}

/* Moves v into place, and clears the old value. */
static void write_place(mr_heap *heap, mr_value *place, const mr_value *v) {
    mr_value made = *v, old = *place;
    heap->bytes += value_bytes(&made);
    if (made.kind == MR_ENTITY) heap_mark_written(heap, made.u.p);
    *place = made; /* first, because clearing the old value may run callbacks */
    mr_entity_clear_value(heap, &old);
}

/* Copies bytes into the packed room of the slot, if they fit there. */
static bool write_packed(mr_value *place, const mr_value *v) {
    bool room = place->kind == MR_UNLOADED ? place->tag == PACKED_ROOM
                                           : mr_kind_is_bytes(place->kind) && !(place->flags & MR_VALUE_OWNED);
    if (!room || !mr_kind_is_bytes(v->kind) || v->len > place->len) return false;
    char *text = place->u.p;
    if (v->len) memmove(text, v->u.s, v->len);
    *place = mr_bytes_value((mr_kind)v->kind, text, v->len);
    place->tag = v->tag;
    return true;
}

static mr_status refuse_collection(mr_env *env, const mr_value *v) {
    if (v->kind != MR_COLLECTION) return MR_OK;
    return mr_fail(env, MR_ERR_ERROR, "a collection is made in its slot, never written");
}

/* The value of the slot does not count as a change any more. */
static void drop_change(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place) {
    if (!(place->flags & MR_VALUE_DIRTY)) return;
    mr_value old;
    mr_history_take(e, slot, &old);
    mr_entity_clear_value(heap, &old);
    place->flags &= (uint8_t)~MR_VALUE_DIRTY;
}

/* Is it the JSON text of which the layer above has made a table already? Then the table stays. */
static bool is_shown_text(const mr_value *place, const mr_value *v) {
    return (place->flags & MR_VALUE_SHOWN) && v->kind == MR_JSON && place->kind == MR_JSON && v->len == place->len &&
           memcmp(v->u.s, place->u.s, v->len) == 0;
}

mr_status mr_entity_put(mr_entity *entity, unsigned slot, const mr_value *value, bool force) {
    mr_heap *heap = heap_of(entity);
    mr_entity_touch(entity);
    if (refuse_collection(heap->env, value) != MR_OK) return MR_FAIL;
    mr_value *place = mr_entity_make_place(entity, slot);
    if (!place) return MR_FAIL;
    bool dirty = (place->flags & MR_VALUE_DIRTY) != 0;
    if (dirty && !force) return MR_OK;
    if (value->kind == MR_UNLOADED) {
        mr_entity_forget(entity, slot);
        return MR_OK;
    }
    if (!dirty && !force && is_shown_text(place, value)) return MR_OK;
    if (!dirty && write_packed(place, value)) return MR_OK;
    mr_value copy;
    if (mr_value_copy(heap->env, &copy, value) != MR_OK) return MR_FAIL;
    drop_change(heap, entity, slot, place);
    write_place(heap, place, &copy);
    if (dirty) mr_entity_leave_if_clean(entity);
    return MR_OK;
}

mr_status mr_entity_put_committed(mr_entity *entity, unsigned slot, const mr_value *value) {
    mr_heap *heap = heap_of(entity);
    mr_value *old = mr_history_find(entity, slot);
    mr_value copy;
    if (!old || (old->kind == value->kind && mr_value_equal(heap->env, old, value))) return MR_OK;
    if (mr_value_copy(heap->env, &copy, value) != MR_OK) return MR_FAIL;
    write_place(heap, old, &copy);
    return MR_OK;
}

bool mr_entity_relation_is_older(mr_entity *entity, const mr_property *prop) {
    const mr_value *v = mr_entity_slot(entity, prop->slot);
    const mr_owner *owner = entity->owner;
    if (!owner || (v->flags & MR_VALUE_DIRTY)) return false;
    if (v->kind == MR_COLLECTION) {
        const mr_collection *c = v->u.p;
        return c->loaded && c->as_of != owner->as_of && !mr_collection_changed(c);
    }
    return (v->kind == MR_ENTITY || v->kind == MR_NULL) && v->len != owner->as_of;
}

/* Gives a slot that never had a value one that owns nothing: what every new row's key and NULLs are. */
static bool give_plain(mr_entity *e, unsigned slot, mr_value *value) {
    if (slot >= e->nslots || e->slots[slot].kind != MR_UNLOADED || !mr_kind_is_plain(value->kind) ||
        mr_entity_history(e) || e->slots[slot].flags || (e->owner && e->generation != e->owner->generation))
        return false;
    e->slots[slot] = *value;
    e->slots[slot].flags = 0;
    *value = mr_value_of(MR_UNLOADED, 0);
    mr_entity_leave_if_clean(e);
    return true;
}

mr_status mr_entity_give(mr_entity *entity, unsigned slot, mr_value *value) {
    if (give_plain(entity, slot, value)) return MR_OK;
    mr_heap *heap = heap_of(entity);
    mr_entity_touch(entity);
    mr_value *place = mr_entity_make_place(entity, slot);
    if (!place) return MR_FAIL;
    /* Borrowed bytes must be copied. */
    if (mr_kind_is_bytes(value->kind) && !(value->flags & MR_VALUE_OWNED))
        return mr_entity_put(entity, slot, value, true);
    mr_value made = *value;
    *value = mr_value_of(MR_UNLOADED, 0);
    made.flags &= MR_VALUE_OWNED;
    drop_change(heap, entity, slot, place);
    write_place(heap, place, &made);
    mr_entity_leave_if_clean(entity);
    return MR_OK;
}

void mr_entity_mark_shown(mr_entity *entity, unsigned slot) {
    mr_value *place = mr_entity_place(entity, slot);
    if (place && place->kind != MR_UNLOADED && place->kind != MR_COLLECTION) place->flags |= MR_VALUE_SHOWN;
}

void mr_entity_forget(mr_entity *entity, unsigned slot) {
    mr_heap *heap = heap_of(entity);
    mr_entity_touch(entity);
    mr_value *place = mr_entity_place(entity, slot);
    if (!place) return;
    bool dirty = (place->flags & MR_VALUE_DIRTY) != 0;
    drop_change(heap, entity, slot, place);
    mr_entity_clear_value(heap, place);
    if (dirty) mr_entity_leave_if_clean(entity);
}

/* The first change of the slot: its value becomes the committed value. On failure nothing has changed. */
static mr_status first_change(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place, const mr_value *value) {
    mr_value copy;
    if (mr_value_copy(heap->env, &copy, value) != MR_OK) return MR_FAIL;
    bool had_history = mr_entity_history(e) != NULL;
    if (mr_history_reserve(e) != MR_OK) goto fail;
    if (mr_entity_mark_modified(e) != MR_OK) {
        if (!had_history) mr_history_drop(heap, e);
        goto fail;
    }
    mr_history_push(e, slot, place);
    *place = mr_value_of(MR_UNLOADED, 0);
    copy.flags |= MR_VALUE_DIRTY;
    write_place(heap, place, &copy);
    return MR_OK;
fail:
    mr_value_clear(heap->env, &copy);
    return MR_FAIL;
}

/* Puts the committed value of a changed slot back. The trace follows committed values, too, so there is nothing to
 * mark. */
static void restore(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place) {
    mr_value old, changed = *place;
    mr_history_take(e, slot, &old);
    *place = old;
    mr_entity_clear_value(heap, &changed);
}

/* Is value equal to the value in place? Lua has one kind of strings, so text and a blob of the same bytes are equal. A
 * NULL that was read in place of a bad value (len is not 0) differs from a real NULL. */
static bool is_same(mr_env *env, const mr_value *place, const mr_value *value) {
    if (place->kind == MR_NULL) return value->kind == MR_NULL && place->len == value->len;
    if (place->kind == value->kind) return mr_value_equal(env, place, value);
    bool strings =
        (place->kind == MR_TEXT || place->kind == MR_BLOB) && (value->kind == MR_TEXT || value->kind == MR_BLOB);
    return strings && place->len == value->len && (place->len == 0 || memcmp(place->u.s, value->u.s, place->len) == 0);
}

mr_status mr_entity_set(mr_entity *entity, unsigned slot, const mr_value *value) {
    mr_heap *heap = heap_of(entity);
    mr_entity_touch(entity);
    if (refuse_collection(heap->env, value) != MR_OK) return MR_FAIL;
    if (value->kind == MR_UNLOADED) {
        mr_entity_forget(entity, slot);
        return MR_OK;
    }
    mr_value *place = mr_entity_make_place(entity, slot);
    if (!place) return MR_FAIL;
    if (is_same(heap->env, place, value)) return MR_OK;
    bool keeps_history = entity->state != MR_TRANSIENT && entity->state != MR_PENDING;
    if (keeps_history && !(place->flags & MR_VALUE_DIRTY)) return first_change(heap, entity, slot, place, value);
    const mr_value *old = keeps_history ? mr_history_find(entity, slot) : NULL;
    if (old && is_same(heap->env, old, value)) {
        restore(heap, entity, slot, place);
        mr_entity_leave_if_clean(entity);
        return MR_OK;
    }
    mr_value copy;
    if (mr_value_copy(heap->env, &copy, value) != MR_OK) return MR_FAIL;
    if (place->flags & MR_VALUE_DIRTY) copy.flags |= MR_VALUE_DIRTY;
    write_place(heap, place, &copy);
    return MR_OK;
}

/* ---------------------------------------------------------------- all slots at once */

typedef void (*place_fn)(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place);

static void each_place(mr_heap *heap, mr_entity *e, place_fn fn) {
    for (unsigned i = 0; i < e->nslots; i++) fn(heap, e, i, &e->slots[i]);
    const entity_extra *extra = mr_entity_extra(e);
    for (uint32_t i = 0; extra && i < extra->n; i++) fn(heap, e, e->nslots + i, &extra->values[i]);
}

static void accept_places(mr_value *places, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        if (places[i].kind == MR_COLLECTION) mr_collection_accept(places[i].u.p);
        places[i].flags &= (uint8_t)~MR_VALUE_DIRTY;
    }
}

void mr_entity_accept(mr_entity *entity) {
    if (mr_entity_history(entity)) mr_history_drop(heap_of(entity), entity);
    accept_places(entity->slots, entity->nslots);
    const entity_extra *extra = mr_entity_extra(entity);
    if (extra) accept_places(extra->values, extra->n);
    mr_entity_leave_dirty(entity);
}

static void keep_reference(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place) {
    (void)heap;
    (void)e;
    (void)slot;
    if (place->kind == MR_ENTITY && !(place->flags & MR_VALUE_DIRTY)) place->flags |= MR_VALUE_KEPT;
}

void mr_entity_mark_stored(mr_entity *entity, unsigned slot) {
    mr_value *place = mr_entity_place(entity, slot);
    if (place && !(place->flags & MR_VALUE_DIRTY)) place->flags |= MR_VALUE_STORED;
}

void mr_entity_keep_references(mr_entity *entity) {
    mr_entity_touch(entity);
    each_place(heap_of(entity), entity, keep_reference);
}

static void revert_place(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place) {
    if (!(place->flags & MR_VALUE_DIRTY)) return;
    if (place->kind == MR_COLLECTION && !mr_history_find(e, slot)) {
        mr_collection_revert(place->u.p);
        place->flags &= (uint8_t)~MR_VALUE_DIRTY;
    } else {
        restore(heap, e, slot, place);
    }
}

void mr_entity_revert(mr_entity *entity) {
    if (entity_is_expired(entity)) {
        mr_entity_check_expired(entity);
        return;
    }
    each_place(heap_of(entity), entity, revert_place);
    mr_entity_leave_dirty(entity);
}

static void clear_place(mr_heap *heap, mr_entity *e, unsigned slot, mr_value *place) {
    (void)e;
    (void)slot;
    mr_entity_clear_value(heap, place);
}

void mr_entity_expire(mr_entity *entity) {
    mr_heap *heap = heap_of(entity);
    mr_history_drop(heap, entity);
    each_place(heap, entity, clear_place);
    if (entity->faced) mr_faces_free(heap, entity);
    entity->flags &= ~(uint32_t)MR_ENTITY_PARTIAL;
    entity->as_of = MR_AS_OF_NOTHING;
    if (entity->owner) entity->generation = entity->owner->generation;
    mr_entity_leave_dirty(entity);
}

bool mr_entity_check_expired(mr_entity *entity) {
    if (!entity->owner || entity->generation == entity->owner->generation) return false;
    if (!entity_is_expired(entity)) {
        entity->generation = entity->owner->generation; /* it has no row: its values do not expire */
        return false;
    }
    mr_entity_expire(entity);
    return true;
}

/* ---------------------------------------------------------------- roots */

void mr_entity_hold(mr_entity *entity) {
    entity->flags |= MR_ENTITY_HELD;
    heap_mark_handle(heap_of(entity), entity);
}

void mr_entity_unhold(mr_entity *entity) { entity->flags &= ~(uint32_t)MR_ENTITY_HELD; }

mr_entity *mr_entity_pin(mr_entity *entity) {
    entity->pins++;
    heap_mark_handle(heap_of(entity), entity);
    return entity;
}
