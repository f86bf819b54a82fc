/*
 * get.c: one object by its primary key: from the identity map without a statement, else from its row.
 *
 * Invariant: an object from the map is up to date when it is given out. It is read again if it has expired, and outside
 * of a transaction also if the session has read a newer version of the data since.
 */
#include "attributes.h"
#include "session_state.h"
#include "states.h"

static mr_status wrong_count(const mr_mapper *mapper, unsigned n) {
    mr_strbuf names;
    mr_strbuf_init(&names, mapper->env);
    for (unsigned i = 0; i < mapper->npk; i++) {
        mr_strbuf_printf(&names, "%s%s", i ? ", " : "", mr_mapper_at_slot(mapper, mapper->pk_slots[i])->name);
    }
    const char *text = mr_strbuf_str(&names);
    if (text)
        mr_fail(mapper->env, MR_ERR_ARGUMENT,
                "the primary key of %s has %u column%s (%s), but get() was given %u value%s", mapper->name,
                (unsigned)mapper->npk, mapper->npk == 1 ? "" : "s", text, n, n == 1 ? "" : "s");
    mr_strbuf_done(&names);
    return MR_FAIL;
}

/* Makes the value one of the key's type. What was read remembers how its row spells it, and stays so. */
static mr_status key_value(const mr_mapper *mapper, const mr_property *prop, mr_value *value, mr_store_room *room) {
    const mr_type *type = mr_column_type(mapper->env, prop->column);
    bool read = value->kind == type->rules->kind && value->kind >= MR_DATE && value->kind <= MR_INTERVAL && value->len;
    return read ? MR_OK : mr_attribute_coerce(mapper, prop, value, room);
}

mr_status mr_session_identity(const mr_session *s, const mr_mapper *mapper, const mr_value *key, mr_strbuf *buf,
                              mr_value *out) {
    enum { INLINE_KEYS = 8 };
    mr_value inline_values[INLINE_KEYS], *values = inline_values;
    unsigned n = mapper->npk;
    if (n > INLINE_KEYS && !(values = mr_alloc(mapper->env, n * sizeof *values))) return MR_FAIL;
    mr_status status = MR_OK;
    mr_store_room room = {.env = mapper->env, .dialect = s->owner->dialect};
    for (unsigned i = 0; status == MR_OK && i < n; i++) {
        values[i] = key[i];
        status = key_value(mapper, mr_mapper_at_slot(mapper, mapper->pk_slots[i]), &values[i], &room);
    }
    if (status == MR_OK && !mr_identity_make(mapper, values, buf, out))
        status = buf->oom ? mr_nomem(mapper->env) : MR_NOTFOUND;
    mr_store_done(&room);
    if (values != inline_values) mr_free(mapper->env, values);
    return status;
}

/* Reads the object's row again: the object is older than what the session has read since. A changed object keeps its
 * changes; if its row is gone, the next flush reports it. */
static mr_status renew(mr_session *s, mr_entity *e, mr_query *options) {
    uint8_t before = mr_session_enter(s, MR_PHASE_LOADING);
    mr_status status = mr_load_again(&s->load, e, options);
    mr_session_leave(s, before);
    if (status != MR_NOTFOUND || (e->flags & (MR_ENTITY_MODIFIED | MR_ENTITY_TO_DELETE))) return status;
    return mr_attribute_row_is_gone(s, e);
}

MR_APART static bool is_older(mr_session *s, const mr_entity *e) {
    return e->as_of != s->owner->as_of && s->owner->versioned && e->state == MR_PERSISTENT &&
           mr_session_reads_outside(s);
}

mr_entity *mr_session_known(mr_session *s, const mr_mapper *mapper, int64_t key, bool *absent) {
    const mr_owner *owner = s->owner;
    *absent = false;
    if (s->lost || s->dead_levels || s->block_ended || s->phase > MR_PHASE_FLUSHING) return NULL;
    if (!mapper->int_key || !mapper->configured) return NULL;
    mr_entity *e = mr_idmap_get_int(owner->idmap, mapper->root, key);
    *absent = !e;
    if (!e || e->state != MR_PERSISTENT || e->generation != owner->generation) return NULL;
    if (e->as_of != owner->as_of && is_older(s, e)) return NULL;
    if (e->mapper != mapper && !mr_mapper_isa(e->mapper, mapper)) return NULL;
    uint16_t slot = mapper->pk_slots[0];
    return slot < e->nslots && e->slots[slot].kind != MR_UNLOADED ? e : NULL;
}

