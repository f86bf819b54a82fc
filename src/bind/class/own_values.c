/*
 * own_values.c: attributes whose type is decorated: the program sees values of its own in place of those in the slots.
 *
 * Invariant: a value is converted when it is read first, and is the same each time until its slot gets another one.
 * What the program sets is converted at the flush; but a key is at once, because objects are found by it.
 */
#include "class.h"
#include "value/decorated.h"
#include "value/node.h"

const mr_type *bind_decorator_of(const mr_entity *e, const mr_property *prop) {
    if (prop->kind != MR_PROPERTY_COLUMN || prop->read_slot != UINT16_MAX) return NULL;
    const mr_type *type = mr_column_type(e->mapper->env, prop->column);
    return type->decorator ? type : NULL;
}

/* The name of the dialect that the object's rows are in; NULL: not known. */
static const char *dialect_of(mr_entity *e) {
    return e->owner ? e->owner->dialect : NULL; /* of a closed session, too */
}

/* ---------------------------------------------------------------- reading */

/* Pushes the place, for messages. */
static bind_place push_place(lua_State *L, mr_entity *e, const mr_property *prop) {
    bind_place place = {.what = lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name)};
    char small[100] = "";
    const mr_value identity = mr_entity_identity(e);
    if (identity.kind != MR_UNLOADED) {
        mr_strbuf words;
        mr_strbuf_init(&words, e->mapper->env);
        mr_identity_describe(e->mapper, &identity, &words);
        const char *text = mr_strbuf_str(&words);
        size_t len = text && words.len < sizeof small ? words.len : 0;
        for (size_t i = 0; i < len; i++) small[i] = text[i];
        mr_strbuf_done(&words);
    }
    lua_pushstring(L, small);
    if (*small) place.row = lua_tostring(L, -1);
    return place;
}

static bool is_in_slot(mr_entity *e, const mr_property *prop, const mr_value *v) {
    return v->kind != MR_UNLOADED && v == mr_entity_slot(e, prop->slot);
}

/* What the object's query said of stored values that cannot be read. A key or a version is kept as it is stored, as
 * load/run/misfit.c does. */
static mr_bad_values bad_values_of(const mr_entity *e, const mr_property *prop) {
    if (e->flags & MR_ENTITY_BAD_KEEP) return MR_BAD_VALUES_KEEP;
    if (!(e->flags & MR_ENTITY_BAD_NULL)) return MR_BAD_VALUES_RAISE;
    return prop->is_primary_key || prop == e->mapper->version ? MR_BAD_VALUES_KEEP : MR_BAD_VALUES_NULL;
}

/* Pushes what the functions make of v, which is in the slot if held; or what bad says of a value that they cannot
 * read, which is asked again the next time. */
static void push_received(lua_State *L, mr_entity *e, const mr_property *prop, const mr_type *type, const mr_value *v,
                          bool held, mr_bad_values bad) {
    mr_value before = *v, face;
    luaL_checkstack(L, 12, "an attribute's value");
    bind_place place = push_place(L, e, prop);
    place.bad = bad;
    int top = lua_gettop(L);
    bool read = bind_push_typed(L, type, v, dialect_of(e), &place);
    const mr_value *now = mr_entity_slot(e, prop->slot); /* a function may have changed the object */
    if (read && held && now->kind == before.kind && now->u.p == before.u.p && now->len == before.len) {
        lua_pushvalue(L, -1);
        bind_wrap_value(L, -1, type, &face);
        bind_check(L, mr_entity_set_face(e, prop->slot, &face));
    }
    lua_settop(L, top + 1);
    lua_replace(L, top - 1);
    lua_settop(L, top - 1);
}

static void push_attribute(lua_State *L, mr_entity *e, const mr_property *prop, const mr_value *v, mr_bad_values bad) {
    const mr_type *type = bind_decorator_of(e, prop);
    if (!type || v->kind >= MR_OPAQUE || v->kind == MR_UNLOADED) {
        bind_push_value(L, v);
        return;
    }
    bool held = is_in_slot(e, prop, v);
    bool unset = v->kind == MR_NULL && !held;
    const mr_value *face = held ? mr_entity_face(e, prop->slot) : NULL;
    if (unset) lua_pushnil(L);
    else if (face) bind_push_value(L, face);
    else push_received(L, e, prop, type, v, held, bad);
}

