/*
 * engine.c: engines: how they are made and ended, and how their database is copied.
 *
 * Invariant: an engine is freed with its last reference; connections in use hold one each.
 */
#include "connection.h"
#include "driver_mock.h"

#include <string.h>

enum { POOL_SIZE = 8, STATEMENT_CACHE = 100 };

/* ---------------------------------------------------------------- making */

/* The words with which a URL may begin: a driver, or the mock of a dialect. */
#define MOCK(name) {"mock+" #name, NULL},
static const struct {
    const char *name;
    const mr_driver *(*driver)(void);
} known[] = {{"sqlite", mr_driver_sqlite}, {"postgresql", mr_driver_postgresql}, MR_DIALECTS(MOCK)};
enum { NKNOWN = sizeof known / sizeof known[0] };

static const char *known_name(void *ud, size_t i) {
    (void)ud;
    return i < NKNOWN ? known[i].name : NULL;
}

static const mr_driver *find_driver(const char *name) {
    for (size_t i = 0; i < NKNOWN; i++) {
        if (strcmp(known[i].name, name) != 0) continue;
        return known[i].driver ? known[i].driver() : mr_driver_mock(name + strlen("mock+"));
    }
    return NULL;
}

/* The message names a mock driver only when the user has nearly written its name: mocks are for tests. */
static mr_status no_dialect(mr_env *env, const mr_url *url) {
    const char *near = mr_nearest(url->dialect, known_name, NULL);
    return mr_fail(env, MR_ERR_ARGUMENT, "database URL \"%s\": unknown dialect '%s'%s", url->text, url->dialect,
                   near ? mr_hint(env, near) : " (known are sqlite and postgresql)");
}

mr_db_state *mr_db_state_of(mr_env *env) {
    mr_db_state *state = mr_env_get(env, MR_ENV_DB);
    if (state) return state;
    state = mr_env_arena(env, sizeof *state);
    if (!state) return NULL;
    state->env = env;
    mr_env_set(env, MR_ENV_DB, state);
    return state;
}

mr_status mr_db_set_collect(mr_env *env, bool (*collect)(void *ud), void *ud) {
    mr_db_state *state = mr_db_state_of(env);
    if (!state) return MR_FAIL;
    state->collect = collect;
    state->collect_ud = ud;
    return MR_OK;
}

/* A call from inside of the collection does nothing: the objects that are collected may use the library. */
bool mr_db_collect(mr_db_state *state) {
    if (!state->collect || state->collecting) return false;
    mr_env *env = state->env;
    mr_error *saved = mr_env_save_error(env);
    state->collecting = true;
    bool done = state->collect(state->collect_ud);
    state->collecting = false;
    mr_env_clear_error(env);
    if (done) mr_error_free(env, saved);
    else mr_env_restore_error(env, saved);
    return done;
}

static mr_status set_up(mr_engine *engine, const char *url, size_t len, const mr_engine_options *options) {
    mr_env *env = engine->env;
    if (mr_url_parse(env, url, len, &engine->url)) return MR_FAIL;
    engine->driver = find_driver(engine->url.dialect);
    if (!engine->driver) return no_dialect(env, &engine->url);
    engine->dialect = engine->driver->dialect();
    engine->busy_timeout = options ? options->busy_timeout : -1;
    engine->timeout = options ? options->timeout : 0;
    engine->echo = options && options->echo;
    engine->load_extension = options && options->load_extension;
    engine->timeout = options ? options->timeout : 0;
    engine->statement_cache =
        options && options->statement_cache > 0 ? (unsigned)options->statement_cache : STATEMENT_CACHE;
    engine->pool_size = options && options->pool_size > 0 ? options->pool_size : POOL_SIZE;
    engine->max_taken = options ? options->max_taken : 0;
    engine->recycle = options ? options->pool_recycle : 0;
    if (engine->driver->check && engine->driver->check(env, &engine->url)) return MR_FAIL;
    if (mr_driver_is_mock(engine->driver)) {
        engine->native = mr_mock_script_new(env);
        return engine->native ? MR_OK : MR_FAIL;
    }
    engine->native = options ? options->native : NULL;
    if (engine->native || !engine->driver->needs_anchor || !engine->driver->needs_anchor(&engine->url)) return MR_OK;
    if (engine->driver->open(env, &engine->url, engine->serial, NULL, &engine->anchor)) return MR_FAIL;
    return engine->driver->set_up ? engine->driver->set_up(engine->anchor, &engine->url) : MR_OK;
}

