/*
 * handle.c: what a C program holds: handles of objects, lists of objects, sessions. The bodies that capi_run runs make
 * them.
 *
 * Invariant: a handle owns one pin of its object, and a list one pin of each of its objects. Where the call fails after
 * its body has made a handle, the handle is released.
 */
#include <errno.h>
#include <string.h>

#include "capi.h"
#include "value/proxy.h"

/* ---------------------------------------------------------------- objects */

/* The text of a key, copied for C: the identity frees its text when the key changes. */
typedef struct kept_text {
    struct kept_text *next;
    size_t len;
    char s[];
} kept_text;

/* The texts kept for one object. */
typedef struct kept_texts {
    const mr_object *object;
    kept_text *first;
} kept_texts;

static void free_texts(mr_env *env, kept_text *text) {
    while (text) {
        kept_text *next = text->next;
        mr_free(env, text);
        text = next;
    }
}

static void close_texts(void *ud) {
    bind_state *b = ud;
    size_t cursor = 0;
    for (kept_texts *k; (k = mr_map_next(b->key_texts, &cursor)) != NULL;) free_texts(b->env, k->first);
    mr_map_free(b->key_texts);
    b->key_texts = NULL;
}

static mr_map *texts_of(bind_state *b) {
    if (b->key_texts) return b->key_texts;
    b->key_texts = mr_map_new(b->env, sizeof(kept_texts), mr_map_hash_ptr, mr_map_equal_ptr);
    if (b->key_texts && mr_env_on_close(b->env, close_texts, b) != MR_OK) {
        mr_map_free(b->key_texts);
        b->key_texts = NULL;
    }
    return b->key_texts;
}

const char *capi_keep_key(const mr_object *object, const char *s, size_t len) {
    bind_state *b = mr_env_get(object->mapper->env, MR_ENV_BIND);
    mr_map *map = texts_of(b);
    kept_texts *of = map ? mr_map_get(map, &object) : NULL, fresh = {object, NULL};
    for (const kept_text *t = of ? of->first : NULL; t; t = t->next)
        if (t->len == len && memcmp(t->s, s, len) == 0) return t->s;
    kept_text *text = map ? mr_alloc(b->env, sizeof *text + len + 1) : NULL;
    if (text && !of) of = mr_map_put(map, &fresh);
    if (!text || !of) {
        mr_free(b->env, text);
        return NULL;
    }
    text->next = of->first;
    text->len = len;
    memcpy(text->s, s, len);
    text->s[len] = '\0';
    of->first = text;
    return text->s;
}

static void release(mr_object *object) {
    bind_state *b = object && object->pins == 1 ? mr_env_get(object->mapper->env, MR_ENV_BIND) : NULL;
    kept_texts *of = b && b->key_texts ? mr_map_get(b->key_texts, &object) : NULL;
    if (of) {
        free_texts(b->env, of->first);
        mr_map_remove(b->key_texts, &object);
    }
    mr_entity_unpin(object);
}

void mr_object_release(mr_object *object) {
    int kept = errno;
    release(object);
    errno = kept;
}

/* ---------------------------------------------------------------- lists */

static void free_list(mr_list *list) {
    while (list->n) mr_entity_unpin(list->items[--list->n]);
    mr_free(list->env, list);
}

/* Guards a list while it is filled: the finalizer of this userdata frees the list where an error interrupts that. */
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

/* Is the value a list? Not a string, which has a length, and not a table that is a value with a name, such as a
 * session. */
static bool is_list(lua_State *L, int idx) {
    int base = lua_gettop(L);
    bool list = luaL_getmetafield(L, idx, "__len") != LUA_TNIL;
    if (!list && lua_istable(L, idx)) list = lua_rawlen(L, idx) > 0 || luaL_getmetafield(L, idx, "__name") == LUA_TNIL;
    lua_settop(L, base);
    return list;
}

/* Raises: the value on top of the stack, at the place in Lua's list, is no object. */
static void refuse_item(lua_State *L, const char *function, lua_Integer place) {
    const char *what = lua_pushfstring(L, "%s: list[%I]", function, (LUAI_UACINT)place);
    bind_type_error(L, -2, what, "an object of a mapped class");
}

mr_list *capi_to_list(lua_State *L, int idx, const char *function) {
    idx = lua_absindex(L, idx);
    bool single = bind_test_entity(L, idx) != NULL;
    if (!single && !lua_isnil(L, idx) && !is_list(L, idx)) bind_type_error(L, idx, function, "objects in a list");
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
        if (!bind_test_entity(L, -1)) refuse_item(L, function, (lua_Integer)i + 1);
        list->items[list->n++] = mr_entity_pin(bind_test_entity(L, -1));
        lua_pop(L, 1);
    }
    guard->list = NULL;
    lua_pop(L, 1);
    if (bind_of(L)->made) bind_of(L)->made->list = list;
    return list;
}

void mr_list_release(mr_list *list) {
    int kept = errno;
    if (list && --list->refs == 0) free_list(list);
    errno = kept;
}

/* ---------------------------------------------------------------- sessions */

void mr_db_release(mr_db *db) {
    if (!db || --db->refs) return;
    int kept = errno;
    bind_ref_release(db->ref);
    mr_free(db->env, db);
    errno = kept;
}

/* ---------------------------------------------------------------- given to the caller */

mr_object *capi_handle(lua_State *L, int idx) {
    mr_object *object = mr_entity_pin(bind_arg_entity(L, idx, "moonrow.h"));
    if (bind_of(L)->made) bind_of(L)->made->object = object;
    return object;
}

void capi_give_object(lua_State *L, int idx, mr_object **out) {
    *out = capi_handle(L, idx);
    if (bind_of(L)->made) bind_of(L)->made->object_at = out;
}

void capi_give_list(lua_State *L, int idx, const char *function, mr_list **out) {
    *out = capi_to_list(L, idx, function);
    if (bind_of(L)->made) bind_of(L)->made->list_at = out;
}
