/*
 * collection.c: the embedding API's view of collections and of lists of objects.
 *
 * Invariant: a list owns one pin of each of its objects.
 */
#include "capi.h"

#include <errno.h>

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

static void free_list(mr_list *list) {
    while (list->n) mr_entity_unpin(list->items[--list->n]);
    mr_free(list->env, list);
}

/* Guards a list that is being filled: a userdata that frees it when an error comes between. */
typedef struct list_guard {
    mr_list *list;
} list_guard;

#define LIST_GUARD "moonrow.ListGuard"

static int list_gc(lua_State *L) {
    list_guard *guard = bind_test(L, 1, LIST_GUARD);
    if (guard && guard->list && bind_peek(L)) free_list(guard->list);
    if (guard) guard->list = NULL;
    return 0;
}

static list_guard *push_guard(lua_State *L) {
    list_guard *guard = lua_newuserdatauv(L, sizeof *guard, 0);
    guard->list = NULL;
    if (luaL_newmetatable(L, LIST_GUARD)) {
        lua_pushcfunction(L, list_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return guard;
}

mr_list *capi_to_list(lua_State *L, int idx) {
    idx = lua_absindex(L, idx);
    bool single = bind_test_entity(L, idx) != NULL;
    size_t n = single ? 1 : lua_isnil(L, idx) ? 0 : (size_t)luaL_len(L, idx);
    list_guard *guard = push_guard(L);
    mr_list *list = mr_alloc(bind_of(L)->env, sizeof *list + n * sizeof(mr_entity *));
    if (!list) {
        bind_raise(L);
        return NULL;
    }
    *list = (mr_list){bind_of(L)->env, 1, 0, n};
    guard->list = list;
    for (size_t i = 0; i < n; i++) {
        if (single) lua_pushvalue(L, idx);
        else lua_geti(L, idx, (lua_Integer)i + 1);
        if (!bind_test_entity(L, -1)) bind_type_error(L, -1, "a list for C", "objects of mapped classes");
        list->items[list->n++] = mr_entity_pin(bind_test_entity(L, -1));
        lua_pop(L, 1);
    }
    guard->list = NULL;
    lua_pop(L, 1);
    if (bind_of(L)->made) bind_of(L)->made->list = list;
    return list;
}

size_t mr_list_count(const mr_list *list) { return list->n; }

mr_object *mr_list_at(const mr_list *list, size_t at) { return at < list->n ? list->items[at] : NULL; }

mr_list *mr_list_retain(mr_list *list) {
    list->refs++;
    return list;
}

void mr_list_release(mr_list *list) {
    int kept = errno;
    if (list && --list->refs == 0) free_list(list);
    errno = kept;
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
