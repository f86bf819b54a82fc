/*
 * class.c: classes: reading and writing their members and attributes, and finding a class's property.
 *
 * Invariant: the attribute table holds the first `synced` properties of the mapper. Properties are only added, to the
 * mapper and to the table.
 */
#include "class.h"

#include <string.h>

#include "value/node.h"
#include "value/property.h"
#include "value/query.h"
#include "value/relationship.h"
#include "value/schema.h"

#define CLASS_COLUMNS "moonrow.ClassColumns"

/* ---------------------------------------------------------------- attributes */

/* Puts the attribute table, on top, into the places. Returns how many names are not at the place that their addresses
 * say, because others have it. */
static size_t fill_known(lua_State *L, bind_known *known, size_t places) {
    size_t moved = 0;
    for (size_t i = 0; i < places; i++) known[i] = (bind_known){NULL, &bind_no_property};
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        const void *name = lua_topointer(L, -2);
        size_t i = (uintptr_t)name / sizeof *known;
        if (known[i & (places - 1)].name) moved++;
        while (known[i & (places - 1)].name) i++;
        known[i & (places - 1)] = (bind_known){name, lua_touserdata(L, -1)};
        lua_pop(L, 1);
    }
    return moved;
}

/* Makes the class's hash of names from the attribute table, on top. The table keeps the strings alive, so their
 * addresses stay theirs. The hash gets more places as long as that brings more names to their own. */
static void make_known(lua_State *L, int idx, bind_class *c) {
    size_t n = c->mapper->props.len, least = 8;
    while (least < 2 * n) least *= 2;
    bind_known *known = lua_newuserdatauv(L, 4 * least * sizeof *known, 0);
    lua_insert(L, -2);
    size_t places = least;
    while (fill_known(L, known, places) && places < 4 * least) places *= 2;
    lua_insert(L, -2);
    lua_setiuservalue(L, idx, CLASS_KNOWN);
    c->known = known;
    c->known_mask = (places - 1) * sizeof *known;
}

void bind_class_sync(lua_State *L, int idx) {
    bind_class *c = bind_class_at(L, idx);
    if (!c->mapper || c->synced == c->mapper->props.len) return;
    lua_getiuservalue(L, idx, CLASS_ATTRIBUTES);
    lua_getiuservalue(L, idx, CLASS_MEMBERS);
    for (; c->synced < c->mapper->props.len; c->synced++) {
        mr_property *prop = mr_vec_ptr(&c->mapper->props, c->synced);
        const char *name = prop->name;
        mr_property *real = mr_mapper_property(c->mapper, name, true); /* NULL: a synonym of what is not there yet */
        lua_pushstring(L, name);
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) != LUA_TNIL) /* a backref came after a method */
            bind_error(L, MR_ERR_ARGUMENT, "%s.%s is a mapped attribute: a method needs another name", c->mapper->name,
                       prop->name);
        lua_pop(L, 1);
        lua_pushlightuserdata(L, real ? real : prop);
        lua_rawset(L, -4);
    }
    lua_pop(L, 1);
    make_known(L, lua_absindex(L, idx), c);
    lua_pop(L, 1);
}

static const mr_property *known_property(lua_State *L, int idx, int key) {
    bind_class_sync(L, idx);
    lua_getiuservalue(L, idx, CLASS_ATTRIBUTES);
    lua_pushvalue(L, key);
    lua_rawget(L, -2);
    const mr_property *prop = lua_touserdata(L, -1);
    lua_pop(L, 2);
    return prop;
}

const mr_property *bind_class_property(lua_State *L, int idx, int key) {
    idx = lua_absindex(L, idx);
    key = lua_absindex(L, key);
    bind_class *c = bind_class_at(L, idx);
    if (!c->mapper || lua_type(L, key) != LUA_TSTRING) return NULL;
    const mr_property *prop = known_property(L, idx, key);
    if (prop || !c->registry->dirty) return prop;
    BIND_TRY(c->b, L, mr_registry_configure(c->registry));
    return known_property(L, idx, key);
}

