/*
 * identity_map.c: session.identity_map: #map counts the session's objects, pairs(map) goes through them.
 *
 * Invariant: pairs goes through a copy, so the loop may load objects, change them, and close the session. No Lua code
 * runs while the copy is made.
 */
#include "session.h"
#include "value/proxy.h"

/* The session is user value 1. */
static int session_identity_map(lua_State *L) {
    bind_session_arg(L, "identity_map");
    lua_newuserdatauv(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    bind_set_type(L, BIND_IDENTITY_MAP);
    return 1;
}

static mr_idmap *self_map(lua_State *L) {
    bind_arg(L, 1, BIND_IDENTITY_MAP, "identity_map");
    lua_getiuservalue(L, 1, 1);
    bind_session *s = bind_test(L, -1, BIND_SESSION);
    /* A finalizer may use the map after the session's own finalizer has run. */
    if (!s || !s->session) bind_type_error(L, -1, "identity_map", "a Session");
    lua_pop(L, 1);
    return mr_session_owner(s->session)->idmap;
}

static int map_len(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)mr_idmap_count(self_map(L)));
    return 1;
}

static int map_next(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_next(L, 1)) return 2;
    lua_pushnil(L);
    return 1;
}

/* The keys are "CLASS IDENTITY", the values the objects. */
static int map_pairs(lua_State *L) {
    size_t room = mr_idmap_count(self_map(L)), n = 0, cursor = 0;
    mr_entity **all = lua_newuserdatauv(L, (room + 1) * sizeof *all, 0);
    mr_idmap *map = self_map(L); /* again: making the userdata may have run finalizers */
    for (mr_entity *e; n < room && (e = mr_idmap_next(map, &cursor));) all[n++] = e;
    lua_pushcfunction(L, map_next);
    lua_createtable(L, 0, (int)n);
    int table = lua_gettop(L);
    for (size_t i = 0; i < n; i++) {
        const mr_value identity = mr_entity_identity(all[i]);
        bind_push_value(L, &identity);
        lua_pushfstring(L, "%s %s", all[i]->mapper->name, luaL_tolstring(L, -1, NULL));
        bind_push_entity(L, all[i]);
        lua_rawset(L, table);
        lua_settop(L, table);
    }
    lua_pushnil(L);
    return 3;
}

void bind_open_identity_map(lua_State *L) {
    static const luaL_Reg of_session[] = {{"identity_map", session_identity_map}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_IDENTITY_MAP);
    lua_pushcfunction(L, map_len);
    lua_setfield(L, -2, "__len");
    lua_pushcfunction(L, map_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushliteral(L, "moonrow IdentityMap");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    bind_extend_type(L, BIND_SESSION, NULL, of_session);
}
