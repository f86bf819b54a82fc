/*
 * extension.c: extensions of the database's library that a program has loaded: each connection of the engine has them.
 *
 * Invariant: only an engine that was made for it loads any. One that could not be loaded is in no list.
 */
#include "connection.h"

#include <string.h>

mr_status mr_conn_load_extensions(mr_conn *conn) {
    for (const mr_extension *x = conn->engine->extensions; x; x = x->next)
        if (conn->driver->load_extension(conn->dbc, x->path, x->entry) != MR_OK) return MR_FAIL;
    return MR_OK;
}

/* Loads it into the connections that are open, of which there is one at least. */
static mr_status load(mr_engine *engine, const mr_extension *x) {
    mr_conn *one;
    mr_status status = mr_engine_connect(engine, &one);
    if (status != MR_OK) return MR_FAIL;
    for (mr_conn *conn = engine->state->conns; conn && status == MR_OK; conn = conn->next)
        if (conn->engine == engine && !mr_conn_is_inherited(conn))
            status = conn->driver->load_extension(conn->dbc, x->path, x->entry);
    mr_error *saved = status == MR_OK ? NULL : mr_env_save_error(engine->env);
    mr_conn_close(one);
    if (saved) mr_env_restore_error(engine->env, saved);
    return status;
}

mr_status mr_engine_load_extension(mr_engine *engine, const char *path, const char *entry) {
    mr_env *env = engine->env;
    if (!engine->driver->load_extension)
        return mr_fail(env, MR_ERR_INVALID_REQUEST, "the driver %s loads no extensions", engine->driver->name);
    if (!engine->load_extension)
        return mr_fail(env, MR_ERR_INVALID_REQUEST,
                       "load_extension: this engine was not made for it: give the option load_extension = true to "
                       "create_engine or mr.open");
    mr_extension *x = mr_alloc(env, sizeof *x);
    if (!x) return MR_FAIL;
    *x = (mr_extension){.path = mr_intern(env, path, strlen(path)),
                        .entry = entry ? mr_intern(env, entry, strlen(entry)) : NULL};
    if (!x->path || (entry && !x->entry) || load(engine, x) != MR_OK) {
        mr_free(env, x);
        return MR_FAIL;
    }
    mr_extension **end = &engine->extensions;
    while (*end) end = &(*end)->next;
    *end = x;
    return MR_OK;
}

void mr_engine_free_extensions(mr_engine *engine) {
    for (mr_extension *x = engine->extensions, *next; x; x = next) {
        next = x->next;
        mr_free(engine->env, x);
    }
}
