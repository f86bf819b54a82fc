/*
 * numeric.c: Numeric: exact decimals. Without a storage they are stored as text, or as NUMERIC where the database has
 * it; "scaled" is an integer of units (1230 for 12.30), and "real" a float.
 *
 * Invariant: a float from the program is refused, because its digits are not exactly those that were written. With a
 * scale, a value that is written or read has so many digits behind the point, no more and no fewer.
 */
#include "rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The tag of a spelling: so many zeros are left out. */
enum { SPELLED = 0x8000 };

/* ---------------------------------------------------------------- from the program */

/* An integer stays one here. It becomes a decimal when it is stored, which takes memory. */
static bool coerce(mr_env *env, const mr_type *type, mr_value *v) {
    (void)env;
    (void)type;
    if (v->kind == MR_TEXT && mr_decimal_is_like(v->u.s, v->len)) v->kind = MR_DECIMAL;
    return v->kind == MR_DECIMAL || v->kind == MR_INT;
}

static void advise(const mr_type *type, const mr_value *v, char *advice) {
    (void)type;
    if (v->kind == MR_FLOAT)
        snprintf(advice, MR_TYPE_ADVICE,
                 " (a float is not exact: write the digits as a string, \"0.1\", or mr.decimal(\"0.1\"))");
    else if (v->kind == MR_TEXT) snprintf(advice, MR_TYPE_ADVICE, " (write digits with a point, such as \"-12.30\")");
}

/* What is too many for the type: its digits behind the point, or in front of it? NULL: neither. */
static const char *excess(const mr_type *type, const mr_value *v) {
    char digits[24];
    mr_value x = *v;
    if (type->precision < 0 || (v->kind != MR_INT && v->kind != MR_DECIMAL)) return NULL;
    if (v->kind == MR_INT)
        x = mr_bytes_value(MR_DECIMAL, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)v->u.i));
    if (mr_decimal_needs(&x) > (size_t)type->scale) return "behind";
    return mr_decimal_whole_digits(x.u.s, x.len) > (size_t)(type->precision - type->scale) ? "in front of" : NULL;
}

static void print(const mr_type *type, char *buf, size_t size) {
    const char *storage = type->rules->storage;
    size_t len = (size_t)snprintf(buf, size, "Numeric");
    if (type->precision >= 0) len += (size_t)snprintf(buf + len, size - len, "(%d, %d", type->precision, type->scale);
    if (storage) snprintf(buf + len, size - len, ", { storage = \"%s\" })", storage);
    else if (type->precision >= 0) snprintf(buf + len, size - len, ")");
}

static bool breaks(const mr_type *type, const mr_value *v, char *how) {
    (void)how;
    return excess(type, v) != NULL;
}

static mr_status no_room(const mr_type *type, const char *what, mr_env *env, const mr_value *v, const char *where) {
    enum { SHOWN = 40 };
    char name[MR_TYPE_NAME], cure[64] = "", digits[24];
    mr_value x = *v;
    if (v->kind == MR_INT)
        x = mr_bytes_value(MR_DECIMAL, digits, (size_t)snprintf(digits, sizeof digits, "%lld", (long long)v->u.i));
    print(type, name, sizeof name);
    int shown = x.len > SHOWN ? SHOWN : (int)x.len;
    if (*where == 'b') snprintf(cure, sizeof cure, " (value:round(%d) cuts them off)", type->scale);
    return mr_fail(env, MR_ERR_ARGUMENT, "%s: decimal %.*s%s has more digits %s the point than %s%s", what, shown,
                   x.u.s, (uint32_t)shown < x.len ? "..." : "", where, name, cure);
}

/* ---------------------------------------------------------------- to text */

/* Digits with a point in front of the last scale ones, as nearly all stored decimals are; negative ones are left out.
 */
