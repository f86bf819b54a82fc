/*
 * type.h: the types of our userdata: metatables, methods, tests; and what becomes of a value that has ended.
 */
#ifndef MOONROW_BIND_TYPE_H
#define MOONROW_BIND_TYPE_H

#include "error.h"

/* Makes the metatable `name` with methods and metamethods, kept in the registry (luaL_newmetatable). methods go to a
 * table whose unknown names raise "TYPE has no method 'x' (did you mean 'y'?)". getters: functions called with the
 * object for fields; may be NULL. */
void bind_type(lua_State *L, const char *name, const char *shown, const luaL_Reg *methods, const luaL_Reg *getters,
               const luaL_Reg *metamethods);
/* Adds methods and getters (each may be NULL) to a type that bind_type has made. A file that comes after the type's own
 * gives it what belongs together with that file. */
void bind_extend_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *getters);
/* Makes the userdata on top a value of the type; raises once the library has closed. */
void bind_set_type(lua_State *L, const char *type);
/* The end of a finalizer. Other finalizers may still reach the value at index 1: from now on no function accepts it,
 * and every use of it raises. Returns 0. (closing.c) */
int bind_finalized(lua_State *L);
/* Marks the metatable on top as one of ours, where it has no name "moonrow.X" in the registry: once the library has
 * closed, its values are refused. */
void bind_mark_type(lua_State *L);
/* The finalizer of the binding's state: the library closes, and with it the values of every type. */
int bind_close_library(lua_State *L);
/* NULL unless the value is a userdata of that type. */
void *bind_test(lua_State *L, int idx, const char *type);
/* Raises an ArgumentError otherwise. */
void *bind_arg(lua_State *L, int idx, const char *type, const char *function);

#endif