/* Names of methods that other libraries give to classes or objects. */
static const bind_cure session_words[] = {
    {"the class is called: Class{ name = value } makes an object", {"new", "build", "init", "construct", NULL}},
    {"a session writes objects: db.session:add(object), then db.session:commit()",
     {"save", "create", "insert", "add", "store", "persist", NULL}},
    {"a session reads objects: db.session:get(Class, key), or db.session:query(Class), which is Class.query, too",
     {"find", "find_by", "get", "all", "first", "one", "where", "filter", "filter_by", "select", "count", "exists",
      "order_by", "limit", "objects", NULL}},
    {"assign to its attributes, or change many rows by db.session:query(Class):update{ ... }", {"update", NULL}},
    {"a session deletes objects: db.session:delete(object)", {"delete", "destroy", "remove", NULL}},
    {"a session reads objects again: db.session:refresh(object)", {"refresh", "reload", "expire", NULL}},
    {"it is a method of the session: db.session:commit() and the like", {"commit", "rollback", "flush", NULL}},
    {"it is mr.event.listen(target, name, fn)", {"on", "listen", "before_save", "after_save", NULL}},
    {NULL, {NULL}},
};

/* The class's name in a message. */
static const char *shown_name(const bind_class *c) { return c->mapper ? c->mapper->name : "the base class"; }

int bind_class_no_attribute(lua_State *L, int idx, const char *name) {
    idx = lua_absindex(L, idx);
    bind_class *c = bind_class_at(L, idx);
    const char *class_name = shown_name(c);
    if (c->mapper) mr_mapper_awaits(c->mapper, name);
    const char *cure = bind_cure_of(session_words, name);
    if (cure) return bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s': %s", class_name, name, cure);
    const char *near = c->mapper ? mr_mapper_nearest(c->mapper, name) : NULL;
    if (!near) {
        lua_getiuservalue(L, idx, CLASS_MEMBERS);
        near = bind_nearest_key(L, -1, name);
    }
    return bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s", class_name, name,
                      near ? bind_hint(L, near)
                           : ": declare it in the class (a Column, or mr.field() for an attribute that is not stored)");
}

/* Pushes the column or relationship that the value at the index, a table or nil, has under the key. Returns false, and
 * pushes nothing, where there is none. */
static bool push_declared(lua_State *L, int table, int key) {
    if (!lua_istable(L, table)) return false;
    lua_pushvalue(L, key);
    lua_rawget(L, table);
    if (bind_test_column(L, -1) || bind_test(L, -1, BIND_RELATIONSHIP_SPEC)) return true;
    lua_pop(L, 1);
    return false;
}

/* Pushes the column or relationship that the class at the index, a base without a table, or a base of it declares under
 * the key at index key. Returns false, and pushes nothing, where there is none. */
static bool push_declared_by_class(lua_State *L, int idx, int key) {
    int at = lua_gettop(L) + 1;
    lua_pushvalue(L, idx);
    for (bind_class *c; (c = bind_class_at(L, at)) != NULL && !c->mapper; lua_replace(L, at)) {
        lua_getiuservalue(L, at, CLASS_DECLARED);
        bool found = push_declared(L, at + 1, key);
        if (!found && lua_getiuservalue(L, at, CLASS_MIXINS) == LUA_TTABLE)
            for (lua_Integer i = 1; !found && lua_rawgeti(L, at + 2, i) != LUA_TNIL; i++)
                if (!(found = push_declared(L, at + 3, key))) lua_pop(L, 1);
        if (found) {
            lua_replace(L, at);
            lua_settop(L, at);
            return true;
        }
        lua_settop(L, at);
        lua_getiuservalue(L, at, CLASS_BASE);
    }
    lua_settop(L, at - 1);
    return false;
}

/* ---------------------------------------------------------------- Class.name */

static int class_expression(lua_State *L, const mr_property *prop) {
    lua_getiuservalue(L, 1, CLASS_EXPRESSIONS);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) return 1;
    lua_pop(L, 1);
    lua_pushvalue(L, 2);
    bind_class *c = lua_touserdata(L, 1);
    if (prop->kind == MR_PROPERTY_SYNONYM) { /* of what a backref may make */
        BIND_TRY(c->b, L, mr_registry_configure(c->registry));
        prop = mr_mapper_property(c->mapper, prop->name, true);
    }
    if (prop->kind == MR_PROPERTY_RELATIONSHIP) {
        BIND_TRY(c->b, L, mr_registry_configure(c->registry));
        bind_push_relationship(L, prop, NULL, NULL);
    } else {
        const mr_mapper *mapper = bind_class_at(L, 1)->mapper;
        mr_node *node = NULL;
        BIND_CALL(c->b, L, node = mr_property_node_of(prop, mapper));
        bind_push_node(L, node);
        bind_name_expression(L, lua_tostring(L, 2), prop);
    }
    lua_pushvalue(L, -1);
    lua_insert(L, -3);
    lua_rawset(L, -4);
    return 1;
}

