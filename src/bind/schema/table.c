/*
 * table.c: Table values and their methods.
 *
 * Invariant: a Table value points to a table in the arena, and is equal (__eq) to another value of the same table.
 */
#include <string.h>

#include "schema.h"
#include "value/from.h"
#include "value/node.h"
#include "value/query.h"

static mr_table *self(lua_State *L) { return *(mr_table **)bind_arg(L, 1, BIND_TABLE, "Table"); }

/* ---------------------------------------------------------------- Table{ "name", metadata, ... } */

typedef struct table_parts {
    mr_table_options said;
    const char *option; /* that is being read */
    mr_column **columns;
    unsigned ncolumns;
    mr_constraint *constraints, **next_constraint;
    mr_index *indexes, **next_index;
} table_parts;

static int read_part(lua_State *L) {
    table_parts *parts = lua_touserdata(L, 1);
    mr_column *column = bind_test_column(L, 2);
    const bind_constraint *k = bind_test_constraint(L, 2);
    if (k) {
        bind_take_constraint(L, k, "Table", &parts->next_constraint, &parts->next_index);
        return 0;
    }
    if (!column) bind_type_error(L, 2, "Table", "a Column, a constraint or an Index");
    if (!column->name) bind_error(L, MR_ERR_ARGUMENT, "Table: a column needs a name: Column{ \"name\", ... }");
    if (column->table) {
        bind_error(L, MR_ERR_ARGUMENT, "Table: the column '%s' is in the table '%s' already", column->name,
                   column->table->name);
    }
    parts->columns[parts->ncolumns++] = column;
    return 0;
}

/* The value on top of the stack, of the option name. Raises for another type. */
static bool read_bool(lua_State *L, const char *function, const char *name) {
    if (lua_type(L, -1) != LUA_TBOOLEAN) {
        const char *what = lua_pushfstring(L, "%s: %s", function, name);
        bind_type_error(L, -2, what, "true or false");
    }
    return lua_toboolean(L, -1);
}

/* The same for text; it is in the arena. */
static const char *read_text(lua_State *L, const char *function, const char *name) {
    if (lua_type(L, -1) != LUA_TSTRING || strlen(lua_tostring(L, -1)) != lua_rawlen(L, -1)) {
        const char *what = lua_pushfstring(L, "%s: %s", function, name);
        bind_type_error(L, -2, what, "a string without zero bytes");
    }
    return bind_intern(L, -1);
}

/* Reads the query of a view, which is on top of the stack: text, mr.text, a select or a query. */
static void read_definition(lua_State *L, const char *function, mr_table_options *options) {
    if (bind_is_query(L, -1)) {
        mr_query *named = mr_query_flags(bind_test_query(L, -1), -1, -1);
        if (named) named->core_labels = true; /* the view's columns are called like those of the tables */
        bind_push_query(L, named, 0, BIND_SELECT);
        bind_push_node(L, bind_to_select(L, -1));
        bind_refuse_parameters(L, bind_test_node(L, -1), function);
        options->query = bind_node_forever(L, bind_test_node(L, -1));
        lua_pop(L, 2);
        return;
    }
    const char *what = lua_pushfstring(L, "%s: definition", function);
    lua_insert(L, -2);
    bind_read_sql(L, -1, what, &options->sql, &options->query);
    lua_remove(L, -2);
}

bool bind_read_table_option(lua_State *L, const char *function, const char *name, mr_table_options *options) {
    if (strcmp(name, "comment") == 0) options->comment = read_text(L, function, name);
    else if (strcmp(name, "sqlite_autoincrement") == 0) options->autoincrement = read_bool(L, function, name);
    else if (strcmp(name, "sqlite_strict") == 0) options->strict = read_bool(L, function, name);
    else if (strcmp(name, "sqlite_with_rowid") == 0) options->without_rowid = !read_bool(L, function, name);
    else if (strcmp(name, "sqlite_using") == 0) bind_read_using(L, function, options);
    else if (strcmp(name, "is_view") == 0) options->is_view = read_bool(L, function, name);
    else if (strcmp(name, "definition") == 0) read_definition(L, function, options);
    else return false;
    return true;
}

