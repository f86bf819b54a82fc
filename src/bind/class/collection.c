/*
 * collection.c: a relationship's collection as a Lua list: a view of {parent, attribute} that holds no items itself.
 * Sets and dicts are the same view with other metatables, which the Lua part fills.
 *
 * Invariant: every change goes through session/attribute, so backrefs, cascades and history follow; the view keeps its
 * parent's proxy, so a collection in use keeps its items alive.
 */
#include <limits.h>

#include "class.h"
#include "value/proxy.h"

typedef struct bind_view {
    const void *magic; /* tells it from other userdata: the address of a static of this file */
    const bind_state *b;
    const mr_property *prop; /* the parent is user value 1 */
} bind_view;

static const char view_magic = 0;

enum { VIEW_DYNAMIC = MR_COLLECTION_DICT + 1, VIEW_WRITE_ONLY }; /* further places of bind_state.views */

static void push_view(lua_State *L, mr_entity *parent, const mr_property *prop, int kind) {
    const bind_state *b = bind_of_entity(parent);
    bind_view *v = lua_newuserdatauv(L, sizeof *v, 1);
    *v = (bind_view){&view_magic, b, prop};
    bind_push_entity(L, parent);
    lua_setiuservalue(L, -2, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, b->views[kind]);
    lua_setmetatable(L, -2);
}

void bind_push_collection(lua_State *L, mr_entity *parent, const mr_property *prop) {
    const mr_relationship *rel = prop->relationship;
    push_view(L, parent, prop,
              !mr_relationship_is_queried(rel)    ? (int)rel->collection
              : rel->queried == MR_QUERIED_UNREAD ? VIEW_WRITE_ONLY
                                                  : VIEW_DYNAMIC);
}

/* The value at idx is no collection: most likely a method was called with a dot. */
static void refuse_view(lua_State *L, int idx) {
    lua_Debug ar;
    const char *name = lua_getstack(L, 0, &ar) && lua_getinfo(L, "n", &ar) && ar.name ? ar.name : "append";
    bind_error(L, MR_ERR_ARGUMENT,
               "%s: expected a collection, got %s (methods are called with a colon: object.items:%s(...))", name,
               bind_describe(L, idx), name);
}

mr_entity *bind_collection_parent(lua_State *L, int idx, const mr_property **prop) {
    const bind_view *v = lua_touserdata(L, idx);
    bool known = v && lua_rawlen(L, idx) == sizeof *v && v->magic == &view_magic && !v->b->closed;
    if (!known && !bind_is_collection(L, idx)) refuse_view(L, idx);
    *prop = v->prop;
    lua_getiuservalue(L, idx, 1);
    const bind_proxy *p = lua_touserdata(L, -1);
    lua_pop(L, 1);
    mr_entity *parent = known ? mr_heap_look(v->b->heap, p->slot, p->generation) : NULL;
    return parent ? parent : bind_proxy_entity(L, p);
}

/* The parent's collection, which is loaded first. NULL: it is empty, and the core has made no collection for it yet. */
static mr_collection *load(lua_State *L, mr_entity *parent, const mr_property *prop) {
    bind_state *b = bind_of_entity(parent);
    const mr_value *v = b->stress ? NULL : mr_attribute_loaded_relation(parent, prop);
    if (!v) BIND_TRY(b, L, mr_attribute_get(parent, prop, &v));
    return v->kind == MR_COLLECTION ? v->u.p : NULL;
}

mr_collection *bind_collection_items(lua_State *L, int idx, mr_entity **parent, const mr_property **prop) {
    *parent = bind_collection_parent(L, idx, prop);
    return load(L, *parent, *prop);
}

static mr_collection *self_items(lua_State *L, mr_entity **parent, const mr_property **prop) {
    return bind_collection_items(L, 1, parent, prop);
}

void bind_push_as_list(lua_State *L, int idx) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, idx, &prop);
    push_view(L, parent, prop, MR_COLLECTION_LIST);
}

static uint32_t count(const mr_collection *c) {
    uint32_t n = 0;
    if (c) mr_collection_shown(c, &n);
    return n;
}

static const char *view_name(lua_State *L, mr_entity *parent, const mr_property *prop) {
    return lua_pushfstring(L, "%s.%s", parent->mapper->name, prop->name);
}

