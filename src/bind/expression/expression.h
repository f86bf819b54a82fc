/*
 * expression.h: how values become operands, and how methods that make expressions are written; for all files that do.
 */
#ifndef MOONROW_BIND_EXPRESSION_H
#define MOONROW_BIND_EXPRESSION_H

#include "value/node.h"

/* ---------------------------------------------------------------- operands */

/* The value at idx as an operand (new reference): an expression; a Select or Query as a scalar subquery; any other
 * value as a bind of the type, coerced. Raises with `what` in the message; nil raises "is the variable set?". */
mr_node *bind_to_operand(lua_State *L, int idx, const mr_type *type, const char *what);
/* A named parameter without a type, beside an expression of the type (or NULL), has the type by which a plain value
 * would be checked there: its values are read, checked and converted by it. Other nodes are returned as they are. Takes
 * over the reference to the node, and returns one. */
mr_node *bind_typed_param(lua_State *L, mr_node *node, const mr_type *type);
/* Marks a new parameter (NULL passes) whose type was not said: a text takes that of what it stands beside, as above, if
 * it is a date, decimal, bytes or word of it. Returns the node. */
mr_node *bind_untyped(mr_node *node);
/* The same with the value's natural type: for the arguments of functions and arithmetic. */
mr_node *bind_to_value_node(lua_State *L, int idx, const char *what);
/* The end of a message that refuses a class or a relationship at idx: " (... write User.id)". value: a column is
 * wanted; else the class would do. Pushes it; NULL for anything else. */
const char *bind_class_cure(lua_State *L, int idx, bool value);
/* Replaces the value at idx by its operand, which the stack owns then: reading the next operand may raise. */
void bind_own_operand(lua_State *L, int idx, const mr_type *type, const char *what);
/* The criterion at idx, for where, having and ON: an expression (borrowed). Booleans, nil and other values raise. */
mr_node *bind_arg_criterion(lua_State *L, int idx, const char *function);
/* Pushes what messages call the expression ("User.id") and returns it. */
const char *bind_push_what(lua_State *L, const mr_node *node);
/* How SQL is shown. */
typedef struct bind_sql_form {
    const mr_dialect *dialect; /* NULL: SQLite */
    bool literals;             /* with the values in place of the parameters */
} bind_sql_form;
/* Pushes the node's SQL in the form. The node must stay alive. */
void bind_push_sql(lua_State *L, const mr_node *node, bind_sql_form form);
/* Reads the options of a method sql{ dialect = "postgresql", literals = true }, whose object is at index 1. */
bind_sql_form bind_arg_sql_form(lua_State *L);

/* ---------------------------------------------------------------- lists */

/* Pushes an array with new references to the n expressions from index first on. Nothing may raise between this call and
 * the constructor that consumes them. */
mr_node **bind_collect_nodes(lua_State *L, int first, int n);
/* Pushes the list of the n expressions from index first on: columns, labels, text. */
void bind_push_list(lua_State *L, int first, int n, const char *function);
/* The same from one value: an expression, or a plain table of them. */
void bind_push_list_of(lua_State *L, int idx, const char *function);

/* ---------------------------------------------------------------- parameters */

/* Is it a plain table of values without names? */
bool bind_is_list_of_values(lua_State *L, int idx);
/* Is the table at idx the list of a list parameter? param: the first one of the name, or NULL; one whose type takes
 * tables takes it whole. */
bool bind_takes_list(lua_State *L, int idx, const mr_node *param);
/* Reads the value at idx for a parameter of the type (NULL: not known): a table is one of JSON, or of the program's
 * own. It is replaced by what keeps its bytes. Raises where it is none. */
void bind_read_param(lua_State *L, int idx, const mr_type *type, const char *what, mr_value *out);
/* The values of the list at idx, for a list parameter of the type: pushes the array. The list keeps their strings. */
mr_value *bind_read_list(lua_State *L, int idx, const mr_type *type, const char *what, size_t *n);
/* The first parameter of the name in the expression at the index node, borrowed, or NULL. */
const mr_node *bind_param_of(lua_State *L, int node, const char *name);
/* Replaces the expression at the index node, on top of the stack, by one with the lists of the table at params (0:
 * none) in place of its list parameters. */
void bind_own_with_lists(lua_State *L, int node, int params);

/* search.c */
/* The value in JSON at idx, without a type of its own: replaced by one of the type of the value at `value`, which it is
 * compared with. Other expressions stay. */
void bind_own_natural(lua_State *L, int idx, int value);
/* The class, alias or table at idx: replaced by what stands for its whole text in a full text search. false: it is
 * something else. */
bool bind_own_searched(lua_State *L, int idx);

/* ---------------------------------------------------------------- methods that differ by an operator */

/* One of several Lua functions that share a C function. */
typedef struct bind_operation {
    const char *name;
    lua_CFunction function; /* finds its operation by bind_operation_of */
    mr_op op;
    unsigned flags; /* the function's own */
} bind_operation;
/* Sets the operations (until name NULL) in the table on top of the stack. They live as long as the program. */
void bind_set_operations(lua_State *L, const bind_operation *operations);
/* The operation as which the running function was called. */
const bind_operation *bind_operation_of(lua_State *L);

/* The type of the first expression among the n operands from idx on, each step further than the last, that functions of
 * the program convert; NULL: there is none. Values beside it are converted, too. */
const mr_type *bind_own_type(lua_State *L, int idx, int n, int step);
/* For operands of which one is the result. The same, or the type of the first expression with a known type, if Lua
 * strings beside it are dates, decimals, bytes or words of it. */
const mr_type *bind_shared_type(lua_State *L, int idx, int n, int step);
/* Replaces the value at idx by its operand. A Lua string becomes a value of the type (of bind_shared_type, or NULL) if
 * it can; if not, it is a text. */
void bind_shared_operand(lua_State *L, int idx, const mr_type *type, const char *what);

#endif
