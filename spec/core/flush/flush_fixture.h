/*
 * flush_fixture.h: helpers for the tests of the flush: classes declared by the functions of the mapper, an engine, and
 * in place of a session two lists: of new objects, and of deleted ones.
 *
 * Invariant: fl_close frees everything, and asserts that no memory was lost.
 */
#ifndef MOONROW_SPEC_FLUSH_FIXTURE_H
#define MOONROW_SPEC_FLUSH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <moonrow/flush.h>

#include "failing_alloc.h"

typedef struct fl_world {
    fa_state fa;
    mr_env *env;
    mr_metadata *metadata;
    mr_registry *registry;
    mr_engine *engine;
    mr_conn *conn;
    mr_owner *owner;
    mr_vec fresh, doomed;
    mr_flush *flush;  /* the last flush; it lives until the next one */
    char sent[20000]; /* its statements: "SQL [(values), (values)]\n" for each */
    char needs[1000]; /* the attributes that it needed: "Class.attribute\n" for each */
    char log[2000];
    /* Loads an attribute that the flush needs. NULL: nothing is loaded. */
    mr_status (*load)(struct fl_world *w, mr_entity *entity, const mr_property *prop);
    mr_node *expression; /* the SQL expression of opaque values */
} fl_world;

/* ---------------------------------------------------------------- the world */

/* The log: writes the text to w->log. */
static inline void fl_log(void *ud, const char *text) {
    fl_world *w = ud;
    size_t len = strlen(w->log);
    snprintf(w->log + len, sizeof w->log - len, "%s\n", text);
}

/* Fails the test, with the recorded error, unless ok. */
static inline void fl_check(fl_world *w, bool ok, const char *what) {
    if (!ok) fail_msg("%s: %s", what, mr_env_error(w->env)->kind ? mr_env_error(w->env)->message : "no error");
}
/* Fails the test unless the call returns MR_OK. */
#define FL_OK(w, call) fl_check(w, (call) == MR_OK, #call)

/* A new environment without classes. Declare them, then call fl_start. */
static inline void fl_open(fl_world *w) {
    static const fa_state fresh = FA_INIT;
    memset(w, 0, sizeof *w);
    w->fa = fresh;
    w->env = fa_env_new(&w->fa);
    mr_env_set_log(w->env, fl_log, w);
    w->metadata = mr_metadata_new(w->env);
    w->registry = mr_registry_new(w->env, w->metadata);
    mr_vec_init(&w->fresh, w->env, sizeof(mr_entity *));
    mr_vec_init(&w->doomed, w->env, sizeof(mr_entity *));
}

/* Call this when the classes are declared. Configures them, connects, and creates the tables (on SQLite). */
static inline void fl_start(fl_world *w, const char *url) {
    FL_OK(w, mr_registry_configure(w->registry));
    FL_OK(w, mr_engine_new(w->env, url, strlen(url), NULL, &w->engine));
    FL_OK(w, mr_engine_connect(w->engine, &w->conn));
    if (strncmp(url, "mock", 4) != 0) FL_OK(w, mr_create_all(w->conn, w->metadata, NULL, 0, false));
    w->owner = mr_owner_new(w->env, w);
    fl_check(w, w->owner != NULL, "owner");
}

/* Frees everything, with the entities that tests have pinned. */
static inline void fl_close(fl_world *w) {
    fa_disarm(&w->fa);
    mr_flush_free(w->flush);
    mr_vec_done(&w->fresh);
    mr_vec_done(&w->doomed);
    mr_node_release(w->expression);
    if (w->owner) mr_owner_release(w->owner);
    if (w->conn) mr_conn_close(w->conn);
    if (w->engine) mr_engine_release(w->engine);
    mr_env_free(w->env);
    assert_int_equal(fa_live(&w->fa), 0);
}

/* ---------------------------------------------------------------- declaring */

/* Adds an attribute with a column of this type to a class that is not ended. */
static inline mr_column *fl_column(fl_world *w, mr_mapper *m, const char *name, mr_typecode code) {
    mr_type proto = *mr_type_simple(code);
    mr_column *column = mr_column_new(w->env, NULL, mr_type_new(w->env, &proto));
    fl_check(w, column && mr_mapper_add_column(m, name, column), name);
    return column;
}

/* Begins a class with an integer key, id. End it with fl_finish. */
static inline mr_mapper *fl_class(fl_world *w, const char *name) {
    mr_mapper *m = mr_mapper_new(w->registry, name, NULL);
    fl_check(w, m != NULL, name);
    fl_column(w, m, "id", MR_TYPE_INTEGER)->primary_key = true;
    return m;
}

/* Ends the declaration of a class. */
static inline void fl_finish(fl_world *w, mr_mapper *m, const char *table) {
    FL_OK(w, mr_mapper_finish(m, NULL, table, NULL, NULL, NULL));
}

/* Adds an integer column with a foreign key to "table.column". */
static inline mr_column *fl_reference(fl_world *w, mr_mapper *m, const char *name, const char *to) {
    mr_column *column = fl_column(w, m, name, MR_TYPE_INTEGER);
    fl_check(w, mr_column_add_foreign_key(w->env, column, to, NULL) != NULL, to);
    return column;
}

