/*
 * collection_class.c: the option collection_class: what kind of collection a relationship has; and what the Lua part,
 * which makes sets and dicts, asks of a collection.
 *
 * Invariant: what a collection_class says is checked by the function that makes it. Attributes that it names are looked
 * for when the mappings are configured.
 */
#include <string.h>

#include "class.h"
#include "value/proxy.h"
#include "value/row.h"

#define BIND_COLLECTION_CLASS "moonrow.CollectionClass"

static const char info_key = 0; /* registry: a table: light userdata of a property to what core.collection_info tells */

/* ---------------------------------------------------------------- the option */

/* core.collection_class{ kind = "set" or "keyed" or "list", attribute =, column =, fn =, position =, count_from =,
 * step =, ordering_func = } */
static int core_collection_class(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_newuserdatauv(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    bind_set_type(L, BIND_COLLECTION_CLASS);
    return 1;
}

static const char *string_field(lua_State *L, int table, const char *name) {
    lua_getfield(L, table, name);
    const char *s = lua_isnil(L, -1) ? NULL : bind_intern(L, -1);
    lua_pop(L, 1);
    return s;
}

static int64_t int_field(lua_State *L, int table, const char *name) {
    lua_getfield(L, table, name);
    int64_t n = (int64_t)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return n;
}

typedef struct same_key_args {
    const bind_ref *spec;
    mr_entity *holder;
    const mr_relationship *rel;
    mr_entity *item, **same;
} same_key_args;

/* Calls the function of mr.keyed, at index 3, with the object on top, and replaces that by its key. */
static void call_key_function(lua_State *L) {
    lua_pushvalue(L, 3);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
}

static int same_key_body(lua_State *L) {
    same_key_args *a = lua_touserdata(L, 1);
    luaL_checkstack(L, 10, "the key of an object");
    bind_ref_push(L, a->spec);
    lua_getfield(L, 2, "fn");
    bind_push_entity(L, a->item);
    call_key_function(L);
    int key = lua_gettop(L);
    if (lua_isnil(L, key)) {
        bind_push_entity(L, a->item);
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s: the function of mr.keyed gives no key for %s", a->holder->mapper->name,
                   a->rel->prop->name, luaL_tolstring(L, -1, NULL));
    }
    /* The function may change the collection: it is looked up again for each item. */
    for (uint32_t i = 0;; i++) {
        const mr_value *v = mr_entity_slot(a->holder, a->rel->prop->slot);
        const mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
        if (!c || !c->loaded || i >= c->n) return 0;
        mr_entity *other = c->items[i];
        if (other == a->item) continue;
        bind_push_entity(L, other);
        call_key_function(L);
        bool same = lua_compare(L, -1, key, LUA_OPEQ);
        lua_settop(L, key);
        if (!same) continue;
        *a->same = other;
        return 0;
    }
}

static mr_status same_key(mr_env *env, void *ud, mr_entity *holder, const mr_relationship *rel, mr_entity *item,
                          mr_entity **same) {
    same_key_args args = {ud, holder, rel, item, same};
    *same = NULL;
    return bind_callback(env, same_key_body, &args);
}

/* The table at index spec says what the collection is. */
static void read_spec(lua_State *L, int spec, mr_relationship *rel) {
    lua_getfield(L, spec, "kind");
    const char *kind = lua_tostring(L, -1);
    if (strcmp(kind, "set") == 0) rel->collection = MR_COLLECTION_SET;
    if (strcmp(kind, "keyed") == 0) rel->collection = MR_COLLECTION_DICT;
    lua_pop(L, 1);
    rel->collection_key = string_field(L, spec, "attribute");
    rel->position = string_field(L, spec, "position");
    rel->count_from = int_field(L, spec, "count_from");
    rel->step = int_field(L, spec, "step");
    bind_read_ordering_function(L, spec, rel);
    if (lua_getfield(L, spec, "fn") != LUA_TNIL) {
        rel->same_key = same_key;
        rel->same_key_ud = bind_ref_forever(L, spec);
    }
    lua_pop(L, 1);
}