static bool is_plainly_fixed(const char *s, size_t len, size_t scale) {
    const size_t point = scale ? len - scale - 1 : len;
    if (len < scale + 2 || (*s == '0' && point != 1) || (scale && s[point] != '.')) return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)(s[i] - '0') > 9 && i != point) return false;
    return true;
}

static bool is_fixed(const mr_type *type, const mr_value *v) {
    if (type->scale > 0 && v->kind == MR_DECIMAL && is_plainly_fixed(v->u.s, v->len, (size_t)type->scale)) return true;
    return v->kind == MR_DECIMAL && mr_decimal_is(v->u.s, v->len) &&
           (type->scale < 0 || mr_decimal_scale(v->u.s, v->len) == (size_t)type->scale);
}

/* Gives the value the digits of the type; one with more digits behind the point keeps them. Bytes are in the room. */
static mr_status fix(mr_env *env, const mr_type *type, mr_value *v, mr_store_room *room) {
    mr_strbuf text;
    if (is_fixed(type, v)) return MR_OK;
    mr_strbuf_init(&text, env);
    mr_decimal_status made = mr_decimal_fix(v, type->scale, &text);
    if (made == MR_DECIMAL_EXCESS) {
        mr_strbuf_clear(&text);
        made = mr_decimal_fix(v, -1, &text);
    }
    mr_status status = MR_FAIL;
    char *bytes = made == MR_DECIMAL_OK ? mr_store_bytes(room, text.len + 1) : NULL;
    if (bytes) {
        memcpy(bytes, text.data, text.len + 1);
        mr_value fixed = mr_bytes_value(MR_DECIMAL, bytes, text.len);
        fixed.tag = v->tag;
        *v = fixed; /* what it had belongs to the caller */
        status = MR_OK;
    } else {
        mr_nomem(env);
    }
    mr_strbuf_done(&text);
    return status;
}

static mr_status fit(mr_env *env, const mr_type *type, const char *what, mr_value *v, mr_store_room *room) {
    if (v->kind != MR_INT && v->kind != MR_DECIMAL) return MR_OK;
    const char *where = excess(type, v);
    if (where) return no_room(type, what, env, v, where);
    return fix(env, type, v, room);
}

/* ---------------------------------------------------------------- as text */

/* The digits behind the point that are zeros at the end, of the value as it is stored. */
static unsigned spare_zeros(const mr_type *type, const mr_value *v) {
    size_t needs = mr_decimal_needs(v);
    return type->scale < 0 || needs > (size_t)type->scale ? 0 : (unsigned)((size_t)type->scale - needs);
}

/* Other programs store 12.30 as 12.3, too. The tag says how many zeros are left out; store does it. */
static unsigned spell(const mr_type *type, const mr_value *v, mr_value *out) {
    if (v->kind != MR_INT && v->kind != MR_DECIMAL) return 0;
    const unsigned zeros = spare_zeros(type, v), n = zeros < MR_SPELLINGS ? zeros + 1 : MR_SPELLINGS;
    for (unsigned i = 0; i < n; i++) {
        out[i] = *v;
        out[i].flags = 0;
        out[i].tag = (uint16_t)(SPELLED | (i + 1 == n ? zeros : i));
    }
    return n;
}

/* Is it a number? Digits that stand beside a decimal in a function (coalesce(price, "0")) are one, too. */
static bool is_number(const mr_type *type, mr_value *v) {
    return v->kind == MR_INT || v->kind == MR_DECIMAL || coerce(NULL, type, v);
}

static mr_status store(const mr_type *type, mr_value *v, mr_store_room *room) {
    if (!is_number(type, v)) return MR_OK;
    const unsigned zeros = v->tag & SPELLED ? v->tag & ~(unsigned)SPELLED : 0;
    if (fix(room->env, type, v, room) != MR_OK) return MR_FAIL;
    uint32_t len = v->len > zeros ? v->len - zeros : v->len;
    if (zeros && v->u.s[len - 1] == '.') len--;
    *v = mr_text_value(v->u.s, len);
    return MR_OK;
}

