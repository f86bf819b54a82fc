/*
 * run.c: the methods that run a query.
 *
 * Invariant: a query finds its session when it runs, so one made from Class.query follows the scope it runs
 * in.
 */
#include <string.h>

#include "expression/expression.h"
#include "state/own.h"
#include "query.h"
#include "session/session.h"
#include "result.h"

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
    BIND_ENTER(b, L);
    mr_status st = mr_session_load(s, q, &r->load);
    BIND_LEAVE(b);
    bind_check(L, st);
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
    BIND_ENTER(b, L);
    mr_status st = mr_session_count(s, q, &count);
    BIND_LEAVE(b);
    bind_check(L, st);
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

/* ---------------------------------------------------------------- get */

static void unpin(void *p) { mr_entity_unpin(p); }

/* The key at index 2: one value, a list in the key's order, or values by attribute name: into values. */
static void read_key(lua_State *L, const mr_mapper *mapper, mr_value *values) {
    bool list = bind_is_plain_table(L, 2);
    if (!list && mapper->npk != 1)
        bind_error(L, MR_ERR_ARGUMENT, "get: %s has a key of %u columns: write get{ a, b }", mapper->name, mapper->npk);
    bool named = list && lua_rawlen(L, 2) == 0;
    if (named) bind_check_key_names(L, mapper, 2);
    if (list && !named && lua_rawlen(L, 2) != mapper->npk)
        bind_error(L, MR_ERR_ARGUMENT, "get: %s has a key of %u columns, got %u values", mapper->name, mapper->npk,
                   (unsigned)lua_rawlen(L, 2));
    luaL_checkstack(L, mapper->npk + 8, "get");
    for (uint16_t i = 0; i < mapper->npk; i++) {
        const mr_property *prop = NULL;
        for (size_t j = 0; j < mapper->columns.len && !prop; j++) {
            const mr_property *p = mr_vec_ptr(&mapper->columns, j);
            if (p->slot == mapper->pk_slots[i]) prop = p;
        }
        /* NOLINTBEGIN(clang-analyzer-core.NullDereference): a key's column has a property */
        if (!list) lua_pushvalue(L, 2);
        else if (named) lua_getfield(L, 2, prop->name);
        else lua_rawgeti(L, 2, i + 1);
        const char *what = lua_pushfstring(L, "%s.%s", mapper->name, prop->name);
        /* NOLINTEND(clang-analyzer-core.NullDereference) */
        if (lua_isnil(L, -2)) bind_error(L, MR_ERR_ARGUMENT, "get: %s: got nil (is the variable set?)", what);
        bind_check_value(L, -2, mr_column_type(mapper->env, prop->column), what, &values[i]);
    }
}

static int q_get(lua_State *L) {
    bind_refuse_more(L, 1, "get", " (a key of several columns is one list)");
    mr_query *q = bind_query_arg(L, "get");
    mr_mapper *mapper = q->nitems == 1 ? q->items[0].mapper : NULL;
    if (!mapper) return bind_error(L, MR_ERR_INVALID_REQUEST, "get: the query is not over one class");
    const mr_select *c = &q->clauses;
    if (c->where || c->order_by || c->group_by || c->limit || c->offset || c->distinct || q->njoins || q->nparents ||
        q->statement || q->united)
        return bind_error(L, MR_ERR_INVALID_REQUEST, "get: the query has criteria already: use filter_by(...):first()");
    lua_settop(L, 2);
    mr_session *s = bind_query_session(L, "get");
    mr_value *key = lua_newuserdatauv(L, (mapper->npk + (size_t)1) * sizeof *key, 0);
    read_key(L, mapper, key);
    bind_owner *owner = bind_own(L, unpin);
    bind_state *b = bind_of(L);
    mr_entity *entity = NULL;
    BIND_ENTER(b, L);
    mr_status st = mr_session_get(s, mapper, key, mapper->npk, q, q->populate_existing, &entity);
    BIND_LEAVE(b);
    if (st == MR_OK) owner->p = entity;
    bind_check(L, st);
    if (st == MR_NOTFOUND) {
        lua_pushnil(L);
        return 1;
    }
    bind_push_entity(L, entity);
    bind_own_done(owner);
    return 1;
}

const luaL_Reg bind_run_methods[] = {
    {"all", q_all},       {"first", q_first}, {"one", q_one},     {"one_or_none", q_one_or_none},
    {"scalar", q_scalar}, {"iter", q_iter},   {"count", q_count}, {"get", q_get},
    {NULL, NULL}};
