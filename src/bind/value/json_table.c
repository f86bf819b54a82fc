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
 * those that show it. Of an object's slot: its table, at slot plus one, and, under the negative number, how it was
 * given: nil, it was read. */
static const char shown_key = 0;

enum { GIVEN = 1, GIVEN_AND_FLUSHED };

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

/* Pushes the table that the object has shown for the slot before its value was read again, if the text still says the
 * same: what the program keeps in a variable stays the object's. */
static bool push_again(lua_State *L, int self, mr_entity *e, unsigned slot, const mr_value *v) {
    bind_state *b = bind_of(L);
    int top = lua_gettop(L);
    if (!push_shown(L, self, slot)) return false;
    const mr_type *type = mr_type_of_json(b->env, v);
    mr_strbuf *text = bind_own_strbuf(L);
    bool exact, same = bind_write_json(L, top + 1, type, "", MR_ERR_DATA, text, NULL, &exact) == MR_OK && exact;
    if (same) {
        mr_value made = mr_type_json_value(type, mr_strbuf_str(text), text->len);
        const mr_value *now = mr_entity_slot(e, slot);
        same = now->kind == MR_JSON && mr_json_same(b->env, &made, now);
    }
    mr_env_clear_error(b->env);
    mr_strbuf_done(text);
    lua_settop(L, same ? top + 1 : top);
    if (same) show(L, self, e, slot, top + 1, false);
    return same;
}

void bind_push_json_attribute(lua_State *L, int self, mr_entity *e, const mr_property *prop, const mr_value *v) {
    self = lua_absindex(L, self);
    luaL_checkstack(L, 16, "a JSON value");
    bool shown = v->flags & MR_VALUE_SHOWN ? push_shown(L, self, prop->slot) : push_again(L, self, e, prop->slot, v);
    if (!shown) read_attribute(L, self, e, prop, v);
    if (lua_istable(L, -1)) bind_proxy_anchor_reader(L, self, e);
}

/* ---------------------------------------------------------------- comparing */

static const mr_property *property_of_slot(const mr_mapper *mapper, unsigned slot) {
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        if ((prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_EXPRESSION) && prop->slot == slot)
            return prop;
    }
    return NULL;
}

/* What stands on the stack of a comparison. */
enum { SHOWN = 2, TEXT, WALK, KEY };

typedef struct comparison {
    bind_state *b;
    mr_session *session;
    mr_entity *entity; /* NULL: all of the session */
    bool flushes;      /* a flush follows */
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
static mr_status set_slot(mr_entity *e, unsigned slot, const mr_property *prop, const mr_value *v,
                          const mr_value *made) {
    if (!prop || (!prop->computed && prop->kind == MR_PROPERTY_COLUMN)) {
        mr_status status = mr_entity_set(e, slot, made);
        if (status == MR_OK) mr_entity_mark_shown(e, slot);
        return status;
    }
    if (mr_json_same(e->mapper->env, made, v)) return MR_OK;
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
    if (c->text->len == v->len && memcmp(text, v->u.s, v->len) == 0) return MR_OK;
    mr_value made = mr_type_json_value(type, text, c->text->len);
    return set_slot(e, slot, property_of_slot(e->mapper, slot), v, &made);
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

/* Compares the tables of the object, which are in the table on top, with the object below. *any: does it show any? */
static mr_status compare_object(lua_State *L, const comparison *c, mr_entity *e, bool *any) {
    int tables = lua_gettop(L);
    *any = false;
    mr_entity_touch(e);
    for (lua_pushnil(L); lua_next(L, tables); lua_settop(L, tables + 1)) {
        lua_Integer place = lua_tointeger(L, tables + 1);
        if (place < 0) continue;
        unsigned slot = (unsigned)(place - 1);
        const mr_value *v = mr_entity_slot(e, slot);
        int given = given_as(L, tables, place);
        if (!is_kept(e, slot, v, given)) {
            remove_object(L, SHOWN, tables - 1, tables + 2);
            lua_pushnil(L);
            lua_rawseti(L, tables, place);
            continue;
        }
        *any = true;
        if (v->kind == MR_JSON && compare_slot(L, c, e, slot, v) != MR_OK) return MR_FAIL;
        if (given && c->flushes) {
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

static int compare_body(lua_State *L) {
    comparison *c = lua_touserdata(L, 1);
    bool any = false;
    luaL_checkstack(L, 24, "comparing JSON");
    lua_settop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &shown_key);
    c->text = bind_own_strbuf(L);
    c->walk = bind_push_json_walk(L);
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
    return 0;
}

/* mr_edits_fn */
static mr_status compare(void *ud, mr_session *session, mr_entity *entity, bool flushes) {
    comparison c = {.b = ud, .session = session, .entity = entity, .flushes = flushes};
    return bind_callback_mistake(c.b->env, compare_body, &c);
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
