/*
 * db.h: drivers, engines, connections, cursors, transactions.
 *
 * Invariant: a connection is used by one session at a time. Only the library itself executes BEGIN, COMMIT and
 * SAVEPOINT. A connection in lazy mode reads in autocommit, and begins a transaction at its first write.
 *
 * Errors: a function that calls the database can fail with the database's errors (see mr_driver), and with
 * PendingRollbackError after the database has ended the transaction by itself (see mr_conn_set_on_lost).
 */
#ifndef MOONROW_DB_H
#define MOONROW_DB_H

#include <moonrow/sql.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------- URLs */

/* dialect[+driver]://user:password@host:port/database?name=value&... Its texts are decoded and live in the arena. */
typedef struct mr_url {
    const char *text;                                  /* for messages: as written, with the password masked */
    const char *dialect;                               /* "sqlite", "postgresql", "mock+postgresql" ... */
    const char *username, *password, *host, *database; /* NULL: not given */
    int port;                                          /* 0: not given */
    unsigned nquery;
    const char **query_names, **query_values; /* the nquery parameters behind '?' */
} mr_url;
/* Parses a URL of len bytes. ArgumentError: it has none of the known forms, which the message lists: sqlite:// (in
 * memory), sqlite:///relative.db, sqlite:////absolute.db, sqlite:///:memory:. */
mr_status mr_url_parse(mr_env *env, const char *text, size_t len, mr_url *out);

/* ---------------------------------------------------------------- drivers */

typedef struct mr_driver mr_driver;
typedef struct mr_conn mr_conn;
typedef struct mr_dbc mr_dbc;   /* a driver's connection; only the driver knows its members */
typedef struct mr_stmt mr_stmt; /* a driver's prepared statement */

/* Facts about a table, from the database itself. A table that another program has made may differ from its mapping. */
typedef struct mr_table_facts {
    bool numbers;  /* the database makes the only key column's value if an INSERT has none (SQLite's rowid) */
    bool replaces; /* a constraint with ON CONFLICT REPLACE deletes rows that conflict with a new or changed row */
    bool is_view;  /* it is a view: triggers write instead of it, and the database counts no rows */
    bool in_order; /* an INSERT of several rows makes just these, each with the next number: it is a table of the
                      database's own kind, without triggers and without ON CONFLICT */
} mr_table_facts;

/* Called while another connection holds a lock. Returns true to wait a little and try again. */
typedef bool (*mr_busy_fn)(void *ud);

/* How a column converts the values that are written to it. */
typedef enum mr_affinity {
    MR_AFFINITY_NONE = 0, /* not at all */
    MR_AFFINITY_TEXT,     /* numbers become texts */
    MR_AFFINITY_NUMBER    /* texts that look like a number become numbers */
} mr_affinity;
/* Facts about a column, from the database itself. */
typedef struct mr_column_facts {
    bool not_null; /* it is declared NOT NULL */
    bool integer;  /* it is declared INTEGER; as the only key column of a table it is SQLite's rowid */
    bool binary;   /* texts are equal only when their bytes are */
    uint32_t
        collation; /* a number for the collation: columns with different numbers compare texts differently; 0: binary */
    mr_affinity affinity;
} mr_column_facts;

/* A call of a function of the program's by the database. */
typedef struct mr_sql_call {
    const mr_value *args; /* borrowed during the call */
    size_t n;
    int64_t *group; /* of an aggregate: 0 before the group's first row, then what its functions have put there */
    bool aborted;   /* of the end of an aggregate: its statement has failed, and wants no result */
    void (*give)(struct mr_sql_call *call,
                 const mr_value *v); /* takes a copy of the result: NULL if it is not called */
    void *to;                        /* the driver's */
} mr_sql_call;

typedef enum mr_sql_kind { MR_SQL_FUNCTION, MR_SQL_AGGREGATE, MR_SQL_COLLATION } mr_sql_kind;

/* A function, aggregate or collation of the program's. The functions get ud; an error that they record is that of the
 * statement. */
typedef struct mr_sql_function {
    mr_sql_kind kind;
    const char *name;
    int args; /* -1: any number */
    bool deterministic;
    void *ud;
    mr_status (*call)(void *ud, mr_sql_call *call); /* of an aggregate: for a row */
    /* Of an aggregate: for a group, once for each; what the group has is released. */
    mr_status (*finish)(void *ud, mr_sql_call *call);
    /* Of a collation: *order below, at or above 0. */
    mr_status (*compare)(void *ud, const char *a, size_t a_len, const char *b, size_t b_len, int *order);
    void (*release)(void *ud);
    struct mr_sql_function *next; /* of an engine's */
} mr_sql_function;

/* A copy of the whole database. */
typedef struct mr_copy {
    const char *path; /* the other file */
    bool restore;     /* the file is copied over the database; else the database into the file, which is overwritten */
    int pages;        /* so many at once, between which others may write; 0: all */
    /* NULL, or called after each step with the number of pages that were copied, and of all. */
    mr_status (*progress)(void *ud, int done, int total);
    void *ud;
} mr_copy;

