/*
 * filter.c: the methods of queries that add criteria: filter, where, filter_by, having.
 *
 * Invariant: a mistake never selects everything: nil, a boolean and an empty filter_by raise.
 */
#include <string.h>

#include "class/attribute.h"
#include "expression/criteria_text.h"
#include "expression/expression.h"
#include "query.h"
#include "value/class.h"
#include "value/own_value.h"

/* Adds the criterion to the query at index 1: what it reaches along references is joined. */
static void add_text(lua_State *L, mr_criterion *c, const char *function) {
    mr_query *q = bind_query_arg(L, function), *made = NULL;
    BIND_CALL(bind_of(L), L, (void)mr_criterion_where(c, q, &made));
    bind_derive_self(L, made);
}

/* The criterion of a text that is about the query's own class, as the query reads it; NULL: it is something else. */
static mr_criterion *own_criterion(const mr_query *q, const mr_node *node) {
    mr_criterion *c = mr_criterion_of(node);
    mr_node *alias = NULL;
    const mr_mapper *lead = c ? mr_query_lead_and_alias(q, &alias) : NULL;
    return lead && mr_mapper_isa(lead, mr_criterion_mapper(c)) && mr_criterion_alias(c) == alias ? c : NULL;
}

static mr_mapper *text_mapper(lua_State *L, const char *function, mr_node **alias) {
    mr_mapper *mapper = mr_query_lead_and_alias(bind_query_arg(L, function), alias);
    if (!mapper)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: the query has no class that the text could be about: use mr.filter(Class, ...)", function);
    return mapper;
}

/* The text at index 2, and its values, or none, behind it. */
static int text_criteria(lua_State *L, const char *function) {
    mr_node *alias;
    if (lua_gettop(L) > 3)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: expected one text, and a table of its values (texts are joined by and)", function);
    if (!lua_isnoneornil(L, 3) && !bind_is_plain_table(L, 3))
        return bind_type_error(L, 3, function, "a table with the values of the text");
    mr_mapper *mapper = text_mapper(L, function, &alias);
    bool values = lua_istable(L, 3);
    add_text(L, bind_own_criterion(L, mapper, alias, 2, values ? 3 : 0, NULL, false, function), function);
    lua_settop(L, 1);
    return 1;
}

static int criteria(lua_State *L, const char *function, mr_query *(*add)(const mr_query *q, mr_node *criterion)) {
    bind_query_arg_for_clause(L, function);
    int n = lua_gettop(L) - 1;
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected at least one criterion, such as User.name:eq(x)", function);
    bool where = add == mr_query_where;
    if (where && lua_type(L, 2) == LUA_TSTRING) return text_criteria(L, function);
    for (int i = 2; i <= n + 1; i++) {
        mr_node *node = bind_arg_criterion(L, i, function);
        mr_criterion *c = where ? own_criterion(bind_query_arg(L, function), node) : NULL;
        if (c) add_text(L, c, function);
        else bind_derive_self(L, add(bind_query_arg(L, function), mr_node_retain(node)));
    }
    lua_settop(L, 1);
    return 1;
}

static int q_having(lua_State *L) { return criteria(L, "having", mr_query_having); }

/* The attribute that the string at idx names, if it is a column whose type takes the value at idx + 1 as it is: *value,
 * whose bytes are the string's there. NULL: another attribute, or value. */
static const mr_property *plain_equal(lua_State *L, const mr_mapper *mapper, int idx, mr_value *value) {
    int type = lua_type(L, idx + 1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER) return NULL;
    const mr_property *prop = mapper->klass ? bind_class_known(mapper->klass, lua_topointer(L, idx)) : NULL;
    if (!prop && lua_type(L, idx) == LUA_TSTRING) prop = mr_mapper_property(mapper, lua_tostring(L, idx), false);
    if (!prop || prop->kind != MR_PROPERTY_COLUMN) return NULL;
    if (!bind_to_value(L, idx + 1, NULL, value)) return NULL;
    const mr_type *known = mr_column_type(mapper->env, prop->column);
    return !known->decorator && known->rules->takes & MR_TAKES(value->kind) ? prop : NULL;
}

