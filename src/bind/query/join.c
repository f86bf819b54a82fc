/*
 * join.c: the joins of queries, join, outerjoin and join_from, and FROM objects that are joined by themselves: mr.join.
 *
 * Invariant: a join along a relationship is described, and becomes SQL when the query is planned. mr.join is planned at
 * once, by the same rules, as a query without anything else.
 */
#include "expression/expression.h"
#include "expression/from.h"
#include "query.h"
#include "value/class.h"
#include "value/from.h"
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
        join->target = r->of_alias;
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
    mr_node_retain(join->from);
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

/* Makes the join begin with from (borrowed), which may be an alias of the relationship's class. */
static void begin_with(mr_query_join *join, mr_node *from) {
    join->from = from;
    if (from && join->along && !join->left_alias && from->kind == MR_NODE_ALIAS) join->left_alias = from;
}

/* join(A.b, B.c, ...): along the n relationships from index 2 on; on: the index of the condition of a single one, or 0.
 */
static void join_along(lua_State *L, int n, int on, mr_op kind, mr_node *from, const char *function) {
    if (on && n > 1) bind_error(L, MR_ERR_ARGUMENT, "%s: a condition goes with one relationship, not %d", function, n);
    for (int i = 2; i <= n + 1; i++) {
        mr_query_join join = {0};
        if (!read_along(L, i, &join)) bind_type_error(L, i, function, "a relationship");
        if (on) join.on = bind_arg_criterion(L, on, function);
        begin_with(&join, from);
        add_join(L, &join, kind);
    }
}

/* join(target), join(target, condition), join(target, A.b): on: the index of the condition or relationship, or 0. */
static void join_target(lua_State *L, int on, mr_op kind, mr_node *from, const char *function) {
    mr_query_join join = {0}, along = {0};
    read_target(L, 2, &join);
    if (on && read_along(L, on, &along)) {
        join.along = along.along;
        join.left_alias = along.left_alias;
    } else if (on) {
        join.on = bind_arg_criterion(L, on, function);
    }
    begin_with(&join, from);
    add_join(L, &join, kind);
}

/* Adds the join that the arguments from index 2 on say to the query at index 1. */
static int join_onto(lua_State *L, const char *function, mr_op kind, mr_node *from) {
    static const char *const names[] = {"isouter", "full", "onclause", NULL};
    int options;
    bind_query_arg_for_clause(L, function);
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, function, names);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected what to join", function);
    if (bind_option_bool(L, options, function, "isouter", false)) kind = MR_OP_LEFT;
    if (bind_option_bool(L, options, function, "full", false)) kind = MR_OP_FULL;
    luaL_checkstack(L, 12, function);
    int on = bind_option(L, options, "onclause") != LUA_TNIL ? lua_gettop(L) : 0;
    bool along = bind_test_relationship(L, 2) || lua_type(L, 2) == LUA_TSTRING;
    if (n == 2 && (!along || bind_test_node(L, 3))) { /* the second argument is the condition */
        if (on) return bind_error(L, MR_ERR_ARGUMENT, "%s: the condition is given twice", function);
        on = 3;
        n = 1;
    }
    if (!along && n > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a target and a condition, got %d arguments", function, n);
    if (along) join_along(L, n, on, kind, from, function);
    else join_target(L, on, kind, from, function);
    lua_settop(L, 1);
    return 1;
}

static int join(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    return join_onto(L, o->name, o->op, NULL);
}

/* ---------------------------------------------------------------- joins that begin with a given object */

/* Upvalue 1: the FROM object. */
static mr_node *beginning(lua_State *L) { return bind_test_from(L, lua_upvalueindex(1))->node; }

/* Upvalue 1: what the join begins with. Index 1: the query. */
static int join_from_body(lua_State *L) { return join_onto(L, "join_from", MR_OP_INNER, beginning(L)); }

