/*
 * ddl.h: what the files that write definitions (compile_ddl.c, compile_constraint.c, compile_index.c) share.
 *
 * Invariant: a function without a result cannot fail, except that the text runs out of memory (out->oom), which is
 * looked at in the end.
 */
#ifndef MOONROW_SQL_DDL_H
#define MOONROW_SQL_DDL_H

#include <moonrow/sql.h>

#include "compiler.h"

/* A definition that is being written. */
typedef struct ddl {
    const mr_dialect *dialect;
    mr_env *env;
    mr_strbuf *out;
} ddl;

/* compile_ddl.c */
/* The name, in quotes where it needs them. */
void mr_put_name(const ddl *x, const char *name);
/* The table's name with its schema. */
void mr_put_table(const ddl *x, const mr_table *table);
/* A text as a literal. */
void mr_put_text(const ddl *x, const char *text);
/* "a, b", the names of the columns. */
void mr_put_columns(const ddl *x, mr_column *const *columns, unsigned n);
/* " ON CONFLICT ...", or nothing. what: NULL, or a word of SQL. */
void mr_put_conflict(const ddl *x, const char *what);
/* What the primary key says of conflicts, or NULL. */
const char *mr_key_conflict(const mr_table *table);

/* compile_virtual.c: CREATE VIRTUAL TABLE. ArgumentError: the table has what SQLite's virtual tables take none of, or
 * the dialect has no such tables. */
mr_status mr_ddl_create_virtual(const ddl *x, const mr_table *table, bool if_missing);

/* compile_constraint.c */
/* CONSTRAINT and the name, if it has one. */
mr_status mr_put_constraint_name(const ddl *x, const mr_named *named);
/* The constraint with its name. column: the one that it is written with, or NULL. */
mr_status mr_put_constraint(const ddl *x, const mr_table *table, const mr_constraint *k, mr_column *column);
/* ", UNIQUE (...)" and the like of all constraints behind the columns. later: the tables that do not exist yet. */
mr_status mr_put_constraints(const ddl *x, mr_table *table, const mr_later *later);

#endif
