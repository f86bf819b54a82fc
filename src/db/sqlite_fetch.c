/*
 * sqlite_fetch.c: reads the columns of a row. This is the most frequent work of the library, so for most columns there
 * is one call for the storage class and one for the value.
 *
 * Invariant: text and blobs belong to SQLite, and are good until the next step. Nothing is copied.
 */
/* A SQLite that was built with SQLITE_OMIT_DECLTYPE lacks this function. Then values that a column's affinity has
 * converted are not converted back. */
#pragma weak sqlite3_column_decltype

#include "driver_sqlite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_SIZE = MR_READ_ROOM };

/* Writes all but the value itself, in place: a copy of a whole mr_value costs more. */
static inline void set_kind(mr_value *v, mr_kind kind, uint32_t len) {
    v->kind = (uint8_t)kind;
    v->flags = 0;
    v->tag = 0;
    v->len = len;
}

/* Reads a column of the storage class as it is stored. False without memory. */
static inline bool as_stored(sqlite3_value *stored, int class, mr_value *out) {
    const void *bytes;
    switch (class) {
    case SQLITE_INTEGER:
        set_kind(out, MR_INT, 0);
        out->u.i = sqlite3_value_int64(stored);
        return true;
    case SQLITE_FLOAT:
        set_kind(out, MR_FLOAT, 0);
        out->u.d = sqlite3_value_double(stored);
        return true;
    case SQLITE_TEXT:
        out->u.s = (const char *)sqlite3_value_text(stored);
        set_kind(out, MR_TEXT, (uint32_t)sqlite3_value_bytes(stored));
        return out->u.s != NULL;
    case SQLITE_BLOB:
        bytes = sqlite3_value_blob(stored); /* NULL when empty */
        *out = mr_bytes_value(MR_BLOB, bytes ? bytes : "", (size_t)sqlite3_value_bytes(stored));
        return bytes || out->len == 0; /* zeros are spelled out only now, which takes memory */
    default:
        *out = mr_null_value();
        return true;
    }
}

/* Reads a number or a blob as text, by SQLite's own rules. */
static inline bool as_text(sqlite3_value *stored, mr_kind kind, mr_value *out) {
    if (sqlite3_value_type(stored) == SQLITE_NULL) {
        *out = mr_null_value();
        return true;
    }
    const char *text = (const char *)sqlite3_value_text(stored);
    *out = mr_bytes_value(kind, text, (size_t)sqlite3_value_bytes(stored));
    return text != NULL;
}

/* Makes room for what is made of the values of a row: the text of decimals, of uuids. It is used again for the next
 * row. */
static bool reserve_numbers(sqlite_stmt *s, size_t n) {
    if (s->nnumbers >= n) return true;
    char *numbers = mr_alloc(s->dbc->env, n * NUMBER_SIZE);
    if (!numbers) return false;
    mr_free(s->dbc->env, s->numbers);
    s->numbers = numbers;
    s->nnumbers = (unsigned)n;
    return true;
}

/* The result of an expression may have another type than the guessed one. Is it passed on as it is stored? Not when it
 * would look like another value of the guessed type. */
static bool is_kept_as_stored(const mr_type *type, mr_value *v) {
    if (!type->guessed) return false;
    if (mr_type_is_boolean(type) && v->kind == MR_INT) *v = mr_bool_value(v->u.i != 0);
    return !mr_type_is_boolean(type) || v->kind == MR_BOOL;
}

typedef enum affinity { AFFINITY_NONE, AFFINITY_TEXT, AFFINITY_NUMBER } affinity;

static bool has_word(const char *type, const char *word) {
    size_t n = strlen(word);
    for (; *type; type++)
        if (sqlite3_strnicmp(type, word, (int)n) == 0) return true;
    return false;
}

/* How SQLite converts values that are written to the column, by its rules for the declared type. A computed column has
 * no affinity. */
static affinity affinity_of(sqlite_stmt *s, size_t i) {
    const char *type = sqlite3_column_decltype ? sqlite3_column_decltype(s->stmt, (int)i) : NULL;
    if (!type || !*type) return AFFINITY_NONE;
    if (has_word(type, "INT")) return AFFINITY_NUMBER;
    if (has_word(type, "CHAR") || has_word(type, "CLOB") || has_word(type, "TEXT")) return AFFINITY_TEXT;
    return has_word(type, "BLOB") ? AFFINITY_NONE : AFFINITY_NUMBER;
}

/* Is it the text that SQLite writes for the number? */
static bool is_number_text(const mr_value *text, const mr_value *number) {
    char buf[NUMBER_SIZE];
    if (number->kind == MR_INT) sqlite3_snprintf(sizeof buf, buf, "%lld", (long long)number->u.i);
    else sqlite3_snprintf(sizeof buf, buf, "%!.15g", number->u.d);
    return strlen(buf) == text->len && memcmp(buf, text->u.s, text->len) == 0;
}

static bool number_of_text(const mr_type *type, mr_value *v) {
    char buf[NUMBER_SIZE];
    if (v->len == 0 || v->len >= sizeof buf) return false;
    memcpy(buf, v->u.s, v->len);
    buf[v->len] = '\0';
    double d = 0;
    if (mr_type_is_float(type) && !mr_parse_float(buf, &d)) return false;
    mr_value made = mr_type_is_float(type) ? mr_float_value(d) : mr_int_value(strtoll(buf, NULL, 10));
    if (!is_number_text(v, &made)) return false;
    *v = made;
    return true;
}

