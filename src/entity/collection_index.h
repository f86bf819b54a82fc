/*
 * collection_index.h: finding an item of a large collection; for the files of entity only.
 */
#ifndef MOONROW_ENTITY_COLLECTION_INDEX_H
#define MOONROW_ENTITY_COLLECTION_INDEX_H

#include "heap_private.h"

/* Position of the item, or UINT32_MAX; makes the index where there is none. */
uint32_t mr_collection_index_find(mr_collection *c, const mr_entity *item);
bool mr_collection_index_holds(mr_collection *c, const mr_entity *item);
/* Must follow each change of the items while there is an index (none: nothing happens). */
void mr_collection_index_added(mr_collection *c, mr_entity *item, uint32_t at);
void mr_collection_index_removed(mr_collection *c, const mr_entity *item);
void mr_collection_index_drop(mr_env *env, mr_collection *c);

#endif
