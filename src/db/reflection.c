/*
 * reflection.c: asks a connection's driver what its database holds, and looks at stored values.
 *
 * Invariant: what is asked is asked in one snapshot, and changes nothing.
 */
#include <moonrow/reflection.h>

#include "connection.h"

#include <inttypes.h>
#include <string.h>

const char *mr_object_kind_name(mr_object_kind kind) {
    static const char *const words[] = {
#define KIND_WORD(CODE, word) [MR_OBJECT_##CODE] = (word),
        MR_OBJECT_KINDS(KIND_WORD)
#undef KIND_WORD
    };
    return words[kind];
}

/* ---------------------------------------------------------------- what there is */

static const mr_reflector *reflector_of(const mr_conn *conn) {
    if (conn->driver->reflector) return conn->driver->reflector;
    (void)mr_fail(conn->env, MR_ERR_INVALID_REQUEST, "the driver %s cannot tell what its database holds",
                  conn->driver->name);
    return NULL;
}

mr_status mr_conn_schemas(mr_conn *conn, mr_arena *arena, const char ***names) {
    const mr_reflector *reflector = reflector_of(conn);
    return reflector ? reflector->schemas(conn->dbc, arena, names) : MR_FAIL;
}

/* Begins a transaction for the questions. Its end would close cursors: where one is open, there is none. */
static mr_status begin(mr_conn *conn, bool *own) {
    *own = !mr_conn_in_transaction(conn) && !mr_conn_is_reading(conn);
    return *own ? mr_conn_begin_load(conn) : MR_OK;
}

static mr_status end(mr_conn *conn, bool own, mr_status status) {
    if (status == MR_FAIL) (void)mr_conn_failed(conn, NULL, NULL, 0);
    if (!own) return status;
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(conn->env) : NULL;
    mr_status ended = mr_conn_commit(conn);
    if (saved) mr_env_restore_error(conn->env, saved);
    return status == MR_FAIL || ended == MR_OK ? status : MR_FAIL;
}

mr_status mr_conn_objects(mr_conn *conn, mr_arena *arena, const char *schema, mr_schema_objects *out) {
    const mr_reflector *reflector = reflector_of(conn);
    bool own;
    *out = (mr_schema_objects){0};
    if (!reflector || begin(conn, &own) != MR_OK) return MR_FAIL;
    return end(conn, own, reflector->objects(conn->dbc, arena, schema, out));
}

mr_status mr_conn_object(mr_conn *conn, mr_arena *arena, const char *schema, const char *name, mr_reflection *out) {
    const mr_reflector *reflector = reflector_of(conn);
    bool own;
    *out = (mr_reflection){0};
    if (!reflector || begin(conn, &own) != MR_OK) return MR_FAIL;
    return end(conn, own, reflector->object(conn->dbc, arena, schema, name, out));
}

mr_status mr_conn_all_objects(mr_conn *conn, mr_arena *arena, const char *schema, mr_reflection **list) {
    const mr_reflector *reflector = reflector_of(conn);
    bool own;
    *list = NULL;
    if (!reflector || begin(conn, &own) != MR_OK) return MR_FAIL;
    return end(conn, own, reflector->all(conn->dbc, arena, schema, list));
}

/* ---------------------------------------------------------------- stored values */

static void put_table(const mr_dialect *dialect, const mr_sampled_table *table, unsigned n, mr_strbuf *sql) {
    mr_strbuf_puts(sql, "SELECT ");
    for (unsigned i = 0; i < n; i++) {
        if (i) mr_strbuf_puts(sql, ", ");
        mr_quote_name(dialect, table->columns[i], sql);
    }
    mr_strbuf_puts(sql, " FROM ");
    if (table->schema) {
        mr_quote_name(dialect, table->schema, sql);
        mr_strbuf_putc(sql, '.');
    }
    mr_quote_name(dialect, table->name, sql);
}

