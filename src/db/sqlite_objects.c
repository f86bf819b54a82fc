/*
 * sqlite_objects.c: what the schemas of an SQLite database hold, and of which kind it is.
 *
 * Invariant: what SQLite cannot read is told in a note, and the rest is listed. Only a failure that may pass (a lock,
 * no memory, an I/O error) is an error.
 */
#include "sqlite_reflection.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- questions */

int mr_sqlite_ask(sqlite_reader *r, sqlite3_stmt **q, const char *sql, const char *a, const char *b) {
    int rc = sqlite3_prepare_v2(r->dbc->db, sql, -1, q, NULL);
    if (rc == SQLITE_OK && a) rc = sqlite3_bind_text(*q, 1, a, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK && b) rc = sqlite3_bind_text(*q, 2, b, -1, SQLITE_STATIC);
    return rc;
}

int mr_sqlite_ask_schema(sqlite_reader *r, sqlite3_stmt **q, const char *sql, const char *a) {
    char *text = sqlite3_mprintf(sql, r->schema);
    if (!text) return SQLITE_NOMEM;
    int rc = mr_sqlite_ask(r, q, text, a, NULL);
    sqlite3_free(text);
    return rc;
}

int mr_sqlite_ask_pragma(sqlite_reader *r, sqlite3_stmt **q, const char *pragma, const char *name) {
    char *text = sqlite3_mprintf("PRAGMA \"%w\".%s(%Q)", r->schema, pragma, name);
    if (!text) return SQLITE_NOMEM;
    int rc = mr_sqlite_ask(r, q, text, NULL, NULL);
    sqlite3_free(text);
    return rc;
}

const char *mr_sqlite_take(sqlite_reader *r, sqlite3_stmt *q, int column) {
    if (sqlite3_column_type(q, column) == SQLITE_NULL) return NULL;
    const char *text = (const char *)sqlite3_column_text(q, column);
    const char *copy = text ? mr_arena_strndup(r->arena, text, strlen(text)) : NULL;
    r->no_memory = r->no_memory || !copy;
    return copy;
}

void mr_sqlite_note(sqlite_reader *r, mr_reflection_note **list, const char *fmt, ...) {
    mr_strbuf text;
    va_list args;
    mr_strbuf_init(&text, r->dbc->env);
    va_start(args, fmt);
    mr_strbuf_vprintf(&text, fmt, args);
    va_end(args);
    mr_reflection_note *note = mr_arena_alloc(r->arena, sizeof *note);
    if (note && !text.oom) note->text = mr_arena_strndup(r->arena, mr_strbuf_str(&text), text.len);
    mr_strbuf_done(&text);
    r->no_memory = r->no_memory || !note || !note->text;
    if (!note || !note->text) return;
    while (*list) list = &(*list)->next;
    *list = note;
}

bool mr_sqlite_is_about_schema(int rc) { return (rc & 0xff) == SQLITE_ERROR || (rc & 0xff) == SQLITE_CORRUPT; }

mr_status mr_sqlite_answer(sqlite_reader *r, int rc) {
    if (r->no_memory) return mr_nomem(r->dbc->env);
    return rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW ? MR_OK : mr_sqlite_fail(r->dbc, rc);
}

/* ---------------------------------------------------------------- a damaged schema */

/* Has the schema an entry that SQLite cannot read? Then it refuses every statement; what is wrong is noted once. */
static int is_damaged(sqlite_reader *r, mr_reflection_note **notes, bool *out) {
    sqlite3_stmt *q = NULL;
    int rc = mr_sqlite_ask_schema(r, &q, "SELECT 1 FROM \"%w\".sqlite_schema LIMIT 1", NULL);
    *out = (rc & 0xff) == SQLITE_CORRUPT;
    if (*out)
        mr_sqlite_note(r, notes,
                       "%s: statements that need the schema fail (PRAGMA writable_schema = ON, by a listener "
                       "of connect, lets SQLite pass it by)",
                       sqlite3_errmsg(r->dbc->db));
    sqlite3_finalize(q);
    return *out ? SQLITE_OK : rc;
}

