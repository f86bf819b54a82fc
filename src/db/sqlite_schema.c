/*
 * sqlite_schema.c: facts about tables and columns, from the database file: another program may have made them.
 *
 * Invariant: the facts about a table are kept until the schema may have changed. They are asked again after a statement
 * that SQLite had to prepare again, after a statement that neither reads nor writes rows, after a rollback, and after
 * an error.
 */
#include "driver_sqlite.h"

#include <ctype.h>
#include <string.h>

/* The facts about one table: an element of dbc->known. */
typedef struct answer {
    const mr_table *table;
    uint64_t seen;
    bool with_key; /* facts.numbers is known, too */
    mr_table_facts facts;
} answer;

/* ---------------------------------------------------------------- noticing changes */

bool mr_sqlite_moves_schema(const char *sql) {
    static const char *const plain[] = {"select", "insert",  "update", "delete", "replace",   "with",   "values",
                                        "begin",  "explain", "commit", "end",    "savepoint", "release"};
    while (isspace((unsigned char)*sql)) sql++;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        size_t n = strlen(plain[i]);
        if (sqlite3_strnicmp(sql, plain[i], (int)n) == 0 && !isalnum((unsigned char)sql[n])) return false;
    }
    return true;
}

void mr_sqlite_begun(sqlite_stmt *s) {
    int prepared = sqlite3_stmt_status(s->stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
    if (s->moves_schema || prepared != s->prepared_again) s->dbc->seen++;
    s->prepared_again = prepared;
    s->begun = true;
}

uint64_t mr_sqlite_schema_seen(mr_dbc *dbc) { return sqlite_dbc_of(dbc)->seen; }

/* ---------------------------------------------------------------- tables */

static const char question[] = "SELECT c.cid, c.pk, (SELECT count(*) FROM pragma_table_info(?1, ?2) WHERE pk > 0), "
                               "EXISTS (SELECT 1 FROM pragma_index_list(?1, ?2) WHERE origin = 'pk') "
                               "FROM pragma_table_info(?1, ?2) AS c WHERE c.name = ?3 COLLATE NOCASE";

typedef enum key_kind {
    KEY_UNLISTED,
    KEY_PLAIN,
    KEY_ROWID,
    KEY_FIRST /* the first column of a table without a key */
} key_kind;

/* Finds out what kind of key the column is. An only key column is the rowid if it has no index that keeps it unique. */
static mr_status look_at_key(sqlite_dbc *dbc, const mr_table *table, const char *column, key_kind *out) {
    *out = KEY_UNLISTED;
    int rc = SQLITE_OK;
    if (!dbc->key_query)
        rc = sqlite3_prepare_v3(dbc->db, question, -1, SQLITE_PREPARE_PERSISTENT, &dbc->key_query, NULL);
    if (rc != SQLITE_OK) return mr_sqlite_fail(dbc, rc);
    sqlite3_stmt *q = dbc->key_query;
    /* schema NULL: the database in which a statement would find the table. */
    const char *const names[] = {table->name, table->schema, column};
    for (int i = 0; i < 3 && rc == SQLITE_OK; i++) rc = sqlite3_bind_text(q, i + 1, names[i], -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) {
        bool sole = sqlite3_column_int(q, 1) == 1 && sqlite3_column_int(q, 2) == 1;
        *out = sole && !sqlite3_column_int(q, 3)                                ? KEY_ROWID
               : sqlite3_column_int(q, 0) == 0 && sqlite3_column_int(q, 2) == 0 ? KEY_FIRST
                                                                                : KEY_PLAIN;
    }
    mr_status status = rc == SQLITE_ROW || rc == SQLITE_DONE ? MR_OK : mr_sqlite_fail(dbc, rc);
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
    return status;
}

/* Is the result code an answer? SQLITE_ERROR is: there is no such column, or it is a view's. Any other failure is none:
 * the schema could not be read now, but perhaps next time. */
static bool is_answer(int rc) { return rc == SQLITE_OK || rc == SQLITE_ERROR; }

/* *out: has the table the column? column NULL: is there such a table? */
static mr_status has_column(sqlite_dbc *dbc, const mr_table *table, const char *column, bool *out) {
    int rc = sqlite3_table_column_metadata(dbc->db, table->schema, table->name, column, NULL, NULL, NULL, NULL, NULL);
    *out = rc == SQLITE_OK;
    return is_answer(rc) ? MR_OK : mr_sqlite_fail(dbc, rc);
}

/* Does the text match the pattern of LIKE? Capitals and small letters are equal. */
static bool matches(const char *text, const char *pattern) { return sqlite3_strlike(pattern, text, 0) == 0; }

/* Looks at the CREATE TABLE text of the table, and for its triggers, in one database. */
static mr_status read_words(sqlite_dbc *dbc, const mr_table *table, const char *schema, mr_table_facts *out,
                            bool *tree) {
    sqlite3_stmt *q = NULL;
    /* A row that refers to a later one is right where both are in one statement, and wrong alone. */
    char *sql = sqlite3_mprintf("SELECT sql, type = 'trigger', EXISTS (SELECT 1 FROM "
                                "pragma_foreign_key_list(%Q, %Q) WHERE \"table\" = %Q COLLATE NOCASE) "
                                "FROM \"%w\".sqlite_master "
                                "WHERE type IN ('table', 'trigger') AND tbl_name = %Q COLLATE NOCASE",
                                table->name, schema, table->name, schema, table->name);
    if (!sql) return mr_nomem(dbc->env);
    int rc = sqlite3_prepare_v2(dbc->db, sql, -1, &q, NULL);
    sqlite3_free(sql);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *words = (const char *)sqlite3_column_text(q, 0);
        bool trigger = sqlite3_column_int(q, 1);
        if (trigger || sqlite3_column_int(q, 2) || !words || matches(words, "create virtual table%") ||
            matches(words, "%on%conflict%"))
            out->in_order = false;
        out->replaces = out->replaces || (!trigger && words && matches(words, "%conflict%replace%"));
        *tree = *tree || (!trigger && words && matches(words, "create virtual table%using%rtree%"));
        rc = !words && sqlite3_errcode(dbc->db) == SQLITE_NOMEM ? SQLITE_NOMEM : SQLITE_OK;
    }
    mr_status status = rc == SQLITE_ROW || rc == SQLITE_DONE ? MR_OK : mr_sqlite_fail(dbc, rc);
    sqlite3_finalize(q);
    return status;
}

