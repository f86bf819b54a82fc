/*
 * uuid.c: Uuid: text of 32 hexadecimal digits, with or without hyphens; or, by its storage, 16 bytes.
 *
 * Invariant: hyphens stand in all four of their places, or in none. A type without a storage keeps the text as it was
 * written. With one, the value is always written and read as 36 characters in small letters.
 */
#include "rules.h"

#include <string.h>

enum { BYTES = 16, DIGITS = 2 * BYTES, WITH_HYPHENS = DIGITS + 4 };

static int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_hyphen_place(size_t i) { return i == 8 || i == 13 || i == 18 || i == 23; }

static bool is_uuid(const mr_value *v) {
    if (v->kind != MR_TEXT || (v->len != DIGITS && v->len != WITH_HYPHENS)) return false;
    for (size_t i = 0; i < v->len; i++) {
        bool hyphen = v->len == WITH_HYPHENS && is_hyphen_place(i);
        if (hyphen ? v->u.s[i] != '-' : digit_of(v->u.s[i]) < 0) return false;
    }
    return true;
}

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)type;
    (void)room;
    return is_uuid(v);
}

static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    return is_uuid(v);
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (v->kind == MR_TEXT) strcpy(advice, " (32 hexadecimal digits, with hyphens as 8-4-4-4-12 or without)");
}

/* ---------------------------------------------------------------- forms of storage */

static const mr_type_rules uuid_text, uuid_hex, uuid_blob;
static const char digits[] = "0123456789abcdef";

static void to_bytes(const mr_value *v, char *bytes) {
    size_t n = 0;
    for (size_t i = 0; i < v->len; i++) {
        if (v->u.s[i] == '-') continue;
        int half = digit_of(v->u.s[i]);
        if (n % 2 == 0) bytes[n / 2] = (char)(half << 4);
        else bytes[n / 2] = (char)(bytes[n / 2] | half);
        n++;
    }
}

/* Writes the bytes as 32 digits, or as 36 characters. Returns the length. */
static size_t to_text(const char *bytes, bool hyphens, char *text) {
    size_t len = 0;
    for (size_t i = 0; i < BYTES; i++) {
        if (hyphens && is_hyphen_place(len)) text[len++] = '-';
        unsigned char byte = (unsigned char)bytes[i];
        text[len++] = digits[byte >> 4];
        text[len++] = digits[byte & 15];
    }
    return len;
}

static bool is_small(const mr_value *v) {
    for (size_t i = 0; i < v->len; i++)
        if (v->u.s[i] >= 'A' && v->u.s[i] <= 'F') return false;
    return true;
}

/* Reads only what store writes, so that a criterion with the value finds the row. */
static bool read_form(const mr_type *type, mr_value *v, char *room) {
    char bytes[BYTES];
    const mr_type_rules *rules = type->rules;
    if (rules == &uuid_blob) {
        if (v->kind != MR_BLOB || v->len != BYTES) return false;
        *v = mr_text_value(room, to_text(v->u.s, true, room));
        return true;
    }
    size_t len = rules == &uuid_hex ? DIGITS : WITH_HYPHENS;
    if (!is_uuid(v) || v->len != len || !is_small(v)) return false;
    if (len == WITH_HYPHENS) return true;
    to_bytes(v, bytes);
    *v = mr_text_value(room, to_text(bytes, true, room));
    return true;
}

static mr_status store_form(const mr_type *type, mr_value *v, mr_store_room *room) {
    char bytes[BYTES];
    if (!is_uuid(v)) return MR_OK;
    char *made = mr_store_bytes(room, WITH_HYPHENS);
    if (!made) return MR_FAIL;
    to_bytes(v, bytes);
    if (type->rules == &uuid_blob) {
        for (size_t i = 0; i < BYTES; i++) made[i] = bytes[i];
        *v = mr_bytes_value(MR_BLOB, made, BYTES);
    } else {
        *v = mr_text_value(made, to_text(bytes, type->rules == &uuid_text, made));
    }
    return MR_OK;
}

#define UUID                                                                                                           \
    .name = "Uuid", .wants = "a uuid", .casts = true, .group = MR_GROUP_WORD, .kind = MR_TEXT, .coerce = coerce,       \
    .advise = advise
#define FORM .print = mr_rule_print_storage, .read = read_form, .store = store_form

static const mr_type_rules uuid_text = {UUID, FORM, .storage = "text", .sql = "CHAR(36)",
                                        .reads = "uuid: 36 characters in small letters"};
static const mr_type_rules uuid_hex = {UUID, FORM, .storage = "hex", .sql = "CHAR(32)",
                                       .reads = "uuid: 32 hexadecimal digits in small letters"};
static const mr_type_rules uuid_blob = {UUID, FORM, .storage = "blob", .sql_as = &mr_type_largebinary,
                                        .reads = "uuid: 16 bytes"};

const mr_type_rules mr_type_uuid = {
    UUID, .sql = "CHAR(32)", .read = read, .reads = "uuid: text of 32 hexadecimal digits",
    .storages = (const mr_type_rules *const[]){&uuid_text, &uuid_hex, &uuid_blob, NULL}};
