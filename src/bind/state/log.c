/*
 * log.c: where the core's log and warnings go: the function of mr.set_log, io.stderr, warn.
 *
 * Invariant: a log function that fails is never a reason for the library to fail.
 */
#include <string.h>

#include "error.h"

static const char log_key = 0; /* registry: the function that mr.set_log was given */

/* (text): to the function that mr.set_log was given, else to io.stderr, else as a warning. */
static int log_body(lua_State *L) {
    const char *text = lua_touserdata(L, 1);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &log_key) == LUA_TFUNCTION) {
        lua_pushstring(L, text);
        lua_call(L, 1, 0);
        return 0;
    }
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "io") == LUA_TTABLE && lua_getfield(L, -1, "stderr") == LUA_TUSERDATA) {
        lua_getfield(L, -1, "write");
        lua_insert(L, -2);
        lua_pushfstring(L, "%s\n", text);
        lua_call(L, 2, 0);
    } else {
        lua_warning(L, text, 0);
    }
    return 0;
}

/* (text): to the function warn, which a program may have replaced by its own. */
static int warn_body(lua_State *L) {
    const char *text = lua_pushfstring(L, "moonrow: %s", (const char *)lua_touserdata(L, 1));
    if (lua_getglobal(L, "warn") != LUA_TFUNCTION) {
        lua_warning(L, text, 0);
        return 0;
    }
    lua_pushstring(L, text);
    lua_call(L, 1, 0);
    return 0;
}

static void tell_lua(bind_state *b, lua_CFunction body, const char *text) {
    lua_State *L = b->L ? b->L : b->main;
    if (b->logging || !lua_checkstack(L, 4)) return;
    b->logging = true;
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, (void *)(uintptr_t)text);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
    b->logging = false;
}

/* Logs each line of the text by itself. The text must not be changed, so each line but the last is copied. */
static void log_to_lua(void *ud, const char *text) {
    bind_state *b = ud;
    for (const char *end; (end = strchr(text, '\n')) != NULL; text = end + 1) {
        mr_strbuf line;
        mr_strbuf_init(&line, b->env);
        mr_strbuf_add(&line, text, (size_t)(end - text));
        const char *s = mr_strbuf_str(&line);
        if (s) tell_lua(b, log_body, s);
        else mr_env_clear_error(b->env);
        mr_strbuf_done(&line);
    }
    tell_lua(b, log_body, text);
}

static void warn_to_lua(void *ud, const char *text) { tell_lua(ud, warn_body, text); }

/* warn(text): a warning of the library's. */
static int core_warn(lua_State *L) {
    mr_warn(bind_of(L)->env, "%s", luaL_checkstring(L, 1));
    return 0;
}

/* set_log(fn or nil): fn(line) gets each line that the core logs (echo). */
static int core_set_log(lua_State *L) {
    bind_state *b = bind_of(L);
    if (!lua_isnoneornil(L, 1) && !lua_isfunction(L, 1)) return bind_type_error(L, 1, "set_log", "a function or nil");
    lua_settop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &log_key);
    mr_env_set_log(b->env, log_to_lua, b); /* replaces the C function of mr_state_log */
    return 0;
}

void bind_open_log(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_env_set_log(b->env, log_to_lua, b);
    mr_env_set_warn(b->env, warn_to_lua, b);
    lua_pushcfunction(L, core_set_log);
    lua_setfield(L, -2, "set_log");
    lua_pushcfunction(L, core_warn);
    lua_setfield(L, -2, "warn");
}
