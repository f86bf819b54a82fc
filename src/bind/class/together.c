/*
 * together.c: core.set_together: several columns of an object are set, or none.
 *
 * Invariant: validators and listeners are asked as for an assignment. When one of the values is refused, the columns
 * before it get their values back, of which nobody is told.
 */
#include "class.h"
#include "value/proxy.h"

typedef struct old_value {
    const mr_property *prop;
    mr_value value; /* owned; kind MR_UNLOADED where nothing was noted */
} old_value;

/* Keeps the values before; user value of its userdata: nothing. Freed by its finalizer, too. */
typedef struct old_values {
    mr_entity *entity;
    unsigned n;
    old_value values[];
} old_values;

#define OLD_VALUES "moonrow.OldValues"

static void clear(old_values *old) {
    mr_env *env = old->n ? old->values[0].prop->mapper->env : NULL;
    while (old->n > 0) mr_value_clear(env, &old->values[--old->n].value);
}

static int old_values_gc(lua_State *L) {
    old_values *old = luaL_testudata(L, 1, OLD_VALUES);
    if (old && bind_peek(L)) clear(old);
    return 0;
}

static void put_back(bind_state *b, old_values *old) {
    mr_error *refusal = mr_env_save_error(b->env);
    for (unsigned i = old->n; i > 0; i--) {
        const old_value *v = &old->values[i - 1];
        if (mr_entity_set(old->entity, v->prop->slot, &v->value) != MR_OK) mr_env_clear_error(b->env);
    }
    mr_env_restore_error(b->env, refusal);
}

/* Arguments: the object, the list of names, the list of values, n, the old values. */
static int set_all(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "composite");
    bind_class *c = e->mapper->klass;
    old_values *old = lua_touserdata(L, 5);
    lua_Integer n = lua_tointeger(L, 4);
    bind_push_class(L, e->mapper);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_settop(L, 6);
        lua_rawgeti(L, 2, i);
        const mr_property *prop = bind_class_property(L, 6, 7);
        if (!prop) bind_class_no_attribute(L, 6, lua_tostring(L, 7));
        old_value *v = &old->values[old->n];
        v->prop = prop;
        if (mr_value_copy(c->b->env, &v->value, mr_entity_slot(e, prop->slot)) != MR_OK) bind_raise(L);
        old->n++;
        lua_rawgeti(L, 3, i);
        bind_set_attribute(L, c, e, prop, 8);
    }
    return 0;
}

/* core.set_together(object, names, values, n) */
static int core_set_together(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "composite");
    bind_state *b = bind_of(L);
    lua_settop(L, 4);
    size_t n = (size_t)luaL_checkinteger(L, 4);
    old_values *old = lua_newuserdatauv(L, sizeof *old + n * sizeof *old->values, 0);
    old->entity = e;
    old->n = 0;
    bind_set_type(L, OLD_VALUES);
    lua_pushcfunction(L, set_all);
    for (int i = 1; i <= 5; i++) lua_pushvalue(L, i);
    int rc = lua_pcall(L, 5, 0, 0);
    if (rc != LUA_OK) put_back(b, old);
    clear(old);
    return rc == LUA_OK ? 0 : lua_error(L);
}

/* core.show_composite(object, names): the columns show a composite value, which the program may change inside. */
static int core_show_composite(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "composite");
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    mr_entity_touch(e);
    for (lua_Integer i = 1; lua_rawgeti(L, 2, i) == LUA_TSTRING; i++, lua_settop(L, 2)) {
        mr_property *prop = mr_mapper_property(e->mapper, lua_tostring(L, 3), true);
        if (!prop) continue;
        prop->in_composite = true;
        mr_entity_mark_shown(e, prop->slot);
    }
    bind_proxy_anchor_reader(L, 1, e);
    mr_session_expect_edits(e->mapper->env, true);
    return 0;
}

/* How a column stands to the composite value that the object has given: 's': the value shows it (or nothing was set
 * yet); 'e': it has expired, and shows again if the row still has it; 'r': it was read again since. */
static char standing(mr_entity *e, const mr_property *prop) {
    const mr_value *v = prop ? mr_entity_slot(e, prop->slot) : NULL;
    if (!v) return 'r';
    if (v->kind == MR_UNLOADED) return e->state == MR_TRANSIENT || e->state == MR_PENDING ? 's' : 'e';
    return v->flags & MR_VALUE_SHOWN ? 's' : 'r';
}

/* core.composite_standing(object, names, session or nil): a letter for each column (see standing). nil: the object is
 * in another session. */
static int core_composite_standing(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "composite");
    const mr_session *wanted = lua_touserdata(L, 3), *s = mr_session_of(e);
    if (wanted && s && s != wanted) return 0;
    lua_settop(L, 2);
    mr_entity_touch(e);
    luaL_Buffer letters;
    luaL_buffinit(L, &letters);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 2, i);
        const char *name = lua_tostring(L, -1);
        const mr_property *prop = name ? mr_mapper_property(e->mapper, name, true) : NULL;
        lua_pop(L, 1);
        luaL_addchar(&letters, standing(e, prop));
    }
    luaL_pushresult(&letters);
    if (wanted) bind_proxy_release_reader(L, e);
    return 1;
}

/* core.attribute_hint(class, name): " (did you mean 'x'?)", or "". */
static int core_attribute_hint(lua_State *L) {
    const mr_mapper *mapper = bind_arg_class(L, 1, "attribute_hint");
    lua_pushstring(L, bind_hint(L, bind_nearest_attribute(L, mapper, luaL_checkstring(L, 2))));
    return 1;
}

void bind_open_together(lua_State *L) {
    luaL_newmetatable(L, OLD_VALUES);
    lua_pushcfunction(L, old_values_gc);
    lua_setfield(L, -2, "__gc");
    lua_pushliteral(L, "moonrow values");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    lua_pushcfunction(L, core_set_together);
    lua_setfield(L, -2, "set_together");
    lua_pushcfunction(L, core_show_composite);
    lua_setfield(L, -2, "show_composite");
    lua_pushcfunction(L, core_composite_standing);
    lua_setfield(L, -2, "composite_standing");
    lua_pushcfunction(L, core_attribute_hint);
    lua_setfield(L, -2, "attribute_hint");
}
