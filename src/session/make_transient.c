/*
 * make_transient.c: make_transient and make_transient_to_detached: the program itself moves an object between states.
 *
 * Invariant: no statement is sent, and the object keeps its values.
 */
#include "session_state.h"
#include "states.h"

/* Marks values that do not fit their columns but came from a row: they may be written to a new row, too. */
static void keep_broken(mr_entity *entity) {
    for (size_t i = 0; i < entity->mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&entity->mapper->columns, i);
        const mr_type *type = mr_column_type(entity->mapper->env, prop->column);
        if (mr_type_is_broken(type, mr_entity_slot(entity, prop->slot))) mr_entity_mark_stored(entity, prop->slot);
    }
}

mr_status mr_session_make_transient(mr_entity *entity) {
    mr_state_leave_closed_session(entity);
    mr_session *s = mr_session_of(entity);
    if (s && mr_session_allow(s, MR_ACT_CHANGE, "make_transient()") != MR_OK) return MR_FAIL;
    if (entity->state == MR_TRANSIENT) return MR_OK;
    /* The foreign keys of the new row come from the columns, unless the program sets a reference again. */
    if (entity->state != MR_PENDING) {
        mr_entity_keep_references(entity);
        keep_broken(entity);
    }
    mr_state_make_transient(s, entity);
    return MR_OK;
}

/* The identity that the object's key values make; bytes borrowed from buf. */
static mr_status identity_of(mr_entity *e, mr_strbuf *buf, mr_value *out) {
    enum { MAX_KEY = 32 };
    mr_value key[MAX_KEY];
    *out = mr_value_of(MR_UNLOADED, 0);
    for (unsigned i = 0; i < e->mapper->npk && e->mapper->npk <= MAX_KEY; i++) {
        key[i] = *mr_entity_slot(e, e->mapper->pk_slots[i]);
        if (key[i].kind == MR_UNLOADED || key[i].kind >= MR_OPAQUE) return MR_OK;
    }
    if (e->mapper->npk <= MAX_KEY) mr_identity_make(e->mapper, key, buf, out);
    return buf->oom ? mr_nomem(e->mapper->env) : MR_OK;
}

mr_status mr_session_make_detached(mr_entity *entity) {
    mr_env *env = entity->mapper->env;
    if (mr_session_of(entity) || entity->state != MR_TRANSIENT)
        return mr_fail(env, MR_ERR_INVALID_REQUEST,
                       "make_transient_to_detached(): the %s is not transient: make_transient() makes it so",
                       entity->mapper->name);
    mr_strbuf buf;
    mr_strbuf_init(&buf, env);
    mr_value identity;
    mr_status status = identity_of(entity, &buf, &identity);
    if (status == MR_OK && identity.kind == MR_UNLOADED)
        status = mr_fail(env, MR_ERR_INVALID_REQUEST,
                         "make_transient_to_detached(): the %s has no primary key: set it first", entity->mapper->name);
    if (status == MR_OK) status = mr_entity_set_identity(entity, &identity);
    mr_strbuf_done(&buf);
    if (status != MR_OK) return MR_FAIL;
    mr_entity_accept(entity);
    entity->state = MR_DETACHED;
    entity->flags |= MR_ENTITY_PARTIAL; /* its missing columns are read when a session has it */
    return MR_OK;
}