/* ---- rows that statements change */

typedef enum mr_change_kind { MR_CHANGE_INSERT = 1, MR_CHANGE_UPDATE, MR_CHANGE_DELETE } mr_change_kind;

/* A row that a statement changes, in the order of the database's own columns. All is borrowed. */
typedef struct mr_row_change {
    mr_change_kind kind;
    const char *schema, *table; /* as the database calls them: "main", "user" */
    bool caused;                /* by a trigger, or by the action of a foreign key */
    int64_t old_rowid, rowid;   /* the row's number before and after; of a table with one */
    unsigned n;                 /* so many columns; 0: there was no memory for their values */
    /* As they are stored (MR_INT, MR_FLOAT, MR_TEXT, MR_BLOB, MR_NULL). MR_UNLOADED: the database has not told the
     * value. NULL: an INSERT has no old values, and a DELETE no new ones. The watcher may write to the new ones. */
    const mr_value *old_values;
    mr_value *new_values;
} mr_row_change;

/* Who hears of the rows that the statements of an engine change. Functions without a status cannot fail, and none runs
 * a statement: they are called within one. record: of the connection, as `open` has made it. */
typedef struct mr_row_watcher {
    void *ud;
    /* A connection is watched from now on. *record: what the watcher keeps for it. */
    mr_status (*open)(void *ud, mr_conn *conn, void **record);
    void (*close)(void *record);     /* the connection closes, or is not watched any more */
    void (*statement)(void *record); /* a statement begins */
    void (*row)(void *record, const mr_row_change *row);
    void (*failed)(void *record); /* the statement that began last has failed, and what it has written is undone */
    /* The database ends a transaction, which may be that of a single statement: commits it now, or has rolled it back.
     * A commit may still fail: then a rollback follows, or another attempt. */
    void (*ended)(void *record, bool committed);
    void (*savepoint)(void *record, unsigned n);
    void (*released)(void *record, unsigned n);
    void (*rolled_back)(void *record, unsigned n); /* to the savepoint, which is gone; 0: the whole transaction */
    /* Before a COMMIT, within the transaction. It may ask the connection about its schema. MR_FAIL: nothing is
     * committed, and the transaction stays open. */
    mr_status (*committing)(void *record);
    void (*committed)(void *record); /* after a COMMIT */
    void (*free)(void *ud);          /* the engine does not need it any more */
} mr_row_watcher;

/* Told of a column that a statement reads. column "": of a table only the rows are counted. schema "*": any. A table
 * that ends in '*': all tables that begin so. */
typedef mr_status (*mr_reads_fn)(void *ud, const char *schema, const char *table, const char *column);

/* The functions of a driver. A function that fails records an error with the database's own message
 * (mr_error_add_orig). The kind of error: IntegrityError for constraints; OperationalError for busy, locked, full,
 * cannot open and I/O; DataError for a wrong type and too long; ProgrammingError for wrong syntax and unknown tables
 * (for these, SQLite's driver uses OperationalError, as SQLAlchemy does). "Optional" functions may be NULL. */
