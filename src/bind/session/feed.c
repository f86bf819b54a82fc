/*
 * feed.c: what commits have changed, for the Lua part (lua/moonrow/changes.lua): the feed of an engine, and a walk
 * through its sets.
 *
 * Invariant: a Feed holds one reference of its feed, a walk one of the set that it stands at. A change is made a table
 * when the walk comes to it, and not before.
 */
#include <string.h>

#include "state/own.h"
#include "value/class.h"
#include "value/decorated.h"
#include "value/engine.h"
#include "value/row.h"
#include "value/session.h"

#include "feed.h"

#define BIND_CHANGE_WALK "moonrow.ChangeWalk"

/* ---------------------------------------------------------------- feeds */

static mr_feed **feed_arg(lua_State *L, const char *function) {
    mr_feed **feed = bind_arg(L, 1, BIND_FEED, function);
    if (!*feed) bind_error(L, MR_ERR_INVALID_REQUEST, "%s: nothing is recorded any more", function);
    return feed;
}

static int feed_gc(lua_State *L) {
    mr_feed **feed = bind_test(L, 1, BIND_FEED);
    if (!feed || !*feed || !bind_peek(L)) return 0;
    mr_feed_release(*feed);
    *feed = NULL;
    return 0;
}

/* core.feed(engine): its feed; from now on commits are recorded. */
static int core_feed(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_engine *engine = ((bind_engine *)bind_arg(L, 1, BIND_ENGINE, "changes_since"))->engine;
    mr_feed **feed = lua_newuserdatauv(L, sizeof(mr_feed *), 1);
    *feed = NULL;
    bind_set_type(L, BIND_FEED);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the engine outlives it */
    BIND_TRY(b, L, mr_feed_of(engine, feed));
    return 1;
}

/* feed:token(): the token of the last commit that changed something. */
static int feed_token(lua_State *L) {
    mr_feed *feed = *feed_arg(L, "token");
    bind_state *b = bind_of(L);
    uint64_t token;
    BIND_CALL(b, L, token = mr_feed_token(feed));
    lua_pushinteger(L, (lua_Integer)token);
    return 1;
}

/* feed:limit(bytes, bytes of one transaction) */
static int feed_limit(lua_State *L) {
    mr_feed *feed = *feed_arg(L, "limit");
    mr_feed_limit(feed, (size_t)luaL_checkinteger(L, 2), (size_t)luaL_checkinteger(L, 3));
    return 0;
}

/* feed:tell_outside(): the whole database is another one. */
static int feed_tell_outside(lua_State *L) {
    mr_feed *feed = *feed_arg(L, "restore");
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_feed_tell_outside(feed));
    return 0;
}

/* feed:poll(): has somebody else committed? */
static int feed_poll(lua_State *L) {
    mr_feed *feed = *feed_arg(L, "poll");
    bind_state *b = bind_of(L);
    bool outside = false;
    BIND_TRY(b, L, mr_feed_poll(feed, &outside));
    lua_pushboolean(L, outside);
    return 1;
}

/* ---------------------------------------------------------------- a change as a table */

/* Pushes the name and the value of column i, as the class (or NULL) has them. column: that of the mapped table, or
 * NULL. */
static void push_value(lua_State *L, const mr_change *change, bool old, unsigned i, const mr_column *column,
                       const char *name) {
    bind_state *b = bind_of(L);
    char room[MR_READ_ROOM];
    mr_value v;
    const mr_type *type = column ? mr_column_type(b->env, (mr_column *)column) : NULL;
    mr_change_value(change, old, i, type, room, &v);
    if (v.kind == MR_UNLOADED) v = mr_null_value();
    const bind_place place = {.what = name, .bad = MR_BAD_VALUES_KEEP};
    if (type && type->decorator) bind_push_typed(L, type, &v, b->dialect, &place);
    else bind_push_value_or_null(L, &v);
}

typedef struct shown {
    const mr_change *change;
    const mr_mapper *mapper; /* or NULL */
    const mr_table *table;   /* or NULL */
} shown;

static mr_column *column_named(const mr_table *table, const char *name) {
    for (unsigned i = 0; table && i < table->ncolumns; i++)
        if (strcmp(table->columns[i]->name, name) == 0) return table->columns[i];
    return NULL;
}

