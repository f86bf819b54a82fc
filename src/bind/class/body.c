/*
 * body.c: reads the body of a class, with what its mixins and abstract bases add to it.
 *
 * Invariant: nothing is declared here; a name or value that cannot be in a body is noted before anything is.
 */
#include "body.h"

#include <stdlib.h>
#include <string.h>

#include "schema/schema.h"
#include "value/property.h"
#include "value/relationship.h"

static const char *const reserved[] = {"query", "query_class", "metadata", "extend", "c", NULL};
/* What a body tells extend; it does not become a member of the class. */
static const char *const directives[] = {"__tablename",  "__table", "__table_args", "__mapper_args", "__abstract",
                                         "__validators", NULL};
/* Members that moonrow gives a meaning to, besides the metamethods. */
static const char *const special_members[] = {"__init", "__tostring", "__reconstructor", NULL};
/* All names with two underscores that a body may have. */
static const char *const *const special_names[] = {directives, special_members, bind_object_metamethods};

bool bind_body_is_directive(const char *name) { return bind_is_among(directives, name); }

static const char *special_name_at(void *ud, size_t i) {
    (void)ud;
    for (size_t list = 0; list < sizeof special_names / sizeof *special_names; list++)
        for (const char *const *name = special_names[list]; *name; name++)
            if (i-- == 0) return *name;
    return NULL;
}

static bool is_special_name(const char *name) {
    for (size_t list = 0; list < sizeof special_names / sizeof *special_names; list++)
        if (bind_is_among(special_names[list], name)) return true;
    return false;
}

/* What there is in place of a class option that there is not. Returns the end of a message, or NULL. */
static const char *option_elsewhere(const char *name) {
    if (strcmp(name, "__bind_key") == 0) return ": a database has one engine; a program with two databases opens two";
    return NULL;
}

int bind_body_compare_entries(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Class options of other libraries, or of a forgetful writer. As members of a class they would be ignored silently. */
static const char *const plain[] = {"tablename", "table_args", "mapper_args", NULL};

static void refuse_special_name(lua_State *L, const declaration *d, const char *name) {
    const char *near = mr_nearest(name, special_name_at, NULL), *other = option_elsewhere(name);
    if (other) bind_error(L, MR_ERR_ARGUMENT, "%s: unknown class option '%s'%s", d->name, name, other);
    if (near) bind_error(L, MR_ERR_ARGUMENT, "%s: unknown class option '%s'%s", d->name, name, bind_hint(L, near));
    lua_pushliteral(L, "");
    for (size_t i = 0; directives[i]; i++) {
        lua_pushfstring(L, "%s%s%s", lua_tostring(L, -1), i ? ", " : "", directives[i]);
        lua_remove(L, -2);
    }
    bind_error(L, MR_ERR_ARGUMENT, "%s: unknown class option '%s' (known are %s)", d->name, name, lua_tostring(L, -1));
}

/* ---------------------------------------------------------------- reading the body */

static void check_name(lua_State *L, const declaration *d, const char *name, bool is_attribute) {
    if (is_attribute && (bind_is_among(reserved, name) || strncmp(name, "__", 2) == 0))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s.%s: the class needs the name '%s' for itself: map the column under another attribute name, "
                   "as in %s_ = Column{ \"%s\", ... }",
                   d->name, name, name, name, name);
    if (!is_attribute && strncmp(name, "__", 2) == 0 && !is_special_name(name)) refuse_special_name(L, d, name);
    if (bind_is_among(plain, name))
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s: an option of the class begins with two underscores: __%s", d->name, name,
                   name);
}

