/*
 * asked.c: what the Lua part asks of classes and objects for to_table, from_table, pairs and mr.inspect.
 *
 * Invariant: nothing is loaded here: an object is asked what it has now.
 */
#include "class.h"

#include <string.h>

#include "value/decorated.h"
#include "value/relationship.h"
#include "value/proxy.h"
#include "value/query.h"
#include "value/session.h"
#include "value/row.h"
#include "value/schema.h"

static void set_string(lua_State *L, const char *field, const char *value) {
    if (!value) return;
    lua_pushstring(L, value);
    lua_setfield(L, -2, field);
}

static void set_bool(lua_State *L, const char *field, bool value) {
    lua_pushboolean(L, value);
    lua_setfield(L, -2, field);
}

static void describe_type(lua_State *L, const mr_type *type) {
    set_string(L, "type", type->rules->name);
    if (type->decorator) set_bool(L, "decorated", true);
}

static void describe_column(lua_State *L, const mr_property *prop) {
    mr_column *column = prop->column;
    describe_type(L, mr_column_type(bind_of(L)->env, column));
    set_string(L, "column", column->name);
    set_bool(L, "key", prop->is_primary_key);
    set_bool(L, "nullable", column->nullable && !prop->is_primary_key);
    set_bool(L, "deferred", prop->deferred);
    set_bool(L, "computed", prop->computed);
    if (column->foreign_keys) set_bool(L, "foreign_key", true);
}

static void describe_relationship(lua_State *L, const mr_relationship *rel) {
    static const char *const kinds[] = {"list", "set", "keyed"}; /* by mr_collection_kind */
    const char *direction = rel->direction == MR_ONE_TO_MANY   ? "one to many"
                            : rel->direction == MR_MANY_TO_ONE ? "many to one"
                                                               : "many to many";
    set_string(L, "direction", direction);
    set_string(L, "target", rel->target->name);
    bind_push_class(L, rel->target);
    lua_setfield(L, -2, "class");
    if (rel->uselist == 1) set_string(L, "collection", kinds[rel->collection]);
    if (rel->key_prop) set_string(L, "keyed_by", rel->key_prop->name);
    if (rel->reverse) set_string(L, "back_populates", rel->reverse->prop->name);
    set_bool(L, "viewonly", rel->viewonly);
}

static const char *kind_of(const mr_property *prop) {
    switch (prop->kind) {
    case MR_PROPERTY_COLUMN:
        return "column";
    case MR_PROPERTY_RELATIONSHIP:
        return "relationship";
    case MR_PROPERTY_SYNONYM:
        return "synonym";
    case MR_PROPERTY_EXPRESSION:
        break;
    }
    return "expression";
}

/* class_attributes(class, known): the attributes of the class in the order of their slots, { name =, kind =, ... }, and
 * how many there are; nil when there are just `known`: they only become more. */
static int class_attributes(lua_State *L) {
    mr_mapper *mapper = bind_arg_class(L, 1, "inspect");
    bind_state *b = bind_of(L);
    if (mapper->registry->dirty) BIND_TRY(b, L, mr_registry_configure(mapper->registry));
    if (lua_tointeger(L, 2) == (lua_Integer)mapper->props.len) return 0;
    lua_settop(L, 1);
    lua_newtable(L);
    for (size_t i = 0; i < mapper->props.len; i++) {
        const mr_property *prop = mr_vec_ptr(&mapper->props, i);
        lua_newtable(L);
        set_string(L, "name", prop->name);
        set_string(L, "kind", kind_of(prop));
        set_string(L, "synonym_of", prop->synonym_of);
        if (prop->kind == MR_PROPERTY_COLUMN) describe_column(L, prop);
        if (prop->kind == MR_PROPERTY_RELATIONSHIP) describe_relationship(L, prop->relationship);
        lua_rawseti(L, 2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)mapper->props.len);
    return 2;
}

