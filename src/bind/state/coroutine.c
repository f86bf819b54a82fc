/*
 * coroutine.c: what a block must know about its coroutine: does an error close the block's variable, and which
 * coroutine waits for which other.
 *
 * Invariant: a block always ends with the function that runs in it. If Lua itself ends the block on an error (it closes
 * the variables that a protected call unwinds), the error keeps its traceback.
 */
#include "coroutine.h"

/* Is this the frame of a pcall or xpcall? */
static bool is_protected_call(lua_State *L, lua_Debug *ar, const bind_state *b) {
    lua_getinfo(L, "f", ar);
    lua_CFunction fn = lua_tocfunction(L, -1);
    lua_pop(L, 1);
    return fn && (fn == b->pcall || fn == b->xpcall);
}

/* Does Lua close the to-be-closed variables of the running coroutine at an error? Yes in the main thread, and where a
 * protected call of the coroutine catches the error. A coroutine that dies of the error leaves its variables open. */
static bool error_closes(lua_State *L) {
    /* A debug hook could raise when __close is called, and __close would not run. */
    if (lua_gethook(L)) return false;
    lua_Debug ar;
    bool main = lua_pushthread(L) != 0;
    lua_pop(L, 1);
    if (main) return true;
    luaL_checkstack(L, 2, "looking at a coroutine");
    const bind_state *b = bind_of(L);
    for (int level = 0; lua_getstack(L, level, &ar); level++)
        if (is_protected_call(L, &ar, b)) return true;
    return false;
}

int bind_call_block(lua_State *L, int nargs, int nresults, lua_KFunction finish) {
    if (!error_closes(L)) return finish(L, lua_pcallk(L, nargs, nresults, 0, 0, finish), 0);
    lua_callk(L, nargs, nresults, 0, finish);
    return finish(L, LUA_OK, 0);
}

/* __close gets nil where the scope ends well, but an error may be nil, too. The caller tells them apart: at the end of
 * a scope a Lua function calls __close; after an error a protected call (a C function) does, or no function at all. */
bool bind_scope_ends(lua_State *L) {
    lua_Debug ar;
    if (!lua_isnoneornil(L, 2) || !lua_getstack(L, 1, &ar)) return false;
    lua_getinfo(L, "S", &ar);
    return *ar.what != 'C';
}

bool bind_scope_or_state_ends(lua_State *L) {
    lua_Debug ar;
    bool main = lua_pushthread(L) != 0;
    lua_pop(L, 1);
    return bind_scope_ends(L) || (main && lua_isnoneornil(L, 2) && !lua_getstack(L, 1, &ar));
}

/* core.error_closes(): would an error of the running coroutine close its variables? */
static int core_error_closes(lua_State *L) {
    lua_pushboolean(L, error_closes(L));
    return 1;
}

/* core.resumed_by(co): the coroutine that co has resumed and waits for; nil where that cannot be found out. The
 * innermost frame of co is coroutine.resume, whose first argument is the other coroutine, or a function that
 * coroutine.wrap has made, whose upvalue it is. */
static int core_resumed_by(lua_State *L) {
    lua_State *co = lua_tothread(L, 1);
    lua_Debug ar;
    lua_settop(L, 1);
    if (!co || co == L || !lua_checkstack(co, 3) || !lua_getstack(co, 0, &ar)) return 0;
    int top = lua_gettop(co);
    lua_getinfo(co, "f", &ar);
    bool is_c = lua_iscfunction(co, -1) != 0;
    if (is_c &&
        ((lua_getupvalue(co, -1, 1) && lua_isthread(co, -1)) || (lua_getlocal(co, &ar, 1) && lua_isthread(co, -1))))
        lua_xmove(co, L, 1);
    lua_settop(co, top);
    return lua_gettop(L) > 1 ? 1 : 0;
}

void bind_open_coroutine(lua_State *L) {
    bind_state *b = bind_of(L);
    lua_getglobal(L, "pcall");
    b->pcall = lua_tocfunction(L, -1);
    lua_getglobal(L, "xpcall");
    b->xpcall = lua_tocfunction(L, -1);
    lua_pop(L, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, LUA_RIDX_MAINTHREAD);
    lua_setfield(L, -2, "main_thread");
    lua_pushcfunction(L, core_error_closes);
    lua_setfield(L, -2, "error_closes");
    lua_pushcfunction(L, core_resumed_by);
    lua_setfield(L, -2, "resumed_by");
}