/* Is the value the table's own field, not one that it finds anew each time? */
static bool is_field(lua_State *L, int table, const char *name, int value) {
    if (!lua_istable(L, table)) return false;
    table = lua_absindex(L, table);
    value = lua_absindex(L, value);
    lua_pushstring(L, name);
    lua_rawget(L, table);
    bool is = lua_rawequal(L, -1, value);
    lua_pop(L, 1);
    return is;
}

/* Pushes what Class.query gave before, if it would be the same now. A query never changes. */
static bool push_kept_query(lua_State *L, const bind_class *c) {
    if (c->query_changes != c->b->member_changes) return false;
    lua_getiuservalue(L, 1, CLASS_QUERY);
    if (bind_query_at(L, -1)) return true; /* not finalized, as at the end of the program */
    lua_settop(L, 2);
    return false;
}

/* Class.query: the query over the class, from the query property that the class or a base was given. It is kept until
 * some class's members change. */
static int class_query(lua_State *L) {
    bind_class *c = lua_touserdata(L, 1);
    if (push_kept_query(L, c)) return 1;
    mr_mapper *mapper = bind_arg_class(L, 1, "query");
    if (bind_class_member(L, 1, "query") == LUA_TNIL)
        return bind_error(
            L, MR_ERR_INVALID_REQUEST,
            "%s.query needs a session: set Base.query = scoped_session:query_property(), or use session:query(%s)",
            mapper->name, mapper->name);
    lua_getfield(L, -1, "session");
    bind_query *q = bind_push_lookup(L, c->b, mapper, NULL, 0, lua_gettop(L));
    q->classed = bind_class_member(L, 1, "query_class") != LUA_TNIL;
    if (q->classed) lua_setiuservalue(L, -2, QUERY_CLASS);
    else lua_pop(L, 1);
    if (!is_field(L, -3, "session", -2)) return 1;
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, CLASS_QUERY);
    c->query_changes = c->b->member_changes;
    return 1;
}

/* Class.c: the mapped attributes alone. A method of the same name, in a base, does not hide them. */
static int columns_index(lua_State *L) {
    bind_arg(L, 1, CLASS_COLUMNS, "c");
    lua_getiuservalue(L, 1, 1);
    lua_replace(L, 1);
    const mr_property *prop = bind_class_property(L, 1, 2);
    if (!prop) return bind_class_no_attribute(L, 1, luaL_tolstring(L, 2, NULL));
    lua_settop(L, 2);
    return class_expression(L, prop);
}

static int class_columns(lua_State *L) {
    lua_newuserdatauv(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, -2, 1);
    bind_set_type(L, CLASS_COLUMNS);
    return 1;
}

typedef struct builtin {
    const char *name;
    lua_CFunction get;
} builtin;

static int class_metadata(lua_State *L) {
    bind_push_metadata(L, ((bind_class *)lua_touserdata(L, 1))->registry->metadata);
    return 1;
}

static int class_table(lua_State *L) {
    bind_push_table(L, bind_arg_class(L, 1, "__table")->table);
    return 1;
}

static int class_name(lua_State *L) {
    bind_class *c = lua_touserdata(L, 1);
    lua_pushstring(L, c->mapper ? c->mapper->name : "Model");
    return 1;
}

static const builtin builtins[] = {{"query", class_query},   {"c", class_columns},   {"metadata", class_metadata},
                                   {"__table", class_table}, {"__name", class_name}, {NULL, NULL}};

/* The class at index 1; raises if a program called the metatable's function with another value. */
static bind_class *self(lua_State *L, const char *function) {
    bind_class *c = bind_class_at(L, 1);
    if (!c) bind_type_error(L, 1, function, "a class");
    return c;
}

