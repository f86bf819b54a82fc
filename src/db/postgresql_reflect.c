/*
 * postgresql_reflect.c: all that PostgreSQL tells of its tables and views.
 *
 * Invariant: so many statements are sent, however many objects are read. Expressions are as the server writes them.
 */
#include "postgresql_reflection.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- columns */

enum {
    COLUMN_NAME = 1,
    COLUMN_TYPE,
    COLUMN_NOT_NULL,
    COLUMN_DEFAULT,
    COLUMN_GENERATED,
    COLUMN_IDENTITY,
    COLUMN_COLLATION,
    COLUMN_COMMENT,
    COLUMN_BASE,
    COLUMN_NUMBER,
    COLUMN_SERIAL,
    COLUMN_SEQUENCE /* start, increment, minimum, maximum, cache, cycle */
};

static const char columns_sql[] =
    "SELECT c.oid, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "pg_catalog.pg_get_expr(d.adbin, d.adrelid), a.attgenerated, a.attidentity, co.collname, "
    "pg_catalog.col_description(c.oid, a.attnum), CASE WHEN t.typtype = 'd' THEN "
    "pg_catalog.format_type(t.typbasetype, t.typtypmod) END, a.attnum, s.owned = 'a' AND "
    "pg_catalog.pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%', s.seqstart, s.seqincrement, s.seqmin, s.seqmax, "
    "s.seqcache, s.seqcycle FROM " PG_OBJECTS " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 "
    "AND NOT a.attisdropped JOIN pg_catalog.pg_type t ON t.oid = a.atttypid LEFT JOIN pg_catalog.pg_attrdef d ON "
    "d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation AND "
    "a.attcollation <> t.typcollation LEFT JOIN LATERAL (SELECT q.*, p.deptype AS owned FROM pg_catalog.pg_depend p "
    "JOIN pg_catalog.pg_sequence q ON q.seqrelid = p.objid WHERE p.classid = 'pg_catalog.pg_class'::regclass AND "
    "p.refclassid = 'pg_catalog.pg_class'::regclass AND p.refobjid = c.oid AND p.refobjsubid = a.attnum AND "
    "p.deptype IN ('a', 'i') ORDER BY p.objid LIMIT 1) s ON true ORDER BY c.oid, a.attnum";

static int64_t number(const postgresql_reader *r, const pq_result *rows, int row, int column) {
    return strtoll(r->dbc->pq->getvalue(rows, row, column), NULL, 10);
}

static void read_identity(postgresql_reader *r, const pq_result *rows, int row, mr_reflected_column *c) {
    mr_reflected_identity *identity = mr_postgresql_room(r, sizeof *identity);
    if (!identity) return;
    identity->always = mr_postgresql_says(r, rows, row, COLUMN_IDENTITY, "a");
    identity->start = number(r, rows, row, COLUMN_SEQUENCE);
    identity->increment = number(r, rows, row, COLUMN_SEQUENCE + 1);
    identity->minvalue = number(r, rows, row, COLUMN_SEQUENCE + 2);
    identity->maxvalue = number(r, rows, row, COLUMN_SEQUENCE + 3);
    identity->cache = number(r, rows, row, COLUMN_SEQUENCE + 4);
    identity->cycle = mr_postgresql_says(r, rows, row, COLUMN_SEQUENCE + 5, "t");
    c->identity = identity;
}

static mr_reflected_column *read_column(postgresql_reader *r, const pq_result *rows, int row) {
    mr_reflected_column *c = mr_postgresql_room(r, sizeof *c);
    if (!c) return NULL;
    c->name = mr_postgresql_take(r, rows, row, COLUMN_NAME);
    c->type = mr_postgresql_take(r, rows, row, COLUMN_TYPE);
    c->base_type = mr_postgresql_take(r, rows, row, COLUMN_BASE);
    c->not_null = mr_postgresql_says(r, rows, row, COLUMN_NOT_NULL, "t");
    c->collation = mr_postgresql_take(r, rows, row, COLUMN_COLLATION);
    c->comment = mr_postgresql_take(r, rows, row, COLUMN_COMMENT);
    c->serial = mr_postgresql_says(r, rows, row, COLUMN_SERIAL, "t");
    const char *expression = mr_postgresql_take(r, rows, row, COLUMN_DEFAULT);
    if (*r->dbc->pq->getvalue(rows, row, COLUMN_GENERATED)) {
        c->generated = expression;
        c->stored = mr_postgresql_says(r, rows, row, COLUMN_GENERATED, "s");
    } else if (*r->dbc->pq->getvalue(rows, row, COLUMN_IDENTITY)) {
        read_identity(r, rows, row, c);
    } else if (!c->serial) {
        c->deflt = expression;
    }
    return c->name && c->type ? c : NULL;
}