struct mr_driver {
    const char *name;
    const mr_dialect *(*dialect)(void);
    /* Optional. Refuses a URL that the driver does not understand (ArgumentError). Does not connect. */
    mr_status (*check)(mr_env *env, const mr_url *url);
    /* Optional. Does the database exist only as long as a connection to it? Then the engine keeps one open. */
    bool (*needs_anchor)(const mr_url *url);
    /* Opens a connection; the caller closes it. serial distinguishes engines, because each sqlite:// is a database of
     * its own. native is an open handle of the database's library (sqlite3 *), which stays the caller's; or NULL. */
    mr_status (*open)(mr_env *env, const mr_url *url, uint64_t serial, void *native, mr_dbc **out);
    /* Optional. Does the part of opening that reads the database. It is called after the listeners of `connect`, which
     * may have to set an encryption key first. When it fails, the caller closes the connection. */
    mr_status (*set_up)(mr_dbc *dbc, const mr_url *url);
    void (*close)(mr_dbc *dbc);
    /* Prepares a statement (len bytes of SQL); the caller finalizes it. */
    mr_status (*prepare)(mr_dbc *dbc, const char *sql, size_t len, mr_stmt **out);
    /* Optional. The same for a compiled statement, which tells the types of its parameters, and outlives the prepared
     * one. */
    mr_status (*prepare_compiled)(mr_dbc *dbc, const mr_compiled *compiled, mr_stmt **out);
    void (*finalize)(mr_stmt *stmt);
    /* Takes the statement back to its start, and binds its n values. Their bytes are borrowed, and must stay good until
     * the next bind, or reset. */
    mr_status (*bind)(mr_stmt *stmt, const mr_value *values, size_t n);
    mr_status (*step)(mr_stmt *stmt); /* MR_ROW, MR_DONE or MR_FAIL */
    void (*reset)(mr_stmt *stmt);     /* ends the execution and removes the bound values */
    /* Reads the n columns of the current row. types[i] is the type that column i is read as (the unknown type: as it is
     * stored); types NULL: all columns as they are stored. Bytes are borrowed until the next step or reset.
     * MR_NOTFOUND: types cannot read some of the stored values; these are in out as they are stored, marked
     * MR_VALUE_MISFIT. */
    mr_status (*fetch)(mr_stmt *stmt, const mr_type *const *types, size_t n, mr_value *out);
    unsigned (*column_count)(mr_stmt *stmt);
    const char *(*column_name)(mr_stmt *stmt, unsigned i);
    int64_t (*last_insert_id)(mr_dbc *dbc); /* the key that the database made for the last INSERT */
    /* Optional (without it, columns are as they are mapped). Facts about a column; executes no statement. schema may be
     * NULL. MR_NOTFOUND: it is not a column of a table. */
    mr_status (*column_facts)(mr_dbc *dbc, const char *schema, const char *table, const char *column,
                              mr_column_facts *out);
    int64_t (*changes)(mr_dbc *dbc);     /* number of rows that the last write matched */
    bool (*in_transaction)(mr_dbc *dbc); /* asks the database itself */
    /* Optional. Does the database refuse all statements of the open transaction, since one of them has failed, until a
     * rollback, to a savepoint perhaps? */
    bool (*is_aborted)(mr_dbc *dbc);
    /* Optional. Is the connection lost for good? */
    bool (*is_dead)(mr_dbc *dbc);
    /* Optional. Was the error caused by too many open files, or connections? */
    bool (*out_of_files)(const mr_error *e);
    /* Optional. A number that changes when another connection commits, for the snapshot that is read now, or was read
     * last. It covers all attached databases. */
    mr_status (*data_version)(mr_dbc *dbc, int64_t *out);
    bool changes_unseen; /* others may commit, and no version tells */
    /* Optional. Gives the open transaction its snapshot of every attached database now, not at its first read. */
    mr_status (*take_snapshot)(mr_dbc *dbc);
    /* Optional, together with table_facts. A number that rises when the schema may have changed: facts must then be
     * asked again. */
    uint64_t (*schema_seen)(mr_dbc *dbc);
    mr_status (*table_facts)(mr_dbc *dbc, const mr_table *table, bool with_key, mr_table_facts *out);
    /* Optional (without it, every INSERT has made a row). Called before and after an INSERT is executed; after it
     * returns whether the INSERT has made a row, for an upsert may have changed one instead. The caller keeps *id
     * between the two calls. */
    bool (*watch_insert)(mr_dbc *dbc, bool before, int64_t *id);
    /* Optional. Was the connection opened by the process from which this one was forked? Then close and finalize only
     * free memory. */
    bool (*is_inherited)(mr_dbc *dbc);
    void (*set_busy)(mr_dbc *dbc, mr_busy_fn fn, void *ud); /* optional */
    void (*set_timeout)(mr_dbc *dbc, int milliseconds);     /* optional; the longest time to wait for a lock */
    int64_t (*waited)(mr_dbc *dbc); /* optional; all milliseconds that the connection has waited for locks */
    /* Optional. Do the holder's locks keep the waiter, a connection to the same database, from its next call?
     * exclusive: that call locks readers out. Both connections are this driver's. */
    bool (*blocks)(mr_dbc *holder, mr_dbc *waiter, bool exclusive);
    void (*interrupt)(mr_dbc *dbc); /* optional; may be called from a signal handler */
    /* Optional. Stops the statement that runs after so many seconds from now, with an OperationalError; 0: no more. */
    void (*limit)(mr_dbc *dbc, double seconds);
    /* Optional, the three together. Gives the connection a function of the program's, which outlives it; and takes it
     * away again. Is the connection within a call of one? Then its transaction cannot end. */
    mr_status (*add_function)(mr_dbc *dbc, const mr_sql_function *fn);
    void (*remove_function)(mr_dbc *dbc, const mr_sql_function *fn);
    bool (*is_calling)(mr_dbc *dbc);
    /* Optional. Loads a library; entry may be NULL. */
    mr_status (*load_extension)(mr_dbc *dbc, const char *path, const char *entry);
    mr_status (*copy)(mr_dbc *dbc, const mr_copy *copy); /* optional; outside of a transaction */
    /* Optional. Tells the watcher (NULL: nobody any more) of each row that statements of the connection change. Calls
     * its functions statement, row, failed and ended. Statements that were prepared before must be prepared again.
     * MR_NOTFOUND: the database's library cannot tell. */
    mr_status (*watch_rows)(mr_dbc *dbc, const mr_row_watcher *watcher, void *record);
    /* Optional. Tells of all that the statement would read, once each. The statement does not run. MR_NOTFOUND: that
     * cannot be told of this connection. */
    mr_status (*reads)(mr_dbc *dbc, const char *sql, mr_reads_fn fn, void *ud);
    /* Optional. Do the triggers of the schema run, in statements of the connection? */
    void (*set_triggers)(mr_dbc *dbc, bool on);
    const struct mr_reflector *reflector; /* optional (without it nothing can be reflected): <moonrow/reflection.h> */
};
/* The driver for SQLite. Static. */
const mr_driver *mr_driver_sqlite(void);
/* The driver for PostgreSQL. Static. */
const mr_driver *mr_driver_postgresql(void);
/* The version of the SQLite library that this process uses: "3.40.1". Static. */
const char *mr_sqlite_version(void);
/* The version of libpq as PQlibVersion tells it (150004 is 15.4); 0: the library is not there, or too old. */
int mr_postgresql_version(mr_env *env);

