/*
 * slab.h: memory for the blocks of entities, for the files of entity only.
 */
#ifndef MOONROW_ENTITY_SLAB_H
#define MOONROW_ENTITY_SLAB_H

#include <moonrow/base.h>

enum { SLAB_STEP = 8, SLAB_LARGEST = 1024, SLAB_CLASSES = SLAB_LARGEST / SLAB_STEP };

typedef struct slab_page slab_page;
typedef struct slab_chunk slab_chunk;

typedef struct mr_slab {
    mr_env *env;
    slab_page *room[SLAB_CLASSES]; /* by size: the pages that have a free block */
    slab_chunk *open, *full;       /* chunks with an unused page, and without one */
    size_t nchunks;
} mr_slab;

void mr_slab_init(mr_slab *slab, mr_env *env);
/* Gives everything back; blocks larger than SLAB_LARGEST are the caller's to free first. */
void mr_slab_done(mr_slab *slab);
/* size bytes, at a multiple of 8; NULL without memory. */
void *mr_slab_alloc(mr_slab *slab, size_t size);
/* size: what was asked for. */
void mr_slab_free(mr_slab *slab, void *block, size_t size);
/* The bytes that a block that lives in a page takes there. */
size_t mr_slab_size(void *block);
/* Does a block of the size live in a page, so that mr_slab_done frees it? */
bool mr_slab_holds(size_t size);

#endif
