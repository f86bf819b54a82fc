/*
 * sqlite_shape.c: which columns an UPDATE statement sets, so that the others need not be read twice for each row that
 * it changes.
 *
 * Invariant: a shape that is used is that of the statement as it is prepared now. Where anything is not plain (another
 * text than the flush's, computed columns, the row's number), there is none, and all values are read.
 */
#include "driver_sqlite.h"
#include "sqlite_words.h"

#include <string.h>

enum { MOST_COLUMNS = 250 };

typedef struct set_columns {
    mr_arena *arena;
    const char *schema, *table; /* schema NULL: the statement names none */
    mr_vec names;               /* const char * */
} set_columns;

/* ---------------------------------------------------------------- the text */

/* The next word as a name; NULL: it is none. */
static const char *take_name(set_columns *c, const char **at) {
    sqlite_word word = mr_sqlite_word(at);
    bool is_name = word.kind == SQLITE_WORD_BARE || word.kind == SQLITE_WORD_QUOTED;
    return is_name ? mr_sqlite_name(c->arena, word) : NULL;
}

/* UPDATE table SET column=?, column=? WHERE ...: as the flush writes it. false: it is another statement. */
static bool read_statement(set_columns *c, const char *sql) {
    if (!mr_sqlite_is_word(mr_sqlite_word(&sql), "UPDATE")) return false;
    c->table = take_name(c, &sql);
    sqlite_word word = mr_sqlite_word(&sql);
    if (c->table && mr_sqlite_is_sign(word, '.')) {
        c->schema = c->table;
        c->table = take_name(c, &sql);
        word = mr_sqlite_word(&sql);
    }
    if (!c->table || !mr_sqlite_is_word(word, "SET")) return false;
    do {
        const char *name = take_name(c, &sql);
        if (!name || !mr_sqlite_is_sign(mr_sqlite_word(&sql), '=') || !mr_sqlite_is_sign(mr_sqlite_word(&sql), '?') ||
            c->names.len == MOST_COLUMNS || mr_vec_push_ptr(&c->names, (void *)name) != MR_OK)
            return false;
        word = mr_sqlite_word(&sql);
    } while (mr_sqlite_is_sign(word, ','));
    return mr_sqlite_is_word(word, "WHERE");
}

/* ---------------------------------------------------------------- the table */

/* The number of the parameter that the column is set to, from 1 on; 0: it is not set. */
static uint8_t parameter_of(const set_columns *c, const char *name) {
    for (size_t i = 0; i < c->names.len; i++)
        if (sqlite3_stricmp(mr_vec_ptr(&c->names, i), name) == 0) return (uint8_t)(i + 1);
    return 0;
}

/* By SQLite's rule such a column has the affinity INTEGER. */
static bool has_int(const char *type) {
    for (; type && *type; type++)
        if (sqlite3_strnicmp(type, "INT", 3) == 0) return true;
    return false;
}

/* Is there an index of the primary key? There is none where the key is the row's number. */
static bool has_key_index(sqlite_dbc *dbc, const set_columns *c) {
    sqlite3_stmt *q = NULL;
    const char *sql = "SELECT 1 FROM pragma_index_list(?1, ?2) WHERE origin = 'pk'";
    int rc = sqlite3_prepare_v2(dbc->db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 1, c->table, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 2, c->schema, -1, SQLITE_STATIC);
    bool none = rc == SQLITE_OK && sqlite3_step(q) == SQLITE_DONE;
    return sqlite3_finalize(q) != SQLITE_OK || !none;
}

/* Fills the shape with the columns of the table. false: it has others than the statement names, or some that the
 * database computes. */
static bool fill(sqlite_dbc *dbc, const set_columns *c, mr_sqlite_shape *shape) {
    sqlite3_stmt *q = NULL;
    size_t found = 0;
    bool plain = true;
    int keys = 0;
    int rc = sqlite3_prepare_v2(dbc->db, "SELECT name, hidden, type, pk FROM pragma_table_xinfo(?1, ?2)", -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 1, c->table, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 2, c->schema, -1, SQLITE_STATIC);
    while (plain && rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 0);
        plain = shape->n < MOST_COLUMNS && name && sqlite3_column_int(q, 1) == 0;
        if (!plain) break;
        uint8_t parameter = parameter_of(c, name);
        found += parameter > 0;
        shape->columns[shape->n].parameter = parameter;
        if (sqlite3_column_int(q, 3) > 0 && keys++ == 0) shape->number = shape->n;
        shape->columns[shape->n++].integer = has_int((const char *)sqlite3_column_text(q, 2));
    }
    bool whole = sqlite3_finalize(q) == SQLITE_OK && rc == SQLITE_OK;
    if (keys != 1 || has_key_index(dbc, c)) shape->number = -1;
    return whole && plain && shape->n > 0 && found == c->names.len;
}

static mr_sqlite_shape *make(sqlite_dbc *dbc, sqlite3_stmt *stmt, const set_columns *c) {
    size_t len = strlen(c->table) + 1, columns = MOST_COLUMNS * sizeof(((mr_sqlite_shape *)NULL)->columns[0]);
    mr_sqlite_shape *shape = mr_calloc(dbc->env, sizeof *shape + columns + len);
    if (!shape) return NULL;
    shape->prepared_again = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_REPREPARE, 0);
    shape->table = memcpy((char *)(shape + 1) + columns, c->table, len);
    if (fill(dbc, c, shape)) return shape;
    mr_free(dbc->env, shape);
    return NULL;
}

mr_sqlite_shape *mr_sqlite_shape_of(sqlite_dbc *dbc, sqlite3_stmt *stmt) {
    const char *sql = sqlite3_sql(stmt);
    set_columns c = {.arena = sql && dbc->calling == 0 ? mr_arena_new(dbc->env) : NULL};
    if (!c.arena) return NULL;
    mr_error *saved = mr_env_save_error(dbc->env);
    mr_vec_init(&c.names, dbc->env, sizeof(const char *));
    mr_sqlite_shape *shape = read_statement(&c, sql) ? make(dbc, stmt, &c) : NULL;
    mr_vec_done(&c.names);
    mr_arena_free(c.arena);
    mr_env_clear_error(dbc->env);
    mr_env_restore_error(dbc->env, saved);
    return shape;
}
