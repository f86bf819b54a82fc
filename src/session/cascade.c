/*
 * cascade.c: walks over graphs of objects: what save-update, delete, expunge and refresh-expire reach.
 *
 * Invariant: no recursion: what was reached waits in a list, so a chain may be a million objects long.
 * VISITED marks are gone again when a function returns; a walk that loads, and so runs callbacks, keeps a set
 * of its own in their place.
 */
#include "session_state.h"

typedef struct walk {
    unsigned cascade;
    mr_session *halt; /* save-update: what is in this session already is not walked through */
    bool loads;       /* delete: relationships are loaded */
    mr_map *seen;     /* when it loads: mr_entity * */
    mr_vec found;     /* of one relationship */
    mr_vec *out;      /* mr_entity *, pinned */
} walk;

static mr_status reach(walk *w, mr_entity *e) {
    if (w->seen ? mr_map_get(w->seen, &e) != NULL : (e->flags & MR_ENTITY_VISITED) != 0) return MR_OK;
    if (w->seen && !mr_map_put(w->seen, &e)) return MR_FAIL;
    if (mr_vec_push_ptr(w->out, e) != MR_OK) return MR_FAIL;
    mr_entity_pin(e);
    if (!w->seen) e->flags |= MR_ENTITY_VISITED;
    return MR_OK;
}

static bool is_loadable(const mr_entity *e) {
    return e->state == MR_PERSISTENT && mr_session_of(e) != NULL;
}

static bool refers_elsewhere(mr_entity *e, const mr_relationship *rel, mr_entity *item) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        if (pair->remote_slot == UINT16_MAX || pair->local_slot == UINT16_MAX) continue;
        const mr_value *key = mr_entity_slot(item, pair->remote_slot);
        if (!mr_entity_is_dirty(item, pair->remote_slot)) continue;
        if (!mr_value_equal(e->mapper->env, key, mr_entity_committed(e, pair->local_slot))) return true;
    }
    return false;
}

/* A row that is read as e's, and whose object is another's by now. read: the collection was loaded just now;
 * otherwise it says itself what it holds. */
static bool has_moved(mr_entity *e, const mr_relationship *rel, mr_entity *item, bool read) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    if (rel->direction != MR_ONE_TO_MANY || item->state != MR_PERSISTENT) return false;
    if (reverse && reverse->direction == MR_MANY_TO_ONE) {
        const mr_value *v = mr_relation_peek(item, reverse);
        if (v->flags & MR_VALUE_DIRTY) return v->kind != MR_ENTITY || v->u.p != e;
    }
    return read && refers_elsewhere(e, rel, item);
}

