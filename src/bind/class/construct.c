/*
 * construct.c: Class{ ... }: makes objects.
 *
 * Invariant: nothing of a refused table is seen anywhere: columns are checked and set first, and relationships, which
 * may change other objects, last.
 */
#include "class.h"
#include "value/proxy.h"

/* Is the value on top, a member of a class, one that an object is given a value for: a field, a hybrid and the like? */
static bool takes_value(lua_State *L) {
    const bind_descriptor *d = bind_descriptor_at(L, -1);
    return d ? !d->is_method : bind_test(L, -1, BIND_FIELD) != NULL;
}

/* The attribute that the key names, of the class at index 1. NULL: the key names a field or a descriptor. Raises for
 * any other name. */
static const mr_property *constructor_key(lua_State *L, int key) {
    const mr_property *prop = bind_class_property(L, 1, key);
    if (prop) return prop;
    bool is_member = bind_class_member_key(L, 1, key) != LUA_TNIL, is_taken = is_member && takes_value(L);
    lua_pop(L, 1);
    if (is_taken) return NULL;
    if (is_member) bind_refuse_member(L, bind_class_at(L, 1), luaL_tolstring(L, key, NULL));
    const mr_mapper *mapper = bind_arg_class(L, 1, "constructor");
    const char *name = luaL_tolstring(L, key, NULL);
    if (lua_type(L, key) == LUA_TNUMBER)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected values by attribute, such as %s{ name = \"x\" }, got the key %s",
                   mapper->name, mapper->name, name);
    bind_error(L, MR_ERR_ARGUMENT, "'%s' is an invalid keyword argument for %s%s", name, mapper->name,
               bind_hint(L, bind_nearest_attribute(L, mapper, name)));
    return NULL;
}

enum { MOST_FILLED = 48 };

/* The values with which an object was made. */
typedef struct filled {
    unsigned n;
    mr_slot_value values[MOST_FILLED];
} filled;

enum { BATCH = 16 };

/* Columns to be set with one entry into the core. Their values borrow bytes from the Lua stack. */
typedef struct column_batch {
    int n;
    const mr_property *props[BATCH];
    mr_value values[BATCH];
} column_batch;

static void set_columns(lua_State *L, bind_state *b, mr_entity *e, column_batch *batch) {
    mr_status st = MR_OK;
    BIND_ENTER(b, L);
    for (int i = 0; i < batch->n && st != MR_FAIL; i++) st = mr_attribute_set(e, batch->props[i], &batch->values[i]);
    BIND_LEAVE(b);
    bind_check(L, st);
    batch->n = 0;
}

/* The property that the key at the index names. NULL: the key names a field or a descriptor. Raises for any other key.
 */
static const mr_property *value_property(lua_State *L, int attributes, int key) {
    lua_pushvalue(L, key);
    lua_rawget(L, attributes);
    const mr_property *prop = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return prop ? prop : constructor_key(L, key);
}

/* Has the new object got the column's value when it was made? */
static bool is_filled(const filled *f, const mr_property *prop) {
    for (unsigned i = 0; f && i < f->n; i++)
        if (f->values[i].slot == prop->slot) return true;
    return false;
}

/* Sets the columns that the table at index values names. Returns false when the table names relationships or fields
 * too.
 * The loop keeps each column's value on the stack, below the key that finds the next pair: the batch borrows the
 * value's bytes until it is set. */
static bool init_columns(lua_State *L, bind_class *c, mr_entity *e, int values, const filled *f) {
    bool only_columns = true;
    column_batch batch;
    batch.n = 0;
    luaL_checkstack(L, BATCH + 12, "an object's values");
    bind_class_sync(L, 1);
    lua_getiuservalue(L, 1, CLASS_ATTRIBUTES);
    int attributes = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, values)) {
        int value = lua_gettop(L), key = value - 1;
        const mr_property *prop = value_property(L, attributes, key);
        if (prop && prop->kind == MR_PROPERTY_COLUMN && is_filled(f, prop)) {
            lua_pop(L, 1);
        } else if (prop && prop->kind == MR_PROPERTY_COLUMN && bind_decorator_of(e, prop)) {
            bind_set_attribute(L, c, e, prop, value);
            lua_settop(L, key);
        } else if (prop && prop->kind == MR_PROPERTY_COLUMN && !prop->validate && lua_istable(L, value) &&
                   prop->column->type && mr_type_is_json(prop->column->type)) {
            bind_set_attribute(L, c, e, prop, value); /* the object keeps the table */
            lua_settop(L, key);
        } else if (prop && prop->kind == MR_PROPERTY_COLUMN && !prop->validate) {
            batch.props[batch.n] = prop;
            batch.values[batch.n++] = bind_column_value(L, e, prop, value);
            lua_insert(L, key); /* the value goes below its key */
        } else {
            only_columns = false;
            lua_pop(L, 1);
        }
        if (batch.n == BATCH) {
            set_columns(L, c->b, e, &batch);
            lua_replace(L, attributes + 1); /* the key stays; the values are not needed any more */
            lua_settop(L, attributes + 1);
        }
    }
    set_columns(L, c->b, e, &batch);
    lua_settop(L, attributes - 1);
    return only_columns;
}

