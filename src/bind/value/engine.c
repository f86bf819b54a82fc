/*
 * engine.c: the boxes of engines and connections.
 *
 * Invariant: an Engine value holds one reference to its engine; two values of one engine are equal.
 */
#include "engine.h"

#include "state/own.h"

static void release_engine(void *p) { mr_engine_release(p); }

int bind_engine_gc(lua_State *L) {
    bind_engine *e = bind_test(L, 1, BIND_ENGINE);
    if (!e) return 0;
    bind_state *b = bind_peek(L);
    if (b && e->engine) bind_release_quietly(b, release_engine, e->engine);
    e->engine = NULL;
    return bind_finalized(L);
}

bind_engine *bind_push_empty_engine(lua_State *L) {
    bind_engine *e = lua_newuserdatauv(L, sizeof *e, 0);
    e->engine = NULL;
    bind_set_type(L, BIND_ENGINE);
    return e;
}

void bind_push_engine(lua_State *L, mr_engine *engine) { bind_push_empty_engine(L)->engine = mr_engine_retain(engine); }

mr_engine *bind_test_engine(lua_State *L, int idx) {
    const bind_engine *e = bind_test(L, idx, BIND_ENGINE);
    return e ? e->engine : NULL;
}

mr_conn *bind_test_connection(lua_State *L, int idx) {
    const bind_connection *c = bind_test(L, idx, BIND_CONNECTION);
    if (c && !c->conn) bind_error(L, MR_ERR_INVALID_REQUEST, "the connection is closed");
    return c ? c->conn : NULL;
}

void bind_push_borrowed_connection(lua_State *L, mr_conn *conn) {
    bind_connection *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = (bind_connection){.conn = conn, .borrowed = true};
    bind_set_type(L, BIND_CONNECTION);
}

void bind_end_borrowed_connection(lua_State *L, int idx) { ((bind_connection *)lua_touserdata(L, idx))->conn = NULL; }

void bind_refuse_ended(lua_State *L, const bind_connection *c, const char *function) {
    if (c->ended)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "%s: the transaction of this block (engine:begin) has been ended inside it, by commit() or "
                   "rollback(): let the "
                   "block end first, or take a connection with engine:connect()",
                   function);
}

bind_connection *bind_connection_arg(lua_State *L, const char *function) {
    bind_release_loops(L);
    bind_connection *c = bind_arg(L, 1, BIND_CONNECTION, function);
    if (!c->conn) bind_error(L, MR_ERR_INVALID_REQUEST, "%s: the connection is closed", function);
    return c;
}
