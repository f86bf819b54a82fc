/*
 * entity.c: objects as Lua reads and writes them. How they are made is in construct.c.
 *
 * Invariant: attributes are read and written through session/attribute only. There is one short cut: a column that is
 * loaded and not expired is read from its slot, as session/attribute would do.
 */
#include "class.h"
#include "value/json.h"
#include "value/proxy.h"
#include "value/text.h"

/* The upvalues of an object's metamethods: the address of the class's box (asking for that is cheaper than for the
 * value), the class, the table of bind_push_kept_texts, and a table from the names of hybrids to their functions, which
 * is filled as they are read (class.getters_changes). */
enum { UP_BOX = 1, UP_CLASS, UP_TEXTS, UP_GETTERS, UP__COUNT = UP_GETTERS };

static inline bind_class *class_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(UP_BOX)); }

/* Raises: a program called a function of the metatable by hand, with another value at index 1. */
static void wrong_object(lua_State *L, const bind_class *c) {
    lua_pushfstring(L, "an object of %s", c->mapper->name);
    bind_type_error(L, 1, c->mapper->name, lua_tostring(L, -1));
}

/* The object at index 1; NULL: ask self_entity, which raises. */
static inline mr_entity *known_entity(lua_State *L, const bind_class *c) {
    const bind_proxy *p = lua_touserdata(L, 1);
    /* The length tells light userdata and most foreign values, the class the others. */
    if (!p || lua_rawlen(L, 1) != sizeof *p || c->b->closed) return NULL;
    mr_entity *e = mr_heap_look(c->b->heap, p->slot, p->generation);
    if (!e) e = mr_heap_get(c->b->heap, p->slot, p->generation);
    return e && e->mapper == c->mapper ? e : NULL;
}

static mr_entity *self_entity(lua_State *L, bind_class *c) {
    mr_entity *e = known_entity(L, c);
    if (e) return e;
    if (c->b->closed) bind_of(L);
    const bind_proxy *p = lua_touserdata(L, 1);
    if (!p || lua_rawlen(L, 1) != sizeof *p) wrong_object(L, c);
    e = bind_test_entity(L, 1); /* raises where it is gone */
    if (!e || e->mapper != c->mapper) wrong_object(L, c);
    return e;
}

/* ---------------------------------------------------------------- reading */

static int get_slow(lua_State *L, bind_class *c, mr_entity *e, const mr_property *prop) {
    if (prop->kind == MR_PROPERTY_RELATIONSHIP && mr_relationship_is_queried(prop->relationship)) {
        bind_push_collection(L, e, prop);
        return 1;
    }
    const mr_value *v = c->b->stress ? NULL : mr_attribute_loaded_relation(e, prop);
    if (!v) BIND_TRY(c->b, L, mr_attribute_get(e, prop, &v));
    if (v->kind == MR_COLLECTION ||
        (v->kind == MR_NULL && prop->kind == MR_PROPERTY_RELATIONSHIP && prop->relationship->uselist == 1))
        bind_push_collection(L, e, prop);
    else if (bind_decorator_of(e, prop)) bind_push_attribute(L, e, prop, v);
    else if (v->kind == MR_JSON) bind_push_json_attribute(L, 1, e, prop, v);
    else bind_push_value(L, v);
    return 1;
}

/* Pushes the text of the value. */
MR_APART static bool push_new_text(lua_State *L, const mr_value *v) {
    bind_push_new_text(L, class_of(L)->b, lua_upvalueindex(UP_TEXTS), v->u.s, v->len);
    return true;
}

/* Pushes what is loaded and not expired, of the simplest kinds. */
static inline bool push_loaded(lua_State *L, bind_state *b, const mr_entity *e, unsigned slot) {
    if (slot >= e->nslots || (e->owner && e->generation != e->owner->generation)) return false;
    const mr_value *v = &e->slots[slot];
    if (v->kind == MR_INT) {
        lua_pushinteger(L, (lua_Integer)v->u.i);
        return true;
    }
    if (v->kind == MR_TEXT)
        return bind_push_kept_text(L, b->texts, lua_upvalueindex(UP_TEXTS), v->u.s, v->len) || push_new_text(L, v);
    switch (v->kind) {
    case MR_FLOAT:
        lua_pushnumber(L, v->u.d);
        return true;
    case MR_BOOL:
        lua_pushboolean(L, v->u.i != 0);
        return true;
    default:
        return false;
    }
}

