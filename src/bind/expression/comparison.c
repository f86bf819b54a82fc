/*
 * comparison.c: the methods of expressions that compare: eq, in_, like, between, is_ and so on.
 *
 * Invariant: nil never means NULL. Wildcards in the text of contains, startswith and endswith are escaped, unless the
 * program says autoescape = false.
 */
#include <string.h>

#include "expression.h"
#include "value/query.h"

static const mr_type *text_type(void) { return mr_type_simple(MR_TYPE_STRING); }

/* Index 1 OP index 2. */
/* Replaces the tuple at idx by one whose texts are values of the types that stand beside them in the other tuple. */
static void own_tuple(lua_State *L, int idx, const mr_node *other) {
    const mr_node *tuple = bind_test_node(L, idx);
    if (!tuple || tuple->kind != MR_NODE_TUPLE || other->kind != MR_NODE_TUPLE || tuple->n != other->n) return;
    int top = lua_gettop(L), n = (int)tuple->n;
    bind_check_room(L, n + 6, "tuple_");
    for (int i = 0; i < n; i++)
        bind_push_node(L, bind_typed_param(L, mr_node_retain(tuple->child[i]), other->child[i]->type));
    bind_push_node(L, mr_sql_tuple(tuple->env, bind_collect_nodes(L, top + 1, n), (size_t)n));
    lua_replace(L, idx);
    lua_settop(L, top);
}

static int compare(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    bind_refuse_more(L, 1, o->name, " (several values: in_{ ... })");
    lua_settop(L, 2);
    bind_own_natural(L, 1, 2);
    mr_node *left = bind_arg_node(L, 1, o->name);
    const char *what = bind_push_what(L, left);
    if (lua_isnoneornil(L, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "%s:%s(nil): use is_(nil) or mr.null", what, o->name);
    bind_refuse_list(L, 2, left->type, what);
    bind_own_operand(L, 2, left->type, what);
    own_tuple(L, 2, left);
    own_tuple(L, 1, bind_test_node(L, 2));
    left = bind_arg_node(L, 1, o->name);
    mr_node *right = bind_test_node(L, 2);
    left = bind_typed_param(L, mr_node_retain(left), right->type);
    bind_push_node(L, mr_sql_binary(left->env, o->op, left, mr_node_retain(right)));
    return 1;
}

/* ---------------------------------------------------------------- IS */

/* Dates have several spellings in SQLite. A comparison by IS must find each of them. */
static bool is_calendar(const mr_type *type) { return type && mr_type_is_calendar(type); }

static int is(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    const char *function = o->name;
    bind_refuse_more(L, 1, function, "");
    mr_node *left = bind_arg_node(L, 1, function);
    if (lua_gettop(L) < 2) return bind_error(L, MR_ERR_ARGUMENT, "%s: write %s(nil)", function, function);
    mr_env *env = left->env;
    mr_node *right;
    if (lua_isnil(L, 2) || bind_is_null(L, 2)) right = mr_sql_raw(env, left->type, "NULL");
    else if (lua_isboolean(L, 2))
        right = mr_sql_raw(env, mr_type_simple(MR_TYPE_BOOLEAN), lua_toboolean(L, 2) ? "true" : "false");
    else if (bind_test_node(L, 2) || bind_is_query(L, 2) || is_calendar(left->type))
        right = bind_to_operand(L, 2, left->type, bind_push_what(L, left));
    else return bind_type_error(L, 2, function, "nil, true, false or an expression (values are compared by :eq)");
    bind_push_node(L, mr_sql_binary(env, o->op, mr_node_retain(left), right));
    return 1;
}

/* is_distinct_from(x): != for which NULL is a value like any other. */
static int is_distinct(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    bind_refuse_more(L, 1, o->name, "");
    lua_settop(L, 2);
    bind_own_natural(L, 1, 2);
    mr_node *left = bind_arg_node(L, 1, o->name);
    const char *what = bind_push_what(L, left);
    if (lua_isnil(L, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "%s:%s(nil): is the variable set? NULL is written mr.null", what,
                          o->name);
    bind_refuse_list(L, 2, left->type, what);
    mr_node *right =
        bind_is_null(L, 2) ? mr_sql_raw(left->env, left->type, "NULL") : bind_to_operand(L, 2, left->type, what);
    bind_push_node(L, mr_sql_binary(left->env, o->op, mr_node_retain(left), right));
    return 1;
}

/* ---------------------------------------------------------------- IN */

/* Has the list an item that is an expression, or a list (for tuple_)? */
static bool has_nodes(lua_State *L, int list, int n, bool json) {
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        bool found = bind_test_node(L, -1) || (!json && lua_istable(L, -1));
        lua_pop(L, 1);
        if (found) return true;
    }
    return false;
}

/* The list of n values as one node, which becomes n parameters when it is compiled. */
static mr_node *values_list(lua_State *L, int list, int n, const mr_node *left, const char *what) {
    mr_value *values = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *values, 0);
    bool own = left->type && left->type->decorator; /* then the values are boxes, which this table keeps */
    int boxes = lua_gettop(L) + 1;
    if (own) lua_createtable(L, n, 0);
    bool json = !own && left->type && mr_type_is_json(left->type);
    if (json) bind_check_room(L, n + 6, what);
    for (int i = 0; i < n; i++) {
        if (lua_rawgeti(L, list, i + 1) == LUA_TNIL)
            bind_error(L, MR_ERR_ARGUMENT, "%s: item %d of the list is nil (write mr.null)", what, i + 1);
        bind_check_value(L, -1, left->type, what, &values[i]);
        if (own) lua_rawseti(L, boxes, (lua_Integer)i + 1);
        else if (!json) lua_pop(L, 1); /* the list keeps the string */
    }
    return mr_sql_binds(left->env, left->type, values, (size_t)n);
}

