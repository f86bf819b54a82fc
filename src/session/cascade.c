/*
 * cascade.c: walks along relationships: they find the objects that save-update, delete, expunge and refresh-expire
 * reach.
 *
 * Invariant: no recursion: the objects that were reached wait in a list, so a chain may be a million objects long.
 * When a walk has ended, no object has the flag VISITED. A walk that loads may run listeners, which may start other
 * walks: it keeps a set of its own instead of the flags.
 */
#include "cascade.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

mr_status mr_cascade_begin(mr_cascade *w, mr_env *env) {
    mr_vec_init(&w->found, env, sizeof(mr_entity *));
    mr_vec_init(&w->out, env, sizeof(mr_entity *));
    w->at = 0;
    w->seen = NULL;
    if (w->loads) w->seen = mr_map_new(env, sizeof(mr_entity *), mr_map_hash_ptr, mr_map_equal_ptr);
    return w->loads && !w->seen ? MR_FAIL : MR_OK;
}

void mr_cascade_end(mr_cascade *w) {
    for (size_t i = 0; !w->seen && i < w->out.len; i++)
        ((mr_entity *)mr_vec_ptr(&w->out, i))->flags &= ~(uint32_t)MR_ENTITY_VISITED;
    mr_map_free(w->seen);
    mr_vec_done(&w->found);
    mr_cascade_release(&w->out);
}

bool mr_cascade_has_reached(const mr_cascade *w, const mr_entity *e) {
    return w->seen ? mr_map_get(w->seen, &e) != NULL : (e->flags & MR_ENTITY_VISITED) != 0;
}

mr_status mr_cascade_reach(mr_cascade *w, mr_entity *e) {
    if (mr_cascade_has_reached(w, e)) return MR_OK;
    if (w->seen && !mr_map_put(w->seen, &e)) return MR_FAIL;
    if (mr_vec_push_ptr(&w->out, e) != MR_OK) {
        if (w->seen) mr_map_remove(w->seen, &e);
        return MR_FAIL;
    }
    mr_entity_pin(e);
    if (!w->seen) e->flags |= MR_ENTITY_VISITED;
    return MR_OK;
}

static bool is_loadable(const mr_entity *e) { return e->state == MR_PERSISTENT && mr_session_of(e) != NULL; }

static mr_status reach_related(mr_cascade *w, mr_entity *e, const mr_relationship *rel) {
    const mr_value *ignored;
    bool reads = w->loads && !rel->passive_deletes && is_loadable(e) && !mr_attribute_is_loaded(e, rel->prop);
    if (reads && mr_relationship_require(e, rel->prop, &ignored) != MR_OK) return MR_FAIL;
    w->found.len = 0;
    if (mr_relationship_items(e, rel, w->cascade == MR_CASCADE_SAVE_UPDATE, &w->found) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < w->found.len; i++) {
        mr_entity *item = mr_vec_ptr(&w->found, i);
        mr_status passes = w->passes ? w->passes(w->ud, e, rel, item) : MR_OK;
        if (passes == MR_DONE) continue;
        if (passes != MR_OK || mr_cascade_reach(w, item) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_cascade_walk(mr_cascade *w) {
    for (; w->at < w->out.len; w->at++) {
        mr_entity *e = mr_vec_ptr(&w->out, w->at);
        const mr_relationship_list *relations = mr_relationship_list_of(e->mapper);
        if (!relations) return MR_FAIL;
        if (!(relations->cascades & w->cascade)) continue;
        for (unsigned i = 0; i < relations->n; i++)
            if ((relations->rels[i]->cascade & w->cascade) && reach_related(w, e, relations->rels[i]) != MR_OK)
                return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_cascade_from(mr_cascade *w, mr_entity *from) {
    return mr_cascade_reach(w, from) == MR_OK ? mr_cascade_walk(w) : MR_FAIL;
}

void mr_cascade_release(mr_vec *reached) {
    for (size_t i = 0; i < reached->len; i++) mr_entity_unpin(mr_vec_ptr(reached, i));
    mr_vec_done(reached);
}

/* ---------------------------------------------------------------- save-update */

void mr_cascade_take_back(mr_session *s, mr_vec *admitted) {
    while (admitted->len > 0) {
        mr_entity *e = mr_vec_ptr(admitted, --admitted->len);
        if (e->state == MR_PENDING) mr_state_make_transient(s, e);
        else mr_state_detach(s, e);
        mr_entity_unpin(e);
    }
}

/* A collection may still show an object that a flush has deleted. Such an object is not added. */
static bool is_passed_over(const mr_session *s, const mr_entity *e) {
    return e->state == MR_DELETED && e->owner == s->owner;
}

static mr_status admit_all(mr_session *s, const mr_vec *reached, mr_vec *admitted) {
    for (size_t i = 0; i < reached->len; i++) {
        mr_entity *e = mr_vec_ptr(reached, i);
        if (i > 0 && is_passed_over(s, e)) continue;
        bool known = mr_session_contains(s, e);
        if (!known && mr_vec_push_ptr(admitted, e) != MR_OK) return MR_FAIL;
        if (mr_state_admit(s, e) != MR_OK) {
            if (!known) admitted->len--;
            return MR_FAIL;
        }
        if (!known) mr_entity_pin(e);
    }
    return MR_OK;
}

/* The walk does not go on through objects that are in the session already. */
static mr_status is_new_there(void *ud, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    (void)entity;
    (void)rel;
    return mr_session_contains(ud, item) ? MR_DONE : MR_OK;
}

/* Call when all of them are in the session. Objects that refer to them hold them again: see mr_both_sides_restore. */
static mr_status link_again(mr_session *s, const mr_vec *admitted) {
    mr_both_sides sides;
    mr_both_sides_begin(&sides, s->env);
    mr_status status = MR_OK;
    for (size_t i = 0; status == MR_OK && i < admitted->len; i++) {
        mr_entity *e = mr_vec_ptr(admitted, i);
        if (e->flags & MR_ENTITY_UNDONE) status = mr_both_sides_restore(&sides, e);
    }
    if (mr_both_sides_end(&sides, status) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < admitted->len; i++)
        ((mr_entity *)mr_vec_ptr(admitted, i))->flags &= ~(uint32_t)MR_ENTITY_UNDONE;
    return MR_OK;
}

mr_status mr_cascade_admit(mr_session *s, mr_entity *entity, mr_vec *admitted) {
    mr_vec mine;
    mr_vec_init(&mine, s->env, sizeof(mr_entity *));
    mr_cascade w = {.cascade = MR_CASCADE_SAVE_UPDATE, .passes = is_new_there, .ud = s};
    mr_status status = mr_cascade_begin(&w, s->env);
    if (status == MR_OK) status = mr_cascade_from(&w, entity);
    if (status == MR_OK) status = admit_all(s, &w.out, &mine);
    if (status == MR_OK) status = link_again(s, &mine);
    if (status == MR_OK && admitted) {
        status = mr_vec_reserve(admitted, admitted->len + mine.len);
        for (size_t i = 0; status == MR_OK && i < mine.len; i++)
            mr_vec_push_ptr(admitted, mr_entity_pin(mr_vec_ptr(&mine, i)));
    }
    if (status != MR_OK) mr_cascade_take_back(s, &mine);
    mr_cascade_release(&mine);
    mr_cascade_end(&w);
    return status;
}