/* The attribute's name, or the column's. */
static const char *name_of(const shown *s, unsigned i, mr_column **column) {
    const char *name = s->change->table->columns[i].name;
    *column = column_named(s->table, name);
    const mr_property *prop = s->mapper && *column ? mr_mapper_property_of_column(s->mapper, *column) : NULL;
    return prop ? prop->name : name;
}

/* Pushes the values by name: of an UPDATE, those that differ. */
static void push_row(lua_State *L, const shown *s, bool old) {
    const mr_change *c = s->change;
    lua_newtable(L);
    for (unsigned i = 0; i < c->n; i++) {
        mr_column *column;
        if (c->kind == MR_CHANGE_UPDATE && !mr_change_differs(c, i)) continue;
        if ((old ? c->old_values : c->new_values)[i].kind == MR_UNLOADED) continue;
        const char *name = name_of(s, i, &column);
        push_value(L, c, old, i, column, name);
        lua_setfield(L, -2, name);
    }
}

/* Pushes the key: a value, or a list of them; nil where the table has none. */
static void push_key(lua_State *L, const shown *s) {
    const mr_change *c = s->change;
    bool old = !c->new_values;
    unsigned n = 0;
    mr_column *column;
    for (unsigned i = 0; i < c->n; i++) n += c->table->columns[i].key;
    if (n == 0) {
        lua_pushnil(L);
        return;
    }
    if (n > 1) bind_new_list(L, n);
    lua_Integer at = 0;
    for (unsigned i = 0; i < c->n; i++) {
        if (!c->table->columns[i].key) continue;
        const char *name = name_of(s, i, &column);
        push_value(L, c, old, i, column, name);
        if (n > 1) lua_rawseti(L, -2, ++at);
    }
}

static void set_text(lua_State *L, const char *name, const char *text) {
    lua_pushstring(L, text);
    lua_setfield(L, -2, name);
}

/* Pushes { token =, when = }, as all changes have them. */
static void push_head(lua_State *L, const mr_change_set *set) {
    lua_createtable(L, 0, 10);
    lua_pushinteger(L, (lua_Integer)set->token);
    lua_setfield(L, -2, "token");
    mr_value when = mr_value_of(MR_DATETIME, (int64_t)(set->time * 1e6));
    bind_push_date(L, &when);
    lua_setfield(L, -2, "when");
    if (set->undo) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "undo");
    }
    if (!set->owner) return;
    bind_push_session(L, (mr_session *)set->owner);
    lua_setfield(L, -2, "session");
}

static void push_shown(lua_State *L, const mr_change_set *set, const shown *s) {
    static const char *const kinds[] = {"", "insert", "update", "delete"};
    const mr_change *c = s->change;
    push_head(L, set);
    set_text(L, "kind", c->unknown || !c->table->known ? "unknown" : kinds[c->kind]);
    set_text(L, "table", c->table->name);
    if (strcmp(c->table->schema, "main") != 0) set_text(L, "schema", c->table->schema);
    if (s->mapper) {
        bind_push_class(L, s->mapper);
        lua_setfield(L, -2, "class");
    }
    if (c->caused) {
        lua_pushboolean(L, true);
        lua_setfield(L, -2, "caused");
    }
    if (c->unknown || !c->table->known) return;
    push_key(L, s);
    lua_setfield(L, -2, "key");
    if (c->old_values) {
        push_row(L, s, true);
        lua_setfield(L, -2, "old");
    }
    if (c->new_values) {
        push_row(L, s, false);
        lua_setfield(L, -2, "new");
    }
}

void bind_push_change(lua_State *L, mr_registry *registry, const mr_change_set *set, const mr_change *change) {
    mr_mapper *mapper = NULL;
    shown s = {.change = change, .table = mr_change_table_of(registry->metadata, change)};
    if (mr_change_class(registry, change, &mapper) == MR_OK) s.mapper = mapper;
    push_shown(L, set, &s);
}

/* ---------------------------------------------------------------- before a commit */

static const char before_key = 0; /* registry: table: light userdata of a feed to { function, base class } */

#define BIND_COMMIT "moonrow.Commit"

