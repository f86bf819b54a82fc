/*
 * shell.c: the interactive shell. Its loop is Lua (lua/moonrow/shell); here is what that needs of the host.
 *
 * Invariant: an error of a line is printed and the shell goes on. Outside of a call Ctrl-C never ends the process.
 */
#include <lauxlib.h>
#include <moonrow.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../bind/embedded.h"
#include "host.h"

/* read(prompt): the next line; false where it was given up; nil at the end of the input. */
static int read_line(lua_State *L) {
    host_line got = host_read_line(L, luaL_checkstring(L, 1));
    if (got == HOST_LINE_GIVEN_UP) lua_pushboolean(L, false);
    else if (got == HOST_LINE_END) lua_pushnil(L);
    return 1;
}

/* remember(text): puts it into the history. */
static int remember(lua_State *L) {
    host_remember_line(luaL_checkstring(L, 1));
    return 0;
}

/* Cuts the shell's own lines off the traceback on top. */
static void cut_traceback(lua_State *L) {
    static const char mark[] = "\n\t[C]: in field 'call'";
    const char *text = lua_tostring(L, -1), *last = NULL;
    for (const char *at = text; at && (at = strstr(at, mark)); at++) last = at;
    if (!last) return;
    lua_pushlstring(L, text, (size_t)(last - text));
    lua_replace(L, -2);
}

/* call(function, ...): true and its results; or false, and its error is printed. */
static int call(lua_State *L) {
    bool fine = host_call(L, lua_gettop(L) - 1, LUA_MULTRET) == LUA_OK;
    if (!fine) {
        cut_traceback(L);
        host_report(L, NULL);
        lua_settop(L, 0);
    }
    lua_pushboolean(L, fine);
    lua_insert(L, 1);
    return lua_gettop(L);
}

/* width(): the columns of the window. */
static int width(lua_State *L) {
    lua_pushinteger(L, host_window_width());
    return 1;
}

/* complete(function): function(text) is asked when Tab is pressed: what to insert, and a list to print or nil. */
static int set_complete(lua_State *L) {
    lua_settop(L, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, HOST_COMPLETE);
    return 0;
}

void host_offer_module(lua_State *L) {
    int top = lua_gettop(L);
    lua_pushglobaltable(L);
    lua_pushliteral(L, "mr");
    if (lua_rawget(L, -2) == LUA_TNIL) {
        lua_getglobal(L, "require");
        lua_pushliteral(L, "moonrow");
        if (host_call(L, 1, 1) == LUA_OK) lua_setfield(L, top + 1, "mr");
        else host_report(L, NULL);
    }
    lua_settop(L, top);
}

static bool wants_colour(void) {
    const char *terminal = getenv("TERM");
    return !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0;
}

/* Pushes what the loop gets of the host. */
static void push_host(lua_State *L, const char *url, const char *models) {
    static const luaL_Reg functions[] = {{"read", read_line}, {"remember", remember},     {"call", call},
                                         {"width", width},    {"complete", set_complete}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_pushboolean(L, host_stdin_is_terminal());
    lua_setfield(L, -2, "terminal");
    lua_pushstring(L, url);
    lua_setfield(L, -2, "url");
    lua_pushstring(L, models);
    lua_setfield(L, -2, "models");
    lua_pushboolean(L, wants_colour());
    lua_setfield(L, -2, "colour");
    lua_pushglobaltable(L);
    static const char *const names[] = {"debug", "load", "loadfile"}; /* as they are before the program changes them */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        lua_getfield(L, -1, names[i]);
        lua_setfield(L, -3, names[i]);
    }
    lua_getfield(L, -1, "os");
    lua_getfield(L, -1, "clock");
    lua_setfield(L, -4, "clock");
    lua_pop(L, 1);
    lua_setfield(L, -2, "globals");
}

bool host_shell(lua_State *L, const char *url, const char *models) {
    lua_settop(L, 0);
    host_offer_module(L);
    bind_push_embedded(L, "moonrow.shell.loop");
    push_host(L, url, models);
    bool fine;
    if (host_stdin_is_terminal()) {
        void (*handler)(int) = signal(SIGINT, SIG_IGN);
        fine = host_call_guarded(L, 1, 1) == LUA_OK;
        if (handler != SIG_ERR) signal(SIGINT, handler);
    } else {
        fine = host_call(L, 1, 1) == LUA_OK;
    }
    if (!fine) host_report(L, "moonrow");
    fine = fine && lua_toboolean(L, -1);
    lua_settop(L, 0);
    host_close_lines();
    mr_state_quiet(L); /* who sits there was told of what is not committed; nobody else is */
    fflush(stdout);
    return fine;
}
