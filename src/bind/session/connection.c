/*
 * connection.c: connections of an engine, for SQL without a session.
 *
 * Invariant: a connection begins a transaction at its first write, except with isolation_level = "AUTOCOMMIT". Closing
 * it rolls back uncommitted work. The block of engine:begin commits at its end; it rolls back on an error, and where
 * its coroutine or Lua state is closed.
 */
#include <string.h>

#include "state/coroutine.h"
#include "state/own.h"
#include "value/engine.h"

static void close(bind_connection *c) {
    mr_conn *conn = c->conn;
    mr_engine *engine = c->engine;
    c->conn = NULL;
    c->engine = NULL;
    if (conn && !c->borrowed) mr_conn_close(conn);
    mr_engine_release(engine);
}

static void close_entered(lua_State *L, bind_connection *c) {
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, close(c));
}

static void finalize(void *p) { close(p); }

/* The connection at index 1; raises where this value must not end it. */
static bind_connection *owned(lua_State *L, const char *function) {
    bind_connection *c = bind_connection_arg(L, function);
    if (c->borrowed)
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s: the connection belongs to what caused the event, which ends it",
                   function);
    return c;
}

/* Warns where the connection has work that is not committed: it has a transaction only after a write. */
static void warn_of_loss(lua_State *L, const bind_connection *c) {
    if (c->conn && !c->borrowed && mr_conn_in_transaction(c->conn) && !bind_of(L)->quiet)
        lua_warning(
            L,
            "moonrow: a connection has ended with work that was not committed and is lost; commit it, or roll it back",
            0);
}

static int connection_gc(lua_State *L) {
    bind_connection *c = bind_test(L, 1, BIND_CONNECTION);
    bind_state *b = bind_peek(L);
    if (!b || !c) return 0;
    warn_of_loss(L, c);
    bind_release_quietly(b, finalize, c);
    return 0;
}

/* Pushes an open connection of the engine at index 1. autocommit: each statement is a transaction of its own. */
static bind_connection *connect(lua_State *L, const char *function, bool block, bool autocommit) {
    mr_engine *engine = ((bind_engine *)bind_arg(L, 1, BIND_ENGINE, function))->engine;
    bind_connection *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (bind_connection){.block = block};
    bind_set_type(L, BIND_CONNECTION);
    bind_state *b = bind_of(L);
    c->engine = mr_engine_retain(engine);
    BIND_ENTER(b, L);
    mr_status st = mr_engine_connect(engine, &c->conn);
    if (st == MR_OK) mr_conn_set_lazy(c->conn, !autocommit, NULL, NULL);
    BIND_LEAVE(b);
    bind_check(L, st);
    return c;
}

/* engine:connect{ isolation_level = "AUTOCOMMIT" or "SERIALIZABLE" } */
static int engine_connect(lua_State *L) {
    static const char *const names[] = {"isolation_level", NULL};
    int options;
    if (bind_arguments(L, 2, &options) > 0)
        return bind_error(L, MR_ERR_ARGUMENT, "connect takes no arguments but options: { isolation_level = ... }");
    bind_check_options(L, options, "connect", names);
    const char *level = bind_option_string(L, options, "connect", "isolation_level", "SERIALIZABLE");
    bool autocommit = strcmp(level, "AUTOCOMMIT") == 0;
    if (!autocommit && strcmp(level, "SERIALIZABLE") != 0)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "connect: isolation_level is \"SERIALIZABLE\" or \"AUTOCOMMIT\", not \"%s\"", level);
    lua_settop(L, 1);
    (void)connect(L, "connect", false, autocommit);
    return 1;
}

/* ---------------------------------------------------------------- transactions */

/* Commits or rolls back. Entering the core may run a finalizer that closes the connection, so this is checked last. */
static void end(lua_State *L, const bind_connection *c, mr_status (*how)(mr_conn *conn)) {
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, c->conn ? how(c->conn) : mr_fail(b->env, MR_ERR_INVALID_REQUEST, "the connection is closed"));
}

