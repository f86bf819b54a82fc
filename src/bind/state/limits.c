/*
 * limits.c: what mr.sandbox needs of C: a function that runs under limits of memory, instructions and time.
 *
 * Invariant: while a limited function runs, and only then, the state has the counting allocator and the strings have
 * the sandbox's methods. Both are put back before its call returns. A call that leads outside (a function of the
 * program) has neither: the library's own allocations never fail for a sandbox.
 *
 * Invariant: no debug hook of the limits raises where a message handler of the script could run: once a limit is
 * reached, `reason` is set first, and the sandbox's xpcall asks it.
 */
#include <math.h>
#include <string.h>
#include <time.h>

#include "state.h"

enum { EVERY = 100 /* instructions between two calls of the hook */, METHODS = 1, ORIGINAL = 2 };

typedef struct limits {
    double memory, instructions, seconds; /* as they were given; bytes */
    double used, left, deadline;          /* of the present run */
    const char *reason;                   /* the limit that was reached; NULL: none */
    bool running, outside, refused;
    lua_Alloc alloc; /* of the state, while running */
    void *ud;
    lua_State *from; /* the thread that runs it, and its hook at the beginning */
    lua_Hook before;
} limits;

static const char now_key = 0; /* registry: userdata with the pointer to the limits that run now */
static const char type_name[] = "moonrow limits";

static double clock_now(void) {
    struct timespec t;
    timespec_get(&t, TIME_UTC);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static limits **now_of(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &now_key);
    limits **now = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return now;
}

static void *limited_alloc(void *ud, void *p, size_t osize, size_t nsize) {
    limits *l = ud;
    size_t old = p ? osize : 0;
    double growth = (double)nsize - (double)old;
    if (growth > 0 && !l->outside && l->used + growth > l->memory) {
        l->refused = true;
        return NULL;
    }
    void *made = l->alloc(l->ud, p, osize, nsize);
    if (made || nsize == 0) l->used += growth;
    return made;
}

/* The program's handler of signals has set a hook on the thread that waits for the sandbox: it has to come to it. */
static bool is_interrupted(const limits *l) {
    lua_Hook hook = lua_gethook(l->from);
    return hook && hook != l->before && lua_gethookcount(l->from) == 1;
}

static void count(lua_State *L, lua_Debug *ar) {
    (void)ar;
    limits *l = *now_of(L);
    if (!l || l->outside) return;
    l->left -= lua_gethookcount(L);
    if (!l->reason && l->left < 0) l->reason = "instructions";
    if (!l->reason && clock_now() > l->deadline) l->reason = "timeout";
    if (!l->reason && is_interrupted(l)) l->reason = "interrupt";
    if (!l->reason) return;
    lua_sethook(L, count, LUA_MASKCOUNT, 1); /* what closes variables is stopped at its first step */
    luaL_error(L, "the sandbox has reached its limit");
}

/* Gives the strings the methods on top of the stack, which it pops. Allocates nothing: the key is there. */
static void set_string_methods(lua_State *L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 3);
}

static void push_string_methods(lua_State *L) {
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_getfield(L, -1, "__index");
    lua_replace(L, -3);
    lua_pop(L, 1);
}

static void give_methods(lua_State *L, int self, int which) {
    lua_getiuservalue(L, self, which);
    set_string_methods(L);
}

/* What follows is the script's: it is counted, and has the sandbox's methods of strings. Nothing here allocates. */
static void go_inside(lua_State *L, int self, limits *l) {
    give_methods(L, self, METHODS);
    l->outside = false;
    lua_setallocf(L, limited_alloc, l);
}

/* What follows is the program's, which may even close the state: it has its own allocator. */
static void go_outside(lua_State *L, int self, limits *l) {
    lua_setallocf(L, l->alloc, l->ud);
    l->outside = true;
    give_methods(L, self, ORIGINAL);
}

static void begin(lua_State *L, int self, limits *l) {
    push_string_methods(L);
    lua_setiuservalue(L, self, ORIGINAL);
    l->used = 0;
    l->left = l->instructions;
    l->deadline = clock_now() + l->seconds;
    l->reason = NULL;
    l->refused = false;
    l->running = l->outside = true;
    l->from = L;
    l->before = lua_gethook(L);
    l->alloc = lua_getallocf(L, &l->ud);
}

/* core.limits_run(limits, fn, ...): calls fn in a coroutine under the limits. Returns true and its results; or false
 * and an error. A run in which another of the same limits is begun has the same counts. */
