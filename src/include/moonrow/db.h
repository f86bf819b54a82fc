/*
 * db.h: drivers, engines, connections, cursors, transactions.
 *
 * A connection is used by one session at a time. The library owns BEGIN, COMMIT and SAVEPOINT:
 * a connection in lazy mode reads in autocommit and begins at its first write.
 */
#ifndef MOONROW_DB_H
#define MOONROW_DB_H

#include <moonrow/sql.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- URLs */

/* dialect[+driver]://user:password@host:port/database?name=value&... ; every text is decoded and in the arena. */
typedef struct mr_url {
    const char *text;                                  /* as written, the password masked: for messages */
    const char *dialect;                               /* "sqlite", "postgresql", "mock+postgresql" ... */
    const char *username, *password, *host, *database; /* NULL where not given */
    int port;                                          /* 0 where not given */
    unsigned nquery;
    const char **query_names, **query_values;
} mr_url;
/* ArgumentError naming the URL and the forms that are understood: sqlite:// (in memory), sqlite:///relative.db,
 * sqlite:////absolute.db, sqlite:///:memory:. */
mr_status mr_url_parse(mr_env *env, const char *text, size_t len, mr_url *out);

/* ---------------------------------------------------------------- drivers */

typedef struct mr_driver mr_driver;
typedef struct mr_dbc mr_dbc;   /* a driver's connection; begins with the driver's own fields */
typedef struct mr_stmt mr_stmt; /* a driver's prepared statement */

/* What the database itself says of a table. A table that another program has made need not be as it is mapped. */
typedef struct mr_table_facts {
    bool numbers;  /* the database makes the sole key if an INSERT leaves it out: it is SQLite's rowid */
    bool replaces; /* a constraint with ON CONFLICT REPLACE deletes rows that are in the way of a new or changed one */
    bool is_view;  /* triggers write in its place, and the database counts no rows */
} mr_table_facts;

/* Called while another holds the lock; returns true to try again after waiting the driver's step. */
typedef bool (*mr_busy_fn)(void *ud);

/* What the database itself says of a column, which another program may have made. */
typedef enum mr_affinity {
    MR_AFFINITY_NONE = 0, /* keeps what it is given */
    MR_AFFINITY_TEXT,     /* makes texts of numbers */
    MR_AFFINITY_NUMBER    /* makes numbers of texts that look like one */
} mr_affinity;
typedef struct mr_column_facts {
    bool not_null;      /* declared so */
    bool integer;       /* declared INTEGER: as the sole key of a table, it is SQLite's rowid */
    bool binary;        /* texts are equal when their bytes are */
    uint32_t collation; /* columns of different ones compare texts differently; 0: binary */
    mr_affinity affinity;
} mr_column_facts;

/* Every function that fails records the error with the database's words (mr_error_add_orig), of the
 * kind its code means: constraint IntegrityError; busy, locked, full, cannot open, I/O OperationalError; mismatch,
 * too big DataError; syntax, no such table ProgrammingError (sqlite: OperationalError, as SQLAlchemy has it). */