/* Sets the columns that have validators, in the order of their declaration: these see the other columns. */
static void init_validated(lua_State *L, bind_class *c, mr_entity *e, int values) {
    for (size_t i = 0; i < c->mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&c->mapper->props, i),
                          *real = mr_mapper_property(c->mapper, prop->name, true);
        if (!real || !real->validate || real->kind != MR_PROPERTY_COLUMN) continue;
        if (lua_getfield(L, values, prop->name) != LUA_TNIL) bind_set_attribute(L, c, e, real, lua_gettop(L));
        lua_pop(L, 1);
    }
}

/* Sets the fields and hybrids, or else the relationships, that the table at index values names. They come after the
 * columns, when every key is known to be good, and relationships last: setting one may change other objects. */
static void init_others(lua_State *L, bind_class *c, mr_entity *e, int self, int values, bool relationships) {
    int key = lua_gettop(L) + 1;
    lua_pushnil(L);
    while (lua_next(L, values)) {
        const mr_property *prop = constructor_key(L, key);
        if (!prop && !relationships) {
            lua_pushvalue(L, key);
            lua_pushvalue(L, key + 1);
            lua_settable(L, self);
        } else if (prop && relationships && prop->kind != MR_PROPERTY_COLUMN) {
            bind_set_attribute(L, c, e, prop, key + 1);
        }
        lua_settop(L, key);
    }
}

/* Arguments: the class, the object, the table. */
static int init_all_others(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 2, "constructor");
    init_others(L, bind_class_at(L, 1), e, 2, 3, false);
    init_others(L, bind_class_at(L, 1), e, 2, 3, true);
    return 0;
}

/* Sets the values of a new object, as Class.__init does. The class is at index 1. f: those that it has already; or
 * NULL. */
static void init_values(lua_State *L, bind_class *c, mr_entity *e, int self, int values, const filled *f) {
    if (lua_isnoneornil(L, values)) return;
    if (!bind_is_plain_table(L, values))
        bind_type_error(L, values, bind_arg_class(L, 1, "constructor")->name, "a table of values");
    if (init_columns(L, c, e, values, f)) return;
    init_validated(L, c, e, values);
    lua_pushcfunction(L, init_all_others);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, self);
    lua_pushvalue(L, values);
    mr_making making;
    mr_making_begin(&making, e);
    int rc = lua_pcall(L, 3, 0, 0);
    mr_making_end(&making);
    if (rc == LUA_OK) return;
    BIND_CALL(c->b, L, mr_attribute_abandon(e)); /* another object may have it by a relationship before */
    lua_error(L);
}

/* Class.__init(self, values) */
static int entity_init(lua_State *L) {
    lua_settop(L, 2);
    mr_entity *e = bind_arg_entity(L, 1, "__init");
    bind_push_class(L, e->mapper);
    lua_insert(L, 1);
    init_values(L, bind_class_at(L, 1), e, 2, 3, NULL);
    return 0;
}

/* ---------------------------------------------------------------- straight into a new object */

