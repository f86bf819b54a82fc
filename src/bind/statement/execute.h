/*
 * execute.h: running statements on a session or a connection, for the files that do.
 */
#ifndef MOONROW_BIND_EXECUTE_H
#define MOONROW_BIND_EXECUTE_H

#include "state/state.h"

/* What runs: on a session, or on a connection. */
typedef struct bind_target {
    mr_session *session;
    mr_conn *conn;
    int owner; /* index of the value that the result belongs to */
    mr_synchronize how;
    mr_mapper *mapper;   /* whose objects follow the statement, an UPDATE or DELETE on a session; or NULL */
    mr_mapper *returned; /* whose objects the statement gives, on a session; or NULL: rows of columns */
} bind_target;

/* An open cursor, in a userdata. */
typedef struct bind_cursor {
    mr_session_cursor c;
    mr_env *env;
    bool open;
} bind_cursor;

bind_cursor *bind_cursor_new(lua_State *L); /* pushes it; not open */
/* Consumes node. Raises. */
void bind_cursor_open(lua_State *L, const bind_target *t, bind_cursor *cursor, mr_node *node,
                      const mr_named_value *named, size_t n);
void bind_cursor_close(bind_cursor *cursor);
/* The table at idx (0: none) as named values: pushes the array, and the strings that the values borrow their bytes
 * from: a listener may change the table before they are read. */
mr_named_value *bind_read_params(lua_State *L, int idx, size_t *n);
/* Runs the statement on top of the stack (an expression that owns it; popped) into the Result at index result. */
void bind_run_one(lua_State *L, const bind_target *t, int result, int params);

/* execute_rows.c: the statement at index stmt (a text, an INSERT without values, an UPDATE without values and criteria)
 * for each of the rows */
void bind_run_rows(lua_State *L, const bind_target *t, int result, int stmt, int rows);

#endif