struct mr_driver {
    const char *name;
    const mr_dialect *(*dialect)(void);
    /* Refuses a URL that the driver does not understand (ArgumentError), connecting to nothing. May be NULL. */
    mr_status (*check)(mr_env *env, const mr_url *url);
    /* True where the database lives only as long as a connection to it: the engine then keeps one open. May be NULL. */
    bool (*needs_anchor)(const mr_url *url);
    /* serial tells engines apart (each sqlite:// is a database of its own); native, when not NULL, is an open
     * handle of the database's own library (sqlite3 *), which stays the caller's. */
    mr_status (*open)(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out);
    /* What needs the database itself, which is read for the first time here: after the listeners of `connect`, which
     * may have to give a key first. Failed: the connection is closed. May be NULL. */
    mr_status (*set_up)(mr_dbc *dbc, const mr_url *url);
    void (*close)(mr_dbc *dbc);
    mr_status (*prepare)(mr_dbc *dbc, const char *sql, size_t len, mr_stmt **out);
    void (*finalize)(mr_stmt *stmt);
    /* Bytes stay the caller's and must stay good until reset. */
    mr_status (*bind)(mr_stmt *stmt, const mr_value *values, size_t n);
    mr_status (*step)(mr_stmt *stmt); /* MR_ROW, MR_DONE, MR_FAIL */
    void (*reset)(mr_stmt *stmt);     /* also drops the bindings */
    /* Decodes the whole current row in one call: types[i] says what column i should become (MR_TYPE_NULL:
     * as the database has it). Bytes are borrowed until the next step or reset. MR_NOTFOUND: what is stored in
     * some columns is none of their types' values; it is there as it is stored, marked MR_VALUE_MISFIT. */
    mr_status (*fetch)(mr_stmt *stmt, const mr_type *const *types /* or NULL: all as stored */, size_t n,
                       mr_value *out);
    unsigned (*column_count)(mr_stmt *stmt);
    const char *(*column_name)(mr_stmt *stmt, unsigned i);
    int64_t (*last_insert_id)(mr_dbc *dbc);
    /* Without a statement. schema may be NULL. MR_NOTFOUND: no column of a table. May be NULL: all are as mapped. */
    mr_status (*column_facts)(mr_dbc *dbc, const char *schema, const char *table, const char *column,
                              mr_column_facts *out);
    int64_t (*changes)(mr_dbc *dbc);     /* rows that the last write matched */
    bool (*in_transaction)(mr_dbc *dbc); /* the database's own word */
    /* May be NULL: does the error come of too many open files? */
    bool (*out_of_files)(const mr_error *e);
    /* A number that changes when another connection has committed: that of the snapshot being read, or read last, and
     * of all attached databases together. NULL where the database has none. */
    mr_status (*data_version)(mr_dbc *dbc, int64_t *out);
    /* In a transaction: it has the snapshot of every attached database from now on, not from its first read. May be
     * NULL. */
    mr_status (*take_snapshot)(mr_dbc *dbc);
    /* Rises when the schema may have changed; then what was told of tables is asked again. May be NULL, with
     * table_facts. */
    uint64_t (*schema_seen)(mr_dbc *dbc);
    mr_status (*table_facts)(mr_dbc *dbc, const mr_table *table, mr_table_facts *out);
    /* Around the execution of an INSERT: whether it has made a row (an upsert may have changed one). *id is kept
     * between the two calls. May be NULL: taken for granted. */
    bool (*watch_insert)(mr_dbc *dbc, bool before, int64_t *id);
    /* Opened by the process that this one was forked from: close and finalize free memory and touch nothing else. May
     * be NULL: never. */
    bool (*is_inherited)(mr_dbc *dbc);
    void (*set_busy)(mr_dbc *dbc, mr_busy_fn fn, void *ud); /* may be NULL */
    void (*set_timeout)(mr_dbc *dbc, int milliseconds);     /* how long to wait for a lock; may be NULL */
    /* True when the locks that holder has on the same database keep waiter from what it is about to do (exclusive:
     * that is to lock readers out). Both are of this driver. May be NULL. */
    bool (*blocks)(mr_dbc *holder, mr_dbc *waiter, bool exclusive);
    void (*interrupt)(mr_dbc *dbc); /* may be NULL; callable from a signal handler */
};
const mr_driver *mr_driver_sqlite(void);
/* Version of the SQLite library that this process uses, "3.40.1". Static. */
const char *mr_sqlite_version(void);

/* The mock driver: records what it is sent and answers from a script; url "mock+sqlite://" or
 * "mock+postgresql://" picks the dialect. Its rows and failures are set on the engine. */
/* The mock that speaks the dialect of the name; NULL: there is none. */
const mr_driver *mr_driver_mock(const char *dialect);

/* ---------------------------------------------------------------- engine */

typedef struct mr_engine mr_engine;
typedef struct mr_conn mr_conn;
typedef struct mr_cursor mr_cursor;

/* What was executed; a batch is one record. params[i] is one parameter list of nparams values. */
typedef struct mr_record {
    char *statement;
    size_t nparams;
    mr_vec lists;    /* of mr_value *: each an array of nparams copies */
    double duration; /* seconds */
} mr_record;
typedef struct mr_recorder mr_recorder;

typedef struct mr_engine_options {
    bool echo;           /* log each statement and its parameters through mr_log */
    int statement_cache; /* prepared statements kept per connection; 0: 100 */
    int busy_timeout;    /* milliseconds; -1: 5000 */
    void *native;        /* an open sqlite3 *, or NULL */
} mr_engine_options;

