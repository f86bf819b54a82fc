/*
 * json_table.c: the tables that objects show for their JSON columns.
 *
 * Invariant: a slot marked MR_VALUE_SHOWN has a table, which says what the slot's text says, and what the program has
 * changed since. Whatever else gives the slot a value takes the mark away: the table is shown again only if it says
 * what the new text says, as after a commit, when the row is read again. An object lives as long as its table does: the
 * table's user may have nothing else. After the object was read it is anchored until a flush has compared:
 * obj.settings.x = 1 leaves nothing that the program holds.
 *
 * A table that was assigned, and that nobody has read from the object since, is the program's own: it belongs to the
 * object until a flush has written it, and may be filled anew for the next object then.
 */
#include "json_table.h"

#include "proxy.h"
#include "state/own.h"

#include <stdio.h>
#include <string.h>

const char bind_shown_key = 0;

/* ---------------------------------------------------------------- showing */

/* Pushes the table that the object (at index self) shows for the slot, which is read now; false: none, and nothing is
 * pushed. */
bool bind_push_shown(lua_State *L, int self, unsigned slot) {
    int top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_shown_key);
    lua_pushvalue(L, self);
    bool found = lua_rawget(L, -2) == LUA_TTABLE && lua_rawgeti(L, -1, (lua_Integer)slot + 1) == LUA_TTABLE;
    if (found) {
        lua_pushnil(L);
        lua_rawseti(L, top + 2, -(lua_Integer)slot - 1);
        lua_replace(L, top + 1);
    }
    lua_settop(L, found ? top + 1 : top);
    return found;
}

/* Notes that the object at index self shows the table; shown: the index of the registry's table. */
static void add_object(lua_State *L, int shown, int self, int table) {
    int top = lua_gettop(L);
    lua_pushvalue(L, table);
    int before = lua_rawget(L, shown);
    if (before == LUA_TUSERDATA && !lua_rawequal(L, -1, self)) {
        lua_createtable(L, 0, 2);
        lua_pushvalue(L, -2);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
        lua_pushvalue(L, table);
        lua_pushvalue(L, -2);
        lua_rawset(L, shown);
        before = LUA_TTABLE;
    }
    if (before == LUA_TTABLE) {
        lua_pushvalue(L, self);
        lua_pushboolean(L, 1);
        lua_rawset(L, -3);
    } else if (before == LUA_TNIL) {
        lua_pushvalue(L, table);
        lua_pushvalue(L, self);
        lua_rawset(L, shown);
    }
    lua_settop(L, top);
}

/* The object at index self does not show the table at the index any more. */
void bind_unshow(lua_State *L, int shown, int self, int table) {
    int top = lua_gettop(L);
    lua_pushvalue(L, table);
    if (lua_rawget(L, shown) == LUA_TTABLE) {
        lua_pushvalue(L, self);
        lua_pushnil(L);
        lua_rawset(L, -3);
    } else if (lua_rawequal(L, -1, self)) {
        lua_pushvalue(L, table);
        lua_pushnil(L);
        lua_rawset(L, shown);
    }
    lua_settop(L, top);
}

/* The object shows the table at the index. */
void bind_show(lua_State *L, int self, mr_entity *e, unsigned slot, int table, bool given) {
    int top = lua_gettop(L), shown = top + 1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_shown_key);
    lua_pushvalue(L, self);
    if (lua_rawget(L, shown) != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, self);
        lua_pushvalue(L, -2);
        lua_rawset(L, shown);
    }
    lua_pushvalue(L, table);
    lua_rawseti(L, -2, (lua_Integer)slot + 1);
    if (given) lua_pushinteger(L, GIVEN);
    else lua_pushnil(L);
    lua_rawseti(L, -2, -(lua_Integer)slot - 1);
    lua_pushboolean(L, false); /* the key is there: a comparison, which goes through the keys, adds none */
    lua_rawseti(L, -2, (lua_Integer)slot + 1 + HASH);
    add_object(L, shown, self, table);
    lua_settop(L, top);
    mr_entity_mark_shown(e, slot);
    mr_session_expect_edits(e->mapper->env, true);
}

