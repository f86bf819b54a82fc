/*
 * deletion.c: the delete cascade: which other objects are deleted with an object.
 *
 * Invariant: the flush decides. session:delete marks the objects that the cascade reaches at that time. The flush walks
 * again, from the objects that the program itself has deleted. So an object that got another parent in the meantime is
 * not deleted, and an object that was given to a deleted parent is.
 */
#include "cascade.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

/* A change that is not flushed yet has given item to holder. */
typedef struct item_claim {
    mr_entity *item;
    const void *by; /* see key_of; item and by are the key of the map */
    mr_entity *holder;
} item_claim;

typedef struct deletion_walk {
    mr_session *s;
    bool settles;   /* the flush walks; otherwise session:delete does */
    mr_map *claims; /* item_claim; NULL: none */
    mr_vec claimed; /* item_claim: the walk has left these items out because of their new holders */
} deletion_walk;

static uint64_t hash_claim(const void *element) {
    const item_claim *c = element;
    uint64_t h = (uint64_t)(uintptr_t)c->item * UINT64_C(0x9E3779B97F4A7C15);
    return (h ^ (uint64_t)(uintptr_t)c->by) * UINT64_C(0xD6E8FEB86659FD93);
}

static bool equal_claims(const void *a, const void *b) {
    const item_claim *x = a, *y = b;
    return x->item == y->item && x->by == y->by;
}

/* ---------------------------------------------------------------- claims */

/* Identifies the link that a relationship stands for: relationships over the same foreign key column, or the same
 * secondary table, stand for the same link, whichever class declares them. */
static const void *key_of(const mr_relationship *rel) {
    if (rel->direction == MR_MANY_TO_MANY) return rel->secondary;
    if (rel->npairs == 0) return rel;
    return rel->direction == MR_ONE_TO_MANY ? rel->pairs[0].remote : rel->pairs[0].local;
}

