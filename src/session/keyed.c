/*
 * keyed.c: the keys of dicts: collections whose objects are found by an attribute of theirs, or by what a function
 * makes of them.
 *
 * Invariant: a key is never kept: it is what the object has now. An object that is put into a loaded dict takes the
 * place of the one that has its key.
 */
#include "attributes.h"
#include "relationships.h"
#include "states.h"

static mr_status no_key(const mr_entity *holder, const mr_relationship *rel, const mr_entity *item) {
    mr_strbuf words;
    mr_strbuf_init(&words, holder->mapper->env);
    mr_fail(holder->mapper->env, MR_ERR_ARGUMENT,
            "%s.%s: the key of %s is nil: set its %s before it is put into the collection", holder->mapper->name,
            rel->prop->name, mr_entity_words(item, &words), rel->collection_key);
    mr_strbuf_done(&words);
    return MR_FAIL;
}

static bool is_same_key(mr_env *env, const mr_value *a, const mr_value *b) {
    if (a->kind != b->kind || a->kind == MR_NULL || a->kind == MR_UNLOADED) return false;
    if (a->kind == MR_ENTITY) return a->u.p == b->u.p;
    return mr_value_equal(env, a, b);
}

static mr_collection *loaded_dict(mr_entity *holder, const mr_relationship *rel) {
    const mr_value *v = mr_relationship_peek(holder, rel);
    mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    return c && c->loaded ? c : NULL;
}

/* The other object with the attribute's value of item. The collection is looked up again for each item, because loading
 * a key may change it. */
static mr_status find_by_attribute(mr_entity *holder, const mr_relationship *rel, mr_entity *item, bool load,
                                   mr_entity **same) {
    mr_env *env = holder->mapper->env;
    const mr_collection *c;
    for (uint32_t i = 0; (c = loaded_dict(holder, rel)) != NULL && i < c->n; i++) {
        mr_entity *other = c->items[i];
        if (other == item) continue;
        const mr_value *theirs = mr_entity_slot(other, rel->key_prop->slot);
        if (theirs->kind == MR_UNLOADED && load && mr_attribute_get(other, rel->key_prop, &theirs) != MR_OK)
            return MR_FAIL;
        if (!is_same_key(env, mr_entity_slot(item, rel->key_prop->slot), theirs)) continue;
        *same = other;
        return MR_OK;
    }
    return MR_OK;
}

static mr_status find(mr_entity *holder, const mr_relationship *rel, mr_entity *item, bool load, mr_entity **same) {
    *same = NULL;
    if (rel->key_prop) return find_by_attribute(holder, rel, item, load, same);
    return rel->same_key ? rel->same_key(holder->mapper->env, rel->same_key_ud, holder, rel, item, same) : MR_OK;
}

mr_status mr_keyed_check(mr_entity *holder, const mr_relationship *rel, mr_entity *item, mr_entity **displaced) {
    if (displaced) *displaced = NULL;
    if (rel->collection != MR_COLLECTION_DICT) return MR_OK;
    if (rel->key_prop) {
        const mr_value *key;
        if (mr_attribute_get(item, rel->key_prop, &key) != MR_OK) return MR_FAIL;
        if (key->kind == MR_NULL) return no_key(holder, rel, item);
    }
    return displaced ? find(holder, rel, item, true, displaced) : MR_OK;
}

mr_status mr_keyed_find(mr_entity *holder, const mr_relationship *rel, mr_entity *item, uint32_t *at) {
    mr_entity *same;
    *at = UINT32_MAX;
    if (rel->collection != MR_COLLECTION_DICT || !loaded_dict(holder, rel)) return MR_OK;
    if (find(holder, rel, item, false, &same) != MR_OK) return MR_FAIL;
    mr_collection *c = same ? loaded_dict(holder, rel) : NULL;
    if (c) *at = mr_collection_find(c, same);
    return MR_OK;
}
