/*
 * node.h: the box of an SQL expression.
 */
#ifndef MOONROW_BIND_NODE_BOX_H
#define MOONROW_BIND_NODE_BOX_H

#include "value.h"

#define BIND_EXPRESSION "moonrow.Expression"
#define BIND_COMPARED                                                                                                  \
    "moonrow.ComparedExpression" /* one that has methods of the program's; user value 1: their table */

typedef struct bind_expression {
    mr_node *node;
    const char *key; /* the name that it is read by, of an attribute with several (a synonym); interned; or NULL */
} bind_expression;

void bind_push_node(lua_State *L, mr_node *node); /* consumes; raises when node is NULL (the recorded error) */
mr_node *bind_test_node(lua_State *L, int idx);   /* borrowed, or NULL */
/* The node at idx, borrowed; raises where it is no expression. */
mr_node *bind_arg_node(lua_State *L, int idx, const char *function);
/* Gives the expression on top the name under which it was read, where the property has another one. */
void bind_name_expression(lua_State *L, const char *name, const mr_property *prop);
/* That name, of the expression at idx, or NULL. */
const char *bind_expression_key(lua_State *L, int idx);
/* The same expression with the table of methods on top, which it takes the place of. node: borrowed. */
void bind_push_compared(lua_State *L, mr_node *node);
int bind_expression_gc(lua_State *L); /* __gc */

#endif