static int class_index(lua_State *L) {
    const bind_class *c = self(L, "class");
    if (lua_topointer(L, 2) == c->b->query_word && push_kept_query(L, c)) return 1;
    const char *name = lua_tostring(L, 2);
    if (!name) return bind_type_error(L, 2, "a class is indexed by", "an attribute's name");
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) {
        lua_CFunction get = lua_tocfunction(L, -1);
        lua_settop(L, 2);
        return get(L);
    }
    lua_settop(L, 2);
    int member = bind_class_member_key(L, 1, 2);
    if (member == LUA_TUSERDATA && c->mapper && bind_descriptor_at(L, -1)) {
        bind_express_descriptor(L, 1, c->mapper, name);
        return 1;
    }
    if (member != LUA_TNIL && !bind_test(L, -1, BIND_FIELD)) return 1;
    lua_settop(L, 2);
    if (strncmp(name, "__", 2) == 0) return 0; /* an optional member; no attribute has such a name */
    const mr_property *prop = bind_class_property(L, 1, 2);
    if (prop) return class_expression(L, prop);
    if (push_declared_by_class(L, 1, 2)) return 1;
    /* A program may ask whether a class has an optional member. */
    if (strcmp(name, "query_class") == 0) return 0;
    return bind_class_no_attribute(L, 1, name);
}

/* ---------------------------------------------------------------- Class.name = value */

static const char *const kept_metafields[] = {"__index", "__newindex",  "__eq",    "__gc",
                                              "__mode",  "__metatable", "__close", NULL};
/* "__name" is no metamethod, but is set in the same way. */
const char *const bind_object_metamethods[] = {
    "__len",  "__call", "__lt",    "__le",   "__concat", "__add",  "__sub", "__mul", "__div",  "__mod",  "__unm",
    "__idiv", "__pow",  "__pairs", "__band", "__bor",    "__bxor", "__shl", "__shr", "__bnot", "__name", NULL};

/* Gives the metamethod at index 3 to the objects of the class, and of the classes that inherit from it and have none of
 * their own. */
static void spread_metamethod(lua_State *L, bind_class *c) {
    for (size_t i = 0; i < c->registry->mappers.len; i++) {
        lua_settop(L, 3);
        mr_mapper *mapper = mr_vec_ptr(&c->registry->mappers, i);
        bind_push_class(L, mapper);
        lua_pushvalue(L, 4);
        if (lua_isnil(L, 4)) continue;
        while (!lua_isnil(L, -1) && !lua_rawequal(L, -1, 1)) {
            lua_getiuservalue(L, -1, CLASS_BASE);
            lua_remove(L, -2);
        }
        if (lua_isnil(L, -1)) continue;
        bind_push_object_metatable(L, mapper);
        lua_pushvalue(L, 2);
        bind_class_member_key(L, 4, 2);
        lua_rawset(L, -3);
    }
    lua_settop(L, 3);
}

/* Class.name = mr.column_property(...): the class at index 1 gets one attribute more. */
static int add_property(lua_State *L, bind_class *c, const char *name) {
    if (bind_class_member(L, 1, name) != LUA_TNIL)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "%s.%s is a method or constant of the class: the attribute needs another name",
                          c->mapper->name, name);
    bind_declare_property(L, c->mapper, name, 3);
    return 0;
}

static int class_newindex(lua_State *L) {
    bind_class *c = self(L, "class");
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : NULL;
    if (!name) return bind_type_error(L, 2, "a class's member", "a name (a string)");
    const char *class_name = shown_name(c);
    if (bind_is_among(kept_metafields, name))
        return bind_error(L, MR_ERR_ARGUMENT, "%s.%s belongs to moonrow and cannot be set", class_name, name);
    if (c->mapper && bind_test(L, 3, BIND_PROPERTY_SPEC)) return add_property(L, c, name);
    if (bind_test_column(L, 3) || bind_test(L, 3, BIND_RELATIONSHIP_SPEC) || bind_test(L, 3, BIND_PROPERTY_SPEC))
        return bind_error(L, MR_ERR_ARGUMENT, "%s.%s: columns and relationships are declared in the body of extend",
                          class_name, name);
    /* Nothing is configured here: that may need classes which are declared later. If a backref makes an attribute of
     * this name later, bind_class_sync refuses it. */
    if (c->mapper && known_property(L, 1, 2))
        return bind_error(L, MR_ERR_ARGUMENT, "%s.%s is a mapped attribute: a method needs another name", class_name,
                          name);
    lua_getiuservalue(L, 1, CLASS_MEMBERS);
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    lua_rawset(L, -3);
    bind_set_reconstructor(L, 4, 3);
    c->b->member_changes++;
    lua_settop(L, 3);
    const bind_descriptor *d = bind_descriptor_at(L, 3);
    if (strcmp(name, "__reconstructor") == 0 || (d && d->is_reconstructor)) {
        bind_push_core(L);
        lua_getfield(L, -1, "watch_loads");
        lua_pushvalue(L, 1);
        lua_call(L, 1, 0);
        lua_settop(L, 3);
    }
    if (bind_test(L, 3, BIND_FIELD)) c->has_fields = true;
    if (strcmp(name, "__init") == 0) c->b->own_init = true;
    if (bind_is_among(bind_object_metamethods, name)) spread_metamethod(L, c);
    return 0;
}

