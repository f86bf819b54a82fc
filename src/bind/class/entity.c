/*
 * entity.c: objects as Lua reads and writes them.
 *
 * Invariant: attributes are read and written through session/attribute only. There is one short cut: a column that is
 * loaded and not expired is read from its slot, as session/attribute would do.
 */
#include <string.h>

#include "class.h"
#include "value/proxy.h"

/* Upvalues of an object's metamethods. */
enum { UP_CLASS = 1, UP_ATTRIBUTES };

static bind_class *class_of(lua_State *L) { return lua_touserdata(L, lua_upvalueindex(UP_CLASS)); }

/* Raises: a program called a function of the metatable by hand, with another value at index 1. */
static void wrong_object(lua_State *L, const bind_class *c) {
    lua_pushfstring(L, "an object of %s", c->mapper->name);
    bind_type_error(L, 1, c->mapper->name, lua_tostring(L, -1));
}

static mr_entity *self_entity(lua_State *L, bind_class *c) {
    const bind_proxy *p = lua_touserdata(L, 1);
    if (c->b->closed) bind_of(L);
    /* The length tells light userdata and most foreign values, the class the others. */
    if (!p || lua_rawlen(L, 1) != sizeof *p) wrong_object(L, c);
    mr_entity *e = mr_heap_get(c->b->heap, p->slot, p->generation);
    if (!e) e = bind_test_entity(L, 1); /* raises where it is gone */
    if (!e || e->mapper != c->mapper) wrong_object(L, c);
    return e;
}

/* ---------------------------------------------------------------- reading */

static int get_slow(lua_State *L, bind_class *c, mr_entity *e, const mr_property *prop) {
    const mr_value *v;
    BIND_TRY(c->b, L, mr_attribute_get(e, prop, &v));
    if (v->kind == MR_COLLECTION ||
        (v->kind == MR_NULL && prop->kind == MR_PROPERTY_RELATIONSHIP && prop->relationship->uselist == 1))
        bind_push_collection(L, e, prop);
    else bind_push_value(L, v);
    return 1;
}

static int get_attribute(lua_State *L, bind_class *c, const mr_property *prop) {
    mr_entity *e = self_entity(L, c);
    if (prop->kind == MR_PROPERTY_SYNONYM) {
        prop = mr_mapper_property(e->mapper, prop->name, true);
    } else if (prop->slot < e->nslots && (!e->owner || e->generation == e->owner->generation)) {
        const mr_value *v = &e->slots[prop->slot];
        switch (v->kind) {
        case MR_INT:
            lua_pushinteger(L, (lua_Integer)v->u.i);
            return 1;
        case MR_FLOAT:
            lua_pushnumber(L, v->u.d);
            return 1;
        case MR_TEXT:
            lua_pushlstring(L, v->u.s, v->len);
            return 1;
        case MR_BOOL:
            lua_pushboolean(L, v->u.i != 0);
            return 1;
        default:
            break;
        }
    }
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

static int entity_index(lua_State *L) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(UP_ATTRIBUTES)) == LUA_TLIGHTUSERDATA)
        return get_attribute(L, class_of(L), lua_touserdata(L, -1));
    lua_settop(L, 2);
    int member = bind_class_member_key(L, lua_upvalueindex(UP_CLASS), 2);
    if (member != LUA_TNIL) return bind_test(L, -1, BIND_FIELD) ? get_field(L) : 1;
    lua_settop(L, 2);
    bind_class *c = class_of(L);
    if (c->b->closed) bind_of(L); /* raises; a program may have kept this function */
    lua_pushvalue(L, lua_upvalueindex(UP_CLASS));
    const mr_property *prop = bind_class_property(L, 3, 2);
    if (prop) return get_attribute(L, c, prop);
    return bind_class_no_attribute(L, 3, luaL_tolstring(L, 2, NULL));
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

