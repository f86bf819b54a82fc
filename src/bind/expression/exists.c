/*
 * exists.c: mr.exists: EXISTS of a query, or one that is built from criteria, mr.exists():where(...).
 *
 * Invariant: an EXISTS is never changed; its methods make a new one. What its criteria name and the statement around it
 * does not read, it reads itself.
 */
#include "expression.h"

#include "from.h"
#include "state/own.h"
#include "value/class.h"
#include "value/query.h"
#include "value/relationship.h"

static void release_node(void *p) { mr_node_release(p); }

/* Reads the value at idx as an item of a query: an expression, a class or the alias of a class. false: it is none. */
static bool read_item(lua_State *L, int idx, mr_query_item *item) {
    *item = (mr_query_item){.expression = bind_test_node(L, idx)};
    if (item->expression) return true;
    item->mapper = bind_test_class(L, idx);
    const bind_from *aliased = item->mapper ? NULL : bind_test(L, idx, BIND_ALIASED);
    if (aliased) {
        item->mapper = aliased->mapper;
        item->alias = aliased->node;
    }
    if (item->mapper) item->name = item->mapper->name;
    return item->mapper != NULL;
}

/* Pushes the EXISTS of a query of the items among the n arguments, which reads the rows of its classes alone; without
 * items, one that reads nothing yet. */
static void push_of_items(lua_State *L, int n) {
    bind_state *b = bind_of(L);
    mr_query_item *items = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *items, 0);
    unsigned count = 0;
    for (int i = 1; i <= n; i++) count += read_item(L, i, &items[count]);
    if (!count) {
        bind_push_node(L, mr_sql_exists_any(b->env));
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        mr_node_retain(items[i].alias);
        mr_node_retain(items[i].expression);
    }
    bind_push_query(L, mr_query_new(b->env, items, count, true), 0, BIND_SELECT);
    mr_query *q = bind_test_query(L, -1);
    mr_node *node = NULL;
    BIND_CALL(b, L, (void)mr_query_exists(q, &node));
    bind_push_node(L, node);
}

/* exists(query), exists(), exists(User, ...), exists(User.id, ...), exists(table, ...) */
static int f_exists(lua_State *L) {
    mr_env *env = bind_of(L)->env;
    int n = lua_gettop(L);
    mr_node *node = bind_test_node(L, 1);
    bool subquery = node && node->kind == MR_NODE_SUBQUERY;
    if (n > 0 && (subquery || bind_is_query(L, 1))) {
        if (n > 1)
            return bind_error(L, MR_ERR_ARGUMENT, "exists: expected a select or a query alone, got the argument %s",
                              bind_describe(L, 2));
        bind_push_node(L, mr_sql_exists(env, subquery ? mr_node_retain(node) : bind_to_select(L, 1)));
        return 1;
    }
    luaL_checkstack(L, 8, "exists");
    for (int i = 1; i <= n; i++)
        if (lua_isnil(L, i)) return bind_type_error(L, i, "exists", "a select, a query, a class or a column");
    push_of_items(L, n);
    int made = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        mr_query_item item;
        mr_mapper *mapper;
        if (read_item(L, i, &item)) continue;
        mr_node *from = bind_to_from(L, i, "exists", &mapper);
        bind_push_node(L, mr_sql_exists_from(env, mr_node_retain(bind_test_node(L, made)), from));
        lua_replace(L, made);
    }
    lua_settop(L, made);
    return 1;
}

/* The EXISTS at index 1; raises for other expressions. */
static mr_node *self(lua_State *L, const char *function) {
    mr_node *x = bind_arg_node(L, 1, function);
    if (x->kind != MR_NODE_EXISTS)
        bind_error(L, MR_ERR_ARGUMENT, "%s is for mr.exists() and for queries: %s is an expression", function,
                   bind_push_what(L, x));
    return x;
}

/* What tells the rows of the classes that the criterion is the first to name in the EXISTS; or NULL. Owned by the stack
 * value that it pushes. */