/* SELECT a FROM t LIMIT 500; backwards: the same from the other end. */
static mr_compiled *sample_sql(const mr_conn *conn, const mr_sampled_table *table, unsigned n, uint64_t limit,
                               bool backwards) {
    mr_strbuf sql;
    mr_strbuf_init(&sql, conn->env);
    put_table(mr_engine_dialect(conn->engine), table, n, &sql);
    if (backwards) mr_strbuf_printf(&sql, " ORDER BY %s DESC", table->rowid);
    if (limit) mr_strbuf_printf(&sql, " LIMIT %" PRIu64, limit);
    const char *text = mr_strbuf_str(&sql);
    mr_compiled *compiled = text ? mr_compiled_from_sql(conn->env, text, sql.len, false) : NULL;
    mr_strbuf_done(&sql);
    return compiled;
}

enum { COUNT_NULL, COUNT_INTEGER, COUNT_FLOAT, COUNT_TEXT, COUNT_BLOB };

static int count_of(const mr_value *v) {
    switch (v->kind) {
    case MR_NULL:
        return COUNT_NULL;
    case MR_INT:
        return COUNT_INTEGER;
    case MR_FLOAT:
        return COUNT_FLOAT;
    case MR_BLOB:
        return COUNT_BLOB;
    default:
        return COUNT_TEXT;
    }
}

/* A moment that was read from text remembers how it is spelled. */
static void see_spelling(mr_sampled_column *c, const mr_value *read) {
    bool first = c->counts[COUNT_TEXT] == 1;
    c->spelled_alike = first || (c->spelled_alike && c->spelled == read->len);
    c->spelled = read->len;
}

/* Would the type store the value that it has read in the same storage class? A uuid is read in each form, and the type
 * of a column is the one that writes what stands there. */
static mr_status is_written_so(mr_env *env, const mr_type *type, const mr_value *stored, const mr_value *read,
                               bool *out) {
    mr_store_room room = {.env = env};
    mr_value made = *read;
    mr_status status = mr_type_store(type, &made, &room);
    *out = status == MR_OK && made.kind == stored->kind && made.len == stored->len;
    mr_store_done(&room);
    return status;
}

/* Can the value be read as one of the type, without a loss? JSON is read late, and a float has more digits than its
 * column may have. read: the value. */
static mr_status can_read(mr_env *env, const mr_type *type, mr_value *read, char *room, bool *out) {
    const mr_value stored = *read;
    mr_json *json = NULL;
    double d = 0;
    *out = mr_type_read(type, read, room);
    if (!*out) return MR_OK;
    if (mr_type_is_json(type) && mr_kind_is_bytes(read->kind)) {
        mr_status status = mr_json_parse(env, stored.u.s, stored.len, false, &json, NULL);
        *out = status == MR_OK;
        if (status == MR_OK) mr_json_free(json);
        return status == MR_FAIL ? MR_FAIL : MR_OK;
    }
    if (type->rules->group == MR_GROUP_WORD && type->rules->spell) return is_written_so(env, type, &stored, read, out);
    if (mr_type_is_decimal(type) && stored.kind == MR_FLOAT && read->kind == MR_DECIMAL && read->len < MR_READ_ROOM) {
        char text[MR_READ_ROOM];
        memcpy(text, read->u.s, read->len);
        text[read->len] = '\0';
        *out = mr_parse_float(text, &d) && d == stored.u.d;
    }
    return MR_OK;
}

