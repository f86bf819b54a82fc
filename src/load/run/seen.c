/*
 * seen.c: sets of pairs and of rows, as hash tables with open addressing.
 *
 * Invariant: the capacity is zero or a power of two, and at most two thirds of it are used.
 */
#include "seen.h"

enum { FIRST_CAP = 64 };

/* ---------------------------------------------------------------- pairs */

static size_t hash_pair(const void *a, const void *b, size_t cap) {
    uint64_t h =
        (uint64_t)(uintptr_t)a * UINT64_C(0x9E3779B97F4A7C15) ^ (uint64_t)(uintptr_t)b * UINT64_C(0xC2B2AE3D27D4EB4F);
    return (size_t)(h >> 20 ^ h >> 43) & (cap - 1);
}

static mr_pair *find_pair(const mr_seen *s, const void *a, const void *b) {
    size_t i = hash_pair(a, b, s->cap);
    while (s->table[i].a && (s->table[i].a != a || s->table[i].b != b)) i = (i + 1) & (s->cap - 1);
    return &s->table[i];
}

static mr_status grow_pairs(mr_seen *s) {
    mr_seen bigger = *s;
    bigger.cap = s->cap ? s->cap * 2 : FIRST_CAP;
    bigger.table = mr_calloc(s->env, bigger.cap * sizeof *bigger.table);
    if (!bigger.table) return MR_FAIL;
    for (size_t i = 0; i < s->cap; i++)
        if (s->table[i].a) *find_pair(&bigger, s->table[i].a, s->table[i].b) = s->table[i];
    mr_free(s->env, s->table);
    *s = bigger;
    return MR_OK;
}

mr_status mr_seen_add(mr_seen *s, const void *a, const void *b) {
    if (s->count >= s->cap / 3 * 2 && grow_pairs(s) != MR_OK) return MR_FAIL;
    mr_pair *place = find_pair(s, a, b);
    if (place->a) return MR_NOTFOUND;
    *place = (mr_pair){a, b};
    s->count++;
    return MR_OK;
}

void mr_seen_done(mr_seen *s) {
    mr_free(s->env, s->table);
    s->table = NULL;
    s->cap = s->count = 0;
}

/* ---------------------------------------------------------------- rows */

static uint64_t hash_row(const mr_value *row, size_t width) {
    uint64_t h = 0;
    for (size_t i = 0; i < width; i++) {
        uint64_t v = row[i].kind == MR_ENTITY ? (uint64_t)(uintptr_t)row[i].u.p : mr_value_hash(&row[i]);
        h = (h ^ v) * UINT64_C(0x9E3779B97F4A7C15);
        h ^= h >> 29;
    }
    return h;
}

static bool equal_rows(mr_env *env, const mr_value *a, const mr_value *b, size_t width) {
    for (size_t i = 0; i < width; i++) {
        if (a[i].kind != b[i].kind) return false;
        if (a[i].kind == MR_ENTITY ? a[i].u.p != b[i].u.p : !mr_value_equal(env, &a[i], &b[i])) return false;
    }
    return true;
}

static size_t find_row(const mr_row_set *s, const mr_value *rows, size_t width, size_t row) {
    size_t i = (size_t)hash_row(rows + row * width, width) & (s->cap - 1);
    while (s->table[i] && !equal_rows(s->env, rows + (s->table[i] - (size_t)1) * width, rows + row * width, width))
        i = (i + 1) & (s->cap - 1);
    return i;
}

static mr_status grow_rows(mr_row_set *s, const mr_value *rows, size_t width) {
    mr_row_set bigger = *s;
    bigger.cap = s->cap ? s->cap * 2 : FIRST_CAP;
    bigger.table = mr_calloc(s->env, bigger.cap * sizeof *bigger.table);
    if (!bigger.table) return MR_FAIL;
    for (size_t i = 0; i < s->cap; i++)
        if (s->table[i]) bigger.table[find_row(&bigger, rows, width, s->table[i] - (size_t)1)] = s->table[i];
    mr_free(s->env, s->table);
    *s = bigger;
    return MR_OK;
}

mr_status mr_row_set_add(mr_row_set *s, const mr_value *rows, size_t width, size_t row) {
    if (s->count >= s->cap / 3 * 2 && grow_rows(s, rows, width) != MR_OK) return MR_FAIL;
    size_t i = find_row(s, rows, width, row);
    if (s->table[i]) return MR_NOTFOUND;
    s->table[i] = (uint32_t)row + 1;
    s->count++;
    return MR_OK;
}

void mr_row_set_done(mr_row_set *s) {
    mr_free(s->env, s->table);
    s->table = NULL;
    s->cap = s->count = 0;
}
