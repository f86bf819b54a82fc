/*
 * criteria_text.c: criteria that are written as text, mr.filter and mr.matches.
 *
 * Invariant: each value of a parameter is checked, as the type of what it stands beside, before anything is built; a
 * parameter without a value, and a value without a parameter, raise.
 */
#include "criteria_text.h"

#include <math.h>
#include <string.h>

#include "expression.h"
#include "state/own.h"
#include "value/class.h"
#include "value/descriptor.h"
#include "value/from.h"
#include "value/own_value.h"
#include "value/proxy.h"
#include "value/row.h"

/* ---------------------------------------------------------------- what the core asks of a class */

typedef struct description {
    mr_mapper *mapper;
    mr_node *alias;
    const char *name, *part;
    mr_criteria_attribute *out;
    bool found;
} description;

/* The attribute of the class that is the part of the composite on top of the stack, or NULL. */
static const char *composite_part(lua_State *L, const mr_mapper *mapper, const char *part) {
    lua_pushliteral(L, "spec");
    if (lua_rawget(L, -2) != LUA_TTABLE) return NULL;
    for (lua_Integer i = 1; lua_rawgeti(L, -1, i) == LUA_TSTRING; i++, lua_pop(L, 1)) {
        const mr_property *prop = mr_mapper_property(mapper, lua_tostring(L, -1), true);
        if (prop && strcmp(lua_tostring(L, -1), part) == 0) return prop->name;
    }
    return NULL;
}

static int describe_body(lua_State *L) {
    description *d = lua_touserdata(L, 1);
    luaL_checkstack(L, 12, "an attribute");
    if (!bind_push_described(L, d->mapper, d->alias, d->name)) return 0;
    d->found = true;
    mr_node *node = bind_test_node(L, -1);
    bool composite = !node && lua_istable(L, -1) && luaL_getmetafield(L, -1, "__columns") != LUA_TNIL;
    if (composite) {
        lua_pop(L, 1);
        d->out->column = d->part ? composite_part(L, d->mapper, d->part) : NULL;
        if (!d->out->column)
            bind_error(L, MR_ERR_ARGUMENT, "%s.%s is a composite of several columns: name one of them%s%s%s",
                       d->mapper->name, d->name, d->part ? " ('" : "", d->part ? d->part : "",
                       d->part ? "' is none)" : "");
        return 0;
    }
    if (!node)
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s is no column, and cannot stand in a text", d->mapper->name, d->name);
    d->out->expression = mr_node_retain(node);
    return 0;
}

static mr_status describe(void *ud, mr_mapper *mapper, mr_node *alias, const char *name, const char *part,
                          mr_criteria_attribute *out) {
    (void)ud;
    description d = {mapper, alias, name, part, out, false};
    *out = (mr_criteria_attribute){0};
    if (!mapper->klass) return MR_NOTFOUND;
    if (bind_callback_mistake(mapper->env, describe_body, &d) != MR_OK) return MR_FAIL;
    return d.found ? MR_OK : MR_NOTFOUND;
}

typedef struct nearness {
    const mr_mapper *mapper;
    const char *name, *near;
} nearness;

static int nearest_body(lua_State *L) {
    nearness *n = lua_touserdata(L, 1);
    n->near = bind_nearest_attribute(L, n->mapper, n->name);
    return 0;
}

static const char *nearest(void *ud, const mr_mapper *mapper, const char *name) {
    (void)ud;
    nearness n = {mapper, name, NULL};
    if (!mapper->klass) return mr_mapper_nearest(mapper, name);
    if (bind_callback(mapper->env, nearest_body, &n) != MR_OK) mr_env_clear_error(mapper->env);
    return n.near;
}

/* ---------------------------------------------------------------- values of parameters */

static void refuse_use(lua_State *L, const mr_criteria *c, size_t use, const char *why) {
    (void)mr_criteria_refuse(c, use, why);
    bind_raise(L);
}

static bool is_of_group(mr_criteria_group group, mr_kind kind) {
    switch (group) {
    case MR_CRITERIA_BOOLEAN:
        return kind == MR_BOOL;
    case MR_CRITERIA_NUMBER:
        return kind == MR_INT || kind == MR_FLOAT;
    case MR_CRITERIA_DECIMAL:
        return kind == MR_INT || kind == MR_DECIMAL;
    case MR_CRITERIA_TEXT:
        return kind == MR_TEXT;
    case MR_CRITERIA_ANY:
        return kind != MR_NULL && kind != MR_UNLOADED;
    default:
        return false;
    }
}

static const char *group_words(mr_criteria_group group) {
    switch (group) {
    case MR_CRITERIA_BOOLEAN:
        return "a boolean";
    case MR_CRITERIA_NUMBER:
        return "a number";
    case MR_CRITERIA_DECIMAL:
        return "a decimal or an integer";
    case MR_CRITERIA_TEXT:
        return "a string";
    default:
        return "a value";
    }
}

