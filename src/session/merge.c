/*
 * merge.c: session:merge copies the state of an object from elsewhere onto the session's own object: its columns, then
 * the relationships that have the merge cascade.
 *
 * Invariant: an attribute that the source has not set overwrites nothing. Sources wait in a list, so graphs may be deep
 * and have cycles. If the merge fails, the objects that it had added to the session are taken out again, and columns
 * that it has changed get their values back.
 */
#include "cascade.h"
#include "relationships.h"
#include "session_state.h"
#include "states.h"

#include <string.h>

typedef struct merge_pair {
    mr_entity *source; /* the key */
    mr_entity *target;
} merge_pair;

/* The source was reached through the relationship. The reverse side of that relationship is set by the library, and is
 * not merged. */
typedef struct merge_origin {
    mr_entity *source;
    const mr_relationship *rel;
} merge_origin;

/* A target that was made for a key without a row. Another source with the same key is merged onto it, too. */
typedef struct merge_key {
    const mr_mapper *root;
    mr_value identity; /* owned */
    mr_entity *target;
} merge_key;

typedef struct merge {
    mr_session *s;
    bool load;
    mr_map *pairs;   /* merge_pair */
    mr_map *origins; /* merge_origin */
    mr_map *keys;    /* merge_key; made when first needed */
    mr_vec sources;  /* mr_entity *, in order of discovery */
    mr_vec made;     /* mr_entity *: added to the session, pinned */
    mr_vec pinned;   /* mr_entity *: the targets */
    mr_vec replaced; /* merge_value: of targets whose class may refuse a value */
} merge;

/* What a column of a target was before. */
typedef struct merge_value {
    mr_entity *target;
    uint16_t slot;
    mr_value old; /* owned */
} merge_value;

static uint64_t hash_origin(const void *element) {
    const merge_origin *origin = element;
    return ((uint64_t)(uintptr_t)origin->source * UINT64_C(0x9E3779B97F4A7C15)) ^ (uint64_t)(uintptr_t)origin->rel;
}

static bool equal_origins(const void *a, const void *b) {
    const merge_origin *x = a, *y = b;
    return x->source == y->source && x->rel == y->rel;
}

static uint64_t hash_key(const void *element) {
    const merge_key *key = element;
    return mr_value_hash(&key->identity) ^ (uint64_t)(uintptr_t)key->root;
}

static bool equal_keys(const void *a, const void *b) {
    const merge_key *x = a, *y = b;
    const mr_value *i = &x->identity, *j = &y->identity;
    if (x->root != y->root || i->kind != j->kind) return false;
    if (i->kind == MR_INT) return i->u.i == j->u.i;
    return i->len == j->len && memcmp(i->u.s, j->u.s, i->len) == 0;
}

