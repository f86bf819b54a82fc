/*
 * sqlite_fetch.c: decoding a row. The hottest function of the library: for each column one look at what is
 * stored and one call to get it. Text and blobs stay SQLite's until the next step.
 */
#include "driver_sqlite.h"
#include "decode.h"

#include <math.h>
#include <stdio.h>

enum { NUMBER_SIZE = 64 };

/* What a column holds, as it is stored. False without memory. */
static inline bool as_stored(sqlite3_value *stored, mr_value *out) {
    const void *bytes;
    switch (sqlite3_value_type(stored)) {
    case SQLITE_INTEGER:
        *out = mr_int_value(sqlite3_value_int64(stored));
        return true;
    case SQLITE_FLOAT:
        *out = mr_float_value(sqlite3_value_double(stored));
        return true;
    case SQLITE_TEXT:
        bytes = sqlite3_value_text(stored);
        *out = mr_text_value(bytes, (size_t)sqlite3_value_bytes(stored));
        return bytes != NULL;
    case SQLITE_BLOB:
        bytes = sqlite3_value_blob(stored); /* NULL when empty */
        *out = mr_bytes_value(MR_BLOB, bytes ? bytes : "", (size_t)sqlite3_value_bytes(stored));
        return true;
    default:
        *out = mr_null_value();
        return true;
    }
}

/* Numbers and blobs become text, by SQLite's own rules. */
static inline bool as_text(sqlite3_value *stored, mr_kind kind, mr_value *out) {
    if (sqlite3_value_type(stored) == SQLITE_NULL) {
        *out = mr_null_value();
        return true;
    }
    const char *text = (const char *)sqlite3_value_text(stored);
    *out = mr_bytes_value(kind, text, (size_t)sqlite3_value_bytes(stored));
    return text != NULL;
}

/* Room for the decimals of a row, kept for the next one. */
static bool reserve_numbers(sqlite_stmt *s, size_t n) {
    if (s->nnumbers >= n) return true;
    char *numbers = mr_alloc(s->dbc->env, n * NUMBER_SIZE);
    if (!numbers) return false;
    mr_free(s->dbc->env, s->numbers);
    s->numbers = numbers;
    s->nnumbers = (unsigned)n;
    return true;
}

/* With the scale of the type, or with the digits that a float surely has. */
static size_t format_number(char *text, double d, int scale) {
    if (scale >= 0) return (size_t)snprintf(text, NUMBER_SIZE, "%.*f", scale, d);
    int before = d == 0 ? 1 : (int)floor(log10(fabs(d))) + 1;
    int decimals = before >= 15 ? 0 : before < -25 ? 40 : 15 - before;
    size_t len = (size_t)snprintf(text, NUMBER_SIZE, "%.*f", decimals, d);
    if (decimals == 0) return len;
    while (text[len - 1] == '0') len--;
    return text[len - 1] == '.' ? len - 1 : len;
}

/* A column of numeric affinity turns decimal text into a float. What does not fit stays one. */
static mr_status fetch_numeric(sqlite_stmt *s, size_t i, size_t n, const mr_type *type, sqlite3_value *stored,
                               mr_value *out) {
    if (sqlite3_value_type(stored) != SQLITE_FLOAT) {
        return as_text(stored, MR_DECIMAL, out) ? MR_OK : mr_nomem(s->dbc->env);
    }
    double d = sqlite3_value_double(stored);
    *out = mr_float_value(d);
    if (!isfinite(d) || fabs(d) >= 1e18 || type->scale > 30) return MR_OK;
    if (!reserve_numbers(s, n)) return MR_FAIL;
    char *text = s->numbers + i * NUMBER_SIZE;
    *out = mr_bytes_value(MR_DECIMAL, text, format_number(text, d, type->scale));
    return MR_OK;
}

/* The types whose values are not simply what is stored. */
static mr_status fetch_converted(sqlite_stmt *s, size_t i, size_t n, const mr_type *type,
                                 sqlite3_value *stored, mr_value *out) {
    if (type->code == MR_TYPE_NUMERIC) return fetch_numeric(s, i, n, type, stored, out);
    mr_value raw;
    if (!as_stored(stored, &raw)) return mr_nomem(s->dbc->env);
    if (raw.kind == MR_NULL) {
        *out = raw;
        return MR_OK;
    }
    const char *name = sqlite3_column_name(s->stmt, (int)i);
    return mr_decode_calendar(s->dbc->env, type->code, name ? name : "?", &raw, out);
}

mr_status mr_sqlite_fetch(mr_stmt *handle, const mr_type *const *types, size_t n, mr_value *out) {
    sqlite_stmt *s = sqlite_stmt_of(handle);
    for (size_t i = 0; i < n; i++) {
        /* One thread at a time: the value needs no protection. */
        sqlite3_value *stored = sqlite3_column_value(s->stmt, (int)i);
        mr_value *v = &out[i];
        bool ok;
        switch (types && types[i] ? types[i]->code : MR_TYPE_NULL) {
        case MR_TYPE_STRING:
        case MR_TYPE_TEXT:
        case MR_TYPE_ENUM:
        case MR_TYPE_JSON:
        case MR_TYPE_UUID:
            ok = as_text(stored, MR_TEXT, v);
            break;
        case MR_TYPE_FLOAT:
            ok = as_stored(stored, v);
            if (v->kind == MR_INT) *v = mr_float_value((double)v->u.i);
            break;
        case MR_TYPE_BOOLEAN:
            ok = as_stored(stored, v);
            if (v->kind == MR_INT) *v = mr_bool_value(v->u.i != 0);
            break;
        case MR_TYPE_LARGEBINARY:
            ok = as_stored(stored, v);
            if (v->kind == MR_TEXT) v->kind = MR_BLOB;
            break;
        case MR_TYPE_NUMERIC:
        case MR_TYPE_DATE:
        case MR_TYPE_TIME:
        case MR_TYPE_DATETIME:
        case MR_TYPE_INTERVAL:
            if (fetch_converted(s, i, n, types[i], stored, v) != MR_OK) return MR_FAIL;
            continue;
        default:
            ok = as_stored(stored, v);
            break;
        }
        if (!ok) return mr_nomem(s->dbc->env);
    }
    return MR_OK;
}
