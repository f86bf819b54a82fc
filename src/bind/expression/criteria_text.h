/*
 * criteria_text.h: criteria as text, for the files that take criteria.
 */
#ifndef MOONROW_BIND_CRITERIA_TEXT_H
#define MOONROW_BIND_CRITERIA_TEXT_H

#include "value/node.h"

/* Reads the text at the index `text` about the class, with the values of the table at `params` (0, or nil: none).
 * Pushes an owner of the criterion, and returns it. alias: of the class (borrowed), or NULL. open: values that the text
 * does not name are no mistake. limits: or NULL. Raises. */
mr_criterion *bind_own_criterion(lua_State *L, mr_mapper *mapper, mr_node *alias, int text, int params,
                                 const mr_criteria_limits *limits, bool open, const char *function);
/* Is the value at idx a text, where criteria are wanted? Then replaces it, and the table of values behind it, by the
 * criterion as an expression. */
bool bind_own_text_criterion(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *function);

#endif