static mr_status refuse(mr_session *s, const mr_entity *source, const char *why) {
    mr_strbuf words;
    mr_strbuf_init(&words, s->env);
    mr_fail(s->env, MR_ERR_INVALID_REQUEST,
            "merge() of %s with load = false does not support %s: flush its changes first",
            mr_entity_words(source, &words), why);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* ---------------------------------------------------------------- the target */

/* *out: the identity of the source: its own, or the one that its key values make. MR_UNLOADED: none. */
static mr_status identity_of(const mr_session *s, mr_entity *source, mr_strbuf *buf, mr_value *out) {
    enum { MAX_KEY = 32 };
    mr_value key[MAX_KEY];
    *out = mr_entity_identity(source);
    if (out->kind != MR_UNLOADED || source->mapper->npk > MAX_KEY) return MR_OK;
    for (unsigned i = 0; i < source->mapper->npk; i++) {
        key[i] = *mr_entity_slot(source, source->mapper->pk_slots[i]);
        if (key[i].kind == MR_OPAQUE) key[i] = mr_value_of(MR_UNLOADED, 0);
    }
    mr_status status = mr_session_identity(s, source->mapper, key, buf, out);
    return status == MR_NOTFOUND ? MR_OK : status;
}

/* Appends the object to the list, and pins it. */
static mr_status push_pinned(mr_vec *list, mr_entity *e) {
    if (mr_vec_push_ptr(list, e) != MR_OK) return MR_FAIL;
    mr_entity_pin(e);
    return MR_OK;
}

static mr_status load_target(merge *m, mr_entity *source, const mr_value *identity, mr_entity **out) {
    enum { MAX_KEY = 32 };
    mr_value key[MAX_KEY];
    if (source->mapper->npk > MAX_KEY) return MR_NOTFOUND;
    mr_identity_values(source->mapper, identity, key);
    return mr_session_get(m->s, source->mapper, key, source->mapper->npk, NULL, false, out);
}

/* load = false: a persistent object with the source's identity and nothing loaded. */
static mr_status adopt_target(merge *m, mr_entity *source, const mr_value *identity, mr_entity **out) {
    if (identity->kind == MR_UNLOADED || source->state == MR_TRANSIENT || source->state == MR_PENDING)
        return refuse(m->s, source, "objects without a row");
    if (mr_session_is_modified(m->s, source)) return refuse(m->s, source, "changed objects");
    *out = mr_entity_load(m->s->owner, source->mapper, identity, NULL, 0);
    if (!*out) return MR_FAIL;
    (*out)->as_of = MR_AS_OF_UNKNOWN;
    return push_pinned(&m->made, *out);
}

static mr_status make_target(merge *m, mr_entity *source, mr_entity **out) {
    *out = mr_entity_new(m->s->env, source->mapper);
    if (!*out || mr_state_make_pending(m->s, *out) != MR_OK) return MR_FAIL;
    if (push_pinned(&m->made, *out) == MR_OK) return MR_OK;
    mr_state_make_transient(m->s, *out);
    return MR_FAIL;
}

static mr_status note_key(merge *m, const mr_mapper *root, const mr_value *identity, mr_entity *target) {
    merge_key made = {.root = root, .target = target};
    if (!m->keys && !(m->keys = mr_map_new(m->s->env, sizeof made, hash_key, equal_keys))) return MR_FAIL;
    if (mr_value_copy(m->s->env, &made.identity, identity) != MR_OK) return MR_FAIL;
    if (mr_map_put(m->keys, &made)) return MR_OK;
    mr_value_clear(m->s->env, &made.identity);
    return MR_FAIL;
}

static void free_keys(merge *m) {
    size_t cursor = 0;
    for (merge_key *key; m->keys && (key = mr_map_next(m->keys, &cursor));) mr_value_clear(m->s->env, &key->identity);
    mr_map_free(m->keys);
}

/* The target for the key: made by this merge, or in the session, or loaded from its row, or new. */
static mr_status target_of_key(merge *m, mr_entity *source, const mr_value *identity, mr_entity **out) {
    merge_key wanted = {source->mapper->root, *identity, NULL};
    const merge_key *made = m->keys ? mr_map_get(m->keys, &wanted) : NULL;
    if (made && mr_mapper_isa(made->target->mapper, source->mapper)) {
        *out = made->target;
        return MR_OK;
    }
    mr_status status = load_target(m, source, identity, out);
    if (status == MR_OK) mr_entity_unpin(*out); /* nothing is traced here: see mr_session_merge */
    if (status != MR_NOTFOUND) return status;
    if (make_target(m, source, out) != MR_OK) return MR_FAIL;
    return made ? MR_OK : note_key(m, source->mapper->root, identity, *out);
}

static mr_status find_target(merge *m, mr_entity *source, mr_entity **out) {
    if (mr_session_contains(m->s, source)) {
        *out = source;
        return MR_OK;
    }
    mr_strbuf buf;
    mr_strbuf_init(&buf, m->s->env);
    mr_value identity;
    mr_status status = identity_of(m->s, source, &buf, &identity);
    if (status == MR_OK) {
        *out = mr_idmap_get(m->s->owner->idmap, source->mapper->root, &identity);
        if (*out && !m->load && mr_mapper_isa((*out)->mapper, source->mapper)) status = MR_OK;
        else if (!m->load) status = adopt_target(m, source, &identity, out);
        else if (identity.kind == MR_UNLOADED) status = make_target(m, source, out);
        else status = target_of_key(m, source, &identity, out);
    }
    mr_strbuf_done(&buf);
    return status;
}

/* ---------------------------------------------------------------- columns */

static mr_status check_version(merge *m, mr_entity *source, mr_entity *target) {
    const mr_property *version = source->mapper->version;
    if (!version) return MR_OK;
    const mr_value *theirs = mr_entity_slot(source, version->slot), *ours = mr_entity_slot(target, version->slot);
    if (theirs->kind == MR_UNLOADED || ours->kind == MR_UNLOADED || mr_value_equal(m->s->env, theirs, ours))
        return MR_OK;
    mr_strbuf words;
    mr_strbuf_init(&words, m->s->env);
    mr_fail(m->s->env, MR_ERR_STALE_DATA,
            "Version id on merged state %s does not match the existing version. Leave the version attribute "
            "unset when merging "
            "to update the most recent version.",
            mr_entity_words(target, &words));
    mr_strbuf_done(&words);
    return MR_FAIL;
}

/* May the merge fail because a listener or a validator of the class refuses a value? */
static bool may_refuse(const mr_mapper *mapper) {
    if (mapper->attribute_hooks.len > 0) return true;
    for (size_t i = 0; i < mapper->props.len; i++)
        if (((const mr_property *)mr_vec_ptr(&mapper->props, i))->validate) return true;
    return false;
}

static mr_status note_replaced(merge *m, mr_entity *target, const mr_property *prop) {
    merge_value *noted = mr_vec_push(&m->replaced);
    if (!noted) return MR_FAIL;
    *noted = (merge_value){target, prop->slot, mr_value_of(MR_UNLOADED, 0)};
    return mr_value_copy(m->s->env, &noted->old, mr_entity_slot(target, prop->slot));
}

/* Gives the columns their values back, the last one first, where the merge has failed; keeps its error. */
static void end_replaced(merge *m, bool failed) {
    mr_error *error = failed ? mr_env_save_error(m->s->env) : NULL;
    for (size_t i = m->replaced.len; i > 0; i--) {
        merge_value *noted = mr_vec_at(&m->replaced, i - 1);
        if (failed && mr_entity_set(noted->target, noted->slot, &noted->old) != MR_OK) mr_env_clear_error(m->s->env);
        mr_value_clear(m->s->env, &noted->old);
    }
    mr_vec_done(&m->replaced);
    if (failed) mr_env_restore_error(m->s->env, error);
}

/* Is the attribute the one that tells of which class the source is? The row of the target is of a class below, which
 * stays. A value that the program has given it is copied like any other. */
static bool tells_class(const mr_property *prop, mr_entity *source, const mr_entity *target) {
    const mr_mapper *mapper = source->mapper;
    return prop == mapper->discriminator && target->mapper != mapper &&
           mr_value_equal(mapper->env, mr_entity_slot(source, prop->slot), &mapper->polymorphic_identity);
}

static mr_status copy_columns(merge *m, mr_entity *source, mr_entity *target) {
    if (check_version(m, source, target) != MR_OK) return MR_FAIL;
    bool notes = m->load && may_refuse(source->mapper);
    for (size_t i = 0; i < source->mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&source->mapper->columns, i);
        const mr_value *value = mr_entity_slot(source, prop->slot);
        if (value->kind == MR_UNLOADED || (m->load && prop->column->computed)) continue;
        if (tells_class(prop, source, target)) continue;
        if (notes && note_replaced(m, target, prop) != MR_OK) return MR_FAIL;
        if (m->load ? mr_attribute_set(target, prop, value) != MR_OK
                    : mr_entity_put(target, prop->slot, value, true) != MR_OK)
            return MR_FAIL;
    }
    return MR_OK;
}

