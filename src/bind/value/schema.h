/*
 * schema.h: the boxes of types, columns, constraints, tables and MetaData.
 */
#ifndef MOONROW_BIND_SCHEMA_BOX_H
#define MOONROW_BIND_SCHEMA_BOX_H

#include "value.h"

#define BIND_TYPE        "moonrow.Type"       /* const mr_type * */
#define BIND_COLUMN      "moonrow.Column"     /* bind_column */
#define BIND_FOREIGN_KEY "moonrow.ForeignKey" /* bind_foreign_key */
#define BIND_CONSTRAINT  "moonrow.Constraint" /* bind_constraint */
#define BIND_TABLE       "moonrow.Table"      /* mr_table * */
#define BIND_METADATA    "moonrow.MetaData"   /* mr_metadata * */
#define BIND_COMPUTED    "moonrow.Computed"   /* const mr_computed * */
#define BIND_DDL         "moonrow.DDL"        /* bind_ddl */
#define BIND_IDENTITY    "moonrow.Identity"   /* const mr_identity_options * */

/* A Column value: the column, and the options that count for the class that maps it. */
typedef struct bind_column {
    mr_column *column;          /* in the arena */
    const char *deferred_group; /* interned, or NULL */
    bool deferred;
} bind_column;

typedef struct bind_foreign_key {
    const char *target;  /* interned "table.column", or NULL */
    mr_column *referred; /* or NULL */
    mr_reference how;
    const char *name;
} bind_foreign_key;

/* A constraint or an index; the other is NULL. */
typedef struct bind_constraint {
    mr_constraint *constraint;
    mr_index *index;
    mr_table *table; /* the one that it belongs to; NULL: it waits to be given to one */
} bind_constraint;

/* A definition as a statement. */
typedef struct bind_ddl {
    mr_table *table; /* or */
    mr_index *index;
    bool drops;
    bool guarded;              /* IF EXISTS, IF NOT EXISTS */
    const mr_dialect *dialect; /* for tostring */
} bind_ddl;

const bind_ddl *bind_test_ddl(lua_State *L, int idx); /* NULL when it is none */
void bind_push_type(lua_State *L, const mr_type *type);
const mr_type *bind_test_type(lua_State *L, int idx); /* NULL when it is none */
const mr_type *bind_arg_type(lua_State *L, int idx, const char *function);
mr_column *bind_test_column(lua_State *L, int idx); /* of a Column value; NULL when it is none */
/* The column of a Column value or of a column expression (User.id, t.c.id), or NULL. */
mr_column *bind_column_named_by(lua_State *L, int idx);
bind_constraint *bind_test_constraint(lua_State *L, int idx); /* NULL when it is none */
/* A constraint, or an index, of a table. */
void bind_push_constraint(lua_State *L, const mr_table *table, mr_constraint *constraint, mr_index *index);
void bind_push_table(lua_State *L, const mr_table *table);
mr_table *bind_test_table(lua_State *L, int idx); /* NULL when it is none */
void bind_push_metadata(lua_State *L, mr_metadata *md);
mr_metadata *bind_test_metadata(lua_State *L, int idx); /* NULL when it is none */

#endif
