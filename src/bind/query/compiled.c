/*
 * compiled.c: query:compiled(): a query that keeps its statement, run with values for its named parameters.
 *
 * Invariant: what it gives is what query:params(values) gives by the same method.
 */
#include "result.h"
#include "state/own.h"
#include "value/own_value.h"
#include "value/proxy.h"
#include "value/session.h"

#define BIND_COMPILED "moonrow.CompiledQuery"

/* In the user value of a compiled query is the query, whose session it runs on. */
typedef struct bind_compiled {
    bind_state *b;
    mr_ready *all, *one; /* as it is, and limited to one row */
} bind_compiled;

static void release_ready(void *p) {
    const bind_compiled *c = p;
    mr_ready_free(c->all);
    mr_ready_free(c->one);
}

static int compiled_gc(lua_State *L) {
    bind_compiled *c = bind_test(L, 1, BIND_COMPILED);
    if (!c) return 0;
    if (bind_peek(L)) bind_release_quietly(c->b, release_ready, c);
    c->all = c->one = NULL;
    return bind_finalized(L);
}

/* The query of first: NULL without memory. */
static mr_query *one_row(mr_query *q) {
    mr_value one = mr_int_value(1);
    if (q->statement) return mr_query_retain(q);
    mr_node *limit = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &one);
    return limit ? mr_query_limit(q, limit) : NULL;
}

static int q_compiled(lua_State *L) {
    bind_refuse_more(L, 0, "compiled", "");
    mr_query *q = bind_query_arg(L, "compiled");
    bind_compiled *c = lua_newuserdatauv(L, sizeof *c, 1);
    *c = (bind_compiled){.b = bind_of(L)};
    bind_set_type(L, BIND_COMPILED);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    mr_query *limited = one_row(q);
    c->all = limited ? mr_ready_new(q, NULL) : NULL;
    c->one = c->all ? mr_ready_new(limited, c->all) : NULL;
    mr_query_release(limited);
    if (!c->one) return bind_raise(L);
    return 1;
}

/* Reads the table of values at index 2, which may be left out, and pushes the array that named shows. */
static void read_values(lua_State *L, const char *function, const bind_compiled *c, mr_vec *named) {
    bind_refuse_more(L, 1, function, " (all values are in one table)");
    *named = (mr_vec){0};
    lua_settop(L, 2);
    if (lua_isnil(L, 2)) return;
    if (!bind_is_plain_table(L, 2)) bind_type_error(L, 2, function, "a table of values by name");
    size_t n = 0;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) n++;
    mr_named_value *values = lua_newuserdatauv(L, (n + 1) * sizeof *values, 0);
    *named = (mr_vec){.data = values, .size = sizeof *values};
    lua_newtable(L); /* keeps what tables are replaced by */
    lua_insert(L, 3);
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        mr_named_value *v = &values[named->len++];
        if (lua_type(L, 5) != LUA_TSTRING) bind_type_error(L, 5, function, "names of parameters");
        v->name = lua_tostring(L, 5);
        const mr_node *param = NULL;
        if (lua_istable(L, 6) || bind_is_null(L, 6))
            BIND_TRY(c->b, L, mr_query_find_param(mr_ready_query(c->all), v->name, &param));
        if (bind_takes_list(L, 6, param))
            bind_error(
                L, MR_ERR_ARGUMENT,
                "%s: '%s' is a list, whose length is part of the SQL: give it before compiled(), params{ %s = { ... } "
                "}:compiled()",
                function, v->name, v->name);
        bind_read_param(L, 6, param ? param->type : NULL, lua_pushfstring(L, "%s: '%s'", function, v->name), &v->value);
        lua_pop(L, 1);
        lua_pushvalue(L, 6);
        lua_rawseti(L, 3, (lua_Integer)named->len);
    }
}

