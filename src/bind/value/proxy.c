/*
 * proxy.c: the userdata through which Lua holds entities. Short weak arrays (chunks) lead from an entity to its proxy.
 *
 * Invariant: at most one proxy of an entity is in the arrays. A finalizer may bring back a proxy that the arrays have
 * lost; it is then equal (__eq) to the entity's new proxy, and stale where the entity is freed.
 */
#include "proxy.h"

#include <string.h>

#include "class.h"
#include "query.h"

/* So many that a table's own bytes count little, and so few that its array is one of malloc's small blocks: for a large
 * one glibc first joins all small blocks that are free, which programs with many objects have many of. */
#define PROXIES_IN_TABLE 32

static const char anchors_key = 0; /* registry: slot to an anchored proxy */
static const char readers_key = 0; /* registry: slot to a proxy that has shown a table */

/* Sets the bits of those of the heap's 256 slots from first on that have a live proxy in the chunk, which the table of
 * chunks, on top, may have. An empty chunk is dropped. */
static void chunk_bits(lua_State *L, bind_state *b, uint32_t chunk, uint32_t first, uint64_t bits[4]) {
    enum { SLOTS = 256, WORD = 64 };
    if (lua_rawgeti(L, -1, (lua_Integer)chunk + 1) == LUA_TTABLE) {
        bool any = false;
        for (uint32_t i = 0; i < PROXIES_IN_TABLE; i++) {
            if (lua_rawgeti(L, -1, (lua_Integer)i + 1) != LUA_TNIL) {
                uint32_t at = chunk * PROXIES_IN_TABLE + i - first; /* before first: a large number */
                if (at < SLOTS) bits[at / WORD] |= UINT64_C(1) << (at % WORD);
                any = true;
            }
            lua_pop(L, 1);
        }
        if (!any) {
            lua_pushnil(L);
            lua_rawseti(L, -3, (lua_Integer)chunk + 1);
            b->proxy_changes++;
        }
    }
    lua_pop(L, 1);
}

/* Called by the heap: sets the bits of those of its slots from 256 * part on that have a live proxy. */
static void proxy_bits(void *ud, uint32_t part, uint64_t bits[4]) {
    enum { SLOTS = 256 };
    bind_state *b = ud;
    lua_State *L = b->L ? b->L : b->main;
    uint32_t first = part * SLOTS;
    bits[0] = bits[1] = bits[2] = bits[3] = 0;
    if (!lua_checkstack(L, 4)) { /* no memory: keep all, as one of them may be in use */
        bits[0] = bits[1] = bits[2] = bits[3] = UINT64_MAX;
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->chunks);
    for (uint32_t chunk = first / PROXIES_IN_TABLE; chunk <= (first + SLOTS - 1) / PROXIES_IN_TABLE; chunk++)
        chunk_bits(L, b, chunk, first, bits);
    lua_pop(L, 1);
}

mr_entity *bind_proxy_entity(lua_State *L, const bind_proxy *p) {
    mr_entity *e = mr_heap_get(bind_of(L)->heap, p->slot, p->generation);
    if (!e)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "this object is gone: only a finalizer still held it, and its memory was freed; keep a reference "
                   "outside of the finalizer");
    return e;
}

/* Where a proxy is made: at the index `at` are the table of chunks, the chunk's weak table and, in a run of objects,
 * the metatable of the class's objects. */
enum { AT_CHUNKS, AT_CHUNK, AT_METATABLE, AT__COUNT };

/* Pushes the table of chunks and the chunk's weak table, made when there is none. */
static void push_chunk(lua_State *L, const bind_state *b, uint32_t chunk) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->chunks);
    if (lua_rawgeti(L, -1, (lua_Integer)chunk + 1) == LUA_TTABLE) return;
    lua_pop(L, 1);
    lua_createtable(L, PROXIES_IN_TABLE, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->weak);
    lua_setmetatable(L, -2);
    if (lua_rawgeti(L, -2, (lua_Integer)chunk + 1) == LUA_TTABLE) { /* made by a finalizer meanwhile */
        lua_remove(L, -2);
    } else {
        lua_pop(L, 1);
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, (lua_Integer)chunk + 1);
    }
}

/* Puts them at the index. */
static void load_chunk(lua_State *L, const bind_state *b, int at, uint32_t chunk) {
    push_chunk(L, b, chunk);
    lua_replace(L, at + AT_CHUNK);
    lua_replace(L, at + AT_CHUNKS);
}

static void load_metatable(lua_State *L, int at, const mr_mapper *mapper) {
    bind_push_object_metatable(L, mapper);
    lua_replace(L, at + AT_METATABLE);
}

