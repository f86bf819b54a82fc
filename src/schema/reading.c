/*
 * reading.c: reads a stored value as a value of its column's type, by the rules of the types (schema/types).
 *
 * Invariant: a row whose stored value is accepted here is found again by a criterion with the value that was read, and
 * the value is stored in the same form when it is written back. All other stored values are refused; nothing is
 * guessed.
 */
#include <moonrow/schema.h>

#include <stdio.h>
#include <string.h>

enum {
    SHOWN = 60,             /* a message repeats so many bytes of a stored text ... */
    SHOWN_BLOB = SHOWN / 4, /* ... or of a blob, whose bytes are written as two digits each */
    AROUND = 80,            /* room for the words around them */
    FLOAT_DIGITS = 17       /* so many significant digits show a float exactly */
};

/* ---------------------------------------------------------------- reading */

bool mr_type_read(const mr_type *type, mr_value *v, char *room) {
    if (v->kind == MR_NULL) return true;
    return type->rules->read ? type->rules->read(type, v, room) : v->kind == type->rules->kind;
}

/* ---------------------------------------------------------------- refusing */

static int shown_length(const mr_value *v) {
    int n = v->len <= SHOWN ? (int)v->len : SHOWN;
    while (n > 0 && (uint32_t)n < v->len && ((unsigned char)v->u.s[n] & 0xC0) == 0x80) n--;
    return n;
}

/* Writes a text as "x", a blob as x'00ff', a number as 42. */
static void describe(const mr_value *v, char *buf, size_t size) {
    size_t len;
    int n;
    switch (v->kind) {
    case MR_TEXT:
    case MR_DECIMAL:
    case MR_JSON:
        n = shown_length(v);
        snprintf(buf, size, "\"%.*s%s\"", n, n ? v->u.s : "", (uint32_t)n < v->len ? "..." : "");
        break;
    case MR_BLOB:
        len = (size_t)snprintf(buf, size, "x'");
        n = v->len <= SHOWN_BLOB ? (int)v->len : SHOWN_BLOB;
        for (int i = 0; i < n; i++) len += (size_t)snprintf(buf + len, size - len, "%02x", (unsigned char)v->u.s[i]);
        snprintf(buf + len, size - len, (uint32_t)n < v->len ? "...' of %lu bytes" : "'", (unsigned long)v->len);
        break;
    case MR_INT:
        snprintf(buf, size, "%lld", (long long)v->u.i);
        break;
    case MR_FLOAT:
        mr_print_float(buf, size, FLOAT_DIGITS, v->u.d);
        break;
    default:
        snprintf(buf, size, "a %s", mr_kind_name(v->kind));
    }
}

/* The types that would read the value, for the message's advice. */
static const char *fitting_types(const mr_value *v) {
    switch (v->kind) {
    case MR_TEXT:
    case MR_JSON:
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

mr_status mr_type_bad_json(mr_env *env, const mr_type *type, const char *what, const char *row, const mr_value *stored,
                           const char *why) {
    char shown[SHOWN + AROUND], name[MR_TYPE_NAME];
    mr_value bytes = *stored;
    if (!mr_utf8_valid(stored->u.s, stored->len)) bytes.kind = MR_BLOB;
    describe(&bytes, shown, sizeof shown);
    return mr_fail(
        env, MR_ERR_DATA,
        "%s%s%s holds %s, which cannot be read as %s (%s): correct the row, declare the column Text, or read "
        "it with execution_options{ bad_values = \"null\" } or \"keep\"",
        what, row ? " of " : "", row ? row : "", shown, mr_type_name(type, name), why);
}

mr_status mr_type_misfit(mr_env *env, const mr_type *type, const char *what, const char *row, const mr_value *stored) {
    char shown[SHOWN + AROUND], name[MR_TYPE_NAME];
    bool choice = type->rules->argument == MR_ARGUMENT_CHOICES && stored->kind == MR_TEXT;
    const char *reads = type->rules->reads ? type->rules->reads : strchr(type->rules->wants, ' ') + 1;
    describe(stored, shown, sizeof shown);
    return mr_fail(env, MR_ERR_DATA,
                   "%s%s%s holds %s, which is no %s%s: correct the row, declare the column %s, or read it with "
                   "execution_options{ bad_values = \"null\" } or \"keep\"",
                   what, row ? " of " : "", row ? row : "", shown, choice ? "choice of " : "",
                   choice ? mr_type_name(type, name) : reads,
                   choice ? "String, or Enum with this choice" : fitting_types(stored));
}
