/*
 * objects.c: the session's methods that take objects: add, delete, expunge, refresh, expire, merge and the like.
 *
 * Invariant: the result of add does not depend on garbage collection: an object that the program does not hold any more
 * never prevents it.
 */
#include "value/proxy.h"
#include "value/session.h"

typedef mr_status (*object_fn)(mr_session *s, mr_entity *e);

/* The upvalue of each of these methods. */
enum { CHUNKS = lua_upvalueindex(1) };

/* The object at the index; the session is at index 1. */
static mr_entity *object_arg(lua_State *L, int idx, const char *function) {
    return bind_arg_entity_with(L, bind_session_at(L, 1)->b, CHUNKS, idx, function);
}

static int with_object(lua_State *L, const char *function, object_fn fn) {
    mr_session *s = bind_session_arg(L, function);
    mr_entity *e = object_arg(L, 2, function);
    bind_state *b = bind_of_entity(e);
    BIND_TRY(b, L, fn(s, e));
    return 0;
}

/* Adds the object at the index to the session at index 1. MR_NOTFOUND: the session has another object of the same
 * identity. */
static mr_status try_add(lua_State *L, int idx, const char *function) {
    mr_session *s = bind_session_arg(L, function);
    mr_entity *e = object_arg(L, idx, function);
    bind_state *b = bind_of_entity(e);
    BIND_ENTER(b, L);
    mr_status st = mr_session_add(s, e);
    bool twin = mr_session_take_duplicate(s);
    BIND_LEAVE(b);
    return twin ? MR_NOTFOUND : st;
}

/* An object of the same identity that the program does not hold any more may still be in memory. Collects it before
 * refusing, so that the result does not depend on garbage collection. */
static void add(lua_State *L, int idx, const char *function) {
    mr_status st = try_add(L, idx, function);
    if (st == MR_NOTFOUND && bind_collector_runs(L)) {
        bind_state *b = bind_of(L);
        mr_env_clear_error(b->env);
        lua_gc(L, LUA_GCCOLLECT);
        mr_heap_trace(b->heap, 0);
        st = try_add(L, idx, function);
    }
    if (st != MR_OK) bind_raise(L);
}

static int session_add(lua_State *L) {
    bind_refuse_more(L, 1, "add", " (many objects: add_all{ ... })");
    add(L, 2, "add");
    return 0;
}

static int session_delete(lua_State *L) {
    bind_refuse_more(L, 1, "delete", " (an object: delete(session:get(Class, key)); many rows: query:delete())");
    return with_object(L, "delete", mr_session_delete);
}

static int session_expunge(lua_State *L) {
    bind_refuse_more(L, 1, "expunge", "");
    return with_object(L, "expunge", mr_session_expunge);
}

/* add_all(list): every item is checked before the first is added. */
static int session_add_all(lua_State *L) {
    bind_session_arg(L, "add_all");
    bind_refuse_more(L, 1, "add_all", " (objects are given in one list)");
    if (!lua_istable(L, 2))
        return bind_type_error(L, 2, "add_all",
                               bind_test_entity(L, 2) ? "a list of objects (one object is given to add)"
                                                      : "a list of objects");
    lua_settop(L, 2);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        bind_arg_entity(L, 3, "add_all");
        lua_settop(L, 2);
    }
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        add(L, 3, "add_all");
        lua_settop(L, 2);
    }
    return 0;
}

static int session_contains(lua_State *L) {
    mr_session *s = bind_session_arg(L, "contains");
    bind_refuse_more(L, 1, "contains", "");
    lua_pushboolean(L, mr_session_contains(s, bind_arg_entity(L, 2, "contains")));
    return 1;
}

static int session_is_modified(lua_State *L) {
    mr_session *s = bind_session_arg(L, "is_modified");
    bind_refuse_more(L, 1, "is_modified", "");
    mr_entity *e = bind_arg_entity(L, 2, "is_modified");
    bind_state *b = bind_of(L);
    bool modified;
    BIND_CALL(b, L, modified = mr_session_is_modified(s, e));
    lua_pushboolean(L, modified);
    return 1;
}

/* Reads a list of attribute names (or one name) at idx: pushes and returns the array, *n long. NULL and 0 where there
 * is no list. Raises unless each is an attribute of the object's class. */
