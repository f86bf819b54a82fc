/*
 * clause.c: the methods of queries that give columns to order, to group and to compare by, and numbers of rows.
 *
 * Invariant: a clause that is given mr.null is cleared; nil, which may be a mistake, raises.
 */
#include <stdlib.h>
#include <string.h>

#include "class/attribute.h"
#include "expression/expression.h"
#include "query.h"
#include "value/class.h"
#include "value/descriptor.h"

/* Reads the positional arguments from index 2 on. Options raise. Returns how many. */
static int arguments(lua_State *L, const char *function) {
    int options;
    int n = bind_arguments(L, 2, &options);
    bind_check_options(L, options, function, (const char *const[]){NULL});
    lua_settop(L, 1 + n);
    luaL_checkstack(L, 8, function);
    return n;
}

/* Replaces each of the n arguments from index 2 on that stands for several columns, a composite, by these. Returns how
 * many there are then. */
static int expand_columns(lua_State *L, int n) {
    for (int i = 2; i <= n + 1; i++) {
        if (!lua_istable(L, i) || luaL_getmetafield(L, i, "__columns") == LUA_TNIL) continue;
        lua_pushvalue(L, i);
        lua_call(L, 1, 1);
        int columns = (int)lua_rawlen(L, -1);
        bind_check_room(L, columns + 4, "order_by");
        for (int k = 1; k <= columns; k++) {
            lua_rawgeti(L, n + 2, k);
            lua_insert(L, i + k);
            n++;
        }
        lua_pop(L, 1);
        lua_remove(L, i);
        n--;
        i += columns - 1;
    }
    return n;
}

/* ---------------------------------------------------------------- lists of expressions */

/* "name desc", "-name": SQL's and other libraries' way to say an order. */
static void refuse_direction(lua_State *L, const mr_mapper *mapper, const char *name, const char *function) {
    size_t from = *name == '-' || *name == '+', n = strcspn(name + from, " \t");
    char word[64], way[8] = "";
    if (n == 0 || n >= sizeof word || (!from && name[n] == '\0')) return;
    memcpy(word, name + from, n);
    word[n] = '\0';
    if (!mr_mapper_property(mapper, word, true)) return;
    const char *rest = name + from + n + strspn(name + from + n, " \t");
    for (size_t i = 0; i + 1 < sizeof way && rest[i]; i++) way[i] = (char)(rest[i] | 0x20);
    bool desc = *name == '-' || strcmp(way, "desc") == 0, asc = *name == '+' || strcmp(way, "asc") == 0;
    if (!desc && !asc) return;
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected an attribute, got string \"%s\" (write %s.%s:%s())", function, name,
               mapper->name, word, desc ? "desc" : "asc");
}

/* order_by(User.name, "desc"): the direction is a method of the column before it. */
static void refuse_lone_direction(lua_State *L, int idx, const mr_query *q) {
    const char *name = lua_tostring(L, idx), *ways[] = {"desc", "asc", "DESC", "ASC"};
    const mr_node *column = bind_test_node(L, idx - 1);
    const mr_mapper *mapper = mr_query_lead(q);
    if (!column || (mapper && mr_mapper_property(mapper, name, true))) return;
    for (unsigned i = 0; i < q->nitems; i++) {
        const mr_node *x = q->items[i].expression;
        if (x && x->kind == MR_NODE_LABEL && strcmp(x->name, name) == 0) return;
    }
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(name, ways[i]) == 0)
            bind_error(L, MR_ERR_ARGUMENT, "order_by: the direction '%s' is a method: write %s:%s()", name,
                       bind_push_what(L, column), ways[i & 1]);
}

