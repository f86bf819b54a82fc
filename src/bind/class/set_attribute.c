/*
 * set_attribute.c: a value that Lua assigns to an attribute of an object: a column's, an object, a list.
 *
 * Invariant: a validator is asked once, before the core sees the value; what is refused leaves the attribute as it was.
 */
#include <string.h>

#include "class.h"
#include "value/json.h"
#include "value/proxy.h"
#include "value/row.h"

/* Does the class refer to itself by a relationship without a remote_side? */
static bool has_no_remote_side(const mr_relationship *rel) {
    return rel->direction == MR_ONE_TO_MANY && rel->remote_side.len == 0 &&
           !(rel->reverse && rel->reverse->remote_side.len) &&
           (mr_mapper_isa(rel->parent, rel->target) || mr_mapper_isa(rel->target, rel->parent));
}

/* Pushes the class's key as remote_side takes it: "Node.id", or a list of such. */
static const char *push_key_names(lua_State *L, const mr_mapper *mapper) {
    lua_pushliteral(L, "");
    for (unsigned i = 0; i < mapper->npk; i++) {
        lua_pushfstring(L, "%s%s\"%s.%s\"", lua_tostring(L, -1), i ? ", " : "", mapper->name, bind_key_name(mapper, i));
        lua_remove(L, -2);
    }
    if (mapper->npk == 1) return lua_tostring(L, -1);
    return lua_pushfstring(L, "{ %s }", lua_tostring(L, -1));
}

/* Raises: the value at idx is no list for the collection, which what names. */
static void refuse_list(lua_State *L, const mr_property *prop, int idx, const char *what) {
    const mr_relationship *rel = prop->relationship;
    const char *cure = "";
    luaL_checkstack(L, 8, "a list");
    if (lua_isnil(L, idx) || bind_is_null(L, idx)) cure = " (an empty one is {})";
    else if (bind_test_entity(L, idx) && has_no_remote_side(rel))
        cure =
            lua_pushfstring(L,
                            " (a table that refers to itself: the side that refers to one object, such as the parent, "
                            "needs remote_side = %s)",
                            push_key_names(L, rel->target));
    else if (bind_test_entity(L, idx)) cure = " (one object: :append(object), or { object })";
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected a list of objects, got %s%s", what, bind_describe(L, idx), cure);
}

/* The length of the list of objects, or of the collection, at idx; raises for a table that is no list. */
static lua_Integer list_length(lua_State *L, const mr_entity *e, const mr_property *prop, int idx) {
    if (!lua_istable(L, idx) && bind_is_collection(L, idx)) return luaL_len(L, idx);
    if (!bind_is_plain_table(L, idx) && !bind_is_list(L, idx)) {
        lua_pushfstring(L, "%s.%s", e->mapper->name, prop->name);
        refuse_list(L, prop, idx, lua_tostring(L, -1));
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

/* Pushes what is at idx as a list: a collection of any kind, or for a dict a table of objects by their keys. Returns
 * the index of the list, which is idx for anything else. */
static int push_list(lua_State *L, mr_entity *e, const mr_property *prop, int idx) {
    if (!lua_istable(L, idx) && bind_is_collection(L, idx)) {
        bind_push_as_list(L, idx);
    } else if (prop->relationship->collection == MR_COLLECTION_DICT && bind_is_plain_table(L, idx)) {
        bind_push_core(L);
        lua_getfield(L, -1, "keyed_items");
        bind_push_collection(L, e, prop);
        lua_pushvalue(L, idx);
        lua_call(L, 2, 1);
    } else {
        return idx;
    }
    return lua_gettop(L);
}

/* Gives a collection the objects of the list at idx. */
static mr_status set_items(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx) {
    idx = push_list(L, e, prop, lua_absindex(L, idx));
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

/* Gives the column the value, which its validator has seen already, where it has one. */
static mr_status set_column(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, const mr_value *v) {
    mr_status st;
    b->validated = prop->validate ? e : NULL;
    b->validated_as = prop;
    BIND_CALL(b, L, st = mr_attribute_set(e, prop, v));
    b->validated = NULL;
    return st;
}

/* Does the slot hold the JSON? */
static bool holds(mr_entity *e, const mr_property *prop, const mr_value *json) {
    const mr_value *v = mr_entity_slot(e, prop->slot);
    return v->kind == MR_JSON && v->len == json->len && memcmp(v->u.s, json->u.s, v->len) == 0;
}

/* A listener was given the table, and may have changed it: pushes its text. */
static mr_value written_again(lua_State *L, const mr_property *prop, int table) {
    mr_value v;
    lua_pushvalue(L, table);
    if (!bind_to_json(L, -1, mr_column_type(prop->mapper->env, prop->column), &v)) v = mr_value_of(MR_JSON, 0);
    return v;
}

/* Gives a JSON column the table at the index. The object shows that very table from now on. Listeners are given it,
 * too. */
static mr_status set_table(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx) {
    int table = lua_absindex(L, idx);
    const char *outer = b->given_text;
    mr_status st;
    luaL_checkstack(L, 12, "a JSON value");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &b->given_text);
    lua_pushvalue(L, table);
    mr_value v = bind_column_value(L, e, prop, -1);
    lua_pushvalue(L, table);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &b->given_text);
    b->given_text = v.u.s;
    st = set_column(L, b, e, prop, &v);
    b->given_text = outer;
    lua_pushvalue(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &b->given_text);
    if (st != MR_OK) return st;
    if (e->mapper->attribute_hooks.len > 0) v = written_again(L, prop, table);
    if (holds(e, prop, &v)) bind_show_table(L, e, prop->slot, table);
    return MR_OK;
}

/* Is it a bad text that was read as it is (bad_values = "keep"), and is given again? */
static bool is_kept_text(lua_State *L, mr_entity *e, const mr_property *prop, int idx) {
    const mr_value *v = mr_entity_slot(e, prop->slot);
    if (v->kind != MR_JSON || mr_json_bad_of(v) != MR_JSON_BAD_KEEP || lua_type(L, idx) != LUA_TSTRING) return false;
    size_t len;
    const char *s = lua_tolstring(L, idx, &len);
    if (len != v->len || memcmp(s, v->u.s, len) != 0) return false;
    mr_strbuf text;
    mr_strbuf_init(&text, e->mapper->env);
    bool bad = mr_json_rewrite(e->mapper->env, s, len, &text, NULL) == MR_NOTFOUND;
    mr_strbuf_done(&text);
    return bad;
}

static mr_status set_json(lua_State *L, bind_state *b, mr_entity *e, const mr_property *prop, int idx) {
    mr_status st;
    if (lua_istable(L, idx)) return set_table(L, b, e, prop, idx);
    if (is_kept_text(L, e, prop, idx)) return MR_OK;
    mr_value v = bind_column_value(L, e, prop, idx);
    st = set_column(L, b, e, prop, &v);
    return st;
}

void bind_set_attribute(lua_State *L, bind_class *c, mr_entity *e, const mr_property *prop, int idx) {
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
        int top = lua_gettop(L);
        if (prop->validate) idx = bind_validate(L, e, prop, idx);
        if (bind_decorator_of(e, prop)) {
            st = bind_set_own_value(L, b, e, prop, idx);
        } else if (prop->column && prop->column->type && mr_type_is_json(prop->column->type)) {
            st = set_json(L, b, e, prop, idx);
        } else {
            mr_value v = bind_column_value(L, e, prop, idx);
            st = set_column(L, b, e, prop, &v);
        }
        lua_settop(L, top);
    }
    bind_check(L, st);
}
