/*
 * main.c: the host: runs scripts as lua does, with moonrow within reach of require.
 *
 * Invariant: everything that can raise runs inside of host_main, under lua_pcall; main only starts and ends.
 */
#include <lauxlib.h>
#include <lualib.h>
#include <moonrow.h>
#include <moonrow/db.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"

static const char host_name[] = "moonrow"; /* in messages */

typedef struct options {
    bool bad;
    bool help;
    bool version;
    bool only_version;
    bool interactive;
    bool no_environment;
    bool has_code;      /* -e */
    bool is_command;    /* argv[script] is the name of a command, and no script */
    const char *models; /* -m: the script that declares the shell's classes */
    const char *url;    /* the database that the shell opens */
    int script;         /* index of the script in argv; argc: none */
} options;

static void print_version(void) {
    printf("%s  %s  SQLite %s\n", mr_version(), LUA_COPYRIGHT, mr_sqlite_version());
    fflush(stdout);
}

/* ---------------------------------------------------------------- the command line */

/* -e, -l and -m take the rest of their argument, or the next one. */
static bool takes_value(const char *arg) { return arg[1] == 'e' || arg[1] == 'l' || arg[1] == 'm'; }

/* Reads the option at argv[*i]; false where it is unknown, or its value is missing. Where the value is the next
 * argument, *i moves to it. */
static bool read_option(options *o, int argc, char **argv, int *i) {
    const char *arg = argv[*i];
    if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
        o->help = true;
        return true;
    }
    if (strcmp(arg, "--version") == 0) {
        o->version = o->only_version = true;
        return true;
    }
    if (takes_value(arg)) {
        if (arg[1] == 'e') o->has_code = true;
        if (!arg[2]) (*i)++;
        const char *value = arg[2] ? arg + 2 : *i < argc ? argv[*i] : NULL;
        if (arg[1] == 'm') o->models = value;
        return arg[2] || (value && *value != '-');
    }
    if (arg[2]) return false;
    switch (arg[1]) {
    case 'i':
        o->interactive = true; /* and the version */ /* fall through */
    case 'v':
        o->version = true;
        return true;
    case 'E':
        o->no_environment = true;
        return true;
    case 'W':
        return true;
    default:
        return false;
    }
}

/* The scheme of a URL stands before "://"; a script of such a name is called ./NAME. */
static bool is_url(const char *arg) {
    const char *mark = strstr(arg, "://");
    return mark && mark > arg && !memchr(arg, '/', (size_t)(mark - arg)) && !memchr(arg, '.', (size_t)(mark - arg));
}

/* Is it a file of SQLite, and so no script? One that is empty, or not there, is known by its name. */
static bool is_database(const char *path) {
    static const char begins[] = "SQLite format 3", *const endings[] = {".db", ".sqlite", ".sqlite3", ".db3"};
    char start[sizeof begins] = "";
    FILE *file = fopen(path, "rb");
    bool full = file && fread(start, sizeof start, 1, file) == 1;
    if (file) fclose(file);
    if (full) return memcmp(start, begins, sizeof begins) == 0;
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcmp(dot, endings[i]) == 0) return true;
    return false;
}

static options read_options(int argc, char **argv) {
    options o = {.script = argc};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int at = i;
        if (!o.url && *arg != '-' && (is_url(arg) || is_database(arg))) {
            o.url = arg;
            continue;
        }
        if (arg[0] != '-' || !arg[1]) { /* a script, or "-" */
            o.script = i;
            o.is_command = host_is_command(arg);
            if (o.url || o.models) o.bad = true; /* a shell has no script */
            break;
        }
        if (strcmp(arg, "--") == 0) {
            o.script = i + 1;
            break;
        }
        if (!read_option(&o, argc, argv, &i)) {
            o.bad = true;
            o.script = at;
            break;
        }
    }
    return o;
}

