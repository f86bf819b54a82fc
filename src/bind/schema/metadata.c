/*
 * metadata.c: MetaData: the tables of an application, created and dropped together.
 *
 * Invariant: CREATE and DROP run on the connection that the user gives, or on a connection of their own, which is
 * closed before the call returns.
 */
#include "schema.h"
#include "value/class.h"
#include "value/engine.h"

static mr_metadata *self(lua_State *L) { return *(mr_metadata **)bind_arg(L, 1, BIND_METADATA, "MetaData"); }

static int metadata_new(lua_State *L) {
    if (lua_gettop(L) > 0) {
        int options;
        if (bind_arguments(L, 1, &options) > 0) return bind_error(L, MR_ERR_ARGUMENT, "MetaData takes no arguments");
        bind_check_options(L, options, "MetaData", (const char *const[]){NULL});
    }
    mr_metadata *md = mr_metadata_new(bind_of(L)->env);
    if (!md) return bind_raise(L);
    bind_push_metadata(L, md);
    return 1;
}

/* ---------------------------------------------------------------- create_all, drop_all */

/* Reads the option tables, a list of tables or classes: pushes and returns the array, *n long. NULL: all tables. */
static mr_table **read_tables(lua_State *L, int options, const char *function, size_t *n) {
    *n = 0;
    if (bind_option(L, options, "tables") == LUA_TNIL) return NULL;
    if (!bind_is_plain_table(L, -1)) bind_type_error(L, -1, function, "a list of tables");
    int list = lua_gettop(L);
    *n = lua_rawlen(L, list);
    mr_table **tables = lua_newuserdatauv(L, (*n + 1) * sizeof *tables, 0);
    for (size_t i = 0; i < *n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        const mr_mapper *mapper = bind_test_class(L, -1);
        tables[i] = mapper ? mapper->table : bind_test_table(L, -1);
        if (!tables[i]) bind_type_error(L, -1, function, "a table");
        lua_pop(L, 1);
    }
    return tables;
}

/* Creates or drops the tables on the engine or connection at index bind. */
static void run(lua_State *L, int bind, const char *function, mr_metadata *md, mr_table **tables, size_t n, bool create,
                bool checkfirst) {
    bind_state *b = bind_of(L);
    mr_conn *conn = bind_test_connection(L, bind), *own = NULL;
    mr_engine *engine = conn ? NULL : bind_test_engine(L, bind);
    if (!conn && !engine) bind_type_error(L, bind, function, "an engine: { bind = engine }");
    BIND_ENTER(b, L);
    mr_status st = conn ? MR_OK : mr_engine_connect(engine, &own);
    if (st == MR_OK && create) st = mr_create_all(conn ? conn : own, md, tables, n, checkfirst);
    else if (st == MR_OK) st = mr_drop_all(conn ? conn : own, md, tables, n, checkfirst);
    if (own) {
        mr_error *saved = st == MR_OK ? NULL : mr_env_save_error(b->env);
        mr_conn_close(own);
        mr_env_restore_error(b->env, saved);
    }
    BIND_LEAVE(b);
    bind_check(L, st);
}

int bind_run_ddl(lua_State *L, int first, const char *function, mr_metadata *md, mr_table *only, bool create) {
    static const char *const names[] = {"bind", "checkfirst", "tables", NULL};
    int options;
    bind_release_loops(L);
    int n = bind_arguments(L, first, &options);
    bind_check_options(L, options, function, names);
    if (n > 1) return bind_error(L, MR_ERR_ARGUMENT, "%s: expected one engine, got %d arguments", function, n);
    bool checkfirst = bind_option_bool(L, options, function, "checkfirst", true);
    size_t count = 1;
    mr_table **tables = only ? &only : read_tables(L, options, function, &count);
    int bind = first;
    if (n == 0) {
        bind_option(L, options, "bind");
        bind = lua_gettop(L);
    }
    run(L, bind, function, md, tables, count, create, checkfirst);
    return 0;
}

static int create_all(lua_State *L) { return bind_run_ddl(L, 2, "create_all", self(L), NULL, true); }

static int drop_all(lua_State *L) { return bind_run_ddl(L, 2, "drop_all", self(L), NULL, false); }

/* ---------------------------------------------------------------- tables */

static int get_tables(lua_State *L) {
    const mr_metadata *md = self(L);
    lua_createtable(L, 0, (int)md->tables.len);
    for (size_t i = 0; i < md->tables.len; i++) {
        const mr_table *table = mr_vec_ptr(&md->tables, i);
        if (table->schema) lua_pushfstring(L, "%s.%s", table->schema, table->name);
        else lua_pushstring(L, table->name);
        bind_push_table(L, table);
        lua_rawset(L, -3);
    }
    return 1;
}

static int get_sorted(lua_State *L) {
    mr_metadata *md = self(L);
    bind_state *b = bind_of(L);
    size_t n = 0;
    mr_table **tables = lua_newuserdatauv(L, (md->tables.len + 1) * sizeof *tables, 0);
    BIND_TRY(b, L, mr_metadata_sorted(md, tables, &n));
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        bind_push_table(L, tables[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int metadata_eq(lua_State *L) {
    const mr_metadata *a = bind_test_metadata(L, 1), *b = bind_test_metadata(L, 2);
    lua_pushboolean(L, a && a == b);
    return 1;
}

void bind_open_metadata(lua_State *L) {
    static const luaL_Reg methods[] = {{"create_all", create_all}, {"drop_all", drop_all}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"tables", get_tables}, {"sorted_tables", get_sorted}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__eq", metadata_eq}, {NULL, NULL}};
    bind_type(L, BIND_METADATA, "MetaData", methods, getters, metamethods);
    lua_pushcfunction(L, metadata_new);
    lua_setfield(L, -2, "MetaData");
}
