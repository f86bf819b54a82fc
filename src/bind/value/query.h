/*
 * query.h: the box of a Query or Select.
 */
#ifndef MOONROW_BIND_QUERY_BOX_H
#define MOONROW_BIND_QUERY_BOX_H

#include "value.h"

#define BIND_QUERY  "moonrow.Query"
#define BIND_SELECT "moonrow.Select"

/* User values. */
enum { QUERY_SOURCE = 1, /* where its session comes from */ QUERY_CLASS, QUERY__VALUES = 2 };

typedef struct bind_query {
    mr_query *query;
} bind_query;

mr_query *bind_test_query(lua_State *L, int idx); /* Query and Select; NULL when it is none */
bool bind_is_query(lua_State *L, int idx);
/* The SELECT of a Query or Select at idx (new reference; raises), or NULL where it is none. */
mr_node *bind_to_select(lua_State *L, int idx);
mr_query *bind_query_arg(lua_State *L, const char *function); /* at index 1; raises */
/* Pushes a query of the type whose session comes from the value at index source (0: none). Consumes query; NULL
 * raises. */
void bind_push_query(lua_State *L, mr_query *query, int source, const char *type);
/* Pushes a query like the one at index 1: its session and class stay. Consumes q; NULL raises. Returns 1. */
int bind_derive(lua_State *L, mr_query *q);
/* Replaces the query at index 1 by the derived q: for a method that adds several clauses. */
void bind_derive_self(lua_State *L, mr_query *q);
int bind_query_gc(lua_State *L); /* __gc */

#endif