/* Replaces the string at idx, a label or an attribute of the query's class, by its expression. */
static void own_named(lua_State *L, int idx, const mr_query *q, const char *function) {
    const char *name = lua_tostring(L, idx);
    mr_mapper *mapper = mr_query_lead(q);
    for (unsigned i = 0; i < q->nitems; i++) {
        const mr_node *x = q->items[i].expression;
        if (!x || x->kind != MR_NODE_LABEL || strcmp(x->name, name) != 0) continue;
        bind_push_node(L, mr_node_retain(q->items[i].expression));
        lua_replace(L, idx);
        return;
    }
    for (unsigned i = 0; i < q->nitems && (!mapper || !mr_mapper_property(mapper, name, true)); i++) {
        if (!q->items[i].expression || !q->items[i].name || strcmp(q->items[i].name, name) != 0) continue;
        bind_push_node(L, mr_node_retain(q->items[i].expression));
        lua_replace(L, idx);
        return;
    }
    if (!mapper) bind_type_error(L, idx, function, "an expression");
    refuse_direction(L, mapper, name, function);
    if (bind_push_described(L, mapper, q->nitems > 0 ? q->items[0].alias : NULL, name)) {
        lua_replace(L, idx);
        return;
    }
    const mr_property *prop = bind_query_attribute(L, mapper, name);
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) bind_type_error(L, idx, function, "a column");
    bind_push_node(L, mr_property_node(prop, q->nitems > 0 ? q->items[0].alias : NULL));
    lua_replace(L, idx);
}

/* mr.desc "name" at idx: replaced by the expression of that name, with the direction around it. */
static void own_directed(lua_State *L, int idx, const mr_query *q, const char *function) {
    enum { MOST = 8 };
    mr_op ops[MOST];
    unsigned n = 0;
    const mr_node *x = bind_test_node(L, idx);
    while (x && x->kind == MR_NODE_UNARY && n < MOST) {
        ops[n++] = (mr_op)x->op;
        x = x->child[0];
    }
    if (!x || x->kind != MR_NODE_COLUMN || !(x->flags & MR_NODE_NAME)) return;
    lua_pushstring(L, x->u.column->name);
    lua_replace(L, idx);
    own_named(L, idx, q, function);
    while (n > 0) {
        bind_push_node(L, mr_sql_unary(q->env, ops[--n], mr_node_retain(bind_test_node(L, idx))));
        lua_replace(L, idx);
    }
}

static int listed(lua_State *L, const char *function, mr_query *(*add)(const mr_query *q, mr_node *item)) {
    mr_query *q = bind_query_arg_for_clause(L, function);
    if (lua_gettop(L) == 2 && (bind_is_null(L, 2) || (lua_isboolean(L, 2) && !lua_toboolean(L, 2))))
        return bind_derive(L, add(q, NULL)); /* order_by(false) takes the order away */
    int n = arguments(L, function);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected columns", function);
    for (int i = 2; i <= n + 1; i++) {
        if (lua_type(L, i) != LUA_TSTRING) own_directed(L, i, q, function);
        if (lua_type(L, i) != LUA_TSTRING) continue;
        if (i > 2 && strcmp(function, "order_by") == 0) refuse_lone_direction(L, i, q);
        own_named(L, i, q, function);
    }
    n = expand_columns(L, n);
    bind_push_list(L, 2, n, function);
    return bind_derive(L, add(q, mr_node_retain(bind_test_node(L, -1))));
}

static int q_order_by(lua_State *L) { return listed(L, "order_by", mr_query_order_by); }
static int q_group_by(lua_State *L) { return listed(L, "group_by", mr_query_group_by); }

static int q_distinct(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "distinct");
    if (lua_gettop(L) == 2 && bind_is_null(L, 2)) return bind_derive(L, mr_query_not_distinct(q));
    int n = arguments(L, "distinct");
    if (n == 0) return bind_derive(L, mr_query_distinct(q, NULL));
    n = expand_columns(L, n);
    bind_push_list(L, 2, n, "distinct");
    return bind_derive(L, mr_query_distinct(q, mr_node_retain(bind_test_node(L, -1))));
}

/* ---------------------------------------------------------------- numbers */