static mr_status commit(mr_conn *conn) {
    mr_status status = mr_conn_commit(conn);
    return status == MR_OK ? mr_conn_tell_commit(conn) : status;
}

static int c_commit(lua_State *L) {
    bind_connection *c = owned(L, "commit");
    bind_refuse_ended(L, c, "commit");
    end(L, c, commit);
    c->ended = c->block;
    return 0;
}

static int c_rollback(lua_State *L) {
    bind_connection *c = owned(L, "rollback");
    end(L, c, mr_conn_rollback);
    c->ended = c->block;
    return 0;
}

static int c_close(lua_State *L) {
    bind_connection *c = bind_arg(L, 1, BIND_CONNECTION, "close");
    if (c->conn && mr_conn_is_calling(c->conn))
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          "close: a function that a statement calls cannot close the statement's connection");
    if (c->conn) close_entered(L, owned(L, "close"));
    return 0;
}

/* The end of a block: closes the connection, also where the commit fails. */
static void end_block(lua_State *L, bind_connection *c, bool keep) {
    bind_state *b = bind_of(L);
    mr_status st = MR_OK;
    BIND_ENTER(b, L);
    if (keep && c->conn && !c->ended) st = commit(c->conn);
    close(c);
    BIND_LEAVE(b);
    bind_check(L, st);
}

/* local c <close> = ...: index 2 is the error, or nil. */
static int connection_close(lua_State *L) {
    bind_connection *c = bind_arg(L, 1, BIND_CONNECTION, "close");
    if (!c->conn) return 0;
    bool ends = bind_scope_ends(L);
    if (!c->block && bind_scope_or_state_ends(L)) warn_of_loss(L, c);
    end_block(L, c, ends && c->block && !c->function);
    return 0;
}

/* Stack: the engine, the connection, and then fn's results or its error. */
static int finish_begin(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    bind_connection *c = lua_touserdata(L, 2);
    bool ok = status == LUA_OK || status == LUA_YIELD;
    end_block(L, c, ok);
    return ok ? lua_gettop(L) - 2 : lua_error(L);
}

/* engine:begin(fn) runs fn(connection); engine:begin() gives a connection to close. */
static int engine_begin(lua_State *L) {
    bool with_function = bind_has_block(L, 2, "begin", "begin()");
    lua_settop(L, 2);
    connect(L, "begin", true, false)->function = with_function;
    if (!with_function) return 1;
    lua_insert(L, 2);
    lua_toclose(L, 2); /* coroutine.close rolls back at once */
    lua_pushvalue(L, 2);
    return bind_call_block(L, 1, LUA_MULTRET, finish_begin);
}

/* ---------------------------------------------------------------- fields */

static int get_engine(lua_State *L) {
    bind_push_engine(L, mr_conn_engine(bind_connection_arg(L, "engine")->conn));
    return 1;
}

static int get_closed(lua_State *L) {
    const bind_connection *c = lua_touserdata(L, 1);
    lua_pushboolean(L, c->conn == NULL);
    return 1;
}

static int c_in_transaction(lua_State *L) {
    lua_pushboolean(L, mr_conn_in_transaction(bind_connection_arg(L, "in_transaction")->conn));
    return 1;
}

void bind_open_connection(lua_State *L) {
    static const luaL_Reg of_engine[] = {{"connect", engine_connect}, {"begin", engine_begin}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"commit", c_commit},
                                       {"rollback", c_rollback},
                                       {"close", c_close},
                                       {"in_transaction", c_in_transaction},
                                       {NULL, NULL}};
    static const luaL_Reg getters[] = {{"engine", get_engine}, {"closed", get_closed}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__gc", connection_gc}, {"__close", connection_close}, {NULL, NULL}};
    bind_type(L, BIND_CONNECTION, "Connection", methods, getters, metamethods);
    bind_extend_type(L, BIND_ENGINE, of_engine, NULL);
}
