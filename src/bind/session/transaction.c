/*
 * transaction.c: the session's transactions: flush, commit and rollback, and the blocks of begin and begin_nested.
 *
 * Invariant: a block ends its own transaction and no other: it knows the transaction by its serial number. So a commit
 * or rollback inside the block ends the block's work. The session knows a block that runs a function exactly as long as
 * the function runs.
 */
#include "session.h"
#include "state/coroutine.h"

typedef struct bind_transaction {
    mr_session *session; /* the user value keeps it alive */
    uint64_t serial;     /* the transaction's number; 0: it has ended */
    uint64_t block;      /* the same number while the block's function runs; 0 otherwise */
    bool nested;
    bool function; /* the block runs a function */
} bind_transaction;

typedef mr_status (*session_fn)(mr_session *s);

static int run(lua_State *L, const char *function, session_fn fn) {
    mr_session *s = bind_session_arg(L, function);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, fn(s));
    return 0;
}

/* flush and commit always write all objects: SQLAlchemy's old flush(objects) is refused. */
static void refuse_arguments(lua_State *L, const char *function) {
    if (lua_gettop(L) > 1)
        bind_error(L, MR_ERR_ARGUMENT, "%s takes no argument: all that has changed is written", function);
}

static int session_flush(lua_State *L) {
    refuse_arguments(L, "flush");
    return run(L, "flush", mr_session_flush);
}

/* Commits the whole transaction with its savepoints, as in SQLAlchemy 2.0. A savepoint is committed by the value that
 * begin_nested returns. */
static int session_commit(lua_State *L) {
    refuse_arguments(L, "commit");
    return run(L, "commit", mr_session_commit_all);
}

static int session_rollback(lua_State *L) {
    if (lua_gettop(L) > 1)
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "rollback takes no argument: all of the transaction is undone (a savepoint has a rollback of its own)");
    return run(L, "rollback", mr_session_rollback_all);
}

static int session_in_transaction(lua_State *L) {
    lua_pushboolean(L, mr_session_in_transaction(bind_session_arg(L, "in_transaction")));
    return 1;
}

/* ---------------------------------------------------------------- ending a block */

/* Is the block's transaction still open? It need not be the innermost: inner transactions end together with it. */
static bool is_open(const bind_transaction *t) {
    return t->serial && mr_session_has_transaction(t->session, t->serial);
}

static void leave_block(bind_transaction *t) {
    if (t->block) mr_session_leave_block(t->session, t->block);
    t->block = 0;
}

static mr_status end_block(bind_transaction *t, bool commit) {
    mr_status st = MR_OK;
    leave_block(t);
    while (st == MR_OK && is_open(t)) {
        bool own = mr_session_transaction_serial(t->session) == t->serial;
        st = commit ? mr_session_commit(t->session) : mr_session_rollback(t->session);
        if (own) break;
    }
    if (st == MR_OK) t->serial = 0;
    return st;
}

/* Rolls back after an error. The error stays recorded, also where the rollback fails. */
static void roll_back(bind_transaction *t) {
    mr_env *env = mr_session_env(t->session);
    mr_error *first = mr_env_save_error(env);
    end_block(t, false);
    t->serial = 0;
    mr_env_clear_error(env);
    mr_env_restore_error(env, first);
}

static void end_or_raise(lua_State *L, bind_transaction *t, bool commit) {
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = end_block(t, commit);
    /* If the commit fails, the block is rolled back, as after any other error. */
    if (st == MR_FAIL && commit) roll_back(t);
    BIND_LEAVE(b);
    bind_check(L, st);
}

/* The block at index 1. It has ended where the session's finalizer has run: another finalizer may use the block. */
static bind_transaction *transaction_arg(lua_State *L, const char *function) {
    bind_transaction *t = bind_arg(L, 1, BIND_TRANSACTION, function);
    lua_getiuservalue(L, 1, 1);
    const bind_session *s = bind_test(L, -1, BIND_SESSION);
    if (s && !s->session) t->serial = t->block = 0;
    lua_pop(L, 1);
    return t;
}

