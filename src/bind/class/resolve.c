/*
 * resolve.c: a relationship's options that name other classes, tables and columns: from names and functions into
 * what they stand for.
 *
 * Invariant: the options are resolved when the mappings are configured, not when they are written, so the order in
 * which classes are declared does not matter.
 */
#include <string.h>

#include "class.h"
#include "value/node.h"
#include "value/schema.h"

/* Pushes "Post.category", or "Post.category: option", for a message. */
static const char *push_place(lua_State *L, const mr_relationship *rel, const char *option) {
    const char *class_name = rel->prop->mapper->name, *attribute = rel->prop->name;
    if (option) return lua_pushfstring(L, "%s.%s: %s", class_name, attribute, option);
    return lua_pushfstring(L, "%s.%s", class_name, attribute);
}

/* Pushes the option's value. A function gives the value by its result. Returns the value's Lua type. */
static int push_option(lua_State *L, int opts, const char *option) {
    if (bind_option(L, opts, option) == LUA_TFUNCTION) lua_call(L, 0, 1);
    return lua_type(L, -1);
}

/* Pushes the list of the option's values; a value that is no list is a list of one. Returns how many there are. */
static lua_Integer push_option_list(lua_State *L, int opts, const char *option) {
    if (push_option(L, opts, option) == LUA_TNIL) return 0;
    if (!bind_is_plain_table(L, -1)) {
        lua_createtable(L, 1, 0);
        lua_insert(L, -2);
        lua_rawseti(L, -2, 1);
    }
    return (lua_Integer)lua_rawlen(L, -1);
}

/* The class with the name; raises where there is none. */
static mr_mapper *find_class(lua_State *L, const mr_relationship *rel, const char *name) {
    mr_registry *registry = rel->prop->mapper->registry;
    mr_mapper *mapper = mr_registry_find(registry, name);
    if (mapper) return mapper;
    const char *near = mr_registry_nearest(registry, name);
    bind_error(L, MR_ERR_MAPPING, "%s: there is no class named '%s'%s", push_place(L, rel, NULL), name,
               near ? bind_hint(L, near) : ": declare it before the mappings are first used");
    return NULL;
}

static const char *class_name_of(lua_State *L, const char *text, const char *dot) {
    return lua_pushlstring(L, text, (size_t)(dot - text));
}

/* Raises: the class has no column attribute of the name, which may be an order as SQL writes it. */
static void refuse_column(lua_State *L, const mr_relationship *rel, const char *option, const mr_mapper *mapper,
                          const char *name) {
    const char *place = push_place(L, rel, option), *space = strchr(name, ' ');
    const char *word = space ? lua_pushlstring(L, name, (size_t)(space - name)) : name;
    if (space && mr_mapper_property(mapper, word, true))
        bind_error(L, MR_ERR_MAPPING, "%s: '%s.%s' is not a mapped column: write function() return %s.%s:%s() end",
                   place, mapper->name, name, mapper->name, word,
                   strstr(space, "esc") || strstr(space, "ESC") ? "desc" : "asc");
    const char *near = mr_mapper_nearest(mapper, name);
    if (near) near = lua_pushfstring(L, "%s.%s", mapper->name, near);
    bind_error(L, MR_ERR_MAPPING, "%s: '%s.%s' is not a mapped column%s", place, mapper->name, name,
               bind_hint(L, near));
}

/* The column that the text "Class.attr" on top of the stack names; raises where it names none. */
static mr_column *column_by_name(lua_State *L, const mr_relationship *rel, const char *option, const char *dot) {
    const char *text = lua_tostring(L, -1);
    const char *class_name = lua_pushlstring(L, text, (size_t)(dot - text));
    const mr_property *prop = mr_mapper_property(find_class(L, rel, class_name), dot + 1, true);
    lua_pop(L, 1);
    if (!prop || !prop->column) refuse_column(L, rel, option, find_class(L, rel, class_name_of(L, text, dot)), dot + 1);
    return prop->column;
}

