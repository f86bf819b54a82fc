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
    bool ended;        /* commit or rollback was called inside the block: nobody would commit later work */
    bool borrowed;     /* belongs to the caller of a listener; must not be committed or closed here */
} bind_connection;

/* Pushes a value of no engine yet. */
bind_engine *bind_push_empty_engine(lua_State *L);
void bind_push_engine(lua_State *L, mr_engine *engine); /* retained */
mr_engine *bind_test_engine(lua_State *L, int idx);     /* NULL when it is none */
int bind_engine_gc(lua_State *L);                       /* __gc */
mr_conn *bind_test_connection(lua_State *L, int idx);   /* NULL when it is none; raises when closed */
/* The open connection at index 1, for a method; raises. Cursors of loops that have ended are closed first. */
bind_connection *bind_connection_arg(lua_State *L, const char *function);
/* Raises where the transaction of its block was ended inside the block. */
void bind_refuse_ended(lua_State *L, const bind_connection *c, const char *function);
/* For the time of a callback: pushes a value for somebody else's connection, which ends before the connection may. */
void bind_push_borrowed_connection(lua_State *L, mr_conn *conn);
void bind_end_borrowed_connection(lua_State *L, int idx);

#endif
