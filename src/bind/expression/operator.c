/*
 * operator.c: the operators of expressions (& | ~ + - * / % ..) and the methods that wrap one expression in
 * another: asc, label, cast, op.
 *
 * Invariant: operators whose result Lua makes a boolean (<, <=) raise.
 */
#include <string.h>

#include "expression.h"
#include "value/decimal.h"
#include "value/query.h"
#include "value/schema.h"

static mr_node *self(lua_State *L, const char *function) { return bind_arg_node(L, 1, function); }

/* ---------------------------------------------------------------- arithmetic */

/* Replaces the operand at idx by an expression. other: the expression on the other side. Where that is a number, the
 * operand must be a number, too, but may be of another type (score * 1.5). */
static void own_arithmetic(lua_State *L, int idx, const mr_node *other) {
    mr_value v;
    const char *what = bind_push_what(L, other);
    bool plain = !bind_test_node(L, idx) && !bind_is_query(L, idx);
    bool number = lua_type(L, idx) == LUA_TNUMBER, inexact = number && !lua_isinteger(L, idx);
    bool own = other->type && other->type->decorator;
    if (plain && (own || (mr_type_is_number(other->type) &&
                          (number ? inexact && mr_type_is_decimal(other->type)
                                  : !bind_to_date(L, idx, &v) && !bind_to_decimal(L, idx, &v)))))
        bind_own_operand(L, idx, other->type, what);
    else bind_own_operand(L, idx, NULL, what);
    lua_pop(L, 1);
}

static int arithmetic(lua_State *L) {
    lua_settop(L, 2);
    bind_own_natural(L, 1, 2);
    bind_own_natural(L, 2, 1);
    const mr_node *left = bind_test_node(L, 1), *right = bind_test_node(L, 2);
    if (!left && right) own_arithmetic(L, 1, right);
    if (!right && left) own_arithmetic(L, 2, left);
    mr_node *a = bind_arg_node(L, 1, "operator"), *b = bind_arg_node(L, 2, "operator");
    bind_push_node(L, mr_sql_binary(a->env, bind_operation_of(L)->op, mr_node_retain(a), mr_node_retain(b)));
    return 1;
}

/* The type of an expression that functions of the program convert: they convert what stands beside it, too. */
static const mr_type *own_type(const mr_node *node) {
    return node && node->type && node->type->decorator ? node->type : NULL;
}

static int op_concat(lua_State *L) {
    lua_settop(L, 2);
    for (int i = 1; i <= 2; i++)
        if (!bind_test_node(L, i)) bind_own_operand(L, i, own_type(bind_test_node(L, 3 - i)), "..");
    mr_node *a = bind_arg_node(L, 1, ".."), *b = bind_arg_node(L, 2, "..");
    bind_push_node(L, mr_sql_binary(a->env, MR_OP_CONCAT, mr_node_retain(a), mr_node_retain(b)));
    return 1;
}

static int op_unm(lua_State *L) {
    mr_node *x = self(L, "-");
    bind_push_node(L, mr_sql_unary(x->env, MR_OP_NEG, mr_node_retain(x)));
    return 1;
}

/* ---------------------------------------------------------------- logic */

static int logic(lua_State *L, mr_op op, const char *function) {
    lua_settop(L, 2);
    for (int i = 1; i <= 2; i++) bind_arg_criterion(L, i, function);
    mr_node *pair[2] = {mr_node_retain(bind_test_node(L, 1)), mr_node_retain(bind_test_node(L, 2))};
    bind_push_node(L, mr_sql_list(pair[0]->env, op, pair, 2));
    return 1;
}

static int op_and(lua_State *L) { return logic(L, MR_OP_AND, "&"); }
static int op_or(lua_State *L) { return logic(L, MR_OP_OR, "|"); }

static int op_not(lua_State *L) {
    mr_node *x = self(L, "~");
    bind_push_node(L, mr_sql_not(x->env, mr_node_retain(x)));
    return 1;
}

