/*
 * sqlite_references.c: the foreign keys of a table.
 *
 * Invariant: they come in the order of their declaration, with as many columns of the other table as own ones, unless
 * that table is not there.
 */
#include "sqlite_reflection.h"

#include <string.h>

/* SQLite numbers them backwards: the last one that was declared is number 0. */
static const sqlite_clause *clause_of(const sqlite_definition *definition, unsigned n, int id) {
    unsigned count = 0;
    for (const sqlite_clause *c = definition->clauses; c; c = c->next) count += c->kind == SQLITE_CLAUSE_FOREIGN_KEY;
    if (count != n) return NULL;
    for (const sqlite_clause *c = definition->clauses; c; c = c->next)
        if (c->kind == SQLITE_CLAUSE_FOREIGN_KEY && --count == (unsigned)id) return c;
    return NULL;
}

/* A row of PRAGMA foreign_key_list: id, seq, table, from, to, on_update, on_delete. */
typedef struct key_row {
    int id, seq;
    const char *target, *from, *to, *onupdate, *ondelete;
    struct key_row *next;
} key_row;

/* The action's word; NULL for NO ACTION. */
static const char *action(sqlite_reader *r, sqlite3_stmt *q, int column) {
    const char *word = (const char *)sqlite3_column_text(q, column);
    return word && strcmp(word, "NO ACTION") != 0 ? mr_sqlite_take(r, q, column) : NULL;
}

/* A foreign key without columns means the primary key of the other table. */
static int find_targets(sqlite_reader *r, mr_reflected_constraint *k) {
    sqlite3_stmt *q = NULL;
    unsigned n = 0;
    int rc = mr_sqlite_ask_pragma(r, &q, "table_info", k->target); /* cid, name, type, notnull, dflt_value, pk */
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        unsigned at = (unsigned)sqlite3_column_int(q, 5);
        rc = SQLITE_OK;
        if (at == 0) continue;
        if (at <= k->ncolumns) k->target_columns[at - 1] = mr_sqlite_take(r, q, 1);
        n++;
    }
    sqlite3_finalize(q);
    if (n != k->ncolumns) k->target_columns = NULL;
    return mr_sqlite_is_about_schema(rc) ? SQLITE_DONE : rc;
}

/* Lists the rows: those of the first foreign key that was declared come first, its columns in their order. */
static int list_rows(sqlite_reader *r, const mr_reflection *table, key_row **out) {
    sqlite3_stmt *q = NULL;
    int rc = mr_sqlite_ask_pragma(r, &q, "foreign_key_list", table->name);
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        key_row *row = mr_arena_alloc(r->arena, sizeof *row), **at = out;
        rc = SQLITE_OK;
        r->no_memory = !row;
        if (!row) break;
        row->id = sqlite3_column_int(q, 0);
        row->seq = sqlite3_column_int(q, 1);
        row->target = mr_sqlite_take(r, q, 2);
        row->from = mr_sqlite_take(r, q, 3);
        row->to = mr_sqlite_take(r, q, 4);
        row->onupdate = action(r, q, 5);
        row->ondelete = action(r, q, 6);
        while (*at && ((*at)->id > row->id || ((*at)->id == row->id && (*at)->seq < row->seq))) at = &(*at)->next;
        row->next = *at;
        *at = row;
    }
    sqlite3_finalize(q);
    return rc;
}

/* Adds the foreign key whose rows begin here, one of `all`; returns the row behind them. */
static const key_row *add_reference(sqlite_reader *r, const key_row *row, const sqlite_definition *definition,
                                    unsigned all, mr_reflection *out) {
    const key_row *behind = row;
    unsigned n = 0;
    for (; behind && behind->id == row->id; behind = behind->next) n++;
    mr_reflected_constraint *k = mr_sqlite_add_constraint(r, out, MR_REFLECTED_FOREIGN_KEY, n);
    const char **targets = mr_arena_alloc(r->arena, (n + 1) * sizeof *targets);
    r->no_memory = r->no_memory || !targets;
    if (!k || !targets) return behind;
    k->target_columns = targets;
    k->target = row->target;
    k->onupdate = row->onupdate;
    k->ondelete = row->ondelete;
    const sqlite_clause *clause = clause_of(definition, all, row->id);
    if (clause) {
        k->name = clause->name;
        k->deferrable = clause->deferrable;
        k->initially = clause->initially;
    }
    for (unsigned i = 0; row != behind; row = row->next, i++) {
        k->columns[i] = row->from;
        targets[i] = row->to;
    }
    return behind;
}

int mr_sqlite_read_references(sqlite_reader *r, const sqlite_definition *definition, mr_reflection *out) {
    key_row *rows = NULL;
    unsigned all = 0;
    int rc = list_rows(r, out, &rows);
    for (const key_row *row = rows; row; row = row->next) all += !row->next || row->next->id != row->id;
    for (const key_row *row = rows; row && !r->no_memory;) row = add_reference(r, row, definition, all, out);
    for (mr_reflected_constraint *k = out->constraints; k && !r->no_memory && (rc == SQLITE_DONE || rc == SQLITE_OK);
         k = k->next)
        if (k->kind == MR_REFLECTED_FOREIGN_KEY && !k->target_columns[0]) rc = find_targets(r, k);
    return rc;
}
