/*
 * rules.h: what several types of this folder have in common.
 */
#ifndef MOONROW_SCHEMA_RULES_H
#define MOONROW_SCHEMA_RULES_H

#include <moonrow/schema.h>

enum { MR_STORED_ALL = MR_STORED_INTEGER | MR_STORED_FLOAT | MR_STORED_TEXT | MR_STORED_BLOB };

/* Makes an integer of a float without a fraction; false for other values. */
bool mr_rule_integer(mr_value *v);
/* Every stored value is one of the type. */
bool mr_rule_read_all(const mr_type *type, mr_value *v);

#endif
