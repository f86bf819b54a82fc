/*
 * current_keys.c: what an object is related to, by the keys that the objects have now.
 *
 * Invariant: the answer is what a query would find after an autoflush. A relationship that the program has changed
 * counts before the keys, because a flush writes the keys of it; otherwise the keys count, whatever is loaded.
 */
#include "attributes.h"
#include "criteria.h"
#include "relationships.h"

/* ---------------------------------------------------------------- keys */

/* Do the pairs alone say what is related, and does the database compare their columns as memory does? */
static bool is_by_pairs(const mr_entity *e, mr_relationship *rel) {
    if (!rel->simple || rel->secondary || rel->mixed || !rel->npairs || mr_session_spells_apart(e, rel)) return false;
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].local_slot == UINT16_MAX || rel->pairs[i].remote_slot == UINT16_MAX) return false;
    return true;
}

/* The value of the column, loaded if it must be. NULL: failed. */
static const mr_value *key_of(mr_entity *e, uint16_t slot) {
    mr_entity_touch(e);
    const mr_value *v = mr_entity_slot(e, slot);
    if (v->kind != MR_UNLOADED) return v;
    return mr_attribute_get(e, mr_mapper_at_slot(e->mapper, slot), &v) == MR_OK ? v : NULL;
}

/* *out: does child, whose columns refer to parent's, have its key? */
static mr_status has_key_of(mr_entity *child, mr_entity *parent, const mr_relationship *rel, bool *out) {
    bool child_is_local = rel->direction == MR_MANY_TO_ONE;
    *out = true;
    for (unsigned i = 0; i < rel->npairs && *out; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        const mr_value *own = key_of(child, child_is_local ? pair->local_slot : pair->remote_slot);
        if (!own) return MR_FAIL;
        const mr_value key = *own; /* the next one may be loaded, but no column of this object is lost by that */
        const mr_value *other = key_of(parent, child_is_local ? pair->remote_slot : pair->local_slot);
        if (!other) return MR_FAIL;
        *out = key.kind != MR_NULL && mr_value_compare(&key, other) == 0;
    }
    return MR_OK;
}

/* Has the program set the reference, and no flush followed? */
static bool is_set_anew(mr_entity *e, const mr_relationship *rel) {
    const mr_value *v = mr_relationship_peek(e, rel);
    bool unsaved = e->state == MR_TRANSIENT || e->state == MR_PENDING;
    return mr_entity_is_dirty(e, rel->prop->slot) || (unsaved && v->kind == MR_ENTITY);
}

/* ---------------------------------------------------------------- references */

/* The rows that the relationship leads to, as they are now. */
static mr_status read_rows(mr_session *s, mr_entity *e, const mr_property *prop, mr_vec *out) {
    const mr_query_item item = {.mapper = prop->relationship->target};
    mr_query *all = mr_query_new(s->env, &item, 1, false);
    mr_query *own = all ? mr_query_belonging_to(all, prop, e) : NULL;
    mr_load *load = NULL;
    mr_status status = own ? mr_session_load(s, own, &load) : MR_FAIL;
    while (status == MR_OK && (status = mr_load_step(load)) == MR_ROW)
        status = mr_vec_push_ptr(out, mr_load_row(load)->u.p);
    mr_load_close(load);
    mr_query_release(own);
    mr_query_release(all);
    return status == MR_DONE ? MR_OK : status;
}

static mr_status find_by_key(mr_session *s, mr_entity *e, const mr_property *prop, mr_entity **out) {
    const mr_relationship *rel = prop->relationship;
    mr_mapper *target = rel->target;
    if (!rel->use_get || target->npk != 1 || rel->npairs != 1) {
        mr_vec rows;
        mr_vec_init(&rows, s->env, sizeof(mr_entity *));
        mr_status status = read_rows(s, e, prop, &rows);
        if (status == MR_OK && rows.len > 0) *out = mr_vec_ptr(&rows, 0);
        mr_vec_done(&rows);
        return status;
    }
    mr_value key = *key_of(e, rel->pairs[0].local_slot);
    key.flags = 0;
    mr_status status = mr_session_get(s, target, &key, 1, NULL, false, out);
    if (status == MR_OK && *out) mr_entity_unpin(*out); /* the heap is blocked */
    return status == MR_NOTFOUND ? MR_OK : status;
}

