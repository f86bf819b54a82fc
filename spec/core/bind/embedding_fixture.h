/*
 * embedding_fixture.h: helpers for the tests of moonrow.h: a Lua state, and a database that a script has declared.
 *
 * Invariant: after each test the Lua stack is empty, and all memory has been freed.
 */
#ifndef MOONROW_SPEC_EMBEDDING_FIXTURE_H
#define MOONROW_SPEC_EMBEDDING_FIXTURE_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "failing_alloc.h"

typedef struct world {
    lua_State *L;
    mr_db *db; /* the global db of the script */
} world;

static fa_state memory = FA_INIT;

/* A new Lua state that has run the script. */
static inline lua_State *open_state(fa_state *fa, const char *script) {
    lua_State *L = lua_newstate(fa_alloc, fa);
    assert_non_null(L);
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 1);
    lua_pop(L, 1);
    if (luaL_dostring(L, script) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
    return L;
}

/* Opens the world of a test. The script makes the global db. */
static inline int open_world(void **state, const char *script) {
    static world w;
    w.L = open_state(&memory, script);
    w.db = NULL;
    assert_int_equal(mr_db_global(w.L, "db", &w.db), MR_RESULT_OK);
    *state = &w;
    return 0;
}

static inline int close_world(void **state) {
    world *w = *state;
    assert_int_equal(lua_gettop(w->L), 0);
    mr_db_release(w->db);
    lua_close(w->L);
    assert_int_equal(fa_live(&memory), 0);
    return 0;
}

#endif
