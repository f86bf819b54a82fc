/*
 * row_binding.h: rows of a batch bound straight from their tables, without a statement made for each.
 */
#ifndef MOONROW_BIND_ROW_BINDING_H
#define MOONROW_BIND_ROW_BINDING_H

#include "statement.h"

typedef struct bind_row_binding bind_row_binding;

/* From the first row (index row) and its statement, compiled: pushes a binding for rows with the same keys, or nil when
 * rows of this statement cannot be bound so. */
bind_row_binding *bind_push_row_binding(lua_State *L, const bind_statement *s, const mr_node *node,
                                        const mr_compiled *compiled, int row);
/* The values of the row at index row, good while it, the binding and what is pushed live; NULL where it is of another
 * shape (or wrong: to be found by the long way). Raises the errors of values and of default functions. */
const mr_value *bind_row_values(lua_State *L, bind_row_binding *binding, int row);

#endif