/* Makes the table arg: arg[0] is the script, and the options before it have negative places. */
static void make_arg(lua_State *L, char **argv, int argc, int script) {
    if (script >= argc) script = 0;
    lua_createtable(L, argc - script, script + 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

/* ---------------------------------------------------------------- running */

/* Calls the chunk that luaL_load... left on the stack (rc: its result); reports an error. Returns false on an error. */
static bool run_chunk(lua_State *L, int rc, int nargs) {
    if (rc == LUA_OK) rc = host_call(L, nargs, 0);
    if (rc != LUA_OK) host_report(L, host_name);
    return rc == LUA_OK;
}

static bool run_string(lua_State *L, const char *code, const char *chunk) {
    return run_chunk(L, luaL_loadbuffer(L, code, strlen(code), chunk), 0);
}

static bool run_init(lua_State *L) {
    const char *name = "LUA_INIT_5_4";
    const char *init = getenv(name);
    if (!init) init = getenv(name = "LUA_INIT");
    if (!init) return true;
    if (init[0] == '@') return run_chunk(L, luaL_loadfile(L, init + 1), 0);
    return run_string(L, init, lua_pushfstring(L, "=%s", name));
}

/* -l mod, -l g=mod */
static bool run_library(lua_State *L, const char *text) {
    const char *equals = strchr(text, '=');
    const char *module = equals ? equals + 1 : text;
    const char *global = equals ? lua_pushlstring(L, text, (size_t)(equals - text)) : text;
    lua_getglobal(L, "require");
    lua_pushstring(L, module);
    if (host_call(L, 1, 1) != LUA_OK) {
        host_report(L, host_name);
        return false;
    }
    lua_setglobal(L, global);
    return true;
}

/* -e, -l and -W, in their order. Code that is all of the program, and may name it, has the module as mr; a script says
 * require. */
static bool run_options(lua_State *L, const options *o, int argc, char **argv) {
    for (int i = 1; i < o->script; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--") == 0) break;
        if (arg[1] == 'W') lua_warning(L, "@on", 0);
        if (*arg != '-' || !takes_value(arg)) continue; /* the shell's URL */
        const char *value = arg[2] ? arg + 2 : argv[++i];
        if (arg[1] == 'm') continue; /* the shell's */
        if (arg[1] == 'e' && o->script >= argc && strstr(value, "mr")) host_offer_module(L);
        bool fine = arg[1] == 'e' ? run_string(L, value, "=(command line)") : run_library(L, value);
        if (!fine) return false;
    }
    return true;
}

/* Runs the script. Its arguments come from the table arg, which options may have changed. */
static bool run_script(lua_State *L, const options *o, char **argv) {
    const char *name = argv[o->script];
    bool is_stdin = strcmp(name, "-") == 0 && strcmp(argv[o->script - 1], "--") != 0;
    int rc = luaL_loadfile(L, is_stdin ? NULL : name);
    int nargs = 0;
    if (rc == LUA_OK) {
        if (lua_getglobal(L, "arg") != LUA_TTABLE) luaL_error(L, "'arg' is not a table");
        int table = lua_gettop(L);
        nargs = (int)luaL_len(L, table);
        luaL_checkstack(L, nargs + 3, "too many arguments to script");
        for (int i = 1; i <= nargs; i++) lua_rawgeti(L, table, i);
        lua_remove(L, table);
    }
    return run_chunk(L, rc, nargs);
}

static void open_libraries(lua_State *L) {
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, host_open_moonrow);
    lua_setfield(L, -2, "moonrow");
    lua_pop(L, 1);
    lua_gc(L, LUA_GCGEN, 0, 0); /* as lua does */
}

/* -h, --help, and what is wrong with the options. */
static int explain(lua_State *L, const options *o, char **argv) {
    open_libraries(L);
    if (o->bad) host_refuse_option(L, argv[o->script]);
    else host_print_help(L);
    return o->bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The script, code, the shell: true when all went well. */
static bool run_program(lua_State *L, const options *o, int argc, char **argv) {
    if (o->script < argc && !run_script(L, o, argv)) return false;
    if (o->interactive || o->url || o->models) return host_shell(L, o->url, o->models);
    if (o->script < argc || o->has_code || o->version) return true;
    if (!host_stdin_is_terminal()) return run_chunk(L, luaL_loadfile(L, NULL), 0);
    print_version();
    return host_shell(L, NULL, NULL);
}

/* Returns the exit status. */
static int run_all(lua_State *L, int argc, char **argv) {
    options o = read_options(argc, argv);
    luaL_checkversion(L);
    if (argc > 1 && strcmp(argv[1], "--commands") == 0) {
        open_libraries(L);
        host_print_words(L, argc > 2 ? argv[2] : NULL);
        return EXIT_SUCCESS;
    }
    if (o.bad || o.help) return explain(L, &o, argv);
    if (o.version) print_version();
    if (o.only_version) return EXIT_SUCCESS;
    if (o.no_environment) {
        lua_pushboolean(L, 1);
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    }
    open_libraries(L);
    lua_warning(L, "@on", 0); /* moonrow warns of lost work; a script turns warnings off by warn "@off" */
    make_arg(L, argv, argc, o.is_command ? o.script + 1 : o.script); /* a command's script is a script */
    if (!o.no_environment && !run_init(L)) return EXIT_FAILURE;
    if (!run_options(L, &o, argc, argv)) return EXIT_FAILURE;
    if (o.is_command) return host_run_command(L, argc, argv, o.script);
    return run_program(L, &o, argc, argv) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Arguments: argc, and argv as light userdata. Returns the exit status. */
static int host_main(lua_State *L) {
    int status = run_all(L, (int)lua_tointeger(L, 1), lua_touserdata(L, 2));
    if (status != EXIT_SUCCESS) mr_state_quiet(L); /* its error was reported: no warning besides */
    lua_pushinteger(L, status);
    return 1;
}

int main(int argc, char **argv) {
    lua_State *L;
    mr_sqlite_own_process();
    host_state *state = host_state_new(&L);
    if (!state) {
        fputs("moonrow: cannot create a Lua state: not enough memory\n", stderr);
        return EXIT_FAILURE;
    }
    lua_pushcfunction(L, host_main);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int rc = lua_pcall(L, 2, 1, 0);
    int status = rc == LUA_OK ? (int)lua_tointeger(L, -1) : EXIT_FAILURE;
    if (rc != LUA_OK) host_report(L, host_name);
    host_state_close(state);
    return status;
}
