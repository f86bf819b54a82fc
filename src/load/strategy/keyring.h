/*
 * keyring.h: a map from keys of several values to numbers. Private to src/load.
 *
 * Invariant: a key may have several numbers; they are found in the order of adding.
 */
#ifndef MOONROW_LOAD_KEYRING_H
#define MOONROW_LOAD_KEYRING_H

#include <moonrow/base.h>

#define MR_KEYRING_END UINT32_MAX

/* Keys of n values, and the numbers that were added with them. A zeroed one may be passed to mr_keyring_done. */
typedef struct mr_keyring {
    mr_env *env;
    unsigned n;
    mr_vec values;   /* mr_value: owned copies, n for each entry */
    mr_vec entries;  /* keyring_entry */
    mr_vec distinct; /* uint32_t: the first entry of each key, in order */
    mr_map *heads;
    const mr_value *probe;
    uint32_t last; /* the entry found last, or MR_KEYRING_END */
} mr_keyring;

void mr_keyring_init(mr_keyring *k, mr_env *env, unsigned n);
void mr_keyring_done(mr_keyring *k);
/* Adds a number with a key. The values are copied. */
mr_status mr_keyring_add(mr_keyring *k, const mr_value *values, uint32_t number);
/* To walk through the numbers of a key: entry = find(values); while entry is not MR_KEYRING_END: number(entry), then
 * entry = next(entry). */
uint32_t mr_keyring_find(mr_keyring *k, const mr_value *values);
uint32_t mr_keyring_number(const mr_keyring *k, uint32_t entry);
uint32_t mr_keyring_next(const mr_keyring *k, uint32_t entry);
/* The values of the distinct key number i, borrowed. */
const mr_value *mr_keyring_key(const mr_keyring *k, size_t i);

#endif
