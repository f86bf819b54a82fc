/*
 * function.c: the functions of the module that make expressions: func, and_, or_, not_, cast, literal, text, tuple_,
 * extract.
 *
 * Invariant: the name of an SQL function is an identifier, in quotes where it needs them. Its arguments are operands,
 * never text.
 */
#include <string.h>

#include "expression.h"
#include "value/query.h"
#include "value/schema.h"

#define BIND_FUNC "moonrow.Func"

static mr_env *env_of(lua_State *L) { return bind_of(L)->env; }

/* ---------------------------------------------------------------- func.NAME(...) */

/* Is it a function about a full text search, whose first argument is the table? */
static bool searches(const char *name) {
    return bind_is_among((const char *const[]){"bm25", "snippet", "highlight", "matchinfo", "offsets", NULL}, name);
}

/* Does the function return one of its arguments, so that all are of one type? */
static bool returns_argument(const char *name) {
    static const char *const names[] = {"coalesce", "ifnull", "nullif",   "max",   "min", "lag",
                                        "lead",     "iif",    "greatest", "least", NULL};
    return bind_is_among(names, name);
}

/* Upvalue: the name. */
static int call_function(lua_State *L) {
    const char *name = lua_tostring(L, lua_upvalueindex(1));
    int n = lua_gettop(L);
    luaL_checkstack(L, 8, "func");
    if (bind_test(L, 1, BIND_FUNC))
        return bind_error(L, MR_ERR_ARGUMENT, "func.%s is called with a dot: mr.func.%s(...)", name, name);
    const char *what = lua_pushfstring(L, "func.%s", name);
    lua_insert(L, 1);
    if (n > 0 && searches(name)) bind_own_searched(L, 2);
    const int chosen = strcmp(name, "iif") == 0 && n > 0 ? 1 : 0; /* the first argument is a condition */
    const mr_type *own = returns_argument(name) ? bind_shared_type(L, 2 + chosen, n - chosen, 1) : NULL;
    bool counts = strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0; /* the second argument is a number of rows */
    for (int i = 2; i <= n + 1; i++) bind_shared_operand(L, i, counts && i == 3 ? NULL : own, what);
    if (n == 0 && strcmp(name, "count") == 0) {
        bind_push_node(L, mr_sql_raw(env_of(L), mr_type_simple(MR_TYPE_NULL), "*"));
        n = 1;
    }
    mr_node **args = bind_collect_nodes(L, 2, n);
    bind_push_node(L, mr_sql_func(env_of(L), name, NULL, args, (size_t)n));
    return 1;
}

static int func_call(lua_State *L) {
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "count";
    return bind_error(L, MR_ERR_ARGUMENT, "func is called by the function's name: mr.func.%s(...)", name);
}

static int func_index(lua_State *L) {
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (!*name || strlen(name) != lua_rawlen(L, 2))
        return bind_type_error(L, 2, "func", "a function's name, as in func.count()");
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, call_function, 1);
    return 1;
}

/* ---------------------------------------------------------------- logic */

static int logic(lua_State *L, mr_op op, const char *function) {
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, function, (const char *const[]){NULL});
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: no criteria (an empty list must not select everything)", function);
    for (int i = 1; i <= n; i++) bind_arg_criterion(L, i, function);
    mr_node **nodes = bind_collect_nodes(L, 1, n);
    bind_push_node(L, mr_sql_list(env_of(L), op, nodes, (size_t)n));
    return 1;
}

static int f_and(lua_State *L) { return logic(L, MR_OP_AND, "and_"); }
static int f_or(lua_State *L) { return logic(L, MR_OP_OR, "or_"); }

static int f_not(lua_State *L) {
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "not_: expected one criterion, got %d: join them by & or |",
                          lua_gettop(L));
    mr_node *x = mr_node_retain(bind_arg_criterion(L, 1, "not_"));
    bind_push_node(L, mr_sql_not(env_of(L), x));
    return 1;
}

/* ---------------------------------------------------------------- values */

/* Raises where more than n arguments are given. */
static void refuse_more(lua_State *L, int n, const char *function, const char *takes) {
    if (lua_gettop(L) > n)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s alone, got the argument %s", function, takes,
                   bind_describe(L, n + 1));
}

/* Is the Lua value at 1 one of the type already, or must it be: a text that is to be a date? Then Lua makes it one.
 * Other values are cast by the database. */
