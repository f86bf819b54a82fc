/*
 * engine.h: the boxes of engines and connections.
 */
#ifndef MOONROW_BIND_ENGINE_BOX_H
#define MOONROW_BIND_ENGINE_BOX_H

#include "value.h"

#define BIND_ENGINE     "moonrow.Engine"
#define BIND_CONNECTION "moonrow.Connection"

typedef struct bind_engine {
    mr_engine *engine; /* counted; first, so that the userdata is a mr_engine ** too */
} bind_engine;

typedef struct bind_connection {
    mr_conn *conn;     /* NULL once closed */
    mr_engine *engine; /* counted: outlives the connection */
    bool block;        /* made by engine:begin() */
    bool function;     /* engine:begin(fn): the block ends when the function does, not by __close */
    bool ended;        /* commit or rollback was called inside the block: later work would never be committed */
    bool borrowed;     /* belongs to the caller of a listener; must not be committed or closed here */
} bind_connection;

/* Pushes a value without an engine. */
bind_engine *bind_push_empty_engine(lua_State *L);
void bind_push_engine(lua_State *L, mr_engine *engine); /* retained */
mr_engine *bind_test_engine(lua_State *L, int idx);     /* NULL when it is none */
int bind_engine_gc(lua_State *L);                       /* __gc */
mr_conn *bind_test_connection(lua_State *L, int idx);   /* NULL when it is none; raises when closed */
/* The open connection at index 1, for a method; raises where it is none. Closes cursors of loops that were left by
 * break. */
bind_connection *bind_connection_arg(lua_State *L, const char *function);
/* Raises where the transaction of its block was ended inside the block. */
void bind_refuse_ended(lua_State *L, const bind_connection *c, const char *function);
/* During a callback: pushes a value for a connection that belongs to the callback's caller. The second ends the value,
 * at the end of the callback, and leaves the connection open. */
void bind_push_borrowed_connection(lua_State *L, mr_conn *conn);
void bind_end_borrowed_connection(lua_State *L, int idx);

#endif
