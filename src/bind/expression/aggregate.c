/*
 * aggregate.c: what stands behind a call of an aggregate or window function: filter, within_group,
 * aggregate_order_by, over.
 *
 * Invariant: a window's frame is written from numbers and known words alone.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "expression.h"

/* ---------------------------------------------------------------- filter, within_group, aggregate_order_by */

/* Is it a function's call, also with what is written behind it? */
static bool is_call(const mr_node *x) {
    while (x->kind == MR_NODE_FILTER || x->kind == MR_NODE_WITHIN) x = x->child[0];
    return x->kind == MR_NODE_FUNC;
}

static mr_node *self(lua_State *L, const char *function) {
    mr_node *x = bind_arg_node(L, 1, function);
    if (!is_call(x))
        bind_error(L, MR_ERR_ARGUMENT, "%s is for the call of a function, such as mr.func.count(): %s is none",
                   function, bind_push_what(L, x));
    return x;
}

/* mr.func.count():filter(criterion, ...) */
static int expr_filter(lua_State *L) {
    int n = lua_gettop(L) - 1;
    mr_node *x = self(L, "filter");
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "filter: expected a criterion, such as User.age:gt(30)");
    luaL_checkstack(L, 8, "filter");
    for (int i = 2; i <= n + 1; i++) bind_arg_criterion(L, i, "filter");
    bool again = x->kind == MR_NODE_FILTER;
    mr_node *aggregate = again ? x->child[0] : x, *before = again ? x->child[1] : NULL;
    mr_node **nodes = bind_collect_nodes(L, 2, n);
    mr_node *where = mr_sql_list(x->env, MR_OP_AND, nodes, (size_t)n);
    where = mr_sql_and(x->env, mr_node_retain(before), where);
    bind_push_node(L, mr_sql_filter(x->env, mr_node_retain(aggregate), where));
    return 1;
}

/* mr.func.percentile_cont(0.5):within_group(User.age:desc(), ...) */
static int expr_within_group(lua_State *L) {
    int n = lua_gettop(L) - 1;
    mr_node *x = self(L, "within_group");
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "within_group: expected what its rows are ordered by");
    bind_push_list(L, 2, n, "within_group");
    bind_push_node(L, mr_sql_within(x->env, mr_node_retain(x), mr_node_retain(bind_test_node(L, -1))));
    return 1;
}

/* mr.func.string_agg(User.name, ","):aggregate_order_by(User.age:desc(), ...) */
static int expr_aggregate_order_by(lua_State *L) {
    int n = lua_gettop(L) - 1;
    mr_node *x = self(L, "aggregate_order_by");
    const mr_node *call = x->kind == MR_NODE_FILTER ? x->child[0] : x;
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "aggregate_order_by: expected what the aggregate's rows are ordered by");
    if (call->kind != MR_NODE_FUNC)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "aggregate_order_by: the aggregate has an order already: give all of "
                          "its items in one call");
    bind_push_list(L, 2, n, "aggregate_order_by");
    bind_push_node(L, mr_sql_aggregate_order(x->env, mr_node_retain(x), mr_node_retain(bind_test_node(L, -1))));
    return 1;
}

/* ---------------------------------------------------------------- over */

static const char *const units[] = {"rows", "range", "groups"};
static const char *const unit_words[] = {"ROWS", "RANGE", "GROUPS"};
enum { UNITS = 3, RANGE = 1 };

/* One end of a frame: a distance before (negative) or after the current row; mr.null is unbounded. Adds its words, and
 * returns its distance. */
static double frame_end(lua_State *L, int list, int i, int unit, luaL_Buffer *out) {
    lua_rawgeti(L, list, i);
    bool unbounded = bind_is_null(L, -1) || lua_isnil(L, -1);
    lua_Number d = unbounded ? 0 : lua_tonumber(L, -1);
    bool number = unbounded || lua_type(L, -1) == LUA_TNUMBER;
    if (!number || !isfinite(d) || (unit != RANGE && d != floor(d)) || fabs(d) > 1e15)
        bind_type_error(L, -1, "over: a frame",
                        unit == RANGE ? "numbers or mr.null, such as { -1, 1 }"
                                      : "integers or mr.null, such as { -1, 1 }");
    lua_pop(L, 1);
    char buf[64] = "CURRENT ROW";
    const char *side = d < 0 ? "PRECEDING" : "FOLLOWING";
    if (unbounded) snprintf(buf, sizeof buf, "UNBOUNDED %s", i == 1 ? "PRECEDING" : "FOLLOWING");
    else if (d != 0 && d == floor(d)) snprintf(buf, sizeof buf, "%.0f %s", fabs(d), side);
    else if (d != 0) snprintf(buf, sizeof buf, "%.6f %s", fabs(d), side);
    for (char *s = buf; *s; s++)
        if (*s == ',') *s = '.'; /* in any locale */
    luaL_addstring(out, buf);
    return unbounded ? (i == 1 ? -HUGE_VAL : HUGE_VAL) : d;
}

