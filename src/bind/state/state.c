/*
 * state.c: the binding's state for one Lua state: entering and leaving the core, callbacks, references, and
 * the bridge between Lua's collector and the heap's trace.
 *
 * Invariant: the state is a userdata, made before any other of ours, so its finalizer runs after
 * theirs and its memory stays valid until the last finalizer has run.
 */
#include "runtime.h"

#include <string.h>

#include "value/proxy.h"

/* Native bytes that may come before Lua's collector is told of them. */
#define CHARGE_STEP ((size_t)256 * 1024)

static const char state_key = 0;
/* Registry slots for what callbacks have raised, made beforehand and used in turn: one error may wait in the core while
 * a callback for another runs. */
enum { ERROR_SLOTS = 8 };
static const char error_keys[ERROR_SLOTS] = {0};
static const char log_key = 0;

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

/* From Lua 5.4.4 on: the collector says no to everything. */
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

/* For the database: what the program has dropped may hold a lock, or a file. */
static bool collect_dropped(void *ud) {
    bind_state *b = ud;
    if (collector_stopped(ud)) return false;
    full_collection(b);
    return true;
}

/* Lua's collector does not see native memory: it is charged for its growth, in proportion to Lua's share, so
 * that dropping large objects leads to a collection. */
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

void bind_enter_state(bind_state *b, lua_State *L) {
    if (b->logging) luaL_error(L, "moonrow cannot be called by the function that logs (mr.set_log)");
    if (b->depth == 0) {
        lua_State *outer = b->L;
        b->L = L;
        bind_note_hooks(b, L);
        charge(b, L);
        if (b->stress) bind_stress_step(b, L);
        if (b->anchors_seen != b->cycles) {
            b->anchors_seen = b->cycles;
            bind_proxy_release_anchors(L);
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

/* Under MOONROW_STRESS a collector step and a full trace come with each outermost call. */
void bind_stress_step(bind_state *b, lua_State *L) {
    lua_gc(L, LUA_GCSTEP, 0);
    if (b->stress > 1 && bind_collector_runs(L)) mr_heap_trace(b->heap, 0);
}

/* ---------------------------------------------------------------- callbacks */

/* Lua's words for a yield where C waits for the result say nothing of what was wrong. */
static bool is_yield(lua_State *L, int idx) {
    return lua_type(L, idx) == LUA_TSTRING &&
           strcmp(lua_tostring(L, idx), "attempt to yield across a C-call boundary") == 0;
}

/* Records the text of the error in the slot that is used last. */
static int describe_body(lua_State *L) {
    const bind_state *b = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_keys[b->error_slot]);
    if (is_yield(L, -1)) {
        mr_fail(
            b->env, MR_ERR_INVALID_REQUEST,
            "an event handler, a default, a validator or a type's conversion cannot yield: start a coroutine there, or "
            "note what is to be done and do it afterwards");
        return 0;
    }
    mr_fail(b->env, MR_ERR_CALLBACK, "%s", luaL_tolstring(L, -1, NULL));
    return 0;
}

/* Index 1: body's data; upvalue-free light function, so pushing it allocates nothing. */
mr_status bind_callback(mr_env *env, lua_CFunction body, void *data) {
    bind_state *b = mr_env_get(env, MR_ENV_BIND);
    lua_State *L = b->L;
    if (!L) return mr_fail(env, MR_ERR_INVALID_REQUEST, "a Lua function is called from outside of any Lua call");
    if (!lua_checkstack(L, 4)) return mr_nomem(env);
    int top = lua_gettop(L);
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, data);
    int rc = lua_pcall(L, 1, 0, 0);
    b->L = L;
    if (rc == LUA_OK) return MR_OK;
    /* The slot exists already, so keeping the error allocates nothing. */
    unsigned slot = b->error_slot = (b->error_slot + 1) % ERROR_SLOTS;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_keys[slot]);
    lua_settop(L, top);
    lua_pushcfunction(L, describe_body);
    lua_pushlightuserdata(L, b);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) mr_fail(env, MR_ERR_CALLBACK, "a Lua callback failed");
    if (mr_env_error(env)->kind == MR_ERR_CALLBACK) mr_error_add_orig(env, NULL, (int)slot);
    lua_settop(L, top);
    return MR_FAIL;
}

void bind_push_callback_error(lua_State *L, const mr_error *error) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &error_keys[error->orig_code]);
    lua_pushboolean(L, 0);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &error_keys[error->orig_code]);
}

