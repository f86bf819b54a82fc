/*
 * execute_rows.c: one statement for many rows: a batch.
 *
 * Invariant: rows run in their order, those of one structure through one prepared statement; the objects in memory
 * follow an UPDATE once all of its rows have been found.
 */
#include "execute.h"
#include "query/result.h"
#include "row_binding.h"
#include "state/own.h"
#include "value/node.h"
#include "value/proxy.h"
#include "value/session.h"

/* One prepared statement run for many rows: one record. `held` has what is bound now. */
typedef struct batch {
    const bind_target *t;
    mr_engine *engine;
    bind_result *r;
    bind_cursor *first;
    mr_batch *rows;
    bind_row_binding *binding; /* of the rows like the first; or NULL */
    int held;                  /* index of the cursor value that holds the bound values */
    bool broken;               /* a row of another structure: it runs by itself */
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

/* The status of what ran through the cursor; a failure closes it. */
static mr_status settle(batch *bt, mr_status st) {
    if (st != MR_FAIL) return st;
    mr_env *env = mr_engine_env(bt->engine);
    mr_error *saved = mr_env_save_error(env);
    bind_cursor_close(bt->first);
    mr_env_restore_error(env, saved);
    return MR_FAIL;
}

/* One more row; or, values NULL, those that wait. */
static void send_row(lua_State *L, batch *bt, const mr_value *values) {
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, settle(bt, values ? mr_batch_row(bt->rows, values, NULL) : mr_batch_end(bt->rows, MR_OK)));
}

/* The row's statement, compiled; broken is set when it is another one. */
static mr_status compile_row(batch *bt, bind_cursor *next, mr_node *node, const mr_named_value *named, size_t n) {
    next->open = true;
    next->c.statement = mr_node_retain(node);
    if (mr_engine_compile(bt->engine, node, named, n, &next->c.compiled, &next->c.values) != MR_OK) return MR_FAIL;
    bt->broken = next->c.compiled != bt->first->c.compiled;
    return MR_OK;
}

/* Runs the statement on top of the stack (popped) as one more row of the batch. */
static void run_row(lua_State *L, batch *bt, int result, int params) {
    bind_state *b = bind_of(L);
    int top = lua_gettop(L);
    size_t n;
    mr_node *node = bind_test_node(L, top);
    const mr_named_value *named = bind_read_params(L, params, &n);
    bind_cursor *next = bind_cursor_new(L), *held = lua_touserdata(L, bt->held);
    BIND_TRY(b, L, settle(bt, compile_row(bt, next, node, named, n)));
    if (bt->broken) {
        send_row(L, bt, NULL);
        lua_settop(L, top);
        bind_run_one(L, bt->t, result, params);
        return;
    }
    send_row(L, bt, next->c.values);
    if (held != bt->first) bind_cursor_close(held);
    lua_replace(L, bt->held);
    lua_settop(L, top - 1);
}

/* Pushes the statement for row i: an INSERT of the row, or the text itself. Returns the index of its
 * parameters, or 0. */
static int push_row_statement(lua_State *L, int stmt, int rows, lua_Integer i) {
    const bind_statement *s = bind_test_statement(L, stmt);
    lua_rawgeti(L, rows, i);
    if (!lua_istable(L, -1)) bind_type_error(L, -1, "execute", "parameters as a table, or a list of tables");
    if (s && s->kind == MR_NODE_UPDATE) {
        bind_push_update_by_key(L, stmt, lua_gettop(L));
        bind_push_node(L, bind_statement_node(L, bind_test_statement(L, -1)));
        return 0;
    }
    if (s) {
        bind_push_with_rows(L, stmt, rows, i, i);
        bind_push_node(L, bind_statement_node(L, bind_test_statement(L, -1)));
        return 0;
    }
    lua_pushvalue(L, stmt);
    return lua_gettop(L) - 1;
}

/* Runs the row as one more of the batch, straight from its table; false where it needs a statement of its own. */
static bool run_bound_row(lua_State *L, batch *bt, int rows, lua_Integer i) {
    if (!bt->binding) return false;
    lua_rawgeti(L, rows, i);
    const mr_value *values = bind_row_values(L, bt->binding, lua_gettop(L));
    if (values) send_row(L, bt, values);
    return values != NULL;
}

/* Opens the batch with its first row. */
static void run_first_row(lua_State *L, batch *bt, int stmt, int rows) {
    int params = push_row_statement(L, stmt, rows, 1);
    size_t count;
    mr_node *node = bind_test_node(L, -1);
    const mr_named_value *named = bind_read_params(L, params, &count);
    bind_cursor_open(L, bt->t, bt->first, mr_node_retain(node), named, count);
    mr_batch_begin(bt->rows, bt->first->c.cursor, count_row, bt);
    send_row(L, bt, bt->first->c.values);
    lua_rawgeti(L, rows, 1);
    const bind_statement *s = bind_test_statement(L, stmt);
    if (s) bt->binding = bind_push_row_binding(L, s, node, bt->first->c.compiled, lua_gettop(L));
    lua_replace(L, bt->held + 1);
}

