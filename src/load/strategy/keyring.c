/*
 * keyring.c: a map from keys of several values to the numbers that were added with them.
 *
 * Invariant: the map holds indexes of entries, so values may move in memory. The entries of one key are linked in the
 * order in which they were added.
 */
#include "keyring.h"

#include <string.h>

typedef struct keyring_entry {
    uint32_t number, next;
} keyring_entry;

/* An element of the map: the first and the last entry of a key. The entry MR_KEYRING_END means the key that is
 * searched. */
typedef struct key_head {
    const mr_keyring *ring;
    uint32_t first, last;
} key_head;

static const mr_value *values_of(const key_head *h) {
    if (h->first == MR_KEYRING_END) return h->ring->probe;
    return mr_vec_at(&h->ring->values, h->first * (size_t)h->ring->n);
}

static uint64_t hash_head(const void *element) {
    const key_head *h = element;
    const mr_value *values = values_of(h);
    uint64_t hash = 0;
    for (unsigned i = 0; i < h->ring->n; i++) hash = hash * 31 + mr_value_hash(&values[i]);
    return hash;
}

static bool equal_heads(const void *a, const void *b) {
    const key_head *x = a, *y = b;
    const mr_value *v = values_of(x), *w = values_of(y);
    for (unsigned i = 0; i < x->ring->n; i++)
        if (mr_value_compare(&v[i], &w[i]) != 0) return false;
    return true;
}

void mr_keyring_init(mr_keyring *k, mr_env *env, unsigned n) {
    memset(k, 0, sizeof *k);
    k->env = env;
    k->n = n;
    k->last = MR_KEYRING_END;
    mr_vec_init(&k->values, env, sizeof(mr_value));
    mr_vec_init(&k->entries, env, sizeof(keyring_entry));
    mr_vec_init(&k->distinct, env, sizeof(uint32_t));
}

void mr_keyring_done(mr_keyring *k) {
    if (!k->env) return;
    for (size_t i = 0; i < k->values.len; i++) mr_value_clear(k->env, mr_vec_at(&k->values, i));
    mr_vec_done(&k->values);
    mr_vec_done(&k->entries);
    mr_vec_done(&k->distinct);
    mr_map_free(k->heads);
    memset(k, 0, sizeof *k);
}

static key_head *find_head(mr_keyring *k, const mr_value *values) {
    key_head probe = {k, MR_KEYRING_END, MR_KEYRING_END};
    if (!k->heads) return NULL;
    k->probe = values;
    return mr_map_get(k->heads, &probe);
}

mr_status mr_keyring_add(mr_keyring *k, const mr_value *values, uint32_t number) {
    if (!k->heads && !(k->heads = mr_map_new(k->env, sizeof(key_head), hash_head, equal_heads))) return MR_FAIL;
    key_head *head = find_head(k, values);
    for (unsigned i = 0; i < k->n; i++) {
        mr_value *v = mr_vec_push(&k->values);
        if (!v || mr_value_copy(k->env, v, &values[i]) != MR_OK) return MR_FAIL;
    }
    keyring_entry *made = mr_vec_push(&k->entries);
    if (!made) return MR_FAIL;
    *made = (keyring_entry){number, MR_KEYRING_END};
    uint32_t entry = (uint32_t)(k->entries.len - 1);
    if (head) {
        ((keyring_entry *)mr_vec_at(&k->entries, head->last))->next = entry;
        head->last = entry;
        return MR_OK;
    }
    key_head fresh = {k, entry, entry};
    uint32_t *distinct = mr_vec_push(&k->distinct);
    if (!distinct) return MR_FAIL;
    *distinct = entry;
    return mr_map_put(k->heads, &fresh) ? MR_OK : MR_FAIL;
}

/* Are these the values of the entry found last? Most rows of one key come together. */
static bool is_last(const mr_keyring *k, const mr_value *values) {
    if (!k->heads || k->last == MR_KEYRING_END) return false;
    const mr_value *last = mr_vec_at(&k->values, k->last * (size_t)k->n);
    for (unsigned i = 0; i < k->n; i++)
        if (values[i].kind != MR_INT || last[i].kind != MR_INT || values[i].u.i != last[i].u.i) return false;
    return true;
}

uint32_t mr_keyring_find(mr_keyring *k, const mr_value *values) {
    if (is_last(k, values)) return k->last;
    const key_head *head = find_head(k, values);
    return k->last = head ? head->first : MR_KEYRING_END;
}

uint32_t mr_keyring_number(const mr_keyring *k, uint32_t entry) {
    return ((keyring_entry *)mr_vec_at(&k->entries, entry))->number;
}

uint32_t mr_keyring_next(const mr_keyring *k, uint32_t entry) {
    return ((keyring_entry *)mr_vec_at(&k->entries, entry))->next;
}

const mr_value *mr_keyring_key(const mr_keyring *k, size_t i) {
    return mr_vec_at(&k->values, *(uint32_t *)mr_vec_at(&k->distinct, i) * (size_t)k->n);
}
