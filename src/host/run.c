/*
 * run.c: calling Lua for the host.
 *
 * Invariant: the signal handler only sets a hook, the default action, and a flag that stops a running statement; the
 * hook raises, inside of Lua. The pointers that the handler reads are the host's only static state: a handler has no
 * other way to its Lua state.
 */
#include <lauxlib.h>
#include <moonrow.h>
#include <signal.h>
#include <stdio.h>

#include "host.h"

static lua_State *interrupted_state = NULL;
static struct mr_env *volatile interrupted_env = NULL; /* NULL until a script requires moonrow */

static void stop(lua_State *L, lua_Debug *ar) {
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    mr_state_interrupt(interrupted_env, 0);
    lua_pushliteral(L, "interrupted!");
    lua_error(L);
}

/* A second Ctrl-C ends the process at once. */
static void on_interrupt(int number) {
    const int every = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT;
    signal(number, SIG_DFL);
    mr_state_interrupt(interrupted_env, 1); /* NOLINT(bugprone-signal-handler) */
    /* Lua's manual allows it here: the one function that may run at any time. */
    lua_sethook(interrupted_state, stop, every, 1); /* NOLINT(bugprone-signal-handler) */
}

/* An interrupt that came too late for its script must not stop the next script. */
static void forget_interrupt(lua_State *L) {
    mr_state_interrupt(interrupted_env, 0);
    if (lua_gethook(L) == stop) lua_sethook(L, NULL, 0, 0);
}

int host_open_moonrow(lua_State *L) {
    luaopen_moonrow(L);
    interrupted_env = mr_state_env(L);
    return 1;
}

/* The error as text: a string as it is, an object by its __tostring. */
static void push_text(lua_State *L) {
    if (lua_type(L, 1) == LUA_TSTRING || luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
        lua_settop(L, 1);
        luaL_tolstring(L, 1, NULL);
    } else {
        lua_pushfstring(L, "(error object is a %s value)", luaL_typename(L, 1));
    }
}

/* The message handler. An error of moonrow has its own traceback: it may have arisen in another coroutine. */
static int add_traceback(lua_State *L) {
    push_text(L);
    const char *text = lua_tostring(L, -1);
    if (luaL_getmetafield(L, 1, "__errkind") != LUA_TNIL && lua_getfield(L, 1, "traceback") == LUA_TSTRING)
        lua_pushfstring(L, "%s\n%s", text, lua_tostring(L, -1));
    else luaL_traceback(L, L, text, 1);
    return 1;
}

int host_call_guarded(lua_State *L, int nargs, int nresults) {
    int function = lua_gettop(L) - nargs;
    lua_pushcfunction(L, add_traceback);
    lua_insert(L, function);
    int rc = lua_pcall(L, nargs, nresults, function);
    lua_remove(L, function);
    return rc;
}

int host_call(lua_State *L, int nargs, int nresults) {
    interrupted_state = L;
    void (*before)(int) = signal(SIGINT, on_interrupt);
    int rc = host_call_guarded(L, nargs, nresults);
    signal(SIGINT, before == SIG_ERR ? SIG_DFL : before);
    forget_interrupt(L);
    return rc;
}

void host_report(lua_State *L, const char *name) {
    const char *message = lua_tostring(L, -1);
    fflush(stdout);
    if (name) fprintf(stderr, "%s: ", name);
    fprintf(stderr, "%s\n", message ? message : "(error without a message)");
    fflush(stderr);
    lua_pop(L, 1);
}
