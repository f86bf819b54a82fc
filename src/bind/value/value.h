/*
 * value.h: values between Lua and the core: plain values and dates.
 */
#ifndef MOONROW_BIND_VALUE_H
#define MOONROW_BIND_VALUE_H

#include "state/argument.h"
#include "state/callback.h"
#include "state/error.h"
#include "state/type.h"

void bind_push_value(lua_State *L, const mr_value *v);         /* MR_NULL: nil */
void bind_push_value_or_null(lua_State *L, const mr_value *v); /* MR_NULL: mr.null, for lists without holes */
#define bind_push_null(L) lua_pushlightuserdata((L), NULL)
/* The Lua value as a mr_value, bytes borrowed from the stack: nil and mr.null MR_NULL, booleans, numbers, strings,
 * dates; expressions as MR_OPAQUE node_tag (borrowed). With type Date, Time, DateTime also os.date "*t" tables. false
 * where it is none (a table, a function, an entity). */
bool bind_to_value(lua_State *L, int idx, const mr_type *type, mr_value *out);
/* Raises: the value at idx is none of the type (or NULL). what names it, wanted says what is expected;
 * compared: it was to be compared with, where a list has a way of its own. */
int bind_no_value(lua_State *L, int idx, const mr_type *type, const char *what, const char *wanted,
                  bool compared) BIND_RAISES;
/* Raises where one value is wanted to compare with and a table is given that is none: a list has in_. */
void bind_refuse_list(lua_State *L, int idx, const mr_type *type, const char *what);
/* As bind_to_value, then mr_type_coerce with what ("User.id"); raises. */
void bind_check_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out);

#define BIND_DATE "moonrow.Date"
/* Dates (datetime.c): immutable userdata. */
void bind_push_date(lua_State *L, const mr_value *v);
bool bind_to_date(lua_State *L, int idx, mr_value *out);

#endif