/* Hooks of events, each may be NULL; they may fail (the operation fails with the recorded error). */
typedef struct mr_engine_hooks {
    void *ud;
    mr_status (*connect)(void *ud, mr_engine *engine, mr_conn *conn);
    /* An execution: lists[i] is one parameter list of n values; a batch has several. */
    mr_status (*before_execute)(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                                size_t n);
    mr_status (*after_execute)(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                               size_t n, double seconds);
} mr_engine_hooks;

/* collect frees connections that the program has dropped without closing them, of all engines of the environment;
 * false: it cannot now. It is called once before an error is reported that may go away by that: a lock that a
 * connection of the same program holds, and too many open files. It may run the program's own code, but must return. */
mr_status mr_db_set_collect(mr_env *env, bool (*collect)(void *ud), void *ud);

/* Makes an engine: one reference. Connects to nothing yet, except that sqlite:// anchors its memory database.
 * An unknown dialect: ArgumentError with the known ones. */
mr_status mr_engine_new(mr_env *env, const char *url, size_t len, const mr_engine_options *options, mr_engine **out);
mr_engine *mr_engine_retain(mr_engine *engine);
void mr_engine_release(mr_engine *engine);
/* Closes idle connections; the engine goes on working with new ones. */
void mr_engine_dispose(mr_engine *engine);
mr_env *mr_engine_env(const mr_engine *engine);
const mr_url *mr_engine_url(const mr_engine *engine);
const mr_dialect *mr_engine_dialect(const mr_engine *engine);
uint64_t mr_engine_serial(const mr_engine *engine); /* no other engine of the environment has or had it; never 0 */
const mr_driver *mr_engine_driver(const mr_engine *engine);
mr_engine_hooks *mr_engine_hooks_of(mr_engine *engine);
/* A value for logs and messages: its kind can be seen, and a long one is cut. */
void mr_show_value(mr_strbuf *out, const mr_value *value);
void mr_engine_set_echo(mr_engine *engine, bool echo);

/* From start to stop, what the engine's connections execute is recorded: transaction control and connection
 * set-up left out. Recorders nest. Stop gives the records (caller frees with mr_recorder_free). */
mr_status mr_recorder_start(mr_engine *engine, mr_recorder **out);
void mr_recorder_stop(mr_recorder *recorder);
void mr_recorder_free(mr_recorder *recorder);
size_t mr_recorder_count(const mr_recorder *recorder);
const mr_record *mr_recorder_at(const mr_recorder *recorder, size_t i);

/* Compiles with a cache by structure (mr_sql_key): a statement of a known structure is not compiled again.
 * *values receives the parameters' values, borrowed from the statement (and named), in mr_alloc'ed memory that the
 * caller frees; NULL when there are none. *out: one reference. */
mr_status mr_engine_compile(mr_engine *engine, const mr_node *statement, const mr_named_value *named, size_t nnamed,
                            mr_compiled **out, mr_value **values);

/* Mock only: the rows the next matching statement gives, the failure the next matching one meets. */
mr_status mr_mock_rows(mr_engine *engine, const char *sql_part, const char *const *names, size_t ncolumns,
                       const mr_value *values, size_t nrows);
mr_status mr_mock_fail(mr_engine *engine, const char *sql_part, mr_errkind kind, const char *words, unsigned after);

/* A failing driver for tests: wraps the engine's driver so that call number n (1 = the next call of prepare, bind,
 * step or fetch) fails with OperationalError "injected failure"; 0 turns it off. Works on every driver. */
void mr_engine_fail_at(mr_engine *engine, uint64_t n);
/* Driver calls counted since mr_engine_fail_at. */
uint64_t mr_engine_calls(const mr_engine *engine);

/* ---------------------------------------------------------------- connections */

typedef enum mr_txmode {
    MR_TX_DEFAULT = 0, /* SQLite: BEGIN IMMEDIATE */
    MR_TX_DEFERRED,
    MR_TX_IMMEDIATE,
    MR_TX_EXCLUSIVE
} mr_txmode;

/* A connection from the pool, or a new one. Close gives it back: rolled back, its cursors closed. */
mr_status mr_engine_connect(mr_engine *engine, mr_conn **out);
/* The same, the connection of the serial number if it is idle: its data version can be compared with what was read
 * there. */
