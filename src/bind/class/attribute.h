/*
 * attribute.h: Class.attr of a relationship, for the files that join and load along it.
 */
#ifndef MOONROW_BIND_ATTRIBUTE_H
#define MOONROW_BIND_ATTRIBUTE_H

#include "value/relationship.h"

/* criteria.c */
/* Pushes the criterion that the relationship refers to the entity at index idx, or refers to another one (how). Raises
 * where the entity is of another class. alias: borrowed, or NULL. */
void bind_push_about(lua_State *L, const mr_property *prop, mr_node *alias, int idx, mr_belonging how);
/* Pushes the criterion that the relationship refers to nothing (negated: to something). */
void bind_push_refers_to_nothing(lua_State *L, const mr_property *prop, mr_node *alias, bool negated);
/* Pushes the criterion of eq(object) and filter_by{ attr = object }: the relationship refers to the entity at index
 * idx; mr.null there: to nothing. alias: borrowed, or NULL: the class itself. */
void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int idx);
/* The attribute of the class that a query names; raises where the class maps none of this name. */
const mr_property *bind_query_attribute(lua_State *L, mr_mapper *mapper, const char *name);
/* Pushes the criterion of filter_by: each attribute of the class (or of its alias: borrowed, or NULL) has the value
 * that the table at idx gives it. */
void bind_push_filter_by(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *function);

/* attribute.c */
/* The relationship at idx, User.posts or its name, of the class or of a base of it; raises. *alias: the alias that it
 * leads to by of_type (borrowed), or NULL. The mappings are configured before. */
const mr_property *bind_relationship_of(lua_State *L, int idx, const mr_mapper *parent, mr_node **alias,
                                        const char *function);

#endif