static int get_attribute(lua_State *L, bind_class *c, const mr_property *prop) {
    mr_entity *e = self_entity(L, c);
    if (prop->kind == MR_PROPERTY_SYNONYM) prop = mr_mapper_property(e->mapper, prop->name, true);
    else if (push_loaded(L, c->b, e, prop->read_slot)) return 1;
    return get_slow(L, c, e, prop);
}

static int get_field(lua_State *L) {
    if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushvalue(L, 2);
    lua_rawget(L, -2);
    return 1;
}

/* What the function of a descriptor gave, where it yielded meanwhile. */
static int described(lua_State *L, int status, lua_KContext context) {
    (void)L, (void)status, (void)context;
    return 1;
}

/* Calls the function on top with the object. */
static int call_getter(lua_State *L) {
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 1, 0, described);
    return 1;
}

/* The object's value of the descriptor on top. Its function is kept, so that the next read costs what a method does. */
static int get_described(lua_State *L, bind_class *c, const bind_descriptor *d) {
    lua_getiuservalue(L, -1, DESCRIPTOR_GET);
    if (d->is_method) return 1;
    if (c->getters_changes != c->b->member_changes) {
        for (lua_pushnil(L); lua_next(L, lua_upvalueindex(UP_GETTERS));) {
            lua_pop(L, 1);
            lua_pushvalue(L, -1);
            lua_pushnil(L);
            lua_rawset(L, lua_upvalueindex(UP_GETTERS)); /* of a key that is there, during the walk */
        }
        c->getters_changes = c->b->member_changes;
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, lua_upvalueindex(UP_GETTERS));
    return call_getter(L);
}

/* A name that is not known by its address: a member, a field, a long name. */
static int index_other(lua_State *L, bind_class *c) {
    int member = bind_class_member_key(L, lua_upvalueindex(UP_CLASS), 2);
    if (member == LUA_TUSERDATA) {
        const bind_descriptor *d = bind_descriptor_at(L, -1);
        if (d) return get_described(L, c, d);
        if (bind_test(L, -1, BIND_FIELD)) return get_field(L);
    }
    if (member != LUA_TNIL) return 1;
    lua_settop(L, 2);
    if (c->b->closed) bind_of(L); /* raises; a program may have kept this function */
    lua_pushvalue(L, lua_upvalueindex(UP_CLASS));
    const mr_property *prop = bind_class_property(L, 3, 2);
    if (prop) return get_attribute(L, c, prop);
    if (lua_type(L, 2) == LUA_TNUMBER)
        return bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s': it is one object, not a list", c->mapper->name,
                          luaL_tolstring(L, 2, NULL));
    return bind_class_no_attribute(L, 3, luaL_tolstring(L, 2, NULL));
}

/* What entity_index does not do at once. */
MR_APART static int index_slowly(lua_State *L) {
    bind_class *c = class_of(L);
    const mr_property *prop = bind_class_known(c, lua_topointer(L, 2));
    if (prop) return get_attribute(L, c, prop);
    lua_settop(L, 2);
    if (c->getters_changes == c->b->member_changes) {
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(UP_GETTERS)) == LUA_TFUNCTION) return call_getter(L);
        lua_settop(L, 2);
    }
    return index_other(L, c);
}

static int entity_index(lua_State *L) {
    const bind_class *c = class_of(L);
    const bind_proxy *p = lua_touserdata(L, 1);
    if (!p || lua_rawlen(L, 1) != sizeof *p) return index_slowly(L);
    const void *name = lua_topointer(L, 2);
    if (c->b->closed) return index_slowly(L);
    const mr_entity *e = mr_heap_look(c->b->heap, p->slot, p->generation);
    if (!e || e->mapper != c->mapper || !push_loaded(L, c->b, e, bind_class_look(c, name)->read_slot))
        return index_slowly(L);
    return 1;
}

