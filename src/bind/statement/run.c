/*
 * run.c: one statement on a session or a connection: its cursor, its rows, and the objects that follow it.
 *
 * Invariant: a statement without entities is run to its end before its Result is given out, and its rows are
 * kept in Lua: no cursor stays open behind the user's back.
 */
#include <limits.h>
#include <string.h>

#include "execute.h"
#include "query/result.h"
#include "state/own.h"
#include "value/engine.h"
#include "value/node.h"
#include "value/proxy.h"
#include "value/row.h"
#include "value/session.h"

#define CURSOR "moonrow.Cursor"

void bind_cursor_close(bind_cursor *cursor) {
    if (!cursor->open) return;
    cursor->open = false;
    mr_session_cursor_close(cursor->env, &cursor->c);
}

static void finalize_cursor(void *p) { bind_cursor_close(p); }

static int cursor_gc(lua_State *L) {
    bind_cursor *cursor = bind_test(L, 1, CURSOR);
    bind_state *b = bind_peek(L);
    if (b && cursor) bind_release_quietly(b, finalize_cursor, cursor);
    return 0;
}

bind_cursor *bind_cursor_new(lua_State *L) {
    bind_cursor *cursor = lua_newuserdatauv(L, sizeof *cursor, 0);
    memset(cursor, 0, sizeof *cursor);
    cursor->env = bind_of(L)->env;
    if (luaL_newmetatable(L, CURSOR)) {
        lua_pushcfunction(L, cursor_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return cursor;
}

/* ---------------------------------------------------------------- parameters */

mr_named_value *bind_read_params(lua_State *L, int idx, size_t *n) {
    *n = 0;
    if (!idx) {
        lua_pushnil(L);
        return NULL;
    }
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING) bind_type_error(L, -2, "parameters", "names, as in { name = \"x\" }");
        ++*n;
    }
    bind_check_room(L, *n < INT_MAX - 8 ? (int)*n + 8 : INT_MAX, "parameters");
    mr_named_value *named = lua_newuserdatauv(L, (*n + 1) * sizeof *named, 0), *next = named;
    for (lua_pushnil(L); lua_next(L, idx);) {
        /* A finalizer may have changed the table. */
        if (next == named + *n || lua_type(L, -2) != LUA_TSTRING)
            bind_error(L, MR_ERR_ARGUMENT, "parameters: the table changes while it is read");
        next->name = bind_intern(L, -2);
        if (!bind_to_value(L, -1, NULL, &next->value) || next->value.kind == MR_OPAQUE) {
            const char *what = lua_pushfstring(L, "parameter '%s'", next->name);
            bind_no_value(L, -2, NULL, what, "a value", true);
        }
        next++;
        if (lua_type(L, -1) == LUA_TSTRING) lua_insert(L, -2);
        else lua_pop(L, 1);
    }
    *n = (size_t)(next - named);
    return named;
}

/* ---------------------------------------------------------------- running one statement */

void bind_cursor_open(lua_State *L, const bind_target *t, bind_cursor *cursor, mr_node *node,
                      const mr_named_value *named, size_t n) {
    bind_state *b = bind_of(L);
    if (t->session) bind_to_session(L, t->owner); /* a default's function may have closed it */
    BIND_ENTER(b, L);
    /* A default's function may have closed the connection. */
    mr_conn *conn = t->session ? NULL : ((bind_connection *)lua_touserdata(L, t->owner))->conn;
    mr_status st = t->session ? mr_session_execute(t->session, node, named, n, &cursor->c)
                              : mr_connection_execute(b->env, conn, node, named, n, &cursor->c);
    cursor->open = st == MR_OK;
    BIND_LEAVE(b);
    bind_check(L, st);
}

/* The attribute that a statement returns as its column i, or NULL. */
static const char *returned_name(const mr_node *node, unsigned i) {
    bool dml = node->kind == MR_NODE_INSERT || node->kind == MR_NODE_UPDATE || node->kind == MR_NODE_DELETE;
    const mr_node *list = dml ? node->u.dml->returning : NULL;
    if (!list || i >= list->n || list->child[i]->kind != MR_NODE_COLUMN) return NULL;
    const mr_property *prop = list->child[i]->annotation;
    return prop ? prop->name : NULL;
}

