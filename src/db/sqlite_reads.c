/*
 * sqlite_reads.c: what a statement reads: SQLite asks for each column, also behind views, whether the statement may
 * read it, when it is prepared.
 *
 * Invariant: the statement does not run. What was read is told after it was prepared, when the connection may be used
 * again.
 */
#include "driver_sqlite.h"

#include <string.h>

typedef struct read_column {
    const char *schema, *table, *column;
} read_column;

typedef struct reads {
    mr_arena *arena;
    mr_vec columns; /* read_column */
    bool failed;
} reads;

static const char *keep(reads *r, const char *s) {
    const char *copy = mr_arena_strndup(r->arena, s ? s : "", s ? strlen(s) : 0);
    if (!copy) r->failed = true;
    return copy;
}

static bool is_known(const reads *r, const char *schema, const char *table, const char *column) {
    for (size_t i = r->columns.len; i-- > 0;) {
        const read_column *c = mr_vec_at(&r->columns, i);
        if (strcmp(c->column, column) == 0 && strcmp(c->table, table) == 0 && strcmp(c->schema, schema) == 0)
            return true;
    }
    return false;
}

/* The authorizer: all is allowed. */
static int on_asked(void *ud, int action, const char *table, const char *column, const char *schema, const char *by) {
    reads *r = ud;
    (void)by;
    if (action != SQLITE_READ || !table || r->failed) return SQLITE_OK;
    if (!schema) schema = "*"; /* as the statement has written the table's name: which database has it is not told */
    if (is_known(r, schema, table, column ? column : "")) return SQLITE_OK;
    read_column *c = mr_vec_push(&r->columns);
    if (!c) {
        r->failed = true;
        return SQLITE_OK;
    }
    *c = (read_column){keep(r, schema), keep(r, table), keep(r, column)};
    return SQLITE_OK;
}

/* Is it a virtual table? What it stores is in tables of its own, whose names begin with its name and '_'. */
static int find_virtual(sqlite3 *db, const char *table, bool *found) {
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM pragma_table_list(?1) WHERE type = 'virtual'", -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC);
    *found = rc == SQLITE_OK && sqlite3_step(q) == SQLITE_ROW;
    int end = sqlite3_finalize(q);
    return rc == SQLITE_OK ? end : rc;
}

static mr_status tell_stores(sqlite_dbc *dbc, reads *r, const read_column *c, mr_reads_fn fn, void *ud) {
    bool is_virtual;
    int rc = find_virtual(dbc->db, c->table, &is_virtual);
    if (rc != SQLITE_OK) return mr_sqlite_fail(dbc, rc);
    if (!is_virtual) return MR_OK;
    char *pattern = mr_arena_alloc(r->arena, strlen(c->table) + 3);
    if (!pattern) return MR_FAIL;
    strcat(strcpy(pattern, c->table), "_*");
    return fn(ud, c->schema, pattern, "");
}

static mr_status tell(sqlite_dbc *dbc, reads *r, mr_reads_fn fn, void *ud) {
    const char *last = "";
    for (size_t i = 0; i < r->columns.len; i++) {
        const read_column *c = mr_vec_at(&r->columns, i);
        if (strcmp(last, c->table) != 0 && tell_stores(dbc, r, c, fn, ud) != MR_OK) return MR_FAIL;
        last = c->table;
        if (fn(ud, c->schema, c->table, c->column) != MR_OK) return MR_FAIL;
    }
    return MR_OK;
}

mr_status mr_sqlite_reads(mr_dbc *given, const char *sql, mr_reads_fn fn, void *ud) {
    sqlite_dbc *dbc = sqlite_dbc_of(given);
    if (dbc->native) return MR_NOTFOUND; /* the program may have an authorizer of its own */
    reads r = {.arena = mr_arena_new(dbc->env)};
    if (!r.arena) return MR_FAIL;
    mr_vec_init(&r.columns, dbc->env, sizeof(read_column));
    sqlite3_stmt *stmt = NULL;
    sqlite3_set_authorizer(dbc->db, on_asked, &r);
    int rc = sqlite3_prepare_v2(dbc->db, sql, -1, &stmt, NULL);
    sqlite3_set_authorizer(dbc->db, NULL, NULL);
    sqlite3_finalize(stmt);
    mr_status status = rc != SQLITE_OK ? mr_sqlite_fail(dbc, rc) : r.failed ? MR_FAIL : tell(dbc, &r, fn, ud);
    mr_vec_done(&r.columns);
    mr_arena_free(r.arena);
    return status;
}
