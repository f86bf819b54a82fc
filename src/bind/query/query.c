/*
 * query.c: the values Query and Select: how they are made of items, and found their methods.
 *
 * Invariant: a query value is never changed. A query made from another keeps the source of its session and its class of
 * methods.
 */
#include "query.h"

#include <string.h>

#include "expression/expression.h"
#include "expression/from.h"
#include "state/own.h"
#include "value/class.h"
#include "value/engine.h"
#include "value/relationship.h"
#include "value/schema.h"
#include "value/session.h"

static const char class_key = 0; /* registry: the base query class, a table of methods */

/* ---------------------------------------------------------------- values */

mr_query *bind_query_arg_for_clause(lua_State *L, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    if (q->statement)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "%s: the query runs a statement as it is written (from_statement), which takes nothing further: "
                   "write it in the statement%s",
                   function, q->statement->kind == MR_NODE_SELECT ? ", before that is given to from_statement" : "");
    return q;
}

mr_query *bind_query_arg_for_subquery(lua_State *L, const char *function) {
    mr_query *q = bind_query_arg(L, function);
    const mr_node *s = q->statement;
    if (s && s->kind != MR_NODE_SELECT && s->kind != MR_NODE_COMPOUND && s->kind != MR_NODE_TYPED_TEXT)
        bind_error(L, MR_ERR_INVALID_REQUEST,
                   "%s: the query runs a statement as it is written (from_statement), whose columns are not known: it "
                   "cannot stand in another; write that statement whole, or use a select",
                   function);
    return q;
}

void bind_push_inner_select(lua_State *L, int idx, const char *function) {
    const mr_query *q = bind_test_query(L, idx);
    if (!q) bind_type_error(L, idx, function, "a query");
    mr_query *copy = mr_query_flags(q, -1, -1);
    if (copy) copy->core_labels = true; /* nobody else has the copy yet */
    bind_push_query(L, copy, 0, BIND_SELECT);
    bind_push_node(L, bind_to_select(L, -1));
    lua_remove(L, -2);
}

/* ---------------------------------------------------------------- items */

static const char *item_name(const mr_node *node) {
    const mr_property *prop = node->annotation;
    if (node->kind == MR_NODE_LABEL) return node->name;
    if (node->kind != MR_NODE_COLUMN) return NULL;
    return prop ? prop->name : node->u.column->name;
}

/* How many items the value at idx stands for: a table or subquery stands for its columns. */
static size_t item_count(lua_State *L, int idx) {
    const mr_table *table = bind_test_table(L, idx);
    const bind_from *from = bind_test(L, idx, BIND_FROM);
    return table ? table->ncolumns : from ? mr_from_width(from->node) : 1;
}

static void add_expression(mr_query_item **next, mr_node *node) {
    **next = (mr_query_item){NULL, NULL, node, item_name(node)};
    ++*next;
}

/* Adds the columns of a table or a subquery. Their expressions stay on the stack. */
static void add_columns(lua_State *L, int idx, size_t n, mr_query_item **next) {
    const mr_table *table = bind_test_table(L, idx);
    const bind_from *from = bind_test(L, idx, BIND_FROM);
    luaL_checkstack(L, (int)n + 8, "too many columns");
    for (size_t i = 0; i < n; i++) {
        if (table) bind_push_node(L, mr_sql_column(bind_of(L)->env, table->columns[i], NULL, NULL));
        else bind_push_from_column(L, from->node, i);
        add_expression(next, bind_test_node(L, -1));
    }
}

/* Raises: the value at idx is nothing that a query could give. */
static void refuse_item(lua_State *L, int idx, const char *function) {
    const char *cure = "";
    if (lua_type(L, idx) == LUA_TSTRING)
        cure = " (a class or column is written without quotes; SQL text is run by session:execute(mr.text \"...\"))";
    else if (lua_type(L, idx) == LUA_TFUNCTION) cure = " (a function is called: mr.func.count(User.id))";
    else if (lua_isnil(L, idx)) cure = " (is the variable set?)";
    else if (bind_test(L, idx, BIND_RELATIONSHIP)) cure = bind_class_cure(L, idx, false);
    else if (luaL_getmetafield(L, idx, "__columns") != LUA_TNIL)
        cure = " (a composite is read from its object; its columns are table.unpack(Class.attribute.columns))";
    bind_error(L, MR_ERR_ARGUMENT, "%s: expected classes, columns or other expressions, got %s%s", function,
               bind_describe(L, idx), cure ? cure : "");
}