/* Is the session of the block at index 1? */
static bool session_is_closed(lua_State *L) {
    lua_getiuservalue(L, 1, 1);
    const bind_session *s = bind_test(L, -1, BIND_SESSION);
    lua_pop(L, 1);
    return !s || s->closed;
}

/* Raises where the transaction has ended already: a commit would seem to have succeeded. A rollback does nothing then.
 */
static int transaction_commit(lua_State *L) {
    bind_transaction *t = transaction_arg(L, "commit");
    if (!is_open(t))
        return bind_error(
            L, MR_ERR_INVALID_REQUEST,
            "This transaction is closed: it has been committed or rolled back already; begin another one");
    end_or_raise(L, t, true);
    return 0;
}

static int transaction_rollback(lua_State *L) {
    end_or_raise(L, transaction_arg(L, "rollback"), false);
    return 0;
}

/* The program has ended the block's transaction inside the block. Raises where there was work after that: nothing would
 * commit this work. */
static void refuse_rest(lua_State *L, const bind_transaction *t) {
    bind_state *b = bind_of(L);
    mr_strbuf words;
    mr_strbuf_init(&words, b->env);
    BIND_ENTER(b, L);
    bool pending = mr_session_name_pending(t->session, &words);
    mr_status st = MR_OK;
    if (pending || mr_session_in_transaction(t->session))
        st = mr_fail(
            b->env, MR_ERR_INVALID_REQUEST,
            "the transaction of this block (session:begin) has been ended inside it, by commit() or rollback(), and "
            "what was "
            "done after that is not committed: %s. Leave the commit to the block's end, or begin another transaction",
            pending && !words.oom ? mr_strbuf_str(&words) : "another transaction has begun");
    mr_strbuf_done(&words);
    BIND_LEAVE(b);
    bind_check(L, st);
}

/* The __close of local t <close> = session:begin(). Commits at the end of the scope. Rolls back on an error, and where
 * the coroutine or the state is closed from outside. A block that runs a function comes here only after an error or
 * such a close. An error of the rollback is dropped: the first error is the one to report. */
static int transaction_close(lua_State *L) {
    bind_transaction *t = transaction_arg(L, "close");
    bool ends = !t->function && bind_scope_ends(L);
    if (!ends) {
        bind_state *b = bind_of(L);
        if (!t->serial) return 0;
        BIND_CALL(b, L, roll_back(t));
        return 0;
    }
    if (is_open(t)) end_or_raise(L, t, true);
    else if (!t->nested && !session_is_closed(L)) refuse_rest(L, t);
    t->serial = 0;
    return 0;
}

/* The program has dropped the coroutine that was inside the block. The session forgets the block, so that other code
 * can use the session. */
static int transaction_gc(lua_State *L) {
    bind_state *b = bind_peek(L);
    bind_transaction *t = bind_test(L, 1, BIND_TRANSACTION);
    if (!b || !t || !t->block) return 0;
    lua_getiuservalue(L, 1, 1);
    const bind_session *s = bind_test(L, -1, BIND_SESSION);
    if (s && s->session) leave_block(t);
    t->block = t->serial = 0;
    return 0;
}

static int transaction_is_active(lua_State *L) {
    lua_pushboolean(L, is_open(transaction_arg(L, "is_active")));
    return 1;
}

/* ---------------------------------------------------------------- beginning one */

static bind_transaction *push_transaction(lua_State *L, mr_session *s) {
    bind_transaction *t = lua_newuserdatauv(L, sizeof *t, 1);
    *t = (bind_transaction){.session = s};
    bind_set_type(L, BIND_TRANSACTION);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    return t;
}

static mr_status begin_now(mr_session *s, bool nested, mr_txmode mode, bool read_only) {
    mr_conn *conn;
    if (nested) return mr_session_begin_nested(s);
    if (mr_session_begin(s, mode) != MR_OK) return MR_FAIL;
    if (!read_only) return MR_OK;
    if (mr_session_connection(s, &conn) != MR_OK) return MR_FAIL;
    mr_conn_set_read_only(conn);
    return MR_OK;
}

