/*
 * class.c: the box of a class.
 *
 * Invariant: a class begins with the address of a static variable of this file. Other userdata do not, so a class is
 * known without a look into the registry.
 */
#include <string.h>

#include "class.h"

const char bind_class_meta_key = 0;
const char bind_object_class_key = 0;
const mr_property bind_no_property = {.slot = UINT16_MAX, .read_slot = UINT16_MAX};
static const bind_known nothing_known = {NULL, &bind_no_property};

bool bind_is_collection(lua_State *L, int idx) {
    static const char *const types[] = {BIND_COLLECTION, BIND_SET, BIND_KEYED, BIND_DYNAMIC, BIND_WRITE_ONLY};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (bind_test(L, idx, types[i])) return true;
    return false;
}

mr_mapper *bind_test_class(lua_State *L, int idx) {
    bind_class *c = bind_class_at(L, idx);
    return c ? c->mapper : NULL;
}

mr_mapper *bind_arg_class(lua_State *L, int idx, const char *function) {
    bind_class *c = bind_class_at(L, idx);
    if (!c) bind_type_error(L, idx, function, "a mapped class");
    if (!c->mapper) {
        if (strcmp(function, "constructor") == 0)
            bind_error(L, MR_ERR_ARGUMENT,
                       "a class without a table makes no objects: one with a table is declared by "
                       "Base:extend(\"User\", { ... })");
        bind_error(L, MR_ERR_ARGUMENT, "%s: this class has no table of its own: use a class that extends it", function);
    }
    return c->mapper;
}

bool bind_push_object_metatable(lua_State *L, const mr_mapper *mapper) {
    const bind_class *c = mapper->klass;
    if (!c || !c->meta) {
        lua_pushnil(L);
        return false;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, c->meta);
    return true;
}

void bind_push_class(lua_State *L, const mr_mapper *mapper) {
    if (!bind_push_object_metatable(L, mapper)) return;
    lua_rawgetp(L, -1, &bind_object_class_key);
    lua_remove(L, -2);
}

bind_class *bind_push_empty_class(lua_State *L) {
    bind_class *c = lua_newuserdatauv(L, sizeof *c, CLASS__VALUES);
    *c = (bind_class){0};
    c->b = bind_of(L);
    c->magic = &bind_class_meta_key;
    c->known = &nothing_known;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_class_meta_key);
    lua_setmetatable(L, -2);
    return c;
}

int bind_class_member_key(lua_State *L, int idx, int key) {
    key = lua_absindex(L, key);
    lua_pushvalue(L, idx);
    for (;;) { /* on top: the class whose members are asked */
        lua_getiuservalue(L, -1, CLASS_MEMBERS);
        lua_pushvalue(L, key);
        if (lua_rawget(L, -2) != LUA_TNIL) {
            lua_replace(L, -3);
            lua_pop(L, 1);
            return lua_type(L, -1);
        }
        lua_pop(L, 2);
        if (lua_getiuservalue(L, -1, CLASS_BASE) == LUA_TNIL) {
            lua_remove(L, -2);
            return LUA_TNIL;
        }
        lua_remove(L, -2);
    }
}

int bind_class_member(lua_State *L, int idx, const char *name) {
    idx = lua_absindex(L, idx);
    lua_pushstring(L, name);
    int type = bind_class_member_key(L, idx, -1);
    lua_remove(L, -2);
    return type;
}
