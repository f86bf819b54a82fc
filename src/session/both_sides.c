/*
 * linking.c: both sides of an association at once.
 *
 * Invariant: when a function returns, both sides agree in memory: when a step cannot be done, those before it
 * are undone. The side that is not loaded is not loaded for it: it notes what was appended and removed. (A
 * reference of one to one is: the row that is replaced must be known.)
 */
#include "session_state.h"

typedef enum step_kind {
    STEP_SET = 1,  /* old: the slot before */
    STEP_CLEARED,  /* old: the slot before; nothing has changed */
    STEP_INSERTED, /* item at a place of the collection */
    STEP_REMOVED,
    STEP_REPLACED, /* item: what was at the place */
    STEP_NOTED,    /* not loaded: among the removed ones now */
    STEP_UNNOTED   /* not loaded: no longer */
} step_kind;

typedef struct link_step {
    mr_entity *entity;
    const mr_relationship *rel;
    mr_entity *item;
    mr_value old;
    uint32_t at;
    uint8_t kind;
} link_step;

void mr_linking_init(mr_linking *l, mr_env *env) {
    l->env = env;
    l->session = NULL;
    mr_vec_init(&l->steps, env, sizeof(link_step));
    mr_vec_init(&l->admitted, env, sizeof(mr_entity *));
    mr_vec_init(&l->let_go, env, sizeof(link_step));
}

static mr_collection *collection_in(mr_entity *entity, const mr_relationship *rel) {
    const mr_value *v = mr_relation_peek(entity, rel);
    return v->kind == MR_COLLECTION ? v->u.p : NULL;
}

/* ---------------------------------------------------------------- steps */

static link_step *push_step(mr_linking *l, step_kind kind, mr_entity *entity, const mr_relationship *rel,
                            mr_entity *item) {
    link_step *step = mr_vec_push(&l->steps);
    if (!step) return NULL;
    step->kind = (uint8_t)kind;
    step->entity = entity;
    step->rel = rel;
    step->item = item;
    return step;
}

/* A viewonly reference is never written: setting it changes nothing of its object. */
static mr_status write_reference(mr_entity *entity, const mr_relationship *rel, const mr_value *value) {
    return rel->viewonly ? mr_entity_put(entity, rel->prop->slot, value, true)
                         : mr_entity_set(entity, rel->prop->slot, value);
}