/* Pushes the items of the list as operands: each of the type of its part of the tuple `types`, or, where that is NULL,
 * of `type`. Returns how many. */
static int push_items(lua_State *L, int list, const mr_node *types, const mr_type *type, const char *what) {
    int n = (int)lua_rawlen(L, list);
    if (types && (uint32_t)n != types->n)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %d values for each tuple, got %d", what, (int)types->n, n);
    bind_check_room(L, n + 6, what);
    for (int i = 1; i <= n; i++) {
        lua_rawgeti(L, list, i);
        bind_own_operand(L, -1, types ? types->child[i - 1]->type : type, what);
    }
    return n;
}

/* (a, b) IN ((1, 2), ...), or x IN (expression, ...). */
static void push_tuples(lua_State *L, int list, int n, mr_node *left, const char *what) {
    bind_check_room(L, n + 6, what);
    int top = lua_gettop(L);
    bool tuples = left->kind == MR_NODE_TUPLE;
    if (!tuples) push_items(L, list, NULL, left->type, what);
    for (int i = 1; tuples && i <= n; i++) {
        lua_rawgeti(L, list, i);
        if (!lua_istable(L, -1)) bind_type_error(L, -1, what, "a list of values");
        int item = lua_gettop(L), m = push_items(L, item, left, NULL, what);
        mr_node **parts = bind_collect_nodes(L, item + 1, m);
        bind_push_node(L, mr_sql_tuple(left->env, parts, (size_t)m));
        lua_replace(L, item);
        lua_settop(L, item);
    }
    mr_node **items = bind_collect_nodes(L, top + 1, n);
    bind_push_node(L, mr_sql_list(left->env, MR_OP_COMMA, items, (size_t)n));
}

static bool has_names(lua_State *L, int idx) {
    lua_pushnil(L);
    bool any = lua_next(L, idx);
    lua_pop(L, any ? 2 : 0);
    return any;
}

/* x IN a list parameter, whose values have the type of x unless it has its own. */
static void push_list_param(lua_State *L, const mr_node *left, const mr_node *param, const char *function) {
    if (left->kind == MR_NODE_TUPLE)
        bind_error(L, MR_ERR_ARGUMENT, "%s: a tuple takes a list of tuples, which no parameter can be", function);
    if (param->flags & MR_NODE_DEFAULTED)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: the parameter '%s' has a single value of its own, and a list is needed: leave the value out",
                   function, param->name);
    const mr_type *type = mr_type_is_known(param->type) ? param->type : left->type;
    bind_push_node(L, mr_sql_list_param(left->env, type, param->name));
}

/* Pushes the item of the list by whose type all are compared: the first one, or a table, beside which all are JSON. */
static void push_typical(lua_State *L, int list) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, list);
    for (lua_Integer i = 1; i <= n; i++) {
        if (lua_rawgeti(L, list, i) == LUA_TTABLE) return;
        lua_pop(L, 1);
    }
    lua_rawgeti(L, list, 1);
}