/* Records the error that the callback left, when it is one of ours. */
static int record_body(lua_State *L) {
    bind_state *b = lua_touserdata(L, 1);
    bind_push_callback_error(L, mr_env_error(b->env));
    if (lua_istable(L, -1) && lua_getmetatable(L, -1) && lua_getfield(L, -1, "__errkind") == LUA_TNUMBER &&
        lua_getfield(L, -3, "message") == LUA_TSTRING)
        mr_fail(b->env, (mr_errkind)lua_tointeger(L, -2), "%s", lua_tostring(L, -1));
    else {
        lua_settop(L, 2);
        lua_error(L);
    }
    return 0;
}

mr_status bind_callback_mistake(mr_env *env, lua_CFunction body, void *data) {
    if (bind_callback(env, body, data) == MR_OK) return MR_OK;
    if (mr_env_error(env)->kind == MR_ERR_CALLBACK) bind_callback(env, record_body, mr_env_get(env, MR_ENV_BIND));
    return MR_FAIL;
}

/* ---------------------------------------------------------------- references */

static void ref_retain(mr_env *env, void *p) {
    (void)env;
    ((bind_ref *)p)->refs++;
}
static void ref_release(mr_env *env, void *p) {
    (void)env;
    bind_ref_release(p);
}
static bool ref_equal(mr_env *env, const void *a, const void *b) {
    (void)env;
    return a == b;
}
static const mr_opaque_ops ref_ops = {"Lua value", ref_retain, ref_release, ref_equal, NULL};

static void node_retain(mr_env *env, void *p) {
    (void)env;
    mr_node_retain(p);
}
static void node_release(mr_env *env, void *p) {
    (void)env;
    mr_node_release(p);
}
/* Two expressions are never equal values: assigning one is always a change. */
static bool node_equal(mr_env *env, const void *a, const void *b) {
    (void)env, (void)a, (void)b;
    return false;
}
/* What the flush asks of a slot's opaque value. */
static mr_node *value_expression(void *ud, const mr_value *v) {
    const bind_state *b = ud;
    return v->tag == b->node_tag ? v->u.p : NULL;
}
static const mr_opaque_ops node_ops = {"SQL expression", node_retain, node_release, node_equal, NULL};

/* (reference, value) */
static int ref_body(lua_State *L) {
    bind_ref *r = lua_touserdata(L, 1);
    r->ref = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

bind_ref *bind_ref_new(lua_State *L, int idx) {
    bind_state *b = bind_of(L);
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "keeping a value");
    bind_ref *r = mr_alloc(b->env, sizeof *r);
    if (!r) bind_raise(L);
    *r = (bind_ref){1, LUA_NOREF, b};
    lua_pushcfunction(L, ref_body);
    lua_pushlightuserdata(L, r);
    lua_pushvalue(L, idx);
    int rc = lua_pcall(L, 2, 0, 0);
    if (rc == LUA_OK) return r;
    bind_ref_release(r); /* a hook may have raised when the value was kept already */
    if (rc != LUA_ERRMEM) lua_error(L);
    mr_nomem(b->env);
    bind_raise(L);
    return NULL;
}

void bind_ref_release(bind_ref *r) {
    if (!r || --r->refs) return;
    bind_state *b = r->b;
    if (!b->closed) luaL_unref(b->main, LUA_REGISTRYINDEX, r->ref);
    mr_free(b->env, r);
}

void bind_ref_push(lua_State *L, const bind_ref *r) { lua_rawgeti(L, LUA_REGISTRYINDEX, r->ref); }

static void ref_close(void *ud) { bind_ref_release(ud); }

bind_ref *bind_ref_forever(lua_State *L, int idx) {
    bind_state *b = bind_of(L);
    bind_ref *r = bind_ref_new(L, idx);
    if (mr_env_on_close(b->env, ref_close, r) != MR_OK) {
        bind_ref_release(r);
        bind_raise(L);
    }
    return r;
}

/* ---------------------------------------------------------------- life of the state */

static void close_state(bind_state *b, lua_State *L) {
    b->L = L;
    b->closed = true;
    if (b->env) mr_env_free(b->env);
    b->env = NULL;
}

/* The state is known by its place in the registry: somebody may call this by hand, with anything. */
static int state_gc(lua_State *L) {
    bind_state *b = bind_peek(L);
    if (!b || b != lua_touserdata(L, 1)) return 0;
    bind_close_types(L);
    close_state(b, L);
    return 0;
}

