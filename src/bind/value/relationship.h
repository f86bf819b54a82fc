/*
 * relationship.h: the box of Class.attr of a relationship.
 */
#ifndef MOONROW_BIND_RELATIONSHIP_BOX_H
#define MOONROW_BIND_RELATIONSHIP_BOX_H

#include "value.h"

#define BIND_RELATIONSHIP "moonrow.Relationship"

typedef struct bind_relationship {
    const mr_property *prop;
    mr_node *alias;     /* of the class, counted; or NULL */
    mr_mapper *of_type; /* or NULL */
    mr_node *of_alias;  /* of_type(alias): the alias of the class that it leads to, counted; or NULL */
} bind_relationship;

/* mr.relationship{...}: user value 1 is the options table, which is read when the class is declared. */
#define BIND_RELATIONSHIP_SPEC "moonrow.RelationshipSpec"
typedef struct bind_relationship_spec {
    uint64_t order;
} bind_relationship_spec;

/* The same that leads to an alias (consumed). */
void bind_push_relationship_to(lua_State *L, const mr_property *prop, mr_node *alias, mr_mapper *of_type,
                               mr_node *of_alias);
/* Consumes alias. */
void bind_push_relationship(lua_State *L, const mr_property *prop, mr_node *alias, mr_mapper *of_type);
bind_relationship *bind_test_relationship(lua_State *L, int idx); /* NULL when it is none */
/* Resolves all mappings, so that prop->relationship->target is known; raises. */
void bind_configure(lua_State *L, const mr_mapper *mapper);
int bind_relationship_gc(lua_State *L); /* __gc */

#endif