/* *out: the object of the identity map, up to date, pinned. MR_DONE: the map has none. MR_NOTFOUND: it is of another
 * class, or its row is gone. */
static mr_status from_map(mr_session *s, mr_mapper *mapper, const mr_value *identity, mr_query *options,
                          mr_entity **out) {
    mr_entity *e = mr_idmap_get(s->owner->idmap, mapper->root, identity);
    if (!e) return MR_DONE;
    if (!mr_mapper_isa(e->mapper, mapper)) return MR_NOTFOUND;
    mr_entity_pin(e);
    mr_status status = mr_attribute_load_if_expired(e);
    if (status == MR_OK && is_older(s, e)) status = renew(s, e, options);
    if (status == MR_OK && e->state == MR_DELETED) status = MR_NOTFOUND; /* the autoflush has deleted it */
    if (status == MR_OK) {
        *out = e;
        return MR_OK;
    }
    mr_entity_unpin(e);
    return status;
}

/* Would an autoflush do anything? */
static bool has_work(const mr_session *s) { return !mr_session_is_clean(s) || mr_session_may_have_edits(s); }

static mr_status load(mr_session *s, mr_mapper *mapper, const mr_value *identity, mr_query *options, mr_entity **out) {
    uint8_t before = mr_session_enter(s, MR_PHASE_LOADING);
    mr_status status = mr_load_by_identity(&s->load, mapper, identity, options, out);
    mr_session_leave(s, before);
    return status;
}

static mr_status find(mr_session *s, mr_mapper *mapper, const mr_value *identity, mr_query *options, bool populate,
                      mr_entity **out) {
    mr_status status;
    if (!populate && (status = from_map(s, mapper, identity, options, out)) != MR_DONE) return status;
    if (has_work(s) && (!options || options->autoflush)) {
        if (mr_session_autoflush_now(s) != MR_OK) return MR_FAIL;
        /* The flush may have inserted the object that is wanted. */
        if (!populate && (status = from_map(s, mapper, identity, options, out)) != MR_DONE) return status;
    }
    mr_entity *known = populate ? mr_idmap_get(s->owner->idmap, mapper->root, identity) : NULL;
    if (known && mr_expire_one(s, known) != MR_OK) return MR_FAIL;
    if (known) mr_session_drop_edits(s, known);
    return load(s, mapper, identity, options, out);
}

mr_status mr_session_get_absent(mr_session *s, mr_mapper *mapper, int64_t key, mr_entity **out) {
    mr_value identity = mr_int_value(key);
    /* A flush may insert it. */
    if (has_work(s)) return mr_session_get(s, mapper, &identity, 1, NULL, false, out);
    *out = NULL;
    if (mr_session_allow(s, MR_ACT_READ, "get()") != MR_OK) return MR_FAIL;
    return load(s, mapper, &identity, NULL, out);
}

mr_status mr_session_get(mr_session *s, mr_mapper *mapper, const mr_value *key, unsigned n, mr_query *options,
                         bool populate_existing, mr_entity **out) {
    *out = NULL;
    if (mr_session_allow(s, MR_ACT_READ, "get()") != MR_OK) return MR_FAIL;
    if (!mapper->configured && mr_registry_configure(mapper->registry) != MR_OK) return MR_FAIL;
    if (n != mapper->npk) return wrong_count(mapper, n);
    mr_value identity;
    mr_strbuf buf;
    mr_strbuf_init(&buf, s->env);
    mr_status status = mr_session_identity(s, mapper, key, &buf, &identity);
    if (status == MR_OK) status = find(s, mapper, &identity, options, populate_existing, out);
    mr_strbuf_done(&buf);
    return status;
}
