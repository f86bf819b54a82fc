/*
 * attribute.h: Class.attr of a relationship, for the files that join and load along it.
 */
#ifndef MOONROW_BIND_ATTRIBUTE_H
#define MOONROW_BIND_ATTRIBUTE_H

#include "state/runtime.h"

bind_relationship *bind_test_relationship(lua_State *L, int idx); /* NULL when it is none */
/* Resolves all mappings, so that prop->relationship->target is known; raises. */
void bind_configure(lua_State *L, const mr_mapper *mapper);
/* Pushes the criterion that the relationship (of the class, or of alias: borrowed, or NULL) refers to the
 * entity at index entity: what eq(object) and filter_by{ attr = object } mean. */
void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int entity);
/* The criterion that rows of the relationship's target (alias: borrowed, or NULL) belong to the parent: what
 * with_parent means, its values read now. A new reference; NULL: the recorded error. Call it entered. */
mr_node *bind_belongs_to(const mr_property *along, mr_node *alias, mr_entity *parent);
/* Does an object's key, compared as a value, find other rows than a join of its row? Call it entered. */
bool bind_spells_apart(const mr_property *along, const mr_entity *e);
/* Pushes the EXISTS over the target's rows (or those of of_type, when not NULL) that the relationship leads to, with
 * the criterion at the index (0: none). */
void bind_push_related_exists(lua_State *L, const mr_property *prop, mr_node *alias, mr_mapper *of_type, int criterion);
/* Pushes the criterion that it refers to nothing (or, negated, to something). */
void bind_push_refers_to_nothing(lua_State *L, const mr_property *prop, mr_node *alias, bool negated);
void bind_open_relationship_attribute(lua_State *L);

#endif
