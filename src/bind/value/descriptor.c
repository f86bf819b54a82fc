/*
 * descriptor.c: the box of an attribute that the Lua part of the library makes of others.
 *
 * Invariant: a descriptor is a member of a class, never a property of its mapper: the core does not know of it. It says
 * nothing of the class that has it, so that one of a mixin serves all classes.
 */
#include "descriptor.h"

#include <string.h>

#include "from.h"

static const char meta_key = 0; /* registry: the metatable of descriptors; its address is their magic */

bind_descriptor *bind_descriptor_at(lua_State *L, int idx) {
    bind_descriptor *d = lua_touserdata(L, idx);
    if (!d || lua_rawlen(L, idx) != sizeof *d) return NULL;
    return d->magic == &meta_key ? d : NULL;
}

bool bind_push_descriptor(lua_State *L, const mr_mapper *mapper, const char *name) {
    if (!mapper->klass) return false;
    luaL_checkstack(L, 8, "an attribute");
    bind_push_class(L, mapper);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    bind_class_member(L, -1, name);
    lua_remove(L, -2);
    if (bind_descriptor_at(L, -1)) return true;
    lua_pop(L, 1);
    return false;
}

void bind_express_descriptor(lua_State *L, int owner, const mr_mapper *mapper, const char *name) {
    owner = lua_absindex(L, owner);
    lua_getiuservalue(L, -1, DESCRIPTOR_EXPRESS);
    lua_remove(L, -2);
    lua_pushvalue(L, owner);
    lua_pushstring(L, name);
    bind_push_class(L, mapper);
    lua_call(L, 3, 1);
}

bool bind_push_described(lua_State *L, mr_mapper *mapper, mr_node *alias, const char *name) {
    if (!bind_push_descriptor(L, mapper, name)) return false;
    if (alias) bind_push_from(L, mr_node_retain(alias), mapper);
    else bind_push_class(L, mapper);
    lua_insert(L, -2);
    bind_express_descriptor(L, -2, mapper, name);
    lua_remove(L, -2);
    return true;
}

/* Adds the pairs of the table on top, which the descriptor has made of its value, to the table at index made. */
static void add_spread(lua_State *L, const mr_mapper *mapper, int made, const char *name, const char *function) {
    int from = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, from); lua_settop(L, from + 1)) {
        lua_pushvalue(L, -2);
        if (lua_rawget(L, made) != LUA_TNIL)
            bind_error(L, MR_ERR_ARGUMENT, "%s: '%s' is set twice: by itself, and by %s.%s", function,
                       luaL_tolstring(L, from + 1, NULL), mapper->name, name);
        lua_pushvalue(L, from + 1);
        lua_pushvalue(L, from + 2);
        lua_rawset(L, made);
    }
}

/* Does the table at idx name a descriptor of the class? */
static bool names_descriptor(lua_State *L, const mr_mapper *mapper, int idx) {
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || !bind_push_descriptor(L, mapper, lua_tostring(L, -2))) continue;
        lua_pop(L, 3);
        return true;
    }
    return false;
}

/* Pushes a copy of the table at idx in which those of descriptors are the values that these make of theirs. */
static void push_spread(lua_State *L, const mr_mapper *mapper, int idx, const char *function) {
    lua_newtable(L);
    int made = lua_gettop(L);
    for (int pass = 0; pass < 2; pass++) /* the columns first, so that what is set twice is found */
        for (lua_pushnil(L); lua_next(L, idx); lua_settop(L, made + 1)) {
            const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
            bool is = name && bind_push_descriptor(L, mapper, name);
            if (!is && pass == 0) {
                lua_pushvalue(L, made + 1);
                lua_pushvalue(L, made + 2);
                lua_rawset(L, made);
            } else if (is && pass == 1) {
                lua_getiuservalue(L, -1, DESCRIPTOR_SPREAD);
                bind_push_class(L, mapper);
                lua_pushstring(L, name);
                lua_pushvalue(L, made + 2);
                lua_call(L, 3, 1);
                add_spread(L, mapper, made, name, function);
            }
        }
}

void bind_spread_values(lua_State *L, const mr_mapper *mapper, int idx, const char *function) {
    enum { MOST = 16 };
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 24, function);
    for (int i = 0; mapper && names_descriptor(L, mapper, idx); i++) { /* one may name others */
        if (i == MOST)
            bind_error(L, MR_ERR_ARGUMENT, "%s: an attribute of %s is written by way of itself", function,
                       mapper->name);
        push_spread(L, mapper, idx, function);
        lua_replace(L, idx);
    }
}

void bind_spread_rows(lua_State *L, const mr_mapper *mapper, int idx, const char *function) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 24, function);
    int top = lua_gettop(L);
    bool names = lua_rawgeti(L, idx, 1) == LUA_TTABLE && mapper && names_descriptor(L, mapper, top + 1);
    lua_settop(L, top);
    if (!names) return;
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
    lua_createtable(L, n < INT_MAX ? (int)n : 0, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, idx, i) == LUA_TTABLE) bind_spread_values(L, mapper, -1, function);
        lua_rawseti(L, top + 1, i);
    }
    lua_replace(L, idx);
}

