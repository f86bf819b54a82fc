/*
 * type.c: what a column's type is called and which values it takes.
 *
 * Invariant: a value that passed mr_type_coerce has the kind that its type stores, or is NULL or
 * opaque. Nothing here allocates but the text of an error.
 */
#include <moonrow/schema.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#define SHOWN_BYTES 60 /* of a user's value in a message */

typedef struct type_words {
    const char *name;
    const char *wants;
} type_words;

static const type_words words[MR_TYPE__COUNT] = {
    [MR_TYPE_NULL] = {"NullType", "value"},
    [MR_TYPE_INTEGER] = {"Integer", "integer"},
    [MR_TYPE_SMALLINTEGER] = {"SmallInteger", "integer"},
    [MR_TYPE_BIGINTEGER] = {"BigInteger", "integer"},
    [MR_TYPE_FLOAT] = {"Float", "number"},
    [MR_TYPE_NUMERIC] = {"Numeric", "decimal"},
    [MR_TYPE_BOOLEAN] = {"Boolean", "boolean"},
    [MR_TYPE_STRING] = {"String", "string"},
    [MR_TYPE_TEXT] = {"Text", "string"},
    [MR_TYPE_LARGEBINARY] = {"LargeBinary", "string"},
    [MR_TYPE_DATE] = {"Date", "date"},
    [MR_TYPE_TIME] = {"Time", "time"},
    [MR_TYPE_DATETIME] = {"DateTime", "datetime"},
    [MR_TYPE_INTERVAL] = {"Interval", "interval"},
    [MR_TYPE_ENUM] = {"Enum", "string"},
    [MR_TYPE_JSON] = {"JSON", "value"},
    [MR_TYPE_UUID] = {"Uuid", "uuid"},
    [MR_TYPE_ANY] = {"Any", "integer, float or string"},
};

#define SIMPLE(c) [c] = {.code = (c), .precision = -1, .scale = -1}
static const mr_type simple[MR_TYPE__COUNT] = {
    SIMPLE(MR_TYPE_NULL),     SIMPLE(MR_TYPE_INTEGER),     SIMPLE(MR_TYPE_SMALLINTEGER), SIMPLE(MR_TYPE_BIGINTEGER),
    SIMPLE(MR_TYPE_FLOAT),    SIMPLE(MR_TYPE_NUMERIC),     SIMPLE(MR_TYPE_BOOLEAN),      SIMPLE(MR_TYPE_STRING),
    SIMPLE(MR_TYPE_TEXT),     SIMPLE(MR_TYPE_LARGEBINARY), SIMPLE(MR_TYPE_DATE),         SIMPLE(MR_TYPE_TIME),
    SIMPLE(MR_TYPE_DATETIME), SIMPLE(MR_TYPE_INTERVAL),    SIMPLE(MR_TYPE_ENUM),         SIMPLE(MR_TYPE_JSON),
    SIMPLE(MR_TYPE_UUID),     SIMPLE(MR_TYPE_ANY),
};

#define GUESSED(c) [c] = {.code = (c), .precision = -1, .scale = -1, .guessed = true}
static const mr_type guessed[MR_TYPE__COUNT] = {
    GUESSED(MR_TYPE_NULL),     GUESSED(MR_TYPE_INTEGER),     GUESSED(MR_TYPE_SMALLINTEGER), GUESSED(MR_TYPE_BIGINTEGER),
    GUESSED(MR_TYPE_FLOAT),    GUESSED(MR_TYPE_NUMERIC),     GUESSED(MR_TYPE_BOOLEAN),      GUESSED(MR_TYPE_STRING),
    GUESSED(MR_TYPE_TEXT),     GUESSED(MR_TYPE_LARGEBINARY), GUESSED(MR_TYPE_DATE),         GUESSED(MR_TYPE_TIME),
    GUESSED(MR_TYPE_DATETIME), GUESSED(MR_TYPE_INTERVAL),    GUESSED(MR_TYPE_ENUM),         GUESSED(MR_TYPE_JSON),
    GUESSED(MR_TYPE_UUID),     GUESSED(MR_TYPE_ANY),
};

/* A scale is how the digits of a result are read. */
const mr_type *mr_type_guessed(const mr_type *type) { return type->scale >= 0 ? type : &guessed[type->code]; }

