/*
 * schema.h: types, columns, tables and metadata for the other files of the binding.
 */
#ifndef MOONROW_BIND_SCHEMA_H
#define MOONROW_BIND_SCHEMA_H

#include "value/schema.h"

/* reference.c */
/* The options of a foreign key, for a list of bind_check_options: BIND_REFERENCE_OPTIONS, "name", NULL. */
#define BIND_REFERENCE_OPTIONS "ondelete", "onupdate", "deferrable", "initially", "use_alter"
/* Reads these options into *how. Raises for unknown words. */
void bind_read_reference(lua_State *L, int options, const char *function, mr_reference *how);
/* Reads an option such as sqlite_on_conflict: "REPLACE", ... (static); NULL: it is absent. Raises for unknown words. */
const char *bind_read_conflict(lua_State *L, int options, const char *function, const char *name);
/* Reads deferrable and initially into *how. Raises for unknown words. */
void bind_read_deferrable(lua_State *L, int options, const char *function, mr_reference *how);

/* default.c */
/* The table at the index is the row for which defaults are made next, where no flush makes one; 0: none is. */
void bind_set_default_row(lua_State *L, int row);

/* generated.c */
/* Retains the node as long as the environment lives; returns it. Raises. */
mr_node *bind_node_forever(lua_State *L, mr_node *node);
/* The table whose columns expressions name, as far as they have been seen. */
typedef struct bind_owner_table {
    mr_table *table; /* NULL: none */
    bool several;    /* they name columns of more than one */
} bind_owner_table;
/* Adds the tables whose columns the expression names to *found. Raises for columns of an alias or a subquery. */
void bind_see_table(lua_State *L, const mr_node *node, const char *function, bind_owner_table *found);
/* Raises where the table (or NULL) is a view. */
void bind_refuse_view(lua_State *L, const mr_table *table, const char *function);
/* Raises where the expression has a named parameter. */
void bind_refuse_parameters(lua_State *L, const mr_node *node, const char *function);
/* SQL in a table's definition, at idx: text, or an expression, whose values are written into it. One of *sql and
 * *expression is set; both live as long as the environment. Raises for anything else. */
void bind_read_sql(lua_State *L, int idx, const char *function, const char **sql, void **expression);

/* decorator.c */
/* Calls the decorated type at index 1 with the arguments behind it, which are those of the type that it decorates:
 * replaces all by the new type. Raises. */
void bind_decorated_type_call(lua_State *L);

/* default.c */
/* Reads the default at idx (not nil) of the column into *out. option: "default" or "onupdate". Raises where it is not
 * of the column's type, if that is known. */
void bind_read_default(lua_State *L, int idx, mr_column *column, const char *option, mr_default *out);
/* Reads the server_default of the column at idx; raises. */
void bind_read_server_default(lua_State *L, int idx, mr_column *column);

/* constraint.c */
/* A part of a table's definition: a constraint or an index, copied to the end of its list. Raises where it is another
 * table's already. */
void bind_take_constraint(lua_State *L, const bind_constraint *k, const char *table, mr_constraint ***constraints,
                          mr_index ***indexes);

/* wording.c */
/* Calls read, with data as light userdata at index 1 and the value on top, which it pops, at index 2. An ArgumentError
 * of the library is noted among the options' mistakes, to be told together with the table's others; another error is
 * raised again. */
void bind_read_wording(lua_State *L, lua_CFunction read, void *data, mr_table_options *options);

/* table.c */
/* Reads an option of a table, whose value is on top of the stack; false: there is no such option. options' texts are in
 * the arena. */
/* Reads the module of a virtual table, which is on top of the stack. (using.c) */
void bind_read_using(lua_State *L, const char *function, mr_table_options *options);
bool bind_read_table_option(lua_State *L, const char *function, const char *name, mr_table_options *options);

/* ddl.c */
/* Pushes the SQL of the DDL value at idx in the dialect, as text that can be executed. Raises. */
void bind_push_ddl_text(lua_State *L, int idx, const mr_dialect *dialect);

/* metadata.c */
/* Runs create_all or drop_all of the metadata, or create or drop of the table `only`, with the Lua arguments from index
 * first on. */
int bind_run_ddl(lua_State *L, int first, const char *function, mr_metadata *md, mr_table *only, bool create);

#endif
