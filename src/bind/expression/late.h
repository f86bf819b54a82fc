/*
 * late.h: the key of an object as a value that is read when the statement runs.
 */
#ifndef MOONROW_BIND_LATE_H
#define MOONROW_BIND_LATE_H

#include <moonrow/session.h>

extern const mr_opaque_ops bind_late_ops;

/* A bind of the value that the object's attribute has when the statement runs. along: the relationship that is
 * compared, for the error where the value is required and missing then. The node pins the object. NULL
 * without memory. */
mr_node *bind_late_key(mr_entity *entity, const mr_property *prop, const mr_property *along, bool required);

#endif
