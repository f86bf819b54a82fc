/*
 * declare.c: Base:extend(name, body): from a table of columns, relationships, fields and methods to a mapped class.
 *
 * Invariant: the class appears whole, or not at all: the core learns of it in mr_mapper_finish, after everything in the
 * body has been checked.
 */
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "schema/schema.h"
#include "value/property.h"
#include "value/relationship.h"

static void push_entry(lua_State *L, const entry *e) {
    if (e->value) {
        lua_pushvalue(L, e->value);
        return;
    }
    lua_pushstring(L, e->name);
    lua_rawget(L, e->table);
}

/* Is the name one of a hybrid or the like, of the body or of the base class at index 1? */
static bool names_descriptor(lua_State *L, const declaration *d, const char *name) {
    bool is = false, found = false;
    for (size_t i = 0; i < d->n && !found; i++) {
        if (strcmp(d->entries[i].name, name) != 0) continue;
        found = true;
        push_entry(L, &d->entries[i]);
        is = bind_descriptor_at(L, -1) != NULL;
        lua_pop(L, 1);
    }
    if (found) return is;
    bind_class_member(L, 1, name);
    is = bind_descriptor_at(L, -1) != NULL;
    lua_pop(L, 1);
    return is;
}

/* The core knows no hybrids, so a synonym of one is such a member itself. It stays on the stack. */
static void place_synonyms(lua_State *L, declaration *d) {
    for (size_t i = 0; i < d->n; i++) {
        entry *e = &d->entries[i];
        if (e->kind != ENTRY_PROPERTY) continue;
        push_entry(L, e);
        const bind_property_spec *spec = bind_test(L, -1, BIND_PROPERTY_SPEC);
        const char *of = spec ? spec->synonym_of : NULL;
        lua_pop(L, 1);
        if (!of || !names_descriptor(L, d, of)) continue;
        luaL_checkstack(L, 16, "too many synonyms");
        bind_push_core(L);
        lua_getfield(L, -1, "synonym_of_member");
        lua_pushstring(L, of);
        lua_call(L, 1, 1);
        lua_remove(L, -2);
        e->value = lua_gettop(L);
        e->kind = ENTRY_OTHER;
    }
    qsort(d->entries, d->n, sizeof *d->entries, bind_body_compare_entries);
}

/* One attribute, as it is being declared. */
typedef struct declaring {
    declaration *d;
    mr_mapper *mapper;
    const entry *e;
} declaring;

/* The column on top of the stack. In a table beside that of the base class, a column of an inherited attribute's name
 * holds the same value. */
static void declare_column(lua_State *L, const declaration *d, mr_mapper *mapper, const entry *e) {
    const bind_column *given = bind_test(L, -1, BIND_COLUMN);
    mr_column *named = bind_column_named_by(L, -1); /* table.c.name gives a column of __table */
    mr_column *column = e->cloned && given ? mr_column_clone(mapper->env, named) : named;
    mr_property *above = d->joined ? mr_mapper_property(mapper, e->name, false) : NULL;
    if (!column) bind_raise(L);
    if (above && above->mapper != mapper && above->kind == MR_PROPERTY_COLUMN) {
        if (mr_mapper_add_twin(mapper, above, column) != MR_OK) bind_raise(L);
        return;
    }
    mr_property *prop = mr_mapper_add_column(mapper, e->name, column);
    if (!prop) bind_raise(L);
    prop->deferred = given && given->deferred;
    prop->deferred_group = given ? given->deferred_group : NULL;
}

/* The value on top of the stack, which is no attribute: a column of another table would be taken for a constant. */
static void refuse_other_column(lua_State *L, const declaration *d, const entry *e) {
    const mr_column *column = d->table ? bind_column_named_by(L, -1) : NULL;
    if (column && column->table && column->table != d->table)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s.%s: the column '%s' is of the table '%s', and the class is of '%s': name a column of its own "
                   "table (what is read of another one is a relationship, or mr.column_property)",
                   d->name, e->name, column->name, column->table->name, d->table->name);
}

static int declare_attribute(lua_State *L) {
    const declaring *one = lua_touserdata(L, 1);
    const entry *e = one->e;
    if (e->kind == ENTRY_OTHER) refuse_other_column(L, one->d, e);
    else if (e->kind == ENTRY_COLUMN) declare_column(L, one->d, one->mapper, e);
    else if (e->kind == ENTRY_RELATIONSHIP) bind_declare_relationship(L, one->mapper, e->name, 2);
    else bind_declare_property(L, one->mapper, e->name, 2);
    return 0;
}

static void declare_attributes(lua_State *L, declaration *d, mr_mapper *mapper) {
    for (size_t i = 0; i < d->n; i++) {
        declaring one = {d, mapper, &d->entries[i]};
        push_entry(L, one.e);
        if (!bind_attempt(L, d, declare_attribute, &one) && one.e->kind != ENTRY_RELATIONSHIP) d->refused = true;
    }
}

