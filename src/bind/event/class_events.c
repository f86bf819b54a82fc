/*
 * class_events.c: brings the events of classes and attributes to Lua functions.
 *
 * Invariant: a function is called only while its hook is in the registry, so a hook may be removed during a call. An
 * error of the function reaches the code that caused the event unchanged.
 */
#include <string.h>

#include "event.h"
#include "value/class.h"
#include "value/decorated.h"
#include "value/engine.h"
#include "value/node.h"
#include "value/proxy.h"
#include "value/relationship.h"
#include "value/schema.h"

/* One function that hears of one event. User value 1: the function. */
typedef struct hook {
    mr_mapper *mapper;
    const mr_property *prop; /* the attribute of mapper; NULL: an event of the class */
    int event;
    bool retval; /* attributes: the function's result replaces the value */
} hook;

#define HOOK "moonrow.Hook"

/* What a call passes to its body. */
typedef struct call {
    hook *h;
    mr_mapper *mapper;
    mr_conn *conn;
    mr_entity *entity;
    mr_value *value;
    const mr_value *old;
} call;

/* In the registry. */
static const char hooks_key = 0;    /* table: light userdata of a hook to its userdata */
static const char results_key = 0;  /* table: by depth of entered calls, the last result with retval there: the core
                                     * borrows its bytes after the call */
static const char declared_key = 0; /* function(class): the Lua part hears of each mapped class */
static const char before_key = 0;   /* function(): the Lua part looks at its listeners before mappings are configured */
static const char mistakes_key = 0; /* function(registry): a list of texts, "Class.attribute: what is wrong" */
static const char after_key = 0;    /* function(): it looks at them again when the mappings have been configured */

int bind_event_named(bind_event_name *name_of, const char *name) {
    const char *known;
    for (int event = 0; (known = name_of(event)) != NULL; event++)
        if (strcmp(known, name) == 0) return event;
    return -1;
}

/* ---------------------------------------------------------------- calling */

void bind_call_listener(lua_State *L, int n, int connection) {
    int status = lua_pcall(L, n, 1, 0);
    if (connection) bind_end_borrowed_connection(L, connection);
    if (status != LUA_OK) lua_error(L);
}

/* Pushes a value of the attribute, as the program sees it. */
static void push_attribute(lua_State *L, const call *c, const mr_value *v) {
    const mr_property *prop = c->h->prop;
    const bind_place place = {.what = prop->name};
    const char *dialect = c->entity && c->entity->owner ? c->entity->owner->dialect : NULL;
    if (!v) lua_pushnil(L);
    else if (prop->column) bind_push_typed(L, mr_column_type(prop->mapper->env, prop->column), v, dialect, &place);
    else bind_push_value(L, v);
}

/* Pushes the function's arguments, and returns how many they are. */
static int push_arguments(lua_State *L, const call *c, int connection) {
    if (c->h->prop) {
        bind_push_entity(L, c->entity);
        push_attribute(L, c, c->value);
        if (c->h->event != MR_EVENT_SET) return 2;
        push_attribute(L, c, c->old);
        return 3;
    }
    if (c->h->event == MR_EVENT_LOAD || c->h->event == MR_EVENT_REFRESH) {
        bind_push_entity(L, c->entity);
        return 1;
    }
    bind_push_class(L, c->mapper);
    lua_pushvalue(L, connection);
    bind_push_entity(L, c->entity);
    return 3;
}

/* The result on top of the stack replaces the value, unless the function returned the value that it was given (at index
 * given). */
static void take_result(lua_State *L, const call *c, int given) {
    const mr_type *type = c->h->prop->column ? c->h->prop->column->type : NULL;
    bool json = type && mr_type_is_json(type); /* a table may have other items now */
    if (!json && lua_rawequal(L, -1, given)) return;
    mr_entity *entity = bind_test_entity(L, -1);
    if (entity) {
        *c->value = mr_value_of(MR_ENTITY, 0);
        c->value->u.p = entity;
    } else if (!bind_to_value(L, -1, type, c->value)) {
        if (json) bind_no_value(L, -1, type, c->h->prop->name, mr_type_wants(type), false);
        bind_type_error(L, -1, "the result of a listener with retval", "a value");
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &results_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)bind_of(L)->depth);
}

static int call_body(lua_State *L) {
    const call *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "calling a listener");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key);
    if (lua_rawgetp(L, 2, c->h) == LUA_TNIL) return 0; /* the hook was removed meanwhile */
    int connection = 0;
    if (c->conn) {
        bind_push_borrowed_connection(L, c->conn);
        connection = lua_gettop(L);
    }
    lua_getiuservalue(L, 3, 1);
    int function = lua_gettop(L);
    int n = push_arguments(L, c, connection);
    bool retval = c->h->retval && c->value;
    lua_pushvalue(L, function + (n > 1 ? 2 : 1)); /* the value given, below the function */
    lua_insert(L, function);
    bind_call_listener(L, n, connection);
    if (retval) take_result(L, c, function);
    return 0;
}

