/*
 * decorated.c: converts values of columns whose type is decorated with functions of the program.
 *
 * Invariant: an error of the program's function becomes one that names the column and the value, with the cause in it.
 * A failed allocation stays what it is.
 */
#include "decorated.h"

#include <string.h>

static const bind_decorator *functions_of(const mr_type *type) { return type->decorator->ud; }

/* ---------------------------------------------------------------- calling */

/* Is the error on top one that no other may take the place of? */
static bool is_memory_error(int status) { return status == LUA_ERRMEM; }

static int words_body(lua_State *L) {
    luaL_tolstring(L, 1, NULL);
    return 1;
}

/* Replaces the error on top by its words: "file:5: boom". One that cannot be printed is described: "table". */
static const char *push_cause(lua_State *L) {
    if (lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "attempt to yield across a C-call boundary") == 0)
        return lua_pushliteral(L,
                               "it yields, which a type's conversion cannot: start a coroutine there, or do that work "
                               "before");
    lua_pushcfunction(L, words_body);
    lua_pushvalue(L, -2);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK) return lua_tostring(L, -1);
    lua_pop(L, 1);
    return bind_describe(L, -1);
}

/* Calls the function with the value on top and the dialect, and replaces the value by the result. */
static int call(lua_State *L, const bind_ref *function, const char *dialect) {
    luaL_checkstack(L, 12, "a type's conversion");
    bind_ref_push(L, function);
    lua_pushvalue(L, -2);
    lua_pushstring(L, dialect ? dialect : "sqlite");
    int status = lua_pcall(L, 2, 1, 0);
    if (status == LUA_OK) lua_remove(L, -2);
    return status;
}

static const char *dialect_of(lua_State *L, const char *dialect) { return dialect ? dialect : bind_of(L)->dialect; }

/* Raises: the function has failed. The stack has the value, and the error on top. */
static void conversion_failed(lua_State *L, int status, const mr_type *type, const char *function, const char *verb,
                              const bind_place *place) {
    if (is_memory_error(status)) lua_error(L);
    const char *cause = push_cause(L), *got = bind_describe(L, -3);
    bind_error(L, MR_ERR_DATA, "%s%s%s: the function %s of the type %s cannot %s %s: %s", place->what,
               place->row ? " of " : "", place->row ? place->row : "", function, type->decorator->name, verb, got,
               cause);
}

void bind_send_value(lua_State *L, const mr_type *type, const mr_store_room *room, const char *what, mr_value *out) {
    const bind_place place = {.what = what ? what : "value"};
    const mr_type *last = NULL;
    const char *dialect = dialect_of(L, room ? room->dialect : NULL);
    type = mr_type_in(type, dialect);
    for (; type->decorator; type = type->decorator->impl) {
        const bind_decorator *d = functions_of(type);
        bool literal = room && room->literal && d->literal;
        if (!literal && !d->bind) continue;
        int status = call(L, literal ? d->literal : d->bind, dialect);
        if (status != LUA_OK) conversion_failed(L, status, type, literal ? "literal" : "bind", "convert", &place);
        last = type;
    }
    int top = lua_gettop(L);
    if (last)
        what = lua_pushfstring(L, "%s (what the function bind of the type %s gave)", place.what, last->decorator->name);
    else what = lua_pushstring(L, place.what);
    bind_check_value(L, top, type, what, out);
    if (out->kind == MR_OPAQUE)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected %s, got an SQL expression", what, mr_type_wants(type));
    lua_settop(L, top);
}

/* Raises the error on top, which is above the value, or replaces both by what bad_values says of the value at index
 * stored. */
static void receive_failed(lua_State *L, int status, const mr_type *type, int stored, const bind_place *place) {
    if (place->bad == MR_BAD_VALUES_RAISE || is_memory_error(status))
        conversion_failed(L, status, type, "result", "read", place);
    lua_settop(L, stored);
    if (place->bad == MR_BAD_VALUES_KEEP) return;
    lua_pushnil(L);
    lua_replace(L, stored);
}

/* Replaces the stored value on top by the program's value. Returns false if a function has failed. */
static bool receive(lua_State *L, const mr_type *type, const char *dialect, const bind_place *place) {
    enum { DEEPEST = 64 };
    const mr_type *chain[DEEPEST];
    int n = 0, stored = lua_gettop(L);
    dialect = dialect_of(L, dialect);
    type = mr_type_in(type, dialect);
    for (; type->decorator && n < DEEPEST; type = type->decorator->impl)
        if (functions_of(type)->result) chain[n++] = type;
    luaL_checkstack(L, 4, "a type's conversion");
    lua_pushvalue(L, stored);
    while (n-- > 0) {
        int status = call(L, functions_of(chain[n])->result, dialect);
        if (status == LUA_OK) continue;
        receive_failed(L, status, chain[n], stored, place);
        return false;
    }
    lua_replace(L, stored);
    return true;
}

