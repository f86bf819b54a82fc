/*
 * text.c: the strings that are kept for texts of objects.
 *
 * Invariant: what a place says of its string is true: the table holds that string, so its bytes stay where they are.
 */
#include "text.h"

static const char table_key = 0; /* registry: the table of strings, by place */

void bind_push_kept_texts(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &table_key); }

void bind_push_new_text(lua_State *L, bind_state *b, int table, const char *s, size_t len) {
    uint32_t place = bind_text_place(s);
    bind_kept_text *kept = &b->texts[place];
    bool again = kept->seen == s;
    kept->seen = s;
    const char *string = lua_pushlstring(L, s, len);
    if (!again || len > BIND_LONGEST_KEPT) return;
    lua_pushvalue(L, -1);
    lua_rawseti(L, table, (lua_Integer)place + 1);
    kept->string = string;
    kept->len = len;
}

void bind_open_text_value(lua_State *L) {
    bind_state *b = bind_of(L);
    lua_createtable(L, BIND_KEPT_TEXTS, 0);
    for (int i = 1; i <= BIND_KEPT_TEXTS; i++) {
        lua_pushliteral(L, "");
        lua_rawseti(L, -2, i);
    }
    bind_kept_text *texts = lua_newuserdatauv(L, BIND_KEPT_TEXTS * sizeof *texts, 0);
    for (int i = 0; i < BIND_KEPT_TEXTS; i++) texts[i] = (bind_kept_text){"", 0, NULL};
    lua_rawseti(L, -2, 0); /* the table keeps it */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &table_key);
    b->texts = texts;
}
