/*
 * test_states.c: two Lua states in one process, each with an environment of its own, and neither with io, os, debug or
 * package.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char model[] =
    "db = mr.open 'sqlite://'\n"
    "Thing = db.Model:extend('Thing', { id = db.Column{ db.Integer, primary_key = true }, n = db.Column{ db.Integer } })\n"
    "db:create_all()\n";

static void run(lua_State *L, const char *code) {
    if (luaL_dostring(L, code) != LUA_OK) fail_msg("%s", luaL_tolstring(L, -1, NULL));
}

static lua_State *new_state(void) {
    static const luaL_Reg libraries[] = {{"_G", luaopen_base}, {"string", luaopen_string}, {"table", luaopen_table},
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
    run(L, "mr.open('sqlite://', { echo = true }).session:scalar(mr.text 'SELECT 2')"); /* nowhere to write to */
    lua_close(L);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_states), cmocka_unit_test(test_errors_and_log)};
    return cmocka_run_group_tests_name("states", tests, NULL, NULL);
}
