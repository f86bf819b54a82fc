/*
 * create.c: creates and drops the tables of a metadata.
 *
 * Invariant: all of it is one transaction, so a failure leaves the database as it was. If the caller's transaction was
 * open before, it stays open, and the caller decides about it.
 */
#include "connection.h"

#include <string.h>

typedef struct job {
    mr_conn *conn;
    const mr_dialect *dialect;
    mr_table **tables; /* the chosen tables, in the order of their foreign keys */
    bool *wanted;      /* for each table: must it be created, or dropped? */
    size_t n;
    bool dropping, checkfirst;
} job;

static bool chosen(const mr_table *table, mr_table *const *tables, size_t n) {
    if (!tables) return true;
    for (size_t i = 0; i < n; i++) {
        if (tables[i] == table) return true;
    }
    return false;
}

static mr_status choose(job *j, mr_metadata *md, mr_table *const *tables, size_t n) {
    size_t all = md->tables.len, sorted = 0;
    j->tables = mr_calloc(md->env, (all + 1) * sizeof(void *));
    j->wanted = mr_calloc(md->env, all + 1);
    if (!j->tables || !j->wanted || mr_metadata_sorted(md, j->tables, &sorted)) return MR_FAIL;
    for (size_t i = 0; i < sorted; i++) {
        if (chosen(j->tables[i], tables, n)) j->tables[j->n++] = j->tables[i];
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

static mr_status create_table(job *j, mr_table *table, mr_strbuf *sql) {
    mr_strbuf_clear(sql);
    if (mr_ddl_create_table(j->dialect, table, sql) || run_ddl(j, sql)) return MR_FAIL;
    for (const mr_index *index = table->indexes; index; index = index->next) {
        mr_strbuf_clear(sql);
        if (mr_ddl_create_index(j->dialect, table, index, sql) || run_ddl(j, sql)) return MR_FAIL;
    }
    return MR_OK;
}

static mr_status run_all(job *j) {
    mr_strbuf sql;
    mr_status status = MR_OK;
    mr_strbuf_init(&sql, j->conn->env);
    for (size_t i = 0; status == MR_OK && i < j->n; i++) {
        size_t at = j->dropping ? j->n - 1 - i : i;
        if (!j->wanted[at]) continue;
        if (!j->dropping) {
            status = create_table(j, j->tables[at], &sql);
        } else {
            mr_strbuf_clear(&sql);
            mr_ddl_drop_table(j->dialect, j->tables[at], &sql);
            status = run_ddl(j, &sql);
        }
    }
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
    mr_free(md->env, j.wanted);
    return status;
}

mr_status mr_create_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst) {
    return start(conn, md, tables, n, checkfirst, false);
}

mr_status mr_drop_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst) {
    return start(conn, md, tables, n, checkfirst, true);
}
