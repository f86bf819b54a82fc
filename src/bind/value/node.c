/*
 * node.c: the box of an SQL expression.
 *
 * Invariant: an Expression value holds one reference to its node.
 */
#include "node.h"

#include <string.h>

#include "state/own.h"

/* Index 1: a pointer to the node as light userdata; the node moves into the new value. */
static int push_body(lua_State *L) {
    mr_node **given = lua_touserdata(L, 1);
    bind_expression *e = lua_newuserdatauv(L, sizeof *e, 0);
    *e = (bind_expression){NULL, NULL};
    bind_set_type(L, BIND_EXPRESSION);
    e->node = *given;
    *given = NULL;
    return 1;
}

void bind_push_node(lua_State *L, mr_node *node) {
    if (!node) bind_raise(L);
    int rc = bind_give(L, push_body, &node);
    if (rc == LUA_OK) return;
    mr_node_release(node);
    bind_raise_given(L, rc);
}

void bind_push_compared(lua_State *L, mr_node *node) {
    bind_expression *e = lua_newuserdatauv(L, sizeof *e, 1);
    *e = (bind_expression){NULL, NULL};
    bind_set_type(L, BIND_COMPARED);
    e->node = mr_node_retain(node);
    lua_insert(L, -2);
    lua_setiuservalue(L, -2, 1);
}

/* Either kind of expression, or NULL. */
static bind_expression *test(lua_State *L, int idx) {
    bind_expression *e = bind_test(L, idx, BIND_EXPRESSION);
    return e ? e : bind_test(L, idx, BIND_COMPARED);
}

void bind_name_expression(lua_State *L, const char *name, const mr_property *prop) {
    if (prop->name != name && strcmp(prop->name, name) != 0) test(L, -1)->key = bind_intern_string(L, name);
}

const char *bind_expression_key(lua_State *L, int idx) {
    const bind_expression *e = test(L, idx);
    return e ? e->key : NULL;
}

mr_node *bind_test_node(lua_State *L, int idx) {
    const bind_expression *e = test(L, idx);
    return e ? e->node : NULL;
}

mr_node *bind_arg_node(lua_State *L, int idx, const char *function) {
    const bind_expression *e = test(L, idx);
    return e ? e->node : ((bind_expression *)bind_arg(L, idx, BIND_EXPRESSION, function))->node;
}

int bind_expression_gc(lua_State *L) {
    bind_expression *e = test(L, 1);
    if (!e) return 0;
    if (bind_peek(L)) mr_node_release(e->node);
    e->node = NULL;
    return bind_finalized(L);
}
