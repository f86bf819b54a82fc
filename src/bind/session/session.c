/*
 * session.c: sessions as Lua sees them: objects in and out, reading, and the session's lists.
 *
 * Invariant: a closed Lua state closes its sessions; what they had not committed is rolled back.
 */
#include "session.h"

#include "query/option.h"
#include "state/own.h"
#include "query/result.h"

static const char sessions_key = 0; /* registry: light userdata of a session to its userdata, weakly */

/* NULL when it is none; raises when it is closed. */
static mr_session *check_session(lua_State *L, int idx) {
    bind_session *s = bind_test(L, idx, BIND_SESSION);
    if (s && s->closed)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "the session is closed: make another one with mr.Session, or its sessionmaker");
    return s ? s->session : NULL;
}

mr_session *bind_to_session(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    mr_session *s = check_session(L, idx);
    if (s) return s;
    if (lua_istable(L, idx) && luaL_getmetafield(L, idx, "__index") != LUA_TNIL) {
        lua_pop(L, 1);
        if (lua_getfield(L, idx, "_session") == LUA_TFUNCTION) {
            lua_pushvalue(L, idx);
            lua_call(L, 1, 1);
            s = check_session(L, -1);
            lua_replace(L, idx); /* nothing else may keep it: a scope's key may be collected at any time */
            if (s) return s;
        }
    }
    bind_type_error(L, idx, "session", "a Session or a scoped_session (this query was made without one)");
    return NULL;
}

mr_session *bind_session_arg(lua_State *L, const char *function) {
    bind_release_loops(L);
    mr_session *s = check_session(L, 1);
    if (!s) bind_type_error(L, 1, function, "a Session");
    return s;
}

void bind_push_session(lua_State *L, mr_session *s) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions_key);
    if (!s || lua_rawgetp(L, -1, s) == LUA_TNIL) {
        if (s) lua_pop(L, 1);
        lua_pushnil(L);
    }
    lua_remove(L, -2);
}

/* ---------------------------------------------------------------- making and closing */

/* core.Session(engine or nil, { autoflush =, expire_on_commit =, info = }) */
static int core_session(lua_State *L) {
    static const char *const options[] = {"autoflush", "expire_on_commit", "info", NULL};
    bind_state *b = bind_of(L);
    mr_engine *engine = NULL;
    if (!lua_isnoneornil(L, 1)) engine = *(mr_engine **)bind_arg(L, 1, BIND_ENGINE, "Session");
    int idx = lua_istable(L, 2) ? 2 : 0;
    bind_check_options(L, idx, "Session", options);
    mr_session_options o = {bind_option_bool(L, idx, "Session", "autoflush", true),
                            bind_option_bool(L, idx, "Session", "expire_on_commit", true)};
    bind_session *s = lua_newuserdatauv(L, sizeof *s, SESSION__VALUES);
    *s = (bind_session){NULL, false};
    bind_set_type(L, BIND_SESSION);
    if (engine) lua_pushvalue(L, 1);
    else lua_pushnil(L);
    lua_setiuservalue(L, -2, SESSION_ENGINE);
    if (bind_option(L, idx, "info") != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    lua_setiuservalue(L, -2, SESSION_INFO);
    BIND_ENTER(b, L);
    mr_status st = mr_session_new(b->env, engine, &o, &s->session);
    BIND_LEAVE(b);
    bind_check(L, st);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &sessions_key);
    lua_pushvalue(L, -2);
    lua_rawsetp(L, -2, s->session);
    lua_pop(L, 1);
    return 1;
}

static void release_session(void *p) { mr_session_release(p); }

/* Warns of the work that the session loses by its end, unless the host wants it quiet: then the script has failed, and
 * its error was told. */
static void warn_of_loss(lua_State *L, bind_state *b, const bind_session *s) {
    mr_strbuf words;
    if (!s->session || s->closed || b->quiet) return;
    mr_strbuf_init(&words, b->env);
    if (mr_session_uncommitted(s->session, &words)) {
        lua_warning(L, "moonrow: a session has ended with work that was not committed and is lost: ", 1);
        lua_warning(L, mr_strbuf_str(&words), 1);
        lua_warning(L, "; commit it, or roll it back", 0);
    }
    mr_strbuf_done(&words);
}

