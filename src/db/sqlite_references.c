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

/* The action's word; NULL for NO ACTION. */
static const char *action(sqlite_reader *r, sqlite3_stmt *q, int column) {
    const char *word = (const char *)sqlite3_column_text(q, column);
    return word && strcmp(word, "NO ACTION") != 0 ? mr_sqlite_take(r, q, column) : NULL;
}

/* A foreign key without columns means the primary key of the other table. */
static int find_targets(sqlite_reader *r, mr_reflected_constraint *k) {
    sqlite3_stmt *q = NULL;
    unsigned n = 0;
    int rc = mr_sqlite_ask(r, &q, "SELECT name FROM pragma_table_info(?1, ?2) WHERE pk > 0 ORDER BY pk", k->target,
                           r->schema);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        if (n < k->ncolumns) k->target_columns[n] = mr_sqlite_take(r, q, 0);
        n++;
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    if (n != k->ncolumns) k->target_columns = NULL;
    return mr_sqlite_is_about_schema(rc) ? SQLITE_DONE : rc;
}

/* Begins the foreign key of the current row. */
static mr_reflected_constraint *begin(sqlite_reader *r, sqlite3_stmt *q, const sqlite_definition *definition,
                                      mr_reflection *out) {
    unsigned n = (unsigned)sqlite3_column_int(q, 7);
    mr_reflected_constraint *k = mr_sqlite_add_constraint(r, out, MR_REFLECTED_FOREIGN_KEY, n);
    const char **targets = mr_arena_alloc(r->arena, (n + 1) * sizeof *targets);
    r->no_memory = r->no_memory || !targets;
    if (!k || !targets) return NULL;
    k->target_columns = targets;
    k->target = mr_sqlite_take(r, q, 2);
    k->onupdate = action(r, q, 5);
    k->ondelete = action(r, q, 6);
    const sqlite_clause *clause = clause_of(definition, (unsigned)sqlite3_column_int(q, 8), sqlite3_column_int(q, 0));
    if (!clause) return k;
    k->name = clause->name;
    k->deferrable = clause->deferrable;
    k->initially = clause->initially;
    return k;
}

int mr_sqlite_read_references(sqlite_reader *r, const sqlite_definition *definition, mr_reflection *out) {
    sqlite3_stmt *q = NULL;
    mr_reflected_constraint *k = NULL;
    int rc = mr_sqlite_ask(r, &q,
                           "WITH f AS MATERIALIZED (SELECT * FROM pragma_foreign_key_list(?1, ?2)) "
                           "SELECT id, seq, \"table\", \"from\", \"to\", on_update, on_delete, "
                           "(SELECT count(*) FROM f AS g WHERE g.id = f.id), (SELECT count(DISTINCT id) FROM f) "
                           "FROM f ORDER BY id DESC, seq",
                           out->name, r->schema);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        unsigned at = (unsigned)sqlite3_column_int(q, 1);
        rc = SQLITE_OK;
        if (at == 0) k = begin(r, q, definition, out);
        if (r->no_memory || !k || at >= k->ncolumns) break;
        k->columns[at] = mr_sqlite_take(r, q, 3);
        if (sqlite3_column_type(q, 4) != SQLITE_NULL) k->target_columns[at] = mr_sqlite_take(r, q, 4);
    }
    sqlite3_finalize(q);
    for (k = out->constraints; k && !r->no_memory && (rc == SQLITE_DONE || rc == SQLITE_OK); k = k->next)
        if (k->kind == MR_REFLECTED_FOREIGN_KEY && !k->target_columns[0]) rc = find_targets(r, k);
    return rc;
}
