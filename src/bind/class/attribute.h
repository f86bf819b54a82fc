/*
 * attribute.h: Class.attr of a relationship, for the files that join and load along it.
 */
#ifndef MOONROW_BIND_ATTRIBUTE_H
#define MOONROW_BIND_ATTRIBUTE_H

#include "state/runtime.h"

bind_relationship *bind_test_relationship(lua_State *L, int idx); /* NULL when it is none */
/* Resolves all mappings, so that prop->relationship->target is known; raises. */
void bind_configure(lua_State *L, const mr_mapper *mapper);
/* Pushes the criterion that the relationship (of the class, or of alias: borrowed, or NULL) refers to the entity at
 * index idx, or with mr.null there to nothing: what eq(object) and filter_by{ attr = object } mean. */
void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int idx);
void bind_open_relationship_attribute(lua_State *L);

#endif