void bind_show_table(lua_State *L, mr_entity *e, unsigned slot, int idx) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 16, "a JSON value");
    bind_push_entity(L, e);
    bind_show(L, lua_gettop(L), e, slot, idx, true);
    lua_pop(L, 1);
}

/* Raises, or pushes what bad_values says: the attribute's text is bad. */
static void push_bad(lua_State *L, const mr_entity *e, const mr_property *prop, const mr_value *v) {
    enum { SIZE = 160 };
    char what[SIZE], row[SIZE] = "";
    mr_strbuf words;
    snprintf(what, sizeof what, "%s.%s", e->mapper->name, prop->name);
    mr_value identity = mr_entity_identity(e);
    if (identity.kind != MR_UNLOADED) {
        mr_strbuf_init(&words, e->mapper->env);
        mr_identity_describe(e->mapper, &identity, &words);
        snprintf(row, sizeof row, "%s", words.oom ? "" : mr_strbuf_str(&words));
        mr_strbuf_done(&words);
    }
    bind_push_json(L, v, what, row[0] ? row : NULL);
}

/* Reads the text. Its table is shown from now on, unless a finalizer has set the attribute meanwhile. */
static void read_attribute(lua_State *L, int self, mr_entity *e, const mr_property *prop, const mr_value *v) {
    const char *text = v->u.s;
    char why[MR_JSON_WHY];
    mr_status status = bind_read_json(L, v, why);
    if (status == MR_FAIL) bind_raise(L);
    if (status != MR_OK) {
        push_bad(L, e, prop, v);
        return;
    }
    const mr_value *now = mr_entity_slot(e, prop->slot);
    if (!lua_istable(L, -1) || now->kind != MR_JSON || now->u.s != text) return;
    bind_show(L, self, e, prop->slot, lua_gettop(L), false);
}

const mr_property *bind_slot_property(const mr_mapper *mapper, unsigned slot) {
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if ((prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_EXPRESSION) && prop->slot == slot)
            return prop;
    }
    return NULL;
}

/* Appends what the text says as it would be written again: the items of an Array in the form of their type. false: it
 * says nothing, or there is no memory; no error stays recorded. */
static bool write_as_read(lua_State *L, const mr_value *json, mr_strbuf *out) {
    mr_env *env = bind_of(L)->env;
    const mr_type *type = mr_type_of_json(env, json);
    int top = lua_gettop(L);
    char why[MR_JSON_WHY];
    mr_status status = MR_OK;
    if (!type->item) {
        status = mr_json_rewrite(env, json->u.s, json->len, out, NULL);
    } else {
        status = bind_read_json(L, json, why);
        if (status == MR_OK) status = bind_write_json(L, top + 1, type, "", MR_ERR_DATA, out, NULL, NULL);
    }
    lua_settop(L, top);
    if (status != MR_OK) mr_env_clear_error(env);
    return status == MR_OK;
}

/* *out: the hash of what the slot's text says. false: it says nothing. */
static bool hash_of(lua_State *L, const mr_value *json, lua_Integer *out) {
    mr_strbuf *text = bind_own_strbuf(L);
    bool good = write_as_read(L, json, text);
    if (good) *out = (lua_Integer)mr_hash_bytes(mr_strbuf_str(text), text->len);
    mr_strbuf_done(text);
    lua_pop(L, 1);
    return good;
}

/* Does the text say what the other one, as it is written, says? */
bool bind_json_says(lua_State *L, const mr_value *json, const mr_value *written) {
    if (json->len == written->len && memcmp(json->u.s, written->u.s, json->len) == 0) return true;
    mr_strbuf *text = bind_own_strbuf(L);
    bool same = write_as_read(L, json, text) && text->len == written->len &&
                memcmp(mr_strbuf_str(text), written->u.s, text->len) == 0;
    mr_strbuf_done(text);
    lua_pop(L, 1);
    return same;
}

