/*
 * from.h: what a query can select from besides a class: aliases of classes and tables, subqueries, and the
 * columns of each.
 */
#ifndef MOONROW_BIND_FROM_H
#define MOONROW_BIND_FROM_H

#include "value/from.h"

/* A FROM object from a class, an alias, a table, a subquery: a new reference; raises. *mapper: its class, or
 * NULL. */
mr_node *bind_to_from(lua_State *L, int idx, const char *function, mr_mapper **mapper);
/* Pushes column i of the FROM object; raises where it has no name. */
void bind_push_from_column(lua_State *L, mr_node *from, size_t i);

#endif
