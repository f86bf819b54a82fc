/*
 * tables.h: the place of a class's rows in the order of a flush.
 *
 * Invariant: the place depends only on the mappings, never on objects.
 */
#ifndef MOONROW_FLUSH_TABLES_H
#define MOONROW_FLUSH_TABLES_H

#include <moonrow/mapper.h>

typedef struct flush_place {
    uint32_t component; /* rows are inserted by rising, and deleted by falling component */
    uint32_t rank;      /* order within the component */
    bool cyclic;        /* the component's tables refer to themselves or to each other */
} flush_place;

/* *out: the place of the mapper's root class among all classes of its registry. It is computed once for each version of
 * the registry. */
mr_status mr_flush_place_of(mr_mapper *mapper, flush_place *out);

#endif
