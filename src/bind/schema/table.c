/*
 * table.c: Table values and their methods.
 *
 * Invariant: a Table value points to a table in the arena, and is equal (__eq) to another value of the same table.
 */
#include <string.h>

#include "schema.h"
#include "value/from.h"
#include "value/node.h"

static mr_table *self(lua_State *L) { return *(mr_table **)bind_arg(L, 1, BIND_TABLE, "Table"); }

/* ---------------------------------------------------------------- Table{ "name", metadata, ... } */

typedef struct table_parts {
    mr_column **columns;
    unsigned ncolumns;
    mr_constraint *constraints, **next_constraint;
    mr_index *indexes, **next_index;
} table_parts;

static void add_constraint(lua_State *L, table_parts *parts, const bind_constraint *k) {
    if (k->constraint) {
        *parts->next_constraint = bind_copy_constraint(L, k->constraint);
        parts->next_constraint = &(*parts->next_constraint)->next;
    } else {
        *parts->next_index = bind_copy_index(L, k->index);
        parts->next_index = &(*parts->next_index)->next;
    }
}

static void read_part(lua_State *L, int idx, table_parts *parts) {
    mr_column *column = bind_test_column(L, idx);
    const bind_constraint *k = bind_test_constraint(L, idx);
    if (k) {
        add_constraint(L, parts, k);
        return;
    }
    if (!column) bind_type_error(L, idx, "Table", "a Column, a constraint or an Index");
    if (!column->name) bind_error(L, MR_ERR_ARGUMENT, "Table: a column needs a name: Column{ \"name\", ... }");
    if (column->table) {
        bind_error(L, MR_ERR_ARGUMENT, "Table: the column '%s' is in the table '%s' already", column->name,
                   column->table->name);
    }
    parts->columns[parts->ncolumns++] = column;
}

static int table_new(lua_State *L) {
    static const char *const names[] = {"schema", "comment", NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "Table", names);
    const char *name = bind_arg_name(L, 1, "Table", "a name");
    mr_metadata *md = n > 1 ? bind_test_metadata(L, 2) : NULL;
    if (!md) return bind_type_error(L, 2, "Table", "a MetaData after the name");
    const char *schema = bind_option_string(L, options, "Table", "schema", NULL);
    const char *comment = bind_option_string(L, options, "Table", "comment", NULL);
    table_parts parts = {0};
    parts.columns = lua_newuserdatauv(L, (size_t)n * sizeof *parts.columns, 0);
    parts.next_constraint = &parts.constraints;
    parts.next_index = &parts.indexes;
    for (int i = 3; i <= n; i++) read_part(L, i, &parts);
    mr_table *table = mr_table_new(md, name, schema, parts.columns, parts.ncolumns, parts.constraints, parts.indexes);
    if (!table) return bind_raise(L);
    table->comment = bind_intern_string(L, comment);
    bind_push_table(L, table);
    return 1;
}

/* ---------------------------------------------------------------- fields and methods */

static int get_name(lua_State *L) {
    lua_pushstring(L, self(L)->name);
    return 1;
}
static int get_schema(lua_State *L) {
    lua_pushstring(L, self(L)->schema);
    return 1;
}
static int get_columns(lua_State *L) {
    bind_push_columns(L, self(L), NULL);
    return 1;
}
static int get_metadata(lua_State *L) {
    bind_push_metadata(L, self(L)->metadata);
    return 1;
}

/* The expressions of the primary key's columns, as a list. */
static int get_primary_key(lua_State *L) {
    const mr_table *table = self(L);
    lua_createtable(L, (int)table->nprimary, 0);
    for (unsigned i = 0; i < table->nprimary; i++) {
        bind_push_node(L, mr_sql_column(bind_of(L)->env, table->primary[i], NULL, NULL));
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int table_alias(lua_State *L) {
    const mr_table *table = self(L);
    mr_env *env = bind_of(L)->env;
    const char *name = lua_isnoneornil(L, 2) ? NULL : bind_arg_name(L, 2, "alias", "a name");
    bind_push_from(L, mr_sql_alias(env, mr_sql_table(env, table), name), NULL);
    return 1;
}

static int create_one(lua_State *L) {
    mr_table *table = self(L);
    return bind_run_ddl(L, 2, "create", table->metadata, table, true);
}
static int drop_one(lua_State *L) {
    mr_table *table = self(L);
    return bind_run_ddl(L, 2, "drop", table->metadata, table, false);
}

static int table_eq(lua_State *L) {
    const mr_table *a = bind_test_table(L, 1), *b = bind_test_table(L, 2);
    lua_pushboolean(L, a && a == b);
    return 1;
}

static int table_tostring(lua_State *L) {
    const mr_table *table = self(L);
    if (table->schema) lua_pushfstring(L, "%s.%s", table->schema, table->name);
    else lua_pushstring(L, table->name);
    return 1;
}

void bind_open_table(lua_State *L) {
    static const luaL_Reg getters[] = {
        {"name", get_name},         {"schema", get_schema},           {"c", get_columns}, {"columns", get_columns},
        {"metadata", get_metadata}, {"primary_key", get_primary_key}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"alias", table_alias}, {"create", create_one}, {"drop", drop_one}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__eq", table_eq}, {"__tostring", table_tostring}, {NULL, NULL}};
    bind_type(L, BIND_TABLE, "Table", methods, getters, metamethods);
    lua_pushcfunction(L, table_new);
    lua_setfield(L, -2, "Table");
}