static int number(lua_State *L, const char *function, mr_query *(*set)(const mr_query *q, mr_node *n)) {
    mr_query *q = bind_query_arg_for_clause(L, function);
    if (bind_is_null(L, 2)) return bind_derive(L, set(q, NULL)); /* limit(mr.null) takes the limit away */
    if (bind_test_node(L, 2)) return bind_derive(L, set(q, mr_node_retain(bind_test_node(L, 2))));
    int integral = 0;
    lua_Integer n = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &integral) : 0;
    if (!integral || n < 0) return bind_type_error(L, 2, function, "an integer of 0 or more");
    mr_value v = mr_int_value((int64_t)n);
    mr_node *bind = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &v);
    if (!bind) bind_raise(L);
    return bind_derive(L, set(q, bind));
}

static int q_limit(lua_State *L) {
    bind_refuse_more(L, 1, "limit", " (what is left out at the beginning is given to offset)");
    return number(L, "limit", mr_query_limit);
}
static int q_offset(lua_State *L) {
    bind_refuse_more(L, 1, "offset", "");
    return number(L, "offset", mr_query_offset);
}

/* The number that the clause has now; none where it has none. Raises where it is an expression. */
static int64_t clause_number(lua_State *L, const mr_node *clause, int64_t none, const char *name) {
    if (!clause) return none;
    if (clause->kind != MR_NODE_BIND || clause->name || clause->u.value.kind != MR_INT)
        bind_error(L, MR_ERR_ARGUMENT, "slice: the query's %s is an expression: say it with limit and offset", name);
    return clause->u.value.u.i;
}

static void own_number(lua_State *L, int64_t n, mr_query *(*set)(const mr_query *q, mr_node *n), const char *function) {
    mr_query *q = bind_query_arg(L, function);
    mr_value v = mr_int_value(n);
    mr_node *bind = mr_sql_bind(q->env, mr_type_simple(MR_TYPE_INTEGER), &v);
    if (!bind) bind_raise(L);
    bind_derive_self(L, set(q, bind));
}

static lua_Integer place(lua_State *L, int idx) {
    int integral = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : 0;
    if (!integral || n < 0) bind_type_error(L, idx, "slice", "the numbers of the first and of the last row, from 1 on");
    if (n == 0 && idx == 2)
        bind_error(L, MR_ERR_ARGUMENT,
                   "slice: rows are counted from 1, as Lua does: slice(1, 10) gives the first ten rows");
    return n;
}

/* slice(first, last): the rows from the first to the last, as table.unpack counts; slice(first): to the end. */
static int q_slice(lua_State *L) {
    mr_query *q = bind_query_arg_for_clause(L, "slice");
    bind_refuse_more(L, 2, "slice", "");
    bool open = lua_isnoneornil(L, 3);
    int64_t first = place(L, 2), last = open ? INT64_MAX : place(L, 3);
    int64_t offset = clause_number(L, q->clauses.offset, 0, "offset");
    int64_t limit = clause_number(L, q->clauses.limit, INT64_MAX, "limit");
    int64_t rest = limit == INT64_MAX ? limit : limit > first - 1 ? limit - (first - 1) : 0;
    int64_t wanted = open ? INT64_MAX : last >= first ? last - first + 1 : 0;
    if (offset + first - 1 > 0) own_number(L, offset + first - 1, mr_query_offset, "slice");
    if (rest != INT64_MAX || wanted != INT64_MAX) own_number(L, wanted < rest ? wanted : rest, mr_query_limit, "slice");
    lua_settop(L, 1);
    return 1;
}

void bind_open_query_clause(lua_State *L) {
    static const luaL_Reg methods[] = {{"order_by", q_order_by},
                                       {"group_by", q_group_by},
                                       {"distinct", q_distinct},
                                       {"limit", q_limit},
                                       {"offset", q_offset},
                                       {"slice", q_slice},
                                       {NULL, NULL}};
    bind_extend_query(L, methods, true);
}
