/*
 * argument.c: reads the arguments and options of the library's functions, for C and for the Lua part: it tells options
 * from positional arguments, and words the answer to a wrong one.
 *
 * Invariant: nothing here changes a table that the user gave.
 */
#include "argument.h"

#include <string.h>

bool bind_is_plain_table(lua_State *L, int idx) {
    if (!lua_istable(L, idx)) return false;
    if (!lua_getmetatable(L, idx)) return true;
    lua_pop(L, 1);
    return false;
}

int bind_arguments(lua_State *L, int first, int *options) {
    int n = lua_gettop(L) - first + 1;
    *options = 0;
    if (n <= 0 || !bind_is_plain_table(L, lua_gettop(L))) return n < 0 ? 0 : n;
    int last = lua_gettop(L);
    lua_Unsigned length = lua_rawlen(L, last);
    if (length == 0) {
        *options = last;
        return n - 1;
    }
    if (n > 1) return n;
    if (length > 10000) bind_error(L, MR_ERR_ARGUMENT, "too many arguments in one table");
    luaL_checkstack(L, (int)length + 4, "too many arguments");
    for (int i = 1; i <= (int)length; i++) lua_rawgeti(L, first, i);
    lua_rotate(L, first, -1); /* moves the table behind its items */
    *options = first + (int)length;
    return (int)length;
}

int bind_arguments_of(lua_State *L, int first, int most, int *options) {
    while (lua_gettop(L) >= first + most && lua_isnil(L, -1)) lua_pop(L, 1);
    return bind_arguments(L, first, options);
}

static const char *next_name(void *ud, size_t i) { return (*(const char *const **)ud)[i]; }

bool bind_is_among(const char *const *names, const char *name) {
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return true;
    return false;
}

const char *bind_cure_of(const bind_cure *list, const char *name) {
    for (; list->cure; list++)
        if (bind_is_among(list->words, name)) return list->cure;
    return NULL;
}

/* Options of other libraries: the end of a message that says what to write in their place; or NULL. */
static const char *option_elsewhere(const char *name) {
    if (strcmp(name, "binds") == 0)
        return "a session has one engine (bind); a program with two databases opens two (mr.open)";
    if (strcmp(name, "pk") == 0) return "it is primary_key = true";
    if (strcmp(name, "required") == 0 || strcmp(name, "not_null") == 0 || strcmp(name, "notnull") == 0)
        return "it is nullable = false";
    if (strcmp(name, "url") == 0) return "the URL stands first: mr.open(\"sqlite:///app.db\", { ... })";
    if (strcmp(name, "on") == 0) return "it is onclause, or the second argument";
    if (strcmp(name, "twophase") == 0) return "a transaction is that of one database";
    if (strcmp(name, "future") == 0) return "there is one way only, that of SQLAlchemy 2.0";
    return NULL;
}

static void refuse_option(lua_State *L, const char *function, const char *const *names, const char *name) {
    const char *near = mr_nearest(name, next_name, &names), *other = option_elsewhere(name);
    if (other) bind_error(L, MR_ERR_ARGUMENT, "unknown option '%s' for %s: %s", name, function, other);
    if (near) bind_error(L, MR_ERR_ARGUMENT, "unknown option '%s' for %s%s", name, function, bind_hint(L, near));
    lua_pushliteral(L, "");
    for (int i = 0; names[i]; i++) {
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), i ? ", " : "", names[i]);
        lua_remove(L, -2);
    }
    if (!names[0]) bind_error(L, MR_ERR_ARGUMENT, "unknown option '%s' for %s, which has none", name, function);
    bind_error(L, MR_ERR_ARGUMENT, "unknown option '%s' for %s (known are %s)", name, function, lua_tostring(L, -1));
}

bool bind_check_options(lua_State *L, int idx, const char *function, const char *const *names) {
    bool named = false;
    if (!idx) return false;
    lua_Unsigned length = lua_rawlen(L, idx);
    luaL_checkstack(L, 4, "checking options");
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            const char *name = lua_tostring(L, -1);
            if (!bind_is_among(names, name)) refuse_option(L, function, names, name);
            named = true;
        } else {
            lua_Integer i = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
            if (i < 1 || (lua_Unsigned)i > length)
                bind_error(L, MR_ERR_ARGUMENT, "%s: expected option names, got %s%s", function, bind_describe(L, -1),
                           i > 0 ? " (the arguments have a hole: write mr.null for nil)" : "");
        }
    }
    return named;
}

