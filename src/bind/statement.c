/*
 * statement.c: mr.insert, mr.update and mr.delete: statements over a class or a table.
 *
 * Invariant: a statement value is never changed: each method gives a new one; values are checked against
 * their columns when they are given.
 */
#include "row_default.h"

#include <string.h>

#include "datetime.h"
#include "expression.h"
#include "from.h"
#include "query.h"
#include "schema.h"

static mr_env *env_of(lua_State *L) {
    return bind_of(L)->env;
}

static void each_part(mr_dml *d, mr_node **parts[10]) {
    mr_node **all[10] = {&d->table,           &d->columns,       &d->values,          &d->select,
                         &d->where,           &d->returning,     &d->conflict_target, &d->conflict_columns,
                         &d->conflict_values, &d->conflict_where};
    memcpy(parts, all, sizeof all);
}

static void retain_parts(mr_dml *d) {
    mr_node **parts[10];
    each_part(d, parts);
    for (int i = 0; i < 10; i++) mr_node_retain(*parts[i]);
}

static int statement_gc(lua_State *L) {
    bind_statement *s = lua_touserdata(L, 1);
    mr_node **parts[10];
    each_part(&s->dml, parts);
    bool open = bind_peek(L) != NULL;
    for (int i = 0; i < 10; i++) {
        if (open) mr_node_release(*parts[i]);
        *parts[i] = NULL;
    }
    return bind_finalized(L);
}

bind_statement *bind_test_statement(lua_State *L, int idx) {
    return bind_test(L, idx, BIND_STATEMENT);
}

static bind_statement *self(lua_State *L, const char *function) {
    return bind_arg(L, 1, BIND_STATEMENT, function);
}

/* Pushes a copy of s (all its nodes retained) to be changed by the caller. */
static bind_statement *push_copy(lua_State *L, const bind_statement *s) {
    bind_statement *copy = lua_newuserdatauv(L, sizeof *copy, 0);
    memset(copy, 0, sizeof *copy);
    luaL_setmetatable(L, BIND_STATEMENT);
    *copy = *s;
    retain_parts(&copy->dml);
    return copy;
}

/* Puts the expression on top of the stack in the clause (popped). */
static void take(lua_State *L, mr_node **clause) {
    mr_node *node = mr_node_retain(bind_arg_node(L, -1, "statement"));
    mr_node_release(*clause);
    *clause = node;
    lua_pop(L, 1);
}

mr_node *bind_statement_node(lua_State *L, const bind_statement *s) {
    mr_dml d = s->dml;
    mr_node *node = NULL;
    if (s->kind == MR_NODE_UPDATE && !d.columns)
        bind_error(L, MR_ERR_ARGUMENT, "update: nothing to set: use :values{ ... }");
    retain_parts(&d);
    if (s->kind == MR_NODE_INSERT)
        node = mr_sql_insert(env_of(L), &d);
    else if (s->kind == MR_NODE_UPDATE)
        node = mr_sql_update(env_of(L), &d);
    else
        node = mr_sql_delete(env_of(L), &d);
    if (!node) bind_raise(L);
    return node;
}

static int new_statement(lua_State *L, mr_node_kind kind, const char *function) {
    mr_mapper *mapper = bind_test_class(L, 1);
    const mr_table *table = mapper ? mapper->table : bind_test_table(L, 1);
    if (!table) return bind_type_error(L, 1, function, "a class or a table");
    if (lua_gettop(L) > 1)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a class or a table alone", function);
    bind_statement *s = lua_newuserdatauv(L, sizeof *s, 0);
    memset(s, 0, sizeof *s);
    luaL_setmetatable(L, BIND_STATEMENT);
    s->kind = kind;
    s->mapper = mapper;
    s->dml.table = mr_sql_table(env_of(L), table);
    if (!s->dml.table) return bind_raise(L);
    return 1;
}

int bind_insert(lua_State *L) {
    return new_statement(L, MR_NODE_INSERT, "insert");
}
int bind_update(lua_State *L) {
    return new_statement(L, MR_NODE_UPDATE, "update");
}
int bind_delete(lua_State *L) {
    return new_statement(L, MR_NODE_DELETE, "delete");
}

