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
    mr_session *session;
    bool closed;
} bind_session;

/* Pushes a new value without a session. */
bind_session *bind_push_empty_session(lua_State *L);
/* Makes the value on top the one that bind_push_session finds. */
void bind_name_session(lua_State *L, mr_session *s);
void bind_push_session(lua_State *L, mr_session *s); /* nil when it has no userdata */
/* NULL when the value is no Session; raises when it is closed. */
mr_session *bind_test_session(lua_State *L, int idx);
/* The session at index 1, for a method; raises where it is none. Closes cursors of loops that were left by break. */
mr_session *bind_session_arg(lua_State *L, const char *function);
/* The session that a value stands for: a Session, or a table with a method _session (scoped_session). Raises when
 * closed or none. */
mr_session *bind_to_session(lua_State *L, int idx);
/* Makes the table in which bind_push_session looks. To be called once, before the first session. */
void bind_make_session_names(lua_State *L);

#endif
