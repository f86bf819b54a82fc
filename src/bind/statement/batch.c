/*
 * batch.c: one statement for many rows.
 *
 * Invariant: rows run in their order. Rows of one structure run through one prepared statement.
 */
#include "batch.h"
#include "row_default.h"

#include "query/result.h"
#include "state/own.h"
#include "update_by_key.h"
#include "value/node.h"
#include "value/session.h"

/* A statement that runs for many rows. */
typedef struct batch {
    bind_state *b;
    const bind_target *t;
    mr_engine *engine;
    bind_result *r;
    bind_cursor *first;
    mr_batch *rows;
    bind_row_binding *binding; /* of the rows like the first; or NULL */
    int held;                  /* index of the cursor value whose values are bound now */
    bool broken;               /* the current row has another structure and runs by itself */
} batch;

static mr_status count_row(void *ud, void *row, mr_status step) {
    (void)row;
    const batch *bt = ud;
    mr_cursor *cursor = bt->first->c.cursor;
    while (step == MR_ROW) step = mr_cursor_step(cursor);
    int64_t count = mr_cursor_rowcount(cursor);
    bt->r->rowcount += count;
    if (count > 0) bt->r->lastrowid = mr_cursor_last_insert_id(cursor);
    bt->r->inserted_none = bt->r->rowcount == 0;
    return step == MR_FAIL ? MR_FAIL : MR_OK;
}

static void free_rows(void *p) {
    mr_batch *rows = p;
    mr_batch_end(rows, MR_FAIL);
    mr_free(rows->values.env, rows);
}

/* Closes the cursor if the status is a failure, whose error stays recorded. Returns the status. */
static mr_status close_failed(batch *bt, mr_status st) {
    if (st != MR_FAIL) return st;
    mr_env *env = mr_engine_env(bt->engine);
    lua_Integer row = (lua_Integer)(uintptr_t)bt->rows->current;
    if (row) bind_note_rows(env, row, row, st);
    mr_error *saved = mr_env_save_error(env);
    bind_cursor_close(bt->first);
    mr_env_restore_error(env, saved);
    return MR_FAIL;
}

/* Sends the values of row i; NULL where its statement has no parameters. */
static void send_row(lua_State *L, batch *bt, const mr_value *values, lua_Integer i) {
    BIND_TRY(bt->b, L, close_failed(bt, mr_batch_row(bt->rows, values, (void *)(uintptr_t)i)));
}

static void send_waiting(lua_State *L, batch *bt) {
    BIND_TRY(bt->b, L, close_failed(bt, mr_batch_end(bt->rows, MR_OK)));
}

/* Compiles the statement of a row. Sets broken if it is not the statement of the first row. */
static mr_status compile_row(batch *bt, bind_cursor *next, mr_node *node, const mr_named_value *named, size_t n) {
    next->open = true;
    next->c.statement = mr_node_retain(node);
    if (mr_engine_compile(bt->engine, node, named, n, &next->c.compiled, &next->c.values) != MR_OK) return MR_FAIL;
    bt->broken = next->c.compiled != bt->first->c.compiled;
    return MR_OK;
}

/* Runs the statement on top of the stack (popped) as row i of the batch. */
static void run_row(lua_State *L, batch *bt, int result, int params, lua_Integer i) {
    bind_state *b = bind_of(L);
    int top = lua_gettop(L);
    size_t n;
    mr_node *node = bind_test_node(L, top);
    const mr_named_value *named = bind_read_params(L, params, top, &n);
    bind_cursor *next = bind_cursor_new(L), *held = lua_touserdata(L, bt->held);
    BIND_TRY(b, L, close_failed(bt, compile_row(bt, next, node, named, n)));
    if (bt->broken) {
        send_waiting(L, bt);
        lua_settop(L, top);
        bind_target of_row = *bt->t;
        of_row.row = of_row.last_row = i;
        bind_run_one(L, &of_row, result, params);
        return;
    }
    send_row(L, bt, next->c.values, i);
    if (held != bt->first) bind_cursor_close(held);
    lua_replace(L, bt->held);
    lua_settop(L, top - 1);
}