static const char *next_choice(void *ud, size_t i) { return ((const char *const *)ud)[i]; }

/* Raises where the value is none of its Enum: no row has it, as the columns refuse it. */
static void check_choice(lua_State *L, const mr_criteria *c, size_t use, const mr_type *type, const mr_value *v) {
    char name[MR_TYPE_NAME];
    if (!type->choices || v->kind != MR_TEXT || !mr_type_is_broken(type, v)) return;
    const char *given = lua_pushlstring(L, v->u.s, v->len);
    const char *near = mr_nearest(given, next_choice, (void *)(uintptr_t)type->choices);
    refuse_use(L, c, use,
               lua_pushfstring(L, "'%s' is not a choice of %s%s", given, mr_type_name(type, name), bind_hint(L, near)));
}

/* Reads the object at idx, of the class that the use's reference leads to. */
static void read_object(lua_State *L, const mr_criteria *c, size_t use, const mr_criteria_use *x, int idx,
                        mr_value *out) {
    const mr_mapper *target = x->along->relationship->target;
    mr_entity *e = bind_test_entity(L, idx);
    if (!e || !mr_mapper_isa(e->mapper, target)) {
        bool is_key = lua_type(L, idx) == LUA_TNUMBER || lua_type(L, idx) == LUA_TSTRING;
        const char *wanted = lua_pushfstring(L, "%s %s", strchr("AEIOaeio", *target->name) ? "an" : "a", target->name);
        const char *name = x->along->name, *given = bind_describe(L, idx);
        const char *cure = is_key ? lua_pushfstring(L, " (a key is compared with an attribute of %s)", name) : "";
        refuse_use(L, c, use, lua_pushfstring(L, "expected %s, got %s%s", wanted, given, cure));
    }
    *out = mr_value_of(MR_ENTITY, 0);
    out->u.p = e;
}

/* Why the parameter must have a value. */
static const char *nil_words(lua_State *L, const mr_criteria_use *x) {
    if (!x->along) return "the value is nil (that something is not there is written x == nil)";
    return lua_pushfstring(L, "the value is nil (that there is no object is written %s == nil)", x->along->name);
}

/* Reads the value at idx, which may be replaced there, as the use wants it. */
static void read_value(lua_State *L, const mr_criteria *c, size_t use, const mr_criteria_use *x, int idx,
                       mr_value *out) {
    bind_state *b = bind_of(L);
    if (lua_isnil(L, idx) || bind_is_null(L, idx)) refuse_use(L, c, use, nil_words(L, x));
    if (x->along) {
        read_object(L, c, use, x, idx, out);
        return;
    }
    if (!bind_to_value(L, idx, x->type, out) || (out->kind == MR_OPAQUE && !bind_is_own_value(b, out)))
        refuse_use(L, c, use,
                   lua_pushfstring(L, "expected %s, got %s", x->type ? mr_type_wants(x->type) : group_words(x->group),
                                   bind_describe(L, idx)));
    bool any = x->type && mr_type_is_any(x->type) && !x->type->decorator;
    if (any && out->kind != MR_INT && out->kind != MR_FLOAT && out->kind != MR_TEXT)
        refuse_use(L, c, use, lua_pushfstring(L, "expected a number or a string, got %s", bind_describe(L, idx)));
    if (x->type && !x->type->decorator) {
        mr_status status;
        const char *what = lua_pushfstring(L, "$%s", x->name ? x->name : "");
        BIND_CALL(b, L, status = mr_type_coerce(b->env, x->type, what, out));
        if (status != MR_OK) {
            const char *message = lua_pushstring(L, mr_env_error(b->env)->message);
            size_t len = strlen(what);
            bool own = strncmp(message, what, len) == 0 && message[len] == ':';
            refuse_use(L, c, use, own ? message + len + 2 : message);
        }
        check_choice(L, c, use, x->type, out);
    } else if (!x->type && !is_of_group(x->group, (mr_kind)out->kind)) {
        refuse_use(L, c, use, lua_pushfstring(L, "expected %s, got %s", group_words(x->group), bind_describe(L, idx)));
    }
    if (out->kind == MR_FLOAT && isnan(out->u.d)) refuse_use(L, c, use, "the value is no number (nan)");
}