/* Calls body with the FROM object at idx, removed, as its upvalue, and all values from index first on. */
static int call_from(lua_State *L, lua_CFunction body, int idx, int first, const char *function) {
    mr_mapper *mapper;
    mr_node *from = bind_to_from(L, idx, function, &mapper);
    bind_push_from(L, from, NULL);
    lua_replace(L, idx);
    lua_pushvalue(L, idx);
    lua_remove(L, idx);
    lua_pushcclosure(L, body, 1);
    lua_insert(L, first);
    lua_call(L, lua_gettop(L) - first, 1);
    return 1;
}

/* The arguments from index first on, the options last and without the arguments among them. Returns how many arguments
 * there are besides the options. */
static int spread(lua_State *L, int first) {
    int options;
    int n = bind_arguments(L, first, &options);
    if (!options) return n;
    luaL_checkstack(L, 8, "join");
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, options);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        if (lua_isinteger(L, -2)) lua_pop(L, 2);
        else lua_rawset(L, -4);
    }
    lua_replace(L, options);
    lua_settop(L, options);
    return n;
}

/* query:join_from(left, target, condition, { isouter = true }) */
static int q_join_from(lua_State *L) {
    bind_query_arg_for_clause(L, "join_from");
    if (spread(L, 2) < 2)
        return bind_error(L, MR_ERR_ARGUMENT, "join_from: expected what the join begins with, and what to join");
    luaL_checkstack(L, 8, "join_from");
    return call_from(L, join_from_body, 2, 1, "join_from");
}

/* Upvalues: what the join begins with; the operation. Index 1: an empty query. */
static int join_body(lua_State *L) {
    const bind_operation *o = lua_touserdata(L, lua_upvalueindex(2));
    mr_node *from = beginning(L), *node = NULL;
    bind_derive_self(L, mr_query_select_from(bind_query_arg(L, o->name), mr_node_retain(from)));
    join_onto(L, o->name, o->op, from);
    mr_query *q = bind_query_arg(L, o->name);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_load_join(q, &node));
    bind_push_from(L, node, NULL);
    return 1;
}

/* mr.join(left, right, condition, { isouter = true }), join:join(right, condition) */
static int join_objects(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    int n = spread(L, 1);
    if (n < 2)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected what the join begins with, and what to join", o->name);
    if (bind_is_query(L, 1))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: a query must be made a subquery first: use :subquery()", o->name);
    luaL_checkstack(L, 10, o->name);
    mr_mapper *mapper;
    mr_node *from = bind_to_from(L, 1, o->name, &mapper);
    if (mapper) bind_push_from(L, from, NULL), bind_configure(L, mapper);
    else bind_push_from(L, from, NULL);
    lua_pushlightuserdata(L, (void *)(uintptr_t)o);
    lua_pushcclosure(L, join_body, 2);
    lua_insert(L, 1);
    bind_push_query(L, mr_query_new(bind_of(L)->env, NULL, 0, true), 0, BIND_SELECT);
    lua_replace(L, 2); /* in place of what the join begins with */
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

void bind_open_query_join(lua_State *L) {
    static const bind_operation of_query[] = {
        {"join", join, MR_OP_INNER, 0}, {"outerjoin", join, MR_OP_LEFT, 0}, {NULL, NULL, MR_OP_NONE, 0}};
    static const bind_operation of_from[] = {{"join", join_objects, MR_OP_INNER, 0},
                                             {"outerjoin", join_objects, MR_OP_LEFT, 0},
                                             {"full", join_objects, MR_OP_FULL, 0},
                                             {NULL, NULL, MR_OP_NONE, 0}};
    static const luaL_Reg methods[] = {{"join_from", q_join_from}, {NULL, NULL}};
    bind_set_operations(L, of_from);
    bind_extend_query_operations(L, of_query);
    bind_extend_query(L, methods, true);
    bind_push_methods(L, BIND_FROM);
    bind_set_operations(L, of_from);
    lua_pop(L, 1);
}
