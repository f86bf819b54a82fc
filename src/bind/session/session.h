/*
 * session.h: the names of types that the files of this folder share.
 */
#ifndef MOONROW_BIND_SESSION_H
#define MOONROW_BIND_SESSION_H

#include "value/session.h"

#define BIND_TRANSACTION  "moonrow.Transaction"
#define BIND_IDENTITY_MAP "moonrow.IdentityMap"

#endif
