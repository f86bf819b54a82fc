/*
 * sqlite_reflect.c: all that SQLite tells of one table or view.
 *
 * Invariant: what fails about the object itself (a view of a table that is gone, a virtual table without its module)
 * becomes a note, and the rest of what is known is told.
 */
#include "sqlite_reflection.h"

#include <string.h>

/* ---------------------------------------------------------------- columns */

static const sqlite_clause *clause_of(const sqlite_definition *definition, const char *column, int kind) {
    const sqlite_clause *c = definition->clauses;
    while (c && !((int)c->kind == kind && c->column && sqlite3_stricmp(c->column, column) == 0)) c = c->next;
    return c;
}

/* PRAGMA table_xinfo: cid, name, type, notnull, dflt_value, pk, hidden: 1 in a virtual table, 2 and 3 if the column is
 * generated. */
static void read_column(sqlite_reader *r, sqlite3_stmt *q, const sqlite_definition *definition,
                        const mr_reflection *out, mr_reflected_column *c) {
    const char *collation = NULL;
    const int hidden = sqlite3_column_int(q, 6);
    c->name = mr_sqlite_take(r, q, 1);
    c->type = mr_sqlite_take(r, q, 2);
    if (!c->name) return;
    if (!c->type) c->type = "";
    c->affinity = mr_sqlite_affinity_name(c->type);
    c->not_null = sqlite3_column_int(q, 3) != 0;
    c->deflt = mr_sqlite_take(r, q, 4);
    c->key = (unsigned)sqlite3_column_int(q, 5);
    c->hidden = hidden == 1;
    if (hidden == 2 || hidden == 3) {
        const sqlite_clause *clause = clause_of(definition, c->name, SQLITE_CLAUSE_GENERATED);
        c->generated = clause && clause->sql ? clause->sql : "NULL";
        c->stored = hidden == 3;
    }
    const sqlite_clause *clause = clause_of(definition, c->name, SQLITE_CLAUSE_NOT_NULL);
    if (clause) c->not_null_conflict = clause->conflict;
    if (out->kind != MR_OBJECT_TABLE && out->kind != MR_OBJECT_SHADOW) return;
    int rc =
        sqlite3_table_column_metadata(r->dbc->db, r->schema, out->name, c->name, NULL, &collation, NULL, NULL, NULL);
    if (rc != SQLITE_OK || !collation || sqlite3_stricmp(collation, "BINARY") == 0) return;
    c->collation = mr_arena_strndup(r->arena, collation, strlen(collation));
    r->no_memory = r->no_memory || !c->collation;
}

static int read_columns(sqlite_reader *r, const sqlite_definition *definition, mr_reflection *out) {
    sqlite3_stmt *q = NULL;
    mr_reflected_column **end = &out->columns;
    int rc = mr_sqlite_ask_pragma(r, &q, "table_xinfo", out->name);
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        mr_reflected_column *c = mr_arena_alloc(r->arena, sizeof *c);
        rc = SQLITE_OK;
        r->no_memory = !c;
        if (!c) break;
        if (sqlite3_column_bytes(q, 1) == 0) {
            mr_sqlite_note(r, &out->notes, "\"%s\" has a column whose name is empty: it is left out", out->name);
            continue;
        }
        read_column(r, q, definition, out, c);
        *end = c;
        end = &c->next;
    }
    sqlite3_finalize(q);
    return rc;
}

/* The name of the row's number that no column hides. */
static const char *rowid_name(const mr_reflection *out) {
    static const char *const names[] = {"rowid", "_rowid_", "oid"};
    if (out->kind == MR_OBJECT_VIEW || out->without_rowid) return NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const mr_reflected_column *c = out->columns;
        while (c && sqlite3_stricmp(c->name, names[i]) != 0) c = c->next;
        if (!c) return names[i];
    }
    return NULL;
}

/* ---------------------------------------------------------------- checks, triggers */

static void add_checks(sqlite_reader *r, const sqlite_definition *definition, mr_reflection *out) {
    for (const sqlite_clause *c = definition->clauses; c; c = c->next) {
        if (c->kind != SQLITE_CLAUSE_CHECK || !c->sql) continue;
        mr_reflected_constraint *k = mr_sqlite_add_constraint(r, out, MR_REFLECTED_CHECK, 0);
        if (!k) return;
        k->name = c->name;
        k->sql = c->sql;
        k->conflict = c->conflict;
    }
}

void mr_sqlite_take_entry(sqlite_reader *r, sqlite3_stmt *q, int at, sqlite_entries *out) {
    const char *type = (const char *)sqlite3_column_text(q, at);
    sqlite_entry *entry = mr_arena_alloc(r->arena, sizeof *entry);
    r->no_memory = r->no_memory || !entry;
    if (!entry || !type) return;
    entry->is_index = sqlite3_stricmp(type, "index") == 0;
    entry->name = mr_sqlite_take(r, q, at + 1);
    entry->sql = mr_sqlite_take(r, q, at + 2);
    if (!entry->name) return;
    if (out->last) out->last->next = entry;
    else out->first = entry;
    out->last = entry;
}

