/*
 * from.c: aliases of classes and tables, subqueries, and the .c of each.
 *
 * Invariant: the environment has one column for each name and type of a subquery's output. So queries of one structure
 * stay equal in structure, and share their prepared statement.
 */
#include "from.h"

#include <string.h>

#include "expression.h"
#include "value/class.h"
#include "value/descriptor.h"
#include "value/query.h"
#include "value/relationship.h"
#include "value/schema.h"

/* ---------------------------------------------------------------- values */

mr_node *bind_to_from(lua_State *L, int idx, const char *function, mr_mapper **mapper) {
    mr_mapper *m = bind_test_class(L, idx);
    const mr_table *table = m ? m->table : bind_test_table(L, idx);
    *mapper = m;
    if (table) {
        mr_node *node = m ? mr_mapper_from(m) : mr_sql_table(bind_of(L)->env, table);
        if (!node) bind_raise(L);
        return node;
    }
    const bind_from *from = bind_test_from(L, idx);
    if (!from) {
        if (bind_is_query(L, idx))
            bind_error(L, MR_ERR_ARGUMENT, "%s: a query must be made a subquery first: use :subquery()", function);
        bind_type_error(L, idx, function, "a class, an alias, a table or a subquery");
    }
    *mapper = from->mapper;
    return mr_node_retain(from->node);
}

void bind_push_froms(lua_State *L, int first, int n, const char *function) {
    mr_env *env = bind_of(L)->env;
    if (n == 0)
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected a class, an alias, a table or a subquery; none of them is mr.null",
                   function);
    bool none = n == 1 && bind_is_null(L, first);
    luaL_checkstack(L, 8, function);
    bind_push_node(L, mr_sql_list(env, MR_OP_COMMA, NULL, 0));
    for (int i = 0; i < n && !none; i++) {
        mr_mapper *mapper;
        mr_node *from = bind_to_from(L, first + i, function, &mapper);
        bind_push_node(L, mr_sql_list_append(env, mr_node_retain(bind_test_node(L, -1)), from));
        lua_remove(L, -2);
    }
}

/* ---------------------------------------------------------------- .c */

void bind_push_from_column(lua_State *L, mr_node *from, size_t i) {
    mr_node *node = NULL;
    (void)mr_from_item(from, i, &node);
    bind_push_node(L, node);
}

static size_t width(const bind_columns *columns) {
    return columns->from ? mr_from_width(columns->from) : columns->table->ncolumns;
}

static const char *name_at(const bind_columns *columns, size_t i) {
    const char *name = columns->from ? mr_from_name(columns->from, i) : columns->table->columns[i]->name;
    return name ? name : "";
}

static void push_at(lua_State *L, const bind_columns *columns, size_t i) {
    if (columns->from) bind_push_from_column(L, columns->from, i);
    else bind_push_node(L, mr_sql_column(bind_of(L)->env, columns->table->columns[i], NULL, NULL));
}

static size_t find_column(const bind_columns *columns, const char *name) {
    if (columns->from) return mr_from_find(columns->from, name);
    size_t n = columns->table->ncolumns, i = 0;
    while (i < n && strcmp(columns->table->columns[i]->name, name) != 0) i++;
    return i;
}

static const char *next_name(void *ud, size_t i) { return i < width(ud) ? name_at(ud, i) : NULL; }

/* Pushes the column of the class's attribute of that name. false: there is none. */
static bool push_attribute(lua_State *L, const bind_columns *columns, const char *name) {
    mr_property *prop = columns->mapper ? mr_mapper_property(columns->mapper, name, true) : NULL;
    if (!prop || prop->kind != MR_PROPERTY_COLUMN) return false;
    if (columns->aliased) {
        mr_node *node = NULL;
        BIND_CALL(bind_of(L), L, node = mr_property_node(prop, columns->from));
        bind_push_node(L, node);
        bind_name_expression(L, name, prop);
        return true;
    }
    if (mr_from_table(columns->from) != prop->column->table) return false;
    push_at(L, columns, find_column(columns, prop->column->name));
    return true;
}

