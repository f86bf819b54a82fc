/*
 * row_check.h: the rows of a batch, looked at before the first one runs.
 */
#ifndef MOONROW_BIND_ROW_CHECK_H
#define MOONROW_BIND_ROW_CHECK_H

#include "statement.h"

/* Raises where one of the rows of the list at rows is wrong: no table, a key that names no column, a value of another
 * type, or, for an UPDATE, no primary key. stmt: as for bind_run_rows; of a text only the tables are looked at. */
void bind_check_rows(lua_State *L, int stmt, int rows);

#endif
