/*
 * replay.h: the members of a step of undo.
 *
 * Invariant: an object that a step holds is pinned.
 */
#ifndef MR_SESSION_REPLAY_H
#define MR_SESSION_REPLAY_H

#include <moonrow/undo.h>

#include "session_state.h"

/* Keeps the object, whose row is deleted. Without memory it is not kept. */
void mr_step_hold(mr_step *step, mr_entity *entity);

struct mr_step {
    mr_env *env;
    mr_vec sets; /* mr_change_set *: in the order of their commits */
    mr_vec held; /* mr_entity *: detached; their rows were deleted */
    size_t bytes;
};

#endif
