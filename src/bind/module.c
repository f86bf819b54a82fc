/*
 * module.c: luaopen_moonrow: builds the module's table once for each Lua state. Its names come from the files of the
 * binding, and from the Lua part of the library, which is embedded.
 *
 * Invariant: nothing here needs package, os or debug, nor io, but to open files by their names; nothing reads the
 * program's globals after the module has opened. The embedded chunks are called "=[moonrow.NAME]", so that errors can
 * tell their frames from the user's.
 */
#include <moonrow.h>
#include <string.h>

#include "embedded.h"
#include "state/type.h"

static const char module_key = 0;
static const char require_key = 0; /* registry: the function require of the embedded files */

/* Upvalues of require_embedded. */
enum { CORE = 1, LOADED, GLOBALS };

/* ---------------------------------------------------------------- what the Lua part has as its globals */

/* Copies the named functions from the table at index from to the table on top of the stack. Returns the first name that
 * is no function there; NULL: all were copied. */
static const char *copy_functions(lua_State *L, int from, const char *const *names) {
    for (const char *const *name = names; *name; name++) {
        lua_pushstring(L, *name);
        if (lua_rawget(L, from) != LUA_TFUNCTION) return *name;
        lua_setfield(L, -2, *name);
    }
    return NULL;
}

/* Copies the library's table into a field of the table on top of the stack; false where there is no such library. */
static bool copy_library(lua_State *L, int globals, int loaded, const char *name) {
    int top = lua_gettop(L);
    lua_pushstring(L, name);
    if (lua_rawget(L, loaded) != LUA_TTABLE) {
        lua_settop(L, top);
        lua_pushstring(L, name);
        lua_rawget(L, globals);
    }
    bool found = lua_istable(L, -1);
    if (found) {
        lua_newtable(L);
        for (lua_pushnil(L); lua_next(L, top + 1); lua_pop(L, 1)) {
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, top + 2);
        }
        lua_setfield(L, top, name);
    }
    lua_settop(L, top);
    return found;
}

/* Pushes the table that the embedded chunks have as _ENV: a copy of the standard names as they are now. The program may
 * overwrite its own globals later. */
