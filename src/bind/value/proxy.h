/*
 * proxy.h: how Lua sees an entity: a userdata {slot, generation}, found again through weak arrays.
 */
#ifndef MOONROW_BIND_PROXY_H
#define MOONROW_BIND_PROXY_H

#include "state/runtime.h"

typedef struct bind_proxy {
    uint32_t slot, generation;
} bind_proxy;

extern const char bind_proxy_key; /* in the metatable of a class's objects: its class */
/* The heap's question: which of the 256 slots of the chunk have a live proxy. */
void bind_proxy_bits(void *ud, uint32_t chunk, uint64_t bits[4]);
/* The entity of a userdata known to be a proxy; raises InvalidRequestError when it is stale. */
mr_entity *bind_proxy_entity(lua_State *L, const bind_proxy *p);
/* Fields (mr.field) live in the proxy's user value; the proxy is anchored while its entity is in a session. */
void bind_proxy_anchor(lua_State *L, int idx, mr_entity *entity);
/* Lets go of anchored proxies whose entity has left its session. */
void bind_proxy_release_anchors(lua_State *L);

#endif
