/*
 * mapper_private.h: what the files of mapper keep beside the public structs.
 */
#ifndef MOONROW_MAPPER_PRIVATE_H
#define MOONROW_MAPPER_PRIVATE_H

#include <moonrow/mapper.h>

/* Every mapper begins a cell, so that also one whose declaration failed is cleaned up. */
typedef struct mapper_cell {
    mr_mapper mapper; /* first: the public pointer is the cell's */
    bool finished;
    struct mapper_cell *next;
} mapper_cell;

typedef struct registry_cell {
    mr_registry registry; /* first */
    mapper_cell *cells;
    bool configuring; /* a resolve callback may ask for configuration again */
} registry_cell;

static inline bool mapper_is_finished(const mr_mapper *m) { return ((const mapper_cell *)m)->finished; }

/* A mapper's i-th property, the inherited ones included. */
static inline mr_property *mapper_prop(const mr_mapper *m, size_t i) { return mr_vec_ptr(&m->props, i); }

/* Room for n more properties on the mapper and on all its subclasses. */
mr_status mr_mapper_reserve(mr_mapper *mapper, size_t n);
/* The class among mapper and its subclasses that has a property of the name, or NULL. */
mr_mapper *mr_mapper_who_has(mr_mapper *mapper, const char *name);
/* A property known to nobody yet. */
mr_property *mr_property_new(mr_mapper *mapper, const char *attribute, mr_property_kind kind);
/* Gives the property its slot and makes it known to the mapper and its subclasses. Cannot fail after a
 * reserve. */
void mr_mapper_attach(mr_mapper *mapper, mr_property *prop);
/* Whether the primary key is one integer column. */
bool mr_mapper_has_int_key(const mr_mapper *mapper);

/* Releases the nodes and lists of a relationship. */
void mr_relationship_done(mr_relationship *rel);

/* Finds how the tables of rel->parent and rel->target hang together: fills primaryjoin, secondaryjoin, pairs,
 * secondary_pairs, direction, use_get, simple. MR_NOTFOUND: why says the mistake and its cure (empty: it
 * follows from another one). */
mr_status mr_join_determine(mr_env *env, mr_relationship *rel, mr_strbuf *why);
/* The same for the other side of a relationship that has been determined. */
mr_status mr_join_reverse(mr_env *env, const mr_relationship *rel, mr_relationship *reverse);
/* Does a pair, once found, have two types whose values the database has to compare? */
bool mr_join_is_mixed(mr_env *env, const mr_relationship *rel);
/* Slots of the pairs' columns in the parent and the target. */
void mr_join_find_slots(mr_relationship *rel);

/* A new class gets the hooks of its base that propagate. (hooks.c) */
mr_status mr_hooks_inherit(mr_mapper *mapper);

#endif
