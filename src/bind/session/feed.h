/*
 * feed.h: feeds and changes, for the files of this room.
 *
 * Invariant: a Feed is a mr_feed *; NULL once it was closed.
 */
#ifndef MOONROW_BIND_SESSION_FEED_H
#define MOONROW_BIND_SESSION_FEED_H

#include <moonrow/change.h>

#include "value/value.h"

#define BIND_FEED "moonrow.Feed"

/* Pushes the change as a table: see moonrow.Change. */
void bind_push_change(lua_State *L, mr_registry *registry, const mr_change_set *set, const mr_change *change);

#endif