/* The length of the list of objects, or of the collection, at idx; raises for a table that is no list. */
static lua_Integer list_length(lua_State *L, const mr_entity *e, const mr_property *prop, int idx) {
    if (bind_test(L, idx, BIND_COLLECTION)) return luaL_len(L, idx);
    if (!bind_is_plain_table(L, idx)) {
        lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
        bind_type_error(L, idx, lua_tostring(L, -1), "a list of objects");
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx), found = 0;
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        int is_int;
        lua_Integer i = lua_tointegerx(L, -2, &is_int);
        if (lua_type(L, -2) != LUA_TNUMBER || !is_int || i < 1 || i > n) {
            const char *key = luaL_tolstring(L, -2, NULL);
            bind_error(L, MR_ERR_ARGUMENT, "%s.%s[%s]: a collection takes a list without holes or other keys",
                       e->mapper->name, prop->name, key);
        }
        found++;
        lua_pop(L, 1);
    }
    if (found != n)
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s: the list of objects has a hole", e->mapper->name, prop->name);
    return n;
}

/* Gives a collection the objects of the list at idx. */
static mr_status set_items(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx) {
    idx = lua_absindex(L, idx);
    lua_Integer n = list_length(L, e, prop, idx);
    mr_entity **items = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *items, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, idx, i);
        lua_pushfstring(L, "%s.%s[%d]", e->mapper->name, prop->name, (int)i);
        items[i - 1] = bind_related_entity(L, -2, prop, lua_tostring(L, -1));
        lua_pop(L, 2);
    }
    mr_status st;
    BIND_CALL(b, L, st = mr_attribute_set_items(e, prop, items, (uint32_t)n));
    return st;
}

static mr_status set_relationship(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx) {
    if (prop->relationship->uselist == 1) return set_items(L, b, e, prop, idx);
    mr_value v = mr_null_value();
    if (!lua_isnil(L, idx) && !bind_is_null(L, idx)) {
        lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
        v = mr_value_of(MR_ENTITY, 0);
        v.u.p = bind_related_entity(L, idx, prop, lua_tostring(L, -1));
    }
    mr_status st;
    BIND_CALL(b, L, st = mr_attribute_set(e, prop, &v));
    return st;
}

/* The value at idx for a column's attribute, bytes borrowed; raises. */
static mr_value column_value(lua_State *L, const bind_state *b, const mr_entity *e, const mr_property *prop, int idx) {
    mr_value v;
    if (!bind_to_value(L, idx, prop->column ? prop->column->type : NULL, &v)) {
        lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
        const mr_type *type = prop->column ? mr_column_type(b->env, prop->column) : NULL;
        bind_no_value(L, idx, type, lua_tostring(L, -1), type ? mr_type_wants(type) : "a value", false);
    }
    return v;
}

/* Sets the attribute to the value at idx; raises. */
static void set_attribute(lua_State *L, bind_class *c, mr_entity *e, const mr_property *prop, int idx) {
    bind_state *b = c->b;
    mr_status st;
    if (prop->kind == MR_PROPERTY_SYNONYM) prop = mr_mapper_property(e->mapper, prop->name, true);
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) {
        if (c->registry->dirty) {
            BIND_CALL(b, L, st = mr_registry_configure(c->registry));
            bind_check(L, st);
        }
        st = set_relationship(L, b, e, prop, idx);
    } else {
        mr_value v = column_value(L, b, e, prop, idx);
        BIND_CALL(b, L, st = mr_attribute_set(e, prop, &v));
    }
    bind_check(L, st);
}

/* Raises: the name is a member of the class, and no attribute of its objects. */
static int refuse_member(lua_State *L, const bind_class *c, const char *name) {
    return bind_error(L, MR_ERR_ARGUMENT,
                      "%s.%s is a method or constant of the class, which an object cannot replace (a value for each "
                      "object is declared "
                      "as a Column, or mr.field())",
                      c->mapper->name, name);
}

static int entity_newindex(lua_State *L) {
    bind_class *c = class_of(L);
    mr_entity *e = self_entity(L, c);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(UP_ATTRIBUTES)) == LUA_TLIGHTUSERDATA) {
        set_attribute(L, c, e, lua_touserdata(L, -1), 3);
        return 0;
    }
    lua_settop(L, 3);
    bool is_member = bind_class_member_key(L, lua_upvalueindex(UP_CLASS), 2) != LUA_TNIL;
    if (is_member && bind_test(L, -1, BIND_FIELD)) {
        lua_settop(L, 3);
        set_field(L, e);
        return 0;
    }
    lua_settop(L, 3);
    lua_pushvalue(L, lua_upvalueindex(UP_CLASS));
    const mr_property *prop = bind_class_property(L, 4, 2);
    if (!prop && is_member) return refuse_member(L, c, luaL_tolstring(L, 2, NULL));
    if (!prop) return bind_class_no_attribute(L, 4, luaL_tolstring(L, 2, NULL));
    set_attribute(L, c, e, prop, 3);
    return 0;
}

