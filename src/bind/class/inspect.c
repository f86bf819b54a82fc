/*
 * inspect.c: mr.inspect(obj): an object's state, identity, session and the history of its attributes.
 *
 * Invariant: nothing is loaded and nothing is changed: the object is read as it is now.
 */
#include "class.h"
#include "value/decorated.h"
#include "value/proxy.h"
#include "value/row.h"
#include "value/session.h"

#define BIND_INSPECTION "moonrow.Inspection"

/* The inspected object, which is user value 1. */
static mr_entity *inspected(lua_State *L) {
    lua_getiuservalue(L, 1, 1);
    mr_entity *e = bind_arg_entity(L, -1, "inspect");
    lua_pop(L, 1);
    return e;
}

/* Edits inside of values are changes. One that cannot be stored is left to the flush. */
static void note_edits(lua_State *L, mr_entity *e) {
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    if (mr_entity_note_edits(e) != MR_OK) mr_env_clear_error(b->env);
    BIND_LEAVE(b);
}

static int core_inspect(lua_State *L) {
    bind_arg_entity(L, 1, "inspect");
    lua_newuserdatauv(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    bind_set_type(L, BIND_INSPECTION);
    return 1;
}

static int get_state(lua_State *L) {
    lua_pushstring(L, mr_state_name(mr_entity_state(inspected(L))));
    return 1;
}

/* Pushes value i of the object's key. One that the program's functions cannot read is as it is stored, if the object's
 * query said anything but "raise". */
static void push_key_value(lua_State *L, const mr_entity *e, uint16_t i, const mr_value *v) {
    const mr_mapper *mapper = e->mapper;
    bool lenient = e->flags & (MR_ENTITY_BAD_KEEP | MR_ENTITY_BAD_NULL);
    const bind_place place = {.what = bind_key_name(mapper, i),
                              .bad = lenient ? MR_BAD_VALUES_KEEP : MR_BAD_VALUES_RAISE};
    bind_push_typed(L, mr_column_type(mapper->env, mr_mapper_at_slot(mapper, mapper->pk_slots[i])->column), v,
                    e->owner ? e->owner->dialect : NULL, &place);
    if (!lua_isnil(L, -1)) return;
    lua_pop(L, 1);
    bind_push_null(L);
}

/* The key's values as a list, or nil. */
static int get_identity(lua_State *L) {
    mr_entity *e = inspected(L);
    if (!mr_entity_has_identity(e)) return 0;
    mr_value *values = lua_newuserdatauv(L, e->mapper->npk * sizeof *values, 0);
    mr_entity_key(e, values);
    bind_new_list(L, e->mapper->npk);
    for (uint16_t i = 0; i < e->mapper->npk; i++) {
        push_key_value(L, e, i, &values[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int get_object(lua_State *L) {
    (void)inspected(L);
    lua_getiuservalue(L, 1, 1);
    return 1;
}

static int get_session(lua_State *L) {
    bind_push_session(L, mr_session_of(inspected(L)));
    return 1;
}

static int get_class(lua_State *L) {
    bind_push_class(L, inspected(L)->mapper);
    return 1;
}

static int push_attributes(lua_State *L, bool loaded) {
    mr_entity *e = inspected(L);
    lua_Integer n = 0;
    bind_new_list(L, 0);
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        if (prop->kind == MR_PROPERTY_SYNONYM) continue;
        if (mr_attribute_is_loaded(e, prop) != loaded) continue;
        lua_pushstring(L, prop->name);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

static int get_loaded(lua_State *L) { return push_attributes(L, true); }

static int get_unloaded(lua_State *L) { return push_attributes(L, false); }

/* The collections of which only a part is loaded. */
static int get_partial(lua_State *L) {
    mr_entity *e = inspected(L);
    lua_Integer n = 0;
    bind_new_list(L, 0);
    for (size_t i = 0; i < e->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->props, i);
        if (prop->kind != MR_PROPERTY_RELATIONSHIP) continue;
        const mr_value *v = mr_entity_slot(e, prop->slot);
        if (v->kind != MR_COLLECTION || !((const mr_collection *)v->u.p)->partial) continue;
        lua_pushstring(L, prop->name);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

static int get_modified(lua_State *L) {
    mr_entity *e = inspected(L);
    mr_session *s = mr_session_of(e);
    bind_state *b = bind_of(L);
    bool modified;
    note_edits(L, e);
    BIND_CALL(b, L, modified = s ? mr_session_is_modified(s, e) : mr_entity_history(e) != NULL);
    lua_pushboolean(L, modified);
    return 1;
}

static void push_one(lua_State *L, const char *field, mr_entity *e, const mr_property *prop, const mr_value *v) {
    bind_new_list(L, 1);
    if (v) {
        bind_push_attribute(L, e, prop, v);
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            bind_push_null(L);
        }
        lua_rawseti(L, -2, 1);
    }
    lua_setfield(L, -2, field);
}

static void push_items(lua_State *L, const char *field, const mr_vec *items) {
    bind_new_list(L, items->len);
    for (size_t i = 0; i < items->len; i++) {
        bind_push_entity(L, mr_vec_ptr(items, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, field);
}

static int push_collection_history(lua_State *L, mr_collection *c) {
    bind_state *b = bind_of(L);
    mr_vec lists[3];
    static const char *const fields[] = {"added", "deleted", "unchanged"};
    for (int i = 0; i < 3; i++) mr_vec_init(&lists[i], b->env, sizeof(void *));
    mr_status st = mr_collection_changes(c, &lists[0], &lists[1], &lists[2]);
    lua_createtable(L, 0, 3);
    for (int i = 0; i < 3; i++) {
        if (st == MR_OK) push_items(L, fields[i], &lists[i]);
        mr_vec_done(&lists[i]);
    }
    bind_check(L, st);
    return 1;
}

/* Pushes the history of what is made of several attributes, such as a composite, under the name at index 2; false:
 * there is no such one. */
static bool push_described_history(lua_State *L, const mr_entity *e) {
    const char *name = lua_tostring(L, 2);
    if (!name || !bind_push_descriptor(L, e->mapper, name)) return false;
    if (lua_getiuservalue(L, -1, DESCRIPTOR_SPEC) != LUA_TTABLE || lua_getfield(L, -1, "history") != LUA_TFUNCTION)
        return false;
    lua_getiuservalue(L, 1, 1);
    lua_pushvalue(L, 1);
    lua_call(L, 2, 1);
    return true;
}

/* inspect(obj):history "attr": { added, deleted, unchanged }, as SQLAlchemy's History. */
static int history(lua_State *L) {
    bind_arg(L, 1, BIND_INSPECTION, "history");
    mr_entity *e = inspected(L);
    bind_push_class(L, e->mapper);
    int klass = lua_gettop(L);
    const mr_property *prop = bind_class_property(L, klass, 2);
    if (!prop && push_described_history(L, e)) return 1;
    if (!prop) return bind_class_no_attribute(L, klass, luaL_tolstring(L, 2, NULL));
    note_edits(L, e);
    mr_entity_touch(e);
    const mr_value *now = mr_entity_slot(e, prop->slot);
    if (now->kind == MR_COLLECTION) return push_collection_history(L, now->u.p);
    bool is_new = e->state == MR_TRANSIENT || e->state == MR_PENDING;
    bool view = prop->kind == MR_PROPERTY_RELATIONSHIP && prop->relationship->viewonly;
    bool given = is_new && !view && now->kind != MR_UNLOADED && !(now->flags & MR_VALUE_KEPT);
    bool dirty = given || mr_entity_is_dirty(e, prop->slot);
    const mr_value *old = dirty && !is_new ? mr_entity_committed(e, prop->slot) : NULL;
    lua_createtable(L, 0, 3);
    push_one(L, "added", e, prop, dirty ? now : NULL);
    push_one(L, "deleted", e, prop, old && old->kind != MR_UNLOADED ? old : NULL);
    push_one(L, "unchanged", e, prop, !dirty && now->kind != MR_UNLOADED ? now : NULL);
    return 1;
}

void bind_open_inspect(lua_State *L) {
    static const luaL_Reg methods[] = {{"history", history}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"object", get_object},     {"state", get_state},
                                       {"identity", get_identity}, {"session", get_session},
                                       {"class", get_class},       {"loaded", get_loaded},
                                       {"unloaded", get_unloaded}, {"partial", get_partial},
                                       {"modified", get_modified}, {NULL, NULL}};
    bind_type(L, BIND_INSPECTION, "Inspection", methods, getters, NULL);
    bind_push_methods(L, BIND_INSPECTION); /* the Lua part adds more */
    lua_setfield(L, -2, "inspection_methods");
    bind_push_getters(L, BIND_INSPECTION);
    lua_setfield(L, -2, "inspection_getters");
    luaL_getmetatable(L, BIND_INSPECTION);
    lua_setfield(L, -2, "inspection_metatable");
    lua_pushcfunction(L, core_inspect);
    lua_setfield(L, -2, "inspect");
}
