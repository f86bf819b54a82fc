/*
 * lua_functions.h: the functions of Lua 5.4 that older Luas lack.
 *
 * Invariant: an older Lua can load the module, too, which says then what it needs. So these symbols are weak: where
 * they are missing, their addresses are NULL. Nothing calls one before luaopen_moonrow has found all of them.
 */
#ifndef MOONROW_BIND_LUA_FUNCTIONS_H
#define MOONROW_BIND_LUA_FUNCTIONS_H

#include <lauxlib.h>
#include <lua.h>

/* clang-format off */
#define BIND_LUA_FUNCTIONS(F)                                                                                         \
    F(luaL_checkversion_) F(luaL_getsubtable) F(luaL_len) F(luaL_loadbufferx) F(luaL_prepbuffsize)             \
    F(luaL_setfuncs) F(luaL_setmetatable) F(luaL_testudata) F(luaL_tolstring) F(luaL_traceback)                \
    F(lua_absindex) F(lua_callk) F(lua_compare) F(lua_copy) F(lua_getglobal) F(lua_geti)                       \
    F(lua_getiuservalue) F(lua_isinteger) F(lua_newuserdatauv) F(lua_pcallk) F(lua_rawgetp) F(lua_rawlen)      \
    F(lua_rawsetp) F(lua_resetthread) F(lua_rotate) F(lua_setiuservalue) F(lua_toclose) F(lua_tointegerx) F(lua_tonumberx) F(lua_version)        \
    F(lua_warning)
/* clang-format on */

#define BIND_TEXT(x)    #x
#define BIND_WEAK(name) _Pragma(BIND_TEXT(weak name))
BIND_LUA_FUNCTIONS(BIND_WEAK)

#endif
