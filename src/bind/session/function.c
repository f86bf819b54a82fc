/*
 * function.c: engine:create_function, create_aggregate and create_collation: Lua functions that SQL calls.
 *
 * Invariant: a Lua function is called in protected mode; its error stops the statement, and is raised where that runs.
 */
#include <string.h>

#include "state/own.h"
#include "value/engine.h"

enum { MOST_ARGUMENTS = 100 };

/* What the engine keeps of one. */
typedef struct lua_function {
    mr_env *env;
    const char *name;        /* interned: for messages */
    bind_ref *call;          /* the function; of an aggregate `step` */
    bind_ref *init, *finish; /* of an aggregate, or NULL */
} lua_function;

/* The data of one protected call. */
typedef struct calling {
    const lua_function *fn;
    mr_sql_call *call;
    const char *a, *b;
    size_t a_len, b_len;
    int *order;
} calling;

static void release(void *ud) {
    lua_function *f = ud;
    bind_ref_release(f->call);
    bind_ref_release(f->init);
    bind_ref_release(f->finish);
    mr_free(f->env, f);
}

/* ---------------------------------------------------------------- values */

/* Gives SQL the value on top of the stack. Bytes that are no UTF-8 are a blob; dates, decimals and the like, texts. */
static void give(lua_State *L, const calling *c) {
    mr_value v;
    bool known = bind_to_value(L, -1, NULL, &v) && v.kind != MR_OPAQUE;
    if (!known)
        bind_error(L, MR_ERR_ARGUMENT, "the SQL function '%s' returned %s: it returns a value that a column can hold",
                   c->fn->name, bind_describe(L, -1));
    if (v.kind != MR_NULL && v.kind != MR_INT && v.kind != MR_BOOL && v.kind != MR_FLOAT &&
        lua_type(L, -1) != LUA_TSTRING) {
        size_t len;
        v.u.s = luaL_tolstring(L, -1, &len);
        v.len = (uint32_t)len;
        v.kind = MR_TEXT;
    }
    if (v.kind == MR_TEXT && !mr_utf8_valid(v.u.s, v.len)) v.kind = MR_BLOB;
    c->call->give(c->call, &v);
}

static int push_arguments(lua_State *L, const mr_sql_call *call) {
    luaL_checkstack(L, (int)call->n + 8, "too many arguments of an SQL function");
    for (size_t i = 0; i < call->n; i++) bind_push_value(L, &call->args[i]);
    return (int)call->n;
}

/* ---------------------------------------------------------------- calls */

static int scalar_body(lua_State *L) {
    const calling *c = lua_touserdata(L, 1);
    bind_ref_push(L, c->fn->call);
    lua_call(L, push_arguments(L, c->call), 1);
    give(L, c);
    return 0;
}

static mr_status call_scalar(void *ud, mr_sql_call *call) {
    const lua_function *f = ud;
    calling c = {.fn = f, .call = call};
    return bind_callback(f->env, scalar_body, &c);
}

/* Pushes the group's state, made by `init` at its first row. *group: the state's place in the registry. */
static void push_state(lua_State *L, const calling *c) {
    int64_t *group = c->call->group;
    if (*group == 0) {
        if (c->fn->init) {
            bind_ref_push(L, c->fn->init);
            lua_call(L, 0, 1);
        } else {
            lua_newtable(L);
        }
        if (lua_isnil(L, -1))
            bind_error(L, MR_ERR_ARGUMENT, "the aggregate '%s': init returns the state of a group, not nil",
                       c->fn->name);
        lua_pushvalue(L, -1);
        *group = luaL_ref(L, LUA_REGISTRYINDEX);
        return;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, (lua_Integer)*group);
}

/* step(state, ...): what it returns, if that is not nil, is the state from then on. */
static int step_body(lua_State *L) {
    const calling *c = lua_touserdata(L, 1);
    bind_ref_push(L, c->fn->call);
    push_state(L, c);
    lua_call(L, 1 + push_arguments(L, c->call), 1);
    if (lua_isnil(L, -1)) return 0;
    lua_rawseti(L, LUA_REGISTRYINDEX, (lua_Integer)*c->call->group);
    return 0;
}