/* ---------------------------------------------------------------- writing */

static void set_field(lua_State *L, mr_entity *e) {
    if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        if (!lua_setiuservalue(L, 1, 1))
            bind_error(L, MR_ERR_INVALID_REQUEST, "%s.%s: the field was declared after this object was made",
                       e->mapper->name, lua_tostring(L, 2));
    }
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    bind_proxy_anchor(L, 1, e);
}

int bind_refuse_member(lua_State *L, const bind_class *c, const char *name) {
    return bind_error(L, MR_ERR_ARGUMENT,
                      "%s.%s is a method or constant of the class, which an object cannot replace (a value for each "
                      "object is declared "
                      "as a Column, or mr.field())",
                      c->mapper->name, name);
}

/* Gives the object at index 1 the value at index 3 of the descriptor on top, which it has under the name at index 2. */
static void set_described(lua_State *L, const bind_class *c, const bind_descriptor *d) {
    if (d->is_method) bind_refuse_member(L, c, lua_tostring(L, 2));
    if (lua_getiuservalue(L, -1, DESCRIPTOR_SET) == LUA_TNIL)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s.%s: the %s has no set: give it set = function(self, value) ... end, or set the attributes that "
                   "it is made of",
                   c->mapper->name, lua_tostring(L, 2), d->kind);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, 3);
    lua_pushvalue(L, 2);
    lua_call(L, 3, 0);
}

/* A name that is not known by its address. */
static int newindex_other(lua_State *L, bind_class *c, mr_entity *e) {
    bool is_member = bind_class_member_key(L, lua_upvalueindex(UP_CLASS), 2) != LUA_TNIL;
    const bind_descriptor *d = is_member ? bind_descriptor_at(L, -1) : NULL;
    if (d) {
        set_described(L, c, d);
        return 0;
    }
    if (is_member && bind_test(L, -1, BIND_FIELD)) {
        lua_settop(L, 3);
        set_field(L, e);
        return 0;
    }
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(UP_CLASS));
    const mr_property *prop = bind_class_property(L, 4, 2);
    if (!prop && is_member) return bind_refuse_member(L, c, luaL_tolstring(L, 2, NULL));
    if (!prop) return bind_class_no_attribute(L, 4, luaL_tolstring(L, 2, NULL));
    bind_set_attribute(L, c, e, prop, 3);
    return 0;
}

/* Writes a number over one that was changed before: nothing is asked, loaded or allocated then. */
static inline bool overwrite_number(lua_State *L, mr_entity *e, const mr_property *prop) {
    mr_value v;
    if (lua_isinteger(L, 3)) v = mr_int_value((int64_t)lua_tointeger(L, 3));
    else if (lua_type(L, 3) == LUA_TNUMBER) v = mr_float_value(lua_tonumber(L, 3));
    else return false;
    return mr_attribute_overwrite(e, prop, &v);
}

/* What entity_newindex does not do at once. */
MR_APART static int newindex_slowly(lua_State *L) {
    bind_class *c = class_of(L);
    mr_entity *e = self_entity(L, c);
    const mr_property *prop = bind_class_known(c, lua_topointer(L, 2));
    lua_settop(L, 3);
    if (!prop) return newindex_other(L, c, e);
    bind_set_attribute(L, c, e, prop, 3);
    return 0;
}

static int entity_newindex(lua_State *L) {
    const bind_class *c = class_of(L);
    const bind_proxy *p = lua_touserdata(L, 1);
    if (!p || lua_rawlen(L, 1) != sizeof *p) return newindex_slowly(L);
    const void *name = lua_topointer(L, 2);
    if (c->b->closed || c->b->logging) return newindex_slowly(L);
    mr_entity *e = mr_heap_look(c->b->heap, p->slot, p->generation);
    if (!e || e->mapper != c->mapper || !overwrite_number(L, e, bind_class_look(c, name))) return newindex_slowly(L);
    return 0;
}