/* For a program whose own code is the only one that uses SQLite in the process (the host): called once, before the
 * first engine is opened. SQLite then keeps no statistics of its memory, which cost a lock at each allocation;
 * PRAGMA soft_heap_limit and hard_heap_limit have no effect. Too late, it changes nothing. */
void mr_sqlite_own_process(void);

/* The mock driver for a dialect ("sqlite" of the URL "mock+sqlite://"): it records the statements that it receives, and
 * answers from a script that is set on the engine (mr_mock_rows, mr_mock_fail). NULL: there is no such dialect. */
const mr_driver *mr_driver_mock(const char *dialect);

/* ---------------------------------------------------------------- engine */

typedef struct mr_engine mr_engine;
typedef struct mr_cursor mr_cursor;

/* One recorded execution of a statement. A batch is one execution. */
typedef struct mr_record {
    char *statement;
    size_t nparams;
    mr_vec lists;    /* of mr_value *: one array of nparams values for each row of a batch */
    double duration; /* in seconds */
    double waited;   /* how many of them it waited for locks of other connections */
} mr_record;
typedef struct mr_recorder mr_recorder;

typedef struct mr_engine_options {
    bool echo;           /* write each statement and its parameters to the log (mr_log) */
    int statement_cache; /* number of prepared statements that each connection keeps; 0: 100 */
    int busy_timeout;    /* longest time to wait for a lock, in milliseconds; -1: 5000 */
    void *native;        /* an open sqlite3 *, which stays the caller's; or NULL */
    double timeout;      /* seconds that a statement may run; 0: no limit */
    bool load_extension; /* mr_engine_load_extension may be called */
    unsigned pool_size;  /* idle connections that are kept; 0: 8 */
    unsigned max_taken;  /* connections that may be in use at once; 0: no limit */
    double pool_recycle; /* seconds after which an idle connection is replaced; 0: never */
} mr_engine_options;

/* What the pool of an engine holds. */
typedef struct mr_pool_status {
    unsigned size, most; /* idle connections that are kept; connections that may be in use (0: no limit) */
    unsigned idle, taken;
    uint64_t opened; /* connections that were ever opened */
} mr_pool_status;

/* The listeners to an engine's events; each may be NULL. When one fails, the operation fails with its error. */
typedef struct mr_engine_hooks {
    void *ud;
    mr_status (*connect)(void *ud, mr_engine *engine, mr_conn *conn);
    /* Before and after an execution. lists has nlists lists of n parameters each; a batch has several lists. waited:
     * how many of the seconds it waited for locks. */
    mr_status (*before_execute)(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                                size_t n);
    mr_status (*after_execute)(void *ud, mr_conn *conn, const char *sql, const mr_value *const *lists, size_t nlists,
                               size_t n, double seconds, double waited);
    /* Appends the place in the program that runs a statement: the tag of statements without one. */
    void (*place)(void *ud, mr_strbuf *out);
    void *place_ud;
} mr_engine_hooks;

/* Sets the function that frees the connections, of all engines of the environment, that the program has dropped without
 * closing them. It returns false when it cannot do so now. It is called once before reporting an error that may vanish
 * then: a lock that another connection of this program holds, or too many open files. It may run the program's own
 * code, but it must return. */
mr_status mr_db_set_collect(mr_env *env, bool (*collect)(void *ud), void *ud);

/* Sets the function that appends the line of the program that runs now. Where an engine limits its connections, each
 * one in use keeps the line that took it, for messages. */
mr_status mr_db_set_place(mr_env *env, void (*place)(void *ud, mr_strbuf *out), void *ud);

/* Makes an engine for a URL of len bytes; *out has one reference. options may be NULL. Opens no connection yet, except
 * for a database in memory. ArgumentError: the URL has no known form, or an unknown dialect. */
mr_status mr_engine_new(mr_env *env, const char *url, size_t len, const mr_engine_options *options, mr_engine **out);
/* Adds a reference. Returns engine. */
mr_engine *mr_engine_retain(mr_engine *engine);
/* Gives a reference back; the last one closes the idle connections and frees the engine. NULL is allowed. */
void mr_engine_release(mr_engine *engine);
mr_pool_status mr_engine_pool_status(const mr_engine *engine);
/* The line of the program that took the i-th (from 0) of the connections in use whose line is known, borrowed until
 * something is taken or given back; NULL: there are not so many. */
