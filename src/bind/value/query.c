/*
 * query.c: the box of a Query or Select.
 *
 * Invariant: a query value never changes. A derived query has the same session and the same class of methods.
 */
#include "query.h"

#include "state/own.h"

#include <string.h>

const char bind_query_magic = 0;

#define BIND_LOOKUP "moonrow.Lookup"

/* The criterion attribute = value. NULL without memory. */
static mr_node *equal_node(const mr_equal *e) {
    mr_env *env = e->prop->mapper->env;
    mr_node *column = mr_property_node(e->prop, NULL);
    return column ? mr_sql_binary(env, MR_OP_EQ, column, mr_sql_bind(env, column->type, &e->value)) : NULL;
}

static mr_query *made_query(const bind_query *q) {
    mr_env *env = q->b->env;
    mr_query_item item = {q->mapper, NULL, NULL, q->mapper->name};
    mr_query *all = mr_query_new(env, &item, 1, false);
    if (!all || q->nequals == 0) return all;
    mr_node *nodes[BIND_MAX_EQUALS];
    unsigned n = 0;
    while (n < q->nequals && (nodes[n] = equal_node(&q->equals[n]))) n++;
    mr_query *made = NULL;
    if (n == q->nequals) made = mr_query_where(all, mr_sql_list(env, MR_OP_AND, nodes, n));
    else
        for (unsigned i = 0; i < n; i++) mr_node_release(nodes[i]);
    mr_query_release(all);
    return made;
}

/* Now it has a query to release. */
static void make_query(lua_State *L, int idx, bind_query *q) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 4, "a query");
    luaL_getmetatable(L, BIND_QUERY);
    lua_setmetatable(L, idx);
    q->query = made_query(q);
    if (!q->query) bind_raise(L);
}

mr_query *bind_test_query(lua_State *L, int idx) {
    bind_query *q = bind_query_at(L, idx);
    if (q && !q->query && q->mapper) make_query(L, idx, q);
    return q ? q->query : NULL;
}

/* Copies the source and the class of the query at index 1 to q, on top. */
static void copy_values(lua_State *L, bind_query *q) {
    const bind_query *of = bind_query_at(L, 1);
    q->classed = of && of->classed;
    lua_getiuservalue(L, 1, QUERY_SOURCE);
    lua_setiuservalue(L, -2, QUERY_SOURCE);
    if (!q->classed) return;
    lua_getiuservalue(L, 1, QUERY_CLASS);
    lua_setiuservalue(L, -2, QUERY_CLASS);
}

static void copy_equals(bind_query *q, const mr_equal *equals, unsigned n) {
    char *text = (char *)&q->equals[n];
    for (unsigned i = 0; i < n; i++) {
        mr_value *v = &q->equals[i].value;
        q->equals[i] = equals[i];
        if (!mr_kind_is_bytes(v->kind)) continue;
        if (v->len) memcpy(text, v->u.s, v->len);
        v->u.s = text;
        text += v->len;
    }
    q->nequals = n;
}

bind_query *bind_push_lookup(lua_State *L, bind_state *b, mr_mapper *mapper, const mr_equal *equals, unsigned n,
                             int source) {
    size_t text = 0;
    for (unsigned i = 0; i < n; i++)
        if (mr_kind_is_bytes(equals[i].value.kind)) text += equals[i].value.len;
    bind_query *q = lua_newuserdatauv(L, sizeof *q + n * sizeof *q->equals + text, QUERY__VALUES);
    *q = (bind_query){.magic = &bind_query_magic, .b = b, .mapper = mapper};
    copy_equals(q, equals, n);
    if (source) {
        lua_pushvalue(L, source);
        lua_setiuservalue(L, -2, QUERY_SOURCE);
    } else {
        copy_values(L, q);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->lookups);
    lua_setmetatable(L, -2);
    return q;
}

bool bind_is_query(lua_State *L, int idx) { return bind_test_query(L, idx) != NULL; }

void bind_refuse_query(lua_State *L, const char *function) {
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected a query, got %s (methods are called with a colon: query:%s(...))",
               function, bind_describe(L, 1), function);
}

mr_query *bind_query_arg(lua_State *L, const char *function) {
    mr_query *q = bind_test_query(L, 1);
    if (!q) bind_refuse_query(L, function);
    return q;
}

typedef struct new_query {
    mr_query *query;
    const char *type;
} new_query;

static int push_body(lua_State *L) {
    new_query *what = lua_touserdata(L, 1);
    bind_query *q = lua_newuserdatauv(L, sizeof *q, QUERY__VALUES);
    *q = (bind_query){.magic = &bind_query_magic, .b = bind_of(L), .select = strcmp(what->type, BIND_SELECT) == 0};
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
    const bind_query *of = bind_query_at(L, 1);
    bind_push_query(L, q, 0, of && of->select ? BIND_SELECT : BIND_QUERY);
    copy_values(L, lua_touserdata(L, -1));
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
    q->magic = NULL;
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

void bind_make_lookups(lua_State *L) {
    luaL_newmetatable(L, BIND_LOOKUP);
    luaL_getmetatable(L, BIND_QUERY);
    for (lua_pushnil(L); lua_next(L, -2);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -5);
    }
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_setfield(L, -2, "__gc");
    bind_of(L)->lookups = luaL_ref(L, LUA_REGISTRYINDEX);
}