/* Methods, constants and fields go to the class at the top. */
static void declare_members(lua_State *L, const declaration *d, bind_class *c) {
    int class_idx = lua_gettop(L);
    for (size_t i = 0; i < d->n; i++) {
        const entry *e = &d->entries[i];
        if (e->kind != ENTRY_OTHER || bind_body_is_directive(e->name)) continue;
        lua_getiuservalue(L, class_idx, CLASS_MEMBERS);
        lua_pushstring(L, e->name);
        push_entry(L, e);
        const bind_descriptor *descriptor = bind_descriptor_at(L, -1);
        if (descriptor && descriptor->is_declared) { /* of an abstract class: each class below makes its own */
            lua_pop(L, 3);
            continue;
        }
        if (bind_test(L, -1, BIND_FIELD)) c->has_fields = true;
        if (strcmp(e->name, "__init") == 0) c->b->own_init = true;
        bind_set_reconstructor(L, lua_gettop(L) - 2, lua_gettop(L));
        lua_rawset(L, -3);
        lua_pop(L, 1);
    }
}

static bool declares_primary_key(lua_State *L, const declaration *d) {
    bool found = false;
    for (size_t i = 0; i < d->n && d->entries[i].kind == ENTRY_COLUMN && !found; i++) {
        push_entry(L, &d->entries[i]);
        found = bind_column_named_by(L, -1)->primary_key;
        lua_pop(L, 1);
    }
    return found;
}

/* The table's name: as given, or the class's in snake case (stays on the stack). */
static const char *table_name(lua_State *L, bind_state *b, const declaration *d) {
    if (d->tablename) return d->tablename;
    mr_strbuf buf;
    mr_strbuf_init(&buf, b->env);
    mr_snake_case(&buf, d->name, strlen(d->name));
    const char *s = mr_strbuf_str(&buf);
    const char *name = s ? mr_intern(b->env, s, buf.len) : NULL;
    mr_strbuf_done(&buf);
    if (!name) bind_raise(L);
    return name;
}

static int refuse_member_name(lua_State *L) {
    const declaring *one = lua_touserdata(L, 1);
    const bind_descriptor *descriptor = bind_descriptor_at(L, 2);
    return bind_error(L, MR_ERR_ARGUMENT, "%s.%s is a mapped attribute: the %s needs another name", one->d->name,
                      one->e->name, descriptor ? descriptor->kind : "method");
}

/* A class cannot have a method under the name of an attribute that it maps. */
static void check_methods(lua_State *L, declaration *d, mr_mapper *mapper) {
    for (size_t i = 0; i < d->n; i++) {
        declaring one = {d, mapper, &d->entries[i]};
        if (one.e->kind != ENTRY_OTHER || !mr_mapper_property(mapper, one.e->name, false)) continue;
        push_entry(L, one.e);
        bind_attempt(L, d, refuse_member_name, &one);
    }
}

/* A subclass without a table of its own shares its base's. */
static bool shares_table(lua_State *L, const declaration *d) {
    if (!d->base || d->table) return d->base && d->table == d->base->table;
    return !d->tablename && !declares_primary_key(L, d);
}

/* The class's mapper, or that of the nearest class that it extends; NULL: none of them has a table. */
static mr_mapper *nearest_mapper(lua_State *L, int idx) {
    mr_mapper *found = NULL;
    int top = lua_gettop(L);
    lua_pushvalue(L, idx);
    for (const bind_class *c; !found && (c = bind_class_at(L, -1)) != NULL;) {
        found = c->mapper;
        lua_getiuservalue(L, -1, CLASS_BASE);
        lua_remove(L, -2);
    }
    lua_settop(L, top);
    return found;
}

/* Has the class a table of its own with all columns, and nothing but methods from its base class? */
static bool is_concrete(lua_State *L, const declaration *d) {
    if (!d->mapper_args) return false;
    int type = bind_option(L, d->mapper_args, "concrete");
    if (type != LUA_TNIL && type != LUA_TBOOLEAN) bind_type_error(L, -1, "concrete", "true or false");
    bool concrete = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (concrete && !d->base)
        bind_error(L, MR_ERR_MAPPING, "%s is concrete, but extends no class with a table: leave that out", d->name);
    return concrete;
}