/* *out: some column of the foreign key is NULL. */
static mr_status has_no_key(mr_entity *e, const mr_relationship *rel, bool *out) {
    *out = false;
    for (unsigned i = 0; i < rel->npairs && !*out; i++) {
        const mr_value *v = key_of(e, rel->pairs[i].local_slot);
        if (!v) return MR_FAIL;
        *out = v->kind == MR_NULL;
    }
    return MR_OK;
}

static mr_status read_reference(mr_entity *e, const mr_property *prop, mr_entity **out) {
    const mr_value *v;
    if (mr_attribute_get(e, prop, &v) != MR_OK) return MR_FAIL;
    *out = v->kind == MR_ENTITY ? v->u.p : NULL;
    return MR_OK;
}

/* The other side has the foreign key: its object, if that still has this one's key, or one that has it now. */
static mr_status read_referrer(mr_entity *e, const mr_property *prop, mr_entity **out) {
    mr_vec all;
    mr_vec_init(&all, e->mapper->env, sizeof(mr_entity *));
    mr_status status = mr_list_by_keys(e, prop, &all);
    *out = status == MR_OK && all.len > 0 ? mr_vec_ptr(&all, 0) : NULL;
    mr_vec_done(&all);
    return status;
}

static mr_status find_reference(mr_entity *e, const mr_property *prop, mr_entity **out) {
    mr_relationship *rel = prop->relationship;
    bool none, same = false;
    *out = NULL;
    mr_entity_touch(e);
    if (is_set_anew(e, rel) || !is_by_pairs(e, rel)) return read_reference(e, prop, out);
    if (rel->direction != MR_MANY_TO_ONE) return read_referrer(e, prop, out);
    if (has_no_key(e, rel, &none) != MR_OK) return MR_FAIL;
    if (none) return MR_OK;
    const mr_value *v = mr_relationship_peek(e, rel);
    mr_entity *loaded = v->kind == MR_ENTITY ? v->u.p : NULL;
    if (loaded && has_key_of(e, loaded, rel, &same) != MR_OK) return MR_FAIL;
    if (same) *out = loaded;
    if (same) return MR_OK;
    mr_session *s = mr_session_of(e);
    bool clean = v->kind == MR_UNLOADED && e->state == MR_PERSISTENT;
    for (unsigned i = 0; i < rel->npairs; i++) clean = clean && !mr_entity_is_dirty(e, rel->pairs[i].local_slot);
    if (!s || clean) return read_reference(e, prop, out);
    return find_by_key(s, e, prop, out);
}

mr_status mr_reference_by_keys(mr_entity *e, const mr_property *prop, mr_entity **out) {
    mr_status status = find_reference(e, prop, out);
    /* Reading a key may have flushed. */
    if (*out && ((*out)->flags & MR_ENTITY_TO_DELETE || (*out)->state == MR_DELETED)) *out = NULL;
    return status;
}

/* *out: will the next flush take the foreign key away, because it deletes the object that has the key? */
static mr_status is_let_go(mr_entity *e, const mr_relationship *rel, bool *out) {
    bool known;
    const mr_value *v = mr_relationship_peek(e, rel);
    mr_entity *target = v->kind == MR_ENTITY ? v->u.p : mr_reference_target_by_key(e, rel, &known);
    *out = target && target->flags & MR_ENTITY_TO_DELETE && mr_relationship_reverse(rel);
    if (!*out) return MR_OK;
    bool none; /* reading the key of the target may flush */
    mr_status status = has_key_of(e, target, rel, out);
    if (status == MR_OK && !*out && (status = has_no_key(e, rel, &none)) == MR_OK) *out = none;
    return status;
}

mr_status mr_reference_is_set(mr_entity *e, const mr_property *prop, bool *out) {
    const mr_relationship *rel = prop->relationship;
    mr_entity *target = NULL;
    bool none;
    mr_entity_touch(e);
    bool by_key = mr_along_by_key(rel) && rel->pairs[0].local_slot != UINT16_MAX && !is_set_anew(e, rel);
    mr_status status = by_key ? has_no_key(e, rel, &none) : mr_reference_by_keys(e, prop, &target);
    if (status == MR_OK && by_key && !none) status = is_let_go(e, rel, &none);
    if (status == MR_OK) *out = by_key ? !none : target != NULL;
    return status;
}