/* Reads the list at idx. Pushes its array, and a table that keeps what the values are borrowed from. */
static void read_list(lua_State *L, const mr_criteria *c, size_t use, const mr_criteria_use *x, int idx,
                      mr_criteria_values *out) {
    bool collection = x->along && bind_is_collection(L, idx);
    if (!collection && !bind_is_plain_table(L, idx) && !bind_is_list(L, idx))
        refuse_use(L, c, use, lua_pushfstring(L, "expected a list, got %s", bind_describe(L, idx)));
    size_t n = collection ? (size_t)luaL_len(L, idx) : lua_rawlen(L, idx);
    lua_pushnil(L);
    if (n == 0 && !collection && lua_next(L, idx)) refuse_use(L, c, use, "expected a list, got a table with names");
    mr_value *values = lua_newuserdatauv(L, (n + 1) * sizeof *values, 0);
    lua_createtable(L, n < INT_MAX ? (int)n : 0, 0);
    int keeper = lua_gettop(L);
    for (size_t i = 0; i < n; i++) {
        lua_geti(L, idx, (lua_Integer)i + 1);
        read_value(L, c, use, x, keeper + 1, &values[i]);
        lua_settop(L, keeper + 1);
        lua_rawseti(L, keeper, (lua_Integer)i + 1);
    }
    *out = (mr_criteria_values){values, n};
}

static void push_literal(lua_State *L, const mr_value *v) {
    if (v->kind == MR_TEXT) lua_pushlstring(L, v->u.s, v->len);
    else bind_push_value(L, v);
}

/* Raises where the table has a value that the text does not name; open: it may, but values have names. */
static void check_names(lua_State *L, const mr_criteria *c, int params, const char *function, bool open) {
    for (lua_pushnil(L); lua_next(L, params); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            bind_error(L, MR_ERR_ARGUMENT, "%s: the values of a text are given by name: { min = 10 }", function);
        const char *name = lua_tostring(L, -2);
        if (!open && !mr_criteria_has(c, name))
            bind_error(L, MR_ERR_ARGUMENT, "%s: the text has no parameter $%s%s", function, name,
                       bind_hint(L, mr_criteria_nearest(c, name)));
    }
}

/* Pushes the array of the values for all uses, and what keeps them. */
static mr_criteria_values *read_values(lua_State *L, const mr_criteria *c, int params) {
    const mr_criteria_use *uses;
    size_t n = mr_criteria_uses(c, &uses);
    mr_criteria_values *values = lua_newuserdatauv(L, (n + 1) * (sizeof *values + sizeof(mr_value)), 0);
    mr_value *single = (mr_value *)(void *)(values + n + 1);
    bind_check_room(L, (int)(4 * n) + 12, "criteria");
    for (size_t i = 0; i < n; i++) {
        if (uses[i].literal) push_literal(L, uses[i].literal);
        else if (params) lua_getfield(L, params, uses[i].name);
        else lua_pushnil(L);
        int idx = lua_gettop(L);
        if (lua_isnil(L, idx))
            refuse_use(
                L, c, i,
                params && uses[i].along
                    ? lua_pushfstring(L, "the parameter has no value (that there is no object is written %s == nil)",
                                      uses[i].along->name)
                : params ? "the parameter has no value"
                         : "the parameter has no value: give it in a table, { name = value }");
        if (uses[i].list && !uses[i].literal) {
            read_list(L, c, i, &uses[i], idx, &values[i]);
            lua_settop(L, idx + 3);
        } else {
            read_value(L, c, i, &uses[i], idx, &single[i]);
            values[i] = (mr_criteria_values){&single[i], 1};
            lua_settop(L, idx);
        }
    }
    return values;
}

/* ---------------------------------------------------------------- criteria */

static void release_criteria(void *p) { mr_criteria_release(p); }
static void release_criterion(void *p) { mr_criterion_release(p); }

mr_criterion *bind_own_criterion(lua_State *L, mr_mapper *mapper, mr_node *alias, int text, int params,
                                 const mr_criteria_limits *limits, bool open, const char *function) {
    bind_state *b = bind_of(L);
    size_t len;
    mr_status status;
    text = lua_absindex(L, text);
    if (params && lua_isnil(L, params)) params = 0;
    if (params && !bind_is_plain_table(L, params)) bind_type_error(L, params, function, "a table of values by name");
    if (params) params = lua_absindex(L, params);
    const char *s = lua_tolstring(L, text, &len);
    bind_owner *result = bind_own(L, release_criterion);
    int made = lua_gettop(L);
    bind_owner *owner = bind_own(L, release_criteria);
    mr_criteria *c = NULL;
    BIND_CALL(b, L, status = mr_criteria_read(mapper, s, len, limits, &c));
    bind_check(L, status);
    owner->p = c;
    if (params) check_names(L, c, params, function, open);
    const mr_criteria_values *values = read_values(L, c, params);
    result->p = mr_criterion_new(c, values, mr_node_retain(alias));
    if (!result->p) bind_raise(L);
    bind_own_done(owner);
    lua_settop(L, made);
    return result->p;
}

