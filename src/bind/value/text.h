/*
 * text.h: texts of objects as Lua strings. Making a string of bytes means that Lua hashes them and looks for an equal
 * string. A text that is read again gets the string that was made for it, if that is still kept.
 */
#ifndef MOONROW_BIND_TEXT_H
#define MOONROW_BIND_TEXT_H

#include <string.h>

#include "state/state.h"

enum { BIND_KEPT_TEXTS = 256, BIND_LONGEST_KEPT = 200 };

/* A place for one string. Several texts may have the same place. */
typedef struct bind_kept_text {
    const char *string; /* the bytes of the Lua string that the table has; at first "" */
    size_t len;         /* ... and its length */
    const void *seen;   /* the address of the last text that had no string here */
} bind_kept_text;

/* The number of the place of a text at this address, from 0 to BIND_KEPT_TEXTS - 1: the upper 8 bits of a hash. */
static inline uint32_t bind_text_place(const char *s) { return ((uint32_t)(uintptr_t)s * 2654435769u) >> 24; }

/* Pushes the table of strings, for functions that have it as an upvalue. */
void bind_push_kept_texts(lua_State *L);
/* Pushes the text, which has no string in its place. Keeps the new string if the text had none the last time, too:
 * what is read once only leaves the strings of others alone. */
void bind_push_new_text(lua_State *L, bind_state *b, int table, const char *s, size_t len);
/* Pushes the text, whose bytes s belong to an object, if its string is kept. texts: the state's; table: the index of
 * bind_push_kept_texts' table. */
static inline bool bind_push_kept_text(lua_State *L, const bind_kept_text *texts, int table, const char *s,
                                       size_t len) {
    uint32_t place = bind_text_place(s);
    const bind_kept_text *kept = &texts[place];
    if (kept->len != len || memcmp(kept->string, s, len) != 0) return false;
    lua_rawgeti(L, table, (lua_Integer)place + 1);
    return true;
}

#endif