/* The name of a function of the module that makes what a class body has: "Column", "relationship"; or NULL. */
static const char *maker_name(lua_State *L, int idx) {
    static const char *const makers[] = {"Column", "relationship", "synonym", "column_property", NULL};
    idx = lua_absindex(L, idx);
    bind_push_core(L);
    const char *found = NULL;
    for (int i = 0; makers[i] && !found; i++) {
        lua_getfield(L, -1, makers[i]);
        if (lua_rawequal(L, -1, idx)) found = makers[i];
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return found;
}

static const char *call_of(const char *maker) {
    if (strcmp(maker, "Column") == 0) return "Column{ Integer }";
    if (strcmp(maker, "relationship") == 0) return "relationship(\"User\")";
    if (strcmp(maker, "synonym") == 0) return "synonym(\"name\")";
    return "column_property(function(cls) return cls.first .. cls.last end)";
}

/* Refuses a type without a column, as in id = Integer. */
static void check_value(lua_State *L, const declaration *d, const char *name) {
    const char *maker = lua_iscfunction(L, -1) ? maker_name(L, -1) : NULL; /* methods are functions of Lua */
    if (maker)
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s: %s is not called: write %s = %s", d->name, name, maker, name,
                   call_of(maker));
    if (bind_test(L, -1, BIND_TYPE))
        bind_error(L, MR_ERR_ARGUMENT, "%s.%s: a type alone is no column: write %s = Column{ %s }", d->name, name, name,
                   luaL_tolstring(L, -1, NULL));
}

static size_t count_pairs(lua_State *L, int table) {
    size_t n = 0;
    lua_pushnil(L);
    while (lua_next(L, table)) {
        n++;
        lua_pop(L, 1);
    }
    return n;
}

/* Adds the pairs of the table whose keys are strings to the entries, which have room for them. */
static void read_table(lua_State *L, declaration *d, int table, bool cloned) {
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            entry *e = &d->entries[d->n];
            *e = (entry){lua_tostring(L, -2), 0, ENTRY_OTHER, table, 0, cloned};
            if (strlen(e->name) != lua_rawlen(L, -2))
                bind_error(L, MR_ERR_ARGUMENT, "%s: the name '%s' has a zero byte in it", d->name, e->name);
            mr_column *column = bind_column_named_by(L, -1);
            if (column && !bind_test_column(L, -1) && (!d->table || column->table != d->table)) column = NULL;
            bind_relationship_spec *spec = bind_test(L, -1, BIND_RELATIONSHIP_SPEC);
            bind_property_spec *property = bind_test(L, -1, BIND_PROPERTY_SPEC);
            if (property) e->kind = ENTRY_PROPERTY, e->order = property->order;
            if (column) e->kind = ENTRY_COLUMN, e->order = column->order;
            else if (spec) e->kind = ENTRY_RELATIONSHIP, e->order = spec->order;
            /* A name that the class declares itself wins over the same name in a mixin: mixins are read later. */
            bool known = false;
            for (size_t i = 0; i < d->n && !known; i++) known = strcmp(d->entries[i].name, e->name) == 0;
            if (!known) d->n++;
        }
        lua_pop(L, 1);
    }
}

/* Pushes the mixins that the class body names in its array part. */
static void push_mixins(lua_State *L, int body) {
    lua_Integer mixins = (lua_Integer)lua_rawlen(L, body);
    luaL_checkstack(L, (int)mixins + 32, "too many mixins");
    for (lua_Integer i = 1; i <= mixins; i++) {
        lua_rawgeti(L, body, i);
        if (!lua_istable(L, -1))
            bind_type_error(L, -1, "a mixin in the array part of a class body", "a table of columns and methods");
    }
}

/* Pushes the tables that make up the class, the strongest first: the body, its mixins, the bodies of abstract bases and
 * their mixins. Returns how many there are. */
int bind_body_push_sources(lua_State *L, int base, int body) {
    int first = lua_gettop(L);
    lua_pushvalue(L, body);
    push_mixins(L, body);
    lua_pushvalue(L, base);
    while (!lua_isnil(L, -1)) {
        bind_class *c = bind_class_at(L, -1);
        if (c->mapper) break;
        int at = lua_gettop(L);
        luaL_checkstack(L, 32, "too many abstract bases");
        if (lua_getiuservalue(L, at, CLASS_DECLARED) == LUA_TTABLE) push_mixins(L, at + 1);
        else lua_pop(L, 1);
        lua_pushvalue(L, at);
        lua_remove(L, at);
        lua_getiuservalue(L, -1, CLASS_BASE);
        lua_remove(L, -2);
    }
    lua_pop(L, 1);
    return lua_gettop(L) - first;
}

typedef struct entry_check {
    const declaration *d;
    const entry *e;
} entry_check;

static int check_entry_name(lua_State *L) {
    const entry_check *c = lua_touserdata(L, 1);
    check_name(L, c->d, c->e->name, c->e->kind != ENTRY_OTHER);
    return 0;
}

