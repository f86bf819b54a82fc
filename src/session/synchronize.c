/*
 * synchronize.c: after an UPDATE or DELETE by criteria, changes the objects in memory in the same way.
 *
 * Invariant: the objects that match are found before the statement runs, and change only after it has run: a statement
 * that fails changes no object. A value that is not known for sure is read again when it is next used.
 */
#include "attributes.h"
#include "journal.h"
#include "session_state.h"
#include "states.h"

#include "evaluate.h"

typedef struct match {
    mr_entity *entity; /* pinned */
    bool sure;         /* false: the criteria depend on values that are not loaded */
} match;

struct mr_synchronizer {
    mr_session *session;
    mr_mapper *mapper;
    mr_node *statement;
    mr_evaluation evaluation;
    mr_vec matches; /* match */
    mr_vec *keys;   /* mr_value: where to put the keys of all rows; or NULL */
};

static const mr_dml *dml_of(const mr_synchronizer *y) { return y->statement->u.dml; }

static mr_status add_match(mr_synchronizer *y, mr_entity *e, bool sure) {
    match *m = mr_vec_push(&y->matches);
    if (!m) return MR_FAIL;
    *m = (match){mr_entity_pin(e), sure};
    return MR_OK;
}

static bool is_candidate(const mr_synchronizer *y, const mr_entity *e) {
    return e->owner == y->session->owner && e->state == MR_PERSISTENT && mr_mapper_isa(e->mapper, y->mapper);
}

/* Has the object any column in memory? One that has expired may have got values since. */
static bool has_columns(mr_entity *e) {
    for (size_t i = 0; i < e->mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->columns, i);
        if (mr_entity_slot(e, prop->slot)->kind != MR_UNLOADED) return true;
    }
    return false;
}

/* ---------------------------------------------------------------- by evaluation */

