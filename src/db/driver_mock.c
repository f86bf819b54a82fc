/*
 * driver_mock.c: a driver without a database.
 *
 * Invariant: nothing is executed. A statement returns the rows that were set for it (mr_mock_rows). An INSERT without
 * such rows gets the keys 1, 2, 3 ...; every other statement succeeds without rows.
 */
#include "driver_mock.h"

#include <string.h>

typedef struct mock_dbc {
    mr_env *env;
    mr_mock_script *script;
    bool began;
    int64_t changes, last_insert_id;
} mock_dbc;

typedef struct mock_stmt {
    mock_dbc *dbc;
    char *sql;
    bool stepped;
    mr_mock_result *result; /* of the current execution */
    size_t row;             /* 1 + the index of the current row */
    char *room;             /* bytes for the values of nroom columns that are made when they are read */
    size_t nroom;
} mock_stmt;

static mock_dbc *dbc_of(mr_dbc *dbc) { return (mock_dbc *)(void *)dbc; }
static mock_stmt *stmt_of(mr_stmt *stmt) { return (mock_stmt *)(void *)stmt; }

static mr_status open(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out) {
    (void)url;
    (void)serial;
    mock_dbc *dbc = mr_calloc(env, sizeof *dbc);
    if (!dbc) return MR_FAIL;
    dbc->env = env;
    dbc->script = native;
    *out = (mr_dbc *)(void *)dbc;
    return MR_OK;
}

static void close(mr_dbc *dbc) { mr_free(dbc_of(dbc)->env, dbc); }

static mr_status prepare(mr_dbc *handle, const char *sql, size_t len, mr_stmt **out) {
    mock_dbc *dbc = dbc_of(handle);
    mock_stmt *stmt = mr_calloc(dbc->env, sizeof *stmt);
    if (!stmt) return MR_FAIL;
    stmt->dbc = dbc;
    stmt->sql = mr_strndup(dbc->env, sql, len);
    if (!stmt->sql) {
        mr_free(dbc->env, stmt);
        return MR_FAIL;
    }
    *out = (mr_stmt *)(void *)stmt;
    return MR_OK;
}

static void reset(mr_stmt *handle) {
    mock_stmt *stmt = stmt_of(handle);
    mr_mock_result_free(stmt->dbc->env, stmt->result);
    stmt->result = NULL;
    stmt->stepped = false;
    stmt->row = 0;
}

static void finalize(mr_stmt *handle) {
    mock_stmt *stmt = stmt_of(handle);
    mr_env *env = stmt->dbc->env;
    reset(handle);
    mr_free(env, stmt->sql);
    mr_free(env, stmt->room);
    mr_free(env, stmt);
}

