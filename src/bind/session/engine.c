/*
 * engine.c: create_engine and the engine's methods, record among them.
 *
 * Invariant: an Engine value holds one reference to its engine; two values of one engine are equal.
 */
#include <string.h>

#include "state/coroutine.h"
#include "state/place.h"
#include "value/engine.h"
#include "value/row.h"

static mr_engine *self(lua_State *L, const char *function) {
    return ((bind_engine *)bind_arg(L, 1, BIND_ENGINE, function))->engine;
}

/* ---------------------------------------------------------------- create_engine(url, options) */

/* Some options are parameters of the URL: replaces the URL at index 1 by a URL with these parameters. */
static void add_parameters(lua_State *L, int options) {
    static const char *const names[] = {"journal_mode", "synchronous", NULL};
    for (int i = 0; names[i]; i++) {
        const char *value = bind_option_string(L, options, "create_engine", names[i], NULL);
        if (!value) continue;
        if (strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(value) || !*value)
            bind_error(L, MR_ERR_ARGUMENT, "create_engine: %s: expected %s, got string \"%s\"", names[i],
                       i == 0 ? "delete, truncate, persist, memory, wal or off" : "off, normal, full or extra", value);
        lua_pushfstring(L, "%s%s%s=%s", lua_tostring(L, 1), strchr(lua_tostring(L, 1), '?') ? "&" : "?", names[i],
                        value);
        lua_replace(L, 1);
    }
}

/* pool_size, max_overflow, pool_recycle. Connections are limited only where one of the first two is given. */
static void read_pool(lua_State *L, int options, mr_engine_options *o) {
    enum { POOL_SIZE = 8, MAX_OVERFLOW = 10, MOST = 10000 };
    const char *function = "create_engine";
    bool limited = bind_option(L, options, "pool_size") != LUA_TNIL;
    limited = bind_option(L, options, "max_overflow") != LUA_TNIL || limited;
    bool recycles = bind_option(L, options, "pool_recycle") != LUA_TNIL;
    double recycle = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : 0;
    lua_pop(L, 3);
    int64_t size = bind_option_int(L, options, function, "pool_size", POOL_SIZE);
    int64_t overflow = bind_option_int(L, options, function, "max_overflow", MAX_OVERFLOW);
    if (size < 1 || size > MOST)
        bind_error(L, MR_ERR_ARGUMENT, "%s: option 'pool_size' expects a number of connections, 1 to %d", function,
                   (int)MOST);
    if (overflow < -1 || overflow > MOST)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: option 'max_overflow' expects a number of connections, 0 to %d, or -1 for no limit", function,
                   (int)MOST);
    if (recycles && !(recycle > 0))
        bind_error(L, MR_ERR_ARGUMENT, "%s: option 'pool_recycle' expects seconds above 0", function);
    o->pool_size = (unsigned)size;
    o->max_taken = limited && overflow >= 0 ? (unsigned)(size + overflow) : 0;
    o->pool_recycle = recycle;
}

static int create_engine(lua_State *L) {
    static const char *const names[] = {
        "echo", "convert_unicode", "busy_timeout", "statement_cache", "journal_mode", "synchronous", "timeout",
        "tag",  "load_extension",  "pool_size",    "max_overflow",    "pool_recycle", NULL};
    const char *function = "create_engine";
    bind_state *b = bind_of(L);
    int options;
    if (lua_gettop(L) == 2 && lua_isnil(L, 2)) lua_settop(L, 1); /* create_engine(url, nil): no options */
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, function, names);
    if (n != 1 || lua_type(L, 1) != LUA_TSTRING)
        return bind_type_error(L, n < 1 ? lua_gettop(L) + 1 : 1, function, "a URL such as \"sqlite:///my.db\"");
    bind_option_bool(L, options, function, "convert_unicode", false); /* has no effect: text is always UTF-8 */
    bool waits = bind_option(L, options, "busy_timeout") != LUA_TNIL;
    lua_pop(L, 1);
    int64_t timeout = bind_option_int(L, options, function, "busy_timeout", -1);
    int64_t cache = bind_option_int(L, options, function, "statement_cache", 100);
    if (timeout < (waits ? 0 : -1) || timeout > INT32_MAX)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: option 'busy_timeout' expects milliseconds, 0 to %d", function,
                          (int)INT32_MAX);
    if (cache < 1 || cache > 100000)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s: option 'statement_cache' expects a number of statements, 1 to 100000", function);
    mr_engine_options o = {.echo = bind_option_bool(L, options, function, "echo", false),
                           .statement_cache = (int)cache,
                           .busy_timeout = (int)timeout,
                           .timeout = bind_option_timeout(L, options, function, 0),
                           .load_extension = bind_option_bool(L, options, function, "load_extension", false)};
    read_pool(L, options, &o);
    bool tags = bind_option_bool(L, options, function, "tag", false);
    size_t len;
    if (strlen(lua_tostring(L, 1)) == lua_rawlen(L, 1)) add_parameters(L, options); /* a zero byte is refused below */
    const char *url = lua_tolstring(L, 1, &len);
    bind_engine *e = bind_push_empty_engine(L);
    BIND_TRY(b, L, mr_engine_new(b->env, url, len, &o, &e->engine));
    b->dialect = mr_engine_dialect(e->engine)->name;
    if (tags) bind_tag_places(b, e->engine);
    return 1;
}

