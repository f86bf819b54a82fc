/*
 * table_args.c: __table_args: the constraints, indexes and options of a class's table.
 *
 * Invariant: what is wrong in them is noted, and told together with all else that is wrong with the table.
 */
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "schema/schema.h"

static int read_table_option(lua_State *L) {
    bind_table_args *args = lua_touserdata(L, 1);
    const char *name = args->option;
    if (strcmp(name, "schema") == 0) {
        const char *what = lua_pushfstring(L, "%s: schema", args->where);
        args->d->schema = bind_arg_name(L, 2, what, "a name"); /* the table of the program keeps it */
    } else if (!bind_read_table_option(L, args->where, name, args->options) && strcmp(name, "extend_existing") != 0 &&
               strncmp(name, "mysql_", 6) != 0) {
        bind_error(
            L, MR_ERR_ARGUMENT,
            "%s: unknown option '%s' (known are schema, comment, sqlite_autoincrement, sqlite_strict, "
            "sqlite_with_rowid, sqlite_using, is_view and definition; constraints and indexes are items of the table)",
            args->where, name);
    }
    return 0;
}

static int read_table_item(lua_State *L) {
    bind_table_args *args = lua_touserdata(L, 1);
    bind_constraint *bc = bind_test(L, 2, BIND_CONSTRAINT);
    if (!bc) return bind_type_error(L, 2, args->where, "constraints and indexes");
    bind_take_constraint(L, bc, args->where, &args->next_constraint, &args->next_index);
    return 0;
}

/* A key that is no name, and not among the items: it stands behind a nil, or is none of a list. */
static int refuse_key(lua_State *L) {
    const bind_table_args *args = lua_touserdata(L, 1);
    return bind_error(
        L, MR_ERR_ARGUMENT, "%s: expected names of options, and constraints and indexes in a list, got %s%s",
        args->where, bind_describe(L, 2),
        lua_isinteger(L, 2) && lua_tointeger(L, 2) > 0 ? " (is a variable not set? the list has a hole)" : "");
}

static int compare_names(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Pushes room for the names of the options, sorted: mistakes are told in the same order each time. Returns how many. */
static size_t push_option_names(lua_State *L, int idx, bind_table_args *args, const char ***names) {
    lua_Integer items = (lua_Integer)lua_rawlen(L, idx);
    size_t n = 0, room = 0;
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) room++;
    *names = lua_newuserdatauv(L, (room + 1) * sizeof **names, 0);
    for (lua_pushnil(L); lua_next(L, idx);) {
        lua_pop(L, 1);
        if (lua_type(L, -1) == LUA_TSTRING) {
            (*names)[n++] = lua_tostring(L, -1);
        } else if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 1 || lua_tointeger(L, -1) > items) {
            lua_pushvalue(L, -1);
            bind_read_wording(L, refuse_key, args, args->options);
        }
    }
    qsort(*names, n, sizeof **names, compare_names);
    return n;
}

void bind_declare_table_args(lua_State *L, bind_table_args *args) {
    const int idx = args->d->table_args;
    if (!idx) return;
    const char **names;
    args->where = lua_pushfstring(L, "%s.__table_args", args->d->name);
    args->next_constraint = &args->constraints;
    args->next_index = &args->indexes;
    lua_Integer items = (lua_Integer)lua_rawlen(L, idx);
    for (lua_Integer i = 1; i <= items; i++) {
        lua_rawgeti(L, idx, i);
        bind_read_wording(L, read_table_item, args, args->options);
    }
    size_t n = push_option_names(L, idx, args, &names);
    for (size_t i = 0; i < n; i++) {
        args->option = names[i];
        bind_option(L, idx, names[i]);
        bind_read_wording(L, read_table_option, args, args->options);
    }
}

typedef struct refusal {
    const declaration *d;
    const mr_table *table;
} refusal;

static int refuse(lua_State *L) {
    const refusal *r = lua_touserdata(L, 1);
    if (r->d->table)
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "%s has __table, and __table_args, which are for a new table: write its constraints, indexes and "
            "options where the table '%s' is made",
            r->d->name, r->table->full_name);
    return bind_error(
        L, MR_ERR_ARGUMENT,
        "%s has __table_args, and no table of its own: it shares the table '%s' of %s: write them in that class",
        r->d->name, r->table->full_name, r->table->mapped_name);
}

void bind_refuse_table_args(lua_State *L, declaration *d, mr_table *table) {
    if (!d->table_args) return;
    lua_pushnil(L);
    if (!lua_next(L, d->table_args)) return;
    lua_pop(L, 1);
    refusal r = {d, table};
    bind_attempt(L, d, refuse, &r);
}