/* The column that the value on top of the stack names: a Column, an attribute, "Class.attr". */
static mr_column *to_column(lua_State *L, const mr_relationship *rel, const char *option) {
    mr_column *column = bind_test_column(L, -1);
    if (column) return column;
    const mr_node *node = bind_test_node(L, -1);
    if (node && node->kind == MR_NODE_COLUMN) return (mr_column *)(uintptr_t)node->u.column;
    const char *dot = lua_type(L, -1) == LUA_TSTRING ? strchr(lua_tostring(L, -1), '.') : NULL;
    if (dot) return column_by_name(L, rel, option, dot);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    const mr_mapper *target = rel->target;
    if (!target && rel->target_name) target = mr_registry_find(rel->prop->mapper->registry, rel->target_name);
    const mr_mapper *sides[] = {target, rel->prop->mapper};
    for (size_t i = 0; name && i < 2; i++)
        if (sides[i] && mr_mapper_property(sides[i], name, true))
            bind_error(L, MR_ERR_MAPPING,
                       "%s: expected a column, an attribute, or \"Class.attr\", got string \"%s\" (write "
                       "\"%s.%s\")",
                       push_place(L, rel, option), name, sides[i]->name, name);
    bind_type_error(L, -2, push_place(L, rel, option), "a column, an attribute, or \"Class.attr\"");
    return NULL;
}