mr_status mr_engine_connect_again(mr_engine *engine, uint64_t serial, mr_conn **out);
void mr_conn_close(mr_conn *conn);
/* What the database says of a column, without a statement. MR_NOTFOUND: nothing (it is of a view). */
mr_status mr_conn_column_facts(mr_conn *conn, const mr_column *column, mr_column_facts *out);
/* Does the database compare values of the column by rules of its own: without regard to case or spaces, texts as
 * numbers, or numbers as texts? */
mr_status mr_conn_column_folds(mr_conn *conn, mr_column *column, bool *out);
/* Does the database find, where it compares a value that was read from one of the columns with the other, other rows
 * than where it compares the columns themselves? MR_NOTFOUND: it tells nothing of one of them (*out: true). */
mr_status mr_conn_columns_apart(mr_conn *conn, const mr_column *a, const mr_column *b, bool *out);
mr_engine *mr_conn_engine(const mr_conn *conn);
mr_dbc *mr_conn_dbc(mr_conn *conn);

/* The holder's name for messages about locks held within this environment ("a session holds ..."). */
void mr_conn_set_owner(mr_conn *conn, const void *owner);
/* Lazy: reads run in autocommit; the first write begins (mode default). on_write_begin, when not NULL, runs
 * after that BEGIN. */
void mr_conn_set_lazy(mr_conn *conn, bool lazy, mr_status (*on_write_begin)(void *ud), void *ud);

/* on_read, when not NULL, runs after the first step of each statement that reads outside of a transaction (that of a
 * load of several statements is none): version is that of the data which it reads; known = false: the database has
 * none. */
void mr_conn_set_on_read(mr_conn *conn, void (*on_read)(void *ud, bool known, int64_t version), void *ud);
/* Tells connections of the engine apart, for ever. */
uint64_t mr_conn_serial(const mr_conn *conn);
/* The version of the data as it was read last, or committed: false where there is none, or where it cannot be had. */
bool mr_conn_data_version(mr_conn *conn, int64_t *out);

/* A failed statement may end the transaction by the database's own will (no space, an interrupt during a write, ON
 * CONFLICT ROLLBACK). The connection then refuses all (PendingRollbackError, naming that error) but mr_conn_rollback
 * and close. on_lost, when not NULL, is told at once, within the statement's call, with the error recorded: false takes
 * it as nothing lost, and the connection goes on. Until close. */
void mr_conn_set_on_lost(mr_conn *conn, bool (*on_lost)(void *ud), void *ud);
mr_status mr_conn_begin(mr_conn *conn, mr_txmode mode);
/* Begins a transaction for a load of several statements, which gives them one snapshot. Its reads count as reads
 * outside of a transaction. mr_conn_keep_load makes it a transaction like any other. */
mr_status mr_conn_begin_load(mr_conn *conn);
void mr_conn_keep_load(mr_conn *conn);
/* No transaction is open, or that of a load. */
bool mr_conn_reads_outside(const mr_conn *conn);
/* The open transaction's snapshot is taken now, of all databases, not at its first read. */
mr_status mr_conn_take_snapshot(mr_conn *conn);
/* What the first write of a lazy connection does: BEGIN (mode default), then on_write_begin. Nothing has
 * begun before. */
mr_status mr_conn_begin_write(mr_conn *conn);
/* Until the open transaction ends, a statement that writes is refused before it runs (InvalidRequestError). */
void mr_conn_set_read_only(mr_conn *conn);
/* Commit and rollback close (buffering nothing) the connection's open cursors: their next step raises
 * InvalidRequestError. A failed commit (busy) leaves the transaction open. Both do nothing without a transaction. */
mr_status mr_conn_commit(mr_conn *conn);
mr_status mr_conn_rollback(mr_conn *conn);
bool mr_conn_in_transaction(const mr_conn *conn);
/* Has a cursor that is bound or stands on a row: ending a transaction would close it, and its snapshot is the
 * connection's. */
bool mr_conn_is_reading(const mr_conn *conn);
/* Savepoints are numbered by the caller: "mr_sp_N"; the outer transaction begins first where none is open.
 * Release keeps what happened since, rollback_to undoes it; either ends the savepoint. */
mr_status mr_conn_savepoint(mr_conn *conn, unsigned n);
mr_status mr_conn_release(mr_conn *conn, unsigned n);
mr_status mr_conn_rollback_to(mr_conn *conn, unsigned n);

/* What the database says of the table, asked once as long as the schema is the same. Where the driver cannot tell: it
 * numbers, and is nothing else. */