static mr_status follow(walk *w, mr_entity *e, const mr_relationship *rel) {
    const mr_value *ignored;
    bool reads = w->loads && !rel->passive_deletes && is_loadable(e) && !mr_attribute_is_loaded(e, rel->prop);
    if (reads && mr_related_need(e, rel->prop, &ignored) != MR_OK) return MR_FAIL;
    w->found.len = 0;
    if (mr_relation_items(e, rel, w->cascade == MR_CASCADE_SAVE_UPDATE, &w->found) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < w->found.len; i++) {
        mr_entity *item = mr_vec_ptr(&w->found, i);
        if (w->halt && mr_session_contains(w->halt, item)) continue;
        if (w->loads && has_moved(e, rel, item, reads)) continue;
        if (reach(w, item) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

void mr_cascade_release(mr_vec *reached) {
    for (size_t i = 0; i < reached->len; i++) mr_entity_unpin(mr_vec_ptr(reached, i));
    mr_vec_done(reached);
}

static mr_status run_walk(walk *w, mr_entity *from) {
    mr_vec_init(&w->found, from->mapper->env, sizeof(mr_entity *));
    mr_status status = reach(w, from);
    for (size_t at = 0; status == MR_OK && at < w->out->len; at++) {
        mr_entity *e = mr_vec_ptr(w->out, at);
        const mr_relations *relations = mr_relations_of(e->mapper);
        if (!relations) status = MR_FAIL;
        if (!relations || !(relations->cascades & w->cascade)) continue;
        for (unsigned i = 0; status == MR_OK && i < relations->n; i++)
            if (relations->rels[i]->cascade & w->cascade) status = follow(w, e, relations->rels[i]);
    }
    for (size_t i = 0; !w->seen && i < w->out->len; i++)
        ((mr_entity *)mr_vec_ptr(w->out, i))->flags &= ~(uint32_t)MR_ENTITY_VISITED;
    mr_vec_done(&w->found);
    return status;
}

mr_status mr_cascade_reach(mr_entity *entity, unsigned cascade, mr_vec *out) {
    walk w = {.cascade = cascade, .out = out};
    return run_walk(&w, entity);
}

/* ---------------------------------------------------------------- save-update */

void mr_cascade_take_back(mr_session *s, mr_vec *admitted) {
    while (admitted->len > 0) {
        mr_entity *e = mr_vec_ptr(admitted, --admitted->len);
        if (e->state == MR_PENDING)
            mr_state_make_transient(s, e);
        else
            mr_state_detach(s, e);
        mr_entity_unpin(e);
    }
}

/* What a flush has deleted and a collection still shows stays where it is. */
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

mr_status mr_cascade_admit(mr_session *s, mr_entity *entity, mr_vec *admitted) {
    mr_vec reached, mine;
    mr_vec_init(&reached, s->env, sizeof(mr_entity *));
    mr_vec_init(&mine, s->env, sizeof(mr_entity *));
    walk w = {.cascade = MR_CASCADE_SAVE_UPDATE, .halt = s, .out = &reached};
    mr_status status = run_walk(&w, entity);
    if (status == MR_OK) status = admit_all(s, &reached, &mine);
    if (status == MR_OK && admitted) {
        status = mr_vec_reserve(admitted, admitted->len + mine.len);
        for (size_t i = 0; status == MR_OK && i < mine.len; i++)
            mr_vec_push_ptr(admitted, mr_entity_pin(mr_vec_ptr(&mine, i)));
    }
    if (status != MR_OK) mr_cascade_take_back(s, &mine);
    mr_cascade_release(&mine);
    mr_cascade_release(&reached);
    return status;
}

/* ---------------------------------------------------------------- delete */

static mr_status doom_all(mr_session *s, const mr_vec *reached) {
    size_t before = s->doomed.len;
    for (size_t i = 0; i < reached->len; i++) {
        mr_entity *e = mr_vec_ptr(reached, i);
        mr_state_settle(e);
        if (e->state != MR_PERSISTENT && e->state != MR_DETACHED) continue; /* nothing to delete */
        mr_status status = mr_state_ours(s, e);
        if (status == MR_OK && e->state == MR_DETACHED) status = mr_state_attach(s, e);
        if (status == MR_OK) status = mr_state_doom(s, e);
        if (status == MR_OK) continue;
        while (s->doomed.len > before) mr_state_spare(s, mr_vec_ptr(&s->doomed, s->doomed.len - 1));
        return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_cascade_doom(mr_session *s, mr_entity *entity) {
    const mr_relations *relations = mr_relations_of(entity->mapper);
    if (!relations) return MR_FAIL;
    if (!(relations->cascades & MR_CASCADE_DELETE)) return mr_state_doom(s, entity);
    mr_vec reached;
    mr_vec_init(&reached, s->env, sizeof(mr_entity *));
    walk w = {.cascade = MR_CASCADE_DELETE, .loads = true, .out = &reached};
    w.seen = mr_map_new(s->env, sizeof(mr_entity *), mr_map_hash_ptr, mr_map_equal_ptr);
    /* Loading flushes first, as ever; what is found is marked only afterwards: nothing is half deleted. */
    mr_status status = w.seen ? run_walk(&w, entity) : MR_FAIL;
    if (status == MR_OK) status = doom_all(s, &reached);
    mr_map_free(w.seen);
    mr_cascade_release(&reached);
    return status;
}
