/*
 * relationship_attribute.h: Class.attr of a relationship, for the files that join and load along it.
 */
#ifndef MOONROW_BIND_RELATIONSHIP_ATTRIBUTE_H
#define MOONROW_BIND_RELATIONSHIP_ATTRIBUTE_H

#include "runtime.h"

bind_relationship *bind_test_relationship(lua_State *L, int idx); /* NULL when it is none */
/* Resolves all mappings, so that prop->relationship->target is known; raises. */
void bind_configure(lua_State *L, const mr_mapper *mapper);
/* Pushes the criterion that the relationship (of the class, or of alias: borrowed, or NULL) refers to the
 * entity at index entity: what eq(object) and filter_by{ attr = object } mean. */
void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int entity);
/* The criterion that rows of the relationship's target (alias: borrowed, or NULL) belong to the parent: what
 * with_parent means, its values read now. A new reference; NULL: the recorded error. Call it entered. */
mr_node *bind_belongs_to(const mr_property *along, mr_node *alias, mr_entity *parent);
/* Pushes the criterion that it refers to nothing (or, negated, to something). */
void bind_push_refers_to_nothing(lua_State *L, const mr_property *prop, mr_node *alias, bool negated);
void bind_open_relationship_attribute(lua_State *L);

#endif
