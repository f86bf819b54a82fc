/*
 * by_query.c: query:update and query:delete: one statement for all rows of a query.
 *
 * Invariant: after the statement, the objects in memory agree with their rows, unless the program says
 * synchronize_session = false.
 */
#include <string.h>

#include "query/query.h"
#include "row_default.h"
#include "statement.h"
#include "value/descriptor.h"

/* Raises where criteria stand at the place of the options. */
static void refuse_criteria(lua_State *L, int idx, const mr_query *q, const char *function) {
    const mr_mapper *mapper = mr_query_lead(q);
    if (bind_test_node(L, idx))
        bind_error(L, MR_ERR_ARGUMENT, "%s: criteria stand before it: filter(...):%s(...)", function, function);
    if (!mapper || !bind_is_plain_table(L, idx)) return;
    lua_pushnil(L);
    while (lua_next(L, idx)) {
        lua_pop(L, 1);
        const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        if (name && strcmp(name, "synchronize_session") != 0 && mr_mapper_property(mapper, name, true))
            bind_error(L, MR_ERR_ARGUMENT, "%s: criteria stand before it: filter_by{ %s = ... }:%s(...)", function,
                       name, function);
    }
}

static mr_synchronize read_options(lua_State *L, int idx, const mr_query *q, const char *function) {
    if (lua_isnoneornil(L, idx)) return MR_SYNCHRONIZE_AUTO;
    refuse_criteria(L, idx, q, function);
    if (!bind_is_plain_table(L, idx))
        bind_type_error(L, idx, function, "a table of options such as { synchronize_session = \"fetch\" }");
    return bind_option_synchronize(L, idx, function, MR_SYNCHRONIZE_AUTO);
}

static mr_mapper *only_class(lua_State *L, const mr_query *q, const char *function) {
    if (q->nitems != 1 || !q->items[0].mapper)
        bind_error(L, MR_ERR_ARGUMENT, "%s: the query must be over one class, session:query(User)", function);
    return q->items[0].mapper;
}

/* Pushes an UPDATE of the class with the values at idx, checked against their attributes. */
static const bind_statement *push_values(lua_State *L, mr_mapper *mapper, int idx) {
    lua_pushnil(L);
    if (!lua_next(L, idx))
        bind_error(L, MR_ERR_ARGUMENT, "update: the table is empty (is every value set? NULL is written mr.null)");
    lua_pop(L, 2);
    lua_pushcfunction(L, bind_statement_values);
    bind_push_statement(L, MR_NODE_UPDATE, mapper, mapper->table);
    lua_pushvalue(L, idx);
    lua_call(L, 2, 1);
    return bind_push_with_defaults(L, bind_test_statement(L, -1), false);
}

/* Pushes the values of the table at idx that are of the class's part, as a table; NULL: there are none. */
static bool push_of_part(lua_State *L, const mr_mapper *mapper, const mr_table *table, int idx) {
    bool any = false;
    lua_newtable(L);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        const mr_property *prop = name ? mr_mapper_property(mapper, name, true) : NULL;
        /* What is no column is refused with the values of the class's own table. */
        if ((prop && prop->kind == MR_PROPERTY_COLUMN ? prop->column->table : mapper->table) != table) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, -5);
        any = true;
    }
    if (!any) lua_pop(L, 1);
    return any;
}

static void append(lua_State *L, mr_node **list, const mr_node *more) {
    for (uint32_t i = 0; i < more->n; i++) {
        *list = mr_sql_list_append(bind_of(L)->env, *list, mr_node_retain(more->child[i]));
        if (!*list) bind_raise(L);
    }
}

/* Pushes an UPDATE with values of several tables. */
static const bind_statement *push_of_tables(lua_State *L, mr_mapper *mapper, int idx) {
    bind_spread_values(L, mapper, idx, "update");
    bind_statement *all = NULL;
    for (unsigned i = 0; i < mapper->nparts; i++) {
        if (!push_of_part(L, mapper, mapper->parts[i].table, idx)) continue;
        bind_statement *one = (bind_statement *)(uintptr_t)push_values(L, mapper, lua_gettop(L));
        lua_remove(L, -2);
        if (!all) {
            all = bind_push_statement_copy(L, one);
            lua_remove(L, -2);
            continue;
        }
        append(L, &all->dml.columns, one->dml.columns);
        append(L, &all->dml.values, one->dml.values);
        lua_pop(L, 1);
    }
    return all;
}

/* statement NULL: DELETE. */
static int run(lua_State *L, mr_query *q, const bind_statement *statement, mr_synchronize how, const char *function) {
    mr_session *s = bind_query_session(L, function);
    bind_state *b = bind_of(L);
    int64_t rows = 0;
    mr_status st;
    BIND_CALL(b, L,
              st = statement ? mr_session_update_rows(s, q, mr_node_retain(statement->dml.columns),
                                                      mr_node_retain(statement->dml.values), how, &rows)
                             : mr_session_delete_rows(s, q, how, &rows));
    bind_check(L, st);
    lua_pushinteger(L, (lua_Integer)rows);
    return 1;
}

/* update({ attr = value, ... }, { synchronize_session = ... }): the rows matched. */
static int q_update(lua_State *L) {
    mr_query *q = bind_query_arg(L, "update");
    bind_refuse_more(L, 2, "update", " (all values are in one table)");
    lua_settop(L, 3);
    mr_mapper *mapper = only_class(L, q, "update");
    if (!bind_is_plain_table(L, 2)) bind_type_error(L, 2, "update", "a table of values such as { name = \"x\" }");
    mr_synchronize how = read_options(L, 3, q, "update");
    const bind_statement *values = mapper->nparts > 1 ? push_of_tables(L, mapper, 2) : NULL;
    if (!values) values = push_values(L, mapper, 2);
    return run(L, q, values, how, "update");
}

/* delete{ synchronize_session = ... }: the rows matched. */
static int q_delete(lua_State *L) {
    mr_query *q = bind_query_arg(L, "delete");
    bind_refuse_more(L, 1, "delete", " (criteria are given to filter)");
    lua_settop(L, 2);
    mr_synchronize how = read_options(L, 2, q, "delete");
    only_class(L, q, "delete");
    return run(L, q, NULL, how, "delete");
}

void bind_open_by_query(lua_State *L) {
    static const luaL_Reg methods[] = {{"update", q_update}, {"delete", q_delete}, {NULL, NULL}};
    bind_extend_query(L, methods, false);
}
