/*
 * value.c: copying, comparing and hashing values.
 *
 * Invariant: mr_value_compare returns 0 exactly for equal values, and equal values have equal hashes. Opaque values are
 * the exception: a callback decides whether they are equal, so they are ordered by address, and hashed by tag alone.
 */
#include "env_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [MR_UNLOADED] = "nothing", [MR_NULL] = "nil",          [MR_INT] = "integer",       [MR_FLOAT] = "float",
    [MR_BOOL] = "boolean",     [MR_TEXT] = "string",       [MR_BLOB] = "blob",         [MR_DATE] = "date",
    [MR_TIME] = "time",        [MR_DATETIME] = "datetime", [MR_INTERVAL] = "interval", [MR_DECIMAL] = "decimal",
    [MR_JSON] = "JSON",        [MR_OPAQUE] = "value",      [MR_ENTITY] = "object",     [MR_COLLECTION] = "collection",
};

const char *mr_kind_name(uint8_t kind) {
    return kind < sizeof kind_names / sizeof kind_names[0] ? kind_names[kind] : "unknown";
}

/* ---------------------------------------------------------------- opaque values */

uint16_t mr_opaque_register(mr_env *env, const mr_opaque_ops *ops) {
    if (env->opaques.len >= UINT16_MAX) {
        mr_fail(env, MR_ERR_ERROR, "too many kinds of opaque values");
        return 0;
    }
    if (mr_vec_push_ptr(&env->opaques, (void *)(uintptr_t)ops) != MR_OK) return 0;
    return (uint16_t)env->opaques.len;
}

static const mr_opaque_ops *ops_of(const mr_env *env, const mr_value *v) {
    if (v->tag == 0 || v->tag > env->opaques.len) return NULL;
    return mr_vec_ptr(&env->opaques, v->tag - (size_t)1);
}

/* ---------------------------------------------------------------- copy and clear */

mr_status mr_value_copy(mr_env *env, mr_value *dst, const mr_value *src) {
    mr_value copy = *src;
    copy.flags = 0;
    if (mr_kind_is_bytes(copy.kind)) {
        copy.u.s = mr_strndup(env, src->u.s, src->len);
        if (!copy.u.s) {
            *dst = mr_value_of(MR_UNLOADED, 0);
            return MR_FAIL;
        }
        copy.flags = MR_VALUE_OWNED;
    } else if (copy.kind == MR_OPAQUE) {
        const mr_opaque_ops *ops = ops_of(env, src);
        if (ops && ops->retain) ops->retain(env, src->u.p);
        copy.flags = MR_VALUE_OWNED;
    }
    *dst = copy;
    return MR_OK;
}

const mr_value *mr_value_resolve(mr_env *env, const mr_value *v) {
    const mr_opaque_ops *ops = v->kind == MR_OPAQUE ? ops_of(env, v) : NULL;
    return ops && ops->resolve ? ops->resolve(env, v->u.p) : v;
}

bool mr_value_is_own(const mr_env *env, const mr_value *v) {
    const mr_opaque_ops *ops = v->kind == MR_OPAQUE ? ops_of(env, v) : NULL;
    return ops && ops->send;
}

mr_status mr_value_send(mr_env *env, mr_value *v, void *room) {
    const mr_opaque_ops *ops = v->kind == MR_OPAQUE ? ops_of(env, v) : NULL;
    return ops && ops->send ? ops->send(env, v, room) : MR_OK;
}

void mr_value_clear(mr_env *env, mr_value *v) {
    mr_value old = *v;
    /* Before the release: it may run code that looks at v. */
    *v = mr_value_of(MR_UNLOADED, 0);
    if (!(old.flags & MR_VALUE_OWNED)) return;
    if (mr_kind_is_bytes(old.kind)) {
        mr_free(env, old.u.p);
    } else if (old.kind == MR_OPAQUE) {
        const mr_opaque_ops *ops = ops_of(env, &old);
        if (ops && ops->release) ops->release(env, old.u.p);
    }
}