static mr_status claim_items(deletion_walk *d, mr_entity *holder, const mr_relationship *rel, mr_vec *items) {
    items->len = 0;
    if (mr_relationship_added(holder, rel, items) != MR_OK) return MR_FAIL;
    if (items->len > 0 && !d->claims &&
        !(d->claims = mr_map_new(d->s->env, sizeof(item_claim), hash_claim, equal_claims)))
        return MR_FAIL;
    for (size_t i = 0; i < items->len; i++) {
        item_claim claim = {mr_vec_ptr(items, i), key_of(rel), holder};
        if (!mr_map_put(d->claims, &claim)) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status claim_all(deletion_walk *d, const mr_vec *holders, mr_vec *items) {
    for (size_t i = 0; i < holders->len; i++) {
        mr_entity *e = mr_vec_ptr(holders, i);
        if ((e->flags & MR_ENTITY_TO_DELETE) && !(e->flags & MR_ENTITY_CASCADED)) continue;
        const mr_relationship_list *relations = mr_relationship_list_of(e->mapper);
        if (!relations) return MR_FAIL;
        for (unsigned r = 0; (relations->cascades & MR_CASCADE_DELETE) && r < relations->n; r++)
            if ((relations->rels[r]->cascade & MR_CASCADE_DELETE) &&
                claim_items(d, e, relations->rels[r], items) != MR_OK)
                return MR_FAIL;
    }
    return MR_OK;
}

static mr_status find_claims(deletion_walk *d) {
    mr_vec items;
    mr_vec_init(&items, d->s->env, sizeof(mr_entity *));
    mr_status status = claim_all(d, &d->s->owner->dirty, &items);
    if (status == MR_OK) status = claim_all(d, &d->s->pending, &items);
    mr_vec_done(&items);
    return status;
}

/* ---------------------------------------------------------------- items that have moved */

/* The item's own reference to its parent: the other side of rel, or if rel has none, a reference over the same column.
 * NULL: there is none. */
static const mr_relationship *reference_back(mr_entity *item, const mr_relationship *rel) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    if (reverse) return reverse->direction == MR_MANY_TO_ONE ? reverse : NULL;
    const mr_relationship_list *relations = rel->npairs > 0 ? mr_relationship_list_of(item->mapper) : NULL;
    for (unsigned i = 0; relations && i < relations->n; i++) {
        const mr_relationship *other = relations->rels[i];
        if (other->direction == MR_MANY_TO_ONE && !other->viewonly && other->npairs > 0 &&
            other->pairs[0].local == rel->pairs[0].remote)
            return other;
    }
    return NULL;
}

static bool is_key_of(mr_entity *e, uint16_t slot, const mr_value *key) {
    mr_env *env = e->mapper->env;
    return mr_value_equal(env, key, mr_entity_committed(e, slot)) || mr_value_equal(env, key, mr_entity_slot(e, slot));
}

/* Was the item's foreign key set by hand to another key than e's? */
static bool refers_elsewhere(mr_entity *e, const mr_relationship *rel, mr_entity *item) {
    for (unsigned i = 0; i < rel->npairs; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        if (pair->remote_slot == UINT16_MAX || pair->local_slot == UINT16_MAX) continue;
        const mr_value *key = mr_entity_slot(item, pair->remote_slot);
        if (mr_entity_is_dirty(item, pair->remote_slot) && !is_key_of(e, pair->local_slot, key)) return true;
    }
    return false;
}

/* Was the item appended since the last flush? Then the flush sets its foreign key, whatever it holds now. */
static bool was_given(mr_entity *e, const mr_relationship *rel, const mr_entity *item) {
    const mr_value *v = mr_relationship_peek(e, rel);
    if (v->kind != MR_COLLECTION) return (v->flags & MR_VALUE_DIRTY) != 0;
    return mr_collection_changed(v->u.p) && !mr_collection_held(v->u.p, item);
}

/* In the database the item belongs to e. Has the program given the item to another object since, or taken it away? */
static bool has_moved(mr_entity *e, const mr_relationship *rel, mr_entity *item) {
    if (rel->direction != MR_ONE_TO_MANY || item->state != MR_PERSISTENT) return false;
    const mr_relationship *back = reference_back(item, rel);
    if (back) {
        const mr_value *v = mr_relationship_peek(item, back);
        if (v->flags & MR_VALUE_DIRTY) return v->kind != MR_ENTITY || v->u.p != e;
    }
    return refers_elsewhere(e, rel, item) && !was_given(e, rel, item);
}

/* ---------------------------------------------------------------- the walk */

/* mr_cascade_passes: is the item deleted with e? MR_OK: yes; MR_DONE: no. */
static mr_status is_deleted_with(void *ud, mr_entity *e, const mr_relationship *rel, mr_entity *item) {
    deletion_walk *d = ud;
    if (item->state == MR_PENDING) {
        /* A pending item that would be an orphan is never inserted. */
        bool orphan = e->state == MR_PENDING || (rel->cascade & MR_CASCADE_DELETE_ORPHAN);
        if (!d->settles || !orphan || item->owner != d->s->owner) return MR_DONE;
    }
    if (d->settles && (item->flags & MR_ENTITY_SPARED)) return MR_DONE;
    if (has_moved(e, rel, item)) return MR_DONE;
    const item_claim key = {item, key_of(rel), NULL};
    const item_claim *claim = d->claims ? mr_map_get(d->claims, &key) : NULL;
    if (!claim || claim->holder == e) return MR_OK;
    item_claim *passed = mr_vec_push(&d->claimed);
    if (!passed) return MR_FAIL;
    *passed = *claim;
    return MR_DONE;
}

/* An item that the walk has left out is deleted after all if its new holder is deleted, too. */
static mr_status walk_claimed_items(const deletion_walk *d, mr_cascade *w) {
    mr_status status = MR_OK;
    for (bool more = true; status == MR_OK && more;) {
        more = false;
        for (size_t i = 0; status == MR_OK && i < d->claimed.len; i++) {
            const item_claim *claim = mr_vec_at(&d->claimed, i);
            if (mr_cascade_has_reached(w, claim->item) || !mr_cascade_has_reached(w, claim->holder)) continue;
            more = true;
            status = mr_cascade_from(w, claim->item);
        }
    }
    return status;
}

static mr_status mark_one(mr_session *s, mr_entity *e) {
    mr_state_leave_closed_session(e);
    if (e->state == MR_TRANSIENT || e->state == MR_DELETED) return MR_OK; /* nothing to delete */
    mr_status status = mr_state_check_session(s, e);
    if (status == MR_OK && e->state == MR_DETACHED) status = mr_state_attach(s, e);
    return status == MR_OK ? mr_state_mark_to_delete(s, e, true) : status;
}

void mr_deletion_unmark_range(mr_session *s, size_t from, size_t to) {
    while (to > from && to <= s->to_delete.len) mr_state_unmark_to_delete(s, mr_vec_ptr(&s->to_delete, --to));
}

static mr_status mark_reached(mr_session *s, const mr_vec *reached) {
    size_t before = s->to_delete.len;
    for (size_t i = 0; i < reached->len; i++) {
        if (mark_one(s, mr_vec_ptr(reached, i)) == MR_OK) continue;
        mr_deletion_unmark_range(s, before, s->to_delete.len);
        return MR_FAIL;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- session:delete */

/* The program has asked to delete this object itself (not one that holds it). */
static mr_status mark_by_name(mr_session *s, mr_entity *entity) {
    if (mr_state_mark_to_delete(s, entity, false) != MR_OK) return MR_FAIL;
    mr_state_clear_spared(entity);
    return MR_OK;
}

mr_status mr_deletion_mark(mr_session *s, mr_entity *entity) {
    const mr_relationship_list *relations = mr_relationship_list_of(entity->mapper);
    if (!relations) return MR_FAIL;
    if (!(relations->cascades & MR_CASCADE_DELETE)) return mark_by_name(s, entity);
    deletion_walk d = {.s = s};
    mr_cascade w = {.cascade = MR_CASCADE_DELETE, .loads = true, .passes = is_deleted_with, .ud = &d};
    /* Loading may flush. The objects are marked only after the walk, so that such a flush does not delete half of them.
     */
    mr_status status = mr_cascade_begin(&w, s->env);
    if (status == MR_OK) status = mr_cascade_from(&w, entity);
    if (status == MR_OK) status = mark_reached(s, &w.out);
    if (status == MR_OK) status = mark_by_name(s, entity);
    for (size_t i = 0; status == MR_OK && i < w.out.len; i++) mr_state_clear_spared(mr_vec_ptr(&w.out, i));
    mr_cascade_end(&w);
    return status;
}

mr_status mr_deletion_unmark_reached(mr_session *s, mr_entity *entity) {
    mr_cascade w = {.cascade = MR_CASCADE_DELETE};
    mr_status status = mr_cascade_begin(&w, s->env);
    if (status == MR_OK) status = mr_cascade_from(&w, entity);
    for (size_t i = 0; status == MR_OK && i < w.out.len; i++) {
        mr_entity *e = mr_vec_ptr(&w.out, i);
        if ((e->flags & MR_ENTITY_CASCADED) && e->owner == s->owner) mr_state_unmark_to_delete(s, e);
    }
    mr_cascade_end(&w);
    return status;
}

/* ---------------------------------------------------------------- the flush */

static mr_status walk_roots(deletion_walk *d, mr_cascade *w, const mr_vec *orphans) {
    const mr_vec *doomed = &d->s->to_delete;
    if (find_claims(d) != MR_OK) return MR_FAIL;
    for (size_t i = 0; i < doomed->len; i++) {
        mr_entity *e = mr_vec_ptr(doomed, i);
        if (!(e->flags & MR_ENTITY_CASCADED) && mr_cascade_reach(w, e) != MR_OK) return MR_FAIL;
    }
    for (size_t i = 0; i < orphans->len; i++)
        if (mr_cascade_reach(w, mr_vec_ptr(orphans, i)) != MR_OK) return MR_FAIL;
    return mr_cascade_walk(w) == MR_OK ? walk_claimed_items(d, w) : MR_FAIL;
}

/* Takes the marks of cascaded objects away that the walk has not reached. */
static void unmark_unreached(mr_session *s, const mr_cascade *w) {
    size_t kept = 0;
    for (size_t i = 0; i < s->to_delete.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->to_delete, i);
        if (!(e->flags & MR_ENTITY_CASCADED) || mr_cascade_has_reached(w, e))
            ((mr_entity **)s->to_delete.data)[kept++] = e;
        else mr_state_clear_mark(e);
    }
    s->to_delete.len = kept;
}

static bool has_cascades(const mr_session *s) {
    for (size_t i = 0; i < s->to_delete.len; i++) {
        mr_entity *e = mr_vec_ptr(&s->to_delete, i);
        mr_entity_prefetch_of(&s->to_delete, i);
        const mr_relationship_list *relations = mr_relationship_list_of(e->mapper);
        if (!relations || (e->flags & MR_ENTITY_CASCADED) || (relations->cascades & MR_CASCADE_DELETE)) return true;
    }
    return false;
}

mr_status mr_deletion_decide(mr_session *s, size_t *before) {
    mr_vec orphans;
    mr_vec_init(&orphans, s->env, sizeof(mr_entity *));
    mr_status status = mr_orphans_find(s, &orphans);
    *before = s->to_delete.len;
    if (status == MR_OK && (orphans.len > 0 || has_cascades(s))) {
        deletion_walk d = {.s = s, .settles = true};
        mr_vec_init(&d.claimed, s->env, sizeof(item_claim));
        mr_cascade w = {.cascade = MR_CASCADE_DELETE, .loads = true, .passes = is_deleted_with, .ud = &d};
        status = mr_cascade_begin(&w, s->env);
        if (status == MR_OK) status = walk_roots(&d, &w, &orphans);
        if (status == MR_OK) unmark_unreached(s, &w);
        *before = s->to_delete.len;
        if (status == MR_OK) status = mark_reached(s, &w.out);
        mr_cascade_end(&w);
        mr_map_free(d.claims);
        mr_vec_done(&d.claimed);
    }
    mr_cascade_release(&orphans);
    return status;
}
