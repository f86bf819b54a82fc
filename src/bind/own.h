/*
 * own.h: native things that a call holds while Lua may raise: each in a userdata that lets go of it.
 */
#ifndef MOONROW_BIND_OWN_H
#define MOONROW_BIND_OWN_H

#include "runtime.h"

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

/* How a value that holds a native thing is pushed: body(L), with what at index 1 as light userdata, makes the value, takes the
 * thing out of *what, and returns the value. A hook of the program may raise before that, and after it. Returns LUA_OK; otherwise
 * what is left in *what is still the caller's, who lets go of it and raises with bind_raise_given. */
int bind_give(lua_State *L, lua_CFunction body, void *what);
int bind_raise_given(lua_State *L, int rc) BIND_RAISES; /* what made bind_give fail: a lack of memory as an error of ours */

/* Pushes an owner of a string under construction. */
mr_strbuf *bind_own_strbuf(lua_State *L);
/* Replaces the owner on top of the stack by its text; raises without memory. */
void bind_own_push_text(lua_State *L);

/* Registers the owners; before every other file of the binding that uses them. */
void bind_open_own(lua_State *L);

#endif
