/*
 * options.c: statement:options: loader criteria for the rows that an INSERT, UPDATE or DELETE reads, and loader options
 * for the objects that it returns.
 *
 * Invariant: an option that can have no effect is refused when the statement runs, and none is left out silently.
 */
#include "query/option.h"
#include "query/query.h"
#include "statement.h"

/* options(option, ...) */
static int s_options(lua_State *L) {
    const char *function = "options";
    const bind_statement *s = bind_arg(L, 1, BIND_STATEMENT, function);
    int named, n = bind_arguments(L, 2, &named);
    bind_check_options(L, named, function, (const char *const[]){NULL});
    lua_settop(L, 1 + n);
    luaL_checkstack(L, 8, function);
    mr_env *env = bind_of(L)->env;
    bind_statement *copy = bind_push_statement_copy(L, s);
    int made = lua_gettop(L);
    mr_query *options = copy->options ? mr_query_retain(copy->options) : mr_query_new(env, NULL, 0, false);
    if (!options) return bind_raise(L);
    bind_push_query(L, options, 0, BIND_SELECT); /* takes the reference */
    lua_replace(L, 1);
    for (int i = 2; i <= n + 1; i++) bind_apply_option(L, i);
    mr_query_release(copy->options);
    copy->options = mr_query_retain(bind_query_arg(L, function));
    lua_settop(L, made);
    return 1;
}

static bool has_loader_options(const mr_query *q) {
    for (unsigned i = 0; i < q->noptions; i++)
        if (q->options[i].kind != MR_OPTION_CRITERIA) return true;
    return false;
}

void bind_check_loader_options(lua_State *L, const bind_statement *s, bool on_session, const char *function) {
    if (!s->options || (on_session && s->returned) || !has_loader_options(s->options)) return;
    const char *what = s->kind == MR_NODE_INSERT ? "insert" : s->kind == MR_NODE_UPDATE ? "update" : "delete";
    if (on_session)
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s: the %s has a loader option, but returns no objects that it could be about: add "
                   ":returning(%s), or leave the option out",
                   function, what, s->mapper ? s->mapper->name : "Class");
    bind_error(L, MR_ERR_ARGUMENT,
               "%s: the %s has a loader option, which is for objects: run the statement by session:execute with "
               ":returning(%s), or give the option to the query of the objects",
               function, what, s->mapper ? s->mapper->name : "Class");
}

mr_query *bind_with_loader_options(const mr_query *options, mr_query *q) {
    if (!q || !options) return q;
    mr_query *made = mr_query_options(q, options->options, options->noptions);
    mr_query_release(q);
    return made;
}

void bind_open_statement_options(lua_State *L) {
    static const luaL_Reg methods[] = {{"options", s_options}, {NULL, NULL}};
    bind_extend_type(L, BIND_STATEMENT, methods, NULL);
}