/* Class.query:filter_by{...} with plain values: pushes a lookup; false, with nothing pushed, where it is none. */
static bool push_lookup(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    if (!q || !q->mapper || q->nequals > 0 || !q->mapper->configured || lua_gettop(L) != 2) return false;
    if (!bind_is_plain_table(L, 2)) return false;
    mr_equal found[BIND_MAX_EQUALS];
    unsigned n = 0;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        mr_value v;
        const mr_property *prop = n < BIND_MAX_EQUALS ? plain_equal(L, q->mapper, 3, &v) : NULL;
        if (!prop) {
            lua_settop(L, 2);
            return false;
        }
        unsigned at = n++;
        for (; at > 0 && strcmp(found[at - 1].prop->name, prop->name) > 0; at--) found[at] = found[at - 1];
        found[at] = (mr_equal){prop, v};
    }
    if (n == 0) return false;
    bind_push_lookup(L, q->b, q->mapper, found, n, 0);
    return true;
}

/* Class.query:where(text) of a text seen before that says only what columns are equal to: pushes a lookup; false, with
 * nothing pushed, where it is none, or the usual way has to say what is wrong. */
static bool push_text_lookup(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    int top = lua_gettop(L);
    if (!q || !q->mapper || q->nequals > 0 || !q->mapper->configured || top < 2 || top > 3) return false;
    if (lua_type(L, 2) != LUA_TSTRING || (top == 3 && !bind_is_plain_table(L, 3))) return false;
    size_t len;
    const char *text = lua_tolstring(L, 2, &len);
    const mr_criteria *c = mr_criteria_find(q->mapper, text, len);
    const mr_criteria_equal *equals;
    const mr_criteria_use *uses;
    size_t n = c ? mr_criteria_equals(c, &equals) : 0, named = 0;
    if (n == 0 || n > BIND_MAX_EQUALS) return false;
    (void)mr_criteria_uses(c, &uses);
    mr_equal found[BIND_MAX_EQUALS];
    for (size_t i = 0; i < n; i++) {
        const mr_type *type = mr_column_type(q->mapper->env, equals[i].prop->column);
        mr_value v;
        if (equals[i].literal) {
            v = *equals[i].literal;
        } else {
            if (top < 3) return false;
            named++;
            int kind = lua_getfield(L, 3, uses[equals[i].use].name); /* the table keeps the string */
            bool plain = (kind == LUA_TSTRING || kind == LUA_TNUMBER) && bind_to_value(L, -1, NULL, &v);
            lua_settop(L, top);
            if (!plain) return false;
        }
        if (type->decorator || !(type->rules->takes & MR_TAKES(v.kind))) return false;
        if (type->choices && mr_type_is_broken(type, &v)) return false;
        size_t at = i;
        for (; at > 0 && strcmp(found[at - 1].prop->name, equals[i].prop->name) > 0; at--) found[at] = found[at - 1];
        if (at > 0 && found[at - 1].prop == equals[i].prop) return false;
        found[at] = (mr_equal){equals[i].prop, v};
    }
    if (top == 3) {
        for (lua_pushnil(L); lua_next(L, 3); lua_pop(L, 1)) named--;
        if (named != 0) return false; /* a value that no parameter has, or one that several have */
    }
    bind_push_lookup(L, q->b, q->mapper, found, (unsigned)n, 0);
    return true;
}

static int q_where(lua_State *L) { return push_text_lookup(L) ? 1 : criteria(L, "where", mr_query_where); }
static int q_filter(lua_State *L) { return push_text_lookup(L) ? 1 : criteria(L, "filter", mr_query_where); }

static int q_filter_by(lua_State *L) {
    if (push_lookup(L)) return 1;
    mr_query *q = bind_query_arg_for_clause(L, "filter_by");
    bind_refuse_more(L, 1, "filter_by", " (all values are in one table)");
    lua_settop(L, 2);
    mr_node *alias;
    mr_mapper *mapper = mr_query_filter_by_target(q, &alias);
    if (!mapper) return bind_error(L, MR_ERR_ARGUMENT, "filter_by: the query has no class: use filter()");
    bind_push_filter_by(L, mapper, alias, 2, "filter_by");
    return bind_derive(L, mr_query_where(q, mr_node_retain(bind_test_node(L, -1))));
}

void bind_open_query_filter(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"filter", q_filter}, {"where", q_where}, {"having", q_having}, {"filter_by", q_filter_by}, {NULL, NULL}};
    bind_extend_query(L, methods, true);
}
