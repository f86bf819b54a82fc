/*
 * option_value.h: a loader option as a Lua value: a path and what is said along it; for the files about loader options.
 *
 * Invariant: an option value is never changed after the function that made it has returned.
 */
#ifndef MOONROW_BIND_OPTION_VALUE_H
#define MOONROW_BIND_OPTION_VALUE_H

#include <moonrow/query.h>

#include "option.h"

/* One of the options in a value. All share the steps of the value: an option has the first nsteps of them, and a column
 * option has one more in `last`. */
typedef struct bind_option_part {
    mr_option option; /* steps, start: unused; alias: one reference */
    unsigned nsteps;
    bool has_last;
    mr_option_step last;
} bind_option_part;

/* Has the first nsteps and nparts of its store, which is its user value, too. */
typedef struct bind_option_value {
    unsigned nsteps, nparts;
    mr_mapper *mapper; /* the class where the path starts, or NULL */
    mr_node *start;    /* the alias of the class, or NULL; one reference */
    mr_option_step *steps;
    bind_option_part *parts;
    struct option_store *store;
} bind_option_value;

/* Pushes a copy of the option at index 1 (or an empty one: from is NULL) with room for more steps and parts. */
bind_option_value *bind_extend_option(lua_State *L, const bind_option_value *from, unsigned steps, unsigned parts);
/* Append to an option that was just made, and has room. */
void bind_add_step(bind_option_value *o, mr_option_step step);
/* Keeps references to what the part names; that to its criterion is the caller's, and becomes the option's. */
void bind_add_part(bind_option_value *o, const bind_option_part *part);
/* Sets the metamethod with which an option lets go of what it names. */
void bind_open_option_value(lua_State *L);

#endif
