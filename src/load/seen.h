/*
 * seen.h: sets of what a load has met: pairs of pointers, and rows. Private to src/load.
 */
#ifndef MOONROW_LOAD_SEEN_H
#define MOONROW_LOAD_SEEN_H

#include <moonrow/base.h>

typedef struct mr_pair {
    const void *a, *b;
} mr_pair;

/* A set of pairs; a is never NULL. Zeroed but for env: empty. */
typedef struct mr_seen {
    mr_env *env;
    mr_pair *table;
    size_t cap, count;
} mr_seen;
void mr_seen_done(mr_seen *s);
/* MR_OK: new, and added; MR_NOTFOUND: was there already. */
mr_status mr_seen_add(mr_seen *s, const void *a, const void *b);

/* A set of rows by number, within an array of width values each. */
typedef struct mr_row_set {
    mr_env *env;
    uint32_t *table; /* row number + 1 */
    size_t cap, count;
} mr_row_set;
void mr_row_set_done(mr_row_set *s);
/* Row number `row` of rows: MR_OK when no equal one is in the set (it is now), MR_NOTFOUND when there is one.
 */
mr_status mr_row_set_add(mr_row_set *s, const mr_value *rows, size_t width, size_t row);

#endif
