/*
 * connection.h: connections, their statement caches and their cursors, for the files of this folder.
 *
 * A cursor belongs to its connection from creation until it is closed or invalidated; only then does it
 * hold a statement. Commit, rollback, DDL and close invalidate: the cursor's conn and entry become NULL.
 */
#ifndef MOONROW_DB_CONNECTION_H
#define MOONROW_DB_CONNECTION_H

#include "engine.h"

/* A prepared statement, in the cache or (DDL, SQL that runs once) not. */
typedef struct mr_cached_stmt {
    mr_compiled *compiled; /* retained: the key */
    mr_stmt *stmt;
    const mr_type **types; /* of the compiled columns; NULL where there are none */
    bool in_use;
    bool cached;
    struct mr_cached_stmt *same;          /* another copy for the same compiled statement */
    struct mr_cached_stmt *newer, *older; /* by last use */
} mr_cached_stmt;

typedef struct mr_stmt_cache {
    mr_map *entries; /* compiled pointer -> first copy */
    mr_cached_stmt *newest, *oldest;
    unsigned count, capacity;
} mr_stmt_cache;

/* The statements of transaction control that are kept prepared. */
typedef enum mr_control {
    MR_CONTROL_BEGIN, /* + mr_txmode */
    MR_CONTROL_COMMIT = MR_CONTROL_BEGIN + MR_TX_EXCLUSIVE + 1,
    MR_CONTROL_ROLLBACK,
    MR_CONTROL__COUNT
} mr_control;

struct mr_conn {
    mr_engine *engine; /* retained while the connection is out */
    mr_env *env;
    const mr_driver *driver;
    mr_dbc *dbc;
    const void *owner;
    bool began; /* a transaction of this connection is open */
    bool lazy;
    bool read_only;    /* the open transaction: writes are refused */
    bool setting_up;   /* the connect hook runs: nothing is recorded */
    bool own_settings; /* the program has set a PRAGMA on it (foreign_keys = OFF): for nobody else */
    bool blocked;      /* the lock that the last call met is held by this program */
    bool was_blocked;  /* the last call that failed has met such a lock */
    bool exclusive;    /* BEGIN EXCLUSIVE is running */
    uint64_t serial;
    bool loading; /* the open transaction is a load's */
    void (*on_read)(void *ud, bool known, int64_t version);
    void *on_read_ud;
    mr_status (*on_write_begin)(void *ud);
    void *on_write_begin_ud;
    bool lost;     /* the database has ended the transaction by itself, and nobody has rolled back yet */
    char *failure; /* the error it did so with (NULL: there was no memory for it) */
    bool (*on_lost)(void *ud);
    void *on_lost_ud;
    mr_stmt *control[MR_CONTROL__COUNT];
    mr_stmt_cache cache;
    mr_cursor *cursors;
    mr_conn *next_idle;
    mr_conn *prev, *next; /* in mr_db_state */
};

typedef enum mr_cursor_state {
    MR_CURSOR_PREPARED, /* nothing bound */
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
    mr_stmt *stmt;         /* the entry's */
    mr_compiled *compiled;
    const mr_value *values;
    size_t nvalues;
    mr_cursor_state state;
    unsigned ncolumns;
    uint64_t execution;
    int64_t rowcount, last_insert_id;
    bool watched, not_inserted;
    bool told;              /* its executions are parts of one that has been told of */
    double seconds;         /* that those took */
    mr_cursor *prev, *next; /* in conn->cursors */
};

/* ---- physical connections (connection.c) */

mr_status mr_conn_open(mr_engine *engine, mr_conn **out);
void mr_conn_destroy(mr_conn *conn);
/* Was the connection opened by a process that this one was forked from? Then nothing of it may be used. */
bool mr_conn_is_inherited(const mr_conn *conn);
/* Fails where the connection is inherited, or the program asks statements to stop. */
mr_status mr_conn_may_run(mr_conn *conn);
/* What follows a failed driver call: says who holds the lock if it is this program, adds the statement to the
 * error, and follows the database where it has ended the transaction. Returns MR_FAIL. */
mr_status mr_conn_failed(mr_conn *conn, const char *sql, const mr_value *values, size_t n);
/* After a failed call: is it worth trying again? A lock of this program's own, or too many open files, made it fail,
 * and a collection has freed connections that the program had dropped. */
bool mr_conn_may_retry(mr_conn *conn);
/* Calls the hook of before_execute or after_execute for the lists of parameters. (cursor.c) */
mr_status mr_cursor_tell(mr_cursor *cursor, bool after, const mr_value *const *lists, size_t n);
/* Closes the cursors: their next step fails. */
void mr_conn_invalidate_cursors(mr_conn *conn);
/* Runs SQL that is neither cached nor recorded: savepoints and set-up. */
mr_status mr_conn_control_sql(mr_conn *conn, const char *sql);
/* Runs a query for whether it has a row. */
mr_status mr_conn_query(mr_conn *conn, mr_compiled *compiled, const mr_value *values, size_t n, bool *has_row);

/* ---- transactions (transaction.c) */

/* Asks the database whether the transaction is still open: after a textual statement, or (failed) after an error, which
 * is recorded. */
void mr_conn_follow(mr_conn *conn, bool failed);
/* PendingRollbackError where the database has ended the transaction by itself. */
mr_status mr_conn_check_lost(mr_conn *conn);
void mr_conn_forget_loss(mr_conn *conn);
/* After the first step of a statement that reads outside of a transaction: tells on_read. */
void mr_conn_note_read(mr_conn *conn);

/* ---- statement cache (statement_cache.c) */

void mr_stmt_cache_init(mr_stmt_cache *cache, unsigned capacity);
void mr_stmt_cache_done(mr_conn *conn);
/* A statement that nobody else uses, marked in use until it is given back. keep: it stays prepared then. */
mr_status mr_stmt_cache_take(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cached_stmt **out);
void mr_stmt_cache_give(mr_conn *conn, mr_cached_stmt *entry);

/* ---- cursors (cursor.c) */

/* Like mr_conn_prepare; keep says whether the statement stays prepared. */
mr_status mr_conn_cursor(mr_conn *conn, mr_compiled *compiled, bool keep, mr_cursor **out);
/* Like mr_cursor_bind, for n values whatever the compiled statement says. */
mr_status mr_cursor_bind_n(mr_cursor *cursor, const mr_value *values, size_t n);
/* Takes away connection and statement. */
void mr_cursor_invalidate(mr_cursor *cursor);

#endif
