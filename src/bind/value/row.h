/*
 * row.h: rows of several items, which cannot be changed, and lists of results, which are tables.
 */
#ifndef MOONROW_BIND_ROW_H
#define MOONROW_BIND_ROW_H

#include <moonrow/query.h>

#include "value.h"

/* Pushes the metatable of rows whose items have these names (a list of strings and false, at index names). */
void bind_push_row_metatable(lua_State *L, int names);
/* What the program's functions are to make of a column of rows. */
typedef struct bind_row_type {
    const mr_type *type; /* NULL: nothing */
    const char *what;    /* "User.tags", interned */
    const char *dialect; /* of the database that the rows are from; NULL: not known */
    mr_bad_values bad;   /* what happens to a value that they cannot read */
} bind_row_type;
/* Pushes a row of n values with the metatable at index metatable. types: of its columns; NULL: no value is converted;
 * they live as long as the metatable. */
void bind_push_row(lua_State *L, const mr_value *values, unsigned n, int metatable, const bind_row_type *types);
/* Pushes a row of some columns of the row at the index, each by its number from 0 on. */
void bind_push_row_part(lua_State *L, int row_idx, const unsigned *columns, unsigned n, int metatable);
/* Pushes value i of the row at the index and returns its type; nil where there is none. */
int bind_row_get(lua_State *L, int idx, lua_Integer i);
/* Pushes a table of the row's values by name, without those that are NULL. names: the index of the list of names. */
void bind_push_mapping(lua_State *L, int row, int names);
/* Pushes an empty list of results with room for n: a table that prints its items. */
void bind_new_list(lua_State *L, size_t n);
/* Gives the table on top of the stack the metatable of result lists: it prints its items. */
void bind_set_list_metatable(lua_State *L);
/* Is the table at the index a list of results? */
bool bind_is_list(lua_State *L, int idx);

#endif
