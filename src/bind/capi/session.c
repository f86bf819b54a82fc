/*
 * session.c: the embedding API's view of sessions: an mr_db stands for a Session, a scoped session or a Database.
 *
 * Invariant: each call asks the Lua value for its session, so a scoped session follows its scope.
 */
#include <errno.h>
#include <string.h>

#include "capi.h"
#include "value/class.h"
#include "value/proxy.h"
#include "value/session.h"

/* ---------------------------------------------------------------- handles */

typedef struct db_args {
    const char *name;
    mr_db *db;
} db_args;

/* Does the value at the index give a session? */
static bool gives_session(lua_State *L, int idx) {
    if (bind_test(L, idx, BIND_SESSION)) return true;
    return lua_istable(L, idx) && luaL_getmetafield(L, idx, "__name") != LUA_TNIL &&
           lua_getfield(L, idx, "_session") == LUA_TFUNCTION;
}

/* Makes the handle of the value at the index. */
static mr_db *make_db(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    if (!gives_session(L, idx)) bind_type_error(L, idx, "mr_db", "a Database, a scoped session or a Session");
    bind_state *b = bind_of(L);
    bind_ref *ref = bind_ref_new(L, idx);
    mr_db *db = mr_alloc(b->env, sizeof *db);
    if (!db) {
        bind_ref_release(ref);
        bind_raise(L);
        return NULL;
    }
    *db = (mr_db){ref, b->env, 1};
    if (b->made) b->made->db = db;
    return db;
}

static int at_body(lua_State *L) {
    ((db_args *)lua_touserdata(L, 1))->db = make_db(L, 2);
    return 0;
}

mr_result mr_db_at(lua_State *L, int index, mr_db **out) {
    db_args args = {NULL, NULL};
    if (!lua_checkstack(L, 1)) return MR_RESULT_FAIL;
    lua_pushvalue(L, index);
    mr_result result = capi_run(L, at_body, &args, 1, 0);
    if (result == MR_RESULT_OK) *out = args.db;
    return result;
}

static int global_body(lua_State *L) {
    db_args *a = lua_touserdata(L, 1);
    lua_getglobal(L, a->name);
    a->db = make_db(L, -1);
    return 0;
}

mr_result mr_db_global(lua_State *L, const char *name, mr_db **out) {
    db_args args = {name, NULL};
    mr_result result = capi_run(L, global_body, &args, 0, 0);
    if (result == MR_RESULT_OK) *out = args.db;
    return result;
}

mr_db *mr_db_retain(mr_db *db) {
    if (db) db->refs++;
    return db;
}

void mr_db_push(lua_State *L, mr_db *db) {
    if (db) bind_ref_push(L, db->ref);
    else lua_pushnil(L);
}

/* ---------------------------------------------------------------- calling the session */

typedef struct session_args {
    mr_db *db;
    const char *method;
    const mr_class *klass;
    mr_object *object;
    const char *attribute;
    mr_value value;
    void *out;
    bool none;
} session_args;

static mr_result run_session(lua_State *L, lua_CFunction body, session_args *args) {
    mr_result result = capi_run(L, body, args, 0, 0);
    return result == MR_RESULT_OK && args->none ? MR_RESULT_NONE : result;
}

void capi_push_method(lua_State *L, const char *name) {
    lua_getfield(L, -1, name);
    lua_insert(L, -2);
}

void capi_push_session(lua_State *L, const mr_db *db) {
    bind_ref_push(L, db->ref);
    if (!lua_istable(L, -1)) return;
    capi_push_method(L, "_session");
    lua_call(L, 1, 1);
}

/* session:method([object]) */
static int call_body(lua_State *L) {
    session_args *a = lua_touserdata(L, 1);
    capi_push_session(L, a->db);
    capi_push_method(L, a->method);
    if (a->object) bind_push_entity(L, a->object);
    lua_call(L, a->object ? 2 : 1, 1);
    return 0;
}

static mr_result call(lua_State *L, mr_db *db, const char *method, mr_object *object) {
    session_args args = {.db = db, .method = method, .object = object};
    return run_session(L, call_body, &args);
}

mr_result mr_db_add(lua_State *L, mr_db *db, mr_object *object) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return call(L, db, "add", object);
}

mr_result mr_db_delete(lua_State *L, mr_db *db, mr_object *object) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return call(L, db, "delete", object);
}

mr_result mr_db_expunge(lua_State *L, mr_db *db, mr_object *object) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return call(L, db, "expunge", object);
}

mr_result mr_db_refresh(lua_State *L, mr_db *db, mr_object *object) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return call(L, db, "refresh", object);
}

mr_result mr_db_expire(lua_State *L, mr_db *db, mr_object *object) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return call(L, db, "expire", object);
}

mr_result mr_db_expire_all(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    return call(L, db, "expire_all", NULL);
}

mr_result mr_db_begin(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    return call(L, db, "begin", NULL);
}

mr_result mr_db_flush(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    return call(L, db, "flush", NULL);
}

mr_result mr_db_commit(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    return call(L, db, "commit", NULL);
}

mr_result mr_db_rollback(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    return call(L, db, "rollback", NULL);
}