/* Looks for a table without a schema in all databases. If another table of the name replaces rows, or has a trigger,
 * the mistake costs only some time. Triggers in the temporary database may belong to tables of any other. */
static mr_status read_all_words(sqlite_dbc *dbc, const mr_table *table, mr_table_facts *out, bool *tree) {
    if (table->schema && read_words(dbc, table, table->schema, out, tree) != MR_OK) return MR_FAIL;
    if (table->schema) return read_words(dbc, table, "temp", out, tree);
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(dbc->db, "PRAGMA database_list", -1, &q, NULL);
    mr_status status = MR_OK;
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(q);
        if (rc != SQLITE_ROW) break;
        const char *schema = (const char *)sqlite3_column_text(q, 1);
        status = schema ? read_words(dbc, table, schema, out, tree) : mr_nomem(dbc->env);
        if (status != MR_OK) break;
    }
    if (status == MR_OK && rc != SQLITE_DONE) status = mr_sqlite_fail(dbc, rc);
    sqlite3_finalize(q);
    return status;
}

/* with_key: the question about the key is the dearest one, and only an INSERT needs its answer. */
static mr_status look(sqlite_dbc *dbc, const mr_table *table, bool with_key, mr_table_facts *out) {
    const mr_column *key = table->autoincrement ? table->autoincrement : table->nprimary ? table->primary[0] : NULL;
    if (!with_key) key = NULL;
    key_kind kind = KEY_PLAIN;
    bool tree = false, is_table = false, hidden = false;
    if (has_column(dbc, table, NULL, &is_table) != MR_OK) return MR_FAIL;
    *out = (mr_table_facts){.is_view = !is_table, .in_order = is_table};
    if (out->is_view) return MR_OK;
    if (key && look_at_key(dbc, table, key->name, &kind) != MR_OK) return MR_FAIL;
    if (read_all_words(dbc, table, out, &tree) != MR_OK) return MR_FAIL;
    /* A key column named rowid, oid or _rowid_ exists, although the table declares none. An R*Tree has a key, although
     * it declares none. */
    if (key && kind == KEY_UNLISTED && has_column(dbc, table, key->name, &hidden) != MR_OK) return MR_FAIL;
    out->numbers = key && table->nprimary == 1 && (kind == KEY_ROWID || (kind == KEY_FIRST && tree) || hidden);
    return MR_OK;
}