/* Reads what belongs to one object. */
static int read_entries(sqlite_reader *r, const mr_reflection *object, sqlite_entries *out) {
    sqlite3_stmt *q = NULL;
    int rc = mr_sqlite_ask_schema(r, &q,
                                  "SELECT type, name, sql FROM \"%w\".sqlite_schema WHERE type IN ('trigger', 'index') "
                                  "AND tbl_name = ?1 COLLATE NOCASE ORDER BY rowid",
                                  object->name);
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        mr_sqlite_take_entry(r, q, 0, out);
    }
    sqlite3_finalize(q);
    return rc;
}

static void add_triggers(sqlite_reader *r, const sqlite_entries *entries, mr_reflection *out) {
    mr_reflected_trigger **end = &out->triggers;
    for (const sqlite_entry *entry = entries->first; entry; entry = entry->next) {
        if (entry->is_index) continue;
        mr_reflected_trigger *t = mr_arena_alloc(r->arena, sizeof *t);
        r->no_memory = r->no_memory || !t;
        if (!t) return;
        t->name = entry->name;
        t->sql = entry->sql;
        *end = t;
        end = &t->next;
    }
}

/* ---------------------------------------------------------------- the object */

static int read_definition(sqlite_reader *r, sqlite_definition *definition, mr_reflection *out) {
    if (!out->sql) return SQLITE_OK;
    mr_status status = out->kind == MR_OBJECT_VIEW ? mr_sqlite_read_view(r->dbc->env, r->arena, out->sql, definition)
                                                   : mr_sqlite_read_table(r->dbc->env, r->arena, out->sql, definition);
    if (status != MR_OK) return SQLITE_NOMEM;
    out->module = definition->module;
    out->using_module = definition->using;
    out->definition = definition->query;
    out->names_columns = definition->names_columns;
    if (!definition->whole)
        mr_sqlite_note(r, &out->notes,
                       "the definition of \"%s\" was not understood to its end: constraints may be missing", out->name);
    return SQLITE_OK;
}

static int is_done(int rc) { return rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW; }

int mr_sqlite_read_object(sqlite_reader *r, const sqlite_entries *entries, mr_reflection *out) {
    sqlite_definition definition = {0};
    if (out->kind == MR_OBJECT_DAMAGED) {
        mr_sqlite_note(r, &out->notes, "SQLite cannot read the definition of \"%s\"", out->name);
        return SQLITE_OK;
    }
    int rc = read_definition(r, &definition, out);
    if (is_done(rc)) rc = read_columns(r, &definition, out);
    if (!is_done(rc) && mr_sqlite_is_about_schema(rc)) {
        mr_sqlite_note(r, &out->notes, "SQLite cannot read \"%s\": %s", out->name, sqlite3_errmsg(r->dbc->db));
        out->columns = NULL;
        rc = SQLITE_OK;
    }
    bool is_table = out->kind != MR_OBJECT_VIEW && out->kind != MR_OBJECT_VIRTUAL;
    if (is_done(rc)) add_triggers(r, entries, out);
    if (is_done(rc) && is_table) rc = mr_sqlite_read_indexes(r, &definition, entries, out);
    if (is_done(rc) && is_table) rc = mr_sqlite_read_references(r, &definition, out);
    if (is_done(rc)) add_checks(r, &definition, out);
    out->rowid = rowid_name(out);
    return rc;
}

mr_status mr_sqlite_object(mr_dbc *dbc, mr_arena *arena, const char *schema, const char *name, mr_reflection *out) {
    sqlite_reader r = {.dbc = sqlite_dbc_of(dbc), .arena = arena, .schema = schema ? schema : "main"};
    sqlite_entries entries = {0};
    int rc = mr_sqlite_open_schema(&r, &out->notes);
    if (rc == SQLITE_OK) rc = mr_sqlite_find_object(&r, name, out);
    bool found = rc == SQLITE_ROW && out->name;
    if (found) rc = read_entries(&r, out, &entries);
    if (found && is_done(rc)) rc = mr_sqlite_read_object(&r, &entries, out);
    mr_status status = mr_sqlite_answer(&r, rc);
    mr_sqlite_close_schema(&r);
    return status == MR_OK && !found ? MR_NOTFOUND : status;
}

mr_status mr_sqlite_all(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_reflection **list) {
    sqlite_reader r = {.dbc = sqlite_dbc_of(dbc), .arena = arena, .schema = schema ? schema : "main"};
    mr_reflection_note *notes = NULL; /* mr_sqlite_objects has them, too */
    sqlite_listed *listed = NULL;
    int rc = mr_sqlite_open_schema(&r, &notes);
    if (rc == SQLITE_OK) rc = mr_sqlite_list_all(&r, &listed);
    for (; listed && is_done(rc) && !r.no_memory; listed = listed->next) {
        rc = mr_sqlite_read_object(&r, &listed->entries, listed->object);
        *list = listed->object;
        list = &listed->object->next;
    }
    mr_status status = mr_sqlite_answer(&r, rc);
    mr_sqlite_close_schema(&r);
    return status;
}