/* Pushes the hash that the last flush knew of the table that the object at index self has for the slot, or nil. */
static int push_hash(lua_State *L, int self, unsigned slot) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_shown_key);
    lua_pushvalue(L, self);
    if (lua_rawget(L, -2) == LUA_TTABLE) lua_rawgeti(L, -1, (lua_Integer)slot + 1 + HASH);
    else lua_pushnil(L);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return lua_type(L, -1);
}

/* Does the row still say what it said when a flush compared the table last? Then whatever is in the table now is the
 * program's. */
bool bind_is_row_unchanged(lua_State *L, int self, mr_entity *e, unsigned slot) {
    lua_Integer now;
    const mr_value *v = mr_entity_slot(e, slot);
    bool same = push_hash(L, self, slot) == LUA_TNUMBER && v->kind == MR_JSON && hash_of(L, v, &now) &&
                now == lua_tointeger(L, -1);
    lua_pop(L, 1);
    mr_env_clear_error(e->mapper->env);
    return same;
}

/* Does the table at the index say what the slot's text says, and would reading that give such a table? */
static bool is_as_read(lua_State *L, int table, mr_entity *e, unsigned slot) {
    mr_env *env = e->mapper->env;
    mr_strbuf *text = bind_own_strbuf(L);
    const mr_type *type = mr_type_of_json(env, mr_entity_slot(e, slot));
    bool exact, same = bind_write_json(L, table, type, "", MR_ERR_DATA, text, NULL, &exact) == MR_OK && exact;
    if (same) {
        mr_value made = mr_type_json_value(type, mr_strbuf_str(text), text->len);
        const mr_value *now = mr_entity_slot(e, slot);
        same = now->kind == MR_JSON && bind_json_says(L, now, &made);
    }
    mr_env_clear_error(env);
    mr_strbuf_done(text);
    lua_pop(L, 1);
    return same;
}

/* Has the table at the index changed since a flush has compared it? */
bool bind_is_table_edited(lua_State *L, int self, int table, mr_entity *e, unsigned slot) {
    mr_strbuf *text = bind_own_strbuf(L);
    const mr_property *prop = bind_slot_property(e->mapper, slot);
    const mr_type *type =
        prop && prop->column && prop->column->type ? prop->column->type : mr_type_simple(MR_TYPE_JSON);
    mr_status status = bind_write_json(L, table, type, "", MR_ERR_DATA, text, NULL, NULL);
    lua_Integer now = status == MR_OK ? (lua_Integer)mr_hash_bytes(mr_strbuf_str(text), text->len) : 0;
    mr_strbuf_done(text);
    lua_pop(L, 1);
    if (status != MR_OK) mr_env_clear_error(e->mapper->env); /* what cannot be stored is an edit, too */
    bool edited = push_hash(L, self, slot) == LUA_TNUMBER && (status != MR_OK || now != lua_tointeger(L, -1));
    lua_pop(L, 1);
    return edited;
}

/* Pushes the table that the object has shown for the slot before its value was read again, if the row still says the
 * same: what the program keeps in a variable stays the object's. */
static bool push_again(lua_State *L, int self, mr_entity *e, unsigned slot) {
    int top = lua_gettop(L);
    if (bind_of(L)->drop_failed) return false; /* it may be one to be forgotten */
    if (!bind_push_shown(L, self, slot)) return false;
    bool again = is_as_read(L, top + 1, e, slot);
    if (!again && bind_is_row_unchanged(L, self, e, slot)) again = bind_is_table_edited(L, self, top + 1, e, slot);
    if (again) bind_show(L, self, e, slot, top + 1, false);
    else lua_settop(L, top);
    return again;
}

void bind_push_json_attribute(lua_State *L, int self, mr_entity *e, const mr_property *prop, const mr_value *v) {
    self = lua_absindex(L, self);
    luaL_checkstack(L, 16, "a JSON value");
    bool shown = v->flags & MR_VALUE_SHOWN ? bind_push_shown(L, self, prop->slot) : push_again(L, self, e, prop->slot);
    if (!shown) read_attribute(L, self, e, prop, v);
    if (lua_istable(L, -1)) bind_proxy_anchor_reader(L, self, e);
}

/* ---------------------------------------------------------------- opening */

void bind_open_json_table(lua_State *L) {
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &bind_shown_key);
}