const char *bind_nearest_attribute(lua_State *L, const mr_mapper *mapper, const char *name) {
    const char *near = mr_mapper_nearest(mapper, name);
    if (near) return near;
    luaL_checkstack(L, 16, "an attribute");
    int top = lua_gettop(L);
    bind_push_class(L, mapper);
    lua_newtable(L);
    while (bind_class_at(L, top + 1)) {
        lua_getiuservalue(L, top + 1, CLASS_MEMBERS);
        for (lua_pushnil(L); lua_next(L, top + 3); lua_pop(L, 1)) {
            if (!bind_descriptor_at(L, -1)) continue;
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, top + 2);
        }
        lua_getiuservalue(L, top + 1, CLASS_BASE);
        lua_replace(L, top + 1);
        lua_settop(L, top + 2);
    }
    near = bind_nearest_key(L, top + 2, name); /* the class has the string, too */
    lua_settop(L, top);
    return near;
}

void bind_set_reconstructor(lua_State *L, int members, int value) {
    const bind_descriptor *d = bind_descriptor_at(L, value);
    if (!d || !d->is_reconstructor) return;
    lua_pushliteral(L, "__reconstructor");
    lua_getiuservalue(L, value, DESCRIPTOR_GET);
    lua_rawset(L, members);
}

/* core.descriptor(kind, role, get, set, express, spread, spec). role: "method", "declared", "reconstructor", or
 * false. */
static int core_descriptor(lua_State *L) {
    const char *kind = bind_intern(L, 1);
    lua_settop(L, 7);
    bind_descriptor *d = lua_newuserdatauv(L, sizeof *d, DESCRIPTOR__VALUES);
    const char *role = lua_toboolean(L, 2) ? lua_tostring(L, 2) : "";
    *d = (bind_descriptor){.magic = &meta_key, .kind = kind};
    d->is_reconstructor = strcmp(role, "reconstructor") == 0;
    d->is_method = d->is_reconstructor || strcmp(role, "method") == 0;
    d->is_declared = strcmp(role, "declared") == 0;
    for (int i = DESCRIPTOR_GET; i <= DESCRIPTOR__VALUES; i++) {
        lua_pushvalue(L, i + 2);
        lua_setiuservalue(L, -2, i);
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &meta_key);
    lua_setmetatable(L, -2);
    return 1;
}

/* core.descriptor_spec(value): what it keeps, and its kind; nothing where the value is no descriptor. */
static int core_descriptor_spec(lua_State *L) {
    const bind_descriptor *d = bind_descriptor_at(L, 1);
    if (!d) return 0;
    lua_getiuservalue(L, 1, DESCRIPTOR_SPEC);
    lua_pushstring(L, d->kind);
    return 2;
}

/* core.descriptors(class): what the descriptors of the class keep, by name: its own, and those of its bases. */
static int core_descriptors(lua_State *L) {
    lua_settop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, 1);
    while (bind_class_at(L, 3)) {
        lua_getiuservalue(L, 3, CLASS_MEMBERS);
        for (lua_pushnil(L); lua_next(L, 4); lua_settop(L, 5)) {
            if (!bind_descriptor_at(L, -1)) continue;
            lua_pushvalue(L, 5);
            if (lua_rawget(L, 2) != LUA_TNIL) continue; /* a nearer class has it */
            lua_pushvalue(L, 5);
            lua_getiuservalue(L, 6, DESCRIPTOR_SPEC);
            lua_rawset(L, 2);
        }
        lua_getiuservalue(L, 3, CLASS_BASE);
        lua_replace(L, 3);
        lua_settop(L, 3);
    }
    lua_settop(L, 2);
    return 1;
}

/* core.has_member(class, name): has it a method, a field, a hybrid of the name? */
static int core_has_member(lua_State *L) {
    lua_settop(L, 2);
    lua_pushboolean(L, bind_class_at(L, 1) && bind_class_member_key(L, 1, 2) != LUA_TNIL);
    return 1;
}

static int descriptor_tostring(lua_State *L) {
    const bind_descriptor *d = bind_descriptor_at(L, 1);
    lua_pushfstring(L, "moonrow %s", d ? d->kind : "attribute");
    return 1;
}

static int descriptor_index(lua_State *L) {
    const bind_descriptor *d = bind_descriptor_at(L, 1);
    if (!d) return bind_type_error(L, 1, "an attribute's declaration", "a value of moonrow");
    return bind_error(L, MR_ERR_ARGUMENT, "the %s is read from a class that has it: Class.NAME, or object.NAME",
                      d->kind);
}

void bind_open_descriptor(lua_State *L) {
    static const luaL_Reg metamethods[] = {{"__index", descriptor_index},
                                           {"__newindex", descriptor_index},
                                           {"__tostring", descriptor_tostring},
                                           {NULL, NULL}};
    static const luaL_Reg functions[] = {{"descriptor", core_descriptor},
                                         {"descriptor_spec", core_descriptor_spec},
                                         {"descriptors", core_descriptors},
                                         {"has_member", core_has_member},
                                         {NULL, NULL}};
    lua_createtable(L, 0, 6);
    luaL_setfuncs(L, metamethods, 0);
    lua_pushliteral(L, "attribute");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "moonrow attribute");
    lua_setfield(L, -2, "__metatable");
    bind_mark_type(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &meta_key);
    luaL_setfuncs(L, functions, 0);
}
