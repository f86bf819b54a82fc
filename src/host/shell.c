/*
 * shell.c: the interactive shell: a line is an expression, whose values are printed, or a statement, which may go on
 * over several lines.
 *
 * Invariant: an error is printed and the shell goes on; it prompts on a terminal only. What a line declares, the next
 * one has.
 */
#define _POSIX_C_SOURCE 200809L /* isatty; NOLINT(bugprone-reserved-identifier) */

#include <lauxlib.h>
#include <moonrow.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

bool host_stdin_is_terminal(void) { return isatty(STDIN_FILENO) != 0; }

/* A script may set the prompts, as lua's: _PROMPT and _PROMPT2. */
static void prompt(lua_State *L, bool first) {
    if (!host_stdin_is_terminal()) return;
    lua_pushglobaltable(L);
    lua_pushstring(L, first ? "_PROMPT" : "_PROMPT2");
    lua_rawget(L, -2);
    const char *text = lua_tostring(L, -1);
    fputs(text ? text : first ? "> " : ">> ", stdout);
    fflush(stdout);
    lua_pop(L, 2);
}

/* Pushes the next line without its end; false, and nothing pushed, at the end of the input. */
static bool read_line(lua_State *L, bool first) {
    prompt(L, first);
    int c = getc(stdin);
    if (c == EOF) return false;
    luaL_Buffer line;
    luaL_buffinit(L, &line);
    for (; c != EOF && c != '\n'; c = getc(stdin)) luaL_addchar(&line, (char)c);
    luaL_pushresult(&line);
    return true;
}

/* Does the message on top of the stack say that the statement goes on after the text? */
static bool is_incomplete(lua_State *L, int rc) {
    static const char mark[] = "<eof>";
    size_t len, n = sizeof mark - 1;
    const char *message = lua_tolstring(L, -1, &len);
    return rc == LUA_ERRSYNTAX && len >= n && strcmp(message + len - n, mark) == 0;
}

/* Loads the line at index 1 as an expression, and pushes the function. False, and pushes nothing, where the line is no
 * expression. */
static bool load_expression(lua_State *L) {
    const char *text = lua_pushfstring(L, "return %s", lua_tostring(L, 1));
    bool is = luaL_loadbuffer(L, text, strlen(text), "=stdin") == LUA_OK;
    if (is) lua_remove(L, -2);
    else lua_pop(L, 2);
    return is;
}

/* Loads the line at index 1, and the lines after it while the statement goes on. Pushes the function or the message,
 * and returns Lua's status. */
static int load_statements(lua_State *L) {
    for (;;) {
        size_t len;
        const char *text = lua_tolstring(L, 1, &len);
        int rc = luaL_loadbuffer(L, text, len, "=stdin");
        if (!is_incomplete(L, rc) || !read_line(L, false)) return rc;
        lua_remove(L, -2); /* the message */
        lua_pushliteral(L, "\n");
        lua_insert(L, -2);
        lua_concat(L, 3);
    }
}

/* A local variable would end with its line: its first statement makes a global one. A variable to close stays as it is.
 */
static const char globals_code[] =
    "local text = ...\n"
    "local rest = text:match '^%s*local%s+(function%s+[%a_].*)$'\n"
    "if rest then return rest end\n"
    "local names, values = text:match '^%s*local%s+([%w_%s,<>]-)%s*(=.*)$'\n"
    "if not names then\n"
    "  local declared, behind = text:match '^%s*local%s+([%a_][%w_%s,<>]*)(.*)$'\n"
    "  if declared and behind:find '^;?' then names, values = declared, '= nil ' .. behind end\n"
    "end\n"
    "if not names or names:find '<%s*close%s*>' then return text end\n"
    "return (names:gsub('<%s*const%s*>', '')) .. ' ' .. values\n";

/* The statements at index 1 have been loaded, and the function is on top: replaces it by that of the same statements
 * whose first variable is global. */
static void keep_variables(lua_State *L) {
    size_t len;
    if (luaL_loadbuffer(L, globals_code, sizeof globals_code - 1, "=shell") == LUA_OK) {
        lua_pushvalue(L, 1);
        if (host_call(L, 1, 1) == LUA_OK && lua_type(L, -1) == LUA_TSTRING) {
            const char *text = lua_tolstring(L, -1, &len);
            if (luaL_loadbuffer(L, text, len, "=stdin") == LUA_OK) lua_replace(L, 2);
        }
    }
    lua_settop(L, 2);
}

/* Prints the values on the stack with the script's print, which may be another than Lua's. */
static void print_results(lua_State *L) {
    int n = lua_gettop(L);
    if (n == 0) return;
    luaL_checkstack(L, LUA_MINSTACK, "too many results to print");
    lua_getglobal(L, "print");
    lua_insert(L, 1);
    if (host_call(L, n, 0) != LUA_OK) host_report(L, NULL);
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

void host_shell(lua_State *L) {
    lua_settop(L, 0);
    host_offer_module(L);
    while (read_line(L, true)) {
        bool is_expression = load_expression(L);
        int rc = is_expression ? LUA_OK : load_statements(L);
        if (rc == LUA_OK && !is_expression) keep_variables(L);
        lua_remove(L, 1); /* the text */
        if (rc == LUA_OK) rc = host_call(L, 0, LUA_MULTRET);
        if (rc == LUA_OK) print_results(L);
        else host_report(L, NULL);
        lua_settop(L, 0);
    }
    /* Of what was typed and not committed only somebody who sits there is told. */
    if (host_stdin_is_terminal()) putchar('\n');
    else mr_state_quiet(L);
    fflush(stdout);
}
