/*
 * stop.c: Ctrl-C in a program that knows nothing of the library, as in stock Lua. Its signal handler can do one thing
 * only: set a debug hook that raises at whatever Lua does next. While a statement runs, Lua does nothing. So the
 * statement stops when such a hook appears, and the hook raises.
 *
 * Invariant: a hook that was there when the program called the library (a debugger's) stops nothing, nor does one that
 * does not raise at once (a profiler's, which counts).
 */
#include "state.h"

void bind_note_hooks(bind_state *b, lua_State *L) {
    b->hooks[0] = lua_gethook(b->main);
    b->hooks[1] = L == b->main ? b->hooks[0] : lua_gethook(L);
}

static bool asks(lua_State *L, lua_Hook before) {
    const int all = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
    lua_Hook hook = lua_gethook(L);
    return hook && hook != before && lua_gethookmask(L) == all && lua_gethookcount(L) == 1;
}

static bool new_hook_asks(void *ud) {
    const bind_state *b = ud;
    return asks(b->main, b->hooks[0]) || (b->L && b->L != b->main && asks(b->L, b->hooks[1]));
}

void bind_watch_hooks(bind_state *b) { mr_env_set_watch(b->env, new_hook_asks, b); }
