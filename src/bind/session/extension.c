/*
 * extension.c: engine:load_extension.
 */
#include <string.h>

#include "value/engine.h"

/* engine:load_extension(path, entry): entry is the name of its first function; nil: SQLite guesses it by the path. */
static int load_extension(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_engine *engine = ((bind_engine *)bind_arg(L, 1, BIND_ENGINE, "load_extension"))->engine;
    bind_refuse_more(L, 2, "load_extension", "");
    const char *path = bind_arg_name(L, 2, "load_extension", "the path of a library");
    const char *entry = NULL;
    if (!lua_isnoneornil(L, 3)) entry = bind_arg_name(L, 3, "load_extension", "the name of a function in the library");
    BIND_TRY(b, L, mr_engine_load_extension(engine, path, entry));
    return 0;
}

void bind_open_extension(lua_State *L) {
    static const luaL_Reg methods[] = {{"load_extension", load_extension}, {NULL, NULL}};
    bind_extend_type(L, BIND_ENGINE, methods, NULL);
}
