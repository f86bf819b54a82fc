/*
 * relationship.c: loads relationships, checks changes of them, and sets references.
 *
 * Invariant: if a listener, a validator or a check refuses a change, nothing has changed on either side.
 */
#include "attributes.h"
#include "relationships.h"
#include "session_state.h"

static const mr_value no_reference = {MR_NULL, 0, 0, 0, {0}};

/* ---------------------------------------------------------------- loading */

/* Loads the columns of this side that the join condition reads. */
static mr_status load_local_columns(mr_entity *entity, const mr_relationship *rel, bool needed) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        uint16_t slot = rel->pairs[i].local_slot;
        if (slot == UINT16_MAX || mr_entity_slot(entity, slot)->kind != MR_UNLOADED) continue;
        const mr_property *prop = mr_mapper_property_of_column(entity->mapper, rel->pairs[i].local);
        if (prop && mr_attribute_load_column(entity, prop, needed) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status load_relationship(mr_session *s, mr_entity *entity, const mr_relationship *rel, bool needed) {
    mr_status known = mr_load_known_reference(&s->load, entity, rel->prop);
    if (known != MR_NOTFOUND) return known; /* nothing is read, so nothing must be flushed */
    mr_entity_pin(entity);
    mr_status status = mr_session_autoflush_now(s);
    if (status == MR_OK) status = load_local_columns(entity, rel, needed);
    if (status == MR_OK && !mr_attribute_is_loaded(entity, rel->prop)) {
        uint8_t before = mr_session_enter(s, MR_PHASE_LOADING);
        uint64_t reads = s->owner->reads;
        status = needed ? mr_load_needed_relationship(&s->load, entity, rel->prop)
                        : mr_load_relationship(&s->load, entity, rel->prop);
        if (status == MR_OK && !needed)
            status = mr_session_note_access(s, entity, rel->prop, MR_ACCESS_ATTRIBUTE, reads);
        mr_session_leave(s, before);
    }
    mr_entity_unpin(entity);
    return status == MR_NOTFOUND ? MR_OK : status;
}

/* ---------------------------------------------------------------- compared as values */

static mr_status pairs_apart(mr_conn *conn, const mr_column_pair *pairs, unsigned n, bool *out) {
    mr_status status = MR_OK;
    for (unsigned i = 0; i < n && !*out && status == MR_OK; i++)
        if (pairs[i].local->table && pairs[i].remote->table)
            status = mr_conn_columns_apart(conn, pairs[i].local, pairs[i].remote, out);
    return status;
}

static mr_status ask_apart(mr_session *s, const mr_relationship *rel, bool *out) {
    mr_conn *conn;
    *out = false;
    if (mr_session_connect(s, rel->target, &conn) != MR_OK) return MR_FAIL;
    mr_status status = pairs_apart(conn, rel->pairs, rel->npairs, out);
    if (status == MR_OK) status = pairs_apart(conn, rel->secondary_pairs, rel->nsecondary, out);
    mr_session_return_idle_connection(s);
    return status;
}

/* The session to ask. A detached object has none: its row is probably where the program has connected last. */
static mr_session *session_for(const mr_entity *entity) {
    mr_session *own = mr_session_of(entity);
    if (own || entity->state == MR_TRANSIENT) return own;
    const mr_session_common *common = mr_env_get(entity->mapper->env, MR_ENV_SESSION);
    return common ? common->last : NULL;
}

bool mr_session_spells_apart(const mr_entity *entity, mr_relationship *rel) {
    mr_session *s = session_for(entity);
    bool apart;
    if (!s && entity->state == MR_TRANSIENT) return false; /* it has no row */
    if (!s || !s->engine || rel->apart_engine == mr_engine_serial(s->engine)) return rel->apart;
    mr_error *saved = mr_env_save_error(s->env);
    mr_status status = ask_apart(s, rel, &apart);
    if (status == MR_FAIL) mr_env_clear_error(s->env);
    mr_env_restore_error(s->env, saved);
    if (status == MR_FAIL) return rel->apart;
    /* No answer (the table may not exist yet): ask again next time. */
    rel->apart_engine = status == MR_OK ? mr_engine_serial(s->engine) : 0;
    return rel->apart = apart;
}

static mr_status unsaved_value(mr_entity *entity, const mr_relationship *rel, const mr_value **out) {
    *out = &no_reference;
    if (!mr_relationship_is_list(rel)) return MR_OK;
    if (!mr_entity_collection(entity, rel->prop, true)) return MR_FAIL;
    *out = mr_relationship_peek(entity, rel);
    return MR_OK;
}

/* Is it a collection of which a part is loaded, and is that part still what the program may see? */
static bool is_part(const mr_value *v) {
    const mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    return c && c->partial && !mr_collection_changed(c);
}

static mr_status get(mr_entity *entity, const mr_property *prop, bool needed, const mr_value **out) {
    const mr_relationship *rel = prop->relationship;
    if (!mr_relationship_list_of(entity->mapper)) return MR_FAIL;
    const mr_value *v = mr_relationship_peek(entity, rel);
    if (v->kind != MR_UNLOADED && (v->kind != MR_COLLECTION || ((const mr_collection *)v->u.p)->loaded)) {
        *out = v;
        return MR_OK;
    }
    if (!needed && is_part(v)) {
        *out = v;
        return MR_OK;
    }
    mr_state state = mr_session_state_of(entity);
    if (state == MR_TRANSIENT || state == MR_PENDING) return unsaved_value(entity, rel, out);
    mr_session *s = mr_session_of(entity);
    if (!s) return mr_attribute_detached(entity, prop);
    if (load_relationship(s, entity, rel, needed) != MR_OK) return MR_FAIL;
    v = mr_relationship_peek(entity, rel);
    if (v->kind == MR_UNLOADED) return unsaved_value(entity, rel, out);
    *out = v;
    return MR_OK;
}

mr_status mr_relationship_read(mr_entity *entity, const mr_property *prop, const mr_value **out) {
    return get(entity, prop, false, out);
}

mr_status mr_relationship_require(mr_entity *entity, const mr_property *prop, const mr_value **out) {
    return get(entity, prop, true, out);
}

/* ---------------------------------------------------------------- checking */

static mr_status wrong_target(const mr_entity *entity, const mr_relationship *rel, const mr_value *value) {
    const char *got = mr_kind_name(value->kind);
    if (value->kind == MR_ENTITY) got = ((const mr_entity *)value->u.p)->mapper->name;
    return mr_fail(entity->mapper->env, MR_ERR_ARGUMENT, "%s.%s: expected %s, got %s", entity->mapper->name,
                   rel->prop->name, rel->target->name, got);
}

static mr_status check_target(const mr_entity *entity, const mr_relationship *rel, const mr_value *value,
                              bool nullable) {
    if (value->kind == MR_NULL && nullable) return MR_OK;
    if (value->kind == MR_ENTITY && mr_mapper_isa(((const mr_entity *)value->u.p)->mapper, rel->target)) return MR_OK;
    return wrong_target(entity, rel, value);
}

mr_status mr_relationship_check_items(const mr_entity *entity, const mr_relationship *rel, mr_entity *const *items,
                                      uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        mr_value value = mr_value_of(MR_ENTITY, 0);
        value.u.p = items[i];
        if (check_target(entity, rel, &value, false) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* backref: 0, or MR_VALIDATE_BACKREF. */
static mr_status check_side(mr_entity *entity, const mr_relationship *rel, mr_attribute_event event, mr_value *item,
                            unsigned backref) {
    const mr_property *prop = rel->prop;
    unsigned how = backref | (event == MR_EVENT_REMOVE ? (unsigned)MR_VALIDATE_REMOVED : 0);
    if (prop->validate && prop->validate(entity->mapper->env, prop->validate_ud, entity, prop, item, how) != MR_OK)
        return MR_FAIL;
    const mr_value *old = event == MR_EVENT_SET ? mr_relationship_peek(entity, rel) : NULL;
    if (mr_attribute_fire(event, entity, prop, item, old && old->kind != MR_UNLOADED ? old : NULL) != MR_OK)
        return MR_FAIL;
    return check_target(entity, rel, item, event == MR_EVENT_SET);
}

/* Checks that holder may lose member, because another object takes it. */
static mr_status check_loss(mr_entity *holder, const mr_relationship *rel, mr_entity *member) {
    bool list = mr_relationship_is_list(rel);
    mr_value value = list ? mr_value_of(MR_ENTITY, 0) : mr_null_value();
    if (list) value.u.p = member;
    return check_side(holder, rel, list ? MR_EVENT_REMOVE : MR_EVENT_SET, &value, MR_VALIDATE_BACKREF);
}

/* Checks that member may be put into the collection of holder, from the other side. */
static mr_status check_dict(mr_entity *holder, const mr_relationship *rel, mr_entity *member) {
    mr_entity *displaced;
    if (mr_keyed_check(holder, rel, member, &displaced) != MR_OK) return MR_FAIL;
    if (!displaced) return mr_ordering_require(holder, rel);
    mr_value value = mr_value_of(MR_ENTITY, 0);
    value.u.p = displaced;
    return mr_relationship_check_change(holder, rel, MR_EVENT_REMOVE, &value);
}

/* *out: the target of the reference, as the change that follows will find it. Without listeners it does not matter:
 * NULL. */
static mr_status current_target(mr_entity *entity, const mr_relationship *rel, mr_entity **out) {
    bool known;
    *out = NULL;
    return entity->mapper->registry->listened ? mr_reference_target(entity, rel, out, &known) : MR_OK;
}

/* Checks the other side of a change of entity.rel: item gets or loses entity. A replacement value returned by a
 * listener of the other side is ignored. */
static mr_status check_other_side(mr_entity *entity, const mr_relationship *rel, const mr_relationship *reverse,
                                  mr_attribute_event event, mr_entity *item) {
    bool list = mr_relationship_is_list(reverse), gone = event == MR_EVENT_REMOVE;
    mr_entity *holder = NULL;
    if (!list && !gone && current_target(item, reverse, &holder) != MR_OK) return MR_FAIL;
    if (holder && holder != entity && check_loss(holder, rel, item) != MR_OK) return MR_FAIL;
    if (list && !gone && check_dict(item, reverse, entity) != MR_OK) return MR_FAIL;
    mr_value self = mr_value_of(gone && !list ? MR_NULL : MR_ENTITY, 0);
    if (self.kind == MR_ENTITY) self.u.p = entity;
    return check_side(item, reverse,
                      !list  ? MR_EVENT_SET
                      : gone ? MR_EVENT_REMOVE
                             : MR_EVENT_APPEND,
                      &self, MR_VALIDATE_BACKREF);
}

mr_status mr_relationship_check_change(mr_entity *entity, const mr_relationship *rel, mr_attribute_event event,
                                       mr_value *item) {
    mr_entity *old = NULL;
    if (mr_blocks_allow_change(entity, rel->prop) != MR_OK) return MR_FAIL;
    if (check_target(entity, rel, item, event == MR_EVENT_SET) != MR_OK ||
        (event == MR_EVENT_SET && current_target(entity, rel, &old) != MR_OK) ||
        check_side(entity, rel, event, item, 0) != MR_OK)
        return MR_FAIL;
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    mr_entity *now = item->kind == MR_ENTITY ? item->u.p : NULL;
    if (!reverse || (old && old == now)) return MR_OK;
    if (now && mr_blocks_allow_change(now, reverse->prop) != MR_OK) return MR_FAIL;
    if (old && check_loss(old, reverse, entity) != MR_OK) return MR_FAIL;
    return now ? check_other_side(entity, rel, reverse, event, now) : MR_OK;
}

/* ---------------------------------------------------------------- references */

mr_status mr_relationship_set_reference(mr_entity *entity, const mr_property *prop, const mr_value *given) {
    const mr_relationship *rel = prop->relationship;
    mr_env *env = entity->mapper->env;
    if (!mr_relationship_list_of(entity->mapper)) return MR_FAIL;
    if (mr_relationship_is_list(rel))
        return mr_fail(env, MR_ERR_ARGUMENT, "%s.%s is a collection: assign a table of %s objects, or change its items",
                       entity->mapper->name, prop->name, rel->target->name);
    mr_value value = *given;
    if (mr_relationship_check_change(entity, rel, MR_EVENT_SET, &value) != MR_OK) return MR_FAIL;
    mr_both_sides sides;
    mr_both_sides_begin(&sides, env);
    mr_entity *item = value.kind == MR_ENTITY ? value.u.p : NULL;
    return mr_both_sides_end(&sides, mr_both_sides_set_reference(&sides, entity, rel, item));
}
