/*
 * state.h: the binding's state for one Lua state; entering and leaving the core.
 *
 * Invariants:
 *  - Between BIND_ENTER and BIND_LEAVE no Lua function that can raise is called (callbacks go through bind_callback).
 *    So: read the arguments, enter, call the core, leave, then push the results or raise.
 *  - The heap is traced only at the outermost BIND_ENTER, when every argument has its proxy on the stack: what the core
 *    hands out is valid until the next BIND_ENTER, pinned or not.
 *  - Only the binding raises. lua_push* can raise: put a native thing into its owner (own.h) first, then push.
 */
#ifndef MOONROW_BIND_STATE_H
#define MOONROW_BIND_STATE_H

#include <lauxlib.h>
#include <lua.h>
#include <moonrow/session.h>

#include "lua_functions.h"

typedef struct bind_state {
    mr_env *env;
    mr_heap *heap;
    lua_State *L;       /* the one that is calling; NULL outside of BIND_ENTER..BIND_LEAVE */
    lua_State *main;    /* the main thread */
    unsigned depth;     /* how many calls of the core are running, one inside the other */
    lua_Hook hooks[2];  /* the debug hooks of the main thread and of the caller when the library was entered (stop.c) */
    bool closed;        /* the Lua state closes: finalizers do nothing */
    bool quiet;         /* no warning when a session loses uncommitted work */
    bool logging;       /* the user's log function is running: it must not call the library */
    int stress;         /* from the registry ("moonrow.stress"): 1 a collector step at each call, 2 a trace, too */
    size_t charged;     /* native bytes that Lua's collector has heard of */
    uint16_t value_tag; /* MR_OPAQUE tag of a Lua value (u.p: bind_ref *) */
    uint16_t own_tag;   /* MR_OPAQUE tag of a value of the program's own (u.p: value/own_value.h's) */
    uint64_t last_uuid; /* time and count of the last uuid7: value/uuid.c */
    bool has_own;       /* there are types that make such values */
    const char *dialect;                   /* the name of the dialect of the engine that was made last; NULL: none */
    uint16_t node_tag;                     /* MR_OPAQUE tag of an SQL expression (u.p: mr_node *, counted) */
    unsigned error_slot;                   /* of ERROR_SLOTS (error.c): where the last error of a callback is kept */
    unsigned cycles;                       /* collector cycles counted by the sentinel */
    unsigned cycles_seen, anchors_seen;    /* the last cycle that the heap, and the anchors, have followed */
    void (*release_anchors)(lua_State *L); /* value/proxy.c's; NULL until it has opened */
    void (*push_param)(lua_State *L,
                       const mr_value *v); /* value/value.c's: parameters of a failed statement; or NULL */
    void (*class_declared)(lua_State *L, int class_idx); /* event/bases.c's: called for each mapped class; or NULL */
    mr_status (*before_configure)(mr_env *env);          /* event/bases.c's: resolves the listeners; or NULL */
    mr_status (*after_configure)(mr_env *env);           /* the same file's: looks for listeners that hear of nothing */
    mr_status (*find_mistakes)(mr_registry *registry, mr_strbuf *out,
                               size_t *n); /* the same file's: of composites and the like */
    lua_CFunction pcall, xpcall;           /* Lua's own, as they were when the module opened; NULL: others */
    bool own_init;                         /* some class has an __init of its own */
    bool loops_close;                      /* the closing value of a for loop can be trusted */
    mr_map *key_texts;       /* of the C API: the texts of keys that it has given out, by object; or NULL */
    struct capi_made *made;  /* what the running call of the C API has made for its caller */
    unsigned loops_open;     /* loops without a closing value, over cursors that may still be open: begun since
                              * bind_release_loops */
    uint64_t scope_changes;  /* rises when a scope is entered or left */
    lua_Integer scopes;      /* scopes that are entered (session/scoped.c) */
    uint64_t member_changes; /* rises when a member of a class is set; 1 at first */
    uint64_t place_changes; /* scope_changes when the place in the registry at place_ref was filled; 0: there is none */
    int place_ref;          /* ... a weak table: see value/session.h */
    bool place_anywhere;    /* ... which is good in every coroutine */
    const void *query_word; /* the address of the Lua string "query" */
    lua_CFunction quick_of; /* a session's method that a scoped session may run in a quicker way: session:get */
    const struct bind_quick_method *quick; /* ... which is this (value/session.h) */
    int lookups;                           /* reference to the metatable of value/query.c's lookups */
    uint64_t proxy_changes;                /* proxies put into proxy.c's chunks, and chunks dropped */
    const void *class_met;                 /* the mapped class that session:get was given last, which lives on */
    const void *object_meta; /* address of the metatable of a class's objects that proxy.c met last; such live on */
    int views[5];            /* references to the metatables of collections: by mr_collection_kind, then those of
                                lazy = "dynamic" and lazy = "write_only" */
    struct bind_kept_text *texts;           /* value/text.c's */
    const struct bind_json_functions *json; /* value/json_write.c's */
    bool drop_failed;           /* json_table.c: tables are to be forgotten, for which there was no memory */
    bool comparing;             /* tables are compared with the objects' texts (value/json_table.c) */
    const char *given_text;     /* the JSON of the table that is being assigned; the registry has the table under this
                                 * member's address; NULL: none */
    const mr_entity *validated; /* its attribute validated_as was validated before the core was entered */
    const mr_property *validated_as;
    int chunks, weak; /* references to proxy.c's table of chunks, and to the metatable of weak tables */
} bind_state;

