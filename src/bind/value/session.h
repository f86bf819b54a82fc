/*
 * session.h: the box of a session.
 */
#ifndef MOONROW_BIND_SESSION_BOX_H
#define MOONROW_BIND_SESSION_BOX_H

#include "value.h"

#define BIND_SESSION "moonrow.Session"

/* User values of a session. */
enum { SESSION_ENGINE = 1, SESSION_INFO, SESSION__VALUES = 2 };

typedef struct bind_session {
    const void *magic; /* tells it from other userdata: the address of a static of session.c */
    mr_session *session;
    bind_state *b;
    bool closed;
} bind_session;

extern const char bind_session_magic;
/* NULL when the value is none, or when the library has closed. A light userdata has no length. */
static inline bind_session *bind_session_at(lua_State *L, int idx) {
    bind_session *s = lua_touserdata(L, idx);
    if (!s || lua_rawlen(L, idx) != sizeof *s) return NULL;
    return s->magic == &bind_session_magic && !s->b->closed ? s : NULL;
}

/* A method that a scoped session runs without its session among the arguments, if nothing can be called back. */
typedef struct bind_quick_method {
    /* Pushes the result. false: there is more to do; *more: by the next function, else by the method itself. */
    bool (*at_once)(lua_State *L, const bind_session *s, bool *more);
    /* Does the rest, as a C function; the session is at index 1. */
    int (*more)(lua_State *L, const bind_session *s);
} bind_quick_method;

/* Pushes a list of all sessions that Lua has. */
void bind_push_sessions(lua_State *L);
/* Pushes a new value without a session. */
bind_session *bind_push_empty_session(lua_State *L);
/* Makes the value on top the one that bind_push_session finds. */
void bind_name_session(lua_State *L, mr_session *s);
void bind_push_session(lua_State *L, mr_session *s); /* nil when it has no userdata */
/* The session at index 1, for a method; raises where it is none. Closes cursors of loops that were left by break. */
mr_session *bind_session_arg(lua_State *L, const char *function);
/* The session that a value stands for: a Session, or a table with a method _session (scoped_session). Raises when
 * closed or none. */
mr_session *bind_to_session(lua_State *L, int idx);
/* The same for what is nearly always a scoped session. */
mr_session *bind_session_of_source(lua_State *L, int idx, const bind_state *b);
/* The place that was filled last (session/scoped.c), in the registry at place_ref: a weak table of these. */
enum { PLACE_SESSION = 1, PLACE_THREAD, PLACE_SCOPED };
/* Makes the table in which bind_push_session looks. To be called once, before the first session. */
void bind_make_session_names(lua_State *L);

#endif
