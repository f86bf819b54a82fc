/*
 * from.c: the methods of queries about FROM: select_from, items, with_parent; and those that make a query a part of
 * another: subquery, cte, exists.
 *
 * Invariant: the mappings of a relationship are configured before it becomes a part of a query.
 */
#include <string.h>

#include "class/attribute.h"
#include "expression/expression.h"
#include "expression/from.h"
#include "query.h"
#include "value/class.h"
#include "value/proxy.h"
#include "value/relationship.h"
#include "value/schema.h"

/* ---------------------------------------------------------------- FROM, items */

static int froms(lua_State *L, const char *function, mr_query *(*add)(const mr_query *q, mr_node *from)) {
    bind_query_arg_for_clause(L, function);
    int n = lua_gettop(L) - 1;
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a class, an alias, a table or a subquery", function);
    for (int i = 2; i <= n + 1; i++) {
        mr_mapper *mapper;
        mr_node *from = bind_to_from(L, i, function, &mapper);
        bind_derive_self(L, add(bind_query_arg(L, function), from));
    }
    lua_settop(L, 1);
    return 1;
}

static int q_select_from(lua_State *L) { return froms(L, "select_from", mr_query_select_rows_from); }

static int correlate(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    mr_query *q = bind_query_arg_for_clause(L, o->name);
    int n = lua_gettop(L) - 1;
    bool except = o->flags != 0, none = n == 1 && bind_is_null(L, 2);
    /* correlate goes on with what it has, unless that are exceptions. */
    if (!except && !none && !q->clauses.correlate_except) return froms(L, o->name, mr_query_correlate);
    bind_push_froms(L, 2, n, o->name);
    return bind_derive(L, mr_query_correlate_list(q, mr_node_retain(bind_test_node(L, -1)), except));
}

static const bind_operation correlates[] = {{"correlate", correlate, MR_OP_NONE, 0},
                                            {"correlate_except", correlate, MR_OP_NONE, 1},
                                            {NULL, NULL, MR_OP_NONE, 0}};

static int items(lua_State *L, const char *function, bool append) {
    mr_query *q = bind_query_arg(L, function);
    unsigned n;
    mr_query_item *list = bind_read_items(L, 2, lua_gettop(L) - 1, function, &n);
    bind_retain_items(list, n);
    return bind_derive(L, mr_query_with_items(q, list, n, append));
}

static int q_with_entities(lua_State *L) { return items(L, "with_entities", false); }
static int q_with_only_columns(lua_State *L) { return items(L, "with_only_columns", false); }
static int q_add_columns(lua_State *L) { return items(L, "add_columns", true); }
static int q_add_entity(lua_State *L) { return items(L, "add_entity", true); }

static int q_with_parent(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "with_parent");
    mr_entity *parent = bind_arg_entity(L, 2, "with_parent");
    const mr_property *along = NULL;
    mr_node *alias = NULL;
    bind_configure(L, parent->mapper);
    if (!lua_isnoneornil(L, 3)) along = bind_relationship_of(L, 3, parent->mapper, &alias, "with_parent");
    bind_state *b = bind_of(L);
    mr_query *made;
    if (!alias) {
        BIND_CALL(b, L, made = mr_query_belonging_to(q, along, parent));
        return bind_derive(L, made);
    }
    mr_node *criterion = NULL;
    BIND_CALL(b, L, (void)mr_object_criterion(along, alias, parent, MR_BELONGS_TO, &criterion));
    bind_push_node(L, criterion);
    return bind_derive(L, mr_query_where(q, mr_node_retain(bind_test_node(L, -1))));
}

/* ---------------------------------------------------------------- a query within another */

static int q_subquery(lua_State *L) {
    bind_query_arg_for_subquery(L, "subquery");
    const char *name = lua_isnoneornil(L, 2) ? NULL : bind_arg_name(L, 2, "subquery", "a name");
    bind_push_inner_select(L, 1, "subquery");
    bind_push_from(L, mr_sql_alias(bind_of(L)->env, mr_node_retain(bind_test_node(L, -1)), name), NULL);
    return 1;
}

static int q_lateral(lua_State *L) {
    bind_query_arg_for_subquery(L, "lateral");
    bind_refuse_more(L, 1, "lateral", "");
    const char *name = lua_isnoneornil(L, 2) ? NULL : bind_arg_name(L, 2, "lateral", "a name");
    bind_push_inner_select(L, 1, "lateral");
    bind_push_from(L, mr_sql_lateral(bind_of(L)->env, mr_node_retain(bind_test_node(L, -1)), name), NULL);
    return 1;
}

static int q_exists(lua_State *L) {
    mr_query *q = bind_query_arg(L, "exists");
    bind_refuse_more(L, 0, "exists", " (criteria are given to filter)");
    bind_state *b = bind_of(L);
    mr_node *node = NULL;
    BIND_CALL(b, L, (void)mr_query_exists(q, &node));
    bind_push_node(L, node);
    return 1;
}

static int q_scalar_subquery(lua_State *L) {
    bind_query_arg(L, "scalar_subquery");
    bind_push_node(L, mr_sql_scalar(bind_of(L)->env, bind_to_select(L, 1)));
    return 1;
}

static int q_label(lua_State *L) {
    mr_env *env = bind_query_arg(L, "label")->env;
    const char *name = bind_arg_name(L, 2, "label", "a name");
    bind_push_node(L, mr_sql_label(env, name, mr_sql_scalar(env, bind_to_select(L, 1))));
    return 1;
}

void bind_open_query_from(lua_State *L) {
    static const luaL_Reg methods[] = {{"select_from", q_select_from},
                                       {"with_entities", q_with_entities},
                                       {"with_only_columns", q_with_only_columns},
                                       {"add_columns", q_add_columns},
                                       {"add_entity", q_add_entity},
                                       {"with_parent", q_with_parent},
                                       {"subquery", q_subquery},
                                       {"lateral", q_lateral},
                                       {"exists", q_exists},
                                       {"scalar_subquery", q_scalar_subquery},
                                       {"label", q_label},
                                       {NULL, NULL}};
    bind_extend_query(L, methods, true);
    bind_extend_query_operations(L, correlates);
}
