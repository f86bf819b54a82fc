/*
 * row_default.h: the values that a row of an INSERT or UPDATE gets from the defaults of its columns.
 */
#ifndef MOONROW_BIND_ROW_DEFAULT_H
#define MOONROW_BIND_ROW_DEFAULT_H

#include "statement.h"

/* The default that the column has for this statement; kind MR_DEFAULT_NONE: it has none. In the INSERT of a class, the
 * first version and the polymorphic identity are defaults, too. */
mr_default bind_row_default(const bind_statement *s, const mr_column *column);
/* Calls or copies the default, which is no SQL expression; nothing given is NULL. The bytes of a function's value are
 * valid until it is called again. */
mr_status bind_default_value(mr_env *env, const mr_default *d, mr_value *out);
/* Pushes the column's default, which it must have, as an expression. shown: the statement is printed, not run;
 * functions are not called. */
void bind_push_row_default(lua_State *L, const bind_statement *s, mr_column *column, bool shown);
/* Pushes an array with the n columns that the statement names, and room for all others of its table. */
mr_column **bind_push_named_columns(lua_State *L, const bind_statement *s, size_t *n);
/* Adds to the n columns those that have a default for this statement and are not among them. The array has room for all
 * columns of the table. Returns the new n. */
size_t bind_add_defaulted(const bind_statement *s, mr_column **columns, size_t n);
/* Does the INSERT write no column at all, neither a named one nor one with a default? */
bool bind_writes_no_column(const bind_statement *s);
/* with_defaults.c: pushes and returns the statement with the defaults of the columns that it does not name. shown: it
 * is printed, not run. The statement itself where it has none. */
const bind_statement *bind_push_with_defaults(lua_State *L, const bind_statement *s, bool shown);
/* insert_select.c: the same for INSERT ... SELECT. */
const bind_statement *bind_push_insert_select(lua_State *L, const bind_statement *s, bool shown);
/* The version column of the class, if the statement finds rows by their version; or NULL. */
mr_column *bind_row_version(const bind_statement *s);
/* Raises where a version is set to NULL: no later statement would find the row. what: the attribute, for the message.
 */
void bind_check_version(lua_State *L, const bind_statement *s, const mr_column *column, const char *what, bool is_null);

#endif
