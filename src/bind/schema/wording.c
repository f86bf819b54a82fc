/*
 * wording.c: what is wrong in the words of a table's definition: an option of another type, a part that is none.
 *
 * Invariant: a mistake of the program is noted, and reading goes on: the table is refused with all of them at its end.
 * Nothing else is held back: a lack of memory, or an error of the program's own, ends the declaration at once.
 */
#include "schema.h"

/* The message of the library's ArgumentError at idx, which stays on the stack; or NULL. */
static const char *mistake_at(lua_State *L, int idx) {
    if (!lua_istable(L, idx) || luaL_getmetafield(L, idx, "__errkind") != LUA_TNUMBER) return NULL;
    if ((mr_errkind)lua_tointeger(L, -1) != MR_ERR_ARGUMENT) return NULL;
    lua_getfield(L, idx, "message");
    return lua_tostring(L, -1);
}

static void note(lua_State *L, const char *message, mr_table_options *options) {
    options->mistakes =
        bind_intern_string(L, lua_pushfstring(L, "%s\n  %s", options->mistakes ? options->mistakes : "", message));
    options->nmistakes++;
}

void bind_read_wording(lua_State *L, lua_CFunction read, void *data, mr_table_options *options) {
    int top = lua_gettop(L) - 1;
    luaL_checkstack(L, 8, "reading a table's definition");
    lua_pushcfunction(L, read);
    lua_pushlightuserdata(L, data);
    lua_rotate(L, top + 1, -1); /* the value last */
    if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
        const char *message = mistake_at(L, top + 1);
        if (!message) {
            lua_settop(L, top + 1);
            lua_error(L);
        }
        note(L, message, options);
    }
    lua_settop(L, top);
}