/* The target of the source. At the first call it is found or made, and gets the columns of the source. */
static mr_status target_of(merge *m, mr_entity *source, mr_entity **out) {
    const merge_pair *known = mr_map_get(m->pairs, &source);
    if (known) {
        *out = known->target;
        return MR_OK;
    }
    mr_state_leave_closed_session(source);
    if (mr_entity_note_edits(source) != MR_OK) return MR_FAIL;
    merge_pair made = {source, NULL};
    if (find_target(m, source, &made.target) != MR_OK || push_pinned(&m->pinned, made.target) != MR_OK ||
        !mr_map_put(m->pairs, &made))
        return MR_FAIL;
    *out = made.target;
    if (made.target == source) return MR_OK;
    if (mr_vec_push_ptr(&m->sources, source) != MR_OK) return MR_FAIL;
    return copy_columns(m, source, made.target);
}

/* ---------------------------------------------------------------- relationships */

/* Is the merged value a change? A viewonly relationship is copied as if it had been loaded. */
static bool writes(const merge *m, const mr_relationship *rel) { return m->load && !rel->viewonly; }

static mr_status merge_reference(merge *m, mr_entity *target, const mr_relationship *rel, const mr_vec *items) {
    mr_value value = mr_null_value();
    mr_entity *item;
    if (items->len > 0) {
        if (target_of(m, mr_vec_ptr(items, 0), &item) != MR_OK) return MR_FAIL;
        value = mr_value_of(MR_ENTITY, 0);
        value.u.p = item;
    }
    if (writes(m, rel)) return mr_attribute_set(target, rel->prop, &value);
    return mr_entity_put(target, rel->prop->slot, &value, true);
}

