/*
 * run.c: the methods that run a query.
 *
 * Invariant: a query finds its session when it runs. So a query made from Class.query runs in the session of the scope
 * where it runs, not of that where it was made.
 */
#include <string.h>

#include "result.h"
#include "value/class.h"
#include "value/proxy.h"
#include "value/session.h"

mr_session *bind_query_session(lua_State *L, const char *function) {
    const bind_query *q = bind_query_at(L, 1);
    if (!q || q->select) bind_refuse_query(L, function);
    if (q->b->loops_open) bind_release_loops(L);
    if (lua_getiuservalue(L, 1, QUERY_SOURCE) == LUA_TNIL)
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s: the query has no session: use session:query(...)", function);
    return bind_session_of_source(L, -1, q->b);
}

bind_result *bind_query_start(lua_State *L, const char *function, mr_query *q) {
    mr_session *s = bind_query_session(L, function);
    bind_result *r = bind_new_result(L, -1);
    bind_state *b = bind_of(L);
    r->returns_rows = true;
    r->unwrap = q->nitems == 1 && q->items[0].mapper;
    BIND_TRY(b, L, mr_session_load(s, q, &r->load));
    return r;
}

static int q_all(lua_State *L) {
    bind_refuse_more(L, 0, "all", " (criteria are given to filter)");
    bind_result_all(L, -1, bind_query_start(L, "all", bind_query_arg(L, "all")), NULL, NULL);
    return 1;
}

/* Replaces the query at index 1 by one with LIMIT 1, unless it runs a statement as it is written. */
static mr_query *limited(lua_State *L, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    if (q->statement) return q;
    mr_value one = mr_int_value(1);
    mr_node *limit = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &one);
    bind_derive_self(L, limit ? mr_query_limit(q, limit) : NULL);
    return bind_query_arg(L, function);
}

/* Of a lookup: pushes what first gives, by the statement that the class keeps for it. false:
 * nothing is pushed, and the query has to be run. */
static bool look_up(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    if (!q || !q->mapper || q->nequals == 0) return false;
    bind_state *b = q->b;
    mr_session *s = bind_query_session(L, "first");
    mr_entity *found = NULL;
    BIND_ENTER(b, L);
    mr_status st = mr_session_first(s, q->mapper, q->equals, q->nequals, &found);
    if (st == MR_OK) mr_entity_unpin(found);
    BIND_LEAVE(b);
    lua_settop(L, 1);
    if (bind_check(L, st) == MR_DONE) return false;
    if (st == MR_OK) bind_push_entity(L, found);
    else lua_pushnil(L);
    return true;
}

static int q_first(lua_State *L) {
    bind_refuse_more(L, 0, "first", " (several are given by limit(n):all())");
    if (look_up(L)) return 1;
    bind_result *r = bind_query_start(L, "first", limited(L, "first"));
    int idx = lua_gettop(L);
    bool found = bind_result_next(L, idx, r);
    bind_result_close(L, r);
    if (!found || bind_is_null(L, -1)) lua_pushnil(L);
    return 1;
}

/* core.run_query(function's name, query): the Result, and the name of the query's class or nil, for a method of queries
 * that is written in Lua. */
static int core_run_query(lua_State *L) {
    const char *function = lua_tostring(L, 1); /* a constant of the caller */
    lua_remove(L, 1);
    bind_refuse_more(L, 0, function, " (criteria are given to filter)");
    mr_query *q = bind_query_arg(L, function);
    bind_query_start(L, function, q);
    lua_pushstring(L, q->cardinality_name);
    return 2;
}

/* core.query_of_parents(query): the query with one row for each object, where a join repeats the objects. */
static int core_query_of_parents(lua_State *L) {
    mr_query *q = bind_query_arg(L, "paginate");
    bind_state *b = bind_of(L);
    mr_registry *registry = q->nitems && q->items[0].mapper ? q->items[0].mapper->registry : NULL;
    BIND_TRY(b, L, registry ? mr_registry_configure(registry) : MR_OK);
    lua_settop(L, 1);
    bind_derive_self(L, mr_query_of_parents(bind_query_arg(L, "paginate")));
    return 1;
}

/* core.query_session(function's name, query): the session of the query, or its scoped session. */
static int core_query_session(lua_State *L) {
    const char *function = lua_tostring(L, 1); /* a constant of the caller */
    lua_remove(L, 1);
    bind_query_arg(L, function);
    bind_query_session(L, function);
    return 1;
}

/* core.query_class_name(query): the name of the one class that the query gives objects of, or nil. */
static int core_query_class_name(lua_State *L) {
    lua_pushstring(L, bind_query_arg(L, "query_class_name")->cardinality_name);
    return 1;
}

static void set_string(lua_State *L, const char *field, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

/* core.query_items(query): what a row of the query has, a list of { name =, class = } (objects) and { name =, type = };
 * type: the name of the type, where it is known, and decorated, where the program's functions convert its values. */
static int core_query_items(lua_State *L) {
    const mr_query *q = bind_query_arg(L, "export");
    bind_new_list(L, q->nitems);
    for (unsigned i = 0; i < q->nitems; i++) {
        const mr_query_item *item = &q->items[i];
        const mr_type *type = item->expression ? item->expression->type : NULL;
        lua_newtable(L);
        set_string(L, "name", item->name);
        if (item->mapper) {
            bind_push_class(L, item->mapper);
            lua_setfield(L, -2, "class");
        } else if (type) {
            set_string(L, "type", type->rules->name);
            lua_pushboolean(L, type->decorator != NULL);
            lua_setfield(L, -2, "decorated");
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* for x in query:iter() do. The Result is the closing value. */
static int q_iter(lua_State *L) {
    bind_refuse_more(L, 0, "iter", " (criteria are given to filter)");
    bind_query_start(L, "iter", bind_query_arg(L, "iter"));
    return bind_push_loop(L, -1);
}

static int q_count(lua_State *L) {
    bind_refuse_more(L, 0, "count", " (criteria are given to filter)");
    mr_query *q = bind_query_arg_for_subquery(L, "count");
    mr_session *s = bind_query_session(L, "count");
    bind_state *b = bind_of(L);
    int64_t count = 0;
    BIND_TRY(b, L, mr_session_count(s, q, &count));
    lua_pushinteger(L, (lua_Integer)count);
    return 1;
}

void bind_open_query_run(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"all", q_all}, {"first", q_first}, {"iter", q_iter}, {"count", q_count}, {NULL, NULL}};
    bind_extend_query(L, methods, false);
    lua_pushcfunction(L, core_query_items);
    lua_setfield(L, -2, "query_items");
    lua_pushcfunction(L, core_run_query);
    lua_setfield(L, -2, "run_query");
    lua_pushcfunction(L, core_query_of_parents);
    lua_setfield(L, -2, "query_of_parents");
    lua_pushcfunction(L, core_query_session);
    lua_setfield(L, -2, "query_session");
    lua_pushcfunction(L, core_query_class_name);
    lua_setfield(L, -2, "query_class_name");
}
