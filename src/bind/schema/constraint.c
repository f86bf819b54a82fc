/*
 * constraint.c: PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint and CheckConstraint.
 *
 * Invariant: a constraint has its columns as names; the table that it is given to looks them up. Each table has a copy
 * of its own, as a value may be given to several tables. A UniqueConstraint or CheckConstraint of the columns of a
 * table that exists belongs to that table at once.
 */
#include <string.h>

#include "schema.h"
#include "value/node.h"

/* The name of the column at idx: a string, a Column, or a column expression. Interned. */
static const char *column_name(lua_State *L, int idx, const char *function) {
    if (lua_type(L, idx) == LUA_TSTRING) return bind_intern(L, idx);
    const mr_column *column = bind_column_named_by(L, idx);
    if (!column) bind_type_error(L, idx, function, "a column or its name");
    if (!column->name)
        bind_error(L, MR_ERR_ARGUMENT, "%s: the column has no name yet: write its name as a string", function);
    return column->name;
}

/* Reads n columns or names from the stack, from index first on; returns the names, in the arena. */
static const char **read_names(lua_State *L, int first, int n, const char *function) {
    if (n <= 0) bind_error(L, MR_ERR_ARGUMENT, "%s: name at least one column", function);
    const char **names = mr_env_arena(bind_of(L)->env, (size_t)n * sizeof *names);
    if (!names) bind_raise(L);
    for (int i = 0; i < n; i++) names[i] = column_name(L, first + i, function);
    return names;
}

static mr_constraint *new_constraint(lua_State *L, mr_constraint_kind kind) {
    mr_constraint *k = mr_env_arena(bind_of(L)->env, sizeof *k);
    if (!k) bind_raise(L);
    k->kind = kind;
    return k;
}

static int push_constraint(lua_State *L, mr_constraint *constraint) {
    bind_push_constraint(L, NULL, constraint, NULL);
    return 1;
}

void bind_take_constraint(lua_State *L, const bind_constraint *k, const char *table, mr_constraint ***constraints,
                          mr_index ***indexes) {
    if (k->table)
        bind_error(
            L, MR_ERR_ARGUMENT,
            "%s: the %s is written with columns of the table '%s', and belongs to it already: name the columns by "
            "strings",
            table ? table : "Column", k->index ? "Index" : "constraint", k->table->full_name);
    if (k->constraint) {
        mr_constraint *copy = new_constraint(L, k->constraint->kind);
        *copy = *k->constraint;
        copy->columns = NULL;
        copy->next = NULL;
        **constraints = copy;
        *constraints = &copy->next;
    } else {
        mr_index *copy = mr_env_arena(bind_of(L)->env, sizeof *copy);
        if (!copy) bind_raise(L);
        *copy = *k->index;
        copy->next = NULL;
        **indexes = copy;
        *indexes = &copy->next;
    }
}

/* The table of all columns at the indices from first on, if these are expressions of one table's columns; or NULL. */
static mr_table *table_of(lua_State *L, int first, int n) {
    mr_table *table = NULL;
    for (int i = first; i < first + n; i++) {
        const mr_column *column = bind_test_node(L, i) ? bind_column_named_by(L, i) : NULL;
        if (!column || !column->table || (table && table != column->table)) return NULL;
        table = column->table;
    }
    return table;
}

static int column_constraint(lua_State *L, mr_constraint_kind kind, const char *function) {
    static const char *const names[] = {"name", "deferrable", "initially", "sqlite_on_conflict", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, function, names);
    mr_constraint *k = new_constraint(L, kind);
    k->column_names = read_names(L, 1, n, function);
    k->ncolumns = (unsigned)n;
    k->name = bind_intern_string(L, bind_option_string(L, options, function, "name", NULL));
    bind_read_deferrable(L, options, function, &k->how);
    k->on_conflict = bind_read_conflict(L, options, function, "sqlite_on_conflict");
    mr_table *table = kind == MR_CONSTRAINT_UNIQUE ? table_of(L, 1, n) : NULL;
    bind_refuse_view(L, table, function);
    bind_push_constraint(L, NULL, k, NULL); /* first the value: what raises must not leave a constraint behind */
    if (table) bind_check(L, mr_table_add_constraint(table, k));
    bind_test_constraint(L, -1)->table = table;
    return 1;
}

static int primary_key(lua_State *L) { return column_constraint(L, MR_CONSTRAINT_PRIMARY_KEY, "PrimaryKeyConstraint"); }