static mr_status merge_collection(merge *m, mr_entity *target, const mr_relationship *rel, const mr_vec *items) {
    mr_vec targets;
    mr_vec_init(&targets, m->s->env, sizeof(mr_entity *));
    mr_status status = MR_OK;
    const mr_value *ignored;
    if (m->load)
        status =
            mr_relationship_require(target, rel->prop, &ignored); /* then its items are in the identity map already */
    for (size_t i = 0; status == MR_OK && i < items->len; i++) {
        mr_entity *item;
        status = target_of(m, mr_vec_ptr(items, i), &item);
        if (status == MR_OK) status = mr_vec_push_ptr(&targets, item);
    }
    mr_entity *const *list = (mr_entity *const *)targets.data;
    if (status == MR_OK && writes(m, rel)) {
        status = mr_attribute_set_items(target, rel->prop, list, (uint32_t)targets.len);
    } else if (status == MR_OK) {
        mr_collection *c = mr_entity_collection(target, rel->prop, false);
        status = c ? mr_collection_fill(c, list, (uint32_t)targets.len) : MR_FAIL;
    }
    mr_vec_done(&targets);
    return status;
}

/* Has the source a value for the relationship? A new object's collection that was only looked at is none. */
static bool is_set(mr_entity *source, const mr_relationship *rel) {
    if (!mr_attribute_is_loaded(source, rel->prop)) return false;
    const mr_value *v = mr_relationship_peek(source, rel);
    bool has_row = source->state != MR_TRANSIENT && source->state != MR_PENDING;
    return v->kind != MR_COLLECTION || has_row || mr_collection_is_set(v->u.p);
}

/* Removes objects without a row: a viewonly relationship must not bring new objects into a session. */
static void leave_out_new(mr_vec *items) {
    size_t kept = 0;
    for (size_t i = 0; i < items->len; i++) {
        mr_entity *e = mr_vec_ptr(items, i);
        if (mr_entity_has_identity(e)) ((mr_entity **)items->data)[kept++] = e;
    }
    items->len = kept;
}