int mr_sqlite_open_schema(sqlite_reader *r, mr_reflection_note **notes) {
    int rc = is_damaged(r, notes, &r->damaged);
    if (r->damaged) rc = sqlite3_exec(r->dbc->db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
    return rc;
}

void mr_sqlite_close_schema(sqlite_reader *r) {
    /* RESET forgets what was read of the schema, so that the connection refuses it again. */
    if (r->damaged) (void)sqlite3_exec(r->dbc->db, "PRAGMA writable_schema = RESET", NULL, NULL, NULL);
}

/* ---------------------------------------------------------------- shadow tables */

/* SQLite knows the shadow tables of modules that it has. Of others, which a file may bring, they are known here. */
static const struct {
    const char *module, *suffixes[8];
} modules[] = {
    {"fts3", {"_content", "_docsize", "_segdir", "_segments", "_stat"}},
    {"fts4", {"_content", "_docsize", "_segdir", "_segments", "_stat"}},
    {"fts5", {"_config", "_content", "_data", "_docsize", "_idx"}},
    {"rtree", {"_node", "_parent", "_rowid"}},
    {"rtree_i32", {"_node", "_parent", "_rowid"}},
    {"geopoly", {"_node", "_parent", "_rowid"}},
    {"spellfix1", {"_vocab"}},
};

/* Is name the virtual table's name with one of its module's suffixes? */
static bool is_shadow(const char *name, const char *virtual_table, const char *module) {
    size_t len = strlen(virtual_table);
    if (sqlite3_strnicmp(name, virtual_table, (int)len) != 0) return false;
    for (size_t i = 0; module && i < sizeof modules / sizeof *modules; i++) {
        if (sqlite3_stricmp(module, modules[i].module) != 0) continue;
        for (const char *const *suffix = modules[i].suffixes; *suffix; suffix++)
            if (sqlite3_stricmp(name + len, *suffix) == 0) return true;
    }
    return false;
}

/* A virtual table, with its module. */
typedef struct virtual_table {
    const char *name, *module;
    struct virtual_table *next;
} virtual_table;

static int list_virtual_tables(sqlite_reader *r, virtual_table **out) {
    sqlite3_stmt *q = NULL;
    int rc = mr_sqlite_ask_schema(
        r, &q, "SELECT name, sql FROM \"%w\".sqlite_schema WHERE type = 'table' AND rootpage = 0", NULL);
    while (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        virtual_table *t = mr_arena_alloc(r->arena, sizeof *t);
        const char *sql = mr_sqlite_take(r, q, 1);
        sqlite_definition definition = {0};
        rc = SQLITE_OK;
        if (!t || (sql && mr_sqlite_read_table(r->dbc->env, r->arena, sql, &definition) != MR_OK)) r->no_memory = true;
        if (r->no_memory) break;
        t->name = mr_sqlite_take(r, q, 0);
        t->module = definition.module;
        t->next = *out;
        if (t->name) *out = t;
    }
    sqlite3_finalize(q);
    return rc;
}

/* ---------------------------------------------------------------- objects */

/* The kind, by the word of PRAGMA table_list; NULL: SQLite does not list the table. */
static mr_object_kind kind_of(const char *name, const char *word, const virtual_table *virtuals) {
    if (sqlite3_strnicmp(name, "sqlite_", 7) == 0) return MR_OBJECT_INTERNAL;
    if (!word) return MR_OBJECT_DAMAGED;
    if (strcmp(word, "view") == 0) return MR_OBJECT_VIEW;
    if (strcmp(word, "virtual") == 0) return MR_OBJECT_VIRTUAL;
    if (strcmp(word, "shadow") == 0) return MR_OBJECT_SHADOW;
    for (; virtuals; virtuals = virtuals->next)
        if (is_shadow(name, virtuals->name, virtuals->module)) return MR_OBJECT_SHADOW;
    return MR_OBJECT_TABLE;
}

/* What a schema holds. SQLite takes a name with a zero byte for the part in front of it. */
#define OBJECTS                                                                                                        \
    "WITH l AS MATERIALIZED (SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = ?1) "                 \
    "SELECT s.name, l.type, l.wr, l.strict, instr(CAST(s.name AS BLOB), x'00') "                                       \
    "FROM \"%w\".sqlite_schema AS s LEFT JOIN l ON l.name = s.name WHERE s.type IN ('table', 'view') "

static mr_object **add_object(sqlite_reader *r, sqlite3_stmt *q, const virtual_table *virtuals, mr_object **end) {
    mr_object *object = mr_arena_alloc(r->arena, sizeof *object);
    r->no_memory = r->no_memory || !object;
    if (!object) return end;
    object->name = mr_sqlite_take(r, q, 0);
    if (!object->name) return end;
    object->kind = kind_of(object->name, (const char *)sqlite3_column_text(q, 1), virtuals);
    *end = object;
    return &object->next;
}

static int list_objects(sqlite_reader *r, mr_schema_objects *out) {
    sqlite3_stmt *q = NULL;
    virtual_table *virtuals = NULL;
    mr_object **end = &out->objects;
    int rc = list_virtual_tables(r, &virtuals);
    if (rc == SQLITE_OK || rc == SQLITE_DONE) rc = mr_sqlite_ask_schema(r, &q, OBJECTS "ORDER BY s.rowid", r->schema);
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        rc = SQLITE_OK;
        if (sqlite3_column_int(q, 4) > 0)
            mr_sqlite_note(r, &out->notes,
                           "the schema names a table \"%s\", and a zero byte behind that: it is left out",
                           (const char *)sqlite3_column_text(q, 0));
        else if (sqlite3_column_bytes(q, 0) == 0)
            mr_sqlite_note(r, &out->notes, "the schema has a table whose name is empty: it is left out");
        else end = add_object(r, q, virtuals, end);
    }
    sqlite3_finalize(q);
    for (const mr_object *o = out->objects; o; o = o->next)
        if (o->kind == MR_OBJECT_DAMAGED)
            mr_sqlite_note(r, &out->notes, "SQLite cannot read the definition of \"%s\": it is left out", o->name);
    return rc;
}

