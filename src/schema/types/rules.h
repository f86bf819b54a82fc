/*
 * rules.h: rules that several types of this folder share.
 *
 * Invariant: like all rules of types, they allocate nothing.
 */
#ifndef MOONROW_SCHEMA_RULES_H
#define MOONROW_SCHEMA_RULES_H

#include <moonrow/schema.h>

enum { MR_STORED_ALL = MR_STORED_INTEGER | MR_STORED_FLOAT | MR_STORED_TEXT | MR_STORED_BLOB };

/* Is the value text that spells a number, or an integer, in digits? */
bool mr_rule_spells_number(const mr_value *v, bool integer);
/* Reads every stored value, unchanged. */
bool mr_rule_read_all(const mr_type *type, mr_value *v);

#endif
