/*
 * column.c: Column and ForeignKey.
 *
 * Invariant: all options of a column are checked when it is made. The column itself is in the arena.
 */
#include <string.h>

#include "schema.h"
#include "value/property.h"

/* ---------------------------------------------------------------- foreign keys */

static int foreign_key(lua_State *L) {
    static const char *const names[] = {BIND_REFERENCE_OPTIONS, "name", NULL};
    bind_foreign_key fk = {0};
    int options;
    int n = bind_arguments_of(L, 1, 1, &options);
    bind_check_options(L, options, "ForeignKey", names);
    if (n != 1) return bind_error(L, MR_ERR_ARGUMENT, "ForeignKey: expected one \"table.column\", got %d arguments", n);
    if (lua_type(L, 1) == LUA_TSTRING) {
        const char *target = lua_tostring(L, 1), *dot = strrchr(target, '.');
        if (!dot || dot == target || !dot[1])
            return bind_error(L, MR_ERR_ARGUMENT, "ForeignKey: expected \"table.column\", got string \"%s\"", target);
        fk.target = bind_intern(L, 1);
    } else if (!(fk.referred = bind_column_named_by(L, 1))) {
        return bind_type_error(L, 1, "ForeignKey", "\"table.column\" or a column, such as User.id");
    }
    bind_read_reference(L, options, "ForeignKey", &fk.how);
    fk.name = bind_intern_string(L, bind_option_string(L, options, "ForeignKey", "name", NULL));
    bind_foreign_key *p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = fk;
    bind_set_type(L, BIND_FOREIGN_KEY);
    return 1;
}

static int foreign_key_tostring(lua_State *L) {
    const bind_foreign_key *fk = bind_arg(L, 1, BIND_FOREIGN_KEY, "tostring");
    if (fk->target) lua_pushfstring(L, "ForeignKey(\"%s\")", fk->target);
    else lua_pushfstring(L, "ForeignKey(%s)", fk->referred->name ? fk->referred->name : "?");
    return 1;
}

/* ---------------------------------------------------------------- columns */

static void add_foreign_key(lua_State *L, mr_column *column, const bind_foreign_key *fk) {
    mr_foreign_key *made = mr_column_add_foreign_key(bind_of(L)->env, column, fk->target, fk->referred);
    if (!made) bind_raise(L);
    made->how = fk->how;
    made->name = fk->name;
}

static void read_name(lua_State *L, int idx, mr_column *column) {
    if (column->name) bind_error(L, MR_ERR_ARGUMENT, "Column '%s' has two names", column->name);
    if (lua_rawlen(L, idx) == 0 || strlen(lua_tostring(L, idx)) != lua_rawlen(L, idx))
        bind_error(L, MR_ERR_ARGUMENT, "Column: a name must not be empty or have zero bytes");
    column->name = bind_intern(L, idx);
}

/* A CHECK that is written with the column. */
static void add_check(lua_State *L, mr_column *column, const bind_constraint *k) {
    if (!k->constraint || k->constraint->kind != MR_CONSTRAINT_CHECK)
        bind_error(L, MR_ERR_ARGUMENT,
                   "Column: a column takes a CheckConstraint only: other constraints, and indexes, are parts of the "
                   "table (__table_args), or unique = true, index = true, primary_key = true, ForeignKey");
    mr_constraint **end = &column->checks, **indexed = &column->checks;
    mr_index *none = NULL, **no_index = &none;
    while (*end) end = &(*end)->next;
    indexed = end;
    bind_take_constraint(L, k, NULL, &indexed, &no_index);
}

/* The computed expression, or the Identity, at idx: *place is set. */
static bool read_generated(lua_State *L, int idx, mr_column *column) {
    const mr_computed *const *computed = bind_test(L, idx, BIND_COMPUTED);
    const mr_identity_options *const *identity = bind_test(L, idx, BIND_IDENTITY);
    if ((computed && column->computed) || (identity && column->identity))
        bind_error(L, MR_ERR_ARGUMENT, "Column: two %s were given", computed ? "Computed" : "Identity");
    if (computed) column->computed = *computed;
    if (identity) column->identity = *identity;
    return computed || identity;
}

/* Reads the n positional arguments: the name comes first; the type and the others follow in any order. */
static void read_positional(lua_State *L, int n, mr_column *column) {
    for (int i = 1; i <= n; i++) {
        const mr_type *type = bind_test_type(L, i);
        const bind_foreign_key *fk = bind_test(L, i, BIND_FOREIGN_KEY);
        const bind_constraint *check = bind_test_constraint(L, i);
        if (type && column->type) bind_error(L, MR_ERR_ARGUMENT, "Column: two types were given");
        if (type && type->rules->argument == MR_ARGUMENT_ITEM && !type->item)
            bind_error(L, MR_ERR_ARGUMENT, "Column: write the type of an Array's items: mr.Array(mr.Integer)");
        if (type) column->type = type;
        else if (fk) add_foreign_key(L, column, fk);
        else if (check) add_check(L, column, check);
        else if (read_generated(L, i, column)) continue;
        else if (lua_type(L, i) == LUA_TSTRING && i == 1) read_name(L, i, column);
        else bind_type_error(L, i, "Column", "a type, a ForeignKey, a CheckConstraint, Computed or Identity");
    }
}

