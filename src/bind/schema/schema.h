/*
 * schema.h: types, columns, tables and metadata for the other files of the binding.
 */
#ifndef MOONROW_BIND_SCHEMA_H
#define MOONROW_BIND_SCHEMA_H

#include "state/runtime.h"

#define BIND_FOREIGN_KEY "moonrow.ForeignKey" /* bind_foreign_key */

/* A Column value: the column, and what it asks of the class that maps it. */
typedef struct bind_column {
    mr_column *column;
    const char *deferred_group; /* interned, or NULL */
    bool deferred;
} bind_column;

typedef struct bind_foreign_key {
    const char *target;  /* interned "table.column", or NULL */
    mr_column *referred; /* or NULL */
    const char *ondelete, *onupdate, *name;
} bind_foreign_key;

/* type.c */
void bind_push_type(lua_State *L, const mr_type *type);
const mr_type *bind_test_type(lua_State *L, int idx); /* NULL when it is none */
const mr_type *bind_arg_type(lua_State *L, int idx, const char *function);

/* column.c */
/* The column of a Column value or of a column expression (User.id, t.c.id), or NULL. */
mr_column *bind_column_named_by(lua_State *L, int idx);
/* Interns; raises without memory. */
const char *bind_intern(lua_State *L, int idx);
const char *bind_intern_string(lua_State *L, const char *s); /* NULL passes */
/* ondelete and onupdate of a foreign key: NULL or one of the known words; raises. */
void bind_read_actions(lua_State *L, int options, const char *function, const char **ondelete, const char **onupdate);
void bind_open_column(lua_State *L);

/* default.c: fills *out from the value at idx (not nil) for a column of the type (NULL: not known yet). */
void bind_read_default(lua_State *L, int idx, mr_column *column, const char *option, mr_default *out);
/* Sets the column's server_default from the value at idx. */
void bind_read_server_default(lua_State *L, int idx, mr_column *column);
/* A reference to the node that lasts as long as the environment. */
mr_node *bind_node_forever(lua_State *L, mr_node *node);

/* constraint.c */
bind_constraint *bind_test_constraint(lua_State *L, int idx); /* NULL when it is none */
/* Copies for one table: a value may be used for several, or twice. */
mr_constraint *bind_copy_constraint(lua_State *L, const mr_constraint *constraint);
mr_index *bind_copy_index(lua_State *L, const mr_index *index);
void bind_open_constraint(lua_State *L);

/* table.c */
mr_table *bind_test_table(lua_State *L, int idx); /* NULL when it is none */
void bind_open_table(lua_State *L);

/* metadata.c */
mr_metadata *bind_test_metadata(lua_State *L, int idx); /* NULL when it is none */
/* create_all or drop_all of the metadata (only: of one table) with the arguments from index first on. */
int bind_run_ddl(lua_State *L, int first, const char *function, mr_metadata *md, mr_table *only, bool create);
void bind_open_metadata(lua_State *L);

#endif
