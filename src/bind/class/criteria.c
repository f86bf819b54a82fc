/*
 * criteria.c: criteria about the attributes of a class: those of relationships, and those from a table of attributes
 * and values, filter_by{...}, has{...}, any{...}.
 *
 * Invariant: the criteria stand in the order of the attributes' names, so that equal tables give equal SQL.
 */
#include <stdlib.h>
#include <string.h>

#include "attribute.h"
#include "expression/expression.h"
#include "value/descriptor.h"
#include "value/proxy.h"

void bind_push_about(lua_State *L, const mr_property *prop, mr_node *alias, int idx, mr_belonging how) {
    mr_entity *e = bind_test_entity(L, idx);
    mr_node *node = NULL;
    if (!e || !mr_mapper_isa(e->mapper, prop->relationship->target))
        bind_refuse_related(L, idx, prop, lua_pushfstring(L, "%s.%s", prop->mapper->name, prop->name));
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, (void)mr_object_criterion(prop, alias, e, how, &node));
    bind_push_node(L, node);
}

void bind_push_refers_to_nothing(lua_State *L, const mr_property *prop, mr_node *alias, bool negated) {
    mr_node *node = NULL;
    (void)mr_criterion_nothing(prop, alias, negated, &node);
    bind_push_node(L, node);
}

void bind_push_refers_to(lua_State *L, const mr_property *prop, mr_node *alias, int idx) {
    if (bind_is_null(L, idx)) bind_push_refers_to_nothing(L, prop, alias, false);
    else bind_push_about(L, prop, alias, idx, MR_REFERS_TO);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The keys of the table at idx, sorted: equal calls give equal SQL. Pushes the array. */
static const char **sorted_keys(lua_State *L, int idx, const char *function, size_t *n) {
    *n = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING)
            bind_error(L, MR_ERR_ARGUMENT, "%s: expected attributes by name, got the key %s", function,
                       bind_describe(L, -2));
        ++*n;
    }
    const char **keys = lua_newuserdatauv(L, (*n + 1) * sizeof *keys, 0);
    size_t i = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) keys[i++] = lua_tostring(L, -2);
    qsort(keys, *n, sizeof *keys, by_name);
    return keys;
}

/* Pushes the names of the class's attributes, as many as a message can have. */
static const char *push_attribute_names(lua_State *L, const mr_mapper *mapper) {
    enum { SHOWN = 12 };
    lua_pushliteral(L, "");
    for (size_t i = 0; i < mapper->props.len && i <= SHOWN; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), i ? ", " : "", i < SHOWN ? prop->name : "...");
        lua_remove(L, -2);
    }
    return lua_tostring(L, -1);
}

/* Raises where the name is one of a related class, written behind that of a relationship: "author.name",
 * "author__name".
 */
static void refuse_path(lua_State *L, const mr_mapper *mapper, const char *name) {
    const char *dot = strchr(name, '.'), *bars = dot ? NULL : strstr(name, "__"), *end = dot ? dot : bars;
    if (!end || end == name) return;
    const char *first = lua_pushlstring(L, name, (size_t)(end - name)), *rest = end + (dot ? 1 : 2);
    const mr_property *prop = mr_mapper_property(mapper, first, true);
    if (prop && prop->kind == MR_PROPERTY_RELATIONSHIP)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s has no attribute '%s': write filter(%s.%s:%s{ %s = ... }), or join(%s.%s) first", mapper->name,
                   name, mapper->name, first, prop->relationship->direction == MR_MANY_TO_ONE ? "has" : "any", rest,
                   mapper->name, first);
    lua_pop(L, 1);
}

const mr_property *bind_query_attribute(lua_State *L, mr_mapper *mapper, const char *name) {
    const mr_property *prop = mr_mapper_property(mapper, name, true);
    if (!prop) {
        bind_configure(L, mapper); /* a backref may make it */
        prop = mr_mapper_property(mapper, name, true);
    }
    if (prop) return prop;
    refuse_path(L, mapper, name);
    const char *near = bind_nearest_attribute(L, mapper, name);
    if (!near)
        bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s' (it has %s)", mapper->name, name,
                   push_attribute_names(L, mapper));
    bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s", mapper->name, name, bind_hint(L, near));
    return NULL;
}

/* Replaces the value on top of the stack by the criterion attribute = value. */
static void push_equal(lua_State *L, const mr_property *prop, mr_node *alias) {
    int value = lua_gettop(L);
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) {
        bind_configure(L, prop->mapper);
        bind_push_refers_to(L, prop, alias, value);
        lua_replace(L, value);
        return;
    }
    bind_push_node(L, mr_property_node(prop, alias));
    mr_node *left = bind_test_node(L, -1);
    bind_refuse_list(L, value, left->type, bind_push_what(L, left));
    mr_node *right = bind_to_operand(L, value, left->type, bind_push_what(L, left));
    bind_push_node(L, mr_sql_binary(left->env, MR_OP_EQ, mr_node_retain(left), right));
    lua_replace(L, value);
    lua_settop(L, value);
}

/* Where the name is that of a hybrid or the like: pushes the criterion that it is equal to its value in the table at
 * idx, by its own :eq(). */
static bool push_described_equal(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *name) {
    if (!bind_push_described(L, mapper, alias, name)) return false;
    int made = lua_gettop(L);
    lua_getfield(L, idx, name);
    mr_node *left = bind_test_node(L, made);
    if (left) bind_refuse_list(L, made + 1, left->type, lua_pushfstring(L, "%s.%s", mapper->name, name));
    lua_getfield(L, made, "eq");
    lua_pushvalue(L, made);
    lua_pushvalue(L, made + 1);
    lua_call(L, 2, 1);
    lua_replace(L, made);
    lua_settop(L, made);
    bind_arg_criterion(L, made, name);
    return true;
}

void bind_push_filter_by(lua_State *L, mr_mapper *mapper, mr_node *alias, int idx, const char *function) {
    size_t n;
    idx = lua_absindex(L, idx);
    if (bind_test_node(L, idx) && strcmp(function, "filter_by") == 0)
        bind_error(L, MR_ERR_ARGUMENT,
                   "filter_by: expected a table such as { name = \"x\" }, got %s (a criterion is given to filter)",
                   bind_describe(L, idx));
    if (!bind_is_plain_table(L, idx)) bind_type_error(L, idx, function, "a table such as { name = \"x\" }");
    const char **keys = sorted_keys(L, idx, function, &n);
    if (n == 0)
        bind_error(L, MR_ERR_ARGUMENT, "%s: the table is empty (is every value set? NULL is written mr.null)",
                   function);
    int first = lua_gettop(L) + 1;
    bind_check_room(L, (int)n + 12, function);
    for (size_t i = 0; i < n; i++) {
        if (push_described_equal(L, mapper, alias, idx, keys[i])) continue;
        const mr_property *prop = bind_query_attribute(L, mapper, keys[i]);
        lua_getfield(L, idx, keys[i]);
        push_equal(L, prop, alias);
    }
    mr_node **nodes = bind_collect_nodes(L, first, (int)n);
    bind_push_node(L, mr_sql_list(mapper->env, MR_OP_AND, nodes, n));
    lua_replace(L, first - 1); /* in the place of the keys */
    lua_settop(L, first - 1);
}
