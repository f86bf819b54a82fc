/*
 * query.h: Query and Select for the other files of the binding.
 *
 * User values of both: 1 where the session comes from (nil for a Select), 2 the table of a Query's methods
 * (nil: the base class's).
 */
#ifndef MOONROW_BIND_QUERY_H
#define MOONROW_BIND_QUERY_H

#include "value/query.h"

/* query.c */
/* The query at index 1 for a method that adds a clause: raises where the query runs a statement as it is written. */
mr_query *bind_open_query_arg(lua_State *L, const char *function);
/* The same, for a method that makes it the FROM of another: raises where it runs text, or an INSERT,
 * UPDATE or DELETE. */
mr_query *bind_inner_query_arg(lua_State *L, const char *function);
/* The values first..first+n-1 as items (pushes an array of *count; may push more). The nodes are borrowed
 * from the stack: retain them with bind_retain_items just before the constructor that consumes them. */
mr_query_item *bind_read_items(lua_State *L, int first, int n, const char *function, unsigned *count);
void bind_retain_items(mr_query_item *items, unsigned count);
/* Adds methods to Query and, if of_select, to Select. For the files that come after query.c. */
void bind_extend_query(lua_State *L, const luaL_Reg *methods, bool of_select);
/* mr.select(items...). Returns 1. */
int bind_select(lua_State *L);

/* run.c: pushes the session of the query at index 1 and returns it; raises where it has none. */
mr_session *bind_query_session(lua_State *L, const char *function);

#endif
