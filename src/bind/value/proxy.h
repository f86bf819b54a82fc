/*
 * proxy.h: how Lua sees an entity: a userdata {slot, generation}, found again through weak arrays.
 */
#ifndef MOONROW_BIND_PROXY_H
#define MOONROW_BIND_PROXY_H

#include "value.h"

typedef struct bind_proxy {
    uint32_t slot, generation;
} bind_proxy;

/* The entity of a userdata known to be a proxy; raises InvalidRequestError when it is stale. */
mr_entity *bind_proxy_entity(lua_State *L, const bind_proxy *p);
/* Fields (mr.field) live in the proxy's user value; the proxy is anchored while its entity is in a session. */
void bind_proxy_anchor(lua_State *L, int idx, mr_entity *entity);

/* A proxy that has shown a table is anchored until a flush has looked for edits in the table. */
void bind_proxy_anchor_reader(lua_State *L, int idx, mr_entity *entity);
void bind_proxy_release_reader(lua_State *L, const mr_entity *entity);

void bind_push_entity(lua_State *L, mr_entity *entity);
/* For functions that have the table of bind_push_chunks as an upvalue, at index chunks: pushes the object's proxy, and
 * perhaps more below it; false: it has none yet, bind_push_entity makes it. */
bool bind_push_known_entity(lua_State *L, int chunks, mr_heap *heap, mr_entity *entity);
void bind_push_chunks(lua_State *L);
/* Sets the elements from before + 1 on of the list on top to the first values of n rows of the width: entities, or NULL
 * (bind_push_null). */
void bind_list_entities(lua_State *L, const mr_value *values, size_t width, size_t n, size_t before);
mr_entity *bind_test_entity(lua_State *L, int idx); /* NULL when it is none; raises when stale */
mr_entity *bind_arg_entity(lua_State *L, int idx, const char *function);
/* The same for functions that have the table of bind_push_chunks as an upvalue, at index chunks: faster. */
mr_entity *bind_arg_entity_with(lua_State *L, bind_state *b, int chunks, int idx, const char *function);
/* The same, where an object of the relationship's target class is expected: the message names that class. */
mr_entity *bind_related_entity(lua_State *L, int idx, const mr_property *prop, const char *what);
/* The attribute of part i of the class's primary key. */
const char *bind_key_name(const mr_mapper *mapper, unsigned i);
/* Raises: the value at idx is none that the relationship can refer to. */
void bind_refuse_related(lua_State *L, int idx, const mr_property *prop, const char *what);

#endif
