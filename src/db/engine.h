/*
 * engine.h: the members of an engine, for the files of this folder.
 *
 * Invariant: each connection in use holds a reference to its engine; idle connections hold none, the engine owns them.
 * All open connections of an environment are in one list (mr_db_state), so that a connection that meets a lock can find
 * out whether another connection of the same program holds it.
 */
#ifndef MOONROW_DB_ENGINE_H
#define MOONROW_DB_ENGINE_H

#include <moonrow/db.h>

/* Each environment has one of these, in its arena. */
typedef struct mr_db_state {
    mr_env *env;
    uint64_t serial;           /* that of the last engine */
    mr_conn *conns;            /* all open connections, idle ones included */
    bool (*collect)(void *ud); /* mr_db_set_collect, or NULL */
    void *collect_ud;
    bool collecting;
    void (*place)(void *ud, mr_strbuf *out); /* mr_db_set_place, or NULL */
    void *place_ud;
} mr_db_state;
/* The state of the environment, made when it is first used; NULL: there was no memory. */
mr_db_state *mr_db_state_of(mr_env *env);

typedef struct mr_compile_cache {
    mr_map *entries; /* of compile_entry *, found by the bytes of the key */
    struct mr_compile_entry *newest, *oldest;
    mr_strbuf key; /* used during a call; its memory is kept for the next one */
    mr_vec binds;  /* the same; const mr_node * */
} mr_compile_cache;

/* A library that extends the database's. */
typedef struct mr_extension {
    const char *path, *entry; /* interned; entry NULL: guessed by the path */
    struct mr_extension *next;
} mr_extension;

struct mr_engine {
    mr_env *env;
    unsigned refs;
    mr_url url;
    const mr_driver *driver;
    const mr_dialect *dialect;
    mr_db_state *state;
    uint64_t serial;
    void *native; /* the caller's handle; for a mock driver its script, which the engine owns */
    unsigned statement_cache;
    int busy_timeout; /* in milliseconds; -1: the driver's default */
    bool echo;
    double timeout; /* seconds that a statement may run; 0: no limit */
    mr_engine_hooks hooks;
    mr_recorder *recorders; /* the running recorders, the newest first */
    uint64_t executions;    /* the number of the last execution: the rows of a batch have one number */
    uint64_t fail_at, calls;
    uint64_t connections; /* the serial of the last connection */
    mr_dbc *anchor;       /* an extra connection that keeps a database in memory alive; or NULL */
    mr_conn *idle;
    unsigned nidle;
    unsigned pool_size;        /* so many idle connections are kept */
    unsigned taken, max_taken; /* connections in use, and how many may be; max_taken 0: no limit */
    double recycle;            /* seconds after which an idle connection is replaced; 0: never */
    mr_compile_cache compile_cache;
    mr_sql_function *functions;    /* of the program's, the oldest first */
    const mr_row_watcher *watcher; /* who hears of the rows that statements change; or NULL */
    bool load_extension;           /* it was made for extensions */
    mr_extension *extensions;      /* the oldest first */
};

/* Called after a failure. If there were too many open files, frees dropped connections and closes idle ones, and
 * returns true: it is worth trying again. Then the recorded error is cleared. */
bool mr_db_make_room(mr_db_state *state, const mr_driver *driver);

/* Frees the connections that the program has dropped. True: it is worth trying again; then the recorded error is
 * cleared. */
bool mr_db_collect(mr_db_state *state);

/* Make an empty cache, and free one. (compile_cache.c) */
void mr_compile_cache_init(mr_compile_cache *cache, mr_env *env);
void mr_compile_cache_done(mr_compile_cache *cache);

/* ---- functions of the program's (function.c) */

/* Gives a new connection those of its engine. */
mr_status mr_conn_add_functions(mr_conn *conn);
/* Takes them away from a connection that is the caller's, and goes on without the library. */
void mr_conn_remove_functions(mr_conn *conn);
void mr_engine_free_functions(mr_engine *engine);

/* ---- extensions (extension.c) */

/* Loads those of its engine into a new connection. */
mr_status mr_conn_load_extensions(mr_conn *conn);
void mr_engine_free_extensions(mr_engine *engine);

/* Records the error of mr_engine_fail_at if the call that was counted last must fail, and returns true then. */
bool mr_engine_injected(mr_engine *engine);
/* Counts a call of the driver. True, with the error recorded, when the call must fail. */
static inline bool mr_engine_call_fails(mr_engine *engine) {
    return ++engine->calls == engine->fail_at && mr_engine_injected(engine);
}

/* ---- recording (recorder.c) and echo (echo.c) */

/* Are executions logged, recorded, or reported to hooks? */
static inline bool mr_engine_observed(const mr_engine *engine) {
    return engine->echo || engine->recorders || engine->hooks.before_execute || engine->hooks.after_execute;
}
/* Adds an execution (copied) to every running recorder. Executions with the same number become one record. */
mr_status mr_recorders_note(mr_engine *engine, uint64_t execution, const char *sql, const mr_value *params, size_t n);
/* Adds to the duration of a recorded execution, and to the time of it that it waited for locks. */
void mr_recorders_add_time(mr_engine *engine, uint64_t execution, double seconds, double waited);
/* Writes a statement and its parameters to the log. Without memory nothing is written. */
void mr_echo(mr_engine *engine, const char *sql, const mr_value *params, size_t n);

#endif
