/*
 * run.c: runs one statement on a session or a connection, into a Result.
 *
 * Invariant: the statement has run to its end before the program gets the Result, which keeps the rows in Lua. So no
 * cursor stays open without the program's knowledge.
 */
#include <limits.h>
#include <string.h>

#include "execute.h"
#include "statement.h"
#include "expression/expression.h"
#include "query/result.h"
#include "state/own.h"
#include "value/engine.h"
#include "value/node.h"
#include "value/proxy.h"
#include "value/decorated.h"
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

/* Reads the value on top for the parameter. False: it is a list that is in the statement already. */
static bool read_param(lua_State *L, int node, bool but_lists, mr_named_value *out) {
    if (!lua_istable(L, -1) && !bind_is_null(L, -1)) {
        if (!bind_to_value(L, -1, NULL, &out->value) || out->value.kind == MR_OPAQUE)
            bind_no_value(L, -1, NULL, lua_pushfstring(L, "parameter '%s'", out->name), "a value", true);
        return true;
    }
    int value = lua_gettop(L);
    const mr_node *param = bind_param_of(L, node, out->name);
    if (but_lists && bind_takes_list(L, value, param)) return false;
    const char *what = lua_pushfstring(L, "parameter '%s'", out->name);
    bind_read_param(L, value, param ? param->type : NULL, what, &out->value);
    lua_settop(L, value);
    return true;
}

/* Reads the values by name of the expression at the index node; but_lists: the lists among them are in it already
 * (bind_own_with_lists). */
static mr_named_value *read_params(lua_State *L, int idx, int node, bool but_lists, size_t *n) {
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
        if (!read_param(L, node, but_lists, next)) {
            lua_pop(L, 1);
            continue;
        }
        next++;
        if (lua_type(L, -1) == LUA_TSTRING || lua_type(L, -1) == LUA_TUSERDATA) lua_insert(L, -2);
        else lua_pop(L, 1);
    }
    *n = (size_t)(next - named);
    return named;
}

mr_named_value *bind_read_params(lua_State *L, int idx, int node, size_t *n) {
    return read_params(L, idx, node, false, n);
}

/* ---------------------------------------------------------------- running one statement */

void bind_cursor_open(lua_State *L, const bind_target *t, bind_cursor *cursor, mr_node *node,
                      const mr_named_value *named, size_t n) {
    bind_state *b = bind_of(L);
    if (t->session) bind_to_session(L, t->owner); /* a default's function may have closed it */
    BIND_ENTER(b, L);
    /* A default's function may have closed the connection. */
    mr_conn *conn = t->session ? NULL : ((bind_connection *)lua_touserdata(L, t->owner))->conn;
    const mr_marks *before = t->session ? mr_session_use_marks(t->session, &t->marks) : NULL;
    mr_status st = t->session ? mr_session_execute(t->session, node, named, n, &cursor->c)
                              : mr_connection_execute(b->env, conn, node, named, n, &cursor->c);
    if (t->session) mr_session_use_marks(t->session, before);
    cursor->open = st == MR_OK;
    BIND_LEAVE(b);
    bind_check(L, bind_note_rows(b->env, t->row, t->last_row, st));
}

/* The name of the attribute that the statement returns in column i; NULL if there is none. */
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

static mr_status step(lua_State *L, const bind_target *t, mr_cursor *cursor, mr_value *values) {
    bind_state *b = bind_of(L);
    mr_status st;
    BIND_CALL(b, L, st = values ? mr_cursor_fetch(cursor, NULL, values) : mr_cursor_step(cursor));
    return bind_check(L, bind_note_rows(b->env, t->row, t->last_row, st));
}

static const char *dialect_of(const bind_target *t) {
    mr_engine *engine = t->conn ? mr_conn_engine(t->conn) : t->session ? mr_session_engine(t->session) : NULL;
    return engine ? mr_engine_dialect(engine)->name : NULL;
}

static const mr_type *type_of_cursor(const void *ud, unsigned i, const char **table, const char **name) {
    mr_cursor *cursor = (mr_cursor *)(uintptr_t)ud;
    const mr_type *const *types = mr_cursor_types(cursor);
    *table = NULL;
    *name = mr_cursor_column_name(cursor, i);
    return types ? types[i] : NULL;
}

/* Runs the cursor to its end and appends its rows to those of the Result at index result, which has *at of them. */
static void drain(lua_State *L, const bind_target *t, const mr_node *node, mr_cursor *cursor, int result,
                  lua_Integer *at) {
    mr_status st = step(L, t, cursor, NULL);
    unsigned width = mr_cursor_column_count(cursor);
    if (width == 0) return;
    bind_result *r = lua_touserdata(L, result);
    if (lua_getiuservalue(L, result, RESULT_ROWS) != LUA_TTABLE) {
        bind_result_find_types(L, result, r, width, type_of_cursor, cursor, dialect_of(t));
        push_names(L, node, cursor, width);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, result, RESULT_NAMES);
        bind_push_row_metatable(L, -1);
        if (r->types) { /* a row may outlive its result */
            lua_getiuservalue(L, result, RESULT_TYPES);
            lua_rawseti(L, -2, 1);
        }
        lua_setiuservalue(L, result, RESULT_ROW_META);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, result, RESULT_ROWS);
    }
    int rows = lua_gettop(L);
    lua_getiuservalue(L, result, RESULT_ROW_META);
    mr_value *values = lua_newuserdatauv(L, width * sizeof *values, 0);
    for (; st == MR_ROW; st = step(L, t, cursor, NULL)) {
        step(L, t, cursor, values);
        bind_push_row(L, values, width, rows + 1, r->types);
        lua_rawseti(L, rows, ++*at);
    }
}

