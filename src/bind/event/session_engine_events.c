/*
 * session_engine_events.c: brings the events of sessions and engines to the dispatchers of the Lua part, which keeps
 * the listeners.
 *
 * Invariant: a connection that is lent to a listener cannot be used after the call. An error of a listener reaches the
 * code that caused the event unchanged.
 */
#include <string.h>

#include "event.h"
#include "value/engine.h"
#include "value/row.h"
#include "value/session.h"

typedef enum engine_event { CONNECT, BEFORE_EXECUTE, AFTER_EXECUTE, ENGINE_EVENTS } engine_event;

static const char *engine_event_name(int event) {
    static const char *const names[] = {
        [CONNECT] = "connect", [BEFORE_EXECUTE] = "before_execute", [AFTER_EXECUTE] = "after_execute"};
    return event < ENGINE_EVENTS ? names[event] : NULL;
}

/* In the registry. */
static const char session_dispatch_key = 0; /* function(session, name) */
static const char engine_dispatch_key = 0;  /* function(audience, name, connection, statement, parameters, seconds) */

/* ---------------------------------------------------------------- sessions */

typedef struct session_call {
    mr_session *session;
    int event;
} session_call;

static int session_body(lua_State *L) {
    const session_call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 8, "calling a listener");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &session_dispatch_key);
    bind_push_session(L, c->session);
    if (lua_isnil(L, -1)) return 0; /* it is being collected */
    lua_pushstring(L, mr_session_event_name(c->event));
    lua_call(L, 2, 0);
    return 0;
}

static mr_status on_session(mr_env *env, void *ud, mr_session_event event, mr_session *session) {
    (void)ud;
    session_call c = {session, (int)event};
    return bind_callback(env, session_body, &c);
}

/* core.session_hook(session, name): from now on the event comes to the dispatcher. */
static int session_hook(lua_State *L) {
    mr_session *s = bind_session_arg(L, "event.listen");
    mr_session_event event = (mr_session_event)bind_event_named(mr_session_event_name, luaL_checkstring(L, 2));
    mr_session_unlisten(s, event, on_session, NULL); /* an interrupted call may have come as far as this */
    bind_check(L, mr_session_listen(s, event, on_session, NULL));
    return 0;
}

/* ---------------------------------------------------------------- engines */

typedef struct engine_call {
    const bind_ref *audience;
    engine_event event;
    mr_conn *conn;
    const char *sql;
    const mr_value *const *lists;
    size_t nlists, n;
    double seconds; /* negative: it has not run yet */
    double waited;
} engine_call;