static bool is_of_type(lua_State *L, const mr_type *type) {
    mr_value v;
    /* Only JSON, and what the program's functions convert, take a table. */
    if (type->decorator || (lua_istable(L, 1) && mr_type_is_json(type))) return true;
    if (bind_test_node(L, 1) || !bind_to_value(L, 1, NULL, &v)) return false;
    bool moment = v.kind >= MR_DATE && v.kind <= MR_INTERVAL, number = v.kind == MR_INT || v.kind == MR_FLOAT;
    mr_value whole; /* a text of a datetime has a date and a time inside */
    if (v.kind == MR_TEXT && (type->rules->kind == MR_DATE || type->rules->kind == MR_TIME) &&
        mr_calendar_read(MR_DATETIME, v.u.s, v.len, &whole))
        return false;
    if (mr_type_is_moment(type)) return moment ? v.kind == type->rules->kind : !number || !type->rules->unit;
    if (mr_type_is_boolean(type)) return v.kind == MR_BOOL;
    return v.kind == MR_TEXT && type->rules->group == MR_GROUP_WORD;
}

static int f_cast(lua_State *L) {
    const mr_type *type = bind_arg_type(L, 2, "cast");
    refuse_more(L, 2, "cast", "a value and a type");
    bool own = is_of_type(L, type);
    mr_node *value = own ? bind_to_operand(L, 1, type, "cast") : bind_to_value_node(L, 1, "cast");
    bind_push_node(L, mr_sql_cast(env_of(L), value, type));
    return 1;
}

/* literal(value) or literal(value, type); literal(mr.null) is NULL. */
static int f_literal(lua_State *L) {
    const mr_type *type = lua_isnoneornil(L, 2) ? NULL : bind_arg_type(L, 2, "literal");
    refuse_more(L, 2, "literal", "a value and its type");
    if (bind_is_null(L, 1)) bind_push_node(L, mr_sql_raw(env_of(L), mr_type_simple(MR_TYPE_NULL), "NULL"));
    else if (type || bind_test_node(L, 1)) bind_push_node(L, bind_to_operand(L, 1, type, "literal"));
    else bind_push_node(L, bind_untyped(bind_to_value_node(L, 1, "literal")));
    return 1;
}

static int f_text(lua_State *L) {
    size_t len;
    if (lua_type(L, 1) != LUA_TSTRING) return bind_type_error(L, 1, "text", "SQL as a string");
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "text: expected SQL alone (values are given when it runs)");
    const char *sql = lua_tolstring(L, 1, &len);
    bind_push_node(L, mr_sql_text(env_of(L), sql, len));
    return 1;
}

static int f_tuple(lua_State *L) {
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "tuple_", (const char *const[]){NULL});
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "tuple_: expected columns");
    for (int i = 1; i <= n; i++) {
        bool text = lua_type(L, i) == LUA_TSTRING;
        bind_own_operand(L, i, NULL, "tuple_");
        if (text) bind_untyped(bind_test_node(L, i));
    }
    mr_node **nodes = bind_collect_nodes(L, 1, n);
    bind_push_node(L, mr_sql_tuple(env_of(L), nodes, (size_t)n));
    return 1;
}

static int f_extract(lua_State *L) {
    if (lua_type(L, 1) != LUA_TSTRING) return bind_type_error(L, 1, "extract", "a field such as \"year\"");
    refuse_more(L, 2, "extract", "a field and an expression");
    mr_node *x = bind_to_value_node(L, 2, "extract");
    bind_push_node(L, mr_sql_extract(env_of(L), lua_tostring(L, 1), x));
    return 1;
}

void bind_open_function(lua_State *L) {
    static const luaL_Reg functions[] = {{"and_", f_and},     {"or_", f_or},          {"not_", f_not},
                                         {"cast", f_cast},    {"literal", f_literal}, {"text", f_text},
                                         {"tuple_", f_tuple}, {"extract", f_extract}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__index", func_index}, {"__call", func_call}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    bind_type(L, BIND_FUNC, "func", NULL, NULL, metamethods);
    lua_newuserdatauv(L, 0, 0);
    bind_set_type(L, BIND_FUNC);
    lua_setfield(L, -2, "func");
    bind_push_node(L, mr_sql_raw(env_of(L), mr_type_simple(MR_TYPE_BOOLEAN), "true"));
    lua_setfield(L, -2, "true_");
    bind_push_node(L, mr_sql_raw(env_of(L), mr_type_simple(MR_TYPE_BOOLEAN), "false"));
    lua_setfield(L, -2, "false_");
}
