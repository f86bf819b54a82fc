/*
 * postgresql_constraints.c: the constraints and indexes of PostgreSQL's tables.
 *
 * Invariant: the primary key comes first, then UNIQUE, FOREIGN KEY and CHECK, each in the order of their making. What
 * no definition of ours can say is named in a note.
 */
#include "postgresql_reflection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- names that the server gives */

/* Is the name the one that the server gives a constraint without one: t_a_b_key, t_a_b_key1? */
static bool is_servers_name(const char *table, const mr_reflected_constraint *k) {
    static const char *const words[] = {"pkey", "key", "fkey", "check"}; /* by mr_reflected_kind */
    const char *at = k->name;
    size_t len = strlen(table);
    if (strncmp(at, table, len) != 0 || at[len] != '_') return false;
    at += len + 1;
    const bool named = k->kind != MR_REFLECTED_PRIMARY_KEY && (k->kind != MR_REFLECTED_CHECK || k->ncolumns == 1);
    for (unsigned i = 0; named && i < k->ncolumns; i++) {
        len = strlen(k->columns[i]);
        if (strncmp(at, k->columns[i], len) != 0 || at[len] != '_') return false;
        at += len + 1;
    }
    len = strlen(words[k->kind]);
    return strncmp(at, words[k->kind], len) == 0 && at[len + strspn(at + len, "0123456789")] == '\0';
}

/* ---------------------------------------------------------------- constraints */

enum {
    KEY_NUMBER = 1,
    KEY_KIND,
    KEY_NAME,
    KEY_ON_UPDATE,
    KEY_ON_DELETE,
    KEY_DEFERRABLE,
    KEY_DEFERRED,
    KEY_TARGET,
    KEY_TARGET_SCHEMA,
    KEY_CONDITION,
    KEY_COUNT,
    KEY_COLUMN,
    KEY_TARGET_COLUMN
};

/* A row for each column. Those that belong to a part of a partitioned table are told of the whole alone. */
static const char constraints_sql[] =
    "SELECT c.oid, k.oid, k.contype, k.conname, k.confupdtype, k.confdeltype, k.condeferrable, k.condeferred, "
    "f.relname, CASE WHEN f.relnamespace <> c.relnamespace THEN fn.nspname END, pg_catalog.pg_get_expr(k.conbin, "
    "c.oid, true), coalesce(array_length(k.conkey, 1), 0), a.attname, fa.attname FROM " PG_OBJECTS
    " JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c', 'x') AND "
    "(k.conparentid = 0 OR c.relispartition) LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid LEFT JOIN "
    "pg_catalog.pg_namespace fn ON fn.oid = f.relnamespace LEFT JOIN LATERAL unnest(k.conkey, k.confkey) WITH "
    "ORDINALITY AS u(own, target, at) ON true LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = "
    "u.own LEFT JOIN pg_catalog.pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = u.target ORDER BY c.oid, "
    "position(k.contype::text IN 'pufcx'), k.oid, u.at";

static const char *action_of(const char *letter) {
    switch (*letter) {
    case 'r':
        return "RESTRICT";
    case 'c':
        return "CASCADE";
    case 'n':
        return "SET NULL";
    case 'd':
        return "SET DEFAULT";
    default:
        return NULL;
    }
}

static void read_reference(postgresql_reader *r, const pq_result *rows, int row, mr_reflected_constraint *k) {
    k->target = mr_postgresql_take(r, rows, row, KEY_TARGET);
    k->target_schema = mr_postgresql_take(r, rows, row, KEY_TARGET_SCHEMA);
    k->target_columns = mr_postgresql_room(r, (k->ncolumns + 1) * sizeof *k->target_columns);
    k->onupdate = action_of(r->dbc->pq->getvalue(rows, row, KEY_ON_UPDATE));
    k->ondelete = action_of(r->dbc->pq->getvalue(rows, row, KEY_ON_DELETE));
}

/* The constraint that begins in the row, without its columns. */
static mr_reflected_constraint *read_constraint(postgresql_reader *r, const pq_result *rows, int row) {
    mr_reflected_constraint *k = mr_postgresql_room(r, sizeof *k);
    if (!k) return NULL;
    const char kind = *r->dbc->pq->getvalue(rows, row, KEY_KIND);
    k->kind = kind == 'p'   ? MR_REFLECTED_PRIMARY_KEY
              : kind == 'u' ? MR_REFLECTED_UNIQUE
              : kind == 'f' ? MR_REFLECTED_FOREIGN_KEY
                            : MR_REFLECTED_CHECK;
    k->name = mr_postgresql_take(r, rows, row, KEY_NAME);
    k->ncolumns = (unsigned)atoi(r->dbc->pq->getvalue(rows, row, KEY_COUNT));
    k->columns = mr_postgresql_room(r, (k->ncolumns + 1) * sizeof *k->columns);
    if (k->kind == MR_REFLECTED_FOREIGN_KEY) read_reference(r, rows, row, k);
    if (k->kind == MR_REFLECTED_CHECK) k->sql = mr_postgresql_take(r, rows, row, KEY_CONDITION);
    if (mr_postgresql_says(r, rows, row, KEY_DEFERRABLE, "t")) k->deferrable = 1;
    if (mr_postgresql_says(r, rows, row, KEY_DEFERRED, "t")) k->initially = "DEFERRED";
    return r->no_memory ? NULL : k;
}

