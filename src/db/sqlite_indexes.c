/*
 * sqlite_indexes.c: the indexes of a table, and the constraints that SQLite keeps by an index.
 *
 * Invariant: an index of a PRIMARY KEY or UNIQUE is told as that constraint, and no second time as an index.
 */
#include "sqlite_reflection.h"

#include <string.h>

mr_reflected_constraint *mr_sqlite_add_constraint(sqlite_reader *r, mr_reflection *out, mr_reflected_kind kind,
                                                  unsigned ncolumns) {
    mr_reflected_constraint *k = mr_arena_alloc(r->arena, sizeof *k), **end = &out->constraints;
    const char **columns = mr_arena_alloc(r->arena, (ncolumns + 1) * sizeof *columns);
    r->no_memory = r->no_memory || !k || !columns;
    if (!k || !columns) return NULL;
    k->kind = kind;
    k->ncolumns = ncolumns;
    k->columns = columns;
    while (*end) end = &(*end)->next;
    *end = k;
    return k;
}

/* ---------------------------------------------------------------- the primary key */

/* The clause of the table's PRIMARY KEY, or NULL. */
static const sqlite_clause *key_clause(const sqlite_definition *definition) {
    const sqlite_clause *c = definition->clauses;
    while (c && c->kind != SQLITE_CLAUSE_PRIMARY_KEY) c = c->next;
    return c;
}

static void add_key(sqlite_reader *r, const sqlite_definition *definition, mr_reflection *out) {
    unsigned n = 0;
    for (const mr_reflected_column *c = out->columns; c; c = c->next) n += c->key > 0;
    const sqlite_clause *clause = key_clause(definition);
    mr_reflected_constraint *k = n ? mr_sqlite_add_constraint(r, out, MR_REFLECTED_PRIMARY_KEY, n) : NULL;
    if (!k) return;
    for (const mr_reflected_column *c = out->columns; c; c = c->next)
        if (c->key > 0 && c->key <= n) k->columns[c->key - 1] = c->name;
    if (!clause) return;
    k->name = clause->name;
    k->conflict = clause->conflict;
    out->autoincrement = clause->autoincrement;
}

/* ---------------------------------------------------------------- UNIQUE */

static bool names_columns(const sqlite_clause *clause, const mr_reflected_index *index) {
    if (clause->kind != SQLITE_CLAUSE_UNIQUE) return false;
    if (clause->column)
        return index->nparts == 1 && index->parts[0].column &&
               sqlite3_stricmp(clause->column, index->parts[0].column) == 0;
    if (clause->ncolumns != index->nparts) return false;
    for (unsigned i = 0; i < index->nparts; i++)
        if (!index->parts[i].column || sqlite3_stricmp(clause->columns[i], index->parts[i].column) != 0) return false;
    return true;
}

static void add_unique(sqlite_reader *r, const sqlite_definition *definition, const mr_reflected_index *index,
                       mr_reflection *out) {
    const sqlite_clause *clause = definition->clauses;
    mr_reflected_constraint *k = mr_sqlite_add_constraint(r, out, MR_REFLECTED_UNIQUE, index->nparts);
    if (!k) return;
    for (unsigned i = 0; i < index->nparts; i++) k->columns[i] = index->parts[i].column ? index->parts[i].column : "";
    while (clause && !names_columns(clause, index)) clause = clause->next;
    if (!clause) return;
    k->name = clause->name;
    k->conflict = clause->conflict;
}

/* ---------------------------------------------------------------- indexes */

static const mr_reflected_column *find_column(const mr_reflection *out, const char *name) {
    const mr_reflected_column *c = out->columns;
    while (c && sqlite3_stricmp(c->name, name) != 0) c = c->next;
    return c;
}

/* Reads the current row of PRAGMA index_xinfo (seqno, cid, name, desc, coll, key) into part number i. */
static void read_part(sqlite_reader *r, sqlite3_stmt *q, const sqlite_definition *definition, const mr_reflection *out,
                      unsigned i, mr_reflected_part *part) {
    const char *collation = (const char *)sqlite3_column_text(q, 4), *own = NULL;
    part->descending = sqlite3_column_int(q, 3) != 0;
    part->column = mr_sqlite_take(r, q, 2);
    if (part->column) {
        const mr_reflected_column *c = find_column(out, part->column);
        own = c && c->collation ? c->collation : "BINARY";
        if (collation && sqlite3_stricmp(collation, own) != 0) part->collation = mr_sqlite_take(r, q, 4);
    } else if (i < definition->nparts) {
        part->expression = definition->parts[i].expression; /* with its collation */
    }
}

