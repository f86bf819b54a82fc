/*
 * postgresql_parameter.c: values as PostgreSQL's parameters.
 *
 * The type of a parameter is that of its column, because a declared type changes what a comparison finds. Of a value
 * beside no column it is that of the value: the smaller integer if it fits, because functions take that one; texts are
 * left for the server to type. Texts of a known type are sent in binary form, as they are; what the server has to type
 * is sent in text form, for it could not read another one.
 *
 * Invariant: a text with a zero byte, which PostgreSQL cannot hold and would cut off, is refused.
 */
#include "driver_postgresql.h"
#include "decode.h"

#include <stdio.h>
#include <string.h>

/* ---------------------------------------------------------------- room */

mr_status mr_postgresql_params_init(postgresql_params *params, mr_env *env, size_t n) {
    mr_strbuf_init(&params->room, env);
    params->n = n;
    if (n == 0) return MR_OK;
    params->types = mr_calloc(env, n * sizeof *params->types);
    params->values = mr_calloc(env, n * sizeof *params->values);
    params->lengths = mr_calloc(env, n * sizeof *params->lengths);
    params->formats = mr_calloc(env, n * sizeof *params->formats);
    params->offsets = mr_calloc(env, n * sizeof *params->offsets);
    return params->types && params->values && params->lengths && params->formats && params->offsets ? MR_OK : MR_FAIL;
}

void mr_postgresql_params_done(postgresql_params *params, mr_env *env) {
    mr_strbuf_done(&params->room);
    mr_free(env, params->types);
    mr_free(env, params->values);
    mr_free(env, params->lengths);
    mr_free(env, params->formats);
    mr_free(env, params->offsets);
}

/* One parameter: where its parts are kept. */
typedef struct place {
    postgresql_params *params;
    size_t i;
} place;

static void put(place p, pq_oid type, bool binary, const char *bytes, size_t len) {
    p.params->types[p.i] = type;
    p.params->formats[p.i] = binary;
    p.params->values[p.i] = bytes;
    p.params->lengths[p.i] = (int)len;
    p.params->offsets[p.i] = 0;
}

/* The same with a copy of the bytes, which ends in a zero byte. */
static void put_copy(place p, pq_oid type, bool binary, const char *bytes, size_t len) {
    mr_strbuf *room = &p.params->room;
    put(p, type, binary, NULL, len);
    p.params->offsets[p.i] = room->len + 1;
    mr_strbuf_add(room, bytes, len);
    mr_strbuf_putc(room, '\0');
}

/* A number of so many bytes, the highest first. */
static void put_number(place p, pq_oid type, uint64_t bits, size_t size) {
    char bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(bits >> (8 * (size - 1 - i)));
    put_copy(p, type, true, bytes, size);
}

static void put_float(place p, double d) {
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    put_number(p, PG_FLOAT8, bits, 8);
}

/* ---------------------------------------------------------------- types */

static bool is_like(const mr_type *type, const mr_type *simple) { return type->rules == simple->rules; }

/* The server's type for NULL and for text that stands for a value of the type; 0: the server chooses. */
static pq_oid type_of(const mr_type *type) {
    if (type->rules->storage || type->named) return 0;
    switch (type->rules->group) {
    case MR_GROUP_INTEGER:
        return is_like(type, mr_type_simple(MR_TYPE_BIGINTEGER)) ? PG_INT8 : PG_INT4;
    case MR_GROUP_FLOAT:
        return PG_FLOAT8;
    case MR_GROUP_DECIMAL:
        return PG_NUMERIC;
    case MR_GROUP_BOOLEAN:
        return PG_BOOL;
    case MR_GROUP_STRING:
    case MR_GROUP_ANY:
        return PG_TEXT;
    case MR_GROUP_BYTES:
        return PG_BYTEA;
    case MR_GROUP_DATE:
        return PG_DATE;
    case MR_GROUP_TIME:
        return PG_TIME;
    case MR_GROUP_DATETIME:
        return PG_TIMESTAMP;
    case MR_GROUP_INTERVAL:
        return PG_INTERVAL;
    case MR_GROUP_WORD:
        return is_like(type, mr_type_simple(MR_TYPE_UUID)) ? PG_UUID : 0;
    case MR_GROUP_UNKNOWN:
    case MR_GROUP_OTHER:
        break;
    }
    if (!mr_type_is_json(type) || type->item) return 0;
    return is_like(type, mr_type_simple(MR_TYPE_JSONB)) ? PG_JSONB : PG_JSON;
}

/* ---------------------------------------------------------------- values */

static void put_integer(place p, const mr_type *type, int64_t i) {
    char digits[24];
    if (mr_type_is_decimal(type) && !type->rules->storage) {
        int len = snprintf(digits, sizeof digits, "%lld", (long long)i);
        put_copy(p, PG_NUMERIC, false, digits, (size_t)len);
        return;
    }
    bool small = i >= INT32_MIN && i <= INT32_MAX && !is_like(type, mr_type_simple(MR_TYPE_BIGINTEGER));
    put_number(p, small ? PG_INT4 : PG_INT8, (uint64_t)i, small ? 4 : 8);
}

