/*
 * reflection.c: what a database holds, as plain Lua tables, for the Lua part of the library
 * (lua/moonrow/inspector.lua).
 *
 * Invariant: a question runs on the connection that is given, or on one of the engine's, which is closed before the
 * call returns. What the core has read is freed with the owner of its arena, whatever is raised.
 */
#include <moonrow/reflection.h>

#include <string.h>

#include "schema.h"
#include "state/own.h"
#include "value/engine.h"

/* ---------------------------------------------------------------- asking */

static void free_arena(void *p) { mr_arena_free(p); }

static mr_arena *push_arena(lua_State *L) {
    bind_owner *owner = bind_own(L, free_arena);
    owner->p = mr_arena_new(bind_of(L)->env);
    if (!owner->p) bind_raise(L);
    return owner->p;
}

/* A question of one of the functions below: its answer is in *out. */
typedef struct question {
    mr_arena *arena;
    const char *schema, *name;
    void *out;
    const mr_sampled_table *table; /* sample_columns */
    unsigned n;
} question;

/* Asks on the engine or connection at index 1. */
static mr_status ask(lua_State *L, const char *function, mr_status (*fn)(mr_conn *conn, question *q), question *q) {
    bind_state *b = bind_of(L);
    mr_conn *conn = bind_test_connection(L, 1), *own = NULL;
    mr_engine *engine = conn ? NULL : bind_test_engine(L, 1);
    if (!conn && !engine) bind_type_error(L, 1, function, "an engine or a connection");
    bind_release_loops(L);
    BIND_ENTER(b, L);
    mr_status st = conn ? MR_OK : mr_engine_connect(engine, &own);
    if (st == MR_OK) st = fn(conn ? conn : own, q);
    if (own) {
        mr_error *saved = st == MR_FAIL ? mr_env_save_error(b->env) : NULL;
        mr_conn_close(own);
        if (saved) mr_env_restore_error(b->env, saved);
    }
    BIND_LEAVE(b);
    return bind_check(L, st);
}

static const char *optional_name(lua_State *L, int idx, const char *function) {
    return lua_isnoneornil(L, idx) ? NULL : bind_arg_name(L, idx, function, "a name");
}

/* ---------------------------------------------------------------- pushing */

static void set_string(lua_State *L, const char *field, const char *value) {
    if (!value) return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

static void set_true(lua_State *L, const char *field, bool value) {
    if (!value) return;
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, field);
}

/* Puts the value on top at the end of the list below it. */
static void append(lua_State *L) { lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1); }

static void set_names(lua_State *L, const char *field, const char **names, unsigned n) {
    lua_createtable(L, (int)n, 0);
    for (unsigned i = 0; i < n; i++) {
        lua_pushstring(L, names[i] ? names[i] : "");
        append(L);
    }
    lua_setfield(L, -2, field);
}

static void set_notes(lua_State *L, const mr_reflection_note *note) {
    lua_newtable(L);
    for (; note; note = note->next) {
        lua_pushstring(L, note->text);
        append(L);
    }
    lua_setfield(L, -2, "notes");
}

static void set_choices(lua_State *L, const char **choices) {
    unsigned n = 0;
    while (choices[n]) n++;
    set_names(L, "choices", choices, n);
}

static void set_integer(lua_State *L, const char *field, int64_t value) {
    lua_pushinteger(L, value);
    lua_setfield(L, -2, field);
}

static void set_identity(lua_State *L, const mr_reflected_identity *identity) {
    lua_createtable(L, 0, 8);
    lua_pushboolean(L, identity->always);
    lua_setfield(L, -2, "always");
    lua_pushboolean(L, identity->cycle);
    lua_setfield(L, -2, "cycle");
    set_integer(L, "start", identity->start);
    set_integer(L, "increment", identity->increment);
    set_integer(L, "minvalue", identity->minvalue);
    set_integer(L, "maxvalue", identity->maxvalue);
    set_integer(L, "cache", identity->cache);
    lua_setfield(L, -2, "identity");
}