/* The value on top, of the key below it, if it goes into the slot as it is, or converted without memory. */
static bool take_straight(lua_State *L, const bind_class *c, mr_slot_value *out) {
    const mr_property *prop = bind_class_known(c, lua_topointer(L, -2));
    if (!prop) return false;
    switch (lua_type(L, -1)) {
    case LUA_TSTRING: {
        size_t len;
        const char *s = lua_tolstring(L, -1, &len);
        if (len > UINT32_MAX) return false;
        out->value = mr_text_value(s, len);
        break;
    }
    case LUA_TNUMBER:
        if (lua_isinteger(L, -1)) out->value = mr_int_value((int64_t)lua_tointeger(L, -1));
        else out->value = mr_float_value(lua_tonumber(L, -1));
        break;
    case LUA_TBOOLEAN:
        out->value = mr_bool_value(lua_toboolean(L, -1));
        break;
    default:
        return false;
    }
    out->slot = prop->slot;
    return mr_attribute_fits(prop, &out->value);
}

/* A new object that has those values of the table that go straight into its slots; f: which. Returns whether the table
 * has no others. From the start of the loop on nothing allocates Lua memory, so no collection, and no finalizer, can
 * take a string of the table away before its bytes are copied; and nothing raises. */
static bool new_entity(lua_State *L, bind_class *c, int values, filled *f, mr_entity **out) {
    mr_status st = MR_OK;
    bool all = true;
    f->n = 0;
    *out = NULL;
    BIND_ENTER(c->b, L);
    if (c->registry->dirty) st = mr_registry_configure(c->registry);
    bool heard = c->mapper->attribute_hooks.len > 0;
    if (values && st == MR_OK) {
        lua_pushnil(L);
        while (lua_next(L, values)) {
            if (!heard && f->n < MOST_FILLED && take_straight(L, c, &f->values[f->n])) f->n++;
            else all = false;
            lua_pop(L, 1);
        }
    }
    if (st == MR_OK) *out = mr_entity_new_with(c->b->env, c->mapper, f->values, f->n);
    BIND_LEAVE(c->b);
    if (!*out) bind_raise(L);
    return all;
}

/* ---------------------------------------------------------------- Class{ ... } */

/* Class(...) of a class with an __init of its own, at index 2, the class at index 1. */
static void call_init(lua_State *L, bind_class *c, int nargs) {
    filled f;
    mr_entity *e;
    new_entity(L, c, 0, &f, &e);
    bind_push_entity(L, e);
    lua_pushvalue(L, -1);
    lua_insert(L, 2);
    lua_insert(L, 4); /* class, self, init, self, arguments */
    lua_call(L, nargs + 1, 0);
}

/* Class{ ... } of one that has none. */
static void construct(lua_State *L, bind_class *c, int nargs) {
    if (nargs > 1)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected one table of values, got %d arguments", c->mapper->name, nargs);
    lua_settop(L, 2);
    luaL_checkstack(L, 12, "an object's values");
    bool given = !lua_isnil(L, 2);
    if (given && !bind_is_plain_table(L, 2)) bind_type_error(L, 2, c->mapper->name, "a table of values");
    filled f;
    mr_entity *e;
    bool all = new_entity(L, c, given ? 2 : 0, &f, &e);
    if (given && c->synced != c->mapper->props.len) bind_class_sync(L, 1);
    bind_push_entity(L, e);
    if (!all) init_values(L, c, e, 3, 2, &f);
}

/* Class(...): makes an object, and calls its __init with the arguments. */
static int entity_construct(lua_State *L) {
    bind_class *c = bind_class_at(L, 1);
    if (!c || !c->mapper) bind_arg_class(L, 1, "constructor");
    int nargs = lua_gettop(L) - 1;
    if (!c->b->own_init) {
        construct(L, c, nargs);
        return 1;
    }
    if (bind_class_member(L, 1, "__init") == LUA_TNIL) {
        lua_pop(L, 1);
        construct(L, c, nargs);
        return 1;
    }
    lua_insert(L, 2); /* class, init, arguments */
    call_init(L, c, nargs);
    lua_settop(L, 2);
    return 1;
}

static int class_init(lua_State *L) {
    if (bind_class_member(L, 1, "__init") == LUA_TNIL) lua_pushcfunction(L, entity_init);
    return 1;
}

void bind_open_construct(lua_State *L) {
    bind_extend_class(L, "__init", class_init);
    lua_pushcfunction(L, entity_init); /* for the Lua part: what Class.__init is, where the class has none of its own */
    lua_setfield(L, -2, "init_object");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_class_meta_key);
    lua_pushcfunction(L, entity_construct);
    lua_setfield(L, -2, "__call");
    lua_pop(L, 1);
}
