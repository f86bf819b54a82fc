/*
 * compound.c: union, union_all, intersect and except_ of queries, as methods and as functions.
 *
 * Invariant: the result is a query over the compound as a subquery. It takes clauses like any query; attributes and
 * expressions of the united queries mean the columns of the subquery.
 */
#include <string.h>

#include "expression/expression.h"
#include "query.h"
#include "value/from.h"

/* Raises where the n SELECTs from index first on have different numbers of columns, as far as these are known. */
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

/* The members of the query that is pushed at idx, if it can be written without being one itself: it is a compound of
 * the same kind, and the first, or where the order of members does not matter. 0: it stays one. */
static uint32_t members_of(const mr_node *select, mr_op op, bool first) {
    if (select->kind != MR_NODE_COMPOUND || select->op != op || (op == MR_OP_EXCEPT && !first)) return 0;
    const mr_select *s = select->u.select;
    return s->order_by || s->limit || s->offset ? 0 : select->n;
}

/* Pushes an array of the n SELECTs from index first on (retained). flat: compounds of the kind op among them are
 * replaced by their members. *total: their number. Nothing raises once the array is filled. */
static mr_node **collect(lua_State *L, int first, int n, mr_op op, bool flat, size_t *total) {
    *total = 0;
    for (int i = 0; i < n; i++) {
        uint32_t m = flat ? members_of(bind_test_node(L, first + i), op, i == 0) : 0;
        *total += m ? m : 1;
    }
    mr_node **selects = lua_newuserdatauv(L, *total * sizeof *selects, 0), **next = selects;
    for (int i = 0; i < n; i++) {
        mr_node *select = bind_test_node(L, first + i);
        uint32_t m = flat ? members_of(select, op, i == 0) : 0;
        if (!m) *next++ = mr_node_retain(select);
        for (uint32_t k = 0; k < m; k++) *next++ = mr_node_retain(select->child[k]);
    }
    return selects;
}

/* The compound of the queries on the stack, of which there are at least two; standing: by itself, mr.union. */
static int unite_all(lua_State *L, const bind_operation *o, bool standing) {
    const char *function = o->name;
    mr_query *q = bind_query_arg(L, function);
    int n = lua_gettop(L);
    bool outer = false;
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected another query", function);
    bind_check_room(L, n + 10, function);
    for (int i = 1; i <= n; i++) {
        bind_push_inner_select(L, i, function);
        if (mr_query_is_outer(bind_test_query(L, i))) outer = true;
    }
    if (!mr_query_columns(bind_test_node(L, n + 1)))
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          "%s: the first query is a text, whose columns are not known: begin with another "
                          "query",
                          function);
    check_widths(L, n + 1, n, function);
    size_t members;
    mr_node **selects = collect(L, n + 1, n, o->op, standing, &members);
    mr_node *all = mr_sql_compound(q->env, o->op, selects, members, NULL);
    mr_node *united = mr_sql_alias(q->env, all, NULL);
    return bind_derive(L, standing ? mr_query_standing(q, united, outer) : mr_query_over(q, united, outer));
}

static int unite(lua_State *L) { return unite_all(L, bind_operation_of(L), false); }

/* mr.union(a, b, ...), mr.union{ a, b, ... } */
static int unite_standing(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, o->name, (const char *const[]){NULL});
    lua_settop(L, n);
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected two queries or more", o->name);
    for (int i = 1; i <= n; i++)
        if (!bind_is_query(L, i)) return bind_type_error(L, i, o->name, "a select or a query");
    return unite_all(L, o, true);
}

/* Pushes the queries that the CTE unites by op; its whole body if it is something else. Returns how many. */
static int push_parts(lua_State *L, const mr_node *cte, mr_op op) {
    mr_node *body = cte->child[0];
    bool same = body->kind == MR_NODE_COMPOUND && body->op == op;
    int n = same ? (int)body->n : 1;
    bind_check_room(L, n, "union");
    for (int i = 0; i < n; i++) bind_push_node(L, mr_node_retain(same ? body->child[i] : body));
    return n;
}

/* cte:union(query, ...): the new CTE keeps the name, by which the queries read from the CTE itself (recursion). */
static int unite_cte(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    const char *function = o->name;
    const bind_from *from = bind_arg(L, 1, BIND_FROM, function);
    mr_node *cte = from->node;
    if (cte->kind != MR_NODE_CTE)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: a subquery cannot go on: unite the queries, or use :cte()",
                          function);
    int n = lua_gettop(L);
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected another query", function);
    bind_check_room(L, n + 10, function);
    int parts = push_parts(L, cte, o->op) + n - 1;
    for (int i = 2; i <= n; i++) bind_push_inner_select(L, i, function);
    mr_node **selects = bind_collect_nodes(L, n + 1, parts);
    mr_node *all = mr_sql_compound(cte->env, o->op, selects, (size_t)parts, NULL);
    bind_push_from(L, mr_sql_cte(cte->env, all, cte->name, cte->flags & ~(unsigned)MR_NODE_WRITES), NULL);
    return 1;
}

static const bind_operation of_query[] = {{"union", unite, MR_OP_UNION, 0},
                                          {"union_all", unite, MR_OP_UNION_ALL, 0},
                                          {"intersect", unite, MR_OP_INTERSECT, 0},
                                          {"except_", unite, MR_OP_EXCEPT, 0},
                                          {NULL, NULL, MR_OP_NONE, 0}};
static const bind_operation of_cte[] = {
    {"union", unite_cte, MR_OP_UNION, 0}, {"union_all", unite_cte, MR_OP_UNION_ALL, 0}, {NULL, NULL, MR_OP_NONE, 0}};

void bind_open_query_compound(lua_State *L) {
    static const bind_operation of_module[] = {{"union", unite_standing, MR_OP_UNION, 0},
                                               {"union_all", unite_standing, MR_OP_UNION_ALL, 0},
                                               {"intersect", unite_standing, MR_OP_INTERSECT, 0},
                                               {"except_", unite_standing, MR_OP_EXCEPT, 0},
                                               {NULL, NULL, MR_OP_NONE, 0}};
    bind_set_operations(L, of_module);
    bind_extend_query_operations(L, of_query);
    bind_push_methods(L, BIND_FROM);
    bind_set_operations(L, of_cte);
    lua_pop(L, 1);
}