static void push_column(lua_State *L, const mr_reflected_column *c) {
    lua_createtable(L, 0, 8);
    set_string(L, "name", c->name);
    set_string(L, "declared", c->type);
    set_string(L, "affinity", c->affinity);
    set_string(L, "default", c->deflt);
    set_string(L, "collation", c->collation);
    lua_pushboolean(L, !c->not_null);
    lua_setfield(L, -2, "nullable");
    lua_pushinteger(L, c->key);
    lua_setfield(L, -2, "primary_key");
    set_string(L, "on_conflict", c->not_null_conflict);
    set_true(L, "hidden", c->hidden);
    set_true(L, "serial", c->serial);
    set_string(L, "comment", c->comment);
    set_string(L, "base_type", c->base_type);
    if (c->choices) set_choices(L, c->choices);
    if (c->identity) set_identity(L, c->identity);
    if (!c->generated) return;
    lua_createtable(L, 0, 2);
    set_string(L, "sqltext", c->generated);
    lua_pushboolean(L, c->stored);
    lua_setfield(L, -2, "persisted");
    lua_setfield(L, -2, "computed");
}

static void push_constraint(lua_State *L, const mr_reflected_constraint *k) {
    static const char *const kinds[] = {"primary_key", "unique", "foreign_key", "check"}; /* by mr_reflected_kind */
    lua_createtable(L, 0, 8);
    set_string(L, "kind", kinds[k->kind]);
    set_string(L, "name", k->name);
    set_true(L, "servers_name", k->servers_name);
    set_string(L, "on_conflict", k->conflict);
    set_string(L, "sqltext", k->sql);
    if (k->kind != MR_REFLECTED_CHECK) set_names(L, "columns", k->columns, k->ncolumns);
    if (k->kind != MR_REFLECTED_FOREIGN_KEY) return;
    set_string(L, "referred_table", k->target);
    set_string(L, "referred_schema", k->target_schema);
    if (k->target_columns) set_names(L, "referred_columns", k->target_columns, k->ncolumns);
    set_string(L, "ondelete", k->ondelete);
    set_string(L, "onupdate", k->onupdate);
    set_string(L, "initially", k->initially);
    if (k->deferrable == 0) return;
    lua_pushboolean(L, k->deferrable > 0);
    lua_setfield(L, -2, "deferrable");
}

static void push_index(lua_State *L, const mr_reflected_index *index) {
    lua_createtable(L, 0, 4);
    set_string(L, "name", index->name);
    lua_pushboolean(L, index->unique);
    lua_setfield(L, -2, "unique");
    set_string(L, "where", index->where);
    set_string(L, "definition", index->definition);
    lua_createtable(L, (int)index->nparts, 0);
    for (unsigned i = 0; i < index->nparts; i++) {
        lua_createtable(L, 0, 2);
        set_string(L, "column", index->parts[i].column);
        set_string(L, "expression", index->parts[i].expression);
        set_string(L, "collation", index->parts[i].collation);
        set_true(L, "descending", index->parts[i].descending);
        append(L);
    }
    lua_setfield(L, -2, "parts");
}

static void push_object(lua_State *L, const mr_reflection *o) {
    lua_createtable(L, 0, 16);
    set_string(L, "name", o->name);
    set_string(L, "kind", mr_object_kind_name(o->kind));
    set_string(L, "sql", o->sql);
    set_string(L, "module", o->module);
    set_string(L, "using", o->using_module);
    set_string(L, "definition", o->definition);
    set_string(L, "comment", o->comment);
    set_string(L, "rowid", o->rowid);
    set_true(L, "names_columns", o->names_columns);
    set_true(L, "without_rowid", o->without_rowid);
    set_true(L, "strict", o->strict);
    set_true(L, "autoincrement", o->autoincrement);
    lua_newtable(L);
    for (const mr_reflected_column *c = o->columns; c; c = c->next) push_column(L, c), append(L);
    lua_setfield(L, -2, "columns");
    lua_newtable(L);
    for (const mr_reflected_constraint *k = o->constraints; k; k = k->next) push_constraint(L, k), append(L);
    lua_setfield(L, -2, "constraints");
    lua_newtable(L);
    for (const mr_reflected_index *index = o->indexes; index; index = index->next) push_index(L, index), append(L);
    lua_setfield(L, -2, "indexes");
    lua_newtable(L);
    for (const mr_reflected_trigger *t = o->triggers; t; t = t->next) {
        lua_createtable(L, 0, 2);
        set_string(L, "name", t->name);
        set_string(L, "sql", t->sql);
        append(L);
    }
    lua_setfield(L, -2, "triggers");
    set_notes(L, o->notes);
}

