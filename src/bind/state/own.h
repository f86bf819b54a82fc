/*
 * own.h: userdata that own something native while a call into Lua may raise.
 */
#ifndef MOONROW_BIND_OWN_H
#define MOONROW_BIND_OWN_H

#include "type.h"

/* An owner: once p is set, release(p) runs exactly once, at the latest when the owner is collected. */
typedef struct bind_owner {
    void *p;
    void (*release)(void *p);
} bind_owner;
/* Pushes an owner of nothing yet. */
bind_owner *bind_own(lua_State *L, void (*release)(void *p));
void bind_own_done(bind_owner *owner); /* releases now */
/* Runs release(p) in a finalizer. An error that is recorded at that time stays recorded: a finalizer may run while an
 * error is being raised. */
void bind_release_quietly(bind_state *b, void (*release)(void *p), void *p);

/* Pushes a value that owns something native. body(L) gets `what` at index 1 as light userdata: it makes the value,
 * moves the native thing from *what into the value, and returns the value. A debug hook may raise before or after the
 * move. Returns LUA_OK. Any other result is an error: the caller releases what is left in *what, and then raises with
 * bind_raise_given. */
int bind_give(lua_State *L, lua_CFunction body, void *what);
/* Raises the error of bind_give, whose result is rc; a lack of memory is raised as NoMemoryError. */
int bind_raise_given(lua_State *L, int rc) BIND_RAISES;

/* Pushes the owner of a string buffer, which is empty. */
mr_strbuf *bind_own_strbuf(lua_State *L);
/* Replaces that owner, on top of the stack, by the buffer's text; raises where there is not enough memory. */
void bind_own_push_text(lua_State *L);

#endif
