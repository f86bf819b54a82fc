/*
 * attribute.c: Class.attr of a relationship as a value: its methods (any, has, contains, eq, is_,
 * of_type).
 *
 * Invariant: mappings are configured before a relationship's pairs are read.
 */
#include "attribute.h"

#include <string.h>

#include "expression/criteria_text.h"
#include "expression/expression.h"
#include "value/class.h"
#include "value/from.h"
#include "value/proxy.h"

/* ---------------------------------------------------------------- values */

static bind_relationship *self(lua_State *L, const char *function) {
    bind_relationship *r = bind_arg(L, 1, BIND_RELATIONSHIP, function);
    bind_configure(L, r->prop->mapper);
    return r;
}

/* ---------------------------------------------------------------- criteria */

static bool is_collection(const mr_relationship *rel) {
    return rel->uselist == 1 || (rel->uselist < 0 && rel->direction != MR_MANY_TO_ONE);
}

typedef mr_status (*related_fn)(const mr_property *along, mr_node *alias, mr_mapper *of_type, mr_node *of_alias,
                                mr_node *criterion, mr_node **out);

/* any(criterion), any{ name = "x" }, any() */
static int about_related(lua_State *L, const char *function, bool collection, related_fn make) {
    bind_relationship *r = self(L, function);
    const mr_relationship *rel = r->prop->relationship;
    const char *name = r->prop->name, *class = r->prop->mapper->name;
    if (is_collection(rel) != collection)
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          collection ? "%s.%s is no collection: use :has()" : "%s.%s is a collection: use :any()",
                          class, name);
    bool text = lua_type(L, 2) == LUA_TSTRING;
    bind_refuse_more(L, text ? 2 : 1, function, " (criteria are joined by &)");
    if (text) {
        lua_settop(L, 3);
        if (!lua_isnil(L, 3) && !bind_is_plain_table(L, 3))
            bind_type_error(L, 3, function, "a table with the values of the text");
        (void)bind_own_text_criterion(L, r->of_type ? r->of_type : rel->target, r->of_alias, 2, function);
    }
    lua_settop(L, 2);
    if (bind_is_plain_table(L, 2)) {
        bind_push_filter_by(L, r->of_type ? r->of_type : rel->target, r->of_alias, 2, function);
        lua_replace(L, 2);
    } else if (!lua_isnil(L, 2)) {
        bind_arg_criterion(L, 2, function);
    }
    mr_node *node = NULL;
    (void)make(r->prop, r->alias, r->of_type, r->of_alias, bind_test_node(L, 2), &node);
    bind_push_node(L, node);
    return 1;
}

static int r_any(lua_State *L) { return about_related(L, "any", true, mr_criterion_related); }
static int r_has(lua_State *L) { return about_related(L, "has", false, mr_criterion_related); }

/* related_count(Class.attr, criterion): for mr.count_of */
static int core_related_count(lua_State *L) { return about_related(L, "count_of", true, mr_count_related); }

static int r_contains(lua_State *L) {
    bind_relationship *r = self(L, "contains");
    if (!is_collection(r->prop->relationship))
        return bind_error(L, MR_ERR_INVALID_REQUEST, "%s.%s is no collection: use :eq()", r->prop->mapper->name,
                          r->prop->name);
    bind_refuse_more(L, 1, "contains", " (criteria are joined by &)");
    const mr_entity *item = r->of_type ? bind_test_entity(L, 2) : NULL;
    if (item && !mr_mapper_isa(item->mapper, r->of_type))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s.%s:of_type(%s):contains: got an object of the class %s, which can never be in it",
                   r->prop->mapper->name, r->prop->name, r->of_type->name, item->mapper->name);
    bind_push_about(L, r->prop, r->alias, 2, MR_REFERS_TO);
    return 1;
}

