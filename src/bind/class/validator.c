/*
 * validator.c: __validators: functions of the program that change or refuse a value before an attribute gets it.
 *
 * Invariant: a validator is asked once for a value, and before anything changes. A value that Lua gives for a column
 * comes to it as it is, before it is checked against the column's type; a value that the core gives (a merge, the C
 * API, the other side of a relationship) comes to it from there. What is loaded never comes to it.
 */
#include "body.h"
#include "value/proxy.h"

enum { ENTRY_FUNCTION = 1 };

static const char results_key = 0; /* registry: table: by depth of calls, the last result: the core borrows its bytes */

/* ---------------------------------------------------------------- declaring */

/* Reads the entry for the attribute, whose value is on top, and leaves { function, include_removes =, include_backrefs
 * = } in its place. */
static void read_entry(lua_State *L, const char *class_name, const char *attribute) {
    static const char *const known[] = {"include_removes", "include_backrefs", NULL};
    const char *what = lua_pushfstring(L, "%s.__validators.%s", class_name, attribute);
    lua_insert(L, -2);
    int given = lua_gettop(L);
    bool table = bind_is_plain_table(L, given);
    if (table) lua_rawgeti(L, given, ENTRY_FUNCTION);
    else lua_pushvalue(L, given);
    if (!bind_is_callable(L, -1)) bind_type_error(L, -1, what, "function(self, value) ... return value end");
    if (table) {
        lua_createtable(L, 0, 2); /* the options alone */
        for (lua_pushnil(L); lua_next(L, given);) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            if (lua_type(L, -2) == LUA_TSTRING) lua_rawset(L, given + 2);
            else lua_pop(L, 2);
        }
        bind_check_options(L, given + 2, what, known);
    }
    lua_createtable(L, 1, 2);
    lua_pushvalue(L, given + 1);
    lua_rawseti(L, -2, ENTRY_FUNCTION);
    lua_pushboolean(L, bind_option_bool(L, table ? given + 2 : 0, what, "include_removes", false));
    lua_setfield(L, -2, "include_removes");
    lua_pushboolean(L, bind_option_bool(L, table ? given + 2 : 0, what, "include_backrefs", true));
    lua_setfield(L, -2, "include_backrefs");
    lua_replace(L, given - 1);
    lua_settop(L, given - 1);
}

/* Copies the pairs of the table on top to the one at index into. Pops the table. */
static void copy_pairs(lua_State *L, int into) {
    int from = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, from);) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, into);
    }
    lua_settop(L, from - 1);
}

static mr_status validate(mr_env *env, void *ud, mr_entity *entity, const mr_property *prop, mr_value *value,
                          unsigned how);

typedef struct named_function {
    const char *class_name, *attribute;
} named_function;

static int check_entry(lua_State *L) {
    const named_function *f = lua_touserdata(L, 1);
    lua_pushnil(L);
    lua_insert(L, -2); /* read_entry replaces what is below */
    read_entry(L, f->class_name, f->attribute);
    return 0;
}

/* Adds the __validators on top, of one of the tables that make up the class. */
static void add_validators(lua_State *L, declaration *d, const char *class_name, mr_mapper *mapper, int into) {
    int given = lua_gettop(L);
    if (!bind_is_plain_table(L, given)) {
        lua_pushfstring(L, "%s.__validators", class_name);
        bind_type_error(L, given, lua_tostring(L, -1), "a table of functions by attribute");
    }
    for (lua_pushnil(L); lua_next(L, given); lua_settop(L, given + 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) {
            lua_pushfstring(L, "%s.__validators", class_name);
            bind_type_error(L, -3, lua_tostring(L, -1), "functions by the attribute's name");
        }
        const char *attribute = lua_tostring(L, -2);
        named_function f = {class_name, attribute};
        lua_pushvalue(L, -1);
        if (!bind_attempt(L, d, check_entry, &f)) continue;
        read_entry(L, class_name, attribute);
        if (mapper && mr_mapper_add_validator(mapper, attribute, validate, NULL) != MR_OK) bind_raise(L);
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, into);
    }
}

/* The core has the validators of base classes already, but those of the class that a concrete one copies its columns
 * from. They are in the table on top. */
static void add_copied(lua_State *L, mr_mapper *mapper) {
    if (!mapper || mapper->base) return;
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        const char *attribute = lua_tostring(L, -2);
        bool own = mr_mapper_property(mapper, attribute, false) != NULL;
        if (own && mr_mapper_add_validator(mapper, attribute, validate, NULL) != MR_OK) bind_raise(L);
    }
}

