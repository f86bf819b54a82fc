/*
 * generated.c: Computed and Identity, and SQL that stands in a table's definition.
 *
 * Invariant: all options are checked when the value is made. What it holds is in the arena, or lives as long as the
 * environment.
 */
#include <string.h>

#include "schema.h"
#include "value/node.h"

static void release_expression(void *ud) { mr_node_release(ud); }

mr_node *bind_node_forever(lua_State *L, mr_node *node) {
    if (mr_env_on_close(bind_of(L)->env, release_expression, node) != MR_OK) bind_raise(L);
    return mr_node_retain(node);
}

void bind_refuse_parameters(lua_State *L, const mr_node *node, const char *function) {
    mr_env *env = bind_of(L)->env;
    const char *name = NULL;
    mr_strbuf key;
    mr_vec binds;
    mr_strbuf_init(&key, env);
    mr_vec_init(&binds, env, sizeof(const mr_node *));
    mr_status status = mr_sql_key(node, &key, &binds);
    for (size_t i = 0; i < binds.len && !name; i++) name = ((const mr_node *)mr_vec_ptr(&binds, i))->name;
    mr_vec_done(&binds);
    mr_strbuf_done(&key);
    bind_check(L, status);
    if (name)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: parameter '%s': a definition takes no parameters: write the value, or SQL as a string",
                   function, name);
}

void bind_see_table(lua_State *L, const mr_node *node, const char *function, bind_owner_table *found) {
    bool alias = false;
    mr_vec froms;
    mr_env *env = bind_of(L)->env;
    mr_vec_init(&froms, env, sizeof(mr_node *));
    mr_status status = mr_node_froms(env, node, &froms);
    for (size_t i = 0; i < froms.len; i++) {
        mr_node *from = mr_vec_ptr(&froms, i);
        mr_table *table = from->kind == MR_NODE_TABLE ? (mr_table *)from->u.table : NULL;
        found->several = found->several || (found->table && table != found->table);
        alias = alias || !table;
        if (table) found->table = table;
        mr_node_release(from);
    }
    mr_vec_done(&froms);
    bind_check(L, status);
    if (alias)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: a definition names columns of a class or a table: an alias and a subquery have none", function);
}

void bind_refuse_view(lua_State *L, const mr_table *table, const char *function) {
    if (table && table->options.is_view)
        bind_error(L, MR_ERR_ARGUMENT, "%s: '%s' is a view: put it on the tables that the view reads", function,
                   table->full_name);
}

void bind_read_sql(lua_State *L, int idx, const char *function, const char **sql, void **expression) {
    *sql = NULL;
    *expression = NULL;
    idx = lua_absindex(L, idx);
    if (lua_type(L, idx) == LUA_TSTRING) {
        *sql = bind_arg_name(L, idx, function, "SQL text");
        *sql = bind_intern_string(L, *sql);
        return;
    }
    mr_node *node = bind_test_node(L, idx);
    if (!node) bind_type_error(L, idx, function, "SQL text, or an expression of columns");
    bind_refuse_parameters(L, node, function);
    *expression = bind_node_forever(L, node);
}

/* ---------------------------------------------------------------- Computed */

static int computed(lua_State *L) {
    static const char *const names[] = {"persisted", NULL};
    int options;
    int n = bind_arguments_of(L, 1, 1, &options);
    bind_check_options(L, options, "Computed", names);
    if (n != 1)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "Computed: expected one expression, as in Computed \"price * amount\", got "
                          "%d arguments",
                          n);
    mr_computed *made = mr_env_arena(bind_of(L)->env, sizeof *made);
    if (!made) return bind_raise(L);
    bind_read_sql(L, 1, "Computed", &made->sql, &made->expression);
    bool given = bind_option(L, options, "persisted") != LUA_TNIL;
    made->persisted = given ? (int8_t)bind_option_bool(L, options, "Computed", "persisted", false) : -1;
    const mr_computed **p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = made;
    bind_set_type(L, BIND_COMPUTED);
    return 1;
}

static int computed_tostring(lua_State *L) {
    const mr_computed *c = *(const mr_computed **)bind_arg(L, 1, BIND_COMPUTED, "tostring");
    lua_pushfstring(L, "Computed(%s)", c->sql ? c->sql : "...");
    return 1;
}

/* ---------------------------------------------------------------- Identity */

/* Reads a number into *out. Returns whether it is given. */
static bool read_number(lua_State *L, int options, const char *name, int64_t *out) {
    bool given = bind_option(L, options, name) != LUA_TNIL;
    lua_pop(L, 1);
    if (given) *out = bind_option_int(L, options, "Identity", name, 0);
    return given;
}

static int identity(lua_State *L) {
    static const char *const names[] = {"always",     "start",      "increment", "minvalue", "maxvalue",
                                        "nominvalue", "nomaxvalue", "cycle",     "cache",    NULL};
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "Identity", names);
    if (n > 0) return bind_error(L, MR_ERR_ARGUMENT, "Identity takes options only, as in Identity{ start = 100 }");
    mr_identity_options *made = mr_env_arena(bind_of(L)->env, sizeof *made);
    if (!made) return bind_raise(L);
    made->always = bind_option_bool(L, options, "Identity", "always", false);
    made->has_start = read_number(L, options, "start", &made->start);
    made->has_increment = read_number(L, options, "increment", &made->increment);
    made->has_minvalue = read_number(L, options, "minvalue", &made->minvalue);
    made->has_maxvalue = read_number(L, options, "maxvalue", &made->maxvalue);
    made->has_cache = read_number(L, options, "cache", &made->cache);
    made->no_minvalue = bind_option_bool(L, options, "Identity", "nominvalue", false);
    made->no_maxvalue = bind_option_bool(L, options, "Identity", "nomaxvalue", false);
    bool cycles = bind_option(L, options, "cycle") != LUA_TNIL;
    made->cycle = cycles ? (int8_t)bind_option_bool(L, options, "Identity", "cycle", false) : -1;
    if ((made->has_minvalue && made->no_minvalue) || (made->has_maxvalue && made->no_maxvalue))
        return bind_error(L, MR_ERR_ARGUMENT, "Identity: %s and no%s contradict each other: leave one of them out",
                          made->has_minvalue && made->no_minvalue ? "minvalue" : "maxvalue",
                          made->has_minvalue && made->no_minvalue ? "minvalue" : "maxvalue");
    const mr_identity_options **p = lua_newuserdatauv(L, sizeof *p, 0);
    *p = made;
    bind_set_type(L, BIND_IDENTITY);
    return 1;
}

static int identity_tostring(lua_State *L) {
    lua_pushliteral(L, "Identity()");
    return 1;
}

void bind_open_generated(lua_State *L) {
    static const luaL_Reg of_computed[] = {{"__tostring", computed_tostring}, {NULL, NULL}};
    static const luaL_Reg of_identity[] = {{"__tostring", identity_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"Computed", computed}, {"Identity", identity}, {NULL, NULL}};
    bind_type(L, BIND_COMPUTED, "Computed", NULL, NULL, of_computed);
    bind_type(L, BIND_IDENTITY, "Identity", NULL, NULL, of_identity);
    luaL_setfuncs(L, functions, 0);
}
