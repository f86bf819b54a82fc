/*
 * driver_sqlite.h: the structures and functions that the files of the SQLite driver share.
 *
 * Invariant: each mr_dbc and mr_stmt of this driver is a sqlite_dbc and a sqlite_stmt. A function without a comment is
 * the function of mr_driver with the same name.
 */
#ifndef MOONROW_DB_DRIVER_SQLITE_H
#define MOONROW_DB_DRIVER_SQLITE_H

#include <signal.h>
#include <sqlite3.h>

#include <moonrow/db.h>

/* The oldest SQLite that has all functions and SQL that the driver needs: sqlite3_changes64, and RETURNING. */
#define MR_SQLITE_MINIMUM      3037000
#define MR_SQLITE_MINIMUM_TEXT "3.37.0"
#if SQLITE_VERSION_NUMBER < MR_SQLITE_MINIMUM
#error "moonrow needs SQLite 3.37.0 or later"
#endif

typedef struct sqlite_dbc {
    mr_env *env;
    sqlite3 *db;
    bool native;         /* db is the caller's: it is never closed, and its settings are not changed */
    int timeout, waited; /* longest time to wait for a lock, and the time waited so far, in milliseconds */
    int64_t waited_ever; /* all of the time that it has waited for locks */
    mr_busy_fn busy;
    void *busy_ud;
    bool asked; /* busy was called during the current call of SQLite */
    volatile sig_atomic_t interrupted;
    double deadline;               /* the time (sqlite_limit.c) at which the running statement is stopped; 0: never */
    bool timed_out;                /* it was stopped for that */
    uint64_t seen;                 /* rises when the schema may have changed */
    sqlite3_stmt *key_query;       /* asks for a table's key; NULL until it is needed */
    sqlite3_stmt *snapshot_query;  /* takes the snapshot of the main database; NULL until it is needed */
    mr_map *known;                 /* the facts about tables (answer); NULL until they are needed */
    uint32_t process;              /* mr_env_process of the process that opened it */
    unsigned calling;              /* so many calls of functions of the program's are under way */
    mr_error *failed;              /* the error of one of them, until its statement ends; or NULL */
    struct mr_sqlite_watch *watch; /* sqlite_changes.c; NULL: nobody hears of the rows that statements change */
} sqlite_dbc;

static inline sqlite_dbc *sqlite_dbc_of(mr_dbc *dbc) { return (sqlite_dbc *)(void *)dbc; }

/* Was the connection opened by another process, before a fork? Its files and locks belong to that process, so the child
 * must not use them. */
static inline bool mr_sqlite_is_inherited(const sqlite_dbc *dbc) { return dbc->process != mr_env_process(dbc->env); }

/* Records the error of SQLite's result code rc, with SQLite's message, and returns MR_FAIL. */
mr_status mr_sqlite_fail(sqlite_dbc *dbc, int rc);
/* The same for a statement: sql is its text of len bytes; running: it was prepared, and has failed in a step. */
mr_status mr_sqlite_fail_in(sqlite_dbc *dbc, int rc, const char *sql, size_t len, bool running);

/* SQLite calls this now and then during a long statement, and stops it when the result is not 0. */
int mr_sqlite_should_stop(void *dbc);
void mr_sqlite_limit(mr_dbc *dbc, double seconds);

/* ---- sqlite_open.c */

mr_status mr_sqlite_check(mr_env *env, const mr_url *url);
bool mr_sqlite_is_memory(const mr_url *url);
#define MR_SQLITE_TOO_MANY_FILES                                                                                       \
    ": this program has too many open files: close the databases that it does not use (db.engine:dispose()), end "     \
    "transactions, or raise the limit (ulimit -n)"
/* Was the error with this result code caused by too many open files? */
bool mr_sqlite_out_of_files(int rc);
mr_status mr_sqlite_open(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out);
mr_status mr_sqlite_set_up(mr_dbc *handle, const mr_url *url);
void mr_sqlite_close(mr_dbc *dbc);

/* ---- sqlite_decimal.c */

/* Gives the connection the functions and the collation of decimals. Returns an SQLite result code. */
int mr_sqlite_add_decimals(sqlite_dbc *dbc);
/* Takes them away from a connection that goes on without the library. */
void mr_sqlite_remove_decimals(sqlite_dbc *dbc);

/* ---- sqlite_cast.c */

/* Gives the connection the function by which casts are written. Returns an SQLite result code. */
int mr_sqlite_add_cast(sqlite_dbc *dbc);
/* Takes it away again. */
void mr_sqlite_remove_cast(sqlite_dbc *dbc);

/* ---- sqlite_shape.c */

/* What a prepared UPDATE sets. */
typedef struct mr_sqlite_shape {
    int prepared_again; /* SQLITE_STMTSTATUS_REPREPARE when it was made: it is good as long as that is the same */
    int n;              /* the columns of the table */
    int number;         /* the column that is the row's number; -1: none */
    const char *table;
    struct {
        uint8_t parameter; /* it is set to this one: 1, 2 ...; 0: it is not set */
        bool integer;      /* an integer that is given is stored as it is */
    } columns[];
} mr_sqlite_shape;

