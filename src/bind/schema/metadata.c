/*
 * metadata.c: MetaData: the tables of an application, created and dropped together.
 *
 * Invariant: CREATE and DROP run on the connection that the user gives, or on a connection of their own, which is
 * closed before the call returns.
 */
#include <string.h>

#include "schema.h"
#include "state/callback.h"
#include "value/class.h"
#include "value/engine.h"
#include "value/node.h"

static mr_metadata *self(lua_State *L) { return *(mr_metadata **)bind_arg(L, 1, BIND_METADATA, "MetaData"); }

/* ---------------------------------------------------------------- naming conventions */

/* A token of the program's: a function that makes a part of a name. */
typedef struct name_token {
    const char *name;
    bind_ref *function;
    struct name_token *next;
} name_token;

static const char *const convention_keys[] = {
#define NAMED_KEY(CODE, key) [MR_NAMED_##CODE] = (key),
    MR_NAMED_KINDS(NAMED_KEY)
#undef NAMED_KEY
        NULL};

static name_token *find_token(void *ud, const char *name) {
    name_token *token = ud;
    while (token && strcmp(token->name, name) != 0) token = token->next;
    return token;
}

static bool has_token(void *ud, const char *name) { return find_token(ud, name) != NULL; }

/* A call of a token's function. */
typedef struct token_call {
    const name_token *token;
    const mr_named *named;
    mr_strbuf *out;
} token_call;

/* function(constraint or index, or the column that it was written with; table) */
static int token_body(lua_State *L) {
    const token_call *call = lua_touserdata(L, 1);
    const mr_named *named = call->named;
    bind_ref_push(L, call->token->function);
    if (named->index || named->constraint)
        bind_push_constraint(L, named->table, (mr_constraint *)named->constraint, (mr_index *)named->index);
    else if (named->column) bind_push_node(L, mr_sql_column(bind_of(L)->env, named->column, NULL, NULL));
    else lua_pushnil(L);
    bind_push_table(L, named->table);
    lua_call(L, 2, 1);
    if (lua_type(L, -1) != LUA_TSTRING) {
        const char *what = lua_pushfstring(L, "naming_convention: the function %s", call->token->name);
        bind_type_error(L, -2, what, "a string as its result");
    }
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    mr_strbuf_add(call->out, text, len);
    return 0;
}

static mr_status call_token(mr_env *env, void *ud, const char *name, const mr_named *named, mr_strbuf *out) {
    token_call call = {find_token(ud, name), named, out};
    return bind_callback(env, token_body, &call);
}

static void read_token(lua_State *L, mr_naming *naming, const char *name) {
    name_token *token = mr_env_arena(bind_of(L)->env, sizeof *token);
    if (!token) bind_raise(L);
    *token = (name_token){bind_intern_string(L, name), bind_ref_forever(L, -1), naming->ud};
    naming->ud = token;
    naming->has_token = has_token;
    naming->token = call_token;
}

/* Is it the name of a pattern, and so of no token? */
static bool is_pattern(const char *key) {
    bool is = false;
    for (int kind = 0; kind < MR_NAMED__COUNT && !is; kind++) is = strcmp(key, convention_keys[kind]) == 0;
    return is;
}

static void read_pattern(lua_State *L, mr_naming *naming, const char *key) {
    for (int kind = 0; kind < MR_NAMED__COUNT; kind++)
        if (strcmp(key, convention_keys[kind]) == 0) {
            naming->patterns[kind] = bind_intern_string(L, bind_arg_name(L, -1, "naming_convention", "a pattern"));
            return;
        }
    bind_error(
        L, MR_ERR_ARGUMENT,
        "naming_convention: unknown key '%s' (known are ix, uq, ck, fk and pk; a function is a token of your own)",
        key);
}

/* naming_convention = { fk = "fk_%(table_name)s_%(column_0_name)s", token = function ... end } */
static void read_naming(lua_State *L, int options, mr_naming *naming) {
    if (bind_option(L, options, "naming_convention") != LUA_TNIL) {
        if (!bind_is_plain_table(L, -1)) bind_type_error(L, -1, "MetaData: naming_convention", "a table of patterns");
        for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
            if (lua_type(L, -2) != LUA_TSTRING)
                bind_type_error(L, -2, "MetaData: naming_convention", "patterns by name");
            if (lua_type(L, -1) == LUA_TFUNCTION && !is_pattern(lua_tostring(L, -2)))
                read_token(L, naming, lua_tostring(L, -2));
            else read_pattern(L, naming, lua_tostring(L, -2));
        }
        bind_check(L, mr_naming_check(bind_of(L)->env, naming));
    }
    lua_pop(L, 1);
}

static int metadata_new(lua_State *L) {
    static const char *const names[] = {"naming_convention", NULL};
    int options = 0;
    if (lua_gettop(L) > 0 && bind_arguments(L, 1, &options) > 0)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "MetaData takes options only, as in MetaData{ naming_convention = { ... } }");
    bind_check_options(L, options, "MetaData", names);
    mr_metadata *md = mr_metadata_new(bind_of(L)->env);
    if (!md) return bind_raise(L);
    read_naming(L, options, &md->naming);
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
    int n = bind_arguments_of(L, first, 1, &options);
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

static int metadata_tostring(lua_State *L) {
    const mr_metadata *md = self(L);
    lua_pushfstring(L, "MetaData(%d table%s)", (int)md->tables.len, md->tables.len == 1 ? "" : "s");
    return 1;
}

/* core.table_in(metadata, name, schema or nil): the table; nil: it has none of that name. */
static int table_in(lua_State *L) {
    lua_settop(L, 3);
    const mr_metadata *md = self(L);
    const mr_table *table = mr_metadata_table_in(md, lua_tostring(L, 3), luaL_checkstring(L, 2));
    if (!table) return 0;
    bind_push_table(L, table);
    return 1;
}

void bind_open_metadata(lua_State *L) {
    static const luaL_Reg methods[] = {{"create_all", create_all}, {"drop_all", drop_all}, {NULL, NULL}};
    static const luaL_Reg getters[] = {{"tables", get_tables}, {"sorted_tables", get_sorted}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {{"__eq", metadata_eq}, {"__tostring", metadata_tostring}, {NULL, NULL}};
    bind_type(L, BIND_METADATA, "MetaData", methods, getters, metamethods);
    bind_push_methods(L, BIND_METADATA); /* the Lua part adds more */
    lua_setfield(L, -2, "metadata_methods");
    lua_pushcfunction(L, metadata_new);
    lua_setfield(L, -2, "MetaData");
    lua_pushcfunction(L, table_in);
    lua_setfield(L, -2, "table_in");
}