void bind_declare_validators(lua_State *L, declaration *d, int class_idx, int first, int n) {
    bind_class *c = bind_class_at(L, class_idx);
    int top = lua_gettop(L);
    lua_newtable(L);
    if (lua_getiuservalue(L, class_idx, CLASS_BASE) != LUA_TNIL && bind_class_at(L, -1)->mapper &&
        lua_getiuservalue(L, -1, CLASS_VALIDATORS) == LUA_TTABLE)
        copy_pairs(L, top + 1);
    lua_settop(L, top + 1);
    add_copied(L, c->mapper);
    bool any = false;
    for (int i = n; i > 0; i--) { /* the strongest last */
        lua_pushliteral(L, "__validators");
        if (lua_rawget(L, first + i - 1) != LUA_TNIL) {
            any = true;
            add_validators(L, d, c->mapper ? c->mapper->name : "a base without a table", c->mapper, top + 1);
        }
        lua_settop(L, top + 1);
    }
    lua_pushnil(L);
    if (any || lua_next(L, top + 1)) {
        lua_settop(L, top + 1);
        lua_setiuservalue(L, class_idx, CLASS_VALIDATORS);
    }
    lua_settop(L, top);
}

/* ---------------------------------------------------------------- asking */

/* Pushes the entry of the entity's class for the attribute; false, with nothing pushed, where it has none: the
 * validator is one of another class of the family, or how says that it is not asked. */
static bool push_entry(lua_State *L, const mr_entity *e, const mr_property *prop, unsigned how) {
    int top = lua_gettop(L);
    bind_push_class(L, e->mapper);
    if (lua_getiuservalue(L, top + 1, CLASS_VALIDATORS) == LUA_TTABLE &&
        lua_getfield(L, top + 2, prop->name) == LUA_TTABLE) {
        bool asked = true;
        if (how & MR_VALIDATE_REMOVED) asked = lua_getfield(L, top + 3, "include_removes") && lua_toboolean(L, -1);
        if (how & MR_VALIDATE_BACKREF)
            asked = asked && lua_getfield(L, top + 3, "include_backrefs") && lua_toboolean(L, -1);
        if (asked) {
            lua_settop(L, top + 3);
            lua_replace(L, top + 1);
            lua_settop(L, top + 1);
            return true;
        }
    }
    lua_settop(L, top);
    return false;
}

/* Calls the validator of the entry on top with the value at idx, and puts its result in the place of the entry. */
static void call(lua_State *L, mr_entity *e, const mr_property *prop, int idx, unsigned how) {
    int at = lua_gettop(L);
    lua_rawgeti(L, at, ENTRY_FUNCTION);
    bind_push_entity(L, e);
    if (bind_is_null(L, idx)) lua_pushnil(L);
    else lua_pushvalue(L, idx);
    lua_pushstring(L, prop->name);
    lua_pushboolean(L, (how & MR_VALIDATE_REMOVED) != 0);
    lua_call(L, 4, LUA_MULTRET);
    if (how & MR_VALIDATE_REMOVED) return; /* what is given back for what leaves is not looked at */
    if (lua_gettop(L) == at)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s.%s: its validator returns nothing: it must return the value, changed or not (nil for NULL)",
                   e->mapper->name, prop->name);
    lua_settop(L, at + 1);
    lua_replace(L, at);
}

int bind_validate(lua_State *L, mr_entity *e, const mr_property *prop, int idx) {
    idx = lua_absindex(L, idx);
    luaL_checkstack(L, 16, "a validator");
    if (!push_entry(L, e, prop, 0)) return idx;
    call(L, e, prop, idx, 0);
    return lua_gettop(L);
}

typedef struct asking {
    mr_entity *entity;
    const mr_property *prop;
    mr_value *value;
    unsigned how;
} asking;

/* The result on top becomes the value. */
static void take_result(lua_State *L, const asking *a) {
    const char *what = lua_pushfstring(L, "%s.%s", a->entity->mapper->name, a->prop->name);
    lua_insert(L, -2);
    mr_entity *entity = a->prop->kind == MR_PROPERTY_RELATIONSHIP ? bind_test_entity(L, -1) : NULL;
    if (entity) {
        *a->value = mr_value_of(MR_ENTITY, 0);
        a->value->u.p = entity;
    } else if (a->prop->kind == MR_PROPERTY_RELATIONSHIP) {
        if (!lua_isnil(L, -1) && !bind_is_null(L, -1)) bind_type_error(L, -1, what, "an object from its validator");
        *a->value = mr_null_value();
    } else {
        *a->value = bind_column_value(L, a->entity, a->prop, lua_gettop(L));
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &results_key);
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)bind_of(L)->depth);
}

static int ask_body(lua_State *L) {
    const asking *a = lua_touserdata(L, 1);
    luaL_checkstack(L, 16, "a validator");
    bind_push_value(L, a->value);
    if (!push_entry(L, a->entity, a->prop, a->how)) return 0;
    call(L, a->entity, a->prop, 2, a->how);
    if (a->how & MR_VALIDATE_REMOVED || lua_rawequal(L, 2, -1)) return 0;
    take_result(L, a);
    return 0;
}

static mr_status validate(mr_env *env, void *ud, mr_entity *entity, const mr_property *prop, mr_value *value,
                          unsigned how) {
    (void)ud;
    bind_state *b = mr_env_get(env, MR_ENV_BIND);
    if (b->validated == entity && b->validated_as == prop) {
        b->validated = NULL;
        return MR_OK;
    }
    asking a = {entity, prop, value, how};
    return bind_callback(env, ask_body, &a);
}

void bind_open_validator(lua_State *L) {
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &results_key);
}