const mr_type *mr_type_simple(mr_typecode code) {
    return (unsigned)code < MR_TYPE__COUNT ? &simple[code] : &simple[MR_TYPE_NULL];
}

/* The choices are interned one by one, so they outlive the caller's. */
static const char *const *copy_choices(mr_env *env, const char *const *choices) {
    size_t n = 0;
    while (choices[n]) n++;
    const char **copy = mr_env_arena(env, (n + 1) * sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < n; i++) {
        copy[i] = mr_intern(env, choices[i], strlen(choices[i]));
        if (!copy[i]) return NULL;
    }
    return copy;
}

const mr_type *mr_type_new(mr_env *env, const mr_type *proto) {
    mr_type *type = mr_env_arena(env, sizeof *type);
    if (!type) return NULL;
    *type = *proto;
    if (proto->choices) {
        type->choices = copy_choices(env, proto->choices);
        if (!type->choices) return NULL;
    }
    return type;
}

/* Writes "Enum(a, b, ...)", cut with dots where 64 bytes do not hold it. */
static void enum_name(const mr_type *type, char *buf) {
    size_t len = (size_t)snprintf(buf, 64, "Enum(");
    for (size_t i = 0; type->choices && type->choices[i]; i++) {
        size_t need = strlen(type->choices[i]) + 2;
        if (len + need + 6 > 64) {
            len += (size_t)snprintf(buf + len, 64 - len, "%s", i ? ", ..." : "...");
            break;
        }
        len += (size_t)snprintf(buf + len, 64 - len, "%s%s", i ? ", " : "", type->choices[i]);
    }
    snprintf(buf + len, 64 - len, ")");
}

const char *mr_type_name(const mr_type *type, char *buf) {
    const char *name = words[type->code].name;
    if (type->code == MR_TYPE_ENUM && type->choices) enum_name(type, buf);
    else if (type->code == MR_TYPE_NUMERIC && type->precision >= 0 && type->scale >= 0)
        snprintf(buf, 64, "%s(%d, %d)", name, type->precision, type->scale);
    else if ((type->code == MR_TYPE_NUMERIC || type->code == MR_TYPE_FLOAT) && type->precision >= 0)
        snprintf(buf, 64, "%s(%d)", name, type->precision);
    else if (type->length > 0) snprintf(buf, 64, "%s(%d)", name, type->length);
    else snprintf(buf, 64, "%s", name);
    return buf;
}

const char *mr_type_wants(const mr_type *type) { return words[type->code].wants; }

/* ---------------------------------------------------------------- messages */

/* Bytes of s to show: at most SHOWN_BYTES, not ending within a UTF-8 sequence. */
static int shown_length(const mr_value *v) {
    if (v->len <= SHOWN_BYTES) return (int)v->len;
    int n = SHOWN_BYTES;
    while (n > SHOWN_BYTES - 4 && ((unsigned char)v->u.s[n] & 0xC0) == 0x80) n--;
    return n;
}

/* Writes the value as a message names it: string "x", number 1.5, date 2024-02-29. */
static void describe(const mr_value *v, char *buf, size_t size) {
    const char *kind = mr_kind_name(v->kind);
    char iso[48];
    switch (v->kind) {
    case MR_TEXT:
    case MR_BLOB: {
        int n = shown_length(v);
        snprintf(buf, size, "%s \"%.*s%s\"", kind, n, n ? v->u.s : "", (uint32_t)n < v->len ? "..." : "");
        break;
    }
    case MR_DECIMAL: {
        int n = shown_length(v);
        snprintf(buf, size, "%s %.*s%s", kind, n, n ? v->u.s : "", (uint32_t)n < v->len ? "..." : "");
        break;
    }
    case MR_INT:
        snprintf(buf, size, "%s %lld", kind, (long long)v->u.i);
        break;
    case MR_FLOAT:
        if (isnan(v->u.d)) snprintf(buf, size, "NaN");
        else {
            int n = snprintf(buf, size, "%s ", kind);
            mr_print_float(buf + n, size - (size_t)n, 14, v->u.d);
        }
        break;
    case MR_BOOL:
        snprintf(buf, size, "%s %s", kind, v->u.i ? "true" : "false");
        break;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        mr_calendar_format(v, ' ', false, iso);
        snprintf(buf, size, "%s %s", kind, iso);
        break;
    default:
        snprintf(buf, size, "%s", kind);
    }
}

