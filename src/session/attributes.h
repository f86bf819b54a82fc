/*
 * attributes.h: reading and setting columns, for the other files of the session.
 *
 * Invariant: a value that is given out is true: an expired or missing one is loaded first.
 */
#ifndef MR_SESSION_ATTRIBUTES_H
#define MR_SESSION_ATTRIBUTES_H

#include "session_state.h"

/* ---------------------------------------------------------------- attribute.c */

/* Reads the object's row again if the object has expired. MR_NOTFOUND: the row is gone, and the object is deleted now.
 */
mr_status mr_attribute_load_if_expired(mr_entity *entity);
/* The object's row was found missing: the object is deleted until the transaction is rolled back. Returns MR_NOTFOUND,
 * or MR_FAIL. */
mr_status mr_attribute_row_is_gone(mr_session *s, mr_entity *entity);
/* Does any attribute of a persistent object differ from its row? */
bool mr_entity_is_changed(const mr_entity *entity);
/* mr_session_note_edits, where the question is only whether there are changes: an error is left to the flush. */
void mr_session_compare_mutable(mr_session *s);
/* mr_type_coerce and mr_type_fit, with "User.email" in the message. */
mr_status mr_attribute_coerce(const mr_mapper *mapper, const mr_property *prop, mr_value *value, mr_store_room *room);
/* Loads a column that is not loaded. needed: by the library, not by an access of the program. ObjectDeletedError: the
 * row is gone. DetachedInstanceError: no session. */
mr_status mr_attribute_load_column(mr_entity *entity, const mr_property *prop, bool needed);
/* Records the DetachedInstanceError for the attribute. */
mr_status mr_attribute_detached(mr_entity *entity, const mr_property *prop);
/* Calls the listeners of the attribute. *value may be replaced by them. old: the value before; NULL: not known. */
mr_status mr_attribute_fire(mr_attribute_event event, mr_entity *entity, const mr_property *prop, mr_value *value,
                            const mr_value *old);

/* ---------------------------------------------------------------- late_key.c */

/* A bind parameter whose value is the object's attribute at the time when the statement runs. along: the relationship
 * that is compared, for the message. required: a missing value is an InvalidRequestError. The node pins the object.
 * NULL: no memory. */
mr_node *mr_late_key(mr_entity *object, const mr_property *prop, const mr_property *along, bool required);
/* InvalidRequestError: the object that the relationship is compared with has no key yet. Returns MR_FAIL. */
mr_status mr_fail_without_key(const mr_entity *object, const mr_property *key, const mr_property *along);

#endif
