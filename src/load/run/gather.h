/*
 * gather.h: collects the children of many parents from rows, then fills the parents' slots. Private to src/load.
 *
 * Invariant: no slot changes before mr_gather_finish.
 */
#ifndef MOONROW_LOAD_GATHER_H
#define MOONROW_LOAD_GATHER_H

#include <moonrow/entity.h>

#include "seen.h"

typedef struct mr_gather {
    mr_env *env;
    const mr_property *prop;
    bool list;       /* the slot is a collection; false: a reference, for which the first child counts */
    bool repeats;    /* a child may be given twice; set it before the first child */
    bool force;      /* loaded slots are filled again */
    bool part;       /* the children of a parent are not all that it has */
    uint32_t since;  /* a part that was filled after that version of collections is not filled again */
    bool renews;     /* the same, only for slots of an older version of the data without changes; false at first */
    mr_vec parents;  /* gathered_parent */
    mr_vec links;    /* gathered_link */
    mr_map *numbers; /* from parent to its number */
    uint32_t last;   /* number of the parent that was asked for last */
    mr_seen seen;
} mr_gather;

void mr_gather_init(mr_gather *g, mr_env *env, const mr_property *prop, bool repeats, bool force, uint32_t since);
void mr_gather_done(mr_gather *g);
/* *out: the number of the parent, which is added if it is new. */
mr_status mr_gather_parent(mr_gather *g, mr_entity *parent, uint32_t *out);
/* The number of a parent that was added, or UINT32_MAX. */
uint32_t mr_gather_number_of(mr_gather *g, const mr_entity *parent);
/* If the parent has got no child: returns true, and its slot will not be filled. */
bool mr_gather_skip_empty(mr_gather *g, uint32_t parent);
/* Gives the child to the parent with that number. */
mr_status mr_gather_child(mr_gather *g, uint32_t parent, mr_entity *child);
/* Fills the slots of all parents, and forgets them. */
mr_status mr_gather_finish(mr_gather *g);

#endif
