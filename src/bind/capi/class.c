/*
 * class.c: the embedding API's view of classes.
 *
 * Invariant: an mr_class is a mapper, which lives as long as its environment.
 */
#include <string.h>

#include "capi.h"
#include "value/class.h"

typedef struct class_args {
    const char *name;
    int index;
    const mr_class *klass;
} class_args;

/* The Lua part keeps the list of bases (core.bases), each with a registry of its own. */
static int find_body(lua_State *L) {
    class_args *a = lua_touserdata(L, 1);
    bind_push_core(L);
    if (lua_getfield(L, -1, "bases") != LUA_TTABLE) return 0;
    for (lua_Integer i = 1; !a->klass && lua_rawgeti(L, -1, i) != LUA_TNIL; i++) {
        bind_class *base = bind_class_at(L, -1);
        if (base) a->klass = mr_registry_find(base->registry, a->name);
        lua_pop(L, 1);
    }
    return 0;
}

const mr_class *mr_class_find(lua_State *L, const char *name) {
    class_args args = {name, 0, NULL};
    capi_run(L, find_body, &args, 0, 0);
    return args.klass;
}

static int at_body(lua_State *L) {
    class_args *a = lua_touserdata(L, 1);
    a->klass = bind_test_class(L, 2);
    return 0;
}

const mr_class *mr_class_at(lua_State *L, int index) {
    class_args args = {NULL, 0, NULL};
    if (!lua_checkstack(L, 1)) return NULL;
    lua_pushvalue(L, index);
    capi_run(L, at_body, &args, 1, 0);
    return args.klass;
}

static int push_body(lua_State *L) {
    const class_args *a = lua_touserdata(L, 1);
    bind_push_class(L, a->klass);
    return 1;
}

mr_result mr_class_push(lua_State *L, const mr_class *klass) {
    class_args args = {NULL, 0, klass};
    return capi_run(L, push_body, &args, 0, 1);
}

const char *mr_class_name(const mr_class *klass) { return klass->name; }

const char *mr_class_table(const mr_class *klass) { return klass->table ? klass->table->name : NULL; }

const mr_class *mr_class_parent(const mr_class *klass) { return klass->base; }

int mr_class_is(const mr_class *klass, const mr_class *ancestor) { return mr_mapper_isa(klass, ancestor); }

size_t mr_class_attribute_count(const mr_class *klass) { return klass->props.len; }

const char *mr_class_attribute_name(const mr_class *klass, size_t at) {
    return at < klass->props.len ? ((mr_property *)mr_vec_ptr(&klass->props, at))->name : NULL;
}

int mr_class_has(const mr_class *klass, const char *attribute) {
    return mr_mapper_property(klass, attribute, false) != NULL;
}

int mr_class_is_column(const mr_class *klass, const char *attribute) {
    const mr_property *prop = mr_mapper_property(klass, attribute, true);
    return prop && prop->kind == MR_PROPERTY_COLUMN;
}

int mr_class_is_relationship(const mr_class *klass, const char *attribute) {
    const mr_property *prop = mr_mapper_property(klass, attribute, true);
    return prop && prop->kind == MR_PROPERTY_RELATIONSHIP;
}

int mr_class_is_primary_key(const mr_class *klass, const char *attribute) {
    const mr_property *prop = mr_mapper_property(klass, attribute, true);
    return prop && prop->kind == MR_PROPERTY_COLUMN && prop->is_primary_key;
}
