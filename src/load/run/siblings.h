/*
 * siblings.h: which objects were loaded together. Private to src/load.
 *
 * Invariant: a group holds no object. It knows them by their slot and generation in the heap, in the order of their
 * rows. An object is found in the group of the result that has given it last; and where that was read for an object of
 * another group, whose loop goes on, in that of this loop, too.
 */
#ifndef MOONROW_LOAD_SIBLINGS_H
#define MOONROW_LOAD_SIBLINGS_H

#include <moonrow/load.h>

/* The objects of one class that a result, or a statement for many objects, has given. */
typedef struct mr_group mr_group;

/* The loads that a group counts never come to these numbers. */
enum {
    MR_GROUP_ALONE = INT32_MAX,      /* no statement for several objects is tried any more */
    MR_GROUP_BATCHED = INT32_MAX - 1 /* there was one */
};

/* Makes a group of the objects, of which one may be there several times. Less than two make none. asker: the object
 * whose attribute they are; those of its own group stay in it: a walk over a result goes on through them. NULL: a query
 * gave them. */
mr_status mr_siblings_add(mr_env *env, mr_entity *const *entities, size_t n, const mr_entity *asker);
/* The group of the object. *index: its place. NULL: it is in none. The group lives until the next call of
 * mr_siblings_add, or the end of a trace of the heap. */
mr_group *mr_siblings_of(const mr_entity *entity, uint32_t *index);
/* The same for the group of a loop around the load that has made that one. NULL: the object was in none. */
mr_group *mr_siblings_around(const mr_entity *entity, uint32_t *index);
/* The next living object of the group behind the place. *index: its place. NULL: there is none. */
mr_entity *mr_siblings_next(const mr_group *group, uint32_t *index);
/* How many objects of the group have loaded the attribute by a statement of their own. The caller counts on. what: the
 * property, or another pointer that stands for what is loaded. NULL: no memory. */
uint32_t *mr_siblings_loads(mr_group *group, const void *what);
/* For tests: the number of groups, and of the objects that they name. */
size_t mr_siblings_count(mr_env *env, size_t *entries);

#endif
