/*
 * own_value.h: values of the program's own, of columns whose type is decorated with functions of the program.
 */
#ifndef MOONROW_BIND_OWN_VALUE_H
#define MOONROW_BIND_OWN_VALUE_H

#include "state/state.h"

/* A value of the program's own. refs counts its users; Lua's box is one. */
typedef struct bind_own_value {
    uint32_t refs;
    int ref; /* in the registry */
    bind_state *b;
    const mr_type *type;
    char *what; /* what it is for, for messages; or NULL */
} bind_own_value;

/* Is it such a value? */
static inline bool bind_is_own_value(const bind_state *b, const mr_value *v) {
    return v->kind == MR_OPAQUE && v->tag == b->own_tag;
}
/* Replaces the value at idx by a box that keeps it, and sets *out to it, which lives as long as the box. A box is taken
 * as it is. Raises without memory. */
void bind_wrap_value(lua_State *L, int idx, const mr_type *type, mr_value *out);
/* The same for a table at idx, by the type that it has when it is sent: a variant, perhaps. False: it is no table. */
bool bind_wrap_table(lua_State *L, int idx, mr_value *out);
/* Notes what the value is for ("User.tags"). Raises without memory. */
void bind_name_value(lua_State *L, const mr_value *v, const char *what);
/* Pushes what the program has given. */
void bind_push_own_value(lua_State *L, const mr_value *v);
/* For the core: they count the users. */
void bind_own_retain(mr_env *env, void *p);
void bind_own_release(mr_env *env, void *p);

#endif