static int in(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    const char *function = o->name;
    bind_refuse_more(L, 1, function, " (all values are in one list)");
    lua_settop(L, 2);
    if (bind_is_plain_table(L, 2)) {
        push_typical(L, 2);
        bind_own_natural(L, 1, 3);
        lua_settop(L, 2);
    }
    mr_node *left = bind_arg_node(L, 1, function);
    const char *what = bind_push_what(L, left);
    if (bind_is_query(L, 2)) {
        bind_push_node(L, mr_sql_scalar(left->env, bind_to_select(L, 2)));
    } else if (bind_test_node(L, 2) && bind_test_node(L, 2)->kind == MR_NODE_SUBQUERY) {
        lua_pushvalue(L, 2);
    } else if (bind_test_node(L, 2) && bind_test_node(L, 2)->kind == MR_NODE_BIND && bind_test_node(L, 2)->name) {
        push_list_param(L, left, bind_test_node(L, 2), function);
    } else {
        if (!lua_istable(L, 2)) return bind_type_error(L, 2, function, "a list or a query");
        int n = (int)lua_rawlen(L, 2);
        if (n == 0 && has_names(L, 2))
            return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a list, got a table with names", function);
        if (n > 0 && (left->kind == MR_NODE_TUPLE || has_nodes(L, 2, n, left->type && mr_type_is_json(left->type))))
            push_tuples(L, 2, n, left, what);
        else bind_push_node(L, values_list(L, 2, n, left, what));
    }
    bind_push_node(L, mr_sql_binary(left->env, o->op, mr_node_retain(left), mr_node_retain(bind_test_node(L, -1))));
    return 1;
}

/* ---------------------------------------------------------------- LIKE */

/* Checks the options at index 3. Returns their index, or 0 where there are none. */
static int method_options(lua_State *L, const char *function, const char *const *names) {
    if (lua_isnoneornil(L, 3)) return 0;
    if (!bind_is_plain_table(L, 3)) bind_type_error(L, 3, function, "a table of options");
    bind_check_options(L, 3, function, names);
    return 3;
}

static int like(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    const char *function = o->name;
    bind_refuse_more(L, 2, function, "");
    lua_settop(L, 3);
    static const char *const names[] = {"escape", NULL};
    mr_node *left = bind_arg_node(L, 1, function);
    int options = method_options(L, function, names);
    const char *escape = bind_option_string(L, options, function, "escape", NULL);
    /* Functions of the program convert a pattern, too: what they do to a text, they do to a part of it, or nothing
     * fits. */
    const mr_type *type = left->type && left->type->decorator ? left->type : text_type();
    mr_node *pattern = bind_to_operand(L, 2, type, bind_push_what(L, left));
    bind_push_node(L, mr_sql_like(left->env, o->op, mr_node_retain(left), pattern, escape));
    return 1;
}

enum { BEFORE = 1, AFTER = 2 }; /* flags: a wildcard stands before, after the text */

/* Replaces the string at idx by one whose wildcards are escaped. */
static void escape_pattern(lua_State *L, int idx, const char *escape) {
    size_t len, width = strlen(escape);
    const char *s = lua_tolstring(L, idx, &len);
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    for (size_t i = 0; i < len; i++) {
        bool itself = len - i >= width && memcmp(s + i, escape, width) == 0;
        if (s[i] == '%' || s[i] == '_' || itself) luaL_addlstring(&out, escape, width);
        luaL_addchar(&out, s[i]);
    }
    luaL_pushresult(&out);
    lua_replace(L, idx);
}

/* x with wildcards. Consumes x. */
static mr_node *wildcards(mr_env *env, mr_node *x, unsigned where) {
    if (where & BEFORE) x = mr_sql_binary(env, MR_OP_CONCAT, mr_sql_raw(env, text_type(), "'%'"), x);
    if (where & AFTER) x = mr_sql_binary(env, MR_OP_CONCAT, x, mr_sql_raw(env, text_type(), "'%'"));
    return x;
}

