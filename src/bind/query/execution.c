/*
 * execution.c: the methods of queries that say how they run: flags, marks, locks, values of parameters, loader options.
 *
 * Invariant: a query gets a value, or an option, as it is given; a mistake in a table of them changes nothing.
 */
#include <string.h>

#include "expression/expression.h"
#include "option.h"
#include "query.h"
#include "state/place.h"

static int yield_per(lua_State *L, int idx, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    int integral = 0;
    lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &integral) : 0;
    if (!integral || n < 1 || n > UINT32_MAX) bind_type_error(L, idx, function, "an integer of 1 or more");
    return bind_derive(L, mr_query_yield_per(q, (uint32_t)n));
}

static int q_yield_per(lua_State *L) {
    bind_refuse_more(L, 1, "yield_per", "");
    return yield_per(L, 2, "yield_per");
}

static int q_populate_existing(lua_State *L) {
    bind_refuse_more(L, 0, "populate_existing", "");
    return bind_derive(L, mr_query_flags(bind_query_arg(L, "populate_existing"), 1, -1));
}

static int q_autoflush(lua_State *L) {
    mr_query *q = bind_query_arg(L, "autoflush");
    bind_refuse_more(L, 1, "autoflush", "");
    if (!lua_isboolean(L, 2)) return bind_type_error(L, 2, "autoflush", "true or false");
    return bind_derive(L, mr_query_flags(q, -1, lua_toboolean(L, 2)));
}

static mr_bad_values bad_values(lua_State *L, int idx) {
    static const char *const words[] = {"raise", "null", "keep"};
    for (int i = 0; lua_type(L, idx) == LUA_TSTRING && i < 3; i++)
        if (strcmp(lua_tostring(L, idx), words[i]) == 0) return (mr_bad_values)i;
    bind_type_error(L, idx, "execution_options: bad_values", "\"raise\", \"null\" or \"keep\"");
    return MR_BAD_VALUES_RAISE;
}

static int q_execution_options(lua_State *L) {
    static const char *const names[] = {"autoflush", "yield_per", "populate_existing", "bad_values", "timeout", NULL};
    const char *function = "execution_options";
    mr_query *q = bind_query_arg(L, function);
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, function, "a table of options");
    bind_check_options(L, 2, function, names);
    int populate = bind_option(L, 2, "populate_existing") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
    int autoflush = bind_option(L, 2, "autoflush") == LUA_TNIL ? -1 : lua_toboolean(L, -1);
    bind_option_bool(L, 2, function, "populate_existing", false); /* checks */
    bind_option_bool(L, 2, function, "autoflush", false);
    bind_derive_self(L, mr_query_flags(q, populate, autoflush));
    if (bind_option(L, 2, "bad_values") != LUA_TNIL)
        bind_derive_self(L, mr_query_bad_values(bind_query_arg(L, function), bad_values(L, -1)));
    double timeout = bind_option_timeout(L, 2, function, 0);
    if (timeout != 0) bind_derive_self(L, mr_query_timeout(bind_query_arg(L, function), timeout));
    if (bind_option(L, 2, "yield_per") != LUA_TNIL) return yield_per(L, -1, function);
    lua_settop(L, 1);
    return 1;
}

/* tag "shop": the words and the place of the call, in a comment before the SQL wherever that is shown. */
static int q_tag(lua_State *L) {
    bind_query_arg(L, "tag");
    bind_refuse_more(L, 1, "tag", "");
    size_t len;
    const char *words = lua_type(L, 2) == LUA_TSTRING ? lua_tolstring(L, 2, &len) : NULL;
    if (!words || len == 0) return bind_type_error(L, 2, "tag", "a text that says what the query is for");
    if (strlen(words) != len || strstr(words, "*/") || strstr(words, "/*"))
        return bind_error(L, MR_ERR_ARGUMENT, "tag: the text stands in a comment of SQL, and may not have %s in it",
                          strlen(words) != len ? "a zero byte" : "/* or */");
    const char *place = bind_push_place(L);
    const char *text = *place ? lua_pushfstring(L, "%s %s", words, place) : words;
    bind_derive_self(L, mr_query_tag(bind_query_arg(L, "tag"), text));
    lua_settop(L, 1);
    return 1;
}

