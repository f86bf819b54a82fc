/*
 * values.c: statement:values: the rows of INSERT and UPDATE, as columns and operands.
 *
 * Invariant: a value is checked against its column when it is given. The defaults of the other columns are added when
 * the statement runs (with_defaults.c).
 */
#include <string.h>

#include "expression/expression.h"
#include "row_default.h"
#include "schema/schema.h"
#include "value/descriptor.h"

static mr_env *env_of(lua_State *L) { return bind_of(L)->env; }

/* ---------------------------------------------------------------- columns by name */

static const char *next_column(void *ud, size_t i) {
    const mr_table *table = ud;
    return i < table->ncolumns ? table->columns[i]->name : NULL;
}

mr_column *bind_statement_column(lua_State *L, const bind_statement *s, const char *name) {
    mr_table *table = (mr_table *)s->dml.table->u.table;
    if (!s->mapper) {
        mr_column *column = mr_table_column(table, name);
        if (column) return column;
        const char *near = mr_nearest(name, next_column, table);
        bind_error(L, MR_ERR_ARGUMENT, "%s has no column '%s'%s", table->name, name, bind_hint(L, near));
    }
    const mr_property *prop = mr_mapper_property(s->mapper, name, true);
    if (prop && prop->kind == MR_PROPERTY_COLUMN) return prop->column;
    const char *near = prop ? NULL : bind_nearest_attribute(L, s->mapper, name);
    if (prop) bind_error(L, MR_ERR_ARGUMENT, "%s.%s is not a column", s->mapper->name, name);
    if (bind_push_descriptor(L, s->mapper, name))
        bind_error(L, MR_ERR_ARGUMENT,
                   "%s.%s is not a column (in a list of rows, the first one must name a hybrid or composite if another "
                   "one does)",
                   s->mapper->name, name);
    bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s", s->mapper->name, name, bind_hint(L, near));
    return NULL;
}

const char *bind_push_column_what(lua_State *L, const bind_statement *s, const mr_column *column) {
    const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, column) : NULL;
    return lua_pushfstring(L, "%s.%s", s->mapper ? s->mapper->name : column->table->name,
                           prop ? prop->name : column->name);
}

/* Without a value that tells its class, a new row would be one of another class. */
static void check_identity(lua_State *L, const bind_statement *s, const bool *named, const char *function) {
    const mr_mapper *m = s->mapper;
    const mr_property *tells = m ? m->discriminator : NULL;
    if (s->kind != MR_NODE_INSERT || !tells || tells->kind != MR_PROPERTY_COLUMN || named[tells->column->index] ||
        tells->column->table != s->dml.table->u.table || !mr_mapper_lacks_identity(m))
        return;
    bind_error(
        L, MR_ERR_ARGUMENT,
        "%s: %s has no polymorphic_identity, so its row would be found as another's: give '%s' a value, or insert "
        "for a subclass",
        function, m->name, tells->name);
}

mr_column **bind_statement_columns(lua_State *L, const bind_statement *s, int idx, const char *function, size_t *n) {
    const mr_table *table = s->dml.table->u.table;
    mr_column **columns = lua_newuserdatauv(L, (table->ncolumns + 1) * sizeof *columns, 0);
    bool *named = lua_newuserdatauv(L, table->ncolumns + 1, 0);
    memset(named, 0, table->ncolumns + 1);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, function, "values by column name");
        const mr_column *column = bind_statement_column(L, s, lua_tostring(L, -2));
        if (column->table != table || column->index >= table->ncolumns)
            bind_error(L, MR_ERR_ARGUMENT, "%s: the column '%s' is in another table", function, column->name);
        named[column->index] = true;
    }
    *n = 0;
    for (unsigned i = 0; i < table->ncolumns; i++)
        if (named[i]) columns[(*n)++] = table->columns[i];
    check_identity(L, s, named, function);
    lua_pop(L, 1);
    return columns;
}