/* ---------------------------------------------------------------- columns by name */

static const char *next_column(void *ud, size_t i) {
    const mr_table *table = ud;
    return i < table->ncolumns ? table->columns[i]->name : NULL;
}

/* The column that a key names: an attribute of the class, or a column of the table. */
static mr_column *column_of(lua_State *L, const bind_statement *s, const char *name) {
    mr_table *table = (mr_table *)s->dml.table->u.table;
    if (!s->mapper) {
        mr_column *column = mr_table_column(table, name);
        if (column) return column;
        const char *near = mr_nearest(name, next_column, table);
        bind_error(L, MR_ERR_ARGUMENT, "%s has no column '%s'%s%s%s", table->name, name,
                   near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    }
    const mr_property *prop = mr_mapper_property(s->mapper, name, true);
    if (prop && prop->kind == MR_PROPERTY_COLUMN) return prop->column;
    const char *near = prop ? NULL : mr_mapper_nearest(s->mapper, name);
    if (prop) bind_error(L, MR_ERR_ARGUMENT, "%s.%s is not a column", s->mapper->name, name);
    bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s%s%s", s->mapper->name, name,
               near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return NULL;
}

/* Pushes "User.name" and returns it. */
static const char *what_of(lua_State *L, const bind_statement *s, const mr_column *column) {
    const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, column) : NULL;
    return lua_pushfstring(L, "%s.%s", s->mapper ? s->mapper->name : column->table->name,
                           prop ? prop->name : column->name);
}

/* The columns that the row at idx names, in the table's order: pushes the array. */
static mr_column **read_columns(lua_State *L, const bind_statement *s, int idx, const char *function,
                                size_t *n) {
    const mr_table *table = s->dml.table->u.table;
    mr_column **columns = lua_newuserdatauv(L, (table->ncolumns + 1) * sizeof *columns, 0);
    bool *named = lua_newuserdatauv(L, table->ncolumns + 1, 0);
    memset(named, 0, table->ncolumns + 1);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, function, "values by column name");
        const mr_column *column = column_of(L, s, lua_tostring(L, -2));
        if (column->table != table || column->index >= table->ncolumns)
            bind_error(L, MR_ERR_ARGUMENT, "%s: the column '%s' is in another table", function, column->name);
        named[column->index] = true;
    }
    *n = 0;
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (named[i]) columns[(*n)++] = table->columns[i];
    lua_pop(L, 1);
    return columns;
}

/* Pushes the value that the row at idx has for the column (its attribute's name, or its own); nil when none.
 */
static void push_field(lua_State *L, const bind_statement *s, int idx, const mr_column *column) {
    const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, column) : NULL;
    lua_getfield(L, idx, prop ? prop->name : column->name);
    if (!lua_isnil(L, -1) || !s->mapper) return;
    lua_pop(L, 1);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) /* a synonym */
        if (lua_type(L, -2) == LUA_TSTRING && column_of(L, s, lua_tostring(L, -2)) == column) {
            lua_remove(L, -2);
            return;
        }
    lua_pushnil(L);
}

/* ---------------------------------------------------------------- defaults */

/* Pushes the column's default as an expression, or pushes nothing and returns false. */
static bool push_default(lua_State *L, const mr_default *d, mr_column *column) {
    bind_state *b = bind_of(L);
    const mr_type *type = mr_column_type(b->env, column);
    mr_value v = mr_value_of(MR_UNLOADED, 0);
    mr_status st = MR_OK;
    switch (d->kind) {
    case MR_DEFAULT_NONE:
        return false;
    case MR_DEFAULT_SQL:
        bind_push_node(L, mr_node_retain(d->expression));
        return true;
    case MR_DEFAULT_VALUE:
        v = d->value;
        break;
    case MR_DEFAULT_NOW:
        v = mr_calendar_now();
        break;
    case MR_DEFAULT_FUNCTION: {
        BIND_ENTER(b, L);
        st = d->fn(b->env, d->ud, &v);
        BIND_LEAVE(b);
        break;
    }
    }
    bind_check(L, st);
    if (v.kind == MR_UNLOADED) v = mr_null_value();
    if (v.kind == MR_OPAQUE && v.tag == b->node_tag)
        bind_push_node(L, mr_node_retain(v.u.p));
    else
        bind_push_node(L, mr_sql_bind(b->env, type, &v));
    return true;
}

