/*
 * batching.c: how something loads in batches: { after = 1, max = 500 }.
 *
 * Invariant: what is returned for a table is complete, and within the bounds that a statement has.
 */
#include "batching.h"

enum { MOST_AFTER = UINT16_MAX };

static uint16_t number(lua_State *L, int idx, const char *what, const char *name, int64_t least, int64_t most,
                       int64_t usual) {
    int64_t n = bind_option_int(L, idx, what, name, usual);
    if (n < least || n > most)
        bind_error(L, MR_ERR_ARGUMENT, "%s: %s is a number from %lld to %lld, not %lld", what, name, (long long)least,
                   (long long)most, (long long)n);
    return (uint16_t)n;
}

mr_batching bind_read_batching(lua_State *L, int idx, const char *what) {
    mr_batching none = {0, 0};
    bool after = bind_option(L, idx, "after") != LUA_TNIL, max = bind_option(L, idx, "max") != LUA_TNIL;
    lua_pop(L, 2);
    if (!after && !max) return none;
    return (mr_batching){number(L, idx, what, "after", 0, MOST_AFTER, 1),
                         number(L, idx, what, "max", 1, MR_BATCH_MAX, MR_BATCH_MAX)};
}

mr_batching bind_pop_batching(lua_State *L, const char *what) {
    static const char *const known[] = {"after", "max", NULL};
    mr_batching batching = {0, 0};
    int at = lua_gettop(L);
    if (!lua_isnil(L, at)) {
        if (!bind_is_plain_table(L, at)) bind_type_error(L, at, what, "a table { after =, max = }");
        bind_check_options(L, at, what, known);
        batching = bind_read_batching(L, at, what);
    }
    lua_pop(L, 1);
    return batching;
}