/* The object at idx, which must be one that the relationship can refer to; raises. (The name is made for the message
 * alone: it costs time.) */
static mr_entity *item_arg(lua_State *L, int idx, mr_entity *parent, const mr_property *prop) {
    mr_entity *item = bind_test_entity(L, idx);
    return item ? item : bind_related_entity(L, idx, prop, view_name(L, parent, prop));
}

/* ---------------------------------------------------------------- changes */

static void insert(lua_State *L, mr_entity *parent, const mr_property *prop, uint32_t at, int idx) {
    mr_entity *item = item_arg(L, idx, parent, prop);
    bind_state *b = bind_of(L);
    mr_status st;
    BIND_CALL(b, L, st = mr_attribute_insert(parent, prop, at, item));
    bind_check(L, st);
}

static void remove_at(lua_State *L, mr_entity *parent, const mr_property *prop, uint32_t at) {
    bind_state *b = bind_of(L);
    mr_status st;
    BIND_CALL(b, L, st = mr_attribute_remove_at(parent, prop, at));
    bind_check(L, st);
}

static void replace_at(lua_State *L, mr_entity *parent, const mr_property *prop, uint32_t at, mr_entity *item) {
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_replace_at(parent, prop, at, item));
}

/* append(item). The collection is loaded already: reading object.items did that. */
static int view_append(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    bind_refuse_more(L, 1, "append", " (several objects: extend{ ... })");
    lua_settop(L, 2);
    insert(L, parent, prop, UINT32_MAX, 2);
    return 0;
}

static int view_remove(lua_State *L) {
    const mr_property *prop;
    bind_refuse_more(L, 1, "remove", " (one object at a time)");
    lua_settop(L, 2);
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    if (lua_type(L, 2) == LUA_TNUMBER)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: remove takes the item; of a position, table.remove(list, %s)",
                          view_name(L, parent, prop), luaL_tolstring(L, 2, NULL));
    mr_entity *item = item_arg(L, 2, parent, prop);
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_remove(parent, prop, item));
    return 0;
}

static int view_insert(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    bind_refuse_more(L, 2, "insert", "");
    lua_settop(L, 3);
    mr_collection *c = self_items(L, &parent, &prop);
    int is_int = 0;
    lua_Integer at = lua_type(L, 2) == LUA_TNUMBER ? lua_tointegerx(L, 2, &is_int) : 0;
    if (!is_int)
        return bind_type_error(L, 2, lua_pushfstring(L, "%s:insert", view_name(L, parent, prop)),
                               "a position (an integer)");
    if (at < 1 || at > (lua_Integer)count(c) + 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s:insert: position %d is outside of 1 to %d",
                          view_name(L, parent, prop), (int)at, (int)count(c) + 1);
    insert(L, parent, prop, (uint32_t)at - 1, 3);
    return 0;
}

static int view_clear(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    bind_refuse_more(L, 0, "clear", " (it empties the collection: one object is taken out by remove)");
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_set_items(parent, prop, NULL, 0));
    return 0;
}

/* Raises for a table at idx that has other keys than those of a list: what is there would be lost. */
static void refuse_other_keys(lua_State *L, int idx, mr_entity *parent, const mr_property *prop) {
    if (!bind_is_plain_table(L, idx)) return;
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= n) continue;
        const char *key = luaL_tolstring(L, -2, NULL);
        bind_error(L, MR_ERR_ARGUMENT, "%s:extend: [%s]: a collection takes a list without holes or other keys",
                   view_name(L, parent, prop), key);
    }
}

/* extend(list): every item is checked before the first is appended, all of them or none. The list is copied first: it
 * may be another collection, which loses each item as it is appended here. */
static int view_extend(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    bind_refuse_more(L, 1, "extend", " (all objects are in one list)");
    lua_settop(L, 2);
    if (!lua_istable(L, 2) && !bind_is_collection(L, 2))
        return bind_type_error(L, 2, lua_pushfstring(L, "%s:extend", view_name(L, parent, prop)), "a list of objects");
    if (!lua_istable(L, 2)) {
        bind_push_as_list(L, 2);
        lua_replace(L, 2);
    }
    refuse_other_keys(L, 2, parent, prop);
    lua_Integer n = luaL_len(L, 2);
    lua_createtable(L, n < INT_MAX ? (int)n : 0, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        item_arg(L, 4, parent, prop);
        lua_settop(L, 4);
        lua_rawseti(L, 3, i);
    }
    mr_entity **items = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *items, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 3, i);
        items[i - 1] = item_arg(L, 5, parent, prop);
        lua_settop(L, 4);
    }
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_append_items(parent, prop, items, (uint32_t)n));
    return 0;
}