static void add_item(lua_State *L, int idx, const char *function, mr_query_item **next) {
    mr_mapper *mapper = bind_test_class(L, idx);
    const bind_from *aliased = bind_test(L, idx, BIND_ALIASED);
    mr_node *node = bind_test_node(L, idx);
    if (mapper) {
        *(*next)++ = (mr_query_item){mapper, NULL, NULL, mapper->name};
    } else if (aliased) {
        const char *name = aliased->node->name && *aliased->node->name ? aliased->node->name : aliased->mapper->name;
        *(*next)++ = (mr_query_item){aliased->mapper, aliased->node, NULL, name};
    } else if (node) {
        add_expression(next, node);
        if (bind_expression_key(L, idx)) (*next)[-1].name = bind_expression_key(L, idx);
    } else if (bind_test_table(L, idx) || bind_test(L, idx, BIND_FROM)) {
        add_columns(L, idx, item_count(L, idx), next);
    } else if (bind_is_query(L, idx)) {
        bind_push_node(L, mr_sql_scalar(bind_of(L)->env, bind_to_select(L, idx)));
        add_expression(next, bind_test_node(L, -1));
    } else {
        refuse_item(L, idx, function);
    }
}

mr_query_item *bind_read_items(lua_State *L, int first, int n, const char *function, unsigned *count) {
    size_t total = 0;
    if (n <= 0) bind_error(L, MR_ERR_ARGUMENT, "%s: expected at least one class or column", function);
    bind_check_room(L, n + 8, function);
    for (int i = 0; i < n; i++) total += item_count(L, first + i);
    mr_query_item *items = lua_newuserdatauv(L, (total + 1) * sizeof *items, 0), *next = items;
    for (int i = 0; i < n; i++) add_item(L, first + i, function, &next);
    *count = (unsigned)(next - items);
    return items;
}

void bind_retain_items(mr_query_item *items, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        mr_node_retain(items[i].alias);
        mr_node_retain(items[i].expression);
    }
}

/* Makes the query on top of the stack read from the joins (mr.join) among the n values from index first on. */
static void read_from_joins(lua_State *L, int first, int n) {
    int query = lua_gettop(L);
    for (int i = first; i < first + n; i++) {
        const bind_from *from = bind_test(L, i, BIND_FROM);
        if (!from || from->node->kind != MR_NODE_JOIN) continue;
        mr_query *q = mr_query_select_from(bind_test_query(L, query), mr_node_retain(from->node));
        bind_query *box = bind_query_at(L, query);
        if (!q) bind_raise(L);
        mr_query_release(box->query); /* nobody else has it yet */
        box->query = q;
    }
}

int bind_select(lua_State *L) {
    int options;
    unsigned count;
    int n = bind_arguments(L, 1, &options);
    bind_check_options(L, options, "select", (const char *const[]){NULL});
    mr_query_item *items = bind_read_items(L, 1, n, "select", &count);
    bind_retain_items(items, count);
    bind_push_query(L, mr_query_new(bind_of(L)->env, items, count, true), 0, BIND_SELECT);
    read_from_joins(L, 1, n);
    return 1;
}

/* ---------------------------------------------------------------- as SQL */

static void release_node(void *p) { mr_node_release(p); }

/* Argument: where the query's session comes from. Returns its engine, as light userdata. A scoped session is not asked
 * for its session, which it would make: what is printed must not have an effect. */
static int engine_body(lua_State *L) {
    mr_engine *engine = NULL;
    if (bind_session_at(L, 1)) {
        engine = mr_session_engine(bind_to_session(L, 1));
    } else {
        lua_getfield(L, 1, "_engine");
        lua_pushvalue(L, 1);
        lua_call(L, 1, 1);
        engine = bind_test_engine(L, -1);
    }
    lua_pushlightuserdata(L, engine);
    return 1;
}

/* The dialect of the engine that the query's session has now, or would get; NULL (SQLite) if it has none, or there is
 * no scope. An error of the program's own goes on: of its scopefunc, or of a debug hook. */
static const mr_dialect *dialect_of(lua_State *L, int idx) {
    mr_engine *engine = NULL;
    int top = lua_gettop(L);
    luaL_checkstack(L, 4, "SQL of a query");
    if (lua_getiuservalue(L, idx, QUERY_SOURCE) != LUA_TNIL) {
        lua_pushcfunction(L, engine_body);
        lua_pushvalue(L, -2);
        if (lua_pcall(L, 1, 1, 0) == LUA_OK) engine = lua_touserdata(L, -1);
        else if (luaL_getmetafield(L, -1, "__errkind") == LUA_TNIL) lua_error(L);
    }
    lua_settop(L, top);
    return engine ? mr_engine_dialect(engine) : NULL;
}