/* Pushes the proxy that the chunk has of the entity, or what else is in its slot; then it is false. */
static bool push_old(lua_State *L, int at, lua_Integer index, uint32_t generation) {
    return lua_rawgeti(L, at + AT_CHUNK, index) == LUA_TUSERDATA &&
           ((const bind_proxy *)lua_touserdata(L, -1))->generation == generation;
}

/* Makes a proxy of the entity, which has none, and pushes it; or the one that a finalizer has made meanwhile. The
 * finalizers that making it runs may also have dropped the chunk: then what is at the index is read again. loaded: is
 * the metatable there, too? */
static void make_proxy(lua_State *L, bind_state *b, mr_entity *entity, int at, uint32_t generation, bool loaded) {
    uint32_t slot = entity->heap_slot;
    lua_Integer index = (lua_Integer)(slot % PROXIES_IN_TABLE) + 1;
    uint64_t changes = b->proxy_changes;
    bind_proxy *p = lua_newuserdatauv(L, sizeof *p, entity->mapper->klass->has_fields ? 1 : 0);
    *p = (bind_proxy){slot, generation};
    if (loaded) lua_pushvalue(L, at + AT_METATABLE);
    else bind_push_object_metatable(L, entity->mapper);
    lua_setmetatable(L, -2);
    while (b->proxy_changes != changes) {
        changes = b->proxy_changes;
        load_chunk(L, b, at, slot / PROXIES_IN_TABLE);
        if (push_old(L, at, index, generation)) {
            lua_remove(L, -2);
            return;
        }
        lua_pop(L, 1);
    }
    b->proxy_changes++;
    entity->shown = true;
    lua_pushvalue(L, -1);
    lua_rawseti(L, at + AT_CHUNK, index);
}

/* Pushes the entity's proxy. */
static inline void push_proxy(lua_State *L, bind_state *b, mr_entity *entity, int at, bool loaded) {
    uint32_t generation = mr_heap_generation(b->heap, entity->heap_slot);
    bool old = entity->shown && push_old(L, at, (lua_Integer)(entity->heap_slot % PROXIES_IN_TABLE) + 1, generation);
    if (!old) {
        if (entity->shown) lua_pop(L, 1);
        make_proxy(L, b, entity, at, generation, loaded);
    }
    mr_heap_mark(b->heap, entity);
}

void bind_push_entity(lua_State *L, mr_entity *entity) {
    bind_state *b = bind_of_entity(entity);
    luaL_checkstack(L, AT__COUNT + 4, "pushing an object");
    int at = lua_gettop(L) + 1;
    push_chunk(L, b, entity->heap_slot / PROXIES_IN_TABLE);
    push_proxy(L, b, entity, at, false);
    lua_copy(L, -1, at);
    lua_settop(L, at);
}

void bind_list_entities(lua_State *L, const mr_value *values, size_t width, size_t n, size_t before) {
    bind_state *b = bind_of(L);
    const mr_mapper *mapper = NULL;
    uint32_t chunk = UINT32_MAX;
    luaL_checkstack(L, AT__COUNT + 4, "pushing objects");
    int list = lua_gettop(L), at = list + 1;
    lua_settop(L, list + AT__COUNT);
    for (size_t i = 0; i < n; i++) {
        const mr_value *v = &values[i * width];
        mr_entity *e = v->kind == MR_ENTITY ? v->u.p : NULL;
        if (e && e->heap_slot / PROXIES_IN_TABLE != chunk)
            load_chunk(L, b, at, chunk = e->heap_slot / PROXIES_IN_TABLE);
        if (e && e->mapper != mapper) load_metatable(L, at, mapper = e->mapper);
        if (e) push_proxy(L, b, e, at, true);
        else bind_push_null(L);
        lua_rawseti(L, list, (lua_Integer)(before + i) + 1);
    }
    lua_settop(L, list);
}

bool bind_push_known_entity(lua_State *L, int chunks, mr_heap *heap, mr_entity *entity) {
    uint32_t slot = entity->heap_slot;
    if (lua_rawgeti(L, chunks, (lua_Integer)(slot / PROXIES_IN_TABLE) + 1) != LUA_TTABLE) return false;
    lua_rawgeti(L, -1, (lua_Integer)(slot % PROXIES_IN_TABLE) + 1);
    const bind_proxy *p = lua_touserdata(L, -1);
    return p && mr_heap_look(heap, slot, p->generation) == entity;
}

void bind_push_chunks(lua_State *L) { lua_rawgeti(L, LUA_REGISTRYINDEX, bind_of(L)->chunks); }

