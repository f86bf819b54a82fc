/*
 * attribute.h: Class.attr of a relationship, for the files that join and load along it.
 */
#ifndef MOONROW_BIND_ATTRIBUTE_H
#define MOONROW_BIND_ATTRIBUTE_H

#include "value/relationship.h"

/* criteria.c */
/* Pushes the criterion that the relationship has, in this way, to do with the entity at index idx; raises where it is
 * of another class. alias: borrowed, or NULL. */
void bind_push_about(lua_State *L, const mr_property *prop, mr_node *alias, int idx, mr_belonging how);
/* Pushes the criterion that it refers to nothing (or, negated, to something). */
void bind_push_refers_to_nothing(lua_State *L, const mr_property *prop, mr_node *alias, bool negated);
/* Pushes the criterion that the relationship (of the class, or of alias: borrowed, or NULL) refers to the entity at
 * index idx, or with mr.null there to nothing: what eq(object) and filter_by{ attr = object } mean. */
void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int idx);
/* The attribute of the class that a query names; raises where there is none, or where it is a field in memory. */
const mr_property *bind_query_attribute(lua_State *L, mr_mapper *mapper, const char *name);
/* filter_by's criterion from the table at idx, over the query's class: pushes an expression. */
void bind_push_filter_by(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *function);

#endif
