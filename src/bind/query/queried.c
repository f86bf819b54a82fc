/*
 * queried.c: what the Lua part asks of a collection that is queried (lazy = "dynamic" or "write_only").
 *
 * Invariant: nothing here reads the database.
 */
#include "class/class.h"
#include "query.h"
#include "value/proxy.h"
#include "value/row.h"

/* queried_related(query, collection): the query for the objects of the collection, in its order. */
static int core_related(lua_State *L) {
    const mr_property *prop;
    mr_query *q = bind_query_arg_for_clause(L, "queried_related");
    mr_entity *parent = bind_collection_parent(L, 2, &prop);
    bind_state *b = bind_of(L);
    mr_query *made;
    BIND_CALL(b, L, made = mr_query_related(q, prop, parent));
    return bind_derive(L, made);
}

/* queried_parts(collection): its object, and the class of what is in it. */
static int core_parts(lua_State *L) {
    const mr_property *prop;
    bind_collection_parent(L, 1, &prop);
    lua_getiuservalue(L, 1, 1);
    bind_push_class(L, prop->relationship->target);
    return 2;
}

/* queried_added(collection): a list of what was added since the last flush. */
static int core_added(lua_State *L) {
    const mr_property *prop;
    mr_entity *parent = bind_collection_parent(L, 1, &prop);
    const mr_value *v = mr_entity_slot(parent, prop->slot);
    const mr_collection *c = v->kind == MR_COLLECTION ? v->u.p : NULL;
    bind_new_list(L, 0);
    for (uint32_t i = 0; c && i < c->n; i++) {
        bind_push_entity(L, c->items[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* queried_keys(collection): { { attribute of the item, attribute of the object }, ... }, the columns that say to whom
 * an item belongs; nil: a table of links says it, or a condition that is more than these columns. */
static int core_keys(lua_State *L) {
    const mr_property *prop;
    bind_collection_parent(L, 1, &prop);
    const mr_relationship *rel = prop->relationship;
    if (rel->direction != MR_ONE_TO_MANY || !rel->simple) return 0;
    lua_createtable(L, (int)rel->npairs, 0);
    for (unsigned i = 0; i < rel->npairs; i++) {
        if (rel->pairs[i].local_slot == UINT16_MAX || rel->pairs[i].remote_slot == UINT16_MAX) return 0;
        lua_createtable(L, 2, 0);
        lua_pushstring(L, mr_mapper_at_slot(rel->target, rel->pairs[i].remote_slot)->name);
        lua_rawseti(L, -2, 1);
        lua_pushstring(L, mr_mapper_at_slot(rel->parent, rel->pairs[i].local_slot)->name);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void bind_open_queried(lua_State *L) {
    static const luaL_Reg functions[] = {{"queried_related", core_related},
                                         {"queried_parts", core_parts},
                                         {"queried_added", core_added},
                                         {"queried_keys", core_keys},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