/* Adds the columns that have a default for the operation and are not among the n named ones; returns the new
 * n. */
static size_t add_defaulted(const bind_statement *s, mr_column **columns, size_t n) {
    const mr_table *table = s->dml.table->u.table;
    size_t total = n;
    for (unsigned i = 0; i < table->ncolumns; i++) {
        mr_column *column = table->columns[i];
        bool named = false;
        for (size_t j = 0; j < n && !named; j++) named = columns[j] == column;
        if (!named && bind_row_default(s, column).kind != MR_DEFAULT_NONE) columns[total++] = column;
    }
    return total;
}

/* ---------------------------------------------------------------- values */

static void push_columns_list(lua_State *L, mr_column **columns, size_t n) {
    int first = lua_gettop(L) + 1;
    luaL_checkstack(L, (int)n + 8, "too many columns");
    for (size_t i = 0; i < n; i++) bind_push_node(L, mr_sql_column(env_of(L), columns[i], NULL, NULL));
    mr_node **nodes = bind_collect_nodes(L, first, (int)n);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
    lua_replace(L, first);
    lua_settop(L, first);
}

/* Pushes the operands of one row: named ones from the table at idx, the others from defaults. */
static void push_operands(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t named,
                          size_t n) {
    luaL_checkstack(L, (int)n + 8, "too many columns");
    for (size_t i = 0; i < n; i++) {
        mr_column *column = columns[i];
        if (i >= named) {
            mr_default d = bind_row_default(s, column);
            push_default(L, &d, column);
            continue;
        }
        push_field(L, s, idx, column);
        const char *what = what_of(L, s, column);
        if (lua_isnil(L, -2))
            bind_error(L, MR_ERR_ARGUMENT, "%s: the row has no value, as the first one has (write mr.null)",
                       what);
        bind_own_operand(L, -2, mr_column_type(env_of(L), column), what);
        lua_pop(L, 1);
    }
}

/* Every key of the row must be among the first row's columns. */
static void check_same(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t named) {
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "values", "values by column name");
        const mr_column *column = column_of(L, s, lua_tostring(L, -2));
        bool found = false;
        for (size_t i = 0; i < named && !found; i++) found = columns[i] == column;
        if (!found)
            bind_error(L, MR_ERR_ARGUMENT,
                       "values: every row must have the columns of the first, which has no '%s'",
                       lua_tostring(L, -2));
    }
}

/* Pushes the LIST of TUPLEs of the rows from..to of the list at rows. */
static void push_tuples(lua_State *L, const bind_statement *s, int rows, lua_Integer from, lua_Integer to,
                        mr_column **columns, size_t named, size_t n) {
    int first = lua_gettop(L) + 1, count = (int)(to - from + 1);
    bind_check_room(L, count + 8, "values");
    for (lua_Integer i = from; i <= to; i++) {
        int top = lua_gettop(L);
        lua_rawgeti(L, rows, i);
        if (!lua_istable(L, -1)) bind_type_error(L, -1, "values", "rows as tables");
        check_same(L, s, top + 1, columns, named);
        push_operands(L, s, top + 1, columns, named, n);
        mr_node **parts = bind_collect_nodes(L, top + 2, (int)n);
        bind_push_node(L, mr_sql_tuple(env_of(L), parts, n));
        lua_replace(L, top + 1);
        lua_settop(L, top + 1);
    }
    mr_node **tuples = bind_collect_nodes(L, first, count);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, tuples, (size_t)count));
    lua_replace(L, first);
    lua_settop(L, first);
}

