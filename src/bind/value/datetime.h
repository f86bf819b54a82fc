/*
 * datetime.h: dates and times for the other files of the binding.
 */
#ifndef MOONROW_BIND_DATETIME_H
#define MOONROW_BIND_DATETIME_H

#include "state/runtime.h"

/* mr.now and mr.today: known by address, so that default = mr.now needs no callback. */
int bind_now(lua_State *L);
int bind_today(lua_State *L);
/* The value formatted after strftime's pattern; pushes the string. An unknown directive raises. (strftime.c)
 */
void bind_push_formatted(lua_State *L, const mr_value *v, const char *pattern, size_t len);

#endif