typedef struct committing {
    mr_feed *feed;
    mr_conn *conn;
    mr_change_set *set; /* NULL: the commit is over */
} committing;

static committing *commit_arg(lua_State *L, const char *function) {
    committing *c = bind_arg(L, 1, BIND_COMMIT, function);
    if (!c->set) bind_error(L, MR_ERR_INVALID_REQUEST, "%s: the commit is over", function);
    return c;
}

/* commit:changes(): a list of what it has changed. */
static int commit_changes(lua_State *L) {
    const committing *c = commit_arg(L, "changes");
    lua_getiuservalue(L, 1, 1);
    const bind_class *base = bind_class_at(L, -1);
    size_t n = c->set->changes.len;
    bind_new_list(L, n);
    for (size_t i = 0; base && i < n; i++) {
        bind_push_change(L, base->registry, c->set, mr_change_at(c->set, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* commit:is_of(session): is it a transaction of the session's? */
static int commit_is_of(lua_State *L) {
    const committing *c = commit_arg(L, "is_of");
    const bind_session *s = bind_test(L, 2, BIND_SESSION);
    lua_pushboolean(L, s && s->session && mr_conn_owner(c->conn) == s->session);
    return 1;
}

/* commit:bytes(): its changes as bytes; nil: not all of its rows were recorded. */
static int commit_bytes(lua_State *L) {
    const committing *c = commit_arg(L, "bytes");
    mr_strbuf *out = bind_own_strbuf(L);
    mr_status status = mr_change_set_store(c->set, out);
    bind_check(L, status);
    if (status == MR_NOTFOUND) lua_pushnil(L);
    else bind_own_push_text(L);
    return 1;
}

/* Calls the function with a connection and the commit. */
static int before_body(lua_State *L) {
    const committing *given = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "before a commit");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &before_key);
    if (lua_rawgetp(L, -1, given->feed) == LUA_TNIL) return 0;
    int both = lua_gettop(L);
    bind_push_borrowed_connection(L, given->conn);
    int connection = lua_gettop(L);
    committing *c = lua_newuserdatauv(L, sizeof *c, 1);
    *c = *given;
    bind_set_type(L, BIND_COMMIT);
    lua_rawgeti(L, both, 2);
    lua_setiuservalue(L, -2, 1);
    lua_rawgeti(L, both, 1);
    lua_insert(L, -2);
    lua_pushvalue(L, connection);
    lua_insert(L, -2);
    int status = lua_pcall(L, 2, 0, 0);
    c->set = NULL;
    bind_end_borrowed_connection(L, connection);
    return status == LUA_OK ? 0 : lua_error(L);
}

static mr_status before_commit(void *ud, mr_conn *conn, mr_change_set *set) {
    bind_state *b = ud;
    committing c = {set->feed, conn, set};
    return bind_callback(b->env, before_body, &c);
}

/* feed:on_commit(fn, base class): fn(connection, commit) is called in each transaction that has changed something,
 * before its commit; nil: no more. */
static int feed_before_commit(lua_State *L) {
    mr_feed *feed = *feed_arg(L, "on_commit");
    bool on = !lua_isnil(L, 2);
    lua_settop(L, 3);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &before_key);
    if (on) {
        lua_createtable(L, 2, 0);
        lua_pushvalue(L, 2);
        lua_rawseti(L, -2, 1);
        lua_pushvalue(L, 3);
        lua_rawseti(L, -2, 2);
    } else {
        lua_pushnil(L);
    }
    lua_rawsetp(L, -2, feed);
    mr_feed_before_commit(feed, on ? before_commit : NULL, bind_of(L));
    return 0;
}

/* ---------------------------------------------------------------- walks */

typedef struct walk {
    mr_change_set *set; /* retained; NULL: it stands before the first one after the token */
    size_t at;          /* the next change of the set */
    uint64_t token;
} walk;

static int walk_gc(lua_State *L) {
    walk *w = bind_test(L, 1, BIND_CHANGE_WALK);
    if (!w || !bind_peek(L)) return 0;
    mr_change_set_release(w->set);
    w->set = NULL;
    return 0;
}

/* feed:walk(token, base class): a walk through what was changed after the token. */
static int feed_walk(lua_State *L) {
    feed_arg(L, "walk");
    lua_Integer token = luaL_checkinteger(L, 2);
    bind_class *base = bind_class_at(L, 3);
    if (!base) return bind_type_error(L, 3, "walk", "a class");
    walk *w = lua_newuserdatauv(L, sizeof *w, 2);
    *w = (walk){.token = token < 0 ? 0 : (uint64_t)token};
    bind_set_type(L, BIND_CHANGE_WALK);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    lua_pushvalue(L, 3);
    lua_setiuservalue(L, -2, 2);
    return 1;
}

/* Is the set one change, of which nothing is known? */
static bool is_unknown(const mr_change_set *set) { return set->outside || set->untold; }

/* Goes to the next set. MR_DONE: there is none. */
static mr_status next_set(bind_state *b, mr_feed *feed, walk *w) {
    mr_change_set *set;
    mr_status status = mr_feed_since(feed, w->token, &set);
    if (status == MR_NOTFOUND)
        return mr_fail(b->env, MR_ERR_INVALID_REQUEST,
                       "changes_since: what was changed after token %llu is not in memory any more (the oldest that is "
                       "has %llu): read the rows again, and go on from db:change_token()",
                       (unsigned long long)w->token, set ? (unsigned long long)set->token : 0);
    if (set) mr_change_set_retain(set);
    mr_change_set_release(w->set);
    w->set = set;
    w->at = 0;
    if (set) w->token = set->token;
    return set ? MR_OK : MR_DONE;
}

/* walk:next(): the next change, or nil. */
static int walk_next(lua_State *L) {
    walk *w = bind_arg(L, 1, BIND_CHANGE_WALK, "next");
    bind_state *b = bind_of(L);
    lua_getiuservalue(L, 1, 1);
    mr_feed **feed = bind_test(L, -1, BIND_FEED);
    lua_getiuservalue(L, 1, 2);
    const bind_class *base = bind_class_at(L, -1);
    shown s = {0};
    mr_mapper *mapper = NULL;
    mr_status status = MR_OK;
    if (!feed || !*feed || !base) return 0;
    BIND_ENTER(b, L);
    while (status == MR_OK && (!w->set || w->at >= w->set->changes.len + is_unknown(w->set)))
        status = next_set(b, *feed, w);
    if (status == MR_OK && !is_unknown(w->set)) {
        s.change = mr_change_at(w->set, w->at);
        s.table = mr_change_table_of(base->registry->metadata, s.change);
        status = mr_change_class(base->registry, s.change, &mapper);
        s.mapper = mapper;
    }
    BIND_LEAVE(b);
    bind_check(L, status);
    if (status == MR_DONE) return 0;
    w->at++;
    if (s.change) {
        push_shown(L, w->set, &s);
        return 1;
    }
    push_head(L, w->set);
    set_text(L, "kind", "unknown");
    if (!w->set->outside) return 1;
    lua_pushboolean(L, true);
    lua_setfield(L, -2, "outside");
    return 1;
}

void bind_open_feed(lua_State *L) {
    static const luaL_Reg feed_methods[] = {{"token", feed_token},
                                            {"limit", feed_limit},
                                            {"poll", feed_poll},
                                            {"walk", feed_walk},
                                            {"close", feed_gc},
                                            {"on_commit", feed_before_commit},
                                            {"tell_outside", feed_tell_outside},
                                            {NULL, NULL}};
    static const luaL_Reg feed_meta[] = {{"__gc", feed_gc}, {NULL, NULL}};
    static const luaL_Reg walk_methods[] = {{"next", walk_next}, {NULL, NULL}};
    static const luaL_Reg walk_meta[] = {{"__gc", walk_gc}, {NULL, NULL}};
    static const luaL_Reg commit_methods[] = {
        {"changes", commit_changes}, {"is_of", commit_is_of}, {"bytes", commit_bytes}, {NULL, NULL}};
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &before_key);
    bind_type(L, BIND_COMMIT, "Commit", commit_methods, NULL, NULL);
    bind_type(L, BIND_FEED, "Feed", feed_methods, NULL, feed_meta);
    bind_type(L, BIND_CHANGE_WALK, "ChangeWalk", walk_methods, NULL, walk_meta);
    lua_pushcfunction(L, core_feed);
    lua_setfield(L, -2, "feed");
}
