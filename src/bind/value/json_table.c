/*
 * json_table.c: the tables that objects show for their JSON columns, and the edits inside them.
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
#include "json.h"
#include "proxy.h"
#include "state/own.h"

#include <string.h>

/* Registry: an ephemeron table: an object to the table of its tables; and each of these to its object, or to the set of
 * those that show it. Of an object's slot: its table, at slot plus one; under the negative number, how it was given
 * (nil: it was read); and, at HASH behind it, the hash of the text that the last flush knew. */
static const char shown_key = 0;

enum { GIVEN = 1, GIVEN_AND_FLUSHED };
enum { HASH = 1 << 20 }; /* more than there are slots */

/* ---------------------------------------------------------------- showing */

/* Pushes the table that the object (at index self) shows for the slot, which is read now; false: none, and nothing is
 * pushed. */
static bool push_shown(lua_State *L, int self, unsigned slot) {
    int top = lua_gettop(L);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_key);
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
static void remove_object(lua_State *L, int shown, int self, int table) {
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
static void show(lua_State *L, int self, mr_entity *e, unsigned slot, int table, bool given) {
    int top = lua_gettop(L), shown = top + 1;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_key);
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
    lua_pushnil(L);
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
    show(L, lua_gettop(L), e, slot, idx, true);
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
    show(L, self, e, prop->slot, lua_gettop(L), false);
}

static const mr_property *property_of_slot(const mr_mapper *mapper, unsigned slot) {
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
static bool says(lua_State *L, const mr_value *json, const mr_value *written) {
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
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_key);
    lua_pushvalue(L, self);
    if (lua_rawget(L, -2) == LUA_TTABLE) lua_rawgeti(L, -1, (lua_Integer)slot + 1 + HASH);
    else lua_pushnil(L);
    lua_replace(L, -3);
    lua_pop(L, 1);
    return lua_type(L, -1);
}

/* Does the row still say what it said when a flush compared the table last? Then whatever is in the table now is the
 * program's. */
static bool is_row_unchanged(lua_State *L, int self, mr_entity *e, unsigned slot) {
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
        same = now->kind == MR_JSON && says(L, now, &made);
    }
    mr_env_clear_error(env);
    mr_strbuf_done(text);
    lua_pop(L, 1);
    return same;
}

/* Has the table at the index changed since a flush has compared it? */
static bool is_edited(lua_State *L, int self, int table, mr_entity *e, unsigned slot) {
    mr_strbuf *text = bind_own_strbuf(L);
    const mr_property *prop = property_of_slot(e->mapper, slot);
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
    if (!push_shown(L, self, slot)) return false;
    bool again = is_as_read(L, top + 1, e, slot);
    if (!again && is_row_unchanged(L, self, e, slot)) again = is_edited(L, self, top + 1, e, slot);
    if (again) show(L, self, e, slot, top + 1, false);
    else lua_settop(L, top);
    return again;
}

void bind_push_json_attribute(lua_State *L, int self, mr_entity *e, const mr_property *prop, const mr_value *v) {
    self = lua_absindex(L, self);
    luaL_checkstack(L, 16, "a JSON value");
    bool shown = v->flags & MR_VALUE_SHOWN ? push_shown(L, self, prop->slot) : push_again(L, self, e, prop->slot);
    if (!shown) read_attribute(L, self, e, prop, v);
    if (lua_istable(L, -1)) bind_proxy_anchor_reader(L, self, e);
}

/* ---------------------------------------------------------------- comparing */

/* What stands on the stack of a comparison. */
enum { SHOWN = 2, TEXT, WALK, STALE, KEY };

typedef struct comparison {
    bind_state *b;
    mr_session *session;
    mr_entity *entity; /* NULL: all of the session */
    mr_edits_act act;
    mr_strbuf *text;
    bind_json_walk *walk;
} comparison;

