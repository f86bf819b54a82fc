/*
 * query.h: Query and Select for the other files of the binding.
 *
 * User values of both: 1 the source of the session (nil for a Select), 2 the table of a Query's methods (nil: that of
 * the base class).
 */
#ifndef MOONROW_BIND_QUERY_H
#define MOONROW_BIND_QUERY_H

#include "expression/expression.h"
#include "value/query.h"

/* query.c */
/* The query at index 1, for a method that adds a clause. Raises where the query runs a statement as it is written,
 * which takes no clauses. */
mr_query *bind_query_arg_for_clause(lua_State *L, const char *function);
/* The query at index 1, for a method that puts it into another. Raises where its columns are not known: it runs a text,
 * an INSERT, UPDATE or DELETE. */
mr_query *bind_query_arg_for_subquery(lua_State *L, const char *function);
/* Pushes the SELECT of the query at idx with bare column names, as it stands in another, as an expression. */
void bind_push_inner_select(lua_State *L, int idx, const char *function);
/* The n values from index first on as items: pushes an array of *count, and expressions. The items borrow their nodes
 * from the stack: call bind_retain_items just before the constructor that consumes them. */
mr_query_item *bind_read_items(lua_State *L, int first, int n, const char *function, unsigned *count);
void bind_retain_items(mr_query_item *items, unsigned count);
/* cte.c: the name and options that the arguments from index 2 on give a CTE. */
typedef struct bind_cte_form {
    const char *name; /* NULL: the compiler chooses one */
    unsigned flags;   /* of mr_sql_cte */
} bind_cte_form;
bind_cte_form bind_read_cte_form(lua_State *L);
/* Pushes the CTE of the body (consumed). */
void bind_push_cte(lua_State *L, const bind_cte_form *form, mr_node *body);
/* The CTEs from index 2 on as a LIST (new reference). Raises where something else is among them. */
mr_node *bind_arg_ctes(lua_State *L);

/* Adds methods to Query and, if of_select, to Select. */
void bind_extend_query(lua_State *L, const luaL_Reg *methods, bool of_select);
/* Adds methods that differ by an operator, to both. */
void bind_extend_query_operations(lua_State *L, const bind_operation *operations);
/* mr.select(items...). Returns 1. */
int bind_select(lua_State *L);
/* query:sql{ literals = true }. Returns 1. */
int bind_query_sql(lua_State *L);

/* run.c: pushes the session of the query at index 1 and returns it; raises where it has none. */
mr_session *bind_query_session(lua_State *L, const char *function);

#endif
