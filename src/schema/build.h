/*
 * build.h: the steps of making a table, shared by table.c, constraint.c, rules.c and naming.c.
 *
 * Invariant: the functions change only the table that is being made, and its constraints. Columns get their flags and
 * foreign keys when no step can fail any more. A step that fails records an ArgumentError or NoMemoryError.
 */
#ifndef MOONROW_SCHEMA_BUILD_H
#define MOONROW_SCHEMA_BUILD_H

#include <moonrow/schema.h>

/* A table that is being made. */
typedef struct mr_build {
    mr_env *env;
    mr_table *table; /* has its columns; is not in the metadata yet */
} mr_build;

/* metadata.c: makes the finished table known to its metadata. */
mr_status mr_metadata_add(mr_metadata *md, mr_table *table);
/* The build's column of the name, or NULL. */
mr_column *mr_build_column(const mr_build *b, const char *name);
/* Finds the columns that the constraints name, and fills constraint->columns. Constraints may be NULL: none. */
mr_status mr_build_constraints(const mr_build *b, mr_constraint *constraints);
/* Checks that the table has the columns that the indexes name. Indexes may be NULL: none. */
mr_status mr_build_indexes(const mr_build *b, const mr_index *indexes);
/* Sets the table's primary key: the columns of the PRIMARY KEY constraint, or else the columns with primary_key. */
mr_status mr_build_primary(const mr_build *b);
/* Makes the index of a column with index = true; the metadata's convention names it. */
mr_index *mr_build_column_index(mr_env *env, const mr_column *column);
/* Makes the foreign keys of the FOREIGN KEY constraints: *made is a list linked by next, which
 * mr_build_link_foreign_keys adds to the columns. */
mr_status mr_build_foreign_keys(const mr_build *b, mr_foreign_key **made);
/* Adds the foreign keys to their columns. */
void mr_build_link_foreign_keys(mr_foreign_key *made);
/* rules.c: checks what the columns, and the table's options, say together. All mistakes are in one ArgumentError. */
mr_status mr_build_check(const mr_build *b);
/* The same for one column that comes later. */
mr_status mr_build_check_column(const mr_build *b, const mr_column *column);
/* naming.c: checks that everything that the convention must have a name for has one. */
mr_status mr_build_check_names(const mr_build *b, const mr_constraint *constraints);
/* The column whose values the database numbers, or NULL. */
mr_column *mr_build_autoincrement(const mr_table *table);

#endif
