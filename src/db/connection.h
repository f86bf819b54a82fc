/*
 * connection.h: the members of connections, statement caches and cursors, for the files of this folder.
 *
 * Invariant: a cursor belongs to its connection, and has a statement, until it is closed or invalidated. Commit,
 * rollback, DDL and the closing of the connection invalidate cursors: conn and entry become NULL.
 */
#ifndef MOONROW_DB_CONNECTION_H
#define MOONROW_DB_CONNECTION_H

#include "engine.h"

/* A prepared statement. DDL and SQL that runs only once are not in the cache. */
struct mr_cached_stmt {
    mr_compiled *compiled; /* retained; the key of the cache */
    mr_stmt *stmt;
    const mr_type **types; /* the types of the compiled columns; NULL when there are none */
    bool in_use;
    bool cached;
    struct mr_cached_stmt *same;          /* another copy for the same compiled statement */
    struct mr_cached_stmt *newer, *older; /* in the order of their last use */
};

typedef struct mr_stmt_cache {
    mr_map *entries; /* from a compiled statement to its first copy */
    mr_cached_stmt *newest, *oldest;
    unsigned count, capacity;
} mr_stmt_cache;

/* The statements of transaction control that are kept prepared. */
typedef enum mr_control {
    MR_CONTROL_BEGIN, /* + mr_txmode */
    MR_CONTROL_COMMIT = MR_CONTROL_BEGIN + MR_TX_SERIALIZABLE + 1,
    MR_CONTROL_ROLLBACK,
    MR_CONTROL__COUNT
} mr_control;

struct mr_conn {
    mr_engine *engine; /* retained while the connection is out */
    mr_env *env;
    const mr_driver *driver;
    mr_dbc *dbc;
    const void *owner;
    bool taken;     /* in use, not idle */
    char *taken_at; /* the line of the program that took it; NULL: nobody asks, or it is not known */
    double opened;  /* mr_db_now */
    bool began;     /* a transaction of this connection is open */
    bool lazy;
    bool read_only;      /* the open transaction refuses writes */
    bool setting_up;     /* the connect hook is running: nothing is recorded */
    bool own_settings;   /* the program has set a PRAGMA on it (foreign_keys = OFF): no other user may get it */
    bool blocked;        /* the last call met a lock, which this program itself holds */
    bool was_blocked;    /* the last call that failed met such a lock */
    bool exclusive;      /* BEGIN EXCLUSIVE is running */
    double begin_waited; /* so many seconds the last BEGIN has waited for a lock; 0: nobody measures, or it is told */
    double commit_waited, commit_seconds; /* of the last COMMIT; mr_conn_tell_commit has not told of it */
    uint64_t serial;
    bool loading; /* the open transaction is that of a load */
    void (*on_read)(void *ud, bool known, int64_t version);
    void *on_read_ud;
    mr_status (*on_write_begin)(void *ud);
    void *on_write_begin_ud;
    bool aborted;  /* the database refuses all statements of the transaction until a rollback */
    bool lost;     /* the database has ended the transaction by itself, and it was not rolled back since */
    char *failure; /* the error that was the cause; NULL: there was no memory for it */
    bool (*on_lost)(void *ud);
    void *on_lost_ud;
    void *record;    /* what the engine's watcher keeps for it; NULL: nobody watches */
    bool tells_rows; /* the driver tells the watcher of each row */
    mr_stmt *control[MR_CONTROL__COUNT];
    mr_stmt_cache cache;
    mr_cursor *cursors;
    mr_cursor *spare;      /* a closed one: the memory of the next; or NULL */
    const mr_marks *marks; /* of statements that begin; borrowed, or NULL */
    mr_conn *next_idle;
    mr_conn *prev, *next; /* in mr_db_state */
};

typedef enum mr_cursor_state {
    MR_CURSOR_PREPARED, /* has no values yet */
    MR_CURSOR_BOUND,
    MR_CURSOR_ROW,
    MR_CURSOR_DONE,
    MR_CURSOR_FAILED,
    MR_CURSOR_CLOSED /* invalidated */
} mr_cursor_state;

struct mr_cursor {
    mr_env *env;
    mr_conn *conn;         /* NULL when invalidated */
    mr_cached_stmt *entry; /* NULL when invalidated */
    mr_stmt *stmt;         /* that of entry */
    mr_compiled *compiled;
    const mr_value *values; /* as they were sent */
    size_t nvalues;
    mr_value *stored;   /* room for the values in the form in which they are stored; NULL: not needed yet */
    mr_store_room room; /* bytes of these */
    mr_cursor_state state;
    unsigned ncolumns;
    uint64_t execution;
    int64_t rowcount, last_insert_id;
    char *shown; /* the SQL with the comment of its tag; NULL: it has none */
    double left; /* seconds that the execution may still run; 0: no limit */
    bool watched, not_inserted;
    bool notified;          /* its executions belong to a batch, for which the hooks were called already */
    double seconds;         /* the duration of these executions ... */
    double waited;          /* ... and the part of it for which they waited for locks */
    mr_cursor *prev, *next; /* in conn->cursors */
};