static const char **attribute_names(lua_State *L, mr_entity *e, int idx, unsigned *n) {
    *n = 0;
    if (lua_isnoneornil(L, idx)) return NULL;
    if (lua_type(L, idx) == LUA_TSTRING) {
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, idx);
        lua_rawseti(L, -2, 1);
        lua_replace(L, idx);
    }
    if (!lua_istable(L, idx)) bind_type_error(L, idx, "attribute names", "a list of strings");
    lua_Integer count = (lua_Integer)lua_rawlen(L, idx);
    const char **names = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *names, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, idx, i) != LUA_TSTRING) bind_type_error(L, -1, "attribute names", "a string");
        const mr_property *prop = mr_mapper_property(e->mapper, lua_tostring(L, -1), true);
        if (!prop) {
            const char *near = mr_mapper_nearest(e->mapper, lua_tostring(L, -1));
            bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s", e->mapper->name, lua_tostring(L, -1),
                       bind_hint(L, near));
        }
        names[i - 1] = prop->name;
        lua_pop(L, 1);
    }
    *n = (unsigned)count;
    return names;
}

typedef mr_status (*names_fn)(mr_session *s, mr_entity *e, const char *const *names, unsigned n);

static int with_names(lua_State *L, const char *function, names_fn fn) {
    bind_refuse_more(L, 2, function, " (attributes are named in one list)");
    lua_settop(L, 3);
    mr_session *s = bind_session_arg(L, function);
    mr_entity *e = bind_arg_entity(L, 2, function);
    bind_state *b = bind_of(L);
    unsigned n;
    const char **names = attribute_names(L, e, 3, &n);
    BIND_TRY(b, L, fn(s, e, names, n));
    return 0;
}

static int session_refresh(lua_State *L) { return with_names(L, "refresh", mr_session_refresh); }

static int session_expire(lua_State *L) { return with_names(L, "expire", mr_session_expire); }

/* session:function(), which is about all objects. */
static int for_all(lua_State *L, const char *function, mr_status (*fn)(mr_session *s)) {
    mr_session *s = bind_session_arg(L, function);
    bind_refuse_more(L, 0, function, "");
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, fn(s));
    return 0;
}

static int session_expire_all(lua_State *L) { return for_all(L, "expire_all", mr_session_expire_all); }

static int session_expunge_all(lua_State *L) { return for_all(L, "expunge_all", mr_session_expunge_all); }

/* merge(obj, { load = true }), merge{ obj, load = true } */
static int session_merge(lua_State *L) {
    static const char *const known[] = {"load", NULL};
    mr_session *s = bind_session_arg(L, "merge");
    int options;
    if (lua_gettop(L) == 2 && bind_is_plain_table(L, 2) && lua_rawlen(L, 2) == 0) bind_arg_entity(L, 2, "merge");
    if (bind_arguments(L, 2, &options) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "merge: expected an object, and options in a table");
    bind_check_options(L, options, "merge", known);
    bool load = bind_option_bool(L, options, "merge", "load", true);
    mr_entity *e = bind_arg_entity(L, 2, "merge"), *out = NULL;
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = mr_session_merge(s, e, load, &out);
    if (st == MR_OK) mr_entity_unpin(out);
    BIND_LEAVE(b);
    bind_check(L, st);
    bind_push_entity(L, out);
    return 1;
}

/* core.object_session(obj) */
static int core_object_session(lua_State *L) {
    bind_push_session(L, mr_session_of(bind_arg_entity(L, 1, "object_session")));
    return 1;
}

static int change_state(lua_State *L, const char *function, mr_status (*fn)(mr_entity *e)) {
    mr_entity *e = bind_arg_entity(L, 1, function);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, fn(e));
    return 0;
}

/* core.make_transient(obj), core.make_transient_to_detached(obj) */
static int core_make_transient(lua_State *L) { return change_state(L, "make_transient", mr_session_make_transient); }

static int core_make_detached(lua_State *L) {
    return change_state(L, "make_transient_to_detached", mr_session_make_detached);
}

void bind_open_session_objects(lua_State *L) {
    static const luaL_Reg methods[] = {{"add", session_add},
                                       {"add_all", session_add_all},
                                       {"delete", session_delete},
                                       {"expunge", session_expunge},
                                       {"expunge_all", session_expunge_all},
                                       {"expire", session_expire},
                                       {"expire_all", session_expire_all},
                                       {"refresh", session_refresh},
                                       {"merge", session_merge},
                                       {"contains", session_contains},
                                       {"is_modified", session_is_modified},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {{"object_session", core_object_session},
                                         {"make_transient", core_make_transient},
                                         {"make_transient_to_detached", core_make_detached},
                                         {NULL, NULL}};
    bind_push_methods(L, BIND_SESSION);
    bind_push_chunks(L);
    luaL_setfuncs(L, methods, 1);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