/* The binding's state of this Lua state, which luaopen_moonrow has made. Raises where the Lua state is closing. */
bind_state *bind_of(lua_State *L);
/* The same for finalizers: NULL where the Lua state is closing. */
bind_state *bind_peek(lua_State *L);
/* The same, from an object that Lua holds: faster, as it does not read the registry. */
static inline bind_state *bind_of_entity(const mr_entity *e) { return mr_env_get(e->mapper->env, MR_ENV_BIND); }

/* Makes the binding's state; a later call returns the same state. close: its finalizer, which calls bind_state_close.
 * Raises. */
bind_state *bind_state_make(lua_State *L, lua_CFunction close);
/* Ends the environment with everything in it. */
void bind_state_close(bind_state *b, lua_State *L);
/* Sets the function that tells the heap which of its slots Lua holds. It is called in each trace (mr_heap_hooks). */
void bind_state_trace_with(bind_state *b, void (*bits)(void *ud, uint32_t chunk, uint64_t bits[4]));

/* The table of functions for the Lua part of the library. The first keeps the table on top, the second pushes it. */
void bind_keep_core(lua_State *L);
void bind_push_core(lua_State *L);

/* BIND_CALL(b, L, st = mr_...(...)): enters the core for one expression. */
#define BIND_CALL(b, state, ...)                                                                                       \
    do {                                                                                                               \
        lua_State *outer_ = (b)->L;                                                                                    \
        bind_enter_state((b), (state));                                                                                \
        __VA_ARGS__;                                                                                                   \
        bind_leave((b), outer_);                                                                                       \
    } while (0)
/* BIND_ENTER(b, L) ... BIND_LEAVE(b): for several statements; in one function, paired. */
#define BIND_ENTER(b, state)                                                                                           \
    lua_State *bind_outer_ = (b)->L;                                                                                   \
    bind_enter_state((b), (state))
#define BIND_LEAVE(b) bind_leave((b), bind_outer_)
void bind_enter_state(bind_state *b, lua_State *L);
void bind_leave(bind_state *b, lua_State *outer); /* outer: b->L as it was before BIND_ENTER */
/* Has statements stop when the program asks for it by a debug hook (stop.c). */
void bind_watch_hooks(bind_state *b);
void bind_note_hooks(bind_state *b, lua_State *L);

/* Does a finalizer run? The heap must not be traced then: a finalizer may run in the middle of any function, which may
 * still use an object of the core. */
bool bind_in_finalizer(lua_State *L);
bool bind_collector_runs(lua_State *L); /* false when it is stopped, and in a finalizer */
/* To be called before a statement. A loop that was left by break may have left its cursor open, and a statement would
 * read the cursor's old snapshot. Where for loops do not close their cursors, this closes them by one full collection.
 * May run finalizers. */
void bind_release_loops(lua_State *L);

#endif