static int8_t read_autoincrement(lua_State *L, int options) {
    int type = bind_option(L, options, "autoincrement");
    int8_t value = -1;
    if (type == LUA_TBOOLEAN) value = (int8_t)lua_toboolean(L, -1);
    else if (type != LUA_TNIL && !(type == LUA_TSTRING && strcmp(lua_tostring(L, -1), "auto") == 0))
        bind_type_error(L, -1, "Column: autoincrement", "true, false or \"auto\"");
    lua_pop(L, 1);
    return value;
}

/* What is SQLite's alone. Columns are many, and these options rare: they are looked for once. */
static void read_sqlite(lua_State *L, int options, mr_column *column) {
    static const char prefix[] = "sqlite_";
    bool any = false;
    if (!options) return;
    for (lua_pushnil(L); lua_next(L, options); lua_pop(L, 1))
        any = any || (lua_type(L, -2) == LUA_TSTRING && strncmp(lua_tostring(L, -2), prefix, sizeof prefix - 1) == 0);
    if (!any) return;
    column->conflict_not_null = bind_read_conflict(L, options, "Column", "sqlite_on_conflict_not_null");
    column->conflict_unique = bind_read_conflict(L, options, "Column", "sqlite_on_conflict_unique");
    column->conflict_primary_key = bind_read_conflict(L, options, "Column", "sqlite_on_conflict_primary_key");
    column->declared = bind_intern_string(L, bind_option_string(L, options, "Column", "sqlite_type", NULL));
    column->collation = bind_intern_string(L, bind_option_string(L, options, "Column", "sqlite_collation", NULL));
}

/* postgresql_type = "inet": the column's type under the name that the server has for it. */
static void read_named_type(lua_State *L, int options, mr_column *column) {
    const char *name = bind_option_string(L, options, "Column", "postgresql_type", NULL);
    if (!name) return;
    if (!column->type)
        bind_error(
            L, MR_ERR_ARGUMENT,
            "Column: postgresql_type = \"%s\" needs a type of ours, too, such as mr.Text: it says what a value is "
            "in Lua",
            name);
    if (column->type->rules->storage)
        bind_error(L, MR_ERR_ARGUMENT, "Column: postgresql_type = \"%s\" goes with no storage of its own", name);
    column->type = mr_type_named(bind_of(L)->env, column->type, name);
    if (!column->type) bind_raise(L);
}

static void read_options(lua_State *L, int options, mr_column *column) {
    static const char *const names[] = {"name",
                                        "type",
                                        "primary_key",
                                        "nullable",
                                        "unique",
                                        "index",
                                        "default",
                                        "onupdate",
                                        "server_default",
                                        "autoincrement",
                                        "comment",
                                        "deferred",
                                        "deferred_group",
                                        "sqlite_on_conflict_not_null",
                                        "sqlite_on_conflict_unique",
                                        "sqlite_on_conflict_primary_key",
                                        "sqlite_type",
                                        "sqlite_collation",
                                        "postgresql_type",
                                        "system",
                                        NULL};
    if (!bind_check_options(L, options, "Column", names)) options = 0; /* nothing is looked for in vain */
    if (bind_option(L, options, "name") != LUA_TNIL) {
        if (lua_type(L, -1) != LUA_TSTRING) bind_type_error(L, -1, "Column: name", "a string");
        read_name(L, -1, column);
    }
    if (bind_option(L, options, "type") != LUA_TNIL) column->type = bind_arg_type(L, -1, "Column: type");
    lua_pop(L, 2);
    read_named_type(L, options, column);
    column->primary_key = bind_option_bool(L, options, "Column", "primary_key", false);
    column->nullable = bind_option_bool(L, options, "Column", "nullable", !column->primary_key && !column->identity);
    column->nullable_given = bind_option(L, options, "nullable") != LUA_TNIL || column->identity;
    lua_pop(L, 1);
    column->unique = bind_option_bool(L, options, "Column", "unique", false);
    column->indexed = bind_option_bool(L, options, "Column", "index", false);
    column->autoincrement = read_autoincrement(L, options);
    read_sqlite(L, options, column);
    column->system = bind_option_bool(L, options, "Column", "system", false);
    column->comment = bind_intern_string(L, bind_option_string(L, options, "Column", "comment", NULL));
    if (bind_option(L, options, "default") != LUA_TNIL) bind_read_default(L, -1, column, "default", &column->deflt);
    if (bind_option(L, options, "onupdate") != LUA_TNIL)
        bind_read_default(L, -1, column, "onupdate", &column->onupdate);
    if (bind_option(L, options, "server_default") != LUA_TNIL) bind_read_server_default(L, -1, column);
    lua_pop(L, 3);
}

