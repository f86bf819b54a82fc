/*
 * json_edits.c: finds what the program has changed inside the tables that objects show.
 *
 * Invariant: a slot is set only if its table says something else than its text, however both are spelled. No Lua code
 * of the program runs while the registry's table is walked; rows are read again after the walk.
 */
#include "json_table.h"

#include <string.h>

#include "proxy.h"
#include "state/own.h"

/* What stands on the stack of a comparison. */
enum { SHOWN = 2, TEXT, WALK, STALE, KEY };

typedef struct comparison {
    bind_state *b;
    mr_session *session;
    mr_entity *entity; /* NULL: all of the session */
    mr_edits_act act;
    const mr_property *prop;
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
    if (status != MR_OK) return refuse_table(L, c, e, bind_slot_property(e->mapper, slot), type);
    const char *text = mr_strbuf_str(c->text);
    mr_value made = mr_type_json_value(type, text, c->text->len);
    if (bind_json_says(L, v, &made)) return MR_OK;
    return set_slot(e, slot, bind_slot_property(e->mapper, slot), &made);
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
    if (!bind_is_table_edited(L, tables - 1, tables + 2, e, slot)) return;
    lua_pushvalue(L, tables - 1);
    lua_rawseti(L, STALE, (lua_Integer)lua_rawlen(L, STALE) + 1);
    lua_pushinteger(L, (lua_Integer)slot);
    lua_rawseti(L, STALE, (lua_Integer)lua_rawlen(L, STALE) + 1);
}

/* The object at the index below the tables does not show the table at key and value on top any more. */
static void drop_table(lua_State *L, int tables, lua_Integer place) {
    bind_unshow(L, SHOWN, tables - 1, tables + 2);
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
    const mr_property *prop = e ? bind_slot_property(e->mapper, slot) : NULL;
    const mr_value *v;
    if (!prop || mr_session_of(e) != c->session || mr_entity_slot(e, slot)->flags & MR_VALUE_SHOWN) return;
    bind_check(L, mr_attribute_get(e, prop, &v));
    if (!bind_push_shown(L, self, slot)) return;
    if (!bind_is_row_unchanged(L, self, e, slot))
        bind_error(L, MR_ERR_STALE_DATA,
                   "%s.%s: its table was changed after it had expired, and the row has another value by now: read the "
                   "attribute again, and change what is there",
                   e->mapper->name, prop->name);
    bind_show(L, self, e, slot, self + 1, false);
    if (compare_slot(L, c, e, slot, mr_entity_slot(e, slot)) != MR_OK) bind_raise(L);
    lua_pushvalue(L, self);
    lua_rawget(L, SHOWN);
    note_hash(L, c, lua_gettop(L), (lua_Integer)slot + 1);
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

/* The Lua part does the same for composite values: core.composite_edits(session, entity, flushing), or
 * core.composite_drop(session, entity). Returns whether there are any. */
static bool compare_composites(lua_State *L, const comparison *c) {
    int top = lua_gettop(L);
    bind_push_core(L);
    lua_getfield(L, -1, c->act == MR_EDITS_DROP ? "composite_drop" : "composite_edits");
    if (c->session) lua_pushlightuserdata(L, c->session);
    else lua_pushnil(L);
    if (c->entity) bind_push_entity(L, c->entity);
    else lua_pushnil(L);
    lua_pushboolean(L, c->act == MR_EDITS_FLUSH);
    lua_call(L, 3, 1);
    bool any = lua_toboolean(L, -1);
    lua_settop(L, top);
    return any;
}

static int compare_body(lua_State *L) {
    comparison *c = lua_touserdata(L, 1);
    luaL_checkstack(L, 40, "comparing JSON");
    lua_settop(L, 1);
    comparison failed = {.b = c->b, .act = MR_EDITS_DROP};
    if (c->b->drop_failed) compare_composites(L, &failed);
    bool any = compare_composites(L, c);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_shown_key);
    if (c->act == MR_EDITS_DROP || c->b->drop_failed) {
        drop(L, c->b->drop_failed ? &failed : c);
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

/* MR_EDITS_SET: core.composite_set(entity, name). */
static int note_set(lua_State *L) {
    const comparison *c = lua_touserdata(L, 1);
    bind_push_core(L);
    lua_getfield(L, -1, "composite_set");
    bind_push_entity(L, c->entity);
    lua_pushstring(L, c->prop->name);
    lua_call(L, 2, 0);
    return 0;
}

/* mr_edits_fn */
static mr_status compare(void *ud, const mr_edits *what) {
    bind_state *b = ud;
    comparison c = {.b = b, .act = what->act, .session = what->session, .entity = what->entity, .prop = what->prop};
    if (c.act == MR_EDITS_SET) return bind_callback_mistake(b->env, note_set, &c);
    if (b->comparing) return MR_OK; /* it reads a row: nothing is changed meanwhile */
    b->comparing = true;
    if (c.session) mr_session_block_autoflush(c.session, 1); /* rows of expired values are read */
    mr_status status = bind_callback_mistake(b->env, compare_body, &c);
    if (c.session) mr_session_block_autoflush(c.session, -1);
    b->comparing = false;
    if (c.act == MR_EDITS_DROP && status != MR_OK) b->drop_failed = true; /* it is done before the next comparison */
    return status;
}

void bind_open_json_edits(lua_State *L) {
    bind_state *b = bind_of(L);
    if (mr_session_set_edits(b->env, compare, b) != MR_OK) bind_raise(L);
}
