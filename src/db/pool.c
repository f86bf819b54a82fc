/*
 * pool.c: the connections of an engine: opened when they are needed, limited in number where the program says so, and
 * kept when they are given back.
 *
 * Invariant: an idle connection has no open transaction and no cursors. engine->taken counts the connections that are
 * in use, each of which has conn->taken. Where their number is limited, each knows the line of the program that took
 * it. Nobody waits for one: the program's only thread would be the one to give it back.
 */
#include "connection.h"

#include <string.h>

/* ---------------------------------------------------------------- who has taken what */

mr_status mr_db_set_place(mr_env *env, void (*place)(void *ud, mr_strbuf *out), void *ud) {
    mr_db_state *state = mr_db_state_of(env);
    if (!state) return MR_FAIL;
    state->place = place;
    state->place_ud = ud;
    return MR_OK;
}

/* Without memory the place is missing, and the connection is taken all the same. */
static char *place_now(mr_engine *engine) {
    const mr_db_state *state = engine->state;
    if (!state->place) return NULL;
    mr_strbuf b;
    mr_strbuf_init(&b, engine->env);
    state->place(state->place_ud, &b);
    char *made = !b.oom && b.len > 0 ? mr_strndup(engine->env, b.data, b.len) : NULL;
    if (b.oom || (b.len > 0 && !made)) mr_env_clear_error(engine->env);
    mr_strbuf_done(&b);
    return made;
}

static void note_taken(mr_conn *conn) {
    conn->taken = true;
    conn->engine->taken++;
    if (conn->engine->max_taken > 0) conn->taken_at = place_now(conn->engine);
}

static void note_returned(mr_conn *conn) {
    conn->taken = false;
    conn->engine->taken--;
    mr_free(conn->env, conn->taken_at);
    conn->taken_at = NULL;
}

const char *mr_engine_taken_at(const mr_engine *engine, unsigned i) {
    for (const mr_conn *conn = engine->state->conns; conn; conn = conn->next)
        if (conn->engine == engine && conn->taken && conn->taken_at && i-- == 0) return conn->taken_at;
    return NULL;
}

/* ", taken at a.lua:3, a.lua:9": of the connections in use, the first of them. */
static void add_places(const mr_engine *engine, mr_strbuf *out) {
    enum { SHOWN = 10 };
    const char *place;
    for (unsigned i = 0; (place = mr_engine_taken_at(engine, i)) != NULL; i++) {
        if (i == SHOWN) {
            mr_strbuf_puts(out, ", ...");
            return;
        }
        mr_strbuf_printf(out, "%s%s", i == 0 ? "; they were taken at " : ", ", place);
    }
}

static mr_status all_taken(mr_engine *engine) {
    mr_strbuf places;
    mr_strbuf_init(&places, engine->env);
    add_places(engine, &places);
    const char *text = mr_strbuf_str(&places);
    if (text)
        mr_fail(engine->env, MR_ERR_OPERATIONAL,
                "(%s) all %u connections that the pool may open are in use: commit, roll back or close the sessions "
                "and connections that are not needed, or raise pool_size or max_overflow%s",
                engine->driver->name, engine->max_taken, text);
    mr_strbuf_done(&places);
    return MR_FAIL;
}

/* May one more be taken? A session or connection that the program has dropped without closing it gives its own back. */
static mr_status check_limit(mr_engine *engine) {
    if (engine->max_taken == 0 || engine->taken < engine->max_taken) return MR_OK;
    if (mr_db_collect(engine->state) && engine->taken < engine->max_taken) return MR_OK;
    return all_taken(engine);
}

mr_pool_status mr_engine_pool_status(const mr_engine *engine) {
    return (mr_pool_status){.size = engine->pool_size,
                            .most = engine->max_taken,
                            .idle = engine->nidle,
                            .taken = engine->taken,
                            .opened = engine->connections};
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
    note_taken(conn);
    return conn;
}

/* Is the connection older than the engine lets one become? */
static bool is_too_old(const mr_engine *engine, const mr_conn *conn) {
    return engine->recycle > 0 && mr_db_now() - conn->opened > engine->recycle;
}

/* Closes the idle connections that the database has ended meanwhile (it was started again, or was tired of waiting),
 * and those that are too old. */
static void drop_dead(mr_engine *engine) {
    for (mr_conn **place = &engine->idle; *place;) {
        mr_conn *conn = *place;
        if (!mr_conn_is_dead(conn) && !is_too_old(engine, conn)) {
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
    if (check_limit(engine) != MR_OK) return MR_FAIL;
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
    if (check_limit(engine) != MR_OK) return MR_FAIL;
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
    note_taken(conn);
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
    note_returned(conn);
    if (clean(conn) && engine->nidle < engine->pool_size) {
        conn->next_idle = engine->idle;
        engine->idle = conn;
        engine->nidle++;
    } else {
        mr_conn_destroy(conn);
    }
    mr_engine_release(engine);
}