static int push_sql(lua_State *L, const char *function, bind_sql_form form) {
    mr_query *q = bind_query_arg(L, function);
    bind_state *b = bind_of(L);
    if (!form.dialect) form.dialect = dialect_of(L, 1);
    bind_owner *owner = bind_own(L, release_node);
    mr_node *node = NULL;
    mr_status st;
    BIND_CALL(b, L, st = form.literals ? mr_query_whole_statement(q, &node) : mr_load_statement(q, false, &node));
    owner->p = node;
    bind_check(L, st);
    if (q->tag) lua_pushfstring(L, "/* %s */ ", q->tag);
    bind_push_sql(L, node, form);
    if (q->tag) lua_concat(L, 2);
    bind_own_done(owner);
    return 1;
}

static int query_tostring(lua_State *L) { return push_sql(L, "tostring", (bind_sql_form){0}); }

/* sql{ dialect = "postgresql", literals = true } */
int bind_query_sql(lua_State *L) {
    bind_query_arg(L, "sql");
    return push_sql(L, "sql", bind_arg_sql_form(L));
}

/* ---------------------------------------------------------------- classes of queries */

/* The nearest name among the methods of the query class at idx and of the classes that it extends. */
static const char *nearest_method(lua_State *L, int idx, const char *name) {
    const char *near = bind_nearest_key(L, idx, name);
    lua_pushvalue(L, idx);
    while (!near && luaL_getmetafield(L, -1, "__index") == LUA_TTABLE) {
        lua_remove(L, -2);
        near = bind_nearest_key(L, -1, name);
    }
    return near;
}

static int refuse_key(lua_State *L, const char *shown) {
    if (lua_type(L, 2) == LUA_TNUMBER)
        return bind_error(L, MR_ERR_ARGUMENT, "a %s is not a list: use :all() or :iter()", shown);
    return bind_type_error(L, 2, shown, "a method's name");
}

/* Names of methods that other libraries give to queries. */
static const bind_cure query_cures[] = {
    {"it is :get(key), or :filter_by{ ... }:first()", {"find", "find_by", "lookup", "fetch", NULL}},
    {"it is :limit(n):offset(m)", {"skip", "take", "top", "range", NULL}},
    {"session:scalars(query) gives the values of one column", {"scalars", "pluck", "values", NULL}},
    {"it is :order_by(x), :order_by(x:desc())", {"sort", "sort_by", "order", "orderby", "reverse", NULL}},
    {"it is :group_by(x)", {"group", "groupby", NULL}},
    {"it is mr.func.NAME(x) in session:query(...)", {"sum", "max", "min", "avg", "average", NULL}},
    {"it is :count() > 0", {"any", "is_empty", "empty", NULL}},
    {"it is :count()", {"len", "length", "size", NULL}},
    {"it is for object in query:iter() do", {"each", "foreach", "ipairs", "pairs", "map", NULL}},
    {"the columns are those of session:query(...), or :with_entities(...)", {"select", "columns", "only", NULL}},
    {"it is :update{ ... }", {"set", "update_all", NULL}},
    {"it is :delete()", {"delete_all", "remove", "destroy", NULL}},
    {NULL, {NULL}},
};

/* The end of the message about a method that there is not. */
static const char *no_method(lua_State *L, const char *name, const char *near) {
    static const char *const loaders[] = {"load_only", "defer", "include", "includes",
                                          "preload",   "with",  "eager",   NULL};
    const char *cure = bind_cure_of(query_cures, name);
    size_t len = strlen(name);
    bool loads = (len > 4 && strcmp(name + len - 4, "load") == 0) || bind_is_among(loaders, name);
    if (!cure && loads) cure = "how related objects are loaded is an option: :options(mr.selectinload(...))";
    if (!cure) cure = bind_elsewhere("Query", name);
    return cure ? lua_pushfstring(L, ": %s", cure) : bind_hint(L, near);
}