/* Does the database number the rows of the table? */
static bool is_numbered(lua_State *L, mr_cursor *cursor, const mr_table *table) {
    bind_state *b = bind_of(L);
    mr_conn *conn = mr_cursor_conn(cursor);
    mr_table_facts facts = {0};
    BIND_TRY(b, L, conn ? mr_conn_table_facts(conn, table, true, &facts) : MR_OK);
    return facts.numbers;
}

static void push_key_value(lua_State *L, mr_column *column, const mr_value *v) {
    const bind_place place = {.what = column->name};
    bind_push_typed(L, mr_column_type(bind_of(L)->env, column), v, NULL, &place);
    if (!lua_isnil(L, -1)) return;
    lua_pop(L, 1);
    bind_push_null(L);
}

static void push_number(lua_State *L, mr_column *column, int64_t number) {
    const mr_value v = mr_int_value(number);
    push_key_value(L, column, &v);
}

/* Pushes the primary key after an INSERT of one row: given values, and the number that the database made; NULL for what
 * is not known. Pushes false if no row was inserted. */
static void push_inserted_key(lua_State *L, const mr_node *node, mr_cursor *cursor) {
    const mr_dml *d = node->u.dml;
    const mr_table *table = d->table->u.table;
    if (mr_cursor_rowcount(cursor) == 0 || (!mr_cursor_inserted(cursor) && !mr_sql_insert_conflicts_by_key(d))) {
        lua_pushboolean(L, 0);
        return;
    }
    lua_createtable(L, (int)table->nprimary, 0);
    for (unsigned i = 0; i < table->nprimary; i++) {
        const mr_node *value = mr_sql_insert_value(d, table->primary[i]);
        bool numbered = !value && table->primary[i] == table->autoincrement && is_numbered(L, cursor, table);
        if (value && value->kind == MR_NODE_BIND && !value->name) push_key_value(L, table->primary[i], &value->u.value);
        else if (numbered) push_number(L, table->primary[i], mr_cursor_last_insert_id(cursor));
        else bind_push_null(L);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static bool is_single_insert(const mr_node *node) {
    return node->kind == MR_NODE_INSERT && !node->u.dml->select &&
           (!node->u.dml->values || node->u.dml->values->n == 1);
}

/* ---------------------------------------------------------------- the objects in memory */

static void free_synchronizer(void *p) { mr_synchronizer_free(p); }

/* Notes, before an UPDATE or DELETE of a class runs, which objects it will change. Pushes the owner of the note; its
 * pointer is NULL for other statements. */
static bind_owner *push_synchronizer(lua_State *L, const bind_target *t, mr_node *node, const mr_named_value *named,
                                     size_t n) {
    bind_state *b = bind_of(L);
    bind_owner *owner = bind_own(L, free_synchronizer);
    mr_synchronizer *made = NULL;
    mr_status st = MR_OK;
    if (!t->mapper) return owner;
    BIND_ENTER(b, L);
    const mr_marks *before = mr_session_use_marks(t->session, &t->marks);
    st = mr_synchronizer_new(t->session, t->mapper, node, named, n, t->how, &made);
    mr_session_use_marks(t->session, before);
    BIND_LEAVE(b);
    owner->p = made;
    bind_check(L, st);
    return owner;
}

/* Changes those objects, after the statement. */
static void synchronize(lua_State *L, bind_owner *owner) {
    bind_state *b = bind_of(L);
    if (!owner->p) return;
    BIND_TRY(b, L, mr_synchronizer_apply(owner->p));
    bind_own_done(owner);
}

/* ---------------------------------------------------------------- objects that a statement returns */

static void release_query(void *p) { mr_query_release(p); }

/* Appends the list of rows on top of the stack (popped) to the rows of the Result at index result. Returns how many. */
static lua_Integer append_rows(lua_State *L, int result) {
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

/* Reads the load to its end and appends its rows to the Result at index result. Returns how many. */
static lua_Integer append_load(lua_State *L, const bind_target *t, int result, mr_load *load) {
    bind_push_result(L, load, t->owner);
    int given = lua_gettop(L);
    bind_result *r = bind_test(L, given, BIND_RESULT);
    r->row = t->row;
    r->last_row = t->last_row;
    bind_result_all(L, given, r, NULL, NULL);
    for (int value = RESULT_ROW_META; value <= RESULT_NAMES; value++) {
        if (value == RESULT_ROWS) continue;
        lua_getiuservalue(L, given, value);
        lua_setiuservalue(L, result, value);
    }
    lua_Integer n = append_rows(L, result);
    lua_settop(L, given - 1);
    return n;
}

/* Removes the objects in the Result's rows from the session: a DELETE has returned them, and their rows are gone. Those
 * that were in memory before are deleted already. */
static void expunge_returned(lua_State *L, const bind_target *t, int result) {
    bind_state *b = bind_of(L);
    int top = lua_gettop(L);
    lua_getiuservalue(L, result, RESULT_ROWS);
    for (lua_Integer i = 1; lua_rawgeti(L, top + 1, i) != LUA_TNIL; i++) {
        bind_row_get(L, -1, 1);
        mr_entity *entity = bind_test_entity(L, -1);
        if (entity && mr_session_state_of(entity) == MR_PERSISTENT)
            BIND_TRY(b, L, mr_session_expunge(t->session, entity));
        lua_settop(L, top + 1);
    }
    lua_settop(L, top);
}

/* Runs a statement that returns objects. */
static void run_for_objects(lua_State *L, const bind_target *t, int result, mr_node *node, const mr_named_value *named,
                            size_t n) {
    bind_state *b = bind_of(L);
    bind_result *r = bind_test(L, result, BIND_RESULT);
    bind_owner *owner = bind_own(L, release_query);
    mr_load *load = NULL;
    BIND_ENTER(b, L);
    mr_query *q = owner->p = mr_query_returned(t->returned, node, t->populate, named, n);
    q = owner->p = bind_with_loader_options(t->options, q);
    if (q) q->timeout = t->marks.timeout;
    mr_status st = q ? mr_session_load(t->session, q, &load) : MR_FAIL;
    BIND_LEAVE(b);
    bind_check(L, bind_note_rows(b->env, t->row, t->last_row, st));
    lua_Integer count = append_load(L, t, result, load);
    r->rowcount = r->rowcount < 0 ? count : r->rowcount + count;
    r->returns_rows = r->buffered = true;
    bind_own_done(owner);
}

/* ---------------------------------------------------------------- all */

/* Runs a statement that returns columns, or nothing. */
static void run_for_rows(lua_State *L, const bind_target *t, int result, mr_node *node, const mr_named_value *named,
                         size_t n) {
    bind_state *b = bind_of(L);
    bind_result *r = bind_test(L, result, BIND_RESULT);
    bind_cursor *cursor = bind_cursor_new(L);
    bind_cursor_open(L, t, cursor, mr_node_retain(node), named, n);
    mr_cursor *c = cursor->c.cursor;
    bool single = is_single_insert(node);
    if (single && node->u.dml->conflict_columns) mr_cursor_watch_insert(c);
    lua_Integer at = 0;
    if (lua_getiuservalue(L, result, RESULT_ROWS) == LUA_TTABLE) at = (lua_Integer)lua_rawlen(L, -1);
    drain(L, t, node, c, result, &at);
    int64_t rowcount = mr_cursor_rowcount(c);
    r->rowcount = r->rowcount < 0 ? rowcount : r->rowcount + rowcount;
    r->lastrowid = mr_cursor_last_insert_id(c);
    r->inserted_none = rowcount == 0 || !mr_cursor_inserted(c);
    if (mr_cursor_column_count(c) > 0) r->returns_rows = r->buffered = true;
    if (single) {
        push_inserted_key(L, node, c);
        lua_setiuservalue(L, result, RESULT_KEY);
    }
    BIND_CALL(b, L, bind_cursor_close(cursor));
}

mr_node *bind_push_sent(lua_State *L, const bind_target *t, mr_node *node) {
    bind_state *b = bind_of(L);
    bool writes = node->kind == MR_NODE_INSERT || node->kind == MR_NODE_UPDATE || node->kind == MR_NODE_DELETE;
    if (!b->has_own || !writes) return node;
    mr_node *made;
    BIND_CALL(b, L, made = mr_sql_with_sent_values(mr_node_retain(node), dialect_of(t), true));
    if (!made) bind_raise(L);
    bind_push_node(L, made);
    return made;
}

void bind_run_one(lua_State *L, const bind_target *t, int result, int params) {
    int top = lua_gettop(L);
    size_t n;
    bind_own_with_lists(L, top, params);
    const mr_named_value *named = read_params(L, params, top, true, &n);
    mr_node *node = bind_push_sent(L, t, bind_test_node(L, top));
    bind_owner *objects = push_synchronizer(L, t, node, named, n);
    bool deletes_objects = t->returned && node->kind == MR_NODE_DELETE && objects->p;
    if (t->returned) run_for_objects(L, t, result, node, named, n);
    else run_for_rows(L, t, result, node, named, n);
    synchronize(L, objects);
    if (deletes_objects) expunge_returned(L, t, result);
    lua_settop(L, top - 1);
}
