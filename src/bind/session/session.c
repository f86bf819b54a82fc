/*
 * session.c: sessions as Lua sees them: how they begin and end, their fields and lists.
 *
 * Invariant: a session ends with its userdata at the latest. Its uncommitted work is then rolled back, with a warning.
 */
#include "session.h"

#include <string.h>

#include "state/coroutine.h"
#include "state/own.h"
#include "value/batching.h"
#include "value/engine.h"
#include "value/proxy.h"
#include "value/row.h"

/* ---------------------------------------------------------------- making and closing */

/* The options lazy and batch of a session. max is 0: its relationships load as they say. */
static mr_batching read_lazy(lua_State *L, int idx) {
    const char *lazy = bind_option_string(L, idx, "Session", "lazy", "select");
    bind_option(L, idx, "batch");
    mr_batching batch = bind_pop_batching(L, "Session: batch");
    if (strcmp(lazy, "batch") == 0) return batch.max ? batch : (mr_batching){1, MR_BATCH_MAX};
    if (strcmp(lazy, "select") != 0)
        bind_error(L, MR_ERR_ARGUMENT,
                   "Session: lazy is \"batch\" or \"select\", not '%s': other strategies are those of a relationship, "
                   "or of a query's options",
                   lazy);
    if (batch.max) bind_error(L, MR_ERR_ARGUMENT, "Session: batch is given without lazy = \"batch\"");
    return batch;
}

/* core.check_lazy{ lazy =, batch = }: raises where a session would refuse them. */
static int core_check_lazy(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    read_lazy(L, 1);
    return 0;
}

/* core.Session(engine or nil, { autoflush =, expire_on_commit =, info =, lazy =, batch = }) */
static int core_session(lua_State *L) {
    static const char *const options[] = {"autoflush", "expire_on_commit", "info", "lazy", "batch", "timeout", NULL};
    bind_state *b = bind_of(L);
    mr_engine *engine = NULL;
    if (!lua_isnoneornil(L, 1)) engine = *(mr_engine **)bind_arg(L, 1, BIND_ENGINE, "Session");
    int idx = lua_istable(L, 2) ? 2 : 0;
    bind_check_options(L, idx, "Session", options);
    mr_session_options o = {bind_option_bool(L, idx, "Session", "autoflush", true),
                            bind_option_bool(L, idx, "Session", "expire_on_commit", true), read_lazy(L, idx),
                            bind_option_timeout(L, idx, "Session", 0)};
    bind_session *s = bind_push_empty_session(L);
    if (engine) lua_pushvalue(L, 1);
    else lua_pushnil(L);
    lua_setiuservalue(L, -2, SESSION_ENGINE);
    if (bind_option(L, idx, "info") != LUA_TTABLE) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    lua_setiuservalue(L, -2, SESSION_INFO);
    BIND_TRY(b, L, mr_session_new(b->env, engine, &o, &s->session));
    bind_name_session(L, s->session);
    return 1;
}

static void release_session(void *p) { mr_session_release(p); }

/* Warns of uncommitted work that is lost when the session ends. The host turns this off (quiet) where the script has
 * failed: its error says enough. */
static void warn_of_loss(lua_State *L, bind_state *b, const bind_session *s) {
    mr_strbuf words;
    if (!s->session || s->closed || b->quiet) return;
    mr_strbuf_init(&words, b->env);
    if (mr_session_uncommitted(s->session, &words)) {
        const mr_engine *engine = mr_session_engine(s->session);
        lua_warning(L, "moonrow: a session ", 1);
        if (engine) {
            lua_warning(L, "of ", 1);
            lua_warning(L, mr_engine_url(engine)->text, 1);
            lua_warning(L, " ", 1);
        }
        lua_warning(L, "has ended with work that was not committed and is lost: ", 1);
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
    b->scope_changes++; /* no place of a scoped session has it any more */
    lua_State *outer = b->L;
    b->L = L; /* without BIND_ENTER: a finalizer may run at any time, and must not trace the heap */
    bind_release_quietly(b, release_session, s->session);
    b->L = outer;
    s->session = NULL;
    s->closed = true; /* a weak table may still give it out for one cycle */
    return 0;
}

/* core.uncommitted(session): what of it is not committed, in words; nil: nothing. */
static int core_uncommitted(lua_State *L) {
    bind_state *b = bind_of(L);
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    if (!s || !s->session || s->closed) return 0;
    mr_strbuf words;
    mr_strbuf_init(&words, b->env);
    bool some = mr_session_uncommitted(s->session, &words);
    if (some) lua_pushstring(L, mr_strbuf_str(&words));
    mr_strbuf_done(&words);
    return some ? 1 : 0;
}

/* core.warn_uncommitted(session): the warning, at the end of a scope that closes the session. Ignores other values. */
static int core_warn_uncommitted(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    if (s) warn_of_loss(L, bind_of(L), s);
    return 0;
}

/* core.rest(session): the session gives back its connection if it keeps one without a transaction. Ignores other
 * values, and closed sessions. */
static int core_rest(lua_State *L) {
    const bind_session *s = bind_test(L, 1, BIND_SESSION);
    bind_state *b = bind_of(L);
    if (!s || !s->session || s->closed) return 0;
    BIND_CALL(b, L, mr_session_return_idle_connection(s->session));
    return 0;
}

/* A closed session may be closed again. */
static int session_close(lua_State *L) {
    bind_session *s = bind_arg(L, 1, BIND_SESSION, "close");
    if (s->closed || !s->session) return 0;
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_session_close(s->session));
    s->closed = true;
    return 0;
}