static int no_lt(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "%s < %s: Lua would make a boolean of it: use :lt() or :gt()",
                      bind_describe(L, 1), bind_describe(L, 2));
}
static int no_le(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "%s <= %s: Lua would make a boolean of it: use :le() or :ge()",
                      bind_describe(L, 1), bind_describe(L, 2));
}
static int no_operator(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT,
                      "%s with %s: this operator is not for SQL expressions (<<, >>, ~, // have methods: "
                      "lshift, rshift, bitwise_xor, cast)",
                      bind_describe(L, 1), bind_describe(L, 2));
}
static int no_length(lua_State *L) {
    return bind_error(L, MR_ERR_ARGUMENT, "%s has no length: use func.length()", bind_describe(L, 1));
}

/* ---------------------------------------------------------------- bit methods */

static int bitwise(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    mr_node *left = self(L, o->name);
    mr_node *right = bind_to_operand(L, 2, mr_type_simple(MR_TYPE_INTEGER), bind_push_what(L, left));
    bind_push_node(L, mr_sql_binary(left->env, o->op, mr_node_retain(left), right));
    return 1;
}

/* mr.desc "name": the name of a label or column of the query that it is used in. */
static void own_label_name(lua_State *L, const char *function) {
    mr_env *env = bind_of(L)->env;
    const char *name = bind_intern_string(L, bind_arg_name(L, 1, function, "a name"));
    const mr_column *column = mr_stand_in_column(env, name, mr_type_simple(MR_TYPE_NULL));
    bind_push_node(L, column ? mr_sql_named_column(env, column) : NULL);
    lua_replace(L, 1);
}

static int unary(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    mr_node *x = self(L, o->name);
    bind_push_node(L, mr_sql_unary(x->env, o->op, mr_node_retain(x)));
    return 1;
}

static const mr_node *bare_of(const mr_node *x) {
    while (x->kind == MR_NODE_UNARY && x->op >= MR_OP_ASC && x->op <= MR_OP_NULLS_LAST) x = x->child[0];
    return x;
}

/* x:desc(), x:nulls_last(): the direction is written before the place of NULL, in whichever order they are said. */
static int order(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    if (lua_type(L, 1) == LUA_TSTRING) own_label_name(L, o->name);
    mr_node *x = self(L, o->name), *inner = x;
    const mr_node *nulls = NULL;
    bool turns = o->op == MR_OP_ASC || o->op == MR_OP_DESC;
    for (; inner->kind == MR_NODE_UNARY && inner->op >= MR_OP_ASC && inner->op <= MR_OP_NULLS_LAST;
         inner = inner->child[0]) {
        bool turned = inner->op == MR_OP_ASC || inner->op == MR_OP_DESC;
        if (turned == turns)
            return bind_error(L, MR_ERR_ARGUMENT,
                              turns ? "%s: %s has an order that says its direction already: say it once"
                                    : "%s: %s has an order that says where NULL stands already: say it once",
                              o->name, bind_push_what(L, bare_of(x)));
        if (!turned) nulls = inner;
    }
    mr_node *made = mr_sql_unary(x->env, o->op, mr_node_retain(nulls && turns ? inner : x));
    bind_push_node(L, nulls && turns ? mr_sql_unary(x->env, (mr_op)nulls->op, made) : made);
    return 1;
}

/* ---------------------------------------------------------------- wrapping */

static const char *word(lua_State *L, const char *function, const char *wanted) {
    return bind_arg_name(L, 2, function, wanted);
}

static int expr_label(lua_State *L) {
    mr_node *x = self(L, "label");
    const char *name = word(L, "label", "a name");
    bind_push_node(L, mr_sql_label(x->env, name, mr_node_retain(x)));
    return 1;
}

static int expr_cast(lua_State *L) {
    mr_node *x = self(L, "cast");
    const mr_type *type = bind_arg_type(L, 2, "cast");
    bind_push_node(L, mr_sql_cast(x->env, mr_node_retain(x), type));
    return 1;
}

static int expr_collate(lua_State *L) {
    mr_node *x = self(L, "collate");
    const char *name = word(L, "collate", "a collation's name");
    bind_push_node(L, mr_sql_collate(x->env, mr_node_retain(x), name));
    return 1;
}

