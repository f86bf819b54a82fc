/*
 * criteria.h: criteria as text, for the other files of the session.
 */
#ifndef MR_SESSION_CRITERIA_H
#define MR_SESSION_CRITERIA_H

#include "session_state.h"

/* *out: does the object's row meet the criterion? Loads nothing. MR_NOTFOUND: that is not known. */
mr_status mr_criterion_of_row(const mr_criterion *c, mr_entity *e, bool *out);

#endif
