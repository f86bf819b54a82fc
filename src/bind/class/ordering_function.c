/*
 * ordering_function.c: ordering_func of mr.ordering_list: a function of the program that makes the positions.
 *
 * Invariant: what it returns is checked as a value of the attribute that holds the positions; it may read the list.
 */
#include "class.h"

typedef struct ordering_function {
    bind_ref *function;
    bool runs;
} ordering_function;

typedef struct position_args {
    ordering_function *f;
    mr_entity *holder;
    const mr_relationship *rel;
    uint32_t place;
    mr_value *value;
} position_args;

/* The result is kept in the registry, so its bytes stay valid until the next call. */
static int position_body(lua_State *L) {
    position_args *a = lua_touserdata(L, 1);
    const mr_property *prop = a->rel->position_prop;
    luaL_checkstack(L, 10, "ordering_func");
    bind_ref_push(L, a->f->function);
    lua_pushinteger(L, (lua_Integer)a->place + 1);
    bind_push_collection(L, a->holder, a->rel->prop);
    lua_call(L, 2, 1);
    const char *what = lua_pushfstring(L, "ordering_func of %s.%s", a->rel->prop->mapper->name, a->rel->prop->name);
    bind_check_value(L, -2, mr_column_type(bind_of(L)->env, prop->column), what, a->value);
    if (a->value->kind == MR_NULL) bind_error(L, MR_ERR_ARGUMENT, "%s gave nil: it must give a position", what);
    lua_pop(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, a->f);
    return 0;
}

static mr_status position(mr_env *env, void *ud, mr_entity *holder, const mr_relationship *rel, uint32_t place,
                          mr_value *value) {
    ordering_function *f = ud;
    position_args args = {f, holder, rel, place, value};
    if (f->runs)
        return mr_fail(env, MR_ERR_INVALID_REQUEST,
                       "%s.%s: the ordering_func changes a list whose objects it numbers: let it return a value only",
                       holder->mapper->name, rel->prop->name);
    f->runs = true;
    mr_status status = bind_callback(env, position_body, &args);
    f->runs = false;
    return status;
}

void bind_read_ordering_function(lua_State *L, int spec, mr_relationship *rel) {
    if (lua_getfield(L, spec, "ordering_func") != LUA_TNIL) {
        rel->position_fn = position;
        ordering_function *f = mr_env_arena(bind_of(L)->env, sizeof *f);
        if (!f) bind_raise(L);
        *f = (ordering_function){bind_ref_forever(L, -1), false};
        rel->position_ud = f;
    }
    lua_pop(L, 1);
}
