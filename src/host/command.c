/*
 * command.c: what the first argument may be besides a script: a command. Commands are written in Lua
 * (lua/moonrow/command); here is what they need of the host.
 *
 * Invariant: a command's result alone goes to the standard output. What the program prints that it runs goes to the
 * standard error.
 */
#define _POSIX_C_SOURCE 200809L /* dup2; NOLINT(bugprone-reserved-identifier) */

#include <dirent.h>
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bind/embedded.h"
#include "host.h"

/* complain(text): prints it to the standard error, behind what was printed before. */
static int complain(lua_State *L) {
    fflush(stdout);
    fputs(luaL_checkstring(L, 1), stderr);
    return 0;
}

/* Lets require find the modules that lie beside the script. */
static void look_beside(lua_State *L, const char *script) {
    const char *slash = strrchr(script, '/');
    if (!slash) return;
    lua_getglobal(L, "package");
    lua_pushlstring(L, script, (size_t)(slash - script));
    lua_getfield(L, -2, "path");
    lua_pushfstring(L, "%s/?.lua;%s", lua_tostring(L, -2), lua_tostring(L, -1));
    lua_setfield(L, -4, "path");
    lua_pop(L, 3);
}

/* Runs the script with its output on the standard error, and the URL, if it is not NULL, as its argument. Returns Lua's
 * status. */
static int run_aside(lua_State *L, const char *script, const char *url) {
    fflush(stdout);
    int out = dup(STDOUT_FILENO);
    if (out >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
    int rc = luaL_loadfile(L, script);
    if (rc == LUA_OK && url) lua_pushstring(L, url);
    if (rc == LUA_OK) rc = host_call(L, url ? 1 : 0, 0);
    fflush(stdout);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
    return rc;
}

/* run(command, script, url): does the script run to its end? An error is reported in the name of the command. It is the
 * program's arg[0]. */
static int run_script(lua_State *L) {
    const char *script = luaL_checkstring(L, 2);
    look_beside(L, script);
    bool fine = run_aside(L, script, luaL_optstring(L, 3, NULL)) == LUA_OK;
    if (!fine) host_report(L, luaL_checkstring(L, 1));
    lua_pushboolean(L, fine);
    return 1;
}

static int closed_folder(lua_State *L) {
    DIR **folder = lua_touserdata(L, 1);
    if (*folder) closedir(*folder);
    *folder = NULL;
    return 0;
}

/* list(path): the names of what is in the folder; nil and the reason: it cannot be read. */
static int list_folder(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    DIR **folder = lua_newuserdatauv(L, sizeof *folder, 0); /* closed by the collector, if the list needs too much */
    *folder = NULL;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, closed_folder);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    *folder = opendir(path);
    if (!*folder) return luaL_fileresult(L, 0, path);
    lua_newtable(L);
    lua_Integer n = 0;
    for (struct dirent *entry = readdir(*folder); entry; entry = readdir(*folder)) {
        lua_pushstring(L, entry->d_name);
        lua_rawseti(L, -2, ++n);
    }
    closedir(*folder);
    *folder = NULL;
    return 1;
}

/* make_folder(path): true, also where it is there already; nil and the reason: it cannot be made. */
static int make_folder(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    int rc = mkdir(path, 0777);
    return luaL_fileresult(L, rc == 0 || errno == EEXIST, path);
}

/* ---------------------------------------------------------------- what is written in Lua */

static void open_module(lua_State *L) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonrow");
    lua_call(L, 1, 0);
}

/* Pushes what a command gets of the host. */
static void push_host(lua_State *L) {
    static const luaL_Reg functions[] = {{"list", list_folder},  {"make_folder", make_folder},
                                         {"run", run_script},    {"libraries", host_libraries},
                                         {"complain", complain}, {NULL, NULL}};
    static const char *const globals[] = {"loadfile", "io", "os", "debug"};
    luaL_newlib(L, functions);
    for (size_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        lua_getglobal(L, globals[i]);
        lua_setfield(L, -2, globals[i]);
    }
}

bool host_is_command(const char *word) { return *word && *word != '-' && !strpbrk(word, "./"); }

/* Prints what the function of help.lua gives for the word. */
static void print_help(lua_State *L, const char *function, const char *word, FILE *out) {
    int top = lua_gettop(L);
    open_module(L);
    bind_push_embedded(L, "moonrow.command.help");
    lua_getfield(L, -1, function);
    lua_pushstring(L, word);
    lua_call(L, 1, 1);
    fputs(lua_tostring(L, -1), out);
    fflush(out);
    lua_settop(L, top);
}

void host_print_help(lua_State *L) { print_help(L, "of_host", NULL, stdout); }

void host_refuse_option(lua_State *L, const char *option) { print_help(L, "refuse", option, stderr); }

void host_print_words(lua_State *L, const char *command) { print_help(L, "words", command, stdout); }

int host_run_command(lua_State *L, int argc, char **argv, int at) {
    enum { FAILED = 1 };
    int top = lua_gettop(L);
    open_module(L);
    bind_push_embedded(L, "moonrow.command.run");
    lua_pushstring(L, argv[at]);
    lua_createtable(L, argc - at, 0);
    for (int i = at + 1; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - at);
    }
    push_host(L);
    if (host_call(L, 3, 3) != LUA_OK) {
        host_report(L, "moonrow");
        return FAILED;
    }
    fflush(stdout);
    int status = (int)lua_tointeger(L, top + 1);
    if (!lua_isnil(L, top + 2)) status = host_shell(L, lua_tostring(L, top + 2), lua_tostring(L, top + 3)) ? 0 : FAILED;
    lua_settop(L, top);
    return status;
}
