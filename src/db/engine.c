/*
 * engine.c: engines, and the pool of their idle connections. An engine opens connections when they are needed, and
 * keeps a few that were given back.
 *
 * Invariant: an idle connection has no open transaction and no cursors.
 */
#include "connection.h"
#include "driver_mock.h"

#include <string.h>

enum { MAX_IDLE = 8, STATEMENT_CACHE = 100 };

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

/* The environment's state; it is made when it is first used. */
static mr_db_state *state_of(mr_env *env) {
    mr_db_state *state = mr_env_get(env, MR_ENV_DB);
    if (state) return state;
    state = mr_env_arena(env, sizeof *state);
    if (!state) return NULL;
    state->env = env;
    mr_env_set(env, MR_ENV_DB, state);
    return state;
}

mr_status mr_db_set_collect(mr_env *env, bool (*collect)(void *ud), void *ud) {
    mr_db_state *state = state_of(env);
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
    mr_db_state *state = state_of(env);
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

/* ---------------------------------------------------------------- the pool */

void mr_engine_dispose(mr_engine *engine) {
    while (engine->idle) {
        mr_conn *conn = engine->idle;
        engine->idle = conn->next_idle;
        engine->nidle--;
        mr_conn_destroy(conn);
    }
}

/* The listeners of `connect` run first: they may have to set the key of an encrypted database. */
static mr_status set_up_connection(mr_engine *engine, mr_conn *conn) {
    mr_status status = MR_OK;
    conn->setting_up = true;
    if (engine->hooks.connect) status = engine->hooks.connect(engine->hooks.ud, engine, conn);
    conn->setting_up = false;
    if (status == MR_FAIL || !engine->driver->set_up) return status;
    return engine->driver->set_up(conn->dbc, &engine->url);
}

/* Takes an idle connection out of the list; place is the pointer in the list that leads to it. */
static mr_conn *take_idle(mr_engine *engine, mr_conn **place) {
    mr_conn *conn = *place;
    *place = conn->next_idle;
    engine->nidle--;
    conn->next_idle = NULL;
    mr_engine_retain(engine);
    return conn;
}

/* Closes the idle connections that the database has ended meanwhile: it was started again, or was tired of waiting. */
static void drop_dead(mr_engine *engine) {
    for (mr_conn **place = &engine->idle; *place;) {
        mr_conn *conn = *place;
        if (!mr_conn_is_dead(conn)) {
            place = &conn->next_idle;
            continue;
        }
        *place = conn->next_idle;
        engine->nidle--;
        mr_conn_destroy(conn);
    }
}

mr_status mr_engine_connect_again(mr_engine *engine, uint64_t serial, mr_conn **out) {
    if (engine->idle && mr_conn_is_inherited(engine->idle)) mr_engine_dispose(engine);
    drop_dead(engine);
    for (mr_conn **place = &engine->idle; *place; place = &(*place)->next_idle) {
        if ((*place)->serial != serial) continue;
        *out = take_idle(engine, place);
        return MR_OK;
    }
    return mr_engine_connect(engine, out);
}

bool mr_db_make_room(mr_db_state *state, const mr_driver *driver) {
    mr_env *env = state->env;
    if (!driver->out_of_files || !driver->out_of_files(mr_env_error(env))) return false;
    bool room = false;
    mr_error *saved = mr_env_save_error(env);
    if (mr_db_collect(state)) room = true;
    for (mr_conn *conn = state->conns; conn;) {
        bool closes = conn->engine->idle != NULL;
        if (closes) mr_engine_dispose(conn->engine);
        conn = closes ? state->conns : conn->next;
        room = room || closes;
    }
    mr_env_clear_error(env);
    if (room) mr_error_free(env, saved);
    else mr_env_restore_error(env, saved);
    return room;
}

mr_status mr_engine_connect(mr_engine *engine, mr_conn **out) {
    if (engine->idle && mr_conn_is_inherited(engine->idle)) mr_engine_dispose(engine);
    drop_dead(engine);
    mr_conn *conn;
    for (mr_conn **place = &engine->idle; *place; place = &(*place)->next_idle) {
        if ((*place)->own_settings) continue; /* the session that has made its settings will ask for it by its serial */
        *out = take_idle(engine, place);
        return MR_OK;
    }
    mr_engine_retain(engine);
    if (mr_conn_open(engine, &conn) &&
        (!mr_db_make_room(engine->state, engine->driver) || mr_conn_open(engine, &conn))) {
        mr_engine_release(engine);
        return MR_FAIL;
    }
    if (mr_conn_load_extensions(conn) != MR_OK || mr_conn_add_functions(conn) != MR_OK ||
        set_up_connection(engine, conn) == MR_FAIL || mr_conn_watch(conn) != MR_OK) {
        mr_conn_invalidate_cursors(conn);
        mr_conn_destroy(conn);
        mr_engine_release(engine);
        return MR_FAIL;
    }
    *out = conn;
    return MR_OK;
}

/* Removes everything that the last user has set. False when the connection cannot be used again. */
static bool clean(mr_conn *conn) {
    bool of_session = conn->owner != NULL;
    conn->owner = NULL;
    conn->lazy = false;
    conn->on_write_begin = NULL;
    conn->on_write_begin_ud = NULL;
    conn->on_read = NULL;
    conn->on_read_ud = NULL;
    conn->on_lost = NULL;
    conn->on_lost_ud = NULL;
    mr_conn_forget_loss(conn);
    mr_conn_invalidate_cursors(conn);
    if (mr_conn_is_dead(conn)) return false;
    if (mr_conn_is_inherited(conn) || (conn->own_settings && !of_session)) return false;
    if (!conn->began) return true;
    /* An error that is being reported must not be replaced by errors of the clean-up. */
    bool pending = mr_env_error(conn->env)->kind != MR_ERR_NONE;
    mr_error *saved = pending ? mr_env_save_error(conn->env) : NULL;
    mr_conn_rollback(conn);
    if (pending) mr_env_restore_error(conn->env, saved);
    return !conn->began && !mr_conn_is_dead(conn);
}

void mr_conn_close(mr_conn *conn) {
    if (!conn) return;
    mr_engine *engine = conn->engine;
    if (clean(conn) && engine->nidle < MAX_IDLE) {
        conn->next_idle = engine->idle;
        engine->idle = conn;
        engine->nidle++;
    } else {
        mr_conn_destroy(conn);
    }
    mr_engine_release(engine);
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