/* ---------------------------------------------------------------- order */

static int sign(bool less, bool greater) { return less ? -1 : greater ? 1 : 0; }

static int compare_int(int64_t a, int64_t b) { return sign(a<b, a> b); }

/* NaN is equal to itself and less than all other numbers. */
static int compare_float(double a, double b) {
    if (a != a || b != b) return sign(a != a && b == b, a == a && b != b);
    return sign(a<b, a> b);
}

static bool fits_int(double d) { return d >= -9223372036854775808.0 && d < 9223372036854775808.0; }

/* The comparison is exact, also when a double cannot hold the integer. */
static int compare_int_float(int64_t i, double d) {
    if (d != d) return 1;
    if (!fits_int(d)) return d > 0 ? -1 : 1;
    int64_t whole = (int64_t)d;
    if (i != whole) return compare_int(i, whole);
    return compare_float((double)whole, d);
}

/* A float that has no equal decimal, or one that is not its own value (0.1), stands beside it. */
static int compare_decimal_float(const mr_value *a, double d) {
    char text[MR_DECIMAL_ROOM];
    size_t len = mr_decimal_of_float(d, -1, text);
    mr_value v = mr_bytes_value(MR_DECIMAL, text, len);
    if (len == 0) return d != d ? 1 : compare_float(0, d);
    int order = mr_decimal_compare(a, &v);
    return order != 0 ? order : mr_decimal_needs(a) ? 1 : 0;
}

static int compare_decimal_int(const mr_value *a, int64_t i) {
    char text[24];
    mr_value v = mr_bytes_value(MR_DECIMAL, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)i));
    return mr_decimal_compare(a, &v);
}

static int compare_decimal(const mr_value *a, const mr_value *b) {
    if (b->kind == MR_DECIMAL) return mr_decimal_compare(a, b);
    return b->kind == MR_INT ? compare_decimal_int(a, b->u.i) : compare_decimal_float(a, b->u.d);
}

static int compare_number(const mr_value *a, const mr_value *b) {
    if (a->kind == MR_DECIMAL) return compare_decimal(a, b);
    if (b->kind == MR_DECIMAL) return -compare_decimal(b, a);
    if (a->kind == MR_FLOAT && b->kind == MR_FLOAT) return compare_float(a->u.d, b->u.d);
    if (a->kind == MR_FLOAT) return -compare_int_float(b->u.i, a->u.d);
    if (b->kind == MR_FLOAT) return compare_int_float(a->u.i, b->u.d);
    return compare_int(a->u.i, b->u.i);
}

static int compare_bytes(const mr_value *a, const mr_value *b) {
    uint32_t len = a->len < b->len ? a->len : b->len;
    int order = len > 0 ? memcmp(a->u.s, b->u.s, len) : 0;
    return order != 0 ? order : sign(a->len<b->len, a->len> b->len);
}

static int rank(uint8_t kind) {
    switch ((mr_kind)kind) {
    case MR_UNLOADED:
        return 0;
    case MR_NULL:
        return 1;
    case MR_BOOL:
        return 2;
    case MR_INT:
    case MR_FLOAT:
    case MR_DECIMAL:
        return 3;
    case MR_TEXT:
        return 5;
    case MR_BLOB:
        return 6;
    case MR_JSON:
        return 14;
    case MR_DATE:
        return 7;
    case MR_TIME:
        return 8;
    case MR_DATETIME:
        return 9;
    case MR_INTERVAL:
        return 10;
    case MR_OPAQUE:
        return 11;
    case MR_ENTITY:
        return 12;
    case MR_COLLECTION:
        return 13;
    }
    return 15;
}

