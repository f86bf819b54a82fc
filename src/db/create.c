/*
 * create.c: creates and drops the tables and views of a metadata.
 *
 * Views come behind all tables, in the order in which they were declared, and are dropped before them. A view without a
 * definition is somebody else's: it is neither made nor dropped.
 *
 * Invariant: all of it is one transaction, so a failure leaves the database as it was. If the caller's transaction was
 * open before, it stays open, and the caller decides about it.
 */
#include "connection.h"

#include <string.h>

typedef struct job {
    mr_conn *conn;
    const mr_dialect *dialect;
    mr_table **tables; /* the chosen tables, in the order of their foreign keys; then the views */
    bool *wanted;      /* for each table: must it be created, or dropped? */
    size_t n;
    mr_table **todo; /* the wanted ones, in the same order */
    size_t ntodo;
    bool dropping, checkfirst;
} job;

static bool chosen(const mr_table *table, mr_table *const *tables, size_t n) {
    if (!tables) return true;
    for (size_t i = 0; i < n; i++) {
        if (tables[i] == table) return true;
    }
    return false;
}

static bool is_made_here(const mr_table *table) {
    return !table->options.is_view || table->options.sql || table->options.query;
}

static mr_status choose(job *j, mr_metadata *md, mr_table *const *tables, size_t n) {
    size_t all = md->tables.len, sorted = 0;
    j->tables = mr_calloc(md->env, (all + 1) * sizeof(void *));
    j->todo = mr_calloc(md->env, (all + 1) * sizeof(void *));
    j->wanted = mr_calloc(md->env, all + 1);
    if (!j->tables || !j->todo || !j->wanted || mr_metadata_sorted(md, j->tables, &sorted)) return MR_FAIL;
    for (size_t i = 0; i < sorted; i++) {
        if (!j->tables[i]->options.is_view && chosen(j->tables[i], tables, n)) j->tables[j->n++] = j->tables[i];
    }
    for (size_t i = 0; i < all; i++) {
        mr_table *view = mr_vec_ptr(&md->tables, i);
        if (view->options.is_view && is_made_here(view) && chosen(view, tables, n)) j->tables[j->n++] = view;
    }
    return MR_OK;
}

static mr_status table_exists(const job *j, const mr_table *table, mr_strbuf *sql, bool *exists) {
    mr_value params[2];
    mr_strbuf_clear(sql);
    unsigned n = j->dialect->table_exists(j->dialect, table, sql, params);
    if (!mr_strbuf_str(sql)) return MR_FAIL;
    mr_compiled *query = mr_compiled_from_sql(j->conn->env, sql->data, sql->len, false);
    if (!query) return MR_FAIL;
    mr_status status = mr_conn_query(j->conn, query, params, n, exists);
    mr_compiled_release(query);
    return status;
}

/* Asks the database for each table whether it exists. *any: at least one table must be created, or dropped. */
static mr_status check(job *j, bool *any) {
    mr_strbuf sql;
    mr_status status = MR_OK;
    *any = false;
    mr_strbuf_init(&sql, j->conn->env);
    for (size_t i = 0; status == MR_OK && i < j->n; i++) {
        bool exists = j->dropping;
        if (j->checkfirst) status = table_exists(j, j->tables[i], &sql, &exists);
        j->wanted[i] = exists == j->dropping;
        *any = *any || j->wanted[i];
    }
    mr_strbuf_done(&sql);
    j->ntodo = 0;
    for (size_t i = 0; i < j->n; i++)
        if (j->wanted[i]) j->todo[j->ntodo++] = j->tables[i];
    return status;
}

static mr_status run_ddl(job *j, mr_strbuf *sql) {
    if (!mr_strbuf_str(sql)) return MR_FAIL;
    mr_compiled *compiled = mr_compiled_from_sql(j->conn->env, sql->data, sql->len, true);
    if (!compiled) return MR_FAIL;
    compiled->is_ddl = true;
    mr_status status = mr_conn_run(j->conn, compiled, NULL, NULL);
    mr_compiled_release(compiled);
    return status;
}

/* The tables behind number i of those that are created or dropped. */
static mr_later later_than(const job *j, size_t i) { return (mr_later){j->todo + i + 1, j->ntodo - i - 1}; }

static mr_status create_one(job *j, size_t i, mr_strbuf *sql) {
    mr_table *table = j->todo[i];
    mr_later later = later_than(j, i);
    mr_strbuf_clear(sql);
    if (mr_ddl_create(j->dialect, table, false, &later, sql) || run_ddl(j, sql)) return MR_FAIL;
    for (const mr_index *index = table->indexes; index; index = index->next) {
        mr_strbuf_clear(sql);
        if (mr_ddl_create_index(j->dialect, index, false, sql) || run_ddl(j, sql)) return MR_FAIL;
    }
    mr_strbuf_clear(sql);
    for (unsigned n = 0; mr_ddl_comment(j->dialect, table, n, sql); n++) {
        if (run_ddl(j, sql)) return MR_FAIL;
        mr_strbuf_clear(sql);
    }
    return MR_OK;
}