void bind_push_field(lua_State *L, const bind_statement *s, int idx, const mr_column *column) {
    const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, column) : NULL;
    lua_getfield(L, idx, prop ? prop->name : column->name);
    if (!lua_isnil(L, -1) || !s->mapper) return;
    lua_pop(L, 1);
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) /* a synonym */
        if (lua_type(L, -2) == LUA_TSTRING && bind_statement_column(L, s, lua_tostring(L, -2)) == column) {
            lua_remove(L, -2);
            return;
        }
    lua_pushnil(L);
}

/* ---------------------------------------------------------------- values */

void bind_push_column_list(lua_State *L, mr_column **columns, size_t n) {
    int first = lua_gettop(L) + 1;
    luaL_checkstack(L, (int)n + 8, "too many columns");
    for (size_t i = 0; i < n; i++) bind_push_node(L, mr_sql_column(env_of(L), columns[i], NULL, NULL));
    mr_node **nodes = bind_collect_nodes(L, first, (int)n);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
    lua_replace(L, first);
    lua_settop(L, first);
}

/* The value that the statement, which has one row, has for the column already; NULL: it has none. */
static mr_node *value_before(const bind_statement *s, const mr_column *column) {
    const mr_node *columns = s->dml.columns, *values = s->dml.values;
    for (uint32_t i = 0; columns && values && i < columns->n; i++)
        if (columns->child[i]->u.column == column)
            return (s->kind == MR_NODE_INSERT ? values->child[0] : values)->child[i];
    return NULL;
}

/* Adds to the n columns those for which the statement has values already, in the table's order. */
static size_t add_columns_before(const bind_statement *s, mr_column **columns, size_t n) {
    if (!s->dml.columns || !s->dml.values) return n;
    for (uint32_t i = 0; i < s->dml.columns->n; i++) {
        mr_column *column = (mr_column *)s->dml.columns->child[i]->u.column;
        size_t at = 0;
        while (at < n && columns[at]->index < column->index) at++;
        if (at < n && columns[at] == column) continue;
        memmove(columns + at + 1, columns + at, (n++ - at) * sizeof *columns);
        columns[at] = column;
    }
    return n;
}

void bind_push_row_operands(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t n) {
    luaL_checkstack(L, (int)n + 8, "too many columns");
    for (size_t i = 0; i < n; i++) {
        mr_column *column = columns[i];
        bind_push_field(L, s, idx, column);
        mr_node *before = lua_isnil(L, -1) ? value_before(s, column) : NULL;
        if (before) {
            lua_pop(L, 1);
            bind_push_node(L, mr_node_retain(before));
            continue;
        }
        const char *what = bind_push_column_what(L, s, column);
        if (lua_isnil(L, -2))
            bind_error(L, MR_ERR_ARGUMENT, "%s: the row has no value, as the first one has (write mr.null)", what);
        const mr_type *type = mr_column_type(env_of(L), column);
        bind_own_operand(L, -2, type, what);
        const mr_node *node = bind_test_node(L, -2);
        if (node->kind == MR_NODE_BIND && !node->name)
            bind_check(L, mr_type_check_length(env_of(L), type, what, &node->u.value));
        bool is_null = (node->kind == MR_NODE_BIND && !node->name && node->u.value.kind == MR_NULL) ||
                       (node->kind == MR_NODE_LITERAL_SQL && strcmp(node->name, "NULL") == 0);
        bind_check_version(L, s, column, what, is_null);
        lua_pop(L, 1);
    }
}

/* Raises where the row has a column that the first row does not have. */
static void check_same_columns(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t named) {
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "values", "values by column name");
        const mr_column *column = bind_statement_column(L, s, lua_tostring(L, -2));
        bool found = false;
        for (size_t i = 0; i < named && !found; i++) found = columns[i] == column;
        if (!found)
            bind_error(L, MR_ERR_ARGUMENT, "values: every row must have the columns of the first, which has no '%s'",
                       lua_tostring(L, -2));
    }
}