/* local s <close> = ...: the end of the scope. No warning where an error ends it: the error says enough. */
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

/* core.is_open(session): a scoped session calls this at each use, so it is fast. For a value of another type its field
 * `closed` counts. */
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

/* ---------------------------------------------------------------- the lists and fields */

typedef size_t (*count_fn)(const mr_session *s);
typedef mr_entity *(*at_fn)(const mr_session *s, size_t i);

static int push_list(lua_State *L, const char *function, count_fn count, at_fn at) {
    mr_session *s = bind_session_arg(L, function);
    bind_state *b = bind_of(L);
    BIND_ENTER(b, L); /* may trace the heap, which removes objects from the lists: so it comes first */
    if (mr_session_note_edits(s) != MR_OK) mr_env_clear_error(b->env); /* the flush raises it */
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

/* session.autoflush = false, session.expire_on_commit = false */
static int session_newindex(lua_State *L) {
    mr_session *s = bind_session_arg(L, "assignment");
    const char *name = luaL_tolstring(L, 2, NULL);
    bool is_autoflush = name[0] == 'a';
    lua_getfield(L, lua_upvalueindex(1), name);
    if (lua_isnil(L, -1))
        return bind_error(L, MR_ERR_ARGUMENT, "Session.%s cannot be set: only autoflush and expire_on_commit can",
                          name);
    if (!lua_isboolean(L, 3)) return bind_type_error(L, 3, name, "true or false");
    int on = lua_toboolean(L, 3);
    mr_session_set_flags(s, is_autoflush ? on : -1, is_autoflush ? -1 : on);
    return 0;
}

/* <Session of sqlite:///x.db: 12 objects, 1 new, 2 changed> */
static int session_tostring(lua_State *L) {
    const bind_session *box = bind_arg(L, 1, BIND_SESSION, "tostring");
    if (box->closed || !box->session) {
        lua_pushliteral(L, "<Session (closed)>");
        return 1;
    }
    const mr_session *s = box->session;
    const mr_engine *engine = mr_session_engine(s);
    const struct {
        size_t n;
        const char *word;
    } parts[] = {{mr_idmap_count(mr_session_owner(s)->idmap), "in memory"},
                 {mr_session_new_count(s), "new"},
                 {mr_session_dirty_count(s), "changed"},
                 {mr_session_deleted_count(s), "deleted"}};
    luaL_Buffer buf;
    luaL_buffinit(L, &buf);
    luaL_addstring(&buf, "<Session of ");
    luaL_addstring(&buf, engine ? mr_engine_url(engine)->text : "no engine");
    const char *before = ": ";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n == 0 && i > 0) continue;
        lua_pushfstring(L, "%s%I %s", before, (LUAI_UACINT)parts[i].n, parts[i].word);
        luaL_addvalue(&buf);
        before = ", ";
    }
    luaL_addchar(&buf, '>');
    luaL_pushresult(&buf);
    return 1;
}

void bind_open_session(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__gc", session_gc}, {"__close", session_end}, {"__tostring", session_tostring}, {NULL, NULL}};
    static const luaL_Reg methods[] = {{"close", session_close}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"new", session_new},
                                       {"dirty", session_dirty},
                                       {"deleted", session_deleted},
                                       {"info", session_info},
                                       {"bind", session_bind},
                                       {"autoflush", session_autoflush},
                                       {"expire_on_commit", session_expire_on_commit},
                                       {"closed", session_closed},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {{"Session", core_session},
                                         {"check_lazy", core_check_lazy},
                                         {"rest", core_rest},
                                         {"warn_uncommitted", core_warn_uncommitted},
                                         {"uncommitted", core_uncommitted},
                                         {"is_open", core_is_open},
                                         {NULL, NULL}};
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
    bind_make_session_names(L);
    luaL_setfuncs(L, functions, 0);
}
