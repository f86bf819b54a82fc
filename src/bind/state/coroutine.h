/*
 * coroutine.h: blocks (values with __close) and the coroutines that they run in.
 */
#ifndef MOONROW_BIND_COROUTINE_H
#define MOONROW_BIND_COROUTINE_H

#include "state.h"

/* Called by a __close: has the Lua function that holds the variable come to its end, or to that of the variable's
 * block? Not where an error unwinds it, be it nil, nor where its coroutine or state is closed from outside. */
bool bind_scope_ends(lua_State *L);
/* The same, or has os.exit closed the state in its midst? */
bool bind_scope_or_state_ends(lua_State *L);
/* Does an error in the running coroutine close the variables that are to be closed? A coroutine that dies of it leaves
 * them open; so does none that a protected call keeps alive, and not the main thread. */
bool bind_error_closes(lua_State *L);
/* Calls the function and its nargs arguments on top of the stack, as the work of a block whose userdata is to be closed
 * further down, and returns finish(L, status, 0): LUA_OK or LUA_YIELD with the results on top, or the error. An error
 * that closes the block by itself does not come to finish, and keeps its traceback. The function may yield. */
int bind_call_block(lua_State *L, int nargs, int nresults, lua_KFunction finish);

#endif