/* Pushes the LIST of TUPLEs of the rows from..to of the list at rows. */
static void push_tuples(lua_State *L, const bind_statement *s, int rows, lua_Integer from, lua_Integer to,
                        mr_column **columns, size_t n) {
    int first = lua_gettop(L) + 1, count = (int)(to - from + 1);
    bind_check_room(L, count + 8, "values");
    for (lua_Integer i = from; i <= to; i++) {
        int top = lua_gettop(L);
        lua_rawgeti(L, rows, i);
        if (!lua_istable(L, -1)) bind_type_error(L, -1, "values", "rows as tables");
        check_same_columns(L, s, top + 1, columns, n);
        bind_push_row_operands(L, s, top + 1, columns, n);
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
    size_t n;
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
    mr_column **columns = bind_statement_columns(L, s, lua_gettop(L), "values", &n);
    n = add_columns_before(s, columns, n);
    bind_statement *copy = bind_push_statement_copy(L, s);
    int made = lua_gettop(L);
    if (n > 0) {
        bind_push_column_list(L, columns, n);
        bind_statement_take(L, &copy->dml.columns);
    }
    if (n > 0 || !bind_writes_no_column(copy)) {
        push_tuples(L, s, rows, from, to, columns, n);
        bind_statement_take(L, &copy->dml.values);
    }
    lua_settop(L, made);
    lua_replace(L, list);
    lua_settop(L, list);
}

/* The statement about the table that the row at index 2 names columns of: the class of the statement, at index 1, may
 * be in several tables. Replaces it on the stack. */
static const bind_statement *about_table(lua_State *L, const bind_statement *s) {
    if (!s->mapper || s->mapper->nparts < 2) return s;
    const mr_column *first = NULL;
    for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
        const mr_column *column =
            lua_type(L, -2) == LUA_TSTRING ? bind_statement_column(L, s, lua_tostring(L, -2)) : NULL;
        if (column && first && column->table != first->table)
            bind_error(L, MR_ERR_ARGUMENT,
                       "update: '%s' is a column of the table '%s', and '%s' one of '%s': write an update for each, or "
                       "use query:update",
                       column->name, column->table->name, first->name, first->table->name);
        if (column) first = column;
    }
    if (!first || first->table == s->dml.table->u.table) return s;
    if (s->dml.columns)
        bind_error(
            L, MR_ERR_ARGUMENT,
            "update: '%s' is a column of the table '%s', and the statement has values for '%s' already: write an "
            "update for each",
            first->name, first->table->name, s->dml.table->u.table->name);
    bind_statement *copy = bind_push_statement_copy(L, s);
    mr_node *table = mr_sql_table(env_of(L), first->table);
    if (!table) bind_raise(L);
    mr_node_release(copy->dml.table);
    copy->dml.table = table;
    lua_replace(L, 1);
    return copy;
}

/* Pushes a copy of the UPDATE that sets the n columns to the values in the table at idx. */
static bind_statement *push_update(lua_State *L, const bind_statement *s, int idx, mr_column **columns, size_t n) {
    bind_statement *copy = bind_push_statement_copy(L, s);
    int made = lua_gettop(L);
    bind_push_column_list(L, columns, n);
    bind_statement_take(L, &copy->dml.columns);
    bind_push_row_operands(L, s, idx, columns, n);
    mr_node **nodes = bind_collect_nodes(L, made + 1, (int)n);
    bind_push_node(L, mr_sql_list(env_of(L), MR_OP_COMMA, nodes, n));
    bind_statement_take(L, &copy->dml.values);
    lua_settop(L, made);
    return copy;
}

/* update(...):values(row) */
static int update_values(lua_State *L, const bind_statement *s) {
    size_t n;
    s = about_table(L, s);
    mr_column **columns = bind_statement_columns(L, s, 2, "values", &n);
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "values: the table is empty (NULL is written mr.null)");
    push_update(L, s, 2, columns, add_columns_before(s, columns, n));
    return 1;
}

/* The column that the value at the index names: an attribute, a column or its name. NULL: it names none. */
static mr_column *named_column(lua_State *L, const bind_statement *s, int idx) {
    mr_column *column = lua_type(L, idx) == LUA_TSTRING ? bind_statement_column(L, s, lua_tostring(L, idx))
                                                        : bind_column_named_by(L, idx);
    if (column && column->table != s->dml.table->u.table)
        bind_error(L, MR_ERR_ARGUMENT, "ordered_values: the column '%s' is in another table", column->name);
    return column;
}

