/*
 * decorated.h: values of the program's own, of columns whose type is decorated with functions of the program
 * (TypeDecorator).
 */
#ifndef MOONROW_BIND_DECORATED_H
#define MOONROW_BIND_DECORATED_H

#include <moonrow/query.h>

#include "own_value.h"
#include "value.h"

/* The functions of a decorator: mr_decorator.ud. Each may be NULL. */
typedef struct bind_decorator {
    bind_ref *bind, *result, *literal, *equal;
} bind_decorator;

/* A column's value, for messages. */
typedef struct bind_place {
    const char *what;  /* "User.tags" */
    const char *row;   /* "User 5", or NULL */
    mr_bad_values bad; /* what happens to a stored value that the functions cannot read */
} bind_place;

/* Replaces the program's value on top by the plain value that its type sends, *out, which borrows from it. room (or
 * NULL) says for which dialect; if it does not: for that of the engine that was made last. Raises. */
void bind_send_value(lua_State *L, const mr_type *type, const mr_store_room *room, const char *what, mr_value *out);
/* mr_decorator.send. */
mr_status bind_send_plain(mr_env *env, const mr_type *type, mr_value *v, mr_store_room *room);
/* Does a decorator with these functions over impl see NULL when it is sent? */
bool bind_sends(const mr_type *impl, const bind_decorator *d);
/* Pushes v, a value of a column of the type: as the program has it. dialect as above. When a function fails: raises the
 * DataError that names the place, or pushes what place->bad says instead: nil, or the stored value. Raises a failed
 * allocation. Returns false if a function has failed. */
bool bind_push_typed(lua_State *L, const mr_type *type, const mr_value *v, const char *dialect,
                     const bind_place *place);
/* Are both values on top, of the type, equal to the program? Pops them. Never raises. */
bool bind_equal_values(lua_State *L, const mr_type *type, const char *dialect);

#endif
