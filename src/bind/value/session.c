/*
 * session.c: the box of a session.
 *
 * Invariant: a session has exactly one userdata; a weak table leads from the session to it.
 */
#include "session.h"

const char bind_session_magic = 0;
static const char sessions_key = 0; /* registry: light userdata of a session to its userdata, weakly */

static mr_session *test_session(lua_State *L, int idx) {
    const bind_session *s = bind_session_at(L, idx);
    if (s && s->closed)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "the session is closed: make another one with mr.Session, or its sessionmaker");
    return s ? s->session : NULL;
}

/* Replaces the scoped session at idx by its session, where the place that was filled last knows it. */
static mr_session *from_place(lua_State *L, int idx, const bind_state *b) {
    mr_session *found = NULL;
    int top = lua_gettop(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->place_ref);
    lua_rawgeti(L, top + 1, PLACE_SCOPED);
    bool here = lua_topointer(L, top + 2) == lua_topointer(L, idx);
    if (here && !b->place_anywhere) {
        lua_rawgeti(L, top + 1, PLACE_THREAD);
        here = lua_tothread(L, -1) == L;
    }
    if (here) {
        lua_rawgeti(L, top + 1, PLACE_SESSION);
        const bind_session *s = bind_session_at(L, -1);
        if (s && !s->closed) {
            lua_copy(L, -1, idx);
            found = s->session;
        }
    }
    lua_settop(L, top);
    return found;
}

mr_session *bind_to_session(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    mr_session *s = test_session(L, idx);
    if (s) return s;
    if (lua_istable(L, idx) && luaL_getmetafield(L, idx, "__index") != LUA_TNIL) {
        lua_pop(L, 1);
        if (lua_getfield(L, idx, "_session") == LUA_TFUNCTION) {
            lua_pushvalue(L, idx);
            lua_call(L, 1, 1);
            s = test_session(L, -1);
            lua_replace(L, idx); /* keeps the session alive: the scope, which has it, may be collected at any time */
            if (s) return s;
        }
    }
    bind_type_error(L, idx, "session", "a Session or a scoped_session (this query was made without one)");
    return NULL;
}

mr_session *bind_session_of_source(lua_State *L, int idx, const bind_state *b) {
    idx = lua_absindex(L, idx);
    mr_session *known = b->place_changes == b->scope_changes ? from_place(L, idx, b) : NULL;
    return known ? known : bind_to_session(L, idx);
}

void bind_push_session(lua_State *L, mr_session *s) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions_key);
    if (!s || lua_rawgetp(L, -1, s) == LUA_TNIL) {
        if (s) lua_pop(L, 1);
        lua_pushnil(L);
    }
    lua_remove(L, -2);
}

mr_session *bind_session_arg(lua_State *L, const char *function) {
    const bind_session *s = bind_session_at(L, 1);
    if (!s)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: expected a Session, got %s (methods are called with a colon: session:%s(...))", function,
                   bind_describe(L, 1), function);
    if (s->b->loops_open) bind_release_loops(L);
    return test_session(L, 1);
}

void bind_push_sessions(lua_State *L) {
    lua_newtable(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions_key);
    for (lua_pushnil(L); lua_next(L, -2);) lua_rawseti(L, -4, (lua_Integer)lua_rawlen(L, -4) + 1);
    lua_pop(L, 1);
}

bind_session *bind_push_empty_session(lua_State *L) {
    bind_session *s = lua_newuserdatauv(L, sizeof *s, SESSION__VALUES);
    *s = (bind_session){.magic = &bind_session_magic, .b = bind_of(L)};
    bind_set_type(L, BIND_SESSION);
    return s;
}

void bind_name_session(lua_State *L, mr_session *s) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions_key);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, s);
    lua_pop(L, 1);
}

void bind_make_session_names(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sessions_key);
}
