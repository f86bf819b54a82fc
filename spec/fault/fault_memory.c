/*
 * fault_memory.c: makes each allocation fail in turn. Lua and the core share one allocator, so this tests both.
 *
 * An operation is a Lua file that returns { setup = fn, run = fn, check = fn }. For N = 1, 2, ... a new state is made,
 * and setup returns a context. Then the Nth allocation of run(context) fails. If run raises, the error must be a
 * NoMemoryError or Lua's own "not enough memory", and run(context) must succeed when it is called again. Then
 * check(context) must succeed, and closing the state must free all memory.
 *
 * The examples are tested in the same way. Each runs as a whole, from a new state and in its own folder. It is not
 * called again in the same state.
 */
#define _POSIX_C_SOURCE 200809L /* chdir, getcwd */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Allocation fail_at fails. all: all later ones fail, too. If only one fails, Lua collects garbage and tries again. */
typedef struct failing {
    size_t live, count, fail_at;
    bool all;
    bool hit;
} failing;

static void *failing_alloc(void *ud, void *ptr, size_t osize, size_t nsize) {
    failing *f = ud;
    if (!ptr) osize = 0;
    if (nsize == 0) {
        f->live -= osize;
        free(ptr);
        return NULL;
    }
    /* Lua relies on shrinking never failing. */
    if (nsize > osize && f->fail_at && ++f->count >= f->fail_at && (f->all || !f->hit)) {
        f->hit = true;
        return NULL;
    }
    void *p = realloc(ptr, nsize);
    if (p) f->live += nsize - osize;
    return p;
}

static void arm(failing *f, size_t at, bool all) {
    f->count = 0;
    f->fail_at = at;
    f->all = all;
    f->hit = false;
}

static lua_State *new_state(failing *f) {
    *f = (failing){0};
    lua_State *L = lua_newstate(failing_alloc, f);
    assert_non_null(L);
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
    lua_pop(L, 1);
    return L;
}

static void expect_ok(lua_State *L, int rc, const char *what) {
    if (rc == LUA_OK) return;
    fail_msg("%s: %s", what, luaL_tolstring(L, -1, NULL));
}

/* Is the error on top about memory? It is a string of Lua, or an error object of the core. */
static bool is_memory_error(lua_State *L) {
    const char *text = luaL_tolstring(L, -1, NULL);
    bool yes = strstr(text, "not enough memory") || strstr(text, "NoMemoryError") || strstr(text, "out of memory");
    lua_pop(L, 1);
    return yes;
}

/* Calls operation[name](context); the operation is at index 1, the context at 2. */
static int call(lua_State *L, const char *name) {
    lua_getfield(L, 1, name);
    lua_pushvalue(L, 2);
    return lua_pcall(L, 1, 1, 0);
}

static bool run_operation(const char *path, size_t n, bool all) {
    failing f;
    lua_State *L = new_state(&f);
    expect_ok(L, luaL_dofile(L, path), path);
    lua_getfield(L, 1, "setup");
    expect_ok(L, lua_pcall(L, 0, 1, 0), "setup");
    arm(&f, n, all);
    int rc = call(L, "run");
    bool hit = f.hit;
    f.fail_at = 0;
    if (rc != LUA_OK) {
        if (!hit || !is_memory_error(L)) fail_msg("%s, allocation %zu: %s", path, n, luaL_tolstring(L, -1, NULL));
        lua_settop(L, 2);
        rc = call(L, "run");
        if (rc != LUA_OK) fail_msg("%s, retry after allocation %zu: %s", path, n, luaL_tolstring(L, -1, NULL));
    }
    lua_settop(L, 2);
    rc = call(L, "check");
    if (rc != LUA_OK) fail_msg("%s, check after allocation %zu: %s", path, n, luaL_tolstring(L, -1, NULL));
    lua_close(L);
    if (f.live) fail_msg("%s, allocation %zu: %zu bytes leaked", path, n, f.live);
    return hit;
}

static void test_operation(void **state) {
    const char *path = *state;
    for (int all = 0; all <= 1; all++) {
        size_t n = 1;
        while (run_operation(path, n, all)) n++;
        print_message("%s: %zu allocations, %s\n", path, n - 1, all ? "all failing from there" : "one failing");
    }
}

static int discard(lua_State *L) {
    (void)L;
    return 0;
}

static bool run_example(const char *path, size_t n, bool all) {
    failing f;
    lua_State *L = new_state(&f);
    lua_pushcfunction(L, discard);
    lua_setglobal(L, "print");
    expect_ok(L, luaL_loadfile(L, path), path);
    arm(&f, n, all);
    int rc = lua_pcall(L, 0, 0, 0);
    bool hit = f.hit;
    f.fail_at = 0;
    if (rc != LUA_OK && (!hit || !is_memory_error(L)))
        fail_msg("%s, allocation %zu: %s", path, n, luaL_tolstring(L, -1, NULL));
    lua_close(L);
    if (f.live) fail_msg("%s, allocation %zu: %zu bytes leaked", path, n, f.live);
    return hit;
}

typedef struct example {
    const char *folder, *path;
} example;

static void test_example(void **state) {
    const example *e = *state;
    const char *path = e->path;
    char root[4096];
    assert_non_null(getcwd(root, sizeof root));
    assert_int_equal(chdir(e->folder), 0);
    for (int all = 0; all <= 1; all++) {
        size_t n = 1;
        while (run_example(path, n, all)) n++;
        print_message("%s/%s: %zu allocations, %s\n", e->folder, path, n - 1,
                      all ? "all failing from there" : "one failing");
    }
    assert_int_equal(chdir(root), 0);
}

#define OPERATION(name) cmocka_unit_test_prestate(test_operation, (void *)"spec/fault/operations/" name ".lua")
#define EXAMPLE(at)     cmocka_unit_test_prestate(test_example, (void *)&examples[at])

int main(void) {
    static const example examples[] = {
        {"examples", "quickstart.lua"}, {"examples/declarative", "main.lua"}, {"examples", "blog.lua"}};
    const struct CMUnitTest tests[] = {
        OPERATION("declare"),
        OPERATION("flush"),
        OPERATION("decimals"),
        OPERATION("runs"),
        OPERATION("query"),
        OPERATION("selects"),
        OPERATION("criteria"),
        OPERATION("texts"),
        OPERATION("get"),
        OPERATION("rollback"),
        OPERATION("core"),
        OPERATION("by_query"),
        OPERATION("related"),
        OPERATION("events"),
        OPERATION("rows"),
        OPERATION("merge"),
        OPERATION("settle"),
        OPERATION("transaction"),
        OPERATION("definition"),
        OPERATION("reflection"),
        OPERATION("transfer"),
        OPERATION("json"),
        OPERATION("sql_functions"),
        OPERATION("undo"),
        EXAMPLE(0),
        EXAMPLE(1),
        EXAMPLE(2),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
