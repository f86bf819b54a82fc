/*
 * scoped.c: how a scoped session passes a call on to the session of its scope without a call of Lua in between.
 *
 * A place remembers the session that a scoped session had last. It is good until a scope is entered or left, the
 * session closes, or the scoped session drops it. Then, and for scopes that only the program's own function tells
 * apart, the Lua part (session.lua) finds the session.
 *
 * Invariant: a place keeps neither its session nor a coroutine alive.
 */
#include "session.h"

typedef struct scope_place {
    const bind_state *b;
    const bind_session *session; /* good as long as the place is: a session that is finalized counts as a change */
    uint64_t changes;            /* the state's scope_changes when it was filled; 0: it is empty */
    bool anywhere;               /* no scope is entered: the session is that of every coroutine */
} scope_place;

#define BIND_PLACE "moonrow.ScopePlace"

typedef struct forwarding {
    lua_CFunction method;
    const bind_quick_method *quick; /* or NULL */
    const scope_place *place;
    const void *scoped; /* the address of the table */
} forwarding;

/* Upvalues of a forwarder: those of the method come first, as it finds them at their places. FORWARDING: the address of
 * that in KEPT. */
enum { METHOD_UPVALUES = 2, FORWARDING, KEPT, REMEMBERED, SCOPED, PLACE, ASK, FORWARDER__UPVALUES = ASK };

static int pass_results(lua_State *L, int status, lua_KContext ctx) {
    (void)status;
    (void)ctx;
    return lua_gettop(L);
}

/* The place's session; NULL: the place is not good here. */
static const bind_session *session_here(lua_State *L, const forwarding *f) {
    const scope_place *place = f->place;
    if (place->changes != place->b->scope_changes || place->b->closed || lua_topointer(L, 1) != f->scoped) return NULL;
    if (!place->anywhere) {
        lua_rawgeti(L, lua_upvalueindex(REMEMBERED), PLACE_THREAD);
        bool here = lua_tothread(L, -1) == L;
        lua_pop(L, 1);
        if (!here) return NULL;
    }
    return place->session->closed ? NULL : place->session;
}

/* Puts the place's session at index 1, for self: there it stays alive until the method has returned. */
static bool replace_self(lua_State *L) {
    lua_rawgeti(L, lua_upvalueindex(REMEMBERED), PLACE_SESSION);
    if (!lua_touserdata(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_replace(L, 1);
    return true;
}

/* (scoped session, ...): the session's method with these arguments. */
static int forward(lua_State *L) {
    const forwarding *f = lua_touserdata(L, lua_upvalueindex(FORWARDING));
    const bind_session *s = session_here(L, f);
    if (s) {
        bool more = true;
        if (f->quick && f->quick->at_once(L, s, &more)) return 1;
        if (replace_self(L)) return f->quick && more ? f->quick->more(L, s) : f->method(L);
    }
    lua_pushvalue(L, lua_upvalueindex(ASK));
    lua_insert(L, 1);
    lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, pass_results);
    return lua_gettop(L);
}

/* core.forwarder(method, scoped, place, ask): the method for a scoped session; ask(scoped, ...) does the same where the
 * place is not good. The method itself where it is no C function of this library's kind. */
static int core_forwarder(lua_State *L) {
    lua_CFunction method = lua_tocfunction(L, 1);
    const scope_place *place = bind_arg(L, 3, BIND_PLACE, "forwarder");
    if (!method || lua_getupvalue(L, 1, METHOD_UPVALUES + 1)) {
        lua_settop(L, 4);
        return 1;
    }
    lua_settop(L, 4);
    for (int i = 1; i <= METHOD_UPVALUES; i++)
        if (!lua_getupvalue(L, 1, i)) lua_pushnil(L);
    lua_pushnil(L);
    forwarding *f = lua_newuserdatauv(L, sizeof *f, 0);
    lua_pushlightuserdata(L, f);
    lua_replace(L, -3);
    const bind_state *b = bind_of(L);
    *f = (forwarding){method, method == b->quick_of ? b->quick : NULL, place, lua_topointer(L, 2)};
    lua_getiuservalue(L, 3, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 4);
    lua_pushcclosure(L, forward, FORWARDER__UPVALUES);
    return 1;
}

/* core.itself(session) is the session: as a forwarded method, it gives the session of the scope. */
static int core_itself(lua_State *L) {
    lua_settop(L, 1);
    return 1;
}

/* core.place(): an empty one. */
static int core_place(lua_State *L) {
    scope_place *place = lua_newuserdatauv(L, sizeof *place, 1);
    *place = (scope_place){.b = bind_of(L)};
    bind_set_type(L, BIND_PLACE);
    lua_createtable(L, PLACE_SCOPED, 0);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_setiuservalue(L, -2, 1);
    return 1;
}

/* core.fill_place(place, session, anywhere, scoped): the session of the scoped session in all coroutines, or in the one
 * that runs; nil, or what is no session of this library's: none. */
static int core_fill_place(lua_State *L) {
    scope_place *place = bind_arg(L, 1, BIND_PLACE, "fill_place");
    bind_state *b = bind_of(L);
    place->changes = b->place_changes = 0; /* first: a lack of memory below leaves it empty */
    if (!bind_session_at(L, 2)) return 0;
    place->anywhere = lua_toboolean(L, 3);
    place->session = bind_session_at(L, 2);
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 2);
    lua_rawseti(L, -2, PLACE_SESSION);
    lua_pushthread(L);
    lua_rawseti(L, -2, PLACE_THREAD);
    lua_pushvalue(L, 4);
    lua_rawseti(L, -2, PLACE_SCOPED);
    lua_rawseti(L, LUA_REGISTRYINDEX, b->place_ref);
    b->place_anywhere = place->anywhere;
    place->changes = b->place_changes = b->scope_changes;
    return 0;
}

/* core.scopes(more): how many scopes are entered; with a number, so many more (or less) from now on, or 0: what
 * belongs to them has changed. */
static int core_scopes(lua_State *L) {
    bind_state *b = bind_of(L);
    if (!lua_isnoneornil(L, 1)) {
        b->scopes += lua_tointeger(L, 1);
        b->scope_changes++;
    }
    lua_pushinteger(L, b->scopes);
    return 1;
}

void bind_open_scoped(lua_State *L) {
    static const luaL_Reg functions[] = {{"forwarder", core_forwarder}, {"itself", core_itself},
                                         {"place", core_place},         {"fill_place", core_fill_place},
                                         {"scopes", core_scopes},       {NULL, NULL}};
    bind_state *b = bind_of(L);
    b->scope_changes = b->member_changes = 1;
    lua_newtable(L);
    b->place_ref = luaL_ref(L, LUA_REGISTRYINDEX);
    bind_type(L, BIND_PLACE, "ScopePlace", NULL, NULL, NULL);
    luaL_setfuncs(L, functions, 0);
}