const char *mr_engine_taken_at(const mr_engine *engine, unsigned i);
/* Closes the idle connections. The engine opens new ones when it needs them. */
void mr_engine_dispose(mr_engine *engine);
/* Gives all connections of the engine a function of the program's, those to come, too; one of the same name and number
 * of arguments is replaced. Takes ud over: it is released with the engine, also after a failure. InvalidRequestError:
 * the driver has no such functions. */
mr_status mr_engine_add_function(mr_engine *engine, const mr_sql_function *fn);
/* Loads a library that extends the database's into all connections of the engine, those to come, too; opens one where
 * there is none. entry is the name of its first function; NULL: that is found by the path. InvalidRequestError: the
 * engine was not made with the option load_extension, or the driver has no extensions; OperationalError: the library
 * cannot be loaded. */
mr_status mr_engine_load_extension(mr_engine *engine, const char *path, const char *entry);
/* Copies the database into a file, or a file over the database. InvalidRequestError: the driver cannot; or a connection
 * of the engine has a transaction that a restored database would not be part of. */
mr_status mr_engine_copy(mr_engine *engine, const mr_copy *copy);
/* Does a function of the program's run, called by a statement of the connection? */
bool mr_conn_is_calling(const mr_conn *conn);
/* Has the watcher (it must outlive the engine, or the next call) told of what the engine's connections change, those to
 * come, too. NULL: nobody is told any more. The watcher before, if there is one, is freed. A transaction that is open
 * is watched from now on. */
mr_status mr_engine_watch(mr_engine *engine, const mr_row_watcher *watcher);
/* NULL: nobody watches. */
const mr_row_watcher *mr_engine_watcher(const mr_engine *engine);
/* What the watcher keeps for the connection; NULL: nobody watches. */
void *mr_conn_record(const mr_conn *conn);
/* Does the driver tell of each row? Else the watcher hears of none. */
bool mr_conn_tells_rows(const mr_conn *conn);
/* Turns the triggers of the schema off, and on again. Statements are prepared anew by that. Where the driver cannot,
 * nothing happens. */
void mr_conn_set_triggers(mr_conn *conn, bool on);
/* The connection's user; see mr_conn_set_owner. */
const void *mr_conn_owner(const mr_conn *conn);
mr_env *mr_engine_env(const mr_engine *engine);
const mr_url *mr_engine_url(const mr_engine *engine);
const mr_dialect *mr_engine_dialect(const mr_engine *engine);
/* A number, never 0, that no other engine of the environment has or had. */
uint64_t mr_engine_serial(const mr_engine *engine);
const mr_driver *mr_engine_driver(const mr_engine *engine);
/* The engine's hooks, for the caller to set. */
mr_engine_hooks *mr_engine_hooks_of(mr_engine *engine);
/* Appends a value as logs and messages show it: the kind can be seen, and a long value is cut. */
void mr_show_value(mr_strbuf *out, const mr_value *value);
void mr_engine_set_echo(mr_engine *engine, bool echo);

/* Starts to record all executions of the engine's connections, except transaction control and the set-up of
 * connections. Several recorders may run at once. The caller frees *out with mr_recorder_free. */
mr_status mr_recorder_start(mr_engine *engine, mr_recorder **out);
/* Stops recording; the records stay. */
void mr_recorder_stop(mr_recorder *recorder);
/* Frees the recorder with its records; stops it first if needed. NULL is allowed. */
void mr_recorder_free(mr_recorder *recorder);
/* The number of records, and one of them; it is borrowed from the recorder. */
size_t mr_recorder_count(const mr_recorder *recorder);
const mr_record *mr_recorder_at(const mr_recorder *recorder, size_t i);

/* Compiles a statement. Statements of the same structure (mr_sql_key) are compiled once and cached. *out has one
 * reference. *values receives the values of the parameters, borrowed from the statement and the nnamed named ones, in
 * memory that the caller frees with mr_free; NULL when there are no parameters. Errors as in mr_sql_compile and
 * mr_compiled_values. */
mr_status mr_engine_compile(mr_engine *engine, const mr_node *statement, const mr_named_value *named, size_t nnamed,
                            mr_compiled **out, mr_value **values);

/* Mock driver only: the next statement that contains sql_part returns these rows (copied; nrows times ncolumns values,
 * row by row). ArgumentError: the engine's driver is no mock. */
mr_status mr_mock_rows(mr_engine *engine, const char *sql_part, const char *const *names, size_t ncolumns,
                       const mr_value *values, size_t nrows);
/* Mock driver only: a statement that contains sql_part fails with the kind and message; `after` such statements pass
 * before. Errors as in mr_mock_rows. */
mr_status mr_mock_fail(mr_engine *engine, const char *sql_part, mr_errkind kind, const char *words, unsigned after);