/* ---------------------------------------------------------------- references to an object */

/* Is it the object, or what another session has of the same row? */
static bool is_same(mr_entity *a, mr_entity *b) {
    if (a == b || !a || a->mapper->root != b->mapper->root) return a == b;
    for (unsigned i = 0; i < a->mapper->npk; i++) {
        const mr_value *x = mr_entity_slot(a, a->mapper->pk_slots[i]), *y = mr_entity_slot(b, b->mapper->pk_slots[i]);
        if (x->kind == MR_NULL || x->kind == MR_UNLOADED || mr_value_compare(x, y) != 0) return false;
    }
    return a->mapper->npk > 0;
}

/* Fails as a query does where the object has no key, and no flush will give it one. */
static mr_status require_key(mr_entity *object, const mr_property *along) {
    const mr_relationship *rel = along->relationship;
    for (unsigned i = 0; i < rel->npairs; i++) {
        const mr_value *v = key_of(object, rel->pairs[i].remote_slot);
        if (!v) return MR_FAIL;
        if (v->kind == MR_NULL && object->state != MR_PENDING)
            return mr_fail_without_key(object, mr_mapper_at_slot(object->mapper, rel->pairs[i].remote_slot), along);
    }
    return MR_OK;
}

mr_status mr_reference_leads_to(mr_entity *e, const mr_property *prop, mr_entity *object, bool *out) {
    mr_relationship *rel = prop->relationship;
    const bool refers = rel->direction == MR_MANY_TO_ONE;
    const mr_relationship *reverse = refers ? NULL : mr_relationship_reverse(rel);
    mr_entity *target = NULL;
    mr_entity_touch(e);
    mr_entity_touch(object);
    *out = false;
    const bool by_pairs = is_by_pairs(e, rel);
    if (refers && by_pairs && require_key(object, prop) != MR_OK) return MR_FAIL;
    if (is_set_anew(e, rel) || !by_pairs) {
        mr_status status = read_reference(e, prop, &target);
        *out = is_same(target, object);
        return status;
    }
    if (reverse && !mr_relationship_is_list(reverse) && is_set_anew(object, reverse)) {
        const mr_value *v = mr_relationship_peek(object, reverse);
        *out = v->kind == MR_ENTITY && is_same(v->u.p, e);
        return MR_OK;
    }
    if (refers && object->flags & MR_ENTITY_TO_DELETE) return MR_OK; /* the flush takes it away */
    return refers ? has_key_of(e, object, rel, out) : has_key_of(object, e, rel, out);
}