/* Adds EXCLUDE and its words, where the option says so. */
static void frame_exclusion(lua_State *L, int options, luaL_Buffer *out) {
    static const struct {
        const char *word, *sql;
    } known[] = {{"current_row", " EXCLUDE CURRENT ROW"},
                 {"group", " EXCLUDE GROUP"},
                 {"ties", " EXCLUDE TIES"},
                 {"no_others", " EXCLUDE NO OTHERS"}};
    const char *word = bind_option_string(L, options, "over", "exclude", NULL);
    if (!word) return;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(word, known[i].word) != 0) continue;
        luaL_addstring(out, known[i].sql);
        return;
    }
    bind_error(L, MR_ERR_ARGUMENT, "over: exclude is \"current_row\", \"group\", \"ties\" or \"no_others\", not \"%s\"",
               word);
}

/* The number of the unit whose frame the options have; UNITS: none. */
static int frame_unit(lua_State *L, int options) {
    int found = UNITS;
    for (int i = 0; i < UNITS; i++) {
        bool given = bind_option(L, options, units[i]) != LUA_TNIL;
        lua_pop(L, 1);
        if (given && found < UNITS)
            bind_error(L, MR_ERR_ARGUMENT, "over: %s and %s both say what the frame is: give one of them", units[found],
                       units[i]);
        if (given) found = i;
    }
    return found;
}

/* Pushes "ROWS BETWEEN a AND b" and returns it. Returns NULL where the options have no frame. */
static const char *read_frame(lua_State *L, int options) {
    int unit = frame_unit(L, options);
    if (unit == UNITS) {
        if (bind_option(L, options, "exclude") != LUA_TNIL)
            bind_error(L, MR_ERR_ARGUMENT, "over: exclude goes with a frame: rows, range or groups = { first, last }");
        return NULL;
    }
    bind_option(L, options, units[unit]);
    int list = lua_gettop(L);
    if (!bind_is_plain_table(L, list)) bind_type_error(L, list, "over", "a frame such as rows = { mr.null, 0 }");
    if (lua_rawlen(L, list) > 2)
        bind_error(L, MR_ERR_ARGUMENT, "over: a frame has two ends, %s = { first, last }", units[unit]);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    luaL_addstring(&out, unit_words[unit]);
    luaL_addstring(&out, " BETWEEN ");
    double first = frame_end(L, list, 1, unit, &out);
    luaL_addstring(&out, " AND ");
    double last = frame_end(L, list, 2, unit, &out);
    if (first > last)
        bind_error(L, MR_ERR_ARGUMENT, "over: the frame ends before it begins: write the smaller number first");
    frame_exclusion(L, options, &out);
    luaL_pushresult(&out);
    return lua_tostring(L, -1);
}

/* Pushes the option's list of expressions and returns it. Pushes nil and returns NULL without the option. */
static mr_node *read_list(lua_State *L, int options, const char *name) {
    if (bind_option(L, options, name) == LUA_TNIL) return NULL;
    bind_push_list_of(L, -1, "over");
    return bind_test_node(L, -1);
}

static int expr_over(lua_State *L) {
    static const char *const names[] = {"partition_by", "order_by", "rows", "range", "groups", "exclude", NULL};
    mr_node *func = bind_arg_node(L, 1, "over");
    int options;
    if (bind_arguments(L, 2, &options) > 0)
        return bind_error(L, MR_ERR_ARGUMENT, "over: write over{ partition_by = ..., order_by = ... }");
    bind_check_options(L, options, "over", names);
    mr_node *partition = read_list(L, options, "partition_by");
    mr_node *order = read_list(L, options, "order_by");
    const char *frame = read_frame(L, options);
    bind_push_node(
        L, mr_sql_over(func->env, mr_node_retain(func), mr_node_retain(partition), mr_node_retain(order), frame));
    return 1;
}

void bind_open_aggregate(lua_State *L) {
    static const luaL_Reg methods[] = {{"filter", expr_filter},
                                       {"within_group", expr_within_group},
                                       {"aggregate_order_by", expr_aggregate_order_by},
                                       {"over", expr_over},
                                       {NULL, NULL}};
    bind_extend_type(L, BIND_EXPRESSION, methods, NULL);
}
