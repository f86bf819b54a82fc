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

/* ---------------------------------------------------------------- types */

/* The enum that the column has in the database; NULL: none. */
static const mr_type *enum_of(const job *j, mr_column *column) {
    const mr_type *type = mr_type_in(mr_column_type(j->conn->env, column), j->dialect->name);
    while (type->item) type = type->item;
    return j->dialect->named_types && type->choices && type->named ? type : NULL;
}

/* Is the answer to the question about the type one row? */
static mr_status ask_type(const job *j, const char *sql, const mr_type *type, bool *out) {
    mr_value name = mr_text_value(type->named, strlen(type->named));
    mr_compiled *query = mr_compiled_from_sql(j->conn->env, sql, strlen(sql), false);
    if (!query) return MR_FAIL;
    mr_status status = mr_conn_query(j->conn, query, &name, 1, out);
    mr_compiled_release(query);
    return status;
}

static mr_status create_enum(job *j, const mr_type *type, mr_strbuf *sql) {
    bool exists;
    if (ask_type(j, "SELECT 1 WHERE to_regtype($1) IS NOT NULL", type, &exists) != MR_OK) return MR_FAIL;
    if (exists) return MR_OK;
    mr_strbuf_clear(sql);
    mr_strbuf_printf(sql, "CREATE TYPE %s AS ENUM (", type->named);
    for (const char *const *c = type->choices; *c; c++) {
        if (c > type->choices) mr_strbuf_puts(sql, ", ");
        mr_quote_text(*c, strlen(*c), sql);
    }
    mr_strbuf_putc(sql, ')');
    return run_ddl(j, sql);
}

/* An enum that another table still uses stays. */
static mr_status drop_enum(job *j, const mr_type *type, mr_strbuf *sql) {
    static const char unused[] =
        "SELECT 1 FROM pg_catalog.pg_type t WHERE t.oid = to_regtype($1) AND NOT EXISTS (SELECT 1 FROM "
        "pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid WHERE a.atttypid IN (t.oid, "
        "t.typarray) AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f', 'c'))";
    bool drops;
    if (ask_type(j, unused, type, &drops) != MR_OK) return MR_FAIL;
    if (!drops) return MR_OK;
    mr_strbuf_clear(sql);
    mr_strbuf_printf(sql, "DROP TYPE %s", type->named);
    return run_ddl(j, sql);
}

/* The enums of the tables' columns are made before the tables, and dropped behind them. */
static mr_status each_enum(job *j, mr_status (*fn)(job *j, const mr_type *type, mr_strbuf *sql), mr_strbuf *sql) {
    for (size_t i = 0; i < j->ntodo && j->dialect->named_types; i++) {
        mr_table *table = j->todo[i];
        for (unsigned n = 0; n < table->ncolumns && !table->options.is_view; n++) {
            const mr_type *type = enum_of(j, table->columns[n]);
            if (type && fn(j, type, sql) != MR_OK) return MR_FAIL;
        }
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- all */

static mr_status run_all(job *j) {
    mr_strbuf sql;
    mr_strbuf_init(&sql, j->conn->env);
    mr_status status = j->dropping ? MR_OK : each_enum(j, create_enum, &sql);
    if (status == MR_OK) status = j->dropping ? drop_wanted(j, &sql) : create_wanted(j, &sql);
    if (status == MR_OK && j->dropping) status = each_enum(j, drop_enum, &sql);
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