void bind_push_attribute(lua_State *L, mr_entity *e, const mr_property *prop, const mr_value *v) {
    push_attribute(L, e, prop, v, bad_values_of(e, prop));
}

/* ---------------------------------------------------------------- setting */

/* Are objects found by the column's value? */
static bool is_key(const mr_entity *e, const mr_property *prop) {
    const mr_mapper *mapper = e->mapper;
    if (prop->is_primary_key || prop->column->foreign_keys || prop == mapper->version || prop == mapper->discriminator)
        return true;
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *other = mr_vec_ptr(&mapper->props, i);
        const mr_relationship *rel = other->relationship;
        for (unsigned k = 0; rel && k < rel->npairs; k++)
            if (rel->pairs[k].local == prop->column) return true;
    }
    return false;
}

/* Sets the attribute to what is sent for the value at idx, which stays its face where functions convert it. */
static mr_status set_sent(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, const mr_type *type,
                          int idx) {
    const mr_store_room room = {.env = b->env, .dialect = dialect_of(e)};
    mr_value v, face;
    lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
    lua_pushvalue(L, idx);
    bind_send_value(L, type, &room, lua_tostring(L, -2), &v);
    BIND_TRY(b, L, mr_attribute_set(e, prop, &v));
    if (!mr_type_in(type, room.dialect ? room.dialect : b->dialect)->decorator) return MR_OK;
    lua_pushvalue(L, idx);
    bind_wrap_value(L, -1, type, &face);
    return mr_entity_set_face(e, prop->slot, &face);
}

typedef struct compared {
    mr_entity *entity;
    const mr_property *prop;
} compared;

/* Arguments: what is compared, the new value. Pushes whether the program takes the committed value for the same. */
static int is_same_body(lua_State *L) {
    const compared *x = lua_touserdata(L, 1);
    mr_entity *e = x->entity;
    const mr_value *committed = mr_entity_committed(e, x->prop->slot);
    bool shown = bad_values_of(e, x->prop) == MR_BAD_VALUES_KEEP;
    push_attribute(L, e, x->prop, committed, shown ? MR_BAD_VALUES_KEEP : MR_BAD_VALUES_RAISE);
    lua_pushvalue(L, 2);
    lua_pushboolean(L, bind_equal_values(L, bind_decorator_of(e, x->prop), dialect_of(e)));
    return 1;
}

/* Is the value at idx the committed one, for the program? A stored value that cannot be read is none, and no NULL that
 * is shown in its place: nil is a new value. */
static bool is_same(lua_State *L, mr_entity *e, const mr_property *prop, int idx) {
    const mr_value *committed = mr_entity_committed(e, prop->slot);
    if (mr_entity_state(e) != MR_PERSISTENT || committed->kind == MR_UNLOADED || committed->kind >= MR_OPAQUE)
        return false;
    if (committed->kind == MR_NULL && committed->len == 1) return false; /* it replaces a misfit */
    compared x = {e, prop};
    lua_pushcfunction(L, is_same_body);
    lua_pushlightuserdata(L, &x);
    lua_pushvalue(L, idx);
    bool same = lua_pcall(L, 2, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return same;
}

mr_status bind_set_own_value(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx) {
    const mr_type *type = bind_decorator_of(e, prop);
    mr_status st;
    mr_value v;
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 12, "an attribute's value");
    bool null = lua_isnil(L, idx) || bind_is_null(L, idx),
         expression = lua_isuserdata(L, idx) && bind_test_node(L, idx);
    if (!null && !expression && is_key(e, prop)) return set_sent(L, b, e, prop, type, idx);
    mr_entity_touch(e);
    lua_pushvalue(L, idx);
    if (!expression && is_same(L, e, prop, idx)) {
        const mr_value *committed = mr_entity_committed(e, prop->slot);
        v = *committed;
        v.flags = 0;
    } else {
        bind_to_value(L, -1, type, &v); /* takes any value */
        lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
        bind_name_value(L, &v, lua_tostring(L, -1));
    }
    BIND_CALL(b, L, st = mr_attribute_set(e, prop, &v));
    return st;
}
