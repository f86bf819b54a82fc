/*
 * uuid.c: mr.uuid4 and mr.uuid7: new uuids, as text of 36 characters.
 *
 * Invariant: all bits of a uuid4 but those of its version are random. The uuids of uuid7 of one Lua state rise: they
 * begin with the milliseconds since 1970, and those of one millisecond are counted.
 */
#include "uuid.h"

#include <string.h>

#include "state/error.h"

enum { BYTES = 16, CHARACTERS = 36 };

static int push_text(lua_State *L, const unsigned char *bytes) {
    static const char digits[] = "0123456789abcdef";
    char text[CHARACTERS], *p = text;
    for (int i = 0; i < BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *p++ = '-';
        *p++ = digits[bytes[i] >> 4];
        *p++ = digits[bytes[i] & 15];
    }
    lua_pushlstring(L, text, CHARACTERS);
    return 1;
}

static void set_version(unsigned char *bytes, unsigned version) {
    bytes[6] = (unsigned char)((bytes[6] & 15) | version << 4);
    bytes[8] = (unsigned char)((bytes[8] & 63) | 128);
}

/* uuid4(): as a default it is called without arguments. */
int bind_uuid4(lua_State *L) {
    unsigned char bytes[BYTES];
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_random(b->env, bytes, sizeof bytes));
    set_version(bytes, 4);
    return push_text(L, bytes);
}

/* The time and count of a uuid7 that comes after the last one: the clock's, or where that stands still or goes back,
 * one more than the last. The count begins low, so that a millisecond has room for thousands. */
static uint64_t next_moment(uint64_t last, int64_t micros, unsigned random) {
    enum { COUNT_BITS = 12, FIRST_BITS = 10 };
    uint64_t now = (uint64_t)(micros / 1000) << COUNT_BITS;
    return now > last ? now | (random & ((1U << FIRST_BITS) - 1)) : last + 1;
}

int bind_uuid7(lua_State *L) {
    unsigned char bytes[BYTES];
    bind_state *b = bind_of(L);
    BIND_TRY(b, L, mr_random(b->env, bytes, sizeof bytes));
    uint64_t moment = next_moment(b->last_uuid, mr_calendar_now().u.i, (unsigned)bytes[6] << 8 | bytes[7]);
    b->last_uuid = moment;
    uint64_t time = moment >> 12;
    for (int i = 5; i >= 0; i--, time >>= 8) bytes[i] = (unsigned char)time;
    bytes[6] = (unsigned char)(moment >> 8 & 15);
    bytes[7] = (unsigned char)moment;
    set_version(bytes, 7);
    return push_text(L, bytes);
}

void bind_open_uuid(lua_State *L) {
    static const luaL_Reg functions[] = {{"uuid4", bind_uuid4}, {"uuid7", bind_uuid7}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