void bind_push_with_rows(lua_State *L, int idx, int rows, lua_Integer from, lua_Integer to) {
    const bind_statement *s = bind_test_statement(L, idx);
    size_t named;
    lua_createtable(L, 1, 0); /* a single row as a list of one */
    int list = lua_gettop(L);
    if (from == 0) {
        lua_pushvalue(L, rows);
        lua_rawseti(L, list, 1);
        rows = list;
        from = to = 1;
    }
    lua_rawgeti(L, rows, from);
    if (!lua_istable(L, -1)) bind_type_error(L, -1, "values", "rows as tables");
    mr_column **columns = read_columns(L, s, lua_gettop(L), "values", &named);
    size_t n = add_defaulted(s, columns, named);
    bind_statement *copy = push_copy(L, s);
    int made = lua_gettop(L);
    if (n > 0) {
        push_columns_list(L, columns, n);
        take(L, &copy->dml.columns);
        push_tuples(L, s, rows, from, to, columns, named, n);
        take(L, &copy->dml.values);
    }
    lua_settop(L, made);
    lua_replace(L, list);
    lua_settop(L, list);
}

/* UPDATE: columns and one value each. */
static int update_values(lua_State *L, const bind_statement *s) {
    size_t named;
    mr_column **columns = read_columns(L, s, 2, "values", &named);
    if (named == 0)
        return bind_error(L, MR_ERR_ARGUMENT, "values: the table is empty (NULL is written mr.null)");
    size_t n = add_defaulted(s, columns, named);
    bind_statement *copy = push_copy(L, s);
    int made = lua_gettop(L);
    push_columns_list(L, columns, n);
    take(L, &copy->dml.columns);
    push_operands(L, s, 2, columns, named, n);
    mr_node **nodes = bind_collect_nodes(L, made + 1, (int)n);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
    take(L, &copy->dml.values);
    lua_settop(L, made);
    return 1;
}

/* values(row) or values{ row, row, ... } */
static int s_values(lua_State *L) {
    const bind_statement *s = self(L, "values");
    lua_settop(L, 2);
    if (!lua_istable(L, 2)) return bind_type_error(L, 2, "values", "a row or a list of rows");
    if (s->kind == MR_NODE_DELETE) return bind_error(L, MR_ERR_ARGUMENT, "a DELETE has no values");
    if (s->kind == MR_NODE_UPDATE) return update_values(L, s);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    bind_push_with_rows(L, 1, 2, n > 0 ? 1 : 0, n);
    return 1;
}

/* Splits the row at idx: pushes a table of what is not in the primary key. */
static void push_without_key(lua_State *L, const bind_statement *s, int idx) {
    lua_newtable(L);
    int rest = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "execute", "values by column name");
        const mr_table *table = s->dml.table->u.table;
        const mr_column *column = column_of(L, s, lua_tostring(L, -2));
        bool key = false;
        for (unsigned i = 0; i < table->nprimary && !key; i++) key = table->primary[i] == column;
        if (key) continue;
        lua_pushvalue(L, -2);
        lua_pushvalue(L, -2);
        lua_rawset(L, rest);
    }
}

/* The table on top of the stack, of the new values, gets the version that comes after the row's. */
static void put_next_version(lua_State *L, const bind_statement *s, int row, const mr_column *column) {
    int rest = lua_gettop(L);
    push_field(L, s, row, column);
    const char *what = what_of(L, s, column);
    if (lua_isnil(L, -2))
        bind_error(L, MR_ERR_ARGUMENT,
                   "execute: the row has no value for %s: an update of rows needs the version that each was read with",
                   what);
    lua_pushvalue(L, -2);
    bind_next_version(L, s, what);
    lua_setfield(L, rest, s->mapper->version->name);
    lua_settop(L, rest);
}

/* Adds the criterion that the column has the row's value. */
static void add_criterion(lua_State *L, const bind_statement *s, bind_statement *made, int row, mr_column *column) {
    mr_env *env = env_of(L);
    int top = lua_gettop(L);
    push_field(L, s, row, column);
    const char *what = what_of(L, s, column);
    if (lua_isnil(L, -2) || bind_is_null(L, -2) || bind_test_node(L, -2))
        bind_error(L, MR_ERR_ARGUMENT, "execute: the row has no value for %s: an update of rows needs the primary key of each", what);
    mr_node *value = bind_to_operand(L, -2, mr_column_type(env, column), what);
    mr_node *equal = mr_sql_binary(env, MR_OP_EQ, mr_sql_column(env, column, NULL, NULL), value);
    mr_node *before = made->dml.where;
    made->dml.where = NULL;
    made->dml.where = mr_sql_and(env, before, equal);
    if (!made->dml.where) bind_raise(L);
    lua_settop(L, top);
}

