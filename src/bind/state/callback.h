/*
 * callback.h: Lua values that the core keeps, and Lua functions that it calls.
 */
#ifndef MOONROW_BIND_CALLBACK_H
#define MOONROW_BIND_CALLBACK_H

#include "state.h"

/* A Lua value in the registry, kept for the core. refs counts the users of this struct. */
typedef struct bind_ref {
    uint32_t refs;
    int ref;
    bind_state *b;
} bind_ref;
bind_ref *bind_ref_new(lua_State *L, int idx); /* may raise (memory, a hook); one reference */
void bind_ref_release(bind_ref *r);
void bind_ref_push(lua_State *L, const bind_ref *r);
/* A reference that lives as long as the environment (for defaults, hooks, resolvers). */
bind_ref *bind_ref_forever(lua_State *L, int idx);

/* Runs body(L) in a protected call on the state that called the core; data is a light userdata at index 1. An error in
 * body is kept unchanged, and MR_ERR_CALLBACK is recorded. body must not yield. */
mr_status bind_callback(mr_env *env, lua_CFunction body, void *data);
/* The same, but an error object of the library is recorded with its own kind and message. For definitions of the user's
 * that are read later than they were written. */
mr_status bind_callback_mistake(mr_env *env, lua_CFunction body, void *data);

#endif