/* For tests, with any driver: makes the n-th call from now on of the driver's prepare, bind, step and fetch fail with
 * OperationalError "injected failure" (1: the next call). 0 turns it off. */
void mr_engine_fail_at(mr_engine *engine, uint64_t n);
/* The number of these calls since mr_engine_fail_at. */
uint64_t mr_engine_calls(const mr_engine *engine);

/* ---------------------------------------------------------------- connections */

/* What a statement is run with, besides its values. */
typedef struct mr_marks {
    const char *tag; /* stands in a comment before the SQL wherever that is shown; borrowed, or NULL */
    double timeout;  /* seconds that the statement may run; 0: what is said elsewhere; below 0: no limit */
} mr_marks;
/* Sets the marks (borrowed; NULL: none) of the statements that the connection begins from now on. Returns those before.
 */
const mr_marks *mr_conn_use_marks(mr_conn *conn, const mr_marks *marks);

/* The ways to begin a transaction. */
typedef enum mr_txmode {
    MR_TX_DEFAULT = 0, /* SQLite: BEGIN IMMEDIATE */
    MR_TX_DEFERRED,
    MR_TX_IMMEDIATE,
    MR_TX_EXCLUSIVE,
    MR_TX_SERIALIZABLE /* SQLite: as deferred, because all are serializable there */
} mr_txmode;

/* Takes a connection from the pool, or opens a new one. The caller gives it back with mr_conn_close. OperationalError:
 * as many as the engine allows are in use; the message has the lines that took them. */
mr_status mr_engine_connect(mr_engine *engine, mr_conn **out);
/* The same, but takes the connection with the serial number if it is idle: its data version can be compared with the
 * version that was read with it before. */
mr_status mr_engine_connect_again(mr_engine *engine, uint64_t serial, mr_conn **out);
/* Gives the connection back to the pool: closes its cursors and rolls back its transaction. */
void mr_conn_close(mr_conn *conn);
/* Facts about a column; executes no statement. MR_NOTFOUND: the database has none (a view's column). */
mr_status mr_conn_column_facts(mr_conn *conn, const mr_column *column, mr_column_facts *out);
/* *out: does the database compare the column's values by special rules: ignoring case or spaces, texts as numbers, or
 * numbers as texts? */
mr_status mr_conn_column_folds(mr_conn *conn, mr_column *column, bool *out);
/* *out: can comparing column b with a value that was read from column a (or the reverse) find other rows than comparing
 * the two columns in SQL? MR_NOTFOUND: the database has no facts about one of them; *out is true. */
mr_status mr_conn_columns_apart(mr_conn *conn, const mr_column *a, const mr_column *b, bool *out);
mr_engine *mr_conn_engine(const mr_conn *conn);
mr_dbc *mr_conn_dbc(mr_conn *conn);

/* Sets the user of the connection (a session). Messages about locks inside of this environment tell it from others. */
void mr_conn_set_owner(mr_conn *conn, const void *owner);
/* lazy: reads run in autocommit, and the first write begins a transaction (default mode). on_write_begin runs after
 * that BEGIN; when it fails, the write fails. It may be NULL. */
void mr_conn_set_lazy(mr_conn *conn, bool lazy, mr_status (*on_write_begin)(void *ud), void *ud);

/* Sets on_read, or removes it (NULL). It runs after the first step of each statement that reads outside of a
 * transaction (mr_conn_reads_outside). version is the version of the data that is read; known is false when the
 * database has no versions. */
void mr_conn_set_on_read(mr_conn *conn, void (*on_read)(void *ud, bool known, int64_t version), void *ud);
/* A number that no other connection of the engine has or had. */
uint64_t mr_conn_serial(const mr_conn *conn);
/* *out: the version of the data that was read or committed last. False when the database has no versions, or cannot
 * tell it now. */
bool mr_conn_data_version(mr_conn *conn, int64_t *out);

/* May others commit, without a version that tells of it? */
bool mr_conn_changes_unseen(const mr_conn *conn);

/* A failed statement may make the database end the transaction by itself (no space left, an interrupt during a write,
 * ON CONFLICT ROLLBACK). The connection then refuses everything except mr_conn_rollback and mr_conn_close
 * (PendingRollbackError, which names the cause). on_lost runs at once, inside the statement's call, with the error
 * recorded; when it returns false, nothing was lost, and the connection goes on. It stays set until close; NULL: none.
 */
void mr_conn_set_on_lost(mr_conn *conn, bool (*on_lost)(void *ud), void *ud);
/* Begins a transaction. InvalidRequestError: one is open. */
mr_status mr_conn_begin(mr_conn *conn, mr_txmode mode);
/* Begins a transaction for a load of several statements, so that they read one snapshot. Its reads still count as reads
 * outside of a transaction. */