/* The table on top cannot be stored: records the error, with its place. The object counts as changed. */
static mr_status refuse_table(lua_State *L, const comparison *c, mr_entity *e, const mr_property *prop,
                              const mr_type *type) {
    int table = lua_gettop(L);
    const char *what = lua_pushfstring(L, "%s.%s", e->mapper->name, prop ? prop->name : "?");
    mr_entity_mark_modified(e);
    mr_strbuf_clear(c->text);
    mr_status status = bind_write_json(L, table, type, what, MR_ERR_DATA, c->text, c->walk, NULL);
    lua_settop(L, table);
    return status;
}

/* The slot has got another text. */
static mr_status set_slot(mr_entity *e, unsigned slot, const mr_property *prop, const mr_value *made) {
    if (!prop || (!prop->computed && prop->kind == MR_PROPERTY_COLUMN)) {
        mr_status status = mr_entity_set(e, slot, made);
        if (status == MR_OK) mr_entity_mark_shown(e, slot);
        return status;
    }
    return mr_fail(e->mapper->env, MR_ERR_DATA,
                   "%s.%s is computed by the database, and its table was changed: change the columns it is made of "
                   "(refresh() reads it again)",
                   e->mapper->name, prop->name);
}

/* Compares the table on top with the slot's text. MR_FAIL: the table cannot be stored. */
static mr_status compare_slot(lua_State *L, const comparison *c, mr_entity *e, unsigned slot, const mr_value *v) {
    const mr_type *type = mr_type_of_json(c->b->env, v);
    mr_strbuf_clear(c->text);
    mr_status status = bind_write_json(L, lua_gettop(L), type, "", MR_ERR_DATA, c->text, c->walk, NULL);
    if (status != MR_OK) return refuse_table(L, c, e, property_of_slot(e->mapper, slot), type);
    const char *text = mr_strbuf_str(c->text);
    mr_value made = mr_type_json_value(type, text, c->text->len);
    if (says(L, v, &made)) return MR_OK;
    return set_slot(e, slot, property_of_slot(e->mapper, slot), &made);
}

/* How the table of the slot was given; 0: it was read. tables: the index of the object's tables. */
static int given_as(lua_State *L, int tables, lua_Integer place) {
    lua_rawgeti(L, tables, -place);
    int given = (int)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return given;
}

/* Has the object a table for the slot, which may be another one after a flush? */
static bool is_kept(const mr_entity *e, unsigned slot, const mr_value *v, int given) {
    bool written = mr_entity_state(e) == MR_PERSISTENT && !mr_entity_is_dirty(e, slot);
    if (given == GIVEN_AND_FLUSHED && written) return false;
    if (v->kind == MR_UNLOADED) return !given; /* it has expired: the table may be shown again */
    return v->kind == MR_JSON && v->flags & MR_VALUE_SHOWN;
}

/* Notes what the slot's text is, now that the table has been compared with it. */
static void note_hash(lua_State *L, const comparison *c, int tables, lua_Integer place) {
    lua_pushinteger(L, (lua_Integer)mr_hash_bytes(mr_strbuf_str(c->text), c->text->len));
    lua_rawseti(L, tables, place + HASH);
}

/* The value has expired. If the table was changed since, the object and the slot are added to the list at STALE. */
static void note_stale(lua_State *L, int tables, mr_entity *e, unsigned slot) {
    if (!is_edited(L, tables - 1, tables + 2, e, slot)) return;
    lua_pushvalue(L, tables - 1);
    lua_rawseti(L, STALE, (lua_Integer)lua_rawlen(L, STALE) + 1);
    lua_pushinteger(L, (lua_Integer)slot);
    lua_rawseti(L, STALE, (lua_Integer)lua_rawlen(L, STALE) + 1);
}

/* The object at the index below the tables does not show the table at key and value on top any more. */
static void drop_table(lua_State *L, int tables, lua_Integer place) {
    remove_object(L, SHOWN, tables - 1, tables + 2);
    lua_pushnil(L);
    lua_rawseti(L, tables, place);
}

