/*
 * embedded.h: the Lua part of the library, carried inside the binary and the module. The
 * table is made at build time by embed.lua from the files in lua/.
 */
#ifndef MOONROW_BIND_EMBEDDED_H
#define MOONROW_BIND_EMBEDDED_H

#include <stddef.h>

struct lua_State;

struct mr_embedded {
    const char *name;   /* of the module: "moonrow.app"; NULL ends the table */
    const char *source; /* Lua text, NUL-terminated */
    size_t len;
};

extern const struct mr_embedded mr_embedded_modules[];

/* module.c: pushes what the file of this name gives, for a program that has opened the library. Raises. */
void bind_push_embedded(struct lua_State *L, const char *name);

#endif
