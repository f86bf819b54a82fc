/*
 * test_stop.c: debug hooks that a signal handler sets while a statement runs. A hook for all events, as interpreters
 * set it to stop a program, stops the statement. A hook that counts, as profilers set it, does not. Also: a hook raises
 * while a C program opens the library.
 */
#define _DEFAULT_SOURCE /* setitimer; NOLINT(bugprone-reserved-identifier) */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#include <cmocka.h>

#include "failing_alloc.h"

/* ---------------------------------------------------------------- hooks of signals */

enum { EVERYTHING = LUA_MASKCALL | LUA_MASKRET | LUA_MASKLINE | LUA_MASKCOUNT };

static lua_State *volatile state_of_handler;
static volatile int mask_of_handler, hooked;

static void hook(lua_State *L, lua_Debug *ar) {
    (void)ar;
    lua_sethook(L, NULL, 0, 0);
    if (mask_of_handler == EVERYTHING) luaL_error(L, "stopped by the hook");
}

static void on_alarm(int number) {
    (void)number;
    hooked = 1;
    lua_sethook(state_of_handler, hook, mask_of_handler, mask_of_handler == EVERYTHING ? 1 : 1000);
}

/* Runs a statement of about one second. A signal arrives after a tenth of a second. */
static int count_rows(lua_State *L, lua_State *hooked_state, int mask) {
    static const char code[] = "return db.session:scalar(mr.text('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x "
                               "+ 1 FROM c WHERE x < 10000000) SELECT count(*) FROM c'))";
    const struct itimerval soon = {{0, 0}, {0, 100000}};
    state_of_handler = hooked_state;
    mask_of_handler = mask;
    hooked = 0;
    signal(SIGALRM, on_alarm);
    assert_int_equal(luaL_loadstring(L, code), LUA_OK);
    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
    int rc = lua_pcall(L, 0, 1, 0);
    lua_sethook(hooked_state, NULL, 0, 0);
    assert_true(hooked);
    return rc;
}

static lua_State *open_state(fa_state *memory) {
    lua_State *L = lua_newstate(fa_alloc, memory);
    assert_non_null(L);
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 1);
    lua_setglobal(L, "mr");
    assert_int_equal(luaL_dostring(L, "db = mr.open 'sqlite://'"), LUA_OK);
    return L;
}

static void test_a_hook_that_raises_stops_a_statement(void **state) {
    (void)state;
    fa_state memory = FA_INIT;
    lua_State *L = open_state(&memory), *co = lua_newthread(L);
    lua_State *const cases[][2] = {{L, L}, {co, L}, {co, co}};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(count_rows(cases[i][0], cases[i][1], EVERYTHING), LUA_ERRRUN);
        const char *message = luaL_tolstring(cases[i][0], -1, NULL);
        bool by_hook = cases[i][0] == cases[i][1];
        if (!strstr(message, by_hook ? "stopped by the hook" : "(sqlite) interrupted")) fail_msg("%s", message);
        lua_settop(cases[i][0], cases[i][0] == L ? 1 : 0);
    }
    lua_close(L);
    assert_int_equal(fa_live(&memory), 0);
}

static void test_a_hook_that_counts_stops_nothing(void **state) {
    (void)state;
    fa_state memory = FA_INIT;
    lua_State *L = open_state(&memory);
    if (count_rows(L, L, LUA_MASKCOUNT) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
    assert_int_equal(lua_tointeger(L, -1), 10000000);
    lua_close(L);
    assert_int_equal(fa_live(&memory), 0);
}

/* ---------------------------------------------------------------- handles of a run that opens the library */

static long returns_left;

static void raise_at_return(lua_State *L, lua_Debug *ar) {
    (void)ar;
    if (--returns_left != 0) return;
    lua_sethook(L, NULL, 0, 0);
    luaL_error(L, "stopped by the hook");
}

/* Opens the library in a new Lua state with a hook that raises at return number n. Returns the number of returns. */
static long open_inside(long n, bool by_name) {
    static const char code[] = "local mr = require 'moonrow'\n"
                               "local db = mr.open 'sqlite://'\n"
                               "local T = db.Model:extend('T', { id = db.Column{ db.Integer, primary_key = true } })\n"
                               "local list = { T{}, T{} }\n"
                               "if by_name then rawset(_G, 'late', db) return db end\n"
                               "return list";
    fa_state memory = FA_INIT;
    lua_State *L = lua_newstate(fa_alloc, &memory);
    assert_non_null(L);
    luaL_openlibs(L);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, luaopen_moonrow);
    lua_setfield(L, -2, "moonrow");
    lua_pop(L, 1);
    lua_pushboolean(L, by_name);
    lua_setglobal(L, "by_name");
    if (by_name) { /* an unknown global opens the library */
        assert_int_equal(luaL_dostring(L, "return function(load) setmetatable(_G, { __index = function(_, name)\n"
                                          "if name == 'late' then return load() end end }) end"),
                         LUA_OK);
        assert_int_equal(luaL_loadstring(L, code), LUA_OK);
        assert_int_equal(lua_pcall(L, 1, 0, 0), LUA_OK);
    }
    mr_list *list = NULL;
    mr_db *db = NULL;
    returns_left = n;
    lua_sethook(L, raise_at_return, LUA_MASKRET, 0);
    mr_result result = by_name ? mr_db_global(L, "late", &db) : mr_list_eval(L, code, &list);
    lua_sethook(L, NULL, 0, 0);
    long returned = n - returns_left;
    assert_int_equal(lua_gettop(L), 0);
    assert_int_equal(result, list || db ? MR_RESULT_OK : MR_RESULT_FAIL);
    if (list) assert_int_equal(mr_list_count(list), 2);
    mr_list_release(list);
    mr_db_release(db);
    lua_close(L);
    assert_int_equal(fa_live(&memory), 0);
    return returned;
}

static void test_handles_of_a_run_that_opens_the_library(void **state) {
    (void)state;
    for (int by_name = 0; by_name < 2; by_name++) {
        long all = open_inside(1000000000, by_name);
        assert_true(all > 100);
        for (long n = all; n > all - 40; n--) open_inside(n, by_name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hook_that_raises_stops_a_statement),
        cmocka_unit_test(test_a_hook_that_counts_stops_nothing),
        cmocka_unit_test(test_handles_of_a_run_that_opens_the_library),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
