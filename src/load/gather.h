/*
 * gather.h: the children of many parents, as rows bring them. Private to src/load.
 */
#ifndef MOONROW_LOAD_GATHER_H
#define MOONROW_LOAD_GATHER_H

#include <moonrow/entity.h>

#include "seen.h"

typedef struct mr_gather {
    mr_env *env;
    const mr_property *prop;
    bool list;       /* a collection; otherwise a reference, and the first child counts */
    bool repeats;    /* a child may be given twice: set before the first child */
    bool force;      /* what is loaded is loaded anew */
    bool renews;     /* ... where it is of an older version of the data, and not changed; false at first */
    mr_vec parents;  /* gathered_parent */
    mr_vec links;    /* gathered_link */
    mr_map *numbers; /* of parents */
    uint32_t last;   /* the parent asked for last */
    mr_seen seen;
} mr_gather;

void mr_gather_init(mr_gather *g, mr_env *env, const mr_property *prop, bool repeats, bool force);
void mr_gather_done(mr_gather *g);
/* The parent's number; a new one is added. */
mr_status mr_gather_parent(mr_gather *g, mr_entity *parent, uint32_t *out);
/* The number of a parent that was added, or UINT32_MAX. */
uint32_t mr_gather_known(mr_gather *g, const mr_entity *parent);
/* Does this parent still lack what is gathered? */
bool mr_gather_wants(const mr_gather *g, uint32_t parent);
/* Where the parent has been given no child: its slot is left alone, and true. */
bool mr_gather_set_aside(mr_gather *g, uint32_t parent);
mr_status mr_gather_child(mr_gather *g, uint32_t parent, mr_entity *child);
/* Fills the slots of all parents, and forgets them. */
mr_status mr_gather_finish(mr_gather *g);

#endif