static void push_list(lua_State *L, const mr_value *params, size_t n) {
    bind_new_list(L, n);
    for (size_t i = 0; i < n; i++) {
        bind_push_param(L, &params[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* The parameters, or a batch's list of them. */
static void push_parameters(lua_State *L, const engine_call *c) {
    if (c->nlists == 1) {
        push_list(L, c->lists[0], c->n);
        return;
    }
    bind_new_list(L, c->nlists);
    for (size_t i = 0; i < c->nlists; i++) {
        push_list(L, c->lists[i], c->n);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static int engine_body(lua_State *L) {
    const engine_call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "calling a listener");
    bind_push_borrowed_connection(L, c->conn);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &engine_dispatch_key);
    bind_ref_push(L, c->audience);
    lua_pushstring(L, engine_event_name(c->event));
    lua_pushvalue(L, 2);
    if (c->sql) {
        lua_pushstring(L, c->sql);
        push_parameters(L, c);
        if (c->seconds >= 0) {
            lua_pushnumber(L, c->seconds);
            lua_pushnumber(L, c->waited);
        }
    }
    bind_call_listener(L, lua_gettop(L) - 3, 2);
    return 0;
}

static mr_status on_connect(void *ud, mr_engine *engine, mr_conn *conn) {
    engine_call c = {.audience = ud, .event = CONNECT, .conn = conn};
    return bind_callback(mr_engine_env(engine), engine_body, &c);
}

static mr_status on_before_execute(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists,
                                   size_t nlists, size_t n) {
    engine_call c = {ud, BEFORE_EXECUTE, conn, sql, lists, nlists, n, -1, 0};
    return bind_callback(mr_engine_env(mr_conn_engine(conn)), engine_body, &c);
}

static mr_status on_after_execute(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                                  size_t n, double seconds, double waited) {
    engine_call c = {ud, AFTER_EXECUTE, conn, sql, lists, nlists, n, seconds, waited};
    return bind_callback(mr_engine_env(mr_conn_engine(conn)), engine_body, &c);
}

/* core.engine_audience(engine, audience or nil): the value that the engine's events are dispatched with. The first
 * audience given for the engine stays as long as the environment. */
static int engine_audience(lua_State *L) {
    mr_engine_hooks *hooks = mr_engine_hooks_of(*(mr_engine **)bind_arg(L, 1, BIND_ENGINE, "event.listen"));
    if (!hooks->ud && !lua_isnoneornil(L, 2)) hooks->ud = bind_ref_forever(L, 2);
    if (hooks->ud) bind_ref_push(L, hooks->ud);
    else lua_pushnil(L);
    return 1;
}

/* core.engine_hook(engine, name, on): whether the event comes to the dispatcher. */
static int engine_hook(lua_State *L) {
    mr_engine_hooks *hooks = mr_engine_hooks_of(*(mr_engine **)bind_arg(L, 1, BIND_ENGINE, "event.listen"));
    bool on = lua_toboolean(L, 3);
    switch (bind_event_named(engine_event_name, luaL_checkstring(L, 2))) {
    case CONNECT:
        hooks->connect = on ? on_connect : NULL;
        break;
    case BEFORE_EXECUTE:
        hooks->before_execute = on ? on_before_execute : NULL;
        break;
    case AFTER_EXECUTE:
        hooks->after_execute = on ? on_after_execute : NULL;
        break;
    }
    return 0;
}

/* ---------------------------------------------------------------- all events */

static void add_kind(lua_State *L, bind_event_name *name_of, const char *kind) {
    const char *name;
    for (int event = 0; (name = name_of(event)) != NULL; event++) {
        lua_pushstring(L, kind);
        lua_setfield(L, -2, name);
    }
}

/* core.event_kinds(): by the name of each event, what it is an event of: { load = "class", connect = "engine", ... }.
 */
static int event_kinds(lua_State *L) {
    lua_newtable(L);
    add_kind(L, mr_session_event_name, "session");
    add_kind(L, mr_mapper_event_name, "class");
    add_kind(L, mr_attribute_event_name, "attribute");
    add_kind(L, engine_event_name, "engine");
    return 1;
}

/* core.settings_events(): the names of the events that db:settings listens to: before a flush and a commit, and after a
 * rollback. */
static int settings_events(lua_State *L) {
    lua_pushstring(L, mr_session_event_name(MR_SESSION_BEFORE_FLUSH));
    lua_pushstring(L, mr_session_event_name(MR_SESSION_BEFORE_COMMIT));
    lua_pushstring(L, mr_session_event_name(MR_SESSION_AFTER_ROLLBACK));
    return 3;
}

/* core.event_dispatchers(of_sessions, of_engines): the functions that the events of sessions and of engines come to. */
static int event_dispatchers(lua_State *L) {
    lua_settop(L, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &engine_dispatch_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &session_dispatch_key);
    return 0;
}

void bind_open_session_engine_events(lua_State *L) {
    static const luaL_Reg functions[] = {{"session_hook", session_hook},
                                         {"engine_audience", engine_audience},
                                         {"engine_hook", engine_hook},
                                         {"event_dispatchers", event_dispatchers},
                                         {"event_kinds", event_kinds},
                                         {"settings_events", settings_events},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
