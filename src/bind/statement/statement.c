/*
 * statement.c: mr.insert, mr.update and mr.delete: statements over a class or a table.
 *
 * Invariant: a statement value is never changed: each method gives a new one.
 */
#include "statement.h"

#include <string.h>

#include "expression/criteria_text.h"
#include "expression/expression.h"
#include "query/query.h"
#include "row_default.h"
#include "schema/schema.h"
#include "value/class.h"
#include "value/from.h"

static mr_env *env_of(lua_State *L) { return bind_of(L)->env; }

static bind_statement *self(lua_State *L, const char *function) { return bind_arg(L, 1, BIND_STATEMENT, function); }

/* shown: the node is printed, not run. */
static mr_node *statement_node(lua_State *L, const bind_statement *s, const mr_session *session, bool shown) {
    int top = lua_gettop(L);
    mr_dml d = bind_push_with_defaults(L, s, shown)->dml;
    if (s->kind == MR_NODE_UPDATE && !d.columns)
        bind_error(L, MR_ERR_ARGUMENT, "update: nothing to set: use :values{ ... }");
    mr_node *node = bind_statement_of_clauses(env_of(L), s->kind, &d);
    /* Rows that are written by their keys are not looked for. */
    mr_mapper *mapper = s->kind != MR_NODE_INSERT && (session || s->options) ? s->mapper : NULL;
    if (session || s->options)
        BIND_CALL(bind_of(L), L, node = mr_statement_with_criteria(session, mapper, s->options, node));
    if (!node) bind_raise(L);
    lua_settop(L, top);
    return node;
}

mr_node *bind_statement_node(lua_State *L, const bind_statement *s, const mr_session *session) {
    return statement_node(L, s, session, false);
}

static int new_statement(lua_State *L, mr_node_kind kind, const char *function) {
    mr_mapper *mapper = bind_test_class(L, 1);
    const mr_table *table = mapper ? mapper->table : bind_test_table(L, 1);
    if (!table) return bind_type_error(L, 1, function, "a class or a table");
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a class or a table alone%s", function,
                          kind == MR_NODE_DELETE ? " (rows are chosen by :where(...))"
                                                 : " (values are given by :values{ ... })");
    if (kind == MR_NODE_INSERT && mapper && mapper->nparts > 1)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "insert: objects of %s have rows in several tables, and an INSERT is for one: add objects to "
                          "a session (session:add_all), or insert into %s.__table ('%s') and the tables of its bases",
                          mapper->name, mapper->name, table->name);
    bind_push_statement(L, kind, mapper, table);
    return 1;
}

/* mr.insert(target), mr.update(target), mr.delete(target). */
static int new_insert(lua_State *L) { return new_statement(L, MR_NODE_INSERT, "insert"); }
static int new_update(lua_State *L) { return new_statement(L, MR_NODE_UPDATE, "update"); }
static int new_delete(lua_State *L) { return new_statement(L, MR_NODE_DELETE, "delete"); }

/* ---------------------------------------------------------------- the other clauses */

static int s_where(lua_State *L) {
    const bind_statement *s = self(L, "where");
    if (s->kind == MR_NODE_INSERT) return bind_error(L, MR_ERR_ARGUMENT, "an INSERT has no WHERE");
    if (lua_type(L, 2) == LUA_TSTRING && s->mapper) (void)bind_own_text_criterion(L, s->mapper, NULL, 2, "where");
    int n = lua_gettop(L) - 1;
    if (n == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "where: expected at least one criterion, such as User.name:eq(x)");
    for (int i = 2; i <= n + 1; i++) bind_arg_criterion(L, i, "where");
    bind_statement *copy = bind_push_statement_copy(L, s);
    mr_node **nodes = bind_collect_nodes(L, 2, n);
    mr_node *all = mr_sql_list(env_of(L), MR_OP_AND, nodes, (size_t)n);
    mr_node *before = copy->dml.where;
    copy->dml.where = NULL;
    copy->dml.where = mr_sql_and(env_of(L), before, all);
    if (!copy->dml.where) return bind_raise(L);
    lua_pop(L, 1);
    return 1;
}

/* returning(User), returning(User.id, ...) */
static int s_returning(lua_State *L) {
    const bind_statement *s = self(L, "returning");
    unsigned count;
    bind_statement *copy = bind_push_statement_copy(L, s);
    lua_insert(L, 2);
    mr_query_item *items = bind_read_items(L, 3, lua_gettop(L) - 2, "returning", &count);
    int first = lua_gettop(L) + 1;
    copy->returned = count == 1 ? items[0].mapper : NULL;
    for (unsigned i = 0; i < count; i++) {
        const mr_mapper *mapper = items[i].mapper;
        luaL_checkstack(L, (int)(mapper ? mapper->columns.len : 1) + 8, "returning");
        if (!mapper) bind_push_node(L, mr_node_retain(items[i].expression));
        for (size_t j = 0; mapper && j < mapper->columns.len; j++)
            bind_push_node(L, mr_property_node(mr_vec_ptr(&mapper->columns, j), NULL));
    }
    int n = lua_gettop(L) - first + 1;
    mr_node **nodes = bind_collect_nodes(L, first, n);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, (size_t)n));
    bind_statement_take(L, &copy->dml.returning);
    lua_settop(L, 2);
    return 1;
}