/* Refuses the values that a real driver would refuse. */
static mr_status bind(mr_stmt *handle, const mr_value *values, size_t n) {
    reset(handle);
    for (size_t i = 0; i < n; i++) {
        uint8_t kind = values[i].kind;
        if (kind != MR_UNLOADED && kind < MR_OPAQUE) continue;
        return mr_fail(stmt_of(handle)->dbc->env, MR_ERR_ARGUMENT,
                       "(mock) parameter %zu is %s, which is no value for a "
                       "database",
                       i + 1, kind == MR_UNLOADED ? "not loaded" : mr_kind_name(kind));
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- rows for INSERT ... RETURNING */

/* The first position from s on, outside of quotes and parentheses, where the text stop begins; else the end of s. */
static const char *scan(const char *s, const char *stop) {
    size_t len = strlen(stop);
    int depth = 0;
    for (; *s; s++) {
        if (depth == 0 && strncmp(s, stop, len) == 0) break;
        if (*s == '(') depth++;
        if (*s == ')') depth--;
        if (*s != '\'' && *s != '"') continue;
        const char *end = strchr(s + 1, *s);
        if (!end) return s + strlen(s);
        s = end;
    }
    return s;
}

static size_t count_items(const char *s, const char *end) {
    size_t n = 1;
    for (s = scan(s, ","); s < end; s = scan(s + 1, ",")) n++;
    return n;
}

static mr_status name_columns(mr_env *env, const char *list, mr_mock_result *result) {
    for (size_t i = 0; i < result->ncolumns; i++) {
        while (*list == ' ') list++;
        const char *end = scan(list, ",");
        result->names[i] = mr_strndup(env, list, (size_t)(end - list));
        if (!result->names[i]) return MR_FAIL;
        list = *end ? end + 1 : end;
    }
    return MR_OK;
}

/* Makes the rows of INSERT ... RETURNING: each column of a row has the row's number. */
static mr_status make_rows(mock_stmt *stmt, size_t rows, int64_t last) {
    mr_env *env = stmt->dbc->env;
    const char *list = scan(stmt->sql, " RETURNING ");
    if (!*list) return MR_OK;
    list += strlen(" RETURNING ");
    size_t columns = count_items(list, list + strlen(list));
    mr_mock_result *result = mr_mock_result_new(env, "", NULL, 0, NULL, 0);
    if (!result) return MR_FAIL;
    stmt->result = result; /* reset frees it */
    mr_free(env, result->names);
    mr_free(env, result->values);
    result->names = mr_calloc(env, columns * sizeof *result->names);
    result->values = mr_calloc(env, columns * rows * sizeof *result->values);
    result->ncolumns = columns;
    result->nrows = rows;
    if (!result->names || !result->values || name_columns(env, list, result)) return MR_FAIL;
    for (size_t i = 0; i < columns * rows; i++) {
        result->values[i] = mr_int_value(last - (int64_t)rows + 1 + (int64_t)(i / columns));
    }
    return MR_OK;
}

/* ---------------------------------------------------------------- running */

static bool starts(const char *sql, const char *word) { return strncmp(sql, word, strlen(word)) == 0; }

static mr_status run(mock_stmt *stmt) {
    mock_dbc *dbc = stmt->dbc;
    const char *sql = stmt->sql;
    if (mr_mock_script_check(dbc->script, sql)) return MR_FAIL;
    if (starts(sql, "BEGIN")) dbc->began = true;
    if (starts(sql, "COMMIT") || strcmp(sql, "ROLLBACK") == 0) dbc->began = false;
    stmt->result = mr_mock_script_take(dbc->script, sql);
    size_t rows = 1;
    if (starts(sql, "INSERT")) {
        const char *values = scan(sql, " VALUES ");
        if (*values) rows = count_items(values + strlen(" VALUES "), scan(values, " RETURNING "));
        if (!stmt->result) {
            dbc->last_insert_id = mr_mock_script_number(dbc->script, (int64_t)rows);
            if (make_rows(stmt, rows, dbc->last_insert_id)) return MR_FAIL;
        }
    }
    if (stmt->result) rows = stmt->result->nrows;
    if (starts(sql, "INSERT") || starts(sql, "UPDATE") || starts(sql, "DELETE")) dbc->changes = (int64_t)rows;
    return MR_OK;
}

static mr_status step(mr_stmt *handle) {
    mock_stmt *stmt = stmt_of(handle);
    if (!stmt->stepped) {
        stmt->stepped = true;
        if (run(stmt)) return MR_FAIL;
    }
    if (!stmt->result || stmt->row >= stmt->result->nrows) return MR_DONE;
    stmt->row++;
    return MR_ROW;
}

/* Reads a value as from a database without column types. */
static mr_status decode(const mr_type *type, const mr_value *stored, mr_value *out, char *room) {
    *out = *stored;
    out->flags = 0;
    if (!type || mr_type_read(type, out, room) || type->guessed) return MR_OK;
    out->flags = MR_VALUE_MISFIT;
    return MR_NOTFOUND;
}

static bool reserve_room(mock_stmt *stmt, size_t n) {
    if (stmt->nroom >= n) return true;
    char *room = mr_realloc(stmt->dbc->env, stmt->room, n * MR_READ_ROOM);
    if (!room) return false;
    stmt->room = room;
    stmt->nroom = n;
    return true;
}

static mr_status fetch(mr_stmt *handle, const mr_type *const *types, size_t n, mr_value *out) {
    mock_stmt *stmt = stmt_of(handle);
    const mr_mock_result *result = stmt->result;
    mr_status status = MR_OK;
    if (!reserve_room(stmt, n)) return MR_FAIL;
    for (size_t i = 0; i < n; i++) {
        if (i >= result->ncolumns) {
            out[i] = mr_null_value();
            continue;
        }
        const mr_value *stored = &result->values[(stmt->row - 1) * result->ncolumns + i];
        char *room = stmt->room + i * MR_READ_ROOM;
        if (decode(types ? types[i] : NULL, stored, &out[i], room) != MR_OK) status = MR_NOTFOUND;
    }
    return status;
}

static unsigned column_count(mr_stmt *stmt) {
    return stmt_of(stmt)->result ? (unsigned)stmt_of(stmt)->result->ncolumns : 0;
}

static const char *column_name(mr_stmt *stmt, unsigned i) {
    return i < column_count(stmt) ? stmt_of(stmt)->result->names[i] : NULL;
}

static int64_t last_insert_id(mr_dbc *dbc) { return dbc_of(dbc)->last_insert_id; }
static int64_t changes(mr_dbc *dbc) { return dbc_of(dbc)->changes; }
static bool in_transaction(mr_dbc *dbc) { return dbc_of(dbc)->began; }

#define MOCK_HOOKS                                                                                                     \
    .name = "mock", .open = open, .close = close, .prepare = prepare, .finalize = finalize, .bind = bind,              \
    .step = step, .reset = reset, .fetch = fetch, .column_count = column_count, .column_name = column_name,            \
    .last_insert_id = last_insert_id, .changes = changes, .in_transaction = in_transaction

#define MOCK(name) {MOCK_HOOKS, .dialect = mr_dialect_##name},
static const mr_driver mocks[] = {MR_DIALECTS(MOCK)};
enum { NMOCKS = sizeof mocks / sizeof mocks[0] };

const mr_driver *mr_driver_mock(const char *dialect) {
    for (size_t i = 0; i < NMOCKS; i++)
        if (strcmp(mocks[i].dialect()->name, dialect) == 0) return &mocks[i];
    return NULL;
}

bool mr_driver_is_mock(const mr_driver *driver) {
    for (size_t i = 0; i < NMOCKS; i++)
        if (driver == &mocks[i]) return true;
    return false;
}
