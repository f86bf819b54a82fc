/*
 * tables.h: where the rows of a class stand in a flush.
 */
#ifndef MOONROW_FLUSH_TABLES_H
#define MOONROW_FLUSH_TABLES_H

#include <moonrow/mapper.h>

typedef struct flush_place {
    uint32_t component; /* by rising component, rows are inserted; by falling, deleted */
    uint32_t rank;      /* within the component */
    bool cyclic;        /* the component's tables refer to themselves or to each other */
} flush_place;

/* The place of the mapper's root class among all of its registry. Kept until the registry's version rises. */
mr_status mr_flush_place_of(mr_mapper *mapper, flush_place *out);

#endif