/* Upvalues: the expression, the operator, the type of the result or nil. Index 1: the other operand. */
static int apply_op(lua_State *L) {
    mr_node *left = bind_test_node(L, lua_upvalueindex(1));
    const char *op = lua_tostring(L, lua_upvalueindex(2));
    const mr_type *type = bind_test_type(L, lua_upvalueindex(3));
    mr_node *right = bind_to_operand(L, 1, NULL, op);
    bind_push_node(L, mr_sql_custom_as(left->env, op, mr_node_retain(left), right, type));
    return 1;
}

/* x:op("->>")(y), x:op("->>", y), x:op("->>", { return_type = mr.Integer })(y) */
static int expr_op(lua_State *L) {
    static const char *const names[] = {"return_type", NULL};
    self(L, "op");
    word(L, "op", "an operator such as \"->>\"");
    int n = lua_gettop(L), options = n > 2 && bind_is_plain_table(L, n) ? n : 0;
    bool both = n - (options != 0) > 2;
    bind_check_options(L, options, "op", names);
    if (bind_option(L, options, "return_type") != LUA_TNIL) bind_arg_type(L, lua_gettop(L), "op: return_type");
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, apply_op, 3);
    if (!both) return 1;
    lua_pushvalue(L, 3);
    lua_call(L, 1, 1);
    return 1;
}

/* ---------------------------------------------------------------- registration */

static const bind_operation of_bits[] = {{"bitwise_and", bitwise, MR_OP_BIT_AND, 0},
                                         {"bitwise_or", bitwise, MR_OP_BIT_OR, 0},
                                         {"bitwise_xor", bitwise, MR_OP_BIT_XOR, 0},
                                         {"bitwise_not", unary, MR_OP_BIT_NOT, 0},
                                         {"lshift", bitwise, MR_OP_SHIFT_LEFT, 0},
                                         {"rshift", bitwise, MR_OP_SHIFT_RIGHT, 0},
                                         {NULL, NULL, MR_OP_NONE, 0}};
/* Methods, and functions of the module: x:desc() is mr.desc(x). */
static const bind_operation of_order[] = {{"asc", order, MR_OP_ASC, 0},
                                          {"desc", order, MR_OP_DESC, 0},
                                          {"nulls_first", order, MR_OP_NULLS_FIRST, 0},
                                          {"nulls_last", order, MR_OP_NULLS_LAST, 0},
                                          {"distinct", unary, MR_OP_DISTINCT, 0},
                                          {NULL, NULL, MR_OP_NONE, 0}};
static const bind_operation of_numbers[] = {{"__add", arithmetic, MR_OP_ADD, 0}, {"__sub", arithmetic, MR_OP_SUB, 0},
                                            {"__mul", arithmetic, MR_OP_MUL, 0}, {"__div", arithmetic, MR_OP_DIV, 0},
                                            {"__mod", arithmetic, MR_OP_MOD, 0}, {NULL, NULL, MR_OP_NONE, 0}};

void bind_open_operator(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"label", expr_label}, {"cast", expr_cast}, {"collate", expr_collate}, {"op", expr_op}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__concat", op_concat}, {"__unm", op_unm},
                                           {"__band", op_and},      {"__bor", op_or},
                                           {"__bnot", op_not},      {"__lt", no_lt},
                                           {"__le", no_le},         {"__idiv", no_operator},
                                           {"__pow", no_operator},  {"__bxor", no_operator},
                                           {"__shl", no_operator},  {"__shr", no_operator},
                                           {"__len", no_length},    {NULL, NULL}};
    bind_set_operations(L, of_order);
    bind_push_methods(L, BIND_EXPRESSION);
    luaL_setfuncs(L, methods, 0);
    bind_set_operations(L, of_bits);
    bind_set_operations(L, of_order);
    luaL_getmetatable(L, BIND_EXPRESSION);
    luaL_setfuncs(L, metamethods, 0);
    bind_set_operations(L, of_numbers);
    lua_pop(L, 2);
}