mr_status mr_conn_begin_load(mr_conn *conn);
/* Makes the transaction of a load an ordinary one. */
void mr_conn_keep_load(mr_conn *conn);
/* Is no transaction open, or only that of a load? */
bool mr_conn_reads_outside(const mr_conn *conn);
/* Gives the open transaction its snapshot of all attached databases now, not at its first read. */
mr_status mr_conn_take_snapshot(mr_conn *conn);
/* Begins a transaction as the first write of a lazy connection does, and calls on_write_begin. No transaction may be
 * open. */
mr_status mr_conn_begin_write(mr_conn *conn);
/* Makes the open transaction refuse statements that write, before they run (InvalidRequestError). */
void mr_conn_set_read_only(mr_conn *conn);
/* Commit and rollback close the connection's open cursors, whose next step fails with InvalidRequestError. A commit
 * that fails (busy) leaves the transaction open. Without a transaction they do nothing. */
mr_status mr_conn_commit(mr_conn *conn);
/* Tells after_execute of the COMMIT that has just succeeded, if it has waited for a lock. MR_FAIL: a listener's error;
 * the changes are stored all the same. */
mr_status mr_conn_tell_commit(mr_conn *conn);
mr_status mr_conn_rollback(mr_conn *conn);
bool mr_conn_in_transaction(const mr_conn *conn);
/* Is a cursor bound, or on a row? The end of a transaction would close it, and the connection keeps its snapshot. */
bool mr_conn_is_reading(const mr_conn *conn);
/* Makes a savepoint with the caller's number n ("mr_sp_N"). Begins a transaction first when none is open. */
mr_status mr_conn_savepoint(mr_conn *conn, unsigned n);
/* Ends the savepoint and keeps the changes since it was made. */
mr_status mr_conn_release(mr_conn *conn, unsigned n);
/* Ends the savepoint and undoes the changes since it was made. */
mr_status mr_conn_rollback_to(mr_conn *conn, unsigned n);

/* Facts about a table. The database is asked once, and again when its schema may have changed. When the driver has no
 * facts, numbers is true and the rest false. with_key: is facts.numbers wanted? It costs more than the rest. */
mr_status mr_conn_table_facts(mr_conn *conn, const mr_table *table, bool with_key, mr_table_facts *out);
/* Tells of all that the statement would read, also behind views, without running it. MR_NOTFOUND: the database does not
 * tell that. */
mr_status mr_conn_reads(mr_conn *conn, const char *sql, mr_reads_fn fn, void *ud);
/* A number that rises when the schema may have changed. */
uint64_t mr_conn_schema_seen(const mr_conn *conn);

/* Makes a cursor for the statement, with the values of its parameters. The values are borrowed, and must stay good
 * until the cursor is closed or gets other values; the cursor retains compiled. The caller closes *out. A write on a
 * lazy connection begins a transaction first. The statement itself runs with the first step. InvalidRequestError: the
 * transaction is read only, or the text would control the transaction. */
mr_status mr_conn_execute(mr_conn *conn, mr_compiled *compiled, const mr_value *values, mr_cursor **out);
/* A prepared statement of the connection's cache. */
typedef struct mr_cached_stmt mr_cached_stmt;
/* Runs a statement that reads, for its first row alone, without a cursor. types: as for mr_cursor_fetch. row: room for
 * its columns. MR_ROW: the row's bytes are good until mr_conn_end_row(conn, *held), which has to follow. MR_NOTFOUND:
 * there is no row. MR_DONE: nothing has been read; a cursor must run it (it is observed, a value is of another type,
 * something is to be tried again). MR_FAIL: a DBAPI error. Until mr_conn_end_row the connection must stay open. */
mr_status mr_conn_first_row(mr_conn *conn, mr_compiled *compiled, const mr_value *values, const mr_type *const *types,
                            mr_value *row, mr_cached_stmt **held);
/* Gives the statement back to the cache. */
void mr_conn_end_row(mr_conn *conn, mr_cached_stmt *held);
/* As mr_conn_execute, but without values, for many executions: bind, step to MR_DONE, bind, step ... They are recorded
 * as one. */
mr_status mr_conn_prepare(mr_conn *conn, mr_compiled *compiled, mr_cursor **out);
/* Ends an execution and sets the values (borrowed) of the next one. */
mr_status mr_cursor_bind(mr_cursor *cursor, const mr_value *values);
/* Goes to the next row: MR_ROW, MR_DONE, or MR_FAIL, whose error has the statement and its parameters. */
mr_status mr_cursor_step(mr_cursor *cursor);
/* Does both: goes to the next row and reads it, as mr_cursor_fetch_any does. MR_ROW; MR_NOTFOUND: a row with marked
 * values; MR_DONE; MR_FAIL. */
mr_status mr_cursor_next(mr_cursor *cursor, const mr_type *const *types, mr_value *out);
/* Reads the current row into out, which has room for mr_cursor_column_count values. types has as many entries; NULL:
 * the types of mr_cursor_types. Bytes are borrowed until the next step. DataError: a type cannot read the stored value.
 */
mr_status mr_cursor_fetch(mr_cursor *cursor, const mr_type *const *types, mr_value *out);
/* The same, but a value that its type cannot read is no error: it comes as it is stored, marked MR_VALUE_MISFIT, and
 * the result is MR_NOTFOUND. */
