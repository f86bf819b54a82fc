/*
 * function.c: functions, aggregates and collations that a program gives an engine: each of its connections has them.
 *
 * Invariant: a connection has all that its engine has, those that were added later, too. The engine keeps what was
 * replaced until its end: a statement may still run with it.
 */
#include "connection.h"

#include <string.h>

mr_status mr_conn_add_functions(mr_conn *conn) {
    for (const mr_sql_function *fn = conn->engine->functions; fn; fn = fn->next)
        if (conn->driver->add_function(conn->dbc, fn) != MR_OK) return MR_FAIL;
    return MR_OK;
}

void mr_conn_remove_functions(mr_conn *conn) {
    if (!conn->engine->native || !conn->driver->remove_function) return;
    for (const mr_sql_function *fn = conn->engine->functions; fn; fn = fn->next)
        conn->driver->remove_function(conn->dbc, fn);
}

bool mr_conn_is_calling(const mr_conn *conn) { return conn->driver->is_calling && conn->driver->is_calling(conn->dbc); }

mr_status mr_engine_add_function(mr_engine *engine, const mr_sql_function *given) {
    mr_env *env = engine->env;
    const bool able = engine->driver->add_function != NULL;
    const char *name = able ? mr_intern(env, given->name, strlen(given->name)) : NULL;
    mr_sql_function *fn = name ? mr_alloc(env, sizeof *fn) : NULL;
    if (!fn) given->release(given->ud);
    if (!able)
        return mr_fail(env, MR_ERR_INVALID_REQUEST, "the driver %s has no functions of the program's",
                       engine->driver->name);
    if (!fn) return MR_FAIL;
    *fn = *given;
    fn->name = name;
    /* Behind the others: a later one of the same name takes an earlier one's place on new connections, too. */
    mr_sql_function **end = &engine->functions;
    while (*end) end = &(*end)->next;
    fn->next = NULL;
    *end = fn;
    for (mr_conn *conn = engine->state->conns; conn; conn = conn->next)
        if (conn->engine == engine && !mr_conn_is_inherited(conn) && conn->driver->add_function(conn->dbc, fn) != MR_OK)
            return MR_FAIL;
    return MR_OK;
}

void mr_engine_free_functions(mr_engine *engine) {
    for (mr_sql_function *fn = engine->functions, *next; fn; fn = next) {
        next = fn->next;
        fn->release(fn->ud);
        mr_free(engine->env, fn);
    }
}