static int session_gc(lua_State *L) {
    bind_session *s = bind_test(L, 1, BIND_SESSION);
    bind_state *b = bind_peek(L);
    if (!b || !s || !s->session) return 0;
    warn_of_loss(L, b, s);
    lua_State *outer = b->L;
    b->L = L; /* not entered: a finalizer runs at any time, and must not trace */
    bind_release_quietly(b, release_session, s->session);
    b->L = outer;
    s->session = NULL;
    s->closed = true; /* a weak table may show it for one cycle more */
    return 0;
}

/* core.warn_uncommitted(session): for the end of a scope that closes the session. Ignores values that are
 * no sessions. */
static int core_warn_uncommitted(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    if (s) warn_of_loss(L, bind_of(L), s);
    return 0;
}

/* core.rest(session): it gives back a connection that it only keeps at hand. Other values than open sessions are passed
 * over. */
static int core_rest(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    bind_state *b = bind_of(L);
    if (!s || !s->session || s->closed) return 0;
    BIND_ENTER(b, L);
    mr_session_rest(s->session);
    BIND_LEAVE(b);
    return 0;
}

/* May be called again. */
static int session_close(lua_State *L) {
    bind_session *s = bind_arg(L, 1, BIND_SESSION, "close");
    if (s->closed || !s->session) return 0;
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = mr_session_close(s->session);
    BIND_LEAVE(b);
    bind_check(L, st);
    s->closed = true;
    return 0;
}

/* local s <close> = ...: the scope has ended. With an error, that is the one to tell. */
static int session_end(lua_State *L) {
    const bind_session *s = bind_arg(L, 1, BIND_SESSION, "close");
    if (bind_scope_or_state_ends(L)) warn_of_loss(L, bind_of(L), s);
    return session_close(L);
}

static int session_closed(lua_State *L) {
    const bind_session *s = bind_arg(L, 1, BIND_SESSION, "closed");
    lua_pushboolean(L, s->closed);
    return 1;
}

/* ---------------------------------------------------------------- objects */

typedef mr_status (*object_fn)(mr_session *s, mr_entity *e);

static int with_object(lua_State *L, const char *function, object_fn fn) {
    mr_session *s = bind_session_arg(L, function);
    mr_entity *e = bind_arg_entity(L, 2, function);
    bind_state *b = bind_of_entity(e);
    BIND_ENTER(b, L);
    mr_status st = fn(s, e);
    BIND_LEAVE(b);
    bind_check(L, st);
    return 0;
}

/* The object at the index, to the session at index 1. MR_NOTFOUND: another object of its identity is in the way. */
static mr_status try_add(lua_State *L, int idx, const char *function) {
    mr_session *s = bind_session_arg(L, function);
    mr_entity *e = bind_arg_entity(L, idx, function);
    bind_state *b = bind_of_entity(e);
    BIND_ENTER(b, L);
    mr_status st = mr_session_add(s, e);
    bool twin = mr_session_take_twin(s);
    BIND_LEAVE(b);
    return twin ? MR_NOTFOUND : st;
}

/* Where another object of the identity is in the way, but nobody holds it any more, it goes first: when Lua collects
 * must not decide what is refused. */
static void add(lua_State *L, int idx, const char *function) {
    mr_status st = try_add(L, idx, function);
    if (st == MR_NOTFOUND && bind_collector_runs(L)) {
        bind_state *b = bind_of(L);
        mr_env_clear_error(b->env);
        lua_gc(L, LUA_GCCOLLECT);
        mr_heap_trace(b->heap, 0);
        st = try_add(L, idx, function);
    }
    if (st != MR_OK) bind_raise(L);
}

static int session_add(lua_State *L) {
    bind_refuse_more(L, 1, "add", " (many objects: add_all{ ... })");
    add(L, 2, "add");
    return 0;
}

static int session_delete(lua_State *L) {
    bind_refuse_more(L, 1, "delete", "");
    return with_object(L, "delete", mr_session_delete);
}

static int session_expunge(lua_State *L) {
    bind_refuse_more(L, 1, "expunge", "");
    return with_object(L, "expunge", mr_session_expunge);
}

/* core.is_open(session): what a scoped session asks at each call; of any other value, what its field `closed` says. */
static int core_is_open(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    if (s) {
        lua_pushboolean(L, !s->closed);
    } else {
        lua_getfield(L, 1, "closed");
        lua_pushboolean(L, !lua_toboolean(L, -1));
    }
    return 1;
}

