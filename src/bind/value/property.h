/*
 * property.h: the box of an attribute of a class body that is neither a column nor a relationship: mr.synonym(...),
 * mr.column_property(...).
 */
#ifndef MOONROW_BIND_PROPERTY_BOX_H
#define MOONROW_BIND_PROPERTY_BOX_H

#include "value.h"

#define BIND_PROPERTY_SPEC "moonrow.PropertySpec"

/* User value 1: of a column property, what it is: an expression, or a function that makes it. */
typedef struct bind_property_spec {
    mr_property_kind kind;
    const char *synonym_of; /* interned */
    bool deferred;
    const char *deferred_group; /* interned, or NULL */
    uint64_t order;             /* creation counter */
} bind_property_spec;

#endif