void bind_push_update_by_key(lua_State *L, int idx, int row) {
    const bind_statement *s = bind_test_statement(L, idx);
    const mr_table *table = s->dml.table->u.table;
    mr_column *version = bind_row_version(s);
    lua_pushcfunction(L, s_values);
    lua_pushvalue(L, idx);
    push_without_key(L, s, row);
    if (version) put_next_version(L, s, row, version);
    lua_call(L, 2, 1);
    bind_statement *made = bind_test_statement(L, -1);
    for (unsigned i = 0; i < table->nprimary; i++) add_criterion(L, s, made, row, table->primary[i]);
    if (version) add_criterion(L, s, made, row, version);
}

/* ---------------------------------------------------------------- the other clauses */

static int s_where(lua_State *L) {
    const bind_statement *s = self(L, "where");
    int n = lua_gettop(L) - 1;
    if (s->kind == MR_NODE_INSERT) return bind_error(L, MR_ERR_ARGUMENT, "an INSERT has no WHERE");
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "where: expected at least one criterion, such as User.name:eq(x)");
    for (int i = 2; i <= n + 1; i++) mr_node_release(bind_to_criterion(L, i, "where")); /* checks alone */
    bind_statement *copy = push_copy(L, s);
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
    bind_statement *copy = push_copy(L, s);
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
    take(L, &copy->dml.returning);
    lua_settop(L, 2);
    return 1;
}

/* from_select({ "name", ... }, select) */
static int s_from_select(lua_State *L) {
    const bind_statement *s = self(L, "from_select");
    if (s->kind != MR_NODE_INSERT) return bind_error(L, MR_ERR_ARGUMENT, "from_select is for insert");
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, "from_select", "a list of columns");
    if (!bind_is_query(L, 3)) return bind_type_error(L, 3, "from_select", "a select");
    size_t n = lua_rawlen(L, 2);
    mr_column **columns = lua_newuserdatauv(L, (n + 1) * sizeof *columns, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        columns[i] = lua_type(L, -1) == LUA_TSTRING ? column_of(L, s, lua_tostring(L, -1))
                                                    : bind_column_named_by(L, -1);
        if (!columns[i]) return bind_type_error(L, -1, "from_select", "a column or its name");
        lua_pop(L, 1);
    }
    bind_statement *copy = push_copy(L, s);
    push_columns_list(L, columns, n);
    take(L, &copy->dml.columns);
    mr_node_release(copy->dml.select);
    copy->dml.select = NULL;
    copy->dml.select = bind_to_select(L, 3);
    return 1;
}

/* The index_elements option as columns, in the copy's conflict_target. */
static void read_target(lua_State *L, bind_statement *copy, int options, const char *function,
                        bool required) {
    if (bind_option(L, options, "index_elements") == LUA_TNIL) {
        if (required)
            bind_error(L, MR_ERR_ARGUMENT, "%s: name the conflicting columns: index_elements = { \"id\" }",
                       function);
        lua_pop(L, 1);
        return;
    }
    if (!bind_is_plain_table(L, -1)) bind_type_error(L, -1, function, "a list of columns");
    int list = lua_gettop(L);
    size_t n = lua_rawlen(L, list);
    mr_column **columns = lua_newuserdatauv(L, (n + 1) * sizeof *columns, 0);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, list, (lua_Integer)i + 1);
        columns[i] = lua_type(L, -1) == LUA_TSTRING ? column_of(L, copy, lua_tostring(L, -1))
                                                    : bind_column_named_by(L, -1);
        if (!columns[i]) bind_type_error(L, -1, function, "a column or its name");
        lua_pop(L, 1);
    }
    push_columns_list(L, columns, n);
    take(L, &copy->dml.conflict_target);
    lua_settop(L, list - 1);
}

