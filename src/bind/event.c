/*
 * event.c: events: listeners of classes and attributes, kept here; and how those of sessions and engines, which the
 * Lua part keeps, are reached.
 *
 * Invariant: a listener is called only while the registry holds it, so removal during a call is safe. An error in one comes
 * back unchanged to who caused the event, and its connection is of no use after the call.
 */
#include <string.h>

#include "class.h"
#include "connection.h"
#include "session.h"

typedef struct listener {
    mr_mapper *mapper;
    const mr_property *prop; /* NULL: an event of the class */
    int event;
    bool once;
    bool retval; /* attributes: the result replaces the value */
} listener;

/* What a call passes to its body. */
typedef struct call {
    listener *l;
    mr_mapper *mapper;
    mr_conn *conn;
    mr_entity *entity;
    mr_value *value;
    const mr_value *old;
} call;

typedef struct event_name {
    const char *name;
    int event;
} event_name;

static const event_name class_events[] = {
    {"before_insert", MR_EVENT_BEFORE_INSERT}, {"after_insert", MR_EVENT_AFTER_INSERT},
    {"before_update", MR_EVENT_BEFORE_UPDATE}, {"after_update", MR_EVENT_AFTER_UPDATE},
    {"before_delete", MR_EVENT_BEFORE_DELETE}, {"after_delete", MR_EVENT_AFTER_DELETE},
    {"load", MR_EVENT_LOAD},                   {"refresh", MR_EVENT_REFRESH},
    {NULL, 0}};
static const event_name attribute_events[] = {
    {"set", MR_EVENT_SET}, {"append", MR_EVENT_APPEND}, {"remove", MR_EVENT_REMOVE}, {NULL, 0}};
static const event_name session_events[] = {
    {"before_flush", MR_SESSION_BEFORE_FLUSH},   {"after_flush", MR_SESSION_AFTER_FLUSH},
    {"before_commit", MR_SESSION_BEFORE_COMMIT}, {"after_commit", MR_SESSION_AFTER_COMMIT},
    {"after_rollback", MR_SESSION_AFTER_ROLLBACK}, {"after_begin", MR_SESSION_AFTER_BEGIN},
    {NULL, 0}};

/* In the registry. */
static const char listeners_key = 0;        /* light userdata of a listener to its userdata (user value 1: the function) */
static const char result_key = 0;           /* what a listener gave last: its bytes must outlive the call */
static const char session_dispatch_key = 0; /* function(session, name) */
static const char engine_dispatch_key = 0;  /* function(hub, name, connection, statement, parameters, seconds) */

static int event_of(lua_State *L, const event_name *names, int idx) {
    const char *name = luaL_checkstring(L, idx);
    for (const event_name *e = names; e->name; e++)
        if (strcmp(e->name, name) == 0) return e->event;
    return bind_error(L, MR_ERR_ARGUMENT, "there is no event '%s' here", name);
}

static const char *name_of(const event_name *names, int event) {
    while (names->event != event) names++;
    return names->name;
}

/* ---------------------------------------------------------------- classes and attributes: calling */

static void detach(listener *l);

/* Takes the listener away from the registry, and so from use. */
static void forget(lua_State *L, listener *l) {
    detach(l);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &listeners_key);
    lua_pushnil(L);
    lua_rawsetp(L, -2, l);
    lua_pop(L, 1);
}

/* The function below its n arguments is called; the connection among them (index, or 0) ends with the call. */
static void call_function(lua_State *L, int n, int connection) {
    int status = lua_pcall(L, n, 1, 0);
    if (connection) bind_end_borrowed_connection(L, connection);
    if (status != LUA_OK) lua_error(L);
}

static int push_arguments(lua_State *L, const call *c, int connection) {
    if (c->l->prop) {
        bind_push_entity(L, c->entity);
        if (c->value) bind_push_value(L, c->value);
        else lua_pushnil(L);
        if (c->l->event != MR_EVENT_SET) return 2;
        if (c->old) bind_push_value(L, c->old);
        else lua_pushnil(L);
        return 3;
    }
    if (c->l->event == MR_EVENT_LOAD || c->l->event == MR_EVENT_REFRESH) {
        bind_push_entity(L, c->entity);
        return 1;
    }
    bind_push_class(L, c->mapper);
    lua_pushvalue(L, connection);
    bind_push_entity(L, c->entity);
    return 3;
}

/* The result on top replaces the value, unless it is the value given (at index given). */
static void take_result(lua_State *L, const call *c, int given) {
    if (lua_rawequal(L, -1, given)) return;
    mr_entity *entity = bind_test_entity(L, -1);
    if (entity) {
        memset(c->value, 0, sizeof *c->value);
        c->value->kind = MR_ENTITY;
        c->value->u.p = entity;
    } else if (!bind_to_value(L, -1, c->l->prop->column ? c->l->prop->column->type : NULL, c->value)) {
        bind_type_error(L, -1, "the result of a listener with retval", "a value");
    }
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &result_key);
}

