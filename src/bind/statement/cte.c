/*
 * cte.c: cte and add_cte of INSERT, UPDATE and DELETE.
 *
 * Invariant: a statement becomes a CTE with all its values: its defaults are made when it becomes one.
 */
#include "query/query.h"
#include "statement.h"
#include "value/node.h"

/* cte("name", { materialized = true }) */
static int s_cte(lua_State *L) {
    const bind_statement *s = bind_arg(L, 1, BIND_STATEMENT, "cte");
    bind_cte_form form = bind_read_cte_form(L);
    if (form.flags & MR_NODE_RECURSIVE)
        return bind_error(L, MR_ERR_ARGUMENT, "cte: an INSERT, UPDATE or DELETE cannot be recursive");
    bind_check_loader_options(L, s, false, "cte");
    bind_push_cte(L, &form, bind_statement_node(L, s, NULL));
    return 1;
}

/* add_cte(cte, ...) */
static int s_add_cte(lua_State *L) {
    const bind_statement *s = bind_arg(L, 1, BIND_STATEMENT, "add_cte");
    mr_env *env = bind_of(L)->env;
    bind_push_node(L, bind_arg_ctes(L));
    const mr_node *list = bind_test_node(L, -1);
    bind_statement *copy = bind_push_statement_copy(L, s);
    for (uint32_t i = 0; i < list->n; i++) {
        mr_node *before = copy->dml.with;
        copy->dml.with = NULL;
        copy->dml.with = mr_sql_list_append(env, before, mr_node_retain(list->child[i]));
        if (!copy->dml.with) return bind_raise(L);
    }
    return 1;
}

void bind_open_statement_cte(lua_State *L) {
    static const luaL_Reg methods[] = {{"cte", s_cte}, {"add_cte", s_add_cte}, {NULL, NULL}};
    bind_extend_type(L, BIND_STATEMENT, methods, NULL);
}
