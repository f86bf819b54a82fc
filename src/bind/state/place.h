/*
 * place.h: where in the program a call comes from.
 */
#ifndef MOONROW_BIND_PLACE_H
#define MOONROW_BIND_PLACE_H

#include "state.h"

/* Finds the innermost Lua frame that is the program's, and not the library's: its source and line are in *ar. Allocates
 * nothing. false: there is none. */
bool bind_find_place(lua_State *L, lua_Debug *ar);
/* Pushes "file:line" of it, or "", as a comment of SQL may have it. Returns the text. */
const char *bind_push_place(lua_State *L);
/* Each statement of the engine that has no tag of its own gets the place of the call as its tag. */
void bind_tag_places(bind_state *b, mr_engine *engine);
/* Connections remember who took them. MR_FAIL: there was no memory. */
mr_status bind_note_places(bind_state *b);

#endif