static int call_body(lua_State *L) {
    const call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "calling a listener");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &listeners_key);
    if (lua_rawgetp(L, 2, c->l) == LUA_TNIL) return 0; /* removed */
    int connection = 0;
    if (c->conn) {
        bind_push_borrowed_connection(L, c->conn);
        connection = lua_gettop(L);
    }
    lua_getiuservalue(L, 3, 1);
    int function = lua_gettop(L);
    int n = push_arguments(L, c, connection);
    bool retval = c->l->retval && c->value;
    lua_pushvalue(L, function + (n > 1 ? 2 : 1)); /* the value given, below the function */
    lua_insert(L, function);
    if (c->l->once) forget(L, lua_touserdata(L, 3));
    call_function(L, n, connection);
    if (retval) take_result(L, c, function);
    return 0;
}

static mr_status on_mapper(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn, mr_entity *entity) {
    (void)event;
    call c = {.l = ud, .mapper = mapper, .conn = conn, .entity = entity};
    return bind_callback(env, call_body, &c);
}

static mr_status on_attribute(mr_env *env, void *ud, mr_attribute_event event, mr_entity *entity, const mr_property *prop,
                              mr_value *value, const mr_value *old) {
    (void)prop;
    listener *l = ud;
    if ((int)event != l->event) return MR_OK;
    call c = {.l = l, .entity = entity, .value = value, .old = old};
    return bind_callback(env, call_body, &c);
}

/* ---------------------------------------------------------------- classes and attributes: listening */

static mr_status attach(listener *l) {
    if (!l->prop) return mr_mapper_listen(l->mapper, (mr_mapper_event)l->event, on_mapper, l);
    mr_attribute_hook hook = {on_attribute, l, l->prop};
    return mr_vec_insert(&l->mapper->attribute_hooks, l->mapper->attribute_hooks.len, &hook);
}

static void detach(listener *l) {
    if (!l->prop) {
        mr_mapper_unlisten(l->mapper, (mr_mapper_event)l->event, on_mapper, l);
        return;
    }
    mr_vec *hooks = &l->mapper->attribute_hooks;
    for (size_t i = 0; i < hooks->len; i++)
        if (((mr_attribute_hook *)mr_vec_at(hooks, i))->ud == l) {
            mr_vec_remove(hooks, i);
            return;
        }
}

/* The mapped attribute at idx, Class.attr of a column or relationship, with its class; NULL when it is none. */
static const mr_property *test_attribute(lua_State *L, int idx) {
    bind_relationship *rel = bind_test(L, idx, BIND_RELATIONSHIP);
    if (rel) return rel->prop;
    const mr_node *node = bind_test_node(L, idx);
    return node && node->kind == MR_NODE_COLUMN ? node->annotation : NULL;
}

/* What the arguments target and name say. */
static listener read_target(lua_State *L, const char *function) {
    listener l = {0};
    bool of_class = false;
    for (const event_name *e = class_events; e->name; e++)
        of_class |= strcmp(e->name, luaL_checkstring(L, 2)) == 0;
    l.event = event_of(L, of_class ? class_events : attribute_events, 2);
    if (of_class) {
        l.mapper = bind_arg_class(L, 1, function);
        return l;
    }
    l.prop = test_attribute(L, 1);
    if (!l.prop) bind_type_error(L, 1, function, "an attribute of a class (User.email)");
    if (l.event != MR_EVENT_SET && l.prop->kind != MR_PROPERTY_RELATIONSHIP)
        bind_error(L, MR_ERR_ARGUMENT, "%s: '%s' is an event of collections, and %s.%s is a column: listen to 'set'", function,
                   lua_tostring(L, 2), l.prop->mapper->name, l.prop->name);
    l.mapper = l.prop->mapper;
    return l;
}

/* core.event_listen(target, name, fn, once, retval) */
static int event_listen(lua_State *L) {
    listener given = read_target(L, "event.listen");
    given.once = lua_toboolean(L, 4);
    given.retval = lua_toboolean(L, 5);
    listener *l = lua_newuserdatauv(L, sizeof *l, 1);
    *l = given;
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, -2, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &listeners_key);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, l);
    if (attach(l) == MR_OK) return 0;
    lua_pushnil(L);
    lua_rawsetp(L, -2, l);
    return bind_raise(L);
}

/* The listener of target, name and function (arguments 1 to 3), or NULL. */
static listener *find_listener(lua_State *L, const char *function) {
    listener wanted = read_target(L, function);
    lua_settop(L, 3);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &listeners_key);
    for (lua_pushnil(L); lua_next(L, 4); lua_pop(L, 1)) {
        listener *l = lua_touserdata(L, 6);
        if (l->mapper != wanted.mapper || l->prop != wanted.prop || l->event != wanted.event) continue;
        lua_getiuservalue(L, 6, 1);
        bool same = lua_rawequal(L, -1, 3);
        lua_pop(L, 1);
        if (same) return l;
    }
    return NULL;
}

