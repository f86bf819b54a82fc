/*
 * coroutine.h: blocks (values with __close) and the coroutines that they run in.
 */
#ifndef MOONROW_BIND_COROUTINE_H
#define MOONROW_BIND_COROUTINE_H

#include "state.h"

/* Called by a __close: true where the variable's scope has come to its end. False where an error (nil, too) leaves the
 * scope, and where the coroutine or the Lua state is closed from outside. */
bool bind_scope_ends(lua_State *L);
/* The same, but also true where os.exit closes the Lua state inside the scope. */
bool bind_scope_or_state_ends(lua_State *L);
/* Runs the function of a block: calls the function with the nargs arguments on top of the stack. The block's userdata
 * is a to-be-closed slot further down. Returns finish(L, status, 0): status is LUA_OK or LUA_YIELD with the results on
 * top, or an error's status with the error on top. Where Lua closes the block's userdata at an error by itself, finish
 * is not called, and the error keeps its traceback. The function may yield. */
int bind_call_block(lua_State *L, int nargs, int nresults, lua_KFunction finish);

#endif