static void push_criterion_node(lua_State *L, mr_criterion *c) {
    mr_status status;
    mr_node *node = NULL;
    BIND_CALL(bind_of(L), L, status = mr_criterion_node(c, &node));
    bind_check(L, status);
    bind_push_node(L, node);
}

bool bind_own_text_criterion(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *function) {
    if (lua_type(L, idx) != LUA_TSTRING || !mapper) return false;
    bool values = bind_is_plain_table(L, idx + 1);
    luaL_checkstack(L, 16, function);
    push_criterion_node(L, bind_own_criterion(L, mapper, alias, idx, values ? idx + 1 : 0, NULL, false, function));
    lua_replace(L, idx);
    lua_pop(L, 1);
    if (values) lua_remove(L, idx + 1);
    return true;
}

/* ---------------------------------------------------------------- mr.filter */

/* Pushes the array of the allowed names. */
static const char *const *read_allowed(lua_State *L, int options) {
    if (bind_option(L, options, "allow") == LUA_TNIL)
        bind_error(L, MR_ERR_ARGUMENT,
                   "filter: allow is missing: name the attributes that the text may use, allow = { \"name\" }");
    int list = lua_gettop(L);
    if (!bind_is_plain_table(L, list)) bind_type_error(L, list, "filter: allow", "a list of attributes' names");
    size_t n = lua_rawlen(L, list);
    for (lua_pushnil(L); lua_next(L, list); lua_pop(L, 1))
        if (lua_type(L, -2) != LUA_TNUMBER)
            bind_error(L, MR_ERR_ARGUMENT,
                       "filter: allow: expected a list of attributes' names: { \"name\", \"level\" }");
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    for (size_t i = 0; i < n; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TSTRING)
            bind_type_error(L, -1, "filter: allow", "the names of attributes");
        names[i] = lua_tostring(L, -1);
        lua_pop(L, 1);
    }
    names[n] = NULL;
    return names;
}

/* mr.filter(Class, text, { allow =, params =, max_nodes = }) */
static int f_filter(lua_State *L) {
    static const char *const names[] = {"allow", "params", "max_nodes", NULL};
    enum { USUAL = 100 };
    int options;
    int n = bind_arguments(L, 1, &options);
    if (n != 2 || lua_type(L, 2) != LUA_TSTRING)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "filter: expected a class and a text: filter(User, text, { allow = { ... } })");
    bind_check_options(L, options, "filter", names);
    const bind_from *from = bind_test(L, 1, BIND_ALIASED);
    mr_mapper *mapper = from ? from->mapper : bind_arg_class(L, 1, "filter");
    if (lua_tostring(L, 2) == NULL) return bind_type_error(L, 2, "filter", "a text");
    lua_Integer most = bind_option_int(L, options, "filter", "max_nodes", USUAL);
    if (most < 1 || most > MR_CRITERIA_PARTS)
        return bind_error(L, MR_ERR_ARGUMENT, "filter: max_nodes: expected 1 to %d, got %lld", MR_CRITERIA_PARTS,
                          (long long)most);
    luaL_checkstack(L, 24, "filter");
    mr_criteria_limits limits = {read_allowed(L, options), (unsigned)most};
    mr_status status;
    BIND_CALL(bind_of(L), L, status = mr_criteria_check_allowed(mapper, &limits));
    bind_check(L, status);
    bind_option(L, options, "params");
    int params = lua_gettop(L);
    push_criterion_node(
        L, bind_own_criterion(L, mapper, from ? from->node : NULL, 2, params, &limits, true, "filter: params"));
    return 1;
}

/* ---------------------------------------------------------------- mr.matches */

/* mr.matches(object, text, params) */
static int f_matches(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "matches");
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "matches", "a text");
    if (lua_gettop(L) > 3) return bind_error(L, MR_ERR_ARGUMENT, "matches: expected an object, a text and its values");
    lua_settop(L, 3);
    mr_criterion *c = bind_own_criterion(L, e->mapper, NULL, 2, 3, NULL, false, "matches");
    bool met = false;
    mr_status status;
    BIND_CALL(bind_of(L), L, status = mr_entity_matches(e, c, &met));
    bind_check(L, status);
    lua_pushboolean(L, met);
    return 1;
}

void bind_open_criteria_text(lua_State *L) {
    static const luaL_Reg functions[] = {{"filter", f_filter}, {"matches", f_matches}, {NULL, NULL}};
    const mr_criteria_hooks hooks = {.describe = describe, .about = mr_object_criterion, .nearest = nearest};
    if (mr_criteria_set_hooks(bind_of(L)->env, &hooks) != MR_OK) bind_raise(L);
    luaL_setfuncs(L, functions, 0);
}