/* (text): to the function that mr.set_log was given, else to io.stderr, else as a warning. */
static int log_body(lua_State *L) {
    const char *text = lua_touserdata(L, 1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &log_key) == LUA_TFUNCTION) {
        lua_pushstring(L, text);
        lua_call(L, 1, 0);
        return 0;
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "io") == LUA_TTABLE && lua_getfield(L, -1, "stderr") == LUA_TUSERDATA) {
        lua_getfield(L, -1, "write");
        lua_insert(L, -2);
        lua_pushfstring(L, "%s\n", text);
        lua_call(L, 2, 0);
    } else {
        lua_warning(L, text, 0);
    }
    return 0;
}

/* (text): to the function warn, which a program may have replaced by its own. */
static int warn_body(lua_State *L) {
    const char *text = lua_pushfstring(L, "moonrow: %s", (const char *)lua_touserdata(L, 1));
    if (lua_getglobal(L, "warn") != LUA_TFUNCTION) {
        lua_warning(L, text, 0);
        return 0;
    }
    lua_pushstring(L, text);
    lua_call(L, 1, 0);
    return 0;
}

/* What is told is never a reason to fail. */
static void tell_lua(bind_state *b, lua_CFunction body, const char *text) {
    lua_State *L = b->L ? b->L : b->main;
    if (b->logging || !lua_checkstack(L, 4)) return;
    b->logging = true;
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, (void *)(uintptr_t)text);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    b->logging = false;
}

/* A line each. The text is the caller's: each line but the last is copied. */
static void log_to_lua(void *ud, const char *text) {
    bind_state *b = ud;
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        mr_strbuf line;
        mr_strbuf_init(&line, b->env);
        mr_strbuf_add(&line, text, (size_t)(end - text));
        const char *s = mr_strbuf_str(&line);
        if (s) tell_lua(b, log_body, s);
        else mr_env_clear_error(b->env);
        mr_strbuf_done(&line);
    }
    tell_lua(b, log_body, text);
}

static void warn_to_lua(void *ud, const char *text) { tell_lua(ud, warn_body, text); }

/* set_log(fn or nil): where echo and warnings of the core go, a line each. */
static int core_set_log(lua_State *L) {
    bind_state *b = bind_of(L);
    if (!lua_isnoneornil(L, 1) && !lua_isfunction(L, 1)) return bind_type_error(L, 1, "set_log", "a function or nil");
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &log_key);
    mr_env_set_log(b->env, log_to_lua, b); /* a program's own function (mr_state_log) may have had it */
    return 0;
}

void bind_open_log(lua_State *L) {
    lua_pushcfunction(L, core_set_log);
    lua_setfield(L, -2, "set_log");
}

static int stress_mode(lua_State *L) {
    lua_getfield(L, LUA_REGISTRYINDEX, "moonrow.stress");
    int mode = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return mode;
}

/* Makes the state, once; later calls find it. */
bind_state *bind_state_make(lua_State *L) {
    bind_state *b = bind_peek(L);
    if (b) return b;
    b = lua_newuserdatauv(L, sizeof *b, 0);
    *b = (bind_state){0};
    b->closed = true; /* until it stands */
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, state_gc);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    b->main = lua_tothread(L, -1);
    lua_pop(L, 1);
    for (int i = 0; i < ERROR_SLOTS; i++) {
        lua_pushboolean(L, 0);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &error_keys[i]);
    }
    b->stress = stress_mode(L);
    make_sentinel(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
    void *ud;
    lua_Alloc alloc = lua_getallocf(L, &ud);
    b->env = mr_env_new(alloc, ud);
    if (!b->env) luaL_error(L, "not enough memory");
    b->closed = false;
    mr_env_set(b->env, MR_ENV_BIND, b);
    mr_env_set_log(b->env, log_to_lua, b);
    mr_env_set_warn(b->env, warn_to_lua, b);
    bind_watch_hooks(b);
    b->made = capi_early_made(L);
    b->value_tag = mr_opaque_register(b->env, &ref_ops);
    b->node_tag = mr_opaque_register(b->env, &node_ops);
    b->heap = mr_heap_of(b->env);
    if (!b->value_tag || !b->node_tag || !b->heap || mr_session_set_expression(b->env, value_expression, b) != MR_OK ||
        mr_db_set_collect(b->env, collect_dropped, b) != MR_OK) {
        close_state(b, L);
        luaL_error(L, "not enough memory");
    }
    mr_heap_hooks hooks = {b, bind_proxy_bits, cycle_ended, full_collection, collector_stopped, NULL};
    mr_heap_set_hooks(b->heap, &hooks);
    return b;
}