/* table_columns(table): its columns in their order, { name =, kind = "column", type =, nullable = }. */
static int table_columns(lua_State *L) {
    const mr_table *table = bind_test_table(L, 1);
    if (!table) return bind_type_error(L, 1, "table_columns", "a Table");
    bind_new_list(L, table->ncolumns);
    for (unsigned i = 0; i < table->ncolumns; i++) {
        mr_column *column = table->columns[i];
        lua_newtable(L);
        set_string(L, "name", column->name);
        set_string(L, "kind", "column");
        describe_type(L, mr_column_type(bind_of(L)->env, column));
        set_bool(L, "nullable", column->nullable && !column->primary_key);
        set_bool(L, "computed", column->computed != NULL);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* class_keys(class): the attributes of its primary key, in the order of the key, and the name of its table. */
static int class_keys(lua_State *L) {
    const mr_mapper *mapper = bind_arg_class(L, 1, "inspect");
    bind_new_list(L, mapper->npk);
    for (unsigned i = 0; i < mapper->npk; i++) {
        lua_pushstring(L, bind_key_name(mapper, i));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushstring(L, mapper->table->full_name);
    return 2;
}

/* The collection of the object (argument 1) that argument 2 names. */
static const mr_property *counted_property(lua_State *L, const mr_entity *e) {
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
    if (!name) bind_type_error(L, 2, "count", "the name of a collection");
    bind_configure(L, e->mapper);
    const mr_property *prop = mr_mapper_property(e->mapper, name, true);
    if (!prop)
        bind_error(L, MR_ERR_ARGUMENT, "count: '%s' is not an attribute of %s%s", name, e->mapper->name,
                   bind_hint(L, mr_mapper_nearest(e->mapper, name)));
    const mr_relationship *rel = prop->kind == MR_PROPERTY_RELATIONSHIP ? prop->relationship : NULL;
    bool list = rel && (rel->uselist >= 0 ? rel->uselist > 0 : rel->direction != MR_MANY_TO_ONE);
    if (!list) bind_error(L, MR_ERR_ARGUMENT, "count: %s.%s is no collection", e->mapper->name, name);
    return prop;
}

/* Must the database count the collection? Not if it is in memory, or the object has no row or session, or changes of an
 * unloaded collection wait for a flush. */
static bool is_in_database(mr_entity *e, const mr_property *prop) {
    if (mr_entity_state(e) != MR_PERSISTENT || !mr_session_of(e) || mr_attribute_is_loaded(e, prop)) return false;
    const mr_value *v = mr_entity_slot(e, prop->slot);
    return v->kind != MR_COLLECTION || !mr_collection_changed(v->u.p);
}

/* Copies the keys of the object and its neighbours: room for max of them. *n: how many. */
static mr_status read_keys(mr_entity *e, const mr_property *prop, size_t max, mr_value *keys, size_t *n) {
    mr_vec found;
    uint16_t npk = e->mapper->npk;
    mr_vec_init(&found, e->mapper->env, sizeof(mr_entity *));
    mr_status status = mr_load_neighbours(e, prop, max, &found);
    for (size_t i = 0; status == MR_OK && i < found.len; i++, ++*n)
        mr_entity_key(mr_vec_ptr(&found, i), keys + i * npk);
    mr_vec_done(&found);
    return status;
}

static size_t text_bytes(const mr_value *values, size_t n) {
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        if (mr_kind_is_bytes(values[i].kind)) bytes += values[i].len;
    return bytes;
}

static void move_texts(mr_value *values, size_t n, char *text) {
    for (size_t i = 0; i < n; i++) {
        if (!mr_kind_is_bytes(values[i].kind)) continue;
        memcpy(text, values[i].u.s, values[i].len);
        values[i].u.s = text;
        text += values[i].len;
    }
}

/* The same, with the texts in a userdata that is pushed. Making it may run finalizers, and these may free the objects:
 * so the keys are read again after it. */
static void read_and_keep_keys(lua_State *L, mr_entity *e, const mr_property *prop, size_t max, mr_value *keys,
                               size_t *n) {
    size_t room = 0, bytes;
    char *text = NULL;
    for (;;) {
        *n = 0;
        bind_check(L, read_keys(e, prop, max, keys, n));
        bytes = text_bytes(keys, *n * e->mapper->npk);
        if (text && bytes <= room) break;
        text = lua_newuserdatauv(L, bytes + 1, 0);
        room = bytes;
    }
    move_texts(keys, *n * e->mapper->npk, text);
}

static void push_keys(lua_State *L, const mr_mapper *mapper, const mr_value *keys, size_t n) {
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_createtable(L, mapper->npk, 0);
        for (unsigned k = 0; k < mapper->npk; k++) {
            bind_push_value(L, &keys[i * mapper->npk + k]);
            lua_rawseti(L, -2, (lua_Integer)k + 1);
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* counted(object, name): of an object whose collection the database must count: its key (of several columns: a list of
 * values), a number that is another one when counts may have changed, its session, a value for the relationship,
 * whether a link table may name an item several times, the class that declares the collection, and whether the object
 * keeps criteria of its query. nil: the object itself knows how many there are. */
static int counted(lua_State *L) {
    enum { MAX_KEY = 32 };
    mr_value key[MAX_KEY];
    mr_entity *e = bind_arg_entity(L, 1, "count");
    const mr_property *prop = counted_property(L, e);
    uint64_t stamp = 0;
    bind_state *b = bind_of(L);
    mr_entity_touch(e);
    if (mr_entity_state(e) == MR_PERSISTENT && mr_session_of(e)) {
        mr_status flushed;
        BIND_CALL(b, L, flushed = mr_session_stamp(mr_session_of(e), &stamp));
        bind_check(L, flushed);
    }
    if (!is_in_database(e, prop) || e->mapper->npk > MAX_KEY) return 0;
    mr_entity_key(e, key);
    if (e->mapper->npk > 1) lua_createtable(L, e->mapper->npk, 0);
    for (unsigned k = 0; k < e->mapper->npk; k++) {
        bind_push_value(L, &key[k]);
        if (e->mapper->npk > 1) lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
    lua_pushinteger(L, (lua_Integer)stamp);
    bind_push_session(L, mr_session_of(e));
    lua_pushlightuserdata(L, (void *)(uintptr_t)prop);
    lua_pushboolean(L, mr_along_repeats(prop->relationship));
    bind_push_class(L, (mr_mapper *)prop->mapper);
    lua_pushboolean(L, mr_load_keeps_criteria(e));
    return 7;
}

/* with_kept_criteria(query, object): the query with the loader criteria that the object keeps. */
static int with_kept_criteria(lua_State *L) {
    mr_query *q = bind_query_arg(L, "count");
    return bind_derive(L, mr_load_with_kept_criteria(q, bind_arg_entity(L, 2, "count")));
}

/* neighbours(object, name, max): what a statement that counts the object's collection may be about, too: the keys of
 * the object and of those after it, each a list of values. */
static int neighbours(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "count");
    const mr_property *prop = counted_property(L, e);
    lua_Integer max = luaL_checkinteger(L, 3);
    size_t n = 0;
    mr_value *keys = lua_newuserdatauv(L, ((size_t)max * e->mapper->npk + 1) * sizeof *keys, 0);
    read_and_keep_keys(L, e, prop, (size_t)max, keys, &n);
    push_keys(L, e->mapper, keys, n);
    return 1;
}

/* is_loaded(object, name): has the object a value of the attribute, so that reading it loads nothing? */
static int is_loaded(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "is_loaded");
    const mr_property *prop = mr_mapper_property(e->mapper, luaL_checkstring(L, 2), true);
    lua_pushboolean(L, prop && mr_attribute_is_loaded(e, prop));
    return 1;
}

/* is_expired(object): must the object's row be read again, and is there a session for it? */
static int is_expired(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "is_expired");
    mr_entity_touch(e);
    bool expired = mr_entity_slot(e, e->mapper->pk_slots[0])->kind == MR_UNLOADED || (e->flags & MR_ENTITY_PARTIAL);
    lua_pushboolean(L, expired && mr_entity_state(e) == MR_PERSISTENT && mr_session_of(e));
    return 1;
}

/* new_object(class): an object of which nothing is set; its __init is not called. */
static int new_object(lua_State *L) {
    mr_mapper *mapper = bind_arg_class(L, 1, "from_table");
    bind_state *b = bind_of(L);
    mr_entity *e;
    BIND_CALL(b, L, e = mr_entity_new(b->env, mapper));
    if (!e) return bind_raise(L);
    bind_push_entity(L, e);
    return 1;
}

/* set_defaults(object): sets what it lacks to the defaults of the columns, as far as these are values or functions
 * (mr.now, too). */
static int set_defaults(lua_State *L) {
    mr_entity *e = bind_arg_entity(L, 1, "set_defaults");
    bind_state *b = bind_of(L);
    for (size_t i = 0; i < e->mapper->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&e->mapper->columns, i);
        const mr_default *deflt = &prop->column->deflt;
        mr_value value = deflt->value;
        mr_status st = MR_OK;
        if (mr_entity_slot(e, prop->slot)->kind != MR_UNLOADED) continue;
        if (deflt->kind == MR_DEFAULT_NOW) value = mr_calendar_now();
        else if (deflt->kind != MR_DEFAULT_VALUE && deflt->kind != MR_DEFAULT_FUNCTION) continue;
        BIND_ENTER(b, L);
        if (deflt->kind == MR_DEFAULT_FUNCTION) st = deflt->fn(b->env, deflt->ud, &value);
        if (st == MR_OK && value.kind != MR_UNLOADED) st = mr_attribute_set(e, prop, &value);
        BIND_LEAVE(b);
        bind_check(L, st);
    }
    return 0;
}

/* class_for(class, values): the subclass, or the class itself, of which a row with these values is. */
static int class_for(lua_State *L) {
    mr_mapper *mapper = bind_arg_class(L, 1, "from_table");
    const mr_mapper *top = mr_mapper_polymorphic(mapper);
    const mr_property *discriminator = top ? top->discriminator : NULL;
    mr_value v = mr_value_of(MR_UNLOADED, 0);
    lua_settop(L, 2);
    if (discriminator && discriminator->column) {
        lua_getfield(L, 2, discriminator->name);
        const mr_type *type = discriminator->column->type;
        if (type->decorator && !lua_isnil(L, -1)) bind_send_value(L, type, NULL, discriminator->name, &v);
        else if (!bind_to_value(L, -1, type, &v)) v = mr_value_of(MR_UNLOADED, 0);
    }
    for (mr_mapper *m = NULL; v.kind > MR_NULL && (m = mr_mapper_next_below(mapper, m));) {
        if (m->polymorphic_identity.kind != v.kind || !mr_value_equal(mapper->env, &m->polymorphic_identity, &v))
            continue;
        bind_push_class(L, m);
        return 1;
    }
    lua_settop(L, 1);
    return 1;
}

/* class_of_table(table): the class that maps the table, or nil. */
static int class_of_table(lua_State *L) {
    const mr_table *table = bind_test_table(L, 1);
    if (!table || !table->mapped) return 0;
    bind_push_class(L, table->mapped);
    return 1;
}

/* has_property(class, name): does the class map an attribute of that name? Configures nothing. */
static int has_property(lua_State *L) {
    const mr_mapper *mapper = bind_arg_class(L, 1, "automap");
    lua_pushboolean(L, mr_mapper_property((mr_mapper *)mapper, luaL_checkstring(L, 2), false) != NULL);
    return 1;
}

static int is_mapped(lua_State *L) {
    lua_pushboolean(L, bind_test_class(L, 1) != NULL);
    return 1;
}

void bind_open_asked(lua_State *L) {
    static const luaL_Reg functions[] = {{"class_attributes", class_attributes},
                                         {"table_columns", table_columns},
                                         {"class_keys", class_keys},
                                         {"neighbours", neighbours},
                                         {"counted", counted},
                                         {"with_kept_criteria", with_kept_criteria},
                                         {"is_loaded", is_loaded},
                                         {"is_expired", is_expired},
                                         {"new_object", new_object},
                                         {"is_mapped", is_mapped},
                                         {"class_of_table", class_of_table},
                                         {"has_property", has_property},
                                         {"class_for", class_for},
                                         {"set_defaults", set_defaults},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
