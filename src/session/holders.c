/*
 * holders.c: who holds an object whose own side is about to be forgotten.
 *
 * Invariant: what is noted is a hint, as all in parents.c: it counts only while the holder still holds the
 * object.
 */
#include "session_state.h"

/* What the reference refers to, without loading. */
static mr_entity *known_target(mr_entity *entity, const mr_relationship *rel) {
    const mr_value *v = mr_relation_peek(entity, rel);
    bool known;
    if (v->kind == MR_ENTITY) return v->u.p;
    return v->kind == MR_UNLOADED ? mr_reference_by_key(entity, rel, &known) : NULL;
}

mr_status mr_holders_note(mr_entity *entity) {
    const mr_relations *relations = mr_relations_of(entity->mapper);
    if (!relations) return MR_FAIL;
    for (unsigned i = 0; i < relations->n; i++) {
        const mr_relationship *rel = relations->rels[i], *reverse = mr_relation_reverse(rel);
        if (!reverse || mr_relation_is_list(rel)) continue;
        mr_entity *holder = known_target(entity, rel);
        if (!holder || mr_relation_peek(holder, reverse)->kind == MR_UNLOADED) continue;
        if (mr_parent_note(entity, reverse, holder) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}
