/*
 * statement.h: INSERT, UPDATE and DELETE statements for the files that run them.
 */
#ifndef MOONROW_BIND_STATEMENT_H
#define MOONROW_BIND_STATEMENT_H

#include "value/statement.h"

/* The statement as a node (new reference) with the loader criteria of its options, and those of the session (NULL: it
 * is run on none); raises where it is not complete. */
mr_node *bind_statement_node(lua_State *L, const bind_statement *s, const mr_session *session);

/* options.c */
/* Raises where the statement has loader options, but gives no objects; only a session makes objects. */
void bind_check_loader_options(lua_State *L, const bind_statement *s, bool on_session, const char *function);
/* The query with the options (or NULL) of a statement. Consumes q, which may be NULL. NULL: failed. */
mr_query *bind_with_loader_options(const mr_query *options, mr_query *q);

/* values.c: the values of rows. In a class, columns are named by their attributes. */
/* The column with the name; raises where there is none. */
mr_column *bind_statement_column(lua_State *L, const bind_statement *s, const char *name);
/* The columns that the row at idx names, in the table's order: pushes the array. */
mr_column **bind_statement_columns(lua_State *L, const bind_statement *s, int idx, const char *function, size_t *n);
/* Pushes what messages call the column ("User.name") and returns it. */
const char *bind_push_column_what(lua_State *L, const bind_statement *s, const mr_column *column);
/* Pushes the value that the row at idx has for the column, or nil. */
void bind_push_field(lua_State *L, const bind_statement *s, int idx, const mr_column *column);
/* Pushes the columns as one expression. */
void bind_push_column_list(lua_State *L, mr_column **columns, size_t n);
/* Pushes n operands, one for each column: from the row at idx, or else the value that the statement has already. */
void bind_push_row_operands(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t n);
/* statement:values(row or rows). Returns 1. */
int bind_statement_values(lua_State *L);
/* Pushes the INSERT at idx with the rows from..to of the list at rows. from 0: rows is the only row itself. */
void bind_push_with_rows(lua_State *L, int idx, int rows, lua_Integer from, lua_Integer to);

/* Reads the options synchronize_session, populate_existing and timeout in the table at idx; what is absent stays. */
void bind_read_write_options(lua_State *L, int idx, const char *function, mr_synchronize *how, bool *populate,
                             double *timeout);
/* The only option synchronize_session in the table at idx (0: none); deflt where it is absent. Other options raise. */
mr_synchronize bind_option_synchronize(lua_State *L, int idx, const char *function, mr_synchronize deflt);

#endif