static mr_status drop_one(job *j, size_t i, mr_strbuf *sql) {
    mr_strbuf_clear(sql);
    mr_ddl_drop(j->dialect, j->todo[i], false, sql);
    return run_ddl(j, sql);
}

/* Adds, or drops, the foreign keys to tables that come later. */
static mr_status alter_one(job *j, size_t i, mr_strbuf *sql) {
    mr_later later = later_than(j, i);
    bool found = true;
    for (unsigned n = 0; found; n++) {
        mr_strbuf_clear(sql);
        if (mr_ddl_alter(j->dialect, j->todo[i], &later, j->dropping, n, sql, &found)) return MR_FAIL;
        if (found && run_ddl(j, sql)) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status create_wanted(job *j, mr_strbuf *sql) {
    size_t views = 0;
    while (views < j->ntodo && !j->todo[views]->options.is_view) views++;
    for (size_t i = 0; i < views; i++)
        if (create_one(j, i, sql)) return MR_FAIL;
    for (size_t i = 0; i < views; i++)
        if (alter_one(j, i, sql)) return MR_FAIL;
    for (size_t i = views; i < j->ntodo; i++)
        if (create_one(j, i, sql)) return MR_FAIL;
    return MR_OK;
}

static mr_status drop_wanted(job *j, mr_strbuf *sql) {
    size_t at = j->ntodo;
    for (; at > 0 && j->todo[at - 1]->options.is_view; at--)
        if (drop_one(j, at - 1, sql)) return MR_FAIL;
    for (size_t i = 0; i < at; i++)
        if (alter_one(j, i, sql)) return MR_FAIL;
    for (; at > 0; at--)
        if (drop_one(j, at - 1, sql)) return MR_FAIL;
    return MR_OK;
}

static mr_status run_all(job *j) {
    mr_strbuf sql;
    mr_strbuf_init(&sql, j->conn->env);
    mr_status status = j->dropping ? drop_wanted(j, &sql) : create_wanted(j, &sql);
    mr_strbuf_done(&sql);
    return status;
}

/* SQLite deletes the rows of a table before it drops the table. When rows of several tables refer to each other in a
 * circle, foreign keys must not be checked before all of them are deleted. */
static mr_status defer_foreign_keys(job *j, bool on) {
    if (!j->dropping || strcmp(j->conn->driver->name, "sqlite") != 0) return MR_OK;
    return mr_conn_control_sql(j->conn, on ? "PRAGMA defer_foreign_keys=ON" : "PRAGMA defer_foreign_keys=OFF");
}

/* Creates or drops the tables. A transaction is open; own: it was begun here. */
static mr_status run_in_transaction(job *j, bool own) {
    if (defer_foreign_keys(j, true) || run_all(j)) return MR_FAIL;
    if (own) return mr_conn_commit(j->conn); /* this also ends the deferred checks */
    return defer_foreign_keys(j, false);
}

/* Rolls back the transaction that was begun here. Keeps the error that was the reason. */
static void undo(mr_conn *conn) {
    mr_error *saved = mr_env_save_error(conn->env);
    mr_conn_rollback(conn);
    mr_env_restore_error(conn->env, saved);
}

static mr_status run_job(job *j) {
    mr_conn *conn = j->conn;
    bool any, own = !conn->began;
    int64_t before = 0, after = 0;
    mr_status (*version)(mr_dbc * dbc, int64_t * out) = conn->driver->data_version;
    /* The check needs no lock: when there is nothing to do, no other connection has to wait. */
    if (check(j, &any)) return MR_FAIL;
    if (!any) return MR_OK;
    if (!own) return run_in_transaction(j, false);
    if ((version && version(conn->dbc, &before)) || mr_conn_begin(conn, MR_TX_DEFAULT)) return MR_FAIL;
    mr_status status = version ? version(conn->dbc, &after) : MR_OK;
    if (status == MR_OK && j->checkfirst && before != after) status = check(j, &any);
    if (status == MR_OK) status = run_in_transaction(j, true);
    if (status != MR_OK) undo(conn);
    return status;
}

static mr_status start(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst,
                       bool dropping) {
    job j = {.conn = conn, .dialect = conn->engine->dialect, .checkfirst = checkfirst, .dropping = dropping};
    mr_status status = choose(&j, md, tables, n);
    if (status == MR_OK) status = run_job(&j);
    mr_free(md->env, j.tables);
    mr_free(md->env, j.todo);
    mr_free(md->env, j.wanted);
    return status;
}

mr_status mr_create_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst) {
    return start(conn, md, tables, n, checkfirst, false);
}

mr_status mr_drop_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst) {
    return start(conn, md, tables, n, checkfirst, true);
}
