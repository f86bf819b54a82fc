/*
 * value.h: values between Lua and the core: plain values, dates and decimals.
 */
#ifndef MOONROW_BIND_VALUE_H
#define MOONROW_BIND_VALUE_H

#include "state/argument.h"
#include "state/callback.h"
#include "state/error.h"
#include "state/type.h"

void bind_push_value(lua_State *L, const mr_value *v);         /* MR_NULL: nil */
void bind_push_value_or_null(lua_State *L, const mr_value *v); /* MR_NULL: mr.null, for lists without holes */
/* The value as it is sent to the database: JSON is its text. */
void bind_push_param(lua_State *L, const mr_value *v);
#define bind_push_null(L) lua_pushlightuserdata((L), NULL)
/* Reads the Lua value at idx: nil and mr.null are MR_NULL; booleans, numbers, strings, dates and decimals are
 * themselves; an SQL expression is MR_OPAQUE with node_tag. Bytes and expressions are borrowed from the stack. Where
 * the type is Date, Time or DateTime, tables of os.date "*t" are read, too. Where it is JSON, the value at idx is
 * replaced by its text, of which the bytes are. Where the type is decorated with functions of the program, any other
 * value is replaced, at idx, by the box of own_value.h. Returns false for anything else (a table, a function, an
 * entity). */
bool bind_to_value(lua_State *L, int idx, const mr_type *type, mr_value *out);
/* Raises: the value at idx is not one of the type (which may be NULL). what: the place, for the message; wanted: what
 * is expected there; compared: the value was given for a comparison, so the message about a list names in_. */
int bind_no_value(lua_State *L, int idx, const mr_type *type, const char *what, const char *wanted,
                  bool compared) BIND_RAISES;
/* For a comparison with one value: raises where the value at idx is a table that is no value, such as a list. */
void bind_refuse_list(lua_State *L, int idx, const mr_type *type, const char *what);
/* Reads the value at idx as one of the type: bind_to_value, then mr_type_coerce. what: the place, for the message
 * ("User.id"). Raises where it is none. */
void bind_check_value(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out);

/* What the files of JSON do for those below them. push: see bind_push_json; to_value: bind_to_value for a type of JSON;
 * refuse: raises for a value that to_value has not taken. */
typedef struct bind_json_functions {
    void (*push)(lua_State *L, const mr_value *v, const char *what, const char *row);
    bool (*to_value)(lua_State *L, int idx, const mr_type *type, mr_value *out);
    int (*refuse)(lua_State *L, int idx, const mr_type *type, const char *what);
} bind_json_functions;

#define BIND_DATE "moonrow.Date"
/* Dates (datetime.c): immutable userdata. */
void bind_push_date(lua_State *L, const mr_value *v);
bool bind_to_date(lua_State *L, int idx, mr_value *out);

#define BIND_DECIMAL "moonrow.Decimal"

#endif
