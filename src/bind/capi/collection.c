/*
 * collection.c: the embedding API's view of collections and of lists of objects.
 *
 * Invariant: a list owns one pin of each of its objects.
 */
#include <errno.h>

#include "capi.h"
#include "class/class.h"
#include "value/proxy.h"
#include "value/query.h"

typedef struct items_args {
    mr_object *object;
    const char *name;
    mr_object *item;
    size_t at;
    void *out;
    bool none;
} items_args;

static mr_result run_items(lua_State *L, lua_CFunction body, items_args *args) {
    mr_result result = capi_run(L, body, args, 0, 0);
    return result == MR_RESULT_OK && args->none ? MR_RESULT_NONE : result;
}

/* Pushes the collection. */
static void push_collection(lua_State *L, const items_args *a) {
    bind_push_entity(L, a->object);
    lua_getfield(L, -1, a->name);
    if (!bind_test(L, -1, BIND_COLLECTION)) {
        const char *what = lua_pushfstring(L, "%s.%s", a->object->mapper->name, a->name);
        bind_type_error(L, -2, what, "a collection");
    }
}

static int count_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    *(size_t *)a->out = (size_t)luaL_len(L, -1);
    return 0;
}

mr_result mr_object_count(lua_State *L, mr_object *object, const char *attribute, size_t *out) {
    return run_items(L, count_body, &(items_args){object, attribute, NULL, 0, out, false});
}

static int item_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    a->none = a->at >= (size_t)luaL_len(L, -1);
    if (a->none) return 0;
    lua_geti(L, -1, (lua_Integer)a->at + 1);
    capi_give_object(L, -1, a->out);
    return 0;
}

mr_result mr_object_item(lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object **out) {
    return run_items(L, item_body, &(items_args){object, attribute, NULL, at, out, false});
}

static int items_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    capi_give_list(L, -1, a->out);
    return 0;
}

mr_result mr_object_items(lua_State *L, mr_object *object, const char *attribute, mr_list **out) {
    return run_items(L, items_body, &(items_args){object, attribute, NULL, 0, out, false});
}

/* Calls collection:method([at + 1,] item), leaving one result. */
static void call_method(lua_State *L, const items_args *a, const char *method, bool with_position) {
    push_collection(L, a);
    lua_getfield(L, -1, method);
    lua_insert(L, -2);
    if (with_position) lua_pushinteger(L, (lua_Integer)a->at + 1);
    if (a->item) bind_push_entity(L, a->item);
    lua_call(L, 1 + with_position + (a->item != NULL), 1);
}

static int append_body(lua_State *L) {
    call_method(L, lua_touserdata(L, 1), "append", false);
    return 0;
}

mr_result mr_object_append(lua_State *L, mr_object *object, const char *attribute, mr_object *item) {
    return run_items(L, append_body, &(items_args){object, attribute, item, 0, NULL, false});
}

static int insert_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    a->none = a->at > (size_t)luaL_len(L, -1);
    if (!a->none) call_method(L, a, "insert", true);
    return 0;
}

mr_result mr_object_insert(lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object *item) {
    return run_items(L, insert_body, &(items_args){object, attribute, item, at, NULL, false});
}

static int remove_body(lua_State *L) {
    call_method(L, lua_touserdata(L, 1), "remove", false);
    return 0;
}

mr_result mr_object_remove(lua_State *L, mr_object *object, const char *attribute, mr_object *item) {
    return run_items(L, remove_body, &(items_args){object, attribute, item, 0, NULL, false});
}

static int clear_body(lua_State *L) {
    call_method(L, lua_touserdata(L, 1), "clear", false);
    return 0;
}

mr_result mr_object_clear(lua_State *L, mr_object *object, const char *attribute) {
    return run_items(L, clear_body, &(items_args){object, attribute, NULL, 0, NULL, false});
}

static int contains_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    call_method(L, a, "contains", false);
    a->none = !lua_toboolean(L, -1);
    return 0;
}

mr_result mr_object_contains(lua_State *L, mr_object *object, const char *attribute, mr_object *item) {
    return run_items(L, contains_body, &(items_args){object, attribute, item, 0, NULL, false});
}

/* ---------------------------------------------------------------- lists */

size_t mr_list_count(const mr_list *list) { return list->n; }

mr_object *mr_list_at(const mr_list *list, size_t at) { return at < list->n ? list->items[at] : NULL; }

mr_list *mr_list_retain(mr_list *list) {
    list->refs++;
    return list;
}

/* 1: where to; 2..: what was returned. A query gives all its objects. */
static int list_from_results(lua_State *L, int idx, mr_list **out) {
    if (bind_test(L, idx, BIND_QUERY)) {
        lua_getfield(L, idx, "all");
        lua_pushvalue(L, idx);
        lua_call(L, 1, 1);
        idx = lua_gettop(L);
    }
    *out = capi_to_list(L, idx);
    return 0;
}

/* 1: where to; 2: the function; 3..: its arguments. */
static int call_body(lua_State *L) {
    mr_list **out = lua_touserdata(L, 1);
    lua_call(L, lua_gettop(L) - 2, 1);
    return list_from_results(L, 2, out);
}

mr_result mr_list_call(lua_State *L, int nargs, mr_list **out) {
    mr_list *list = NULL;
    mr_result result = capi_run(L, call_body, &list, nargs + 1, 0);
    if (result == MR_RESULT_OK) *out = list;
    return result;
}

typedef struct eval_args {
    const char *code;
    mr_list *list;
} eval_args;

static int eval_body(lua_State *L) {
    eval_args *a = lua_touserdata(L, 1);
    if (luaL_loadstring(L, a->code) != LUA_OK) return lua_error(L);
    lua_call(L, 0, 1);
    return list_from_results(L, 2, &a->list);
}

mr_result mr_list_eval(lua_State *L, const char *code, mr_list **out) {
    eval_args args = {code, NULL};
    mr_result result = capi_run(L, eval_body, &args, 0, 0);
    if (result == MR_RESULT_OK) *out = args.list;
    return result;
}