static mr_node *push_told(lua_State *L, const mr_node *exists, const mr_node *criterion) {
    bind_state *b = bind_of(L);
    const mr_node *select = exists->child[0];
    mr_node *told = NULL;
    mr_status status;
    bind_owner *owner = bind_own(L, release_node);
    BIND_CALL(b, L,
              status = mr_where_rows(b->env, criterion, select->kind == MR_NODE_SELECT ? select->u.select->from : NULL,
                                     &told));
    owner->p = told;
    bind_check(L, status);
    return told;
}

/* mr.exists():where(criterion, ...) */
static int exists_where(lua_State *L) {
    int n = lua_gettop(L);
    self(L, "where");
    if (n < 2) return bind_error(L, MR_ERR_ARGUMENT, "where: expected a criterion, such as User.name:eq(x)");
    for (int i = 2; i <= n; i++) {
        mr_node *criterion = bind_arg_criterion(L, i, "where"), *x = self(L, "where");
        mr_node *told = push_told(L, x, criterion);
        mr_node_retain(criterion);
        if (told) criterion = mr_sql_and(x->env, criterion, mr_node_retain(told));
        bind_push_node(L, mr_sql_exists_where(x->env, mr_node_retain(x), criterion));
        lua_replace(L, 1);
        lua_settop(L, n);
    }
    lua_settop(L, 1);
    return 1;
}

/* What tells the rows of a class that shares its table; or NULL. A new reference. */
static mr_node *criterion_of(lua_State *L, mr_mapper *mapper, mr_node *from) {
    bind_state *b = bind_of(L);
    mr_node *criterion = NULL;
    mr_status status = MR_OK;
    bind_configure(L, mapper);
    BIND_CALL(b, L, status = mr_inheritance_criterion(b->env, mapper, from, &criterion));
    if (status != MR_OK) bind_raise(L);
    return criterion;
}

static int exists_select_from(lua_State *L) {
    int n = lua_gettop(L);
    self(L, "select_from");
    if (n < 2)
        return bind_error(L, MR_ERR_ARGUMENT, "%s: expected a class, an alias, a table or a subquery", "select_from");
    for (int i = 2; i <= n; i++) {
        mr_mapper *mapper;
        mr_node *from = bind_to_from(L, i, "select_from", &mapper), *x = bind_test_node(L, 1);
        bind_push_from(L, from, NULL);
        mr_node *criterion = mapper ? criterion_of(L, mapper, from) : NULL;
        mr_node *made = mr_sql_exists_from(x->env, mr_node_retain(x), mr_node_retain(from));
        if (criterion && made) made = mr_sql_exists_where(x->env, made, criterion);
        else mr_node_release(criterion);
        bind_push_node(L, made);
        lua_replace(L, 1);
        lua_settop(L, n);
    }
    lua_settop(L, 1);
    return 1;
}

/* correlate(a, ...), correlate(mr.null), correlate_except(a, ...) */
static int exists_correlate(lua_State *L) {
    const bind_operation *o = bind_operation_of(L);
    mr_node *x = self(L, o->name);
    bind_push_froms(L, 2, lua_gettop(L) - 1, o->name);
    bind_push_node(
        L, mr_sql_exists_correlate(x->env, mr_node_retain(x), mr_node_retain(bind_test_node(L, -1)), o->flags != 0));
    return 1;
}

void bind_open_exists(lua_State *L) {
    static const bind_operation correlates[] = {{"correlate", exists_correlate, MR_OP_NONE, 0},
                                                {"correlate_except", exists_correlate, MR_OP_NONE, 1},
                                                {NULL, NULL, MR_OP_NONE, 0}};
    static const luaL_Reg methods[] = {{"where", exists_where}, {"select_from", exists_select_from}, {NULL, NULL}};
    bind_extend_type(L, BIND_EXPRESSION, methods, NULL);
    bind_push_methods(L, BIND_EXPRESSION);
    bind_set_operations(L, correlates);
    lua_pop(L, 1);
    lua_pushcfunction(L, f_exists);
    lua_setfield(L, -2, "exists");
}
