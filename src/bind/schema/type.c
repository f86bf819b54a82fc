/*
 * type.c: column types as Lua values: mr.Integer, mr.String(80). A type is callable, so that both
 * mr.Integer and mr.Integer() work.
 *
 * Invariant: a type value points to a type that lives as long as the library: a shared one, or one in the arena.
 */
#include <string.h>

#include "value/schema.h"

static int type_name(lua_State *L) {
    char buf[64];
    lua_pushstring(L, mr_type_name(bind_arg_type(L, 1, "type"), buf));
    return 1;
}

/* Reads the choices of Enum: the n positional arguments, all different strings. */
static const mr_type *read_choices(lua_State *L, const mr_type *base, int n) {
    if (n == 0) bind_error(L, MR_ERR_ARGUMENT, "Enum: write its choices: Enum(\"draft\", \"published\")");
    const char **choices = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *choices, 0);
    choices[n] = NULL;
    for (int i = 0; i < n; i++) {
        if (lua_type(L, i + 2) != LUA_TSTRING) bind_type_error(L, i + 2, "Enum", "a string");
        choices[i] = lua_tostring(L, i + 2);
        if (strlen(choices[i]) != lua_rawlen(L, i + 2))
            bind_error(L, MR_ERR_ARGUMENT, "Enum: the choice '%s' has a zero byte in it", choices[i]);
        for (int j = 0; j < i; j++)
            if (strcmp(choices[i], choices[j]) == 0)
                bind_error(L, MR_ERR_ARGUMENT, "Enum: the choice '%s' is there twice", choices[i]);
    }
    mr_type proto = *base;
    proto.choices = choices;
    return mr_type_new(bind_of(L)->env, &proto);
}

static const mr_type *read_length(lua_State *L, const mr_type *base, const char *name, int n, int options) {
    static const char *const names[] = {"length", NULL};
    bind_check_options(L, options, name, names);
    mr_type proto = *base;
    int64_t length = bind_option_int(L, options, name, "length", 0);
    if (n == 1) {
        int integral = 0;
        if (lua_type(L, 2) == LUA_TNUMBER) length = lua_tointegerx(L, 2, &integral);
        if (!integral) bind_type_error(L, 2, name, "a length");
    }
    if (n > 1) bind_error(L, MR_ERR_ARGUMENT, "%s: expected one length", name);
    if (length < 0 || length > INT32_MAX || (n == 1 && length == 0))
        bind_error(L, MR_ERR_ARGUMENT, "%s: the length must be at least 1", name);
    if (length == base->length) return base;
    proto.length = (int)length;
    return mr_type_new(bind_of(L)->env, &proto);
}

/* Raises: a type without arguments is called with some, as if it made values. */
static int refuse_arguments(lua_State *L, const mr_type *type, const char *name) {
    static const struct {
        mr_kind kind;
        const char *maker;
    } makers[] = {{MR_DATE, "mr.date(2024, 5, 1)"},
                  {MR_TIME, "mr.time(12, 30)"},
                  {MR_DATETIME, "mr.datetime(2024, 5, 1, 12, 30)"},
                  {MR_INTERVAL, "mr.interval{ days = 1 }"}};
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (type->rules->kind == makers[i].kind)
            return bind_error(L, MR_ERR_ARGUMENT,
                              "%s takes no arguments: it is the type of a column; a value is made by %s", name,
                              makers[i].maker);
    return bind_error(L, MR_ERR_ARGUMENT, "%s takes no arguments: it is the type of a column, mr.Column{ mr.%s }", name,
                      name);
}

static int type_call(lua_State *L) {
    const mr_type *base = bind_arg_type(L, 1, "type"), *type = base;
    char name[64];
    int options;
    mr_type_name(base, name);
    int n = bind_arguments(L, 2, &options);
    if (base->rules->argument == MR_ARGUMENT_CHOICES) {
        bind_check_options(L, options, name, (const char *const[]){NULL});
        type = read_choices(L, base, n);
    } else if (base->rules->argument == MR_ARGUMENT_LENGTH) {
        type = read_length(L, base, name, n, options);
    } else if (n > 0 || options) {
        return refuse_arguments(L, base, name);
    }
    if (!type) return bind_raise(L);
    if (type == base) lua_settop(L, 1);
    else bind_push_type(L, type);
    return 1;
}

static int type_eq(lua_State *L) {
    const mr_type *a = bind_test_type(L, 1), *b = bind_test_type(L, 2);
    lua_pushboolean(L, a && b &&
                           (a == b || (!a->choices && !b->choices && a->rules == b->rules && a->length == b->length &&
                                       a->precision == b->precision && a->scale == b->scale)));
    return 1;
}

static int type_length(lua_State *L) {
    const mr_type *type = bind_arg_type(L, 1, "type");
    if (type->length > 0) lua_pushinteger(L, type->length);
    else lua_pushnil(L);
    return 1;
}

static const luaL_Reg getters[] = {{"name", type_name}, {"length", type_length}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {
    {"__call", type_call}, {"__tostring", type_name}, {"__eq", type_eq}, {NULL, NULL}};

void bind_open_type(lua_State *L) {
    bind_type(L, BIND_TYPE, "Type", NULL, getters, metamethods);
    for (int code = 0; code < MR_TYPE__COUNT; code++) {
        const mr_type *type = mr_type_simple((mr_typecode)code);
        if (type->rules->internal) continue;
        bind_push_type(L, type);
        lua_setfield(L, -2, type->rules->name);
    }
}
