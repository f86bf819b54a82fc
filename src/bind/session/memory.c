/*
 * memory.c: mr.memory: how much memory moonrow has, and a trace of its heap on request.
 *
 * Invariant: the counts are those after the trace; without the option trace nothing changes.
 */
#include "state/argument.h"

static void set_count(lua_State *L, const char *name, size_t n) {
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, name);
}

/* memory{ trace = true | microseconds }: returns { bytes, objects, object_bytes }. bytes: all memory that the
 * environment has from the allocator; object_bytes: the part of the objects. trace = true traces the whole heap; a
 * number traces for about so many microseconds. */
static int core_memory(lua_State *L) {
    static const char *const known[] = {"trace", NULL};
    bind_state *b = bind_of(L);
    int options;
    if (bind_arguments(L, 1, &options) > 0)
        return bind_type_error(L, 1, "memory", "a table of options such as { trace = true }");
    bind_check_options(L, options, "memory", known);
    int type = bind_option(L, options, "trace");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN && (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0))
        return bind_type_error(L, -1, "memory: trace", "true, or a number of microseconds");
    if (type == LUA_TNUMBER || lua_toboolean(L, -1)) {
        uint64_t budget = type == LUA_TNUMBER && lua_tointeger(L, -1) > 0 ? (uint64_t)lua_tointeger(L, -1) : 0;
        b->release_anchors(L);
        BIND_ENTER(b, L);
        if (!bind_in_finalizer(L)) mr_heap_trace(b->heap, budget);
        BIND_LEAVE(b);
    }
    lua_createtable(L, 0, 3);
    set_count(L, "bytes", mr_env_memory(b->env));
    set_count(L, "objects", mr_heap_count(b->heap));
    set_count(L, "object_bytes", mr_heap_bytes(b->heap));
    return 1;
}

void bind_open_memory(lua_State *L) {
    lua_pushcfunction(L, core_memory);
    lua_setfield(L, -2, "memory");
}