static void resolve_columns(lua_State *L, int opts, const char *option, const mr_relationship *rel, mr_vec *out) {
    lua_Integer n = push_option_list(L, opts, option);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        if (mr_vec_push_ptr(out, to_column(L, rel, option)) != MR_OK) bind_raise(L);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* Raises: the value on top of the stack is no condition. */
static void refuse_condition(lua_State *L, const mr_relationship *rel, const char *option) {
    const char *cure = "";
    if (lua_type(L, -1) == LUA_TSTRING) cure = " (no text: function() return User.id:eq(Post.user_id) end)";
    else if (lua_isboolean(L, -1)) cure = " (== and ~= compare Lua values: write User.id:eq(Post.user_id))";
    bind_error(L, MR_ERR_MAPPING, "%s: expected an expression, or a function that returns one, got %s%s",
               push_place(L, rel, option), bind_describe(L, -2), cure);
}

static mr_node *resolve_expression(lua_State *L, int opts, const char *option, const mr_relationship *rel) {
    mr_node *node = NULL;
    if (push_option(L, opts, option) != LUA_TNIL) {
        node = bind_test_node(L, -1);
        if (!node) refuse_condition(L, rel, option);
    }
    lua_pop(L, 1);
    return mr_node_retain(node);
}

static mr_node *order_item(lua_State *L, const mr_relationship *rel) {
    mr_node *node = bind_test_node(L, -1);
    if (node) return mr_node_retain(node);
    return mr_sql_column(bind_of(L)->env, to_column(L, rel, "order_by"), NULL, NULL);
}

/* The list belongs to rel from its first item on: an item that is refused leaks nothing. */
static void resolve_order(lua_State *L, int opts, mr_relationship *rel) {
    mr_node_release(rel->order_by);
    rel->order_by = NULL;
    lua_Integer n = push_option_list(L, opts, "order_by");
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, -1, i);
        rel->order_by = mr_sql_list_append(bind_of(L)->env, rel->order_by, order_item(L, rel));
        if (!rel->order_by) bind_raise(L);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

/* The column of mr.column_keyed, whose table is at index spec: the key is the attribute that maps it. */
static void resolve_key_column(lua_State *L, int spec, mr_relationship *rel, const mr_mapper *target) {
    push_option(L, spec, "column");
    const mr_column *column = to_column(L, rel, "column_keyed");
    const mr_property *prop = target ? mr_mapper_property_of_column(target, column) : NULL;
    if (target && !prop)
        bind_error(L, MR_ERR_MAPPING, "%s: column_keyed names %s, which is no column of %s", push_place(L, rel, NULL),
                   column->name, target->name);
    if (prop) rel->collection_key = prop->name;
}

/* The key of a dict, which is an attribute of the other class. */
static void resolve_key(lua_State *L, int opts, mr_relationship *rel) {
    if (rel->collection != MR_COLLECTION_DICT || rel->same_key) return;
    const mr_mapper *target = rel->target;
    if (!target && rel->target_name) target = mr_registry_find(rel->prop->mapper->registry, rel->target_name);
    bind_option(L, opts, "collection_class");
    lua_getiuservalue(L, -1, 1);
    int spec = lua_gettop(L);
    if (!rel->collection_key) resolve_key_column(L, spec, rel, target);
    else if (target) bind_key_by_member(L, spec, rel, target);
    lua_settop(L, spec - 2);
}

static mr_table *resolve_secondary(lua_State *L, int opts, const mr_relationship *rel) {
    mr_table *table = NULL;
    int type = push_option(L, opts, "secondary");
    if (type == LUA_TSTRING) {
        const char *name = lua_tostring(L, -1);
        table = mr_metadata_table(rel->prop->mapper->registry->metadata, name);
        if (!table)
            bind_error(L, MR_ERR_MAPPING,
                       "%s: there is no table named '%s' (a table of links is mr.Table, declared before)",
                       push_place(L, rel, "secondary"), name);
    } else if (type != LUA_TNIL) {
        table = bind_test_table(L, -1);
        if (!table) bind_type_error(L, -2, push_place(L, rel, "secondary"), "a Table or its name");
    }
    lua_pop(L, 1);
    return table;
}

/* The class that the relationship refers to. The core looks up one that the declaration names by text. */
static mr_mapper *resolve_target(lua_State *L, int opts, const mr_relationship *rel) {
    mr_mapper *mapper = NULL;
    if (lua_rawgeti(L, opts, 1) == LUA_TFUNCTION) lua_call(L, 0, 1);
    if (lua_type(L, -1) == LUA_TSTRING) {
        if (!rel->target_name) mapper = find_class(L, rel, lua_tostring(L, -1));
    } else if (!lua_isnil(L, -1)) {
        mapper = bind_test_class(L, -1);
        if (!mapper) bind_type_error(L, -2, push_place(L, rel, NULL), "a mapped class as target");
    }
    lua_pop(L, 1);
    return mapper;
}

typedef struct resolution {
    mr_relationship *rel;
    const bind_ref *options;
} resolution;

static int resolve_body(lua_State *L) {
    const resolution *r = lua_touserdata(L, 1);
    mr_relationship *rel = r->rel;
    luaL_checkstack(L, 20, "resolving a relationship");
    bind_ref_push(L, r->options);
    int opts = lua_gettop(L);
    if (!rel->target) rel->target = resolve_target(L, opts, rel); /* a backref has its target already */
    rel->secondary = resolve_secondary(L, opts, rel);
    rel->primaryjoin = resolve_expression(L, opts, "primaryjoin", rel);
    rel->secondaryjoin = resolve_expression(L, opts, "secondaryjoin", rel);
    resolve_columns(L, opts, "foreign_keys", rel, &rel->foreign_keys);
    resolve_columns(L, opts, "remote_side", rel, &rel->remote_side);
    resolve_order(L, opts, rel);
    resolve_key(L, opts, rel);
    return 0;
}

static mr_status resolve(mr_env *env, void *ud, mr_relationship *rel) {
    resolution r = {rel, ud};
    return bind_callback_mistake(env, resolve_body, &r);
}

void bind_resolve_later(lua_State *L, int options, mr_relationship *rel) {
    rel->resolve = resolve;
    rel->resolve_ud = bind_ref_forever(L, options);
}
