/*
 * row_default.h: what a row of an INSERT or UPDATE gets that the program has not written.
 */
#ifndef MOONROW_BIND_ROW_DEFAULT_H
#define MOONROW_BIND_ROW_DEFAULT_H

#include "statement.h"

/* What gives the column its value; kind MR_DEFAULT_NONE: nothing does. Of a class's INSERT that is also the
 * first version and the polymorphic identity. */
mr_default bind_row_default(const bind_statement *s, const mr_column *column);
/* Pushes the column's default (of bind_row_default; one that there is) as an expression. shown: for a statement that is
 * looked at, not run: functions are not called. */
void bind_push_row_default(lua_State *L, const bind_statement *s, mr_column *column, bool shown);
/* Adds the columns that have a default for the operation and are not among the n named ones, which there is room for;
 * returns the new n. */
size_t bind_add_defaulted(const bind_statement *s, mr_column **columns, size_t n);
/* Pushes the INSERT ... SELECT with the defaults of the columns that it does not name, and returns it. */
const bind_statement *bind_push_selecting(lua_State *L, const bind_statement *s, bool shown);
/* The version column of the class, where the rows of the statement are found by it; or NULL. */
mr_column *bind_row_version(const bind_statement *s);
/* Raises where a version is NULL: no statement would find such a row again. what names the attribute. */
void bind_check_version(lua_State *L, const bind_statement *s, const mr_column *column, const char *what, bool is_null);
/* Replaces the version on top of the stack by the one that comes after it. */
void bind_next_version(lua_State *L, const bind_statement *s, const char *what);

#endif