static mr_status call_step(void *ud, mr_sql_call *call) {
    const lua_function *f = ud;
    calling c = {.fn = f, .call = call};
    return bind_callback(f->env, step_body, &c);
}

/* finish(state) */
static int finish_body(lua_State *L) {
    const calling *c = lua_touserdata(L, 1);
    bind_ref_push(L, c->fn->finish);
    push_state(L, c);
    lua_call(L, 1, 1);
    give(L, c);
    return 0;
}

static mr_status call_finish(void *ud, mr_sql_call *call) {
    const lua_function *f = ud;
    calling c = {.fn = f, .call = call};
    bind_state *b = mr_env_get(f->env, MR_ENV_BIND);
    mr_status status = call->aborted ? MR_OK : bind_callback(f->env, finish_body, &c);
    if (*call->group && !b->closed) luaL_unref(b->main, LUA_REGISTRYINDEX, (int)*call->group);
    return status;
}

static int compare_body(lua_State *L) {
    const calling *c = lua_touserdata(L, 1);
    bind_ref_push(L, c->fn->call);
    lua_pushlstring(L, c->a, c->a_len);
    lua_pushlstring(L, c->b, c->b_len);
    lua_call(L, 2, 1);
    if (lua_type(L, -1) != LUA_TNUMBER)
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "the collation '%s' returned %s: it returns a number, below 0 where the first text comes first",
            c->fn->name, bind_describe(L, -1));
    lua_Number order = lua_tonumber(L, -1);
    *c->order = order < 0 ? -1 : order > 0;
    return 0;
}

static mr_status compare(void *ud, const char *a, size_t a_len, const char *b, size_t b_len, int *order) {
    const lua_function *f = ud;
    calling c = {.fn = f, .a = a, .a_len = a_len, .b = b, .b_len = b_len, .order = order};
    return bind_callback(f->env, compare_body, &c);
}

/* ---------------------------------------------------------------- core.add_sql_function */

static void own_released(void *p) { release(p); }

static bind_ref *ref_at(lua_State *L, int idx) { return lua_isnoneornil(L, idx) ? NULL : bind_ref_new(L, idx); }

/* core.add_sql_function(engine, kind, name, fn, args, deterministic, init, finish): kind is "function", "aggregate" or
 * "collation"; args -1: any number. The Lua part has checked the arguments. */
static int add_sql_function(lua_State *L) {
    static const char *const kinds[] = {"function", "aggregate", "collation", NULL};
    lua_settop(L, 8);
    mr_engine *engine = ((bind_engine *)bind_arg(L, 1, BIND_ENGINE, "create_function"))->engine;
    bind_state *b = bind_of(L);
    mr_sql_function fn = {.kind = (mr_sql_kind)luaL_checkoption(L, 2, NULL, kinds),
                          .name = bind_arg_name(L, 3, "create_function", "a name"),
                          .args = (int)luaL_checkinteger(L, 5),
                          .deterministic = lua_toboolean(L, 6),
                          .release = release};
    fn.call = fn.kind == MR_SQL_AGGREGATE ? call_step : call_scalar;
    fn.finish = call_finish;
    fn.compare = compare;
    bind_owner *owner = bind_own(L, own_released);
    lua_function *f = mr_calloc(b->env, sizeof *f);
    if (!f) return bind_raise(L);
    f->env = b->env;
    owner->p = fn.ud = f;
    f->name = bind_intern_string(L, fn.name);
    f->call = ref_at(L, 4);
    f->init = ref_at(L, 7);
    f->finish = ref_at(L, 8);
    owner->p = NULL; /* the engine releases it */
    BIND_TRY(b, L, mr_engine_add_function(engine, &fn));
    return 0;
}

void bind_open_function_of_sql(lua_State *L) {
    lua_pushcfunction(L, add_sql_function);
    lua_setfield(L, -2, "add_sql_function");
    lua_pushinteger(L, MOST_ARGUMENTS);
    lua_setfield(L, -2, "most_sql_arguments");
}