mr_status mr_conn_table_facts(mr_conn *conn, const mr_table *table, mr_table_facts *out);
/* Rises when the schema may have changed. */
uint64_t mr_conn_schema_seen(const mr_conn *conn);

/* A cursor on the prepared statement, from the connection's cache (a second copy when it is busy). values are
 * bound and must stay good until the cursor is closed or rebound; the cursor retains compiled. Sends BEGIN first for a
 * write on a lazy connection. Nothing has run yet when this returns: the first step runs it. */
mr_status mr_conn_execute(mr_conn *conn, mr_compiled *compiled, const mr_value *values, mr_cursor **out);
/* For batches: a cursor with nothing bound; then bind, step (to MR_DONE), bind, step ... One record in all. */
mr_status mr_conn_prepare(mr_conn *conn, mr_compiled *compiled, mr_cursor **out);
mr_status mr_cursor_bind(mr_cursor *cursor, const mr_value *values);
/* MR_ROW, MR_DONE, MR_FAIL (the error has the statement and parameters). */
mr_status mr_cursor_step(mr_cursor *cursor);
/* Decodes the current row: types has mr_cursor_column_count entries, NULL for the compiled ones. A stored value that is
 * none of its type's is a DataError. */
mr_status mr_cursor_fetch(mr_cursor *cursor, const mr_type *const *types, mr_value *out);
/* The same, but for such values: MR_NOTFOUND, and they come as they are stored, marked MR_VALUE_MISFIT. */
mr_status mr_cursor_fetch_any(mr_cursor *cursor, const mr_type *const *types, mr_value *out);
/* The types that mr_cursor_fetch takes for NULL. */
const mr_type *const *mr_cursor_types(const mr_cursor *cursor);
/* Adds the statement to the error that reading a row has met. Returns MR_FAIL. */
mr_status mr_cursor_failed(mr_cursor *cursor);
unsigned mr_cursor_column_count(mr_cursor *cursor); /* for text: good after the first step */
const char *mr_cursor_column_name(mr_cursor *cursor, unsigned i);
int64_t mr_cursor_rowcount(const mr_cursor *cursor); /* rows matched by the last execution */
int64_t mr_cursor_last_insert_id(const mr_cursor *cursor);
mr_conn *mr_cursor_conn(const mr_cursor *cursor); /* NULL: the end of a transaction has closed the cursor */
/* Before the first step: mr_cursor_inserted will tell whether the statement has made a row. */
void mr_cursor_watch_insert(mr_cursor *cursor);
bool mr_cursor_inserted(const mr_cursor *cursor); /* true where it was not watched */
void mr_cursor_close(mr_cursor *cursor);          /* NULL passes */

/* Rows for one prepared statement: each runs when it comes; but while somebody listens to executions (mr_engine_hooks)
 * they wait, and run at the end as one execution, of which is told once. */
typedef struct mr_batch {
    mr_cursor *cursor;                                     /* borrowed */
    mr_status (*ran)(void *ud, void *row, mr_status step); /* after each row: step is MR_ROW or MR_DONE */
    void *ud;
    bool waits;
    size_t width;
    mr_vec values; /* mr_value *: copies, of each row that waits */
    mr_vec rows;   /* void * */
} mr_batch;
void mr_batch_begin(mr_batch *batch, mr_cursor *cursor, mr_status (*ran)(void *ud, void *row, mr_status step),
                    void *ud);
mr_status mr_batch_row(mr_batch *batch, const mr_value *values, void *row);
/* Runs what waits, if status is MR_OK, and forgets it in any case; the batch may go on. Gives the status back. With
 * another status the cursor may be gone. */
mr_status mr_batch_end(mr_batch *batch, mr_status status);

/* Runs a statement without rows. values may be NULL. *rowcount may be NULL. */
mr_status mr_conn_run(mr_conn *conn, mr_compiled *compiled, const mr_value *values, int64_t *rowcount);
mr_status mr_conn_run_sql(mr_conn *conn, const char *sql); /* no parameters, not from the cache */

/* DDL of a whole metadata, in foreign-key order; checkfirst asks the database for each table. tables
 * limits to those (n of them), or NULL for all. In one transaction. */
mr_status mr_create_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst);
mr_status mr_drop_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst);

#ifdef __cplusplus
}
#endif
#endif
