/*
 * watch.c: tells the Lua part (watchdog.lua) what accesses of the program load, and on which line.
 *
 * Invariant: as long as the Lua part has set no function, the core is not asked to tell.
 */
#include "session.h"

#include "state/callback.h"
#include "state/place.h"
#include "value/engine.h"

static const char watcher_key = 0; /* registry: the function; or nil */

typedef struct access {
    const mr_entity *entity;
    const mr_property *prop;
    mr_access kind;
    int loads;
} access;

/* "reference", "collection", "column" (deferred); "object" (all columns: it had expired), "subclass" (what a subclass
 * adds), "value" (it had expired alone). */
static const char *kind_of(const access *a) {
    const mr_property *prop = a->prop;
    if (a->kind == MR_ACCESS_EXPIRED) return "object";
    if (a->kind == MR_ACCESS_LACKING) return prop->mapper->base ? "subclass" : "value";
    if (prop->kind != MR_PROPERTY_RELATIONSHIP) return "column";
    return prop->relationship->direction == MR_MANY_TO_ONE ? "reference" : "collection";
}

/* A number that no other object of the program has had. */
static lua_Integer number_of(const mr_entity *entity) {
    uint64_t generation = mr_heap_generation(mr_heap_of(entity->mapper->env), entity->heap_slot);
    return (lua_Integer)(generation << 32 | entity->heap_slot);
}

/* The number of the session's database; nil: it has none. */
static void push_engine(lua_State *L, const mr_session *session) {
    const mr_engine *engine = session ? mr_session_engine(session) : NULL;
    if (engine) lua_pushinteger(L, (lua_Integer)mr_engine_serial(engine));
    else lua_pushnil(L);
}

/* Calls the function with the class, the attribute, the place ("file:line", or "?"), what kind of load it is, the class
 * that this one inherits from, the object's number, the number of loads, the number of the database, and whether the
 * attribute loads in batches. */
static int tell_body(lua_State *L) {
    const access *a = lua_touserdata(L, 1);
    const mr_mapper *mapper = a->kind == MR_ACCESS_EXPIRED ? a->entity->mapper : a->prop->mapper;
    lua_Debug ar;
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &watcher_key) == LUA_TNIL) return 0;
    lua_pushstring(L, mapper->name);
    lua_pushstring(L, a->prop->name);
    if (bind_find_place(L, &ar)) lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    else lua_pushliteral(L, "?");
    lua_pushstring(L, kind_of(a));
    lua_pushstring(L, mapper->base ? mapper->base->name : NULL);
    lua_pushinteger(L, number_of(a->entity));
    lua_pushinteger(L, a->loads);
    push_engine(L, mr_session_of(a->entity));
    lua_pushboolean(L, a->entity->owner->batches);
    lua_call(L, 9, 0);
    return 0;
}

static mr_status tell(void *ud, mr_entity *entity, const mr_property *prop, mr_access kind, int loads) {
    access a = {entity, prop, kind, loads};
    (void)ud;
    return bind_callback(entity->mapper->env, tell_body, &a);
}

/* watch_accesses(fn or nil): fn(class, attribute, place, kind, base, number, loads, database, batches) is called after
 * each load by an access; loads is 1, or below 0: so many loads of this place were the beginning of a batch. */
static int core_watch_accesses(lua_State *L) {
    bind_state *b = bind_of(L);
    bool on = !lua_isnil(L, 1);
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &watcher_key);
    BIND_TRY(b, L, mr_session_watch_accesses(b->env, on ? tell : NULL, NULL));
    return 0;
}

/* user_place(): "file:line" of the program's innermost function, or "?". */
static int core_user_place(lua_State *L) {
    lua_Debug ar;
    if (bind_find_place(L, &ar)) lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
    else lua_pushliteral(L, "?");
    return 1;
}

/* engine_number(engine): the number of the database, which watch_accesses tells. */
static int core_engine_number(lua_State *L) {
    const mr_engine *engine = bind_test_engine(L, 1);
    if (engine) lua_pushinteger(L, (lua_Integer)mr_engine_serial(engine));
    else lua_pushnil(L);
    return 1;
}

void bind_open_watch(lua_State *L) {
    lua_pushcfunction(L, core_engine_number);
    lua_setfield(L, -2, "engine_number");
    lua_pushcfunction(L, core_user_place);
    lua_setfield(L, -2, "user_place");
    lua_pushcfunction(L, core_watch_accesses);
    lua_setfield(L, -2, "watch_accesses");
}
