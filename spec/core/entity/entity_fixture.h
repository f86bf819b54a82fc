/*
 * entity_fixture.h: helpers for the tests of the entity layer: an environment, an owner, and two classes. Node has an
 * integer key, a text, two references and a collection; the key of Pair is a text and an integer.
 */
#ifndef MOONROW_SPEC_ENTITY_FIXTURE_H
#define MOONROW_SPEC_ENTITY_FIXTURE_H

#include <moonrow/entity.h>

#include "failing_alloc.h"

enum { ID, NAME, NEXT, OTHER, ITEMS, NODE_SLOTS };

typedef struct fixture {
    fa_state fa;
    mr_env *env;
    mr_registry *registry;
    mr_mapper *node, *pair;
    const mr_property *items;
    mr_heap *heap;
    mr_owner *owner;
} fixture;

static inline mr_column *fx_column(mr_env *env, mr_typecode code, bool key) {
    mr_column *c = mr_column_new(env, NULL, mr_type_simple(code));
    if (c) c->primary_key = key;
    return c;
}

/* Opens a fixture. False: no memory. */
static inline bool fx_open(fixture *f) {
    memset(f, 0, sizeof *f);
    f->env = fa_env_new(&f->fa);
    f->registry = mr_registry_new(f->env, mr_metadata_new(f->env));
    f->node = mr_mapper_new(f->registry, "Node", NULL);
    mr_mapper_add_column(f->node, "id", fx_column(f->env, MR_TYPE_INTEGER, true));
    mr_mapper_add_column(f->node, "name", fx_column(f->env, MR_TYPE_TEXT, false));
    mr_mapper_add_property(f->node, "next", MR_PROPERTY_RELATIONSHIP);
    mr_mapper_add_property(f->node, "other", MR_PROPERTY_RELATIONSHIP);
    f->items = mr_mapper_add_property(f->node, "items", MR_PROPERTY_RELATIONSHIP);
    if (mr_mapper_finish(f->node, NULL, "node", NULL, NULL, NULL) != MR_OK) return false;
    f->pair = mr_mapper_new(f->registry, "Pair", NULL);
    mr_mapper_add_column(f->pair, "word", fx_column(f->env, MR_TYPE_TEXT, true));
    mr_mapper_add_column(f->pair, "number", fx_column(f->env, MR_TYPE_INTEGER, true));
    if (mr_mapper_finish(f->pair, NULL, "pair", NULL, NULL, NULL) != MR_OK) return false;
    f->heap = mr_heap_of(f->env);
    f->owner = mr_owner_new(f->env, f);
    return f->heap && f->owner;
}

/* Frees everything. False: memory was lost. */
static inline bool fx_close(fixture *f) {
    mr_owner_release(f->owner);
    mr_env_free(f->env);
    return fa_live(&f->fa) == 0;
}

static inline mr_value fx_text(const char *s) { return mr_text_value(s, strlen(s)); }

static inline mr_value fx_entity(mr_entity *e) {
    mr_value v = mr_value_of(MR_ENTITY, 0);
    v.u.p = e;
    return v;
}

/* A persistent Node with its id and, unless NULL, its name. */
static inline mr_entity *fx_load(fixture *f, int64_t id, const char *name) {
    mr_value identity = mr_int_value(id);
    mr_value values[2] = {mr_int_value(id), name ? fx_text(name) : mr_value_of(MR_UNLOADED, 0)};
    return mr_entity_load(f->owner, f->node, &identity, values, 2);
}

#endif