/* A wildcard cannot be the escape character: it would escape the wildcards around the text. */
static void check_escape(lua_State *L, const char *escape, const char *function) {
    if (!escape) return;
    if (mr_utf8_length(escape, strlen(escape)) != 1)
        bind_error(L, MR_ERR_ARGUMENT, "%s: escape must be one character, not '%s'", function, escape);
    if (strcmp(escape, "%") == 0 || strcmp(escape, "_") == 0)
        bind_error(L, MR_ERR_ARGUMENT, "%s: escape cannot be '%s', which is a wildcard", function, escape);
}

static int match(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    const char *function = o->name;
    bind_refuse_more(L, 2, function, "");
    lua_settop(L, 3);
    static const char *const names[] = {"autoescape", "escape", NULL};
    mr_node *left = bind_arg_node(L, 1, function);
    int options = method_options(L, function, names);
    const char *what = bind_push_what(L, left);
    const char *escape = bind_option_string(L, options, function, "escape", NULL);
    bool literal = lua_type(L, 2) == LUA_TSTRING;
    bool automatic = bind_option_bool(L, options, function, "autoescape", literal);
    check_escape(L, escape, function);
    if (automatic && !literal)
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "%s: autoescape takes a string: the wildcards that an expression has in a row cannot be escaped", function);
    if (automatic) {
        if (!escape) escape = "/";
        escape_pattern(L, 2, escape);
    }
    mr_node *x = bind_to_operand(L, 2, text_type(), what);
    bind_push_node(L, mr_sql_like(left->env, o->op, mr_node_retain(left), wildcards(left->env, x, o->flags), escape));
    return 1;
}

static int between(lua_State *L) {
    mr_node *x = bind_arg_node(L, 1, "between");
    bind_refuse_more(L, 2, "between", "");
    if (lua_gettop(L) == 2 && bind_is_plain_table(L, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: between takes two values: between(low, high)", bind_push_what(L, x));
    lua_settop(L, 3);
    bind_own_natural(L, 1, 2);
    x = bind_arg_node(L, 1, "between");
    const char *what = bind_push_what(L, x);
    bind_own_operand(L, 2, x->type, what);
    bind_own_operand(L, 3, x->type, what);
    own_tuple(L, 2, x);
    own_tuple(L, 3, x);
    mr_node *low = mr_node_retain(bind_test_node(L, 2)), *high = mr_node_retain(bind_test_node(L, 3));
    bind_push_node(L, mr_sql_between(x->env, mr_node_retain(x), low, high));
    return 1;
}

static const bind_operation operations[] = {{"eq", compare, MR_OP_EQ, 0},
                                            {"ne", compare, MR_OP_NE, 0},
                                            {"lt", compare, MR_OP_LT, 0},
                                            {"le", compare, MR_OP_LE, 0},
                                            {"gt", compare, MR_OP_GT, 0},
                                            {"ge", compare, MR_OP_GE, 0},
                                            {"is_", is, MR_OP_IS, 0},
                                            {"is_not", is, MR_OP_IS_NOT, 0},
                                            {"is_distinct_from", is_distinct, MR_OP_IS_DISTINCT, 0},
                                            {"is_not_distinct_from", is_distinct, MR_OP_IS_NOT_DISTINCT, 0},
                                            {"in_", in, MR_OP_IN, 0},
                                            {"not_in", in, MR_OP_NOT_IN, 0},
                                            {"like", like, MR_OP_LIKE, 0},
                                            {"not_like", like, MR_OP_NOT_LIKE, 0},
                                            {"ilike", like, MR_OP_ILIKE, 0},
                                            {"not_ilike", like, MR_OP_NOT_ILIKE, 0},
                                            {"startswith", match, MR_OP_LIKE, AFTER},
                                            {"endswith", match, MR_OP_LIKE, BEFORE},
                                            {"contains", match, MR_OP_LIKE, BEFORE | AFTER},
                                            {"istartswith", match, MR_OP_ILIKE, AFTER},
                                            {"iendswith", match, MR_OP_ILIKE, BEFORE},
                                            {"icontains", match, MR_OP_ILIKE, BEFORE | AFTER},
                                            {"between", between, MR_OP_NONE, 0},
                                            {NULL, NULL, MR_OP_NONE, 0}};

void bind_open_comparison(lua_State *L) {
    bind_push_methods(L, BIND_EXPRESSION);
    bind_set_operations(L, operations);
    lua_pop(L, 1);
}