static int columns_index(lua_State *L) {
    bind_columns *columns = bind_arg(L, 1, BIND_COLUMNS, "c");
    size_t n = width(columns);
    if (lua_isinteger(L, 2)) {
        lua_Integer i = lua_tointeger(L, 2);
        if (i < 1 || (lua_Unsigned)i > n)
            return bind_error(L, MR_ERR_ARGUMENT, "there is no column %d of %d", (int)i, (int)n);
        push_at(L, columns, (size_t)i - 1);
        return 1;
    }
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "c", "a column's name");
    const char *name = lua_tostring(L, 2);
    if (push_attribute(L, columns, name)) return 1;
    size_t at = find_column(columns, name);
    if (at < n) {
        push_at(L, columns, at);
        return 1;
    }
    const char *near = mr_nearest(name, next_name, columns);
    const char *owner = columns->from ? "the subquery" : columns->table->name;
    const mr_node *of = columns->from && columns->from->kind == MR_NODE_CTE ? columns->from->child[0] : NULL;
    if (of && of->flags & MR_NODE_WRITES && n == 0)
        bind_error(L, MR_ERR_ARGUMENT, "the statement returns no columns: write returning(...) before cte()");
    if (columns->from && mr_from_table(columns->from)) owner = mr_from_table(columns->from)->name;
    return bind_error(L, MR_ERR_ARGUMENT, "%s has no column '%s'%s", owner, name, bind_hint(L, near));
}

static int columns_len(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)width(bind_arg(L, 1, BIND_COLUMNS, "#")));
    return 1;
}

/* for name, column in pairs(t.c): in the table's order. Upvalue: the next index. */
static int columns_next(lua_State *L) {
    const bind_columns *columns = bind_arg(L, 1, BIND_COLUMNS, "pairs");
    size_t i = (size_t)lua_tointeger(L, lua_upvalueindex(1));
    if (i >= width(columns)) return 0;
    lua_pushinteger(L, (lua_Integer)i + 1);
    lua_replace(L, lua_upvalueindex(1));
    lua_pushstring(L, name_at(columns, i));
    push_at(L, columns, i);
    return 2;
}

static int columns_pairs(lua_State *L) {
    bind_arg(L, 1, BIND_COLUMNS, "pairs");
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, columns_next, 1);
    lua_pushvalue(L, 1);
    return 2;
}

/* ---------------------------------------------------------------- aliases */

static int from_columns(lua_State *L) {
    const bind_from *from = lua_touserdata(L, 1);
    bind_push_columns(L, NULL, from->node);
    return 1;
}

static int from_name(lua_State *L) {
    const bind_from *from = lua_touserdata(L, 1);
    lua_pushstring(L, from->node->name);
    return 1;
}

static int from_alias(lua_State *L) {
    const bind_from *from = bind_arg(L, 1, BIND_FROM, "alias");
    const char *name = lua_isnoneornil(L, 2) ? NULL : bind_arg_name(L, 2, "alias", "a name");
    mr_env *env = bind_of(L)->env;
    if (from->node->kind == MR_NODE_JOIN)
        return bind_error(L, MR_ERR_ARGUMENT, "alias: a join has no name: give its sides one by mr.aliased");
    mr_node *inner = mr_node_retain(from->node->kind == MR_NODE_CTE ? from->node : from->node->child[0]);
    bool lateral = from->node->kind == MR_NODE_ALIAS && from->node->flags & MR_NODE_LATERAL;
    bind_push_from(L, lateral ? mr_sql_lateral(env, inner, name) : mr_sql_alias(env, inner, name), NULL);
    return 1;
}

