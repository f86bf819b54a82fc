/*
 * sleep.c: waiting between two tries of a transaction: Lua has no function for it.
 *
 * Invariant: the whole program waits. A program with an event loop gives session:retry a function of its own instead.
 */
#include <math.h>
#include <threads.h>

#include "state.h"

/* core.sleep(seconds): waits; a signal may end it early. */
static int core_sleep(lua_State *L) {
    double seconds = luaL_checknumber(L, 1);
    if (!(seconds > 0)) return 0;
    double whole = floor(seconds);
    struct timespec duration = {(time_t)whole, (long)((seconds - whole) * 1e9)};
    thrd_sleep(&duration, NULL);
    return 0;
}

void bind_open_sleep(lua_State *L) {
    lua_pushcfunction(L, core_sleep);
    lua_setfield(L, -2, "sleep");
}
