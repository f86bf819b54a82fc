/*
 * build.h: the steps of making a table, shared by table.c and constraint.c.
 */
#ifndef MOONROW_SCHEMA_BUILD_H
#define MOONROW_SCHEMA_BUILD_H

#include <moonrow/schema.h>

/* A table that is being made: nothing outside of it is changed before it is known to be good. */
typedef struct mr_build {
    mr_env *env;
    mr_table *table; /* columns set, not yet in the metadata */
} mr_build;

/* The build's column of the name, or NULL. */
mr_column *mr_build_column(const mr_build *b, const char *name);
/* Checks the constraints' and indexes' column names and fills constraint->columns. */
mr_status mr_build_constraints(const mr_build *b, mr_constraint *constraints);
mr_status mr_build_indexes(const mr_build *b, const mr_index *indexes);
/* Sets the primary key: the PRIMARY KEY constraint's columns, else the flagged ones. */
mr_status mr_build_primary(const mr_build *b);
/* The index of a column with index = true: ix_TABLE_COLUMN. NULL without memory. */
mr_index *mr_build_column_index(mr_env *env, const mr_table *table, const mr_column *column);
/* Makes the foreign keys of FOREIGN KEY constraints; link_foreign_keys hangs them on their columns. */
mr_status mr_build_foreign_keys(const mr_build *b, mr_foreign_key **made);
void mr_build_link_foreign_keys(mr_foreign_key *made);
/* The column that the database numbers, or NULL. */
mr_column *mr_build_autoincrement(const mr_table *table);

#endif