/* Upvalue 1: the base class. */
static int query_index(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    if (q && !q->classed && !q->select) { /* nearly always */
        lua_pushvalue(L, 2);
        if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
        lua_settop(L, 2);
    }
    if (lua_type(L, 2) != LUA_TSTRING) return refuse_key(L, "query");
    if (!q || q->select) (void)bind_query_arg(L, lua_tostring(L, 2));
    if (lua_getiuservalue(L, 1, QUERY_CLASS) != LUA_TTABLE) {
        lua_settop(L, 2);
        lua_pushvalue(L, lua_upvalueindex(1));
    }
    lua_pushvalue(L, 2);
    if (lua_gettable(L, 3) != LUA_TNIL) return 1;
    const char *name = lua_tostring(L, 2), *near = nearest_method(L, 3, name);
    const mr_query *asked = bind_test_query(L, 1);
    const mr_mapper *mapper = asked && asked->nitems ? asked->items[0].mapper : NULL;
    if (mapper && mr_mapper_property(mapper, name, true))
        return bind_error(
            L, MR_ERR_ARGUMENT,
            "Query has no method '%s': it is an attribute of %s, whose objects are read by :first(), :all() or "
            ":iter()",
            name, mapper->name);
    return bind_error(L, MR_ERR_ARGUMENT, "Query has no method '%s'%s", name, no_method(L, name, near));
}

/* Upvalue 1: the methods of a Select. */
static int select_index(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING) return refuse_key(L, "select");
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    const char *name = lua_tostring(L, 2);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &class_key);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL)
        return bind_error(L, MR_ERR_ARGUMENT,
                          "a select has no method '%s', as it has no session: run it with session:execute or "
                          "session:scalars, or begin with session:query",
                          name);
    const char *near = bind_nearest_key(L, lua_upvalueindex(1), name);
    return bind_error(L, MR_ERR_ARGUMENT, "Select has no method '%s'%s", name, no_method(L, name, near));
}

static int refuse_use(lua_State *L) {
    const bind_query *q = bind_query_at(L, 1);
    bool select = q && q->select;
    return bind_error(L, MR_ERR_ARGUMENT, "a %s has not run yet: use %s", select ? "select" : "query",
                      select ? "session:execute or session:scalars" : ":all() or :iter()");
}

/* Pushes the methods of Select, then those of Query. */
static void push_methods_of_both(lua_State *L) {
    luaL_getmetatable(L, BIND_SELECT);
    lua_getfield(L, -1, "__index");
    lua_getupvalue(L, -1, 1);
    lua_replace(L, -3);
    lua_pop(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &class_key);
}

void bind_extend_query(lua_State *L, const luaL_Reg *methods, bool of_select) {
    push_methods_of_both(L);
    luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
    if (of_select) luaL_setfuncs(L, methods, 0);
    lua_pop(L, 1);
}

void bind_extend_query_operations(lua_State *L, const bind_operation *operations) {
    push_methods_of_both(L);
    bind_set_operations(L, operations);
    lua_pop(L, 1);
    bind_set_operations(L, operations);
    lua_pop(L, 1);
}

/* session:query(items...) */
static int session_query(lua_State *L) {
    unsigned n;
    int given = lua_gettop(L) - 1;
    bind_session_arg(L, "query");
    mr_query_item *items = bind_read_items(L, 2, given, "query", &n);
    bind_retain_items(items, n);
    bind_push_query(L, mr_query_new(bind_of(L)->env, items, n, false), 1, BIND_QUERY);
    read_from_joins(L, 2, given);
    return 1;
}

/* table:select() */
static int table_select(lua_State *L) {
    bind_arg(L, 1, BIND_TABLE, "select");
    lua_settop(L, 1);
    return bind_select(L);
}

void bind_open_query(lua_State *L) {
    static const luaL_Reg metamethods[] = {
        {"__gc", bind_query_gc}, {"__tostring", query_tostring}, {"__len", refuse_use}, {"__call", refuse_use},
        {"__pairs", refuse_use}, {"__newindex", refuse_use},     {NULL, NULL}};
    static const luaL_Reg of_session[] = {{"query", session_query}, {NULL, NULL}};
    static const luaL_Reg of_table[] = {{"select", table_select}, {NULL, NULL}};
    static const luaL_Reg of_both[] = {{"sql", bind_query_sql}, {NULL, NULL}};
    bind_type(L, BIND_QUERY, "Query", NULL, NULL, metamethods);
    bind_type(L, BIND_SELECT, "Select", NULL, NULL, metamethods);
    luaL_getmetatable(L, BIND_SELECT);
    lua_newtable(L);
    lua_pushcclosure(L, select_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &class_key);
    luaL_getmetatable(L, BIND_QUERY);
    lua_pushvalue(L, -2);
    lua_pushcclosure(L, query_index, 1);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
    bind_make_lookups(L);
    lua_setfield(L, -2, "Query");
    bind_extend_query(L, of_both, true);
    lua_pushcfunction(L, bind_select);
    lua_setfield(L, -2, "select");
    bind_extend_type(L, BIND_SESSION, of_session, NULL);
    bind_extend_type(L, BIND_TABLE, of_table, NULL);
}