static int unique(lua_State *L) { return column_constraint(L, MR_CONSTRAINT_UNIQUE, "UniqueConstraint"); }

/* Pushes the items of the list at idx; returns their number. */
static int spread(lua_State *L, int idx, const char *function, const char *what) {
    if (!bind_is_plain_table(L, idx)) bind_type_error(L, idx, function, what);
    int n = (int)lua_rawlen(L, idx);
    bind_check_room(L, n + 4, function);
    for (int i = 1; i <= n; i++) lua_rawgeti(L, idx, i);
    return n;
}

/* The target "table.column" at idx: a string, or a column that has a table. Interned. */
static const char *target_name(lua_State *L, int idx) {
    const char *function = "ForeignKeyConstraint";
    if (lua_type(L, idx) == LUA_TSTRING) {
        if (!strchr(lua_tostring(L, idx), '.')) bind_type_error(L, idx, function, "\"table.column\"");
        return bind_intern(L, idx);
    }
    const mr_column *column = bind_column_named_by(L, idx);
    if (!column || !column->table) bind_type_error(L, idx, function, "\"table.column\" or a table's column");
    const mr_table *table = column->table;
    const char *text = lua_pushfstring(L, "%s%s%s.%s", table->schema ? table->schema : "", table->schema ? "." : "",
                                       table->name, column->name);
    const char *interned = bind_intern_string(L, text);
    lua_pop(L, 1);
    return interned;
}

static int foreign_key(lua_State *L) {
    static const char *const names[] = {BIND_REFERENCE_OPTIONS, "name", NULL}, function[] = "ForeignKeyConstraint";
    int options;
    int n = bind_arguments_of(L, 1, 2, &options);
    bind_check_options(L, options, function, names);
    if (n != 2)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a list of columns and a list of \"table.column\"",
                          function);
    mr_constraint *k = new_constraint(L, MR_CONSTRAINT_FOREIGN_KEY);
    int top = lua_gettop(L), columns = spread(L, 1, function, "a list of columns");
    k->column_names = read_names(L, top + 1, columns, function);
    k->ncolumns = (unsigned)columns;
    lua_settop(L, top);
    if (spread(L, 2, function, "a list of \"table.column\"") != columns)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: as many columns as targets are needed", function);
    k->targets = mr_env_arena(bind_of(L)->env, (size_t)columns * sizeof *k->targets);
    if (!k->targets) return bind_raise(L);
    for (int i = 0; i < columns; i++) k->targets[i] = target_name(L, top + 1 + i);
    bind_read_reference(L, options, function, &k->how);
    k->name = bind_intern_string(L, bind_option_string(L, options, function, "name", NULL));
    return push_constraint(L, k);
}

/* A CHECK that names the columns of one table which exists belongs to that table. It may be a part of another one, too,
 * whose columns are called the same. */
static void add_check(lua_State *L, const mr_node *condition, const mr_constraint *k) {
    bind_owner_table found = {0};
    bind_see_table(L, condition, "CheckConstraint", &found);
    if (!found.table || found.several) return;
    bind_refuse_view(L, found.table, "CheckConstraint");
    mr_constraint *copy = new_constraint(L, k->kind);
    *copy = *k;
    bind_check(L, mr_table_add_constraint(found.table, copy));
}

static int check(lua_State *L) {
    static const char *const names[] = {"name", "sqlite_on_conflict", NULL};
    int options;
    int n = bind_arguments_of(L, 1, 1, &options);
    bind_check_options(L, options, "CheckConstraint", names);
    if (n != 1) return bind_error(L, MR_ERR_ARGUMENT, "CheckConstraint: expected one condition, got %d arguments", n);
    mr_constraint *k = new_constraint(L, MR_CONSTRAINT_CHECK);
    bind_read_sql(L, 1, "CheckConstraint", &k->sql, &k->condition);
    k->on_conflict = bind_read_conflict(L, options, "CheckConstraint", "sqlite_on_conflict");
    k->name = bind_intern_string(L, bind_option_string(L, options, "CheckConstraint", "name", NULL));
    bind_push_constraint(L, NULL, k, NULL);
    if (bind_test_node(L, 1)) add_check(L, bind_test_node(L, 1), k);
    return 1;
}

static const mr_named_kind kinds[] = {
    [MR_CONSTRAINT_PRIMARY_KEY] = MR_NAMED_PRIMARY_KEY,
    [MR_CONSTRAINT_UNIQUE] = MR_NAMED_UNIQUE,
    [MR_CONSTRAINT_FOREIGN_KEY] = MR_NAMED_FOREIGN_KEY,
    [MR_CONSTRAINT_CHECK] = MR_NAMED_CHECK,
};