static mr_status on_mapper(mr_env *env, void *ud, mr_mapper_event event, mr_mapper *mapper, mr_conn *conn,
                           mr_entity *entity) {
    (void)event;
    call c = {.h = ud, .mapper = mapper, .conn = conn, .entity = entity};
    return bind_callback(env, call_body, &c);
}

static mr_status on_attribute(mr_env *env, void *ud, mr_attribute_event event, mr_entity *entity,
                              const mr_property *prop, mr_value *value, const mr_value *old) {
    (void)prop;
    hook *h = ud;
    if ((int)event != h->event) return MR_OK;
    call c = {.h = h, .entity = entity, .value = value, .old = old};
    return bind_callback(env, call_body, &c);
}

/* ---------------------------------------------------------------- hooks */

/* The property of the class at index 1 that the name at index 2 names; NULL: there is none. */
static const mr_property *named_property(lua_State *L) {
    const mr_mapper *mapper = bind_test_class(L, 1);
    return mapper ? mr_mapper_property(mapper, luaL_checkstring(L, 2), false) : NULL;
}

/* Takes the hook away from its classes and from the registry. Allocates nothing. */
static void take_away(lua_State *L, hook *h) {
    if (h->prop) mr_attribute_unlisten(h->mapper, on_attribute, h);
    else mr_mapper_unlisten(h->mapper, (mr_mapper_event)h->event, on_mapper, h);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key);
    lua_pushnil(L);
    lua_rawsetp(L, -2, h);
    lua_pop(L, 1);
}

/* core.listen(class, attribute or nil, event, fn, retval, propagate): from now on fn is called at the event. propagate:
 * also for the classes that inherit from the class. Returns the hook, for unlisten. */
static int core_listen(lua_State *L) {
    hook given = {.mapper = bind_arg_class(L, 1, "event.listen")};
    bool of_attribute = !lua_isnil(L, 2);
    if (of_attribute) given.prop = named_property(L);
    given.event =
        bind_event_named(of_attribute ? mr_attribute_event_name : mr_mapper_event_name, luaL_checkstring(L, 3));
    given.retval = lua_toboolean(L, 5);
    bool propagate = lua_toboolean(L, 6);
    hook *h = lua_newuserdatauv(L, sizeof *h, 1);
    *h = given;
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, -2, 1);
    bind_set_type(L, HOOK);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &hooks_key);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, h);
    lua_pop(L, 1);
    mr_status st = of_attribute ? mr_attribute_listen(h->mapper, h->prop, on_attribute, h, propagate)
                                : mr_mapper_listen(h->mapper, (mr_mapper_event)h->event, on_mapper, h, propagate);
    if (st == MR_OK) return 1;
    take_away(L, h); /* some classes may have it already */
    return bind_raise(L);
}

/* core.unlisten(hook): its function is not called any more. */
static int core_unlisten(lua_State *L) {
    take_away(L, bind_arg(L, 1, HOOK, "event.remove"));
    return 0;
}

/* ---------------------------------------------------------------- what the Lua part asks of classes */

/* The property of Class.attribute at the index; NULL where the value is none. */
static const mr_property *test_attribute(lua_State *L, int idx) {
    const bind_relationship *rel = bind_test(L, idx, BIND_RELATIONSHIP);
    if (rel) return rel->prop;
    const mr_node *node = bind_test_node(L, idx);
    return node && node->kind == MR_NODE_COLUMN ? node->annotation : NULL;
}

/* Pushes the class whose attribute is the value at the index. Sub.name is an attribute of Sub, though a base of Sub may
 * have declared it. */
static void push_class_of_attribute(lua_State *L, const mr_property *prop, int idx) {
    const mr_vec *mappers = &prop->mapper->registry->mappers;
    for (size_t i = 0; i < mappers->len; i++) {
        const mr_mapper *m = mr_vec_ptr(mappers, i);
        if (!mr_mapper_isa(m, prop->mapper)) continue;
        bind_push_class(L, m);
        lua_getiuservalue(L, -1, CLASS_EXPRESSIONS);
        lua_getfield(L, -1, prop->name);
        bool found = lua_rawequal(L, -1, idx);
        lua_pop(L, 2);
        if (found) return;
        lua_pop(L, 1);
    }
    bind_push_class(L, prop->mapper);
}

/* A column or relationship that a base or a mixin declares, of which each class gets its own. */
static bool is_declaration(lua_State *L, int idx) {
    const mr_column *column = bind_test_column(L, idx);
    return column ? !column->table : bind_test(L, idx, BIND_RELATIONSHIP_SPEC) != NULL;
}

/* core.listener_target(function, of_attribute, value): the mapped class to listen to, and the attribute's name. Nothing
 * where the value has no objects of its own: a base without a table, a mixin, or a declaration in one of these. Raises
 * for any other value. */