/* Undoes a conversion by the column's affinity (text to number, or number to text). The program had written a value of
 * the type, and a criterion with that value finds the row. */
static mr_status by_affinity(sqlite_stmt *s, size_t i, const mr_type *type, sqlite3_value *stored, mr_value *v) {
    mr_value text;
    double d;
    if (mr_type_is_string(type)) {
        if ((v->kind != MR_INT && v->kind != MR_FLOAT) || affinity_of(s, i) != AFFINITY_NUMBER) return MR_NOTFOUND;
        if (!as_text(stored, MR_TEXT, &text)) return mr_nomem(s->dbc->env);
        if (v->kind == MR_FLOAT && (!mr_parse_float(text.u.s, &d) || d != v->u.d)) return MR_NOTFOUND;
        *v = text;
        return MR_OK;
    }
    bool turned = (mr_type_is_integer(type) || mr_type_is_float(type)) && v->kind == MR_TEXT &&
                  affinity_of(s, i) == AFFINITY_TEXT && number_of_text(type, v);
    return turned ? MR_OK : MR_NOTFOUND;
}

/* Reads a value that must be converted, or that does not fit the type. */
MR_APART static mr_status fetch_converted(sqlite_stmt *s, size_t i, size_t n, const mr_type *type,
                                          sqlite3_value *stored, mr_value *out) {
    if (!as_stored(stored, sqlite3_value_type(stored), out)) return mr_nomem(s->dbc->env);
    if (!reserve_numbers(s, n)) return MR_FAIL;
    if (mr_type_read(type, out, s->numbers + i * NUMBER_SIZE)) return MR_OK;
    if (mr_type_is_string(type) && type->guessed) return as_text(stored, MR_TEXT, out) ? MR_OK : mr_nomem(s->dbc->env);
    if (!mr_type_is_moment(type) && is_kept_as_stored(type, out)) return MR_OK;
    mr_status turned = by_affinity(s, i, type, stored, out);
    if (turned != MR_NOTFOUND) return turned;
    out->flags |= MR_VALUE_MISFIT;
    return MR_NOTFOUND;
}

/* Reads a boolean that is stored as 0 or 1, as nearly all are. */
static inline bool fetch_bit(int class, sqlite3_value *stored, mr_value *v) {
    sqlite3_int64 bit = class == SQLITE_INTEGER ? sqlite3_value_int64(stored) : -1;
    if (bit != 0 && bit != 1) return false;
    *v = mr_bool_value(bit == 1);
    return true;
}

_Static_assert(MR_STORED_INTEGER == 1 << SQLITE_INTEGER && MR_STORED_FLOAT == 1 << SQLITE_FLOAT &&
                   MR_STORED_TEXT == 1 << SQLITE_TEXT && MR_STORED_BLOB == 1 << SQLITE_BLOB &&
                   MR_STORED_NULL == 1 << SQLITE_NULL,
               "a storage class is a bit of the types' rules");

/* Reads JSON, which is nearly always text, and is looked into when it is asked for. */
static inline bool fetch_json(int class, sqlite3_value *stored, const mr_type *type, mr_value *v, bool *ok) {
    if (class != SQLITE_TEXT || type->guessed) return false;
    *ok = as_stored(stored, class, v);
    v->kind = MR_JSON;
    v->tag = mr_json_tag(type->number, MR_JSON_BAD_RAISE);
    return true;
}

/* Reads a value that the type takes unchanged from its storage class, as nearly all are. */
static inline bool fetch_plain(const mr_type *type, sqlite3_value *stored, mr_value *v, bool *ok) {
    const mr_type_rules *rules = type->rules;
    int class = sqlite3_value_type(stored);
    if ((rules->stored | MR_STORED_NULL) >> class & 1) {
        *ok = as_stored(stored, class, v);
        return true;
    }
    if (rules->kind == MR_JSON) return fetch_json(class, stored, type, v, ok);
    return rules->group == MR_GROUP_BOOLEAN && fetch_bit(class, stored, v);
}

mr_status mr_sqlite_fetch(mr_stmt *handle, const mr_type *const *types, size_t n, mr_value *out) {
    static const mr_type untyped = {.rules = &mr_type_unknown};
    sqlite_stmt *s = sqlite_stmt_of(handle);
    sqlite3_stmt *stmt = s->stmt;
    mr_status status = MR_OK;
    for (size_t i = 0; i < n; i++) {
        /* An unprotected value is safe, because only one thread uses the connection at a time. */
        sqlite3_value *stored = sqlite3_column_value(stmt, (int)i);
        const mr_type *type = types && types[i] ? types[i] : &untyped;
        bool ok = true;
        if (fetch_plain(type, stored, &out[i], &ok)) {
            if (!ok) return mr_nomem(s->dbc->env);
            continue;
        }
        mr_status converted = fetch_converted(s, i, n, type, stored, &out[i]);
        if (converted == MR_FAIL) return MR_FAIL;
        if (converted != MR_OK) status = converted;
    }
    return status;
}