mr_status mr_sqlite_objects(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_schema_objects *out) {
    sqlite_reader r = {.dbc = sqlite_dbc_of(dbc), .arena = arena, .schema = schema ? schema : "main"};
    int rc = mr_sqlite_open_schema(&r, &out->notes);
    if (rc == SQLITE_OK) rc = list_objects(&r, out);
    mr_status status = mr_sqlite_answer(&r, rc);
    mr_sqlite_close_schema(&r);
    return status;
}

/* Of one object the schema is read once: the schema of a file with many tables is long. */
#define ONE_OBJECT                                                                                                     \
    "SELECT s.name, l.type, l.wr, l.strict, s.sql FROM \"%w\".sqlite_schema AS s LEFT JOIN pragma_table_list(?2) AS "  \
    "l "                                                                                                               \
    "ON l.schema = ?1 AND l.name = s.name WHERE s.type IN ('table', 'view') AND s.name = ?2 COLLATE NOCASE"

int mr_sqlite_find_object(sqlite_reader *r, const char *name, mr_reflection *out) {
    sqlite3_stmt *q = NULL;
    virtual_table *virtuals = NULL;
    int rc = mr_sqlite_ask_schema(r, &q, ONE_OBJECT, r->schema);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 2, name, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        out->name = mr_sqlite_take(r, q, 0);
        if (out->name) out->kind = kind_of(out->name, (const char *)sqlite3_column_text(q, 1), NULL);
        out->without_rowid = sqlite3_column_int(q, 2) != 0;
        out->strict = sqlite3_column_int(q, 3) != 0;
        out->sql = mr_sqlite_take(r, q, 4);
    }
    sqlite3_finalize(q);
    /* The table of a module that this SQLite has not? Its name has a suffix. */
    if (rc != SQLITE_ROW || !out->name || out->kind != MR_OBJECT_TABLE || !strchr(out->name, '_')) return rc;
    int listed = list_virtual_tables(r, &virtuals);
    if (listed != SQLITE_OK && listed != SQLITE_DONE) return listed;
    out->kind = kind_of(out->name, "table", virtuals);
    return rc;
}

/* ---------------------------------------------------------------- all objects */

/* One pass over the schema: asking for each table by itself would read the whole of it each time. */
#define ALL_ENTRIES                                                                                                    \
    "WITH l AS MATERIALIZED (SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = ?1) "                 \
    "SELECT s.type, s.name, s.sql, s.tbl_name, l.type, l.wr, l.strict, instr(CAST(s.name AS BLOB), x'00') "            \
    "FROM \"%w\".sqlite_schema AS s LEFT JOIN l ON l.name = s.name AND s.type IN ('table', 'view') ORDER BY s.rowid"