static mr_status merge_relation(merge *m, mr_entity *source, mr_entity *target, const mr_relationship *rel,
                                mr_vec *items) {
    merge_origin origin = {source, rel->reverse};
    if (m->load && rel->reverse && mr_map_get(m->origins, &origin)) return MR_OK;
    if (!is_set(source, rel)) return MR_OK;
    items->len = 0;
    if (mr_relationship_items(source, rel, false, items) != MR_OK) return MR_FAIL;
    if (rel->viewonly) leave_out_new(items);
    for (size_t i = 0; i < items->len; i++) {
        merge_origin next = {mr_vec_ptr(items, i), rel};
        if (!mr_map_put(m->origins, &next)) return MR_FAIL;
    }
    return mr_relationship_is_list(rel) ? merge_collection(m, target, rel, items)
                                        : merge_reference(m, target, rel, items);
}

static mr_status merge_relations(merge *m, mr_entity *source, mr_vec *items) {
    const mr_relationship_list *relations = mr_relationship_list_of(source->mapper);
    if (!relations) return MR_FAIL;
    mr_entity *target = ((const merge_pair *)mr_map_get(m->pairs, &source))->target;
    for (unsigned i = 0; i < relations->n; i++)
        if ((relations->rels[i]->cascade & MR_CASCADE_MERGE) &&
            merge_relation(m, source, target, relations->rels[i], items) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

/* ---------------------------------------------------------------- the whole */

static mr_status run(merge *m, mr_entity *source, mr_entity **out) {
    mr_vec items;
    mr_vec_init(&items, m->s->env, sizeof(mr_entity *));
    mr_status status = target_of(m, source, out);
    for (size_t i = 0; status == MR_OK && i < m->sources.len; i++)
        status = merge_relations(m, mr_vec_ptr(&m->sources, i), &items);
    mr_vec_done(&items);
    return status;
}

static mr_status merge_graph(mr_session *s, mr_entity *source, bool load, mr_entity **out) {
    merge m = {.s = s, .load = load};
    mr_vec_init(&m.sources, s->env, sizeof(mr_entity *));
    mr_vec_init(&m.made, s->env, sizeof(mr_entity *));
    mr_vec_init(&m.pinned, s->env, sizeof(mr_entity *));
    mr_vec_init(&m.replaced, s->env, sizeof(merge_value));
    m.pairs = mr_map_new(s->env, sizeof(merge_pair), mr_map_hash_ptr, mr_map_equal_ptr);
    m.origins = mr_map_new(s->env, sizeof(merge_origin), hash_origin, equal_origins);
    mr_status status = m.pairs && m.origins ? run(&m, source, out) : MR_FAIL;
    if (status == MR_OK) mr_entity_pin(*out);
    else mr_cascade_take_back(s, &m.made);
    end_replaced(&m, status != MR_OK);
    mr_cascade_release(&m.made);
    mr_cascade_release(&m.pinned);
    mr_vec_done(&m.sources);
    mr_map_free(m.pairs);
    mr_map_free(m.origins);
    free_keys(&m);
    return status;
}

mr_status mr_session_merge(mr_session *s, mr_entity *source, bool load, mr_entity **out) {
    *out = NULL;
    if (mr_session_allow(s, MR_ACT_CHANGE, "merge()") != MR_OK) return MR_FAIL;
    if (load && mr_session_autoflush_now(s) != MR_OK) return MR_FAIL;
    mr_entity_pin(source);
    mr_heap_block(s->heap);
    mr_session_block_autoflush(s, 1);
    mr_status status = merge_graph(s, source, load, out);
    mr_session_block_autoflush(s, -1);
    mr_heap_unblock(s->heap);
    mr_entity_unpin(source);
    if (status != MR_OK) *out = NULL;
    return status;
}