/* Pushes the columns in the list at the index as one expression. The list has columns or their names. */
static void push_listed_columns(lua_State *L, const bind_statement *s, int list, const char *function) {
    if (!bind_is_plain_table(L, list)) bind_type_error(L, list, function, "a list of columns");
    size_t n = lua_rawlen(L, list);
    mr_column **columns = lua_newuserdatauv(L, (n + 1) * sizeof *columns, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        columns[i] = lua_type(L, -1) == LUA_TSTRING ? bind_statement_column(L, s, lua_tostring(L, -1))
                                                    : bind_column_named_by(L, -1);
        if (!columns[i]) bind_type_error(L, -1, function, "a column or its name");
        lua_pop(L, 1);
    }
    bind_push_column_list(L, columns, n);
    lua_remove(L, -2);
}

/* from_select({ "name", ... }, select, { include_defaults = false }) */
static int s_from_select(lua_State *L) {
    static const char *const names[] = {"include_defaults", NULL};
    const bind_statement *s = self(L, "from_select");
    if (s->kind != MR_NODE_INSERT) return bind_error(L, MR_ERR_ARGUMENT, "from_select is for insert");
    if (!bind_is_query(L, 3)) return bind_type_error(L, 3, "from_select", "a select");
    if (!lua_isnoneornil(L, 4) && !bind_is_plain_table(L, 4))
        return bind_type_error(L, 4, "from_select: options", "a table");
    lua_settop(L, 4);
    int options = lua_isnil(L, 4) ? 0 : 4;
    bind_check_options(L, options, "from_select", names);
    bool bare = !bind_option_bool(L, options, "from_select", "include_defaults", true);
    if (s->dml.values)
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          "from_select: the statement has values already: select them, as in mr.literal(1)");
    bind_statement *copy = bind_push_statement_copy(L, s);
    copy->bare = bare;
    push_listed_columns(L, s, 2, "from_select");
    bind_statement_take(L, &copy->dml.columns);
    mr_node_release(copy->dml.select);
    copy->dml.select = NULL;
    copy->dml.select = bind_to_select(L, 3);
    size_t width = mr_from_width(copy->dml.select), n = copy->dml.columns->n;
    if (width && width != n)
        return bind_error(L, MR_ERR_ARGUMENT, "from_select: the names are %d, and the columns of the select %d", (int)n,
                          (int)width);
    return 1;
}

/* The index_elements option as columns, in the copy's conflict_target. */
static void read_target(lua_State *L, bind_statement *copy, int options, const char *function, bool required) {
    if (bind_option(L, options, "index_elements") == LUA_TNIL) {
        if (required)
            bind_error(L, MR_ERR_ARGUMENT, "%s: name the conflicting columns: index_elements = { \"id\" }", function);
        lua_pop(L, 1);
        return;
    }
    int list = lua_gettop(L);
    push_listed_columns(L, copy, list, function);
    bind_statement_take(L, &copy->dml.conflict_target);
    lua_settop(L, list - 1);
}

/* Reads the option constraint, a name, into the copy. */
static void read_constraint(lua_State *L, bind_statement *copy, int options, const char *function) {
    static const char *const others[] = {"index_elements", "index_where"};
    const char *name = bind_option_string(L, options, function, "constraint", NULL);
    for (int i = 0; name && i < 2; i++) {
        if (bind_option(L, options, others[i]) != LUA_TNIL)
            bind_error(L, MR_ERR_ARGUMENT, "%s: constraint and %s both say what the conflict is with: give one of them",
                       function, others[i]);
        lua_pop(L, 1);
    }
    copy->dml.conflict_constraint = NULL;
    if (name && !(copy->dml.conflict_constraint = mr_intern(env_of(L), name, strlen(name)))) bind_raise(L);
}

/* Reads the option index_where into the copy. Its values are written into the SQL: the database compares the condition
 * with the condition of its index when it prepares the statement, and parameters have no values then. */
static void read_index_where(lua_State *L, bind_statement *copy, int options, const char *function) {
    if (bind_option(L, options, "index_where") != LUA_TNIL) {
        if (!copy->dml.conflict_target)
            bind_error(L, MR_ERR_ARGUMENT, "%s: index_where goes with index_elements, the columns of the index",
                       function);
        copy->dml.conflict_index_where = mr_sql_inline(mr_node_retain(bind_arg_criterion(L, -1, function)));
        if (!copy->dml.conflict_index_where) bind_raise(L);
    }
    lua_pop(L, 1);
}

