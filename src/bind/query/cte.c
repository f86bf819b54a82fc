/*
 * cte.c: cte and add_cte of queries, and the arguments that they share with those of statements.
 *
 * Invariant: a CTE stands once in front of the whole statement, however often it is named; a nesting one once in front
 * of each query that reads it.
 */
#include "expression/from.h"
#include "query.h"

bind_cte_form bind_read_cte_form(lua_State *L) {
    static const char *const names[] = {"name", "recursive", "materialized", "nesting", NULL};
    bind_cte_form form = {NULL, 0};
    int options;
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, "cte", names);
    if (n > 1) bind_error(L, MR_ERR_ARGUMENT, "cte: expected a name and options");
    form.name = bind_option_string(L, options, "cte", "name", NULL);
    if (n > 0) form.name = bind_arg_name(L, 2, "cte", "a name");
    if (bind_option_bool(L, options, "cte", "recursive", false)) form.flags |= MR_NODE_RECURSIVE;
    if (bind_option_bool(L, options, "cte", "nesting", false)) form.flags |= MR_NODE_NESTING;
    bool materialized = bind_option_bool(L, options, "cte", "materialized", false);
    if (bind_option(L, options, "materialized") != LUA_TNIL)
        form.flags |= materialized ? MR_NODE_MATERIALIZED : MR_NODE_NOT_MATERIALIZED;
    lua_pop(L, 1);
    return form;
}

void bind_push_cte(lua_State *L, const bind_cte_form *form, mr_node *body) {
    bind_push_from(L, mr_sql_cte(bind_of(L)->env, body, form->name, form->flags), NULL);
}

mr_node *bind_arg_ctes(lua_State *L) {
    int n = lua_gettop(L) - 1;
    if (n < 1) bind_error(L, MR_ERR_ARGUMENT, "add_cte: expected a CTE, as in add_cte(query:cte \"name\")");
    for (int i = 2; i <= n + 1; i++) {
        const bind_from *from = bind_test_from(L, i);
        if (!from || from->node->kind != MR_NODE_CTE)
            bind_type_error(L, i, "add_cte", "a CTE, as in add_cte(query:cte \"name\")");
        bind_push_node(L, mr_node_retain(from->node));
    }
    mr_node **ctes = bind_collect_nodes(L, n + 2, n);
    mr_node *list = mr_sql_list(bind_of(L)->env, MR_OP_COMMA, ctes, (size_t)n);
    if (!list) bind_raise(L);
    return list;
}

/* cte("name", { recursive = true, materialized = true }) */
static int q_cte(lua_State *L) {
    bind_query_arg_for_subquery(L, "cte");
    bind_cte_form form = bind_read_cte_form(L);
    bind_push_inner_select(L, 1, "cte");
    bind_push_cte(L, &form, mr_node_retain(bind_test_node(L, -1)));
    return 1;
}

/* add_cte(cte, ...) */
static int q_add_cte(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "add_cte");
    return bind_derive(L, mr_query_add_cte(q, bind_arg_ctes(L)));
}

void bind_open_query_cte(lua_State *L) {
    static const luaL_Reg methods[] = {{"cte", q_cte}, {"add_cte", q_add_cte}, {NULL, NULL}};
    bind_extend_query(L, methods, true);
}
