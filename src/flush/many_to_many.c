/*
 * many_to_many.c: finds the rows of the secondary table to insert and to delete.
 *
 * Invariant: a link is noted once, even if both sides of the relationship have it, or an item is repeated.
 */
#include "relationships.h"
#include "unit.h"

#include <string.h>

/* Names a link from always the same side of the relationship. */
typedef struct link_key {
    const mr_relationship *rel;
    const mr_entity *parent, *target;
} link_key;

static uint64_t hash_link(const void *element) {
    const link_key *k = element;
    uint64_t h = (uint64_t)(uintptr_t)k->parent * UINT64_C(0x9E3779B97F4A7C15);
    return (h ^ (uint64_t)(uintptr_t)k->target) * UINT64_C(0xD6E8FEB86659FD93) + (uint64_t)(uintptr_t)k->rel;
}

static bool equal_link(const void *a, const void *b) { return memcmp(a, b, sizeof(link_key)) == 0; }

static link_key key_of(const mr_relationship *rel, const mr_entity *parent, const mr_entity *target) {
    const mr_relationship *reverse = rel->reverse;
    if (reverse && !reverse->viewonly && (uintptr_t)reverse < (uintptr_t)rel)
        return (link_key){reverse, target, parent};
    return (link_key){rel, parent, target};
}

static mr_status add_link(mr_flush *flush, const mr_relationship *rel, mr_entity *parent, mr_entity *target,
                          flush_link_kind kind) {
    if (!flush->link_set) flush->link_set = mr_map_new(flush->env, sizeof(link_key), hash_link, equal_link);
    if (!flush->link_set) return MR_FAIL;
    link_key key = key_of(rel, parent, target);
    if (mr_map_get(flush->link_set, &key)) return MR_OK;
    flush_link *link = mr_vec_push(&flush->links);
    if (!link || !mr_map_put(flush->link_set, &key)) return MR_FAIL;
    *link = (flush_link){rel, mr_entity_pin(parent), mr_entity_pin(target), kind, false};
    return MR_OK;
}

mr_status mr_flush_ask_many_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    if (flush->asked || mr_flush_is_loaded(op, rel)) return MR_OK;
    if (op->kind == OP_DELETE) return rel->passive_deletes ? MR_OK : MR_ROW;
    return mr_flush_key_changes(op, rel) && !rel->passive_updates ? MR_ROW : MR_OK;
}

/* May the item have links? Not if it never had a row, or if an earlier flush has deleted it with its links. */
static bool may_have_links(const mr_entity *item) {
    return mr_entity_has_identity(item) && item->state != MR_DELETED && !(item->flags & MR_ENTITY_GONE);
}

static mr_status link_found(mr_flush *flush, const flush_op *op, const mr_relationship *rel, flush_link_kind kind) {
    for (size_t i = 0; i < flush->found.len; i++) {
        mr_entity *item = mr_vec_ptr(&flush->found, i);
        if (kind == LINK_INSERT && !mr_flush_has_row(flush, item)) {
            if (!mr_flush_op_of(flush, item)) mr_flush_warn(flush, item, rel);
            continue;
        }
        if (kind != LINK_INSERT && !may_have_links(item)) continue;
        if (add_link(flush, rel, op->entity, item, kind) != MR_OK) return MR_FAIL;
    }
    flush->found.len = 0;
    return MR_OK;
}

mr_status mr_flush_link_many_to_many(mr_flush *flush, flush_op *op, const mr_relationship *rel) {
    mr_vec *found = &flush->found;
    found->len = 0;
    bool deleted = op->kind == OP_DELETE;
    if (deleted && rel->passive_deletes == 2) return MR_OK;
    if (mr_flush_changes(op, rel, NULL, found, deleted ? found : NULL) != MR_OK ||
        link_found(flush, op, rel, LINK_DELETE) != MR_OK)
        return MR_FAIL;
    if (deleted) return MR_OK;
    if (mr_flush_key_changes(op, rel) && !rel->passive_updates &&
        (mr_flush_changes(op, rel, NULL, NULL, found) != MR_OK || link_found(flush, op, rel, LINK_UPDATE) != MR_OK))
        return MR_FAIL;
    if (mr_flush_changes(op, rel, found, NULL, NULL) != MR_OK) return MR_FAIL;
    return link_found(flush, op, rel, LINK_INSERT);
}
