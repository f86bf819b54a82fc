/*
 * execute.c: session:execute and connection:execute: which way a statement runs.
 *
 * Invariant: what is given is read and checked before anything runs.
 */
#include "execute.h"

#include <string.h>

#include "query/result.h"
#include "batch.h"
#include "schema/schema.h"
#include "value/descriptor.h"
#include "value/engine.h"
#include "value/node.h"
#include "value/session.h"

/* ---------------------------------------------------------------- which statement */

/* Pushes the UPDATE or DELETE of a class, which the session's objects follow. */
static void push_of_class(lua_State *L, bind_target *t, const bind_statement *s) {
    if (s->kind == MR_NODE_DELETE && mr_mapper_spans_tables(s->mapper))
        bind_error(L, MR_ERR_ARGUMENT,
                   "delete: objects of %s have rows in several tables, and a statement deletes from one: write "
                   "session:query(%s):filter(...):delete(), or mr.delete(%s.__table) for rows of '%s' alone",
                   s->mapper->name, s->mapper->name, s->mapper->name, s->mapper->table->name);
    bind_push_node(L, bind_statement_node(L, s, t->session));
    t->mapper = s->mapper;
}

/* ---------------------------------------------------------------- the call */

/* Is the list of rows at the index empty? */
static bool is_empty(lua_State *L, int params) {
    lua_pushnil(L);
    if (!lua_next(L, params)) return true;
    lua_pop(L, 2);
    return false;
}

/* An INSERT or UPDATE may have replaced other rows silently: their objects in memory are read again. */
static void expire_written(lua_State *L, const bind_target *t, const bind_statement *s) {
    if (!s || !t->session || s->kind == MR_NODE_DELETE) return;
    bind_state *b = bind_of(L);
    mr_session *session = bind_to_session(L, t->owner);
    BIND_TRY(b, L, mr_session_after_write(session, s->dml.table->u.table));
}

/* The ways in which a statement runs. */
typedef enum way {
    RUN_AS_IT_IS,
    RUN_NO_ROW,    /* an INSERT or UPDATE for a list of rows that is empty */
    RUN_ONE_ROW,   /* an INSERT with the values of one row */
    RUN_ROWS,      /* a statement for each row of a list */
    RUN_FOR_CLASS, /* an UPDATE or DELETE of a class, on a session: objects in memory change as well */
} way;

/* s: the statement at index stmt; NULL for mr.text and selects. Raises where the list of rows does not go with it, or a
 * row is wrong. */
static way choose_way(lua_State *L, const bind_target *t, const bind_statement *s, int stmt, int params) {
    bool insert_rows = s && s->kind == MR_NODE_INSERT && !s->dml.values && !s->dml.select;
    bool update_rows = s && s->kind == MR_NODE_UPDATE && !s->dml.values && !s->dml.where && !s->dml.returning;
    if (params && (insert_rows || update_rows) && is_empty(L, params)) return RUN_NO_ROW;
    if (params && lua_rawlen(L, params) > 0) {
        if (s && !insert_rows && !update_rows)
            bind_error(L, MR_ERR_ARGUMENT,
                       "execute: a list of rows is for an insert without values, an update without values and "
                       "where, and for mr.text");
        if (update_rows && s->options)
            bind_error(
                L, MR_ERR_ARGUMENT,
                "execute: options() are for the rows that criteria find, and an update with a list of rows finds "
                "each by its key: leave them out");
        if (s) bind_spread_rows(L, s->mapper, params, "execute");
        bind_check_rows(L, stmt, params);
        return RUN_ROWS;
    }
    if (params && insert_rows) {
        bind_spread_values(L, s->mapper, params, "execute");
        return RUN_ONE_ROW;
    }
    return s && s->mapper && t->session && s->kind != MR_NODE_INSERT ? RUN_FOR_CLASS : RUN_AS_IT_IS;
}

static void own_options(lua_State *L, bind_target *t, const bind_statement *s) {
    bind_check_loader_options(L, s, t->session != NULL, "execute");
    t->options = s->options;
}

/* Runs the statement at index stmt, with the parameters or rows at index params (0: none). Pushes its Result. */
static int run_statement(lua_State *L, bind_target t, int stmt, int params) {
    const bind_statement *s = bind_test_statement(L, stmt);
    bind_result *r = bind_new_result(L, t.owner);
    int result = lua_gettop(L);
    if (s && s->options) own_options(L, &t, s);
    if (s && t.session) t.returned = s->returned;
    luaL_checkstack(L, 12, "execute");
    switch (choose_way(L, &t, s, stmt, params)) {
    case RUN_NO_ROW:
        r->rowcount = 0;
        r->returns_rows = r->closed = s->dml.returning != NULL;
        return 1;
    case RUN_ROWS:
        if (bind_is_in_parts(s)) bind_run_parts(L, &t, result, stmt, params);
        else bind_run_rows(L, &t, result, stmt, params);
        break;
    case RUN_ONE_ROW:
        bind_push_with_rows(L, stmt, params, 0, 0);
        bind_push_node(L, bind_statement_node(L, bind_test_statement(L, -1), t.session));
        bind_run_one(L, &t, result, 0);
        break;
    case RUN_FOR_CLASS:
        push_of_class(L, &t, s);
        bind_run_one(L, &t, result, params);
        break;
    case RUN_AS_IT_IS:
        bind_push_node(L, s ? bind_statement_node(L, s, t.session) : mr_node_retain(bind_test_node(L, stmt)));
        bind_run_one(L, &t, result, params);
        break;
    }
    lua_settop(L, result);
    expire_written(L, &t, s);
    return 1;
}

/* SELECT of an expression alone, such as func.now(). */
static bool is_expression(const mr_node *node) { return node && node->kind != MR_NODE_TEXT; }

