/*
 * version.c: the versions of moonrow and of the libraries that it uses.
 *
 * Invariant: a library that is loaded at run time is asked, and not its header.
 */
#include <jansson.h>
#include <lauxlib.h>
#include <moonrow.h>
#include <moonrow/db.h>

#include "host.h"

#ifdef MR_HAVE_LIBEDIT
#include <histedit.h>
#endif

/* Appends { name, version } to the list, which is at the index 1. */
static void add(lua_State *L, const char *name, const char *version) {
    lua_createtable(L, 2, 0);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, 1);
    lua_pushstring(L, version); /* nil for NULL */
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, 1, (lua_Integer)lua_rawlen(L, 1) + 1);
    lua_settop(L, 1); /* a version that was made for this stood above the list */
}

/* The word behind the name in a text such as "Lua 5.4.6". */
static const char *behind_space(const char *text) {
    const char *space = text;
    while (*space && *space != ' ') space++;
    return *space ? space + 1 : text;
}

int host_libraries(lua_State *L) {
    lua_settop(L, 0);
    lua_newtable(L);
    add(L, "moonrow", behind_space(mr_version()));
    add(L, "Lua", behind_space(LUA_RELEASE));
    add(L, "SQLite", mr_sqlite_version());
    int libpq = mr_postgresql_version(mr_state_env(L));
    enum { MAJOR = 10000 }; /* 150004: 15.4 */
    add(L, "libpq", libpq ? lua_pushfstring(L, "%d.%d", libpq / MAJOR, libpq % MAJOR) : NULL);
    add(L, "jansson", JANSSON_VERSION);
#ifdef MR_HAVE_LIBEDIT
    add(L, "libedit", lua_pushfstring(L, "%d.%d", LIBEDIT_MAJOR, LIBEDIT_MINOR));
#else
    add(L, "libedit", NULL);
#endif
    return 1;
}
