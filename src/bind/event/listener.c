/*
 * listener.c: listeners of the events of classes and attributes: how they are called, and let go.
 *
 * Invariant: a listener is called only while the registry holds it, so removal during a call is safe. An error in one
 * comes back unchanged to who caused the event, and its connection is of no use after the call.
 */
#include "listener.h"

#include <string.h>

#include "value/engine.h"
#include "value/proxy.h"

/* What a call passes to its body. */
typedef struct call {
    bind_listener *l;
    mr_mapper *mapper;
    const mr_property *prop;
    mr_conn *conn;
    mr_entity *entity;
    mr_value *value;
    const mr_value *old;
} call;

/* In the registry. */
const char bind_event_classes_key = 0, bind_event_waiting_key = 0;
const char bind_listeners_key = 0; /* light userdata of a listener to its userdata */
static const char results_key =
    0; /* by depth of entered calls, what a listener gave there last: its bytes outlive the call */

int bind_event_named(bind_event_name *name_of, const char *name) {
    const char *known;
    for (int event = 0; (known = name_of(event)) != NULL; event++)
        if (strcmp(known, name) == 0) return event;
    return -1;
}

/* ---------------------------------------------------------------- calling */

/* A listener of a base leaves all classes that come from its target. */
static void leave_classes(lua_State *L, bind_listener *l) {
    int top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_event_classes_key);
    for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
        bind_listener_detach(l, bind_class_at(L, -1)->mapper);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_event_waiting_key);
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1), kept = 0;
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, top + 1, i);
        if (lua_touserdata(L, -1) != l) lua_rawseti(L, top + 1, ++kept);
        else lua_pop(L, 1);
    }
    for (lua_Integer i = n; i > kept; i--) {
        lua_pushnil(L);
        lua_rawseti(L, top + 1, i);
    }
    lua_settop(L, top);
}

static void detach(lua_State *L, bind_listener *l) {
    if (l->mapper) bind_listener_detach(l, l->mapper);
    else leave_classes(L, l);
}

/* Takes the listener away from the registry, and so from use. */
void bind_listener_forget(lua_State *L, bind_listener *l) {
    detach(L, l);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_listeners_key);
    lua_pushnil(L);
    lua_rawsetp(L, -2, l);
    lua_pop(L, 1);
}

void bind_call_listener(lua_State *L, int n, int connection) {
    int status = lua_pcall(L, n, 1, 0);
    if (connection) bind_end_borrowed_connection(L, connection);
    if (status != LUA_OK) lua_error(L);
}

static int push_arguments(lua_State *L, const call *c, int connection) {
    if (c->l->of_attribute) {
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
    } else if (!bind_to_value(L, -1, c->prop->column ? c->prop->column->type : NULL, c->value)) {
        bind_type_error(L, -1, "the result of a listener with retval", "a value");
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &results_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)bind_of(L)->depth);
}

static int call_body(lua_State *L) {
    const call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "calling a listener");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_listeners_key);
    if (lua_rawgetp(L, 2, c->l) == LUA_TNIL) return 0; /* removed */
    int connection = 0;
    if (c->conn) {
        bind_push_borrowed_connection(L, c->conn);
        connection = lua_gettop(L);
    }
    lua_getiuservalue(L, 3, LISTENER_FUNCTION);
    int function = lua_gettop(L);
    int n = push_arguments(L, c, connection);
    bool retval = c->l->retval && c->value;
    lua_pushvalue(L, function + (n > 1 ? 2 : 1)); /* the value given, below the function */
    lua_insert(L, function);
    if (c->l->once) bind_listener_forget(L, lua_touserdata(L, 3));
    bind_call_listener(L, n, connection);
    if (retval) take_result(L, c, function);
    return 0;
}

static mr_status on_mapper(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                           mr_entity *entity) {
    (void)event;
    call c = {.l = ud, .mapper = mapper, .conn = conn, .entity = entity};
    return bind_callback(env, call_body, &c);
}

static mr_status on_attribute(mr_env *env, void *ud, mr_attribute_event event, mr_entity *entity,
                              const mr_property *prop, mr_value *value, const mr_value *old) {
    bind_listener *l = ud;
    if ((int)event != l->event) return MR_OK;
    call c = {.l = l, .prop = prop, .entity = entity, .value = value, .old = old};
    return bind_callback(env, call_body, &c);
}

/* ---------------------------------------------------------------- listening */

mr_status bind_listener_attach(bind_listener *l, mr_mapper *mapper, const mr_property *prop, bool propagate) {
    if (l->of_attribute) return mr_attribute_listen(mapper, prop, on_attribute, l, propagate);
    return mr_mapper_listen(mapper, (mr_mapper_event)l->event, on_mapper, l, propagate);
}

void bind_listener_detach(bind_listener *l, mr_mapper *mapper) {
    if (l->of_attribute) mr_attribute_unlisten(mapper, on_attribute, l);
    else mr_mapper_unlisten(mapper, (mr_mapper_event)l->event, on_mapper, l);
}

void bind_open_listener(lua_State *L) {
    const char *const tables[] = {&bind_listeners_key, &results_key, &bind_event_classes_key, &bind_event_waiting_key};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        lua_newtable(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, tables[i]);
    }
}
