/*
 * collection_index.h: finds items in a large collection. Only for the files of this folder.
 *
 * Invariant: results are the same with and without an index.
 */
#ifndef MOONROW_ENTITY_COLLECTION_INDEX_H
#define MOONROW_ENTITY_COLLECTION_INDEX_H

#include "heap_private.h"

/* A position of the item, or UINT32_MAX. Makes the index if there is none. */
uint32_t mr_collection_index_find(mr_collection *c, const mr_entity *item);
/* Is the item in the collection? */
bool mr_collection_index_holds(mr_collection *c, const mr_entity *item);
/* Call these after each change of the items. Without an index they do nothing. */
void mr_collection_index_added(mr_collection *c, mr_entity *item, uint32_t at);
void mr_collection_index_removed(mr_collection *c, const mr_entity *item);
/* Frees the index. */
void mr_collection_index_drop(mr_env *env, mr_collection *c);

#endif
