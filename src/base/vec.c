/*
 * vec.c: a growing array.
 *
 * Invariant: data has room for cap elements, of which len are in use. The room doubles when it is full, so a push costs
 * constant time on average.
 */
#include <moonrow/base.h>

#include <string.h>

enum { FIRST_CAP = 8 };

void mr_vec_init(mr_vec *v, mr_env *env, size_t element_size) {
    memset(v, 0, sizeof *v);
    v->env = env;
    v->size = element_size;
}

void mr_vec_done(mr_vec *v) {
    if (v->data) mr_free(v->env, v->data);
    v->data = NULL;
    v->len = v->cap = 0;
}

mr_status mr_vec_reserve(mr_vec *v, size_t cap) {
    if (cap <= v->cap) return MR_OK;
    if (cap > SIZE_MAX / 2 / v->size) return mr_nomem(v->env);
    void *data = mr_realloc(v->env, v->data, cap * v->size);
    if (!data) return MR_FAIL;
    v->data = data;
    v->cap = cap;
    return MR_OK;
}

static mr_status grow(mr_vec *v) { return mr_vec_reserve(v, v->cap ? v->cap * 2 : FIRST_CAP); }

void *mr_vec_push(mr_vec *v) {
    if (v->len == v->cap && grow(v) != MR_OK) return NULL;
    return memset(mr_vec_at(v, v->len++), 0, v->size);
}

mr_status mr_vec_push_ptr(mr_vec *v, void *ptr) {
    if (v->len == v->cap && grow(v) != MR_OK) return MR_FAIL;
    ((void **)v->data)[v->len++] = ptr;
    return MR_OK;
}

mr_status mr_vec_insert(mr_vec *v, size_t at, const void *element) {
    if (v->len == v->cap && grow(v) != MR_OK) return MR_FAIL;
    char *place = mr_vec_at(v, at);
    memmove(place + v->size, place, (v->len - at) * v->size);
    memcpy(place, element, v->size);
    v->len++;
    return MR_OK;
}

void mr_vec_remove(mr_vec *v, size_t at) {
    char *place = mr_vec_at(v, at);
    v->len--;
    memmove(place, place + v->size, (v->len - at) * v->size);
}
