/*
 * bases.c: listening to what has no objects of its own: a base without a table, a mixin, or an attribute that one
 * of these declares. Such a listener is one of each mapped class that comes from its target.
 *
 * Invariant: a class hears of the listeners that were there before it, in the order of listening, from its declaration
 * on.
 */
#include "listener.h"
#include "value/relationship.h"
#include "value/schema.h"

bool bind_is_event_base(lua_State *L, int idx, bool of_attribute) {
    if (of_attribute) {
        const mr_column *column = bind_test_column(L, idx);
        return column ? !column->table : bind_test(L, idx, BIND_RELATIONSHIP_SPEC) != NULL;
    }
    const bind_class *c = bind_class_at(L, idx);
    return c ? !c->mapper : bind_is_plain_table(L, idx);
}

/* ---------------------------------------------------------------- where a class comes from */

/* Appends the mixins of the class on top to the list at index list, of which n are there. Returns how many are there
 * then. */
static lua_Integer append_mixins(lua_State *L, int list, lua_Integer n) {
    if (lua_getiuservalue(L, -1, CLASS_MIXINS) == LUA_TTABLE)
        for (lua_Integer i = 1; lua_rawgeti(L, -1, i) != LUA_TNIL; i++) lua_rawseti(L, list, ++n);
    lua_settop(L, list + 1);
    return n;
}

/* Pushes the list of what the class at the index is made of besides its own body and mapped bases. */
static void push_sources(lua_State *L, int class_idx) {
    lua_Integer n = 0;
    lua_newtable(L);
    int list = lua_gettop(L);
    lua_pushvalue(L, class_idx);
    for (;;) {
        n = append_mixins(L, list, n);
        if (lua_getiuservalue(L, -1, CLASS_BASE) == LUA_TNIL) break;
        lua_replace(L, list + 1);
        if (bind_class_at(L, -1)->mapper) continue;
        lua_pushvalue(L, -1);
        lua_rawseti(L, list, ++n);
    }
    lua_settop(L, list);
}

/* The name under which the source on top declares the value at index target, or NULL. */
static const char *declared_name(lua_State *L, int target) {
    int top = lua_gettop(L);
    const char *name = NULL;
    if (bind_class_at(L, top)) lua_getiuservalue(L, top, CLASS_DECLARED);
    else lua_pushvalue(L, top);
    if (lua_istable(L, -1))
        for (lua_pushnil(L); !name && lua_next(L, top + 1); lua_pop(L, name ? 2 : 1))
            if (lua_type(L, -2) == LUA_TSTRING && lua_rawequal(L, -1, target)) name = lua_tostring(L, -2);
    lua_settop(L, top);
    return name;
}

/* The class at the index hears of the listener when it comes from the target at the index. */
static mr_status tell(lua_State *L, bind_listener *l, int class_idx, int target) {
    int top = lua_gettop(L);
    mr_mapper *mapper = bind_class_at(L, class_idx)->mapper;
    mr_status status = MR_OK;
    bool done = false;
    push_sources(L, class_idx);
    for (lua_Integer i = 1; !done && lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
        const mr_property *prop = NULL;
        if (l->of_attribute) {
            const char *name = declared_name(L, target);
            if (name) prop = mr_mapper_property(mapper, name, false);
            done = prop && (l->event == MR_EVENT_SET || prop->kind == MR_PROPERTY_RELATIONSHIP);
        } else {
            done = lua_rawequal(L, -1, target);
        }
        if (done) l->heard = true;
        if (done) status = bind_listener_attach(l, mapper, prop, false);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
    return status;
}

/* ---------------------------------------------------------------- listeners and classes */

static void append(lua_State *L, const void *list, int idx) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, list);
    lua_pushvalue(L, idx);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

mr_status bind_listener_spread(lua_State *L, int listener) {
    bind_listener *l = lua_touserdata(L, listener);
    append(L, &bind_event_waiting_key, listener);
    lua_getiuservalue(L, listener, LISTENER_TARGET);
    int target = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_event_classes_key);
    mr_status status = MR_OK;
    for (lua_Integer i = 1; status == MR_OK && lua_rawgeti(L, target + 1, i) != LUA_TNIL; i++) {
        status = tell(L, l, target + 2, target);
        lua_settop(L, target + 1);
    }
    lua_settop(L, target - 1);
    return status;
}

static void tell_listeners(lua_State *L, int class_idx) {
    int top = lua_gettop(L);
    append(L, &bind_event_classes_key, class_idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_event_waiting_key);
    for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
        lua_getiuservalue(L, -1, LISTENER_TARGET);
        if (tell(L, lua_touserdata(L, top + 2), class_idx, top + 3) != MR_OK) bind_raise(L);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
}

/* A table that is no class, and of no class's body, has no objects and no events: the listener would wait forever. */
static int check_body(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_event_waiting_key);
    int list = lua_gettop(L);
    for (lua_Integer i = 1; lua_rawgeti(L, list, i) != LUA_TNIL; i++) {
        const bind_listener *l = lua_touserdata(L, -1);
        lua_getiuservalue(L, -1, LISTENER_TARGET);
        if (!l->heard && !l->of_attribute && bind_is_plain_table(L, -1))
            return bind_error(
                L, MR_ERR_MAPPING,
                "event.listen: the table that '%s' is listened to on is no class, and no class has "
                "it as a mixin: listen to the class, or name the table in the array part of a class's body",
                mr_mapper_event_name(l->event));
        lua_settop(L, list);
    }
    return 0;
}

static mr_status check_listeners(mr_env *env) { return bind_callback_mistake(env, check_body, NULL); }

void bind_open_event_base(lua_State *L) {
    bind_state *b = bind_of(L);
    b->class_declared = tell_listeners;
    b->before_configure = check_listeners;
}
