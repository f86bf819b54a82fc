/*
 * postgresql_reflection.h: what the files that reflect a PostgreSQL database share.
 *
 * Invariant: each question is one statement about all objects that are read, whose rows come in the order of the
 * objects. A lack of memory for what is copied is noted in the reader, and becomes an error at the end.
 */
#ifndef MOONROW_DB_POSTGRESQL_REFLECTION_H
#define MOONROW_DB_POSTGRESQL_REFLECTION_H

#include <moonrow/reflection.h>

#include "driver_postgresql.h"

/* An object that is read. */
typedef struct postgresql_object {
    const char *oid; /* its number, as the server writes it */
    mr_reflection *reflection;
    struct postgresql_object *next;
} postgresql_object;

typedef struct postgresql_reader {
    postgresql_dbc *dbc;
    mr_arena *arena;
    const char *schema, *name; /* NULL: what is found without a schema; all objects */
    bool no_memory;
    postgresql_object *objects; /* by their numbers, as the rows of questions are */
} postgresql_reader;

/* Behind FROM: the objects in question, c, with their schema, n. */
#define PG_OBJECTS                                                                                                     \
    "pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND c.relkind IN ('r', 'p', "      \
    "'f', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' "   \
    "AND CASE WHEN $1 IS NULL THEN pg_catalog.pg_table_is_visible(c.oid) ELSE n.nspname = $1 END "                     \
    "AND ($2 IS NULL OR c.relname = $2)"

/* Asks, with the parameters $1, the schema, and $2, the object's name. *out is the caller's to clear. */
mr_status mr_postgresql_ask(postgresql_reader *r, const char *sql, pq_result **out);
/* A copy of the text in the row's column, or NULL. */
const char *mr_postgresql_take(postgresql_reader *r, const pq_result *rows, int row, int column);
/* Is the text in the row's column this one? */
bool mr_postgresql_says(const postgresql_reader *r, const pq_result *rows, int row, int column, const char *text);
/* Room in the arena, filled with zeros; NULL: no memory. */
void *mr_postgresql_room(postgresql_reader *r, size_t size);
/* The object whose number is in the row's first column, from *at on; *at is moved there. NULL: it is not among them. */
mr_reflection *mr_postgresql_object_of(const postgresql_reader *r, const pq_result *rows, int row,
                                       postgresql_object **at);
/* Appends a note, whose text is formatted as by printf. */
void mr_postgresql_note(postgresql_reader *r, mr_reflection_note **list, const char *fmt, ...) MR_PRINTF(3, 4);
/* The status at the end of the questions. */
mr_status mr_postgresql_answer(const postgresql_reader *r, mr_status status);

/* postgresql_constraints.c: fills the constraints, and the indexes without those of constraints. */
mr_status mr_postgresql_read_constraints(postgresql_reader *r);
mr_status mr_postgresql_read_indexes(postgresql_reader *r);

/* Two of the functions of mr_reflector. */
mr_status mr_postgresql_schemas(mr_dbc *dbc, mr_arena *arena, const char ***names);
mr_status mr_postgresql_objects(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_schema_objects *out);
/* Lists the objects in question, with their kinds, comments and definitions. */
mr_status mr_postgresql_list(postgresql_reader *r, mr_reflection **list);

#endif