int bind_option(lua_State *L, int idx, const char *name) {
    luaL_checkstack(L, 4, "reading an option");
    if (!idx) {
        lua_pushnil(L);
        return LUA_TNIL;
    }
    lua_pushstring(L, name);
    return lua_rawget(L, idx);
}

/* Raises "FUNCTION: NAME: expected WANTED, got ..." about the value on top. */
static void refuse_value(lua_State *L, const char *function, const char *name, const char *wanted) {
    const char *what = lua_pushfstring(L, "%s: %s", function, name);
    bind_type_error(L, -2, what, wanted);
}

bool bind_option_bool(lua_State *L, int idx, const char *function, const char *name, bool deflt) {
    int type = bind_option(L, idx, name);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) refuse_value(L, function, name, "true or false");
    bool value = type == LUA_TNIL ? deflt : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return value;
}

int64_t bind_option_int(lua_State *L, int idx, const char *function, const char *name, int64_t deflt) {
    int type = bind_option(L, idx, name), integral = 0;
    lua_Integer value = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &integral) : 0;
    if (type != LUA_TNIL && !integral) refuse_value(L, function, name, "an integer");
    lua_pop(L, 1);
    return type == LUA_TNIL ? deflt : (int64_t)value;
}

double bind_option_timeout(lua_State *L, int idx, const char *function, double deflt) {
    int type = bind_option(L, idx, "timeout");
    double seconds = type == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    bool none = type == LUA_TBOOLEAN && !lua_toboolean(L, -1);
    if (type != LUA_TNIL && !none && !(seconds > 0)) refuse_value(L, function, "timeout", "seconds above 0, or false");
    lua_pop(L, 1);
    return type == LUA_TNIL ? deflt : none ? -1 : seconds;
}

const char *bind_option_string(lua_State *L, int idx, const char *function, const char *name, const char *deflt) {
    int type = bind_option(L, idx, name);
    if (type != LUA_TNIL && type != LUA_TSTRING) refuse_value(L, function, name, "a string");
    if (type == LUA_TSTRING && strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1))
        bind_error(L, MR_ERR_ARGUMENT, "%s: %s has a zero byte in it", function, name);
    const char *value = type == LUA_TNIL ? deflt : lua_tostring(L, -1);
    lua_pop(L, 1);
    return value;
}

/* Raises where more than n arguments (0 to 3) are given. */
static void refuse_count(lua_State *L, int given, int n, const char *function, const char *cure) {
    static const char *const words[] = {"no argument", "one argument", "at most two arguments",
                                        "at most three arguments"};
    if (given > n) bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got %d%s", function, words[n], given, cure);
}

void bind_refuse_more(lua_State *L, int n, const char *function, const char *cure) {
    refuse_count(L, lua_gettop(L) - 1, n, function, cure);
}

bool bind_is_callable(lua_State *L, int idx) {
    if (lua_isfunction(L, idx)) return true;
    if (luaL_getmetafield(L, idx, "__call") == LUA_TNIL) return false;
    lua_pop(L, 1);
    return true;
}

void bind_check_callable(lua_State *L, int idx, const char *function) {
    if (!bind_is_callable(L, idx)) bind_type_error(L, idx, function, "a function");
}

bool bind_has_block(lua_State *L, int idx, const char *function, const char *without) {
    if (lua_isnone(L, idx)) return false;
    if (lua_isnil(L, idx))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: expected a function, got nil (is the variable set? without a function write %s)", function,
                   without);
    bind_check_callable(L, idx, function);
    return true;
}

void bind_check_room(lua_State *L, int n, const char *function) {
    if (!lua_checkstack(L, n))
        bind_error(L, MR_ERR_ARGUMENT, "%s: too many items for Lua's stack: give fewer at once", function);
}

const char *bind_arg_name(lua_State *L, int idx, const char *function, const char *wanted) {
    size_t len = 0;
    const char *name = lua_type(L, idx) == LUA_TSTRING ? lua_tolstring(L, idx, &len) : NULL;
    if (len == 0) bind_type_error(L, idx, function, wanted);
    if (strlen(name) != len) bind_error(L, MR_ERR_ARGUMENT, "%s: '%s' has a zero byte in it", function, name);
    return name;
}

/* Tables whose string keys are candidates: those at stack indices first to last. While they are walked, the table's
 * last key lies on top of the stack, at index top + 1. */
typedef struct keys_ud {
    lua_State *L;
    int first, last, top;
    int table; /* the one that is walked */
} keys_ud;

