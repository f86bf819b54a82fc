/*
 * batch.h: one statement for many rows: they are checked, then run one after the other.
 */
#ifndef MOONROW_BIND_BATCH_H
#define MOONROW_BIND_BATCH_H

#include "execute.h"
#include "statement.h"

/* batch.c: runs the statement at index stmt (a text, an INSERT without values, an UPDATE without values and criteria)
 * for each row of the list at index rows, into the Result at index result. Raises; the rows before stay written. */
void bind_run_rows(lua_State *L, const bind_target *t, int result, int stmt, int rows);

/* batch_check.c: raises where a row of the list is wrong: it is no table, a key names no column, a value has another
 * type, or, for an UPDATE, a part of the primary key is missing. stmt: as above; the rows of a text are only tested
 * for being tables. */
void bind_check_rows(lua_State *L, int stmt, int rows);

/* update_parts.c: is it an UPDATE of a class whose objects are in several tables? The rows of such a one, checked, are
 * written by bind_run_parts, which takes what bind_run_rows takes. */
bool bind_is_in_parts(const bind_statement *s);
void bind_run_parts(lua_State *L, const bind_target *t, int result, int stmt, int rows);

/* batch_binding.c: rows bound straight from their tables, without making a statement for each. */
typedef struct bind_row_binding bind_row_binding;
/* row: the index of the first row; node, compiled: the statement made for it. Pushes the binding for rows with the same
 * keys; or pushes nil and returns NULL, where rows of this statement cannot be bound so. */
bind_row_binding *bind_push_row_binding(lua_State *L, const bind_statement *s, const mr_node *node,
                                        const mr_compiled *compiled, int row);
/* Are functions of the program called for the rows? */
bool bind_row_binding_calls(const bind_row_binding *b);
/* The values of the row at index row, valid as long as the row, the binding and what is pushed. NULL: the row has
 * another shape, or is wrong; make a statement for it. Raises the errors of values and of default functions. */
const mr_value *bind_row_values(lua_State *L, bind_row_binding *binding, int row);

#endif
