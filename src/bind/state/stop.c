/*
 * stop.c: Ctrl-C while a statement runs, in a program that does not know the library, such as stock Lua. The program's
 * signal handler sets a debug hook that raises at the next step of Lua. But Lua makes no step while a statement runs.
 * So the statement is interrupted when such a hook appears; then the hook raises.
 *
 * Invariant: two kinds of hooks stop nothing: a hook that was set before the library was called (a debugger's), and a
 * hook that is not called at every step (a profiler's).
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