static int read_parts(sqlite_reader *r, const sqlite_definition *definition, const mr_reflection *out,
                      mr_reflected_index *index) {
    enum { STEP = 16 };
    sqlite3_stmt *q = NULL;
    int rc = mr_sqlite_ask_pragma(r, &q, "index_xinfo", index->name);
    unsigned room = 0;
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if (sqlite3_column_int(q, 5) == 0) continue; /* it is not in the key */
        if (index->nparts == room) {
            mr_reflected_part *more = mr_arena_alloc(r->arena, (room + STEP) * sizeof *more);
            r->no_memory = !more;
            if (!more) break;
            if (room) memcpy(more, index->parts, room * sizeof *more);
            index->parts = more;
            room += STEP;
        }
        read_part(r, q, definition, out, index->nparts, &index->parts[index->nparts]);
        index->nparts++;
    }
    sqlite3_finalize(q);
    return rc;
}

/* What PRAGMA index_list tells of an index: seq, name, unique, origin. */
typedef struct listed_index {
    const char *name, *origin;
    bool unique;
    struct listed_index *next;
} listed_index;

static int list_indexes(sqlite_reader *r, const mr_reflection *table, listed_index **out) {
    sqlite3_stmt *q = NULL;
    int rc = mr_sqlite_ask_pragma(r, &q, "index_list", table->name);
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        listed_index *listed = mr_arena_alloc(r->arena, sizeof *listed);
        rc = SQLITE_OK;
        r->no_memory = !listed;
        if (!listed) break;
        listed->name = mr_sqlite_take(r, q, 1);
        listed->unique = sqlite3_column_int(q, 2) != 0;
        listed->origin = mr_sqlite_take(r, q, 3);
        listed->next = *out;
        if (listed->name && listed->origin) *out = listed;
    }
    sqlite3_finalize(q);
    return rc;
}

static int read_index(sqlite_reader *r, const listed_index *listed, const sqlite_definition *table,
                      const sqlite_entry *entry, mr_reflection *out, mr_reflected_index ***end) {
    sqlite_definition definition = {0};
    if (strcmp(listed->origin, "pk") == 0) return SQLITE_OK;
    mr_reflected_index *index = mr_arena_alloc(r->arena, sizeof *index);
    r->no_memory = r->no_memory || !index;
    if (!index) return SQLITE_OK;
    if (entry->sql && mr_sqlite_read_index(r->dbc->env, r->arena, entry->sql, &definition) != MR_OK)
        return SQLITE_NOMEM;
    index->name = entry->name;
    index->unique = listed->unique;
    index->where = definition.where;
    int rc = read_parts(r, &definition, out, index);
    if (rc != SQLITE_DONE || r->no_memory) return rc;
    if (strcmp(listed->origin, "u") == 0) {
        add_unique(r, table, index, out);
    } else {
        **end = index;
        *end = &index->next;
    }
    return SQLITE_OK;
}

int mr_sqlite_read_indexes(sqlite_reader *r, const sqlite_definition *definition, const sqlite_entries *entries,
                           mr_reflection *out) {
    mr_reflected_index **end = &out->indexes;
    listed_index *all = NULL;
    add_key(r, definition, out);
    int rc = entries->first ? list_indexes(r, out, &all) : SQLITE_DONE;
    if (rc == SQLITE_DONE) rc = SQLITE_OK;
    for (const sqlite_entry *entry = entries->first; entry && rc == SQLITE_OK && !r->no_memory; entry = entry->next) {
        const listed_index *listed = entry->is_index ? all : NULL;
        while (listed && strcmp(listed->name, entry->name) != 0) listed = listed->next;
        if (listed) rc = read_index(r, listed, definition, entry, out, &end); /* else it is damaged */
    }
    return rc;
}
