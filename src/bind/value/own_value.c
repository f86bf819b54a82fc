/*
 * own_value.c: values of the program's own, which the core holds as opaque ones until they are sent.
 *
 * Invariant: a value is in the registry as long as somebody counts on it. Lua holds it in a box, as it holds the bytes
 * of a string: what was read from a place on the stack lives as long as that place.
 */
#include "own_value.h"

#include <string.h>

#include "state/error.h"
#include "state/type.h"

void bind_own_retain(mr_env *env, void *p) {
    (void)env;
    ((bind_own_value *)p)->refs++;
}

void bind_own_release(mr_env *env, void *p) {
    bind_own_value *own = p;
    if (--own->refs) return;
    if (!own->b->closed) luaL_unref(own->b->main, LUA_REGISTRYINDEX, own->ref);
    mr_free(env, own->what);
    mr_free(env, own);
}

#define BOX "moonrow.OwnValue" /* bind_own_value *, one reference */

static int box_gc(lua_State *L) {
    bind_own_value **box = bind_test(L, 1, BOX);
    bind_state *b = bind_peek(L);
    if (!box) return 0;
    if (b && *box) bind_own_release(b->env, *box);
    *box = NULL;
    return 0;
}

static int box_tostring(lua_State *L) {
    bind_own_value **box = bind_arg(L, 1, BOX, "tostring");
    if (*box) lua_rawgeti(L, LUA_REGISTRYINDEX, (*box)->ref);
    else lua_pushnil(L);
    luaL_tolstring(L, -1, NULL);
    return 1;
}

void bind_wrap_value(lua_State *L, int idx, const mr_type *type, mr_value *out) {
    bind_state *b = bind_of(L);
    idx = lua_absindex(L, idx);
    bind_own_value **known = bind_test(L, idx, BOX);
    if (known && !*known) known = NULL; /* a program called its finalizer by hand */
    if (!known || (*known)->type != type) {
        luaL_checkstack(L, 6, "keeping a value");
        bind_own_value **box = lua_newuserdatauv(L, sizeof *box, 0);
        *box = NULL;
        bind_set_type(L, BOX);
        bind_own_value *made = mr_calloc(b->env, sizeof *made);
        if (!made) bind_raise(L);
        *made = (bind_own_value){1, LUA_NOREF, b, type, NULL};
        *box = made;
        if (known) lua_rawgeti(L, LUA_REGISTRYINDEX, (*known)->ref);
        else lua_pushvalue(L, idx);
        made->ref = luaL_ref(L, LUA_REGISTRYINDEX);
        lua_replace(L, idx);
        known = box;
    }
    *out = mr_value_of(MR_OPAQUE, 0);
    out->tag = b->own_tag;
    out->u.p = *known;
}

bool bind_wrap_table(lua_State *L, int idx, mr_value *out) {
    if (!lua_istable(L, idx) && !bind_test(L, idx, BOX)) return false;
    bind_wrap_value(L, idx, NULL, out);
    return true;
}

void bind_name_value(lua_State *L, const mr_value *v, const char *what) {
    bind_state *b = bind_of(L);
    bind_own_value *own = bind_is_own_value(b, v) ? v->u.p : NULL;
    if (!own || own->what) return;
    own->what = mr_strndup(b->env, what, strlen(what));
    if (!own->what) bind_raise(L);
}

void bind_push_own_value(lua_State *L, const mr_value *v) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, ((const bind_own_value *)v->u.p)->ref);
}

void bind_open_own_value(lua_State *L) {
    static const luaL_Reg metamethods[] = {{"__gc", box_gc}, {"__tostring", box_tostring}, {NULL, NULL}};
    bind_type(L, BOX, "Value", NULL, NULL, metamethods);
}