static mr_status read_columns(postgresql_reader *r) {
    pq_result *rows;
    postgresql_object *at = r->objects;
    mr_reflection *last = NULL;
    mr_reflected_column **end = NULL;
    if (mr_postgresql_ask(r, columns_sql, &rows) != MR_OK) return MR_FAIL;
    for (int i = 0; i < r->dbc->pq->ntuples(rows) && !r->no_memory; i++) {
        mr_reflection *out = mr_postgresql_object_of(r, rows, i, &at);
        if (!out) break;
        if (out != last) end = &out->columns;
        last = out;
        mr_reflected_column *c = read_column(r, rows, i);
        if (!c) break;
        *end = c;
        end = &c->next;
    }
    r->dbc->pq->clear(rows);
    return mr_postgresql_answer(r, MR_OK);
}

/* ---------------------------------------------------------------- enums */

static const char enums_sql[] =
    "SELECT c.oid, a.attname, e.enumlabel, count(*) OVER (PARTITION BY c.oid, a.attnum) FROM " PG_OBJECTS
    " JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN "
    "pg_catalog.pg_enum e ON e.enumtypid = a.atttypid ORDER BY c.oid, a.attnum, e.enumsortorder";

/* Each row is a label; the columns are looked for in their order. */
static mr_status read_enums(postgresql_reader *r) {
    pq_result *rows;
    postgresql_object *at = r->objects;
    mr_reflected_column *c = NULL;
    mr_reflection *last = NULL;
    size_t n = 0;
    if (mr_postgresql_ask(r, enums_sql, &rows) != MR_OK) return MR_FAIL;
    for (int i = 0; i < r->dbc->pq->ntuples(rows) && !r->no_memory; i++) {
        mr_reflection *out = mr_postgresql_object_of(r, rows, i, &at);
        if (!out) break;
        if (out != last || !c || !mr_postgresql_says(r, rows, i, 1, c->name)) {
            for (c = out->columns; c && !mr_postgresql_says(r, rows, i, 1, c->name);) c = c->next;
            if (!c) continue;
            c->choices = mr_postgresql_room(r, ((size_t)number(r, rows, i, 3) + 1) * sizeof *c->choices);
            n = 0;
        }
        last = out;
        if (c->choices) c->choices[n++] = mr_postgresql_take(r, rows, i, 2);
    }
    r->dbc->pq->clear(rows);
    return mr_postgresql_answer(r, MR_OK);
}

/* ---------------------------------------------------------------- triggers */

static const char triggers_sql[] =
    "SELECT c.oid, t.tgname, pg_catalog.pg_get_triggerdef(t.oid) FROM " PG_OBJECTS
    " JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal ORDER BY c.oid, t.oid";

static mr_status read_triggers(postgresql_reader *r) {
    pq_result *rows;
    postgresql_object *at = r->objects;
    if (mr_postgresql_ask(r, triggers_sql, &rows) != MR_OK) return MR_FAIL;
    for (int i = 0; i < r->dbc->pq->ntuples(rows) && !r->no_memory; i++) {
        mr_reflection *out = mr_postgresql_object_of(r, rows, i, &at);
        mr_reflected_trigger *t = out ? mr_postgresql_room(r, sizeof *t) : NULL;
        if (!t) break;
        t->name = mr_postgresql_take(r, rows, i, 1);
        t->sql = mr_postgresql_take(r, rows, i, 2);
        mr_reflected_trigger **end = &out->triggers;
        while (*end) end = &(*end)->next;
        *end = t;
    }
    r->dbc->pq->clear(rows);
    return mr_postgresql_answer(r, MR_OK);
}

/* ---------------------------------------------------------------- the objects */

static mr_status read_objects(postgresql_reader *r, mr_reflection **list) {
    mr_status status = mr_postgresql_list(r, list);
    if (status != MR_OK || !r->objects) return status;
    if (status == MR_OK) status = read_columns(r);
    if (status == MR_OK) status = read_enums(r);
    if (status == MR_OK) status = mr_postgresql_read_constraints(r);
    if (status == MR_OK) status = mr_postgresql_read_indexes(r);
    if (status == MR_OK) status = read_triggers(r);
    return status;
}

static mr_status object(mr_dbc *dbc, mr_arena *arena, const char *schema, const char *name, mr_reflection *out) {
    postgresql_reader r = {.dbc = postgresql_dbc_of(dbc), .arena = arena, .schema = schema, .name = name};
    mr_reflection *list = NULL;
    mr_status status = read_objects(&r, &list);
    if (status != MR_OK) return status;
    if (!list) return MR_NOTFOUND;
    *out = *list;
    return MR_OK;
}

static mr_status all(mr_dbc *dbc, mr_arena *arena, const char *schema, mr_reflection **list) {
    postgresql_reader r = {.dbc = postgresql_dbc_of(dbc), .arena = arena, .schema = schema};
    return read_objects(&r, list);
}

const mr_reflector mr_postgresql_reflector = {mr_postgresql_schemas, mr_postgresql_objects, object, all};
