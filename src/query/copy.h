/*
 * copy.h: private to src/query: the copy that every builder starts from.
 */
#ifndef MOONROW_QUERY_COPY_H
#define MOONROW_QUERY_COPY_H

#include <moonrow/query.h>

/* A query of one reference with the same content, which the caller may still change; NULL on failure. */
mr_query *mr_query_copy(const mr_query *q);
/* array with room for one more element at the end (count of them now); NULL on failure, array is then as
 * before. */
void *mr_query_grow(mr_env *env, void *array, unsigned count, size_t element_size);
/* A reference more, and one less (NULL passes). */
mr_option_path *mr_option_path_retain(mr_option_path *path);
void mr_option_path_release(mr_env *env, mr_option_path *path);
/* The interned name, NULL for NULL; sets *failed without memory. */
const char *mr_query_name(mr_env *env, const char *name, bool *failed);

#endif
