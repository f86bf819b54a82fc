/*
 * driver_postgresql.h: the structures and functions that the files of the PostgreSQL driver share.
 *
 * Invariant: each mr_dbc and mr_stmt of this driver is a postgresql_dbc and a postgresql_stmt. Between two calls of the
 * driver no statement is running: each is waited for, and its whole result is in memory. A function without a comment
 * is the function of mr_driver with the same name.
 */
#ifndef MOONROW_DB_DRIVER_POSTGRESQL_H
#define MOONROW_DB_DRIVER_POSTGRESQL_H

#include <moonrow/db.h>

#include "postgresql_library.h"

/* The types of the server's that the driver knows, by their fixed numbers. */
enum {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_OID = 26,
    PG_JSON = 114,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_DATE = 1082,
    PG_TIME = 1083,
    PG_TIMESTAMP = 1114,
    PG_TIMESTAMPTZ = 1184,
    PG_INTERVAL = 1186,
    PG_NUMERIC = 1700,
    PG_UUID = 2950,
    PG_JSONB = 3802
};

enum { PG_NAME_SIZE = 40 };

typedef struct postgresql_dbc {
    mr_env *env;
    const pq_library *pq;
    pq_conn *conn;
    bool keeps;          /* statements are prepared on the server; prepare=false: none is */
    uint64_t random;     /* in the names of these: behind a pooler they meet those of other programs */
    unsigned prepared;   /* the number of the last one */
    unsigned generation; /* rises when the server's prepared statements are of no use any more */
    mr_strbuf garbage;   /* DEALLOCATE of those that nobody needs; sent when there are many */
    unsigned ngarbage;
    int64_t changes;  /* rows of the last statement */
    double deadline;  /* the time at which the running statement is stopped; 0: never */
    bool timed_out;   /* it was stopped for that */
    bool interrupted; /* it was stopped because the program asked for it */
    uint32_t process; /* mr_env_process of the process that opened it */
} postgresql_dbc;

static inline postgresql_dbc *postgresql_dbc_of(mr_dbc *dbc) { return (postgresql_dbc *)(void *)dbc; }

/* Was the connection opened by another process, before a fork? Then the socket is the parent's. */
static inline bool mr_postgresql_is_inherited(const postgresql_dbc *dbc) {
    return dbc->process != mr_env_process(dbc->env);
}

/* ---- postgresql_connect.c */

mr_status mr_postgresql_check(mr_env *env, const mr_url *url);
mr_status mr_postgresql_open(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out);
mr_status mr_postgresql_set_up(mr_dbc *dbc, const mr_url *url);
void mr_postgresql_close(mr_dbc *dbc);

/* ---- postgresql_wait.c */

/* Waits until the socket can be read (or written), and not longer than to the next look at the clock and at the
 * program's wish to stop. */
void mr_postgresql_poll(postgresql_dbc *dbc, bool writes);
/* Has the running statement to stop? Notes why. */
bool mr_postgresql_should_stop(postgresql_dbc *dbc);
/* Waits for the answer to what was sent (sent: what PQsend... returned). *out: the last result, the caller's to clear.
 * MR_FAIL: the first error is recorded; commits: it was a COMMIT, of which nobody knows if the connection is lost. */
mr_status mr_postgresql_wait(postgresql_dbc *dbc, int sent, bool commits, pq_result **out);
/* Runs SQL without parameters and results. */
mr_status mr_postgresql_run(postgresql_dbc *dbc, const char *sql);
void mr_postgresql_limit(mr_dbc *dbc, double seconds);

/* ---- postgresql_error.c */

/* Records the error that the result tells, and returns MR_FAIL. */
mr_status mr_postgresql_fail(postgresql_dbc *dbc, const pq_result *result);
/* Records that the connection is lost, and returns MR_FAIL. */
mr_status mr_postgresql_lost(postgresql_dbc *dbc, const pq_result *result, bool commits);
/* Is the recorded error about a prepared statement that must be prepared again? */
bool mr_postgresql_is_stale(const mr_env *env);

/* ---- postgresql_array.c */

/* Appends the JSON list as an array. False: it is no list of plain values. */
bool mr_postgresql_put_array(mr_env *env, const mr_value *json, mr_strbuf *out);
/* Appends the array's text as the JSON of an Array of the type. False: it is none. */
bool mr_postgresql_read_array(mr_env *env, const mr_type *type, const char *s, mr_strbuf *out);

/* ---- postgresql_parameter.c */

/* The parameters of an execution, as libpq takes them. Their bytes are the values' own, or in the room. */
typedef struct postgresql_params {
    size_t n;
    pq_oid *types;
    const char **values;
    int *lengths, *formats;
    size_t *offsets; /* of those that are made in the room: 1 + where they begin; else 0 */
    mr_strbuf room;
} postgresql_params;
/* Makes room for n parameters. */
mr_status mr_postgresql_params_init(postgresql_params *params, mr_env *env, size_t n);
void mr_postgresql_params_done(postgresql_params *params, mr_env *env);
/* Sets the values. compiled: tells their types; or NULL. */
mr_status mr_postgresql_params_set(postgresql_params *params, mr_env *env, const mr_compiled *compiled,
                                   const mr_value *values);

/* ---- postgresql_statement.c */

/* The statement as it is prepared on the server for parameters of some types. */
typedef struct postgresql_prepared {
    char name[PG_NAME_SIZE]; /* "": not yet */
    unsigned generation;
    pq_oid *types;
    bool binary; /* its rows are asked for in binary form */
} postgresql_prepared;

typedef struct postgresql_stmt {
    postgresql_dbc *dbc;
    char *sql;
    const mr_compiled *compiled; /* borrowed; NULL: a statement of the library's own */
    bool commits;
    postgresql_params params;
    mr_vec prepared; /* postgresql_prepared */
    pq_result *result;
    int row, rows; /* the current row, and how many there are; before the first step -1 */
    unsigned ncolumns;
    char *room; /* what is made of the values of a row: MR_READ_ROOM bytes for each column; NULL until needed */
    size_t nroom;
    mr_strbuf bytes; /* what is made of longer ones */
} postgresql_stmt;

static inline postgresql_stmt *postgresql_stmt_of(mr_stmt *stmt) { return (postgresql_stmt *)(void *)stmt; }

mr_status mr_postgresql_prepare(mr_dbc *dbc, const char *sql, size_t len, mr_stmt **out);
mr_status mr_postgresql_prepare_compiled(mr_dbc *dbc, const mr_compiled *compiled, mr_stmt **out);
void mr_postgresql_finalize(mr_stmt *stmt);
mr_status mr_postgresql_bind(mr_stmt *stmt, const mr_value *values, size_t n);
mr_status mr_postgresql_step(mr_stmt *stmt);
void mr_postgresql_reset(mr_stmt *stmt);
unsigned mr_postgresql_column_count(mr_stmt *stmt);
const char *mr_postgresql_column_name(mr_stmt *stmt, unsigned i);

/* ---- postgresql_fetch.c */

mr_status mr_postgresql_fetch(mr_stmt *stmt, const mr_type *const *types, size_t n, mr_value *out);

/* ---- postgresql_reflect.c */

extern const struct mr_reflector mr_postgresql_reflector;

#endif
