/*
 * expression.c: SQL expressions as Lua values, and how Lua values become operands of expressions.
 *
 * Invariant: a value enters an expression as a bound parameter, never as text. It is checked against the type of what
 * it is compared with.
 */
#include "expression.h"

#include <string.h>

#include "state/own.h"
#include "value/class.h"
#include "value/query.h"
#include "value/relationship.h"
#include "value/schema.h"

/* ---------------------------------------------------------------- values */

const char *bind_push_what(lua_State *L, const mr_node *node) {
    const mr_property *prop = node->annotation;
    if (prop) return lua_pushfstring(L, "%s.%s", prop->mapper->name, prop->name);
    if (node->kind == MR_NODE_COLUMN && node->u.column->table)
        return lua_pushfstring(L, "%s.%s", node->u.column->table->name, node->u.column->name);
    if (node->kind == MR_NODE_COLUMN) return lua_pushstring(L, node->u.column->name);
    if (node->kind == MR_NODE_FUNC) return lua_pushfstring(L, "func.%s()", node->name);
    if (node->kind == MR_NODE_LABEL) return lua_pushstring(L, node->name);
    return lua_pushliteral(L, "the expression");
}

/* ---------------------------------------------------------------- operands */

static int no_nil(lua_State *L, const char *what) {
    bind_error(L, MR_ERR_ARGUMENT, "%s: got nil (is the variable set? NULL is written mr.null)", what);
    return 0;
}

/* The expression or query at idx as an operand (new reference). NULL: it is a plain value. */
static mr_node *expression_operand(lua_State *L, int idx) {
    mr_node *node = bind_test_node(L, idx);
    if (node) return mr_node_retain(node);
    if (bind_is_query(L, idx)) {
        mr_node *select = mr_sql_scalar(bind_of(L)->env, bind_to_select(L, idx));
        if (!select) bind_raise(L);
        return select;
    }
    return NULL;
}

static mr_node *new_bind(lua_State *L, const mr_type *type, const mr_value *v) {
    mr_node *node = mr_sql_bind(bind_of(L)->env, type, v);
    if (!node) bind_raise(L);
    return node;
}

/* Is a Lua string beside the type another value: a date, a decimal, bytes, a word? */
static bool is_spelled_by_text(const mr_type *type) {
    return mr_type_is_moment(type) || mr_type_is_decimal(type) || type->rules->kind == MR_BLOB ||
           type->rules->group == MR_GROUP_WORD;
}

/* Converts the value, whose bytes are borrowed, to one of the type. false: it is none. */
static bool is_coerced(lua_State *L, const mr_type *type, const char *what, mr_value *v) {
    bind_state *b = bind_of(L);
    mr_status status;
    BIND_CALL(b, L, status = mr_type_coerce(b->env, type, what, v));
    if (status == MR_OK) return true;
    if (mr_env_error(b->env)->kind == MR_ERR_NO_MEMORY) bind_raise(L);
    mr_env_clear_error(b->env);
    return false;
}

/* The text as a value of the type that it stands beside, if it is one. Takes over a reference, and returns one. */
static mr_node *typed_text(lua_State *L, mr_node *node, const mr_type *type) {
    bind_push_node(L, node);
    mr_value v =
        mr_text_value(node->u.value.u.s, node->u.value.len); /* borrowed: the coercion frees what a value owns */
    mr_node *made = NULL;
    if (!type->decorator && is_spelled_by_text(type) && is_coerced(L, type, "the value", &v)) {
        made = node->name ? mr_sql_param_with_default(node->env, type, node->name, &v) : new_bind(L, type, &v);
        if (!made) bind_raise(L);
    }
    if (!made) made = mr_node_retain(node);
    lua_pop(L, 1);
    return made;
}

mr_node *bind_typed_param(lua_State *L, mr_node *node, const mr_type *type) {
    if (node->kind == MR_NODE_BIND && node->flags & MR_NODE_UNTYPED && type && mr_type_is_known(type))
        return typed_text(L, node, type);
    if (node->kind != MR_NODE_BIND || !node->name || mr_type_is_known(node->type)) return node;
    if (!type || !mr_type_is_known(type)) return node;
    mr_node *made = mr_sql_param(node->env, type, node->name);
    mr_node_release(node);
    if (!made) bind_raise(L);
    return made;
}

mr_node *bind_to_operand(lua_State *L, int idx, const mr_type *type, const char *what) {
    if (lua_isnoneornil(L, idx)) no_nil(L, what);
    if (!type || !mr_type_is_known(type)) return bind_to_value_node(L, idx, what);
    mr_node *node = expression_operand(L, idx);
    if (node) return bind_typed_param(L, node, type);
    mr_value v;
    bind_check_value(L, idx, type, what, &v);
    return new_bind(L, type, &v);
}