static int check_entry_value(lua_State *L) {
    const entry_check *c = lua_touserdata(L, 1);
    check_value(L, c->d, c->e->name);
    return 0;
}

/* Notes the names and the values that cannot be in a body. */
static void check_entries(lua_State *L, declaration *d) {
    for (size_t i = 0; i < d->n; i++) {
        entry_check c = {d, &d->entries[i]};
        lua_pushstring(L, c.e->name);
        lua_rawget(L, c.e->table);
        lua_pushvalue(L, -1);
        bind_attempt(L, d, check_entry_name, &c);
        if (!bind_attempt(L, d, check_entry_value, &c)) d->refused = true;
    }
}

/* Reads the tables of the class, of which n are on the stack from index first on. */
void bind_body_read(lua_State *L, declaration *d, int first, int n) {
    for (int i = 0; i < n; i++) d->cap += count_pairs(L, first + i);
    d->entries = lua_newuserdatauv(L, (d->cap + 1) * sizeof *d->entries, 0);
    for (int i = 0; i < n; i++) read_table(L, d, first + i, i > 0);
    qsort(d->entries, d->n, sizeof *d->entries, bind_body_compare_entries);
    check_entries(L, d);
}

/* Does the table at the index have a declared_attr? */
static bool has_declared(lua_State *L, int table) {
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        const bind_descriptor *d = bind_descriptor_at(L, -1);
        if (!d || !d->is_declared) continue;
        lua_pop(L, 2);
        return true;
    }
    return false;
}

/* Replaces the n tables from index first on, where one has a declared_attr, by copies that have what their functions
 * make of the class. An abstract class only hands them on. */
void bind_body_expand(lua_State *L, declaration *d, int first, int n) {
    bool has = false;
    lua_getfield(L, d->body, "__abstract");
    for (int i = 0; i < n && !has && !lua_toboolean(L, -1); i++) has = has_declared(L, first + i);
    lua_pop(L, 1);
    if (!has) return;
    bind_push_core(L);
    lua_getfield(L, -1, "expand_declared");
    lua_pushstring(L, d->name);
    lua_createtable(L, n, 0);
    for (int i = 0; i < n; i++) {
        lua_pushvalue(L, first + i);
        lua_rawseti(L, -2, i + 1);
    }
    lua_call(L, 2, 1);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, -1, i + 1);
        lua_replace(L, first + i);
    }
    lua_pop(L, 2);
    d->body = first;
}

/* Pushes the directive of the body, or else of the first mixin or abstract base that has it; returns its Lua type. */
static int push_directive(lua_State *L, int first, int n, const char *name) {
    for (int i = 0; i < n; i++) {
        lua_pushstring(L, name);
        lua_rawget(L, first + i);
        const bind_descriptor *declared = bind_descriptor_at(L, -1); /* of an abstract class */
        if (!lua_isnil(L, -1) && !declared) return lua_type(L, -1);
        lua_pop(L, 1);
    }
    lua_pushnil(L);
    return LUA_TNIL;
}

void bind_body_read_directives(lua_State *L, declaration *d, int first, int n) {
    lua_getfield(L, d->body, "__abstract");
    d->abstract_ = lua_toboolean(L, -1);
    lua_pop(L, 1);
    if (push_directive(L, first, n, "__tablename") != LUA_TNIL)
        d->tablename = bind_arg_name(L, -1, "__tablename", "a string"); /* stays on the stack */
    if (lua_getfield(L, d->body, "__table") != LUA_TNIL)
        d->table = *(mr_table **)bind_arg(L, -1, BIND_TABLE, "__table");
    if (push_directive(L, first, n, "__table_args") != LUA_TNIL) {
        if (!lua_istable(L, -1))
            bind_type_error(L, -1, "__table_args", "a table of constraints and options, { UniqueConstraint \"name\" }");
        d->table_args = lua_gettop(L);
    }
    if (push_directive(L, first, n, "__mapper_args") != LUA_TNIL) {
        if (!lua_istable(L, -1)) bind_type_error(L, -1, "__mapper_args", "a table of options");
        d->mapper_args = lua_gettop(L);
    }
}