void bind_key_by_member(lua_State *L, int spec, mr_relationship *rel, const mr_mapper *target) {
    if (mr_mapper_property(target, rel->collection_key, true)) return;
    bind_push_class(L, target);
    if (lua_isnil(L, -1) || bind_class_member(L, -1, rel->collection_key) == LUA_TNIL) return; /* a mistake */
    lua_createtable(L, 0, 1);
    lua_getfield(L, spec, "reader");
    lua_setfield(L, -2, "fn");
    rel->same_key = same_key;
    rel->same_key_ud = bind_ref_forever(L, lua_gettop(L));
    rel->collection_key = NULL;
}

void bind_read_collection_class(lua_State *L, int opts, const char *what, mr_relationship *rel) {
    static const char *const known =
        "\"list\", mr.set, mr.attribute_keyed \"name\", mr.column_keyed(Class.name), mr.keyed(fn) or "
        "mr.ordering_list \"position\"";
    int type = bind_option(L, opts, "collection_class");
    rel->collection_given = type != LUA_TNIL;
    if (bind_test(L, -1, BIND_COLLECTION_CLASS)) {
        lua_getiuservalue(L, -1, 1);
        read_spec(L, lua_gettop(L), rel);
        lua_pop(L, 1);
    } else if (type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "set") == 0) {
        rel->collection = MR_COLLECTION_SET;
    } else if (type != LUA_TNIL && !(type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "list") == 0)) {
        bind_error(L, MR_ERR_ARGUMENT, "%s: collection_class is %s, not %s", what, known, bind_describe(L, -1));
    }
    lua_pop(L, 1);
}

/* ---------------------------------------------------------------- for the Lua part */

/* collection_at(collection, i): its i-th object, or nil. */
static int core_at(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    lua_Integer i = luaL_checkinteger(L, 2);
    const mr_collection *c = bind_collection_items(L, 1, &parent, &prop);
    uint32_t n = 0;
    mr_entity *const *items = c ? mr_collection_shown(c, &n) : NULL;
    if (i >= 1 && i <= (lua_Integer)n) bind_push_entity(L, items[i - 1]);
    else lua_pushnil(L);
    return 1;
}

/* collection_find(collection, object): its position, or nil. */
static int core_find(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    mr_collection *c = bind_collection_items(L, 1, &parent, &prop);
    const mr_entity *item = bind_test_entity(L, 2);
    uint32_t at = c && item ? mr_collection_find_shown(c, item) : UINT32_MAX;
    if (at == UINT32_MAX) lua_pushnil(L);
    else lua_pushinteger(L, (lua_Integer)at + 1);
    return 1;
}

/* collection_state(collection): how many objects it has, a number that is another one whenever it has changed, and the
 * object that has it. */
static int core_state(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    const mr_collection *c = bind_collection_items(L, 1, &parent, &prop);
    uint32_t n = 0;
    if (c) mr_collection_shown(c, &n);
    lua_pushinteger(L, n);
    lua_pushinteger(L, c ? c->version : 0);
    lua_getiuservalue(L, 1, 1);
    return 3;
}

/* collection_remove_at(collection, i), collection_replace_at(collection, i, object) */
static int core_remove_at(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    uint32_t at = (uint32_t)luaL_checkinteger(L, 2) - 1;
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_remove_at(parent, prop, at));
    return 0;
}

static int core_replace_at(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    uint32_t at = (uint32_t)luaL_checkinteger(L, 2) - 1;
    mr_entity *item = bind_arg_entity(L, 3, "collection");
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_replace_at(parent, prop, at, item));
    return 0;
}

/* collection_item(collection, value): returns value, which must be an object that the collection can hold; raises. */
static int core_item(lua_State *L) {
    const mr_property *prop;
    const mr_entity *parent = bind_collection_parent(L, 1, &prop);
    lua_settop(L, 2);
    const mr_entity *item = bind_test_entity(L, 2);
    if (item && mr_mapper_isa(item->mapper, prop->relationship->target)) return 1;
    lua_pushfstring(L, "%s.%s", parent->mapper->name, prop->name);
    bind_refuse_related(L, 2, prop, lua_tostring(L, -1));
    return 0;
}

/* collection_find_key(collection, key): the position of the last object whose attribute, a column, is the string or
 * integer; nil: there is none; false: only reading the attributes can tell. */
