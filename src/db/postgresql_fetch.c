/*
 * postgresql_fetch.c: reads the columns of a row.
 *
 * A column is read by the server's type first, which gives a plain value; where the program wants another type, that
 * type's rules convert it.
 *
 * Invariant: bytes belong to the result, or to the statement's room, and are good until the next step. What was made of
 * another row is written over.
 */
#include "driver_postgresql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A flag while a row is read: the bytes are in the statement's room, and u.i says where. */
enum { IN_ROOM = 0x80 };

/* A field as the server has sent it. */
typedef struct field {
    pq_oid type;
    const char *s;
    size_t len;
} field;

static bool to_integer(const char *s, size_t len, int64_t *out) {
    char *end;
    char digits[24];
    if (len == 0 || len >= sizeof digits) return false;
    memcpy(digits, s, len);
    digits[len] = '\0';
    long long n = strtoll(digits, &end, 10);
    if (*end) return false;
    snprintf(digits, sizeof digits, "%lld", n); /* a number that is too large was cut */
    if (strlen(digits) != len || memcmp(digits, s, len) != 0) return false;
    *out = n;
    return true;
}

/* ---------------------------------------------------------------- intervals */

/* Reads "1 day -02:03:04.5", PostgreSQL's own form. False where it has months or years, which have no length. */
static bool read_interval(const char *s, int64_t *out) {
    int64_t micros = 0;
    while (*s) {
        char *end;
        bool minus = *s == '-';
        long long n = strtoll(s, &end, 10);
        if (end == s) return false;
        if (*end == ':') {
            int hours = 0, minutes = 0, read = 0;
            double seconds = 0;
            if (sscanf(s + (minus || *s == '+'), "%d:%d:%n", &hours, &minutes, &read) != 2) return false;
            if (!mr_parse_float(s + (minus || *s == '+') + read, &seconds)) return false;
            int64_t part = ((int64_t)hours * 60 + minutes) * 60000000 + (int64_t)(seconds * 1e6 + 0.5);
            micros += minus ? -part : part;
            break;
        }
        if (strncmp(end, " day", 4) != 0) return false;
        micros += n * INT64_C(86400000000);
        s = end + 4 + (end[4] == 's');
        while (*s == ' ') s++;
    }
    *out = micros;
    return true;
}

/* ---------------------------------------------------------------- values */

static int hex(char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; }

/* Writes the bytes of \x0a0b to the statement's room; their place is noted, because the room may move. */
static void read_bytes(postgresql_stmt *s, const field *f, mr_value *out) {
    *out = mr_bytes_value(MR_BLOB, NULL, f->len >= 2 ? (f->len - 2) / 2 : 0);
    out->u.i = (int64_t)s->bytes.len;
    out->flags = IN_ROOM;
    for (size_t i = 2; i + 1 < f->len; i += 2) mr_strbuf_putc(&s->bytes, (char)(hex(f->s[i]) << 4 | hex(f->s[i + 1])));
    mr_strbuf_putc(&s->bytes, '\0');
}

static bool read_moment(mr_kind kind, const field *f, mr_value *out) {
    if (!mr_calendar_read(kind, f->s, f->len, out)) return false;
    out->len = 0;
    return true;
}

/* A time with a zone: PostgreSQL writes +00 where others write +00:00. */
static bool read_zoned(const field *f, mr_value *out) {
    char text[MR_CALENDAR_SIZE + 8];
    field zoned = {f->type, text, f->len};
    const bool short_zone = f->len > 3 && (f->s[f->len - 3] == '+' || f->s[f->len - 3] == '-');
    if (f->len + sizeof ":00" > sizeof text) return false;
    memcpy(text, f->s, f->len);
    if (short_zone) memcpy(text + f->len, ":00", 3);
    zoned.len += short_zone ? 3 : 0;
    text[zoned.len] = '\0';
    return read_moment(MR_DATETIME, &zoned, out);
}

/* The plain value of the field. */
static void read_plain(postgresql_stmt *s, const field *f, mr_value *out) {
    double d;
    int64_t i;
    switch (f->type) {
    case PG_BOOL:
        *out = mr_bool_value(f->s[0] == 't');
        return;
    case PG_INT2:
    case PG_INT4:
    case PG_INT8:
    case PG_OID:
        *out = mr_int_value(strtoll(f->s, NULL, 10));
        return;
    case PG_FLOAT4:
    case PG_FLOAT8:
        if (!mr_parse_float(f->s, &d)) d = strtod(f->s, NULL); /* NaN, Infinity */
        *out = mr_float_value(d);
        return;
    case PG_BYTEA:
        read_bytes(s, f, out);
        return;
    case PG_DATE:
        if (read_moment(MR_DATE, f, out)) return;
        break;
    case PG_TIME:
        if (read_moment(MR_TIME, f, out)) return;
        break;
    case PG_TIMESTAMP:
        if (read_moment(MR_DATETIME, f, out)) return;
        break;
    case PG_TIMESTAMPTZ:
        if (read_zoned(f, out)) return;
        break;
    case PG_INTERVAL:
        if (!read_interval(f->s, &i)) break;
        *out = mr_value_of(MR_INTERVAL, i);
        return;
    case PG_NUMERIC:
        *out = mr_bytes_value(mr_decimal_is(f->s, f->len) ? MR_DECIMAL : MR_TEXT, f->s, f->len);
        return;
    default:
        break;
    }
    *out = mr_text_value(f->s, f->len);
}

/* A number as one of another kind: a sum of integers is NUMERIC to the server. */
static bool read_number(const mr_type *type, const field *f, mr_value *v) {
    double d;
    int64_t i;
    if (mr_type_is_integer(type) && v->kind == MR_DECIMAL && to_integer(f->s, f->len, &i)) {
        *v = mr_int_value(i);
        return true;
    }
    if (mr_type_is_float(type) && v->kind == MR_DECIMAL && mr_parse_float(f->s, &d)) {
        *v = mr_float_value(d);
        return true;
    }
    return false;
}

