/*
 * sqlite_reflection.h: what the files that reflect an SQLite database share.
 *
 * Invariant: a function that returns an int returns SQLite's result code. A lack of memory for what is copied is noted
 * in the reader, and becomes an error at the end (mr_sqlite_answer).
 */
#ifndef MOONROW_DB_SQLITE_REFLECTION_H
#define MOONROW_DB_SQLITE_REFLECTION_H

#include "driver_sqlite.h"
#include "sqlite_words.h"

typedef struct sqlite_reader {
    sqlite_dbc *dbc;
    mr_arena *arena;
    const char *schema; /* never NULL */
    bool no_memory;
    bool damaged; /* the schema has an entry that SQLite cannot read: writable_schema is on */
} sqlite_reader;

/* Prepares a question, with its parameters 1 and 2 (NULL: it has none). The caller finalizes *q, whatever comes. */
int mr_sqlite_ask(sqlite_reader *r, sqlite3_stmt **q, const char *sql, const char *a, const char *b);
/* The same for SQL with "%w" at the place of the schema. */
int mr_sqlite_ask_schema(sqlite_reader *r, sqlite3_stmt **q, const char *sql, const char *a);
/* Prepares PRAGMA schema.pragma(name). It is asked by itself: as a table in a SELECT it would be compiled twice. */
int mr_sqlite_ask_pragma(sqlite_reader *r, sqlite3_stmt **q, const char *pragma, const char *name);
/* A copy of the text in the row's column, or NULL. */
const char *mr_sqlite_take(sqlite_reader *r, sqlite3_stmt *q, int column);
/* Appends a note, whose text is formatted as by printf. */
void mr_sqlite_note(sqlite_reader *r, mr_reflection_note **list, const char *fmt, ...) MR_PRINTF(3, 4);
/* Is the failure one of what is asked about (a view that fails, a module that is not there), which a note tells? */
bool mr_sqlite_is_about_schema(int rc);
/* The status for the code of the last question. */
mr_status mr_sqlite_answer(sqlite_reader *r, int rc);

/* Before and after the questions about a schema: has SQLite pass by the entries that it cannot read; one is noted. */
int mr_sqlite_open_schema(sqlite_reader *r, mr_reflection_note **notes);
void mr_sqlite_close_schema(sqlite_reader *r);

/* Sets name, kind, sql, without_rowid and strict; SQLITE_DONE: there is no such object. */
int mr_sqlite_find_object(sqlite_reader *r, const char *name, mr_reflection *out);

/* An index or a trigger of the table, as the schema has it. */
typedef struct sqlite_entry {
    const char *name, *sql; /* sql NULL: it is the index of a constraint */
    bool is_index;
    struct sqlite_entry *next;
} sqlite_entry;
/* What belongs to a table or view, in the order of its making. */
typedef struct sqlite_entries {
    sqlite_entry *first, *last;
} sqlite_entries;
/* Reads an entry of the current row: its type, name and SQL are in the columns from `at`. */
void mr_sqlite_take_entry(sqlite_reader *r, sqlite3_stmt *q, int at, sqlite_entries *out);
/* Sets all but what mr_sqlite_find_object sets. */
int mr_sqlite_read_object(sqlite_reader *r, const sqlite_entries *entries, mr_reflection *out);

/* An object that is read with all others of its schema. */
typedef struct sqlite_listed {
    mr_reflection *object;
    sqlite_entries entries;
    struct sqlite_listed *next;
} sqlite_listed;
/* Lists the schema's objects, as mr_sqlite_find_object finds them, in the order of their making, each with what belongs
 * to it. */
int mr_sqlite_list_all(sqlite_reader *r, sqlite_listed **out);

/* sqlite_indexes.c: fills the indexes, and the constraints that are indexes: PRIMARY KEY and UNIQUE. entries: in the
 * order of their making. */
int mr_sqlite_read_indexes(sqlite_reader *r, const sqlite_definition *definition, const sqlite_entries *entries,
                           mr_reflection *out);
/* sqlite_references.c: appends the foreign keys to the constraints. */
int mr_sqlite_read_references(sqlite_reader *r, const sqlite_definition *definition, mr_reflection *out);
/* Appends a constraint of ncolumns columns, with room for their names; NULL: no memory. */
mr_reflected_constraint *mr_sqlite_add_constraint(sqlite_reader *r, mr_reflection *out, mr_reflected_kind kind,
                                                  unsigned ncolumns);

/* The functions of mr_reflector. */
mr_status mr_sqlite_schemas(mr_dbc *dbc, mr_arena *arena, const char ***names);
mr_status mr_sqlite_objects(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_schema_objects *out);
mr_status mr_sqlite_object(mr_dbc *dbc, mr_arena *arena, const char *schema, const char *name, mr_reflection *out);
mr_status mr_sqlite_all(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_reflection **list);

#endif
