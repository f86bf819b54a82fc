/*
 * orphans.c: what a delete-orphan relationship has lost when the session flushes.
 *
 * Invariant: only the flush decides: an object that was taken from one parent and given to another in the
 * meantime is none.
 */
#include "session_state.h"

/* Only a parent of the same session counts: what a rollback has put out of it may still show its old items. */
static bool has_parent(const mr_session *s, mr_entity *e, const mr_relationship *rel) {
    const mr_entity *parent = mr_parent_of(e, rel);
    return parent && parent->owner == s->owner && parent->state != MR_DELETED;
}

static mr_status doom_orphans_of(mr_session *s, mr_entity *parent, mr_vec *removed) {
    const mr_relations *relations = mr_relations_of(parent->mapper);
    if (!relations) return MR_FAIL;
    if (!(relations->cascades & MR_CASCADE_DELETE_ORPHAN)) return MR_OK;
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i];
        if (!(rel->cascade & MR_CASCADE_DELETE_ORPHAN)) continue;
        removed->len = 0;
        if (mr_relation_removed(parent, rel, removed) != MR_OK) return MR_FAIL;
        for (size_t j = 0; j < removed->len; j++) {
            mr_entity *e = mr_vec_ptr(removed, j);
            bool ours =
                e->owner == s->owner && e->state == MR_PERSISTENT && !(e->flags & MR_ENTITY_TO_DELETE);
            if (ours && !has_parent(s, e, rel) && mr_cascade_doom(s, e) != MR_OK) return MR_FAIL;
        }
    }
    return MR_OK;
}

mr_status mr_orphans_doom(mr_session *s) {
    mr_vec parents, removed;
    mr_vec_init(&parents, s->env, sizeof(mr_entity *));
    mr_vec_init(&removed, s->env, sizeof(mr_entity *));
    const mr_vec *dirty = &s->owner->dirty;
    mr_status status =
        mr_vec_reserve(&parents, dirty->len); /* a copy: dooming may load, and so change the list */
    for (size_t i = 0; status == MR_OK && i < dirty->len; i++)
        status = mr_vec_push_ptr(&parents, mr_vec_ptr(dirty, i));
    for (size_t i = 0; status == MR_OK && i < parents.len; i++)
        status = doom_orphans_of(s, mr_vec_ptr(&parents, i), &removed);
    mr_vec_done(&removed);
    mr_vec_done(&parents);
    return status;
}
