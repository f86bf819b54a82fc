/*
 * execute.h: running statements on a session or a connection, for the files that run them.
 */
#ifndef MOONROW_BIND_EXECUTE_H
#define MOONROW_BIND_EXECUTE_H

#include "state/state.h"

/* Where a statement runs (a session, or a connection), and what it means for objects. */
typedef struct bind_target {
    mr_session *session;
    mr_conn *conn;
    int owner;           /* index of the session's or connection's value, to which the Result belongs */
    mr_synchronize how;  /* an UPDATE or DELETE of a class, on a session: how its objects are changed */
    mr_mapper *mapper;   /* ... and the class; NULL for other statements */
    mr_mapper *returned; /* on a session: the class whose objects the statement returns; NULL: it returns columns */
    mr_marks marks;      /* of the statement on a session */
    mr_query *options;   /* ... and those of the statement; borrowed, or NULL */
    bool populate;       /* ... and those in memory take the values of their rows */
    lua_Integer row, last_row; /* the statement is of these rows of a list, for messages; 0: of no list */
} bind_target;

/* An open cursor, in a userdata. */
typedef struct bind_cursor {
    mr_session_cursor c;
    mr_env *env;
    bool open;
} bind_cursor;

bind_cursor *bind_cursor_new(lua_State *L); /* pushes it; not open */
/* The INSERT, UPDATE or DELETE with its values as they are sent, so that keys and objects in memory are found by them.
 * Pushed, if it is another node than the given one. Raises. (run.c) */
mr_node *bind_push_sent(lua_State *L, const bind_target *t, mr_node *node);
/* Consumes node. Raises. */
void bind_cursor_open(lua_State *L, const bind_target *t, bind_cursor *cursor, mr_node *node,
                      const mr_named_value *named, size_t n);
void bind_cursor_close(bind_cursor *cursor);
/* Reads the table at idx (0: none) as named values of the expression at the index node. Pushes the array, and the
 * strings whose bytes the values have: a listener may remove them from the table before the values are used. */
mr_named_value *bind_read_params(lua_State *L, int idx, int node, size_t *n);
/* Runs the statement on top of the stack (an expression that owns it; popped) and adds what it gives to the Result at
 * index result. */
void bind_run_one(lua_State *L, const bind_target *t, int result, int params);

#endif
