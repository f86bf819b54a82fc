/*
 * mistakes.c: what is wrong in the body of a class.
 *
 * Invariant: a mistake is noted, and reading goes on: the class is refused with all of them at its end; one alone is
 * raised as it was found. Nothing else is held back: a lack of memory, or an error of the program's own, ends the
 * declaration at once.
 */
#include <string.h>

#include "body.h"

void bind_mistakes_begin(lua_State *L, declaration *d) {
    lua_newtable(L);
    d->mistakes = lua_gettop(L);
    d->nmistakes = 0;
}

/* Is the value on top an error that says what the program has written wrong? */
static bool is_mistake(lua_State *L) {
    if (!lua_istable(L, -1) || luaL_getmetafield(L, -1, "__errkind") != LUA_TNUMBER) return false;
    mr_errkind kind = (mr_errkind)lua_tointeger(L, -1);
    lua_pop(L, 1);
    return kind == MR_ERR_ARGUMENT || kind == MR_ERR_MAPPING;
}

bool bind_attempt(lua_State *L, declaration *d, lua_CFunction read, void *data) {
    int top = lua_gettop(L);
    luaL_checkstack(L, 8, "reading a class");
    lua_pushcfunction(L, read);
    lua_pushlightuserdata(L, data);
    lua_pushvalue(L, top);
    bool done = lua_pcall(L, 2, 0, 0) == LUA_OK;
    if (!done) {
        if (!is_mistake(L)) lua_error(L);
        lua_rawseti(L, d->mistakes, (lua_Integer)++d->nmistakes);
    }
    lua_settop(L, top - 1);
    return done;
}

/* Pushes the message of the mistake with the number, from 1 on. */
static const char *push_message(lua_State *L, const declaration *d, unsigned i) {
    lua_rawgeti(L, d->mistakes, (lua_Integer)i);
    lua_getfield(L, -1, "message");
    lua_remove(L, -2);
    return luaL_tolstring(L, -1, NULL);
}

static void raise_alone(lua_State *L, const declaration *d) {
    lua_rawgeti(L, d->mistakes, 1);
    lua_error(L);
}

void bind_mistakes_tell(lua_State *L, const declaration *d) {
    if (d->nmistakes == 0) return;
    if (d->nmistakes == 1) raise_alone(L, d);
    luaL_Buffer text;
    luaL_buffinit(L, &text);
    for (unsigned i = 1; i <= d->nmistakes; i++) {
        luaL_addstring(&text, "\n  ");
        push_message(L, d, i);
        lua_remove(L, -2);
        luaL_addvalue(&text);
    }
    luaL_pushresult(&text);
    bind_error(L, MR_ERR_MAPPING, "%s: %d mistakes:%s", d->name, (int)d->nmistakes, lua_tostring(L, -1));
}

void bind_mistakes_give(lua_State *L, const declaration *d, mr_mapper *mapper) {
    for (unsigned i = 1; i <= d->nmistakes; i++) {
        int top = lua_gettop(L);
        mr_mapper_mistake(mapper, push_message(L, d, i));
        lua_settop(L, top);
    }
}

void bind_mistakes_raise(lua_State *L, const declaration *d) {
    const mr_error *error = mr_env_error(bind_of(L)->env);
    if (d->nmistakes == 1 && error->kind == MR_ERR_MAPPING && strcmp(error->message, push_message(L, d, 1)) == 0) {
        mr_env_clear_error(bind_of(L)->env);
        raise_alone(L, d);
    }
    bind_raise(L);
}