static mr_status put_text(place p, mr_env *env, const mr_type *type, const mr_value *v) {
    if (v->len && memchr(v->u.s, '\0', v->len))
        return mr_fail(env, MR_ERR_DATA,
                       "(postgresql) parameter %zu is a text with a zero byte, which PostgreSQL cannot hold: a "
                       "LargeBinary column keeps any bytes",
                       p.i + 1);
    if (v->kind == MR_JSON && type->item) {
        mr_strbuf *room = &p.params->room;
        size_t begin = room->len;
        put(p, 0, false, NULL, 0);
        p.params->offsets[p.i] = begin + 1;
        if (mr_postgresql_put_array(env, v, room)) {
            mr_strbuf_putc(room, '\0');
            return MR_OK;
        }
        return mr_fail(env, MR_ERR_DATA, "(postgresql) parameter %zu is no list of plain values", p.i + 1);
    }
    pq_oid wanted = v->kind == MR_DECIMAL ? PG_NUMERIC : type_of(type);
    if (type->rules->storage && !mr_type_is_moment(type)) wanted = PG_TEXT;
    if (wanted == PG_TEXT) put(p, PG_TEXT, true, v->len ? v->u.s : "", v->len);
    else put_copy(p, wanted, false, v->len ? v->u.s : "", v->len);
    return MR_OK;
}

/* A form of storage that is a text or another type's value: the server takes it as the column's. */
static bool put_stored_moment(place p, const mr_type *type, const mr_value *v) {
    char text[MR_CALENDAR_SIZE];
    if (!type->rules->storage) return false;
    size_t len = mr_encode_calendar(v, text);
    put_copy(p, 0, false, text, len);
    return len > 0;
}

static mr_status put_moment(place p, mr_env *env, const mr_type *type, const mr_value *v) {
    static const pq_oid types[] = {[MR_DATE] = PG_DATE, [MR_TIME] = PG_TIME, [MR_DATETIME] = PG_TIMESTAMP};
    char text[MR_CALENDAR_SIZE];
    mr_value plain = *v, back;
    mr_civil civil;
    plain.len = 0;
    if (put_stored_moment(p, type, v)) return MR_OK;
    if (v->kind == MR_INTERVAL) {
        int len = snprintf(text, sizeof text, "%lld microseconds", (long long)v->u.i);
        put_copy(p, PG_INTERVAL, false, text, (size_t)len);
        return MR_OK;
    }
    mr_civil_from_value(&plain, &civil);
    if (!mr_civil_to_value(&civil, (mr_kind)plain.kind, &back) || back.u.i != plain.u.i)
        return mr_fail(env, MR_ERR_DATA, "(postgresql) parameter %zu: the %s is outside the years 1 to 9999", p.i + 1,
                       mr_kind_name(v->kind));
    put_copy(p, types[v->kind], false, text, mr_calendar_format(&plain, ' ', false, text));
    return MR_OK;
}

static mr_status put_value(place p, mr_env *env, const mr_type *type, const mr_value *v) {
    switch (v->kind) {
    case MR_NULL:
        put(p, type_of(type), false, NULL, 0);
        return MR_OK;
    case MR_INT:
        put_integer(p, type, v->u.i);
        return MR_OK;
    case MR_FLOAT:
        put_float(p, v->u.d);
        return MR_OK;
    case MR_BOOL:
        put_number(p, PG_BOOL, v->u.i != 0, 1);
        return MR_OK;
    case MR_TEXT:
    case MR_DECIMAL:
    case MR_JSON:
        return put_text(p, env, type, v);
    case MR_BLOB:
        put(p, PG_BYTEA, true, v->len ? v->u.s : "", v->len);
        return MR_OK;
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        return put_moment(p, env, type, v);
    default:
        return mr_fail(env, MR_ERR_ARGUMENT, "(postgresql) parameter %zu is %s, which is no value for a database",
                       p.i + 1, v->kind == MR_UNLOADED ? "not loaded" : mr_kind_name(v->kind));
    }
}

/* An array, as text, is of the type that it is compared with. */
static bool is_whole(const mr_compiled *compiled, size_t i) {
    return compiled && i < compiled->nparams && compiled->params[i].whole != MR_WHOLE_NONE;
}

mr_status mr_postgresql_params_set(postgresql_params *params, mr_env *env, const mr_compiled *compiled,
                                   const mr_value *values) {
    const mr_type *unknown = mr_type_simple(MR_TYPE_NULL);
    mr_strbuf_clear(&params->room);
    for (size_t i = 0; i < params->n; i++) {
        place p = {params, i};
        bool typed = compiled && i < compiled->nparams && !is_whole(compiled, i);
        const mr_type *type = typed ? mr_param_type(&compiled->params[i]) : unknown;
        if (put_value(p, env, type ? type : unknown, &values[i]) != MR_OK) return MR_FAIL;
    }
    if (!mr_strbuf_str(&params->room)) return MR_FAIL;
    for (size_t i = 0; i < params->n; i++)
        if (params->offsets[i]) params->values[i] = params->room.data + params->offsets[i] - 1;
    return MR_OK;
}