/* Puts the query at index 1, where its methods look for it. */
static bind_compiled *begin(lua_State *L, const char *function, mr_vec *named) {
    bind_compiled *c = bind_arg(L, 1, BIND_COMPILED, function);
    read_values(L, function, c, named);
    lua_pushvalue(L, 1); /* stays alive */
    lua_getiuservalue(L, 1, 1);
    lua_replace(L, 1);
    return c;
}

static bind_result *start(lua_State *L, const char *function, const bind_compiled *c, mr_ready *ready,
                          const mr_vec *named) {
    const mr_query *q = mr_ready_query(ready);
    mr_session *s = bind_query_session(L, function);
    bind_result *r = bind_new_result(L, -1);
    r->returns_rows = true;
    r->unwrap = q->nitems == 1 && q->items[0].mapper;
    BIND_TRY(c->b, L, mr_session_load_ready(s, ready, named, &r->load));
    return r;
}

static bind_result *run(lua_State *L, const char *function) {
    mr_vec named;
    const bind_compiled *c = begin(L, function, &named);
    return start(L, function, c, c->all, &named);
}

static int compiled_first(lua_State *L) {
    mr_vec named;
    const bind_compiled *c = begin(L, "first", &named);
    mr_session *s = bind_query_session(L, "first");
    mr_entity *e = NULL;
    mr_status st;
    BIND_CALL(c->b, L, if ((st = mr_session_first_ready(s, c->one, &named, &e)) == MR_OK) mr_entity_unpin(e));
    bind_check(L, st);
    if (st == MR_OK) bind_push_entity(L, e);
    else if (st == MR_NOTFOUND) lua_pushnil(L);
    if (st != MR_DONE) return 1;
    bind_result *r = start(L, "first", c, c->one, &named);
    int idx = lua_gettop(L);
    bool found = bind_result_next(L, idx, r);
    bind_result_close(L, r);
    if (!found || bind_is_null(L, -1)) lua_pushnil(L);
    return 1;
}

static int compiled_all(lua_State *L) {
    bind_result_all(L, -1, run(L, "all"), NULL, NULL);
    return 1;
}

/* core.run_compiled(function's name, compiled query, values): the Result, and the name of the query's class or nil. */
static int core_run_compiled(lua_State *L) {
    const char *function = lua_tostring(L, 1); /* a constant of the caller */
    lua_remove(L, 1);
    mr_vec named;
    const bind_compiled *c = begin(L, function, &named);
    start(L, function, c, c->all, &named);
    lua_pushstring(L, mr_ready_query(c->all)->cardinality_name);
    return 2;
}

static int compiled_iter(lua_State *L) {
    (void)run(L, "iter");
    return bind_push_loop(L, -1);
}

static int compiled_tostring(lua_State *L) {
    bind_arg(L, 1, BIND_COMPILED, "tostring");
    lua_getiuservalue(L, 1, 1);
    luaL_tolstring(L, -1, NULL);
    return 1;
}

/* sql{ literals = true }: its parameters stay :name. */
static int compiled_sql(lua_State *L) {
    bind_arg(L, 1, BIND_COMPILED, "sql");
    lua_getiuservalue(L, 1, 1);
    lua_replace(L, 1);
    return bind_query_sql(L);
}

void bind_open_compiled(lua_State *L) {
    static const luaL_Reg metamethods[] = {{"__gc", compiled_gc}, {"__tostring", compiled_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"first", compiled_first}, {"all", compiled_all}, {"iter", compiled_iter}, {"sql", compiled_sql}, {NULL, NULL}};
    static const luaL_Reg of_query[] = {{"compiled", q_compiled}, {NULL, NULL}};
    bind_type(L, BIND_COMPILED, "CompiledQuery", methods, NULL, metamethods);
    bind_extend_query(L, of_query, false);
    bind_push_methods(L, BIND_COMPILED);
    lua_setfield(L, -2, "compiled_methods");
    lua_pushcfunction(L, core_run_compiled);
    lua_setfield(L, -2, "run_compiled");
}
