/*
 * type.h: the types of the library's userdata: metatables, methods, tests; and values whose finalizer has run.
 */
#ifndef MOONROW_BIND_TYPE_H
#define MOONROW_BIND_TYPE_H

#include "error.h"

/* A metafield of types: a function of a value, a name that is no method or field (or an integer), and whether no member
 * has a similar name; it is called once with false, and again with true where that is so. It raises what the writer
 * most likely needs, gives the field's value, or nil. */
#define BIND_MISSING "__missing"

/* Makes the metatable of a type and keeps it in the registry under `name` (luaL_newmetatable). shown: the type's name
 * in messages. getters: functions that give the fields, called with the object. An unknown name raises "TYPE has no
 * method or field 'x' (did you mean 'y'?)". methods, getters and metamethods may be NULL. */
void bind_type(lua_State *L, const char *name, const char *shown, const luaL_Reg *methods, const luaL_Reg *getters,
               const luaL_Reg *metamethods);
/* Adds methods and getters (each may be NULL) to a type that bind_type has made. So a type's methods can be in several
 * files. */
void bind_extend_type(lua_State *L, const char *name, const luaL_Reg *methods, const luaL_Reg *getters);
/* Pushes the table of the type's methods, which the Lua part of the library adds to. */
void bind_push_methods(lua_State *L, const char *name);
/* The same of the functions that give its fields. */
void bind_push_getters(lua_State *L, const char *name);
/* Makes the userdata on top a value of the type; raises where the library has closed. */
void bind_set_type(lua_State *L, const char *type);
/* To be called at the end of a finalizer, with the value at index 1: other finalizers may still reach the value. From
 * now on no function accepts it, and every use of it raises. Returns 0. (closing.c) */
int bind_finalized(lua_State *L);
/* Marks the metatable on top as one of the library's, where it has no name "moonrow.X" in the registry. Its values are
 * refused after the library has closed. */
void bind_mark_type(lua_State *L);
/* The finalizer of the binding's state: closes the library and the values of every type. */
int bind_close_library(lua_State *L);
/* The userdata at idx, or NULL where it is not of the type. */
void *bind_test(lua_State *L, int idx, const char *type);
/* The same, but raises an ArgumentError where it is not of the type. function: for the message. */
void *bind_arg(lua_State *L, int idx, const char *type, const char *function);

#endif