mr_status mr_cursor_fetch_any(mr_cursor *cursor, const mr_type *const *types, mr_value *out);
/* The types of the statement's result columns; NULL when they are not known. */
const mr_type *const *mr_cursor_types(const mr_cursor *cursor);
/* Adds the statement to the recorded error, when using a row has failed. Returns MR_FAIL. */
mr_status mr_cursor_failed(mr_cursor *cursor);
unsigned mr_cursor_column_count(mr_cursor *cursor); /* of text: known after the first step */
const char *mr_cursor_column_name(mr_cursor *cursor, unsigned i);
int64_t mr_cursor_rowcount(const mr_cursor *cursor); /* number of rows that the last execution matched */
int64_t mr_cursor_last_insert_id(const mr_cursor *cursor);
mr_conn *mr_cursor_conn(const mr_cursor *cursor); /* NULL: the end of a transaction has closed the cursor */
/* Called before the first step, so that mr_cursor_inserted can tell whether the statement makes a row. */
void mr_cursor_watch_insert(mr_cursor *cursor);
bool mr_cursor_inserted(const mr_cursor *cursor); /* true when it was not watched */
/* Closes and frees the cursor. NULL is allowed. */
void mr_cursor_close(mr_cursor *cursor);

/* Executes one prepared statement for many rows. Each row is executed at once, except when hooks listen to executions
 * (mr_engine_hooks): then the rows wait, and are executed at the end as one execution, for which hooks are called once.
 * With mr_batch_together rows wait until there are enough of them for one statement. */
typedef struct mr_batch {
    mr_cursor *cursor;                                     /* borrowed */
    mr_status (*ran)(void *ud, void *row, mr_status step); /* called after each row; step is MR_ROW or MR_DONE */
    void *ud;
    bool waits;    /* rows wait until the end */
    size_t width;  /* number of values of a row */
    mr_vec values; /* mr_value *: copies of the values of each waiting row */
    mr_vec rows;   /* void *: the waiting rows themselves, for ran */
    void *current; /* the row that was executed last: after MR_FAIL, the row that was refused; NULL: not known */
    struct mr_batch_together {
        bool may, lent;     /* several rows may go in one statement; see mr_batch_together */
        bool numbered;      /* the database makes their keys */
        unsigned alone;     /* rows that were executed alone, up to a bound */
        bool next;          /* the last row's key was one more than that of the row before */
        int64_t last;       /* the last row's key */
        mr_cursor *cursor;  /* of the statement for many rows; NULL: not prepared yet */
        mr_value *values;   /* room for the values of many rows; their bytes are borrowed */
        void **rows;        /* room for that many rows */
        mr_arena *bytes;    /* copies of the values' bytes; or NULL */
        size_t many, count; /* rows of the statement; rows that wait for it */
    } together;
} mr_batch;
/* Begins a batch on a cursor of mr_conn_prepare, which stays the caller's. */
void mr_batch_begin(mr_batch *batch, mr_cursor *cursor, mr_status (*ran)(void *ud, void *row, mr_status step),
                    void *ud);
/* Lets the rows of an INSERT go together, many in one statement, which takes half of the time, unless executions are
 * recorded, logged or reported. Only for tables whose facts say in_order. ran sees no difference: the cursor tells each
 * row's own count and key. numbered: ran asks for keys that the database makes. lent: the bytes of all values stay
 * until the batch ends, and need no copy.
 */
void mr_batch_together(mr_batch *batch, bool numbered, bool lent);
/* Executes the rows that wait for one another: before anything runs that may look at their table, such as a function of
 * the program. */
mr_status mr_batch_settle(mr_batch *batch);
/* Executes one row with these values, or lets it wait. row is passed to ran. The values may change after the call,
 * unless they are lent. */
mr_status mr_batch_row(mr_batch *batch, const mr_value *values, void *row);
/* Executes the waiting rows if status is MR_OK; with another status forgets them, and does not use the cursor, which
 * may be closed. The batch may be used again. Returns status, or MR_FAIL when a row failed. */
mr_status mr_batch_end(mr_batch *batch, mr_status status);

/* Executes a statement that returns no rows. values and rowcount may be NULL. */
mr_status mr_conn_run(mr_conn *conn, mr_compiled *compiled, const mr_value *values, int64_t *rowcount);
/* The same for SQL without parameters; the statement is not kept prepared. */
mr_status mr_conn_run_sql(mr_conn *conn, const char *sql);

/* Create and drop the tables of a metadata, in the order of their foreign keys and in one transaction: all of them, or
 * the n of tables when that is not NULL. checkfirst: tables that exist (for drop: that do not exist) are skipped. */
mr_status mr_create_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst);
mr_status mr_drop_all(mr_conn *conn, mr_metadata *md, mr_table *const *tables, size_t n, bool checkfirst);

#ifdef __cplusplus
}
#endif
#endif
