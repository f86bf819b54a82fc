/*
 * add_delete_expunge.c: session:add, delete and expunge of one object, with their cascades.
 *
 * Invariant: either all objects that the cascade reaches change their state, or none does.
 */
#include "cascade.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

bool mr_session_take_duplicate(mr_session *s) {
    bool twin = s->add_met_duplicate;
    s->add_met_duplicate = false;
    return twin;
}

/* Does the new object refer to none that the cascade could reach? */
static bool is_alone(const mr_entity *e, const mr_relationship_list *relations) {
    if (!(relations->cascades & MR_CASCADE_SAVE_UPDATE)) return true;
    for (unsigned i = 0; i < relations->n; i++) {
        unsigned slot = relations->rels[i]->prop->slot;
        if (slot >= e->nslots || e->slots[slot].kind > MR_NULL) return false;
    }
    return true;
}

/* Is all to be done for the object to put it into the list of new ones? Nearly always. */
static bool is_fresh(const mr_entity *e) {
    return e->state == MR_TRANSIENT && !e->owner && !(e->flags & MR_ENTITY_UNDONE);
}

mr_status mr_session_add(mr_session *s, mr_entity *entity) {
    s->add_met_duplicate = false; /* the flag is about this add */
    if (mr_session_allow(s, MR_ACT_CHANGE, "add()") != MR_OK) return MR_FAIL;
    const mr_relationship_list *relations = mr_relationship_list_of(entity->mapper);
    if (!relations) return MR_FAIL;
    if (is_fresh(entity) && is_alone(entity, relations)) return mr_state_make_pending(s, entity);
    mr_heap_block(s->heap);
    mr_state_leave_closed_session(entity);
    mr_status status;
    bool was_doomed = entity->owner == s->owner && (entity->flags & MR_ENTITY_TO_DELETE);
    bool alone = !(relations->cascades & MR_CASCADE_SAVE_UPDATE);
    if (alone && !(entity->flags & MR_ENTITY_UNDONE)) status = mr_state_admit(s, entity);
    else status = mr_cascade_admit(s, entity, NULL);
    if (status == MR_OK && was_doomed) status = mr_deletion_unmark_reached(s, entity);
    mr_heap_unblock(s->heap);
    return status;
}

static mr_status refuse(mr_session *s, const mr_entity *entity, const char *before, const char *after) {
    mr_strbuf words;
    mr_strbuf_init(&words, s->env);
    mr_fail(s->env, MR_ERR_INVALID_REQUEST, "%s%s%s", before, mr_entity_words(entity, &words), after);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

static mr_status delete_one(mr_session *s, mr_entity *entity) {
    mr_state_leave_closed_session(entity);
    if (mr_state_check_session(s, entity) != MR_OK) return MR_FAIL;
    switch ((mr_state)entity->state) {
    case MR_TRANSIENT:
    case MR_PENDING:
        return refuse(s, entity, "Instance '",
                      "' is not persisted: only what has a row can be deleted (expunge takes a pending one out)");
    case MR_DELETED:
        return MR_OK;
    case MR_DETACHED:
        if (mr_state_attach(s, entity) != MR_OK) return MR_FAIL;
        break;
    case MR_PERSISTENT:
        if ((entity->flags & MR_ENTITY_TO_DELETE) && !(entity->flags & MR_ENTITY_CASCADED)) return MR_OK;
        break;
    }
    return mr_deletion_mark(s, entity);
}

mr_status mr_session_delete(mr_session *s, mr_entity *entity) {
    if (mr_session_allow(s, MR_ACT_CHANGE, "delete()") != MR_OK) return MR_FAIL;
    mr_heap_block(s->heap);
    mr_status status = delete_one(s, entity);
    mr_heap_unblock(s->heap);
    return status;
}

static mr_status expunge(mr_session *s, mr_entity *entity) {
    if (entity->owner != s->owner) return refuse(s, entity, "Instance ", " is not present in this Session");
    mr_cascade w = {.cascade = MR_CASCADE_EXPUNGE};
    mr_status status = mr_cascade_begin(&w, s->env);
    if (status == MR_OK) status = mr_cascade_from(&w, entity);
    for (size_t i = 0; status == MR_OK && i < w.out.len; i++) {
        mr_entity *e = mr_vec_ptr(&w.out, i);
        if (e->owner != s->owner) continue;
        if (e->state == MR_PENDING) mr_state_make_transient(s, e);
        else mr_state_detach(s, e);
    }
    mr_cascade_end(&w);
    return status;
}

mr_status mr_session_expunge(mr_session *s, mr_entity *entity) {
    if (mr_session_allow(s, MR_ACT_CHANGE, "expunge()") != MR_OK) return MR_FAIL;
    if (s->flush_step == MR_FLUSH_STEP_SENDING)
        return mr_fail(s->env, MR_ERR_INVALID_REQUEST,
                       "expunge() is not possible while a flush sends its statements: do it afterwards");
    mr_heap_block(s->heap);
    mr_status status = expunge(s, entity);
    mr_heap_unblock(s->heap);
    return status;
}
