/*
 * query.h: Query and Select for the other files of the binding.
 *
 * User values of both: 1 where the session comes from (nil for a Select), 2 the table of a Query's methods
 * (nil: the base class's).
 */
#ifndef MOONROW_BIND_QUERY_H
#define MOONROW_BIND_QUERY_H

#include "state/runtime.h"

enum { QUERY_SOURCE = 1, QUERY_CLASS, QUERY__VALUES = 2 };

/* query.c */
mr_query *bind_test_query(lua_State *L, int idx);             /* Query and Select; NULL when it is none */
mr_query *bind_query_arg(lua_State *L, const char *function); /* at index 1; raises */
/* The same, for a method that adds a clause: raises where the query runs a statement as it is written. */
mr_query *bind_open_query_arg(lua_State *L, const char *function);
/* The same, for a method that makes it the FROM of another: raises where it runs text, or an INSERT,
 * UPDATE or DELETE. */
mr_query *bind_inner_query_arg(lua_State *L, const char *function);
/* Pushes a query like the one at index 1: its session and class stay. Consumes q; NULL raises. Returns 1. */
int bind_derive(lua_State *L, mr_query *q);
/* Replaces the query at index 1 by the derived q: for a clause added in several steps. */
void bind_derive_self(lua_State *L, mr_query *q);
/* The values first..first+n-1 as items (pushes an array of *count; may push more). The nodes are borrowed
 * from the stack: retain them with bind_retain_items just before the constructor that consumes them. */
mr_query_item *bind_read_items(lua_State *L, int first, int n, const char *function, unsigned *count);
void bind_retain_items(mr_query_item *items, unsigned count);
/* session:query(items...): the session is at index session_idx, the items follow to the top. Returns 1. */
int bind_query_of(lua_State *L, int session_idx);
/* mr.select(items...). Returns 1. */
int bind_select(lua_State *L);

/* run.c: pushes the session of the query at index 1 and returns it; raises where it has none. */
mr_session *bind_query_session(lua_State *L, const char *function);

/* compound.c: cte:union(query, ...): pushes the CTE of the union. Returns 1. */
int bind_cte_compound(lua_State *L, mr_op op, const char *function);

/* clause.c, from.c, compound.c, run.c, statement/by_query.c: the methods, NULL-terminated */
extern const luaL_Reg bind_clause_methods[]; /* of Query and Select */
extern const luaL_Reg bind_from_methods[];
extern const luaL_Reg bind_compound_methods[];
extern const luaL_Reg bind_run_methods[];  /* of Query alone */
extern const luaL_Reg bind_rows_methods[]; /* likewise */
/* statement/by_query.c: the option's value at idx ("auto", "evaluate", "fetch", false; nil: "auto"). */
mr_synchronize bind_to_synchronize(lua_State *L, int idx, const char *function);
/* filter_by's criterion from the table at idx, over the query's class: pushes an expression. */
void bind_push_filter_by(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *function);

#endif