static int q_with_for_update(lua_State *L) {
    static const char *const names[] = {"nowait", "skip_locked", "read", "key_share", NULL};
    const char *function = "with_for_update", *mode = NULL;
    mr_query *q = bind_query_arg_for_clause(L, function);
    int options;
    if (bind_arguments(L, 2, &options) > 0) return bind_error(L, MR_ERR_ARGUMENT, "%s takes options only", function);
    bind_check_options(L, options, function, names);
    bool nowait = bind_option_bool(L, options, function, "nowait", false);
    bool skip = bind_option_bool(L, options, function, "skip_locked", false);
    bool read = bind_option_bool(L, options, function, "read", false);
    bool key = bind_option_bool(L, options, function, "key_share", false);
    if ((nowait && skip) || (key && (nowait || skip)))
        return bind_error(L, MR_ERR_ARGUMENT, "%s: these options exclude each other", function);
    if (read) mode = nowait ? "SHARE NOWAIT" : skip ? "SHARE SKIP LOCKED" : "SHARE";
    else mode = nowait ? "NOWAIT" : skip ? "SKIP LOCKED" : NULL;
    if (key) mode = read ? "KEY SHARE" : "NO KEY UPDATE";
    return bind_derive(L, mr_query_for_update(q, mode));
}

/* Puts the list at index 4 in place of the query's list parameters of the name at index 3. */
static bool own_list(lua_State *L, const mr_type *type, const char *what) {
    mr_named_list list = {.name = lua_tostring(L, 3)};
    list.values = bind_read_list(L, 4, type, what, &list.n);
    bool found = false;
    mr_query *made, *q = bind_query_arg(L, "params");
    BIND_CALL(bind_of(L), L, made = mr_query_with_list(q, &list, &found)); /* functions of the program may be called */
    bind_derive_self(L, made);
    return found;
}

/* Gives the value at index 4 to the query's parameters of the name at index 3. */
static void set_param(lua_State *L) {
    const char *name = lua_tostring(L, 3), *what = lua_pushfstring(L, "params: '%s'", name);
    const mr_node *param = NULL;
    bool table = lua_istable(L, 4);
    if (table || bind_is_null(L, 4))
        BIND_TRY(bind_of(L), L, mr_query_find_param(bind_query_arg(L, "params"), name, &param));
    const mr_type *type = param ? param->type : NULL;
    if (table && bind_takes_list(L, 4, param) && own_list(L, type, what)) return;
    mr_value v;
    bind_read_param(L, 4, type, what, &v);
    bind_derive_self(L, mr_query_param_value(bind_query_arg(L, "params"), name, &v));
}

static int q_params(lua_State *L) {
    bind_query_arg(L, "params");
    bind_refuse_more(L, 1, "params", " (all values are in one table)");
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, "params", "a table of values by name");
    lua_settop(L, 2);
    for (lua_pushnil(L); lua_next(L, 2); lua_settop(L, 3)) {
        if (lua_type(L, 3) != LUA_TSTRING) return bind_type_error(L, 3, "params", "names");
        set_param(L);
    }
    lua_settop(L, 1);
    return 1;
}

static int q_options(lua_State *L) {
    bind_query_arg(L, "options");
    int named, n = bind_arguments(L, 2, &named);
    bind_check_options(L, named, "options", (const char *const[]){NULL});
    lua_settop(L, 1 + n);
    luaL_checkstack(L, 8, "options");
    for (int i = 2; i <= n + 1; i++) bind_apply_option(L, i);
    lua_settop(L, 1);
    return 1;
}

void bind_open_query_execution(lua_State *L) {
    static const luaL_Reg methods[] = {{"yield_per", q_yield_per},
                                       {"populate_existing", q_populate_existing},
                                       {"autoflush", q_autoflush},
                                       {"execution_options", q_execution_options},
                                       {"with_for_update", q_with_for_update},
                                       {"tag", q_tag},
                                       {"params", q_params},
                                       {"options", q_options},
                                       {NULL, NULL}};
    bind_extend_query(L, methods, true);
}