static int on_conflict(lua_State *L, const char *function, bool update) {
    static const char *const update_names[] = {"index_elements", "index_where", "constraint", "set", "where", NULL};
    static const char *const nothing_names[] = {"index_elements", "index_where", "constraint", NULL};
    const bind_statement *s = self(L, function);
    int options;
    if (s->kind != MR_NODE_INSERT) return bind_error(L, MR_ERR_ARGUMENT, "%s is for insert", function);
    if (bind_arguments(L, 2, &options) > 0) return bind_error(L, MR_ERR_ARGUMENT, "%s takes options only", function);
    bind_check_options(L, options, function, update ? update_names : nothing_names);
    bind_statement *copy = bind_push_statement_copy(L, s);
    int made = lua_gettop(L);
    copy->dml.on_conflict = true;
    read_constraint(L, copy, options, function);
    read_target(L, copy, options, function, update && !copy->dml.conflict_constraint);
    read_index_where(L, copy, options, function);
    if (update) {
        size_t n;
        if (bind_option(L, options, "set") != LUA_TTABLE) bind_type_error(L, -1, function, "set = { column = value }");
        int set = lua_gettop(L);
        mr_column **columns = bind_statement_columns(L, s, set, function, &n);
        if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: set is empty", function);
        bind_push_column_list(L, columns, n);
        bind_statement_take(L, &copy->dml.conflict_columns);
        int first = lua_gettop(L) + 1;
        bind_push_row_operands(L, copy, set, columns, n);
        mr_node **nodes = bind_collect_nodes(L, first, (int)n);
        bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
        bind_statement_take(L, &copy->dml.conflict_values);
        if (bind_option(L, options, "where") != LUA_TNIL) {
            bind_arg_criterion(L, -1, function);
            bind_statement_take(L, &copy->dml.conflict_where);
        }
    }
    lua_settop(L, made);
    return 1;
}

static int s_do_update(lua_State *L) { return on_conflict(L, "on_conflict_do_update", true); }
static int s_do_nothing(lua_State *L) { return on_conflict(L, "on_conflict_do_nothing", false); }

/* statement.excluded: the columns of the row that was not inserted. */
static int get_excluded(lua_State *L) {
    const bind_statement *s = self(L, "excluded");
    mr_node *alias = mr_sql_alias(env_of(L), mr_node_retain(s->dml.table), "excluded");
    bind_push_from(L, alias, NULL);
    bind_push_attributes(L, s->mapper, bind_test_from(L, -1)->node, false);
    return 1;
}

mr_synchronize bind_option_synchronize(lua_State *L, int idx, const char *function, mr_synchronize deflt) {
    static const char *const names[] = {"synchronize_session", NULL};
    bind_check_options(L, idx, function, names);
    if (bind_option(L, idx, "synchronize_session") != LUA_TNIL) deflt = bind_to_synchronize(L, -1, function);
    lua_pop(L, 1);
    return deflt;
}

void bind_read_write_options(lua_State *L, int idx, const char *function, mr_synchronize *how, bool *populate,
                             double *timeout) {
    static const char *const names[] = {"synchronize_session", "populate_existing", "timeout", NULL};
    bind_check_options(L, idx, function, names);
    *timeout = bind_option_timeout(L, idx, function, *timeout);
    if (bind_option(L, idx, "synchronize_session") != LUA_TNIL) *how = bind_to_synchronize(L, -1, function);
    lua_pop(L, 1);
    *populate = bind_option_bool(L, idx, function, "populate_existing", *populate);
}

/* execution_options{ synchronize_session = "fetch", populate_existing = true, timeout = 2 } */
static int s_execution_options(lua_State *L) {
    const bind_statement *s = self(L, "execution_options");
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, "execution_options", "a table of options");
    bind_statement *copy = bind_push_statement_copy(L, s);
    bind_read_write_options(L, 2, "execution_options", &copy->how, &copy->populate, &copy->timeout);
    return 1;
}

static int push_sql(lua_State *L, const char *function, bind_sql_form form) {
    bind_push_node(L, statement_node(L, self(L, function), NULL, true));
    bind_push_sql(L, bind_test_node(L, -1), form);
    return 1;
}

static int statement_tostring(lua_State *L) { return push_sql(L, "tostring", (bind_sql_form){0}); }

/* sql{ dialect = "postgresql", literals = true } */
static int s_sql(lua_State *L) {
    self(L, "sql");
    return push_sql(L, "sql", bind_arg_sql_form(L));
}

void bind_open_statement(lua_State *L) {
    static const luaL_Reg methods[] = {{"values", bind_statement_values},
                                       {"where", s_where},
                                       {"returning", s_returning},
                                       {"execution_options", s_execution_options},
                                       {"from_select", s_from_select},
                                       {"sql", s_sql},
                                       {"on_conflict_do_update", s_do_update},
                                       {"on_conflict_do_nothing", s_do_nothing},
                                       {NULL, NULL}};
    static const luaL_Reg getters[] = {{"excluded", get_excluded}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__gc", bind_statement_gc}, {"__tostring", statement_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"insert", new_insert}, {"update", new_update}, {"delete", new_delete}, {NULL, NULL}};
    bind_type(L, BIND_STATEMENT, "Statement", methods, getters, metamethods);
    bind_extend_type(L, BIND_TABLE, functions, NULL); /* users:insert() is mr.insert(users) */
    luaL_setfuncs(L, functions, 0);
}