static mr_status set_reference(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_value value = item ? mr_value_of(MR_ENTITY, 0) : mr_null_value();
    if (item) value.u.p = item;
    link_step *step = push_step(l, STEP_SET, entity, rel, item);
    if (!step) return MR_FAIL;
    step->old = *mr_relation_peek(entity, rel);
    if (write_reference(entity, rel, &value) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

/* The reference shows nil, but its foreign key stays: the other side has passive_deletes = "all". */
static mr_status clear_reference(mr_linking *l, mr_entity *entity, const mr_relationship *rel) {
    const mr_value none = mr_null_value();
    link_step *step = push_step(l, STEP_CLEARED, entity, rel, NULL);
    if (!step) return MR_FAIL;
    step->old = *mr_relation_peek(entity, rel);
    if (mr_entity_put(entity, rel->prop->slot, &none, true) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

static mr_status insert_at(mr_linking *l, mr_collection *c, uint32_t at, mr_entity *item) {
    link_step *step = push_step(l, STEP_INSERTED, c->parent, c->prop->relationship, item);
    if (!step) return MR_FAIL;
    uint32_t before = c->n;
    step->at = at < c->n ? at : c->n;
    if (mr_collection_insert(c, step->at, item) != MR_OK) {
        l->steps.len--;
        return MR_FAIL;
    }
    if (c->n == before) step->kind = STEP_UNNOTED;
    return MR_OK;
}

static mr_status remove_at(mr_linking *l, mr_collection *c, uint32_t at) {
    link_step *step = push_step(l, STEP_REMOVED, c->parent, c->prop->relationship, c->items[at]);
    if (!step) return MR_FAIL;
    step->at = at;
    if (mr_collection_remove_at(c, at) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

static mr_status replace_at(mr_linking *l, mr_collection *c, uint32_t at, mr_entity *item) {
    link_step *step = push_step(l, STEP_REPLACED, c->parent, c->prop->relationship, c->items[at]);
    if (!step) return MR_FAIL;
    step->at = at;
    if (mr_collection_replace_at(c, at, item) == MR_OK) return MR_OK;
    l->steps.len--;
    return MR_FAIL;
}

static mr_status note_removed(mr_linking *l, mr_collection *c, mr_entity *item) {
    uint32_t before = c->nremoved;
    if (!push_step(l, STEP_NOTED, c->parent, c->prop->relationship, item)) return MR_FAIL;
    if (mr_collection_note_removed(c, item) != MR_OK) {
        l->steps.len--;
        return MR_FAIL;
    }
    if (c->nremoved == before) l->steps.len--;
    return MR_OK;
}

static void undo_step(const link_step *step) {
    mr_collection *c = collection_in(step->entity, step->rel);
    switch ((step_kind)step->kind) {
    case STEP_SET:
        if (step->old.kind == MR_UNLOADED) mr_entity_forget(step->entity, step->rel->prop->slot);
        else write_reference(step->entity, step->rel, &step->old);
        break;
    case STEP_CLEARED:
        if (step->old.kind == MR_ENTITY && (step->old.flags & MR_VALUE_DIRTY))
            mr_entity_set(step->entity, step->rel->prop->slot, &step->old);
        else mr_entity_put(step->entity, step->rel->prop->slot, &step->old, true);
        break;
    case STEP_INSERTED:
        if (c) mr_collection_remove_at(c, step->at);
        break;
    case STEP_REPLACED:
        if (c) mr_collection_replace_at(c, step->at, step->item);
        break;
    case STEP_REMOVED:
    case STEP_NOTED:
        if (c) mr_collection_insert(c, step->at, step->item);
        break;
    case STEP_UNNOTED:
        if (c) mr_collection_note_removed(c, step->item);
        break;
    }
}

/* Pending objects that a delete-orphan relationship has let go, and that no parent has taken, leave their
 * session. */
static mr_status expunge_orphans(mr_linking *l) {
    for (size_t i = 0; i < l->let_go.len; i++) {
        const link_step *let_go = mr_vec_at(&l->let_go, i);
        mr_entity *e = let_go->item;
        mr_session *s = mr_session_of(e);
        if (s && e->state == MR_PENDING && !mr_parent_of(e, let_go->rel) && mr_session_expunge(s, e) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_linking_end(mr_linking *l, mr_status status) {
    if (status == MR_OK && l->let_go.len > 0) status = expunge_orphans(l);
    if (status != MR_OK) {
        mr_error *saved = mr_env_save_error(l->env);
        while (l->steps.len > 0) undo_step(mr_vec_at(&l->steps, --l->steps.len));
        if (l->session) mr_cascade_take_back(l->session, &l->admitted);
        mr_env_restore_error(l->env, saved);
    }
    mr_cascade_release(&l->admitted);
    mr_vec_done(&l->steps);
    mr_vec_done(&l->let_go);
    return status;
}

/* ---------------------------------------------------------------- what is there */

/* The collection, half known where it is not loaded. */
static mr_collection *open_collection(mr_entity *entity, const mr_relationship *rel) {
    mr_collection *c = collection_in(entity, rel);
    bool unsaved = entity->state == MR_TRANSIENT || entity->state == MR_PENDING;
    return c ? c : mr_entity_collection(entity, rel->prop, unsaved);
}

/* ---------------------------------------------------------------- the other side */

static mr_status let_go(mr_linking *l, const mr_relationship *rel, mr_entity *item) {
    if (!(rel->cascade & MR_CASCADE_DELETE_ORPHAN) || item->state != MR_PENDING) return MR_OK;
    link_step *step = mr_vec_push(&l->let_go);
    if (!step) return MR_FAIL;
    step->rel = rel;
    step->item = item;
    return MR_OK;
}

static mr_status leave_collection(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *member) {
    mr_collection *c = collection_in(entity, rel);
    if (!c && (entity->state != MR_PERSISTENT || !mr_session_of(entity))) return MR_OK;
    if (!c && !(c = open_collection(entity, rel))) return MR_FAIL;
    bool found = false;
    for (uint32_t at; (at = mr_collection_find(c, member)) != UINT32_MAX; found = true)
        if (remove_at(l, c, at) != MR_OK) return MR_FAIL;
    /* What was only appended here is forgotten; a note would tell the flush that the row has left this
     * parent. */
    return c->loaded || found ? MR_OK : note_removed(l, c, member);
}

static mr_status lose_reference(mr_linking *l, mr_entity *entity, const mr_relationship *rel) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    bool key_stays = rel->direction == MR_MANY_TO_ONE && reverse && reverse->passive_deletes == 2;
    return key_stays ? clear_reference(l, entity, rel) : set_reference(l, entity, rel, NULL);
}

/* entity.rel does not hold member any more. */
static mr_status leave(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *member) {
    if (let_go(l, rel, member) != MR_OK) return MR_FAIL;
    if (mr_relation_is_list(rel)) return leave_collection(l, entity, rel, member);
    const mr_value *v = mr_relation_peek(entity, rel);
    bool unsaved = entity->state == MR_TRANSIENT || entity->state == MR_PENDING;
    if (v->kind == MR_UNLOADED && !unsaved) {
        if (member->identity.kind == MR_UNLOADED) return MR_OK; /* its row cannot refer to one that is none */
        bool known;
        const mr_entity *now = mr_reference_by_key(entity, rel, &known);
        return known && now != member ? MR_OK : lose_reference(l, entity, rel);
    }
    return v->kind == MR_ENTITY && v->u.p == member ? lose_reference(l, entity, rel) : MR_OK;
}

static mr_status track(const mr_relationship *rel, mr_entity *parent, mr_entity *child) {
    return mr_parent_is_tracked(rel) ? mr_parent_note(child, rel, parent) : MR_OK;
}

/* entity.rel holds member now; what it referred to before lets go of it. back: member's side. */
static mr_status join(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *member,
                      const mr_relationship *back) {
    if (mr_relation_is_list(rel)) {
        mr_collection *c = open_collection(entity, rel);
        if (!c) return MR_FAIL;
        if (mr_collection_find(c, member) == UINT32_MAX && insert_at(l, c, UINT32_MAX, member) != MR_OK) return MR_FAIL;
        return track(rel, entity, member);
    }
    mr_entity *displaced;
    bool known;
    if (mr_reference_now(entity, rel, &displaced, &known) != MR_OK) return MR_FAIL;
    if (displaced == member && known) return MR_OK;
    if (set_reference(l, entity, rel, member) != MR_OK || track(rel, entity, member) != MR_OK) return MR_FAIL;
    return displaced && displaced != member ? leave(l, displaced, back, entity) : MR_OK;
}

/* entity.rel holds item now. tell: its other side does not know. That is asked first, while it is known who held
 * item before. */
static mr_status give(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item, bool tell) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    if (tell && reverse && join(l, item, reverse, entity, rel) != MR_OK) return MR_FAIL;
    return track(rel, entity, item);
}

/* ---------------------------------------------------------------- before anything is changed */

static mr_status refuse_second_parent(const mr_relationship *rel, const mr_entity *item) {
    mr_env *env = rel->parent->env;
    mr_strbuf words;
    mr_strbuf_init(&words, env);
    mr_fail(env, MR_ERR_INVALID_REQUEST,
            "Instance %s is already associated with an instance of %s via its %s.%s attribute, and is only "
            "allowed a single parent.",
            mr_entity_words(item, &words), rel->parent->name, rel->parent->name, rel->prop->name);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* An item that was to be deleted with its holder is spared when it gets another holder. If that link is undone, the
 * flush marks the item again. */
static mr_status spare_given(const mr_entity *holder, const mr_relationship *rel, mr_entity *item) {
    mr_session *s = mr_session_of(item);
    bool given = s && rel && (rel->cascade & MR_CASCADE_DELETE) && (item->flags & MR_ENTITY_CASCADED) &&
                 !(holder->flags & MR_ENTITY_TO_DELETE);
    return given ? mr_doom_spare_reached(s, item) : MR_OK;
}

/* Save-update, from either side into the session of the other. */
static mr_status cascade(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    if (spare_given(entity, rel, item) != MR_OK || spare_given(item, reverse, entity) != MR_OK) return MR_FAIL;
    mr_session *s = mr_session_of(entity), *other = mr_session_of(item);
    if (s && (rel->cascade & MR_CASCADE_SAVE_UPDATE) && !mr_session_contains(s, item)) {
        l->session = s;
        return mr_cascade_admit(s, item, &l->admitted);
    }
    if (!other || !reverse || !(reverse->cascade & MR_CASCADE_SAVE_UPDATE) || mr_session_contains(other, entity))
        return MR_OK;
    l->session = other;
    return mr_cascade_admit(other, entity, &l->admitted);
}

static mr_status prepare(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_state_settle(item);
    if (rel->single_parent) {
        const mr_entity *parent;
        if (mr_parent_ask(item, rel, &parent) != MR_OK) return MR_FAIL;
        if (parent && parent != entity) return refuse_second_parent(rel, item);
    }
    return cascade(l, entity, rel, item);
}

/* ---------------------------------------------------------------- one association */

mr_status mr_link_reference(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    mr_entity *old;
    bool known;
    if (mr_reference_now(entity, rel, &old, &known) != MR_OK) return MR_FAIL;
    bool is_set = mr_relation_peek(entity, rel)->kind != MR_UNLOADED;
    if (is_set && old == item) return MR_OK;
    size_t admitted = l->admitted.len;
    if (item && prepare(l, entity, rel, item) != MR_OK) return MR_FAIL;
    /* One that is added again after a rollback may have taken the entity by that. */
    if (l->admitted.len > admitted && mr_reference_now(entity, rel, &old, &known) != MR_OK) return MR_FAIL;
    if (set_reference(l, entity, rel, item) != MR_OK) return MR_FAIL;
    if (old == item) old = NULL; /* it was not known, and stays */
    if (old && let_go(l, rel, old) != MR_OK) return MR_FAIL;
    if (old && reverse && leave(l, old, reverse, entity) != MR_OK) return MR_FAIL;
    return item ? give(l, entity, rel, item, true) : MR_OK;
}

/* An object that is added again after a rollback may come back into the list by that: it takes the place that it is
 * given now. */
static mr_status prepare_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    mr_collection *c = collection_in(entity, rel);
    bool present = c && mr_collection_find(c, item) != UINT32_MAX;
    if (prepare(l, entity, rel, item) != MR_OK) return MR_FAIL;
    if (present || !(c = collection_in(entity, rel))) return MR_OK;
    uint32_t at = mr_collection_find(c, item);
    return at == UINT32_MAX ? MR_OK : remove_at(l, c, at);
}

mr_status mr_link_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at, mr_entity *item) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    if (prepare_item(l, entity, rel, item) != MR_OK) return MR_FAIL;
    mr_collection *c = open_collection(entity, rel);
    if (!c) return MR_FAIL;
    bool present = mr_collection_find(c, item) != UINT32_MAX;
    if (!present && !c->loaded && reverse && !mr_relation_is_list(reverse)) {
        bool known;
        mr_entity *parent;
        if (mr_reference_now(item, reverse, &parent, &known) != MR_OK) return MR_FAIL;
        if (known && parent == entity) return MR_OK; /* it is among the rows that are not loaded */
    }
    if (present && (!c->loaded || rel->collection == MR_COLLECTION_SET)) return MR_OK;
    if (insert_at(l, c, at, item) != MR_OK) return MR_FAIL;
    return give(l, entity, rel, item, !present);
}

/* What follows when the collection has lost its last item of the kind. */
static mr_status after_removal(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    if (let_go(l, rel, item) != MR_OK) return MR_FAIL;
    return reverse ? leave(l, item, reverse, entity) : MR_OK;
}

/* The collection, which has an item there. NULL: it has not. */
static mr_collection *collection_with(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at) {
    mr_collection *c = collection_in(entity, rel);
    if (c && at < c->n) return c;
    mr_fail(l->env, MR_ERR_ARGUMENT, "%s.%s has no item %lu", entity->mapper->name, rel->prop->name,
            (unsigned long)at + 1);
    return NULL;
}

mr_status mr_unlink_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at) {
    mr_collection *c = collection_with(l, entity, rel, at);
    if (!c) return MR_FAIL;
    mr_entity *item = c->items[at];
    if (remove_at(l, c, at) != MR_OK) return MR_FAIL;
    return mr_collection_holds(c, item) ? MR_OK : after_removal(l, entity, rel, item);
}

mr_status mr_relink_item(mr_linking *l, mr_entity *entity, const mr_relationship *rel, uint32_t at, mr_entity *item) {
    if (prepare_item(l, entity, rel, item) != MR_OK) return MR_FAIL;
    mr_collection *c = collection_with(l, entity, rel, at);
    if (!c) return MR_FAIL;
    mr_entity *old = c->items[at];
    bool present = mr_collection_holds(c, item);
    if (replace_at(l, c, at, item) != MR_OK || give(l, entity, rel, item, !present) != MR_OK) return MR_FAIL;
    return mr_collection_holds(c, old) ? MR_OK : after_removal(l, entity, rel, old);
}

/* ---------------------------------------------------------------- added again after a rollback */

/* entity.rel holds item already: links the other side, from item to entity. Loads nothing, and keeps the program's own
 * changes: where item has another by now, entity lets go of it. */
static mr_status link_back(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *item) {
    const mr_relationship *reverse = mr_relation_reverse(rel);
    const mr_value *v = mr_relation_peek(item, reverse);
    if (mr_relation_is_list(reverse)) {
        mr_collection *c = open_collection(item, reverse);
        if (!c) return MR_FAIL;
        return mr_collection_holds(c, entity) ? MR_OK : insert_at(l, c, UINT32_MAX, entity);
    }
    if (v->kind == MR_ENTITY && v->u.p == entity) return MR_OK;
    bool known = v->kind != MR_UNLOADED || item->state != MR_PERSISTENT;
    if (!known) mr_reference_by_key(item, reverse, &known);
    if (!known) return mr_parent_note(item, rel, entity); /* for who sets it */
    return v->flags & MR_VALUE_DIRTY ? leave(l, entity, rel, item) : mr_link_reference(l, item, reverse, entity);
}

mr_status mr_link_again(mr_linking *l, mr_entity *entity) {
    const mr_relations *relations = mr_relations_of(entity->mapper);
    mr_vec items;
    mr_vec_init(&items, l->env, sizeof(mr_entity *));
    mr_status status = relations ? MR_OK : MR_FAIL;
    for (unsigned i = 0; status == MR_OK && i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i];
        if (!mr_relation_reverse(rel)) continue;
        items.len = 0;
        status = mr_relation_items(entity, rel, false, &items);
        for (size_t j = 0; status == MR_OK && j < items.len; j++) {
            mr_entity *item = mr_vec_ptr(&items, j);
            if ((item->state == MR_PERSISTENT || item->state == MR_PENDING) && item->owner == entity->owner)
                status = link_back(l, entity, rel, item);
        }
    }
    mr_vec_done(&items);
    return status;
}

/* ---------------------------------------------------------------- a whole collection */

/* Those of a that are not in b, each once. */
static mr_status difference(mr_env *env, mr_entity *const *a, uint32_t na, mr_entity *const *b, uint32_t nb,
                            mr_vec *out) {
    mr_map *seen = mr_map_new(env, sizeof(mr_entity *), mr_map_hash_ptr, mr_map_equal_ptr);
    mr_status status = seen ? MR_OK : MR_FAIL;
    for (uint32_t i = 0; status == MR_OK && i < nb; i++)
        if (!mr_map_put(seen, &b[i])) status = MR_FAIL;
    for (uint32_t i = 0; status == MR_OK && i < na; i++) {
        if (mr_map_get(seen, &a[i])) continue;
        if (!mr_map_put(seen, &a[i]) || mr_vec_push_ptr(out, a[i]) != MR_OK) status = MR_FAIL;
    }
    mr_map_free(seen);
    return status;
}

/* The items become these, in this order; what both begin with stays. */
static mr_status arrange(mr_linking *l, mr_collection *c, mr_entity *const *items, uint32_t n) {
    uint32_t same = 0;
    while (same < n && same < c->n && c->items[same] == items[same]) same++;
    while (c->n > same)
        if (remove_at(l, c, c->n - 1) != MR_OK) return MR_FAIL;
    for (uint32_t i = same; i < n; i++)
        if (insert_at(l, c, i, items[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

mr_status mr_collection_difference(mr_collection *c, mr_entity *const *items, uint32_t n, mr_vec *added,
                                   mr_vec *removed) {
    mr_env *env = c->parent->mapper->env;
    if (difference(env, c->items, c->n, items, n, removed) != MR_OK) return MR_FAIL;
    return difference(env, items, n, c->items, c->n, added);
}

mr_status mr_link_items(mr_linking *l, mr_entity *entity, const mr_relationship *rel, mr_entity *const *items,
                        uint32_t n, const mr_vec *added, const mr_vec *removed) {
    mr_collection *c = collection_in(entity, rel);
    if (!c) return mr_fail(l->env, MR_ERR_ERROR, "%s.%s is not loaded", entity->mapper->name, rel->prop->name);
    /* First: what it held does not follow it into a session, nor does what the items referred to. */
    if (arrange(l, c, items, n) != MR_OK) return MR_FAIL;
    mr_collection_note_assigned(c);
    for (size_t i = 0; i < removed->len; i++)
        if (after_removal(l, entity, rel, mr_vec_ptr(removed, i)) != MR_OK) return MR_FAIL;
    const mr_session *before = mr_session_of(entity);
    for (size_t i = 0; i < added->len; i++) {
        mr_entity *item = mr_vec_ptr(added, i);
        if (prepare(l, entity, rel, item) != MR_OK || give(l, entity, rel, item, true) != MR_OK) return MR_FAIL;
    }
    /* Where one of them has drawn the entity into its session, the others follow. */
    for (size_t i = 0; mr_session_of(entity) != before && i < added->len; i++)
        if (prepare(l, entity, rel, mr_vec_ptr(added, i)) != MR_OK) return MR_FAIL;
    return MR_OK;
}