static int from_tostring(lua_State *L) {
    const bind_from *from = bind_test_from(L, 1);
    if (!from) return bind_type_error(L, 1, "tostring", "an alias or a subquery");
    bind_push_sql(L, from->node, (bind_sql_form){0});
    return 1;
}

/* Alias.Engineer: a class that with_polymorphic reads with the alias's own. false: there is none of that name. */
static bool push_subclass(lua_State *L, const bind_from *from, const char *name) {
    const mr_polymorphic *with = from->node->annotation;
    for (unsigned i = 0; with && i < with->n; i++)
        if (strcmp(with->classes[i]->name, name) == 0) {
            bind_push_from(L, mr_node_retain(from->node), with->classes[i]);
            return true;
        }
    return false;
}

/* Alias.name: the attribute of the class, as a column of the alias. */
static int aliased_index(lua_State *L) {
    const bind_from *from = bind_arg(L, 1, BIND_ALIASED, "alias");
    if (lua_type(L, 2) != LUA_TSTRING) return bind_type_error(L, 2, "an alias is indexed by", "an attribute's name");
    const char *name = lua_tostring(L, 2);
    mr_property *prop = mr_mapper_property(from->mapper, name, true);
    if (!prop) {
        bind_configure(L, from->mapper); /* a backref may make it */
        prop = mr_mapper_property(from->mapper, name, true);
    }
    if (prop && prop->kind == MR_PROPERTY_RELATIONSHIP) {
        bind_configure(L, from->mapper);
        bind_push_relationship(L, prop, mr_node_retain(from->node), NULL);
    } else if (prop && (prop->kind == MR_PROPERTY_COLUMN || prop->kind == MR_PROPERTY_EXPRESSION)) {
        mr_node *node = NULL;
        BIND_CALL(bind_of(L), L, node = mr_property_node(prop, from->node));
        bind_push_node(L, node);
        bind_name_expression(L, name, prop);
    } else if (bind_push_descriptor(L, from->mapper, name)) {
        bind_express_descriptor(L, 1, from->mapper, name);
    } else if (strcmp(name, "c") == 0) {
        bind_push_attributes(L, from->mapper, from->node, true);
    } else if (push_subclass(L, from, name)) {
        return 1;
    } else {
        const char *near = bind_nearest_attribute(L, from->mapper, name);
        return bind_error(L, MR_ERR_ARGUMENT, "%s has no attribute '%s'%s", from->mapper->name, name,
                          bind_hint(L, near));
    }
    return 1;
}

/* aliased(Class), aliased(Class, "name"), aliased(Class, subquery) */
static int f_aliased(lua_State *L) {
    static const char *const names[] = {"name", NULL};
    mr_env *env = bind_of(L)->env;
    int options;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "aliased", names);
    const char *name = bind_option_string(L, options, "aliased", "name", NULL);
    if (n < 1 || n > 2) return bind_error(L, MR_ERR_ARGUMENT, "aliased: expected a class, and a name or subquery");
    if (n == 2 && lua_type(L, 2) == LUA_TSTRING) name = bind_arg_name(L, 2, "aliased", "a name");
    const bind_from *over = n == 2 ? bind_test(L, 2, BIND_FROM) : NULL;
    if (n == 2 && !over && !name) return bind_type_error(L, 2, "aliased", "a name or a subquery");
    mr_mapper *mapper;
    mr_node *of = bind_to_from(L, 1, "aliased", &mapper);
    if (over && mapper) {
        mr_node_release(of);
        bind_push_from(L, mr_node_retain(over->node), mapper);
    } else if (mapper) {
        mr_node_release(of);
        bind_push_from(L, mr_class_alias(mapper, name), mapper);
    } else if (of->kind == MR_NODE_ALIAS) {
        mr_node *inner = mr_node_retain(of->child[0]);
        mr_node_release(of);
        bind_push_from(L, mr_sql_alias(env, inner, name), mapper);
    } else {
        bind_push_from(L, mr_sql_alias(env, of, name), mapper);
    }
    return 1;
}

