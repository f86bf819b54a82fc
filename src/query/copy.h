/*
 * copy.h: the copy with which every function that adds a clause starts; for the files of src/query only.
 *
 * Invariant: a copy may be changed until its caller returns it; the original never is.
 */
#ifndef MOONROW_QUERY_COPY_H
#define MOONROW_QUERY_COPY_H

#include <moonrow/query.h>

/* A copy of the query that the caller may still change. One reference. */
mr_query *mr_query_copy(const mr_query *q);
/* Makes room for one more element behind the count elements of the array. Returns the array, which may have moved. On
 * failure the array is as before. */
void *mr_query_grow(mr_env *env, void *array, unsigned count, size_t element_size);
/* Add a reference, and give one back. NULL is allowed. */
mr_option_path *mr_option_path_retain(mr_option_path *path);
void mr_option_path_release(mr_env *env, mr_option_path *path);
/* The interned name; NULL for NULL. Sets *failed without memory. */
const char *mr_query_name(mr_env *env, const char *name, bool *failed);

#endif