/* ---------------------------------------------------------------- making */

/* The attribute that the key names, of the class at index 1. NULL: the key names a field. Raises for any other name. */
static const mr_property *constructor_key(lua_State *L, int key) {
    const mr_property *prop = bind_class_property(L, 1, key);
    if (prop) return prop;
    bool is_member = bind_class_member_key(L, 1, key) != LUA_TNIL, is_field = is_member && bind_test(L, -1, BIND_FIELD);
    lua_pop(L, 1);
    if (is_field) return NULL;
    if (is_member) refuse_member(L, bind_class_at(L, 1), luaL_tolstring(L, key, NULL));
    const mr_mapper *mapper = bind_arg_class(L, 1, "constructor");
    const char *name = luaL_tolstring(L, key, NULL);
    if (lua_type(L, key) == LUA_TNUMBER)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected values by attribute, such as %s{ name = \"x\" }, got the key %s",
                   mapper->name, mapper->name, name);
    bind_error(L, MR_ERR_ARGUMENT, "'%s' is an invalid keyword argument for %s%s", name, mapper->name,
               bind_hint(L, mr_mapper_nearest(mapper, name)));
    return NULL;
}

enum { BATCH = 16 };

/* Columns to be set with one entry into the core. Their values borrow bytes from the Lua stack. */
typedef struct column_batch {
    int n;
    const mr_property *props[BATCH];
    mr_value values[BATCH];
} column_batch;

static void set_columns(lua_State *L, bind_state *b, mr_entity *e, column_batch *batch) {
    mr_status st = MR_OK;
    BIND_ENTER(b, L);
    for (int i = 0; i < batch->n && st != MR_FAIL; i++) st = mr_attribute_set(e, batch->props[i], &batch->values[i]);
    BIND_LEAVE(b);
    bind_check(L, st);
    batch->n = 0;
}

/* The property that the key at the index names. NULL: the key names a field. Raises for any other key. */
static const mr_property *value_property(lua_State *L, int attributes, int key) {
    lua_pushvalue(L, key);
    lua_rawget(L, attributes);
    const mr_property *prop = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return prop ? prop : constructor_key(L, key);
}

/* Sets the columns that the table at index values names. Returns false when the table names relationships or fields
 * too.
 * The loop keeps each column's value on the stack, below the key that finds the next pair: the batch borrows the
 * value's bytes until it is set. */
static bool init_columns(lua_State *L, bind_class *c, mr_entity *e, int values) {
    bool only_columns = true;
    column_batch batch;
    batch.n = 0;
    luaL_checkstack(L, BATCH + 12, "an object's values");
    bind_class_sync(L, 1);
    lua_getiuservalue(L, 1, CLASS_ATTRIBUTES);
    int attributes = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, values)) {
        int value = lua_gettop(L), key = value - 1;
        const mr_property *prop = value_property(L, attributes, key);
        if (prop && prop->kind == MR_PROPERTY_COLUMN) {
            batch.props[batch.n] = prop;
            batch.values[batch.n++] = column_value(L, c->b, e, prop, value);
            lua_insert(L, key); /* the value goes below its key */
        } else {
            only_columns = false;
            lua_pop(L, 1);
        }
        if (batch.n == BATCH) {
            set_columns(L, c->b, e, &batch);
            lua_replace(L, attributes + 1); /* the key stays; the values are not needed any more */
            lua_settop(L, attributes + 1);
        }
    }
    set_columns(L, c->b, e, &batch);
    lua_settop(L, attributes - 1);
    return only_columns;
}

/* Sets the relationships and fields that the table at index values names. They come after the columns, when every key
 * is known to be good: setting a relationship may change other objects. */
