/*
 * describe.c: core.describe_class(class): what a class has, for tools that write about it.
 *
 * Invariant: what is told is what the mapping is, with the backrefs that other classes have made; nothing is changed.
 */
#include "class.h"
#include "value/schema.h"

static void set_string(lua_State *L, const char *field, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

static void set_bool(lua_State *L, const char *field, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, field);
}

static void describe_column(lua_State *L, const mr_property *prop) {
    const mr_type *type = mr_column_type(bind_of(L)->env, prop->column);
    set_string(L, "kind", "column");
    /* Nobody knows what functions of the program give. */
    set_string(L, "type", type->decorator ? "any" : type->rules->name);
    set_bool(L, "key", prop->is_primary_key);
    set_bool(L, "nullable", prop->column->nullable && !prop->is_primary_key);
    if (!type->choices || type->decorator) return;
    lua_newtable(L);
    for (lua_Integer i = 0; type->choices[i]; i++) {
        lua_pushstring(L, type->choices[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "choices");
}

/* Must the object that the relationship refers to be there: is it one, whose foreign key cannot be NULL? */
static bool is_required(const mr_relationship *rel) {
    if (rel->direction != MR_MANY_TO_ONE || rel->npairs == 0) return false;
    for (unsigned i = 0; i < rel->npairs; i++)
        if (rel->pairs[i].local->nullable) return false;
    return true;
}

static bool is_list(const mr_relationship *rel) {
    return rel->uselist < 0 ? rel->direction != MR_MANY_TO_ONE : rel->uselist > 0;
}

static void describe_relationship(lua_State *L, const mr_relationship *rel) {
    static const char *const kinds[] = {"list", "set", "keyed"}; /* by mr_collection_kind */
    set_string(L, "kind", "relationship");
    set_string(L, "target", rel->target->name);
    set_bool(L, "many", is_list(rel));
    set_string(L, "collection", kinds[rel->collection]);
    set_bool(L, "nullable", !is_required(rel));
}

static void push_attributes(lua_State *L, const mr_mapper *mapper) {
    lua_Integer n = 0;
    lua_newtable(L);
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if (prop->kind != MR_PROPERTY_COLUMN && prop->kind != MR_PROPERTY_RELATIONSHIP) continue;
        lua_newtable(L);
        set_string(L, "name", prop->name);
        if (prop->kind == MR_PROPERTY_COLUMN) describe_column(L, prop);
        else describe_relationship(L, prop->relationship);
        lua_rawseti(L, -2, ++n);
    }
}

/* Adds to the table on top what the class at the index, and those that it extends, have besides attributes: a function
 * or constant as it is, a field as true in the table below. */
static void add_members(lua_State *L, int class_idx) {
    int fields = lua_gettop(L) - 1, members = fields + 1;
    lua_pushvalue(L, class_idx);
    while (bind_class_at(L, -1)) {
        int at = lua_gettop(L);
        lua_getiuservalue(L, at, CLASS_MEMBERS);
        for (lua_pushnil(L); lua_next(L, at + 1); lua_settop(L, at + 2)) {
            lua_pushvalue(L, at + 2);
            if (lua_rawget(L, members) != LUA_TNIL) continue; /* a nearer class has it */
            lua_pushvalue(L, at + 2);
            if (lua_rawget(L, fields) != LUA_TNIL) continue;
            bool field = bind_test(L, at + 3, BIND_FIELD) != NULL;
            lua_pushvalue(L, at + 2);
            if (field) lua_pushboolean(L, 1);
            else lua_pushvalue(L, at + 3);
            lua_rawset(L, field ? fields : members);
        }
        lua_getiuservalue(L, at, CLASS_BASE);
        lua_replace(L, at);
        lua_settop(L, at);
    }
    lua_pop(L, 1);
}

/* { name =, attributes = { { name =, kind = "column", type =, key =, nullable =, choices = }, or { name =, kind =
 * "relationship", target =, many =, collection =, nullable = }, ... }, fields = { name = true }, members = { name =
 * value } } */
static int describe_class(lua_State *L) {
    mr_mapper *mapper = bind_arg_class(L, 1, "describe_class");
    bind_state *b = bind_of(L);
    lua_settop(L, 1);
    BIND_TRY(b, L, mr_registry_configure(mapper->registry));
    lua_newtable(L);
    set_string(L, "name", mapper->name);
    push_attributes(L, mapper);
    lua_setfield(L, -2, "attributes");
    lua_newtable(L);
    lua_newtable(L);
    add_members(L, 1);
    lua_setfield(L, 2, "members");
    lua_setfield(L, 2, "fields");
    return 1;
}

/* core.row_number(class): the attribute that is the number which the database gives each row, if that is the key; nil:
 * the class has another key. */
static int row_number(lua_State *L) {
    const mr_mapper *mapper = bind_arg_class(L, 1, "row_number");
    const mr_table *table = mapper->table;
    if (!table || table->nprimary != 1 || !table->primary[0]->system) return 0;
    const mr_property *prop = mr_mapper_property_of_column(mapper, table->primary[0]);
    if (!prop) return 0;
    lua_pushstring(L, prop->name);
    return 1;
}

void bind_open_describe(lua_State *L) {
    lua_pushcfunction(L, row_number);
    lua_setfield(L, -2, "row_number");
    lua_pushcfunction(L, describe_class);
    lua_setfield(L, -2, "describe_class");
}
