/*
 * from.h: the boxes of the things besides a class that a query can select from (aliases of classes and tables,
 * subqueries), and the boxes of their columns.
 */
#ifndef MOONROW_BIND_FROM_BOX_H
#define MOONROW_BIND_FROM_BOX_H

#include "value.h"

#define BIND_FROM    "moonrow.From"    /* bind_from: an alias of a table or a subquery */
#define BIND_ALIASED "moonrow.Aliased" /* bind_from: an alias of a class, read like the class */
#define BIND_COLUMNS "moonrow.Columns" /* bind_columns: the .c of a table, a subquery */

typedef struct bind_from {
    mr_node *node;     /* ALIAS or CTE */
    mr_mapper *mapper; /* Aliased */
} bind_from;

typedef struct bind_columns {
    mr_table *table;   /* NULL: the columns are those of the query in from */
    mr_node *from;     /* counted; NULL: the columns are the table's own */
    mr_mapper *mapper; /* the class whose attributes name the columns first; or NULL */
    bool aliased;      /* from is an alias of that class; otherwise an alias of a table of it */
} bind_columns;

/* Consumes node; NULL raises. */
void bind_push_from(lua_State *L, mr_node *node, mr_mapper *mapper);
/* Pushes the columns of a table; from: the alias that they belong to (retained), or NULL for the table itself. */
void bind_push_columns(lua_State *L, mr_table *table, mr_node *from);
/* Pushes the columns of an alias (retained) of the class, or, unless aliased, of a table of it. They are found by the
 * names of the class's attributes, and by their own where no attribute has the name. */
void bind_push_attributes(lua_State *L, mr_mapper *mapper, mr_node *from, bool aliased);
bind_from *bind_test_from(lua_State *L, int idx); /* From and Aliased */
int bind_from_gc(lua_State *L);                   /* __gc */
int bind_columns_gc(lua_State *L);                /* __gc */

#endif
