/*
 * place.c: where in the program a call comes from: the file and line of its innermost Lua function.
 *
 * Invariant: a place in a comment of SQL does not end the comment, whatever the file is called.
 */
#include "place.h"

#include <stdio.h>
#include <string.h>

/* Is it a frame of the library's Lua part? The user's line is named instead. */
static bool is_own_frame(const lua_Debug *ar) { return strncmp(ar->source, "=[moonrow", 9) == 0; }

bool bind_find_place(lua_State *L, lua_Debug *ar) {
    for (int level = 0; lua_getstack(L, level, ar); level++) {
        lua_getinfo(L, "Sl", ar);
        if (ar->currentline > 0 && !is_own_frame(ar)) return true;
    }
    return false;
}

enum { PLACE_SIZE = LUA_IDSIZE + 16 };

static const char *place_of(lua_State *L, char *buf) {
    lua_Debug ar;
    if (!bind_find_place(L, &ar)) return "";
    snprintf(buf, PLACE_SIZE, "%s:%d", ar.short_src, ar.currentline);
    for (char *s = buf; s[0]; s++)
        if ((s[0] == '*' && s[1] == '/') || (s[0] == '/' && s[1] == '*')) s[s[0] == '*' ? 0 : 1] = '_';
    return buf;
}

const char *bind_push_place(lua_State *L) {
    char buf[PLACE_SIZE];
    return lua_pushstring(L, place_of(L, buf));
}

static void add_place(void *ud, mr_strbuf *out) {
    char buf[PLACE_SIZE];
    const bind_state *b = ud;
    if (b->L) mr_strbuf_puts(out, place_of(b->L, buf));
}

void bind_tag_places(bind_state *b, mr_engine *engine) {
    mr_engine_hooks *hooks = mr_engine_hooks_of(engine);
    hooks->place = add_place;
    hooks->place_ud = b;
}

mr_status bind_note_places(bind_state *b) { return mr_db_set_place(b->env, add_place, b); }
