/*
 * json_text.c: JSON as text for the Lua part of the library: core.json_encode and core.json_decode.
 *
 * Invariant: what json_encode writes is read by json_decode as an equal value.
 */
#include "json.h"

#include "state/error.h"
#include "state/own.h"

/* core.json_encode(value, what): the JSON of a value. what: its place, for the message about one that JSON has not. */
static int core_json_encode(lua_State *L) {
    const char *what = luaL_checkstring(L, 2);
    mr_strbuf *text = bind_own_strbuf(L);
    const mr_type *json = mr_type_simple(MR_TYPE_JSON);
    if (bind_write_json(L, 1, json, what, MR_ERR_ARGUMENT, text, NULL, NULL) != MR_OK) return bind_raise(L);
    bind_own_push_text(L);
    return 1;
}

/* core.json_decode(text): the value that the text says, and true; nil, false and why where it is no JSON. */
static int core_json_decode(lua_State *L) {
    size_t len;
    const char *s = luaL_checklstring(L, 1, &len);
    char why[MR_JSON_WHY] = "";
    if (len > UINT32_MAX) return luaL_error(L, "a JSON text has 4 GB at most");
    mr_value v = mr_type_json_value(mr_type_simple(MR_TYPE_JSON), s, len);
    mr_status status = bind_read_json(L, &v, why);
    if (status == MR_FAIL) return bind_raise(L);
    if (status == MR_OK) {
        lua_pushboolean(L, true);
        return 2;
    }
    lua_pushnil(L);
    lua_pushboolean(L, false);
    lua_pushstring(L, why);
    return 3;
}

void bind_open_json_text(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"json_encode", core_json_encode}, {"json_decode", core_json_decode}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
