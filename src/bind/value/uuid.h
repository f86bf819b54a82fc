/*
 * uuid.h: mr.uuid4 and mr.uuid7.
 */
#ifndef MOONROW_BIND_UUID_H
#define MOONROW_BIND_UUID_H

#include "state/state.h"

int bind_uuid4(lua_State *L);
int bind_uuid7(lua_State *L);

#endif
