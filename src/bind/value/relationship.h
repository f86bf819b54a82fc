/*
 * relationship.h: the box of Class.attr of a relationship.
 */
#ifndef MOONROW_BIND_RELATIONSHIP_BOX_H
#define MOONROW_BIND_RELATIONSHIP_BOX_H

#include "value.h"

#define BIND_RELATIONSHIP "moonrow.Relationship"

typedef struct bind_relationship {
    const mr_property *prop;
    mr_node *alias;             /* of the class, counted; or NULL */
    mr_mapper *of_type;         /* or NULL */
    mr_node *of_alias;          /* of_type(alias): the alias that it leads to, counted; or NULL */
    const mr_polymorphic *with; /* of_type: the subclasses that an eager load reads with the target; or NULL */
} bind_relationship;

/* mr.relationship{...}: user value 1 is the options table, which is read when the class is declared. */
#define BIND_RELATIONSHIP_SPEC "moonrow.RelationshipSpec"
typedef struct bind_relationship_spec {
    uint64_t order;
} bind_relationship_spec;

/* Consumes alias. */
void bind_push_relationship(lua_State *L, const mr_property *prop, mr_node *alias, mr_mapper *of_type);
/* The same, with an alias (consumed; or NULL) and subclasses of its target. */
void bind_push_of_type(lua_State *L, const bind_relationship *of, mr_mapper *of_type, mr_node *of_alias,
                       const mr_polymorphic *with);
bind_relationship *bind_test_relationship(lua_State *L, int idx); /* NULL when it is none */
/* Resolves all mappings, so that prop->relationship->target is known; raises. */
void bind_configure(lua_State *L, const mr_mapper *mapper);
int bind_relationship_gc(lua_State *L); /* __gc */

#endif