static int on_conflict(lua_State *L, const char *function, bool update) {
    static const char *const update_names[] = {"index_elements", "set", "where", NULL};
    static const char *const nothing_names[] = {"index_elements", NULL};
    const bind_statement *s = self(L, function);
    int options;
    if (s->kind != MR_NODE_INSERT) return bind_error(L, MR_ERR_ARGUMENT, "%s is for insert", function);
    if (bind_arguments(L, 2, &options) > 0)
        return bind_error(L, MR_ERR_ARGUMENT, "%s takes options only", function);
    bind_check_options(L, options, function, update ? update_names : nothing_names);
    bind_statement *copy = push_copy(L, s);
    int made = lua_gettop(L);
    copy->dml.on_conflict = true;
    read_target(L, copy, options, function, update);
    if (update) {
        size_t n;
        if (bind_option(L, options, "set") != LUA_TTABLE)
            bind_type_error(L, -1, function, "set = { column = value }");
        int set = lua_gettop(L);
        mr_column **columns = read_columns(L, s, set, function, &n);
        if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "%s: set is empty", function);
        push_columns_list(L, columns, n);
        take(L, &copy->dml.conflict_columns);
        int first = lua_gettop(L) + 1;
        push_operands(L, s, set, columns, n, n);
        mr_node **nodes = bind_collect_nodes(L, first, (int)n);
        bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
        take(L, &copy->dml.conflict_values);
        if (bind_option(L, options, "where") != LUA_TNIL) {
            mr_node_release(bind_to_criterion(L, -1, function));
            take(L, &copy->dml.conflict_where);
        }
    }
    lua_settop(L, made);
    return 1;
}

static int s_do_update(lua_State *L) {
    return on_conflict(L, "on_conflict_do_update", true);
}
static int s_do_nothing(lua_State *L) {
    return on_conflict(L, "on_conflict_do_nothing", false);
}

/* statement.excluded: the columns of the row that was not inserted. */
static int get_excluded(lua_State *L) {
    const bind_statement *s = self(L, "excluded");
    mr_node *alias = mr_sql_alias(env_of(L), mr_node_retain(s->dml.table), "excluded");
    bind_push_from(L, alias, NULL);
    bind_push_columns(L, NULL, bind_test_from(L, -1)->node);
    return 1;
}

/* execution_options{ synchronize_session = "fetch" } */
static int s_execution_options(lua_State *L) {
    static const char *const names[] = {"synchronize_session", NULL};
    const bind_statement *s = self(L, "execution_options");
    if (!bind_is_plain_table(L, 2)) return bind_type_error(L, 2, "execution_options", "a table of options");
    bind_check_options(L, 2, "execution_options", names);
    lua_settop(L, 2);
    bind_option(L, 2, "synchronize_session");
    mr_synchronize how = bind_to_synchronize(L, 3, "execution_options");
    push_copy(L, s)->how = how;
    return 1;
}

static int statement_tostring(lua_State *L) {
    bind_push_node(L, bind_statement_node(L, self(L, "tostring")));
    bind_push_sql(L, bind_test_node(L, -1), NULL);
    return 1;
}

void bind_open_statement(lua_State *L) {
    static const luaL_Reg methods[] = {{"values", s_values},
                                       {"where", s_where},
                                       {"returning", s_returning},
                                       {"execution_options", s_execution_options},
                                       {"from_select", s_from_select},
                                       {"on_conflict_do_update", s_do_update},
                                       {"on_conflict_do_nothing", s_do_nothing},
                                       {NULL, NULL}};
    static const luaL_Reg getters[] = {{"excluded", get_excluded}, {NULL, NULL}};
    static const luaL_Reg metamethods[] = {
        {"__gc", statement_gc}, {"__tostring", statement_tostring}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"insert", bind_insert}, {"update", bind_update}, {"delete", bind_delete}, {NULL, NULL}};
    bind_type(L, BIND_STATEMENT, "Statement", methods, getters, metamethods);
    luaL_setfuncs(L, functions, 0);
}
