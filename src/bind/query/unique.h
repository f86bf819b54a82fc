/*
 * unique.h: which values a result has given already.
 */
#ifndef MOONROW_BIND_UNIQUE_H
#define MOONROW_BIND_UNIQUE_H

#include <lua.h>
#include <stdbool.h>

/* On top of the stack: the value; the table of what was given, empty at first; a function that says what is alike, or
 * nil; the names of the columns of a row (false: it has none), or nil for a single value. mapping: the row is a table
 * by name. Was no value like it given before? From now on one was. Leaves the first as they are, and may push more.
 * Raises what the function raises. */
bool bind_unique_is_new(lua_State *L, bool mapping);

#endif
