/*
 * query.c: the box of a Query or Select.
 *
 * Invariant: a query value never changes. A derived query has the same session and the same class of methods.
 */
#include "query.h"

#include "state/own.h"

mr_query *bind_test_query(lua_State *L, int idx) {
    const bind_query *q = bind_test(L, idx, BIND_QUERY);
    if (!q) q = bind_test(L, idx, BIND_SELECT);
    return q ? q->query : NULL;
}

bool bind_is_query(lua_State *L, int idx) { return bind_test_query(L, idx) != NULL; }

mr_query *bind_query_arg(lua_State *L, const char *function) {
    mr_query *q = bind_test_query(L, 1);
    if (!q) bind_type_error(L, 1, function, "a query (methods are called with a colon)");
    return q;
}

typedef struct new_query {
    mr_query *query;
    const char *type;
} new_query;

static int push_body(lua_State *L) {
    new_query *what = lua_touserdata(L, 1);
    bind_query *q = lua_newuserdatauv(L, sizeof *q, QUERY__VALUES);
    q->query = NULL;
    bind_set_type(L, what->type);
    q->query = what->query;
    what->query = NULL;
    return 1;
}

void bind_push_query(lua_State *L, mr_query *query, int source, const char *type) {
    if (!query) bind_raise(L);
    new_query what = {query, type};
    if (source) source = lua_absindex(L, source);
    int rc = bind_give(L, push_body, &what);
    if (rc != LUA_OK) {
        mr_query_release(what.query);
        bind_raise_given(L, rc);
    }
    if (source) {
        lua_pushvalue(L, source);
        lua_setiuservalue(L, -2, QUERY_SOURCE);
    }
}

int bind_derive(lua_State *L, mr_query *q) {
    bool select = bind_test(L, 1, BIND_SELECT) != NULL;
    bind_push_query(L, q, 0, select ? BIND_SELECT : BIND_QUERY);
    for (int i = QUERY_SOURCE; i <= QUERY__VALUES; i++) {
        lua_getiuservalue(L, 1, i);
        lua_setiuservalue(L, -2, i);
    }
    return 1;
}

void bind_derive_self(lua_State *L, mr_query *q) {
    bind_derive(L, q);
    lua_replace(L, 1);
}

int bind_query_gc(lua_State *L) {
    bind_query *q = bind_test(L, 1, BIND_QUERY);
    if (!q) q = bind_test(L, 1, BIND_SELECT);
    if (!q) return 0;
    if (bind_peek(L)) mr_query_release(q->query);
    q->query = NULL;
    return bind_finalized(L);
}

mr_node *bind_to_select(lua_State *L, int idx) {
    mr_query *q = bind_test_query(L, idx);
    if (!q) return NULL;
    bind_state *b = bind_of(L);
    mr_node *node = NULL;
    BIND_TRY(b, L, mr_query_statement(q, &node));
    return node;
}
