/*
 * seen.h: sets of things that a load has met: pairs of pointers, and rows. Private to src/load.
 *
 * Invariant: an empty set has no memory.
 */
#ifndef MOONROW_LOAD_SEEN_H
#define MOONROW_LOAD_SEEN_H

#include <moonrow/base.h>

typedef struct mr_pair {
    const void *a, *b;
} mr_pair;

/* A set of pairs; a is never NULL. All zero except env: an empty set. */
typedef struct mr_seen {
    mr_env *env;
    mr_pair *table;
    size_t cap, count;
} mr_seen;
void mr_seen_done(mr_seen *s);
/* Adds a pair. MR_OK: it is new; MR_NOTFOUND: it was there already. */
mr_status mr_seen_add(mr_seen *s, const void *a, const void *b);

/* A set of row numbers in an array with `width` values for each row. */
typedef struct mr_row_set {
    mr_env *env;
    uint32_t *table; /* row number + 1 */
    size_t cap, count;
} mr_row_set;
void mr_row_set_done(mr_row_set *s);
/* Adds row number `row` of rows. MR_OK: no equal row was there; MR_NOTFOUND: there was one, and nothing was added. */
mr_status mr_row_set_add(mr_row_set *s, const mr_value *rows, size_t width, size_t row);

#endif
