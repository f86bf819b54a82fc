/*
 * decorator.c: what makes a type of another one: mr.TypeDecorator, and type:with_variant.
 *
 * Invariant: a type lives as long as the library, and so do the functions of the program that it calls.
 */
#include <string.h>

#include "schema.h"
#include "value/decorated.h"

/* ---------------------------------------------------------------- TypeDecorator */

/* The function that the option names, or NULL. */
static bind_ref *read_function(lua_State *L, int options, const char *name) {
    int given = bind_option(L, options, name);
    if (given != LUA_TNIL && !bind_is_callable(L, -1)) {
        lua_pushfstring(L, "TypeDecorator: %s", name);
        bind_type_error(L, -2, lua_tostring(L, -1), "a function(value, dialect)");
    }
    bind_ref *ref = given == LUA_TNIL ? NULL : bind_ref_forever(L, -1);
    lua_pop(L, 1);
    return ref;
}

static const mr_type *read_impl(lua_State *L, int options) {
    if (bind_option(L, options, "impl") == LUA_TNIL)
        bind_error(L, MR_ERR_ARGUMENT,
                   "TypeDecorator: it needs the type that is stored: TypeDecorator{ impl = db.String(20), bind = "
                   "function(value) ... end, result = function(value) ... end }");
    const mr_type *impl = bind_test_type(L, -1);
    if (!impl) bind_type_error(L, -1, "TypeDecorator: impl", "a type such as db.String(20)");
    lua_pop(L, 1);
    return impl;
}

/* TypeDecorator{ impl =, bind =, result =, ... } */
static int core_type_decorator(lua_State *L) {
    static const char *const names[] = {"impl", "bind", "result", "literal", "equal", "name", "cache_ok", NULL};
    int options;
    bind_state *b = bind_of(L);
    if (bind_arguments(L, 1, &options) > 0 || !options)
        return bind_type_error(L, 1, "TypeDecorator", "a table of options: TypeDecorator{ impl = db.String(20), ... }");
    bind_check_options(L, options, "TypeDecorator", names);
    const mr_type *impl = read_impl(L, options);
    bind_decorator *d = mr_env_arena(b->env, sizeof *d);
    if (!d) return bind_raise(L);
    d->bind = read_function(L, options, "bind");
    d->result = read_function(L, options, "result");
    d->literal = read_function(L, options, "literal");
    d->equal = read_function(L, options, "equal");
    if (!d->bind && !d->result)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "TypeDecorator: it has neither bind nor result: give it the function that makes the stored "
                          "value, and the one that makes the program's");
    const char *name = bind_option_string(L, options, "TypeDecorator", "name", "TypeDecorator");
    bind_option_bool(L, options, "TypeDecorator", "cache_ok", true);
    const mr_decorator proto = {.name = name, .ud = d, .send = bind_sends(impl, d) ? bind_send_plain : NULL};
    const mr_type *type = mr_type_decorate(b->env, impl, &proto);
    if (!type || mr_session_has_own_values(b->env) != MR_OK) return bind_raise(L);
    b->has_own = true;
    bind_push_type(L, type);
    return 1;
}

void bind_decorated_type_call(lua_State *L) {
    const mr_type *type = bind_arg_type(L, 1, "type");
    const mr_decorator *d = type->decorator;
    int n = lua_gettop(L) - 1;
    if (n == 0) return;
    luaL_checkstack(L, 2, "a type's arguments");
    bind_push_type(L, d->impl);
    lua_replace(L, 1);
    lua_call(L, n, 1);
    const mr_type *made = mr_type_decorate(bind_of(L)->env, bind_arg_type(L, 1, "type"), d);
    if (!made) bind_raise(L);
    bind_push_type(L, made);
    lua_replace(L, 1);
    lua_settop(L, 1);
}

/* ---------------------------------------------------------------- variants */

/* The name of a dialect at idx; raises for others. */
static const char *read_dialect(lua_State *L, int idx) {
#define NAME(name) #name,
    static const char *const known[] = {MR_DIALECTS(NAME) NULL};
#undef NAME
    if (lua_type(L, idx) != LUA_TSTRING)
        bind_type_error(L, idx, "with_variant", "the name of a dialect behind the type, such as \"postgresql\"");
    const char *name = lua_tostring(L, idx);
    for (const char *const *k = known; *k; k++)
        if (strcmp(*k, name) == 0) return *k;
    luaL_Buffer list;
    luaL_buffinit(L, &list);
    for (const char *const *k = known; *k; k++) {
        if (k > known) luaL_addstring(&list, ", ");
        lua_pushfstring(L, "\"%s\"", *k);
        luaL_addvalue(&list);
    }
    luaL_pushresult(&list);
    bind_error(L, MR_ERR_ARGUMENT, "with_variant: there is no dialect '%s': one of %s", name, lua_tostring(L, -1));
    return NULL;
}

/* type:with_variant(other, "postgresql", ...) */
static int type_with_variant(lua_State *L) {
    bind_state *b = bind_of(L);
    const mr_type *type = bind_arg_type(L, 1, "with_variant"), *other = bind_test_type(L, 2);
    if (!other) return bind_type_error(L, 2, "with_variant", "a type such as db.Text, then the name of a dialect");
    static bind_decorator none;
    const mr_decorator late = {.name = "Variant", .ud = &none, .send = bind_send_plain};
    int n = lua_gettop(L);
    if (n < 3) read_dialect(L, 3);
    for (int i = 3; i <= n; i++) {
        const mr_type *made = mr_type_with_variant(b->env, type, other, read_dialect(L, i), &late);
        if (!made) return bind_raise(L);
        type = made;
    }
    if (mr_session_has_own_values(b->env) != MR_OK) return bind_raise(L);
    b->has_own = b->has_own || type->decorator;
    bind_push_type(L, type);
    return 1;
}

void bind_open_decorator(lua_State *L) {
    static const luaL_Reg methods[] = {{"with_variant", type_with_variant}, {NULL, NULL}};
    bind_extend_type(L, BIND_TYPE, methods, NULL);
    lua_pushcfunction(L, core_type_decorator);
    lua_setfield(L, -2, "TypeDecorator");
}
