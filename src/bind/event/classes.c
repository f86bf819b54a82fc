/*
 * classes.c: event.listen, remove and contains, for the events of classes and attributes.
 *
 * Invariant: a target, an event and a function have one listener at most.
 */
#include <string.h>

#include "listener.h"
#include "value/node.h"
#include "value/relationship.h"

/* The mapped attribute at idx, Class.attr of a column or relationship, with its class; NULL when it is none. */
static const mr_property *test_attribute(lua_State *L, int idx) {
    bind_relationship *rel = bind_test(L, idx, BIND_RELATIONSHIP);
    if (rel) return rel->prop;
    const mr_node *node = bind_test_node(L, idx);
    return node && node->kind == MR_NODE_COLUMN ? node->annotation : NULL;
}

/* The class whose attribute the value at index 1 is: Sub.name is of Sub, though its base may have declared it. */
static mr_mapper *class_of_attribute(lua_State *L, const mr_property *prop) {
    const mr_vec *mappers = &prop->mapper->registry->mappers;
    for (size_t i = 0; i < mappers->len; i++) {
        mr_mapper *m = mr_vec_ptr(mappers, i);
        if (!mr_mapper_isa(m, prop->mapper)) continue;
        bind_push_class(L, m);
        lua_getiuservalue(L, -1, CLASS_EXPRESSIONS);
        lua_getfield(L, -1, prop->name);
        bool is_it = lua_rawequal(L, -1, 1);
        lua_pop(L, 3);
        if (is_it) return m;
    }
    return prop->mapper;
}

static void read_attribute(lua_State *L, bind_listener *l, const char *function) {
    l->of_attribute = true;
    if (bind_is_event_base(L, 1, true)) return;
    l->prop = test_attribute(L, 1);
    if (!l->prop) bind_type_error(L, 1, function, "an attribute of a class (User.email)");
    if (l->event != MR_EVENT_SET && l->prop->kind != MR_PROPERTY_RELATIONSHIP)
        bind_error(L, MR_ERR_ARGUMENT, "%s: '%s' is an event of collections, and %s.%s is a column: listen to 'set'",
                   function, lua_tostring(L, 2), l->prop->mapper->name, l->prop->name);
    l->mapper = class_of_attribute(L, l->prop);
}

/* What the arguments target and name say. */
static bind_listener read_target(lua_State *L, const char *function) {
    bind_listener l = {0};
    const char *name = luaL_checkstring(L, 2);
    l.event = bind_event_named(mr_mapper_event_name, name);
    bool of_class = l.event >= 0;
    if (!of_class) l.event = bind_event_named(mr_attribute_event_name, name);
    if (!of_class) read_attribute(L, &l, function);
    else if (!bind_is_event_base(L, 1, false)) l.mapper = bind_arg_class(L, 1, function);
    return l;
}

/* Is the listener at the index the one that is wanted, for the function and the target at 3 and 1? */
static bool is_wanted(lua_State *L, const bind_listener *wanted, int idx) {
    const bind_listener *l = lua_touserdata(L, idx);
    if (l->mapper != wanted->mapper || l->prop != wanted->prop || l->event != wanted->event ||
        l->of_attribute != wanted->of_attribute)
        return false;
    lua_getiuservalue(L, idx, LISTENER_FUNCTION);
    lua_getiuservalue(L, idx, LISTENER_TARGET);
    bool same = lua_rawequal(L, -2, 3) && (l->mapper || lua_rawequal(L, -1, 1));
    lua_pop(L, 2);
    return same;
}

/* The listener of target, name and function (arguments 1 to 3), or NULL. */
static bind_listener *find_listener(lua_State *L, const bind_listener *wanted) {
    int top = lua_gettop(L);
    bind_listener *found = NULL;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_listeners_key);
    for (lua_pushnil(L); !found && lua_next(L, top + 1); lua_settop(L, top + 2))
        if (is_wanted(L, wanted, top + 3)) found = lua_touserdata(L, top + 3);
    lua_settop(L, top);
    return found;
}

/* core.event_listen(target, name, fn, once, retval, propagate): the function listens once, with the
 * options given last. */
static int event_listen(lua_State *L) {
    bind_listener given = read_target(L, "event.listen");
    given.once = lua_toboolean(L, 4);
    given.retval = lua_toboolean(L, 5);
    given.propagate = lua_toboolean(L, 6);
    if (!given.mapper && lua_isboolean(L, 6) && !given.propagate)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "event.listen: propagate = false leaves nothing to listen to: a base without a "
                          "table, or a mixin, has no objects but those of the classes that come from it");
    lua_settop(L, 3);
    bind_listener *before = find_listener(L, &given);
    if (before && before->once == given.once && before->retval == given.retval && before->propagate == given.propagate)
        return 0;
    if (before) bind_listener_forget(L, before);
    bind_listener *l = lua_newuserdatauv(L, sizeof *l, LISTENER__VALUES);
    *l = given;
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, -2, LISTENER_FUNCTION);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, LISTENER_TARGET);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_listeners_key);
    lua_pushvalue(L, 4);
    lua_rawsetp(L, -2, l);
    mr_status status =
        l->mapper ? bind_listener_attach(l, l->mapper, l->prop, l->propagate) : bind_listener_spread(L, 4);
    if (status == MR_OK) return 0;
    bind_listener_forget(L, l);
    return bind_raise(L);
}

/* core.event_remove(target, name, fn): was it there? */
static int event_remove(lua_State *L) {
    bind_listener wanted = read_target(L, "event.remove");
    bind_listener *l = find_listener(L, &wanted);
    if (l) bind_listener_forget(L, l);
    lua_pushboolean(L, l != NULL);
    return 1;
}

static int event_contains(lua_State *L) {
    bind_listener wanted = read_target(L, "event.contains");
    lua_pushboolean(L, find_listener(L, &wanted) != NULL);
    return 1;
}

void bind_open_event(lua_State *L) {
    static const luaL_Reg functions[] = {{"event_listen", event_listen},
                                         {"event_remove", event_remove},
                                         {"event_contains", event_contains},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