mr_status mr_sqlite_table_facts(mr_dbc *handle, const mr_table *table, bool with_key, mr_table_facts *out) {
    sqlite_dbc *dbc = sqlite_dbc_of(handle);
    answer key = {.table = table, .with_key = with_key};
    if (!dbc->known) dbc->known = mr_map_new(dbc->env, sizeof(answer), mr_map_hash_ptr, mr_map_equal_ptr);
    if (!dbc->known) return MR_FAIL;
    answer *known = mr_map_get(dbc->known, &key);
    /* On the caller's own handle, the program may have changed the schema itself, so it is always asked. */
    if (!known || known->seen != dbc->seen || dbc->native || (with_key && !known->with_key)) {
        key.seen = dbc->seen;
        if (look(dbc, table, with_key, &key.facts) != MR_OK) return MR_FAIL;
        if (known) *known = key;
        else if (!(known = mr_map_put(dbc->known, &key))) return MR_FAIL;
    }
    *out = known->facts;
    return MR_OK;
}

void mr_sqlite_forget_schema(sqlite_dbc *dbc) {
    if (!mr_sqlite_is_inherited(dbc)) {
        sqlite3_finalize(dbc->key_query);
        sqlite3_finalize(dbc->snapshot_query);
    }
    mr_map_free(dbc->known);
    dbc->key_query = dbc->snapshot_query = NULL;
    dbc->known = NULL;
}

/* ---------------------------------------------------------------- columns */

/* SQLite's rules for the affinity of a declared type, in SQLite's order. */
static mr_affinity affinity_of(const char *type) {
    if (!type || !*type) return MR_AFFINITY_NONE;
    if (matches(type, "%int%")) return MR_AFFINITY_NUMBER;
    if (matches(type, "%char%") || matches(type, "%clob%") || matches(type, "%text%")) return MR_AFFINITY_TEXT;
    return matches(type, "%blob%") ? MR_AFFINITY_NONE : MR_AFFINITY_NUMBER;
}

const char *mr_sqlite_affinity_name(const char *type) {
    if (!type || !*type) return "BLOB";
    if (matches(type, "%int%")) return "INTEGER";
    if (affinity_of(type) == MR_AFFINITY_TEXT) return "TEXT";
    if (affinity_of(type) == MR_AFFINITY_NONE) return "BLOB";
    return matches(type, "%real%") || matches(type, "%floa%") || matches(type, "%doub%") ? "REAL" : "NUMERIC";
}

/* A number for a collation's name, never 0. Capitals and small letters are equal. */
static uint32_t number_of(const char *collation) {
    uint32_t h = 2166136261u;
    for (; *collation; collation++) {
        uint32_t letter = (unsigned char)*collation;
        h = (h ^ (letter >= 'A' && letter <= 'Z' ? letter + ('a' - 'A') : letter)) * 16777619u;
    }
    return h ? h : 1;
}

mr_status mr_sqlite_column_facts(mr_dbc *handle, const char *schema, const char *table, const char *column,
                                 mr_column_facts *out) {
    const char *type = NULL, *collation = NULL;
    int not_null = 0, key = 0, counts = 0;
    int rc = sqlite3_table_column_metadata(sqlite_dbc_of(handle)->db, schema, table, column, &type, &collation,
                                           &not_null, &key, &counts);
    if (!is_answer(rc)) return mr_sqlite_fail(sqlite_dbc_of(handle), rc);
    if (rc != SQLITE_OK) return MR_NOTFOUND; /* if something is wrong, the next statement fails and says so */
    out->not_null = not_null != 0;
    out->integer = type && sqlite3_stricmp(type, "INTEGER") == 0;
    out->affinity = affinity_of(type);
    out->binary = !collation || sqlite3_stricmp(collation, "BINARY") == 0;
    out->collation = out->binary ? 0 : number_of(collation);
    return MR_OK;
}