/* Reads the constraint whose rows begin at *row; moves it to the last of them. */
static mr_reflected_constraint *read_rows(postgresql_reader *r, const pq_result *rows, int *row, mr_reflection *out) {
    const pq_library *pq = r->dbc->pq;
    mr_reflected_constraint *k = read_constraint(r, rows, *row);
    if (!k) return NULL;
    const int last = *row + (k->ncolumns ? (int)k->ncolumns - 1 : 0);
    for (unsigned n = 0; n < k->ncolumns && *row + (int)n < pq->ntuples(rows); n++) {
        k->columns[n] = mr_postgresql_take(r, rows, *row + (int)n, KEY_COLUMN);
        if (k->target_columns) k->target_columns[n] = mr_postgresql_take(r, rows, *row + (int)n, KEY_TARGET_COLUMN);
        for (mr_reflected_column *c = out->columns; c && k->kind == MR_REFLECTED_PRIMARY_KEY && k->columns[n];
             c = c->next)
            if (strcmp(c->name, k->columns[n]) == 0) c->key = n + 1;
    }
    *row = last;
    if (r->no_memory) return NULL;
    k->servers_name = is_servers_name(out->name, k);
    return k;
}

mr_status mr_postgresql_read_constraints(postgresql_reader *r) {
    pq_result *rows;
    postgresql_object *at = r->objects;
    mr_reflection *last = NULL;
    mr_reflected_constraint **end = NULL;
    if (mr_postgresql_ask(r, constraints_sql, &rows) != MR_OK) return MR_FAIL;
    for (int i = 0; i < r->dbc->pq->ntuples(rows) && !r->no_memory; i++) {
        mr_reflection *out = mr_postgresql_object_of(r, rows, i, &at);
        if (!out) break;
        if (out != last) end = &out->constraints;
        last = out;
        const bool excludes = mr_postgresql_says(r, rows, i, KEY_KIND, "x");
        mr_reflected_constraint *k = read_rows(r, rows, &i, out);
        if (!k) break;
        if (excludes) {
            mr_postgresql_note(r, &out->notes, "the exclusion constraint \"%s\" of \"%s\" is left out", k->name,
                               out->name);
            continue;
        }
        *end = k;
        end = &k->next;
    }
    r->dbc->pq->clear(rows);
    return mr_postgresql_answer(r, MR_OK);
}

/* ---------------------------------------------------------------- indexes */

enum {
    INDEX_NUMBER = 1,
    INDEX_NAME,
    INDEX_UNIQUE,
    INDEX_WHERE,
    INDEX_METHOD,
    INDEX_COUNT,
    INDEX_INCLUDED,
    INDEX_COLUMN,
    INDEX_EXPRESSION,
    INDEX_DESCENDING,
    INDEX_COLLATION,
    INDEX_OTHERS,
    INDEX_DEFINITION
};

/* A row for each column or expression; "others" tells of what a part has beside them: an operator class, NULLs in
 * another place than the usual one. */
static const char indexes_sql[] =
    "SELECT c.oid, i.indexrelid, x.relname, i.indisunique, pg_catalog.pg_get_expr(i.indpred, c.oid, true), m.amname, "
    "i.indnkeyatts, i.indnatts > i.indnkeyatts, a.attname, CASE WHEN a.attname IS NULL THEN "
    "pg_catalog.pg_get_indexdef(i.indexrelid, u.at::int, true) END, i.indoption[u.at - 1] & 1, CASE WHEN "
    "a.attname IS NULL AND co.collname <> 'default' OR i.indcollation[u.at - 1] <> a.attcollation THEN co.collname "
    "END, NOT o.opcdefault OR (i.indoption[u.at - 1] & 2) <> 2 * "
    "(i.indoption[u.at - 1] & 1), pg_catalog.pg_get_indexdef(i.indexrelid, 0, true) FROM " PG_OBJECTS
    " JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE "
    "k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')) JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid "
    "JOIN pg_catalog.pg_am m ON m.oid = x.relam CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS u(own, at) "
    "LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.own AND u.own > 0 LEFT "
    "JOIN pg_catalog.pg_collation co ON co.oid = i.indcollation[u.at - 1] LEFT JOIN pg_catalog.pg_opclass o ON o.oid = "
    "i.indclass[u.at - 1] WHERE "
    "u.at <= i.indnkeyatts ORDER BY c.oid, i.indexrelid, u.at";

