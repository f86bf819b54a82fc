/*
 * batching.h: how something loads in batches, as a program writes it.
 */
#ifndef MOONROW_BIND_BATCHING_H
#define MOONROW_BIND_BATCHING_H

#include "value.h"

/* The value on top of the stack, { after =, max = } or nil, which is popped. what: "Post.category: batch". nil: max is
 * 0. Raises an ArgumentError for anything else. */
mr_batching bind_pop_batching(lua_State *L, const char *what);
/* The table at idx (0: none) has the options "after" and "max" among others. The same. */
mr_batching bind_read_batching(lua_State *L, int idx, const char *what);

#endif