static void run_batch(lua_State *L, const bind_target *t, int result, int stmt, int rows) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows);
    bind_state *b = bind_of(L);
    batch bt = {.t = t, .engine = t->session ? mr_session_engine(t->session) : mr_conn_engine(t->conn)};
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
        if (run_bound_row(L, &bt, rows, i)) continue;
        lua_settop(L, bt.held + 1);
        run_row(L, &bt, result, push_row_statement(L, stmt, rows, i));
    }
    lua_settop(L, bt.held);
    send_row(L, &bt, NULL);
    bind_cursor *held = lua_touserdata(L, bt.held);
    BIND_ENTER(b, L);
    bind_cursor_close(bt.first);
    bind_cursor_close(held);
    BIND_LEAVE(b);
    bind_own_done(owner);
}

/* ---------------------------------------------------------------- the objects in memory */

/* The key that the row gives; pushes what holds it. */
static mr_value *read_key(lua_State *L, const mr_mapper *mapper, int row) {
    mr_value *key = lua_newuserdatauv(L, (mapper->npk + 1u) * sizeof *key, 0);
    for (unsigned i = 0; i < mapper->npk; i++) key[i] = mr_null_value();
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : "";
        const mr_property *prop = mr_mapper_property(mapper, name, true);
        for (unsigned i = 0; prop && i < mapper->npk; i++)
            if (prop->slot == mapper->pk_slots[i] && !bind_to_value(L, -1, prop->column->type, &key[i]))
                key[i] = mr_null_value();
    }
    return key;
}

/* Does the row at the index name the attribute? Pushes its value if it does. */
static bool push_given(lua_State *L, const mr_mapper *mapper, int row, const mr_property *prop) {
    for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING || mr_mapper_property(mapper, lua_tostring(L, -2), true) != prop) continue;
        lua_remove(L, -2);
        return true;
    }
    return false;
}

static void take_on(lua_State *L, const bind_target *t, mr_entity *entity, const mr_property *prop,
                    const mr_value *value) {
    bind_state *b = bind_of(L);
    mr_status st;
    BIND_CALL(b, L, st = mr_session_take_on(t->session, entity, prop, value));
    bind_check(L, st);
}

/* The object has in memory what the row says; what only the database knows is read again. */
static void follow_row(lua_State *L, const bind_target *t, mr_mapper *mapper, int row) {
    bind_state *b = bind_of(L);
    mr_entity *entity = NULL;
    const mr_value *key = read_key(L, mapper, row);
    BIND_TRY(b, L, mr_session_peek(t->session, mapper, key, &entity));
    if (!entity) return;
    bind_push_entity(L, entity); /* held */
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        mr_value value = mr_value_of(MR_UNLOADED, 0);
        bool given = push_given(L, mapper, row, prop);
        /* The row has the version that was read, not the one that was written. */
        if (given && prop != mapper->version && !bind_to_value(L, -1, prop->column->type, &value))
            value = mr_value_of(MR_UNLOADED, 0);
        bool written = given || prop->column->onupdate.kind != MR_DEFAULT_NONE;
        if (written && !prop->is_primary_key) take_on(L, t, entity, prop, &value);
        lua_pop(L, given);
    }
}

static void follow_rows(lua_State *L, const bind_target *t, mr_mapper *mapper, int rows) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows);
    int top = lua_gettop(L);
    for (lua_Integer i = 1; i <= n && mr_session_has_objects(bind_to_session(L, t->owner)); i++) {
        if (lua_rawgeti(L, rows, i) == LUA_TTABLE) follow_row(L, t, mapper, top + 1);
        lua_settop(L, top);
    }
}

/* ---------------------------------------------------------------- all */

/* Each row that was to be updated must be there. */
static void check_matched(lua_State *L, int result, int64_t rows) {
    const bind_result *r = bind_test(L, result, BIND_RESULT);
    if (r->rowcount == rows) return;
    bind_error(L, MR_ERR_STALE_DATA, "UPDATE expected to update %lld row(s); %lld were matched: a row is gone",
               (long long)rows, (long long)r->rowcount);
}

void bind_run_rows(lua_State *L, const bind_target *t, int result, int stmt, int rows) {
    const bind_statement *s = bind_test_statement(L, stmt);
    run_batch(L, t, result, stmt, rows);
    if (!s || s->kind != MR_NODE_UPDATE) return;
    check_matched(L, result, (int64_t)lua_rawlen(L, rows));
    lua_settop(L, result);
    if (t->session && s->mapper && t->how != MR_SYNCHRONIZE_NONE) follow_rows(L, t, s->mapper, rows);
}