static int read_option(lua_State *L) {
    table_parts *parts = lua_touserdata(L, 1);
    bind_read_table_option(L, "Table", parts->option, &parts->said);
    return 0;
}

/* Raises where columns stand by name among the options. */
static void refuse_named_columns(lua_State *L, int options) {
    if (!options) return;
    luaL_checkstack(L, 4, "Table");
    lua_pushnil(L);
    while (lua_next(L, options)) {
        if (lua_type(L, -2) == LUA_TSTRING && bind_test_column(L, -1))
            bind_error(L, MR_ERR_ARGUMENT, "Table: a column is an item with its name in it: Column(\"%s\", ...)",
                       lua_tostring(L, -2));
        lua_pop(L, 1);
    }
}

static int table_new(lua_State *L) {
    static const char *const names[] = {"schema",        "comment",           "sqlite_autoincrement",
                                        "sqlite_strict", "sqlite_with_rowid", "sqlite_using",
                                        "is_view",       "definition",        NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    refuse_named_columns(L, options);
    bind_check_options(L, options, "Table", names);
    const char *name = bind_arg_name(L, 1, "Table", "a name");
    mr_metadata *md = n > 1 ? bind_test_metadata(L, 2) : NULL;
    if (!md) return bind_type_error(L, 2, "Table", "a MetaData after the name");
    const char *schema = bind_option_string(L, options, "Table", "schema", NULL);
    table_parts parts = {0};
    for (const char *const *option = names + 1; *option; option++) {
        parts.option = *option;
        if (bind_option(L, options, *option) == LUA_TNIL) lua_pop(L, 1);
        else bind_read_wording(L, read_option, &parts, &parts.said);
    }
    parts.columns = lua_newuserdatauv(L, (size_t)n * sizeof *parts.columns, 0);
    parts.next_constraint = &parts.constraints;
    parts.next_index = &parts.indexes;
    for (int i = 3; i <= n; i++) {
        lua_pushvalue(L, i);
        bind_read_wording(L, read_part, &parts, &parts.said);
    }
    mr_table *table = mr_table_new_with(md, name, schema, parts.columns, parts.ncolumns, parts.constraints,
                                        parts.indexes, &parts.said);
    if (!table) return bind_raise(L);
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
static int get_comment(lua_State *L) {
    lua_pushstring(L, self(L)->options.comment);
    return 1;
}
static int get_indexes(lua_State *L) {
    const mr_table *table = self(L);
    lua_newtable(L);
    for (mr_index *index = table->indexes; index; index = index->next) {
        bind_push_constraint(L, table, NULL, index);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
    return 1;
}
/* table.constraints: those of the table, without those that are written with one column. */
static int get_constraints(lua_State *L) {
    const mr_table *table = self(L);
    lua_newtable(L);
    for (mr_constraint *k = table->constraints; k; k = k->next) {
        bind_push_constraint(L, table, k, NULL);
        lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    }
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

/* core.append_column(table, column): appends a column to a table that exists. */
static int append_column(lua_State *L) {
    mr_table *table = bind_test_table(L, 1);
    mr_column *column = bind_test_column(L, 2);
    if (!table || !column) return bind_type_error(L, table ? 2 : 1, "append_column", "a Column");
    bind_check(L, mr_table_append(table, column));
    return 0;
}

void bind_open_table(lua_State *L) {
    static const luaL_Reg getters[] = {{"name", get_name},
                                       {"schema", get_schema},
                                       {"c", get_columns},
                                       {"columns", get_columns},
                                       {"metadata", get_metadata},
                                       {"primary_key", get_primary_key},
                                       {"comment", get_comment},
                                       {"indexes", get_indexes},
                                       {"constraints", get_constraints},
                                       {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"alias", table_alias}, {"create", create_one}, {"drop", drop_one}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__eq", table_eq}, {"__tostring", table_tostring}, {NULL, NULL}};
    bind_type(L, BIND_TABLE, "Table", methods, getters, metamethods);
    lua_pushcfunction(L, table_new);
    lua_setfield(L, -2, "Table");
    lua_pushcfunction(L, append_column);
    lua_setfield(L, -2, "append_column");
}