/* The class of the proxy at idx; NULL when it is none. */
static const bind_class *proxy_class(lua_State *L, int idx) {
    if (lua_type(L, idx) != LUA_TUSERDATA || !lua_getmetatable(L, idx)) return NULL;
    const bind_class *c = lua_rawgetp(L, -1, &bind_object_class_key) == LUA_TUSERDATA ? lua_touserdata(L, -1) : NULL;
    lua_pop(L, 2);
    return c;
}

/* Puts a proxy that a finalizer has brought back into its slot again, unless a successor is there. */
static void restore_slot(lua_State *L, bind_state *b, int idx, const bind_proxy *p) {
    idx = lua_absindex(L, idx);
    int top = lua_gettop(L), at = top + 1;
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->chunks);
    bool there = lua_rawgeti(L, -1, (lua_Integer)(p->slot / PROXIES_IN_TABLE) + 1) == LUA_TTABLE &&
                 lua_rawgeti(L, -1, (lua_Integer)(p->slot % PROXIES_IN_TABLE) + 1) != LUA_TNIL;
    lua_settop(L, top);
    if (there) return; /* nearly always */
    lua_settop(L, at + AT_CHUNK);
    load_chunk(L, b, at, p->slot / PROXIES_IN_TABLE);
    if (lua_rawgeti(L, -1, (lua_Integer)(p->slot % PROXIES_IN_TABLE) + 1) == LUA_TNIL) {
        b->proxy_changes++;
        lua_pushvalue(L, idx);
        lua_rawseti(L, at + AT_CHUNK, (lua_Integer)(p->slot % PROXIES_IN_TABLE) + 1);
    }
    lua_settop(L, at - 1);
}

/* bind_test_entity of a proxy of the class that was met last, which is in its place, as nearly all are. NULL: another
 * value, or there is more to be done. */
static mr_entity *test_quickly(lua_State *L, const bind_state *b, int chunks, int idx) {
    if (lua_type(L, idx) != LUA_TUSERDATA || !lua_getmetatable(L, idx)) return NULL;
    mr_entity *e = NULL;
    if (lua_topointer(L, -1) == b->object_meta && !b->closed) {
        const bind_proxy *p = lua_touserdata(L, idx);
        e = mr_heap_look(b->heap, p->slot, p->generation);
        if (lua_rawgeti(L, chunks, (lua_Integer)(p->slot / PROXIES_IN_TABLE) + 1) != LUA_TTABLE ||
            lua_rawgeti(L, -1, (lua_Integer)(p->slot % PROXIES_IN_TABLE) + 1) == LUA_TNIL)
            e = NULL;
    }
    return e;
}

mr_entity *bind_arg_entity_with(lua_State *L, bind_state *b, int chunks, int idx, const char *function) {
    int top = lua_gettop(L);
    mr_entity *e = lua_checkstack(L, 3) ? test_quickly(L, b, chunks, idx) : NULL;
    lua_settop(L, top);
    if (e) return e;
    e = bind_arg_entity(L, idx, function);
    lua_getmetatable(L, idx);
    b->object_meta = lua_topointer(L, -1);
    lua_settop(L, top);
    return e;
}

mr_entity *bind_test_entity(lua_State *L, int idx) {
    const bind_class *c = proxy_class(L, idx);
    if (!c) return NULL;
    const bind_proxy *p = lua_touserdata(L, idx);
    mr_entity *e = c->b->closed ? NULL : mr_heap_get(c->b->heap, p->slot, p->generation);
    if (!e) return bind_proxy_entity(L, p); /* raises */
    luaL_checkstack(L, 6, "an object");
    restore_slot(L, c->b, idx, p);
    return e;
}

const char *bind_key_name(const mr_mapper *mapper, unsigned i) {
    size_t k = 0;
    while (k + 1 < mapper->columns.len) {
        if (((const mr_property *)mr_vec_ptr(&mapper->columns, k))->slot == mapper->pk_slots[i]) break;
        k++;
    }
    return ((const mr_property *)mr_vec_ptr(&mapper->columns, k))->name;
}

/* What is most likely meant where an object is wanted: idx is what was given, name a class for the example. */
static const char *object_cure(lua_State *L, int idx, const char *function, const char *name) {
    const mr_mapper *mapper = bind_test_class(L, idx);
    if (mapper) return lua_pushfstring(L, " (that is the class; %s{ ... } makes an object of it)", mapper->name);
    if (bind_is_query(L, idx))
        return " (a query has no objects before it runs: give one of query:all() or query:first())";
    if (lua_isnoneornil(L, idx)) return " (is the variable set?)";
    bool is_collection = bind_is_collection(L, idx);
    if (!lua_istable(L, idx) && !is_collection) return "";
    bool is_list = is_collection || lua_rawgeti(L, idx, 1) != LUA_TNIL;
    if (!is_collection) lua_pop(L, 1);
    if (is_list && strcmp(function, "add") == 0) return " (a list of objects goes into add_all)";
    if (is_list) return " (one object at a time: for _, object in ipairs(list) do)";
    return lua_pushfstring(L, " (values become an object by their class: %s{ ... })", name);
}

