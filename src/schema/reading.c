/*
 * reading.c: what is stored, read as a value of its column's type: one rule for all types.
 *
 * Invariant: what is accepted is found again by a criterion of its value, and stored in the same way when it is written
 * back; anything else is refused, and nothing is converted on a guess.
 */
#include <moonrow/schema.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 60 }; /* bytes of a stored value that a message repeats */

/* ---------------------------------------------------------------- reading */

static bool read_integer(mr_value *v) {
    if (v->kind == MR_INT) return true;
    if (v->kind != MR_FLOAT) return false;
    double d = v->u.d;
    /* Both bounds are exact doubles: -2^63 fits, 2^63 does not. NaN fails the comparison. */
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || floor(d) != d) return false;
    *v = mr_int_value((int64_t)d);
    return true;
}

static bool read_float(mr_value *v) {
    if (v->kind == MR_INT) *v = mr_float_value((double)v->u.i);
    return v->kind == MR_FLOAT;
}

static bool read_boolean(mr_value *v) {
    bool b;
    if (v->kind == MR_BOOL) return true;
    if (v->kind == MR_INT && (v->u.i == 0 || v->u.i == 1)) b = v->u.i == 1;
    else if (v->kind == MR_FLOAT && (v->u.d == 0 || v->u.d == 1)) b = v->u.d == 1;
    else if (v->kind != MR_TEXT || !mr_boolean_read(v->u.s, v->len, &b)) return false;
    *v = mr_bool_value(b);
    return true;
}

static bool read_calendar(mr_kind kind, mr_kind text, mr_value *v) {
    mr_value made;
    if (v->kind == kind) return true;
    if (v->kind != MR_TEXT || !mr_calendar_read(text, v->u.s, v->len, &made)) return false;
    made.kind = (uint8_t)kind;
    *v = made;
    return true;
}

/* Digits with a sign and a point at most. */
static bool is_decimal(const mr_value *v) {
    const char *s = v->u.s, *end = s + v->len;
    size_t digits = 0;
    if (v->len && (*s == '-' || *s == '+')) s++;
    for (; s < end && *s >= '0' && *s <= '9'; s++) digits++;
    if (s < end && *s == '.') s++;
    for (; s < end && *s >= '0' && *s <= '9'; s++) digits++;
    return s == end && digits > 0;
}

static bool read_numeric(mr_value *v) {
    if (v->kind == MR_TEXT && is_decimal(v)) v->kind = MR_DECIMAL;
    return v->kind == MR_DECIMAL || v->kind == MR_INT || v->kind == MR_FLOAT;
}

static bool is_choice(const mr_type *type, const mr_value *v) {
    if (v->kind != MR_TEXT) return false;
    return !type->choices || !mr_type_is_broken(type, v);
}

bool mr_type_read(const mr_type *type, mr_value *v) {
    if (v->kind == MR_NULL) return true;
    switch (type->code) {
    case MR_TYPE_INTEGER:
    case MR_TYPE_SMALLINTEGER:
    case MR_TYPE_BIGINTEGER:
        return read_integer(v);
    case MR_TYPE_FLOAT:
        return read_float(v);
    case MR_TYPE_NUMERIC:
        return read_numeric(v);
    case MR_TYPE_BOOLEAN:
        return read_boolean(v);
    case MR_TYPE_STRING:
    case MR_TYPE_TEXT:
        return v->kind == MR_TEXT;
    case MR_TYPE_ENUM:
        return is_choice(type, v);
    case MR_TYPE_LARGEBINARY:
        return v->kind == MR_BLOB;
    case MR_TYPE_UUID:
        return v->kind == MR_TEXT && mr_uuid_is_text(v->u.s, v->len);
    case MR_TYPE_DATE:
        return read_calendar(MR_DATE, MR_DATE, v);
    case MR_TYPE_TIME:
        return read_calendar(MR_TIME, MR_TIME, v);
    case MR_TYPE_DATETIME:
        return read_calendar(MR_DATETIME, MR_DATETIME, v);
    case MR_TYPE_INTERVAL:
        return read_calendar(MR_INTERVAL, MR_DATETIME, v);
    default:
        return true;
    }
}