/* add_all(list): every item is checked before the first is added. */
static int session_add_all(lua_State *L) {
    bind_session_arg(L, "add_all");
    bind_refuse_more(L, 1, "add_all", " (objects are given in one list)");
    if (!lua_istable(L, 2)) return bind_type_error(L, 2, "add_all", "a list of objects");
    lua_settop(L, 2);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        bind_arg_entity(L, 3, "add_all");
        lua_settop(L, 2);
    }
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        add(L, 3, "add_all");
        lua_settop(L, 2);
    }
    return 0;
}

static int session_contains(lua_State *L) {
    mr_session *s = bind_session_arg(L, "contains");
    bind_refuse_more(L, 1, "contains", "");
    lua_pushboolean(L, mr_session_contains(s, bind_arg_entity(L, 2, "contains")));
    return 1;
}

static int session_is_modified(lua_State *L) {
    mr_session *s = bind_session_arg(L, "is_modified");
    mr_entity *e = bind_arg_entity(L, 2, "is_modified");
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    bool modified = mr_session_is_modified(s, e);
    BIND_LEAVE(b);
    lua_pushboolean(L, modified);
    return 1;
}

/* The names of a list (or one name) at idx as an array; NULL and 0 when absent. Each is an attribute of the object's
 * class. */
static const char **attribute_names(lua_State *L, mr_entity *e, int idx, unsigned *n) {
    *n = 0;
    if (lua_isnoneornil(L, idx)) return NULL;
    if (lua_type(L, idx) == LUA_TSTRING) {
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, idx);
        lua_rawseti(L, -2, 1);
        lua_replace(L, idx);
    }
    if (!lua_istable(L, idx)) bind_type_error(L, idx, "attribute names", "a list of strings");
    lua_Integer count = (lua_Integer)lua_rawlen(L, idx);
    const char **names = lua_newuserdatauv(L, ((size_t)count + 1) * sizeof *names, 0);
    for (lua_Integer i = 1; i <= count; i++) {
        if (lua_rawgeti(L, idx, i) != LUA_TSTRING) bind_type_error(L, -1, "attribute names", "a string");
        const mr_property *prop = mr_mapper_property(e->mapper, lua_tostring(L, -1), true);
        if (!prop) {
            const char *near = mr_mapper_nearest(e->mapper, lua_tostring(L, -1));
            bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s%s%s", e->mapper->name, lua_tostring(L, -1),
                       near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
        }
        names[i - 1] = prop->name;
        lua_pop(L, 1);
    }
    *n = (unsigned)count;
    return names;
}

typedef mr_status (*names_fn)(mr_session *s, mr_entity *e, const char *const *names, unsigned n);

static int with_names(lua_State *L, const char *function, names_fn fn) {
    bind_refuse_more(L, 2, function, " (attributes are named in one list)");
    lua_settop(L, 3);
    mr_session *s = bind_session_arg(L, function);
    mr_entity *e = bind_arg_entity(L, 2, function);
    bind_state *b = bind_of(L);
    unsigned n;
    const char **names = attribute_names(L, e, 3, &n);
    BIND_ENTER(b, L);
    mr_status st = fn(s, e, names, n);
    BIND_LEAVE(b);
    bind_check(L, st);
    return 0;
}

static int session_refresh(lua_State *L) { return with_names(L, "refresh", mr_session_refresh); }

static int session_expire(lua_State *L) { return with_names(L, "expire", mr_session_expire); }

static int session_expire_all(lua_State *L) {
    mr_session *s = bind_session_arg(L, "expire_all");
    bind_refuse_more(L, 0, "expire_all", "");
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = mr_session_expire_all(s);
    BIND_LEAVE(b);
    bind_check(L, st);
    return 0;
}

static int session_expunge_all(lua_State *L) {
    mr_session *s = bind_session_arg(L, "expunge_all");
    bind_refuse_more(L, 0, "expunge_all", "");
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = mr_session_expunge_all(s);
    BIND_LEAVE(b);
    bind_check(L, st);
    return 0;
}

