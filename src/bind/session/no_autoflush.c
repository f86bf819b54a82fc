/*
 * no_autoflush.c: session:no_autoflush: a block in which queries do not flush first.
 *
 * Invariant: each block counts once at its session, from its beginning to its end, however it ends: by the end of its
 * function or scope, an error, coroutine.close, or the collector.
 */
#include "session.h"
#include "state/coroutine.h"

#define BIND_AUTOFLUSH_BLOCK "moonrow.AutoflushBlock"

typedef struct autoflush_block {
    mr_session *session; /* user value 1 keeps it alive; NULL: the block has not begun, or has ended */
} autoflush_block;

static void end_autoflush(lua_State *L, int idx) {
    autoflush_block *block = bind_test(L, idx, BIND_AUTOFLUSH_BLOCK);
    if (block && block->session && bind_peek(L)) mr_session_block_autoflush(block->session, -1);
    if (block) block->session = NULL;
}

/* Ends the block, however it is left: by its end, an error, or coroutine.close. */
static int end_autoflush_block(lua_State *L) {
    end_autoflush(L, 1);
    return 0;
}

static int finish_no_autoflush(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - 2;
    end_autoflush(L, 2);
    return lua_error(L);
}

/* session:no_autoflush(fn): runs fn(session) without autoflush and returns its results. Without fn: returns a value to
 * close. */
static int session_no_autoflush(lua_State *L) {
    mr_session *s = bind_session_arg(L, "no_autoflush");
    bool has_function = bind_has_block(L, 2, "no_autoflush", "no_autoflush()");
    lua_settop(L, 2);
    autoflush_block *block = lua_newuserdatauv(L, sizeof *block, 1);
    block->session = NULL;
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    bind_set_type(L, BIND_AUTOFLUSH_BLOCK);
    lua_insert(L, 2); /* session, block, fn */
    if (has_function) lua_toclose(L, 2);
    mr_session_block_autoflush(s, 1);
    block->session = s;
    if (!has_function) {
        lua_settop(L, 2);
        return 1;
    }
    lua_pushvalue(L, 1);
    return bind_call_block(L, 1, LUA_MULTRET, finish_no_autoflush);
}

void bind_open_no_autoflush(lua_State *L) {
    static const luaL_Reg of_session[] = {{"no_autoflush", session_no_autoflush}, {NULL, NULL}};
    luaL_newmetatable(L, BIND_AUTOFLUSH_BLOCK);
    lua_pushcfunction(L, end_autoflush_block);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, end_autoflush_block); /* for a coroutine that is dropped inside the block */
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "moonrow block");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    bind_extend_type(L, BIND_SESSION, of_session, NULL);
}