/* eq and ne take an object; nil is refused as everywhere. */
static bind_relationship *comparable(lua_State *L, const char *function) {
    bind_relationship *r = self(L, function);
    if (lua_isnoneornil(L, 2))
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s:%s(nil): use is_(nil) or mr.null", r->prop->mapper->name, r->prop->name,
                   function);
    if (is_collection(r->prop->relationship) && !bind_is_null(L, 2))
        bind_error(L, MR_ERR_INVALID_REQUEST, "%s.%s is a collection: use :contains()", r->prop->mapper->name,
                   r->prop->name);
    return r;
}

static int r_eq(lua_State *L) {
    bind_relationship *r = comparable(L, "eq");
    bind_push_refers_to(L, r->prop, r->alias, 2);
    return 1;
}

static int r_ne(lua_State *L) {
    bind_relationship *r = comparable(L, "ne");
    if (bind_is_null(L, 2)) bind_push_refers_to_nothing(L, r->prop, r->alias, true);
    else bind_push_about(L, r->prop, r->alias, 2, MR_REFERS_TO_ANOTHER);
    return 1;
}

static int is_nothing(lua_State *L, const char *function, bool negated) {
    bind_relationship *r = self(L, function);
    if (!lua_isnoneornil(L, 2) && !bind_is_null(L, 2))
        return bind_type_error(L, 2, function, "nil (objects are compared with :eq())");
    bind_push_refers_to_nothing(L, r->prop, r->alias, negated);
    return 1;
}

static int r_is(lua_State *L) { return is_nothing(L, "is_", false); }
static int r_is_not(lua_State *L) { return is_nothing(L, "is_not", true); }

/* ---------------------------------------------------------------- the value */

static int r_of_type(lua_State *L) {
    bind_relationship *r = self(L, "of_type");
    const bind_from *to = bind_test(L, 2, BIND_ALIASED);
    mr_mapper *mapper = to ? to->mapper : bind_arg_class(L, 2, "of_type"), *target = r->prop->relationship->target;
    if (!mr_mapper_isa(mapper, target))
        return bind_error(L, MR_ERR_ARGUMENT, "of_type: %s is no %s", mapper->name, target->name);
    const mr_polymorphic *with = to ? to->node->annotation : NULL;
    if (!with && mapper != target && !(with = mr_mapper_with(target, &mapper, 1))) return bind_raise(L);
    /* An alias of the class itself narrows nothing. */
    if (to && mapper == target) mapper = NULL;
    bind_push_of_type(L, r, mapper, to ? mr_node_retain(to->node) : NULL, with);
    return 1;
}

/* ---------------------------------------------------------------- with_parent */

const mr_property *bind_relationship_of(lua_State *L, int idx, const mr_mapper *parent, mr_node **alias,
                                        const char *function) {
    const bind_relationship *r = bind_test_relationship(L, idx);
    const mr_property *prop = r ? r->prop : NULL;
    *alias = r ? r->of_alias : NULL;
    if (!r && lua_type(L, idx) != LUA_TSTRING)
        bind_type_error(L, idx, function, "a relationship of the parent's class");
    const char *name = r ? prop->name : lua_tostring(L, idx);
    if (r && !mr_mapper_isa(parent, prop->mapper))
        bind_error(L, MR_ERR_ARGUMENT, "%s: %s.%s is no relationship of %s", function, prop->mapper->name, name,
                   parent->name);
    if (!r) prop = mr_mapper_property(parent, name, true);
    if (!prop || prop->kind != MR_PROPERTY_RELATIONSHIP)
        bind_error(L, MR_ERR_ARGUMENT, "%s: %s has no relationship '%s'%s", function, parent->name, name,
                   bind_hint(L, mr_mapper_nearest(parent, name)));
    return prop;
}