/* Pushes the statement for row i: an INSERT or UPDATE of the row, or the text itself. Returns the index of its
 * parameters, or 0. */
static int push_row_statement(lua_State *L, const bind_target *t, int stmt, int rows, lua_Integer i) {
    const bind_statement *s = bind_test_statement(L, stmt);
    lua_rawgeti(L, rows, i);
    if (!lua_istable(L, -1))
        bind_type_error(L, -1, "execute",
                        "parameters as a table of values by name ({ id = 1 } for :id), or a list of such");
    if (s && s->kind == MR_NODE_UPDATE) {
        bind_push_update_by_key(L, stmt, lua_gettop(L));
        bind_push_node(L, bind_statement_node(L, bind_test_statement(L, -1), NULL)); /* criteria hide no row's key */
        return 0;
    }
    if (s) {
        bind_push_with_rows(L, stmt, rows, i, i);
        bind_push_node(L, bind_statement_node(L, bind_test_statement(L, -1), t->session));
        return 0;
    }
    lua_pushvalue(L, stmt);
    return lua_gettop(L) - 1;
}

/* Runs row i straight from its table. False: it needs a statement of its own. */
static bool run_row_from_table(lua_State *L, batch *bt, int rows, lua_Integer i) {
    if (!bt->binding) return false;
    lua_rawgeti(L, rows, i);
    const mr_value *values = bind_row_values(L, bt->binding, lua_gettop(L));
    if (values) send_row(L, bt, values, i);
    return values != NULL;
}

/* The rows of an INSERT into a plain table go together, if no function of the program is called between them. */
static mr_status put_together(batch *bt, const bind_statement *s) {
    mr_table_facts facts = {0};
    mr_cursor *cursor = bt->first->c.cursor;
    if (!s || s->kind != MR_NODE_INSERT || !bt->binding || bind_row_binding_calls(bt->binding)) return MR_OK;
    if (mr_conn_table_facts(mr_cursor_conn(cursor), s->dml.table->u.table, false, &facts) != MR_OK) return MR_FAIL;
    if (facts.in_order) mr_batch_together(bt->rows, false, false);
    return MR_OK;
}

/* Opens the batch with its first row. */
static void run_first_row(lua_State *L, batch *bt, int stmt, int rows) {
    int params = push_row_statement(L, bt->t, stmt, rows, 1);
    size_t count;
    int top = lua_gettop(L);
    mr_node *node = bind_push_sent(L, bt->t, bind_test_node(L, top));
    const mr_named_value *named = bind_read_params(L, params, top, &count);
    bind_cursor_open(L, bt->t, bt->first, mr_node_retain(node), named, count);
    mr_batch_begin(bt->rows, bt->first->c.cursor, count_row, bt);
    send_row(L, bt, bt->first->c.values, 1);
    lua_rawgeti(L, rows, 1);
    const bind_statement *s = bind_test_statement(L, stmt);
    if (s) bt->binding = bind_push_row_binding(L, s, node, bt->first->c.compiled, lua_gettop(L));
    lua_replace(L, bt->held + 1);
    BIND_TRY(bt->b, L, close_failed(bt, put_together(bt, s)));
}