mr_status mr_row_refers_to(mr_entity *e, mr_relationship *rel, mr_entity *object, bool *out) {
    if (!is_by_pairs(e, rel)) return MR_NOTFOUND;
    mr_entity_touch(e);
    mr_entity_touch(object);
    *out = true;
    for (unsigned i = 0; i < rel->npairs && *out; i++) {
        const mr_value *own = mr_entity_committed(e, rel->pairs[i].local_slot);
        const mr_value *key = mr_entity_slot(object, rel->pairs[i].remote_slot);
        bool misses = own->kind == MR_NULL && own->len;
        if (own->kind == MR_UNLOADED || misses || key->kind == MR_UNLOADED || key->kind == MR_OPAQUE)
            return MR_NOTFOUND;
        if (key->kind == MR_NULL && rel->direction == MR_MANY_TO_ONE) return MR_NOTFOUND; /* the query fails */
        *out = own->kind != MR_NULL && mr_value_compare(own, key) == 0;
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- lists */

/* Does the object of a list that the program sees belong to it? */
static mr_status belongs(mr_entity *item, mr_entity *e, const mr_relationship *rel, const mr_collection *c, bool *out) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    mr_entity_touch(item);
    *out = !(item->flags & MR_ENTITY_TO_DELETE);
    if (!*out) return MR_OK;
    if (reverse && !mr_relationship_is_list(reverse) && is_set_anew(item, reverse)) {
        const mr_value *v = mr_relationship_peek(item, reverse);
        *out = v->kind == MR_ENTITY && v->u.p == e;
        return MR_OK;
    }
    if (c && c->has_committed && !mr_collection_held(c, item)) return MR_OK; /* the program has added it */
    if (item->state == MR_TRANSIENT || e->state == MR_TRANSIENT || e->state == MR_PENDING) return MR_OK;
    return has_key_of(item, e, rel, out);
}

static bool has(const mr_vec *all, const mr_entity *item) {
    for (size_t i = 0; i < all->len; i++)
        if (mr_vec_ptr(all, i) == item) return true;
    return false;
}

/* Adds the objects that wait for a flush, and have got the key of e by the program. */
static mr_status add_arrivals(mr_entity *e, const mr_relationship *rel, const mr_vec *waiting, mr_vec *out) {
    const mr_relationship *reverse = mr_relationship_reverse(rel);
    for (size_t i = 0; i < waiting->len; i++) {
        mr_entity *item = mr_vec_ptr(waiting, i);
        bool moved = false, same;
        if (!mr_mapper_isa(item->mapper, rel->target) || item->flags & MR_ENTITY_TO_DELETE) continue;
        for (unsigned k = 0; k < rel->npairs; k++) {
            const mr_value *v = mr_entity_slot(item, rel->pairs[k].remote_slot);
            moved = moved || (v->kind != MR_NULL && v->kind != MR_UNLOADED &&
                              (item->state == MR_PENDING || mr_entity_is_dirty(item, rel->pairs[k].remote_slot)));
        }
        if (!moved || (reverse && !mr_relationship_is_list(reverse) && is_set_anew(item, reverse)) || has(out, item))
            continue;
        if (has_key_of(item, e, rel, &same) != MR_OK) return MR_FAIL;
        if (same && mr_vec_push_ptr(out, item) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Has the transaction written objects of the class? A list that was loaded before does not have them. */
static bool has_written(const mr_session *s, const mr_mapper *mapper) {
    for (size_t i = 0; i < s->written.len; i++)
        if (mr_mapper_isa(((const mr_class_count *)mr_vec_at(&s->written, i))->mapper, mapper)) return true;
    return s->statements > 0;
}

/* What the program sees. *c: the list itself, or NULL. */
static mr_status read_shown(mr_entity *e, const mr_property *prop, mr_vec *out, const mr_collection **c) {
    const mr_value *v;
    *c = NULL;
    if (mr_attribute_get(e, prop, &v) != MR_OK) return MR_FAIL;
    if (v->kind == MR_COLLECTION && ((const mr_collection *)v->u.p)->partial &&
        mr_relationship_require(e, prop, &v) != MR_OK)
        return MR_FAIL;
    if (v->kind == MR_ENTITY) return mr_vec_push_ptr(out, v->u.p);
    *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    for (uint32_t i = 0; *c && i < (*c)->n; i++)
        if (mr_vec_push_ptr(out, (*c)->items[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_list_by_keys(mr_entity *e, const mr_property *prop, mr_vec *out) {
    mr_relationship *rel = prop->relationship;
    const mr_collection *c;
    mr_vec shown;
    bool stays;
    if (!is_by_pairs(e, rel) || rel->direction != MR_ONE_TO_MANY) return read_shown(e, prop, out, &c);
    mr_session *s = mr_session_of(e);
    mr_vec_init(&shown, e->mapper->env, sizeof(mr_entity *));
    mr_status status = read_shown(e, prop, &shown, &c);
    if (status == MR_OK && s && e->state == MR_PERSISTENT && has_written(s, rel->target))
        status = read_rows(s, e, prop, &shown);
    for (size_t i = 0; i < shown.len && status == MR_OK; i++) {
        mr_entity *item = mr_vec_ptr(&shown, i);
        status = belongs(item, e, rel, c, &stays);
        if (status == MR_OK && stays && !has(out, item)) status = mr_vec_push_ptr(out, item);
    }
    mr_vec_done(&shown);
    if (status == MR_OK && s) status = add_arrivals(e, rel, &s->pending, out);
    return status == MR_OK && s ? add_arrivals(e, rel, &s->owner->dirty, out) : status;
}