/* reorder() of an ordering list: its items get their positions. */
static int view_reorder(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    bind_refuse_more(L, 0, "reorder", "");
    if (!prop->relationship->position)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: reorder numbers an ordering list: collection_class = mr.ordering_list \"position\"",
                          view_name(L, parent, prop));
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_attribute_renumber(parent, prop));
    return 0;
}

static int view_contains(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    mr_collection *c = self_items(L, &parent, &prop);
    mr_entity *item = bind_arg_entity(L, 2, "contains");
    bind_refuse_more(L, 1, "contains", "");
    lua_pushboolean(L, c && mr_collection_find_shown(c, item) != UINT32_MAX);
    return 1;
}

/* ---------------------------------------------------------------- list-like access */

static int view_len(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    lua_pushinteger(L, count(self_items(L, &parent, &prop)));
    return 1;
}

/* Upvalue 1: the methods. */
static int no_method(lua_State *L) {
    static const bind_cure known[] = {
        {"#list is its length", {"count", "length", "size", "len", "n", NULL}},
        {"list[1] is the first item, list[#list] the last", {"first", "last", "get", "at", "one", "all", NULL}},
        {"it is a list: for _, item in ipairs(list) do", {"iter", "each", "items", "ipairs", "pairs", "map", NULL}},
        {"a list is in memory; a query finds: session:query(Class):with_parent(object)",
         {"filter", "filter_by", "where", "find", "query", "order_by", "limit", "join", "options", "paginate", NULL}},
        {"it is list:append(item)", {"add", "push", "put", NULL}},
        {"it is list:remove(item), or table.remove(list, i)", {"pop", "delete", "discard", "shift", NULL}},
        {"it is table.sort(list, fn); the order of loading is order_by of the relationship", {"sort", "reverse", NULL}},
        {NULL, {NULL}},
    };
    const char *name = lua_tostring(L, 2), *cure = bind_cure_of(known, name);
    if (cure) return bind_error(L, MR_ERR_ARGUMENT, "a collection has no method '%s': %s", name, cure);
    const mr_property *prop;
    mr_entity *parent;
    (void)self_items(L, &parent, &prop);
    const mr_mapper *target = prop->relationship->target;
    if (mr_mapper_property(target, name, true))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "a collection has no method '%s': it is an attribute of %s, of which %s.%s is a list: "
                          "object.%s[1].%s",
                          name, target->name, prop->mapper->name, prop->name, prop->name, name);
    return bind_error(L, MR_ERR_ARGUMENT, "a collection has no method '%s'%s", name,
                      bind_hint(L, bind_nearest_key(L, lua_upvalueindex(1), name)));
}

static int view_index(lua_State *L) {
    if (lua_type(L, 2) == LUA_TSTRING) {
        lua_pushvalue(L, 2);
        return lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL ? 1 : no_method(L);
    }
    const mr_property *prop;
    mr_entity *parent;
    mr_collection *c = self_items(L, &parent, &prop);
    int is_int;
    lua_Integer i = lua_tointegerx(L, 2, &is_int);
    uint32_t n = 0;
    mr_entity *const *items = c ? mr_collection_shown(c, &n) : NULL;
    if (is_int && i >= 1 && i <= (lua_Integer)n) bind_push_entity(L, items[i - 1]);
    else lua_pushnil(L);
    return 1;
}

/* [i] = item replaces, [#c + 1] = item appends, [#c] = nil removes the last item. Any other assignment would leave a
 * hole, and is refused. */
static int view_newindex(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent;
    mr_collection *c = self_items(L, &parent, &prop);
    int is_int;
    lua_Integer i = lua_tointegerx(L, 2, &is_int), n = (lua_Integer)count(c);
    bool is_nil = lua_isnil(L, 3);
    if (is_nil && is_int && i == 0 && n == 0) return 0; /* table.remove of an empty list */
    if (!is_int || i < 1 || i > n + 1 || (is_nil && i < n))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s[%s]: a list of %d objects would get a hole; use :append, :insert or :remove",
                          view_name(L, parent, prop), luaL_tolstring(L, 2, NULL), (int)n);
    if (is_nil) {
        if (i == n) remove_at(L, parent, prop, (uint32_t)i - 1);
        return 0;
    }
    mr_entity *item = item_arg(L, 3, parent, prop);
    if (i <= n) replace_at(L, parent, prop, (uint32_t)i - 1, item);
    else insert(L, parent, prop, (uint32_t)i - 1, 3);
    return 0;
}

