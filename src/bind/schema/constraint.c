/*
 * constraint.c: PrimaryKeyConstraint, UniqueConstraint, ForeignKeyConstraint, CheckConstraint and Index.
 *
 * Invariant: a constraint has its columns as names; the table that it is given to looks them up.
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

static int push_constraint(lua_State *L, mr_constraint *constraint, mr_index *index) {
    bind_constraint *p = lua_newuserdatauv(L, sizeof *p, 0);
    p->constraint = constraint;
    p->index = index;
    bind_set_type(L, BIND_CONSTRAINT);
    return 1;
}

mr_constraint *bind_copy_constraint(lua_State *L, const mr_constraint *constraint) {
    mr_constraint *copy = new_constraint(L, constraint->kind);
    *copy = *constraint;
    copy->columns = NULL;
    copy->next = NULL;
    return copy;
}

mr_index *bind_copy_index(lua_State *L, const mr_index *index) {
    mr_index *copy = mr_env_arena(bind_of(L)->env, sizeof *copy);
    if (!copy) bind_raise(L);
    *copy = *index;
    copy->next = NULL;
    return copy;
}

static int column_constraint(lua_State *L, mr_constraint_kind kind, const char *function) {
    static const char *const names[] = {"name", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, function, names);
    mr_constraint *k = new_constraint(L, kind);
    k->column_names = read_names(L, 1, n, function);
    k->ncolumns = (unsigned)n;
    k->name = bind_intern_string(L, bind_option_string(L, options, function, "name", NULL));
    return push_constraint(L, k, NULL);
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
    static const char *const names[] = {"name", "ondelete", "onupdate", NULL}, function[] = "ForeignKeyConstraint";
    int options;
    int n = bind_arguments(L, 1, &options);
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
    bind_read_actions(L, options, function, &k->ondelete, &k->onupdate);
    k->name = bind_intern_string(L, bind_option_string(L, options, function, "name", NULL));
    return push_constraint(L, k, NULL);
}

/* The condition of a CHECK: text, or an expression without values. */
static void read_condition(lua_State *L, int idx, mr_constraint *k) {
    if (lua_type(L, idx) == LUA_TSTRING) {
        k->sql = bind_intern(L, idx);
        return;
    }
    mr_node *node = bind_test_node(L, idx);
    if (!node) bind_type_error(L, idx, "CheckConstraint", "SQL text");
    if (node->binds > 0)
        bind_error(L, MR_ERR_ARGUMENT,
                   "CheckConstraint: an expression with values cannot be written into a table's "
                   "definition: write the condition as a string");
    k->condition = bind_node_forever(L, node);
}

static int check(lua_State *L) {
    static const char *const names[] = {"name", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "CheckConstraint", names);
    if (n != 1) return bind_error(L, MR_ERR_ARGUMENT, "CheckConstraint: expected one condition, got %d arguments", n);
    mr_constraint *k = new_constraint(L, MR_CONSTRAINT_CHECK);
    read_condition(L, 1, k);
    k->name = bind_intern_string(L, bind_option_string(L, options, "CheckConstraint", "name", NULL));
    return push_constraint(L, k, NULL);
}

static int index_new(lua_State *L) {
    static const char *const names[] = {"unique", "name", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "Index", names);
    mr_index *index = mr_env_arena(bind_of(L)->env, sizeof *index);
    if (!index) return bind_raise(L);
    if (n < 1 || lua_type(L, 1) != LUA_TSTRING) return bind_type_error(L, 1, "Index", "a name, then the columns");
    index->name = bind_intern(L, 1);
    index->column_names = read_names(L, 2, n - 1, "Index");
    index->ncolumns = (unsigned)n - 1;
    index->unique = bind_option_bool(L, options, "Index", "unique", false);
    return push_constraint(L, NULL, index);
}

static int constraint_name(lua_State *L) {
    const bind_constraint *k = bind_arg(L, 1, BIND_CONSTRAINT, "name");
    lua_pushstring(L, k->index ? k->index->name : k->constraint->name);
    return 1;
}

void bind_open_constraint(lua_State *L) {
    static const luaL_Reg getters[] = {{"name", constraint_name}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"PrimaryKeyConstraint", primary_key},
                                         {"UniqueConstraint", unique},
                                         {"ForeignKeyConstraint", foreign_key},
                                         {"CheckConstraint", check},
                                         {"Index", index_new},
                                         {NULL, NULL}};
    bind_type(L, BIND_CONSTRAINT, "Constraint", NULL, getters, NULL);
    luaL_setfuncs(L, functions, 0);
}