static void init_others(lua_State *L, bind_class *c, mr_entity *e, int self, int values) {
    int key = lua_gettop(L) + 1;
    lua_pushnil(L);
    while (lua_next(L, values)) {
        const mr_property *prop = constructor_key(L, key);
        if (!prop) {
            lua_pushvalue(L, key);
            lua_pushvalue(L, key + 1);
            lua_settable(L, self);
        } else if (prop->kind != MR_PROPERTY_COLUMN) {
            set_attribute(L, c, e, prop, key + 1);
        }
        lua_settop(L, key);
    }
}

/* Sets the values of a new object, as Class.__init does. The class is at index 1. */
static void init_values(lua_State *L, bind_class *c, mr_entity *e, int self, int values) {
    if (lua_isnoneornil(L, values)) return;
    if (!bind_is_plain_table(L, values))
        bind_type_error(L, values, bind_arg_class(L, 1, "constructor")->name, "a table of values");
    if (!init_columns(L, c, e, values)) init_others(L, c, e, self, values);
}

/* Class.__init(self, values) */
static int entity_init(lua_State *L) {
    lua_settop(L, 2);
    mr_entity *e = bind_arg_entity(L, 1, "__init");
    bind_push_class(L, e->mapper);
    lua_insert(L, 1);
    init_values(L, bind_class_at(L, 1), e, 2, 3);
    return 0;
}

static mr_entity *new_entity(lua_State *L, bind_class *c) {
    mr_entity *e = NULL;
    mr_status st = MR_OK;
    BIND_ENTER(c->b, L);
    if (c->registry->dirty) st = mr_registry_configure(c->registry);
    if (st == MR_OK) e = mr_entity_new(c->b->env, c->mapper);
    BIND_LEAVE(c->b);
    if (!e) bind_raise(L);
    return e;
}

/* Class(...): makes an object and calls its __init with the arguments. */
static int entity_construct(lua_State *L) {
    bind_class *c = bind_class_at(L, 1);
    if (!c || !c->mapper) bind_arg_class(L, 1, "constructor");
    mr_entity *e = new_entity(L, c);
    bind_push_entity(L, e);
    lua_insert(L, 2); /* class, self, arguments */
    int nargs = lua_gettop(L) - 2;
    if (!c->b->own_init || bind_class_member(L, 1, "__init") == LUA_TNIL) {
        if (nargs > 1)
            bind_error(L, MR_ERR_ARGUMENT, "%s: expected one table of values, got %d arguments", c->mapper->name,
                       nargs);
        lua_settop(L, 3);
        init_values(L, c, e, 2, 3);
    } else {
        lua_pushvalue(L, 2);
        lua_rotate(L, 3, 2); /* class, self, init, self, arguments */
        lua_call(L, nargs + 1, 0);
    }
    lua_settop(L, 2);
    return 1;
}

/* ---------------------------------------------------------------- metamethods */

static int default_tostring(lua_State *L, mr_entity *e) {
    mr_state state = mr_entity_state(e);
    if (e->identity.kind == MR_UNLOADED || state == MR_TRANSIENT || state == MR_PENDING) {
        lua_pushfstring(L, "<%s (%s)>", e->mapper->name, mr_state_name(state));
        return 1;
    }
    mr_strbuf buf;
    mr_strbuf_init(&buf, e->mapper->env);
    mr_identity_describe(e->mapper, &e->identity, &buf);
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

static void set_closure(lua_State *L, int class_idx, const char *name, lua_CFunction fn) {
    lua_pushvalue(L, class_idx);
    lua_getiuservalue(L, class_idx, CLASS_ATTRIBUTES);
    lua_pushcclosure(L, fn, 2);
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

static int class_init(lua_State *L) {
    if (bind_class_member(L, 1, "__init") == LUA_TNIL) lua_pushcfunction(L, entity_init);
    return 1;
}

void bind_open_entity(lua_State *L) {
    bind_extend_class(L, "__init", class_init);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_class_meta_key);
    lua_pushcfunction(L, entity_construct);
    lua_setfield(L, -2, "__call");
    lua_pop(L, 1);
    lua_pushcfunction(L, core_class_of);
    lua_setfield(L, -2, "class_of");
}
