/*
 * command.c: the host's commands: what the first argument may be besides a script.
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

static int complain(lua_State *L) {
    fprintf(stderr, "moonrow annotate: %s\n", luaL_checkstring(L, 1));
    return 0;
}

static int complain_plainly(lua_State *L) {
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

/* Runs the script with its output on the standard error. Returns Lua's status. */
static int run_aside(lua_State *L, const char *script) {
    fflush(stdout);
    int out = dup(STDOUT_FILENO);
    if (out >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
    int rc = luaL_loadfile(L, script);
    if (rc == LUA_OK) rc = host_call(L, 0, 0);
    fflush(stdout);
    if (out >= 0) {
        dup2(out, STDOUT_FILENO);
        close(out);
    }
    return rc;
}

/* moonrow annotate models.lua: the annotations of the classes that it declares. */
static bool annotate(lua_State *L, int argc, char **argv, int at) {
    if (argc != at + 2) {
        fputs("usage: moonrow annotate models.lua > models.meta.lua\n", stderr);
        return false;
    }
    const char *script = argv[at + 1];
    look_beside(L, script);
    if (run_aside(L, script) != LUA_OK) {
        host_report(L, "moonrow annotate");
        return false;
    }
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonrow");
    lua_call(L, 1, 0);
    bind_push_embedded(L, "moonrow.annotate");
    lua_pushstring(L, script);
    lua_getglobal(L, "debug");
    lua_pushcfunction(L, complain);
    if (host_call(L, 3, 1) != LUA_OK) {
        host_report(L, "moonrow annotate");
        return false;
    }
    if (lua_isnil(L, -1)) {
        fprintf(stderr, "moonrow annotate: %s declares no class with a table\n", script);
        return false;
    }
    fputs(lua_tostring(L, -1), stdout);
    fflush(stdout);
    return true;
}

/* run(script): does it run to its end? An error is reported. */
static int run_models(lua_State *L) {
    const char *script = luaL_checkstring(L, 1);
    look_beside(L, script);
    bool fine = run_aside(L, script) == LUA_OK;
    if (!fine) host_report(L, "moonrow models");
    lua_pushboolean(L, fine);
    return 1;
}

static void set_function(lua_State *L, const char *name, lua_CFunction fn) {
    lua_pushcfunction(L, fn);
    lua_setfield(L, -2, name);
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

/* moonrow models, diagram, migrate: written in Lua, which gets what it needs of the host in a table. */
static bool run_in_lua(lua_State *L, int argc, char **argv, int at) {
    char name[32];
    snprintf(name, sizeof name, "moonrow %s", argv[at]);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "moonrow");
    lua_call(L, 1, 0);
    bool migrates = strcmp(argv[at], "migrate") == 0;
    bind_push_embedded(L, migrates ? "moonrow.revisions.command" : "moonrow.models.command");
    lua_pushstring(L, argv[at]);
    lua_createtable(L, argc - at, 0);
    for (int i = at + 1; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - at);
    }
    lua_createtable(L, 0, 7);
    lua_getglobal(L, "loadfile");
    lua_setfield(L, -2, "loadfile");
    set_function(L, "list", list_folder);
    set_function(L, "make_folder", make_folder);
    lua_getglobal(L, "io");
    lua_setfield(L, -2, "io");
    lua_getglobal(L, "os");
    lua_setfield(L, -2, "os");
    set_function(L, "complain", complain_plainly);
    set_function(L, "run", run_models);
    if (host_call(L, 3, 1) != LUA_OK) {
        host_report(L, name);
        return false;
    }
    fflush(stdout);
    return lua_toboolean(L, -1);
}

/* moonrow shell [URL] [-m models.lua]: what it is without the word, too. */
static bool run_shell(lua_State *L, int argc, char **argv, int at) {
    const char *url = NULL, *models = NULL;
    bool bad = false;
    for (int i = at + 1; i < argc && !bad; i++) {
        if (strcmp(argv[i], "-m") == 0 && i + 1 < argc) models = argv[++i];
        else if (*argv[i] != '-' && !url) url = argv[i];
        else bad = true;
    }
    if (bad) {
        fputs("usage: moonrow shell [URL] [-m models.lua]\n", stderr);
        return false;
    }
    return host_shell(L, url, models);
}

static const struct {
    const char *name;
    bool (*run)(lua_State *L, int argc, char **argv, int at);
} commands[] = {{"annotate", annotate},
                {"models", run_in_lua},
                {"diagram", run_in_lua},
                {"migrate", run_in_lua},
                {"shell", run_shell}};

enum { COMMANDS = sizeof commands / sizeof *commands };

static int find_command(const char *name) {
    int i = 0;
    while (i < COMMANDS && strcmp(commands[i].name, name) != 0) i++;
    return i;
}

void host_print_commands(void) {
    for (int i = 0; i < COMMANDS; i++) puts(commands[i].name);
}

bool host_is_command(const char *name) { return find_command(name) < COMMANDS; }

bool host_run_command(lua_State *L, int argc, char **argv, int at) {
    return commands[find_command(argv[at])].run(L, argc, argv, at);
}