/* An array, as the JSON of the type; its place is noted, because the room may move. */
static bool read_array(postgresql_stmt *s, const mr_type *type, const field *f, mr_value *v) {
    size_t begin = s->bytes.len;
    if (!type->item || f->s[0] == '[' || (f->s[0] != '{' && f->type != PG_JSON)) return false;
    if (f->s[0] != '{' || !mr_postgresql_read_array(s->dbc->env, type, f->s, &s->bytes)) {
        s->bytes.len = begin;
        return false;
    }
    *v = mr_type_json_value(type, NULL, s->bytes.len - begin);
    v->u.i = (int64_t)begin;
    v->flags = IN_ROOM;
    mr_strbuf_putc(&s->bytes, '\0');
    return true;
}

/* A form of storage reads numbers and texts: what the server has made another type of is given so. */
static void read_stored(const mr_type *type, const field *f, mr_value *v) {
    double d;
    int64_t i;
    if (!type->rules->storage) return;
    if (v->kind == MR_DECIMAL && to_integer(f->s, f->len, &i)) *v = mr_int_value(i);
    else if (v->kind == MR_DECIMAL && mr_parse_float(f->s, &d)) *v = mr_float_value(d);
    else if (v->kind >= MR_DATE && v->kind <= MR_INTERVAL) *v = mr_text_value(f->s, f->len);
}

/* JSON is looked into when it is asked for. */
static bool read_json(const mr_type *type, mr_value *v) {
    if (!mr_type_is_json(type) || type->guessed || v->kind != MR_TEXT) return false;
    v->kind = MR_JSON;
    v->tag = mr_json_tag(type->number, MR_JSON_BAD_RAISE);
    return true;
}

/* Is the plain value one of the type's? */
static bool is_of(const mr_type *type, const mr_value *v) {
    return !type->rules->storage && v->kind == type->rules->kind && type->rules->group != MR_GROUP_WORD &&
           type->rules->group != MR_GROUP_DECIMAL && !type->forms;
}

/* Converts the plain value to one of the type. MR_NOTFOUND: it is none, and stays. */
static mr_status convert(postgresql_stmt *s, size_t i, const mr_type *type, const field *f, mr_value *v) {
    if (v->kind == MR_DECIMAL && mr_type_is_decimal(type)) v->kind = MR_TEXT;
    if (v->kind == MR_BLOB && !type->rules->storage) return type->guessed || mr_type_is_any(type) ? MR_OK : MR_NOTFOUND;
    if (v->kind == MR_BLOB) { /* a uuid of 16 bytes is read at once */
        v->u.s = s->bytes.data + v->u.i;
        v->flags = 0;
    }
    read_stored(type, f, v);
    if (read_array(s, type, f, v) || read_json(type, v) || read_number(type, f, v)) return MR_OK;
    if (mr_type_read(type, v, s->room + i * MR_READ_ROOM)) {
        if (mr_type_is_moment(type)) v->len = 0;
        return MR_OK;
    }
    if (mr_type_is_string(type) && type->guessed) {
        *v = mr_text_value(f->s, f->len);
        return MR_OK;
    }
    return type->guessed && !mr_type_is_moment(type) ? MR_OK : MR_NOTFOUND;
}

static mr_status fetch_one(postgresql_stmt *s, size_t i, const mr_type *type, mr_value *out) {
    const pq_library *pq = s->dbc->pq;
    const int column = (int)i;
    if (pq->getisnull(s->result, s->row, column)) {
        *out = mr_null_value();
        return MR_OK;
    }
    field f = {pq->ftype(s->result, column), pq->getvalue(s->result, s->row, column),
               (size_t)pq->getlength(s->result, s->row, column)};
    read_plain(s, &f, out);
    if (!type || !mr_type_is_known(type) || is_of(type, out)) return MR_OK;
    mr_status status = convert(s, i, type, &f, out);
    if (status != MR_OK) out->flags |= MR_VALUE_MISFIT;
    return status;
}

/* Bytes were written to the room, which may have moved: they get their address now. */
static mr_status place_bytes(postgresql_stmt *s, size_t n, mr_value *out) {
    if (s->bytes.len == 0) return MR_OK;
    if (!mr_strbuf_str(&s->bytes)) return MR_FAIL;
    for (size_t i = 0; i < n; i++)
        if (out[i].flags & IN_ROOM) {
            out[i].u.s = s->bytes.data + out[i].u.i;
            out[i].flags &= (uint8_t)~IN_ROOM;
        }
    return MR_OK;
}

static mr_status reserve(postgresql_stmt *s, size_t n) {
    if (s->nroom >= n) return MR_OK;
    char *room = mr_alloc(s->dbc->env, n * MR_READ_ROOM);
    if (!room) return MR_FAIL;
    mr_free(s->dbc->env, s->room);
    s->room = room;
    s->nroom = n;
    return MR_OK;
}

mr_status mr_postgresql_fetch(mr_stmt *handle, const mr_type *const *types, size_t n, mr_value *out) {
    postgresql_stmt *s = postgresql_stmt_of(handle);
    mr_status status = MR_OK;
    if (reserve(s, n) != MR_OK) return MR_FAIL;
    mr_strbuf_clear(&s->bytes);
    for (size_t i = 0; i < n; i++)
        if (fetch_one(s, i, types ? types[i] : NULL, &out[i]) != MR_OK) status = MR_NOTFOUND;
    return place_bytes(s, n, out) == MR_OK ? status : MR_FAIL;
}