/* ---------------------------------------------------------------- refusing */

static int shown_length(const mr_value *v) {
    int n = v->len <= SHOWN ? (int)v->len : SHOWN;
    while (n > 0 && (uint32_t)n < v->len && ((unsigned char)v->u.s[n] & 0xC0) == 0x80) n--;
    return n;
}

/* Text as "x", a blob as x'00ff', a number as 42. */
static void describe(const mr_value *v, char *buf, size_t size) {
    size_t len;
    int n;
    switch (v->kind) {
    case MR_TEXT:
    case MR_DECIMAL:
        n = shown_length(v);
        snprintf(buf, size, "\"%.*s%s\"", n, n ? v->u.s : "", (uint32_t)n < v->len ? "..." : "");
        break;
    case MR_BLOB:
        len = (size_t)snprintf(buf, size, "x'");
        n = v->len <= SHOWN / 4 ? (int)v->len : SHOWN / 4;
        for (int i = 0; i < n; i++) len += (size_t)snprintf(buf + len, size - len, "%02x", (unsigned char)v->u.s[i]);
        snprintf(buf + len, size - len, (uint32_t)n < v->len ? "...' of %lu bytes" : "'", (unsigned long)v->len);
        break;
    case MR_INT:
        snprintf(buf, size, "%lld", (long long)v->u.i);
        break;
    case MR_FLOAT:
        mr_print_float(buf, size, 17, v->u.d);
        break;
    default:
        snprintf(buf, size, "a %s", mr_kind_name(v->kind));
    }
}

/* What the type reads, for "which is no ...". */
static const char *form(const mr_type *type) {
    switch (type->code) {
    case MR_TYPE_BOOLEAN:
        return "boolean: 0, 1, or text such as t, f, true or false";
    case MR_TYPE_DATE:
        return "date: text such as 2024-02-29";
    case MR_TYPE_TIME:
        return "time: text such as 13:04:05";
    case MR_TYPE_DATETIME:
        return "datetime: text such as 2024-02-29 13:04:05";
    case MR_TYPE_INTERVAL:
        return "interval: the datetime that lies so far after 1970-01-01, as text";
    case MR_TYPE_NUMERIC:
        return "decimal: a number, or text such as 12.30";
    case MR_TYPE_UUID:
        return "uuid: text of 32 hexadecimal digits";
    case MR_TYPE_LARGEBINARY:
        return "blob";
    default:
        return mr_type_wants(type);
    }
}

/* What to declare so that the value is read. */
static const char *fitting(const mr_type *type, const mr_value *v) {
    if (type->code == MR_TYPE_ENUM && v->kind == MR_TEXT) return "String, or Enum with this choice";
    switch (v->kind) {
    case MR_TEXT:
        return "Text, or Any";
    case MR_BLOB:
        return "LargeBinary, or Any";
    case MR_INT:
        return "Integer, or Any";
    case MR_FLOAT:
        return "Float, or Any";
    default:
        return "Any";
    }
}

mr_status mr_type_misfit(mr_env *env, const mr_type *type, const char *what, const char *row, const mr_value *stored) {
    char shown[SHOWN + 80], name[64];
    bool choice = type->code == MR_TYPE_ENUM && stored->kind == MR_TEXT;
    describe(stored, shown, sizeof shown);
    return mr_fail(env, MR_ERR_DATA,
                   "%s%s%s holds %s, which is no %s%s: correct the row, declare the column %s, or read it with "
                   "execution_options{ bad_values = \"null\" } or \"keep\"",
                   what, row ? " of " : "", row ? row : "", shown, choice ? "choice of " : "",
                   choice ? mr_type_name(type, name) : form(type), fitting(type, stored));
}