/* ordered_values({ User.name, "x" }, { "age", User.age + 1 }): SET in this order. */
static int s_ordered_values(lua_State *L) {
    const bind_statement *s = bind_arg(L, 1, BIND_STATEMENT, "ordered_values");
    int n = lua_gettop(L) - 1;
    if (s->kind != MR_NODE_UPDATE)
        return bind_error(L, MR_ERR_ARGUMENT, "ordered_values is for update (the values of an insert have no order)");
    if (n == 0) return bind_error(L, MR_ERR_ARGUMENT, "ordered_values: expected pairs such as { User.name, \"x\" }");
    if (s->dml.values)
        return bind_error(L, MR_ERR_INVALID_REQUEST,
                          "ordered_values: the statement has values already: give all in one call, in their order");
    mr_column **columns = lua_newuserdatauv(L, (size_t)n * sizeof *columns, 0);
    lua_createtable(L, 0, n);
    int values = lua_gettop(L);
    for (int i = 0; i < n; i++) {
        if (!bind_is_plain_table(L, i + 2) || lua_rawlen(L, i + 2) != 2)
            return bind_type_error(L, i + 2, "ordered_values", "pairs such as { User.name, \"x\" }");
        lua_rawgeti(L, i + 2, 1);
        if (!(columns[i] = named_column(L, s, lua_gettop(L))))
            return bind_type_error(L, -1, "ordered_values", "a column or its name");
        for (int before = 0; before < i; before++)
            if (columns[before] == columns[i])
                return bind_error(L, MR_ERR_ARGUMENT, "ordered_values: '%s' is set twice", columns[i]->name);
        const mr_property *prop = s->mapper ? mr_mapper_property_of_column(s->mapper, columns[i]) : NULL;
        lua_rawgeti(L, i + 2, 2);
        lua_setfield(L, values, prop ? prop->name : columns[i]->name);
        lua_settop(L, values);
    }
    push_update(L, s, values, columns, (size_t)n)->ordered = true;
    return 1;
}

void bind_open_values(lua_State *L) {
    static const luaL_Reg methods[] = {{"ordered_values", s_ordered_values}, {NULL, NULL}};
    bind_extend_type(L, BIND_STATEMENT, methods, NULL);
}

/* Raises where the values cannot be added to those of the statement. n: how many rows are given in a list. */
static void check_before(lua_State *L, const bind_statement *s, lua_Integer n) {
    if (s->dml.select)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "values: the statement inserts the rows of a select already: name the columns in from_select");
    if (s->ordered)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "values: the statement has ordered_values already: give all in one call, in their order");
    if (s->kind == MR_NODE_INSERT && s->dml.values && (n > 1 || s->dml.values->n > 1))
        bind_error(L, MR_ERR_INVALID_REQUEST, "values: the statement has rows already: give all rows in one list");
}

/* values(row) or values{ row, row, ... } */
int bind_statement_values(lua_State *L) {
    const bind_statement *s = bind_arg(L, 1, BIND_STATEMENT, "values");
    bind_refuse_more(L, 1, "values", " (many rows are given in one list)");
    lua_settop(L, 2);
    if (!lua_istable(L, 2)) return bind_type_error(L, 2, "values", "a row or a list of rows");
    if (s->kind == MR_NODE_DELETE) return bind_error(L, MR_ERR_ARGUMENT, "a DELETE has no values");
    bind_spread_values(L, s->mapper, 2, "values");
    bind_spread_rows(L, s->mapper, 2, "values");
    lua_Integer n = (lua_Integer)lua_rawlen(L, 2);
    check_before(L, s, n);
    if (s->kind == MR_NODE_UPDATE) return update_values(L, s);
    bind_push_with_rows(L, 1, 2, n > 0 ? 1 : 0, n);
    if (n > 1 && bind_writes_no_column(bind_test_statement(L, -1)))
        return bind_error(L, MR_ERR_ARGUMENT,
                          "values: the first of several rows names no column: session:execute(mr.insert(Class), rows) "
                          "sends a statement for each");
    return 1;
}
