/*
 * mapped_columns.c: the options of __mapper_args that are about a table that is there already (__table): primary_key,
 * include_properties, exclude_properties.
 *
 * Invariant: what a class says of a table's key is what all classes say that map it, and the table's definition does
 * not change by it.
 */
#include <string.h>

#include "body.h"
#include "value/schema.h"

static const char *next_column(void *ud, size_t i) {
    const mr_table *table = ud;
    return i < table->ncolumns ? table->columns[i]->name : NULL;
}

/* The column of the table that the value on top means: a column, its name, or the name of its attribute. */
static mr_column *column_of(lua_State *L, const mr_mapper *mapper, const mr_table *table, const char *what) {
    mr_column *column = bind_column_named_by(L, -1);
    const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
    if (!column && name) {
        const mr_property *prop = mr_mapper_property(mapper, name, true);
        column = prop && prop->column ? prop->column : mr_table_column((mr_table *)(uintptr_t)table, name);
    }
    if (column && column->table == table) return column;
    if (!name) bind_type_error(L, -1, what, "columns of the table, or their names");
    bind_error(L, MR_ERR_ARGUMENT, "%s: the table '%s' has no column '%s'%s", what, table->name, name,
               bind_hint(L, mr_nearest(name, next_column, (void *)(uintptr_t)table)));
    return NULL;
}

/* The columns that the option on top names; *n: how many. They live as long as the environment. */
static mr_column **read_columns(lua_State *L, const mr_mapper *mapper, const mr_table *table, const char *what,
                                unsigned *n) {
    bool list = bind_is_plain_table(L, -1);
    *n = list ? (unsigned)lua_rawlen(L, -1) : 1;
    mr_column **columns = mr_env_arena(mapper->env, (*n + 1) * sizeof(mr_column *));
    if (!columns) bind_raise(L);
    for (unsigned i = 0; i < *n; i++) {
        if (list) lua_rawgeti(L, -1, (lua_Integer)i + 1);
        else lua_pushvalue(L, -1);
        columns[i] = column_of(L, mapper, table, what);
        lua_pop(L, 1);
    }
    return columns;
}

static bool is_key(const mr_table *table, mr_column *const *columns, unsigned n) {
    bool same = table->nprimary == n;
    for (unsigned i = 0; same && i < n; i++) same = table->primary[i] == columns[i];
    return same;
}

static void read_key(lua_State *L, mr_mapper *mapper, mr_table *table, const char *what) {
    unsigned n;
    mr_column **columns = read_columns(L, mapper, table, what, &n);
    if (n == 0) bind_error(L, MR_ERR_ARGUMENT, "%s: the list is empty", what);
    if (table->nprimary > 0 && !is_key(table, columns, n))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: the table '%s' has another primary key already, which its classes have, too", what,
                   table->full_name);
    if (table->nprimary > 0) return;
    table->primary = columns;
    table->nprimary = n;
    table->key_by_mapping = true;
}

typedef struct naming {
    mr_mapper *mapper;
    mr_table *table;
    const char *option;
} naming;

/* Arguments: a naming, the value of the option. */
static int read_option(lua_State *L) {
    const naming *n = lua_touserdata(L, 1);
    mr_mapper *mapper = n->mapper;
    bool key = strcmp(n->option, "primary_key") == 0;
    const char *what = lua_pushfstring(L, "%s.__mapper_args: %s", mapper->name, n->option);
    lua_insert(L, -2);
    if (!n->table)
        bind_error(L, MR_ERR_ARGUMENT, "%s is for a table that is there already (__table): %s", what,
                   key ? "give the key's columns primary_key = true"
                       : "of its own table a class has the columns that it declares");
    if (key) {
        read_key(L, mapper, n->table, what);
        return 0;
    }
    if (mapper->mapped)
        bind_error(L, MR_ERR_ARGUMENT, "%s.__mapper_args: include_properties or exclude_properties, not both",
                   mapper->name);
    mapper->mapped = read_columns(L, mapper, n->table, what, &mapper->nmapped);
    mapper->excludes = strcmp(n->option, "exclude_properties") == 0;
    return 0;
}

void bind_declare_mapped_columns(lua_State *L, declaration *d, mr_mapper *mapper, mr_table *table) {
    static const char *const names[] = {"primary_key", "include_properties", "exclude_properties"};
    for (size_t i = 0; d->mapper_args && i < sizeof names / sizeof *names; i++) {
        naming n = {mapper, table, names[i]};
        if (bind_option(L, d->mapper_args, names[i]) == LUA_TNIL) lua_pop(L, 1);
        else if (!bind_attempt(L, d, read_option, &n)) d->refused = true;
    }
}
