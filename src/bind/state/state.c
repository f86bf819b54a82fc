/*
 * state.c: the binding's state for one Lua state: entering and leaving the core, and the bridge between Lua's collector
 * and the heap's trace.
 *
 * Invariant: the state is a userdata, made before all others of the library, so its finalizer runs after
 * theirs and its memory stays valid until the last finalizer has run.
 */
#include "state.h"

#include "place.h"

/* Lua's collector hears of native memory in steps of this many bytes. */
#define CHARGE_STEP ((size_t)256 * 1024)

static const char state_key = 0;
static const char core_key = 0;

bind_state *bind_peek(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    bind_state *b = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return b && !b->closed ? b : NULL;
}

bind_state *bind_of(lua_State *L) {
    bind_state *b = bind_peek(L);
    if (!b) luaL_error(L, "moonrow is closed: its Lua state is shutting down");
    return b;
}

/* ---------------------------------------------------------------- the collector and the heap */

/* Each collector cycle finalizes the sentinel, which counts and leaves a new one behind. */
static int sentinel_gc(lua_State *L) {
    bind_state *b = bind_peek(L);
    if (!b) return 0;
    if (!lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1))) return 0;
    b->cycles++;
    lua_newuserdatauv(L, 0, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_setmetatable(L, -2);
    return 0;
}

static void make_sentinel(lua_State *L) {
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, sentinel_gc, 1);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static bool cycle_ended(void *ud) {
    bind_state *b = ud;
    bool ended = b->cycles != b->cycles_seen;
    b->cycles_seen = b->cycles;
    return ended;
}

/* In a finalizer the collector (from Lua 5.4.4 on) answers -1 to every request. */
bool bind_in_finalizer(lua_State *L) { return lua_gc(L, LUA_GCISRUNNING) < 0; }

bool bind_collector_runs(lua_State *L) { return lua_gc(L, LUA_GCISRUNNING) > 0; }

static bool collector_stopped(void *ud) {
    bind_state *b = ud;
    return !bind_collector_runs(b->L ? b->L : b->main);
}

static void full_collection(void *ud) {
    bind_state *b = ud;
    lua_gc(b->L ? b->L : b->main, LUA_GCCOLLECT);
}

/* Called by the database when a lock or a file stops it: garbage of the program may hold that. */
static bool collect_dropped(void *ud) {
    bind_state *b = ud;
    if (collector_stopped(ud)) return false;
    full_collection(b);
    return true;
}

/* Lua's collector does not see native memory. So its growth makes the collector work, in proportion to Lua's share of
 * all memory: a program that drops large objects gets a collection in time. */
static void charge(bind_state *b, lua_State *L) {
    size_t native = mr_env_memory(b->env);
    if (native < b->charged) {
        b->charged = native;
        return;
    }
    size_t growth = native - b->charged;
    if (growth < CHARGE_STEP || !bind_collector_runs(L)) return;
    b->charged = native;
    double lua = (double)lua_gc(L, LUA_GCCOUNT) + 1;
    double kilobytes = (double)native / 1024;
    double step = (double)growth / 1024 * lua / (lua + kilobytes);
    lua_gc(L, LUA_GCSTEP, step < 1 ? 1 : (int)step);
}

/* Under MOONROW_STRESS each call from outside does a step of the collector, and a full trace. */
static void stress_step(bind_state *b, lua_State *L) {
    lua_gc(L, LUA_GCSTEP, 0);
    if (b->stress > 1 && bind_collector_runs(L)) mr_heap_trace(b->heap, 0);
}

void bind_enter_state(bind_state *b, lua_State *L) {
    if (b->logging) luaL_error(L, "moonrow cannot be called by the function that logs (mr.set_log)");
    if (b->depth == 0) {
        lua_State *outer = b->L;
        b->L = L;
        bind_note_hooks(b, L);
        charge(b, L);
        if (b->stress) stress_step(b, L);
        if (b->anchors_seen != b->cycles) {
            b->anchors_seen = b->cycles;
            if (b->release_anchors) b->release_anchors(L);
        }
        mr_heap_pulse(b->heap);
        b->L = outer;
    }
    b->L = L;
    b->depth++;
}

void bind_leave(bind_state *b, lua_State *outer) {
    b->depth--;
    b->L = outer;
}

/* ---------------------------------------------------------------- life of the state */

void bind_state_close(bind_state *b, lua_State *L) {
    b->L = L;
    b->closed = true;
    if (b->env) mr_env_free(b->env);
    b->env = NULL;
}

static int stress_mode(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, "moonrow.stress");
    int mode = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return mode;
}

/* Weak: a program that makes its states in another way may lack it. */
#pragma weak luaL_newstate

/* Is it the allocator of luaL_newstate? That one counts nothing and has no limit, so what the program would see is the
 * same with ours, which has huge pages. */
static bool is_stock(lua_Alloc alloc) {
    lua_State *other = luaL_newstate ? luaL_newstate() : NULL;
    if (!other) return false;
    void *ud;
    bool same = lua_getallocf(other, &ud) == alloc;
    lua_close(other);
    return same;
}

bind_state *bind_state_make(lua_State *L, lua_CFunction close) {
    bind_state *b = bind_peek(L);
    if (b) return b;
    b = lua_newuserdatauv(L, sizeof *b, 0);
    *b = (bind_state){0};
    b->closed = true; /* until it is complete */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, close);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    b->main = lua_tothread(L, -1);
    lua_pop(L, 1);
    b->stress = stress_mode(L);
    make_sentinel(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    void *ud;
    lua_Alloc alloc = lua_getallocf(L, &ud);
    b->env = is_stock(alloc) ? mr_env_new(NULL, NULL) : mr_env_new(alloc, ud);
    if (!b->env) luaL_error(L, "not enough memory");
    b->closed = false;
    mr_env_set(b->env, MR_ENV_BIND, b);
    bind_watch_hooks(b);
    b->heap = mr_heap_of(b->env);
    if (!b->heap || mr_db_set_collect(b->env, collect_dropped, b) != MR_OK || bind_note_places(b) != MR_OK) {
        bind_state_close(b, L);
        luaL_error(L, "not enough memory");
    }
    return b;
}

void bind_state_trace_with(bind_state *b, void (*bits)(void *ud, uint32_t chunk, uint64_t bits[4])) {
    mr_heap_hooks hooks = {b, bits, cycle_ended, full_collection, collector_stopped, NULL};
    mr_heap_set_hooks(b->heap, &hooks);
}

void bind_release_loops(lua_State *L) {
    bind_state *b = bind_of(L);
    if (!b->loops_open || !bind_collector_runs(L)) return;
    b->loops_open = 0; /* a loop whose cursor stays open is still running */
    lua_gc(L, LUA_GCCOLLECT);
}

void bind_keep_core(lua_State *L) {
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
}

void bind_push_core(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key); }