static void push_globals(lua_State *L) {
    static const char *const needed[] = {"error",  "getmetatable", "ipairs",   "next",   "pairs",
                                         "pcall",  "rawequal",     "rawget",   "rawlen", "rawset",
                                         "select", "setmetatable", "tostring", "type",   NULL},
                             *const others[][2] = {{"warn", NULL},     {"print", NULL},  {"xpcall", NULL},
                                                   {"tonumber", NULL}, {"assert", NULL}, {"collectgarbage", NULL}},
                             *const libraries[] = {"coroutine", "math", "string", "table", NULL};
    lua_pushglobaltable(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_newtable(L);
    int globals = lua_gettop(L) - 2;
    const char *missing = copy_functions(L, globals, needed);
    if (missing)
        luaL_error(L,
                   "moonrow needs Lua's function '%s', which this program has taken away or replaced: require "
                   "\"moonrow\" first",
                   missing);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (copy_functions(L, globals, others[i])) lua_pop(L, 1);
    for (const char *const *name = libraries; *name; name++)
        if (!copy_library(L, globals, globals + 1, *name))
            luaL_error(L, "moonrow needs Lua's libraries base, coroutine, math, string and table: open '%s' before it",
                       *name);
    copy_library(L, globals, globals + 1, "io"); /* these two may be missing */
    copy_library(L, globals, globals + 1, "os");
    lua_replace(L, globals);
    lua_settop(L, globals);
}

/* ---------------------------------------------------------------- the embedded modules */

static const struct mr_embedded *find_embedded(const char *name) {
    for (const struct mr_embedded *m = mr_embedded_modules; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

/* require_embedded(name): runs the embedded module once, with the arguments core and require_embedded, and returns its
 * result. */
static int require_embedded(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    if (lua_getfield(L, lua_upvalueindex(LOADED), name) != LUA_TNIL) return 1;
    const struct mr_embedded *m = find_embedded(name);
    if (!m) return luaL_error(L, "moonrow carries no module '%s'", name);
    const char *chunk = lua_pushfstring(L, "=[%s]", name);
    if (luaL_loadbufferx(L, m->source, m->len, chunk, "t") != LUA_OK) return lua_error(L);
    lua_pushvalue(L, lua_upvalueindex(GLOBALS));
    lua_setupvalue(L, -2, 1); /* _ENV */
    lua_pushvalue(L, lua_upvalueindex(CORE));
    lua_pushvalue(L, lua_upvalueindex(CORE));
    lua_pushvalue(L, lua_upvalueindex(LOADED));
    lua_pushvalue(L, lua_upvalueindex(GLOBALS));
    lua_pushcclosure(L, require_embedded, 3);
    lua_call(L, 2, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(LOADED), name);
    return 1;
}

void bind_push_embedded(lua_State *L, const char *name) {
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &require_key) != LUA_TFUNCTION) luaL_error(L, "moonrow is not open");
    lua_pushstring(L, name);
    lua_call(L, 1, 1);
}

/* core.type_name(value): "MetaData" and the like for values of the library; type(value) for others. */
static int core_type_name(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TUSERDATA && luaL_getmetafield(L, 1, "__name") == LUA_TSTRING) return 1;
    lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

/* The files that register types and functions, by room, one a line, in the order of opening. A file that adds methods
 * to the type of another file comes after that file. */
/* clang-format off */
#define OPENERS(open) \
    /* state */ \
    open(argument) \
    open(log) \
    open(own) \
    open(closing) \
    open(error) \
    open(coroutine) \
    open(sleep) \
    open(limits) \
    open(progress) \
    /* value */ \
    open(opaque) \
    open(own_value) \
    open(value) \
    open(decorated) \
    open(datetime) \
    open(make_date) \
    open(decimal) \
    open(row) \
    open(uuid) \
    open(array) \
    open(json) \
    open(proxy) \
    open(json_text) \
    open(json_table) \
    open(json_edits) \
    open(descriptor) \
    open(text_value) \
    /* schema */ \
    open(type) \
    open(decorator) \
    open(column) \
    open(generated) \
    open(constraint) \
    open(index) \
    open(table) \
    open(metadata) \
    open(ddl) \
    open(reflection) \
    open(migration) \
    /* expression */ \
    open(expression) \
    open(comparison) \
    open(operator) \
    open(aggregate) \
    open(compared) \
    open(text) \
    open(function) \
    open(case) \
    open(exists) \
    open(parameter) \
    open(search) \
    open(from) \
    open(source) \
    open(criteria_text) \
    /* class */ \
    open(relationship_attribute) \
    open(class) \
    open(property) \
    open(validator) \
    open(relationship) \
    open(entity) \
    open(together) \
    open(construct) \
    open(declare) \
    open(collection) \
    open(collection_class) \
    open(inspect) \
    open(describe) \
    open(asked) \
    /* session */ \
    open(engine) \
    open(connection) \
    open(function_of_sql) \
    open(extension) \
    open(copy) \
    open(feed) \
    open(interest) \
    open(step) \
    open(session) \
    open(scoped) \
    open(session_objects) \
    open(identity_map) \
    open(transaction) \
    open(no_autoflush) \
    /* query */ \
    open(query) \
    open(query_filter) \
    open(query_clause) \
    open(query_execution) \
    open(query_from) \
    open(query_cte) \
    open(query_join) \
    open(query_compound) \
    open(text_columns) \
    open(query_run) \
    open(watched) \
    open(get) \
    open(option) \
    open(result) \
    open(compiled) \
    open(queried) \
    /* statement */ \
    open(statement) \
    open(values) \
    open(statement_cte) \
    open(statement_options) \
    open(from_statement) \
    open(by_query) \
    open(execute) \
    /* event */ \
    open(class_events) \
    open(session_engine_events) \
    /* session */ \
    open(memory) \
    open(watch) \
    /* capi */ \
    open(capi)
/* clang-format on */

#define DECLARE(name) void bind_open_##name(lua_State *L);
OPENERS(DECLARE)

/* Pushes the core table, filled by the files of the binding. */
static void push_core(lua_State *L) {
    lua_newtable(L);
#define OPEN(name) bind_open_##name(L);
    OPENERS(OPEN)
    lua_pushcfunction(L, core_type_name);
    lua_setfield(L, -2, "type_name");
    lua_pushstring(L, mr_sqlite_version());
    lua_setfield(L, -2, "sqlite_version");
}

/* The types of one copy would not know the values of another. */
static void check_only_copy(lua_State *L) {
    static const char key[] = "moonrow.copy";
    if (lua_getfield(L, LUA_REGISTRYINDEX, key) == LUA_TNIL) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)&module_key);
        lua_setfield(L, LUA_REGISTRYINDEX, key);
    } else if (lua_touserdata(L, -1) != &module_key) {
        luaL_error(
            L,
            "another copy of moonrow is open in this Lua state (the host has one inside, and so may the program that "
            "embeds Lua): require \"moonrow\" gives that one; load no second moonrow.so");
    }
    lua_pop(L, 1);
}

/* Says so where the interpreter is no Lua 5.4. Calls no function that an older one lacks before it was found. */
static void check_lua(lua_State *L) {
    enum { GLOBALS_OF_5_1 = -10002 };
#define FOUND(name) &&name != NULL
    if (1 BIND_LUA_FUNCTIONS(FOUND) && lua_version(L) == LUA_VERSION_NUM) return;
    if (lua_getglobal) (void)lua_getglobal(L, "_VERSION");
    else (void)lua_getfield(L, GLOBALS_OF_5_1, "_VERSION");
    const char *version = lua_tolstring(L, -1, NULL);
    luaL_error(L, "moonrow needs Lua 5.4: this is %s (start the program with lua5.4, or with the moonrow host)",
               version ? version : "another one");
}

int luaopen_moonrow(lua_State *L) {
    check_lua(L);
    luaL_checkversion(L);
    check_only_copy(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) return 1;
    luaL_checkstack(L, 16, "opening moonrow");
    bind_state_make(L, bind_close_library);
    push_core(L);
    bind_keep_core(L);
    lua_newtable(L);
    push_globals(L);
    lua_pushcclosure(L, require_embedded, 3);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &require_key);
    lua_pushliteral(L, "moonrow.init");
    lua_call(L, 1, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
    return 1;
}
