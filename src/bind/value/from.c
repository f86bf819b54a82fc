/*
 * from.c: the boxes of the things besides a class that a query can select from, and of their columns (.c).
 *
 * Invariant: a value holds one reference to its node.
 */
#include "from.h"

#include "state/own.h"

bind_from *bind_test_from(lua_State *L, int idx) {
    bind_from *from = bind_test(L, idx, BIND_FROM);
    return from ? from : bind_test(L, idx, BIND_ALIASED);
}

/* Index 1: a bind_from as light userdata, whose contents move into the new value. */
static int push_body(lua_State *L) {
    bind_from *what = lua_touserdata(L, 1);
    bind_from *from = lua_newuserdatauv(L, sizeof *from, 0);
    from->node = NULL;
    bind_set_type(L, what->mapper ? BIND_ALIASED : BIND_FROM);
    *from = *what;
    what->node = NULL;
    return 1;
}

void bind_push_from(lua_State *L, mr_node *node, mr_mapper *mapper) {
    if (!node) bind_raise(L);
    bind_from what = {node, mapper};
    int rc = bind_give(L, push_body, &what);
    if (rc == LUA_OK) return;
    mr_node_release(what.node);
    bind_raise_given(L, rc);
}

int bind_from_gc(lua_State *L) {
    bind_from *from = bind_test_from(L, 1);
    if (!from) return 0;
    if (bind_peek(L)) mr_node_release(from->node);
    from->node = NULL;
    return bind_finalized(L);
}

void bind_push_columns(lua_State *L, mr_table *table, mr_node *from) {
    bind_columns *columns = lua_newuserdatauv(L, sizeof *columns, 0);
    *columns = (bind_columns){0};
    bind_set_type(L, BIND_COLUMNS);
    columns->table = table;
    columns->from = mr_node_retain(from);
}

void bind_push_attributes(lua_State *L, mr_mapper *mapper, mr_node *from, bool aliased) {
    bind_push_columns(L, NULL, from);
    bind_columns *columns = lua_touserdata(L, -1);
    columns->mapper = mapper;
    columns->aliased = aliased;
}

int bind_columns_gc(lua_State *L) {
    bind_columns *columns = bind_test(L, 1, BIND_COLUMNS);
    if (!columns) return 0;
    if (bind_peek(L)) mr_node_release(columns->from);
    columns->from = NULL;
    return bind_finalized(L);
}