static const char *next_key(void *ud, size_t i) {
    keys_ud *keys = ud;
    lua_State *L = keys->L;
    if (i == 0) {
        lua_settop(L, keys->top);
        lua_pushnil(L);
        keys->table = keys->first;
    }
    for (; keys->table <= keys->last; keys->table++) {
        while (lua_next(L, keys->table)) {
            lua_pop(L, 1);
            if (lua_type(L, -1) == LUA_TSTRING) return lua_tostring(L, -1);
        }
        lua_pushnil(L);
    }
    return NULL;
}

static const char *nearest_of(lua_State *L, int first, int last, const char *name) {
    luaL_checkstack(L, 4, "looking for a name");
    keys_ud keys = {L, first, last, lua_gettop(L), first};
    const char *near = mr_nearest(name, next_key, &keys);
    lua_settop(L, keys.top);
    return near;
}

const char *bind_nearest_key(lua_State *L, int idx, const char *name) {
    idx = lua_absindex(L, idx);
    return nearest_of(L, idx, idx, name);
}

const char *bind_hint(lua_State *L, const char *near) { return mr_hint(bind_of(L)->env, near); }

/* core.hint(name, table, ...): " (did you mean 'x'?)" about the string keys of the tables; "" where none is near. */
static int core_hint(lua_State *L) {
    const char *name = luaL_tolstring(L, 1, NULL);
    lua_replace(L, 1);
    for (int i = 2; i <= lua_gettop(L); i++) luaL_checktype(L, i, LUA_TTABLE);
    lua_pushstring(L, bind_hint(L, nearest_of(L, 2, lua_gettop(L), name)));
    return 1;
}

const char *bind_intern(lua_State *L, int idx) { return bind_intern_string(L, lua_tostring(L, idx)); }

const char *bind_intern_string(lua_State *L, const char *s) {
    if (!s) return NULL;
    const char *interned = mr_intern(bind_of(L)->env, s, strlen(s));
    if (!interned) bind_raise(L);
    return interned;
}

/* ---------------------------------------------------------------- for the Lua part of the library */

/* Raises unless each option is among the strings of the list. */
static void check_listed(lua_State *L, int options, const char *function, int list) {
    size_t n = lua_rawlen(L, list);
    const char **names = lua_newuserdatauv(L, (n + 1) * sizeof *names, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        names[i] = luaL_checkstring(L, -1); /* the list keeps it */
        lua_pop(L, 1);
    }
    names[n] = NULL;
    bind_check_options(L, options, function, names);
    lua_pop(L, 1);
}

/* core.arguments(function, known, n, ...): reads the arguments of a Lua function of this name that has the options in
 * the list known and n (0 to 3) positional arguments; -1: any number. Returns the options in a table of their own, then
 * exactly n arguments. Raises for an unknown option, and for more arguments. */
static int core_arguments(lua_State *L) {
    const char *function = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    int n = (int)luaL_checkinteger(L, 3), options;
    luaL_argcheck(L, n >= -1 && n <= 3, 3, "from 0 to 3 arguments");
    (void)bind_of(L);
    while (lua_gettop(L) > 3 && lua_isnil(L, -1)) lua_pop(L, 1); /* f(x, nil): no options */
    int given = bind_arguments(L, 4, &options);
    if (n < 0) n = given;
    refuse_count(L, given, n, function, "");
    if (options) check_listed(L, options, function, 2);
    lua_newtable(L);
    for (lua_pushnil(L); options && lua_next(L, options); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
    }
    if (!options) lua_pop(L, 1);
    lua_replace(L, 3);
    lua_settop(L, 3 + given);
    lua_settop(L, 3 + n);
    return n + 1;
}

/* core.expect(what, wanted, value): raises "WHAT: expected WANTED, got ...". */
static int core_expect(lua_State *L) { return bind_type_error(L, 3, luaL_checkstring(L, 1), luaL_checkstring(L, 2)); }

/* core.shown(value): the value as a message shows it: number 1, string "x". */
static int core_shown(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushstring(L, bind_describe(L, 1));
    return 1;
}

/* core.is_callable(value): is it a function, or has it __call? */
static int core_is_callable(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, bind_is_callable(L, 1));
    return 1;
}

void bind_open_argument(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"arguments", core_arguments}, {"expect", core_expect},           {"shown", core_shown},
        {"hint", core_hint},           {"is_callable", core_is_callable}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
