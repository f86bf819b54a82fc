/*
 * statement.h: the box of an INSERT, UPDATE or DELETE.
 */
#ifndef MOONROW_BIND_STATEMENT_BOX_H
#define MOONROW_BIND_STATEMENT_BOX_H

#include "value.h"

#define BIND_STATEMENT "moonrow.Statement"

typedef struct bind_statement {
    mr_node_kind kind;
    mr_mapper *mapper;   /* of the class that the statement was made with; NULL: it was a table */
    mr_dml dml;          /* its nodes are counted */
    mr_mapper *rows_of;  /* UPDATE of rows by their keys: the class of the rows, where mapper is NULL; or NULL */
    mr_mapper *returned; /* RETURNING gives objects of this class; NULL: columns, or nothing */
    mr_query *options;   /* its options are those of the statement; counted, or NULL: it has none */
    bool ordered;        /* UPDATE: the values came from ordered_values */
    bool bare;           /* INSERT ... SELECT: without the defaults of the columns that it does not name */
    double timeout;      /* seconds that it may run: see mr_marks */
    bool populate;       /* the objects that RETURNING gives take the values of their rows, if they are in memory */
    mr_synchronize how;  /* UPDATE, DELETE: how the objects of the session are brought up to date */
} bind_statement;

bind_statement *bind_test_statement(lua_State *L, int idx); /* NULL when it is none */
/* Pushes a statement of the kind over the table, without any clause; raises. */
bind_statement *bind_push_statement(lua_State *L, mr_node_kind kind, mr_mapper *mapper, const mr_table *table);
/* Pushes a copy of s (all its nodes retained) to be changed by the caller. */
bind_statement *bind_push_statement_copy(lua_State *L, const bind_statement *s);
/* Pops the expression on top of the stack and makes it the clause. */
void bind_statement_take(lua_State *L, mr_node **clause);
/* The statement as a node, which retains all clauses. NULL: the error is recorded. */
mr_node *bind_statement_of_clauses(mr_env *env, mr_node_kind kind, const mr_dml *clauses);
/* Reads the value of the option synchronize_session at idx: "auto", "evaluate", "fetch", false; nil is "auto". */
mr_synchronize bind_to_synchronize(lua_State *L, int idx, const char *function);
int bind_statement_gc(lua_State *L); /* __gc */

#endif