/* Raises: the value at idx is no object of the wanted class. */
static void refuse_object(lua_State *L, int idx, const char *function, const char *wanted, const char *name) {
    luaL_checkstack(L, 8, "an object");
    const char *cure = object_cure(L, idx, function, name);
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %s%s", function, wanted, bind_describe(L, idx), cure);
}

/* Where a key was given for an object: the column that takes it. */
static const char *key_cure(lua_State *L, int idx, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    bool is_key = lua_type(L, idx) == LUA_TNUMBER || lua_type(L, idx) == LUA_TSTRING;
    if (!is_key || rel->direction != MR_MANY_TO_ONE || rel->npairs != 1) return NULL;
    const mr_property *column = mr_mapper_property_of_column(prop->mapper, rel->pairs[0].local);
    return column ? lua_pushfstring(L, " (a key belongs to %s.%s)", prop->mapper->name, column->name) : NULL;
}

void bind_refuse_related(lua_State *L, int idx, const mr_property *prop, const char *what) {
    const char *name = prop->relationship->target->name;
    luaL_checkstack(L, 8, "an object");
    idx = lua_absindex(L, idx);
    const char *wanted = lua_pushfstring(L, "%s %s", strchr("AEIOaeio", name[0]) ? "an" : "a", name);
    const char *cure = key_cure(L, idx, prop);
    if (!cure) refuse_object(L, idx, what, wanted, name);
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %s%s", what, wanted, bind_describe(L, idx), cure);
}

mr_entity *bind_arg_entity(lua_State *L, int idx, const char *function) {
    mr_entity *e = bind_test_entity(L, idx);
    if (!e) refuse_object(L, lua_absindex(L, idx), function, "an object of a mapped class", "User");
    return e;
}

mr_entity *bind_related_entity(lua_State *L, int idx, const mr_property *prop, const char *what) {
    mr_entity *e = bind_test_entity(L, idx);
    const mr_mapper *target = prop->relationship ? prop->relationship->target : NULL;
    if (!e && target) bind_refuse_related(L, idx, prop, what);
    return e ? e : bind_arg_entity(L, idx, what);
}

/* ---------------------------------------------------------------- anchors */

static void anchor(lua_State *L, const void *key, int idx, const mr_entity *entity) {
    idx = lua_absindex(L, idx);
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    lua_pushvalue(L, idx);
    lua_rawseti(L, -2, (lua_Integer)entity->heap_slot);
    lua_pop(L, 1);
}

void bind_proxy_anchor(lua_State *L, int idx, mr_entity *entity) { anchor(L, &anchors_key, idx, entity); }

void bind_proxy_anchor_reader(lua_State *L, int idx, mr_entity *entity) { anchor(L, &readers_key, idx, entity); }

void bind_proxy_release_reader(lua_State *L, const mr_entity *entity) {
    lua_pushnil(L);
    anchor(L, &readers_key, -1, entity);
    lua_pop(L, 1);
}

static bool is_in_session(const mr_entity *e) {
    return e && (e->state == MR_PENDING || e->state == MR_PERSISTENT || e->state == MR_DELETED) && e->owner &&
           e->owner->session;
}

static void release_from(lua_State *L, const bind_state *b, const void *key) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        const bind_proxy *p = lua_touserdata(L, -1);
        mr_entity *e = mr_heap_get(b->heap, p->slot, p->generation);
        if (!is_in_session(e)) {
            /* No flush compares its table: what was changed in it goes into the object now. */
            if (e && key == &readers_key && mr_entity_note_edits(e) != MR_OK) mr_env_clear_error(b->env);
            lua_pushvalue(L, -2);
            lua_pushnil(L);
            lua_rawset(L, -5);
        }
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Releases the anchored proxies whose entity has left its session. */
static void release_anchors(lua_State *L) {
    bind_state *b = bind_of(L);
    if (!lua_checkstack(L, 5)) return;
    release_from(L, b, &anchors_key);
    release_from(L, b, &readers_key);
}

void bind_open_proxy(lua_State *L) {
    bind_state *b = bind_of(L);
    lua_newtable(L);
    b->chunks = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &anchors_key);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &readers_key);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    b->weak = luaL_ref(L, LUA_REGISTRYINDEX);
    b->release_anchors = release_anchors;
    bind_state_trace_with(b, proxy_bits);
}