static void defer(lua_State *L, bind_column *c, const char *group) {
    if (c->column->primary_key)
        bind_error(L, MR_ERR_ARGUMENT, "Column%s%s%s: a primary key cannot be deferred", c->column->name ? " '" : "",
                   c->column->name ? c->column->name : "", c->column->name ? "'" : "");
    c->deferred = true;
    c->deferred_group = bind_intern_string(L, group);
}

/* A column with a deferred_group is deferred without the option deferred. */
static void read_deferred(lua_State *L, int options, bind_column *c) {
    const char *group = bind_option_string(L, options, "Column", "deferred_group", NULL);
    if (bind_option_bool(L, options, "Column", "deferred", group != NULL)) defer(L, c, group);
}

/* deferred{ Column{ ... }, group = "details" }: returns the column, which is then loaded at its first use. */
static int deferred(lua_State *L) {
    static const char *const names[] = {"group", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "deferred", names);
    bind_column *c = n == 1 ? bind_test(L, 1, BIND_COLUMN) : NULL;
    bind_property_spec *property = n == 1 ? bind_test(L, 1, BIND_PROPERTY_SPEC) : NULL;
    const char *group = bind_option_string(L, options, "deferred", "group", NULL);
    if (property && property->kind == MR_PROPERTY_EXPRESSION) {
        property->deferred = true;
        property->deferred_group = bind_intern_string(L, group);
    } else {
        mr_column *named = n == 1 ? bind_column_named_by(L, 1) : NULL;
        if (!named) return bind_type_error(L, 1, "deferred", "one Column");
        if (!c) { /* table.c.name */
            c = lua_newuserdatauv(L, sizeof *c, 0);
            *c = (bind_column){.column = named};
            bind_set_type(L, BIND_COLUMN);
            lua_replace(L, 1);
        }
        defer(L, c, group);
    }
    lua_settop(L, 1);
    return 1;
}

static int column_new(lua_State *L) {
    int options;
    int n = bind_arguments(L, 1, &options);
    mr_column *column = mr_column_new(bind_of(L)->env, NULL, NULL);
    if (!column) return bind_raise(L);
    read_positional(L, n, column);
    read_options(L, options, column);
    if (!column->type && !column->foreign_keys)
        return bind_error(L, MR_ERR_ARGUMENT, "Column%s%s%s needs a type (or a ForeignKey to take it from)%s",
                          column->name ? " '" : "", column->name ? column->name : "", column->name ? "'" : "",
                          column->name ? ": a string is the column's name, a type is a value such as mr.Integer" : "");
    bind_column made = {.column = column};
    read_deferred(L, options, &made);
    bind_column *c = lua_newuserdatauv(L, sizeof *c, 0);
    *c = made;
    bind_set_type(L, BIND_COLUMN);
    return 1;
}

static mr_column *self(lua_State *L) { return ((bind_column *)bind_arg(L, 1, BIND_COLUMN, "Column"))->column; }

static int get_name(lua_State *L) {
    lua_pushstring(L, self(L)->name);
    return 1;
}
static int get_type(lua_State *L) {
    bind_push_type(L, mr_column_type(bind_of(L)->env, self(L)));
    return 1;
}
static int get_primary_key(lua_State *L) {
    lua_pushboolean(L, self(L)->primary_key);
    return 1;
}
static int get_nullable(lua_State *L) {
    lua_pushboolean(L, self(L)->nullable);
    return 1;
}
static int get_unique(lua_State *L) {
    lua_pushboolean(L, self(L)->unique);
    return 1;
}
static int get_comment(lua_State *L) {
    lua_pushstring(L, self(L)->comment);
    return 1;
}
static int get_table(lua_State *L) {
    mr_column *column = self(L);
    if (column->table) bind_push_table(L, column->table);
    else lua_pushnil(L);
    return 1;
}

static int column_tostring(lua_State *L) {
    mr_column *column = self(L);
    char type[MR_TYPE_NAME] = "";
    if (column->type) mr_type_name(column->type, type);
    lua_pushfstring(L, "Column(%s%s%s)", column->name ? column->name : "", column->name && *type ? ", " : "", type);
    return 1;
}

static int column_eq(lua_State *L) {
    const mr_column *a = bind_test_column(L, 1), *b = bind_test_column(L, 2);
    lua_pushboolean(L, a && a == b);
    return 1;
}

void bind_open_column(lua_State *L) {
    static const luaL_Reg getters[] = {{"name", get_name},
                                       {"type", get_type},
                                       {"primary_key", get_primary_key},
                                       {"nullable", get_nullable},
                                       {"unique", get_unique},
                                       {"comment", get_comment},
                                       {"table", get_table},
                                       {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__tostring", column_tostring}, {"__eq", column_eq}, {NULL, NULL}};
    static const luaL_Reg key_metamethods[] = {{"__tostring", foreign_key_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"Column", column_new}, {"deferred", deferred}, {"ForeignKey", foreign_key}, {NULL, NULL}};
    bind_type(L, BIND_COLUMN, "Column", NULL, getters, metamethods);
    bind_type(L, BIND_FOREIGN_KEY, "ForeignKey", NULL, NULL, key_metamethods);
    luaL_setfuncs(L, functions, 0);
}
