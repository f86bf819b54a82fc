/*
 * postgresql_objects.c: what the schemas of a PostgreSQL database hold, and of which kind it is.
 *
 * Invariant: the system's own schemas are not listed. Without a schema, what search_path finds is asked about.
 */
#include "postgresql_reflection.h"

#include <stdarg.h>
#include <string.h>

/* ---------------------------------------------------------------- questions */

mr_status mr_postgresql_ask(postgresql_reader *r, const char *sql, pq_result **out) {
    const pq_oid types[] = {PG_TEXT, PG_TEXT};
    const char *values[] = {r->schema, r->name};
    const int lengths[] = {0, 0}, formats[] = {0, 0};
    const pq_library *pq = r->dbc->pq;
    int sent = pq->sendQueryParams(r->dbc->conn, sql, 2, types, values, lengths, formats, 0);
    return mr_postgresql_wait(r->dbc, sent, false, out);
}

const char *mr_postgresql_take(postgresql_reader *r, const pq_result *rows, int row, int column) {
    const pq_library *pq = r->dbc->pq;
    if (pq->getisnull(rows, row, column)) return NULL;
    const char *copy =
        mr_arena_strndup(r->arena, pq->getvalue(rows, row, column), (size_t)pq->getlength(rows, row, column));
    r->no_memory = r->no_memory || !copy;
    return copy;
}

bool mr_postgresql_says(const postgresql_reader *r, const pq_result *rows, int row, int column, const char *text) {
    return strcmp(r->dbc->pq->getvalue(rows, row, column), text) == 0;
}

void *mr_postgresql_room(postgresql_reader *r, size_t size) {
    void *room = mr_arena_alloc(r->arena, size);
    r->no_memory = r->no_memory || !room;
    if (room) memset(room, 0, size);
    return room;
}

mr_reflection *mr_postgresql_object_of(const postgresql_reader *r, const pq_result *rows, int row,
                                       postgresql_object **at) {
    while (*at && !mr_postgresql_says(r, rows, row, 0, (*at)->oid)) *at = (*at)->next;
    return *at ? (*at)->reflection : NULL;
}

void mr_postgresql_note(postgresql_reader *r, mr_reflection_note **list, const char *fmt, ...) {
    mr_strbuf text;
    va_list args;
    mr_strbuf_init(&text, r->dbc->env);
    va_start(args, fmt);
    mr_strbuf_vprintf(&text, fmt, args);
    va_end(args);
    mr_reflection_note *note = mr_postgresql_room(r, sizeof *note);
    if (note && !text.oom) note->text = mr_arena_strndup(r->arena, mr_strbuf_str(&text), text.len);
    mr_strbuf_done(&text);
    r->no_memory = r->no_memory || !note || !note->text;
    if (!note || !note->text) return;
    while (*list) list = &(*list)->next;
    *list = note;
}

mr_status mr_postgresql_answer(const postgresql_reader *r, mr_status status) {
    return status == MR_OK && r->no_memory ? mr_nomem(r->dbc->env) : status;
}

/* ---------------------------------------------------------------- schemas, objects */

mr_status mr_postgresql_schemas(mr_dbc *dbc, mr_arena *arena, const char ***names) {
    static const char sql[] =
        "SELECT nspname FROM pg_catalog.pg_namespace WHERE $1 IS NULL AND $2 IS NULL AND nspname <> "
        "'information_schema' AND nspname NOT LIKE 'pg\\_%' ORDER BY nspname <> coalesce(current_schema(), ''), "
        "nspname COLLATE \"C\"";
    postgresql_reader r = {.dbc = postgresql_dbc_of(dbc), .arena = arena};
    pq_result *rows;
    if (mr_postgresql_ask(&r, sql, &rows) != MR_OK) return MR_FAIL;
    int n = r.dbc->pq->ntuples(rows);
    *names = mr_postgresql_room(&r, ((size_t)n + 1) * sizeof **names);
    for (int i = 0; i < n && !r.no_memory; i++) (*names)[i] = mr_postgresql_take(&r, rows, i, 0);
    r.dbc->pq->clear(rows);
    return mr_postgresql_answer(&r, MR_OK);
}

/* The word comes from the question below. */
static mr_object_kind kind_of(const char *word) {
    for (int kind = 0; kind < MR_OBJECT__COUNT; kind++)
        if (strcmp(mr_object_kind_name((mr_object_kind)kind), word) == 0) return (mr_object_kind)kind;
    return MR_OBJECT_TABLE;
}

/* The parts of a partitioned table hold its rows; what an extension has made is its own. */
#define KIND                                                                                                           \
    "CASE WHEN c.relkind IN ('v', 'm') THEN 'view' WHEN c.relispartition THEN 'shadow' WHEN EXISTS (SELECT 1 FROM "    \
    "pg_catalog.pg_depend WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = c.oid AND deptype = 'e') "       \
    "THEN 'internal' ELSE 'table' END"

mr_status mr_postgresql_objects(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_schema_objects *out) {
    postgresql_reader r = {.dbc = postgresql_dbc_of(dbc), .arena = arena, .schema = schema};
    mr_object **end = &out->objects;
    pq_result *rows;
    if (mr_postgresql_ask(&r, "SELECT c.relname, " KIND " FROM " PG_OBJECTS " ORDER BY c.oid", &rows) != MR_OK)
        return MR_FAIL;
    for (int i = 0; i < r.dbc->pq->ntuples(rows); i++) {
        mr_object *object = mr_postgresql_room(&r, sizeof *object);
        if (!object) break;
        object->name = mr_postgresql_take(&r, rows, i, 0);
        object->kind = kind_of(r.dbc->pq->getvalue(rows, i, 1));
        if (!object->name) break;
        *end = object;
        end = &object->next;
    }
    r.dbc->pq->clear(rows);
    return mr_postgresql_answer(&r, MR_OK);
}

mr_status mr_postgresql_list(postgresql_reader *r, mr_reflection **list) {
    static const char sql[] =
        "SELECT c.oid, c.relname, " KIND ", pg_catalog.obj_description(c.oid, 'pg_class'), CASE WHEN c.relkind IN "
        "('v', 'm') THEN pg_catalog.pg_get_viewdef(c.oid) END FROM " PG_OBJECTS " ORDER BY c.oid";
    postgresql_object **end = &r->objects;
    pq_result *rows;
    if (mr_postgresql_ask(r, sql, &rows) != MR_OK) return MR_FAIL;
    for (int i = 0; i < r->dbc->pq->ntuples(rows); i++) {
        postgresql_object *object = mr_postgresql_room(r, sizeof *object);
        mr_reflection *out = object ? mr_postgresql_room(r, sizeof *out) : NULL;
        if (!out) break;
        out->name = mr_postgresql_take(r, rows, i, 1);
        out->kind = kind_of(r->dbc->pq->getvalue(rows, i, 2));
        out->comment = mr_postgresql_take(r, rows, i, 3);
        out->definition = mr_postgresql_take(r, rows, i, 4);
        object->oid = mr_postgresql_take(r, rows, i, 0);
        object->reflection = out;
        if (r->no_memory) break;
        *end = object;
        end = &object->next;
        *list = out;
        list = &out->next;
    }
    r->dbc->pq->clear(rows);
    return mr_postgresql_answer(r, MR_OK);
}
