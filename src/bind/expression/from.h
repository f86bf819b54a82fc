/*
 * from.h: FROM objects besides classes: aliases of classes and tables, subqueries; and their columns.
 */
#ifndef MOONROW_BIND_FROM_H
#define MOONROW_BIND_FROM_H

#include "value/from.h"

/* The class, alias, table or subquery at idx as a FROM object (new reference). Raises for other values. Sets *mapper to
 * its class, or NULL. */
mr_node *bind_to_from(lua_State *L, int idx, const char *function, mr_mapper **mapper);
/* Pushes the LIST of the n FROM objects from index first on; none where the only one is mr.null. */
void bind_push_froms(lua_State *L, int first, int n, const char *function);
/* The subclasses of the class that the value at idx lists, or all of them by "*". Raises for other values. */
const mr_polymorphic *bind_to_polymorphic(lua_State *L, mr_mapper *mapper, int idx, const char *function);
/* Pushes column i of the FROM object; raises where it has no name. */
void bind_push_from_column(lua_State *L, mr_node *from, size_t i);

#endif
