/*
 * registry.c: all declared classes, and how they are freed.
 *
 * Invariant: everything that mappings own outside of the arena (lists, nodes) is freed once, with the environment.
 */
#include "mapper_private.h"

#include <string.h>

void mr_relationship_done(mr_relationship *rel) {
    mr_node_release(rel->primaryjoin);
    mr_node_release(rel->secondaryjoin);
    mr_node_release(rel->order_by);
    rel->primaryjoin = rel->secondaryjoin = rel->order_by = NULL;
    mr_vec_done(&rel->foreign_keys);
    mr_vec_done(&rel->remote_side);
}

static void free_property(mr_property *prop) {
    mr_node_release(prop->expression);
    prop->expression = NULL;
    if (!prop->relationship) return;
    mr_relationship_done(prop->relationship);
    if (prop->relationship->backref_options) mr_relationship_done(prop->relationship->backref_options);
}

static void free_mapper(mr_mapper *m) {
    for (size_t i = 0; i < m->props.len; i++)
        if (mapper_prop(m, i)->mapper == m) free_property(mapper_prop(m, i));
    for (unsigned i = 0; i < m->nparts; i++)
        if (m->parts[i].mapper == m) mr_node_release(m->parts[i].on);
    mr_node_release(m->polymorphic_on);
    mr_value_clear(m->env, &m->polymorphic_identity);
    mr_vec_done(&m->twins);
    mr_vec_done(&m->props);
    mr_vec_done(&m->columns);
    mr_vec_done(&m->subclasses);
    mr_vec_done(&m->attribute_hooks);
    for (int i = 0; i < MR_EVENT__COUNT; i++) mr_vec_done(&m->hooks[i]);
}

static void free_registry(void *ud) {
    registry_cell *cell = ud;
    for (mapper_cell *m = cell->cells; m; m = m->next) free_mapper(&m->mapper);
    mr_vec_done(&cell->registry.mappers);
    mr_map_free(cell->names);
}

static const char *name_of(const void *element) { return (*(mr_mapper *const *)element)->name; }
static uint64_t hash_name(const void *element) { return mr_hash_bytes(name_of(element), strlen(name_of(element))); }
static bool equal_names(const void *a, const void *b) { return strcmp(name_of(a), name_of(b)) == 0; }

mr_registry *mr_registry_new(mr_env *env, mr_metadata *metadata) {
    registry_cell *cell = mr_env_arena(env, sizeof *cell);
    if (!cell || mr_env_on_close(env, free_registry, cell) != MR_OK) return NULL;
    cell->registry.env = env;
    cell->registry.metadata = metadata;
    mr_vec_init(&cell->registry.mappers, env, sizeof(mr_mapper *));
    cell->names = mr_map_new(env, sizeof(mr_mapper *), hash_name, equal_names);
    return cell->names ? &cell->registry : NULL;
}

mr_mapper *mr_registry_find(const mr_registry *registry, const char *name) {
    const mr_mapper named = {.name = name}, *key = &named;
    mr_mapper *const *found = mr_map_get(((const registry_cell *)registry)->names, &key);
    return found ? *found : NULL;
}

static const char *next_class_name(void *ud, size_t i) {
    const mr_registry *r = ud;
    return i < r->mappers.len ? ((mr_mapper *)mr_vec_ptr(&r->mappers, i))->name : NULL;
}

const char *mr_registry_nearest(const mr_registry *registry, const char *name) {
    return mr_nearest(name, next_class_name, (void *)(uintptr_t)registry);
}

mr_status mr_registry_reserve(mr_registry *registry) {
    mr_vec *mappers = &registry->mappers;
    if (mr_map_reserve(((registry_cell *)registry)->names, mappers->len + 1) != MR_OK) return MR_FAIL;
    return mappers->len < mappers->cap ? MR_OK : mr_vec_reserve(mappers, mappers->cap ? 2 * mappers->cap : 8);
}

void mr_registry_add(mr_registry *registry, mr_mapper *mapper) {
    mapper->order = (uint32_t)registry->mappers.len;
    mr_vec_push_ptr(&registry->mappers, mapper);
    mr_map_put(((registry_cell *)registry)->names, &mapper);
}
