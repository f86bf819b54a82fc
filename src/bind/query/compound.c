/*
 * compound.c: union, union_all, intersect and except_ of queries.
 *
 * The result selects from the compound as a subquery, so it goes on like any query: what names the attributes and
 * expressions of its queries is about the subquery's columns.
 */
#include <string.h>

#include "expression/expression.h"
#include "query.h"
#include "value/from.h"

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

/* The n SELECTs from index first on give the same number of columns, as far as that is known. */
static void check_widths(lua_State *L, int first, int n, const char *function) {
    size_t width = mr_from_width(bind_test_node(L, first));
    for (int i = 1; i < n; i++) {
        size_t other = mr_from_width(bind_test_node(L, first + i));
        if (width && other && width != other)
            bind_error(L, MR_ERR_ARGUMENT,
                       "%s: the queries must give the same number of columns: the first gives %d, "
                       "number %d gives %d",
                       function, (int)width, i + 1, (int)other);
    }
}

static int compound(lua_State *L, mr_op op, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    int n = lua_gettop(L);
    bool outer = false;
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected another query", function);
    bind_check_room(L, n + 10, function);
    for (int i = 1; i <= n; i++) {
        push_select(L, i, function);
        if (mr_query_is_outer(bind_test_query(L, i))) outer = true;
    }
    if (!mr_query_columns(bind_test_node(L, n + 1)))
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          "%s: the first query is a text, whose columns are not known: begin with another "
                          "query",
                          function);
    check_widths(L, n + 1, n, function);
    mr_node **selects = bind_collect_nodes(L, n + 1, n);
    mr_node *all = mr_sql_compound(q->env, op, selects, (size_t)n, NULL);
    return bind_derive(L, mr_query_over(q, mr_sql_alias(q->env, all, NULL), outer));
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
static int cte_compound(lua_State *L, mr_op op, const char *function) {
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

static int q_union(lua_State *L) { return compound(L, MR_OP_UNION, "union"); }
static int q_union_all(lua_State *L) { return compound(L, MR_OP_UNION_ALL, "union_all"); }
static int q_intersect(lua_State *L) { return compound(L, MR_OP_INTERSECT, "intersect"); }
static int q_except(lua_State *L) { return compound(L, MR_OP_EXCEPT, "except_"); }

static int from_union(lua_State *L) { return cte_compound(L, MR_OP_UNION, "union"); }
static int from_union_all(lua_State *L) { return cte_compound(L, MR_OP_UNION_ALL, "union_all"); }

void bind_open_query_compound(lua_State *L) {
    static const luaL_Reg methods[] = {{"union", q_union},
                                       {"union_all", q_union_all},
                                       {"intersect", q_intersect},
                                       {"except_", q_except},
                                       {NULL, NULL}};
    static const luaL_Reg of_cte[] = {{"union", from_union}, {"union_all", from_union_all}, {NULL, NULL}};
    bind_extend_query(L, methods, true);
    bind_extend_type(L, BIND_FROM, of_cte, NULL);
}