/* The end of a block's function. Stack: the session, the transaction, and then fn's results or its error. */
static int finish_function(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    bind_transaction *t = lua_touserdata(L, 2);
    if (status == LUA_OK || status == LUA_YIELD) {
        end_or_raise(L, t, true);
        return lua_gettop(L) - 2;
    }
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, roll_back(t));
    return lua_error(L);
}

/* With the session at index 1, nothing or the block's function at index 2, and the transaction that has begun on top:
 * runs fn(session) in the transaction, or gives the transaction as a value to close. */
static int run_block(lua_State *L, bool has_function) {
    if (!has_function) return 1;
    lua_insert(L, 2);  /* session, transaction, fn */
    lua_toclose(L, 2); /* coroutine.close rolls back at once */
    lua_pushvalue(L, 1);
    return bind_call_block(L, 1, LUA_MULTRET, finish_function);
}

/* Begins a transaction of the session at index 1, with the block's function at index 2 or without. */
static int begin(lua_State *L, bool nested, mr_txmode mode, bool read_only) {
    const char *function = nested ? "begin_nested" : "begin";
    mr_session *s = bind_session_arg(L, function);
    bind_state *b = bind_of(L);
    bool has_function = bind_has_block(L, 2, function, nested ? "begin_nested()" : "begin{ mode = ... }");
    lua_settop(L, has_function ? 2 : 1);
    bind_transaction *t = push_transaction(L, s);
    BIND_ENTER(b, L);
    mr_status st = begin_now(s, nested, mode, read_only);
    if (st == MR_OK) {
        t->serial = mr_session_transaction_serial(s);
        t->nested = nested;
        t->function = has_function;
        if (has_function) st = mr_session_enter_block(s);
        if (st == MR_OK && has_function) t->block = t->serial;
        if (st != MR_OK) roll_back(t);
    }
    BIND_LEAVE(b);
    bind_check(L, st);
    return run_block(L, has_function);
}

/* core.begin(mode, read_only, session, ...): session:begin(...) without options: a function, or nothing. mode:
 * "default", "deferred", "immediate", "exclusive" or "serializable". */
static int core_begin(lua_State *L) {
    static const char *const words[] = {"default", "deferred", "immediate", "exclusive", "serializable", NULL};
    static const mr_txmode modes[] = {MR_TX_DEFAULT, MR_TX_DEFERRED, MR_TX_IMMEDIATE, MR_TX_EXCLUSIVE,
                                      MR_TX_SERIALIZABLE};
    mr_txmode mode = modes[luaL_checkoption(L, 1, NULL, words)];
    bool read_only = lua_toboolean(L, 2);
    lua_remove(L, 1);
    lua_remove(L, 1);
    return begin(L, false, mode, read_only);
}

/* session:begin_nested(fn, {}), session:begin_nested{} */
static int session_begin_nested(lua_State *L) {
    int options;
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, "begin_nested", (const char *const[]){NULL});
    lua_settop(L, n < 1 ? 1 : 2);
    return begin(L, true, MR_TX_DEFAULT, false);
}

void bind_open_transaction(lua_State *L) {
    static const luaL_Reg of_session[] = {{"flush", session_flush},
                                          {"commit", session_commit},
                                          {"rollback", session_rollback},
                                          {"begin_nested", session_begin_nested},
                                          {"in_transaction", session_in_transaction},
                                          {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"commit", transaction_commit}, {"rollback", transaction_rollback}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"is_active", transaction_is_active}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__close", transaction_close}, {"__gc", transaction_gc}, {NULL, NULL}};
    bind_type(L, BIND_TRANSACTION, "Transaction", methods, getters, metamethods);
    bind_extend_type(L, BIND_SESSION, of_session, NULL);
    lua_pushcfunction(L, core_begin);
    lua_setfield(L, -2, "begin");
}
