/*
 * index.c: Index: columns or expressions, a condition, uniqueness.
 *
 * Invariant: an Index that names columns of a table that exists, by an expression, belongs to that table at once. All
 * others wait until a table takes them as a part.
 */
#include <stdio.h>
#include <string.h>

#include "schema.h"
#include "value/node.h"

#define WHERE_OPTION(dialect)  #dialect "_where",
#define WHERE_DIALECT(dialect) #dialect,
static const char *const where_options[] = {"where", MR_DIALECTS(WHERE_OPTION) NULL};
static const char *const where_dialects[] = {NULL, MR_DIALECTS(WHERE_DIALECT) NULL};

/* Reads the item at idx: a column, its name, or an expression. */
static void read_item(lua_State *L, int idx, mr_index *index, unsigned i, bind_owner_table *found) {
    mr_node *node = bind_test_node(L, idx);
    if (node) bind_see_table(L, node, "Index", found);
    if (lua_type(L, idx) == LUA_TSTRING) {
        index->column_names[i] = bind_intern(L, idx);
    } else if (bind_column_named_by(L, idx)) {
        index->column_names[i] = bind_column_named_by(L, idx)->name;
        if (!index->column_names[i])
            bind_error(L, MR_ERR_ARGUMENT, "Index: the column has no name yet: write its name as a string");
    } else if (node) {
        const char *sql;
        bind_read_sql(L, idx, "Index", &sql, &index->expressions[i]);
    } else {
        bind_type_error(L, idx, "Index", "a column, its name, or an expression");
    }
}

/* Reads the conditions: `where`, and those of single dialects, such as `sqlite_where`. */
static void read_wheres(lua_State *L, int options, mr_index *index, bind_owner_table *found) {
    mr_index_where **end = &index->wheres;
    for (size_t i = 0; where_options[i]; i++) {
        if (bind_option(L, options, where_options[i]) != LUA_TNIL) {
            mr_index_where *where = mr_env_arena(bind_of(L)->env, sizeof *where);
            if (!where) bind_raise(L);
            char what[64];
            snprintf(what, sizeof what, "Index: %s", where_options[i]);
            where->dialect = where_dialects[i];
            bind_read_sql(L, -1, what, &where->sql, &where->condition);
            if (bind_test_node(L, -1)) bind_see_table(L, bind_test_node(L, -1), "Index", found);
            *end = where;
            end = &where->next;
        }
        lua_pop(L, 1);
    }
}

/* Reads the arguments from number first to n, the items. */
static void read_items(lua_State *L, int first, int n, mr_index *index, bind_owner_table *found) {
    mr_env *env = bind_of(L)->env;
    index->ncolumns = (unsigned)(n - first + 1);
    index->column_names = mr_env_arena(env, index->ncolumns * sizeof *index->column_names);
    index->expressions = mr_env_arena(env, index->ncolumns * sizeof *index->expressions);
    if (!index->column_names || !index->expressions) bind_raise(L);
    for (unsigned i = 0; i < index->ncolumns; i++) read_item(L, first + (int)i, index, i, found);
}

/* Index{ "name", column or expression..., unique =, where = }, or without a name where the first item is no string. */
static int index_new(lua_State *L) {
    static const char *const names[] = {"unique", "name", MR_DIALECTS(WHERE_OPTION) "where", NULL};
    int options, first = 1;
    int n = bind_arguments(L, 1, &options);
    bind_owner_table found = {0};
    bind_check_options(L, options, "Index", names);
    mr_index *index = mr_env_arena(bind_of(L)->env, sizeof *index);
    if (!index) return bind_raise(L);
    index->name = bind_intern_string(L, bind_option_string(L, options, "Index", "name", NULL));
    if (n >= 1 && !index->name && lua_isnil(L, 1)) first = 2;
    if (n >= 1 && !index->name && lua_type(L, 1) == LUA_TSTRING) {
        index->name = bind_intern_string(L, bind_arg_name(L, 1, "Index", "a name"));
        first = 2;
    }
    if (n < first)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "Index: expected a name, then the columns, as in Index{ \"ix_user_name\", \"name\" }");
    read_items(L, first, n, index, &found);
    index->unique = bind_option_bool(L, options, "Index", "unique", false);
    read_wheres(L, options, index, &found);
    if (found.several)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "Index: its expressions name columns of several tables: an index is of one");
    bind_refuse_view(L, found.table, "Index");
    bind_push_constraint(L, NULL, NULL, index); /* first the value: what raises must not leave an index behind */
    if (found.table) bind_check(L, mr_table_add_index(found.table, index));
    bind_test_constraint(L, -1)->table = found.table;
    return 1;
}

void bind_open_index(lua_State *L) {
    lua_pushcfunction(L, index_new);
    lua_setfield(L, -2, "Index");
}
