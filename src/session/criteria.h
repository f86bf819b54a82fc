/*
 * criteria.h: criteria as text, for the other files of the session.
 */
#ifndef MR_SESSION_CRITERIA_H
#define MR_SESSION_CRITERIA_H

#include "session_state.h"

/* *out: does the object's row meet the criterion? Loads nothing. MR_NOTFOUND: that is not known. */
mr_status mr_criterion_of_row(const mr_criterion *c, mr_entity *e, bool *out);

/* ---------------------------------------------------------------- current_keys.c */

/* *out: the object that the reference leads to by the keys that are in memory now, loaded if it must be; or NULL. */
mr_status mr_reference_by_keys(mr_entity *e, const mr_property *prop, mr_entity **out);
/* *out: does it lead anywhere? By its foreign key alone, where that is one column: the row may be missing. */
mr_status mr_reference_is_set(mr_entity *e, const mr_property *prop, bool *out);
/* *out: does it lead to the object, or to another one in memory of the same key? InvalidRequestError: the object has no
 * key, and no flush will give it one. */
mr_status mr_reference_leads_to(mr_entity *e, const mr_property *prop, mr_entity *object, bool *out);
/* *out: does the object's row lead to it? Loads nothing. MR_NOTFOUND: that is not known. */
mr_status mr_row_refers_to(mr_entity *e, mr_relationship *rel, mr_entity *object, bool *out);
/* Appends (mr_entity *) the objects of the list, or of the one-to-one reference, by the keys that they have now. Load
 * nothing else meanwhile that the collector could free: block the heap. */
mr_status mr_list_by_keys(mr_entity *e, const mr_property *prop, mr_vec *out);

#endif