/* pairs(Class), for x in Class do */
static int class_pairs(lua_State *L) {
    bind_class *c = self(L, "pairs");
    return bind_error(L, MR_ERR_ARGUMENT, "pairs: %s is a class: its objects are read by %s.query:all() or :iter()",
                      shown_name(c), shown_name(c));
}

static int class_tostring(lua_State *L) {
    bind_class *c = self(L, "tostring");
    lua_pushfstring(L, "<class %s>", c->mapper ? c->mapper->name : "(base)");
    return 1;
}

/* ---------------------------------------------------------------- making classes */

bind_class *bind_class_push_new(lua_State *L, int base) {
    bind_class *c = bind_push_empty_class(L);
    for (int i = CLASS_MEMBERS; i <= CLASS_EXPRESSIONS; i++) {
        if (i == CLASS_BASE) continue;
        lua_newtable(L);
        lua_setiuservalue(L, -2, i);
    }
    if (base) {
        lua_pushvalue(L, base);
        lua_setiuservalue(L, -2, CLASS_BASE);
        bind_class *parent = bind_class_at(L, base);
        c->registry = parent->registry;
        c->has_fields = parent->has_fields;
    }
    return c;
}

/* core.new_base(metadata or nil): a base class with a registry of its own. */
static int core_new_base(lua_State *L) {
    bind_state *b = bind_of(L);
    mr_metadata *md = NULL;
    if (!lua_isnoneornil(L, 1)) md = *(mr_metadata **)bind_arg(L, 1, BIND_METADATA, "declarative_base");
    if (!md) md = mr_metadata_new(b->env);
    mr_registry *registry = md ? mr_registry_new(b->env, md) : NULL;
    if (!registry) return bind_raise(L);
    registry->before_configure = b->before_configure;
    registry->after_configure = b->after_configure;
    registry->find_mistakes = b->find_mistakes;
    bind_class_push_new(L, 0)->registry = registry;
    return 1;
}

/* core.configure(base) */
static int core_configure(lua_State *L) {
    bind_class *c = bind_class_at(L, 1);
    if (!c) return bind_type_error(L, 1, "configure", "a base class");
    BIND_TRY(c->b, L, mr_registry_configure(c->registry));
    return 0;
}

static int core_field(lua_State *L) {
    lua_newuserdatauv(L, 0, 0);
    bind_set_type(L, BIND_FIELD);
    return 1;
}

static void open_class_metatable(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__newindex", class_newindex}, {"__pairs", class_pairs}, {"__tostring", class_tostring}, {NULL, NULL}};
    lua_createtable(L, 0, 6);
    lua_newtable(L);
    for (const builtin *p = builtins; p->name; p++) {
        lua_pushcfunction(L, p->get);
        lua_setfield(L, -2, p->name);
    }
    lua_pushliteral(L, "query");
    bind_of(L)->query_word = lua_topointer(L, -1); /* the table of builtins has this string */
    lua_pop(L, 1);
    lua_pushcclosure(L, class_index, 1);
    lua_setfield(L, -2, "__index");
    luaL_setfuncs(L, metamethods, 0);
    lua_pushliteral(L, "class");
    lua_setfield(L, -2, "__name");
    lua_pushliteral(L, "moonrow class");
    lua_setfield(L, -2, "__metatable");
    bind_mark_type(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &bind_class_meta_key);
}

void bind_extend_class(lua_State *L, const char *name, lua_CFunction get) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bind_class_meta_key);
    lua_getfield(L, -1, "__index");
    lua_getupvalue(L, -1, 1);
    lua_pushcfunction(L, get);
    lua_setfield(L, -2, name);
    lua_pop(L, 3);
}

void bind_open_class(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"new_base", core_new_base}, {"configure", core_configure}, {"field", core_field}, {NULL, NULL}};
    open_class_metatable(L);
    luaL_newmetatable(L, CLASS_COLUMNS);
    lua_pushcfunction(L, columns_index);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "moonrow columns");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_newmetatable(L, BIND_FIELD);
    lua_pushliteral(L, "moonrow field");
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