/* What is wrong with a text that has the form of a date or time, in mistake. */
static bool calendar_mistake(const mr_type *type, const mr_value *v, char *mistake) {
    mr_kind kind = type->code == MR_TYPE_DATE ? MR_DATE : type->code == MR_TYPE_TIME ? MR_TIME : MR_DATETIME;
    bool calendar = type->code == MR_TYPE_DATE || type->code == MR_TYPE_TIME || type->code == MR_TYPE_DATETIME;
    return calendar && v->kind == MR_TEXT && mr_calendar_mistake(kind, v->u.s, v->len, mistake);
}

/* What to write instead, where the expected word alone does not tell. */
static const char *cure(const mr_type *type, const mr_value *v) {
    switch (type->code) {
    case MR_TYPE_DATE:
        return v->kind == MR_TEXT ? " (write it as \"2024-02-29\")" : "";
    case MR_TYPE_TIME:
        return v->kind == MR_TEXT ? " (write it as \"13:04:05\")" : "";
    case MR_TYPE_DATETIME:
        return v->kind == MR_TEXT ? " (write it as \"2024-02-29 13:04:05\")" : "";
    case MR_TYPE_NUMERIC:
        return v->kind == MR_FLOAT ? " (a float is not exact: use a decimal)" : "";
    default:
        return "";
    }
}

static mr_status refuse(mr_env *env, const mr_type *type, const char *what, const mr_value *v) {
    char got[SHOWN_BYTES + 40];
    char mistake[MR_MISTAKE_SIZE];
    describe(v, got, sizeof got);
    if (calendar_mistake(type, v, mistake))
        return mr_fail(env, MR_ERR_ARGUMENT, "%s: expected %s, got %s (%s)", what, mr_type_wants(type), got, mistake);
    return mr_fail(env, MR_ERR_ARGUMENT, "%s: expected %s, got %s%s", what, mr_type_wants(type), got, cure(type, v));
}

/* ---------------------------------------------------------------- coercion */

/* Each of these normalises *v in place, or returns false where the type does not take it. */

static bool take_integer(mr_value *v) {
    if (v->kind == MR_INT) return true;
    if (v->kind != MR_FLOAT) return false;
    double d = v->u.d;
    /* Both bounds are exact doubles: -2^63 fits, 2^63 does not. NaN fails the comparison. */
    if (!(d >= -9223372036854775808.0 && d < 9223372036854775808.0) || floor(d) != d) return false;
    *v = mr_int_value((int64_t)d);
    return true;
}

static bool take_float(mr_value *v) {
    if (v->kind == MR_INT) *v = mr_float_value((double)v->u.i);
    return v->kind == MR_FLOAT && !isnan(v->u.d);
}

static bool take_binary(mr_value *v) {
    if (v->kind == MR_TEXT) v->kind = MR_BLOB;
    return v->kind == MR_BLOB;
}

/* ISO text becomes the kind (text that the value owned is freed), a date its midnight. */
static bool take_calendar(mr_env *env, mr_kind kind, mr_value *v) {
    if (v->kind == kind) return true;
    if (v->kind == MR_DATE && kind == MR_DATETIME) {
        mr_civil civil;
        mr_civil_from_value(v, &civil);
        civil.hour = civil.minute = civil.second = civil.microsecond = 0;
        return mr_civil_to_value(&civil, MR_DATETIME, v);
    }
    mr_value parsed;
    if (v->kind != MR_TEXT || !mr_calendar_parse(kind, v->u.s, v->len, &parsed)) return false;
    mr_value_clear(env, v);
    *v = parsed;
    return true;
}

static bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

bool mr_uuid_is_text(const char *s, size_t len) {
    if (len != 32 && len != 36) return false;
    for (size_t i = 0; i < len; i++) {
        bool hyphen = len == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
        if (hyphen ? s[i] != '-' : !is_hex(s[i])) return false;
    }
    return true;
}

