/*
 * event.h: what the files about events share.
 *
 * Lua keeps the listeners: it reads the arguments of mr.event, and knows who listens to what, how often, and which
 * classes come from a base or a mixin (lua/moonrow/event.lua, class_listeners.lua, listeners.lua). C brings an event of
 * the core to Lua: an event of a class or an attribute to one function (class_events.c), an event of a session or an
 * engine to a dispatcher, which calls the listeners (session_engine_events.c).
 */
#ifndef MOONROW_BIND_EVENT_H
#define MOONROW_BIND_EVENT_H

#include "value/value.h"

/* The name of the event with the number; NULL: there are no more. */
typedef const char *bind_event_name(int event);
/* The number of the event with the name; -1 where there is none. */
int bind_event_named(bind_event_name *name_of, const char *name);
/* Calls the function below its n arguments and leaves one result. A connection among the arguments (at the index; 0:
 * none) cannot be used after the call. */
void bind_call_listener(lua_State *L, int n, int connection);

#endif