/* merge(obj, { load = true }), merge{ obj, load = true } */
static int session_merge(lua_State *L) {
    static const char *const known[] = {"load", NULL};
    mr_session *s = bind_session_arg(L, "merge");
    int options;
    if (bind_arguments(L, 2, &options) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "merge: expected an object, and options in a table");
    bind_check_options(L, options, "merge", known);
    bool load = bind_option_bool(L, options, "merge", "load", true);
    mr_entity *e = bind_arg_entity(L, 2, "merge"), *out = NULL;
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = mr_session_merge(s, e, load, &out);
    if (st == MR_OK) mr_entity_unpin(out);
    BIND_LEAVE(b);
    bind_check(L, st);
    bind_push_entity(L, out);
    return 1;
}

/* ---------------------------------------------------------------- get */

#define MAX_KEY 32

/* A nil that was meant to be a key value is a mistyped variable; a NULL is said with mr.null. */
static void refuse_nil_key(lua_State *L, mr_mapper *mapper, int idx, unsigned i) {
    if (!lua_isnoneornil(L, idx)) return;
    const char *name = "?";
    for (size_t k = 0; i < mapper->npk && k < mapper->columns.len; k++) {
        const mr_property *prop = mr_vec_ptr(&mapper->columns, k);
        if (prop->slot == mapper->pk_slots[i]) name = prop->name;
    }
    bind_error(L, MR_ERR_ARGUMENT, "get(%s): %s.%s: got nil (is the variable set?)", mapper->name, mapper->name, name);
}

void bind_check_key_names(lua_State *L, const mr_mapper *mapper, int idx) {
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : bind_describe(L, -2);
        const mr_property *prop = lua_type(L, -2) == LUA_TSTRING ? mr_mapper_property(mapper, name, true) : NULL;
        if (prop && prop->is_primary_key) continue;
        const char *near = prop ? NULL : mr_mapper_nearest(mapper, name);
        bind_error(L, MR_ERR_ARGUMENT, "get(%s): '%s' is %s%s%s%s", mapper->name, name,
                   prop ? "no attribute of the primary key (query:filter_by finds by others)" : "no attribute",
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
}

/* The key at idx, a value or a list or a table by attribute, into values; returns how many. */
static unsigned read_key(lua_State *L, mr_mapper *mapper, int idx, mr_value *values) {
    if (!bind_is_plain_table(L, idx)) {
        refuse_nil_key(L, mapper, idx, 0);
        if (!bind_to_value(L, idx, NULL, &values[0])) {
            lua_pushfstring(L, "get(%s)", mapper->name);
            bind_type_error(L, idx, lua_tostring(L, -1), "a key");
        }
        return 1;
    }
    lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
    bool by_name = n == 0;
    if (by_name) bind_check_key_names(L, mapper, idx);
    if (by_name) n = mapper->npk;
    if (n > MAX_KEY) bind_error(L, MR_ERR_ARGUMENT, "get(%s): a key of %d values is too long", mapper->name, (int)n);
    luaL_checkstack(L, (int)n + 4, "get");
    for (lua_Integer i = 0; i < n; i++) {
        if (by_name) {
            mr_property *prop = mr_vec_ptr(&mapper->columns, 0);
            for (size_t k = 0; k < mapper->columns.len; k++) {
                prop = mr_vec_ptr(&mapper->columns, k);
                if (prop->slot == mapper->pk_slots[i]) break;
            }
            lua_getfield(L, idx, prop->name);
        } else {
            lua_rawgeti(L, idx, i + 1);
        }
        refuse_nil_key(L, mapper, -1, (unsigned)i);
        if (!bind_to_value(L, -1, NULL, &values[i])) {
            lua_pushfstring(L, "get(%s)", mapper->name);
            bind_type_error(L, -2, lua_tostring(L, -1), "a key value");
        }
    }
    return (unsigned)n;
}

/* (query, list of loader options): the query with the options */
static int apply_options(lua_State *L) {
    lua_Integer n = luaL_len(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_geti(L, 2, i);
        bind_apply_option(L, lua_gettop(L));
        lua_settop(L, 2);
    }
    lua_settop(L, 1);
    return 1;
}

/* A query over the class with the options of the list at the top, which it replaces. */
static mr_query *options_query(lua_State *L, mr_mapper *mapper) {
    mr_query_item item = {mapper, NULL, NULL, mapper->name};
    lua_pushcfunction(L, apply_options);
    bind_push_query(L, mr_query_new(mapper->env, &item, 1, false), 0, BIND_QUERY);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 1);
    lua_replace(L, -2);
    return ((bind_query *)lua_touserdata(L, -1))->query;
}

