/*
 * changes.c: the functions that all kinds of relationships share: the changes of a relationship, and the notes for
 * foreign keys.
 *
 * Invariant: objects of the session do not change here; only operations and their notes do.
 */
#include "relationships.h"
#include "unit.h"
#include "values.h"

bool mr_flush_is_loaded(const flush_op *op, const mr_relationship *rel) {
    const mr_value *v = mr_flush_slot(op, rel->prop->slot);
    if (v->kind == MR_COLLECTION) return ((const mr_collection *)v->u.p)->loaded;
    return v->kind != MR_UNLOADED;
}

static mr_status push(mr_vec *vec, const mr_value *v) {
    return vec && v->kind == MR_ENTITY ? mr_vec_push_ptr(vec, v->u.p) : MR_OK;
}

mr_status mr_flush_changes(const flush_op *op, const mr_relationship *rel, mr_vec *added, mr_vec *removed,
                           mr_vec *unchanged) {
    const mr_value *v = mr_flush_slot(op, rel->prop->slot);
    if (v->kind == MR_COLLECTION) return mr_collection_changes(v->u.p, added, removed, unchanged);
    if (op->kind == OP_INSERT) return push(added, v);
    if (!mr_entity_is_dirty(op->entity, rel->prop->slot)) return push(unchanged, v);
    if (push(added, v) != MR_OK) return MR_FAIL;
    return push(removed, mr_entity_committed(op->entity, rel->prop->slot));
}

mr_status mr_flush_all_items(const flush_op *op, const mr_relationship *rel, mr_vec *out) {
    return mr_flush_changes(op, rel, out, out, out);
}

bool mr_flush_key_changes(const flush_op *op, const mr_relationship *rel) {
    if (op->kind != OP_UPDATE) return false;
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].local_slot != UINT16_MAX && mr_entity_is_dirty(op->entity, rel->pairs[i].local_slot))
            return true;
    return false;
}

/* Is the column a date, whose spelling the identity does not know? A foreign key to it must have the same text. */
static bool is_respelled(const mr_value *v, const mr_value *room) {
    return v == room && v->kind >= MR_TIME && v->kind <= MR_INTERVAL && v->len == 0;
}

bool mr_flush_must_load(mr_flush *flush, mr_entity *entity, const mr_relationship *rel) {
    if (entity->state != MR_PERSISTENT || flush->asked) return false;
    for (unsigned i = 0; i < rel->npairs; i++) {
        const mr_column_pair *pair = &rel->pairs[i];
        mr_value room;
        bool own = rel->direction == MR_MANY_TO_ONE;
        uint16_t slot = own ? pair->remote_slot : pair->local_slot;
        if (slot == UINT16_MAX) continue;
        const mr_value *v = mr_flush_entity_value(flush, entity, slot, &room);
        if (!v || (v->kind != MR_UNLOADED && !is_respelled(v, &room))) continue;
        flush->missing_of = entity;
        flush->missing = mr_mapper_property_of_column(entity->mapper, own ? pair->remote : pair->local);
        return flush->missing != NULL;
    }
    return false;
}

void mr_flush_warn(mr_flush *flush, const mr_entity *item, const mr_relationship *rel) {
    mr_log(flush->env, "Object of type <%s> not in session, add operation along '%s.%s' will not proceed",
           item->mapper->name, rel->parent->name, rel->prop->name);
}

mr_status mr_flush_add_sync(mr_flush *flush, flush_op *op, const mr_relationship *rel, mr_entity *source,
                            bool cascaded) {
    flush_sync *sync = mr_arena_alloc(flush->arena, sizeof *sync);
    if (!sync) return MR_FAIL;
    *sync = (flush_sync){.next = op->syncs, .rel = rel, .source = source, .cascaded = cascaded};
    op->syncs = sync;
    return MR_OK;
}

mr_status mr_flush_add_post(mr_flush *flush, flush_op *op, const mr_relationship *rel, mr_entity *source,
                            bool before_delete) {
    flush_rare *rare = mr_flush_rare_of(flush, op);
    flush_post *post = rare ? mr_vec_push(&flush->posts) : NULL;
    if (!post) return MR_FAIL;
    *post = (flush_post){
        .op = op, .sync = {.rel = rel, .source = source}, .next = rare->posts, .before_delete = before_delete};
    rare->posts = (uint32_t)flush->posts.len;
    return MR_OK;
}

mr_status mr_flush_add_edge(mr_flush *flush, flush_op *before, flush_op *after) {
    if (before == after || !before->cls->cyclic || before->cls->component != after->cls->component) return MR_OK;
    flush_row_edge *edge = mr_vec_push(&flush->edges);
    if (!edge) return MR_FAIL;
    *edge = (flush_row_edge){before, after};
    return MR_OK;
}
