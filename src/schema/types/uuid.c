/*
 * uuid.c: Uuid: text of 32 hexadecimal digits, with or without hyphens.
 *
 * Invariant: hyphens stand in all four of their places, or in none. The text is kept as it was written.
 */
#include "rules.h"

#include <string.h>

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

static bool read(const mr_type *type, mr_value *v) {
    enum { DIGITS = 32, WITH_HYPHENS = 36 };
    (void)type;
    if (v->kind != MR_TEXT || (v->len != DIGITS && v->len != WITH_HYPHENS)) return false;
    for (size_t i = 0; i < v->len; i++) {
        bool hyphen = v->len == WITH_HYPHENS && (i == 8 || i == 13 || i == 18 || i == 23);
        if (hyphen ? v->u.s[i] != '-' : !is_hex(v->u.s[i])) return false;
    }
    return true;
}

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    return read(type, v);
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (v->kind == MR_TEXT) strcpy(advice, " (32 hexadecimal digits, with hyphens as 8-4-4-4-12 or without)");
}

const mr_type_rules mr_type_uuid = {
    .name = "Uuid",
    .wants = "a uuid",
    .reads = "uuid: text of 32 hexadecimal digits",
    .sql = "CHAR(32)",
    .group = MR_GROUP_WORD,
    .kind = MR_TEXT,
    .coerce = coerce,
    .read = read,
    .advise = advise,
};
