/*
 * test_states.c: two Lua states in one process. Each has its own environment, and none has io, os, debug or package.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char model[] = "db = mr.open 'sqlite://'\n"
                            "Thing = db.Model:extend('Thing', { id = db.Column{ db.Integer, primary_key = true }, n = "
                            "db.Column{ db.Integer } })\n"
                            "db:create_all()\n";

static void run(lua_State *L, const char *code) {
    if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
}

static lua_State *new_state(void) {
    static const luaL_Reg libraries[] = {
        {"_G", luaopen_base},   {"string", luaopen_string},       {"table", luaopen_table},
        {"math", luaopen_math}, {"coroutine", luaopen_coroutine}, {NULL, NULL}};
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    for (const luaL_Reg *r = libraries; r->name; r++) luaL_requiref(L, r->name, r->func, 1);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
    lua_setglobal(L, "mr");
    lua_settop(L, 0);
    run(L, model);
    return L;
}

static void test_two_states(void **state) {
    (void)state;
    lua_State *a = new_state(), *b = new_state();
    for (int i = 0; i < 100; i++) {
        run(a, "db.session:add(Thing{ n = 1 }) db.session:commit()");
        run(b, "db.session:add(Thing{ n = 2 }) db.session:flush()");
    }
    run(a, "assert(Thing.query:count() == 100 and Thing.query:first().n == 1)");
    lua_close(a);
    run(b, "assert(Thing.query:count() == 100 and Thing.query:first().n == 2) db.session:rollback()");
    run(b, "assert(Thing.query:count() == 0)");
    lua_close(b);
}

static void test_errors_and_log(void **state) {
    (void)state;
    lua_State *L = new_state();
    run(L, "local ok, e = pcall(Thing, { m = 1 }) assert(not ok and mr.errors.ArgumentError:is(e) and e.where ~= '')");
    run(L, "local lines = {} mr.set_log(function(line) lines[#lines + 1] = line end)\n"
           "mr.open('sqlite://', { echo = true }).session:scalar(mr.text 'SELECT 1')\n"
           "mr.set_log(nil) assert(lines[1]:find 'SELECT 1')");
    /* There is no io library to write the log with. */
    run(L, "mr.open('sqlite://', { echo = true }).session:scalar(mr.text 'SELECT 2')");
    lua_close(L);
}

static int open_moonrow(lua_State *L) {
    luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
    return 1;
}

/* If a library of Lua is missing, the module does not open and names it. The Lua state stays usable. */
static void test_missing_library(void **state) {
    (void)state;
    static const luaL_Reg libraries[] = {{"_G", luaopen_base},
                                         {"string", luaopen_string},
                                         {"math", luaopen_math},
                                         {"table", luaopen_table},
                                         {"coroutine", luaopen_coroutine}};
    enum { N = sizeof libraries / sizeof *libraries };
    for (int missing = 0; missing < N; missing++) {
        lua_State *L = luaL_newstate();
        for (int i = 0; i < N; i++)
            if (i != missing) luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
        lua_settop(L, 0);
        lua_pushcfunction(L, open_moonrow);
        assert_int_equal(lua_pcall(L, 0, 0, 0), LUA_ERRRUN);
        const char *wanted = missing == 0
                                 ? "moonrow needs Lua's function 'error'"
                                 : lua_pushfstring(L, "base, coroutine, math, string and table: open '%s' before it",
                                                   libraries[missing].name);
        assert_non_null(strstr(lua_tostring(L, 1), wanted));
        lua_settop(L, 0);
        luaL_requiref(L, libraries[missing].name, libraries[missing].func, 1);
        lua_pushcfunction(L, open_moonrow);
        if (lua_pcall(L, 0, 1, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
        lua_setglobal(L, "mr");
        run(L, model);
        lua_close(L);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_states), cmocka_unit_test(test_errors_and_log),
                                       cmocka_unit_test(test_missing_library)};
    return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