/* Matches by computing the criteria. An object that has expired is skipped: it is read again anyway. */
static mr_status match_by_evaluation(mr_synchronizer *y) {
    const mr_node *where = dml_of(y)->where;
    size_t cursor = 0;
    mr_entity *e;
    while ((e = mr_idmap_next(y->session->owner->idmap, &cursor)) != NULL) {
        if (!is_candidate(y, e) || !has_columns(e)) continue;
        mr_value v = where ? mr_evaluate(&y->evaluation, e, where) : mr_int_value(1);
        bool met = (v.kind == MR_INT && v.u.i != 0) || (v.kind == MR_FLOAT && v.u.d != 0);
        if ((met || v.kind == MR_UNLOADED) && add_match(y, e, met) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

/* Appends what of a text among the criteria cannot be evaluated. */
static bool name_obstacle(const mr_node *where, mr_strbuf *out) {
    const mr_criterion *c = mr_criterion_of(where);
    if (c) return mr_criterion_obstacle(c, false, out);
    for (uint32_t i = 0; where->kind == MR_NODE_LIST && i < where->n; i++)
        if (name_obstacle(where->child[i], out)) return true;
    return false;
}

static mr_status refuse_evaluation(const mr_synchronizer *y) {
    mr_env *env = y->session->env;
    mr_strbuf text;
    mr_strbuf_init(&text, env);
    const char *sql = NULL;
    if (name_obstacle(dml_of(y)->where, &text)) sql = mr_strbuf_str(&text);
    else if (mr_sql_string(env, mr_engine_dialect(y->session->engine), dml_of(y)->where, &text) == MR_OK)
        sql = mr_strbuf_str(&text);
    if (sql)
        mr_fail(env, MR_ERR_INVALID_REQUEST,
                "the criteria cannot be evaluated in memory: %s: write synchronize_session = \"fetch\" or false", sql);
    mr_strbuf_done(&text);
    return MR_FAIL;
}

/* ---------------------------------------------------------------- by fetching */

/* The part of the class whose table the statement writes. */
static const mr_mapper_part *written_part(const mr_synchronizer *y) {
    const mr_mapper *m = y->mapper;
    unsigned i = 0;
    while (i + 1 < m->nparts && m->parts[i].table != dml_of(y)->table->u.table) i++;
    return &m->parts[i];
}

/* SELECT of the primary key columns, in their order, with the criteria of the statement. */
static mr_node *keys_statement(const mr_synchronizer *y) {
    mr_env *env = y->session->env;
    const mr_mapper_part *part = written_part(y);
    mr_node *columns = NULL;
    for (unsigned k = 0; k < y->mapper->npk; k++) {
        columns = mr_sql_list_append(env, columns, mr_sql_column(env, part->keys[k], NULL, NULL));
        if (!columns) return NULL;
    }
    mr_select s = {.columns = columns, .where = mr_node_retain(dml_of(y)->where)};
    s.from = mr_sql_list_append(env, NULL, mr_sql_table(env, part->table));
    const mr_node *others = dml_of(y)->others;
    for (uint32_t i = 0; others && s.from && i < others->n; i++)
        s.from = mr_sql_list_append(env, s.from, mr_node_retain(others->child[i]));
    if (s.from) return mr_sql_select(env, &s);
    mr_node_release(s.columns);
    mr_node_release(s.where);
    return NULL;
}

static mr_status match_row(mr_synchronizer *y, const mr_value *key, mr_strbuf *buf) {
    mr_value identity;
    mr_strbuf_clear(buf);
    if (!mr_identity_make(y->mapper, key, buf, &identity)) return buf->oom ? mr_nomem(y->session->env) : MR_OK;
    mr_entity *e = mr_idmap_get(y->session->owner->idmap, y->mapper->root, &identity);
    return e && is_candidate(y, e) ? add_match(y, e, true) : MR_OK;
}

static mr_status keep_key(mr_synchronizer *y, const mr_value *key) {
    for (unsigned k = 0; y->keys && k < y->mapper->npk; k++) {
        mr_value copy, *place;
        if (mr_value_copy(y->session->env, &copy, &key[k]) != MR_OK) return MR_FAIL;
        if (!(place = mr_vec_push(y->keys))) {
            mr_value_clear(y->session->env, &copy);
            return MR_FAIL;
        }
        *place = copy;
    }
    return MR_OK;
}

/* match: are the objects looked for, too? */
static mr_status read_keys(mr_synchronizer *y, mr_cursor *cursor, mr_value *key, bool matches) {
    mr_strbuf buf;
    mr_strbuf_init(&buf, y->session->env);
    mr_status status;
    while ((status = mr_cursor_step(cursor)) == MR_ROW) {
        if (mr_cursor_fetch(cursor, NULL, key) == MR_FAIL || keep_key(y, key) != MR_OK ||
            (matches && match_row(y, key, &buf) != MR_OK)) {
            status = MR_FAIL;
            break;
        }
    }
    mr_strbuf_done(&buf);
    return status == MR_DONE ? MR_OK : MR_FAIL;
}

static mr_status fetch(mr_synchronizer *y, mr_conn *conn, bool matches) {
    mr_env *env = y->session->env;
    mr_compiled *compiled = NULL;
    mr_value *values = NULL, *key = NULL;
    mr_cursor *cursor = NULL;
    mr_status status = MR_FAIL;
    mr_node *select = keys_statement(y);
    if (!select || !(key = mr_alloc(env, y->mapper->npk * sizeof *key))) goto out;
    if (mr_engine_compile(y->session->engine, select, y->evaluation.named, y->evaluation.nnamed, &compiled, &values) !=
        MR_OK)
        goto out;
    if (mr_session_execute_marked(y->session, conn, compiled, values, &cursor) == MR_OK)
        status = read_keys(y, cursor, key, matches);
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(env) : NULL;
    mr_cursor_close(cursor);
    mr_env_restore_error(env, saved);
out:
    mr_free(env, key);
    mr_free(env, values);
    mr_compiled_release(compiled);
    mr_node_release(select);
    return status;
}

/* ---------------------------------------------------------------- before the statement */

/* Refuses to update primary key columns: objects in memory cannot follow that. */
static mr_status refuse_keys(const mr_synchronizer *y) {
    const mr_node *columns = dml_of(y)->columns;
    for (uint32_t i = 0; columns && i < columns->n; i++) {
        const mr_property *prop = mr_mapper_property_of_column(y->mapper, columns->child[i]->u.column);
        if (!prop || !prop->is_primary_key) continue;
        return mr_fail(y->session->env, MR_ERR_ARGUMENT,
                       "%s.%s is in the primary key: assign to the objects, or write synchronize_session = false",
                       y->mapper->name, prop->name);
    }
    return MR_OK;
}

typedef struct folding {
    mr_conn *conn;
    mr_status status;
    bool found;
} folding;

static bool find_folding(void *ud, const mr_node *node) {
    folding *f = ud;
    if (node->kind == MR_NODE_COLUMN && node->u.column->table && !f->found && f->status == MR_OK)
        f->status = mr_conn_column_folds(f->conn, (mr_column *)(uintptr_t)node->u.column, &f->found);
    return true;
}

/* Has the condition a column with a collation, whose values the database compares by its own rules? Then only the
 * database can evaluate it. */
static mr_status where_folds(mr_conn *conn, const mr_node *where, bool *out) {
    folding f = {conn, MR_OK, false};
    if (where) mr_node_walk(where, find_folding, &f);
    *out = f.found;
    return f.status;
}

static mr_status find_matches(mr_synchronizer *y, mr_synchronize how) {
    mr_conn *conn;
    const mr_node *where = dml_of(y)->where;
    /* The flush comes first: objects in the criteria may get their keys by it. */
    if (refuse_keys(y) != MR_OK || mr_session_autoflush_now(y->session) != MR_OK) return MR_FAIL;
    bool evaluable = how != MR_SYNCHRONIZE_FETCH && (!where || mr_evaluable(&y->evaluation, where));
    if (y->keys && how == MR_SYNCHRONIZE_AUTO) evaluable = false; /* the rows are fetched anyway */
    if (how == MR_SYNCHRONIZE_EVALUATE && !evaluable) return refuse_evaluation(y);
    if (mr_session_connect_to_write(y->session, &conn) != MR_OK) return MR_FAIL;
    bool folds = false;
    if (evaluable && where_folds(conn, where, &folds) != MR_OK) return MR_FAIL;
    if (folds && how == MR_SYNCHRONIZE_EVALUATE) return refuse_evaluation(y);
    evaluable = evaluable && !folds;
    mr_status status = evaluable ? match_by_evaluation(y) : MR_OK;
    if (status == MR_OK && (!evaluable || y->keys)) status = fetch(y, conn, !evaluable);
    return status == MR_OK ? mr_journal_reserve(y->session, 2 * y->matches.len) : status;
}

/* Is it a statement that the database can be given? Asked before objects are looked for by its criteria: where they
 * name other tables, and do not say how, that would read all rows of all of them. */
static mr_status check_statement(const mr_synchronizer *y) {
    mr_session *s = y->session;
    if (!dml_of(y)->others) return MR_OK;
    mr_strbuf text;
    mr_strbuf_init(&text, s->env);
    mr_status status = mr_sql_string(s->env, mr_engine_dialect(s->engine), y->statement, &text);
    mr_strbuf_done(&text);
    return status;
}

/* Nobody wants the objects to change, only the keys of the rows. */
static mr_status fetch_keys(mr_synchronizer *y) {
    mr_conn *conn;
    if (mr_session_autoflush_now(y->session) != MR_OK || mr_session_connect_to_write(y->session, &conn) != MR_OK)
        return MR_FAIL;
    return fetch(y, conn, false);
}

mr_status mr_synchronizer_new(mr_session *s, mr_mapper *mapper, mr_node *statement, const mr_named_value *named,
                              size_t nnamed, mr_synchronize how, mr_synchronizer **out) {
    return mr_synchronizer_new_with_keys(s, mapper, statement, named, nnamed, how, NULL, out);
}

mr_status mr_synchronizer_new_with_keys(mr_session *s, mr_mapper *mapper, mr_node *statement,
                                        const mr_named_value *named, size_t nnamed, mr_synchronize how, mr_vec *keys,
                                        mr_synchronizer **out) {
    *out = NULL;
    if (mr_session_allow(s, MR_ACT_READ, "execute()") != MR_OK) return MR_FAIL;
    mr_synchronizer *y = mr_calloc(s->env, sizeof *y);
    if (!y) return MR_FAIL;
    y->session = mr_session_retain(s);
    y->mapper = mapper;
    y->keys = keys;
    y->statement = mr_node_retain(statement);
    y->evaluation = (mr_evaluation){mapper, named, nnamed};
    mr_vec_init(&y->matches, s->env, sizeof(match));
    mr_heap_block(s->heap);
    mr_status status = how == MR_SYNCHRONIZE_NONE ? MR_OK : check_statement(y);
    if (status == MR_OK && how != MR_SYNCHRONIZE_NONE) status = find_matches(y, how);
    else if (status == MR_OK && keys) status = fetch_keys(y);
    mr_heap_unblock(s->heap);
    if (status == MR_OK) {
        *out = y;
        return MR_OK;
    }
    mr_error *saved = mr_env_save_error(s->env);
    mr_env *env = s->env;
    mr_synchronizer_free(y);
    mr_env_restore_error(env, saved);
    return status;
}

void mr_synchronizer_free(mr_synchronizer *y) {
    if (!y) return;
    mr_session *s = y->session;
    for (size_t i = 0; i < y->matches.len; i++) mr_entity_unpin(((match *)mr_vec_at(&y->matches, i))->entity);
    mr_vec_done(&y->matches);
    mr_node_release(y->statement);
    mr_free(s->env, y);
    mr_session_release(s);
}

/* ---------------------------------------------------------------- after the statement */

static void expire(mr_synchronizer *y, mr_entity *e) {
    mr_journal_before_expiry(y->session, e);
    mr_entity_expire(e);
}

/* ---------------------------------------------------------------- after an UPDATE */

/* The new value of the column, a copy. MR_UNLOADED: it cannot be computed, and is to be read again. */
static mr_value new_value(const mr_synchronizer *y, mr_entity *e, const mr_property *prop, const mr_node *node) {
    mr_env *env = y->session->env;
    mr_value made = mr_value_of(MR_UNLOADED, 0), v = made;
    const mr_value *given = NULL;
    if (node->kind == MR_NODE_BIND) given = node->name ? mr_evaluation_param(&y->evaluation, node->name) : NULL;
    if (node->kind == MR_NODE_BIND && !given && (!node->name || node->flags & MR_NODE_DEFAULTED))
        given = &node->u.value;
    if (given) v = *given;
    else if (mr_evaluable(&y->evaluation, node)) v = mr_evaluate(&y->evaluation, e, node);
    if (v.kind == MR_UNLOADED || v.kind == MR_OPAQUE) return made;
    if (v.kind == MR_INT && (v.u.i == 0 || v.u.i == 1) && mr_type_is_boolean(mr_column_type(env, prop->column)))
        v = mr_bool_value(v.u.i != 0);
    mr_store_room room = {.env = env, .dialect = y->session->owner->dialect};
    if (mr_attribute_coerce(e->mapper, prop, &v, &room) != MR_OK || mr_value_copy(env, &made, &v) != MR_OK) {
        mr_env_clear_error(env);
        made = mr_value_of(MR_UNLOADED, 0);
    }
    mr_store_done(&room);
    return made;
}

/* Gives the object a value that the database has, so it is no change. A value that is not known expires. */
static void set_stored_value(mr_session *s, mr_entity *e, const mr_property *prop, mr_value *value) {
    if (mr_entity_slot(e, prop->slot)->kind == MR_UNLOADED) return;
    if (value->kind != MR_UNLOADED && !mr_entity_is_dirty(e, prop->slot)) {
        mr_entity_give(e, prop->slot, value); /* the slot exists: cannot fail */
        return;
    }
    mr_journal_before_expiry(s, e);
    mr_entity_forget(e, prop->slot);
    e->flags |= MR_ENTITY_PARTIAL;
}

/* All values are computed before the first is set, because they are computed from the old row. */
static void update_object(mr_synchronizer *y, const match *m, mr_value *values) {
    const mr_dml *d = dml_of(y);
    mr_entity *e = m->entity;
    for (uint32_t i = 0; i < d->columns->n; i++) {
        const mr_property *prop = mr_mapper_property_of_column(y->mapper, d->columns->child[i]->u.column);
        values[i] = prop && m->sure ? new_value(y, e, prop, d->values->child[i]) : mr_value_of(MR_UNLOADED, 0);
    }
    for (uint32_t i = 0; i < d->columns->n; i++) {
        const mr_property *prop = mr_mapper_property_of_column(y->mapper, d->columns->child[i]->u.column);
        if (prop) set_stored_value(y->session, e, prop, &values[i]);
        mr_value_clear(y->session->env, &values[i]);
    }
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        mr_value unknown = mr_value_of(MR_UNLOADED, 0);
        if (prop->computed || prop->kind == MR_PROPERTY_EXPRESSION) set_stored_value(y->session, e, prop, &unknown);
    }
}

static mr_status apply_update(mr_synchronizer *y) {
    mr_session *s = y->session;
    mr_value *values = mr_alloc(s->env, dml_of(y)->columns->n * sizeof *values);
    mr_status status = values ? MR_OK : MR_FAIL;
    for (size_t i = 0; i < y->matches.len; i++) {
        const match *m = mr_vec_at(&y->matches, i);
        if (!is_candidate(y, m->entity)) continue;
        if (values && mr_journal_updated(s, m->entity) == MR_OK) {
            update_object(y, m, values);
        } else {
            status = MR_FAIL;
            expire(y, m->entity);
        }
    }
    mr_free(s->env, values);
    return status;
}

/* ---------------------------------------------------------------- after a DELETE */

static mr_status mark_row_deleted(mr_session *s, mr_entity *e) {
    if (mr_journal_deleted(s, e) != MR_OK) return MR_FAIL;
    mr_state_make_deleted(s, e);
    return MR_OK;
}

static mr_status apply_delete(mr_synchronizer *y) {
    mr_status status = MR_OK;
    for (size_t i = 0; i < y->matches.len; i++) {
        const match *m = mr_vec_at(&y->matches, i);
        if (!is_candidate(y, m->entity)) continue;
        if (m->sure && mark_row_deleted(y->session, m->entity) == MR_OK) continue;
        if (m->sure) status = MR_FAIL;
        expire(y, m->entity);
    }
    return status;
}

mr_status mr_synchronizer_apply(mr_synchronizer *y) {
    mr_heap_block(y->session->heap);
    mr_status status = y->matches.len == 0                    ? MR_OK
                       : y->statement->kind == MR_NODE_UPDATE ? apply_update(y)
                                                              : apply_delete(y);
    mr_heap_unblock(y->session->heap);
    return status;
}

/* ---------------------------------------------------------------- row by row */

bool mr_session_has_objects(const mr_session *s) { return mr_idmap_count(s->owner->idmap) > 0; }

mr_status mr_session_find_in_memory(mr_session *s, mr_mapper *mapper, const mr_value *key, mr_entity **out) {
    mr_value identity;
    mr_strbuf buf;
    mr_strbuf_init(&buf, s->env);
    *out = NULL;
    mr_status status = mr_session_identity(s, mapper, key, &buf, &identity);
    mr_entity *e = status == MR_OK ? mr_idmap_get(s->owner->idmap, mapper->root, &identity) : NULL;
    mr_strbuf_done(&buf);
    if (e && mr_mapper_isa(e->mapper, mapper) && has_columns(e)) *out = e;
    return status == MR_FAIL ? MR_FAIL : MR_OK;
}

mr_status mr_session_set_stored_value(mr_session *s, mr_entity *entity, const mr_property *prop,
                                      const mr_value *value) {
    mr_value given = *value, copy = mr_value_of(MR_UNLOADED, 0);
    mr_store_room room = {.env = s->env, .dialect = s->owner->dialect};
    if (mr_journal_updated(s, entity) != MR_OK) return MR_FAIL;
    bool fits = given.kind != MR_UNLOADED && given.kind != MR_OPAQUE &&
                mr_attribute_coerce(entity->mapper, prop, &given, &room) == MR_OK &&
                mr_value_copy(s->env, &copy, &given) == MR_OK;
    mr_store_done(&room);
    if (!fits) {
        mr_env_clear_error(s->env);
        copy = mr_value_of(MR_UNLOADED, 0);
    }
    set_stored_value(s, entity, prop, &copy);
    mr_value_clear(s->env, &copy);
    return MR_OK;
}
