/*
 * connection.h: engines and connections for the other files of the binding.
 */
#ifndef MOONROW_BIND_CONNECTION_H
#define MOONROW_BIND_CONNECTION_H

#include "state/runtime.h"

typedef struct bind_engine {
    mr_engine *engine; /* counted; first, so that the userdata is a mr_engine ** too */
} bind_engine;

typedef struct bind_connection {
    mr_conn *conn;     /* NULL once closed */
    mr_engine *engine; /* counted: outlives the connection */
    bool block;        /* made by engine:begin() */
    bool function;     /* engine:begin(fn): the block ends when the function does, not by __close */
    bool ended;        /* commit or rollback was called inside the block: nobody would commit later work */
    bool borrowed;     /* belongs to the caller of a listener: must not be ended or closed through this value */
} bind_connection;

void bind_push_engine(lua_State *L, mr_engine *engine); /* retained */
mr_engine *bind_test_engine(lua_State *L, int idx);     /* NULL when it is none */
mr_conn *bind_test_connection(lua_State *L, int idx);   /* NULL when it is none; raises when closed */
/* For the time of a callback: pushes a value for somebody else's connection, which ends before the connection may. */
void bind_push_borrowed_connection(lua_State *L, mr_conn *conn);
void bind_end_borrowed_connection(lua_State *L, int idx);
/* The methods of an engine that give a connection. */
int bind_engine_connect(lua_State *L);
int bind_engine_begin(lua_State *L);
void bind_open_connection(lua_State *L);

#endif
