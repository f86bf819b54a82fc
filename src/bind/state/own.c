/*
 * own.c: userdata that own something native while a call into Lua may raise.
 *
 * Invariant: an owner releases its thing exactly once: at the end of the call that made the owner, or, after an error,
 * when the owner is collected.
 */
#include "own.h"

#define OWNER  "moonrow.Owner"
#define STRBUF "moonrow.Text"

bind_owner *bind_own(lua_State *L, void (*release)(void *p)) {
    bind_owner *owner = lua_newuserdatauv(L, sizeof *owner, 0);
    owner->p = NULL;
    owner->release = release;
    bind_set_type(L, OWNER);
    return owner;
}

void bind_own_done(bind_owner *owner) {
    void *p = owner->p;
    owner->p = NULL;
    if (p) owner->release(p);
}

void bind_release_quietly(bind_state *b, void (*release)(void *p), void *p) {
    mr_error *saved = mr_env_save_error(b->env);
    release(p);
    mr_env_clear_error(b->env);
    mr_env_restore_error(b->env, saved);
}

int bind_give(lua_State *L, lua_CFunction body, void *what) {
    if (!lua_checkstack(L, 4)) return LUA_ERRMEM;
    lua_pushcfunction(L, body);
    lua_pushlightuserdata(L, what);
    int rc = lua_pcall(L, 1, 1, 0);
    if (rc == LUA_ERRMEM) lua_pop(L, 1);
    return rc;
}

int bind_raise_given(lua_State *L, int rc) {
    if (rc != LUA_ERRMEM) return lua_error(L);
    mr_nomem(bind_of(L)->env);
    return bind_raise(L);
}

static void release_owner(void *p) { bind_own_done(p); }

static int owner_gc(lua_State *L) {
    bind_owner *owner = bind_test(L, 1, OWNER);
    bind_state *b = bind_peek(L);
    if (b && owner) bind_release_quietly(b, release_owner, owner);
    return 0;
}

mr_strbuf *bind_own_strbuf(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_strbuf *buf = lua_newuserdatauv(L, sizeof *buf, 0);
    mr_strbuf_init(buf, b->env);
    bind_set_type(L, STRBUF);
    return buf;
}

static int strbuf_gc(lua_State *L) {
    mr_strbuf *buf = bind_test(L, 1, STRBUF);
    if (!buf) return 0;
    if (bind_peek(L)) mr_strbuf_done(buf);
    return bind_finalized(L);
}

void bind_own_push_text(lua_State *L) {
    mr_strbuf *buf = lua_touserdata(L, -1);
    const char *text = mr_strbuf_str(buf);
    if (!text) bind_raise(L);
    lua_pushlstring(L, text, buf->len);
    mr_strbuf_done(buf);
    mr_strbuf_init(buf, bind_of(L)->env);
    lua_remove(L, -2);
}

void bind_open_own(lua_State *L) {
    static const luaL_Reg owner[] = {{"__gc", owner_gc}, {NULL, NULL}}, text[] = {{"__gc", strbuf_gc}, {NULL, NULL}};
    bind_type(L, OWNER, "Owner", NULL, NULL, owner);
    bind_type(L, STRBUF, "Text", NULL, NULL, text);
}