/* The attribute of the class's key. */
static const char *key_of(const mr_mapper *mapper) {
    for (size_t i = 0; i < mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, i);
        if (mapper->npk > 0 && prop->slot == mapper->pk_slots[0]) return prop->name;
    }
    return "id";
}

const char *bind_class_cure(lua_State *L, int idx, bool value) {
    idx = lua_absindex(L, idx);
    const mr_mapper *mapper = bind_test_class(L, idx);
    const bind_relationship *r = mapper ? NULL : bind_test_relationship(L, idx);
    luaL_checkstack(L, 4, "describing a class");
    if (mapper) return lua_pushfstring(L, " (a class is no value: write %s.%s)", mapper->name, key_of(mapper));
    const mr_relationship *rel = r ? r->prop->relationship : NULL;
    if (!rel || !rel->target) return NULL;
    const mr_mapper *target = r->of_type ? r->of_type : rel->target;
    lua_pushstring(L, target->name);
    if (value) lua_pushfstring(L, "%s.%s", target->name, key_of(target));
    return lua_pushfstring(L, " (a relationship is no column: join(%s.%s), and write %s)", r->prop->mapper->name,
                           r->prop->name, lua_tostring(L, -1));
}

const mr_type *bind_own_type(lua_State *L, int idx, int n, int step) {
    for (int i = 0; i < n && bind_of(L)->has_own; i++) {
        const mr_node *node = bind_test_node(L, idx + i * step);
        if (node && node->type && node->type->decorator) return node->type;
    }
    return NULL;
}

mr_node *bind_to_value_node(lua_State *L, int idx, const char *what) {
    if (lua_isnoneornil(L, idx)) no_nil(L, what);
    mr_node *node = expression_operand(L, idx);
    if (node) return node;
    mr_value v;
    if (!bind_to_value(L, idx, NULL, &v)) {
        const char *cure = bind_class_cure(L, idx, true);
        if (cure)
            bind_error(L, MR_ERR_ARGUMENT, "%s: expected a value or an expression, got %s%s", what,
                       bind_describe(L, idx), cure);
        bind_no_value(L, idx, NULL, what, "a value or an expression", false);
    }
    return new_bind(L, mr_type_natural((mr_kind)v.kind), &v);
}

mr_node *bind_untyped(mr_node *node) {
    if (node && node->kind == MR_NODE_BIND && node->u.value.kind == MR_TEXT) node->flags |= MR_NODE_UNTYPED;
    return node;
}

void bind_own_operand(lua_State *L, int idx, const mr_type *type, const char *what) {
    idx = lua_absindex(L, idx);
    bind_push_node(L, bind_to_operand(L, idx, type, what));
    lua_replace(L, idx);
}

const mr_type *bind_shared_type(lua_State *L, int idx, int n, int step) {
    const mr_type *own = bind_own_type(L, idx, n, step);
    for (int i = 0; i < n && !own; i++) {
        const mr_node *node = bind_test_node(L, idx + i * step);
        if (node && node->type && mr_type_is_known(node->type))
            return is_spelled_by_text(node->type) ? node->type : NULL;
    }
    return own;
}

void bind_shared_operand(lua_State *L, int idx, const mr_type *type, const char *what) {
    mr_value v;
    idx = lua_absindex(L, idx);
    mr_node *node = bind_test_node(L, idx);
    if (!type || type->decorator) {
        bind_own_operand(L, idx, node ? NULL : type, what);
    } else if (node && node->kind == MR_NODE_BIND && node->flags & MR_NODE_UNTYPED) {
        bind_push_node(L, typed_text(L, mr_node_retain(node), type));
        lua_replace(L, idx);
    } else if (lua_type(L, idx) == LUA_TSTRING && bind_to_value(L, idx, type, &v) && is_coerced(L, type, what, &v)) {
        bind_push_node(L, new_bind(L, type, &v));
        lua_replace(L, idx);
    } else {
        bind_own_operand(L, idx, NULL, what);
    }
}

/* Does the function take columns, and no criteria? */
static bool sorts(const char *function) {
    static const char *const names[] = {"order_by", "group_by", "distinct", "over", "partition_by", NULL};
    return bind_is_among(names, function);
}