/* Gives a concrete class copies of the columns of the class above that it does not declare itself. */
static void copy_columns(lua_State *L, const declaration *d, const mr_mapper *above, mr_mapper *mapper) {
    for (size_t i = 0; !d->table && i < above->columns.len; i++) {
        const mr_property *prop = mr_vec_ptr(&above->columns, i);
        bool own = false;
        for (size_t k = 0; k < d->n && !own; k++) own = strcmp(d->entries[k].name, prop->name) == 0;
        if (own) continue;
        mr_column *column = mr_column_clone(mapper->env, prop->column);
        mr_property *copy = column ? mr_mapper_add_column(mapper, prop->name, column) : NULL;
        if (!copy) bind_raise(L);
        copy->deferred = prop->deferred;
        copy->deferred_group = prop->deferred_group;
    }
}

/* Makes a mapper, which the registry does not know yet. */
static mr_mapper *declare(lua_State *L, bind_class *base, declaration *d) {
    mr_mapper *above = is_concrete(L, d) ? d->base : NULL;
    if (above) d->base = NULL;
    mr_mapper *mapper = mr_mapper_new(base->registry, d->name, d->base);
    if (!mapper) bind_raise(L);
    d->joined = d->base && !shares_table(L, d);
    if (above) copy_columns(L, d, above, mapper);
    declare_attributes(L, d, mapper);
    bind_declare_mapper_args(L, d, mapper);
    check_methods(L, d, mapper);
    return mapper;
}

/* Gives the mapper its table; the registry knows it from now on. */
static void finish(lua_State *L, bind_class *base, declaration *d, mr_mapper *mapper) {
    bind_state *b = base->b;
    bind_table_args args = {.d = d};
    mr_table *table = shares_table(L, d) ? d->base->table : d->table;
    const char *name = table ? NULL : table_name(L, b, d);
    bind_declare_mapped_columns(L, d, mapper, d->table);
    if (table) {
        bind_refuse_table_args(L, d, table);
    } else {
        args.options = mr_env_arena(b->env, sizeof *args.options);
        if (!args.options) bind_raise(L);
        args.options->for_class = mapper->name;
        bind_declare_table_args(L, &args);
        mapper->table_options = args.options;
    }
    if (d->refused) bind_mistakes_tell(L, d);
    bind_mistakes_give(L, d, mapper);
    mr_status status;
    BIND_CALL(b, L, status = mr_mapper_finish(mapper, table, name, d->schema, args.constraints, args.indexes));
    if (status != MR_OK) bind_mistakes_raise(L, d);
}

/* Keeps the mixins of the body at index 3 in the class: a program may listen to events of a mixin. */
static void keep_mixins(lua_State *L, int class_idx) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, 3);
    if (n == 0) return;
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        lua_rawgeti(L, 3, i);
        lua_rawseti(L, -2, i);
    }
    lua_setiuservalue(L, class_idx, CLASS_MIXINS);
}

/* Base:extend(name, body) */
static int extend(lua_State *L) {
    bind_class *base = bind_class_at(L, 1);
    if (!base)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "extend is called on a class with a colon: Base:extend(\"User\", { ... })");
    const char *name =
        bind_arg_name(L, 2, "extend: the class's name", "a string, as in Base:extend(\"User\", { ... })");
    bind_refuse_more(L, 2, "extend", " (what belongs to a class is in one table, __tablename and __mapper_args too)");
    lua_settop(L, 3);
    if (lua_isnil(L, 3)) {
        lua_newtable(L);
        lua_replace(L, 3);
    }
    if (!bind_is_plain_table(L, 3)) return bind_type_error(L, 3, "extend: the class's body", "a table");
    declaration d = {0};
    d.name = name;
    d.body = 3;
    bind_mistakes_begin(L, &d);
    int first = lua_gettop(L) + 1;
    int n = bind_body_push_sources(L, 1, d.body);
    bind_body_expand(L, &d, first, n);
    bind_body_read_directives(L, &d, first, n);
    bind_body_read(L, &d, first, n);
    place_synonyms(L, &d);
    d.base = nearest_mapper(L, 1);
    mr_mapper *mapper = d.abstract_ ? NULL : declare(L, base, &d);
    bind_class *c = bind_class_push_new(L, 1);
    int class_idx = lua_gettop(L);
    c->mapper = mapper;
    declare_members(L, &d, c);
    keep_mixins(L, class_idx);
    bind_declare_validators(L, &d, class_idx, first, n);
    if (mapper) {
        bind_make_object_metatable(L, class_idx);
        mapper->klass = c;
        finish(L, base, &d, mapper);
        if (c->b->class_declared) c->b->class_declared(L, class_idx);
    } else {
        bind_mistakes_tell(L, &d);
        lua_pushvalue(L, 3);
        lua_setiuservalue(L, class_idx, CLASS_DECLARED);
    }
    lua_settop(L, class_idx);
    return 1;
}

static int class_extend(lua_State *L) {
    lua_pushcfunction(L, extend);
    return 1;
}

void bind_open_declare(lua_State *L) { bind_extend_class(L, "extend", class_extend); }