static int core_find_key(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    const mr_collection *c = bind_collection_items(L, 1, &parent, &prop);
    const mr_property *key = prop->relationship->key_prop;
    size_t len = 0;
    bool text = lua_type(L, 2) == LUA_TSTRING, known = key && (text || lua_isinteger(L, 2));
    const char *s = text ? lua_tolstring(L, 2, &len) : NULL;
    lua_Integer n = text ? 0 : lua_tointeger(L, 2);
    uint32_t count = 0;
    mr_entity *const *items = c ? mr_collection_shown(c, &count) : NULL;
    for (uint32_t i = known ? count : 0; i > 0 && known; i--) {
        const mr_value *v = mr_entity_slot(items[i - 1], key->slot);
        bool same = text ? v->kind == MR_TEXT && v->len == len && memcmp(v->u.s, s, len) == 0
                         : v->kind == MR_INT && v->u.i == (int64_t)n;
        known = same || v->kind == MR_NULL || v->kind == (text ? MR_TEXT : MR_INT);
        if (!same) continue;
        lua_pushinteger(L, (lua_Integer)i);
        return 1;
    }
    if (known) lua_pushnil(L);
    else lua_pushboolean(L, 0);
    return 1;
}

static void set_string(lua_State *L, const char *field, const char *value) {
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

static void push_new_info(lua_State *L, const mr_entity *parent, const mr_property *prop) {
    static const char *const kinds[] = {"list", "set", "keyed"}; /* by mr_collection_kind */
    bool queried = mr_relationship_is_queried(prop->relationship);
    const mr_relationship *rel = prop->relationship;
    lua_newtable(L);
    lua_pushfstring(L, "%s.%s", prop->mapper->name, prop->name);
    lua_setfield(L, -2, "name");
    set_string(L, "attribute", prop->name);
    set_string(L, "target", rel->target->name);
    set_string(L, "kind", queried ? mr_strategy_of(rel->lazy)->word : kinds[rel->collection]);
    if (rel->key_prop) {
        set_string(L, "key", rel->key_prop->name);
        lua_pushboolean(L, rel->key_prop->kind == MR_PROPERTY_COLUMN);
        lua_setfield(L, -2, "key_is_column");
        if (rel->key_prop->column)
            set_string(L, "key_type", mr_column_type(parent->mapper->env, rel->key_prop->column)->rules->name);
    } else if (rel->same_key) {
        bind_ref_push(L, rel->same_key_ud);
        lua_getfield(L, -1, "fn");
        lua_setfield(L, -3, "fn");
        lua_pop(L, 1);
    }
}

/* collection_info(collection): { name = "User.notes", attribute = "notes", target = "Note", kind = "list", key =,
 * key_is_column =, key_type =, fn = }; the same table each time. */
static int core_info(lua_State *L) {
    const mr_property *prop;
    const mr_entity *parent = bind_collection_parent(L, 1, &prop);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &info_key);
    if (lua_rawgetp(L, -1, prop) != LUA_TNIL) return 1;
    lua_pop(L, 1);
    push_new_info(L, parent, prop);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, -3, prop);
    return 1;
}

static int core_is_collection(lua_State *L) {
    lua_pushboolean(L, bind_is_collection(L, 1));
    return 1;
}

static int core_as_list(lua_State *L) {
    bind_push_as_list(L, 1);
    return 1;
}

static int core_is_object(lua_State *L) {
    lua_pushboolean(L, bind_test_entity(L, 1) != NULL);
    return 1;
}

/* new_list(): an empty list of results. */
static int core_new_list(lua_State *L) {
    bind_new_list(L, 0);
    return 1;
}

void bind_open_collection_class(lua_State *L) {
    static const luaL_Reg functions[] = {{"collection_class", core_collection_class},
                                         {"collection_at", core_at},
                                         {"collection_find", core_find},
                                         {"collection_find_key", core_find_key},
                                         {"collection_state", core_state},
                                         {"collection_remove_at", core_remove_at},
                                         {"collection_replace_at", core_replace_at},
                                         {"collection_item", core_item},
                                         {"collection_info", core_info},
                                         {"collection_as_list", core_as_list},
                                         {"is_collection", core_is_collection},
                                         {"is_object", core_is_object},
                                         {"new_list", core_new_list},
                                         {NULL, NULL}};
    luaL_newmetatable(L, BIND_COLLECTION_CLASS);
    lua_pushliteral(L, "collection class");
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "collection_class_metatable");
    lua_pushliteral(L, "moonrow collection class");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &info_key);
    luaL_setfuncs(L, functions, 0);
}
