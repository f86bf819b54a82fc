/*
 * module.c: luaopen_moonrow: builds the module's table once per Lua state, from what the files of the
 * binding register and from the Lua part of the library, which is carried inside.
 *
 * Invariant: nothing here needs package, io, os or debug. The embedded chunks are called "=[moonrow.NAME]",
 * so that errors can tell their frames from the user's.
 */
#include <moonrow.h>
#include <string.h>

#include "capi.h"
#include "embedded.h"
#include "runtime.h"

static const char module_key = 0;
static const char core_key = 0;

/* Upvalues of require_embedded. */
enum { CORE = 1, LOADED };

static const struct mr_embedded *find_embedded(const char *name) {
    for (const struct mr_embedded *m = mr_embedded_modules; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

/* require_embedded(name): the result of the embedded module, which is run once, with (core,
 * require_embedded). */
static int require_embedded(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    if (lua_getfield(L, lua_upvalueindex(LOADED), name) != LUA_TNIL) return 1;
    const struct mr_embedded *m = find_embedded(name);
    if (!m) return luaL_error(L, "moonrow carries no module '%s'", name);
    const char *chunk = lua_pushfstring(L, "=[%s]", name);
    if (luaL_loadbufferx(L, m->source, m->len, chunk, "t") != LUA_OK) return lua_error(L);
    lua_pushvalue(L, lua_upvalueindex(CORE));
    lua_pushvalue(L, lua_upvalueindex(CORE));
    lua_pushvalue(L, lua_upvalueindex(LOADED));
    lua_pushcclosure(L, require_embedded, 2);
    lua_call(L, 2, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(LOADED), name);
    return 1;
}

/* core.type_name(value): "MetaData" and the like for values of ours; type(value) for others. */
static int core_type_name(lua_State *L) {
    luaL_checkany(L, 1);
    if (lua_type(L, 1) == LUA_TUSERDATA && luaL_getmetafield(L, 1, "__name") == LUA_TSTRING) return 1;
    lua_pushstring(L, luaL_typename(L, 1));
    return 1;
}

/* core.check_open(): raises once the library has closed. */
static int core_check_open(lua_State *L) {
    (void)bind_of(L);
    return 0;
}

/* Leaves the core table on the stack: what the files of the binding register. */
static void push_core(lua_State *L) {
    lua_newtable(L);
    bind_open_closing(L);
    bind_open_error(L);
    bind_open_coroutine(L);
    bind_open_value(L);
    bind_open_datetime(L);
    bind_open_type(L);
    bind_open_schema(L);
    bind_open_expression(L);
    bind_open_engine(L);
    bind_open_query(L);
    bind_open_result(L);
    bind_open_statement(L);
    bind_open_proxy(L);
    bind_open_class(L);
    bind_open_relationship(L);
    bind_open_entity(L);
    bind_open_session(L);
    bind_open_inspect(L);
    bind_open_collection(L);
    bind_open_event(L);
    bind_open_event_base(L);
    bind_open_event_hub(L);
    bind_open_sleep(L);
    bind_open_memory(L);
    bind_open_log(L);
    bind_open_capi(L);
    lua_pushcfunction(L, core_type_name);
    lua_setfield(L, -2, "type_name");
    lua_pushcfunction(L, core_check_open);
    lua_setfield(L, -2, "check_open");
}

void bind_push_core(lua_State *L) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key);
}

int luaopen_moonrow(lua_State *L) {
    luaL_checkversion(L);
    if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_key) == LUA_TTABLE) return 1;
    luaL_checkstack(L, 16, "opening moonrow");
    bind_state_make(L);
    push_core(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
    lua_newtable(L);
    lua_pushcclosure(L, require_embedded, 2);
    lua_pushliteral(L, "moonrow.init");
    lua_call(L, 1, 1);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &module_key);
    return 1;
}