/* all: the candidates behind the first are looked at, too. */
static mr_status see_value(mr_env *env, mr_arena *arena, mr_sampled_column *c, const mr_value *v, bool all) {
    char room[MR_READ_ROOM];
    const int kind = count_of(v);
    c->counts[kind]++;
    if (kind == COUNT_NULL) return MR_OK;
    enum { SHORT = 16 };
    if (kind == COUNT_TEXT && c->counts[kind] == 1 && v->len < SHORT) {
        c->first = mr_arena_strndup(arena, v->u.s, v->len);
        if (!c->first) return MR_FAIL;
    }
    if (kind == COUNT_INTEGER) {
        bool first = c->counts[kind] == 1;
        if (first || v->u.i < c->lowest) c->lowest = v->u.i;
        if (first || v->u.i > c->highest) c->highest = v->u.i;
    }
    for (unsigned i = 0; c->candidates[i] && i < (all ? 64 : 1); i++) {
        mr_value read = *v;
        bool fits;
        if (can_read(env, c->candidates[i], &read, room, &fits) != MR_OK) return MR_FAIL;
        if (fits && i == 0 && kind == COUNT_TEXT && mr_type_is_moment(c->candidates[i])) see_spelling(c, &read);
        if (fits) continue;
        c->fits &= ~(UINT64_C(1) << i);
        if (i > 0 || c->odd.kind != MR_UNLOADED) continue;
        enum { SHOWN = 200 };
        c->odd = *v;
        if (!mr_kind_is_bytes(v->kind)) continue;
        c->odd.len = v->len < SHOWN ? v->len : SHOWN;
        c->odd.u.s = mr_arena_strndup(arena, v->u.s, c->odd.len);
        if (!c->odd.u.s) return MR_FAIL;
    }
    return MR_OK;
}

/* A look at rows. */
typedef struct look {
    mr_arena *arena;
    mr_sampled_column *sampled;
    unsigned n;
    bool all; /* candidates */
    uint64_t rows;
} look;

static mr_status see_rows(mr_conn *conn, look *at, mr_cursor *cursor) {
    mr_value *row = mr_alloc(conn->env, at->n * sizeof *row);
    mr_status status = row ? MR_ROW : MR_FAIL;
    while (status == MR_ROW && (status = mr_cursor_step(cursor)) == MR_ROW) {
        if (mr_cursor_fetch_any(cursor, NULL, row) == MR_FAIL) status = MR_FAIL;
        for (unsigned i = 0; i < at->n && status == MR_ROW; i++)
            if (see_value(conn->env, at->arena, &at->sampled[i], &row[i], at->all) != MR_OK)
                status = mr_nomem(conn->env);
        at->rows++;
    }
    mr_free(conn->env, row);
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

static mr_status see_end(mr_conn *conn, look *at, const mr_sampled_table *table, uint64_t limit, bool backwards) {
    mr_cursor *cursor;
    mr_compiled *compiled = sample_sql(conn, table, at->n, limit, backwards);
    mr_status status = compiled ? mr_conn_execute(conn, compiled, NULL, &cursor) : MR_FAIL;
    if (status == MR_OK) {
        status = see_rows(conn, at, cursor);
        mr_cursor_close(cursor);
    }
    if (compiled) mr_compiled_release(compiled);
    return status;
}

/* Looks at the first rows, and at as many at the other end: columns may have changed their ways. In a table with fewer
 * rows than that nothing stands at the other end. */
static mr_status see_table(mr_conn *conn, look *at, const mr_sampled_table *table) {
    const bool ends = table->rowid && table->limit > 1;
    const uint64_t first = ends ? table->limit / 2 : table->limit;
    for (unsigned i = 0; i < at->n; i++) {
        const mr_type *const *candidates = at->sampled[i].candidates;
        at->sampled[i] = (mr_sampled_column){.candidates = candidates};
        for (unsigned k = 0; candidates[k] && k < (at->all ? 64 : 1); k++) at->sampled[i].fits |= UINT64_C(1) << k;
    }
    mr_status status = see_end(conn, at, table, first, false);
    if (status != MR_OK || !ends || at->rows < first) return status;
    return see_end(conn, at, table, table->limit - first, true);
}

mr_status mr_conn_sample(mr_conn *conn, mr_arena *arena, const mr_sampled_table *table, mr_sampled_column *sampled,
                         unsigned n) {
    look quick = {.arena = arena, .sampled = sampled, .n = n}, whole = quick;
    bool fits = true;
    mr_status status = see_table(conn, &quick, table);
    for (unsigned i = 0; i < n && status == MR_OK; i++) fits = fits && (sampled[i].fits || !sampled[i].candidates[0]);
    if (status != MR_OK || fits) return status;
    whole.all = true; /* most columns are what they are called, and need no second look */
    return see_table(conn, &whole, table);
}