/* ---------------------------------------------------------------- record(fn) */

#define RECORDING "moonrow.Recording"
#define RECORD    "moonrow.Record" /* the metatable of one statement's table */

typedef struct recording {
    mr_recorder *recorder;
    bool running;
} recording;

static void stop(void *p) {
    recording *r = p;
    if (r->running) mr_recorder_stop(r->recorder);
    r->running = false;
}

static int recording_gc(lua_State *L) {
    recording *r = bind_test(L, 1, RECORDING);
    if (!r || !bind_peek(L)) return 0;
    stop(r);
    if (r->recorder) mr_recorder_free(r->recorder);
    r->recorder = NULL;
    return 0;
}

/* INSERT INTO t (a) VALUES (?) {1} */
static int record_tostring(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_getfield(L, 1, "statement");
    luaL_tolstring(L, 2, NULL);
    lua_pushliteral(L, " ");
    lua_getfield(L, 1, "parameters");
    luaL_tolstring(L, 5, NULL);
    lua_remove(L, 5);
    lua_concat(L, 3);
    return 1;
}

static void push_parameters(lua_State *L, const mr_value *values, size_t n) {
    bind_new_list(L, n);
    for (size_t i = 0; i < n; i++) {
        bind_push_param(L, &values[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* Pushes { statement =, parameters = }: a list of parameters, or for a batch a list of such lists. */
static void push_record(lua_State *L, const mr_record *record) {
    size_t lists = record->lists.len;
    lua_createtable(L, 0, 3);
    lua_pushstring(L, record->statement);
    lua_setfield(L, -2, "statement");
    lua_pushnumber(L, record->duration);
    lua_setfield(L, -2, "duration");
    lua_pushnumber(L, record->waited);
    lua_setfield(L, -2, "waited");
    if (lists <= 1) {
        push_parameters(L, lists ? mr_vec_ptr(&record->lists, 0) : NULL, lists ? record->nparams : 0);
    } else {
        bind_new_list(L, lists);
        for (size_t i = 0; i < lists; i++) {
            push_parameters(L, mr_vec_ptr(&record->lists, i), record->nparams);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
    }
    lua_setfield(L, -2, "parameters");
    luaL_setmetatable(L, RECORD);
}

/* Stack: the engine, the recording, and then fn's results or its error. */
static int finish_record(lua_State *L, int status, lua_KContext ctx) {
    (void)ctx;
    recording *r = lua_touserdata(L, 2);
    stop(r);
    if (status != LUA_OK && status != LUA_YIELD) return lua_error(L);
    lua_settop(L, 2);
    size_t n = mr_recorder_count(r->recorder);
    bind_new_list(L, n);
    for (size_t i = 0; i < n; i++) {
        push_record(L, mr_recorder_at(r->recorder, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    mr_recorder_free(r->recorder);
    r->recorder = NULL;
    return 1;
}

static int engine_record(lua_State *L) {
    mr_engine *engine = self(L, "record");
    bind_check_callable(L, 2, "record");
    lua_settop(L, 2);
    recording *r = lua_newuserdatauv(L, sizeof *r, 1);
    *r = (recording){NULL, false};
    bind_set_type(L, RECORDING);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1); /* the engine outlives it */
    bind_check(L, mr_recorder_start(engine, &r->recorder));
    r->running = true;
    lua_insert(L, 2);
    lua_toclose(L, 2); /* coroutine.close ends the recording at once */
    return bind_call_block(L, 0, 0, finish_record);
}

/* ---------------------------------------------------------------- the rest */

static int engine_dispose(lua_State *L) {
    mr_engine *engine = self(L, "dispose");
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, mr_engine_dispose(engine));
    return 0;
}

/* engine:pool_status() -> { size, max, idle, taken, opened, taken_at } */
static int engine_pool_status(lua_State *L) {
    const mr_engine *engine = self(L, "pool_status");
    mr_pool_status now = mr_engine_pool_status(engine);
    lua_createtable(L, 0, 6);
    lua_pushinteger(L, (lua_Integer)now.size);
    lua_setfield(L, -2, "size");
    if (now.most > 0) {
        lua_pushinteger(L, (lua_Integer)now.most);
        lua_setfield(L, -2, "max");
    }
    lua_pushinteger(L, (lua_Integer)now.idle);
    lua_setfield(L, -2, "idle");
    lua_pushinteger(L, (lua_Integer)now.taken);
    lua_setfield(L, -2, "taken");
    lua_pushinteger(L, (lua_Integer)now.opened);
    lua_setfield(L, -2, "opened");
    bind_new_list(L, now.taken);
    const char *place;
    for (unsigned i = 0; (place = mr_engine_taken_at(engine, i)) != NULL; i++) {
        lua_pushstring(L, place);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "taken_at");
    return 1;
}

static int get_url(lua_State *L) {
    lua_pushstring(L, mr_engine_url(self(L, "url"))->text);
    return 1;
}

static int get_dialect(lua_State *L) {
    lua_createtable(L, 0, 1);
    lua_pushstring(L, mr_engine_dialect(self(L, "dialect"))->name);
    lua_setfield(L, -2, "name");
    return 1;
}

static int get_name(lua_State *L) {
    lua_pushstring(L, mr_engine_dialect(self(L, "name"))->name);
    return 1;
}

/* engine.echo = true */
static int engine_newindex(lua_State *L) {
    mr_engine *engine = self(L, "engine");
    lua_pushliteral(L, "echo");
    if (!lua_rawequal(L, 2, -1))
        return bind_error(L, MR_ERR_ARGUMENT, "an engine has no settable field %s", bind_describe(L, 2));
    if (!lua_isboolean(L, 3)) return bind_type_error(L, 3, "echo", "true or false");
    mr_engine_set_echo(engine, lua_toboolean(L, 3));
    return 0;
}

static int engine_eq(lua_State *L) {
    const mr_engine *a = bind_test_engine(L, 1), *b = bind_test_engine(L, 2);
    lua_pushboolean(L, a && a == b);
    return 1;
}

static int engine_tostring(lua_State *L) {
    lua_pushfstring(L, "Engine(%s)", mr_engine_url(self(L, "tostring"))->text);
    return 1;
}

static void make_record_metatable(lua_State *L) {
    luaL_newmetatable(L, RECORD);
    lua_pushcfunction(L, record_tostring);
    lua_setfield(L, -2, "__tostring");
    lua_pop(L, 1);
}

void bind_open_engine(lua_State *L) {
    make_record_metatable(L);
    static const luaL_Reg methods[] = {
        {"record", engine_record}, {"dispose", engine_dispose}, {"pool_status", engine_pool_status}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"url", get_url}, {"dialect", get_dialect}, {"name", get_name}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__gc", bind_engine_gc},
                                           {"__newindex", engine_newindex},
                                           {"__eq", engine_eq},
                                           {"__tostring", engine_tostring},
                                           {NULL, NULL}};
    static const luaL_Reg recording_meta[] = {{"__gc", recording_gc}, {"__close", recording_gc}, {NULL, NULL}};
    bind_type(L, BIND_ENGINE, "Engine", methods, getters, metamethods);
    bind_push_methods(L, BIND_ENGINE); /* the Lua part adds more */
    lua_setfield(L, -2, "engine_methods");
    bind_type(L, RECORDING, "Recording", NULL, NULL, recording_meta);
    lua_pushcfunction(L, create_engine);
    lua_setfield(L, -2, "create_engine");
}