/* ---------------------------------------------------------------- the functions */

static mr_status ask_schemas(mr_conn *conn, question *q) { return mr_conn_schemas(conn, q->arena, q->out); }

/* core.reflect_schemas(bind): the names of the schemas, the usual one first. */
static int reflect_schemas(lua_State *L) {
    const char **names = NULL;
    question q = {.arena = push_arena(L), .out = &names};
    (void)ask(L, "inspect", ask_schemas, &q);
    lua_newtable(L);
    for (; *names; names++) {
        lua_pushstring(L, *names);
        append(L);
    }
    return 1;
}

static mr_status ask_objects(mr_conn *conn, question *q) { return mr_conn_objects(conn, q->arena, q->schema, q->out); }

/* core.reflect_objects(bind, schema or nil): { { name =, kind = }, ..., notes = } */
static int reflect_objects(lua_State *L) {
    mr_schema_objects objects = {0};
    lua_settop(L, 2);
    question q = {.arena = push_arena(L), .schema = optional_name(L, 2, "schema"), .out = &objects};
    (void)ask(L, "inspect", ask_objects, &q);
    lua_newtable(L);
    for (const mr_object *o = objects.objects; o; o = o->next) {
        lua_createtable(L, 0, 2);
        set_string(L, "name", o->name);
        set_string(L, "kind", mr_object_kind_name(o->kind));
        append(L);
    }
    set_notes(L, objects.notes);
    return 1;
}

static mr_status ask_object(mr_conn *conn, question *q) {
    return mr_conn_object(conn, q->arena, q->schema, q->name, q->out);
}

/* core.reflect_object(bind, schema or nil, name): all that is known of it; nil: there is none. */
static int reflect_object(lua_State *L) {
    mr_reflection object = {0};
    lua_settop(L, 3);
    question q = {.arena = push_arena(L),
                  .schema = optional_name(L, 2, "schema"),
                  .name = bind_arg_name(L, 3, "inspect", "a table's name"),
                  .out = &object};
    if (ask(L, "inspect", ask_object, &q) == MR_NOTFOUND) return 0;
    luaL_checkstack(L, 16, "reflecting");
    push_object(L, &object);
    return 1;
}

static mr_status ask_snapshot(mr_conn *conn, question *q) {
    (void)q;
    return mr_conn_in_transaction(conn) || mr_conn_is_reading(conn) ? MR_OK : mr_conn_begin_load(conn);
}

/* core.begin_snapshot(connection): the questions to come see one state of the database, until the connection's
 * transaction ends. */
static int begin_snapshot(lua_State *L) {
    question q = {0};
    (void)ask(L, "inspect", ask_snapshot, &q);
    return 0;
}

static mr_status ask_all(mr_conn *conn, question *q) { return mr_conn_all_objects(conn, q->arena, q->schema, q->out); }

/* core.reflect_all(bind, schema or nil): what reflect_object tells, of all objects, in a list. */
static int reflect_all(lua_State *L) {
    mr_reflection *object = NULL;
    lua_settop(L, 2);
    question q = {.arena = push_arena(L), .schema = optional_name(L, 2, "schema"), .out = &object};
    (void)ask(L, "inspect", ask_all, &q);
    luaL_checkstack(L, 16, "reflecting");
    lua_newtable(L);
    for (; object; object = object->next) push_object(L, object), append(L);
    return 1;
}

/* ---------------------------------------------------------------- stored values */

static mr_status ask_sample(mr_conn *conn, question *q) {
    return mr_conn_sample(conn, q->arena, q->table, q->out, q->n);
}

/* The types of the list at idx, NULL-terminated, in the arena. */
static const mr_type *const *read_candidates(lua_State *L, int idx, mr_arena *arena) {
    size_t n = lua_rawlen(L, idx);
    const mr_type **types = mr_arena_alloc(arena, (n + 1) * sizeof *types);
    if (!types) bind_raise(L);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, idx, (lua_Integer)i + 1);
        types[i] = bind_arg_type(L, -1, "sample_columns");
        lua_pop(L, 1);
    }
    return types;
}

