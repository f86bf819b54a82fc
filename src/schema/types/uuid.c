/*
 * uuid.c: Uuid: text of 32 hexadecimal digits, with or without hyphens; or, by its storage, 16 bytes.
 *
 * Invariant: hyphens stand in all four of their places, or in none. A type without a storage keeps the text as it was
 * written, and reads 16 bytes as 36 characters. With one, a value is written in its form, and each of the three forms
 * is read, in small letters, as 36 characters: they are the spellings of the value, so that a criterion finds each.
 * What is written is brought to the 36 small characters that are read again, so that a key has one identity, however
 * the program spells it; of a type without a storage, where the database does the same.
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

/* Reads 16 bytes as 36 characters. */
static bool read_bytes(mr_value *v, char *room) {
    if (v->kind != MR_BLOB || v->len != BYTES) return false;
    *v = mr_text_value(room, to_text(v->u.s, true, room));
    return true;
}

static bool read(const mr_type *type, mr_value *v, char *room) {
    (void)type;
    return is_uuid(v) || read_bytes(v, room);
}

/* Reads the three forms that spell lists, so that a criterion with the value finds the row. */
static bool read_form(const mr_type *type, mr_value *v, char *room) {
    char bytes[BYTES];
    (void)type;
    if (read_bytes(v, room)) return true;
    if (!is_uuid(v) || !is_small(v)) return false;
    if (v->len == WITH_HYPHENS) return true;
    to_bytes(v, bytes);
    *v = mr_text_value(room, to_text(bytes, true, room));
    return true;
}

/* The tag of a spelling: the form that store gives it. 0: that of the type. */
enum { AS_TYPE, AS_TEXT, AS_HEX, AS_BLOB, FORMS = AS_BLOB };

static unsigned form_of(const mr_type *type) {
    return type->rules == &uuid_text ? AS_TEXT : type->rules == &uuid_hex ? AS_HEX : AS_BLOB;
}

/* Text as it was written, and bytes, which other programs store. */
static unsigned spell_plain(const mr_type *type, const mr_value *v, mr_value *out) {
    (void)type;
    if (!is_uuid(v)) return 0;
    out[0] = out[1] = *v;
    out[0].flags = out[1].flags = 0;
    out[1].tag = AS_BLOB;
    return 2;
}

/* The type's form comes first. */
static unsigned spell(const mr_type *type, const mr_value *v, mr_value *out) {
    unsigned n = 1;
    if (!is_uuid(v)) return 0;
    for (unsigned form = AS_TEXT; form <= FORMS; form++) {
        mr_value *place = form == form_of(type) ? &out[0] : &out[n++];
        *place = *v;
        place->flags = 0;
        place->tag = (uint16_t)form;
    }
    return n;
}

/* Makes the form of a uuid. */
static mr_status make_form(mr_value *v, unsigned form, mr_store_room *room) {
    char bytes[BYTES];
    char *made = mr_store_bytes(room, WITH_HYPHENS);
    if (!made) return MR_FAIL;
    to_bytes(v, bytes);
    if (form == AS_BLOB) {
        for (size_t i = 0; i < BYTES; i++) made[i] = bytes[i];
        *v = mr_bytes_value(MR_BLOB, made, BYTES);
    } else {
        *v = mr_text_value(made, to_text(bytes, form == AS_TEXT, made));
    }
    return MR_OK;
}

static mr_status store_form(const mr_type *type, mr_value *v, mr_store_room *room) {
    if (!is_uuid(v)) return MR_OK;
    return make_form(v, v->tag == AS_TYPE || v->tag > FORMS ? form_of(type) : v->tag, room);
}

static mr_status store_plain(const mr_type *type, mr_value *v, mr_store_room *room) {
    (void)type;
    return v->tag == AS_BLOB && is_uuid(v) ? make_form(v, AS_BLOB, room) : MR_OK;
}

/* Brings a value to the spelling in which it is read: 36 small characters. */
static mr_status fit_form(mr_env *env, const mr_type *type, const char *what, mr_value *v, mr_store_room *room) {
    (void)env;
    (void)type;
    (void)what;
    if (!is_uuid(v) || (v->len == WITH_HYPHENS && is_small(v))) return MR_OK;
    return make_form(v, AS_TEXT, room);
}

static mr_status fit_plain(mr_env *env, const mr_type *type, const char *what, mr_value *v, mr_store_room *room) {
    return mr_dialect_has_uuids(room->dialect) ? fit_form(env, type, what, v, room) : MR_OK;
}

#define UUID                                                                                                           \
    .name = "Uuid", .wants = "a uuid", .casts = true, .group = MR_GROUP_WORD, .kind = MR_TEXT, .coerce = coerce,       \
    .advise = advise
#define FORM                                                                                                           \
    .print = mr_rule_print_storage, .read = read_form, .store = store_form, .spell = spell, .spellings = FORMS,        \
    .fit = fit_form, .reads = "uuid: 36 characters, 32 hexadecimal digits, both in small letters, or 16 bytes"

static const mr_type_rules uuid_text = {UUID, FORM, .storage = "text", .sql = "CHAR(36)"};
static const mr_type_rules uuid_hex = {UUID, FORM, .storage = "hex", .sql = "CHAR(32)"};
static const mr_type_rules uuid_blob = {UUID, FORM, .storage = "blob", .sql_as = &mr_type_largebinary};

const mr_type_rules mr_type_uuid = {UUID,
                                    .sql = "CHAR(32)",
                                    .read = read,
                                    .spell = spell_plain,
                                    .store = store_plain,
                                    .fit = fit_plain,
                                    .fits_by_dialect = true,
                                    .stores_spellings = true,
                                    .spellings = 2,
                                    .reads = "uuid: text of 32 hexadecimal digits, or 16 bytes",
                                    .storages =
                                        (const mr_type_rules *const[]){&uuid_text, &uuid_hex, &uuid_blob, NULL}};
