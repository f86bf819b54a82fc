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
    const char *name;   /* of the collection's attribute */
    const char *method; /* of the collection, to be called with the item */
    mr_object *item;    /* or NULL */
    size_t at;
    void *out;
    bool none; /* there is no such item */
} items_args;

static mr_result run_items(lua_State *L, lua_CFunction body, items_args *args) {
    mr_result result = capi_run(L, body, args, 0, 0);
    return result == MR_RESULT_OK && args->none ? MR_RESULT_NONE : result;
}

/* Pushes the collection, as a list whatever its kind. */
static void push_collection(lua_State *L, const items_args *a) {
    bind_push_entity(L, a->object);
    lua_getfield(L, -1, a->name);
    if (!bind_is_collection(L, -1)) {
        const char *what = lua_pushfstring(L, "%s.%s", a->object->mapper->name, a->name);
        bind_type_error(L, -2, what, "a collection");
    }
    bind_push_core(L);
    lua_getfield(L, -1, "collection_as_list");
    lua_replace(L, -2);
    lua_insert(L, -2);
    lua_call(L, 1, 1);
}

static int count_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    *(size_t *)a->out = (size_t)luaL_len(L, -1);
    return 0;
}

mr_result mr_object_count(lua_State *L, mr_object *object, const char *attribute, size_t *out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return run_items(L, count_body, &(items_args){.object = object, .name = attribute, .out = out});
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
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return run_items(L, item_body, &(items_args){.object = object, .name = attribute, .at = at, .out = out});
}

static int items_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    capi_give_list(L, -1, "mr_object_items", a->out);
    return 0;
}

mr_result mr_object_items(lua_State *L, mr_object *object, const char *attribute, mr_list **out) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return run_items(L, items_body, &(items_args){.object = object, .name = attribute, .out = out});
}

/* collection:method(item); a method that returns false has found none. */
static int method_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    lua_getfield(L, -1, a->method);
    lua_insert(L, -2);
    if (a->item) bind_push_entity(L, a->item);
    lua_call(L, a->item ? 2 : 1, 1);
    a->none = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
    return 0;
}

static mr_result call_method(lua_State *L, mr_object *object, const char *attribute, const char *method,
                             mr_object *item) {
    return run_items(L, method_body, &(items_args){object, attribute, method, item, 0, NULL, false});
}

mr_result mr_object_append(lua_State *L, mr_object *object, const char *attribute, mr_object *item) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    CAPI_NEEDS(L, CAPI_ITEM, item);
    return call_method(L, object, attribute, "append", item);
}

mr_result mr_object_remove(lua_State *L, mr_object *object, const char *attribute, mr_object *item) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    CAPI_NEEDS(L, CAPI_ITEM, item);
    return call_method(L, object, attribute, "remove", item);
}

mr_result mr_object_contains(lua_State *L, mr_object *object, const char *attribute, mr_object *item) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    CAPI_NEEDS(L, CAPI_ITEM, item);
    return call_method(L, object, attribute, "contains", item);
}

mr_result mr_object_clear(lua_State *L, mr_object *object, const char *attribute) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    return call_method(L, object, attribute, "clear", NULL);
}

/* collection:insert(at + 1, item) */
static int insert_body(lua_State *L) {
    items_args *a = lua_touserdata(L, 1);
    push_collection(L, a);
    a->none = a->at > (size_t)luaL_len(L, -1);
    if (a->none) return 0;
    lua_getfield(L, -1, "insert");
    lua_insert(L, -2);
    lua_pushinteger(L, (lua_Integer)a->at + 1);
    bind_push_entity(L, a->item);
    lua_call(L, 3, 0);
    return 0;
}

mr_result mr_object_insert(lua_State *L, mr_object *object, const char *attribute, size_t at, mr_object *item) {
    CAPI_NEEDS(L, CAPI_OBJECT, object);
    CAPI_NEEDS(L, CAPI_ITEM, item);
    return run_items(L, insert_body, &(items_args){object, attribute, NULL, item, at, NULL, false});
}

/* ---------------------------------------------------------------- lists */

size_t mr_list_count(const mr_list *list) { return list ? list->n : 0; }

mr_object *mr_list_at(const mr_list *list, size_t at) { return list && at < list->n ? list->items[at] : NULL; }

mr_list *mr_list_retain(mr_list *list) {
    if (list) list->refs++;
    return list;
}

/* Makes the list for C from the value at the index, which a function returned. A query gives all its objects. */
static int list_from_results(lua_State *L, int idx, const char *function, mr_list **out) {
    const bind_query *q = bind_query_at(L, idx);
    if (q && !q->select) {
        lua_getfield(L, idx, "all");
        lua_pushvalue(L, idx);
        lua_call(L, 1, 1);
        idx = lua_gettop(L);
    }
    *out = capi_to_list(L, idx, function);
    return 0;
}

/* Index 1: where the list goes; 2: the function; 3 and on: its arguments. */
static int call_body(lua_State *L) {
    mr_list **out = lua_touserdata(L, 1);
    lua_call(L, lua_gettop(L) - 2, 1);
    return list_from_results(L, 2, "mr_list_call", out);
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
    return list_from_results(L, 2, "mr_list_eval", &a->list);
}

mr_result mr_list_eval(lua_State *L, const char *code, mr_list **out) {
    eval_args args = {code, NULL};
    mr_result result = capi_run(L, eval_body, &args, 0, 0);
    if (result == MR_RESULT_OK) *out = args.list;
    return result;
}
