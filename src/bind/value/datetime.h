/*
 * datetime.h: dates and times for the other files of the binding.
 */
#ifndef MOONROW_BIND_DATETIME_H
#define MOONROW_BIND_DATETIME_H

#include "value.h"

/* mr.now and mr.today. The schema knows them by their address, so default = mr.now calls no Lua function. */
int bind_now(lua_State *L);
int bind_today(lua_State *L);

#endif