/* Iterates by position and copies nothing. The loop may append: an item is read when its turn comes. */
static int view_next(lua_State *L) {
    lua_Integer i = luaL_checkinteger(L, 2) + 1;
    lua_settop(L, 1);
    lua_pushinteger(L, i);
    lua_geti(L, 1, i);
    return lua_isnil(L, -1) ? 1 : 2;
}

static int view_pairs(lua_State *L) {
    lua_pushcfunction(L, view_next);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

static int view_tostring(lua_State *L) {
    luaL_Buffer buf;
    bind_arg(L, 1, BIND_COLLECTION, "tostring");
    lua_Integer n = luaL_len(L, 1);
    luaL_buffinit(L, &buf);
    luaL_addchar(&buf, '{');
    for (lua_Integer i = 1; i <= n; i++) {
        if (i > 1) luaL_addstring(&buf, ", ");
        lua_geti(L, 1, i);
        luaL_tolstring(L, -1, NULL);
        lua_remove(L, -2);
        luaL_addvalue(&buf);
    }
    luaL_addchar(&buf, '}');
    luaL_pushresult(&buf);
    return 1;
}

/* for x in object.items do */
static int view_call(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    return bind_error(L, MR_ERR_ARGUMENT, "%s cannot be called: a loop over it is for _, x in ipairs(object.%s) do",
                      view_name(L, parent, prop), prop->name);
}

static int view_eq(lua_State *L) {
    const bind_view *a = lua_touserdata(L, 1), *b = lua_touserdata(L, 2);
    bool equal = bind_is_collection(L, 1) && bind_is_collection(L, 2) && a->prop == b->prop;
    if (equal) {
        lua_getiuservalue(L, 1, 1);
        lua_getiuservalue(L, 2, 1);
        equal = lua_compare(L, -1, -2, LUA_OPEQ);
    }
    lua_pushboolean(L, equal);
    return 1;
}

/* The metatable on top, of which the Lua part fills those of sets and dicts: pops it, and returns a reference to it. */
static int keep_metatable(lua_State *L) {
    lua_pushcfunction(L, view_eq);
    lua_setfield(L, -2, "__eq");
    lua_pushliteral(L, "collection");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "moonrow collection");
    lua_setfield(L, -2, "__metatable");
    return luaL_ref(L, LUA_REGISTRYINDEX);
}

void bind_open_collection(lua_State *L) {
    static const luaL_Reg methods[] = {
        {"append", view_append}, {"remove", view_remove},     {"insert", view_insert},   {"clear", view_clear},
        {"extend", view_extend}, {"contains", view_contains}, {"reorder", view_reorder}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__len", view_len},     {"__newindex", view_newindex},
                                           {"__pairs", view_pairs}, {"__tostring", view_tostring},
                                           {"__call", view_call},   {NULL, NULL}};
    bind_state *b = bind_of(L);
    luaL_newmetatable(L, BIND_COLLECTION);
    luaL_setfuncs(L, metamethods, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -4, "list_methods");
    lua_pushcclosure(L, view_index, 1);
    lua_setfield(L, -2, "__index");
    b->views[MR_COLLECTION_LIST] = keep_metatable(L);
    luaL_newmetatable(L, BIND_SET);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "set_metatable");
    b->views[MR_COLLECTION_SET] = keep_metatable(L);
    luaL_newmetatable(L, BIND_KEYED);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "keyed_metatable");
    b->views[MR_COLLECTION_DICT] = keep_metatable(L);
    luaL_newmetatable(L, BIND_DYNAMIC);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "dynamic_metatable");
    b->views[VIEW_DYNAMIC] = keep_metatable(L);
    luaL_newmetatable(L, BIND_WRITE_ONLY);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "write_only_metatable");
    b->views[VIEW_WRITE_ONLY] = keep_metatable(L);
}
