/*
 * schema.h: types, columns, tables and metadata for the other files of the binding.
 */
#ifndef MOONROW_BIND_SCHEMA_H
#define MOONROW_BIND_SCHEMA_H

#include "value/schema.h"

/* column.c */
/* The column of a Column value or of a column expression (User.id, t.c.id), or NULL. */
mr_column *bind_column_named_by(lua_State *L, int idx);
/* ondelete and onupdate of a foreign key: NULL or one of the known words; raises. */
void bind_read_actions(lua_State *L, int options, const char *function, const char **ondelete, const char **onupdate);

/* default.c: fills *out from the value at idx (not nil) for a column of the type (NULL: not known yet). */
void bind_read_default(lua_State *L, int idx, mr_column *column, const char *option, mr_default *out);
/* Sets the column's server_default from the value at idx. */
void bind_read_server_default(lua_State *L, int idx, mr_column *column);
/* A reference to the node that lasts as long as the environment. */
mr_node *bind_node_forever(lua_State *L, mr_node *node);

/* constraint.c */
/* Copies for one table: a value may be used for several, or twice. */
mr_constraint *bind_copy_constraint(lua_State *L, const mr_constraint *constraint);
mr_index *bind_copy_index(lua_State *L, const mr_index *index);

/* table.c */

/* metadata.c */
/* create_all or drop_all of the metadata (only: of one table) with the arguments from index first on. */
int bind_run_ddl(lua_State *L, int first, const char *function, mr_metadata *md, mr_table *only, bool create);

#endif