bool bind_push_typed(lua_State *L, const mr_type *type, const mr_value *v, const char *dialect,
                     const bind_place *place) {
    if (v->kind == MR_JSON) bind_of(L)->json->push(L, v, place->what, place->row);
    else bind_push_value(L, v);
    return !type || !type->decorator || v->kind == MR_OPAQUE || receive(L, type, dialect, place);
}

/* ---------------------------------------------------------------- equality */

/* Arguments: the type, the two values. */
static int equal_body(lua_State *L) {
    const mr_type *type = lua_touserdata(L, 1);
    const bind_decorator *d = type->decorator ? functions_of(type) : NULL;
    if (!d || !d->equal) {
        lua_pushboolean(L, lua_compare(L, 2, 3, LUA_OPEQ));
        return 1;
    }
    bind_ref_push(L, d->equal);
    lua_insert(L, 2);
    lua_call(L, 2, 1);
    return 1;
}

bool bind_equal_values(lua_State *L, const mr_type *type, const char *dialect) {
    type = mr_type_in(type, dialect_of(L, dialect));
    int top = lua_gettop(L) - 2;
    if (!lua_checkstack(L, 8)) {
        lua_settop(L, top);
        return false;
    }
    lua_pushcfunction(L, equal_body);
    lua_insert(L, -3);
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    lua_insert(L, -3);
    bool equal = lua_pcall(L, 3, 1, 0) == LUA_OK && lua_toboolean(L, -1);
    lua_settop(L, top);
    return equal;
}

/* ---------------------------------------------------------------- the core's side */

typedef struct equal_args {
    const bind_own_value *a, *b;
    bool equal;
} equal_args;

static int own_equal_body(lua_State *L) {
    equal_args *x = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, x->a->ref);
    lua_rawgeti(L, LUA_REGISTRYINDEX, x->b->ref);
    x->equal = bind_equal_values(L, x->a->type, NULL);
    return 0;
}

static bool own_equal(mr_env *env, const void *a, const void *b) {
    equal_args x = {a, b, false};
    if (x.a->type != x.b->type || !x.a->b->L) return false;
    mr_error *saved = mr_env_save_error(env);
    if (bind_callback(env, own_equal_body, &x) != MR_OK) x.equal = false;
    mr_env_clear_error(env);
    mr_env_restore_error(env, saved);
    return x.equal;
}

typedef struct send_args {
    const mr_type *type;
    const bind_own_value *own; /* NULL: it is a plain value */
    mr_value *v;
    mr_store_room *room;
    mr_status status;
} send_args;

static int send_body(lua_State *L) {
    send_args *x = lua_touserdata(L, 1);
    const char *what = x->own ? x->own->what : x->room->what;
    mr_value out;
    bind_push_value(L, x->v);
    bind_send_value(L, x->type, x->room, what, &out);
    const mr_type *holds = mr_type_in(x->type, dialect_of(L, x->room->dialect));
    if (x->room->written) bind_check(L, mr_type_check_length(bind_of(L)->env, holds, what ? what : "value", &out));
    if (mr_kind_is_bytes(out.kind)) {
        char *bytes = mr_store_bytes(x->room, (size_t)out.len + 1);
        x->status = bytes ? MR_OK : MR_FAIL;
        if (!bytes) return 0;
        memcpy(bytes, out.u.s, out.len);
        out.u.s = bytes;
    }
    out.flags = 0;
    *x->v = out;
    return 0;
}

static mr_status own_send(mr_env *env, mr_value *v, void *room) {
    const bind_own_value *own = v->u.p;
    const mr_type *type = own->type ? own->type : ((mr_store_room *)room)->type;
    if (!type || !type->decorator)
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: expected %s, got a table", own->what ? own->what : "parameter",
                       type ? mr_type_wants(type) : "value");
    send_args x = {type, own, v, room, MR_OK};
    return bind_callback(env, send_body, &x) == MR_OK ? x.status : MR_FAIL;
}

mr_status bind_send_plain(mr_env *env, const mr_type *type, mr_value *v, mr_store_room *room) {
    send_args x = {type, NULL, v, room, MR_OK};
    mr_status status = room->mistake ? bind_callback_mistake(env, send_body, &x) : bind_callback(env, send_body, &x);
    return status == MR_OK ? x.status : MR_FAIL;
}

bool bind_sends(const mr_type *impl, const bind_decorator *d) {
    for (; !d->bind && impl->decorator; impl = impl->decorator->impl) d = functions_of(impl);
    return d->bind != NULL;
}

static const mr_opaque_ops own_ops = {
    .name = "value of the program's own",
    .retain = bind_own_retain,
    .release = bind_own_release,
    .equal = own_equal,
    .send = own_send,
};

void bind_open_decorated(lua_State *L) {
    bind_state *b = bind_of(L);
    b->own_tag = mr_opaque_register(b->env, &own_ops);
    if (!b->own_tag) bind_raise(L);
}