static int core_listener_target(lua_State *L) {
    const char *function = luaL_checkstring(L, 1);
    lua_settop(L, 3);
    if (lua_toboolean(L, 2)) {
        if (is_declaration(L, 3)) return 0;
        const mr_property *prop = test_attribute(L, 3);
        if (!prop) return bind_type_error(L, 3, function, "an attribute of a class (User.email)");
        push_class_of_attribute(L, prop, 3);
        lua_pushstring(L, prop->name);
        return 2;
    }
    const bind_class *c = bind_class_at(L, 3);
    if (c ? !c->mapper : bind_is_plain_table(L, 3)) return 0;
    (void)bind_arg_class(L, 3, function);
    return 1;
}

/* core.attribute_kind(class, name): "column", "list", "reference", or "relationship" for one of which that is not known
 * yet; nil: the class maps no such attribute. */
static int core_attribute_kind(lua_State *L) {
    const mr_property *prop = named_property(L);
    if (!prop) {
        const mr_mapper *mapper = bind_test_class(L, 1);
        if (!mapper || !mr_mapper_awaits(mapper, lua_tostring(L, 2))) return 0;
        lua_pushliteral(L, "relationship");
        return 1;
    }
    if (prop->kind != MR_PROPERTY_RELATIONSHIP) lua_pushliteral(L, "column");
    else if (prop->relationship->uselist < 0) lua_pushliteral(L, "relationship");
    else lua_pushstring(L, prop->relationship->uselist ? "list" : "reference");
    return 1;
}

/* core.class_parts(class): is it mapped; its base; the list of its mixins; the table of what it declares for the
 * classes that extend it. */
static int core_class_parts(lua_State *L) {
    const bind_class *c = bind_class_at(L, 1);
    if (!c) return 0;
    lua_pushboolean(L, c->mapper != NULL);
    lua_getiuservalue(L, 1, CLASS_BASE);
    lua_getiuservalue(L, 1, CLASS_MIXINS);
    lua_getiuservalue(L, 1, CLASS_DECLARED);
    return 4;
}

/* ---------------------------------------------------------------- what the Lua part hears of */

static void class_declared(lua_State *L, int class_idx) {
    class_idx = lua_absindex(L, class_idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &declared_key);
    lua_pushvalue(L, class_idx);
    lua_call(L, 1, 0);
}

/* At index 1: the key of the function. */
static int configure_body(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, lua_touserdata(L, 1));
    lua_call(L, 0, 0);
    return 0;
}

static mr_status before_configure(mr_env *env) {
    return bind_callback_mistake(env, configure_body, (void *)&before_key);
}

static mr_status after_configure(mr_env *env) { return bind_callback_mistake(env, configure_body, (void *)&after_key); }

typedef struct finding {
    mr_registry *registry;
    mr_strbuf *out;
    size_t *n;
} finding;

static int find_body(lua_State *L) {
    const finding *f = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &mistakes_key);
    lua_pushlightuserdata(L, f->registry);
    lua_pushboolean(L, f->registry->partial);
    lua_call(L, 2, 1);
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++, lua_pop(L, 1)) {
        mr_strbuf_printf(f->out, "\n  %s", lua_tostring(L, -1));
        ++*f->n;
    }
    return 0;
}

static mr_status find_mistakes(mr_registry *registry, mr_strbuf *out, size_t *n) {
    finding f = {registry, out, n};
    return bind_callback(registry->env, find_body, &f);
}

/* core.registry_of(class): what tells the classes of one base from those of others. */
static int core_registry_of(lua_State *L) {
    lua_pushlightuserdata(L, bind_arg_class(L, 1, "registry_of")->registry);
    return 1;
}

/* core.watch_mistakes(fn): fn(registry, partial) gives the list of mistakes when the registry's mappings have been
 * configured, or, partial, cannot be because of others. Once, before the first class. */
static int core_watch_mistakes(lua_State *L) {
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &mistakes_key);
    bind_of(L)->find_mistakes = find_mistakes;
    return 0;
}

/* core.watch_classes(declared, before, after): declared(class) is called for each mapped class, before() before
 * mappings are configured, after() when they have been. Once, before the first class. */
static int core_watch_classes(lua_State *L) {
    bind_state *b = bind_of(L);
    lua_settop(L, 3);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &after_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &before_key);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &declared_key);
    b->class_declared = class_declared;
    b->before_configure = before_configure;
    b->after_configure = after_configure;
    return 0;
}

void bind_open_class_events(lua_State *L) {
    static const luaL_Reg functions[] = {{"listen", core_listen},
                                         {"unlisten", core_unlisten},
                                         {"listener_target", core_listener_target},
                                         {"attribute_kind", core_attribute_kind},
                                         {"class_parts", core_class_parts},
                                         {"watch_classes", core_watch_classes},
                                         {"watch_mistakes", core_watch_mistakes},
                                         {"registry_of", core_registry_of},
                                         {NULL, NULL}};
    const char *const tables[] = {&hooks_key, &results_key};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        lua_newtable(L);
        lua_rawsetp(L, LUA_REGISTRYINDEX, tables[i]);
    }
    luaL_newmetatable(L, HOOK);
    lua_pushliteral(L, "moonrow hook");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
