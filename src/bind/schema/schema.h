/*
 * schema.h: types, columns, tables and metadata for the other files of the binding.
 */
#ifndef MOONROW_BIND_SCHEMA_H
#define MOONROW_BIND_SCHEMA_H

#include "value/schema.h"

/* column.c */
/* The column of a Column value or of a column expression (User.id, t.c.id), or NULL. */
mr_column *bind_column_named_by(lua_State *L, int idx);
/* Reads the options ondelete and onupdate of a foreign key: each becomes one of the known words, or NULL. Raises for
 * another word. */
void bind_read_actions(lua_State *L, int options, const char *function, const char **ondelete, const char **onupdate);

/* default.c */
/* Reads the default at idx (not nil) of the column into *out. option: "default" or "onupdate". Raises where it is not
 * of the column's type, if that is known. */
void bind_read_default(lua_State *L, int idx, mr_column *column, const char *option, mr_default *out);
/* Reads the server_default of the column at idx; raises. */
void bind_read_server_default(lua_State *L, int idx, mr_column *column);
/* Retains the node as long as the environment lives; returns it. Raises. */
mr_node *bind_node_forever(lua_State *L, mr_node *node);

/* constraint.c */
/* Copies of a constraint or index: each table has a copy of its own, as a value may be given to several tables. */
mr_constraint *bind_copy_constraint(lua_State *L, const mr_constraint *constraint);
mr_index *bind_copy_index(lua_State *L, const mr_index *index);

/* metadata.c */
/* Runs create_all or drop_all of the metadata, or create or drop of the table `only`, with the Lua arguments from index
 * first on. */
int bind_run_ddl(lua_State *L, int first, const char *function, mr_metadata *md, mr_table *only, bool create);

#endif
