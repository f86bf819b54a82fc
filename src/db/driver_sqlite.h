/*
 * driver_sqlite.h: what the files of the SQLite driver share.
 *
 * The mr_dbc and mr_stmt that the driver hands out are these structures.
 */
#ifndef MOONROW_DB_DRIVER_SQLITE_H
#define MOONROW_DB_DRIVER_SQLITE_H

#include <signal.h>
#include <sqlite3.h>

#include <moonrow/db.h>

/* The oldest SQLite that has all that is called here: sqlite3_changes64, and RETURNING. */
#define MR_SQLITE_MINIMUM      3037000
#define MR_SQLITE_MINIMUM_TEXT "3.37.0"
#if SQLITE_VERSION_NUMBER < MR_SQLITE_MINIMUM
#error "moonrow needs SQLite 3.37.0 or later"
#endif

typedef struct sqlite_dbc {
    mr_env *env;
    sqlite3 *db;
    bool native;         /* db is the caller's: never closed, and its settings left alone */
    int timeout, waited; /* milliseconds */
    mr_busy_fn busy;
    void *busy_ud;
    bool asked; /* busy was called since the last call of the database began */
    volatile sig_atomic_t interrupted;
    uint64_t seen;          /* rises when the schema may have changed */
    sqlite3_stmt *question; /* about a table's key; or NULL */
    mr_map *known;          /* what was answered, by table; or NULL */
    uint32_t process;       /* mr_env_process of the one that opened it */
} sqlite_dbc;

static inline sqlite_dbc *sqlite_dbc_of(mr_dbc *dbc) { return (sqlite_dbc *)(void *)dbc; }

/* SQLite's files and locks are those of the process that opened them: a forked child leaves them alone. */
static inline bool mr_sqlite_is_inherited(const sqlite_dbc *dbc) { return dbc->process != mr_env_process(dbc->env); }

/* Records the error that rc means, with SQLite's words, and returns MR_FAIL. */
mr_status mr_sqlite_fail(sqlite_dbc *dbc, int rc);

/* ---- sqlite_open.c */

mr_status mr_sqlite_check(mr_env *env, const mr_url *url);
bool mr_sqlite_is_memory(const mr_url *url);
#define MR_SQLITE_TOO_MANY_FILES                                                                                       \
    ": this program has too many open files: close the databases that it does not use (db.engine:dispose()), end "     \
    "transactions, or raise the limit (ulimit -n)"
/* Does an error of the code come of too many open files? */
bool mr_sqlite_out_of_files(int rc);
mr_status mr_sqlite_open(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out);
mr_status mr_sqlite_set_up(mr_dbc *handle, const mr_url *url);
void mr_sqlite_close(mr_dbc *dbc);
/* Waits for a lock, as sqlite3_busy_handler wants it; p is the sqlite_dbc. */
int mr_sqlite_wait(void *p, int count);

/* ---- sqlite_memory.c */

/* Registers a VFS of that name, if there is none, whose database of the same name is in memory, with all that it
 * needs; it is shared by who opens it. An SQLite result. */
int mr_sqlite_memory_register(const char *name);
/* After a failed opening: the VFS goes if none of its files is open; else it goes with the last of them. */
void mr_sqlite_memory_settle(const char *name);

/* ---- sqlite_statement.c: these are the driver's hooks */

mr_status mr_sqlite_prepare(mr_dbc *dbc, const char *sql, size_t len, mr_stmt **out);
void mr_sqlite_finalize(mr_stmt *stmt);
mr_status mr_sqlite_bind(mr_stmt *stmt, const mr_value *values, size_t n);
mr_status mr_sqlite_step(mr_stmt *stmt);
void mr_sqlite_reset(mr_stmt *stmt);
unsigned mr_sqlite_column_count(mr_stmt *stmt);
const char *mr_sqlite_column_name(mr_stmt *stmt, unsigned i);

/* ---- sqlite_fetch.c */

mr_status mr_sqlite_fetch(mr_stmt *stmt, const mr_type *const *types, size_t n, mr_value *out);

typedef struct sqlite_stmt {
    sqlite_dbc *dbc;
    sqlite3_stmt *stmt;
    size_t nparams;
    char *numbers; /* text of decimals that are stored as floats, a slot for each column; or NULL */
    unsigned nnumbers;
    bool begun;         /* stepped since the last reset */
    bool moves_schema;  /* neither reads rows nor writes them */
    int prepared_again; /* how often the database had to, as the schema had changed */
} sqlite_stmt;

static inline sqlite_stmt *sqlite_stmt_of(mr_stmt *stmt) { return (sqlite_stmt *)(void *)stmt; }

/* ---- sqlite_schema.c */

/* May the statement change the schema, or take a change of it back? */
bool mr_sqlite_moves_schema(const char *sql);
/* After the first step of an execution: notes whether the schema has changed. */
void mr_sqlite_begun(sqlite_stmt *s);
uint64_t mr_sqlite_schema_seen(mr_dbc *dbc);
mr_status mr_sqlite_table_facts(mr_dbc *dbc, const mr_table *table, mr_table_facts *out);
mr_status mr_sqlite_column_facts(mr_dbc *dbc, const char *schema, const char *table, const char *column,
                                 mr_column_facts *out);
/* Before the connection closes. */
void mr_sqlite_forget_schema(sqlite_dbc *dbc);

#endif