/* Compares the tables of the object, which are in the table on top, with the object below. *any: does it show any? */
static mr_status compare_object(lua_State *L, const comparison *c, mr_entity *e, bool *any) {
    int tables = lua_gettop(L);
    bool flushed = c->act == MR_EDITS_FLUSH && mr_session_of(e) == c->session;
    *any = false;
    mr_entity_touch(e);
    for (lua_pushnil(L); lua_next(L, tables); lua_settop(L, tables + 1)) {
        lua_Integer place = lua_tointeger(L, tables + 1);
        if (place < 0 || place > HASH) continue;
        unsigned slot = (unsigned)(place - 1);
        const mr_value *v = mr_entity_slot(e, slot);
        int given = given_as(L, tables, place);
        if (!is_kept(e, slot, v, given)) {
            drop_table(L, tables, place);
            continue;
        }
        *any = true;
        if (v->kind == MR_UNLOADED) {
            if (flushed) note_stale(L, tables, e, slot);
            continue;
        }
        if (compare_slot(L, c, e, slot, v) != MR_OK) return MR_FAIL;
        if (!given) {
            note_hash(L, c, tables, place);
        } else if (flushed) {
            lua_pushinteger(L, GIVEN_AND_FLUSHED);
            lua_rawseti(L, tables, -place);
        }
    }
    return MR_OK;
}

/* The object at the index key, and its tables behind it. Returns whether it still shows any. */
static bool compare_one(lua_State *L, const comparison *c, int key) {
    const bind_proxy *p = lua_touserdata(L, key);
    mr_entity *e = mr_heap_get(c->b->heap, p->slot, p->generation);
    mr_session *s = e ? mr_session_of(e) : NULL;
    bool any;
    if (!e) return false;
    if (c->session && s && s != c->session) return true;
    if (compare_object(L, c, e, &any) != MR_OK) {
        /* Without a session, nobody flushes it: when it is added, a flush will find the mistake. */
        if (s || c->entity) bind_raise(L);
        mr_env_clear_error(c->b->env);
        return true;
    }
    if (!c->entity) bind_proxy_release_reader(L, e);
    return any;
}

/* The object on top has expired, and the table that it showed for the slot was changed since: reads the row again, and
 * sets the slot. StaleDataError: the row has changed, too. */
static void set_stale(lua_State *L, const comparison *c, unsigned slot) {
    int self = lua_gettop(L);
    mr_entity *e = bind_test_entity(L, self);
    const mr_property *prop = e ? property_of_slot(e->mapper, slot) : NULL;
    const mr_value *v;
    if (!prop || mr_session_of(e) != c->session || mr_entity_slot(e, slot)->flags & MR_VALUE_SHOWN) return;
    mr_session_block_autoflush(c->session, 1);
    mr_status status = mr_attribute_get(e, prop, &v);
    mr_session_block_autoflush(c->session, -1);
    bind_check(L, status);
    if (!push_shown(L, self, slot)) return;
    if (!is_row_unchanged(L, self, e, slot))
        bind_error(L, MR_ERR_STALE_DATA,
                   "%s.%s: its table was changed after it had expired, and the row has another value by now: read the "
                   "attribute again, and change what is there",
                   e->mapper->name, prop->name);
    show(L, self, e, slot, self + 1, false);
    if (compare_slot(L, c, e, slot, mr_entity_slot(e, slot)) != MR_OK) bind_raise(L);
    lua_pushvalue(L, self);
    lua_rawget(L, SHOWN);
    note_hash(L, c, lua_gettop(L), (lua_Integer)slot + 1);
}

/* The Lua part does the same for composite values: core.composite_edits(session, entity). Returns whether there are
 * any. */
static bool compare_composites(lua_State *L, const comparison *c) {
    int top = lua_gettop(L);
    bind_push_core(L);
    lua_getfield(L, -1, "composite_edits");
    lua_pushlightuserdata(L, c->session);
    if (c->entity) bind_push_entity(L, c->entity);
    else lua_pushnil(L);
    lua_call(L, 2, 1);
    bool any = lua_toboolean(L, -1);
    lua_settop(L, top);
    return any;
}

