/*
 * session.h: what the files of the session's binding share.
 */
#ifndef MOONROW_BIND_SESSION_H
#define MOONROW_BIND_SESSION_H

#include "state/runtime.h"

#define BIND_TRANSACTION  "moonrow.Transaction"
#define BIND_IDENTITY_MAP "moonrow.IdentityMap"

/* User values of a session. */
enum { SESSION_ENGINE = 1, SESSION_INFO, SESSION__VALUES = 2 };

/* The session at index 1; raises. */
mr_session *bind_session_arg(lua_State *L, const char *function);
void bind_push_session(lua_State *L, mr_session *s); /* nil when it has no userdata */

/* transaction.c */
int bind_session_flush(lua_State *L);
int bind_session_commit(lua_State *L);
int bind_session_rollback(lua_State *L);
int bind_session_begin(lua_State *L);
int bind_session_begin_nested(lua_State *L);
int bind_session_in_transaction(lua_State *L);
int bind_session_no_autoflush(lua_State *L);
void bind_open_transaction(lua_State *L);

/* identity_map.c: session.identity_map */
int bind_session_identity_map(lua_State *L);
void bind_open_identity_map(lua_State *L);

/* Raises unless the table at idx, a key by attribute, has the key's attributes and no others. */
void bind_check_key_names(lua_State *L, const mr_mapper *mapper, int idx);

#endif