static inline mr_status fl_resolve(mr_env *env, void *ud, mr_relationship *rel) {
    (void)env;
    rel->target = mr_registry_find(((fl_world *)ud)->registry, rel->target_name);
    return rel->target ? MR_OK : mr_fail(env, MR_ERR_MAPPING, "no class %s", rel->target_name);
}

/* The options of a relationship to the class of that name. */
static inline mr_relationship fl_proto(fl_world *w, const char *target) {
    mr_relationship proto = {.resolve = fl_resolve,
                             .resolve_ud = w,
                             .target_name = target,
                             .uselist = -1,
                             .cascade = MR_CASCADE_SAVE_UPDATE | MR_CASCADE_MERGE,
                             .passive_updates = true};
    return proto;
}

/* Adds a relationship to a class. */
static inline mr_relationship *fl_relate(fl_world *w, mr_mapper *m, const char *name, mr_relationship proto) {
    mr_relationship *rel = mr_mapper_add_relationship(m, name, &proto);
    fl_check(w, rel != NULL, name);
    return rel;
}

/* ---------------------------------------------------------------- objects */

static inline mr_value fl_text(const char *s) { return mr_text_value(s, strlen(s)); }

/* The object as a value; NULL: the value NULL. */
static inline mr_value fl_ref(mr_entity *e) {
    mr_value v = mr_value_of(e ? MR_ENTITY : MR_NULL, 0);
    if (e) v.u.p = e;
    return v;
}

static inline const mr_property *fl_prop(mr_entity *e, const char *name) {
    const mr_property *prop = mr_mapper_property(e->mapper, name, false);
    if (!prop) fail_msg("%s has no %s", e->mapper->name, name);
    return prop;
}

static inline void fl_set(fl_world *w, mr_entity *e, const char *name, mr_value value) {
    FL_OK(w, mr_entity_set(e, fl_prop(e, name)->slot, &value));
}

static inline const mr_value *fl_get(mr_entity *e, const char *name) {
    return mr_entity_slot(e, fl_prop(e, name)->slot);
}

/* The integer in the attribute. */
static inline int64_t fl_int(mr_entity *e, const char *name) {
    const mr_value *v = fl_get(e, name);
    if (v->kind != MR_INT) fail_msg("%s.%s is of kind %d", e->mapper->name, name, v->kind);
    return v->u.i;
}

/* A new transient object. It is pinned until fl_close. */
static inline mr_entity *fl_new(fl_world *w, mr_mapper *m) {
    mr_entity *e = mr_entity_new(w->env, m);
    fl_check(w, e != NULL, "entity");
    return mr_entity_pin(e);
}

/* The object becomes pending: the next flush inserts it. */
static inline mr_entity *fl_add(fl_world *w, mr_entity *e) {
    e->state = MR_PENDING;
    e->owner = mr_owner_retain(w->owner);
    e->generation = w->owner->generation;
    e->insert_order = (uint32_t)w->fresh.len + 1;
    FL_OK(w, mr_vec_push_ptr(&w->fresh, e));
    return e;
}

/* A new pending object with a name. */
static inline mr_entity *fl_named(fl_world *w, mr_mapper *m, const char *name) {
    mr_entity *e = fl_add(w, fl_new(w, m));
    fl_set(w, e, "name", fl_text(name));
    return e;
}

/* The next flush deletes the object. */
static inline void fl_delete(fl_world *w, mr_entity *e) {
    e->flags |= MR_ENTITY_TO_DELETE;
    FL_OK(w, mr_vec_push_ptr(&w->doomed, e));
}

/* The object's collection of that name. */
static inline mr_collection *fl_items(fl_world *w, mr_entity *e, const char *name) {
    mr_collection *c = mr_entity_collection(e, fl_prop(e, name), true);
    fl_check(w, c != NULL, name);
    return c;
}

static inline void fl_append(fl_world *w, mr_entity *e, const char *name, mr_entity *item) {
    mr_collection *c = fl_items(w, e, name);
    FL_OK(w, mr_collection_insert(c, c->n, item));
}

static inline void fl_remove(fl_world *w, mr_entity *e, const char *name, mr_entity *item) {
    mr_collection *c = fl_items(w, e, name);
    FL_OK(w, mr_collection_remove_at(c, mr_collection_find(c, item)));
}

/* ---------------------------------------------------------------- flushing */

/* Writes a value as SQL text would show it. */
static inline void fl_put_value(mr_strbuf *out, const mr_value *v) {
    switch (v->kind) {
    case MR_NULL:
        mr_strbuf_puts(out, "NULL");
        break;
    case MR_FLOAT:
        mr_strbuf_printf(out, "%g", v->u.d);
        break;
    case MR_TEXT:
    case MR_BLOB:
    case MR_DECIMAL:
        mr_strbuf_putc(out, '\'');
        mr_strbuf_add(out, v->u.s, v->len);
        mr_strbuf_putc(out, '\'');
        break;
    case MR_INT:
    case MR_BOOL:
        mr_strbuf_printf(out, "%lld", (long long)v->u.i);
        break;
    default:
        mr_strbuf_printf(out, "<%s>", mr_kind_name(v->kind));
        break;
    }
}

