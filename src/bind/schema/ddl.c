/*
 * ddl.c: CreateTable, DropTable, CreateIndex and DropIndex: definitions as statements.
 *
 * Invariant: the SQL is made when it is asked for, in the dialect of the connection that executes it, or for tostring
 * in the one that the program names, or else the first there is.
 */
#include <string.h>

#include "schema.h"
#include "state/own.h"
#include "value/class.h"
#include "value/node.h"

static mr_status write_sql(const bind_ddl *d, const mr_dialect *dialect, mr_strbuf *out) {
    if (d->index && d->drops) return mr_ddl_drop_index(dialect, d->index, d->guarded, out);
    if (d->index) return mr_ddl_create_index(dialect, d->index, d->guarded, out);
    if (!d->drops) return mr_ddl_create(dialect, d->table, d->guarded, NULL, out);
    mr_ddl_drop(dialect, d->table, d->guarded, out);
    return MR_OK;
}

void bind_push_ddl_text(lua_State *L, int idx, const mr_dialect *dialect) {
    const bind_ddl *d = bind_test_ddl(L, idx);
    mr_strbuf *sql = bind_own_strbuf(L);
    BIND_TRY(bind_of(L), L, write_sql(d, dialect, sql));
    if (!mr_strbuf_str(sql)) bind_raise(L);
    bind_push_node(L, mr_sql_text_as_it_is(sql->env, sql->data, sql->len));
    lua_remove(L, -2);
}

static const mr_dialect *find_dialect(lua_State *L, int options, const char *function) {
#define DIALECT(name)      mr_dialect_##name(),
#define DIALECT_NAME(name) " \"" #name "\""
    static const char known[] = MR_DIALECTS(DIALECT_NAME);
    const mr_dialect *const all[] = {MR_DIALECTS(DIALECT)};
    const char *name = bind_option_string(L, options, function, "dialect", NULL);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!name || strcmp(all[i]->name, name) == 0) return all[i];
    bind_error(L, MR_ERR_ARGUMENT, "%s: there is no dialect '%s': known are%s", function, name, known);
    return NULL;
}

/* The table of a Table or a class at idx; NULL: it is neither. */
static mr_table *table_at(lua_State *L, int idx) {
    const mr_mapper *mapper = bind_test_class(L, idx);
    return mapper ? mapper->table : bind_test_table(L, idx);
}

/* The index of a table at idx; raises where it is none. */
static mr_index *index_at(lua_State *L, int idx, const char *function) {
    const bind_constraint *k = bind_test_constraint(L, idx);
    if (!k || !k->index) bind_type_error(L, idx, function, "an Index, such as one of table.indexes");
    if (!k->table)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: the Index '%s' is no table's yet: give it to a table, and take it from table.indexes", function,
                   k->index->name ? k->index->name : "?");
    return k->index;
}

static int ddl_new(lua_State *L, const char *function, bool of_index, bool drops) {
    const char *guard = drops ? "if_exists" : "if_not_exists";
    const char *const names[] = {guard, "dialect", NULL};
    int options;
    int n = bind_arguments_of(L, 1, 1, &options);
    bind_ddl made = {.drops = drops};
    bind_check_options(L, options, function, names);
    if (n != 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected one %s, got %d arguments", function,
                          of_index ? "Index" : "table", n);
    made.guarded = bind_option_bool(L, options, function, guard, false);
    made.dialect = find_dialect(L, options, function);
    if (of_index) made.index = index_at(L, 1, function);
    else made.table = table_at(L, 1);
    if (!of_index && !made.table) return bind_type_error(L, 1, function, "a table or a class");
    bind_ddl *p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = made;
    bind_set_type(L, BIND_DDL);
    return 1;
}

static int create_table(lua_State *L) { return ddl_new(L, "CreateTable", false, false); }
static int drop_table(lua_State *L) { return ddl_new(L, "DropTable", false, true); }
static int create_index(lua_State *L) { return ddl_new(L, "CreateIndex", true, false); }
static int drop_index(lua_State *L) { return ddl_new(L, "DropIndex", true, true); }

static int ddl_tostring(lua_State *L) {
    const bind_ddl *d = bind_arg(L, 1, BIND_DDL, "tostring");
    mr_strbuf *sql = bind_own_strbuf(L);
    BIND_TRY(bind_of(L), L, write_sql(d, d->dialect, sql));
    bind_own_push_text(L);
    return 1;
}

void bind_open_ddl(lua_State *L) {
    static const luaL_Reg metamethods[] = {{"__tostring", ddl_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"CreateTable", create_table},
                                         {"DropTable", drop_table},
                                         {"CreateIndex", create_index},
                                         {"DropIndex", drop_index},
                                         {NULL, NULL}};
    bind_type(L, BIND_DDL, "DDL", NULL, NULL, metamethods);
    luaL_setfuncs(L, functions, 0);
}
