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

/* The registry of a base. The list of bases is on top of the stack. */
static const mr_registry *registry_at(lua_State *L, lua_Integer i) {
    lua_rawgeti(L, -1, i);
    const bind_class *base = bind_class_at(L, -1);
    lua_pop(L, 1);
    return base ? base->registry : NULL;
}

/* The Lua part keeps the list of bases (core.bases), each with a registry of its own. */
static int find_body(lua_State *L) {
    class_args *a = lua_touserdata(L, 1);
    bind_push_core(L);
    lua_Integer n = lua_getfield(L, -1, "bases") == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : 0;
    const mr_registry *registry;
    for (lua_Integer i = 1; i <= n; i++) {
        if ((registry = registry_at(L, i)) != NULL) a->klass = mr_registry_find(registry, a->name);
        if (a->klass) return 0;
    }
    const char *near = NULL;
    for (lua_Integer i = 1; i <= n && !near; i++)
        if ((registry = registry_at(L, i)) != NULL) near = mr_registry_nearest(registry, a->name);
    return bind_error(L, MR_ERR_ARGUMENT, "mr_class_find: there is no class named '%s'%s", a->name,
                      near ? bind_hint(L, near) : ": run the script that declares it before");
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
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    class_args args = {NULL, 0, klass};
    return capi_run(L, push_body, &args, 0, 1);
}

const char *mr_class_name(const mr_class *klass) { return klass ? klass->name : NULL; }

const char *mr_class_table(const mr_class *klass) { return klass && klass->table ? klass->table->name : NULL; }

const mr_class *mr_class_parent(const mr_class *klass) { return klass ? klass->base : NULL; }

int mr_class_is(const mr_class *klass, const mr_class *ancestor) {
    return klass && ancestor && mr_mapper_isa(klass, ancestor);
}

size_t mr_class_attribute_count(const mr_class *klass) { return klass ? klass->props.len : 0; }

const char *mr_class_attribute_name(const mr_class *klass, size_t at) {
    return klass && at < klass->props.len ? ((mr_property *)mr_vec_ptr(&klass->props, at))->name : NULL;
}

static const mr_property *property_of(const mr_class *klass, const char *attribute) {
    return klass ? mr_mapper_property(klass, attribute, true) : NULL;
}

int mr_class_has(const mr_class *klass, const char *attribute) {
    return klass && mr_mapper_property(klass, attribute, false) != NULL;
}

int mr_class_is_column(const mr_class *klass, const char *attribute) {
    const mr_property *prop = property_of(klass, attribute);
    return prop && prop->kind == MR_PROPERTY_COLUMN;
}

int mr_class_is_relationship(const mr_class *klass, const char *attribute) {
    const mr_property *prop = property_of(klass, attribute);
    return prop && prop->kind == MR_PROPERTY_RELATIONSHIP;
}

int mr_class_is_primary_key(const mr_class *klass, const char *attribute) {
    const mr_property *prop = property_of(klass, attribute);
    return prop && prop->kind == MR_PROPERTY_COLUMN && prop->is_primary_key;
}