/* Is the stored text one of the value's spellings: with all of its zeros, or without some at the end? */
static bool is_spelling(const mr_type *type, const mr_value *made, const char *stored, uint32_t len) {
    if (len >= made->len || stored[len - 1] == '.' || memcmp(stored, made->u.s, len) != 0) return false;
    const unsigned spare = spare_zeros(type, made);
    unsigned left_out = made->len - len;
    if (made->u.s[len] == '.') left_out--;
    return left_out <= spare && (left_out == spare || left_out + 2 <= MR_SPELLINGS);
}

/* Has the column room for the digits in front of the point? A shorter text has fewer than all. */
static bool has_room(const mr_type *type, const mr_value *v) {
    return type->precision < 0 || v->len <= (size_t)type->precision || !excess(type, v);
}

/* Reads what any program stores in such a column: its digits as text, an integer, or the float nearest to it. */
static bool read(const mr_type *type, mr_value *v, char *room) {
    size_t len = 0;
    if (v->kind == MR_DECIMAL) return true;
    if (v->kind == MR_TEXT) {
        mr_value made = mr_bytes_value(MR_DECIMAL, v->u.s, v->len);
        if (is_fixed(type, &made)) {
            if (!has_room(type, &made)) return false;
            *v = made;
            return true;
        }
        len = mr_decimal_of_text(v->u.s, v->len, type->scale, room);
    } else if (v->kind == MR_INT) {
        char digits[24];
        int n = snprintf(digits, sizeof digits, "%lld", (long long)v->u.i);
        len = mr_decimal_of_text(digits, (size_t)n, type->scale, room);
    } else if (v->kind == MR_FLOAT) {
        len = mr_decimal_of_float(v->u.d, type->scale, room);
    }
    if (len == 0) return false;
    mr_value made = mr_bytes_value(MR_DECIMAL, room, len);
    if (!has_room(type, &made)) return false;
    bool spelled = v->kind != MR_TEXT || (!type->rules->sql_read && is_spelling(type, &made, v->u.s, v->len));
    if (type->scale >= 0 && !spelled) made.tag = MR_DECIMAL_ODD;
    *v = made;
    return true;
}

/* ---------------------------------------------------------------- as numbers */

/* An integer of units of the last digit. */
static bool read_scaled(const mr_type *type, mr_value *v, char *room) {
    if (v->kind != MR_INT) return v->kind != MR_FLOAT && read(type, v, room);
    char text[32];
    int n = snprintf(text, sizeof text, "%llde-%d", (long long)v->u.i, type->scale);
    size_t len = mr_decimal_of_text(text, (size_t)n, type->scale, room);
    mr_value made = mr_bytes_value(MR_DECIMAL, room, len);
    if (len == 0 || !has_room(type, &made)) return false;
    *v = made;
    return true;
}

/* Copies the digits of a value that fix has made: up to the type's last one behind the point, and no more. *between: it
 * has others, so it lies between two values of the type. Bytes are in the room, with room for three more. */
static char *copy_digits(const mr_type *type, const mr_value *v, mr_store_room *room, bool *between) {
    const size_t scale = mr_decimal_scale(v->u.s, v->len), kept = (size_t)type->scale;
    size_t len = v->len;
    if (scale > kept) len -= scale - kept + (kept == 0); /* the point goes with the last digit behind it */
    char *text = mr_store_bytes(room, len + 4);
    if (!text) return NULL;
    memcpy(text, v->u.s, len);
    text[len] = '\0';
    *between = mr_decimal_needs(v) > kept;
    return text;
}