/* Pushes the names of the cursor's columns. */
static void push_names(lua_State *L, const mr_node *node, mr_cursor *cursor, unsigned width) {
    lua_createtable(L, (int)width, 0);
    for (unsigned i = 0; i < width; i++) {
        const char *name = returned_name(node, i);
        if (!name) name = mr_cursor_column_name(cursor, i);
        if (name) lua_pushstring(L, name);
        else lua_pushboolean(L, 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static mr_status step(lua_State *L, mr_cursor *cursor, mr_value *values) {
    bind_state *b = bind_of(L);
    mr_status st;
    BIND_CALL(b, L, st = values ? mr_cursor_fetch(cursor, NULL, values) : mr_cursor_step(cursor));
    return bind_check(L, st);
}

/* Runs the cursor to its end, its rows into the Result at index result; `at` rows are there already. */
static void drain(lua_State *L, const mr_node *node, mr_cursor *cursor, int result, lua_Integer *at) {
    mr_status st = step(L, cursor, NULL);
    unsigned width = mr_cursor_column_count(cursor);
    if (width == 0) return;
    if (lua_getiuservalue(L, result, RESULT_ROWS) != LUA_TTABLE) {
        push_names(L, node, cursor, width);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, result, RESULT_NAMES);
        bind_push_row_metatable(L, -1);
        lua_setiuservalue(L, result, RESULT_ROW_META);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, result, RESULT_ROWS);
    }
    int rows = lua_gettop(L);
    lua_getiuservalue(L, result, RESULT_ROW_META);
    mr_value *values = lua_newuserdatauv(L, width * sizeof *values, 0);
    for (; st == MR_ROW; st = step(L, cursor, NULL)) {
        step(L, cursor, values);
        bind_push_row(L, values, width, rows + 1);
        lua_rawseti(L, rows, ++*at);
    }
}

/* The value that an INSERT of one row gives the column, or NULL. */
static const mr_node *given_value(const mr_dml *d, const mr_column *column) {
    for (uint32_t j = 0; d->columns && d->values && j < d->columns->n; j++) {
        const mr_node *value = d->values->child[0]->child[j];
        bool none = value->kind == MR_NODE_BIND && !value->name && value->u.value.kind == MR_NULL;
        if (d->columns->child[j]->u.column == column) return none ? NULL : value;
    }
    return NULL;
}

/* Does the statement's conflict target name the whole primary key, with a value for each column? Then the row, new or
 * changed, has the key that was given. */
static bool is_found_by_key(const mr_dml *d) {
    const mr_table *table = d->table->u.table;
    const mr_node *target = d->conflict_target;
    bool found = target && target->n == table->nprimary;
    for (uint32_t i = 0; found && i < target->n; i++)
        found = target->child[i]->kind == MR_NODE_COLUMN && target->child[i]->u.column->primary_key &&
                given_value(d, target->child[i]->u.column);
    return found;
}

/* Does the table make the key that an INSERT leaves out? */
static bool is_numbered(lua_State *L, mr_cursor *cursor, const mr_table *table) {
    bind_state *b = bind_of(L);
    mr_conn *conn = mr_cursor_conn(cursor);
    mr_table_facts facts = {0};
    BIND_TRY(b, L, conn ? mr_conn_table_facts(conn, table, &facts) : MR_OK);
    return facts.numbers;
}

/* Pushes the key of an INSERT of one row, as far as it is known: values that were given, and the number that the
 * database made; false if no row was made. */
static void push_inserted_key(lua_State *L, const mr_node *node, mr_cursor *cursor) {
    const mr_dml *d = node->u.dml;
    const mr_table *table = d->table->u.table;
    if (mr_cursor_rowcount(cursor) == 0 || (!mr_cursor_inserted(cursor) && !is_found_by_key(d))) {
        lua_pushboolean(L, 0);
        return;
    }
    lua_createtable(L, (int)table->nprimary, 0);
    for (unsigned i = 0; i < table->nprimary; i++) {
        const mr_node *value = given_value(d, table->primary[i]);
        bool numbered = !value && table->primary[i] == table->autoincrement && is_numbered(L, cursor, table);
        if (value && value->kind == MR_NODE_BIND && !value->name) bind_push_value_or_null(L, &value->u.value);
        else if (numbered) lua_pushinteger(L, (lua_Integer)mr_cursor_last_insert_id(cursor));
        else bind_push_null(L);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static bool is_single_insert(const mr_node *node) {
    return node->kind == MR_NODE_INSERT && !node->u.dml->select &&
           (!node->u.dml->values || node->u.dml->values->n == 1);
}

static void free_synchronizer(void *p) { mr_synchronizer_free(p); }

/* Pushes the owner of what lets the objects in memory follow the statement. */
static bind_owner *push_synchronizer(lua_State *L, const bind_target *t, mr_node *node, const mr_named_value *named,
                                     size_t n) {
    bind_state *b = bind_of(L);
    bind_owner *owner = bind_own(L, free_synchronizer);
    mr_synchronizer *made = NULL;
    mr_status st;
    BIND_CALL(b, L, st = t->mapper ? mr_synchronizer_new(t->session, t->mapper, node, named, n, t->how, &made) : MR_OK);
    owner->p = made;
    bind_check(L, st);
    return owner;
}

static void follow(lua_State *L, bind_owner *following) {
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, following->p ? mr_synchronizer_apply(following->p) : MR_OK);
    if (following->p) bind_own_done(following);
}

/* ---------------------------------------------------------------- objects that a statement returns */

static void release_query(void *p) { mr_query_release(p); }

/* The objects of the class from what the statement returns. */
static mr_query *query_of(mr_mapper *mapper, mr_node *node, const mr_named_value *named, size_t n) {
    mr_query_item item = {mapper, NULL, NULL, mapper->name};
    mr_query *plain = mr_query_new(mapper->env, &item, 1, false);
    mr_query *q = plain ? mr_query_from_statement(plain, mr_node_retain(node)) : NULL;
    mr_query_release(plain);
    for (size_t i = 0; q && i < n; i++) {
        mr_query *next = mr_query_param_value(q, named[i].name, &named[i].value);
        mr_query_release(q);
        q = next;
    }
    return q;
}

/* The rows on top of the stack (popped), of one object each, become the Result's, behind those that are there. */
static lua_Integer take_rows(lua_State *L, int result) {
    int rows = lua_gettop(L);
    lua_Integer n = (lua_Integer)lua_rawlen(L, rows);
    if (lua_getiuservalue(L, result, RESULT_ROWS) != LUA_TTABLE) {
        lua_pushvalue(L, rows);
        lua_setiuservalue(L, result, RESULT_ROWS);
    } else {
        lua_Integer before = (lua_Integer)lua_rawlen(L, -1);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, rows, i);
            lua_rawseti(L, rows + 1, before + i);
        }
    }
    lua_settop(L, rows - 1);
    return n;
}

