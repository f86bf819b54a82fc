/*
 * callback.h: Lua values that the core keeps, and Lua functions that it calls.
 */
#ifndef MOONROW_BIND_CALLBACK_H
#define MOONROW_BIND_CALLBACK_H

#include "state.h"

/* A Lua value kept for the core: counted, in the registry. */
typedef struct bind_ref {
    uint32_t refs;
    int ref;
    bind_state *b;
} bind_ref;
bind_ref *bind_ref_new(lua_State *L, int idx); /* may raise (memory, a hook); one reference */
void bind_ref_release(bind_ref *r);
void bind_ref_push(lua_State *L, const bind_ref *r);
/* A ref that lives as long as the environment (defaults, hooks, resolvers). */
bind_ref *bind_ref_forever(lua_State *L, int idx);

/* Runs body(L) with data as light userdata at index 1, under lua_pcall, on the state that called the core. The error
 * that it raises is kept unchanged, and MR_ERR_CALLBACK recorded. Yielding inside is an error. */
mr_status bind_callback(mr_env *env, lua_CFunction body, void *data);
/* The same, but one of our own error objects is recorded with its own kind and message: for definitions that the user
 * wrote and that are read only now. */
mr_status bind_callback_mistake(mr_env *env, lua_CFunction body, void *data);

#endif
