/*
 * copy.h: the copy with which every function that adds a clause starts; for the files of src/query only.
 *
 * Invariant: a copy may be changed until its caller returns it; the original never is.
 */
#ifndef MOONROW_QUERY_COPY_H
#define MOONROW_QUERY_COPY_H

#include <moonrow/query.h>

typedef struct mr_option_list mr_option_list;

/* A copy of the query that the caller may still change. One reference. */
mr_query *mr_query_copy(const mr_query *q);
/* Makes room for one more element behind the count elements of the array. Returns the array, which may have moved. On
 * failure the array is as before. */
void *mr_query_grow(mr_env *env, void *array, unsigned count, size_t element_size);
/* Add a reference, and give one back. NULL is allowed. */
mr_option_path *mr_option_path_retain(mr_option_path *path);
void mr_option_path_release(mr_env *env, mr_option_path *path);
/* option_list.c: the same for a list of options. */
mr_option_list *mr_option_list_retain(mr_option_list *list);
void mr_option_list_release(mr_env *env, mr_option_list *list);
/* Makes room for n more options behind those of the query, which the caller alone has. */
mr_status mr_option_list_reserve(mr_query *c, unsigned n);
/* The place of the query's next option, for which there is room. It counts as the query's. */
mr_option *mr_option_list_next(mr_query *c);
/* Gives the query a list that no other query shares, and that ends with its last option. */
mr_status mr_option_list_own(mr_query *c);
/* Leaves the first n options of a list of its own; those behind them are the caller's to release. */
void mr_option_list_cut(mr_query *c, unsigned n);
/* The interned name; NULL for NULL. Sets *failed without memory. */
const char *mr_query_name(mr_env *env, const char *name, bool *failed);

#endif
