/*
 * decorated.h: values of the program's own, of columns whose type is decorated with functions of the program
 * (TypeDecorator).
 */
#ifndef MOONROW_BIND_DECORATED_H
#define MOONROW_BIND_DECORATED_H

#include "own_value.h"
#include "value.h"

/* The functions of a decorator: mr_decorator.ud. Each may be NULL. */
typedef struct bind_decorator {
    bind_ref *bind, *result, *literal, *equal;
} bind_decorator;

/* A column's value, for messages. */
typedef struct bind_place {
    const char *what; /* "User.tags" */
    const char *row;  /* "User 5", or NULL */
} bind_place;

/* Replaces the program's value on top by the plain value that its type sends, *out, which borrows from it. room (or
 * NULL) says for which dialect; if it does not: for that of the engine that was made last. Raises. */
void bind_send_value(lua_State *L, const mr_type *type, const mr_store_room *room, const char *what, mr_value *out);
/* mr_decorator.send. */
mr_status bind_send_plain(mr_env *env, const mr_type *type, mr_value *v, mr_store_room *room);
/* Does a decorator with these functions over impl see NULL when it is sent? */
bool bind_sends(const mr_type *impl, const bind_decorator *d);
/* Replaces the stored value on top by the program's value; dialect as above. Raises the DataError that names the place.
 */
void bind_receive_value(lua_State *L, const mr_type *type, const char *dialect, const bind_place *place);
/* Pushes v, a value of a column of the type: as the program has it. */
void bind_push_typed(lua_State *L, const mr_type *type, const mr_value *v, const char *dialect,
                     const bind_place *place);
/* Are both values on top, of the type, equal to the program? Pops them. Never raises. */
bool bind_equal_values(lua_State *L, const mr_type *type);

#endif