static uint64_t hash_listed(const void *element) {
    const sqlite_listed *const *listed = element;
    uint64_t hash = 0;
    /* Names are told apart as SQLite tells them: without the case of ASCII letters. */
    for (const char *c = (*listed)->object->name; *c; c++)
        hash = (hash ^ (uint64_t)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c)) * UINT64_C(1099511628211);
    return hash;
}

static bool equal_listed(const void *a, const void *b) {
    const sqlite_listed *const *x = a, *const *y = b;
    return sqlite3_stricmp((*x)->object->name, (*y)->object->name) == 0;
}

static void add_listed(sqlite_reader *r, sqlite3_stmt *q, const virtual_table *virtuals, mr_map *by_name,
                       sqlite_listed ***end) {
    sqlite_listed *listed = mr_arena_alloc(r->arena, sizeof *listed);
    mr_reflection *object = mr_arena_alloc(r->arena, sizeof *object);
    r->no_memory = r->no_memory || !listed || !object;
    if (!listed || !object) return;
    listed->object = object;
    object->name = mr_sqlite_take(r, q, 1);
    if (!object->name) return;
    object->kind = kind_of(object->name, (const char *)sqlite3_column_text(q, 4), virtuals);
    object->sql = mr_sqlite_take(r, q, 2);
    object->without_rowid = sqlite3_column_int(q, 5) != 0;
    object->strict = sqlite3_column_int(q, 6) != 0;
    r->no_memory = r->no_memory || !mr_map_put(by_name, &listed);
    **end = listed;
    *end = &listed->next;
}

/* Adds the index or trigger of the current row to what belongs to its table. */
static void add_belonging(sqlite_reader *r, sqlite3_stmt *q, const mr_map *by_name) {
    mr_reflection object = {.name = (const char *)sqlite3_column_text(q, 3)};
    sqlite_listed listed = {.object = &object}, *key = &listed;
    sqlite_listed **found = object.name ? mr_map_get(by_name, &key) : NULL;
    if (found) mr_sqlite_take_entry(r, q, 0, &(*found)->entries);
}

int mr_sqlite_list_all(sqlite_reader *r, sqlite_listed **out) {
    sqlite3_stmt *q = NULL;
    virtual_table *virtuals = NULL;
    mr_map *by_name = mr_map_new(r->dbc->env, sizeof(sqlite_listed *), hash_listed, equal_listed);
    if (!by_name) return SQLITE_NOMEM;
    int rc = list_virtual_tables(r, &virtuals);
    if (rc == SQLITE_OK || rc == SQLITE_DONE) rc = mr_sqlite_ask_schema(r, &q, ALL_ENTRIES, r->schema);
    while (rc == SQLITE_OK && !r->no_memory && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        const char *type = (const char *)sqlite3_column_text(q, 0);
        bool is_object = type && (sqlite3_stricmp(type, "table") == 0 || sqlite3_stricmp(type, "view") == 0);
        rc = SQLITE_OK;
        /* mr_sqlite_objects has a note about these */
        if (sqlite3_column_int(q, 7) > 0 || sqlite3_column_bytes(q, 1) == 0) continue;
        if (is_object) add_listed(r, q, virtuals, by_name, &out);
        else add_belonging(r, q, by_name);
    }
    sqlite3_finalize(q);
    mr_map_free(by_name);
    return rc;
}

/* ---------------------------------------------------------------- schemas */

mr_status mr_sqlite_schemas(mr_dbc *dbc, mr_arena *arena, const char ***names) {
    enum { MOST = 130 }; /* SQLite attaches 125 databases at most */
    sqlite_reader r = {.dbc = sqlite_dbc_of(dbc), .arena = arena};
    sqlite3_stmt *q = NULL;
    unsigned n = 0;
    *names = mr_arena_alloc(arena, MOST * sizeof **names);
    if (!*names) return MR_FAIL;
    int rc = mr_sqlite_ask(&r, &q, "SELECT name FROM pragma_database_list ORDER BY seq", NULL, NULL);
    while (rc == SQLITE_OK && n + 1 < MOST && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        (*names)[n++] = mr_sqlite_take(&r, q, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return mr_sqlite_answer(&r, rc);
}

const mr_reflector mr_sqlite_reflector = {
    .schemas = mr_sqlite_schemas, .objects = mr_sqlite_objects, .object = mr_sqlite_object, .all = mr_sqlite_all};