static bind_constraint *self(lua_State *L, const char *function) { return bind_arg(L, 1, BIND_CONSTRAINT, function); }

/* The name, by the naming convention where it is a table's. */
static int get_name(lua_State *L) {
    const bind_constraint *k = self(L, "name");
    const char *name = k->index ? k->index->name : k->constraint->name;
    mr_named named = {.kind = k->index ? MR_NAMED_INDEX : kinds[k->constraint->kind],
                      .table = k->table,
                      .given = name,
                      .index = k->index,
                      .constraint = k->constraint};
    if (k->table) BIND_TRY(bind_of(L), L, mr_name_of(&named, &name));
    lua_pushstring(L, name);
    return 1;
}

static int get_table(lua_State *L) {
    const bind_constraint *k = self(L, "table");
    if (k->table) bind_push_table(L, k->table);
    else lua_pushnil(L);
    return 1;
}

/* The names of its columns; false at the place of an expression. */
static int get_columns(lua_State *L) {
    const bind_constraint *k = self(L, "columns");
    unsigned n = k->index ? k->index->ncolumns : k->constraint->ncolumns;
    const char **names = k->index ? k->index->column_names : k->constraint->column_names;
    lua_createtable(L, (int)n, 0);
    for (unsigned i = 0; i < n; i++) {
        if (names[i]) lua_pushstring(L, names[i]);
        else lua_pushboolean(L, false);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int get_unique(lua_State *L) {
    const bind_constraint *k = self(L, "unique");
    lua_pushboolean(L, k->index ? k->index->unique
                                : k->constraint->kind != MR_CONSTRAINT_CHECK &&
                                      k->constraint->kind != MR_CONSTRAINT_FOREIGN_KEY);
    return 1;
}

static void add_list(luaL_Buffer *out, const char *const *names, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        if (i > 0) luaL_addstring(out, ", ");
        if (!names[i]) luaL_addstring(out, "..."); /* an expression */
        else {
            luaL_addchar(out, '"');
            luaL_addstring(out, names[i]);
            luaL_addchar(out, '"');
        }
    }
}

/* As it is written: UniqueConstraint("a", "b", { name = "uq" }). */
static int constraint_tostring(lua_State *L) {
    static const char *const words[] = {
        [MR_CONSTRAINT_PRIMARY_KEY] = "PrimaryKeyConstraint(",
        [MR_CONSTRAINT_UNIQUE] = "UniqueConstraint(",
        [MR_CONSTRAINT_FOREIGN_KEY] = "ForeignKeyConstraint({",
        [MR_CONSTRAINT_CHECK] = "CheckConstraint(",
    };
    const bind_constraint *bc = self(L, "tostring");
    const mr_constraint *k = bc->constraint;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    luaL_addstring(&out, k ? words[k->kind] : "Index(");
    const char *name = k ? k->name : bc->index->name;
    if (!k && name) add_list(&out, &name, 1), luaL_addstring(&out, ", ");
    if (!k) add_list(&out, bc->index->column_names, bc->index->ncolumns);
    else if (k->kind == MR_CONSTRAINT_CHECK) luaL_addstring(&out, k->sql ? k->sql : "...");
    else add_list(&out, k->column_names, k->ncolumns);
    if (k && k->kind == MR_CONSTRAINT_FOREIGN_KEY) {
        luaL_addstring(&out, "}, {");
        add_list(&out, k->targets, k->ncolumns);
        luaL_addchar(&out, '}');
    }
    if (k && name) {
        luaL_addstring(&out, ", { name = ");
        add_list(&out, &name, 1);
        luaL_addstring(&out, " }");
    }
    luaL_addchar(&out, ')');
    luaL_pushresult(&out);
    return 1;
}

void bind_open_constraint(lua_State *L) {
    static const luaL_Reg getters[] = {
        {"name", get_name}, {"table", get_table}, {"columns", get_columns}, {"unique", get_unique}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"PrimaryKeyConstraint", primary_key},
                                         {"UniqueConstraint", unique},
                                         {"ForeignKeyConstraint", foreign_key},
                                         {"CheckConstraint", check},
                                         {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__tostring", constraint_tostring}, {NULL, NULL}};
    bind_type(L, BIND_CONSTRAINT, "Constraint", NULL, getters, metamethods);
    luaL_setfuncs(L, functions, 0);
}
