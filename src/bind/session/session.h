/*
 * session.h: what the files of the session's binding share.
 */
#ifndef MOONROW_BIND_SESSION_H
#define MOONROW_BIND_SESSION_H

#include "value/session.h"

#define BIND_TRANSACTION  "moonrow.Transaction"
#define BIND_IDENTITY_MAP "moonrow.IdentityMap"

#endif
