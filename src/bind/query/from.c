/*
 * from.c: the methods of queries about FROM: joins, select_from, items, with_parent; and those that make a query a part
 * of another: subquery, cte, exists.
 *
 * Invariant: the mappings of a relationship are configured before it becomes a part of a query.
 */
#include <string.h>

#include "expression/expression.h"
#include "expression/from.h"
#include "query.h"
#include "value/class.h"
#include "value/proxy.h"
#include "value/relationship.h"
#include "value/schema.h"

/* ---------------------------------------------------------------- joins */

/* The relationship that a string names on the query's class. */
static const mr_property *named_relationship(lua_State *L, int idx, mr_node **alias) {
    mr_mapper *mapper = mr_query_filter_by_target(bind_query_arg(L, "join"), alias);
    const char *name = lua_tostring(L, idx);
    if (!mapper) bind_error(L, MR_ERR_ARGUMENT, "join: the query has no class to find '%s' on", name);
    bind_configure(L, mapper);
    const mr_property *prop = mr_mapper_property(mapper, name, true);
    if (prop && prop->kind == MR_PROPERTY_RELATIONSHIP) return prop;
    const char *near = prop ? NULL : mr_mapper_nearest(mapper, name);
    bind_error(L, MR_ERR_ARGUMENT, "join: %s has no relationship '%s'%s", mapper->name, name, bind_hint(L, near));
    return NULL;
}

/* Sets along, left_alias (borrowed) and mapper by the relationship at idx, an attribute or its name. False: idx is
 * neither. */
static bool read_along(lua_State *L, int idx, mr_query_join *join) {
    const bind_relationship *r = bind_test_relationship(L, idx);
    if (r) {
        bind_configure(L, r->prop->mapper);
        join->along = r->prop;
        join->left_alias = r->alias;
        join->mapper = r->of_type ? r->of_type : r->prop->relationship->target;
        return true;
    }
    if (lua_type(L, idx) != LUA_TSTRING) return false;
    join->along = named_relationship(L, idx, &join->left_alias);
    join->mapper = join->along->relationship->target;
    return true;
}

/* Adds the join to the query at index 1. The join's nodes are borrowed. */
static void add_join(lua_State *L, mr_query_join *join, mr_op kind) {
    const mr_query *q = bind_query_arg(L, "join");
    join->kind = kind;
    mr_node_retain(join->left_alias);
    mr_node_retain(join->target);
    mr_node_retain(join->on);
    bind_derive_self(L, mr_query_join_on(q, join));
}

/* Sets the target of the join by the value at idx. Pushes the expression that owns it, if one is made. */
static void read_target(lua_State *L, int idx, mr_query_join *join) {
    mr_mapper *mapper = bind_test_class(L, idx);
    const bind_from *from = bind_test_from(L, idx);
    join->mapper = mapper;
    if (mapper) return;
    if (from) {
        join->target = from->node;
        join->mapper = from->mapper;
        return;
    }
    if (!bind_test_table(L, idx))
        bind_type_error(L, idx, "join", "a relationship such as User.posts, a class, an alias, a table or a subquery");
    bind_push_node(L, bind_to_from(L, idx, "join", &mapper));
    join->target = bind_test_node(L, -1);
}

/* join(A.b, B.c, ...): along the n relationships from index 2 on; on: the index of the condition of a single one, or 0.
 */
static void join_along(lua_State *L, int n, int on, mr_op kind, const char *function) {
    if (on && n > 1) bind_error(L, MR_ERR_ARGUMENT, "%s: a condition goes with one relationship, not %d", function, n);
    for (int i = 2; i <= n + 1; i++) {
        mr_query_join join = {0};
        if (!read_along(L, i, &join)) bind_type_error(L, i, function, "a relationship");
        if (on) join.on = bind_arg_criterion(L, on, function);
        add_join(L, &join, kind);
    }
}

/* join(target), join(target, condition), join(target, A.b): on: the index of the condition or relationship, or 0. */
static void join_target(lua_State *L, int on, mr_op kind, const char *function) {
    mr_query_join join = {0}, along = {0};
    read_target(L, 2, &join);
    if (on && read_along(L, on, &along)) {
        join.along = along.along;
        join.left_alias = along.left_alias;
    } else if (on) {
        join.on = bind_arg_criterion(L, on, function);
    }
    add_join(L, &join, kind);
}