/* with_parent(object, User.posts), with_parent(object, "posts", alias) */
static int f_with_parent(lua_State *L) {
    const char *function = "with_parent";
    mr_entity *parent = bind_arg_entity(L, 1, function);
    mr_node *alias, *node = NULL;
    if (lua_gettop(L) > 3)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected an object, a relationship and an alias", function);
    if (lua_isnoneornil(L, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a relationship of %s, such as %s.NAME", function,
                          parent->mapper->name, parent->mapper->name);
    bind_configure(L, parent->mapper);
    const mr_property *along = bind_relationship_of(L, 2, parent->mapper, &alias, function);
    const bind_from *from = lua_isnoneornil(L, 3) ? NULL : bind_arg(L, 3, BIND_ALIASED, function);
    if (from && !mr_mapper_isa(from->mapper, along->relationship->target))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: %s.%s leads to %s, and the alias is one of %s", function,
                          along->mapper->name, along->name, along->relationship->target->name, from->mapper->name);
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, (void)mr_object_criterion(along, from ? from->node : alias, parent, MR_BELONGS_TO, &node));
    bind_push_node(L, node);
    return 1;
}

static int get_key(lua_State *L) {
    lua_pushstring(L, ((bind_relationship *)lua_touserdata(L, 1))->prop->name);
    return 1;
}

/* A list of objects is compared in criteria as text, where their keys are asked for when the query runs. */
static int refuse_in(lua_State *L, const mr_property *prop, const char *name) {
    const char *class = prop->mapper->name, *not = *name == 'n' ? "not (" : "";
    if (is_collection(prop->relationship))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s.%s is a list: whether one of several objects is in it says %s.%s:any(%s.id:in_{ ... })",
                          class, prop->name, class, prop->name, prop->relationship->target->name);
    return bind_error(L, MR_ERR_ARGUMENT,
                      "%s.%s is a relationship: it is compared with several objects by "
                      "where(\"%s%s in $list%s\", { list = objects })",
                      class, prop->name, not, prop->name, *not ? ")" : "");
}

/* A name that is no method, User.posts.title: criteria over a class that is reached by a relationship are written
 * otherwise. */
static int missing(lua_State *L) {
    const bind_relationship *r = self(L, "a relationship");
    if (lua_isinteger(L, 2)) return 0;
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "a relationship", "a name");
    const char *name = lua_tostring(L, 2), *class = r->prop->mapper->name, *key = r->prop->name;
    const mr_mapper *target = r->of_type ? r->of_type : r->prop->relationship->target;
    if (strcmp(name, "in_") == 0 || strcmp(name, "not_in") == 0) return refuse_in(L, r->prop, name);
    if (!mr_mapper_property(target, name, true)) return 0;
    const char *word = is_collection(r->prop->relationship) ? "any" : "has";
    return bind_error(
        L, MR_ERR_ARGUMENT,
        "%s.%s is a relationship: its %s is an attribute of %s. Write %s.%s:%s{ %s = ... }, or join(%s.%s) and "
        "%s.%s",
        class, key, name, target->name, class, key, word, name, class, key, target->name, name);
}

/* The relationship's own name; where the class that it leads to has a `name` as well, that was meant. */
static int get_name(lua_State *L) {
    lua_settop(L, 1);
    lua_pushliteral(L, "name");
    return missing(L) ? 1 : get_key(L);
}

static int relationship_tostring(lua_State *L) {
    const bind_relationship *r = bind_arg(L, 1, BIND_RELATIONSHIP, "tostring");
    lua_pushfstring(L, "%s.%s", r->prop->mapper->name, r->prop->name);
    return 1;
}

void bind_open_relationship_attribute(lua_State *L) {
    static const luaL_Reg methods[] = {{"any", r_any},       {"has", r_has},         {"contains", r_contains},
                                       {"eq", r_eq},         {"ne", r_ne},           {"is_", r_is},
                                       {"is_not", r_is_not}, {"of_type", r_of_type}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"key", get_key}, {"name", get_name}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__gc", bind_relationship_gc}, {"__tostring", relationship_tostring}, {BIND_MISSING, missing}, {NULL, NULL}};
    bind_type(L, BIND_RELATIONSHIP, "Relationship", methods, getters, metamethods);
    lua_pushcfunction(L, f_with_parent);
    lua_setfield(L, -2, "with_parent");
    lua_pushcfunction(L, core_related_count);
    lua_setfield(L, -2, "related_count");
}
