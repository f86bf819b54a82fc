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

/* The box. A lookup (Class.query, and Class.query:filter_by{...} with plain values of columns) has no query yet: it
 * knows what its query would be, and most are run by that alone. Who asks for the query (bind_test_query) gets it made.
 */
typedef struct bind_query {
    const void *magic; /* tells it from other userdata: the address of a static of query.c */
    bind_state *b;
    mr_query *query;   /* NULL: a lookup whose query was not needed yet */
    mr_mapper *mapper; /* ... over this class */
    bool select;
    bool classed; /* it has a class of queries of its own, as its user value */
    unsigned nequals;
    mr_equal equals[]; /* ... in the order of the attributes' names; their bytes stand behind them */
} bind_query;

enum { BIND_MAX_EQUALS = 8 };

extern const char bind_query_magic;
/* NULL when the value is none, or when the library has closed. */
static inline bind_query *bind_query_at(lua_State *L, int idx) {
    bind_query *q = lua_touserdata(L, idx);
    if (!q || lua_rawlen(L, idx) < sizeof *q) return NULL;
    return q->magic == &bind_query_magic && !q->b->closed ? q : NULL;
}
/* Pushes a lookup of the class with these n equals, a copy. Its source is the value at index source; 0: it has the
 * source and class of the query at index 1. */
bind_query *bind_push_lookup(lua_State *L, bind_state *b, mr_mapper *mapper, const mr_equal *equals, unsigned n,
                             int source);
/* Makes the type of lookups: that of queries without a finalizer. Once, when the type of queries stands. */
void bind_make_lookups(lua_State *L);

mr_query *bind_test_query(lua_State *L, int idx); /* Query and Select; NULL when it is none */
bool bind_is_query(lua_State *L, int idx);
/* The SELECT of a Query or Select at idx (new reference; raises), or NULL where it is none. */
mr_node *bind_to_select(lua_State *L, int idx);
mr_query *bind_query_arg(lua_State *L, const char *function); /* at index 1; raises */
/* Raises: the value at index 1 is no query. */
void bind_refuse_query(lua_State *L, const char *function) BIND_RAISES;
/* Pushes a query of the type whose session comes from the value at index source (0: none). Consumes query; NULL
 * raises. */
void bind_push_query(lua_State *L, mr_query *query, int source, const char *type);
/* Pushes a query like the one at index 1: its session and class stay. Consumes q; NULL raises. Returns 1. */
int bind_derive(lua_State *L, mr_query *q);
/* Replaces the query at index 1 by the derived q: for a method that adds several clauses. */
void bind_derive_self(lua_State *L, mr_query *q);
int bind_query_gc(lua_State *L); /* __gc */

#endif
