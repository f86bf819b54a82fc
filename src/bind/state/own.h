/*
 * own.h: native things that a call holds while Lua may raise: each in a userdata that lets go of it.
 */
#ifndef MOONROW_BIND_OWN_H
#define MOONROW_BIND_OWN_H

#include "type.h"

/* Pushes an owner of nothing yet: set p, and release(p) runs once, at the latest when the owner is collected.
 */
typedef struct bind_owner {
    void *p;
    void (*release)(void *p);
} bind_owner;
bind_owner *bind_own(lua_State *L, void (*release)(void *p));
void bind_own_done(bind_owner *owner); /* releases now */
/* release(p) within a finalizer, which may run while an error is being raised: that one stays recorded. */
void bind_release_quietly(bind_state *b, void (*release)(void *p), void *p);

/* Pushes a value that owns something native. body(L) gets `what` at index 1 as light userdata: it makes the value,
 * moves the native thing from *what into it, and returns it. A debug hook may raise before or after the move. Returns
 * LUA_OK; otherwise the caller still owns what is left in *what: it releases that and raises with bind_raise_given. */
int bind_give(lua_State *L, lua_CFunction body, void *what);
int bind_raise_given(lua_State *L,
                     int rc) BIND_RAISES; /* raises the error of bind_give; a lack of memory as NoMemoryError */

/* Pushes an owner of a string under construction. */
mr_strbuf *bind_own_strbuf(lua_State *L);
/* Replaces the owner on top of the stack by its text; raises without memory. */
void bind_own_push_text(lua_State *L);

#endif