static int refuse_criterion(lua_State *L, int idx, const char *function) {
    const char *cure = "";
    if (lua_isboolean(L, idx) && lua_toboolean(L, idx))
        cure = " (== and ~= compare Lua values: write User.name:eq(x), User.name:ne(x); `and`, `or` choose between "
               "them: write & and |)";
    else if (lua_isboolean(L, idx))
        cure = " (== and ~= compare Lua values: write User.name:eq(x), User.name:ne(x); `not` makes a boolean: write "
               "~User.name:eq(x))";
    else if (lua_isnoneornil(L, idx)) cure = " (is the variable set?)";
    else if (lua_type(L, idx) == LUA_TSTRING) cure = " (SQL text is written mr.text\"...\")";
    else if (bind_is_plain_table(L, idx)) cure = " (attributes by name are for filter_by)";
    else if (bind_test_class(L, idx) || (sorts(function) && bind_test_relationship(L, idx)))
        cure = bind_class_cure(L, idx, true);
    else if (bind_test(L, idx, BIND_RELATIONSHIP))
        cure = " (a relationship is asked with :any(), :has() or :contains())";
    else if (lua_isfunction(L, idx)) cure = " (a method is called: User.name:desc(), User.name:eq(x))";
    else if (bind_is_query(L, idx)) cure = " (a query as a criterion is written query:exists())";
    return bind_error(L, MR_ERR_ARGUMENT, "%s: expected an SQL expression, got %s%s", function, bind_describe(L, idx),
                      cure ? cure : "");
}

mr_node *bind_arg_criterion(lua_State *L, int idx, const char *function) {
    mr_node *node = bind_test_node(L, idx);
    if (!node) refuse_criterion(L, idx, function);
    return node;
}

/* ---------------------------------------------------------------- lists */

mr_node **bind_collect_nodes(lua_State *L, int first, int n) {
    mr_node **nodes = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *nodes, 0);
    for (int i = 0; i < n; i++) bind_arg_node(L, first + i, "expression");
    for (int i = 0; i < n; i++) nodes[i] = mr_node_retain(bind_test_node(L, first + i));
    return nodes;
}

void bind_push_list(lua_State *L, int first, int n, const char *function) {
    luaL_checkstack(L, 4, function);
    for (int i = 0; i < n; i++) bind_arg_criterion(L, first + i, function);
    mr_node **nodes = bind_collect_nodes(L, first, n);
    bind_push_node(L, mr_sql_list(bind_of(L)->env, MR_OP_COMMA, nodes, (size_t)n));
    lua_remove(L, -2);
}

void bind_push_list_of(lua_State *L, int idx, const char *function) {
    idx = lua_absindex(L, idx);
    int top = lua_gettop(L), n = 1;
    if (bind_is_plain_table(L, idx)) {
        n = (int)lua_rawlen(L, idx);
        bind_check_room(L, n + 4, function);
        for (int i = 1; i <= n; i++) lua_rawgeti(L, idx, i);
    } else {
        lua_pushvalue(L, idx);
    }
    if (n == 0) bind_error(L, MR_ERR_ARGUMENT, "%s: the list is empty", function);
    bind_push_list(L, top + 1, n, function);
    lua_replace(L, top + 1);
    lua_settop(L, top + 1);
}

/* ---------------------------------------------------------------- methods that differ by an operator */

void bind_set_operations(lua_State *L, const bind_operation *operations) {
    for (const bind_operation *o = operations; o->name; o++) {
        lua_pushlightuserdata(L, (void *)(uintptr_t)o);
        lua_pushcclosure(L, o->function, 1);
        lua_setfield(L, -2, o->name);
    }
}

const bind_operation *bind_operation_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(1)); }

/* ---------------------------------------------------------------- fields and metamethods */

void bind_push_sql(lua_State *L, const mr_node *node, bind_sql_form form) {
    mr_strbuf *sql = bind_own_strbuf(L);
    const mr_dialect *dialect = form.dialect ? form.dialect : mr_dialect_sqlite();
    if (form.literals) BIND_TRY(bind_of(L), L, mr_sql_string_literal(sql->env, dialect, node, sql));
    else bind_check(L, mr_sql_string(sql->env, dialect, node, sql));
    bind_own_push_text(L);
}

static const char *next_dialect(void *ud, size_t i) {
    (void)ud;
    const mr_dialect *d = mr_dialects_at((unsigned)i);
    return d ? d->name : NULL;
}

/* The dialect that the option names; NULL: none is given. */
static const mr_dialect *option_dialect(lua_State *L, int options) {
    const mr_dialect *found = NULL;
    if (bind_option(L, options, "dialect") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING) bind_type_error(L, -1, "sql: dialect", "a dialect's name");
        const char *name = lua_tostring(L, -1);
        found = mr_dialects_find(name);
        if (!found)
            bind_error(L, MR_ERR_ARGUMENT, "sql: there is no dialect '%s'%s (there are sqlite and postgresql)", name,
                       bind_hint(L, mr_nearest(name, next_dialect, NULL)));
    }
    lua_pop(L, 1);
    return found;
}