static int join(lua_State *L) {
    static const char *const names[] = {"isouter", "full", "onclause", NULL};
    const bind_operation *o = bind_operation_of(L);
    mr_op kind = o->op;
    int options;
    bind_query_arg_for_clause(L, o->name);
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, o->name, names);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected what to join", o->name);
    if (bind_option_bool(L, options, o->name, "isouter", false)) kind = MR_OP_LEFT;
    if (bind_option_bool(L, options, o->name, "full", false)) kind = MR_OP_FULL;
    luaL_checkstack(L, 12, o->name);
    int on = bind_option(L, options, "onclause") != LUA_TNIL ? lua_gettop(L) : 0;
    bool along = bind_test_relationship(L, 2) || lua_type(L, 2) == LUA_TSTRING;
    if (n == 2 && (!along || bind_test_node(L, 3))) { /* the second argument is the condition */
        if (on) return bind_error(L, MR_ERR_ARGUMENT, "%s: the condition is given twice", o->name);
        on = 3;
        n = 1;
    }
    if (!along && n > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a target and a condition, got %d arguments", o->name, n);
    if (along) join_along(L, n, on, kind, o->name);
    else join_target(L, on, kind, o->name);
    lua_settop(L, 1);
    return 1;
}

static const bind_operation joins[] = {
    {"join", join, MR_OP_INNER, 0}, {"outerjoin", join, MR_OP_LEFT, 0}, {NULL, NULL, MR_OP_NONE, 0}};

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

static int q_select_from(lua_State *L) { return froms(L, "select_from", mr_query_select_from); }
static int q_correlate(lua_State *L) { return froms(L, "correlate", mr_query_correlate); }

static int items(lua_State *L, const char *function, bool append) {
    mr_query *q = bind_query_arg(L, function);
    unsigned n;
    mr_query_item *list = bind_read_items(L, 2, lua_gettop(L) - 1, function, &n);
    bind_retain_items(list, n);
    return bind_derive(L, mr_query_with_items(q, list, n, append));
}

static int q_with_entities(lua_State *L) { return items(L, "with_entities", false); }
static int q_add_columns(lua_State *L) { return items(L, "add_columns", true); }

static int q_with_parent(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "with_parent");
    mr_entity *parent = bind_arg_entity(L, 2, "with_parent");
    mr_query_join along = {0};
    bind_configure(L, parent->mapper);
    if (lua_type(L, 3) == LUA_TSTRING) {
        const char *name = lua_tostring(L, 3);
        along.along = mr_mapper_property(parent->mapper, name, true);
        if (!along.along || along.along->kind != MR_PROPERTY_RELATIONSHIP) {
            const char *near = mr_mapper_nearest(parent->mapper, name);
            return bind_error(L, MR_ERR_ARGUMENT, "with_parent: %s has no relationship '%s'%s", parent->mapper->name,
                              name, bind_hint(L, near));
        }
    } else if (!lua_isnoneornil(L, 3) && !read_along(L, 3, &along)) {
        return bind_type_error(L, 3, "with_parent", "a relationship of the parent's class");
    }
    if (along.along && !mr_mapper_isa(parent->mapper, along.along->mapper))
        return bind_error(L, MR_ERR_ARGUMENT, "with_parent: %s.%s is no relationship of %s", along.along->mapper->name,
                          along.along->name, parent->mapper->name);
    bind_state *b = bind_of(L);
    mr_query *made;
    BIND_CALL(b, L, made = mr_query_belonging_to(q, along.along, parent));
    return bind_derive(L, made);
}

/* ---------------------------------------------------------------- a query within another */

static int q_subquery(lua_State *L) {
    bind_query_arg_for_subquery(L, "subquery");
    const char *name = lua_isnoneornil(L, 2) ? NULL : bind_arg_name(L, 2, "subquery", "a name");
    bind_push_inner_select(L, 1, "subquery");
    bind_push_from(L, mr_sql_alias(bind_of(L)->env, mr_node_retain(bind_test_node(L, -1)), name), NULL);
    return 1;
}

/* cte("name", { recursive = true }) */
static int q_cte(lua_State *L) {
    static const char *const names[] = {"name", "recursive", NULL};
    int options;
    bind_query_arg_for_subquery(L, "cte");
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, "cte", names);
    const char *name = bind_option_string(L, options, "cte", "name", NULL);
    if (n > 0) name = bind_arg_name(L, 2, "cte", "a name");
    bool recursive = bind_option_bool(L, options, "cte", "recursive", false);
    bind_push_inner_select(L, 1, "cte");
    bind_push_from(L, mr_sql_cte(bind_of(L)->env, mr_node_retain(bind_test_node(L, -1)), name, recursive), NULL);
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
                                       {"correlate", q_correlate},
                                       {"with_entities", q_with_entities},
                                       {"add_columns", q_add_columns},
                                       {"with_parent", q_with_parent},
                                       {"subquery", q_subquery},
                                       {"cte", q_cte},
                                       {"exists", q_exists},
                                       {"scalar_subquery", q_scalar_subquery},
                                       {"label", q_label},
                                       {NULL, NULL}};
    bind_extend_query(L, methods, true);
    bind_extend_query_operations(L, joins);
}
