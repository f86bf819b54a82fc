/*
 * capi.h: what the files of the embedding API (moonrow.h) share: running a part of the binding for a C caller, so that
 * no error jumps out of it.
 */
#ifndef MOONROW_BIND_CAPI_H
#define MOONROW_BIND_CAPI_H

#include <moonrow.h>

#include "state/callback.h"

struct mr_db {
    bind_ref *ref; /* a Session, or a table with a method _session */
    mr_env *env;
    uint32_t refs;
};

struct mr_list {
    mr_env *env;
    uint32_t refs;
    size_t n, cap;
    mr_entity *items[]; /* pinned */
};

/* What a body has made for its caller. capi_run releases it where the call fails: a debug hook may raise even after the
 * body has returned. */
typedef struct capi_made {
    mr_object *object, **object_at; /* object_at: the caller's variable that holds it; or NULL */
    mr_list *list, **list_at;
    mr_db *db;
} capi_made;

/* Runs body(L) protected, with args as light userdata at index 1 and then the top nargs values, which
 * are popped; nresults of it are left. A failure is noted for mr_error_kind and the like. */
mr_result capi_run(lua_State *L, lua_CFunction body, void *args, int nargs, int nresults);

/* What a public function is given, and cannot do without. CAPI_ITEM: the second object of a call. */
typedef enum capi_given { CAPI_CLASS, CAPI_OBJECT, CAPI_ITEM, CAPI_DB } capi_given;

/* Notes an ArgumentError: the public function was given NULL there. Pops the top nargs values. MR_RESULT_FAIL. */
mr_result capi_refuse_null(lua_State *L, const char *function, capi_given what, int nargs);
/* The guard of the public functions that note their errors: a handle that is NULL ends the function. */
#define CAPI_NEEDS(L, what, handle)                                                                                    \
    do {                                                                                                               \
        if (!(handle)) return capi_refuse_null(L, __func__, what, 0);                                                  \
    } while (0)

/* Inside of a body: keeps the string on top good until the next one is kept, and pops it. */
const char *capi_keep_text(lua_State *L, size_t *len);
/* A copy of the key's text that stays until the object's last handle is released; NULL without memory. */
const char *capi_keep_key(const mr_object *object, const char *s, size_t len);
/* Inside of a body: an object's handle for the value at the index, which must be an object. */
mr_object *capi_handle(lua_State *L, int idx);
/* Inside of a body: the value at the index as a list. function: the public one, for the message about a value that is
 * no list of objects. */
mr_list *capi_to_list(lua_State *L, int idx, const char *function);

/* Inside of a body: replaces the value on top by its method and itself, ready to be called. */
void capi_push_method(lua_State *L, const char *name);
/* Inside of a body: pushes the session that the handle stands for now. */
void capi_push_session(lua_State *L, const mr_db *db);
/* The same, stored in *out; if a debug hook raises afterwards, *out is NULL again. */
void capi_give_object(lua_State *L, int idx, mr_object **out);
void capi_give_list(lua_State *L, int idx, const char *function, mr_list **out);

#endif
