/*
 * expression.h: what the files about SQL expressions share: how values become operands, and the methods each
 * adds.
 */
#ifndef MOONROW_BIND_EXPRESSION_H
#define MOONROW_BIND_EXPRESSION_H

#include "value/node.h"

/* expression.c */
/* The Lua value as an operand: an expression (retained), a Select or Query as a scalar subquery, a plain value as a
 * bind coerced to the type (raises with `what` in the message). nil raises: "is the variable set?". New reference. */
mr_node *bind_to_operand(lua_State *L, int idx, const mr_type *type, const char *what);
/* A criterion for where/having/on: an expression; booleans, nil and else raise. New reference. */
mr_node *bind_to_criterion(lua_State *L, int idx, const char *function);
/* Pushes what messages call the expression ("User.id") and returns it. */
const char *bind_push_what(lua_State *L, const mr_node *node);
/* Pushes the node's SQL in the dialect's spelling (NULL: SQLite's). */
void bind_push_sql(lua_State *L, const mr_node *node, const mr_dialect *dialect);
/* bind_to_operand with the value's natural type: for arguments of functions and arithmetic. */
mr_node *bind_to_value_node(lua_State *L, int idx, const char *what);
/* Replaces the value at idx by its expression: an owned operand, so that reading the next may raise. */
void bind_own_operand(lua_State *L, int idx, const mr_type *type, const char *what);
/* n nodes from the stack (expressions), first on, retained into an array that is pushed. Nothing may raise
 * between this and the constructor that consumes them. */
mr_node **bind_collect_nodes(lua_State *L, int first, int n);
/* Pushes a LIST (COMMA) of the expressions at first..first+n-1; each a column, a label, text. */
void bind_push_list(lua_State *L, int first, int n, const char *function);
/* The same from one value: an expression, or a plain table of them. */
void bind_push_list_of(lua_State *L, int idx, const char *function);

#endif
