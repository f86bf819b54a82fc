/*
 * run.c: the methods that run a query.
 *
 * Invariant: a query finds its session when it runs, so one made from Class.query follows the scope it runs
 * in.
 */
#include <string.h>

#include "result.h"
#include "value/session.h"

mr_session *bind_query_session(lua_State *L, const char *function) {
    bind_release_loops(L);
    if (!bind_test(L, 1, BIND_QUERY)) bind_type_error(L, 1, function, "a query (methods are called with a colon)");
    if (lua_getiuservalue(L, 1, QUERY_SOURCE) == LUA_TNIL)
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s: the query has no session: use session:query(...)", function);
    return bind_to_session(L, -1);
}

/* Runs q: pushes its Result. Its session's value is pushed before. */
static bind_result *start(lua_State *L, const char *function, mr_query *q) {
    mr_session *s = bind_query_session(L, function);
    bind_result *r = bind_new_result(L, -1);
    bind_state *b = bind_of(L);
    r->returns_rows = true;
    r->name = q->cardinality_name;
    r->unwrap = q->nitems == 1 && q->items[0].mapper;
    BIND_TRY(b, L, mr_session_load(s, q, &r->load));
    return r;
}

static int q_all(lua_State *L) {
    bind_refuse_more(L, 0, "all", " (criteria are given to filter)");
    bind_result_all(L, -1, start(L, "all", bind_query_arg(L, "all")));
    return 1;
}

/* The value on top: an entity, a row; nil for what is none. */
static int as_value(lua_State *L, bool found) {
    if (!found || bind_is_null(L, -1)) lua_pushnil(L);
    return 1;
}

/* Replaces the query at index 1 by itself limited to one row, unless it runs a statement as written. */
static mr_query *limited(lua_State *L, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    if (q->statement) return q;
    mr_value one = mr_int_value(1);
    mr_node *limit = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &one);
    bind_derive_self(L, limit ? mr_query_limit(q, limit) : NULL);
    return bind_query_arg(L, function);
}

static int q_first(lua_State *L) {
    bind_refuse_more(L, 0, "first", " (several are given by limit(n):all())");
    bind_result *r = start(L, "first", limited(L, "first"));
    int idx = lua_gettop(L);
    bool found = bind_result_next(L, idx, r);
    bind_result_close(L, r);
    return as_value(L, found);
}

static int q_one(lua_State *L) {
    bind_refuse_more(L, 0, "one", " (criteria are given to filter)");
    bind_result *r = start(L, "one", bind_query_arg(L, "one"));
    return as_value(L, bind_result_one(L, -1, r, true));
}

static int q_one_or_none(lua_State *L) {
    bind_refuse_more(L, 0, "one_or_none", " (criteria are given to filter)");
    bind_result *r = start(L, "one_or_none", bind_query_arg(L, "one_or_none"));
    return as_value(L, bind_result_one(L, -1, r, false));
}

static int q_scalar(lua_State *L) {
    bind_refuse_more(L, 0, "scalar", " (criteria are given to filter)");
    bind_result *r = start(L, "scalar", bind_query_arg(L, "scalar"));
    r->scalars = true;
    return as_value(L, bind_result_one(L, -1, r, false));
}

/* for x in query:iter() do: the Result is the closing value. */
static int next_value(lua_State *L) {
    bind_result *r = bind_arg(L, 1, BIND_RESULT, "iter");
    return bind_result_next(L, 1, r) ? 1 : 0;
}

static int q_iter(lua_State *L) {
    bind_refuse_more(L, 0, "iter", " (criteria are given to filter)");
    start(L, "iter", bind_query_arg(L, "iter"));
    return bind_push_loop(L, -1, next_value);
}

static int q_count(lua_State *L) {
    bind_refuse_more(L, 0, "count", " (criteria are given to filter)");
    mr_query *q = bind_inner_query_arg(L, "count");
    mr_session *s = bind_query_session(L, "count");
    bind_state *b = bind_of(L);
    int64_t count = 0;
    BIND_TRY(b, L, mr_session_count(s, q, &count));
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

void bind_open_query_run(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"all", q_all},       {"first", q_first}, {"one", q_one},     {"one_or_none", q_one_or_none},
        {"scalar", q_scalar}, {"iter", q_iter},   {"count", q_count}, {NULL, NULL}};
    bind_extend_query(L, methods, false);
}