/* Writes what was recorded to w->sent. */
static inline void fl_write_down(fl_world *w, mr_recorder *recorder) {
    mr_strbuf out;
    mr_strbuf_init(&out, w->env);
    for (size_t i = 0; i < mr_recorder_count(recorder); i++) {
        const mr_record *r = mr_recorder_at(recorder, i);
        mr_strbuf_printf(&out, "%s [", r->statement);
        for (size_t j = 0; j < r->lists.len; j++) {
            const mr_value *list = mr_vec_ptr(&r->lists, j);
            mr_strbuf_puts(&out, j ? ", (" : "(");
            for (size_t k = 0; k < r->nparams; k++) {
                if (k) mr_strbuf_puts(&out, ", ");
                fl_put_value(&out, &list[k]);
            }
            mr_strbuf_puts(&out, ")");
        }
        mr_strbuf_puts(&out, "]\n");
    }
    snprintf(w->sent, sizeof w->sent, "%s", mr_strbuf_str(&out));
    mr_strbuf_done(&out);
}

static inline mr_status fl_connection(void *ud, mr_mapper *mapper, mr_conn **out) {
    (void)mapper;
    *out = ((fl_world *)ud)->conn;
    return MR_OK;
}

static inline mr_node *fl_expression(void *ud, const mr_value *value) {
    (void)value;
    return ((fl_world *)ud)->expression;
}

/* Loads what the flush needs, and notes it in w->needs. */
static inline mr_status fl_meet(fl_world *w) {
    mr_entity *entity;
    const mr_property *prop;
    mr_status status;
    while ((status = mr_flush_need(w->flush, &entity, &prop)) == MR_ROW) {
        size_t len = strlen(w->needs);
        snprintf(w->needs + len, sizeof w->needs - len, "%s.%s\n", entity->mapper->name, prop->name);
        if (w->load && w->load(w, entity, prop) == MR_FAIL) return MR_FAIL;
    }
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

/* Flushes what is in the lists. If it fails, the lists and all objects stay as they were. */
static inline mr_status fl_try(fl_world *w) {
    mr_flush_context ctx = {
        .env = w->env, .owner = w->owner, .ud = w, .connection = fl_connection, .expression = fl_expression};
    mr_flush_free(w->flush);
    w->flush = NULL;
    w->needs[0] = '\0';
    mr_status status =
        mr_flush_new(&ctx, (mr_entity *const *)w->fresh.data, w->fresh.len, (mr_entity *const *)w->owner->dirty.data,
                     w->owner->dirty.len, (mr_entity *const *)w->doomed.data, w->doomed.len, &w->flush);
    if (status == MR_OK) status = fl_meet(w);
    if (status == MR_OK && mr_flush_has_operations(w->flush)) status = mr_flush_run(w->flush);
    if (status != MR_OK) {
        mr_flush_free(w->flush);
        w->flush = NULL;
        return MR_FAIL;
    }
    mr_flush_publish(w->flush);
    w->fresh.len = w->doomed.len = 0;
    return MR_OK;
}

/* The same, and writes its statements to w->sent. */
static inline mr_status fl_record(fl_world *w) {
    mr_recorder *recorder;
    FL_OK(w, mr_recorder_start(w->engine, &recorder));
    mr_status status = fl_try(w);
    mr_recorder_stop(recorder);
    fl_write_down(w, recorder);
    mr_recorder_free(recorder);
    return status;
}

/* Flushes; must succeed. */
static inline void fl_flush(fl_world *w) { fl_check(w, fl_record(w) == MR_OK, "flush"); }

/* Flushes, and asserts the statements. */
static inline void fl_expect(fl_world *w, const char *statements) {
    fl_flush(w);
    assert_string_equal(w->sent, statements);
}

/* Flushes, and asserts that it fails with an error of this kind, whose message contains the words. */
static inline void fl_expect_error(fl_world *w, mr_errkind kind, const char *words) {
    assert_int_equal(fl_record(w), MR_FAIL);
    const mr_error *e = mr_env_error(w->env);
    if (e->kind != kind || !strstr(e->message, words))
        fail_msg("expected %s \"%s\", got %s \"%s\"", mr_errkind_name(kind), words, mr_errkind_name(e->kind),
                 e->message);
}

/* The integer in the first column of the first row. -1: it is NULL, or there is no row. */
static inline int64_t fl_query(fl_world *w, const char *sql) {
    mr_compiled *c = mr_compiled_from_sql(w->env, sql, strlen(sql), false);
    mr_cursor *cursor = NULL;
    mr_value row[8];
    int64_t found = -1;
    FL_OK(w, mr_conn_execute(w->conn, c, NULL, &cursor));
    if (mr_cursor_step(cursor) == MR_ROW) {
        FL_OK(w, mr_cursor_fetch(cursor, NULL, row));
        if (row[0].kind == MR_INT) found = row[0].u.i;
    }
    mr_cursor_close(cursor);
    mr_compiled_release(c);
    return found;
}

#endif