/* core.event_remove(target, name, fn): was it there? */
static int event_remove(lua_State *L) {
    listener *l = find_listener(L, "event.remove");
    if (l) forget(L, l);
    lua_pushboolean(L, l != NULL);
    return 1;
}

static int event_contains(lua_State *L) {
    lua_pushboolean(L, find_listener(L, "event.contains") != NULL);
    return 1;
}

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
    lua_pushstring(L, name_of(session_events, c->event));
    lua_call(L, 2, 0);
    return 0;
}

static mr_status on_session(mr_env *env, void *ud, mr_session_event event, mr_session *session) {
    (void)ud;
    session_call c = {session, (int)event};
    return bind_callback(env, session_body, &c);
}

/* core.session_hook(session, name): from now on the event comes to the dispatcher. Once for each name. */
static int session_hook(lua_State *L) {
    mr_session *s = bind_session_arg(L, "event.listen");
    mr_session_event event = (mr_session_event)event_of(L, session_events, 2);
    bind_check(L, mr_session_listen(s, event, on_session, NULL));
    return 0;
}

/* ---------------------------------------------------------------- engines */

typedef struct engine_call {
    const bind_ref *hub;
    const char *name;
    mr_conn *conn;
    const char *sql;
    const mr_value *params;
    size_t n;
    double seconds;
} engine_call;

static int engine_body(lua_State *L) {
    const engine_call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "calling a listener");
    bind_push_borrowed_connection(L, c->conn);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &engine_dispatch_key);
    bind_ref_push(L, c->hub);
    lua_pushstring(L, c->name);
    lua_pushvalue(L, 2);
    if (c->sql) {
        lua_pushstring(L, c->sql);
        bind_new_list(L, c->n);
        for (size_t i = 0; i < c->n; i++) {
            bind_push_value_or_null(L, &c->params[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        lua_pushnumber(L, c->seconds);
    }
    call_function(L, c->sql ? 6 : 3, 2);
    return 0;
}

static mr_status on_connect(void *ud, mr_engine *engine, mr_conn *conn) {
    engine_call c = {.hub = ud, .name = "connect", .conn = conn};
    return bind_callback(mr_engine_env(engine), engine_body, &c);
}

static mr_status on_before_execute(void *ud, mr_conn *conn, const char *sql, const mr_value *params, size_t n) {
    engine_call c = {ud, "before_execute", conn, sql, params, n, 0};
    return bind_callback(mr_engine_env(mr_conn_engine(conn)), engine_body, &c);
}

static mr_status on_after_execute(void *ud, mr_conn *conn, const char *sql, const mr_value *params, size_t n, double seconds) {
    engine_call c = {ud, "after_execute", conn, sql, params, n, seconds};
    return bind_callback(mr_engine_env(mr_conn_engine(conn)), engine_body, &c);
}

/* core.engine_hub(engine, hub or nil): the value that was given for the engine; with a hub, sets it where there is none yet. It
 * lives as long as the environment. */
static int engine_hub(lua_State *L) {
    mr_engine_hooks *hooks = mr_engine_hooks_of(*(mr_engine **)bind_arg(L, 1, BIND_ENGINE, "event.listen"));
    if (!hooks->ud && !lua_isnoneornil(L, 2)) hooks->ud = bind_ref_forever(L, 2);
    if (hooks->ud) bind_ref_push(L, hooks->ud);
    else lua_pushnil(L);
    return 1;
}

/* core.engine_hook(engine, name, on): does the event come to the dispatcher? */
static int engine_hook(lua_State *L) {
    mr_engine_hooks *hooks = mr_engine_hooks_of(*(mr_engine **)bind_arg(L, 1, BIND_ENGINE, "event.listen"));
    const char *name = luaL_checkstring(L, 2);
    bool on = lua_toboolean(L, 3);
    if (strcmp(name, "connect") == 0) hooks->connect = on ? on_connect : NULL;
    else if (strcmp(name, "before_execute") == 0) hooks->before_execute = on ? on_before_execute : NULL;
    else hooks->after_execute = on ? on_after_execute : NULL;
    return 0;
}

/* core.event_dispatchers(of sessions, of engines): the functions that events of those come to. */
static int event_dispatchers(lua_State *L) {
    lua_settop(L, 2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &engine_dispatch_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &session_dispatch_key);
    return 0;
}

void bind_open_event(lua_State *L) {
    static const luaL_Reg functions[] = {{"event_listen", event_listen},
                                         {"event_remove", event_remove},
                                         {"event_contains", event_contains},
                                         {"session_hook", session_hook},
                                         {"engine_hub", engine_hub},
                                         {"engine_hook", engine_hook},
                                         {"event_dispatchers", event_dispatchers},
                                         {NULL, NULL}};
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &listeners_key);
    luaL_setfuncs(L, functions, 0);
}
