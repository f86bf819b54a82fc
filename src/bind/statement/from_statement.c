/*
 * from_statement.c: query:from_statement: a query whose objects come from a statement as it is written.
 *
 * Invariant: clauses given before or after are refused, because the statement would not contain them.
 */
#include "query/query.h"
#include "statement.h"
#include "value/node.h"

/* The method that gave the query a clause already; or NULL. */
static const char *method_before(const mr_query *q) {
    if (q->clauses.where) return "filter";
    const char *method = mr_query_clause_method(q);
    return method || !q->clauses.correlate ? method : "correlate";
}

/* The statement at index 2 as a node; a new reference. */
static mr_node *given_statement(lua_State *L) {
    mr_node *node = bind_test_node(L, 2);
    const bind_statement *statement = bind_test_statement(L, 2);
    if (node && node->kind == MR_NODE_TEXT) return mr_node_retain(node);
    if (bind_is_query(L, 2)) return bind_to_select(L, 2);
    if (statement && statement->dml.returning) {
        bind_check_loader_options(L, statement, false, "from_statement");
        return bind_statement_node(L, statement, NULL);
    }
    bind_type_error(L, 2, "from_statement", "mr.text, a select, or an insert, update or delete with returning");
    return NULL;
}

static int q_from_statement(lua_State *L) {
    mr_query *q = bind_query_arg(L, "from_statement");
    bind_push_node(L, given_statement(L));
    bind_query_arg_for_clause(L, "from_statement");
    const char *before = method_before(q);
    if (before)
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          "from_statement: the query has a clause by %s() already, which the statement would not "
                          "have: write it in the statement",
                          before);
    return bind_derive(L, mr_query_from_statement(q, mr_node_retain(bind_test_node(L, -1))));
}

void bind_open_from_statement(lua_State *L) {
    static const luaL_Reg methods[] = {{"from_statement", q_from_statement}, {NULL, NULL}};
    bind_extend_query(L, methods, true);
}