static void run_batch(lua_State *L, const bind_target *t, int result, int stmt, int rows) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows);
    bind_state *b = bind_of(L);
    batch bt = {.b = b, .t = t, .engine = t->session ? mr_session_engine(t->session) : mr_conn_engine(t->conn)};
    bt.r = bind_test(L, result, BIND_RESULT);
    bt.r->rowcount = 0;
    bind_owner *owner = bind_own(L, free_rows);
    if (!(bt.rows = mr_calloc(b->env, sizeof *bt.rows))) bind_raise(L);
    mr_vec_init(&bt.rows->values, b->env, sizeof(mr_value *));
    owner->p = bt.rows;
    bt.first = bind_cursor_new(L);
    lua_pushvalue(L, -1);
    bt.held = lua_gettop(L);
    lua_pushnil(L); /* the binding */
    run_first_row(L, &bt, stmt, rows);
    for (lua_Integer i = 2; i <= n; i++) {
        lua_settop(L, bt.held + 1);
        if (run_row_from_table(L, &bt, rows, i)) continue;
        lua_settop(L, bt.held + 1);
        BIND_TRY(b, L, close_failed(&bt, mr_batch_settle(bt.rows)));
        run_row(L, &bt, result, push_row_statement(L, t, stmt, rows, i), i);
    }
    lua_settop(L, bt.held);
    send_waiting(L, &bt);
    bind_cursor *held = lua_touserdata(L, bt.held);
    BIND_ENTER(b, L);
    bind_cursor_close(bt.first);
    bind_cursor_close(held);
    BIND_LEAVE(b);
    bind_own_done(owner);
}

/* ---------------------------------------------------------------- INSERT ... RETURNING */

/* Do the rows i and j of the list name the same columns? */
static bool same_keys(lua_State *L, int rows, lua_Integer i, lua_Integer j) {
    int top = lua_gettop(L);
    size_t n = 0;
    lua_rawgeti(L, rows, i);
    lua_rawgeti(L, rows, j);
    bool same = lua_istable(L, top + 1) && lua_istable(L, top + 2);
    for (lua_pushnil(L); same && lua_next(L, top + 1); lua_pop(L, 1), n++) {
        lua_pushvalue(L, -2);
        same = lua_rawget(L, top + 2) != LUA_TNIL;
        lua_pop(L, 1);
    }
    lua_settop(L, top + 2);
    for (lua_pushnil(L); same && lua_next(L, top + 2); lua_pop(L, 1)) n--;
    lua_settop(L, top);
    return same && n == 0;
}

/* insert(T):returning(...) with rows: each statement inserts as many rows of one structure as a database takes. */
static void run_chunks(lua_State *L, const bind_target *t, int result, int stmt, int rows) {
    enum { VALUES_AT_ONCE = 900 }; /* databases limit the parameters of a statement */
    const bind_statement *s = bind_test_statement(L, stmt);
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows), width = s->dml.table->u.table->ncolumns;
    lua_Integer chunk = VALUES_AT_ONCE / (width > 0 ? width : 1);
    if (chunk < 1) chunk = 1;
    for (lua_Integer at = 1, to; at <= n; at = to + 1) {
        for (to = at; to < n && to - at + 1 < chunk && same_keys(L, rows, at, to + 1);) to++;
        bind_push_with_rows(L, stmt, rows, at, to);
        if (to > at && bind_writes_no_column(bind_test_statement(L, -1))) { /* DEFAULT VALUES makes one row */
            lua_pop(L, 1);
            bind_push_with_rows(L, stmt, rows, at, to = at);
        }
        bind_push_node(L, bind_statement_node(L, bind_test_statement(L, -1), t->session));
        bind_target of_rows = *t;
        of_rows.row = at;
        of_rows.last_row = to;
        bind_run_one(L, &of_rows, result, 0);
        lua_pop(L, 1);
    }
}

/* ---------------------------------------------------------------- all */

void bind_run_rows(lua_State *L, const bind_target *t, int result, int stmt, int rows) {
    const bind_statement *s = bind_test_statement(L, stmt);
    if (s && s->dml.returning) {
        run_chunks(L, t, result, stmt, rows);
        return;
    }
    run_batch(L, t, result, stmt, rows);
    if (!s || s->kind != MR_NODE_UPDATE) return;
    bind_check_all_matched(L, result, rows, s->rows_of ? s->rows_of : s->mapper);
    lua_settop(L, result);
    if (t->session && s->mapper && t->how != MR_SYNCHRONIZE_NONE) bind_update_objects(L, t, s->mapper, rows);
}
