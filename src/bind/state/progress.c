/*
 * progress.c: a line on the terminal that says how far long work has come.
 *
 * Invariant: nothing is written unless the standard error is a terminal.
 */
#define _POSIX_C_SOURCE 200809L /* isatty; NOLINT(bugprone-reserved-identifier) */

#include <stdio.h>
#include <unistd.h>

#include "state.h"

/* core.progress_line(text): shows the text in place of the one before; "" takes the line away. */
static int progress_line(lua_State *L) {
    const char *text = luaL_checkstring(L, 1);
    if (!isatty(STDERR_FILENO)) return 0;
    fprintf(stderr, "\r\033[K%s", text);
    fflush(stderr);
    return 0;
}

void bind_open_progress(lua_State *L) {
    lua_pushcfunction(L, progress_line);
    lua_setfield(L, -2, "progress_line");
}