static void engine_free(mr_engine *engine) {
    mr_env *env = engine->env;
    mr_engine_dispose(engine);
    (void)mr_engine_watch(engine, NULL);
    if (engine->anchor) engine->driver->close(engine->anchor);
    if (engine->driver && mr_driver_is_mock(engine->driver)) mr_mock_script_free(engine->native);
    mr_compile_cache_done(&engine->compile_cache);
    mr_engine_free_functions(engine);
    mr_engine_free_extensions(engine);
    mr_free(env, engine);
}

mr_status mr_engine_new(mr_env *env, const char *url, size_t len, const mr_engine_options *options, mr_engine **out) {
    mr_db_state *state = mr_db_state_of(env);
    mr_engine *engine = state ? mr_calloc(env, sizeof *engine) : NULL;
    if (!engine) return MR_FAIL;
    engine->env = env;
    engine->refs = 1;
    engine->state = state;
    engine->serial = ++state->serial;
    mr_compile_cache_init(&engine->compile_cache, env);
    if (set_up(engine, url, len, options) != MR_OK) {
        engine_free(engine);
        return MR_FAIL;
    }
    *out = engine;
    return MR_OK;
}

mr_engine *mr_engine_retain(mr_engine *engine) {
    engine->refs++;
    return engine;
}

void mr_engine_release(mr_engine *engine) {
    if (engine && --engine->refs == 0) engine_free(engine);
}

mr_env *mr_engine_env(const mr_engine *engine) { return engine->env; }
const mr_url *mr_engine_url(const mr_engine *engine) { return &engine->url; }
const mr_dialect *mr_engine_dialect(const mr_engine *engine) { return engine->dialect; }
uint64_t mr_engine_serial(const mr_engine *engine) { return engine->serial; }
const mr_driver *mr_engine_driver(const mr_engine *engine) { return engine->driver; }
mr_engine_hooks *mr_engine_hooks_of(mr_engine *engine) { return &engine->hooks; }
void mr_engine_set_echo(mr_engine *engine, bool echo) { engine->echo = echo; }

/* ---------------------------------------------------------------- the failing driver */

void mr_engine_fail_at(mr_engine *engine, uint64_t n) {
    engine->fail_at = n;
    engine->calls = 0;
}

uint64_t mr_engine_calls(const mr_engine *engine) { return engine->calls; }

bool mr_engine_injected(mr_engine *engine) {
    mr_fail(engine->env, MR_ERR_OPERATIONAL, "injected failure (driver call %llu)", (unsigned long long)engine->calls);
    mr_error_add_orig(engine->env, "injected failure", 0);
    return true;
}

/* ---------------------------------------------------------------- copies */

mr_status mr_engine_copy(mr_engine *engine, const mr_copy *copy) {
    mr_env *env = engine->env;
    mr_conn *conn;
    if (!engine->driver->copy)
        return mr_fail(env, MR_ERR_INVALID_REQUEST, "the driver %s copies no databases", engine->driver->name);
    for (conn = engine->state->conns; copy->restore && conn; conn = conn->next)
        if (conn->engine == engine && (mr_conn_in_transaction(conn) || mr_conn_is_reading(conn)))
            return mr_fail(env, MR_ERR_INVALID_REQUEST,
                           "restore: %s has an open transaction: commit or roll it back first",
                           conn->owner ? "a session" : "a connection");
    if (mr_engine_connect(engine, &conn) != MR_OK) return MR_FAIL;
    mr_status status = engine->driver->copy(conn->dbc, copy);
    mr_error *saved = status == MR_FAIL ? mr_env_save_error(env) : NULL;
    mr_conn_close(conn);
    if (copy->restore) mr_engine_dispose(engine); /* their statements and what they know are of another schema */
    if (saved) mr_env_restore_error(env, saved);
    return status;
}