/* get(Class, key, { populate_existing =, options = {...} }) */
static int session_get(lua_State *L) {
    static const char *const known[] = {"populate_existing", "options", NULL};
    mr_session *s = bind_session_arg(L, "get");
    mr_mapper *mapper = bind_arg_class(L, 2, "get");
    bind_state *b = bind_of(L);
    mr_value key[MAX_KEY];
    bind_refuse_more(L, 3, "get", " (a key of several columns is one list)");
    int idx = lua_isnoneornil(L, 4) ? 0 : 4;
    if (idx && !bind_is_plain_table(L, 4))
        return bind_type_error(L, 4, "get", "a table of options (a key of several columns is one list)");
    bind_check_options(L, idx, "get", known);
    bool populate = bind_option_bool(L, idx, "get", "populate_existing", false);
    mr_query *options = NULL;
    if (idx && lua_getfield(L, idx, "options") != LUA_TNIL && !bind_is_plain_table(L, -1))
        return bind_type_error(L, -1, "get: options", "a list of loader options");
    if (idx && !lua_isnil(L, -1)) options = options_query(L, mapper);
    unsigned n = read_key(L, mapper, 3, key);
    mr_entity *out = NULL;
    BIND_ENTER(b, L);
    mr_status st = mr_session_get(s, mapper, key, n, options, populate, &out);
    if (st == MR_OK) mr_entity_unpin(out);
    BIND_LEAVE(b);
    bind_check(L, st);
    if (st == MR_NOTFOUND) lua_pushnil(L);
    else bind_push_entity(L, out);
    return 1;
}

/* ---------------------------------------------------------------- the lists and fields */

typedef size_t (*count_fn)(const mr_session *s);
typedef mr_entity *(*at_fn)(const mr_session *s, size_t i);

