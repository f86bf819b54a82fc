/*
 * fault_driver.c: runs the operations of fault_memory.c while a call to the database's driver fails.
 *
 * The Nth call fails, for N = 1, 2, ... until the operation makes fewer than N calls. If run(context) raises, the error
 * must be the injected one, and run(context) must succeed when it is called again. Then check(context) must succeed.
 */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <moonrow/db.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_ok(lua_State *L, int rc, const char *what, uint64_t n) {
    if (rc == LUA_OK) return;
    fail_msg("%s, driver call %d: %s", what, (int)n, luaL_tolstring(L, -1, NULL));
}

static int call(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    lua_pushvalue(L, 2);
    return lua_pcall(L, 1, 1, 0);
}

/* The engine of context.db. */
static mr_engine *engine_of(lua_State *L) {
    lua_getfield(L, 2, "db");
    lua_getfield(L, -1, "engine");
    mr_engine **engine = luaL_testudata(L, -1, "moonrow.Engine");
    assert_non_null(engine);
    lua_pop(L, 2);
    return *engine;
}

static bool is_injected(lua_State *L) {
    const char *text = luaL_tolstring(L, -1, NULL);
    bool yes = strstr(text, "injected failure") != NULL;
    lua_pop(L, 1);
    return yes;
}

/* Returns true if the operation made the Nth call. */
static bool run_operation(const char *path, uint64_t n) {
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
    lua_pop(L, 1);
    expect_ok(L, luaL_dofile(L, path), path, n);
    lua_getfield(L, 1, "setup");
    expect_ok(L, lua_pcall(L, 0, 1, 0), path, n);
    mr_engine *engine = engine_of(L);
    mr_engine_fail_at(engine, n);
    int rc = call(L, "run");
    bool met = mr_engine_calls(engine) >= n;
    mr_engine_fail_at(engine, 0);
    if (rc != LUA_OK) {
        if (!met || !is_injected(L)) fail_msg("%s, driver call %d: %s", path, (int)n, luaL_tolstring(L, -1, NULL));
        lua_settop(L, 2);
        expect_ok(L, call(L, "run"), path, n);
    }
    lua_settop(L, 2);
    expect_ok(L, call(L, "check"), path, n);
    lua_close(L);
    return met;
}

static void test_operation(void **state) {
    const char *path = *state;
    uint64_t n = 1;
    while (run_operation(path, n)) n++;
    print_message("%s: %d driver calls\n", path, (int)n - 1);
    assert_true(n > 1);
}

#define OPERATION(name) cmocka_unit_test_prestate(test_operation, (void *)"spec/fault/operations/" name ".lua")

int main(void) {
    const struct CMUnitTest tests[] = {
        OPERATION("declare"), OPERATION("flush"),  OPERATION("query"),  OPERATION("get"),         OPERATION("rollback"),
        OPERATION("core"),    OPERATION("events"), OPERATION("rows"),   OPERATION("transaction"), OPERATION("by_query"),
        OPERATION("related"), OPERATION("merge"),  OPERATION("settle"), OPERATION("decimals"),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