/* The object on top, and its tables behind it: forgets the tables of values that have expired. Allocates nothing. */
static void forget_expired(lua_State *L, const comparison *c) {
    int tables = lua_gettop(L);
    const bind_proxy *p = lua_touserdata(L, tables - 1);
    mr_entity *e = mr_heap_get(c->b->heap, p->slot, p->generation);
    if (!e || (c->session && mr_session_of(e) != c->session)) return;
    mr_entity_touch(e);
    for (lua_pushnil(L); lua_next(L, tables); lua_settop(L, tables + 1)) {
        lua_Integer place = lua_tointeger(L, tables + 1);
        if (place > 0 && place < HASH && mr_entity_slot(e, (unsigned)(place - 1))->kind == MR_UNLOADED)
            drop_table(L, tables, place);
    }
}

/* MR_EDITS_DROP. Allocates nothing. */
static void drop(lua_State *L, const comparison *c) {
    lua_settop(L, SHOWN);
    if (c->entity) {
        bind_push_chunks(L);
        if (bind_push_known_entity(L, SHOWN + 1, c->b->heap, c->entity)) {
            lua_pushvalue(L, -1);
            if (lua_rawget(L, SHOWN) == LUA_TTABLE) forget_expired(L, c);
            return;
        }
        lua_settop(L, SHOWN);
    }
    for (lua_pushnil(L); lua_next(L, SHOWN); lua_settop(L, SHOWN + 1)) {
        const bind_proxy *p = lua_touserdata(L, SHOWN + 1);
        if (p && (!c->entity || p->slot == c->entity->heap_slot)) forget_expired(L, c);
    }
}

static int compare_body(lua_State *L) {
    comparison *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 40, "comparing JSON");
    lua_settop(L, 1);
    bool any = c->act != MR_EDITS_DROP && compare_composites(L, c);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_key);
    if (c->act == MR_EDITS_DROP || c->b->drop_failed) {
        comparison all = {.b = c->b};
        drop(L, c->b->drop_failed ? &all : c);
        c->b->drop_failed = false;
        if (c->act == MR_EDITS_DROP) return 0;
        lua_settop(L, SHOWN);
    }
    c->text = bind_own_strbuf(L);
    c->walk = bind_push_json_walk(L);
    lua_newtable(L);
    if (c->entity) {
        bind_push_entity(L, c->entity);
        lua_pushvalue(L, KEY);
        if (lua_rawget(L, SHOWN) == LUA_TTABLE) compare_one(L, c, KEY);
        return 0;
    }
    for (lua_pushnil(L); lua_next(L, SHOWN); lua_settop(L, KEY)) {
        if (lua_type(L, KEY) != LUA_TUSERDATA) continue;
        if (compare_one(L, c, KEY)) {
            any = true;
        } else {
            lua_pushvalue(L, KEY);
            lua_pushnil(L);
            lua_rawset(L, SHOWN);
        }
    }
    if (!any) mr_session_expect_edits(c->b->env, false);
    lua_Integer n = (lua_Integer)lua_rawlen(L, STALE);
    for (lua_Integer i = 1; i < n; i += 2) {
        lua_rawgeti(L, STALE, i + 1);
        unsigned slot = (unsigned)lua_tointeger(L, -1);
        lua_rawgeti(L, STALE, i);
        set_stale(L, c, slot);
        lua_settop(L, STALE);
    }
    return 0;
}

/* mr_edits_fn */
static mr_status compare(void *ud, mr_edits_act act, mr_session *session, mr_entity *entity) {
    comparison c = {.b = ud, .act = act, .session = session, .entity = entity};
    if (c.b->comparing) return MR_OK; /* it reads a row: nothing is changed meanwhile */
    c.b->comparing = true;
    mr_status status = bind_callback_mistake(c.b->env, compare_body, &c);
    c.b->comparing = false;
    if (act == MR_EDITS_DROP && status != MR_OK) c.b->drop_failed = true; /* it is done before the next comparison */
    return status;
}

void bind_open_json_table(lua_State *L) {
    bind_state *b = bind_of(L);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "k");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &shown_key);
    if (mr_session_set_edits(b->env, compare, b) != MR_OK) bind_raise(L);
}
