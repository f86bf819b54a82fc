/*
 * copy.c: core.copy_database: what db:backup and db:restore do.
 *
 * Invariant: `progress` is called in protected mode; its error stops the copy, and is raised.
 */
#include "value/engine.h"
#include "value/session.h"

typedef struct progress {
    mr_env *env;
    bind_ref *fn;
    int done, total;
} progress;

static int progress_body(lua_State *L) {
    const progress *p = lua_touserdata(L, 1);
    bind_ref_push(L, p->fn);
    lua_pushinteger(L, p->done);
    lua_pushinteger(L, p->total);
    lua_call(L, 2, 0);
    return 0;
}

static mr_status tell(void *ud, int done, int total) {
    progress *p = ud;
    p->done = done;
    p->total = total;
    return bind_callback(p->env, progress_body, p);
}

/* core.copy_database(engine, path, restore, pages, progress or nil) */
static int copy_database(lua_State *L) {
    bind_state *b = bind_of(L);
    lua_settop(L, 5);
    mr_engine *engine = ((bind_engine *)bind_arg(L, 1, BIND_ENGINE, "backup"))->engine;
    progress p = {.env = b->env};
    mr_copy copy = {.path = bind_arg_name(L, 2, "backup", "a path"),
                    .restore = lua_toboolean(L, 3),
                    .pages = (int)luaL_checkinteger(L, 4),
                    .ud = &p};
    bind_release_loops(L);
    if (!lua_isnil(L, 5)) p.fn = bind_ref_new(L, 5);
    if (p.fn) copy.progress = tell;
    BIND_ENTER(b, L);
    mr_status status = mr_engine_copy(engine, &copy);
    BIND_LEAVE(b);
    bind_ref_release(p.fn);
    bind_check(L, status);
    return 0;
}

/* core.sessions(): a list of all sessions that there are. */
static int sessions(lua_State *L) {
    bind_push_sessions(L);
    return 1;
}

void bind_open_copy(lua_State *L) {
    static const luaL_Reg functions[] = {{"copy_database", copy_database}, {"sessions", sessions}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