static void read_part(postgresql_reader *r, const pq_result *rows, int row, mr_reflected_part *part) {
    part->column = mr_postgresql_take(r, rows, row, INDEX_COLUMN);
    part->expression = mr_postgresql_take(r, rows, row, INDEX_EXPRESSION);
    part->collation = mr_postgresql_take(r, rows, row, INDEX_COLLATION);
    part->descending = mr_postgresql_says(r, rows, row, INDEX_DESCENDING, "1");
}

/* Tells what the definition of an index has that ours cannot say. */
static void note_index(postgresql_reader *r, const pq_result *rows, int row, bool others, const char *name,
                       mr_reflection *out) {
    const char *method = r->dbc->pq->getvalue(rows, row, INDEX_METHOD);
    if (strcmp(method, "btree") != 0)
        mr_postgresql_note(r, &out->notes, "the index \"%s\" of \"%s\" is one of %s: it is taken for a plain one", name,
                           out->name, method);
    if (mr_postgresql_says(r, rows, row, INDEX_INCLUDED, "t"))
        mr_postgresql_note(r, &out->notes, "the index \"%s\" of \"%s\" includes columns, which are left out", name,
                           out->name);
    if (others && strcmp(method, "btree") == 0)
        mr_postgresql_note(r, &out->notes,
                           "the index \"%s\" of \"%s\" has an operator class, or NULLs in another place than the usual "
                           "one, which are left out",
                           name, out->name);
}

/* Has the index a method, or columns or rules of its own, that are not read? */
static bool says_more(const postgresql_reader *r, const pq_result *rows, int row) {
    const pq_library *pq = r->dbc->pq;
    return strcmp(pq->getvalue(rows, row, INDEX_METHOD), "btree") != 0 ||
           mr_postgresql_says(r, rows, row, INDEX_INCLUDED, "t") ||
           strstr(pq->getvalue(rows, row, INDEX_DEFINITION), " NULLS NOT DISTINCT") != NULL;
}

/* Reads the index whose rows begin at *row; moves it to the last of them. */
static mr_reflected_index *read_index(postgresql_reader *r, const pq_result *rows, int *row, mr_reflection *out) {
    const int begin = *row, n = r->dbc->pq->ntuples(rows);
    bool others = false;
    mr_reflected_index *index = mr_postgresql_room(r, sizeof *index);
    if (!index) return NULL;
    index->name = mr_postgresql_take(r, rows, begin, INDEX_NAME);
    index->unique = mr_postgresql_says(r, rows, begin, INDEX_UNIQUE, "t");
    index->where = mr_postgresql_take(r, rows, begin, INDEX_WHERE);
    index->nparts = (unsigned)atoi(r->dbc->pq->getvalue(rows, begin, INDEX_COUNT));
    index->parts = mr_postgresql_room(r, (index->nparts + 1) * sizeof *index->parts);
    if (r->no_memory) return NULL;
    for (unsigned i = 0; i < index->nparts && begin + (int)i < n; i++) {
        *row = begin + (int)i;
        read_part(r, rows, *row, &index->parts[i]);
        others = others || mr_postgresql_says(r, rows, *row, INDEX_OTHERS, "t");
    }
    note_index(r, rows, begin, others, index->name, out);
    if (others || says_more(r, rows, begin)) index->definition = mr_postgresql_take(r, rows, begin, INDEX_DEFINITION);
    return index;
}

mr_status mr_postgresql_read_indexes(postgresql_reader *r) {
    pq_result *rows;
    postgresql_object *at = r->objects;
    mr_reflection *last = NULL;
    mr_reflected_index **end = NULL;
    if (mr_postgresql_ask(r, indexes_sql, &rows) != MR_OK) return MR_FAIL;
    for (int i = 0; i < r->dbc->pq->ntuples(rows) && !r->no_memory; i++) {
        mr_reflection *out = mr_postgresql_object_of(r, rows, i, &at);
        if (!out) break;
        if (out != last) end = &out->indexes;
        last = out;
        mr_reflected_index *index = read_index(r, rows, &i, out);
        if (!index) break;
        *end = index;
        end = &index->next;
    }
    r->dbc->pq->clear(rows);
    return mr_postgresql_answer(r, MR_OK);
}