static int core_run(lua_State *L) {
    limits *l = luaL_checkudata(L, 1, type_name), **now = now_of(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    int n = lua_gettop(L) - 2, results = 0;
    lua_State *thread = lua_newthread(L);
    lua_insert(L, 2);
    if (!lua_checkstack(thread, n + LUA_MINSTACK)) return luaL_error(L, "too many values");
    lua_xmove(L, thread, n + 1);
    lua_sethook(thread, count, LUA_MASKCOUNT, EVERY);
    limits *before = *now;
    bool first = !l->running;
    if (first) begin(L, 1, l);
    bool was_outside = l->outside;
    *now = l;
    go_inside(L, 1, l);
    int status = lua_resume(thread, L, n, &results);
    if (status == LUA_YIELD) {
        l->reason = "yield";
        lua_resetthread(thread);
    }
    go_outside(L, 1, l);
    if (!was_outside) go_inside(L, 1, l);
    *now = before;
    if (first) l->running = false;
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_YIELD) return 1;
    if (status != LUA_OK) results = 1;
    luaL_checkstack(L, results + 1, NULL);
    lua_xmove(thread, L, results);
    return results + 1;
}

/* core.limits_outside(limits, fn, ...): calls fn, which is the program's, without the limits. Returns what pcall
 * returns. fn cannot yield. */
static int core_outside(lua_State *L) {
    limits *l = luaL_checkudata(L, 1, type_name);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    luaL_checkstack(L, LUA_MINSTACK, NULL);
    if (!l->running || l->outside) return luaL_error(L, "a function of a sandbox is called by its scripts only");
    go_outside(L, 1, l);
    int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
    bool fits = lua_checkstack(L, LUA_MINSTACK);
    if (!fits) lua_settop(L, 1);
    go_inside(L, 1, l);
    if (!fits) return luaL_error(L, "too many values");
    lua_pushboolean(L, status == LUA_OK);
    lua_replace(L, 1);
    return lua_gettop(L);
}

/* core.load_text(text, name, env): load, of text only. */
static int core_load_text(lua_State *L) {
    size_t length;
    const char *text = luaL_checklstring(L, 1, &length);
    if (luaL_loadbufferx(L, text, length, luaL_checkstring(L, 2), "t") != LUA_OK) {
        lua_pushnil(L);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushvalue(L, 3);
    if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
    return 1;
}

/* core.limits_charge(limits, n): counts n instructions, and raises where a limit has been reached. */
static int core_charge(lua_State *L) {
    limits *l = luaL_checkudata(L, 1, type_name);
    double n = luaL_checknumber(L, 2);
    if (l->outside) return 0;
    l->left -= n >= 0 ? n : INFINITY;
    if (!l->reason && !(l->left >= 0)) l->reason = "instructions";
    if (l->reason) return luaL_error(L, "the sandbox has reached its limit");
    return 0;
}

/* core.limits_reason(limits, error): the word of the limit that was reached, or nil. An error of memory counts where
 * memory was refused. */
static int core_reason(lua_State *L) {
    limits *l = luaL_checkudata(L, 1, type_name);
    if (!l->reason && l->refused && lua_type(L, 2) == LUA_TSTRING &&
        strcmp(lua_tostring(L, 2), "not enough memory") == 0)
        l->reason = "memory";
    lua_pushstring(L, l->reason);
    return 1;
}

/* core.limits_new(memory, instructions, seconds, methods): the limits, whose strings have the methods. */
static int core_new(lua_State *L) {
    limits given = {
        .memory = luaL_checknumber(L, 1), .instructions = luaL_checknumber(L, 2), .seconds = luaL_checknumber(L, 3)};
    luaL_checktype(L, 4, LUA_TTABLE);
    limits *l = lua_newuserdatauv(L, sizeof *l, 2);
    *l = given;
    lua_pushvalue(L, 4);
    lua_setiuservalue(L, -2, METHODS);
    luaL_setmetatable(L, type_name);
    return 1;
}

void bind_open_limits(lua_State *L) {
    static const luaL_Reg functions[] = {{"limits_new", core_new},
                                         {"limits_run", core_run},
                                         {"limits_outside", core_outside},
                                         {"limits_charge", core_charge},
                                         {"limits_reason", core_reason},
                                         {"load_text", core_load_text},
                                         {NULL, NULL}};
    limits **now = lua_newuserdatauv(L, sizeof *now, 0);
    *now = NULL;
    lua_rawsetp(L, LUA_REGISTRYINDEX, &now_key);
    luaL_newmetatable(L, type_name);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
