/*
 * query_compound.c: union, union_all, intersect and except_ of queries.
 *
 * The result selects from the compound as a subquery, so it goes on like any query: criteria that name the
 * class's attributes are about the subquery's columns.
 */
#include <string.h>

#include "expression.h"
#include "from.h"
#include "query.h"

/* Pushes the SELECT of the query at idx with bare column names, as an expression. */
static void push_select(lua_State *L, int idx, const char *function) {
    const mr_query *q = bind_test_query(L, idx);
    if (!q) bind_type_error(L, idx, function, "a query");
    mr_query *copy = mr_query_flags(q, -1, -1);
    if (copy) copy->core_labels = true; /* nobody else has seen this one */
    bind_push_query(L, copy, 0, BIND_SELECT);
    bind_push_node(L, bind_to_select(L, -1));
    lua_remove(L, -2);
}

/* The items of q as read from the compound `from`: its entities, or its columns (pushed). Pushes the array.
 */
static mr_query_item *push_items(lua_State *L, const mr_query *q, const bind_from *from, const char *function,
                                 unsigned *n) {
    bool entity = q->nitems == 1 && q->items[0].mapper;
    *n = entity ? 1 : (unsigned)bind_from_width(from->node);
    mr_query_item *items = lua_newuserdatauv(L, (*n + (size_t)1) * sizeof *items, 0);
    if (entity) {
        items[0] = (mr_query_item){q->items[0].mapper, from->node, NULL, q->items[0].name};
        return items;
    }
    bind_check_room(L, (int)*n + 8, function);
    for (unsigned i = 0; i < q->nitems; i++)
        if (q->items[i].mapper)
            bind_error(L, MR_ERR_ARGUMENT, "%s: write one class, or columns alone", function);
    for (unsigned i = 0; i < *n; i++) {
        bind_push_from_column(L, from->node, i);
        items[i] = (mr_query_item){NULL, NULL, bind_test_node(L, -1), bind_from_column_name(from->node, i)};
    }
    return items;
}

static int compound(lua_State *L, mr_op op, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    int n = lua_gettop(L);
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected another query", function);
    bind_check_room(L, n + 10, function);
    for (int i = 1; i <= n; i++) push_select(L, i, function);
    mr_node **selects = bind_collect_nodes(L, n + 1, n);
    mr_node *all = mr_sql_compound(q->env, op, selects, (size_t)n, NULL);
    bind_push_from(L, mr_sql_alias(q->env, all, NULL), NULL);
    unsigned count;
    mr_query_item *items = push_items(L, q, bind_test_from(L, -1), function, &count);
    bind_retain_items(items, count);
    mr_query *plain = mr_query_new(q->env, items, count, q->core_labels);
    mr_query *made = plain ? mr_query_options(plain, q->options, q->noptions) : NULL;
    mr_query_release(plain);
    return bind_derive(L, made);
}

/* The parts of the CTE's body, as far as they are joined by op already. */
static int push_parts(lua_State *L, const mr_node *cte, mr_op op) {
    mr_node *body = cte->child[0];
    bool same = body->kind == MR_NODE_COMPOUND && body->op == op;
    int n = same ? (int)body->n : 1;
    bind_check_room(L, n, "union");
    for (int i = 0; i < n; i++) bind_push_node(L, mr_node_retain(same ? body->child[i] : body));
    return n;
}

/* A recursive CTE goes on by its name: what the queries read from it is the one before. */
int bind_cte_compound(lua_State *L, mr_op op, const char *function) {
    const bind_from *from = bind_arg(L, 1, BIND_FROM, function);
    mr_node *cte = from->node;
    if (cte->kind != MR_NODE_CTE)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: a subquery cannot go on: unite the queries, or use :cte()",
                          function);
    int n = lua_gettop(L);
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected another query", function);
    bind_check_room(L, n + 10, function);
    int parts = push_parts(L, cte, op) + n - 1;
    for (int i = 2; i <= n; i++) push_select(L, i, function);
    mr_node **selects = bind_collect_nodes(L, n + 1, parts);
    mr_node *all = mr_sql_compound(cte->env, op, selects, (size_t)parts, NULL);
    bind_push_from(L, mr_sql_cte(cte->env, all, cte->name, (cte->flags & MR_NODE_RECURSIVE) != 0), NULL);
    return 1;
}

static int q_union(lua_State *L) {
    return compound(L, MR_OP_UNION, "union");
}
static int q_union_all(lua_State *L) {
    return compound(L, MR_OP_UNION_ALL, "union_all");
}
static int q_intersect(lua_State *L) {
    return compound(L, MR_OP_INTERSECT, "intersect");
}
static int q_except(lua_State *L) {
    return compound(L, MR_OP_EXCEPT, "except_");
}

const luaL_Reg bind_compound_methods[] = {{"union", q_union},
                                          {"union_all", q_union_all},
                                          {"intersect", q_intersect},
                                          {"except_", q_except},
                                          {NULL, NULL}};