/* What has a storage class of its own. */
static bool take_any(mr_value *v) {
    if (v->kind == MR_BOOL) v->kind = MR_INT;
    return v->kind == MR_INT || v->kind == MR_TEXT || v->kind == MR_BLOB || (v->kind == MR_FLOAT && !isnan(v->u.d));
}

static bool take(mr_env *env, mr_typecode code, mr_value *v) {
    switch (code) {
    case MR_TYPE_INTEGER:
    case MR_TYPE_SMALLINTEGER:
    case MR_TYPE_BIGINTEGER:
        return take_integer(v);
    case MR_TYPE_FLOAT:
        return take_float(v);
    case MR_TYPE_NUMERIC:
        return v->kind == MR_INT || v->kind == MR_DECIMAL;
    case MR_TYPE_BOOLEAN:
        return v->kind == MR_BOOL;
    case MR_TYPE_STRING:
    case MR_TYPE_TEXT:
    case MR_TYPE_ENUM:
        return v->kind == MR_TEXT;
    case MR_TYPE_LARGEBINARY:
        return take_binary(v);
    case MR_TYPE_DATE:
        return take_calendar(env, MR_DATE, v);
    case MR_TYPE_TIME:
        return take_calendar(env, MR_TIME, v);
    case MR_TYPE_DATETIME:
        return take_calendar(env, MR_DATETIME, v);
    case MR_TYPE_INTERVAL:
        return v->kind == MR_INTERVAL;
    case MR_TYPE_UUID:
        return v->kind == MR_TEXT && mr_uuid_is_text(v->u.s, v->len);
    case MR_TYPE_ANY:
        return take_any(v);
    default:
        return true;
    }
}

mr_status mr_type_coerce(mr_env *env, const mr_type *type, const char *what, mr_value *value) {
    if (value->kind == MR_NULL || value->kind == MR_OPAQUE || value->kind == MR_UNLOADED) return MR_OK;
    return take(env, type->code, value) ? MR_OK : refuse(env, type, what, value);
}

/* ---------------------------------------------------------------- at flush */

/* Bytes of the character at s: 1 for ASCII and for what is no valid UTF-8. */
static size_t utf8_step(const unsigned char *s, size_t left) {
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xC2 && s[0] < 0xE0 ? 2
               : (s[0] & 0xF0) == 0xE0       ? 3
               : s[0] >= 0xF0 && s[0] < 0xF5 ? 4
                                             : 1;
    if (n > left) return 1;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xC0) != 0x80) return 1;
    if (n == 3 && ((s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xED && s[1] > 0x9F))) return 1;
    if (n == 4 && ((s[0] == 0xF0 && s[1] < 0x90) || (s[0] == 0xF4 && s[1] > 0x8F))) return 1;
    return n;
}

size_t mr_utf8_length(const char *s, size_t len) {
    size_t count = 0;
    for (size_t i = 0; i < len; count++) i += utf8_step((const unsigned char *)s + i, len - i);
    return count;
}

static bool is_choice(const mr_type *type, const mr_value *v) {
    for (const char *const *c = type->choices; *c; c++)
        if (strlen(*c) == v->len && memcmp(*c, v->u.s, v->len) == 0) return true;
    return false;
}

bool mr_type_is_broken(const mr_type *type, const mr_value *value) {
    if (value->kind != MR_TEXT) return false;
    if (type->code == MR_TYPE_ENUM) return type->choices && !is_choice(type, value);
    return type->code == MR_TYPE_STRING && type->length > 0 && value->len > (size_t)type->length &&
           mr_utf8_length(value->u.s, value->len) > (size_t)type->length;
}

mr_status mr_type_check_length(mr_env *env, const mr_type *type, const char *what, const mr_value *value) {
    if (!mr_type_is_broken(type, value)) return MR_OK;
    char name[64], got[SHOWN_BYTES + 40];
    describe(value, got, sizeof got);
    if (type->code == MR_TYPE_ENUM)
        return mr_fail(env, MR_ERR_DATA, "%s: %s is not a choice of %s", what, got, mr_type_name(type, name));
    size_t chars = mr_utf8_length(value->u.s, value->len);
    return mr_fail(env, MR_ERR_DATA, "%s: %s has %zu characters, too long for %s", what, got, chars,
                   mr_type_name(type, name));
}