bind_sql_form bind_arg_sql_form(lua_State *L) {
    static const char *const names[] = {"dialect", "literals", NULL};
    int options;
    if (bind_arguments(L, 2, &options) > 0)
        bind_error(L, MR_ERR_ARGUMENT, "sql takes options only: sql{ literals = true }");
    bind_check_options(L, options, "sql", names);
    bool literals = bind_option_bool(L, options, "sql", "literals", false);
    return (bind_sql_form){option_dialect(L, options), literals};
}

static int expression_tostring(lua_State *L) {
    bind_push_sql(L, bind_arg_node(L, 1, "tostring"), (bind_sql_form){0});
    return 1;
}

/* sql{ dialect = "postgresql", literals = true } */
static int expression_sql(lua_State *L) {
    const mr_node *node = bind_arg_node(L, 1, "sql");
    bind_push_sql(L, node, bind_arg_sql_form(L));
    return 1;
}

static int get_name(lua_State *L) {
    const mr_node *node = bind_arg_node(L, 1, "name");
    lua_pushstring(L, node->kind == MR_NODE_COLUMN ? node->u.column->name : node->name);
    return 1;
}

/* The attribute's name where it is mapped; else like name. */
static int get_key(lua_State *L) {
    const mr_node *node = bind_arg_node(L, 1, "key");
    if (bind_expression_key(L, 1)) {
        lua_pushstring(L, bind_expression_key(L, 1));
        return 1;
    }
    if (!node->annotation || node->kind != MR_NODE_COLUMN) return get_name(L);
    lua_pushstring(L, ((const mr_property *)node->annotation)->name);
    return 1;
}

static int get_type(lua_State *L) {
    bind_push_type(L, bind_arg_node(L, 1, "type")->type);
    return 1;
}

/* mr.true_() is mr.true_. Other expressions cannot be called. */
static int expression_call(lua_State *L) {
    const mr_node *node = bind_arg_node(L, 1, "call");
    if (node->kind == MR_NODE_LITERAL_SQL && lua_gettop(L) == 1) return 1;
    return bind_error(L, MR_ERR_ARGUMENT, "%s is an expression and cannot be called", bind_push_what(L, node));
}

/* Names that SQL, or other libraries, have for what is written otherwise. */
static int missing(lua_State *L) {
    static const bind_cure known[] = {
        {"x:is_(nil), or x:is_not(nil)", {"is_null", "isnull", "is_none", "not_null", "is_not_null", "notnull", NULL}},
        {"x:eq(value), x:ne(value)", {"equals", "equal", "is_equal", "__eq", "neq", "not_eq", NULL}},
        {"x:lt(value), x:le(value), x:gt(value), x:ge(value)", {"gte", "lte", "less", "greater", NULL}},
        {"x:in_{ a, b }, x:not_in{ a, b }", {"in", "one_of", "any_of", "notin", NULL}},
        {"~x", {"not", "not_", "negate", NULL}},
        {"x & y, x | y", {"and", "or", "and_", "or_", NULL}},
        {"an SQL function: mr.func.NAME(x)",
         {"lower", "upper", "length", "count", "sum", "max", "min", "avg", "abs", "round", "trim", "coalesce", NULL}},
        {"mr.extract(\"year\", x), with the part's name in place of \"year\"",
         {"year", "month", "day", "hour", "minute", "second", "week", "weekday", "doy", "dow", NULL}},
        {NULL, {NULL}},
    };
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "", *cure = bind_cure_of(known, name);
    const mr_node *node = bind_test_node(L, 1);
    bool at = lua_isinteger(L, 2);
    if (node && node->type && mr_type_is_json(node->type) && (at || (!cure && lua_toboolean(L, 3)))) {
        const char *step = at ? luaL_tolstring(L, 2, NULL) : lua_pushfstring(L, "\"%s\"", name);
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "Expression has no method or field '%s': what is inside a column of JSON is written %s:at(%s)",
            at ? step : name, bind_push_what(L, node), step);
    }
    if (!cure) return 0;
    return bind_error(L, MR_ERR_ARGUMENT, "Expression has no method or field '%s': it is written %s", name, cure);
}

void bind_open_expression(lua_State *L) {
    static const luaL_Reg getters[] = {{"name", get_name}, {"key", get_key}, {"type", get_type}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__gc", bind_expression_gc},
                                           {"__tostring", expression_tostring},
                                           {"__call", expression_call},
                                           {BIND_MISSING, missing},
                                           {NULL, NULL}};
    static const luaL_Reg methods[] = {{"sql", expression_sql}, {NULL, NULL}};
    bind_type(L, BIND_EXPRESSION, "Expression", methods, getters, metamethods);
}
