/*
 * statement.h: INSERT, UPDATE and DELETE statements for the files that run them.
 */
#ifndef MOONROW_BIND_STATEMENT_H
#define MOONROW_BIND_STATEMENT_H

#include "value/statement.h"

/* The statement as a node (new reference); raises where it is not complete. */
mr_node *bind_statement_node(lua_State *L, const bind_statement *s);
/* rows.c */
/* The column that a key names: an attribute of the class, or a column of the table; raises where there is none. */
mr_column *bind_statement_column(lua_State *L, const bind_statement *s, const char *name);
/* The columns that the row at idx names, in the table's order: pushes the array. */
mr_column **bind_statement_columns(lua_State *L, const bind_statement *s, int idx, const char *function, size_t *n);
/* Pushes the columns as one expression. */
void bind_push_column_list(lua_State *L, mr_column **columns, size_t n);
/* Pushes the operands of one row: named ones from the table at idx, the others from defaults. */
void bind_push_row_operands(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t named,
                            size_t n);
/* statement:values(row or rows). Returns 1. */
int bind_statement_values(lua_State *L);
/* Pushes the INSERT at idx with the rows from..to of the list at rows (0: the one row at rows). */
void bind_push_with_rows(lua_State *L, int idx, int rows, lua_Integer from, lua_Integer to);

/* Pushes the UPDATE at idx of the row that the table at row names by its primary key, to the values of its other
 * columns. */
void bind_push_update_by_key(lua_State *L, int idx, int row);

/* mr.insert(target), mr.update(target), mr.delete(target). Return 1. */
int bind_insert(lua_State *L);
int bind_update(lua_State *L);
int bind_delete(lua_State *L);

#endif
