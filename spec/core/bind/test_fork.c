/*
 * test_fork.c: a child process after fork: it does not touch the databases that its parent has open, it may close its
 * copy of the Lua state, and it makes its own connections.
 */
#define _POSIX_C_SOURCE 200809L /* fork, waitpid; NOLINT(bugprone-reserved-identifier) */

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <moonrow.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static const char model[] = "db = mr.open('sqlite:///' .. path .. mode)\n"
                            "Thing = db.Model:extend('Thing', { id = db.Column{ db.Integer, primary_key = true }, n = "
                            "db.Column{ db.Integer } })\n"
                            "db:create_all()\n";

static void run(lua_State *L, const char *code) {
    if (luaL_dostring(L, code) != LUA_OK) {
        fprintf(stderr, "%s\n", luaL_tolstring(L, -1, NULL));
        abort(); /* cmocka cannot report a failure of the child */
    }
}

static lua_State *open_state(const char *mode) {
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    luaL_openlibs(L);
    luaL_requiref(L, "moonrow", luaopen_moonrow, 0);
    lua_setglobal(L, "mr");
    lua_pushstring(L, path);
    lua_setglobal(L, "path");
    lua_pushstring(L, mode);
    lua_setglobal(L, "mode");
    run(L, model);
    return L;
}

/* Runs code in a child process, which then closes its copy of the Lua state. Fails if the child fails. */
static void in_child(lua_State *L, const char *code) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        run(L, code);
        lua_close(L);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_mode(const char *mode) {
    snprintf(path, sizeof path, "/tmp/moonrow-fork-%ld.db", (long)getpid());
    remove(path);
    lua_State *L = open_state(mode);
    run(L, "db.session:add(Thing{ n = 1 }) db.session:flush()");
    /* The child ends while a transaction of the parent is open. */
    in_child(L, "");
    run(L, "db.session:add(Thing{ n = 2 }) db.session:commit() assert(Thing.query:count() == 2)");
    /* The child cannot use its parent's connections. Its rollback does not end the parent's transaction. */
    run(L, "db.session:add(Thing{ n = 3 }) db.session:flush()");
    in_child(
        L, "local ok, e = pcall(function() return Thing.query:count() end)\n"
           "assert(not ok and e.kind == 'InvalidRequestError' and e.message:find('before the process was forked'), e)\n"
           "ok, e = pcall(db.session.commit, db.session) assert(not ok)\n"
           "db.session:rollback()");
    run(L, "db.session:commit() assert(Thing.query:count() == 3)");
    /* The child can open a new connection, with the same engine and classes. */
    in_child(L, "db.session:remove() assert(Thing.query:count() == 3)\n"
                "db.session:add(Thing{ n = 4 }) db.session:commit()");
    run(L, "assert(Thing.query:count() == 4)");
    lua_close(L);
    L = open_state(mode);
    run(L, "assert(Thing.query:count() == 4) assert(db.session:scalar(mr.text 'PRAGMA integrity_check') == 'ok')");
    lua_close(L);
    const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, suffixes[i]);
        remove(name);
    }
}

static void test_journal(void **state) {
    (void)state;
    test_mode("");
}

static void test_wal(void **state) {
    (void)state;
    test_mode("?journal_mode=wal");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_journal), cmocka_unit_test(test_wal)};
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
