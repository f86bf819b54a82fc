/*
 * all_tables.c: query:update and query:delete of a class whose objects are in several tables: a statement for each.
 *
 * Invariant: the keys of the rows are read before the first statement, in its transaction, because a statement may
 * change what the criteria are about. Either all tables are written, or none.
 */
#include "session_state.h"

enum {
    SAVEPOINT = 0x7fffffff, /* a number that no savepoint of the program has */
    KEYS_AT_ONCE = 500
};

typedef struct all_tables {
    mr_session *s;
    mr_query *q;
    mr_mapper *mapper;
    mr_named_value *named;
    mr_vec keys;   /* mr_value, owned: those of a row, mapper->npk of them, after each other */
    mr_vec tables; /* mr_mapper_part *, borrowed: the parts of the class and of those below it, bases first */
} all_tables;

/* ---------------------------------------------------------------- the tables */

static mr_status add_part(all_tables *a, mr_mapper_part *part) {
    for (size_t i = 0; i < a->tables.len; i++)
        if (((const mr_mapper_part *)mr_vec_ptr(&a->tables, i))->table == part->table) return MR_OK;
    return mr_vec_push_ptr(&a->tables, part);
}

static mr_status find_tables(all_tables *a) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(a->mapper, m));)
        for (unsigned i = 0; i < m->nparts; i++)
            if (add_part(a, &m->parts[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

bool mr_mapper_spans_tables(mr_mapper *mapper) {
    for (mr_mapper *m = NULL; (m = mr_mapper_next_below(mapper, m));)
        if (m->nparts > 1) return true;
    return false;
}

/* ---------------------------------------------------------------- the rows of a table, by their keys */

/* The criterion "the key is that of the row at the place"; NULL: failed. */
static mr_node *key_is(const all_tables *a, const mr_mapper_part *part, size_t row) {
    mr_env *env = a->s->env;
    mr_node *all = NULL;
    for (unsigned k = 0; k < a->mapper->npk; k++) {
        const mr_value *v = mr_vec_at(&a->keys, row * a->mapper->npk + k);
        mr_node *column = mr_sql_column(env, part->keys[k], NULL, NULL);
        mr_node *value = mr_sql_bind(env, mr_column_type(env, part->keys[k]), v);
        all = mr_sql_and(env, all, mr_sql_binary(env, MR_OP_EQ, column, value));
        if (!all) return NULL;
    }
    return all;
}

/* The criterion "the key is one of those of the n rows from first on"; NULL: failed. */
static mr_node *key_in(const all_tables *a, const mr_mapper_part *part, size_t first, size_t n) {
    mr_env *env = a->s->env;
    if (a->mapper->npk == 1) {
        mr_node *column = mr_sql_column(env, part->keys[0], NULL, NULL);
        return mr_sql_binary(env, MR_OP_IN, column,
                             mr_sql_binds(env, mr_column_type(env, part->keys[0]), mr_vec_at(&a->keys, first), n));
    }
    mr_node *any[KEYS_AT_ONCE];
    for (size_t i = 0; i < n; i++) any[i] = key_is(a, part, first + i);
    return n == 1 ? any[0] : mr_sql_list(env, MR_OP_OR, any, n);
}

/* Runs a statement about the part's table for all rows. columns: those to set; NULL: DELETE. */
static mr_status write_table(all_tables *a, const mr_mapper_part *part, mr_node *columns, mr_node *values) {
    mr_env *env = a->s->env;
    size_t rows = a->keys.len / a->mapper->npk;
    mr_status status = MR_OK;
    for (size_t i = 0; i < rows && status == MR_OK; i += KEYS_AT_ONCE) {
        size_t n = rows - i < KEYS_AT_ONCE ? rows - i : KEYS_AT_ONCE;
        mr_dml d = {.table = mr_sql_table(env, part->table), .where = key_in(a, part, i, n)};
        if (columns) d.columns = mr_node_retain(columns), d.values = mr_node_retain(values);
        mr_node *statement = columns ? mr_sql_update(env, &d) : mr_sql_delete(env, &d);
        if (statement) statement = mr_session_statement_to_send(a->s, statement);
        int64_t matched;
        status = statement ? mr_session_run_to_end(a->s, statement, a->named, a->q->nparams, &matched) : MR_FAIL;
        mr_node_release(statement);
    }
    return status;
}

/* ---------------------------------------------------------------- the values of an UPDATE */

/* Refuses a value that reads another table: that may have been written before. */
static mr_status check_value(const all_tables *a, const mr_column *column, const mr_node *value) {
    bool own;
    if (mr_session_names_alone(a->mapper, column->table, value, &own) != MR_OK) return MR_FAIL;
    if (own) return MR_OK;
    const mr_property *prop = mr_mapper_property_of_column(a->mapper, column);
    return mr_fail(a->s->env, MR_ERR_ARGUMENT,
                   "update: the value of %s.%s reads another table than '%s', and columns of several tables are set: "
                   "write an update for each",
                   a->mapper->name, prop ? prop->name : column->name, column->table->name);
}

static mr_status check_values(const all_tables *a, const mr_node *statement) {
    const mr_dml *d = statement->u.dml;
    for (uint32_t i = 0; d->columns && i < d->columns->n; i++)
        if (check_value(a, d->columns->child[i]->u.column, d->values->child[i]) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* Sets the columns that are in the part's table. */
static mr_status update_table(all_tables *a, const mr_mapper_part *part, const mr_dml *d) {
    mr_env *env = a->s->env;
    mr_node *columns = NULL, *values = NULL;
    mr_status status = MR_OK;
    for (uint32_t i = 0; i < d->columns->n && status == MR_OK; i++) {
        const mr_column *column = d->columns->child[i]->u.column;
        if (column->table != part->table) continue;
        columns = mr_sql_list_append(env, columns, mr_node_retain(d->columns->child[i]));
        values = mr_sql_list_append(env, values, mr_node_retain(d->values->child[i]));
        if (!columns || !values) status = MR_FAIL;
    }
    if (status == MR_OK && columns) status = write_table(a, part, columns, values);
    if (status == MR_OK && columns) status = mr_session_after_write(a->s, part->table);
    mr_node_release(columns);
    mr_node_release(values);
    return status;
}

/* ---------------------------------------------------------------- all of them */

static mr_status write_all(all_tables *a, const mr_node *statement) {
    mr_status status = MR_OK;
    if (statement->kind == MR_NODE_UPDATE) {
        for (size_t i = 0; i < a->tables.len && status == MR_OK; i++)
            status = update_table(a, mr_vec_ptr(&a->tables, i), statement->u.dml);
        return status;
    }
    for (size_t i = a->tables.len; i > 0 && status == MR_OK; i--)
        status = write_table(a, mr_vec_ptr(&a->tables, i - 1), NULL, NULL);
    return status;
}

/* Runs the statements within a savepoint. */
static mr_status write_or_undo(all_tables *a, const mr_node *statement) {
    mr_conn *conn;
    if (a->keys.len == 0) return MR_OK;
    if (mr_session_connect_to_write(a->s, &conn) != MR_OK || mr_conn_savepoint(conn, SAVEPOINT) != MR_OK)
        return MR_FAIL;
    if (write_all(a, statement) == MR_OK) return mr_conn_release(conn, SAVEPOINT);
    mr_error *saved = mr_env_save_error(a->s->env);
    (void)mr_conn_rollback_to(conn, SAVEPOINT); /* the database may have ended the transaction itself */
    mr_env_restore_error(a->s->env, saved);
    return MR_FAIL;
}

static void done(all_tables *a) {
    for (size_t i = 0; i < a->keys.len; i++) mr_value_clear(a->s->env, mr_vec_at(&a->keys, i));
    mr_vec_done(&a->keys);
    mr_vec_done(&a->tables);
    mr_free(a->s->env, a->named);
}

mr_status mr_session_write_all_tables(mr_session *s, mr_query *q, mr_node *statement, mr_synchronize how,
                                      int64_t *rowcount) {
    all_tables a = {.s = s, .q = q, .mapper = q->items[0].mapper};
    mr_synchronizer *y = NULL;
    mr_status status = MR_FAIL;
    if (!statement) return MR_FAIL;
    mr_vec_init(&a.keys, s->env, sizeof(mr_value));
    mr_vec_init(&a.tables, s->env, sizeof(mr_mapper_part *));
    if (find_tables(&a) != MR_OK) goto out;
    if (q->nparams && !(a.named = mr_alloc(s->env, q->nparams * sizeof *a.named))) goto out;
    for (unsigned i = 0; i < q->nparams; i++) a.named[i] = (mr_named_value){q->params[i].name, q->params[i].value};
    if (check_values(&a, statement) != MR_OK) goto out;
    if (!q->autoflush) mr_session_block_autoflush(s, 1);
    const mr_marks marks = {q->tag, q->timeout}, *before = mr_session_use_marks(s, &marks);
    status = mr_synchronizer_new_with_keys(s, a.mapper, statement, a.named, q->nparams, how, &a.keys, &y);
    if (status == MR_OK) status = write_or_undo(&a, statement);
    mr_session_use_marks(s, before);
    if (!q->autoflush) mr_session_block_autoflush(s, -1);
    if (status == MR_OK) status = mr_synchronizer_apply(y);
    *rowcount = (int64_t)(a.keys.len / a.mapper->npk);
    mr_synchronizer_free(y);
out:
    mr_node_release(statement);
    done(&a);
    return status;
}
