/*
 * engine.h: what an engine consists of, for the files of this folder.
 *
 * An engine is counted: each connection that is out holds a reference, idle ones belong to it. All open
 * connections of an environment are in one list (mr_db_state), so that a connection that meets a lock can
 * tell whether it would wait for its own program.
 */
#ifndef MOONROW_DB_ENGINE_H
#define MOONROW_DB_ENGINE_H

#include <moonrow/db.h>

/* One per environment, in its arena. */
typedef struct mr_db_state {
    mr_env *env;
    uint64_t serial;           /* of the last engine */
    mr_conn *conns;            /* all open connections, idle ones too */
    bool (*collect)(void *ud); /* see mr_db_set_collect; NULL: nothing can */
    void *collect_ud;
    bool collecting;
} mr_db_state;

typedef struct mr_compile_cache {
    mr_map *entries; /* of compile_entry pointers, by key bytes */
    struct mr_compile_entry *newest, *oldest;
    mr_strbuf key; /* scratch, kept between calls */
    mr_vec binds;  /* scratch: const mr_node * */
} mr_compile_cache;

struct mr_engine {
    mr_env *env;
    unsigned refs;
    mr_url url;
    const mr_driver *driver;
    const mr_dialect *dialect;
    mr_db_state *state;
    uint64_t serial;
    void *native; /* the caller's handle, or the mock driver's script, which is the engine's */
    unsigned statement_cache;
    int busy_timeout; /* -1: the driver's */
    bool echo;
    mr_engine_hooks hooks;
    mr_recorder *recorders; /* running, innermost first */
    uint64_t executions;    /* numbers executions, so that a batch finds its record */
    uint64_t fail_at, calls;
    uint64_t connections; /* made so far */
    mr_dbc *anchor;       /* keeps a memory database alive */
    mr_conn *idle;
    unsigned nidle;
    mr_compile_cache compile_cache;
};

/* After a failure: there were too many open files, and now that what was dropped is collected and all idle connections
 * are closed there may be room. The recorded error is cleared then. */
bool mr_db_make_room(mr_db_state *state, const mr_driver *driver);

/* The environment's state, made on first use; NULL without memory. */
mr_db_state *mr_db_state_of(mr_env *env);

/* Frees what was dropped; true: it is worth while to try again. The recorded error is cleared then. */
bool mr_db_collect(mr_db_state *state);

void mr_compile_cache_init(mr_compile_cache *cache, mr_env *env);
void mr_compile_cache_done(mr_compile_cache *cache);

/* Counts a driver call; true when it is the one that has to fail, the error then being recorded. */
bool mr_engine_injected(mr_engine *engine);
/* Fast check for the call path: false where mr_engine_injected need not be asked. */
static inline bool mr_engine_call_fails(mr_engine *engine) {
    return ++engine->calls == engine->fail_at && mr_engine_injected(engine);
}

/* ---- recording (recorder.c) and echo (echo.c) */

/* True when somebody wants to know of executions. */
static inline bool mr_engine_observed(const mr_engine *engine) {
    return engine->echo || engine->recorders || engine->hooks.before_execute || engine->hooks.after_execute;
}
/* Notes an execution in every running recorder: executions of equal number are one record. */
mr_status mr_recorders_note(mr_engine *engine, uint64_t execution, const char *sql, const mr_value *params, size_t n);
void mr_recorders_add_time(mr_engine *engine, uint64_t execution, double seconds);
/* Logs a statement and its parameters; lack of memory only loses the line. */
void mr_echo(mr_engine *engine, const char *sql, const mr_value *params, size_t n);

#endif