/* ---------------------------------------------------------------- metamethods */

static int default_tostring(lua_State *L, mr_entity *e) {
    mr_state state = mr_entity_state(e);
    if (!mr_entity_has_identity(e) || state == MR_TRANSIENT || state == MR_PENDING) {
        lua_pushfstring(L, "<%s (%s)>", e->mapper->name, mr_state_name(state));
        return 1;
    }
    mr_strbuf buf;
    mr_strbuf_init(&buf, e->mapper->env);
    mr_entity_describe(e, &buf);
    const char *s = mr_strbuf_str(&buf);
    char small[200];
    size_t len = buf.len < sizeof small ? buf.len : sizeof small - 1;
    if (s) memcpy(small, s, len);
    mr_strbuf_done(&buf); /* before a push, which may raise */
    if (!s) return bind_raise(L);
    small[len] = '\0';
    lua_pushfstring(L, "<%s>", small);
    return 1;
}

static int entity_tostring(lua_State *L) {
    bind_class *c = class_of(L);
    mr_entity *e = self_entity(L, c);
    lua_settop(L, 1);
    if (bind_class_member(L, lua_upvalueindex(UP_CLASS), "__tostring") == LUA_TNIL) return default_tostring(L, e);
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int entity_eq(lua_State *L) {
    mr_entity *a = bind_test_entity(L, 1), *b = bind_test_entity(L, 2);
    lua_pushboolean(L, a && a == b);
    return 1;
}

/* pairs(object): the Lua part knows what it gives. */
static int entity_pairs(lua_State *L) {
    bind_arg_entity(L, 1, "pairs");
    lua_settop(L, 1);
    bind_push_core(L);
    lua_getfield(L, -1, "object_pairs");
    lua_insert(L, 1);
    lua_settop(L, 2);
    lua_call(L, 1, 3);
    return 3;
}

static void set_closure(lua_State *L, int class_idx, const char *name, lua_CFunction fn) {
    lua_pushlightuserdata(L, lua_touserdata(L, class_idx));
    lua_pushvalue(L, class_idx);
    bind_push_kept_texts(L);
    lua_newtable(L);
    lua_pushcclosure(L, fn, UP__COUNT);
    lua_setfield(L, -2, name);
}

void bind_make_object_metatable(lua_State *L, int class_idx) {
    bind_class *c = bind_class_at(L, class_idx);
    lua_createtable(L, 0, 10);
    set_closure(L, class_idx, "__index", entity_index);
    set_closure(L, class_idx, "__newindex", entity_newindex);
    set_closure(L, class_idx, "__tostring", entity_tostring);
    lua_pushcfunction(L, entity_eq);
    lua_setfield(L, -2, "__eq");
    lua_pushcfunction(L, entity_pairs);
    lua_setfield(L, -2, "__pairs");
    lua_pushstring(L, c->mapper->name);
    lua_setfield(L, -2, "__name");
    lua_pushvalue(L, class_idx);
    lua_rawsetp(L, -2, &bind_object_class_key);
    bind_mark_type(L);
    lua_pushliteral(L, "moonrow object");
    lua_setfield(L, -2, "__metatable");
    for (const char *const *name = bind_object_metamethods; *name; name++) {
        if (bind_class_member(L, class_idx, *name) != LUA_TNIL) lua_setfield(L, -2, *name);
        else lua_pop(L, 1);
    }
    c->meta = luaL_ref(L, LUA_REGISTRYINDEX);
}

/* core.class_of(obj) */
static int core_class_of(lua_State *L) {
    bind_push_class(L, bind_arg_entity(L, 1, "class_of")->mapper);
    return 1;
}

void bind_open_entity(lua_State *L) {
    lua_pushcfunction(L, core_class_of);
    lua_setfield(L, -2, "class_of");
}