/* The shape of the statement (the caller frees it with mr_free); NULL: it has none. Records no error. */
mr_sqlite_shape *mr_sqlite_shape_of(sqlite_dbc *dbc, sqlite3_stmt *stmt);

/* ---- sqlite_changes.c, sqlite_reads.c */

mr_status mr_sqlite_watch_rows(mr_dbc *dbc, const mr_row_watcher *watcher, void *record);
mr_status mr_sqlite_reads(mr_dbc *dbc, const char *sql, mr_reads_fn fn, void *ud);
/* A step of the statement has failed: tells the watcher if what it has written was undone. */
void mr_sqlite_statement_failed(const sqlite_dbc *dbc, sqlite3_stmt *stmt);

/* ---- sqlite_copy.c */

mr_status mr_sqlite_copy(mr_dbc *dbc, const mr_copy *copy);

/* ---- sqlite_extension.c */

mr_status mr_sqlite_load_extension(mr_dbc *dbc, const char *path, const char *entry);

/* ---- sqlite_function.c */

mr_status mr_sqlite_add_function(mr_dbc *dbc, const mr_sql_function *fn);
void mr_sqlite_remove_function(mr_dbc *dbc, const mr_sql_function *fn);
bool mr_sqlite_is_calling(mr_dbc *dbc);
/* Records the error of dbc->failed again, and returns MR_FAIL. */
mr_status mr_sqlite_function_failed(sqlite_dbc *dbc);

/* ---- sqlite_memory.c */

/* Registers a VFS with the name, if there is none. Its database of the same name is in memory, and is shared by all
 * connections that open it. Returns an SQLite result code. */
int mr_sqlite_memory_register(const char *name);

/* sqlite_regexp.c: gives the handle the functions regexp and regexp_replace. Returns SQLite's code. */
int mr_sqlite_add_regexp(sqlite3 *db);
/* Called when opening has failed: removes the VFS if none of its files is open. (Otherwise it is removed when the last
 * of its files is closed.) */
void mr_sqlite_memory_discard(const char *name);

/* ---- sqlite_statement.c */

mr_status mr_sqlite_prepare(mr_dbc *dbc, const char *sql, size_t len, mr_stmt **out);
void mr_sqlite_finalize(mr_stmt *stmt);
mr_status mr_sqlite_bind(mr_stmt *stmt, const mr_value *values, size_t n);
mr_status mr_sqlite_step(mr_stmt *stmt);
void mr_sqlite_reset(mr_stmt *stmt);
unsigned mr_sqlite_column_count(mr_stmt *stmt);
const char *mr_sqlite_column_name(mr_stmt *stmt, unsigned i);

/* ---- sqlite_fetch.c */

mr_status mr_sqlite_fetch(mr_stmt *stmt, const mr_type *const *types, size_t n, mr_value *out);

/* What a parameter is bound to. */
typedef struct sqlite_bound {
    int64_t integer;
    enum { SQLITE_BOUND_OTHER, SQLITE_BOUND_INTEGER, SQLITE_BOUND_BYTES /* the caller's */ } kind;
} sqlite_bound;

typedef struct sqlite_stmt {
    sqlite_dbc *dbc;
    sqlite3_stmt *stmt;
    size_t nparams;
    sqlite_bound *bound; /* by parameter */
    char *numbers; /* room for the text of decimals that are stored as floats, for each column; NULL until needed */
    unsigned nnumbers;
    bool begun;         /* it was stepped since the last reset */
    bool moves_schema;  /* it neither reads nor writes rows: it may change the schema */
    int prepared_again; /* how often SQLite has prepared it again, because the schema had changed */
    unsigned told;      /* sqlite_changes.c: so many of its rows were told to a watcher since a shape was looked for */
    bool shapeless;     /* it was looked for in vain */
    bool reshaped;      /* the statement was prepared again since: the shape is another one */
    struct mr_sqlite_shape *shape; /* NULL: all values of its rows are read */
} sqlite_stmt;

static inline sqlite_stmt *sqlite_stmt_of(mr_stmt *stmt) { return (sqlite_stmt *)(void *)stmt; }

/* sqlite_changes.c: sqlite3_step of a connection whose rows are told. */
int mr_sqlite_step_watched(sqlite_stmt *stmt);

/* ---- sqlite_schema.c */

/* Can the statement change the schema, or undo a change of the schema? */
bool mr_sqlite_moves_schema(const char *sql);
/* Called after the first step of an execution: notes whether the schema has changed. */
void mr_sqlite_begun(sqlite_stmt *s);
uint64_t mr_sqlite_schema_seen(mr_dbc *dbc);
mr_status mr_sqlite_table_facts(mr_dbc *dbc, const mr_table *table, bool with_key, mr_table_facts *out);
mr_status mr_sqlite_column_facts(mr_dbc *dbc, const char *schema, const char *table, const char *column,
                                 mr_column_facts *out);
/* sqlite_objects.c: how the driver tells what the database holds. */
extern const struct mr_reflector mr_sqlite_reflector;
/* The affinity of a declared type, by SQLite's rules: "INTEGER", "TEXT", "BLOB", "REAL" or "NUMERIC". Static. */
const char *mr_sqlite_affinity_name(const char *type);
/* Frees what is known of the schema, before the connection is closed. */
void mr_sqlite_forget_schema(sqlite_dbc *dbc);

#endif
