/*
 * embedded.h: the Lua part of the library, carried inside the binary and the module. The
 * table is made at build time by embed.lua from the files in lua/.
 */
#ifndef MOONROW_BIND_EMBEDDED_H
#define MOONROW_BIND_EMBEDDED_H

#include <stddef.h>

struct mr_embedded {
    const char *name;   /* of the module: "moonrow.app"; NULL ends the table */
    const char *source; /* Lua text, NUL-terminated */
    size_t len;
};

extern const struct mr_embedded mr_embedded_modules[];

#endif