/* The rows of the load, read to the end, as those of the Result at index result. */
static lua_Integer take_load(lua_State *L, const bind_target *t, int result, mr_load *load) {
    bind_push_result(L, load, t->owner);
    int given = lua_gettop(L);
    bind_result_all(L, given, bind_test(L, given, BIND_RESULT));
    for (int value = RESULT_ROW_META; value <= RESULT_NAMES; value++) {
        if (value == RESULT_ROWS) continue;
        lua_getiuservalue(L, given, value);
        lua_setiuservalue(L, result, value);
    }
    lua_Integer n = take_rows(L, result);
    lua_settop(L, given - 1);
    return n;
}

/* Objects that a DELETE was the first to load have no row any more. */
static void let_go(lua_State *L, const bind_target *t, int result) {
    bind_state *b = bind_of(L);
    int top = lua_gettop(L);
    lua_getiuservalue(L, result, RESULT_ROWS);
    for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
        bind_row_get(L, -1, 1);
        mr_entity *entity = bind_test_entity(L, -1);
        mr_status st = MR_OK;
        BIND_ENTER(b, L);
        if (entity && mr_session_state_of(entity) == MR_PERSISTENT) st = mr_session_expunge(t->session, entity);
        BIND_LEAVE(b);
        bind_check(L, st);
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
}

/* bind_run_one for a statement that gives objects. */
static void run_for_objects(lua_State *L, const bind_target *t, int result, mr_node *node, const mr_named_value *named,
                            size_t n) {
    bind_state *b = bind_of(L);
    bind_result *r = bind_test(L, result, BIND_RESULT);
    bind_owner *owner = bind_own(L, release_query);
    mr_load *load = NULL;
    BIND_ENTER(b, L);
    owner->p = query_of(t->returned, node, named, n);
    mr_status st = owner->p ? mr_session_load(t->session, owner->p, &load) : MR_FAIL;
    BIND_LEAVE(b);
    bind_check(L, st);
    lua_Integer count = take_load(L, t, result, load);
    r->rowcount = r->rowcount < 0 ? count : r->rowcount + count;
    r->returns_rows = r->buffered = true;
    bind_own_done(owner);
}

void bind_run_one(lua_State *L, const bind_target *t, int result, int params) {
    bind_result *r = bind_test(L, result, BIND_RESULT);
    int top = lua_gettop(L);
    size_t n;
    const mr_named_value *named = bind_read_params(L, params, &n);
    mr_node *node = bind_test_node(L, top);
    bind_owner *following = push_synchronizer(L, t, node, named, n);
    if (t->returned) {
        bool deleted = node->kind == MR_NODE_DELETE && following->p;
        run_for_objects(L, t, result, node, named, n);
        follow(L, following);
        if (deleted) let_go(L, t, result);
        lua_settop(L, top - 1);
        return;
    }
    bind_cursor *cursor = bind_cursor_new(L);
    bind_cursor_open(L, t, cursor, mr_node_retain(node), named, n);
    bool single = is_single_insert(node);
    if (single && node->u.dml->conflict_columns) mr_cursor_watch_insert(cursor->c.cursor);
    lua_Integer at = 0;
    if (lua_getiuservalue(L, result, RESULT_ROWS) == LUA_TTABLE) at = (lua_Integer)lua_rawlen(L, -1);
    drain(L, node, cursor->c.cursor, result, &at);
    int64_t rowcount = mr_cursor_rowcount(cursor->c.cursor);
    r->rowcount = r->rowcount < 0 ? rowcount : r->rowcount + rowcount;
    r->lastrowid = mr_cursor_last_insert_id(cursor->c.cursor);
    r->inserted_none = rowcount == 0 || !mr_cursor_inserted(cursor->c.cursor);
    if (mr_cursor_column_count(cursor->c.cursor) > 0) r->returns_rows = r->buffered = true;
    if (single) {
        push_inserted_key(L, node, cursor->c.cursor);
        lua_setiuservalue(L, result, RESULT_KEY);
    }
    bind_state *b = bind_of(L);
    BIND_CALL(b, L, bind_cursor_close(cursor));
    follow(L, following);
    lua_settop(L, top - 1);
}