/* Sets how the texts of a column of moments are spelled, where all are spelled alike. */
static void set_spelling(lua_State *L, const mr_sampled_column *c) {
    const uint32_t bits = c->spelled;
    if (!c->spelled_alike) return;
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)(bits & MR_SPELLED_DIGITS) - 1);
    lua_setfield(L, -2, "digits");
    lua_pushstring(L, bits & MR_SPELLED_T ? "T" : " ");
    lua_setfield(L, -2, "separator");
    if (bits & MR_SPELLED_Z) set_string(L, "zone", "Z");
    else if (bits & MR_SPELLED_OFFSET && bits >> MR_SPELLED_MINUTE_SHIFT == MR_SPELLED_NO_OFFSET)
        set_string(L, "zone", bits & MR_SPELLED_SPACE ? " +00:00" : "+00:00");
    else if (bits & MR_SPELLED_OFFSET) set_true(L, "shifted", true);
    set_true(L, "short", (bits & (MR_SPELLED_MINUTES | MR_SPELLED_DAY)) != 0);
    set_true(L, "midnight", (bits & MR_SPELLED_MIDNIGHT) != 0);
    lua_setfield(L, -2, "spelled");
}

static void push_sampled(lua_State *L, const mr_sampled_column *c) {
    static const char *const kinds[] = {"null", "integer", "real", "text", "blob"};
    const mr_type *first = c->candidates[0];
    if (c->fits & 1 && !c->spelled_alike && !mr_type_is_boolean(first)) { /* there is nothing else to choose */
        lua_pushboolean(L, 1);
        return;
    }
    lua_createtable(L, 0, 8);
    lua_newtable(L);
    for (unsigned i = 0; c->candidates[i] && i < 64; i++) {
        lua_pushboolean(L, c->fits >> i & 1);
        append(L);
    }
    lua_setfield(L, -2, "fits");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        lua_pushinteger(L, (lua_Integer)c->counts[i]);
        lua_setfield(L, -2, kinds[i]);
    }
    lua_pushinteger(L, c->lowest);
    lua_setfield(L, -2, "lowest");
    lua_pushinteger(L, c->highest);
    lua_setfield(L, -2, "highest");
    if (c->odd.kind != MR_UNLOADED) {
        bind_push_value(L, &c->odd);
        lua_setfield(L, -2, "odd");
    }
    set_string(L, "first", c->first);
    set_spelling(L, c);
}

/* core.sample_columns(bind, schema or nil, table, { names }, { { types }, ... }, rows, rowid or nil): for each column
 * what its stored values are like, and which of the types can read them all; true: it is the first. rows 0: all rows.
 */
static int sample_columns(lua_State *L) {
    lua_settop(L, 7);
    mr_arena *arena = push_arena(L);
    unsigned n = (unsigned)lua_rawlen(L, 4);
    const char **names = mr_arena_alloc(arena, (n + 1) * sizeof *names);
    mr_sampled_column *sampled = mr_arena_alloc(arena, (n + 1) * sizeof *sampled);
    if (!names || !sampled) return bind_raise(L);
    for (unsigned i = 0; i < n; i++) {
        lua_rawgeti(L, 4, (lua_Integer)i + 1); /* the list keeps the text */
        names[i] = bind_arg_name(L, -1, "sample_columns", "a name");
        lua_rawgeti(L, 5, (lua_Integer)i + 1);
        sampled[i].candidates = read_candidates(L, lua_gettop(L), arena);
        lua_pop(L, 2);
    }
    const mr_sampled_table table = {.schema = optional_name(L, 2, "schema"),
                                    .name = bind_arg_name(L, 3, "sample_columns", "a table's name"),
                                    .rowid = optional_name(L, 7, "sample_columns"),
                                    .columns = names,
                                    .limit = (uint64_t)lua_tointeger(L, 6)};
    question q = {.arena = arena, .out = sampled, .table = &table, .n = n};
    (void)ask(L, "inspect", ask_sample, &q);
    lua_createtable(L, (int)n, 0);
    for (unsigned i = 0; i < n; i++) {
        push_sampled(L, &sampled[i]);
        append(L);
    }
    return 1;
}

void bind_open_reflection(lua_State *L) {
    static const luaL_Reg functions[] = {{"reflect_schemas", reflect_schemas},
                                         {"reflect_objects", reflect_objects},
                                         {"reflect_object", reflect_object},
                                         {"begin_snapshot", begin_snapshot},
                                         {"reflect_all", reflect_all},
                                         {"sample_columns", sample_columns},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