int mr_value_compare(const mr_value *a, const mr_value *b) {
    int x = rank(a->kind), y = rank(b->kind);
    if (x != y) return compare_int(x, y);
    switch ((mr_kind)a->kind) {
    case MR_UNLOADED:
    case MR_NULL:
        return 0;
    case MR_INT:
    case MR_FLOAT:
    case MR_DECIMAL:
        return compare_number(a, b);
    case MR_TEXT:
    case MR_BLOB:
    case MR_JSON:
        return compare_bytes(a, b);
    case MR_OPAQUE:
    case MR_ENTITY:
    case MR_COLLECTION:
        if (a->tag != b->tag) return compare_int(a->tag, b->tag);
        return sign((uintptr_t)a->u.p<(uintptr_t)b->u.p, (uintptr_t)a->u.p>(uintptr_t) b->u.p);
    case MR_BOOL:
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        break;
    }
    return compare_int(a->u.i, b->u.i);
}

bool mr_value_equal(mr_env *env, const mr_value *a, const mr_value *b) {
    if (a->kind == MR_JSON && b->kind == MR_JSON) return mr_json_same(env, a, b);
    if (a->kind == b->kind && mr_kind_is_bytes(a->kind) && a->kind != MR_DECIMAL)
        return a->len == b->len && (a->len == 0 || memcmp(a->u.s, b->u.s, a->len) == 0);
    if (mr_value_compare(a, b) == 0) return true;
    if (a->kind != MR_OPAQUE || b->kind != MR_OPAQUE || a->tag != b->tag) return false;
    const mr_opaque_ops *ops = ops_of(env, a);
    return ops && ops->equal && ops->equal(env, a->u.p, b->u.p);
}

/* ---------------------------------------------------------------- hash */

static uint64_t mix(uint64_t h) {
    h *= UINT64_C(0xD6E8FEB86659FD93);
    return h ^ (h >> 32);
}

uint64_t mr_hash_bytes(const void *data, size_t len) {
    const unsigned char *p = data;
    uint64_t h = mix(len + UINT64_C(0x51ED270B1F6A2C4D));
    uint64_t word;
    for (; len >= sizeof word; p += sizeof word, len -= sizeof word) {
        memcpy(&word, p, sizeof word);
        h = mix(h ^ word);
    }
    if (len > 0) {
        word = 0;
        memcpy(&word, p, len);
        h = mix(h ^ word);
    }
    return mix(h);
}

static uint64_t hash_float(double d) {
    if (fits_int(d) && (double)(int64_t)d == d) return mix((uint64_t)(int64_t)d ^ MR_INT);
    if (d != d) return MR_FLOAT;
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return mix(bits ^ MR_FLOAT);
}

/* 12.3 and 12.30 are equal, and 12.0 is equal to the integer. */
static uint64_t hash_decimal(const mr_value *v) {
    char text[24];
    size_t len = mr_decimal_short(v->u.s, v->len);
    if (len < sizeof text && !memchr(v->u.s, '.', len)) {
        memcpy(text, v->u.s, len);
        text[len] = '\0';
        errno = 0;
        long long i = strtoll(text, NULL, 10);
        if (errno == 0) return mix((uint64_t)i ^ MR_INT);
    }
    return mr_hash_bytes(v->u.s, len) ^ v->kind;
}

uint64_t mr_value_hash(const mr_value *v) {
    switch ((mr_kind)v->kind) {
    case MR_UNLOADED:
    case MR_NULL:
        return v->kind;
    case MR_FLOAT:
        return hash_float(v->u.d);
    case MR_TEXT:
    case MR_BLOB:
    case MR_JSON:
        return mr_hash_bytes(v->u.s, v->len) ^ v->kind;
    case MR_DECIMAL:
        return hash_decimal(v);
    case MR_OPAQUE:
        return mix(((uint64_t)v->tag << 8) ^ v->kind);
    case MR_ENTITY:
    case MR_COLLECTION:
        return mix((uint64_t)(uintptr_t)v->u.p ^ v->kind);
    case MR_INT:
    case MR_BOOL:
    case MR_DATE:
    case MR_TIME:
    case MR_DATETIME:
    case MR_INTERVAL:
        break;
    }
    return mix((uint64_t)v->u.i ^ v->kind);
}