static int push_list(lua_State *L, const char *function, count_fn count, at_fn at) {
    mr_session *s = bind_session_arg(L, function);
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L); /* lists are consistent once traces had their turn */
    BIND_LEAVE(b);
    size_t n = count(s);
    bind_new_list(L, n);
    for (size_t i = 0; i < n; i++) {
        bind_push_entity(L, at(s, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int session_new(lua_State *L) { return push_list(L, "new", mr_session_new_count, mr_session_new_at); }

static int session_dirty(lua_State *L) { return push_list(L, "dirty", mr_session_dirty_count, mr_session_dirty_at); }

static int session_deleted(lua_State *L) {
    return push_list(L, "deleted", mr_session_deleted_count, mr_session_deleted_at);
}

static int session_info(lua_State *L) {
    lua_getiuservalue(L, 1, SESSION_INFO);
    return 1;
}

static int session_bind(lua_State *L) {
    lua_getiuservalue(L, 1, SESSION_ENGINE);
    return 1;
}

static int session_autoflush(lua_State *L) {
    lua_pushboolean(L, mr_session_autoflush(bind_session_arg(L, "autoflush")));
    return 1;
}

static int session_expire_on_commit(lua_State *L) {
    lua_pushboolean(L, mr_session_expire_on_commit(bind_session_arg(L, "expire_on_commit")));
    return 1;
}

/* session.autoflush = false and the like. */
static int session_newindex(lua_State *L) {
    mr_session *s = bind_session_arg(L, "assignment");
    const char *name = luaL_tolstring(L, 2, NULL);
    bool is_autoflush = name[0] == 'a';
    lua_getfield(L, lua_upvalueindex(1), name);
    if (lua_isnil(L, -1))
        return bind_error(L, MR_ERR_ARGUMENT, "Session.%s cannot be set: only autoflush and expire_on_commit can",
                          name);
    if (!lua_isboolean(L, 3)) return bind_type_error(L, 3, name, "a boolean");
    int on = lua_toboolean(L, 3);
    mr_session_set_flags(s, is_autoflush ? on : -1, is_autoflush ? -1 : on);
    return 0;
}

/* ---------------------------------------------------------------- reading */

static int session_query(lua_State *L) {
    bind_session_arg(L, "query");
    return bind_query_of(L, 1);
}

static int session_execute(lua_State *L) {
    bind_session_arg(L, "execute");
    return bind_execute(L, 1);
}

/* scalars(stmt, params), scalar(stmt, params): the first column of all rows, of the first row */
static int session_scalars(lua_State *L) {
    session_execute(L);
    lua_getfield(L, -1, "scalars");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    return 1;
}

static int session_scalar(lua_State *L) {
    session_execute(L);
    lua_getfield(L, -1, "scalar");
    lua_insert(L, -2);
    lua_call(L, 1, 1);
    return 1;
}

/* core.object_session(obj) */
static int core_object_session(lua_State *L) {
    bind_push_session(L, mr_session_of(bind_arg_entity(L, 1, "object_session")));
    return 1;
}

static int change_state(lua_State *L, const char *function, mr_status (*fn)(mr_entity *e)) {
    mr_entity *e = bind_arg_entity(L, 1, function);
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L);
    mr_status st = fn(e);
    BIND_LEAVE(b);
    bind_check(L, st);
    return 0;
}

/* core.make_transient(obj), core.make_transient_to_detached(obj) */
static int core_make_transient(lua_State *L) { return change_state(L, "make_transient", mr_session_make_transient); }

static int core_make_detached(lua_State *L) {
    return change_state(L, "make_transient_to_detached", mr_session_make_detached);
}

static const luaL_Reg methods[] = {{"add", session_add},
                                   {"add_all", session_add_all},
                                   {"delete", session_delete},
                                   {"expunge", session_expunge},
                                   {"expunge_all", session_expunge_all},
                                   {"expire", session_expire},
                                   {"expire_all", session_expire_all},
                                   {"refresh", session_refresh},
                                   {"merge", session_merge},
                                   {"get", session_get},
                                   {"contains", session_contains},
                                   {"is_modified", session_is_modified},
                                   {"close", session_close},
                                   {"query", session_query},
                                   {"execute", session_execute},
                                   {"scalars", session_scalars},
                                   {"scalar", session_scalar},
                                   {"flush", bind_session_flush},
                                   {"commit", bind_session_commit},
                                   {"rollback", bind_session_rollback},
                                   {"begin", bind_session_begin},
                                   {"begin_nested", bind_session_begin_nested},
                                   {"in_transaction", bind_session_in_transaction},
                                   {"no_autoflush", bind_session_no_autoflush},
                                   {NULL, NULL}};
static const luaL_Reg getters[] = {{"new", session_new},
                                   {"dirty", session_dirty},
                                   {"deleted", session_deleted},
                                   {"info", session_info},
                                   {"bind", session_bind},
                                   {"identity_map", bind_session_identity_map},
                                   {"autoflush", session_autoflush},
                                   {"expire_on_commit", session_expire_on_commit},
                                   {"closed", session_closed},
                                   {NULL, NULL}};

void bind_open_session(lua_State *L) {
    static const luaL_Reg metamethods[] = {{"__gc", session_gc}, {"__close", session_end}, {NULL, NULL}};
    bind_type(L, BIND_SESSION, "Session", methods, getters, metamethods);
    luaL_getmetatable(L, BIND_SESSION);
    lua_getfield(L, -1, "__index");
    lua_getupvalue(L, -1, 1); /* the methods: the Lua part adds to them */
    lua_setfield(L, -4, "session_methods");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "autoflush");
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, "expire_on_commit");
    lua_pushcclosure(L, session_newindex, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pop(L, 1);
    bind_open_identity_map(L);
    lua_newtable(L);
    lua_createtable(L, 0, 1);
    lua_pushliteral(L, "v");
    lua_setfield(L, -2, "__mode");
    lua_setmetatable(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sessions_key);
    bind_open_transaction(L);
    lua_pushcfunction(L, core_session);
    lua_setfield(L, -2, "Session");
    lua_pushcfunction(L, core_rest);
    lua_setfield(L, -2, "rest");
    lua_pushcfunction(L, core_warn_uncommitted);
    lua_setfield(L, -2, "warn_uncommitted");
    lua_pushcfunction(L, core_is_open);
    lua_setfield(L, -2, "is_open");
    lua_pushcfunction(L, core_object_session);
    lua_setfield(L, -2, "object_session");
    lua_pushcfunction(L, core_make_transient);
    lua_setfield(L, -2, "make_transient");
    lua_pushcfunction(L, core_make_detached);
    lua_setfield(L, -2, "make_transient_to_detached");
}
