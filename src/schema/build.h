/*
 * build.h: the steps of making a table, shared by table.c, constraint.c, rules.c, collisions.c and
 * naming.c.
 *
 * Invariant: the functions change only the table that is being made, and its constraints. Columns get their flags and
 * foreign keys when no step can fail any more. A step notes what is wrong as a mistake, and goes on; it fails (and
 * records an error) only where memory is short.
 */
#ifndef MOONROW_SCHEMA_BUILD_H
#define MOONROW_SCHEMA_BUILD_H

#include <moonrow/schema.h>

/* A table that is being made. */
typedef struct mr_build {
    mr_env *env;
    mr_table *table;    /* has its columns; is not in the metadata yet */
    mr_strbuf mistakes; /* a line for each */
    unsigned nmistakes;
    bool without_key; /* a mistake is in the primary key: what depends on it is not checked */
} mr_build;

/* mistakes.c: begins with no mistake. */
void mr_build_init(mr_build *b, mr_env *env, mr_table *table);
/* Notes a mistake; the text is what follows "table 't': ". */
MR_PRINTF(2, 3) void mr_build_mistake(mr_build *b, const char *fmt, ...);
/* Takes over the mistakes in the words of the definition. */
void mr_build_take_mistakes(mr_build *b, const mr_table_options *options);
/* Ends the build. ArgumentError: all its mistakes; NoMemoryError: they could not be written down. */
mr_status mr_build_report(mr_build *b);

/* metadata.c: makes the finished table known to its metadata. */
mr_status mr_metadata_add(mr_metadata *md, mr_table *table);
/* The build's column of the name, or NULL. */
mr_column *mr_build_column(const mr_build *b, const char *name);
/* Finds the columns that the constraints name, and fills constraint->columns (NULL: not found). Constraints may be
 * NULL: none. */
mr_status mr_build_constraints(mr_build *b, mr_constraint *constraints);
/* Checks that the table has the columns that the indexes name. Indexes may be NULL: none. */
void mr_build_indexes(mr_build *b, const mr_index *indexes);
/* Sets the table's primary key: the columns of the PRIMARY KEY constraint, or else the columns with primary_key. */
mr_status mr_build_primary(mr_build *b);
/* Makes the index of a column with index = true; the metadata's convention names it. */
mr_index *mr_build_column_index(mr_env *env, const mr_column *column);
/* Makes the foreign keys of the FOREIGN KEY constraints: *made is a list linked by next, which
 * mr_build_link_foreign_keys adds to the columns. */
mr_status mr_build_foreign_keys(const mr_build *b, mr_foreign_key **made);
/* Adds the foreign keys to their columns. */
void mr_build_link_foreign_keys(mr_foreign_key *made);
/* rules.c: checks what the columns, and the table's options, say together. */
void mr_build_check(mr_build *b);
/* The same for one column that comes later. */
void mr_build_check_column(mr_build *b, const mr_column *column);
/* naming.c: checks that everything that the convention must have a name for has one. */
void mr_build_check_names(mr_build *b, const mr_constraint *constraints);
/* collisions.c: checks that no two constraints of the table have one name. constraints: its list, or those that come
 * later. */
void mr_build_check_collisions(mr_build *b, const mr_constraint *constraints);
/* The same for indexes, whose names are there once in all tables of a schema. */
void mr_build_check_index_names(mr_build *b, const mr_index *indexes);
/* The column whose values the database numbers, or NULL. */
mr_column *mr_build_autoincrement(const mr_table *table);

#endif