/* The SQL as it is shown. */
static inline const char *mr_cursor_sql(const mr_cursor *c) { return c->shown ? c->shown : c->compiled->sql; }

/* ---- marks of statements (marks.c) */

/* Do statements of the connection have marks? */
static inline bool mr_conn_is_marked(const mr_conn *conn) {
    const mr_engine *engine = conn->engine;
    return conn->marks || engine->timeout > 0 || engine->hooks.place;
}
/* The SQL with the comment of its tag; free it. NULL: it has none, or there is no memory. */
char *mr_conn_shown_sql(mr_conn *conn, const char *sql);
/* Gives the new cursor its marks. InvalidRequestError: the driver cannot stop a statement. */
mr_status mr_cursor_mark(mr_cursor *cursor);
/* All seconds that the connection has waited for locks of others. (cursor.c) */
double mr_conn_waited(const mr_conn *conn);
/* The time in seconds, for the duration of executions. (cursor.c) */
double mr_db_now(void);
/* A step of the driver, within the time that is left. */
mr_status mr_cursor_step_limited(mr_cursor *cursor);

/* ---- physical connections (connection.c) */

/* Opens a new connection; the caller destroys it. */
mr_status mr_conn_open(mr_engine *engine, mr_conn **out);
/* Closes the connection and frees it. */
void mr_conn_destroy(mr_conn *conn);
/* Is the connection lost for good? */
bool mr_conn_is_dead(const mr_conn *conn);
/* Was the connection opened by the process from which this one was forked? Then it must not be used. */
bool mr_conn_is_inherited(const mr_conn *conn);
/* Fails with an OperationalError when the connection is inherited, or when statements must stop. */
mr_status mr_conn_may_run(mr_conn *conn);
/* Called after a failed call of the driver. Adds to the error: the statement, and, if this program itself holds the
 * lock, a note about that. Then finds out whether the transaction is still open. Returns MR_FAIL. */
mr_status mr_conn_failed(mr_conn *conn, const char *sql, const mr_value *values, size_t n);
/* Called after a failed call. Is it worth trying again? True when the cause was a lock of this program, or too many
 * open files, and connections that the program had dropped were freed now. */
bool mr_conn_may_retry(mr_conn *conn);
/* Calls the hook before_execute, or after_execute, for n lists of parameters. (cursor.c) */
mr_status mr_cursor_notify(mr_cursor *cursor, bool after, const mr_value *const *lists, size_t n);
/* Invalidates all cursors of the connection: their next step fails. */
void mr_conn_invalidate_cursors(mr_conn *conn);
/* Executes SQL that is not cached and not recorded: savepoints and set-up. */
mr_status mr_conn_control_sql(mr_conn *conn, const char *sql);
/* Executes a query. *has_row: has it returned a row? */
mr_status mr_conn_query(mr_conn *conn, mr_compiled *compiled, const mr_value *values, size_t n, bool *has_row);

/* ---- transactions (transaction.c) */

/* Asks the database whether the transaction is still open, and updates began and lost. Called after the user's text,
 * and (failed) after an error, which is recorded. */
void mr_conn_update_began(mr_conn *conn, bool failed);
/* Has the database ended the transaction by itself, or does it refuse all statements? */
static inline bool mr_conn_is_over(const mr_conn *conn) { return conn->lost || conn->aborted; }
/* Fails with PendingRollbackError if so. */
mr_status mr_conn_check_lost(mr_conn *conn);
/* Ends the state of such a transaction. */
void mr_conn_forget_loss(mr_conn *conn);
/* Called after the first step of a statement that reads outside of a transaction: calls on_read. */
void mr_conn_note_read(mr_conn *conn);

/* ---- rows that statements change (watch.c) */

/* If the engine has a watcher: has it watch the connection from now on. */
mr_status mr_conn_watch(mr_conn *conn);
void mr_conn_unwatch(mr_conn *conn);

/* ---- statement cache (statement_cache.c) */

/* Makes an empty cache. */
void mr_stmt_cache_init(mr_stmt_cache *cache, unsigned capacity);
/* Finalizes all statements of the connection's cache. */
void mr_stmt_cache_done(mr_conn *conn);
/* Takes a prepared statement that is not in use, or prepares one. It is in use until it is given back. keep: after that
 * it stays in the cache. */
mr_status mr_stmt_cache_take(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cached_stmt **out);
/* Forgets all statements: those in use are finalized when they are given back. */
void mr_stmt_cache_forget(mr_conn *conn);
/* Gives a statement back. */
void mr_stmt_cache_give(mr_conn *conn, mr_cached_stmt *entry);

/* ---- cursors (cursor.c) */

/* Like mr_conn_prepare. keep: the statement stays in the cache after the cursor is closed. */
mr_status mr_conn_cursor(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cursor **out);
/* Like mr_cursor_bind, but with n values, also when the compiled statement has another number of parameters. */
mr_status mr_cursor_bind_n(mr_cursor *cursor, const mr_value *values, size_t n);
/* Takes connection and statement away from the cursor. */
void mr_cursor_invalidate(mr_cursor *cursor);

#endif