const mr_polymorphic *bind_to_polymorphic(lua_State *L, mr_mapper *mapper, int idx, const char *function) {
    enum { MOST = 64 };
    mr_mapper *classes[MOST];
    unsigned n = 0;
    bool all = lua_type(L, idx) == LUA_TSTRING && strcmp(lua_tostring(L, idx), "*") == 0;
    if (!all && !bind_is_plain_table(L, idx))
        bind_type_error(L, idx, function, "a list of subclasses, or \"*\" for all");
    lua_Integer count = all ? 0 : (lua_Integer)lua_rawlen(L, idx);
    if (!all && (count == 0 || count > MOST))
        bind_error(L, MR_ERR_ARGUMENT, "%s: expected subclasses of %s in the list", function, mapper->name);
    for (lua_Integer i = 1; i <= count; i++) {
        lua_rawgeti(L, idx, i);
        mr_mapper *m = bind_arg_class(L, -1, function);
        if (!mr_mapper_isa(m, mapper))
            bind_error(L, MR_ERR_ARGUMENT, "%s: %s is no subclass of %s", function, m->name, mapper->name);
        classes[n++] = m;
        lua_pop(L, 1);
    }
    const mr_polymorphic *with = mr_mapper_with(mapper, classes, n);
    if (!with) bind_raise(L);
    return with;
}

/* with_polymorphic(Class, { Subclass, ... } or "*", { aliased =, flat =, name = }) */
static int f_with_polymorphic(lua_State *L) {
    static const char *const names[] = {"aliased", "flat", "name", NULL};
    const char *function = "with_polymorphic";
    mr_mapper *mapper = bind_arg_class(L, 1, function);
    bind_refuse_more(L, 2, function, "");
    const mr_polymorphic *with = bind_to_polymorphic(L, mapper, 2, function);
    int options = lua_isnoneornil(L, 3) ? 0 : 3;
    if (options && !bind_is_plain_table(L, 3)) return bind_type_error(L, 3, function, "a table of options");
    bind_check_options(L, options, function, names);
    const char *name = bind_option_string(L, options, function, "name", NULL);
    bool aliased = bind_option_bool(L, options, function, "aliased", false) || name ||
                   bind_option_bool(L, options, function, "flat", false);
    mr_node *from = mr_polymorphic_from(with, aliased, name);
    bind_push_from(L, aliased ? mr_from_given(from) : from, mapper);
    return 1;
}

void bind_open_from(lua_State *L) {
    static const luaL_Reg from_getters[] = {
        {"c", from_columns}, {"columns", from_columns}, {"name", from_name}, {NULL, NULL}};
    static const luaL_Reg from_methods[] = {{"alias", from_alias}, {NULL, NULL}};
    static const luaL_Reg from_meta[] = {{"__gc", bind_from_gc}, {"__tostring", from_tostring}, {NULL, NULL}};
    static const luaL_Reg aliased_meta[] = {
        {"__gc", bind_from_gc}, {"__index", aliased_index}, {"__tostring", from_tostring}, {NULL, NULL}};
    static const luaL_Reg columns_meta[] = {{"__gc", bind_columns_gc},
                                            {"__index", columns_index},
                                            {"__len", columns_len},
                                            {"__pairs", columns_pairs},
                                            {NULL, NULL}};
    bind_type(L, BIND_FROM, "Subquery", from_methods, from_getters, from_meta);
    bind_type(L, BIND_ALIASED, "Aliased", NULL, NULL, aliased_meta);
    bind_type(L, BIND_COLUMNS, "Columns", NULL, NULL, columns_meta);
    lua_pushcfunction(L, f_aliased);
    lua_setfield(L, -2, "aliased");
    lua_pushcfunction(L, f_with_polymorphic);
    lua_setfield(L, -2, "with_polymorphic");
}