/* Between two integers there is no third one, and a float only up to 2^52. */
static mr_status between_units(const mr_type *type, long long units, bool negative, mr_value *v, mr_store_room *room) {
    const long long halves = 1LL << 52;
    char name[MR_TYPE_NAME];
    if (units < halves && units > -halves) {
        *v = mr_float_value((double)units + (negative ? -0.5 : 0.5));
        return MR_OK;
    }
    print(type, name, sizeof name);
    return mr_fail(room->env, MR_ERR_ARGUMENT,
                   "%s: decimal %.40s lies between two values of %s, where SQLite has no number to compare with: "
                   "value:round(%d) is one of them",
                   room->what ? room->what : "parameter", v->u.s, name, type->scale);
}

/* An integer. A criterion with more digits lies between two of them, and one beyond all of them is a float. */
static mr_status store_scaled(const mr_type *type, mr_value *v, mr_store_room *room) {
    if (!is_number(type, v)) return MR_OK;
    if (fix(room->env, type, v, room) != MR_OK) return MR_FAIL;
    bool between;
    char *digits = copy_digits(type, v, room, &between), *point = digits ? strchr(digits, '.') : NULL;
    if (!digits) return MR_FAIL;
    if (point) memmove(point, point + 1, strlen(point));
    errno = 0;
    const long long units = strtoll(digits, NULL, 10);
    if (between && mr_decimal_whole_digits(v->u.s, v->len) <= (size_t)(type->precision - type->scale))
        return between_units(type, units, *digits == '-', v, room);
    double d = 0;
    if (errno == 0) {
        *v = mr_int_value(units);
    } else {
        mr_parse_float(digits, &d);
        *v = mr_float_value(d);
    }
    return MR_OK;
}

static bool read_real(const mr_type *type, mr_value *v, char *room) { return read(type, v, room); }

static mr_status store_real(const mr_type *type, mr_value *v, mr_store_room *room) {
    double d = 0;
    if (!is_number(type, v)) return MR_OK;
    if (fix(room->env, type, v, room) != MR_OK) return MR_FAIL;
    bool between;
    char *text = copy_digits(type, v, room, &between);
    if (!text) return MR_FAIL;
    if (between) strcat(text, type->scale > 0 ? "5" : ".5"); /* the floats of its neighbours are others */
    mr_parse_float(text, &d);
    *v = mr_float_value(d);
    return MR_OK;
}

/* ---------------------------------------------------------------- declaring */

static void print_sql(const mr_type *type, char *buf, size_t size) {
    if (type->precision >= 0) snprintf(buf, size, "NUMERIC(%d, %d)", type->precision, type->scale);
    else snprintf(buf, size, "NUMERIC");
}

#define NUMERIC                                                                                                        \
    .name = "Numeric", .wants = "a decimal", .group = MR_GROUP_DECIMAL, .kind = MR_DECIMAL, .evaluated = true,         \
    .late = true, .argument = MR_ARGUMENT_DIGITS, .takes = MR_TAKES(MR_DECIMAL), .coerce = coerce, .breaks = breaks,   \
    .fit = fit, .advise = advise, .print = print

static const mr_type_rules numeric_scaled = {NUMERIC,
                                             .storage = "scaled",
                                             .reads = "decimal: an integer of units of the last digit",
                                             .sql_as = &mr_type_biginteger,
                                             .read = read_scaled,
                                             .store = store_scaled,
                                             .sql_read = "decimal_unscaled",
                                             .sql_write = "decimal_scaled"};

static const mr_type_rules numeric_real = {
    NUMERIC,           .storage = "real",   .reads = "decimal: a number", .sql_as = &mr_type_float,
    .read = read_real, .store = store_real, .sql_read = "decimal_round",  .sql_write = "decimal_real"};

const mr_type_rules mr_type_numeric = {NUMERIC,
                                       .natural = true,
                                       .reads = "decimal that fits its column: a number, or text such as 12.30",
                                       .sql = "NUMERIC",
                                       .spellings = MR_SPELLINGS,
                                       .read = read,
                                       .store = store,
                                       .spell = spell,
                                       .print_sql = print_sql,
                                       .storages =
                                           (const mr_type_rules *const[]){&numeric_scaled, &numeric_real, NULL}};