/* Replaces the expression at idx by a select of it. */
static void own_select(lua_State *L, int idx) {
    lua_pushcfunction(L, bind_select);
    lua_pushvalue(L, idx);
    lua_call(L, 1, 1);
    lua_replace(L, idx);
}

/* The index of the parameters' table behind the statement, or 0. */
static int params_index(lua_State *L, int idx) {
    if (lua_isnoneornil(L, idx)) return 0;
    if (!lua_istable(L, idx))
        bind_type_error(L, idx, "execute: parameters",
                        "a table of values by name, such as { id = 1 } for :id in the SQL");
    return idx;
}

/* The query at idx with the parameters and the options of the call: replaced. */
static void own_params(lua_State *L, int idx, int params, int options) {
    static const char *const methods[] = {"params", "execution_options"};
    const int tables[] = {params, options};
    for (int i = 0; i < 2; i++) {
        if (!tables[i]) continue;
        lua_getfield(L, idx, methods[i]);
        lua_pushvalue(L, idx);
        lua_pushvalue(L, tables[i]);
        lua_call(L, 2, 1);
        lua_replace(L, idx);
    }
}

/* Replaces a definition (mr.CreateTable(t)) at idx by its SQL. */
static void own_ddl(lua_State *L, int idx, const mr_engine *engine) {
    if (!bind_test_ddl(L, idx)) return;
    bind_push_ddl_text(L, idx, mr_engine_dialect(engine));
    lua_replace(L, idx);
}

static int no_statement(lua_State *L, int idx) {
    if (lua_type(L, idx) == LUA_TSTRING)
        return bind_error(L, MR_ERR_ARGUMENT, "execute: expected a statement, got %s (SQL is written mr.text\"...\")",
                          bind_describe(L, idx));
    return bind_type_error(L, idx, "execute", "a select, an insert, update or delete, or mr.text");
}

static int execute(lua_State *L, int session_idx) {
    int stmt = session_idx + 1;
    lua_settop(L, session_idx + 3);
    bind_release_loops(L);
    bind_target t = {.session = bind_to_session(L, session_idx), .owner = session_idx};
    int params = params_index(L, stmt + 1), options = params_index(L, stmt + 2);
    own_ddl(L, stmt, mr_session_engine(t.session));
    if (is_expression(bind_test_node(L, stmt))) own_select(L, stmt);
    if (!bind_is_query(L, stmt)) {
        const bind_statement *s = bind_test_statement(L, stmt);
        if (!s && !bind_test_node(L, stmt)) return no_statement(L, stmt);
        if (s) t.how = s->how;
        t.marks.timeout = s ? s->timeout : 0;
        t.populate = s && s->populate;
        if (options) bind_read_write_options(L, options, "execute", &t.how, &t.populate, &t.marks.timeout);
        return run_statement(L, t, stmt, params);
    }
    own_params(L, stmt, params, options);
    mr_query *q = bind_test_query(L, stmt);
    bind_result *r = bind_new_result(L, session_idx);
    bind_state *b = bind_of(L);
    r->returns_rows = true;
    BIND_TRY(b, L, mr_session_load(t.session, q, &r->load));
    return 1;
}

static int execute_on_connection(lua_State *L, int connection_idx, mr_conn *conn) {
    int stmt = connection_idx + 1;
    lua_settop(L, connection_idx + 2);
    bind_push_engine(L, mr_conn_engine(conn)); /* outlives the connection, which callbacks may close */
    bind_target t = {.conn = conn, .owner = connection_idx};
    int params = params_index(L, stmt + 1);
    size_t len;
    if (lua_type(L, stmt) == LUA_TSTRING) {
        const char *sql = lua_tolstring(L, stmt, &len);
        bind_push_node(L, mr_sql_text(bind_of(L)->env, sql, len));
        lua_replace(L, stmt);
    }
    own_ddl(L, stmt, mr_conn_engine(conn));
    if (is_expression(bind_test_node(L, stmt))) own_select(L, stmt);
    if (bind_is_query(L, stmt)) {
        own_params(L, stmt, params, 0);
        bind_push_node(L, bind_to_select(L, stmt));
        lua_replace(L, stmt);
        params = 0;
    } else if (!bind_test_statement(L, stmt) && !bind_test_node(L, stmt)) {
        return no_statement(L, stmt);
    }
    return run_statement(L, t, stmt, params);
}

/* ---------------------------------------------------------------- methods of sessions and connections */

static int session_execute(lua_State *L) {
    bind_session_arg(L, "execute");
    return execute(L, 1);
}

static int on_connection(lua_State *L, const char *function) {
    const bind_connection *c = bind_connection_arg(L, function);
    bind_refuse_ended(L, c, function);
    return execute_on_connection(L, 1, c->conn);
}

static int connection_execute(lua_State *L) { return on_connection(L, "execute"); }

/* core.connection_execute(function's name, connection, ...): execute, for a method that is written in Lua. */
static int core_connection_execute(lua_State *L) {
    const char *function = lua_tostring(L, 1); /* a constant of the caller */
    lua_remove(L, 1);
    return on_connection(L, function);
}

void bind_open_execute(lua_State *L) {
    static const luaL_Reg of_session[] = {{"execute", session_execute}, {NULL, NULL}};
    static const luaL_Reg of_connection[] = {{"execute", connection_execute}, {NULL, NULL}};
    bind_extend_type(L, BIND_SESSION, of_session, NULL);
    bind_extend_type(L, BIND_CONNECTION, of_connection, NULL);
    bind_push_methods(L, BIND_CONNECTION);
    lua_setfield(L, -2, "connection_methods");
    lua_pushcfunction(L, core_connection_execute);
    lua_setfield(L, -2, "connection_execute");
}