mr_result mr_db_close(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    return call(L, db, "close", NULL);
}

static int contains_body(lua_State *L) {
    session_args *a = lua_touserdata(L, 1);
    capi_push_session(L, a->db);
    capi_push_method(L, "contains");
    bind_push_entity(L, a->object);
    lua_call(L, 2, 1);
    a->none = !lua_toboolean(L, -1);
    return 0;
}

mr_result mr_db_contains(lua_State *L, mr_db *db, mr_object *object) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    session_args args = {.db = db, .object = object};
    return run_session(L, contains_body, &args);
}

/* Calls a method of the value itself, not of its session. attribute: the field where a Database keeps the value that
 * has the method. */
static int own_body(lua_State *L) {
    const session_args *a = lua_touserdata(L, 1);
    bind_ref_push(L, a->db->ref);
    if (a->attribute && luaL_getmetafield(L, -1, "__name") == LUA_TSTRING) {
        bool database = strcmp(lua_tostring(L, -1), "Database") == 0;
        lua_pop(L, 1);
        if (database) lua_getfield(L, -1, a->attribute);
    }
    capi_push_method(L, a->method);
    lua_call(L, 1, 0);
    return 0;
}

mr_result mr_db_remove(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    session_args args = {.db = db, .method = "remove", .attribute = "session"};
    return run_session(L, own_body, &args);
}

mr_result mr_db_create_all(lua_State *L, mr_db *db) {
    CAPI_NEEDS(L, CAPI_DB, db);
    session_args args = {.db = db, .method = "create_all"};
    return run_session(L, own_body, &args);
}

/* ---------------------------------------------------------------- finding objects */

/* Gives the caller the object on top of the stack; nil there: none. */
static int give_object(lua_State *L, session_args *a) {
    a->none = lua_isnil(L, -1);
    if (!a->none) capi_give_object(L, -1, a->out);
    return 0;
}

static int get_body(lua_State *L) {
    session_args *a = lua_touserdata(L, 1);
    capi_push_session(L, a->db);
    capi_push_method(L, "get");
    bind_push_class(L, a->klass);
    bind_push_value(L, &a->value);
    lua_call(L, 3, 1);
    return give_object(L, a);
}

mr_result mr_db_get_int(lua_State *L, mr_db *db, const mr_class *klass, int64_t key, mr_object **out) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    session_args args = {.db = db, .klass = klass, .value = mr_int_value(key), .out = out};
    return run_session(L, get_body, &args);
}

mr_result mr_db_get_text(lua_State *L, mr_db *db, const mr_class *klass, const char *key, mr_object **out) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    session_args args = {.db = db, .klass = klass, .value = mr_text_value(key, strlen(key)), .out = out};
    return run_session(L, get_body, &args);
}

/* Pushes session:query(Class). */
static void push_query(lua_State *L, const session_args *a) {
    capi_push_session(L, a->db);
    capi_push_method(L, "query");
    bind_push_class(L, a->klass);
    lua_call(L, 2, 1);
}

static int find_body(lua_State *L) {
    session_args *a = lua_touserdata(L, 1);
    push_query(L, a);
    capi_push_method(L, "filter_by");
    lua_createtable(L, 0, 1);
    bind_push_value(L, &a->value);
    lua_setfield(L, -2, a->attribute);
    lua_call(L, 2, 1);
    capi_push_method(L, "first");
    lua_call(L, 1, 1);
    return give_object(L, a);
}

mr_result mr_db_find_int(lua_State *L, mr_db *db, const mr_class *klass, const char *attribute, int64_t value,
                         mr_object **out) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    session_args args = {.db = db, .klass = klass, .attribute = attribute, .out = out};
    args.value = mr_int_value(value);
    return run_session(L, find_body, &args);
}

mr_result mr_db_find_text(lua_State *L, mr_db *db, const mr_class *klass, const char *attribute, const char *value,
                          mr_object **out) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    session_args args = {.db = db, .klass = klass, .attribute = attribute, .out = out};
    args.value = mr_text_value(value, strlen(value));
    return run_session(L, find_body, &args);
}

static int all_body(lua_State *L) {
    session_args *a = lua_touserdata(L, 1);
    push_query(L, a);
    capi_push_method(L, "all");
    lua_call(L, 1, 1);
    capi_give_list(L, -1, "mr_db_all", a->out);
    return 0;
}

mr_result mr_db_all(lua_State *L, mr_db *db, const mr_class *klass, mr_list **out) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    session_args args = {.db = db, .klass = klass, .out = out};
    return run_session(L, all_body, &args);
}

static int count_body(lua_State *L) {
    session_args *a = lua_touserdata(L, 1);
    push_query(L, a);
    capi_push_method(L, "count");
    lua_call(L, 1, 1);
    *(int64_t *)a->out = lua_tointeger(L, -1);
    return 0;
}

mr_result mr_db_count(lua_State *L, mr_db *db, const mr_class *klass, int64_t *out) {
    CAPI_NEEDS(L, CAPI_DB, db);
    CAPI_NEEDS(L, CAPI_CLASS, klass);
    session_args args = {.db = db, .klass = klass, .out = out};
    return run_session(L, count_body, &args);
}
